#!/usr/bin/env python3
"""Try the lower bounds of pyproject.toml: the oldest versions that it allows go before the path, and commands run.

    python scripts/lower_bounds.py FOLDER

The packages are installed into FOLDER (an empty one), without what they depend on; torch's bound is left out and
said to be untried, since its older wheels bring CUDA; other_versions.py tries the extras.  Wants pip, its index, and a
Python that the oldest wheels were made for (3.11).  Exit code: 0 every command ended as it should, 1.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNTRIED = ("torch",)
COMMANDS = (
    "verify td-lambda gtd2 -d 2 -n 5 -L 2 --trials 2",
    "export gtd2 -d 2 -n 3 -L 2 --npz -o out",
    "check out",
    "converge td0 -d 2 -n 8",
    "invariance td0 -L 1 -n 2 --no-float",
    "sa linear-td",
    "train --preset tiny --processes 2 -o run",
)
SHOWN = "import importlib.metadata as m, sys; print(*(f'{n} {m.version(n)}' for n in sys.argv[1:]))"


def bounds(pyproject: Path) -> dict[str, str]:
    """The lower bound of every dependency."""
    return lower(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"])


def lower(dependencies: Sequence[str]) -> dict[str, str]:
    """The lower bound of each, as pip wants it; `ValueError` for one that has none."""
    versions = {}
    for text in dependencies:
        match = re.fullmatch(r"([\w-]+)>=([\w.]+)", text)
        if match is None:
            raise ValueError(f"{text}: no lower bound")
        versions[match[1]] = match[2]
    return versions


def main() -> int:
    """The command."""
    folder = Path(sys.argv[1]).resolve()
    wanted = {name: version for name, version in bounds(ROOT / "pyproject.toml").items() if name not in UNTRIED}
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary", ":all:", "--no-compile"]
    named = [f"{name}=={version}" for name, version in wanted.items()]
    subprocess.run([*pip, "--target", str(folder / "lib"), *named], check=True)
    environment = {**os.environ, "PYTHONPATH": str(folder / "lib")}
    shown = subprocess.run(
        [sys.executable, "-c", SHOWN, *wanted], env=environment, check=True, text=True, capture_output=True
    ).stdout.strip()
    print(f"lower bounds: {shown}; untried: {', '.join(UNTRIED)}")
    wrong = 0
    for line in COMMANDS:
        ran = subprocess.run(
            [sys.executable, "-m", "layerproof", *line.split()], cwd=folder, env=environment, text=True,
            capture_output=True, check=False,
        )  # fmt: skip
        print(f"  {ran.returncode}  layerproof {line}")
        if ran.returncode:
            wrong += 1
            print(ran.stdout[-2000:], ran.stderr[-2000:], sep="\n")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
