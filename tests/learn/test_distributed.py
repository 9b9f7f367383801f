"""Devices and threads."""

import pytest
import torch

from topophys.errors import InputError
from topophys.learn.distributed import limited_threads, resolve_device


def test_cpu():
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("device", ["abacus", "cuda:7777", "cpu:x", "", "meta2"])
def test_unusable_devices_are_refused_in_one_line(device):
    with pytest.raises(InputError, match="`device`") as caught:
        resolve_device(device)
    assert "\n" not in str(caught.value)


def test_threads_are_restored_after_an_error():
    before = torch.get_num_threads()
    with limited_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), limited_threads(before + 1):
        raise KeyError
    assert torch.get_num_threads() == before
