"""Class scores that follow from the invariant."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from topophys.learn.layers import InvariantHead, centred_classes


def head(num_classes, log_width=-1.0):
    made = InvariantHead(1, num_classes).double()
    with torch.no_grad():
        made.readout.weight.fill_(1.0)  # the invariant is the feature itself
        made.log_width.fill_(log_width)
    return made


@given(
    value=st.floats(-6, 6).filter(lambda v: abs(v * 2 - round(v * 2)) > 1e-9 or v == round(v)),
    num_classes=st.integers(1, 9),
    log_width=st.floats(-3, 3),
)
def test_best_class_is_the_nearest_integer(value, num_classes, log_width):
    invariant, logits = head(num_classes, log_width)(torch.tensor([[value]], dtype=torch.float64))
    classes = centred_classes(num_classes)
    assert float(invariant.detach()) == value
    nearest = min(max(round(value), classes[0]), classes[-1])
    assert classes[int(logits.argmax())] == nearest


def test_scores_are_those_of_a_normal_distribution():
    invariant, logits = head(3, log_width=0.5)(torch.tensor([[0.3]], dtype=torch.float64))
    normal = torch.distributions.Normal(invariant, torch.tensor(0.5).double().exp())
    expected = normal.log_prob(torch.tensor([-1.0, 0.0, 1.0]).double())
    torch.testing.assert_close(logits[0] - logits[0, 0], expected - expected[0])


@pytest.mark.parametrize(
    ("number", "classes"),
    [(1, (0,)), (2, (0, 1)), (3, (-1, 0, 1)), (4, (-1, 0, 1, 2)), (5, (-2, -1, 0, 1, 2))],
)
def test_classes_surround_zero(number, classes):
    assert centred_classes(number) == classes


def test_no_class_list_is_stored():
    # a stored list would tie a checkpoint to the classes of its training
    assert set(InvariantHead(4, 3).state_dict()) == {"readout.weight", "log_width"}


def test_invariant_is_not_bounded_by_the_classes():
    invariant, _ = head(3)(torch.tensor([[7.25]], dtype=torch.float64))
    assert float(invariant.detach()) == 7.25
