"""The gate: compile theory and statements apart, audit every theorem, and check all of it again.

theory/      the listed files, from their sources alone                     LayerProof
statements/  what is claimed, over MathComp alone: it cannot see the theory LayerProofStatements
audits/      the statements proved from the theory                          LayerProofAudits
seals/       each proof against its statement, and what it assumes          LayerProofSeals
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...symbolic.errors import ContentError
from ..case import Progress, silent
from .audit import AUDITS_PREFIX, STATEMENTS_PREFIX, THEORY_PREFIX, Audit
from .check_again import check_again, parts_of
from .compiled import Store, digest_of
from .jobs import Job, Trouble, run_jobs
from .joined import joined
from .lexer import forbidden_words, needs, strangers
from .prover import Prover, Runner, runner
from .seal import CLOSED, answers, nonce, seal_text, theorem_at

THEORY = Path(__file__).parents[1] / "rocq"
STATEMENTS = Path(__file__).parent / "statements"
LIMIT = 300.0
"""Seconds that one file may take to compile."""
SEALS_PREFIX = "LayerProofSeals"
EVERY = "every_theorem"
"""The file of seals, when one file is enough."""
SEES = {
    "theory": ("theory",),
    "statements": ("statements",),
    "audits": ("theory", "statements", "audits"),
    "seals": ("theory", "statements", "audits", "seals"),
}
"""Which folders a file of each folder can require from."""
PREFIX = {"theory": THEORY_PREFIX, "statements": STATEMENTS_PREFIX, "audits": AUDITS_PREFIX, "seals": SEALS_PREFIX}
LIBRARIES = ("Coq", "mathcomp")


@dataclass
class Outcome:
    """What the gate found: the theorems that passed, with seconds; for the others why not, and of what kind.

    refused   theorem -> reason: a fault was seen in a file, a statement is not what is proved, or an axiom is used
    undecided theorem -> reason: the prover stopped, timed out, could not go on or said nothing
    sources   the sha256 of each listed file of the theory as it was compiled, by name
    """

    passed: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    version: str = ""
    seconds: float = 0.0
    sources: dict[str, str] = field(default_factory=dict)


def source_digests(theory: Path = THEORY) -> dict[str, str]:
    """The sha256 of every file of the theory, by name."""
    files = [*sorted(theory.glob("*.v")), theory / "_CoqProject"]
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def files_of(theory: Path) -> list[str]:
    """The theory's files in the order of its _CoqProject, without their ending."""
    lines = (theory / "_CoqProject").read_text(encoding="utf-8").split("\n")
    return [line.strip().removesuffix(".v") for line in lines if line.strip().endswith(".v")]


def gate(
    audits: Sequence[Audit],
    prover: Prover,
    theory: Path = THEORY,
    keep: Path | None = None,
    limit: float = LIMIT,
    progress: Progress = silent,
    apart: bool = False,
) -> Outcome:
    """Compile what the audits need, seal each theorem, and let the checker of compiled files say what they rest on.

    A theorem passes only if its files have no forbidden word and require nothing unlisted, if its statement, compiled
    over MathComp alone, is what the proof proves, if `Print Assumptions` answers that it is closed, and if the checker
    finds every file right and without an axiom.  Compiled files of the theory that an earlier gate kept are used;
    where anything does not pass they are compiled anew, and if they were others the gate starts over without them.
    Generated files are compiled joined, and what does not pass then is judged apart; with `apart`, or where the files
    are kept, all of it is.
    Raises `ContentError` when two theorems or two files would have one name.
    """
    _check_names(audits)
    begin = time.monotonic()
    outcome = Outcome(version=prover.version)
    try:
        with _workplace(keep) as folder, runner() as running:
            session = _Gate(audits, prover, theory, folder, limit, progress, running, outcome, Store.of(prover))
            session.judge_joined() if not apart and keep is None else session.judge()
            if (outcome.refused or outcome.undecided) and not session.kept_files_are_right():
                outcome = Outcome(version=prover.version)
                replace(session, outcome=outcome, store=None).judge()
    except OSError as error:
        reason = f"the gate could not go on: {error.strerror or error}"
        outcome.passed.clear()
        outcome.undecided.update({t.name: reason for a in audits for t in a.theorems if t.name not in outcome.refused})
    outcome.seconds = time.monotonic() - begin
    return outcome


def _check_names(audits: Sequence[Audit]) -> None:
    """What passes is known by name, so that no two theorems or files can have the same."""
    for names, what in (
        ([t.name for a in audits for t in a.theorems], "theorems"),
        ([a.name for a in audits], "files of statements"),
        ([f.name for a in audits for f in a.theory], "files of the theory"),
    ):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ContentError(
                f"two {what} would be named {twice}, so they cannot be proved together: rename an algorithm, an option "
                "or a row, or prove one algorithm at a time"
            )


@contextmanager
def _workplace(keep: Path | None) -> Iterator[Path]:
    """An empty folder to work in, with an empty folder for each kind of file."""
    folder = Path(tempfile.mkdtemp(prefix="layerproof-")) if keep is None else keep
    try:
        for name in SEES:
            (folder / name).mkdir(parents=True, exist_ok=True)
        yield folder
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Gate:
    audits: Sequence[Audit]
    prover: Prover
    theory: Path
    folder: Path
    limit: float
    progress: Progress
    running: Runner
    outcome: Outcome
    store: Store | None

    def judge_joined(self) -> None:
        """Judge all with generated audits joined, then apart those of them that did not pass whole."""
        together = joined(self.audits)
        most = max((len(set(a.modules.values())) for a in together), default=1)
        replace(self, audits=together, limit=self.limit * max(1, most)).judge()
        again = {t.name for a in together if a.modules for t in a.theorems} - self.outcome.passed.keys()
        rest = [a for a in self.audits if again & {t.name for t in a.theorems}]
        if rest:
            for name in [t.name for a in rest for t in a.theorems]:
                for verdicts in (self.outcome.passed, self.outcome.refused, self.outcome.undecided):
                    verdicts.pop(name, None)
            self.progress(f"judging {len(rest)} files of statements apart")
            replace(self, audits=rest).judge()

    def judge(self) -> None:
        """Compile, seal, check again, and write down what came of each theorem."""
        texts, missing = self._texts()
        faults = self._faults(texts)
        jobs: dict[str, Job] = {}
        for place, text in texts.items():
            kind = place.split("/")[0]
            wanted = {f"{k}/{n}" for k in SEES[kind] for n in needs(text, PREFIX[k])}
            jobs[place] = self._job(place, text, wanted, text if kind == "theory" else "")
        listed = set(files_of(self.theory)) if self.theory.is_dir() else set()
        self.outcome.sources = {
            f"{place.removeprefix('theory/')}.v": hashlib.sha256(text.encode()).hexdigest()
            for place, text in texts.items() if place.startswith("theory/") and place[7:] in listed
        }  # fmt: skip
        reach = {a.name: _closure(_places(a), jobs) for a in self.audits}
        sound = []
        for audit in self.audits:
            fault = next((faults[p] for p in sorted(reach[audit.name]) if p in faults), None)
            if fault is None:
                sound.append(audit)
            else:
                self.outcome.refused.update({t.name: fault for t in audit.theorems})
        reached = {p for a in sound for p in reach[a.name]}
        done = run_jobs(
            [j for p, j in jobs.items() if p in reached], {p: Trouble(p, reason) for p, reason in missing.items()},
            self.folder, self.running, self.limit, self.progress, self.store,
        )  # fmt: skip
        for audit in sound:
            state = next((s for p in sorted(_places(audit)) if isinstance(s := done[p], Trouble)), None)
            if state is not None:
                self._note(audit, state)
        fit = [a for a in sound if not any(isinstance(done[p], Trouble) for p in _places(a))]
        parts = parts_of(_libraries(done), self.folder)
        with ThreadPoolExecutor(max_workers=1) as pool:  # what no seal changes is checked again while that is made
            early = pool.submit(self._checked, parts[:-1]) if fit and parts[:-1] else None
            try:
                self._seal(fit, done)
                sealed = {p: x for p, x in _libraries(done).items() if p.startswith("seals/")}
                if self.outcome.passed:
                    self.progress(f"checking {sum(map(len, parts)) + len(sealed)} compiled files again")
                    replies = [self._checked([{**parts[-1], **sealed}]), *([early.result()] if early else [])]
                    self._hold([x for listed, _ in replies for x in listed or ()], reach,
                               next((reply for listed, reply in replies if listed is None), None))  # fmt: skip
            except BaseException:
                self.running.stop()
                raise

    def kept_files_are_right(self) -> bool:
        """Whether the compiled files that were kept are what their sources compile to; if not, all are thrown away."""
        if self.store is None or not self.store.taken:
            return True
        texts, missing = self._texts()
        texts |= replace(self, audits=joined(self.audits))._texts()[0]  # files of the theory are joined too
        with _workplace(None) as folder:
            jobs: dict[str, Job] = {}
            for place, text in texts.items():
                if place.startswith("theory/"):
                    (folder / f"{place}.v").write_text(text, encoding="utf-8")
                    wanted = {f"theory/{n}" for n in needs(text, THEORY_PREFIX)}
                    jobs[place] = Job(place, self._command(*place.split("/")), frozenset(wanted), size=len(text))
            reached = {p for taken in self.store.taken for p in _closure({taken}, jobs)}
            run_jobs(
                [jobs[p] for p in jobs if p in reached], {p: Trouble(p, r) for p, r in missing.items()}, folder,
                self.running, self.limit, lambda text: self.progress(f"{text}, anew"),
            )  # fmt: skip
            same = all((f := folder / f"{p}.vo").is_file() and digest_of(f) == d for p, d in self.store.taken.items())
        if not same:
            self.store.forget()
        return same

    def _job(self, place: str, text: str, wanted: set[str], kept: str = "") -> Job:
        """Write a file and say how it is compiled; what an earlier attempt compiled it to is gone."""
        (self.folder / f"{place}.v").write_text(text, encoding="utf-8")
        (self.folder / f"{place}.vo").unlink(missing_ok=True)
        return Job(place, self._command(*place.split("/")), frozenset(wanted), kept, len(text))

    def _seal(self, audits: list[Audit], done: dict[str, Trouble | str]) -> None:
        """Seal all of them by one question in one file; where that is not closed, each in a file of its own.

        Only of what is still open it is asked what each theorem assumes: every answer takes as long as the first.
        """
        word = nonce()
        self.progress(f"sealing {sum(len(a.theorems) for a in audits)} theorems")
        rest = self._sealed({EVERY: audits} if audits else {}, word, done)
        if len(audits) > 1:
            rest = self._sealed({a.name: [a] for a in rest}, word, done)
        self._sealed({a.name: [a] for a in rest}, word, done, each=True)

    def _sealed(
        self, groups: dict[str, list[Audit]], word: str, done: dict[str, Trouble | str], each: bool = False
    ) -> list[Audit]:
        """Compile a seal for each group; the audits of those that are open after it: all passed in the others."""
        jobs = {
            name: self._job(f"seals/{name}", seal_text(audits, word, each), {p for a in audits for p in _places(a)})
            for name, audits in groups.items()
        }
        for job in jobs.values():
            done.pop(job.place, None)
        done.update(run_jobs(list(jobs.values()), done, self.folder, self.running, self.limit, silent))
        rest: list[Audit] = []
        for name, audits in groups.items():
            state, names = done[jobs[name].place], [t.name for a in audits for t in a.theorems]
            if isinstance(state, Trouble) and len(audits) == 1:
                self._note(audits[0], state)
            elif isinstance(state, Trouble):
                del done[jobs[name].place]
                rest += audits
            elif each:
                self._answered(state, word, names)
            elif answers(state, word, [name]) == {name: CLOSED}:
                self.outcome.passed.update(dict.fromkeys(names, 0.0))
            else:
                rest += audits
        return rest

    def _texts(self) -> tuple[dict[str, str], dict[str, str]]:
        """The text of every file by its place, and the listed files that cannot be read, with the reason."""
        texts: dict[str, str] = {}
        missing: dict[str, str] = {}
        wanted = [(f"theory/{n}", self.theory / f"{n}.v") for n in files_of(self.theory)]
        wanted += [(f"statements/{w}", STATEMENTS / f"{w}.v") for a in self.audits for w in a.words]
        for place, file in wanted:
            try:
                texts[place] = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                missing[place] = f"{file.name} cannot be read: {getattr(error, 'strerror', None) or error}"
        for audit in self.audits:
            for place, text in audit.texts().items():
                if texts.setdefault(place.removesuffix(".v"), text) != text:
                    raise ContentError(f"two files are {place}: prove one algorithm at a time")
        return texts, missing

    def _faults(self, texts: dict[str, str]) -> dict[str, str]:
        """Files with a forbidden word or a requirement that is not listed, with the reason."""
        listed = {kind: {p.split("/")[1] for p in texts if p.startswith(f"{kind}/")} for kind in SEES}
        listed["theory"] |= set(files_of(self.theory))
        faults: dict[str, str] = {}
        for place, text in texts.items():
            kind, name = place.split("/")
            words = forbidden_words(text)
            if words:
                faults[place] = f"{name}.v contains {', '.join(words)}"
                continue
            ours = {PREFIX[k]: listed[k] for k in SEES[kind]}
            if unknown := strangers(text, ours, LIBRARIES):
                faults[place] = f"{name}.v requires {', '.join(unknown)}, which is no listed file"
        return faults

    def _command(self, kind: str, name: str) -> tuple[str, ...]:
        paths = [x for k in SEES[kind] for x in ("-Q", k, PREFIX[k])]
        return (*self.prover.command, "-q", "-w", "none", *paths, f"{kind}/{name}.v")

    def _note(self, audit: Audit, state: Trouble) -> None:
        """What went wrong with one audit: refused where a statement and a proof do not fit, else undecided."""
        kind = state.place.split("/")[0]
        names = [t.name for t in audit.theorems]
        if state.misfit and kind in ("audits", "seals"):
            at = theorem_at(state.line, audit) if kind == "seals" else None
            reason = f"the theory's theorem is not the restated one: {state.reason}"
            self.outcome.refused.update({n: reason for n in names if at in (None, n)})
        why = f"{audit.explained(state.place, state.line)}{state.reason}"
        self.outcome.undecided.update({n: why for n in names if n not in self.outcome.refused})

    def _answered(self, output: str, word: str, names: list[str]) -> None:
        """What a seal that compiled says of its theorems."""
        for name, answer in answers(output, word, names).items():
            if answer == CLOSED:
                self.outcome.passed[name] = 0.0
            elif answer is not None and answer.startswith("Axioms:"):
                self.outcome.refused[name] = f"it rests on {answer[:200]}"
            else:
                self.outcome.undecided[name] = "the prover did not say what it assumes"

    def _checked(self, parts: Sequence[Mapping[str, str]]) -> tuple[list[str] | None, str]:
        """What the checker finds in compiled files."""
        paths = [x for k in SEES for x in ("-Q", k, PREFIX[k])]
        return check_again(parts, paths, self.prover, self.folder, self.running, self.limit)

    def _hold(self, axioms: list[str], reach: dict[str, set[str]], disagreement: str | None) -> None:
        """What the checker does not find right does not pass. disagreement : what it said where it did not agree."""
        for audit in self.audits:
            for name in [t.name for t in audit.theorems if t.name in self.outcome.passed]:
                if disagreement is not None:
                    self._demote(
                        self.outcome.undecided, name, f"the checker of compiled files did not agree: {disagreement}"
                    )
                    continue
                own = [x for x in axioms if not _is_ours(x) or _place(x) in reach[audit.name] or _is_seal(x)]
                if own:
                    self._demote(self.outcome.refused, name, f"the checker lists the axiom {own[0]}")

    def _demote(self, to: dict[str, str], name: str, reason: str) -> None:
        del self.outcome.passed[name]
        to[name] = reason


def _libraries(done: Mapping[str, Trouble | str]) -> dict[str, str]:
    """The names of the compiled files' libraries, by place."""
    return {p: f"{PREFIX[p.split('/')[0]]}.{p.split('/')[1]}" for p, s in done.items() if not isinstance(s, Trouble)}


def _is_ours(axiom: str) -> bool:
    return axiom.split(".")[0] in PREFIX.values()


def _place(axiom: str) -> str:
    prefix, name = axiom.split(".")[:2]
    return next(f"{kind}/{name}" for kind, p in PREFIX.items() if p == prefix)


def _is_seal(axiom: str) -> bool:
    return axiom.split(".")[0] == SEALS_PREFIX


def _places(audit: Audit) -> set[str]:
    """Where an audit's two files stand."""
    return {f"statements/{audit.name}", f"audits/{audit.name}"}


def _closure(places: set[str], jobs: dict[str, Job]) -> set[str]:
    closed, new = set(places), set(places)
    while new:
        new = {p for n in new if n in jobs for p in jobs[n].needs} - closed
        closed |= new
    return closed
