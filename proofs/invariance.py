"""Which sets of weights are invariant under the expected deep-TD update: the question asked, and its claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ..numeric.processes import whole_number
from ..numeric.set_file import weight_set
from ..numeric.strict_json import rational_text
from ..symbolic.algorithm import Algorithm
from ..symbolic.algorithms import catalogue
from ..symbolic.derive import derive
from ..symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ..symbolic.exact import exact_number
from ..symbolic.invariance.blocks import block_update
from ..symbolic.invariance.closure import Reached, reach
from ..symbolic.invariance.decide import (
    ATTEMPTS,
    InvarianceWitness,
    RandomInvariance,
    enumerable,
    equivariant,
    find_witness,
    random_invariance,
    single_sample,
    update_degree,
)
from ..symbolic.invariance.flow import balances
from ..symbolic.invariance.one_layer import one_layer_set
from ..symbolic.invariance.polynomials import residual_polynomials
from ..symbolic.invariance.samples import Outer
from ..symbolic.invariance.sets import (
    WeightSet,
    commutant,
    frozen_rows_of_last_layer,
    scaled_weights,
    zero_pattern,
)
from ..symbolic.invariance.symmetry import SymmetryGroup, group_named
from ..symbolic.invariance.weights import Point, WeightSpace
from ..symbolic.prime_field import PRIME
from ..symbolic.prompt import Layout
from .case import Progress, silent
from .invariance_proved import prove_now, proved_claim
from .user_file import guarded, origin, resolve_algorithm
from .verdict import Claim, Result, Verdict

SETS = ("weights", "zero-pattern", "one-layer", "last-layer", "smallest", "commutant")
"""The named sets, smallest first."""
MAX_ENTRIES, MAX_CONTEXT, MAX_LAYERS = 5000, 50, 100
"""The most trained entries that are looked at (a stored layer has m^2 of each matrix), and the largest n and L."""
RATIONAL_DEPTH = 4
"""The deepest transformer that runs on rationals here: entries grow threefold in degree with every layer."""
LARGEST = 10**9
"""The largest numerator or denominator of gamma and lambda: numbers as large as the prime could vanish in its field."""
WORTHLESS = Fraction(1, 2**20)
"""An error probability from here on is no evidence."""
EXACT, BLOCKS, ENTRYWISE, RANDOM = (f"invariance-{kind}" for kind in ("exact", "blocks", "entrywise", "random"))
PROVED_ALL, PROVED_N, PROVED_HERE, AT_RANDOM, COUNTED = (
    "proved for all d and n (block form)",
    "proved for all n at this d (block form)",
    "identity of polynomials at this d and n",
    "at random points modulo 2^61 - 1",
    "ranks modulo a prime, which can only be smaller than over Q",
)


@dataclass(frozen=True)
class Question:
    """What is asked about each algorithm.

    features, context : d, n;  layers : L, or None for 1 and 2;  looped : None for both
    gamma, lam, trace : the in-context algorithm's; gamma is the outer discount too
    group  : a name, or a group acting on d features;  weights : a set's name or document, or None for all named sets
    window, outer : which outer update
    source : the file that the document came from;  floats : also ask torch;  prove : also run the Rocq gate
    law, units : also sample that law, with so many random processes
    """

    features: int = 2
    context: int = 2
    layers: int | None = None
    looped: bool | None = None
    gamma: Fraction = Fraction(9, 10)
    lam: Fraction = Fraction(1, 2)
    trace: str | None = None
    seed: int = 0
    group: str | SymmetryGroup = "signed-permutations"
    window: str = "sliding"
    outer: str = "semi-gradient"
    weights: str | Mapping[str, Any] | None = None
    source: str | None = None
    floats: bool = True
    law: str | None = None
    prove: bool = False
    units: int = 2000

    def __post_init__(self) -> None:
        whole_number("features", self.features, 1)
        whole_number("context", self.context, 1)
        if self.layers is not None:
            whole_number("layers", self.layers, 1)
        whole_number("seed", self.seed, 0)
        whole_number("units", self.units, 2, 10**6)
        for name in ("gamma", "lam"):
            value = getattr(self, name)
            if not isinstance(value, Fraction) or not 0 <= value <= 1 or value.denominator > LARGEST:
                shown = value if isinstance(value, Fraction) else repr(value)
                raise ArgumentError(
                    f"{name} is {shown}, wanted an exact number from 0 to 1 such as 9/10, of at most 9 digits"
                )
        Outer(self.window, self.outer)
        if isinstance(self.weights, str) and self.weights not in SETS:
            raise ArgumentError(f"set is {self.weights[:40]!r}, wanted one of {', '.join(SETS)}, or a set's file")
        if not isinstance(self.group, (str, SymmetryGroup)):
            raise ArgumentError(f"group is {str(self.group)[:40]!r}, wanted a name or a SymmetryGroup")
        if not (self.weights is None or isinstance(self.weights, (str, Mapping))):
            raise ArgumentError(f"set is {str(self.weights)[:40]!r}, wanted a name or a set's document")
        for name in ("law", "trace"):
            if not (getattr(self, name) is None or isinstance(getattr(self, name), str)):
                raise ArgumentError(f"{name} is {str(getattr(self, name))[:40]!r}, wanted a name")
        if not (self.looped is None or isinstance(self.looped, bool)):
            raise ArgumentError(f"looped is {self.looped!r}, wanted True, False or None for both")
        if isinstance(self.group, SymmetryGroup) and self.group.d != self.features:
            raise ArgumentError(f"group acts on {self.group.d} features, wanted {self.features} as in features")

    @property
    def symmetry(self) -> SymmetryGroup:
        """The group that the law is symmetric under."""
        return group_named(self.group, self.features) if isinstance(self.group, str) else self.group

    def depths(self) -> list[tuple[int, bool]]:
        """(L, looped) of every transformer that is asked about; one layer is the same either way."""
        depths = [1, 2] if self.layers is None else [self.layers]
        shared = [True, False] if self.looped is None else [self.looped]
        return [(depth, looped) for depth in depths for looped in (shared if depth > 1 else [True])]

    def document(self) -> dict[str, Any]:
        """The settings as plain data."""
        group = self.group if isinstance(self.group, str) else self.group.name
        asked = self.weights if self.weights is None or isinstance(self.weights, str) else dict(self.weights)
        return {
            "features": self.features, "context": self.context, "layers": self.layers, "looped": self.looped,
            "gamma": rational_text(self.gamma), "lam": rational_text(self.lam), "trace": self.trace, "seed": self.seed,
            "group": group, "window": self.window, "outer": self.outer, "set": asked,
            "law": self.law, "units": self.units if self.law else None,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Subject:
    """One algorithm at one depth: trained weights, symmetry of the law, outer update, the algorithm's own weights."""

    algorithm: Algorithm
    space: WeightSpace
    group: SymmetryGroup
    outer: Outer
    start: Point
    seed: int
    progress: Progress

    @property
    def depth_words(self) -> str:
        """The depth in words."""
        depth = self.space.depth
        return "L = 1" if depth == 1 else f"L = {depth}, {'looped' if self.space.looped else 'sequential'}"

    def claim(self, text: str, evidence: str, verdict: Verdict, strength: str, reason: str, **more: Any) -> Claim:
        """A claim about this subject; its depth goes into the details."""
        details = {"layers": self.space.depth, "looped": self.space.looped, **more.pop("details", {})}
        return Claim(self.algorithm.name, text, evidence, verdict, strength, reason, details=details, **more)


def subjects(
    algorithms: Sequence[str | Algorithm], question: Question, progress: Progress = silent
) -> Iterator[Subject]:
    """One subject for each algorithm (all when none is named) and depth.

    Raises `ArgumentError` for a name that is not there, `WorkLimitError` for more than `MAX_ENTRIES` trained entries.
    """
    chosen = [resolve_algorithm(a, "train") for a in algorithms] or list(catalogue().values())
    for found in {id(a): a for a in chosen}.values():
        if found.extras and question.law is not None:
            raise ArgumentError(f"law samples no {found.extras[0][0]}, which the transitions of {found.name} carry")
        if question.trace is not None and "trace" not in found.options and len(chosen) == 1:
            raise ArgumentError(f"trace is {question.trace!r}, but {found.name} keeps no trace: leave it out")
        options = {"trace": question.trace} if question.trace is not None and "trace" in found.options else {}
        defaults = {name: exact_number(x, f"the default of {name}") for name, x in found.defaults.items()}
        parameters = {**defaults, "gamma": question.gamma, "lam": question.lam}
        missing = [name for name in found.parameters if name not in parameters]
        if missing:
            raise ArgumentError(f"{found.name} needs a value for {', '.join(missing)}")
        discounted = "gamma" in found.parameters or all(b.name != "phi_next" for b in found.features)
        outer = Outer(
            question.window, question.outer,
            discount=question.gamma if discounted else Fraction(1),
            average_reward=Fraction(0) if discounted else Fraction(1, 3),
        )  # fmt: skip
        derivation = derive(found, options)
        m = Layout.of(found, question.features, 1).m
        trained = 2 if len(derivation.heads) == 1 else 3 * len(derivation.heads)
        for depth, looped in question.depths():
            entries = trained * m**2 * (1 if looped else depth)
            if entries > MAX_ENTRIES or question.context > MAX_CONTEXT or depth > MAX_LAYERS:
                raise WorkLimitError(
                    f"{found.name} at d = {question.features}, n = {question.context}, L = {depth} has {entries} "
                    f"trained entries; the limits are {MAX_ENTRIES} entries, n = {MAX_CONTEXT} and L = {MAX_LAYERS}"
                )
        for depth, looped in question.depths():
            space = WeightSpace.of(derivation, question.features, question.context, depth, parameters, looped)
            start = space.algorithm_point([Fraction(1)] * space.stored)
            yield Subject(found, space, question.symmetry, outer, start, question.seed, progress)


def invariance(*algorithms: str | Algorithm, question: Question | None = None, progress: Progress = silent) -> Result:
    """Answer, for each algorithm and depth, which sets of weights are invariant; or judge the one set that is given.

    Without a set the result is the answer to a question: its exit code is 0 whatever the answer.  With one it is an
    assertion.
    """
    question = question or Question()
    claims: list[Claim] = []
    passed = prove_now(progress) if question.prove else None
    chosen = [resolve_algorithm(a, "train") for a in algorithms]
    absent: ArgumentError | ContentError | None = None
    with guarded([origin(a) for a in chosen]):
        for subject in subjects(chosen, question, progress):
            progress(f"{subject.algorithm.name}, {subject.depth_words}")
            try:
                claims += list(_claims(subject, question, passed))
            except (ArgumentError, ContentError) as error:
                if question.weights is None or question.layers is not None:
                    raise
                absent = error  # a set may exist at one of the depths that were chosen for the user, and not at another
                claims.append(_absent(subject, error))
    if absent is not None and not any(c.asked for c in claims):
        raise absent
    return Result("invariance", question.document(), tuple(claims), question=question.weights is None)


def _claims(subject: Subject, question: Question, passed: Sequence[str] | None) -> Iterator[Claim]:
    asked = question.weights
    if question.law is not None:
        from .invariance_floats import monte_carlo_claim  # loads torch

        yield monte_carlo_claim(subject, question.law, question.units)
    if asked is not None and not isinstance(asked, str):
        try:
            given = weight_set(asked, subject.space, subject.group)
        except ArgumentError as error:
            if question.source is None:
                raise
            raise ContentError(f"{question.source}: {error}") from None
        if "dimension" in asked:
            yield _dimension(subject, given, int(asked["dimension"]))
        yield from judge(subject, given, passed)
        return
    yield from _symmetric(subject)
    for weights in named_sets(subject, asked):
        yield from judge(subject, weights, passed)
    if asked is None:
        yield _reached_claim(subject)
        if subject.space.depth <= RATIONAL_DEPTH:
            yield from _single(subject)
            yield _conserved(subject)
        if question.floats:
            from .invariance_floats import float_claims  # loads torch

            if subject.space.depth <= RATIONAL_DEPTH:
                yield from float_claims(subject)


def named_sets(subject: Subject, asked: str | None = None) -> Iterator[WeightSet]:
    """The named sets that exist at this depth, or the one asked for; `ArgumentError` when it does not exist here."""
    space, group, start = subject.space, subject.group, subject.start
    several = space.stored > 1
    wanted = [asked] if asked else [s for s in SETS if s != "last-layer" or several]
    for name in wanted:
        if name == "weights":
            yield scaled_weights(space, start)
        elif name == "zero-pattern":
            yield zero_pattern(space, group, start)
        elif name == "one-layer":
            yield one_layer_set(space, group, subject.outer, start)
        elif name == "last-layer":
            if not several:
                raise ArgumentError("the set last-layer is for sequential weights of two or more layers")
            yield frozen_rows_of_last_layer(space, group, start)
        elif name == "smallest":
            reached = _reach(subject)
            if reached.directions is not None:
                yield WeightSet(
                    "smallest", "the smallest affine family through the algorithm's weights that the update keeps",
                    space, start, reached.directions,
                )  # fmt: skip
        else:
            yield commutant(space, group)


def _reach(subject: Subject) -> Reached:
    whole = commutant(subject.space, subject.group)
    return reach(subject.space, whole, subject.start, subject.outer, subject.seed)


def judge(subject: Subject, weights: WeightSet, passed: Sequence[str] | None = None) -> Iterator[Claim]:
    """The claims that one set is invariant: one REFUTED with its witness, or one for each kind of evidence.

    passed : the theorems that have just been proved, when the prover was asked
    """
    subject.progress(f"{subject.algorithm.name}, {subject.depth_words}: {weights.name}")
    space, group, outer = subject.space, subject.group, subject.outer
    text = (
        f"the set {weights.name} is invariant under the expected {outer.kind} update for every law symmetric under "
        f"{group.name}, {subject.depth_words}"
    )

    def claim(evidence: str, verdict: Verdict, strength: str, reason: str, **more: Any) -> Claim:
        details = {"set": weights.name, "meaning": weights.meaning, **more.pop("details", {})}
        if weights.patterns is not None:
            details["patterns"] = [{k: [list(row) for row in rows] for k, rows in p.items()} for p in weights.patterns]
        return subject.claim(
            text, evidence, verdict, strength, reason, dimension=weights.dimension, details=details, **more
        )

    judged = weights
    if weights.frozen and not enumerable(group):
        # too many elements to move a sample by each: only a slice, frozen entries at their values, can be refuted
        judged = replace(weights, frozen=frozenset())
    found = random_invariance(judged, group, outer, subject.seed)
    # The field may hide what the rationals show: a few samples are tried over Q even when the field says yes, at depths
    # where their numbers (of 3^L digits) can be written down.
    attempts = ATTEMPTS if found is None or not found.holds else ATTEMPTS // 4
    witness = None
    if space.depth <= RATIONAL_DEPTH:
        witness = find_witness(judged, group, outer, subject.start, subject.seed, attempts)
    if witness is not None:
        yield claim(EXACT, Verdict.REFUTED, "", _refutation(space, witness), witness=witness_document(subject, witness))
        return
    proved = proved_claim(subject, weights, text, passed)
    if proved is not None:
        yield proved
    count = 0
    if space.depth == 1 and weights.patterns is not None and len(group.scalars) == 1 and not group.fixed_vectors:
        blocks = block_update(weights)
        if blocks.holds:
            kinds = {f"{m}": [list(row) for row in grid] for (_, m), grid in blocks.kinds.items()}
            every = group.is_named("signed-permutations", "orthogonal")  # other groups are others at another d
            sizes = "symbolic d and n" if every else f"symbolic n, for this group at d = {space.layout.d}"
            reason = f"every block of the averaged update is zero or fits the set's block, for {sizes}"
            strength = PROVED_ALL if every else PROVED_N
            short = {"short": "all d, n" if every else "all n"}
            yield claim(BLOCKS, Verdict.HOLDS, strength, reason, details={"averaged_update": kinds, **short})
            count += 1
    if space.depth == 1 and group.order is not None:
        try:
            expanded = residual_polynomials(weights, group, outer)
        except WorkLimitError as error:
            yield claim(ENTRYWISE, Verdict.NOT_RUN, "", str(error), asked=False)
        else:
            verdict = Verdict.HOLDS if expanded.holds else Verdict.REFUTED
            left = "; ".join(f"{entry_name(space, k)}: {p}" for k, p in list(expanded.nonzero.items())[:3])
            reason = (
                f"{expanded.compared} entries of the averaged update, {expanded.terms} terms in {expanded.variables} "
                f"variables, d={space.layout.d}, n={space.layout.n}: "
                + ("every residual outside the set is the zero polynomial" if expanded.holds else f"left over: {left}")
            )
            yield claim(ENTRYWISE, verdict, PROVED_HERE, reason)
            count += 1
    if found is not None and not found.holds:
        left = ", ".join(entry_name(space, k) for k in found.residual[:3])
        yield claim(RANDOM, Verdict.REFUTED, "", f"the averaged update leaves the set at {left}")
    elif found is not None and judged is weights:
        yield claim(RANDOM, *_at_random(found))
    elif not count:
        reason = f"the group {group.name} is too large to average over, and the set is not inside its commutant"
        yield claim(RANDOM, Verdict.UNDECIDED, "", reason)


def _at_random(found: RandomInvariance) -> tuple[Verdict, str, str]:
    """Verdict, strength and reason of a random evaluation that found nothing outside."""
    bound = f"degree {found.degree}, error probability at most {_power(found.probability)}"
    if found.probability >= WORTHLESS:
        return Verdict.UNDECIDED, "", f"a random point says nothing here: {bound}"
    return (
        Verdict.HOLDS,
        AT_RANDOM,
        f"a random point of the set and a random sample, averaged {found.averaged}: {bound}",
    )


def _power(x: Fraction) -> str:
    return f"{float(x):.0e}" if x < 1 else "1"


def _absent(subject: Subject, error: Exception) -> Claim:
    text = f"the set is invariant, {subject.depth_words}"
    return subject.claim(text, EXACT, Verdict.NOT_RUN, "", f"no such set at this depth: {error}", asked=False)


def _dimension(subject: Subject, weights: WeightSet, expected: int) -> Claim:
    same = weights.dimension == expected
    return subject.claim(
        f"the set {weights.name} has dimension {expected}", EXACT, Verdict.HOLDS if same else Verdict.REFUTED,
        "exact linear algebra", f"its dimension is {weights.dimension}", dimension=weights.dimension,
        details={"fact": "dimension"},
    )  # fmt: skip


def _symmetric(subject: Subject) -> Iterator[Claim]:
    space, group = subject.space, subject.group
    wrong = equivariant(space, group, subject.outer, subject.seed)
    text = f"u(S theta S^T; S Z) = S u(theta; Z) S^T for every S of {group.name}, {subject.depth_words}"
    bound = Fraction(update_degree(space.depth, len(space.masks) > 1) * len(group.generators), PRIME)
    verdict, reason = Verdict.HOLDS, f"at random weights and a random sample, for {len(group.generators)} generators: "
    reason += f"error probability at most {_power(bound)}"
    if wrong is not None:
        verdict, reason = Verdict.REFUTED, wrong
    elif bound >= WORTHLESS:
        verdict = Verdict.UNDECIDED
    yield subject.claim(text, RANDOM, verdict, AT_RANDOM, reason, details={"fact": "equivariance"})


def _reached_claim(subject: Subject) -> Claim:
    found, whole = _reach(subject), commutant(subject.space, subject.group)
    text = (
        f"no affine family of dimension below {found.dimension} through the algorithm's weights is invariant, "
        f"{subject.depth_words}"
    )
    reason = (
        f"updates at the algorithm's own weights span {found.flow} directions, the family they generate has "
        f"{found.dimension} of the commutant's {whole.dimension}"
    )
    details = {"fact": "smallest", "flow": found.flow, "commutant": whole.dimension}
    return subject.claim(text, RANDOM, Verdict.HOLDS, COUNTED, reason, dimension=found.dimension, details=details)


def _single(subject: Subject) -> Iterator[Claim]:
    found = single_sample(subject.space, subject.group, subject.outer, subject.start, subject.seed)
    if found is None:
        return
    position, value = max(found.residual.items(), key=lambda item: abs(item[1]))
    yield subject.claim(
        f"a single sample leaves the commutant, {subject.depth_words}", EXACT, Verdict.HOLDS, "exact on this instance",
        f"without the average {len(found.residual)} entries stick out, "
        f"{entry_name(subject.space, position)} by {_short(value)}",
        details={"fact": "single sample", "sample": sample_document(found)},
    )  # fmt: skip


def _conserved(subject: Subject) -> Claim:
    space, outer = subject.space, subject.outer
    anywhere = single_sample(space, subject.group, outer, subject.start, subject.seed, anywhere=True)
    assert anywhere is not None  # some small sample moves random weights
    moved = balances(space, anywhere.point, anywhere.sample, outer)
    holds = all(b.rate == 0 for b in moved)
    first = balances(space, subject.start, anywhere.sample, outer)[0]
    reason = (
        f"the derivative of ||{first.first}||^2 - ||{first.second}||^2 along the update is {moved[0].rate} at random "
        f"weights; a step of size alpha from the algorithm's own changes it by alpha^2 times {_short(first.step)}"
    )
    return subject.claim(
        f"the gradient flow conserves the balance of the squared norms of each head's matrices, {subject.depth_words}",
        EXACT, Verdict.HOLDS if holds else Verdict.REFUTED, "exact on this instance", reason,
        details={"fact": "flow", "step": rational_text(first.step)},
    )  # fmt: skip


def _short(x: Fraction) -> str:
    text = rational_text(x)
    return text if len(text) <= 24 else f"{float(x):.3g}"


def entry_name(space: WeightSpace, position: int) -> str:
    """An entry in words: Q[phi[1], phi[2]], with its layer where layers differ."""
    c, rows = space.coordinate(position), space.layout.row_names()
    where = f"{c.matrix}[{rows[c.row]}, {rows[c.column]}]"
    return where if space.stored == 1 else f"{where} of layer {c.layer + 1}"


def outside(space: WeightSpace, residual: Mapping[int, Fraction]) -> list[dict[str, Any]]:
    """The entries that leave a set, a multiple of a block's identity as one: where, in which layer, by how much."""
    left = dict(residual)
    found: list[dict[str, Any]] = []
    for k, x in residual.items():
        if k not in left:
            continue
        c = space.coordinate(k)
        rows = next(r for name, r, _ in space.blocks if name == c.row_block)
        columns = next(r for name, r, _ in space.blocks if name == c.column_block)
        here = k - (c.row * space.layout.m + c.column)
        inside = {here + i * space.layout.m + j for i in rows for j in columns}
        diagonal = {here + i * space.layout.m + j for i, j in zip(rows, columns, strict=False)}
        whole = len(rows) == len(columns) > 1 and inside & left.keys() == diagonal
        if whole and {left[j] for j in diagonal} == {x}:
            entry, value = f"{c.matrix}[{c.row_block}, {c.column_block}]", f"{rational_text(x)} I"
            gone = diagonal
        else:
            names = space.layout.row_names()
            entry, value, gone = f"{c.matrix}[{names[c.row]}, {names[c.column]}]", rational_text(x), {k}
        for j in gone:
            del left[j]
        found.append({"entry": entry, "layer": c.layer + 1, "value": value})
    return found


def _refutation(space: WeightSpace, witness: InvarianceWitness) -> str:
    found = outside(space, witness.residual)
    several = space.stored > 1
    shown = [f"{x['entry']}{' of layer ' + str(x['layer']) if several else ''} by {x['value']}" for x in found[:6]]
    more = len(found) - len(shown)
    return (
        f"one sample's orbit moves {', '.join(shown)}" + (f" and {more} more" if more > 0 else "") + " out of the set"
    )


def sample_document(witness: InvarianceWitness) -> dict[str, Any]:
    """A sample as plain data: the states' features f_0, f_1, ... and the rewards r_1, r_2, ..., the last one R'."""
    extras = {
        name: [[rational_text(x) for x in v] if is_vector else rational_text(v) for v in values]
        for name, is_vector, values in witness.sample.extras
    }
    return {
        "features": [[rational_text(x) for x in f] for f in witness.sample.features],
        "rewards": [rational_text(x) for x in witness.sample.rewards],
        **({"extras": extras} if extras else {}),
    }


def witness_document(subject: Subject, witness: InvarianceWitness) -> dict[str, Any]:
    """A witness as plain data: the sample, the weights, the expected update and the entries that leave the set."""
    space = subject.space

    def matrices(point: Sequence[Fraction]) -> list[dict[str, list[list[str]]]]:
        return [
            {
                name: [[rational_text(x) for x in row] for row in space.matrix_rows(point, layer, k)]
                for k, name in enumerate(space.matrices)
            }
            for layer in range(space.stored)
        ]

    return {
        **sample_document(witness),
        "law": f"the sample moved by every element of {subject.group.name}, with equal probability",
        "window": subject.outer.window,
        "weights": matrices(witness.point),
        "expected_update": matrices(witness.update),
        "outside": outside(space, witness.residual),
    }
