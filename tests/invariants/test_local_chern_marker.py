"""Local Chern marker."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from tests.invariants.samples import direct_sum, patch
from topophys.errors import GaplessError, InputError, ShapeError


def marker_of(h, size, **options):
    matrix, where = patch(h, size)
    filled = h.n_occupied * size**2
    return tp.local_chern_marker(matrix, where, area=1.0 / h.n_bands, n_occupied=filled, **options)


@pytest.mark.parametrize(("m", "chern"), [(-3.0, 0), (-1.0, 1), (1.0, -1), (3.0, 0)])
def test_bulk_average_approaches_the_chern_number(m, chern):
    off = [abs(float(marker_of(tp.models.qwz(m), n).bulk(0.4)) - chern) for n in (6, 10, 14)]
    assert off[-1] < 0.01
    assert off[-1] < 0.5 * off[1] + 1e-12 < off[0] + 1e-9


def test_two_occupied_bands_add():
    h = direct_sum(tp.models.qwz(-1.0), tp.models.haldane(0.0, 0.3, np.pi / 2))
    chern = int(tp.certify_chern(h))
    assert float(marker_of(h, 10).bulk(0.3)) == pytest.approx(chern, abs=0.05)


def test_the_whole_sample_adds_to_zero():
    rng = np.random.default_rng(1)
    matrix, where = patch(tp.models.qwz(-1.0), 7)
    matrix = matrix + np.diag(rng.uniform(-1, 1, len(matrix)))
    for n_occupied in (20, 49, 60):
        found = tp.local_chern_marker(matrix, where, area=0.5, n_occupied=n_occupied)
        assert abs(found.marker.sum()) < 1e-9
        assert found.n_occupied == n_occupied


def test_disorder_and_batches():
    """Weak disorder keeps the bulk value; a batch gives what its members give."""
    rng = np.random.default_rng(2)
    matrix, where = patch(tp.models.qwz(-1.0), 12)
    noise = rng.uniform(-0.5, 0.5, (2, len(matrix)))
    samples = matrix + np.stack([np.diag(x) for x in noise])
    found = tp.local_chern_marker(samples, where, area=0.5, n_occupied=144)
    assert found.marker.shape == (2, 288)
    assert found.bulk(0.4) == pytest.approx(1.0, abs=0.05)
    single = tp.local_chern_marker(samples[1], where, area=0.5, n_occupied=144)
    assert found.marker[1] == pytest.approx(single.marker, abs=1e-9)
    assert found.gap[1] == pytest.approx(float(single.gap))


def test_two_phases_in_one_sample():
    """Left half C = +1, right half C = -1: the marker sees which is where."""
    a, where = patch(tp.models.qwz(-1.0), 14)
    b, _ = patch(tp.models.qwz(1.0), 14)
    left = where[:, 0] < 7
    mixed = np.where(left[:, None] & left, a, b)
    marker = tp.local_chern_marker(mixed, where, area=0.5, n_occupied=196).marker
    middle = (where[:, 1] > 4) & (where[:, 1] < 9)
    for side, chern in ((3, 1.0), (10, -1.0)):
        inside = middle & (np.abs(where[:, 0] - side) <= 0)
        assert marker[inside].mean() == pytest.approx(chern, abs=0.2)


def test_nothing_depends_on_the_origin_or_the_unit_of_length():
    matrix, where = patch(tp.models.qwz(-1.0), 8)
    found = tp.local_chern_marker(matrix, where, area=0.5, n_occupied=64).marker
    moved = tp.local_chern_marker(matrix, 3.0 * where + [5.0, -2.0], area=4.5, n_occupied=64).marker
    assert moved == pytest.approx(found, abs=1e-9)


def test_fermi_energy_chooses_the_filling():
    matrix, where = patch(tp.models.qwz(-3.0), 6)
    half = tp.local_chern_marker(matrix, where, area=0.5, n_occupied=36)
    by_energy = tp.local_chern_marker(matrix, where, area=0.5, fermi=0.0)
    assert by_energy.marker == pytest.approx(half.marker)
    assert by_energy.gap > 2.0


def test_refusals():
    matrix, where = patch(tp.models.qwz(-1.0), 3)
    with pytest.raises(ShapeError, match="positions"):
        tp.local_chern_marker(matrix, where[:-1], area=0.5)
    with pytest.raises(InputError, match="area"):
        tp.local_chern_marker(matrix, where, area=0.0)
    with pytest.raises(InputError, match="both"):
        tp.local_chern_marker(matrix, where, area=0.5, fermi=0.0, n_occupied=9)
    with pytest.raises(InputError, match="fermi"):
        tp.local_chern_marker(matrix, where, area=0.5, fermi=99.0)
    with pytest.raises(GaplessError, match="local_chern_marker"):
        tp.local_chern_marker(np.eye(18), where, area=0.5, n_occupied=9)
    with pytest.raises(InputError, match="share"):
        tp.local_chern_marker(matrix, where, area=0.5, n_occupied=9).bulk(0.0)
    with pytest.raises(InputError, match="inside"):
        tp.local_chern_marker(*patch(tp.models.qwz(-1.0), 4), area=0.5, n_occupied=16).bulk(0.1)
