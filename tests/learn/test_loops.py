"""Loops and their functions in torch against NumPy."""

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.invariants.chern import chern_number_of_links
from topophys.invariants.chern import plaquette_loops as exact_loops
from topophys.learn.encoders.loops import (
    characters,
    links_of_bands,
    loop_eigenvalues,
    plaquette_loops,
)


def test_loops():
    links = tp.ensembles.random_links(4, n_occupied=3, grid=(3, 4), rng=1)
    found = plaquette_loops(torch.from_numpy(links))
    np.testing.assert_allclose(found, exact_loops(links), atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_characters_are_traces_and_determinants_of_powers(size):
    links = tp.ensembles.random_links(4, n_occupied=size, grid=(3, 4), rng=2)
    loops = exact_loops(links)
    found = characters(loop_eigenvalues(torch.from_numpy(loops)), 7)
    for m in range(1, 8):
        power = np.linalg.matrix_power(loops, m)
        np.testing.assert_allclose(
            found[..., 0, m - 1], np.trace(power, axis1=-2, axis2=-1).imag, atol=1e-12
        )
        np.testing.assert_allclose(found[..., 1, m - 1], np.linalg.det(power).imag, atol=1e-12)


def test_links_of_bands_carry_their_chern_number():
    h_k = tp.ensembles.class_a(10, n_bands=4, rng=3).on_grid((12, 12))
    links = links_of_bands(torch.from_numpy(h_k), 2)
    assert (chern_number_of_links(links.numpy()) == tp.chern_number(h_k, n_occupied=2)).all()


def test_eigenvalues_lie_on_the_circle():
    loops = torch.from_numpy(exact_loops(tp.ensembles.random_links(4, n_occupied=3, rng=4)))
    values = loop_eigenvalues(1.001 * loops)
    torch.testing.assert_close(values.abs(), torch.ones(4, 5, 5, 3, dtype=torch.float64))
