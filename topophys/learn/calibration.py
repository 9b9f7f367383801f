"""Confidence of flip networks: temperature, thresholds, prediction sets, unfamiliar samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from scipy.stats import beta
from torch import Tensor, nn

from topophys.errors import InputError, ShapeError

__all__ = [
    "COVERAGES",
    "NEVER",
    "Calibration",
    "Judgement",
    "Population",
    "context_of",
    "error_limit",
    "fit_calibration",
    "summary_of",
]

#: Probabilities that prediction sets contain the invariant.
COVERAGES: Final = (0.9, 0.95, 0.98, 0.99, 0.995)
#: Threshold where no confidence is high enough: nothing is ever answered.
NEVER: Final = 2.0
#: Share of samples of the populations themselves that are called unfamiliar, for each measure.
FALSE_ALARMS: Final = 0.005
#: Gaps up to this factor above those that are unfamiliar are small.
SMALL: Final = 5.0
#: Noise estimate above which samples are noisy ones.
NOISY: Final = 1e-3
#: Share of each population that fixes temperature and what is familiar.
FIRST: Final = 0.25
#: Largest change of the logarithm of the temperature.
MOST: Final = 1.5
FLOOR: Final = 1e-6


class Population(NamedTuple):
    """Samples of one stated population on one grid: what networks say, and the truth.

    Number of points along a direction; log probabilities (B, R) of corrections, what `context` and
    `summary` of the calibration tell of the samples (B, C) and (B, F), and the columns (B,) of the
    true corrections, -1 where there is no column for them; and, if it is known, the logarithm
    (B,) of the smallest gap that the samples show.
    """

    points: float
    logs: Tensor
    context: Tensor
    summary: Tensor
    column: Int[np.ndarray, " batch"]
    tight: Tensor | None = None


class Judgement(NamedTuple):
    """Calibrated answers.

    Probabilities (B, R), thresholds (B,), smallest probabilities of members of prediction sets
    (B, L), and which samples are unlike those of the calibration (B,).
    """

    probabilities: NDArray[np.float64]
    threshold: NDArray[np.float64]
    smallest: NDArray[np.float64]
    unfamiliar: NDArray[np.bool_]


def error_limit(right: Bool[np.ndarray, " batch"], confidence: Float[np.ndarray, " batch"],
                promise: float) -> float:  # fmt: skip
    """Smallest confidence from which on the share of errors is at most `promise`.

    The upper end of the 95 % interval of Clopper and Pearson is compared; `NEVER` where there is
    no such confidence.
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order])
    answered = np.arange(1, len(order) + 1)
    # who answers one of equal confidences answers all of them
    last = np.append(np.diff(confidence[order]) < 0.0, True)
    upper = beta.ppf(0.95, wrong + 1, answered - wrong)
    kept = np.flatnonzero((upper <= promise) & last)
    # while all are wrong there is no upper end, and nothing is kept
    return float(confidence[order][kept[-1]]) if len(kept) else NEVER


class Calibration(nn.Module):
    r"""Calibration of the probabilities of a network on stated populations.

    .. math:: q_c \propto p_c^{1 / T}, \qquad \log T = \sum_i w_i \phi_i

    where :math:`\phi` holds the logarithms of the numbers of points and of bands, of the noise, and
    of the share of high harmonics. Thresholds and prediction sets are kept for each grid, with and
    without noise, and in parts of equal size: by the noise, or by the share of high harmonics,
    which hoppings over many cells raise.

    Parameters
    ----------
    n_features : int
        Features of a candidate.
    points : sequence of float
        Numbers of points along a direction, in rising order.
    parts : int, optional
        Parts of the samples of a grid, with or without noise, that have thresholds and prediction
        sets of their own.
    """

    def __init__(self, n_features: int, points: Sequence[float] = (8.0,), parts: int = 4) -> None:
        super().__init__()
        cells, size = (len(points), 2, parts), n_features + 1
        for name, value in {
            "points": torch.tensor([float(n) for n in points]),
            "weights": torch.zeros(len(CONTEXT) + 1),
            "mean": torch.zeros(len(CONTEXT)),
            "deviation": torch.ones(len(CONTEXT)),
            "edges": torch.zeros(*cells[:2], parts - 1),
            "limits": torch.full(cells, math.nan),
            "smallest": torch.zeros(*cells, len(COVERAGES)),
            "centre": torch.zeros(size),
            "whitener": torch.zeros(size, size),
            "farthest": torch.full(cells[:2], math.inf),
            "tightest": torch.full(cells[:2], -math.inf),
        }.items():
            self.register_buffer(name, value.float())
        self.points: Tensor
        self.weights: Tensor
        self.mean: Tensor
        self.deviation: Tensor
        self.edges: Tensor
        self.limits: Tensor
        self.smallest: Tensor
        self.centre: Tensor
        self.whitener: Tensor
        self.farthest: Tensor
        self.tightest: Tensor

    def temperature(self, context: Tensor) -> Tensor:
        """Temperatures (B,) of samples with context (B, C)."""
        phi = ((context - self.mean) / self.deviation).clamp(-4.0, 4.0)
        log = self.weights[0] + phi @ self.weights[1:].to(phi)
        return log.clamp(-MOST, MOST).exp()

    def cells(self, context: Tensor) -> tuple[Tensor, Tensor]:
        """Grid and noise of each sample: rows and columns of the tables."""
        apart = (context[:, :1] - self.points.log()).abs()
        return apart.argmin(1), (context[:, 2] > math.log(NOISY)).long()

    def part_of(self, context: Tensor, row: Tensor, noisy: Tensor) -> Tensor:
        """Part of the samples of a cell that each sample belongs to."""
        difficulty = _difficulty(context, noisy)
        return (difficulty[:, None] > self.edges[row, noisy]).sum(1)

    def distance(self, summary: Tensor) -> Tensor:
        """Mahalanobis distances (B,) from the samples of the calibration."""
        away = (summary - self.centre) @ self.whitener.to(summary)
        length: Tensor = torch.linalg.vector_norm(away, dim=-1)
        return length

    def shows_small_gaps(self, context: Tensor, tight: Tensor) -> Tensor:
        """Mark samples (B,) whose smallest gap is near those that are unfamiliar."""
        row, noisy = self.cells(context)
        limit: Tensor = self.tightest[row, noisy] + math.log(SMALL)
        return tight < limit

    def judge(
        self, logs: Tensor, context: Tensor, summary: Tensor, tight: Tensor | None = None
    ) -> Judgement:
        """Calibrated probabilities, and what may be said with them."""
        cooled = torch.log_softmax(logs.double() / self.temperature(context)[:, None], -1)
        row, noisy = self.cells(context)
        part = self.part_of(context, row, noisy)
        far = self.distance(summary) > self.farthest[row, noisy]
        # coarser grids than those of the calibration are not like any of them
        far |= context[:, 0] < self.points[0].log() - 0.05
        if tight is not None:
            far |= tight < self.tightest[row, noisy]
        return Judgement(
            cooled.exp().cpu().numpy(),
            self.limits[row, noisy, part].double().cpu().numpy(),
            self.smallest[row, noisy, part].double().cpu().numpy(),
            far.cpu().numpy(),
        )


def _difficulty(context: Tensor, noisy: Tensor) -> Tensor:
    """Noise of noisy samples, share of high harmonics of the others."""
    return torch.where(noisy > 0, context[:, 2], context[:, 3])


#: What the temperature depends on.
CONTEXT: Final = ("log points", "log bands", "log noise", "log high harmonics")


def context_of(samples: Tensor, noise: Tensor) -> Tensor:
    """Context (B, 4) of samples (B, ..., n, n) with estimated noise (B,)."""
    dims = list(range(1, samples.ndim - 2))
    power = torch.fft.fftn(samples, dim=dims).abs().square().sum((-2, -1))
    high = torch.zeros(power.shape[1:], device=power.device)
    for axis, n in enumerate(power.shape[1:]):
        m = torch.arange(n, device=power.device)
        shape = [1] * axis + [n] + [1] * (len(dims) - axis - 1)
        order = (torch.minimum(m, n - m) / (n // 2)).reshape(shape)
        high = torch.maximum(high, order)
    share = (power * (high > 0.5)).flatten(1).sum(1) / power.flatten(1).sum(1)
    points = math.prod(power.shape[1:]) ** (1.0 / len(dims))
    shown = torch.full_like(share, math.log(points))
    bands = torch.full_like(share, math.log(samples.shape[-1]))
    return torch.stack(
        [shown, bands, (noise + FLOOR).log(), 0.5 * (share + FLOOR**2).log()], -1
    ).double()


def summary_of(features: Tensor, kept: Tensor, context: Tensor) -> Tensor:
    """Mean features of the candidates of the first view, and the share of high harmonics."""
    weight = kept[:, 0].to(features.dtype)[..., None]
    mean = (features[:, 0] * weight).sum(1) / weight.sum(1).clamp_min(1.0)
    return torch.cat([mean.double(), context[:, 3:]], -1)


def fit_calibration(
    populations: Sequence[Population],
    n_features: int,
    *,
    promise: float = 0.01,
    parts: int = 4,
) -> Calibration:
    """Calibrate on samples of stated populations, without a filter on the gap.

    The first quarter of each population fixes temperature and what is familiar, the rest
    thresholds and prediction sets. A threshold keeps the promise on its part of the samples of a
    grid; where that is not possible, nothing is answered. Prediction sets contain the invariant
    with the stated probability for samples that are exchangeable with those of their part [1]_, up
    to one in the size of the part, since the same samples decide where one part ends.

    Parameters
    ----------
    populations : sequence of Population
        Populations on grids.
    n_features : int
        Features of a candidate.
    promise : float, optional
        Largest share of errors among answers.
    parts : int, optional
        Parts of the samples of each grid, with or without noise, as in `Calibration`. A promise of
        1 % needs three hundred samples in each.

    Returns
    -------
    Calibration
        Ready to judge.

    Raises
    ------
    ShapeError
        If there is no population, or one has fewer than two samples.
    InputError
        If `promise` is not between 0 and 1.

    References
    ----------
    .. [1] V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, Springer
       (2005).
    """
    if not populations or min(len(p.column) for p in populations) < 2:
        raise ShapeError(
            "Argument `populations` must hold at least one population of two samples or more, but"
            f" has {[len(p.column) for p in populations]}."
        )
    if not 0.0 < promise < 1.0:
        raise InputError(f"Argument `promise` must be between 0 and 1, but is {promise}.")
    found = Calibration(n_features, sorted({p.points for p in populations}), parts)
    ends = [max(1, round(FIRST * len(p.column))) for p in populations]
    first = [_part(p, slice(0, end)) for p, end in zip(populations, ends, strict=True)]
    second = [_part(p, slice(end, None)) for p, end in zip(populations, ends, strict=True)]
    _fit_temperature(found, first)
    _fit_familiar(found, first)
    for row in range(len(found.points)):
        for noisy in (0, 1):
            _fit_cell(found, second, row, noisy, promise)
    return found


def _part(population: Population, rows: slice) -> Population:
    """Select some of the samples."""
    return population._replace(
        logs=population.logs[rows],
        context=population.context[rows],
        summary=population.summary[rows],
        column=population.column[rows],
        tight=None if population.tight is None else population.tight[rows],
    )


def _fit_temperature(found: Calibration, populations: Sequence[Population]) -> None:
    """Weights of the temperature, by the likelihood of the true integers."""
    context = torch.cat([p.context for p in populations])
    logs = torch.cat([p.logs for p in populations]).double()
    column = torch.from_numpy(np.concatenate([p.column for p in populations]))
    known = column >= 0
    found.mean.copy_(context.mean(0))
    found.deviation.copy_(context.std(0).clamp_min(1e-3))
    weights = torch.zeros(len(CONTEXT) + 1, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")
    phi = ((context - found.mean) / found.deviation).clamp(-4.0, 4.0)

    def loss() -> Tensor:
        log = (weights[0] + phi @ weights[1:]).clamp(-MOST, MOST)
        cooled = torch.log_softmax(logs / log.exp()[:, None], -1)
        value = nn.functional.nll_loss(cooled[known], column[known])
        value = value + 1e-4 * weights.square().sum()
        (weights.grad,) = torch.autograd.grad(value, weights)
        return value

    with torch.enable_grad():
        search.step(loss)  # type: ignore[no-untyped-call]
    found.weights.copy_(weights.detach())


def _fit_familiar(found: Calibration, populations: Sequence[Population]) -> None:
    """Centre and shape of what the samples of the populations are like."""
    summary = torch.cat([p.summary for p in populations])
    found.centre.copy_(summary.mean(0))
    spread = torch.cov((summary - found.centre).T)
    spread = spread + 1e-3 * torch.diag(torch.diagonal(spread).clamp_min(1e-6))
    value, vector = torch.linalg.eigh(spread)
    found.whitener.copy_(vector / value.sqrt())


def _fit_cell(
    found: Calibration, populations: Sequence[Population], row: int, noisy: int, promise: float
) -> None:
    """Thresholds, prediction sets and the limit of the familiar on one grid."""
    inside = [((r == row) & (w == noisy)) for r, w in (found.cells(p.context) for p in populations)]
    pairs = list(zip(populations, inside, strict=True))
    context, logs, summary = (
        torch.cat([getattr(p, name)[i] for p, i in pairs])
        for name in ("context", "logs", "summary")
    )
    column = np.concatenate([p.column[i.numpy()] for p, i in pairs])
    found.limits[row, noisy] = NEVER
    if not len(column):
        return
    which = torch.full((len(column),), noisy)
    count = found.limits.shape[-1]
    shares = torch.arange(1, count, dtype=torch.float64) / count
    found.edges[row, noisy] = torch.quantile(_difficulty(context, which), shares).float()
    judged = found.judge(logs, context, summary)
    part = found.part_of(context, torch.full_like(which, row), which).numpy()
    right, sure = judged.probabilities.argmax(-1) == column, judged.probabilities.max(-1)
    picked = np.take_along_axis(judged.probabilities, np.maximum(column, 0)[:, None], 1)[:, 0]
    score = np.where(column >= 0, picked, 0.0)
    for b in range(count):
        own = part == b
        found.limits[row, noisy, b] = error_limit(right[own], sure[own], promise)
        ordered = np.sort(score[own])
        for i, coverage in enumerate(COVERAGES):
            rank = math.floor((1.0 - coverage) * (len(ordered) + 1))
            found.smallest[row, noisy, b, i] = ordered[rank - 1] if rank >= 1 else 0.0
    far = np.sort(found.distance(summary).numpy())[::-1]
    rank = math.floor(FALSE_ALARMS * (len(far) + 1))
    found.farthest[row, noisy] = far[rank - 1] if rank >= 1 else math.inf
    if all(p.tight is not None for p in populations):
        found.tightest[row, noisy] = tightest(
            torch.cat([p.tight[i] for p, i in pairs if p.tight is not None])
        )


def tightest(tight: Tensor) -> float:
    """Logarithm of a gap that all but a share of `FALSE_ALARMS` of samples (B,) exceed."""
    rank = math.floor(FALSE_ALARMS * (len(tight) + 1))
    return float(tight.sort().values[rank - 1]) if rank >= 1 else -math.inf
