"""One instance as numbers for the kernel: the derived weights and the textbook's iterates, as a Rocq file.

The file's theorem says that the transformer of `attention.v`, with the derived weights on this prompt, has at every
layer the textbook's numbers in every row and column.  Its proof is a computation (`numbers.v`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from ...symbolic.arithmetics.rational import Rational
from ...symbolic.construction import Construction
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem, textbook

Rows = Sequence[Sequence[Fraction]]

FILE = """\
(* {title}: the derived weights at d = {d}, n = {n} and the numbers of the textbook loop, L = {L}. *)
(* W, P, Q, M : by layer, then by head.  states : Z after 0, ..., L iterates.  predictions : w_l . q. *)
From Coq Require Import QArith_base.
From mathcomp Require Import all_ssreflect ssralg ssrnum matrix.
From LayerProof Require Import attention numbers.
Import GRing.Theory.

Local Open Scope Q_scope.
{definitions}
Local Close Scope Q_scope.
Local Open Scope ring_scope.

Theorem {name} (F : numFieldType) (l : nat) : (l <= {L})%N ->
  let Z := transformer {n}%:R^-1
    (weights_mx F {m} W) (weights_mx F {m} P) (weights_mx F {m} Q) (weights_mx F {N} M : nat -> 'I_{H} -> _)
    l (rows_mx F {m} {N} prompt) in
  Z = rows_mx F {m} {N} (nth [::] states l) /\\
  {sign}Z (@Ordinal {m} {row} isT) (@Ordinal {N} {n} isT) = number F (nth 0%Q predictions l).
Proof.
move=> le_lL Z; have e : Z = rows_mx F {m} {N} (nth [::] states l).
  by apply: transformer_states le_lL; vm_compute; reflexivity.
by split=> //; rewrite e; apply: {readout} => //; vm_compute; reflexivity.
Qed.
"""


def theorem_name(construction: Construction) -> str:
    """The name of the instance's theorem.

    >>> import layerproof as lp
    >>> theorem_name(lp.construct("td-lambda", d=1, n=1, layers=1))
    'numbers_td_lambda'
    """
    return f"numbers_{construction.algorithm.replace('-', '_')}"


def instance_text(construction: Construction, setup: Problem) -> str:
    """The Rocq file of one instance: it compiles if and only if the numbers are equal, at every layer, row and column.

    setup : a prompt in exact rationals; the expected numbers are the textbook loop's, run with construction.steps
    Raises `ArgumentError` when the two do not belong together.
    """
    layout, depth = construction.layout, construction.depth
    if (construction.algorithm, layout) != (setup.algorithm.name, setup.layout):
        raise ArgumentError("the construction and the prompt are of different algorithms or sizes")
    per_layer = construction.steps * depth if construction.looped else construction.steps
    iterates = [setup.start, *textbook(setup, per_layer)]
    X = setup.X.fractions()
    states = [[*X, *([_fraction(x) for x in row] for row in setup.rows(w))] for w in iterates]
    layers = [construction.heads(number) for number in range(depth)]
    definitions = [
        text for letter in "WPQM" for text in _weights(letter, [[getattr(h, letter) for h in hs] for hs in layers])
    ]
    definitions += [
        f"Definition prompt : rows :=\n{_matrix(states[0])}.",
        *(f"Definition state_{number} : rows :=\n{_matrix(Z)}." for number, Z in enumerate(states[1:], start=1)),
        f"Definition states : seq rows := {_list(['prompt', *(f'state_{number + 1}' for number in range(depth))])}.",
        f"Definition predictions := {_list(_number(_fraction(w[0] @ setup.query)) for w in iterates)}.",
    ]
    minus = construction.readout.sign < 0
    return FILE.format(
        title=setup.algorithm.title, name=theorem_name(construction), definitions="\n".join(definitions),
        d=layout.d, n=layout.n, L=depth, m=layout.m, N=layout.n + 1, H=len(layers[0]),
        row=layout.accumulator(construction.readout.row), sign="- " * minus, readout="readout" + "_opp" * minus,
    )  # fmt: skip


def _weights(letter: str, matrices: Sequence[Sequence[Any]]) -> Iterable[str]:
    """The definition of one kind of weight, after one of each matrix that occurs."""
    names: dict[str, str] = {}
    layers = [[names.setdefault(_matrix(A.fractions()), f"{letter}_{len(names) + 1}") for A in hs] for hs in matrices]
    yield from (f"Definition {name} : rows :=\n{text}." for text, name in names.items())
    yield f"Definition {letter} : seq (seq rows) := {_list(_list(heads) for heads in layers)}."


def _fraction(value: Any) -> Fraction:
    return value.fraction() if isinstance(value, Rational) else Fraction(value)


def _number(x: Fraction) -> str:
    return str(x) if x.denominator == 1 and x >= 0 else f"{x.numerator} # {x.denominator}"


def _list(items: Iterable[str]) -> str:
    return f"[:: {'; '.join(items)}]"


def _matrix(matrix: Rows) -> str:
    """A matrix in lines, one a row."""
    rows = ";\n      ".join(_list(map(_number, row)) for row in matrix)
    return f"  [:: {rows}]"
