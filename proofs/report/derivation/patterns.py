"""The derivation of an algorithm that attends by patterns, in sentences."""

from __future__ import annotations

from ....numeric.files.pattern_file import pattern_tensors
from ....symbolic.patterns.construction import PatternConstruction
from ....symbolic.patterns.heads import PatternForm, heads_text, shift_text
from ....symbolic.strict_json import rational_text
from .parts import Section, meaning

PATTERNS = {
    True: "A = K under the mask, for every matrix K that is made from rows that no layer writes",
    False: "A = Z^T Q Z under the mask",
}
MASKS = {
    "context": "1 where the key is a token of the context, else 0",
    "causal": "1 at key j and token t where j <= min(t, n), else 0",
}


def pattern_matrices(construction: PatternConstruction) -> Section:
    """The matrices at the sizes asked for: row by row, without what is zero; the mask by its rows."""
    c, names = construction, construction.row_names()
    values = ", ".join(f"{name} = {rational_text(x)}" for name, x in c.parameters.items())
    lines = [
        f"d = {c.d}, n = {c.n}{', ' * bool(values)}{values}; rows and columns of V and Q by name, others are zero."
    ]
    for name, matrix in pattern_tensors(c).items():
        rows = matrix.fractions()
        if name == "mask":
            lines += [f"mask, key {j}: {' '.join(map(rational_text, row))}" for j, row in enumerate(rows, 1)]
            continue
        entries = [
            f"({names[i]}, {names[j]}) = {rational_text(x)}"
            for i, row in enumerate(rows)
            for j, x in enumerate(row)
            if x
        ]
        lines.append(f"{name}: {'; '.join(entries) or 'zero'}")
    return Section("The matrices", tuple(lines))


def pattern_sections(form: PatternForm) -> list[Section]:
    """Update, prompt, layer, and what was solved for."""
    algorithm = form.algorithm
    sizes = {True: "1 row", False: "d rows"}
    rows = [
        f"{r.name}, {sizes[r.scalar]}{', which layers write' * (r.name in form.held)}: {meaning(r.meaning).text}"
        for r in algorithm.rows
    ]
    scale = "1/n" if form.by_length else "1"
    layer = f"A layer is Z + {scale} sum_h V_h Z A_h, with {PATTERNS[bool(algorithm.kernels)]}."
    heads = []
    for k, head in enumerate(heads_text(form), 1):
        heads += [f"head {k}: V has {'; '.join(head['V'] or ())}"]
        heads += [f"head {k}: Q has {'; '.join(head['Q'])}"] if head["Q"] is not None else []
    masks = [f"The mask is {MASKS[form.sees]}."]
    masks += [f"Its entries at a {key} key and a {own} token are seen by no prompt." for key, own in form.free]
    shift = [f"Then {text}, zero at the query." for text in shift_text(form)]
    least = [f"Under one mask no fewer than {form.least} will do: the rank of the solution."] if form.least else []
    return [
        Section("The update", (" ".join(str(algorithm.update.__doc__ or "").split()), f"State: {algorithm.state}.")),
        Section("The prompt", tuple(rows)),
        Section("The layer", (layer, *masks, *shift)),
        Section(
            "The heads",
            (
                "They solve a linear system: what a token of the context adds to a token, by layer and by update.",
                *heads,
                *least,
            ),
        ),
        Section("Source", (algorithm.source, algorithm.differs)),
    ]
