"""The answer about one prompt: what becomes of the iteration, its limit, its rate, its steps, and what it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from flint import fmpq_mat

from ...numeric.convergence.population import one_hot_values, population
from ...numeric.convergence.truth import Split, split, true_values
from ...numeric.data.processes import MarkovRewardProcess
from ...symbolic.algorithm import Algorithm
from ...symbolic.blocks import NEXT
from ...symbolic.convergence.decide import Fate, decide, functionals, judged
from ...symbolic.convergence.disc import radius
from ...symbolic.convergence.field import Potential, field, half_mean_square
from ...symbolic.convergence.iteration import Iteration, NotAffineError, affine_family, affine_map
from ...symbolic.convergence.named import names
from ...symbolic.convergence.rate import Rate, rate
from ...symbolic.convergence.rationals import fraction, matrix, rational
from ...symbolic.convergence.steps import StepSizes, steps
from ...symbolic.convergence.tending import at, tends
from ...symbolic.own import OwnConstruction
from ...symbolic.tables import entry, tail
from ..case import Progress, silent
from .question import Question
from .setup import Run, Setup

FINITE = "no limit is defined: the steps are a finite sequence of {} different layers (say --periodic if they repeat)"
MOST_SQUARINGS = 8
"""How many layers of Newton and Schulz's iteration are run: their numbers double in length with each."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found about one prompt.

    reason  : why it is undecided; then all but the setup is missing
    fate    : the decisions;  radius : lower <= rho <= upper of what w_0 excites
    rate    : of the prediction, where it converges and a certificate was found;  layers : that it needs for epsilon
    names   : what the limit is;  steps, field, split : see there;  loss : the field's loss, where it has a name
    values  : v_l(q) for l = 0, ..., L
    """

    setup: Setup
    epsilon: Fraction
    reason: str = ""
    run: Run | None = None
    fate: Fate | None = None
    radius: tuple[Fraction, Fraction] | None = None
    rate: Rate | None = None
    names: tuple[str, ...] = ()
    steps: StepSizes | None = None
    field: Potential | None = None
    loss: str = ""
    split: Split | None = None
    values: tuple[Fraction, ...] = ()

    @property
    def answer(self) -> str:
        """converges, diverges or undecided: of the weights, from w_0."""
        if self.fate is None:
            return "undecided"
        return "converges" if self.fate.start.converges else "diverges"

    @property
    def layers(self) -> int | None:
        """The layers from which on the prediction is within epsilon of its limit, by the certificate."""
        return None if self.rate is None or self.run is None else layers_of(self.run, self.rate.layers)

    def bound(self, layer: int) -> Fraction | None:
        """The certificate's bound on the prediction's distance from its limit at a layer."""
        if self.rate is None or self.run is None:
            return None
        return self.rate.envelope.bound(2**layer if self.run.doubling else layer)


def layers_of(run: Run, steps: int) -> int:
    """The layers that so many steps of the iteration take."""
    return (steps - 1).bit_length() if run.doubling and steps > 0 else steps


def setup_of(subject: Algorithm | OwnConstruction, question: Question, number: int = 0) -> Setup:
    """What a question asks about, for the prompt with this number."""
    known = {"gamma": question.gamma, "lam": question.lam, **question.values}
    if isinstance(subject, OwnConstruction):
        values = {**known, **{k: Fraction(x) for k, x in subject.parameters.items() if k not in question.values}}
        return Setup(subject, question.context_of((), number), values, read=question.read)
    options = subject.choose({"trace": question.trace} if question.trace is not None else None)
    return Setup(
        subject, question.context_of(subject.extras, number), subject.values(known), question.period(subject), options,
        tuple(question.starting(subject)), None, question.changing(subject),
    )  # fmt: skip


def decided(setup: Setup, epsilon: Fraction, compare: bool = True, search: bool = True) -> Answer:
    """Fate and rate of one prompt.

    compare : also ask about differences of values;  search : look for a bracket and a rate
    """
    try:
        run = setup.run()
    except NotAffineError as error:
        return Answer(setup, epsilon, str(error))
    if setup.changing:
        return _tending(setup, epsilon, run)
    context = setup.context
    states = [*context.features, *context.next_features, context.query] if compare and setup.period else []
    fate = decide(run.iteration, list(dict.fromkeys(states)))
    if run.error is not None:
        whole = judged(run.error.charpoly())
        fate = replace(fate, start=whole, every=whole, prediction_every=whole, differences=None)
        if not whole.converges:
            fate = replace(fate, prediction=whole, limit=None, value=None)
    if not search:
        return Answer(setup, epsilon, "", run, fate)
    around = radius(fate.start.polynomial) if fate.start.polynomial.degree() else (Fraction(0), Fraction(0))
    return Answer(setup, epsilon, "", run, fate, around, rate(fate, epsilon))


def _tending(setup: Setup, epsilon: Fraction, run: Run) -> Answer:
    """Layers that do not repeat, by the layer that they tend to; no rate is certified of them."""
    tails = [tail(rule, name) for name, rule in setup.changing.items()]
    if any(t.limit is None for t in tails):
        return Answer(setup, epsilon, "its layers tend to none", run)
    if len(setup.period) > 1:
        return Answer(setup, epsilon, f"its layers tend to a cycle of {len(setup.period)}, which is not looked at", run)
    fate = tends(run.iteration, run.family, tails[0] if len(tails) == 1 else None)
    return Answer(setup, epsilon, fate, run) if isinstance(fate, str) else Answer(setup, epsilon, "", run, fate)


def answer(
    subject: Algorithm | OwnConstruction, question: Question, number: int = 0, progress: Progress = silent
) -> Answer:
    """Everything about one prompt."""
    setup = setup_of(subject, question, number)
    if not question.endless():
        assert question.steps is not None
        return Answer(setup, question.epsilon, FINITE.format(len(question.steps)))
    progress(f"{subject.name}: does it converge?")
    answered = decided(setup, question.epsilon)
    if answered.fate is None or answered.run is None:
        return answered
    it, fate = answered.run.iteration, answered.fate
    if answered.run.doubling:
        values = _squared(answered, question.layers)
    elif setup.changing:
        values = _changing_predictions(answered, question.layers)
    else:
        values = predictions(it, question.layers)
    answered = replace(answered, values=values)
    if not isinstance(subject, Algorithm):
        return answered
    gamma = discount(subject, setup.values)
    answered = replace(answered, names=limit_names(answered))
    if it.period > 1 or setup.changing:
        return answered
    progress(f"{subject.name}: the steps for which it converges")
    family = affine_family(
        subject, setup.context, lambda alpha: question.step_of(subject, alpha), setup.values, setup.options
    )
    shape = field(it.T, it.c, _metrics(it, setup.period[0]))
    return replace(
        answered, steps=steps(family, it.start, it.read, it.parts), field=shape, loss=_loss(setup, shape, gamma),
        split=_split(subject, question.drawn(number), setup, it, fate.limit, question.layers),
    )  # fmt: skip


def limit_names(answer: Answer) -> tuple[str, ...]:
    """What the limit of an algorithm's weights is; nothing where there is none."""
    setup, fate = answer.setup, answer.fate
    if not isinstance(setup.subject, Algorithm) or fate is None or fate.limit is None:
        return ()
    gamma = discount(setup.subject, setup.values)
    return tuple(names(setup.context, fate.iteration.named(fate.limit), gamma, _decay(setup)))


def discount(algorithm: Algorithm, values: Mapping[str, Fraction]) -> Fraction | None:
    """The discount of the values that an update looks for: None for average reward, 0 where no successor is read."""
    if "gamma" in values:
        return values["gamma"]
    return None if any(block.name == NEXT.name for block in algorithm.features) else Fraction(0)


def _decay(setup: Setup) -> Fraction | None:
    if "lam" not in setup.values or "trace" not in setup.options:
        return None
    return setup.values["lam"] * (setup.values["gamma"] if setup.options["trace"] == "gamma-lam" else 1)


def predictions(it: Iteration, layers: int) -> tuple[Fraction, ...]:
    """v_l(q) for l = 0, ..., L."""
    w, result, read = it.start, [], functionals(it)
    for layer in range(layers + 1):
        h, e = read[layer % it.period]
        result.append(fraction((h * w)[0, 0] + e))
        if layer % it.period == it.period - 1:
            w = it.T * w + it.c
    return tuple(result)


def _changing_predictions(answer: Answer, layers: int) -> tuple[Fraction, ...]:
    """v_l(q) for l = 0, ..., L, of layers that do not repeat."""
    assert answer.run is not None and isinstance(answer.setup.subject, Algorithm)
    setup, it, family = answer.setup, answer.run.iteration, answer.run.family
    w, result = it.start, [fraction((it.read * it.start)[0, 0] + it.offset)]
    for layer in range(1, layers + 1):
        if family is not None:
            ((name, rule),) = setup.changing.items()
            T, c = at(family, rational(entry(rule, layer, name)))
        else:
            T, c = affine_map(answer.setup.subject, setup.context, setup.layer(layer), setup.values, setup.options)
        w = T * w + c
        result.append(fraction((it.read * w)[0, 0] + it.offset))
    return tuple(result)


def _squared(answer: Answer, layers: int) -> tuple[Fraction, ...]:
    """The predictions of Newton and Schulz's layers: y <- y + E y and E <- E E."""
    assert answer.run is not None and answer.run.error is not None
    it, E, y, result = answer.run.iteration, answer.run.error, answer.run.iteration.c, []
    for _ in range(min(layers, MOST_SQUARINGS) + 1):
        result.append(fraction((it.read * y)[0, 0]))
        y, E = y + E * y, E * E
    return tuple(result)


def _metrics(it: Iteration, step: tuple[object, ...]) -> list[fmpq_mat]:
    """C^-1, the metric in which preconditioned gradient descent is gradient descent, where it is one."""
    if len(it.parts) != 1 or not step or not isinstance(step[0], list):
        return []
    C = matrix(step[0])
    try:
        return [C.inv()] if C.transpose() == C else []
    except ZeroDivisionError:
        return []


def _loss(setup: Setup, shape: Potential, gamma: Fraction | None) -> str:
    """The name of the loss that the field descends, where it has one."""
    context = setup.context
    if not shape.gradient or gamma is None or shape.hessian is None or shape.hessian.nrows() != context.d:
        return ""
    moved = [
        [a - gamma * b for a, b in zip(phi, after, strict=True)]
        for phi, after in zip(context.features, context.next_features, strict=True)
    ]
    if (shape.hessian, shape.slope) == half_mean_square(moved, list(context.rewards)):
        return "half the mean squared " + ("TD error" if gamma else "residual")
    return ""


def _split(
    algorithm: Algorithm, process: MarkovRewardProcess | None, setup: Setup, it: Iteration, limit: fmpq_mat | None,
    layers: int,
) -> Split | None:  # fmt: skip
    """The parts of the distance from the true values, where they are known."""
    if process is None or limit is None:
        return None
    truth = true_values(algorithm, process, setup.values)
    if truth is None:
        return None
    endless = population(algorithm, process, setup.context, setup.period[0], setup.values, setup.options, it.start)
    ahead = None if endless is None else decide(endless)
    if ahead is None or ahead.limit is None:
        return None
    w = it.start
    for _ in range(layers):
        w = it.T * w + it.c
    discounted = "gamma" in setup.values  # others have their true values as fixed points, up to a constant
    hot = one_hot_values(algorithm, process, setup.values, setup.options) if discounted else None
    return split(process, truth, w, limit, ahead.limit, setup.context.query, hot)
