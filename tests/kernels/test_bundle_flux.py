"""Fluxes through cells of many sizes add up to the Chern number of a fine grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators
from topophys.kernels.bundle_flux import bundle_flux, frame_overlap, vertices_of

START, DEPTH = 32, 2
FINE = START << (DEPTH + 1)


def cells_of(rng, share):
    """Cells that cover the zone once, some of them quartered, and again."""
    todo = [(x * 8, y * 8, 8) for x in range(START) for y in range(START)]
    cells = []
    while todo:
        x, y, width = todo.pop()
        if width > 2 and rng.random() < share:
            half = width // 2
            todo += [(x + i * half, y + j * half, half) for i in (0, 1) for j in (0, 1)]
        else:
            cells.append((x, y, width))
    return np.array(cells)


def flux_of(H, cells):
    """Flux through the cells in units of 2 pi, the vertices, and the evidence."""
    half = [r for r in H.hoppings if r > (0, 0)]
    hops = np.array([H.hoppings[r] for r in half])
    centre = 2 * np.pi * (cells[:, :2] + cells[:, 2:] / 2) / FINE
    _, states = np.linalg.eigh(H.bloch(centre))
    bases = np.ascontiguousarray(states[..., : H.n_occupied])
    table = np.exp(2j * np.pi * np.arange(FINE) / FINE)
    evidence = np.full(4, np.inf)
    flux, count = bundle_flux(
        H.hoppings[0, 0], hops, np.array(half), table, cells, bases, FINE, evidence
    )
    return flux / (2 * np.pi), count, evidence


@given(rng=generators(), shape=st.sampled_from([(2, 1), (3, 1), (3, 2), (4, 2)]))
def test_the_mesh_does_not_matter(rng, shape):
    bands, filled = shape
    H = tp.ensembles.class_a(1, n_bands=bands, n_occupied=filled, rng=rng)[0]
    proof = tp.certify_gap(H)
    if float(proof.gap_lower) < 0.06:  # on these meshes cells would be too large for smaller gaps
        return
    expected = tp.chern_number(H, grid=(96, 96))
    for share in (0.0, 0.5):
        flux, _, evidence = flux_of(H, cells_of(rng, share))
        assert flux == pytest.approx(expected, abs=1e-9)
        assert evidence[1] >= proof.gap_lower


@given(rng=generators(), share=st.floats(0.0, 0.9))
def test_vertices_are_all_corners_once(rng, share):
    cells = cells_of(rng, share)
    corners = {
        ((x + i * w) % FINE) * FINE + (y + j * w) % FINE
        for x, y, w in cells.tolist()
        for i in (0, 1)
        for j in (0, 1)
    }
    assert vertices_of(cells, FINE).tolist() == sorted(corners)


def test_overlap_is_the_determinant():
    rng = np.random.default_rng(0)
    for filled in (1, 2, 3):
        u, v = rng.standard_normal((2, 5, filled)) + 1j * rng.standard_normal((2, 5, filled))
        work = np.empty((filled, filled), complex)
        assert frame_overlap(u, v, work) == pytest.approx(np.linalg.det(u.conj().T @ v))
