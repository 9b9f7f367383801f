"""Does the network use what a probe reads? Change it, predict the integer, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scipy.stats import binomtest

from topophys import _checks
from topophys._progress import track
from topophys.datasets import Dataset
from topophys.interpret.interventions import ChainInterventions, Outcome, swap_sums
from topophys.interpret.rows import RowReport
from topophys.interpret.samples import LAYERS, draw_samples
from topophys.interpret.subjects import Subject
from topophys.learn import Run

__all__ = ["CausalReport", "CausalResult", "causal_tests"]


@dataclass(frozen=True)
class CausalResult:
    """How often a change inside the network did what was predicted.

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
class CausalReport(RowReport):
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
    r"""Erase, steer and swap what the layers hold, and predict the integer from exact physics.

    *Erase* (chains, h1): what a linear map can read of a quantity is removed; without the angle
    the network should know nothing, without a control quantity or random directions as many,
    nothing should change. *Steer* (chains, h1): the layer is moved along the directions that
    encode :math:`(\cos\alpha, \sin\alpha)` to where it would be for another angle
    :math:`\alpha' = \alpha + m k` or :math:`-\alpha`; the predicted integer is the winding of
    :math:`\alpha'`. *Swap* (last layer): the links (plaquettes) of a part of the zone are taken
    from another Hamiltonian; since the output is a sum over the zone,

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
    _checks.positive_int(n_swaps, "n_swaps")
    _checks.positive_int(n_random, "n_random")
    samples = draw_samples(dataset, split, n_hamiltonians, seed)
    subject = Subject(run.encoder)
    last = next(layer for layer in LAYERS[dataset.kind] if layer.last)
    jobs: list[Callable[[], list[Outcome]]] = []
    if dataset.kind == "winding":
        chains = ChainInterventions(subject, samples, seed)
        jobs += [lambda: chains.erase(n_random), chains.steer, lambda: chains.swap(n_swaps // 5)]
    jobs.append(lambda: swap_sums(subject, samples, last, n_swaps, seed))
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
