"""The exact arithmetics against plain Fractions and integers, and the contraction algebra against concrete vectors."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from helpers import apply, dot, matrices, plus, rationals, times, transposed, vectors
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from own_algorithms import own

from layerproof.symbolic.algorithms import find
from layerproof.symbolic.arithmetics.arithmetic import PRIME_FIELD, RATIONALS
from layerproof.symbolic.arithmetics.columns import Columns
from layerproof.symbolic.arithmetics.entries import EntryMatrix, EntryVector
from layerproof.symbolic.arithmetics.prime_field import PRIME, FieldMatrix, FieldVector, element
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix, RationalVector
from layerproof.symbolic.derivation.contraction import Algebra
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.derivation.integer_masks import over_one_denominator
from layerproof.symbolic.derivation.words import transpose
from layerproof.symbolic.errors import NotPolynomialError
from layerproof.symbolic.identity.degree import DEGREES, Degree

SIZES = st.integers(1, 4)
huge = st.fractions(min_value=-(10**30), max_value=10**30)
numbers = st.one_of(rationals, huge)
quick = settings(max_examples=60, deadline=None)


def product(A, B):
    return transposed([apply(A, column) for column in transposed(B)])


def unreduced(x: Fraction, factor: int) -> Rational:
    """The same number, not in lowest terms."""
    return Rational.of(x) * Rational.of(Fraction(factor)) / Rational.of(Fraction(factor))


# rationals


@quick
@given(numbers, numbers, st.integers(1, 50), st.integers(1, 50))
def test_rational_numbers_are_the_fractions(x, y, a, b):
    left, right = unreduced(x, a), unreduced(y, -b)
    assert (left + right).fraction() == x + y
    assert (left - right).fraction() == x - y
    assert (left * right).fraction() == x * y
    assert (-left).fraction() == -x
    assert (left == right) == (x == y)
    assert left == x
    assert (left**3).fraction() == x**3
    for other in (y, int(y)):
        assert (left + other).fraction() == (other + left).fraction() == x + other
        assert (left - other).fraction() == x - other
        assert (other - left).fraction() == other - x
        assert (left * other).fraction() == (other * left).fraction() == x * other
    if y:
        quotient = left / right
        assert quotient.fraction() == x / y
        assert quotient.den > 0
        assert (left / y).fraction() == x / y


@quick
@given(numbers)
def test_division_by_zero_raises(x):
    for zero in (0, Fraction(0), Rational.of(0)):
        with pytest.raises(ZeroDivisionError):
            Rational.of(x) / zero
        with pytest.raises(ZeroDivisionError):
            RationalVector.of([x]) / zero


@quick
@given(st.data(), SIZES)
def test_rational_vectors_are_lists_of_fractions(data, d):
    u, v, c = data.draw(vectors(d)), data.draw(vectors(d)), data.draw(numbers)
    left, right = RationalVector.of(u), RationalVector.of(v)
    assert left.fractions() == u
    assert (left + right).fractions() == plus(u, v)
    assert (left - right).fractions() == plus(u, times(Fraction(-1), v))
    assert (-left).fractions() == times(Fraction(-1), u)
    for scalar in (c, Rational.of(c)):
        assert (left * scalar).fractions() == (scalar * left).fractions() == times(c, u)
        if c:
            assert (left / scalar).fractions() == times(1 / c, u)
    assert (left @ right).fraction() == dot(u, v)
    assert (left == right) == (u == v)
    assert left + right == right + left


@pytest.mark.slow
@quick
@given(st.data(), SIZES, SIZES, SIZES)
def test_rational_matrices_are_lists_of_rows(data, h, k, w):
    A, B = data.draw(matrices(h, k)), data.draw(matrices(h, k))
    C, v, c = data.draw(matrices(k, w)), data.draw(vectors(k)), data.draw(numbers)
    left, right = RationalMatrix.of(A), RationalMatrix.of(B)
    assert left.fractions() == A
    assert left.shape == (h, k)
    assert (left + right).fractions() == [plus(x, y) for x, y in zip(A, B, strict=True)]
    assert (left - right).fractions() == [plus(x, times(Fraction(-1), y)) for x, y in zip(A, B, strict=True)]
    assert (left @ RationalMatrix.of(C)).fractions() == product(A, C)
    assert (left @ RationalVector.of(v)).fractions() == apply(A, v)
    assert left.mT.fractions() == transposed(A)
    assert (left * c).fractions() == (c * left).fractions() == [times(c, row) for row in A]
    assert left.lowest_terms() == left
    assert left.lowest_terms().fractions() == A
    assert (left == right) == (A == B)
    assert left.take_rows([h - 1, 0]).fractions() == [A[-1], A[0]]
    assert RATIONALS.at(left, h - 1, 0) == A[-1][0]


@quick
@given(rationals, rationals)
def test_equal_numbers_with_different_denominators_are_equal_everywhere(x, y):
    same = RationalVector.of([x, y]) * Fraction(6) / 6
    assert same == RationalVector.of([x, y])
    matrix = RationalMatrix.of([[x, y]]) * Fraction(6) * Fraction(1, 6)
    assert matrix == RationalMatrix.of([[x, y]])
    assert matrix != RationalMatrix.of([[x, y + Fraction(1, 2**60)]])


@pytest.mark.slow
@quick
@given(st.data(), SIZES, SIZES)
def test_columns_are_one_vector_or_number_for_each_column(data, d, width):
    a, b = data.draw(matrices(width, d)), data.draw(matrices(width, d))
    (r, s), w, c = data.draw(matrices(2, width)), data.draw(vectors(d)), data.draw(numbers)
    left, right = (Columns.of([RationalVector.of(v) for v in m]) for m in (a, b))
    row, other, weight = Columns.of(r), Columns.of([unreduced(x, 3) for x in s]), RationalVector.of(w)

    def shown(columns: Columns) -> list[list[Fraction]]:
        return transposed(Columns.matrix([columns], width).fractions())

    assert shown(left + right) == [plus(u, v) for u, v in zip(a, b, strict=True)]
    assert shown(left - right) == [plus(u, times(Fraction(-1), v)) for u, v in zip(a, b, strict=True)]
    assert shown(-left) == [times(Fraction(-1), u) for u in a]
    assert shown(weight @ left) == shown(left @ weight) == [[dot(w, u)] for u in a]
    assert shown(row * left) == shown(left * row) == [times(x, u) for x, u in zip(r, a, strict=True)]
    assert shown(row * other) == [[x * y] for x, y in zip(r, s, strict=True)]
    for scalar in (c, Rational.of(c)):
        assert shown(left * scalar) == shown(scalar * left) == [times(c, u) for u in a]
        assert shown(row + scalar) == shown(scalar + row) == [[x + c] for x in r]
        assert shown(scalar - row) == [[c - x] for x in r]
        assert shown(row - scalar) == [[x - c] for x in r]
        if c:
            assert shown(left / scalar) == [times(1 / c, u) for u in a]
    stacked = Columns.matrix([left, row, c], width).fractions()
    assert stacked == [*transposed(a), r, [c] * width]


def test_what_columns_cannot_do_for_all_columns_alike_raises():
    wide = Columns.of([RationalVector.of([1, 2]), RationalVector.of([3, 4])])
    row = Columns.of([1, 2])
    for operation in (
        lambda: wide @ wide, lambda: row / row, lambda: 1 / row, lambda: row == row, lambda: bool(row),
        lambda: wide + RationalVector.of([1, 2]), lambda: wide + row, lambda: wide + 1, lambda: row > 0,
        lambda: wide @ RationalVector.of([1, 2, 3]), lambda: wide * wide, lambda: row**2,
    ):  # fmt: skip
        with pytest.raises(TypeError):
            operation()


# the prime field

residues = st.one_of(st.integers(0, PRIME - 1), st.sampled_from([0, 1, 2, PRIME - 1, PRIME - 2]))


def residue_rows(height: int, width: int) -> st.SearchStrategy[Any]:
    return st.lists(st.lists(residues, min_size=width, max_size=width), min_size=height, max_size=height)


def test_the_field_is_a_field():
    # 2^61 - 1 is a Mersenne prime: Lucas-Lehmer, s -> s^2 - 2 from 4 is 0 after 59 steps
    s = 4
    for _ in range(59):
        s = (s * s - 2) % PRIME
    assert (PRIME, s) == (2**61 - 1, 0)


@quick
@given(numbers)
def test_a_rational_becomes_numerator_over_denominator(x):
    assume(x.denominator % PRIME)  # what else is refused
    assert int(element(x)) * x.denominator % PRIME == x.numerator % PRIME


@quick
@given(st.data(), SIZES)
def test_field_vectors_are_lists_of_residues(data, d):
    (u, v), c = data.draw(residue_rows(2, d)), data.draw(residues)
    left, right = FieldVector.of(u), FieldVector.of(v)
    assert left.entries() == u
    assert (left + right).entries() == [(x + y) % PRIME for x, y in zip(u, v, strict=True)]
    assert (left - right).entries() == [(x - y) % PRIME for x, y in zip(u, v, strict=True)]
    assert (-left).entries() == [-x % PRIME for x in u]
    for scalar in (c, element(c), Fraction(c)):
        assert (left * scalar).entries() == (scalar * left).entries() == [x * c % PRIME for x in u]
        if c:
            assert ((left / scalar) * scalar).entries() == u
    assert int(left @ right) == sum(x * y for x, y in zip(u, v, strict=True)) % PRIME
    assert (left == right) == (u == v)


@quick
@given(st.data(), SIZES, SIZES, SIZES)
def test_field_matrices_are_rows_of_residues(data, h, k, w):
    A, B, C = data.draw(residue_rows(h, k)), data.draw(residue_rows(h, k)), data.draw(residue_rows(k, w))
    left, c = FieldMatrix.of(A), data.draw(residues)

    def rows(matrix: FieldMatrix) -> list[list[int]]:
        height, width = matrix.shape
        return [[int(PRIME_FIELD.at(matrix, i, j)) for j in range(width)] for i in range(height)]

    def modulo(entries: Any) -> list[list[int]]:
        return [[int(x) % PRIME for x in row] for row in entries]

    assert rows(left) == A
    assert rows(left + FieldMatrix.of(B)) == modulo([plus(x, y) for x, y in zip(A, B, strict=True)])
    assert rows(left @ FieldMatrix.of(C)) == modulo(product(A, C))
    assert (left @ FieldVector.of([row[0] for row in C])).entries() == modulo([apply(A, [row[0] for row in C])])[0]
    assert rows(left.mT) == transposed(A)
    scaled = modulo([times(Fraction(c), row) for row in A])
    assert rows(left * c) == rows(c * left) == rows(left * Fraction(c)) == scaled
    assert (left == FieldMatrix.of(B)) == (A == B)
    assert rows(left.take_rows([h - 1, 0])) == [A[-1], A[0]]


@pytest.mark.slow
@quick
@given(st.data(), SIZES)
def test_the_field_is_an_image_of_the_rationals(data, d):
    # a rational identity holds modulo the prime: which is why a difference there refutes one
    A, v, c = data.draw(matrices(d, d)), data.draw(vectors(d)), data.draw(numbers)

    def run(arithmetic: Any) -> Any:
        number, vector = arithmetic.number, arithmetic.vector([arithmetic.number(x) for x in v])
        matrix = arithmetic.matrix([[number(x) for x in row] for row in A])
        moved = matrix @ (vector + number(c) * vector) / 7 - vector
        return moved @ vector

    assert run(PRIME_FIELD) == element(run(RATIONALS).fraction())


# plain entries


@pytest.mark.slow
@quick
@given(st.data(), SIZES, SIZES, SIZES)
def test_entry_matrices_are_lists_of_rows(data, h, k, w):
    A, B, v = data.draw(matrices(h, k)), data.draw(matrices(k, w)), data.draw(vectors(k))
    assert (EntryMatrix(A) @ EntryMatrix(B)).rows == product(A, B)
    assert (EntryMatrix(A) @ EntryVector(v)).entries == apply(A, v)
    assert (EntryMatrix(A) + EntryMatrix(A)).rows == [plus(row, row) for row in A]
    assert (EntryMatrix(A) * Fraction(3)).rows == [times(Fraction(3), row) for row in A]
    assert EntryMatrix(A).mT.rows == transposed(A)
    assert EntryVector(v) @ EntryVector(v) == dot(v, v)
    assert (-EntryVector(v)).entries == times(Fraction(-1), v)


@pytest.mark.slow
@quick
@given(st.data(), SIZES)
def test_structural_zeros_are_zeros(data, d):
    A, B = (data.draw(matrices(d, d)) for _ in range(2))
    sparse = EntryMatrix([[x or None for x in row] for row in A])
    for result, wanted in (
        (sparse @ EntryMatrix(B), product(A, B)),
        (EntryMatrix(B) @ sparse, product(B, A)),
        (sparse + EntryMatrix(B), [plus(x, y) for x, y in zip(A, B, strict=True)]),
    ):
        assert [[x or 0 for x in row] for row in result.rows] == wanted


# the contraction algebra: what is equal there is equal at all concrete vectors

NAMES, MATRICES, PARAMETERS = ("u", "v", "w"), ("C", "D"), ("gamma", "lam")


class Values:
    """Numbers for the atoms of an algebra."""

    def __init__(self, data: Any, d: int):
        self.vectors = {name: data.draw(vectors(d)) for name in NAMES}
        self.matrices = {name: data.draw(matrices(d, d)) for name in MATRICES}
        self.scalars = {"R": data.draw(rationals)}
        self.parameters = {name: data.draw(rationals.filter(bool)) for name in PARAMETERS}

    def word(self, word, v):
        for name, flipped in reversed(word):
            v = apply(transposed(self.matrices[name]) if flipped else self.matrices[name], v)
        return v

    def generator(self, key):
        kind, *rest = key
        if kind == "contraction":
            left, word, right = rest
            return dot(self.vectors[left], self.word(word, self.vectors[right]))
        if kind == "scalar":
            return self.scalars[rest[0]]
        value = self.parameters[rest[0]]
        return 1 / value if kind == "inverse" else value

    def scalar(self, scalar):
        """A scalar of the algebra as a number, read from its parts."""
        total = Fraction(0)
        for monomial, part in scalar.parts().items():
            factor = Fraction(1)
            for position, exponent in monomial:
                factor *= self.generator(scalar.algebra.key(position)) ** exponent
            for exponents, coefficient in part.items():
                term = coefficient
                for name, exponent in exponents:
                    term *= self.parameters[name] ** exponent
                total += term * factor
        return total

    def vector(self, vector, d):
        total = [Fraction(0)] * d
        for (word, atom), coefficient in vector.terms.items():
            total = plus(total, times(self.scalar(coefficient), self.word(word, self.vectors[atom])))
        return total


class Both:
    """A symbol and its value, moved along together."""

    def __init__(self, symbol: Any, value: Any):
        self.symbol, self.value = symbol, value


@st.composite
def scalar_and_vector(draw, algebra: Algebra, values: Values, depth: int = 3) -> tuple[Both, Both]:
    """A random expression of each kind, built with the operations that an update may use."""
    name, matrix, parameter = (draw(st.sampled_from(choices)) for choices in (NAMES, MATRICES, PARAMETERS))
    vector = Both(algebra.vector(name), values.vectors[name])
    scalar = draw(
        st.sampled_from(
            [
                Both(algebra.scalar("R"), values.scalars["R"]),
                Both(algebra.parameter(parameter), values.parameters[parameter]),
                Both(algebra.number(Fraction(2, 3)), Fraction(2, 3)),
            ]
        )
    )
    for _ in range(draw(st.integers(0, depth))):
        other_name = draw(st.sampled_from(NAMES))
        other = Both(algebra.vector(other_name), values.vectors[other_name])
        symbol = algebra.matrix(matrix)
        operation = draw(st.sampled_from(["C", "C.T", "add", "subtract", "scale", "divide", "dot", "square", "plus"]))
        if operation == "C":
            vector = Both(symbol @ vector.symbol, apply(values.matrices[matrix], vector.value))
        elif operation == "C.T":
            vector = Both(symbol.T @ vector.symbol, apply(transposed(values.matrices[matrix]), vector.value))
        elif operation == "add":
            vector = Both(vector.symbol + other.symbol, plus(vector.value, other.value))
        elif operation == "subtract":
            vector = Both(other.symbol - vector.symbol, plus(other.value, times(Fraction(-1), vector.value)))
        elif operation == "scale":
            vector = Both(scalar.symbol * vector.symbol, times(scalar.value, vector.value))
        elif operation == "divide":
            by = Both(3 * algebra.parameter(parameter), 3 * values.parameters[parameter])
            vector = Both(vector.symbol / by.symbol, times(1 / by.value, vector.value))
            scalar = Both(scalar.symbol / by.symbol, scalar.value / by.value)
        elif operation == "dot":
            scalar = Both(scalar.symbol + vector.symbol @ other.symbol, scalar.value + dot(vector.value, other.value))
        elif operation == "square":
            scalar = Both(scalar.symbol * scalar.symbol, scalar.value**2)
        else:
            scalar = Both(1 - scalar.symbol, 1 - scalar.value)
    return scalar, vector


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_algebra_at_concrete_vectors_is_plain_arithmetic(d, data):
    algebra, values = Algebra(PARAMETERS), Values(data, d)
    scalar, vector = data.draw(scalar_and_vector(algebra, values))
    assert values.scalar(scalar.symbol) == scalar.value
    assert values.vector(vector.symbol, d) == vector.value


words = st.lists(st.tuples(st.sampled_from(MATRICES), st.booleans()), max_size=3).map(tuple)


@pytest.mark.slow
@quick
@given(st.sampled_from(NAMES), words, st.sampled_from(NAMES), st.data())
def test_a_contraction_is_its_transpose(left, word, right, data):
    algebra, values = Algebra(), Values(data, 2)
    contraction = algebra.contraction(left, word, right)
    assert contraction == algebra.contraction(right, transpose(word), left)
    assert transpose(transpose(word)) == word
    assert values.scalar(contraction) == dot(values.vectors[left], values.word(word, values.vectors[right]))


def test_u_c_v_is_v_ct_u_and_not_v_c_u():
    a = Algebra()
    u, v, C = a.vector("u"), a.vector("v"), a.matrix("C")
    assert u @ (C @ v) == v @ (C.T @ u) == (C @ v) @ u == (C.T @ u) @ v
    assert u @ (C @ v) != v @ (C @ u)
    assert u @ (C @ u) == u @ (C.T @ u)  # a number is its own transpose
    assert u @ v == v @ u
    assert C @ u != C.T @ u
    assert (C.T).T @ u == C @ u


def test_a_parameter_cancels_against_its_inverse():
    a = Algebra(["gamma"])
    gamma, u = a.parameter("gamma"), a.vector("u")
    assert gamma * (1 / gamma) == 1
    assert gamma * (u / gamma) == u
    assert gamma / gamma**2 == 1 / gamma
    assert 1 / gamma != gamma


def test_elements_made_before_the_ring_grew_still_count():
    a = Algebra(["gamma"])
    early = a.scalar("R") * a.parameter("gamma")
    many = [a.scalar(f"x{k}") for k in range(200)]
    assert early + many[-1] - many[-1] == a.scalar("R") * a.parameter("gamma")
    assert sum(many, a.number(0)) - sum(reversed(many), a.number(0)) == 0


def test_what_no_polynomial_can_do_raises():
    a = Algebra(["gamma"])
    R, u, v = a.scalar("R"), a.vector("u"), a.vector("v")
    for refused in (
        lambda: R > 0,
        lambda: u @ v >= R,
        lambda: max(R, u @ v),
        lambda: abs(R),
        lambda: float(R),
        lambda: u / R,
        lambda: 1 / (a.parameter("gamma") + R),
        lambda: R**-1,
    ):
        with pytest.raises(NotPolynomialError):
            refused()
    with pytest.raises(ZeroDivisionError):
        R / (R - R)
    for nonsense in (lambda: u * v, lambda: u + R, lambda: R + u, lambda: u @ R, lambda: a.matrix("C") @ R):
        with pytest.raises(TypeError):
            nonsense()


# degrees


class Polynomial:
    """A polynomial in x as {exponent: coefficient}, never with a zero coefficient: its true degree is known."""

    def __init__(self, coefficients: dict[int, Fraction]):
        self.coefficients = {e: c for e, c in coefficients.items() if c}

    @property
    def degree(self) -> int | None:
        return max(self.coefficients, default=None)

    def __add__(self, other):
        both = self.coefficients.keys() | other.coefficients.keys()
        return Polynomial({e: self.coefficients.get(e, 0) + other.coefficients.get(e, 0) for e in both})

    def __mul__(self, other):
        result: dict[int, Fraction] = {}
        for e, c in self.coefficients.items():
            for f, b in other.coefficients.items():
                result[e + f] = result.get(e + f, 0) + c * b
        return Polynomial(result)


@st.composite
def polynomial_and_bound(draw, size: int = 5) -> tuple[Polynomial, Degree]:
    """A polynomial with the degree that the same operations on degrees give."""
    x, one, zero = Polynomial({1: Fraction(1)}), Polynomial({0: Fraction(1)}), Polynomial({})
    pool = [(x, Degree(1)), (one, Degree(0)), (zero, Degree(None))]
    for _ in range(draw(st.integers(0, size))):
        (p, a), (q, b) = draw(st.sampled_from(pool)), draw(st.sampled_from(pool))
        operation = draw(st.sampled_from(["+", "-", "*", "scale"]))
        if operation == "+":
            pool.append((p + q, a + b))
        elif operation == "-":
            pool.append((p + q * Polynomial({0: Fraction(-1)}), a - b))
        elif operation == "*":
            pool.append((p * q, a * b))
        else:
            c = draw(st.sampled_from([0, -3, Fraction(1, 2)]))
            pool.append((p * Polynomial({0: Fraction(c)}), a * c))
    return pool[-1]


@quick
@given(polynomial_and_bound())
def test_a_degree_bounds_the_true_degree(pair):
    polynomial, bound = pair
    if polynomial.degree is not None:
        assert bound.value is not None
        assert polynomial.degree <= bound.value


def test_degrees_add_in_a_product_and_are_the_larger_in_a_sum():
    two, three, none = Degree(2), Degree(3), Degree(None)
    assert (two * three).value == 5
    assert (two + three).value == (three - two).value == 3
    assert (two * none).value is None
    assert (two + none).value == (none + two).value == 2
    assert (two**3).value == 6
    assert (none**0).value == 0
    assert (two * 0).value is None
    assert (2 * two / 7).value == 2
    assert not none
    assert Degree(0)
    with pytest.raises(ZeroDivisionError):
        two / three


def test_a_degree_matrix_keeps_its_zeros():
    A = DEGREES.matrix([[Degree(1), 0], [0, 2]])
    assert A.rows[0][1] is None
    assert [x.value if x else None for x in (A @ EntryVector([Degree(1), Degree(4)])).entries] == [2, 4]


@pytest.mark.parametrize("lam", [Fraction(1, 2), Fraction(0), Fraction(-3, 7), Fraction(1)])
@pytest.mark.parametrize("name", ["td-lambda", "average-reward-td"])
def test_masks_over_one_denominator_are_the_masks(name, lam):
    """The integers against the masks' entries one by one: the same numbers, in lowest terms."""
    values = {"lam": lam, "gamma": Fraction(2, 3)}
    for mask in derive(find(name)).masks:
        for n in (1, 2, 3, 4, 7):
            wanted = RationalMatrix.of(mask.rows(n, values, RATIONALS.number))
            matrix = over_one_denominator(mask, n, {k: values[k] for k in mask.names() & values.keys()})
            assert matrix == wanted
            assert matrix.den == wanted.den


def test_a_mask_with_the_position_in_an_exponent_is_the_mask():
    def update(weights, preconditioners, sweep, p):
        (w,) = weights
        sweep.total = 0 * w
        for t in sweep:
            sweep.total = sweep.total + p.lam**t.index * (t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi) * t.phi
        return (w + preconditioners[0] @ sweep.total / sweep.n,)

    (mask,) = (m for m in derive(own(update=update, parameters=("gamma", "lam"))).masks if not m.is_context_mask)
    values = {"lam": Fraction(2, 3)}
    matrix = over_one_denominator(mask, 4, values)
    assert matrix == RationalMatrix.of(mask.rows(4, values, RATIONALS.number))


def test_a_mask_of_what_is_no_power_is_left_to_its_entries():
    (mask,) = (m for m in derive(find("td-lambda")).masks if m.lower)
    weighed = replace(mask, lower=(replace(mask.lower[0], enters=mask.diagonal),))
    assert over_one_denominator(weighed, 3, {"lam": Fraction(1, 2)}) is None
