"""Files of an export that are malformed, hostile or cut short: refused in one line, exit code 4, nothing run."""

from __future__ import annotations

import io
import math
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli import run_cli
from exports import Edit, in_bytes, in_json, in_tensors, joined, put, refit, small, written

from layerproof.numeric.export import files as export_files
from layerproof.numeric.export.load import load
from layerproof.symbolic.errors import ContentError

pytest.importorskip("onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "out", small())


@pytest.fixture
def full(tmp_path: Path) -> Path:
    return written(tmp_path / "out", small(), "float64", ("npz",))


CONFIG, TENSORS, WEIGHTS = "config.json", "model.safetensors", "weights.json"
Q = "layers.1.heads.0.Q"

MALFORMED: list[tuple[str, Edit, str]] = [
    ("truncated", in_bytes(TENSORS, lambda b: b[:-1]), "model.safetensors: is cut short: tensor"),
    ("truncated in its header", in_bytes(TENSORS, lambda b: b[:20]), "model.safetensors: is cut short: its header"),
    ("truncated in its length", in_bytes(TENSORS, lambda b: b[:7]), "model.safetensors: is no safetensors"),
    ("an oversized header", in_bytes(TENSORS, lambda b: struct.pack("<Q", 2**63) + b[8:]), "above the limit"),
    ("a header that is no JSON", in_bytes(TENSORS, lambda b: joined("{", b"")), "is not JSON"),
    ("a header that is a list", in_bytes(TENSORS, lambda b: joined("[]", b"")), "is no object"),
    ("a header deep as a well", in_bytes(TENSORS, lambda b: joined("[" * 10**5, b"")), "nested too deeply"),
    ("a header in Latin-1", in_bytes(TENSORS, lambda b: struct.pack("<Q", 1) + b"\xff"), "not UTF-8"),
    (
        "duplicate keys in the header",
        in_bytes(
            TENSORS, lambda b: joined('{"a": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}, "a": 1}', b"")
        ),
        "given twice",
    ),
    ("offsets that overlap", in_tensors(lambda h, b: put(f"{Q}/data_offsets", [0, 200])(h)), "no overlaps"),
    ("offsets beyond the end", in_tensors(lambda h, b: put(f"{Q}/data_offsets", [2**40, 2**40 + 200])(h)), "begins"),
    ("offsets that are no integers", in_tensors(lambda h, b: put(f"{Q}/data_offsets", [0.0, 200])(h)), "data_offsets"),
    ("a shape of another size", in_tensors(lambda h, b: put(f"{Q}/shape", [5, 6])(h)), "its shape's size"),
    ("a shape that is too large", in_tensors(lambda h, b: put(f"{Q}/shape", [2**50])(h)), "wrong shape"),
    ("a negative shape", in_tensors(lambda h, b: put(f"{Q}/shape", [-5, -5])(h)), "wrong shape"),
    ("a dtype of its own", in_tensors(lambda h, b: put(f"{Q}/dtype", "OBJ")(h)), "is of dtype 'OBJ'"),
    ("bytes behind the last tensor", in_bytes(TENSORS, lambda b: b + b"x"), "belong to no tensor"),
    ("a pickle for tensors", in_bytes(TENSORS, lambda b: pickle.dumps({"a": 1})), "model.safetensors: "),
    (
        "duplicate keys in config.json",
        in_bytes(CONFIG, lambda b: b.replace(b'"d": 2', b'"d": 2,"d": 2')),
        "given twice",
    ),
    ("NaN in config.json", in_bytes(CONFIG, lambda b: b.replace(b'"d": 2', b'"d": NaN')), "NaN is no number"),
    ("config.json cut short", in_bytes(CONFIG, lambda b: b[:-3]), "config.json: is not JSON"),
    ("another schema", in_json(CONFIG, put("schema", 3)), "schema is 3"),
    ("a dtype that there is not", in_json(CONFIG, put("dtype", "float8")), "dtype is 'float8'"),
    ("a dtype that is no text", in_json(CONFIG, put("dtype", ["float64"])), "dtype is missing"),
    ("a source of its own", in_json(CONFIG, put("source", {})), "source is wrong"),
    ("a file elsewhere", in_json(CONFIG, put("files/..~1x", {"bytes": 1, "sha256": ""})), "files lists"),
    (
        "no digest of the weights",
        in_json(CONFIG, lambda c: c["files"].pop("weights.json")),
        "files lacks 'weights.json'",
    ),
    (
        "duplicate keys in weights.json",
        in_bytes(WEIGHTS, lambda b: b.replace(b'"d": 2', b'"d": 2,"d": 2')),
        "given twice",
    ),
    ("NaN in weights.json", in_bytes(WEIGHTS, lambda b: b.replace(b'"n": 4', b'"n": NaN')), "NaN is no number"),
    ("weights.json cut short", in_bytes(WEIGHTS, lambda b: b[:-100]), "weights.json: is not JSON"),
    ("no weights.json", lambda folder: (folder / "weights.json").unlink(), "weights.json: there is no such file"),
    (
        "no model.safetensors",
        lambda folder: (folder / "model.safetensors").unlink(),
        "model.safetensors: there is no such file",
    ),
]


@pytest.mark.parametrize(("edit", "message"), [x[1:] for x in MALFORMED], ids=[x[0] for x in MALFORMED])
def test_what_is_malformed_is_refused_with_exit_code_4(
    edit: Edit, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder)
    with pytest.raises(ContentError) as refused:
        load(folder)
    assert message in str(refused.value) and "\n" not in str(refused.value)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 4 and ran.out == "" and message in ran.err


def npz_of(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zip_of(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz_of(a=np.array([{"a": 1}], dtype=object)), "is of dtype '|O'"),
        (npz_of(a=np.zeros(3, dtype=np.int64)), "is of dtype '<i8'"),
        (zip_of({"a.npy": pickle.dumps([1])}), "is no npy file"),
        (zip_of({"a.txt": b""}), "is no array"),
        (zip_of({"a.npy": bytes(10**7)}, zipfile.ZIP_DEFLATED), "above the limit"),
        (zip_of({"a.npy": b"\x93NUMPY\x01\x00\x02\x00()"}), "malformed header"),
        (b"PK", "is no npz file"),
        (b"#!/bin/sh\n" + npz_of(a=np.zeros(3)), "does not begin as one"),
        (b"", "is no npz file"),
    ],
)
def test_an_npz_file_is_plain_floats_or_refused(content: bytes, message: str, full: Path) -> None:
    (full / "weights.npz").write_bytes(content)
    for fit in (False, True):
        if fit:
            refit(full)
        with pytest.raises(ContentError) as refused:
            load(full)
        assert str(refused.value).startswith(f"{full / 'weights.npz'}: ") and message in str(refused.value)


def test_an_npz_entry_changed_by_one_ulp_is_named(full: Path) -> None:
    arrays = dict(load(full).tensors)
    arrays["layers.0.heads.0.Q"] = arrays["layers.0.heads.0.Q"].clone()
    arrays["layers.0.heads.0.Q"][1, 1] = math.nextafter(float(arrays["layers.0.heads.0.Q"][1, 1]), 9)
    (full / "weights.npz").write_bytes(npz_of(**{k: x.numpy() for k, x in arrays.items()}))
    refit(full)
    with pytest.raises(ContentError, match=r"weights.npz: layers.0.heads.0.Q at \(1, 1\) is"):
        load(full)


def test_a_truncated_npz_is_refused(full: Path) -> None:
    content = (full / "weights.npz").read_bytes()
    (full / "weights.npz").write_bytes(content[:-30])
    with pytest.raises(ContentError, match=r"weights.npz: is no npz file"):
        load(full)


def test_a_directory_that_is_not_there_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name in ("nowhere", "file"):
        with pytest.raises(ContentError, match="no such directory"):
            load(tmp_path / name)


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(ContentError, match="no such file"):
        load(folder)


def test_loading_reads_no_pickle_and_runs_nothing(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("a pickle is read")

    monkeypatch.setattr(pickle, "load", never)
    monkeypatch.setattr(pickle, "loads", never)
    monkeypatch.setattr(pickle, "Unpickler", never)
    monkeypatch.setattr(torch, "load", never)
    assert load(full).module.depth == 2


def test_the_limit_on_entries_stands_before_any_tensor_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_files.names, "MAX_STORED", 10)
    with pytest.raises(ContentError, match="above the limit of 10 entries"):
        load(folder)
