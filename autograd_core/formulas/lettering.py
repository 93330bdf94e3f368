"""Names that come from users, as LaTeX."""

from __future__ import annotations

_GREEK = frozenset(
    ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
     "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi",
     "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega")
)  # fmt: skip

_ESCAPED = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\hat{\ }", "~": r"\sim ", " ": r"\ ",
}  # fmt: skip


def latex_name(name: str) -> str:
    """A name as it is set in formulas: one letter in italics, more upright; what follows an underscore below."""
    first, _, rest = name.partition("_")
    if not first or not rest:
        return _word(name)
    return f"{_word(first)}_{{{_word(rest)}}}"


def _word(text: str) -> str:
    if text in _GREEK:
        return f"\\{text}"
    escaped = "".join(_ESCAPED.get(letter, letter) for letter in text)
    return escaped if len(text) == 1 or text.isdigit() else rf"\mathrm{{{escaped}}}"
