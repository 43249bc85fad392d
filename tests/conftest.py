"""Settings of the whole test run: no test is judged by how long it takes."""

import gc
import itertools
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("layerproof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerproof")

_count = itertools.count()


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
