"""Proposed classes against what is proven of a Hamiltonian."""

import math

import numpy as np
import pytest

import topophys as tp
from topophys.errors import TopophysError
from topophys.materials import LIST_CLASSES, check_hamiltonian

TRIVIAL, SEMIMETAL, CRYSTALLINE, STRONG = LIST_CLASSES.values()
X, Y, Z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ALL = (TRIVIAL, SEMIMETAL, CRYSTALLINE, STRONG)


def solid(m):
    """Lattice Dirac fermions: strong for 1 < |m| < 3, weak for |m| < 1, atoms beyond."""
    cells = {(0, 0, 0): m * np.kron(Z, np.eye(2))}
    for axis, sigma in enumerate((X, Y, Z)):
        cell = tuple(int(axis == i) for i in range(3))
        cells[cell] = 0.5 * np.kron(Z, np.eye(2)) - 0.5j * np.kron(X, sigma)
    return tp.FourierHamiltonian(cells)


@pytest.mark.parametrize(
    ("m", "left", "indices"),
    [(-2.0, (STRONG,), [1, 0, 0, 0]), (2.0, (STRONG,), [1, 1, 1, 1]),
     (0.5, (CRYSTALLINE, STRONG), [0, 1, 1, 1]), (4.0, (TRIVIAL, CRYSTALLINE), [0, 0, 0, 0]),
     (1.0, ALL, [math.nan] * 4)],
)  # fmt: skip
def test_certified_indices_leave_the_classes_that_they_allow(tmp_path, m, left, indices):
    path = tmp_path / "solid_hr.dat"
    tp.write_wannier90_hr(solid(m), path)
    found = check_hamiltonian(path, 2)
    assert found.left == left
    numbers = found.features
    assert [numbers[f"hamiltonian_nu{i}"] for i in range(4)] == pytest.approx(indices, nan_ok=True)
    is_open = abs(m) != 1.0
    assert (numbers["hamiltonian_gap_open"] == 1.0) is is_open
    assert (numbers["hamiltonian_gap_lower"] <= numbers["hamiltonian_gap_upper"]) is is_open
    for label in ALL:
        assert found.verdict(label).startswith("excludes " + label) is (label not in left)
    assert "says nothing" in found.verdict("perovskite")


def test_without_time_reversal_only_the_gap_speaks(tmp_path):
    path = tmp_path / "magnet_hr.dat"
    magnet = solid(-2.0) + tp.FourierHamiltonian({(0, 0, 0): 0.2 * np.kron(np.eye(2), Z)})
    tp.write_wannier90_hr(magnet, path)
    found = check_hamiltonian(path, 2)
    assert found.left == (TRIVIAL, CRYSTALLINE, STRONG)
    assert math.isnan(found.features["hamiltonian_nu0"])


def test_layers_exclude_no_class_of_bulk_crystals(tmp_path):
    path = tmp_path / "layer_hr.dat"
    tp.write_wannier90_hr(tp.models.bhz(1.0), path)
    found = check_hamiltonian(path, 2)
    assert found.left == ALL
    assert found.features["hamiltonian_nu0"] == 1.0
    assert math.isnan(found.features["hamiltonian_nu1"])


@pytest.mark.parametrize(("text", "n"), [("nothing", 2), (None, 2), ("fine", 9), ("fine", 0)])
def test_bad_files_and_fillings_are_refused_in_one_line(tmp_path, text, n):
    path = tmp_path / "a_hr.dat"
    if text == "fine":
        tp.write_wannier90_hr(solid(4.0), path)
    elif text is not None:
        path.write_text(text)
    with pytest.raises(TopophysError) as caught:
        check_hamiltonian(path, n)
    assert "\n" not in str(caught.value)
