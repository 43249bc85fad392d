"""`layerproof export`: what it writes, that it writes the same twice, and what it refuses."""

from __future__ import annotations

import builtins
import errno
import importlib
import json
import os
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import own_files
import pytest
from cli import assert_refused, python, run_cli
from exports import ALL, refit, small, written

import layerproof as lp
from layerproof.numeric.export import files as export_files
from layerproof.numeric.export import onnx as export_onnx
from layerproof.numeric.export.load import load
from layerproof.numeric.exported.config import FILES, MissingExtraError
from layerproof.numeric.files.weights_file import document
from layerproof.proofs.case import Settings
from layerproof.proofs.export import export
from layerproof.symbolic.errors import ArgumentError, ContentError, WorkLimitError

pytest.importorskip("onnx")
EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = ("-d", "2", "-n", "3", "-L", "2")
QUICK = (*SMALL, "--evidence", "derived", "--evidence", "identity-exact")
CORE = {".gitattributes", "README.md", "certificate.json", "config.json", "model.safetensors", "symbols.txt",
        "weights.json"}  # fmt: skip


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def make(folder: Path) -> None:
    settings = Settings(features=2, context=3, layers=2, trials=2, exact_trials=2)
    assert export("td-lambda", folder, settings, ALL, evidence=["derived", "identity-exact"]).result.exit_code == 0


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a small export with a certificate, in all formats."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    make(folder)
    return content(folder)


@pytest.fixture
def folder(tmp_path: Path, exported: dict[str, bytes]) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, data in exported.items():
        (copy / name).write_bytes(data)
    return copy


# what is written


@pytest.mark.slow
def test_the_core_files_are_written_and_every_format_on_request(capsys: Any, tmp_path: Path) -> None:
    ran = run_cli(capsys, "export", "td0", *QUICK, "-o", str(tmp_path / "core"))
    assert ran.code == 0 and names(tmp_path / "core") == CORE
    assert f"wrote {tmp_path / 'core'}: .gitattributes, README.md, certificate.json" in ran.out
    ran = run_cli(capsys, "export", "td0", *QUICK, "-o", str(tmp_path / "all"), "--all-formats", "--json")
    assert ran.code == 0 and names(tmp_path / "all") == set(FILES) - {"construction.py"}
    assert ran.document["export"]["files"] == sorted(names(tmp_path / "all"))
    for option, wanted in (("--npz", {"weights.npz"}), ("--pt2", {"model.pt2"})):
        assert run_cli(capsys, "export", "td0", *QUICK, "-o", str(tmp_path / option), option).code == 0
        assert names(tmp_path / option) == CORE | wanted


@pytest.mark.slow
def test_the_weights_are_those_of_construct_and_the_certificate_is_theirs(folder: Path) -> None:
    opened = load(folder)
    assert document(opened.construction) == document(lp.construct("td-lambda", d=2, n=3, layers=2))
    certificate = json.loads((folder / "certificate.json").read_bytes())
    assert certificate["weights"]["digest"] == sha256((folder / "weights.json").read_bytes()).hexdigest()


def test_looped_trace_dtype_and_parameters_reach_the_files(capsys: Any, tmp_path: Path) -> None:
    more = ("--looped", "--trace", "gamma-lam", "--dtype", "float32", "--gamma", "0.5", "--lam", "1/3", "--seed", "4")
    assert run_cli(capsys, "export", "td-lambda", *QUICK, *more, "-o", str(tmp_path / "out")).code == 0
    opened = load(tmp_path / "out")
    wanted = lp.construct(
        "td-lambda", d=2, n=3, layers=2, looped=True, trace="gamma-lam", gamma="1/2", lam="1/3", seed=4
    )
    assert document(opened.construction) == document(wanted) and opened.config["dtype"] == "float32"


def test_an_export_that_is_checked_holds(folder: Path, capsys: Any) -> None:
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 0 and ran.out.startswith(f"HOLDS  {folder}: td-lambda, "), ran.out


@pytest.mark.slow
def test_a_directory_of_exports_is_checked_as_such_and_a_file_of_one_stands_for_it(
    folder: Path, capsys: Any, tmp_path: Path
) -> None:
    for arguments in ([str(tmp_path)], [str(folder / "config.json")], [str(folder / "certificate.json"), str(folder)]):
        ran = run_cli(capsys, "check", *arguments, "--json")
        assert ran.code == 0 and [f["what"] for f in ran.document["settings"]["files"].values()] == ["export"]


# the same bytes


@pytest.mark.slow
def test_another_process_folder_and_hash_seed_export_the_same_bytes(exported: dict[str, bytes], tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    code = f"import runpy; runpy.run_path({__file__!r})['make']('out')"
    ran = python("-c", code, cwd=tmp_path, env=environment)
    assert ran.returncode == 0, ran.stderr
    again = content(tmp_path / "out")
    assert exported.keys() == again.keys() == set(FILES) - {"construction.py", "modeling_layerproof.py"}
    assert [name for name in exported if exported[name] != again[name]] == []


def test_nothing_of_the_machine_is_in_the_files(exported: dict[str, bytes]) -> None:
    here = [str(Path(__file__).parents[2]), f"{os.sep}site-packages", "transformer.py", "stack_trace"]
    for name, data in exported.items():
        assert not [x for x in here if x.encode() in data], name


# where it is not written


def test_an_earlier_export_is_replaced_and_nothing_of_it_stays(capsys: Any, folder: Path) -> None:
    assert run_cli(capsys, "export", "td0", *QUICK, "-o", str(folder)).code == 0
    assert names(folder) == CORE and load(folder).construction.algorithm == "td0"
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("held", ["notes.txt", "model.safetensors", ".hidden", "config.json"])
def test_what_is_no_earlier_export_is_not_overwritten(held: str, capsys: Any, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / held).write_text("{}")
    assert_refused(run_cli(capsys, "export", "td0", *QUICK, "-o", str(target)), 2, "output is", "is not overwritten")
    assert content(target) == {held: b"{}"}


def test_an_earlier_export_with_a_file_of_one_s_own_in_it_is_not_overwritten(capsys: Any, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    before = content(folder)
    assert_refused(run_cli(capsys, "export", "td0", *QUICK, "-o", str(folder)), 2, "it holds notes.txt")
    assert content(folder) == before


def test_a_file_a_link_and_a_missing_parent_are_refused(capsys: Any, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(folder)
    for name, message in (("file", "is no directory"), ("link", "is no directory"), ("a/b", "there is no folder")):
        assert_refused(run_cli(capsys, "export", "td0", *QUICK, "-o", str(tmp_path / name)), 2, message)
    assert (tmp_path / "file").read_text() == "x" and names(folder) > CORE


@pytest.mark.parametrize("full_at", range(1, 6))
def test_a_full_disk_leaves_nothing_half_written_and_what_was_there_as_it_was(
    full_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = written(tmp_path / "out", small("td0"))
    before, real, count = content(target), os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count == full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    files = export_files.contents(small(), "float64", ("npz",))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ContentError, match="cannot be written: No space left on device"):
        export_files.write(files, target)
    assert content(target) == before and [p.name for p in tmp_path.iterdir()] == ["out"]


def test_when_the_new_one_cannot_take_its_place_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = written(tmp_path / "out", small("td0"))
    before, real = content(target), Path.rename

    def rename(self: Path, to: Path) -> Path:
        if to == target and not self.name.endswith("-old"):
            raise OSError(errno.EACCES, "Permission denied")
        return real(self, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(ContentError, match="Permission denied"):
        export_files.write(export_files.contents(small()), target)
    assert content(target) == before and [p.name for p in tmp_path.iterdir()] == ["out"]


# what is refused


def test_refuted_weights_are_not_written(capsys: Any, tmp_path: Path) -> None:
    wrong = own_files.write(tmp_path, ("-step.C.mT, (", "-step.C, ("), given=True)
    ran = run_cli(capsys, "export", wrong, *SMALL, "-o", str(tmp_path / "out"))
    assert ran.code == 1 and "wrote nothing" in ran.out and not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_update_that_has_no_head_is_not_exported(capsys: Any, tmp_path: Path) -> None:
    """The reward times the error is of a form that no head has: there is nothing to write."""
    mine = own_files.write(tmp_path, (own_files.TOTAL, own_files.TOTAL.replace("delta", "delta * t.reward")))
    for evidence in ("derived", "identity-exact"):
        ran = run_cli(capsys, "export", mine, *SMALL, "--evidence", evidence, "-o", str(tmp_path / "out"))
        assert ran.code in (1, 3) and "wrote nothing" in ran.out and not (tmp_path / "out").exists()


def test_any_evidence_alone_is_enough_to_export(capsys: Any, tmp_path: Path) -> None:
    for evidence in ("derived", "identity-symbolic", "float"):
        ran = run_cli(capsys, "export", "td0", *SMALL, "--evidence", evidence, "-o", str(tmp_path / evidence))
        assert ran.code == 0 and load(tmp_path / evidence).config["source"]["seed"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dtype", "float8"), "dtype is 'float8'"),
        (("--dtype", "bfloat16", "--npz"), "dtype is bfloat16, which NumPy lacks"),
        (("--dtype", "float16", "--onnx"), "wanted float64 or float32 for ONNX"),
        (("--trace", "lam"), "keeps no trace"),
        (("--parameter", "beta=1/2"), "there is no parameter 'beta'"),
        (("--parameter", "gamma=1/2"), "wanted NAME=VALUE"),
        (("--seed", "-1"), "seed"),
        (("--max-work", "5"), "above the limit of 5"),
        (("--time-limit", "0"), "time-limit"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    arguments: tuple[str, ...], message: str, capsys: Any, tmp_path: Path
) -> None:
    assert_refused(run_cli(capsys, "export", "td0", *QUICK, *arguments, "-o", str(tmp_path / "out")), 2, message)
    assert not list(tmp_path.iterdir())


def test_what_would_be_too_large_to_read_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkLimitError, match="above the limit of 20000000 entries"):
        export_files.check_size(lp.construct("td0", d=1, n=700, layers=50))
    monkeypatch.setattr(export_files, "MAX_FILE_BYTES", 1000)
    with pytest.raises(WorkLimitError, match=r"weights.json would have more than 1000 bytes"):
        export_files.contents(small())


def test_a_layer_without_heads_is_refused_since_it_could_not_be_read_back() -> None:
    with pytest.raises(ArgumentError, match="has no head"):
        export_files.contents(replace(small(), layers=((), ())))


def test_an_entry_beyond_the_dtype_s_range_is_refused() -> None:
    large = lp.construct("td0", d=1, n=2, layers=1, preconditioners=[([[10**6]],)])
    with pytest.raises(
        ArgumentError, match=r"dtype is float16, but layers.0.heads.0.Q holds an entry beyond its range"
    ):
        export_files.contents(large, "float16")


def test_a_missing_extra_is_one_line_and_exit_code_3(
    capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def absent(name: str, package: str | None = None) -> Any:
        if name == "onnx":
            raise ImportError("No module named 'onnx'")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", absent)
    ran = run_cli(capsys, "export", "td0", *QUICK, "--onnx", "-o", str(tmp_path / "out"))
    assert_refused(ran, 3, "needs pip install 'layerproof[onnx]'")
    assert not list(tmp_path.iterdir())
    assert run_cli(capsys, "export", "td0", *QUICK, "--npz", "--pt2", "-o", str(tmp_path / "out")).code == 0


def test_the_core_formats_import_no_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def only_core(name: str, *rest: Any, **named: Any) -> Any:
        absolute = len(rest) < 4 or rest[3] == 0
        assert not absolute or name.split(".")[0] not in ("onnx", "onnxscript", "onnxruntime", "jax"), name
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", only_core)
    load(written(tmp_path / "out", small(), "float64", ("npz",)))


def test_check_says_not_run_where_onnx_is_missing(folder: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Any:
        raise MissingExtraError("onnx was asked for and is not installed: needs pip install 'layerproof[onnx]'")

    monkeypatch.setattr(export_onnx, "library", absent)
    ran = run_cli(capsys, "check", str(folder))
    assert ran.code == 3 and "NOT_RUN" in ran.out and "layerproof[onnx]" in ran.out


# constructions of one's own


@pytest.mark.slow
def test_derived_weights_that_hold_n_make_no_dynamic_model(capsys: Any, tmp_path: Path) -> None:
    mine = own_files.write(tmp_path, ("/ sweep.n", "/ (sweep.n + 1)"))
    out = tmp_path / "out"
    ran = run_cli(capsys, "export", mine, *SMALL, "-o", str(out), "--onnx")
    assert ran.code == 0 and "no model.onnx: these weights change with n" in ran.err
    assert load(out).config["onnx_context"] is None and not (out / "model.onnx").exists()


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True], ids=["derived", "given"])
def test_a_construction_of_one_s_own_is_exported_with_its_file_and_checked(
    given: bool, capsys: Any, tmp_path: Path
) -> None:
    mine = own_files.write(tmp_path, given=given)
    out = tmp_path / "out"
    assert run_cli(capsys, "export", mine, *SMALL, "-o", str(out), "--onnx", "--npz").code == 0
    assert (out / "construction.py").read_bytes() == Path(mine).read_bytes()
    assert load(out).config["onnx_context"] == (3 if given else "any")
    ran = run_cli(capsys, "check", str(out))
    assert ran.code == 0, ran.out


@pytest.mark.slow
def test_given_heads_over_a_constant_row_and_a_parameter_of_their_own(capsys: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    file = str(EXAMPLES / "heavy_ball_td.py")
    assert run_cli(capsys, "export", file, *SMALL, "--looped", "--parameter", "beta=1/5", "-o", str(out)).code == 0
    assert load(out).construction.parameters["beta"] == Fraction(1, 5)
    assert run_cli(capsys, "check", str(out)).code == 0


@pytest.mark.slow
def test_given_masks_that_change_with_n_get_no_dynamic_onnx_file(capsys: Any, tmp_path: Path) -> None:
    """The mask is right at n = 3 and another one at n = 2: a graph that cuts it to its input is wrong there."""
    change = ("M=layout.mask()", "M=layout.mask() if layout.n != 2 else layout.mask(lambda i, j: 0)")
    mine = own_files.write(tmp_path, change, given=True)
    ran = run_cli(capsys, "export", mine, *SMALL, "-o", str(tmp_path / "out"), "--onnx")
    assert ran.code == 0 and "no model.onnx: these weights change with n" in ran.err
    assert not (tmp_path / "out" / "model.onnx").exists() and (tmp_path / "out" / "model_fixed_n.onnx").exists()
    assert run_cli(capsys, "check", str(tmp_path / "out")).code == 0


@pytest.mark.slow
def test_a_file_that_needs_its_neighbours_is_not_copied_and_check_says_so(capsys: Any, tmp_path: Path) -> None:
    own_files.write(tmp_path, name="base.py")
    (tmp_path / "mine.py").write_text("import layerproof\nfrom base import ALGORITHM\n")
    ran = run_cli(capsys, "export", str(tmp_path / "mine.py"), *QUICK, "-o", str(tmp_path / "out"))
    assert ran.code == 0 and "not copied" in ran.err
    ran = run_cli(capsys, "check", str(tmp_path / "out"))
    assert ran.code == 3 and "own file is not in the export" in ran.out


def test_a_construction_without_an_update_is_refused(capsys: Any, tmp_path: Path) -> None:
    ran = run_cli(capsys, "export", str(EXAMPLES / "ridge_td.py"), *QUICK, "-o", str(tmp_path / "out"))
    assert_refused(ran, 4, "OwnConstruction", "no update to export")


@pytest.mark.slow
def test_another_construction_put_beside_the_weights_is_noticed(capsys: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run_cli(capsys, "export", own_files.write(tmp_path), *QUICK, "-o", str(out)).code == 0
    text = (out / "construction.py").read_text()
    (out / "construction.py").write_text(text.replace("delta * t.phi\n", "2 * delta * t.phi\n"))
    refit(out)
    ran = run_cli(capsys, "check", str(out))
    assert ran.code == 1 and "weights.json: layers.0.heads.0." in ran.out
