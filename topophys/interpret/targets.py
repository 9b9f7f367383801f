"""Exact local physics at points, links and plaquettes, and quantities that only look like it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from topophys._typing import is_block_like
from topophys.errors import InputError, KindError
from topophys.hamiltonians.flatten import flatten_block, flatten_d
from topophys.interpret.fields import (
    cumulative_winding,
    fold_d,
    permanent,
    scrambled,
    solid_angle,
    wrapped_steps,
)
from topophys.invariants.berry import berry_flux_from_d
from topophys.invariants.winding import winding_angle, winding_steps

__all__ = ["TARGETS", "Sampled", "Target", "exact_targets"]

Array: TypeAlias = NDArray[np.float64]
Place: TypeAlias = Literal["points", "links", "plaquettes"]


@dataclass(frozen=True, eq=False)
class Sampled:
    """Hamiltonians, and their flattened blocks or d-vectors on a grid, in double precision.

    Attributes
    ----------
    hamiltonians : ChiralHamiltonian or TwoBandHamiltonian
        A batch of S.
    grid : tuple of int
        Numbers of k points.
    """

    hamiltonians: object
    grid: tuple[int, ...]

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
    """A quantity that a layer may hold.

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
    H: object, names: Iterable[str], *, grid: tuple[int, ...]
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
    grid : tuple of int
        Numbers of k points, (N,) or (Nx, Ny).

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
    sampled = Sampled(H, grid)
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
