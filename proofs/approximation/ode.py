"""The ODEs v' = h(v) and v' = h_infinity(v): linear ones by their matrix, others by a contraction in a sup-norm."""

from __future__ import annotations

from fractions import Fraction

from ...symbolic.approximation.contraction import Contraction, contraction, equilibrium, fixed_point, unmoved, without
from ...symbolic.approximation.linear import Reduced, Spectrum, trace
from ...symbolic.approximation.linear import fixed_point as linear_fixed_point
from ...symbolic.approximation.ratio import Bound, Ratios, ratios
from ...symbolic.approximation.scaling import at_infinity
from ...symbolic.exact import decimal_text
from ...symbolic.markov import matrices
from ...symbolic.markov.matrices import Vector
from ..verdict import Claim
from .study import Study, number, texts, vector

SHOWN = 6
"""Matrices up to this size stand in the JSON."""


def negative_definite(study: Study) -> Claim:
    """A + A^T < 0 on the space that updates span; else a vector against it."""
    linear = study.linear
    if linear is None:
        return _not_linear(study, "negative-definite")
    if not linear.A.nrows():
        return study.skipped("negative-definite", "no update moves anything")
    against = study.against_definite
    if against is None:
        return study.holds(
            "negative-definite", True, f"pivots of -(A + A^T) are positive{_modulo(study)}", **_matrix(linear)
        )
    v = linear.lifted(against)
    value = _quadratic(linear, against)
    return study.holds(
        "negative-definite", False, f"v^T A v = {number(value)} at v = {vector(v)}{_modulo(study)}",
        witness_vector=texts(v), **_matrix(linear),
    )  # fmt: skip


def _quadratic(linear: Reduced, z: Vector) -> Fraction:
    """v^T A v at v = U z, in the weights' own coordinates."""
    column = matrices.column(z)
    return matrices.fraction(((linear.U * column).transpose() * (linear.U * (linear.A * column)))[0, 0])


def hurwitz(study: Study) -> Claim:
    """All eigenvalues of A in the open left half-plane, on the space that updates span."""
    if study.linear is None:
        return _not_linear(study, "hurwitz")
    if study.undecided:
        return study.open("hurwitz", study.undecided)
    if study.spectrum is None:
        return study.skipped("hurwitz", "no update moves anything")
    spectrum = study.spectrum
    reason = _stable(spectrum) if spectrum.hurwitz else _unstable(study, spectrum)
    return study.holds("hurwitz", spectrum.hurwitz, f"{reason}{_modulo(study)}", method=spectrum.how,
                       polynomial=texts(spectrum.polynomial) if len(spectrum.polynomial) <= 2 * SHOWN else None,
                       lyapunov=spectrum.lyapunov and [texts(row) for row in matrices.rows(spectrum.lyapunov)],
                       conserved=[texts(c) for c in study.conserved])  # fmt: skip


def _stable(spectrum: Spectrum) -> str:
    polynomial = polynomial_text(spectrum.polynomial) or "the characteristic polynomial"
    return {
        "M-matrix": (
            f"A u = -1 has the solution u = {vector(spectrum.vector)} > 0, and A is non-negative off its diagonal"
        ),
        "negative definite": "A + A^T is negative definite",
        "Lyapunov matrix": "X > 0 and A^T X + X A < 0 for an exact X, by their pivots",
        "Routh array": f"the Routh array of {polynomial} has a positive first column",
    }[spectrum.how]


def _unstable(study: Study, spectrum: Spectrum) -> str:
    linear = study.linear
    assert linear is not None
    if linear.A.nrows() == 1:
        return f"A = {number(matrices.entries(linear.A)[0])}"
    if spectrum.vector and (spectrum.root is None or spectrum.root.real < 1e-12):
        return f"A v = 0 at v = {vector(linear.lifted(spectrum.vector))}"
    if spectrum.how == "trace":
        return f"its trace is {number(matrices.fraction(trace(linear.A)))}, the sum of its eigenvalues"
    if spectrum.how == "determinant":
        return "the sign of its determinant is not that of a product of eigenvalues left of 0"
    if spectrum.root is not None:
        imaginary = f" {spectrum.root.imag:+.6g} i" if spectrum.root.imag else ""
        shown = polynomial_text(spectrum.polynomial)
        return f"an eigenvalue near {spectrum.root.real:.6g}{imaginary}" + (f", of {shown}" if shown else "")
    return "the Routh array of its characteristic polynomial has a first column that is not positive"


def polynomial_text(p: Vector) -> str:
    """A polynomial as text; empty where it is long."""
    terms = []
    for k in range(len(p) - 1, -1, -1):
        if p[k]:
            power = "" if k == 0 else "x" if k == 1 else f"x^{k}"
            size = number(abs(p[k])) if abs(p[k]) != 1 or not power else ""
            terms.append(("- " if p[k] < 0 else "+ ") + " ".join(x for x in (size, power) if x))
    shown = " ".join(terms).removeprefix("+ ")
    return shown if len(shown) <= 100 else ""


def _modulo(study: Study) -> str:
    count = len(study.conserved)
    if not count:
        return ""
    first = study.conserved[0]
    removed = "a conserved quantity" if count == 1 else f"{count} conserved quantities"
    return f"; on the space that updates span, {removed} removed: {vector(first)}"


def _matrix(linear: Reduced) -> dict[str, object]:
    if linear.A.nrows() > SHOWN:
        return {}
    return {"A": [texts(row) for row in matrices.rows(linear.A)], "b": texts(matrices.entries(linear.b))}


def _not_linear(study: Study, key: str) -> Claim:
    if study.field is None:
        return study.without_field(key)
    return study.holds(key, False, "the mean field is not affine: it has " + (
        "a maximum" if study.samples.table.maxima else "products of weights"))  # fmt: skip


def at_infinity_claim(study: Study) -> Claim:
    """v' = h_infinity(v) globally asymptotically stable."""
    key = "ode-at-infinity"
    if study.field is None:
        return study.without_field(key)
    if not study.piecewise_affine:
        return study.skipped(key, "there is no h_infinity")
    if study.linear is not None:
        return _linear_ode(study, key)
    entries = without([at_infinity(q) for q in study.field.entries], study.still)
    certificate = contraction(entries)
    if certificate is not None:
        return study.holds(key, True, contraction_text(certificate) + _unmoved(study), **_certificate(certificate))
    point = equilibrium(entries, study.conserved)
    if point is not None:
        reason = f"h_infinity(v) = 0 at v = {vector(point)}, and not only at 0"
        return study.holds(key, False, reason, witness_vector=texts(point))
    return _not_certified(study, key)


def mean_ode(study: Study) -> Claim:
    """v' = h(v) with one equilibrium that attracts everything."""
    key = "mean-ode"
    if study.field is None:
        return study.without_field(key)
    if study.linear is not None:
        return _linear_ode(study, key)
    if not study.piecewise_affine:
        return study.skipped(key, "the mean field is not piecewise affine: its stability is not looked into")
    entries = without(study.field.entries, study.still)
    certificate = contraction(entries)
    if certificate is None:
        direction = unmoved(entries, study.conserved)
        if direction is None:
            return _not_certified(study, key)
        return study.holds(
            key, False, f"h(v + t u) = h(v) for u = {vector(direction)}", witness_vector=texts(direction)
        )
    limit = fixed_point(entries)
    reason = contraction_text(certificate) + _unmoved(study)
    if limit is None:
        return study.holds(key, True, reason, **_certificate(certificate))
    return study.holds(
        key, True, f"{reason}; h(v*) = 0 at v* = {vector(limit)}", limit=texts(limit), **_certificate(certificate)
    )


def _unmoved(study: Study) -> str:
    names = [study.samples.names[i] for i in study.still]
    return f"; {', '.join(names[:4])}{', ...' * (len(names) > 4)} never moved, from v_0 = 0" if names else ""


def _linear_ode(study: Study, key: str) -> Claim:
    """A linear ODE is globally asymptotically stable exactly when its matrix is Hurwitz."""
    linear, spectrum = study.linear, study.spectrum
    assert linear is not None
    if study.undecided:
        return study.open(key, study.undecided)
    if spectrum is None:
        return study.skipped(key, "no update moves anything")
    if not spectrum.hurwitz:
        return study.holds(key, False, f"A is not Hurwitz: {_unstable(study, spectrum)}{_modulo(study)}")
    if key == "ode-at-infinity":
        return study.holds(key, True, f"v' = A v with A Hurwitz{_modulo(study)}")
    limit = linear.lifted(linear_fixed_point(linear.A, linear.b))
    more = " from v_0 = 0" if study.conserved else ""
    return study.holds(key, True, f"A v* + b = 0 at v* = {vector(limit)}{more}", limit=texts(limit))


def _not_certified(study: Study, key: str) -> Claim:
    """Cited where the rule names a source, which asks for a process that communicates; else open."""
    source = study.rule.cited.get(key)
    reason = "no weighted sup-norm contracts under the worst branches"
    if source is not None and (not study.chain.irreducible or study.still):
        return study.open(key, f"{reason}, and {source} asks for an irreducible chain in which every action is taken")
    return study.open(key, reason) if source is None else study.cited(key, f"{reason}: cited from {source}")


def contraction_text(certificate: Contraction) -> str:
    """A certificate in words."""
    plain = len(set(certificate.weights)) == 1
    norm = "the sup-norm" if plain else f"max |v_i|/w_i, w = {vector(certificate.weights)}"
    return f"solutions approach each other at the rate {number(certificate.rate)} in {norm}"


def _certificate(certificate: Contraction) -> dict[str, object]:
    return {"weights": texts(certificate.weights), "rate": texts([certificate.rate])[0]}


def ratio_claim(study: Study) -> Claim | None:
    """For which ratios of the two steps the matrix is Hurwitz; None for a rule without a ratio."""
    if study.linear is None or study.symbolic_field is None:
        return None
    stable = ratios(study.symbolic_field, study.conserved)
    if stable is None:  # what is conserved depends on the ratio, or there is too much of it
        return None
    intervals = stable.intervals
    everywhere = len(intervals) == 1 and intervals[0][0].exact == 0 and intervals[0][1].near is None
    return study.holds("ratio", everywhere, ratio_text(stable), intervals=[
        [_bound_data(low), _bound_data(high)] for low, high in intervals])  # fmt: skip


def ratio_text(stable: Ratios) -> str:
    """The intervals in words."""
    if not stable.intervals:
        return "Hurwitz for no eta = beta/alpha"
    spans = " and ".join(f"({_bound(low)}, {_bound(high)})" for low, high in stable.intervals)
    proof = {
        "energy": "x^T x + u^T u/eta falls along every solution",
        "Hurwitz determinants": "between the positive roots of a_0 Delta_{n-1}",
    }[stable.proof]
    return f"Hurwitz exactly for eta = beta/alpha in {spans}: {proof}"


def _bound(bound: Bound) -> str:
    if bound.near is None:
        return "infinity"
    return number(bound.exact) if bound.exact is not None else f"about {decimal_text(Fraction(bound.near), 8)}"


def _bound_data(bound: Bound) -> str | float | None:
    return texts([bound.exact])[0] if bound.exact is not None else bound.near
