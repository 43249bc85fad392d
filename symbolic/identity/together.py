"""All columns of a prompt as a single one, with `Columns` in it: what is read of one token is read of all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ..algorithm import Algorithm
from ..arithmetics.arithmetic import Arithmetic
from ..arithmetics.columns import Columns
from ..prompt import Context, Layout
from ..transitions import Transition


def all_transitions(
    columns: type[Columns], features: Any, following: Any, rewards: Any, extras: Mapping[str, Any]
) -> Transition:
    """All transitions as one; none of them has the position."""
    of = columns.of_numbers
    carried = {name: of(values) for name, values in extras.items()}
    return Transition(of(features), of(following), of(rewards), None, carried)


def joined(columns: type[Columns], transitions: Sequence[Transition], names: Sequence[str]) -> Transition:
    """`all_transitions` of transitions that are numbers of the arithmetic already; `names` of what they carry."""
    phi, after, rewards = ([getattr(t, k) for t in transitions] for k in ("phi", "phi_next", "reward"))
    carried = {name: [t.extras[name] for t in transitions] for name in names}
    return all_transitions(columns, phi, after, rewards, carried)


_wholes: dict[Any, tuple[Context, Transition]] = {}
"""What `all_transitions` made of contexts, by their identity; they are held, so that it stays taken."""
KEPT = 64


def all_of_context(columns: type[Columns], context: Context, names: tuple[str, ...]) -> Transition:
    """`all_transitions` of a context, made once for all algorithms and all kinds of evidence that read it."""
    key = columns, id(context), names
    if key not in _wholes:
        if len(_wholes) >= KEPT:
            _wholes.clear()
        extras = dict(context.extras)
        held = {name: extras[name] for name in names}
        _wholes[key] = context, all_transitions(columns, context.features, context.next_features, context.rewards, held)
    return _wholes[key][1]


def all_tokens(
    algorithm: Algorithm, arithmetic: Arithmetic, whole: Transition, query: Any, p: Any, layout: Layout
) -> SimpleNamespace | None:
    """All tokens as one, the query last; None where a block does what columns cannot, or has another height."""
    assert arithmetic.columns is not None
    try:
        token = algorithm.context_token(whole, p)
        last = algorithm.query_token(query, arithmetic.number(0))
        every = {k: arithmetic.columns.joined(v, getattr(last, k), layout.n) for k, v in vars(token).items()}
    except (TypeError, AttributeError):
        return None
    heights = {block.name: 1 if block.scalar else layout.d for block in algorithm.features}
    fits = all(part.num.nrows() == heights.get(name, 1) for name, part in every.items())
    return SimpleNamespace(**every) if fits else None
