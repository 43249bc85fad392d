"""Export: verify an algorithm's weights, and write them for other frameworks with what is known about them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..numeric.export import files as export_files
from ..numeric.exported.config import ANY, SOURCE, SYMBOLS, Source
from ..numeric.files.text import read_text
from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import catalogue
from ..symbolic.attention import Head
from ..symbolic.construction import Construction, Steps, construct
from ..symbolic.errors import NO_WEIGHTS, ArgumentError, ContentError
from ..symbolic.given import given_construction
from ..symbolic.pattern_algorithms import pattern_catalogue
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.plain_text import shown
from ..symbolic.strict_json import dumps
from .case import SMALL, Case, Progress, Settings, check_parameters, silent
from .certificate import certificate as certificates
from .certificate.asked import recorded_kinds
from .certificate.certificate import certify
from .checker import ask, check_device, establish
from .patterns.claims import pattern_claims
from .patterns.weights import applicable, pattern_parameters
from .report.derivation.export_text import symbols
from .sizes import fitted
from .user_file import LOAD_LIMIT, guarded, load, origin, resolve_update
from .verdict import Claim, Result
from .work import check_work

NOT_COPIED = "the construction's file needs files beside it, so it is not copied: check cannot derive from it"
NO_TRANSFORMERS = (
    "formats holds transformers, code for linear attention, and this attends by a pattern: ask for npz, onnx or pt2"
)
MAX_NESTED = 2 * 10**6
"""The most mask entries that are made to see whether given masks are cut from each other."""


@dataclass(frozen=True)
class Exported:
    """What became of an export.

    result   what was verified about the rationals
    written  the names of the files, none when the weights were refuted
    notes    what was asked for and left out, and why
    """

    result: Result
    written: tuple[str, ...]
    notes: tuple[str, ...] = ()


def export(
    algorithm: str | Algorithm | PatternAlgorithm,
    output: str | Path,
    settings: Settings | None = None,
    formats: Iterable[str] = (),
    preconditioners: Sequence[Steps] | None = None,
    evidence: Iterable[str] | None = None,
    progress: Progress = silent,
) -> Exported:
    """Verify the weights of one algorithm, and write them with everything about them into the directory `output`.

    algorithm       : a name of the catalogue, a Python file of one's own, or an `Algorithm`
    formats         : some of npz, onnx, pt2, transformers, beside the files that are always written
    preconditioners : exact, one entry a layer (a single one when looped); drawn from the seed when left out
    evidence        : kinds of evidence about the rationals; all that `verify` runs when left out
    Weights that are refuted are not written.  Raises `ArgumentError` when `output` is there and is no earlier export,
    for wrong settings and for formats that cannot hold the dtype; `WorkLimitError` for too much; `ContentError` for a
    user's file that cannot be used; `MissingExtraError` when a format's library is missing.
    """
    settings, output, formats = settings or SMALL, Path(output), tuple(formats)
    export_files.check_target(output)
    export_files.check_formats(formats, settings.dtype)
    subject = resolve_update(algorithm, "export")
    if settings.prompt is not None:
        raise ArgumentError("prompt is given, but an export holds weights and no prompt: leave it out")
    explicit, given, note = evidence is not None, preconditioners is not None, ""
    if isinstance(subject, PatternAlgorithm):
        asked = _asked_of_pattern(subject, settings, formats, preconditioners, evidence)
    else:
        if settings.trace is not None and "trace" not in subject.options:
            raise ArgumentError(f"trace is {shown(settings.trace)}, but {subject.name} keeps no trace: leave it out")
        check_parameters(settings.values, subject.parameters)
        asked = ask(evidence)
        settings, note = fitted(subject, settings)
    check_device(settings)
    with guarded([subject], settings.time_limit):
        certificates.check_size(subject, settings)
        if isinstance(subject, PatternAlgorithm):
            case = None
            claims: Callable[[], Iterable[Claim]] = partial(
                pattern_claims, subject, settings, asked, progress, explicit
            )
        else:
            case = Case(subject, settings, progress=progress)
            if preconditioners is not None:
                case = replace(case, construction=with_steps(case, preconditioners))
            check_work(case, asked)
            claims = partial(establish, case, asked, explicit)
        kind, own = _source_of(subject)
        certificate = None
        if kind == "own file" or given or (kind == "catalogue" and settings.values):
            result = Result("export", settings.document(), tuple(claims()))
        else:
            chosen = [name for name in asked if name in recorded_kinds()] if explicit else None
            result, content = certify(subject, settings, chosen, progress, None if kind == "catalogue" else SOURCE)
            result, certificate = replace(result, command="export"), None if content is None else dumps(content)
        if result.exit_code == 1:
            return Exported(result, ())
        try:
            weights = certificates.weights_of(subject, settings) if case is None else case.subject
        except NO_WEIGHTS:
            return Exported(result, ())
        progress(f"{subject.name}: writing the files")
        context, in_symbols, notes = _of_pattern(formats) if case is None else _of_linear(case, formats)
    source = Source(kind, "given" if given else "drawn", None if given else settings.seed)
    files = export_files.contents(weights, settings.dtype, formats, source, context, certificate, own, in_symbols)
    export_files.write(files, output)
    notes = [*([note] if note else []), *notes, *([NOT_COPIED] if kind == "own file" else [])]
    return Exported(result, tuple(files), tuple(notes))


def _asked_of_pattern(
    subject: PatternAlgorithm, settings: Settings, formats: tuple[str, ...], steps: Any, evidence: Iterable[str] | None
) -> tuple[str, ...]:
    """The kinds of evidence; `ArgumentError` for what such an export cannot hold: its own code runs the pattern."""
    if steps is not None:
        raise ArgumentError(f"C is given, but {subject.name} attends by a pattern, and its C are drawn from the seed")
    if "transformers" in formats:
        raise ArgumentError(NO_TRANSFORMERS)
    pattern_parameters(subject, settings)
    return applicable(subject, ask(None)) if evidence is None else ask(evidence)


def _source_of(subject: Algorithm | PatternAlgorithm) -> tuple[str, str | None]:
    """Where an algorithm is from, as the config says it, and the text of its file where that stands alone."""
    if (catalogue().get(subject.name) or pattern_catalogue().get(subject.name)) is subject:
        return "catalogue", None
    own = _own_source(origin(subject))
    return "own file" if own is None else SOURCE, own


def _of_linear(case: Case, formats: tuple[str, ...]) -> tuple[str | int | None, str | None, list[str]]:
    """The context of a dynamic model, the heads in symbols, and what is left out."""
    context, notes = onnx_context(case) if "onnx" in formats else None, []
    in_symbols = symbols(case.form, case.settings.looped) if not case.no_blocks else None
    if in_symbols is None:
        notes.append(f"no {SYMBOLS}: the heads are known at these sizes only ({case.no_blocks})")
    if "onnx" in formats and context is None:
        notes.append("no model.onnx: these weights change with n, or are too many to see that they do not")
    return context, in_symbols, notes


def _of_pattern(formats: tuple[str, ...]) -> tuple[None, None, list[str]]:
    left_out = "no model.onnx: the mask is stored for this n, model_fixed_n.onnx has it"
    return None, None, [left_out] if "onnx" in formats else []


def with_steps(case: Case, steps: Sequence[Steps]) -> Construction:
    """The construction of a case with these preconditioners; `ArgumentError` when their number or shape is another."""
    s, algorithm = case.settings, case.algorithm
    if len(steps) == (1 if s.looped else s.layers):
        algorithm.check_tables(steps)
    if algorithm.heads is not None:
        options = algorithm.choose(case.options)
        wanted = 1 if s.looped else s.layers
        if len(steps) != wanted:
            raise ArgumentError(f"preconditioners has {len(steps)} entries, wanted {wanted}")
        return given_construction(
            algorithm, options, s.features, s.context, s.layers, steps, case.parameters, s.looped
        )  # fmt: skip
    return construct(case.derivation, s.features, s.context, s.layers, steps, case.parameters, looped=s.looped)


def onnx_context(case: Case) -> str | int | None:
    """The context lengths that a dynamic model is right for: "any", up to n, or None when that cannot be said.

    Derived masks in closed form do not depend on n, and when the plain context mask is the only one it is right for
    any n; derived weights that hold n are right at their own n alone.  Given weights are made at every smaller length
    and compared with the leading part of those at n.
    """
    algorithm, s = case.algorithm, case.settings
    if algorithm.heads is None:
        if case.derivation.depends_on_length:
            return None
        return ANY if all(mask.is_context_mask for mask in case.derivation.masks) else s.context
    largest = case.subject
    heads = sum(len(layer) for layer in largest.layers)
    if heads * s.context**3 > 3 * MAX_NESTED:
        return None
    for n in range(1, s.context):
        smaller = with_steps(replace(case, settings=replace(s, context=n)), largest.steps)
        for layers in zip(largest.layers, smaller.layers, strict=True):
            if len(layers[0]) != len(layers[1]) or not all(map(_is_cut, *layers)):
                return None
    return s.context if all(_query_is_blank(head) for layer in largest.layers for head in layer) else None


def _is_cut(large: Head, small: Head) -> bool:
    n = small.M.shape[0] - 1
    leading = [row[:n] for row in large.M.fractions()[:n]]
    inside = [row[:n] for row in small.M.fractions()[:n]]
    same = all(getattr(large, name) == getattr(small, name) for name in ("W", "P", "Q"))
    return same and leading == inside and _query_is_blank(small)


def _query_is_blank(head: Head) -> bool:
    rows = head.M.fractions()
    return not any(rows[-1]) and not any(row[-1] for row in rows)


def _own_source(file: Path | None) -> str | None:
    """The text of a construction's file when it can be loaded by itself, away from the files beside it."""
    if file is None:
        return None
    text = read_text(file)
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder, SOURCE)
        alone.write_text(text, encoding="utf-8")
        try:
            load(alone, LOAD_LIMIT)
        except ContentError:
            return None
    return text
