"""What holds for every encoder, trained or not: origin of the zone, repetition, composition.

The rule of the architecture is proven in exact arithmetic: with small binary fractions as weights
and inputs and a rectifier in place of the one transcendental function, float64 commits no rounding
error, and the identities hold to the bit. The real network is held to the rounding of its sums.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.learn.mutants import faulty
from topophys.learn import TopologicalMLEncoder

SMALL = {"hidden_dims": (4, 3, 6), "output_features": 2}
SEEDS = st.integers(0, 2**31 - 1)


def exact_encoder(seed, *, gated=True, fault=""):
    """Encoder whose weights are multiples of 1/4 from -1/2 to 1/2."""
    torch.manual_seed(seed)
    encoder = faulty(fault, gated=gated, flatten=False, **SMALL).double()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape) / 4)
    return encoder


def exact_input(seed, n_k, batch=3):
    """Inputs that are multiples of 1/2 from -1 to 1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-2, 3, (batch, n_k, 8), generator=generator).double() / 2


@pytest.fixture
def no_rounding(monkeypatch):
    monkeypatch.setattr(torch.nn.functional, "gelu", torch.relu)


def invariant_of(encoder, x):
    with torch.no_grad():
        return encoder(x)["invariant"]


def shift_holds(encoder, x):
    """Every origin of the zone gives the same invariant, and shifted local features."""
    with torch.no_grad():
        at_home = encoder(x)
        for step in range(x.shape[1]):
            away = encoder(x.roll(step, dims=1))
            if not torch.equal(away["invariant"], at_home["invariant"]):
                return False
            for name, local in at_home["local_features"].items():
                if not torch.equal(away["local_features"][name], local.roll(step, dims=1)):
                    return False
    return True


def repetition_holds(encoder, x):
    """Running through the zone three times counts three times."""
    once, thrice = invariant_of(encoder, x), invariant_of(encoder, torch.cat([x, x, x], dim=1))
    return torch.equal(thrice, 3 * once)


def composition_holds(encoder, x):
    """Two loops from one point, one after the other, count the sum of both."""
    other = x.flip(1).roll(1, dims=1)  # begins where x begins
    both = invariant_of(encoder, torch.cat([x, other], dim=1))
    return torch.equal(both, invariant_of(encoder, x) + invariant_of(encoder, other))


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("n_k", [1, 2, 7, 32, 33])
def test_identities_are_exact(no_rounding, gated, n_k):
    for seed in range(5):
        encoder, x = exact_encoder(seed, gated=gated), exact_input(seed, n_k)
        assert shift_holds(encoder, x)
        assert repetition_holds(encoder, x)
        assert composition_holds(encoder, x)


@pytest.mark.parametrize(
    ("fault", "identity"),
    [
        ("zero padding", shift_holds),
        ("zero padding", repetition_holds),
        ("zero padding", composition_holds),
        ("open", repetition_holds),
        ("open", composition_holds),
        ("average", repetition_holds),
        ("average", composition_holds),
    ],
)
def test_identities_find_the_faults_they_are_for(no_rounding, fault, identity):
    found = [identity(exact_encoder(s, fault=fault), exact_input(s, 8)) for s in range(5)]
    assert not all(found)
    assert all(identity(exact_encoder(s), exact_input(s, 8)) for s in range(5))


def test_exact_networks_are_not_dead(no_rounding):
    for gated in (True, False):
        found = [invariant_of(exact_encoder(s, gated=gated), exact_input(s, 8)) for s in range(5)]
        assert torch.stack(found).count_nonzero() >= 9


def rounding(encoder, x):
    """Bound of the rounding of the sums over links and channels, to first order."""
    with torch.no_grad():
        local = encoder(x)["local_features"]["h2_features"].abs().sum(dim=1)
        weights = encoder.head.readout.weight.abs() @ encoder.project.weight.abs()
        n_terms = x.shape[1] + weights.numel() + encoder.density.in_features + 32
        return n_terms * torch.finfo(x.dtype).eps * (local @ weights.T).squeeze(-1)


@pytest.mark.parametrize("flatten", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(seed=SEEDS, n_k=st.integers(1, 40), step=st.integers(0, 40))
def test_origin_of_the_zone_changes_rounding_only(flatten, dtype, seed, n_k, step):
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder(flatten=flatten, **SMALL).to(dtype)
    x = torch.randn(4, n_k, 8, dtype=dtype)
    difference = invariant_of(encoder, x.roll(step, dims=1)) - invariant_of(encoder, x)
    assert (difference.abs() <= rounding(encoder, x)).all()


@given(seed=SEEDS, n_k=st.integers(1, 40))
def test_twofold_cover_of_the_zone_doubles_the_invariant(seed, n_k):
    torch.manual_seed(seed)
    encoder = TopologicalMLEncoder(**SMALL).double()
    x = torch.randn(4, n_k, 8, dtype=torch.float64)
    twice = torch.cat([x, x], dim=1)
    difference = invariant_of(encoder, twice) - 2 * invariant_of(encoder, x)
    assert (difference.abs() <= rounding(encoder, twice)).all()


def test_samples_of_a_batch_are_independent(no_rounding):
    encoder, x = exact_encoder(0), exact_input(0, 16, batch=6)
    together = invariant_of(encoder, x)
    alone = torch.cat([invariant_of(encoder, x[i : i + 1]) for i in range(6)])
    assert torch.equal(together, alone)


def test_order_of_the_k_points_matters(no_rounding):
    encoder, x = exact_encoder(1), exact_input(1, 16)
    assert not torch.equal(invariant_of(encoder, x), invariant_of(encoder, x.flip(1)))
