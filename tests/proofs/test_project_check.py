"""`layerproof check` on a project: what is found, what is never run, what is said, and the exit code."""

from __future__ import annotations

import html.parser
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli import Ran, assert_refused, run_cli
from markdown_it import MarkdownIt
from project import DERIVED, RIGHT, SQUARED, VACUOUS, WRONG, certificate, write
from rocq_tiny import rocq

from layerproof.proofs.check import step_summary
from layerproof.proofs.check.files import Kind, kind_of, targets
from layerproof.proofs.check.project import ERROR, Outcome
from layerproof.proofs.user_file import MAX_PYTHON_BYTES
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.plain_text import markdown, one_line

pytestmark = pytest.mark.slow

NOTHING = "nothing was checked: it holds no certificate"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, the current directory."""
    path = tmp_path / "project"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of a certificate that holds, of one that was edited and of one that stays undecided."""
    place = tmp_path_factory.mktemp("certificates")
    certificate(place / "good.json")
    certificate(place / "vacuous.json", VACUOUS, ("derived", "float"))
    good = (place / "good.json").read_text()
    edited = json.loads(good)
    edited["readout"]["sign"] = 1
    return {"right": good, "wrong": json.dumps(edited), "undecided": (place / "vacuous.json").read_text()}


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    return run_cli(capsys, "check", *arguments)


def kept_case(capsys: pytest.CaptureFixture[str], source: str, path: str) -> None:
    """The regression case of a construction that is wrong."""
    assert run_cli(capsys, "verify", source, "-d", "2", "-n", "3", "-L", "1", "--save", path).code == 1


# --- verdicts and exit codes ----------------------------------------------------------------------------------------


def test_what_is_right_holds_and_is_listed_by_path(
    folder: Path, certificates: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"b/own.py": RIGHT, "a.json": certificates["right"], "b/a.py": DERIVED, "c/notes.json": "{}"})
    ran = check(capsys, ".")
    assert (ran.code, ran.out.splitlines()) == (
        0,
        [
            "HOLDS  a.json: td0, 3 claims: 3 HOLDS",
            "HOLDS  b/a.py: mine, 8 claims: 8 HOLDS",
            "HOLDS  b/own.py: still, 2 claims: 2 HOLDS",
        ],
    )
    assert check(capsys, "b/own.py", "a.json", "b/a.py", "b", ".").out == ran.out  # each file once


def test_a_wrong_construction_is_refuted_with_its_counterexample(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"wrong.py": WRONG, "squared.py": SQUARED})
    ran = check(capsys, ".")
    assert ran.code == 1 and ran.out.startswith("REFUTED  squared.py: mine, 6 claims: 1 REFUTED, 5 NOT_RUN\n")
    assert "  REFUTED  derived: no layer does one iterate" in ran.out
    assert "  NOT_RUN  " not in ran.out  # they follow from the refutation
    # that torch computes these layers is true of wrong weights too
    first = "REFUTED  wrong.py: still, 2 claims: 1 HOLDS, 1 REFUTED\n  REFUTED  identity-exact: layer 1, row reward"
    assert first in ran.out
    assert "textbook loop 1" in ran.out


def test_a_regression_case_is_refuted_until_the_difference_is_gone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"mine.py": WRONG})
    kept_case(capsys, "./mine.py", "cases.json")
    ran = check(capsys, ".")
    assert ran.code == 1 and "REFUTED  cases.json: still, 1 claim: 1 REFUTED" in ran.out
    write(folder, {"mine.py": RIGHT})
    ran = check(capsys, ".")
    assert ran.code == 0 and ran.out.startswith("HOLDS  cases.json: still, 1 claim: 1 HOLDS\n")
    (folder / "mine.py").unlink()
    assert_refused(check(capsys, "."), 4, "cases.json: ", "mine.py: there is no such file")


@pytest.mark.parametrize(
    ("kinds", "code"),
    [
        (("right", "undecided"), 3),
        (("right", "damaged"), 4),
        (("right", "undecided", "damaged"), 4),
        (("right", "undecided", "damaged", "wrong"), 1),
    ],
)
def test_the_first_of_1_4_3_0_is_the_exit_code(
    kinds: tuple[str, ...],
    code: int,
    folder: Path,
    certificates: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = {**certificates, "damaged": certificates["right"][:-200]}
    write(folder, {f"{kind}.json": texts[kind] for kind in kinds})
    ran = check(capsys, ".")
    assert ran.code == code and ran.out.count("HOLDS  right.json") == 1
    assert ("UNDECIDED  undecided.json" in ran.out) == ("undecided" in kinds)
    assert ("layerproof: damaged.json: is not JSON" in ran.err) == ("damaged" in kinds)


DAMAGED = {
    "truncated.json": '{"format": "layerproof-certificate", "schema": 1,',
    "unmarked.json": json.dumps(dict.fromkeys(("algorithm", "claims", "digest", "settings", "theorems", "tool",
                                               "weights"))),
    "case.json": '{"kind": "layerproof regression case"}',
    "merge.py": f"<<<<<<< ours\n{RIGHT}=======\n>>>>>>> theirs\n",
    "raises.py": f"{RIGHT}raise ValueError('no\\nway')\n",
    "leaves.py": f"{RIGHT}raise SystemExit(0)\n",
    "both.py": f"{RIGHT}ALGORITHM = CONSTRUCTION\n",
    "nothing.py": "import layerproof\nALGORITHM = {}.get(1)\n",
    "latin.py": "import layerproof # \udce9\nALGORITHM = list()\n",
    "parameter.py": DERIVED.replace('("gamma",)', '("gamma", "kappa")'),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_what_says_that_it_is_ours_and_is_damaged_is_not_passed_over(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text(DAMAGED[name], errors="surrogateescape")
    ran = check(capsys, ".")
    progress = [line for line in ran.err.splitlines() if line.endswith(" ...")]
    messages = [line for line in ran.err.splitlines() if line not in progress]
    assert (ran.code, ran.out, len(messages)) == (4, "", 1), ran.err
    assert (
        messages[0].startswith((f"layerproof: {name}: ", f"layerproof: {name}, line ")) and messages[0].count(name) == 1
    )
    assert check(capsys, name, "--only-known").code == 4


@pytest.mark.parametrize("place", ["", "    "])
def test_what_loops_for_ever_is_stopped(place: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looping = {"": f"{RIGHT}while True:\n    pass\n", "    ": DERIVED.replace("    sweep.total = 0 * w\n",
               "    sweep.total = 0 * w\n    while True:\n        pass\n")}[place]  # fmt: skip
    write(folder, {"a.py": RIGHT, "loop.py": looping})
    ran = check(capsys, ".", "--time-limit", "1")
    assert (ran.code, ran.out) == (4, "HOLDS  a.py: still, 2 claims: 2 HOLDS\n")
    assert "loop.py: did not finish within 1 seconds" in ran.err


def test_a_case_whose_construction_loops_is_stopped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"other/mine.py": WRONG})
    kept_case(capsys, "./other/mine.py", "case.json")
    write(folder, {"other/mine.py": f"{RIGHT}while True:\n    pass\n"})
    assert_refused(check(capsys, "case.json", "--time-limit", "1"), 4, "case.json: ", "did not finish within 1 seconds")


def test_what_prints_keeps_off_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"loud.py": f"print('HOLDS  everything')\n{RIGHT}"})
    ran = check(capsys, ".")
    assert (ran.code, ran.out) == (0, "HOLDS  loud.py: still, 2 claims: 2 HOLDS\n") and "HOLDS  everything" in ran.err


def test_the_sizes_are_those_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": RIGHT})
    for arguments, sizes in (((), (2, 10, 3)), (("-d", "1", "-n", "4", "-L", "2"), (1, 4, 2))):
        settings = check(capsys, ".", "--json", *arguments).document["settings"]["files"]["own.py"]
        assert (settings["features"], settings["context"], settings["layers"]) == sizes


@pytest.mark.slow
def test_prove_is_asked_of_what_is_derived(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": RIGHT, "mine.py": DERIVED})
    rocq()
    ran = check(capsys, ".", "--prove")
    assert ran.code == 0 and "HOLDS  own.py: still, 2 claims: 2 HOLDS" in ran.out
    assert "HOLDS  mine.py: mine, 9 claims: 9 HOLDS" in ran.out


# --- what is found --------------------------------------------------------------------------------------------------


def test_a_directory_without_anything_to_check_is_never_a_success(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"code/own.py": RIGHT, "certs/readme.json": '{"settings": 1}', "certs/setup.py": "import os\n"})
    ran = check(capsys, "certs")
    assert ran.code == 3 and ran.out.startswith(f"NOT_RUN  certs: {NOTHING}") and ran.out.count("\n") == 1
    ran = check(capsys, "certs", "code")
    assert ran.code == 3 and ran.out.startswith("NOT_RUN  certs: ") and "HOLDS  code/own.py" in ran.out
    ran = check(capsys, "certs", "--json")
    (claim,) = ran.document["claims"]
    assert (ran.code, claim["verdict"], claim["details"]["file"]) == (3, "NOT_RUN", "certs")


def test_what_is_left_out_of_a_walk(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = [".venv/a.py", "venv/a.py", ".git/a.py", ".hidden/a.py", "x/__pycache__/a.py", "node_modules/a.py",
            "build/lib/a.py", "test_a.py", "x/conftest.py", ".a.py", "a.txt", "a.pyi", "a.py.bak"]  # fmt: skip
    write(folder, dict.fromkeys(left, f"{RIGHT}raise SystemExit('was run')\n"))
    assert check(capsys, ".").code == 3
    write(folder, {"builder/testing_a.py": RIGHT, "venvs.py": RIGHT})
    ran = check(capsys, ".")
    assert ran.code == 0 and [line.split(":")[0] for line in ran.out.splitlines()] == [
        "HOLDS  builder/testing_a.py",
        "HOLDS  venvs.py",
    ]
    write(folder, {".hidden/a.py": RIGHT})
    assert check(capsys, ".hidden").code == 0  # where it is named itself


def test_links_are_not_followed_in_circles(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"a/own.py": RIGHT, "outside.py": WRONG})
    (folder / "a" / "again").symlink_to(folder / "a")
    (folder / "a" / "up").symlink_to("..")
    (folder / "a" / "self.py").symlink_to("self.py")
    (folder / "a" / "gone.json").symlink_to("nowhere.json")
    (folder / "a" / "link.py").symlink_to("own.py")
    os.mkfifo(folder / "a" / "pipe.json")
    ran = check(capsys, "a")
    assert (ran.code, ran.out) == (0, "".join(f"HOLDS  a/{n}.py: still, 2 claims: 2 HOLDS\n" for n in ("link", "own")))
    (folder / "linked").symlink_to("a")
    assert check(capsys, "linked").code == 0


def test_what_cannot_be_read_is_not_passed_over(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {"own.py": RIGHT, "secret.py": RIGHT, "closed/own.py": RIGHT})
    scan, opened = os.scandir, Path.open

    def scandir(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "secret.py":
            raise PermissionError(13, "Permission denied", os.fspath(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(Path, "open", refuse)
    ran = check(capsys, ".")
    assert ran.code == 4 and ran.out.startswith("HOLDS  own.py")
    assert [line for line in ran.err.splitlines() if not line.endswith(" ...")] == [
        "layerproof: closed: cannot be read: Permission denied",
        "layerproof: secret.py: cannot be read: Permission denied",
    ]


SPY = "from pathlib import Path\nPath('was-run').touch()\n"
NO_CONSTRUCTIONS = [
    "# layerproof: ALGORITHM\n",
    "import layerproof\nALGORITHM: layerproof.Algorithm\n",
    "import layerproof\nALGORITHM = 'HS256'\n",
    "import layerproof\nALGORITHMS = [1]\n",
    "import layerproof\nx.ALGORITHM = f()\n",
    "import layerproof\ndef f():\n    ALGORITHM = 1 + 1\n",
    "import layerproof\nclass A:\n    CONSTRUCTION = 1 + 1\n",
    "text = '''\nimport layerproof\nALGORITHM = Algorithm()\n'''\n",
    "ALGORITHM = other()\n",
    "from layerproof.x import ALGORITHM\n",
    "import layerproof\nif True:\n    try:\n        pass\n    except OSError:\n        ALGORITHM = f()\n",
    "import layerproof\nwith f() as g:\n    for x in g:\n        CONSTRUCTION = x\n",
    "import layerproof\nmatch f():\n    case 1:\n        CONSTRUCTION = g()\n",
    "import layerproof\nfoo = {}\nfoo[ALGORITHM] = f()\n",
    "import layerproof\nfoo = {}\nfoo[f(CONSTRUCTION)].x = f()\n",
    "import layerproof\nif 0:\n    ALGORITHM = f()\n",
    "import layerproof\nwhile False:\n    ALGORITHM = f()\n",
    "import layerproof\nif __name__ == '__main__':\n    CONSTRUCTION = f()\n",
    "import layerproof\nALGORITHM += f()\n",
    "import layerproof\nprint(ALGORITHM := f())\n",
    "import layerproof\ndel ALGORITHM\n",
    "import layerproof\nlambda ALGORITHM: 1\n",
]
CONSTRUCTIONS = [
    "import layerproof\nALGORITHM = f()\n",
    "import layerproof\nALGORITHM: object = f()\n",
    "import layerproof\nA = CONSTRUCTION = f()\n",
    "import layerproof\nA, (ALGORITHM, *B) = f()\n",
    "import layerproof\nALGORITHM = '\\d' + f()\n",
    "\ufeffimport layerproof\nALGORITHM = f()\n",
    "import layerproof\nALGORITHM = f(\n",
    "import layerproof\nALGORITHM = " + "(" * 5000,
    "import layerproof\nALGORITHM = " + "-" * 100_000 + "1",
]


def test_no_other_python_file_is_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": WRONG})
    kept_case(capsys, "./own.py", "case.json")
    case = json.loads((folder / "case.json").read_text())
    (folder / "case.json").unlink()
    write(folder, {"own.py": RIGHT})
    for k, text in enumerate(NO_CONSTRUCTIONS):
        write(folder, {f"setup{k}.py": SPY + text, f"{k}.json": json.dumps({**case, "subject": f"./setup{k}.py"})})
        assert_refused(check(capsys, f"setup{k}.py"), 4, f"setup{k}.py: mentions no layerproof or assigns no ALGORITHM")
    ran = check(capsys, ".")
    assert ran.code == 4 and ran.out == "HOLDS  own.py: still, 2 claims: 2 HOLDS\n"
    for k in range(len(NO_CONSTRUCTIONS)):
        assert f"{k}.json: subject is './setup{k}.py', which is no construction, so it is not run" in ran.err
    assert not (folder / "was-run").exists()


@pytest.mark.parametrize("text", CONSTRUCTIONS)
def test_constructions_are_told_by_their_text(text: str, folder: Path) -> None:
    write(folder, {"a.py": text})
    assert kind_of(folder / "a.py") is Kind.CONSTRUCTION


SLOW = {
    "blank": "layerproof ALGORITHM" + "\n" * 60_000 + "(",
    "spaces": "import layerproof\nALGORITHM" + " " * 60_000 + "(",
    "blank_imports": "\n \n" * 30_000 + "import other\nALGORITHM = f()\n",
    "imports": "".join(f"import m{k}\n" for k in range(20_000)) + "ALGORITHM = f()\n",
    "names": "import layerproof\n" + "ALGORITHM \n" * 20_000 + "(",
    "nested": "import layerproof\nx = " + "[" * 80 + "]" * 80 + "\nALGORITHM = " + "(" * 60_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_looking_at_a_file_takes_a_moment(name: str, folder: Path) -> None:
    write(folder, {f"{name}.py": SLOW[name]})
    started = time.process_time()
    kind_of(folder / f"{name}.py")
    assert time.process_time() - started < 1


def test_large_files_and_large_neighbours_are_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        folder, {"own.py": "import large\nALGORITHM = f()\n", "most.py": RIGHT + "#" * (MAX_PYTHON_BYTES - len(RIGHT))}
    )
    write(folder, {"more.py": RIGHT + "#" * (MAX_PYTHON_BYTES - len(RIGHT) + 1)})
    for name in ("large.py", "sparse.py", "sparse.json"):
        with (folder / name).open("wb") as file:
            file.write(b"import layerproof\nALGORITHM = f()\n")
            file.truncate(2**40)
    read = []
    opened = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *a, **k: read.append(self.name) or opened(self, *a, **k))
    assert [t.path.name for t in targets([Path()])] == ["most.py"]
    assert set(read) == {"own.py", "most.py"}


def test_data_of_others_is_no_business_of_ours(folder: Path) -> None:
    others = {
        "empty.json": "", "list.json": '["layerproof-certificate"]', "settings.json": '{"settings": {}}',
        "deep.json": '{"settings":' * 100_000, "twice.json": '{"settings": 1, "settings": 2}', "nan.json": "NaN",
        "weights.json": '{"format": "layerproof-weights"}', "digits.json": '{"settings": ' + "9" * 5000 + "}",
    }  # fmt: skip
    write(folder, others)
    (folder / "bytes.json").write_bytes(bytes(range(256)))
    with (folder / "large.json").open("wb") as file:
        file.truncate(17 * 2**20)
    assert [(t.kind, t.path) for t in targets([Path()])] == [(Kind.DIRECTORY, Path())]
    assert {kind_of(path) for path in folder.iterdir()} == {Kind.UNKNOWN}


def test_a_file_that_is_named_and_is_nothing_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"notes.json": "{}", "notes.txt": "notes"})
    assert_refused(check(capsys, "notes.json"), 4, "notes.json: is no certificate")
    assert_refused(check(capsys, "notes.txt"), 4, "notes.txt: is not JSON")
    assert_refused(check(capsys, "gone.py"), 4, "gone.py: there is no such file")
    assert_refused(check(capsys, "gone"), 4, "gone: there is no such file")


def test_only_known_passes_over_what_is_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": RIGHT, "setup.py": SPY, "notes.json": "{}", "test_own.py": WRONG, "empty/x": ""})
    ran = check(capsys, "--only-known", "setup.py", "own.py", "notes.json", "test_own.py", "empty")
    assert (ran.code, ran.out) == (0, "HOLDS  own.py: still, 2 claims: 2 HOLDS\n")
    for files in (("setup.py", "notes.json"), ("empty",), ()):
        ran = check(capsys, "--only-known", *files)
        assert (ran.code, ran.out, ran.err) == (0, "", "layerproof: nothing to check among the files named\n")
    assert check(capsys, "--only-known", "setup.py", "--json").document["claims"] == []
    assert check(capsys, "--only-known", "gone.py").code == 0 and not (folder / "was-run").exists()


# --- what is said ---------------------------------------------------------------------------------------------------


def test_the_output_is_the_same_every_time(
    folder: Path, certificates: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"mine.py": DERIVED, "wrong.py": WRONG})
    write(folder, {f"{kind}.json": certificates[kind] for kind in ("right", "wrong")})
    code = "from layerproof.proofs.cli import run; raise SystemExit(run(['check', '.', '--json']))"
    cores = os.sched_getaffinity(0)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code], text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": seed}, cwd=folder,
            preexec_fn=partial(os.sched_setaffinity, 0, allowed),
        )
        for seed, allowed in (("1", cores), ("2", {min(cores)}))  # on one core nothing is checked beside another
    ]  # fmt: skip
    first, again = (run.communicate()[0] for run in runs)
    assert first == again and {run.returncode for run in runs} == {1}
    assert sum(claim["verdict"] == "HOLDS" for claim in json.loads(first)["claims"]) >= 8


def test_json_names_every_file(folder: Path, certificates: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": WRONG, "cert.json": certificates["right"], "bad.py": f"{RIGHT}1 / 0\n"})
    kept_case(capsys, "./own.py", "case.json")
    ran = check(capsys, ".", "--json")
    files = ran.document["settings"]["files"]
    assert {name: s["what"] for name, s in files.items()} == {
        "own.py": "construction",
        "cert.json": "certificate",
        "case.json": "regression case",
    }
    assert ran.code == 1 and list(ran.document["refused"]) == ["bad.py"] and ran.document["command"] == "check"
    assert {c["details"]["file"] for c in ran.document["claims"]} == set(files)
    own = [c for c in ran.document["claims"] if c["details"]["file"] == "own.py" and c["asked"]]
    (claim,) = (c for c in own if c["evidence"] == "identity-exact")
    assert claim["verdict"] == "REFUTED" and claim["witness"]["layer"] == 1


def test_names_that_are_no_text_are_written_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "\udcff.py").write_text(f"{RIGHT}raise ValueError('\\ud800')\n")
    write(folder, {"own.py": RIGHT})
    assert check(capsys, ".", "--json").document["refused"] == {
        "\ufffd.py": "\ufffd.py, line 12: ValueError: \ufffd",
    }


HOSTILE = [
    "a|b.py",
    "`a`.py",
    "<script>alert(1)<!script>.py",
    "a\nHOLDS  b.py",
    "![x](javascript:alert(1)).py",
    "__a__ *b* ~~c~~ $d$.py",
    "\\|a\\.py",
    "&lt;a&#124;.py",
    "www.example.com.py",
    "@someone #1.py",
    "a\u202eyp.b.py",
    "-d.py",
    " a .py",
    "é\udcff.py",
]


class Cells(html.parser.HTMLParser):
    """The text of every cell of the tables of a page, and every other tag that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def cells(text: str) -> Iterator[list[str]]:
    """The rows of the one table of a Markdown text, which has nothing else but a heading and paragraphs."""
    page = Cells()
    page.feed(MarkdownIt("commonmark").enable("table").render(text))
    assert page.tags <= {"h3", "p", "table", "thead", "tbody", "tr", "th", "td"}, page.tags
    head, *rows = page.rows
    assert head == ["file", "what", "verdict", "reason"]
    yield from rows


def test_the_summary_shows_hostile_names_as_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in HOSTILE:
        (folder / name).write_text(RIGHT)
    (folder / "z.py").write_text(f"{RIGHT}raise ValueError('a | b\\n| c <img>')\n")
    summary = folder / "summary.md"
    summary.write_text("what an earlier step wrote, without a line's end")
    ran = check(capsys, ".", "--summary", str(summary))
    assert ran.code == 4 and len(ran.out.splitlines()) == len(HOSTILE)
    text = summary.read_text()
    assert text.startswith("what an earlier step wrote") and f"{len(HOSTILE) + 1} files: 1 ERROR" in text
    first, *rows = cells(text)
    assert first == ["z.py", "construction", ERROR, "z.py, line 12: ValueError: a | b | c <img>"]
    wanted = [one_line(os.fsencode(name).decode(errors="replace")).strip() for name in HOSTILE]
    assert sorted(row[0] for row in rows) == sorted(wanted)
    assert {tuple(row[1:]) for row in rows} == {("construction", "HOLDS", "still, 2 claims: 2 HOLDS")}


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_hides_nothing(text: str) -> None:
    (row,) = cells(f"| file | what | verdict | reason |\n|---|---|---|---|\n| x{markdown(text)}x | | | |\n")
    assert row[0] == f"x{one_line(text)}x".replace("\udcff", "\ufffd")
    assert not set(markdown(text)) & set("<>`|*[]\\\n")


def test_a_long_summary_is_cut() -> None:
    outcomes = [Outcome(f"{k}.py", Kind.CONSTRUCTION, refused="x" * 10**6) for k in range(600)]
    text = step_summary.table(outcomes)
    assert len(text) < 2**20 and text.endswith("\nand 100 more files\n")


def test_the_summary_of_nothing_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys, "--only-known", "--summary", "s.md").code == 0
    assert "0 files: nothing to check" in (folder / "s.md").read_text()
    assert check(capsys, ".", "--summary", "s.md").code == 3
    assert f"| . | directory | NOT_RUN | {NOTHING}" in (folder / "s.md").read_text()


# --- arguments ------------------------------------------------------------------------------------------------------


def test_wrong_arguments(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, {"own.py": RIGHT, "mine.py": DERIVED})
    for arguments, fragment in [
        ((), "wanted a file or a directory"),
        ((".", "--summary", "no/summary.md"), "summary is 'no/summary.md'"),
        ((".", "--summary", "."), "summary is '.'"),
        ((".", "--time-limit", "0"), "time_limit is 0"),
        ((".", "-d", "0"), "features is 0"),
        (("mine.py", "-n", "1000000"), "above the limit"),
    ]:
        assert_refused(check(capsys, *arguments), 2, fragment)


def test_an_unreadable_name_is_no_argument_error() -> None:
    with pytest.raises(ContentError, match="cannot be read"):
        kind_of(Path("a" * 5000 + ".json"))


def test_nothing_heavy_is_loaded_for_exact_checks(folder: Path) -> None:
    write(folder, {"own.py": RIGHT})
    asked = ["verify", "./own.py", "--evidence", "identity-exact"]
    code = f"import sys; from layerproof.proofs.cli import run; c = run({asked}); sys.exit(c or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False, capture_output=True).returncode == 0
