"""Hamiltonians from features: gapped, periodic, of every invariant, with the certified one."""

import inspect

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.learn import FeatureHamiltonian, create_hamiltonian_from_features

TYPES = ["1d_a3", "2d_a"]
REACH = {"1d_a3": set(range(-4, 5)), "2d_a": set(range(-2, 3))}


def features(n=64, size=24, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(n, size, generator=generator)


def parameters_of(model_type, n, seed=0):
    """A map whose parameters are the features themselves."""
    size = 36 if model_type == "1d_a3" else 12
    make = FeatureHamiltonian(size, 24, model_type, margin=0.2).double()
    with torch.no_grad():
        make.linear.weight.copy_(torch.eye(size))
        make.linear.bias.zero_()
    return make, 2.0 * features(n, size, seed).double()


@pytest.mark.parametrize("model_type", TYPES)
def test_every_invariant_is_reached_and_proven(model_type):
    make = FeatureHamiltonian(24, 16, model_type)
    proof = make.certify(features(4000))
    assert proof.certified.all()
    assert set(np.unique(proof.value).tolist()) == REACH[model_type]


def test_winding_number_is_the_number_of_roots_inside_minus_four():
    make, rows = parameters_of("1d_a3", 300)
    inside = (rows[:, :16].reshape(-1, 8, 2)[..., 0] < 0).sum(1).numpy()
    np.testing.assert_array_equal(make.certify(rows).value, inside - 4)


def test_chern_number_is_that_of_the_masses():
    make, rows = parameters_of("2d_a", 300)
    signs = np.sign(rows[:, :4].numpy())
    np.testing.assert_array_equal(make.certify(rows).value, signs @ [1, -1, -1, 1] // 2)


@pytest.mark.parametrize("model_type", TYPES)
@pytest.mark.parametrize("margin", [0.01, 0.2, 0.6])
def test_energies_stay_within_the_margin(model_type, margin):
    make = FeatureHamiltonian(24, 16, model_type, margin=margin)
    grid = 301 if model_type == "1d_a3" else (61, 61)
    dense = make.hamiltonians(features(300, scale=3.0)).on_grid(grid)
    energy = np.abs(np.linalg.eigvalsh(dense))
    assert energy.min() >= margin * (1 - 1e-5)
    assert energy.max() <= (1 + 1e-5) * (1.0 if model_type == "1d_a3" else 3.0)


def test_edges_of_the_family_keep_the_margin():
    # masses and radii at their limits, where the bound is tight
    for model_type in TYPES:
        make, rows = parameters_of(model_type, 200)
        first = 4 if model_type == "2d_a" else 16
        rows[:, :first] *= 1e-9 if model_type == "2d_a" else 1.0
        if model_type == "1d_a3":
            rows[:, :16:2] *= 1e-9
        grid = 2001 if model_type == "1d_a3" else (121, 121)
        energy = np.abs(np.linalg.eigvalsh(make.hamiltonians(rows[:40]).on_grid(grid)))
        assert energy.min() >= 0.2 * (1 - 1e-9)
        assert energy.min() < (0.2001 if model_type == "2d_a" else 0.3)  # no idle bound


@pytest.mark.parametrize("model_type", TYPES)
def test_forward_is_the_fourier_sum_of_the_hoppings(model_type):
    make, x = FeatureHamiltonian(24, 10, model_type), features(20)
    out = make(x)
    grid = 10 if model_type == "1d_a3" else (10, 10)
    expected = make.hamiltonians(x).on_grid(grid)
    np.testing.assert_allclose(out["hamiltonian"].detach().numpy(), expected, atol=2e-6)


def test_other_grids_show_the_same_hamiltonian():
    # periodic: half of the points of a finer grid are those of the coarser one
    x = features(5)
    for model_type, step in (("1d_a3", np.s_[:, ::2]), ("2d_a", np.s_[:, ::2, ::2])):
        fine = create_hamiltonian_from_features(x, 16, model_type)
        coarse = create_hamiltonian_from_features(x, 8, model_type)
        torch.testing.assert_close(fine[step], coarse, atol=1e-5, rtol=0)


@pytest.mark.parametrize("model_type", TYPES)
def test_all_features_and_all_weights_count(model_type):
    make, x = FeatureHamiltonian(24, 8, model_type), features(5).requires_grad_()
    weight = torch.randn(1, generator=torch.Generator().manual_seed(1)) + torch.arange(1.0)
    out = make(x)["hamiltonian"]
    noise = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))
    (out.real * noise + out.imag * noise.flip(1) + weight).sum().backward()
    assert (x.grad.abs() > 1e-6).all()
    assert (make.linear.weight.grad.abs().sum(1) > 1e-6).all()


@pytest.mark.parametrize("model_type", TYPES)
def test_derivative_matches_finite_differences(model_type):
    make, rows = parameters_of(model_type, 3, seed=5)
    rows = (rows + 0.1 * rows.sign()).requires_grad_()  # away from the jumps

    def entries(r):
        return torch.view_as_real(make.hoppings(r))

    assert torch.autograd.gradcheck(entries, rows)


def test_stable_across_calls_and_global_seeds():
    x = features(4)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    one = create_hamiltonian_from_features(x)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(create_hamiltonian_from_features(x), one)
    make = FeatureHamiltonian(24)
    assert torch.equal(make(x)["hamiltonian"].detach(), one)
    assert not torch.equal(FeatureHamiltonian(24, seed=1)(x)["hamiltonian"].detach(), one)
    # each row by itself
    torch.testing.assert_close(create_hamiltonian_from_features(x[2:3]), one[2:3])


def test_network_can_be_trained():
    make, x = FeatureHamiltonian(24, 8), features(8)
    optimizer = torch.optim.Adam(make.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = (make(x)["hamiltonian"].abs() - 0.3).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def refused(kind, match, *given, **options):
    with pytest.raises(kind, match=match) as caught:
        inspect.unwrap(create_hamiltonian_from_features)(*given, **options)
    assert "\n" not in str(caught.value)


def test_refusals():
    x = features(3)
    refused(InputError, "`model_type`", x, 8, "3d")
    refused(InputError, "`k_points`", x, 0)
    refused(ShapeError, "`features`", x[0])
    with pytest.raises(ShapeError, match=r"\(B, 24\)"):
        inspect.unwrap(FeatureHamiltonian.hoppings)(FeatureHamiltonian(24), x[:, :5])
    for margin in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="`margin`"):
            FeatureHamiltonian(24, margin=margin)
    with pytest.raises(InputError, match="`k_points`"):
        FeatureHamiltonian(24, (4, 4), "1d_a3")


def test_energies_are_symmetric_in_a_chiral_chain():
    h_k = create_hamiltonian_from_features(features(3), 8)
    energy = torch.linalg.eigvalsh(h_k)
    torch.testing.assert_close(energy, -energy.flip(-1), atol=1e-5, rtol=0)
    assert isinstance(FeatureHamiltonian(24).hamiltonians(features(3)), tp.ChiralHamiltonian)
