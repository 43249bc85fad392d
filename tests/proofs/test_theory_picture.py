"""The picture of the theory comes from its sources and from verdicts that were given, and from nothing else."""

from __future__ import annotations

from layerproof.proofs.theory.gate import THEORY, files_of
from layerproof.proofs.theory.picture import document, picture, whole
from layerproof.proofs.verdict import Claim, Verdict


def claim(theorem: str, verdict: Verdict) -> Claim:
    return Claim("general", "", "proved-all-sizes", verdict, "", "", details={"theorem": theorem})


def test_every_file_is_there_with_what_it_requires_and_what_is_audited_of_it() -> None:
    nodes = {n.name: n for n in picture()}
    listed = files_of(THEORY)
    assert list(nodes)[: len(listed)] == listed and {"td0", "td_lambda_lam", "tdc"} <= set(nodes) - set(listed)
    assert nodes["td0"].needs == ("attention", "loop_masks", "loop_prompt") and "layer_step" in nodes["td0"].proved
    assert {"td0_state", "td0_prompt0"} <= set(nodes["td0"].audited)
    assert nodes["loop_masks"].verdict is None and nodes["first_order"].audited == {}
    assert all(set(n.needs) <= set(nodes) for n in nodes.values())


def test_nothing_holds_that_was_not_said_to_hold() -> None:
    assert {n.verdict for n in picture()} <= {None, Verdict.NOT_RUN}
    names = [t for n in picture() for t in n.audited]
    nodes = picture(claim(t, Verdict.HOLDS) for t in names)
    assert {n.verdict for n in nodes} <= {None, Verdict.HOLDS} and whole("one_layer", nodes) is Verdict.HOLDS
    nodes = picture(claim(t, Verdict.REFUTED if t == "gradient_spec" else Verdict.HOLDS) for t in names)
    assert whole("one_layer", nodes) is Verdict.REFUTED and whole("td0", nodes) is Verdict.HOLDS
    nodes = picture(claim(t, Verdict.HOLDS) for t in names if t != "layer_sumE")
    assert whole("td0", nodes) is Verdict.NOT_RUN


def test_the_document_says_for_each_file_what_holds_of_it_and_of_all_under_it() -> None:
    nodes = {n["file"]: n for n in document(picture([claim("layer_sumE", Verdict.HOLDS)]))}
    assert nodes["attention.v"]["verdict"] == nodes["attention.v"]["whole"] == "HOLDS"
    assert nodes["loop_masks.v"]["verdict"] is None and nodes["loop_masks.v"]["whole"] == "NOT_RUN"
    assert nodes["td0.v"]["needs"] == ["attention.v", "loop_masks.v", "loop_prompt.v"]
    assert nodes["td0.v"]["whole"] == "NOT_RUN"
