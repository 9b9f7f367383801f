"""Cells of momenta and parameters at once: the gap on a box of parameters to first order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topophys.invariants._cells import Array, Hoppings, Int, Phases, Real, bound_cells
from topophys.invariants._subdivision import Zone
from topophys.kernels.chern_multiband import term_count
from topophys.kernels.rounding import UP

__all__ = ["Moving", "first_order_pays", "hermitian_norm", "spare", "widths"]

#: Rounding of first derivatives, relative to their size.
ROUND = 1e-11
#: Momenta at which the gap is looked up, and how far norms must exceed the change of the gap for
#: first order to pay: it takes more corners.
SAMPLES = 64
RATIO = 2.0


@dataclass(frozen=True, eq=False)
class Moving(Hoppings):
    """Hamiltonians at the centres of boxes of parameters, and how they change to first order.

    Attributes
    ----------
    zone : Zone
        The lattice of momenta.
    shifts : int64 ndarray of shape (S, dim)
        Lattice vectors of the half space whose hoppings change.
    central : complex128 ndarray of shape (B, P, n, n)
        Change of H_0 over half a box, along each of P parameters.
    slopes : complex128 ndarray of shape (B, P, S, n n)
        The same of H_R.
    sizes : float64 ndarray of shape (B, S)
        Sum over parameters of bounds of their norms, both of R and -R.
    beyond : float64 ndarray of shape (B,)
        Bound of the change of second order.
    """

    zone: Zone
    shifts: Int
    central: Array
    slopes: Array
    sizes: Real
    beyond: Real

    @classmethod
    def around(cls, ham: Hoppings, zone: Zone, vectors: Int, change: Array, beyond: Real) -> Moving:
        """From hoppings, their change (B, P, M, n, n) over half a box, and what is of second order.

        The latter in the unit that was divided out of `ham`, whose rows the boxes are.
        """
        scale = np.ldexp(1.0, -ham.exponent)
        change, beyond = change * scale[:, None, None, None, None], beyond * scale
        rows = [tuple(v) for v in vectors.tolist()]
        origin, n = (0,) * vectors.shape[1], change.shape[-1]
        norms = np.linalg.norm(change, axis=(-2, -1)).sum(1) * UP
        half = [m for m, v in enumerate(rows) if v > origin and norms[:, m].any()]
        here = [m for m, v in enumerate(rows) if v == origin]
        central = change[:, :, here].sum(2)
        size = norms.sum(1)
        return cls(
            **vars(ham), zone=zone, shifts=vectors[half].astype(np.int64), central=central,
            slopes=np.ascontiguousarray(change[:, :, half]).reshape(*change.shape[:2], -1, n * n),
            sizes=2.0 * norms[:, half], beyond=(beyond + ROUND * size) * UP,
        )  # fmt: skip

    def expansions(
        self, owner: Int, points: Int, phases: Phases, half: Real, size: Real, fine: int
    ) -> Iterator[tuple[Int, NDArray[np.complex128], Real]]:
        """Taylor coefficients along momenta, then parameters; `half` has a row for each of both."""
        dim, n_parameters = self.vectors.shape[1], self.central.shape[1]
        n, axes = self.n_bands, dim + n_parameters
        reach = np.abs(self.shifts) @ np.abs(half[:dim]).sum(0)
        place = _places(dim, axes)
        for rows, terms, rest in super().expansions(owner, points, phases, half[:dim], size, fine):
            box = owner[rows]
            out = np.zeros((len(rows), term_count(axes), n, n), np.complex128)
            out[:, place] = terms
            slope = self.central[box]
            mixed = np.zeros(len(rows))
            if len(self.shifts):
                wave = self.zone.phases(self.shifts, points[rows])
                moved = (wave[:, None, None] @ self.slopes[box]).reshape(slope.shape)
                slope = slope + moved + moved.conj().swapaxes(-1, -2)
                mixed = (self.sizes[box] * np.minimum(reach * size[rows, None], 2.0)).sum(1)
            out[:, 1 + dim : 1 + axes] = slope
            yield rows, out, (rest + self.beyond[box] + mixed) * UP


def _places(dim: int, axes: int) -> Int:
    """Where the coefficients along the first `dim` of `axes` directions stand."""
    found, place = list(range(1 + dim)), 1 + axes
    for i in range(dim):
        found += range(place, place + dim - i)
        place += axes - i
    return np.array(found)


def hermitian_norm(vectors: Int, hops: Array) -> Real:
    """Bound (...) of the norm over k of the traceless part of a sum of hoppings (..., M, n, n).

    A multiple of the unit matrix moves all levels alike: it opens and closes no gap.
    """
    n = hops.shape[-1]
    origin = (0,) * vectors.shape[1]
    rows = [m for m, v in enumerate(vectors.tolist()) if tuple(v) > origin]
    here = [m for m, v in enumerate(vectors.tolist()) if tuple(v) == origin]
    trace = np.trace(hops, axis1=-2, axis2=-1)
    hops = hops - (trace / n)[..., None, None] * np.eye(n)
    # max over t of |A e^(it) + A^dagger e^(-it)| is twice the numerical radius of A, which is at
    # most (|A| + |A^2|^(1/2)) / 2 (F. Kittaneh, Studia Math. 158, 11 (2003))
    pair = hops[..., rows, :, :]
    total = (_norms(pair) + np.sqrt(_norms(pair @ pair))).sum(-1)
    return np.asarray(UP * (total + _norms(hops[..., here, :, :]).sum(-1)))


def _norms(a: Array) -> Real:
    """Bounds (...) of operator norms of matrices (..., n, n), in a unit of about the largest.

    Entries whose squares underflow are far below the rounding that an `Expansion` allows for.
    """
    if a.shape[-1] != 2:
        return np.asarray(np.linalg.norm(a, ord=2, axis=(-2, -1)) * UP)
    # the larger singular value in closed form
    square = (np.abs(a) ** 2).sum((-2, -1))
    det = np.abs(a[..., 0, 0] * a[..., 1, 1] - a[..., 0, 1] * a[..., 1, 0])
    root = np.sqrt(np.maximum(square**2 - 4.0 * det**2, 0.0))
    return np.asarray(np.minimum(np.sqrt(0.5 * (square + root)) * (1.0 + 1e-7), np.sqrt(square)))


def widths(ham: Hoppings, zone: Zone) -> Real:
    """Half edges of a starting cell, one row for each axis; those of parameters are in `ham`."""
    momenta = np.diag(zone.half)
    more = ham.central.shape[1] if isinstance(ham, Moving) else 0
    return np.concatenate([momenta, np.zeros((more, len(momenta)))])


def spare(ham: Hoppings, zone: Zone, owner: Int, points: Int, seen: Real, least: Real) -> Real:
    """Return what a box leaves of the gap beyond the wanted one, at momenta (m,).

    Where that is not enough the box, not the cell, is too large.
    """
    if not (isinstance(ham, Moving) and len(owner)):
        return np.asarray(seen - least[owner] - 2.0 * ham.slack[owner])
    found = bound_cells(
        ham, owner, points, lambda p: zone.phases(ham.vectors, p), widths(ham, zone),
        np.zeros(len(owner)), least[owner], frames=False,
    )  # fmt: skip
    return np.asarray(found.gap - least[owner])


def first_order_pays(
    vectors: Int, amplitudes: Array, change: Array, norms: Real, filled: int
) -> bool:
    """Whether norms say much more than how the gap changes where it is smallest, to first order.

    Shapes: `amplitudes` (B, M, n, n) at some centres, `change` (B, P, M, n, n), `norms` (B, P).
    """
    if amplitudes.shape[-1] == 2:  # the gap is the length of a vector: the norm of its change
        return False
    k = np.random.default_rng(0).uniform(-np.pi, np.pi, (SAMPLES, vectors.shape[1]))
    phase = np.exp(1j * (k @ vectors.T))
    ratios = []
    for hops, slopes, bound in zip(amplitudes, change, norms, strict=True):
        energy, states = np.linalg.eigh(np.tensordot(phase, hops, axes=1))
        at = int((energy[:, filled] - energy[:, filled - 1]).argmin())
        pair = states[at][:, filled - 1 : filled + 1]
        moved = np.tensordot(slopes, phase[at], axes=(1, 0))
        levels = np.einsum("ia,pij,ja->pa", pair.conj(), moved, pair).real
        drift = float(np.abs(levels[:, 1] - levels[:, 0]).sum())
        ratios.append(2.0 * float(bound.sum()) / max(drift, 1e-300))
    return bool(np.median(ratios) > RATIO)
