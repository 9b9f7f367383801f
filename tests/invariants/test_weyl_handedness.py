"""Signs of Weyl charges in Cartesian momenta, and what results say of the question."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from topophys import _validation
from topophys.errors import FillingError
from topophys.hamiltonians.wannier90 import WannierHamiltonian

X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
HOPS = {(1, 0, 0): -0.5j * X, (0, 1, 0): -0.5j * Y, (0, 0, 1): -0.5j * Z}


def flux_of_sphere(hoppings, lattice, radius=0.3, n=24):
    """Flux of Berry curvature of the lower band through a sphere of Cartesian momenta."""
    theta, phi = np.meshgrid(
        np.linspace(0, np.pi, n + 1), np.linspace(0, 2 * np.pi, 2 * n + 1), indexing="ij"
    )
    k = radius * np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1
    )
    reduced = k @ lattice.T
    h = sum(
        np.exp(1j * reduced @ np.array(R))[..., None, None] * m
        + (np.exp(1j * reduced @ np.array(R))[..., None, None] * m).conj().swapaxes(-1, -2)
        for R, m in hoppings.items()
    )
    u = np.linalg.eigh(h)[1][..., 0]

    def link(a, b):
        return np.vdot(a, b)

    flux = 0.0
    for i in range(n):
        for j in range(2 * n):
            corners = u[i, j], u[i + 1, j], u[i + 1, j + 1], u[i, j + 1], u[i, j]
            loop = np.prod([link(a, b) for a, b in itertools.pairwise(corners)])
            flux -= np.angle(loop)  # A = i <u|du>
    return flux / (2 * np.pi)


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_charge_is_the_flux_through_a_cartesian_sphere(seed):
    lattice = np.eye(3)[np.random.default_rng(seed).permutation(3)]
    lattice = lattice + np.random.default_rng(seed + 1).uniform(-0.2, 0.2, (3, 3))
    h = WannierHamiltonian(HOPS, n_occupied=1, lattice=lattice)
    found = tp.weyl_charge(h, [0.0, 0.0, 0.0], half_width=0.3)
    assert int(found) == round(flux_of_sphere(HOPS, lattice))
    hand = "right" if np.linalg.det(lattice) > 0 else "left"
    assert f"Cartesian momenta of the {hand}-handed lattice" in repr(found)


def test_without_a_lattice_the_sign_is_that_in_reduced_momenta():
    found = tp.weyl_charge(tp.FourierHamiltonian(HOPS), [0.0, 0.0, 0.0])
    assert int(found) == 1
    assert "sign in k.a, as no lattice is given" in repr(found)


def test_saved_proofs_of_left_handed_lattices_are_accepted(tmp_path):
    pytest.importorskip("flint")
    from topophys.invariants.certificate_file import verify_certificate

    h = WannierHamiltonian(HOPS, n_occupied=1, lattice=np.diag([1.0, 1.0, -1.0]))
    found = tp.weyl_charge(h, [0.0, 0.0, 0.0])
    assert int(found) == -1
    assert "Weyl charge 1" in verify_certificate(found.save(tmp_path / "x.cert.json"))


def test_results_say_momenta_units_and_filling():
    h = tp.FourierHamiltonian({(0, 0): np.diag([0.0, 1.0, 2.0, 3.0])})
    text = repr(tp.certify_chern(h, n_occupied=2))
    assert "k.a in radians, phases exp(ik.R); oriented a1 x a2" in text
    assert "in the units of the hoppings" in text
    assert "of the lowest 2 of 4 bands" in text
    with pytest.raises(FillingError, match="`n_occupied` must be given"):
        tp.certify_chern(h)
    assert "of the lowest 1 of 2 bands" in repr(tp.certify_chern(tp.models.qwz(-1.0)))
    assert "the lowest 2 of 4 bands" in repr(tp.certify_gap(tp.models.bhz(1.0)))


def test_hamiltonians_in_place_of_arrays_are_pointed_to_a_grid():
    sampled = tp.from_callable(tp.models.bhz(1.0).bloch, 2)
    with pytest.raises(TypeError, match=r"SampledHamiltonian.*\.on_grid"):
        _validation.as_complex(sampled, "h", "(..., Nx, Ny, n, n)")
