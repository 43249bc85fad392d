"""A formula: one tree, and what it is as plain text and as LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .latex import latex
from .nodes import Node, Spoken, Verbatim, Words
from .reader import UnknownLatex, read
from .text import text


@dataclass(frozen=True, repr=False)
class Formula:
    """One formula.

    tree : what every format prints

    >>> from .reader import read
    >>> Formula(read(r"\\gamma^j"))
    Formula('gamma^j', '\\\\gamma^{j}')
    """

    tree: Node

    @cached_property
    def text(self) -> str:
        """The formula as plain text."""
        return text(self.tree)

    @cached_property
    def latex(self) -> str:
        """The formula as LaTeX."""
        return latex(self.tree)

    @property
    def set_as_text(self) -> bool:
        """Whether it is shown as its text in a typewriter face: its LaTeX was not let through."""
        return isinstance(self.tree, Verbatim)

    def __repr__(self) -> str:
        return f"Formula({self.text!r}, {self.latex!r})"


def quoted(as_text: str, written: str) -> Formula:
    r"""What someone wrote in LaTeX, and the words that plain text has for it; those alone where the gate refuses it.

    >>> quoted("delta", r"\delta"), quoted("mine", r"\input{x}").tree
    (Formula('delta', '\\delta'), Verbatim(text='mine'))
    """
    try:
        return Formula(Spoken(Words(as_text, "text"), read(written)))
    except UnknownLatex:
        return Formula(Verbatim(as_text))


def written(source: str, hole: bool = False) -> Formula:
    r"""A formula that is written down as LaTeX; raises `UnknownLatex` for one that the gate refuses; `hole` as `read`.

    >>> written(r"w^\top \phi'_j")
    Formula("w.phi'_j", "w^\\top \\phi'_{j}")
    """
    tree = read(source, hole)
    return Formula(tree.items[0] if len(tree.items) == 1 else tree)
