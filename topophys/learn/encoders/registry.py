"""Which network reads which kind of data set."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

from torch import nn

from topophys.datasets.tasks import OfEachTask
from topophys.errors import KindError, RecipeError
from topophys.learn.encoders.chain import TopologicalMLEncoder
from topophys.learn.encoders.loops import TopologicalMLEncoderLoops
from topophys.learn.encoders.plane import TopologicalMLEncoder2D

__all__ = ["ENCODERS", "READERS", "build_encoder", "encoder_name", "rebuild_encoder"]

#: Networks by the name that stands in checkpoints.
ENCODERS: Final[Mapping[str, type[nn.Module]]] = {
    "TopologicalMLEncoder": TopologicalMLEncoder,
    "TopologicalMLEncoder2D": TopologicalMLEncoder2D,
    "TopologicalMLEncoderLoops": TopologicalMLEncoderLoops,
}
#: Name of the network that reads a kind of data set.
READERS: Final[Mapping[str, str]] = OfEachTask(lambda task: task.encoder)


def encoder_name(kind: str) -> str:
    """Name of the network that reads a kind of data set.

    Parameters
    ----------
    kind : str
        Kind of data set, as in the schema.

    Returns
    -------
    str
        A key of `ENCODERS`.

    Raises
    ------
    KindError
        If no network reads that kind.

    Examples
    --------
    >>> encoder_name("chern")
    'TopologicalMLEncoder2D'
    """
    if kind not in READERS:
        raise KindError(
            f"Argument `kind` must be a kind of data set that a network reads"
            f" ({', '.join(READERS)}), but is {kind!r}."
        )
    return READERS[kind]


def build_encoder(
    kind: str, shape: Sequence[int], settings: Mapping[str, Any] | None = None
) -> nn.Module:
    """Make a new network for a data set; its weights come from the global state of torch.

    Parameters
    ----------
    kind : str
        Kind of data set, as in the schema.
    shape : sequence of int
        Shape of one sample of `x`, without the axis of samples: (N, c) or (Nx, Ny, c).
    settings : mapping of str to Any, optional
        Keyword arguments of the network, except those that follow from `kind` and `shape`.

    Returns
    -------
    torch.nn.Module
        The network; its `settings` make the same one again with `rebuild_encoder`.

    Raises
    ------
    KindError
        If no network reads that kind.
    RecipeError
        If the network has no such setting.
    InputError
        If a setting is impossible.

    Examples
    --------
    >>> encoder = build_encoder("winding", (32, 8), {"hidden_dims": (8, 8, 16)})
    >>> type(encoder).__name__, encoder.settings["input_dim"]
    ('TopologicalMLEncoder', 8)
    """
    name = encoder_name(kind)
    *grid, channels = (int(n) for n in shape)
    points = {"k_points": grid[0]} if len(grid) == 1 else {"k_grid": tuple(grid)}
    chosen = {**(settings or {}), "input_dim": channels, **points}
    known = set(inspect.signature(ENCODERS[name]).parameters)
    if unknown := sorted(set(chosen) - known):
        raise RecipeError(
            f"Training settings: `encoder.{unknown[0]}` is not a setting of {name}; known are"
            f" {', '.join(sorted(known))}."
        )
    return ENCODERS[name](**chosen)


def rebuild_encoder(name: str, settings: Mapping[str, Any]) -> nn.Module:
    """Make a network again from what a checkpoint says of it, with random weights.

    Parameters
    ----------
    name : str
        Key of `ENCODERS`.
    settings : mapping of str to Any
        The attribute `settings` of the network that was saved.

    Returns
    -------
    torch.nn.Module
        The network.

    Raises
    ------
    KindError
        If there is no such network.
    TypeError, InputError
        If it has no such setting, or one is impossible.

    Examples
    --------
    >>> rebuild_encoder("TopologicalMLEncoder", {"hidden_dims": [4, 4, 4]}).settings["k_points"]
    32
    """
    if name not in ENCODERS:
        raise KindError(
            f"Argument `name` must be one of {', '.join(ENCODERS)}, but is {name!r}; it may be of a"
            " newer release."
        )
    return ENCODERS[name](**settings)
