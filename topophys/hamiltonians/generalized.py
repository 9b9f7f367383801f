"""Hamiltonians in non-orthogonal bases: generalised eigenproblems H(k) x = E S(k) x."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import ArrayLike

from topophys import _validation
from topophys.errors import FillingError, InputError, KindError
from topophys.grids import grid_of
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.kernels.lapack import eigenvalues
from topophys.kernels.rounding import SMALLEST, UNIT, UP, frobenius

__all__ = ["GeneralizedHamiltonian"]

#: Smallest eigenvalue of an overlap, over the largest one, at which levels are still computed.
SINGULAR: Final = 1e-12


def _is_single(value: object) -> bool:
    return isinstance(value, FourierHamiltonian) and not value.batch_shape


class GeneralizedHamiltonian:
    r"""Hamiltonian with the overlaps of a basis that is not orthogonal.

    .. math:: H(k) \, x = E \, S(k) \, x, \qquad H(k) = \sum_R H_R \, e^{ik \cdot R}, \quad
        S(k) = \sum_R S_R \, e^{ik \cdot R} > 0

    Its Bloch matrix is that of the symmetrically (Löwdin) orthogonalised basis,
    :math:`S^{-1/2} H S^{-1/2}`, with the same levels. That is no finite Fourier series: functions
    of samples take it as it is, and `certify_generalized_gap` and `certify_generalized_chern`
    prove their answers from the hoppings and overlaps themselves.

    Parameters
    ----------
    hamiltonian : FourierHamiltonian
        Hoppings :math:`H_R`, of one Hamiltonian.
    overlap : FourierHamiltonian or mapping of tuple of int to array-like of shape (n, n)
        Overlaps :math:`S_R = \langle 0 m | R n \rangle`.
    n_occupied : int, optional
        Number of occupied bands; that of `hamiltonian` where not given.

    Raises
    ------
    KindError
        If one of the two is no Hamiltonian in Fourier form, or a batch.
    InputError
        If the two do not belong together.

    References
    ----------
    .. [1] P.-O. Löwdin, J. Chem. Phys. 18, 365 (1950).

    Examples
    --------
    >>> import topophys as tp
    >>> s = {(0, 0): [[1.0, 0.1], [0.1, 1.0]], (1, 0): [[0.1, 0.0], [0.0, 0.1]]}
    >>> g = GeneralizedHamiltonian(tp.models.qwz(-1.0), s)
    >>> g, int(tp.chern_number(g, grid=24))
    (GeneralizedHamiltonian: 2D, 2 bands (1 occupied), overlaps of 3 lattice vectors, 1)
    """

    def __init__(
        self,
        hamiltonian: FourierHamiltonian,
        overlap: FourierHamiltonian | Mapping[tuple[int, ...], ArrayLike],
        *,
        n_occupied: int | None = None,
    ) -> None:
        if not _is_single(hamiltonian):
            raise KindError(
                "Argument `hamiltonian` must be one Hamiltonian in Fourier form, but is"
                f" {_validation.short(hamiltonian)}; of a batch, make one problem of each."
            )
        filled = n_occupied
        if filled is None:
            filled = _validation.named_filling(hamiltonian)
        given = overlap if isinstance(overlap, FourierHamiltonian) else FourierHamiltonian(overlap)
        if given.batch_shape:
            raise KindError(
                "Argument `overlap` must be one overlap S(k), but is a batch of shape"
                f" {given.batch_shape}; make one problem of each."
            )
        if (given.dim, given.n_bands) != (
            hamiltonian.dim, hamiltonian.n_bands,
        ):  # fmt: skip
            raise InputError(
                f"Argument `overlap` must be of one {hamiltonian.dim}D system with"
                f" {hamiltonian.n_bands} orbitals, as `hamiltonian`, but is of {given.dim}D with"
                f" {given.n_bands}."
            )
        self._filled_by = None if filled is None else _validation.occupied(filled, given.n_bands)
        self.hamiltonian, self.overlap = hamiltonian, given

    @property
    def dim(self) -> int:
        """Dimension of k space."""
        return self.hamiltonian.dim

    @property
    def n_bands(self) -> int:
        """Number of bands."""
        return self.hamiltonian.n_bands

    @property
    def n_occupied(self) -> int:
        """Number of occupied bands; an error where it was not given."""
        if self._filled_by is None:
            raise FillingError(
                "Argument `n_occupied` must be given, because nothing says how many of the"
                f" {self.n_bands} bands are occupied."
            )
        return self._filled_by

    def bloch(self, k: ArrayLike) -> Complex[np.ndarray, "..."]:
        r"""Bloch matrix :math:`S^{-1/2} H S^{-1/2}` in the orthogonalised basis.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Momenta, in radians.

        Returns
        -------
        complex128 ndarray of shape (..., n, n)
            In the units of the hoppings.

        Raises
        ------
        InputError
            If the overlap is not positive definite at one of them.
        """
        h, s = self.hamiltonian.bloch(k), self.overlap.bloch(k)
        size, frame = np.linalg.eigh(s)
        low = size[..., 0]
        if (low <= SINGULAR * np.abs(size).max(-1)).any():
            at = np.reshape(np.asarray(k, np.float64), (-1, self.dim))[low.argmin()]
            raise InputError(
                "Argument `overlap` must be positive definite at every momentum, but has an"
                f" eigenvalue {low.min():.3g} at k = ({', '.join(f'{x:.4g}' for x in at)}): the"
                " basis is linearly dependent there."
            )
        root = frame / np.sqrt(size)[..., None, :] @ frame.conj().swapaxes(-1, -2)
        made = root @ h @ root
        return np.asarray(0.5 * (made + made.conj().swapaxes(-1, -2)))

    def on_grid(self, grid: int | tuple[int, ...]) -> Complex[np.ndarray, "..."]:
        """Bloch matrices on the uniform grid of `topophys.k_grid`.

        Parameters
        ----------
        grid : int or tuple of int
            Number of k points, of each direction.

        Returns
        -------
        complex128 ndarray of shape (*grid, n, n)
            As `bloch`.
        """
        return self.bloch(grid_of(self.dim, grid))

    def bands(self, k: ArrayLike) -> Float[np.ndarray, "..."]:
        """Energies, ascending.

        Parameters
        ----------
        k : array-like of shape (..., dim)
            Momenta, in radians.

        Returns
        -------
        float64 ndarray of shape (..., n)
            In the units of the hoppings.
        """
        return np.asarray(eigenvalues(self.bloch(k)))

    def shifted(self, energy: float | Mapping[tuple[int, ...], complex]) -> FourierHamiltonian:
        r"""Return H - E S, whose levels below zero are as many as those of the problem below E.

        Parameters
        ----------
        energy : float or mapping of tuple of int to complex
            One energy, or the Fourier coefficients of a real E(k); a missing one of -R is the
            conjugate of that of R.

        Returns
        -------
        FourierHamiltonian
            With what its coefficients are rounded in `amplitude_error`. Its `n_occupied` is that
            of the problem.
        """
        given = energy if isinstance(energy, Mapping) else {(0,) * self.dim: complex(energy)}
        factors = {R: complex(e) for R, e in given.items()}
        for R in [*factors]:
            factors.setdefault(tuple(-x for x in R), factors[R].conjugate())
        own = zip(self.hamiltonian.vectors.tolist(), self.hamiltonian.amplitudes, strict=True)
        hops = {tuple(R): m.copy() for R, m in own}
        sizes = float(frobenius(self.hamiltonian.amplitudes).sum())
        for R, e in factors.items():
            for Q, m in zip(self.overlap.vectors.tolist(), self.overlap.amplitudes, strict=True):
                key = tuple(a + b for a, b in zip(R, Q, strict=True))
                hops[key] = hops.get(key, np.zeros_like(m)) - e * m
                sizes += abs(e) * float(frobenius(m))
        made = FourierHamiltonian(hops, n_occupied=self._filled_by, hermitian="average")
        # every coefficient is a sum of as many products, and is averaged with its partner
        terms = 2.0 * len(factors) + 8.0
        rounded = UP * terms * (UNIT * sizes + SMALLEST * self.n_bands**2 * len(hops))
        largest = sum(map(abs, factors.values()))
        carried = UP * (
            float(self.hamiltonian.amplitude_error) + largest * float(self.overlap.amplitude_error)
        )
        return made._with_error(np.asarray(rounded + carried), ())

    def midgap(
        self, n_occupied: int, reach: int, points: int
    ) -> tuple[dict[tuple[int, ...], complex], float]:
        """Fit a smooth E(k) to the middle of the direct gap, on a grid.

        Parameters
        ----------
        n_occupied : int
            Number of levels below the gap.
        reach : int
            Largest component of the lattice vectors of its Fourier coefficients; 0 for the middle
            of the indirect gap.
        points : int
            Number of k points of each direction.

        Returns
        -------
        energy : dict of tuple of int to complex
            Fourier coefficients of E(k).
        distance : float
            Smallest distance of E(k) from a level, at the points of the grid; negative where it is
            on the wrong side of one.
        """
        k = grid_of(self.dim, points)
        energy = self.bands(k)
        low, high = energy[..., n_occupied - 1], energy[..., n_occupied]
        if reach == 0:
            top, bottom = float(low.max()), float(high.min())
            return {(0,) * self.dim: complex(0.5 * (top + bottom))}, 0.5 * (bottom - top)
        middle = 0.5 * (low + high)
        vectors = np.array(list(np.ndindex(*(2 * reach + 1,) * self.dim))) - reach
        waves = np.exp(1j * (k.reshape(-1, self.dim) @ vectors.T))
        found = middle.reshape(-1) @ waves.conj() / middle.size
        found = 0.5 * (found + found[::-1].conj())
        smooth = (waves @ found).real.reshape(middle.shape)
        keys = [tuple(v) for v in vectors.tolist()]
        near = float(np.minimum(high - smooth, smooth - low).min())
        return dict(zip(keys, found.tolist(), strict=True)), near

    def __repr__(self) -> str:
        return (
            f"GeneralizedHamiltonian: {self.dim}D, {self.n_bands} bands"
            f" ({_validation.filling_text(self)}), overlaps of {len(self.overlap.vectors)} lattice"
            " vectors"
        )
