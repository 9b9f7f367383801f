"""Samples that are not periodic in k are noticed, and `positions` makes them so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from topophys.errors import InputError
from topophys.invariants import _samples
from topophys.invariants._samples import not_periodic


def in_atomic_gauge(h_k, positions):
    """exp(-i k.(r_i - r_j)) H_ij(k) on the grid of `k_grid`."""
    dim = positions.shape[-1]
    k = tp.k_grid(h_k.shape[-dim - 2 : -2])
    turn = np.exp(1j * k @ positions.T)
    return turn.conj()[..., :, None] * h_k * turn[..., None, :]


def random_plane(rng, n=3):
    """Hoppings to three neighbours, as large as those within the cell."""

    def draw():
        return rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))

    inside = draw()
    hoppings = {R: draw() for R in ((1, 0), (0, 1), (1, 1))}
    return tp.FourierHamiltonian({(0, 0): inside + inside.conj().T, **hoppings}, n_occupied=1)


def test_no_chern_number_of_the_atomic_gauge_is_wrong_without_a_word():
    rng = np.random.default_rng(1)
    refused = cured = tried = 0
    for _ in range(60):
        h = random_plane(rng).on_grid(24)
        positions = rng.uniform(0, 1, (3, 2))
        if np.diff(np.linalg.eigvalsh(h)[..., :2]).min() < 0.4:
            continue
        tried += 1
        expected, atomic = tp.chern_number(h, n_occupied=1), in_atomic_gauge(h, positions)
        with pytest.raises(InputError, match=r"jumps .*atomic gauge"):
            tp.chern_number(atomic, n_occupied=1)
        refused += 1
        cured += tp.chern_number(atomic, n_occupied=1, positions=positions) == expected
    assert tried > 40
    assert refused == cured == tried


@pytest.mark.parametrize(("size", "least"), [(10, 0.5), (12, 0.85), (16, 0.95), (24, 0.99)])
def test_share_of_atomic_gauges_that_is_noticed(size, least):
    rng = np.random.default_rng(2)
    h = np.stack([random_plane(rng).on_grid(size) for _ in range(100)])
    positions = rng.uniform(0, 1, (100, 3, 2))
    atomic = np.stack(
        [in_atomic_gauge(one, where) for one, where in zip(h, positions, strict=True)]
    )
    assert not not_periodic(h, (-2, -1), 2, 1).any()
    assert (not_periodic(atomic, (-2, -1), 2, 1) > 0).mean() >= least


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 40),
    share=st.floats(0.0, 1.0),
    kind=st.sampled_from(["complex", "real", "even"]),
    lines=st.integers(1, 12),
)
def test_periodic_samples_raise_no_false_alarm_on_any_grid(seed, size, share, kind, lines):
    # with as many harmonics as the grid has, which no grid can tell from a jump for certain
    rng = np.random.default_rng(seed)
    reach = int(share * (size // 2))
    waves = np.exp(1j * np.multiply.outer(np.arange(-reach, reach + 1), tp.k_grid(size)[:, 0]))
    many = rng.standard_normal((200, lines, 2 * reach + 1, 2)) @ [1, 1j]
    if kind == "even":
        many = many + many[..., ::-1]
    samples = many @ waves
    samples = samples.real if kind == "real" else samples
    h = np.asarray(np.moveaxis(samples, 1, 2), np.complex128)[..., None, None]  # (200, N, lines)
    assert not not_periodic(h, (-2,), 2, 1).any()


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 20),
    reach=st.integers(1, 4),
    n=st.integers(1, 3),
)
def test_random_hamiltonians_raise_no_false_alarm_on_coarse_grids(seed, size, reach, n):
    h = tp.ensembles.class_a(30, n_bands=max(n, 2), hopping_range=reach, rng=seed)
    assert not not_periodic(h.on_grid(size), (-2, -1), 2, 1).any()


def test_constant_and_flat_samples_are_periodic():
    rng = np.random.default_rng(3)
    noise = 1e-15 * rng.standard_normal((30, 30, 2, 2))
    assert not not_periodic(np.ones((30, 30, 2, 2)) + noise, (-2, -1), 2, 0).any()
    k = tp.k_grid(30)[:, 0]
    along_one = np.cos(k)[:, None, None, None] * np.ones((30, 30, 2, 2)) + noise
    assert not not_periodic(along_one, (-2, -1), 2, 0).any()


def test_half_a_zone_is_no_zone():
    k = 0.5 * tp.k_grid((24, 24))
    with pytest.raises(InputError, match="sample the whole zone"):
        tp.chern_number(tp.models.qwz(-1.0).bloch(k))
    with pytest.raises(InputError, match="Argument `d` must be periodic"):
        tp.chern_number_from_d(tp.models.qwz(-1.0).d_on_grid((48, 48))[:24, :24])


def test_masks_only_the_samples_that_jump():
    good = tp.models.qwz([-1.0, 1.0, 3.0]).on_grid(24)
    good[1] = in_atomic_gauge(good[1], np.array([[0.0, 0.0], [0.4, 0.0]]))
    found = tp.chern_number(good, on_unresolved="mask")
    assert np.ma.getmaskarray(found).tolist() == [False, True, False]
    assert found.compressed().tolist() == [1, 0]
    with pytest.raises(InputError, match=r"1 of 3, first batch index 1"):
        tp.chern_number(good)


def test_winding_numbers_of_the_atomic_gauge_are_refused():
    d_k = tp.models.ssh(1.0, 2.0).block_on_grid(48)
    turned = np.exp(0.7j * tp.k_grid(48))[..., None] * d_k
    with pytest.raises(InputError, match="leave positions of orbitals out"):
        tp.winding_number(turned)
    assert np.ma.getmaskarray(tp.winding_number(turned, on_unresolved="mask"))
    assert tp.winding_number(d_k) == 1


@given(seed=st.integers(0, 2**32 - 1))
def test_positions_of_samples_and_of_hamiltonians_say_the_same(seed):
    rng = np.random.default_rng(seed)
    h, positions = random_plane(rng), rng.uniform(-1, 1, (3, 2))
    samples = in_atomic_gauge(h.on_grid(20), positions)
    options = {"bands": [1], "positions": positions}
    try:
        flux = tp.berry_flux(h, grid=20, **options)
    except tp.errors.GaplessError:
        return
    assert tp.berry_flux(samples, **options) == pytest.approx(flux, abs=1e-8)
    assert tp.quantum_metric(samples, **options) == pytest.approx(
        tp.quantum_metric(h, grid=20, **options), rel=1e-6, abs=1e-8
    )
    for axis in (0, 1):
        own = tp.zak_phase(h, grid=20, axis=axis, **options)
        given_at = {"bands": [1], "positions": positions[:, axis]}
        found = tp.zak_phase(samples, axis=axis, **given_at)
        assert np.exp(1j * found) == pytest.approx(np.exp(1j * own), abs=1e-8)


def test_metric_in_the_atomic_gauge_is_that_of_the_projector():
    # g = tr(dP dP) / 2 with P in the atomic gauge, by central differences
    rng = np.random.default_rng(5)
    h, positions = random_plane(rng, 2), rng.uniform(-1, 1, (2, 2))
    step = 1e-4
    k = tp.k_grid((8, 8))

    def projector(k):
        turn = np.exp(1j * k @ positions.T)
        _, states = np.linalg.eigh(turn.conj()[..., :, None] * h.bloch(k) * turn[..., None, :])
        return states[..., :1] @ states[..., :1].conj().swapaxes(-1, -2)

    slopes = [(projector(k + e) - projector(k - e)) / (2 * step) for e in step * np.eye(2)]
    expected = np.stack(
        [np.stack([0.5 * np.trace(a @ b, axis1=-2, axis2=-1).real for b in slopes], -1)
         for a in slopes], -2
    )  # fmt: skip
    found = tp.quantum_metric(h, grid=8, positions=positions)
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_positions_move_wannier_centres_of_atoms():
    atoms = tp.FourierHamiltonian({(0, 0): np.diag([-1.0, 1.0])})
    positions = np.array([[0.2, -0.3], [0.0, 0.0]])
    assert tp.wannier_centres(atoms, grid=5, axis=0, positions=positions) == pytest.approx(0.2)
    assert tp.wannier_centres(atoms, grid=5, axis=1, positions=positions) == pytest.approx(-0.3)
    assert tp.wannier_centres(atoms, grid=5, positions=None) == pytest.approx(0.0)


def test_zak_phases_of_ssh_with_positions_are_exact():
    # the centre of the occupied bond: between the two sites of one cell, or of two
    at = [[0.0], [0.5]]
    inside = tp.zak_phase(tp.models.ssh(2.0, 1.0), grid=32, positions=at) / (2 * np.pi)
    across = tp.zak_phase(tp.models.ssh(1.0, 2.0), grid=32, positions=at) / (2 * np.pi)
    assert inside == pytest.approx(0.25, abs=1e-12)
    assert across == pytest.approx(-0.25, abs=1e-12)


@pytest.mark.parametrize("positions", [[[0.0, 0.0]], "other", [[[0.0, 0.0]] * 2], [["a", "b"]] * 2])
def test_refuses_positions_that_do_not_fit(positions):
    with pytest.raises((InputError, tp.errors.ShapeError), match="`positions`"):
        tp.berry_flux(tp.models.qwz(-1.0), grid=8, positions=positions)


def test_chern_number_of_a_hamiltonian_takes_no_positions():
    with pytest.raises(InputError, match="is periodic"):
        tp.chern_number(tp.models.qwz(-1.0), grid=8, positions=np.zeros((2, 2)))


@pytest.mark.parametrize("size", range(6, 17))
def test_no_grid_lets_a_wrong_integer_of_the_atomic_gauge_through(size):
    """Where points are too few to detect a jump, the highest harmonics are looked at."""
    rng = np.random.default_rng(size)
    tried = refused = 0
    for _ in range(60):
        h = random_plane(rng)
        if np.diff(np.linalg.eigvalsh(h.on_grid(24))[..., :2]).min() < 0.4:
            continue
        tried += 1
        positions = rng.uniform(0, 1, (3, 2))
        atomic = in_atomic_gauge(h.on_grid(size), positions)
        try:
            found = tp.chern_number(atomic, n_occupied=1)
        except InputError as error:
            refused += "periodic" in str(error)
        else:  # a small jump on a fine grid
            assert found == tp.chern_number(h, n_occupied=1, grid=48)
        # given where the orbitals are, or that the phases have no positions, it answers
        whole = tp.chern_number(h.on_grid(size), n_occupied=1)
        assert tp.chern_number(atomic, n_occupied=1, positions=positions) == whole
        assert tp.chern_number(h.on_grid(size), n_occupied=1, positions=np.zeros((3, 2))) == whole
    assert tried > 30
    assert refused >= 0.95 * tried


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(6, 20),
    n=st.integers(2, 4),
)
def test_hoppings_that_a_grid_resolves_are_taken_on_every_grid(seed, size, n):
    reach = max(1, (size - 1) // 2 - 1)  # all but the two highest harmonics
    h = tp.ensembles.class_a(5, n_bands=n, hopping_range=min(reach, 4), rng=seed)
    try:
        tp.chern_number(h.on_grid(size), n_occupied=1)
    except tp.errors.GaplessError:
        return


def test_grids_that_cannot_tell_are_named_in_one_line():
    h = tp.ensembles.class_a(3, n_bands=3, hopping_range=4, rng=1)
    with pytest.raises(InputError, match=r"at least 13 points .*3 of 3.*pass `positions`") as told:
        tp.chern_number(h.on_grid(8), n_occupied=1)
    assert "\n" not in str(told.value)
    found = tp.chern_number(h.on_grid(8), n_occupied=1, on_unresolved="mask")
    assert np.ma.getmaskarray(found).all()
    with pytest.raises(InputError, match=r"at least 13 points .*sample it more finely\."):
        tp.z2_invariant(tp.ensembles.class_a(1, n_bands=4, hopping_range=4, rng=1)[0].on_grid(8),
                        n_occupied=2)  # fmt: skip
    # a Hamiltonian is no array: its phases are those of lattice vectors
    assert tp.chern_number(h, n_occupied=1, grid=8).shape == (3,)


@pytest.mark.parametrize(("tail", "kind"), [(1, float), (2, complex), (0, complex), (1, int)])
@pytest.mark.parametrize("axes", [(-1,), (-2, -1)])
def test_one_pass_over_large_samples_finds_the_same_jumps(monkeypatch, tail, kind, axes):
    """Of components, matrices, single numbers and integers, for every layout in memory."""
    rng, k = np.random.default_rng(3), 2.0 * np.pi * np.arange(20) / 20
    shares = np.arange(5.0).reshape(5, *(1,) * (len(axes) + tail))
    samples = 1e6 * rng.normal(size=(1, *(1,) * len(axes), *(3,) * tail))
    for axis in axes:
        wave = k.reshape(-1, *(1,) * (tail - axis - 1))
        samples = samples * (2.0 + np.sin(wave) + shares * wave)
    if kind is complex:
        samples = samples * np.exp(0.3j)
    samples = samples.astype(kind)
    found = []
    for least in (0, 1 << 60):
        monkeypatch.setattr(_samples, "LARGE", least)
        layouts = samples, np.asfortranarray(samples)
        found += [not_periodic(one, axes, tail, 1) for one in layouts]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-12)
    assert len(set(found[0].tolist())) > 1
