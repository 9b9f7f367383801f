"""Training of the classifier on toy materials."""

import numpy as np
import pytest
import torch

from tests.markers import others_slow
from topophys.materials import (
    EnhancedMultiModalMaterialClassifier,
    TrainOptions,
    predict_logits,
    toy_data,
    train_classifier,
)
from topophys.materials.training import scores

BRANCHES = ["1d_a3", "2d_a", "mlp", None]


@pytest.mark.parametrize("branch", others_slow(BRANCHES, quick=["mlp", None]))
def test_classifier_learns_toy_materials(toys, branch):
    torch.manual_seed(2)
    extra = (
        {"use_topological_ml": False} if branch is None else {"topological_ml_model_type": branch}
    )
    net = EnhancedMultiModalMaterialClassifier(modality_dropout=0.05, **extra)
    train, test = toy_data(toys, np.arange(500)), toy_data(toys, np.arange(500, 600))
    history = train_classifier(net, train, TrainOptions(epochs=12, batch_size=50))
    assert history.losses[-1]["total_loss"] < 0.6 * history.losses[0]["total_loss"]
    found = predict_logits(net, test)
    assert scores(found["combined_logits"], test.topology)["accuracy"] > 0.6
    assert scores(found["magnetism_logits_aux"], test.magnetism)["accuracy"] > 0.85


def test_training_is_reproducible(data):
    found = []
    for _ in range(2):
        torch.manual_seed(3)
        net = EnhancedMultiModalMaterialClassifier(modality_dropout=0.2)
        train_classifier(net, data, TrainOptions(epochs=2, batch_size=32, seed=4))
        found.append(predict_logits(net, data)["combined_logits"])
    np.testing.assert_array_equal(*found)
