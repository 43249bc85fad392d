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
from ...symbolic.pattern_algorithms import pattern_catalogue
from ...symbolic.plain_text import message, shown
from ...symbolic.rules import rules
from ..terminal.options import flag

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

KERNEL = '''"""NAME: say in one line what this algorithm does, and with what prompt."""

from layerproof import PatternAlgorithm, Row


def update(own, C, sweep, p):
    """f(x_t) <- f(x_t) + alpha sum_k K(x_k, x_t) (y_k - f(x_k)), written as its paper writes it.

    Only + - * / and @, with exact numbers: Fraction(1, 2), not 0.5.  own.state is the state of the token that is
    updated.  The loop goes over the tokens of the context; each has k.weight, its weight for that token, and k.phi,
    k.phi_next, k.reward, k.state, k.next_state.  What is summed lives on the sweep and starts at zero.
    """
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward - k.state)
    return own.state + p.alpha * sweep.total


ALGORITHM = PatternAlgorithm(
    name="NAME",
    title="TITLE",
    source="author, year, equation",
    # The rows of the prompt, top to bottom: what stands in a token of the context, then in the query. d rows each, or
    # one where scalar=True. Rows that hold t.state are those that layers write.
    rows=(
        Row("phi", lambda t, p: t.phi, lambda t, p: t.phi, meaning="x_t"),
        Row("residual", lambda t, p: t.reward - t.state, lambda t, p: -t.state, scalar=True, meaning="y_t - f(x_t)"),
    ),
    # Where the state lives: "a number for each token", "a vector for each token", "a vector in a column of its own".
    state="a number for each token",
    update=update,
    # What the weights are: softmax, exponential, polynomial, relu, linear, or softmax-over-queries. The first runs in
    # floats; the identity is shown for every matrix of weights. They are made from the row that `scored` names.
    kernels=("softmax",),
    scored="phi",
    # Which tokens are summed over: "context", all of them, or "causal", those up to the token's own.
    sees="context",
    # chained=True: the tokens are the states of one trajectory, the query its last; t.next_state is then the state of
    # the token after, and a row that holds it is filled by a shift of rows after the heads.
    parameters=("alpha",),
    defaults={"alpha": "1/2"},
    # The layer is derived from the update. To check one of your own instead:
    # layer=GivenLayer(heads=(GivenHead(values=lambda k, C, p: {"residual": -p.alpha * k.residual}),)),
)
'''

COLUMN_STATE = '''"""NAME: say in one line what this algorithm does, and with what prompt."""

from layerproof import PatternAlgorithm, Row


def update(own, C, sweep, p):
    """w <- w + (1/n) C sum_j (R_j + gamma w.phi'_j - w.phi_j) phi_j, written as its paper writes it.

    Only + - * / and @ (dot product of vectors, or C @ vector), with exact numbers: Fraction(1, 2), not 0.5.
    own.state is the vector in the column.  The loop goes over the tokens of the context, with k.phi, k.phi_next and
    k.reward.  What is summed lives on the sweep and starts at zero.
    """
    w = own.state
    sweep.total = 0 * w
    for k in sweep:
        delta = k.reward + p.gamma * (w @ k.phi_next) - w @ k.phi
        sweep.total = sweep.total + delta * k.phi
    return w + C @ sweep.total / sweep.n


ALGORITHM = PatternAlgorithm(
    name="NAME",
    title="TITLE",
    source="author, year, equation",
    # The rows of the prompt, top to bottom: what stands in a token of the context, and what in the column of the
    # state, parameter=. d rows each, or one where scalar=True. The row that holds t.state is the one that layers write.
    rows=(
        Row("phi", lambda t, p: t.phi, meaning=r"\\phi_j"),
        Row("gamma_phi_next", lambda t, p: p.gamma * t.phi_next, meaning=r"\\gamma \\phi'_j"),
        Row("reward", lambda t, p: t.reward, scalar=True, meaning="R_j"),
        Row("one", parameter=lambda t, p: 1, scalar=True, meaning="1"),
        Row("w", parameter=lambda t, p: t.state, meaning="w"),
    ),
    state="a vector in a column of its own",
    update=update,
    preconditioned=True,  # the update reads C, a matrix a layer
    parameters=("gamma",),
    defaults={},
    # The layer is derived from the update. To check one of your own instead:
    # layer=GivenLayer(
    #     scale="1/n",
    #     heads=(
    #         GivenHead(
    #             values=lambda k, C, p: {"w": C @ k.phi},
    #             scores=lambda k, q, C, p: k.gamma_phi_next @ q.w - k.phi @ q.w + k.reward * q.one,
    #         ),
    #     ),
    # ),
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
    rule: Annotated[bool, flag("--rule", "a rule v + alpha h(v, Y) for layerproof sa instead")] = False,
    with_constant_row: Annotated[
        bool,
        flag("--with-constant-row", "with a constant row, for updates that mix old weight vectors"),
    ] = False,
    kernel: Annotated[bool, flag("--kernel", "attention by a softmax or another kernel, a number a token")] = False,
    column_state: Annotated[bool, flag("--column-state", "the weights in a column of their own")] = False,
    folder: Annotated[Path, Parameter(name=["--folder", "-o"], help="where the two files are written")] = Path(),
) -> int:
    """Write NAME.py, an algorithm of your own to fill in, and test_NAME.py; `layerproof verify NAME.py` checks it.

    With --rule it is a rule of stochastic approximation: `layerproof sa ./NAME.py` judges it. With --kernel or
    --column-state it attends by a pattern, or keeps its weights in a column: docs/patterns.md.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,59}", name):
        raise ArgumentError(f"name is {shown(name)}, wanted lower-case letters, digits and hyphens, such as my-td")
    if name in (rules() if rule else {**catalogue(), **pattern_catalogue()}):
        raise ArgumentError(f"name is {name!r}, which is in the catalogue: choose another")
    kinds = {"rule": rule, "with-constant-row": with_constant_row, "kernel": kernel, "column-state": column_state}
    asked = [kind for kind, wanted in kinds.items() if wanted]
    if asked == ["rule", "with-constant-row"]:
        raise ArgumentError("with-constant-row is about a prompt, and a rule has none: leave out one of the two")
    if len(asked) > 1:
        raise ArgumentError(f"{' and '.join(asked)} are templates of different kinds: leave out all but one")
    module = name.replace("-", "_")
    template, test = (RULE, RULE_TEST) if rule else (TEMPLATE, TEST)
    if kernel or column_state:
        template = KERNEL if kernel else COLUMN_STATE
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
