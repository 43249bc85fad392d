"""The command line `layerproof`: gathers the commands of `proofs/commands` and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError

from ..symbolic.errors import LayerproofError
from . import commands

USAGE, INTERNAL, INTERRUPTED = 2, 5, 130


def build() -> App:
    """The application: each module of `proofs/commands` has a function `command`, called by the module's name."""
    from importlib.metadata import version

    app = App(
        name="layerproof",
        help="Derive, prove and check that linear-attention layers are iterates of RL algorithms.",
        version=version("layerproof"),
        help_format="plaintext",
    )
    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda m: m.name):
        found = importlib.import_module(f"{commands.__name__}.{module.name}")
        app.command(found.command, name=module.name)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command: 0 holds, 1 refuted, 2 wrong arguments, 3 open, 4 wrong content or device, 5 internal error."""
    if sys.stdout is None:  # the caller closed it
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open for the life of the process
    try:
        command, bound, _ = build().parse_args(list(arguments), exit_on_error=False, print_error=False)
        code = int(command(*bound.args, **bound.kwargs) or 0)
        sys.stdout.flush()
        return code
    except CycloptsError as error:
        return _fail(" ".join(str(error).split()).removesuffix(".") + ". See: layerproof --help", USAGE)
    except LayerproofError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read the output has gone
        return 0
    except OSError as error:
        return _fail(f"cannot write or read: {error.strerror or error}", LayerproofError.exit_code)
    except Exception as error:
        if os.environ.get("LAYERPROOF_TRACEBACK"):
            traceback.print_exc()
        return _fail(
            f"internal error: {type(error).__name__}: {error} (set LAYERPROOF_TRACEBACK=1 to see where)", INTERNAL
        )


def _fail(message: str, code: int) -> int:
    print(f"layerproof: {message}", file=sys.stderr)
    return code


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))
