"""Derivatives of small programs: reuse, chains, broadcasting, dtypes, indices, zeros that meet infinities."""

import pytest

from tests.mutate import engine


@pytest.mark.parametrize("program", engine.programs(), ids=str)
def test_derivatives(program):
    """Against differences, a wider dtype, or by hand."""
    engine.check(program)
