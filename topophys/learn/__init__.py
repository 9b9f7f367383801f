"""Networks that read Bloch Hamiltonians and name their invariants."""

from topophys.learn.config import EncoderConfig, FitConfig
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.encoder2d import TopologicalMLEncoder2D
from topophys.learn.encoder_loops import TopologicalMLEncoderLoops
from topophys.learn.feature_hamiltonian import (
    FeatureHamiltonian,
    create_hamiltonian_from_features,
)
from topophys.learn.fit import fit
from topophys.learn.losses import compute_topological_loss
from topophys.learn.prediction import Prediction
from topophys.learn.run import Run, load_run

__all__ = [
    "EncoderConfig",
    "FeatureHamiltonian",
    "FitConfig",
    "Prediction",
    "Run",
    "TopologicalMLEncoder",
    "TopologicalMLEncoder2D",
    "TopologicalMLEncoderLoops",
    "compute_topological_loss",
    "create_hamiltonian_from_features",
    "fit",
    "load_run",
]
