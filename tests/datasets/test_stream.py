"""Batches from disk: every sample once, shuffled, the same for a seed, with any workers."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.markers import others_slow
from topophys.datasets import Recipe, generate, open_dataset
from topophys.errors import InputError

SIZE = 20_000


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    recipe = Recipe.from_dict(
        {
            "name": "stream",
            "seed": 51,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 1, "hopping_range": 1},
            "label": {"invariant": "winding", "min_gap": 0.02},
            "input": {"grid": [4], "flatten_bands": False},
            "split": [
                {"name": "train", "size": SIZE, "classes": [-1, 0, 1]},
                {"name": "val", "size": 90, "classes": [-1, 0, 1]},
            ],
        }
    )
    path = tmp_path_factory.mktemp("stream") / "a.h5"
    generate(recipe, path, workers=2, progress=False)
    return path


def numbers(batches, dataset):
    """Which samples the batches hold, found by their inputs, and that labels go with them."""
    x, label = dataset.split("train").read("x", "label")
    place = {row.tobytes(): i for i, row in enumerate(x)}
    assert len(place) == SIZE
    found = []
    for part, values in batches:
        rows = [place[row.tobytes()] for row in part.numpy()]
        assert np.array_equal(label[rows], values.numpy())
        found += rows
    return found


def test_every_sample_comes_once_in_random_order(path):
    with open_dataset(path) as dataset:
        batches = list(dataset.torch("train", batch_size=512))
        assert [len(b) for _, b in batches] == [512] * (SIZE // 512) + [SIZE % 512]
        assert batches[0][0].dtype == torch.float32
        assert batches[0][1].dtype == torch.int64
        order = numbers(batches, dataset)
        assert sorted(order) == list(range(SIZE))
        # neighbours in the file are apart, and a batch comes from all over it
        assert (np.abs(np.diff(order)) == 1).mean() < 0.02
        assert len({i // 256 for i in order[:512]}) > 20


def test_orders_follow_the_seed_and_change_from_pass_to_pass(path):
    with open_dataset(path) as dataset:
        first = dataset.torch("train", batch_size=512, seed=1)
        one, two = numbers(first, dataset), numbers(first, dataset)
        assert one != two
        assert sorted(two) == list(range(SIZE))
        again = dataset.torch("train", batch_size=512, seed=1)
        assert numbers(again, dataset) == one
        assert numbers(dataset.torch("train", batch_size=512, seed=2), dataset) != one


@pytest.mark.process
@pytest.mark.parametrize("method", others_slow(["fork", "spawn"], quick={"fork"}))
def test_workers_share_the_work(path, method):
    with open_dataset(path) as dataset:
        stream = dataset.torch("train", batch_size=300)
        loader = DataLoader(stream, batch_size=None, num_workers=2, multiprocessing_context=method)
        torch.manual_seed(3)
        one = numbers(loader, dataset)
        assert sorted(one) == list(range(SIZE))
        if method == "fork":
            two = numbers(loader, dataset)
            assert sorted(two) == list(range(SIZE))
            assert one != two
            torch.manual_seed(3)
            assert numbers(loader, dataset) == one


def test_small_splits_and_large_batches(path):
    with open_dataset(path) as dataset:
        (only,) = dataset.torch("val", batch_size=1000)
        assert len(only[1]) == 90
        with pytest.raises(InputError, match="`batch_size` must be at least 1"):
            dataset.torch("val", batch_size=0)


@pytest.mark.process
def test_a_map_from_disk_with_two_workers(path):
    with open_dataset(path) as dataset:
        view = dataset.torch("val", in_memory=False)
        loader = DataLoader(view, batch_size=16, num_workers=2)
        labels = torch.cat([label for _, label in loader])
        assert np.array_equal(labels, dataset.split("val").read("label")[0])


def test_labels_go_to_pandas(path):
    import pandas as pd

    with open_dataset(path) as dataset:
        table = dataset.to_pandas()
        assert list(table.columns) == ["split", "index", "label", "gap_bound", "shard", "draw"]
        assert len(table) == SIZE + 90
        assert isinstance(table, pd.DataFrame)
        val = table[table.split == "val"]
        assert np.array_equal(val.label, dataset.split("val").read("label")[0])
        assert val["index"].tolist() == list(range(90))
        assert (val.gap_bound >= 0.02).all()


@pytest.mark.parametrize(("library", "words"), [("pandas", []), ("xarray", ["val"])])
def test_without_the_library_one_line_says_so(path, monkeypatch, library, words):
    monkeypatch.setitem(sys.modules, library, None)
    with (
        open_dataset(path) as dataset,
        pytest.raises(InputError, match=rf"pip install 'topophys\[{library}\]'") as caught,
    ):
        getattr(dataset, f"to_{library}")(*words)
    assert "\n" not in str(caught.value)


def test_a_split_goes_to_xarray(path):
    import xarray as xr

    with open_dataset(path) as dataset:
        val, table = dataset.split("val"), dataset.to_xarray("val")
        assert isinstance(table, xr.Dataset)
        assert table.sizes["sample"] == 90
        assert table.x.dims == ("sample", "k", "channel")
        assert table.hoppings.dims == ("sample", "R", "row", "column")
        assert np.array_equal(table.R, val.vectors[:, 0])
        for name in set(val.fields) - {"seed_key"}:
            assert np.array_equal(table[name], val.read(name)[0])
        assert np.array_equal(table.draw, val.read("seed_key")[0][:, 2])
        # the Fourier sum, by the names of the axes
        phases = np.exp(1j * table.R * table.k)
        d_k = (table.hoppings * phases).sum("R")
        alpha = np.angle(np.linalg.det(d_k.transpose("sample", "k", "row", "column")))
        assert np.allclose(np.exp(1j * alpha), np.exp(1j * table.alpha))
        assert table.alpha.attrs["units"] == "rad"
        part = table.x.isel(sample=[3, 1], k=slice(0, 2))
        assert np.array_equal(part, val.read("x", index=[3, 1])[0][:, :2])
        assert table.gap_bound.groupby(table.label).count().to_numpy().tolist() == [30, 30, 30]


def test_two_dimensions_go_to_xarray(files):
    with open_dataset(files / "chern.h5") as dataset:
        table = dataset.to_xarray("test")
        assert table.flux.dims == ("sample", "kx", "ky")
        assert table.hoppings.dims == ("sample", "R", "component")
        k = table.Rx * table.kx + table.Ry * table.ky
        d = (table.hoppings * np.exp(1j * k)).sum("R").real
        unit = d / np.sqrt((d**2).sum("component"))
        wanted = table.x.transpose(*unit.dims)
        assert np.allclose(unit, wanted, atol=1e-6)
        with pytest.raises(InputError, match="no split 'nothing'"):
            dataset.to_xarray("nothing")


@pytest.mark.process
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounts need root")
def test_a_file_system_that_may_only_be_read(path, tmp_path):
    mount = tmp_path / "ro"
    mount.mkdir()
    bound = subprocess.run(
        ["mount", "--bind", str(path.parent), str(mount)], capture_output=True, check=False
    )
    # root without the right to mount, as in many containers: nothing to test there
    if bound.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        words = ["mount", "-o", "remount,ro,bind", str(mount)]
        # some kernels allow the mount but not the change of its flags
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("mounting is not permitted here")
        with pytest.raises(OSError):
            (mount / "b").write_text("x")
        with open_dataset(mount / "a.h5") as dataset:
            assert len(list(dataset.torch("train", batch_size=512))) == -(-SIZE // 512)
        command = [sys.executable, "-m", "topophys.cli", "verify", str(mount / "a.h5"),
                   "--recompute", "0.01", "--quiet"]  # fmt: skip
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    finally:
        subprocess.run(["umount", str(mount)], check=False)
