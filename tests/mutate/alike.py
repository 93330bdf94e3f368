"""Mutants that compute the same but for rounding, and why: what tells them apart is not a derivative.

Samples cannot show that two ways to a number are the same; where they differ in the last digits only, a reason has to
be given here, or the mutant counts as a survivor.
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
_ORDER = "in which order the operands are contracted: the same sum of products"

ALIKE = (
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
        for target in ("determinants._transposed_inverse", "eig.vjps[0]", "symmetric._half_lower")
    ),
    *(Alike(target, "kind == 'c': always", _COMPLEX) for target in ("eig.vjps[0]", "qr.jvps[0]", "slogdet.vjps[0]")),
    Alike("eigh.vjps[0]", "symmetric_part(conjugate", "what is between the vectors is Hermitian, so the product is"),
    Alike(
        "eigvalsh.vjps[0]",
        "symmetric_part(conjugate",
        "between the vectors is a real diagonal, so the product is Hermitian",
    ),
    Alike("eigvalsh.jvps[0]", "symmetric_part(t)", "the real part of v^H t v is that of its Hermitian part"),
    *(
        Alike("einsum.vjps[0]", change, _ORDER)
        for change in ("False -> True", "None if optimize is None", "optimize is None", "optimize is not False")
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
    """Why ``mutant`` computes the same but for rounding; None if nobody has said."""
    return next((one.reason for one in ALIKE if mutant in one), None)
