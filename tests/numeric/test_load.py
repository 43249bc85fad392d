"""Reading an export back: what was written comes back bit by bit, and what was tampered with is noticed and named."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from cli import run_cli
from exports import ALL, Edit, edit_json, in_bytes, in_json, in_tensors, joined, put, refit, small, split, written
from helpers import Case, each_kind

import layerproof as lp
from layerproof.numeric.device import PRECISIONS, resolve_dtype
from layerproof.numeric.export.load import load
from layerproof.numeric.files.weights_file import document, tensors
from layerproof.numeric.lower import round_to
from layerproof.symbolic.errors import ContentError

pytest.importorskip("onnx")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "out", small())


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of an export in all formats."""
    made = written(tmp_path_factory.mktemp("all") / "out", small(), "float64", ALL, 4)
    return {path.name: path.read_bytes() for path in made.iterdir()}


@pytest.fixture
def full(tmp_path: Path, everything: dict[str, bytes]) -> Path:
    folder = tmp_path / "full"
    folder.mkdir()
    for name, content in everything.items():
        (folder / name).write_bytes(content)
    return folder


# what comes back


@each_kind
@pytest.mark.parametrize("looped", [False, True], ids=["sequential", "looped"])
def test_the_rationals_come_back_exactly_and_the_floats_are_their_roundings(
    case: Case, looped: bool, tmp_path: Path
) -> None:
    good = small(case.name, looped=looped, trace=dict(case.options).get("trace"))
    opened = load(written(tmp_path / "out", good))
    assert document(opened.construction) == document(good)
    assert lp.assert_implements(opened.construction, case.name).holds
    for name, matrix in tensors(good).items():
        nearest = [[x.numerator / x.denominator for x in row] for row in matrix.fractions()]  # Python rounds it right
        assert opened.tensors[name].tolist() == nearest, name


@pytest.mark.parametrize("dtype", [p.name for p in PRECISIONS.values()])
def test_the_torch_module_has_the_dtype_and_the_tensors_of_the_file(dtype: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = written(tmp_path / "out", small(), dtype)
    module = lp.LinearTransformer.from_pretrained(folder)
    stored = load_file(folder / "model.safetensors")
    assert module.state_dict().keys() == stored.keys()
    assert all(x.dtype is resolve_dtype(dtype) and torch.equal(x, stored[k]) for k, x in module.state_dict().items())
    assert module.construction is not None and document(module.construction) == document(small())
    trainable = lp.LinearTransformer.from_pretrained(folder, trainable=True)
    assert len(list(trainable.parameters())) == len(stored) and not list(module.parameters())


def test_config_says_the_rows_the_read_out_and_how_much_each_tensor_was_rounded(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small(), "float32")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["rows"] == ["phi[1]", "phi[2]", "gamma_phi_next[1]", "gamma_phi_next[2]", "td_error"]
    assert config["readout"] == {"row": 4, "row_name": "td_error", "column": 4, "sign": -1}
    assert (config["d"], config["n"], config["layers"], config["looped"], config["dtype"]) == (
        2,
        4,
        2,
        False,
        "float32",
    )
    worst = Fraction(0)
    for name, matrix in tensors(small()).items():
        off = [abs(Fraction(round_to(x, PRECISIONS[torch.float32])) - x) for row in matrix.fractions() for x in row]
        rounding = config["rounding"]["tensors"][name]
        assert rounding["exact"] is not any(off)
        if any(off):
            assert Fraction(rounding["largest_absolute_change"]["exact"]) == max(off)
            assert rounding["largest_absolute_change"]["float"] == float(max(off))
            assert (rounding["entries_changed"], rounding["entries"]) == (sum(map(bool, off)), len(off))
        worst = max(worst, *off)
    assert Fraction(config["rounding"]["largest_absolute_change"]["exact"]) == worst > 0
    assert not config["rounding"]["exact"]
    assert {name.rsplit(".", 1)[1] for name, x in config["rounding"]["tensors"].items() if x["exact"]} == {"W", "P"}


def test_rounded_floats_are_never_said_to_satisfy_the_identity(tmp_path: Path) -> None:
    rounded = written(tmp_path / "rounded", small())
    exact = written(
        tmp_path / "exact", lp.construct("td0", d=1, n=2, layers=1, preconditioners=[([["1/2"]],)], gamma=1)
    )
    for folder, sentence in (
        (rounded, "do not satisfy that identity: every entry is within"),
        (exact, "equals its rationals"),
    ):
        for name in ("README.md", "config.json"):
            assert sentence in (folder / name).read_text(encoding="utf-8"), name
    assert "equals its rationals" not in (rounded / "README.md").read_text(encoding="utf-8")


# tampering: (what is done, the file that is named, what is said of it)


def swap_layers(header: dict[str, Any], body: bytearray) -> None:
    first, second = header["layers.0.heads.0.Q"], header["layers.1.heads.0.Q"]
    first["data_offsets"], second["data_offsets"] = second["data_offsets"], first["data_offsets"]


def entry(
    value: Callable[[float], float], name: str = "layers.1.heads.0.Q"
) -> Callable[[dict[str, Any], bytearray], None]:
    """The first entry of a tensor, replaced."""

    def change(header: dict[str, Any], body: bytearray) -> None:
        start = header[name]["data_offsets"][0]
        (old,) = struct.unpack_from("<d", body, start)
        struct.pack_into("<d", body, start, value(old))

    return change


def as_float32(header: dict[str, Any], body: bytearray) -> tuple[Any, bytes]:
    """All tensors as float32, and said to be."""
    from safetensors.torch import save

    loaded = {k: x.to(torch.float32) for k, x in load_tensors(joined(header, bytes(body))).items()}
    return split(save(loaded, metadata=header["__metadata__"]))


def load_tensors(content: bytes) -> dict[str, torch.Tensor]:
    from safetensors.torch import load as read

    return dict(read(content))


def set_sign(config: Any) -> None:
    config["readout"]["sign"] = -config["readout"]["sign"]


CONFIG, TENSORS, WEIGHTS = "config.json", "model.safetensors", "weights.json"

DIFFERENT: list[tuple[str, Edit, str, str]] = [
    ("the read-out's sign in config.json", in_json(CONFIG, set_sign), CONFIG, "readout.sign is 1, wanted -1"),
    ("the read-out's row", in_json(CONFIG, put("readout/row", 3)), CONFIG, "readout.row is 3, wanted 4"),
    ("looped", in_json(CONFIG, put("looped", True)), CONFIG, "looped is True, wanted False"),
    ("a parameter", in_json(CONFIG, put("parameters/gamma", "1/2")), CONFIG, "parameters.gamma"),
    ("n", in_json(CONFIG, put("n", 5)), CONFIG, "n is 5, wanted 4"),
    ("a row's name", in_json(CONFIG, put("rows", ["a", "b", "c", "d", "e"])), CONFIG, "rows[0] is a"),
    ("exact, where it was rounded", in_json(CONFIG, put("rounding/exact", True)), CONFIG, "rounding.exact"),
    ("less rounding", in_json(CONFIG, put("rounding/largest_absolute_change/exact", "0")), CONFIG, "largest"),
    ("the statement", in_json(CONFIG, put("statement", "All is exact.")), CONFIG, "statement is All is exact."),
    ("an unknown key", in_json(CONFIG, put("extra", 1)), CONFIG, "extra is unknown"),
    ("tensors swapped between layers", in_tensors(swap_layers), TENSORS, "it is what layers.1.heads.0.Q should be"),
    ("one ulp", in_tensors(entry(lambda x: math.nextafter(x, 9))), TENSORS, "layers.1.heads.0.Q at (0, 0) is"),
    ("the sign of a zero", in_tensors(entry(lambda x: -x, "layers.1.heads.0.P")), TENSORS, "is -0.0, wanted 0.0"),
    ("NaN", in_tensors(entry(lambda x: math.nan)), TENSORS, "is nan"),
    ("infinity", in_tensors(entry(lambda x: math.inf)), TENSORS, "is inf"),
    ("float32 claimed as float64", in_tensors(as_float32), TENSORS, "is float32, wanted float64"),
    ("another metadata", in_tensors(lambda h, b: put("__metadata__/layerproof", "{}")(h)), TENSORS, "metadata"),
    (
        "a further tensor",
        in_tensors(lambda h, b: ({**h, "x": {"dtype": "F64", "shape": [0], "data_offsets": [len(b)] * 2}}, bytes(b))),
        TENSORS,
        "'x' belongs to no head",
    ),
    (
        "a tensor left out",
        in_tensors(lambda h, b: ({k: v for k, v in h.items() if v != last(h)}, bytes(b[: last(h)["data_offsets"][0]]))),
        TENSORS,
        "is missing",
    ),
    (
        "the README",
        in_bytes("README.md", lambda b: b.replace(b"do not satisfy", b"satisfy")),
        "README.md",
        "is not what",
    ),
    ("exact weights changed", in_json(WEIGHTS, put("parameters/lam", "1/3")), CONFIG, "parameters.lam"),
    (
        "a rational changed",
        in_json(WEIGHTS, lambda d: d["tensors"]["layers.1.heads.0.Q"][0].__setitem__(0, "1/7")),
        TENSORS,
        "layers.1.heads.0.Q at (0, 0)",
    ),
]


def last(header: dict[str, Any]) -> Any:
    return max((v for k, v in header.items() if k != "__metadata__"), key=lambda v: v["data_offsets"])


@pytest.mark.parametrize("fitted", [False, True], ids=["", "digests made to fit"])
@pytest.mark.parametrize(("edit", "name", "message"), [x[1:] for x in DIFFERENT], ids=[x[0] for x in DIFFERENT])
def test_a_difference_is_refused_by_load_and_refuted_by_check_and_named(
    edit: Edit, name: str, message: str, fitted: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder)
    if fitted:
        refit(folder)
    with pytest.raises(ContentError) as refused:
        load(folder)
    assert str(refused.value).startswith(f"{folder / name}: ") and message in str(refused.value)
    ran = run_cli(capsys, "check", str(folder), "--json")
    assert ran.code == 1
    reasons = [c["reason"] for c in ran.document["claims"] if c["verdict"] == "REFUTED"]
    assert any(f"{name}: " in reason and message in reason for reason in reasons), reasons


def test_a_long_text_is_shown_from_where_it_differs(folder: Path) -> None:
    edit_json(folder / "config.json", lambda c: c.update(statement=c["statement"].replace("do not satisfy", "satisfy")))
    with pytest.raises(
        ContentError, match=r"statement is \.\.\.\w.* satisfy that.*, wanted \.\.\.\w.* do not satisfy that"
    ):
        load(folder)


def test_bytes_that_only_the_digest_knows_of_are_noticed(full: Path) -> None:
    """The ONNX and torch.export files are compared with the rationals by `check`; `load` knows their digests."""
    for name in ("model.onnx", "model_fixed_n.onnx", "model.pt2"):
        before = (full / name).read_bytes()
        (full / name).write_bytes(before[:-1])
        with pytest.raises(ContentError, match=f"{name}: has {len(before) - 1} bytes"):
            load(full)
        (full / name).write_bytes(before)
    assert load(full).config["dtype"] == "float64"


def test_a_file_that_config_does_not_list_is_noticed(folder: Path, everything: dict[str, bytes]) -> None:
    (folder / "model.onnx").write_bytes(everything["model.onnx"])
    with pytest.raises(ContentError, match=r"model.onnx: is there, but config.json does not list it"):
        load(folder)
