"""Splits with other settings: small gaps, other families, other gauges, noise."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import topophys as tp
from tests.datasets.kinds import TABLES, make
from topophys._random import keyed_generator
from topophys.datasets import Recipe, draw_shard, generate, open_dataset, verify
from topophys.ensembles.rejection import WIDE


@pytest.fixture(scope="module", params=list(TABLES))
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def recipe(kind):
    return make(kind)


@pytest.fixture(scope="module")
def path(recipe, tmp_path_factory):
    path = tmp_path_factory.mktemp("splits") / "a.h5"
    generate(recipe, path, workers=2, progress=False)
    return path


@pytest.fixture
def dataset(path):
    with open_dataset(path) as opened:
        yield opened


def test_the_recipe_reads_back(recipe):
    assert Recipe.from_text(recipe.to_toml()) == recipe


def test_the_file_is_in_order(path, recipe):
    report = verify(path)
    assert report.ok, report.problems
    assert report.checked["gap below max_gap"] == recipe.part("train").size


def test_no_two_splits_share_a_hamiltonian(dataset):
    rows = []
    for name in dataset.splits:
        split = dataset.split(name)
        h, vectors = split.read("hoppings")[0], split.vectors
        near = np.flatnonzero(np.abs(vectors).max(1) <= 1)  # all ranges have these
        part = h[:, near].reshape(len(h), len(near), -1)
        rows.append(np.ascontiguousarray(part).reshape(len(h), -1).view(np.float64))
    every = np.concatenate(rows)
    assert len(np.unique(every, axis=0)) == len(dataset)


def test_small_gaps_are_small_and_proven(dataset, kind):
    split = dataset.split("near_critical")
    batch = split.hamiltonians()
    prove = tp.certify_winding if kind == "winding" else tp.certify_chern
    proof = prove(batch, min_gap=0.02)
    for h, k, bound in zip(batch, proof.k_at_gap_upper, split.read("gap_bound")[0], strict=True):
        e = np.linalg.eigvalsh(h.bloch(k))
        gap_there = e[h.n_occupied] - e[h.n_occupied - 1]
        assert 0.02 <= bound <= gap_there + 1e-12
        assert gap_there < 0.1 + 1e-9
    assert list(split.rejected)[-1] == WIDE
    assert split.rejected[WIDE] > 0
    assert split.drawn == len(split) + sum(split.rejected.values())


def test_the_gauge_split_shows_the_samples_of_its_source(dataset, kind):
    source, turned = dataset.split("test"), dataset.split("gauge")
    assert np.array_equal(source.read("label")[0], turned.read("label")[0])
    assert np.array_equal(source.read("seed_key")[0][:, 1:], turned.read("seed_key")[0][:, 1:])
    a, b = source.hamiltonians(), turned.hamiltonians()
    assert not np.isclose(source.read("hoppings")[0], turned.read("hoppings")[0]).any()
    # singular values of the coefficients do not depend on basis and origin
    for x, y in zip(_sizes(a, kind), _sizes(b, kind), strict=True):
        assert np.allclose(x, y, atol=1e-12)
    # nor do the bands, but the momenta are others
    few = 200 if kind == "winding" else (40, 40)
    low, high = (np.linalg.eigvalsh(h.on_grid(few)) for h in (a, b))
    axes = tuple(range(1, low.ndim - 1))
    assert np.allclose(low.mean(axes), high.mean(axes), atol=1e-4)
    assert not np.allclose(low, high, atol=1e-3)
    assert turned.drawn >= len(turned)


def _sizes(batch, kind):
    if kind == "chern":
        return np.linalg.norm(batch.d_amplitudes, axis=-1)
    amplitudes = batch.block_amplitudes if kind == "winding" else batch.amplitudes
    return np.linalg.svd(amplitudes, compute_uv=False)


def test_noise_is_on_the_input_alone_and_known(dataset, recipe, kind):
    for name, strength in (("noisy", 0.2), ("noisy_gauge", 0.1)):
        split = dataset.split(name)
        batch = split.hamiltonians()
        clean = {
            "winding": lambda h: _floats(tp.flatten_block(h.block_on_grid(16))),
            "chern": lambda h: tp.flatten_d(h.d_on_grid((8, 6))),
            "bands": lambda h: _floats(_flat(h)),
        }[kind](batch)
        x = split.read("x")[0]
        key = recipe.part(name).split_id
        noise = keyed_generator(recipe.seed, key, 0, 1).standard_normal(x.shape)
        assert np.allclose(x - clean, strength * noise, atol=3e-6)
        prove = tp.certify_winding if kind == "winding" else tp.certify_chern
        assert np.array_equal(prove(batch).value, split.read("label")[0])


def _floats(m):
    return np.stack([m.real, m.imag], axis=-1).reshape(*m.shape[:-2], -1)


def _flat(h):
    _, v = np.linalg.eigh(h.on_grid((6, 8)))
    return (v * np.where(np.arange(3) < 2, -1.0, 1.0)) @ np.conj(np.swapaxes(v, -1, -2))


def test_the_file_says_that_there_is_noise(path):
    with h5py.File(path) as file:
        names = ("noisy/x", "train/x", "noisy/hoppings")
        noisy, train, hoppings = (file[name].attrs["meaning"].decode() for name in names)
    assert "standard deviation 0.2" in noisy
    assert "clean" in noisy
    assert "noise" not in train
    assert "noise" not in hoppings


def test_changed_noise_is_found(path, tmp_path):
    copy = tmp_path / "a.h5"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        file["noisy/x"][7] += np.float32(1e-3)
    problems = verify(copy).problems
    assert "noisy: x computed from hoppings: wrong for 1 (index 7)" in problems


def test_a_fraction_of_a_noisy_split_can_be_verified(path):
    assert verify(path, recompute=0.2).ok


def test_cards_tell_what_is_special(dataset, kind):
    card = dataset.card()
    assert "- `gauge`: sample i is sample i of `test`" in card
    assert "- `near_critical`: gap at least 0.02, and observed to be below 0.1." in card
    assert "- `noisy`: `x` has Gaussian noise of standard deviation 0.2" in card
    if kind == "chern":
        assert "- `other_family_1`: Haldane Hamiltonians" in card
    assert "- `train`" not in card


def test_other_families_are_what_they_say(kind):
    recipe = make(kind)
    for name in (s.name for s in recipe.split if s.name.startswith("other")):
        arrays = draw_shard(recipe, name, 0).arrays
        h = arrays["hoppings"]
        if kind == "chern":
            assert np.allclose((np.abs(h) ** 2).sum((1, 2)), 1.0)
            # both models have a d-vector in a plane through R = 0, turned by a rotation
            assert np.allclose(h[:, ::-1].conj(), h, atol=0)
        else:
            assert np.allclose((np.abs(h) ** 2).sum((1, 2, 3)), 2.0)
            values = np.unique(arrays["label"])
            assert values.tolist() == [0, 1]
