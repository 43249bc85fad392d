"""Evidence `float`: the torch transformer, each layer judged against the exact layer of the state that came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...numeric.data.draws import prompts
from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.identity.exact import problem
from ...symbolic.plain_text import rounded_up
from ..case import Case, Settings
from ..verdict import STRICT, Claim, Verdict

if TYPE_CHECKING:
    from ...numeric.judge.float_result import FloatResult
    from ...numeric.judge.module_run import ModuleResult

NAME, ORDER = "float", 60
NEEDS = "heads"
STRENGTH = "within a proven bound on this run"
EVERY_RUN = "within a proven bound on every conforming run"
FORWARD = "what forward(Z) returns is the state after the last layer, or its read-out"
WIDE = 2.0**-4
"""`growth` from which a bound is called vacuous (`numeric/judge/crosscheck.py`; a copy, since that loads torch)."""


def establish(case: Case) -> Iterator[Claim]:
    """Run `trials` prompts through torch and judge every layer, row and column by its one-step error bound."""
    from ...numeric.device import TF32, resolve_device, resolve_dtype
    from ...numeric.judge.crosscheck import crosscheck  # loads torch
    from ...numeric.judge.module_run import judge_module
    from ...numeric.lower import lower
    from ...numeric.transformer import LinearTransformer

    s, name = case.settings, case.algorithm.name
    options = case.algorithm.choose(case.options)
    drawn = prompts(case.algorithm, s.features, s.context, s.seed, s.process, s.prompt)
    setups = [
        problem(case.algorithm, RATIONALS, context, start, case.parameters, options)
        for _, context, start in islice(drawn, s.trials if case.module is None else max(s.trials, 3))
    ]
    device, dtype = resolve_device(s.device), resolve_dtype(s.dtype)
    tf32, weights = s.dtype == TF32.name, "" if case.algorithm.heads is None else "the given weights"
    if tf32 and device.type == "cpu":
        claim = one_step_claim(s.layers, s.dtype, device, s.trials, weights)
        yield Claim(name, claim, NAME, Verdict.NOT_RUN, STRENGTH, "tf32 is a mode of CUDA devices: none is used here")
        return
    case.progress(f"{name}: {s.trials} prompts in {s.dtype} on {device}")
    if case.module is not None:
        judgement = judge_module(case.reference, case.algorithm, setups, device, dtype, case.module, tf32)
        yield judged(
            name, one_step_claim(s.layers, s.dtype, device, judgement.layers.trials, weights), judgement.layers
        )
        if judgement.layers.status in ("within", "vacuous"):
            yield _forward_claim(name, judgement)
        return
    lowered = lower(case.subject, dtype, device)
    module: Any = LinearTransformer.from_lowered(case.subject, lowered)
    module.order = s.order
    module = module.compiled() if s.compiled else module
    result = crosscheck(
        case.reference, case.algorithm, setups, device, dtype, module=module, tf32=tf32,
        lowered=lowered if case.reference is case.subject else None,
    )  # fmt: skip
    yield judged(name, one_step_claim(s.layers, s.dtype, device, result.trials, weights), result)
    if case.reference.row_heads() is not None and result.status in ("within", "vacuous"):
        yield _a_priori(case, result)


def established(algorithm: Algorithm, settings: Settings) -> list[Claim]:
    """The same in whatever process this is: what `establish` finds of the weights that are derived here."""
    return list(establish(Case(algorithm, settings)))


def one_step_claim(layers: int, dtype: str, device: Any, trials: int, weights: str = "") -> str:
    """What is claimed of each layer of the run that was made; `weights`: whose exact layer, where it is no update's."""
    exact = f"the exact layer of {weights}" if weights else "the exact layer"
    return (
        f"each of {layers} torch layers is within its one-step bound of {exact} "
        f"({dtype} on {device}, {trials} prompts, every row and column)"
    )


def judged(name: str, claim: str, result: FloatResult) -> Claim:
    """The claim about each layer's one-step error, from what the judge found."""
    verdicts = {"within": Verdict.HOLDS, "exceeded": Verdict.REFUTED}
    document = result.to_json()
    exceeded = result.status == "exceeded" and result.where is not None
    witness = {**document["where"], "torch_value": result.computed, "exact_value": result.exact} if exceeded else None
    return Claim(
        name, claim, NAME, verdicts.get(result.status, Verdict.UNDECIDED), STRENGTH, reason(document),
        witness=witness, bound=document["bound"], error=document["error"], details=document,
    )  # fmt: skip


def _forward_claim(name: str, judgement: ModuleResult) -> Claim:
    """The claim about what `forward` returns; what cannot be compared is listed as not run, and fails a strict run."""
    forward = judgement.forward
    verdicts = {"same": Verdict.HOLDS, "within": Verdict.HOLDS, "wrong": Verdict.REFUTED, "open": Verdict.UNDECIDED}
    verdict = verdicts.get(forward.status, Verdict.NOT_RUN)
    witness = None
    if forward.where is not None:
        witness = {**asdict(forward.where), "torch_value": forward.computed, "exact_value": forward.exact}
    return Claim(
        name, FORWARD, NAME, verdict, STRENGTH, forward.reason, asked=verdict is not Verdict.NOT_RUN, witness=witness,
        details={"fact": "forward", **({STRICT: True} if verdict is Verdict.NOT_RUN else {})},
    )  # fmt: skip


def _a_priori(case: Case, result: FloatResult) -> Claim:
    """The claim about every conforming run, of which the one that was made is an example."""
    s, early = case.settings, result.a_priori
    text = (
        f"every run of the {s.layers} layers in {s.dtype}, in any order of summation, is within its a-priori bound of "
        f"the exact run of the layers ({result.trials} prompts, every layer, row and column)"
    )
    if early is None:
        reason = "the numbers are too large for the distance to be measured"
        return Claim(case.algorithm.name, text, NAME, Verdict.UNDECIDED, EVERY_RUN, reason)
    place = f"layer {early.where.layer}, row {early.where.row}, {early.where.column}"
    close = f"this run: error {early.error:.1e} of bound {early.bound:.1e} at {place}"
    if early.status == "vacuous":
        verdict = Verdict.UNDECIDED
        why = f"from layer {early.vacuous_from} on the bound is as large as the values it is about; {close}"
    elif early.status == "exceeded":
        verdict, why = Verdict.REFUTED, f"no conforming run: {close}"
    else:
        verdict, why = Verdict.HOLDS, f"at most {rounded_up(early.last_bound)} after the last layer; {close}"
    witness = {**asdict(early.where)} if early.status == "exceeded" else None
    return Claim(
        case.algorithm.name, text, NAME, verdict, EVERY_RUN, why,
        witness=witness, bound=early.bound, error=early.error,
        details={"fact": f"any run {rounded_up(early.last_bound)}", "a_priori": asdict(early)},
    )  # fmt: skip


def reason(result: Mapping[str, Any]) -> str:
    """One line on a float result: where the error came closest to its bound, and how far the run is from exact."""
    text = _reason(result)
    return f"{result['call']}: {text}" if result.get("call") else text


def _reason(result: Mapping[str, Any]) -> str:
    where = result["where"] or {}
    place = "trial {trial}, layer {layer}, row {row}, {column}".format(**where) if where else "no place"
    if result["status"] == "not-finite" and where["layer"] == 0:
        return f"the prompt itself is beyond {result['dtype']}: its value {result['computed']} is at {place}"
    if result["status"] == "not-finite":
        return f"the value {result['computed']} began at {place}: it overflowed or was not a number"
    if result["status"] == "vacuous" and result["growth"] < WIDE:
        return (
            "within, but somewhere the bound is as large as the values that it is about, or infinite: the numbers are "
            f"too small or too large for {result['dtype']}; {result['formula']}"
        )
    if result["status"] == "vacuous":
        return (
            f"within, but the bound is {result['growth']:.2g} of sum |x|, too wide to tell one algorithm from another "
            f"(from 1/16 on): {result['formula']}"
        )
    if result["status"] == "exceeded" and result["fault"] != "layer":
        return _changed(result["fault"], where) + f", at {place}" * bool(where)
    close = f"error {_short(result['error'])} of bound {_short(result['bound'])} at {place}; {result['formula']}"
    distance, far = result["distance"], ""
    if distance is not None:
        relative = distance["worst_relative"]
        shown = "" if relative is None else f" ({relative:.1e} relative)"
        far = f"; the run is at most {distance['worst_absolute']:.1e}{shown} from the exact run of the layers"
    if result["status"] == "exceeded":
        coarser = ""
        if result["coarser"]:
            cast = result["coarser"].startswith("autocast")
            asks = "it was on while the module ran" if cast else "is a product in lower precision?"
            coarser = f"; {result['coarser']} would explain it: {asks}"
        return (
            f"outside its bound: layer {where['layer']} is the first to leave the algorithm, with {close}{far}{coarser}"
        )
    return f"closest: {close}{far}"


def _short(value: float | None) -> str:
    return "beyond float64" if value is None else f"{value:.1e}"


def _changed(fault: str, where: Mapping[str, Any]) -> str:
    """What is wrong where nothing may be rounded at all."""
    if fault == "prompt":
        return (
            "the Z_0 that the module returns is not the prompt that it was given (states must be tensors of their own)"
        )
    if fault.startswith("argument of "):
        return f"{fault.removeprefix('argument of ')} writes into the batch that it is given"
    if fault.startswith("kept, "):
        now, before = fault.removeprefix("kept, ").split(" after ")
        return (
            f"given a batch of {now} prompts after one of {before}, states(Z) returns {before}: an answer to an "
            "earlier call"
        )
    if fault == "features":
        return f"layer {where['layer']} is the first to leave the algorithm: it changes a feature row, as no layer may"
    return "every layer is within its bound, but the prediction is not the read-out's entry with its sign"
