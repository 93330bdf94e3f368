"""Whole trainings against Keras, in float64: every figure of every epoch, the weights, ``evaluate`` and ``predict``.

The numbers come from ``expected/make_training.py``; no Keras is needed here.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import nn
import optim
from tests.nn.expected.training_cases import CASES, trained

EXPECTED = np.load(Path(__file__).parent / "expected" / "training.npz")
OURS = SimpleNamespace(**vars(nn), optimizers=optim)


def test_every_case_has_its_numbers():
    """And no other numbers are there."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(EXPECTED) == {f"{name}{ending}" for name in names for ending in ("", ": names")}


@pytest.mark.filterwarnings("ignore:.*no gradient")  # of an output that has no loss
@pytest.mark.parametrize("case", CASES, ids=str)
def test_as_keras(case):
    """The same figures by the same names."""
    found = trained(OURS, case)
    names = [f"{name} {value.shape}" for name, value in found.items()]
    assert names == EXPECTED[f"{case.name}: names"].tolist()
    expected = EXPECTED[case.name]
    begin = 0
    for name, value in found.items():
        np.testing.assert_allclose(
            value.ravel(), expected[begin : begin + value.size], rtol=1e-9, atol=1e-12, err_msg=name
        )
        begin += value.size
