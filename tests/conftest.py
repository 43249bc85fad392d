"""Settings of the whole test run: no test is judged by how long it takes."""

import compileall
import gc
import itertools
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("layerproof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerproof")

# Threads of torch that wait for others of their process do not keep a processor from the other worker's test: products
# of small matrices took 1.3 s of a processor where they took 3.3 s.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_count = itertools.count()
ROOT = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """The product is compiled once, for the hundreds of processes that tests start.

    Where PYTHONDONTWRITEBYTECODE is set each of them would compile it again: a process of a user's file then took 0.7 s
    of a processor where 0.15 s are enough.
    """
    if not hasattr(config, "workerinput"):
        for folder in ("symbolic", "numeric", "proofs"):
            compileall.compile_dir(ROOT / folder, quiet=2)


def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end, so that no collection of garbage goes through it again.

    That and rarer collections made tests/proofs/test_checker.py and tests/symbolic/test_identities.py 8 % faster.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


@pytest.fixture(autouse=True)
def _no_record_of_earlier_proofs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved on this machine before must not decide what a test sees; compiled files are shared by a run."""
    base = tmp_path_factory.getbasetemp()
    cache = base / "caches" / str(next(_count))  # not by mktemp, which looks through all the folders there are
    cache.mkdir(parents=True)
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "compiled"
    shared.mkdir(mode=0o700, exist_ok=True)
    (cache / "compiled").symlink_to(shared)
    monkeypatch.setenv("LAYERPROOF_CACHE", str(cache))
