"""Claims about the invariance of layers that attend by patterns: a kernel held opaque, or a state in a column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ...symbolic.arithmetics.arithmetic import RATIONALS
from ...symbolic.arithmetics.prime_field import PRIME
from ...symbolic.errors import ArgumentError, ContentError, LayerproofError
from ...symbolic.invariance.decide import ATTEMPTS, enumerable
from ...symbolic.invariance.parity import keeps
from ...symbolic.invariance.pattern_sets import (
    PatternSet,
    PatternWitness,
    balance_rates,
    degree,
    find_witness,
    kernel_of,
    named_set,
    polynomials,
    random_residual,
    single_sample,
)
from ...symbolic.invariance.pattern_training import COLUMN, PatternSpace, pattern_space, prompts
from ...symbolic.invariance.samples import TEACHER, Outer
from ...symbolic.invariance.symmetry import SymmetryGroup, identity
from ...symbolic.patterns.given import pattern_form
from ...symbolic.patterns.heads import PatternForm
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.patterns.run import prompt
from ...symbolic.strict_json import rational_text
from .. import limit
from ..case import Progress, silent
from ..verdict import Claim, Verdict
from .at_depth import BLOCKS, ENTRYWISE, EXACT, RANDOM, AtDepth
from .question import PATTERN, SETS, Question
from .witness import entry_name, outside
from .work import RATIONAL_DEPTH

WORTHLESS = Fraction(1, 2**20)
BY_PARITY = "proved for all d and n and every pattern (parity of row blocks)"
EXPANDED = 60
"""The most numbers of a sample for which one layer's averaged update is expanded into polynomials."""


@dataclass(frozen=True, eq=False)
class PatternAtDepth(AtDepth):
    """One algorithm that attends by patterns at one depth."""

    space: PatternSpace
    group: SymmetryGroup
    outer: Outer | str
    seed: int

    @property
    def name(self) -> str:
        """The algorithm's name."""
        return self.space.form.algorithm.name

    @property
    def laws(self) -> str:  # type: ignore[override]
        """What else than a symmetric law a set is invariant for."""
        return "" if self.space.kind == COLUMN else " and every pattern"


def pattern_claims(algorithm: PatternAlgorithm, question: Question, progress: Progress = silent) -> Iterator[Claim]:
    """The claims about one algorithm at every depth; one UNDECIDED where nothing is known about how it is trained."""
    known = _known(algorithm, question)
    if isinstance(known, str):
        yield unknown(algorithm, question, known)
        return
    form, values = known
    outer: Outer | str = TEACHER
    if question.outer != TEACHER:
        outer = Outer(question.window, question.outer, discount=question.gamma)
        if algorithm.chained and question.window != "sliding":
            raise ArgumentError(
                f"window is {question.window!r}, but the query of {algorithm.name} is its trajectory's last state: "
                "wanted sliding"
            )
    _check_work(form, question)
    for depth, looped in question.depths():
        space = pattern_space(form, question.features, question.context, depth, looped, values)
        subject = PatternAtDepth(space, question.symmetry, outer, question.seed)
        progress(f"{algorithm.name}, {subject.depth_words}")
        yield from _claims(subject, question)


def _known(algorithm: PatternAlgorithm, question: Question) -> tuple[PatternForm, dict[str, Fraction]] | str:
    """The form and its parameters; or why nothing is known."""
    if algorithm.column and question.outer != TEACHER:
        return (
            "a state in a column has no query, so no prediction that the expected "
            f"{question.outer} update follows: ask with --outer {TEACHER}, where layers are trained to return the "
            "textbook's state"
        )
    if not algorithm.column and question.outer == TEACHER:
        return f"--outer {TEACHER} is worked out for a state in a column of its own only"
    if not enumerable(question.symmetry):
        return f"the group {question.symmetry.name} is too large to average over element by element"
    values = algorithm.values({"gamma": question.gamma, "lam": question.lam, **question.values})
    try:
        form = pattern_form(algorithm)
        pattern_space(form, question.features, question.context, 1, True, values)
    except (ArgumentError, ContentError):
        raise
    except LayerproofError as error:
        return str(error)
    return form, values


def unknown(algorithm: PatternAlgorithm, question: Question, reason: str) -> Claim:
    """That it is not known which sets are kept, and why."""
    asked = question.set
    if asked is None:
        which = "which sets of weights are invariant"
    else:
        which = f"the set {asked} is invariant" if isinstance(asked, str) else "the set that is given is invariant"
    details = {"fact": PATTERN, "layers": question.layers, "looped": question.looped, "state": algorithm.state}
    return Claim(
        algorithm.name, f"{which} under the expected {question.outer} update", EXACT, Verdict.UNDECIDED, "",
        f"nothing is known here either way: {reason}", details=details,
    )  # fmt: skip


def _check_work(form: PatternForm, question: Question) -> None:
    """Raise `WorkLimitError` above the limit: every set's samples are moved by every element of the group."""

    def parts(z: Mapping[str, int]) -> dict[str, int]:
        d, n, L = z["features"], z["context"], z["layers"]
        m, N = sum(1 if row.scalar else d for row in form.algorithm.rows), n + 1
        one = 2 * L * len(form.heads) * (3000 + 40 * m * m + 20 * N * m + 10 * N * N) + 400 * N * m
        order = question.order(d) or 1
        numbers = (n + 3) * d + n + 2
        depths, shrunk = len(question.depths()), 2 * numbers if L <= RATIONAL_DEPTH else 0
        return {"moving samples by the group": depths * len(SETS) * order * one * (30 + shrunk + (d * m * L) // 4)}

    sizes = {"features": question.features, "context": question.context, "layers": question.layers or 2}
    limit.check(question.max_work, {k: limit.Size(x) for k, x in sizes.items()}, parts, form.algorithm.name)


def _claims(subject: PatternAtDepth, question: Question) -> Iterator[Claim]:
    asked = question.set
    if asked is not None and not isinstance(asked, str):
        given = subject.given(asked, question.source)
        if "dimension" in asked:
            yield subject.dimension(given, int(asked["dimension"]))
        yield from judge(subject, given)
        return
    several = subject.space.stored > 1
    if asked == "last-layer" and not several:
        raise ArgumentError("the set last-layer is for sequential weights of two or more layers")
    for name in [asked] if asked else [s for s in SETS if s != "last-layer" or several]:
        weights = named_set(subject.space, subject.group, subject.outer, name, subject.seed)
        if weights is None:
            text = f"the set {name} is invariant, {subject.depth_words}"
            reason = "its directions are no rationals with numerator and denominator below 2^20: it is not written down"
            yield subject.claim(text, RANDOM, Verdict.UNDECIDED, "", reason, details={"set": name})
        else:
            yield from judge(subject, weights)
    if asked is None:
        yield from _facts(subject)


def judge(subject: PatternAtDepth, weights: PatternSet) -> Iterator[Claim]:
    """The claims that one set is invariant: one REFUTED with its witness, or one for each kind of evidence."""
    space, group, outer, seed = subject.space, subject.group, subject.outer, subject.seed
    column, claim = space.kind == COLUMN, subject.of_set(weights)
    left = random_residual(weights, group, outer, seed)
    witness = None
    if space.depth <= RATIONAL_DEPTH:
        # The field may hide what the rationals show: a few samples are tried over Q even when it says yes.
        witness = find_witness(weights, group, outer, seed, ATTEMPTS if left else ATTEMPTS // 4)
    if witness is not None:
        moved = "; ".join(f"{x['entry']} by {x['value']}" for x in outside(space, witness.residual)[:6])
        reason = f"one sample's orbit moves {moved} out of the set"
        yield claim(EXACT, Verdict.REFUTED, "", reason, witness=_document(subject, witness))
        return
    if left:
        places = ", ".join(entry_name(space, k) for k in left[:3])
        yield claim(RANDOM, Verdict.REFUTED, "", f"the averaged update leaves the set at {places}")
        return
    negated = tuple(tuple(-x for x in row) for row in identity(space.d))
    if not column and negated in (group.elements or ()) and keeps(weights):
        reason = "every block of V that the averaged update can move is free in the set; all others average to zero"
        yield claim(BLOCKS, Verdict.HOLDS, BY_PARITY, reason, details={"short": "all d, n, K"})
    size = (space.n + 3) * space.d + space.n + 2 + (space.d if column else 2 * (space.n + 1) ** 2)
    if space.depth == 1 and size <= EXPANDED:
        expanded = polynomials(weights, group, outer)
        verdict = Verdict.REFUTED if expanded.left else Verdict.HOLDS
        remaining = "; ".join(f"{entry_name(space, k)}: {p}" for k, p in list(expanded.left.items())[:3])
        reason = (
            f"{expanded.compared} entries of the averaged update, {expanded.variables} variables"
            + ("" if column else ", the patterns' entries among them")
            + f", d={space.d}, n={space.n}: "
            + (f"left over: {remaining}" if remaining else "every residual outside the set is the zero polynomial")
        )
        yield claim(ENTRYWISE, verdict, "identity of polynomials at this d and n", reason)
    bound = Fraction(degree(space), PRIME)
    reason = f"a random point of the set{'' if column else ', random patterns'} and a random sample, averaged over all "
    reason += (
        f"{len(group.elements or ())} elements: degree {degree(space)}, error probability at most {float(bound):.0e}"
    )
    known = bound < WORTHLESS
    yield claim(RANDOM, Verdict.HOLDS if known else Verdict.UNDECIDED, "at random points modulo 2^61 - 1", reason)


def _facts(subject: PatternAtDepth) -> Iterator[Claim]:
    space = subject.space
    if space.depth <= RATIONAL_DEPTH:
        witness = single_sample(space, subject.group, subject.outer, subject.seed)
        if witness is not None:
            yield subject.single(witness.residual, rational_text, _sample(witness))
    if space.kind == COLUMN:
        rates = balance_rates(space, subject.outer, subject.seed)
        yield subject.claim(
            f"the gradient flow conserves ||V||^2 - ||Q||^2 of each head, {subject.depth_words}", RANDOM,
            Verdict.REFUTED if any(x != 0 for x in rates) else Verdict.HOLDS, "at random points modulo 2^61 - 1",
            f"its derivative along the update is {', '.join(map(str, rates))} at random weights and a random sample, "
            "no average taken",
            details={"fact": "flow"},
        )  # fmt: skip


def _sample(witness: PatternWitness) -> dict[str, Any]:
    t = witness.sample.trajectory
    starts = {name: [rational_text(x) for x in values[0]] for name, _, values in t.extras}
    return {
        "features": [[rational_text(x) for x in f] for f in t.features],
        "rewards": [rational_text(x) for x in t.rewards],
        **({"starting_state": starts} if starts else {}),
    }


def _document(subject: PatternAtDepth, witness: PatternWitness) -> dict[str, Any]:
    """A witness as plain data: the sample, its prompts and patterns, the layer, the weights, what leaves the set."""
    space, outer = subject.space, subject.outer
    own = space.layer(RATIONALS)
    window = "sliding" if isinstance(outer, str) else outer.window
    made = prompts(space, RATIONALS, witness.sample.trajectory, window, witness.sample.patterns)

    def rows(matrix: Any) -> list[list[str]]:
        return [[rational_text(Fraction(x)) for x in row] for row in matrix]

    def weights(point: Any) -> list[dict[str, list[list[str]]]]:
        return [
            {name: rows(space.matrix_rows(point, layer, k)) for k, name in enumerate(space.matrices)}
            for layer in range(space.stored)
        ]

    at, factor = space.read or (0, Fraction(1))
    return {
        **_sample(witness),
        "outer": {
            "kind": subject.kind,
            "discount": "0" if isinstance(outer, str) else rational_text(outer.discount),
        },
        "read_out": None if space.read is None else {"row": space.row_names()[at], "factor": rational_text(factor)},
        "rows": space.row_names(),
        "depth": space.depth,
        "prompts": [rows(prompt(s, s.start).fractions()) for s in made],
        "patterns": [] if space.kind == COLUMN else [rows(K) for K in witness.sample.patterns],
        "kernel": "" if space.kind == COLUMN else kernel_of(space),
        "mask": [list(row) for row in own.mask],
        "scale": rational_text(own.scale.fraction()),
        "shift": None if own.shift is None else [rows(x.fractions()) for x in own.shift],
        "parameters": {name: rational_text(x) for name, x in space.parameters.items()},
        "law": f"the sample moved by every element of {subject.group.name}, with equal probability",
        "window": window,
        "weights": weights(witness.point),
        "expected_update": weights(witness.update),
        "outside": outside(space, witness.residual),
    }
