"""Symmetry classes: models, the periodic table, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants.symmetry_classes import CLASSES, group_of

X, Y = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]])


@pytest.mark.parametrize(
    ("h", "operators", "name", "group"),
    [
        (tp.models.qwz(1.0), {}, "A", "Z"),
        (tp.models.qwz(1.0), {"particle_hole": X}, "D", "Z"),
        (tp.models.bhz(1.0), {"time_reversal": "up first"}, "AII", "Z2"),
        (tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7, 0.3), {"particle_hole": "nambu"}, "D", "Z2"),
        (tp.models.ssh(1.0, 2.0), {"chiral": "blocks"}, "AIII", "Z"),
        (tp.models.ssh(1.0, 2.0), {"time_reversal": np.eye(2), "particle_hole": np.diag([1, -1])},
         "BDI", "Z"),
        (tp.models.chiral_dirac_3d(2.0), {"chiral": "blocks"}, "AIII", "Z"),
        (tp.models.helium_3_b(1.0), {"time_reversal": np.kron(np.eye(2), 1j * Y),
                                     "particle_hole": np.kron(Y, Y)}, "DIII", "Z"),
        (tp.models.haldane(0.0, 0.1, 0.5), {}, "A", "Z"),
    ],
)  # fmt: skip
def test_models_belong_to_their_classes(h, operators, name, group):
    found = tp.symmetry_class(h, **operators)
    assert (found.name, found.group) == (name, group)
    assert found.dim == h.dim
    assert all(off < 1e-12 for off in found.violations.values())
    assert f"class {name}" in str(found)


def test_the_table_is_the_printed_one():
    """Rows of table 1 of Chiu, Teo, Schnyder and Ryu (2016), d = 1, 2, 3, 4."""
    rows = {
        "A": "0 Z 0 Z", "AIII": "Z 0 Z 0", "AI": "0 0 0 2Z", "BDI": "Z 0 0 0", "D": "Z2 Z 0 0",
        "DIII": "Z2 Z2 Z 0", "AII": "0 Z2 Z2 Z", "CII": "2Z 0 Z2 Z2", "C": "0 2Z 0 Z2",
        "CI": "0 0 2Z 0",
    }  # fmt: skip
    assert set(rows) == set(CLASSES.values())
    for name, row in rows.items():
        assert [group_of(name, d) for d in (1, 2, 3, 4)] == row.split()


def test_refusals_name_the_argument():
    h = tp.models.bhz(1.0)
    for options, words in (
        ({"time_reversal": np.eye(4)}, "must have the symmetry `time_reversal`"),
        ({"time_reversal": 2.0 * np.eye(4)}, "`time_reversal` must be unitary"),
        ({"time_reversal": "down first"}, "`time_reversal` must be"),
        ({"particle_hole": "spin"}, "`particle_hole` must be"),
        ({"time_reversal": "up first", "chiral": "blocks"}, "`chiral`"),
        ({"time_reversal": "up first", "tolerance": -1.0}, "`tolerance` must be"),
    ):
        with pytest.raises(InputError, match=words):
            plain(tp.symmetry_class)(h, **options)
    with pytest.raises(ShapeError, match="`time_reversal` must have shape"):
        tp.symmetry_class(h, time_reversal=np.eye(2))
    with pytest.raises(KindError, match="Fourier form"):
        plain(tp.symmetry_class)(np.eye(2))
    both = tp.models.ssh(1.0, 2.0)
    with pytest.raises(InputError, match="come alone or with both"):
        tp.symmetry_class(both, time_reversal=np.eye(2), chiral="blocks")
