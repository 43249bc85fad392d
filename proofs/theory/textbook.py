"""The algorithms as their papers write them, in Rocq: what the machine-checked theorems must be about.

These texts belong to the audit and not to the theory: each theorem is restated with the recursion and the prompt given
here and with the heads that were derived, and the theory's proof has to fit.  A weaker theorem, or another recursion
under the same name, does not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Textbook:
    """One algorithm in Rocq.

    variables   section variables, in the order in which the theory's theorems take them
    arguments   their names, as arguments of the theory's theorems; {decay} is the trace's decay
    definitions the recursion `iterate`, the feature rows `X` and the prompt `prompt`, as the paper has them
    state       name of the starting weights in the statements
    read        the position of the read-out row among the accumulators, as an index of the last rows
    weights     the iterate's first weight vector
    entries     further theorems: (name, sentence, index of the row, value in context column j)
    zero        the zero starting weights, and the prompt there: the papers' Z_0
    """

    variables: str
    arguments: str
    definitions: str
    state: str
    read: str
    weights: str
    entries: tuple[tuple[str, str, str, str], ...]
    zero: tuple[str, str] = ("0", "col_mx X (row_mx r 0)")


PROMPT = """Variables (F : numFieldType) (d n : nat) (gamma : F).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
"""
UNDISCOUNTED = """Variables (F : numFieldType) (d n : nat).
Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).
"""
ERROR = """Definition delta (w : 'rV[F]_d) (j : 'I_n) : F :=
  r 0 j + gamma * (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.
"""
DISCOUNTED_ROWS = """Definition X : 'M[F]_(d + d, n + 1) := block_mx Phi q (gamma *: Phi') 0.
"""
ONE_ROW = """Definition prompt (w : 'rV[F]_d) : 'M[F]_(d + d + 1, n + 1) :=
  col_mx X (row_mx (\\row_j delta w j) (- (w *m q))).
"""
TWO_ROWS = """Definition prompt (s : 'rV[F]_d * 'rV[F]_d) : 'M[F]_(d + d + (1 + 1), n + 1) :=
  col_mx X (col_mx (row_mx (\\row_j delta s.1 j) (- (s.1 *m q)))
                   (row_mx (\\row_j (s.2 *m col j Phi) 0 0) (s.2 *m q))).
"""
ITERATE = """Fixpoint iterate L w := if L is l.+1 then step l (iterate l w) else w.
"""
HOLDS_ERROR = ("residual", "every context column holds its TD error", "0", "delta (iterate L w0) j")


def _single(total: str, before: str = "") -> str:
    return f"""{before}Definition step l (w : 'rV[F]_d) : 'rV[F]_d :=
  w + n%:R^-1 *: (({total}) *m (C l)^T).
{ITERATE}"""


def _pair(first: str) -> str:
    return f"""Definition step l (s : 'rV[F]_d * 'rV[F]_d) : 'rV[F]_d * 'rV[F]_d :=
  let: (w, v) := s in
  (w + n%:R^-1 *: (({first}) *m (C l)^T),
   v + n%:R^-1 *: ((\\sum_j (delta w j - (v *m col j Phi) 0 0) *: (col j Phi)^T) *m (D l)^T)).
Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.
"""


_C = "Variable C : nat -> 'M[F]_d.\n"
_CD = "Variables C D : nat -> 'M[F]_d.\n"
_TD_ARGUMENTS = "F d n gamma Phi Phi' r q C"
_PAIR_ENTRIES = (
    ("residual", "every context column holds its TD error", "(lshift 1 0)", "delta (iterate L s0).1 j"),
    ("correction", "every context column holds v_L.phi_j", "(rshift 1 0)", "((iterate L s0).2 *m col j Phi) 0 0"),
)

TEXTBOOKS: dict[str, Textbook] = {
    "least-squares": Textbook(
        "Variables (F : numFieldType) (d n : nat).\n"
        "Variables (Phi : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).\n" + _C,
        "F d n Phi r q C",
        "Definition residual (w : 'rV[F]_d) (j : 'I_n) : F := r 0 j - (w *m col j Phi) 0 0.\n"
        + _single("\\sum_j residual w j *: (col j Phi)^T")
        + "Definition X : 'M[F]_(d, n + 1) := row_mx Phi q.\n"
        "Definition prompt (w : 'rV[F]_d) : 'M[F]_(d + 1, n + 1) :=\n"
        "  block_mx Phi q (\\row_j residual w j) (- (w *m q)).\n",
        "w0",
        "0",
        "iterate L w0",
        (("residual", "every context column holds its residual", "0", "residual (iterate L w0) j"),),
        ("0", "block_mx Phi q r 0"),
    ),
    "td0": Textbook(
        PROMPT + _C,
        _TD_ARGUMENTS,
        ERROR + _single("\\sum_j delta w j *: (col j Phi)^T") + DISCOUNTED_ROWS + ONE_ROW,
        "w0",
        "0",
        "iterate L w0",
        (HOLDS_ERROR,),
    ),
    "td-lambda": Textbook(
        "Variables (F : numFieldType) (d n : nat) (gamma lam : F).\n"
        "Variables (Phi Phi' : 'M[F]_(d, n)) (r : 'rV[F]_n) (q : 'cV[F]_d).\n" + _C,
        "F d n gamma {decay} Phi Phi' r q C",
        ERROR
        + _single(
            "\\sum_j delta w j *: trace j.+1",
            "Fixpoint trace (i : nat) : 'rV[F]_d :=\n  if i is k.+1 then\n"
            "    {decay} *: trace k + (if insub k is Some j then (col j Phi)^T else 0)\n  else 0.\n",
        )
        + DISCOUNTED_ROWS
        + ONE_ROW,
        "w0",
        "0",
        "iterate L w0",
        (HOLDS_ERROR,),
    ),
    "residual-gradient": Textbook(
        PROMPT + _C,
        _TD_ARGUMENTS,
        ERROR + _single("\\sum_j delta w j *: (col j Phi - gamma *: col j Phi')^T") + DISCOUNTED_ROWS + ONE_ROW,
        "w0",
        "0",
        "iterate L w0",
        (HOLDS_ERROR,),
    ),
    "average-reward-td": Textbook(
        UNDISCOUNTED + _C,
        "F d n Phi Phi' r q C",
        "Definition mean (j : 'I_n) : F := j.+1%:R^-1 * \\sum_(i < n | (i <= j)%N) r 0 i.\n"
        "Definition difference (w : 'rV[F]_d) (j : 'I_n) : F := (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.\n"
        "Definition delta (w : 'rV[F]_d) (j : 'I_n) : F :=\n"
        "  r 0 j - mean j + (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.\n"
        + _single("\\sum_j delta w j *: (col j Phi)^T")
        + "Definition X : 'M[F]_(d + d, n + 1) := block_mx Phi q Phi' 0.\n"
        "Definition prompt (w : 'rV[F]_d) : 'M[F]_(d + d + (1 + 1), n + 1) :=\n"
        "  col_mx X (block_mx r 0 (\\row_j difference w j) (- (w *m q))).\n",
        "w0",
        "(rshift 1 0)",
        "iterate L w0",
        (
            ("reward", "every context column keeps its reward", "(lshift 1 0)", "r 0 j"),
            (
                "difference",
                "every context column holds w_L.(phi' - phi)",
                "(rshift 1 0)",
                "difference (iterate L w0) j",
            ),
        ),
        ("0", "col_mx X (block_mx r 0 0 0)"),
    ),
    "differential-td": Textbook(
        UNDISCOUNTED + "Variables (C : nat -> 'M[F]_d) (c : nat -> F).\n",
        "F d n Phi Phi' r q C c",
        "Definition delta (s : 'rV[F]_d * F) (j : 'I_n) : F :=\n  let: (w, rbar) := s in\n"
        "  r 0 j - rbar + (w *m col j Phi') 0 0 - (w *m col j Phi) 0 0.\n"
        "Definition step l (s : 'rV[F]_d * F) : 'rV[F]_d * F :=\n  let: (w, rbar) := s in\n"
        "  (w + n%:R^-1 *: ((\\sum_j delta s j *: (col j Phi)^T) *m (C l)^T),\n"
        "   rbar + n%:R^-1 * (c l * \\sum_j delta s j)).\n"
        "Fixpoint iterate L s := if L is l.+1 then step l (iterate l s) else s.\n"
        "Definition X : 'M[F]_(d + d + 1, n + 1) :=\n"
        "  col_mx (block_mx Phi q Phi' 0) (row_mx (const_mx 1) 0).\n"
        "Definition prompt (s : 'rV[F]_d * F) : 'M[F]_(d + d + 1 + 1, n + 1) :=\n"
        "  col_mx X (row_mx (\\row_j delta s j) (- (s.1 *m q))).\n",
        "s0",
        "0",
        "(iterate L s0).1",
        (("residual", "every context column holds its TD error", "0", "delta (iterate L s0) j"),),
        ("(0, 0)", "col_mx X (row_mx r 0)"),
    ),
    "gtd2": Textbook(
        PROMPT + _CD,
        "F d n gamma Phi Phi' r q C D",
        ERROR
        + _pair("\\sum_j (v *m col j Phi) 0 0 *: (col j Phi - gamma *: col j Phi')^T")
        + DISCOUNTED_ROWS
        + TWO_ROWS,
        "s0",
        "(lshift 1 0)",
        "(iterate L s0).1",
        _PAIR_ENTRIES,
        ("(0, 0)", "col_mx X (block_mx r 0 0 0)"),
    ),
    "tdc": Textbook(
        PROMPT + _CD,
        "F d n gamma Phi Phi' r q C D",
        ERROR
        + _pair(
            "\\sum_j (delta w j *: (col j Phi)^T\n               - (v *m col j Phi) 0 0 *: (gamma *: col j Phi')^T)"
        )
        + DISCOUNTED_ROWS
        + TWO_ROWS,
        "s0",
        "(lshift 1 0)",
        "(iterate L s0).1",
        _PAIR_ENTRIES,
        ("(0, 0)", "col_mx X (block_mx r 0 0 0)"),
    ),
}
"""The catalogue's algorithms that have a theory; an algorithm that is not here is not machine-checked."""
