"""Evidence `identity-random`: both sides at a random point of a prime field, at larger sizes."""

from __future__ import annotations

from collections.abc import Iterator

from ...symbolic.identity.degree import NoDegreeError
from ...symbolic.identity.random import RandomResult, random_identity
from ...symbolic.sizes import nearest
from ..case import Case
from ..verdict import Claim, Verdict, number_text

NAME, ORDER = "identity-random", 50
NEEDS = "blocks"
STRENGTH = "at random points of a prime field, with an error probability"
LEAST_FEATURES, LEAST_CONTEXT = 16, 200
DIVIDES = (
    "the update divides by what is drawn at random, a step of each layer: a quotient has no degree, by which the "
    "probability of an error would be bounded"
)


def establish(case: Case) -> Iterator[Claim]:
    """Evaluate every layer, column and row at one random point modulo 2^61 - 1, at least at d = 16, n = 200."""
    s = case.settings
    algorithm = case.algorithm
    wanted = {"d": max(s.features, LEAST_FEATURES), "n": max(s.context, LEAST_CONTEXT), "L": s.layers}
    sizes = nearest(algorithm.name, algorithm.size_constraints, wanted, {"L"})
    d, n = sizes["d"], sizes["n"]
    try:
        result = random_identity(case.form, d, n, s.layers, case.parameters, s.seed, s.looped)
    except NoDegreeError:
        text = f"all {s.layers} layers are the iterates at a random point modulo 2^61 - 1 (d = {d}, n = {n})"
        yield Claim(algorithm.name, text, NAME, Verdict.NOT_RUN, STRENGTH, DIVIDES)
    else:
        yield judged(algorithm.name, s.layers, result)


def judged(name: str, layers: int, result: RandomResult) -> Claim:
    """The claim about an evaluation at a random point, of so many layers."""
    d, n = result.d, result.n
    m = result.mismatch
    probability = float(result.probability)
    return Claim(
        name,
        f"all {layers} layers are the iterates at a random point modulo 2^61 - 1 (d = {d}, n = {n})",
        NAME,
        Verdict.HOLDS if m is None else Verdict.REFUTED,
        STRENGTH,
        f"equal; a false identity over the field passes with probability at most {probability:.1e} "
        f"(degree {result.degree})"
        if m is None
        else f"layer {m.layer}, row {m.row}, {m.column_name}: the values differ",
        witness=None
        if m is None
        else {
            "layer": m.layer,
            "row": m.row,
            "column": m.column_name,
            "layer_value": number_text(m.layer_value),
            "iterate_value": number_text(m.iterate_value),
            "modulus": str(result.prime),
        },
        details={"d": d, "n": n, "degree": result.degree, "prime": str(result.prime), "probability": probability},
    )
