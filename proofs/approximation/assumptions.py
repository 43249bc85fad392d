"""What theorems of stochastic approximation assume, in the order of the talk.

The conditions of the ODE method with Markovian noise (Liu, Chen, Zhang, arXiv 2401.07844) are restated by content, from
version 3 of April 2024, which the talk shows: a unique stationary law, step sizes, h_c -> h_infinity, Lipschitz h, the
ODE at infinity globally asymptotically stable, a law of large numbers. The journal version (JMLR 26(24), 2025; arXiv
v7) has other conditions on steps and noise: a law of the iterated logarithm in place of a Lyapunov drift. A reader
compares with the section of assumptions of the version at hand. Its conclusion is stability: sup |v_k| < infinity
almost surely.
"""

from __future__ import annotations

from dataclasses import dataclass

THEOREM = "Liu, Chen, Zhang, arXiv 2401.07844v3 (its conditions changed in later versions)"
TALK, ODE, RESULT, FACT = "talk", "ode", "conclusion", "fact"


@dataclass(frozen=True)
class Assumption:
    """One column: its key, a short word for tables, what it says, and who asks for it (talk, ode, conclusion, fact)."""

    key: str
    short: str
    says: str
    group: str


ASSUMPTIONS = {
    a.key: a
    for a in (
        Assumption("form", "form", "the rule is v + alpha_k h(v, Y) with Y a Markov chain", FACT),
        Assumption("traced", "plain runs", "h run on plain numbers gives what its symbols gave", FACT),
        Assumption("mean-field", "field", "the mean field is the one of the literature's matrices", FACT),
        Assumption("irreducible", "irreducible", "every state of the chain reaches every other", FACT),
        Assumption("aperiodic", "aperiodic", "the chain mixes geometrically: one closed class, of period 1", FACT),
        Assumption("iid", "i.i.d.", "the noise Y_k is independent and identically distributed", TALK),
        Assumption("bounded", "bounded", "the iterates are bounded, as an assumption", TALK),
        Assumption("poisson", "Poisson", "Poisson's equation nu - P nu = h - E h has a solution", TALK),
        Assumption("negative-definite", "neg. def.", "h is affine with a negative definite matrix", TALK),
        Assumption("hurwitz", "Hurwitz", "h is affine with a Hurwitz matrix", TALK),
        Assumption("stationary", "law", "the chain has a unique stationary law", ODE),
        Assumption("lln", "LLN", "averages along the chain converge to stationary averages", ODE),
        Assumption("steps", "steps", "the step sizes shrink as the theorem asks", ODE),
        Assumption("lipschitz", "Lipschitz", "h(v, y) is Lipschitz in v, with a constant of finite mean", ODE),
        Assumption("scaling", "h_c", "h_c(v) = h(c v)/c converges to h_infinity(v) as c grows", ODE),
        Assumption("ode-at-infinity", "ODE at inf.", "v' = h_infinity(v) is globally asymptotically stable", ODE),
        Assumption("stability", "stable", "the theorem applies: the iterates are bounded almost surely", RESULT),
        Assumption("mean-ode", "mean ODE", "v' = h(v) has one equilibrium, which attracts everything", RESULT),
        Assumption("convergence", "converges", "the iterates converge almost surely to that equilibrium", RESULT),
        Assumption("ratio", "step ratio", "the matrix is Hurwitz for every ratio eta > 0 of the two steps", FACT),
        Assumption("formal", "Lean", "a machine-checked convergence theorem has these hypotheses", FACT),
    )
}
NEEDED = ("stationary", "lln", "steps", "lipschitz", "scaling", "ode-at-infinity")
"""What the theorem's conclusion rests on."""
EXACT, CITED, ASSUMED, CONCLUDED, NONE = "exact", "cited", "assumed", "concluded", "not asked"
"""How an answer is established."""
