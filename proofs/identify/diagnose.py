"""Why a subject does not run its algorithm: the smallest change that makes it right, and a module's counterexample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

from ...numeric.data.draws import prompts
from ...numeric.recognition.changes import Change, Layers, Runner, changes, own_changes
from ...numeric.recognition.read_network import Reading
from ...numeric.recognition.reading import read
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import Construction
from ...symbolic.errors import LayerproofError
from ...symbolic.exact import as_fraction
from ...symbolic.identity.exact import Mismatch, problem
from ...symbolic.identity.witness import shrink
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.network import Network
from ...symbolic.recognition.prompts import prompt_of_rows
from ...symbolic.recognition.reach import everything
from ...symbolic.recognition.rebuild import with_heads
from ...symbolic.recognition.tensor import Entries, tensors
from ...symbolic.strict_json import rational_text
from ..case import Case
from ..verdict import witness_json

TRIED = 3
"""Prompts on which a change has to explain a module: too many entries to be met by chance."""
BUDGET = 150
"""Runs of the module that its counterexample may take to shrink."""


@dataclass(frozen=True)
class Diagnosis:
    """What to change, by a fixed name and in words; and a shrunk prompt on which a module goes wrong."""

    name: str = ""
    remedy: str = ""
    witness: dict[str, Any] | None = None

    def lines(self) -> list[str]:
        """In words; nothing where nothing was found."""
        return [f"what would make it right: {self.remedy}"] if self.remedy else []


def diagnose(case: Case) -> Diagnosis:
    """The smallest change that makes a refuted subject right, where it is one of those that are tried."""
    try:
        if case.module is not None:
            return _module(case)
        change = next((c for c in _all(case.reference, case.subject.layers) if _equal(case.subject, c)), None)
    except (LayerproofError, ArithmeticError, RuntimeError, TypeError, ValueError):
        return Diagnosis()  # a subject that cannot be called, or numbers that are none: the verdict stands without it
    return Diagnosis() if change is None else Diagnosis(change.name, change.remedy)


def _all(reference: Construction, own: Layers | None) -> Iterator[Change]:
    """Single mistakes; then the subject's own weights with one matrix the reference's, when these are the reference."""
    yield from changes(reference)
    if own is not None:
        for change in own_changes(reference, own):
            if _tensors(reference, change.layers, Fraction(1)) == _tensors(reference, reference.layers, Fraction(1)):
                yield Change(change.name, change.remedy, own)


def _network(construction: Construction) -> Network | None:
    layout = construction.layout
    prompt = prompt_of_rows(layout.features, layout.accumulators)
    if prompt is None:
        return None
    return Network("", construction.layers, construction.depth, construction.looped, prompt, layout)


def _tensors(
    construction: Construction, layers: Layers, factor: Fraction, space: MaskSpace | None = None
) -> list[Entries]:
    network = _network(construction)
    if network is None:
        return []
    other = with_heads(network, layers)
    interactions = tensors(other, space or _SPACE, everything(with_heads(network, construction.layers)))
    return [{place: x * factor for place, x in t.entries.items()} for t in interactions]


_SPACE = MaskSpace()


def _equal(subject: Construction, change: Change) -> bool:
    """Whether exact weights are the changed reference's: equal tensors."""
    own = _tensors(subject, subject.layers, Fraction(1))
    return bool(own) and own == _tensors(subject, change.layers, change.factor)


def _module(case: Case) -> Diagnosis:
    import torch

    from ...numeric.device import precision, resolve_device, resolve_dtype
    from ...numeric.judge.float_run import run_states
    from ...numeric.lower import lower_prompt

    s, reference, algorithm = case.settings, case.reference, case.algorithm
    device, dtype = resolve_device(s.device), resolve_dtype(s.dtype)
    options, unit = algorithm.choose(case.options), 2.0 ** -precision(dtype).digits

    def states(context: Any, start: Any) -> list[Any]:
        setup = problem(algorithm, RATIONALS, context, start, case.parameters, options)
        Z = lower_prompt(setup, dtype, device).unsqueeze(0)
        with torch.no_grad():
            return [x.detach().to("cpu", torch.float64).numpy() for x in run_states(case.module, Z, reference.depth)]

    def rows(context: Any, start: Any) -> list[list[str]]:
        """Z_0, as the module gets it before rounding."""
        setup = problem(algorithm, RATIONALS, context, start, case.parameters, options)
        lines = [*setup.X.fractions(), *setup.rows(setup.start)]
        return [[rational_text(as_fraction(x)) for x in line] for line in lines]

    drawn = list(islice(prompts(algorithm, s.features, s.context, s.seed, s.process, s.prompt), TRIED))
    runs = [states(context, start) for _, context, start in drawn]
    own = _own_weights(case)
    tried = ((c, Runner.of(c, reference, unit)) for c in _all(reference, own))
    change = next((c for c, runner in tried if all(runner.explains(run) for run in runs)), None)
    plain = Runner.of(Change("", "", reference.layers), reference, unit)

    def check(context: Any, start: Any) -> Mismatch | None:
        run = states(context, start)
        wrong = plain.first_wrong(run)
        if wrong is None:
            return None
        number, (_, i, t), wanted = wrong
        layout, given = reference.layout, float(run[number + 1][0, i, t])
        return Mismatch(number + 1, layout.row_names()[i], t, layout.column_name(t), Fraction(given), Fraction(wanted))

    wrong = next((k for k, run in enumerate(runs) if not plain.explains(run)), None)
    witness = None
    if wrong is not None:
        found_at = shrink(check, drawn[wrong][1], drawn[wrong][2], BUDGET)
        witness = {
            **witness_json(found_at),
            "row_names": list(reference.layout.row_names()),
            "prompt_rows": rows(found_at.context, found_at.start),
        }
    return Diagnosis(change.name if change else "", change.remedy if change else "", witness)


def _own_weights(case: Case) -> Layers | None:
    """A module's own exact weights, where they can be read by name and are those of the same prompt."""
    layout = case.reference.layout
    prompt = prompt_of_rows(layout.features, layout.accumulators)
    try:
        how = Reading(layout=prompt.name if prompt else None, layers=case.reference.depth, context=None)
        (reading,) = read(case.module, how)
    except (LayerproofError, ValueError):
        return None
    return reading.network.layers if reading.network.layout == layout else None
