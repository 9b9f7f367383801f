"""Results of probes, each beside its controls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ProbeReport", "ProbeResult"]


@dataclass(frozen=True)
class ProbeResult:
    """One probe of one layer.

    Attributes
    ----------
    layer : str
        Name of the layer.
    target : str
        Exact quantity that is predicted.
    source : str
        "trained", "untrained", "shuffled" (trained features, targets of other Hamiltonians) or
        "raw input" (no network).
    r2 : float
        Held-out share of explained variance; the mean over initialisations for "untrained".
    low, high : float
        95 % bootstrap interval over Hamiltonians; for "untrained" the smallest and largest of the
        initialisations.

    Examples
    --------
    >>> ProbeResult("h2_features", "dalpha", "trained", 0.98, 0.97, 0.99).r2
    0.98
    """

    layer: str
    target: str
    source: str
    r2: float
    low: float
    high: float


@dataclass(frozen=True)
class ProbeReport:
    """All probes of a network on one split.

    Attributes
    ----------
    split : str
        Split of the data set that was used.
    n_hamiltonians, n_untrained, folds : int
        How many Hamiltonians, untrained networks and cross-validation folds.
    seed : int
        Seed of subsets, shuffles and untrained networks.
    results : tuple of ProbeResult
        Grouped by layer.

    Examples
    --------
    >>> row = ProbeResult("h2_features", "dalpha", "trained", 0.98, 0.97, 0.99)
    >>> ProbeReport("test", 1000, 5, 5, 0, (row,))
    Linear probes, held-out R2 on 1000 Hamiltonians of `test` (5 folds by Hamiltonian; ...)
      layer         target                    source            R2   95 % interval
      h2_features   dalpha                    trained       0.9800   [0.9700, 0.9900]
    """

    split: str
    n_hamiltonians: int
    n_untrained: int
    folds: int
    seed: int
    results: tuple[ProbeResult, ...]

    def r2(self, layer: str, source: str) -> float:
        """Explained variance of one probe.

        Parameters
        ----------
        layer, source : str
            As in `ProbeResult`.

        Returns
        -------
        float
            The held-out R^2.

        Raises
        ------
        KeyError
            If there is no such probe.
        """
        for result in self.results:
            if (result.layer, result.source) == (layer, source):
                return result.r2
        raise KeyError((layer, source))

    def to_dict(self) -> dict[str, Any]:
        """Content as plain dicts and lists, ready for JSON.

        Returns
        -------
        dict
            With the attributes as keys.
        """
        return asdict(self) | {"results": [asdict(result) for result in self.results]}

    def __repr__(self) -> str:
        header = (
            f"Linear probes, held-out R2 on {self.n_hamiltonians} Hamiltonians of `{self.split}`"
            f" ({self.folds} folds by Hamiltonian; {self.n_untrained} untrained networks, mean and"
            " range)"
        )
        lines = [header, f"  {'layer':<14}{'target':<26}{'source':<12}{'R2':>8}   95 % interval"]
        lines += [
            f"  {r.layer:<14}{r.target:<26}{r.source:<12}{r.r2:>8.4f}   [{r.low:.4f}, {r.high:.4f}]"
            for r in self.results
        ]
        return "\n".join(lines)
