"""Evidence `float` of an algorithm that attends by patterns: layers in torch under the pattern as it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.patterns.heads import PatternForm
from ...symbolic.patterns.layer import layer_of
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import column_name, prompt, row_names, setup
from ..case import Progress, Settings
from ..evidence import floats
from ..verdict import Claim, Verdict
from .draws import drawn_prompts, drawn_steps

SUMS = "softmax sums"
"""The fact of a float claim that is about the softmax and not about a layer."""


def floats_of(form: PatternForm, s: Settings, values: dict[str, Fraction], progress: Progress) -> Iterator[Claim]:
    """Every layer in torch against the exact layer of the state that came in, under the pattern that was computed."""
    import torch

    from ...numeric.device import TF32, environment, precision, resolve_device, resolve_dtype, strict_precision
    from ...numeric.judge.dense import judged_prompts
    from ...numeric.lower import lower_matrix
    from ...numeric.patterns.attention import kernel_pattern, lowered, run
    from ...numeric.patterns.judge import PatternModel, judge

    algorithm, device, dtype = form.algorithm, resolve_device(s.device), resolve_dtype(s.dtype)
    trials = judged_prompts(s.trials, s.layers)
    kernel = algorithm.kernels[0] if algorithm.kernels else ""
    text = floats.one_step_claim(s.layers, s.dtype, device, trials)
    if kernel:
        text += f", given the {kernel} pattern as it was computed"
    asked = {"tf32 is judged": s.dtype == TF32.name, "torch.compile is run": s.compiled,
             f"the order {s.order} is chosen": s.order != Settings.order}  # fmt: skip
    mode = next((words for words, wanted in asked.items() if wanted), None)
    if mode is not None:
        reason = f"{mode} for layers of linear attention only"
        yield Claim(algorithm.name, text, floats.NAME, Verdict.NOT_RUN, floats.STRENGTH, reason)
        return
    numbers = {name: RATIONALS.number(x) for name, x in values.items()}
    steps, made = drawn_steps(form, s), {}
    for C in steps:
        if id(C) not in made:
            made[id(C)] = layer_of(form, RATIONALS, s.features, s.context, C, numbers)
    layers = [made[id(C)] for C in steps]
    rows = tuple(row_names(algorithm, s.features))
    columns = tuple(column_name(algorithm, t, s.context) for t in range(s.context + 1))
    setups = [setup(algorithm, RATIONALS, c, start, numbers) for _, c, start in drawn_prompts(algorithm, s, trials)]
    with strict_precision():
        Z = torch.stack([lower_matrix(prompt(x, x.start), dtype, device) for x in setups])
        scored = [i for i, name in enumerate(rows) if name.partition("[")[0] == algorithm.scored]
        K = kernel_pattern(kernel, Z[:, scored], s.context, algorithm.sees) if kernel else None
        floating = {key: lowered(layer, dtype, device) for key, layer in made.items()}
        states = run([floating[id(C)] for C in steps], Z, K)
        surroundings = {**environment(device, dtype), "evaluation": "eager"}
    patterns = None if K is None else K.to("cpu", torch.float64).numpy()
    if kernel.startswith("softmax"):
        yield _sums(algorithm, patterns, precision(dtype))
    model = PatternModel(tuple(layers), rows, columns)
    yield floats.judged(algorithm.name, text, judge(model, states, patterns, precision(dtype), device, surroundings))


def _sums(algorithm: PatternAlgorithm, patterns: Any, target: Any) -> Claim:
    """Whether every query's softmax weights, or every key's, sum to one: they are floats over their own sum.

    Of n weights: n - 1 additions in the sum; a division, or a reciprocal and a product, for each.  With n + 1 factors
    1 + delta in numerators and denominators, their sum is off from 1 by (1+u)^(n+2) - 1 at most while n u <= 1.
    Of a key's, over the queries, there are one more, N = n + 1.
    """
    from ...numeric.judge.bounds import growth

    N, queries = patterns.shape[-1], algorithm.kernels[0] == "softmax-over-queries"
    bound = growth(N + 1 + queries, target)
    lines = [line for K in patterns for line in (K[:-1].tolist() if queries else K.T.tolist())]
    sums = [sum((Fraction(x) for x in line), Fraction(0)) for line in lines]
    error: Fraction = max(abs(x - 1) for x in sums)
    whose = "key's softmax weights, over the tokens" if queries else "token's softmax weights, over its keys"
    text = f"each {whose}, sum to one within the rounding of their sum"
    return Claim(
        algorithm.name, text, floats.NAME, Verdict.HOLDS if error <= Fraction(bound) else Verdict.REFUTED,
        floats.STRENGTH, f"off by {float(error):.1e} at most, of (1+u)^{N + 1 + queries} - 1 = {bound:.1e}",
        bound=bound, error=float(error), details={"fact": SUMS},
    )  # fmt: skip
