#!/usr/bin/env python3
"""Try what an export and a sweep are taken to: other versions of other people's libraries, side by side.

    python scripts/other_versions.py FOLDER              all of them
    python scripts/other_versions.py FOLDER --only jax   those whose name begins so

Each set of versions is installed into a folder of its own in FOLDER (an empty one), without what it depends on, and
goes before the path of one process.  Bounds are those of pyproject.toml's extras.  An export is made once; its README's
own lines load it, and layerproof judges every layer that they give; then the same lines are judged against other
weights and must be refuted.  Wants pip, its index, and a Python that the oldest wheels were made for (3.11).  Exit
code: 0 every set did what it should, 1.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lower_bounds import ROOT, lower

EXPORT = "export td-lambda -d 2 -n 4 -L 2 --evidence derived --dtype float64"
GRID = 'algorithm = ["td0"]\nd = 2\nn = 2\nL = 1\nseed = [0, 1]\nevidence = "derived"\n'


@dataclass(frozen=True)
class Versions:
    """Packages that belong together ({} stands for a bound of pyproject.toml), and what is tried with them.

    trial : is given the export, in a folder of its own
    """

    name: str
    packages: tuple[str, ...]
    trial: Callable[[Path], None]


def layerproof(line: str) -> None:
    """A command that must hold."""
    ran = subprocess.run([sys.executable, "-m", "layerproof", *line.split()], text=True, capture_output=True)
    if ran.returncode:
        raise SystemExit(f"exit {ran.returncode}: layerproof {line}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")


def readme(title: str) -> Callable[[Path], None]:
    """Every loader of the README whose title begins so, judged."""
    return lambda export: judged(export, title)


def judged(export: Path, title: str) -> None:
    """Run a loader of the README as it stands: every layer within its bound; refuted against other weights."""
    import json

    import torch

    import layerproof as lp
    from layerproof.numeric.exported.readme import RUN, loaders
    from layerproof.proofs.assertions import judge

    right = lp.load(export).construction
    other = lp.construct("td-lambda", d=2, n=4, layers=2, preconditioners=right.steps[::-1])
    os.chdir(export)
    codes = {t: c for t, c in loaders(json.loads(Path("config.json").read_bytes())).items() if t.startswith(title)}
    assert codes, title
    for named, code in codes.items():

        class Loaded(torch.nn.Module):
            def run(self, Z: torch.Tensor) -> dict[str, Any]:
                names: dict[str, Any] = {"Z": Z.numpy()}
                exec(RUN, names)
                exec(self.code, names)
                return names

            def __init__(self, code: str) -> None:
                super().__init__()
                self.code = code

            def states(self, Z: torch.Tensor) -> list[torch.Tensor]:
                return [_tensor(x) for x in self.run(Z)["Z_0_to_L"]]

            def prediction(self, Z: torch.Tensor) -> torch.Tensor:
                names = self.run(Z)
                return _tensor(names["prediction"](names["Z_0_to_L"][-1])).reshape(-1)

        for reference, wanted in ((right, 0), (other, 1)):
            result = judge(Loaded(code), "td-lambda", reference=reference, dtype="float64")
            if result.exit_code != wanted:
                raise SystemExit(f"{named}: exit {result.exit_code} for {wanted}: {result}")


def _tensor(x: Any) -> Any:
    import numpy
    import torch

    return x if isinstance(x, torch.Tensor) else torch.as_tensor(numpy.array(x))


def transformers(export: Path) -> None:
    """The model code through `AutoModel`, and the plain tensors through the library's own reader."""
    from safetensors.torch import load_file

    os.environ["HF_MODULES_CACHE"] = str(Path.cwd() / "modules")
    from transformers.modeling_utils import load_state_dict  # type: ignore[import-not-found]

    judged(export, "Hugging Face")
    plain, known = load_state_dict(str(export / "model.safetensors")), load_file(export / "model.safetensors")
    assert plain.keys() == known.keys() and all((plain[name] == known[name]).all() for name in known)


def made_with_onnx(_: Path) -> None:
    """A graph written by this onnx: the runtime at hand runs it, and `check` finds it again."""
    layerproof(f"{EXPORT} --onnx -o made")
    layerproof("check made")
    judged(Path("made"), "ONNX")


def dask(_: Path) -> None:
    """A sweep over two worker processes."""
    Path("grid.toml").write_text(GRID, encoding="utf-8")
    layerproof("sweep grid.toml -o out.jsonl --executor dask --workers 2")


def pdf(_: Path) -> None:
    """A report as a PDF."""
    layerproof("report td0 -d 2 -n 2 -L 1 --evidence derived --format pdf -o report")
    assert next(iter(Path("report").glob("*.pdf"))).read_bytes().startswith(b"%PDF")


TRANSFORMERS = "transformers=={} huggingface-hub=={} tokenizers=={} regex==2025.11.3 tqdm==4.67.1"
ALL = (
    Versions("onnxruntime at its bound", ("onnxruntime=={}",), readme("ONNX")),
    Versions("onnxruntime 1.25.1", ("onnxruntime==1.25.1",), readme("ONNX")),
    Versions("onnxruntime at hand", (), readme("ONNX")),
    Versions("onnx at its bound", ("onnx=={}",), made_with_onnx),
    Versions("transformers 4", tuple(TRANSFORMERS.format("4.57.6", "0.36.2", "0.22.2").split()), transformers),
    Versions("transformers 5", (*TRANSFORMERS.format("5.24.0", "1.33.0", "0.23.3").split(), "typer==0.20.0",
              "httpx==0.28.1", "httpcore==1.0.9", "h11==0.16.0", "anyio==4.11.0", "sniffio==1.3.1", "hf-xet==1.2.0"),
             transformers),
    Versions("jax at its bound", ("jax=={}", "jaxlib=={jax}", "opt-einsum==3.4.0"), readme("JAX")),
    Versions("dask at its bound", ("dask=={}", "distributed=={}"), dask),
    Versions("typst at its bound", ("typst=={}",), pdf),
)  # fmt: skip
"""What is tried; playwright's bound is not: it needs a browser of its own version."""


def extras(pyproject: Path) -> dict[str, str]:
    """The lower bounds of the extras that users install."""
    given = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    return lower([text for name, texts in given.items() if name not in ("test", "lint", "docs") for text in texts])


def tried(versions: Versions, folder: Path, bounds: dict[str, str]) -> str:
    """Install a set and try it in a process of its own; what went wrong, empty where nothing did."""
    target = folder / versions.name.replace(" ", "-")
    target.mkdir()
    named = [package.format(bounds.get(package.split("==")[0]), **bounds) for package in versions.packages]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    command = [sys.executable, str(Path(__file__).resolve()), str(folder), "--trial", versions.name]
    environment = {**os.environ, "PYTHONPATH": str(target / "lib"), "JAX_PLATFORMS": "cpu", "HF_HUB_OFFLINE": "1"}
    for line in ([*pip, "--target", str(target / "lib"), *named] if named else [], command):
        ran = subprocess.run(line or ["true"], cwd=target, env=environment, text=True, capture_output=True)
        if ran.returncode:
            return (ran.stdout + ran.stderr)[-3000:]
    return ""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--trial", help="one set's trial, in this process")
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    if asked.trial is not None:
        next(v for v in ALL if v.name == asked.trial).trial(folder / "export")
        return 0
    start = time.monotonic()
    layerproof(f"{EXPORT} --onnx --transformers -o {folder / 'export'}")
    bounds = extras(ROOT / "pyproject.toml")
    chosen = [v for v in ALL if v.name.startswith(asked.only)]
    wrong = 0
    with ThreadPoolExecutor(2) as pool:
        for versions, failure in zip(chosen, pool.map(lambda v: tried(v, folder, bounds), chosen), strict=True):
            wrong += bool(failure)
            print(f"  {'wrong' if failure else 'right'}  {versions.name}", flush=True)
            print(failure, end="\n" * bool(failure))
    print(f"{len(chosen) - wrong} of {len(chosen)} right in {time.monotonic() - start:.0f} s")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
