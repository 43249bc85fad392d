"""What the files about one such algorithm are printed from: its update and its rows, run on named symbols."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from sympy import Expr, Integer, Rational, Symbol
from sympy.core.add import Add
from sympy.core.mul import Mul
from sympy.core.power import Pow

from ....symbolic.derivation.words import Word
from ....symbolic.errors import NotRepresentableError
from ....symbolic.patterns.heads import Blocks, PatternForm
from ....symbolic.patterns.record import Keys, PatternAlgorithm, Row
from ..generated.names import Names, identifier
from ..generated.terms import ATOM, MATRIX, NUMBER, PRODUCT, VECTOR, Term, atom, number, rational, show, zero

RESERVED = """run run_ V A S T Z H N m x y v w fin new own gain keys kernel scored keyed next back vrow nrow col_mx
usubmx dsubmx shift written writtenv pattern kept seen total_last between layer_run same_run prompt last context
loop_sum step_sum heads_sum heads_step transformer_iterate close_token by_blocks"""
"""What these files say of their own, beside what every generated file says."""


@dataclass(frozen=True)
class Applied:
    """A function of one argument.

    argument : another one, or a name
    """

    function: str
    argument: Applied | str

    def __str__(self) -> str:
        """By itself: the argument in parentheses where it is a function of one, too."""
        argument = f"({self.argument})" if isinstance(self.argument, Applied) else self.argument
        return f"{self.function} {argument}"


@dataclass(frozen=True, eq=False)
class PatternParts:
    """All that the files about one algorithm are printed from.

    parameters  the user's name -> the file's
    loop, kept  the file's name of the loop variable, and its type
    rows        the file's name of each row block, by the user's
    """

    form: PatternForm
    module: str
    parameters: dict[str, str]
    loop: str
    kept: str
    rows: dict[str, str]

    @property
    def algorithm(self) -> PatternAlgorithm:
        """The algorithm."""
        return self.form.algorithm

    def theorem(self, part: str) -> str:
        """The name of a theorem."""
        return f"{self.module}_{part}"

    @property
    def s(self) -> str:
        """What the state is called."""
        return "v" if self.algorithm.numbers else "w"

    @property
    def state_type(self) -> str:
        """The type of the state: a number or a vector for each token, or one vector."""
        a = self.algorithm
        return "'rV[F]_(n + 1)" if a.numbers else "'rV[F]_d" if a.column else "'M[F]_(n + 1, d)"

    @property
    def kind(self) -> str:
        """What the state of one token is."""
        return NUMBER if self.algorithm.numbers else VECTOR

    @property
    def kind_text(self) -> str:
        """The type of the state of one token."""
        return "F" if self.algorithm.numbers else "'rV[F]_d"

    @property
    def token(self) -> tuple[str, str]:
        """The token as an argument of what is said of one, with its type and without: none for the one state."""
        return ("", "") if self.algorithm.column else (" (t : 'I_(n + 1))", " t")

    @property
    def declarations(self) -> list[str]:
        """The variables of a section."""
        lines = [f"Variables ({' '.join(names)} : {kind})." for names, kind in self.variables]
        return lines

    @property
    def binders(self) -> str:
        """The same as binders of a closed statement."""
        return " ".join(f"({' '.join(names)} : {kind})" for names, kind in self.variables)

    @property
    def arguments(self) -> str:
        """The same as arguments."""
        return " ".join(name for names, _ in self.variables for name in names)

    @property
    def variables(self) -> list[tuple[list[str], str]]:
        """Every variable with its type, in order."""
        a = self.algorithm
        typed = [(["F"], "numFieldType"), (["d", "n"], "nat"), (list(self.parameters.values()), "F")]
        typed += [(["phi", "phi'"], "'I_n -> 'rV[F]_d"), (["R"], "'I_n -> F"), (["q"], "'rV[F]_d")]
        if a.kernels:
            size = self.height(self.scored)
            typed.append((["kernel"], f"nat -> 'M[F]_({size}, n + 1) -> 'M[F]_(n + 1)"))
        if a.preconditioned:
            typed.append((["C"], "nat -> 'M[F]_d"))
        return [(names, kind) for names, kind in typed if names]

    @property
    def scored(self) -> Row:
        """The row block that the kernel reads."""
        return next(r for r in self.algorithm.rows if r.name == self.algorithm.scored)

    def height(self, row: Row) -> str:
        """How many rows a block has."""
        return "1" if row.scalar else "d"

    @property
    def m(self) -> str:
        """The number of rows of the prompt, as the blocks stand on each other."""
        *heights, last = (self.height(r) for r in self.algorithm.rows)
        for height in reversed(heights):
            last = f"({height} + {last})"
        return last

    def block(self, row: Row, Z: Applied | str) -> Applied | str:
        """A row block of a matrix, as Rocq takes it out."""
        index = self.algorithm.rows.index(row)
        for _ in range(index):
            Z = Applied("dsubmx", Z)
        return Z if index == len(self.algorithm.rows) - 1 and index else Applied("usubmx", Z)

    def stacked(self, blocks: list[str]) -> str:
        """Row blocks on each other."""
        *above, last = blocks
        for text in reversed(above):
            last = f"(col_mx {text} {last})"
        return last

    def state_of(self, where: str, s: str | None = None) -> str:
        """The state of the token in a column."""
        s = s or self.s
        a = self.algorithm
        return s if a.column else f"{s} 0 {where}" if a.numbers else f"row {where} {s}"

    # the rows and the update, each time they are asked for run on new symbols

    def entry(self, row: Row, family: str, own: str, following: str, j: str = "j") -> Term:
        """What a row block holds in a column, where the token's state and the next one's are called this."""
        p = self._parameters()
        token = SimpleNamespace()
        if family == "context":
            token = self._data(j)
            if not self.algorithm.column:
                token.next_state = atom(self.kind, following, "weight")
        elif family == "query":
            token.phi = atom(VECTOR, "q")
        if not self.algorithm.column or family == "parameter":
            token.state = atom(self.kind, own, "weight")
        held = row.entry(family, token, p)
        kind = NUMBER if row.scalar else VECTOR
        if held is None:
            return zero(kind)
        term = Term.of(held)
        if term is None or term.kind != kind:
            raise NotRepresentableError(f"the row {row.name} holds what has no spelling in Rocq here")
        return term

    def reads(self, row: Row, family: str, name: str) -> bool:
        """Whether a row reads the token's own state, "own", or the next one's, "next"."""
        term = self.entry(row, family, "own", "next")
        return any(x.op == "weight" and x.args[0] == name for x in term.parts())

    def one_pass(self, own: str, total: str) -> tuple[Term, Term]:
        """What the loop's body makes of `total`, and what the update ends with when the loop has left `total`.

        Raises `NotRepresentableError` for a loop with no or several variables, or one that does not start at zero.
        """
        a = self.algorithm
        C = atom(MATRIX, "C l") if a.preconditioned else None
        key = self._data("j")
        key.state = atom(self.kind, self.state_of("(lshift 1 j)"), "weight")
        if not a.column:
            key.next_state = atom(self.kind, self.state_of("(next j)"), "weight")
        if a.kernels:
            key.weight = atom(NUMBER, f"kernel l {self.rows[a.scored]} (lshift 1 j){self.token[1]}")
        sweep = _Pass(key, total)
        new = a.update(SimpleNamespace(state=atom(self.kind, own, "weight")), C, sweep, self._parameters())
        new = Term.of(new)
        if new is None or sweep.after is None:
            raise NotRepresentableError("the update gives what has no spelling in Rocq here")
        return sweep.after, new

    def _parameters(self) -> Any:
        return self.algorithm.bind({x: atom(NUMBER, name) for x, name in self.parameters.items()})

    def _data(self, j: str) -> SimpleNamespace:
        return SimpleNamespace(
            phi=atom(VECTOR, f"phi {j}"), phi_next=atom(VECTOR, f"phi' {j}"), reward=atom(NUMBER, f"R {j}")
        )

    # heads

    def matrix(self, blocks: Blocks) -> str:
        """A matrix of a head, block by block."""
        rows = self.algorithm.rows
        lines = []
        for left in rows:
            cells = [self.cell(blocks.get((left.name, right.name), {}), left) or "0" for right in rows]
            *before, last = cells
            for text in reversed(before):
                last = f"(row_mx {text} {last})"
            lines.append(last)
        return self.stacked(lines)

    def cell(self, words: Any, row: Row) -> str:
        """One block: coefficients times products of C and its transpose; empty where it is zero."""
        terms = [_word(word, self._coefficient(c)) for word, c in words.items()]
        return f"({' + '.join(terms)})" if terms else ""

    def _coefficient(self, expression: Expr) -> str:
        return coefficient(expression, self.parameters)[0]

    def number(self, expression: Expr) -> str:
        """A coefficient as an argument."""
        text, level = coefficient(expression, self.parameters)
        return text if level == ATOM else f"({text})"


class _Pass(Keys):
    """The loop for one token, from and to a loop variable of the same name."""

    def __init__(self, key: Any, total: str):
        super().__init__([key], atom(NUMBER, "n%:R"))
        self._total = total
        self._made: Term | None = None

    @property
    def after(self) -> Term | None:
        """What the body made of the loop variable."""
        return self._made

    def __iter__(self) -> Iterator[Any]:
        kept = [x for x in vars(self) if not x.startswith("_") and x != "n"]
        if len(kept) != 1:
            raise NotRepresentableError(
                f"the update keeps {len(kept)} loop variables on its sweep, and the theorems are about one"
            )
        (name,) = kept
        start = Term.of(getattr(self, name))
        if start is None or not start.is_zero:
            raise NotRepresentableError(f"the loop variable {name} does not start at zero")
        setattr(self, name, atom(start.kind, self._total))
        yield from self._keys
        self._made = Term.of(getattr(self, name))
        if self._made is None or self._made.kind != start.kind:
            raise NotRepresentableError(f"the loop variable {name} becomes what has no spelling in Rocq here")
        setattr(self, name, atom(start.kind, self._total))


def parts_of(form: PatternForm, reserved: tuple[str, ...] = ()) -> PatternParts:
    """Name everything; `NotRepresentableError` for what the theory has no words for."""
    a = form.algorithm
    _refuse_other_layers(form)
    taken = [f"{what}_{h}" for what in ("V", "Q", "A", "values", "pattern", "term") for h in range(len(form.heads))]
    taken += [f"row_{identifier(r.name)}_{at}" for r in a.rows for at in ("context", "last")]
    names = Names((*RESERVED.split(), *taken, *reserved))
    parameters = {x: names.new(x) for x in a.parameters}
    rows = {r.name: names.new(f"row_{identifier(r.name)}") for r in a.rows}
    module = identifier(a.name)
    while module in reserved:
        module += "_tokens"
    parts = PatternParts(form, module, parameters, "", "", rows)
    kept, kind = _kept(parts)
    parts = PatternParts(form, module, parameters, names.new(kept), "F" if kind == NUMBER else "'rV[F]_d", rows)
    for row in a.rows:
        own, after = (parts.reads(row, "context", x) for x in ("own", "next"))
        if own and after:
            raise NotRepresentableError(f"the row {row.name} holds two tokens' states: no theorem is about such a row")
    for head in form.heads:
        for blocks in (head.V, head.Q or {}):
            for words in blocks.values():
                for c in words.values():
                    coefficient(c, parameters)
    return parts


def _refuse_other_layers(form: PatternForm) -> None:
    """Raise `NotRepresentableError` for a given layer that does not attend as the update sums."""
    a = form.algorithm
    if a.layer is not None and (a.layer.kernel or a.layer.mask_first):
        raise NotRepresentableError("the layer names a kernel of its own, and the theorems are for every kernel")
    if form.sees != a.sees:
        raise NotRepresentableError(f"the layer's keys are {form.sees!r}, and the update sums over {a.sees!r}")
    if form.previous:
        raise NotRepresentableError("the shift reads the token before, and the theorems are about the one after")


def _kept(parts: PatternParts) -> tuple[str, str]:
    """The name of the update's one loop variable, and its kind."""
    seen: list[tuple[str, str]] = []

    class Seen(Keys):
        def __iter__(self) -> Iterator[Any]:
            seen.extend((x, Term.of(value).kind) for x, value in vars(self).items()  # type: ignore[union-attr]
                        if not x.startswith("_") and x != "n" and Term.of(value) is not None)  # fmt: skip
            return iter(())

    own = atom(parts.kind, "x", "weight")
    C = atom(MATRIX, "C l") if parts.algorithm.preconditioned else None
    parts.algorithm.update(SimpleNamespace(state=own), C, Seen([], atom(NUMBER, "n%:R")), parts._parameters())
    if len(seen) != 1:
        raise NotRepresentableError(
            f"the update keeps {len(seen)} loop variables on its sweep, and the theorems are about one"
        )
    return seen[0]


def coefficient(expression: Expr, names: dict[str, str]) -> tuple[str, int]:
    """A polynomial in the parameters as Rocq's text, and how tightly it holds together.

    Raises `NotRepresentableError` for one that divides by a parameter, or speaks of anything else.
    """
    term = _term(expression, names)
    return (
        (*rational(term.args[0]),) if term.op == "literal" else (show(term), ATOM if term.op == "atom" else PRODUCT + 5)
    )


def _term(expression: Expr, names: dict[str, str]) -> Term:
    if isinstance(expression, Rational):
        return number(Fraction(int(expression.p), int(expression.q)))
    if isinstance(expression, Symbol) and expression.name in names:
        return atom(NUMBER, names[expression.name])
    if isinstance(expression, (Add, Mul)):
        parts = [_term(x, names) for x in expression.args]
        total = parts[0]
        for x in parts[1:]:
            total = total + x if isinstance(expression, Add) else total * x
        return total
    if isinstance(expression, Pow) and isinstance(expression.exp, Integer) and expression.exp > 0:
        return _term(expression.args[0], names) ** int(expression.exp)
    raise NotRepresentableError(
        f"a coefficient of the weights is {expression}: no theorem is about weights that divide"
    )


def _word(word: Word, c: str) -> str:
    if not word:
        return f"({c})%:M" if " " in c else f"{c}%:M"
    text = " *m ".join("(C l)^T" if transposed else "C l" for _, transposed in word)
    if c == "1":
        return text
    text = f"({text})" if len(word) > 1 else text
    return f"- {text}" if c == "- 1" else f"({c}) *: {text}" if " " in text else f"({c}) *: ({text})"
