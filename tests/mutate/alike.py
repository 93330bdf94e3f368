"""Mutants that compute the same but for rounding, and why: what tells them apart is not a derivative.

Samples cannot show that two ways to a number are the same; where they differ in the last digits only, a reason has to
be given here, or the mutant counts as a survivor. Of the engine's walk a reason is asked also where all small programs
give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from .mutant import Mutant


@dataclass(frozen=True)
class Alike:
    """Changes of ``target`` whose words contain ``change``, and why they compute the same."""

    target: str
    change: str
    reason: str

    def __contains__(self, mutant: Mutant) -> bool:
        return mutant.target == self.target and self.change in mutant.change


_FAST = "a short cut for plain arrays, taken or not: the general way computes the same product or sum"
_COPY = "a copy of the transposed matrix, which BLAS reads faster: the same numbers"
_DOT = "ct @ y.T and y @ ct are the same for a vector ct"
_ROWS = "x.T @ ct and rows_of(x).T @ rows_of(ct) are the same for two matrices"
_EYE = "an identity in double precision: the result is rounded to the argument's dtype in the end"
_REAL = "the engine drops the imaginary part of a real result's tangent"
_COMPLEX = "of a real matrix the imaginary part that is subtracted is 0"
_UNITARY = "of a square matrix nothing sticks out of the span of its singular vectors, which is the whole space"
_PIECES = "the rows of a matrix product may be computed in any number of pieces"
_REAL_PART = "the real part of what is real already is that"
_SAME_DTYPE = "a conversion to the dtype that it has already copies it"
_ASTYPE = "NumPy 2.0's astype does not take NumPy's scalars; later ones do"
_LENGTHS = "a check of lengths that always agree, or the default spelled out"
_UNUSED = "zeros_win, which looks at entries alone, is given the position as all functions that look at edges are"
_SYMMETRIC = "an equality is symmetric, and so is a sum"
_GENERAL = "a short cut for speed: the general way calls the rule with the same arguments, and sums over no axes"

OF_ENGINE = (
    Alike("cotangents.fit", "if ct.shape != value.shape: always", _GENERAL),
    Alike("cotangents.fit", "ct.dtype.kind == 'c' and value.dtype.kind != 'c': term 0 dropped", _REAL_PART),
    Alike("cotangents.fit", "if ct.dtype != value.dtype: always", _SAME_DTYPE),
    *(Alike("cotangents.fit", change, _ASTYPE) for change in ("always the first", "ct -> value")),
    Alike("cotangents.unbroadcast", "term 1 dropped", "what has the shape already is broadcast to it as it is"),
    *(Alike("cotangents.complete", change, _LENGTHS) for change in ("strict dropped", "True -> False")),
    Alike("backward.zeros_win", "contribution -> ct", "a zero of another dtype: the edge gives it the argument's"),
    *(Alike("backward._zeros_win_if_needed", change, _UNUSED) for change in ("index -> rule", "index -> node")),
    *(
        Alike("backward.vanishes", f"np.equal({array}, 0): arguments 0 and 1 swapped", _SYMMETRIC)
        for array in ("incoming", "slope")
    ),
    Alike(
        "backward._has_nan",
        "sources -> found",
        "a walk that is repeated for a NaN at another leaf, with zeros winning, changes no source without one",
    ),
    Alike("backward._has_nan", "Tensor else ct: always the second", "of a Tensor the same is computed, and recorded"),
    Alike("backward._has_nan", "array.ravel(): always the second", "ravel gives an array of one axis as it is"),
    *(
        Alike("forward._plus", change, "there are two tuples or none, and a sum is symmetric")
        for change in ("total -> part", "arguments 1 and 2 swapped")
    ),
    Alike("forward._conform", "if tangent.shape != value.shape: always", "a broadcast to the shape it has already"),
    Alike("forward._conform", "tangent.dtype.kind == 'c' and value.dtype.kind != 'c': term 0 dropped", _REAL_PART),
    Alike("forward._conform", "if tangent.dtype != value.dtype: always", _SAME_DTYPE),
    *(
        Alike("forward._conform", change, _ASTYPE)
        for change in ("np.asarray(ta...: always the first", "np.asarray(tangent): its argument")
    ),
    Alike("shapes.broadcasts_into", "strict dropped", _LENGTHS),
    Alike("backward._walk", "len(args): its argument in place of the call", _GENERAL),
    Alike("backward._walk", "add(before, contribution, before): arguments 0 and 1 swapped", _SYMMETRIC),
    *(
        Alike(
            "backward._walk",
            f"owned.discard(parent): {change}",
            "a Tensor goes on as the sum if it is added to in place",
        )
        for change in ("dropped", "its argument")
    ),
    Alike("forward._tangent", "strict dropped", _LENGTHS),
    Alike("forward._tangent", "_plus(total, part): arguments 0 and 1 swapped", _SYMMETRIC),
)

ALIKE = (
    *OF_ENGINE,
    *(
        Alike("add_bias.vjps[1]", change, _FAST)
        for change in (
            "ct.__class__ is not np.ndarray or",
            "ct.dtype.char not in 'fd': NotIn -> In",
            "ct -> b",
            "3 -> 4",
            "ct.ndim < 3: Lt -> LtE",
            "not ct.flags.c_contiguous: Not dropped",
        )
    ),
    Alike("add_bias.vjps[1]", "1 -> 2", "what is not summed here is summed by the engine, which undoes broadcasts"),
    Alike("add_bias.vjps[1]", "the rule of argument 0", "the engine sums a cotangent to the shape of its argument"),
    *(Alike("affine.vjps[0]", change, _DOT) for change in ("1 -> 0", "ct @ y.T if x.ndim > 1", "x -> y", "x.ndim > 1")),
    *(
        Alike("affine.vjps[0]", change, _FAST)
        for change in (
            "2 -> 1",
            "2 -> 3",
            "ct -> b",
            "y -> b",
            "ct.__class__ is y.__class__ is np.ndarray",
            "ct.ndim == y.ndim == 2",
        )
    ),
    *(
        Alike(f"{row}.vjps[0]", change, _COPY)
        for row in ("affine", "matmul")
        for change in ("y.T.copy()", "y.shape[1] <= 16", "y.size > 2048")
    ),
    *(Alike("matmul.vjps[0]", change, _DOT) for change in ("1 -> 0", "ct @ y.T if x.ndim > 1", "x -> y", "x.ndim > 1")),
    *(
        Alike("affine.vjps[1]", change, _FAST)
        for change in (
            "1 -> 0",
            "ct -> b",
            "ct.__class__ is x.__class__ is np.ndarray",
            "if x.ndim == 1: never",
            "x -> y",
        )
    ),
    *(
        Alike(f"{row}.vjps[1]", change, _ROWS)
        for row in ("affine", "matmul")
        for change in ("2 -> 1", "if y.ndim == 2", "y -> x")
    ),
    *(Alike("affine.vjps[1]", change, _ROWS) for change in ("2 -> 3", "y -> b", "y.ndim == 2: Eq")),
    *(
        Alike("affine.vjps[2]", change, _FAST)
        for change in (
            "_ones(len(rows)",
            "ct -> b",
            "ct.dtype.char in 'fd'",
            "ct.ndim == 1",
            "if ct.__class__ is not np.ndarray",
        )
    ),
    *(
        Alike(target, "dtype dropped", _EYE)
        for target in (
            "determinants._transposed_inverse",
            "eig.vjps[0]",
            "gaps.off_diagonal",
            "gaps.spread_out",
            "symmetric._half_lower",
        )
    ),
    *(Alike(target, "kind == 'c': always", _COMPLEX) for target in ("eig.vjps[0]", "qr.jvps[0]", "slogdet.vjps[0]")),
    Alike(
        "gaps.shared",
        "dtype=x.dtype): dtype dropped",
        "how many share, as an integer: the result is rounded to the argument's dtype in the end",
    ),
    Alike("eigh.vjps[0]", "symmetric_part(conjugate", "what is between the vectors is Hermitian, so the product is"),
    Alike(
        "eigvalsh.vjps[0]",
        "symmetric_part(conjugate",
        "between the vectors is a real diagonal, so the product is Hermitian",
    ),
    Alike("eigvalsh.jvps[0]", "symmetric_part(t)", "the real part of v^H t v is that of its Hermitian part"),
    Alike(
        "einsum.vjps[0]",
        "optimize = False if optimize is False else None: dropped",
        "in which order the operands are contracted: the same sum of products",
    ),
    *(
        Alike(
            "log_sums._part",
            f"np.isinf(x) & np.equal(x, total): {change}",
            "where x equals a finite total all else is less than rounding",
        )
        for change in ("BitAnd -> BitOr", "right operand alone")
    ),
    *(
        Alike("lstm.vjps[0]", change, "the same sums, in NumPy's names or in place")
        for change in ("if any((value.__class__", "any((value.__class__")
    ),
    *(
        Alike("sigmoid.vjps[0]", change, "the three factors in one array or in new ones, in another order")
        for change in (
            "ct -> x",
            "ct.__class__ is not np.ndarray",
            "ct.dtype is not ans.dtype",
            "ct.shape != ans.shape",
            "np.multiply(slope,",
        )
    ),
    Alike(
        "signals._pulled",
        "np.convolve(full, np.flip(other), 'valid')",
        "a convolution does not mind which of two signals is first",
    ),
    *(
        Alike(rule, f"ct.ndim == {other}.ndim == 2: Eq -> NotEq", _FAST)
        for rule, other in (("matmul.vjps[0]", "y"), ("affine.vjps[1]", "x"))
    ),
    *(
        Alike("recurrent._in_pieces", change, _PIECES)
        for change in (
            "1 -> 2",
            "rows % n: operands swapped",
            "matrix.reshape(count, rows // count, inner): arguments 0 and 1 swapped",
        )
    ),
    Alike(
        "recurrent._forward", "order dropped", "how the copy of a matrix lies in memory, which BLAS reads either way"
    ),
    Alike(
        "cross_entropy._error", "logits -> labels", "zeros and ones of any dtype are exact; int64 makes float32 double"
    ),
    Alike("standardize.vjps[0]", "any((value.__class__", "the same sums, in one step or composed of operations"),
    Alike(
        "standardize._pull", "_sum_to(ct_y, offset): its", "the engine sums a cotangent to the shape of its argument"
    ),
    Alike("matrices.conjugate", "always the first", "the conjugate of a real number is that number"),
    *(
        Alike(
            f"cofactors_along{rule}",
            "arguments 2 and 3 swapped",
            "derivatives of det are symmetric in their directions",
        )
        for rule in (".vjps[0]", ".jvps[0]", "_two.vjps[1]", "_two.vjps[2]", "_two.jvps[1]", "_two.jvps[2]")
    ),
    Alike("sinc.vjps[0]", "always the first", "SINC and sinc_derivative are one function, of Tensors and of arrays"),
    *(Alike(target, "np.real(t *", _REAL) for target in ("std.jvps[0]", "var.jvps[0]", "vector_norm.jvps[0]")),
    *(
        Alike(f"svd.{rule}", change, _UNITARY)
        for rule in ("vjps[0]", "jvps[0]")
        for change in (
            "u.shape[-2] > u.shape[-1]: always",
            "vh.shape[-1] > vh.shape[-2]: always",
            "u.shape[-2] > u.shape[-1]: Gt",
            "vh.shape[-1] > vh.shape[-2]: Gt",
        )
    ),
)


def reason(mutant: Mutant) -> str | None:
    """Why ``mutant`` computes the same, but for rounding; None if nobody has said."""
    return next((one.reason for one in ALIKE if mutant in one), None)
