"""Families of Hamiltonians over parameters: declared, interpolated between data, disordered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from topophys import _validation
from topophys._random import as_generator
from topophys._typing import FourierLike
from topophys.errors import InputError, ShapeError
from topophys.hamiltonians.cuts import supercell
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["ParametricHamiltonian", "anderson_disorder", "interpolate"]


@dataclass(frozen=True, eq=False)
class ParametricHamiltonian:
    r"""Function of parameters whose hoppings depend on each parameter in a stated way.

    .. math:: H(k, p) = \sum_\alpha \Big( \prod_j \varphi_{\alpha_j}(p_j) \Big) H_\alpha(k)

    with powers of a parameter, or cosines and sines of it, up to a degree. What is stated is
    expanded exactly, and bounds how much H changes between two values. It is taken on trust where
    it cannot be seen: the function is compared with its expansion at a few values and at the
    centres of boxes, and refused where it differs; a result says so in its notes.

    Parameters
    ----------
    function : callable
        Function of keyword parameters, which are numbers, that returns one Hamiltonian in Fourier
        form.
    dependence : mapping of str to str or (str, int)
        For each parameter "affine", "trigonometric" (up to :math:`\cos p, \sin p`), or a pair
        ("polynomial", degree) or ("trigonometric", degree).

    Examples
    --------
    >>> import topophys as tp
    >>> three = tp.models.hofstadter(1, 3)
    >>> site = tp.FourierHamiltonian({(0, 0): np.diag([1.0, 0.0, -1.0])})
    >>> family = ParametricHamiltonian(lambda v: three + v * site, {"v": "affine"})
    >>> family(v=0.5)
    FourierHamiltonian: 2D, 3 bands (1 occupied), 5 lattice vectors
    """

    function: Callable[..., FourierLike]
    dependence: Mapping[str, str | tuple[str, int]]

    def __call__(self, **parameters: float) -> FourierLike:
        """Return the Hamiltonian at given parameters."""
        return self.function(**parameters)


#: Values through which a polynomial is drawn at most: beyond, it oscillates between them.
LARGEST = 9


def interpolate(
    hamiltonians: Sequence[FourierHamiltonian],
    *,
    at: ArrayLike | None = None,
    parameter: str = "t",
) -> ParametricHamiltonian:
    r"""Family that runs through given Hamiltonians: strain or pressure between files, for example.

    .. math:: H(t) = \sum_i \ell_i(t) H_i, \qquad
        \ell_i(t) = \prod_{j \ne i} \frac{t - t_j}{t_i - t_j}

    the polynomial of lowest degree with :math:`H(t_i) = H_i`; of two, the straight line between
    them. Hoppings from files must be in one gauge: the same orbitals in the same order, with
    centres that move only with the parameter.

    Parameters
    ----------
    hamiltonians : sequence of FourierHamiltonian
        Two to nine, with the same number of bands and dimension.
    at : array-like of shape (m,), optional
        Values t_i of the parameter; evenly spaced from 0 to 1 where not given.
    parameter : str, optional
        Name of the parameter.

    Returns
    -------
    ParametricHamiltonian
        For `certify_phases`: its dependence is known.

    Raises
    ------
    InputError, ShapeError
        If there are too few or too many, values coincide, or the Hamiltonians do not fit.

    References
    ----------
    .. [1] L. N. Trefethen, *Approximation Theory and Approximation Practice*, SIAM (2013), chap. 5.

    Examples
    --------
    >>> import topophys as tp
    >>> family = interpolate([tp.models.qwz(-3.0), tp.models.qwz(-1.0)], parameter="strain")
    >>> found = tp.certify_phases(family, {"strain": (0.0, 1.0)}, share=0.999)
    >>> found.at(strain=[0.1, 0.9])
    array([0, 1])
    """
    every = list(hamiltonians)
    if not 2 <= len(every) <= LARGEST:
        raise InputError(
            f"Argument `hamiltonians` must hold 2 to {LARGEST} Hamiltonians, but holds"
            f" {len(every)}."
        )
    for h in every:
        if h.batch_shape != ():
            raise ShapeError(
                "Argument `hamiltonians` must hold single Hamiltonians, but one is a batch of"
                f" shape {h.batch_shape}; take one by its index."
            )
    values = (
        np.linspace(0.0, 1.0, len(every)) if at is None else _validation.as_real(at, "at", "(m)")
    )
    if values.shape != (len(every),) or len(np.unique(values)) < len(every):
        raise InputError(
            f"Argument `at` must hold {len(every)} different values, one for each Hamiltonian, but"
            f" is {_validation.short(at)}."
        )
    _name(parameter)
    every[0] + sum(every[1:], start=0.0 * every[0])  # refuses what does not fit

    def function(**given: float) -> FourierLike:
        steps = given[parameter] - values
        with np.errstate(over="ignore", invalid="ignore"):  # refused as factors
            weights = [
                float(np.prod(np.delete(steps, i) / np.delete(x - values, i)))
                for i, x in enumerate(values)
            ]
        return sum((w * h for w, h in zip(weights, every, strict=True)), start=0.0 * every[0])

    return ParametricHamiltonian(function, {parameter: ("polynomial", len(every) - 1)})


def anderson_disorder(
    H: FourierHamiltonian,
    size: ArrayLike,
    *,
    rng: np.random.Generator | int | None = None,
    parameter: str = "w",
) -> ParametricHamiltonian:
    r"""Family of one disordered supercell over the strength of its random on-site energies.

    .. math:: H(w) = H_\mathrm{supercell} + w \sum_i \varepsilon_i |i\rangle\langle i|, \qquad
        \varepsilon_i \in [-\tfrac12, \tfrac12]

    with one energy drawn uniformly for each orbital of the supercell, repeated periodically. The
    number of occupied bands is that of the clean supercell.

    Parameters
    ----------
    H : FourierHamiltonian
        The clean system.
    size : int, sequence of int of shape (dim,), or array-like of int of shape (dim, dim)
        Cells of the supercell along each direction, as for `supercell`.
    rng : numpy.random.Generator or int, optional
        Source of the energies, or its seed.
    parameter : str, optional
        Name of the strength.

    Returns
    -------
    ParametricHamiltonian
        For `certify_phases`: affine in the strength.

    Raises
    ------
    InputError, ShapeError
        If `H` is a batch, or `size` is no supercell.

    References
    ----------
    .. [1] P. W. Anderson, Phys. Rev. 109, 1492 (1958).

    Examples
    --------
    >>> import topophys as tp
    >>> family = anderson_disorder(tp.models.qwz(-1.0), [2, 2], rng=1)
    >>> found = tp.certify_phases(family, {"w": (0.0, 2.0)}, share=0.5)
    >>> int(found.at(w=0.1))
    1
    """
    if H.batch_shape != ():
        raise ShapeError(
            f"Argument `H` must be one Hamiltonian, but is a batch of shape {H.batch_shape}; take"
            " one by its index."
        )
    _name(parameter)
    clean = supercell(H, size)
    energies = as_generator(rng).uniform(-0.5, 0.5, clean.n_bands)
    random = FourierHamiltonian(
        {(0,) * clean.dim: np.diag(energies).astype(np.complex128)}, n_occupied=clean.n_occupied
    ).with_geometry(lattice=clean.lattice, positions=clean.positions)
    return ParametricHamiltonian(
        lambda **given: clean + given[parameter] * random, {parameter: "affine"}
    )


def _name(parameter: str) -> None:
    if not parameter.isidentifier():
        raise InputError(
            "Argument `parameter` must be a name such as 't', but is"
            f" {_validation.short(parameter)}."
        )
