"""`layerproof sa`: which theorem of stochastic approximation covers a rule on a process?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.files.process_file import read_process
from ...symbolic.errors import ArgumentError
from ...symbolic.markov.decision import DecisionProcess
from ...symbolic.rules import rules as every
from ...symbolic.strict_json import dumps
from ..approximation.claims import resolved, sa
from ..approximation.question import Question
from ..approximation.table import show
from ..case import MAX_WORK
from ..report.writing import check_target, write
from ..terminal.options import Json, Lam, MaxWork, Seed, TimeLimit, flag, integer, number, rational, size
from ..terminal.progress import ProgressLine
from ..terminal.run_options import LAM, TIME_LIMIT
from ..terminal.targets import check_file


def command(
    *rules: str,
    mdp: Annotated[
        Path | None, Parameter(name="--mdp", help="a decision process, or a Markov chain, in a JSON file")
    ] = None,
    process: Annotated[
        str | None,
        Parameter(
            name="--process",
            help="boyan-chain (the default), loop, random-ergodic, drawn from the seed; two-state, boyan-1999, "
            "w-to-2w, baird",
        ),
    ] = None,
    states: Annotated[int | None, integer("--states", "states of a drawn process; default: 5")] = None,
    features: Annotated[int | None, size("features", 3)] = None,
    actions: Annotated[
        int | None, integer("--actions", "actions of a drawn process; default: 1, or 2 for off-policy rules")
    ] = None,
    gamma: Annotated[
        str | None,
        number("--gamma", "discount; default: the process's own, else 9/10"),
    ] = None,
    lam: Lam = LAM,
    eta: Annotated[str, number("--eta", "beta/alpha of rules with two steps")] = "1",
    power: Annotated[str, number("--power", "steps are 1/k^power")] = "1",
    seed: Seed = 0,
    trials: Annotated[int, integer("--trials", "so many processes, drawn from the seed and those after it")] = 1,
    simulate: Annotated[bool, flag("--simulate", "run each rule beside its theory too, in floats")] = False,
    runs: Annotated[int, integer("--runs", "simulated runs, all at once")] = 1000,
    steps: Annotated[int, integer("--steps", "steps of each run")] = 10_000,
    step_scale: Annotated[
        str,
        number("--step-scale", "simulated steps are scale/(k + offset)^power"),
    ] = "1",
    step_offset: Annotated[str, number("--step-offset", "see --step-scale")] = "0",
    picture: Annotated[
        Path | None, Parameter(name="--picture", help="draw the runs of --simulate beside the ODE into this .svg")
    ] = None,
    max_work: MaxWork = MAX_WORK,
    time_limit: TimeLimit = TIME_LIMIT,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="also write a page for each rule into this directory")
    ] = None,
    format: Annotated[str, Parameter(name="--format", help="of the pages: some of html,tex,md,json,pdf")] = "html,md",
    details: Annotated[bool, flag("--details", "every reason, for several rules too")] = False,
    json: Json = False,
) -> int:
    """Say which assumptions of stochastic approximation hold for rules v + alpha_k h(v, Y), all or those named.

    A rule is a name of the catalogue, or a file that defines a RULE (layerproof new --rule NAME). It is a question:
    the exit code is 0 once it is answered, whatever the answer, and 3 where something that was asked stays open.
    """
    if mdp is not None and process is not None:
        raise ArgumentError("--mdp and --process are both given, wanted one process")
    given: str | DecisionProcess | None = process if mdp is None else read_process(mdp)
    question = Question(
        process=given, states=states, d=features, actions=actions, seed=seed,
        gamma=None if gamma is None else rational(gamma, "gamma"), lam=rational(lam, "lam"), eta=rational(eta, "eta"),
        power=rational(power, "power"), trials=trials, max_work=max_work,
    )  # fmt: skip
    check_picture(picture, simulate, len(rules))
    with ProgressLine() as progress:
        chosen = []
        if simulate:
            from ..approximation import simulation  # loads NumPy

            chosen = simulation.simulated(rules, question)
        if output is not None:
            check_target(output)
        result = sa(*rules, question=question, progress=progress, time_limit=time_limit)
        runners = []
        if simulate:
            scale, offset = rational(step_scale, "step-scale"), rational(step_offset, "step-offset")
            runners = simulation.simulations(chosen, question, runs, steps, scale, offset, progress, time_limit)
        if output is not None:
            from ..report.rule_pages import rule_report

            asked = [resolved(rule) for rule in rules] or list(every().values())
            write(rule_report(result, asked, runners), output, [x.strip() for x in format.split(",")], progress)
        if picture is not None:
            from ..report.picture_simulation import write_picture

            write_picture(runners[0], picture)
    if json:
        more = {"simulation": [x.document() for x in runners]} if simulate else {}
        print(dumps({**result.document(), **more}), end="")
    else:
        show(result, details)
        for x in runners:
            print("\n".join(["", f"{x.rule} on {x.process}", *x.lines()]))
    return result.exit_code


def check_picture(picture: Path | None, simulate: bool, rules: int) -> None:
    """Refuse a picture that there is nothing to draw for, before anything runs."""
    if picture is None:
        return
    if not simulate or rules != 1:
        raise ArgumentError("picture draws the runs of one rule: name one, and ask for --simulate")
    check_file("picture", picture, ".svg")
