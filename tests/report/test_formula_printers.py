"""One tree, four printers: each prints every letter of a formula, and a printer that drops a piece is seen."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from html import unescape
from typing import Any

import pytest
from formula_samples import COMMANDS, gathered
from helpers import KINDS, Case
from reports import everything, page_of

from layerproof.proofs.formula import latex as latex_printer
from layerproof.proofs.formula import text as text_printer
from layerproof.proofs.formula.build import bracketed, indexed, power, row, transposed
from layerproof.proofs.formula.commands import FUNCTIONS, GREEK_AND_LETTERS
from layerproof.proofs.formula.formula import Formula
from layerproof.proofs.formula.macros import Macro, in_macros
from layerproof.proofs.formula.nodes import HOLE, Accent, Node, Row, Scripts, Sign, Spoken, Symbol, Verbatim, Words
from layerproof.proofs.formula.reader import read
from layerproof.proofs.formula.symbols import Symbols
from layerproof.proofs.report.derivation.steps import sections
from layerproof.proofs.report.model import Label
from layerproof.proofs.report.writers import mathml as mathml_printer
from layerproof.proofs.report.writers import typst_math as typst_printer


def leaves(node: Any, as_text: bool = False) -> Iterator[Node]:
    """What stands at the ends of a tree: as a page shows it, or as plain text says it."""
    if isinstance(node, Spoken):
        yield from leaves(node.as_text if as_text else node.shown, as_text)
    elif isinstance(node, Symbol):
        yield from leaves(node.shown, as_text)
    elif isinstance(node, Sign | Words | Verbatim):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from leaves(part, as_text)
    elif hasattr(node, "__dataclass_fields__"):
        for field in fields(node):
            yield from leaves(getattr(node, field.name), as_text)
        if as_text and isinstance(node, Accent):
            yield Words("" if node.name.endswith(("brace", "line")) else node.name.removeprefix("wide"), "text")


def characters(shown: str) -> Counter[str]:
    return Counter(c for c in unicodedata.normalize("NFKD", shown) if c.isalnum())


def wanted(formula: Formula) -> Counter[str]:
    return characters("".join(leaf.text for leaf in leaves(formula.tree)))  # type: ignore[union-attr]


def in_mathml(formula: Formula) -> Counter[str]:
    return characters(unescape(re.sub(r"<[^>]*>", "", mathml_printer._set(formula.tree))))


def in_typst(formula: Formula) -> Counter[str]:
    source = re.sub(r'class\("normal", .\)', " ", typst_printer._set(formula.tree))
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', source)
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', " ", source)
    bare = re.sub(r"#h\([^)]*\)|#math\.primes\(\d+\)|size: #\d+%|\b[bt]:|#[\d.]+em", " ", bare)
    return characters(re.sub(r"[a-z][a-z-]+", " ", bare) + "".join(strings))


def in_latex(formula: Formula) -> Counter[str]:
    source = re.sub(r"\\(begin|end)\{\w+\}(\{[lcr|]*\})?", " ", formula.latex)

    def sign(command: re.Match[str]) -> str:
        return GREEK_AND_LETTERS.get(command[1], command[1] if command[1] in FUNCTIONS else " ")

    return characters(re.sub(r"\\([A-Za-z]+)", sign, source))


def in_text(formula: Formula) -> Counter[str]:
    return characters(formula.text.replace("^T", ""))


def wanted_in_text(formula: Formula) -> Counter[str]:
    every = (leaf for leaf in leaves(formula.tree, as_text=True) if leaf != Sign("letter", "⊤"))
    return characters("".join(text_printer.text(leaf) for leaf in every).replace("^T", ""))


PRINTED: tuple[tuple[Callable[[Formula], Counter[str]], Callable[[Formula], Counter[str]]], ...] = (
    (in_mathml, wanted),
    (in_typst, wanted),
    (in_latex, wanted),
    (in_text, wanted_in_text),
)


def dropped(formula: Formula) -> list[str]:
    """The printers that do not show every letter, and none besides."""
    return [shown.__name__ for shown, all_of in PRINTED if shown(formula) != all_of(formula)]


def formulas(case: Case) -> list[Formula]:
    trees = (page_of(case), sections(case.derivation))
    every = [part for tree in trees for part in everything(tree)]
    return [x for x in every if isinstance(x, Formula)] + [x.formula for x in every if isinstance(x, Label)]


@pytest.mark.parametrize("case", KINDS[:4], ids=str)
def test_every_printer_shows_every_letter_of_every_formula_of_a_page(case: Case) -> None:
    shown = formulas(case)
    assert len(shown) > 300
    for formula in shown:
        assert not dropped(formula), (formula, dropped(formula))


def test_what_plain_text_says_has_the_letters_of_what_is_shown_or_is_a_name() -> None:
    for formula in formulas(KINDS[0]):
        for part in everything(formula):
            if isinstance(part, Spoken) and not isinstance(part.as_text, Words):
                letters, shown = (
                    characters("".join(text_printer.text(leaf) for leaf in leaves(x, True) if isinstance(leaf, Sign)))
                    for x in (part.as_text, part.shown)
                )
                assert not letters - shown, part


@pytest.mark.parametrize(
    ("module", "printer"),
    [(mathml_printer, in_mathml), (typst_printer, in_typst), (latex_printer, in_latex), (text_printer, in_text)],
    ids=lambda x: getattr(x, "__name__", "").rpartition(".")[2],
)
def test_a_printer_that_drops_an_index_is_seen(monkeypatch: pytest.MonkeyPatch, module: Any, printer: Any) -> None:
    formula = Formula(read(r"\phi_{j}^\top q + \frac{a}{b}"))
    assert dropped(formula) == []
    honest = module._scripts
    monkeypatch.setattr(module, "_scripts", lambda node: honest(Scripts(node.base, None, node.above, node.primes)))
    assert dropped(Formula(formula.tree)) == [printer.__name__]


def test_latex_that_is_printed_is_read_back_as_the_same_tree() -> None:
    for source in [*gathered(600, 5), *COMMANDS]:
        assert read(latex_printer.latex(read(source))) == read(source)
    assert read(latex_printer.latex(Row((Sign("letter", "a"), Sign("letter", "b"))))) != read("ab'")


def test_a_symbol_is_its_macro_for_authors_and_itself_everywhere_else() -> None:
    phi = Macro("lpPhi", indexed("phi", Formula(HOLE)).tree)
    w = Macro("lpW", power("w", bracketed("1")).tree)
    tree = row(transposed(indexed(w.at(), "j")), phi.at("j")).tree
    assert (phi.definition(), w.definition()) == (
        r"\providecommand{\lpPhi}[1]{\phi_{#1}}", r"\providecommand{\lpW}{w^{(1)}}"
    )  # fmt: skip
    assert in_macros(tree) == r"{\lpW_{j}}^\top \lpPhi{j}"
    formula = Formula(tree)
    assert (formula.text, formula.latex) == ("w_j^(1).phi_j", r"{w_{j}^{(1)}}^\top \phi_{j}")
    assert dropped(formula) == []


def test_a_name_that_is_taken_says_whose_symbol_it_is() -> None:
    symbols = Symbols()
    symbols.add("row", "state", "v")
    for of, shown in (("softmax-td", "w"), ("softmax-td", "x"), ("gtd2", "y"), ("gtd2", "v")):
        symbols.of = of
        symbols.add("row", "state", shown)
    assert list(symbols.macros) == ["lpState", "lpSoftmaxTdState", "lpSoftmaxTdStateTwo", "lpGtdTwoState"]
    assert symbols["row", "state"].name == "lpState"  # what looks the same is one macro
