"""Folders of Wannier90 files."""

import numpy as np
import pytest

import topophys as tp
from topophys.errors import DatasetError, InputError
from topophys.materials.io import band_summary, read_hr_folder


def test_hr_folder_is_read_with_its_gaps(tmp_path):
    models = {"bhz": tp.models.kane_mele(0.1), "qwz": tp.models.qwz(-1.0)}
    for name, h in models.items():
        tp.write_wannier90_hr(h, tmp_path / f"{name}_hr.dat")
    found = read_hr_folder(tmp_path, {"bhz": 2, "qwz": 1})
    assert list(found) == ["bhz", "qwz"]
    for name, h in models.items():
        np.testing.assert_allclose(
            band_summary(found[name])["gap"], band_summary(h)["gap"], atol=1e-5
        )


def test_a_metal_has_a_negative_global_gap():
    h = tp.FourierHamiltonian({(0,): np.diag([0.0, 1.5]), (1,): np.diag([0.5, 0.5])})
    found = band_summary(h)
    assert found["gap"][1] == pytest.approx(-0.5, abs=1e-6)
    assert found["dos"].sum() == pytest.approx(2.0)
    assert found["fermi"][0] > 0.05


def test_missing_files_and_numbers_are_named(tmp_path):
    with pytest.raises(DatasetError, match="has none"):
        read_hr_folder(tmp_path, {})
    tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "a_hr.dat")
    with pytest.raises(InputError, match="Sample `a`: argument `n_occupied`"):
        read_hr_folder(tmp_path, {"b": 1})
    with pytest.raises(InputError, match="Sample `a`"):
        read_hr_folder(tmp_path, {"a": 2})
    (tmp_path / "a_hr.dat").write_text("nothing")
    with pytest.raises(InputError, match="Sample `a`"):
        read_hr_folder(tmp_path, {"a": 1})


def test_one_bad_file_stops_no_other(tmp_path):
    for name in ("a", "b", "c"):
        tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / f"{name}_hr.dat")
    (tmp_path / "b_hr.dat").write_text("nothing")
    found = read_hr_folder(tmp_path, {"a": 1, "b": 1})
    assert list(found) == ["a"]
    assert sorted(found.failed) == ["b", "c"]
    assert "b_hr.dat" in found.failed["b"]
    assert "n_occupied" in found.failed["c"]


def test_batches_are_refused():
    with pytest.raises(InputError, match="single"):
        band_summary(tp.models.qwz([-1.0, 1.0]))
