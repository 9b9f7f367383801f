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

    With the confidences c_s, the answers r_s and the labels l_s, it is the smallest t >= 1/2 with
    #{s : c_s >= t, r_s != l_s} <= #{s : c_s >= t} / 1000, put in the middle between the last
    confidence that is accepted and the first that is not.

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
        every answer is refused, where no confidence is good enough or no answer has one of 1/2.

    Examples
    --------
    >>> calibrated_threshold(np.array([0.0, 0.9, 0.7]), np.array([0, 1, 1]))
    0.5
    >>> calibrated_threshold(np.array([0.0, 0.9, 0.8]), np.array([0, 1, 0])) > 0.6
    True
    """
    nearest = np.rint(real)
    confidence = 1.0 - 2.0 * np.abs(real - nearest)
    # what is less sure is refused in any case: it says nothing about the answers that are given
    heard = confidence >= LEAST_CONFIDENCE
    # the share of errors is not monotone in the threshold: every threshold counts for itself
    level, group = np.unique(-confidence[heard], return_inverse=True)
    wrong = np.bincount(group, (nearest != label)[heard], len(level)).cumsum()
    accepted = np.bincount(group, minlength=len(level)).cumsum()
    allowed = np.flatnonzero(wrong <= ALLOWED_ERRORS * accepted)
    if not len(allowed):
        return 1.0 + float(np.finfo(np.float64).eps)
    last = allowed[-1]
    if last == len(level) - 1:
        return LEAST_CONFIDENCE
    # between the last that is accepted and the first that is not
    least, next_one = -level[last], -level[last + 1]
    middle = 0.5 * (least + next_one)
    return float(middle if middle > next_one else least)
