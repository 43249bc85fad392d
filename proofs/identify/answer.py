"""The answer about one network: its rule, the catalogue's nearest algorithms, and its function; and of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...numeric.recognition.fit import square
from ...numeric.recognition.verdict import (
    APPROXIMATE,
    EXACT,
    INDISTINGUISHABLE,
    Candidate,
    Recognition,
    blocks,
)
from ...symbolic.exact import nearest
from ...symbolic.recognition.commutant import outside
from ...symbolic.recognition.fitted import Fitted
from ...symbolic.recognition.rule import NetworkRule, NoRule
from ...symbolic.strict_json import dumps, rational_text
from ...symbolic.tables import text
from .words import matrix_text, number, sentences

SCHEMA = 1
THEOREM = "layer l is iterate l for every prompt, n and L: Theorem weights_iterates, proofs/rocq/attention.v"
LISTED = 8
"""Blocks of the residual that are told."""


@dataclass(frozen=True, eq=False)
class Identified:
    """One network's answers.

    rule      the update of the exact weights, or why they have none of that kind
    fitted    the nearest algorithm's update with its fitted numbers; None where no algorithm is near
    function  what was found on prompts; None where it was not asked
    resolution  to what share of the largest the weights are known, where a module was probed; None: they are exact
    """

    recognition: Recognition
    gamma: Fraction
    rule: NetworkRule | NoRule
    fitted: NetworkRule | None
    notes: tuple[str, ...] = ()
    function: Mapping[str, Any] | None = None
    resolution: float | None = None

    @property
    def name(self) -> str:
        """What the network is called: its file, or its seed."""
        return self.recognition.network.name

    @property
    def algorithm(self) -> str | None:
        """The algorithm's name; None where it is none of the catalogue's."""
        return self.recognition.algorithm

    @property
    def match(self) -> str:
        """exact, indistinguishable, approximate or none; what was probed is never exact."""
        recognised = self.recognition.match
        return APPROXIMATE if self.resolution is not None and recognised in (EXACT, INDISTINGUISHABLE) else recognised

    @property
    def distance(self) -> float | None:
        """The distance of the weights to the nearest algorithm's, from 0 to 1; None where none is comparable."""
        best = self.recognition.best
        return None if best is None else best.near.distance

    def verdict(self) -> str:
        """The verdict in one sentence."""
        recognition, best = self.recognition, self.recognition.best
        if recognition.idle:
            return "none of these: no layer changes anything that a prediction shows"
        if best is None:
            return "none of these: no algorithm of the catalogue has this prompt"
        if self.resolution is not None and recognition.match in (EXACT, INDISTINGUISHABLE):
            return (
                f"approximately {' or '.join(recognition.same)}{self._with(best)}: equal as far as calling the module "
                f"shows, {self.resolution:.0e} of the largest entry"
            )
        if self.match == EXACT:
            return f"exactly {best.name}{self._with(best)}"
        if self.match == INDISTINGUISHABLE:
            names = ", ".join(recognition.same)
            return f"{names} are one function at these sizes, and it is this network's"
        near = f"{best.name}{self._with(best)}, at distance {best.near.distance:.2g}{self._bound()}"
        if self.match == APPROXIMATE:
            return f"approximately {near}{self._layer_by_layer()}"
        text = f"none of these; the nearest is {near}{self._layer_by_layer()}"
        if recognition.convention:
            text += (
                f"; with {', '.join(recognition.convention)} transposed it is {recognition.read_so}: "
                f"--transposed {','.join(recognition.convention)}"
            )
        return text

    def _with(self, candidate: Candidate) -> str:
        return _parameters(candidate.fitted)

    def _layer_by_layer(self) -> str:
        """What the layers are one by one, where they are algorithms' exactly and not all the one's that is near."""
        recognition = self.recognition
        if self.resolution is not None or not any(recognition.by_layer):
            return ""
        one = recognition.of_all_layers
        if one and one[0].family.told:
            return (
                f"; every layer is {one[0].family.member.algorithm.name}'s exactly, with another table: {_table(one)}"
            )
        names = [
            " or ".join(f"{f.family.member.algorithm.name}{_parameters(f)}" for f in x) for x in recognition.by_layer
        ]
        none = ["none of these" if t.entries else "nothing that a prediction shows" for t in recognition.tensors]
        return "; layer by layer it is " + ", ".join(
            f"{k}: {x or other}" for k, (x, other) in enumerate(zip(names, none, strict=True), 1)
        )

    def _bound(self) -> str:
        return "" if self.recognition.network.depth == 1 else " (an upper bound)"

    def update(self) -> list[str]:
        """The update in words: the exact one where there is one, else the nearest algorithm's with what is left."""
        if isinstance(self.rule, NetworkRule):
            lines = sentences(self.rule)
            if not self.rule.whole:
                lines.append("  for the prediction; rows that it does not show do something else")
            return lines + _matrices(self.rule)
        lines = [f"no textbook update: {self.rule.reason}; the layers are a polynomial map of the rows"]
        if self.fitted is not None and self.match == APPROXIMATE:
            left = ", ".join(f"{1 - share:.2g}" for share in self.recognition.candidates[0].near.shares)
            lines = [
                "nearly:", *(f"  {line}" for line in sentences(self.fitted)),
                *(f"  {line}" for line in _matrices(self.fitted)),
                f"  beside it: terms that no listed algorithm has, {left} of the squared norm",
            ]  # fmt: skip
        return lines

    def document(self) -> dict[str, Any]:
        """The answer as plain data."""
        recognition, network = self.recognition, self.recognition.network
        return {
            "name": self.name,
            "algorithm": self.algorithm,
            "match": self.match,
            "verdict": self.verdict(),
            "same": list(recognition.same),
            "theorem": THEOREM if self.match == EXACT and isinstance(self.rule, NetworkRule) else None,
            "prompt": network.prompt.name, "d": network.layout.d, "n": network.layout.n, "layers": network.depth,
            "looped": network.looped, "heads": [len(h) for h in network.layers], "gamma": rational_text(self.gamma),
            "rule": {
                "kind": "update" if isinstance(self.rule, NetworkRule) else "polynomial map",
                "exact": isinstance(self.rule, NetworkRule) and self.resolution is None,
                "text": self.update(),
                "of": ("every row" if self.rule.whole else "the prediction")
                if isinstance(self.rule, NetworkRule)
                else None,
                "reason": self.rule.reason if isinstance(self.rule, NoRule) else None,
                "matrices": _matrices_json(self.rule) if isinstance(self.rule, NetworkRule) else None,
                "old_weights": _mixes_json(self.rule) if isinstance(self.rule, NetworkRule) else None,
            },
            "catalogue": [self._candidate(c) for c in recognition.candidates],
            "upper_bound": network.depth > 1,
            "blocks": self.blocks(),
            "outside_commutant": self._outside(),
            "layer_dependent": recognition.layer_dependent and self.resolution is None,
            "by_layer": None if self.resolution is not None else self._by_layer(),
            "convention": (
                {"transposed": list(recognition.convention), "algorithm": recognition.read_so}
                if recognition.convention
                else None
            ),
            "notes": list(self.notes),
            "resolution": self.resolution,
            "function": self.function,
        }  # fmt: skip

    def _candidate(self, candidate: Candidate) -> dict[str, Any]:
        network, fitted, near = self.recognition.network, candidate.fitted, candidate.near
        space = self.recognition.tensors[0].space
        left: dict[tuple[str, ...], float] = {}
        for rest, (_, whole) in zip(near.rests, near.squares, strict=True):
            for names, x in blocks(network, rest, space).items():
                if whole:
                    left[names] = left.get(names, 0.0) + nearest(x / whole) / len(near.rests)
        largest = sorted(left.items(), key=lambda kv: -kv[1])[:LISTED]
        return {
            "algorithm": candidate.name,
            "exact": candidate.exact and self.resolution is None,
            "distance": near.distance,
            "shares": list(near.shares),
            "discount_factor": None if fitted.kappa is None else rational_text(fitted.kappa),
            "discount": None if fitted.kappa is None else rational_text(fitted.kappa * self.gamma),
            "trace_decay": None if fitted.family.decay is None else rational_text(fitted.family.decay),
            "parameters": {name: rational_text(x) for name, x in fitted.family.free.items()},
            "preconditioners": [
                {name: _step_json(x) for name, x in fitted.matrices(k, network.layout.d).items()}
                for k in range(len(network.layers))
            ],
            "residual": [
                {"written": a, "value": b, "key": r, "query": s, "share": x} for (a, b, r, s), x in largest if x
            ],
        }  # fmt: skip

    def _by_layer(self) -> list[dict[str, Any]] | None:
        """The algorithms that each stored layer is by itself, where the network is none exactly; else None."""
        recognition = self.recognition
        if not recognition.by_layer:
            return None
        d = recognition.network.layout.d
        return [
            {
                "layer": k,
                "algorithms": [
                    {
                        "algorithm": f.family.member.algorithm.name,
                        "discount_factor": None if f.kappa is None else rational_text(f.kappa),
                        "trace_decay": None if f.family.decay is None else rational_text(f.family.decay),
                        "parameters": {
                            name: rational_text(x)
                            for name, x in (
                                *f.family.free.items(),
                                *(f.family.told[0].items() if f.family.told else ()),
                            )
                        },
                        "preconditioners": {name: _step_json(x) for name, x in f.matrices(0, d).items()},
                    }
                    for f in fits
                ],
            }
            for k, fits in enumerate(recognition.by_layer, 1)
        ]

    def blocks(self) -> list[dict[str, Any]]:
        """Each block of the tensor: its share of the squared norm, and what is left of it beside the nearest algorithm.

        Means over stored layers; nothing where no algorithm is comparable.
        """
        recognition, best = self.recognition, self.recognition.best
        if best is None:
            return []
        space, live = recognition.tensors[0].space, sum(1 for _, whole in best.near.squares if whole)
        shares: dict[tuple[str, ...], list[float]] = {}
        for t, rest, (_, whole) in zip(recognition.tensors, best.near.rests, best.near.squares, strict=True):
            for k, entries in enumerate((t.entries, rest) if whole else ()):
                for names, x in blocks(recognition.network, entries, space).items():
                    shares.setdefault(names, [0.0, 0.0])[k] += nearest(x / whole) / live
        return [
            {"written": a, "value": b, "key": r, "query": s, "share": share, "left": left}
            for (a, b, r, s), (share, left) in sorted(shares.items(), key=lambda kv: (-max(kv[1]), kv[0]))
        ]

    def _outside(self) -> list[float]:
        recognition = self.recognition
        result = []
        for t in recognition.tensors:
            whole = square(t.entries, t.space)
            part = square(outside(t.entries, recognition.network.layout), t.space)
            result.append(nearest(part / whole) if whole else 0.0)
        return result


def _parameters(fitted: Fitted) -> str:
    """What the weights tell beside the preconditioners, in brackets."""
    parts = []
    family = fitted.family
    kappa, decay = fitted.kappa, family.decay if family.member.masked == "lam" else None
    if kappa is not None and kappa != 1:
        parts.append(f"discount {number(kappa)} gamma")
    if decay is not None:
        parts.append(f"trace decay {'gamma lambda = ' if family.member.traces_discount else ''}{number(decay)}")
    told = family.told[0] if len(family.told) == 1 else {}  # of one layer; a whole table is not told
    parts += [f"{name} {number(x)}" for name, x in (*family.free.items(), *told.items())]
    return f" ({', '.join(parts)})" if parts else ""


def _table(layers: Sequence[Fitted]) -> str:
    """The scalar steps of which an algorithm has a table, as a network's layers have them, beside the table."""
    return "; ".join(
        f"{name} is {', '.join(number(f.family.told[0][name]) for f in layers)} where the table has {text(rule)}"
        for name, rule in layers[0].family.member.algorithm.tables.items()
    )


def _matrices(rule: NetworkRule) -> list[str]:
    lines = []
    for letter, matrices in {m.letter: m.matrices for m in rule.moves}.items():
        for k, matrix in enumerate(matrices):
            where = f" of layer {k + 1}" if len(matrices) > 1 else ""
            lines.append(f"  {letter}{where} = {matrix_text(matrix)}")
    for mix in rule.mixes:
        if mix.letter:
            factors = (f"  {mix.letter} of layer {k + 1} = {number(x)}" for k, x in enumerate(mix.factors))
            lines += factors
    return lines


def _matrices_json(rule: NetworkRule) -> dict[str, Any]:
    return {
        m.letter: [[[rational_text(x) for x in row] for row in matrix] for matrix in m.matrices] for m in rule.moves
    }


def _mixes_json(rule: NetworkRule) -> list[dict[str, Any]]:
    return [
        {"weight": rule.weights[x.weight].name, "gains": rule.weights[x.of].name,
         "factors": [rational_text(f) for f in x.factors]}
        for x in rule.mixes
    ]  # fmt: skip


def _step_json(value: Any) -> Any:
    return [[rational_text(x) for x in row] for row in value] if isinstance(value, list) else rational_text(value)


@dataclass(frozen=True, eq=False, repr=False)
class Identification:
    """The answers about every network that was read: one, or one for each seed of a run.

    A question that was answered: its exit code is 0 whatever the answers are.
    """

    settings: Mapping[str, Any]
    networks: tuple[Identified, ...]
    written: str = ""

    @property
    def exit_code(self) -> int:
        """0: the question was answered."""
        return 0

    @property
    def algorithm(self) -> str | None:
        """The one algorithm of all the networks; None where they are none, or not the same."""
        names = {x.algorithm for x in self.networks}
        return names.pop() if len(names) == 1 else None

    @property
    def match(self) -> str:
        """The one match of all the networks; the weakest where they differ."""
        order = ("exact", "indistinguishable", "approximate", "none")
        return max((x.match for x in self.networks), key=order.index)

    @property
    def rule(self) -> NetworkRule | NoRule:
        """The rule of the first network."""
        return self.networks[0].rule

    def __repr__(self) -> str:
        text = "; ".join(f"{x.name}: {x.match} {x.algorithm or ''}".rstrip() for x in self.networks[:4])
        more = f"; and {len(self.networks) - 4} more" if len(self.networks) > 4 else ""
        return f"<identified: {text}{more}>"

    def document(self) -> dict[str, Any]:
        """The answers as plain data; of a single network they stand at the top too."""
        inner = [x.document() for x in self.networks]
        base = {"command": "identify", "schema": SCHEMA, "settings": dict(self.settings)}
        if len(inner) == 1:
            return {**base, **inner[0], "networks": inner}
        counts: dict[str, int] = {}
        for x in self.networks:
            key = f"{x.match} {x.algorithm}" if x.algorithm else x.match
            counts[key] = counts.get(key, 0) + 1
        return {**base, "algorithm": self.algorithm, "match": self.match, "counts": counts, "networks": inner}

    def to_json(self) -> str:
        """The answers as canonical JSON text."""
        return dumps(self.document())
