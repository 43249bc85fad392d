"""`assert_implements`: does this transformer run that algorithm? An AssertionError that teaches when it does not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..symbolic.algorithm import Algorithm
from ..symbolic.construction import Construction
from ..symbolic.errors import ArgumentError
from ..symbolic.exact import whole_number
from ..symbolic.kinds import PATH, SEQUENCE, TEXT, TEXTS, Kind
from ..symbolic.patterns.record import PatternAlgorithm
from ..symbolic.plain_text import shown
from ..symbolic.prompt import Context, Layout
from .case import Case, Settings
from .checker import ask, check_device, establish, found_by
from .identify.diagnose import Diagnosis, diagnose
from .identify.kept import check_place, keep, on_numbers
from .patterns.implements import judge_patterns
from .user_file import resolve_update
from .verdict import Claim, Result, Verdict
from .witness_text import reason_beside, witness_lines

DIAGNOSIS = "diagnosis"
"""The key of a result's settings that holds what would make a refuted subject right."""
SAVED = "counterexample saved"
"""The key of a result's settings that holds the file which keeps its counterexample."""
UNSAVED = "counterexample not saved"
"""The key of a result's settings that says why there is no such file, where one could not be written."""
EXACT = "identity-exact"
CONTEXTS = Kind(
    "a list of contexts, as lp.read_context reads",
    lambda x: SEQUENCE.fits(x) and all(isinstance(context, Context) for context in x),
)
UNKNOWN = "the reference is not known to run the update, so there is nothing to judge it against"


def assert_implements(
    subject: Any,
    algorithm: str | Algorithm | PatternAlgorithm,
    *,
    prompts: Sequence[Context] | None = None,
    layers: int | None = None,
    evidence: Iterable[str] | None = None,
    reference: Construction | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    seed: int = 0,
    save: str | os.PathLike[str] | None = None,
) -> Result:
    """Assert that `subject` runs `algorithm`, one iterate a layer; returns the claims when it does.

    subject   : a `Construction` (judged in exact arithmetic), for an algorithm that attends by a pattern a
                `PatternConstruction` (the same, given its pattern), or a torch `nn.Module` (each layer judged against
                the exact layer of the state that came in; it must have `states(Z)`, or `layers` to apply in turn)
    prompts   : contexts to run; drawn from the seed when left out
    layers    : how many layers are meant; checked against the subject
    evidence  : identity-exact and float for a Construction (default identity-exact), float for a module
    reference : for a module, the exact construction that it should run; a module made by this package brings its own.
                Where the algorithm gives its own heads, the reference is first judged against the update, as `verify`
                does; else the weights derived at its sizes and preconditioners are what the module is judged against
    dtype     : for floats; the module's own by default
    save      : a .json file for the counterexample and what to change, written when the subject is refuted; nothing
                else is written over

    Raises `AssertionError` with the counterexample and the smallest change that would make it right when the subject is
    refuted, and with the reason when the question stays open; its `result` is the claims, its `diagnosis` what to
    change.  `ArgumentError` when the arguments do not fit each other.
    """
    __tracebackhide__ = True
    result = judge(
        subject, algorithm, prompts=prompts, layers=layers, evidence=evidence, reference=reference,
        device=device, dtype=dtype, seed=seed, save=save,
    )  # fmt: skip
    if not result.holds:
        raise error(subject, result)
    return result


def error(subject: Any, result: Result) -> AssertionError:
    """The exception of a subject that is refuted, or open: `result` and `diagnosis` are on it."""
    __tracebackhide__ = True
    exception = AssertionError(failure(subject, result))
    exception.result = result  # type: ignore[attr-defined]
    exception.diagnosis = result.settings.get(DIAGNOSIS)  # type: ignore[attr-defined]
    return exception


def judge(
    subject: Any,
    algorithm: str | Algorithm | PatternAlgorithm,
    *,
    prompts: Sequence[Context] | None = None,
    layers: int | None = None,
    evidence: Iterable[str] | None = None,
    reference: Construction | None = None,
    device: str = "cpu",
    dtype: str | None = None,
    seed: int = 0,
    save: str | os.PathLike[str] | None = None,
) -> Result:
    """What `assert_implements` finds, whether it holds or not."""
    PATH.check_given(save=save)
    TEXTS.check_given(evidence=[evidence] if isinstance(evidence, str) else evidence)
    TEXT.check_given(dtype=dtype)
    CONTEXTS.check_given(prompts=prompts)
    whole_number("seed", seed, 0)
    if layers is not None:
        whole_number("layers", layers, 0)
    check_device(Settings(device=device, dtype=Settings.dtype if dtype is None else dtype))
    place = None if save is None else Path(save)
    if place is not None:
        check_place(place)
    textbook = resolve_update(algorithm, "compare with")
    if isinstance(textbook, PatternAlgorithm):
        others = {"prompts": prompts, "evidence": evidence, "reference": reference, "dtype": dtype, "save": save}
        return judge_patterns(subject, textbook, layers, seed, others)
    module = None
    if isinstance(subject, Construction):
        construction = subject
        if reference is not None:
            raise ArgumentError("reference is for a torch module, and the subject is a Construction: leave it out")
        asked = _asked(evidence, (EXACT,), (EXACT, "float"))
    elif not (callable(subject) and callable(getattr(subject, "buffers", None))) or isinstance(subject, type):
        raise ArgumentError(f"subject is {shown(subject)}, wanted a Construction or a torch module")
    else:
        module = subject
        construction = reference if reference is not None else getattr(subject, "construction", None)  # type: ignore[assignment]
        if reference is not None and not isinstance(reference, Construction):
            raise ArgumentError(f"reference is {shown(reference)}, wanted a Construction, as lp.construct makes")
        if not isinstance(construction, Construction):
            raise ArgumentError(
                "reference is missing: for a module, give the exact construction that it should run, such as "
                "layerproof.construct('td0', d=3, n=20, layers=4, preconditioners=[...])"
            )
        asked = _asked(evidence, ("float",), ("float",))
    _check(construction, textbook, layers, prompts)
    floats = _dtype(module, dtype, device)
    contexts: list[Context | None] = list(prompts) if prompts is not None else [None]
    claims: list[Claim] = []
    why: Diagnosis | None = None
    if textbook.heads is not None and EXACT not in asked:
        # Floats are judged against given weights, so these come first: against the update, as in `verify`.
        settings = _settings(construction, contexts[0], device, floats, seed)
        claims += _of_reference(Case(textbook, settings, construction))
        if any(c.verdict is not Verdict.HOLDS for c in claims):
            text = f"what runs is judged against the reference, by {', '.join(asked)}"
            claims.append(Claim(textbook.name, text, asked[0], Verdict.NOT_RUN, "", UNKNOWN))
            return _kept(place, _result(subject, asked, claims))
    for context in contexts:
        case = Case(textbook, _settings(construction, context, device, floats, seed), construction, module)
        for name in asked:
            claims += found_by(case, name)
        if why is None and any(c.verdict is Verdict.REFUTED for c in claims):
            why = diagnose(case)
    return _kept(place, _result(subject, asked, claims, why))


def _kept(place: Path | None, result: Result) -> Result:
    """The result, and where its counterexample was saved if there is a place for it."""
    try:
        saved = place is not None and keep(place, result, result.settings.get(DIAGNOSIS))
    except OSError as error:  # the verdict stands, and its counterexample is in the message
        return replace(result, settings={**result.settings, UNSAVED: f"{place}: {error.strerror or error}"})
    return replace(result, settings={**result.settings, SAVED: str(place)}) if saved else result


def _result(subject: Any, asked: Sequence[str], claims: Sequence[Claim], why: Diagnosis | None = None) -> Result:
    settings: dict[str, Any] = {"subject": type(subject).__name__, "evidence": list(asked)}
    if why is not None:
        settings[DIAGNOSIS] = {"change": why.name or None, "remedy": why.remedy or None, "counterexample": why.witness}
    return Result("assert_implements", settings, tuple(claims))


def _of_reference(case: Case) -> list[Claim]:
    """The claims of `verify` about the reference's weights, those that apply to given weights.

    What is refuted in symbols alone is run on numbers too: a counterexample can be redone by hand.
    """
    claims = [c for c in establish(case, ask(None), explicit=False) if c.asked]
    if any(c.verdict is Verdict.REFUTED for c in claims) and on_numbers(claims) is None:
        claims = [*(c for c in claims if c.evidence != EXACT), *found_by(case, EXACT)]
    return [replace(c, claim=f"the reference: {c.claim}", reason=f"the reference: {c.reason}") for c in claims]


def failure(subject: Any, result: Result) -> str:
    """The first claim that is refuted, or else open, in words: what it says of the subject, and the counterexample."""
    failing = [c for c in result.claims if c.verdict is not Verdict.HOLDS]
    failed = next((c for c in failing if c.verdict is Verdict.REFUTED), failing[0])
    kind, name, verdict = type(subject).__name__, failed.algorithm, failed.verdict.value
    refuted = failed.verdict is Verdict.REFUTED
    says = f"{kind} does not implement {name}" if refuted else f"whether {kind} implements {name} is open"
    why = result.settings.get(DIAGNOSIS) or {}
    lines = [
        f"{says}: {verdict} by {failed.evidence}",
        reason_beside(failed.reason, failed.witness),
        *witness_lines(failed.witness or {}),
    ]
    numbers = on_numbers(failing)
    if refuted and numbers is not None and not {"prompt", "torch_value"} & set(failed.witness or {}):
        lines += [f"and by {numbers.evidence}: {numbers.reason}", *witness_lines(numbers.witness or {})]
    if why.get("counterexample"):
        lines += witness_lines(why["counterexample"])
    if why.get("remedy"):
        lines.append(f"what would make it right: {why['remedy']}")
    if SAVED in result.settings:
        lines.append(f"saved: {result.settings[SAVED]}")
    if UNSAVED in result.settings:
        lines.append(f"not saved: {result.settings[UNSAVED]}")
    return "\n".join(lines)


def _asked(evidence: Iterable[str] | None, default: tuple[str, ...], possible: tuple[str, ...]) -> tuple[str, ...]:
    asked = tuple(evidence) if evidence is not None else default
    wrong = next((name for name in asked if name not in possible), None)
    if wrong is not None or not asked:
        raise ArgumentError(
            f"evidence is {shown(wrong or asked)}, wanted some of {', '.join(possible)} for this subject"
        )
    return asked


def _check(
    construction: Construction, algorithm: Algorithm, layers: int | None, prompts: Sequence[Context] | None
) -> None:
    layout = construction.layout
    missing = [name for name in algorithm.parameters if name not in construction.parameters]
    if missing:
        raise ArgumentError(f"the construction has no value for {', '.join(missing)}, wanted one for {algorithm.name}")
    if layers is not None and layers != construction.depth:
        raise ArgumentError(f"layers is {layers}, but the construction has {construction.depth}")
    wanted = Layout.of(algorithm, layout.d, layout.n)
    if (layout.features, layout.accumulators) != (wanted.features, wanted.accumulators):
        raise ArgumentError(
            f"the subject's rows are {', '.join(layout.row_names())}, wanted those of {algorithm.name}: "
            f"{', '.join(wanted.row_names())}"
        )
    if prompts is not None and not prompts:
        raise ArgumentError("prompts is empty, wanted at least one context, or None to have some drawn")
    for k, context in enumerate(prompts or ()):
        if (context.d, context.n) != (layout.d, layout.n):
            raise ArgumentError(
                f"prompts[{k}] has d = {context.d} and n = {context.n}, wanted d = {layout.d} and n = {layout.n}"
            )


def _settings(construction: Construction, context: Context | None, device: str, dtype: str, seed: int) -> Settings:
    half = Fraction(1, 2)
    return Settings(
        features=construction.layout.d,
        context=construction.layout.n,
        layers=construction.depth,
        gamma=construction.parameters.get("gamma", half),
        lam=construction.parameters.get("lam", half),
        trace=construction.options.get("trace"),
        looped=construction.looped,
        device=device,
        dtype=dtype,
        seed=seed,
        prompt=context,
    )


def _dtype(module: Any, asked: str | None, device: str) -> str:
    """The dtype to run in: the one asked for, or else the module's own; `ArgumentError` where they do not fit."""
    tensors = [] if module is None else [*module.parameters(), *module.buffers()]
    held = [x for x in tensors if x.is_floating_point()]
    elsewhere = next((x.device.type for x in tensors if device != "auto" and x.device.type != device), None)
    if elsewhere is not None:
        raise ArgumentError(
            f"the module has tensors on {elsewhere}, but device is {device}: move it with .to({device!r})"
        )
    names = sorted({str(x.dtype).removeprefix("torch.") for x in held})
    if asked is None:
        return str(held[0].dtype).removeprefix("torch.") if held else "float64"
    if names and {"tf32": "float32"}.get(asked, asked) not in names:
        raise ArgumentError(f"dtype is {asked}, but the module's tensors are {', '.join(names)}: leave dtype out")
    return asked
