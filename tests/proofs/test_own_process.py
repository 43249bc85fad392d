"""A user's file runs in a process of its own: nothing that it does to its interpreter reaches a verdict or this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli import Ran, console_script, hears_signals, run_cli
from own_files import source
from project import RIGHT, WRONG

import layerproof as lp
from layerproof.proofs.own import client
from layerproof.proofs.user_file import load
from layerproof.symbolic.errors import ContentError

pytestmark = pytest.mark.slow

HEADS = "heads=lambda d, n, p, layer: [],"
EXACT = ("-d", "2", "-n", "3", "-L", "2", "--evidence", "identity-exact")
SOON = 60
"""Seconds in which a file that does nothing has been judged, on a busy machine."""


def file(folder: Path, before: str = "", after: str = "", text: str = RIGHT, heads: str = "") -> str:
    """A construction with something before and after it, and something that is done where heads are asked for."""
    path = folder / "mine.py"
    if heads:
        assert HEADS in text
        text = text.replace(HEADS, "heads=given,")
        body = "".join(f"    {x}\n" for x in (*heads.split("\n"), "return []"))
        before += f"\ndef given(d, n, p, layer):\n{body}"
    path.write_text(f"{before}\n{text}\n{after}\n", encoding="utf-8")
    return str(path)


Verify = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    """`layerproof verify` on a file, in this process."""

    def run(path: str, *more: str) -> subprocess.CompletedProcess[str]:
        ran = run_cli(capsys, "verify", path, *EXACT, *more)
        return subprocess.CompletedProcess([], ran.code, ran.out, ran.err)

    return run


def test_a_callers_alarm_goes_on(verify: Verify, tmp_path: Path) -> None:
    heard = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 3600)
    try:
        assert verify(file(tmp_path)).returncode == 0
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 3600
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, heard)


def command(path: str, *more: str, **options: object) -> subprocess.CompletedProcess[str]:
    """The console script itself, which must end by itself in time."""
    words = [console_script(), "verify", path, *EXACT, *more]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


PATCHES = (
    "import layerproof.proofs.own_claims as c; c.own_mismatches = lambda *a: iter(())",
    "import layerproof.symbolic.own_layers as c; c._first = lambda *a: None",
    "import layerproof.proofs.verdict as v; v.Verdict.REFUTED = v.Verdict.HOLDS",
    "import sys; sys.modules['layerproof.proofs.checker'] = None",
    "import fractions; fractions.Fraction.__eq__ = lambda *a: True",
    "import builtins; builtins.next = lambda *a: None",
    "import sys; sys.exit = print; sys.stdout = sys.stderr = None",
    "import gc; [o.clear() for o in gc.get_objects() if type(o) is dict and 'own_mismatches' in o]",
)


@pytest.mark.parametrize("patch", PATCHES)
def test_what_a_file_does_to_the_judge_stays_in_its_process(verify: Verify, tmp_path: Path, patch: str) -> None:
    ran = verify(file(tmp_path, after=patch, text=WRONG), "--json")
    assert ran.returncode in (1, 4), ran
    assert ran.returncode == 4 or {c["verdict"] for c in json.loads(ran.stdout)["claims"] if c["asked"]} == {"REFUTED"}


ENDINGS = {
    "os._exit(0)": "import os; os._exit(0)",
    "os._exit(7)": "import os; os._exit(7)",
    "kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "a thread": "import os, threading, time; threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(20)",
    "the group": "import os; os.killpg(0, 9)",
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("where", ("load", "heads"))
def test_a_file_that_ends_its_process_is_never_a_success(
    verify: Verify, tmp_path: Path, where: str, ending: str
) -> None:
    started = time.monotonic()
    path = file(tmp_path, **{"after" if where == "load" else "heads": ENDINGS[ending]})
    ran = verify(path)
    assert (ran.returncode, ran.stdout) == (4, ""), ran
    assert "before it answered" in ran.stderr and path in ran.stderr and "Traceback" not in ran.stderr
    assert time.monotonic() - started < SOON


@pytest.mark.parametrize(
    "leave", ("raise SystemExit(0)", "import sys; sys.exit()", "raise KeyboardInterrupt", "exit(0)")
)
@pytest.mark.parametrize("where", ("load", "heads"))
def test_leaving_is_an_error_with_its_line(verify: Verify, tmp_path: Path, where: str, leave: str) -> None:
    path = file(tmp_path, **{"after" if where == "load" else "heads": leave})
    ran = verify(path)
    lines = Path(path).read_text(encoding="utf-8").split("\n")
    number = next(k for k, line in enumerate(lines, 1) if leave in line)
    assert (ran.returncode, ran.stdout) == (4, "") and f"{path}, line {number}: " in ran.stderr


HARMLESS = {
    "a thread that hangs": "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
    "at exit": "import atexit; atexit.register(print, 'LATE')",
    "at exit, ending": "import atexit, os; atexit.register(os._exit, 0)",
    "stdout closed": "import os, sys; sys.stdout.close(); os.close(2)",
    "every stream gone": "import os; [os.close(x) for x in (0, 1, 2)]",
    "a fork that waits": "import os, time\nif os.fork() == 0:\n    time.sleep(600)\n    os._exit(0)",
    "a fork of its own group": "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(600); os._exit(0)",
    "a program": "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)",
    "signals ignored": "import signal; [signal.signal(s, signal.SIG_IGN) for s in (2, 13, 15)]",
    "an alarm": "import signal; signal.setitimer(signal.ITIMER_REAL, 1e6)",
    "writes to descriptors": "import os\nfor k in range(3, 20):\n    try:\n        os.write(k, b'{}\\n')\n"
    "    except OSError:\n        pass",
    "no environment": "import os; os.environ.clear()",
    "another root": "import os; os.chdir('/')",
    "much printed": "print('x' * 10**7)",
}


def test_what_is_left_running_does_not_keep_the_command(tmp_path: Path) -> None:
    before = HARMLESS["a thread that hangs"] + "\n" + HARMLESS["at exit, ending"] + "\n" + HARMLESS["at exit"] + "\n"
    for text, code in ((RIGHT, 0), (WRONG, 1)):
        ran = command(file(tmp_path, before, text=text), "--json")
        assert ran.returncode == code and json.loads(ran.stdout)["command"] == "verify"


@pytest.mark.parametrize("what", HARMLESS)
def test_what_goes_on_around_the_answers_changes_nothing(verify: Verify, tmp_path: Path, what: str) -> None:
    started = time.monotonic()
    for text, code in ((RIGHT, 0), (WRONG, 1)):
        ran = verify(file(tmp_path, HARMLESS[what] + "\n", text=text), "--json")
        assert ran.returncode == code, ran
        assert [c["verdict"] for c in json.loads(ran.stdout)["claims"] if c["asked"]] == [("HOLDS", "REFUTED")[code]]
        assert len(ran.stderr) < 2 * client.PRINTED
    assert time.monotonic() - started < 2 * SOON


def alive(marker: str) -> list[str]:
    """The processes whose command line holds a text."""
    running = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (place / "cmdline").read_bytes():
                running.append(place.name)
        except OSError:
            continue
    return running


def running(pid: str) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped, by the first of all processes, does not."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_all_that_a_file_started_is_ended_with_it(verify: Verify, tmp_path: Path) -> None:
    marker = f"6{os.getpid()}.25"
    started = "import subprocess\nfor new in (False, True):\n    "
    started += f"subprocess.Popen(['sleep', '{marker}'], start_new_session=new)"
    assert verify(file(tmp_path, started)).returncode == 0
    assert not alive(marker)
    assert verify(file(tmp_path, started, heads="while True: pass"), "--time-limit", "1").returncode == 4
    assert not alive(marker)


@pytest.mark.parametrize("how", (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
def test_a_file_does_not_outlive_the_judge(tmp_path: Path, how: int) -> None:
    marker = f"7{os.getpid()}.{int(how)}"
    told = tmp_path / "told"
    work = f"import os, subprocess\nsubprocess.Popen(['sleep', '{marker}'])\n"
    work += f"open({str(told)!r}, 'w').write(str(os.getpid()))"
    path = file(tmp_path, work, heads="while True: pass")
    judge = subprocess.Popen(
        [console_script(), "verify", path, *EXACT], stderr=subprocess.DEVNULL, preexec_fn=hears_signals
    )
    waited = time.monotonic() + SOON
    while not told.exists() or not told.read_text():
        assert time.monotonic() < waited
        time.sleep(0.05)
    judge.send_signal(how)
    assert judge.wait(SOON) != 0
    waited = time.monotonic() + SOON
    while alive(marker) or running(told.read_text()):
        assert time.monotonic() < waited, "the file's process outlives the judge"
        time.sleep(0.05)


STUCK = {
    "a loop": "while True: pass",
    "a sleep": "import time; time.sleep(600)",
    "a loop that swallows": "import time\nwhile True:\n    try:\n        time.sleep(600)\n    except BaseException:\n"
    "        pass",
    "a thread that is joined": "import threading; threading.Event().wait()",
    "stopped": "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "reads its pipes": "import os\nfor k in range(3, 1000):\n    try:\n        os.read(k, 1)\n    except OSError:\n"
    "        pass",
    "closes its pipes": "import os, time; os.closerange(3, 1000); time.sleep(600)",
}


@pytest.mark.parametrize("stuck", STUCK)
@pytest.mark.parametrize("where", ("load", "heads"))
def test_what_does_not_answer_is_stopped(verify: Verify, tmp_path: Path, where: str, stuck: str) -> None:
    started = time.monotonic()
    path = file(tmp_path, **{"after" if where == "load" else "heads": STUCK[stuck]})
    ran = verify(path, "--time-limit", "1")
    assert (ran.returncode, ran.stdout) == (4, "") and path in ran.stderr
    assert time.monotonic() - started < SOON


def test_a_removed_working_directory_is_no_success_for_what_is_wrong(tmp_path: Path) -> None:
    for text, codes in ((WRONG, (1,)), (RIGHT, (0,))):
        place = tmp_path / "place"
        place.mkdir()
        path = file(tmp_path, f"import os; os.rmdir({str(place)!r})\n", text=text)
        ran = command(path, cwd=place)
        assert ran.returncode in codes and "internal error" not in ran.stderr, ran


FORGED = {
    "garbage": b"garbage\\n",
    "an answer too many": b'{\\"number\\": 1, \\"answer\\": {}}\\n',
    "no end": b"[" * 10,
    "another's number": b'{\\"number\\": 77, \\"answer\\": []}\\n',
    "twice a key": b'{\\"number\\": 1, \\"number\\": 1, \\"answer\\": []}\\n',
    "nan": b'{\\"number\\": 1, \\"answer\\": NaN}\\n',
    "bytes": b"\\xff\\x00\\n",
    "deep": b"[" * 100_000 + b"\\n",
}


@pytest.mark.parametrize("name", FORGED)
def test_what_is_written_into_the_pipe_is_no_answer(verify: Verify, tmp_path: Path, name: str) -> None:
    answer = f'b"{FORGED[name].decode()}"'
    write = f"import os\nfor k in range(200, 230):\n    try:\n        os.write(k, {answer})\n    except OSError:\n"
    write += "        pass"
    ran = verify(file(tmp_path, write, text=WRONG), "--time-limit", "5")
    assert (ran.returncode, ran.stdout) == (4, ""), ran
    assert "Traceback" not in ran.stderr and "internal error" not in ran.stderr


def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_LINE", 2**20)
    flood = (
        "import os\nwhile True:\n    for k in range(200, 230):\n        try:\n            os.write(k, b'x' * 2**16)\n"
    )
    flood += "        except OSError:\n            pass"
    with pytest.raises(ContentError, match="more than 1048576 bytes"):
        load(Path(file(tmp_path, flood)))


def test_prints_go_to_stderr_and_never_into_the_document(verify: Verify, tmp_path: Path) -> None:
    prints = (
        "import os, sys; print('ONE'); print('TWO', file=sys.stderr); os.system('echo THREE'); os.write(1, b'FOUR')"
    )
    ran = verify(file(tmp_path, prints, heads=prints), "--json")
    assert ran.returncode == 0 and json.loads(ran.stdout)["command"] == "verify"
    assert all(word in ran.stderr for word in ("ONE", "TWO", "THREE", "FOUR"))


@pytest.mark.parametrize("closed", ("1>&-", "2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"))
def test_closed_streams_of_the_judge_do_not_mix_with_the_pipes(tmp_path: Path, closed: str) -> None:
    text, code = (RIGHT, 0) if closed == "1>&- 2>&-" else (WRONG, 1)
    path = file(tmp_path, "print('HELLO')\n", text=text)
    words = f"{console_script()} verify {path} {' '.join(EXACT)} {closed}"
    ran = subprocess.run(["sh", "-c", words], capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == code and "HELLO" not in ran.stdout


def test_one_file_may_import_another_and_change_a_copy(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text(RIGHT, encoding="utf-8")
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from dataclasses import replace\n\nfrom base import CONSTRUCTION as OTHER\n\n"
        "CONSTRUCTION = replace(OTHER, name='moved')\n",
        encoding="utf-8",
    )
    assert load(mine).name == "moved"
    assert "base" not in sys.modules


def test_what_lies_beside_a_file_shadows_nothing_of_the_judge(tmp_path: Path) -> None:
    for name in ("torch", "sympy", "flint", "numpy", "json", "layerproof"):
        (tmp_path / f"{name}.py").write_text("open('was-run', 'w')\nraise SystemExit(0)\n", encoding="utf-8")
    path = file(tmp_path, text=WRONG)
    ran = command(path, cwd=tmp_path)
    assert ran.returncode == 1 and not (tmp_path / "was-run").exists()


def test_a_process_is_light(verify: Verify, tmp_path: Path) -> None:
    names = ("sympy", "flint", "torch", "numpy")
    path = file(tmp_path, after=f"import sys; print([x for x in {names!r} if x in sys.modules], 'loaded')")
    assert "[] loaded" in verify(path).stderr


def test_processes_are_few_and_come_back(tmp_path: Path) -> None:
    loaded = []
    for k in range(client.LIVING + 3):
        path = tmp_path / f"f{k}.py"
        path.write_text(RIGHT, encoding="utf-8")
        loaded.append(load(path))
    assert len(client._living) <= client.LIVING
    assert [x.rows(1) for x in loaded] == [("reward",)] * len(loaded)  # type: ignore[union-attr]


def test_a_file_that_is_another_each_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(RIGHT.replace('title="Nothing moves"', "title=str(__import__('os').getpid())"), encoding="utf-8")
    own = load(path)
    client.end_all()
    with pytest.raises(ContentError, match="defines something else each time"):
        own.rows(1)  # type: ignore[union-attr]
    assert load(path) is not own  # and it may be tried again


FIELDS = (
    ('name="still"', "name=type('S', (str,), {})('still')", "the name is 'still', a S, wanted"),
    ('name="still"', "name='x' * 101", "the name has 101 characters"),
    ('name="still"', "name=b'still'", "name is b'still', wanted a text"),
    ('title="Nothing moves"', "title='\\\\ud800'", "the title is"),
    ('title="Nothing moves"', "title='\\\\u202e'", "the title is"),
    ('source="here"', "source=None", "source is None, wanted a text"),
    ('source="here"', "source='here', layers=0", "layers is 0"),
    ('source="here"', "source='here', layers=10**9", "layers is 1000000000"),
    ('source="here"', "source='here', layers=True", "layers is True"),
    ('source="here"', "source='here', parameters=[1]", "parameters is [1]"),
    ('source="here"', "source='here', parameters={'a': 0.5}", "parameter a holds 0.5"),
    ('source="here"', "source='here', parameters={1: '1'}", "the name in parameters is 1"),
    ('source="here"', "source='here', scale=1", "scale is 1, wanted a function"),
    ('lambda d: ["reward"]', "lambda d: 'reward'", "rows returned 'reward', wanted a list of names"),
    ('lambda d: ["reward"]', "lambda d: ['a\\\\nb']", "name in rows"),
    ('lambda d: ["reward"]', "lambda d: ['x' * 200]", "name in rows"),
    ("[list(context.rewards)]", "[[0.5] * context.n]", "the prompt holds 0.5"),
    ("[list(context.rewards)]", "[[1]]", "the prompt has the wrong shape"),
    ("[list(context.rewards)]", "5", "the prompt has the wrong shape"),
    ("context.rewards[0]})", "0.5})", "the reference after layer 1 holds 0.5"),
    ('("reward", "0")', '"reward"', "the reference after layer 1 names"),
    ("repeat({", "repeat([1]) or repeat({", "mine.py: TypeError: "),
    (HEADS, "heads=lambda d, n, p, layer: 5,", "returned 5, wanted a list of Head"),
)


@pytest.mark.parametrize("old, new, message", FIELDS, ids=[x[1][:40] for x in FIELDS])
def test_a_field_that_is_no_data_of_its_kind_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in RIGHT
    path = file(tmp_path, text=RIGHT.replace(old, new.replace("\\\\", "\\")))
    ran: Ran = run_cli(capsys, "verify", path, *EXACT)
    assert (ran.code, ran.out) == (4, "") and path in ran.err and message in ran.err, ran.err
    assert all(line.isprintable() for line in ran.err.splitlines())


def test_a_given_algorithm_is_asked_for_its_heads_once_a_layer_and_equal_matrices_come_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source(given=True), encoding="utf-8")
    own = load(path)
    assert own.name == "mine"


def test_what_a_file_answered_is_judged_as_an_object_too(tmp_path: Path) -> None:
    """`check`, `report` and kept cases hand on what was loaded: it is not traced a second time, here."""
    for text, code in ((RIGHT, 0), (WRONG, 1)):
        own = load(Path(file(tmp_path, text=text)))
        result = lp.verify(own, d=2, n=3, layers=2, evidence=["identity-exact"])
        assert result.exit_code == code
