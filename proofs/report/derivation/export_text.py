"""The weights of an export in symbols, for every d and n: the tables that a derivation and a report show, as text."""

from __future__ import annotations

from typing import Any

from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import Form
from .derivation import (
    FORM,
    LAYER_FORM,
    OVER_CONSTANT,
    head_tables,
    mask_formula,
    prompt_section,
    readout_section,
)
from .parts import Section, said
from .plain import as_text

DERIVED = "The weights are derived: the update forces them, but for what `layerproof derive` says is free."
GIVEN = "The heads are given, not forced: their author wrote them, and others may do the same."

PRODUCT = "$W$ and $P$ enter as the product $W P$ only, which is what $P$ shows here."


def symbols(form: Form, looped: bool) -> str:
    """The prompt's rows, the masks by entry, W, P and Q of each head in blocks, and the read-out, as plain text."""
    algorithm = form.algorithm
    steps = [x for x in algorithm.preconditioners if x not in algorithm.scalar_preconditioners]
    numbers = ", ".join(algorithm.scalar_preconditioners)
    parts: list[Any] = [
        DERIVED if algorithm.heads is None else GIVEN,
        said(rf"Layer $\ell$ is {LAYER_FORM}; blocks are named by the rows of the prompt."),
    ]
    if any(isinstance(h, SymbolicHead) for h in form.heads):
        parts.append(said(f"A head in which features meet has {FORM}."))
    if any(not isinstance(h, SymbolicHead) for h in form.heads):
        parts.append(said(f"A head over the constant row has {OVER_CONSTANT}."))
    if algorithm.heads is not None:
        parts.append(said(f"{PRODUCT} weights.json has both as given."))
    if algorithm.preconditioners:
        kinds = [f"{', '.join(steps)}: d x d"] * bool(steps) + [f"{numbers}: a number"] * bool(numbers)
        of = "the same in every layer (looped)" if looped else "of each layer its own"
        parts.append(f"{'; '.join(kinds)}; {of}. Their values here: weights.json.")
    shown = sorted({h.mask for h in form.heads})
    masks = [mask_formula(form.mask_names[k], form.masks[k]) for k in shown]
    if form.hypotheses.names:
        parts.append(f"Where the update or the weights divide: {form.hypotheses.text()}, for every j <= n.")
    heads: list[Any] = []
    for number, head in enumerate(form.heads, 1):
        heads += [f"head {number}, mask {form.mask_names[head.mask]}:", *head_tables(form, head)]
    sections = [
        Section("What this is", tuple(parts)),
        prompt_section(form),
        Section("Masks, for every n", tuple(masks)),
        Section("Heads", tuple(heads)),
        readout_section(form),
    ]
    chosen = "".join(f", {name} {value}" for name, value in sorted(form.options.items()))
    return as_text(f"{algorithm.name}{chosen}: the weights in symbols, for every d and n", sections)
