"""Neural networks that predict topological invariants of Bloch Hamiltonians."""

from topophys.learn.challenge import (
    CHALLENGE,
    ChallengeScore,
    ChallengeTest,
    export_challenge,
    load_challenge,
    read_entry,
    score_challenge,
)
from topophys.learn.config import EncoderConfig, FitConfig
from topophys.learn.data import BatchDataset
from topophys.learn.encoders.chain import TopologicalMLEncoder
from topophys.learn.encoders.loops import TopologicalMLEncoderLoops
from topophys.learn.encoders.plane import TopologicalMLEncoder2D
from topophys.learn.encoders.registry import register_encoder
from topophys.learn.flip_network import FlipData, FlipNetwork, Posterior, fit_flips
from topophys.learn.latent_hamiltonian import (
    FeatureHamiltonian,
    create_hamiltonian_from_features,
)
from topophys.learn.layers import InvariantHead
from topophys.learn.losses import compute_topological_loss
from topophys.learn.parity_network import ParityData, ParityNetwork, fit_parities
from topophys.learn.pretrained.weights import (
    load_flip_network,
    load_pretrained,
    save_flip_network,
)
from topophys.learn.robustness import Robustness, attack_chains, certify_robustness
from topophys.learn.run import Prediction, Run, load_run
from topophys.learn.training import Callback, fit

__all__ = [
    "CHALLENGE",
    "BatchDataset",
    "Callback",
    "ChallengeScore",
    "ChallengeTest",
    "EncoderConfig",
    "FeatureHamiltonian",
    "FitConfig",
    "FlipData",
    "FlipNetwork",
    "InvariantHead",
    "ParityData",
    "ParityNetwork",
    "Posterior",
    "Prediction",
    "Robustness",
    "Run",
    "TopologicalMLEncoder",
    "TopologicalMLEncoder2D",
    "TopologicalMLEncoderLoops",
    "attack_chains",
    "certify_robustness",
    "compute_topological_loss",
    "create_hamiltonian_from_features",
    "export_challenge",
    "fit",
    "fit_flips",
    "fit_parities",
    "load_challenge",
    "load_flip_network",
    "load_pretrained",
    "load_run",
    "read_entry",
    "register_encoder",
    "save_flip_network",
    "score_challenge",
]
