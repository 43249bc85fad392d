"""A rule as an algorithm file: weights turned back into the update that they perform, for `verify` to prove.

Matrices become preconditioners, so what `verify` proves holds for every d and n and for these matrices among all; the
network's own stand in the file as `MATRICES`.  What has no textbook update becomes an `OwnConstruction`: its heads, and
as reference the polynomial map that they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Any

from ...numeric.files.placing import place_file
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import derive
from ...symbolic.errors import ArgumentError, LayerproofError
from ...symbolic.recognition.joins import Join
from ...symbolic.recognition.masks import MaskSpace
from ...symbolic.recognition.network import Network
from ...symbolic.recognition.prompts import holds_data
from ...symbolic.recognition.reach import everything, reaches
from ...symbolic.recognition.rebuild import with_heads
from ...symbolic.recognition.rule import NetworkRule, NoRule, Weight
from ...symbolic.recognition.tensor import sparse, tensors
from ...symbolic.strict_json import rational_text
from ..user_file import guarded, resolve_algorithm
from .words import grouped, sentences

_FIELDS = {"phi": "t.phi", "gamma_phi_next": "p.gamma * t.phi_next", "phi_next": "t.phi_next", "one": "1"}
_BLOCKS = {
    "phi": 'FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\\phi_j")',
    "gamma_phi_next": (
        'FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\\gamma \\phi\'_j")'
    ),
    "phi_next": 'FeatureBlock("phi_next", lambda t, p: t.phi_next, meaning=r"\\phi\'_j")',
    "one": 'FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1")',
}
_READS = {"j = l": "now", "j <= l": "so_far", "j >= l": "from_now"}
"""What a transition's number is called that is 1 at the tokens that a layer reads."""
_EXTRAS = ("transition_scalars", "transition_vectors", "successor_vectors")


def _field(block: str) -> str:
    """What a block holds at a transition; other blocks than the usual ones are the catalogue's."""
    return _FIELDS.get(block, f'OTHERS["{block}"].context(t, p)')


def algorithm_file(network: Network, rule: NetworkRule) -> str:
    """The Python file of a rule: an `ALGORITHM` without heads, which are derived from the update anew."""
    doc = "\n".join(f"    {line}" for line in sentences(rule))
    names = [w.name for w in rule.weights]
    matrices = {m.letter: m.matrices for m in rule.moves}
    scalars = [m.letter for m in rule.moves if m.scalar]
    for mix in rule.mixes:
        if mix.letter:
            matrices[mix.letter] = tuple(((x,),) for x in mix.factors)
            scalars.append(mix.letter)
    letters, scalar_letters = list(matrices), list(dict.fromkeys(scalars))
    scalar_weights = [w.name for w in rule.weights if w.scalar]
    blocks = [name for name, _ in network.layout.features]
    gamma = any(b.startswith("gamma_") for b in blocks)
    source = network.prompt.algorithm
    others = any(b not in _BLOCKS for b in blocks)
    lines = [
        '"""An update that was read off the weights of a network, exactly.', "", doc.replace("\\", ""), '"""', "",
        "from fractions import Fraction", "", "from layerproof import Accumulator, Algorithm, FeatureBlock",
        *(["from layerproof.symbolic.algorithms import find"] if others else []), "",
        *([f'OTHERS = {{block.name: block for block in find("{source.name}").features}}',
           '"""Blocks of rows as the catalogue has them."""', ""] if others else []),
        "MATRICES = {",
        *(f'    "{letter}": [{", ".join(_rows(x) for x in held)}],' for letter, held in matrices.items()),
        "}", '"""The network\'s own preconditioners, one a stored layer; the update below holds for all."""', "", "",
        "def update(weights, preconditioners, sweep, p):",
        f"    {_tuple(names)} = weights",
        f"    {_tuple(letters)} = preconditioners",
    ]  # fmt: skip
    lines += [f"    {line}" for line in _body(rule)]
    lines += [
        "", "", "ALGORITHM = Algorithm(", '    name="identified",', '    title="An update read off weights",',
        '    source="layerproof identify",',
        f"    weights={_names(names)},", f"    preconditioners={_names(letters)},",
    ]  # fmt: skip
    for name in _EXTRAS:
        if extra := getattr(source, name):
            lines.append(f"    {name}={_names(extra)},")
    only = dict.fromkeys(p.how.only for m in rule.moves for p in m.parts if p.how.only)
    if only:
        reads = ", ".join(f'"{_READS[x]}": "{x}"' for x in only)
        lines.append(f"    selections={{{reads}}},")
    if scalar_weights:
        lines.append(f"    scalar_weights={_names(scalar_weights)},")
    if scalar_letters:
        lines.append(f"    scalar_preconditioners={_names(scalar_letters)},")
    held_blocks = (_BLOCKS.get(b, f'OTHERS["{b}"]') for b in blocks)
    lines += ["    features=(", *(f"        {b}," for b in held_blocks), "    ),", "    accumulators=("]
    for row in rule.rows:
        value = _sum([("x.reward" if row in rule.data else "", Fraction(1)), *_held(rule.weights, row, "x", "weights")])
        lines.append(f'        Accumulator("{row}", lambda weights, x, p: {value}),')
    lines += ["    ),", *(['    parameters=("gamma",),'] if gamma else []), "    update=update,", ")", ""]
    return "\n".join(lines)


def _body(rule: NetworkRule) -> list[str]:
    """The loop of the update."""
    start, inside = [], []
    traces = dict.fromkeys((p.block, p.how.decay) for m in rule.moves for p in m.parts if p.how.kind == "trace")
    trace_names = {key: f"sweep.e_{k + 1}" for k, key in enumerate(traces)}
    for (block, decay), name in trace_names.items():
        start.append(f"{name} = 0" if block == "one" else f"{name} = 0 * {_vector(rule)}")
        inside.append(f"{name} = {_exact(decay)} * {name} + {_field(block)}")
    shifts = _shifts(rule)
    start += [f"{name} = 0 * {_vector(rule)}" if block != "one" else f"{name} = 0" for name, _, block in shifts]
    read = dict.fromkeys((row, how.kind) for m in rule.moves for v, _ in grouped(m) for _, row, how in v)
    for row in dict.fromkeys(row for row, _ in read):
        reward = ("t.reward" if row in rule.data else "", Fraction(1))
        inside.append(f"{row} = {_sum([reward, *_held(rule.weights, row, 't', '')])}")
        if (row, "mean") in read:
            start.append(f"sweep.sum_{row} = 0")
            inside += [f"sweep.sum_{row} = sweep.sum_{row} + {row}", f"mean_{row} = sweep.sum_{row} / t.index"]
    for number, move in enumerate(rule.moves, 1):
        weight = rule.weights[move.weight]
        start.append(f"sweep.total_{number} = 0{'' if weight.scalar else f' * {weight.name}'}")
        for values, keys in grouped(move):
            value = _sum([(f"{'mean_' if how.kind == 'mean' else ''}{row}", x) for x, row, how in values])
            key = _sum([(_key(block, how, trace_names), x) for x, block, how in keys])
            term = f"({value})" if key == "1" else f"({value}) * ({key})"
            inside.append(f"sweep.total_{number} = sweep.total_{number} + {term}")
    inside += [f"{name} = {earlier}" for name, earlier, _ in shifts]
    new = []
    for k, weight in enumerate(rule.weights):
        own = [(number, m) for number, m in enumerate(rule.moves, 1) if m.weight == k]
        by = "*" if weight.scalar else "@"
        formula = weight.name + "".join(f" + {m.letter} {by} sweep.total_{number} / sweep.n" for number, m in own)
        for mix in rule.mixes:
            if mix.weight == k:
                formula += f" + {mix.letter or _exact(mix.factors[0])} * {rule.weights[mix.of].name}"
        new.append(formula)
    return [*start, "for t in sweep:", *(f"    {line}" for line in inside), f"return {_tuple(new)}"]


def _shifts(rule: NetworkRule) -> list[tuple[str, str, str]]:
    """Loop variables for keys of earlier transitions, the furthest first: (name, what it becomes, block)."""
    back: dict[str, int] = {}
    for move in rule.moves:
        for p in move.parts:
            if p.how.kind == "past":
                back[p.block] = max(back.get(p.block, 0), p.how.back)
    return [
        (_past(block, k), _past(block, k - 1) if k > 1 else _field(block), block)
        for block, most in back.items()
        for k in range(most, 0, -1)
    ]


def _past(block: str, back: int) -> str:
    return f"sweep.{block}_{back}_back"


def _key(block: str, how: Join, traces: dict[Any, str]) -> str:
    factor = traces[block, how.decay] if how.kind == "trace" else _field(block)
    factor = _past(block, how.back) if how.kind == "past" else factor
    return f"t.{_READS[how.only]} * {factor}" if how.only else factor


def _vector(rule: NetworkRule) -> str:
    return next(w.name for w in rule.weights if not w.scalar)


def _held(weights: Sequence[Weight], row: str, at: str, held: str) -> list[tuple[str, Fraction]]:
    """What the weights give in a row: a term for each block."""
    terms = []
    for k, weight in enumerate(weights):
        if weight.row == row:
            name = f"weights[{k}]" if held else weight.name
            for block, x in weight.blocks.items():
                if weight.scalar:
                    terms.append((f"{name} * x.{block}" if at == "x" else name, x))
                else:
                    terms.append((f"({name} @ {f'x.{block}' if at == 'x' else f'({_field(block)})'})", x))
    return terms


def _sum(terms: Sequence[tuple[str, Fraction]]) -> str:
    text = ""
    for name, x in terms:
        if not name:
            continue
        size = name if abs(x) == 1 else f"{_exact(abs(x))} * {name}"
        text += (f" {'-' if x < 0 else '+'} " if text else "-" if x < 0 else "") + size
    return text or "0 * x.reward"


def _exact(x: Fraction) -> str:
    return rational_text(x) if x.denominator == 1 else f"Fraction({rational_text(x).replace('/', ', ')})"


def _tuple(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)}{',' * (len(parts) == 1)})"


def _names(parts: Sequence[str]) -> str:
    return _tuple([f'"{x}"' for x in parts])


def _rows(rows: Sequence[Sequence[Fraction]]) -> str:
    return "[" + ", ".join("[" + ", ".join(f'"{rational_text(x)}"' for x in row) + "]" for row in rows) + "]"


OWN = '''"""The polynomial map of a network's layers, read off its weights: no textbook update is claimed.

The reference adds what the interaction tensor says, term by term; the heads are the network's own.
"""

from fractions import Fraction

from layerproof import Head, OwnConstruction

D, N, M = {d}, {n}, {m}
NAMES = {names}
BLOCKS = {blocks}
HEADS = {heads}
MASKS = {masks}
TERMS = {terms}


def number(x):
    """A rational as it is written below."""
    top, _, bottom = x.partition("/")
    return Fraction(int(top, 0), int(bottom or "1", 0))


def rows(d):
    """The rows of the network's prompt."""
    return NAMES


def columns(d, n):
    """The network's own context length."""
    return [f"token {{j + 1}}" for j in range(N)] + ["query"]


def prompt(context, p):
    """The network's prompt of a context, cut or filled up with zeros to its d and n."""
    def cut(vector):
        return [vector[k] if k < len(vector) else 0 for k in range(D)]

    tokens = []
    for j in range(N):
        if j >= context.n:
            tokens.append([0] * M)
            continue
        entries = {{"phi": cut(context.features[j]), "phi_next": cut(context.next_features[j]), "one": [1],
                   "gamma_phi_next": [p.gamma * x for x in cut(context.next_features[j])]}}
        column = [x for name in BLOCKS for x in entries[name]]
        column += [context.rewards[j] if name in {data} else 0 for name in NAMES[len(column):]]
        tokens.append(column)
    query = [x for name in BLOCKS for x in (cut(context.query) if name == "phi" else [0] * (1 if name == "one" else D))]
    tokens.append(query + [0] * (M - len(query)))
    return [list(row) for row in zip(*tokens)]


def dense(entries, size):
    """A matrix from its entries that are not zero."""
    result = [[Fraction(0)] * size for _ in range(size)]
    for i, j, x in entries:
        result[i][j] = number(x)
    return result


def heads(d, n, p, layer):
    """The heads of a layer."""
    stored = HEADS[layer if len(HEADS) > 1 else 0]
    return [Head(None, dense(P, M), dense(Q, M), dense(MASKS[k], N + 1)) for P, Q, k in stored]


def reference(context, p):
    """z_t[a] += (1/n) sum over the terms of x S_k[b, r] z_t[s], with S_k[b, r] = sum_ij mask_k[i, j] z_i[b] z_j[r]."""
    Z = prompt(context, p)
    layer = 0
    while True:
        stored = TERMS[layer if len(TERMS) > 1 else 0]
        products = {{}}
        for a, b, r, s, x, k in stored:
            if (b, r, k) not in products:
                products[b, r, k] = sum(number(y) * Z[b][i] * Z[r][j] for i, j, y in MASKS[k])
        change = [[Fraction(0)] * (N + 1) for _ in range(M)]
        for a, b, r, s, x, k in stored:
            factor = number(x) * products[b, r, k] / N
            for t in range(N + 1):
                change[a][t] = change[a][t] + factor * Z[s][t]
        Z = [[x + y for x, y in zip(old, new)] for old, new in zip(Z, change)]
        layer += 1
        yield {{(NAMES[a], f"token {{t + 1}}" if t < N else "query"): Z[a][t] for a in range(M) for t in range(N + 1)}}


CONSTRUCTION = OwnConstruction(
    name="identified",
    title="The layers of a network",
    source="layerproof identify",
    rows=rows,
    columns=columns,
    prompt=prompt,
    heads=heads,
    reference=reference,
    scale=lambda n: Fraction(1, N),
    {layers}
)
'''


def own_file(network: Network) -> str:
    """The Python file of layers that are no textbook update: an `OwnConstruction`."""
    layout, space = network.layout, MaskSpace()
    interactions = tensors(network, space, everything(network))
    masks = [sorted(mask.items()) for mask in space.basis]
    known: dict[int, int] = {}
    heads = []
    for stored in network.layers:
        own = []
        for head in stored:
            if id(head.M) not in known:
                entries = sorted(sparse(head.M).items())
                den = int(head.M.den)
                known[id(head.M)] = len(masks)
                masks.append([(at, Fraction(x, den)) for at, x in entries])
            own.append((_entries(head.W @ head.P), _entries(head.Q), known[id(head.M)]))
        heads.append(own)
    terms = [[(a, b, r, s, rational_text(x), k) for (a, b, r, s, k), x in t.entries.items()] for t in interactions]
    return OWN.format(
        d=layout.d, n=layout.n, m=layout.m, names=list(layout.row_names()), data=sorted(holds_data(network.prompt)),
        blocks=[name for name, _ in layout.features], heads=heads, terms=terms,
        masks=[[(i, j, rational_text(x)) for (i, j), x in mask] for mask in masks], layers=f"layers={network.depth},",
    )  # fmt: skip


def _entries(matrix: Any) -> list[tuple[int, int, str]]:
    den = int(matrix.den)
    return [(i, j, rational_text(Fraction(x, den))) for (i, j), x in sparse(matrix).items()]


def write_rule(path: Path, network: Network, rule: NetworkRule | NoRule) -> str:
    """Write a network's rule as a file for `verify`; what it is, in words.

    An update is derived again from the file, with the network's matrices, and its tensors must be the network's.
    """
    if path.suffix != ".py":
        raise ArgumentError(f"output is {str(path)!r}, wanted a name that ends in .py")
    if path.exists():
        raise ArgumentError(f"output: {path} exists: choose another name")
    text = algorithm_file(network, rule) if isinstance(rule, NetworkRule) else own_file(network)
    try:
        place_file(path, text)
    except OSError as error:
        raise ArgumentError(f"output: {path} cannot be written: {error.strerror}") from None
    if not isinstance(rule, NetworkRule):
        return f"wrote {path}, the polynomial map of the layers: layerproof verify {quote(str(path))}"
    if not _same(path, network, rule):
        path.unlink()
        raise LayerproofError("the weights that follow from the decompiled update are not the network's")
    check = f"layerproof verify {quote(str(path))}"
    return f"wrote {path}, whose derived weights, with its MATRICES, are this network's: {check}"


def _same(path: Path, network: Network, rule: NetworkRule) -> bool:
    """Whether the file's update, derived, gives the network's tensors with the network's matrices."""
    algorithm = resolve_algorithm(str(path), "derive")
    layout = network.layout
    held = {m.letter: (m.matrices, m.scalar) for m in rule.moves}
    held |= {x.letter: (tuple(((f,),) for f in x.factors), True) for x in rule.mixes if x.letter}
    with guarded([algorithm]):
        stored = len(network.layers)
        steps = [
            tuple(
                matrices[k][0][0] if scalar else [list(row) for row in matrices[k]]
                for matrices, scalar in held.values()
            )
            for k in range(stored)
        ]
        built = construct(derive(algorithm), layout.d, layout.n, stored, steps, {"gamma": Fraction(1, 2)})
    other = with_heads(network, built.layers)
    space = MaskSpace()
    reach = everything(network) if rule.whole else reaches(network)
    pairs = zip(tensors(network, space, reach), tensors(other, space, reach), strict=True)
    return all(a.entries == b.entries for a, b in pairs)
