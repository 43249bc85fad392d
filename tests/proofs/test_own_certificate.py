"""A certificate of a file of one's own: it names the file and its digest, and is checked as one of the catalogue is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cli import QUICK, assert_refused, run_cli
from own_files import TEXT, write

from layerproof.proofs.cli import run
from layerproof.proofs.evidence import proved
from layerproof.proofs.theory.audit import Audit
from layerproof.proofs.theory.gate import Outcome
from layerproof.proofs.theory.prover import Prover
from layerproof.symbolic.strict_json import dumps

pytestmark = pytest.mark.slow

ARGUMENTS = (*QUICK, "--seed", "3")
DEPTH = (
    ('parameters=("gamma",)', 'parameters=("gamma", "seed")'),
    ("return (w + C @ sweep.total / sweep.n,)", "return (w + p.seed * (C @ sweep.total) / sweep.n,)"),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "certificates").mkdir()
    assert run(["certify", write(folder), *ARGUMENTS, "-o", str(folder / "certificates" / "mine.json")]) == 0
    return folder


@pytest.fixture
def certified(made: Path, tmp_path: Path) -> Path:
    """The folder of mine.py and of its certificate in a folder beside it."""
    shutil.copytree(made, tmp_path / "made")
    return tmp_path / "made"


def change(path: Path, **changes: Any) -> None:
    """Change a certificate, with a digest that fits."""
    content = {**json.loads(path.read_text()), **changes}
    content.pop("digest")
    path.write_text(dumps({**content, "digest": sha256(dumps(content).encode()).hexdigest()}))


def test_it_names_the_file_as_seen_from_itself_and_its_theorems(certified: Path, capsys: Any) -> None:
    path = certified / "certificates" / "mine.json"
    content = json.loads(path.read_text())
    assert content["file"] == {"path": "../mine.py", "digest": sha256(TEXT.encode()).hexdigest()}
    assert [t["name"] for t in content["theorems"]][:1] == ["mine_state"]
    assert {"theory/mine.v", "statements/mine.v", "audits/mine.v", "loop_prompt.v"} <= set(content["sources"])
    assert content["settings"]["values"] == {} and content["settings"]["gamma"] == "9/10"
    ran = run_cli(capsys, "check", str(path), "--json")
    assert ran.code == 0 and {c["verdict"] for c in ran.document["claims"] if c["asked"]} == {"HOLDS"}
    again = certified / "certificates" / "again.json"
    run_cli(capsys, "certify", str(certified / "mine.py"), *ARGUMENTS, "-o", str(again))
    assert again.read_bytes() == path.read_bytes()


def test_of_another_file_it_is_refuted(certified: Path, capsys: Any) -> None:
    path = certified / "certificates" / "mine.json"
    with (certified / "mine.py").open("a") as file:
        file.write("# not the same\n")
    ran = run_cli(capsys, "check", str(path))
    assert ran.code == 1 and "file.digest: the certificate has" in ran.out and "9 HOLDS" not in ran.out
    write(certified, ("-step.C.mT", "step.C.mT"), ("delta * t.phi", "2 * delta * t.phi"))
    change(path, file={"path": "../mine.py", "digest": sha256((certified / "mine.py").read_bytes()).hexdigest()})
    ran = run_cli(capsys, "check", str(path))
    assert ran.code == 1 and "weights.tensors" in ran.out


@pytest.mark.parametrize(
    ("file", "message"),
    [("../gone.py", "there is no such file"), ("../notes.py", "is no construction, so it is not run"),
     ("../other.py", "the certificate is about 'mine'"), ("../data.json", "is no construction")],
)  # fmt: skip
def test_what_is_not_its_file_is_not_run(certified: Path, capsys: Any, file: str, message: str) -> None:
    (certified / "notes.py").write_text("import layerproof, pathlib\npathlib.Path('ran').touch()\n")
    (certified / "data.json").write_text("{}")
    write(certified, ('name="mine"', 'name="other"'), name="other.py")
    path = certified / "certificates" / "mine.json"
    change(path, file={"path": file, "digest": "0"})
    assert_refused(run_cli(capsys, "check", str(path)), 4, message)
    assert not Path("ran").exists()


@pytest.mark.parametrize("file", [1, {}, {"path": "x.py"}, {"path": 1, "digest": ""}])
def test_a_damaged_name_of_a_file_is_refused(certified: Path, capsys: Any, file: Any) -> None:
    path = certified / "certificates" / "mine.json"
    change(path, file=file)
    assert_refused(run_cli(capsys, "check", str(path)), 4, "file")


def test_a_parameter_may_have_the_name_of_a_setting(capsys: Any, tmp_path: Path) -> None:
    file, path = write(tmp_path, *DEPTH), tmp_path / "c.json"
    assert_refused(run_cli(capsys, "certify", file, *ARGUMENTS, "-o", str(path)), 2, "needs a value for seed")
    assert run_cli(capsys, "certify", file, *ARGUMENTS, "--parameter", "seed=1/3", "-o", str(path)).code == 0
    settings = json.loads(path.read_text())["settings"]
    assert (settings["seed"], settings["values"]) == (3, {"seed": "1/3"})
    assert run_cli(capsys, "check", str(path)).code == 0
    change(path, settings={**settings, "values": {"seed": "1/2"}})
    assert run_cli(capsys, "check", str(path)).code == 1


def test_where_there_are_no_weights_there_is_no_certificate(capsys: Any, tmp_path: Path) -> None:
    file, path = write(tmp_path, ("delta * t.phi", "delta * t.reward * t.phi")), tmp_path / "c.json"
    ran = run_cli(capsys, "certify", file, *ARGUMENTS, "-o", str(path))
    assert ran.code in (1, 3) and "no certificate is written" in ran.out and not path.exists()
    assert run_cli(capsys, "certify", file, *ARGUMENTS, "-o", str(path), "--json").document["certificate"] is None


def test_an_object_of_a_program_has_no_certificate() -> None:
    from own_algorithms import own

    from layerproof.proofs.certificate.certificate import certify
    from layerproof.symbolic.errors import ArgumentError

    with pytest.raises(ArgumentError, match="write it in a file"):
        certify(own())


def test_an_export_holds_one_of_its_own_copy(capsys: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_cli(capsys, "export", write(tmp_path), *ARGUMENTS, "-o", str(out)).code == 0
    assert json.loads((out / "certificate.json").read_text())["file"]["path"] == "construction.py"
    assert run_cli(capsys, "check", str(out)).code == 0
    change(out / "certificate.json", file={"path": "../mine.py", "digest": "0"})
    ran = run_cli(capsys, "check", str(out))
    assert ran.code == 1 and "is about ../mine.py, wanted construction.py" in ran.out.replace("'", "")


def test_the_prover_is_asked_of_a_file_wherever_it_is_asked(
    certified: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """verify, check of the file, of its certificate and of its export, and report; the gate stands in for itself."""
    asked: list[set[str]] = []

    def gate(audits: Sequence[Audit], *_: Any, **__: Any) -> Outcome:
        asked.append({t.name for a in audits for t in a.theorems})
        return Outcome(passed={t.name: 0.0 for a in audits for t in a.theorems}, version="stand-in")

    monkeypatch.setattr(proved, "gate", gate)
    monkeypatch.setattr(proved, "find_prover", lambda: Prover(("true",), "stand-in"))
    file, out = str(certified / "mine.py"), str(certified / "out")
    certificate = str(certified / "certificates" / "mine.json")
    assert run_cli(capsys, "export", file, *ARGUMENTS, "-o", out).code == 0
    commands: Iterable[tuple[str, ...]] = (
        ("prove", file), ("verify", file, *ARGUMENTS, "--prove"), ("check", file, "--prove"),
        ("check", certificate, "--prove"), ("check", out, "--prove"),
        ("report", file, *ARGUMENTS, "--prove", "--format", "md", "-o", str(certified / "report")),
    )  # fmt: skip
    for number, command in enumerate(commands, 1):
        if command[0] == "prove":
            monkeypatch.setattr("layerproof.proofs.commands.prove.find_prover", proved.find_prover)
        ran = run_cli(capsys, *command)
        assert ran.code == 0, ran
        assert len(asked) == number and {"mine_state", "mine_prompt0", "numbers_mine"} <= asked[-1], command
    document = run_cli(capsys, "check", certificate, "--prove", "--json").document
    assert [c["verdict"] for c in document["claims"] if c["evidence"] == "proved-all-sizes"] == ["HOLDS"]
    assert "The Rocq kernel accepted it" in (certified / "report" / "mine.md").read_text()
