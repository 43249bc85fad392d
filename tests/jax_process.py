"""One process for all code that needs JAX: JAX complains about every later fork of a process that it is in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class JaxProcess:
    """Runs code in a fresh namespace, in a folder, with JAX as it is when it has just been imported."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, code: str, folder: Path) -> None:
        """Run the code there to its end; what it raises fails the test."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps([code, str(folder)]), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer == '"done"\n', json.loads(answer or '"it ended"')


@contextmanager
def jax_process() -> Iterator[JaxProcess]:
    """The process, as long as the block runs."""
    command = [sys.executable, "-W", "error", __file__]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield JaxProcess(process)
        assert process.stdin is not None
        process.stdin.close()


def main() -> None:
    """Run what each line of stdin says, and answer each with a line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import jax

    for line in sys.stdin:
        code, folder = json.loads(line)
        os.chdir(folder)
        jax.config.update("jax_enable_x64", False)
        try:
            exec(compile(code, "<code>", "exec"), {})
            answer = "done"
        except BaseException:
            answer = traceback.format_exc()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
