"""What must not be zero where a loop or its weights divide: hypotheses of the claim, and lemmas that follow from them.

Every divisor that is printed, and every sum that the weights divide by, is a product of powers of parameters and of
sums that do not factor.  A sum of positions and lengths with positive coefficients is never zero, which is proved; each
other factor is a hypothesis, and numbers at which all of them hold are exhibited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from ....symbolic.derivation.coefficients import INDEX, LAYER, LENGTH, Entry, Power, Sum, is_number, value_of
from ....symbolic.derivation.contraction import Algebra
from ....symbolic.derivation.scalar import Scalar
from ....symbolic.errors import NotRepresentableError
from .positions import never_zero
from .scalars import Spelling
from .terms import Term, rational, show

SMALL = tuple(map(Fraction, (*range(1, 8), "1/2", "1/3", -1)))
"""The numbers among which values for the hypotheses are looked for."""
UP_TO = 12
"""Up to which position a value is tried before the prover is asked about all of them."""


@dataclass(frozen=True)
class Factor:
    """One factor that is divided by.

    text    : in Rocq, in terms of the token j and the layer l
    given   : whether it may be zero, so that the claim assumes that it is not
    layered : whether it has a step of each layer's own in it, or the layer
    why     : where it is assumed of nothing, the proof that it is no zero
    """

    base: str
    text: str
    positional: bool
    given: bool
    layered: bool
    why: str

    @property
    def everywhere(self) -> bool:
        """Whether it is another number at each position, or in each layer."""
        return self.positional or LAYER in Sum.names(self.base)

    def possible(self, values: Mapping[str, Fraction]) -> str | None:
        """The proof that it is zero at no position, and in no layer, at these values, or None."""
        moved = f"move=> {'m l j' if self.positional else 'l'}; cbv beta" if self.layered else "move=> m j"
        if _tables(self.base):  # at what the record selects, which is one or zero
            return f"{moved}; repeat (case: ifP => _); {SELECTED}" if all(v > 0 for v in values.values()) else None
        if _positive(self.base) and all(v > 0 and v.denominator == 1 for v in values.values()):
            return f"{moved}; {POSITIVE}"
        proof = never_zero(self.base, {x: values[x] for x in _parameters(self.base)})
        return proof and f"{moved}; {proof}"

    @property
    def hypothesis(self) -> str:
        """What the claim assumes of it."""
        if self.layered:
            binders = "(l : nat) (j : 'I_n)" if self.positional else "l : nat"
            return f"(forall {binders}, {self.text} != 0)"
        return f"(forall j : 'I_n, {self.text} != 0)" if self.positional else f"{self.text} != 0"


@dataclass(frozen=True)
class NonZero:
    """All of an algorithm's.

    hypotheses : name -> text, those about sums and steps; those about single parameters are the file's own
    possible   : name -> the proof that a hypothesis about all positions holds at `values`
    values     : numbers for parameters and steps, at which all hypotheses hold
    alone      : the parameters and steps that have to be other than zero themselves
    sums       : the sums
    lemmas     : (name, lemma with its proof), in order
    length     : whether the length of the context is among what is divided by
    """

    hypotheses: dict[str, str]
    possible: dict[str, str]
    values: dict[str, Fraction]
    alone: tuple[str, ...]
    sums: tuple[str, ...]
    lemmas: tuple[tuple[str, str], ...]
    length: bool

    def holds(self, values: Mapping[str, Any], n: int) -> bool:
        """Whether nothing is divided by zero at these values of parameters, steps and selections, with n columns."""
        first: dict[str, Any] = {**values, LAYER: Fraction(1)}
        known = [{**first, INDEX: Fraction(j), LENGTH: Fraction(n)} for j in range(1, n + 1)]
        return all(value_of(x, at, Fraction) for at in known for x in (*self.sums, *self.alone))

    def lines(self, known: Iterable[str], asked: bool = False) -> list[str]:
        """The lemmas, each with a tactic for what is known before it.

        known : names of hypotheses
        asked : whether the tactic is wanted where there is no lemma and no hypothesis
        """
        if not self.hypotheses and not self.lemmas and not asked:
            return []
        names = [*known]
        lines: list[str] = []
        for name, text in (*self.lemmas, ("", "")):
            ways = "".join(f" | exact: {x}" for x in names)
            lines.append(f"Ltac close_nonzero {'::' if lines else ':'}= {CLOSE_NONZERO.format(ways=ways)}")
            lines.append(text)
            names.append(name)
        return lines[:-1]


CLOSE_NONZERO = """first [done{ways} |
  do ?rewrite -mulrS; rewrite ?pnatr_eq0 -?lt0n; repeat (apply/andP; split); try done;
  repeat first [apply: mulf_neq0 | apply: expf_neq0 | apply: invr_neq0];
  first [done | by rewrite ?oppr_eq0 ?oner_eq0 ?pnatr_eq0{ways}]]."""


def divisors(terms: Iterable[Term]) -> list[Term]:
    """The sums and products among these terms that something is divided by, and the factors of these."""
    by_text: dict[str, Term] = {}

    def add(x: Term) -> None:
        if any(isinstance(a, Term) for a in x.args):
            by_text.setdefault(show(x), x)
        for a in x.args if x.op == "*" else x.args[:1] if x.op in ("^", "neg", "^position", "^length") else ():
            add(a)

    for term in terms:
        for x in term.parts():
            if x.op in ("inverse", "/"):
                add(x.args[-1])
    return list(by_text.values())


class Factors:
    """Printed terms as scalars of the algebra, and the factors of them. known : id of a named term -> its scalar."""

    def __init__(self, algebra: Algebra, known: Mapping[int, Scalar], spelling: Spelling):
        self._algebra, self._known, self._spelling = algebra, known, spelling

    def of(self, term: Term) -> list[tuple[Any, int]]:
        """A term as a product: a rational and names, with exponents."""
        factors: list[tuple[Any, int]] = self._scalar(term).factors()
        return factors

    def _scalar(self, term: Term) -> Any:
        if id(term) in self._known:
            return self._known[id(term)]
        if term.op == "literal":
            return self._algebra.number(term.args[0])
        made: dict[str, Callable[..., Any]] = {
            "+": lambda x, y: x + y, "-": lambda x, y: x - y, "*": lambda x, y: x * y, "/": lambda x, y: x / y,
            "neg": lambda x: -x, "inverse": lambda x: x.inverse(),
        }  # fmt: skip
        if term.op in ("^position", "^length"):
            return self._scalar(term.args[0]) ** self._algebra.parameter(INDEX if term.op == "^position" else LENGTH)
        if term.op == "^":
            return self._scalar(term.args[0]) ** term.args[1]
        if term.op in made:
            return made[term.op](*(self._scalar(x) for x in term.args))
        raise NotRepresentableError(f"the update divides by {show(term)}, which has no theorem here")

    def text(self, factors: list[tuple[Any, int]]) -> str:
        """The product in Rocq."""
        parts = []
        for name, exponent in factors:
            word = rational(name)[0] if isinstance(name, Fraction) else self._spelling.word(name)
            word = f"({word})" if " " in word and not word.startswith("(") else word
            parts.append(
                word if exponent == 1 else f"{word} ^+ {exponent}" if exponent > 0 else f"{word}^-1 ^+ {-exponent}"
            )
        return " * ".join(f"({p})" if " " in p and not p.startswith("(") else p for p in parts) or "1"


def factor(base: str, spelling: Spelling, steps: Collection[str] = ()) -> Factor:
    """One factor. steps : names of numbers that each layer has its own of.

    Raises `NotRepresentableError` for one whose hypothesis could not be shown to be possible.
    """
    inside, positive, parameters = set(Sum.names(base)), _positive(base), _parameters(base)
    tables = _tables(base)
    if tables and not positive and _open(base):
        raise NotRepresentableError(
            f"the weights divide by {_in_words(base)}, which may be zero where {tables.pop()} is 0 or 1"
        )
    positional = INDEX in inside
    if positional and not (parameters or positive or tables):
        raise NotRepresentableError(f"the weights divide by {_in_words(base)}, which may be zero at some position j")
    why = POSITIVE if positive else never_zero(base, {}) if inside & {LAYER} and not parameters else None
    if LAYER in inside and not positive and why is None:
        raise NotRepresentableError(f"the weights divide by {_in_words(base)}, which may be zero in some layer")
    layered = LAYER in inside or bool(tables) or not parameters.isdisjoint(steps)
    given = bool(tables or parameters) or why is None
    return Factor(base, spelling.word(base)[1:-1], positional, given, layered, why or "")


def _in_words(base: str) -> str:
    text = str(base).replace(INDEX, "j")
    return text[1:-1] if isinstance(base, Sum) else text


def _positive(name: str) -> bool:
    """Whether it is positive wherever all parameters are."""
    if isinstance(name, Sum):
        return all(c > 0 and all(_positive(x) for x, _ in exponents) for c, exponents in name.terms)
    if isinstance(name, Power):
        return _positive(name.base)
    return name != "-1"


def _parameters(base: str) -> set[str]:
    return {
        x for x in Sum.names(base)
        if not isinstance(x, (Power, Sum, Entry)) and x not in (INDEX, LENGTH, LAYER) and not is_number(x)
    } - _tables(base)  # fmt: skip


def _tables(base: str) -> set[str]:
    """The selections that it reads."""
    return {x.table for x in Sum.names(base) if isinstance(x, Entry)}


def _open(name: str) -> bool:
    """Whether position, length or layer stand in it themselves, and not to say of which token a number is."""
    if isinstance(name, Sum):
        return any(_open(x) for _, exponents in name.terms for x, _ in exponents)
    return isinstance(name, Power) or name in (INDEX, LENGTH, LAYER)


def values_for(factors: Iterable[Factor], alone: Iterable[str]) -> dict[str, Fraction]:
    """Numbers at which no factor and no parameter of `alone` is zero, which is proved of those of every position.

    Raises `NotRepresentableError` where none are found.
    """
    factors = list(factors)
    names = sorted({x for f in factors for x in _parameters(f.base)} | set(alone))
    for choice in product(SMALL, repeat=len(names)):
        values = dict(zip(names, choice, strict=True))
        at = {**values, LAYER: Fraction(1)}
        tried: Iterable[dict[str, Any]] = (
            {**at, **read, INDEX: Fraction(j), LENGTH: Fraction(n)}
            for read in _selected(factors) for n in range(1, UP_TO) for j in range(1, n + 1)
        )  # fmt: skip
        if not all(value_of(f.base, known, Fraction) for known in tried for f in factors):
            continue
        if all(f.possible(values) for f in factors if f.everywhere and f.given):
            return values
    conditions = " and ".join(f"{_in_words(f.base)} is not zero" for f in factors)
    raise NotRepresentableError(
        f"no small numbers were found at which {conditions}{' at any position j' * any(f.positional for f in factors)}"
    )


def _selected(factors: Iterable[Factor]) -> list[dict[str, Callable[[int], Fraction]]]:
    """Every choice of one or zero for what is selected."""
    names = sorted({x for f in factors for x in _tables(f.base)})
    each = product((_no_token, _every_token), repeat=len(names))
    return [dict(zip(names, choice, strict=True)) for choice in each]


def _no_token(token: int) -> Fraction:
    return Fraction(0)


def _every_token(token: int) -> Fraction:
    return Fraction(1)


def nonzero(
    terms: Iterable[Term], scalars: Iterable[Scalar], made: Factors, spelling: Spelling,
    steps: Collection[str] = (), divided: Collection[str] = (),
) -> NonZero:  # fmt: skip
    """What is divided by in printed terms, and in the scalars of the weights and of the loop's closed form.

    steps   : names of numbers that each layer has its own of
    divided : the steps that are divided by themselves
    Raises `NotRepresentableError` for a divisor that has no hypothesis here.
    """
    printed = {show(x): made.of(x) for x in divisors(terms)}
    names = [*divided, *(name for product_ in printed.values() for name, _ in product_ if isinstance(name, str))]
    names += sorted(name for s in scalars for kind, name in s.generators() if kind == "inverse")
    bases = dict.fromkeys(x.base if isinstance(x, Power) else x for x in names)
    sums = [factor(x, spelling, steps) for x in bases if isinstance(x, (Sum, Entry)) or x in steps]
    alone = {
        x for x in bases if not isinstance(x, (Sum, Entry)) and x not in (INDEX, LENGTH, LAYER) and not is_number(x)
    }
    length = any(LENGTH in Sum.names(x) for x in bases)
    values = values_for(sums, alone) if any(f.given for f in sums) else dict.fromkeys(sorted(alone), Fraction(1))
    hypotheses = {f"nonzero{k}'": f.hypothesis for k, f in enumerate(sums) if f.given}
    shown = {f"nonzero{k}'": f.possible(values) for k, f in enumerate(sums) if f.given and f.everywhere}
    possible = {name: proof for name, proof in shown.items() if proof is not None}
    lemmas = [_lemma(k, f.text, f"{f.why}. Qed.") for k, f in enumerate(sums) if not f.given]
    for k, (text, factors) in enumerate(printed.items(), len(sums)):
        if text not in [f.text for f in sums]:
            proof = f"try (rewrite (_ : {text} = {made.text(factors)} :> F); last by ring).\nclose_nonzero. Qed."
            lemmas.append(_lemma(k, text, proof))
    return NonZero(hypotheses, possible, values, tuple(alone), tuple(f.base for f in sums), tuple(lemmas), length)


POSITIVE = """apply: lt0r_neq0; do ?first [by rewrite ltr01 | by rewrite ltr0n
  | apply: addr_gt0 | apply: mulr_gt0 | apply: exprn_gt0]"""
"""Sums of products of what is positive: what is positive at once goes first, for j + 1 is a sum too."""
SELECTED = f"""rewrite ?(mulr0, mulr1, mul0r, mul1r, addr0, add0r, subr0);
  first [by {POSITIVE} | by vm_compute]"""
"""The same where what is selected is one or zero; else all is a number."""


def _lemma(k: int, text: str, proof: str) -> tuple[str, str]:
    binders = {"l": " (l : nat)", "j": " (j : 'I_n)"}
    binder = "".join(b for x, b in binders.items() if re.search(rf"(?<![\w']){x}(?![\w'])", text))
    return f"nonzero{k}'", f"Lemma nonzero{k}'{binder} : {text} != 0 :> F.\nProof. {proof}"
