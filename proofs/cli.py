"""The command line `layerproof`: gathers the commands of `proofs/commands` and turns errors into exit codes.

The exit code is the verdict's, whatever becomes of the streams. An interrupt is 130 from the first line on,
and SIGTERM 143: what takes time to import is imported inside.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from .collector import look_seldom
from .interrupts import code_of, hear_interrupts, hear_no_more
from .posix import missing
from .streams import outlive_readers

if TYPE_CHECKING:
    from cyclopts import App

USAGE, CONTENT, INTERNAL = 2, 4, 5
_OPTION = re.compile(r"(?<!\S)(--?[a-zA-Z][\w-]*)")
_SUGGESTED = re.compile(r"(?:: |\")(?:--)?([^\s\"]+?)\"?\.( Did you mean \"?(?:--)?([^\s\"?]+)\"?\?)")
"""What was written, and what cyclopts takes it for."""
_ABOUT = re.compile(r"(?!there is)([^\s:]{1,200})(?:: | is )")
"""How a message names what it is about: an option; an argument or a file at its start."""


def _names() -> list[str]:
    """The commands: the modules of `proofs/commands`."""
    import pkgutil

    from . import commands

    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def build(asked: str = "") -> App:
    """The application: each module of `proofs/commands` has a function `command`, called by the module's name.

    asked : the first word of the command line; where it is a command, only that one is imported
    """
    import importlib
    from importlib.metadata import version

    from cyclopts import App

    app = App(
        name="layerproof",
        help="Derive, prove and check that linear-attention layers are iterates of RL algorithms.",
        version=version("layerproof"),
        help_format="plaintext",
    )
    names = _names()
    for name in [asked] if asked in names else names:
        command = importlib.import_module(f".commands.{name}", __package__).command
        app.command(command, name=name, help=_flowing(command.__doc__ or ""))
    return app


def _flowing(text: str) -> str:
    """Each paragraph on one line, for a terminal of any width.

    >>> _flowing("One.\\n\\n    Two is\\n    long.")
    'One.\\n\\nTwo is long.'
    """
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def run(arguments: Sequence[str]) -> int:
    """Run one command: 0 holds, 1 refuted, 2 wrong arguments, 3 open, 4 wrong content or device, 5 internal error.

    Where `--json` is among the arguments, 2, 4 and 5 are told on stdout too, as `{"error": {code, argument, message}}`.
    """
    json = "--json" in arguments
    if (text := missing()) is not None:
        return _fail(text, CONTENT, json)
    try:
        from cyclopts import CycloptsError

        from ..symbolic.errors import LayerproofError

        try:
            command, bound, _ = build(arguments[0] if arguments else "").parse_args(
                list(arguments), exit_on_error=False, print_error=False
            )
            return int(command(*bound.args, **bound.kwargs) or 0)
        except CycloptsError as error:
            text = _in_words(_plausible(" ".join(str(error).split())).removesuffix("."))
            of = f"{arguments[0]} " if arguments and arguments[0] in _names() else ""
            end = "" if text.endswith("?") else "."
            return _fail(f"{text}{end} See: layerproof {of}--help", USAGE, json)
        except LayerproofError as error:
            return _fail(str(error), error.exit_code, json)
        except OSError as error:
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            return _fail(f"{where}cannot be written or read: {error.strerror or error}", CONTENT, json)
    except KeyboardInterrupt as interrupt:
        return _fail(str(interrupt) or "interrupted", code_of(interrupt), json=False)
    except Exception as error:
        if os.environ.get("LAYERPROOF_TRACEBACK"):
            import traceback

            traceback.print_exc()
        text = f"internal error: {type(error).__name__}: {error} (set LAYERPROOF_TRACEBACK=1 to see where)"
        return _fail(text, INTERNAL, json)


def _plausible(text: str) -> str:
    """The text without a suggestion that is near nothing of what was written.

    >>> _plausible("Unknown option: --foo. Did you mean --looped?"), _plausible('Unknown "prve". Did you mean "prove"?')
    ('Unknown option: --foo.', 'Unknown "prve". Did you mean "prove"?')
    """
    asked = _SUGGESTED.search(text)
    if asked is None:
        return text
    from ..symbolic.near import near

    return text if near(asked[1], [asked[3]]) else text.replace(asked[2], "")


def _in_words(text: str) -> str:
    """What cyclopts says of arguments, without the words of its own code.

    >>> _in_words("Unused Tokens: ['gtd2', 'tdc']"), _in_words('Command "derive" parameter -o requires an argument')
    ("there are arguments too many: 'gtd2', 'tdc'", 'derive wants -o, which is missing')
    """
    if (unused := re.fullmatch(r"Unused Tokens: \[(.*)\]", text)) is not None:
        return f"there are arguments too many: {unused[1]}"
    if (wanted := re.fullmatch(r'Command "(.*)" parameter (\S+) requires an argument', text)) is not None:
        return f"{wanted[1]} wants {wanted[2]}, which is missing"
    return text


def _fail(text: str, code: int, json: bool) -> int:
    from ..symbolic.plain_text import message as plain

    message = plain(text)
    print(f"layerproof: {message}", file=sys.stderr)
    if json and code in (USAGE, CONTENT, INTERNAL):
        from ..symbolic.strict_json import dumps

        about = (_OPTION.search if code == USAGE else _ABOUT.match)(message) or _ABOUT.match(message)
        argument = about[1] if about and code != INTERNAL else None
        print(dumps({"error": {"code": code, "argument": argument, "message": message}}), end="")
    return code


def main() -> None:
    """The console script."""
    end: Callable[[], None] | None = None
    try:
        hear_interrupts()
        outlive_readers()
        look_seldom()
        if sys.argv[1:2] in (["verify"], ["report"]):
            from .sweep.early import begin, end

            begin(sys.argv[1:])
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        code = code_of(interrupt)
    hear_no_more()  # the verdict is there: nothing that follows may change the exit code
    if end is not None:
        end()
    sys.exit(code)
