"""Numbers that are none, and numbers at the ends of their range, in every public function."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import topophys as tp
from tests.hardening.numbers import CASES
from tests.strategies import plain
from topophys.errors import TopophysError

NOT_FINITE = (np.nan, np.inf, -np.inf)
SCALES = (1e-310, 1e-160, 1e160, 1e300)
TINY = 5e-324
#: Arguments that may be empty or None, or that the case itself computes with.
UNUSUAL = (
    "chern_on_slices, k", "FourierHamiltonian", "ChiralHamiltonian", "certify_gap, level",
    "band_path", "point_gap_winding, energy", "symmetry_class, particle_hole", "interpolate, at",
    "second_chern, gammas", "find_weyl_nodes, inversion",
)  # fmt: skip


def said(function, array):
    """Message of the error of topophys that refuses an array, or nothing."""
    try:
        plain(function)(array)
    except TopophysError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bad", NOT_FINITE)
def test_numbers_that_are_none_are_refused(name, bad):
    function, honest = CASES[name]
    plain(function)(honest)
    for place in {0, honest.size // 2, honest.size - 1}:
        array = honest.copy()
        array.flat[place] = bad
        with pytest.raises(TopophysError) as caught:
            plain(function)(array)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("scale", SCALES)
def test_the_ends_of_the_range_give_an_answer_or_an_error(name, scale):
    function, honest = CASES[name]
    assert "\n" not in said(function, honest * scale)


@pytest.mark.parametrize("name", CASES)
def test_one_denormal_entry(name):
    function, honest = CASES[name]
    for place in {0, honest.size - 1}:
        array = honest.copy()
        array.flat[place] = TINY
        assert "\n" not in said(function, array)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", ["text", None, [], [[]], {}, "nan"], ids=repr)
def test_what_is_no_array_of_numbers_is_refused(name, other):
    function, _ = CASES[name]
    if name in UNUSUAL or name.startswith("models."):
        return
    with pytest.raises(TopophysError):
        plain(function)(other)


@pytest.mark.parametrize("scale", [1e-300, 1e-155, 1.0, 1e150])
def test_integers_do_not_depend_on_the_unit(scale):
    assert int(tp.winding_number(scale * tp.models.ssh(1.0, 2.0).block_on_grid(16))) == 1
    assert int(tp.chern_number_from_d(scale * tp.models.qwz(-1.0).d_on_grid((8, 8)))) == 1
    assert int(tp.chern_number(scale * tp.models.qwz(-1.0).on_grid((8, 8)))) == 1


def test_every_public_function_of_arrays_is_here():
    wanted = {
        name
        for name in tp.__all__
        if inspect.isfunction(getattr(tp, name))
        and any(
            "ArrayLike" in str(p.annotation)
            for p in inspect.signature(getattr(tp, name)).parameters.values()
        )
    }
    wanted -= {"from_callable"}  # the arrays are those that a function of the user returns
    wanted -= {"certify_phases"}  # its operator is handed to `z2_invariant`, point by point
    wanted -= {"supercell", "anderson_disorder"}  # integers only
    wanted -= {"z2_indices_3d"}  # its operators are handed to `z2_invariant`, plane by plane
    missing = wanted - {name.partition(",")[0] for name in CASES}
    lines = [f'    "{name}": (tp.{name}, ARRAY),' for name in sorted(missing)]
    assert not missing, (
        "Add to CASES in tests/hardening/numbers.py, with an ARRAY that the function takes and its"
        " other arguments in a lambda:\n" + "\n".join(lines)
    )


def test_every_model_is_here():
    """`numbers.py` calls models with real parameters by itself."""
    missing = {f"models.{name}" for name in tp.models.__all__} - set(CASES) - {"models.hofstadter"}
    assert not missing, (
        f"{sorted(missing)} have no parameter annotated `ArrayLike`: annotate the real ones, or add"
        " a case to CASES in tests/hardening/numbers.py."
    )
