"""Names as LaTeX: a Greek letter where a name is one, a letter as it is, a word in italics."""

from __future__ import annotations

GREEK = (
    "alpha", "beta", "delta", "epsilon", "eta", "theta", "kappa", "mu", "nu", "pi", "rho", "sigma", "tau", "omega",
)  # fmt: skip
LETTERS = {
    "phi": r"\phi", "phi'": r"\phi'", "phi_next": r"\phi'", "reward": "R", "gamma": r"\gamma", "lam": r"\lambda",
    "rbar": r"\bar r", "index": "j", **{name: rf"\{name}" for name in GREEK},
}  # fmt: skip
_SPECIAL = {"\\": r"\textbackslash ", **{c: f"\\{c}" for c in "{}_&%#$"},
            "^": r"\textasciicircum ", "~": r"\textasciitilde "}  # fmt: skip


def text_latex(text: str) -> str:
    r"""Any text as LaTeX within a formula.

    >>> text_latex("td_error")
    '\\text{td\\_error}'
    """
    return rf"\text{{{''.join(_SPECIAL.get(c, c) for c in text)}}}"


def symbol(name: str) -> str:
    r"""A name as LaTeX.

    >>> symbol("lam"), symbol("w"), symbol("total"), symbol("phi_left")
    ('\\lambda', 'w', '\\mathit{total}', '\\phi^{\\mathrm{left}}')
    """
    if name in LETTERS:
        return LETTERS[name]
    if len(name) == 1 and name.isalpha():
        return name
    front, _, rest = name.partition("_")
    if rest.isalpha() and rest.isascii() and (front in LETTERS or (len(front) == 1 and front.isalpha())):
        return rf"{symbol(front)}^{{\mathrm{{{rest}}}}}"
    plain = name.replace("_", "")
    return rf"\mathit{{{name.replace('_', chr(92) + '_')}}}" if plain.isalnum() else text_latex(name)
