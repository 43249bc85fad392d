"""`layerproof check` of an export: what only deriving the weights again, or building a graph again, can see."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli import assert_refused, run_cli
from exports import ALL, edit_json, refit, small, written

from layerproof.numeric.export import onnx as export_onnx
from layerproof.numeric.export.load import load
from layerproof.proofs.case import Settings
from layerproof.proofs.export import export

pytestmark = pytest.mark.slow

onnx = pytest.importorskip("onnx")
SMALL = ("-d", "2", "-n", "3", "-L", "2")
QUICK = (*SMALL, "--evidence", "derived", "--evidence", "identity-exact")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small export with a certificate, in all formats."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    settings = Settings(features=2, context=3, layers=2, trials=2, exact_trials=2)
    assert export("td-lambda", folder, settings, ALL, evidence=["derived", "identity-exact"]).result.exit_code == 0
    return content(folder)


@pytest.fixture
def folder(tmp_path: Path, exported: dict[str, bytes]) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, data in exported.items():
        (copy / name).write_bytes(data)
    return copy


def test_a_certificate_of_other_weights_is_noticed(folder: Path, capsys: Any, tmp_path: Path) -> None:
    assert run_cli(capsys, "export", "td-lambda", *QUICK, "--seed", "1", "-o", str(tmp_path / "other")).code == 0
    (folder / "certificate.json").write_bytes((tmp_path / "other" / "certificate.json").read_bytes())
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and "certificate.json: is of weights with the digest" in ran.out


def test_weights_that_agree_with_each_other_and_are_wrong_are_refuted_with_a_counterexample(
    capsys: Any, tmp_path: Path
) -> None:
    """Layers swapped in every file at once, digests and all: `load` cannot know, `check` derives and sees it."""
    right = small("td0")
    wrong = replace(right, layers=right.layers[::-1])
    out = written(tmp_path / "out", wrong, "float64", ALL, "any")
    assert load(out)
    ran = run_cli(capsys, "check", str(out), "--json")
    assert ran.code == 1
    refuted = {c["evidence"]: c for c in ran.document["claims"] if c["verdict"] == "REFUTED"}
    assert refuted.keys() == {"export-weights", "identity-exact"}
    assert "layers.0.heads.0.Q at (0, 0) is -2/3, wanted -1/3" in refuted["export-weights"]["reason"]
    assert refuted["identity-exact"]["witness"]["layer"] == 1


def test_a_wrong_sign_in_every_file_at_once_is_refuted(capsys: Any, tmp_path: Path) -> None:
    right = small("td0")
    out = written(tmp_path / "out", replace(right, readout=replace(right.readout, sign=1)), "float64", ("npz",))
    assert load(out)
    ran = run_cli(capsys, "check", str(out))
    assert ran.code == 1 and "weights.json: readout is" in ran.out and "'sign': 1" in ran.out


def edit_onnx(path: Path, change: Any) -> None:
    model = onnx.load(path)
    change(model.graph)
    onnx.save(model, path)


def first_weight(graph: Any) -> None:
    weight = next(x for x in graph.initializer if x.name.endswith("Q"))
    array = onnx.numpy_helper.to_array(weight).copy()
    array.flat[0] = np.nextafter(array.flat[0], 9)
    weight.CopyFrom(onnx.numpy_helper.from_array(array, weight.name))


def other_operator(graph: Any) -> None:
    next(node for node in graph.node if node.op_type == "Div").op_type = "Mul"


def other_order(graph: Any) -> None:
    node = next(node for node in graph.node if node.op_type == "MatMul")
    node.input[0], node.input[1] = node.input[1], node.input[0]


def other_sign(graph: Any) -> None:
    row = next(x for x in graph.initializer if x.name == "readout_row")
    row.CopyFrom(onnx.numpy_helper.from_array(-onnx.numpy_helper.to_array(row), row.name))


@pytest.mark.parametrize("name", ["model.onnx", "model_fixed_n.onnx"])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (first_weight, "initializer layers.0.heads.0.Q is another"),
        (other_operator, "node Z_1_change is another"),
        (other_order, "node Z_1_head_0_P is another"),
        (other_sign, "initializer readout_row is another"),
        (lambda graph: graph.output.pop(), "output Z_2 is missing"),
    ],
    ids=["one ulp", "an operator", "an order", "the sign", "an output"],
)
def test_an_edited_onnx_graph_is_refuted_and_the_part_named(
    name: str, change: Any, message: str, folder: Path, capsys: Any
) -> None:
    edit_onnx(folder / name, change)
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and f"{name}: {message}" in ran.out, ran.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.functions.add(name="MatMul", domain="own"), "functions is another"),
        (lambda model: model.opset_import.add(domain="own", version=1), "opset_import is another"),
        (lambda model: model.metadata_props.add(key="sign", value="+1"), "metadata_props is another"),
        (lambda model: setattr(model.graph, "doc_string", "proved"), "graph.doc_string is another"),
    ],
    ids=["a function", "another operator set", "a note", "a word"],
)
def test_what_is_added_around_an_onnx_graph_is_refuted_whoever_is_said_to_have_written_it(
    change: Any, message: str, folder: Path, capsys: Any
) -> None:
    """Another onnx may encode the same model otherwise; it adds nothing to it."""
    model = onnx.load(folder / "model.onnx")
    change(model)
    onnx.save(model, folder / "model.onnx")
    edit_json(folder / "config.json", lambda config: config["made_with"].update(onnx="0.1"))
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and f"model.onnx: {message}" in ran.out, ran.out


def test_a_dtype_that_onnx_lacks_is_named_in_config(folder: Path, capsys: Any) -> None:
    edit_json(folder / "config.json", lambda config: config.update(dtype="bfloat16"))
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and "model.onnx: config.json says dtype bfloat16, wanted float64 or float32" in ran.out


@pytest.mark.parametrize("name", ["pytorch_model.bin", "config", "more"])
def test_a_file_that_is_no_part_of_an_export_is_named(name: str, folder: Path, capsys: Any) -> None:
    (folder / name).mkdir() if name == "more" else (folder / name).write_bytes(b"\x80\x04.")
    (folder / ".gitignore").write_text("", encoding="utf-8")
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and f"'{name}': is there, but config.json does not list it" in ran.out, ran.out
    assert ".gitignore" not in ran.out and load(folder)  # what it would load is as it should be


def test_an_onnx_file_said_to_be_right_for_more_lengths_is_refuted(folder: Path, capsys: Any) -> None:
    """td-lambda's mask is stored for n = 3: claimed for any n, with the graph made to fit, it is still refuted."""
    (folder / "model.onnx").write_bytes(export_onnx.model(load(folder).construction, "float64", "any"))
    edit_json(folder / "config.json", lambda config: config.update(onnx_context="any"))
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and "onnx_context is any, wanted 3" in ran.out


@pytest.mark.parametrize("name", ["model.onnx", "model.pt2"])
def test_a_graph_file_that_is_none_is_noticed(name: str, folder: Path, capsys: Any) -> None:
    (folder / name).write_bytes(b"\xff" * 100)
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code in (1, 4) and name in ran.out + ran.err


def test_an_edited_torch_archive_is_refuted_and_the_member_named(folder: Path, capsys: Any) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(folder / "model.pt2") as old, zipfile.ZipFile(buffer, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, data[:-1] + b"\x01" if member.filename.endswith("weight_2") else data)
    (folder / "model.pt2").write_bytes(buffer.getvalue())
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 1 and "model.pt2: member " in ran.out and "weight_2 differs" in ran.out


def test_a_torch_archive_of_another_torch_is_undecided_and_never_holds(folder: Path, capsys: Any) -> None:
    """Saying that another version made it does not turn an edited archive into a right one."""
    content = bytearray((folder / "model.pt2").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.pt2").write_bytes(bytes(content))
    edit_json(folder / "config.json", lambda config: config["made_with"].update(torch="0.1"))
    refit(folder)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 3 and "UNDECIDED" in ran.out and "made with torch 0.1" in ran.out


def test_a_directory_without_config_is_still_seen_to_be_a_damaged_export(folder: Path, capsys: Any) -> None:
    (folder / "config.json").unlink()
    assert_refused(run_cli(capsys, "check", str(folder)), 4, "config.json: there is no such file")
