"""Nothing assumes how many of more than two bands are occupied: it is named, or asked for."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import topophys as tp
from topophys.errors import FillingError
from topophys.plots import plot_berry_curvature


def four_bands(dim, **options):
    """Two copies of a model, which name a filling only where it is given."""
    h = {
        1: tp.models.ssh(1.0, 2.0),
        2: tp.models.qwz(-1.0),
        3: tp.models.weyl_semimetal(1.0),
        4: tp.models.dirac_4d(-3.0),
    }[dim]
    hops = {
        tuple(v): np.kron(np.diag([1.0, 1.5]), a)
        for v, a in zip(h.vectors.tolist(), h.amplitudes, strict=True)
    }
    return tp.FourierHamiltonian(hops, **options)


#: Questions of Hamiltonians in one to four dimensions.
QUESTIONS = {
    1: {
        "zak_phase": lambda h, **o: tp.zak_phase(h, grid=8, **o),
        "berry_phase": lambda h, **o: tp.berry_phase(h, grid=8, **o),
        "wannier_centres": lambda h, **o: tp.wannier_centres(h, grid=8, **o),
        "wilson_loop": lambda h, **o: tp.wilson_loop(h, grid=8, **o),
    },
    2: {
        "certify_gap": tp.certify_gap,
        "certify_gap, indirect": lambda h, **o: tp.certify_gap(h, kind="indirect", **o),
        "certify_chern": tp.certify_chern,
        "certify_equivalent": lambda h, **o: tp.certify_equivalent(h, h, **o),
        "cluster_phases": lambda h, **o: tp.cluster_phases([h, h], **o),
        "certify_phases": lambda h, **o: tp.certify_phases(
            lambda m: m * h, {"m": (1.0, 1.1)}, dependence={"m": "affine"}, **o
        ),
        "chern_number": lambda h, **o: tp.chern_number(h, grid=8, **o),
        "berry_flux": lambda h, **o: tp.berry_flux(h, grid=8, **o),
        "berry_curvature": lambda h, **o: tp.berry_curvature(h, grid=8, **o),
        "quantum_metric": lambda h, **o: tp.quantum_metric(h, grid=8, **o),
        "wilson_loop": lambda h, **o: tp.wilson_loop(h, grid=8, **o),
        "wannier_centres": lambda h, **o: tp.wannier_centres(h, grid=8, **o),
        "zak_phase": lambda h, **o: tp.zak_phase(h, grid=8, **o),
        "z2_invariant": lambda h, **o: tp.z2_invariant(h, on_unresolved="mask", **o),
        "generalised chern": lambda h, **o: tp.certify_generalized_chern(
            tp.GeneralizedHamiltonian(h, {(0, 0): np.eye(4)}, **o)
        ),
        "spin_chern": lambda h, **o: tp.spin_chern(
            h, np.diag([0.5, 0.5, -0.5, -0.5]), on_unresolved="mask", **o
        ),
        "mirror_chern": lambda h, **o: tp.mirror_chern(
            h, mirror=np.diag([1.0, 1.0, -1.0, -1.0]), **o
        ),
        "plot_berry_curvature": plot_berry_curvature,
    },
    3: {
        "find_weyl_nodes": lambda h, **o: tp.find_weyl_nodes(h, depth=1, max_cells=2, **o),
        "weyl_charge": lambda h, **o: tp.weyl_charge(h, [0.0, 0.0, 1.0], **o),
        "certify_gap": tp.certify_gap,
        "axion_angle": lambda h, **o: tp.axion_angle(h, inversion=np.eye(4), **o),
        "chern_on_slices": lambda h, **o: tp.chern_on_slices(h, axis=2, k=[0.0, 2.0], **o),
        "z2_indices_3d": lambda h, **o: tp.z2_indices_3d(h, on_unresolved="mask", **o),
    },
    4: {"second_chern": lambda h, **o: tp.second_chern(h, max_grid=4, **o)},
}
EACH = [(dim, name) for dim, those in QUESTIONS.items() for name in those]


@pytest.mark.parametrize(("dim", "name"), EACH)
def test_every_question_of_a_hamiltonian_asks(dim, name):
    ask = QUESTIONS[dim][name]
    with pytest.raises(FillingError, match=r"`n_occupied` must be given.* of the \d bands") as told:
        ask(four_bands(dim))
    assert "\n" not in str(told.value)


#: Questions of samples, and the number of momenta they are on.
SAMPLED = {
    "chern_number": (2, tp.chern_number),
    "berry_flux": (2, tp.berry_flux),
    "berry_curvature": (2, tp.berry_curvature),
    "quantum_metric": (2, tp.quantum_metric),
    "wilson_loop": (2, tp.wilson_loop),
    "wannier_centres": (2, tp.wannier_centres),
    "zak_phase": (1, tp.zak_phase),
    "berry_phase": (1, tp.berry_phase),
    "z2_invariant": (2, tp.z2_invariant),
    "spin_chern": (2, lambda h, **o: tp.spin_chern(h, np.diag([0.5, 0.5, -0.5, -0.5]), **o)),
    "local_chern_marker": (
        0,
        lambda h: tp.local_chern_marker(h, np.indices((4, 1)).reshape(2, -1).T, area=1.0),
    ),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_every_question_of_samples_asks(name):
    dim, ask = SAMPLED[name]
    samples = four_bands(dim).on_grid(8) if dim else np.diag([0.0, 1.0, 2.0, 3.0])
    with pytest.raises(FillingError, match=r"`n_occupied` must be given.* of the 4 bands"):
        ask(samples)


@pytest.mark.parametrize("name", ["chern_number", "berry_flux", "wilson_loop", "spin_chern"])
def test_functions_of_k_ask(name):
    sampled = tp.from_callable(four_bands(2).bloch, 2)
    with pytest.raises(FillingError, match=r"`n_occupied` must be given"):
        QUESTIONS[2][name](sampled, **({"grid": 8} if name == "spin_chern" else {}))
    assert tp.chern_number(sampled, grid=8, n_occupied=2) == 2


#: Public names with `n_occupied=None` that ask elsewhere, or do not ask.
ELSEWHERE = {
    "polarization": "needs positions: test_polarization_asks",
    "certify_generalized_chern": "the filling is that of a GeneralizedHamiltonian, above",
    "certify_generalized_gap": "the filling is that of a GeneralizedHamiltonian, above",
    **dict.fromkeys(
        ("FourierHamiltonian", "GeneralizedHamiltonian", "RibbonHamiltonian",
         "from_callable", "from_pythtb", "from_tbmodels", "from_kwant", "from_sisl",
         "read_wannier90"),
        "makes a Hamiltonian, which may leave the filling open",
    ),
}  # fmt: skip


def with_open_filling():
    """Public names of the package with a parameter `n_occupied` that may be left out."""
    for name in tp.__all__:
        try:
            found = inspect.signature(getattr(tp, name)).parameters.get("n_occupied")
        except (TypeError, ValueError):  # a module, an alias of types
            continue
        if found is not None and found.default is None:
            yield name


def test_every_public_question_is_among_those_asked():
    asked = {name.split(",")[0] for _, name in EACH} | set(SAMPLED)
    missing = set(with_open_filling()) - asked - set(ELSEWHERE)
    lines = [f'        "{name}": tp.{name},' for name in sorted(missing)]
    assert not missing, (
        f"Add to QUESTIONS in {__file__}, under the dimension of its Hamiltonian (or to SAMPLED for"
        " samples, or with a reason to ELSEWHERE):\n" + "\n".join(lines)
    )


def test_no_reason_is_left_over():
    assert set(ELSEWHERE) <= set(with_open_filling())


def test_polarization_asks():
    h = four_bands(1).with_geometry(positions=np.zeros((4, 1)))
    with pytest.raises(FillingError, match=r"`n_occupied` must be given"):
        tp.polarization(h, charges=[4.0], ion_positions=[[0.0]], grid=8)


def test_networks_of_bands_ask():
    pytest.importorskip("torch")
    from topophys.learn import TopologicalMLEncoderLoops

    with pytest.raises(FillingError, match=r"`n_occupied` must be given"):
        TopologicalMLEncoderLoops(32, (8, 8))


def test_a_named_filling_is_taken():
    assert tp.certify_chern(four_bands(2, n_occupied=2)).value == 2
    assert tp.certify_chern(four_bands(2), n_occupied=2).value == 2
    assert tp.chern_number(four_bands(2).on_grid(8), n_occupied=2) == 2
    assert "the lowest 2 of 4 bands" in repr(tp.certify_chern(four_bands(2), n_occupied=2))


def test_hamiltonians_say_it():
    assert "4 bands (filling not given)" in repr(four_bands(2))
    assert "4 bands (2 occupied)" in repr(four_bands(2, n_occupied=2))
    assert "(filling not given)" in repr(four_bands(2) * 2.0 + four_bands(2))
    assert "(2 occupied)" in repr(four_bands(2) + four_bands(2, n_occupied=2))
    sampled = tp.from_callable(four_bands(2).bloch, 2)
    assert "(filling not given)" in repr(sampled)
    assert "(2 occupied)" in repr(tp.from_callable(four_bands(2).bloch, 2, n_occupied=2))
    assert "(filling not given)" in repr(tp.GeneralizedHamiltonian(four_bands(2), four_bands(2)))
    assert "(filling not given)" in repr(tp.supercell(four_bands(2), 2))
    assert "(filling not given)" in repr(tp.ribbon(four_bands(2), 3))


def test_what_leaves_no_choice_is_not_asked():
    """Two bands, chiral chains, and models and ensembles, which name a filling."""
    chain = tp.ensembles.aiii_chains(1, n_orbitals=3, rng=1)[0]
    for h in (tp.models.ssh(1.0, 2.0), chain, 2.0 * chain, chain + chain, tp.models.bhz(1.0),
              tp.models.qwz(1.0), tp.ensembles.class_a(1, n_bands=4, rng=1)[0]):  # fmt: skip
        assert "not given" not in repr(h)
        assert h.n_occupied == h.n_bands // 2
    assert tp.supercell(tp.models.qwz(-1.0), 2).n_occupied == 4
    assert tp.certify_gap(chain).certified


def test_questions_that_need_no_filling_are_answered():
    assert tp.certify_gap(four_bands(2), level=0.0).status == "certified"
    assert tp.chern_number(four_bands(2), grid=8, bands=[0, 1]) == 2
    assert tp.certify_chern(four_bands(2), bands=[0, 1]).value == 2
    assert four_bands(2).bands([0.0, 0.0]).shape == (4,)


def test_what_looks_for_the_name_finds_none():
    """As for every attribute that is not there: `hasattr` and `getattr` with a default."""
    assert not hasattr(four_bands(2), "n_occupied")
    assert getattr(four_bands(2), "n_occupied", None) is None
