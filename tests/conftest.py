"""Settings of the whole test run: no test is judged by how long it takes."""

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("layerproof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerproof")


@pytest.fixture(autouse=True)
def _no_record_of_earlier_proofs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved on this machine before must not decide what a test sees; compiled files are shared by a run."""
    cache, base = tmp_path_factory.mktemp("cache"), tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "compiled"
    shared.mkdir(mode=0o700, exist_ok=True)
    (cache / "compiled").symlink_to(shared)
    monkeypatch.setenv("LAYERPROOF_CACHE", str(cache))
