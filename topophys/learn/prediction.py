"""What a network says of Hamiltonians, and when it should rather say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

__all__ = ["LEAST_CONFIDENCE", "Prediction", "calibrated_threshold"]

#: Confidence below which a network abstains at least: a quarter away from the integer.
LEAST_CONFIDENCE: Final = 0.5
#: Share of errors among accepted answers that calibration allows.
ALLOWED_ERRORS: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of a batch of Hamiltonians.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Nearest integer.
    real : float64 ndarray of shape (...)
        Prediction before rounding.
    threshold : float
        Confidence below which the network abstains.

    Examples
    --------
    >>> answer = Prediction(np.array([1, 0]), np.array([1.0, 0.25]), threshold=0.6)
    >>> answer.confidence, answer.sure(0.6), answer.abstains
    (array([1. , 0.5]), array([ True, False]), array([False,  True]))
    """

    value: Int[np.ndarray, "..."]
    real: Float[np.ndarray, "..."]
    threshold: float = LEAST_CONFIDENCE

    def __repr__(self) -> str:
        total, silent = self.value.size, int(self.abstains.sum())
        values, counts = np.unique(self.value[~self.abstains], return_counts=True)
        pairs = [f"{v:+d}: {c}" for v, c in zip(values, counts, strict=True)]
        lines = [f"Prediction for {total} Hamiltonian{'s' * (total != 1)}: {silent} abstained from"]
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        if total:
            lines.append(f"  confidence       {np.median(self.confidence):.3f} (median)")
        lines.append(f"  asked for        {self.threshold:.3f}")
        return "\n".join(lines)

    @property
    def distance(self) -> Float[np.ndarray, "..."]:
        """Distance to the nearest integer, at most 1/2."""
        return np.asarray(np.abs(self.real - self.value))

    @property
    def confidence(self) -> Float[np.ndarray, "..."]:
        """1 on an integer, 0 half way between two."""
        return np.asarray(1.0 - 2.0 * self.distance)

    @property
    def abstains(self) -> Bool[np.ndarray, "..."]:
        """Where the answer lies too far from an integer to be one."""
        return np.asarray(~self.sure(self.threshold))

    def sure(self, threshold: float = LEAST_CONFIDENCE) -> Bool[np.ndarray, "..."]:
        """Where the confidence is at least `threshold`.

        Parameters
        ----------
        threshold : float, optional
            Smallest confidence to accept.

        Returns
        -------
        bool ndarray of shape (...)
            False where the network should rather abstain.
        """
        return np.asarray(self.confidence >= threshold)


def calibrated_threshold(real: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Smallest confidence at which at most one in a thousand accepted answers is wrong.

    Parameters
    ----------
    real : float64 ndarray of shape (S,)
        Predictions before rounding, on samples that were not learnt from.
    label : int64 ndarray of shape (S,)
        Invariants.

    Returns
    -------
    float
        At least 1/2, since nothing else is known of inputs of another kind; above 1, so that
        every answer is refused, where no confidence is good enough.

    Examples
    --------
    >>> calibrated_threshold(np.array([0.0, 0.9, 0.7]), np.array([0, 1, 1]))
    0.5
    >>> calibrated_threshold(np.array([0.0, 0.9, 0.8]), np.array([0, 1, 0])) > 0.6
    True
    """
    nearest = np.rint(real)
    confidence = 1.0 - 2.0 * np.abs(real - nearest)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(nearest[order] != label[order])
    allowed = np.flatnonzero(wrong <= ALLOWED_ERRORS * np.arange(1, len(order) + 1))
    if not len(allowed):
        return 1.0 + np.finfo(np.float64).eps
    last = allowed[-1]
    if last == len(order) - 1:
        return LEAST_CONFIDENCE
    # between the last that is accepted and the first that is not
    ends = confidence[order[last : last + 2]]
    return max(LEAST_CONFIDENCE, float(ends.mean()))
