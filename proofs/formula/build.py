"""Formulas put together from formulas: rows, indices, sums, products. A string is a sign as plain text says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from .commands import ENVIRONMENTS, GREEK_AND_LETTERS, OPERATORS
from .formula import Formula
from .letters import LETTERS, is_letter, parted
from .nodes import Accent, Fenced, Grid, Node, Quotient, Row, Scripts, Sign, Space, Spoken, Words, operator, sign, taken

Part = Formula | str
_SIGNS = {
    **{sign: sign for sign in "+=<>,;:.!/|"},
    "-": "−", "*": "∗", "<-": "←", "->": "→", "=>": "⇒", "<=": "≤", ">=": "≥", "!=": "≠", "...": "…",
    **{name: OPERATORS[name] for name in ("in", "circ", "times", "cdots", "sum", "prod", "mid")},
}  # fmt: skip
_SIZES = {"": 0.0, "big": 1.2, "Big": 1.8}
TRANSPOSED = Sign("letter", "⊤")
THIN, QUAD, NO_GAP = Formula(Space(0.1667)), Formula(Space(1.0)), Formula(Row(()))


def node(part: Part) -> Node:
    """A formula's tree; a letter, a whole number, a Greek letter by its name or a sign."""
    if isinstance(part, Formula):
        return part.tree
    if part in _SIGNS:
        return Sign("operator", _SIGNS[part])
    if part.isdigit():
        return Sign("number", part)
    if is_letter(part):
        return Sign("letter", part)
    return Sign("letter", GREEK_AND_LETTERS[part])


def items(part: Part) -> tuple[Node, ...]:
    """What stands in a row where the formula is put into one."""
    tree = node(part)
    return tree.items if isinstance(tree, Row) else (tree,)


def _one(nodes: Sequence[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Row(tuple(nodes))


def row(*parts: Part) -> Formula:
    """Formulas beside one another.

    >>> row("w", "<-", "w", "+", fraction("1", "n"), "phi")
    Formula('w <- w + (1/n) phi', 'w \\\\leftarrow w + \\\\frac{1}{n} \\\\phi')
    """
    return Formula(_one([item for part in parts for item in items(part)]))


def words(text: str, style: str = "text") -> Formula:
    """Text in a formula; style: "text", "rm", "it", "bf" or "tt"."""
    return Formula(Words(text, style))


def spoken(as_text: Part, shown: Part) -> Formula:
    """What plain text says in another way than a page shows it."""
    first, second = node(as_text), node(shown)
    return Formula(second if first == second else Spoken(first, second))


@lru_cache(maxsize=4096)
def named(name: str) -> Formula:
    """A name as a paper writes it: a Greek letter where it is one, a letter as it is, a word in italics.

    >>> named("lam"), named("w"), named("total"), named("phi_left")
    (Formula('lam', '\\\\lambda'), Formula('w', 'w'), Formula('total', '\\\\mathit{total}'),\
 Formula('phi_left', '\\\\phi^{\\\\mathrm{left}}'))
    """
    shown = Formula(_shown(name))
    if name == "index":  # of a transition
        return shown
    return shown if shown.text == name else spoken(words(name), shown)


def _shown(name: str) -> Node:
    if name in LETTERS:
        letter, mark = LETTERS[name]
        tree: Node = node(letter)
        return Accent("bar", tree) if mark == "bar" else Scripts(tree, None, None, len(mark)) if mark else tree
    if is_letter(name):
        return Sign("letter", name)
    if parts := parted(name):
        return Scripts(_shown(parts[0]), None, Words(parts[1], "rm"))
    return Words(name, "it" if name.replace("_", "").isalnum() and name.isascii() else "text")


def wide(part: Part) -> bool:
    """Whether it is several things side by side."""
    return len(items(part)) > 1


def is_sum(part: Part) -> bool:
    """Whether it is terms with a sign between them."""
    parts = items(part)
    outside = [operator(item) for item, depth in zip(parts, _depths(parts), strict=True) if not depth]
    return any(mark is not None and mark.text in "+−" for mark in outside[1:])


def negative(part: Part) -> bool:
    """Whether a minus stands in front."""
    return items(part)[0] == Sign("operator", "−")


def without_sign(part: Part) -> Formula:
    """The formula without the minus in front of it, where there is one."""
    return Formula(_one(items(part)[negative(part) :]))


def bracketed(part: Part, size: str = "", brackets: str = "()") -> Formula:
    """The formula in brackets."""
    scale = _SIZES[size]
    return Formula(Row((Sign("open", brackets[0], scale), *items(part), Sign("close", brackets[1], scale))))


def call(function: Part, *arguments: Part, brackets: str = "()", size: str = "", gap: Formula = THIN) -> Formula:
    """A function of arguments: f(x, y)."""
    scale = _SIZES[size]
    opening = Sign("open", brackets[0], scale, tight=True)
    return Formula(Row((*items(function), opening, *items(listed(arguments, gap)), Sign("close", brackets[1], scale))))


def listed(parts: Iterable[Part], gap: Formula = THIN) -> Formula:
    """Formulas with commas between them."""
    result: list[Node] = []
    for part in parts:
        result += [*([Sign("operator", ","), *items(gap)] if result else []), *items(part)]
    return Formula(Row(tuple(result)))


def indexed(base: Part, *index: Part) -> Formula:
    """A base with an index below it.

    >>> indexed(named("phi_left"), "j"), indexed(row("gamma", named("phi'")), "1")
    (Formula('phi_left_j', '\\\\phi_{j}^{\\\\mathrm{left}}'), Formula("(gamma phi')_1", "(\\\\gamma \\\\phi')_{1}"))
    """
    return Formula(_with_script(node(base), row(*index).tree, None))


def power(base: Part, exponent: Part) -> Formula:
    """A base with an exponent."""
    return Formula(_with_script(node(base), None, node(exponent)))


def accented(name: str, base: Part) -> Formula:
    """The base with a mark over it: "hat", "bar"."""
    return Formula(Accent(name, node(base)))


def primed(base: Part) -> Formula:
    """The base with a prime."""
    return Formula(Scripts(node(base), None, None, 1))


def transposed(base: Part) -> Formula:
    """The transpose."""
    return Formula(_with_script(node(base), None, TRANSPOSED))


def _ends_in_brackets(tree: Row) -> bool:
    """Whether it is one thing that a bracket closes: (a + b), f(x)."""
    start = 0 if sign(tree.items[0], "open") else 1
    depths = list(_depths(tree.items[start:]))
    return bool(depths) and depths[-1] == 0 and 0 not in depths[:-1] and sign(tree.items[-1], "close") is not None


def _depths(nodes: Iterable[Node]) -> Iterator[int]:
    """How many brackets are open behind each item."""
    depth = 0
    for item in nodes:
        bracket = sign(item, "open", "close")
        depth += 0 if bracket is None else 1 if bracket.kind == "open" else -1
        yield depth


def _with_script(base: Node, below: Node | None, above: Node | None) -> Node:
    if isinstance(base, Spoken):
        return Spoken(_with_script(base.as_text, below, above), _with_script(base.shown, below, above))
    if isinstance(base, Row) and len(base.items) > 1:
        if _ends_in_brackets(base):
            return Row((*base.items[:-1], Scripts(base.items[-1], below, above)))
        return Row((Sign("open", "("), *base.items, Scripts(Sign("close", ")"), below, above)))
    has_below, has_above = taken(base)
    if (below is not None and has_below) or (above is not None and has_above):
        return Scripts(Row((base,)), below, above)
    if isinstance(base, Scripts):
        return Scripts(base.base, base.below or below, base.above or above, base.primes)
    return Scripts(base, below, above)


def dot(left: Part, right: Part) -> Formula:
    """The product of two vectors: w.x as text.

    >>> dot("w", row("gamma", named("phi'")))
    Formula("w.(gamma phi')", "w^\\\\top \\\\gamma \\\\phi'")
    """
    if is_sum(right):
        return row(transposed(left), bracketed(right))
    shown = row(transposed(left), right)
    return spoken(row(bracketed(left) if wide(left) else left, ".", bracketed(right)), shown) if wide(right) else shown


def fraction(above: Part, below: Part, style: str = "frac") -> Formula:
    """A fraction; style: "frac", or "tfrac" for a small one."""
    return Formula(Quotient(node(above), node(below), style))


@lru_cache(maxsize=65536)
def number(value: Fraction | int) -> Formula:
    """A rational: -3/7.

    >>> number(Fraction(-3, 7))
    Formula('-3/7', '-\\\\tfrac{3}{7}')
    """
    value = Fraction(value)
    size = abs(value)
    shown: Part = str(size) if size.denominator == 1 else fraction(str(size.numerator), str(size.denominator), "tfrac")
    return row("-", shown) if value < 0 else row(shown)


def decimal(text: str) -> Formula:
    """A number as it is printed, -3/7, 0.25 or 1e-9.

    >>> decimal("-1.5e-9")
    Formula('-1.5 * 10^-9', '-1.5 \\\\cdot 10^{-9}')
    """
    digits, _, exponent = text.removeprefix("-").partition("e")
    above, _, below = digits.partition("/")
    parts: list[Part] = ["-"] if text.startswith("-") else []
    parts.append(fraction(above, below, "tfrac") if below else Formula(Sign("number", digits)))
    if exponent:
        parts += [Formula(Sign("operator", "⋅")), power("10", number(int(exponent)))]
    return row(*parts)


def product(*factors: Part) -> Formula:
    """Factors beside one another, sums among several of them in brackets."""
    return row(*(bracketed(x) if len(factors) > 1 and is_sum(x) else x for x in factors))


def added(parts: Iterable[Part]) -> Formula:
    """Formulas with a plus between them, or the minus that stands in front of one; 0 when there is none.

    >>> added([row("-", "a"), "b", row("-", "c", "d")])
    Formula('-a + b - c d', '-a + b - c d')
    """
    result: list[Part] = []
    for part in parts:
        result += ["+", part] if result and not negative(part) else [part]
    return row(*result) if result else row("0")


def linear(terms: Iterable[tuple[Fraction, Formula | None]]) -> Formula:
    """A sum of rational multiples of formulas, None for one; 0 when there is none.

    >>> linear([(Fraction(-1), named("a")), (Fraction(1, 2), named("a")), (Fraction(-3), None)])
    Formula('-a + 1/2 a - 3', '-a + \\\\tfrac{1}{2} a - 3')
    """
    return added(multiple(number(c), base) for c, base in terms)


def multiple(factor: Formula, base: Formula | None) -> Formula:
    """A factor and what it multiplies, None for one: sums in brackets, and a factor of one left out."""
    if base is None:
        return factor
    return row(*["-"] * negative(factor), base) if without_sign(factor) == number(1) else product(factor, base)


def equation(left: Part, right: Part, sign: str = "=") -> Formula:
    """left = right."""
    return row(left, sign, right)


def summed(index: Part, body: Part, first: Part = "1", last: Part | None = None, sign: str = "sum") -> Formula:
    """A sum over an index, or another big operator: from `first` to `last`, where a last one is given."""
    below, above = (node(index), None) if last is None else (row(index, "=", first).tree, node(last))
    return row(Formula(Scripts(node(sign), below, above)), body)


def entry(name: Part, *index: Part) -> Formula:
    """An entry by its indices: Y[k, t] as text."""
    return spoken(call(name, *index, brackets="[]"), indexed(name, *index))


def cases(pieces: Sequence[tuple[Part, Part]]) -> Formula:
    """Values, each with where it holds."""
    body = tuple((row(value).tree, row(where).tree) for value, where in pieces)
    return Formula(Fenced("{", Grid("cases", body), ""))


def matrix(rows: Sequence[Sequence[Part]], environment: str = "pmatrix") -> Formula:
    """A matrix in brackets, or in what else its environment sets around it."""
    body = tuple(tuple(row(x).tree for x in line) for line in rows)
    left, right = ENVIRONMENTS[environment]
    grid = Grid(environment, body)
    return Formula(Fenced(left, grid, right) if left or right else grid)


def aligned(rows: Sequence[Sequence[Part]]) -> Formula:
    """Lines below one another, aligned where their parts meet."""
    body = tuple(tuple(row(x).tree for x in line) for line in rows)
    return Formula(Grid("aligned", body))
