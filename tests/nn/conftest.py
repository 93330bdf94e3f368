"""What holds for every test of ``nn``: weights, dropout and the order of samples are the same in every run."""

import pytest

import nn


@pytest.fixture(autouse=True)
def same_seed():
    """For all that is made without a seed."""
    nn.utils.set_random_seed(0)
