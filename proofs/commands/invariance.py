"""`layerproof invariance`: which sets of weights does the expected deep-TD update keep?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ...numeric.files.set_file import read_group, read_set
from ...symbolic.invariance.own_weights import FORMS
from ...symbolic.invariance.symmetry import GROUPS, SymmetryGroup
from ...symbolic.plain_text import shown
from ..case import MAX_WORK
from ..invariance.claims import invariance
from ..invariance.question import SETS, Question
from ..invariance.table import show
from ..terminal.options import (
    Gamma,
    Json,
    Lam,
    MaxWork,
    Parameters,
    Seed,
    Trace,
    flag,
    integer,
    parameter_values,
    rational,
    size,
)
from ..terminal.progress import ProgressLine
from ..terminal.run_options import GAMMA, LAM


def command(
    *algorithms: str,
    features: Annotated[int, size("features")] = 2,
    context: Annotated[int, size("context")] = 2,
    layers: Annotated[int | None, size("layers", "1 and 2")] = None,
    looped: Annotated[
        bool | None,
        Parameter(
            name="--looped",
            negative="--sequential",
            help="one layer's weights for all layers, or each its own; default: both",
        ),
    ] = None,
    set: Annotated[
        str | None,
        Parameter(name="--set", help=f"assert that one set is invariant: {', '.join(SETS)}, or a JSON file"),
    ] = None,
    weights: Annotated[
        str,
        Parameter(
            name="--weights",
            help="which of the algorithm's own weights the sets go through: exported (W = diag(0, I), or the file's "
            "heads) or paper (W = diag(0, U)); with one head they are the same",
        ),
    ] = FORMS[0],
    group: Annotated[
        str, Parameter(name="--group", help=f"symmetry of the law: {', '.join(GROUPS)}, or a JSON file of generators")
    ] = "signed-permutations",
    window: Annotated[
        str, Parameter(name="--window", help="sliding (the paper's) or shared (the talk's: one context, moving query)")
    ] = "sliding",
    outer: Annotated[
        str,
        Parameter(
            name="--outer",
            help="semi-gradient (deep TD), residual-gradient or monte-carlo; teacher for a state in a column",
        ),
    ] = "semi-gradient",
    law: Annotated[
        str | None,
        Parameter(
            name="--law",
            help="also sample this law and test: symmetric, or one that breaks the assumption: "
            "reward-is-feature, fixed-process, mean",
        ),
    ] = None,
    units: Annotated[int, integer("--units", "random processes that --law samples")] = 2000,
    floats: Annotated[
        bool, Parameter(name="--float", negative="--no-float", help="also ask torch: autograd, relu, softmax, Adam")
    ] = True,
    prove: Annotated[bool, flag("--prove", "also compile and audit the Rocq theorems")] = False,
    gamma: Gamma = GAMMA,
    lam: Lam = LAM,
    trace: Trace = None,
    parameter: Parameters = None,
    seed: Seed = 0,
    max_work: MaxWork = MAX_WORK,
    details: Annotated[bool, flag("--details", "every set, witness and fact")] = False,
    json: Json = False,
) -> int:
    """Say which sets of weights are invariant under the expected deep-TD update, for all algorithms or those named.

    The law of features, given the chain and the rewards, is symmetric under the group. Without --set it is a question
    and the exit code is 0 once it is answered, whatever the answer; with --set it is an assertion: 0 invariant,
    1 refuted with a witness, 3 undecided.
    """
    known: str | Mapping[str, Any] | None = set if set is None or set in SETS else read_set(_file(set, "--set", SETS))
    symmetry: str | SymmetryGroup = group if group in GROUPS else read_group(_file(group, "--group", GROUPS), features)
    question = Question(
        features=features, context=context, layers=layers, looped=looped, gamma=rational(gamma, "gamma"),
        lam=rational(lam, "lam"), trace=trace, seed=seed, group=symmetry, window=window, outer=outer, set=known,
        weights=weights, source=set if set not in SETS else None, floats=floats, prove=prove, law=law, units=units,
        max_work=max_work, values=parameter_values(parameter or []),
    )  # fmt: skip
    with ProgressLine() as progress:
        result = invariance(*algorithms, question=question, progress=progress)
    if json:
        print(result.to_json(), end="")
    else:
        show(result, details)
    return result.exit_code


def _file(text: str, option: str, names: Any) -> Path:
    """A file's path; a word that is neither a name nor a path of a file gets the names."""
    from ...symbolic.errors import ArgumentError

    path = Path(text)
    if text and (path.suffix or path.exists()):
        return path
    raise ArgumentError(f"{option} is {shown(text)}, wanted one of {', '.join(names)}, or a JSON file")
