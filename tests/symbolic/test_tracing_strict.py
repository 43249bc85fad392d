"""The strict algebra: what a construction's functions may not ask, each seen to be caught, and seen to matter."""

from __future__ import annotations

import contextlib
import copy
import math
import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from layerproof.symbolic.algorithm import Accumulator, Algorithm, FeatureBlock
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.errors import ContentError, DiffersError, RefusedError
from layerproof.symbolic.tracing import judged, points, text, trace
from layerproof.symbolic.tracing.expression import MATRIX, SCALAR, VECTOR
from layerproof.symbolic.tracing.strict import REFUSED, Strict, StrictScalar, Tape

TD0 = catalogue()["td0"]


def value(kind: str = SCALAR) -> Any:
    return Tape().name("weight", "w", kind)


def assign(x: Any) -> None:
    x[0] = 1


def remove(x: Any) -> None:
    del x[0]


ASKS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "__lt__": (lambda x: x < 1, True),
    "__le__": (lambda x: x <= 1, True),
    "__gt__": (lambda x: x > 1, True),
    "__ge__": (lambda x: x >= 1, True),
    "__eq__": (lambda x: x == 1, True),
    "__ne__": (lambda x: x != 1, True),
    "__bool__": (lambda x: 1 if x else 2, True),
    "__hash__": (lambda x: {1: 2}.get(x), 7),
    "__index__": (lambda x: [4, 5, 6][x], 1),
    "__str__": (lambda x: str(x), "x"),
    "__repr__": (lambda x: repr(x), "x"),
    "__format__": (lambda x: f"{x}", "x"),
    "__bytes__": (lambda x: bytes(x), b"x"),
    "__fspath__": (lambda x: __import__("os").fspath(x), "x"),
    "__reduce_ex__": (lambda x: x.__reduce_ex__(4), "operator"),
    "__int__": (lambda x: int(x), 1),
    "__float__": (lambda x: float(x), 1.0),
    "__complex__": (lambda x: complex(x), 1j),
    "__round__": (lambda x: round(x), 1),
    "__trunc__": (lambda x: math.trunc(x), 1),
    "__floor__": (lambda x: math.floor(x), 1),
    "__ceil__": (lambda x: math.ceil(x), 1),
    "__abs__": (lambda x: abs(x), 1),
    "__mod__": (lambda x: x % 2, 1),
    "__rmod__": (lambda x: 2 % x, 1),
    "__floordiv__": (lambda x: x // 2, 1),
    "__rfloordiv__": (lambda x: 2 // x, 1),
    "__divmod__": (lambda x: divmod(x, 2), (1, 1)),
    "__rdivmod__": (lambda x: divmod(2, x), (1, 1)),
    "__invert__": (lambda x: ~x, 1),
    "__iter__": (lambda x: [y for y in x], iter([1])),
    "__next__": (lambda x: next(x), 1),
    "__len__": (lambda x: len(x), 1),
    "__length_hint__": (lambda x: operator.length_hint(x), 1),
    "__reversed__": (lambda x: reversed(x), [1]),
    "__contains__": (lambda x: 1 in x, True),
    "__getitem__": (lambda x: x[0], 1),
    "__setitem__": (assign, None),
    "__delitem__": (remove, None),
    "__call__": (lambda x: x(), 1),
    **{
        f"__{name}__": (lambda x, f=f: f(x, 1), 1)
        for name, f in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor),
                        ("lshift", operator.lshift), ("rshift", operator.rshift))
    },
    **{
        f"__r{name}__": (lambda x, f=f: f(1, x), 1)
        for name, f in (("and", operator.and_), ("or", operator.or_), ("xor", operator.xor),
                        ("lshift", operator.lshift), ("rshift", operator.rshift))
    },
}  # fmt: skip
"""How each refused operation is asked, and what it would answer if it were let through."""


def test_every_refused_operation_is_asked_here() -> None:
    assert set(ASKS) == set(REFUSED)


@pytest.mark.parametrize("kind", [SCALAR, VECTOR, MATRIX])
@pytest.mark.parametrize("name", ASKS)
def test_an_operation_that_looks_at_a_value_is_refused_and_recorded(name: str, kind: str) -> None:
    ask, _ = ASKS[name]
    tape = Tape()
    x = tape.name("weight", "w", kind)

    def swallowed() -> int:
        with contextlib.suppress(Exception):
            ask(x)
        return 1

    with pytest.raises(RefusedError) as caught:
        tape.run("a row", swallowed)
    wanted = {"__length_hint__": "iteration"}.get(name, REFUSED[name][0])
    assert caught.value.kind == wanted and caught.value.function == "a row"
    assert caught.value.line and caught.value.exit_code == 3


@pytest.mark.parametrize("name", ASKS)
def test_an_operation_let_through_turns_the_test_red(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, answer = ASKS[name]
    monkeypatch.setattr(Strict, name, lambda self, *args: answer)
    others = {"__length_hint__": "__len__", "__contains__": "__iter__", "__fspath__": "__str__"}
    if name == "__length_hint__":  # asked for only where there is no length
        monkeypatch.setattr(Strict, others[name], lambda self: NotImplemented, raising=False)
    tape = Tape()
    x = tape.name("weight", "w", SCALAR)
    try:
        tape.run("a row", lambda: ask(x) and 1)
    except RefusedError:
        pytest.fail(f"{name} is refused by something else than its own method")
    except TypeError:
        assert name == "__length_hint__"


@pytest.mark.parametrize("ask", [max, min, sorted], ids=["max", "min", "sorted"])
def test_what_compares_inside_is_refused(ask: Any) -> None:
    tape = Tape()
    pair = [tape.name("weight", "w", SCALAR), tape.name("weight", "v", SCALAR)]
    with pytest.raises(RefusedError, match="compares"):
        tape.run("the update", ask, pair)


def test_attributes_are_not_read_and_copies_are_the_value_itself() -> None:
    x = value()
    with pytest.raises(RefusedError):
        hasattr(x, "numerator")
    assert copy.copy(x) is x and copy.deepcopy(x) is x and +x is x


def test_floats_are_refused_as_inexact() -> None:
    for ask in (lambda x: 0.5 * x, lambda x: x + 0.5, lambda x: x / 2.0, lambda x: x**0.5, lambda x: 2.0 - x):
        with pytest.raises(RefusedError, match="no exact number") as caught:
            ask(value())
        assert caught.value.kind == "number"


def test_ring_operations_are_not_refused() -> None:
    tape = Tape()
    a, v, C = (tape.name("weight", n, k) for n, k in (("a", SCALAR), ("v", VECTOR), ("C", MATRIX)))
    j = tape.name("transition", "index", SCALAR)
    shown = {
        "2 * a + 1/2": 2 * a + Fraction(1, 2),
        "1 - a": 1 - a,
        "1 / (t.index + 1)": 1 / (j + 1),
        "a ** t.index": a**j,
        "2 ** (t.index - 1)": 2 ** (j - 1),
        "a ** (-1)": a**-1,
        "-v / a": -v / a,
        "v * a @ v": (v * a) @ v,
        "C.T @ v": C.T @ v,
        "C @ C @ v": (C @ C) @ v,
        "C": C.T.T,
    }
    for wanted, node in shown.items():
        assert text(node._node) == wanted


@pytest.mark.parametrize("power", ["a", "half", "huge"])
def test_exponents_are_small_integers_in_the_position_and_n(power: str) -> None:
    tape = Tape()
    a, j = tape.name("weight", "a", SCALAR), tape.name("transition", "index", SCALAR)
    exponent = {"a": a, "half": j / 2, "huge": j + 10**9}[power]
    with pytest.raises(RefusedError, match="exponent"):
        a**exponent


# the kinds of files that went wrong, and their siblings


def record(**changes: Any) -> Algorithm:
    return replace(TD0, name="mine", transition_scalars=("done", "rho"), **changes)


def with_row(context: Callable[..., Any], query: Callable[..., Any] | None = None) -> Algorithm:
    return record(features=(TD0.features[0], FeatureBlock("gamma_phi_next", context, query)))


def with_query(query: Callable[..., Any]) -> Algorithm:
    return record(features=(FeatureBlock("phi", lambda t, p: t.phi, query), TD0.features[1]))


def with_accumulator(entry: Callable[..., Any]) -> Algorithm:
    return record(accumulators=(Accumulator("td_error", entry),))


def with_gain(gain: Callable[..., Any]) -> Algorithm:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        (w,), (C,) = weights, preconditioners
        sweep.total = 0 * w
        for t in sweep:
            delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
            sweep.total = sweep.total + gain(delta, t, w, p)
        return (w + C @ sweep.total / sweep.n,)

    return record(update=update)


def tried(t: Any, p: Any) -> Any:
    try:
        if t.done == 1:
            return 0 * t.phi_next
    except Exception:
        pass
    return p.gamma * t.phi_next


def matched(t: Any, p: Any) -> Any:
    match t.done:
        case 1:
            return 0 * t.phi_next
    return p.gamma * t.phi_next


def td(w: Any, x: Any) -> Any:
    return x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi


TABLE = {"300": 2}
# name: (record, kind, function, whether prompts that contradict each other are found)
SIBLINGS: dict[str, tuple[Algorithm, str, str, bool]] = {
    "a row compares done": (
        with_row(lambda t, p: 0 * t.phi_next if t.done == 1 else p.gamma * t.phi_next), "comparison", "the row", True),
    "a row asks whether the reward is true": (
        with_row(lambda t, p: p.gamma * t.phi_next if t.reward else 0 * t.phi_next), "truth", "the row", True),
    "a row compares vectors": (
        with_row(lambda t, p: 0 * t.phi if t.phi == t.phi_next else p.gamma * t.phi_next), "comparison", "the row",
        False),
    "a row asks for the 300th transition": (
        with_row(lambda t, p: 0 * t.phi if t.index == 300 else p.gamma * t.phi_next), "comparison", "the row", False),
    "a row looks in a list": (
        with_row(lambda t, p: [0, p.gamma][t.done] * t.phi_next), "lookup", "the row", False),
    "a row looks in a tuple of flags": (
        with_row(lambda t, p: 0 * t.phi if t.done in (1, 2) else p.gamma * t.phi_next), "comparison", "the row", True),
    "a row catches its comparison": (with_row(tried), "comparison", "the row", True),
    "a row matches": (with_row(matched), "comparison", "the row", True),
    "a row takes entries": (
        with_row(lambda t, p: p.gamma * t.phi_next if t.phi[0] else 0 * t.phi), "iteration", "the row", False),
    "a row sorts": (
        with_row(lambda t, p: sorted([t.done, t.rho])[0] * t.phi_next), "comparison", "the row", True),
    "the query is compared": (with_query(lambda q: 2 * q if q == 0 * q else q), "comparison", "the row phi at", False),
    "the query's truth": (with_query(lambda q: q if q else 0 * q), "truth", "the row phi at", False),
    "an accumulator compares": (
        with_accumulator(lambda w, x, p: 0 * x.reward if x.reward == 2 else td(w, x)), "comparison", "the accumulator",
        True),
    "an accumulator asks for truth": (
        with_accumulator(lambda w, x, p: td(w, x) if x.reward else 0 * x.reward), "truth", "the accumulator", False),
    "the update compares a parameter": (
        with_gain(lambda delta, t, w, p: delta * t.phi if p.gamma == 1 else t.phi * delta), "comparison", "the update",
        False),
    "the update looks in a table by text": (
        with_gain(lambda delta, t, w, p: TABLE.get(str(t.index), 1) * delta * t.phi), "text", "the update", False),
    "the update looks in a table": (
        with_gain(lambda delta, t, w, p: {300: 2}.get(t.index, 1) * delta * t.phi), "hash", "the update", False),
    "the update formats": (
        with_gain(lambda delta, t, w, p: TABLE.get(f"{t.index}", 1) * delta * t.phi), "text", "the update", False),
    "the update takes a max": (
        with_gain(lambda delta, t, w, p: max(delta, 0) * t.phi), "comparison", "the update", True),
    "a guard that changes nothing": (
        replace(
            with_gain(lambda delta, t, w, p: 0 * w if t.rho == 0 else delta * t.rho * t.phi),
            features=(*TD0.features, FeatureBlock("ratio_phi", lambda t, p: t.rho * t.phi)),
        ), "comparison", "the update", False),
    "a max that changes nothing": (
        with_gain(lambda delta, t, w, p: max(delta, delta) * t.phi), "comparison", "the update", False),
    "the update rounds": (
        with_gain(lambda delta, t, w, p: round(t.done) * delta * t.phi), "number", "the update", True),
    "the update takes an absolute value": (
        with_gain(lambda delta, t, w, p: abs(delta) * t.phi), "number", "the update", True),
    "the update reads an attribute": (
        with_gain(lambda delta, t, w, p: delta * t.phi * (t.done.numerator + 1)), "other", "the update", True),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", SIBLINGS)
def test_what_a_file_may_not_ask_is_refused_with_its_place(name: str) -> None:
    algorithm, kind, function, contradicts = SIBLINGS[name]
    with pytest.raises(RefusedError) as caught:
        judged.checked(algorithm)
    error = caught.value
    assert error.kind == kind and error.function.startswith(function)
    assert f"line {error.line} of test_tracing_strict.py" in str(error)
    assert (error.witness is not None) == contradicts
    assert error.exit_code == (1 if contradicts else 3)


NOT_CAUGHT: dict[str, Algorithm] = {
    "type": with_gain(lambda delta, t, w, p: delta * t.phi * (1 if type(t.done) is Fraction else 2)),
    "isinstance": with_gain(lambda delta, t, w, p: delta * t.phi * (1 if isinstance(t.done, Fraction) else 2)),
    "the class's name": with_row(lambda t, p: t.phi * (1 if type(t.done).__name__[0] == "F" else 2)),
    "identity": with_row(lambda t, p: t.phi if t.reward is t.reward and type(t.phi).__name__ != "S" else t.phi_next),
}


@pytest.mark.parametrize("name", ["type", "isinstance", "the class's name"])
def test_what_looks_at_the_class_is_caught_by_the_second_net(name: str) -> None:
    trace(NOT_CAUGHT[name])  # the first net sees nothing
    with pytest.raises(DiffersError) as caught:
        judged.checked(NOT_CAUGHT[name])
    assert caught.value.witness["point"] and caught.value.exit_code == 1


def let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first net without its comparison: two symbols are never equal, and true."""
    monkeypatch.setattr(Strict, "__eq__", lambda self, other: False)
    monkeypatch.setattr(Strict, "__bool__", lambda self: True)


@pytest.mark.parametrize("name", ["a row compares done", "a row asks whether the reward is true",
                                  "an accumulator asks for truth", "a row compares vectors",
                                  "a row asks for the 300th transition"])  # fmt: skip
def test_the_second_net_alone_finds_the_point(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    let_through(monkeypatch)
    with pytest.raises(DiffersError):
        judged.checked(SIBLINGS[name][0])


def test_the_first_net_alone_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "points", lambda *args: ())
    monkeypatch.setattr(judged, "contradiction", lambda *args: None)
    for name, (algorithm, *_) in SIBLINGS.items():
        with pytest.raises(RefusedError):
            judged.checked(algorithm)
            pytest.fail(name)


def test_without_either_net_the_wrong_row_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    let_through(monkeypatch)
    monkeypatch.setattr(judged, "points", lambda *args: ())
    assert judged.checked(SIBLINGS["a row compares done"][0]).update is not None


def test_a_counter_that_starts_late_is_met_by_the_second_net() -> None:
    count = [0]

    def gain(delta: Any, t: Any, w: Any, p: Any) -> Any:
        count[0] += 1
        return delta * t.phi * (2 if count[0] > 150 else 1)

    with pytest.raises(DiffersError):
        judged.checked(with_gain(gain))


# loops that are none


def loop(body: Callable[..., Any]) -> Algorithm:
    def update(weights: Any, preconditioners: Any, sweep: Any, p: Any) -> Any:
        return (weights[0] + preconditioners[0] @ body(weights[0], sweep, p) / sweep.n,)

    return record(update=update)


def kept_locally(w: Any, sweep: Any, p: Any) -> Any:
    total = 0 * w
    for t in sweep:
        total = total + t.reward * t.phi
    return total


def two_passes(w: Any, sweep: Any, p: Any) -> Any:
    sweep.mean, sweep.total = 0, 0 * w
    for t in sweep:
        sweep.mean = sweep.mean + t.reward
    for t in sweep:
        sweep.total = sweep.total + (t.reward - sweep.mean) * t.phi
    return sweep.total


def previous_locally(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total, last = 0 * w, 0 * w
    for t in sweep:
        sweep.total = sweep.total + t.reward * last
        last = t.phi
    return sweep.total


def first_locally(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total, first = 0 * w, None
    for t in sweep:
        first = t.phi if first is None else first
        sweep.total = sweep.total + t.reward * first
    return sweep.total


def counted(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total = 0 * w
    for k, t in enumerate(sweep):
        sweep.total = sweep.total + k * t.reward * t.phi
    return sweep.total


def left_early(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total = 0 * w
    for t in sweep:
        sweep.total = sweep.total + t.reward * t.phi
        break
    return sweep.total


def listed(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total = 0 * w
    for t in list(sweep)[::-1]:
        sweep.total = sweep.total + t.reward * t.phi
    return sweep.total


def a_list_of_them(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total, sweep.seen = 0 * w, []
    for t in sweep:
        sweep.seen = [*sweep.seen, t.phi]
        sweep.total = sweep.total + t.reward * sweep.seen[0]
    return sweep.total


def last_delta(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total = 0 * w
    for t in sweep:
        gain = t.reward * t.phi
        sweep.total = sweep.total + gain
    return sweep.total + gain


def count_of_steps(w: Any, sweep: Any, p: Any) -> Any:
    sweep.total, k = 0 * w, 0
    for t in sweep:
        k += 1
        sweep.total = sweep.total + t.reward * t.phi
    return sweep.total / k


@pytest.mark.parametrize(
    "body",
    [kept_locally, two_passes, previous_locally, first_locally, counted, left_early, listed, a_list_of_them,
     last_delta, count_of_steps],
)  # fmt: skip
def test_an_update_that_is_no_one_loop_has_no_tree_but_a_reason(body: Callable[..., Any]) -> None:
    traced = judged.checked(loop(body))
    assert traced.update is None and traced.reason
    assert [row.name for row in traced.features] == ["phi", "gamma_phi_next"]


def test_every_kind_of_point_is_among_them() -> None:
    drawn = list(points(record(), 0, trace(record())))
    assert {p.n for p in drawn} >= {*range(1, 13), 301} and {p.d for p in drawn} == {1, 2, 3}
    dones = {t["done"] for p in drawn for t in p.transitions}
    assert {Fraction(0), Fraction(1), Fraction(-1), Fraction(2)} <= dones
    assert any(all(x == 0 for x in p.query) for p in drawn)
    assert any(p.n > 2 and len({t["phi"] for t in p.transitions}) == 1 for p in drawn)


def test_rows_of_another_kind_are_refused() -> None:
    for wrong in (with_row(lambda t, p: 1), with_row(lambda t, p: [t.phi]), with_row(lambda t, p: None),
                  with_query(lambda q: q @ q), with_accumulator(lambda w, x, p: w[0])):  # fmt: skip
        with pytest.raises(ContentError):
            trace(wrong)
    assert isinstance(value(), StrictScalar)
