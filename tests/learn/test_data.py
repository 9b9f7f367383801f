"""Batches from memory, disk and the generator: each sample once, resumable at any place."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from tests.integration.artefacts import RECIPE
from topophys._random import blocks_in_order, keyed_generator, shuffled_buffers
from topophys.datasets import Recipe, draw_shard, open_dataset
from topophys.errors import RecipeError
from topophys.learn import BatchDataset
from topophys.learn.data import Batch, InMemoryLoader, OnTheFlyLoader, StreamingLoader

ENDLESS = {
    "name": "endless",
    "split": [{"name": "train", "size": 2000, "classes": [-1, 0, 1], "grid": [8]}],
}


@pytest.fixture(scope="module")
def sources(chains_file):
    """One source of each kind, with local targets."""
    fields = ("x", "label", "dalpha")
    with open_dataset(chains_file) as data:
        split = data.split("train")
        memory = InMemoryLoader(Batch(*map(torch.from_numpy, split.read(*fields))), seed=4)
        recipe = Recipe.from_dict(RECIPE | ENDLESS)
        yield memory, StreamingLoader(split, 4, "dalpha"), OnTheFlyLoader(recipe, "train", "dalpha")


def keys(batches):
    """What tells samples apart, and what belongs to them."""
    return [
        (float(x[0, 0]), int(label), float(local[1]))
        for batch in batches
        for x, label, local in zip(batch.x, batch.label, batch.local_targets, strict=True)
    ]


def test_every_sample_comes_once(sources, chains_file):
    with open_dataset(chains_file) as data:
        split = data.split("train")
        x, label, local = split.read("x", "label", "dalpha")
    expected = sorted(zip(x[:, 0, 0].tolist(), label.tolist(), local[:, 1].tolist(), strict=True))
    for source in sources[:2]:
        assert sorted(keys(source.batches(0, 100))) == expected


def test_generated_samples_continue_those_of_the_data_set(sources):
    recipe = Recipe.from_dict(RECIPE | ENDLESS)
    made = draw_shard(recipe.model_copy(), "train", 0).arrays
    source = sources[2]
    assert source.size == 2048
    first, second = (keys(source.batches(epoch, 128)) for epoch in (0, 1))
    # the shard of the data set is cut short at 2,000, but its classes are filled in the same order
    assert {k[0] for k in first} >= set(made["x"][:, 0, 0].tolist())
    assert not set(first) & set(second)
    assert len(set(first)) == 2048


@pytest.mark.parametrize("which", [0, 1, 2])
def test_epoch_can_start_at_any_step_and_be_split_over_ranks(sources, which):
    source = sources[which]
    whole = list(source.batches(3, 60))
    assert len(whole) == source.size // 60
    late = list(source.batches(3, 60, skip=7))
    assert keys(late) == keys(whole[7:])
    shares = [keys(source.batches(3, 60, skip=30, rank_slice=slice(r, None, 4))) for r in range(4)]
    assert sorted(k for share in shares for k in share) == sorted(keys(whole[30:]))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_epochs_differ(sources, which):
    one, two = (keys(sources[which].batches(epoch, 100)) for epoch in (0, 1))
    assert one != two
    assert one == keys(sources[which].batches(0, 100))


def test_batches_that_reach_over_the_end_of_a_shard():
    recipe = Recipe.from_dict(
        RECIPE | {"split": [{"name": "train", "size": 4096, "classes": [-1, 0, 1], "grid": [4]}]}
    )
    source = OnTheFlyLoader(recipe, "train")
    batches = list(source.batches(0, 1500))
    assert [len(batch) for batch in batches] == [1500, 1500]
    joined = torch.cat([batch.x for batch in batches])
    shards = [draw_shard(recipe, "train", s).arrays["x"] for s in (0, 1)]
    np.testing.assert_array_equal(joined.numpy(), np.concatenate(shards)[:3000])
    assert batches[0].local_targets is None


def test_streaming_order_is_a_permutation_in_blocks(chains_file):
    with open_dataset(chains_file) as data:
        order = StreamingLoader(data.split("train"), 4)._order(0)
    assert sorted(order.tolist()) == list(range(3000))
    assert order.tolist() != sorted(order.tolist())


@given(
    st.integers(1, 3000),
    st.integers(1, 97),
    st.integers(1, 700),
    st.integers(1, 300),
    st.integers(0),
)
def test_buffers_hold_every_sample_once_and_whole_batches(size, block, buffer, multiple, seed):
    rng = keyed_generator(seed)
    index = blocks_in_order(rng.permutation(-(-size // block)), block, size)
    assert sorted(index.tolist()) == list(range(size))
    ends = [min(start + buffer, size) for start in range(0, size, buffer)]
    *whole, last = shuffled_buffers(index, ends, rng, multiple)
    assert all(len(rows) % multiple == 0 for rows in whole)
    assert sorted(np.concatenate([*whole, last]).tolist()) == list(range(size))
    read = 0
    for end, rows in zip(ends, whole, strict=False):  # a last buffer that is whole is in `last`
        read += len(rows)
        # what is read so far, and no more, has been shuffled
        assert end - multiple < read <= end
        assert set(rows.tolist()) <= set(index[:end].tolist())


@pytest.mark.parametrize("workers", [0, 2])
def test_batch_dataset_keeps_the_order_of_the_loader_for_any_number_of_workers(
    chains_file, workers
):
    with open_dataset(chains_file) as data:
        batches = BatchDataset(data, "train", 700, seed=4)
        batches.set_epoch(2)
        found = list(DataLoader(batches, batch_size=None, num_workers=workers))
        expected = list(batches.loader.batches(2, 700))
    assert len(found) == len(batches) == len(expected) == 4
    for (x, label), batch in zip(found, expected, strict=True):
        assert torch.equal(x, batch.x)
        assert torch.equal(label, batch.label)


def test_batch_dataset_refuses_unknown_splits(chains_file):
    with open_dataset(chains_file) as data, pytest.raises(RecipeError, match="`split`"):
        BatchDataset(data, "nowhere", 10)
