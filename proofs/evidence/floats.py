"""Evidence `float`: the torch transformer, each layer judged against the exact layer of the state that came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ...numeric.draws import prompts
from ...symbolic.arithmetic import RATIONALS
from ...symbolic.identity import problem
from ..case import Case
from ..verdict import Claim, Verdict

NAME, ORDER = "float", 60
STRENGTH = "within a proven bound on this run"


def establish(case: Case) -> Iterator[Claim]:
    """Run `trials` prompts through torch and judge every layer, row and column by its one-step error bound."""
    from ...numeric.crosscheck import FloatResult, crosscheck  # loads torch
    from ...numeric.device import resolve_device, resolve_dtype
    from ...numeric.transformer import LinearTransformer

    s, name = case.settings, case.algorithm.name
    options = case.algorithm.choose(case.options)
    drawn = prompts(case.algorithm, s.features, s.context, s.seed, s.process, s.prompt)
    setups = [
        problem(case.algorithm, RATIONALS, context, start, case.parameters, options)
        for _, context, start in islice(drawn, s.trials)
    ]
    device, dtype = resolve_device(s.device), resolve_dtype(s.dtype)
    case.progress(f"{name}: {s.trials} prompts in {s.dtype} on {device}")
    module = case.module
    if module is None and case.construction is not None:
        module = LinearTransformer.from_construction(case.construction, dtype, device)
    result: FloatResult = crosscheck(case.reference, case.algorithm, setups, device, dtype, module=module)
    verdicts = {"within": Verdict.HOLDS, "exceeded": Verdict.REFUTED}
    document = result.to_json()
    exceeded = result.status == "exceeded" and result.where is not None
    yield Claim(
        name,
        f"each of {s.layers} torch layers is within its one-step bound of the exact layer "
        f"({s.dtype} on {result.device}, {result.trials} prompts, every row and column)",
        NAME,
        verdicts.get(result.status, Verdict.UNDECIDED),
        STRENGTH,
        reason(document),
        witness={**document["where"], "torch_value": result.computed, "exact_value": result.exact}
        if exceeded
        else None,
        bound=document["bound"],
        error=document["error"],
        details=document,
    )


def reason(found: Mapping[str, Any]) -> str:
    """One line on a float result: where the error came closest to its bound, and how far the run is from exact."""
    where = found["where"] or {}
    place = "trial {trial}, layer {layer}, row {row}, {column}".format(**where) if where else "no place"
    if found["status"] == "not-finite":
        return f"the value {found['computed']} began at {place}: it overflowed or was not a number"
    if found["status"] == "vacuous":
        return (
            f"within, but the bound is {found['growth']:.2g} of sum |x|, too wide to tell one algorithm from another "
            f"(from 1/16 on): {found['formula']}"
        )
    close = f"error {found['error']:.1e} of bound {found['bound']:.1e} at {place}; {found['formula']}"
    if found["status"] == "exceeded":
        return f"outside its bound: {close}"
    distance = found["distance"]
    relative = distance["worst_relative"]
    shown = "" if relative is None else f" ({relative:.1e} relative)"
    return f"closest: {close}; the run is at most {distance['worst_absolute']:.1e}{shown} from the exact iterates"
