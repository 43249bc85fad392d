"""Certificates of convergence: written, checked without the search, and refused when one entry is edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli import assert_refused, run_cli
from convergence_prompts import CYCLE, EXPANDING

import layerproof as lp
from layerproof.proofs.convergence import answer as searching
from layerproof.proofs.convergence.certificate import digest_of, write
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.convergence import rate as rates

Edit = Callable[[dict[str, Any]], None]
Capture = pytest.CaptureFixture[str]


def certificate(**more: Any) -> dict[str, Any]:
    document = lp.converge("td0", prompt=CYCLE, alpha="1/2", **more).certificate
    assert document is not None
    return json.loads(json.dumps(document))


def kept(document: dict[str, Any], folder: Path, sign: bool = True) -> Path:
    if sign:
        document["digest"] = digest_of({k: v for k, v in document.items() if k != "digest"})
    path = folder / "certificate.json"
    path.write_text(json.dumps(document))
    return path


def verdicts(capsys: Capture, path: Path) -> dict[str, str]:
    ran = run_cli(capsys, "check", str(path), "--json")
    return {c["evidence"]: c["verdict"] for c in ran.document["claims"]}


@pytest.mark.parametrize("name", ["td0", "gtd2", "differential-td", "average-reward-td"])
def test_a_certificate_is_checked_without_any_search(
    name: str, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = lp.converge(name, prompt=CYCLE, alpha="1/2")
    write(answer.certificate, tmp_path / "certificate.json")

    def searched(*_: Any, **__: Any) -> None:
        raise AssertionError("a check searches")

    for module, name in ((rates, "search"), (rates, "radius"), (searching, "radius"), (searching, "rate")):
        monkeypatch.setattr(module, name, searched)
    ran = run_cli(capsys, "check", str(tmp_path / "certificate.json"))
    assert ran.code == 0 and "3 claims: 3 HOLDS" in ran.out


def test_a_diverging_prompt_has_a_certificate_too(capsys: Capture, tmp_path: Path) -> None:
    answer = lp.converge("td0", prompt=EXPANDING)
    path = kept(json.loads(json.dumps(answer.certificate)), tmp_path)
    assert set(verdicts(capsys, path).values()) == {Verdict.HOLDS}
    assert run_cli(capsys, "check", str(tmp_path)).code == 0


def _matrix(k: int, j: int, change: str) -> Edit:
    def edit(c: dict[str, Any]) -> None:
        c["rate"]["matrix"][k][j] = change

    return edit


def _set(*path: Any) -> Edit:
    *keys, last, value = path

    def edit(c: dict[str, Any]) -> None:
        for key in keys:
            c = c[key]
        c[last] = value

    return edit


EDITS: dict[str, tuple[Edit, str]] = {
    "one entry beside the diagonal": (_matrix(0, 1, "1/3"), "convergence-rate"),
    "one entry of the diagonal": (_matrix(1, 1, "-1"), "convergence-rate"),
    "a rate below the spectral radius": (_set("rate", "r", "1/2"), "convergence-rate"),
    "a rate of one": (_set("rate", "r", "1"), "convergence-rate"),
    "a smaller constant": (_set("rate", "constants", ["1/1000"]), "convergence-rate"),
    "one layer fewer": (lambda c: c.update(layers=c["layers"] - 1), "convergence-rate"),
    "another epsilon": (_set("epsilon", "1/1000000000"), "convergence-rate"),
    "no rate but layers": (_set("rate", None), "convergence-rate"),
    "a bracket beside the radius": (_set("spectral_radius", ["1/10", "1/5"]), "convergence-exact"),
    "a bracket above the radius": (_set("spectral_radius", ["999/1000", "1"]), "convergence-exact"),
    "the other answer": (_set("answer", "diverges"), "convergence-exact"),
    "another limit": (_set("limit", "weights", "w", 0, "7"), "convergence-exact"),
    "another value": (_set("limit", "prediction", "7"), "convergence-exact"),
    "another polynomial": (_set("polynomial", 0, "7"), "convergence-exact"),
    "another reward": (_set("prompt", "rewards", 0, "5"), "convergence-exact"),
    "another step": (_set("preconditioners", 0, 0, 0, 0, "5"), "convergence-exact"),
    "another start": (_set("start", 0, 0, "1000"), "convergence-rate"),
    "another discount": (_set("parameters", "gamma", "1/2"), "convergence-exact"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_refuted_even_when_it_is_signed(name: str, capsys: Capture, tmp_path: Path) -> None:
    edit, refuted = EDITS[name]
    document = certificate()
    edit(document)
    by_evidence = verdicts(capsys, kept(document, tmp_path))
    assert by_evidence["certificate-digest"] == Verdict.HOLDS and by_evidence[refuted] == Verdict.REFUTED
    assert verdicts(capsys, kept({**document, "digest": "0"}, tmp_path, sign=False))["certificate-digest"] == "REFUTED"


BROKEN: dict[str, tuple[Edit, str]] = {
    "no key": (lambda c: c.pop("limit"), "key 'limit' is missing"),
    "a key too many": (_set("more", 1), "key 'more' is not known"),
    "another schema": (_set("schema", 2), "schema is '2'"),
    "an unknown algorithm": (_set("subject", "td-9"), "there is no algorithm"),
    "a number as JSON": (_set("prompt", "rewards", 0, 0.5), "wanted a number as text"),
    "a short vector": (_set("start", 0, ["1"]), "start has 1 numbers, wanted 3"),
    "no preconditioner": (_set("preconditioners", []), "preconditioners is empty"),
    "an answer that is none": (_set("answer", "maybe"), "wanted converges or diverges"),
    "a parameter too many": (_set("parameters", "lam", "1/2"), "parameters are"),
    "layers as text": (_set("layers", "7"), "layers is"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_certificate_is_refused(name: str, capsys: Capture, tmp_path: Path) -> None:
    edit, fragment = BROKEN[name]
    document = certificate()
    edit(document)
    assert_refused(run_cli(capsys, "check", str(kept(document, tmp_path))), 4, fragment)


def test_the_matrix_may_be_of_the_wrong_size(capsys: Capture, tmp_path: Path) -> None:
    document = certificate()
    document["rate"]["matrix"] = [["1"]]
    assert_refused(run_cli(capsys, "check", str(kept(document, tmp_path))), 4, "rate.matrix has 1 numbers, wanted 3")


def test_other_files_are_not_overwritten(capsys: Capture, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    assert_refused(run_cli(capsys, "converge", "td0", "-o", str(other)), 2, "is no certificate of convergence")
    mine = tmp_path / "mine.json"
    for _ in range(2):
        assert run_cli(capsys, "converge", "td0", "-d", "1", "-n", "3", "-o", str(mine)).code == 0
    assert run_cli(capsys, "check", str(tmp_path)).code == 0
