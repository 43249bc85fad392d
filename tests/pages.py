"""README.md and docs/*.md as data: their examples, their links and the anchors that links may name.

An example is a fenced block, and a comment on the line above it says what becomes of it:

    <!-- file: mine.py -->          it is written to that file
    <!-- run: 0 -->                 it is run by bash, and ends with that exit code
    <!-- run: 0, needs jax -->      the same, where these modules are installed
    <!-- not run: the reason -->    it is not run; its `layerproof` commands must still be commands

Python without a comment is run; a console block without one is run, and what it shows is compared with what comes out
(a line `...` stands for any lines).  Shell without a comment is an error.  Other languages are only shown.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import warm

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
FENCE = re.compile(r"^(?:<!-- (?P<comment>[^\n]*) -->\n)?```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.M | re.S)
RUN = re.compile(r"run: (?P<code>\d+)(?:, needs (?P<needs>[\w ,]+))?")
LINK = re.compile(r"\]\((?P<there>[^()\s]+)\)|(?:href|src)=\"(?P<html>[^\"]+)\"")


class PageError(AssertionError):
    """What is wrong with a page, and in which of its blocks."""


@dataclass(frozen=True)
class Block:
    """One fenced block: what becomes of it (`file`, `run`, `compare`, `show` or `skip`), and its text."""

    action: str
    text: str
    language: str
    name: str = ""
    code: int = 0
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The modules that it needs and that are not installed."""
        return tuple(module for module in self.needs if find_spec(module) is None)


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page's text, in order; `PageError` for one that does not say what becomes of it."""
    for fence in FENCE.finditer(page):
        yield _block(fence["comment"] or "", fence["language"].strip(), fence["text"])


def _block(comment: str, language: str, text: str) -> Block:
    if comment.startswith("file: "):
        return Block("file", text, language, name=comment.removeprefix("file: "))
    if comment.startswith("not run: "):
        return Block("skip", text, language)
    if run := RUN.fullmatch(comment):
        needs = tuple((run["needs"] or "").replace(",", " ").split())
        return Block("compare" if language == "console" else "run", text, language, code=int(run["code"]), needs=needs)
    if comment:
        raise PageError(f"a block's comment is {comment!r}, wanted file:, run: or not run:")
    if language in ("sh", "bash", "shell"):
        raise PageError(f"a block of shell does not say whether it runs:\n{text}")
    return Block({"python": "run", "console": "compare"}.get(language, "show"), text, language)


def run_page(page: str, folder: Path) -> tuple[str, ...]:
    """Run the examples of a page's text in a folder, in order; the modules for want of which some were left out.

    Raises `PageError` when one ends with another exit code, or shows another output, than the page says.
    """
    missing: tuple[str, ...] = ()
    for block in blocks(page):
        if block.missing:
            missing += block.missing
        elif block.action == "file":
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(block.text, encoding="utf-8")
        elif block.action == "run":
            program = (
                [str(warm.folder() / "warm-python")]
                if block.language == "python"
                else ["bash", "-euo", "pipefail", "-c"]
            )
            _run([*program, block.text], block.code, block.text, folder)
        elif block.action == "compare":
            for command, shown in sessions(block.text):
                came = _run(["bash", "-c", command], block.code, command, folder)
                if not matches(shown, came):
                    raise PageError(f"$ {command}\nshows\n{came}\nand the page says\n{shown}")
    return missing


def _run(command: list[str], code: int, text: str, folder: Path) -> str:
    path = os.pathsep.join([str(warm.folder()), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    if ran.returncode != code:
        raise PageError(f"exit code {ran.returncode}, and the page says {code}:\n{text}\n{ran.stdout}\n{ran.stderr}")
    return ran.stdout


def sessions(text: str) -> Iterator[tuple[str, str]]:
    """(command, the output shown) for each line `$ command` of a console block."""
    if not text.startswith("$ "):
        raise PageError(f"a console block begins without a command:\n{text}")
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def matches(shown: str, came: str) -> bool:
    """Whether an output is what a page shows: blanks at ends of lines do not count, `...` stands for any lines."""
    ends = [line.rstrip() for line in came.strip("\n").splitlines()]
    while ends and not ends[0]:
        ends.pop(0)
    wanted = [line.rstrip() for line in shown.strip("\n").splitlines()]
    pattern = "".join("(?:.*\n)*?" if line.strip() == "..." else f"{re.escape(line)}\n" for line in wanted)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in ends).rstrip("\n") + "\n") is not None


def commands(page: str) -> Iterator[str]:
    """The `layerproof` commands of a page's blocks that are not run, a line each; a shell variable stands for 1."""
    for block in blocks(page):
        if block.action == "skip":
            joined = re.sub(r"\$[A-Z_]+", "1", block.text.replace("\\\n", " "))
            yield from (line.removeprefix("$ ") for line in joined.splitlines() if re.match(r"(\$ )?layerproof ", line))


def prose(page: str) -> str:
    """A page without its fenced blocks, its code and its comments."""
    return re.sub(r"`[^`\n]*`|<!--.*?-->", "", FENCE.sub("", page), flags=re.S)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    counts: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", page), flags=re.M):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        counts[anchor] = counts.get(anchor, -1) + 1
        if counts[anchor]:
            counts[f"{anchor}-{counts[anchor]}"] = 0
    return set(counts)


def dead_links(path: Path) -> list[str]:
    """The links of a page, to files and headings, that lead nowhere (the network is not asked)."""
    dead = []
    for link in LINK.finditer(prose(path.read_text(encoding="utf-8"))):
        there = link["there"] or link["html"]
        if re.match(r"https?://|mailto:", there):
            continue
        name, _, anchor = there.partition("#")
        target = (path.parent / name).resolve() if name else path
        known = target.exists() and target.is_relative_to(ROOT if path.is_relative_to(ROOT) else path.parent)
        if known and anchor:
            known = target.suffix == ".md" and anchor in anchors(target.read_text(encoding="utf-8"))
        if not known:
            dead.append(there)
    return dead
