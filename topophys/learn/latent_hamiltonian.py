"""Gapped Hamiltonians from learnt features: a latent model, not the Hamiltonian of a material."""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.two_band import PAULI, TwoBandHamiltonian
from topophys.invariants.chern import certify_chern
from topophys.invariants.results import Certificate
from topophys.invariants.winding import certify_winding

__all__ = [
    "CHAIN_PARAMETERS",
    "FACTORS",
    "TWO_BAND_PARAMETERS",
    "FeatureHamiltonian",
    "chain_hoppings",
    "create_hamiltonian_from_features",
    "two_band_hoppings",
]


# ---- Chiral chains

#: Factors of first degree in exp(i k): the hopping range is half of it.
FACTORS: Final = 4
#: Two roots of each factor (logarithm of the radius, angle), and a rotation before each factor
#: and after the last one (four numbers).
CHAIN_PARAMETERS: Final = 4 * FACTORS + 4 * (FACTORS + 1)


def chain_hoppings(
    parameters: Float[Tensor, "batch p"], margin: float
) -> Complex[Tensor, "batch m 2 2"]:
    r"""Coefficients of a block D(k) with singular values from `margin` to 1.

    .. math::
        D(k) = e^{-2ik} V_4 \prod_{j=0}^{3} A_j(k) V_j, \qquad
        A_j = \mathrm{diag}_s \left( \frac{e^{ik} - z_{js}}{1 + |z_{js}|} \right)

    with roots z off the unit circle and V in SU(2). A factor has singular values of at least
    :math:`\tanh(|\ln |z|| / 2)`; the radii are kept so far from 1 that the product of four is at
    least the margin. The winding number is the number of roots inside the circle, minus 4.

    Ref.: L. V. Ahlfors, *Complex Analysis*, McGraw-Hill (1979), chap. 4: the argument principle.
    """
    roots = parameters[:, : 4 * FACTORS].reshape(-1, FACTORS, 2, 2)
    rotations = _rotations(parameters[:, 4 * FACTORS :].reshape(-1, FACTORS + 1, 4))
    least = 2.0 * math.atanh(margin ** (1.0 / FACTORS))
    free = roots[..., 0]
    log_radius = free + torch.copysign(torch.full_like(free, least), free)
    # (e^ik - z) / (1 + |z|), written so that no radius overflows
    lead = torch.sigmoid(-log_radius).unsqueeze(-1)
    constant = -torch.polar(torch.sigmoid(log_radius), roots[..., 1]).unsqueeze(-1)
    # a polynomial of degree 4 is known from its values at five points
    # torch.export traces with fake tensors, which must not enter the cache
    points = _points.__wrapped__ if torch.compiler.is_compiling() else _points
    unit, waves = points(constant.dtype, constant.device)
    value = lead * unit + constant
    factors = value.mT.unsqueeze(-1) * rotations[:, :-1].unsqueeze(2)
    pairs = factors[:, 1::2] @ factors[:, 0::2]
    sampled = rotations[:, -1:] @ (pairs[:, 1] @ pairs[:, 0])
    return (waves @ sampled.flatten(2)).reshape(-1, FACTORS + 1, 2, 2)


@cache
def _points(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Five points on the unit circle, and the matrix from values there to coefficients."""
    n = FACTORS + 1
    angle = torch.arange(n, dtype=torch.float64) * (2.0 * math.pi / n)
    unit = torch.polar(torch.ones_like(angle), angle)
    power = torch.outer(torch.arange(n), torch.arange(n)) % n
    return unit.to(device, dtype), (unit.conj()[power] / n).to(device, dtype)


def _rotations(q: Float[Tensor, "batch j 4"]) -> Complex[Tensor, "batch j 2 2"]:
    """Matrices of SU(2) from quaternions (w, x, y, z) of any length but 0."""
    unit = torch.nn.functional.normalize(q, dim=-1)
    # first row: w + iz and y + ix; second row: minus y + ix, and w - iz
    signs = torch.tensor((1.0, 1.0, 1.0, 1.0, -1.0, 1.0, 1.0, -1.0), dtype=q.dtype, device=q.device)
    entries = unit[..., [0, 3, 2, 1, 2, 1, 0, 3]] * signs
    return torch.view_as_complex(entries.reshape(*q.shape[:-1], 2, 2, 2))


# ---- Two bands

#: Four masses, two amplitudes, a rotation (four numbers) and an origin of k.
TWO_BAND_PARAMETERS: Final = 12
#: Signs of cos kx and cos ky at the time-reversal-invariant momenta, in the order of the masses:
#: (0, 0), (pi, 0), (0, pi), (pi, pi).
MOMENTUM_SIGNS: Final = ((1, 1), (-1, 1), (1, -1), (-1, -1))


def two_band_hoppings(
    parameters: Float[Tensor, "batch p"], margin: float
) -> Complex[Tensor, "batch 9 3"]:
    r"""Coefficients of a d-vector with :math:`|d(k)|` at least `margin`.

    .. math::
        d(k) = O \, (a \sin q_x, \; b \sin q_y, \; g(q)), \qquad q = k - k_0, \qquad
        g = \sum_{s, t = 0, 1} m_{st} \cos^2 \tfrac{q_x - \pi s}{2} \cos^2 \tfrac{q_y - \pi t}{2}

    The masses m are the values of g at the four momenta where both sines vanish; g interpolates
    between them. With :math:`a, b \ge 1` and masses between `margin` and 1 in size, no |d(k)| is
    smaller than `margin`: with e and f the distances of the two squared cosines from 0 or 1 and
    t = e + f - e f, the squared sines sum up to at least 4 t (1 - t) and |g| is at least
    margin - t (1 + margin). The Chern number is half the sum of the signs of the masses, each
    with the sign of its momentum: +, -, -, +. All of -2, ..., 2 are reached.

    Ref.: X.-L. Qi, Y.-S. Wu, S.-C. Zhang, Phys. Rev. B 74, 085308 (2006): the model with masses m +
    2, m, m, m - 2.
    """
    raw, amplitude, rotation, origin = torch.split(parameters, [4, 2, 4, 2], dim=-1)
    mass = torch.copysign(margin + (1.0 - margin) * raw.tanh().abs(), raw)
    signs = torch.tensor(MOMENTUM_SIGNS, dtype=mass.dtype, device=mass.device)
    # coefficients of 1, cos kx, cos ky, cos kx cos ky
    waves = torch.stack([torch.ones_like(signs[:, 0]), signs[:, 0], signs[:, 1], signs.prod(1)])
    flat = mass @ waves.T / 4.0
    slope = 1.0 + torch.sigmoid(amplitude)
    kind_of = torch.complex128 if mass.dtype == torch.float64 else torch.complex64
    d = torch.zeros((len(mass), 3, 3, 3), dtype=kind_of, device=mass.device)
    half = torch.complex(torch.zeros_like(slope), -0.5 * slope)  # sin k = (e^ik - e^-ik) / 2i
    d[:, 2, 1, 0], d[:, 0, 1, 0] = half[:, 0], -half[:, 0]
    d[:, 1, 2, 1], d[:, 1, 0, 1] = half[:, 1], -half[:, 1]
    weight = torch.tensor([0.5, 1.0, 0.5], dtype=mass.dtype, device=mass.device)
    kind = torch.tensor([1, 0, 1], device=mass.device)
    which = kind[:, None] + 2 * kind[None, :]
    d[:, :, :, 2] = flat[:, which] * (weight[:, None] * weight[None, :])
    step = torch.arange(-1.0, 2.0, dtype=mass.dtype, device=mass.device)
    angle = -(origin[:, :1, None] * step[:, None] + origin[:, 1:, None] * step[None, :])
    phase = torch.polar(torch.ones_like(angle), angle)
    moved = (phase[..., None] * d).reshape(-1, 9, 3)
    return moved @ _rotation(rotation).transpose(-1, -2).to(moved.dtype)


def _rotation(q: Float[Tensor, "batch 4"]) -> Float[Tensor, "batch 3 3"]:
    """Rotation matrices from quaternions of any length but 0."""
    w, x, y, z = torch.nn.functional.normalize(q, dim=-1).unbind(-1)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


# ---- Maps from features

ModelType: TypeAlias = Literal["1d_a3", "2d_a"]
#: Numbers that fix a Hamiltonian of each type.
PARAMETERS: Final = {"1d_a3": CHAIN_PARAMETERS, "2d_a": TWO_BAND_PARAMETERS}
#: Lattice vectors of the coefficients.
VECTORS: Final = {
    "1d_a3": np.arange(-2, 3)[:, None],
    "2d_a": np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), -1).reshape(-1, 2),
}


class FeatureHamiltonian(nn.Module):
    r"""Trainable map from features to Bloch Hamiltonians with a gap.

    One linear map takes all features to the parameters of a family that has a gap by
    construction: four-band chiral chains of range 2 ("1d_a3", winding numbers -4 to 4, see
    `chain_hoppings`), or two bands in two dimensions of range 1 ("2d_a", Chern numbers -2 to 2,
    see `two_band_hoppings`). The Hamiltonian is a finite Fourier series, so it is periodic, and
    its hoppings can be handed to the certificates.

    It is differentiable except where the invariant changes. There it jumps: an invariant cannot
    change along a continuous path of gapped Hamiltonians, and the margin keeps the path away from
    the closing. What comes out is a latent variable with a definite invariant. It is not the
    Hamiltonian of the material whose features went in.

    Parameters
    ----------
    n_features : int
        Number of features.
    k_points : int or tuple of two ints, optional
        Grid of `forward`.
    model_type : {"1d_a3", "2d_a"}, optional
        Four-band chains of class AIII, or two-band Hamiltonians of class A.
    margin : float, optional
        Smallest size of a band energy, with energies of order 1; the gap is twice as large.
    seed : int, optional
        Seed of the weights; the global random state is left alone.

    Raises
    ------
    InputError
        If an argument is impossible.

    References
    ----------
    .. [1] C.-K. Chiu, J. C. Y. Teo, A. P. Schnyder, S. Ryu, Rev. Mod. Phys. 88, 035005 (2016).

    Examples
    --------
    >>> make = FeatureHamiltonian(16, k_points=8)
    >>> out = make(torch.randn(3, 16, generator=torch.Generator().manual_seed(0)))
    >>> out["hamiltonian"].shape, out["hoppings"].shape
    (torch.Size([3, 8, 4, 4]), torch.Size([3, 5, 2, 2]))
    """

    def __init__(
        self,
        n_features: int,
        k_points: int | tuple[int, int] = 32,
        model_type: ModelType = "1d_a3",
        *,
        margin: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _validation.one_of(model_type, "model_type", tuple(PARAMETERS))
        if not 0.0 < margin < 1.0:
            raise InputError(f"Argument `margin` must lie between 0 and 1, but is {margin}.")
        self.model_type, self.margin = model_type, float(margin)
        self.grid = _grid(k_points, model_type)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.linear = nn.Linear(
                _validation.positive_int(n_features, "n_features"), PARAMETERS[model_type]
            )
            # features of unit size give parameters of unit size, which reach every invariant
            nn.init.normal_(self.linear.weight, std=1.0 / math.sqrt(n_features))
            nn.init.normal_(self.linear.bias, std=0.1)
        self.waves: Tensor
        self.register_buffer("waves", _waves(model_type, self.grid), persistent=False)

    def forward(self, features: Float[Tensor, "batch f"]) -> dict[str, Tensor]:
        """Make a Hamiltonian from each row of features.

        Parameters
        ----------
        features : tensor of shape (B, n_features)
            Any real numbers.

        Returns
        -------
        dict
            "hamiltonian", complex of shape (B, k, 4, 4) or (B, kx, ky, 2, 2) on the grid of
            `topophys.k_grid`, and "hoppings", complex: D_m of shape (B, 5, 2, 2), m = -2 ... 2,
            or d_R of shape (B, 9, 3), R in {-1, 0, 1}^2 in lexical order.

        Raises
        ------
        ShapeError
            If `features` has other axes.
        """
        hoppings = self.hoppings(features)
        flat = torch.view_as_real(hoppings.contiguous()).reshape(len(features), -1)
        n = 4 if self.model_type == "1d_a3" else 2
        h_k = (flat @ self.waves.to(flat.dtype)).reshape(len(features), *self.grid, n, n, 2)
        return {"hamiltonian": torch.view_as_complex(h_k), "hoppings": hoppings}

    def hoppings(self, features: Float[Tensor, "batch f"]) -> Complex[Tensor, "batch ..."]:
        """Fourier coefficients, as `forward` returns them.

        Parameters
        ----------
        features : tensor of shape (B, n_features)
            Any real numbers.

        Returns
        -------
        complex tensor of shape (B, 5, 2, 2) or (B, 9, 3)
            Coefficients.
        """
        if features.ndim != 2 or features.shape[1] != self.linear.in_features:
            raise ShapeError(
                f"Argument `features` must have shape (B, {self.linear.in_features}), but has"
                f" {tuple(features.shape)}."
            )
        make = chain_hoppings if self.model_type == "1d_a3" else two_band_hoppings
        return make(self.linear(features), self.margin)

    def hamiltonians(
        self, features: Float[Tensor, "batch f"]
    ) -> ChiralHamiltonian | TwoBandHamiltonian:
        """Batch of Hamiltonians with exactly these hoppings, for everything that takes them.

        Parameters
        ----------
        features : tensor of shape (B, n_features)
            Any real numbers.

        Returns
        -------
        ChiralHamiltonian or TwoBandHamiltonian
            In float64.
        """
        with torch.no_grad():
            found: Any = self.hoppings(features).to(torch.complex128).cpu().numpy()
        if self.model_type == "1d_a3":
            return ChiralHamiltonian.from_array(-2, found)
        vectors = [tuple(int(c) for c in v) for v in VECTORS["2d_a"]]
        coefficients = {v: found[:, i] for i, v in enumerate(vectors)}
        return TwoBandHamiltonian(coefficients, hermitian="average")

    def certify(self, features: Float[Tensor, "batch f"]) -> Certificate:
        """Proven invariant of each Hamiltonian.

        Parameters
        ----------
        features : tensor of shape (B, n_features)
            Any real numbers.

        Returns
        -------
        Certificate
            Of winding numbers or Chern numbers.
        """
        made = self.hamiltonians(features)
        return certify_winding(made) if isinstance(made, ChiralHamiltonian) else certify_chern(made)


def _grid(k_points: int | tuple[int, int], model_type: str) -> tuple[int, ...]:
    given = (k_points,) if isinstance(k_points, int) else tuple(k_points)
    dim = 1 if model_type == "1d_a3" else 2
    if len(given) not in {1, dim}:
        raise InputError(
            f"Argument `k_points` must be one number or {dim} for {model_type!r}, but is"
            f" {k_points}."
        )
    points = [_validation.positive_int(n, "k_points") for n in given]
    return tuple(points * dim if len(points) == 1 else points)


def _waves(model_type: str, grid: tuple[int, ...]) -> Tensor:
    """Real matrix from hoppings to Bloch matrices: the Fourier sum is linear."""
    vectors = VECTORS[model_type]
    k = k_grid(grid).reshape(-1, len(grid))
    wave = np.exp(1j * k @ vectors.T)  # (points, M)
    size, inner = (4, 4) if model_type == "1d_a3" else (2, 3)
    n_wave = len(vectors)
    rows = np.zeros((n_wave, inner, 2, len(k), size, size), np.complex128)
    for part, unit in enumerate((1.0, 1j)):
        for i in range(inner):
            block = _unit(model_type, i)
            upper = unit * wave.T[:, :, None, None] * block
            if model_type == "1d_a3":
                upper = upper + np.conj(np.swapaxes(upper, -1, -2))
            else:
                upper = 0.5 * (upper + np.conj(np.swapaxes(upper, -1, -2)))
            rows[:, i, part] = upper
    flat = np.ascontiguousarray(rows).reshape(n_wave * inner * 2, -1)
    return torch.from_numpy(flat.view(np.float64)).float()


def _unit(model_type: str, i: int) -> np.ndarray:
    if model_type == "2d_a":
        return np.asarray(PAULI[i], np.complex128)
    block = np.zeros((4, 4), np.complex128)
    block[i // 2, 2 + i % 2] = 1.0
    return block


@lru_cache(maxsize=32)
def _shared(n_features: int, k_points: int, model_type: ModelType) -> FeatureHamiltonian:
    made = FeatureHamiltonian(n_features, k_points, model_type)
    return made.requires_grad_(requires_grad=False)


def create_hamiltonian_from_features(
    features: Float[Tensor, "batch f"], k_points: int = 32, model_type: ModelType = "1d_a3"
) -> Complex[Tensor, "batch ..."]:
    """Gapped Bloch Hamiltonians from features, by a map with fixed weights.

    The same features give the same Hamiltonians at every call. To train the map, or for the
    hoppings and the proven invariants, use `FeatureHamiltonian`. The result is a latent model and
    not the Hamiltonian of a material.

    Parameters
    ----------
    features : tensor of shape (B, F)
        Any real numbers; gradients flow back to them.
    k_points : int, optional
        Number of k points (along each direction).
    model_type : {"1d_a3", "2d_a"}, optional
        Four-band chains of class AIII, or two-band Hamiltonians of class A.

    Returns
    -------
    complex tensor of shape (B, k, 4, 4) or (B, k, k, 2, 2)
        Bloch matrices on the grid of `topophys.k_grid`, with energies of order 1.

    Raises
    ------
    ShapeError, InputError
        If `features` has other axes, or an argument is impossible.

    Examples
    --------
    >>> h_k = create_hamiltonian_from_features(torch.ones(2, 10), k_points=8, model_type="2d_a")
    >>> h_k.shape, bool(torch.allclose(h_k, h_k.mH))
    (torch.Size([2, 8, 8, 2, 2]), True)
    """
    if features.ndim != 2:
        raise ShapeError(
            f"Argument `features` must have shape (B, F), but has {tuple(features.shape)}."
        )
    _validation.one_of(model_type, "model_type", tuple(PARAMETERS))
    points = _validation.positive_int(k_points, "k_points")
    make = _shared(features.shape[1], points, model_type)
    made: Tensor = make.to(features.device)(features.float())["hamiltonian"]
    return made
