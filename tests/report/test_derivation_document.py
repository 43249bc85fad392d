"""The readable derivation shows what was solved: as text, as LaTeX that compiles and as JSON that parses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from helpers import Case, each_case, each_kind
from own_algorithms import derived, undiscounted

import layerproof as lp
from layerproof.proofs.formula.build import linear
from layerproof.proofs.formula.formula import quoted, written
from layerproof.proofs.report.assemble import plain
from layerproof.proofs.report.derivation.heads import head_matrices, heads_section
from layerproof.proofs.report.derivation.matrices import weight_sections
from layerproof.proofs.report.derivation.steps import sections
from layerproof.proofs.report.derivation.system import system_section
from layerproof.proofs.report.model import Block, Display, Folded, Matrix, Paragraph, Section, text_of
from layerproof.proofs.report.names import word_formula
from layerproof.proofs.report.writers import plain_text
from layerproof.proofs.report.writers.json_data import steps as steps_data
from layerproof.proofs.report.writers.tex import titled


@cache
def document(case: Case) -> tuple[Section, ...]:
    return sections(case.derivation)


def shown(case: Case) -> str:
    return plain_text.write(case.name, document(case))


def flat(blocks: Sequence[Block]) -> Iterator[Block]:
    """Blocks with those of a fold behind it."""
    for block in blocks:
        yield block
        yield from flat(block.blocks) if isinstance(block, Folded) else ()


def tables(case: Case) -> list[Matrix]:
    return [block for section in document(case) for block in section.blocks if isinstance(block, Matrix)]


def cells(table: Matrix) -> dict[tuple[str, str], str]:
    """{(row, column): text} of the entries that are not zero."""
    return {
        (r, c): entry.text
        for r, row in zip(table.rows, table.entries, strict=True)
        for c, entry in zip(table.columns, row, strict=True)
        if entry is not None
    }


def heads(name: str) -> list[dict[str, dict[tuple[str, str], str]]]:
    """W, P and Q of each head as the document shows them."""
    derivation = Case(name).derivation
    return [{t.name.text: cells(t) for t in head_matrices(derivation, head)} for head in derivation.heads]


def masks(case: Case) -> list[str]:
    matches = re.findall(r"^ *(M\d)\[i, j\] = (.*); zero elsewhere$", shown(case), re.M)
    assert [name for name, _ in matches] == list(case.derivation.mask_names)
    return [text for _, text in matches]


M0 = "1 for i = j"
LAM = (("trace", "lam"),)
GAMMA_LAM = (("trace", "gamma-lam"),)


# what was solved is what is shown


@pytest.mark.parametrize(
    ("case", "wanted"),
    [
        (Case("td0"), [M0]),
        (Case("least-squares"), [M0]),
        (Case("td-lambda", LAM), ["1 for i = j, lam^(i - j) for j < i"]),
        (Case("td-lambda", GAMMA_LAM), ["1 for i = j, (gamma lam)^(i - j) for j < i"]),
        (Case("average-reward-td"), [M0, "1 - 1/i for i = j, -1/j for i < j"]),
    ],
    ids=str,
)
def test_the_masks_are_shown_in_closed_form(case: Case, wanted: list[str]) -> None:
    assert masks(case) == wanted


@pytest.mark.parametrize("name", ["td0", "td-lambda"])
def test_td_meets_phi_with_minus_c_transposed_and_the_discounted_next_features_with_plus(name: str) -> None:
    (head,) = heads(name)
    assert head["Q"] == {("phi", "phi"): "-C_l^T", ("phi", "gamma_phi_next"): "C_l^T"}
    assert head["W"] == head["P"] == {("td_error", "td_error"): "1"}


def test_the_residual_gradient_meets_the_difference_of_the_features_with_itself() -> None:
    (head,) = heads("residual-gradient")
    assert head["Q"] == {
        ("phi", "phi"): "-C_l^T",
        ("phi", "gamma_phi_next"): "C_l^T",
        ("gamma_phi_next", "phi"): "C_l^T",
        ("gamma_phi_next", "gamma_phi_next"): "-C_l^T",
    }


def test_least_squares_meets_phi_with_phi() -> None:
    assert [h["Q"] for h in heads("least-squares")] == [{("phi", "phi"): "-C_l^T"}]


def test_average_reward_reads_differences_with_one_head_and_rewards_with_the_other() -> None:
    first, second = heads("average-reward-td")
    assert first["P"] == {("difference", "difference"): "1"}
    assert second["P"] == {("difference", "reward"): "1"}
    assert first["Q"] == second["Q"] == {("phi", "phi"): "-C_l^T", ("phi", "phi_next"): "C_l^T"}


@each_kind
def test_the_read_out_is_shown_with_its_row_and_sign(case: Case) -> None:
    readout = case.derivation.readout
    assert readout.sign == -1
    (symbol,) = [row.symbol for row in case.algorithm.accumulators if row.name == readout.row]
    called = written(symbol).text if symbol else readout.row
    assert f"w_L.q = -Z_L[{called}, query]" in shown(case)
    assert f"is minus the entry of row {called} in the query column" in " ".join(shown(case).split())


@each_kind
def test_the_number_of_heads_and_its_lower_bound_are_shown(case: Case) -> None:
    count, over = len(case.derivation.meeting), len(case.derivation.tokenwise)
    text = " ".join(shown(case).split())
    assert f"T factors into {count} head{'s' * (count > 1)};" in text
    assert f"has fewer than {case.derivation.head_lower_bound - over}." in text
    assert (f"K has rank {over} and takes {over} head" in text) == bool(over)
    assert shown(case).count("\n    Q =\n") == count + over


@each_kind
def test_the_size_of_every_linear_system_is_shown(case: Case) -> None:
    text = " ".join(shown(case).split())
    for t in case.derivation.tensors:
        assert f"n = {t.n}: {t.equations} distinct equations; of {t.unknowns} unknowns a row {t.determined} are" in text


@each_kind
def test_the_mask_lemma_is_shown_and_holds(case: Case) -> None:
    text = " ".join(shown(case).split())
    for steps in case.derivation.lemma.values():
        for step in steps:
            assert f"{step.claim}: holds" in text
    assert "FAILS" not in text


@each_kind
def test_the_source_and_the_options_are_shown(case: Case) -> None:
    update = [text_of(block.spans) for block in document(case)[0].blocks if isinstance(block, Paragraph)]
    assert f"Source: {case.algorithm.source}." in update
    for option, value in case.options:
        assert f"Option {option} = {value}." in update


def test_the_solved_trace_is_shown_at_n_3() -> None:
    (table,) = [t for t in tables(Case("td-lambda")) if t.name.text.endswith("phi, C^T, phi]")]
    assert [["0" if e is None else e.text for e in row] for row in table.entries] == [
        ["-1", "0", "0"],
        ["-lam", "-1", "0"],
        ["-lam^2", "-lam", "-1"],
    ]


def test_a_trace_that_divides_by_a_sum_is_shown() -> None:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,) = undiscounted(weights, preconditioners, sweep, p)
        return (weights[0] + (w - weights[0]) / (1 + p.beta),)

    blocks = sections(derived(update=update, parameters=("gamma", "beta")))
    assert "phi, C^T, phi] = -(1 + beta)^-1" in plain_text.write("mine", blocks)


def test_the_recurrences_of_the_loop_are_shown() -> None:
    text = shown(Case("td-lambda"))
    assert "e_j = lam e_{j-1} + phi_j" in text
    assert "total_j = total_{j-1} + (R_j + w.(gamma phi'_j) - w.phi_j) phi_j" in shown(Case("td0"))


def test_what_is_unique_and_what_is_free_is_said_for_each_algorithm_by_itself() -> None:
    names = ("td0", "average-reward-td", "differential-td")
    every = {name: " ".join(shown(Case(name)).split()) for name in names}
    assert all("Unique: the interaction tensor T, for every d >= 2" in text for text in every.values())
    assert [name for name, text in every.items() if "share one key-query form Q" in text] == ["average-reward-td"]
    assert [name for name, text in every.items() if "Chosen: at n = 4" in text] == ["differential-td"]


@pytest.mark.parametrize(
    ("name", "program", "symbol"),
    [("online-td-lambda", "now_", "3 1[1 = l]"), ("target-network-td", "sync C", "s_l C_l^T")],
)
def test_a_paper_s_symbols_stand_where_a_program_has_names(name: str, program: str, symbol: str) -> None:
    assert symbol in shown(Case(name)) and program not in shown(Case(name))
    bare = plain_text.write(name, [system_section(Case(name).derivation), heads_section(Case(name).derivation)])
    assert program in bare and symbol not in bare


# JSON


@each_kind
def test_the_json_has_every_section_formula_and_table_entry(case: Case) -> None:
    parts = document(case)
    data = json.loads(json.dumps(steps_data(parts), allow_nan=False))
    assert [s["title"] for s in data] == [s.title for s in parts]
    for section, own in zip(data, parts, strict=True):
        for part, original in zip(section["parts"], flat(own.blocks), strict=True):
            if isinstance(original, Matrix):
                assert len(part["rows"]) == len(original.rows) and len(part["columns"]) == len(original.columns)
                pairs = [[(e["text"], e["latex"]) for e in row] for row in part["entries"]]
                zero = ("0", "0")
                assert pairs == [[zero if e is None else (e.text, e.latex) for e in row] for row in original.entries]
            elif isinstance(original, Display):
                assert part == {"formula": {"text": original.formula.text, "latex": original.formula.latex}}
            elif isinstance(original, Folded):
                assert part == {"text": f"{original.title}:"}
            else:
                assert isinstance(original, Paragraph) and part == {"text": text_of(original.spans)}


# LaTeX


def latex_faults(source: str) -> list[str]:
    """What would keep a fragment from compiling with amsmath, or make it mean something else."""
    faults = []
    bare = re.sub(r"\\[\\{}_^&%#$~]", "", source)  # without escaped characters and line ends
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        if depth < 0:
            break
    if depth:
        faults.append("braces")
    opened: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}|\\[\[\]]", source):
        if kind == "begin":
            opened.append(name)
        elif kind == "end" and (not opened or opened.pop() != name):
            faults.append(f"environment {name}")
    if opened:
        faults.append(f"environment {opened[-1]}")
    sides = "".join(re.findall(r"\\(left|right)(?![a-z])", source))
    if sides.replace("leftright", ""):
        faults.append("left and right")
    bare_source = "\n".join(line for line in source.splitlines() if not line.startswith("% "))
    bare_source = re.sub(r"\\(?:label|ref)\{[^{}]*\}", "", bare_source)
    bare_source = re.sub(r"\\(?:begin|end)\{equation\*?\}", lambda m: r"\[" if "begin" in m[0] else r"\]", bare_source)
    bare_source = re.sub(r"(?<!\\)\$([^$]*)(?<!\\)\$", r"\\[\1\\]", bare_source)
    pieces = re.split(r"\\\[(.*?)\\\]", bare_source, flags=re.S)
    for outside in pieces[::2]:
        if r"\[" in outside or r"\]" in outside:
            faults.append("display math")
        if re.search(r"(?<!\\)[_^&%#$~<>]", outside):
            faults.append(f"raw character in {outside.strip()[:60]!r}")
    for inside in pieces[1::2]:
        if re.search(r"\\text\{[^{}]*(?<!\\)[_^&%#$]", inside):
            faults.append(f"raw character in text in {inside.strip()[:60]!r}")
        if re.search(r"'(_\{[^{}]*\}|_\w)\^|\^(\{[^{}]*\}|\\\w+|\w)(_\{[^{}]*\}|_\w)?['^]|(_\{[^{}]*\}|_\w)_", inside):
            faults.append(f"double superscript or subscript in {inside.strip()[:60]!r}")
        if re.search(r"\\\s*\n\s*\n", inside) or "\n\n" in inside:
            faults.append("an empty line in math")
        words = re.sub(r"\\(text|mathrm|mathit|operatorname|begin|end)\{[^{}]*\}(\{[^{}]*\})?|\\\w+", " ", inside)
        if re.search(r"[A-Za-z]{4,}", words):
            faults.append(f"a word set as a product of letters in {inside.strip()[:60]!r}")
    return faults


@each_case
def test_the_latex_of_every_derivation_is_well_formed(case: Case) -> None:
    assert latex_faults(titled("x", case.name, document(case))) == []


@pytest.mark.parametrize("name", ["td0", "differential-td", "tdc"])
def test_the_latex_of_the_matrices_is_well_formed(name: str) -> None:
    construction = lp.construct(name, d=2, n=3, layers=2)
    source = titled("x", name, weight_sections(construction))
    assert latex_faults(source) == []
    stored = [head for heads in construction.layers for head in heads]
    named = re.findall(r"^\\text\{(?:[WPQ]|mask \d)\} = ", source, re.M)
    assert len(named) == 3 * len(stored) + len({id(head.M) for head in stored})


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (r"\[ \frac{1}{2 \]", "braces"),
        (r"\[ a} \{ \]", "braces"),
        (r"\[ \begin{array}{c} 1 \end{cases} \]", "environment"),
        (r"\[ \begin{array}{c} 1 \]", "environment"),
        (r"\[ \left( a \]", "left and right"),
        (r"\[ a \] b \]", "display math"),
        ("the row td_error", "raw character"),
        ("C^T and 100% of it", "raw character"),
        (r"\[ \text{td_error} \]", "raw character in text"),
        (r"\[ \phi'_{1}^\top \]", "double superscript"),
        (r"\[ x^2_1^3 \]", "double superscript"),
        (r"\[ x_1_2 \]", "double superscript or subscript"),
        ("\\[ a\n\n b \\]", "empty line"),
        (r"\[ gamma + 1 \]", "a word"),
    ],
)
def test_a_fault_in_latex_is_seen(source: str, fault: str) -> None:
    assert any(fault in reported for reported in latex_faults(source))


def test_well_formed_latex_has_no_faults() -> None:
    cases = r"\begin{cases} 1 & i = j \\ \left(\gamma \lambda\right)^{2} \end{cases}"
    assert latex_faults("td\\_error is 1\\%\n\\[\nw \\leftarrow {\\phi'_{1}}^\\top " + cases + "\n\\]") == []


def test_special_characters_are_escaped_outside_math_and_formulas_are_left_alone() -> None:
    parts = [Section("a", "a_b & c", (plain("x^2 < {y} \\ # $ ~ 5%"), Display(quoted("a_1", "a_1"))))]
    out = titled("t", "t_t", parts)
    assert r"\section{t\_t}" in out and r"\subsection{a\_b \& c}" in out and "}\na_{1}\n\\end{" in out
    assert r"x\textasciicircum{}2 \textless{} \{y\} \textbackslash{} \# \$ \textasciitilde{} 5\%" in out


# the smallest formulas


def test_a_sum_of_multiples_is_written_with_its_signs() -> None:
    a, one = quoted("a", "a"), quoted("", "")
    assert linear([]).latex == "0"
    shown = linear([(Fraction(-1), a), (Fraction(1, 2), a), (Fraction(-3), one)])
    assert (shown.text, shown.latex) == ("-a + 1/2 a - 3", r"-a + \tfrac{1}{2} a - 3")


def test_words_show_the_transpose_and_the_layer() -> None:
    C: Any = (("C", False), ("D", True))
    assert word_formula(()).text == "I"
    shown = word_formula(C, "l")
    assert (shown.text, shown.latex) == ("C_l D_l^T", r"C_{l} D_{l}^\top")
