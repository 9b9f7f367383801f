"""The loss is what its documentation says, and nothing twice."""

import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topophys.errors import InputError, ShapeError
from topophys.learn import TopologicalMLEncoder, compute_topological_loss

#: as users get it, without the run-time checks of the annotations
loss_of = inspect.unwrap(compute_topological_loss)


def predictions(seed=0, n=9, classes=3):
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator, "dtype": torch.float64}
    return {
        "invariant": 1.5 * torch.randn(n, **draw),
        "topological_logits": torch.randn(n, classes, **draw),
    }


@given(seed=st.integers(0, 10_000), weight=st.floats(0, 10))
def test_total_is_the_documented_sum(seed, weight):
    out = predictions(seed)
    targets = torch.randint(-1, 2, (9,), generator=torch.Generator().manual_seed(seed))
    found = compute_topological_loss(out, targets, weight)
    assert set(found) == {"regression_loss", "auxiliary_loss", "total_loss"}
    huber = torch.nn.functional.huber_loss(out["invariant"], targets.double(), delta=0.5)
    chosen = out["topological_logits"].log_softmax(-1)[torch.arange(9), targets + 1]
    torch.testing.assert_close(found["regression_loss"], huber)
    torch.testing.assert_close(found["auxiliary_loss"], -chosen.mean())
    torch.testing.assert_close(found["total_loss"], huber - weight * chosen.mean())


def test_every_term_lowers_with_better_predictions():
    # a term with the wrong sign, such as one that rewards spread, fails here
    targets = torch.tensor([-1, 0, 1])
    for name in ("regression_loss", "auxiliary_loss", "total_loss"):
        values = []
        for share in (0.0, 0.5, 1.0):
            invariant = share * targets.double()
            logits = -10 * share * (torch.tensor([-1.0, 0.0, 1.0]) - targets[:, None]) ** 2
            out = {"invariant": invariant, "topological_logits": logits.double()}
            values.append(float(compute_topological_loss(out, targets)[name]))
        assert values[0] > values[1] > values[2] >= 0.0


def test_nothing_but_the_labels_is_asked_for():
    # the loss must not read local features: then probes of them would show what was put in
    out = predictions() | {"local_features": None, "topological_features": None}
    found = compute_topological_loss(out, torch.zeros(9, dtype=torch.int64))
    assert torch.isfinite(found["total_loss"])


def test_gradient_is_bounded_far_from_the_integer():
    invariant = torch.tensor([100.0], requires_grad=True)
    out = {"invariant": invariant, "topological_logits": torch.zeros(1, 3)}
    compute_topological_loss(out, torch.tensor([0]))["regression_loss"].backward()
    assert float(invariant.grad) == 0.5


@pytest.mark.parametrize("dtype", [torch.int8, torch.int32, torch.int64])
def test_targets_of_any_integer_type_are_accepted(dtype):
    targets = torch.tensor([-1, 0, 1, 1, 0, -1, 0, 0, 0])
    found = compute_topological_loss(predictions(), targets.to(dtype))
    expected = compute_topological_loss(predictions(), targets)
    assert torch.equal(found["total_loss"], expected["total_loss"])


@pytest.mark.parametrize(("label", "classes"), [(2, 3), (-2, 3), (-1, 2), (2, 2), (1, 1)])
def test_targets_outside_the_classes_are_refused(label, classes):
    targets = torch.zeros(9, dtype=torch.int64)
    targets[4] = label
    with pytest.raises(InputError, match="`targets` must lie in") as caught:
        compute_topological_loss(predictions(classes=classes), targets)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(9, 1), (1,), (8,), (0,), ()])
def test_targets_of_other_shapes_are_refused(shape):
    # (9, 1) would be broadcast to 81 differences
    with pytest.raises(ShapeError, match="`targets`"):
        loss_of(predictions(), torch.zeros(shape, dtype=torch.int64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
def test_targets_that_are_no_integers_are_refused(dtype):
    with pytest.raises(InputError, match="must hold integers"):
        loss_of(predictions(), torch.zeros(9, dtype=dtype))


def test_class_indices_instead_of_invariants_are_noticed():
    encoder = TopologicalMLEncoder(hidden_dims=(4, 3, 6), output_features=2)
    with pytest.raises(InputError):
        compute_topological_loss(encoder(torch.randn(3, 8, 8)), torch.tensor([0, 1, 2]))
