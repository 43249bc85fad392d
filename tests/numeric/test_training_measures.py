"""What is measured of trained networks, on weights made by hand whose measures are known, and the verdicts."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from layerproof.numeric.training.architecture import Architecture, judged
from layerproof.numeric.training.baseline import Baseline
from layerproof.numeric.training.checkpoint import decode, encode, read_trained, weights_file
from layerproof.numeric.training.family import (
    aligned,
    balance,
    blocks,
    commuting,
    family,
    inner,
    outside_commutant,
    single,
)
from layerproof.numeric.training.loop import Trainer
from layerproof.numeric.training.measure import Measure
from layerproof.numeric.training.network import split
from layerproof.numeric.training.outer_update import flat
from layerproof.numeric.training.presets import preset_named
from layerproof.numeric.training.settings import ARCHITECTURES, Training
from layerproof.numeric.training.verdicts import HALF_WAY, NOT_REACHED, REACHED, null_of, untrained, verdict, verdicts
from layerproof.symbolic.construction import construct
from layerproof.symbolic.derivation.derive import derive
from layerproof.symbolic.errors import ContentError

TINY = replace(preset_named("tiny").settings, dtype="float64", width=1, seeds=1)


def own_weights(settings: Training, step: Fraction = Fraction(1, 2)) -> Tensor:
    """The algorithm's own weights with C = step I : (1, stored, matrices, m, m)."""
    arch = Architecture.of(settings)
    return flat(arch.own(step)).reshape(1, arch.stored, len(arch.names), arch.m, arch.m)


def measured(settings: Training, weights: Tensor, step: float = 0.5) -> dict[str, float]:
    like = torch.zeros((), dtype=torch.float64)
    measure = Measure(settings, Architecture.of(settings), [Baseline.of(a, like) for a in judged(settings)])
    steps = torch.full((len(judged(settings)), 1), step, dtype=torch.float64)
    return {name: float(x[0]) for name, x in measure.final(weights, steps, [1]).items()}


def gauged(weights: Tensor, scale: float) -> Tensor:
    """P times a scale, Q divided by it: no output changes."""
    moved = weights.clone()
    moved[:, :, 0] *= scale
    moved[:, :, 1] /= scale
    return moved


@pytest.mark.parametrize("algorithm", ARCHITECTURES)
@pytest.mark.parametrize("looped", [True, False])
def test_the_algorithms_own_weights_are_all_the_algorithms(algorithm: str, looped: bool) -> None:
    settings = replace(TINY, algorithm=algorithm, looped=looped)
    measures = measured(settings, own_weights(settings))
    assert measures["share"] == pytest.approx(1, abs=1e-12)
    assert measures["value difference"] < 1e-24 * (1 + measures["value size"])
    assert measures["implicit weight similarity"] == pytest.approx(1, abs=1e-12)
    assert measures["outside commutant"] == 0
    assert verdict(measures["share"], measures["implicit weight similarity"]) == REACHED


def test_no_gauge_changes_what_is_judged() -> None:
    weights = own_weights(TINY)
    plain = measured(TINY, weights)
    for scale in (-4.0, 0.25):
        measures = measured(TINY, gauged(weights, scale))
        assert measures["share"] == plain["share"]
        assert measures["P corner"] > 0 and measures["Q phi phi"] < 0
        assert torch.equal(aligned(Architecture.of(TINY), gauged(weights, scale)), aligned(
            Architecture.of(TINY), weights))  # fmt: skip


def test_heads_that_are_mixed_are_the_same_layer() -> None:
    settings = replace(TINY, algorithm="gtd2")
    arch, weights = Architecture.of(settings), own_weights(settings)
    heads, order = split(arch, weights)[0], [3, 4, 5, 0, 1, 2]
    mixed = split(arch, weights[:, :, order])[0]
    assert inner(arch, heads, mixed, False) == inner(arch, heads, heads, False) == inner(arch, mixed, mixed, False) > 0


def as_floats(matrix: Any) -> Tensor:
    return torch.tensor([[float(x) for x in row] for row in matrix.fractions()], dtype=torch.float64)


def written_out(arch: Architecture, heads: list[tuple[Tensor, Tensor]], last: bool) -> Tensor:
    """The interaction tensor, entry by entry: (K, masks rows m m m)."""
    rows = slice(arch.row, arch.row + 1) if last else slice(None)
    tensors = []
    for number, mask in enumerate(arch.masks):
        own = [pair for pair, k in zip(heads, arch.mask_of, strict=True) if k == number]
        T = torch.stack([torch.einsum("aij,akl->aijkl", V[:, rows], Q) for V, Q in own]).sum(0)
        tensors.append((T + T.transpose(2, 3)) / 2 if torch.equal(mask, mask.T) else T)
    return torch.stack(tensors, dim=1).flatten(start_dim=1)


@pytest.mark.parametrize("algorithm", ARCHITECTURES)
@pytest.mark.parametrize("looped", [True, False])
def test_the_share_is_that_of_the_tensors_written_out(algorithm: str, looped: bool) -> None:
    settings = replace(TINY, algorithm=algorithm, looped=looped)
    arch, d = Architecture.of(settings), settings.d
    known = arch.space.algorithm
    random = np.random.default_rng(0)
    own = []
    for _ in range(3 * d * d):  # with matrices at random the derived weights span what they span with all of them
        step = [
            Fraction(int(random.integers(-9, 9)))
            if name in known.scalar_preconditioners
            else [[Fraction(int(x)) for x in row] for row in random.integers(-9, 9, (d, d))]
            for name in known.preconditioners
        ]
        made = construct(derive(known, arch.space.options), d, settings.n, 1, [tuple(step)], arch.space.parameters)
        heads = made.row_heads()
        assert heads is not None
        pair = []
        for head in heads[0]:
            V, Q = torch.zeros(1, arch.m, arch.m).double(), torch.zeros(1, arch.m, arch.m).double()
            V[0, arch.space.layout.p :, arch.space.layout.p :] = as_floats(head.U)
            Q[0, : arch.space.layout.p, : arch.space.layout.p] = as_floats(head.E)
            pair.append((V, Q))
        own.append(pair)
    weights = torch.from_numpy(random.standard_normal((2, arch.stored, len(arch.names), arch.m, arch.m)))
    shares = []
    for layer, heads in enumerate(split(arch, weights)[: arch.stored]):
        last = single(arch, layer)
        _, sizes, right = torch.linalg.svd(torch.cat([written_out(arch, o, last) for o in own]), full_matrices=False)
        T = written_out(arch, heads, last)
        shares.append((T @ right[sizes > 1e-9 * sizes[0]].mT).square().sum(-1) / T.square().sum(-1))
    assert torch.allclose(family(arch).share(weights), torch.stack(shares).mean(0), rtol=0, atol=1e-12)
    assert not torch.allclose(family(arch).share(-weights.flip(-1)), torch.stack(shares).mean(0), rtol=0, atol=1e-9)


def test_a_share_at_64_features_takes_no_tensor() -> None:
    """T has 129^4 entries there, 2 GB for one network."""
    settings = replace(TINY, d=64)
    assert family(Architecture.of(settings)).share(own_weights(settings)) == pytest.approx(1, abs=1e-12)


def test_one_block_negated_is_not_the_algorithm() -> None:
    weights = own_weights(TINY)
    d = TINY.d
    weights[:, :, 1, :d, d : 2 * d] *= -1
    measures = measured(TINY, weights)
    assert measures["share"] == pytest.approx(0, abs=1e-12)
    assert verdict(measures["share"], measures["implicit weight similarity"]) == NOT_REACHED


def test_the_rule_run_backwards_has_the_share_and_not_the_function() -> None:
    measures = measured(TINY, own_weights(TINY, Fraction(-1, 2)))
    assert measures["share"] == pytest.approx(1, abs=1e-12)
    assert measures["implicit weight similarity"] < -0.5
    assert verdict(measures["share"], measures["implicit weight similarity"]) == NOT_REACHED


def test_another_step_has_the_similarity_of_a_longer_way_and_a_difference() -> None:
    measures = measured(TINY, own_weights(TINY), step=0.25)
    assert 0.9 < measures["implicit weight similarity"] < 1
    assert measures["value difference"] > 1e-3 * measures["value size"]


def test_a_network_is_judged_against_both_rules_under_the_full_loss() -> None:
    settings = replace(TINY, target="residual-gradient")
    measures = measured(settings, own_weights(replace(TINY, algorithm="residual-gradient")))
    assert measures["share, residual-gradient"] == pytest.approx(1, abs=1e-12)
    assert 0 < measures["share, td0"] < 0.9


def test_blocks_have_their_known_means_and_the_published_trace_counts_twice() -> None:
    arch = Architecture.of(TINY)
    d, m = TINY.d, arch.m
    P, Q = torch.full((m, m), 0.25), torch.full((m, m), 0.125)
    P[-1, -1] = -1.0
    Q[:d, :d] += torch.diag(torch.full((d,), 2.0 - 0.125))
    Q[:d, d : 2 * d] -= torch.diag(torch.full((d,), 1.0 + 0.125))
    means = blocks(arch, torch.stack((P, Q)).double()[None, None], double_trace=True)
    assert float(means["P corner"]) == 1
    assert float(means["P others"]) == 0.25
    assert float(means["Q phi phi"]) == -2
    assert float(means["Q phi phi'"]) == 1
    assert float(means["Q others"]) == 0.125
    assert float(means["Q others, as published"]) == pytest.approx(0.125 + 2 * 2 * d / (m * m - 2 * d))
    assert "Q others, as published" not in blocks(arch, torch.stack((P, Q)).double()[None, None])


def test_the_part_in_the_commutant_commutes() -> None:
    arch = Architecture.of(TINY)
    weights = arch.initial([1])
    inside = commuting(arch, weights)
    d = TINY.d
    swap = torch.eye(arch.m, dtype=torch.float64)
    for first in (0, d):
        swap[first : first + 2, first : first + 2] = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert torch.equal(swap @ inside @ swap.T, inside)
    assert torch.equal(commuting(arch, inside), inside)
    assert 0 < float(outside_commutant(arch, weights)) < 1
    trainer = Trainer(replace(TINY, start="commutant"), 0)
    assert float(outside_commutant(arch, trainer.weights.detach())) == 0


def test_the_flows_conserved_quantity() -> None:
    weights = own_weights(TINY)
    difference, total = balance(Architecture.of(TINY), gauged(weights, 2.0))
    P, Q = weights[0, 0]
    assert float(difference) == float(4 * P.square().sum() - Q.square().sum() / 4)
    assert float(total) == float(4 * P.square().sum() + Q.square().sum() / 4)


def test_an_activation_that_is_none_measures_what_linear_attention_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The attention formula and its gradients against the moments, on a network that both can run."""
    from layerproof.numeric.training import network

    weights = 5 * Architecture.of(TINY).initial([1])
    plain = measured(TINY, weights)
    monkeypatch.setitem(network.FUNCTIONS, "tanh", lambda scores: scores)
    measures = measured(replace(TINY, activation="tanh"), weights)
    for name in ("value difference", "implicit weight similarity", "sensitivity similarity"):
        assert measures[name] == pytest.approx(plain[name], rel=1e-9)
    assert "share" not in measures


def test_softmax_runs_over_keys_and_over_queries_only_by_name() -> None:
    from layerproof.numeric.training.network import activate

    scores = torch.tensor([[0.0, 1.0], [2.0, 3.0]], dtype=torch.float64)
    keys = activate(Architecture.of(replace(TINY, activation="softmax")), scores)
    published = replace(TINY, activation="softmax", traps=("softmax-over-queries",))
    queries = activate(Architecture.of(published), scores)
    assert torch.equal(keys, scores.softmax(0)) and torch.equal(queries, scores.softmax(1))


def gradients_are_the_formulas(settings: Training) -> bool:
    """Whether predictions with an activation, and their gradients, are those of the attention formula as written."""
    from layerproof.numeric.training.network import activate, attend, split

    arch = Architecture.of(settings)
    weights = (5 * arch.initial([1, 2])).requires_grad_()
    prompts = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, arch.m, settings.n + 1))).requires_grad_()
    Z, M = prompts, arch.masks[0]
    for ((P, Q),) in split(arch, weights):
        V, K = P.unsqueeze(1) @ Z @ M, Q.unsqueeze(1) @ Z
        Z = Z + V @ activate(arch, Z.mT @ K) / settings.n
    wanted, attended = arch.readout.sign * Z[..., arch.row, -1], attend(arch, weights, prompts)
    slopes = [torch.autograd.grad(x.square().sum(), (weights, prompts)) for x in (wanted, attended)]
    return all(torch.allclose(a, b, rtol=1e-9, atol=1e-12) for a, b in ((wanted, attended), *zip(*slopes, strict=True)))


@pytest.mark.parametrize("traps", [(), ("softmax-over-queries",)])
@pytest.mark.parametrize("layers", [1, 3])
def test_softmax_and_its_gradient_are_the_attention_formulas(traps: tuple[str, ...], layers: int) -> None:
    assert gradients_are_the_formulas(replace(TINY, activation="softmax", traps=traps, layers=layers))


def test_a_gradient_without_the_sum_over_keys_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from layerproof.numeric.training import network

    def wrong(ctx: Any, G: torch.Tensor) -> tuple[torch.Tensor, ...]:
        Z, K, V, A, _ = ctx.saved_tensors
        slopes = (G.mT @ V) * A
        return K @ slopes, Z @ slopes.mT, G @ A

    settings = replace(TINY, activation="softmax", layers=3)
    assert gradients_are_the_formulas(settings)
    monkeypatch.setattr(network._Softmax, "backward", staticmethod(wrong))
    assert not gradients_are_the_formulas(settings)


# verdicts


@pytest.mark.parametrize(
    ("share", "similarity", "wanted"),
    [(0.6, 0.95, REACHED), (0.6, 0.8, HALF_WAY), (0.3, 0.95, HALF_WAY), (0.05, 0.99, NOT_REACHED),
     (0.9, 0.4, NOT_REACHED), (float("nan"), float("nan"), NOT_REACHED), (0.9, float("nan"), NOT_REACHED)],
)  # fmt: skip
def test_the_criterion(share: float, similarity: float, wanted: str) -> None:
    assert verdict(share, similarity) == wanted


def test_networks_that_learned_nothing_reach_nothing_and_one_that_has_is_seen() -> None:
    settings = replace(preset_named("main").settings, final=4)
    null = untrained(settings)
    assert (null.networks, null.reached, null.half_way) == (30, 0, 0)
    assert null.share < 0.1
    planted = {"share": torch.tensor([0.01, 0.8]), "implicit weight similarity": torch.tensor([0.1, 0.97])}
    assert null_of("planted", planted).reached == 1
    assert verdicts(planted) == [NOT_REACHED, REACHED]


def test_rewards_in_disorder_are_the_same_rewards() -> None:
    from layerproof.numeric.training.laws import TRAINED, Chains, episodes

    settings = replace(TINY, shuffled=True)
    drawn = episodes(settings, TRAINED, [1], [1], 2, 12)
    assert isinstance(drawn.process, Chains)
    ordered = drawn.process.rewards[0][drawn.index[0, :, :-1]]
    assert not torch.equal(drawn.rewards[0], ordered)
    assert torch.equal(drawn.rewards[0].sort(-1).values, ordered.sort(-1).values)
    assert torch.equal(drawn.features, episodes(TINY, TRAINED, [1], [1], 2, 12).features)


# files


def test_a_state_is_bytes_and_back() -> None:
    settings = preset_named("tiny").settings
    state = list(Trainer(settings, 0).run(4))[-1]
    content = encode(state, settings, 0)
    assert content == encode(state, settings, 0)
    decoded = decode(content, settings, 0)
    assert decoded.done == 4
    assert all(torch.equal(decoded.tensors[k], state.tensors[k]) for k in state.tensors)
    assert decoded.history.keys() == state.history.keys()
    for other in (replace(settings, rate=0.01), replace(settings, width=4)):
        with pytest.raises(ContentError, match="other settings"):
            decode(content, other, 0)
    with pytest.raises(ContentError, match="other settings"):
        decode(content, settings, 1)
    decode(content, replace(settings, seeds=2), 0)
    with pytest.raises(ContentError, match="cut short"):
        decode(content[:-1], settings, 0)


def test_trained_weights_are_bytes_and_back() -> None:
    settings = replace(TINY, algorithm="average-reward-td")
    arch, weights = Architecture.of(settings), own_weights(settings)
    tensors, about = read_trained(weights_file(arch, weights[0], 7))
    assert (about["seed"], about["settings"]["algorithm"]) == (7, "average-reward-td")
    assert torch.equal(tensors["layers.0.heads.1.P"], weights[0, 0, 4])
    assert tensors["layers.0.heads.0.M"].shape == (settings.n + 1, settings.n + 1)
    with pytest.raises(ContentError, match="no trained weights"):
        state = list(Trainer(TINY, 0).run(4))[-1]
        read_trained(encode(state, TINY, 0))


def test_families_have_as_many_dimensions_as_preconditioners_have_entries() -> None:
    for algorithm, dimension in (("td0", 4), ("td-lambda", 4), ("average-reward-td", 4), ("gtd2", 8)):
        assert len(family(Architecture.of(replace(TINY, algorithm=algorithm))).whole) == dimension
