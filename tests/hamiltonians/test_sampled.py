"""Hamiltonians known only as a function of k."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import HermiticityError, InputError, KindError, ShapeError

QWZ = tp.models.qwz(-1.0)


@pytest.mark.parametrize(
    "certify", [tp.certify_winding, tp.certify_chern, tp.certify_gap, tp.certificate_leaves]
)
def test_a_proof_of_a_function_is_refused_with_what_to_do(certify):
    model = tp.from_callable(tp.models.qwz(-1.0).bloch, 2)
    with pytest.raises(KindError, match="function of k") as caught:
        plain(certify)(model)
    for hint in ("nothing can be proven", "FourierHamiltonian", "on_grid"):
        assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_is_sampled_like_the_model_it_wraps():
    for made in (
        tp.from_callable(QWZ.bloch, 2),
        tp.from_callable(QWZ.bloch, 2, n_bands=2, vectorized=True),
    ):
        assert (made.dim, made.n_bands, made.n_occupied) == (2, 2, 1)
        np.testing.assert_allclose(made.on_grid((6, 4)), QWZ.on_grid((6, 4)), atol=1e-14)
        k = np.random.default_rng(0).uniform(-4, 4, (3, 5, 2))
        np.testing.assert_allclose(made.bloch(k), QWZ.bloch(k), atol=1e-14)
        assert made.bloch([0.0, 0.0]).shape == (2, 2)
        assert made.bloch(np.zeros((0, 2))).shape == (0, 2, 2)
        assert int(tp.chern_number(made.on_grid((12, 12)))) == 1


def test_a_function_that_no_series_of_hoppings_gives():
    """A flattened model: its hoppings never end, so only samples can be had."""

    def flat(k):
        energy = np.linalg.norm(QWZ.d(k))
        return QWZ.bloch(k) / energy

    assert int(tp.chern_number(tp.from_callable(flat, 2).on_grid((16, 16)))) == 1


@pytest.mark.parametrize("certify", [tp.certify_gap, tp.certify_chern, tp.certify_winding])
def test_no_proof_without_hoppings(certify):
    made = tp.from_callable(QWZ.bloch, 2)
    assert "only `sampled` invariants" in repr(made)
    with pytest.raises(KindError, match="Sampled"):
        plain(certify)(made)


@pytest.mark.parametrize(
    ("function", "options", "error", "text"),
    [
        (lambda k: [[0.0, 1.0], [2.0, 0.0]], {}, HermiticityError, "1 of 1"),
        (lambda k: [[np.nan]], {}, InputError, "finite"),
        (lambda k: [1.0, 2.0], {}, ShapeError, "shape"),
        (lambda k: [[1.0, 2.0]], {}, ShapeError, "shape"),
        (lambda k: np.eye(3), {"n_bands": 2}, ShapeError, "2 x 2"),
        (lambda k: np.eye(2), {"vectorized": True}, ShapeError, "1 momenta"),
        (lambda k: np.eye(2) * np.cos(k[1] / 2), {}, InputError, "component 1"),
        (lambda k: np.eye(2), {"n_occupied": 2}, InputError, "n_occupied"),
        (lambda k: np.eye(2), {"n_bands": 0}, InputError, "n_bands"),
        ("h(k)", {}, KindError, "function of k"),
    ],
)
def test_refusals(function, options, error, text):
    with pytest.raises(error, match=text):
        plain(tp.from_callable)(function, 2, **options)


def test_refusals_later():
    made = tp.from_callable(lambda k: [[1.0, 1j * (k[0] == 0)], [0.0, 1.0]], 1)
    with pytest.raises(HermiticityError, match="1 of 4"):
        made.on_grid(4)
    with pytest.raises(InputError, match="such as 24 for a 1D Hamiltonian"):
        made.on_grid((4, 4))
    with pytest.raises(ShapeError, match="`k`"):
        made.bloch([0.0, 0.0])
    with pytest.raises(InputError, match="`dim`"):
        tp.from_callable(lambda k: [[1.0]], 0)
