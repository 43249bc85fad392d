"""The site: plain Markdown by MyST, and the reference from the docstrings of `import layerproof`.

`scripts/build_docs.sh` builds it; nothing here asks the network, and every warning is an error there.
"""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from typing import Any

import layerproof
from layerproof.proofs.functions import rules

project = "layerproof"
version = release = version_of("layerproof")
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 4
root_doc = "index"
smartquotes = False  # phi' is a prime, and -- begins an option

html_theme = "furo"
html_title = "layerproof"
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"

add_module_names = False
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

HOMES = {f"layerproof.{home}.{name}": name for name, home in layerproof._HOMES.items()}
"""Where each name of the facade is defined: references to these lead to the facade's entry."""

# `simulate` names its result for type checkers only, since it loads NumPy: here its signature is read, and needs it.
vars(rules)["Simulation"] = layerproof.Simulation

nitpick_ignore_regex = [
    # The libraries' own types, and ours that the facade does not show: named, but described nowhere here.
    (r"py:.*", r"(collections|concurrent|enum|fractions|multiprocessing|os|pathlib|types|typing)(\..*)?"),
    (r"py:.*", r"(flint|numpy|sympy|torch)(\..*)?"),
]

ITEM = re.compile(r"([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*)(?: +: +|  +)(\S.*)")
"""A line of our docstrings that says what an argument or a field is: `name : text`, or `name   text`."""


CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)(?=(\w)?)")
"""Code in our docstrings, and the letter that may follow it: several `Head`s."""


def code(found: re.Match[str]) -> str:
    """Code as reStructuredText has it; a name of the facade leads to its entry."""
    text = f":py:obj:`~layerproof.{found[1]}`" if found[1] in layerproof.__all__ else f"``{found[1]}``"
    return f"{text}\\ " if found[2] else text


def restructured(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """A docstring as reStructuredText: its code, and its lines about arguments and fields as a list."""
    lines[:] = CODE.sub(code, "\n".join(lines)).split("\n")
    found: list[str] = []
    inside = False
    for line in lines:
        if item := ITEM.fullmatch(line):
            found += [*([] if inside else [""]), f"* ``{item[1]}``: {item[2]}"]
            inside = True
        elif inside and line.startswith("  "):
            found.append(f"  {line.strip()}")
        else:
            found += ["", line] if inside and line.strip() else [line]
            inside = False
    lines[:] = found


def defaults(
    app: Any, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> Any:
    """A signature with `...` for a default that is no Python: a factory, a function at its address."""
    return signature and re.sub(r"<(?:[^<>]|<[^<>]*>)*>", "...", signature), returns


def facade(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """A reference to where a name of the facade is defined leads to its entry; to another of our types, nowhere."""
    target = str(node.get("reftarget", ""))
    if target in HOMES:
        entry, domain = f"layerproof.{HOMES[target]}", env.get_domain("py")
        return domain.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], entry, node, contnode)
    if re.match(r"layerproof\.(symbolic|numeric|proofs)\.", target):
        return contnode
    return None


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", restructured)
    app.connect("autodoc-process-signature", defaults)
    app.connect("missing-reference", facade)
