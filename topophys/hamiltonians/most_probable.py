"""The most probable Hamiltonian behind flattened samples, for Gaussian hoppings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.hamiltonians.flatten import flatten_block, traceless_basis
from topophys.kernels.lapack import eigenvalues

__all__ = [
    "CHAIN_FAMILIES",
    "PLANE_FAMILIES",
    "MostProbable",
    "harmonic_variances",
    "most_probable_blocks",
    "most_probable_vectors",
    "quadratic_form",
    "weighed",
]

#: Ranges r and powers p of the variances (1 + |R|)^(-2 p) up to r that samples are compared with;
#: distances of planes are |R_1| + |R_2|, and ranges are those of the larger one.
CHAIN_FAMILIES: Final = (
    (1, 0.0), (2, 0.0), (2, 1.0), (3, 0.0), (3, 1.0), (4, 0.0), (4, 1.0), (4, 2.0),
    (6, 0.0), (6, 1.0), (6, 2.0),
)  # fmt: skip
PLANE_FAMILIES: Final = ((1, 0.0), (1, 2.0), (2, 1.0), (2, 2.0), (3, 2.0))
#: Variances of harmonics that are absent, relative to the largest.
ABSENT: Final = 1e-6
#: Newton steps at most, and the decrement at which the maximum counts as found.
STEPS: Final = 60
ENOUGH: Final = 1e-6
#: Numbers that the quadratic form of one sample may have; a batch is taken in parts of so many.
LARGEST: Final = 2**24

Values = NDArray[Any]
Floats = NDArray[np.float64]


class MostProbable(NamedTuple):
    """Most probable Hamiltonians on the grid of the samples.

    Attributes
    ----------
    values : ndarray
        Blocks or d-vectors, of the shape of the samples, in a unit of energy that the variances
        set.
    log_evidence : float64 ndarray of shape (...)
        Logarithm of the density of the samples for these variances, up to a constant of the
        samples, by Laplace's approximation: it compares variances, and is no calibrated
        probability.
    decrement : float64 ndarray of shape (...)
        Newton decrement at the last step: an estimate of sqrt(2 x) for a logarithm of the density
        that is x below its maximum.
    factors : float64 ndarray of shape (..., M)
        Coordinates of the positive factors.
    """

    values: Values
    log_evidence: Floats
    decrement: Floats
    factors: Floats

    @property
    def converged(self) -> NDArray[np.bool_]:
        """Whether the maximum was found."""
        return np.asarray(self.decrement < ENOUGH)


def harmonic_variances(
    grid: Sequence[int], reach: int | None = None, power: float = 0.0, *,
    variance: Callable[..., ArrayLike] | None = None,
) -> Floats:  # fmt: skip
    r"""Variances of the harmonics that a grid distinguishes, of hoppings with given variances.

    .. math:: \sigma_R^2 = (1 + |R|)^{-2p} \; (|R_i| \le r), \qquad
        v_m = \sum_{R \equiv m \bmod N} \sigma_R^2, \qquad |R| = \sum_i |R_i|

    A harmonic that no hopping has gets a millionth of the largest variance.

    Parameters
    ----------
    grid : sequence of int
        Points along each axis.
    reach : int, optional
        The range r; where `variance` is given, how far its hoppings are counted (40).
    power : float, optional
        The power p.
    variance : callable, optional
        Function of arrays of the \|R_i\|, one for each axis, in place of the formula.

    Returns
    -------
    float64 ndarray of shape (*grid,)
        In the order of `numpy.fft.fftn`.

    Raises
    ------
    InputError
        If neither a range nor a function is given, or `power` is not finite.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT
       Press (2006), chap. 2: Gaussian priors.

    Examples
    --------
    >>> harmonic_variances([4], 1)
    array([1.e+00, 1.e+00, 1.e-06, 1.e+00])
    """
    shape = tuple(_validation.positive_int(n, "grid") for n in grid)
    if reach is None and variance is None:
        raise InputError("Argument `reach` must be given where `variance` is not.")
    if not math.isfinite(power):
        raise InputError(f"Argument `power` must be a finite number, but is {power}.")
    far = 40 if reach is None else _validation.positive_int(reach, "reach", minimum=0)
    m = np.arange(-far, far + 1)
    axes = np.meshgrid(*[m] * len(shape), indexing="ij")
    size = [np.abs(a) for a in axes]
    value = (1.0 + np.sum(size, axis=0)) ** (-2.0 * power) if variance is None else variance(*size)
    found = np.zeros(shape)
    np.add.at(found, tuple(a % n for a, n in zip(axes, shape, strict=True)), value)
    return np.asarray(np.maximum(found, ABSENT * found.max()), np.float64)


def most_probable_blocks(blocks: ArrayLike, variances: ArrayLike) -> MostProbable:
    r"""Most probable blocks D(k) of chains behind flattened ones, for Gaussian hoppings.

    .. math:: D(k_j) = P_j U_j, \qquad \log p(P \mid U) = -\sum_m \frac{\|D_m\|^2}{v_m}
        + \sum_j \sum_{ab} \log (p_{ja} + p_{jb}) + \text{const}

    with :math:`P_j` positive, its eigenvalues :math:`p_{ja}`, and the discrete Fourier transform
    :math:`D_m`. The sum of logarithms is that of the Jacobian of the polar decomposition. It is
    replaced by :math:`n \log \det P_j`, which is as homogeneous, so that nothing depends on the
    unit of energy. The result is concave, and its maximum is found by Newton's method.

    Parameters
    ----------
    blocks : array-like of shape (..., N, n, n)
        Blocks on the uniform grid of `topophys.k_grid`; only their polar factors count.
    variances : array-like of shape (N,)
        Variances v_m of the entries of the harmonics, as from `harmonic_variances`: what is
        assumed of the hoppings. The samples alone determine nothing.

    Returns
    -------
    MostProbable
        Blocks, evidence, and whether the maximum was found.

    Raises
    ------
    ShapeError, InputError
        If the arrays do not fit to each other, variances are not positive and finite, or a block
        takes more than 128 MiB.
    GaplessError
        If a block is singular.

    References
    ----------
    .. [1] D. J. C. MacKay, Neural Comput. 4, 415 (1992): evidence by Laplace's approximation.
    .. [2] N. J. Higham, *Functions of Matrices*, SIAM (2008), chap. 8: the polar decomposition.

    Examples
    --------
    >>> import topophys as tp
    >>> chain = tp.ensembles.hard_chains("gaussian", 3, n_orbitals=2, rng=5)
    >>> flat = tp.flatten_block(chain.block_on_grid(8))
    >>> found = most_probable_blocks(flat, harmonic_variances([8], 2))
    >>> found.values.shape, bool(found.converged.all())
    ((3, 8, 2, 2), True)
    """
    given = _validation.as_complex(blocks, "blocks", "(..., N, n, n)")
    flat = flatten_block(given)
    points, n = flat.shape[-3], flat.shape[-1]
    v = _require_variances(variances, (points,))
    return _in_parts(flat, 3, (points * n * n) ** 2, lambda part: _blocks(part, v))


def most_probable_vectors(d: ArrayLike, variances: ArrayLike) -> MostProbable:
    r"""Most probable vectors d(k) of two-band planes behind unit vectors, for Gaussian hoppings.

    .. math:: d(k_j) = \rho_j \hat d_j, \qquad \log p(\rho \mid \hat d) =
        -\sum_m \frac{|d_m|^2}{v_m} + \sum_j \log \rho_j^2 + \text{const}

    Parameters
    ----------
    d : array-like of shape (..., Nx, Ny, 3)
        Vectors on the uniform grid of `topophys.k_grid`; only their directions count.
    variances : array-like of shape (Nx, Ny)
        Variances v_m of each component of the harmonics, as from `harmonic_variances`.

    Returns
    -------
    MostProbable
        Vectors, evidence, and whether the maximum was found.

    Raises
    ------
    ShapeError, InputError
        If the arrays do not fit to each other, variances are not positive and finite, or a grid
        takes more than 128 MiB.
    GaplessError
        If a vector is zero.

    References
    ----------
    .. [1] D. J. C. MacKay, Neural Comput. 4, 415 (1992): evidence by Laplace's approximation.

    Examples
    --------
    >>> import topophys as tp
    >>> d = tp.models.qwz([-1.0, 1.0]).d_on_grid(6)
    >>> found = most_probable_vectors(d, harmonic_variances([6, 6], 1))
    >>> found.values.shape, bool(found.converged.all())
    ((2, 6, 6, 3), True)
    """
    given = _validation.as_real(d, "d", "(..., Nx, Ny, 3)")
    largest = np.abs(given).max(-1, keepdims=True)
    _validation.require_gapped((largest == 0.0).any((-3, -2, -1)), "direction of d")
    unit = given / largest
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    grid = unit.shape[-3:-1]
    v = _require_variances(variances, grid)
    return _in_parts(unit, 3, math.prod(grid) ** 2, lambda part: _vectors(part, v))


def weighed(
    log_evidence: Sequence[Floats], integers: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], Floats, NDArray[np.int64]]:
    """Integer (B,) that most of the evidence of all families is for, its share, the best family."""
    evidence, value = np.array(log_evidence), np.array(integers)
    weight = np.exp(evidence - evidence.max(0))
    weight /= weight.sum(0)
    share = np.array([(weight * (value == v)).sum(0) for v in value])
    best, row = share.argmax(0), np.arange(value.shape[1])
    return value[best, row], share[best, row], evidence.argmax(0)


# ---- What both have in common


def _require_variances(variances: ArrayLike, grid: tuple[int, ...]) -> Floats:
    v = _validation.as_real(variances, "variances", "(...)")
    if v.shape != grid:
        raise ShapeError(
            f"Argument `variances` must have the shape {grid} of the grid, but has {v.shape}."
        )
    if not (v > 0.0).all():
        raise InputError(
            f"Argument `variances` must be positive, but the smallest is {v.min():.3g}; give"
            " harmonics that are absent a small one."
        )
    return v


def _in_parts(
    samples: Values, axes: int, form: int, solve: Callable[[Values], MostProbable]
) -> MostProbable:
    """Solve a batch in parts that fit into memory."""
    if form > LARGEST:
        raise InputError(
            "The samples must have at most 4096 unknown positive factors, points times n^2, but"
            f" have {math.isqrt(form)}; give fewer points."
        )
    batch = samples.shape[:-axes]
    rows = samples.reshape(-1, *samples.shape[-axes:])
    step = max(1, LARGEST // form)
    parts = [solve(rows[i : i + step]) for i in range(0, max(1, len(rows)), step)]
    found = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return MostProbable(*(x.reshape((*batch, *x.shape[1:])) for x in found))


def _newton(
    form: Floats,
    start: Floats,
    degree: float,
    count: int,
    derivatives: Callable[[Floats], tuple[Floats, Callable[[Floats], Floats]]],
    relative: Callable[[Floats, Floats], Floats],
) -> tuple[Floats, Floats, Floats]:
    """Minimum of 1/2 x form x - degree (sum of logarithms), its curvature, and the decrement.

    `count` is the number of logarithms; `derivatives` gives the gradient of their sum, and what
    adds its curvature; `relative` the eigenvalues of a step relative to the present factors.
    """
    # the minimum has this norm: both parts are homogeneous
    x = start * np.sqrt(degree * count / (start * _applied(form, start)).sum(1))[:, None]
    curvature, decrement = form, np.full(len(x), np.inf)
    for _ in range(STEPS):
        slope = _applied(form, x)
        rising, with_logarithms = derivatives(x)
        gradient = slope - degree * rising
        curvature = with_logarithms(form.copy())
        step = np.asarray(-np.linalg.solve(curvature, gradient[..., None])[..., 0], np.float64)
        decrement = np.sqrt(np.maximum(-(gradient * step).sum(1), 0.0))
        if not len(x) or decrement.max() < ENOUGH:
            break
        x = x + _longest(form, slope, step, relative(x, step), degree)[:, None] * step
    return x, curvature, decrement


def _applied(form: Floats, x: Floats) -> Floats:
    return np.asarray((form @ x[..., None])[..., 0])


def _longest(form: Floats, slope: Floats, step: Floats, mu: Floats, degree: float) -> Floats:
    """Where a convex function is smallest along a step: of a quadratic form and logarithms.

    `mu` (B, M) are the eigenvalues of the steps relative to the present factors.
    """
    second, first = (step * _applied(form, step)).sum(1), (slope * step).sum(1)
    high = np.minimum(0.999 / np.maximum(-mu.min(1), 1e-9), 1e6)
    low = np.zeros(len(mu))
    for _ in range(40):
        t = 0.5 * (low + high)
        rising = second * t + first > degree * (mu / (1.0 + t[:, None] * mu)).sum(1)
        low, high = np.where(rising, low, t), np.where(rising, t, high)
    return low


# ---- Chains


def quadratic_form(flat: Values, variances: Floats) -> tuple[Floats, Values]:
    """Form (B, N S, N S) of minus the log prior in coordinates of the P_j, and their basis."""
    batch, points, n, _ = flat.shape
    basis = np.concatenate([np.eye(n)[None] / math.sqrt(n), traceless_basis(n)])
    moved = np.einsum("aij,bkjl->bkail", basis, flat).reshape(batch, points * n * n, n * n)
    moved = np.concatenate([moved.real, moved.imag], -1)
    j = np.arange(points)
    kernel = np.fft.ifft(2.0 / variances).real[(j[:, None] - j) % points] / points
    form = moved @ np.swapaxes(moved, 1, 2)
    form.reshape(batch, points, n * n, points, n * n)[:] *= kernel[None, :, None, :, None]
    return form, basis


def _blocks(flat: Values, variances: Floats) -> MostProbable:
    batch, points, n, _ = flat.shape
    form, basis = quadratic_form(flat, variances)
    size, degree, own = n * n, float(n), np.arange(points)

    def matrices(x: Floats) -> Values:
        return np.asarray(np.einsum("bja,aik->bjik", x.reshape(len(x), points, size), basis))

    def derivatives(x: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
        turned = np.linalg.inv(matrices(x))[:, :, None] @ basis

        def with_logarithms(curvature: Floats) -> Floats:
            left = turned.reshape(len(x), points, size, size)
            right = np.swapaxes(turned, -1, -2).reshape(len(x), points, size, size)
            blocks = curvature.reshape(len(x), points, size, points, size)
            blocks[:, own, :, own] += degree * np.moveaxis(
                (left @ np.swapaxes(right, -1, -2)).real, 1, 0
            )
            return curvature

        return np.einsum("bjaii->bja", turned).real.reshape(len(x), points * size), with_logarithms

    def relative(x: Floats, step: Floats) -> Floats:
        root = np.linalg.inv(np.linalg.cholesky(matrices(x)))
        along = root @ matrices(step) @ np.conj(np.swapaxes(root, -1, -2))
        return np.asarray(eigenvalues(along).reshape(len(x), points * n), np.float64)

    start = np.tile(np.einsum("aii->a", basis).real, (batch, points))
    x, curvature, decrement = _newton(form, start, degree, points * n, derivatives, relative)
    p = matrices(x)
    value = 0.5 * degree * points * n - degree * np.linalg.slogdet(p)[1].sum(1)
    evidence = -value - 0.5 * np.linalg.slogdet(curvature)[1] - size * np.log(variances).sum()
    return MostProbable(p @ flat, evidence, decrement, x)


# ---- Planes of two bands


def _vectors(unit: Values, variances: Floats) -> MostProbable:
    batch, (nx, ny) = len(unit), unit.shape[1:3]
    count, degree = nx * ny, 2.0
    i, j = np.divmod(np.arange(count), ny)
    kernel = np.fft.ifft2(2.0 / variances).real / count
    flat = unit.reshape(batch, count, 3)
    form = (flat @ np.swapaxes(flat, 1, 2)) * kernel[(i[:, None] - i) % nx, (j[:, None] - j) % ny]
    own = np.arange(count)

    def derivatives(x: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
        def with_logarithms(curvature: Floats) -> Floats:
            curvature[:, own, own] += degree / (x * x)
            return curvature

        return 1.0 / x, with_logarithms

    x, curvature, decrement = _newton(
        form, np.ones((batch, count)), degree, count, derivatives, lambda x, step: step / x
    )
    value = 0.5 * degree * count - degree * np.log(x).sum(1)
    evidence = -value - 0.5 * np.linalg.slogdet(curvature)[1] - 1.5 * np.log(variances).sum()
    return MostProbable(x.reshape(batch, nx, ny, 1) * unit, evidence, decrement, x)
