"""Exact local physics at points, links and plaquettes, and control quantities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Complex, Float
from numpy.typing import NDArray

from topophys._typing import is_block_like
from topophys.errors import InputError, KindError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.invariants.berry import berry_flux_from_d
from topophys.invariants.winding import winding_angle, winding_steps

__all__ = [
    "TARGETS",
    "Sampled",
    "Target",
    "cumulative_winding",
    "curl_features",
    "difference_features",
    "exact_targets",
    "fold_d",
    "permanent",
    "scrambled",
    "solid_angle",
    "window_sums",
    "wrapped_steps",
]


# ---- Exact forms


def difference_features(x: Float[np.ndarray, "samples k c"]) -> Float[np.ndarray, "samples k f"]:
    r"""Exact differences of all quadratic functions of the input at a point.

    .. math:: f(k_{j+1}) - f(k_j), \qquad f \in \{ x_a, \; x_a x_b \}

    Adding any of them to a density on links leaves its sum over the Brillouin zone unchanged. The
    functions must be local: every field that sums to zero is the difference of some function of all
    points.
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
    """
    parts = []
    for axis in (1, 2):
        ahead = np.roll(x, -1, axis=axis)
        pairs = np.einsum("...a,...b->...ab", x, ahead)
        first, second = np.triu_indices(x.shape[-1], 1)
        antisymmetric = pairs[..., first, second] - pairs[..., second, first]
        weights = _monomials(0.5 * (x + ahead), degree)
        weighted = np.einsum("...p,...t->...pt", weights[..., 1:], antisymmetric)
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
    """
    for axis in range(1, value.ndim - 1):
        shape = (*value.shape[:axis], value.shape[axis] // width, width, *value.shape[axis + 1 :])
        value = value.reshape(shape).sum(axis + 1)
    return value


# ---- Control quantities

T = TypeVar("T")


def permanent(block: Complex[np.ndarray, "... n n"]) -> Complex[np.ndarray, "..."]:
    r"""Permanent of square blocks: the determinant without its signs.

    .. math:: \mathrm{perm}\, D = \sum_\sigma \prod_i D_{i \sigma(i)}

    A quadratic form of a 2 x 2 block like the determinant, but it may vanish on a gapped chain:
    its phase is unrelated to the winding number.
    """
    n = block.shape[-1]
    if n > 6:
        raise InputError(f"Argument `block` must be at most 6 x 6, but is {n} x {n}.")
    terms = (block[..., range(n), order].prod(-1) for order in permutations(range(n)))
    total: NDArray[np.complex128] = sum(terms, np.zeros(block.shape[:-2], np.complex128))
    return total


def wrapped_steps(angle: Float[np.ndarray, "samples n"]) -> Float[np.ndarray, "samples n"]:
    """Change of an angle from each k point to the next, around the zone."""
    step = np.roll(angle, -1, axis=1) - angle
    return np.asarray((step + np.pi) % (2.0 * np.pi) - np.pi)


def cumulative_winding(steps: Float[np.ndarray, "samples n"]) -> Float[np.ndarray, "samples n"]:
    """Cumulative winding after each link, from the first k point."""
    return np.asarray(np.cumsum(steps, axis=1) / (2.0 * np.pi))


def solid_angle(d: Float[np.ndarray, "samples nx ny 3"]) -> Float[np.ndarray, "samples nx ny"]:
    r"""Signed solid angle that unit d-vectors sweep over each plaquette.

    .. math:: \tan\frac{\Omega}{2} = \frac{a \cdot (b \times c)}{1 + a\cdot b + b\cdot c + c\cdot a}

    summed over the two triangles of the plaquette. Where both are small it is twice the Berry flux
    of the lower band.

    Ref.: A. Van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. BME-30, 125 (1983).
    """
    right, above = np.roll(d, -1, axis=1), np.roll(d, -1, axis=2)
    across = np.roll(right, -1, axis=2)
    return _triangle(d, right, across) + _triangle(d, across, above)


def _triangle(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64]
) -> NDArray[np.float64]:
    volume = (a * np.cross(b, c)).sum(-1)
    rest = 1.0 + (a * b).sum(-1) + (b * c).sum(-1) + (c * a).sum(-1)
    return np.asarray(2.0 * np.arctan2(volume, rest))


def fold_d(d: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    """Reflect d-vectors into the upper half space.

    The flux of the result is as local and as large as the true one, but its sum is always 0.
    """
    return np.concatenate([d[..., :2], np.abs(d[..., 2:])], axis=-1)


def scrambled(H: T) -> T:
    """Hamiltonians with the coefficients of the given ones on other lattice vectors.

    A chain has its coefficients rotated by one, D_(n+1) at n and the lowest at the highest, so
    that the reach stays the same; a two-band Hamiltonian has those of all R > 0 moved on by one.
    """
    if isinstance(H, ChiralHamiltonian):
        lowest, _ = H.block_range
        order = np.roll(np.arange(H.block_amplitudes.shape[-3]), -1)
        moved: object = ChiralHamiltonian.from_array(lowest, H.block_amplitudes[..., order, :, :])
    elif isinstance(H, TwoBandHamiltonian):
        vectors = [tuple(v) for v in H.d_vectors.tolist()]
        later = [m for m, v in enumerate(vectors) if v > tuple(-x for x in v)]
        source = dict(zip(later, later[1:] + later[:1], strict=True))
        amplitudes = H.d_amplitudes
        d = {vectors[m]: amplitudes[..., source.get(m, m), :] for m in later}
        d |= {v: amplitudes[..., m, :] for m, v in enumerate(vectors) if not any(v)}
        moved = TwoBandHamiltonian(d)
    else:
        raise InputError(
            "Argument `H` must be a ChiralHamiltonian or TwoBandHamiltonian, but is a"
            f" {type(H).__name__}."
        )
    return moved  # type: ignore[return-value]  # of the type of H by construction


# ---- Targets

Array: TypeAlias = NDArray[np.float64]
Place: TypeAlias = Literal["points", "links", "plaquettes"]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Hamiltonians, and their flattened blocks or d-vectors on a grid, in double precision."""

    hamiltonians: object  # A batch of S
    grid: tuple[int, ...]  # numbers of k points

    @property
    def kind(self) -> str:
        """Kind of the data: "winding" or "chern"."""
        return "winding" if is_block_like(self.hamiltonians) else "chern"

    def raw(self) -> NDArray[np.complex128]:
        """Blocks as they are, of shape (S, N, n, n)."""
        return np.asarray(self.hamiltonians.block_on_grid(self.grid[0]))  # type: ignore[attr-defined]  # narrowed by `kind`

    def block(self) -> NDArray[np.complex128]:
        """Polar factors of the blocks, of shape (S, N, n, n)."""
        return flatten_block(self.raw())

    def d(self) -> Array:
        """Return the unit d-vectors, of shape (S, Nx, Ny, 3)."""
        return flatten_d(self.hamiltonians.d_on_grid(self.grid))  # type: ignore[attr-defined]  # narrowed by `kind`

    def scrambled(self) -> Sampled:
        """Put the same coefficients on other lattice vectors."""
        return Sampled(scrambled(self.hamiltonians), self.grid)


@dataclass(frozen=True)
class Target:
    """A quantity that a layer may encode.

    Attributes
    ----------
    name, text : str
        Key of `TARGETS`, and what it is.
    kind : {"winding", "chern"}
        Data it is defined for.
    place : {"points", "links", "plaquettes"}
        Where it lives.
    of : callable
        From `Sampled` to an array of shape (S, *grid, T).
    angle : bool
        Whether it is defined modulo 2 pi.
    control : bool
        Whether no invariant depends on it.
    """

    name: str
    text: str
    kind: str
    place: Place
    of: Callable[[Sampled], Array]
    angle: bool = False
    control: bool = False


def exact_targets(
    H: object, names: Iterable[str], *, grid: int | tuple[int, ...]
) -> dict[str, Float[np.ndarray, "samples *places t"]]:
    r"""Exact local quantities of a batch of Hamiltonians, from their hoppings.

    Links and plaquettes carry the index of the k point they start from: the link j leads from
    :math:`k_j` to :math:`k_{j+1}`, and the plaquette k has its lower left corner at k.

    Parameters
    ----------
    H : ChiralHamiltonian or TwoBandHamiltonian
        A batch of S Hamiltonians.
    names : iterable of str
        Keys of `TARGETS`.
    grid : int or tuple of int
        Numbers of k points, N or (N,) or (Nx, Ny); one number for a plane means (N, N).

    Returns
    -------
    dict of float64 ndarray of shape (S, *grid, T)
        By name.

    Raises
    ------
    InputError
        If a name is unknown, or `H` is not a batch.
    KindError
        If a quantity is not defined for these Hamiltonians.
    GaplessError
        If a gap closes on the grid.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005), for the flux.

    Examples
    --------
    >>> import topophys as tp
    >>> chains = tp.models.ssh([1.0, 2.0], [2.0, 1.0])
    >>> found = exact_targets(chains, ["dalpha", "cumulative_winding"], grid=(24,))
    >>> found["dalpha"].shape, np.round(found["cumulative_winding"][:, -1, 0], 9) + 0.0
    ((2, 24, 1), array([1., 0.]))
    """
    if len(getattr(H, "batch_shape", ())) != 1:
        raise InputError(
            "Argument `H` must be a batch of Hamiltonians with one batch axis, but has batch shape"
            f" {getattr(H, 'batch_shape', None)}."
        )
    points = grid if isinstance(grid, tuple) else (grid,) * (1 if is_block_like(H) else 2)
    sampled = Sampled(H, points)
    found = {}
    for name in names:
        if name not in TARGETS:
            raise InputError(
                f"Argument `names` must hold known quantities ({', '.join(TARGETS)}), but has"
                f" {name!r}."
            )
        target = TARGETS[name]
        if target.kind != sampled.kind:
            raise KindError(
                f"Quantity {name!r} is one of {target.kind!r} data, but `H` is of kind"
                f" {sampled.kind!r}."
            )
        found[name] = target.of(sampled)
    return found


def _column(value: Array) -> Array:
    return value[..., None]


def _circle(angle: Array) -> Array:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _parts(value: NDArray[np.complex128]) -> Array:
    return np.stack([value.real, value.imag], axis=-1)


def _entries(s: Sampled) -> Array:
    block = np.ascontiguousarray(s.block())
    return block.reshape(*block.shape[:2], -1).view(np.float64)


def _unwrapped(s: Sampled) -> Array:
    return np.unwrap(winding_angle(s.block()), axis=1)


_W: Final = "winding"
_C: Final = "chern"
_LIST: Final = (
    Target("cos_sin_alpha", "cos alpha, sin alpha", _W, "points",
           lambda s: _circle(winding_angle(s.block()))),
    Target("alpha", "alpha = arg det D, modulo 2 pi", _W, "points",
           lambda s: _column(winding_angle(s.block())), angle=True),
    Target("alpha_unwrapped", "alpha, continued from k = -pi", _W, "points",
           lambda s: _column(_unwrapped(s))),
    Target("det", "Re det D, Im det D, not flattened", _W, "points",
           lambda s: _parts(np.linalg.det(s.raw()))),
    Target("entries", "entries of D, flattened", _W, "points", _entries),
    Target("dalpha", "dalpha", _W, "links", lambda s: _column(winding_steps(s.block()))),
    Target("cumulative_winding", "sum of dalpha / 2 pi from k = -pi", _W, "links",
           lambda s: _column(cumulative_winding(winding_steps(s.block())))),
    Target("cos_sin_permanent", "cos, sin of the phase of perm D", _W, "points",
           lambda s: _circle(np.angle(permanent(s.block()))), control=True),
    Target("dpermanent", "step of the phase of perm D", _W, "links",
           lambda s: _column(wrapped_steps(np.angle(permanent(s.block())))), control=True),
    Target("dalpha_scrambled", "dalpha of permuted hoppings", _W, "links",
           lambda s: _column(winding_steps(s.scrambled().block())), control=True),
    Target("d", "components of d, of length 1", _C, "points", lambda s: s.d()),
    Target("flux", "F", _C, "plaquettes", lambda s: _column(berry_flux_from_d(s.d()))),
    Target("solid_angle", "solid angle of d over the plaquette", _C, "plaquettes",
           lambda s: _column(solid_angle(s.d()))),
    Target("flux_folded", "F of (dx, dy, |dz|)", _C, "plaquettes",
           lambda s: _column(berry_flux_from_d(fold_d(s.d()))), control=True),
    Target("flux_scrambled", "F of permuted hoppings", _C, "plaquettes",
           lambda s: _column(berry_flux_from_d(s.scrambled().d())), control=True),
)  # fmt: skip
#: Quantities by name.
TARGETS: Final[Mapping[str, Target]] = {target.name: target for target in _LIST}
