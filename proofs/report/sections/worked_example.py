"""Section "worked-example": a run small enough to follow by hand, with every intermediate matrix."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from fractions import Fraction
from typing import Any

from ....symbolic.algorithm import Algorithm
from ....symbolic.identity.exact import Mismatch
from ....symbolic.prompt import Context
from ....symbolic.strict_json import rational_text
from ...formula.build import bracketed, call, equation, indexed, named, number, row, transposed
from ...formula.formula import Formula
from ...verdict import Verdict, number_text
from ..assemble import cell, commas, plain, prose
from ..example import D, Example, HeadStep, LayerStep, LoopStep, OwnExample, Rows
from ..findings import Findings
from ..layer_pictures import head_heat, row_labels
from ..model import Block, Cell, Display, Matrix, Note, Paragraph, Section, Sentence, Span, Steps, Table
from ..names import declared_formula
from ..notation import at, numbers, vector

NAME, TITLE, ORDER = "worked-example", "A worked example", 90


def build(findings: Findings) -> Section | None:
    """Z_0, every layer with its heads, the loop beside it, and whether they agree."""
    if findings.own_example is not None:
        return _own(findings.own_example, row_labels(findings))
    run = findings.example
    if run is None or findings.algorithm is None:
        return None
    depth = len(run.layers)
    labels = row_labels(findings)
    columns = (*(str(j + 1) for j in range(run.context.n)), "query")
    blocks: list[Block] = [
        *disagreement(run.mismatch),
        prose(f"At $d = {D}$, $n = {run.context.n}$, $L = {depth}$, in exact numbers, from zero weights, with "
              "parameters of its own, chosen so that the numbers stay small. The transitions are"),
        transitions(run.context),
        Paragraph(parameters_line(run.parameters)),
        prose("The prompt, by the table of its rows:"),
        _whole(run, 0, columns, run.start),
        Steps(tuple(
            (step_title("Z", k), _layer(run, k, columns, labels)) for k in range(depth)
        )),
        prose("The textbook loop, which has never seen a weight matrix, gives on the same transitions"),
        Steps(tuple((f"From iterate {k} to iterate {k + 1}", _pass(run, findings.algorithm, k)) for k in range(depth))),
        prose("Side by side: the read-out entry after layer $\\ell$ (", _sign(run), " the query entry of row ",
              (run.construction.readout.row,), ") and the loop's prediction."),
        _comparison(run, findings.algorithm),
    ]  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def disagreement(mismatch: Mismatch | None) -> list[Block]:
    """A note on where layers and reference differ; none where they agree."""
    if mismatch is None:
        return []
    message = (
        plain(f"After layer {mismatch.layer}, row {mismatch.row}, {mismatch.column_name}, the transformer has "
              f"{number_text(mismatch.layer_value)} and the reference {number_text(mismatch.iterate_value)}."),
    )  # fmt: skip
    return [Note(Verdict.REFUTED, "The layers and the reference disagree on this example", message)]


def step_title(letter: str, k: int) -> Sentence:
    """From Z_k to the next."""
    return Sentence(["From ", at(letter, k), " to ", at(letter, k + 1)])


def transitions(c: Context) -> Table:
    """The transitions that an example runs on, and the query."""
    extras = [name for name, _ in c.extras]
    rows = []
    for j in range(c.n):
        carried = [vector(v[j]) if isinstance(v[j], tuple) else number(v[j]) for _, v in c.extras]
        rows.append((cell(str(j + 1)), cell(vector(c.features[j])), cell(vector(c.next_features[j])),
                     cell(number(c.rewards[j])), *(cell(x) for x in carried)))  # fmt: skip
    query = (cell("query"), cell(vector(c.query)), cell(), cell(), *(cell() for _ in extras))
    return Table(("j", "features", "next features", "reward", *extras), (*rows, query))


def parameters_line(parameters: Mapping[str, Fraction]) -> tuple[Span, ...]:
    """The values of the parameters."""
    if not parameters:
        return ("The update has no parameters.",)
    known = commas(equation(named(name), number(value)) for name, value in sorted(parameters.items()))
    return ("Parameters: ", *known, ".")


def whole(
    k: int, rows: Sequence[str], columns: Sequence[str], entries: Rows, held: Container[int], others: str
) -> Matrix:  # fmt: skip
    """Z_k, the rows that layers change in another colour; `others` says what the others are."""
    groups = tuple(tuple(int(i in held) for _ in columns) for i in range(len(rows)))
    return numbers(at("Z", k), rows, columns, entries, groups=groups, legend=(others, "rows that layers change"))


def nonzero(name: Formula, rows: Sequence[str], columns: Sequence[str], entries: Rows) -> Block:
    """The rows of a matrix that are not zero."""
    shown = [i for i, line in enumerate(entries) if any(line)]
    if not shown:
        return prose(name, " is zero in every entry.")
    labels, lines = [rows[i] for i in shown], [entries[i] for i in shown]
    return numbers(name, labels, columns, lines, caption="rows that are not shown are zero")


def as_does(k: int, same: bool) -> str:
    """Whether Z_k above holds what a caption says, in words."""
    return f"as Z_{k} above does" if same else f"and Z_{k} above does not"


def value_formula(value: Any) -> Formula:
    """A number or a vector."""
    return vector(value) if isinstance(value, list) else number(value)


def exact_texts(value: Any) -> Any:
    """Exact numbers as text, however deep they stand in lists."""
    return rational_text(value) if isinstance(value, Fraction) else [exact_texts(x) for x in value]


def _layer(example: Example, k: int, columns: tuple[str, ...], labels: Sequence[str]) -> tuple[Block, ...]:
    step: LayerStep = example.layers[k]
    n = example.context.n
    result: list[Block] = []
    for name, value in example.loop[k].preconditioners.items():
        result.append(step_matrix(name, k, value))
    for h, head in enumerate(step.heads, 1):
        result += _head(head, h, k, example.rows, columns, len(step.heads), labels)
    outputs = "The output, divided by" if len(step.heads) == 1 else "The heads' outputs, added and divided by"
    result.append(prose(f"{outputs} $n = {n}$, is the change of the prompt:"))
    result.append(nonzero(_change(k), example.rows, columns, step.change))
    result.append(_whole(example, k + 1, columns, step.after))
    return tuple(result)


def _change(k: int) -> Formula:
    return row(at("Z", k + 1), "-", at("Z", k))


def _whole(example: Example, k: int, columns: Sequence[str], entries: Rows) -> Matrix:
    held = range(example.features, len(example.rows))
    return whole(k, example.rows, columns, entries, held, "features")


def step_matrix(name: str, k: int, value: Any) -> Block:
    """A preconditioner of one layer in numbers."""
    left = at(name, k)
    if not isinstance(value, list):
        return Display(equation(left, number(Fraction(value))))
    labels = [str(i + 1) for i in range(len(value))]
    return numbers(left, labels, labels, value)


def _head(
    head: HeadStep, h: int, k: int, rows: tuple[str, ...], columns: tuple[str, ...], count: int, labels: Sequence[str]
) -> list[Block]:  # fmt: skip
    W, P, Q, M = (at(letter, h) if count > 1 else letter for letter in "WPQM")
    Z = at("Z", k)
    scores = row(transposed(Z), Q, Z)
    lead = f"Head {h}: the" if count > 1 else "The"
    result: list[Block] = [
        prose(f"{lead} key-query form, the rows of values, the scores of all pairs of tokens (key down, query across), "
              "the mask, and what the head adds:"),
        numbers(row(Q), rows, rows, head.Q),
        nonzero(row(P, Z), rows, columns, head.values),
        numbers(scores, columns, columns, head.scores),
        numbers(row(M), columns, columns, head.mask),
        nonzero(row(W, P, Z, M, bracketed(scores, "big")), rows, columns, head.output),
    ]  # fmt: skip
    drawn = head_heat(head, h, k, labels, columns, count)
    return result if drawn is None else [*result, drawn]


def _pass(example: Example, algorithm: Algorithm, k: int) -> tuple[Block, ...]:
    step: LoopStep = example.loop[k]
    before = example.start_weights if k == 0 else example.loop[k - 1].weights
    names = list(step.variables[0]) if step.variables else []
    rows = [
        (cell(str(j)), *(cell(value_formula(variables[name])) for name in names))
        for j, variables in enumerate(step.variables, 1)
    ]
    result: list[Block] = [
        Paragraph(
            (
                "From ",
                *_weights(algorithm, before, k),
                " the loop's variables after each transition are",
            )
        ),
        Table(("after transition", *names), tuple(rows)),
        Paragraph(("which gives ", *_weights(algorithm, step.weights, k + 1), ".")),
    ]
    columns = (*(str(j + 1) for j in range(example.context.n)), "query")
    labels = example.rows[example.features :]
    same = example.wanted[k] == example.layers[k].after[example.features :]
    caption = f"what the accumulator rows must hold at these weights, {as_does(k + 1, same)}"
    result.append(numbers(call("Y", at("w", k + 1)), labels, columns, example.wanted[k], caption=caption))
    return tuple(result)


def _weights(algorithm: Algorithm, weights: Mapping[str, Any], k: int) -> tuple[Span, ...]:
    return tuple(
        commas(equation(_iterate(algorithm, name, k), value_formula(value)) for name, value in weights.items())
    )


def _iterate(algorithm: Algorithm, name: str, k: int) -> Formula:
    """A weight vector at an iterate, by its declared symbol."""
    return indexed(declared_formula(algorithm, name), str(k))


def _sign(example: Example) -> str:
    return "minus" if example.construction.readout.sign < 0 else "plus"


def predictions(example: Example) -> list[tuple[Fraction, Fraction]]:
    """For each layer the transformer's prediction and the loop's."""
    readout = example.construction.readout
    place = example.rows.index(readout.row)
    result = []
    for layer, step in zip(example.layers, example.loop, strict=True):
        w = next(iter(step.weights.values()))
        inner = sum((x * y for x, y in zip(w, example.context.query, strict=True)), Fraction(0))
        result.append((readout.sign * layer.after[place][-1], inner))
    return result


def _comparison(example: Example, algorithm: Algorithm) -> Table:
    rows, weight = [], algorithm.weights[0]
    for k, (left, right) in enumerate(predictions(example), 1):
        rows_agree = example.layers[k - 1].after[example.features :] == example.wanted[k - 1]
        features_stay = example.layers[k - 1].after[: example.features] == example.start[: example.features]
        same = left == right and rows_agree and features_stay
        w = example.loop[k - 1].weights[weight]
        rows.append((cell(str(k)), cell(number(left)), cell(equation(_iterate(algorithm, weight, k), vector(w))),
                     cell(number(right)), Cell((), Verdict.HOLDS if same else Verdict.REFUTED)))  # fmt: skip
    heads = ("layer", "transformer", "iterate", "prediction of the iterate", "every entry equal")
    return Table(heads, tuple(rows))


def _own(example: OwnExample, labels: Sequence[str]) -> Section:
    blocks: list[Block] = [
        *disagreement(example.mismatch),
        prose(f"At $d = {D}$, $n = {example.context.n}$, in exact numbers. The transitions are"),
        transitions(example.context), Paragraph(parameters_line(example.parameters)),
        numbers(at("Z", 0), example.rows, example.columns, example.start),
    ]  # fmt: skip
    items = []
    for k, (step, wanted) in enumerate(zip(example.layers, example.wanted, strict=True)):
        parts: list[Block] = []
        for h, head in enumerate(step.heads, 1):
            parts += _head(head, h, k, example.rows, example.columns, len(step.heads), labels)
        parts.append(prose("Added up over the heads and multiplied by the layer's factor ", number(example.scale),
                           ", that is the change of the prompt:"))  # fmt: skip
        parts.append(nonzero(_change(k), example.rows, example.columns, step.change))
        parts.append(numbers(at("Z", k + 1), example.rows, example.columns, step.after))
        rows = []
        for (name, column), value in wanted.items():
            given = step.after[example.rows.index(name)][example.columns.index(column)]
            verdict = Verdict.HOLDS if given == value else Verdict.REFUTED
            rows.append((cell(f"{name}, {column}"), cell(number(given)), cell(number(value)), cell(verdict=verdict)))
        parts.append(Table(("entry", "transformer", "reference", "equal"), tuple(rows)))
        items.append((step_title("Z", k), tuple(parts)))
    return Section(NAME, TITLE, (*blocks, Steps(tuple(items))))


def data(example: Example) -> dict[str, Any]:
    """The example's exact numbers as text."""

    return {
        "rows": list(example.rows),
        "Z": exact_texts([example.start, *(layer.after for layer in example.layers)]),
        "weights": [{name: exact_texts(w) for name, w in step.weights.items()} for step in example.loop],
        "predictions": exact_texts(predictions(example)),
        "agree": example.mismatch is None,
    }
