"""Certificates of algorithms that attend by patterns: checked from the file alone, and refuted where one is edited."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import own_patterns
import pytest
from cli import assert_refused, run_cli

from layerproof.proofs.case import Settings
from layerproof.proofs.certificate import certificate as certificates
from layerproof.proofs.verdict import Verdict
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.patterns.record import KEYS

TINY = Settings(features=2, context=3, layers=2, trials=1, entrywise_features=1, entrywise_context=2)
QUICK = ("derived", "identity-exact")


@pytest.fixture(scope="module")
def softmax() -> dict[str, Any]:
    certificate = certificates.certify("softmax-td", TINY)[1]
    assert certificate is not None
    return certificate


def bound(certificate: dict[str, Any]) -> dict[str, Any]:
    """The same content with the digests made to fit, as an attacker would."""
    held = {k: v for k, v in certificate["weights"].items() if k not in ("digest", "entries", "stored")}
    weights = {**certificate["weights"], "digest": certificates._digest(held)}
    content = {k: v for k, v in {**certificate, "weights": weights}.items() if k != "digest"}
    return {**content, "digest": certificates._digest(content)}


def test_a_softmax_is_certified_given_its_pattern_and_checked_from_the_file_alone(softmax: dict[str, Any]) -> None:
    assert softmax["schema"] == 2 and softmax["weights"]["schema"] == 2 and "readout" not in softmax
    pattern = softmax["pattern"]
    assert (pattern["kernel"], pattern["keys"], pattern["shift_from"]) == ("softmax", "context", "next")
    assert "nothing is claimed of the softmax's own digits" in pattern["exact"]
    (exact,) = (c for c in softmax["claims"] if c["evidence"] == "identity-exact")
    assert exact["verdict"] == "HOLDS" and "with K of random rationals" in exact["reason"]
    floats = [c["claim"] for c in softmax["claims"] if c["evidence"] == "float"]
    assert "sum to one" in floats[0] and "given the pattern as it was computed" in floats[1]
    result = certificates.check(json.loads(json.dumps(softmax)))
    assert result.holds and {c.evidence for c in result.claims if c.asked} >= {"identity-symbolic", "float"}


@pytest.mark.parametrize("name", ["sarsa", "causal-td", "kernel-gradient-descent"])
def test_the_others_come_back_too(name: str, tmp_path: Path) -> None:
    result, certificate = certificates.certify(name, TINY, QUICK)
    assert result.holds and certificate is not None
    certificates.write(certificate, tmp_path / "it.json")
    assert certificates.check(certificates.read(tmp_path / "it.json")).holds


def kernel(c: dict[str, Any]) -> None:
    for held in (c["pattern"], c["weights"]["pattern"]):
        held["kernel"] = "relu"


def axis(c: dict[str, Any]) -> None:
    for held in (c["pattern"], c["weights"]["pattern"]):
        held["kernel"] = "softmax-over-queries"


def query(c: dict[str, Any]) -> None:
    for held in (c["pattern"], c["weights"]["pattern"]):
        held["keys"] = "context and query"
    n = c["settings"]["context"]
    seen = [KEYS["context and query"](t, n) for t in range(1, n + 2)]
    c["weights"]["tensors"]["mask"] = [[str(int(j < s)) for s in seen] for j in range(n + 1)]


def direction(c: dict[str, Any]) -> None:
    c["pattern"]["shift_from"] = c["weights"]["shift_from"] = "previous"


def mask_first(c: dict[str, Any]) -> None:
    for held in (c["pattern"], c["weights"]["pattern"]):
        held["mask_first"] = True


def values(c: dict[str, Any]) -> None:
    V = c["weights"]["tensors"]["layers.1.heads.0.V"]
    c["weights"]["tensors"]["layers.1.heads.0.V"] = [list(row) for row in zip(*V, strict=True)]


def exactness(c: dict[str, Any]) -> None:
    c["pattern"]["exact"] = "the softmax is rational, so the whole layer is exact"


@pytest.mark.parametrize("edit", [kernel, axis, query, direction, mask_first, values, exactness])
def test_what_is_edited_with_digests_that_fit_is_refuted(softmax: dict[str, Any], edit: Any) -> None:
    edited = copy.deepcopy({**softmax, "settings": {**softmax["settings"], "evidence": list(QUICK)}})
    edited["claims"] = certificates.certify("softmax-td", TINY, QUICK)[1]["claims"]
    edited["statement"] = certificates.certify("softmax-td", TINY, QUICK)[1]["statement"]
    assert certificates.check(bound(edited)).holds
    edit(edited)
    result = certificates.check(bound(edited))
    content = next(c for c in result.claims if c.claim == "certificate-content")
    assert result.exit_code == 1 and content.verdict is Verdict.REFUTED
    fields = {x["field"] for x in (content.witness or {})["fields"]}
    assert any(x.startswith(("pattern.", "weights.pattern.", "weights.shift", "weights.tensors.")) for x in fields)


def test_schemas_are_of_their_own_kinds_of_algorithm(softmax: dict[str, Any]) -> None:
    first = certificates.certify("td0", TINY, ("derived",))[1]
    assert first is not None and first["schema"] == 1 and certificates.check(first).holds
    for other, says in (
        ({**softmax, "schema": 1}, "key pattern is there"),
        ({**first, "schema": 2}, "key pattern is missing"),
        ({**softmax, "schema": 3}, "this version reads 1 and 2"),
        ({**softmax, "algorithm": {**softmax["algorithm"], "name": "td0"}}, "not in the catalogue"),
        ({**softmax, "pattern": {**softmax["pattern"], "kernel": 1}}, "pattern.kernel"),
    ):
        with pytest.raises(ContentError, match=says):
            certificates.check(other)


def test_balls_that_overlap_are_certified_as_undecided_and_never_as_more(capsys: Any, tmp_path: Path) -> None:
    path = own_patterns.write(
        tmp_path, own_patterns.KERNEL,
        own_patterns.more("mask_first=True"),
        ('kernels=("softmax",)', 'kernels=("exponential",)'), ('"current": k.reward', '"current": 0 * k.reward'),
        ("k.weight * (k.reward + p.gamma * k.next_state - k.state)", "0 * k.weight * k.state"),
        ("+ k.target - k.current", ""),
    )  # fmt: skip
    made = tmp_path / "mine.json"
    ran = run_cli(capsys, "certify", path, "-d", "2", "-n", "3", "-L", "1", "-o", str(made))
    document = json.loads(made.read_text())
    assert ran.code == 3 and document["file"]["path"] == "mine.py" and document["pattern"]["mask_first"]
    (exact,) = (c for c in document["claims"] if c["evidence"] == "identity-exact")
    assert exact["verdict"] == "UNDECIDED" and "an overlap is no equality" in exact["reason"]
    assert run_cli(capsys, "check", str(made)).code == 3
    exact["verdict"] = "HOLDS"
    made.write_text(json.dumps(bound(document)))
    assert run_cli(capsys, "check", str(made)).code == 1


def test_a_certificate_of_ones_own_file_is_of_that_file(capsys: Any, tmp_path: Path) -> None:
    path, made = own_patterns.write(tmp_path, own_patterns.COLUMN), tmp_path / "mine.json"
    sizes = ("-d", "2", "-n", "3", "-L", "1", "--evidence", "identity-exact")
    assert run_cli(capsys, "certify", path, *sizes, "-o", str(made)).code == 0
    assert run_cli(capsys, "check", str(made)).code == 0
    own_patterns.write(tmp_path, own_patterns.COLUMN, ('{"w": C @', '{"w": C.T @'))
    assert run_cli(capsys, "check", str(made)).code == 1
    assert_refused(run_cli(capsys, "certify", path, "--trace", "lam", "-o", str(made)), 2, "keeps no trace", "trace")
