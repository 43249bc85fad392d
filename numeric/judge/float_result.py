"""What a float run showed, as data: the judgement, the distance, the a-priori bound, and curves over layers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from .lowering_error import SplitError
from .places import Place


@dataclass(frozen=True)
class Distance:
    """Certified upper bounds on |float run - exact run from the same float prompt|, largest over trials.

    Relative means: relative to the largest entry of the exact row at that layer.  By the identity the exact run is
    the textbook iteration on that prompt.  `slack` is what cutting off may have added; None: no finite value.
    """

    last_absolute: float
    last_relative: float | None
    worst_absolute: float
    worst_relative: float | None
    worst: Place
    prediction_absolute: float
    prediction_relative: float | None
    slack: float


@dataclass(frozen=True)
class LoopDistance:
    """The largest |stack - textbook loop in floats|: observed, and judged by nothing.

    From four layers on the loop in float64 runs once, on forms of the weights, where few roundings come of that.
    """

    largest: float | None
    where: Place


@dataclass(frozen=True)
class APriori:
    """The third tier: a bound that every conforming run obeys, known before any is made (`a_priori.py`).

    status       "within"; "exceeded": this run is no conforming one; "vacuous": from layer `vacuous_from` on the bound
                 is as large as the largest exact value, for some prompt
    where        the entry of the worst ratio error / bound, or the first that is beyond it
    error        the certified distance of this run from the exact iterates there
    last_bound   the largest bound after the last layer
    """

    status: str
    where: Place
    bound: float
    error: float
    ratio: float
    last_bound: float
    vacuous_from: int | None


@dataclass(frozen=True)
class Curves:
    """Largest values over prompts, rows and columns for each state 0, ..., L, or each layer; for the report.

    error, relative_error   the certified distance from the exact iterates; relative to the exact row
    one_step_error, one_step_bound, one_step_ratio   one entry a layer: layer 1 comes first
    a_priori_bound          one entry a state
    """

    error: tuple[float | None, ...]
    relative_error: tuple[float | None, ...]
    one_step_error: tuple[float, ...]
    one_step_bound: tuple[float | None, ...]
    one_step_ratio: tuple[float | None, ...]
    a_priori_bound: tuple[float | None, ...]


@dataclass(frozen=True)
class Judgement:
    """What the judge of the layers says: the part of a `FloatResult` of the same names."""

    status: str
    where: Place | None
    bound: float | None
    error: float | None
    computed: str
    exact: str
    fault: str | None = None


@dataclass(frozen=True)
class FloatResult:
    """What a float run showed.

    status       "within": every one-step error is inside its bound; "exceeded": some is not, `where` says which;
                 "vacuous": within, but that says too little: (1+u)^k - 1 >= 1/16, or somewhere the bound is infinite
                 or as large as all the values that it is about;
                 "not-finite": a NaN or an infinity, which began at `where`
    bound, error, ratio   at the entry of the worst ratio error / bound (None where the state is not finite)
    computed     the float there, exact, as a fraction
    exact        the exact layer's value there, from the float state that came in
    formula, k, growth   the one-step bound in words, its count of roundings, and (1+u)^k - 1
    lowering     how many tensors and entries rounding the weights changed, and the largest relative change
    environment  what the run depended on besides: versions, device, threads, precision switches, evaluation
    fault        when "exceeded", what left the algorithm: "layer" (its arithmetic), "features" (rows that no layer may
                 change), "prompt" (Z_0 is not the prompt) or "read-out" (the prediction is not its entry and sign); of
                 a user's module also "argument of states(Z)" (it wrote into the batch that it was given) and "kept, 10
                 after 20" (on a batch of 10 prompts it returned 20, as for the one before)
    coarser      when a layer is beyond its bound, the coarser arithmetic (float32, tf32, autocast to bfloat16) that
                 would explain it, if one
    read_out_judged   whether the module had a `prediction` to compare with the read-out
    call         in which call of a user's module, in words; empty for the first, in eval mode
    """

    status: str
    device: str
    dtype: str
    trials: int
    where: Place | None
    bound: float | None
    error: float | None
    ratio: float | None
    computed: str
    exact: str
    formula: str
    k: int
    growth: float
    distance: Distance | None
    loop_distance: LoopDistance | None
    lowering: dict[str, Any]
    environment: dict[str, str]
    a_priori: APriori | None = None
    split: SplitError | None = None
    curves: Curves | None = None
    fault: str | None = None
    coarser: str | None = None
    read_out_judged: bool = False
    call: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; a number that is not finite becomes None."""
        plain: dict[str, Any] = _plain({**asdict(self), "tiers": self.tiers()})
        return plain

    def tiers(self) -> dict[str, Any]:
        """The three tiers by name: bound, error, their ratio, and what each assumes."""
        far, early = self.distance, self.a_priori
        return {
            "this-run": {
                "bound": None,
                "error": far.worst_absolute if far else None,
                "ratio": None,
                "assumes": "nothing of the hardware: the returned bytes against exact arithmetic; no threshold",
            },
            "one-step": {
                "bound": self.bound,
                "error": self.error,
                "ratio": self.ratio,
                "assumes": "unit roundoff of inputs and accumulators, no overflow; any order of summation",
            },
            "a-priori": {
                "bound": early.bound if early else None,
                "error": early.error if early else None,
                "ratio": early.ratio if early else None,
                "assumes": "the same of every layer, and that feature rows are untouched; no run is looked at",
            },
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value
