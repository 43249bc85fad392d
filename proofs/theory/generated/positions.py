"""What is zero at no position, once parameters are numbers: it is plus or minus a positive number and the rest.

Position and length are 1 + j and 1 + j + k with j, k >= 0; a power b^(1+j) is at least zero and at most b where b <= 1,
and at least b where b >= 1.  In these the sum that is divided by has coefficients of one sign, or no proof is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from ....symbolic.derivation.coefficients import INDEX, LENGTH, Power, Sum, is_number, value_of
from .scalars import Spelling
from .terms import rational

Polynomial = dict[tuple[str, ...], Fraction]
"""{sorted texts of factors that are not negative: coefficient}."""
LATER = "(m - j.+1)%:R"
AT_LEAST_ZERO = """repeat first [exact: ler0n | apply: loop_masks.power_below | apply: loop_masks.power_above
    | apply: addr_ge0 | apply: mulr_ge0 | apply: exprn_ge0 | by rewrite ?(ler01, ler0n, ler1n) | by vm_compute]"""


def never_zero(base: str, values: Mapping[str, Fraction]) -> str | None:
    """A proof that the sum is zero at no `j : 'I_m`, at these values of its parameters; None without one.

    base   : the sum's name
    values : what stands for the parameters where the proof begins
    """
    if not isinstance(base, Sum):
        return None
    said = Spelling({x: f"({rational(v)[0]})" for x, v in values.items()})
    powers = {x for x in Sum.names(base) if isinstance(x, Power)}
    names = list(dict.fromkeys(name for _, exponents in base.terms for name, _ in exponents))
    known = [_ways(x, values, said) for x in names]
    for chosen in product(*known):
        total: Polynomial = {}
        for c, exponents in base.terms:
            term: Polynomial = {(): c}
            for name, exponent in exponents:
                for _ in range(exponent):
                    term = _times(term, chosen[names.index(name)])
            total = _plus(total, term)
        total = {at: c for at, c in total.items() if c}
        first = total.get((), Fraction(0))
        if first and all((c > 0) == (first > 0) for c in total.values()):
            proof = _proof(total, first > 0, sorted(said.word(x) for x in powers))
            if LENGTH not in Sum.names(base):
                return proof
            equal = f"m%:R = 1 + j%:R + {LATER} :> rat"
            return f"rewrite (_ : {equal}); [{proof} | by rewrite -mulrS -natrD subnKC]"
    return None


def _ways(name: str, values: Mapping[str, Fraction], said: Spelling) -> tuple[Polynomial, ...]:
    """A name as sums of what is not negative: one for each way in which it is known."""
    one, at = Fraction(1), "j%:R"
    if name == INDEX:
        return ({(): one, (at,): one},)
    if name == LENGTH:
        return ({(): one, (at,): one, (LATER,): one},)
    if not isinstance(name, Power):
        return ({(): values[name]},)
    if name.variable != INDEX or {INDEX, LENGTH} & set(Sum.names(name.base)):
        return ()
    b = Fraction(int(name.base)) if is_number(name.base) else value_of(name.base, values, Fraction)
    power = said.word(name)
    size = f"({rational(b)[0]})" if is_number(name.base) else said.word(name.base)
    if b >= 1:
        return ({(): b, (f"({power} - {size})",): one},)
    return ({(power,): one}, {(): b, (f"({size} - {power})",): -one}) if b > 0 else ()


def _times(x: Polynomial, y: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for (s, a), (t, b) in product(x.items(), y.items()):
        at = tuple(sorted((*s, *t)))
        result[at] = result.get(at, Fraction(0)) + a * b
    return result


def _plus(x: Polynomial, y: Polynomial) -> Polynomial:
    return {at: x.get(at, Fraction(0)) + y.get(at, Fraction(0)) for at in {**x, **y}}


def _proof(total: Polynomial, positive: bool, powers: list[str]) -> str:
    def size(c: Fraction) -> str:
        return f"({rational(abs(c))[0]})"

    rest = " + ".join(" * ".join([size(c), *at]) for at, c in total.items() if at) or "0"
    lemma = "above_zero" if positive else "below_zero"
    named = "".join(f"move: {power} => ?; " for power in powers)
    above = "by first [rewrite ?(ltr01, ltr0n) | vm_compute]"
    return (
        f"apply: (@loop_masks.{lemma} _ _ {size(total[()])} ({rest}));\n"
        f"  [{named}first [by ring | by field | by field; rewrite ?pnatr_eq0] | {above} | {AT_LEAST_ZERO}]"
    )
