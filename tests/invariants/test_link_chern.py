"""Integers of link fields against bands, against each other, and under changes of gauge."""

import inspect

import numpy as np
import pytest

import topophys as tp
from tests.strategies import random_unitaries
from topophys.errors import GaplessError, InputError, ShapeError
from topophys.invariants.chern import chern_number_of_links, plaquette_loops


def dagger(u):
    return u.conj().swapaxes(-1, -2)


def links_of(h_k, n_occupied):
    frames = np.linalg.eigh(h_k)[1][..., :n_occupied]
    overlaps = [dagger(frames) @ np.roll(frames, -1, axis=axis) for axis in (-4, -3)]
    left, _, right = np.linalg.svd(np.stack(overlaps, axis=-3))
    return left @ right


@pytest.mark.parametrize("branch", ["determinant", "eigenphases"])
def test_known_models(branch):
    h_k = tp.models.qwz([-3.0, -1.0, 1.0, 3.0]).on_grid((16, 16))
    found = chern_number_of_links(links_of(h_k, 1), branch=branch)
    assert found.tolist() == [0, 1, -1, 0]


def test_determinants_give_the_number_of_the_bands():
    h_k = tp.ensembles.class_a(40, n_bands=4, rng=1).on_grid((12, 12))
    found = chern_number_of_links(links_of(h_k, 2))
    assert (found == tp.chern_number(h_k, n_occupied=2)).all()
    assert len(set(found.tolist())) > 2


def test_branches_differ_on_random_links_of_several_bands():
    links = tp.ensembles.random_links(200, n_occupied=3, rng=2)
    one, two = (chern_number_of_links(links, branch=b) for b in ("determinant", "eigenphases"))
    assert 0.2 < (one != two).mean() < 0.9
    single = tp.ensembles.random_links(50, n_occupied=1, rng=2)
    one, two = (chern_number_of_links(single, branch=b) for b in ("determinant", "eigenphases"))
    assert (one == two).all()


@pytest.mark.parametrize("branch", ["determinant", "eigenphases"])
def test_no_gauge_changes_them(branch):
    rng = np.random.default_rng(3)
    links = tp.ensembles.random_links(20, n_occupied=3, grid=(4, 5), rng=rng)
    basis = random_unitaries(3, rng, (20, 4, 5))
    ends = np.stack([np.roll(basis, -1, axis=axis) for axis in (1, 2)], axis=3)
    turned = dagger(basis)[..., None, :, :] @ links @ ends
    before, after = (chern_number_of_links(u, branch=branch) for u in (links, turned))
    assert (before == after).all()
    loops, seen = plaquette_loops(links), plaquette_loops(turned)
    np.testing.assert_allclose(seen, dagger(basis) @ loops @ basis, atol=1e-12)


@pytest.mark.parametrize("branch", ["determinant", "eigenphases"])
def test_reversed_links_change_the_sign(branch):
    links = tp.ensembles.random_links(20, n_occupied=2, rng=4)
    mirror = np.flip(links.swapaxes(1, 2), axis=3)
    before, after = (chern_number_of_links(u, branch=branch) for u in (links, mirror))
    assert (after == -before).all()


def test_loops_are_products_in_order():
    links = tp.ensembles.random_links(1, n_occupied=2, grid=(3, 4), rng=5)[0]
    loop = plaquette_loops(links)[2, 3]
    by_hand = links[2, 3, 0] @ links[0, 3, 1] @ dagger(links[2, 0, 0]) @ dagger(links[2, 3, 1])
    np.testing.assert_allclose(loop, by_hand, atol=1e-14)


def test_refusals():
    with pytest.raises(InputError, match="unitary"):
        chern_number_of_links(np.full((3, 3, 2, 1, 1), 2.0))
    with pytest.raises(ShapeError, match="links"):
        chern_number_of_links(np.ones((3, 3, 3, 1, 1)))
    with pytest.raises(InputError, match="branch"):
        inspect.unwrap(chern_number_of_links)(np.ones((3, 3, 2, 1, 1)), branch="middle")
    half_turn = np.ones((2, 2, 2, 1, 1), complex)
    half_turn[0, 0, 0] = -1.0  # loops of exactly -1 on both sides
    with pytest.raises(GaplessError) as caught:
        chern_number_of_links(half_turn)
    assert caught.value.indices == (0,)


@pytest.mark.parametrize("branch", ["determinant", "eigenphases"])
def test_distance_from_the_cut_is_measured_by_how_unitary_links_are(branch):
    """A phase 2e-9 from the cut means nothing where links are unitary to 8e-10 only."""
    links = np.zeros((2, 2, 2, 2, 2), complex)
    links[...] = np.eye(2)
    links[0, 0, 0] = np.diag([np.exp(1j * (np.pi - 2e-9)), 1.0])
    assert chern_number_of_links(links, branch=branch) == 0
    with pytest.raises(GaplessError):
        chern_number_of_links((1.0 + 4e-10) * links, branch=branch)


def test_a_plaquette_at_the_cut_is_masked_or_refused():
    links = np.ones((2, 4, 4, 2, 1, 1), complex)
    links[1, 1, 1, 0] = -1.0  # two plaquettes of phase pi
    found = chern_number_of_links(links, on_unresolved="mask")
    assert (found.tolist(), found.mask.tolist()) == ([0, None], [False, True])
    with pytest.raises(GaplessError):
        chern_number_of_links(links)
