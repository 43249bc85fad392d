"""`layerproof doctor`: every probe answers for itself, and nothing is called available that is not."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections.abc import Iterable, Iterator
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from cli import python, run_cli

import layerproof as lp
from layerproof.numeric import device as device_module
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge.bounds import WIDE, growth, layer_maps
from layerproof.proofs.doctor import floats as doctor_floats
from layerproof.proofs.doctor import probes as doctor_probes
from layerproof.proofs.doctor import runs as doctor_runs
from layerproof.proofs.doctor.diagnose import diagnose
from layerproof.proofs.doctor.finding import Finding, State, ask, gather
from layerproof.proofs.evidence import OnRequest, kinds
from layerproof.proofs.theory import record as proof_record
from layerproof.proofs.theory.prover import INSTALL
from layerproof.proofs.verdict import SCHEMA, Claim, Verdict
from layerproof.symbolic.strict_json import dumps, loads

TOPICS = ["machine", "switches", "versions", "torch", "devices", "formats", "subnormals", "compiler", "prover",
          "extras", "tools", "evidence"]  # fmt: skip


def named(findings: Iterable[Finding]) -> dict[str, Finding]:
    return {f.name: f for f in findings}


@pytest.fixture
def nothing_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CXX", raising=False)
    return folder


def program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


# the document and the table


def test_the_document_has_its_schema_and_every_finding_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_cli(capsys, "doctor", "--json")
    document = ran.document
    assert ran.code == 0
    assert document.keys() == {"command", "schema", "settings", "claims", "topics"}
    assert (document["command"], document["schema"], document["claims"]) == ("doctor", SCHEMA, [])
    assert document["settings"] == {"try_compile": False}
    assert sorted(t["topic"] for t in document["topics"]) == sorted(TOPICS)
    for topic in document["topics"]:
        assert topic.keys() == {"topic", "findings"} and topic["findings"], topic
        for finding in topic["findings"]:
            assert finding.keys() == {"name", "state", "said", "install", "details"}
            assert finding["state"] in {s.value for s in State} and finding["name"] and finding["said"]
        names = [f["name"] for f in topic["findings"]]
        assert len(set(names)) == len(names)


def test_the_table_is_plain_and_names_every_finding(
    capsys: pytest.CaptureFixture[str], nothing_on_the_path: Path
) -> None:
    ran = run_cli(capsys, "doctor")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    diagnosis = diagnose()
    for topic in diagnosis.topics:
        assert topic.title in ran.out
        for finding in topic.findings:
            assert re.search(rf"^ *{re.escape(finding.name)} ", ran.out, re.MULTILINE), finding.name
    assert "For what is missing" in ran.out and "apt-get install coq" in ran.out
    assert [install for _, install in diagnosis.remedies()].count(INSTALL) == 1


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAYERPROOF_CACHE", "HOME", "TMPDIR", "TORCHINDUCTOR_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    diagnose()
    assert list(tmp_path.iterdir()) == []


def test_arguments_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(capsys, "doctor", "everything").code == 2


# probes are independent


@pytest.mark.parametrize(
    ("module", "probe", "topic"),
    [
        (doctor_probes, "machine", "machine"),
        (doctor_runs, "prover", "prover"),
        (doctor_runs, "evidence", "evidence"),
        (doctor_floats, "switches", "switches"),
        (doctor_floats, "formats", "formats"),
    ],
)
def test_a_probe_that_fails_says_why_and_stops_no_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, module: Any, probe: str, topic: str
) -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("before", State.YES, "found before it failed")
        raise OSError("the disk\nis on fire")

    whole = len(named(diagnose().topics[-1].findings))
    monkeypatch.setattr(module, probe, broken)
    ran = run_cli(capsys, "doctor", "--json")
    topics = {t["topic"]: t["findings"] for t in ran.document["topics"]}
    assert ran.code == 0
    assert [f["state"] for f in topics[topic]] == ["yes", "unknown"]
    assert "OSError: the disk" in topics[topic][1]["said"] and "fire" not in topics[topic][1]["said"], "one line"
    assert sorted(topics) == sorted(TOPICS)
    assert topic == "evidence" or len(topics["evidence"]) == whole


def test_an_interrupt_is_not_swallowed() -> None:
    def interrupted() -> Finding:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask("anything", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gather("anything", "a title", lambda: [interrupted()])


def test_without_torch_everything_else_is_still_answered() -> None:
    ran = python("-c", "import sys; sys.modules['torch'] = None\n"
                       "from layerproof.proofs.cli import run; sys.exit(run(['doctor', '--json']))")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    topics = {t["topic"]: {f["name"]: f for f in t["findings"]} for t in loads(ran.stdout)["topics"]}
    assert topics["evidence"]["identity-exact"]["state"] == "yes"
    assert topics["evidence"]["float"]["state"] == "no"
    assert "torch" in topics["evidence"]["float"]["said"]
    assert topics["formats"]["formats"]["state"] == "unknown"
    assert not any(f["state"] == "yes" for t in ("devices", "formats") for f in topics[t].values())


# devices and formats


def test_the_cpu_is_there_and_its_formats_are_tried() -> None:
    assert named(doctor_floats.devices())["cpu"].state is State.YES
    findings = named(doctor_floats.formats())
    for target in PRECISIONS.values():
        assert findings[f"{target.name} on cpu"].state is State.YES
    assert findings["tf32 on cpu"].state is State.NO


@pytest.fixture
def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"Pretend {device.index}")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(total_memory=80 * 2**30))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a real CUDA device would do what is asked of the pretended one")
def test_a_gpu_that_is_listed_but_computes_nothing_is_not_called_available(pretend_gpu: None) -> None:
    devices = named(doctor_floats.devices())
    assert {d for d in devices} == {"cpu", "cuda:0", "cuda:1"}
    assert "Pretend 0, 80.0 GiB" in devices["cuda:0"].said
    formats = named(doctor_floats.formats())
    evidence = named(doctor_runs.evidence())
    on_gpu = [f for f in [*devices.values(), *formats.values(), *evidence.values()] if "cuda" in f.name]
    assert len(on_gpu) == 2 + 2 * (len(PRECISIONS) + 1) + 1
    assert {f.state for f in on_gpu} == {State.NO}
    assert evidence["float"].state is State.YES
    assert not any(f.state is State.YES for f in doctor_floats.subnormals() if "cuda" in f.name)


@pytest.mark.parametrize("cut", [True, False])
def test_a_gpu_that_computes_is_named_and_has_tf32_when_it_is_seen_to(
    pretend_gpu: None, monkeypatch: pytest.MonkeyPatch, cut: bool
) -> None:
    monkeypatch.setattr(doctor_floats, "_cuts_inputs", lambda device: cut)
    monkeypatch.setattr(doctor_floats, "_small_product", lambda device, dtype: None)
    monkeypatch.setattr(doctor_floats, "_rounds_as", lambda device, dtype, u: True)
    devices = named(doctor_floats.devices())
    assert (devices["cuda:1"].state, devices["cuda:1"].said) == (State.YES, "Pretend 1, 80.0 GiB")
    formats = named(doctor_floats.formats())
    assert formats["float16 on cuda:0"].state is State.YES
    assert formats["tf32 on cuda:0"].state is (State.YES if cut else State.NO)


def test_inputs_that_are_cut_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    assert not doctor_floats._cuts_inputs(cpu)
    real = torch.Tensor.__matmul__
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: real(a.bfloat16(), b.bfloat16()).float())
    assert doctor_floats._cuts_inputs(cpu)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_real_gpu_is_named_and_used() -> None:
    assert named(doctor_floats.devices())["cuda:0"].state is State.YES
    assert named(doctor_floats.formats())["float64 on cuda:0"].state is State.YES
    assert named(doctor_runs.evidence())["float on cuda"].state is State.YES


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_no_gpu_is_said_with_the_reason() -> None:
    finding = named(doctor_floats.devices())["gpu"]
    assert finding.state is State.NO
    assert bool(finding.install) == (torch.accelerator.current_accelerator() is None)


def test_a_format_that_fails_or_rounds_otherwise_is_not_called_available(monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor_floats._small_product

    def broken(device: torch.device, dtype: torch.dtype) -> None:
        if dtype is torch.float16:
            raise RuntimeError('"addmm_impl_cpu_" not implemented')
        real(device, dtype)

    monkeypatch.setattr(doctor_floats, "_small_product", broken)
    monkeypatch.setattr(doctor_floats, "_rounds_as", lambda device, dtype, u: dtype is not torch.bfloat16)
    findings = named(doctor_floats.formats())
    assert findings["float16 on cpu"].state is State.NO and "not implemented" in findings["float16 on cpu"].said
    assert findings["bfloat16 on cpu"].state is State.NO
    assert findings["float64 on cpu"].state is State.YES


def test_a_wrong_product_and_a_wrong_rounding_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    for dtype, target in PRECISIONS.items():
        u = float(target.unit_roundoff)
        doctor_floats._small_product(cpu, dtype)
        assert doctor_floats._rounds_as(cpu, dtype, u)
        assert not doctor_floats._rounds_as(cpu, dtype, 2 * u)
        assert not doctor_floats._rounds_as(cpu, dtype, u / 2)
    monkeypatch.setattr(torch.Tensor, "__matmul__", lambda a, b: a * b)
    with pytest.raises(ArithmeticError, match="squared gave"):
        doctor_floats._small_product(cpu, torch.float64)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_longest_context_is_the_last_that_is_judged(dtype: torch.dtype) -> None:
    target = PRECISIONS[dtype]
    k = doctor_floats.most_roundings(target)
    assert growth(k, target) < WIDE <= growth(k + 1, target)

    def judges(n: int) -> bool:
        maps = layer_maps(lp.construct("td0", d=doctor_floats.FEATURES, n=n, layers=1))
        return growth(maps.roundings, target) < WIDE

    n = doctor_floats.longest_context(target)
    assert not judges(n + 1)
    assert n == 0 or judges(n)


@pytest.fixture
def flushing() -> Iterator[None]:
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot flush subnormals")
    yield
    torch.set_flush_denormal(False)


def test_flushed_subnormals_are_seen(flushing: None) -> None:
    findings = named(doctor_floats.subnormals())
    assert findings["float64 on cpu"].details["kept"]["product"] is False
    assert findings["float64 on cpu"].state is State.INFO  # the bounds cover it


def test_flushing_that_the_bounds_do_not_cover_is_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named(doctor_floats.subnormals())["float16 on cpu"].state is not State.NO
    monkeypatch.setattr(torch.Tensor, "__mul__", lambda a, b: torch.zeros_like(a))
    findings = named(doctor_floats.subnormals())
    assert findings["float16 on cpu"].state is State.NO
    assert findings["float32 on cpu"].state is State.INFO


# switches


class Switch:
    """A switch that cannot be read, or that stays as it is."""

    @property
    def unreadable(self) -> bool:
        raise RuntimeError("mix of the legacy and new APIs")

    @property
    def stubborn(self) -> bool:
        return True

    @stubborn.setter
    def stubborn(self, value: bool) -> None:
        pass


def test_a_switch_that_raises_or_stays_is_reported_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    known = device_module._switches()
    more = [(name, Switch(), name, False) for name in ("unreadable", "stubborn")]
    monkeypatch.setattr(device_module, "_switches", lambda: [*more, *known])
    findings = named(doctor_floats.switches())
    assert set(findings) == {name for name, *_ in known} | {"unreadable", "stubborn"}
    assert findings["unreadable"].state is State.UNKNOWN
    assert findings["stubborn"].state is State.UNKNOWN
    for name, place, attribute, strict in known:
        assert findings[name].details["strict_run"] == str(strict)
        assert findings[name].details["stands"] == str(getattr(place, attribute))


def test_reading_the_switches_leaves_them_as_they_are() -> None:
    before = [str(getattr(place, attribute)) for _, place, attribute, _ in device_module._switches()]
    diagnose()
    assert [str(getattr(place, attribute)) for _, place, attribute, _ in device_module._switches()] == before


# extras


def installed(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str | None]) -> None:
    """Pretend that these distributions are there in these versions, or not at all."""
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name not in versions:
            return real(name)
        if versions[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return str(versions[name])

    monkeypatch.setattr(doctor_probes.metadata, "version", version)


def described(monkeypatch: pytest.MonkeyPatch, extras: list[str], requirements: list[str]) -> None:
    about = Message()
    for extra in extras:
        about["Provides-Extra"] = extra
    for requirement in requirements:
        about["Requires-Dist"] = requirement
    monkeypatch.setattr(doctor_probes.metadata, "metadata", lambda name: about)


def test_the_extras_are_those_of_the_installed_metadata() -> None:
    extras = importlib.metadata.metadata("layerproof").get_all("Provides-Extra")
    assert list(named(doctor_probes.extras())) == extras


def test_a_missing_extra_is_a_no_with_its_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, {"onnx": "1.20", "onnxscript": "0.5.1", "onnxruntime": None, "jax": "0.4.38"})
    findings = named(doctor_probes.extras())
    assert findings["onnx"].state is State.NO and "onnxruntime" in findings["onnx"].said
    assert findings["onnx"].install == f"{sys.executable} -m pip install 'layerproof[onnx]'"
    assert findings["jax"].state is State.NO and "0.4.38" in findings["jax"].said
    assert findings["dask"].state is State.YES and findings["dask"].install == ""
    assert findings["test"].state is State.NO, "what the tests need holds the extras"


def test_an_extra_that_is_new_is_found_and_a_form_that_is_not_understood_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described(
        monkeypatch, ["new", "odd"], ["numpy>=1", 'nothing-like-it>=3; extra == "new"', "rich!=1; extra == 'odd'"]
    )
    extras = named(doctor_probes.extras())
    assert extras["new"].state is State.NO and "nothing-like-it" in extras["new"].said
    assert extras["odd"].state is State.UNKNOWN and "'!=1'" in extras["odd"].said
    described(monkeypatch, [], ["numpy>=1; python_version < '4'"])
    (unknown,) = gather("extras", "", doctor_probes.extras).findings
    assert unknown.state is State.UNKNOWN


def test_what_layerproof_needs_is_listed_with_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, {"safetensors": None, "rich": "12.6.0"})
    findings = named(doctor_probes.versions())
    assert findings["torch"].said.startswith(f"torch {importlib.metadata.version('torch')}")
    assert findings["safetensors"].state is findings["rich"].state is State.NO
    assert findings["safetensors"].install.endswith("pip install 'safetensors>=0.5'")


@pytest.mark.parametrize(
    ("version", "wanted", "good"),
    [("1.10", ">=1.9", True), ("1.9", ">=1.10", False), ("2.13.0+cpu", ">=2.6", True), ("5", ">=5.0", True),
     ("0.5rc1", ">=0.6", False), ("dev", ">=1", False)],
)  # fmt: skip
def test_versions_are_compared_as_numbers(version: str, wanted: str, good: bool) -> None:
    assert doctor_probes.satisfies(version, wanted) is good


# programs


def test_without_a_prover_nothing_claims_to_prove(nothing_on_the_path: Path) -> None:
    findings = named(doctor_runs.prover())
    assert (findings["prover"].state, findings["prover"].install) == (State.NO, INSTALL)
    assert "mathcomp" not in findings
    proved = named(doctor_runs.evidence())["proved-all-sizes"]
    assert (proved.state, proved.install) == (State.NO, INSTALL)


def test_a_prover_without_its_libraries_is_not_enough(nothing_on_the_path: Path, tmp_path: Path) -> None:
    program(nothing_on_the_path, "coqc", f'if [ "$1" = -where ]; then echo {tmp_path}; else echo "Coq 8.99"; fi')
    findings = named(doctor_runs.prover())
    assert (findings["prover"].state, findings["prover"].said) == (State.YES, "Coq 8.99")
    assert findings["mathcomp"].state is State.NO and "all_algebra" in findings["mathcomp"].said
    assert named(doctor_runs.evidence())["proved-all-sizes"].state is State.NO
    library = tmp_path / "user-contrib" / "mathcomp" / "all"
    library.mkdir(parents=True)
    for name in doctor_runs.required_libraries():
        (library / f"{name}.vo").touch()
    findings = named(doctor_runs.prover())
    assert findings["mathcomp"].state is State.YES
    proved = named(doctor_runs.evidence())["proved-all-sizes"]
    assert proved.state is State.UNKNOWN and "layerproof prove" in proved.said  # installed is not yet tried


def test_a_prover_that_does_not_say_where_its_libraries_are(nothing_on_the_path: Path) -> None:
    program(nothing_on_the_path, "coqc", 'if [ "$1" = -where ]; then exit 3; else echo "Coq 8.98"; fi')
    assert named(doctor_runs.prover())["mathcomp"].state is State.UNKNOWN
    assert named(doctor_runs.evidence())["proved-all-sizes"].state is not State.YES


def test_the_libraries_are_read_from_the_theory(tmp_path: Path) -> None:
    assert {"all_ssreflect", "all_algebra", "ring"} <= doctor_runs.required_libraries()
    (tmp_path / "a.v").write_text("From mathcomp Require Import some other.\n")
    assert doctor_runs.required_libraries(tmp_path) == {"some", "other"}


def test_a_record_of_proofs_is_named() -> None:
    assert named(doctor_runs.prover())["record"].state is State.NO
    proof_record.record_path().parent.mkdir(parents=True, exist_ok=True)
    proof_record.record_path().write_text(dumps({"td0": "0", "something": "1"}))
    finding = named(doctor_runs.prover())["record"]
    assert finding.state is State.YES and finding.details["names"] == ["td0"]


def test_without_a_compiler_or_tools(nothing_on_the_path: Path) -> None:
    ingredients = named(doctor_runs.compiler(False))["ingredients"]
    assert ingredients.state is State.NO and ingredients.install
    assert {f.state for f in doctor_probes.tools()} == {State.NO}
    assert all(f.install for f in doctor_probes.tools())
    program(nothing_on_the_path, "xelatex", "true")
    assert named(doctor_probes.tools())["latex"].state is State.YES


def test_the_compiler_that_is_asked_for_is_the_one_looked_for(
    nothing_on_the_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "my-compiler")
    assert "my-compiler" in named(doctor_runs.compiler(False))["ingredients"].said
    program(nothing_on_the_path, "my-compiler", "true")
    findings = named(doctor_runs.compiler(False))
    assert findings["ingredients"].state is not State.NO or "my-compiler" not in findings["ingredients"].said
    assert findings["torch.compile on cpu"].state is State.UNKNOWN  # there is not the same as works


@pytest.mark.parametrize(
    ("text", "state", "message"),
    [
        ("print('compiled')", State.YES, ""),
        ("raise RuntimeError('no such compiler')", State.NO, "RuntimeError: no such compiler"),
        ("print('something else')", State.NO, ""),
        ("import os; os.abort()", State.NO, ""),
    ],
)
def test_an_attempt_to_compile_is_believed_only_when_it_succeeds(
    monkeypatch: pytest.MonkeyPatch, text: str, state: State, message: str
) -> None:
    monkeypatch.setattr(doctor_runs, "_COMPILE", text)
    finding = named(doctor_runs.compiler(True))["torch.compile on cpu"]
    assert finding.state is state and message in finding.said


def test_an_attempt_to_compile_that_takes_too_long_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_runs, "_COMPILE", "import time; time.sleep(60)")
    monkeypatch.setattr(doctor_runs, "LONG", 0.2)
    finding = named(doctor_runs.compiler(True))["torch.compile on cpu"]
    assert finding.state is State.UNKNOWN and "TimeoutExpired" in finding.said


@pytest.mark.skipif("LAYERPROOF_COMPILE" not in os.environ, reason="takes half a minute: set LAYERPROOF_COMPILE=1")
def test_a_layer_compiles_here() -> None:
    assert named(doctor_runs.compiler(True))["torch.compile on cpu"].state is State.YES


# evidence


def test_every_kind_of_evidence_is_answered_and_those_that_hold_were_run() -> None:
    findings = named(doctor_runs.evidence())
    assert set(kinds()) <= set(findings)
    for name, kind in kinds().items():
        if not isinstance(kind, OnRequest):
            assert findings[name].state is State.YES and "seconds" in findings[name].details


def refuted(case: Any) -> list[Claim]:
    return [Claim("td0", "a claim", "float", Verdict.REFUTED, "", "off by 1")]


def raises(case: Any) -> list[Claim]:
    raise ImportError("No module named 'flint'")


@pytest.mark.parametrize(
    ("establish", "message"),
    [(refuted, "off by 1"), (raises, "ImportError"), (lambda case: [], "")],
)
def test_evidence_that_does_not_hold_here_is_a_no(
    monkeypatch: pytest.MonkeyPatch, establish: Any, message: str
) -> None:
    monkeypatch.setattr(kinds()["identity-exact"], "establish", establish)
    findings = named(doctor_runs.evidence())
    assert findings["identity-exact"].state is State.NO and message in findings["identity-exact"].said
    assert findings["derived"].state is State.YES
