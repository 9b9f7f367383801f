"""Candidates of the flip network: the most doubtful phases of a sampled formula, with features."""

from __future__ import annotations

import math
from collections.abc import Sequence, Sized
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from topophys.errors import ShapeError
from topophys.learn.layers import flatten_channels, upsample_periodic

__all__ = [
    "Candidates",
    "Layout",
    "chain_candidates",
    "denoised",
    "flatness",
    "kramers_lines",
    "mirror_pairs",
    "of_unit_size",
    "pfaffian",
    "plane_candidates",
    "polar_factors",
    "require_labels",
    "smallest_gaps",
    "standardize",
    "time_reversed_mean",
]

#: Keeps logarithms finite.
FLOOR: Final = 1e-4
#: Noise below which nothing is filtered: rounding to single precision, and tails of flat bands.
NOISELESS: Final = 1e-4


class Layout(NamedTuple):
    """Order of the features: numbers of those without a side, and of those on each side."""

    middle: int
    side: int

    @property
    def size(self) -> int:
        """Number of features."""
        return self.middle + 2 * self.side

    @property
    def mirror(self) -> list[int]:
        """Positions of the features of the candidate seen in a mirror."""
        left = range(self.middle, self.middle + self.side)
        right = range(self.middle + self.side, self.size)
        return [*range(self.middle), *right, *left]


class Candidates(NamedTuple):
    """Doubtful phases of a batch of Hamiltonians.

    Features (B, K, F), signs of the phases (B, K), the integers of the formula (B,), and of planes
    the numbers (B, K) of their plaquettes on the finer grid.
    """

    features: Tensor
    sign: Tensor
    base: Tensor
    cell: Tensor | None = None


# ------------------------------------------------------------------- Eigenphases of small unitaries

#: Shift of the branch of the Cayley transform away from -1, where the doubtful phases are.
SHIFT: Final = 0.1


def eigenphases(unitary: Tensor) -> tuple[Tensor, Tensor]:
    r"""Eigenphases in (-pi, pi], and eigenvectors as columns, of unitary matrices.

    With :math:`M = e^{-ic} U` the Hermitian matrix :math:`i (1 - M)(1 + M)^{-1}` has the same
    eigenvectors and the eigenvalues :math:`\tan((\theta - c)/2)`.
    """
    # unitary of (..., n, n) -> (..., n), (..., n, n)
    n = unitary.shape[-1]
    if n == 1:
        return unitary[..., 0, :].angle(), torch.ones_like(unitary)
    if n == 2:
        return _eigenphases_two(unitary)
    eye = torch.eye(n, dtype=unitary.dtype, device=unitary.device)
    moved = unitary * complex(math.cos(SHIFT), -math.sin(SHIFT))
    solved, _ = torch.linalg.solve_ex(eye + moved, eye - moved)
    cayley = torch.nan_to_num(1j * solved, nan=0.0, posinf=1e12, neginf=-1e12)
    value, vector = torch.linalg.eigh(0.5 * (cayley + cayley.mH))
    theta = 2.0 * torch.atan(value) + SHIFT
    return torch.remainder(theta + math.pi, 2.0 * math.pi) - math.pi, vector


def _eigenphases_two(unitary: Tensor) -> tuple[Tensor, Tensor]:
    a, b = unitary[..., 0, 0], unitary[..., 0, 1]
    c, d = unitary[..., 1, 0], unitary[..., 1, 1]
    mean = 0.5 * (a * d - b * c).angle()
    turned = unitary * torch.polar(torch.ones_like(mean), -mean)[..., None, None]
    # an element of SU(2), cos x + i sin x (n . sigma); its vector part
    x = 0.5 * (turned[..., 0, 1] + turned[..., 1, 0]).imag
    y = 0.5 * (turned[..., 0, 1] - turned[..., 1, 0]).real
    z = 0.5 * (turned[..., 0, 0] - turned[..., 1, 1]).imag
    cosine = 0.5 * (turned[..., 0, 0] + turned[..., 1, 1]).real
    sine = (x * x + y * y + z * z + 1e-300).sqrt()
    angle = torch.atan2(sine, cosine)
    theta = torch.stack([mean + angle, mean - angle], -1)
    theta = torch.remainder(theta + math.pi, 2.0 * math.pi) - math.pi
    x, y, z = x / sine, y / sine, z / sine
    # eigenvector of n . sigma to +1, from the larger of the two columns of 1 + n . sigma
    up = z >= 0.0
    first = torch.where(up, 1.0 + z, x).to(unitary.dtype) - 1j * torch.where(up, 0.0, y)
    second = torch.where(up, x, 1.0 - z).to(unitary.dtype) + 1j * torch.where(up, y, 0.0)
    size = (first.abs().square() + second.abs().square() + 1e-300).sqrt()
    first, second = first / size, second / size
    plus, minus = torch.stack([first, second], -1), torch.stack([-second.conj(), first.conj()], -1)
    return theta, torch.stack([plus, minus], -1)


def polar_factors(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Polar factors, and smallest singular values, of blocks (..., n, n)."""
    n = blocks.shape[-1]
    if n > 2:
        left, sigma, right = torch.linalg.svd(blocks)
        return left @ right, sigma[..., -1]
    channels = torch.view_as_real(blocks).reshape(*blocks.shape[:-2], 2 * n * n)
    flat = flatten_channels(channels).reshape(*blocks.shape, 2)
    unitary = torch.view_as_complex(flat.contiguous())
    if n == 1:
        return unitary, blocks[..., 0, 0].abs()
    weight = blocks.abs().square().sum((-2, -1))
    det = (blocks[..., 0, 0] * blocks[..., 1, 1] - blocks[..., 0, 1] * blocks[..., 1, 0]).abs()
    spread = (weight.square() - 4.0 * det.square()).clamp_min(0.0).sqrt()
    return unitary, (0.5 * (weight - spread)).clamp_min(0.0).sqrt()


def of_unit_size(samples: Tensor) -> Tensor:
    """Scale samples so that their singular values have the root mean square 1."""
    n = samples.shape[-1]
    square = samples.abs().square().sum((-2, -1)).flatten(1).mean(1) / n
    return samples / square.sqrt().reshape(-1, *[1] * (samples.ndim - 1))


def flatness(samples: Tensor) -> Tensor:
    """Root mean square deviation of U^dagger U from 1, for samples (B, ..., n, n)."""
    n = samples.shape[-1]
    off = samples.mH @ samples - torch.eye(n, dtype=samples.dtype, device=samples.device)
    return off.abs().square().flatten(1).mean(1).sqrt()


def denoised(samples: Tensor) -> tuple[Tensor, Tensor]:
    r"""Filter most of the noise out of samples; return its size (B,) too.

    .. math:: \hat x_m \mapsto \frac{(P_m - \sigma^2)_+}{(P_m - \sigma^2)_+ + \sigma^2} \hat x_m

    the Wiener filter with the power P of each harmonic, averaged over m, -m and the entries. The
    variance of the noise is the smaller of two estimates: half the square of the deviation from
    flat bands, and the power of the highest harmonics.
    """
    # samples of (B, N, n, n) or (B, Nx, Ny, n, n)
    dims = list(range(1, samples.ndim - 2))
    wave = torch.fft.fftn(samples, dim=dims, norm="ortho")
    power = wave.abs().square().mean((-2, -1))
    power = 0.5 * (power + power.flip(dims).roll([1] * len(dims), dims))
    order = torch.zeros(power.shape[1:], device=samples.device)
    for axis, n in enumerate(power.shape[1:]):
        m = torch.arange(n, device=samples.device)
        shape = [1] * axis + [n] + [1] * (len(dims) - axis - 1)
        order = torch.maximum(order, (torch.minimum(m, n - m) / (n // 2)).reshape(shape))
    highest = order > 0.75
    tail = (power * highest).flatten(1).sum(1) / highest.sum().clamp_min(1)
    # never more than half of everything, or nothing would be left
    variance = torch.minimum(tail, 0.5 * power.flatten(1).mean(1))
    variance = torch.minimum(variance, 0.5 * flatness(samples).square())
    floor = variance.reshape(-1, *[1] * len(dims))
    signal = (power - floor).clamp_min(0.0)
    gain = torch.where(floor > NOISELESS**2, signal / (signal + floor + 1e-300), 1.0)
    clean = torch.fft.ifftn(wave * gain[..., None, None], dim=dims, norm="ortho")
    return clean, variance.sqrt()


def _rounded(phases: Tensor) -> Tensor:
    """Integers from sums of phases."""
    return (phases / (2.0 * math.pi)).round()


def _winding_of_dets(blocks: Tensor) -> Tensor:
    """Winding number of the polygon through the determinants."""
    det = torch.linalg.det(blocks)
    return _rounded((det.roll(-1, 1) * det.conj()).angle().sum(1))


# --------------------------------------------------------------------------------------- Chains

#: Distances, in links of the finer grid, over which a candidate is compared with its neighbours.
REACH: Final = (1, 2, 4, 8, 12)
#: Distances at which the smallest singular value is read.
TRUST: Final = (0, 1, 2, 4, 8)


def chain_candidates(
    blocks: Tensor, upsample: int = 4, count: int = 8, *, filtered: bool = False
) -> tuple[Candidates, Layout]:
    """Most doubtful links of chains, from samples of their blocks.

    Shapes: `blocks` complex (B, N, n, n).
    """
    batch, points, n = blocks.shape[0], blocks.shape[1], blocks.shape[-1]
    given = blocks = of_unit_size(blocks)
    clean, noise = denoised(given)
    blocks = clean if filtered else given
    fine = upsample_periodic(blocks, upsample, [1])
    fine = of_unit_size(fine)
    unitary, smallest = polar_factors(fine)
    log_smallest = (smallest + FLOOR).log()
    length = fine.shape[1]
    link = unitary.mH @ unitary.roll(-1, 1)
    theta, vectors = eigenphases(link)
    base = _rounded(theta.sum((1, 2)))
    weakest = torch.minimum(log_smallest, log_smallest.roll(-1, 1))
    score = (theta.abs() - 0.6 * weakest[..., None]).reshape(batch, -1)
    count = min(count, score.shape[1])
    index = score.topk(count, dim=1).indices
    j, which = index // n, index % n
    row = torch.arange(batch, device=blocks.device)[:, None]
    phase = theta[row, j, which]
    sign = torch.where(phase >= 0.0, 1.0, -1.0).to(phase.dtype)
    vector = vectors.mT[row, j, which]  # (B, K, n): row `which` of the transposed columns

    def along(start: Tensor, end: Tensor) -> Tensor:
        """Mean of U(start)^dagger U(end) in the eigenvector of the link."""
        moved = (unitary[row, end] @ vector[..., None])[..., 0]
        held = (unitary[row, start] @ vector[..., None])[..., 0]
        return (held.conj() * moved).sum(-1)

    doubt = math.pi - phase.abs()
    others = theta[row, j].sum(-1) - phase
    coarse, _ = polar_factors(given)
    steps, _ = eigenphases(coarse.mH @ coarse.roll(-1, 1))
    rivals = torch.stack(
        [_winding_of_dets(unitary), _rounded(steps.sum((1, 2))), _winding_of_dets(coarse)], -1
    )
    apart = sign[..., None] * (rivals - base[:, None]).clamp(-2.0, 2.0)[:, None]
    within = (j % upsample + 0.5) / upsample
    middle = [
        doubt,
        (doubt + 1e-3).log(),
        sign * others,
        torch.full_like(doubt, math.log(points)),
        torch.full_like(doubt, math.log(n)),
        torch.minimum(within, 1.0 - within),
        (flatness(given)[:, None].expand_as(doubt) + FLOOR).log(),
        (noise[:, None].expand_as(doubt) + FLOOR).log(),
        torch.full_like(doubt, math.log(upsample)),
        torch.full_like(doubt, float(filtered)),
        *apart.unbind(-1),
    ]
    left: list[Tensor] = []
    right: list[Tensor] = []
    for reach in REACH:
        before, after = (j - reach) % length, (j + 1 + reach) % length
        for side, start, end in ((left, before, j), (right, (j + 1) % length, after)):
            z = along(start, end)
            side += [sign * z.angle(), z.abs()]
        z = along(before, after)
        middle += [sign * z.imag, z.real]
    for reach in TRUST:
        left.append(log_smallest[row, (j - reach) % length])
        right.append(log_smallest[row, (j + 1 + reach) % length])
    features = torch.stack([*middle, *left, *right], -1)
    layout = Layout(len(middle), len(left))
    return Candidates(features.float(), sign.float(), base.long()), layout


#: Largest difference of features, relative to their size, of the two partners of a mirror pair.
SAME: Final = 1e-4


def mirror_pairs(candidates: Candidates, layout: Layout) -> tuple[Tensor, Tensor]:
    """Count the turns that each candidate stands for, and tell which candidates count.

    Chains with real hoppings have links that are doubtful at k and -k alike. They go the other way
    round together: the first of them stands for two turns, the second does not count.
    """
    # -> (B, K) turns, (B, K) kept
    x, sign = candidates.features, candidates.sign
    mirrored = x[..., layout.mirror]
    apart = (x[:, :, None] - mirrored[:, None, :]).abs().amax(-1)
    alike = (apart < SAME * (1.0 + x.abs().amax())) & (sign[:, :, None] == sign[:, None, :])
    count = x.shape[1]
    later = torch.ones(count, count, dtype=torch.bool, device=x.device).triu(1)
    pair = alike & later
    # each candidate has at most one partner: the first that was not taken before
    taken = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
    turns = torch.ones_like(sign)
    for i in range(count):
        free = pair[:, i] & ~taken & ~taken[:, i : i + 1]
        found = free.any(1)
        partner = free.to(torch.uint8).argmax(1)
        rows = found.nonzero()[:, 0]
        taken[rows, partner[rows]] = True
        turns[rows, i] = 2.0
    return turns, ~taken


# --------------------------------------------------------------------------------------- Planes


def _ring(x: Tensor) -> Tensor:
    """Sum over the 16 plaquettes two steps away."""
    box5 = sum_box(x, 2)
    return box5 - sum_box(x, 1)


def sum_box(x: Tensor, reach: int) -> Tensor:
    """Sum over the plaquettes up to `reach` steps away in each direction."""
    steps = range(-reach, reach + 1)
    rows = torch.stack([x.roll(i, 1) for i in steps]).sum(0)
    return torch.stack([rows.roll(i, 2) for i in steps]).sum(0)


def _shifted(x: Tensor, shifts: Sequence[tuple[int, int]]) -> Tensor:
    """Values at neighbours: entry m of the last axis is that at k + shifts[m]."""
    return torch.stack([x.roll((-a, -b), (1, 2)) for a, b in shifts], -1)


EDGES: Final = ((1, 0), (-1, 0), (0, 1), (0, -1))
CORNERS: Final = ((1, 1), (-1, -1), (-1, 1), (1, -1))
SECOND: Final = ((2, 0), (-2, 0), (0, 2), (0, -2))


def _plaquettes(fine: Tensor, n_occupied: int) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenphases of the loops around plaquettes, logarithms of the smallest overlaps and gaps."""
    # fine of (B, Nx, Ny, n, n) -> (B, Nx, Ny, s), (B, Nx, Ny, 4), (B, Nx, Ny)
    value, frame = torch.linalg.eigh(0.5 * (fine + fine.mH))
    occupied = frame[..., :n_occupied]
    scale = value.square().mean((1, 2, 3)).sqrt()[:, None, None]
    gap = (value[..., n_occupied] - value[..., n_occupied - 1]) / scale
    log_gap = (gap + 1e-3).log()
    overlap_x = occupied.mH @ occupied.roll(-1, 1)
    overlap_y = occupied.mH @ occupied.roll(-1, 2)
    link_x, low_x = polar_factors(overlap_x)
    link_y, low_y = polar_factors(overlap_y)
    # against the arrow: Chern numbers of the package have the sign of F = dA, A = i <u|du>
    loop = link_y @ link_x.roll(-1, 2) @ link_y.roll(-1, 1).mH @ link_x.mH
    log_x, log_y = (low_x + 1e-6).log(), (low_y + 1e-6).log()
    links = torch.stack([log_x, log_y.roll(-1, 1), log_x.roll(-1, 2), log_y], -1)
    return eigenphases(loop)[0], links, log_gap


def plane_candidates(
    h_k: Tensor,
    n_occupied: int,
    upsample: int = 2,
    count: int = 16,
    *,
    filtered: bool = False,
    reversal: Tensor | None = None,
) -> tuple[Candidates, Layout]:
    """Most doubtful eigenphases of plaquettes of planes, from samples of their Bloch matrices.

    With the unitary U of a time reversal T = UK only those of half of the zone are looked at, and
    the integer is one with the parity of the Z2 invariant.

    Shapes: `h_k` complex Hermitian (B, Nx, Ny, n, n), flattened or not.
    """
    batch = h_k.shape[0]
    given = h_k = of_unit_size(h_k)
    clean, noise = denoised(given)
    h_k = clean if filtered else given
    coarse_side = math.sqrt(h_k.shape[1] * h_k.shape[2])
    fine = upsample_periodic(h_k, upsample, [1, 2])
    ends: Tensor | float = 0.0
    looked_at = fine.shape[1]
    if reversal is not None:
        fine, looked_at = time_reversed_mean(fine, reversal), fine.shape[1] // 2
        ends = kramers_lines(fine, n_occupied, reversal)
    theta, links, log_gap = _plaquettes(fine, n_occupied)
    flux = theta.sum(-1)
    base = _rounded(flux[:, :looked_at].sum((1, 2)) - ends)
    wrapped = torch.polar(torch.ones_like(flux), flux).angle()
    lattice = _rounded(wrapped[:, :looked_at].sum((1, 2)) - ends)
    trust = _shifted(log_gap, ((0, 0), (1, 0), (0, 1), (1, 1)))
    score = theta.abs() - (0.5 * trust.amin(-1) + 0.2 * links.amin(-1))[..., None]
    score = score[:, :looked_at].reshape(batch, -1)
    count = min(count, score.shape[1])
    index = score.topk(count, dim=1).indices
    cell, which = index // n_occupied, index % n_occupied
    row = torch.arange(batch, device=h_k.device)[:, None]

    def at(x: Tensor) -> Tensor:
        return x.flatten(1, 2)[row, cell]

    phase = at(theta)[torch.arange(batch)[:, None], torch.arange(count)[None], which]
    sign = torch.where(phase >= 0.0, 1.0, -1.0).to(phase.dtype)
    own = sign[..., None]
    largest = theta.gather(-1, theta.abs().argmax(-1, keepdim=True))[..., 0]
    edges, corners, second = (at(_shifted(flux, s)) * own for s in (EDGES, CORNERS, SECOND))
    edge_largest = at(_shifted(largest, EDGES)) * own
    doubt = math.pi - phase.abs()
    link, near = at(links), at(trust)
    diagonals = torch.stack([corners[..., :2].sum(-1), corners[..., 2:].sum(-1)], -1).abs()
    side = (cell // fine.shape[2]) % upsample, (cell % fine.shape[2]) % upsample
    within = sum(((s + 0.5) / upsample - 0.5).abs() for s in side)
    mean_size = flux.abs().mean((1, 2))[:, None].expand_as(phase)
    apart = sign * (lattice - base).clamp(-2.0, 2.0)[:, None]
    features = [
        doubt,
        (doubt + 1e-2).log(),
        sign * (at(flux) - phase),
        edges.sum(-1),
        edges.amax(-1),
        edges.amin(-1),
        corners.sum(-1),
        corners.amax(-1),
        corners.amin(-1),
        second.sum(-1),
        second.amin(-1),
        second.amax(-1),
        at(_ring(flux)) * sign,
        edge_largest.amax(-1),
        edge_largest.amin(-1),
        link.sum(-1),
        link.amin(-1),
        link.amax(-1),
        near.amin(-1),
        near.mean(-1),
        near.amax(-1),
        mean_size,
        torch.full_like(doubt, math.log(coarse_side)),
        (flatness(given)[:, None].expand_as(doubt) + FLOOR).log(),
        (noise[:, None].expand_as(doubt) + FLOOR).log(),
        torch.full_like(doubt, math.log(upsample)),
        torch.full_like(doubt, float(filtered)),
        diagonals.amin(-1),
        ((math.pi - edges.abs()).abs().amin(-1) + 1e-2).log(),
        torch.as_tensor(within).to(doubt).expand_as(doubt),
        apart,
    ]
    layout = Layout(len(features), 0)
    stacked = torch.stack(features, -1).float()
    return Candidates(stacked, sign.float(), base.long(), cell), layout


# ------------------------------------------------------------------------------- Time reversal


def time_reversed_mean(h_k: Tensor, reversal: Tensor) -> Tensor:
    """Mean of samples (B, Nx, Ny, n, n) on `k_grid` and of their images under T = UK."""
    opposite = h_k.flip((1, 2)).roll((1, 1), (1, 2)).conj()
    return 0.5 * (h_k + reversal @ opposite @ reversal.mH)


def kramers_lines(h_k: Tensor, n_occupied: int, reversal: Tensor) -> Tensor:
    r"""Phase of the line k_x = -pi minus that of k_x = 0 in a gauge of Kramers pairs, modulo 4 pi.

    .. math:: \Phi = 2 \arg \left[ \overline{\mathrm{Pf}\,w(-\pi)} \;
        \textstyle\prod_j \det u_j^\dagger u_{j+1} \; \mathrm{Pf}\,w(0) \right], \qquad
        w = u^\dagger U \bar u

    over half of a line, with w at its two ends where k_y = -k_y; the other half repeats it. The
    flux through half of the zone is this modulo 2 pi, and the quotient modulo 2 is the invariant.

    Ref.: T. Fukui, Y. Hatsugai, J. Phys. Soc. Jpn. 76, 053702 (2007).
    """
    # h_k of (B, Nx, Ny, n, n), symmetric -> (B,)
    rows, half = [0, h_k.shape[1] // 2], h_k.shape[2] // 2
    frame = torch.linalg.eigh(h_k[:, rows, : half + 1])[1][..., :n_occupied]
    link = torch.linalg.det(frame[:, :, :-1].mH @ frame[:, :, 1:])
    ends = frame[:, :, [0, half]]
    w = ends.mH @ reversal @ ends.conj()
    pairs = pfaffian(0.5 * (w - w.mT))
    phase = link.angle().sum(-1) + pairs[..., 1].angle() - pairs[..., 0].angle()
    apart: Tensor = 2.0 * (phase[:, 0] - phase[:, 1])
    return apart


def pfaffian(matrix: Tensor) -> Tensor:
    """Pfaffians of antisymmetric matrices (..., n, n), n even, by elimination with pivots.

    Ref.: M. Wimmer, ACM Trans. Math. Softw. 38, 30 (2012).
    """
    n = matrix.shape[-1]
    a = matrix.reshape(-1, n, n).clone()
    row = torch.arange(len(a), device=a.device)
    total = torch.ones(len(a), dtype=a.dtype, device=a.device)
    for k in range(0, n, 2):
        pivot = a[:, k, k + 1 :].abs().argmax(1) + k + 1
        order = torch.arange(n, device=a.device).repeat(len(a), 1)
        order[row, pivot], order[:, k + 1] = k + 1, pivot
        a = a[row[:, None, None], order[:, :, None], order[:, None, :]]
        lead = a[:, k, k + 1]
        total = total * torch.where(pivot == k + 1, lead, -lead)
        safe = torch.where(lead == 0.0, torch.ones_like(lead), lead)
        first, second = a[:, k, :], a[:, k + 1, :] / safe[:, None]
        change = first[:, :, None] * second[:, None, :]
        a = a - change + change.mT
    return total.reshape(matrix.shape[:-2])


#: Position of the logarithm of the smallest gap at the corners of a plaquette.
PLAQUETTE_GAP: Final = 18


def smallest_gaps(features: Tensor, layout: Layout) -> Tensor:
    """Logarithms (..., K) of the smallest gaps, or singular values, next to candidates."""
    if not layout.side:
        return features[..., PLAQUETTE_GAP]
    sides = [layout.middle + layout.side, layout.size]
    return torch.cat([features[..., end - len(TRUST) : end] for end in sides], -1).amin(-1)


def require_labels(label: Sized, total: int) -> None:
    """Refuse labels that are not one for each sample."""
    if len(label) != total or not total:
        raise ShapeError(
            f"Argument `label` must have one entry for each of {total} samples (and at least one),"
            f" but has {len(label)}."
        )


def standardize(network: Any, seen: Tensor) -> None:
    """Set the mean and the deviation by which a network scales its features."""
    with torch.no_grad():
        network.mean.copy_(seen.mean(0))
        network.deviation.copy_(seen.std(0).clamp_min(1e-3))
