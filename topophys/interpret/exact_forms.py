"""Local functions whose sum over the zone is zero: differences on links, curls on plaquettes."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

__all__ = ["curl_features", "difference_features", "window_sums"]


def difference_features(x: Float[np.ndarray, "samples k c"]) -> Float[np.ndarray, "samples k f"]:
    r"""Exact differences of all quadratic functions of the input at a point.

    .. math:: f(k_{j+1}) - f(k_j), \qquad f \in \{ x_a, \; x_a x_b \}

    A density on links may hold any of them without changing its sum over the zone. The functions
    must be local: every field that sums to zero is the difference of some function of all points.

    Parameters
    ----------
    x : float64 ndarray of shape (S, N, c)
        Inputs.

    Returns
    -------
    float64 ndarray of shape (S, N, c + c (c + 1) / 2)
        Differences on the links, one channel for each function.

    Examples
    --------
    >>> found = difference_features(np.random.default_rng(0).standard_normal((2, 5, 3)))
    >>> found.shape, bool(np.abs(found.sum(1)).max() < 1e-12)
    ((2, 5, 9), True)
    """
    f = _quadratic(x)
    return np.roll(f, -1, axis=1) - f


def curl_features(
    x: Float[np.ndarray, "samples nx ny c"],
    links: Float[np.ndarray, "samples nx ny 2 l"] | None = None,
    *,
    degree: int = 4,
) -> Float[np.ndarray, "samples nx ny f"]:
    r"""Lattice curls of local functions on links.

    .. math:: A_x(k) + A_y(k + \hat x) - A_x(k + \hat y) - A_y(k), \qquad
        A_\mu \in \{ x_a(k), \; x_a x_b(k), \; x_a(k) \, x_b(k + \hat\mu), \;
        p(\bar x) \, (x_a(k) \, x_b(k + \hat\mu) - x_b(k) \, x_a(k + \hat\mu)) \}

    for each direction by itself, with p all monomials of the mean of both ends up to a degree. A
    density on plaquettes may hold any of them without changing its sum over the zone. For unit
    d-vectors the last kind spans what is left free to a network that measures the degree of d
    with another area form on the sphere than the uniform one: a form of total 4 pi differs from
    that by the differential of a one-form, :math:`p(d) (d \times \partial d)_a`.

    Parameters
    ----------
    x : float64 ndarray of shape (S, Nx, Ny, c)
        Inputs.
    links : float64 ndarray of shape (S, Nx, Ny, 2, L), optional
        Further functions on the links that leave k along x and y, such as a layer of the network.
    degree : int, optional
        Highest degree of p.

    Returns
    -------
    float64 ndarray of shape (S, Nx, Ny, F)
        Curls, a channel for each function and direction.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 4, 5, 3))
    >>> found = curl_features(x, degree=1)
    >>> found.shape, bool(np.abs(found.sum((1, 2))).max() < 1e-12)
    ((2, 4, 5, 54), True)
    """
    parts = []
    for axis in (1, 2):
        ahead = np.roll(x, -1, axis=axis)
        pairs = np.einsum("...a,...b->...ab", x, ahead)
        first, second = np.triu_indices(x.shape[-1], 1)
        turns = pairs[..., first, second] - pairs[..., second, first]
        weights = _monomials(0.5 * (x + ahead), degree)
        weighted = np.einsum("...p,...t->...pt", weights[..., 1:], turns)
        cells = x.shape[:-1]
        fields = [_quadratic(x), pairs.reshape(*cells, -1), weighted.reshape(*cells, -1)]
        if links is not None:
            fields.append(links[..., axis - 1, :])
        field = np.concatenate(fields, axis=-1)
        # A_x enters below and, with the other sign, above; A_y to the right and to the left
        across = np.roll(field, -1, axis=3 - axis)
        parts.append(field - across if axis == 1 else across - field)
    return np.concatenate(parts, axis=-1)


def _monomials(x: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """All products of up to `degree` components, the constant first."""
    sizes = range(degree + 1)
    chosen = [c for n in sizes for c in combinations_with_replacement(range(x.shape[-1]), n)]
    return np.stack([x[..., list(c)].prod(-1) for c in chosen], axis=-1)


def _quadratic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = np.triu_indices(x.shape[-1])
    return np.concatenate([x, x[..., a] * x[..., b]], axis=-1)


def window_sums(
    value: Float[np.ndarray, "samples *places c"], width: int
) -> Float[np.ndarray, "samples *windows c"]:
    """Add up windows of neighbouring links, or squares of plaquettes, that do not overlap.

    What a total difference adds to a window is due to its ends alone, so it fades as windows
    grow.

    Parameters
    ----------
    value : float64 ndarray of shape (S, N, C) or (S, Nx, Ny, C)
        A density.
    width : int
        Links in a window; it must divide the numbers of places.

    Returns
    -------
    float64 ndarray of shape (S, N / width, C) or (S, Nx / width, Ny / width, C)
        Sums.

    Examples
    --------
    >>> window_sums(np.arange(6.0).reshape(1, 6, 1), 3)[0, :, 0]
    array([ 3., 12.])
    """
    for axis in range(1, value.ndim - 1):
        shape = (*value.shape[:axis], value.shape[axis] // width, width, *value.shape[axis + 1 :])
        value = value.reshape(shape).sum(axis + 1)
    return value
