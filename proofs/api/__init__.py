"""layerproof: derive, prove and check that linear-attention layers are iterates of RL algorithms.

>>> import layerproof as lp
>>> lp.verify("td0", d=2, n=4, layers=2, evidence=["identity-exact"]).holds
True

Names load when they are first used: `import layerproof` is quick and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .numeric.export.interpretability import NOT_MAPPED as NOT_MAPPED
    from .numeric.export.interpretability import interpretability_view as interpretability_view
    from .numeric.export.load import load as load
    from .numeric.files.process_file import read_process as read_process
    from .numeric.files.prompt_file import read_context as read_context
    from .numeric.files.weights_file import read_weights as read_weights
    from .numeric.files.weights_file import write_weights as write_weights
    from .numeric.judge.batch import batch_check as batch_check
    from .numeric.judge.batch import random_transitions as random_transitions
    from .numeric.patterns.module import PatternTransformer as PatternTransformer
    from .numeric.transformer import LinearTransformer as LinearTransformer
    from .proofs.approximation.simulation import Simulation as Simulation
    from .proofs.assertions import assert_implements as assert_implements
    from .proofs.audit.file import audit as audit
    from .proofs.convergence.result import Convergence as Convergence
    from .proofs.functions.checks import verify as verify
    from .proofs.functions.convergence import converge as converge
    from .proofs.functions.identification import identify as identify
    from .proofs.functions.invariance import invariance as invariance
    from .proofs.functions.patterns import construct_pattern as construct_pattern
    from .proofs.functions.rules import sa as sa
    from .proofs.functions.rules import simulate as simulate
    from .proofs.functions.weights import algorithms as algorithms
    from .proofs.functions.weights import construct as construct
    from .proofs.functions.weights import derive as derive
    from .proofs.identify.answer import Identification as Identification
    from .proofs.report.paper.write import paper as paper
    from .proofs.report.reporting import report as report
    from .proofs.sweep.run import run_sweep as run_sweep
    from .proofs.sweep.spec import read_sweep as read_sweep
    from .proofs.sweep.workers import WorkerProcesses as WorkerProcesses
    from .proofs.sweep.workers import prepare_worker as prepare_worker
    from .proofs.training.run import train as train
    from .proofs.verdict import Claim as Claim
    from .proofs.verdict import Result as Result
    from .proofs.verdict import Verdict as Verdict
    from .symbolic.algorithm import Accumulator as Accumulator
    from .symbolic.algorithm import Algorithm as Algorithm
    from .symbolic.algorithm import FeatureBlock as FeatureBlock
    from .symbolic.approximation.quantity import maximum as maximum
    from .symbolic.approximation.rule import Rule as Rule
    from .symbolic.attention import Head as Head
    from .symbolic.construction import Construction as Construction
    from .symbolic.derivation.derive import Derivation as Derivation
    from .symbolic.errors import ArgumentError as ArgumentError
    from .symbolic.errors import ContentError as ContentError
    from .symbolic.errors import LayerproofError as LayerproofError
    from .symbolic.invariance.symmetry import SymmetryGroup as SymmetryGroup
    from .symbolic.markov.decision import DecisionProcess as DecisionProcess
    from .symbolic.own import OwnConstruction as OwnConstruction
    from .symbolic.patterns.construction import PatternConstruction as PatternConstruction
    from .symbolic.patterns.record import GivenHead as GivenHead
    from .symbolic.patterns.record import GivenLayer as GivenLayer
    from .symbolic.patterns.record import PatternAlgorithm as PatternAlgorithm
    from .symbolic.patterns.record import Row as Row
    from .symbolic.prompt import Context as Context

_HOMES = {
    "Accumulator": "symbolic.algorithm",
    "Algorithm": "symbolic.algorithm",
    "ArgumentError": "symbolic.errors",
    "Claim": "proofs.verdict",
    "Construction": "symbolic.construction",
    "ContentError": "symbolic.errors",
    "Simulation": "proofs.approximation.simulation",
    "Context": "symbolic.prompt",
    "Convergence": "proofs.convergence.result",
    "DecisionProcess": "symbolic.markov.decision",
    "Derivation": "symbolic.derivation.derive",
    "FeatureBlock": "symbolic.algorithm",
    "Head": "symbolic.attention",
    "Identification": "proofs.identify.answer",
    "LayerproofError": "symbolic.errors",
    "LinearTransformer": "numeric.transformer",
    "NOT_MAPPED": "numeric.export.interpretability",
    "OwnConstruction": "symbolic.own",
    "GivenHead": "symbolic.patterns.record",
    "GivenLayer": "symbolic.patterns.record",
    "PatternAlgorithm": "symbolic.patterns.record",
    "PatternConstruction": "symbolic.patterns.construction",
    "PatternTransformer": "numeric.patterns.module",
    "Row": "symbolic.patterns.record",
    "Result": "proofs.verdict",
    "Rule": "symbolic.approximation.rule",
    "SymmetryGroup": "symbolic.invariance.symmetry",
    "Verdict": "proofs.verdict",
    "WorkerProcesses": "proofs.sweep.workers",
    "algorithms": "proofs.functions.weights",
    "audit": "proofs.audit.file",
    "assert_implements": "proofs.assertions",
    "batch_check": "numeric.judge.batch",
    "construct": "proofs.functions.weights",
    "construct_pattern": "proofs.functions.patterns",
    "converge": "proofs.functions.convergence",
    "derive": "proofs.functions.weights",
    "identify": "proofs.functions.identification",
    "interpretability_view": "numeric.export.interpretability",
    "invariance": "proofs.functions.invariance",
    "load": "numeric.export.load",
    "maximum": "symbolic.approximation.quantity",
    "prepare_worker": "proofs.sweep.workers",
    "random_transitions": "numeric.judge.batch",
    "read_context": "numeric.files.prompt_file",
    "read_process": "numeric.files.process_file",
    "read_sweep": "proofs.sweep.spec",
    "read_weights": "numeric.files.weights_file",
    "paper": "proofs.report.paper.write",
    "report": "proofs.report.reporting",
    "run_sweep": "proofs.sweep.run",
    "sa": "proofs.functions.rules",
    "simulate": "proofs.functions.rules",
    "train": "proofs.training.run",
    "verify": "proofs.functions.checks",
    "write_weights": "numeric.files.weights_file",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'layerproof' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
