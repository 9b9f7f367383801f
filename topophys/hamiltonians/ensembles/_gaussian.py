"""Complex Gaussian coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def complex_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Draw independent complex normal numbers with E|z|^2 = 1.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape of the result.

    Returns
    -------
    complex128 ndarray of shape `shape`
        Real and imaginary parts have variance 1/2.
    """
    parts = rng.standard_normal((*shape, 2))
    parts *= np.sqrt(0.5)
    return parts.view(np.complex128)[..., 0]
