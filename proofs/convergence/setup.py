"""Everything that an iteration depends on, as data: the same from a question and from a certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from flint import fmpq_mat

from ...symbolic.algorithm import Algorithm
from ...symbolic.construction import Steps
from ...symbolic.convergence.iteration import Iteration, NotAffineError, affine_family, iteration
from ...symbolic.convergence.newton_schulz import squaring
from ...symbolic.convergence.own import OwnLayers, first_layers, own_iteration, place_of
from ...symbolic.own import OwnConstruction
from ...symbolic.prompt import Context
from ...symbolic.strict_json import rational_text
from ...symbolic.tables import entry, tail


@dataclass(frozen=True, eq=False)
class Setup:
    """One prompt, the layers' steps repeated without end, and the start.

    period : the preconditioners of the layers that are repeated; empty for a construction all of one's own
    values, options : of the algorithm's parameters
    start  : the starting weights as lists of numbers
    read   : the row that holds the prediction, of a construction all of one's own
    changing : {scalar step: a formula in l}, where layers do not repeat: `period` is then the layer that they tend to
    """

    subject: Algorithm | OwnConstruction
    context: Context
    values: Mapping[str, Fraction]
    period: tuple[Steps, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    start: tuple[Any, ...] = ()
    read: str | None = None
    changing: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> Run:
        """The iteration; raises `NotAffineError` when there is none that is decided here."""
        if isinstance(self.subject, OwnConstruction):
            return _own(self, self.subject)
        it = iteration(self.subject, self.context, self.period, self.values, self.options, self.start)
        return Run(it, note=self._tends(), family=self._family())

    def _tends(self) -> str:
        """Of layers that do not repeat, what changes in them."""
        tails = {name: tail(rule, name).limit for name, rule in self.changing.items()}
        return "; ".join(
            f"{name} is {self.changing[name]} at layer l = 1, 2, ..., "
            + ("which grows without end" if limit is None else f"which tends to {rational_text(limit)}")
            for name, limit in tails.items()
        )

    def _family(self) -> Sequence[tuple[fmpq_mat, fmpq_mat]] | None:
        """The layers as polynomials in the one step that changes; None where none or several do."""
        if len(self.changing) != 1 or not isinstance(self.subject, Algorithm):
            return None
        algorithm, ((name, _),) = self.subject, self.changing.items()

        def layer(number: Any) -> Steps:
            named = zip(algorithm.preconditioners, self.period[0], strict=True)
            return tuple(number if x == name else c for x, c in named)

        return affine_family(algorithm, self.context, layer, self.values, self.options)

    def layer(self, number: int) -> Steps:
        """The preconditioners of a layer, from 1 on."""
        step = self.period[(number - 1) % len(self.period)]
        if not isinstance(self.subject, Algorithm) or not self.changing:
            return step
        named = zip(self.subject.preconditioners, step, strict=True)
        return tuple(entry(self.changing[x], number, x) if x in self.changing else c for x, c in named)


@dataclass(frozen=True, eq=False)
class Run:
    """The iteration that the layers are.

    doubling : layer l is step 2^l of it, and not step l: Newton and Schulz's
    note     : what a reader must know about which layers these are
    error    : E_0, where it is doubling: all of it must go to zero, and not only what the query sees
    family   : the layers by the one number that changes from layer to layer without end
    """

    iteration: Iteration
    doubling: bool = False
    note: str = ""
    error: fmpq_mat | None = None
    family: Sequence[tuple[fmpq_mat, fmpq_mat]] | None = None


def _own(setup: Setup, own: OwnConstruction) -> Run:
    layers = first_layers(own, setup.context, setup.values)
    note = _note(layers)
    try:
        return Run(own_iteration(layers, setup.read), note=note)
    except NotAffineError:
        squared = squaring(layers)
        if squared is None:
            raise
    place = place_of(layers, setup.read)
    E, height, last = squared[1], layers.Y.nrows(), layers.Y.ncols() - 1
    first = fmpq_mat(height, 1, [layers.Y[i, last] for i in range(height)])
    read = fmpq_mat(1, height, [int(i == place) for i in range(height)])
    it = Iteration(E, first, 0 * first, read, (("Y", height),), ((E, first),))
    return Run(it, True, f"{note}; they are Newton and Schulz's: each squares E = I - Y K", E)


def _note(layers: OwnLayers) -> str:
    if layers.repeats == layers.depth:
        return f"its layers are the same ({layers.depth} were compared), and are repeated without end"
    which = "layer 1 is" if layers.repeats == 1 else f"layers 1 to {layers.repeats} are the same, and"
    left = f"layer {layers.depth} is" if layers.depth == layers.repeats + 1 else "the later ones are"
    return f"{which} repeated without end; {left} left out"
