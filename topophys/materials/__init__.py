"""Classifiers of crystalline materials by topology and magnetism."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from topophys.materials.answers import (
        DoubtfulLabel,
        MaterialAnswer,
        TaskAnswer,
    )
    from topophys.materials.classifier import (
        LOSS_WEIGHTS,
        EnhancedMultiModalMaterialClassifier,
    )
    from topophys.materials.crystal import (
        Crystal,
        CrystalGraph,
        crystal_graph,
    )
    from topophys.materials.data import (
        MODALITIES,
        UNKNOWN,
        MaterialBatch,
        MaterialData,
        match_structures,
        structure_data,
    )
    from topophys.materials.description import (
        Description,
        MaterialTable,
        describe,
        read_table,
    )
    from topophys.materials.electron_counting import (
        filling_allows_insulator,
        valence_electrons,
        wyckoff_multiplicities,
    )
    from topophys.materials.encoders import (
        EnhancedKSpacePhysicsFeatures,
        KSpaceTransformerGNNEncoder,
        PHTokenEncoder,
        ScalarFeatureEncoder,
        TopologicalCrystalEncoder,
    )
    from topophys.materials.explanation import (
        ElementContributions,
        Explanation,
        element_contributions,
        explain,
    )
    from topophys.materials.features import (
        list_features,
        persistence_tokens,
        scalar_features,
    )
    from topophys.materials.hamiltonian_check import (
        HamiltonianCheck,
        check_hamiltonian,
    )
    from topophys.materials.io import (
        Batch,
        band_summary,
        read_aflow_prototypes,
        read_hr_folder,
        read_jarvis,
        read_structure,
    )
    from topophys.materials.lists import (
        LIST_CLASSES,
        MaterialList,
        parse_formula,
        read_class_lists,
        space_group_number,
    )
    from topophys.materials.model import (
        MaterialsModel,
    )
    from topophys.materials.run import (
        MaterialPrediction,
        MaterialRun,
        load_material_run,
        report,
        save_material_run,
    )
    from topophys.materials.synthetic.dataset import (
        ToySummary,
        generate_toys,
        load_toys,
        toy_data,
    )
    from topophys.materials.synthetic.labels import (
        ToyLabels,
        label_toys,
    )
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
    "Description",
    "DoubtfulLabel",
    "ElementContributions",
    "EnhancedKSpacePhysicsFeatures",
    "EnhancedMultiModalMaterialClassifier",
    "Explanation",
    "HamiltonianCheck",
    "History",
    "KSpaceTransformerGNNEncoder",
    "MaterialAnswer",
    "MaterialBatch",
    "MaterialData",
    "MaterialList",
    "MaterialPrediction",
    "MaterialRun",
    "MaterialTable",
    "MaterialsModel",
    "PHTokenEncoder",
    "ScalarFeatureEncoder",
    "TaskAnswer",
    "TopologicalCrystalEncoder",
    "ToyLabels",
    "ToySummary",
    "TrainOptions",
    "band_summary",
    "check_hamiltonian",
    "crystal_graph",
    "describe",
    "element_contributions",
    "explain",
    "filling_allows_insulator",
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
    "read_table",
    "report",
    "save_material_run",
    "scalar_features",
    "space_group_number",
    "structure_data",
    "toy_data",
    "train_classifier",
    "valence_electrons",
    "wyckoff_multiplicities",
]

#: Module of each of these names.
_HOMES: Final = {
    "Batch": "topophys.materials.io",
    "Crystal": "topophys.materials.crystal",
    "CrystalGraph": "topophys.materials.crystal",
    "Description": "topophys.materials.description",
    "DoubtfulLabel": "topophys.materials.answers",
    "ElementContributions": "topophys.materials.explanation",
    "EnhancedKSpacePhysicsFeatures": "topophys.materials.encoders",
    "EnhancedMultiModalMaterialClassifier": "topophys.materials.classifier",
    "Explanation": "topophys.materials.explanation",
    "HamiltonianCheck": "topophys.materials.hamiltonian_check",
    "History": "topophys.materials.training",
    "KSpaceTransformerGNNEncoder": "topophys.materials.encoders",
    "LIST_CLASSES": "topophys.materials.lists",
    "LOSS_WEIGHTS": "topophys.materials.classifier",
    "MODALITIES": "topophys.materials.data",
    "MaterialAnswer": "topophys.materials.answers",
    "MaterialBatch": "topophys.materials.data",
    "MaterialData": "topophys.materials.data",
    "MaterialList": "topophys.materials.lists",
    "MaterialPrediction": "topophys.materials.run",
    "MaterialRun": "topophys.materials.run",
    "MaterialTable": "topophys.materials.description",
    "MaterialsModel": "topophys.materials.model",
    "PHTokenEncoder": "topophys.materials.encoders",
    "ScalarFeatureEncoder": "topophys.materials.encoders",
    "TaskAnswer": "topophys.materials.answers",
    "TopologicalCrystalEncoder": "topophys.materials.encoders",
    "ToyLabels": "topophys.materials.synthetic.labels",
    "ToySummary": "topophys.materials.synthetic.dataset",
    "TrainOptions": "topophys.materials.training",
    "UNKNOWN": "topophys.materials.data",
    "band_summary": "topophys.materials.io",
    "check_hamiltonian": "topophys.materials.hamiltonian_check",
    "crystal_graph": "topophys.materials.crystal",
    "describe": "topophys.materials.description",
    "element_contributions": "topophys.materials.explanation",
    "explain": "topophys.materials.explanation",
    "filling_allows_insulator": "topophys.materials.electron_counting",
    "fit_lists": "topophys.materials.training",
    "fit_toys": "topophys.materials.training",
    "generate_toys": "topophys.materials.synthetic.dataset",
    "group_split": "topophys.materials.training",
    "groups_of": "topophys.materials.training",
    "label_toys": "topophys.materials.synthetic.labels",
    "list_features": "topophys.materials.features",
    "load_material_run": "topophys.materials.run",
    "load_toys": "topophys.materials.synthetic.dataset",
    "match_structures": "topophys.materials.data",
    "parse_formula": "topophys.materials.lists",
    "persistence_tokens": "topophys.materials.features",
    "predict_logits": "topophys.materials.training",
    "read_aflow_prototypes": "topophys.materials.io",
    "read_class_lists": "topophys.materials.lists",
    "read_hr_folder": "topophys.materials.io",
    "read_jarvis": "topophys.materials.io",
    "read_structure": "topophys.materials.io",
    "read_table": "topophys.materials.description",
    "report": "topophys.materials.run",
    "save_material_run": "topophys.materials.run",
    "scalar_features": "topophys.materials.features",
    "space_group_number": "topophys.materials.lists",
    "structure_data": "topophys.materials.data",
    "toy_data": "topophys.materials.synthetic.dataset",
    "train_classifier": "topophys.materials.training",
    "valence_electrons": "topophys.materials.electron_counting",
    "wyckoff_multiplicities": "topophys.materials.electron_counting",
}


def __getattr__(name: str) -> Any:
    """Load a public name at its first use: a formula is classified without PyTorch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return sorted({*globals(), *__all__})
