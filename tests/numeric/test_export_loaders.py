"""Every framework runs an export, by the lines of its README, and each layer is within its one-step bound of the exact
layer; the prediction is the read-out's own entry, with its sign.  The bounds are derived, none is picked here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli import python
from exports import ALL, Runner, small, written
from jax_process import JaxProcess, jax_process

import layerproof as lp
from layerproof.numeric.exported.readme import RUN, loaders
from layerproof.proofs.assertions import judge
from layerproof.proofs.verdict import Verdict

pytestmark = pytest.mark.slow

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("jax")

FENCE = re.compile(r"^([^\n]+):\n\n```python\n(.*?)```", re.DOTALL | re.MULTILINE)
TITLES = (
    "layerproof", "torch, as a module", "safetensors in torch", "safetensors in NumPy", "JAX", "NumPy",
    "ONNX runtime, `model.onnx`", "ONNX runtime, `model_fixed_n.onnx`", "torch.export",
)  # fmt: skip


@pytest.fixture(scope="module")
def jax() -> Iterator[JaxProcess]:
    with jax_process() as process:
        yield process


@pytest.fixture(scope="module", params=["float64", "float32"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("loaders") / "out", small(), request.param, ALL, 4)


@pytest.fixture(scope="module")
def swapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export whose layers stand in the other order."""
    wrong = lp.construct("td-lambda", d=2, n=4, layers=2, lam="2/3", preconditioners=list(small().steps)[::-1])
    return written(tmp_path_factory.mktemp("swapped") / "out", wrong, "float64", ALL, 4)


@pytest.fixture(scope="module")
def misread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that reads its prediction with the other sign."""
    right = small()
    wrong = replace(right, readout=replace(right.readout, sign=-right.readout.sign))
    return written(tmp_path_factory.mktemp("misread") / "out", wrong, "float64", ALL, 4)


def blocks(folder: Path) -> dict[str, str]:
    """The code blocks of an export's README, by the line above each."""
    fences = FENCE.findall((folder / "README.md").read_text(encoding="utf-8"))
    return {title.split(":")[0]: code for title, code in fences}


def runner(folder: Path, code: str, jax: JaxProcess, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """The README's lines as a module: run as written, in the export's folder."""

    def run(Z: torch.Tensor) -> tuple[list[Any], Any]:
        if "jax" in code:
            return in_the_process(folder, code, jax, Z)
        monkeypatch.chdir(folder)
        names: dict[str, Any] = {"Z": Z.numpy()}
        exec(RUN, names)
        exec(code, names)
        predicted = names.get("predicted", names["prediction"](names["Z_0_to_L"][-1]))
        return names["Z_0_to_L"], predicted

    return Runner(run)


def in_the_process(folder: Path, code: str, jax: JaxProcess, Z: torch.Tensor) -> tuple[list[Any], Any]:
    np.save(folder.parent / "Z.npy", Z.numpy())
    saved = (
        "numpy.save('../states.npy', numpy.stack([numpy.asarray(x) for x in Z_0_to_L]))\n"
        "numpy.save('../predicted.npy', numpy.asarray(prediction(Z_0_to_L[-1])))\n"
    )
    jax.run(f"import numpy\nZ = numpy.load('../Z.npy')\n{RUN}\n{code}\n{saved}", folder)
    return list(np.load(folder.parent / "states.npy")), np.load(folder.parent / "predicted.npy")


def test_the_readme_shows_a_loader_for_every_framework_and_nothing_else(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    shown = list(blocks(folder).items())
    assert [title for title, _ in shown] == list(TITLES)
    assert [code for _, code in shown] == list(loaders(config).values())
    assert f"```python\n{RUN}```" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", TITLES)
def test_every_loader_of_the_readme_runs_the_algorithm_within_the_derived_bound(
    title: str, folder: Path, jax: JaxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    dtype = json.loads((folder / "config.json").read_text(encoding="utf-8"))["dtype"]
    module = runner(folder, blocks(folder)[title], jax, monkeypatch)
    result = lp.assert_implements(module, "td-lambda", reference=small(), dtype=dtype)
    assert result.claims[0].verdict is Verdict.HOLDS and result.claims[0].error <= result.claims[0].bound


@pytest.mark.parametrize("title", TITLES)
def test_every_loader_is_refuted_where_the_export_holds_other_weights(
    title: str, swapped: Path, jax: JaxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The export has its layers in the other order: the judge, which knows the right ones, must see it in each."""
    module = runner(swapped, blocks(swapped)[title], jax, monkeypatch)
    result = judge(module, "td-lambda", reference=small(), dtype="float64")
    assert result.exit_code == 1 and result.claims[0].witness["layer"] == 1


@pytest.mark.parametrize("title", TITLES)
def test_a_wrong_sign_of_the_read_out_is_refuted_in_every_loader(
    title: str, misread: Path, jax: JaxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = runner(misread, blocks(misread)[title], jax, monkeypatch)
    result = judge(module, "td-lambda", reference=small(), dtype="float64")
    assert result.exit_code == 1 and result.claims[0].witness["row"] == "prediction"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("tdc", {}), ("gtd2", {"looped": True}), ("td-lambda", {"trace": "gamma-lam"}),
        ("td0", {"d": 2, "n": 1, "layers": 1}),
    ],
)  # fmt: skip
def test_other_algorithms_heads_loops_and_sizes_run_in_onnx_and_torch_export(
    name: str, more: dict[str, Any], tmp_path: Path, jax: JaxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    construction = small(name, **more)
    context = "any" if name in ("td0", "tdc", "gtd2") else construction.layout.n
    folder = written(tmp_path / "out", construction, "float64", ALL, context)
    for title in TITLES[-3:]:
        module = runner(folder, blocks(folder)[title], jax, monkeypatch)
        algorithm = lp.derive(name, **({"trace": more["trace"]} if "trace" in more else {})).algorithm
        lp.assert_implements(module, algorithm, reference=construction, dtype="float64")


# ONNX: dynamic n


def session(folder: Path, name: str = "model.onnx") -> Any:
    return onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])


def onnx_runner(folder: Path, name: str = "model.onnx") -> Runner:
    def run(Z: torch.Tensor) -> tuple[list[Any], Any]:
        predicted, *states = session(folder, name).run(None, {"Z": Z.numpy()})
        return [Z, *states], predicted

    return Runner(run)


@pytest.mark.parametrize(
    ("name", "context", "lengths"),
    [("td0", "any", (1, 2, 3, 4, 9)), ("td-lambda", 4, (1, 2, 3, 4)), ("average-reward-td", 4, (1, 2, 3, 4))],
)
def test_one_onnx_file_is_the_algorithm_at_every_context_length_it_takes(
    name: str, context: str | int, lengths: tuple[int, ...], tmp_path: Path
) -> None:
    folder = written(tmp_path / "out", small(name), "float64", ("onnx",), context)
    for n in lengths:
        lp.assert_implements(onnx_runner(folder), name, reference=small(name, n=n), dtype="float64")


@pytest.mark.parametrize("name", ["model.onnx", "model_fixed_n.onnx"])
def test_a_division_that_float32_cannot_hold_is_within_the_bound_of_float64(name: str, tmp_path: Path) -> None:
    """1/5 is no float32; the runtime keeps the factor that it makes of a division by a scalar constant in float32."""
    construction = small("td0", n=5)
    folder = written(tmp_path / "out", construction, "float64", ("onnx",), "any")
    lp.assert_implements(onnx_runner(folder, name), "td0", reference=construction, dtype="float64")
    if name == "model_fixed_n.onnx":
        model = onnx.load(folder / name)
        (n,) = (x for x in model.graph.initializer if x.name == "n")
        n.CopyFrom(onnx.numpy_helper.from_array(np.array(5.0), "n"))
        onnx.save(model, folder / name)
        with pytest.raises(AssertionError):
            lp.assert_implements(onnx_runner(folder, name), "td0", reference=construction, dtype="float64")


def test_a_longer_context_than_the_stored_masks_is_an_error_and_not_an_answer(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small(), "float64", ("onnx",), 4)
    loaded = session(folder)
    for n in (5, 6, 9, 100):
        with pytest.raises(Exception, match="imension"):
            loaded.run(None, {"Z": np.zeros((1, 5, n + 1))})


def test_the_fixed_file_uses_four_operators_and_takes_no_other_length(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small("average-reward-td"), "float64", ("onnx",), 4)
    model = onnx.load(folder / "model_fixed_n.onnx")
    assert {node.op_type for node in model.graph.node} == {"Add", "Div", "MatMul", "Transpose"}
    assert {node.domain for node in model.graph.node} == {""} and not model.functions
    with pytest.raises(Exception, match="nvalid"):
        session(folder, "model_fixed_n.onnx").run(None, {"Z": np.zeros((1, 6, 4))})


def test_a_batch_of_any_size_gives_what_each_prompt_gives(tmp_path: Path) -> None:
    """The batch is dynamic; sums may be taken in another order then, so each is compared within the model's bound."""
    folder = written(tmp_path / "out", small(), "float64", ("onnx", "pt2"), 4)
    Z = np.random.default_rng(0).standard_normal((5, 5, 5))
    program = torch.export.load(folder / "model.pt2").module()
    for size in (1, 2, 5):
        assert session(folder).run(["prediction"], {"Z": Z[:size]})[0].shape == (size, 1, 1)
        assert program(torch.as_tensor(Z[:size]))[0].shape == (size,)


# JAX without x64


def test_what_is_lost_without_jax_s_x64_is_float32(jax: JaxProcess, tmp_path: Path) -> None:
    """The line that JAX needs is needed: without it every weight is the float32 next to it."""
    folder = written(tmp_path / "out", small())
    code = loaders(json.loads((folder / "config.json").read_text(encoding="utf-8")))["JAX"]
    line = 'import jax; jax.config.update("jax_enable_x64", True)  # without this JAX rounds float64 to float32\n'
    assert line in code
    script = (
        f"import numpy, warnings\nwarnings.simplefilter('ignore')\n{RUN}\nZ = numpy.zeros((1, 5, 5))\n"
        f"{code.replace(line, 'import jax' + chr(10))}\n"
        "numpy.savez('../lost.npz', **{k: numpy.asarray(x) for k, x in weights.items()})\n"
    )
    jax.run(script, folder)
    lost = np.load(tmp_path / "lost.npz", allow_pickle=False)
    exact = lp.load(folder).tensors
    assert {x.dtype for x in lost.values()} == {np.dtype("float32")}
    assert all(np.array_equal(lost[name], exact[name].to(torch.float32).numpy()) for name in exact)
    assert any(not np.array_equal(lost[name], exact[name].numpy()) for name in exact)


def test_bfloat16_is_written_and_read_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "out", small(), "bfloat16", ("pt2",))
    shown = blocks(folder)
    assert list(shown) == [*TITLES[:3], "torch.export"]
    monkeypatch.chdir(folder)
    for code in shown.values():
        names: dict[str, Any] = {"Z": torch.zeros(1, 5, 5, dtype=torch.bfloat16)}
        exec(RUN, names)
        exec(code, names)
        assert names["Z_0_to_L"][-1].dtype is torch.bfloat16


def test_what_the_readme_says_of_numpy_and_bfloat16(jax: JaxProcess, tmp_path: Path) -> None:
    folder = written(tmp_path / "out", small(), "bfloat16")
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert "`safetensors.numpy` refuses `model.safetensors` unless `ml_dtypes` was imported before" in text
    read = "print(load_file('model.safetensors')['layers.0.heads.0.Q'].dtype)"
    refused = python("-c", f"from safetensors.numpy import load_file\n{read}", cwd=folder)
    assert refused.returncode == 1 and "bfloat16" in refused.stderr
    ran = python("-c", f"import ml_dtypes\nfrom safetensors.numpy import load_file\n{read}", cwd=folder)
    assert ran.returncode == 0 and ran.stdout.strip().endswith("bfloat16"), ran.stderr
    read = "assert str(load_file('model.safetensors')['layers.0.heads.0.Q'].dtype).endswith('bfloat16')"
    for framework in ("flax", "torch"):
        jax.run(f"from safetensors.{framework} import load_file\n{read}", folder)
    (tmp_path / "half").mkdir()
    half = written(tmp_path / "half" / "out", small(), "float16")
    assert "ml_dtypes" not in (half / "README.md").read_text(encoding="utf-8")
