"""Check a certificate of convergence without trusting it, and without the search that found it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from flint import fmpq_mat

from ...numeric.files.text import read_text
from ...symbolic.algorithm import Algorithm
from ...symbolic.convergence.disc import within
from ...symbolic.convergence.layers import layers_for
from ...symbolic.convergence.lyapunov import Envelope, certifies, constants
from ...symbolic.convergence.rate import Rate, errors
from ...symbolic.convergence.rationals import fraction, matrix
from ...symbolic.errors import ArgumentError, ContentError
from ...symbolic.own import OwnConstruction
from ...symbolic.prompt import Context
from ...symbolic.strict_json import loads, rational_text
from ..case import MAX_WORK, Progress, silent
from ..user_file import LOAD_LIMIT, guarded, is_file, resolve
from ..verdict import Claim, Result, Verdict
from .answer import Answer, decided, layers_of
from .certificate import FORMAT, KEYS, SCHEMA, STRENGTH, digest_of, limit_json, word
from .form import context_of, items, keyed, number, pair, rows, short, vector
from .proved import proved
from .setup import Setup
from .work import check_work

EXACT, RATE, DIGEST = "convergence-exact", "convergence-rate", "certificate-digest"


def check(
    path: Path, time_limit: float = 60, prove: bool = False, progress: Progress = silent, max_work: int = MAX_WORK
) -> Result:
    """Check the certificate in a file without trusting it; `prove` also gives its numbers to the kernel.

    Raises `ContentError` when it has not a certificate's form, or its subject cannot be found, `WorkLimitError` where
    its numbers would take more than `max_work`.
    """
    try:
        data = _formed(loads(read_text(path)))
        setup = _setup(data, path, time_limit)
    except (ContentError, ArgumentError, ZeroDivisionError, TypeError, AttributeError) as error:
        raise ContentError(f"{path}: {error}") from None
    check_work([setup], 1, 1, max_work)
    with guarded([setup.subject], time_limit):
        claims = list(_claims(data, setup))
        if prove and all(c.verdict is Verdict.HOLDS for c in claims):
            claims += proved(_with_envelope(data, setup), progress)
    settings = {"answer": data["answer"], "epsilon": data["epsilon"], "layers": data["layers"]}
    return Result("check", settings, tuple(claims))


def _with_envelope(data: Mapping[str, Any], setup: Setup) -> Answer:
    """The answer with the certificate's envelope, which was verified before."""
    answer = decided(setup, number(data["epsilon"], "epsilon"), compare=False, search=False)
    claimed = data["rate"]
    if claimed is None or answer.fate is None:
        return answer
    seen = errors(answer.fate.iteration)
    k = seen.F.nrows()
    X = matrix(rows(claimed["matrix"], k, "rate.matrix")) if k else fmpq_mat(0, 0)
    claimed_constants = tuple(number(x, "rate.constants") for x in claimed["constants"])
    low, high = (number(x, "rate.spectral_radius") for x in claimed["spectral_radius"])
    envelope = Envelope(number(claimed["r"], "rate.r"), X, claimed_constants)
    return replace(answer, rate=Rate(seen, envelope, data["layers"] or 0, (low, high)))


def _formed(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ContentError(f'is no certificate of convergence, wanted an object with "format": "{FORMAT}"')
    if data.get("schema") != SCHEMA:
        raise ContentError(f"schema is {str(data.get('schema'))[:40]!a}, this version reads {SCHEMA}")
    if set(data) != KEYS:
        wrong = sorted(KEYS ^ set(data))[0]
        raise ContentError(f"key {wrong[:60]!a} is {'missing' if wrong in KEYS else 'not known'}")
    for key in ("answer", "prediction"):
        if data[key] not in ("converges", "diverges"):
            raise ContentError(f"{key} is {str(data[key])[:40]!a}, wanted converges or diverges")
    if not (data["layers"] is None or type(data["layers"]) is int):
        raise ContentError(f"layers is {str(data['layers'])[:40]!a}, wanted a whole number or null")
    return data


def _setup(data: Mapping[str, Any], path: Path, time_limit: float) -> Setup:
    name = data["subject"]
    if not isinstance(name, str):
        raise ContentError("subject is no text")
    subject = resolve(str(path.parent / name) if is_file(name) else name, min(LOAD_LIMIT, time_limit))
    context = context_of(data["prompt"])
    values = {k: number(x, f"parameters.{k}") for k, x in keyed(data["parameters"], "parameters").items()}
    read = data["read"]
    if not (read is None or isinstance(read, str)):
        raise ContentError("read is no text")
    if isinstance(subject, OwnConstruction):
        return Setup(subject, context, values, read=read)
    return _of_algorithm(subject, context, values, data)


def _of_algorithm(
    algorithm: Algorithm, context: Context, values: Mapping[str, Fraction], data: Mapping[str, Any]
) -> Setup:
    if set(values) != set(algorithm.parameters):
        raise ContentError(f"parameters are {', '.join(values)}, wanted {', '.join(algorithm.parameters)}")
    options = algorithm.choose(keyed(data["options"], "options"))
    d = context.d
    period = []
    for k, entry in enumerate(items(data["preconditioners"], "preconditioners")):
        step = items(entry, f"preconditioners[{k}]")
        if len(step) != len(algorithm.preconditioners):
            raise ContentError(f"preconditioners[{k}] has {len(step)} items, wanted {len(algorithm.preconditioners)}")
        period.append(tuple(
            number(x, f"preconditioners[{k}]") if name in algorithm.scalar_preconditioners
            else rows(x, d, f"preconditioners[{k}]")
            for name, x in zip(algorithm.preconditioners, step, strict=True)
        ))  # fmt: skip
    if not period:
        raise ContentError("preconditioners is empty, wanted those of a layer or more")
    start = items(data["start"], "start")
    if len(start) != len(algorithm.weights):
        raise ContentError(f"start has {len(start)} weights, wanted {', '.join(algorithm.weights)}")
    weights = tuple(
        number(x, "start") if name in algorithm.scalar_weights else vector(x, d, "start")
        for name, x in zip(algorithm.weights, start, strict=True)
    )
    carried = dict(context.extras)
    absent = next((name for name, _ in algorithm.extras if name not in carried), None)
    if absent is not None:
        raise ContentError(f"prompt.extras has no {absent}")
    return Setup(algorithm, context, values, tuple(period), options, weights)


def _claims(data: Mapping[str, Any], setup: Setup) -> Iterator[Claim]:
    name, epsilon = setup.subject.name, number(data["epsilon"], "epsilon")

    def claim(evidence: str, text: str, wrong: str, reason: str) -> Claim:
        verdict = Verdict.REFUTED if wrong else Verdict.HOLDS
        return Claim(name, text, evidence, verdict, STRENGTH, wrong or reason)

    digest = digest_of({k: v for k, v in data.items() if k != "digest"})
    wrong = "" if digest == data["digest"] else f"the content has the digest {digest}: it was edited"
    yield claim(DIGEST, "the certificate is as it was written", wrong, f"the digest is {digest}")
    answer = decided(setup, epsilon, compare=False, search=False)
    text = f"the certificate's answer, {data['answer']}, and its limit are right"
    if answer.fate is None:
        yield Claim(name, text, EXACT, Verdict.UNDECIDED, STRENGTH, answer.reason)
        return
    yield claim(EXACT, text, _wrong_answer(data, answer), f"decided again: {answer.fate.start.why}")
    yield claim(RATE, "the certificate's rate and number of layers are right", _wrong_rate(data, answer, epsilon),
                "the matrix is positive definite and shrinks by r^2 at every step, by exact pivots"
                if data["rate"] is not None else "none is claimed")  # fmt: skip


def _wrong_answer(data: Mapping[str, Any], answer: Answer) -> str:
    """What is wrong with the answer, the polynomial, the bracket or the limit; empty when nothing is."""
    assert answer.fate is not None
    fate, p = answer.fate, answer.fate.start.polynomial
    decided_again = {
        "answer": answer.answer, "prediction": word(fate.prediction.converges),
        "every_start": word(fate.every.converges) if fate.every is not None and answer.setup.period else None,
        "polynomial": [rational_text(fraction(x)) for x in p.coeffs()], "limit": limit_json(answer),
    }  # fmt: skip
    for key, value in decided_again.items():
        if data[key] != value:
            return f"{key} is {short(data[key])}, decided again it is {short(value)}"
    return "" if not p.degree() else _wrong_bracket(p, data["spectral_radius"], "spectral_radius")


def _wrong_bracket(p: Any, bracket: Any, where: str) -> str:
    low, high = (number(x, where) for x in pair(bracket, where))
    if low > high or low < 0:
        return f"{where} is no interval"
    if low == high == 0:
        return "" if not any(p.coeffs()[:-1]) else f"{where} is 0, and there is another eigenvalue"
    above = high + (high - low if high > low else Fraction(1, 10**30) * high)
    if low and within(p, low):
        return f"{where} begins above every eigenvalue"
    return "" if within(p, above) else f"{where} ends below an eigenvalue"


def _wrong_rate(data: Mapping[str, Any], answer: Answer, epsilon: Fraction) -> str:
    """What is wrong with the rate; empty when nothing is."""
    assert answer.fate is not None and answer.run is not None
    claimed = data["rate"]
    if claimed is None:
        return "" if data["layers"] is None else "layers without a rate"
    if not answer.fate.prediction.converges:
        return "a rate is claimed, and the prediction diverges"
    claimed = keyed(claimed, "rate")
    if set(claimed) != {"r", "constants", "spectral_radius", "matrix"}:
        return f"rate has the keys {short(sorted(claimed))}"
    seen = errors(answer.fate.iteration)
    k = seen.F.nrows()
    r = number(claimed["r"], "rate.r")
    claimed_constants = tuple(number(x, "rate.constants") for x in items(claimed["constants"], "rate.constants"))
    X = matrix(rows(claimed["matrix"], k, "rate.matrix")) if k else fmpq_mat(0, 0)
    if len(claimed_constants) != len(seen.read):
        return f"rate.constants has {len(claimed_constants)} numbers, wanted one for each of {len(seen.read)} layers"
    if not 0 < r < 1:
        return f"rate.r is {short(claimed['r'])}, wanted a number between 0 and 1"
    if k and not certifies(seen.F, X, r):
        return "rate.matrix certifies nothing: X > 0 and r^2 X - F^T X F > 0 fail"
    if k and any(a < b for a, b in zip(claimed_constants, constants(seen, X), strict=True)):
        return "rate.constants are too small for the matrix"
    if k and (wrong := _wrong_bracket(seen.F.charpoly(), claimed["spectral_radius"], "rate.spectral_radius")):
        return wrong
    needed = layers_of(answer.run, layers_for(Envelope(r, X, claimed_constants), epsilon))
    return "" if data["layers"] == needed else f"layers is {data['layers']}, the envelope needs {needed}"
