"""What holds for every test: no window opens, the inputs are the same in every run, no tape is left active."""

import os

# Before NumPy and matplotlib are imported, here and in the programs that tests start.
os.environ["MPLBACKEND"] = "Agg"
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores: BLAS threads on top of them would fight
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from autograd_core import recording

# No deadline, and slow input generation forgiven: a busy machine is not a fault in the code.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=500, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(autouse=True)
def no_tape_left_active():
    """Fail a test that leaves a tape active, and the one that finds one rather than all those after it."""
    assert recording.current() is None, "a tape was active before the test began"
    yield
    assert recording.current() is None, "the test left a tape active"
