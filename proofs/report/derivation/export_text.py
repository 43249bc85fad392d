"""The weights of an export in symbols, for every d and n: what a derivation and a report show, as text."""

from __future__ import annotations

from ....symbolic.derivation.factor import SymbolicHead
from ....symbolic.derivation.form import Form
from ..assemble import plain, prose
from ..layer_forms import FORM, LAYER, OVER_CONSTANT
from ..model import Block, Display, Section
from ..writers.plain_text import write
from .heads import each_head
from .masks import divisors, mask_formula
from .prompt import prompt_section
from .readout import readout_section
from .steps import in_symbols

DERIVED = "The weights are derived: the update forces them, but for what `layerproof derive` says is free."
GIVEN = "The heads are given, not forced: their author wrote them, and others may do the same."

PRODUCT = "$W$ and $P$ enter as the product $W P$ only, which is what $P$ shows here."


def symbols(form: Form, looped: bool) -> str:
    """The prompt's rows, the masks by entry, W, P and Q of each head in blocks, and the read-out, as plain text."""
    algorithm = form.algorithm
    steps = [x for x in algorithm.preconditioners if x not in algorithm.scalar_preconditioners]
    numbers = ", ".join(algorithm.scalar_preconditioners)
    intro: list[Block] = [
        plain(DERIVED if algorithm.heads is None else GIVEN),
        prose(r"Layer $\ell$ is ", LAYER, "; blocks are named by the rows of the prompt."),
    ]
    if any(isinstance(h, SymbolicHead) for h in form.heads):
        intro.append(prose("A head in which features meet has ", FORM, "."))
    if any(not isinstance(h, SymbolicHead) for h in form.heads):
        intro.append(prose("A head over the constant row has ", OVER_CONSTANT, "."))
    if algorithm.heads is not None:
        intro.append(prose(f"{PRODUCT} weights.json has both as given."))
    if algorithm.preconditioners:
        kinds = [f"{', '.join(steps)}: d x d"] * bool(steps) + [f"{numbers}: a number"] * bool(numbers)
        of = "the same in every layer (looped)" if looped else "of each layer its own"
        intro.append(plain(f"{'; '.join(kinds)}; {of}. Their values here: weights.json."))
    if form.hypotheses.names:
        intro.append(divisors(form))
    shown = sorted({h.mask for h in form.heads})
    masks = [Display(mask_formula(form.mask_names[k], form.masks[k])) for k in shown]
    sections = (
        Section("export", "What this is", tuple(intro)),
        prompt_section(form),
        Section("masks", "Masks, for every n", tuple(masks)),
        Section("heads", "Heads", tuple(each_head(form))),
        readout_section(form),
    )
    chosen = "".join(f", {name} {value}" for name, value in sorted(form.options.items()))
    title = f"{algorithm.name}{chosen}: the weights in symbols, for every d and n"
    return write(title, in_symbols(sections, form.state))
