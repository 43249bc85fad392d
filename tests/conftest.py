"""Settings of the whole test run: no test is judged by how long it takes."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("layerproof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerproof")


@pytest.fixture(autouse=True)
def _no_record_of_earlier_proofs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was proved on this machine before must not decide what a test sees."""
    monkeypatch.setenv("LAYERPROOF_CACHE", str(tmp_path_factory.mktemp("cache")))
