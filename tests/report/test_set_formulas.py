"""Whatever is a formula on a page is set as one: in running text, captions, cells, labels, lists and titles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import report_samples as samples
from helpers import Case
from reports import EXAMPLES, everything, example_report, page_of

from layerproof.proofs.formula.formula import Formula, quoted
from layerproof.proofs.report.model import Code, Label, Link, Listing, Page, Paragraph, Picture, Sentence, Table, called
from layerproof.proofs.report.set_formulas import set_page, spanned

PLAIN = re.compile(
    r"(?<![\w/-])(?:lambda|gamma|alpha|beta|rho|lam|phi|delta|theta)(?![\w-])"  # a Greek letter by its name
    r"|\bsum_[a-z]\b|(?<![\w/])[a-zA-Z]_(?:[0-9a-zA-Z]|\{)(?!\w)"  # sum_j, w_0
    r"|(?<![\w/.-])[a-z]+_[a-z_]+(?![\w/-])"  # td_error, gamma_phi_next
)
POOL = [Case("td0"), Case("td-lambda"), Case("gtd2"), Case("dynamic-programming")]


def texts(tree: Any) -> Iterator[str]:
    """What a reader sees as text: no formula, no code, nothing that is quoted as it is, no names of places."""
    if isinstance(tree, (Formula, Code, Listing, Label)):
        return
    if isinstance(tree, Sentence):
        yield from (x for x in tree.spans if isinstance(x, str))
    elif isinstance(tree, str):
        yield tree
    elif isinstance(tree, tuple):
        for part in tree:
            yield from texts(part)
    elif isinstance(tree, Link):
        yield tree.text
    elif isinstance(tree, Picture):
        yield from texts((tree.caption, tree.data))
    elif is_dataclass(tree) and not isinstance(tree, type):
        for f in fields(tree):
            if f.name not in ("id", "name", "label", "verdict", "data", "language", "drawing"):
                yield from texts(getattr(tree, f.name))


def left(page: Page) -> list[str]:
    return [text for text in texts((page.title, page.lead, page.sections)) if PLAIN.search(text)]


@pytest.mark.parametrize("case", POOL, ids=str)
def test_no_page_of_the_pool_has_a_formula_in_plain_text(case: Case) -> None:
    named = {"correction_total"}  # a variable of the loop that heads a column, called as the code calls it
    assert [text for text in left(page_of(case)) if text not in named] == []


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES)
def test_no_page_of_an_example_has_one_either(path: str) -> None:
    for page in example_report(path).pages:
        assert [text for text in left(page) if re.search(r"\b(lambda|gamma|alpha|beta|phi|delta)\b", text)] == []


def test_a_formula_left_in_plain_text_is_seen() -> None:
    texts_left = ("w_0", "of gamma", "sum_j", "the row td_error", "from lam")
    blocks = (Table(("x", "gamma_phi_next"), (), "0 < alpha"), *(Paragraph((text,)) for text in texts_left))
    bare = Page("p", "P", samples.report().pages[0].verdict, blocks, ())
    assert len(left(bare)) == 7
    assert left(set_page(bare, {"gamma_phi_next": quoted("gamma phi'", r"\gamma \phi'")})) == []


@pytest.mark.parametrize("text", [
    "a layer", "A layer of I and C", "L layers", "td-lambda and gtd-lambda", "d, n and L", "3 of 8", "1/n", "beta-VAE",
    "layer 1 is iterate 1", "/tmp/a_b/w_0.py", "x.py", "2405.13861", "| a | b |", "several-discounts", "I", "e.g. this",
])  # fmt: skip
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert spanned(text) == (text,)


@pytest.mark.parametrize("code", [
    'FeatureBlock("one", lambda t, p: 1, scalar=True)', "Accumulator('held', lambda w, x, p: w[0] @ x.phi - (w[1]))",
    'weights=("w", "u")', "heads=", "layerproof new --with-constant-row", "--prove", "td_error", "sweep.total_of",
])  # fmt: skip
def test_code_in_a_sentence_is_code(code: str) -> None:
    assert spanned(f"add {code}, and write it") == ("add ", Code(code), ", and write it")
    assert spanned(f"({code})") == ("(", Code(code), ")")


def test_no_letter_is_lost_and_nothing_is_run() -> None:
    long = ("f(" * 5000, "a_" * 5000)
    assert [spanned(text) for text in long] == [(text,) for text in long]
    for text in (*samples.NASTY, "w* = (1/2, -3), |w_l - w*| and phi' of td_error[2], 0 < alpha <= 1/2."):
        spans = spanned(text)
        assert "".join(x if isinstance(x, str) else x.text for x in spans) == text
        assert not [x for x in everything(spans) if isinstance(x, Link)]


def test_the_numbers_of_a_formula_are_those_of_the_text() -> None:
    shown = spanned("from w_0 it converges for -3/2 < alpha < 1.25")
    assert [x.latex for x in shown if isinstance(x, Formula)] == ["w_{0}", r"-\tfrac{3}{2} < \alpha < 1.25"]


def test_a_row_has_the_symbol_that_its_algorithm_gives_it() -> None:
    (shown,) = spanned("td_error", {"td_error": quoted("delta", r"\delta")})
    assert isinstance(shown, Formula) and shown.latex == r"\delta"
    page = page_of(Case("td-lambda"))
    assert "γφ′₁" in {called(x) for x in everything(page) if isinstance(x, Label)} or any(
        "γφ′" in called(x) for x in everything(page) if isinstance(x, Label)
    )


def test_a_row_that_is_called_by_a_word_is_not_found_in_sentences() -> None:
    """The constant row is `one`, and its symbol 1: one layer is not 1 layer."""
    names = {"one": quoted("1", "1"), "held": quoted("m", "m"), "td_error": quoted("delta", r"\delta")}
    assert spanned("one layer is one update, held by td_error", names) == (
        "one layer is one update, held by ", names["td_error"],
    )  # fmt: skip
    assert spanned("one", names) == (names["one"],) and spanned("one[2]", names)[0] != "one[2]"
    assert spanned("one, held", names) == (names["one"], ", ", names["held"])


@pytest.mark.parametrize("name", ["heavy-ball-td", "nesterov-td"])
def test_the_lead_of_a_constant_row_says_one(name: str) -> None:
    sentences = " ".join(texts(page_of(Case(name)).lead))
    assert "exactly one iteration" in sentences and "one layer is one update" in sentences
