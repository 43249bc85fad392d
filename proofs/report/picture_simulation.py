"""The picture of a simulation: the iterates' mean and band beside the solution of the mean ODE, over its time."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from ...numeric.files.placing import place_file
from ...symbolic.errors import ContentError
from ..approximation.simulation import Simulation
from .assemble import cell
from .model import Picture, Table
from .picture_bands import Band, bands_picture

CURVES, ROWS = 4, 8
"""The weights that are drawn, and the lines of the table behind the picture."""
CAPTION = (
    "Lines: the mean of the runs, with the band that nine in ten lie in. Dashed: the mean ODE v' = h(v) from v = 0 at "
    "the same time, the sum of the steps so far."
)


def simulation_picture(simulation: Simulation, id: str) -> Picture:
    """The first weights over t = alpha_1 + ... + alpha_k; what is beyond floats is not drawn."""
    runs, count = simulation.runs, min(CURVES, len(simulation.names))
    times = [0.0, *map(float, runs.time)]  # every run starts at zero, and so does the ODE
    bands = []
    for i in range(count):
        middle, low, high = ([0.0, *map(_finite, side[:, i].tolist())] for side in (runs.mean, runs.low, runs.high))
        dashed = () if simulation.ode is None else [0.0, *map(_finite, simulation.ode[:, i].tolist())]
        bands.append(Band(simulation.names[i], middle, low, high, dashed))
    title = f"{simulation.rule} on {simulation.process}: {simulation.settings['runs']} runs beside the mean ODE"
    svg, words = bands_picture(
        times, bands, title, id, axes=("t, the sum of the steps so far", "weights: mean of the runs, dashed: the ODE")
    )
    return Picture(svg, words, CAPTION, _table(simulation, count))


def write_picture(simulation: Simulation, path: Path) -> None:
    """Draw it into a file; `ContentError` where that cannot be written."""
    try:
        place_file(path, simulation_picture(simulation, "simulation").svg)
    except OSError as error:
        raise ContentError(f"{path}: cannot be written: {error.strerror}") from None


def _finite(x: float) -> float | None:
    return x if isfinite(x) and abs(x) < 1e100 else None


def _table(simulation: Simulation, count: int) -> Table:
    runs = simulation.runs
    last = len(runs.at) - 1
    shown = sorted({round(k * last / (ROWS - 1)) for k in range(ROWS)})
    heads = ["k", "t"]
    for name in simulation.names[:count]:
        heads += [name, "low", "high", *(["ODE"] if simulation.ode is not None else [])]
    rows = []
    for k in shown:
        row: list[str] = [str(int(runs.at[k])), f"{runs.time[k]:.4g}"]
        for i in range(count):
            values: Sequence[float] = [runs.mean[k, i], runs.low[k, i], runs.high[k, i]]
            row += [f"{x:.4g}" for x in (values if simulation.ode is None else [*values, simulation.ode[k, i]])]
        rows.append(tuple(map(cell, row)))
    return Table(tuple(heads), tuple(rows))
