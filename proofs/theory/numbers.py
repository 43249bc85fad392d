"""One instance as numbers for the kernel: the derived weights and the textbook's iterates, as a Rocq file.

The theorem says that the transformer, with the derived weights on this prompt, has at every layer the textbook's
numbers in every row and column.  Its proof is a computation (`numbers.v`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ...numeric.data.processes import stream
from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.rational import Rational
from ...symbolic.construction import Construction, Steps
from ...symbolic.errors import ArgumentError
from ...symbolic.identity.exact import Problem, textbook
from ...symbolic.prompt import Context
from .generated.names import comment
from .generated.proofs import IMPORTS as PROVING
from .generated.statements import IMPORTS, LAYER

Rows = Sequence[Sequence[Fraction]]

MATRICES = """\
(* A rational number, and the matrix of the lists' numbers, in any number field. *)
Definition rows := seq (seq Q).
Definition number (F : numFieldType) (x : Q) : F :=
  match Qnum x with Z0 => 0 | Zpos p => (Pos.to_nat p)%:R | Zneg p => - (Pos.to_nat p)%:R end
  / (Pos.to_nat (Qden x))%:R.
Definition matrix_of (F : numFieldType) m n (A : rows) : 'M[F]_(m, n) :=
  \\matrix_(i, j) number F (nth (Qmake 0 1) (nth [::] A i) j).
"""
"""A statement's own words for matrices of rational numbers."""
STATEMENTS = (
    """\
(* {title}: the derived weights at d = {d}, n = {n} and the numbers of the textbook loop, L = {L}. *)
(* W, P, Q, M : by layer, then by head.  states : Z after 0, ..., L iterates.  predictions : w_l . q. *)
"""
    + IMPORTS
    + """\
Import GRing.Theory.
Local Open Scope ring_scope.

"""
    + f"Set Implicit Arguments.\n{LAYER}Unset Implicit Arguments.\n\n"
    + MATRICES
    + """\
Definition weights_of (F : numFieldType) m H (A : seq (seq rows)) (l : nat) (h : 'I_H) : 'M[F]_m :=
  matrix_of F m m (nth [::] (nth [::] A l) h).

Local Open Scope Q_scope.
{definitions}
Local Close Scope Q_scope.

(* the transformer has the textbook's numbers, Z whole and the prediction, after each of the first {L} layers *)
Definition {name} : Prop :=
  forall (F : numFieldType) (l : nat), (l <= {L})%N ->
  let Z := transformer {n}%:R^-1 (weights_of F {m} {H} W) (weights_of F {m} {H} P) (weights_of F {m} {H} Q)
    (weights_of F {N} {H} M) l (matrix_of F {m} {N} prompt) in
  Z = matrix_of F {m} {N} (nth [::] states l) /\\
  {sign}Z (@Ordinal {m} {row} isT) (@Ordinal {N} {n} isT) = number F (nth (Qmake 0 1) predictions l).
"""
)
PROOFS = (
    PROVING
    + """\
From LayerProofStatements Require {name}.
From LayerProof Require attention numbers.
Module Import Said := LayerProofStatements.{name}.

Theorem {name} : Said.{name}.
Proof.
move=> F l le_lL Z; have e : Z = matrix_of F {m} {N} (nth [::] states l).
  apply: (@LayerProof.numbers.transformer_states F {m} {N} {H} {k} W P Q M {L} prompt states _ l le_lL).
  by vm_compute; reflexivity.
split=> //; rewrite e.
pose at_query := (@LayerProof.numbers.{readout} F {m} {N} (@Ordinal {m} {row} isT) (@Ordinal {N} {n} isT)).
by apply: (at_query states predictions) => //; vm_compute; reflexivity.
Qed.
"""
)


@dataclass(frozen=True)
class Drawn:
    """The numbers of an instance: quarters, at most 9/4 and none zero.

    They are small because `coqchk` computes without a virtual machine, where most of the time is spent on lowest terms.
    """

    steps: list[Steps]
    start: tuple[Any, ...]
    context: Context

    @staticmethod
    def of(algorithm: Algorithm, d: int, n: int, depth: int, seed: int) -> Drawn:
        """Steps of each layer, none a symmetric matrix but by chance; starting weights; a context."""
        rng = stream("instance", seed)

        def number() -> Fraction:
            return Fraction(rng.choice((-1, 1)) * rng.randint(1, 9), 4)

        def vector() -> tuple[Fraction, ...]:
            return tuple(number() for _ in range(d))

        def step(name: str) -> Any:
            return number() if name in algorithm.scalar_preconditioners else [list(vector()) for _ in range(d)]

        steps = [tuple(step(x) for x in algorithm.preconditioners) for _ in range(depth)]
        start = tuple(number() if w in algorithm.scalar_weights else list(vector()) for w in algorithm.weights)
        features, following = ([vector() for _ in range(n)] for _ in range(2))
        context = Context.of(features, following, [number() for _ in range(n)], vector())
        extras = {x: tuple(vector() if v else number() for _ in range(n)) for x, v in algorithm.extras}
        return Drawn(algorithm.prescribed(steps), start, replace(context, extras=tuple(sorted(extras.items()))))


def instance_texts(construction: Construction, setup: Problem, name: str) -> tuple[str, str]:
    """The statement about one instance, and its proof, a computation: it compiles if and only if the numbers are equal.

    name  : of the theorem and of the file
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
    fields = {
        "title": comment(setup.algorithm.title), "name": name, "definitions": "\n".join(definitions),
        "d": layout.d, "n": layout.n, "L": depth, "m": layout.m, "N": layout.n + 1, "H": len(layers[0]),
        "k": layout.n - 1,
        "row": layout.accumulator(construction.readout.row), "sign": "- " * minus,
        "readout": "readout" + "_opp" * minus,
    }  # fmt: skip
    return STATEMENTS.format(**fields), PROOFS.format(**fields)


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
