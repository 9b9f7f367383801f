"""No filling of a material is assumed: it is given, or questions that need it are refused."""

from __future__ import annotations

import numpy as np
import pytest

import topophys as tp
from topophys._typing import FourierLike
from topophys.errors import InputError


@pytest.fixture(scope="module")
def planes(tmp_path_factory):
    """Three two-dimensional bands with a gap above each of them, shifted far apart."""
    qwz = tp.models.qwz(-1.0).hoppings
    hoppings = {
        R: np.block(
            [[m, np.zeros((2, 1))], [np.zeros((1, 2)), np.full((1, 1), 9.0 * (R == (0, 0)))]]
        )
        for R, m in qwz.items()
    }
    h = tp.FourierHamiltonian(hoppings, n_occupied=1)
    return tp.write_wannier90_hr(h, tmp_path_factory.mktemp("planes") / "a_hr.dat")


@pytest.fixture(scope="module")
def kramers(tmp_path_factory):
    h = tp.models.bhz(1.0)
    return tp.write_wannier90_hr(h, tmp_path_factory.mktemp("bhz") / "a_hr.dat")


QUESTIONS = {
    "certify_chern": tp.certify_chern,
    "certify_gap": tp.certify_gap,
    "z2_invariant": tp.z2_invariant,
    "spin_chern": lambda h, **words: tp.spin_chern(h, np.diag([1, 1, -1, -1]), **words),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_without_a_filling_each_question_is_refused_and_names_it(kramers, name):
    h = tp.read_wannier90(kramers)
    assert "filling not given" in repr(h)
    assert isinstance(h, FourierLike)
    with pytest.raises(InputError, match=r"`n_occupied` must be given.*4 bands") as caught:
        QUESTIONS[name](h)
    assert "\n" not in str(caught.value)
    assert QUESTIONS[name](h, n_occupied=2).status == "certified" or name == "z2_invariant"
    known = tp.read_wannier90(kramers, n_occupied=2)
    answer, same = QUESTIONS[name](h, n_occupied=2), QUESTIONS[name](known)
    assert str(answer) == str(same)


def test_in_three_dimensions(tmp_path):
    h = tp.models.weyl_semimetal(1.0)
    h = tp.read_wannier90(tp.write_wannier90_hr(h, tmp_path / "a_hr.dat"))
    centre = [0.0, 0.0, 1.0]
    for ask in (
        lambda **words: tp.weyl_charge(h, centre, half_width=0.3, **words),
        lambda **words: tp.chern_on_slices(h, grid=2, **words),
    ):
        with pytest.raises(InputError, match="`n_occupied` must be given"):
            ask()
        assert ask(n_occupied=1).status.size
    layers = {(*R, 0): m for R, m in tp.models.bhz(1.0).hoppings.items()} | {
        (0, 0, 1): 0.01 * np.eye(4)
    }
    stacked = tp.write_wannier90_hr(tp.FourierHamiltonian(layers), tmp_path / "b_hr.dat")
    solid = tp.read_wannier90(stacked)
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        tp.z2_indices_3d(solid)
    assert tp.z2_indices_3d(solid, n_occupied=2).label == "(0; 001)"


def test_models_name_their_filling_and_others_are_asked():
    assert tp.models.bhz(1.0).n_occupied == 2
    assert tp.FourierHamiltonian({(0,): np.eye(4)}, n_occupied=2).n_occupied == 2
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        _ = tp.FourierHamiltonian({(0,): np.eye(4)}).n_occupied


def test_a_part_and_a_multiple_know_no_more_than_the_whole(kramers):
    h = tp.read_wannier90(kramers)
    chosen = h._select(())
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        _ = chosen.n_occupied


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ({"n_occupied": 1}, 1),
        ({"fermi_energy": 0.0}, 1),
        ({"fermi_energy": 5.0}, 2),
        ({"n_electrons": 2, "spin_degenerate": True}, 1),
        ({"n_electrons": 2, "spin_degenerate": False}, 2),
    ],
)
def test_three_ways_to_say_it(planes, words, filled):
    h = tp.read_wannier90(planes, **words)
    assert h.n_occupied == filled
    assert any("256 momenta" in note for note in h.notes) == ("fermi_energy" in words)
    assert int(tp.certify_chern(h)) == (1 if filled == 1 else 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"n_occupied": 1, "fermi_energy": 0.0}, "must not be given together"),
        ({"fermi_energy": 1.5}, "must lie in a gap"),
        ({"fermi_energy": -50.0}, r"below -50 eV are 0 of 3 bands \(256 momenta\)"),
        ({"n_electrons": 2}, "`spin_degenerate` must be True or False"),
        ({"n_electrons": 3, "spin_degenerate": True}, "must be even"),
        ({"n_electrons": 6, "spin_degenerate": False}, "`n_occupied` must be from 1 to 2"),
    ],
)
def test_what_says_nothing_is_refused(planes, words, message):
    with pytest.raises(InputError, match=message) as caught:
        tp.read_wannier90(planes, **words)
    assert "\n" not in str(caught.value)
