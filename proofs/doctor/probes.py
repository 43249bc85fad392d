"""What is here without being run: the machine, versions, what the installed metadata names as extras, programs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

from .finding import Finding, State, ask

OURS = "layerproof"
_NEED = re.compile(r"""^([\w.-]+)\s*([^;]*?)\s*(?:;\s*extra\s*==\s*['"]([\w.-]+)['"])?$""")


# the machine


def machine() -> Iterator[Finding]:
    """Processor, threads, memory, Python."""
    yield ask("python", lambda: Finding("python", State.INFO, f"{platform.python_version()} ({sys.executable})"))
    yield ask("system", lambda: Finding("system", State.INFO, platform.platform()))
    yield ask("processors", _processors)
    yield ask("memory", _memory)


def _processors() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    details = {"usable": usable, "all": os.cpu_count()}
    return Finding("processors", State.INFO, f"{usable} usable of {os.cpu_count()}", details=details)


def _memory() -> Finding:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = Path("/sys/fs/cgroup/memory.max")  # a container's share, where there is one
    text = limit.read_text().strip() if limit.is_file() else ""
    usable = min(total, int(text)) if text.isdigit() else total
    size = f"{usable / 2**30:.1f} GiB" + (f" of {total / 2**30:.1f} GiB" if usable < total else "")
    return Finding("memory", State.INFO, size, details={"bytes": usable, "machine_bytes": total})


# what the installed metadata of layerproof names


def needs() -> dict[str, list[tuple[str, str]]]:
    """Extra -> (distribution, version wanted) pairs, as installed; the extra "" is what layerproof cannot do without.

    Raises `ValueError` for a requirement of a form that is not understood: guessing would call it installed.
    """
    about = metadata.metadata(OURS)
    by_extra: dict[str, list[tuple[str, str]]] = {"": []}
    by_extra.update({extra: [] for extra in about.get_all("Provides-Extra") or []})
    for text in about.get_all("Requires-Dist") or []:
        match = _NEED.match(text)
        if match is None:
            raise ValueError(f"the requirement {text!r} cannot be read")
        by_extra[match[3] or ""].append((match[1], match[2]))
    return by_extra


def satisfies(version: str, wanted: str) -> bool:
    """Whether an installed version is what a requirement wants: only a lower bound is understood.

    >>> satisfies("1.23.2", ">=1.17"), satisfies("1.9", ">=1.17"), satisfies("3", "")
    (True, False, True)
    """
    if not wanted:
        return True
    if not re.fullmatch(r">=\d+(\.\d+)*", wanted):
        raise ValueError(f"the version wanted is {wanted!r}: only >= is understood")

    def numbers(text: str) -> list[int]:
        release = re.match(r"\d+(\.\d+)*", text)
        parts = [int(x) for x in release[0].split(".")] if release else []
        while parts and not parts[-1]:
            parts.pop()
        return parts

    return numbers(version) >= numbers(wanted[2:])


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def versions() -> Iterator[Finding]:
    """The version of layerproof and of everything that it cannot do without."""
    yield ask(OURS, lambda: Finding(OURS, State.INFO, metadata.version(OURS)))
    for name, wanted in needs()[""]:
        install = f"{sys.executable} -m pip install '{name}{wanted}'"
        yield ask(name, lambda name=name, w=wanted, i=install: _versions(name, [(name, w)], i))  # type: ignore[misc]


def extras() -> Iterator[Finding]:
    """Each optional extra: whether all that it names is installed, and the command that installs it."""
    for extra, wanted in needs().items():
        if extra:
            install = f"{sys.executable} -m pip install '{OURS}[{extra}]'"
            yield ask(extra, lambda extra=extra, w=wanted, i=install: _versions(extra, w, i))  # type: ignore[misc]


def _versions(name: str, wanted: Iterable[tuple[str, str]], install: str) -> Finding:
    versions, good, details = [], True, {}
    for distribution, version_wanted in wanted:
        version = _installed(distribution)
        details[distribution] = version
        if version is None:
            good = False
            versions.append(f"{distribution} is not installed")
        elif not satisfies(version, version_wanted):
            good = False
            versions.append(f"{distribution} {version}, wanted {version_wanted}")
        else:
            versions.append(f"{distribution} {version}")
    text = ", ".join(versions) + (" installed" if good else "")
    return Finding(name, State.YES if good else State.NO, text, "" if good else install, details)


# programs


def tools() -> Iterator[Finding]:
    """Programs that no command needs: for typesetting LaTeX output, and for looking at pages."""
    for name, purpose, programs, install in (
        ("latex", "typesets LaTeX output", ("lualatex", "pdflatex", "xelatex", "tectonic"),
         "apt-get install texlive-latex-extra"),
        ("browser", "shows pages", ("chromium", "google-chrome", "chrome", "firefox"), "apt-get install chromium"),
    ):  # fmt: skip
        program = next((p for p in map(shutil.which, programs) if p), None)
        if program:
            yield Finding(name, State.YES, f"{program} ({purpose})", details={"path": program})
        else:
            yield Finding(name, State.NO, f"none of {', '.join(programs)} on the path ({purpose})", install)
