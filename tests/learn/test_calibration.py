"""Calibration of flip networks: promises, prediction sets, unfamiliar samples, files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import topophys as tp
from topophys.ensembles import hard_chains, hard_planes, mixed_chains, mixed_planes
from topophys.errors import InputError, ShapeError
from topophys.learn import FlipNetwork, load_flip_network, load_pretrained, save_flip_network
from topophys.learn._flip_features import FLOOR, of_unit_size
from topophys.learn.calibration import (
    COVERAGES,
    NEVER,
    Population,
    context_of,
    error_limit,
    fit_calibration,
)
from topophys.learn.flip_network import Posterior
from topophys.learn.layers import upsample_periodic

FEATURES = 3


def population(rng, n, *, high=-1.0, points=16.0, temperature=1.0, noise=-9.0):
    """Answers whose probabilities are right after division by a temperature."""
    odds = rng.normal(0.0, 2.0, (n, 6))
    column = (odds + rng.gumbel(size=odds.shape)).argmax(1)  # drawn from softmax of the odds
    context = np.stack([np.full(n, np.log(points)), rng.choice([0.0, 0.7], n),
                        np.full(n, noise), rng.normal(high, 0.3, n)], 1)  # fmt: skip
    summary = rng.standard_normal((n, FEATURES + 1))
    logs = torch.log_softmax(torch.from_numpy(temperature * odds), -1)
    return Population(points, logs, torch.from_numpy(context),
                      torch.from_numpy(summary), column)  # fmt: skip


def judged(found, p):
    return found.judge(p.logs, p.context, p.summary)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_is_found(temperature):
    rng = np.random.default_rng(1)
    found = fit_calibration([population(rng, 6000, temperature=temperature)], FEATURES)
    other = population(rng, 10, temperature=temperature)
    shown = found.temperature(other.context)
    np.testing.assert_allclose(shown, temperature, rtol=0.15)


@given(seed=st.integers(0, 10**6), promise=st.sampled_from([0.05, 0.1, 0.2]))
def test_thresholds_keep_their_promise_where_the_network_is_too_sure(seed, promise):
    rng = np.random.default_rng(seed)
    kinds = {"easy": (-4.0, 0.2), "hard": (0.0, 3.0)}  # much power in high harmonics: too sure
    given_ones = [population(rng, 1600, high=h, temperature=t) for h, t in kinds.values()]
    found = fit_calibration(given_ones, FEATURES, promise=promise)
    for high, temperature in kinds.values():
        fresh = population(rng, 1500, high=high, temperature=temperature)
        seen = judged(found, fresh)
        answered = seen.probabilities.max(1) >= seen.threshold
        wrong = answered & (seen.probabilities.argmax(1) != fresh.column)
        # two of the parts belong to each kind; fresh samples fluctuate
        assert binom.sf(wrong.sum() - 1, max(1, answered.sum()), 2.0 * promise) > 1e-4


def test_where_guessing_is_all_there_is_nothing_is_answered():
    rng = np.random.default_rng(3)
    good, guessing = population(rng, 2400, high=-4.0), population(rng, 2400, high=0.0)
    guessing = guessing._replace(column=rng.integers(0, 6, 2400))
    found = fit_calibration([good, guessing], FEATURES, promise=0.15)
    assert (judged(found, guessing).threshold == NEVER).all()
    assert (judged(found, good).threshold <= 1.0).all()
    # where nothing was measured nothing is promised
    noisy = population(rng, 20, noise=-2.0)
    assert (judged(found, noisy).threshold == NEVER).all()


@given(seed=st.integers(0, 10**6), n=st.integers(100, 1500))
def test_prediction_sets_contain_the_truth_as_often_as_they_say(seed, n):
    rng = np.random.default_rng(seed)
    found = fit_calibration([population(rng, n, temperature=1.5)], FEATURES)
    fresh = population(rng, 2000, temperature=1.5)
    seen = judged(found, fresh)
    truth = np.take_along_axis(seen.probabilities, fresh.column[:, None], 1)
    for i, coverage in enumerate(COVERAGES):
        inside = int((truth[:, 0] >= seen.smallest[:, i]).sum())
        # the coverage itself varies with the calibration: Beta, with 3 n / 16 scores in each part
        spread = 4.0 * np.sqrt(coverage * (1.0 - coverage) * (16.0 / (3.0 * n) + 1.0 / 2000))
        assert inside / 2000 > coverage - spread - 1e-3


def test_strange_samples_are_unfamiliar_and_few_others():
    rng = np.random.default_rng(5)
    found = fit_calibration([population(rng, 4000)], FEATURES)
    fresh = population(rng, 4000)
    assert judged(found, fresh).unfamiliar.mean() < 0.01
    assert judged(found, fresh._replace(summary=fresh.summary + 6.0)).unfamiliar.all()
    assert judged(found, population(rng, 50, points=8.0)).unfamiliar.all()


def test_gaps_smaller_than_those_of_the_calibration_are_unfamiliar():
    rng = np.random.default_rng(6)
    tight = torch.from_numpy(rng.normal(-1.0, 0.5, 4000))
    found = fit_calibration([population(rng, 4000)._replace(tight=tight)], FEATURES)
    fresh = population(rng, 4000)
    few = found.judge(fresh.logs, fresh.context, fresh.summary, tight).unfamiliar
    assert few[tight < -2.5].all()
    # half a percent for the gap, as much for the distance
    assert few.mean() < 0.02
    assert (few >= judged(found, fresh).unfamiliar).all()
    all_ = found.judge(fresh.logs, fresh.context, fresh.summary, tight - 6.0).unfamiliar
    assert all_.all()
    # without gaps in the calibration none is too small
    silent = fit_calibration([population(rng, 400)], FEATURES)
    low = silent.judge(fresh.logs, fresh.context, fresh.summary, torch.full((4000,), -50.0))
    assert low.unfamiliar.mean() < 0.05


@pytest.mark.parametrize("kind", ["winding", "chern"])
def test_smallest_gaps_are_those_next_to_the_candidates(kind):
    network = FlipNetwork(kind, candidates=4000)  # all of them
    if kind == "winding":
        chains = mixed_chains(5, n_orbitals=2, rng=3)
        samples = chains.block_on_grid(16)
        fine = upsample_periodic(of_unit_size(torch.from_numpy(samples)), 4, [1])
        fine = of_unit_size(fine)
        gap = torch.linalg.svdvals(fine)[..., -1] + FLOOR
    else:
        samples = mixed_planes(5, n_bands=3, n_occupied=1, rng=3).on_grid(6)
        fine = upsample_periodic(of_unit_size(torch.from_numpy(samples)), 2, [1, 2])
        level = torch.linalg.eigvalsh(fine)
        scale = level.square().mean((1, 2, 3)).sqrt()[:, None, None]
        gap = (level[..., 1] - level[..., 0]) / scale + 1e-3
    found = network.smallest_gap(network.prepare(torch.from_numpy(samples), 1))
    np.testing.assert_allclose(found, gap.flatten(1).amin(1).log(), rtol=1e-5)


def assert_same_verdicts(one, other):
    for name in ("value", "formula", "reconstructed", "unfamiliar", "abstains"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    np.testing.assert_allclose(other.confidence, one.confidence, atol=1e-4)
    np.testing.assert_allclose(other.threshold, one.threshold, atol=1e-4)


def test_units_bases_origins_and_batches_change_no_verdict_on_chains():
    network = load_pretrained("winding-1d")
    x = np.concatenate([
        hard_chains(name, 6, rng=3).block_on_grid(12)
        for name in ("gaussian", "long_range", "heavy_tails", "real")
    ])  # fmt: skip
    left, right = (
        np.linalg.qr(np.random.default_rng(s).standard_normal((2, 2)))[0] for s in (1, 2)
    )
    right[:, 0] *= np.sign(np.linalg.det(left) * np.linalg.det(right))
    one = network.predict(x)
    assert one.unfamiliar.any() or one.abstains.any()
    for y in (1e290 * x, x * 2.0**-900, np.roll(left @ x @ right, 5, axis=1)):
        assert_same_verdicts(one, network.predict(y))
    assert_same_verdicts(one, network.predict(x, batch_size=5))


def test_units_bases_origins_and_batches_change_no_verdict_on_planes():
    # a gap that closes nearly on the grid, which a finer one shows, among others
    network = load_pretrained("chern-2d")
    x = np.concatenate([
        tp.models.higher_chern([0.025, 1.0], 3).on_grid(16),
        hard_planes("heavy_tails", 4, rng=3).on_grid(16),
    ])  # fmt: skip
    u = np.linalg.qr(np.random.default_rng(1).standard_normal((2, 2)))[0]
    one = network.predict(x, reconstruct=False)
    assert one.unfamiliar[:2].tolist() == [True, False]
    for y in (1e290 * x, x * 2.0**-900, np.roll(u @ x @ u.T, (5, 2), axis=(1, 2))):
        assert_same_verdicts(one, network.predict(y, reconstruct=False))
    assert_same_verdicts(one, network.predict(x, reconstruct=False, batch_size=2))


def test_a_gap_that_closes_between_the_points_is_unfamiliar():
    # three Dirac points in one, of which the samples show a gap of a hundredth
    network = load_pretrained("chern-2d")
    answer = network.predict(tp.models.higher_chern([-1.99, -1.0], 3), reconstruct=False)
    assert answer.unfamiliar.tolist() == [True, False]
    assert answer.abstains.tolist() == [True, False]


@pytest.mark.parametrize("promise", [0.0, 1.0, -1.0, float("nan")])
def test_promises_that_mean_nothing_are_refused(promise):
    some = population(np.random.default_rng(1), 10)
    with pytest.raises(InputError, match="`promise` must be between 0 and 1"):
        fit_calibration([some], FEATURES, promise=promise)


def test_calibration_needs_samples():
    with pytest.raises(ShapeError, match="at least one population"):
        fit_calibration([], FEATURES)
    with pytest.raises(ShapeError, match="two samples or more"):
        fit_calibration([population(np.random.default_rng(1), 1)], FEATURES)


def test_error_limits_count_the_upper_end_of_the_interval():
    sure = np.linspace(0.5, 1.0, 400)
    right = np.ones(400, bool)
    assert error_limit(right, sure, 0.01) == 0.5
    assert error_limit(right[:200], sure[:200], 0.01) == NEVER  # too few to say so
    right[:50] = False
    assert 0.5 < error_limit(right, sure, 0.02) <= sure[60]


def test_context_tells_grid_bands_noise_and_range():
    k = tp.k_grid(16)
    near = np.exp(1j * k).reshape(1, 16, 1, 1)
    far = np.exp(6j * k).reshape(1, 16, 1, 1)
    seen = context_of(torch.from_numpy(np.concatenate([near, far])), torch.tensor([0.1, 0.1]))
    np.testing.assert_allclose(seen[:, 0], np.log(16.0))
    np.testing.assert_allclose(seen[:, 1], 0.0)
    assert seen[0, 3] < -10.0 < -0.1 < seen[1, 3]


def test_networks_keep_their_calibration_and_older_files_have_none(tmp_path):
    torch.manual_seed(0)
    network = FlipNetwork("winding", hidden=8, candidates=3)
    chains = mixed_chains(40, rng=1)
    samples = torch.from_numpy(tp.flatten_block(chains.block_on_grid(8)))
    plain = network.predict(samples.numpy(), reconstruct=False)
    assert plain.unfamiliar is None
    assert plain.threshold == 0.5
    with pytest.raises(InputError, match="needs a calibrated network"):
        plain.prediction_set()
    data = network.prepare(samples)
    label = tp.certify_winding(chains).value - data.base[:, 0].numpy() + 16
    with torch.no_grad():
        logs = network(data)
    one = Population(8.0, logs, *network.describe(samples, data), label)
    network.calibration = fit_calibration([one], len(network.mean), promise=0.3)
    again = load_flip_network(save_flip_network(network, tmp_path / "a.safetensors"))
    first, second = (n.predict(samples.numpy(), reconstruct=False) for n in (network, again))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    np.testing.assert_array_equal(first.threshold, second.threshold)
    np.testing.assert_array_equal(first.prediction_set(0.9), second.prediction_set(0.9))
    assert "unfamiliar" in repr(second)
    with pytest.raises(InputError, match=r"`coverage` must be one of 0\.9"):
        first.prediction_set(0.97)


def test_a_given_threshold_decides_alone():
    network = load_pretrained("winding-1d")
    chains = hard_chains("long_range", 60, rng=2).block_on_grid(8)
    assert not network.predict(chains, threshold=0.0).abstains.any()
    assert network.predict(chains, threshold=1.1).abstains.all()


@pytest.mark.parametrize(
    "options",
    [{"ranges": (0, 3)}, {"ranges": (3, 2)}, {"ranges": (1, 7)}, {"powers": (-1.0, 1.0)},
     {"powers": (2.0, 1.0)}],
)  # fmt: skip
def test_limits_of_mixtures_are_checked(options):
    name = next(iter(options))
    for draw in (mixed_chains, mixed_planes):
        with pytest.raises(InputError, match=f"`{name}` must be two (numbers|integers) between"):
            draw(2, **options)


def test_mixtures_keep_to_their_limits():
    chains = mixed_chains(50, ranges=(4, 5), powers=(0.0, 0.5), real=1.0, rng=3)
    sizes = np.abs(chains.block_amplitudes).max((0, 2, 3))
    assert (sizes[[0, 12]] == 0.0).all()
    assert (sizes[[1, 2, 10, 11]] > 0.0).all()
    planes = mixed_planes(20, ranges=(3, 3), rng=3)
    assert np.abs(planes.vectors).max() == 3


def test_error_limits_count_all_answers_of_equal_confidence():
    sure = np.r_[np.full(400, 1.0), np.full(100, 0.9)]
    right = np.r_[np.ones(300, bool), np.zeros(100, bool), np.ones(100, bool)]
    # 300 right ones come first, but a threshold of 1 answers 100 wrong ones with them
    assert error_limit(right, sure, 0.01) == NEVER
    assert error_limit(np.r_[right[:300], right[400:], right[300:400]], sure[::-1], 0.01) == NEVER
    sure[300:400] = 0.95
    assert error_limit(right, sure, 0.01) == 1.0


def test_a_posterior_says_where_no_confidence_is_enough():
    def shown(threshold, unfamiliar):
        one, three = np.full((3, 32), 1 / 32), np.zeros(3, int)
        return repr(Posterior(three, np.full(3, 0.9), three, one, three > 0, threshold,
                              unfamiliar=np.array(unfamiliar)))  # fmt: skip

    text = shown(np.array([0.5, NEVER, 0.75]), [False, False, False])
    assert "asked for        0.500 to 0.750\n" in text
    assert "no threshold     1 of 3" in text
    # nothing is said of samples that are silent for another reason, or by the user's own number
    assert "no threshold" not in shown(np.array([0.5, NEVER, 0.75]), [False, True, False])
    assert "asked for        2.000\n" in shown(NEVER, [False, False, False])
    assert "no threshold" not in shown(NEVER, [False, False, False])
    assert "asked for        none\n  no threshold     3 of 3" in shown(
        np.full(3, NEVER), [False, False, False]
    )
