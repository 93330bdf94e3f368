"""What usually helps against a NaN or an infinity, by the operation that made it."""

from __future__ import annotations

_LOGARITHM = (
    "A logarithm needs a positive argument: of a probability take log_softmax or a loss of logits, of 1 + x take "
    "log1p, of x * log(x) take xlogy; or keep the argument away from 0 with np.maximum(x, 1e-12)."
)
_DIVISION = (
    "Nothing may be divided by 0: add a small epsilon to the divisor; where a result is not wanted choose a harmless "
    "divisor before dividing, x / np.where(mask, y, 1.0), since np.where on the result comes too late."
)
_EXPONENTIAL = (
    "The result is too large for its dtype: subtract the maximum before (softmax and logsumexp do), work with "
    "logarithms, or use float64."
)
_ROOT = (
    "A root needs an argument of at least 0, and its derivative is infinite at 0 itself: add a small epsilon under the "
    "root, or use np.hypot or np.linalg.norm, which are safe at 0."
)
_INVERSE = "The argument must lie inside the function's domain, and for a finite derivative not at its end: np.clip it."
_POWER = (
    "A negative number has no fractional power, and 0 no negative one; the derivative of x**p with p < 1 is infinite "
    "at 0. Keep the base positive, np.maximum(x, epsilon), or use an integer exponent."
)
_SUM = (
    "The numbers have grown too large for their dtype: lower the learning rate, clip the gradients "
    "(clipnorm), normalise the inputs, or use float64."
)
_MATRIX = "The matrix is singular or nearly so: add a small multiple of the identity, or use np.linalg.lstsq or pinv."
_SPREAD = "Of equal numbers the spread is 0, where its derivative is not finite: add a small epsilon."
_MASKED = "All entries were masked (-inf), or one is infinite: leave at least one finite entry, or mask with -1e9."

EMPTY = "Look at where the array has lost its entries (an index, a mask, a filter): the mean of nothing is a NaN."

_BY_NAME = {
    **dict.fromkeys(("log", "log2", "log10", "log1p", "xlog1py", "logit", "entr", "rel_entr", "kl_div"), _LOGARITHM),
    **dict.fromkeys(("divide", "reciprocal", "remainder", "fmod", "floor_divide"), _DIVISION),
    **dict.fromkeys(("exp", "exp2", "expm1", "sinh", "cosh", "exprel", "gamma", "i0", "i1"), _EXPONENTIAL),
    **dict.fromkeys(("sqrt", "cbrt"), _ROOT),
    **dict.fromkeys(("arcsin", "arccos", "arctanh", "arccosh", "erfinv", "ndtri", "tan"), _INVERSE),
    **dict.fromkeys(("power", "float_power"), _POWER),
    **dict.fromkeys(
        ("inv", "solve", "solve_triangular", "det", "slogdet", "cholesky", "eigh", "svd", "eig", "qr", "lstsq"), _MATRIX
    ),
    **dict.fromkeys(("std", "standardize", "vector_norm"), _SPREAD),
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp"), _MASKED),
}


def cure_for(operation: str) -> str:
    """What usually helps, in a sentence or two."""
    return _BY_NAME.get(operation, _SUM)
