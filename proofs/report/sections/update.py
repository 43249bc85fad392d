"""Section "update": the textbook update with its source, as its loop runs on symbols, and as code."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.loop import LoopForm, loop_form
from ....symbolic.errors import LayerproofError
from ...formula.build import equation, indexed, listed, named
from ...formula.formula import Formula, written
from ...formula.loop_tree import LoopTree
from ...formula.shape import shape
from ...formula.symbols import symbols_of
from ...theory.generated.theory_file import traced_of
from ..assemble import plain, prose
from ..declared import layered
from ..model import Block, Code, Display, Folded, Listing, Paragraph, Section
from ..names import Names
from ..stated_code import stated_spans
from ..subject import Subject

NAME, TITLE, ORDER = "update", "The textbook update", 20
LONGEST = 20_000


def build(subject: Subject) -> Section | None:
    """Where the update comes from and what it is; None for a construction without one."""
    algorithm = subject.algorithm
    if algorithm is None:
        return None
    stated = " ".join((algorithm.update.__doc__ or "").split())
    blocks: list[Block] = [plain(f"Source: {algorithm.source}.")]
    if stated:
        blocks.append(Paragraph(("As its code states it: ", *stated_spans(stated))))
    if subject.state is None:
        return Section(NAME, TITLE, (*blocks, *_code(algorithm)))
    try:
        form = subject.derivation.loop if subject.derivation is not None else loop_form(subject.state)
    except LayerproofError as error:
        blocks.append(plain(f"Its loop has no closed form here: {error}."))
    else:
        state = subject.derivation.state if subject.derivation is not None else subject.state
        expanded = _as_it_runs(algorithm, form, Names.for_state(state))
        factored = _as_it_says(algorithm, state.options)
        blocks += [*factored, Folded("The same, multiplied out as its code runs on symbols", tuple(expanded),
                                     "update-expanded")] if factored else expanded  # fmt: skip
    for option, value in sorted(subject.state.options.items()):
        blocks.append(Paragraph(("Option ", Code(f"{option} = {value}"), ".")))
    blocks += [prose(text) if "$" in text else plain(text) for text in layered(algorithm)]
    if algorithm.differs:
        blocks.append(plain(f"How it differs from its source: {algorithm.differs}"))
    if algorithm.notes:
        blocks.append(plain(algorithm.notes))
    return Section(NAME, TITLE, (*blocks, *_code(algorithm)))


def _code(algorithm: Algorithm) -> list[Block]:
    """The update's code, folded, where it can be had."""
    code = source_of(algorithm)
    note = prose("This code is the reference of every check: it runs on symbols, on rationals and modulo a prime.")
    return [Folded("The update as it is run", (note, Listing(code, "python")), "update-code")] if code else []


def _as_it_says(algorithm: Algorithm, options: Mapping[str, str]) -> list[Block]:
    """The update factored as its loop says it: what it names on the way, then the step of each weight."""
    shown = stated(algorithm, options)
    own = " with its own step matrix" if algorithm.preconditioners else ""
    intro = prose(rf"For {transitions(algorithm)}, what stands before the first transition being zero, step "
                 rf"$\ell${own} sets")  # fmt: skip
    return [intro, *map(Display, shown)] if shown else []


def transitions(algorithm: Algorithm) -> str:
    """The positions that the loop goes over, as marked-up text."""
    last = algorithm.transitions
    return rf"$j = 1, \dots, {last}$"


def stated(algorithm: Algorithm, options: Mapping[str, str]) -> list[Formula]:
    """What the update names on its way, each from what stands before it, then the new weights; none without a loop."""
    try:
        traced = traced_of(algorithm, options)
    except LayerproofError:
        return []
    if traced.update is None:
        return []
    loop_shape = shape(traced.update)
    symbols = symbols_of(algorithm, traced.update)
    layer = symbols.formula("layer", "layer")
    made = LoopTree(symbols, loop_shape, layer, written(algorithm.transitions))
    lines = [
        equation(symbols.formula("variable", name, "j"), made.defined(node)) for name, node in loop_shape.definitions
    ]
    new = [indexed(symbols.formula("weight", w), layer, "+", "1") for w, _ in loop_shape.loop.finish]
    return [
        *lines,
        *(equation(w, made.formula(node)) for w, (_, node) in zip(new, loop_shape.loop.finish, strict=True)),
    ]


def _as_it_runs(algorithm: Algorithm, form: LoopForm, names: Names) -> Sequence[Block]:
    result: list[Block] = [
        prose(f"The same update, read off its own code as it runs on symbols: for {transitions(algorithm)}, "
              "from zero,")
    ]  # fmt: skip
    for name, value in form.recurrences:
        result.append(Display(equation(indexed(named(name), "j"), names.value(value))))
    letters = algorithm.preconditioners
    known = listed(map(named, letters))
    result.append(prose("and then, with the layer's own ", known, ",") if letters else plain("and then"))
    for name, value in zip(algorithm.weights, form.finish, strict=True):
        result.append(Display(equation(named(name), names.value(value), "<-")))
    return result


def source_of(algorithm: Algorithm) -> str:
    """The update's code; empty where it cannot be had."""
    if hasattr(algorithm.update, "code"):  # as the process of the user's file said
        return str(algorithm.update.code)
    try:
        return inspect.getsource(algorithm.update)[:LONGEST].rstrip()
    except (OSError, TypeError):
        return ""
