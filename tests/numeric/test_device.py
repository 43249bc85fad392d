"""Every branch of `device.py`, with CUDA simulated where it must be: what a device, or another torch, would show it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from layerproof.numeric.device import autocast_state, environment, resolve_device, strict_precision

REDUCED = {"allow_fp16_reduced_precision_reduction": True, "allow_bf16_reduced_precision_reduction": True}


class Raising(SimpleNamespace):
    """Switches that will not be read, as torch's older ones once newer ones were set."""

    def __getattribute__(self, name: str):
        if name.startswith("allow_fp16_red"):
            raise RuntimeError("set through another interface")
        return super().__getattribute__(name)


def switches(monkeypatch: pytest.MonkeyPatch, **values: object) -> SimpleNamespace:
    """CUDA's switches, these and no others."""
    place = SimpleNamespace(**values)
    monkeypatch.setattr(torch.backends.cuda, "matmul", place)
    return place


@pytest.mark.parametrize("tf32", [False, True])
def test_a_torch_with_the_older_switches(monkeypatch, tf32):
    place = switches(monkeypatch, allow_tf32=not tf32, **REDUCED)  # without allow_fp16_accumulation: torch 2.6
    with strict_precision(tf32):
        assert vars(place) == {"allow_tf32": tf32, **dict.fromkeys(REDUCED, False)}
    assert vars(place) == {"allow_tf32": not tf32, **REDUCED}


@pytest.mark.parametrize("tf32", [False, True])
def test_a_torch_with_the_newer_switches(monkeypatch, tf32):
    cpu = SimpleNamespace(fp32_precision="bf16")
    monkeypatch.setattr(torch.backends.mkldnn, "matmul", cpu)
    place = switches(monkeypatch, fp32_precision="none", allow_tf32="untouched", allow_fp16_accumulation=True)
    with strict_precision(tf32):
        assert place.fp32_precision == ("tf32" if tf32 else "ieee")
        assert (cpu.fp32_precision, place.allow_tf32, place.allow_fp16_accumulation) == ("ieee", "untouched", False)
    assert vars(place) == {"fp32_precision": "none", "allow_tf32": "untouched", "allow_fp16_accumulation": True}
    assert cpu.fp32_precision == "bf16"


def test_a_torch_whose_processor_library_has_no_switch(monkeypatch):
    monkeypatch.setattr(torch.backends, "mkldnn", SimpleNamespace())
    place = switches(monkeypatch, fp32_precision="tf32")
    with strict_precision():
        assert place.fp32_precision == "ieee"
    assert place.fp32_precision == "tf32"


def test_switches_are_put_back_when_what_runs_breaks(monkeypatch):
    place = switches(monkeypatch, allow_tf32=True, **REDUCED)
    with pytest.raises(KeyError), strict_precision():
        raise KeyError
    assert vars(place) == {"allow_tf32": True, **REDUCED}


def test_a_switch_that_cannot_be_read_is_left_alone_and_said(monkeypatch):
    place = Raising(allow_tf32=True, allow_bf16_reduced_precision_reduction=True)
    monkeypatch.setattr(torch.backends.cuda, "matmul", place)
    with strict_precision():
        assert (place.allow_tf32, place.allow_bf16_reduced_precision_reduction) == (False, False)
    facts = environment(torch.device("cpu"), torch.float32)
    assert facts["cuda.matmul.allow_fp16_reduced_precision_reduction"] == "not readable (RuntimeError)"
    assert facts["cuda.matmul.allow_fp16_accumulation"] == "not readable (AttributeError)"


@pytest.mark.skipif(
    not hasattr(torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction_split_k"), reason="torch < 2.10"
)
@given(st.sampled_from([(True, True), (False, True), (False, False)]))
def test_split_k_stays_as_the_caller_has_it(setting):
    """A plain bool sets it to True: what was asked for with (False, False) would be gone afterwards."""
    place, name = torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction"
    before = getattr(place, name), getattr(place, f"{name}_split_k")
    try:
        setattr(place, name, setting)
        with strict_precision():
            assert (getattr(place, name), getattr(place, f"{name}_split_k")) == (False, setting[1])
        assert (getattr(place, name), getattr(place, f"{name}_split_k")) == setting
    finally:
        setattr(place, name, before)


def test_a_device_that_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Pretend H100")
    assert [resolve_device(name).type for name in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    facts = environment(torch.device("cuda"), torch.bfloat16)
    assert (facts["device"], facts["device_type"], facts["dtype"]) == ("Pretend H100", "cuda", "bfloat16")
    assert facts["cublas_workspace_config"] == ":4096:8"
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    assert environment(torch.device("cuda"), torch.bfloat16)["cublas_workspace_config"] == "not set"
    assert "cublas_workspace_config" not in environment(torch.device("cpu"), torch.bfloat16)


def test_autocast_of_a_device_is_said_and_switched_off(monkeypatch):
    on, entered = {"cuda"}, []

    class Autocast:
        def __init__(self, kind, enabled):
            assert not enabled
            self.kind = kind

        def __enter__(self):
            entered.append(self.kind)
            on.discard(self.kind)

        def __exit__(self, *error):
            on.add(self.kind)

    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind: kind in on)
    monkeypatch.setattr(torch, "get_autocast_dtype", lambda kind: torch.float16)
    monkeypatch.setattr(torch, "autocast", Autocast)
    assert autocast_state() == "cuda: float16"
    with strict_precision():
        assert autocast_state() == "off for these layers, cuda: float16 around them"
    assert entered == ["cuda"]
    with strict_precision(autocast=True):
        assert autocast_state() == "cuda: float16"


def test_layers_keep_to_the_device_that_they_are_given():
    """On torch's device without values every tensor of a pass must be made there: one from the CPU would be refused."""
    from helpers import CASES, trial

    from layerproof.numeric.rows import Head, Layer, run_keys_first, run_scores_first
    from layerproof.numeric.transformer import ORDERS, LinearTransformer

    construction = trial(next(c for c in CASES if c.algorithm.name == "gtd2")).construction
    module = LinearTransformer.from_construction(construction, torch.float32).to("meta")
    Z = torch.empty(3, construction.layout.m, construction.layout.n + 1, device="meta")
    for order in ORDERS:
        assert module._dense(Z)[-1].device.type == "meta"
        module.order = order
    stored = module.layers[0]
    heads = tuple(Head((h.W @ h.P)[-2:, -2:], h.Q[:-2, :-2], 0) for h in stored.heads)
    mixing = Head(heads[0].U @ heads[0].U.new_empty(2, 4), heads[0].E.new_empty(4, 2), 0)
    layers = [Layer(heads, (mixing,), stored.scale)]
    X, Y = Z[:, :-2], Z[:, -2:]
    for run in (run_keys_first, run_scores_first):
        assert run(X, Y, layers, [stored.heads[0].M])[-1].shape == Y.shape


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_layers_on_cuda_stay_within_their_bounds_and_give_the_same_bits_again(dtype):
    from itertools import islice

    from layerproof.numeric.data.draws import prompts
    from layerproof.numeric.judge.crosscheck import crosscheck
    from layerproof.proofs.case import Case, Settings
    from layerproof.symbolic.algorithms import find
    from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
    from layerproof.symbolic.identity.exact import problem

    case = Case(find("td0"), Settings(context=20, layers=2, trials=4))
    drawn = islice(prompts(case.algorithm, 3, 20, 0, "boyan-chain"), 4)
    setups = [problem(case.algorithm, RATIONALS, c, w, case.parameters, {}) for _, c, w in drawn]
    first, again = (crosscheck(case.subject, case.algorithm, setups, "cuda", dtype) for _ in range(2))
    assert first.status in ("within", "vacuous")
    assert (first.status, first.error, first.bound) == (again.status, again.error, again.bound)
