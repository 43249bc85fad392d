"""How the statements follow from the generated file: by its lemma `run_in_other_words`, nothing of it imported."""

from __future__ import annotations

from ..audit import STATEMENTS_PREFIX, THEORY_PREFIX
from ..generated.proofs import IMPORTS
from .statements import PatternStatements

HEADER = (
    IMPORTS
    + """\
From {theory} Require attention loop_masks loop_prompt token_patterns {module}.
From {statements} Require {audit}.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory. Local Open Scope ring_scope.
"""
)


def proofs_text(statements: PatternStatements, audit: str) -> str:
    """The file with a proof of every statement; audit : the statements' name."""
    parts = statements.parts
    stated, made = f"{STATEMENTS_PREFIX}.{audit}", f"{THEORY_PREFIX}.{parts.module}"
    s, (token, t) = parts.s, parts.token
    lines = [
        HEADER.format(theory=THEORY_PREFIX, statements=STATEMENTS_PREFIX, module=parts.module, audit=audit),
        "Section Proofs.",
        *parts.declarations,
        f"Local Notation state := ({parts.state_type}).",
        f"Local Notation transformer := (@{stated}.transformer F _ _).",
        *(f"Local Notation {name} := (@{stated}.{name} {' '.join(a)})." for name, a in statements.arguments.items()),
        f"""Lemma same_after l ({s} : state){token} k :
  after l {s}{t} k = loop_masks.after (body l {s}{t}) 0 k.
Proof. by elim: k => [//|k IH] /=; rewrite IH; case: insub. Qed.""",
    ]
    swept = f"rewrite /{stated}.step /{made}.step"
    sames = "by rewrite token_patterns.sweep_keys_after same_after"
    a = parts.algorithm
    step = f"{swept}; {sames}" if a.column else f"{swept}; apply/matrixP => i j; rewrite !mxE; {sames}"
    for c in statements.claims:
        lines.append(f"Lemma proof_of_{c.part} : {c.statement}.")
        if c.part == "state":
            lines.append(f"""Proof using All.
apply: (@{made}.run_in_other_words {parts.arguments} run prompt step).
- by [].
- by [].
- move=> l {s}; {step}.
Qed.""")
        else:
            lines.append(f"""Proof using All.
by move=> L {s}; rewrite proof_of_state /{stated}.prompt ?(col_mxKu, col_mxKd).
Qed.""")
    lines.append("End Proofs.")
    for c in statements.claims:
        name = parts.theorem(c.part)
        lines.append(f"Theorem {name} : {stated}.{name}.\nProof. exact: @proof_of_{c.part}. Qed.")
    return "\n".join(lines) + "\n"
