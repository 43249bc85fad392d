"""Users' files that attend by patterns, with layers of their own, changed by replacing pieces of their text."""

from __future__ import annotations

from pathlib import Path

KERNEL = """from layerproof import GivenHead, GivenLayer, PatternAlgorithm, Row


def update(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + k.weight * (k.reward + p.gamma * k.next_state - k.state)
    return own.state + sweep.total


LAYER = GivenLayer(
    heads=(GivenHead(values=lambda k, C, p: {"current": k.reward + k.target - k.current}),),
    shift=lambda t, p: {"target": p.gamma * t.current},
)
ALGORITHM = PatternAlgorithm(
    name="mine",
    title="Mine",
    source="me",
    rows=(
        Row("x", lambda t, p: t.phi, lambda t, p: t.phi),
        Row("reward", lambda t, p: t.reward, scalar=True),
        Row("target", lambda t, p: p.gamma * t.next_state, scalar=True),
        Row("current", lambda t, p: t.state, lambda t, p: t.state, scalar=True),
    ),
    state="a number for each token",
    update=update,
    kernels=("softmax",),
    scored="x",
    chained=True,
    parameters=("gamma",),
)
"""
CAUSAL = """from layerproof import GivenHead, GivenLayer, PatternAlgorithm, Row


def update(own, C, sweep, p):
    sweep.total = 0 * own.state
    for k in sweep:
        sweep.total = sweep.total + (k.reward - k.state @ k.phi) * k.phi
    return own.state + C @ sweep.total / sweep.n


LAYER = GivenLayer(
    heads=(
        GivenHead(
            values=lambda k, C, p: {"error": k.error},
            scores=lambda k, q, C, p: -(C @ k.phi) @ q.phi,
        ),
    ),
    keys="causal",
    scale="1/n",
)
ALGORITHM = PatternAlgorithm(
    name="mine",
    title="Mine",
    source="me",
    rows=(
        Row("phi", lambda t, p: t.phi, lambda t, p: t.phi),
        Row("error", lambda t, p: t.reward - t.state @ t.phi, lambda t, p: -(t.state @ t.phi), scalar=True),
    ),
    state="a vector for each token",
    update=update,
    sees="causal",
    preconditioned=True,
)
"""
COLUMN = """from layerproof import GivenHead, GivenLayer, PatternAlgorithm, Row


def update(own, C, sweep, p):
    w = own.state
    sweep.total = 0 * w
    for k in sweep:
        sweep.total = sweep.total + (k.reward + p.gamma * (w @ k.phi_next) - w @ k.phi) * k.phi
    return w + C @ sweep.total / sweep.n


LAYER = GivenLayer(
    heads=(
        GivenHead(
            values=lambda k, C, p: {"w": C @ k.phi},
            scores=lambda k, q, C, p: p.gamma * (k.phi_next @ q.w) - k.phi @ q.w + k.reward * q.one,
        ),
    ),
    scale="1/n",
)
ALGORITHM = PatternAlgorithm(
    name="mine",
    title="Mine",
    source="me",
    rows=(
        Row("phi", lambda t, p: t.phi),
        Row("phi_next", lambda t, p: t.phi_next),
        Row("reward", lambda t, p: t.reward, scalar=True),
        Row("one", parameter=lambda t, p: 1, scalar=True),
        Row("w", parameter=lambda t, p: t.state),
    ),
    state="a vector in a column of its own",
    update=update,
    preconditioned=True,
    parameters=("gamma",),
)
"""


def write(folder: Path, text: str, *changes: tuple[str, str], given: bool = True) -> str:
    """The file with each (old, new) put in, written into `folder`: its path; `given` has it give its own layer."""
    text = text.replace("    update=update,\n", "    update=update,\n    layer=LAYER,\n") if given else text
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def more(line: str) -> tuple[str, str]:
    """The change that gives the layer of `KERNEL` another field."""
    return "LAYER = GivenLayer(\n", f"LAYER = GivenLayer(\n    {line},\n"
