"""What values must follow is what they do follow, by the physics core."""

import numpy as np
import pytest

import topophys as tp
from topophys.interpret.symmetry_audit import channels_of, fields_of
from topophys.tasks import get_task

CHAINS = tp.ensembles.aiii_chains(5, rng=2)
PLANES = tp.ensembles.two_band(5, rng=2)


def exact(fields):
    if np.iscomplexobj(fields):
        alpha = tp.winding_angle(fields)
        vector = np.stack([np.cos(alpha), np.sin(alpha)], axis=-1)
        return {"cos_sin_alpha": vector, "dalpha": tp.winding_steps(fields)[..., None]}
    return {"flux": tp.berry_flux_from_d(fields)[..., None]}


def invariant(fields):
    if np.iscomplexobj(fields):
        return tp.winding_number(fields)
    return tp.chern_number_from_d(fields)


CASES = [
    (kind, symmetry) for kind in ("winding", "chern") for symmetry in get_task(kind).symmetries()
]


@pytest.mark.parametrize(("kind", "symmetry"), CASES, ids=[f"{k} {s.name}" for k, s in CASES])
def test_exact_physics_follows(kind, symmetry):
    # a grid fine enough that no gauge step reaches pi
    fields = CHAINS.block_on_grid(128) if kind == "winding" else PLANES.d_on_grid((14, 15))
    changed, follow = symmetry.act(fields, np.random.default_rng(0))
    before, after = exact(fields), exact(changed)
    assert set(after) <= set(follow)
    for name, value in after.items():
        np.testing.assert_allclose(value, follow[name](before[name]), atol=1e-7)
        assert name in symmetry.words
    np.testing.assert_array_equal(invariant(changed), symmetry.sign * invariant(fields))
    assert np.abs(invariant(fields)).max() > 0
    assert changed.shape != fields.shape or not np.allclose(changed, fields)


def test_channels_and_fields_are_inverse():
    x = np.random.default_rng(0).standard_normal((2, 7, 8))
    np.testing.assert_array_equal(channels_of(fields_of(x)), x)
    assert fields_of(x)[0, 0, 0, 1] == complex(x[0, 0, 2], x[0, 0, 3])
    d = np.ones((2, 4, 5, 3))
    assert channels_of(fields_of(d)) is d
