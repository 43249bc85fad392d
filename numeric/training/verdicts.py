"""A verdict per network, by a criterion that was fixed before the runs, and the null that it is held against.

Two numbers are asked of a trained network of linear attention: the share of its interaction tensor that is the
algorithm's (weights), and the cosine of its implicit weight vector and batch TD's on fresh processes (function).
Reached: at least half of the tensor is the algorithm's, and the cosine is at least 0.9.  Not reached: the share is at
most a tenth, or the cosine at most one half.  Anything between is half-way.  Networks that have learned nothing must
come out as not reached: first weights of other seeds, and networks trained on rewards in disorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .loop import Trainer
from .settings import Training

REACHED, HALF_WAY, NOT_REACHED = "reached", "half-way", "not reached"
VERDICTS = (REACHED, HALF_WAY, NOT_REACHED)
SHARE, SIMILARITY = 0.5, 0.9
"""What a network must have to have reached the algorithm: both."""
LITTLE, UNLIKE = 0.1, 0.5
"""At most one of these and it has not."""
OTHERS = 100_000
"""Seeds from here on are the null's."""


@dataclass(frozen=True)
class Null:
    """What the criterion says of networks that have learned nothing.

    share, similarity : their largest; reached, half_way : how many of `networks` came out as more than not reached
    """

    kind: str
    networks: int
    share: float
    similarity: float
    reached: int
    half_way: int


def verdict(share: float, similarity: float) -> str:
    """The criterion; what is no number has not reached anything."""
    if share >= SHARE and similarity >= SIMILARITY:
        return REACHED
    if share > LITTLE and similarity > UNLIKE:
        return HALF_WAY
    return NOT_REACHED


def verdicts(final: Mapping[str, Tensor], rule: str = "") -> list[str]:
    """Each network's verdict on a rule, by the final measures; `rule` is the suffix of the measures' names."""
    pairs = zip(final[f"share{rule}"].tolist(), final[f"implicit weight similarity{rule}"].tolist(), strict=True)
    return [verdict(*pair) for pair in pairs]


def rules(final: Mapping[str, object]) -> tuple[str, ...]:
    """The suffixes of the rules that a network was compared with: one empty one, or ', NAME' for each of several."""
    return tuple(name.removeprefix("share") for name in final if name.startswith("share"))


def untrained(settings: Training, networks: int = 30) -> Null:
    """The criterion on first weights of seeds that no run uses."""
    own = replace(settings, width=networks, seeds=networks)
    trainer = Trainer(own, OTHERS // networks)
    with torch.no_grad():
        final = trainer.measure.final(trainer.weights, trainer.steps, trainer.seeds)
    return null_of("untrained", final)


def null_of(kind: str, final: Mapping[str, Tensor], networks: int | None = None) -> Null:
    """What the criterion says of these networks, by their final measures; of the worse of two rules."""
    nulls: list[Null] = []
    for rule in rules(final):
        kept = {k: v[:networks] for k, v in final.items()}
        classes = verdicts(kept, rule)
        share, similarity = kept[f"share{rule}"], kept[f"implicit weight similarity{rule}"]
        nulls.append(
            Null(
                kind,
                len(classes),
                float(share.max()),
                float(similarity.max()),
                classes.count(REACHED),
                classes.count(HALF_WAY),
            )
        )
    return max(nulls, key=lambda n: (n.reached, n.half_way, n.share))
