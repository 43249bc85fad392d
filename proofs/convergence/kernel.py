"""One certificate as numbers for the kernel: what is claimed about every layer, and a proof that is a computation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import fmpq_mat

from ...symbolic.convergence.krylov import minimal_polynomial, observe, restrict
from ...symbolic.convergence.lyapunov import Envelope
from ...symbolic.convergence.rationals import fraction, fractions, rational
from ...symbolic.errors import ArgumentError
from ..theory.audit import Audit
from ..theory.numbers import MATRICES
from ..theory.theorem import Theorem
from .answer import Answer

MOST_COORDINATES = 8
"""The most coordinates of a certificate that the kernel is given."""
NAME = "certificate_of_convergence"
REQUIRES = ("convergence", "convergence_numbers", "numbers")
"""The files of the theory that the audit of a certificate rests on."""
STATEMENTS = (
    """\
(* A certificate of convergence as numbers: w <- T w + c from w0, read by q, with the limit star. *)
From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProofStatements Require Import convergence.
Import GRing.Theory Num.Theory.
Local Open Scope ring_scope.

"""
    + MATRICES
    + """\

Local Open Scope Q_scope.
NUMBERS
Local Close Scope Q_scope.

(* the prediction is within b r^l of its limit at every layer l *)
Definition NAME : Prop :=
  forall (R : realFieldType) (l : nat),
  `|(matrix_of R 1 SIZE q *m iterate (matrix_of R SIZE SIZE T) (matrix_of R SIZE 1 c) l (matrix_of R SIZE 1 w0)) 0 0
    - (matrix_of R 1 SIZE q *m matrix_of R SIZE 1 star) 0 0| <= number R b * number R r ^+ l.
"""
)
PROOFS = """\
From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect ssralg ssrnum zmodp matrix.
From LayerProofStatements Require convergence NAME.
From LayerProof Require numbers convergence convergence_numbers.
Module Import Said := LayerProofStatements.NAME.
Local Open Scope Q_scope.
NUMBERS
Local Close Scope Q_scope.

(* The words of the statements are the theory's; said of the words, so that no large number is unfolded. *)
Lemma same_number : Said.number = LayerProof.numbers.number.
Proof. exact: erefl. Qed.
Lemma same_matrix : Said.matrix_of = LayerProof.numbers.rows_mx.
Proof. exact: erefl. Qed.
Lemma same_iterate : @LayerProofStatements.convergence.iterate = @LayerProof.convergence.iterate.
Proof. exact: erefl. Qed.

Theorem NAME : Said.NAME.
Proof.
have ok : LayerProof.convergence_numbers.certified SIZE KRYLOV SEEN T c w0 star q
  B S F G X z h u L D L' D' r b = true by vm_compute; reflexivity.
move=> R l; rewrite same_matrix same_number same_iterate.
exact: (@LayerProof.convergence_numbers.certified_bound R SIZE KRYLOV SEEN T c w0 star q
  B S F G X z h u L D L' D' r b ok l).
Qed.
"""


def certificate_audit(answer: Answer) -> Audit:
    """The audit of an answer's certificate; `ArgumentError` where there is none that the kernel is given."""
    fate, rate, run = answer.fate, answer.rate, answer.run
    if fate is None or rate is None or run is None or fate.limit is None:
        raise ArgumentError("there is no certified limit of the weights, so there are no numbers for the kernel")
    it = run.iteration
    if it.period > 1 or run.doubling or not answer.setup.period:
        raise ArgumentError("the kernel is given certificates of one affine layer that is repeated, and of no other")
    m = minimal_polynomial(it.T, it.residual)
    seen_size = rate.errors.F.nrows()
    if not 0 < it.size <= MOST_COORDINATES or not seen_size:
        raise ArgumentError(f"the kernel is given certificates of 1 to {MOST_COORDINATES} weights, not {it.size}")
    krylov = restrict(it.T, it.residual, it.start - fate.limit, [it.read], m.degree())
    reduced = observe(krylov)
    assert krylov.basis is not None
    S = onto(krylov.read[0], krylov.F, seen_size)
    if reduced.F != rate.errors.F or S * krylov.F != reduced.F * S:
        raise AssertionError("the certificate's coordinates are not those of the iteration")
    h, X, G = reduced.read[0], rate.envelope.X, reduced.F
    L, D = squares(X)
    rest = X * rational(rate.envelope.r**2) - G.transpose() * X * G
    L2, D2 = squares(rest)
    stated = {
        "T": it.T, "c": it.c, "w0": it.start, "star": fate.limit, "q": it.read,
        "r": rate.envelope.r, "b": _bound(rate.envelope),
    }  # fmt: skip
    shown = {
        "B": krylov.basis, "S": S, "F": krylov.F, "G": G, "X": X, "z": krylov.z, "h": h, "u": X.solve(h.transpose()),
        "L": L, "D": D, "L'": L2, "D'": D2,
    }  # fmt: skip
    sizes = {"SIZE": it.size, "KRYLOV": m.degree(), "SEEN": seen_size, "NAME": NAME}
    text = f"on this prompt, d = {answer.setup.context.d}, the kernel computes: v_l(q) is within b r^l of its limit"
    theorem = Theorem(NAME, "convergence_numbers", text, "|v_l(q) - v*(q)| <= b r^l for every l",
                      answer.setup.subject.name)  # fmt: skip
    return Audit(
        NAME, REQUIRES, (theorem,), _filled(STATEMENTS, stated, sizes),
        _filled(PROOFS, shown, sizes), words=("convergence",),
    )  # fmt: skip


def onto(h: fmpq_mat, F: fmpq_mat, size: int) -> fmpq_mat:
    """The echelon form of h, h F, ..., whose rows span what h ever sees; the identity when it sees everything."""
    k = F.nrows()
    if size == k:
        return fmpq_mat(k, k, [int(i == j) for i in range(k) for j in range(k)])
    lines, v = [], h
    for _ in range(k):
        lines += v.entries()
        v = v * F
    reduced, _ = fmpq_mat(k, k, lines).rref()
    return fmpq_mat(size, k, [x for line in reduced.tolist()[:size] for x in line])


def squares(X: fmpq_mat) -> tuple[fmpq_mat, list[Fraction]]:
    """L, unit upper triangular, and D > 0 with X = L^T diag(D) L, for a positive definite X."""
    k = X.nrows()
    a = fractions(X)
    L = [[Fraction(int(i == j)) for j in range(k)] for i in range(k)]
    D = []
    for p in range(k):
        D.append(a[p][p])
        for j in range(p + 1, k):
            L[p][j] = a[p][j] / a[p][p]
        for i in range(p + 1, k):
            for j in range(p + 1, k):
                a[i][j] -= L[p][i] * L[p][j] * D[p]
    return fmpq_mat(k, k, [rational(x) for line in L for x in line]), D


def _bound(envelope: Envelope) -> Fraction:
    (constant,) = envelope.constants
    return constant


def _filled(text: str, numbers: dict[str, fmpq_mat | list[Fraction] | Fraction], sizes: dict[str, object]) -> str:
    defined = "\n".join(_definition(name, x) for name, x in numbers.items())
    for word, value in sizes.items():
        text = text.replace(word, str(value))
    return text.replace("NUMBERS", defined)


def _definition(name: str, x: fmpq_mat | list[Fraction] | Fraction) -> str:
    if isinstance(x, Fraction):
        return f"Definition {name} : Q := {_number(x)}."
    if isinstance(x, list):
        return f"Definition {name} : seq Q := {_list(x)}."
    rows = ";\n    ".join(_list([fraction(y) for y in line]) for line in x.tolist())
    return f"Definition {name} : rows :=\n  [:: {rows}]."


def _list(entries: Sequence[Fraction]) -> str:
    return f"[:: {'; '.join(map(_number, entries))}]"


def _number(x: Fraction) -> str:
    return str(x) if x.denominator == 1 and x >= 0 else f"{x.numerator} # {x.denominator}"
