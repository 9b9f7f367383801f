"""Networks of every task: trained on its data sets, asked about Hamiltonians, proven."""

import math
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import topophys as tp
from topophys.datasets.recipe import Recipe
from topophys.datasets.tasks import Sampling, get_task, task_names
from topophys.errors import InputError, KindError, RecipeError, ShapeError
from topophys.learn import FitConfig, fit
from topophys.tasks.z2 import of_the_given, prove_z2

#: Family, its table, grid and Hamiltonians of each task, with their invariants and another size.
TASKS = {
    "majorana": (
        {"family": "class_d", "n_bands": 4}, [6],
        lambda: tp.ensembles.bdg_chains(3, n_bands=4, rng=1),
        lambda h: tp.majorana_number(h, particle_hole="majorana", kind="direct"),
        lambda: tp.ensembles.bdg_chains(3, n_bands=6, rng=1),
    ),
    "z2": (
        {"family": "class_aii", "n_bands": 4}, [4, 4],
        lambda: tp.models.bhz([1.0, 3.0, -1.0], delta=0.1),
        lambda h: tp.z2_invariant(h, n_occupied=2, method="flux", time_reversal="up first"),
        lambda: tp.models.qwz([1.0, 3.0]),
    ),
    "winding_3d": (
        {"family": "chiral_3d", "disorder": 0.1}, [4, 4, 4],
        lambda: tp.models.chiral_dirac_3d([0.7, 2.2, 4.0]),
        lambda h: tp.winding_3d(h, chiral="blocks"),
        lambda: tp.ensembles.chiral_3d(1, n_bands=6, rng=0),
    ),
    "point_gap": (
        {"family": "non_hermitian", "n_orbitals": 2}, [6],
        lambda: tp.ensembles.non_hermitian_chains(3, n_bands=2, rng=2),
        tp.point_gap_winding,
        lambda: tp.NonHermitianHamiltonian({1: [[1.0]]}),
    ),
    "bands": (
        {"family": "class_a", "n_bands": 3, "n_occupied": 1}, [4, 4],
        lambda: tp.ensembles.class_a(3, n_bands=3, n_occupied=1, rng=3),
        lambda h: tp.certify_chern(h, n_occupied=1),
        lambda: tp.models.qwz([1.0]),
    ),
}  # fmt: skip


class Network(nn.Module):
    """One number of all channels at all k points."""

    def __init__(self, n):
        super().__init__()
        self.last = nn.Linear(n, 1)

    def forward(self, x):
        return self.last(x.flatten(1)).squeeze(-1)


def small_recipe(name, *, flatten=True):
    """Two samples for training and two for validation."""
    table, grid, *_ = TASKS[name]
    splits = [{"name": s, "size": 2, "classes": [0, 1]} for s in ("train", "val")]
    return Recipe.from_dict(
        {
            "name": name, "seed": 1, "hamiltonian": {"hopping_range": 1} | table,
            "label": {"invariant": get_task(name).invariant, "min_gap": 0.0},
            "input": {"flatten_bands": flatten, "grid": grid}, "split": splits,
        }
    )  # fmt: skip


@cache
def trained(name, *, flatten=True):
    """A run of the task, its recipe and its network."""
    recipe = small_recipe(name, flatten=flatten)
    bands = {"bands": 3, "z2": 4, "majorana": 4}.get(name, 2)
    network = Network(2 * bands**2 * math.prod(recipe.input.grid))
    return fit(FitConfig(epochs=1), recipe, model=network, progress=False), recipe, network


def test_every_task_is_looked_at():
    assert {*TASKS, "winding", "chern"} == set(task_names())


@pytest.mark.parametrize("name", TASKS)
def test_networks_of_every_task_predict_and_are_proven(name):
    run, _, network = trained(name)
    *_, hamiltonians, prove, other = TASKS[name]
    h = hamiltonians()
    answer = run.predict(h, certify=True)
    proof = prove(h)
    good = proof.status == "certified"
    assert good.any()
    assert (answer.certificate.certified == good).all()
    assert (np.ma.getdata(answer.value)[good] == np.ma.getdata(proof.value)[good]).all()
    with torch.no_grad():
        x = torch.from_numpy(run.prepare_input(h)[0])
        assert np.allclose(network(x).numpy(), answer.real, atol=1e-5)
    with pytest.raises(ShapeError, match=r"`H` must have \d (bands|.* blocks)"):
        run.predict(other())


@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("name", TASKS)
def test_inputs_are_those_of_the_data_set(name, flatten):
    """What a run makes of the hoppings of a sample is the sample."""
    run, recipe, _ = trained(name, flatten=flatten)
    spec = recipe.part("train")
    family = get_task(name).family(recipe, spec)
    hoppings = family.draw(3, np.random.default_rng(5))
    stored = family.evaluate(hoppings)["x"]
    filled = recipe.hamiltonian.filled
    h = get_task(name).hamiltonians(family.vectors(), hoppings, filled)
    x, batch = run.prepare_input(h)
    assert batch == (3,)
    assert np.allclose(x, stored, atol=1e-5)
    if name not in {"point_gap", "winding_3d"}:
        again, _ = run.prepare_input(h.on_grid(tuple(spec.grid)))
        assert np.allclose(again, stored, atol=1e-5)


def test_data_of_a_task_without_a_network_ask_for_one():
    recipe = small_recipe("majorana")
    with pytest.raises(RecipeError, match="network of your own as `model`"):
        fit(FitConfig(epochs=1), recipe, progress=False)


def test_what_a_task_cannot_read_is_refused_in_one_line():
    mixed = tp.FourierHamiltonian({(0, 0, 0): np.diag([1.0, -1.0, 2.0, -2.0])}, n_occupied=2)
    with pytest.raises(KindError, match=r"chirality \+1 before those of -1"):
        get_task("winding_3d").samples(mixed, Sampling((3, 3, 3), 8, 2))
    with pytest.raises(KindError, match="NonHermitianHamiltonian for this network"):
        get_task("point_gap").samples(tp.models.ssh(1.0, 2.0), Sampling((6,), 2))
    with pytest.raises(InputError, match="`refine` must be 1"):
        get_task("winding_3d").samples(
            tp.models.chiral_dirac_3d(1.0), Sampling((3, 3, 3), 8, 2, refine=2)
        )
    with pytest.raises(KindError, match="two-dimensional for this network"):
        get_task("z2").samples(tp.models.ssh(1.0, 2.0), Sampling((4, 4), 32, 2))


def test_gaps_of_symmetrised_hamiltonians_are_called_so():
    """With broken time reversal the proof of Z2 is one of the mean of H and its reverse."""
    plain = tp.models.bhz(3.0, delta=0.1)
    hoppings = dict(plain.hoppings)
    hoppings[0, 0] = hoppings[0, 0] + 0.5 * np.diag([1.0, 1.0, -1.0, -1.0])
    h = tp.FourierHamiltonian(hoppings, n_occupied=2)
    run, _, _ = trained("z2")
    proof = run.predict(h, certify=True).certificate
    energy = np.linalg.eigvalsh(h.on_grid((60, 60)))
    gap = (energy[..., 2] - energy[..., 1]).min()
    assert proof.gap_lower > gap
    assert proof.gap_lower - proof.symmetry_violation <= gap
    assert "symmetrised Hamiltonian" in repr(proof)


@settings(max_examples=10)
@given(broken=st.floats(0.0, 0.4), mass=st.floats(1.0, 3.0))
def test_gaps_of_data_sets_are_those_of_the_given_hamiltonians(broken, mass):
    hoppings = dict(tp.models.bhz(mass, delta=0.1).hoppings)
    hoppings[0, 0] = hoppings[0, 0] + broken * np.diag([1.0, 1.0, -1.0, -1.0])
    h = tp.FourierHamiltonian(hoppings, n_occupied=2)
    energy = np.linalg.eigvalsh(h.on_grid((30, 30)))
    proof = of_the_given(prove_z2(h))
    # 0 where nothing is proven, which breaking by a tenth does not do
    assert proof.gap_lower <= (energy[..., 2] - energy[..., 1]).min()
    assert proof.all_certified or broken > 0.1


@pytest.mark.parametrize("name", TASKS)
def test_no_hamiltonians_and_other_grids(name):
    run, _, _ = trained(name)
    _, grid, hamiltonians, *_ = TASKS[name]
    none = run.predict(hamiltonians()[:0])
    assert none.value.shape == (0,)
    with pytest.raises(InputError, match="a shape that the network reads"):
        run.predict(hamiltonians(), k_points=tuple(n + 1 for n in grid))
