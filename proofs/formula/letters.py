"""Names that are letters: which Greek letter, or letter with a mark, a name stands for."""

from __future__ import annotations

GREEK = (
    "alpha", "beta", "delta", "epsilon", "eta", "theta", "kappa", "mu", "nu", "pi", "rho", "sigma", "tau", "omega",
)  # fmt: skip
LETTERS = {
    "phi": ("phi", ""), "phi'": ("phi", "'"), "phi_next": ("phi", "'"), "reward": ("R", ""), "gamma": ("gamma", ""),
    "lam": ("lambda", ""), "rbar": ("r", "bar"), "index": ("j", ""), **{name: (name, "") for name in GREEK},
}  # fmt: skip
"""A name's letter, and the mark over or beside it."""


def is_letter(name: str) -> bool:
    """Whether a name is one letter."""
    return len(name) == 1 and name.isalpha() and name.isascii()


def parted(name: str) -> tuple[str, str] | None:
    """A letter and the word that tells it from others, as in phi_left; None for other names."""
    front, _, rest = name.partition("_")
    if rest.isalpha() and rest.isascii() and (front in LETTERS or is_letter(front)):
        return front, rest
    return None
