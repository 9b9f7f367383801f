"""Reciprocal lattices, Brillouin zones and named paths, against lengths derived by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from topophys.errors import InputError

A = 2.46
ROOT = np.sqrt(3.0)
PI = round(np.pi, 12)
#: Three bases of one triangular lattice, at 60, 120 and 30 degrees.
TRIANGULAR = [
    A * np.array([[1.0, 0.0], [0.5, ROOT / 2]]),
    A * np.array([[1.0, 0.0], [-0.5, ROOT / 2]]),
    A * np.array([[1.0, 0.0], [1.5, ROOT / 2]]),
]
FCC = 0.5 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
BCC = 0.5 * np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
HEX = np.array([[1, 0, 0], [-0.5, ROOT / 2, 0], [0, 0, 1.6]])
SPACE = {
    "cubic": np.eye(3), "fcc": FCC, "bcc": BCC, "hexagonal": HEX,
    "tetragonal": np.diag([1, 1, 1.3]), "orthorhombic": np.diag([1, 1.1, 1.3]),
}  # fmt: skip


def rotation(rng):
    q = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return q * np.linalg.det(q)


def unimodular(rng, dim):
    """Another basis of the same lattice."""
    matrix = np.eye(dim, dtype=int)
    for _ in range(4):
        i, j = rng.choice(dim, 2, replace=False)
        matrix[i] += rng.choice([-1, 1]) * matrix[j]
    return matrix


@given(seed=st.integers(0, 2**32 - 1), dim=st.integers(1, 3), extra=st.integers(0, 1))
def test_reciprocal_vectors_are_dual(seed, dim, extra):
    rows = np.random.default_rng(seed).standard_normal((dim, dim + extra)) + np.eye(
        dim, dim + extra
    )
    b = tp.reciprocal_vectors(rows)
    assert rows @ b.T == pytest.approx(2 * np.pi * np.eye(dim), abs=1e-6 * np.abs(b).max())


@pytest.mark.parametrize("rows", TRIANGULAR, ids=["60", "120", "30"])
def test_lengths_of_the_hexagonal_path_are_those_of_graphene(rows):
    path = tp.band_path("G-K-M-G", rows)
    gk, km, mg = 4 * np.pi / (3 * A), 2 * np.pi / (3 * A), 2 * np.pi / (ROOT * A)
    assert np.diff(path.corners) == pytest.approx([gk, km, mg])
    assert path.labels == (r"$\Gamma$", "K", "M", r"$\Gamma$")
    assert path.physical
    corners = tp.brillouin_zone(rows)
    assert np.linalg.norm(corners, axis=1) == pytest.approx(np.full(6, gk))
    # graphene is gapless at K, whatever the basis of its lattice
    q = np.linalg.solve(rows, tp.high_symmetry_points(rows)["K"])
    bonds = A / ROOT * np.array([[0, 1], [-ROOT / 2, -0.5], [ROOT / 2, -0.5]])
    assert abs(np.exp(1j * bonds @ q).sum()) == pytest.approx(0.0, abs=1e-12)


def test_lengths_in_square_rectangular_and_oblique_lattices():
    square = tp.band_path("G-X-M-G", 2.0 * np.eye(2))
    assert np.diff(square.corners) == pytest.approx(np.pi / 2 * np.array([1, 1, np.sqrt(2)]))
    long = tp.band_path("G-X-S-Y-G", [[1.0, 0.0], [0.0, 2.0]])
    assert np.diff(long.corners) == pytest.approx([np.pi, np.pi / 2, np.pi, np.pi / 2])
    skew = tp.high_symmetry_points([[1.0, 0.0], [0.3, 1.2]])
    assert {name: (k + 0.0).round(12).tolist() for name, k in skew.items()} == {
        "G": [0, 0], "X": [PI, 0], "Y": [0, PI], "C": [PI, PI],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("system", "path", "lengths"),
    [
        ("cubic", "G-X-M-R-G", [0.5, 0.5, 0.5, np.sqrt(0.75)]),
        ("fcc", "G-X-W-L-G-K", [1, 0.5, np.sqrt(0.5), np.sqrt(0.75), np.sqrt(1.125)]),
        ("bcc", "G-H-N-G-P", [1, np.sqrt(0.5), np.sqrt(0.5), np.sqrt(0.75)]),
        ("hexagonal", "G-M-K-G-A", [1 / ROOT, 1 / 3, 2 / 3, 0.5 / 1.6]),
        ("tetragonal", "G-X-M-G-Z", [0.5, 0.5, np.sqrt(0.5), 0.5 / 1.3]),
        ("orthorhombic", "G-X-S-Y-G-Z", [0.5, 0.5 / 1.1, 0.5, 0.5 / 1.1, 0.5 / 1.3]),
    ],
)
def test_lengths_in_space_are_those_of_any_basis_and_any_axes(system, path, lengths):
    rng = np.random.default_rng(7)
    for _ in range(5):
        rows = unimodular(rng, 3) @ SPACE[system] @ rotation(rng)
        assert tp.lattice_system(rows) == system
        found = np.diff(tp.band_path(path, rows).corners)
        assert found == pytest.approx(2 * np.pi * np.array(lengths))


@pytest.mark.parametrize("system", ["fcc", "bcc"])
def test_points_at_the_corners_of_the_zone_are_as_far_from_four_centres(system):
    # W of fcc, and P of bcc, are corners: four reciprocal lattice points are equally near
    rows = SPACE[system]
    k = tp.high_symmetry_points(rows)["W" if system == "fcc" else "P"]
    b = tp.reciprocal_vectors(rows)
    steps = np.array(list(np.ndindex(5, 5, 5))) - 2
    near = np.sort(np.linalg.norm(k / (2 * np.pi) @ b - steps @ b, axis=1))
    assert near[:4] == pytest.approx(np.full(4, near[0]))


@pytest.mark.parametrize(
    "system", [*SPACE, "chain", "square", "rectangular", "plane hexagonal", "oblique"]
)
def test_the_usual_path_of_every_lattice_exists(system):
    planes = {
        "chain": [[2.0]], "square": np.eye(2), "rectangular": np.diag([1.0, 2.0]),
        "plane hexagonal": TRIANGULAR[0], "oblique": [[1.0, 0.0], [0.3, 1.2]],
    }  # fmt: skip
    rows = np.array(SPACE.get(system, planes.get(system)), float)
    path = tp.band_path(None, rows)
    assert path.k.shape == (len(path.along), len(rows))
    assert (np.diff(path.along) >= 0.0).all()
    assert len(path.labels) == len(path.corners)


def test_other_lattices_take_their_points_from_pymatgen():
    pytest.importorskip("pymatgen")
    tall = 0.5 * np.array([[-1, 1, 1.7], [1, -1, 1.7], [1, 1, -1.7]])
    assert tp.lattice_system(tall) == "other"
    points = tp.high_symmetry_points(tall)
    # body-centred tetragonal with c > a: |GX| = sqrt(2) pi / a
    assert {"G", "X", "Z", "N", "P"} <= set(points)
    assert np.linalg.norm(np.linalg.solve(tall, points["X"])) == pytest.approx(np.sqrt(2) * np.pi)


def test_brillouin_zone_has_the_area_of_the_reciprocal_cell():
    rng = np.random.default_rng(3)
    for _ in range(20):
        rows = unimodular(rng, 2) @ (rng.standard_normal((2, 2)) + 2 * np.eye(2))
        x, y = tp.brillouin_zone(rows).T
        area = 0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()
        assert area == pytest.approx(4 * np.pi**2 / abs(np.linalg.det(rows)))


def test_jumps_and_primes():
    path = tp.band_path("K-G-K'|M-G", TRIANGULAR[0], grid=50)
    assert path.labels == ("K", r"$\Gamma$", "K′|M", r"$\Gamma$")
    assert len(path.breaks) == 1
    cut = path.breaks[0]
    assert path.along[cut] == path.along[cut - 1]
    assert path.k[0] == pytest.approx(-path.k[cut - 1])


@pytest.mark.parametrize("path", ["G-Q", "G", "G-X''", "G-G", ""])
def test_refuses_paths_that_are_none(path):
    with pytest.raises(InputError, match="`path`"):
        tp.band_path(path, np.eye(2))


def test_names_need_a_lattice():
    with pytest.raises(InputError, match="give the lattice with"):
        tp.band_path("G-X", tp.models.qwz(-1.0))
    with pytest.raises(InputError, match="with_geometry"):
        tp.high_symmetry_points(tp.models.qwz(-1.0))
