"""Point-gap winding numbers of non-Hermitian chains: public values, samples, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError


def test_hatano_nelson_has_its_public_values():
    chain = tp.models.hatano_nelson(1.0, 0.3)
    proof = tp.point_gap_winding(chain, [0.0, 0.5j, 3.0])
    assert proof.value.tolist() == [1, 1, 0]
    assert proof.all_certified
    # least singular values are distances from the ellipse of energies
    np.testing.assert_array_less(proof.gap_lower, 2.0 * np.array([0.7, 0.2, 1.7]) + 1e-12)


@given(some.integers(0, 2**32 - 1), some.integers(1, 3), some.integers(1, 3))
def test_proofs_agree_with_fine_samples(seed, bands, reach):
    rng = np.random.default_rng(seed)
    shape = (3, 2 * reach + 1, bands, bands)
    h = tp.NonHermitianHamiltonian.from_array(
        -reach, rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    )
    energy = complex(rng.standard_normal(), rng.standard_normal())
    proof = tp.point_gap_winding(h, energy)
    block = h.on_grid(4096) - energy * np.eye(bands)
    sampled = tp.winding_number(block, on_unresolved="mask")
    known = proof.certified & (proof.gap_upper > 1e-2)
    np.testing.assert_array_equal(proof.value[known], sampled[known])


def test_the_winding_number_counts_modes_at_an_end():
    chain = tp.models.hatano_nelson(1.0, 0.3)
    n = 60
    matrix = np.eye(n, k=-1) * 1.0 + np.eye(n, k=1) * 0.3
    for energy in (0.2, 0.3 + 0.4j):
        least = np.linalg.svd(matrix - energy * np.eye(n), compute_uv=False)
        inside = (least < 1e-6).sum()
        assert inside == abs(int(tp.point_gap_winding(chain, energy)))
    assert np.linalg.svd(matrix - 2.0 * np.eye(n), compute_uv=False).min() > 0.1


def test_ssh_winds_where_one_entry_does():
    t1 = np.array([0.1, 0.5, 0.7, 1.0, 1.39, 1.5])
    proof = tp.point_gap_winding(tp.models.non_hermitian_ssh(t1, 1.0, 0.8))
    assert proof.value.tolist() == [0, 0, 1, 1, 1, 0]
    flipped = tp.point_gap_winding(tp.models.non_hermitian_ssh(t1, 1.0, -0.8))
    np.testing.assert_array_equal(flipped.value, -proof.value)


def test_energies_have_batch_axes_of_their_own():
    h = tp.models.hatano_nelson([1.0, 0.3], [0.3, 1.0])
    proof = tp.point_gap_winding(h, np.array([[0.0], [5.0]]))
    assert proof.value.tolist() == [[1, -1], [0, 0]]
    assert h[0].batch_shape == ()
    assert len(h) == 2


def test_an_energy_on_the_spectrum_is_not_certified():
    proof = tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), 1.3)
    assert str(proof.status) == "unresolved"
    with pytest.raises(UnresolvedError):
        tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), 1.3, on_unresolved="raise")


def test_rounding_of_the_difference_is_part_of_the_proof():
    """H = 2^60 + 1e-3 e^(ik): the difference from E = 2^60 + 1 is known to half a unit of 2^60."""
    chain = tp.NonHermitianHamiltonian({0: [[2.0**60]], 1: [[1e-3]]})
    assert tp.point_gap_winding(chain, 2.0**60).value == 1
    far = tp.NonHermitianHamiltonian({0: [[2.0**60]], 1: [[10.0]]})
    off = tp.point_gap_winding(far, 0.3)  # 2^60 - 0.3 rounds to 2^60
    assert off.value == 0
    doubled = far.hermitized(0.3)
    assert doubled.amplitude_error >= 0.3


def test_hoppings_and_bands_are_those_given():
    h = tp.NonHermitianHamiltonian({1: [[1.0]], -1: [[0.3]]})
    assert sorted(h.hoppings) == [(-1,), (0,), (1,)]
    np.testing.assert_allclose(h.bands([[0.3]])[0, 0], np.exp(0.3j) + 0.3 * np.exp(-0.3j))
    assert (h.dim, h.n_bands, h.vectors.tolist()) == (1, 1, [[-1], [0], [1]])


def test_refusals_name_the_argument():
    with pytest.raises(KindError, match="NonHermitianHamiltonian"):
        plain(tp.point_gap_winding)(tp.models.ssh(1.0, 2.0))
    with pytest.raises(InputError, match="`hoppings`"):
        tp.NonHermitianHamiltonian({(1, 0): [[1.0]]})
    h = tp.models.hatano_nelson([1.0, 0.3], 0.2)
    with pytest.raises(ShapeError, match="`energy` must go with"):
        tp.point_gap_winding(h, np.zeros(3))
    with pytest.raises(InputError, match="`energy` must be finite"):
        tp.point_gap_winding(h, np.nan)
    with pytest.raises(KindError, match="cannot be indexed"):
        h[0][0]


def test_a_file_holds_the_doubled_chain(tmp_path):
    proof = tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), 0.1, evidence=True)
    path = proof.save(tmp_path / "x.cert.json")
    assert path.read_text(encoding="ascii").startswith('{"format"')
    from topophys.invariants.certificate_file import verify_certificate

    assert verify_certificate(path).startswith("winding number 1")
