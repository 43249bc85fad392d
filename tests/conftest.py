"""Settings of the whole test run: no test is judged by how long it takes."""

from hypothesis import HealthCheck, settings

settings.register_profile("layerproof", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("layerproof")
