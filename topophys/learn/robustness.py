"""Balls of chains on which the label and the answer of a network are proven not to change."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from topophys import _validation
from topophys._random import as_generator
from topophys.errors import InputError
from topophys.grids import k_grid
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.invariants.gap import certify_gap
from topophys.invariants.results import Certificate
from topophys.invariants.winding import certify_winding
from topophys.learn.encoders.chain import TopologicalMLEncoder
from topophys.learn.layers import GatedLinear, flatten_channels

if TYPE_CHECKING:
    from topophys.learn.run import Run

__all__ = ["Robustness", "attack_chains", "certify_robustness"]

#: Where the derivative of GELU is largest, and its largest and smallest values.
TURN: Final = math.sqrt(2.0)
#: Error of double precision in the bounds, many times over.
ROUNDING: Final = 1e-9
#: Share of the gap that is proven, at least.
TIGHT: Final = 0.98
#: Halvings of the largest radius.
HALVINGS: Final = 24


@dataclass(frozen=True, eq=False)
class Robustness:
    """What is proven about a network around each chain of a batch.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Integer that the network predicts for the chain itself.
    radius : float64 ndarray of shape (...)
        Every chain whose hoppings differ by less, in the sum of Frobenius norms over the hopping
        distances, has the same proven winding number, and the network predicts it; 0 where the
        network is wrong or the label is not proven.
    label_radius : float64 ndarray of shape (...)
        Radius on which the label alone is proven constant: half of the proven gap.
    certificate : Certificate
        Proof of the labels.
    """

    value: Int[np.ndarray, "..."]
    radius: Float[np.ndarray, "..."]
    label_radius: Float[np.ndarray, "..."]
    certificate: Certificate

    def accuracy_at(self, radius: float) -> float:
        """Share of chains on whose ball of this radius the network is proven right.

        Parameters
        ----------
        radius : float
            Radius of the ball; 0 asks for the chains themselves.

        Returns
        -------
        float
            Certified accuracy.
        """
        right = np.asarray(self.radius > 0.0)
        return float((right & (self.radius >= radius)).mean())


def certify_robustness(
    network: Run | TopologicalMLEncoder, chains: ChiralHamiltonian, *, grid: int = 32
) -> Robustness:
    r"""Prove on which ball around each chain a network predicts the right winding number.

    The ball holds all chains with :math:`\sum_m \|\delta D_m\|_F \le \epsilon`, so that
    :math:`\|\delta D(k)\|_F \le \epsilon` at each k. Inside, the winding number is constant as long
    as :math:`\epsilon` is below half of the proven gap. The polar factors at the k points move by
    at most [1]_

    .. math:: \|\delta U_j\|_F \le \rho_j = \frac{2 \epsilon}{2 \sigma_j - \epsilon}

    with the smallest singular value :math:`\sigma_j` of :math:`D(k_j)`, and the output of the
    network, by the mean value theorem on the product of these balls, by at most

    .. math:: |\delta f| \le \sum_j \rho_j \sup \|\partial f / \partial U_j\|_F

    where the supremum is bounded by interval arithmetic through the layers and their derivatives.
    The radius is the largest one found by bisection for which the output stays within 1/2 of the
    label. Bounds hold for the network in double precision, with a margin for rounding, not with
    directed rounding.

    Parameters
    ----------
    network : Run or TopologicalMLEncoder
        Network with gated layers, one on each point and one on each link, that flattens its input.
    chains : ChiralHamiltonian
        Chains with the number of orbitals that the network reads.
    grid : int, optional
        Number of k points that the network is shown.

    Returns
    -------
    Robustness
        Predictions, radii and proofs, of shape (...).

    Raises
    ------
    InputError
        If the network has other layers, or reads other blocks.

    References
    ----------
    .. [1] R.-C. Li, SIAM J. Matrix Anal. Appl. 16, 327 (1995).
    .. [2] S. Gowal et al., Proc. ICCV, 4841 (2019).

    Examples
    --------
    >>> import topophys as tp
    >>> torch.manual_seed(0)
    <torch._C.Generator object at ...>
    >>> chains = tp.ensembles.aiii_chains(3, min_gap=0.3, rng=1)
    >>> found = certify_robustness(TopologicalMLEncoder(8, hidden_dims=(4, 4, 6)), chains)
    >>> bool((found.radius <= found.label_radius).all())
    True
    """
    encoder = _checked_encoder(network, chains)
    n = _validation.positive_int(grid, "grid")
    proof = certify_winding(chains)
    open_gap = certify_gap(chains, tightness=TIGHT)
    batch = np.shape(proof.value)
    label = torch.from_numpy(np.ma.getdata(proof.value).astype(np.float64).reshape(-1))
    sure = np.asarray(proof.certified & open_gap.certified).reshape(-1)
    gap = np.where(sure, np.asarray(open_gap.gap_lower).reshape(-1), 0.0)
    size = chains.block_amplitudes.shape[-1]
    blocks = chains.block_on_grid(n).reshape(-1, n, size, size)
    value = np.empty(len(label), np.int64)
    radius = np.zeros(len(label))
    for rows in torch.split(torch.arange(len(label)), 256):
        part = torch.from_numpy(np.ascontiguousarray(blocks[rows.numpy()]))
        real, found = _radii(encoder, part, label[rows], torch.from_numpy(gap[rows.numpy()]))
        value[rows.numpy()], radius[rows.numpy()] = real, found
    return Robustness(
        value.reshape(batch), radius.reshape(batch), (0.5 * gap).reshape(batch), proof
    )


def _checked_encoder(
    network: Run | TopologicalMLEncoder, chains: ChiralHamiltonian
) -> TopologicalMLEncoder:
    """Network in double precision, if its layers are those that are understood here."""
    encoder = getattr(network, "encoder", network)
    if not isinstance(encoder, TopologicalMLEncoder):
        raise InputError(
            "Argument `network` must hold a TopologicalMLEncoder, but is a"
            f" {type(encoder).__name__}."
        )
    wanted = {"gated": True, "flatten": True, "upsample": 1, "point_layers": 1, "link_layers": 1}
    for name, setting in wanted.items():
        if encoder.settings[name] != setting:
            raise InputError(
                f"Argument `network` must have `{name}={setting}`, but has"
                f" {encoder.settings[name]}: bounds of other layers are not known."
            )
    size = chains.block_amplitudes.shape[-1]
    if encoder.settings["input_dim"] != 2 * size * size:
        raise InputError(
            f"Argument `chains` must have blocks of {encoder.settings['input_dim']} real numbers,"
            f" which the network reads, but they have {2 * size * size}."
        )
    return copy.deepcopy(encoder).double().cpu().eval()


# --------------------------------------------------------------------------- Interval arithmetic


class _Interval(NamedTuple):
    """Centres and radii of intervals."""

    middle: Tensor
    radius: Tensor

    def __matmul__(self, weight: Tensor) -> _Interval:
        """Values of a linear map with rows `weight`."""
        return _Interval(self.middle @ weight.T, self.radius @ weight.abs().T)

    def plus(self, other: _Interval | Tensor) -> _Interval:
        """Sum, with an interval or a constant."""
        if isinstance(other, _Interval):
            return _Interval(self.middle + other.middle, self.radius + other.radius)
        return _Interval(self.middle + other, self.radius)

    def times(self, other: _Interval) -> _Interval:
        """Product of two intervals."""
        return _Interval(
            self.middle * other.middle,
            self.middle.abs() * other.radius
            + self.radius * other.middle.abs()
            + self.radius * other.radius,
        )

    def rolled(self, shift: int) -> _Interval:
        """Intervals of the neighbours along the zone."""
        return _Interval(self.middle.roll(shift, 1), self.radius.roll(shift, 1))


def _slope(s: Tensor) -> Tensor:
    """Differentiate GELU."""
    density = torch.exp(-0.5 * s * s) / math.sqrt(2.0 * math.pi)
    return 0.5 * (1.0 + torch.erf(s / TURN)) + s * density


def _slopes(s: _Interval) -> _Interval:
    """Range of the derivative of GELU, which turns at +-sqrt(2) only."""
    low, high = s.middle - s.radius, s.middle + s.radius
    ends = torch.stack([_slope(low), _slope(high)])
    least, most = ends.amin(0), ends.amax(0)
    top, bottom = _slope(torch.tensor(TURN).to(s.middle)), _slope(torch.tensor(-TURN).to(s.middle))
    most = torch.where((low <= TURN) & (high >= TURN), top, most)
    least = torch.where((low <= -TURN) & (high >= -TURN), bottom, least)
    return _Interval(0.5 * (least + most), 0.5 * (most - least) + ROUNDING)


def _gradient_bound(encoder: TopologicalMLEncoder, flat: Tensor, rho: Tensor) -> Tensor:
    """Bounds (B, N) of the gradient at each point, on balls of radius rho around `flat`."""
    with torch.no_grad():
        point, link = encoder.point, encoder.link
        assert isinstance(point, GatedLinear)
        assert isinstance(link, GatedLinear)
        first = [w.chunk(2) for w in (point.pair.weight, point.pair.bias)]
        reach = rho[..., None]
        # on a ball a row of weights moves by its length at most
        sides = [
            _Interval(flat @ w.T + b, reach * w.norm(dim=1)) for w, b in zip(*first, strict=True)
        ]
        h1 = sides[0].times(sides[1])
        if encoder.settings["keep_input"]:
            h1 = _Interval(
                torch.cat([flat, h1.middle], -1),
                torch.cat([reach.expand_as(flat), h1.radius], -1),
            )
        ahead = h1.rolled(-1)
        pairs = _Interval(*(torch.cat(both, -1) for both in zip(h1, ahead, strict=True)))
        second = [w.chunk(2) for w in (link.pair.weight, link.pair.bias)]
        left, right = (pairs.__matmul__(w).plus(b) for w, b in zip(*second, strict=True))
        s = left.times(right).__matmul__(encoder.density.weight).plus(encoder.density.bias)
        readout = encoder.head.readout.weight[0] @ encoder.project.weight
        slope = _slopes(s)
        g = _Interval(slope.middle * readout, slope.radius * readout.abs())
        g = g.__matmul__(encoder.density.weight.T)
        (w_left, w_right), _ = second
        back = g.times(right).__matmul__(w_left.T).plus(g.times(left).__matmul__(w_right.T))
        width = h1.middle.shape[-1]
        own = _Interval(back.middle[..., :width], back.radius[..., :width])
        other = _Interval(back.middle[..., width:], back.radius[..., width:]).rolled(1)
        g = own.plus(other)
        direct = flat.shape[-1] if encoder.settings["keep_input"] else 0
        through = _Interval(g.middle[..., direct:], g.radius[..., direct:])
        (w_left, w_right), _ = first
        down = through.times(sides[1]).__matmul__(w_left.T)
        down = down.plus(through.times(sides[0]).__matmul__(w_right.T))
        if direct:
            down = down.plus(_Interval(g.middle[..., :direct], g.radius[..., :direct]))
        largest = down.middle.abs() + down.radius
        length: Tensor = torch.linalg.vector_norm(largest, dim=-1)
        return length * (1.0 + ROUNDING)


def _radii(
    encoder: TopologicalMLEncoder, blocks: Tensor, label: Tensor, gap: Tensor
) -> tuple[Int[np.ndarray, " B"], Float[np.ndarray, " B"]]:
    """Predictions and radii of a batch of blocks (B, N, n, n)."""
    x = torch.view_as_real(blocks).reshape(*blocks.shape[:2], -1)
    flat = flatten_channels(x)
    sigma = torch.linalg.svdvals(blocks)[..., -1]
    with torch.no_grad():
        real = encoder(x)["invariant"]
    margin = 0.5 - (real - label).abs() - ROUNDING
    largest = torch.minimum(0.5 * gap, sigma.amin(1)) * (1.0 - ROUNDING)
    good = (margin > 0.0) & (largest > 0.0)

    def holds(radius: Tensor) -> Bool[Tensor, " B"]:
        epsilon = radius[:, None]
        rho = 2.0 * epsilon / (2.0 * sigma - epsilon).clamp_min(1e-300)
        moved = (_gradient_bound(encoder, flat, rho) * rho).sum(1) * (1.0 + ROUNDING)
        return torch.logical_and(good, moved < margin)

    low, high = torch.zeros_like(largest), largest.clone()
    low = torch.where(holds(high), high, low)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        inside = holds(middle)
        low = torch.where(inside, torch.maximum(low, middle), low)
        high = torch.where(inside, high, middle)
    low = torch.where(good, low, 0.0)
    return real.round().long().numpy(), low.numpy()


# --------------------------------------------------------------------------------------- Attack


def attack_chains(
    network: Run | TopologicalMLEncoder,
    chains: ChiralHamiltonian,
    radius: float | Float[np.ndarray, " batch"],
    *,
    grid: int = 32,
    steps: int = 40,
    rng: np.random.Generator | int | None = 0,
) -> Int[np.ndarray, " batch"]:
    r"""Look for chains near given ones for which a network predicts another integer.

    Projected gradient ascent [1]_ on the hoppings moves the output of the network up, and down,
    within :math:`\sum_m \|\delta D_m\|_F \le \epsilon`, from a random start and from the chain.

    Parameters
    ----------
    network : Run or TopologicalMLEncoder
        As for `certify_robustness`.
    chains : ChiralHamiltonian
        Batch of shape (B,).
    radius : float or float array of shape (B,)
        Radius of the balls.
    grid : int, optional
        Number of k points that the network is shown.
    steps : int, optional
        Steps of each ascent.
    rng : numpy.random.Generator or int, optional
        Source of the random starts.

    Returns
    -------
    int64 ndarray of shape (B,)
        Integer predicted for the chain that was found: another one than for the chain itself
        where the attack succeeded.

    Raises
    ------
    InputError
        If the network has other layers, or a radius is negative.

    References
    ----------
    .. [1] A. Madry et al., Proc. ICLR (2018).

    Examples
    --------
    >>> import topophys as tp
    >>> torch.manual_seed(0)
    <torch._C.Generator object at ...>
    >>> chains = tp.ensembles.aiii_chains(3, min_gap=0.3, rng=1)
    >>> attack_chains(TopologicalMLEncoder(8, hidden_dims=(4, 4, 6)), chains, 0.0).shape
    (3,)
    """
    encoder = _checked_encoder(network, chains)
    n = _validation.positive_int(grid, "grid")
    first, _ = chains.block_range
    amplitudes = torch.from_numpy(np.array(chains.block_amplitudes, np.complex128))
    most = torch.as_tensor(np.broadcast_to(radius, len(amplitudes)).copy(), dtype=torch.float64)
    if not bool((most >= 0.0).all()):
        raise InputError(f"Argument `radius` must not be negative, but is {radius}.")
    orders = torch.arange(first, first + amplitudes.shape[1], dtype=torch.float64)
    wave = torch.exp(1j * torch.outer(torch.from_numpy(k_grid(n)[:, 0]), orders))

    def output(moved: Tensor) -> Tensor:
        blocks = torch.einsum("km,bmij->bkij", wave, moved)
        x = torch.view_as_real(blocks).reshape(*blocks.shape[:2], -1)
        result: Tensor = encoder(x)["invariant"]
        return result

    def inside(delta: Tensor) -> Tensor:
        size = delta.abs().square().sum((-2, -1)).sqrt().sum(1)
        return delta * (most / size.clamp_min(1e-300)).clamp(max=1.0)[:, None, None, None]

    with torch.no_grad():
        start = output(amplitudes)
    found = start.clone()
    generator = as_generator(rng)
    for direction in (1.0, -1.0):
        for random in (False, True):
            noise = generator.standard_normal((*amplitudes.shape, 2)).view(np.complex128)[..., 0]
            delta = inside(torch.from_numpy(noise) * float(random))
            for _ in range(steps):
                delta = delta.detach().requires_grad_()
                (gradient,) = torch.autograd.grad(
                    direction * output(amplitudes + delta).sum(), delta
                )
                size = gradient.abs().square().sum((-3, -2, -1)).sqrt().clamp_min(1e-300)
                step = 0.25 * (most / size)[:, None, None, None] * gradient
                delta = inside(delta.detach() + step)
                with torch.no_grad():
                    reached = output(amplitudes + delta)
                farther = (reached - start.round()).abs() > (found - start.round()).abs()
                found = torch.where(farther, reached, found)
    return found.round().long().numpy()
