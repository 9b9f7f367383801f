"""Arrays with a mask and tensors with a gradient: one line, and no silent answer."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError


def test_masked_entries_are_refused():
    block = np.ma.masked_array(np.ones((4, 1, 1)), mask=np.arange(4).reshape(4, 1, 1) == 0)
    with pytest.raises(InputError, match="1 of 4 are masked") as caught:
        tp.winding_number(block)
    assert "\n" not in str(caught.value)
    assert tp.winding_number(np.ma.masked_array(np.ones((4, 1, 1)))) == 0


def test_tensors_with_a_gradient_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"`\.detach\(\)`"):
        tp.winding_number(torch.ones(4, 1, 1, requires_grad=True))
    assert tp.winding_number(torch.ones(4, 1, 1)) == 0


def test_samples_are_not_chosen_by_what_is_masked(tiny_file):
    from topophys.datasets import open_dataset

    with open_dataset(tiny_file) as data:
        split = data.split("train")
        with pytest.raises(InputError, match="1 of 3 are masked"):
            split.read("label", index=np.ma.masked_array([0, 1, 2], mask=[0, 1, 0]))
        torch = pytest.importorskip("torch")
        with pytest.raises(InputError, match=r"`\.detach\(\)`"):
            split.read("label", index=torch.ones(3, requires_grad=True))
        assert split.read("label", index=np.ma.masked_array([0, 1, 2]))[0].shape == (3,)


@pytest.mark.parametrize("name", ["a\0b", "n" * 300, "", "."])
def test_names_that_no_file_can_have(name):
    from topophys.datasets import Recipe, open_dataset, verify
    from topophys.errors import TopophysError
    from topophys.learn import FitConfig
    from topophys.learn.inputs import read_input
    from topophys.materials import MaterialsModel, load_material_run, read_class_lists, read_table

    check = partial(verify, progress=False)
    readers = [
        open_dataset, check, Recipe.from_toml,
        FitConfig.from_toml, read_input, tp.read_wannier90, MaterialsModel.load,
        load_material_run, read_class_lists, read_table,
    ]  # fmt: skip
    for read in readers:
        if read is check and name in {"", "."}:  # reports what it finds
            assert not read(name).ok
            continue
        with pytest.raises(TopophysError) as caught:
            read(name)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 1000
