"""Invariance for one algorithm: its weights are of the pattern, and a symmetric law of its data keeps the pattern.

A signed permutation of all vectors of the data moves the prompt at zero starting weights by diag(S, ..., S, 1); so a
law of the data that it does not change is one of the prompts, and `blocks_invariant` is about this algorithm.
"""

from __future__ import annotations

from ....symbolic.errors import NotRepresentableError
from ..audit import AUDITS_PREFIX, STATEMENTS_PREFIX, THEORY_PREFIX, Audit
from ..theorem import Theorem
from .parts import Parts
from .proofs import ordinals
from .reading import differs
from .statements import Statements, row_text, statements, used_variables

WORDS = ("commutant", "expected_update", "gradient", "vector_blocks")
"""The package's statements whose words these speak."""
THEORY = ("attention", "loop_masks", "loop_prompt", "commutant", "prompt_invariance")
"""The files of the theory that the proofs stand on."""
HEADER = """From mathcomp Require Import all_ssreflect all_algebra.
{requires}
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.
"""
SENTENCES = {
    "pattern": "with every C_l a multiple of the identity, W, P and Q are multiples of the identity block by block",
    "invariant": "where the law of the data is symmetric under signed permutations of the features, an expected "
    "semi-gradient step keeps weights of that pattern",
    "invariant_looped": "and so does one of weights that all layers share",
}


def invariance_audit(parts: Parts) -> Audit:
    """The audit of the three theorems; its proofs stand on the audit of `vector_blocks`, of the same run.

    Raises `NotRepresentableError` when what is printed is not what the algorithm's functions do.
    """
    if parts.by_layer:
        raise NotRepresentableError("heads make a number of the layer's: invariance is about the same at all layers")
    printed = statements(parts)
    difference = differs(printed)
    if difference is not None:
        raise NotRepresentableError(f"the printed statement is not the algorithm that runs: {difference}")
    return _Instance(printed).audit()


class _Instance:
    """The texts. A name with a prime in it is none of the user's: theirs are letters, digits and _."""

    def __init__(self, statements: Statements):
        self.printed, self.parts = statements, statements.parts
        self.name = f"invariance_{self.parts.module}"
        data, t = self.parts.data, self.parts.tables
        self.size = f"(\\sum_(b < {t.vectors}) d + {t.numbers})"
        a = data.algorithm
        vectors = {"phi": True, "phi'": True, "R": False, "q": True}
        self.vectors = vectors | {data.extras[x]: vector for x, vector in a.extras}
        self.matrices = [data.preconditioners[x] for x in a.preconditioners if x not in a.scalar_preconditioners]
        rows = [r.name for r in self.parts.prompt.blocks.values()]
        wanted = ("dot", *rows, "X", "Z0", *self.parts.masks, "W", "P", "Q", "M")
        self.definitions = {x: statements.definitions[x] for x in wanted}

    def audit(self) -> Audit:
        """The statements and their proofs."""
        theorems = tuple(
            Theorem(self.parts.theorem(part), self.name, SENTENCES[part], statement, self.parts.algorithm.name)
            for part, statement in self.claims().items()
        )
        return Audit(
            self.name, ("attention", "loop_masks", "loop_prompt", "commutant", "prompt_invariance"), theorems,
            self.statements(), self.proofs(), words=("attention", *WORDS), joins=True,
        )  # fmt: skip

    @property
    def fixed(self) -> str:
        """The section variables that are no data, as binders."""
        lines = self.parts.data.declarations
        return " ".join(_binder(x) for x in lines if "(phi phi' " not in x and x.split(" ")[1] not in self.vectors)

    def applied(self, name: str, data: str = "{}", module: str = "") -> str:
        """A definition of the section applied to its variables; data : how one of the data's is written."""
        used = self.printed.arguments[name]
        return " ".join([f"@{module}{name}", *(data.format(x) if x in self.vectors else x for x in used)])

    def claims(self) -> dict[str, str]:
        """The statements."""
        scalars = " ".join(f"{C}'" for C in self.matrices)
        given = "".join(f"(forall l, {C} l = ({C}' l)%:M) -> " for C in self.matrices)
        bound = f"forall ({scalars} : nat -> F), " if scalars else ""
        pattern = f"{STATEMENTS_PREFIX}.vector_blocks.blocks_pattern"
        head = f"(l : nat) (h : 'I_{self.parts.tables.heads})"
        W, P, Q = (f"{pattern} ({x} l h)" for x in "WPQ")
        return {
            "pattern": f"{bound}{given}forall {head}, [/\\ {W}, {P} & {Q}]",
            "invariant": self._kept(pattern, looped=False),
            "invariant_looped": self._kept(pattern, looped=True),
        }

    def _kept(self, pattern: str, looped: bool) -> str:
        readout, t = self.parts.derivation.readout, self.parts.tables
        row = row_text(self.parts, readout.row)
        role, layers = f"{STATEMENTS_PREFIX}.gradient.role", "" if looped else "nat -> "
        gradient = f"{STATEMENTS_PREFIX}.expected_update.semi_gradient{'_looped' if looped else ''}"
        at = "h k" if looped else "l h k"
        data = " ".join(f"({x} : bool -> Omega' -> {self._type(x)})" for x in self.vectors)
        now, then = (self.applied("Z0", "({} " + b + " w')") for b in ("false", "true"))
        sign = "(- 1)" if readout.sign < 0 else "1"
        return (
            f"forall (Omega' : finType) (p' y' : Omega' -> F) {data},\n"
            f"  (forall S' : 'M[F]_d, {STATEMENTS_PREFIX}.commutant.signed_permutation S' ->\n"
            f"   exists2 g' : Omega' -> Omega', bijective g' & forall w',\n"
            f"   p' (g' w') = p' w' /\\ y' (g' w') = y' w' /\\ forall b', {self._moved()}) ->\n"
            f"  forall (L : nat) (gamma' : F) (alpha' : {layers}'I_{t.heads} -> {role} -> F)\n"
            f"    (theta' : {layers}'I_{t.heads} -> {role} -> 'M[F]_{self.size}),\n"
            f"  (forall {at}, {pattern} (theta' {at})) -> forall {at},\n"
            f"  {pattern} (theta' {at} + alpha' {at} *:\n"
            f"    {gradient} n%:R^-1 ({self.applied('M')}) L {row} (rshift n 0) {sign} gamma' p' y'\n"
            f"      (fun w' => {now})\n      (fun w' => {then}) theta' {at})"
        )

    def _type(self, x: str) -> str:
        kind = "'rV[F]_d" if self.vectors[x] else "F"
        return kind if x == "q" else f"'I_n -> {kind}"

    def _moved(self) -> str:
        """What a signed permutation does to the data: vectors are multiplied, numbers stay."""

        def one(x: str, at: str) -> str:
            return f"{x} b' (g' w'){at} = {x} b' w'{at}" + (" *m S'^T" if self.vectors[x] else "")

        columns = " /\\ ".join(one(x, " j") for x in self.vectors if x != "q")
        return f"{one('q', '')} /\\\n   forall j, {columns}"

    def statements(self) -> str:
        """The file of statements."""
        data = self.parts.data
        stated = self.claims()
        requires = f"From {STATEMENTS_PREFIX} Require attention {' '.join(WORDS)}."
        lines = [
            f"(* {self.parts.title}: invariance under the expected outer update *)",
            HEADER.format(requires=requires),
            "Section Statement.",
            *data.declarations,
            *self.definitions.values(),
            f"Definition says_pattern : Prop :=\n  {stated['pattern']}.",
            "End Statement.\n",
        ]
        used = used_variables(stated["pattern"], self.parts, self.printed.arguments)
        binders = " ".join(_binder(x) for x in data.declarations)
        lines.append(
            f"Definition {self.parts.theorem('pattern')} : Prop := forall {binders},\n  @says_pattern {' '.join(used)}."
        )
        for part in ("invariant", "invariant_looped"):
            lines.append(f"Definition {self.parts.theorem(part)} : Prop := forall {self.fixed},\n  {stated[part]}.")
        return "\n".join(lines) + "\n"

    def proofs(self) -> str:
        """The file of proofs."""
        own, theory = f"{STATEMENTS_PREFIX}.{self.name}", f"{THEORY_PREFIX}.prompt_invariance"
        requires = "\n".join((
            "From mathcomp Require Import ring.",
            f"From {STATEMENTS_PREFIX} Require {' '.join(WORDS)} {self.name}.",
            f"From {THEORY_PREFIX} Require {' '.join(THEORY)}.",
            f"From {AUDITS_PREFIX} Require vector_blocks.",
        ))  # fmt: skip
        lines = [HEADER.format(requires=requires), self._lemma(own, theory)]
        names = {part: self.parts.theorem(part) for part in SENTENCES}
        name, proof, known = names["pattern"], self._pattern(theory), self.parts.data
        lines.append(f"Theorem {name} : {own}.{name}.\nProof.\n{proof}\nQed.")
        fixed = " ".join(["F d n", *known.parameters.values(), *known.preconditioners.values()])
        data = " ".join(f"{x}'1" for x in self.vectors)
        for part, general in (("invariant", "blocks_invariant"), ("invariant_looped", "blocks_invariant_looped")):
            lines.append(f"""Theorem {names[part]} : {own}.{names[part]}.
Proof.
move=> {fixed} Omega' p' y' {data} sym' L gamma' alpha' theta' pat'.
apply: {AUDITS_PREFIX}.vector_blocks.{general} => // _ [S' sS' ->].
have [g' bij_g' same'] := sym' S' sS'; exists g' => // w'; have [-> [-> moved']] := same' w'.
by split=> //; [have [? ?] := moved' false | have [? ?] := moved' true]; apply: moved_prompt.
Qed.""")
        return "\n".join(lines) + "\n"

    def _lemma(self, own: str, theory: str) -> str:
        """A signed permutation of the data moves the prompt."""
        two = " ".join(f"({x}'1 {x}'2 : {self._type(x)})" for x in self.vectors)
        still, moved = (self.applied("Z0", "{}'" + k, f"{own}.") for k in "12")
        rows = " ".join(f"/{own}.{b.name}" for b in self.parts.prompt.blocks.values())
        columns = [f"{x}'2 j = {x}'1 j" + " *m S'^T" * self.vectors[x] for x in self.vectors if x != "q"]
        names, t = [f"e_{k}'" for k in range(len(columns))], self.parts.tables
        pattern = names[-1]
        for x in reversed(names[:-1]):
            pattern = f"[{x} {pattern}]"
        rewrite = f"rewrite /= {rows} ?(e_q', {', '.join(names)})"
        data = " /\\ ".join(columns)
        return f"""Lemma moved_prompt {self.fixed} {two} (S' : 'M[F]_d) :
    {STATEMENTS_PREFIX}.commutant.signed_permutation S' -> q'2 = q'1 *m S'^T -> (forall j, {data}) ->
  {moved} = block_mx (\\mxdiag_(b < {t.vectors}) S') 0 0 1%:M *m {still}.
Proof.
move=> sS' e_q' moved'; have SS' : S'^T *m S' = 1%:M by apply: {THEORY_PREFIX}.commutant.signed_perm_orthogonal.
rewrite /{own}.Z0 /{own}.X mul_block_col !mul0mx addr0 add0r mul1mx; apply: (f_equal2 (@col_mx _ _ _ _)).
  apply: {theory}.moved_rows => [v' j|v'].
    have {pattern} := moved' j; case: v' => {ordinals(t.vectors)}; {rewrite}; {theory}.close_moved_vector.
  case: v' => {ordinals(t.vectors)}; rewrite /= ?e_q'; {theory}.close_moved_vector.
apply: (f_equal2 (@row_mx _ _ _ _)); apply/matrixP => i' j; rewrite !mxE.
  have {pattern} := moved' j; case: i' => {ordinals(t.numbers)}; {rewrite}; {theory}.close_moved_number SS'.
case: i' => {ordinals(t.numbers)}; rewrite /= ?e_q'; {theory}.close_moved_number SS'.
Qed."""

    def _pattern(self, theory: str) -> str:
        t, data = self.parts.tables, self.parts.data
        scalars = " ".join([*(f"{C}'" for C in self.matrices), *(f"e_{C}'" for C in self.matrices)])
        facts = " ".join(f"have s_{C}' l' : {theory}.scalar ({C} l') by exists ({C}' l')." for C in self.matrices)
        given = " | ".join(f"exact: s_{C}'" for C in self.matrices) or "fail"
        squares = f"""by apply: {theory}.pattern_keys => i' j'; case: h => {ordinals(t.heads)};
  case: i' => {ordinals(t.vectors)}; case: j' => {ordinals(t.vectors)};
  rewrite /=; {theory}.close_scalar_block ltac:(first [{given}])"""
        plain = f"exact: {theory}.pattern_values"
        W = f"exact: {theory}.pattern_one" if self.parts.given else plain
        W, P = (squares if x else plain for x in t.squares) if t.factors else (W, plain)
        return f"""move=> {data.arguments} {scalars} l h. {facts}
split; [{W} | {P} | {squares}]."""


def _binder(line: str) -> str:
    """A declaration of section variables as a binder."""
    text = line.split(" ", 1)[1].removesuffix(".")
    return text if text.startswith("(") else f"({text})"
