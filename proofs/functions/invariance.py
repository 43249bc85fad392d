"""`lp.invariance`: which sets of weights training keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...numeric.files.set_file import check_set, read_set
from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ContentError
from ...symbolic.invariance.symmetry import SymmetryGroup
from ...symbolic.kinds import FLAG
from ...symbolic.patterns.record import PatternAlgorithm
from ..invariance import claims as invariance_claims
from ..invariance.question import SETS, Question
from ..verdict import Result
from .arguments import Number, check_settings, exact


def invariance(
    *algorithms: str | Algorithm | PatternAlgorithm,
    d: int = Question.features,
    n: int = Question.context,
    layers: int | None = None,
    gamma: Number = Question.gamma,
    lam: Number = Question.lam,
    set: str | Mapping[str, Any] | None = None,
    group: str | SymmetryGroup = "signed-permutations",
    **settings: Any,
) -> Result:
    """Which sets of weights are invariant under the expected deep-TD update, or whether one is.

    layers   : L; None asks about 1 and 2
    set      : the name of a set, or a set's document, to assert that it is invariant; None answers for the named sets
    group    : the symmetry of the law: a name, or a `SymmetryGroup`
    settings : looped, trace, seed, weights, window, outer, floats, prove, law, units, max_work, as on the command line,
               and values, of parameters other than gamma and lam
    Returns a `Result`; each claim about a set has a `dimension`, and a `witness` where it is refuted.  Of layers
    that attend by patterns: which sets of V a kernel keeps, with outer="teacher" those of a state in a column; where
    nothing is known, one claim, UNDECIDED.

    >>> import layerproof as lp
    >>> lp.invariance("td0", layers=1, set="one-layer", floats=False).holds
    True
    >>> lp.invariance("td0", layers=2, looped=True, set="one-layer", floats=False).exit_code
    1
    """
    names = ("looped", "trace", "seed", "weights", "window", "outer", "floats", "prove", "law", "units", "max_work",
             "values")  # fmt: skip
    check_settings(settings, names)
    if isinstance(set, str) and set not in SETS and set.endswith(".json"):
        set = read_set(set)
    elif isinstance(set, Mapping):
        try:
            set = check_set(set)
        except ContentError as error:
            raise ContentError(f"set: {error}") from None
    for name in ("looped", "floats", "prove"):
        FLAG.check(**{name: settings.get(name, False)})
    question = Question(
        features=d, context=n, layers=layers, gamma=exact(gamma, "gamma"), lam=exact(lam, "lam"), group=group,
        set=set, **settings,
    )  # fmt: skip
    return invariance_claims.invariance(*algorithms, question=question)
