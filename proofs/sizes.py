"""Settings at sizes that an algorithm is stated for: the nearest to those asked for, and what was changed in words."""

from __future__ import annotations

from dataclasses import replace

from ..symbolic.algorithm import Algorithm
from ..symbolic.sizes import LETTERS, nearest
from .case import Settings


def fitted(algorithm: Algorithm, settings: Settings) -> tuple[Settings, str]:
    """The settings at the nearest sizes that meet the algorithm's constraints, and what was changed; empty if nothing.

    Sizes in `settings.asked` and those of a given prompt stay as they are.
    Raises `SizesError` with the constraint where these do not let it be met.
    """
    unrolled = bool(settings.looped and algorithm.layered_names and "looped" not in (settings.asked or ()))
    if not algorithm.stated_for and not unrolled:
        return settings, ""
    given = {letter: getattr(settings, name) for letter, name in LETTERS.items()}
    fixed = {letter for letter, name in LETTERS.items() if name in (settings.asked or ())}
    fixed |= {"d", "n"} if settings.prompt is not None else set()
    sizes = nearest(algorithm.name, algorithm.size_constraints, given, fixed)
    changed = [f"{x} = {sizes[x]} in place of {given[x]}" for x in LETTERS if sizes[x] != given[x]]
    if unrolled:
        settings = replace(settings, looped=False)
    if not changed and not unrolled:
        return settings, ""
    note = (
        f"{algorithm.name} at {', '.join(changed)}: it is stated for {' and '.join(algorithm.stated_for)}"
        if changed
        else ""
    )
    if unrolled:
        note += f"{'; ' if note else f'{algorithm.name} '}with weights of each layer's own: they differ by layer"
    return replace(settings, features=sizes["d"], context=sizes["n"], layers=sizes["L"]), note
