"""A trained network in its folder."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import ArrayLike

from topophys import _checks
from topophys.errors import CheckpointError, KindError, ShapeError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.learn.checkpoint import load_encoder
from topophys.learn.config import FitConfig
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.evaluate import predict_invariants

__all__ = ["Prediction", "Run", "load_run"]

#: File that ends a training, and what it says of itself.
CARD: Final = "run.json"
FORMAT: Final = "topophys-run"
VERSION: Final = 1
#: What must be known of each epoch, and of the training as a whole, to use its network.
RECORD: Final = ("epoch", "loss", "val_loss", "val_accuracy")
PROVENANCE: Final = ("dataset_path", "flattened_input", "classes_seen", "train_samples")


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

    Examples
    --------
    >>> answer = Prediction(np.array([1, 0]), np.array([1.0, 0.25]))
    >>> answer.confidence, answer.sure(0.6)
    (array([1. , 0.5]), array([ True, False]))
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
        Data file and digest, whether its inputs are flattened, classes seen, versions.
    """

    path: Path
    encoder: TopologicalMLEncoder
    config: FitConfig
    history: list[dict[str, Any]]
    provenance: dict[str, Any]

    def predict(
        self, H: ChiralHamiltonian | ArrayLike, *, k_points: int | None = None
    ) -> Prediction:
        """Name the winding number of chains.

        Parameters
        ----------
        H : ChiralHamiltonian or array-like of shape (..., N, n, n)
            Chains, or their blocks on the grid of `topophys.k_grid`. Their scale does not matter,
            unless the network was trained on blocks that were not flattened in any way.
        k_points : int, optional
            Number of k points to sample a Hamiltonian on; that of the training by default.

        Returns
        -------
        Prediction
            Integers with the real-valued predictions, of shape (...).

        Raises
        ------
        KindError
            If `H` is a Hamiltonian without a chiral block.
        ShapeError, InputError
            If the blocks do not have the size the network was trained on, or are not finite.
        GaplessError
            If the network needs flattened blocks and a block is singular.
        """
        d_k = self._blocks(H, k_points)
        channels, n = self.encoder.settings["input_dim"], d_k.shape[-1]
        if 2 * n * n != channels:
            raise ShapeError(
                f"Argument `H` must have blocks with 2 n^2 = {channels} real numbers for this"
                f" network, but they are {n} x {n}."
            )
        batch, n_k = d_k.shape[:-3], d_k.shape[-3]
        x = np.ascontiguousarray(self._presented(d_k)).reshape(math.prod(batch), n_k, n * n)
        real = predict_invariants(self.encoder, x.view(np.float64).astype(np.float32))
        real = real.reshape(batch)
        return Prediction(value=np.asarray(np.rint(real).astype(np.int64)), real=real)

    def _blocks(self, H: Any, k_points: int | None) -> Complex[np.ndarray, "..."]:
        if isinstance(H, ChiralHamiltonian):
            return H.block_on_grid(
                self.encoder.settings["k_points"] if k_points is None else k_points
            )
        if isinstance(H, FourierHamiltonian):
            raise KindError(
                "Argument `H` must be a ChiralHamiltonian or an array of its blocks, but is a"
                f" {type(H).__name__}, whose winding number is not defined."
            )
        return _checks.as_complex(H, "H", "(..., N, n, n)")

    def _presented(self, d_k: Complex[np.ndarray, "..."]) -> Complex[np.ndarray, "..."]:
        """Blocks in the form in which the network got to know them."""
        if self.encoder.settings["flatten"]:
            # single precision holds no numbers beyond 1e38; the network divides by the scale
            scale = np.abs(d_k).max(axis=(-3, -2, -1), keepdims=True)
            return np.asarray(d_k / np.where(scale > 0.0, scale, 1.0))
        return flatten_block(d_k) if self.provenance["flattened_input"] else d_k


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

    Examples
    --------
    >>> load_run("nowhere")
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `nowhere` is not a folder with a finished training ...
    """
    folder = Path(path)
    card = folder / CARD
    if not card.is_file():
        raise CheckpointError(
            f"Run `{folder}` is not a folder with a finished training (no {CARD}); give one that"
            " `topophys train` made."
        )
    content = _read_card(card)
    try:
        config = FitConfig.from_mapping(dict(content["config"]), str(card))
        history, provenance = list(content["history"]), dict(content["provenance"])
        complete = bool(history) and all(set(RECORD) <= set(record) for record in history)
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Run `{folder}` has a damaged {CARD} ({type(error).__name__}: {error}); train again."
        ) from None
    if not complete or not set(PROVENANCE) <= set(provenance):
        raise CheckpointError(f"Run `{folder}` has an incomplete {CARD}; train again.")
    return Run(folder, load_encoder(folder, "best"), config, history, provenance)


def _read_card(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Run `{path}` cannot be read ({error}); train again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"Run `{path}` is not one of topophys (no format entry).")
    if content.get("version") != VERSION:
        raise CheckpointError(
            f"Run `{path}` has version {content.get('version')!r}, but this release reads version"
            f" {VERSION}; use the release that wrote it, or train again."
        )
    return content
