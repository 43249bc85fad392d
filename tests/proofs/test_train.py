"""`layerproof train`: what it writes, that it goes on where it was stopped, and what it refuses."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from cli import assert_refused, run_cli

from layerproof.numeric.files.locking import locked_folder
from layerproof.numeric.training.checkpoint import decode, encode
from layerproof.numeric.training.loop import State, Trainer
from layerproof.numeric.training.presets import preset_named
from layerproof.proofs.commands.train import _identify
from layerproof.proofs.identify.ask import identify
from layerproof.proofs.report.picture_bands import Band, bands_picture
from layerproof.proofs.training import run as runs
from layerproof.proofs.training.pictures import colour, maps_picture
from layerproof.proofs.training.results import appeared, bands, order, summary
from layerproof.proofs.training.run import chosen, train
from layerproof.symbolic.errors import ArgumentError, ContentError
from layerproof.symbolic.strict_json import loads

pytestmark = pytest.mark.slow

QUICK: dict[str, Any] = {"processes": 8, "windows": 4, "batches": 1, "final": 2}


def files(place: Path) -> dict[str, bytes]:
    return {str(p.relative_to(place)): p.read_bytes() for p in place.rglob("*") if p.is_file()}


def test_the_command_writes_numbers_weights_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run_cli(capsys, "train", "--preset", "tiny", "--processes", "4", "-o", str(tmp_path / "run"))
    assert ran.code == 0
    for line in (
        "0 reached, 0 half-way, 3 not reached",
        "untrained",
        "metrics.json",
        "Next: open",
        "; layerproof identify ",
    ):
        assert line in ran.out
    written = files(tmp_path / "run")
    seeds = [f"seed-{k}/{name}" for k in (1, 2, 3) for name in ("measures.json", "weights.safetensors")]
    assert sorted(written) == sorted([*seeds, "emergence.svg", "index.html", "metrics.json", "settings.json"])
    document = loads((tmp_path / "run" / "metrics.json").read_text())
    assert document["processes"] == [0, 4]
    assert document["final"]["share"]["mean"] > 0
    assert {"reached", "not reached", "null"} <= document["criterion"].keys()
    page = (tmp_path / "run" / "index.html").read_text()
    assert "Every seed alone" in page and "1 not reached" in page


def test_two_runs_are_the_same_bytes_and_a_third_call_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("tiny", tmp_path / "a", **QUICK)
    train("tiny", tmp_path / "b", **QUICK)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    monkeypatch.setattr(runs, "run_job", None)
    train("tiny", tmp_path / "a", **QUICK)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_folder_has_one_writer(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with locked_folder(tmp_path / "run", "training run"):
        with pytest.raises(ArgumentError, match="run: another training run is writing it: wait until that has ended"):
            train("tiny", tmp_path / "run", **QUICK)
        assert list(files(tmp_path / "run")) == ["settings.json"]
    train("tiny", tmp_path / "run", **QUICK)  # the lock is gone with its holder


class Interrupted(Trainer):
    """Is interrupted in the middle of its sixth process."""

    def step(self, batch: Any) -> None:
        super().step(batch)
        if self.done == 5:
            raise KeyboardInterrupt


def test_a_run_that_is_interrupted_is_taken_up_and_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from layerproof.numeric.training import loop

    train("tiny", tmp_path / "whole", processes=8)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "Trainer", Interrupted)
        ran = run_cli(capsys, "train", "--preset", "tiny", "--processes", "8", "-o", str(tmp_path / "cut"))
    assert ran.code == 130
    assert "the same command goes on from there" in ran.err
    assert sorted(files(tmp_path / "cut")) == ["settings.json", "state-1.safetensors"]
    assert run_cli(capsys, "train", "--preset", "tiny", "--processes", "8", "-o", str(tmp_path / "cut")).code == 0
    assert files(tmp_path / "cut") == files(tmp_path / "whole")


def test_groups_on_an_executor_are_those_trained_here(tmp_path: Path) -> None:
    train("tiny", tmp_path / "here", **QUICK, seeds=3, width=2)
    with ThreadPoolExecutor(1) as pool:
        train("tiny", tmp_path / "pool", executor=pool, **QUICK, seeds=3, width=2)
    assert files(tmp_path / "here") == files(tmp_path / "pool")


def test_more_seeds_go_into_the_same_folder(tmp_path: Path) -> None:
    train("tiny", tmp_path, **QUICK, seeds=2, width=2)
    first = files(tmp_path)
    train("tiny", tmp_path, **QUICK, seeds=3, width=2)
    later = files(tmp_path)
    assert all(later[name] == first[name] for name in first if name.startswith("seed-"))
    assert "seed-3/measures.json" in later


def test_networks_on_rewards_in_disorder_stand_beside(tmp_path: Path) -> None:
    result = train("tiny", tmp_path, null=2, **QUICK)
    kinds = [null["kind"] for null in result.document["criterion"]["null"]]
    assert kinds == ["untrained", "rewards in disorder"]
    assert (tmp_path / "null" / "seed-2" / "weights.safetensors").is_file()


@pytest.mark.parametrize("preset", ["softmax-published", "residual-gradient", "average-reward", "gtd2", "talk"])
def test_other_presets_run_small(tmp_path: Path, preset: str) -> None:
    small = {name: getattr(preset_named("tiny").settings, name) for name in
             ("d", "states", "n", "layers", "windows", "batches", "seeds", "width", "log", "final")}  # fmt: skip
    result = train(preset, tmp_path, **{**small, "processes": 4})
    if preset == "softmax-published":
        assert result.verdicts == {} and not result.document["exact theory"]
        assert _identify(result) == ""
        with pytest.raises(ContentError, match=r"seed-1.*was trained with softmax of the scores"):
            identify(tmp_path)
        page = (tmp_path / "index.html").read_text()
        assert "outside the exact theory" in page and "over the queries" in page
    elif preset == "residual-gradient":
        assert result.verdicts.keys() == {"td0", "residual-gradient"}
    else:
        assert sum(next(iter(result.verdicts.values())).values()) == 3
        assert _identify(result) == f"; layerproof identify {tmp_path}"


# refusals


def test_a_folder_of_another_run_is_not_touched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("tiny", tmp_path / "run", **QUICK)
    before = files(tmp_path / "run")
    ran = run_cli(capsys, "train", "--preset", "tiny", "--rate", "0.01", "-o", str(tmp_path / "run"))
    assert_refused(ran, 2, "output", "name another folder")
    assert files(tmp_path / "run") == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    assert_refused(run_cli(capsys, "train", "--preset", "tiny", "-o", str(tmp_path / "other")), 2, "no training run")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--preset", "tiny"), 2, "--output"),
        (("--preset", "tinny", "-o", "x"), 2, "did you mean tiny"),
        (("--preset", "tiny", "--target", "value", "-o", "x"), 2, "target"),
        (("--preset", "tiny", "--trap", "late-target", "-o", "x"), 2, "late-target"),
        (("--preset", "tiny", "--gamma", "x", "-o", "x"), 2, "gamma"),
        (("--preset", "tiny", "--executor", "slurm", "-o", "x"), 2, "executor"),
        (("--preset", "tiny", "--scheduler", "tcp://a:1", "-o", "x"), 2, "scheduler"),
        (("--preset", "tiny", "--null", "-1", "-o", "x"), 2, "null"),
        (("--preset", "tiny", "--seeds", "0", "-o", "x"), 2, "seeds"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_runs(
    arguments: tuple[str, ...], code: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert_refused(run_cli(capsys, "train", *arguments), code, message)
    assert not list(tmp_path.iterdir())


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    runs._claim(tmp_path / "fresh", chosen("tiny", QUICK))
    (tmp_path / "fresh" / "state-1.safetensors").write_bytes(b"\x80\x04")
    with pytest.raises(ContentError, match=r"state-1\.safetensors"):
        train("tiny", tmp_path / "fresh", **QUICK)
    with pytest.raises(ArgumentError, match="no setting"):
        train("tiny", tmp_path / "none", lr=1)


def test_damaged_files_of_a_run_are_named(tmp_path: Path) -> None:
    train("tiny", tmp_path, **QUICK)
    measures, weights = (tmp_path / "seed-2" / name for name in ("measures.json", "weights.safetensors"))
    good = measures.read_text()
    damaged = [
        (measures, "[", "is not JSON"),
        (measures, good.replace('"share": [', '"share": [null,'), "holds no measures"),
        (measures, good.replace('"share": [', '"shore": ['), "other measures than seed 1"),
        (
            measures,
            good.replace("null", '"x"') if "null" in good else good.replace("reached", "x"),
            "holds no measures",
        ),
        (measures, json.dumps({**json.loads(good), "verdicts": {}}), "holds no measures"),
        (weights, "", "no safetensors file"),
    ]
    for path, content, message in damaged:
        before = path.read_bytes()
        path.write_text(content)
        with pytest.raises(ContentError, match=rf"seed-2/{path.name}: .*{message}.*: delete it"):
            train("tiny", tmp_path, **QUICK)
        path.write_bytes(before)


def test_a_state_of_other_shapes_is_none() -> None:
    own = chosen("tiny", QUICK)
    state = Trainer(own, 0).save()
    assert decode(encode(state, own, 0), own, 0).done == 0
    for name, tensor in (("theta", state.tensors["theta"][:1]), ("alpha.step", torch.ones(2)), ("beta", torch.ones(1))):
        wrong = State(0, {**state.tensors, name: tensor}, {})
        with pytest.raises(ContentError, match="other shapes"):
            decode(encode(wrong, own, 0), own, 0)
    with pytest.raises(ContentError, match="other shapes"):
        decode(encode(State(0, state.tensors, {"share": [torch.ones(1)]}), own, 0), own, 0)


# numbers and pictures


def test_bands_are_what_they_say() -> None:
    band = summary([4.0, 1.0, None, 3.0, 2.0])
    assert (band["mean"], band["low"], band["median"], band["high"]) == (2.5, 1.75, 2.5, 3.25)
    assert summary([None])["mean"] is None
    assert bands([[1.0, None], [3.0, None]])["mean"] == [2.0, None]


def seed(verdict: str = "reached", **curves: list[float]) -> dict[str, Any]:
    return {"curves": curves, "processes": [0, 10, 20, 30], "verdicts": {"td0": verdict}}


def test_a_block_appears_when_it_has_half_of_its_final_size_for_good() -> None:
    trained = seed(**{"P corner": [0.0, 0.9, 0.1, 1.0], "Q phi phi": [0.0, -0.6, -0.7, -1.0], "Q phi phi'": [1.0] * 4})
    assert appeared(trained) == {"P corner": 30, "Q phi phi": 10, "Q phi phi'": None}
    later = seed(**{"P corner": [0.0, 0.0, 1.0, 1.0], "Q phi phi": [0.0, 0.0, 0.0, 1.0]})
    assert order([later, {**later, "verdicts": {"td0": "not reached"}}]) == {"P corner, then Q phi phi": 1}


def test_pictures_say_what_they_show() -> None:
    svg, words = bands_picture([0, 10], [Band("share", [0.0, 0.5], [0.0, 0.4], [0.1, 0.6])], "What emerges", "x")
    assert svg.startswith("<svg") and "share: from 0 to 0.5" in words and "polygon" in svg
    assert (colour(0.0), colour(1.0), colour(-1.0)) == ("#ffffff", "#d55e00", "#0072b2")
    svg, words = maps_picture({"7 reached": {"P": [[1.0, 0.0], [0.0, -1.0]]}}, "Weights", "y", 2, 20.0)
    assert "7 reached" in svg and "#d55e00" in svg and "#0072b2" in svg
