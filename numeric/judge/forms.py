"""An update in floats as an affine map of the weights: its loop runs once on a context, whatever the layers.

The algorithm's own update runs on forms in place of weights, as over Q (`symbolic/arithmetics/affine.py`), with a
symbol in place of each preconditioner.  Every elementary product of the update is one of the map's too, and meets in a
coefficient no more roundings than in the loop: what is done to a weight is done to each of its coefficients.  Taken at
the weights, a coefficient is multiplied once and joins a sum of D + 1 terms, D being all entries of the weights, and
the words are added up.
Whatever forms cannot do raises `TypeError`, comparisons included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...symbolic.algorithm import Algorithm
from ...symbolic.exact import nearest
from ..reference import IN_NUMPY, FloatTransitions, Stacked, StepMatrix, iterates

LAYERS_FOR_A_MAP = 4
"""From so many layers on, one loop on forms costs less than a loop each."""
FEW = 1 / 16
"""The share of the n additions of a loop that a map may meet besides: its bound is larger by so much at most."""
ALIKE = 2.0**-30
"""Which of two ways to the iterates is taken depends on it, and no verdict."""

ASKED = 32
"""Prompts on which both are run."""


class Known:
    """Numbers of many prompts that depend on no weight, (d, B) or (1, B), with the operations of an update."""

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray):
        self.values = values

    def __add__(self, other: Any) -> Any:
        return NotImplemented if type(other) is Form else Known(self.values + _plain(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return NotImplemented if type(other) is Form else Known(self.values - _plain(other))

    def __rsub__(self, other: Any) -> Any:
        return Known(_plain(other) - self.values)

    def __neg__(self) -> Known:
        return Known(-self.values)

    def __mul__(self, other: Any) -> Any:
        return NotImplemented if type(other) in (Form, Symbol) else Known(self.values * _plain(other))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return Known(self.values / _plain(other))

    def __rtruediv__(self, other: Any) -> Any:
        return Known(_plain(other) / self.values)

    def __matmul__(self, other: Any) -> Any:
        if type(other) is Form:
            return NotImplemented
        return Known(np.add.reduce(self.values * _known(other), keepdims=True))


class Form:
    """A vector, or a number, as {word of preconditioners: (d or 1, D + 1, B)} on the weights and a last 1."""

    __slots__ = ("parts",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, parts: dict[tuple[str, ...], np.ndarray]):
        self.parts = parts

    def __add__(self, other: Any) -> Form:
        parts = dict(self.parts)
        if type(other) is not Form:
            values, part = _plain(other), parts.get((), 0 * next(iter(parts.values())))
            if part.shape[0] < len(np.atleast_2d(values)):
                raise TypeError("a vector and a number are not added")
            last = part[:, -1:] + np.expand_dims(np.atleast_2d(values), 1)
            first = np.broadcast_to(part[:, :-1], (*part[:, :-1].shape[:2], *last.shape[2:]))
            parts[()] = np.concatenate((first, last), axis=1)
            return Form(parts)
        for word, part in other.parts.items():
            parts[word] = parts[word] + part if word in parts else part
        return Form(parts)

    __radd__ = __add__

    def __neg__(self) -> Form:
        return Form({word: -part for word, part in self.parts.items()})

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int) and other == 0:  # how loops start: a constant, whatever the weights
            return Known(0 * next(iter(self.parts.values()))[:, -1])
        values = _plain(other)
        factor = values[:, None] if isinstance(values, np.ndarray) else values
        return Form({word: part * factor for word, part in self.parts.items()})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Form:
        values = _plain(other)
        factor = values[:, None] if isinstance(values, np.ndarray) else values
        return Form({word: part / factor for word, part in self.parts.items()})

    def __matmul__(self, other: Any) -> Form:
        if self.parts.keys() != {()}:
            raise TypeError("a preconditioner is met by no product of vectors")
        return Form({(): np.add.reduce(self.parts[()] * _known(other)[:, None], keepdims=True)})

    __rmatmul__ = __matmul__

    def __eq__(self, other: Any) -> bool:
        raise TypeError("forms are not compared")

    def __bool__(self) -> bool:
        raise TypeError("a form has no truth value")


class Symbol:
    """A preconditioner in an update, a matrix or a number."""

    def __init__(self, name: str, width: int):
        self.name, self.width = name, width

    def __mul__(self, other: Any) -> Form:
        if type(other) is Known:
            values = np.zeros((len(other.values), self.width, other.values.shape[1]))
            values[:, -1] = other.values
            return Form({(self.name,): values})
        if type(other) is not Form:
            raise TypeError(f"a preconditioner is not multiplied by {type(other).__name__}")
        return Form({(self.name, *word): part for word, part in other.parts.items()})

    __rmul__ = __matmul__ = __mul__


def _plain(value: Any) -> Any:
    if type(value) is Known:
        return value.values
    if isinstance(value, Fraction):
        return nearest(value)
    if isinstance(value, (int, float)):
        return value if type(value) is float else int(value)
    raise TypeError(f"{type(value).__name__} is no number that a form knows")


def _known(value: Any) -> np.ndarray:
    if type(value) is not Known:
        raise TypeError("only a vector that is known is multiplied by a vector")
    return value.values


class Map:
    """What an update gave on forms: new weights from weights and preconditioners.

    more : how many roundings at most an elementary product meets beside those of the loop
    """

    def __init__(self, new: Sequence[Form], names: Sequence[str]):
        if not all(type(form) is Form for form in new):
            raise TypeError("an update that forgets its weights")
        self.new, self.names = new, names
        self.more = max(part.shape[1] + len(form.parts) - 1 for form in new for part in form.parts.values())

    def __call__(self, weights: Sequence[np.ndarray], steps: Sequence[Any]) -> tuple[np.ndarray, ...]:
        """The new weights, (d, B) or (1, B) each; steps : a matrix (d, d) or a number for each preconditioner."""
        joined, named = np.concatenate(weights), dict(zip(self.names, steps, strict=True))
        return tuple(
            reduce(add, (_applied(word, part, joined, named) for word, part in form.parts.items())) for form in self.new
        )


def _applied(word: Sequence[str], part: np.ndarray, joined: np.ndarray, steps: Mapping[str, Any]) -> np.ndarray:
    term = np.add.reduce(part[:, :-1] * joined, axis=1) + part[:, -1]
    for name in reversed(word):
        step = steps[name]
        term = step * term if isinstance(step, float) else step @ term
    return np.asarray(term)


def weights_as_forms(heights: Sequence[int], prompts: int) -> list[Form]:
    """Forms that stand for weights of so many entries each: their own entries."""
    width, first, forms = sum(heights) + 1, 0, []
    for height in heights:
        part = np.zeros((height, width, prompts))
        part[range(height), range(first, first + height)] = 1
        forms.append(Form({(): part}))
        first += height
    return forms


def iterates_by_map(
    algorithm: Algorithm, data: FloatTransitions, start: tuple[Stacked, ...], steps: Sequence[Any], p: Any
) -> tuple[tuple[Tensor, ...], int] | None:
    """What `iterates` returns, but for its roundings, and `Map.more`; None where that is not to be had.

    At weights between -1 and 1 the loop runs on `ASKED` prompts too, and what the map gives must be that to `ALIKE` of
    its largest number.
    """
    light = data.phi.device.type == "cpu" and data.phi.dtype in IN_NUMPY
    least = 1 + sum(len(w.values) for w in start)
    if not light or algorithm.selections or len(steps) < LAYERS_FOR_A_MAP or least > FEW * data.phi.shape[1]:
        return None
    weights = [tuple(w.values.numpy() for w in start)]
    forms = weights_as_forms([len(w) for w in weights[0]], len(data.query))
    symbols = [Symbol(name, forms[0].parts[()].shape[1]) for name in algorithm.preconditioners]
    sweep = algorithm.sweep(data.each(lambda x: Known(x.numpy())), data.phi.shape[2])
    with np.errstate(all="ignore"):
        try:
            once = Map(algorithm.update(tuple(forms), symbols, sweep, p), algorithm.preconditioners)
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return None  # it does what forms cannot; a fault of its own is met when it runs on the weights
        if once.more > FEW * data.phi.shape[1]:
            return None
        plain = [[c.matrix.numpy() if type(c) is StepMatrix else c for c in step] for step in steps]
        if not _is_the_loop(once, algorithm, data, weights[0], plain[0], steps[0], p):
            return None
        for step in plain:
            weights.append(once(weights[-1], step))
    return tuple(torch.from_numpy(np.stack(w)).permute(2, 0, 1) for w in zip(*weights, strict=True)), once.more


def _is_the_loop(
    once: Map,
    algorithm: Algorithm,
    data: FloatTransitions,
    start: Sequence[np.ndarray],
    plain: Sequence[Any],
    step: Sequence[Any],
    p: Any,
) -> bool:
    """Whether the map gives what the loop does, at generic weights of the first prompts: all run the same code."""
    generator = np.random.default_rng(0)
    generic = tuple(generator.uniform(-1, 1, w.shape) for w in start)
    first = slice(0, ASKED)
    at = tuple(Stacked(torch.from_numpy(w[:, first])) for w in generic)
    looped = iterates(algorithm, data.some(first), at, [step], p)
    for mapped, loop in zip(once(generic, plain), looped, strict=True):
        wanted = loop[:, 1].mT.numpy()
        if not (np.abs(mapped[:, first] - wanted) <= ALIKE * np.abs(wanted).max(axis=0)).all():
            return False
    return True
