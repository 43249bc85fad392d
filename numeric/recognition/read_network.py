"""The network that matrices are: its prompt and its sizes, told or asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ...symbolic.arithmetics.rational import RationalMatrix
from ...symbolic.attention import Head
from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.recognition.network import Network, transposed
from ...symbolic.recognition.prompts import Prompt, fitting, prompt_named
from .limits import CONTEXT, check_network

DEFAULT_CONTEXT = 30
"""n where nothing says it: with the published mask the rule is the same for every n."""


@dataclass(frozen=True)
class Reading:
    """How weights are to be read.

    layout      the prompt, by name; None lets the number of rows decide
    features    d; context  n; layers  how often a single stored layer is applied, or a check of how many there are
    transposed  matrices that are stored transposed
    """

    layout: str | None = None
    features: int | None = None
    context: int | None = None
    layers: int | None = None
    transposed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToldSizes:
    """Sizes that a file of ours tells beside its tensors.

    rows : the names of its rows, which may be those of no prompt of the catalogue
    """

    depth: int | None = None
    n: int | None = None
    prompt: Prompt | None = None
    gamma: Fraction | None = None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ReadNetwork:
    """A network that was read, and the law's discount where its file tells it.

    resolution : to what share of the largest its numbers are known, where a module was probed; None: they are exact
    """

    network: Network
    gamma: Fraction | None = None
    notes: tuple[str, ...] = ()
    resolution: float | None = None


def read_network(
    name: str, layers: Sequence[Sequence[Head]], m: int, known: ToldSizes, how: Reading, masked: bool
) -> ReadNetwork:
    """The network, its prompt found or asked for."""
    prompt = choose(m, known, how)
    n = known.n if masked and known.n is not None else how.context or known.n or DEFAULT_CONTEXT
    if how.context is not None and how.context != n:
        raise ArgumentError(f"context is {how.context}, but the masks of {name} are for n = {n}: leave it out")
    if n < 1:
        raise ContentError("a mask has fewer than two tokens, wanted n context tokens and the query")
    layout = prompt.layout(m, n)
    if n > CONTEXT:
        raise WorkLimitError(f"context is n = {n}, above the limit of {CONTEXT}")
    plain = RationalMatrix.context_mask(n)
    stored = tuple(tuple(Head(h.W, h.P, h.Q, plain if h.M is None else h.M) for h in heads) for heads in layers)
    wrong = next((h.M for heads in stored for h in heads if h.M.shape != (n + 1, n + 1)), None)
    if wrong is not None:
        raise ContentError(f"a mask has the shape {wrong.shape}, and another ({n + 1}, {n + 1}): wanted one n for all")
    depth = _depth(len(stored), known.depth, how.layers)
    network = Network(name, stored, depth, len(stored) == 1 and depth > 1, prompt, layout, masked)
    check_network(network)
    if how.transposed:
        network = transposed(network, how.transposed)
    return ReadNetwork(network, known.gamma)


def _depth(stored: int, known: int | None, asked: int | None) -> int:
    if stored > 1:
        if asked is not None and asked != stored:
            raise ArgumentError(f"layers is {asked}, but the weights have {stored} layers: leave it out")
        return stored
    return asked or known or 1


def choose(m: int, known: ToldSizes, how: Reading) -> Prompt:
    """The prompt that m rows are for; `ArgumentError` that asks where there are several.

    Least squares' prompt has m rows for some d whatever m is, and TD's weights are least squares' exactly when they are
    read so: more than one row needs the layout, d, or a file of ours that tells its sizes.
    """
    if how.layout is not None:
        prompt = prompt_named(how.layout)
        _fits(prompt, m, how)
        return prompt
    if known.prompt is not None:
        _fits(known.prompt, m, how)
        return known.prompt
    candidates = fitting(m, how.features)
    if how.features is not None and not candidates:
        sizes = ", ".join(f"{p.name} {p.features_of(m)}" for p in fitting(m))
        raise ArgumentError(
            f"features is {how.features}, but the weights have {m} rows, which is d = {sizes or 'none'}: these are "
            "weights of another d"
        )
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise ContentError(f"the matrices are {m} x {m}, and no prompt of the catalogue has {m} rows")
    if known.rows:
        raise ArgumentError(
            f"layout is missing: the rows of these weights are {', '.join(known.rows)}, which no algorithm of the "
            f"catalogue has, and identify answers for those: wanted one to read the {m} rows as, such as --layout "
            f"{candidates[0].name}"
        )
    choices = " or ".join(f"--layout {p.name} (d = {p.features_of(m)})" for p in candidates)
    raise ArgumentError(
        f"layout is missing: {m} rows are those of several prompts, wanted {choices}, or the name of an algorithm with "
        "a prompt of its own, such as --layout nesterov-td; the config.json of an export beside its file says so, too"
    )


def _fits(prompt: Prompt, m: int, how: Reading) -> None:
    d = prompt.features_of(m)
    if d is None:
        raise ArgumentError(f"layout is {prompt.name}, whose prompt has {prompt.counts} rows, but the weights have {m}")
    if how.features is not None and how.features != d:
        raise ArgumentError(f"features is {how.features}, but the weights are of another d: {m} rows are d = {d}")
