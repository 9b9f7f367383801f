"""Arrays with a mask and tensors with a gradient: one line, and no silent answer."""

from __future__ import annotations

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
