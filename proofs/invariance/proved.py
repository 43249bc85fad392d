"""Evidence `invariance-proved`: which theorem of the Rocq theory says that a set is invariant, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.invariance.decide import small_sample
from ...symbolic.invariance.samples import prompts
from ...symbolic.invariance.sets import Rows, WeightSet, commutant
from ...symbolic.invariance.update import prompt_matrix
from ...symbolic.invariance.weights import WeightSpace
from ..case import Progress
from ..evidence.proved import EARLIER, prove_all
from ..theory import record as proof_record
from ..theory.audits import choices, invariance_for
from ..theory.general import general_audits, invariance_audits
from ..theory.prover import INSTALL, find_prover
from ..verdict import Claim, Verdict

if TYPE_CHECKING:
    from .at_depth import LinearAtDepth

PROVED = "invariance-proved"
STRENGTH = "proved for all d, n, L and finitely supported laws (Rocq kernel, no axioms)"
RECORD, GENERAL = "invariance", "general"


def theorem_for(subject: LinearAtDepth, weights: WeightSet) -> str | None:
    """The name of the theorem that says that this set is invariant, or None when there is none.

    What the set holds decides, not what it is called.  The theorems are about rows in which blocks of features come
    first and other rows after them, and about laws symmetric under all signed permutations (those of the orthogonal
    group are).
    """
    space, kind = subject.space, subject.outer.kind
    moved = [acts for _, _, acts in space.blocks]
    if not subject.group.is_named("signed-permutations", "orthogonal") or moved != sorted(moved, reverse=True):
        return None
    vectors = sum(moved)
    whole = commutant(space, subject.group)
    looped = "_looped" if space.looped and space.depth > 1 else ""
    if (weights.base, weights.frozen, weights.directions) == (whole.base, whole.frozen, whole.directions):
        if kind == "semi-gradient" and (instance := _instance(subject, looped)):
            return instance
        if vectors != 2:
            return f"blocks_invariant{looped}" if kind == "semi-gradient" else None
        names = {"semi-gradient": "commutant_invariant", "residual-gradient": "commutant_invariant_residual"}
        if kind not in names:
            return None if looped else "commutant_invariant_any"
        return f"{names[kind]}{looped}"
    single = space.depth == 1 and space.matrices == ("P", "Q") and (vectors, len(moved)) == (2, 3)
    if single and weights.patterns is not None and _query_is_plain(space):
        names = {"semi-gradient": "one_layer_invariant", "residual-gradient": "one_layer_invariant_residual"}
        if _is_one_layer(weights.patterns[0]["P"], weights.patterns[0]["Q"]):
            return names.get(kind)
    return None


def _instance(subject: LinearAtDepth, looped: str) -> str | None:
    """The theorem about a file's own prompt, masks and read-out; None for the catalogue's, and where there is none."""
    if any(subject.algorithm is known for known in catalogue().values()):
        return None
    audit = invariance_for(subject.algorithm, subject.own.options)
    if audit is None:
        return None
    _, kept, kept_looped = audit.theorems
    return kept_looped.name if looped else kept.name


def _query_is_plain(space: WeightSpace) -> bool:
    """Whether the query's token is (q; 0; 0), as the theorem of one layer wants it: seen on a generic prompt."""
    now, _ = prompts(space, RATIONALS, small_sample(space), "sliding")
    last = [row[-1] for row in prompt_matrix(now).fractions()]
    return not any(last[space.layout.d :])


def _is_one_layer(P: Rows, Q: Rows) -> bool:
    """Whether the blocks are those of the theorem: P's top rows and Q's later columns frozen, three free numbers."""
    held = ("frozen",) * 3
    names = {P[2][2], Q[0][0], Q[1][0]}
    return (
        (held, held, ("0", "0", P[2][2])) == P
        and ((Q[0][0], *held[1:]), (Q[1][0], *held[1:]), ("0", *held[1:])) == Q
        and len(names) == 3
        and all(name.isidentifier() and name not in ("free", "frozen") for name in names)
    )


def proved_claim(
    subject: LinearAtDepth, weights: WeightSet, text: str, passed: Mapping[str, Claim] | None
) -> Claim | None:
    """The claim that a theorem covers this set; None where no theorem does.

    passed : what the gate has just said of each theorem, when it was asked; None when it was not
    """
    name = theorem_for(subject, weights)
    if name is None:
        return None
    details: dict[str, object] = {"set": weights.name, "theorem": name}
    if passed is None:
        reason = f"theorem {name}: not asked: --prove"
        if recorded():
            reason, details["earlier"] = f"{reason}; {EARLIER}", True
        return subject.claim(
            text, PROVED, Verdict.NOT_RUN, STRENGTH, reason, asked=False, dimension=weights.dimension, details=details
        )
    if find_prover() is None:
        verdict, reason = Verdict.NOT_RUN, f"no Rocq prover on this machine: {INSTALL}"
    elif name in passed:
        verdict, reason = passed[name].verdict, f"theorem {name}: {passed[name].reason}"
    else:
        verdict, reason = Verdict.UNDECIDED, f"theorem {name}: the gate said nothing of it"
    return subject.claim(text, PROVED, verdict, STRENGTH, reason, dimension=weights.dimension, details=details)


@cache
def recorded() -> bool:
    """Whether the record says that these theorems passed here, with all that they rest on as it is now."""
    if not any(proof_record.knows(name) for name in (RECORD, GENERAL)):
        return False
    prover = find_prover()
    return prover is not None and (
        proof_record.holds(RECORD, invariance_audits(), prover) or proof_record.holds(GENERAL, general_audits(), prover)
    )


def prove_now(progress: Progress, algorithms: Sequence[Algorithm] = ()) -> dict[str, Claim]:
    """Compile the theory and audit the theorems about invariance: what the gate says of each, by its name.

    algorithms : those of the user's own, whose prompts have theorems of their own
    """
    prover = find_prover()
    if prover is None:
        return {}
    named = {RECORD: invariance_audits()}
    for algorithm in algorithms:
        if not any(algorithm is known for known in catalogue().values()):
            own = [invariance_for(algorithm, chosen) for chosen in choices(algorithm)]
            named[f"{algorithm.name}, {RECORD}"] = [a for a in own if a is not None]
    claims = prove_all(named, prover, progress=progress)
    return {c.details["theorem"]: c for c in claims}
