"""The judge of a float run: every layer's exact one-step error against its bound, and the run's exact distance.

What a module returned is exact data: floats are integers times powers of two.  The exact layer of the derived
rational weights is applied to the state that came in, and its result compared with the state that came out.
Rationals that are no binary fractions are cut off far below the format, with the cut carried as `slack`; the rare
entry that the slack leaves open is decided over Q.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil, isfinite
from typing import Any

import numpy as np
import torch
from flint import fmpz, fmpz_mat
from torch import Tensor, nn

from ..symbolic.algorithm import Algorithm
from ..symbolic.attention import accumulate, masked_keys
from ..symbolic.construction import Construction
from ..symbolic.errors import ArgumentError
from ..symbolic.identity import Problem
from ..symbolic.rational import Rational, RationalMatrix
from .bounds import LayerMaps, formula, growth, layer_maps, one_step
from .device import environment, precision, strict_precision
from .lower import Digits, digit_width, lower, lower_prompt, power
from .reference import float_iterates
from .transformer import LinearTransformer

# Digits kept of a number that is cut off: 7 of 20 bits or more are over twice the widest format.
KEPT = 7
UP = 1 + 2.0**-40  # outweighs the roundings of a few dozen float64 operations on non-negative numbers


@dataclass(frozen=True)
class Place:
    """An entry of a run: trial and layer (0 is the prompt itself, l the state after l layers), row and column."""

    trial: int
    layer: int
    row: str
    column: str


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
    """The largest |stack - textbook loop in floats|: observed, and judged by nothing."""

    largest: float | None
    where: Place


@dataclass(frozen=True)
class FloatResult:
    """What a float run showed.

    status       "within": every one-step error is inside its bound; "exceeded": some is not, `where` says which;
                 "vacuous": within, but (1+u)^k - 1 >= 1 or the bound is infinite, so that says nothing;
                 "not-finite": a NaN or an infinity, which began at `where`
    bound, error, ratio   at the entry of the worst ratio error / bound (None where the state is not finite)
    computed     the float there, exact, as a fraction
    exact        the exact layer's value there, from the float state that came in
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

    def to_json(self) -> dict[str, Any]:
        """Plain data; a number that is not finite becomes None."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return None if isinstance(value, float) and not isfinite(value) else value


def _text(value: Fraction) -> str:
    """A fraction as text; numbers beyond Python's limit for decimal text are written in hexadecimal."""
    big = max(value.numerator.bit_length(), value.denominator.bit_length()) > 4096
    top, bottom = (hex(x) if big else str(x) for x in (value.numerator, value.denominator))
    return top if value.denominator == 1 else f"{top}/{bottom}"


def run_states(module: nn.Module, Z: Tensor, depth: int) -> list[Tensor]:
    """Z_0, ..., Z_L of any module with `states(Z)`, or else with `layers`, L callables applied one after another.

    Z : (B, m, N).  `ArgumentError` when the module has neither, or returns other shapes.
    """
    runs: Any = getattr(module, "states", None)
    if callable(runs):
        states = list(runs(Z))
    elif hasattr(module, "layers"):
        states = [Z]
        for layer in module.layers:  # type: ignore[union-attr]
            states.append(layer(states[-1]))
    else:
        raise ArgumentError(
            f"{type(module).__name__} has neither states(Z), which returns [Z_0, ..., Z_L], nor layers, the layers to "
            "apply one after another: give it one of the two"
        )
    if len(states) != depth + 1:
        raise ArgumentError(f"{type(module).__name__} has {len(states) - 1} layers, the construction {depth}")
    for number, state in enumerate(states):
        if state.shape != Z.shape or state.dtype != Z.dtype:
            raise ArgumentError(
                f"{type(module).__name__} returns {tuple(state.shape)} of {state.dtype} after layer {number}, "
                f"wanted {tuple(Z.shape)} of {Z.dtype} as the prompts"
            )
    return [Z, *states[1:]] if torch.equal(states[0], Z) else states


class _Run:
    """One batched run as exact data.  X : (T, p, N) and Y : (T, L+1, K, N), float64 copies of the module's numbers."""

    def __init__(self, maps: LayerMaps, construction: Construction, states: np.ndarray):
        self.maps, self.construction = maps, construction
        self.X = np.ascontiguousarray(states[0, :, : maps.features])
        self.Y = np.ascontiguousarray(states[:, :, maps.features :].transpose(1, 0, 2, 3))
        self.T, self.L, self.K, self.N = self.Y.shape[0], self.Y.shape[1] - 1, *self.Y.shape[2:]
        self.width = digit_width(max(self.N, *maps.absolute.shape))
        self.x, self.y = Digits.of_floats(self.X, self.width), Digits.of_floats(self.Y, self.width)
        self._keys()

    def stored(self, layer: int) -> int:
        """The index of the stored weights that layer number `layer`, from 0, uses."""
        return 0 if self.construction.looped else layer

    def _keys(self) -> None:
        """M X^T for every mask: exact integers `keys[t]` : (N, masks * p) times 2^exponent / mask_den."""
        p, T, N = self.maps.features, self.T, self.N
        mantissas, exponents = np.frexp(self.X)
        self.exponent = int((exponents - 53).min(initial=0, where=self.X != 0))
        whole = np.ldexp(mantissas, 53).astype(np.int64).astype(object)
        lift = np.where(self.X == 0, 0, exponents - 53 - self.exponent).astype(object)
        self.x_integers = (whole << lift).reshape(T, p, N)
        everyone = fmpz_mat(N, T * p, self.x_integers.transpose(2, 0, 1).reshape(-1).tolist())
        # (N, T, masks, p)
        products = [np.array([int(v) for v in (M * everyone).entries()], dtype=object) for M in self.maps.masks]
        parts = [v.reshape(N, T, p) for v in products]
        self.keys = np.stack(parts, axis=2) if parts else np.zeros((N, T, 0, p), dtype=object)

    def _cut(self, values: np.ndarray, exponent: int, den: int) -> tuple[Digits, float]:
        """values * 2^exponent / den as digits, and a bound on what was cut off each entry (0 where none was)."""
        if den & (den - 1) == 0:
            exponent -= den.bit_length() - 1
            return Digits.of_integers(values.reshape(-1).tolist(), values.shape, exponent, self.width), 0.0
        guard = den.bit_length() + KEPT * self.width
        cut = [(v << guard) // den for v in values.reshape(-1).tolist()]
        low = exponent - guard
        return Digits.of_integers(cut, values.shape, low, self.width), power(low)

    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """The one-step error at every entry, and its slack: (T, L, K, N) float64 each.

        The first is off by a relative 2^-50 and by the slack; the slack is rounded up.
        """
        T, L, K, N, p, n = self.T, self.L, self.K, self.N, self.maps.features, self.maps.n
        change = self.y[:, 1:].minus(self.y[:, :-1], 1)
        slack = np.zeros((T, L, 1, N))
        if not self.maps.masks:
            return change.floats(), slack + np.zeros((T, L, K, N))
        keys, keys_cut = self._cut(self.keys.transpose(1, 0, 2, 3).reshape(T, N, -1), self.exponent, self.maps.mask_den)
        weights, weights_cut = self._weights()
        gamma = self.y[:, :-1].reshape(T, L * K, N) @ keys
        by_layer = gamma.reshape(T, L, -1).map(lambda g: g.transpose(1, 0, 2))
        G, G_cut = (by_layer @ weights).leading(KEPT)
        G = G.map(lambda g: g.transpose(1, 0, 2)).reshape(T, L * K, p)
        added = (G @ self.x).reshape(T, L, K, N)
        wanted = Digits(change.digits * n, change.low, change.width).minus(added)
        # What was cut: |Y| * keys_cut * |weights| + |gamma| * weights_cut + G_cut, each times the column of |X|.
        if keys_cut or weights_cut or G_cut:
            y = np.abs(self.Y[:, :-1]).sum(axis=(2, 3))
            size = gamma.digits.shape[-1] * K
            g = np.abs(gamma.reshape(T, L, size).floats()).sum(axis=2)
            B = self.maps.absolute.reshape(len(self.maps.exact), -1, K, p).sum(axis=1).max(axis=2)
            # A row that no head writes has nothing cut.
            written = (B > 0) * (g * weights_cut + G_cut)[:, :, None]
            each = ((y * keys_cut)[:, :, None] * (B + (B > 0) * weights_cut * size) + written) * UP
            slack = each[..., None] * np.abs(self.X).sum(axis=1)[:, None, None, :] * (UP / n)
        return wanted.floats() / n, np.broadcast_to(slack, (T, L, K, N))

    def _weights(self) -> tuple[Digits, float]:
        """The layers' maps as digits, (stored layers, K * masks * p, K * p), over one cut."""
        shape = self.maps.absolute.shape
        dens = {den for _, den in self.maps.exact}
        # One grid for all layers, so that one cut serves: exact when every denominator is a power of two.
        guard = max(d.bit_length() - 1 for d in dens)
        exact = all(d & (d - 1) == 0 for d in dens)
        guard += 0 if exact else KEPT * self.width
        values = [(v << guard) // den for numerators, den in self.maps.exact for v in numerators]
        return Digits.of_integers(values, shape, -guard, self.width), 0.0 if exact else power(-guard)

    def exact_layer(self, trial: int, layer: int) -> RationalMatrix:
        """The exact layer on the float state that came in: (K, N) over Q."""
        split = self.construction.split()
        assert split is not None
        floats = (self.X[trial], self.Y[trial, layer])
        X, Y = (RationalMatrix.of([[Fraction(v) for v in row] for row in m]) for m in floats)
        heads = split[self.stored(layer)]
        result: RationalMatrix = accumulate(X, Y, heads, Rational.of(Fraction(1, self.maps.n)), masked_keys(X, heads))
        return result

    def distances(self) -> tuple[np.ndarray, np.ndarray] | None:
        """|float state - exact state| and its slack at every entry, (T, L+1, K, N) and (T, L+1, 1, N), from the prompt.

        The exact accumulator rows are Y_0 + omega_l X.  omega is carried in integers over 2^bits, each step rounded
        down; `lost` bounds what those roundings have become after each layer.  None: that bound overflows.
        """
        T, L, K, N, p, maps = self.T, self.L, self.K, self.N, self.maps.features, self.maps
        if not maps.masks:
            return np.abs((self.y.minus(self.y[:, :1])).floats()), np.zeros((T, L + 1, 1, N))
        lost_log = self._amplification()
        if not np.isfinite(lost_log).all():
            return None
        width = K * len(maps.masks) * p
        maps_flint = [(fmpz_mat(width, K * p, whole), den) for whole, den in maps.exact]
        grams, starts = [], []
        low_y = int((np.frexp(self.Y[:, 0])[1] - 53).min(initial=0, where=self.Y[:, 0] != 0))
        for t in range(T):
            keys = fmpz_mat(N, len(maps.masks) * p, self.keys[:, t].reshape(-1).tolist())
            grams.append((fmpz_mat(p, N, self.x_integers[t].reshape(-1).tolist()) * keys).tolist())
            m, e = np.frexp(self.Y[t, 0])
            lift = np.where(m == 0, 0, e - 53 - low_y).astype(object)
            y = fmpz_mat(K, N, (np.ldexp(m, 53).astype(np.int64).astype(object) << lift).reshape(-1).tolist())
            starts.append((y * keys).entries())
        bits = max(ceil(float(lost_log.max())), 0) + KEPT * self.width - low_y + max(int(np.frexp(self.X)[1].max()), 0)
        unit, shift = fmpz(1) << (-2 * self.exponent), fmpz(1) << (bits + low_y - self.exponent)
        zeros = [0] * (len(maps.masks) * p)
        omegas: list[int] = []
        for t in range(T):
            # diag(S, ..., S): one block for each accumulator row
            blocks = (row if j == k else zeros for k in range(K) for row in grams[t] for j in range(K))
            gram = fmpz_mat(K * p, width, [v for block in blocks for v in block])
            start = fmpz_mat(1, width, [v * shift for v in starts[t]])
            omega = [fmpz(0)] * (K * p)
            omegas += [0] * (K * p)
            for layer in range(L):
                B, den = maps_flint[self.stored(layer)]
                step = (fmpz_mat(1, K * p, omega) * gram + start) * B
                bottom = unit * den * maps.n * maps.mask_den
                omega = [w + v // bottom for w, v in zip(omega, step.entries(), strict=True)]
                omegas += [int(w) for w in omega]
        omega_digits, cut = Digits.of_integers(omegas, (T, (L + 1) * K, p), -bits, self.width).balanced().leading(KEPT)
        lost = np.ldexp(np.exp2(lost_log - np.ceil(lost_log)) * UP, (np.ceil(lost_log) - bits).astype(int)) + cut
        slack = lost[:, :, None, None] * np.abs(self.X).sum(axis=1)[:, None, None, :] * UP
        exact_change = (omega_digits @ self.x).reshape(T, L + 1, K, N)
        return np.abs(self.y.minus(self.y[:, :1]).minus(exact_change).floats()), slack

    def _float_keys(self, X: np.ndarray, plain: bool) -> np.ndarray:
        masks = [np.abs(M) if plain else M for M in self.maps.mask_floats]
        return np.concatenate([M @ X.transpose(0, 2, 1) for M in masks], axis=2)

    def _amplification(self) -> np.ndarray:
        """log2 of what unit roundings at every step have grown to at most, (T, L+1): rounded up.

        An error row e goes to e (1 + S B / n), so the largest column sum of |1 + S B / n| is what it grows by.
        """
        T, L, maps = self.T, self.L, self.maps
        size = maps.absolute.shape[1:]
        # Overflow makes the result infinite or NaN, which `distances` looks for.
        with np.errstate(over="ignore", invalid="ignore"):
            grams = [X @ self._float_keys(X, plain) for X, plain in ((self.X, False), (np.abs(self.X), True))]
            S, S_plain = (np.einsum("jk,tra->tjrka", np.eye(self.K), g).reshape(T, size[1], size[0]) for g in grams)
            B = np.array([[v / den for v in whole] for whole, den in maps.exact]).reshape(maps.absolute.shape)
            step = S[:, None] @ B / maps.n
            each = np.abs(np.eye(step.shape[-1]) + step).sum(axis=2).max(axis=2)
            inexact = (S_plain[:, None] @ np.abs(B)).sum(axis=2).max(axis=2) / maps.n * 2.0**-40
            grow = np.broadcast_to(np.log2(each + inexact + 2.0**-900), (T, L))
        result = np.full((T, L + 1), -np.inf)
        for layer in range(L):
            result[:, layer + 1] = np.logaddexp2(result[:, layer] + grow[:, layer], 0) + 2.0**-30
        result[:, 0] = -1000
        return result


def _places(construction: Construction, index: Sequence[Any], first_row: int) -> Place:
    trial, layer, row, column = (int(i) for i in index)
    layout = construction.layout
    return Place(trial, layer, layout.row_names()[first_row + row], layout.column_name(column))


def _quotient(error: np.ndarray, size: np.ndarray) -> np.ndarray:
    """error / size, rounded up: 0 where there is no error, infinite where the size may be zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error == 0, 0.0, np.where(size > 0, error * UP / size, np.inf))


def _distance(run: _Run) -> Distance | None:
    """The largest certified distances of a run from its exact iterates; None where the numbers are too large."""
    measured = run.distances()
    if measured is None:
        return None
    errors, slack = measured
    upper = errors * UP + slack
    # The exact row is at least as large as the float row less the distance.
    size = np.abs(run.Y).max(axis=3) / UP - upper.max(axis=3)
    relative = _quotient(upper.max(axis=3), size)
    layout, readout = run.construction.layout, run.construction.readout
    row = layout.accumulator(readout.row) - layout.p
    worst = np.unravel_index(int(np.argmax(upper)), upper.shape)
    prediction = upper[:, -1, row, -1]
    ratios = _quotient(prediction, size[:, -1, row])

    def finite(value: Any) -> float | None:
        return float(value) if isfinite(value) else None

    return Distance(
        float(upper[:, -1].max()),
        finite(relative[:, -1].max()),
        float(upper.max()),
        finite(relative[:, 1:].max(initial=0)),
        _places(run.construction, worst, layout.p),
        float(prediction.max()),
        finite(ratios.max()),
        float(slack.max()),
    )


def _loop_distance(construction: Construction, stack: np.ndarray, loop: np.ndarray) -> LoopDistance:
    gap = np.abs(stack - loop)
    where = np.unravel_index(int(np.argmax(np.where(np.isnan(gap), np.inf, gap))), gap.shape)
    largest = float(gap[where])
    return LoopDistance(largest if isfinite(largest) else None, _places(construction, where, construction.layout.p))


@dataclass(frozen=True)
class _Judgement:
    status: str
    where: Place | None
    bound: float | None
    error: float | None
    computed: str
    exact: str


def _not_finite(construction: Construction, states: np.ndarray) -> _Judgement | None:
    bad = np.argwhere(~np.isfinite(states))
    if not len(bad):
        return None
    layer, trial, row, column = bad[0]  # layers come first, so this is where it began
    where = _places(construction, (trial, layer, row, column), 0)
    return _Judgement("not-finite", where, None, None, str(states[layer, trial, row, column]), "")


def _features_changed(construction: Construction, states: np.ndarray) -> _Judgement | None:
    p = construction.layout.p
    changed = np.argwhere(states[:, :, :p] != states[:1, :, :p])
    if not len(changed):
        return None
    layer, trial, row, column = changed[0]
    got, wanted = (Fraction(float(states[number, trial, row, column])) for number in (layer, 0))
    where = _places(construction, (trial, layer, row, column), 0)
    return _Judgement("exceeded", where, 0.0, float(abs(got - wanted)), _text(got), _text(wanted))


def _judge(run: _Run, construction: Construction, bound: np.ndarray) -> _Judgement:
    """Every one-step error against its bound; the entry of the worst ratio is written out over Q."""
    residual, slack = run.residuals()
    error = np.abs(residual)
    exceeded = error / UP - slack > bound
    doubtful = np.unique(np.argwhere(~exceeded & (error * UP + slack > bound))[:, :2], axis=0)
    for trial, layer in doubtful.tolist():
        exact = run.exact_layer(trial, layer).fractions()
        for k, row in enumerate(exact):
            for column, value in enumerate(row):
                excess = abs(Fraction(float(run.Y[trial, layer + 1, k, column])) - value)
                exceeded[trial, layer, k, column] = excess > Fraction(float(bound[trial, layer, k, column]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isinf(bound), 0.0, np.where(error == 0, 0.0, error / bound))
    if exceeded.any():
        ratio = np.where(exceeded, ratio, -1.0)
    trial, layer, k, column = (int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
    computed = Fraction(float(run.Y[trial, layer + 1, k, column]))
    wanted = run.exact_layer(trial, layer).fractions()[k][column]
    where = _places(construction, (trial, layer + 1, k, column), construction.layout.p)
    status = "exceeded" if exceeded.any() else "within"
    limit = float(bound[trial, layer, k, column])
    return _Judgement(status, where, limit, float(abs(computed - wanted)), _text(computed), _text(wanted))


def crosscheck(
    construction: Construction,
    algorithm: Algorithm,
    setups: Sequence[Problem],
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float64,
    module: nn.Module | None = None,
    progress: Callable[[str], None] | None = None,
) -> FloatResult:
    """Run a construction's weights in floats on rational prompts, all trials at once, and judge every layer.

    setups : one rational `Problem` a trial, of `algorithm` and of the construction's size
    module : what is run instead of the lowered construction: see `run_states`
    Raises `ArgumentError` when sizes, algorithm or module do not fit, or the weights touch feature rows.
    """
    if not setups or any(s.layout != construction.layout for s in setups):
        raise ArgumentError(
            f"setups: wanted at least one prompt of {construction.algorithm}, each of the construction's size"
        )
    if algorithm.name != construction.algorithm or any(s.algorithm is not algorithm for s in setups):
        raise ArgumentError(f"the construction is for {construction.algorithm}, the algorithm or a prompt for another")
    say = progress or (lambda stage: None)
    device, target, maps = torch.device(device), precision(dtype), layer_maps(construction)
    say("running the layers")
    lowered = lower(construction, dtype, device)
    with torch.no_grad(), strict_precision():
        if module is None:
            module = LinearTransformer.from_lowered(construction, lowered)
        Z = torch.stack([lower_prompt(s, dtype, device) for s in setups])
        outputs = run_states(module, Z, construction.depth)
        states = torch.stack(outputs).to("cpu", torch.float64).numpy()
        surroundings = environment(device, dtype)
        say("running the textbook loop")
        iterates = float_iterates(setups, construction.steps, construction.depth, dtype, device)
        loop = iterates.to("cpu", torch.float64).numpy()
    loop_distance = _loop_distance(construction, states[:, :, maps.features :].transpose(1, 0, 2, 3), loop)
    distance, factor = None, growth(maps.roundings, target)
    say("judging every layer")
    judgement = _not_finite(construction, states) or _features_changed(construction, states)
    if judgement is None:
        run = _Run(maps, construction, states)
        bound = one_step(maps, run.X, run.Y[:, :-1], target)
        judgement = _judge(run, construction, bound)
        if judgement.status == "within" and (factor >= 1 or not np.isfinite(bound).all()):
            judgement = _Judgement(**{**asdict(judgement), "status": "vacuous", "where": judgement.where})
        say("measuring the distance")
        distance = _distance(run)
    bounded = judgement.bound is not None and judgement.error is not None and judgement.bound > 0
    return FloatResult(
        status=judgement.status,
        device=str(device),
        dtype=target.name,
        trials=len(setups),
        where=judgement.where,
        bound=judgement.bound,
        error=judgement.error,
        ratio=judgement.error / judgement.bound if bounded else None,  # type: ignore[operator]
        computed=judgement.computed,
        exact=judgement.exact,
        formula=formula(maps, target),
        k=maps.roundings,
        growth=factor,
        distance=distance,
        loop_distance=loop_distance,
        lowering=lowered.summary(),
        environment=surroundings,
    )
