"""The scalar form of every elementwise row, compiled, against its forward function: dtypes, numbers, special values."""

import itertools
import re

import numpy as np
import pytest

from autograd_core.compile.machine.scalar import expression, imports
from autograd_core.ops.activations import LEAKY_RELU, RELU
from autograd_core.ops.arithmetic import ADD, DIVIDE, MULTIPLY, POWER, SUBTRACT
from autograd_core.ops.comparison import EQUAL, LESS
from autograd_core.ops.complex_parts import NAN_TO_NUM
from autograd_core.ops.domain import Draw
from autograd_core.ops.exponential import EXP, SQRT
from autograd_core.ops.reshaping import ASTYPE
from autograd_core.ops.rounding import FLOOR, ROUND
from autograd_core.ops.selection import CLIP, MAXIMUM, WHERE
from autograd_core.ops.special import DIGAMMA
from autograd_core.ops.table import TABLE
from autograd_core.ops.trigonometric import SINC
from autograd_core.testing import rows

numba = pytest.importorskip("numba")
FUNCTIONS = pytest.importorskip("autograd_core.compile.machine.scalar_functions").FUNCTIONS
pytest.importorskip("scipy")

FLOATS = ("float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = ("bool", *INTEGERS, *FLOATS)
NUMBERS = (2, -3, 300, 0.5, True)

WRITTEN = [row for row in TABLE if row.source is not None]
WITHOUT = {  # SciPy's code for these is long, and nothing else has it
    "erfinv", "log_ndtr", "ndtri", "loggamma", "digamma", "polygamma", "betaln", "beta", "i0", "i1", "iv", "i0e",
    "i1e", "ive", "hyp1f1", "hazard",
}  # fmt: skip
PARAMS = {
    "round": [{"decimals": 0}, {"decimals": 2}, {"decimals": -1}],
    "leaky_relu": [{"negative_slope": 0.2}, {"negative_slope": -0.5}],
    "elu": [{"alpha": 1.0}, {"alpha": 0.5}],
    "sinc": [{"order": 0}],
    "nan_to_num": [{"nan": 0.0, "posinf": None, "neginf": -5.0}],
    "astype": [{"dtype": np.dtype(name)} for name in DTYPES],
}

# Errors allowed in units in the last place; what is not here must be right to the last bit. vector_math's own errors
# are held to closer bounds by its tests.
ULPS = {
    **dict.fromkeys(
        ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "tanh", "sin", "cos", "tan", "arcsin", "arccos",
         "arctan", "arctan2", "hypot", "sinh", "cosh", "arcsinh", "arccosh", "arctanh", "cbrt", "degrees", "radians",
         "sigmoid", "expit", "softplus", "log_expit", "erf", "float_power", "power", "angle", "elu", "sinc", "entr",
         "xlogy", "xlog1py", "logaddexp", "logaddexp2", "sigmoid_cross_entropy"), 6),
    **dict.fromkeys(("erfc", "gamma", "gammaln", "logit", "exprel", "rel_entr", "kl_div"), 40),
    "ndtr": 400,  # SciPy's own error in the tail
}  # fmt: skip

# Units are those of the largest term where the result is a small difference of terms.
TERMS = {
    "logaddexp": lambda x, y: np.maximum(np.abs(x), np.abs(y)),
    "logaddexp2": lambda x, y: np.maximum(np.abs(x), np.abs(y)),
    "sigmoid_cross_entropy": lambda targets, x: np.abs(x) * (1 + np.abs(targets)),
    "kl_div": lambda x, y: np.abs(x) + np.abs(y),
    "gammaln": np.ones_like,
    "sinc": np.ones_like,  # near its zeros all depends on how x * pi is rounded
    "sigmoid": lambda x: np.full_like(x, np.finfo(x.dtype).tiny / np.finfo(x.dtype).eps),  # NumPy's is 0 earlier
    "expit": lambda x: np.full_like(x, np.finfo(x.dtype).tiny / np.finfo(x.dtype).eps),
}
SIGNED_ZEROS = {"copysign", "negative", "floor", "ceil", "rint", "trunc", "sqrt", "remainder", "floor_divide", "fmod"}

# -- cases -------------------------------------------------------------------------------------------------------------


def arity(row):
    return 1 + max(int(digit) for digit in "012" if f"{{{digit}}}" in row.source)


def special(dtype):
    """Values of a dtype where something may go wrong."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        values = [0.0, limits.smallest_subnormal, limits.tiny, 1e-20, 1e-3, 0.3, 0.5, 0.9, 1.0, 1.5, 2.0, 2.5, 3.0, 7.3]
        values += [20.0, 90.0, 150.0, 1e6, limits.max, np.inf]
        return np.array([*values, *[-v for v in values], np.nan], dtype)
    limits = np.iinfo(dtype)
    values = {0, 1, 2, 3, 5, 7, 8, 31, 33, 64, 100, limits.max, limits.max - 1, limits.min, limits.min + 1}
    return np.array(sorted(values | ({-1, -2, -3, -8, -33, -100} if dtype.kind == "i" else set())), dtype)


def every_pair(kinds):
    """Operands: all combinations of special values (of some of them, for three arrays); numbers as they are."""
    values = [special(kind) for kind in kinds if isinstance(kind, str)]
    if len(values) > 2:
        values = [v[:: 1 + len(v) // 12] for v in values]
    grids = iter(np.meshgrid(*values, indexing="ij"))
    return [next(grids).ravel() if isinstance(kind, str) else kind for kind in kinds]


def drawn(row, kind):
    """What the row's own tests draw, in the dtype ``kind``."""
    generator = np.random.default_rng(0)
    draw = Draw(lambda low, high: int(generator.integers(low, high + 1)), kind)
    samples = [np.broadcast_arrays(*rows.sample(row, draw).args) for _ in range(8)]
    return [np.concatenate([a.ravel().astype(kind) for a in each]) for each in zip(*samples, strict=True)]


class Case:
    """One row on operands of ``kinds``: dtypes' names, and Python numbers."""

    def __init__(self, row, kinds, params):
        self.row, self.kinds, self.params = row, kinds, params
        self.use(every_pair(kinds))
        self.form = form(row, *kinds, result=self.expected.dtype, **params)

    def use(self, arrays):
        """Take ``arrays`` for operands."""
        self.arrays = arrays
        with np.errstate(all="ignore"):
            self.expected = np.asarray(self.row.impl(*arrays, **self.params))

    def __str__(self):
        return f"{self.row.name}({', '.join(map(str, self.kinds))}, {self.params}): {self.form}"

    def check(self, got):
        """``got`` are the expected values."""
        right = (got == self.expected) | ((got != got) & (self.expected != self.expected))
        if self.expected.dtype.kind == "f" and self.row.name in ULPS:
            right |= self.near(got)
        if self.expected.dtype.kind == "f" and self.row.name in SIGNED_ZEROS:
            right &= np.isnan(self.expected) | (np.signbit(got) == np.signbit(self.expected))
        right |= self.left_open()
        bad = np.flatnonzero(~right)
        given = [[a[i] if isinstance(a, np.ndarray) else a for a in self.arrays] for i in bad[:6]]
        assert not bad.size, f"{self}\nat {given}\n{got[bad[:6]]}, not {self.expected[bad[:6]]}; {bad.size} are wrong"

    def near(self, got):
        """Where ``got`` is within the row's error; infinite instead of the largest numbers counts too."""
        expected, limits = self.expected, np.finfo(self.expected.dtype)
        with np.errstate(all="ignore"):
            unit = np.spacing(np.minimum(np.abs(expected), limits.max))
            if self.row.name in TERMS:
                terms = TERMS[self.row.name](*[np.asarray(a, expected.dtype) for a in self.arrays])
                unit = np.where(np.isfinite(terms), np.maximum(unit, np.spacing(terms)), unit)
            if self.row.name == "sigmoid_cross_entropy" and {"float32", "int16", "uint16"} & set(self.kinds):
                unit = unit * (np.finfo("float32").eps / limits.eps)  # a part of it is in float32
            largest = (np.abs([got, expected]) > limits.max / 1.001).all(0) & (np.sign(got) == np.sign(expected))
            return (np.abs(got - expected) <= ULPS[self.row.name] * unit) | largest

    def left_open(self):
        """Where there is no right value: C's conversion of numbers too large, and roots as powers in older NumPys."""
        x = self.arrays[0]
        if self.row is POWER and self.kinds[1] == 0.5:
            return x == -np.inf
        if self.row is ASTYPE and self.expected.dtype.kind in "iu" and x.dtype.kind == "f":
            limits = np.iinfo(self.expected.dtype)
            return ~((x > limits.min - 1) & (x < limits.max))
        if self.row is ROUND and self.expected.dtype.kind in "iu":  # by way of float64 for decimals below 0
            return np.abs(x.astype(float)) >= 2.0**62
        return False


def cases(*kinds):
    """Cases of all rows that NumPy applies to such operands, and that have a scalar form there."""
    for row in WRITTEN:
        if arity(row) != len(kinds):
            continue
        for params in PARAMS.get(row.name, [{}]):
            try:
                case = Case(row, kinds, params)
            except (TypeError, ValueError, OverflowError):
                continue  # NumPy refuses
            if case.form is not None:
                yield case


def form(row, *kinds, result, **params):
    """The expression on operands ``a0``, ``a1``, ..."""
    names = [f"a{i}" if isinstance(kind, str) else kind for i, kind in enumerate(kinds)]
    return expression(row, names, [kind if isinstance(kind, str) else None for kind in kinds], result, params)


def compiled(kinds, forms):
    """Kernel of one loop: writes the value of each form to an array of its own."""
    names = frozenset().union(*[names for _, names in forms])
    arrays = [i for i, kind in enumerate(kinds) if isinstance(kind, str)]
    arguments = [*[f"x{i}" for i in arrays], *[f"out{i}" for i in range(len(forms))]]
    lines = [
        *imports(names),
        f"def kernel({', '.join(arguments)}):",
        f"    for i in range(x{arrays[0]}.size):",
        *[f"        a{i} = x{i}[i]" for i in arrays],
        *[f"        out{i}[i] = {text}" for i, (text, _) in enumerate(forms)],
    ]
    space = {}
    exec("\n".join(lines), space)
    return numba.njit(error_model="numpy")(space["kernel"])


def check_all(kinds):
    """All rows on operands of ``kinds``, in one kernel, which saves time; then on what each row draws."""
    found = list(cases(*kinds))
    assert found
    kernel = compiled(kinds, [case.form for case in found])

    def values(arrays):
        size = max(np.size(a) for a in arrays)
        outs = [np.empty(size, case.expected.dtype) for case in found]
        kernel(*[a for a in arrays if isinstance(a, np.ndarray)], *outs)
        return outs

    for case, got in zip(found, values(found[0].arrays), strict=True):
        case.check(got)
    if len(set(kinds)) == 1 and kinds[0] in FLOATS:
        for index, case in enumerate(found):
            case.use(drawn(case.row, kinds[0]))
            case.check(values(case.arrays)[index])


FEW = [
    ("float32",), ("float64",), ("int32",), ("float32", "float32"), ("int32", "float32"), ("int64", "int64"),
    ("uint8", "int8"), ("float32", 2), ("bool", "float32", 0.5), ("float32", -1, 2.5),
]  # fmt: skip
ALL = [
    *[(kind,) for kind in DTYPES],
    *itertools.product(DTYPES, DTYPES),
    *itertools.product(DTYPES, NUMBERS),
    *itertools.product(NUMBERS, DTYPES),
    *[("bool", x, y) for x, y in itertools.product(("bool", "int8", "float32", 1, 0.5), ("uint8", "float64", 2))],
    *[(x, y, z) for x, y, z in itertools.product(("int16", "float32"), ("float64", "int16", 0), ("int64", 1, 2.5))],
]


@pytest.mark.parametrize("kinds", FEW, ids=str)
def test_values(kinds):
    check_all(kinds)


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [kinds for kinds in ALL if kinds not in FEW], ids=str)
def test_values_of_all_dtypes(kinds):
    check_all(kinds)


# -- forms -------------------------------------------------------------------------------------------------------------


def test_rows_without_a_form_are_known():
    assert {row.name for row in TABLE if row.elementwise and row.source is None} == WITHOUT


@pytest.mark.parametrize(
    ("row", "kinds", "result", "params", "text"),
    [
        (ADD, ("float32", "float32"), "float32", {}, "a0 + a1"),
        (ADD, ("float32", 2), "float32", {}, "a0 + float32(2.0)"),
        (ADD, ("float64", 0.5), "float64", {}, "a0 + 0.5"),
        (ADD, ("int8", "float32"), "float32", {}, "float32(a0) + a1"),
        (ADD, ("int8", "int8"), "int8", {}, "int8(a0 + a1)"),
        (ADD, ("int64", 1), "int64", {}, "a0 + 1"),
        (ADD, ("bool", "bool"), "bool", {}, "a0 | a1"),
        (ADD, (2, 0.5), "float64", {}, "2.5"),
        (ADD, ("float32", np.float64(2)), "float64", {}, "float64(a0) + 2.0"),  # a scalar of NumPy's is not weak
        (DIVIDE, ("int32", 2), "float64", {}, "float64(a0) / 2.0"),
        (RELU, ("float32",), "float32", {}, "at_least(a0, float32(0.0))"),
        (LEAKY_RELU, ("float64",), "float64", {"negative_slope": 0.2}, "select(a0 > 0.0, a0, a0 * 0.2)"),
        (WHERE, ("bool", "float32", 0), "float32", {}, "select(a0, a1, float32(0.0))"),
        (CLIP, ("float32", -1, 1), "float32", {}, "at_most(at_least(a0, float32(-1.0)), float32(1.0))"),
        (POWER, ("float32", 2), "float32", {}, "a0 * a0"),
        (POWER, ("float32", 0.3), "float32", {}, "pow_f32(a0, float32(0.3))"),
        (EXP, ("float32",), "float32", {}, "exp_f32(a0)"),
        (EXP, ("int32",), "float64", {}, "exp_f64(float64(a0))"),
        (FLOOR, ("int16",), "int16", {}, "a0"),
        (ASTYPE, ("float32",), "float64", {"dtype": np.dtype(float)}, "float64(a0)"),
        (EQUAL, ("bool", "int8"), "bool", {}, "int8(a0) == a1"),
    ],
    ids=str,
)  # fmt: skip
def test_text(row, kinds, result, params, text):
    assert form(row, *kinds, result=result, **params)[0] == text


@pytest.mark.parametrize(
    ("row", "kinds", "result", "params"),
    [
        (DIGAMMA, ("float64",), "float64", {}),
        (ADD, ("complex128", "float64"), "complex128", {}),
        (ADD, ("float16", "float16"), "float16", {}),
        (EXP, ("int8",), "float16", {}),
        (SUBTRACT, ("bool", "bool"), "bool", {}),
        (POWER, ("int32", "int32"), "int32", {}),
        (LESS, ("int8", 300), "bool", {}),
        (SINC, ("float64",), "float64", {"order": 1}),
        (ASTYPE, ("float64",), "complex128", {"dtype": np.dtype(complex)}),
        (NAN_TO_NUM, ("float64",), "float64", {"nan": np.ones(3), "posinf": None, "neginf": None}),
    ],
    ids=str,
)  # fmt: skip
def test_no_form(row, kinds, result, params):
    """Then the emitter calls the forward function, which computes, or raises NumPy's error."""
    assert form(row, *kinds, result=result, **params) is None


def test_functions_are_where_imports_says():
    for name in sorted(FUNCTIONS):
        space = {}
        (line,) = imports({name})
        exec(line, space)
        assert space[name] is FUNCTIONS[name]
    assert {"exp_f32", "pow_f64", "select", "gamma"} <= FUNCTIONS.keys()


def test_imports():
    _, names = form(RELU, "float32", result="float32")
    assert imports(names) == [
        "from autograd_core.compile.machine.scalar_functions import at_least",
        "from numpy import float32",
    ]


@pytest.mark.parametrize("row", [ADD, MULTIPLY, MAXIMUM, RELU, LEAKY_RELU, EXP, SQRT, FLOOR, WHERE], ids=str)
def test_vectorised(row):
    """LLVM loads several entries at once: no branch and no call is in the way."""
    kinds = ("bool", "float32", "float32") if row is WHERE else ("float32",) * arity(row)
    kernel = compiled(kinds, [form(row, *kinds, result="float32", **PARAMS.get(row.name, [{}])[0])])
    kernel(*[np.ones(8, kind) for kind in kinds], np.empty(8, np.float32))
    (text,) = kernel.inspect_llvm().values()
    assert re.search(r"load <\d+ x float>", text)
