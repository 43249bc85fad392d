"""A user's file for tests: TD(0), derived or with its own heads, changed by replacing pieces of its text."""

from __future__ import annotations

from pathlib import Path

TEXT = """from layerproof import Accumulator, Algorithm, FeatureBlock, Head


def update(weights, preconditioners, sweep, p):
    (w,) = weights
    (C,) = preconditioners
    sweep.total = 0 * w
    for t in sweep:
        delta = t.reward + p.gamma * (w @ t.phi_next) - w @ t.phi
        sweep.total = sweep.total + delta * t.phi
    return (w + C @ sweep.total / sweep.n,)


def heads(layout, step, p, layer):
    P = layout.matrix({("td_error", "td_error"): 1})
    Q = layout.matrix({("phi", "phi"): -step.C.mT, ("phi", "gamma_phi_next"): step.C.mT})
    return [Head(W=None, P=P, Q=Q, M=layout.mask())]


ALGORITHM = Algorithm(
    name="mine",
    title="Mine",
    source="me",
    features=(
        FeatureBlock("phi", lambda t, p: t.phi, query=lambda q: q),
        FeatureBlock("gamma_phi_next", lambda t, p: p.gamma * t.phi_next),
    ),
    accumulators=(Accumulator("td_error", lambda w, x, p: x.reward + w[0] @ x.gamma_phi_next - w[0] @ x.phi),),
    parameters=("gamma",),
    update=update,
)
"""

TOTAL = "        sweep.total = sweep.total + delta * t.phi\n"
START = "    sweep.total = 0 * w\n"
RETURN = "    return (w + C @ sweep.total / sweep.n,)\n"
P, MASK = 'P = layout.matrix({("td_error", "td_error"): 1})', "M=layout.mask()"
RECORD = "ALGORITHM = Algorithm("


def source(*changes: tuple[str, str], given: bool = False) -> str:
    """The file's text with each (old, new) put in; `given` lets it give its own heads."""
    text = TEXT.replace("    update=update,\n", "    update=update,\n    heads=heads,\n") if given else TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def write(folder: Path, *changes: tuple[str, str], given: bool = False, name: str = "mine.py") -> str:
    """The changed file, written into `folder`: its path."""
    path = folder / name
    path.write_text(source(*changes, given=given), encoding="utf-8")
    return str(path)


def line_of(path: str, piece: str) -> int:
    """The number of the first line that holds `piece`."""
    return next(i for i, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1) if piece in line)
