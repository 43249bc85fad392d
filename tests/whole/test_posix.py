"""Where the system lacks what POSIX has, one line says so, from the command line and on import."""

import importlib
import os
import sys

import pytest
from cli import assert_refused, run_cli

from layerproof.proofs import posix

CLIENT = "layerproof.proofs.own.client"


def test_here_nothing_is_missing() -> None:
    assert posix.missing() is None


def test_without_fcntl_every_command_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert_refused(run_cli(capsys, "verify", "td0", "--json"), 4, "POSIX systems only", "no module fcntl", "WSL")


def test_without_killpg_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "killpg")
    assert_refused(run_cli(capsys, "list"), 4, "no os.killpg")


def test_python_that_needs_it_gets_an_import_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.delitem(sys.modules, CLIENT, raising=False)
    with pytest.raises(ImportError, match="POSIX systems only"):
        importlib.import_module(CLIENT)
