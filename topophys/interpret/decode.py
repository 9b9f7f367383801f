"""Linear read-out of the winding angle from a layer, for pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import Ridge

from topophys.errors import ShapeError

__all__ = ["LinearDecoder", "fit_decoder"]


@dataclass(frozen=True, eq=False)
class LinearDecoder:
    """Affine map from the channels of a layer to a few numbers.

    Attributes
    ----------
    weights : float64 ndarray of shape (C, T)
        One column for each number.
    bias : float64 ndarray of shape (T,)
        Offsets.
    """

    weights: Float[np.ndarray, "c t"]
    bias: Float[np.ndarray, " t"]

    def __call__(self, features: Float[np.ndarray, "... c"]) -> Float[np.ndarray, "... t"]:
        """Apply the map.

        Parameters
        ----------
        features : float64 ndarray of shape (..., C)
            Activations.

        Returns
        -------
        float64 ndarray of shape (..., T)
            Numbers read out.

        Raises
        ------
        ShapeError
            If there are not C channels.
        """
        if features.shape[-1:] != self.weights.shape[:1]:
            raise ShapeError(
                f"Argument `features` must have {len(self.weights)} channels, but has shape"
                f" {features.shape}."
            )
        return np.asarray(features @ self.weights + self.bias)


def fit_decoder(
    features: Float[np.ndarray, "samples k c"], target: Float[np.ndarray, "samples k t"]
) -> LinearDecoder:
    """Least-squares map from activations to exact quantities.

    Fit it on other Hamiltonians than those shown.

    Parameters
    ----------
    features : float64 ndarray of shape (S, N, C)
        Activations.
    target : float64 ndarray of shape (S, N, T)
        Exact quantities at the same places, for example cos and sin of the winding angle.

    Returns
    -------
    LinearDecoder
        The map, with a small ridge penalty.

    Raises
    ------
    ShapeError
        If the places of features and targets are not the same.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard, Technometrics 12, 55 (1970).

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((20, 8, 3))
    >>> decoder = fit_decoder(x, x[..., :1] + 1.0)
    >>> bool(np.allclose(decoder(x), x[..., :1] + 1.0, atol=1e-4))
    True
    """
    if features.shape[:-1] != target.shape[:-1]:
        raise ShapeError(
            f"Argument `target` must have shape (S, N, T) with (S, N) = {features.shape[:-1]} as"
            f" `features` has, but has {target.shape}."
        )
    rows = features.reshape(-1, features.shape[-1])
    model = Ridge(alpha=1e-4).fit(rows, target.reshape(len(rows), -1))
    weights = np.asarray(model.coef_).reshape(-1, rows.shape[1]).T
    return LinearDecoder(np.ascontiguousarray(weights), np.atleast_1d(model.intercept_))
