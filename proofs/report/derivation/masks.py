"""The masks in closed form, for every context length."""

from __future__ import annotations

from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.form import Form
from ....symbolic.derivation.masks import Mask
from ...formula.build import bracketed, call, cases, equation, indexed, listed, named, row, spoken, words
from ...formula.formula import Formula
from ...formula.sympy_tree import expression
from ..assemble import plain, prose
from ..model import Block, Display, Paragraph, Section
from ..names import mask_symbol
from ..notation import row_symbols


def masks_section(derivation: Derivation) -> Section:
    """The masks in closed form, with the mask lemma."""
    names = row_symbols(derivation.state)
    blocks: list[Block] = [
        prose("The patterns above at $n = 2, 3, 4$ are a guess for other $n$. One generic step of the loop, at the "
              "symbolic position $j$, gives recurrences; their closed form is the mask for every $n$, and equals the "
              "solved patterns:")
    ]  # fmt: skip
    blocks += [
        Display(mask_formula(name, mask)) for name, mask in zip(derivation.mask_names, derivation.masks, strict=True)
    ]
    blocks.append(prose(r"Here $i$ and $j$ are context tokens, $1, \dots, n$: the query's row and column of every mask "
                        "are zero, so that no token reads the query."))  # fmt: skip
    if derivation.hypotheses.names:
        blocks.append(divisors(derivation))
    if derivation.tokenwise:
        blocks.append(
            prose("The constant row ", names[derivation.tokenwise[0].row], " meets itself through ", mask_symbol("M0"),
                  " in $n$ pairs of tokens; dividing by $n$ takes $0 < n$.")
        )  # fmt: skip
    if derivation.depends_on_length:
        blocks.append(prose("The weights depend on $n$: a family of transformers, one for each context length."))
    for (weight, changed, block), steps in derivation.lemma.items():
        claims = "; ".join(f"{s.claim}: {'holds' if s.holds else 'FAILS'}" for s in steps)
        about = named(derivation.algorithm.weights[weight]), ", ", names[changed], " with ", names[block]
        blocks.append(Paragraph(("Mask lemma for ", *about, f": {claims}.")))
    return Section("masks", "Masks, for every n", tuple(blocks))


def divisors(form: Form) -> Paragraph:
    """What must not be zero where the update or the weights divide."""
    return plain(f"Where the update or the weights divide: {form.hypotheses.text()}, for every j <= n.")


def mask_formula(name: str, mask: Mask) -> Formula:
    """A mask in closed form, by entry."""
    pieces = [(equation("i", "j"), mask.diagonal_entry()), (equation("j", "i", "<"), mask.lower_entry()),
              (equation("i", "j", "<"), mask.upper_entry())]  # fmt: skip
    shown = [(where, expression(entry)) for where, entry in pieces if entry != 0]
    says = listed([row(f, words(f" for {where.text}")) for where, f in shown])
    entries = cases([*((f, where) for where, f in shown), ("0", words("elsewhere"))])
    at = spoken(call(words(name), "i", "j", brackets="[]"), indexed(bracketed(mask_symbol(name)), "i", "j"))
    return equation(at, spoken(row(says, ";", words("zero elsewhere")), entries))
