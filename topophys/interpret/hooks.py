"""Activations of any network as arrays aligned with the k points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, KindError, ShapeError
from topophys.learn.run import batches, placement

__all__ = [
    "Layout",
    "activation_batches",
    "activations",
    "captured",
    "channels_last",
    "input_grid",
    "layer_modules",
    "module_of_feature",
    "replaced",
]


# ---- Layouts

Layout: TypeAlias = Literal["auto", "channels_last", "channels_first"]


def input_grid(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Numbers of k points of an input.

    Examples
    --------
    >>> input_grid((5, 12, 16, 3), "channels_last"), input_grid((5, 8, 32), "channels_first")
    ((12, 16), (32,))
    """
    return shape[1:-1] if layout == "channels_last" else shape[2:]


def channels_last(
    value: NDArray[np.float64], grid: tuple[int, ...], layout: Layout, name: str
) -> NDArray[np.float64]:
    """Move the channels of a layer to the end, and check that its places are those of the grid."""
    # value of (S, ...) -> (S, *places, C) or (S, C)
    if value.ndim == 2:
        return value
    shape = value.shape
    last, first = _multiple(shape[1:-1], grid), _multiple(shape[2:], grid)
    if layout == "auto":
        # a layer on the grid itself is meant rather than one on a refined grid
        exact = shape[1:-1] == grid, shape[2:] == grid
        if any(exact):
            last, first = exact
        if last and first:
            raise InputError(
                f"Layer {name!r} has shape {shape}, in which both the first and the last axis may"
                ' be the channels; say layout="channels_last" or layout="channels_first".'
            )
    else:
        last, first = last and layout == "channels_last", first and layout == "channels_first"
    if not (last or first):
        raise ShapeError(
            f"Layer {name!r} has shape {shape}, which does not line up with {grid} k points"
            f" ({layout}); give a layer before any pooling, or the right layout."
        )
    return value if last else np.ascontiguousarray(np.moveaxis(value, 1, -1))


def _multiple(places: tuple[int, ...], grid: tuple[int, ...]) -> bool:
    if len(places) != len(grid) or any(p % n for p, n in zip(places, grid, strict=True)):
        return False
    factors = {p // n for p, n in zip(places, grid, strict=True)}
    return len(factors) == 1 and 0 not in factors


# ---- Hooks


def layer_modules(module: nn.Module) -> dict[str, nn.Module]:
    """Submodules by name, without the network itself."""
    return {name: part for name, part in module.named_modules() if name}


@contextmanager
def captured(module: nn.Module, layers: Sequence[str]) -> Iterator[Mapping[str, Tensor]]:
    """Keep the outputs of some layers of the forward pass inside the block."""
    outputs: dict[str, Tensor] = {}
    calls = dict.fromkeys(layers, 0)

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            calls[name] += 1
            outputs[name] = _tensor(output, name)

        return hook

    with ExitStack() as stack:
        for name in layers:
            stack.callback(_find(module, name).register_forward_hook(keep(name)).remove)
        yield outputs
    for name, count in calls.items():
        if count != 1:
            raise InputError(
                f"Layer {name!r} must be called once in a forward pass, but was called {count}"
                " times; name another submodule."
            )


@contextmanager
def replaced(
    module: nn.Module, changes: Mapping[str, Callable[[Tensor], Tensor]]
) -> Iterator[None]:
    """Change the outputs of some layers of every forward pass inside the block."""

    def swap(name: str, change: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Tensor:
            before = _tensor(output, name)
            after = change(before)
            if after.shape != before.shape:
                raise InputError(
                    f"Argument `changes` must keep the shape {tuple(before.shape)} of layer"
                    f" {name!r}, but gives {tuple(after.shape)}."
                )
            return after

        return hook

    with ExitStack() as stack:
        for name, change in changes.items():
            part = _find(module, name)
            stack.callback(part.register_forward_hook(swap(name, change)).remove)
        yield


@torch.no_grad()
def module_of_feature(module: nn.Module, x: Tensor, feature: str) -> str:
    """Name of the submodule that returns an entry of ``output["local_features"]``."""
    outputs: dict[str, Any] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda _module, _inputs, output: outputs.__setitem__(name, output)

    with ExitStack() as stack:
        for name, part in layer_modules(module).items():
            stack.callback(part.register_forward_hook(keep(name)).remove)
        local = module(x)["local_features"]
    for name, value in outputs.items():
        if feature in local and value is local[feature]:
            return name
    if feature in local:
        raise InputError(
            f"Argument `feature` must be the output of a submodule, where it can be exchanged, but"
            f" {feature!r} is computed outside of one: compute it by a module of its own."
        )
    raise InputError(
        f"Argument `feature` must be one of {', '.join(local) or 'none'}, but is {feature!r}."
    )


def _find(module: nn.Module, name: str) -> nn.Module:
    known = layer_modules(module)
    if name not in known:
        raise InputError(
            f"Argument `layers` must name submodules, but has {name!r}; there are"
            f" {', '.join(list(known)[:20])}."
        )
    return known[name]


def _tensor(output: Any, name: str) -> Tensor:
    if isinstance(output, tuple | list) and output:
        output = output[0]  # recurrent and attention layers return their output first
    if not isinstance(output, Tensor):
        raise InputError(
            f"Layer {name!r} must return a tensor, but returns {type(output).__name__}; name a"
            " submodule of it."
        )
    return output


# ---- Activations

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
        Inputs, as the data sets store them, or with channels first where the network expects them
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
        once, returns no tensor, is not finite, does not line up with the k points, or fits both
        layouts; or if the result would be too large.

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
    limit = _validation.positive_int(max_bytes, "max_bytes")
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
            if not np.isfinite(value).all():
                raise InputError(
                    f"Argument `module` must give finite numbers, but layer `{name}` gives NaN or"
                    " infinity; train it again."
                )
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
    if not isinstance(module, nn.Module):
        raise KindError(
            f"Argument `module` must be a torch.nn.Module, but is {_validation.short(module)}; that"
            " of a run is `load_encoder(run.path)`."
        )
    inputs = _inputs(x, input_layout)
    size = _validation.positive_int(batch_size, "batch_size")
    grid = input_grid(inputs.shape, input_layout)
    _validation.one_of(layout, "layout", ("auto", "channels_last", "channels_first"))
    module.eval()
    device, dtype = placement(module)
    hooked = [] if layers is None else [n for n in layers if n in layer_modules(module)]
    for part in batches(len(inputs), size):
        batch = torch.from_numpy(inputs[part]).to(device, dtype)
        with torch.no_grad(), captured(module, hooked) as outputs:
            output = module(batch)
        local = _local(output, layers, hooked)
        found = {name: _array(value) for name, value in local.items()}
        found |= {n: channels_last(_array(outputs[n]), grid, layout, n) for n in hooked}
        yield part, found if layers is None else {name: found[name] for name in layers}


def _inputs(x: ArrayLike, input_layout: str) -> NDArray[np.float64]:
    _validation.one_of(input_layout, "input_layout", ("channels_last", "channels_first"))
    axes = "(..., S, N, c)" if input_layout == "channels_last" else "(..., S, c, N)"
    return _validation.as_real(x, "x", axes)


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
