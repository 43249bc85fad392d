"""Commands in forks of one process that has imported everything, for tests that run many: each starts at once.

`folder()` has programs to be found first on PATH: `layerproof`, and `warm-python CODE` for what `python -c CODE` does.
That the installed command itself starts and ends as it should is what tests/whole/test_cli.py is about.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import pkgutil
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType

SOCKET = "socket"
NAMES = ("layerproof", "warm-python")
CLIENT = f"""\
#!{sys.executable} -IS
import json, os, socket, sys
there = socket.socket(socket.AF_UNIX)
there.connect(os.path.join(os.path.dirname(sys.argv[0]), {SOCKET!r}))
request = json.dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(there, [len(request).to_bytes(8, "big")], [0, 1, 2])
there.sendall(request)
sys.exit(int(there.makefile().read() or 70))
"""


@cache
def folder() -> Path:
    """The folder of the programs, behind which a server runs as long as this process."""
    place = Path(tempfile.mkdtemp(prefix="warm"))
    for name in NAMES:
        (place / name).write_text(CLIENT, encoding="utf-8")
        (place / name).chmod(0o755)
    command = [sys.executable, __file__, str(place / SOCKET)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None
    with server.stdout:
        assert server.stdout.readline() == b"ready\n"

    @atexit.register
    def end() -> None:
        server.communicate()  # it ends with its stdin
        shutil.rmtree(place)

    return place


def serve(path: str) -> None:
    """Answer until stdin is closed."""
    import torch  # noqa: F401

    commands = importlib.import_module("layerproof.proofs.commands")
    for module in pkgutil.walk_packages(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        print("ready", flush=True)
        os.dup2(2, 1)
        while sys.stdin not in (ready := select.select([door, sys.stdin], [], [])[0]):
            assert ready == [door]
            guest, _ = door.accept()
            if os.fork() == 0:
                door.close()
                attend(guest)
            guest.close()
            while True:
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        break
                except ChildProcessError:
                    break


def attend(guest: socket.socket) -> None:
    """In a process of its own: start what the guest asks for, and say how it ended."""
    length, streams, _, _ = socket.recv_fds(guest, 8, 3)
    request = guest.makefile("rb").read(int.from_bytes(length, "big"))
    arguments, where, environment = json.loads(request)
    runner = os.fork()
    if runner == 0:
        guest.close()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(where)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os._exit(code_of(arguments))
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
    guest.sendall(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def code_of(arguments: list[str]) -> int:
    """Run one command as the main module, with its output written out; its exit code."""
    program = Path(arguments[0])
    main = sys.modules["__main__"] = ModuleType("__main__")
    try:
        if program.name == "layerproof":
            from layerproof.proofs.cli import main as command

            sys.argv, sys.path[0] = arguments, str(program.parent)
            command()
        else:
            sys.argv, sys.path[0] = ["-c"], ""
            exec(compile(arguments[1], "<string>", "exec"), main.__dict__)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    for hook in (sys.stdout, sys.stderr):
        hook.flush()
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
