"""The claim about a construction all of one's own: every entry that its reference names, after every layer, over Q."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice
from typing import Any

from ..numeric.data.draws import contexts
from ..symbolic.errors import DiffersError, RefusedError
from ..symbolic.exact import exact_number
from ..symbolic.identity.exact import Mismatch
from ..symbolic.identity.witness import shrink
from ..symbolic.own import OwnConstruction
from ..symbolic.own_layers import own_layers, own_mismatches, own_prompt
from ..symbolic.prompt import Context
from ..symbolic.strict_json import rational_text
from .case import Progress, Settings
from .counterexample import own_counterexample
from .evidence import floats, kinds, proved
from .evidence.exact import NAME, STRENGTH
from .verdict import Claim, Verdict, refused
from .work import check_own_work


def own_values(own: OwnConstruction, settings: Settings) -> dict[str, Fraction]:
    """The values of the construction's parameters, gamma and lam among them."""
    given = {name: exact_number(x, f"parameter {name}") for name, x in own.parameters.items()}
    return {"gamma": Fraction(settings.gamma), "lam": Fraction(settings.lam)} | given | dict(settings.values)


def own_claims(own: OwnConstruction, settings: Settings, asked: tuple[str, ...], progress: Progress) -> list[Claim]:
    """identity-exact and float, and every other kind of evidence as not run."""
    claims = []
    if {NAME, floats.NAME} & set(asked):
        check_own_work(own, settings)
    for name, kind in kinds().items():
        if name in (NAME, floats.NAME) and name in asked:
            try:
                claims.append((_exact if name == NAME else _floats)(own, settings, progress))
            except (RefusedError, DiffersError) as error:
                claims.append(refused(own.name, f"evidence of the kind {name}", name, kind.STRENGTH, error))
            continue
        text = f"evidence of the kind {name}"
        reason = (
            "not asked for"
            if name in (NAME, floats.NAME)
            else "an OwnConstruction has no update to derive weights from"
        )
        wanted = False
        if name == proved.NAME and name in asked:  # by name, so that it counts as not run
            reason, wanted = proved.NO_LOOP, True
        claims.append(Claim(own.name, text, name, Verdict.NOT_RUN, kind.STRENGTH, reason, asked=wanted))
    return claims


def _exact(own: OwnConstruction, settings: Settings, progress: Progress) -> Claim:
    s, values = settings, own_values(own, settings)
    depth = s.layers if own.layers is None else own.layers
    text = f"after each of {depth} layers the entries are those of the reference (d = {s.features}, n = {s.context})"
    count = 0

    def first(context: Context, _: tuple[Any, ...]) -> Mismatch | None:
        return next((m for m in own_mismatches(own, context, values, depth) if m is not None), None)

    drawn = contexts(s.features, s.context, s.seed, s.process, s.prompt)
    for number, (_, _, context) in enumerate(islice(drawn, s.exact_trials), 1):
        progress(f"{own.name}: exact arithmetic, prompt {number} of {s.exact_trials}")
        count += 1
        if first(context, ()) is None:
            continue
        witness = shrink(first, context, ())
        where = witness.mismatch
        return Claim(
            own.name, text, NAME, Verdict.REFUTED, STRENGTH,
            f"layer {where.layer}, row {where.row}, {where.column_name}: the layers and the reference differ",
            witness=own_counterexample(own, witness, values, depth), details={"parameters": _texts(values)},
        )  # fmt: skip
    return Claim(own.name, text, NAME, Verdict.HOLDS, STRENGTH, f"equal over Q on {count} prompts")


def _floats(own: OwnConstruction, settings: Settings, progress: Progress) -> Claim:
    """Every layer in torch against the exact layer of the state that came in."""
    from ..numeric.device import TF32, environment, precision, resolve_device, resolve_dtype, strict_precision
    from ..numeric.judge.dense import DenseModel, dense_check, judged_prompts, run_model  # loads torch
    from ..numeric.lower import lower_layers, lower_matrix

    s, values = settings, own_values(own, settings)
    depth = s.layers if own.layers is None else own.layers
    trials = judged_prompts(s.trials, depth)
    device, dtype = resolve_device(s.device), resolve_dtype(s.dtype)
    text = floats.one_step_claim(depth, s.dtype, device, trials)
    if s.dtype == TF32.name or s.compiled:
        mode = "tf32 is judged" if s.dtype == TF32.name else "torch.compile is run"
        reason = f"{mode} for algorithms' weights only{' and on CUDA' * (s.dtype == TF32.name)}"
        return Claim(own.name, text, floats.NAME, Verdict.NOT_RUN, floats.STRENGTH, reason)
    rows, columns, layers, scale = own_layers(own, s.features, s.context, values, depth)
    model = DenseModel(layers, scale, rows, columns)
    progress(f"{own.name}: {trials} prompts in {s.dtype} on {device}")
    drawn = islice(contexts(s.features, s.context, s.seed, s.process, s.prompt), trials)
    lowered = lower_layers(layers, scale, dtype, device)
    with strict_precision():
        prompts = [lower_matrix(own_prompt(own, context, values), dtype, device) for _, _, context in drawn]
        states = run_model(model, lowered, prompts, s.order)
        surroundings = {**environment(device, dtype), "evaluation": f"eager, {s.order}"}
    result = dense_check(model, states, lowered, precision(dtype), device, surroundings)
    return floats.judged(own.name, text, result)


def _texts(values: dict[str, Fraction]) -> dict[str, str]:
    return {name: rational_text(x) for name, x in values.items()}
