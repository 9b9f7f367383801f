"""Causal tests: change or erase something in a layer, predict the integer, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import binomtest

from topophys import _validation
from topophys._progress import track
from topophys._random import keyed_generator
from topophys._statistics import r_squared
from topophys.datasets import Dataset
from topophys.datasets.tasks import get_task
from topophys.errors import ShapeError
from topophys.interpret.hooks import module_of_feature, replaced
from topophys.interpret.probed_network import LAYERS, Layer, ProbedNetwork, Samples, draw_samples
from topophys.interpret.reports import TableReport
from topophys.interpret.targets import wrapped_steps
from topophys.learn import Run
from topophys.learn.run import batches, placement

__all__ = [
    "CausalReport",
    "CausalResult",
    "ChainInterventions",
    "Eraser",
    "Outcome",
    "causal_tests",
    "encoding_directions",
    "fit_eraser",
    "random_eraser",
    "swap_sums",
]


# ---- Interventions

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Exact sums this close to an integer count as one.
NEAR: Final = 0.1
#: Longest step of a polygon of swapped points that counts, in radians.
LONGEST: Final = 0.9 * np.pi
H1: Final = "h1_features"


@dataclass(frozen=True, eq=False)
class Outcome:
    """Integers before and after a change, beside those predicted."""

    test: str  # as in `CausalResult`
    layer: str  # as in `CausalResult`
    what: str  # as in `CausalResult`
    predicted: str  # as in `CausalResult`
    #: (cases,), named by the network after the change, predicted, and true of the unchanged
    #: Hamiltonian
    named: Integers
    #: (cases,), named by the network after the change, predicted, and true of the unchanged
    #: Hamiltonian
    expected: Integers
    #: (cases,), named by the network after the change, predicted, and true of the unchanged
    #: Hamiltonian
    before: Integers
    r2: float | None = None  # explained variance of the real-valued invariant


class ChainInterventions:
    """Changes of h1 of a network that reads chains."""

    def __init__(self, network: ProbedNetwork, samples: Samples, seed: int) -> None:
        self.network, self.samples, self.seed = network, samples, seed
        self.hidden = network.hidden(samples, H1)
        self.grid = self.hidden.shape[1:-1]
        self.device, self.dtype = placement(network.encoder)
        first = torch.from_numpy(samples.x[:1]).to(self.device, self.dtype)
        self.module = module_of_feature(network.encoder, first, H1)

    def erase(self, n_random: int) -> list[Outcome]:
        """Remove the angle, the entries, both, the control, random directions."""
        alpha, entries = self._exact("cos_sin_alpha"), self._exact("entries")
        wanted = {
            "nothing": None,
            "cos alpha, sin alpha": alpha,
            "entries of D": entries,
            "cos alpha, sin alpha, entries of D": np.concatenate([alpha, entries], axis=-1),
            "phase of perm D": self._exact("cos_sin_permanent"),
        }
        found = []
        for what, target in wanted.items():
            eraser = None if target is None else fit_eraser(self.hidden, target)
            changed = self.hidden if eraser is None else eraser(self.hidden)
            found.append(self._erased(what, self.named(changed)))
        for rank in (alpha.shape[-1], alpha.shape[-1] + entries.shape[-1]):
            rng = keyed_generator(self.seed, 3, rank)
            draws = [random_eraser(self.hidden, rank, rng) for _ in range(n_random)]
            named = np.concatenate([self.named(eraser(self.hidden)) for eraser in draws])
            found.append(self._erased(f"{rank} random directions", named))
        return found

    def _erased(self, what: str, named: Array) -> Outcome:
        true = np.tile(self.samples.label, len(named) // len(self.samples.label))
        return Outcome("erase", H1, what, "true integer", _whole(named), true, true)

    def steer(self) -> list[Outcome]:
        """Move h1 to where it would be for another angle, or another phase of the permanent."""
        k = 2.0 * np.pi * np.arange(self.grid[0]) / self.grid[0]
        moves: dict[str, Callable[[Array], Array]] = {
            "one turn more": lambda angle: angle + k,
            "one turn less": lambda angle: angle - k,
            "mirrored": lambda angle: -angle,
        }
        found = []
        for name, text in (("cos_sin_alpha", "alpha"), ("cos_sin_permanent", "phase of perm D")):
            vector = self._exact(name)
            directions = encoding_directions(self.hidden, vector)
            angle = np.arctan2(vector[..., 1], vector[..., 0])
            held = name == "cos_sin_permanent"
            for what, move in moves.items():
                new = move(angle)
                there = np.stack([np.cos(new), np.sin(new)], axis=-1)
                named = self.named(self.hidden + (there - vector) @ directions)
                true = self.samples.label
                expected = true if held else _windings(new)
                rule = "true integer" if held else "winding of the new alpha"
                found.append(
                    Outcome("steer", H1, f"{text} {what}", rule, _whole(named), expected, true,
                            r_squared(named, expected))
                )  # fmt: skip
        return found

    def swap(self, n_swaps: int) -> list[Outcome]:
        """Take the points of an interval from another chain."""
        host, guest, inside = _pairs(len(self.hidden), self.grid, n_swaps, self.seed)
        vector = self._exact("cos_sin_alpha")
        angle = np.arctan2(vector[..., 1], vector[..., 0])
        mixed = np.where(inside, angle[guest], angle[host])
        named = self.named(np.where(inside[..., None], self.hidden[guest], self.hidden[host]))
        expected, before = _windings(mixed), self.samples.label[host]
        clear = np.abs(wrapped_steps(mixed)).max(1) <= LONGEST
        return [
            Outcome("swap", H1, what, "winding of the mixed polygon", _whole(named[pick]),
                    expected[pick], before[pick], r_squared(named[pick], expected[pick]))
            for what, pick in (("points of an interval, no step above 0.9 pi", clear),
                               ("points of an interval, all", np.ones_like(clear)))
        ]  # fmt: skip

    def _exact(self, name: str) -> Array:
        return self.samples.exact(name, self.grid)

    @torch.no_grad()
    def named(self, hidden: Array) -> Array:
        """Real-valued invariants of the network with another h1."""
        # hidden of (B, N, channels) -> (B,)
        encoder, out = self.network.encoder, np.empty(len(hidden))
        x = torch.from_numpy(self.samples.x).to(self.device, self.dtype)
        for part in batches(len(hidden), len(x)):
            new = torch.from_numpy(hidden[part]).to(self.device, self.dtype)
            with replaced(encoder, {self.module: _constant(new)}):
                out[part] = encoder(x[: len(new)])["invariant"].double().cpu().numpy()
        return out


def swap_sums(
    network: ProbedNetwork, samples: Samples, layer: Layer, n_swaps: int, seed: int
) -> list[Outcome]:
    """Take part of the last layer from another Hamiltonian."""
    density = network.density(samples, layer.name)[..., 0]
    grid = density.shape[1:]
    exact = samples.exact(layer.target, grid)[..., 0] / (2.0 * np.pi)
    host, guest, inside = _pairs(len(density), grid, n_swaps, seed)
    axes = tuple(range(1, density.ndim))
    # the output is linear in the layer: what a mixture gives is the sum of what its parts give
    real = np.where(inside, density[guest], density[host]).sum(axes)
    wanted = np.where(inside, exact[guest], exact[host]).sum(axes)
    near = np.abs(wanted - np.rint(wanted)) <= NEAR
    part = "links of an interval" if len(grid) == 1 else "plaquettes of a rectangle"
    return [
        Outcome("swap", layer.name, part, "exact sum, within 0.1 of an integer",
                _whole(real[near]), _whole(wanted[near]), samples.label[host][near],
                r_squared(real, wanted))
    ]  # fmt: skip


def _pairs(
    n: int, grid: tuple[int, ...], n_swaps: int, seed: int
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Hosts, guests, and which places come from the guest: an interval along each direction."""
    rng = keyed_generator(seed, 4)
    host = rng.integers(n, size=n_swaps)
    guest = (host + rng.integers(1, n, size=n_swaps)) % n  # never the host itself
    inside = np.ones((n_swaps, *grid), dtype=bool)
    for axis, size in enumerate(grid):
        start, length = rng.integers(size, size=n_swaps), rng.integers(1, size, size=n_swaps)
        here = (np.arange(size) - start[:, None]) % size < length[:, None]
        shape = [n_swaps] + [size if a == axis else 1 for a in range(len(grid))]
        inside &= here.reshape(shape)
    return host, guest, inside


def _constant(value: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda _: value


def _windings(angle: Array) -> Integers:
    return _whole(wrapped_steps(angle).sum(1) / (2.0 * np.pi))


def _whole(value: Array) -> Integers:
    return np.rint(value).astype(np.int64)


# ---- Causal tests


@dataclass(frozen=True)
class CausalResult:
    """Fraction of interventions whose effect was as predicted.

    Attributes
    ----------
    test : str
        "erase", "steer" or "swap".
    layer : str
        Where the change was made.
    what : str
        What was changed.
    predicted : str
        What should follow.
    cases, right : int
        Cases, and those in which the network named the predicted integer.
    moved : int
        Cases whose predicted integer is another than that of the unchanged Hamiltonian.
    right_moved : int
        Those of them that came out as predicted.
    r2 : float or None
        Explained variance of the real-valued invariant by the exact one, over all cases.

    Examples
    --------
    >>> row = CausalResult("swap", "h2_features", "links", "sum", 200, 198, 100, 99, 0.99)
    >>> row.share, [round(end, 3) for end in row.interval]
    (0.99, [0.964, 0.997])
    """

    test: str
    layer: str
    what: str
    predicted: str
    cases: int
    right: int
    moved: int
    right_moved: int
    r2: float | None = None

    @property
    def share(self) -> float:
        """Share that came out as predicted."""
        return self.right / self.cases if self.cases else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of Wilson for that share."""
        if not self.cases:
            return 0.0, 1.0
        found = binomtest(self.right, self.cases).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class CausalReport(TableReport):
    """Causal tests of one network.

    Attributes
    ----------
    split : str
        Split of the Hamiltonians.
    n_hamiltonians, seed : int
        How many, and the seed of their choice, of the pairs and of random directions.
    results : tuple of CausalResult
        Grouped by test.
    """

    rows_name, row_type = "results", CausalResult
    derived = ("share", "interval")

    split: str
    n_hamiltonians: int
    seed: int
    results: tuple[CausalResult, ...]

    def find(self, test: str, what: str) -> CausalResult:
        """One test.

        Parameters
        ----------
        test, what : str
            As in `CausalResult`.

        Returns
        -------
        CausalResult
            The first that fits.

        Raises
        ------
        KeyError
            If there is no such test.
        """
        found: CausalResult = self._first(test=test, what=what)
        return found

    def __repr__(self) -> str:
        header = (
            f"Causal tests on {self.n_hamiltonians} Hamiltonians of `{self.split}`: share of cases"
            " in which the network names the predicted integer"
        )
        texts = self._columns("test", "layer", "what", "predicted")
        lines = [f"  {texts[0]}{'cases':>8}{'share':>8}   95 % interval      moved, share"]
        for text, r in zip(texts[1:], self.results, strict=True):
            low, high = r.interval
            moved = f"{r.right_moved / r.moved:.4f}" if r.moved else "-"
            lines.append(
                f"  {text}{r.cases:>8}{r.share:>8.4f}   [{low:.4f}, {high:.4f}]{r.moved:>8},"
                f" {moved}"
            )
        return "\n".join([header, *lines])


def causal_tests(
    run: Run,
    dataset: Dataset,
    *,
    split: str = "test",
    n_hamiltonians: int = 1000,
    n_swaps: int = 20000,
    n_random: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> CausalReport:
    r"""Erase, steer and swap activations, and predict the integer from exact physics.

    *Erase* (chains, h1): what a linear map can read of a quantity is removed; without the angle
    the network should know nothing, without a control quantity or random directions as many,
    nothing should change. *Steer* (chains, h1): the layer is moved along the directions that
    encode :math:`(\cos\alpha, \sin\alpha)` to where it would be for another angle
    :math:`\alpha' = \alpha + m k` or :math:`-\alpha`; the predicted integer is the winding of
    :math:`\alpha'`. *Swap* (last layer): the links (plaquettes) of a part of the zone are taken
    from another Hamiltonian; since the output is a sum over the Brillouin zone,

    .. math:: \nu' = \frac{1}{2\pi} \Bigl( \sum_{j \notin I} \Delta\alpha_j^A
        + \sum_{j \in I} \Delta\alpha_j^B \Bigr)

    is exact, and in general no integer. Counted are the cases in which it lies within 0.1 of one;
    R^2 is over all. Swapped points of h1 make a closed polygon, whose winding is an integer
    always; counted are those without steps above 0.9 pi, which no chain of the data comes near.

    Parameters
    ----------
    run : Run
        A trained network.
    dataset : Dataset
        Data set of winding or Chern numbers.
    split : str, optional
        Split to take Hamiltonians from.
    n_hamiltonians, n_swaps, n_random : int, optional
        How many Hamiltonians, pairs with an interval, and draws of random directions.
    seed : int, optional
        Seed of all choices.
    progress : bool, optional
        Show progress.

    Returns
    -------
    CausalReport
        Each test with its control.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks the split, or has too few Hamiltonians, or a
        number is too small.

    References
    ----------
    .. [1] A. Geiger, H. Lu, T. Icard, C. Potts, Proc. NeurIPS (2021), on swaps of activations.
    .. [2] N. Belrose et al., Proc. NeurIPS (2023), on erasure.
    """
    _validation.positive_int(n_swaps, "n_swaps")
    _validation.positive_int(n_random, "n_random")
    samples = draw_samples(dataset, split, n_hamiltonians, seed)
    network = ProbedNetwork(run.encoder)
    last = next(layer for layer in LAYERS[dataset.kind] if layer.last)
    jobs: list[Callable[[], list[Outcome]]] = [
        *get_task(dataset.kind).interventions(
            network, samples, seed=seed, n_swaps=n_swaps, n_random=n_random
        )
    ]
    jobs.append(lambda: swap_sums(network, samples, last, n_swaps, seed))
    results: list[CausalResult] = []
    with track(len(jobs), "causal tests", progress) as advance:
        for job in jobs:
            results += [_result(outcome) for outcome in job()]
            advance(1)
    return CausalReport(split, len(samples.x), seed, tuple(results))


def _result(outcome: Outcome) -> CausalResult:
    moved = outcome.expected != outcome.before
    right = outcome.named == outcome.expected
    return CausalResult(
        outcome.test,
        outcome.layer,
        outcome.what,
        outcome.predicted,
        cases=len(right),
        right=int(right.sum()),
        moved=int(moved.sum()),
        right_moved=int((right & moved).sum()),
        r2=outcome.r2,
    )


# ---- Erasure


@dataclass(frozen=True, eq=False)
class Eraser:
    """Affine map that takes some directions of a layer to their mean."""

    mean: Float[np.ndarray, " c"]  # mean of the activations
    matrix: Float[np.ndarray, "c c"]  # projection onto what is removed
    rank: int  # how many directions are removed

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... c"]:
        """Erase."""
        return np.asarray(features - (features - self.mean) @ self.matrix.T)


def fit_eraser(
    features: Float[np.ndarray, "samples k c"],
    target: Float[np.ndarray, "samples k t"],
    *,
    method: Literal["leace", "projection"] = "leace",
) -> Eraser:
    r"""Eraser after which no linear map reads the target from the layer.

    .. math:: r(h) = h - W^+ P \, W (h - \bar h), \qquad W = \Sigma_{hh}^{-1/2}

    with P the orthogonal projection onto the columns of :math:`W \Sigma_{hy}`. Of all affine maps
    that leave no covariance with the target it changes the layer least.

    Ref.: N. Belrose, D. Schneider-Joseph, S. Ravfogel, R. Cotterell, E. Raff, S. Biderman, Proc.
    NeurIPS (2023).
    """
    _validation.one_of(method, "method", ("leace", "projection"))
    rows, wanted = _rows(features, target)
    mean = rows.mean(0)
    centred, goal = rows - mean, wanted - wanted.mean(0)
    whiten, unwhiten = _roots(centred)
    if method == "projection":
        whiten = unwhiten = np.eye(rows.shape[1])
    cross = whiten @ (centred.T @ goal) / len(rows)
    left, sizes, _ = np.linalg.svd(cross, full_matrices=False)
    basis = left[:, sizes > 1e-10 * max(sizes[0], np.finfo(float).tiny)]
    return Eraser(mean, unwhiten @ basis @ basis.T @ whiten, basis.shape[1])


def random_eraser(
    features: Float[np.ndarray, "samples k c"], rank: int, rng: np.random.Generator
) -> Eraser:
    """Eraser of random directions, matched to one of a target.

    It removes as many directions and the same share of the variance, counted in units of that of
    each direction: random in the coordinates in which the layer has covariance 1.
    """
    rows = features.reshape(-1, features.shape[-1])
    mean = rows.mean(0)
    whiten, unwhiten = _roots(rows - mean)
    basis = np.linalg.qr(rng.standard_normal((rows.shape[1], rank)))[0]
    return Eraser(mean, unwhiten @ basis @ basis.T @ whiten, rank)


def encoding_directions(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"]
) -> Float[np.ndarray, "t c"]:
    r"""Directions along which a layer moves when the target does.

    .. math:: B = \Sigma_{yy}^{-1} \Sigma_{yh}

    the regression of the layer on the target. Adding :math:`(y' - y) B` changes what is held of y
    into what would be held of y', and leaves alone all that is uncorrelated with y.
    """
    rows, wanted = _rows(features, target)
    goal = wanted - wanted.mean(0)
    return np.asarray(np.linalg.lstsq(goal, rows - rows.mean(0), rcond=None)[0])


def _rows(features: Array, target: Array) -> tuple[Array, Array]:
    if features.shape[:-1] != target.shape[:-1]:
        raise ShapeError(
            f"Argument `target` must have the places {features.shape[:-1]} of `features`, but has"
            f" {target.shape[:-1]}."
        )
    return features.reshape(-1, features.shape[-1]), target.reshape(-1, target.shape[-1])


def _roots(centred: Array) -> tuple[Array, Array]:
    """Roots of the covariance and of its inverse; both zero where nothing varies."""
    values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
    alive = values > 1e-10 * values[-1]
    root = np.sqrt(np.where(alive, values, 1.0))
    return (vectors * (alive / root)) @ vectors.T, (vectors * (alive * root)) @ vectors.T
