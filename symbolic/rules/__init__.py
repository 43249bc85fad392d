"""The rules of the talk: every module of this folder holds one `RULE`; they are discovered, no list is edited."""

from __future__ import annotations

from functools import cache

from ..approximation.rule import OuterRule, Rule
from ..discovery import defined
from ..errors import ArgumentError
from ..near import near as near_to


@cache
def rules() -> dict[str, Rule | OuterRule]:
    """Every rule by name, in alphabetical order of the module names.

    >>> "linear-td" in rules()
    True
    """
    return defined(__name__, __path__, "RULE", "rule")


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
    near = near_to(name, known)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the rules are {', '.join(known)}"
    raise ArgumentError(f"there is no rule {name[:60]!r}; {hint}")
