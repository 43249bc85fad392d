"""Certificates: checked by deriving again; no edited field is ever accepted, with or without a digest made to fit."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cli import EXACT, assert_refused, python, run_cli
from helpers import each_kind_by_name

from layerproof.proofs.case import Progress, Settings
from layerproof.proofs.certificate import certificate as certificates
from layerproof.proofs.certificate.asked import asked_in, settings_of
from layerproof.proofs.evidence import kinds
from layerproof.proofs.verdict import Claim, Result, Verdict
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import find
from layerproof.symbolic.errors import ArgumentError, ContentError, WorkLimitError
from layerproof.symbolic.strict_json import dumps

TINY = Settings(features=1, context=2, layers=1, trials=2, exact_trials=2, entrywise_features=1, entrywise_context=2)
QUICK = ("derived", "identity-exact")
TINY_CLI = ("-d", "1", "-n", "2", "-L", "1", "--trials", "1", "--evidence", "derived", "--evidence", "identity-exact")
THEOREM = {"name": "td", "file": "td.v", "statement": "forall d n L, true = true", "sentence": "the output is w . phi"}
PROVED = "proved-all-sizes"


def made(name: str, settings: Settings = TINY, evidence: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A certificate of one algorithm."""
    return certificates.certify(name, settings, evidence)[1]


def bound(certificate: dict[str, Any]) -> dict[str, Any]:
    """The same content with the digest made to fit, as an attacker would."""
    content = {k: v for k, v in certificate.items() if k != "digest"}
    return {**content, "digest": certificates._digest(content)}


def fields(result: Result) -> list[str]:
    """The fields that a check names as wrong."""
    named = [(c.witness or {}).get("fields", []) for c in result.claims[:2]]
    return [d["field"] for group in named for d in group]


@pytest.fixture(scope="module")
def td0() -> dict[str, Any]:
    return made("td0", evidence=QUICK)


@pytest.fixture
def cached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive and verify once for each question that is asked: thousands of edits ask a few dozen."""
    results: dict[Any, Result] = {}
    built: dict[Any, dict[str, Any]] = {}
    verify, build = certificates.verify, certificates.build

    def verify_once(algorithm: Algorithm, *, settings: Settings, evidence: Any, progress: Any) -> Result:
        key = (algorithm.name, settings, tuple(evidence))
        if key not in results:
            results[key] = verify(algorithm, settings=settings, evidence=evidence, progress=progress)
        return results[key]

    def build_once(algorithm: Algorithm, settings: Settings, result: Result, file: str | None) -> dict[str, Any]:
        key = (algorithm.name, settings, id(result), file)
        if key not in built:
            built[key] = build(algorithm, settings, result, file)
        return copy.deepcopy(built[key])

    monkeypatch.setattr(certificates, "verify", verify_once)
    monkeypatch.setattr(certificates, "build", build_once)
    monkeypatch.setattr(certificates, "_theory", lambda name: ([dict(THEOREM)], {"td.v": "ab" * 32}))


# --- a certificate that is true is accepted -------------------------------------------------------------------------


def test_a_parameter_other_than_gamma_and_lam_comes_back_from_the_settings() -> None:
    algorithm, asked = find("heavy-ball-td"), replace(TINY, values={"beta": Fraction(2, 7)})
    header = {"settings": settings_of(algorithm, asked, EXACT)}
    settings, evidence = asked_in(header, algorithm)
    assert (settings.values, settings.gamma, evidence) == ({"beta": Fraction(2, 7)}, asked.gamma, tuple(EXACT))
    assert settings_of(algorithm, settings, evidence) == header["settings"]


@pytest.mark.slow
@each_kind_by_name
def test_a_round_trip_holds(name: str, tmp_path: Path) -> None:
    result, certificate = certificates.certify(name, replace(TINY, features=2, layers=2))
    assert result.holds
    path = tmp_path / "cert.json"
    certificates.write(certificate, path)
    assert path.read_text() == dumps(certificate) and [p.name for p in tmp_path.iterdir()] == ["cert.json"]
    checked = certificates.check(certificates.read(path))
    assert checked.holds, checked.to_json()
    assert [c.claim for c in checked.claims[:2]] == ["certificate-digest", "certificate-content"]
    again = [c.evidence for c in checked.claims[2:] if c.asked]
    assert list(dict.fromkeys(again)) == [*EXACT, "float"]
    assert checked.claims[-1].evidence == PROVED and not checked.claims[-1].asked
    assert certificate["weights"]["stored"] == "whole"
    assert {k: certificate["weights"][k] for k in ("layout", "readout")} == {
        k: certificate[k] for k in ("layout", "readout")
    }
    assert bool(certificate["theorems"]) == bool(certificate["sources"])
    sources = {name.removeprefix("theory/") for name in certificate["sources"]}
    assert {f"{t['file']}.v" for t in certificate["theorems"]} <= sources


@pytest.mark.parametrize(
    "changed",
    [{"looped": True, "layers": 3}, {"trace": "gamma-lam"}, {"gamma": Fraction(1, 3), "lam": Fraction(1)},
     {"process": "loop", "seed": 7}, {"dtype": "float32"}],
)  # fmt: skip
def test_settings_come_back(changed: dict[str, Any]) -> None:
    certificate = made("td-lambda", replace(TINY, **changed), QUICK)
    assert certificates.check(certificate).holds
    assert all(certificate["settings"][k] == (str(v) if isinstance(v, Fraction) else v) for k, v in changed.items())


@pytest.mark.slow
def test_the_same_question_gives_the_same_bytes(td0: dict[str, Any]) -> None:
    code = (
        "from layerproof.proofs import case\n"
        "from layerproof.proofs.certificate import certificate as c\n"
        "s = case.Settings(features=1, context=2, layers=1, trials=2, exact_trials=2, entrywise_features=1, "
        "entrywise_context=2, device='cpu')\n"
        "from layerproof.symbolic.strict_json import dumps\n"
        f"print(dumps(c.certify('td0', s, {QUICK})[1]), end='')"
    )
    assert dumps(made("td0", evidence=QUICK)) == dumps(td0)
    assert python("-c", code).stdout == dumps(td0)


def test_settings_that_an_algorithm_does_not_read_are_not_in_its_certificate() -> None:
    other = replace(TINY, gamma=Fraction(1, 7), lam=Fraction(1, 9), device="cpu", max_work=10**8)
    assert made("least-squares", other, QUICK) == made("least-squares", evidence=QUICK)


def test_white_space_and_the_order_of_keys_do_not_matter(td0: dict[str, Any], tmp_path: Path) -> None:
    def backwards(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: backwards(v) for k, v in reversed(value.items())}
        return [backwards(v) for v in value] if isinstance(value, list) else value

    for text in (json.dumps(td0), json.dumps(backwards(td0), indent=7), "\ufeff" + dumps(td0).replace("\n", "\r\n\t")):
        (tmp_path / "cert.json").write_text(text, encoding="utf-8")
        assert certificates.check(certificates.read(tmp_path / "cert.json")).holds


@pytest.mark.parametrize("key", ["version", "python", "sympy", "python-flint", "numpy", "torch"])
def test_other_versions_are_checked_and_noted(td0: dict[str, Any], key: str) -> None:
    result = certificates.check(bound({**td0, "tool": {**td0["tool"], key: "0.0.7"}}))
    assert result.holds and f"made with {key} 0.0.7, here {td0['tool'][key]}" in result.claims[1].reason


def test_large_weights_are_bound_by_their_digest(td0: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "MAX_STORED", 20)
    small = made("td0", evidence=QUICK)
    assert small["weights"] == {**{k: td0["weights"][k] for k in ("digest", "entries")}, "stored": "digest only"}
    assert certificates.check(small).holds
    small["weights"]["digest"] = "0" * 64
    assert fields(certificates.check(bound(small))) == ["weights.digest"]


# --- every edit is refused ------------------------------------------------------------------------------------------

Edit = tuple[str, str, Callable[[dict[str, Any]], None]]


def others(path: str, value: Any) -> list[Any]:
    """What a leaf is changed to: other values of its type, and one of another type."""
    if isinstance(value, bool):
        return [not value, int(value)]
    if isinstance(value, int):
        return [value + 1, -value - 1, str(value), float(value)]
    known = {
        "settings.process": ["loop"], "settings.dtype": ["float32"], "settings.trace": ["gamma-lam"],
        "settings.gamma": ["1/3", "0.9", "18/20"], "settings.lam": ["0", "0.5"],
    }  # fmt: skip
    verdicts = [v.value for v in Verdict if v.value != value] if path.endswith(".verdict") else []
    return [f"{value}x", "", "1/97", f"{value}\ud800", None, *known.get(path, []), *verdicts]


def edits(value: Any, path: str = "", keys: tuple[Any, ...] = ()) -> Iterator[Edit]:
    """Every edit of one place: (path, what, do it to a copy of the document)."""

    def at(change: Callable[[Any], None], keys: tuple[Any, ...] = keys) -> Callable[[dict[str, Any]], None]:
        def edit(document: dict[str, Any]) -> None:
            place: Any = document
            for key in keys:
                place = place[key]
            change(place)

        return edit

    def put(key: Any, new: Any) -> Callable[[Any], None]:
        return lambda place: place.__setitem__(key, new)

    def remove(key: Any) -> Callable[[Any], None]:
        return lambda place: place.pop(key)

    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        where = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".removeprefix(".")
        yield where, "removed", at(remove(key))
        if isinstance(inner, (dict, list)):
            yield from edits(inner, where, (*keys, key))
        else:
            for new in others(where, inner):
                yield where, f"{inner!a} -> {new!a}", at(put(key, new))
    if isinstance(value, list):
        yield path, "an entry repeated", at(lambda place: place.append(copy.deepcopy(place[-1])))
    else:
        yield path, "a key added", at(put("extra", 1))


def related(named: str, path: str) -> bool:
    """Whether a field named is the edited one or in it, or, after a removal from a list, one that moved up."""
    return named.startswith(path) or (path.endswith("]") and named.startswith(path.rpartition("[")[0]))


@pytest.mark.slow
@pytest.mark.parametrize("fits", [False, True], ids=["digest kept", "digest recomputed"])
def test_no_edited_field_is_accepted(cached: None, fits: bool) -> None:
    certificate = made("td-lambda")
    assert certificates.check(certificate).holds
    seen = 0
    for path, what, edit in edits(certificate):
        edited = copy.deepcopy(certificate)
        edit(edited)
        if fits:
            if path == "digest":
                continue
            edited = bound(edited)
        seen += 1
        where = f"{path}: {what}"
        try:
            result = certificates.check(edited)
        except ContentError as error:
            last = path.rpartition(".")[2].partition("[")[0]
            assert (last or "extra") in str(error), f"{where} is not named: {error}"
            continue
        if fits and path.startswith("tool.") and path != "tool.name":
            assert result.holds and path.removeprefix("tool.") in result.claims[1].reason, where
            continue
        assert result.exit_code == 1, f"{where} was accepted"
        if not fits:
            assert fields(result)[0] == "digest", where
        if path.startswith("settings"):  # a true certificate of another question would differ elsewhere too
            assert fields(result), where
        elif path != "digest" and not (path.startswith("tool.") and path != "tool.name"):
            named = fields(result)
            exact = " -> " in what
            assert path in named if exact else any(related(f, path) for f in named), f"{where} is not among {named}"
    assert seen > 400, seen


def test_a_flipped_sign_with_fitting_digests_is_refuted(td0: dict[str, Any]) -> None:
    forged = copy.deepcopy(td0)
    rows = forged["weights"]["tensors"]["layers.0.heads.0.Q"]
    forged["weights"]["tensors"]["layers.0.heads.0.Q"] = [
        [x if x == "0" else x.removeprefix("-") if x.startswith("-") else f"-{x}" for x in row] for row in rows
    ]
    for readout in (forged["readout"], forged["weights"]["readout"]):
        readout["sign"] *= -1
    inner = {k: v for k, v in forged["weights"].items() if k not in ("digest", "entries", "stored")}
    forged["weights"]["digest"] = certificates._digest(inner)
    result = certificates.check(bound(forged))
    assert result.exit_code == 1 and result.claims[0].verdict is Verdict.HOLDS
    named = fields(result)
    assert {"weights.digest", "readout.sign", "weights.tensors.layers.0.heads.0.Q[0][0]"} <= set(named)


def test_a_wrong_digest_over_right_content_is_itself_named(td0: dict[str, Any]) -> None:
    result = certificates.check({**td0, "digest": "0" * 64})
    assert result.exit_code == 1 and fields(result) == ["digest"]
    assert result.claims[1].verdict is Verdict.HOLDS


def test_words_of_another_version_are_undecided_and_numbers_are_not(td0: dict[str, Any]) -> None:
    other = copy.deepcopy(td0)
    other["tool"]["version"] = "9.9"
    other["claims"][0]["reason"] = "in other words"
    result = certificates.check(bound(other))
    assert result.exit_code == 3 and fields(result) == ["claims[0].reason"] and "9.9" in result.claims[1].reason
    other["readout"]["sign"] = 1
    assert certificates.check(bound(other)).exit_code == 1


def test_statements_and_source_digests_are_compared(cached: None) -> None:
    certificate = made("td0", evidence=QUICK)
    assert certificate["theorems"] == [THEOREM] and certificate["sources"] == {"td.v": "ab" * 32}
    certificate["theorems"][0]["statement"] = "forall d n L, true = false"
    certificate["sources"]["td.v"] = "cd" * 32
    assert fields(certificates.check(bound(certificate))) == ["sources.td.v", "theorems[0].statement"]


# --- evidence that is run again -------------------------------------------------------------------------------------


def plant(monkeypatch: pytest.MonkeyPatch, kind: str, verdict: Verdict) -> None:
    """Make one kind of evidence come out otherwise."""
    module = kinds()[kind]
    establish = module.establish
    monkeypatch.setattr(
        module, "establish", lambda case: (replace(c, verdict=verdict, reason="planted") for c in establish(case))
    )


@pytest.mark.parametrize("verdict", [Verdict.REFUTED, Verdict.UNDECIDED])
@pytest.mark.parametrize("kind", ["identity-exact", "float"])
def test_holds_is_refuted_where_the_run_gives_anything_else(
    monkeypatch: pytest.MonkeyPatch, kind: str, verdict: Verdict
) -> None:
    certificate = made("td0", evidence=("derived", kind))
    plant(monkeypatch, kind, verdict)
    result = certificates.check(certificate)
    again = [c for c in result.claims if c.evidence == kind]
    assert len(again) == (2 if kind == "float" else 1)  # floats: each layer's error, and every conforming run's
    assert result.exit_code == 1 and {c.verdict for c in again} == {Verdict.REFUTED}
    assert all(f"claims HOLDS, the run here gives {verdict.value}" in c.reason for c in again)
    places = [k for k, c in enumerate(certificate["claims"]) if c["evidence"] == kind]
    assert len(places) == len(again) and {f"claims[{k}].verdict" for k in places} <= set(fields(result))


def test_an_open_claim_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, "float", Verdict.UNDECIDED)
    result, certificate = certificates.certify("td0", TINY, ("derived", "float"))
    checked = certificates.check(certificate)
    assert (result.exit_code, checked.exit_code, fields(checked)) == (3, 3, [])


def test_evidence_that_was_not_asked_stays_not_run(td0: dict[str, Any]) -> None:
    result = certificates.check(td0)
    verdicts = {c.evidence: (c.verdict, c.asked) for c in result.claims}
    for kind in ("identity-symbolic", "identity-entrywise", "identity-random", "float"):
        assert verdicts[kind] == (Verdict.NOT_RUN, False)
    assert not verdicts[PROVED][1]


def test_without_torch_the_float_claim_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = made("td0", replace(TINY, dtype="float32"), ("derived", "float"))
    monkeypatch.setattr(certificates, "find_spec", lambda name: None)
    result = certificates.check(certificate)
    assert result.exit_code == 3 and fields(result) == []
    assert [c.evidence for c in result.claims if c.verdict is Verdict.NOT_RUN and c.asked] == ["float"] * 2


def test_a_certificate_says_of_each_float_claim_what_it_is_about() -> None:
    one, every = (c for c in made("td0", evidence=("derived", "float"))["claims"] if c["evidence"] == "float")
    assert "one-step bound" in one["claim"] and "a-priori bound" in every["claim"]
    assert one["strength"] != every["strength"]


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.HOLDS, 0), (Verdict.REFUTED, 1), (Verdict.NOT_RUN, 3)])
def test_prove_counts_what_the_prover_says(
    td0: dict[str, Any], monkeypatch: pytest.MonkeyPatch, verdict: Verdict, code: int
) -> None:
    def judged(algorithm: Algorithm, progress: Progress) -> Claim:
        return Claim(algorithm.name, "a theorem", PROVED, verdict, "proved", "planted")

    monkeypatch.setattr(kinds()[PROVED], "judged", judged)
    result = certificates.check(td0, prove=True)
    assert result.exit_code == code and [c.reason for c in result.claims if c.evidence == PROVED] == ["planted"]
    assert certificates.check(td0).exit_code == 0


# --- content that cannot be checked ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "fragment"),
    [
        (("settings", "features"), 10**6, "settings: the weights have about"),
        (("settings", "context"), 10**6, "settings: the weights have about"),
        (("settings", "layers"), 10**9, "settings: the weights have about"),
        (("settings", "exact_trials"), 10**12, "exact_trials is 1000000000000, and most of the work is identity-exact"),
        (("settings", "features"), 0, "settings.features is 0"),
        (("settings", "features"), True, "settings.features is of type bool, wanted int"),
        (("settings", "gamma"), "3/2", "settings.gamma is 3/2"),
        (("settings", "gamma"), "1e999", "settings.gamma"),
        (("settings", "process"), "nowhere", "settings.process"),
        (("settings", "evidence"), [], "settings.evidence"),
        (("settings", "evidence"), ["derived", "wishes"], "'wishes'"),
        (("algorithm", "name"), "my-own", "not in the catalogue, and no file is named that defines it"),
        (("claims", 0, "verdict"), "PERHAPS", "claims[0].verdict is 'PERHAPS'"),
        (("claims", 0, "surprise"), "", "key claims[0].surprise is unknown"),
        (("weights", "entries"), 1.0, "weights.entries is 1.0"),
        (("weights", "entries"), [[[[[[[[[[[[[[]]]]]]]]]]]]]], "nested too deeply"),
        (("schema",), 3, "schema is 3, this version reads 1 and 2"),
        (("format",), "layerproof-weights", "is no certificate"),
    ],
)
def test_wrong_content_is_refused_by_name(
    td0: dict[str, Any], path: tuple[Any, ...], value: Any, fragment: str
) -> None:
    edited = copy.deepcopy(td0)
    place: Any = edited
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ContentError) as caught:
        certificates.check(bound(edited) if not isinstance(value, float) else edited)
    assert fragment in str(caught.value)


def test_a_looped_certificate_of_many_layers_is_refused() -> None:
    certificate = made("td0", replace(TINY, looped=True), ("derived",))
    certificate["settings"]["layers"] = 10**9
    with pytest.raises(ContentError, match="above the limit"):
        certificates.check(bound(certificate))


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("", "is empty"),
        ("{", "is not JSON"),
        ("[]", "is no certificate"),
        ('{"format": "layerproof-certificate", "format": "layerproof-certificate"}', "given twice"),
        ('{"format": "layerproof-certificate", "schema": NaN}', "NaN"),
        ('{"format": "layerproof-certificate", "schema": 1, "tool": 1e999}', "tool is inf"),
        ('{"format": "layerproof-certificate", "schema": 1}', "key tool is missing"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_hostile_files_are_refused(
    text: str, fragment: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cert.json").write_text(text)
    assert_refused(run_cli(capsys, "check", str(tmp_path / "cert.json")), 4, "cert.json: ", fragment)


def test_builds_and_settings_that_cannot_be_recorded() -> None:
    with pytest.raises(WorkLimitError):
        certificates.certify("td0", replace(TINY, features=10**6))
    with pytest.raises(WorkLimitError, match="--max-work"):
        certificates.certify("td0", replace(TINY, max_work=10**4), ("derived",))
    with pytest.raises(ArgumentError):
        certificates.certify("no-such-thing", TINY)


# --- the command line -----------------------------------------------------------------------------------------------


def test_certify_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "cert.json")
    ran = run_cli(capsys, "certify", "td0", *TINY_CLI, "-o", path)
    assert ran.code == 0 and f"wrote {path}" in ran.out and "2 claims: 2 HOLDS" in ran.out
    ran = run_cli(capsys, "certify", "td0", *TINY_CLI, "-o", path, "--json")  # its own kind of file may be replaced
    digest = json.loads(Path(path).read_text())["digest"]
    assert ran.code == 0 and ran.document["certificate"] == {"path": path, "digest": digest}
    ran = run_cli(capsys, "check", path)
    assert (ran.code, ran.out) == (0, f"HOLDS  {path}: td0, 4 claims: 4 HOLDS\n")
    ran = run_cli(capsys, "check", path, "--json")
    assert ran.code == 0 and ran.document["command"] == "check" and ran.document["refused"] == {}
    assert {c["details"]["file"] for c in ran.document["claims"]} == {path}


def test_each_file_is_checked(td0: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, none = (str(tmp_path / name) for name in ("good.json", "bad.json", "none.json"))
    certificates.write(td0, Path(good))
    edited = copy.deepcopy(td0)
    edited["readout"]["sign"] = 1
    certificates.write(edited, Path(bad))
    ran = run_cli(capsys, "check", bad)
    assert ran.code == 1 and "readout.sign: the certificate has 1, wanted -1" in ran.out
    ran = run_cli(capsys, "check", good, none)
    assert ran.code == 4 and ran.out.startswith(f"HOLDS  {good}") and ran.out.count("\n") == 1 and none in ran.err
    ran = run_cli(capsys, "check", none, bad, good, "--json")
    assert ran.code == 1 and list(ran.document["refused"]) == [none] and len(ran.document["settings"]["files"]) == 2


def test_prove_without_a_prover_is_not_run(
    td0: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds()[PROVED], "find_prover", lambda: None)
    certificates.write(td0, tmp_path / "cert.json")
    ran = run_cli(capsys, "check", str(tmp_path / "cert.json"), "--prove")
    assert ran.code == 3 and ran.out.startswith("NOT_RUN  ") and f"NOT_RUN  {PROVED}" in ran.out


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.REFUTED, 1), (Verdict.UNDECIDED, 3)])
def test_what_does_not_hold_is_written_as_such(
    verdict: Verdict, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cert.json"
    with monkeypatch.context() as planted:
        plant(planted, "identity-exact", verdict)
        assert run_cli(capsys, "certify", "td0", *TINY_CLI, "-o", str(path)).code == code
        assert run_cli(capsys, "check", str(path)).code == code
    assert verdict.value in [c["verdict"] for c in json.loads(path.read_text())["claims"]]
    assert run_cli(capsys, "check", str(path)).code == 1  # the claim is false the other way round


def test_wrong_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text('{"precious": true}')
    new = str(tmp_path / "new.json")
    for arguments, fragment in [
        (("check",), "no certificate is named"),
        (("certify", "td0", *TINY_CLI), "--output"),
        (("certify", "td00", "-o", new), "td0"),
        (("certify", "td0", "--trace", "lam", "-o", new), "trace"),
        (("certify", "td0", "--gamma", "2", "-o", new), "gamma is 2"),
        (("certify", "td0", "-d", "100000", "-o", new), "above the limit"),
        (("certify", "td0", "--evidence", "wishes", "-o", new), "wishes"),
        (("certify", "td0", "--evidence", PROVED, "-o", new), "check --prove"),
        (("certify", "td0", *TINY_CLI, "-o", str(mine)), "is no certificate, so it is not overwritten"),
        (("certify", "td0", *TINY_CLI, "-o", str(tmp_path)), "not overwritten"),
        (("certify", "td0", *TINY_CLI, "-o", str(tmp_path / "no" / "new.json")), "there is no folder"),
    ]:
        assert_refused(run_cli(capsys, *arguments), 2, fragment)
    assert mine.read_text() == '{"precious": true}' and [p.name for p in tmp_path.iterdir()] == ["mine.json"]


def test_a_device_that_is_none_is_the_callers_mistake(td0: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="device is 'abacus'"):
        certificates.check(td0, device="abacus")


def test_a_failed_write_leaves_nothing(td0: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    certificates.write(td0, tmp_path / "cert.json")
    before = (tmp_path / "cert.json").read_bytes()
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ContentError, match="No space left"):
        certificates.write({**td0, "digest": "0"}, tmp_path / "cert.json")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [before]
