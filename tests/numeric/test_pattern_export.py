"""Exports of layers that attend by patterns: every file runs the exact layer, and one that runs another is refuted."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import own_patterns
import pytest
import torch
from cli import assert_refused, run_cli
from jax_process import jax_process

import layerproof as lp
from layerproof.numeric.export import files as export_files
from layerproof.numeric.export.load import load
from layerproof.numeric.exported import pattern_readme
from layerproof.numeric.exported.config import Source
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.errors import ContentError
from layerproof.symbolic.pattern_algorithms import pattern_catalogue
from layerproof.symbolic.patterns.construction import PatternConstruction, pattern_construction
from layerproof.symbolic.patterns.given import pattern_form
from layerproof.symbolic.patterns.kernels import EXACT, masked_pattern
from layerproof.symbolic.patterns.layer import pattern_layer
from layerproof.symbolic.patterns.record import KEYS

pytestmark = pytest.mark.slow
HALF = Fraction(1, 2)
C = [[HALF, Fraction(-1)], [Fraction(2), Fraction(1, 4)]]
FAR = 64
"""Features so far apart that a softmax of their scores is 0 or 1 over a count, in floats too."""


def built(name: str, n: int, **changes: Any) -> PatternConstruction:
    """Two layers with other words for the pattern; their masks follow."""
    algorithm = pattern_catalogue()[name]
    form = replace(pattern_form(algorithm), sees=changes.get("keys", algorithm.sees))
    steps = [C if algorithm.preconditioned else None] * 2
    values = algorithm.values({"gamma": HALF, "alpha": HALF} if algorithm.defaults else {"gamma": HALF})
    return replace(pattern_construction(form, 2, n, 2, steps, values), **changes)


def exact(c: PatternConstruction, Z: list[list[Fraction]]) -> list[Any]:
    """Z_0, ..., Z_L over Q; a softmax of far features counts those that are equal."""
    N, states, K, layers = c.n + 1, [RATIONALS.matrix(Z)], None, c.layers
    if c.kernel:
        features = [[row[t] for row in Z[:2]] for t in range(N)]
        counted = (lambda s: Fraction(s != 0)) if c.kernel.startswith("softmax") else lambda s: Fraction(1)
        seen = [KEYS[c.keys](t, c.n) for t in range(1, N + 1)]
        K = RATIONALS.matrix(masked_pattern(c.kernel, features, seen, counted, c.mask_first))
    if c.mask_first:
        layers = tuple(replace(layer, mask=[[1] * N] * N) for layer in layers)
    for number in range(c.depth):
        states.append(pattern_layer(states[-1], layers[number], K))
    return [[[float(x) for x in row] for row in Z.fractions()] for Z in states]


CASES = {
    "softmax": built("softmax-td", 3),
    "its other axis": built("softmax-td", 3, kernel="softmax-over-queries"),
    "causal softmax": built("softmax-td", 3, keys="causal"),
    "query as a key": built("softmax-td", 3, keys="context and query"),
    "shift the other way": built("softmax-td", 3, shift_from="previous", layers=tuple(
        replace(layer, previous=True, back=layer.back.mT) for layer in built("softmax-td", 3).layers)),
    "exponential": built("kernel-gradient-descent", 4),
    "relu, mask first": built("softmax-td", 3, kernel="relu", mask_first=True),
    "polynomial, mask first": built("softmax-td", 3, kernel="polynomial", mask_first=True, keys="causal"),
    "polynomial": built("softmax-td", 3, kernel="polynomial"),
    "linear": built("softmax-td", 3, kernel="linear", keys="causal"),
    "causal": built("causal-td", 4),
    "column": built("sarsa", 2),
}  # fmt: skip


def prompt_of(c: PatternConstruction) -> list[list[Fraction]]:
    """Small dyadic numbers, so that floats of every layer are exact; far features for a softmax, none for exp."""
    Z = [[Fraction((3 * i + 5 * t + i * t) % 7 - 3, 2) for t in range(c.n + 1)] for i in range(c.m)]
    if c.kernel and c.kernel not in EXACT:
        size = FAR if c.kernel.startswith("softmax") else 0
        Z[:2] = [[Fraction(size * (t % 2 == i)) for t in range(c.n + 1)] for i in range(2)]
    return Z


def ran(folder: Path, Z: Any) -> dict[str, list[Any]]:
    """What each loader of the README makes of a prompt, by its title."""
    config, runs = json.loads((folder / "config.json").read_text()), {}
    for title, code in pattern_readme.loaders(config).items():
        if "JAX" not in title:  # which wants a process of its own
            names: dict[str, Any] = {"Z": Z}
            with contextlib.chdir(folder):
                exec(pattern_readme.RUN + code, names)
            runs[title] = [numpy.asarray(x) for x in names["Z_0_to_L"]]
    return runs


@pytest.mark.parametrize("case", CASES)
def test_every_file_runs_the_exact_layer(tmp_path: Path, case: str) -> None:
    pytest.importorskip("onnxruntime")
    c = CASES[case]
    folder, wanted = tmp_path / "out", exact(c, prompt_of(c))
    formats = ("onnx", "npz", "pt2") if case in ("softmax", "causal softmax", "column") else ("onnx",)
    export_files.write(export_files.contents(c, "float64", formats, Source("own file")), folder)
    Z = numpy.array([wanted[0], wanted[0]])
    runs = ran(folder, Z)
    assert len(runs) >= 4
    for title, states in runs.items():
        assert [x[1].tolist() for x in states] == wanted, title


def test_jax_runs_the_same_lines(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    c = CASES["causal softmax"]
    folder, wanted = tmp_path / "out", exact(c, prompt_of(c))
    export_files.write(export_files.contents(c, "float64", (), Source("own file")), folder)
    numpy.save(tmp_path / "Z.npy", numpy.array([wanted[0]]))
    code = pattern_readme.loaders(json.loads((folder / "config.json").read_text()))["JAX"]
    saved = "numpy.save('../states.npy', numpy.array([numpy.asarray(x)[0] for x in Z_0_to_L]))"
    with jax_process() as jax:
        jax.run(f"import numpy\nZ = numpy.load('../Z.npy')\n{pattern_readme.RUN}\n{code}\n{saved}", folder)
    assert numpy.load(tmp_path / "states.npy").tolist() == wanted


def test_another_case_is_another_function() -> None:
    """The prompt above tells the axes, masks, shifts and orders apart: what it cannot see no test of it would."""
    base = [k for k, c in CASES.items() if c.kernel.startswith("softmax")]
    seen = {k: str(exact(CASES[k], prompt_of(CASES[k]))) for k in base}
    assert len(set(seen.values())) == len(base)
    a, b = built("softmax-td", 3, kernel="polynomial"), built("softmax-td", 3, kernel="polynomial", mask_first=True)
    assert exact(a, prompt_of(a)) != exact(b, prompt_of(b))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("export") / "out"
    lp_export(place)
    return place


def lp_export(place: Path) -> None:
    from layerproof.proofs.case import Settings
    from layerproof.proofs.export import export

    assert export("softmax-td", place, Settings(features=2, context=3, layers=2, trials=1), ("npz",)).result.holds


def test_it_is_loaded_checked_and_refused_where_it_is_not_linear_attention(capsys: Any, folder: Path) -> None:
    opened = load(folder)
    Z = torch.zeros(4, 5, 4, dtype=torch.float64)
    assert len(opened.module(Z)) == 2 and opened.config["schema"] == 2 and "readout" not in opened.config
    assert set(opened.module.state_dict()) == set(opened.tensors)
    assert run_cli(capsys, "check", str(folder)).code == 0
    for refuses in (lp.LinearTransformer.from_pretrained, lp.interpretability_view):
        with pytest.raises(ContentError, match=r"softmax-td attends by a pattern.*lp\.load"):
            refuses(folder)
    for more in (("--transformers",), ("--C", str(folder / "config.json"))):
        ran = run_cli(capsys, "export", "softmax-td", "-o", str(folder.parent / "other"), *more)
        assert_refused(ran, 2, "a pattern")
    assert not (folder.parent / "other").exists()


def transposed(c: PatternConstruction) -> PatternConstruction:
    return replace(c, layers=tuple(
        replace(layer, heads=tuple((V.mT, scores) for V, scores in layer.heads)) for layer in c.layers))  # fmt: skip


FAULTS: dict[str, Callable[[PatternConstruction], PatternConstruction]] = {
    "axis": lambda c: replace(c, kernel="softmax-over-queries"),
    "kernel": lambda c: replace(c, kernel="relu"),
    "query": lambda c: replace(c, keys="context and query", layers=tuple(
        replace(x, mask=[[1] * (c.n + 1)] * (c.n + 1)) for x in c.layers)),
    "shift": lambda c: replace(c, shift_from="previous"),
    "mask first": lambda c: replace(c, mask_first=True),
    "values": transposed,
    "layers": lambda c: replace(c, layers=c.layers[:1], looped=True, steps=c.steps[:1]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_an_export_that_agrees_with_itself_and_runs_another_layer_is_refuted(
    capsys: Any, tmp_path: Path, folder: Path, fault: str
) -> None:
    wrong = FAULTS[fault](load(folder).construction)  # type: ignore[arg-type]
    certificate = (folder / "certificate.json").read_text()
    export_files.write(export_files.contents(wrong, "float64", (), Source(), None, certificate), tmp_path / "bad")
    load(tmp_path / "bad")  # its files agree
    ran = run_cli(capsys, "check", str(tmp_path / "bad"))
    assert ran.code == 1 and "REFUTED" in ran.out
    if fault == "layers":  # the looped one's weights are right: what is claimed of them is of others
        assert "export-certificate" in ran.out
    else:
        assert "export-weights" in ran.out


@pytest.mark.parametrize("name", ["weights.json", "config.json", "model.safetensors", "weights.npz", "README.md"])
def test_one_file_that_is_changed_is_named(capsys: Any, tmp_path: Path, folder: Path, name: str) -> None:
    files = {p.name: p.read_bytes() for p in folder.iterdir()}
    old = b'"softmax"' if name.endswith("json") else b"phi" if name == "README.md" else files[name][-60:-52]
    assert old in files[name]
    new = b'"softmax-over-queries"' if name.endswith("json") else bytes(255 - x for x in old)
    export_files.write({**files, name: files[name].replace(old, new, 1)}, tmp_path / "out")
    ran = run_cli(capsys, "check", str(tmp_path / "out"))
    assert ran.code in (1, 4) and name in ran.out + ran.err
    with pytest.raises(ContentError):
        load(tmp_path / "out")


def test_a_file_of_ones_own_goes_with_its_export(capsys: Any, tmp_path: Path) -> None:
    path, sizes = own_patterns.write(tmp_path, own_patterns.CAUSAL), ("-d", "2", "-n", "3", "-L", "1")
    quick = ("--evidence", "identity-exact")
    assert run_cli(capsys, "export", path, *sizes, *quick, "-o", str(tmp_path / "out")).code == 0
    assert {"construction.py", "certificate.json"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert run_cli(capsys, "check", str(tmp_path / "out")).code == 0
    own_patterns.write(tmp_path, own_patterns.CAUSAL, ('keys="causal"', 'keys="causal with query"'))
    ran = run_cli(capsys, "export", path, *sizes, *quick, "-o", str(tmp_path / "bad"))
    assert ran.code == 1 and "wrote nothing" in ran.out and not (tmp_path / "bad").exists()
