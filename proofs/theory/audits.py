"""The catalogue of theorems: what is machine-checked, in words, in Rocq, and in which file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ...numeric.data.draws import preconditioners, starting_weights
from ...numeric.data.prompts import generic_context
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import Derivation, derive
from ...symbolic.identity.exact import problem
from .general_statements import GENERAL
from .heads import decay_text, heads_text, sizes
from .numbers import instance_text, theorem_name
from .textbook import TEXTBOOKS
from .theorem import Theorem


@dataclass(frozen=True)
class Audit:
    """One file to be compiled over the theory: definitions in its own words, and theorems restated with them.

    whole : the text of a file that proves its theorems itself (an instance in numbers); else it is made from the rest
    """

    name: str
    requires: tuple[str, ...]
    definitions: str
    theorems: tuple[Theorem, ...]
    whole: str = ""

    def text(self) -> str:
        """The audit file."""
        asked = [(t.name, t.proof if self.whole else f"audit_{t.name}") for t in self.theorems]
        questions = [f'Goal True. idtac "audited {name}". Abort.\nPrint Assumptions {term}.' for name, term in asked]
        if self.whole:
            return "\n".join([self.whole, *questions]) + "\n"
        lines = [
            "From mathcomp Require Import all_ssreflect all_algebra.",
            "From LayerProof Require Import attention.",
            *(f"From LayerProof Require {name}." for name in self.requires if name != "attention"),
            "Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.",
            "Import GRing.Theory Num.Theory. Local Open Scope ring_scope.",
            "Section Audit.",
            self.definitions,
        ]
        for t in self.theorems:
            lines.append(f"Theorem audit_{t.name} : {t.statement}.\nProof. exact: {t.proof}. Qed.")
        lines.append("End Audit.")
        return "\n".join([*lines, *questions]) + "\n"


INSTANCE = (2, 3, 2)
"""d, n and L of the instance whose numbers the kernel computes."""
VALUES = {"gamma": Fraction(9, 10), "lam": Fraction(1, 2)}


def module_of(algorithm: str) -> str:
    """The theory's file for an algorithm."""
    return algorithm.replace("-", "_")


def has_theory(algorithm: Algorithm) -> bool:
    """Whether the theory is about this very algorithm of the catalogue, and not one of the same name."""
    return algorithm.name in TEXTBOOKS and catalogue().get(algorithm.name) is algorithm


def audits(algorithm: Algorithm) -> list[Audit]:
    """The audit files of one algorithm, two for each choice of its options; none when it has no theory."""
    if not has_theory(algorithm):
        return []
    book = TEXTBOOKS[algorithm.name]
    result = []
    choices = [{name: v} for name, values in algorithm.options.items() for v in values] or [{}]
    for options in choices:
        derivation = derive(algorithm, options)
        decay = decay_text(derivation)
        module, suffix = module_of(algorithm.name), "".join(f"_{v.replace('-', '_')}" for v in options.values())
        arguments = book.arguments.format(decay=decay)
        p, _ = sizes(derivation)
        row, column = f"(rshift ({p}) {book.read})", "(rshift n 0)"
        s = book.state
        run = f"transformer n%:R^-1 W P Q M L (prompt {s})"
        sign = "- " if derivation.readout.sign < 0 else ""
        parts = [
            ("state", "L layers leave the prompt of w_0 as the prompt of w_L: every row and column",
             f"forall L {s}, {run} = prompt (iterate L {s})"),
            ("prediction", f"the query's prediction, {sign or '+'}the read-out entry, is w_L.q",
             f"forall L {s}, {sign}{run} {row} {column} = ({book.weights} *m q) 0 0"),
            ("features", "feature rows never change", f"forall L {s}, usubmx ({run}) = X"),
        ]  # fmt: skip
        for name, sentence, index, value in book.entries:
            parts.append((name, sentence, f"forall L {s} j, {run} (rshift ({p}) {index}) (lshift 1 j) = {value}"))
        theorems = tuple(
            Theorem(f"{module}_{name}{suffix}", module, sentence, statement,
                    f"(@{module}.{module}_{name} {arguments})", algorithm.name)
            for name, sentence, statement in parts
        )  # fmt: skip
        definitions = book.variables + book.definitions.replace("{decay}", decay) + heads_text(derivation)
        result.append(Audit(f"audit_{module}{suffix}", (module,), definitions, theorems))
        result.append(_numbers(derivation, f"{module}{suffix}"))
    return result


def _numbers(derivation: Derivation, name: str) -> Audit:
    """A small instance that the kernel computes: the derived weights on a prompt give the textbook loop's numbers."""
    algorithm, (d, n, depth) = derivation.algorithm, INSTANCE
    parameters = {k: v for k, v in VALUES.items() if k in algorithm.parameters}
    weights = construct(derivation, d, n, depth, preconditioners(algorithm, d, depth, 0), parameters)
    start = starting_weights(algorithm, d, 0)
    setup = problem(algorithm, RATIONALS, generic_context(d, n, 0), start, parameters, derivation.options)
    theorem = Theorem(
        f"numbers_{name}",
        "numbers",
        f"at d = {d}, n = {n} the kernel computes: derived weights give the textbook's numbers, layers 0 to {depth}",
        f"every row and column of Z, and the prediction, after each of {depth} layers on one rational prompt",
        theorem_name(weights),
        algorithm.name,
    )
    return Audit(f"audit_numbers_{name}", ("numbers",), "", (theorem,), instance_text(weights, setup))


def general_audits() -> list[Audit]:
    """The audit files of the general theorems, one for each file of the theory."""
    files = dict.fromkeys(t.file for t in GENERAL)
    return [Audit(f"audit_{file}", (file,), "", tuple(t for t in GENERAL if t.file == file)) for file in files]


def for_algorithm(name: str) -> tuple[Theorem, ...]:
    """The theorems about one algorithm of the catalogue, both traces where it has two."""
    algorithm = catalogue().get(name)
    return tuple(t for audit in (audits(algorithm) if algorithm else []) for t in audit.theorems)
