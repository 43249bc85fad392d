"""Files and directories put in place: whole or not at all, whatever happens on the way, and nothing else touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from layerproof.numeric.files import placing
from layerproof.numeric.files.placing import place_directory, place_file, place_new_files, restore


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that has `kill()`, the end of the process without any clean-up."""
    start = """
        import os, signal, sys
        from pathlib import Path
        from layerproof.numeric.files import placing
        def kill(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
    """
    source = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)


def test_a_file_appears_in_place_of_another(tmp_path: Path) -> None:
    place_file(tmp_path / "a.json", "one")
    place_file(tmp_path / "a.json", b"two")
    assert (tmp_path / "a.json").read_text() == "two" and names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", [".partial", ".PID"])
def test_no_neighbour_of_a_likely_name_is_touched(tmp_path: Path, name: str) -> None:
    aim, neighbour = tmp_path / "aim", tmp_path / f"a.json{name.replace('PID', str(os.getpid()))}"
    aim.write_text("precious")
    neighbour.symlink_to(aim)
    place_file(tmp_path / "a.json", "new")
    assert aim.read_text() == "precious" and neighbour.is_symlink()


def test_a_link_at_the_name_used_on_the_way_is_not_followed(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text("precious")
    (tmp_path / f".a.json.layerproof-new-{os.getpid()}").symlink_to(aim)
    place_file(tmp_path / "a.json", "new")
    assert aim.read_text() == "precious" and (tmp_path / "a.json").read_text() == "new"


def test_a_link_in_the_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    aim = tmp_path / "aim"
    aim.write_text("precious")
    (tmp_path / "a.json").symlink_to(aim)
    place_file(tmp_path / "a.json", "new")
    assert aim.read_text() == "precious" and not (tmp_path / "a.json").is_symlink()


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    place_file(pipe, "text")
    assert os.read(reader, 10) == b"text" and pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_on_the_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    place_file(tmp_path / "a.json", "old")
    place_directory(tmp_path / "d", {"x": b"old"})

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(placing.os, "fsync", full)
    with pytest.raises(type(error)) as raised:
        place_file(tmp_path / "a.json", "new")
    assert getattr(raised.value, "filename", str(tmp_path / "a.json")) == str(tmp_path / "a.json")
    with pytest.raises(type(error)):
        place_directory(tmp_path / "d", {"x": b"new"})
    with pytest.raises(type(error)):
        place_new_files({tmp_path / "b": "b", tmp_path / "c": "c"})
    assert (tmp_path / "a.json").read_text() == "old" and (tmp_path / "d" / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["a.json", "d"]


@pytest.mark.parametrize("error", [OSError(5, "no"), KeyboardInterrupt()])
def test_an_interrupt_between_the_two_renames_brings_the_old_directory_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    place_directory(tmp_path / "d", {"x": b"old"})
    real = Path.rename

    def stopped(self: Path, target: Path) -> Path:
        if self.name.startswith(".d.layerproof-new"):
            raise error
        return real(self, target)

    monkeypatch.setattr(Path, "rename", stopped)
    with pytest.raises(type(error)):
        place_directory(tmp_path / "d", {"x": b"new"})
    assert (tmp_path / "d" / "x").read_bytes() == b"old" and names(tmp_path) == ["d"]


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    place_directory(tmp_path / "d", {"x": b"old"})
    ran = in_a_process(f"""
        real = Path.rename
        def rename(self, target):
            if "layerproof-new" in self.name:
                kill()
            return real(self, target)
        Path.rename = rename
        placing.place_directory(Path({str(tmp_path / "d")!r}), {{"x": b"new"}})
    """)
    assert ran.returncode == -signal.SIGKILL
    assert not (tmp_path / "d").exists(), "the test did kill in between"
    restore(tmp_path / "d")
    assert (tmp_path / "d" / "x").read_bytes() == b"old"
    place_directory(tmp_path / "d", {"x": b"newer"})
    assert (tmp_path / "d" / "x").read_bytes() == b"newer" and names(tmp_path) == ["d"]


@pytest.mark.parametrize("where", ["os.fsync", "shutil.rmtree"])
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path, where: str) -> None:
    place_directory(tmp_path / "d", {"x": b"old"})
    ran = in_a_process(f"""
        placing.{where} = kill
        placing.place_directory(Path({str(tmp_path / "d")!r}), {{"x": b"new"}})
    """)
    assert ran.returncode == -signal.SIGKILL and len(names(tmp_path)) == 2
    place_directory(tmp_path / "d", {"x": b"newer"})
    assert (tmp_path / "d" / "x").read_bytes() == b"newer" and names(tmp_path) == ["d"]


def test_what_a_running_process_is_writing_stays(tmp_path: Path) -> None:
    theirs = tmp_path / f".a.json.layerproof-new-{os.getppid()}"
    theirs.write_text("being written")
    place_file(tmp_path / "a.json", "mine")
    assert theirs.exists()


def test_new_files_are_never_written_over_others(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("theirs")
    with pytest.raises(FileExistsError):
        place_new_files({tmp_path / "a": "mine", tmp_path / "b": "mine"})
    assert names(tmp_path) == ["b"] and (tmp_path / "b").read_text() == "theirs"


@pytest.mark.parametrize("write", [lambda p: place_file(p, "x"), lambda p: place_directory(p, {"x": b""})])
def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, write: Callable[[Path], None]) -> None:
    with pytest.raises(OSError, match="No such file"):
        write(tmp_path / "none" / "a")
