"""`layerproof converge`: does the in-context iteration converge, to what, how fast?"""

from __future__ import annotations

import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

from cyclopts import Parameter

from ...numeric.files.preconditioner_file import read_preconditioners
from ...numeric.files.prompt_file import read_context
from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ArgumentError
from ...symbolic.plain_text import message
from ..case import MAX_WORK, Settings
from ..convergence.ask import converge
from ..convergence.certificate import check_target
from ..convergence.overview import overview, table
from ..convergence.picture import write_picture
from ..convergence.question import DEFAULT_PROCESS, Question
from ..convergence.table import show
from ..terminal.options import (
    Gamma,
    Json,
    Lam,
    Layers,
    MaxWork,
    Seed,
    Trace,
    flag,
    integer,
    number,
    parameter_values,
    rational,
    several,
    size,
)
from ..terminal.progress import ProgressLine
from ..terminal.run_options import GAMMA, LAM, TIME_LIMIT
from ..terminal.targets import check_file
from ..user_file import LOAD_LIMIT, resolve


def command(
    algorithm: str | None = None,
    *,
    prompt: Annotated[Path | None, Parameter(name="--prompt", help="your own transitions, JSON or CSV")] = None,
    process: Annotated[
        str | None,
        Parameter(name="--process", help=f"boyan-chain, loop or random-ergodic; default: {DEFAULT_PROCESS}"),
    ] = None,
    seed: Seed = 0,
    features: Annotated[int | None, size("features", Settings.features)] = None,
    context: Annotated[int | None, size("context", Settings.context)] = None,
    tabular: Annotated[bool, flag("--tabular", "one-hot features: a process of d states")] = False,
    alpha: Annotated[
        str | None,
        number("--alpha", "the step: C = alpha I; default: 1"),
    ] = None,
    C: Annotated[
        Path | None, Parameter(name="--C", help="a file of preconditioners, one entry a layer, or one for all")
    ] = None,
    periodic: Annotated[bool, flag("--periodic", "the entries of --C are repeated without end")] = False,
    step: Annotated[
        list[str] | None,
        several("--step", "NAME=VALUE of a step that stays while alpha is varied: D=1/2"),
    ] = None,
    start: Annotated[
        list[str] | None,
        several("--start", "NAME=VALUE,VALUE,... of starting weights; default: zero"),
    ] = None,
    gamma: Gamma = GAMMA,
    lam: Lam = LAM,
    trace: Trace = None,
    parameter: Annotated[list[str] | None, several("--parameter", "NAME=VALUE of another parameter")] = None,
    layers: Layers = Settings.layers,
    epsilon: Annotated[str, number("--epsilon", "how near the prediction has to be")] = "1/1000000",
    trials: Annotated[int, integer("--trials", "how many prompts of the process")] = 1,
    read: Annotated[
        str | None, Parameter(name="--read", help="the row that holds the prediction, of an OwnConstruction")
    ] = None,
    expect: Annotated[
        str | None, Parameter(name="--assert", help="converges: exit code 1 when it does not, from w_0")
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="write the certificate (of the worst prompt) for layerproof check"),
    ] = None,
    picture: Annotated[
        Path | None, Parameter(name="--picture", help="draw the iterates inside the envelope into this .svg")
    ] = None,
    max_work: MaxWork = MAX_WORK,
    time_limit: Annotated[int, integer("--time-limit", "seconds that a file of your own may take")] = TIME_LIMIT,
    details: Annotated[bool, flag("--details", "exact numbers in place of decimals")] = False,
    prove: Annotated[bool, flag("--prove", "also have Rocq check the theorems and the certificate")] = False,
    outer: Annotated[
        bool,
        flag("--outer", "also ask whether training's semi-gradient can be a gradient"),
    ] = False,
    json: Json = False,
) -> int:
    """Decide exactly whether the layers' iteration converges on a prompt, to what, how fast, and for which steps.

    When no algorithm is named: a table of all of the catalogue, on one trajectory of each process.
    Without --assert it is a question: the exit code is 0 once it is answered, whatever the answer; 3 when it is not.
    """
    if output is not None:
        check_target(output)
    if picture is not None:
        check_file("picture", picture, ".svg")
    given = read_context(prompt) if prompt is not None else None
    for name, asked in (("features", features), ("context", context)):
        if given is not None and asked is not None:
            raise ArgumentError(f"{name} is {asked}, but a prompt is given, which has its own: leave it out")
    question = Question(
        features=Settings.features if features is None else features,
        context=Settings.context if context is None else context, layers=layers,
        gamma=rational(gamma, "gamma"), lam=rational(lam, "lam"), trace=trace,
        values=parameter_values(parameter or []), seed=seed, process=process, tabular=tabular, prompt=given,
        alpha=None if alpha is None else rational(alpha, "alpha"), fixed=_named(step or [], "step"),
        start=_vectors(start or []), epsilon=rational(epsilon, "epsilon"), trials=trials,
        expect=expect, read=read, prove=prove, outer=outer, max_work=max_work,
        time_limit=time_limit,
    )  # fmt: skip
    if algorithm is None:
        return _overview(question, {"C": C, "periodic": periodic, "output": output, "picture": picture}, json)
    question = _with_steps(algorithm, question, C, periodic)
    with ProgressLine() as progress:
        result = converge(algorithm, question, output, progress)
    if picture is not None:
        write_picture(result, picture)
        print(message(f"layerproof: wrote {picture}"), file=sys.stderr)
    if output is not None and result.certificate is not None:
        print(message(f"layerproof: wrote {output}: layerproof check {quote(str(output))}"), file=sys.stderr)
    if json:
        print(result.to_json(), end="")
    else:
        show(result, question, details)
    return result.exit_code


def _overview(question: Question, others: dict[str, object], json: bool) -> int:
    wrong = next((name for name, value in others.items() if value), None)
    if wrong is not None:
        raise ArgumentError(f"{wrong} is given, but no algorithm: name one, see layerproof list")
    with ProgressLine() as progress:
        answers = overview(question, progress)
    print(answers.to_json() if json else "\n".join(table(answers)), end="" if json else "\n")
    return answers.exit_code


def _with_steps(algorithm: str, question: Question, C: Path | None, periodic: bool) -> Question:
    if C is None:
        if periodic:
            raise ArgumentError("periodic is for a file of preconditioners: give one with --C")
        return question
    if question.alpha is not None:
        raise ArgumentError("alpha and C are both given: C = alpha I, or a file of preconditioners")
    subject = resolve(algorithm, min(LOAD_LIMIT, question.time_limit))
    if not isinstance(subject, Algorithm):
        raise ArgumentError(f"C is given, but {subject.name} is a construction with weights of its own: leave it out")
    steps = read_preconditioners(C, subject, question.d, None)
    return replace(question, steps=tuple(steps), periodic=periodic)


def _named(given: list[str], what: str) -> dict[str, Fraction]:
    result: dict[str, Fraction] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in result:
            raise ArgumentError(f"{what} is {text[:60]!r}, wanted NAME=VALUE once for each name, such as D=1/2")
        result[name] = rational(value, f"{what} {name}")
    return result


def _vectors(given: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in result:
            raise ArgumentError(
                f"start is {text[:60]!r}, wanted NAME=VALUE,VALUE,... once for each, such as w=1,0,-1/2"
            )
        result[name] = tuple(rational(x.strip(), f"start of {name}") for x in value.split(","))
    return result
