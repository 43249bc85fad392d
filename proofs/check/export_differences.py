"""Where the parts of an export are not what they should be, in words: weights, symbols, a certificate, other files."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ...numeric.exported import config as names
from ...numeric.exported import read as loading
from ...numeric.exported.read import Opened
from ...numeric.files.weights_file import description, document, tensors
from ...symbolic.strict_json import dumps, rational_text
from ..case import Case
from ..report.derivation.export_text import symbols


def others(folder: Path) -> Iterable[tuple[str, str]]:
    """What lies in the directory and belongs to no export, hidden files aside: nothing is known about it."""
    for name in sorted(path.name for path in folder.iterdir()):
        if name not in names.FILES and not name.startswith("."):
            yield f"{name!a:.80}", f"is there, but {names.CONFIG} does not list it: move it out of {folder}"


def symbols_differences(opened: Opened, case: Case) -> Iterable[str]:
    """The first line of symbols.txt that is not the one printed from the heads in symbols."""
    if case.no_blocks:
        yield f"{names.SYMBOLS}: is there, but the heads are known at single sizes only: {case.no_blocks}"
        return
    stored = loading.content(opened, names.SYMBOLS).decode(errors="replace").split("\n")
    wanted = symbols(case.form, case.settings.looped).split("\n")
    for number, (have, want) in enumerate(zip_longest(stored, wanted, fillvalue=""), 1):
        if have != want:
            yield f"{names.SYMBOLS}: line {number} is {_short(have)}, wanted {_short(want)}"
            return


def weights_differences(stored: names.Weights, wanted: names.Weights) -> Iterable[str]:
    """Where exact weights are not those wanted: fields by name, tensors with the first entry that differs."""
    have, want = description(stored), description(wanted)
    for key in want:
        if have[key] != want[key]:
            yield f"{names.WEIGHTS}: {key} is {_short(have[key])}, wanted {_short(want[key])}"
    left, right = tensors(stored), tensors(wanted)
    for name in [*right, *(k for k in left if k not in right)]:
        if name not in left or name not in right:
            yield f"{names.WEIGHTS}: {name} is {'missing' if name in right else 'not one of these weights'}"
        elif left[name].shape != right[name].shape:
            yield f"{names.WEIGHTS}: {name} has another shape"
        elif left[name] != right[name]:
            pairs = zip(left[name].fractions(), right[name].fractions(), strict=True)
            at, value, right_one = next(
                ((i, j), x, y)
                for i, rows in enumerate(pairs)
                for j, (x, y) in enumerate(zip(*rows, strict=True))
                if x != y
            )
            yield f"{names.WEIGHTS}: {name} at {at} is {_short(value)}, wanted {_short(right_one)}"


def certificate_differences(opened: Opened, certificate: Any) -> Iterable[str]:
    digest = sha256(dumps(document(opened.construction)).encode()).hexdigest()
    own = opened.config["source"]["algorithm"] == names.SOURCE
    file = certificate.get("file", {}).get("path")
    if file != (names.SOURCE if own else None):
        yield f"{names.CERTIFICATE}: is about {_short(file or 'the catalogue')}, wanted {names.SOURCE if own else 'it'}"
    stated = certificate["weights"].get("digest")
    if stated != digest:
        yield f"{names.CERTIFICATE}: is of weights with the digest {_short(stated)}, those here have {digest}"
    described = description(opened.construction)
    for key in (k for k in ("layout", "readout") if k in described):
        if certificate.get(key) != described[key]:
            yield f"{names.CERTIFICATE}: its {key} is another"
    dtype = certificate["settings"].get("dtype")
    if dtype != opened.config["dtype"]:
        yield f"{names.CERTIFICATE}: its floats were {_short(dtype)}, those here are {opened.config['dtype']}"


def _short(value: Any) -> str:
    text = rational_text(value) if isinstance(value, Fraction) else ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
