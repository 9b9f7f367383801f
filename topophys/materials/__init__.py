"""Materials: what is known of a crystal, from structure to bands, and its topology class."""

from topophys.materials.batch import MODALITIES, UNKNOWN, MaterialBatch, MaterialData
from topophys.materials.classifier import LOSS_WEIGHTS, EnhancedMultiModalMaterialClassifier
from topophys.materials.crystal import Crystal, CrystalGraph, crystal_graph
from topophys.materials.crystal_encoder import TopologicalCrystalEncoder
from topophys.materials.kspace_encoder import KSpaceTransformerGNNEncoder
from topophys.materials.persistence import persistence_tokens
from topophys.materials.scalars import scalar_features
from topophys.materials.token_encoders import (
    EnhancedKSpacePhysicsFeatures,
    PHTokenEncoder,
    ScalarFeatureEncoder,
)
from topophys.materials.toy_data import load_toys, toy_data
from topophys.materials.toy_dataset import ToySummary, generate_toys
from topophys.materials.toy_labels import ToyLabels, label_toys
from topophys.materials.train import History, TrainOptions, predict_logits, train_classifier

__all__ = [
    "LOSS_WEIGHTS",
    "MODALITIES",
    "UNKNOWN",
    "Crystal",
    "CrystalGraph",
    "EnhancedKSpacePhysicsFeatures",
    "EnhancedMultiModalMaterialClassifier",
    "History",
    "KSpaceTransformerGNNEncoder",
    "MaterialBatch",
    "MaterialData",
    "PHTokenEncoder",
    "ScalarFeatureEncoder",
    "TopologicalCrystalEncoder",
    "ToyLabels",
    "ToySummary",
    "TrainOptions",
    "crystal_graph",
    "generate_toys",
    "label_toys",
    "load_toys",
    "persistence_tokens",
    "predict_logits",
    "scalar_features",
    "toy_data",
    "train_classifier",
]
