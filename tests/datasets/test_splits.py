"""Splits with rules of their own: small gaps, other families, other gauges, noise."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import topophys as tp
from topophys._random import keyed_generator
from topophys.datasets import Recipe, draw_shard, draws, generate, open_dataset, schema, verify
from topophys.datasets.families import family_of
from topophys.datasets.shards import WIDE
from topophys.errors import RecipeError

TABLES = {
    "winding": {
        "hamiltonian": {"family": "aiii_chains", "n_orbitals": 2, "hopping_range": 2},
        "label": {"invariant": "winding", "min_gap": 0.1},
        "input": {"grid": [16]},
        "other": [
            {"family": "ssh_copies", "n_orbitals": 2, "hopping_range": 3},
            {"family": "disordered_ssh", "n_orbitals": 2, "hopping_range": 1, "disorder": 1.5},
        ],
    },
    "chern": {
        "hamiltonian": {"family": "two_band", "hopping_range": 1},
        "label": {"invariant": "chern", "min_gap": 0.1},
        "input": {"grid": [8, 6]},
        "other": [
            {"family": "qwz", "hopping_range": 1},
            {"family": "haldane", "hopping_range": 2},
        ],
    },
    "bands": {
        "hamiltonian": {
            "family": "class_a", "n_bands": 3, "n_occupied": 2, "hopping_range": 1
        },
        "label": {"invariant": "chern", "min_gap": 0.1},
        "input": {"grid": [6, 8]},
        "other": [],
    },
}  # fmt: skip


def make(kind):
    tables = TABLES[kind]
    size = 8 if kind == "bands" else 20  # proofs of many bands take their time
    plain = {"size": size, "classes": [0, 1]}
    longer = {"winding": 3, "chern": 2, "bands": 1}[kind]  # longer ranges have small gaps
    splits = [
        {"name": "train", **plain},
        {"name": "test", **plain},
        {"name": "near_critical", **plain, "min_gap": 0.02, "max_gap": 0.1},
        {"name": "coarser_grid", **plain, "grid": [n // 2 for n in tables["input"]["grid"]]},
        {"name": "longer", **plain, "hopping_range": longer},
        {"name": "gauge", **plain, "gauge_of": "test"},
        {"name": "noisy", **plain, "noise": 0.2},
        {"name": "noisy_gauge", **plain, "noise": 0.1, "gauge_of": "noisy"},
        *(
            {"name": f"other_family_{i}", "size": 12, "classes": [0, 1], "hamiltonian": table}
            for i, table in enumerate(tables["other"])
        ),
    ]
    rest = {key: tables[key] for key in ("hamiltonian", "label", "input")}
    return Recipe.from_dict({"name": f"splits-{kind}", "seed": 41, **rest, "split": splits})


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
    for h, k, bound in zip(batch, proof.k_seen, split.read("gap_bound")[0], strict=True):
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
        assert "standard deviation 0.2" in file["noisy/x"].attrs["meaning"]
        assert "clean" in file["noisy/x"].attrs["meaning"]
        assert "noise" not in file["train/x"].attrs["meaning"]
        assert "noise" not in file["noisy/hoppings"].attrs["meaning"]


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
    assert "- `near_critical`: gap at least 0.02, and seen to be below 0.1." in card
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


def test_random_matrices_are_uniform():
    rng = np.random.default_rng(1)
    u = draws.unitaries(4000, 3, rng)
    assert np.allclose(u @ np.conj(np.swapaxes(u, 1, 2)), np.eye(3))
    assert abs(np.trace(u, axis1=1, axis2=2).mean()) < 0.06
    assert abs((np.abs(np.trace(u, axis1=1, axis2=2)) ** 2).mean() - 1.0) < 0.1
    o = draws.rotations(4000, rng)
    assert np.allclose(o @ np.swapaxes(o, 1, 2), np.eye(3))
    assert np.allclose(np.linalg.det(o), 1.0)
    assert abs((np.trace(o, axis1=1, axis2=2) ** 2).mean() - 1.0) < 0.1
    assert np.abs(o.mean(0)).max() < 0.05


def test_bands_have_the_shapes_of_the_schema():
    recipe = make("bands")
    arrays = draw_shard(recipe, "train", 0).arrays
    assert arrays["x"].shape == (8, 6, 8, 18)
    assert arrays["hoppings"].shape == (8, 9, 3, 3)
    assert arrays["flux"].shape == (8, 6, 8)
    total = arrays["flux"].sum((1, 2)) / (2 * np.pi)
    assert np.allclose(total, np.rint(total), atol=1e-9)
    assert [f.name for f in schema.FIELDS["bands"]] == list(arrays)
    q = arrays["x"].astype(float).view(np.complex128).reshape(8, 6, 8, 3, 3)
    assert np.allclose(q @ q, np.eye(3), atol=1e-5)
    assert np.allclose(np.trace(q, axis1=-2, axis2=-1), -1.0, atol=1e-5)  # two filled, one empty


MISTAKES = [
    ({"max_gap": 0.05}, "max_gap` must be larger than `min_gap`, 0.1, but is 0.05"),
    ({"noise": -1.0}, "noise` must be greater than 0"),
    ({"gauge_of": "nothing"}, "must be the name of another split"),
    ({"gauge_of": "extra"}, "must be the name of another split"),
    ({"gauge_of": "train", "size": 21}, "must have the size and classes of split 'train'"),
    ({"gauge_of": "train", "min_gap": 0.2}, "min_gap` must be left out with `gauge_of`"),
    ({"hamiltonian": {"family": "qwz", "hopping_range": 1}}, "must be of the same kind as"),
    ({"hamiltonian": {"family": "ssh_copies", "hopping_range": 2, "n_orbitals": 3}},
     "as many orbitals or bands as the recipe"),
    ({"hamiltonian": {"family": "disordered_ssh", "hopping_range": 2}}, "disorder` is missing"),
    ({"hamiltonian": {"family": "aiii_chains", "hopping_range": 2, "disorder": 1.0}},
     "disorder` must be left out for the family 'aiii_chains'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), MISTAKES, ids=range(len(MISTAKES)))
def test_impossible_splits_are_refused_in_one_line(change, message):
    data = make("winding").model_dump(exclude_none=True)
    data["split"] = (
        *data["split"][:2],
        {"name": "extra", "size": 20, "classes": (0, 1), **change},
    )
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.from_dict(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bands": 3, "n_occupied": 3}, "n_occupied` must be smaller than `n_bands`, 3"),
        ({"n_occupied": 1}, "n_bands` is missing for the family 'class_a'"),
        ({"n_bands": 3, "n_orbitals": 2}, "n_orbitals` must be left out for the family 'class_a'"),
    ],
    ids=range(3),
)
def test_impossible_bands_are_refused_in_one_line(change, message):
    data = make("bands").model_dump(exclude_none=True)
    data["hamiltonian"] = {"family": "class_a", "hopping_range": 1, **change}
    with pytest.raises(RecipeError, match=message):
        Recipe.from_dict(data)


def test_gaps_of_chains_with_many_orbitals_are_sharp():
    """What is left out has a gap below the threshold; what is kept has not: no third kind."""
    recipe = Recipe.from_dict(
        {
            "name": "four",
            "seed": 9,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 4, "hopping_range": 2},
            "label": {"invariant": "winding", "min_gap": 0.05},
            "input": {"grid": [8]},
            "split": [{"name": "train", "size": 2, "classes": [0]}],
        }
    )
    family = family_of(recipe, recipe.part("train"))
    hoppings = family.draw(120, np.random.default_rng(3))
    proof = family.certify(hoppings, 0.05)
    chains = tp.ChiralHamiltonian.from_array(-2, hoppings)
    gap = 2 * np.linalg.svd(chains.block_on_grid(1024), compute_uv=False)[..., -1].min(-1)
    # a grid shows gaps from above, and no more than its step times the slope too large
    assert (gap[proof.certified] >= 0.05).all()
    assert (proof.gap_bound <= gap).all()
    assert (gap[~proof.certified] < 0.06).all()
    assert 20 < proof.certified.sum() < 100
    assert (proof.gap_seen[~proof.certified] < 0.05).mean() > 0.9
    assert proof.quantity == "winding number"
    wanted = tp.certify_winding(chains).value
    assert np.array_equal(proof.value[proof.certified], wanted[proof.certified])
    assert (proof.value[~proof.certified] == np.iinfo(np.int64).min).all()
