"""Section "induction": why one generic layer proves every depth, dimension and context length."""

from __future__ import annotations

from collections.abc import Sequence

from ...formula.build import QUAD, bracketed, call, equation, indexed, row, spoken, words
from ...formula.formula import Formula
from ...verdict import Claim, Verdict, worst_asked
from ..assemble import cell, prose
from ..findings import Findings
from ..model import Block, Cell, Display, Link, Section, Table

NAME, TITLE, ORDER = "induction", "From one layer to every depth", 70
Z_OF = call("Z", "w")
STEP = row(
    equation(call(indexed("T", "ell"), Z_OF, size="big"), call("Z", call(indexed("F", "ell"), "w"), size="big")),
    QUAD, words("for every "), "w",
)  # fmt: skip


def _chain() -> Formula:
    """All layers, one after another."""

    def after_another(step: str) -> Formula:
        return row(indexed(step, "L", "-", "1"), "circ", "cdots", "circ", indexed(step, "0"))

    start, end = indexed("w", "0"), indexed("w", "L")
    iterated = call("Z", row(after_another("F"), bracketed(start)), size="big")
    shown = row(indexed("Z", "L"), "=", after_another("T"), bracketed(call("Z", start), "big"), "=", iterated, "=",
                call("Z", end))  # fmt: skip
    return spoken(words("Z_L = T_{L-1}(... T_0(Z(w_0))) = Z(F_{L-1}(... F_0(w_0))) = Z(w_L)"), shown)


def build(findings: Findings) -> Section | None:
    """The induction, and what carries each of its quantifiers."""
    if findings.derivation is None:
        return None
    symbolic = findings.of_kind("identity-symbolic")
    facts = [[c for c in symbolic if c.details.get("fact", fact) == fact] for fact in ("blocks", "masks")]
    one = Link("one layer", "#identity")
    block, mask = _verdict(facts[0]), _verdict(facts[1])
    rows = (
        (cell("every depth L"),
         cell("induction: the step never asks which layer it is, nor how the weights came about"), block),
        (cell("every preconditioner"), cell("in the identity of ", one, " it is a letter, one for each layer"), block),
        (cell("every dimension d"), cell("the identity of ", one, " is between vectors and words: it names no entry"),
         block),
        (cell("every context length n"),
         cell("masks are symbols in that identity; the ", Link("mask lemma", "#derivation"),
              " gives their entries by one generic step of the loop"), mask),
        (cell("every prompt, every starting weights"), cell("features, rewards and weights are symbols throughout"),
         block),
    )  # fmt: skip
    blocks: list[Block] = [
        prose("Write ", Z_OF, r" for the prompt whose rows are those at weights $w$, $T_{\ell}$ for layer "
              r"$\ell$ and $F_{\ell}$ for the update with the preconditioner of that layer. ",
              "The identity of ", one, " says"),
        Display(STEP, "induction-step"),
        prose("The prompt itself is $Z_0 = Z(w_0)$. If $Z_{\\ell} = Z(w_{\\ell})$ then layer "
              r"$\ell$ gives $Z_{\ell+1} = Z(w_{\ell+1})$; so, one layer after another,"),
        Display(_chain(), "induction-chain"),
        prose("and the read-out entry of $Z_L$ is that of $Z(w_L)$. What stands behind each word \"every\":"),
        Table(("holds for", "because", "evidence"), rows, cards=True),
    ]  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def _verdict(claims: Sequence[Claim]) -> Cell:
    verdict = worst_asked(claims) if claims else Verdict.NOT_RUN
    return Cell((Link("details", "#evidence-identity-symbolic"),), verdict)
