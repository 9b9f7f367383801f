"""Weights of flip networks in one file each, and those that come with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from topophys import _validation
from topophys._io import HEAD, complete_file, open_regular
from topophys.errors import CheckpointError, InputError
from topophys.learn.calibration import Calibration
from topophys.learn.flip_network import FlipNetwork

__all__ = ["PRETRAINED", "load_flip_network", "load_pretrained", "save_flip_network"]

#: Names of the networks that come with the package.
PRETRAINED: Final = ("winding-1d", "chern-2d")
#: Version of the features; weights of another one mean nothing.
VERSION: Final = "1"


def save_flip_network(network: FlipNetwork, path: str | Path) -> Path:
    """Write settings and weights of a flip network to one file.

    Parameters
    ----------
    network : FlipNetwork
        The network.
    path : str or Path
        File to write, NAME.safetensors.

    Returns
    -------
    Path
        The file.
    """
    target = Path(path)
    notes = {"format": "topophys-flip-network", "version": VERSION}
    content = save(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        metadata={**notes, "settings": json.dumps(network.settings)},
    )
    with complete_file(target, ours=_is_flip_network) as partial:
        partial.write_bytes(content)
    return target


def _is_flip_network(path: Path) -> bool:
    """Whether a file names itself the weights of a flip network."""
    try:
        with open_regular(path) as stream:
            head = stream.read(HEAD)
    except OSError:
        return False
    # a length of eight bytes, and then JSON
    return head[8:9] == b"{" and b"topophys-flip-network" in head


def load_flip_network(path: str | Path) -> FlipNetwork:
    """Read a flip network that `save_flip_network` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    FlipNetwork
        On the CPU, ready to predict.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged or of another kind.
    """
    source = Path(path)
    try:
        with safe_open(str(source), "pt") as file:
            notes = file.metadata() or {}
            if notes.get("format") != "topophys-flip-network" or notes["version"] != VERSION:
                raise CheckpointError(
                    f"File `{source}` must hold a flip network of version {VERSION}, but does not."
                )
            network = FlipNetwork(**json.loads(notes["settings"]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            if (points := tensors.get("calibration.points")) is not None:
                parts = tensors["calibration.limits"].shape[-1]
                network.calibration = Calibration(len(network.mean), points.tolist(), parts)
                # a file from before small gaps were unfamiliar
                tensors.setdefault("calibration.tightest", network.calibration.tightest)
            else:  # a file from before networks were calibrated on each grid
                tensors = network.state_dict() | tensors
            network.load_state_dict(tensors)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if isinstance(error, (CheckpointError, InputError)):
            raise
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"File `{source}` cannot be read as a network: {reason}.") from None
    return network.eval()


def load_pretrained(name: str) -> FlipNetwork:
    """Load a network that comes with the package.

    "winding-1d" reads chains of any number of orbitals and points, trained on one to four
    orbitals; "chern-2d" reads planes of any number of bands, trained on two to four. Populations
    and errors are on the page of results of hybrid networks.

    Parameters
    ----------
    name : str
        One of `PRETRAINED`.

    Returns
    -------
    FlipNetwork
        On the CPU, ready to predict.

    Raises
    ------
    InputError
        If there is no such network.

    Examples
    --------
    >>> import topophys as tp
    >>> network = load_pretrained("winding-1d")
    >>> chain = tp.models.ssh(1.0, [0.5, 1.5])
    >>> network.predict(chain.block_on_grid(8)).value
    array([0, 1])
    """
    _validation.one_of(name, "name", PRETRAINED)
    return load_flip_network(Path(__file__).parent / f"{name}.safetensors")
