"""A witness in words, as it is printed on a terminal and in the message of a failed assertion."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ..symbolic.exact import decimal_text


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
        if zero:
            lines.append(f"  the other {zero} transitions are zero")
        lines.append(f"  query: ({', '.join(prompt['query'])})")
        lines.append(f"  starting weights: {_weights(witness['starting_weights'])}")
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


def _sample_lines(witness: Mapping[str, Any]) -> list[str]:
    """A witness in words: the sample and what its orbit's expected update does outside the set."""
    states = [(f"f{t} = ({', '.join(f)})", any(x != "0" for x in f)) for t, f in enumerate(witness["features"])]
    numbers = [(f"r{t} = {r}", r != "0") for t, r in enumerate(witness["rewards"], 1)]
    features, rewards = (
        ", ".join(text for text, filled in given if filled) or "all zero" for given in (states, numbers)
    )
    last = len(numbers)
    return [
        f"sample: {features}; other states f0 to f{len(states) - 1} zero",
        f"        {rewards}; other rewards r1 to r{last} zero; r{last} is the target's R'",
        f"law: {witness['law']}; window: {witness['window']}",
    ]


def _annihilating_lines(found: Mapping[str, Any]) -> list[str]:
    """Prompts whose changes, times multipliers, cancel for every layer and not for the update."""
    values = [f"{name} = {value}" for name, value in found["parameters"].items()]
    for name, C in found["preconditioners"].items():
        values.append(f"{name} = {C if isinstance(C, str) else '[' + '; '.join(' '.join(row) for row in C) + ']'}")
    row = found["row"]
    lines = [f"changes of row {row} that cancel for every layer, with {', '.join(values)}:"]
    for point in found["points"]:
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
        held = "; ".join(f"{name}: {' '.join(line)}" for name, line in zip(found["rows"], point["Z"], strict=True))
        lines.append(f"  Z = {held}")
    return [*lines, f"the sum is {found['every_layer']} for every layer, and {found['update']} for the update"]


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
