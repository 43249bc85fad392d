"""Derived heads as Rocq text: W, P, Q and the masks in blocks, generated from the derivation and typed nowhere."""

from __future__ import annotations

from ...symbolic.derivation.coefficients import INDEX
from ...symbolic.derivation.contraction import Scalar
from ...symbolic.derivation.derive import Derivation
from ...symbolic.derivation.factor import SymbolicHead
from ...symbolic.derivation.masks import Mask
from ...symbolic.errors import NotRepresentableError


def sizes(derivation: Derivation) -> tuple[str, str]:
    """The number of feature rows and of accumulator rows, as Rocq terms: d + d and (1 + 1)."""
    features = " + ".join("1" if b.scalar else "d" for b in derivation.algorithm.features)
    count = len(derivation.algorithm.accumulators)
    return features, "1" if count == 1 else f"({' + '.join(['1'] * count)})"


def decay_text(derivation: Derivation) -> str:
    """The decay of the derivation's trace, in brackets when it is a product; empty without a trace."""
    triangles = [t for mask in derivation.masks for t in mask.lower]
    if not triangles:
        return ""
    text = _scalar(triangles[0].decay)
    return f"({text})" if " " in text else text


def heads_text(derivation: Derivation) -> str:
    """The definitions of W, P, Q and M, one list entry a head where heads differ.

    Raises `NotRepresentableError` for a coefficient that has no spelling here.
    """
    p, K = sizes(derivation)
    count = len(derivation.heads)
    rows = [r.name for r in derivation.algorithm.accumulators]
    blocks = [(b.name, b.scalar) for b in derivation.algorithm.features]
    lines = []
    masks = []
    for name, mask in zip(derivation.mask_names, derivation.masks, strict=True):
        if mask.is_context_mask:
            masks.append("1%:M")
        else:
            lines.append(f"Definition mask_{name} : 'M[F]_n := \\matrix_(i, j) {_mask(mask)}.")
            masks.append(f"mask_{name}")
    m, index = f"({p} + {K})", f"'I_{count}"
    W = ["1%:M"] * count
    P = [_nested([[_unit(h, a, b) for b in rows] for a in rows]) for h in derivation.heads]
    Q = [_nested([[_key_query(h, a, b) for b in blocks] for a in blocks]) for h in derivation.heads]
    M = [masks[h.mask] for h in derivation.heads]
    head = f"(l : nat) (h : {index}) : 'M[F]_"
    lines += [
        f"Definition W {head}{m} := block_mx 0 0 0 {_each(W)}.",
        f"Definition P {head}{m} := block_mx 0 0 0 {_each(P)}.",
        f"Definition Q {head}{m} := block_mx {_each(Q)} 0 0 0.",
        f"Definition M {head}(n + 1) := block_mx {_each(M)} 0 0 0.",
    ]
    return "\n".join(lines) + "\n"


def _each(texts: list[str]) -> str:
    if len(set(texts)) == 1:
        return _atom(texts[0])
    return "[:: " + "; ".join(texts) + "]`_h"


def _atom(text: str) -> str:
    return f"({text})" if " " in text else text


def _nested(entries: list[list[str]]) -> str:
    """A matrix of blocks, the last row and column split off first, as sums of sizes associate."""
    size = len(entries)
    if size == 1:
        return entries[0][0]
    last = size - 1
    inner = _nested([row[:last] for row in entries[:last]])
    column = _stacked("col_mx", [row[last] for row in entries[:last]])
    row = _stacked("row_mx", entries[last][:last])
    return f"block_mx {_atom(inner)} {_atom(column)} {_atom(row)} {_atom(entries[last][last])}"


def _stacked(join: str, parts: list[str]) -> str:
    if all(part == "0" for part in parts):
        return "0"
    result = parts[0]
    for part in parts[1:]:
        result = f"{join} {_atom(result)} {_atom(part)}"
    return result


def _unit(head: SymbolicHead, written: str, read: str) -> str:
    coefficient = head.U.get((written, read))
    if coefficient is None:
        return "0"
    if coefficient == 1:
        return "1%:M"
    return "- 1%:M" if coefficient == -1 else f"({_scalar(coefficient)})%:M"


def _key_query(head: SymbolicHead, key: tuple[str, bool], other: tuple[str, bool]) -> str:
    terms = []
    for (r, word, s), coefficient in head.E.items():
        if (r, s) != (key[0], other[0]):
            continue
        if word:
            ((name, flipped),) = word
            base = f"({name} l)^T" if flipped else f"{name} l"
            if coefficient not in (1, -1):
                raise NotRepresentableError(f"the coefficient {coefficient.text()} has no spelling in Rocq here")
            terms.append(base if coefficient == 1 else f"- {base}")
        else:
            negative = (-coefficient).text() in head_scalars(-coefficient)
            inner = _scalar(-coefficient if negative else coefficient)
            terms.append(f"- ({inner} l)%:M" if negative else f"({inner} l)%:M")
    if len(terms) > 1:
        return " + ".join(terms)
    return terms[0] if terms else "0"


def head_scalars(scalar: Scalar) -> tuple[str, ...]:
    """The scalar's own name when it is a single parameter: a layer's scalar step."""
    return tuple(rest[0] for kind, *rest in scalar.generators() if kind == "parameter" and len(scalar.poly) == 1)


def _scalar(scalar: Scalar) -> str:
    """A sum of products of parameters and of 1/position, as a Rocq term; positions count from one."""
    terms = []
    for part in scalar.parts().values():
        for exponents, coefficient in sorted(part.items(), key=lambda item: len(item[0])):
            factors = []
            for name, exponent in exponents:
                if name == INDEX and exponent == -1:
                    factors.append("{later}.+1%:R^-1")
                elif name != INDEX and exponent == 1:
                    factors.append(name)
                else:
                    raise NotRepresentableError(f"{name}^{exponent} has no spelling in Rocq here")
            if abs(coefficient) != 1:
                raise NotRepresentableError(f"the coefficient {coefficient} has no spelling in Rocq here")
            body = " * ".join(factors) or "1"
            terms.append(("- " if coefficient < 0 else "", body))
    text = "".join(f"{sign}{body}" if not i else f" {sign or '+ '}{body}" for i, (sign, body) in enumerate(terms))
    return text or "0"


def _mask(mask: Mask) -> str:
    diagonal = _scalar(mask.diagonal).replace("{later}", "j")
    sides = (*mask.lower, *mask.upper)
    if len(sides) > 1 or any(t.delay or t.enters is not None or not t.geometric for t in sides):
        raise NotRepresentableError("this mask has no spelling in Rocq here")
    if mask.lower and not mask.upper and mask.diagonal == 1:
        (triangle,) = mask.lower
        if triangle.coefficient == triangle.decay:
            decay = _scalar(triangle.decay)
            return f"if (j <= i)%N then {_atom(decay)} ^+ (i - j) else 0"
    if mask.upper and not mask.lower and all(t.decay == 1 for t in mask.upper):
        (triangle,) = mask.upper
        above = _scalar(triangle.coefficient).replace("{later}", "j")
        return f"if i == j then {diagonal} else if (i < j)%N then {above} else 0"
    raise NotRepresentableError("this mask has no spelling in Rocq here")
