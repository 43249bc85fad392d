"""Paper forms of the catalogue and of examples, each made once, on small prompts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from helpers import sizes_for

from layerproof.proofs.case import Settings
from layerproof.proofs.checker import verify
from layerproof.proofs.formula.formula import Formula
from layerproof.proofs.formula.macros import in_macros
from layerproof.proofs.report.findings import Findings
from layerproof.proofs.report.paper.model import Display, Environment, Paper
from layerproof.proofs.report.paper.patterns import pattern_paper
from layerproof.proofs.report.paper.write import paper_of
from layerproof.proofs.user_file import load
from layerproof.proofs.verdict import Claim
from layerproof.symbolic.algorithm import Algorithm
from layerproof.symbolic.algorithms import catalogue
from layerproof.symbolic.pattern_algorithms import pattern_catalogue

SMALL = Settings(features=2, context=3, layers=2)
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = (*catalogue(), *pattern_catalogue(), "k_step_td.py", "heavy_ball_td.py", "expected_sarsa.py")


def settings_for(algorithm: Algorithm) -> Settings:
    sizes = sizes_for(algorithm, SMALL.features, SMALL.context, SMALL.layers)
    return replace(SMALL, features=sizes["d"], context=sizes["n"], layers=sizes["L"])


@cache
def subject(name: str) -> Findings:
    item = load(EXAMPLES / name) if name.endswith(".py") else catalogue()[name]
    asked = ["identity-symbolic"] if item.heads is None else ["identity-exact"]
    settings = settings_for(item)
    return Findings(item, settings, verify(item, settings=settings, evidence=asked).claims)


@cache
def pattern_claims(name: str) -> tuple[Claim, ...]:
    return verify(pattern_catalogue()[name], settings=SMALL, evidence=["derived", "identity-symbolic"]).claims


@cache
def made(name: str) -> Paper:
    if name in pattern_catalogue():
        return pattern_paper(pattern_catalogue()[name], pattern_claims(name), SMALL, name, "")
    return paper_of(subject(name), Path(name).stem.replace("_", "-"))


def displays(paper: Paper) -> list[Formula]:
    parts = [b for block in paper.blocks for b in (block.blocks if isinstance(block, Environment) else (block,))]
    return [line for b in parts if isinstance(b, Display) for line in b.lines]


def in_print(formula: Formula) -> str:
    """A formula as an author gets it, in macros."""
    return in_macros(formula.tree)
