"""The chain that drives a rule: irreducible, aperiodic, i.i.d., its stationary law, Poisson's equation, averages."""

from __future__ import annotations

from fractions import Fraction

from ...symbolic.markov import matrices
from ..verdict import Claim
from .study import Study, number, texts, vector


def irreducible(study: Study) -> Claim:
    """Whether every state reaches every other; else the classes."""
    chain = study.chain
    closed = chain.closed_classes
    if chain.irreducible:
        return study.holds("irreducible", True, f"all {chain.size} states reach each other")
    if len(closed) > 1:
        classes = " and ".join(f"{{{', '.join(map(str, c.states[:6]))}}}" for c in closed[:3])
        reason = f"{len(closed)} closed classes, {classes}: the chain ends in one of them"
    else:
        reason = (
            f"the states {', '.join(map(str, chain.transient[:8]))} are transient: a table's entries there stay still"
        )
    return study.holds(
        "irreducible", False, reason, transient=list(chain.transient), closed=[list(c.states) for c in closed]
    )


def aperiodic(study: Study) -> Claim:
    """The period of the closed class. Averages do not need it; finite-sample theory and mixing do."""
    closed = study.chain.closed_classes
    if len(closed) > 1:
        return study.holds("aperiodic", False, "more than one closed class: where it ends depends on where it starts")
    period = closed[0].period
    reason = "period 1" if period == 1 else f"period {period}: P^k does not converge, although averages do"
    return study.holds("aperiodic", period == 1, reason, period=period)


def stationary(study: Study) -> Claim:
    """The stationary law of the states; with traces that of (S, e) is their means' business."""
    if not study.unique:
        return study.holds(
            "stationary", False, f"{len(study.chain.closed_classes)} closed classes, a law for each mixture"
        )
    law = study.chain.law
    if study.traces is not None and not study.traces.shrinks():
        return study.holds("stationary", False, "what carries the trace on does not shrink: it has no stationary mean")
    more = (
        "" if study.traces is None else "; with it E[e | S] solves a linear system, since sum mu p |f| has radius < 1"
    )
    return study.holds("stationary", True, f"d = {vector(law)}{more}", law=texts(law))


def iid(study: Study) -> Claim:
    """Whether the next transition's law does not depend on this one: only when there is one state."""
    if study.process.states == 1 and study.traces is None:
        return study.holds("iid", True, "one state: each transition is drawn afresh")
    first = study.samples.transitions[0]
    other = next((t for t in study.samples.transitions if t.next_state != first.next_state), None)
    if other is None or study.traces is not None:
        reason = "Y_{k+1} carries the trace of Y_k on" if study.traces is not None else "Y_1 may start elsewhere"
        return study.holds("iid", False, reason)
    reason = (
        f"after ({first.state}, {first.next_state}) the next transition starts in {first.next_state}, "
        f"after ({other.state}, {other.next_state}) in {other.next_state}"
    )
    return study.holds("iid", False, reason)


def bounded(study: Study) -> Claim:
    """Classical theorems assume it; here it is what is concluded."""
    return study.assumed("bounded", "classical theorems assume it and give no way to check it; see `stability`")


def poisson(study: Study) -> Claim:
    """Poisson's equation, solved exactly on the chain of states; with traces on functions affine in the trace."""
    chain = study.chain
    if not study.unique:
        return study.holds("poisson", False, "E h depends on the closed class that the chain ends in")
    if study.traces is not None:
        if study.beyond_means:
            return study.open("poisson", study.beyond_means)
        if not study.traces.shrinks():
            return study.holds("poisson", False, "E h does not exist: the trace has no stationary mean")
        variance = (
            "" if study.traces.shrinks(2) else "; but E |e|^2 is infinite, beyond the classical theorems' moments"
        )
        return study.holds(
            "poisson",
            True,
            f"solved by a function affine in the trace: I - K and I - P + 1 d^T are invertible{variance}",
        )
    P, law, size = matrices.matrix(chain.transition), chain.law, chain.size
    Z = chain.fundamental
    right = matrices.identity(size) - matrices.matrix([law] * size)
    if (matrices.identity(size) - P) * Z != right:  # our own inverse, put into the equation
        return study.open("poisson", "the fundamental matrix does not satisfy its own equation")
    largest = max((abs(x) for x in matrices.entries(Z)), default=Fraction(0))
    return study.holds(
        "poisson", True,
        f"nu(v, y) = h(v, y) - h(v) + (Z g)(s'), g(s) = E[h | s] - h(v), Z = (I - P + 1 d^T)^-1, put in exactly; "
        f"largest |Z| {number(largest)}",
        fundamental=[texts(row) for row in matrices.rows(Z)] if size <= 10 else None,
    )  # fmt: skip


def lln(study: Study) -> Claim:
    """Averages along the chain: finite chains, traces that forget, traces that do not."""
    if not study.unique:
        return study.holds("lln", False, "averages tend to those of the closed class that the chain ends in")
    if study.traces is None:
        return study.holds("lln", True, "a finite chain with one closed class (its period does not matter)")
    if not study.traces.shrinks():
        return study.holds("lln", False, "the trace has no stationary mean that averages could tend to")
    cycle = study.traces.growing_cycle
    if cycle is None:
        return study.holds(
            "lln",
            True,
            "every cycle shrinks the trace, so up to any epsilon it is a function of finitely many last steps",
        )
    state, factor = cycle
    reason = f"the trace is not bounded (a cycle through state {state} multiplies it by {number(factor)})"
    variance = "finite" if study.traces.shrinks(2) else "infinite"
    source = study.rule.cited.get("lln", "Yu 2012, Least squares temporal difference methods, theorem 3.2")
    return study.cited("lln", f"{reason}, its variance is {variance}: cited from {source}", bounded=False)
