"""What a generated file and its audit are printed from: the loop, the prompt, weights, masks and hypotheses, named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ....symbolic.algorithm import Algorithm
from ....symbolic.derivation.coefficients import INDEX, LAYER, LENGTH, Entry
from ....symbolic.derivation.masks import masks_of
from ....symbolic.errors import NotRepresentableError
from ....symbolic.tracing.evaluate import Update
from ....symbolic.tracing.trace import trace
from ....symbolic.tracing.traced import Traced
from . import loop as loops
from .closed import Closing, closed_form, closing, scalars_of
from .given import GivenWeights, Weights
from .heads import Tables, cells, tables
from .loop import Data, Loop
from .masks import split, summed
from .names import Names, comment, identifier
from .nonzero import Factors, NonZero, nonzero
from .prompt import Prompt, prompt_of
from .scalars import Spelling, divided_by, literals
from .tabled import Tabled, refuse_divided, tabled
from .terms import denominators


@dataclass(frozen=True, eq=False)
class Parts:
    """All that a generated file and its audit are printed from, for one derivation."""

    derivation: Weights
    module: str
    suffix: str
    data: Data
    loop: Loop
    prompt: Prompt
    tables: Tables
    masks: dict[str, str]
    closing: Closing
    spelling: Spelling
    hypotheses: dict[str, str]
    facts: tuple[str, ...]
    whole: tuple[int, ...]
    counted: tuple[tuple[str, str], ...]
    nonzero: NonZero
    tabled: tuple[Tabled, ...]
    apart: bool
    """Whether the heads have other masks than the loop asks for, which may add up to these all the same."""

    @property
    def given(self) -> bool:
        """Whether the weights are the user's own; if not they are derived."""
        return isinstance(self.derivation, GivenWeights)

    @property
    def weights(self) -> str:
        """What the weights are, in words."""
        return "the given weights" if self.given else "the derived weights"

    @property
    def assumed(self) -> list[str]:
        """The section's hypotheses, and what follows from them at once."""
        lines = [f"Hypothesis {name} : {text}." for name, text in self.hypotheses.items()]
        if "n_gt0" in self.hypotheses:
            lines.append("Lemma n_neq0 : n%:R != 0 :> F. Proof. by rewrite pnatr_eq0 -lt0n. Qed.")
        tables = [x.name for x in self.tabled]
        known = ["n_neq0" if x == "n_gt0" else x for x in self.hypotheses if x not in tables]
        lines += self.nonzero.lines(known, self.by_layer)
        return lines + [x.lines(self.spelling) for x in self.tabled]

    @property
    def by_layer(self) -> bool:
        """Whether numbers are made from the layer's, or a step is assumed at its table."""
        weights = self.derivation
        return bool(self.tabled) or (isinstance(weights, GivenWeights) and LAYER in weights.names)

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm."""
        return self.derivation.algorithm

    def mask_argument(self, name: str) -> str:
        """The layer as an argument of a mask that differs from layer to layer."""
        mask = dict(zip(self.masks, self.derivation.masks, strict=True))[name]
        return " (l : nat)" if self.data.by_layer & mask.names() else ""

    def theorem(self, part: str) -> str:
        """The name of a theorem about this algorithm, with its options."""
        return f"{identifier(self.algorithm.name)}_{part}{self.suffix}"

    @property
    def arguments(self) -> str:
        """What every theorem of the file takes before its own: section variables, then hypotheses."""
        return " ".join([self.data.arguments, *self.hypotheses])

    @property
    def title(self) -> str:
        """The algorithm, its options and what masks ask of the layer, fit for a comment."""
        options = "".join(f", {k} = {v}" for k, v in self.derivation.options.items())
        weights = self.derivation
        asked = self.algorithm.selections if isinstance(weights, GivenWeights) else {}
        masks = "".join(f"; for {x} l j, whatever it is, masks ask {said}" for x, said in asked.items())
        return comment(self.algorithm.title + options + masks)


def parts(derivation: Weights, reserved: tuple[str, ...] = ()) -> Parts:
    """Run the algorithm's functions on terms and name everything; reserved : names of files of the theory.

    Raises `NotRepresentableError` for what the theory has no words for.
    """
    a = derivation.algorithm
    names = Names(("m",) if a.unit_columns else ())
    data = Data.of(a, dict(derivation.options), names)
    traced = traced_of(a, dict(derivation.options))
    if traced.update is None:
        raise NotRepresentableError(traced.reason)
    loop = loops.run(data, traced.update, names)
    steps = {id(data.symbols["preconditioner", x]) for x in a.preconditioners}
    if any(id(x) in steps for term in loop.after.values() for x in term.parts()):
        data = replace(data, layered=True)
    prompt = prompt_of(data, traced, names)
    words = {x: data.parameters[x] for x in a.parameters}
    words |= {x: f"{name} l" for x, name in (*data.preconditioners.items(), *data.selections.items())}
    spelling = Spelling(words)
    form = closed_form(derivation, loop)
    apart, at_tables = False, tuple[Tabled, ...]()
    if isinstance(derivation, GivenWeights):
        at_tables = tabled(derivation, data)
        asked = [m for terms in form.totals.values() for _, m in masks_of(terms).values()]
        apart = not derivation.has_masks(asked)
        derivation = derivation.asking(asked)
    spelt = split if apart else summed
    masks = {
        f"mask_{name}": spelt(m, spelling) for name, m in zip(derivation.mask_names, derivation.masks, strict=True)
    }
    mask_terms = [
        f"({name} l)" if data.by_layer & m.names() else name for name, m in zip(masks, derivation.masks, strict=True)
    ]
    coefficients = [*scalars_of(derivation, form), *(x.value for x in at_tables)]
    divided = {x for s in coefficients for x in divided_by(s)}
    printed = [
        *loop.after.values(),
        *loop.finish,
        *(r.context for r in prompt.blocks.values()),
        *(r.context for r in prompt.accumulators.values()),
        *(r.query for r in prompt.accumulators.values()),
        *(x.stated for x in at_tables),
    ]
    divisors = [x.args[-1] for term in printed for x in term.parts() if x.op in ("inverse", "/")]
    inverted = {x.args[0] for x in divisors if x.op == "atom"}
    algebra = derivation.state.algebra
    named = {("parameter", x): x for x in a.parameters} | {("preconditioner", x): x for x in a.scalar_preconditioners}
    named |= {("transition", "index"): INDEX, ("sweep", "n"): LENGTH}
    known = {id(data.symbols[key]): algebra.parameter(x) for key, x in named.items()}
    known |= {id(x.layer): algebra.parameter(LAYER) for x in at_tables}
    known |= {id(data.symbols["transition", x]): algebra.named(Entry.of(x, INDEX)) for x in a.selections}
    own = [x for x in a.scalar_preconditioners if x in divided or f"{data.preconditioners[x]} l" in inverted]
    sums = nonzero(printed, coefficients, Factors(algebra, known, spelling), spelling, a.scalar_preconditioners, own)
    if strange := sorted({*sums.alone} - {*a.parameters, *a.scalar_preconditioners}):
        raise NotRepresentableError(
            f"the update divides by {strange[0]}, which is no parameter and no step: no hypothesis is about it"
        )
    refuse_divided(at_tables, (*sums.sums, *sums.alone))
    hypotheses: dict[str, str] = {}
    for x, name in data.parameters.items():
        if x in divided or name in inverted or x in sums.alone:
            hypotheses[f"{name}_neq0'"] = f"{name} != 0"  # the prime: no name of a user's has one
    counted = _counted(derivation, prompt)
    if counted or _multiplied_by_length(derivation) or sums.length:
        hypotheses["n_gt0"] = "(0 < n)%N"
    facts = tuple(f"(mulVf {'n_neq0' if h == 'n_gt0' else h})" for h in hypotheses)
    hypotheses |= sums.hypotheses | {x.name: x.hypothesis for x in at_tables}
    whole = denominators(iter(printed)) | {k for s in coefficients for k in literals(s)}
    suffix = "".join(f"_{identifier(v)}" for v in derivation.options.values())
    module = f"{identifier(a.name)}{suffix}"
    while module in reserved:
        module += "_loop"
    return Parts(
        derivation, module, suffix, data, loop, prompt, tables(derivation, prompt, mask_terms, spelling), masks,
        closing(derivation, form, data, loop, prompt, mask_terms, spelling), spelling, hypotheses, facts,
        tuple(sorted(whole)), counted, sums, at_tables, apart,
    )  # fmt: skip


def _counted(derivation: Weights, prompt: Prompt) -> tuple[tuple[str, str], ...]:
    """The pairs of constant rows that some head meets: over M0 they count the context."""
    constant = {name for name, row in prompt.ones.items() if row.context.is_one}
    factors = [cells(h) for h in derivation.heads if derivation.masks[h.mask].is_context_mask]
    pairs = {(r, k) for U, E in factors for _, r in U for k, _, _ in E if {r, k} <= constant}
    return tuple(sorted(pairs))


def _multiplied_by_length(derivation: Weights) -> bool:
    """Whether weights hold a positive power of n, which a layer's 1/n has to take away again."""
    weights = [c for h in derivation.heads for part in cells(h) for c in part.values()]
    return any(name == LENGTH and k > 0 for c in weights for part in c.parts().values() for e in part for name, k in e)


def traced_of(algorithm: Algorithm, options: Mapping[str, str]) -> Traced:
    """The expressions of an algorithm: those that it evaluates, or else traced from its functions."""
    if isinstance(algorithm.update, Update):
        return algorithm.update.known.at(algorithm.bind({x: None for x in algorithm.parameters}, options))[1]
    return trace(algorithm, options)


def first_weight(parts: Parts, state: str) -> str:
    """The first weight of a state: the state itself, or the first of a tuple (pairs nest to the left)."""
    return f"{state}{'.1' * (len(parts.data.w) - 1)}"


def entry_names(parts: Parts) -> dict[str, str]:
    """The accumulator rows by the names of their theorems: a TD error is a residual, as the papers call it."""
    names = Names(("state", "prediction", "features", "prompt0", "hypotheses"))
    return {name: names.new("residual" if name == "td_error" else name) for name in parts.prompt.accumulators}
