"""Layers of a network as arrays that line up with the k points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from topophys import _checks
from topophys.errors import InputError
from topophys.interpret.hooks import captured, layer_modules
from topophys.interpret.layout import Layout, channels_last, input_grid
from topophys.learn.evaluate import batches, placement

__all__ = ["activation_batches", "activations"]

#: Where networks of this package show the layers on their path.
LOCAL: Final = "local_features"
#: Most memory that one call may fill with activations.
MAX_BYTES: Final = 2 << 30

Batch: TypeAlias = dict[str, NDArray[np.float64]]


def activations(
    module: nn.Module,
    x: ArrayLike,
    *,
    layers: Sequence[str] | None = None,
    layout: Layout = "auto",
    input_layout: Literal["channels_last", "channels_first"] = "channels_last",
    batch_size: int = 1024,
    max_bytes: int = MAX_BYTES,
) -> dict[str, Float[np.ndarray, "samples *places c"]]:
    """Activations of layers of any network, channels last, in float64.

    A layer is a submodule, by the name of ``module.named_modules()`` ("features.3"), or an entry
    of ``output["local_features"]`` of the networks of this package ("h1_features"). A layer with
    as many places as the input has k points along every direction (or a multiple, where the
    network refines the grid) lines up with the points, links or plaquettes of the same index.

    Parameters
    ----------
    module : torch.nn.Module
        Any network; left in evaluation mode.
    x : array-like of shape (S, *grid, c) or (S, c, *grid)
        Inputs, as the data sets store them, or with channels first where the network wants them
        so.
    layers : sequence of str, optional
        Names; all of "local_features" by default.
    layout : {"auto", "channels_last", "channels_first"}, optional
        Where the layers have their channels. "auto" compares their shapes with that of the input,
        and asks where both would fit.
    input_layout : {"channels_last", "channels_first"}, optional
        Where `x` has its channels.
    batch_size : int, optional
        Samples at a time.
    max_bytes : int, optional
        Most memory for the result; `activation_batches` holds one batch only.

    Returns
    -------
    dict of float64 ndarray of shape (S, *grid, C)
        By name; of shape (S, C) for layers without places. Entries of "local_features" may have
        further axes before the channels, such as the two directions of links.

    Raises
    ------
    ShapeError, InputError
        If `x` has other axes or is not finite, a layer does not exist, is not called exactly
        once, returns no tensor, does not line up with the k points, or fits both layouts; or if
        the result would be too large.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from topophys.learn import TopologicalMLEncoder
    >>> hidden = activations(TopologicalMLEncoder(hidden_dims=(6, 4, 8)), np.ones((3, 32, 8)))
    >>> hidden["h1_features"].shape, hidden["h2_features"].shape
    ((3, 32, 6), (3, 32, 4))
    >>> own = nn.Sequential(nn.Conv1d(8, 5, 1), nn.ReLU())
    >>> found = activations(
    ...     own, np.ones((3, 8, 32)), layers=["1"], input_layout="channels_first"
    ... )
    >>> found["1"].shape
    (3, 32, 5)
    """
    whole: dict[str, NDArray[np.float64]] = {}
    inputs = _inputs(x, input_layout)
    limit = _checks.positive_int(max_bytes, "max_bytes")
    for part, found in activation_batches(
        module,
        inputs,
        layers=layers,
        layout=layout,
        input_layout=input_layout,
        batch_size=batch_size,
    ):
        if not whole:
            whole = _allocate(found, len(inputs), limit)
        for name, value in found.items():
            whole[name][part] = value
    return whole


def activation_batches(
    module: nn.Module,
    x: ArrayLike,
    *,
    layers: Sequence[str] | None = None,
    layout: Layout = "auto",
    input_layout: Literal["channels_last", "channels_first"] = "channels_last",
    batch_size: int = 1024,
) -> Iterator[tuple[slice, Batch]]:
    """Activations batch by batch, for sums over more samples than fit into memory.

    Parameters
    ----------
    module, x, layers, layout, input_layout, batch_size
        As for `activations`.

    Yields
    ------
    slice, dict of float64 ndarray
        Which samples, and their activations by name.

    Raises
    ------
    ShapeError, InputError
        As `activations`.
    """
    inputs = _inputs(x, input_layout)
    size = _checks.positive_int(batch_size, "batch_size")
    grid = input_grid(inputs.shape, input_layout)
    _checks.one_of(layout, "layout", ("auto", "channels_last", "channels_first"))
    module.eval()
    device, dtype = placement(module)
    hooked = [] if layers is None else [n for n in layers if n in layer_modules(module)]
    for part in batches(len(inputs), size):
        batch = torch.from_numpy(inputs[part]).to(device, dtype)
        with torch.no_grad(), captured(module, hooked) as seen:
            output = module(batch)
        local = _local(output, layers, hooked)
        found = {name: _array(value) for name, value in local.items()}
        found |= {n: channels_last(_array(seen[n]), grid, layout, n) for n in hooked}
        yield part, found if layers is None else {name: found[name] for name in layers}


def _inputs(x: ArrayLike, input_layout: str) -> NDArray[np.float64]:
    _checks.one_of(input_layout, "input_layout", ("channels_last", "channels_first"))
    axes = "(..., S, N, c)" if input_layout == "channels_last" else "(..., S, c, N)"
    return _checks.as_real(x, "x", axes)


def _local(output: Any, layers: Sequence[str] | None, hooked: list[str]) -> dict[str, Tensor]:
    known: dict[str, Tensor] = output.get(LOCAL, {}) if isinstance(output, dict) else {}
    if layers is None:
        if not known:
            raise InputError(
                "Argument `layers` must name submodules of this network, whose output has no"
                f" {LOCAL!r}; see `module.named_modules()`."
            )
        return dict(known)
    for name in layers:
        if name not in known and name not in hooked:
            raise InputError(
                f"Argument `layers` must name submodules or local features, but {name!r} is"
                f" neither; local features: {', '.join(known) or 'none'}; submodules: see"
                " `module.named_modules()`."
            )
    return {name: known[name] for name in layers if name not in hooked}


def _array(value: Tensor) -> NDArray[np.float64]:
    array: NDArray[np.float64] = value.detach().double().cpu().numpy()
    return array


def _allocate(found: Batch, n_samples: int, limit: int) -> Batch:
    wanted = {name: (n_samples, *value.shape[1:]) for name, value in found.items()}
    total = 8 * sum(int(np.prod(shape)) for shape in wanted.values())
    if total > limit:
        raise InputError(
            f"Activations of {n_samples} samples need {total / 1e9:.1f} GB, more than"
            f" `max_bytes` = {limit / 1e9:.1f} GB; take fewer samples or layers, or use"
            " `activation_batches`."
        )
    return {name: np.empty(shape) for name, shape in wanted.items()}
