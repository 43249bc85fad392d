#!/usr/bin/env python3
"""Hostile inputs for every option of every command and every reader of a file, seeded and in this process.

    python scripts/fuzz.py                       300 inputs of seed 0
    python scripts/fuzz.py --count 20000         as many as asked for: about ten a second of one core
    python scripts/fuzz.py --first 5000          from this number on
    python scripts/fuzz.py --seed 3 --only 17    one input again, with what it printed

A finding is an exit code that no command may give, a traceback, a message of more than one line or over 1000
characters, a control character in what is printed, or 20 s of this process for one input.  Exit code: 0 no finding, 1.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import math
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerproof.proofs import cli
from layerproof.proofs.cli import build, run

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")
CODES = {0, 1, 2, 3, 4, 130}
SECONDS = 20.0
HOSTILE = [
    "", "0", "-1", "1", "2", "00", "1.5", "1e400", "1e-300", "-1e9999999999", "nan", "inf", "1/0", "0x10", "9" * 30,
    "9" * 5000, "1/" + "7" * 2000, "½", "１", "中", "\x1b[31mred", "a\nb", "\udcff", "a" * 3000, "../x", "\u202etxet",
    "there", "gone/x", ".", "--", "-", "true", "[]", "{}", "td0", "td0.py", "=", "x=", "=1", "kappa=1/2", "w=1e400",
]  # fmt: skip
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2.5, 10**30, 10**400, 1e308, "", "1/0", "nan", "9" * 4000, "\x1b[2J", "a\nb", "\ud800",
    [], {}, [[]], [None], {"": 0}, {"a\nb": 1}, [[[[1]]]], ["1/2"], "td0", "中" * 500, "__import__('os')",
    "0x" + "7" * 5000,
]  # fmt: skip
SMALL = ["-d", "2", "-n", "2", "-L", "1"]
TINY = "--processes 2 --seeds 1 --width 1 -d 2 -n 2 -L 1 --states 3 --batches 1 --windows 2 --log 1"
LINES = {
    "audit": ["paper.toml"],
    "train": ["-o", "run", *TINY.split()],
    "verify": ["td0", *SMALL, "--evidence", "derived"],
    "certify": ["td0", *SMALL, "--evidence", "derived", "-o", "cert.json"],
    "check": ["good.json", *SMALL],
    "converge": ["td0", "--prompt", "prompt.json"],
    "derive": ["td0", *SMALL],
    "doctor": [],
    "export": ["td0", *SMALL, "--evidence", "derived", "-o", "out"],
    "identify": ["export/weights.json"],
    "invariance": ["td0", "-d", "1", "-n", "1", "-L", "1"],
    "list": [],
    "new": ["mine"],
    "report": ["td0", *SMALL, "--evidence", "derived", "-o", "out", "--format", "html"],
    "sa": ["linear-td", "--mdp", "chain.json"],
    "sweep": ["sweep.toml", "-o", "new.jsonl", "--workers", "1"],
    "verify --prompt": ["td0", "--prompt", "prompt.json", "-L", "1", "--evidence", "identity-exact"],
}
"""A small command line of each command: some options are added to it or replaced."""
LEFT_OUT = {"--prove", "--strict", "--compile", "--try-compile", "--workers", "--executor", "--scheduler", "--pt2",
            "--all-formats", "--onnx", "--transformers", "--help"}  # fmt: skip
"""What starts other programs, minutes of compilation or as many processes as a number says."""
FILES = {
    "prompt.json": ["verify", "td0", "-L", "1", "--evidence", "identity-exact", "--prompt", "prompt.json"],
    "prompt.csv": ["verify", "td0", "-L", "1", "--evidence", "identity-exact", "--prompt", "prompt.csv"],
    "chain.json": ["sa", "linear-td", "--mdp", "chain.json"],
    "steps.json": ["converge", "td0", "--prompt", "prompt.json", "--C", "steps.json"],
    "set.json": ["invariance", "td0", "-d", "1", "-n", "1", "-L", "1", "--set", "set.json"],
    "good.json": ["check", "good.json", *SMALL],
    "proof.json": ["check", "proof.json", *SMALL],
    "case.json": ["check", "case.json", *SMALL],
    "paper.toml": ["audit", "paper.toml"],
    "run/settings.json": ["train", "-o", "run", *TINY.split()],
    "sweep.toml": ["sweep", "sweep.toml", "-o", "new.jsonl", "--workers", "1"],
    "done.jsonl": ["sweep", "sweep.toml", "-o", "done.jsonl", "--workers", "1"],
    "export": ["check", "export", *SMALL],
    "export/weights.json": ["identify", "export/weights.json"],
    "own.py": ["verify", "own.py", *SMALL, "--evidence", "derived", "--time-limit", "5"],
}
"""Each file of a good kind and the command that reads it."""


PROCESSES = {"own.py", "case.json", "sweep.toml", "done.jsonl"}
"""Files that are read or run in other processes, which takes longer."""
SELDOM = {
    **dict.fromkeys(PROCESSES, 0.04),
    "doctor": 0.15,
    "list": 0.3,
    "sweep": 0.1,
    "train": 0.15,
    "run/settings.json": 0.15,
}
"""How often what takes seconds is chosen, where everything else is 1."""
WRONG = """
from dataclasses import replace

from layerproof import Head


def heads(layout, step, p, layer):
    P = layout.matrix({("td_error", "td_error"): 1})
    Q = layout.matrix({("phi", "phi"): step.C, ("phi", "gamma_phi_next"): step.C})
    return [Head(W=None, P=P, Q=Q, M=layout.mask())]


ALGORITHM = replace(ALGORITHM, name="wrong", heads=heads)
"""


@dataclass(frozen=True)
class Input:
    """One hostile input: a command line, and the file that was damaged for it."""

    number: int
    arguments: list[str]
    damaged: str = ""


class Slow(KeyboardInterrupt):
    """An input took too long."""


def good_files(folder: Path, processes: bool) -> None:
    """One small good file of each kind, in the current folder; those that start processes where `processes`."""
    prompt = {
        "features": [[1, "1/2"], [0.25, 1]],
        "next_features": [[0, 1], [1, 0]],
        "rewards": [1, "-1/3"],
        "query": [1, 1],
    }
    chain = {"schema": 1, "transition": [["1/2", "1/2"], ["1", "0"]], "reward": ["1", "0"], "features": [[1], [2]],
             "gamma": "9/10"}  # fmt: skip
    rows = {"P": [["0"] * 3, ["0"] * 3, ["0", "0", "eta"]], "Q": [["c", "frozen", "frozen"], ["e", "frozen", "frozen"],
            ["0", "frozen", "frozen"]]}  # fmt: skip
    steps = {"format": "layerproof-preconditioners", "schema": 1, "preconditioners": [[[["1/2", 0], ["1/8", "1/2"]]]]}
    texts = {
        "prompt.json": json.dumps(prompt), "chain.json": json.dumps(chain), "steps.json": json.dumps(steps),
        "set.json": json.dumps({"schema": 1, "name": "value row", "matrices": rows}),
        "prompt.csv": "phi_1,phi_2,phi_next_1,phi_next_2,reward\n1,0,0,1,1\n0,1,1/2,0,-1/3\n1,1,,,\n",
        "paper.toml": 'title = "t"\nd = 2\nn = 2\nL = 1\n[[claim]]\nequation = "1"\nstatement = "s"\n'
        'algorithm = "td0"\nevidence = ["identity-exact"]\n[[claim]]\nalgorithm = "td0"\npublished = true\n'
        'statement = "p"\n',
        "sweep.toml": 'algorithm = ["td0"]\nd = 2\nn = 2\nL = 1\ngamma = ["1/2", "1"]\nevidence = "identity-exact"\n',
    }  # fmt: skip
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = [
        "new own -o .",
        f"certify td0 {' '.join(SMALL)} --evidence identity-exact -o good.json",
        "converge td0 --prompt prompt.json -o proof.json",
        f"export td0 {' '.join(SMALL)} --evidence derived --npz -o export",
        f"train -o run {TINY}",
        "verify wrong.py -d 2 -n 2 -L 1 --evidence identity-exact --save case.json",
    ]
    for line in [*lines, "sweep sweep.toml -o done.jsonl --workers 1"] if processes else lines[:-1]:
        if line.startswith("verify"):
            (folder / "wrong.py").write_text((folder / "own.py").read_text(encoding="utf-8") + WRONG, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run(line.split())
    if not processes:
        for name in PROCESSES:
            (folder / name).unlink(missing_ok=True)


def one(seed: int, number: int, folder: Path, options: dict[str, list[tuple[str, bool]]]) -> Input:
    """Input `number` of a seed; its file is damaged in `folder`."""
    rng = random.Random(f"{seed} {number}")
    there = [n for n in sorted(FILES) if (folder / n).exists()]
    if rng.random() < 0.45:
        lines = [n for n in sorted(LINES) if n != "sweep" or "sweep.toml" in there]
        name = _chosen(rng, lines)
        return Input(number, _line(rng, name, options[name]))
    name = _chosen(rng, there)
    damaged = name
    if name == "export":
        damaged = f"export/{rng.choice(sorted(p.name for p in (folder / name).iterdir()))}"
    path = folder / damaged
    path.write_bytes(damage(rng, path.read_bytes(), path.suffix))
    if name == "export" and rng.random() < 0.7:
        list_again(folder / name, path)
    return Input(number, FILES[name], damaged)


def _chosen(rng: random.Random, names: list[str]) -> str:
    return rng.choices(names, [SELDOM.get(name, 1) for name in names])[0]


def _options(command: str) -> list[tuple[str, bool]]:
    options = []
    for argument in build(command)[command].assemble_argument_collection():
        flag = argument.hint is bool
        options += [(n, flag) for n in argument.names if n.startswith("-") and n not in LEFT_OUT]
    return options


def _line(rng: random.Random, name: str, options: list[tuple[str, bool]]) -> list[str]:
    arguments = list(LINES[name])
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if arguments and rng.random() < 0.3:
            arguments[rng.randrange(len(arguments))] = rng.choice(HOSTILE)
        elif options:
            option, flag = rng.choice(options)
            arguments += [option] if flag else [option, rng.choice(HOSTILE)]
    return [name.split()[0], *arguments, *["--json"] * (rng.random() < 0.2)]


def damage(rng: random.Random, content: bytes, suffix: str) -> bytes:
    if suffix in (".json", ".jsonl") and rng.random() < 0.8:
        lines = content.decode().splitlines() or ["null"] if suffix == ".jsonl" else [content.decode()]
        at = rng.randrange(len(lines))
        lines[at] = json.dumps(_mutated(rng, json.loads(lines[at])))
        return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
    kind = rng.randrange(7)
    at, end = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
    if kind == 0:
        return content[:at]
    if kind == 1:
        return content[:at] + bytes(rng.randrange(256) for _ in range(8)) + content[at:]
    if kind == 2:
        return content[:at] + content[min(end, at + 40) :]
    if kind == 3:
        return rng.choice((b"", b"\0", b"\xff\xfe", b"[" * 10**5, b"\n" * 10**5, b"PK\x03\x04", b"{}", b"1" * 10**5))
    words = list(re.finditer(rb"[\w./-]+", content)) or list(re.finditer(b"", content))
    word = rng.choice(words)
    if kind == 4:  # a word twice
        return content[: word.end()] + b" " + word.group() + content[word.end() :]
    return content[: word.start()] + rng.choice(HOSTILE).encode("utf-8", "surrogatepass") + content[word.end() :]


def _mutated(rng: random.Random, data: Any) -> Any:
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(data)
    if not places or rng.random() < 0.05:
        return rng.choice(STRANGE)
    holder, key = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[rng.choice(("", "x\n", "schema", "\x1b[0m", "a" * 2000))] = rng.choice(STRANGE)
    elif kind == 1:
        holder.append(holder[key])
    else:
        holder[key] = rng.choice(STRANGE)
    return data


def list_again(folder: Path, path: Path) -> None:
    """The damaged file's size and digest in config.json, so that what is read behind them is reached too."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
        content = path.read_bytes()
        config["files"][path.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    except (ValueError, KeyError, TypeError, RecursionError):
        return


def _too_long(*_: object) -> None:
    raise Slow


@contextlib.contextmanager
def lines_read_once() -> Iterator[None]:
    """Parse each command line of `FILES` once: they are the same again and again, at a tenth of a second each."""
    applications: dict[str, Any] = {}
    known: dict[tuple[str, ...], Any] = {}

    class Application:
        def __init__(self, asked: str) -> None:
            self.whole = applications.setdefault(asked, build(asked)) if asked in LINES else build(asked)

        def parse_args(self, arguments: list[str], **how: Any) -> Any:
            if arguments not in FILES.values():
                return self.whole.parse_args(arguments, **how)
            if tuple(arguments) not in known:
                known[tuple(arguments)] = self.whole.parse_args(arguments, **how)
            return known[tuple(arguments)]

    cli.build = Application  # type: ignore[assignment]
    try:
        yield
    finally:
        cli.build = build


def finding(arguments: list[str]) -> tuple[int, str, str]:
    """The exit code, what is wrong with how a command line ended (nothing: empty), and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    before = signal.signal(signal.SIGVTALRM, _too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    code, wrong = -1, ""
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(arguments)
        if signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0:
            wrong = f"over {SECONDS:.0f} s"
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:  # whatever leaves a command is a finding
        wrong = f"{type(error).__name__} left the command"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    errors, printed = err.getvalue(), out.getvalue()
    return code, wrong or _wrong(code, printed, errors), printed + errors


def _wrong(code: int, out: str, err: str) -> str:
    if code not in CODES:
        return f"exit code {code}"
    if "Traceback (most recent call last)" in out + err:
        return "a traceback"
    if strange := set(CONTROL.findall(out + err)):
        return f"control characters {sorted(map(hex, map(ord, strange)))}"
    lines = [line for line in err.splitlines() if line.strip()]
    if code in (2, 4):
        messages = [line for line in lines if line.startswith("layerproof: ")]
        if not out and (not lines or not messages):
            return "no message"
        if messages and (lines[-1] != messages[-1] or len(lines[-1]) > 1000):
            return "a message of more than one line, or a long one"
    return ""


def fuzz(
    seed: int,
    numbers: Sequence[int],
    processes: bool = True,
    seconds: float = math.inf,
    told: Callable[[Input, int, str, str], None] = lambda *_: None,
) -> tuple[Counter[int], list[tuple[Input, str, str]]]:
    """How often each exit code came, and the findings; `processes`: also what is run in other processes.

    seconds : no input is begun after so many
    told : is called after each input, with its exit code, what is wrong and what it printed
    """
    codes: Counter[int] = Counter()
    findings = []
    start = time.monotonic()
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch, lines_read_once():
        good, work = Path(scratch, "good"), Path(scratch, "a", "b", "work")
        good.mkdir()
        work.parent.mkdir(parents=True)
        try:
            os.chdir(good)
            good_files(good, processes)
            options = {name: _options(name.split()[0]) for name in LINES}
            for number in numbers:
                if time.monotonic() - start > seconds:
                    break
                os.chdir(scratch)
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(good, work)
                os.chdir(work)
                item = one(seed, number, work, options)
                code, wrong, printed = finding(item.arguments)
                codes[code] += 1
                told(item, code, wrong, printed)
                if wrong:
                    findings.append((item, wrong, printed))
        finally:
            os.chdir(here)
    return codes, findings


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="the number of the first input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no input after so many")
    parser.add_argument("--only", type=int, help="the number of one input")
    asked = parser.parse_args()
    start = time.monotonic()

    def told(item: Input, code: int, wrong: str, printed: str) -> None:
        if wrong or asked.only is not None:
            shown = printed if asked.only is not None else printed.strip()[-300:]
            print(f"{item.number}: {wrong or f'nothing wrong, exit {code}'}: {item.arguments!r:.300} {item.damaged}")
            print(f"  {shown!r}", flush=True)
        if item.number % 500 == 499:
            print(f"{item.number + 1} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    numbers = range(asked.first, asked.first + asked.count) if asked.only is None else [asked.only]
    codes, findings = fuzz(asked.seed, numbers, seconds=asked.seconds, told=told)
    ends = ", ".join(f"{code}: {number}" for code, number in sorted(codes.items()))
    print(f"{sum(codes.values())} inputs of seed {asked.seed} from {numbers[0]} on in "
          f"{time.monotonic() - start:.0f} s; exit codes {ends}; {len(findings)} findings")  # fmt: skip
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
