"""Section "reproduce": the command that makes this page, versions and digests."""

from __future__ import annotations

import platform
from hashlib import sha256
from importlib import metadata

from ....numeric.files.fields import MAX_ENTRIES
from ....numeric.files.weights_file import document
from ....symbolic.construction import Construction
from ....symbolic.strict_json import dumps
from ...theory.audits import audits
from ...theory.gate import source_digests
from ..assemble import cell, prose
from ..findings import Findings
from ..model import Block, Code, Listing, Section, Table

NAME, TITLE, ORDER = "reproduce", "How to reproduce this", 150
OF_PYTHON = "your-transitions.json"
"""What the command calls the file of transitions that came as Python objects."""
PACKAGES = ("layerproof", "sympy", "python-flint", "numpy", "torch")


def build(findings: Findings) -> Section | None:
    """One command, the versions, and the digests of what was judged."""
    blocks: list[Block] = [
        Listing(findings.command, "shell"),
        *(
            [prose("The transitions came from Python: `prompt.json` stands for a file of them.")]
            if findings.settings.prompt is not None and "--prompt prompt.json" in findings.command
            else []
        ),
        prose("The same command with the same versions gives the same page."),
        Table(("package", "version"), tuple((cell(name), cell(version(name))) for name in PACKAGES)),
    ]
    digests_of = digests(findings)
    if digests_of:
        rows = tuple((cell(what), cell(Code(digest))) for what, digest in digests_of)
        blocks.append(Table(("SHA-256 of", "digest"), rows))
    if findings.dates:
        blocks.append(Table(("machine", "value"), (
            (cell("Python"), cell(platform.python_version())), (cell("system"), cell(platform.platform())),
        )))  # fmt: skip
    return Section(NAME, TITLE, tuple(blocks))


def version(package: str) -> str:
    """The installed version of a package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def digests(findings: Findings) -> list[tuple[str, str]]:
    """What was judged, by name and digest."""
    result = []
    construction = findings.construction
    if construction is not None and entries(construction) <= MAX_ENTRIES:
        result.append(("the weights at these settings, as layerproof.write_weights writes them to a .json file",
                       weights_digest(construction)))  # fmt: skip
    if findings.example is not None:
        result.append(("the weights of the worked example", weights_digest(findings.example.construction)))
    if findings.algorithm is not None and audits(findings.algorithm):
        listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(source_digests().items()))
        result.append(("the Rocq theory (the sha256sum listing of its files)", sha256(listed.encode()).hexdigest()))
    return result


def weights_digest(construction: Construction) -> str:
    """The SHA-256 of the weights' JSON file."""
    return sha256(dumps(document(construction)).encode()).hexdigest()


def entries(construction: Construction) -> int:
    """About how many numbers the weights' file has."""
    m, N = construction.layout.m, construction.layout.n + 1
    return sum(len(heads) for heads in construction.layers) * 3 * m * m + N * N
