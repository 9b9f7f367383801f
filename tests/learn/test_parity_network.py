"""Parity networks: formulas beside proofs, gauges, grids, training, bad samples."""

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.learn import ParityNetwork, fit_parities
from topophys.learn._flip_features import kramers_lines, pfaffian
from topophys.learn.parity_network import Harmonics, low_pass, moved_to_origin, wilson_parity


def chains(n, seed):
    h = tp.ensembles.bdg_chains(n, rng=seed)
    return h, np.asarray(tp.majorana_number(h, particle_hole="majorana", kind="direct").value)


def planes(n, seed):
    h = tp.ensembles.time_reversal_planes(n, rng=seed)
    return h, np.asarray(tp.z2_invariant(h, method="flux", time_reversal="up first").value)


def flat(h_k, filled=2):
    v = np.linalg.eigh(h_k)[1][..., :filled]
    return np.eye(h_k.shape[-1]) - 2.0 * v @ v.conj().swapaxes(-1, -2)


def said(network, samples, **options):
    return (network.predict(samples, **options) > 0.5).astype(int)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_pfaffians_of_any_scalar(n):
    rng = np.random.default_rng(n)
    a = rng.normal(size=(7, n, n)) + 1j * rng.normal(size=(7, n, n))
    a = torch.from_numpy(a - a.swapaxes(-1, -2))
    value = pfaffian(a)
    torch.testing.assert_close(value * value, torch.linalg.det(a))
    turn = torch.from_numpy(rng.normal(size=(7, n, n)) + 0j)
    torch.testing.assert_close(pfaffian(turn @ a @ turn.mT), torch.linalg.det(turn) * value)
    assert not pfaffian(torch.zeros(2, n, n)).any()


@pytest.mark.parametrize("points", [9, 16])
def test_unflattened_samples_give_the_proven_majorana_number_on_any_grid(points):
    h, truth = chains(40, 3)
    network = ParityNetwork("majorana")
    for origin in (0.0, 0.5, np.pi / points):
        found = said(network, h.bloch(tp.k_grid(points) + origin), origin=origin)
        np.testing.assert_array_equal(found, truth)


def test_fine_flattened_planes_give_the_proven_z2_invariant():
    h, truth = planes(12, 4)
    network = ParityNetwork("z2", upsample=1)
    right = said(network, flat(h.on_grid(40))) == truth
    assert right.mean() > 0.8
    # unflattened samples are known everywhere, and on shifted grids too
    network = ParityNetwork("z2", upsample=8)
    origin = np.pi / 6
    shifted = h.bloch(tp.k_grid((6, 6)) + origin)
    assert (said(network, h.on_grid(6)) == said(network, shifted, origin=origin)).all()


def test_answers_do_not_depend_on_the_basis():
    rng = np.random.default_rng(5)
    h, _ = chains(20, 6)
    x = flat(h.bloch(tp.k_grid(8) + np.pi / 8))
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    network = ParityNetwork("majorana")
    one, two = (network.predict(y, origin=np.pi / 8) for y in (x, turn @ x @ turn.T))
    np.testing.assert_allclose(one, two, atol=1e-4)
    h, _ = planes(6, 7)
    x = flat(h.on_grid(6))
    block = np.linalg.qr(rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2)))[0]
    turn = np.block([[block, np.zeros((2, 2))], [np.zeros((2, 2)), block.conj()]])
    network = ParityNetwork("z2")
    one, two = (network.predict(y) for y in (x, turn @ x @ turn.conj().T))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_lines_of_kramers_pairs_do_not_depend_on_eigenvectors():
    h, _ = planes(5, 8)
    x = torch.from_numpy(h.on_grid(12))
    u = torch.from_numpy(np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2)).astype(complex))
    one = kramers_lines(x, 2, u)
    phase = np.exp(0.7j)  # U up to a phase
    two = kramers_lines(x + 0.3 * torch.eye(4), 2, u * phase)
    turns = (one - two).numpy() / (4.0 * np.pi)
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-9)


def test_low_pass_keeps_low_harmonics_and_shifts_move_samples_back():
    h, truth = chains(5, 9)
    samples = torch.from_numpy(h.on_grid(11))
    torch.testing.assert_close(low_pass(samples, 2), samples)
    assert not torch.allclose(low_pass(samples, 1), samples)
    moved = torch.from_numpy(h.bloch(tp.k_grid(11) + 0.4))
    torch.testing.assert_close(moved_to_origin(moved, 0.4), samples)
    waves = Harmonics(moved, 0.4)
    exact = torch.from_numpy(h.bloch(np.array([[0.3]]))[:, 0])
    torch.testing.assert_close(waves.at(0.3), exact)
    fine = torch.from_numpy(flat(h.on_grid(400)))
    np.testing.assert_array_equal(wilson_parity(fine).numpy(), truth)


def test_training_beats_the_formula_on_coarse_shifted_samples():
    """Without the correction 2,000 flattened chains on eight points have some 280 wrong answers."""
    torch.manual_seed(0)
    origin = np.pi / 8
    h, label = chains(4000, 10)
    network = ParityNetwork("majorana")
    data = network.prepare(torch.from_numpy(flat(h.bloch(tp.k_grid(8) + origin))), origin=origin)
    train, test = (data.select(rows) for rows in torch.arange(4000).split(2000))
    losses = fit_parities(network, train, label[:2000], epochs=8)
    assert losses[-1] < losses[0]
    with torch.no_grad():
        p = network(test).numpy()
    right = ((p > 0.5) == label[2000:]).mean()
    assert right > (test.base.numpy() == label[2000:]).mean() + 0.005


def test_bad_samples_end_in_one_line():
    network = ParityNetwork("majorana")
    good = tp.ensembles.bdg_chains(2, rng=1).on_grid(8)
    for bad, error in (
        (good[0], ShapeError), (good[:, :2], ShapeError), (good[..., :3, :3], ShapeError),
        (good * 0.0, InputError), (good * np.nan, InputError), (good * 1j, InputError),
    ):  # fmt: skip
        with pytest.raises(error, match="`samples`"):
            network.predict(bad)
    with pytest.raises(InputError, match="`kind`"):
        ParityNetwork("chern")
    data = network.prepare(torch.from_numpy(good))
    with pytest.raises(ShapeError, match="`label`"):
        fit_parities(network, data, np.zeros(3, int))
