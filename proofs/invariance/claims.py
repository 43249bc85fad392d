"""Which sets of weights are invariant under the expected deep-TD update: the claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from ...symbolic.algorithm import Algorithm
from ...symbolic.arithmetics.prime_field import PRIME
from ...symbolic.errors import ArgumentError, ContentError, WorkLimitError
from ...symbolic.invariance.blocks import block_update
from ...symbolic.invariance.closure import REACH_LIMIT
from ...symbolic.invariance.decide import (
    ATTEMPTS,
    RandomInvariance,
    enumerable,
    equivariant,
    find_witness,
    random_invariance,
    single_sample,
    update_degree,
)
from ...symbolic.invariance.flow import balances
from ...symbolic.invariance.one_layer import one_layer_set
from ...symbolic.invariance.own_weights import FORM_WORDS, unit_step_words
from ...symbolic.invariance.polynomials import residual_polynomials
from ...symbolic.invariance.samples import OUTERS, TEACHER
from ...symbolic.invariance.sets import WeightSet, commutant, frozen_rows_of_last_layer, scaled_weights, zero_pattern
from ...symbolic.patterns.record import PatternAlgorithm
from ...symbolic.plain_text import shown
from ...symbolic.strict_json import rational_text
from ..case import Progress, check_parameters, silent
from ..user_file import guarded, resolve_algorithm, resolve_any
from ..verdict import Claim, Result, Verdict
from .at_depth import BLOCKS, ENTRYWISE, EXACT, RANDOM, LinearAtDepth, at_depths
from .patterned import pattern_claims
from .proved import prove_now, proved_claim
from .question import SETS, Question
from .witness import entry_name, refutation, sample_document, short, witness_document
from .work import RATIONAL_DEPTH

WORTHLESS = Fraction(1, 2**20)
"""An error probability from here on is no evidence."""
SMALLEST = "the smallest affine family through the algorithm's weights that the update keeps"
UNKNOWN = "its directions are no rationals with numerator and denominator below 2^20: it is not written down"
PROVED_ALL, PROVED_N, PROVED_HERE, AT_RANDOM, COUNTED = (
    "proved for all d and n (block form)",
    "proved for all n at this d (block form)",
    "identity of polynomials at this d and n",
    "at random points modulo 2^61 - 1",
    "ranks modulo a prime, which can only be smaller than over Q",
)


def invariance(
    *algorithms: str | Algorithm | PatternAlgorithm, question: Question | None = None, progress: Progress = silent
) -> Result:
    """Answer, for each algorithm and depth, which sets of weights are invariant; or judge the one set that is given.

    Without a set the result is the answer to a question: its exit code is 0 whatever the answer.  With one it is an
    assertion.  Of an algorithm that attends by patterns see `patterned`.
    """
    question = question or Question()
    claims: list[Claim] = []
    named = list({id(a): a for a in map(_resolved, algorithms)}.values())
    chosen = [a for a in named if isinstance(a, Algorithm)]
    patterned = [a for a in named if isinstance(a, PatternAlgorithm)]
    linear = bool(chosen) or not algorithms
    if not linear:
        _check_patterned(patterned, question)
    elif question.outer == TEACHER:
        name = chosen[0].name if chosen else "linear attention"
        raise ArgumentError(
            f"outer is {TEACHER!r}, which is for a state in a column of its own, as sarsa has it: wanted one of "
            f"{', '.join(OUTERS)} for {name}"
        )
    passed = prove_now(progress, chosen) if question.prove and linear else None
    absent: ArgumentError | ContentError | None = None
    with guarded(named):
        for subject in at_depths(chosen, question, progress) if linear else ():
            progress(f"{subject.algorithm.name}, {subject.depth_words}")
            try:
                claims += list(_claims(subject, question, passed))
            except (ArgumentError, ContentError) as error:
                if question.set is None or question.layers is not None:
                    raise
                absent = error  # a set may exist at one of the depths that were chosen for the user, and not at another
                claims.append(_absent(subject, error))
        for algorithm in patterned:
            claims += pattern_claims(algorithm, question, progress)
    if absent is not None and not any(c.asked for c in claims):
        raise absent
    return Result("invariance", question.document(), tuple(claims), question=question.set is None)


def _resolved(given: str | Algorithm | PatternAlgorithm) -> Algorithm | PatternAlgorithm:
    if isinstance(given, Algorithm):
        return resolve_algorithm(given, "train")
    subject = resolve_any(given)
    return subject if isinstance(subject, PatternAlgorithm) else resolve_algorithm(subject, "train")


def _check_patterned(patterned: Sequence[PatternAlgorithm], question: Question) -> None:
    """Raise `ArgumentError` for what no such algorithm has: these settings are else looked at by `subjects`."""
    check_parameters(question.values, (name for a in patterned for name in a.parameters))
    if question.trace is not None:
        names = ", ".join(a.name for a in patterned)
        raise ArgumentError(f"trace is {shown(question.trace)}, but {names} keeps no trace: leave it out")
    _ = question.symmetry  # a group that is none is refused here


def _claims(subject: LinearAtDepth, question: Question, passed: Mapping[str, Claim] | None) -> Iterator[Claim]:
    asked = question.set
    if question.law is not None:
        from .floats import monte_carlo_claim  # loads torch

        yield monte_carlo_claim(subject, question.law, question.units)
    if asked is not None and not isinstance(asked, str):
        given = subject.given(asked, question.source)
        if "dimension" in asked:
            yield subject.dimension(given, int(asked["dimension"]))
        yield from judge(subject, given, passed)
        return
    yield from _symmetric(subject)
    for name in set_names(subject, asked):
        text = f"the set {name} is invariant, {subject.depth_words}"
        try:
            weights = named_set(subject, name)
        except WorkLimitError as error:
            yield subject.claim(
                text, RANDOM, Verdict.NOT_RUN, "", str(error), asked=asked is not None, details={"set": name}
            )
            continue
        if weights is None:
            yield subject.claim(text, RANDOM, Verdict.UNDECIDED, "", UNKNOWN, details={"set": name})
        else:
            yield from judge(subject, weights, passed, None if name == "commutant" else subject.form)
    small = commutant(subject.space, subject.group).dimension <= REACH_LIMIT
    if asked in (None, "smallest") and subject.asymmetry is None and small:
        yield from _reached_claims(subject)
    if asked is None:
        if subject.asymmetry is not None:
            text = f"the sets through the algorithm's own weights are invariant, {subject.depth_words}"
            yield subject.claim(text, RANDOM, Verdict.NOT_RUN, "", subject.asymmetry, asked=False)
        if subject.space.depth <= RATIONAL_DEPTH:
            yield from _single(subject)
            yield _conserved(subject)
        if question.floats:
            from .floats import float_claims  # loads torch

            if subject.space.depth <= RATIONAL_DEPTH:
                yield from float_claims(subject)


def set_names(subject: LinearAtDepth, asked: str | None = None) -> list[str]:
    """The named sets that exist at this depth, or the one asked for.

    Raises `ArgumentError` when it does not exist here, `ContentError` when it goes through weights that do not commute
    with the group.
    """
    several = subject.space.stored > 1
    if asked == "last-layer" and not several:
        raise ArgumentError("the set last-layer is for sequential weights of two or more layers")
    if asked == "commutant" or subject.asymmetry is None:
        return [asked] if asked else [s for s in SETS if s != "last-layer" or several]
    if asked:
        raise ContentError(subject.asymmetry)
    return ["commutant"]


def named_set(subject: LinearAtDepth, name: str) -> WeightSet | None:
    """A named set; None where its directions are no simple rationals."""
    space, group, start = subject.space, subject.group, subject.start
    if name == "weights":
        return scaled_weights(space, start)
    if name == "zero-pattern":
        return zero_pattern(space, group, start)
    if name == "one-layer":
        return one_layer_set(space, group, subject.outer, start)
    if name == "last-layer":
        return frozen_rows_of_last_layer(space, group, start)
    if name == "commutant":
        return commutant(space, group)
    directions = subject.reached.directions
    return None if directions is None else WeightSet("smallest", SMALLEST, space, start, directions)


def judge(
    subject: LinearAtDepth, weights: WeightSet, passed: Mapping[str, Claim] | None = None, form: str | None = None
) -> Iterator[Claim]:
    """The claims that one set is invariant: one REFUTED with its witness, or one for each kind of evidence.

    passed : what the gate has just said of each theorem, when the prover was asked
    form   : which of the algorithm's own weights the set goes through, where it goes through them
    """
    subject.progress(f"{subject.algorithm.name}, {subject.depth_words}: {weights.name}")
    space, group, outer = subject.space, subject.group, subject.outer
    claim = subject.of_set(weights, {} if form is None else {"weights": form})
    judged = weights
    if weights.frozen and not enumerable(group):
        # too many elements to move a sample by each: only a slice, frozen entries at their values, can be refuted
        judged = replace(weights, frozen=frozenset())
    evaluation = random_invariance(judged, group, outer, subject.seed)
    # The field may hide what the rationals show: a few samples are tried over Q even when the field says yes, at depths
    # where their numbers (of 3^L digits) can be written down.
    attempts = ATTEMPTS if evaluation is None or not evaluation.holds else ATTEMPTS // 4
    witness = None
    if space.depth <= RATIONAL_DEPTH:
        witness = find_witness(judged, group, outer, subject.start, subject.seed, attempts)
    if witness is not None:
        yield claim(EXACT, Verdict.REFUTED, "", refutation(space, witness), witness=witness_document(subject, witness))
        return
    proved = proved_claim(subject, weights, subject.text(weights), passed)
    if proved is not None:
        yield proved
    count = 0
    derived = subject.algorithm.heads is None  # given heads may have other masks at another n
    whole_blocks = len(group.scalars) == 1 and not group.fixed_vectors
    if derived and space.depth == 1 and weights.patterns is not None and whole_blocks:
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
    if evaluation is not None and not evaluation.holds:
        left = ", ".join(entry_name(space, k) for k in evaluation.residual[:3])
        yield claim(RANDOM, Verdict.REFUTED, "", f"the averaged update leaves the set at {left}")
    elif evaluation is not None and judged is weights:
        yield claim(RANDOM, *_at_random(evaluation))
    elif not count:
        reason = f"the group {group.name} is too large to average over, and the set is not inside its commutant"
        yield claim(RANDOM, Verdict.UNDECIDED, "", reason)


def _at_random(evaluation: RandomInvariance) -> tuple[Verdict, str, str]:
    """Verdict, strength and reason of a random evaluation that found nothing outside."""
    bound = f"degree {evaluation.degree}, error probability at most {_power(evaluation.probability)}"
    if evaluation.probability >= WORTHLESS:
        return Verdict.UNDECIDED, "", f"a random point says nothing here: {bound}"
    return (
        Verdict.HOLDS,
        AT_RANDOM,
        f"a random point of the set and a random sample, averaged {evaluation.averaged}: {bound}",
    )


def _power(x: Fraction) -> str:
    return f"{float(x):.0e}" if x < 1 else "1"


def _absent(subject: LinearAtDepth, error: Exception) -> Claim:
    text = f"the set is invariant, {subject.depth_words}"
    return subject.claim(text, EXACT, Verdict.NOT_RUN, "", f"no such set at this depth: {error}", asked=False)


def _symmetric(subject: LinearAtDepth) -> Iterator[Claim]:
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


def _reached_claims(subject: LinearAtDepth) -> Iterator[Claim]:
    """The smallest dimension through the algorithm's own weights, in the form asked for and in the other one."""
    whole = commutant(subject.space, subject.group).dimension
    several = [(subject.form, subject.reached), *([] if subject.other is None else [subject.other])]
    for form, reached in several:
        text = (
            f"no affine family of dimension below {reached.dimension} through the algorithm's weights is invariant "
            f"({FORM_WORDS[form]}; {unit_step_words(subject.algorithm)}), {subject.depth_words}"
        )
        reason = (
            f"updates at these weights span {reached.flow} directions, the family they generate has "
            f"{reached.dimension} of the commutant's {whole}"
        )
        details = {"fact": "smallest", "weights": form, "flow": reached.flow, "commutant": whole}
        yield subject.claim(text, RANDOM, Verdict.HOLDS, COUNTED, reason, dimension=reached.dimension, details=details)


def _single(subject: LinearAtDepth) -> Iterator[Claim]:
    witness = single_sample(subject.space, subject.group, subject.outer, subject.start, subject.seed)
    if witness is None:
        return
    yield subject.single(witness.residual, short, sample_document(witness))


def _conserved(subject: LinearAtDepth) -> Claim:
    space, outer = subject.space, subject.outer
    anywhere = single_sample(space, subject.group, outer, subject.start, subject.seed, anywhere=True)
    assert anywhere is not None  # some small sample moves random weights
    moved = balances(space, anywhere.point, anywhere.sample, outer)
    holds = all(b.rate == 0 for b in moved)
    first = balances(space, subject.start, anywhere.sample, outer)[0]
    reason = (
        f"the derivative of ||{first.first}||^2 - ||{first.second}||^2 along the update is {moved[0].rate} at random "
        f"weights; a step of size alpha from the algorithm's own changes it by alpha^2 times {short(first.step)}"
    )
    return subject.claim(
        f"the gradient flow conserves the balance of the squared norms of each head's matrices, {subject.depth_words}",
        EXACT, Verdict.HOLDS if holds else Verdict.REFUTED, "exact on this instance", reason,
        details={"fact": "flow", "step": rational_text(first.step)},
    )  # fmt: skip
