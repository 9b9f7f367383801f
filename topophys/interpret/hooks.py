"""Reading and replacing the outputs of submodules while a network runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from topophys.errors import InputError

__all__ = ["captured", "layer_modules", "module_of_feature", "replaced"]


def layer_modules(module: nn.Module) -> dict[str, nn.Module]:
    """Submodules by name, without the network itself.

    Parameters
    ----------
    module : torch.nn.Module
        A network.

    Returns
    -------
    dict of str to torch.nn.Module
        As ``named_modules`` gives them.
    """
    return {name: part for name, part in module.named_modules() if name}


@contextmanager
def captured(module: nn.Module, layers: Sequence[str]) -> Iterator[Mapping[str, Tensor]]:
    """Keep the outputs of some layers of the forward pass inside the block.

    Parameters
    ----------
    module : torch.nn.Module
        A network.
    layers : sequence of str
        Names of submodules.

    Yields
    ------
    mapping of str to tensor
        Filled while the network runs.

    Raises
    ------
    InputError
        If a layer does not exist, returns no tensor, or was not called exactly once.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with captured(net, ["0"]) as seen:
    ...     out = net(torch.ones(5, 2))
    >>> seen["0"].shape
    torch.Size([5, 3])
    """
    seen: dict[str, Tensor] = {}
    calls = dict.fromkeys(layers, 0)

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            calls[name] += 1
            seen[name] = _tensor(output, name)

        return hook

    with ExitStack() as stack:
        for name in layers:
            stack.callback(_find(module, name).register_forward_hook(keep(name)).remove)
        yield seen
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
    """Change the outputs of some layers of every forward pass inside the block.

    Parameters
    ----------
    module : torch.nn.Module
        A network.
    changes : mapping of str to callable
        From the name of a submodule to a function of its output; the rest of the network goes on
        with what it returns.

    Yields
    ------
    None
        While the changes are in force.

    Raises
    ------
    InputError
        If a layer does not exist, returns no tensor, or the function changes the shape.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with replaced(net, {"0": torch.zeros_like}):
    ...     print(net(torch.ones(1, 2)))
    tensor([[0., 0., 0.]])
    """

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
    """Name of the submodule that returns an entry of ``output["local_features"]``.

    Parameters
    ----------
    module : torch.nn.Module
        A network of this package.
    x : tensor
        A small batch of inputs.
    feature : str
        Such as "h1_features".

    Returns
    -------
    str
        Name of the submodule, whose output can be read and replaced.

    Raises
    ------
    InputError
        If no submodule returns it: it is made from several, or by a function.

    Examples
    --------
    >>> from topophys.learn import TopologicalMLEncoder
    >>> module_of_feature(TopologicalMLEncoder(), torch.zeros(1, 8, 8), "h1_features")
    'point'
    """
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
    raise InputError(
        f"Argument `feature` must be the output of a submodule, but {feature!r} is none; known"
        f" features: {', '.join(local)}."
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
