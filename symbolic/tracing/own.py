"""The strict algebra for a construction all of one's own: plain lists of strict scalars for its prompt and reference.

Lists may be indexed and gone through, their scalars not compared.  What the functions compute is evaluated on the
context's numbers from then on, and compared with the functions themselves on plain numbers at degenerate contexts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..errors import DiffersError
from ..prompt import Context
from .expression import SCALAR
from .points import Values
from .strict import Strict, Tape

if TYPE_CHECKING:
    from ..own import OwnConstruction

COMPARED_LAYERS = 3
"""After how many layers the reference is compared at degenerate contexts."""
_judged: dict[int, tuple[Any, Any]] = {}


def judged_own(own: OwnConstruction) -> OwnConstruction:
    """The construction whose prompt and reference are what was traced of them; their first call traces and checks.

    Raises, at that call, `RefusedError` when one asks of a scalar what no polynomial answers, and `DiffersError` when
    one does something else on plain numbers.  Heads, rows, columns and the scale see no prompt: they stay functions.
    """
    if isinstance(own.prompt, _Prompt):
        return own
    if id(own) not in _judged:
        traces = _Traces(own)
        _judged[id(own)] = own, replace(own, prompt=_Prompt(traces), reference=_Reference(traces))
    stand_in: OwnConstruction = _judged[id(own)][1]
    return stand_in


class _Traces:
    """What was traced at each size: the prompt's rows, and the reference's entries layer by layer."""

    def __init__(self, own: OwnConstruction):
        self.own = own
        self._prompts: dict[Any, Any] = {}
        self._references: dict[Any, _Layers] = {}
        self._checked: set[Any] = set()

    def prompt(self, context: Context, p: Any) -> Any:
        if isinstance(context.query[0], Strict):  # a construction made from this one is traced
            return self.own.prompt(context, p)
        self._check(context, p)
        return self._prompt(context, p)

    def _prompt(self, context: Context, p: Any) -> Any:
        key = _size(context, p)
        if key not in self._prompts:
            tape = Tape()
            self._prompts[key] = tape.run("the prompt", self.own.prompt, *_symbols(tape, context, p))
        return _evaluated(self._prompts[key], _values(context, p))

    def reference(self, context: Context, p: Any) -> Any:
        if isinstance(context.query[0], Strict):
            return self.own.reference(context, p)
        self._check(context, p)
        return self._reference(context, p)

    def _reference(self, context: Context, p: Any) -> Iterator[Any]:
        key = _size(context, p)
        if key not in self._references:
            self._references[key] = _Layers(self.own, context, p)
        layers, values, number = self._references[key], _values(context, p), 0
        while (entries := layers.at(number)) is not None:
            yield _evaluated(entries, values)
            number += 1

    def _check(self, context: Context, p: Any) -> None:
        """Compare with the functions themselves, once for each set of names and values of the parameters."""
        extras = tuple((name, isinstance(values[0], tuple)) for name, values in context.extras)
        key = (tuple(sorted(vars(p).items())), extras)
        if key in self._checked:
            return
        self._checked.add(key)
        for small in _degenerate(extras):
            wanted = self.own.prompt(small, SimpleNamespace(**vars(p)))
            self._compare("the prompt", small, wanted, self._prompt(small, p))
            plain = iter(self.own.reference(small, SimpleNamespace(**vars(p))))
            traced = self._reference(small, p)
            layers = COMPARED_LAYERS if self.own.layers is None else min(COMPARED_LAYERS, self.own.layers)
            for number in range(layers):
                first, second = next(plain, None), next(traced, None)
                self._compare(f"the reference after layer {number + 1}", small, first, second)

    def _compare(self, what: str, context: Context, plain: Any, traced: Any) -> None:
        if _same(plain, traced):
            return
        raise DiffersError(
            f"on plain numbers {what} of {self.own.name} is something else than on symbols",
            {"point": _context_data(context), "difference": f"{what}: {str(plain)[:300]} and {str(traced)[:300]}"},
        )


class _Layers:
    """The reference's entries, asked of it as far as they are wanted."""

    def __init__(self, own: OwnConstruction, context: Context, p: Any):
        self._tape = Tape()
        symbols = _symbols(self._tape, context, p)
        self._source = self._tape.run("the reference", lambda: iter(own.reference(*symbols)))
        self._code = getattr(own.reference, "__code__", None)
        self._made: list[Any] = []

    def at(self, number: int) -> Any:
        while len(self._made) <= number:
            entries = self._tape.run("the reference", self._next)
            if entries is None:
                return None
            self._made.append(dict(entries))
        return self._made[number]

    def _next(self) -> Any:
        if self._code is not None:
            self._tape.file = self._code.co_filename
        return next(self._source, None)


class _Prompt:
    def __init__(self, traces: _Traces):
        self._traces = traces

    def __call__(self, context: Context, p: Any) -> Any:
        return self._traces.prompt(context, p)


class _Reference:
    def __init__(self, traces: _Traces):
        self._traces = traces

    def __call__(self, context: Context, p: Any) -> Any:
        return self._traces.reference(context, p)


def _size(context: Context, p: Any) -> Any:
    kinds = tuple((name, isinstance(values[0], tuple)) for name, values in context.extras)
    return context.d, context.n, kinds, tuple(sorted(vars(p)))


def _walk(context: Context, leaf: Callable[[str, Any], Any]) -> Context:
    """The context with every number replaced by what `leaf` makes of its name and value."""

    def entries(name: str, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(entries(f"{name}[{k}]", x) for k, x in enumerate(value))
        return leaf(name, value)

    return Context(
        entries("features", context.features),
        entries("next_features", context.next_features),
        entries("rewards", context.rewards),
        entries("query", context.query),
        tuple((name, entries(name, values)) for name, values in context.extras),
    )


def _symbols(tape: Tape, context: Context, p: Any) -> tuple[Context, Any]:
    symbols = _walk(context, lambda name, _: tape.name("entry", name, SCALAR))
    return symbols, SimpleNamespace(**{name: tape.name("parameter", name, SCALAR) for name in vars(p)})


def _values(context: Context, p: Any) -> Values:
    inputs: dict[tuple[str, str], Any] = {("parameter", name): Fraction(x) for name, x in vars(p).items()}

    def leaf(name: str, value: Any) -> Any:
        inputs["entry", name] = value
        return value

    _walk(context, leaf)
    return Values(inputs)


def _evaluated(value: Any, values: Values) -> Any:
    """Lists and mappings of strict scalars as the same of Fractions; what else is in them stays."""
    if isinstance(value, Strict):
        return values.at(value._node)
    if isinstance(value, Mapping):
        return {key: _evaluated(x, values) for key, x in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_evaluated(x, values) for x in value]
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    plain = (str, bytes)
    if isinstance(left, Sequence) and isinstance(right, Sequence) and not isinstance(left, plain):
        return len(left) == len(right) and all(_same(x, y) for x, y in zip(left, right, strict=True))
    return bool(left == right)


def _degenerate(extras: Sequence[tuple[str, bool]]) -> Iterator[Context]:
    """Small contexts: zeros, ones, repeated transitions, flags, and one without any of that; n from 1 to 4."""
    kinds: tuple[Callable[[int], Any], ...] = (
        lambda k: 0, lambda k: 1, lambda k: k % 2, lambda k: -1, lambda k: Fraction(3 * k % 7 - 2, 1 + k % 3),
    )  # fmt: skip
    for place, number in enumerate(kinds, 1):
        yield _filled(number, 1 + place % 2, min(place, 4), extras)


def _filled(number: Callable[[int], Any], d: int, n: int, extras: Sequence[tuple[str, bool]]) -> Context:
    def vector(k: int) -> list[Any]:
        return [number(k + i) for i in range(d)]

    return Context.of(
        [vector(j) for j in range(n)],
        [vector(j + 1) for j in range(n)],
        [number(j) for j in range(n)],
        vector(1),
        {name: [vector(j) if is_vector else number(j) for j in range(n)] for name, is_vector in extras},
    )


def _context_data(context: Context) -> dict[str, Any]:
    def texts(value: Any) -> Any:
        return [texts(x) for x in value] if isinstance(value, tuple) else str(value)

    extras = {name: texts(values) for name, values in context.extras}
    transitions = [
        {"phi": texts(a), "phi_next": texts(b), "reward": str(r), **{name: extras[name][j] for name in extras}}
        for j, (a, b, r) in enumerate(zip(context.features, context.next_features, context.rewards, strict=True))
    ]
    return {"transitions": transitions, "query": texts(context.query)}
