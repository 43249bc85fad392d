"""The rules of the talk: every module of this folder holds one `RULE`; they are discovered, no list is edited."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache

from ..approximation.rule import OuterRule, Rule
from ..errors import ArgumentError


@cache
def rules() -> dict[str, Rule | OuterRule]:
    """Every rule by name, in alphabetical order of the module names.

    >>> "linear-td" in rules()
    True
    """
    found: dict[str, Rule | OuterRule] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        rule: Rule | OuterRule = importlib.import_module(f"{__name__}.{module.name}").RULE
        if rule.name in found:
            raise RuntimeError(f"two modules define the rule {rule.name}")
        found[rule.name] = rule
    return found


def find_rule(name: str) -> Rule | OuterRule:
    """The rule called `name`; `ArgumentError` with the nearest names when there is none.

    >>> find_rule("linear_td").name
    Traceback (most recent call last):
    ...
    layerproof.symbolic.errors.ArgumentError: there is no rule 'linear_td'; did you mean linear-td?
    """
    known = rules()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower().replace("_", "-"), known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the rules are {', '.join(known)}"
    raise ArgumentError(f"there is no rule {name[:60]!r}; {hint}")
