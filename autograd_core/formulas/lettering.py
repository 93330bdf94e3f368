"""Names that come from users, as LaTeX."""

from __future__ import annotations

import unicodedata

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
    name = unicodedata.normalize("NFKC", name)
    first, _, rest = name.partition("_")
    if not first or not rest:
        return _word(name)
    return f"{_word(first)}_{{{_word(rest)}}}"


def _word(text: str) -> str:
    if text in _GREEK:
        return f"\\{text}"
    if len(text) == 1 and not text.isascii():
        return _foreign(text)
    escaped = "".join(_ESCAPED.get(letter, letter) for letter in text)
    if not text.isascii():
        return rf"\text{{{escaped}}}"
    return escaped if len(text) == 1 or text.isdigit() else rf"\mathrm{{{escaped}}}"


def _foreign(letter: str) -> str:
    """A letter that LaTeX has a command for, or else one in a text."""
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"] and words[1:-1] in (["SMALL", "LETTER"], ["CAPITAL", "LETTER"]):
        name = words[-1].lower() if words[1] == "SMALL" else words[-1].capitalize()
        name = {"lamda": "lambda", "Lamda": "Lambda"}.get(name, name)  # as Unicode spells it
        if name in _GREEK:
            return f"\\{name}"
    return rf"\text{{{letter}}}"
