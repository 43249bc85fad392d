"""`lp.verify`, and the settings of a check as Python functions take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...symbolic.algorithm import Algorithm
from ...symbolic.own import OwnConstruction
from ...symbolic.prompt import Context
from ...symbolic.sizes import LETTERS
from .. import checker
from ..case import Settings
from ..verdict import Result
from .arguments import Number, check_settings, exact


def verify(
    *algorithms: str | Algorithm | OwnConstruction,
    d: int = Settings.features,
    n: int = Settings.context,
    layers: int = Settings.layers,
    gamma: Number = Settings.gamma,
    lam: Number = Settings.lam,
    prompt: Context | None = None,
    evidence: Iterable[str] | None = None,
    **settings: Any,
) -> Result:
    """Derive the weights and check that every layer is one iterate; all algorithms when none is named.

    algorithms : names, paths of files of one's own ("./mine.py"), or the objects themselves
    settings   : trace, seed, trials, exact_trials, device, dtype, looped, process, entrywise_features,
                 entrywise_context, max_work, time_limit, as on the command line; values={"beta": Fraction(1, 2)} for
                 parameters other than gamma and lam
    Returns a `Result`: its `claims`, `holds`, `exit_code` and `to_json()`.

    >>> import layerproof as lp
    >>> lp.verify("td0", d=2, n=4, layers=3, evidence=["derived", "identity-exact"]).holds
    True
    """
    chosen = run_settings(d, n, layers, gamma, lam, prompt, settings)
    return checker.verify(*algorithms, settings=chosen, evidence=evidence)


def run_settings(
    d: int, n: int, layers: int, gamma: Number, lam: Number, prompt: Context | None, more: Mapping[str, Any]
) -> Settings:
    """The settings of a check as Python functions take them; `ArgumentError` for one that there is not."""
    known = (name for name in Settings.__dataclass_fields__ if name not in LETTERS.values())
    check_settings(more, ("d", "n", "layers", *known))
    return Settings(
        features=d,
        context=n,
        layers=layers,
        gamma=exact(gamma, "gamma"),
        lam=exact(lam, "lam"),
        prompt=prompt,
        **more,
    )
