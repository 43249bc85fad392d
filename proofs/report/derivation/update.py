"""The textbook update: with its source, factored as its loop says it, and as it runs on symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.derive import Derivation
from ....symbolic.derivation.loop import LoopForm, loop_form
from ....symbolic.derivation.state import SymbolicState
from ....symbolic.errors import LayerproofError
from ....symbolic.patterns.record import PatternAlgorithm
from ...formula.build import equation, indexed, listed, named
from ...formula.formula import Formula
from ...formula.loop_tree import LoopTree
from ...formula.shape import shape
from ...formula.symbols import symbols_of
from ...theory.generated.parts import traced_of
from ..assemble import plain, prose
from ..declared import layered
from ..model import Block, Code, Display, Folded, Paragraph, Section
from ..names import Names, last_transition
from ..stated_code import stated_spans


def update_section(derivation: Derivation) -> Section:
    """The update that all else follows from."""
    blocks = update_blocks(derivation.algorithm, derivation.state, derivation.loop)
    return Section("update", "Textbook update", tuple(blocks))


def update_blocks(algorithm: Algorithm, state: SymbolicState | None, loop: LoopForm | None = None) -> list[Block]:
    """Where the update comes from and what it is.

    state : None where the functions of a file do not run on symbols
    loop  : its closed form, where that is at hand
    """
    blocks: list[Block] = [plain(f"Source: {algorithm.source}.")]
    if text := docstring(algorithm):
        blocks.append(Paragraph(("As its code states it: ", *stated_spans(text))))
    if state is None:
        return blocks
    try:
        expanded = _as_it_runs(algorithm, loop or loop_form(state), Names.for_state(state))
    except LayerproofError as error:
        blocks.append(plain(f"Its loop has no closed form here: {error}."))
    else:
        factored = _as_it_says(algorithm, state.options)
        blocks += [*factored, Folded("The same, multiplied out", tuple(expanded),
                                     "update-expanded")] if factored else expanded  # fmt: skip
    for option, value in sorted(state.options.items()):
        blocks.append(Paragraph(("Option ", Code(f"{option} = {value}"), ".")))
    blocks += [prose(text) if "$" in text else plain(text) for text in layered(algorithm)]
    if algorithm.differs:
        blocks.append(plain(f"How it differs from its source: {algorithm.differs}"))
    if algorithm.notes:
        blocks.append(plain(algorithm.notes))
    return blocks


def docstring(algorithm: Algorithm | PatternAlgorithm) -> str:
    """How the update's code states it, on one line; empty where it does not."""
    return " ".join((algorithm.update.__doc__ or "").split())


def transitions(algorithm: Algorithm) -> str:
    """The positions that the loop goes over, as marked-up text."""
    return rf"$j = 1, \dots, {algorithm.transitions}$"


def _as_it_says(algorithm: Algorithm, options: Mapping[str, str]) -> list[Block]:
    """The update factored as its loop says it: what it names on the way, then the step of each weight."""
    shown = stated(algorithm, options)
    own = " with its own step matrix" if algorithm.preconditioners else ""
    intro = prose(rf"For {transitions(algorithm)}, what stands before the first transition being zero, step "
                 rf"$\ell${own} sets")  # fmt: skip
    return [intro, *map(Display, shown)] if shown else []


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
    made = LoopTree(symbols, loop_shape, layer, last_transition(algorithm))
    lines = [
        equation(symbols.formula("variable", name, "j"), made.defined(node)) for name, node in loop_shape.definitions
    ]
    new = [indexed(symbols.formula("weight", w), layer, "+", "1") for w, _ in loop_shape.loop.finish]
    return [
        *lines,
        *(equation(w, made.formula(node)) for w, (_, node) in zip(new, loop_shape.loop.finish, strict=True)),
    ]


def _as_it_runs(algorithm: Algorithm, loop: LoopForm, names: Names) -> Sequence[Block]:
    result: list[Block] = [
        prose(f"Read off its own code as it runs on symbols: for {transitions(algorithm)}, from zero,")
    ]
    for name, value in loop.recurrences:
        result.append(Display(equation(indexed(named(name), "j"), names.value(value))))
    letters = algorithm.preconditioners
    known = listed(map(named, letters))
    result.append(prose("and then, with the layer's own ", known, ",") if letters else plain("and then"))
    for name, value in zip(algorithm.weights, loop.finish, strict=True):
        result.append(Display(equation(named(name), names.value(value), "<-")))
    return result
