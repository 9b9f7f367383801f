"""Wilson loops, Wannier charge centres, Berry and Zak phases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import topophys as tp
from tests.invariants.samples import degenerate, direct_sum, rotated, same_on_circle, unitary
from tests.strategies import chains, generators, plain
from topophys.errors import GaplessError, InputError, ShapeError
from topophys.invariants.wilson import centres_of, gap_around, transport, unitary_links


def turns(phase):
    """Turns of a closed sequence of positions on the circle of length one."""
    steps = np.diff(phase, append=phase[0])
    total = (steps - np.rint(steps)).sum()
    assert abs(total - round(total)) < 1e-9
    return round(total)


def modulo(x, period=2 * np.pi):
    return abs((x + period / 2) % period - period / 2)


@pytest.mark.parametrize("m", [-3.0, -1.0, 1.0, 3.0])
def test_the_flow_of_centres_counts_the_chern_number(m):
    """Along y it turns by +C as k_x grows, along x by -C as k_y grows: the signs of the page."""
    h_k = tp.models.qwz(m).on_grid((60, 60))
    chern = int(tp.chern_number(h_k))
    assert turns(tp.wannier_centres(h_k, axis=-1).sum(-1)) == chern
    assert turns(tp.wannier_centres(h_k, axis=-2).sum(-1)) == -chern


@pytest.mark.slow
@given(rng=generators())
def test_sum_rule_for_four_mixed_bands(rng):
    """Two QWZ models of random mass in a common random basis, disturbed: C from -2 to 2."""
    masses = rng.uniform(-3.0, 3.0, 2)
    pure = rotated(direct_sum(*(tp.models.qwz(float(m)) for m in masses)), unitary(4, rng))
    rows = {
        R: m + 0.05 * (rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4)))
        for R, m in pure.hoppings.items()
    }
    h_k = tp.FourierHamiltonian(rows, hermitian="average").on_grid((48, 48))
    energy = np.linalg.eigvalsh(h_k)
    assume((energy[..., 2] - energy[..., 1]).min() > 0.3)
    chern = int(tp.chern_number(h_k, n_occupied=2))
    assert turns(tp.wannier_centres(h_k, n_occupied=2).sum(-1)) == chern
    assert turns(tp.wannier_centres(h_k, axis=-2, n_occupied=2).sum(-1)) == -chern
    loops, other = (
        tp.wilson_loop(h_k, n_occupied=2),
        tp.wilson_loop(degenerate(h_k, 2, rng), n_occupied=2),
    )
    assert np.trace(other, axis1=1, axis2=2) == pytest.approx(
        np.trace(loops, axis1=1, axis2=2), abs=1e-7
    )


@given(chain=chains(max_orbitals=3))
def test_zak_phase_of_a_chiral_chain_is_pi_nu(chain):
    proof = tp.certify_winding(chain)
    assume(bool(proof.certified) and proof.gap_lower > 0.05 * np.abs(chain.amplitudes).max())
    zak = float(tp.zak_phase(chain.on_grid(512), n_occupied=chain.n_occupied))
    assert modulo(zak - np.pi * int(proof)) < 1e-6


@given(rng=generators(), filled=st.integers(1, 3))
def test_nothing_depends_on_the_gauge_of_degenerate_bands(rng, filled):
    """Loops of random gapped projectors: eigenphases, determinant and trace stay."""
    terms = rng.standard_normal((2, 4, 4)) + 1j * rng.standard_normal((2, 4, 4))
    k = tp.k_grid(64)[..., None]
    h_k = terms[0] + terms[0].conj().T + np.exp(1j * k) * terms[1]
    h_k = h_k + np.exp(-1j * k) * terms[1].conj().T
    h_k = 0.5 * (h_k + h_k.conj().swapaxes(-1, -2))
    energy = np.linalg.eigvalsh(h_k)
    assume((energy[:, filled] - energy[:, filled - 1]).min() > 0.3)
    other = degenerate(h_k, filled, rng)
    a, b = (tp.wilson_loop(x, n_occupied=filled) for x in (h_k, other))
    assert np.trace(a) == pytest.approx(np.trace(b), abs=1e-8)
    assert np.allclose(a @ a.conj().T, np.eye(filled))
    assert same_on_circle(centres_of(a), centres_of(b), 1e-7)
    phases = [tp.berry_phase(x, n_occupied=filled) for x in (h_k, other)]
    assert modulo(phases[0] - phases[1]) < 1e-8


@given(rng=generators())
def test_eigenphases_do_not_depend_on_where_the_loop_begins(rng):
    both = direct_sum(tp.models.ssh(0.7, 1.2, 0.3), tp.models.rice_mele(0.7, 1.0, 0.4))
    h_k = both.on_grid(40)
    shift = int(rng.integers(1, 40))
    turned = np.roll(h_k, shift, axis=0)
    a, b = (tp.wannier_centres(x, n_occupied=2) for x in (h_k, turned))
    assert same_on_circle(a, b, 1e-9)
    assert modulo(tp.zak_phase(h_k, n_occupied=2) - 2 * np.pi * a.sum()) < 1e-9


def test_reversed_loops_are_inverse():
    h_k = tp.models.haldane(0.2, 0.2, 1.0).on_grid((5, 40))
    forward = tp.wilson_loop(h_k)
    backward = tp.wilson_loop(np.roll(h_k[:, ::-1], 1, axis=1))
    assert np.allclose(forward[..., 0, 0] * backward[..., 0, 0], 1.0)


def test_berry_phase_around_a_plaquette_is_its_flux():
    """Anticlockwise around a patch: the enclosed flux, modulo 2 pi."""
    h = tp.models.qwz(-1.3)
    h_k = h.on_grid((40, 40))
    flux = tp.berry_flux(h_k)[3:9, 10:14].sum()
    right = [(i, 10) for i in range(3, 9)] + [(9, j) for j in range(10, 14)]
    back = [(i, 14) for i in range(9, 3, -1)] + [(3, j) for j in range(14, 10, -1)]
    path = np.array([h_k[i, j] for i, j in right + back])
    assert modulo(float(tp.berry_phase(path)) - flux) < 1e-9
    closed = np.concatenate([path, path[:1]])
    assert modulo(float(tp.berry_phase(closed)) - flux) < 1e-9


@pytest.mark.parametrize(("delta", "sign"), [(0.4, 1), (-0.4, -1)])
def test_zak_phase_of_two_atoms_is_their_weight(delta, sign):
    """A chain of separate dimers across cells: the centre is the mean position of the charge."""
    # D = e^{ik}: one orbital at x = 0 bound to one at x = 1; mass delta moves weight between them
    mass = delta * np.diag([1.0, -1.0])
    h = tp.FourierHamiltonian({(0,): mass, (1,): [[0, 1.0], [0, 0]]})
    energy = np.hypot(1.0, delta)
    share = 0.5 * (1.0 + delta / energy)  # of the lower state on the second orbital
    # that orbital belongs to the next cell as seen from the first, so the centre is at -share of B
    zak = float(tp.zak_phase(h.on_grid(2000)))
    assert (
        modulo(zak + 2 * np.pi * share, 2 * np.pi) < 1e-5
        or modulo(zak - 2 * np.pi * share, 2 * np.pi) < 1e-5
    )
    assert np.sign(share - 0.5) == sign


def test_centres_are_where_the_charge_is():
    """Position operator on a ring: phases of P exp(2 pi i x / N) P are the sampled centres."""
    n = 24
    h = direct_sum(tp.models.ssh(0.6, 1.0, 0.2), tp.models.rice_mele(0.4, 1.0, 0.5))
    blocks = np.zeros((n * 4, n * 4), complex)
    for (r,), m in h.hoppings.items():
        blocks += np.kron(np.roll(np.eye(n), r, axis=1), m)
    _, states = np.linalg.eigh(blocks)
    v = states[:, : n * 2]
    twist = np.exp(2j * np.pi * np.repeat(np.arange(n), 4) / n)
    projected = v.conj().T @ (twist[:, None] * v)
    positions = np.angle(np.linalg.eigvals(projected)) * n / (2 * np.pi)
    places = np.sort((positions + 0.5) % 1.0 - 0.5)
    expected = tp.wannier_centres(h.on_grid(n), n_occupied=2)
    for x in expected:
        assert np.abs((places - x + 0.5) % 1.0 - 0.5).min() < 2e-2


def test_shapes_and_axes():
    h_k = tp.models.qwz([-1.0, 0.5, 3.0]).on_grid((6, 8))
    assert tp.wilson_loop(h_k).shape == (3, 6, 1, 1)
    assert tp.wannier_centres(h_k, axis=-2).shape == (3, 8, 1)
    assert np.array_equal(tp.zak_phase(h_k, axis=1), tp.zak_phase(h_k, axis=-2))
    assert tp.berry_phase(tp.models.ssh(1.0, 2.0).on_grid(12)).shape == ()


def test_transport_multiplies_in_order():
    rng = np.random.default_rng(4)
    links = np.stack([unitary(3, rng) for _ in range(7)])
    expected = np.linalg.multi_dot(list(links))
    assert np.allclose(transport(links), expected)
    frame = np.stack([unitary(3, rng)[:, :2] for _ in range(5)])
    link, overlap = unitary_links(frame)
    assert np.allclose(link @ link.conj().swapaxes(-1, -2), np.eye(2))
    assert ((overlap >= 0) & (overlap <= 1 + 1e-12)).all()


def test_gapless_loops_are_refused():
    with pytest.raises(GaplessError) as caught:
        tp.wannier_centres(tp.models.qwz(2.0).on_grid((8, 8)))
    assert caught.value.indices == (0,)
    with pytest.raises(GaplessError, match="zak_phase"):
        tp.zak_phase(tp.models.ssh(1.0, [1.0, 2.0]).on_grid(8))
    with pytest.raises(GaplessError, match="wilson_loop"):
        tp.wilson_loop([np.diag([-1.0, 1.0]), np.diag([1.0, -1.0])] * 8)


def test_bad_arguments_are_named():
    h_k = tp.models.qwz(-1.0).on_grid((4, 4))
    with pytest.raises(ShapeError, match="axis"):
        tp.wilson_loop(h_k, axis=2)
    with pytest.raises(InputError, match="Hermitian"):
        tp.wilson_loop(h_k + 1j)
    with pytest.raises(InputError, match="two bands"):
        tp.berry_phase(np.ones((5, 1, 1)))
    with pytest.raises(InputError, match="n_occupied"):
        tp.zak_phase(h_k, n_occupied=2)
    with pytest.raises(InputError, match="axis"):
        plain(tp.zak_phase)(h_k, axis=0.5)


def test_the_gap_around_a_group_is_the_smaller_of_both():
    energy = np.array([[-3.0, -1.0, 0.5, 0.75], [-3.0, -2.5, 0.5, 4.0]])
    np.testing.assert_array_equal(gap_around(energy, 1, 3), [0.25, 0.5])
    np.testing.assert_array_equal(gap_around(energy, 0, 2), [1.5, 3.0])
    np.testing.assert_array_equal(gap_around(energy, 2, 4), [1.5, 3.0])
