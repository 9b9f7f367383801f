"""Links of frames are determinants of overlaps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import generators
from topophys.kernels.chern_sampled import frame_links


@given(
    rng=generators(),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    n=st.integers(2, 5),
    data=st.data(),
)
def test_links_are_determinants_of_overlaps(rng, shape, n, data):
    filled = data.draw(st.integers(1, n))
    re, im = rng.standard_normal((2, *shape, n, n))
    states, _ = np.linalg.qr(re + 1j * im)
    u_x, u_y = np.empty((2, *shape), complex)
    frame_links(states, filled, u_x, u_y)
    frame = states[..., :filled]
    for axis, links in ((1, u_x), (2, u_y)):
        overlap = frame.conj().swapaxes(-1, -2) @ np.roll(frame, -1, axis)
        np.testing.assert_allclose(links, np.linalg.det(overlap), atol=1e-13)
