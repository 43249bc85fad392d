"""The theorems about the catalogue's algorithms: stated in their papers' words, and how the theory proves them."""

from __future__ import annotations

import re
from fractions import Fraction

from ...numeric.data.draws import preconditioners, starting_weights
from ...numeric.data.prompts import generic_context
from ...symbolic.algorithm import Algorithm
from ...symbolic.algorithms import catalogue
from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.construction import construct
from ...symbolic.derivation.derive import Derivation, derive
from ...symbolic.errors import LayerproofError
from ...symbolic.identity.exact import problem
from .audit import Audit
from .gate import THEORY, files_of
from .generated.write import audits_of
from .heads import decay_text, heads_text, sizes
from .numbers import instance_texts
from .textbook import TEXTBOOKS
from .theorem import Theorem

STATEMENTS = """\
(* {title}, as its paper writes it, with the heads that were derived. *)
From mathcomp Require Import all_ssreflect all_algebra.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Attention.
Variables (R : comRingType) (m N H : nat) (a : R).
Definition attn (P : 'M[R]_m) (M : 'M[R]_N) (Q : 'M[R]_m) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  P *m Z *m M *m (Z^T *m Q *m Z).
Definition layer (W P Q : 'I_H -> 'M[R]_m) (M : 'I_H -> 'M[R]_N) (Z : 'M[R]_(m, N)) : 'M[R]_(m, N) :=
  Z + a *: (\\mxrow_h W h *m \\mxcol_h attn (P h) (M h) (Q h) Z).
Fixpoint transformer (W P Q : nat -> 'I_H -> 'M[R]_m) (M : nat -> 'I_H -> 'M[R]_N) (L : nat) (Z : 'M[R]_(m, N)) :=
  if L is l.+1 then layer (W l) (P l) (Q l) (M l) (transformer W P Q M l Z) else Z.
End Attention.

Section Textbook.
{variables}
{definitions}{here}
End Textbook.

{closed}
"""
PROOFS = """\
From mathcomp Require Import all_ssreflect all_algebra.
From LayerProofStatements Require {name}.
From LayerProof Require attention {module}.

(* The theory's transformer is the one of the statements, whatever its weights, also where this algorithm sees none. *)
Lemma same_transformer : @LayerProof.attention.transformer = @LayerProofStatements.{name}.transformer.
Proof. exact: erefl. Qed.

{theorems}
"""
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
    """The audit files of one algorithm: of the catalogue two for each choice of options, of the user's one generated.

    None when there is nothing that could be proved; `unproved` says why.
    """
    if not has_theory(algorithm):
        return _generated(algorithm)[0]
    result = []
    choices = [{name: v} for name, values in algorithm.options.items() for v in values] or [{}]
    for options in choices:
        derivation = derive(algorithm, options)
        suffix = "".join(f"_{v.replace('-', '_')}" for v in options.values())
        result.append(_textbook(derivation, suffix))
        result.append(_numbers(derivation, f"numbers_{module_of(algorithm.name)}{suffix}"))
    return result


def unproved(algorithm: Algorithm) -> str:
    """Why there is no theorem about an algorithm; empty when there is one."""
    return "" if has_theory(algorithm) else _generated(algorithm)[1]


_made: dict[int, tuple[Algorithm, list[Audit], str]] = {}


def _generated(algorithm: Algorithm) -> tuple[list[Audit], str]:
    known = _made.get(id(algorithm))
    if known is None or known[0] is not algorithm:
        found: list[Audit] = []
        reason = ""
        if algorithm.heads is not None:
            reason = "its heads are given, not derived, and only derived ones are written as a theorem"
        else:
            try:
                found = audits_of(algorithm, files_of(THEORY))
            except LayerproofError as error:
                reason = " ".join(str(error).split())
        known = _made[id(algorithm)] = (algorithm, found, reason)
    return known[1], known[2]


def _textbook(derivation: Derivation, suffix: str) -> Audit:
    """The algorithm as its paper writes it, with the derived heads, and what the theory proves of it."""
    algorithm = derivation.algorithm
    book, module, decay = TEXTBOOKS[algorithm.name], module_of(algorithm.name), decay_text(derivation)
    p, _ = sizes(derivation)
    s, run = book.state, f"transformer n%:R^-1 W P Q M L (prompt {book.state})"
    sign = "- " if derivation.readout.sign < 0 else ""
    parts = [
        ("state", "L layers leave the prompt of w_0 as the prompt of w_L: every row and column",
         f"forall L {s}, {run} = prompt (iterate L {s})"),
        ("prediction", f"the query's prediction, {sign or '+'}the read-out entry, is w_L.q",
         f"forall L {s}, {sign}{run} (rshift ({p}) {book.read}) (rshift n 0) = ({book.weights} *m q) 0 0"),
        ("features", "feature rows never change", f"forall L {s}, usubmx ({run}) = X"),
        *(
            (name, sentence, f"forall L {s} j, {run} (rshift ({p}) {index}) (lshift 1 j) = {value}")
            for name, sentence, index, value in book.entries
        ),
        ("prompt0", "at zero starting weights the prompt is the paper's Z_0", "prompt {} = {}".format(*book.zero)),
    ]  # fmt: skip
    theorems = tuple(Theorem(f"{module}_{n}{suffix}", module, said, text, algorithm.name) for n, said, text in parts)
    variables = [name for names in re.findall(r"[(\s]([^():]+) :", book.variables) for name in names.split()
                 if name not in ("Variable", "Variables")]  # fmt: skip
    bound = " ".join(variables)
    name = f"{module}{suffix}"

    def taken(part: str) -> str:
        """The theory's arguments; the prompt at zero weights is about no preconditioner and no trace."""
        if part != "prompt0":
            return book.arguments.format(decay=decay)
        return " ".join(x for x in book.arguments.split() if x not in ("{decay}", "C", "D", "c"))

    statements = STATEMENTS.format(
        title=algorithm.title,
        variables=book.variables.strip(),
        definitions=book.definitions.replace("{decay}", decay) + heads_text(derivation),
        here="\n".join(f'#[using="All"] Definition {t.name}_here : Prop :=\n  {t.statement}.' for t in theorems),
        closed="\n".join(
            f"Definition {t.name} : Prop :=\n  forall {bound}, @{t.name}_here {bound}." for t in theorems
        ),
    )  # fmt: skip
    proofs = PROOFS.format(
        name=name,
        module=module,
        theorems="\n".join(
            f"Theorem {t.name} : LayerProofStatements.{name}.{t.name}.\n"
            f"Proof. move=> {bound}; exact (@LayerProof.{module}.{module}_{part} {taken(part)}). Qed."
            for t, (part, _, _) in zip(theorems, parts, strict=True)
        ),
    )
    return Audit(name, ("attention", module), theorems, statements, proofs)


def _numbers(derivation: Derivation, name: str) -> Audit:
    """A small instance that the kernel computes: the derived weights on a prompt give the textbook loop's numbers."""
    algorithm, (d, n, depth) = derivation.algorithm, INSTANCE
    parameters = {k: v for k, v in VALUES.items() if k in algorithm.parameters}
    weights = construct(derivation, d, n, depth, preconditioners(algorithm, d, depth, 0), parameters)
    start = starting_weights(algorithm, d, 0)
    setup = problem(algorithm, RATIONALS, generic_context(d, n, 0), start, parameters, derivation.options)
    theorem = Theorem(
        name,
        "numbers",
        f"at d = {d}, n = {n} the kernel computes: derived weights give the textbook's numbers, layers 0 to {depth}",
        f"every row and column of Z, and the prediction, after each of {depth} layers on one rational prompt",
        algorithm.name,
    )
    return Audit(name, ("numbers",), (theorem,), *instance_texts(weights, setup, name), words=("attention",))


def for_algorithm(name: str) -> tuple[Theorem, ...]:
    """The theorems about one algorithm of the catalogue, both traces where it has two."""
    algorithm = catalogue().get(name)
    return tuple(t for audit in (audits(algorithm) if algorithm else []) for t in audit.theorems)
