"""Random links are unitary, Haar distributed and reproducible."""

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError


def test_links_are_unitary():
    links = tp.ensembles.random_links(20, n_occupied=4, grid=(3, 6), rng=1)
    assert links.shape == (20, 3, 6, 2, 4, 4)
    product = links @ links.conj().swapaxes(-1, -2)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(4), product.shape), atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_moments_are_those_of_the_haar_measure(size):
    links = tp.ensembles.random_links(1000, n_occupied=size, rng=2).reshape(-1, size, size)
    power = np.eye(size)
    for m in (1, 2, 3):
        power = power @ links
        trace = np.trace(power, axis1=-2, axis2=-1)
        # E tr U^m = 0 and E |tr U^m|^2 = min(m, size); errors of 50,000 draws
        assert abs(trace.mean()) < 0.04
        assert abs((np.abs(trace) ** 2).mean() - min(m, size)) < 0.1


def test_raw_factors_of_lapack_would_be_seen():
    drawn = np.random.default_rng(3).normal(size=(5000, 2, 2, 2)).view(complex)[..., 0]
    trace = np.trace(np.linalg.qr(drawn)[0], axis1=-2, axis2=-1)
    assert abs(trace.mean()) > 0.2


def test_a_seed_gives_the_same_links():
    one, two = (tp.ensembles.random_links(3, n_occupied=2, rng=7) for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize(
    "settings", [{"n_occupied": 0}, {"n_occupied": 2, "grid": (5,)},
                 {"n_occupied": 2, "grid": (5, 0)}]
)  # fmt: skip
def test_refusals(settings):
    with pytest.raises(InputError):
        tp.ensembles.random_links(2, **settings)
