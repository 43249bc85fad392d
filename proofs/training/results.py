"""The numbers of a whole run: over seeds at every log point, at the end, and what the verdicts are held against."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...numeric.training.settings import Training
from ...numeric.training.verdicts import LITTLE, SHARE, SIMILARITY, UNLIKE, VERDICTS, Null, rules

SCHEMA = 1
BLOCKS = ("P corner", "Q phi phi", "Q phi phi'")
"""The blocks of TD whose order of appearance is told."""


def metrics(settings: Training, seeds: Sequence[Mapping[str, Any]], nulls: Sequence[Null]) -> dict[str, Any]:
    """The document of a run, without times and dates: the same run gives the same bytes."""
    first = seeds[0]
    names = [name for name in first["curves"] if any(x is not None for s in seeds for x in s["curves"][name])]
    return {
        "schema": SCHEMA,
        "settings": settings.document(),
        "digest": settings.digest,
        "exact theory": settings.exact,
        "processes": first["processes"],
        "curves": {name: bands([s["curves"][name] for s in seeds]) for name in names},
        "final": {name: summary([s["final"][name] for s in seeds]) for name in first["final"]},
        "verdicts": {rule: fractions([s["verdicts"][rule] for s in seeds]) for rule in first["verdicts"]},
        "seeds": [{k: s[k] for k in ("seed", "final", "verdicts")} | {"appeared": appeared(s)} for s in seeds],
        "order of appearance": order(seeds),
        "criterion": {
            "reached": f"share >= {SHARE} and implicit weight similarity >= {SIMILARITY}",
            "not reached": f"share <= {LITTLE} or implicit weight similarity <= {UNLIKE}",
            "null": [asdict(null) for null in nulls],
        },
    }


def is_measures(document: Any) -> bool:
    """Whether a document is one seed's measures, as training writes them."""
    if not isinstance(document, dict) or not {"seed", "curves", "final", "verdicts", "processes"} <= document.keys():
        return False
    curves, final, verdicts, processes = (document[k] for k in ("curves", "final", "verdicts", "processes"))
    if not isinstance(processes, list) or not all(type(x) is int for x in processes):
        return False
    if not all(isinstance(x, dict) for x in (curves, final, verdicts)) or type(document["seed"]) is not int:
        return False
    if (
        not curves or not final or len(verdicts) != len(rules(final))
    ):  # outside the exact theory there is no rule to judge
        return False
    numbers = [final.values(), *curves.values()]
    if not all(isinstance(values, list) and len(values) == len(processes) for values in curves.values()):
        return False
    return all(x is None or type(x) in (int, float) for values in numbers for x in values) and all(
        isinstance(x, str) and x in VERDICTS for x in verdicts.values()
    )


def shape_of(document: Mapping[str, Any]) -> tuple[Any, ...]:
    """The names of a seed's measures and its log points."""
    return (*(tuple(sorted(document[k])) for k in ("curves", "final", "verdicts")), tuple(document["processes"]))


def bands(curves: Sequence[Sequence[float | None]]) -> dict[str, list[float | None]]:
    """Mean, standard error, and the quartiles over seeds at every log point."""
    band: dict[str, list[float | None]] = {key: [] for key in ("mean", "standard error", "low", "median", "high")}
    for values in zip(*curves, strict=True):
        statistics = summary(values)
        for key, points in band.items():
            points.append(statistics[key])
    return band


def summary(values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean, standard error and quartiles of what is there; None where nothing is."""
    known = sorted(x for x in values if x is not None)
    if not known:
        return dict.fromkeys(("mean", "standard error", "low", "median", "high"))
    spread = statistics.stdev(known) / len(known) ** 0.5 if len(known) > 1 else None
    return {
        "mean": statistics.fmean(known), "standard error": spread,
        "low": quantile(known, 0.25), "median": quantile(known, 0.5), "high": quantile(known, 0.75),
    }  # fmt: skip


def quantile(known: Sequence[float], share: float) -> float:
    """A quantile of sorted numbers, linear between them."""
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return known[below] + (place - below) * (known[above] - known[below])


def fractions(verdicts: Sequence[str]) -> dict[str, int]:
    """How many seeds got which verdict."""
    counts = Counter(verdicts)
    return {name: counts[name] for name in VERDICTS}


def appeared(seed: Mapping[str, Any]) -> dict[str, int | None]:
    """For each block of TD, after how many processes it had half of its final size for good; None if from the start."""
    after: dict[str, int | None] = {}
    for name in BLOCKS:
        if name not in seed["curves"]:
            continue
        values = [abs(x) if x is not None else 0.0 for x in seed["curves"][name]]
        half = values[-1] / 2
        since = len(values)
        while since and values[since - 1] >= half:
            since -= 1
        after[name] = seed["processes"][since] if 0 < since < len(values) else None
    return after


def order(seeds: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """How many of the seeds that reached their first rule saw the blocks come in which order."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        times = appeared(seed)
        if next(iter(seed["verdicts"].values()), None) != VERDICTS[0] or not times:
            continue
        if any(t is None for t in times.values()):
            counts["some block was there from the start"] += 1
        else:
            by_time: dict[int, list[str]] = {}
            for name, t in times.items():
                by_time.setdefault(t or 0, []).append(name)
            counts[", then ".join(" with ".join(names) for _, names in sorted(by_time.items()))] += 1
    return dict(counts)
