"""A trained network in its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike

from topophys import _checks
from topophys._typing import BlockLike
from topophys.errors import CheckpointError, ShapeError
from topophys.grids import k_grid
from topophys.learn.checkpoint import load_encoder
from topophys.learn.config import FitConfig
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.evaluate import predict_invariants

__all__ = ["Prediction", "Run", "load_run"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of a batch of Hamiltonians.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Nearest integer.
    real : float64 ndarray of shape (...)
        Prediction before rounding.
    confidence : float64 ndarray of shape (...)
        1 - 2 |real - value|: 1 on an integer, 0 half way between two.
    """

    value: Int[np.ndarray, "..."]
    real: Float[np.ndarray, "..."]

    @property
    def confidence(self) -> Float[np.ndarray, "..."]:
        """1 on an integer, 0 half way between two."""
        return np.asarray(1.0 - 2.0 * np.abs(self.real - self.value))

    def sure(self, threshold: float = 0.5) -> Bool[np.ndarray, "..."]:
        """Where the confidence is at least `threshold`.

        Parameters
        ----------
        threshold : float, optional
            Smallest confidence to accept.

        Returns
        -------
        bool ndarray of shape (...)
            False where the network should rather abstain.
        """
        return np.asarray(self.confidence >= threshold)


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network with its settings and history.

    Attributes
    ----------
    path : Path
        Folder of the run.
    encoder : TopologicalMLEncoder
        The network at its best epoch, on the CPU.
    config : FitConfig
        Settings of the training.
    history : list of dict
        One record per epoch: epoch, loss, regression_loss, auxiliary_loss, val_loss,
        val_accuracy, lr, seconds.
    provenance : dict
        Data file and digest, classes seen, versions.
    """

    path: Path
    encoder: TopologicalMLEncoder
    config: FitConfig
    history: list[dict[str, Any]]
    provenance: dict[str, Any]

    def predict(self, H: BlockLike | ArrayLike, *, k_points: int | None = None) -> Prediction:
        """Name the winding number of chains.

        Parameters
        ----------
        H : ChiralHamiltonian or array-like of shape (..., N, n, n)
            Chains, or their blocks on the grid of `topophys.k_grid`.
        k_points : int, optional
            Number of k points to sample a Hamiltonian on; that of the training by default.

        Returns
        -------
        Prediction
            Integers with the real-valued predictions, of shape (...).

        Raises
        ------
        ShapeError, InputError
            If the blocks do not have the size the network was trained on, or are not finite.
        """
        if isinstance(H, BlockLike):
            n_k = k_points or self.encoder.settings["k_points"]
            d_k = H.block(k_grid(_checks.positive_int(n_k, "k_points")))  # type: ignore[attr-defined]
        else:
            d_k = _checks.as_complex(H, "H", "(..., N, n, n)")
        channels, n = self.encoder.settings["input_dim"], d_k.shape[-1]
        if 2 * n * n != channels:
            raise ShapeError(
                f"Argument `H` must have blocks with 2 n^2 = {channels} real numbers for this"
                f" network, but they are {n} x {n}."
            )
        batch, n_k = d_k.shape[:-3], d_k.shape[-3]
        scale = np.abs(d_k).max(axis=(-3, -2, -1), keepdims=True)
        x = (d_k / np.where(scale > 0.0, scale, 1.0)).reshape(-1, n_k, n * n)
        real = predict_invariants(self.encoder, x.view(np.float64).astype(np.float32))
        real = real.reshape(batch)
        return Prediction(value=np.asarray(np.rint(real).astype(np.int64)), real=real)


def load_run(path: str | Path) -> Run:
    """Read the folder that `fit` made.

    Parameters
    ----------
    path : str or Path
        The folder.

    Returns
    -------
    Run
        With the network of the best epoch.

    Raises
    ------
    CheckpointError
        If the folder is missing, incomplete, foreign or altered.
    """
    folder = Path(path)
    card = folder / "run.json"
    if not card.is_file():
        raise CheckpointError(
            f"Run `{folder}` is not a folder with a finished training (no run.json); give one that"
            " `topophys train` made."
        )
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        config = FitConfig.from_mapping(content["config"], str(card))
        history, provenance = list(content["history"]), dict(content["provenance"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Run `{folder}` has a damaged run.json ({type(error).__name__}: {error}); train again."
        ) from None
    return Run(folder, load_encoder(folder, "best"), config, history, provenance)
