from __future__ import annotations

import multiprocessing
import pickle
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import h5py
import numpy as np
import pytest

import topophys as tp
from topophys.datasets import open_dataset, schema
from topophys.errors import DatasetError, InputError, ShapeError


@pytest.fixture(scope="module")
def plain(path):
    """What h5py itself reads."""
    with h5py.File(path) as file:
        groups = (schema.DIGESTS, schema.CHECKSUMS)
        return {name: file["train"][name][()] for name in file["train"] if name not in groups}


INDICES = [
    0, -1, 17, np.int64(3), slice(None), slice(3, 9), slice(None, None, -7), slice(5, 5),
    [4, 2, 2, -1], np.array([100, 0]), np.arange(150) % 3 == 0, slice(-4, None),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_a_split_indexes_like_an_array(dataset, plain, index):
    split = dataset.split("train")
    if getattr(index, "dtype", None) == np.bool_:
        index = np.resize(index, len(split))
    sample = split[index]
    assert tuple(sample) == split.fields == tuple(f.name for f in schema.FIELDS[dataset.kind])
    for name, array in sample.items():
        assert np.array_equal(array, plain[name][index])
        assert array.flags.writeable
        assert array.flags.owndata
    x, label = split.read("x", "label", index=index)
    assert np.array_equal(x, sample["x"])
    assert np.array_equal(label, sample["label"])


def test_shapes_and_dtypes_are_those_of_the_schema(dataset, kind):
    for name in dataset.splits:
        split = dataset.split(name)
        s, grid = len(split), split.grid
        shapes = {
            "winding": {
                "x": (s, *grid, 8),
                "hoppings": (s, 5, 2, 2),
                "alpha": (s, *grid),
                "dalpha": (s, *grid),
            },
            "chern": {"x": (s, *grid, 3), "hoppings": (s, 9, 3), "flux": (s, *grid)},
        }[kind] | {"label": (s,), "gap_bound": (s,), "seed_key": (s, 3)}
        assert {f: a.shape for f, a in split[:].items()} == shapes
        assert {f: split.shape(f) for f in split.fields} == shapes
        for field in schema.FIELDS[kind]:
            assert split.view(field.name).dtype == np.dtype(field.dtype)
            assert not split.view(field.name).flags.writeable


def test_x_and_targets_are_what_their_meaning_says(dataset, kind):
    split = dataset.split("train")
    h, sample = split.hamiltonians(), split[:]
    if kind == "winding":
        block = h.block_on_grid(32)
        entries = sample["x"].reshape(-1, 32, 2, 2, 2)
        seen = entries[..., 0] + 1j * entries[..., 1]
        assert np.allclose(seen, tp.flatten_block(block), atol=1e-6)
        assert np.allclose(sample["alpha"], tp.winding_angle(block), atol=1e-12)
        assert np.allclose(sample["dalpha"].sum(-1), 2 * np.pi * tp.winding_number(block))
    else:
        d = h.d_on_grid((8, 8))
        assert np.allclose(sample["x"], tp.flatten_d(d), atol=1e-6)
        assert np.allclose(sample["flux"].sum((-2, -1)), 2 * np.pi * tp.chern_number_from_d(d))


def test_hamiltonians_are_rebuilt_to_the_bit(dataset, kind):
    split = dataset.split("beyond")
    (stored,) = split.read("hoppings")
    batch = split.hamiltonians()
    assert len(batch) == len(split)
    rebuilt = batch.block_amplitudes if kind == "winding" else batch.d_amplitudes
    assert rebuilt.tobytes() == stored.tobytes()
    assert split.hamiltonians(3).batch_shape == ()
    assert split.hamiltonians([1, 2]).batch_shape == (2,)
    proof = (tp.certify_winding if kind == "winding" else tp.certify_chern)(batch)
    assert np.array_equal(proof.value, split.read("label")[0])


def test_the_whole_data_set_indexes_split_after_split(dataset):
    n = len(dataset.split("train"))
    assert len(dataset) == sum(len(dataset.split(s)) for s in dataset.splits)
    assert np.array_equal(dataset[n]["hoppings"], dataset.split("val")[0]["hoppings"])
    mixed = dataset[[n + 1, 3, n, -len(dataset)]]
    for row, index in enumerate([n + 1, 3, n, 0]):
        assert np.array_equal(mixed["x"][row], dataset[index]["x"])
    assert len(dataset[2:2]["label"]) == 0
    with pytest.raises(IndexError):
        dataset[len(dataset)]


def test_splits_on_different_grids_are_not_mixed(files):
    dataset = open_dataset(files / "winding.h5")
    with pytest.raises(ShapeError, match="must have one shape to be read together"):
        dataset[[0, -1]]


def test_wrong_names_and_indices(dataset):
    split = dataset.split("train")
    with pytest.raises(InputError, match=r"no field 'lable' \(did you mean `label`\?\)"):
        split.read("lable")
    with pytest.raises(InputError, match=r"no split 'trian' \(did you mean `train`\?\)"):
        dataset.split("trian")
    with pytest.raises(IndexError):
        split[len(split)]
    with pytest.raises(InputError, match="must select samples"):
        split[0, 1]


def test_a_closed_file_says_so(path):
    with open_dataset(path) as dataset:
        split = dataset.split("train")
        before = split[0]["x"].copy()
    with pytest.raises(DatasetError, match="is closed; open it again"):
        split[0]
    assert np.isfinite(before).all()


def _checksum(split):
    return float(split.read("x")[0].sum()), split.name


@pytest.mark.process
def test_other_processes_and_threads_read_the_same(dataset):
    split = dataset.split("train")
    expected = _checksum(split)
    assert _checksum(pickle.loads(pickle.dumps(dataset)).split("train")) == expected
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(_checksum, [split] * 8)) == {expected}
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            assert pool.submit(_checksum, split).result() == expected


def test_a_file_that_may_only_be_read(copy):
    copy.chmod(stat.S_IREAD)
    with open_dataset(copy) as dataset:
        assert np.isfinite(dataset[0]["x"]).all()


def test_a_file_that_was_replaced_is_not_read_with_old_offsets(copy):
    dataset = open_dataset(copy)
    copy.unlink()
    copy.write_bytes(b"something else")
    with pytest.raises(DatasetError, match="has changed; open it again"):
        dataset[0]
    copy.unlink()
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset[0]


def test_torch_sees_x_and_label(dataset):
    torch = pytest.importorskip("torch")
    x, label = dataset.split("train").read("x", "label")
    for in_memory in (True, False):
        view = dataset.torch("train", in_memory=in_memory)
        assert len(view) == len(x)
        assert view[3][0].dtype == torch.float32
        assert view[3][1].dtype == torch.int64
        loader = torch.utils.data.DataLoader(view, batch_size=64, shuffle=False)
        batches = list(loader)
        assert np.array_equal(torch.cat([b[0] for b in batches]), x)
        assert np.array_equal(torch.cat([b[1] for b in batches]), label)


@pytest.mark.process
def test_torch_workers_read_from_disk(files):
    torch = pytest.importorskip("torch")
    with open_dataset(files / "winding.h5") as dataset:
        view = dataset.torch("val", in_memory=False)
        loader = torch.utils.data.DataLoader(view, batch_size=16, num_workers=1)
        labels = torch.cat([label for _, label in loader])
        assert np.array_equal(labels, dataset.split("val").read("label")[0])


def test_names_sizes_and_cards_show(dataset):
    assert "samples" in repr(dataset)
    assert "k points" in repr(dataset.split("train"))
    card = dataset.card()
    for name in dataset.splits:
        assert f"| {name} | {len(dataset.split(name))} |" in card
    assert dataset.recipe.to_toml() in card
    assert dataset.attributes["recipe_digest"] == dataset.recipe.digest
