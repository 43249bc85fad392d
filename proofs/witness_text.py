"""A witness in words, as it is printed on a terminal and in the message of a failed assertion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from ..symbolic.exact import decimal_text

_PLACE = re.compile(r"([a-z ]+: )??(?:row )?(\w+)(, [\w ]+)?(?: differs by |: off by |: )")
"""Where layer and update differ, as reasons say it before they say by what."""
COMPARED = 20
"""So many letters of a difference tell whether a reason says that of the witness."""


def reason_beside(reason: str, witness: Mapping[str, Any] | None) -> str:
    """A claim's reason where its witness stands below: a difference is not written twice.

    >>> reason_beside("row y differs by a*b + ...", {"difference": "a*b + c*d"})
    'layer and update differ in row y, by what follows'
    >>> reason_beside("one token: row y, the query: off by 2*K", {"difference": "2*K"})
    'one token: layer and update differ in row y, the query, by what follows'
    """
    difference = str((witness or {}).get("difference", ""))
    place = _PLACE.match(reason)
    if place is None or not difference or reason[place.end() :][:COMPARED].rstrip(". ") not in difference:
        return reason
    return f"{place[1] or ''}layer and update differ in row {place[2]}{place[3] or ''}, by what follows"


def witness_lines(witness: Mapping[str, Any]) -> list[str]:
    """A counterexample in words."""
    if "outside" in witness:
        return _sample_lines(witness)
    if "multipliers" in witness:
        return _contradiction_lines(witness)
    lines = [] if "annihilates" not in witness else _annihilating_lines(witness["annihilates"])
    if "point" in witness:
        lines += ["on these plain numbers:", *_point_lines(witness["point"])]
    if "prompt" in witness:
        prompt = witness["prompt"]
        lines.append("counterexample: the smallest prompt found")
        zero = 0
        for j, (phi, after, reward) in enumerate(
            zip(prompt["features"], prompt["next_features"], prompt["rewards"], strict=True), 1
        ):
            extras = {name: values[j - 1] for name, values in prompt.get("extras", {}).items()}
            carried = [x for v in extras.values() for x in (v if isinstance(v, list) else [v])]
            if not any(x != "0" for x in [*phi, *after, reward, *carried]):
                zero += 1
                continue
            shown = "".join(f", {name} = {_weights([v])}" for name, v in extras.items())
            lines.append(
                f"  transition {j}: phi = ({', '.join(phi)}), phi' = ({', '.join(after)}), R = {reward}{shown}"
            )
        count = len(prompt["rewards"])
        length = f"  d = {len(prompt['query'])}, n = {count}"
        lines.append(length + (f": the other {zero} transitions are zero" if zero else ""))
        lines.append(f"  query: ({', '.join(prompt['query'])})")
        lines.append(f"  starting weights: {_weights(witness['starting_weights'])}")
    lines += _data_lines(witness)
    if "layer_value" in witness:
        lines.append(f"after layer {witness['layer']}, row {witness['row']}, {witness['column']}:")
        lines.append(f"  transformer   {_short(witness['layer_value'])}")
        lines.append(f"  textbook loop {_short(witness['iterate_value'])}")
    if "torch_value" in witness:
        lines.append(
            f"trial {witness['trial']}, after layer {witness['layer']}, row {witness['row']}, {witness['column']}:"
        )
        right = "read-out" if witness["row"] == "prediction" else "exact layer" if witness["layer"] else "prompt"
        lines.append(f"  {'torch':<{len(right)}} {_short(witness['torch_value'])}{_decimal(witness['torch_value'])}")
        lines.append(f"  {right} {_short(witness['exact_value'])}{_decimal(witness['exact_value'])}")
    if "difference" in witness:
        lines.append(f"difference: {_short(str(witness['difference']), 300)}")
    lines += [f"cannot be produced: {term}" for term in witness.get("terms", [])[:5]]
    return lines


def _outer_lines(witness: Mapping[str, Any]) -> list[str]:
    """The outer update of an invariance witness, its read-out, prompts and weights: all that it takes to redo it."""
    outer, rows, readout = witness["outer"], witness["rows"], witness["read_out"]
    middle = "" if outer["kind"] == "monte-carlo" else f" + {outer['discount']} f(Z')"
    average = "" if outer["average_reward"] == "0" else f" - {outer['average_reward']}"
    lines = [
        f"outer update ({outer['kind']}): delta = R'{average}{middle} - f(Z)"
        + (f", where {outer['average_reward']} is the average reward" if average else ""),
        f"f(Z) = {'-' if readout['sign'] < 0 else '+'}(row {readout['row']}, last column), after {witness['depth']} "
        f"layer{'s' * (witness['depth'] > 1)} Z + {witness['scale']} sum W P Z M Z^T Q Z"
        + (", W the identity" if len(witness["masks"]) == 1 else ""),
        f"the group acts on {', '.join(witness['moved'])}",
    ]
    for name in ("Z", "Z'"):
        lines += [f"{name}, by rows:", *(f"  {r}: {', '.join(x)}" for r, x in zip(rows, witness[name], strict=True))]
    each = [witness["masks"], *witness.get("later_masks", [])]
    for number, masks in enumerate(each, 1):
        where = f" of layer {number}" * (len(each) > 1)
        lines += [f"M of head {h}{where}: {_matrix(mask)}" for h, mask in enumerate(masks, 1)]
    for number, layer in enumerate(witness["weights"], 1):
        where = "every layer" if len(witness["weights"]) == 1 else f"layer {number}"
        lines += [f"{name} of {where}: {_entries(matrix, rows)}" for name, matrix in layer.items()]
    shown = [f"{x['entry']} of layer {x['layer']} by {x['value']}" for x in witness["outside"]]
    lines += [f"generator of the group: {_matrix(g)}" for g in witness.get("generators", [])]
    return [*lines, f"out of the set: {'; '.join(shown)}"]


SHOWN_TOKENS = 5
"""Tokens of a pattern that is written out; --json has larger ones."""
SHOWN_HEADS = 4
"""Heads whose matrices are written out; --json has them all."""


def _data_lines(witness: Mapping[str, Any]) -> list[str]:
    """What else both sides of a counterexample are made of: parameters, preconditioners, Z_0 and the heads."""
    lines = []
    known = {**witness.get("parameters", {}), **witness.get("options", {})}
    if known:
        lines.append(f"  {', '.join(f'{name} = {x}' for name, x in known.items())}")
    for number, step in enumerate(witness.get("preconditioners", []), 1):
        for name, c in step.items():
            where = "every layer" if witness["looped"] else f"layer {number}"
            lines.append(f"  {name} of {where}: {_matrix(c) if isinstance(c, list) else c}")
    if "pattern_layer" in witness:
        lines += _pattern_lines(witness)
    if "Z_0" not in witness:
        return lines
    rows, columns = witness["rows"], witness["columns"]
    lines.append(f"  Z_0, columns {', '.join(columns)}; all others are zero and stay zero:")
    lines += [f"    {name}: {', '.join(row)}" for name, row in zip(rows, witness["Z_0"], strict=True)]
    heads = [(k, h, head) for k, layer in enumerate(witness["layers"], 1) for h, head in enumerate(layer, 1)]
    lines.append(f"  heads, Z + {witness['scale']} sum W P Z M Z^T Q Z; other entries are zero:")
    for number, h, head in heads[:SHOWN_HEADS]:
        where = "every layer" if witness.get("looped") else f"layer {number}"
        for letter, names in (("W", rows), ("P", rows), ("Q", rows), ("M", columns)):
            lines.append(f"    {letter} of {where}, head {h}: {_entries(head[letter], names)}")
    if len(heads) > SHOWN_HEADS:
        lines.append(f"    and {len(heads) - SHOWN_HEADS} more heads: --json has them")
    return lines


def _pattern_lines(witness: Mapping[str, Any]) -> list[str]:
    """The layer of a counterexample that attends by a pattern, and the pattern's entries."""
    layer, lines = witness["pattern_layer"], []
    for number, head in enumerate(layer["heads"], 1):
        scores = "A = K" if head["Q"] is None else f"A = Z^T Q Z, Q: {'; '.join(head['Q'])}"
        lines.append(f"  head {number}: Z + {layer['scale']} V Z A, V: {'; '.join(head['V'])}; {scores}")
    lines += [f"  mask: {layer['mask']}", *(f"  then {text}" for text in layer["shift"])]
    for name, key in (("K", "pattern"), ("K of the layer", "layer_pattern")):
        if witness.get(key) is not None:
            lines += _pattern_rows(name, witness[key])
    return lines


def _pattern_rows(name: str, K: list[list[str]]) -> list[str]:
    """A pattern, a line for each key; numbers known to lie in a ball by their first digits."""
    if len(K) > SHOWN_TOKENS:
        return [f"  {name} is {len(K)} by {len(K)}: --json has it"]
    rounded = any("." in x for row in K for x in row)  # rationals have no point
    rows = [", ".join(_digits(x) if rounded else x for x in row) for row in K]
    return [f"  {name}{', to six digits' * rounded}:", *(f"    key {j}: {row}" for j, row in enumerate(rows, 1))]


def _digits(text: str) -> str:
    """The first digits of a number that is exact or the text of a ball, "[middle +/- radius]"."""
    return f"{float(Fraction(text.strip('[]').split(' ')[0])):.6g}"


def _entries(matrix: list[list[str]], names: Sequence[str]) -> str:
    """The entries of a square matrix that are not zero, by the names of rows and columns."""
    if matrix == [[str(int(i == j)) for j in range(len(names))] for i in range(len(names))]:
        return "the identity"
    filled = [f"[{names[i]}, {names[j]}] = {x}" for i, row in enumerate(matrix) for j, x in enumerate(row) if x != "0"]
    return "; ".join(filled) or "zero"


def _matrix(rows: list[list[str]]) -> str:
    return f"({_weights(list(rows))})"


def _sample_lines(witness: Mapping[str, Any]) -> list[str]:
    """A witness in words: the sample and what its orbit's expected update does outside the set."""
    states = [(f"f{t} = ({', '.join(f)})", any(x != "0" for x in f)) for t, f in enumerate(witness["features"])]
    numbers = [(f"r{t} = {r}", r != "0") for t, r in enumerate(witness["rewards"], 1)]
    features, rewards = (
        ", ".join(text for text, filled in given if filled) or "all zero" for given in (states, numbers)
    )
    last = len(numbers)
    if "patterns" in witness:
        return [
            *_pattern_outer_lines(witness),
            f"sample: {features}; other states f0 to f{len(states) - 1} zero",
            f"        {rewards}; other rewards r1 to r{last} zero",
            f"law: {witness['law']}" + (f"; window: {witness['window']}" if witness["patterns"] else ""),
        ]
    return [
        *_outer_lines(witness),
        f"sample: {features}; other states f0 to f{len(states) - 1} zero",
        f"        {rewards}; other rewards r1 to r{last} zero; r{last} is the target's R'",
        f"law: {witness['law']}; window: {witness['window']}",
    ]


def _pattern_outer_lines(witness: Mapping[str, Any]) -> list[str]:
    """The outer update of a witness about layers with patterns: prompts, patterns, layer and weights."""
    outer, rows, L = witness["outer"], witness["rows"], witness["depth"]
    if outer["kind"] == "teacher":
        lines = [f"outer update (teacher): the state of {L} textbook updates at C = I minus that of {L} layers"]
        lines += [f"the state starts from ({', '.join(x)})" for x in witness["starting_state"].values()]
    else:
        middle = "" if outer["kind"] == "monte-carlo" else f" + {outer['discount']} f(Z')"
        read = witness["read_out"]
        lines = [
            f"outer update ({outer['kind']}): delta = R'{middle} - f(Z), f(Z) = (row {read['row']}, last column) / "
            f"{read['factor']} after {L} layer{'s' * (L > 1)}",
            f"kernel: {witness['kernel']}",
        ]
    for name, Z in zip(("Z", "Z'"), witness["prompts"], strict=False):
        lines += [f"{name}, by rows:", *(f"  {r}: {', '.join(x)}" for r, x in zip(rows, Z, strict=True))]
    lines += [f"K of {name}: {_matrix(K)}" for name, K in zip(("Z", "Z'"), witness["patterns"], strict=False)]
    lines.append(f"mask: {_matrix([[str(x) for x in row] for row in witness['mask']])}; scale {witness['scale']}")
    for number, layer in enumerate(witness["weights"], 1):
        where = "every layer" if len(witness["weights"]) == 1 else f"layer {number}"
        lines += [f"{name} of {where}: {_entries(matrix, rows)}" for name, matrix in layer.items()]
    shown = [f"{x['entry']} of layer {x['layer']} by {x['value']}" for x in witness["outside"]]
    return [*lines, f"out of the set: {'; '.join(shown)}"]


def _annihilating_lines(witness: Mapping[str, Any]) -> list[str]:
    """Prompts whose changes, times multipliers, cancel for every layer and not for the update."""
    values = [f"{name} = {value}" for name, value in witness["parameters"].items()]
    for name, C in witness["preconditioners"].items():
        values.append(f"{name} = {C if isinstance(C, str) else '[' + '; '.join(' '.join(row) for row in C) + ']'}")
    row = witness["row"]
    lines = [f"changes of row {row} that cancel for every layer, with {', '.join(values)}:"]
    for point in witness["points"]:
        prompt = point["prompt"]
        lines.append(f"{point['multiplier']} times the change at {point['column']}, for the update {point['change']}:")
        for j, (phi, after, reward) in enumerate(
            zip(prompt["features"], prompt["next_features"], prompt["rewards"], strict=True), 1
        ):
            carried = "".join(f", {name} = {_weights([v[j - 1]])}" for name, v in prompt.get("extras", {}).items())
            lines.append(
                f"  transition {j}: phi = ({', '.join(phi)}), phi' = ({', '.join(after)}), R = {reward}{carried}"
            )
        weights = f"weights {_weights(point['starting_weights'])}, after the update {_weights(point['new_weights'])}"
        lines.append(f"  query ({', '.join(prompt['query'])}), {weights}")
        held = "; ".join(f"{name}: {' '.join(line)}" for name, line in zip(witness["rows"], point["Z"], strict=True))
        lines.append(f"  Z = {held}")
    return [*lines, f"the sum is {witness['every_layer']} for every layer, and {witness['update']} for the update"]


def _contradiction_lines(witness: Mapping[str, Any]) -> list[str]:
    """Prompts that no layer answers as the update does."""
    lines = ["prompts that no layer answers so, whatever its weights:"]
    for point, factor, value in zip(witness["prompts"], witness["multipliers"], witness["values"], strict=True):
        lines += [f"{factor} times {_short(value)}, which is {witness['entry']}, on", *_point_lines(point)]
    return [*lines, f"the sum is {_short(witness['sum'])}: {witness['why']}"]


def _point_lines(point: Mapping[str, Any]) -> list[str]:
    lines = []
    for j, transition in enumerate(point["transitions"], 1):
        lines.append(f"  transition {j}: " + ", ".join(f"{k} = {_nested(v)}" for k, v in transition.items()))
    given = {k: v for part in ("weights", "preconditioners", "parameters") for k, v in point.get(part, {}).items()}
    lines.append(f"  query = {_nested(point['query'])}; " + ", ".join(f"{k} = {_nested(v)}" for k, v in given.items()))
    return lines


def _nested(value: Any) -> str:
    return f"({', '.join(map(_nested, value))})" if isinstance(value, list) else str(value)


def _weights(weights: list[Any]) -> str:
    return ", ".join(f"({', '.join(w)})" if isinstance(w, list) else w for w in weights)


def _decimal(text: str) -> str:
    """A fraction's decimal value beside it, where it is one that has been written out."""
    top, _, bottom = text.partition("/")
    return f" = {decimal_text(Fraction(int(top), int(bottom)), 17)}" if bottom and "x" not in text else ""


def _short(text: str, length: int = 100) -> str:
    return text if len(text) <= length else f"{text[:length]}... ({len(text)} characters)"
