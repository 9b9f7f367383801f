"""Classifiers of crystalline materials by topology and magnetism."""

from topophys.materials.classifier import LOSS_WEIGHTS, EnhancedMultiModalMaterialClassifier
from topophys.materials.crystal import Crystal, CrystalGraph, crystal_graph
from topophys.materials.data import (
    MODALITIES,
    UNKNOWN,
    MaterialBatch,
    MaterialData,
    match_structures,
    structure_data,
)
from topophys.materials.encoders import (
    EnhancedKSpacePhysicsFeatures,
    KSpaceTransformerGNNEncoder,
    PHTokenEncoder,
    ScalarFeatureEncoder,
    TopologicalCrystalEncoder,
)
from topophys.materials.features import list_features, persistence_tokens, scalar_features
from topophys.materials.io import (
    Batch,
    band_summary,
    read_aflow_prototypes,
    read_hr_folder,
    read_jarvis,
    read_structure,
)
from topophys.materials.lists import LIST_CLASSES, MaterialList, parse_formula, read_class_lists
from topophys.materials.run import (
    MaterialPrediction,
    MaterialRun,
    load_material_run,
    report,
    save_material_run,
)
from topophys.materials.synthetic.dataset import ToySummary, generate_toys, load_toys, toy_data
from topophys.materials.synthetic.labels import ToyLabels, label_toys
from topophys.materials.training import (
    History,
    TrainOptions,
    fit_lists,
    fit_toys,
    group_split,
    groups_of,
    predict_logits,
    train_classifier,
)

__all__ = [
    "LIST_CLASSES",
    "LOSS_WEIGHTS",
    "MODALITIES",
    "UNKNOWN",
    "Batch",
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
