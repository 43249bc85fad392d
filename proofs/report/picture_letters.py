"""What a picture writes of a formula: letters with small digits and letters above and below them, in one line."""

from __future__ import annotations

import re

GREEK = {
    "gamma": "γ", "lam": "λ", "phi": "φ", "rho": "ρ", "beta": "β", "alpha": "α", "tau": "τ", "delta": "δ", "nu": "ν",
    "epsilon": "ε", "varepsilon": "ε", "eta": "η", "mu": "μ", "pi": "π", "sigma": "σ", "omega": "ω",
}  # fmt: skip
_BELOW = str.maketrans("0123456789njl", "₀₁₂₃₄₅₆₇₈₉ₙⱼₗ")
_ABOVE = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_RAISED = re.compile(r"\^\(+(\d+)\)+$")
"""The index of one of several weights, rows or cumulants: w^(1)."""
_BRACKETED = re.compile(r"(\(*)([^()]+)(\)*)(_\w+)?")
"""A factor at the beginning or the end of a product in brackets, and the product's index."""
_WORD = re.compile(r"[A-Za-z]+(?:_[A-Za-z0-9]+)*'*")


def letters(text: str) -> str:
    """A short product in letters and subscripts, its factors side by side.

    >>> letters("gamma phi'_1")
    'γφ′₁'
    >>> letters("td_error"), letters("vbar") == "v\u0304"
    ('td_error', True)
    >>> letters("(gamma phi')_1"), letters("f(x)")
    ('(γφ′)₁', 'f(x)')
    >>> letters("delta^((2))")
    'δ⁽²⁾'
    """
    words = []
    for whole in text.split(" "):
        raised = _RAISED.search(whole)
        word = whole[: raised.start()] if raised else whole
        if (parts := _BRACKETED.fullmatch(word)) and (parts[1] or parts[3]):
            index = (parts[4] or "")[1:]
            known = all(ord(letter) in _BELOW for letter in index)
            below = index.translate(_BELOW) if known else parts[4]
            words.append(f"{parts[1]}{letters(parts[2])}{parts[3]}{below}")
            continue
        stem, bar, index = word.rpartition("_") if "_" in word else (word, "", "")
        known = all(ord(letter) in _BELOW for letter in index)  # error in td_error is none
        front = stem.rstrip("'")
        under = front.removesuffix("bar")
        barred = under != front and (len(under) == 1 or under in GREEK)
        head, _, tail = front.partition("_")
        primes = "′" * (len(stem) - len(front))
        shown = (
            GREEK[front] + primes if front in GREEK
            else f"{GREEK[head]}_{tail}{primes}" if known and head in GREEK and tail.isalpha()
            else GREEK.get(under, under) + "\u0304" + primes if barred else stem
        )  # fmt: skip
        words.append(shown + (index.translate(_BELOW) if known else bar + index))
        words += [f"⁽{raised[1].translate(_ABOVE)}⁾"] if raised else []
    return "".join(words)


def line_of_letters(text: str) -> str:
    """A whole formula of one line: an axis, a label; its signs stay between what they join.

    >>> line_of_letters("|w_l - w*|"), line_of_letters("delta += delta (phi . phi')")
    ('|wₗ − w*|', 'δ += δ (φ · φ′)')
    """
    shown = _WORD.sub(lambda match: letters(match[0]), text)
    return shown.replace(" - ", " − ").replace(" . ", " · ")


def power_of_ten(power: int) -> str:
    """A tick of a logarithmic axis.

    >>> power_of_ten(-12), power_of_ten(0)
    ('10⁻¹²', '1')
    """
    return f"10{str(power).translate(_ABOVE)}" if power else "1"
