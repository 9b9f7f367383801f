"""Indirect gaps and energies in gaps: proven, refuted by momenta that show it, or unresolved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators, plain, random_unitaries
from topophys.errors import InputError, KindError, ShapeError, UnresolvedError


def cosines(rng, dim, bands, spread):
    """Levels c + sum_j a_j cos(k_j - phi_j), mixed by a unitary: H, lowest and highest energies."""
    centre = np.sort(rng.normal(0.0, spread, bands))
    a, phi = rng.normal(0.0, 0.3, (bands, dim)), rng.uniform(-np.pi, np.pi, (bands, dim))
    u = random_unitaries(bands, rng)
    hops = {(0,) * dim: (u * centre) @ u.conj().T}
    for j, unit in enumerate(np.eye(dim, dtype=int).tolist()):
        hops[tuple(unit)] = (u * (0.5 * a[:, j] * np.exp(-1j * phi[:, j]))) @ u.conj().T
    reach = np.abs(a).sum(1)
    return tp.FourierHamiltonian(hops), centre - reach, centre + reach


def windows(low, high):
    """Gaps of the spectrum: pairs (number of bands below, edge below, edge above)."""
    order = np.argsort(low)
    low, high = low[order], np.maximum.accumulate(high[order])
    return [(n, high[n - 1], low[n]) for n in range(1, len(low)) if low[n] > high[n - 1]]


@given(rng=generators(), dim=st.integers(1, 3), bands=st.integers(2, 9))
def test_the_edges_of_known_bands_are_enclosed(rng, dim, bands):
    h, low, high = cosines(rng, dim, bands, 4.0)
    tight = 0.8 if dim < 3 else 0.3
    for n, below, above in windows(low, high):
        if above - below < 0.2:
            continue
        found = tp.certify_gap(h, kind="indirect", n_occupied=n, tightness=tight)
        assert found.status == "certified"
        assert found.valence_lower <= below <= found.valence_upper
        assert found.conduction_lower <= above <= found.conduction_upper
        assert tight * found.gap_upper <= found.gap_lower <= above - below <= found.gap_upper


@given(
    rng=generators(), dim=st.integers(1, 2), bands=st.integers(2, 9), unit=st.integers(-600, 600)
)
def test_an_energy_is_certified_in_a_gap_and_refuted_elsewhere(rng, dim, bands, unit):
    h, low, high = cosines(rng, dim, bands, 2.0)
    h = tp.FourierHamiltonian({R: np.ldexp(1.0, unit) * m for R, m in h.hoppings.items()})
    energy = rng.uniform(low.min() - 0.5, high.max() + 0.5)
    edge = np.abs(np.concatenate([low, high]) - energy).min()
    found = tp.certify_gap(h, level=np.ldexp(energy, unit))
    inside = not ((low <= energy) & (energy <= high)).any()
    if edge < 0.02:
        assert found.status != ("refuted" if inside else "certified")
        return
    assert found.status == ("certified" if inside else "refuted")
    if inside:
        assert int(found) == (high < energy).sum()
        assert found.valence_upper < np.ldexp(energy, unit) < found.conduction_lower


@given(rng=generators(), dim=st.integers(1, 3), bands=st.integers(2, 5))
def test_what_refutes_can_be_looked_at(rng, dim, bands):
    h, _, _ = cosines(rng, dim, bands, 0.3)
    n = int(rng.integers(1, bands))
    found = tp.certify_gap(h, kind="indirect", n_occupied=n, max_evaluations=5000)
    occupied = np.linalg.eigvalsh(h.bloch(found.k_valence))[n - 1]
    empty = np.linalg.eigvalsh(h.bloch(found.k_conduction))[n]
    assert found.valence_lower <= occupied + 1e-13
    assert empty - 1e-13 <= found.conduction_upper
    if found.status == "refuted":
        assert found.valence_lower > found.conduction_upper
        assert occupied > empty
        assert found.gap_upper < 0.0
        assert found.value.mask


def test_bands_that_overlap_at_different_momenta_have_a_direct_gap_alone():
    h = tp.TwoBandHamiltonian({(0, 0): [0, 0, 1.0]}, d0={(1, 0): 5.0})
    assert tp.certify_gap(h).certified
    found = tp.certify_gap(h, kind="indirect")
    assert found.status == "refuted"
    assert "not open (refuted)" in repr(found)
    with pytest.raises(UnresolvedError):
        int(found)


def test_fillings_of_none_and_of_all():
    h = tp.models.qwz([-1.0] * 4)  # levels from -3 to -1 and from 1 to 3
    found = tp.certify_gap(h, level=[-3.01, -0.99, 0.99, 3.01])
    assert found.value.tolist() == [0, 1, 1, 2]
    assert tp.certify_gap(h, level=[-2.99, -1.01, 1.01, 2.99]).status.tolist() == ["refuted"] * 4
    wrong = tp.certify_gap(h, level=0.0, n_occupied=0)
    assert wrong.status.tolist() == ["refuted"] * 4
    assert tp.certify_gap(h, level=0.0, n_occupied=1).all_certified


@pytest.mark.parametrize("m", [0.0, -2.0, 2.0])
def test_touching_bands_are_never_certified(m):
    for found in (
        tp.certify_gap(tp.models.qwz(m), kind="indirect", max_evaluations=4000),
        tp.certify_gap(tp.models.qwz(m), level=0.0, n_occupied=1, max_evaluations=4000),
    ):
        assert found.status == "unresolved"
        assert found.reason != ""


def test_a_wanted_gap_is_reached_or_refused():
    h = tp.models.qwz(-1.0)  # gap 2
    assert tp.certify_gap(h, kind="indirect", min_gap=1.99).gap_lower >= 1.99
    assert tp.certify_gap(h, kind="indirect", min_gap=2.01).reason == "small gap"
    assert tp.certify_gap(h, kind="indirect", max_evaluations=63).reason == "budget"
    with pytest.raises(UnresolvedError, match="indirect gap"):
        tp.certify_gap(h, kind="indirect", min_gap=2.01, on_unresolved="raise")


def test_errors_of_the_hoppings_count():
    class Rough:
        """A Hamiltonian that was formed with errors."""

        def __init__(self, h, error):
            self.h, self.amplitude_error = h, error

        def __getattr__(self, name):
            return getattr(self.h, name)

        vectors = property(lambda self: self.h.vectors)
        amplitudes = property(lambda self: self.h.amplitudes)
        batch_shape = property(lambda self: self.h.batch_shape)
        n_bands = property(lambda self: self.h.n_bands)
        n_occupied = property(lambda self: self.h.n_occupied)
        on_grid = property(lambda self: self.h.on_grid)

    exact = tp.models.qwz(-1.0)
    assert tp.certify_gap(Rough(exact, 0.3), kind="indirect").gap_lower <= 1.4
    assert tp.certify_gap(Rough(exact, 1.01), kind="indirect").status == "unresolved"
    assert tp.certify_gap(Rough(exact, 1.3), level=2.0).status == "unresolved"


def test_refusals():
    h = tp.models.qwz([-1.0, 1.0])
    with pytest.raises(InputError, match="`kind` must be"):
        plain(tp.certify_gap)(h, kind="optical")
    with pytest.raises(InputError, match="`level` must be left out"):
        tp.certify_gap(h, kind="direct", level=0.0)
    with pytest.raises(ShapeError, match="`level` must be one energy"):
        tp.certify_gap(h, level=[0.0, 0.0, 0.0])
    with pytest.raises(InputError, match="finite"):
        tp.certify_gap(h, level=np.nan)
    with pytest.raises(InputError, match="from 0 to 2"):
        tp.certify_gap(h, level=0.0, n_occupied=3)
    with pytest.raises(InputError, match="`evidence` must be False"):
        tp.certify_gap(h, kind="indirect", evidence=True)
    with pytest.raises(KindError):
        plain(tp.certify_gap)(h.bloch, level=0.0)


def test_tables_have_both_edges():
    table = tp.certify_gap(tp.models.qwz([-1.0, 1.0]), kind="indirect").to_pandas()
    assert {"valence_upper", "conduction_lower", "gap_lower"} <= set(table.columns)


def test_files_of_open_gaps_are_accepted_and_of_others_not_written(tmp_path):
    checker = pytest.importorskip("topophys.checker")
    h = tp.models.qwz([-1.0, 1.0])
    for options, words in (({"kind": "indirect"}, "indirect gap 1"),
                           ({"level": [0.3, -0.6]}, "gap around an energy 1")):  # fmt: skip
        proof = tp.certify_gap(h, **options)
        for i in range(2):
            text = proof.save(tmp_path / "x.cert.json", i).read_text()
            said = checker.check(text)
            assert said.startswith(f"{words}, gap at least")
            assert float(said.split()[-1]) > 0.9 * proof.gap_lower[i]
    false = text.replace(f'"level":"{(-0.6).hex()}"', f'"level":"{(-1.1).hex()}"')
    assert false != text
    with pytest.raises(checker.RejectedError, match="may not lie in the gap"):
        checker.check(false)
    with pytest.raises(InputError, match="bands on both sides"):
        tp.certify_gap(tp.models.qwz(1.0), level=9.0).save(tmp_path / "y.cert.json")
    metal = tp.FourierHamiltonian({(0,): [[1.0, 0.0], [0.0, -1.0]], (1,): np.eye(2)})
    with pytest.raises(UnresolvedError):
        tp.certify_gap(metal, kind="indirect").save(tmp_path / "y.cert.json")
    assert not (tmp_path / "y.cert.json").exists()


def test_a_level_beyond_all_bands_has_no_largest_gap():
    far = tp.certify_gap(tp.models.qwz(-1.0), level=9.0)
    assert (far.status.item(), int(far), float(far.gap_lower)) == ("certified", 2, np.inf)


def test_hamiltonians_of_subnormal_size_are_not_written(tmp_path):
    proof = tp.certify_gap(1e-315 * tp.models.qwz(-1.0), kind="indirect")
    assert proof.status == "certified"
    with pytest.raises(InputError, match="hold no Hamiltonians below"):
        proof.save(tmp_path / "x.cert.json")
