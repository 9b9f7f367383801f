"""Products of corners: what they are, and what does not change them."""

import itertools

import pytest
import torch

from topophys.learn.encoders.plane import (
    N_INVARIANTS,
    link_invariants,
    plaquette_invariants,
    reversed_orientation,
)


def vectors(seed=0, grid=(4, 5)):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(2, *grid, 3, dtype=torch.float64, generator=draw)


def rotation(seed, *, proper=True):
    draw = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=draw))
    return q * torch.sign(torch.linalg.det(q)) * (1 if proper else -1)


def test_products_are_those_of_the_corners():
    n = vectors()
    links, across = link_invariants(n), plaquette_invariants(n)
    assert across.shape[-1] == N_INVARIANTS
    for x, y in itertools.product(range(4), range(5)):
        one, two = n[:, x, y], n[:, (x + 1) % 4, y]
        three, four = n[:, (x + 1) % 4, (y + 1) % 5], n[:, x, (y + 1) % 5]
        torch.testing.assert_close(links[:, x, y, 0, 0], (one * two).sum(-1))
        torch.testing.assert_close(links[:, x, y, 1, 0], (one * four).sum(-1))
        triples = [(one, two, three), (one, three, four), (one, two, four), (two, three, four)]
        expected = [(one * three).sum(-1), (two * four).sum(-1)]
        expected += [torch.linalg.det(torch.stack(t, dim=-2)) for t in triples]
        torch.testing.assert_close(across[:, x, y], torch.stack(expected, dim=-1))


def test_a_mirror_exchanges_the_second_and_fourth_corner():
    n = vectors()
    seen = plaquette_invariants(n.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(seen, reversed_orientation(plaquette_invariants(n)))
    torch.testing.assert_close(reversed_orientation(reversed_orientation(seen)), seen)


@pytest.mark.parametrize("seed", range(5))
def test_rotations_change_nothing_and_reflections_the_orientation(seed):
    n = vectors(seed)
    turned, reflected = (n @ rotation(seed, proper=proper).T for proper in (True, False))
    torch.testing.assert_close(link_invariants(turned), link_invariants(n))
    torch.testing.assert_close(plaquette_invariants(turned), plaquette_invariants(n))
    signs = torch.tensor([1.0, 1, -1, -1, -1, -1], dtype=torch.float64)
    torch.testing.assert_close(plaquette_invariants(reflected), signs * plaquette_invariants(n))
