"""What an export's config.json says: layout, read-out with its sign, sizes, and what rounding did to each tensor.

{"format": "layerproof-export", "schema": 1, "algorithm", "options", "parameters", "d", "n", "layers", "looped",
"heads": [heads of each stored layer], "rows": [a name a row of Z], "layout", "readout": {"row", "row_name", "column",
"sign"}, "formula", "dtype", "statement", "rounding": {"exact", "largest_absolute_change", "largest_relative_change",
"tensors": {name: {"exact": true} or what changed}}, "source", "onnx_context", "made_with", "files": {name: {"bytes",
"sha256"}}}, with "architectures", "auto_map" and "model_type" where there is code for Hugging Face's `transformers`.
A change is {"exact": rational as text, "float": the nearest float64}.
Schema 2, of layers that attend by patterns, has no options and no readout, and "pattern", "scale" and "shift_from" as
their weights' file has them (`files.pattern_file`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from math import inf, prod
from typing import Any

from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError, LayerproofError, WorkLimitError
from ...symbolic.exact import nearest
from ...symbolic.patterns.construction import PatternConstruction
from ...symbolic.patterns.kernels import TRANSCENDENTAL
from ...symbolic.strict_json import rational_text
from ..files.weights_file import description, tensors
from .modeling import AUTO

FORMAT, SCHEMA, PATTERN_SCHEMA = "layerproof-export", 1, 2
Weights = Construction | PatternConstruction
CONFIG, README, WEIGHTS, TENSORS, CERTIFICATE, SOURCE = (
    "config.json", "README.md", "weights.json", "model.safetensors", "certificate.json", "construction.py",
)  # fmt: skip
NPZ, ONNX, ONNX_FIXED, PT2 = "weights.npz", "model.onnx", "model_fixed_n.onnx", "model.pt2"
MODELING, ATTRIBUTES, SYMBOLS = "modeling_layerproof.py", ".gitattributes", "symbols.txt"
FILES = (
    CONFIG, README, WEIGHTS, SYMBOLS, TENSORS, CERTIFICATE, SOURCE, NPZ, ONNX, ONNX_FIXED, PT2, MODELING, ATTRIBUTES,
)  # fmt: skip
"""Every file that an export may hold."""
FORMATS = {"npz": (NPZ,), "onnx": (ONNX, ONNX_FIXED), "pt2": (PT2,), "transformers": (MODELING,)}
"""What is written on request only."""
FORMULA = "Z + (1/n) sum_h W_h P_h Z M_h Z^T Q_h Z"
PATTERN_FORMULA = (
    "kept Y + moved Y', where Y = Z + scale sum_h V_h Z A_h, A_h = Z^T Q_h Z under the mask, or K where a head has no "
    "Q, and Y' holds the columns beside (without a shift: Y)"
)
ANY = "any"
MAX_STORED = 2 * 10**7
"""The most entries that the files of floats may hold; there every head has a mask of its own."""


class MissingExtraError(LayerproofError, ImportError):
    """A format was asked for whose library is not installed: the message says what to install."""

    exit_code = 3


@dataclass(frozen=True)
class Source:
    """Where an export's weights come from.

    algorithm       "catalogue", or "construction.py" when the user's own file lies beside the weights, or "own file"
    preconditioners "drawn" from `seed`, or "given"
    """

    algorithm: str = "catalogue"
    preconditioners: str = "drawn"
    seed: int | None = 0

    def document(self) -> dict[str, Any]:
        """As plain data."""
        return {"algorithm": self.algorithm, "preconditioners": self.preconditioners, "seed": self.seed}


def change(value: Fraction) -> dict[str, Any]:
    """A distance as exact text and as the nearest float64."""
    return {"exact": rational_text(value), "float": nearest(value)}


def rounding(construction: Weights, dtype: str) -> dict[str, Any]:
    """Per tensor whether rounding to `dtype` left it exact, and else by how much it changed it.

    Raises `ArgumentError` when an entry is beyond the format's range.
    """
    from ..device import precision, resolve_dtype  # loads torch
    from ..lower import round_to

    target = precision(resolve_dtype(dtype))
    known: dict[int, tuple[int, int, Fraction, Fraction]] = {}
    per_tensor: dict[str, Any] = {}
    worst_absolute = worst_relative = Fraction(0)
    for name, matrix in tensors(construction).items():
        if id(matrix) not in known:
            bottom, tops = int(matrix.den), [int(x) for x in matrix.num.entries()]
            changes: dict[int, tuple[Fraction, Fraction]] = {}
            for top in set(tops):
                exact, rounded = Fraction(top, bottom), round_to(Fraction(top, bottom), target)
                if abs(rounded) == inf:
                    raise ArgumentError(f"dtype is {dtype}, but {name} holds an entry beyond its range")
                absolute = abs(Fraction(rounded) - exact)
                changes[top] = absolute, absolute / abs(exact) if exact else Fraction(0)
            touched = sum(1 for top in tops if changes[top][0])
            known[id(matrix)] = (
                touched, len(tops), max(a for a, _ in changes.values()), max(r for _, r in changes.values()),
            )  # fmt: skip
        touched, total, absolute, relative = known[id(matrix)]
        worst_absolute, worst_relative = max(worst_absolute, absolute), max(worst_relative, relative)
        if not touched:
            per_tensor[name] = {"exact": True}
            continue
        per_tensor[name] = {
            "exact": False,
            "entries": total,
            "entries_changed": touched,
            "largest_absolute_change": change(absolute),
            "largest_relative_change": change(relative),
        }
    return {
        "exact": not worst_absolute,
        "largest_absolute_change": change(worst_absolute),
        "largest_relative_change": change(worst_relative),
        "tensors": per_tensor,
    }


def statement(construction: Weights, dtype: str, rounded: Mapping[str, Any]) -> str:
    """What may be said of the rationals and what of the files of floats."""
    first = (
        f"The rationals of {WEIGHTS} are the claim: with them every layer is one iterate of {construction.algorithm}"
    )
    kernel = construction.kernel if isinstance(construction, PatternConstruction) else ""
    if kernel in TRANSCENDENTAL:
        first += f", whatever the pattern K is; of the digits of a computed {kernel} nothing is claimed"
    if rounded["exact"]:
        return f"{first}. Every {dtype} tensor here equals its rationals; arithmetic in {dtype} still rounds."
    absolute, relative = (rounded[f"largest_{kind}_change"]["float"] for kind in ("absolute", "relative"))
    return (
        f"{first}. The {dtype} tensors are rounded and do not satisfy that identity: every entry is within "
        f"{absolute:.3g} (a relative {relative:.3g}) of its rational."
    )


KEYS = (
    "format", "schema", "algorithm", "options", "parameters", "d", "n", "layers", "looped", "layout", "readout",
    "heads", "rows", "formula", "dtype", "statement", "rounding", "source", "onnx_context", "made_with", "files",
)  # fmt: skip
"""What config.json has, no more and no less but for `modeling.AUTO` where there is code for `transformers`."""
_KEPT = ("algorithm", "options", "parameters", "d", "n", "layers", "looped", "layout", "readout")
_PATTERN_KEPT = (*(k for k in _KEPT if k not in ("options", "readout")), "pattern", "scale", "shift_from")
PATTERN_KEYS = (*_PATTERN_KEPT, *(k for k in KEYS if k not in _KEPT))
"""And what it has where layers attend by patterns."""


def config(
    construction: Weights,
    dtype: str,
    source: Source,
    onnx_context: str | int | None,
    made_with: Mapping[str, str],
    files: Mapping[str, bytes],
    transformers: bool = False,
) -> dict[str, Any]:
    """The content of config.json.

    onnx_context : the context lengths that model.onnx is for: "any", or up to a number; None where there is none
    made_with    : versions of the libraries that wrote files whose bytes depend on them
    transformers : whether there is code for Hugging Face's `transformers`, which this names
    """
    described, rounded = description(construction), rounding(construction, dtype)
    if isinstance(construction, PatternConstruction):
        schema, kept, formula, rows = PATTERN_SCHEMA, _PATTERN_KEPT, PATTERN_FORMULA, construction.row_names()
        heads = [len(layer.heads) for layer in construction.layers]
    else:
        schema, kept, formula, rows = SCHEMA, _KEPT, FORMULA, list(construction.layout.row_names())
        heads = [len(layer) for layer in construction.layers]
    return {
        "format": FORMAT,
        "schema": schema,
        **{name: described[name] for name in kept},
        "heads": heads,
        "rows": rows,
        "formula": formula,
        "dtype": dtype,
        "statement": statement(construction, dtype, rounded),
        "rounding": rounded,
        "source": source.document(),
        "onnx_context": onnx_context,
        "made_with": dict(made_with),
        "files": listing(files),
        **(AUTO if transformers else {}),
    }


def listing(files: Mapping[str, bytes]) -> dict[str, Any]:
    """The size and the digest of each file."""
    return {name: {"bytes": len(b), "sha256": sha256(b).hexdigest()} for name, b in sorted(files.items())}


def check_size(construction: Weights) -> None:
    """Raise `WorkLimitError` when the files of floats would hold too many entries, `ArgumentError` without heads."""
    if isinstance(construction, PatternConstruction):
        entries = sum(prod(matrix.shape) for matrix in tensors(construction).values())
        if entries > MAX_STORED:
            raise WorkLimitError(f"the tensors have {entries} entries, above the limit of {MAX_STORED}: export less")
        return
    if not all(construction.layers):
        raise ArgumentError("a layer of the construction has no head, so there are no weights of it to write")
    m, N = construction.layout.m, construction.layout.n + 1
    heads = sum(len(layer) for layer in construction.layers)
    entries = heads * (3 * m * m + N * N)
    if entries > MAX_STORED:
        raise WorkLimitError(
            f"the tensors, heads * (3 m^2 + (n + 1)^2) = {entries}, are above the limit of {MAX_STORED} entries: "
            "export fewer layers, a shorter context, or a looped transformer"
        )
