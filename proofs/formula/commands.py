"""The LaTeX commands that formulas may use (all in amsmath and amssymb), with the characters they stand for."""

from __future__ import annotations

import unicodedata
from string import ascii_letters

_SMALL = (
    "alpha", "beta", "gamma", "delta", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho",
    "sigma", "tau", "upsilon", "chi", "psi", "omega",
)  # fmt: skip
_CAPITAL = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega")


def _greek(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    return unicodedata.lookup(f"GREEK {case} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")


GREEK_AND_LETTERS = {
    **{name: _greek(name) for name in (*_SMALL, *_CAPITAL)},
    "epsilon": "ϵ", "varepsilon": "ε", "phi": "ϕ", "varphi": "φ", "vartheta": "ϑ", "varrho": "ϱ", "ell": "ℓ",
    "top": "⊤", "bot": "⊥", "infty": "∞", "partial": "∂", "nabla": "∇", "emptyset": "∅", "forall": "∀",
    "exists": "∃", "checkmark": "✓", "prime": "′", "dagger": "†", "hbar": "ℏ", "%": "%", "#": "#", "$": "$",
    "&": "&", "_": "_",
}  # fmt: skip
"""Commands that stand for a letter or a sign used like one."""

OPERATORS = {
    "cdot": "⋅", "times": "×", "pm": "±", "mp": "∓", "circ": "∘", "otimes": "⊗", "oplus": "⊕", "odot": "⊙",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "equiv": "≡", "sim": "∼",
    "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪", "cap": "∩", "setminus": "∖",
    "to": "→", "rightarrow": "→", "leftarrow": "←", "gets": "←", "mapsto": "↦", "Rightarrow": "⇒", "implies": "⟹",
    "iff": "⟺", "Leftrightarrow": "⇔", "longrightarrow": "⟶", "leftrightarrow": "↔", "ll": "≪", "gg": "≫",
    "propto": "∝", "mid": "∣", "parallel": "∥", "perp": "⟂", "colon": ":", "land": "∧", "lor": "∨", "neg": "¬",
    "dots": "…", "ldots": "…", "cdots": "⋯", "vdots": "⋮", "ddots": "⋱", "star": "⋆", "ast": "∗", "bullet": "∙",
    "sum": "∑", "prod": "∏", "int": "∫", "bigcup": "⋃", "bigcap": "⋂", "bigoplus": "⨁",
}  # fmt: skip
"""Binary operators, relations, dots and big operators."""

BIG = frozenset("∑∏∫⋃⋂⨁")
RELATIONS = frozenset("=<>≤≥≠≈≡∼∈∉⊂⊆→←↦⇒⟹⟺⇔⟶↔≪≫∝")

FUNCTIONS = frozenset({
    "max", "min", "sup", "inf", "lim", "limsup", "liminf", "log", "ln", "exp", "sin", "cos", "tan", "sinh", "cosh",
    "tanh", "det", "dim", "ker", "deg", "gcd", "arg", "Pr",
})  # fmt: skip
"""Functions whose name is set upright."""

SPACES = {",": 0.1667, ":": 0.2222, ">": 0.2222, ";": 0.2778, "!": -0.1667, " ": 0.25, "quad": 1.0, "qquad": 2.0}
STYLES = {
    "text": "text", "textrm": "text", "mathrm": "rm", "operatorname": "rm", "mathit": "it", "mathbf": "bf",
    "mathtt": "tt", "texttt": "tt", "mathsf": "rm", "mathbb": "bb", "mathcal": "cal",
}  # fmt: skip
ACCENTS = {
    "hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "widetilde": "~", "vec": "→", "dot": "˙",
    "ddot": "¨", "underline": "_", "overbrace": "⏞", "underbrace": "⏟",
}  # fmt: skip
SIZES = {
    f"{size}{side}": scale
    for size, scale in (("big", 1.2), ("Big", 1.8), ("bigg", 2.4), ("Bigg", 3.0))
    for side in ("l", "r", "")
}
DELIMITERS = {
    "\\{": "{", "\\}": "}", "\\lbrace": "{", "\\rbrace": "}", "\\langle": "⟨", "\\rangle": "⟩", "\\|": "‖",
    "\\vert": "|", "\\Vert": "‖", "\\lvert": "|", "\\rvert": "|", "\\lVert": "‖", "\\rVert": "‖", "\\lfloor": "⌊",
    "\\rfloor": "⌋", "\\lceil": "⌈", "\\rceil": "⌉", "\\lbrack": "[", "\\rbrack": "]",
}  # fmt: skip


def _fancy(kind: str, letter: str) -> str | None:
    case = "CAPITAL" if letter.isupper() else "SMALL"
    for name in (f"MATHEMATICAL {kind} {case} {letter.upper()}", f"{kind} {case} {letter.upper()}"):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return None


FANCY = {
    (command, letter): sign
    for command, kind in (("mathbb", "DOUBLE-STRUCK"), ("mathcal", "SCRIPT"))
    for letter in ascii_letters
    if (sign := _fancy(kind, letter)) is not None
}
"""Letters in a style that has characters of its own, by command and letter."""
ENVIRONMENTS = {
    "matrix": ("", ""),
    "smallmatrix": ("", ""),
    "pmatrix": ("(", ")"),
    "bmatrix": ("[", "]"),
    "Bmatrix": ("{", "}"),
    "vmatrix": ("|", "|"),
    "aligned": ("", ""),
    "cases": ("{", ""),
}
"""Environments, with what they set around their cells."""
