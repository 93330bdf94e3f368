"""Fourier transforms: NumPy's values for every length, axis and norm, with gradients."""

import numpy as np
import pytest

import autograd_core as ag
import autograd_core.numpy as anp
from tests.ops.like_numpy import agrees

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(3, 4, 5))
Z = X + 1j * RANDOM.normal(size=X.shape)
REAL = (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft)
COMPLEX = (np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft)
KEYWORDS = ({}, {"n": 3}, {"n": 8}, {"axis": 0}, {"axis": 1, "norm": "ortho", "n": 7}, {"norm": "forward"}, {"n": 1})


@pytest.mark.parametrize("keywords", KEYWORDS)
@pytest.mark.parametrize(("function", "x"), [*((f, X) for f in REAL), *((f, Z) for f in COMPLEX)])
def test_along_one_axis(function, x, keywords):
    agrees(function, x, **keywords)


@pytest.mark.parametrize(
    ("function", "args", "keywords"),
    [
        (np.fft.fftn, (Z,), {}), (np.fft.ifftn, (Z,), {"axes": (0, 2)}), (np.fft.fft2, (X,), {}),
        (np.fft.ifft2, (Z,), {"norm": "ortho"}), (np.fft.rfftn, (X,), {"s": (4, 6), "axes": (1, 2)}),
        (np.fft.irfftn, (Z,), {}), (np.fft.rfft2, (X,), {}), (np.fft.irfft2, (Z,), {"s": (4, 7), "axes": (0, 1)}),
        (np.fft.fftshift, (X,), {}), (np.fft.ifftshift, (X,), {}), (np.fft.fftshift, (X,), {"axes": 2}),
    ],
)  # fmt: skip
def test_along_several_axes(function, args, keywords):
    agrees(function, *args, **keywords)


def test_float32_and_frequencies():
    assert np.fft.fft(ag.constant(X.astype("f"))).dtype == np.complex64
    assert np.fft.irfft(ag.constant(Z.astype("F"))).dtype == np.float32
    for n in (1, 4, 5):
        assert anp.fft.fftfreq(n, 0.5).tolist() == np.fft.fftfreq(n, 0.5).tolist()
        assert anp.fft.rfftfreq(n, 0.5).tolist() == np.fft.rfftfreq(n, 0.5).tolist()


def test_a_convolution_by_transforms():
    """The gradient of a circular convolution through frequencies is that of the sum written out."""

    def loss(x, y):
        return np.sum(np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(y), 4) ** 2)

    def direct(x, y):
        return np.sum(np.stack([np.sum(x * np.roll(y[::-1], k + 1)) for k in range(4)]) ** 2)

    x, y = RANDOM.normal(size=(2, 4))
    np.testing.assert_allclose(ag.grad(loss, (0, 1))(x, y), ag.grad(direct, (0, 1))(x, y), rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: np.fft.fft(t, norm="other"), ag.DomainError, "other"),
        (lambda t: np.fft.fft(t, 0), ag.ShapeError, "n=0"),
        (lambda t: np.fft.fft(t, axis=3), ag.AxisError, "axis 3"),
        (lambda t: np.fft.rfft(t * 1j), ag.DomainError, "real"),
        (lambda t: np.fft.fftn(t, (2, 2), (0,)), ag.AxisError, "2 lengths for 1 axes"),
    ],
)
def test_mistakes_are_named(call, error, says):
    with pytest.raises(error, match=says):
        call(ag.constant(X))
