"""Proven Chern number of two-dimensional Hamiltonians."""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys._typing import FourierLike, TwoBandLike
from topophys.errors import InputError, KindError
from topophys.invariants._scale import divide_out, times_power
from topophys.invariants.certificate import Certificate, conclude
from topophys.kernels import status as st
from topophys.kernels.certify_two_band import certify_degrees
from topophys.kernels.degree import AMBIGUOUS

__all__ = ["certify_chern"]

PAULI: Final = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
#: Axes tried one after the other; the next one only where an edge of the triangulation hits one.
AXES: Final = ((0.36, 0.48, 0.8), (0.8, -0.52, 0.3), (-0.19, 0.65, -0.74))


def certify_chern(
    H: FourierLike,
    *,
    n_occupied: int | None = None,
    min_gap: float = 0.0,
    max_depth: int = 16,
    max_evaluations: int = 100_000,
    on_unresolved: Literal["mark", "raise"] = "mark",
) -> Certificate:
    r"""Chern number of the continuous lower band, proven from its Fourier coefficients.

    .. math:: C = \frac{1}{4\pi} \int \mathrm{d}^2k \; \hat d \cdot
        (\partial_x \hat d \times \partial_y \hat d)

    Square cells of the zone are quartered until Taylor's theorem keeps d(k) on each in an open
    half space; C is then the degree of the piecewise-linear map on a triangulation of the cells,
    counted by signs alone. The same cells prove the gap :math:`2 \min_k |d(k)|`.

    Parameters
    ----------
    H : TwoBandHamiltonian or FourierHamiltonian
        Two-band Hamiltonian in two dimensions, or a batch.
    n_occupied : int, optional
        Number of occupied bands: 1.
    min_gap : float, optional
        Certify only what is proven to have at least this direct gap, in the units of the
        hoppings. More cells are used where needed.
    max_depth : int, optional
        How often a cell of the starting grid may be quartered, at most 24.
    max_evaluations : int, optional
        How many k points may be looked at per Hamiltonian.
    on_unresolved : {"mark", "raise"}, optional
        Where there is no proof: say so in the status, or raise.

    Returns
    -------
    Certificate
        Value, status, gap bound and effort, each of shape (...) like the batch of `H`.

    Raises
    ------
    KindError
        If `H` is not a two-dimensional, two-band Hamiltonian in Fourier form.
    UnresolvedError
        If asked for and a Hamiltonian is unresolved.

    References
    ----------
    .. [1] D. J. Thouless, M. Kohmoto, M. P. Nightingale, M. den Nijs, Phys. Rev. Lett. 49,
       405 (1982).
    .. [2] G. E. Volovik, *The Universe in a Helium Droplet*, Oxford University Press (2003),
       chap. 11.

    Examples
    --------
    >>> import topophys as tp
    >>> proof = tp.certify_chern(tp.models.qwz([-2.001, -1.999, 2.0]))
    >>> proof.value[:2], proof.status[2]
    (array([0, 1]), np.str_('unresolved'))
    """
    if not _is_two_dimensional(H):
        raise KindError(
            "Argument `H` must be a two-dimensional Hamiltonian in Fourier form, but is"
            f" {_checks.short(H)}."
        )
    if H.n_bands != 2:
        raise KindError(
            f"Argument `H` must have two bands to be certified, but has {H.n_bands}; use"
            " `chern_number` for the integer of a sampled grid."
        )
    _checks.occupied(n_occupied, 2)
    if not 0.0 <= min_gap < math.inf:
        raise InputError(f"Argument `min_gap` must be a finite number >= 0, but is {min_gap}.")
    depth = _checks.positive_int(max_depth, "max_depth", minimum=0)
    if depth > 24:
        raise InputError(f"Argument `max_depth` must be at most 24, but is {max_depth}.")
    limit = _checks.positive_int(max_evaluations, "max_evaluations")

    vectors, mean, even, odd, exponent, batch = _real_form(H)
    least = times_power(float(min_gap), -exponent)
    reach = int(np.abs(vectors).max(initial=1))
    n_start = 8 << (reach - 1).bit_length()
    n_table = n_start << min(depth + 1, 6)
    turns = 2.0 * np.pi * np.arange(n_table) / n_table
    table = np.stack([np.cos(turns), np.sin(turns)], axis=-1)

    size = len(mean)
    degree, evaluations = np.zeros(size, np.int64), np.zeros(size, np.int64)
    evidence, status = np.zeros((size, 4)), np.full(size, AMBIGUOUS, np.uint8)
    for axis in AXES:
        todo = status == AMBIGUOUS
        if not todo.any():
            break
        turn = _rotation(axis)
        parts = [degree[todo], evidence[todo], evaluations[todo], status[todo]]
        certify_degrees(
            mean[todo] @ turn, even[todo] @ turn, odd[todo] @ turn, vectors, table, n_start,
            depth, limit, least[todo], *parts,
        )  # fmt: skip
        degree[todo], evidence[todo], evaluations[todo], status[todo] = parts
    k_seen = (2.0 * np.pi * evidence[:, 2:] + np.pi) % (2.0 * np.pi) - np.pi
    return conclude(
        "Chern number",
        status == st.OK,
        degree,
        times_power(evidence[:, 0], exponent),
        times_power(evidence[:, 1], exponent),
        k_seen,
        evaluations,
        batch,
        on_unresolved,
    )


def _is_two_dimensional(H: object) -> bool:
    return isinstance(H, FourierLike) and H.vectors.shape[1] == 2


def _real_form(
    H: FourierLike,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    tuple[int, ...],
]:
    """Vectors of one half space, and 2^exponent d = mean + sum (even cos k.R + odd sin k.R)."""
    if isinstance(H, TwoBandLike):
        vectors, d = H.d_vectors, H.d_amplitudes
    else:
        vectors = H.vectors
        d = 0.5 * np.einsum("iab,...mba->...mi", PAULI, H.amplitudes)
    batch = d.shape[:-2]
    d, exponent = divide_out(d.reshape(math.prod(batch), *d.shape[-2:]))
    rows = [tuple(v) for v in vectors.tolist()]
    half = [m for m, v in enumerate(rows) if v > (0, 0)]
    mean = d[:, rows.index((0, 0))].real if (0, 0) in rows else np.zeros((len(d), 3))
    return vectors[half], mean, 2.0 * d[:, half].real, -2.0 * d[:, half].imag, exponent, batch


def _rotation(axis: tuple[float, float, float]) -> NDArray[np.float64]:
    """Orthogonal matrix of determinant 1 with `axis` as last column: d @ matrix turns it to z."""
    z = np.array(axis) / np.linalg.norm(axis)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=-1)
