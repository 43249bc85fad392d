"""Ask whether the in-context iteration of an algorithm converges: one prompt, or a family of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ...symbolic.algorithm import Algorithm
from ...symbolic.errors import ArgumentError
from ...symbolic.own import OwnConstruction
from ..case import Progress, silent
from ..user_file import LOAD_LIMIT, Subject, guarded, resolve
from ..verdict import Claim, Verdict
from .answer import Answer, answer, setup_of
from .certificate import STRENGTH, certificate, check_target, subject_name, write
from .outer import OuterField, outer_field
from .proved import proved
from .question import CONVERGES, Question
from .result import EXACT, Convergence, claims
from .runs_it import difference
from .trials import run_trials
from .work import check_work


def converge(
    subject: str | Subject,
    question: Question | None = None,
    output: Path | None = None,
    progress: Progress = silent,
) -> Convergence:
    """Decide about one prompt; with trials about each, and in full about the worst.

    output : where the certificate is written: of the one prompt, or of the worst
    A question is answered with exit code 0 whatever the answer; with `expect` it is an assertion.
    """
    question = question or Question()
    resolved = resolve(subject, min(LOAD_LIMIT, question.time_limit))
    if output is not None:
        check_target(output)
    if output is not None and isinstance(resolved, Algorithm) and (changing := question.changing(resolved)):
        raise ArgumentError(
            f"output is given, but {', '.join(changing)} of {resolved.name} is another number at every layer, and "
            "certificates are about layers that repeat: leave it out"
        )
    with guarded([resolved], question.time_limit):
        result = asked(resolved, question, progress)
        name = subject_name(subject, output or Path("certificate.json")) if isinstance(subject, str) else resolved.name
        document = None
        if result.decided is not None and result.decided.fate is not None and not result.decided.setup.changing:
            document = certificate(result.decided, name)
            if output is not None:
                write(document, output)
    return replace(result, document_of_certificate=document)


def asked(subject: Subject, question: Question, progress: Progress = silent) -> Convergence:
    """As `converge`, of what is judged already, without its certificate."""
    if isinstance(subject, Algorithm):
        question = question.check(subject)
    else:
        _no_steps(subject, question)
    return _asked(subject, question, progress)


def _no_steps(own: OwnConstruction, question: Question) -> None:
    given = {
        "alpha": question.alpha, "C": question.steps, "step": question.fixed, "start": question.start,
        "outer": question.outer,
    }  # fmt: skip
    wrong = next((name for name, value in given.items() if value), None)
    if wrong is not None:
        raise ArgumentError(f"{wrong} is given, but {own.name} is a construction with weights of its own: leave it out")


def _asked(subject: Subject, question: Question, progress: Progress) -> Convergence:
    if question.endless():
        check_work([setup_of(subject, question)], question.layers, question.trials, question.max_work, question.pairs())
    family = None
    number = 0
    if question.trials > 1 and question.endless():
        family = run_trials(subject, question, progress)
        number = family.worst.number
    answered = answer(subject, question, number, progress)
    wrong = difference(answered.setup) if answered.fate is not None else ""
    if wrong:
        answered = Answer(answered.setup, question.epsilon, wrong)
    stated = claims(answered, question)
    if family is not None and not wrong:
        stated = [_of_family(subject, family.answer, family.count(CONVERGES), question), *_uncounted(stated)]
    if question.prove and answered.fate is not None:
        stated += proved(answered, progress)
    training = None
    if question.outer and isinstance(subject, Algorithm):
        training = outer_field(subject, question, progress=progress)
        stated.append(_of_training(training))
    return Convergence(
        "converge", question.document(), tuple(stated), question.expect is None, decided=answered,
        family=None if wrong else family, training=training,
    )  # fmt: skip


def _of_family(subject: Subject, answer: str, count: int, question: Question) -> Claim:
    verdict = {"converges": Verdict.HOLDS, "diverges": Verdict.REFUTED, "undecided": Verdict.UNDECIDED}[answer]
    text = f"the layers' iterates converge from w_0 on each of {question.trials} prompts"
    return Claim(subject.name, text, EXACT, verdict, STRENGTH, f"{count} of {question.trials} converge")


def _of_training(training: OuterField) -> Claim:
    verdict = Verdict.REFUTED if training.refuted else Verdict.UNDECIDED
    text = f"training's outer {training.kind} is a gradient in some constant metric"
    return Claim(training.algorithm, text, EXACT, verdict, "exact at points (over Q)", training.words, asked=False)


def _uncounted(claims: list[Claim]) -> list[Claim]:
    return [replace(c, asked=False) for c in claims]
