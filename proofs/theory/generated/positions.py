"""What is zero at no position, once parameters are numbers: it is plus or minus a positive number and the rest.

Position and length are 1 + j and 1 + j + k with j, k >= 0, the layer is 1 + l with l >= 0; a power b^(1+j) is at least
zero and at most b where b <= 1, and at least b where b >= 1.  In these the sum that is divided by has coefficients of
one sign, or no proof is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import NamedTuple

from ....symbolic.derivation.coefficients import INDEX, LAYER, LENGTH, Power, Sum, is_number, value_of
from .scalars import Spelling
from .terms import rational


class Factor(NamedTuple):
    """What is at least zero, and the tactic that shows it.

    Each step is named, for a lemma that is only tried, `0 <= k%:R` on `0 <= 1/2 - (1/2)^j`, unfolds the rationals.
    """

    text: str
    why: str


Polynomial = dict[tuple[Factor, ...], Fraction]
"""{sorted factors: coefficient}."""
AT = Factor("j%:R", "exact: ler0n")
BEFORE = Factor("l%:R", "exact: ler0n")
LATER = Factor("(m - j.+1)%:R", "exact: ler0n")
EQUAL = "first [by ring | by field | by field; rewrite ?pnatr_eq0]"


def never_zero(base: str, values: Mapping[str, Fraction]) -> str | None:
    """A proof that the sum is zero at no `j : 'I_m` and no `l : nat`, at these values of its parameters; or None.

    base   : the sum's name
    values : what stands for the parameters where the proof begins
    """
    if not isinstance(base, Sum):
        return None
    spelling = Spelling({x: f"({rational(v)[0]})" for x, v in values.items()})
    powers = {x for x in Sum.names(base) if isinstance(x, Power)}
    names = list(dict.fromkeys(name for _, exponents in base.terms for name, _ in exponents))
    known = [_ways(x, values, spelling) for x in names]
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
            proof = _proof(total, first > 0, sorted(spelling.word(x) for x in powers))
            if LENGTH not in Sum.names(base):
                return proof
            equal = f"m%:R = 1 + {AT.text} + {LATER.text} :> rat"
            return f"rewrite (_ : {equal}); [{proof} | by rewrite -mulrS -natrD subnKC]"
    return None


def _ways(name: str, values: Mapping[str, Fraction], spelling: Spelling) -> tuple[Polynomial, ...]:
    """A name as sums of what is not negative: one for each way in which it is known."""
    one = Fraction(1)
    if name == INDEX:
        return ({(): one, (AT,): one},)
    if name == LAYER:
        return ({(): one, (BEFORE,): one},)
    if name == LENGTH:
        return ({(): one, (AT,): one, (LATER,): one},)
    if not isinstance(name, Power):
        return ({(): values[name]},)
    if name.variable != INDEX or {INDEX, LENGTH} & set(Sum.names(name.base)):
        return ()
    b = Fraction(int(name.base)) if is_number(name.base) else value_of(name.base, values, Fraction)
    power = spelling.word(name)
    size = f"({rational(b)[0]})" if is_number(name.base) else spelling.word(name.base)
    if b <= 0:
        return ()
    positive, compared = _at_least_zero(b), _compared_with_one(b)
    if isinstance(name.base, Sum):
        known = f"rewrite (_ : {size} = {rational(b)[0]}); "
        positive, compared = (f"{known}[{x} | {EQUAL}]" for x in (positive, compared))
    if b >= 1:
        more = Factor(f"({power} - {size})", f"apply: loop_masks.power_above; {compared}")
        return ({(): b, (more,): one},)
    less = Factor(f"({size} - {power})", f"apply: loop_masks.power_below; [{positive} | {compared}]")
    return ({(Factor(power, f"apply: exprn_ge0; {positive}"),): one}, {(): b, (less,): -one})


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

    rest = [(abs(c), at) for at, c in total.items() if at]
    text, why = "0", "exact: Order.POrderTheory.lexx"
    for k, (c, at) in enumerate(rest):
        term, shown = size(c), _at_least_zero(c)
        for factor in at:
            term, shown = f"{term} * {factor.text}", f"apply: mulr_ge0; [{shown} | {factor.why}]"
        text, why = (f"{text} + {term}", f"apply: addr_ge0; [{why} | {shown}]") if k else (term, shown)
    lemma = "above_zero" if positive else "below_zero"
    named = "".join(f"move: {power} => ?; " for power in powers)
    return (
        f"apply: (@loop_masks.{lemma} _ _ {size(total[()])} ({text}));\n"
        f"  [{named}{EQUAL} | {_above_zero(abs(total[()]))} |\n   {why}]"
    )


def _at_least_zero(value: Fraction) -> str:
    first = "exact: ler01" if value.numerator == 1 else "exact: ler0n"
    return first if value.denominator == 1 else f"apply: divr_ge0; [{first} | exact: ler0n]"


def _above_zero(value: Fraction) -> str:
    first = "exact: ltr01" if value.numerator == 1 else "exact: ltr0Sn"
    return first if value.denominator == 1 else f"apply: divr_gt0; [{first} | exact: ltr0Sn]"


def _compared_with_one(value: Fraction) -> str:
    """That a positive literal is at least one, or at most one where it is less."""
    p, q = value.numerator, value.denominator
    if q == 1:
        return "exact: Order.POrderTheory.lexx" if p == 1 else "exact: loop_masks.one_at_most"
    least, most, lemma = (q, p, "quotient_above") if p > q else (p, q, "quotient_below")
    numbers = "loop_masks.one_at_most" if least == 1 else f"(@loop_masks.number_at_most _ {least} {most} isT)"
    return f"apply: loop_masks.{lemma}; [exact: ltr0Sn | exact: {numbers}]"
