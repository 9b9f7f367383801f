"""Z2 indices in three dimensions."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.invariants.samples import ONE, X, Y, Z, rotated, unitary
from topophys.errors import InputError, KindError

REVERSAL = np.kron(1j * Y, ONE)
PARITY = np.kron(ONE, Z)
GAMMA = [np.kron(Z, X), np.kron(X, X), np.kron(Y, X)]


def wilson_dirac(m, weights=(1.0, 1.0, 1.0)):
    """Four bands on the cubic lattice: Gamma_i sin k_i and a mass m + sum w_i cos k_i.

    Parity at an invariant momentum is the sign of the mass there, so that all four indices can be
    read off: delta = -sign(m + sum of +-w_i).
    """
    mass = np.kron(ONE, Z)
    rows = {(0, 0, 0): m * mass}
    for i, w in enumerate(weights):
        rows[tuple(np.eye(3, dtype=int)[i].tolist())] = 0.5 * w * mass - 0.5j * GAMMA[i]
    return tp.FourierHamiltonian(rows, n_occupied=2)


def expected(m, weights=(1.0, 1.0, 1.0)):
    """Indices from the signs of the mass at the eight invariant momenta."""
    w = np.asarray(weights)
    n = np.stack(np.meshgrid(*3 * [[0, 1]], indexing="ij"), -1)
    negative = (m + ((-1.0) ** n * w).sum(-1)) < 0
    weak = [int(np.take(negative, 1, axis=i).sum() % 2) for i in range(3)]
    return int(negative.sum() % 2), weak


@pytest.mark.parametrize(
    ("m", "weights"),
    [
        (-4.0, (1, 1, 1)),
        (-2.0, (1, 1, 1)),
        (0.0, (1, 1, 1)),
        (2.0, (1, 1, 1)),
        (-1.5, (1, 1, 0.2)),
        (-1.5, (0.2, 1, 1)),
        (-1.1, (0.9, 0.05, 0.4)),
    ],
)
def test_cubic_insulators(m, weights):
    h = wilson_dirac(m, weights)
    strong, weak = expected(m, weights)
    found = tp.z2_indices_3d(h)
    assert (int(found.strong), found.weak.tolist()) == (strong, weak)
    assert found.status == "converged"
    assert found.label == f"({strong}; {''.join(map(str, weak))})"
    exact = tp.z2_indices_3d(h, method="parity", inversion=PARITY, time_reversal=REVERSAL)
    assert (int(exact.strong), exact.weak.tolist()) == (strong, weak)
    assert exact.status == "certified"


def test_batches_keep_their_shape():
    masses = np.array([[-2.0, 0.0], [2.0, 4.0]])
    single = [[wilson_dirac(m) for m in row] for row in masses]
    rows = {
        R: np.array([[h.hoppings[R] for h in row] for row in single]) for R in single[0][0].hoppings
    }
    found = tp.z2_indices_3d(tp.FourierHamiltonian(rows, n_occupied=2))
    assert found.strong.tolist() == [[expected(m)[0] for m in row] for row in masses]
    assert found.weak.tolist() == [[expected(m)[1] for m in row] for row in masses]
    assert "4 of 4 converged" in repr(found)
    with pytest.raises(InputError, match="single label"):
        _ = found.label


def test_any_basis():
    h = rotated(wilson_dirac(-2.0), unitary(4, np.random.default_rng(3)))
    assert tp.z2_indices_3d(h).label == "(1; 000)"


def test_touching_planes_are_unresolved():
    found = tp.z2_indices_3d(wilson_dirac(-3.0))
    assert found.label == "(?; ???)"
    assert found.status == "unresolved"
    assert "unresolved" in repr(found)


def test_the_bulk_gap_is_reported_apart_from_the_planes():
    h = wilson_dirac(-2.0)
    found = tp.z2_indices_3d(h, time_reversal=REVERSAL, method="flux")
    assert (found.label, found.status, found.reason, found.bulk) == (
        "(1; 000)",
        "certified",
        "",
        None,
    )
    assert "gap of the bulk  not asked for" in repr(found)
    assert 0 < found.gap_lower <= found.gap_upper
    # the symmetry is exact; what is left bounds the rounding of the planes
    assert found.symmetry_violation <= 64 * 2.0**-53 * np.abs(h.amplitudes).sum()
    whole = tp.z2_indices_3d(h, time_reversal=REVERSAL, method="flux", prove_bulk=True)
    assert whole.bulk.certified
    assert "gap of the bulk  at least" in repr(whole)


def test_a_closed_bulk_gap_between_the_planes_leaves_them_their_indices():
    """A pair of bands that cross the gap away from all invariant planes."""
    lift = np.diag([0.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    rows = {r: np.pad(v, ((0, 2), (0, 2))) for r, v in wilson_dirac(-4.0).hoppings.items()}
    rows[0, 0, 0] = rows[0, 0, 0] + 12.0 * lift
    # 12 - 12 sin(kx)^2 sin(ky)^2 sin(kz)^2 reaches 0, below the highest occupied level, at pi / 2
    step = {-2: -0.25, 0: 0.5, 2: -0.25}
    for x, a in step.items():
        for y, b in step.items():
            for z, c in step.items():
                rows[x, y, z] = rows.get((x, y, z), 0.0) - 18.0 * a * b * c * lift
    h = tp.FourierHamiltonian(rows, n_occupied=2)
    reversal = np.zeros((6, 6), complex)
    reversal[:4, :4], reversal[4:, 4:] = REVERSAL, 1j * Y
    found = tp.z2_indices_3d(h, time_reversal=reversal, method="flux", prove_bulk=True)
    assert (found.label, found.status) == ("(0; 000)", "certified")
    assert not found.bulk.certified
    assert "proven of 0 of 1" in repr(found)


def test_broken_symmetry_of_a_plane_is_reported():
    rows = dict(wilson_dirac(-2.9).hoppings)
    rows[0, 0, 0] = rows[0, 0, 0] + 0.2 * np.kron(Z, ONE)
    found = tp.z2_indices_3d(
        tp.FourierHamiltonian(rows, n_occupied=2), time_reversal=REVERSAL, method="flux"
    )
    assert (found.status, found.reason) == ("unresolved", "symmetry")
    assert found.symmetry_violation == pytest.approx(0.4)
    assert "symmetry" in repr(found)


def test_other_dimensions_are_refused():
    with pytest.raises(KindError, match="3-dimensional"):
        tp.z2_indices_3d(tp.models.bhz(1.0))
