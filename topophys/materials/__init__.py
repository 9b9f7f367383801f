"""Materials: what is known of a crystal, from structure to bands, and its topology class."""

from topophys.materials.batch import MODALITIES, UNKNOWN, MaterialBatch, MaterialData
from topophys.materials.classifier import EnhancedMultiModalMaterialClassifier
from topophys.materials.crystal import Crystal, CrystalGraph, crystal_graph
from topophys.materials.crystal_encoder import TopologicalCrystalEncoder
from topophys.materials.fit import fit_lists, fit_toys, group_split, groups_of
from topophys.materials.fusion_loss import LOSS_WEIGHTS
from topophys.materials.kspace_encoder import KSpaceTransformerGNNEncoder
from topophys.materials.list_features import list_features
from topophys.materials.lists import LIST_CLASSES, MaterialList, parse_formula, read_class_lists
from topophys.materials.persistence import persistence_tokens
from topophys.materials.read import read_aflow_prototypes, read_jarvis, read_structure
from topophys.materials.report import report
from topophys.materials.run import (
    MaterialPrediction,
    MaterialRun,
    load_material_run,
    save_material_run,
)
from topophys.materials.scalars import scalar_features
from topophys.materials.structures import match_structures, structure_data
from topophys.materials.token_encoders import (
    EnhancedKSpacePhysicsFeatures,
    PHTokenEncoder,
    ScalarFeatureEncoder,
)
from topophys.materials.toy_data import load_toys, toy_data
from topophys.materials.toy_dataset import ToySummary, generate_toys
from topophys.materials.toy_labels import ToyLabels, label_toys
from topophys.materials.train import History, TrainOptions, predict_logits, train_classifier
from topophys.materials.wannier import band_summary, read_hr_folder

__all__ = [
    "LIST_CLASSES",
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
    "MaterialList",
    "MaterialPrediction",
    "MaterialRun",
    "PHTokenEncoder",
    "ScalarFeatureEncoder",
    "TopologicalCrystalEncoder",
    "ToyLabels",
    "ToySummary",
    "TrainOptions",
    "band_summary",
    "crystal_graph",
    "fit_lists",
    "fit_toys",
    "generate_toys",
    "group_split",
    "groups_of",
    "label_toys",
    "list_features",
    "load_material_run",
    "load_toys",
    "match_structures",
    "parse_formula",
    "persistence_tokens",
    "predict_logits",
    "read_aflow_prototypes",
    "read_class_lists",
    "read_hr_folder",
    "read_jarvis",
    "read_structure",
    "report",
    "save_material_run",
    "scalar_features",
    "structure_data",
    "toy_data",
    "train_classifier",
]
