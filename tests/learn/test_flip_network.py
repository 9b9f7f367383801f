"""The flip network: likelihood, symmetries, reconstruction, files."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from topophys.ensembles import aiii_chains, class_a, hard_chains, hard_planes, mixed_chains
from topophys.errors import CheckpointError, InputError, ShapeError
from topophys.learn import (
    FlipNetwork,
    fit_flips,
    load_flip_network,
    load_pretrained,
    save_flip_network,
)
from topophys.learn._flip_features import chain_candidates, eigenphases, mirror_pairs
from topophys.learn.flip_network import FlipData


def flat_bands(h_k, n_occupied):
    states = np.linalg.eigh(h_k)[1][..., :n_occupied]
    projector = states @ np.conj(np.swapaxes(states, -1, -2))
    return np.eye(h_k.shape[-1]) - 2.0 * projector


def random_unitaries(n, size, seed):
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((n, size, size, 2)) @ np.array([1, 1j])
    return np.linalg.qr(drawn)[0]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_eigenphases_and_vectors_make_the_unitary_again(size):
    u = torch.from_numpy(random_unitaries(50, size, 1))
    theta, vector = eigenphases(u)
    again = vector @ torch.diag_embed(torch.polar(torch.ones_like(theta), theta)) @ vector.mH
    torch.testing.assert_close(again, u, rtol=0, atol=1e-10)
    assert (theta.abs() <= np.pi).all()


def test_probabilities_are_those_of_all_ways_to_turn():
    torch.manual_seed(0)
    network = FlipNetwork("winding", candidates=5)
    data = network.prepare(torch.from_numpy(aiii_chains(3, rng=2).block_on_grid(16)))
    odds, scores = network._read(data.features, data.kept)
    p = (torch.sigmoid(odds) * data.kept).detach().numpy()
    weight = torch.softmax(scores, -1).detach().numpy()
    found = network(data).exp().detach().numpy()
    for b in range(3):
        expected = np.zeros(32)
        for v in range(3):
            shift = int(data.base[b, v] - data.base[b, 0])
            for flips in itertools.product([0, 1], repeat=5):
                chance = np.prod([q if f else 1 - q for q, f in zip(p[b, v], flips, strict=True)])
                turns = (data.sign * data.turns)[b, v].numpy() @ np.array(flips)
                expected[16 + shift - round(float(turns))] += weight[b, v] * chance
        np.testing.assert_allclose(found[b], expected, atol=2e-6)


@given(seed=st.integers(0, 10**6), size=st.integers(1, 4), points=st.sampled_from([8, 9, 16]))
def test_nothing_depends_on_constant_bases_the_origin_or_the_scale(seed, size, points):
    network = FlipNetwork("winding").double()
    rng = np.random.default_rng(seed)
    x = aiii_chains(1, n_orbitals=size, hopping_range=4, rng=seed).block_on_grid(points)
    left, right = random_unitaries(2, size, seed)
    shift, scale = int(rng.integers(points)), 2.0 ** float(rng.integers(-40, 40))
    one = network.predict(x, reconstruct=False)
    other = network.predict(scale * np.roll(left @ x @ right, shift, axis=1), reconstruct=False)
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-3)


def test_the_mirror_image_has_the_opposite_numbers():
    network = FlipNetwork("winding").double()
    x = aiii_chains(20, hopping_range=4, rng=5).block_on_grid(12)
    mirrored = np.roll(x[:, ::-1], 1, axis=1)  # k -> -k
    one, other = (network.predict(y, reconstruct=False) for y in (x, mirrored))
    for integer in range(-4, 5):
        np.testing.assert_allclose(
            one.probability_of(integer), other.probability_of(-integer), atol=1e-4
        )


def test_partners_of_real_chains_count_as_one_event_of_two_turns():
    real = torch.from_numpy(hard_chains("real", 40, rng=1).block_on_grid(16))
    found, layout = chain_candidates(real)
    turns, kept = mirror_pairs(found, layout)
    assert (turns == 2.0).any(1).float().mean() > 0.9
    # a partner is no candidate of its own
    assert ((turns == 2.0).sum(1) == (~kept).sum(1)).all()
    other, layout = chain_candidates(torch.from_numpy(aiii_chains(40, rng=1).block_on_grid(16)))
    assert mirror_pairs(other, layout)[1].all()


@pytest.mark.parametrize("kind", ["winding", "chern"])
def test_formula_is_the_sampled_invariant_where_it_is_clear(kind):
    if kind == "winding":
        h = aiii_chains(40, min_gap=0.3, rng=3)
        truth, samples = tp.certify_winding(h).value, h.block_on_grid(48)
        answer = FlipNetwork(kind).predict(samples)
    else:
        h = class_a(6, n_bands=3, n_occupied=1, min_gap=0.3, rng=3)
        truth, samples = tp.certify_chern(h).value, h.on_grid(20)
        answer = FlipNetwork(kind).predict(samples, n_occupied=1)
    np.testing.assert_array_equal(answer.formula, truth)


@pytest.mark.parametrize("name", ["gaussian", "real", "anisotropic"])
def test_flattened_chains_of_short_range_are_answered_by_proof(name):
    chains = hard_chains(name, 50, rng=9)
    answer = load_pretrained("winding-1d").predict(tp.flatten_block(chains.block_on_grid(12)))
    # all but those with a gap that rounding could close
    assert answer.reconstructed.mean() > 0.95
    np.testing.assert_array_equal(answer.value, tp.certify_winding(chains).value)
    assert (answer.confidence[answer.reconstructed] == 1.0).all()


def test_flattened_planes_of_many_bands_are_answered_by_proof():
    planes = hard_planes("gaussian", 4, n_bands=6, n_occupied=2, rng=9)
    samples = flat_bands(planes.on_grid(8), 2).astype(np.complex64)
    answer = load_pretrained("chern-2d").predict(samples, n_occupied=2)
    assert answer.reconstructed.all()
    np.testing.assert_array_equal(answer.value, tp.certify_chern(planes).value)


@pytest.mark.parametrize("precision", [np.complex64, np.complex128])
@pytest.mark.parametrize("points", [9, 12])
def test_samples_of_short_range_are_answered_by_their_fourier_series(points, precision):
    chains = hard_chains("real", 40, n_orbitals=3, rng=9)
    samples = chains.block_on_grid(points).astype(precision)
    answer = FlipNetwork("winding").predict(5.0 * samples)
    sure = answer.reconstructed
    assert sure.mean() > 0.9
    np.testing.assert_array_equal(answer.value[sure], tp.certify_winding(chains).value[sure])
    planes = hard_planes("gaussian", 6, n_bands=3, n_occupied=2, rng=9)
    samples = planes.on_grid((points, 8)).astype(precision)
    answer = FlipNetwork("chern").predict(samples, n_occupied=2)
    assert answer.reconstructed.all()
    np.testing.assert_array_equal(answer.value, tp.certify_chern(planes).value)
    noisy = samples + 1e-4 * np.eye(3) * np.random.default_rng(1).standard_normal((points, 8, 1, 1))
    assert not FlipNetwork("chern").predict(noisy, n_occupied=2).reconstructed.any()


def test_pretrained_network_beats_the_formula_where_points_do_not_determine_the_chain():
    chains = hard_chains("long_range", 1500, rng=4)
    answer = load_pretrained("winding-1d").predict(tp.flatten_block(chains.block_on_grid(16)))
    truth = tp.certify_winding(chains).value
    assert not answer.reconstructed.any()
    right, formula = (answer.value == truth).mean(), (answer.formula == truth).mean()
    assert right > formula
    # probabilities mean what they say: the mean confidence is the accuracy
    assert abs(answer.confidence.mean() - right) < 0.03


def test_training_lowers_the_loss_and_depends_on_the_seed_alone():
    chains = mixed_chains(1500, rng=1)
    label = tp.certify_winding(chains).value
    samples = torch.from_numpy(tp.flatten_block(chains.block_on_grid(12)))
    losses = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        network = FlipNetwork("winding", hidden=16)
        data = network.prepare(samples)
        seen = []
        losses.append(
            fit_flips(network, data, label, epochs=4, batch_size=100, seed=seed,
                      on_epoch_end=lambda epoch, loss, seen=seen: seen.append((epoch, loss)))
        )  # fmt: skip
        assert seen == list(enumerate(losses[-1]))
        assert losses[-1][-1] < 0.9 * losses[-1][0]
    assert losses[0] == losses[1] != losses[2]


def test_files_give_the_same_network_again(tmp_path):
    torch.manual_seed(3)
    network = FlipNetwork("chern", hidden=16, candidates=4)
    network.threshold.fill_(0.875)
    path = save_flip_network(network, tmp_path / "one.safetensors")
    again = load_flip_network(path)
    samples = class_a(3, n_bands=3, n_occupied=1, rng=1).on_grid(6)
    one, other = (n.predict(samples, n_occupied=1) for n in (network, again))
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert other.threshold == 0.875
    content = path.read_bytes()
    for damaged in (content[:100], b"", content.replace(b"flip-network", b"flop-network")):
        (tmp_path / "bad.safetensors").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"bad\.safetensors"):
            load_flip_network(tmp_path / "bad.safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_flip_network(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match="`name` must be"):
        load_pretrained("z2-2d")


@pytest.mark.parametrize(
    ("kind", "shape", "options", "error", "words"),
    [
        ("winding", (8, 2, 3), {}, ShapeError, "(..., N, n, n)"),
        ("winding", (2, 2, 2), {}, ShapeError, "at least 3 points"),
        ("winding", (8, 2, 2), {"n_occupied": 1}, InputError, "left out for chains"),
        ("chern", (8, 8, 3, 3), {}, InputError, "must be given for 3 bands"),
        ("chern", (8, 8, 3, 3), {"n_occupied": 3}, InputError, "between 1 and 2"),
    ],
)
def test_bad_samples_are_refused(kind, shape, options, error, words):
    with pytest.raises(error, match=re.escape(words)):
        FlipNetwork(kind).predict(np.ones(shape, np.complex128), **options)


def test_vanishing_samples_and_missing_labels_are_refused():
    with pytest.raises(InputError, match="must not vanish"):
        FlipNetwork().predict(np.zeros((2, 8, 1, 1)))
    network = FlipNetwork()
    data = network.prepare(torch.from_numpy(aiii_chains(3, rng=1).block_on_grid(8)))
    with pytest.raises(ShapeError, match="one entry for each of 3"):
        fit_flips(network, data, np.zeros(2, np.int64))
    assert isinstance(data.select(torch.tensor([0])), FlipData)


def test_no_samples_give_no_answers():
    answer = FlipNetwork().predict(np.zeros((0, 8, 2, 2)))
    assert answer.value.shape == (0,)
    assert "0 Hamiltonians" in repr(answer)


def test_the_certificate_disposes():
    network = load_pretrained("winding-1d")
    chains = hard_chains("long_range", 300, rng=8)
    truth = tp.certify_winding(chains).value
    plain = network.predict(chains, grid=8)
    answer = network.predict(chains, grid=8, certify=True)
    np.testing.assert_array_equal(answer.value, truth)
    np.testing.assert_array_equal(answer.proposed, plain.value)
    np.testing.assert_array_equal(answer.refuted, plain.value != truth)
    assert answer.certified.all()
    assert not answer.abstains.any()
    assert plain.abstains.any()
    np.testing.assert_array_equal(answer.confidence, 1.0)
    np.testing.assert_array_equal(answer.network_confidence, plain.confidence)
    assert plain.confidence.min() < 1.0
    assert "300 of 300" in repr(answer)
    planes = hard_planes("gaussian", 5, n_bands=3, n_occupied=2, rng=1)
    answer = load_pretrained("chern-2d").predict(planes, certify=True)
    np.testing.assert_array_equal(answer.value, tp.certify_chern(planes).value)
    with pytest.raises(InputError, match="`certify` must be False"):
        network.predict(chains.block_on_grid(8), certify=True)
    with pytest.raises(InputError, match="`grid` must be left out"):
        network.predict(chains.block_on_grid(8), grid=8)


def test_hoppings_beyond_the_grid_are_not_taken_for_shorter_ones():
    network = load_pretrained("winding-1d")
    far = np.zeros((30, 1, 1), complex)
    far[0], far[29] = 0.3, 1.0
    chain = tp.ChiralHamiltonian.from_array(0, far)
    answer = network.predict(chain, grid=32)
    assert not answer.reconstructed
    three = hard_chains("gaussian", 50, rng=1).block_on_grid(3)
    assert not network.predict(three).reconstructed.any()
    third = np.array([0.3, 1.0, 0.0, 1.0], complex).reshape(4, 1, 1)
    samples = tp.ChiralHamiltonian.from_array(0, third).block_on_grid(4)
    assert not network.predict(samples).reconstructed


@pytest.mark.parametrize("gap", [1e-8, 1e-7, 1e-6])
def test_gaps_that_rounding_can_close_are_not_called_sure(gap):
    hop = 1.0 + gap * np.linspace(-1.0, 1.0, 50)
    samples = tp.models.ssh(1.0, hop).block_on_grid(16).astype(np.complex64)
    assert not load_pretrained("winding-1d").predict(samples).reconstructed.any()


def test_samples_of_planes_must_be_hermitian_with_a_gap():
    network = load_pretrained("chern-2d")
    h_k = tp.models.qwz(1.0).on_grid((8, 8))
    rounded = h_k + 1e-8 * np.triu(np.ones((2, 2)), 1)
    assert network.predict(rounded).value == tp.certify_chern(tp.models.qwz(1.0)).value
    with pytest.raises(InputError, match="Hermitian"):
        network.predict(h_k + 0.1j * np.eye(2))
    assert not network.predict(np.tile(np.eye(2), (8, 8, 1, 1)), n_occupied=1).reconstructed
    with pytest.raises(InputError, match="`n_occupied` must lie"):
        network.predict(class_a(1, n_bands=3, rng=1).on_grid(8), n_occupied=3)
    with pytest.raises(InputError, match="must not vanish"):
        network.predict(1e-320 * h_k)


def test_half_filling_is_not_assumed():
    named = class_a(1, n_bands=4, n_occupied=2, rng=1)[0]
    pairs = zip(map(tuple, named.vectors.tolist()), named.amplitudes, strict=True)
    silent = tp.FourierHamiltonian(dict(pairs))
    network = load_pretrained("chern-2d")
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        network.predict(silent)
    assert network.predict(silent, n_occupied=2, certify=True).certified.all()


@pytest.mark.parametrize("reach", [8, 16, 31, 32, 33, 64])
def test_the_grid_follows_the_range_of_a_hamiltonian(reach):
    chain = tp.ChiralHamiltonian({0: 0.5 * np.eye(2) + 0j, reach: np.eye(2) + 0j})
    network = load_pretrained("winding-1d")
    answer = network.predict(chain)
    assert (int(answer.value), bool(answer.unfamiliar)) == (2 * reach, False)
    plane = tp.models.qwz(-1.0)
    far = tp.FourierHamiltonian(
        {tuple(reach * R): m for R, m in zip(plane.vectors, plane.amplitudes, strict=True)}
    )
    # on so few points harmonics of other orders are seen
    for points, model, name in ((32, chain, "winding-1d"), (16, far, "chern-2d")):
        coarse = load_pretrained(name).predict(model, grid=points)
        if reach >= points:
            assert coarse.unfamiliar
            assert coarse.abstains


def test_answers_that_a_finer_grid_contradicts_are_unfamiliar():
    # the bands touch nearly in a point of third order on the grid: no phase is near pi
    network = load_pretrained("chern-2d")
    hidden = tp.models.higher_chern([0.025, 1.0], 3)
    answer = network.predict(hidden, reconstruct=False)
    assert answer.value.tolist() == [-1, -3]
    assert tp.certify_chern(hidden).value.tolist() == [-3, -3]
    assert answer.confidence[0] > 0.99
    assert answer.unfamiliar.tolist() == [True, False]
    assert answer.abstains.tolist() == [True, False]
