"""The torch module: the same layer as the exact one, on both of its paths, batched, differentiable, named."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from helpers import each_kind_by_name

from layerproof.numeric import rows
from layerproof.numeric.data.prompts import generic_context
from layerproof.numeric.device import PRECISIONS
from layerproof.numeric.judge.crosscheck import crosscheck
from layerproof.numeric.lower import lower_prompt
from layerproof.numeric.transformer import ORDERS, LinearTransformer
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.arithmetics.arithmetic import RATIONALS
from layerproof.symbolic.arithmetics.rational import Rational, RationalMatrix
from layerproof.symbolic.attention import layer
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ArgumentError
from layerproof.symbolic.identity.exact import problem

VALUES = {"gamma": Fraction(1, 2), "lam": Fraction(1, 2), "beta": Fraction(1, 4)}


def made(name, d=2, n=4, depth=3, looped=False):
    algorithm = catalogue()[name]
    derivation = derive(algorithm)
    steps = [
        tuple(
            Fraction(number + 1, 8)
            if c in algorithm.scalar_preconditioners
            else [[Fraction(2 * i - j + number, 8) for j in range(d)] for i in range(d)]
            for c in algorithm.preconditioners
        )
        for number in range(1 if looped else depth)
    ]
    construction = construct(derivation, d, n, depth, steps, VALUES, looped=looped)
    start = [1 if w in algorithm.scalar_weights else [Fraction(i, 2) for i in range(d)] for w in algorithm.weights]
    setups = [
        problem(algorithm, RATIONALS, generic_context(d, n, seed, bits=6), start, VALUES, derivation.options)
        for seed in range(3)
    ]
    return construction, setups


@each_kind_by_name
@pytest.mark.parametrize("trainable", [False, True])
def test_a_layer_is_the_exact_layer(name, trainable):
    construction, setups = made(name, depth=1)
    module = LinearTransformer.from_construction(construction, trainable=trainable)
    Z = lower_prompt(setups[0], torch.float64, "cpu")
    exact = layer(
        RationalMatrix.of([[Fraction(v) for v in row] for row in Z.tolist()]),
        construction.heads(0),
        Rational.of(Fraction(1, construction.layout.n)),
    )
    wanted = torch.tensor([[float(v) for v in row] for row in exact.fractions()], dtype=torch.float64)
    assert torch.allclose(module(Z), wanted, rtol=1e-13, atol=1e-13)


@each_kind_by_name
@pytest.mark.parametrize("order", ORDERS)
def test_both_paths_and_both_shapes_agree(name, order):
    construction, setups = made(name)
    frozen = LinearTransformer.from_construction(construction)
    trained = LinearTransformer.from_construction(construction, trainable=True)
    frozen.order = trained.order = order
    assert frozen._row_layers() is not None
    assert trained._row_layers() is None
    Z = torch.stack([lower_prompt(s, torch.float64, "cpu") for s in setups])
    batch = frozen.states(Z)
    assert len(batch) == 4
    for a, b in zip(batch, trained.states(Z), strict=True):
        assert torch.allclose(a, b, rtol=1e-12, atol=1e-12)
    for i in range(len(setups)):
        assert torch.allclose(frozen(Z[i]), batch[-1][i], rtol=1e-12, atol=1e-12)
    assert torch.equal(frozen(Z.reshape(3, 1, *Z.shape[1:])), batch[-1].reshape(3, 1, *Z.shape[1:]))
    p = construction.layout.p
    assert all(torch.equal(Y, Z_l[:, p:]) for Y, Z_l in zip(frozen.rows(Z), batch, strict=True))
    with pytest.raises(ArgumentError, match="may change feature rows: use states"):
        trained.rows(Z)
    row = construction.layout.accumulator(construction.readout.row)
    assert torch.equal(frozen.prediction(Z), construction.readout.sign * batch[-1][:, row, -1])


@pytest.mark.parametrize("name", ["td-lambda", "gtd2"])
def test_every_prompt_of_every_chunk_runs(name, monkeypatch):
    construction, setups = made(name)
    module = LinearTransformer.from_construction(construction)
    Z = torch.stack([lower_prompt(s, torch.float64, "cpu") for s in setups])
    whole = module.rows(Z)
    monkeypatch.setattr(rows, "CHUNK", 2)
    assert all(torch.equal(a, b) for a, b in zip(whole, module.rows(Z), strict=True))
    assert module.rows(Z[:0])[-1].shape == (0, *whole[-1].shape[1:])
    # one that is dropped at a boundary, its neighbour in its place, is named by the judge
    cut = torch.Tensor.split

    def dropping(x, size, dim=0):
        return cut(x, size, dim) if dim else tuple(part[[0, 0]] if len(part) > 1 else part for part in cut(x, size))

    monkeypatch.setattr(torch.Tensor, "split", dropping)
    result = crosscheck(construction, catalogue()[name], setups, module=module)
    assert (result.status, result.where.trial, result.where.layer) == ("exceeded", 1, 1)


def test_weights_have_the_names_of_the_file_format():
    construction, _ = made("gtd2", depth=2)
    frozen = LinearTransformer.from_construction(construction, torch.float32)
    names = {f"layers.{i}.heads.{h}.{w}" for i in range(2) for h in range(2) for w in "WPQM"}
    assert set(frozen.state_dict()) == names
    assert not list(frozen.parameters())
    assert all(t.dtype == torch.float32 for t in frozen.state_dict().values())
    trained = LinearTransformer.from_construction(construction, trainable=True)
    assert {name for name, _ in trained.named_parameters()} == names


def test_a_looped_transformer_stores_one_layer():
    construction, setups = made("td0", depth=3, looped=True)
    module = LinearTransformer.from_construction(construction)
    assert set(module.state_dict()) == {f"layers.0.heads.0.{w}" for w in "WPQM"}
    Z = lower_prompt(setups[0], torch.float64, "cpu")
    states = module.states(Z)
    assert len(states) == 4
    for before, after in pairwise(states):
        assert torch.allclose(module.layers[0](before), after, rtol=1e-13, atol=1e-13)


def test_an_edited_weight_is_seen():
    construction, setups = made("td0")
    module = LinearTransformer.from_construction(construction)
    Z = lower_prompt(setups[0], torch.float64, "cpu")
    before = module.states(Z)
    module.layers[1].heads[0].M[1, 0] = 1.0  # one layer's mask: the others keep theirs
    after = module.states(Z)
    assert torch.equal(before[1], after[1])
    assert not torch.equal(before[2], after[2])
    module.layers[2].heads[0].W[0, -1] = 1.0  # now a feature row is written
    assert not torch.equal(module(Z)[0], Z[0])


@pytest.mark.parametrize(("matrix", "at"), [("Q", (0, 1)), ("Q", (-1, -1)), ("P", (-1, -1)), ("W", (0, -1))])
def test_a_head_over_a_constant_row_that_does_more_runs_whole(matrix, at):
    """Made quadratic or cubic in the accumulator rows, or a writer of features: no short way is taken."""
    construction, setups = made("heavy-ball-td")
    module = LinearTransformer.from_construction(construction)
    rows = module._row_layers()
    assert rows is not None
    (number,) = {h for h in range(2) if module.layers[0].heads[h].Q[:4, :4].count_nonzero() == 0}
    getattr(module.layers[0].heads[number], matrix)[at] = 1.0
    assert module._row_layers() is None
    Z = lower_prompt(setups[0], torch.float64, "cpu")
    assert torch.equal(module.states(Z)[1], module.layers[0](Z))


def test_gradients_flow_to_weights_and_prompts():
    construction, setups = made("tdc")
    Z = lower_prompt(setups[0], torch.float64, "cpu").requires_grad_()
    trained = LinearTransformer.from_construction(construction, trainable=True)
    trained.prediction(Z).backward()
    gradient = Z.grad.clone()
    assert trained.layers[0].heads[0].Q.grad.abs().max() > 0
    Z.grad = None
    LinearTransformer.from_construction(construction).prediction(Z).backward()
    assert torch.allclose(Z.grad, gradient, rtol=1e-10, atol=1e-12)
    frozen = LinearTransformer.from_construction(construction)
    frozen.layers[1].heads[0].Q.requires_grad_()  # a buffer that somebody watches
    frozen.prediction(Z.detach()).backward()
    assert torch.allclose(
        frozen.layers[1].heads[0].Q.grad[:2, :2], trained.layers[1].heads[0].Q.grad[:2, :2], rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("dtype", list(PRECISIONS))
def test_the_prompt_is_rounded_once(dtype):
    _, setups = made("td0")
    Z = lower_prompt(setups[0], dtype, "cpu")
    assert Z.dtype == dtype
    assert Z.shape == (5, 5)
    assert Z[:2, -1].tolist() == pytest.approx([float(x) for x in generic_context(2, 4, 0, 6).query], rel=0.01)
    assert Z[2:4, -1].tolist() == [0, 0]
