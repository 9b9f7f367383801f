"""Hamiltonians of other programs, and of functions of k, as Fourier Hamiltonians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._optional import load_extra
from topophys.errors import HermiticityError, InputError, KindError, ShapeError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.generalized import GeneralizedHamiltonian
from topophys.hamiltonians.wannier90 import WannierHamiltonian

__all__ = [
    "from_kwant",
    "from_pythtb",
    "from_sisl",
    "from_tbmodels",
    "hoppings_of",
    "to_pythtb",
    "to_tbmodels",
]

#: How far a function may be from the sum of its hoppings, as a share of its largest entry.
TOLERANCE: Final = 1e-9
#: By how much deviations may be larger between the momenta that are tried than at them.
MARGIN: Final = 8.0
#: Momenta off the grid at which the two are compared.
PROBES: Final = 16


# ---- Functions of k


def hoppings_of(
    h: Callable[[NDArray[np.float64]], ArrayLike],
    dim: int,
    hopping_range: int | tuple[int, ...],
    *,
    n_occupied: int | None = None,
    vectorized: bool = False,
    lattice: ArrayLike | None = None,
    positions: ArrayLike | None = None,
) -> FourierHamiltonian:
    r"""Find the hoppings of a function H(k) by a discrete Fourier transform.

    .. math:: H_R = \frac{1}{N} \sum_k H(k) \, e^{-i k \cdot R}, \qquad |R_i| \le r_i, \;
        N = \prod_i (2 r_i + 1)

    exact for a function without longer hoppings, which is checked at momenta off the grid. The
    largest deviation that is met there, times `MARGIN` n, enters `amplitude_error`: a gap that is
    proven of the result is larger than what the function may differ by. No finite number of
    momenta proves that it differs by no more.

    References
    ----------
    .. [1] L. N. Trefethen, J. A. C. Weideman, SIAM Review 56, 385 (2014).

    Examples
    --------
    >>> import topophys as tp
    >>> q = tp.models.qwz(-1.0)
    >>> int(tp.certify_chern(hoppings_of(q.bloch, 2, 1)))
    1
    """
    if not callable(h):
        raise KindError(f"Argument `h` must be a function of k, but is {_validation.short(h)}.")
    n_dim = _validation.positive_int(dim, "dim")
    given = hopping_range if isinstance(hopping_range, tuple) else (hopping_range,) * n_dim
    reach = [_validation.positive_int(r, "hopping_range", minimum=0) for r in given]
    if len(reach) != n_dim:
        raise InputError(
            f"Argument `hopping_range` must be one integer or {n_dim}, but is {hopping_range}."
        )

    def values(k: NDArray[np.float64]) -> NDArray[np.complex128]:
        made: Any = h(k) if vectorized else [h(q) for q in k]
        h_k = _validation.as_complex(made, "h(k)", "(..., n, n)")
        if h_k.ndim != 3 or len(h_k) != len(k):
            raise ShapeError(
                f"Argument `h` must return one matrix for each momentum, but returned {h_k.shape}"
                f" for {len(k)}."
            )
        return h_k

    shape = tuple(2 * r + 1 for r in reach)
    axes = [2.0 * np.pi * np.arange(size) / size for size in shape]
    k = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, n_dim)
    h_k = values(k)
    n = h_k.shape[-1]
    found = np.fft.fftn(h_k.reshape(*shape, n, n), axes=range(n_dim)) / len(k)
    signed = [np.where(np.arange(s) > r, np.arange(s) - s, np.arange(s)) for s, r in
              zip(shape, reach, strict=True)]  # fmt: skip
    hoppings = {
        tuple(int(signed[d][i]) for d, i in enumerate(index)): found[index]
        for index in np.ndindex(*shape)
    }
    scale = float(np.abs(h_k).max(initial=0.0))
    off = float(np.abs(h_k - h_k.conj().swapaxes(-1, -2)).max())
    if off > 1e-10 * scale:
        raise HermiticityError(
            f"Argument `h` must return Hermitian matrices, but they are off by up to {off:.3g}."
        )
    # what the transform rounds is no hopping
    kept = {R: m for R, m in hoppings.items() if np.abs(m).max() > 1e-14 * scale or not any(R)}
    made = FourierHamiltonian(_hermitian(kept, scale), n_occupied=n_occupied)
    probes = np.random.default_rng(0).uniform(-np.pi, np.pi, (PROBES, n_dim))
    off = float(np.abs(made.bloch(probes) - values(probes)).max())
    if off > TOLERANCE * scale:
        raise InputError(
            f"Argument `hopping_range` must cover all hoppings of `h`, but {hopping_range} leaves"
            f" {off:.3g} between the grid points (largest entry {scale:.3g}): give a larger one, or"
            " give the positions of orbitals that its phases contain."
        )
    made._place(lattice, positions)
    # entries of n x n matrices: n times the largest one bounds the operator norm
    return made._with_error(np.asarray(MARGIN * n * off), ())


def _hermitian(
    hoppings: Mapping[tuple[int, ...], NDArray[np.complex128]], scale: float
) -> dict[tuple[int, ...], NDArray[np.complex128]]:
    """Mean of hoppings and their partners, which the transform rounds each on its own."""
    out = {}
    for R, m in hoppings.items():
        partner = hoppings.get(tuple(-x for x in R))
        if partner is None:
            out[R] = m
        elif np.abs(m - partner.conj().T).max() > 1e-10 * scale:
            out[R] = m  # refused by FourierHamiltonian, which says by how much
        else:
            out[R] = 0.5 * (m + partner.conj().T)
    return out


# ---- PythTB


def from_pythtb(model: Any, *, n_occupied: int | None = None) -> WannierHamiltonian:
    """Take the hoppings of a model of PythTB, `tb_model` of version 1 or `TBModel` of version 2.

    PythTB writes phases with the positions of the orbitals; here they are kept in `positions` and
    the Hamiltonian is periodic in k. Energies are the same.

    Parameters
    ----------
    model : pythtb.tb_model or pythtb.TBModel
        With one spin component or two (orbitals then alternate: up, down), and values for all its
        parameters (`model.with_parameters(...)`).
    n_occupied : int, optional
        Number of occupied bands. Where it is not given, questions that need it are refused.

    Returns
    -------
    WannierHamiltonian
        In the units of the model.

    Raises
    ------
    KindError
        If it is something else, or has no periodic direction.
    InputError
        If its parameters have no values.

    References
    ----------
    .. [1] T. Cole, D. Vanderbilt, S. Coh, PythTB, https://www.physics.rutgers.edu/pythtb

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> chain = SimpleNamespace(
    ...     _dim_k=1, _dim_r=1, _nspin=1, _per=[0], _lat=np.eye(1), _orb=np.array([[0.0], [0.5]]),
    ...     _norb=2, _site_energies=np.zeros(2), _hoppings=[[1.0, 0, 1, [0]], [2.0, 1, 0, [1]]])
    >>> from_pythtb(chain)
    WannierHamiltonian: 1D, 2 bands (filling not given), 3 lattice vectors
    """
    parts = _of_pythtb(model)
    if not parts.periodic:
        raise KindError("Argument `model` must have a periodic direction, but has none.")
    spins, n, periodic = parts.spins, len(parts.onsite), parts.periodic
    hoppings: dict[tuple[int, ...], NDArray[np.complex128]] = {}

    def add(R: tuple[int, ...], i: int, j: int, amplitude: Any) -> None:
        block = np.asarray(amplitude, np.complex128) * (np.eye(spins) if np.ndim(amplitude) == 0
                                                        else 1.0)  # fmt: skip
        matrix = hoppings.setdefault(R, np.zeros((n * spins, n * spins), np.complex128))
        matrix[i * spins : (i + 1) * spins, j * spins : (j + 1) * spins] += block

    zero = (0,) * len(periodic)
    for i, energy in enumerate(parts.onsite):
        add(zero, i, i, energy)
    for amplitude, i, j, cell in parts.hoppings:
        R = zero if cell is None else tuple(int(cell[p]) for p in periodic)
        add(R, i, j, amplitude)
        add(tuple(-x for x in R), j, i, np.conj(np.transpose(amplitude)))
    positions = np.repeat(np.asarray(parts.orbitals, float)[:, periodic], spins, axis=0)
    return _made(hoppings, n_occupied, parts.lattice, positions, tuple(periodic))


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a model of PythTB consists of; hoppings are amplitude, i, j and R or None."""

    spins: int
    periodic: list[int]
    lattice: Any
    orbitals: Any
    onsite: Any
    hoppings: list[tuple[Any, int, int, Any]]


def _of_pythtb(model: Any) -> _Parts:
    """Parts of a model of either version: attributes of the first, properties of the second."""
    if hasattr(model, "lat_vecs") and hasattr(model, "hoppings"):
        names = sorted({name for one in model.parameters for name in one["names"]})
        if names:
            raise InputError(
                f"Argument `model` must have values for its parameters {', '.join(names)}: give"
                f" model.with_parameters({names[0]}=...)."
            )
        hops = [
            (hop["amplitude"], hop["from_orbital"], hop["to_orbital"], hop.get("lattice_vector"))
            for hop in model.hoppings
        ]
        return _Parts(int(model.nspin), [int(p) for p in model.periodic_dirs], model.lat_vecs,
                      model.orb_vecs, model.onsite, hops)  # fmt: skip
    needed = ("_dim_k", "_nspin", "_per", "_lat", "_orb", "_norb", "_site_energies", "_hoppings")
    _require(model, needed, "a tb_model or TBModel of PythTB")
    hops = [(a, i, j, rest[0] if rest else None) for a, i, j, *rest in model._hoppings]
    periodic = [int(p) for p in model._per] if model._dim_k else []
    return _Parts(int(model._nspin), periodic, model._lat, model._orb, model._site_energies, hops)


def to_pythtb(H: object) -> Any:
    """Make a model of PythTB of a Hamiltonian; needs PythTB.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian. Its lattice and positions are handed over where it has them: a cubic
        lattice of unit length and orbitals at the origin otherwise.

    Returns
    -------
    pythtb.tb_model or pythtb.TBModel
        Of the version that is installed, with the same energies.

    Raises
    ------
    KindError
        If `H` is a batch, or is not in Fourier form.
    MissingPackageError
        If PythTB is not installed.

    References
    ----------
    .. [1] T. Cole, D. Vanderbilt, S. Coh, PythTB, https://www.physics.rutgers.edu/pythtb

    Examples
    --------
    >>> import topophys as tp
    >>> to_pythtb(tp.models.qwz([-1.0, 1.0]))
    Traceback (most recent call last):
    ...
    topophys.errors.KindError: Argument `H` must be a single Hamiltonian in Fourier form, ...
    """
    H = _single(H)
    pythtb = load_extra("pythtb", "interop")
    lattice: Any = H.lattice
    directions: Any = getattr(H, "directions", None)
    if lattice is None or directions is None or len(lattice) == H.dim:
        lattice, per = np.eye(H.dim) if lattice is None else completed(lattice), list(range(H.dim))
    else:
        per = list(directions)
    positions = H.positions
    orbitals = np.zeros((H.n_bands, len(lattice)))
    if positions is not None:
        orbitals[:, per] = positions
    if hasattr(pythtb, "TBModel"):  # version 2
        cell = pythtb.Lattice(lattice.tolist(), orbitals.tolist(), periodic_dirs=per)
        model = pythtb.TBModel(cell)
    else:
        model = pythtb.tb_model(H.dim, len(lattice), lattice.tolist(), orbitals.tolist(), per=per)
    zero = (0,) * H.dim
    model.set_onsite(np.diag(H.hoppings[zero]).real.tolist() if zero in H.hoppings else
                     [0.0] * H.n_bands)  # fmt: skip
    for R, matrix in H.hoppings.items():
        half = tuple(R) > zero or not any(R)
        if not half:
            continue  # PythTB adds the conjugate itself
        full = np.zeros(len(lattice), int)
        full[per] = R
        for i, j in np.argwhere(matrix != 0.0).tolist():
            if any(R) or i < j:
                model.set_hop(complex(matrix[i, j]), i, j, full.tolist())
    return model


# ---- TBmodels


def from_tbmodels(model: Any, *, n_occupied: int | None = None) -> WannierHamiltonian:
    """Take the hoppings of a `tbmodels.Model`.

    Parameters
    ----------
    model : tbmodels.Model
        With its hoppings, lattice (`uc`), positions (`pos`) and filling (`occ`).
    n_occupied : int, optional
        Number of occupied bands; `occ` of the model where not given. Where neither is, questions
        that need it are refused.

    Returns
    -------
    WannierHamiltonian
        In the units of the model.

    Raises
    ------
    KindError
        If it is something else.

    References
    ----------
    .. [1] D. Gresch *et al.*, Phys. Rev. Materials 2, 103805 (2018).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> half = SimpleNamespace(
    ...     hop={(0,): np.array([[0, 1], [0, 0]]), (1,): np.array([[0, 0], [2.0, 0]])},
    ...     occ=1, uc=None, pos=np.zeros((2, 1)), dim=1)
    >>> from_tbmodels(half)
    WannierHamiltonian: 1D, 2 bands (1 occupied), 3 lattice vectors
    """
    _require(model, ("hop", "occ", "uc", "pos", "dim"), "a Model of TBmodels")
    halves = {tuple(int(x) for x in R): _dense(m) for R, m in model.hop.items()}
    filled = model.occ if n_occupied is None else n_occupied
    return _made(
        with_partners(halves), None if filled is None else int(filled), model.uc, model.pos,
        tuple(range(int(model.dim))),
    )  # fmt: skip


def with_partners(
    halves: Mapping[tuple[int, ...], NDArray[np.complex128]],
) -> dict[tuple[int, ...], NDArray[np.complex128]]:
    """Hoppings of R and -R from the half that TBmodels keeps: H(k) is its sum and the conjugate."""
    full: dict[tuple[int, ...], NDArray[np.complex128]] = {}
    for R, m in halves.items():
        for vector, matrix in ((R, m), (tuple(-x for x in R), m.conj().T)):
            full[vector] = full[vector] + matrix if vector in full else matrix.copy()
    return full


def to_tbmodels(H: object, *, occ: int | None = None) -> Any:
    """Make a `tbmodels.Model` of a Hamiltonian; needs TBmodels.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian, with lattice and positions where it has them.
    occ : int, optional
        Number of occupied bands of the model; that of `H` where not given, None where it has none.

    Returns
    -------
    tbmodels.Model
        With the same energies. Orbitals outside of the unit cell are moved into it, as TBmodels
        does with every model.

    Raises
    ------
    KindError
        If `H` is a batch, or is not in Fourier form.
    MissingPackageError
        If TBmodels is not installed.

    References
    ----------
    .. [1] D. Gresch *et al.*, Phys. Rev. Materials 2, 103805 (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> to_tbmodels(tp.models.qwz([-1.0, 1.0]))
    Traceback (most recent call last):
    ...
    topophys.errors.KindError: Argument `H` must be a single Hamiltonian in Fourier form, ...
    """
    h = _single(H)
    tbmodels = load_extra("tbmodels", "interop")
    filled = _validation.named_filling(h) if occ is None else _validation.occupied(occ, h.n_bands)
    return tbmodels.Model(
        hop={tuple(map(int, R)): m for R, m in h.hoppings.items()}, size=h.n_bands, dim=h.dim,
        occ=filled, pos=None if h.positions is None else np.asarray(h.positions), uc=_cell(h),
        contains_cc=True,
    )  # fmt: skip


def _single(H: object) -> FourierHamiltonian:
    if not isinstance(H, FourierHamiltonian) or H.batch_shape:
        raise KindError(
            "Argument `H` must be a single Hamiltonian in Fourier form, but is"
            f" {_validation.short(H)}."
        )
    return H


def _cell(h: FourierHamiltonian) -> NDArray[np.float64] | None:
    """Primitive vectors of the periodic directions, in as many components.

    Shapes: returns (dim, dim).
    """
    if h.lattice is None:
        return None
    rows = np.asarray(h.lattice, np.float64)
    if len(rows) > h.dim:
        rows = rows[list(getattr(h, "directions", range(h.dim)))]
    if not rows[:, h.dim :].any():
        return rows[:, : h.dim]
    # a plane that is tilted in space: the same lengths and angles
    return np.asarray(np.linalg.cholesky(rows @ rows.T))


# ---- Kwant


def from_kwant(
    builder: Any,
    *,
    n_occupied: int | None = None,
    params: Mapping[str, Any] | None = None,
) -> FourierHamiltonian:
    """Take the hoppings of a `kwant.Builder` with translational symmetry.

    Parameters
    ----------
    builder : kwant.Builder
        Before `finalized()`, periodic in one to three directions; or the finalized system of a lead
        (`kwant.builder.InfiniteSystem`), periodic in one.
    n_occupied : int, optional
        Number of occupied bands. Where it is not given, questions that need it are refused.
    params : mapping, optional
        Values of the parameters of on-site energies and hoppings that are functions.

    Returns
    -------
    WannierHamiltonian
        Orbitals in the order of the sites: sorted, of a finalized system as they are there. The
        periods are its lattice, the sites its positions, where the builder has them.

    Raises
    ------
    KindError
        If it is something else, or has no translational symmetry.
    InputError
        If a parameter is missing.

    References
    ----------
    .. [1] C. W. Groth, M. Wimmer, A. R. Akhmerov, X. Waintal, New J. Phys. 16, 063065 (2014).

    Examples
    --------
    >>> from_kwant(3)
    Traceback (most recent call last):
    ...
    topophys.errors.KindError: Argument `builder` must be a Builder of Kwant ...
    """
    if hasattr(builder, "cell_hamiltonian") and hasattr(builder, "inter_cell_hopping"):
        return _of_lead(builder, n_occupied, dict(params or {}))
    names = ("symmetry", "site_value_pairs", "hopping_value_pairs")
    if not all(hasattr(builder, name) for name in names):
        raise KindError(
            "Argument `builder` must be a Builder of Kwant with translational symmetry, or the"
            f" finalized system of a lead, but is {_validation.short(builder)}."
        )
    symmetry = builder.symmetry
    dim = int(symmetry.num_directions)
    if not dim:
        raise KindError("Argument `builder` must have a translational symmetry, but has none.")
    given = dict(params or {})
    sites = sorted(builder.site_value_pairs(), key=lambda pair: pair[0])
    matrices = [_value(value, (site,), given) for site, value in sites]
    first = np.concatenate([[0], np.cumsum([len(m) for m in matrices])]).astype(int)
    place = {site: slice(first[i], first[i + 1]) for i, (site, _) in enumerate(sites)}
    n, zero = int(first[-1]), (0,) * dim
    hoppings = {zero: np.zeros((n, n), np.complex128)}
    for (site, _), matrix in zip(sites, matrices, strict=True):
        hoppings[zero][place[site], place[site]] = matrix
    for (a, b), value in builder.hopping_value_pairs():
        matrix = _value(value, (a, b), given)
        in_a, in_b = symmetry.which(a), symmetry.which(b)
        row, column = place[symmetry.to_fd(a)], place[symmetry.to_fd(b)]
        # <a, 0| H |b, R> with R = cell of b - cell of a
        R = tuple(int(y) - int(x) for x, y in zip(in_a, in_b, strict=True))
        for vector, i, j, m in ((R, row, column, matrix),
                                (tuple(-x for x in R), column, row, matrix.conj().T)):  # fmt: skip
            block = hoppings.setdefault(vector, np.zeros((n, n), np.complex128))
            block[i, j] += m
    repeats = [len(m) for m in matrices]
    lattice, positions = _kwant_geometry(symmetry, [site for site, _ in sites], repeats)
    return _made(hoppings, n_occupied, lattice, positions, tuple(range(dim)))


def _kwant_geometry(
    symmetry: Any, sites: list[Any], repeats: list[int]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Periods, and reduced positions of the orbitals, where sites have any."""
    periods = getattr(symmetry, "periods", None)
    if periods is None:
        return None, None
    rows = np.array([np.asarray(p, np.float64) for p in periods])
    if not sites or not all(hasattr(site, "pos") for site in sites):
        return completed(rows), None
    at = np.array([np.asarray(site.pos, np.float64) for site in sites])
    return completed(rows), np.repeat(at @ np.linalg.pinv(rows), repeats, axis=0)


def _of_lead(system: Any, n_occupied: int | None, params: dict[str, Any]) -> WannierHamiltonian:
    """Take the hoppings of a finalized lead: H(k) = h + V exp(-ik) + V^dagger exp(ik)."""
    try:
        inside = np.asarray(system.cell_hamiltonian(params=params), np.complex128)
        across = np.asarray(system.inter_cell_hopping(params=params), np.complex128)
    except TypeError as error:  # what Kwant raises for a parameter that is missing
        raise InputError(
            f"Argument `params` must give the parameters of the system: {error}."
        ) from None
    hopping = np.zeros(inside.shape, np.complex128)
    hopping[:, : across.shape[1]] = across
    hoppings: dict[tuple[int, ...], NDArray[np.complex128]] = {
        (0,): inside, (-1,): hopping, (1,): hopping.conj().T,
    }  # fmt: skip
    lattice, _ = _kwant_geometry(getattr(system, "symmetry", None), [], [])
    return _made(hoppings, n_occupied, lattice, None, (0,))


def _value(value: Any, sites: tuple[Any, ...], params: dict[str, Any]) -> NDArray[np.complex128]:
    if callable(value):
        names = value.__code__.co_varnames[len(sites) : value.__code__.co_argcount]
        missing = [name for name in names if name not in params]
        if missing:
            raise InputError(f"Argument `params` must give {', '.join(missing)}, but does not.")
        value = value(*sites, *(params[name] for name in names))
    return np.atleast_2d(np.asarray(value, np.complex128))


# ---- sisl


def from_sisl(
    h: Any, *, n_occupied: int | None = None
) -> WannierHamiltonian | GeneralizedHamiltonian:
    """Take the hoppings of a `sisl.Hamiltonian`, and the overlaps where its basis has some.

    Parameters
    ----------
    h : sisl.Hamiltonian
        Unpolarised, non-collinear or with spin-orbit coupling; of a polarised one, give one spin.
    n_occupied : int, optional
        Number of occupied bands. Where it is not given, questions that need it are refused.

    Returns
    -------
    WannierHamiltonian or GeneralizedHamiltonian
        In eV; the latter for a basis that is not orthogonal. Directions in which only one cell is
        connected are left out.

    Raises
    ------
    KindError
        If it is something else, polarised, or not periodic.

    References
    ----------
    .. [1] N. Papior, sisl, https://doi.org/10.5281/zenodo.597181

    Examples
    --------
    >>> from_sisl(3)
    Traceback (most recent call last):
    ...
    topophys.errors.KindError: Argument `h` must be a Hamiltonian of sisl, but is 3.
    """
    _require(h, ("Hk", "orthogonal", "spin", "geometry"), "a Hamiltonian of sisl", "h")
    if getattr(h.spin, "is_polarized", False):
        raise KindError("Argument `h` must be one spin of a polarised Hamiltonian, but is both.")
    lattice = getattr(h.geometry, "lattice", None)
    lattice = h.geometry.sc if lattice is None else lattice  # its name before sisl 0.14
    periodic = tuple(i for i in range(3) if int(lattice.nsc[i]) > 1)
    if not periodic:
        raise KindError("Argument `h` must be periodic, but no direction connects two cells.")

    def values(of: Any) -> Callable[[NDArray[np.float64]], NDArray[np.complex128]]:
        def at(k: NDArray[np.float64]) -> NDArray[np.complex128]:
            full = np.zeros(3)
            full[list(periodic)] = k / (2.0 * np.pi)
            return np.asarray(of(k=full, gauge="cell", format="array"), np.complex128)

        return at

    reach = tuple((int(lattice.nsc[i]) - 1) // 2 for i in periodic)
    found = hoppings_of(values(h.Hk), len(periodic), reach, n_occupied=1)
    made = _made(dict(found.hoppings), n_occupied, lattice.cell, None, periodic)
    made.unit = "eV"
    if h.orthogonal:
        return made
    return GeneralizedHamiltonian(made, hoppings_of(values(h.Sk), len(periodic), reach))


# ---- What they share


def completed(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square matrix of primitive vectors: orthogonal unit vectors are added to (dim, d).

    Shapes: returns (d, d).
    """
    missing = np.linalg.svd(lattice)[2][len(lattice) :]
    return np.concatenate([lattice, missing])


def _require(model: Any, names: tuple[str, ...], kind: str, argument: str = "model") -> None:
    if not all(hasattr(model, name) for name in names):
        raise KindError(f"Argument `{argument}` must be {kind}, but is {_validation.short(model)}.")


def _dense(matrix: Any) -> NDArray[np.complex128]:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, np.complex128)


def _made(
    hoppings: Mapping[tuple[int, ...], NDArray[np.complex128]],
    n_occupied: int | None,
    lattice: ArrayLike | None,
    positions: ArrayLike | None,
    directions: tuple[int, ...],
) -> WannierHamiltonian:
    """Wrap hoppings; a lattice of fewer dimensions is completed with unit vectors."""
    cell = None
    if lattice is not None:
        given = np.asarray(lattice, np.float64)
        cell = np.eye(3)
        cell[: len(given), : given.shape[1]] = given
    where = None if positions is None else np.asarray(positions, np.float64)
    dim = len(next(iter(hoppings)))
    if where is not None and where.shape[-1] != dim:
        where = None
    return WannierHamiltonian(
        hoppings, n_occupied=n_occupied, lattice=cell, positions=where, directions=directions
    )
