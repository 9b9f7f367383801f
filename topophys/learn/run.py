"""A trained network in its folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from topophys.errors import InputError
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.learn.checkpoint import load_encoder
from topophys.learn.config import FitConfig
from topophys.learn.evaluate import encoder_settings, predict_invariants
from topophys.learn.inputs import (
    chain_blocks,
    d_vectors,
    flat_bands,
    read_input,
    refined,
    refuse_closed,
)
from topophys.learn.prediction import LEAST_CONFIDENCE, Prediction
from topophys.learn.run_file import read_run_file

__all__ = ["Run", "load_run"]


@dataclass(frozen=True, eq=False)
class Run:
    """A trained network with its settings and history.

    Attributes
    ----------
    path : Path
        Folder of the run.
    encoder : torch.nn.Module
        The network at its best epoch, on the CPU.
    config : FitConfig
        Settings of the training.
    history : list of dict
        One record per epoch: epoch, loss, regression_loss, auxiliary_loss, val_loss,
        val_accuracy, lr, seconds.
    provenance : dict
        Kind, file and digests of the data, whether inputs are flattened, classes seen, what the
        loss was told, confidence below which to abstain, versions.
    """

    path: Path
    encoder: nn.Module
    config: FitConfig
    history: list[dict[str, Any]]
    provenance: dict[str, Any]

    def __repr__(self) -> str:
        size = sum(p.numel() for p in self.encoder.parameters())
        best = self.best_epoch
        seen = ", ".join(map(str, self.provenance["classes_seen"]))
        lines = [
            f"Run `{self.path}` ({self.kind}): {type(self.encoder).__name__}, {size:,} weights",
            f"  trained on       {self.provenance['train_samples']:,} samples of classes {seen}",
            f"  epochs           {len(self.history)}, best {best['epoch']}",
            f"  validation       {best['val_accuracy']:.4f} right",
        ]
        return "\n".join(lines)

    @property
    def kind(self) -> str:
        """Kind of data set that the network reads."""
        return str(self.provenance.get("kind", "winding"))

    @property
    def best_epoch(self) -> dict[str, Any]:
        """Record of the epoch whose weights are kept."""
        return max(self.history, key=lambda r: (r["val_accuracy"], -r["val_loss"]))

    def predict(
        self,
        H: FourierHamiltonian | ArrayLike | str | Path,
        *,
        k_points: int | tuple[int, ...] | None = None,
        refine: int = 1,
        sublattice: Sequence[int] | None = None,
        threshold: float | None = None,
    ) -> Prediction:
        """Name the invariant of Hamiltonians.

        Parameters
        ----------
        H : FourierHamiltonian, array-like, or path of a file
            For a network of chains: chains with a chiral block, or their blocks of shape
            (..., N, n, n) on the grid of `topophys.k_grid`. In two dimensions: Hamiltonians with
            two bands, their d-vectors (..., Nx, Ny, 3) or Bloch matrices (..., Nx, Ny, 2, 2).
            Files hold such an array (.npy) or hoppings of Wannier90. The scale does not matter,
            unless the network was trained on inputs that were not flattened in any way.
        k_points : int or tuple of int, optional
            Number of k points to sample a Hamiltonian on; that of the training by default.
        refine : int, optional
            How many points replace one before the network reads them, by trigonometric
            interpolation of blocks or d-vectors: exact for N points where hoppings reach over
            less than N/2 cells and nothing was flattened, a guess for other samples.
        sublattice : sequence of int, optional
            Orbitals of the first sublattice of a chain that is not a `ChiralHamiltonian`; found by
            itself where the orbitals are connected.
        threshold : float, optional
            Confidence below which to abstain; by default the one calibrated in training.

        Returns
        -------
        Prediction
            Integers with the real-valued predictions, of shape (...).

        Raises
        ------
        KindError
            If `H` is a Hamiltonian of another class than the network reads.
        ShapeError, InputError
            If arrays do not have the size the network was trained on, or are not finite.
        GaplessError
            If the gap closes at one of the k points.
        """
        given = read_input(H) if isinstance(H, str | Path) else H
        if sublattice is not None and self.kind != "winding":
            raise InputError(
                f"Argument `sublattice` must be None for a network of kind {self.kind!r}, but is"
                f" {list(sublattice)}; it is for chains."
            )
        x, batch = self.present(given, k_points=k_points, refine=refine, sublattice=sublattice)
        real = predict_invariants(self.encoder, x).reshape(batch)
        limit = self.provenance.get("abstain_below", LEAST_CONFIDENCE)
        return Prediction(
            value=np.asarray(np.rint(real).astype(np.int64)),
            real=real,
            threshold=float(limit if threshold is None else threshold),
        )

    def present(
        self,
        H: Any,
        *,
        k_points: int | tuple[int, ...] | None = None,
        refine: int = 1,
        sublattice: Sequence[int] | None = None,
    ) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        """Bring Hamiltonians into the form in which the network reads them.

        Parameters
        ----------
        H : FourierHamiltonian or array-like
            As for `predict`, but not a file.
        k_points, refine, sublattice : optional
            As for `predict`.

        Returns
        -------
        x : float32 ndarray of shape (B, *grid, channels)
            Input of the network.
        batch : tuple of int
            Batch axes of `H`, with B elements.

        Raises
        ------
        KindError, ShapeError, InputError, GaplessError
            As `predict`.
        """
        if self.kind == "winding":
            return self._chains(H, k_points, refine, sublattice)
        return self._surfaces(H, k_points, refine)

    def _chains(
        self, H: Any, k_points: Any, refine: int, sublattice: Sequence[int] | None
    ) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        settings = encoder_settings(self.encoder)
        n = math.isqrt(settings["input_dim"] // 2)
        points = settings["k_points"] if k_points is None else k_points
        d_k = refined(chain_blocks(H, points, n, sublattice), refine, [-3])
        refuse_closed(np.abs(d_k).max((-2, -1)), axes=1)
        flat = flatten_block(d_k)  # refuses single blocks that are singular
        return self._presented(d_k, flat, d_k.shape[-3:-2]), d_k.shape[:-3]

    def _surfaces(
        self, H: Any, k_points: Any, refine: int
    ) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        settings = encoder_settings(self.encoder)
        given = settings["k_grid"] if k_points is None else k_points
        grid = (given, given) if isinstance(given, int) else tuple(given)
        if self.kind == "chern":
            d = refined(d_vectors(H, grid), refine, [-3, -2])
            refuse_closed(np.abs(d).max(-1), axes=2)
            flat = flatten_d(d)
            return self._presented(d, flat, d.shape[-3:-1]), d.shape[:-3]
        if refine != 1:
            raise InputError(
                f"Argument `refine` must be 1 for networks that read projectors, but is {refine};"
                " ask for more `k_points`."
            )
        n = math.isqrt(settings["input_dim"] // 2)
        bands = flat_bands(H, grid, n, settings["n_occupied"])
        return self._presented(bands, bands, bands.shape[-4:-2]), bands.shape[:-4]

    def _presented(
        self, samples: NDArray[Any], flat: NDArray[Any], grid: tuple[int, ...]
    ) -> NDArray[np.float32]:
        """Real channels on a grid, in the form in which the network got to know them."""
        shown = flat
        if not self.provenance["flattened_input"]:
            shown = samples
            if encoder_settings(self.encoder).get("flatten", True):
                # single precision holds no numbers beyond 1e38; the network divides by the scale
                axes = tuple(range(-len(grid) - (1 if self.kind == "chern" else 2), 0))
                shown = samples / np.abs(samples).max(axis=axes, keepdims=True)
        channels = encoder_settings(self.encoder)["input_dim"]
        x = np.ascontiguousarray(shown).view(np.float64).reshape(-1, *grid, channels)
        return x.astype(np.float32)


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
    known = read_run_file(folder)
    return Run(folder, load_encoder(folder, "best"), *known)
