"""Registry of encoders: which network reads which kind of data set."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from torch import nn

from topophys import _validation
from topophys.datasets.tasks import OfEachTask
from topophys.errors import InputError, KindError, RecipeError
from topophys.learn.encoders.chain import TopologicalMLEncoder
from topophys.learn.encoders.loops import TopologicalMLEncoderLoops
from topophys.learn.encoders.plane import TopologicalMLEncoder2D

__all__ = [
    "ENCODERS",
    "READERS",
    "build_encoder",
    "encoder_class",
    "rebuild_encoder",
    "register_encoder",
    "registered_name",
]


class Entry(NamedTuple):
    """An encoder, the kind of data it reads, and settings that older checkpoints leave out."""

    cls: type[nn.Module]
    kind: str
    older: Mapping[str, Any] = MappingProxyType({})


#: Encoders by their name in settings and checkpoints. A new one in the package is one more line;
#: that of users is added by `register_encoder`.
ENCODERS: Final[dict[str, Entry]] = {
    "TopologicalMLEncoder": Entry(TopologicalMLEncoder, "winding"),
    # networks that were written before there was this setting learned h1
    "TopologicalMLEncoder2D": Entry(
        TopologicalMLEncoder2D, "chern", older={"rotation_invariant": False}
    ),
    "TopologicalMLEncoderLoops": Entry(TopologicalMLEncoderLoops, "bands"),
}
#: Name of the default network for each kind of data set.
READERS: Final[Mapping[str, str]] = OfEachTask(lambda task: task.encoder)
#: Names that `register_encoder` does not give away.
BUILT_IN: Final = tuple(ENCODERS)


def register_encoder(name: str, cls: type[nn.Module], kind: str) -> None:
    """Register a network for settings, checkpoints and the command line.

    `FitConfig(encoder={"name": name})` trains it, and `load_run` builds it again. An instance
    needs the attribute `settings`, the keyword arguments that make the same network again.
    `input_dim` and `k_points` (chains) or `k_grid` (two dimensions) are passed if `cls` has such
    arguments.

    Parameters
    ----------
    name : str
        Name in settings and checkpoints; a name of the package cannot be taken.
    cls : type
        Subclass of `torch.nn.Module` that maps inputs (B, N, channels) or (B, Nx, Ny, channels)
        to the output of `TopologicalMLEncoder`, or to class scores (B, num_classes).
    kind : {"winding", "chern", "bands"}
        Kind of data set that it reads.

    Raises
    ------
    InputError
        If the name is taken by another class, `cls` is not a module class, or `kind` is unknown.

    Examples
    --------
    >>> class Linear(nn.Module):
    ...     def __init__(self, input_dim=8, num_classes=3):
    ...         super().__init__()
    ...         self.settings = {"input_dim": input_dim, "num_classes": num_classes}
    ...         self.scores = nn.Linear(input_dim, num_classes)
    ...     def forward(self, x):
    ...         return self.scores(x.mean(1))
    >>> register_encoder("Linear", Linear, "winding")
    >>> build_encoder("winding", (32, 8), name="Linear").settings["input_dim"]
    8
    """
    _validation.one_of(kind, "kind", tuple(READERS))
    if nn.Module not in getattr(cls, "__mro__", ()):
        raise InputError(f"Argument `cls` must be a subclass of torch.nn.Module, but is {cls!r}.")
    if name in BUILT_IN:
        raise InputError(f"Argument `name` must not be one of the package, but is {name!r}.")
    ENCODERS[name] = Entry(cls, kind)


def registered_name(encoder: nn.Module) -> str | None:
    """Name under which the class of a network is registered, if it is."""
    names = (name for name, entry in ENCODERS.items() if entry.cls is type(encoder))
    return next(names, None)


def encoder_class(kind: str, name: str | None = None) -> tuple[str, type[nn.Module]]:
    """Name and class of the network for a kind of data set; the default one without a name."""
    if kind not in READERS:
        raise KindError(
            f"Argument `kind` must be a kind of data set that a network reads"
            f" ({', '.join(READERS)}), but is {kind!r}."
        )
    chosen = READERS[kind] if name is None else name
    # a task of users may have the default network of another kind
    known = dict.fromkeys([READERS[kind], *(n for n, e in ENCODERS.items() if e.kind == kind)])
    if chosen not in known:
        raise RecipeError(
            f"Training settings: `encoder.name` must be a network for {kind!r} data"
            f" ({', '.join(known)}), but is {chosen!r}; see `register_encoder`."
        )
    return chosen, ENCODERS[chosen].cls


def build_encoder(
    kind: str,
    shape: Sequence[int],
    settings: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
) -> nn.Module:
    """Make a new network for a data set; its weights come from the global state of torch."""
    chosen, cls = encoder_class(kind, name)
    *grid, channels = (int(n) for n in shape)
    points = {"k_points": grid[0]} if len(grid) == 1 else {"k_grid": tuple(grid)}
    derived: dict[str, Any] = {"input_dim": channels, **points}
    known = set(inspect.signature(cls).parameters)
    if name is not None:
        derived = {key: value for key, value in derived.items() if key in known}
    arguments = {**(settings or {}), **derived}
    if unknown := sorted(set(arguments) - known):
        raise RecipeError(
            f"Training settings: `encoder.{unknown[0]}` is not a setting of {chosen}; known are"
            f" {', '.join(sorted(known))}."
        )
    return cls(**arguments)


def rebuild_encoder(name: str, settings: Mapping[str, Any]) -> nn.Module:
    """Make the network of a checkpoint, with random weights."""
    if name not in ENCODERS:
        raise KindError(
            f"Argument `name` must be one of {', '.join(ENCODERS)}, but is {name!r}; register it"
            " by `register_encoder`, or use the release that wrote it."
        )
    entry = ENCODERS[name]
    return entry.cls(**{**entry.older, **settings})
