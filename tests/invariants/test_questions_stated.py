"""Every result says what was asked: bands, dimension, momenta, gauge, orientation and units.

And a closed gap is called one, with its momentum, in place of a broken symmetry or a higher limit.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain

SPIN = np.diag([1.0, 1.0, -1.0, -1.0])
MIRROR = np.diag([1j, 1j, -1j, -1j])
QWZ, BHZ, PLAIN = tp.models.qwz(-1.0), tp.models.bhz(1.0, delta=0.2), tp.models.bhz(1.0)
WEYL = tp.models.weyl_semimetal(1.0)


def layers(h, coupling=0.01):
    hoppings = {(*R, 0): m for R, m in h.hoppings.items()}
    return tp.FourierHamiltonian(hoppings | {(0, 0, 1): coupling * np.eye(4)}, n_occupied=2)


def overlapping(h):
    return tp.GeneralizedHamiltonian(h, {(0, 0): [[1.0, 0.1], [0.1, 1.0]]})


def family():
    mass = tp.FourierHamiltonian({(0, 0): np.diag([1.0, -1.0])})
    one = tp.models.qwz(0.0)
    return tp.ParametricHamiltonian(lambda m: one + m * mass, {"m": "affine"})


#: What is asked, dimension, and whether the sign depends on the order of two directions.
RESULTS = {
    "winding": (lambda: tp.certify_winding(tp.models.ssh(1.0, 2.0)), 1, "winding along a1"),
    "Chern": (lambda: tp.certify_chern(QWZ), 2, "oriented a1 x a2"),
    "Chern of a group": (lambda: tp.certify_chern(QWZ, bands=range(1, 2)), 2, "oriented a1 x a2"),
    "slices": (lambda: tp.chern_on_slices(WEYL, axis=2, k=[0.1, 3.0]), 2, "oriented a1 x a2"),
    "gap": (lambda: tp.certify_gap(BHZ), 2, ""),
    "gap of a group": (lambda: tp.certify_gap(BHZ, bands=range(2, 4)), 2, ""),
    "indirect gap": (lambda: tp.certify_gap(QWZ, kind="indirect"), 2, ""),
    "Z2": (lambda: tp.z2_invariant(PLAIN, method="flux", time_reversal="up first"), 2, ""),
    "Z2, sampled": (lambda: tp.z2_invariant(PLAIN, prove=False), 2, ""),
    "Z2 indices": (lambda: tp.z2_indices_3d(layers(PLAIN), method="flux"), 3, ""),
    "axion": (lambda: tp.axion_angle(tp.models.fu_kane_mele(0.4), inversion=np.kron(
        np.eye(2), [[0, 1], [1, 0]])), 3, ""),
    "spin": (lambda: tp.spin_chern(BHZ, SPIN), 2, "oriented a1 x a2"),
    "spin, sampled": (lambda: tp.spin_chern(BHZ.on_grid(12), SPIN, n_occupied=2), 2, "oriented by"),
    "mirror": (lambda: tp.mirror_chern(PLAIN, mirror=MIRROR), 2, "oriented a1 x a2"),
    "Weyl charge": (lambda: tp.weyl_charge(WEYL, [0, 0, 1.0], half_width=0.5), 3, "sign in k.a"),
    "Weyl census": (lambda: tp.find_weyl_nodes(WEYL), 3, "sign in k.a"),
    "overlaps": (lambda: tp.certify_generalized_chern(overlapping(QWZ)), 2, "oriented a1 x a2"),
    "gap, overlaps": (lambda: tp.certify_generalized_gap(overlapping(QWZ)), 2, ""),
    "phases": (lambda: tp.certify_phases(family(), {"m": (0.5, 1.0)}, share=0.9), 2, "oriented"),
    "equivalence": (lambda: tp.certify_equivalent(QWZ, tp.models.qwz(-0.5)), 2, "oriented a1 x a2"),
    "classes": (lambda: tp.cluster_phases([QWZ, tp.models.qwz(1.0)]), 2, "oriented a1 x a2"),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_states_its_question(name):
    make, dim, oriented = RESULTS[name]
    result = make()
    assert result.resolved.any()
    text = repr(result)
    rows = dict(line.split(maxsplit=1) for line in text.splitlines()[1:])
    assert re.search(rf"\d+ of (\d+ to )?\d+ (bands )?in {dim}D", text), text
    assert rows["momenta"].startswith("k.a in radians, phases exp(ik.R)")
    assert oriented in rows["momenta"]
    assert rows["energies"] == "in the units of the hoppings"
    assert "momenta" in result._repr_html_()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"axis": 2, "k": [0.1, 3.0]}, "a1 x a2, planes k3 = 0.1, 3 of a 3D Hamiltonian"),
        ({"axis": 0, "k": 2.5}, "a2 x a3, planes k1 = 2.5 of a 3D Hamiltonian"),
        (
            {"axis": 1, "grid": 8},
            "a3 x a1, planes k2 = -3.14159, -2.35619, -1.5708,",
        ),
    ],
)
def test_slices_say_where_they_are(options, words):
    assert words in repr(tp.chern_on_slices(WEYL, **options))


def test_units_and_notes_of_files_are_stated(tmp_path):
    for h, ask in (
        (WEYL, lambda h: tp.chern_on_slices(h, axis=2, k=[0.1, 3.0])),
        (PLAIN, lambda h: tp.spin_chern(h, SPIN)),
        (PLAIN, lambda h: tp.mirror_chern(h, mirror=MIRROR)),
        (layers(PLAIN), lambda h: tp.z2_indices_3d(h, method="flux")),
        (WEYL, tp.find_weyl_nodes),
        (QWZ, lambda h: tp.cluster_phases([h, h])),
    ):
        file = tp.write_wannier90_hr(h, tmp_path / "a_hr.dat", force=True)
        text = repr(ask(tp.read_wannier90(file, n_occupied=h.n_occupied)))
        assert re.search(r"\n  energies +eV", text), text


# ---- Closed gaps


CLOSED = {
    "winding": (lambda: tp.certify_winding(tp.models.ssh(1.0, 1.0)), (np.pi,)),
    "Chern": (lambda: tp.certify_chern(tp.models.qwz(2.0)), (np.pi, np.pi)),
    "gap": (lambda: tp.certify_gap(tp.models.qwz(2.0)), (np.pi, np.pi)),
    "Z2 by flux": (lambda: tp.z2_invariant(tp.models.bhz(0.0), method="flux",
                                           time_reversal="up first"), (0.0, 0.0)),
    "Z2": (lambda: tp.z2_invariant(tp.models.bhz(0.0)), (0.0, 0.0)),
    "Z2 indices": (lambda: tp.z2_indices_3d(layers(tp.models.bhz(0.0))), None),
    "spin": (lambda: tp.spin_chern(tp.models.bhz(0.0), SPIN), (0.0, 0.0)),
    "spin, sampled": (lambda: tp.spin_chern(tp.models.bhz(0.0).on_grid(8), SPIN, n_occupied=2),
                      (0.0, 0.0)),
    "mirror": (lambda: tp.mirror_chern(tp.models.bhz(0.0), mirror=MIRROR), (0.0, 0.0)),
}  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_closed_gaps_are_named_with_their_momentum(name):
    make, k = CLOSED[name]
    result = make()
    text = repr(result)
    assert "unresolved" in text.splitlines()[0]
    assert str(np.ravel(result.reason)[0]) == "closed gap"
    assert "1 closed gap" in text
    assert "symmetry" not in text.partition("reason")[2].partition("\n")[0]
    found = re.search(r"\n  closed at +k = \(([^)]*)\)", text)
    assert found, text
    at = np.array([float(x) for x in found[1].split(",")])
    if k is not None:
        off = (at - k + np.pi) % (2.0 * np.pi) - np.pi
        assert np.abs(off).max() < 1e-3


def test_open_gaps_are_not_called_closed():
    for result in (tp.certify_chern(QWZ), tp.spin_chern(BHZ, SPIN), tp.z2_invariant(PLAIN)):
        assert "closed" not in repr(result)
    budget = tp.certify_gap(tp.models.qwz(1.99999), max_evaluations=20)
    assert "closed at" not in repr(budget)


# ---- What a refusal asks for


def test_a_refusal_names_the_value_needed():
    """Pairs that are split by 1.3e-3 of the gap, with a tolerance of 1e-3: as of WSe2-1T'."""
    hoppings = dict(tp.models.bhz(1.0, delta=0.3).hoppings)
    hoppings[0, 0] = hoppings[0, 0] + 1.3e-3 * np.diag([1.0, 1.0, -1.0, -1.0])
    h = tp.FourierHamiltonian(hoppings, n_occupied=2)
    with pytest.raises(tp.errors.InputError) as caught:
        tp.z2_invariant(h)
    told = str(caught.value)
    assert "\n" not in told
    split = re.search(r"split by (?:up to )?([\d.e-]+) of the gap", told)
    assert split, told
    asked = re.search(r"`?tolerance`?(?:=| of at least | to | of )([\d.e-]+)", told)
    assert asked, told
    value = max(float(x) for x in re.findall(r"[\d.]+e-\d+|0\.\d+", told))
    assert float(split[1]) <= value
    assert int(tp.z2_invariant(h, tolerance=1.01 * value)) == 1


@pytest.mark.parametrize(
    ("ask", "h", "name"),
    [
        (tp.certify_chern, tp.models.ssh(1.0, 2.0), "certify_winding"),
        (tp.certify_chern, WEYL, "chern_on_slices"),
        (tp.certify_chern, tp.models.dirac_4d(-3.0), "second_chern"),
        (tp.certify_winding, tp.FourierHamiltonian({(0,): np.diag([1.0, -1.0])}),
         "majorana_number"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_question_that_fits(ask, h, name):
    with pytest.raises(tp.errors.KindError, match=name) as caught:
        plain(ask)(h)
    assert "\n" not in str(caught.value)
    assert hasattr(tp, name)


BATCHES_OF_ONE = {
    "winding": lambda: tp.certify_winding(tp.models.ssh(1.0, [2.0])),
    "Chern": lambda: tp.certify_chern(tp.models.qwz([-1.0])),
    "gap": lambda: tp.certify_gap(tp.models.qwz([-1.0])),
    "Z2": lambda: tp.z2_invariant(tp.models.bhz([1.0]), method="flux", time_reversal="up first"),
    "Z2, sampled": lambda: tp.z2_invariant(tp.models.bhz([1.0]), prove=False),
    "mirror": lambda: tp.mirror_chern(tp.models.bhz([1.0]), mirror=MIRROR),
    "Majorana": lambda: tp.majorana_number(
        tp.models.kitaev_chain_bdg([0.5], 1.0, 0.7), particle_hole="nambu"
    ),
    "winding in 3D": lambda: tp.winding_3d(tp.models.chiral_dirac_3d([0.7]), chiral="blocks"),
    "point gap": lambda: tp.point_gap_winding(
        tp.NonHermitianHamiltonian({1: [[[1.0]]], -1: [[[0.3]]]})
    ),
    "spin": lambda: tp.spin_chern(tp.models.bhz([1.0]), SPIN),
}


@pytest.mark.parametrize("name", BATCHES_OF_ONE)
def test_a_batch_of_one_is_printed(name):
    found = BATCHES_OF_ONE[name]()
    assert found.status.shape == (1,)
    first = repr(found).splitlines()[0]
    assert re.search(r": [+-]?\d|: open", first), first
    assert "<caption>" in found._repr_html_()


@pytest.mark.parametrize("name", ["Z2", "Z2, sampled", "Majorana"])
def test_integers_modulo_two_have_no_sign(name):
    found = BATCHES_OF_ONE[name]()
    assert "+" not in repr(found).partition("\n")[0]
