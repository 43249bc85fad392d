"""`layerproof new`: a template for an algorithm of one's own, with its test."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ...numeric.files.placing import place_new_files
from ...symbolic.algorithms import catalogue
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.plain_text import message, shown
from ...symbolic.rules import rules

TEMPLATE = '''"""NAME: say in one line what this algorithm does, and with what prompt."""

from layerproof import Accumulator, Algorithm, FeatureBlock


def update(weights, preconditioners, sweep, p):
    """One iterate, written as its paper writes it: a loop over transitions.

    Only + - * / and @ (dot product of vectors, or C @ vector), with exact numbers: Fraction(1, 2), not 0.5.
    What is carried from one transition to the next, totals too, lives on the sweep and starts at zero.
    t.phi, t.phi_next, t.reward, t.index, and what transition_scalars, transition_vectors and successor_vectors name.
    """
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


ALGORITHM = Algorithm(
    name="NAME",
    title="TITLE",
    source="author, year, equation",
    # The rows of the prompt that never change, top to bottom: what stands in a transition's column, and in the query's.
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q, meaning=r"\\phi_j"),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\\gamma \\phi'_j"),
    ),
    # The rows that layers change: their entry in a column when the weights are `weights`; affine in the weights.
    # x has a field for each feature block (zero in the query column where the block gives none) and x.reward.
    accumulators=(
        Accumulator(
            "td_error",
            lambda weights, x, p: x.reward + weights[0] @ x.gamma_phi_next - weights[0] @ x.phi,
            meaning=r"R_j + \\gamma w^\\top \\phi'_j - w^\\top \\phi_j",
        ),
    ),
    # A second weight vector: weights=("w", "u"), and update returns both.  A second preconditioner:
    # preconditioners=("C", "D"); one that is a number: scalar_preconditioners=("c",).  More that a transition carries:
    # transition_scalars=("rho",), read as t.rho; a row for it: FeatureBlock("rho_phi", lambda t, p: t.rho * t.phi).
    # A number that an accumulator uses needs a row of its own: FeatureBlock("rho", lambda t, p: t.rho, scalar=True).
    # Another parameter: parameters=("gamma", "beta"), read as p.beta; its value is defaults={"beta": "1/3"}, or
    # --parameter beta=1/3 on the command line.
    weights=("w",),
    parameters=("gamma",),
    defaults={},
    update=update,
    # Weights are derived from the update.  To check weights of your own instead, give heads=...: see examples/.
)
'''

WITH_CONSTANT_ROW = (
    ("    (w,) = weights", "    w, u = weights  # u is w of one iterate before"),
    (
        "    return (w + C @ sweep.total / sweep.n,)",
        "    # Multiples of old weight vectors are what the constant row is for: this is momentum.\n"
        "    return w + C @ sweep.total / sweep.n + p.beta * (w - u), w",
    ),
    (
        'meaning=r"\\gamma \\phi\'_j"),\n',
        'meaning=r"\\gamma \\phi\'_j"),\n'
        "        # A head that reads this row as value and as key maps the accumulator rows token by token.\n"
        '        FeatureBlock("one", lambda t, p: 1, scalar=True, meaning="1"),\n',
    ),
    (
        "    ),\n    # A second weight",
        "        # What td_error gains from old weights must be a combination of rows: beta times this one.\n"
        "        Accumulator(\n"
        '            "momentum",\n'
        "            lambda weights, x, p: (weights[0] - weights[1]) @ (x.gamma_phi_next - x.phi),\n"
        '            meaning=r"(w - u)^\\top (\\gamma \\phi\'_j - \\phi_j)",\n'
        "        ),\n"
        "    ),\n    # A second weight",
    ),
    ('    weights=("w",),\n', '    weights=("w", "u"),\n'),
    (
        '    parameters=("gamma",),\n    defaults={},\n',
        '    parameters=("gamma", "beta"),\n    defaults={"beta": "1/3"},\n',
    ),
)
"""What `--with-constant-row` changes in the template: (text, what it becomes)."""

TEST = '''"""NAME: every layer of the derived weights is one iterate."""

from pathlib import Path

import layerproof as lp

FILE = str(Path(__file__).with_name("MODULE.py"))
VALUES = {}  # of parameters that have no default, or other values than theirs: {"beta": Fraction(1, 3)}


def test_every_layer_is_one_iterate():
    result = lp.verify(FILE, d=2, n=6, layers=3, trials=2, values=VALUES)
    assert result.holds, result.to_json()
'''


RULE = '''"""NAME: say in one line what this rule does, and on what chain."""

import layerproof as lp


def h(v, y):
    """What one step changes, before the step size: v <- v + alpha_k h(v, y), written as its paper writes it.

    Only + - * /, @ (dot product) and lp.maximum, with exact numbers: Fraction(1, 2), not 0.5.
    v.w is a part of the weights. y has y.state, y.action, y.next_state (whole numbers, which may index v and tables),
    y.reward, y.x, y.x_next (features), y.rho (the importance ratio), y.gamma and y.tables.NAME (of the chain's file).
    """
    delta = y.reward + y.gamma * (v.w @ y.x_next) - v.w @ y.x
    return {"w": y.rho * delta * y.x}


RULE = lp.Rule(
    name="NAME",
    title="TITLE",
    source="author, year, equation",
    # The weights by name and size: "states", "features", "state-actions" or a whole number.
    parts={"w": "features"},
    h=h,
    parameters=("gamma",),
    # A trace, if it has one: trace=lambda before, y: {"e": y.gamma * y.lam * before.e + y.x}, with
    # trace_parts={"e": "features"}; h then reads y.e, and parameters names "lam" too.
)
'''

RULE_TEST = '''"""NAME: its mean field is stable on two states."""

from pathlib import Path

import layerproof as lp

FILE = str(Path(__file__).with_name("MODULE.py"))


def test_it_is_stable_on_two_states():
    found = {c.details["assumption"]: c for c in lp.sa(FILE, process="two-state").claims}
    assert found["stability"].verdict == "HOLDS", found["stability"].reason
'''


def command(
    name: str,
    *,
    rule: Annotated[
        bool, Parameter(name="--rule", negative=(), help="a rule v + alpha h(v, Y) for layerproof sa instead")
    ] = False,
    with_constant_row: Annotated[
        bool,
        Parameter(
            name="--with-constant-row", negative=(), help="with a constant row, for updates that mix old weight vectors"
        ),
    ] = False,
    folder: Annotated[Path, Parameter(name=["--folder", "-o"], help="where the two files are written")] = Path(),
) -> int:
    """Write NAME.py, an algorithm of your own to fill in, and test_NAME.py; `layerproof verify NAME.py` checks it.

    With --rule it is a rule of stochastic approximation: `layerproof sa ./NAME.py` judges it.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,59}", name):
        raise ArgumentError(f"name is {shown(name)}, wanted lower-case letters, digits and hyphens, such as my-td")
    if name in (rules() if rule else catalogue()):
        raise ArgumentError(f"name is {name!r}, which is in the catalogue: choose another")
    if rule and with_constant_row:
        raise ArgumentError("with-constant-row is about a prompt, and a rule has none: leave out one of the two")
    module = name.replace("-", "_")
    template, test = (RULE, RULE_TEST) if rule else (TEMPLATE, TEST)
    for before, after in WITH_CONSTANT_ROW if with_constant_row else ():
        template = template.replace(before, after)
    files = {folder / f"{module}.py": template, folder / f"test_{module}.py": test}
    if not folder.is_dir():
        raise ArgumentError(f"folder is {str(folder)!r}, which is no folder: make it first")
    existing = next((path for path in files if path.exists()), None)
    if existing is not None:
        raise ArgumentError(f"{existing} exists: choose another name, or another --folder")
    if module in sys.stdlib_module_names or importlib.util.find_spec(module) is not None:
        raise ArgumentError(f"name is {name!r}, but {module} is a module that Python or a package has: choose another")
    title = name.replace("-", " ").capitalize()
    try:
        place_new_files(
            {
                path: text.replace("NAME", name).replace("TITLE", title).replace("MODULE", module)
                for path, text in files.items()
            }
        )
    except OSError as error:
        raise ContentError(f"{folder}: cannot be written: {error.strerror or error}") from None
    for path in files:
        print(message(str(path)))
    return 0
