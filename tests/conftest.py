"""What holds for every test.

No window opens, the inputs are the same in every run, no tape is left active, and what needs a package that is not
installed is skipped.
"""

import os
from importlib.util import find_spec
from pathlib import Path

# Before NumPy and matplotlib are imported, here and in the programs that tests start.
os.environ["MPLBACKEND"] = "Agg"
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores: BLAS threads on top of them would fight
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Compiled code is kept from run to run, but not among the user's own.
os.environ.setdefault("AUTOGRAD_CORE_CACHE", str(Path(__file__).resolve().parent.parent / ".pytest_cache" / "compiled"))

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import autograd_core as ag
from autograd_core import recording

# No deadline, and slow input generation forgiven: a busy machine is not a fault in the code.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=500, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# Programs that need what no test needs.
collect_ignore = ["compile/fit_polynomials.py"] if find_spec("mpmath") is None else []

FIRST_STATES: dict[int, object] = {}  # of generators that modules share among their tests, by identity


def pytest_runtest_setup(item):
    """Have the generators of a test's module begin anew: what is drawn does not depend on the tests before."""
    for value in vars(getattr(item, "module", None) or object).values():
        if isinstance(value, np.random.RandomState):
            value.set_state(FIRST_STATES.setdefault(id(value), value.get_state(legacy=False)))
        elif isinstance(value, np.random.Generator):
            value.bit_generator.state = FIRST_STATES.setdefault(id(value), value.bit_generator.state)


OPTIONAL = ("PIL", "matplotlib", "networkx", "pooch", "pygraphviz", "safetensors", "scipy", "tensorboard", "tqdm")
MISSING = [name for name in OPTIONAL if find_spec(name) is None]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip a test that ends with MissingExtraError for a package that is in fact not there."""
    try:
        return (yield)
    except ag.MissingExtraError as error:
        if any(name.lower() in str(error).lower() for name in MISSING):
            pytest.skip(f"not installed: {error}")
        raise


@pytest.fixture(autouse=True)
def no_tape_left_active():
    """Fail a test that leaves a tape active, and the one that finds one rather than all those after it."""
    assert recording.current() is None, "a tape was active before the test began"
    yield
    assert recording.current() is None, "the test left a tape active"
