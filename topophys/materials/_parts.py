"""What the encoders of materials have in common."""

from __future__ import annotations

from torch import Tensor, nn

from topophys.errors import ShapeError

__all__ = ["demand", "each", "read_out"]


def demand(x: Tensor, name: str, tail: tuple[str | int, ...]) -> None:
    """Refuse inputs of another shape.

    Parameters
    ----------
    x : tensor
        The input, materials first.
    name : str
        Name of the argument, for the message.
    tail : tuple of str or int
        The other axes: a length, or a letter that stands for any.

    Raises
    ------
    ShapeError
        If `x` has other axes.

    Examples
    --------
    >>> import torch
    >>> demand(torch.zeros(5, 7, 3), "x", ("T", 3))
    """
    wanted = (None, *(size if isinstance(size, int) else None for size in tail))
    fits = x.ndim == len(wanted) and all(
        size in {None, length} for size, length in zip(wanted, x.shape, strict=True)
    )
    if not fits:
        axes = ", ".join(["B", *map(str, tail)])
        raise ShapeError(f"Argument `{name}` must have shape ({axes}), but has {tuple(x.shape)}.")


def each(n_in: int, width: int) -> nn.Sequential:
    """Perceptron with one hidden layer on the features of each k point or token.

    Parameters
    ----------
    n_in, width : int
        Numbers of features before and after.

    Returns
    -------
    torch.nn.Sequential
        Maps (..., n_in) to (..., width).
    """
    return nn.Sequential(nn.Linear(n_in, width), nn.GELU(), nn.Linear(width, width))


def read_out(width: int, n_out: int) -> nn.Sequential:
    """Last layer on two summaries of a set, side by side.

    Parameters
    ----------
    width, n_out : int
        Number of features of each summary, and of the result.

    Returns
    -------
    torch.nn.Sequential
        Maps (B, 2 width) to (B, n_out).
    """
    return nn.Sequential(nn.Linear(2 * width, n_out), nn.GELU())
