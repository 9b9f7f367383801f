"""Exchanges between Hamiltonians on both sides of a transition, on made-up contributions."""

import numpy as np
import torch

from benchmarks.experiments import plane_transitions as lines
from topophys.learn.flip_network import FlipData


def integers_of(count):
    return np.tile(np.where(lines.M > 0.0, 1, 0), (count, 1))


def test_only_exchanges_around_the_touching_change_a_local_answer():
    # k0 lies in plaquette (2, 11) of 12 x 12, and only there do contributions depend on m
    touch = np.tile([-np.pi + 2.5 * np.pi / 6, -np.pi + 11.5 * np.pi / 6], (3, 1))
    own = np.zeros((3, len(lines.M), 12, 12))
    own[:, lines.HALF :, 2, 11] = 0.75
    own[:, lines.HALF :, 1, 0] = 0.25
    found = lines.exchanges(own, None, touch, integers_of(3), pair=4)
    expected = {"before": 0.0, "after": 1.0, "plaquette": 0.75, "nine": 1.0,
                "nine elsewhere": 0.0, "all but nine": 0.0}  # fmt: skip
    for name, value in expected.items():
        assert (found[name] == value).all(), name


def test_answers_change_where_they_are_said_to():
    positions = np.arange(len(lines.M))
    after = np.array([positions >= lines.HALF, positions > lines.HALF + 2])
    place = lines.boundary(after, np.ones_like(after))
    assert place[0] == 0.0
    assert lines.M[lines.HALF + 2] < place[1] < lines.M[lines.HALF + 3]
    # values beyond the next change of the proven integer do not count
    used = np.abs(lines.M) <= lines.DISTANCES[9]
    strange = after | (positions < 3)
    assert (lines.boundary(strange, np.stack([used, used])) == place).all()


def test_a_candidate_that_passes_pi_takes_its_turn_from_the_formula():
    def data(phase, base):
        features = torch.zeros(1, 1, 2, 3)
        features[..., 0] = np.pi - abs(phase)
        sign = torch.full((1, 1, 2), float(np.sign(phase)))
        one = torch.ones(1, 1, 2)
        return FlipData(features, sign, one, one.bool(), torch.tensor([[base]]))

    slot = torch.zeros(1, 1, dtype=torch.long)
    found = lines.exchanged(data(3.0, 5), data(-3.0, 9), slot, slot)
    assert found.base.item() == 4
    assert found.sign[0, 0].tolist() == [-1.0, 1.0]
    assert lines.exchanged(data(3.0, 5), data(2.0, 9), slot, slot).base.item() == 5
