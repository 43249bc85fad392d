"""`layerproof identify`: which algorithm does this network run?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.files.placing import place_file
from ...numeric.files.prompt_file import read_context
from ...numeric.recognition.read_network import Reading
from ...symbolic.errors import ArgumentError
from ...symbolic.plain_text import message
from ..identify.ask import identify
from ..identify.patterns import ONLY_LINEAR, PatternIdentification
from ..identify.question import Question
from ..identify.table import show
from ..terminal.options import Json, Seed, flag, integer, rational, several
from ..terminal.progress import ProgressLine


def command(
    weights: Path,
    *,
    layout: Annotated[
        str | None,
        Parameter(
            name="--layout",
            help="the prompt that the rows are: td, least-squares, average-reward, gradient-td, differential, "
            "off-policy, or an algorithm's name; asked for where the number of rows leaves it open",
        ),
    ] = None,
    features: Annotated[int | None, integer(["--features", "-d"], "feature dimension d, to be held against")] = None,
    context: Annotated[int | None, integer(["--context", "-n"], "context length n, where no mask says it")] = None,
    layers: Annotated[int | None, integer(["--layers", "-L"], "how often a single stored layer is applied")] = None,
    transposed: Annotated[
        str | None, Parameter(name="--transposed", help="matrices that are stored transposed: Q, or P,Q")
    ] = None,
    prompts: Annotated[
        list[Path] | None,
        several("--prompts", "your own transitions, JSON or CSV (repeat for more prompts)"),
    ] = None,
    process: Annotated[
        str | None,
        Parameter(name="--process", help="boyan-chain, loop, random-ergodic or gaussian; default: boyan-chain"),
    ] = None,
    trials: Annotated[int, integer("--trials", "independent prompts of the process")] = 59,
    gamma: Annotated[
        str | None,
        Parameter(name="--gamma", help="the law's discount, exact; default: what the file says, else 9/10"),
    ] = None,
    seed: Seed = 0,
    weights_only: Annotated[bool, flag("--weights-only", "leave the function on prompts out")] = False,
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="write the rule as an algorithm file, for layerproof verify"),
    ] = None,
    page: Annotated[
        Path | None,
        Parameter(name="--page", help="write an HTML page with every network's weights block by block, as a picture"),
    ] = None,
    json: Json = False,
) -> int:
    """Read the update rule off weights, and say how far the nearest algorithms are.

    WEIGHTS is a file or a directory: safetensors, npz, weights.json, an export, or what train wrote. It is a question:
    the exit code is 0 once it is answered, whatever the answer.
    """
    if page is not None and (page.suffix != ".html" or not page.parent.is_dir() or page.exists()):
        raise ArgumentError(f"page is {str(page)!r}, wanted a new file that ends in .html in a folder that is there")
    given = None if prompts is None else tuple(read_context(path) for path in prompts)
    how = Reading(layout, features, context, layers, tuple(x for x in (transposed or "").split(",") if x))
    question = Question(
        how, None if gamma is None else rational(gamma, "gamma"), process, given, trials, seed, not weights_only
    )
    with ProgressLine() as progress:
        result = identify(weights, question, output, progress)
        if page is not None and isinstance(result, PatternIdentification):
            raise ArgumentError(f"page {ONLY_LINEAR}")
        if page is not None:
            from ..report.identify_page import identify_page

            progress("the page")
            place_file(page, identify_page(result))
    if result.written:
        print(message(f"layerproof: {result.written}"), file=sys.stderr)
    if json:
        print(result.to_json(), end="")
    else:
        show(result)
    return result.exit_code
