"""What the gate is asked: statements that stand alone, and proofs of them from the theory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .theorem import Theorem

THEORY_PREFIX = "LayerProof"
"""The theory's files are `LayerProof.td0` and so on: folder `theory` of the gate's workplace."""
STATEMENTS_PREFIX = "LayerProofStatements"
"""The compiled statements are `LayerProofStatements.td0`: folder `statements`; they know no other folder."""
AUDITS_PREFIX = "LayerProofAudits"
"""The proofs of the statements are `LayerProofAudits.td0`: folder `audits`."""

MEANINGS = (
    ("loop_sum", "the loop is a sum over tokens: no"),
    ("keys_le", "no token but those of the context is a key: no"),
    ("pattern_", "the pattern is made from rows that stay, under the mask: no"),
    ("added_", "what the heads add to a token is what the update adds: no"),
    ("moved_", "the shift gives each token what the one after it holds: no"),
    ("loop_closed", "the loop does what the derivation says: no"),
    ("total_", "the masks gather what the loop adds up: no"),
    ("step_gathered", "the loop's end is what the masks gather: no"),
    ("layer_step", "one layer with the weights is one step of the loop: no"),
    ("prediction", "the read-out is the prediction, with its sign: no"),
    ("features", "the feature rows stay: no"),
    ("", "the generated file is right: no"),
)
"""(part of a lemma's name, what it says when it fails), of generated files; the first that fits."""


@dataclass(frozen=True)
class TheoryFile:
    """A file that joins the theory for this run, such as a generated one: `LayerProof.NAME`."""

    name: str
    text: str


@dataclass(frozen=True)
class Audit:
    """Two files of one name: what is stated, in words of its own, and how that follows from the theory.

    statements : a file over MathComp alone, compiled where there is no theory at all, so that nothing that the theory
                 exports can change what a statement means; it defines `Definition NAME : Prop := ...` (closed: no
                 section variable left over) for every theorem
    proofs     : a file with a proof `NAME` of every `LayerProofStatements.<name>.NAME`; it requires the statements and
                 the theory's files by their full names, without importing the theory
    requires   : the theory's files that `proofs` requires, without their ending
    theory     : files that join the theory for this audit
    words      : files of the package's folder `statements` that `statements` imports, by `From LayerProofStatements`
    joins      : whether its texts may be modules of files that several audits share
    modules    : the module of a theorem, by its name, where the audit is several that were joined
    """

    name: str
    requires: tuple[str, ...]
    theorems: tuple[Theorem, ...]
    statements: str
    proofs: str
    theory: tuple[TheoryFile, ...] = ()
    words: tuple[str, ...] = ()
    joins: bool = False
    modules: Mapping[str, str] = field(default_factory=dict)

    def place(self, theorem: Theorem) -> str:
        """The name of a statement, and of its proof, after the prefix."""
        module = self.modules.get(theorem.name)
        return ".".join([self.name, *([module] if module else []), theorem.name])

    def explained(self, place: str, line: int) -> str:
        """What fails when a lemma of a generated file fails at this line, in words; empty for other files."""
        text = next((f.text for f in self.theory if f"theory/{f.name}" == place and line), "")
        lemmas = re.findall(r"^(?:Lemma|Theorem|Definition) (\w+)", "\n".join(text.splitlines()[:line]), re.M)
        return next((f"{meaning}; " for name, meaning in MEANINGS if lemmas and name in lemmas[-1]), "")

    def texts(self) -> dict[str, str]:
        """All files of the audit, by their place in the gate's workplace."""
        joined = {f"theory/{f.name}.v": f.text for f in self.theory}
        return {**joined, f"statements/{self.name}.v": self.statements, f"audits/{self.name}.v": self.proofs}
