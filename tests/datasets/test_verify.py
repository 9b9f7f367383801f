from __future__ import annotations

import hashlib
import re
import sys

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.datasets.conftest import RECIPES
from topophys.datasets import Recipe, generate, open_dataset, schema, verify
from topophys.datasets._store import checksums
from topophys.datasets.layout import manifest
from topophys.datasets.verification import MISSING, check_labels
from topophys.errors import DatasetError, InputError, MissingPackageError, SchemaError


def winding_by_roots(hoppings):
    """nu = (zeros of z^M det D(z) within the unit circle) - M, slow and obvious, for 2 x 2."""
    (a, b), (c, d) = (hoppings[::-1, i].T for i in (0, 1))  # highest power first
    det = np.polysub(np.polymul(a, d), np.polymul(b, c))
    return int((np.abs(np.roots(det)) < 1).sum()) - (len(det) - 1) // 2


def test_labels_are_root_counts(files):
    with open_dataset(files / "winding.h5") as dataset:
        for name in dataset.splits:
            hoppings, label = dataset.split(name).read("hoppings", "label")
            assert [winding_by_roots(h) for h in hoppings] == label.tolist()


def test_a_fresh_file_is_in_order(path, dataset):
    report = verify(path)
    assert report.ok
    assert report.problems == ()
    n = len(dataset)
    checks = ["label proven from hoppings", "x computed from hoppings", "finite x", "seed_key"]
    assert {report.checked[c] for c in checks} == {n}
    assert str(report).splitlines()[0] == f"{path}: no problem"


@pytest.mark.parametrize("fraction", [0, 0.0, 0.1, 1])
def test_a_fraction_of_every_shard(path, dataset, fraction):
    report = verify(path, recompute=fraction)
    assert report.ok
    wanted = sum(int(np.ceil(fraction * len(dataset.split(s)))) for s in dataset.splits)
    assert report.checked.get("label proven from hoppings", 0) == wanted


@pytest.mark.parametrize("recompute", [-0.1, 1.5, "some", True, float("nan")])
def test_a_fraction_that_makes_no_sense(path, recompute):
    with pytest.raises(InputError, match="must be 'all' or a number from 0 to 1"):
        verify(path, recompute=recompute)


def forge(path, change):
    """Change the content and make all digests fit, as a forger would."""
    with h5py.File(path, "r+") as file:
        change(file)
        for split in file.values():
            for name, rows in split[schema.DIGESTS].items():
                for s in range(len(rows)):
                    part = split[name][s * schema.SHARD_SIZE : (s + 1) * schema.SHARD_SIZE]
                    rows[s] = np.frombuffer(hashlib.sha256(part.tobytes()).digest(), np.uint8)
                split[schema.CHECKSUMS][name][...] = checksums(split[name][()], schema.SHARD_SIZE)
        file.attrs["manifest"] = np.bytes_(manifest(file))


def _label(file):
    i, j = (
        np.flatnonzero(file["train/label"][()] == 0)[0],
        np.flatnonzero(file["train/label"][()] == 1)[0],
    )
    file["train/label"][i], file["train/label"][j] = 1, 0  # the balance stays


def _class(file):
    file["train/label"][5] = 7


def _hopping(file):
    file["train/hoppings"][4] = file["train/hoppings"][4] * 1.01


def _x(file):
    x = file["train/x"][6]
    x.flat[3] += 1e-4
    file["train/x"][6] = x


def _local(file):
    name = "train/dalpha" if "dalpha" in file["train"] else "train/flux"
    row = file[name][7]
    row.flat[2] += 1e-6
    file[name][7] = row


def _gap(file):
    file["train/gap_bound"][8] += 1e-3


def _small_gap(file):
    file["train/gap_bound"][8] = 0.05


def _nan(file):
    h = file["train/hoppings"][9]
    h.flat[0] = np.nan
    file["train/hoppings"][9] = h


def _copied(file):
    for name in file["train"]:
        if name not in (schema.DIGESTS, schema.CHECKSUMS):
            file["train"][name][11] = file["train"][name][10]


def _shard(file):
    file["train/seed_key"][3, 1] = 4


def _drawn(file):
    file["train"].attrs["drawn"] += 1


def _more(file):
    file["train/notes"] = 3


FORGERIES = [
    (_label, "train: label proven from hoppings: wrong for 2"),
    (_class, r"class balance, shards: wrong for 1 \(index 0\)"),
    (_hopping, r"train: x computed|train: gap_bound proven from hoppings: wrong for 1 \(index 4\)"),
    (_x, r"train: x computed from hoppings: wrong for 1 \(index 6\)"),
    (_local, r"train: (dalpha|flux) computed from hoppings: wrong for 1 \(index 7\)"),
    (_gap, r"train: gap_bound proven from hoppings: wrong for 1 \(index 8\)"),
    (_small_gap, r"train: gap_bound >= min_gap: wrong for 1 \(index 8\)"),
    (_nan, r"train: finite hoppings: wrong for 1 \(index 9\)"),
    (_copied, "train: seed_key: wrong for 1"),
    (_shard, r"train: seed_key: wrong for 1 \(index 3\)"),
    (_drawn, "train: drawn: must be the number of samples and rejections"),
    (_more, "unknown content: /train/notes"),
]


@pytest.mark.parametrize(("change", "message"), FORGERIES, ids=lambda c: getattr(c, "__name__", ""))
def test_a_forgery_is_found_although_all_digests_fit(copy, change, message):
    forge(copy, change)
    report = verify(copy)
    assert not report.ok
    assert any(re.search(message, p) for p in report.problems), report.problems
    assert not any("sha256" in p or "manifest" in p for p in report.problems)
    assert all("\n" not in p for p in report.problems)


def test_labels_go_through_the_independent_checker(copy):
    pytest.importorskip("flint")
    forge(copy, _label)
    report = verify(copy, recompute=0.02, checker=True)
    question = "label accepted by the independent checker"
    assert 0 < report.checked[question] < report.checked["sha256 of a shard"] * 1000
    assert any(p.startswith("train: label accepted by the") for p in verify_some(copy))


def verify_some(path):
    """Problems where the forged labels are among those that are looked at."""
    return verify(path, recompute=0.3, checker=True).problems


def test_checking_labels_is_reported_in_one_line(path, monkeypatch):
    pytest.importorskip("flint")
    with open_dataset(path) as data:
        said = check_labels(data, 12)
        assert re.search(r": \d+ of \d+ labels were checked independently, and all accepted", said)
        monkeypatch.setitem(sys.modules, "flint", None)
        assert check_labels(data, 5) == MISSING
    with pytest.raises(MissingPackageError, match="flint"):
        verify(path, recompute=0.1, checker=True)


def test_a_wrong_label_is_reported(copy):
    pytest.importorskip("flint")
    forge(copy, _every_label)
    with open_dataset(copy) as data:
        assert "NOT accepted" in check_labels(data, 12)


def _every_label(file):
    file["train/label"][:] = file["train/label"][:] + 1


def test_forging_nothing_changes_nothing(copy):
    forge(copy, lambda file: None)
    assert verify(copy).ok


def test_bounds_of_another_version_count_if_they_can_be_proven(copy):
    """Another way to prove finds other bounds; as long as they are true, nothing is wrong."""

    def lower(file):
        bound = file["train/gap_bound"][:]
        file["train/gap_bound"][:] = 0.1 + 0.9 * (bound - 0.1)

    forge(copy, lower)
    assert verify(copy).ok

    def impossible(file):
        file["train/gap_bound"][3] = 1.9

    forge(copy, impossible)
    message = r"train: gap_bound proven from hoppings: wrong for 1 \(index 3\)"
    assert any(re.search(message, p) for p in verify(copy).problems)


@pytest.mark.parametrize("what", ["label", "hoppings", "x", "gap_bound", "seed_key"])
def test_a_flipped_bit_in_any_array_is_found_by_its_digest(copy, what, dataset):
    place = dataset._layouts[0].splits["train"].fields[what]
    data = bytearray(copy.read_bytes())
    data[place.offset + 8 * 5] ^= 1
    copy.write_bytes(data)
    report = verify(copy, recompute=0.0)
    assert f"train: sha256 of {what}, shards: wrong for 1 (index 0)" in report.problems


def test_a_changed_attribute_is_found(copy):
    with h5py.File(copy, "r+") as file:
        file["train"].attrs["rejected"] = file["train"].attrs["rejected"][::-1].copy()
    assert "manifest: attributes or digests were changed" in verify(copy).problems


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_flipped_bit_goes_by(files, tmp_path_factory, data):
    # bits that nothing reads (padding before a page, reserved fields) may differ: then every
    # sample and attribute is still as it was
    whole = bytearray((files / "chern.h5").read_bytes())
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    whole[at] ^= 1 << bit
    damaged = tmp_path_factory.mktemp("bit", numbered=True) / "d.h5"
    damaged.write_bytes(whole)
    report = verify(damaged, recompute=0.0)
    if report.ok:
        with open_dataset(files / "chern.h5") as a, open_dataset(damaged) as b:
            assert a.attributes == b.attributes
            for name in a.splits:
                for field, array in a.split(name)[:].items():
                    assert np.array_equal(array, b.split(name).read(field)[0])
    else:
        assert report.problems
    damaged.unlink()


def test_damage_that_prevents_opening_is_a_report_too(copy):
    copy.write_bytes(copy.read_bytes()[:-5000])
    report = verify(copy)
    assert not report.ok
    assert "truncated" in report.problems[0]


def test_what_is_not_there_cannot_be_verified(tmp_path):
    with pytest.raises((DatasetError, SchemaError), match="does not exist"):
        verify(tmp_path / "none.h5")


@pytest.mark.slow
def test_every_label_of_the_large_data_set_is_a_root_count(tmp_path):
    recipe = Recipe.from_toml(RECIPES / "winding-1d" / "recipe.toml")
    generate(recipe, tmp_path / "large.h5", progress=False)
    wrong = total = 0
    with open_dataset(tmp_path / "large.h5") as dataset:
        for name in dataset.splits:
            hoppings, label = dataset.split(name).read("hoppings", "label")
            wrong += int((windings_by_roots(hoppings) != label).sum())
            total += len(label)
    assert total > 100_000
    assert wrong == 0


def windings_by_roots(hoppings):
    """The same as `winding_by_roots` for many chains: eigenvalues of companion matrices."""
    n = hoppings.shape[1]
    det = np.zeros((len(hoppings), 2 * n - 1), np.complex128)  # coefficient of z^p at p
    for i in range(n):
        for j in range(n):
            det[:, i + j] += hoppings[:, i, 0, 0] * hoppings[:, j, 1, 1]
            det[:, i + j] -= hoppings[:, i, 0, 1] * hoppings[:, j, 1, 0]
    inside = np.zeros(len(det), np.int64)
    degrees = (np.arange(2 * n - 1) * (det != 0)).max(-1)  # a short range leaves zeros at the end
    for degree in np.unique(degrees):
        rows = degrees == degree
        companion = np.zeros((rows.sum(), degree, degree), np.complex128)
        companion[:, np.arange(1, degree), np.arange(degree - 1)] = 1.0
        companion[:, :, -1] = -det[rows, :degree] / det[rows, degree, None]
        inside[rows] = (np.abs(np.linalg.eigvals(companion)) < 1).sum(-1)
    return inside - (n - 1)


def test_both_root_counts_agree(files):
    with open_dataset(files / "winding.h5") as dataset:
        (hoppings,) = dataset.split("train").read("hoppings")
    assert windings_by_roots(hoppings).tolist() == [winding_by_roots(h) for h in hoppings]
