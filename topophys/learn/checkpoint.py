"""Networks on disk: weights as safetensors, settings as JSON, nothing that executes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from topophys._files import complete_file, read_json, sha256, write_json
from topophys.errors import CheckpointError, TopophysError
from topophys.learn.registry import rebuild_encoder
from topophys.learn.stamp import require_stamp

__all__ = ["DAMAGE", "filled_network", "load_encoder", "save_encoder"]

FORMAT: Final = "topophys-encoder"
VERSION: Final = 1
#: Largest number among the settings of a network.
LARGEST: Final = 1 << 16
#: What building a network from settings and weights that anybody may have written can raise.
DAMAGE: Final = (
    SafetensorError, TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError,
    RuntimeError, TopophysError,
)  # fmt: skip


def save_encoder(folder: Path, name: str, encoder: nn.Module) -> Path:
    """Write NAME.safetensors and NAME.json.

    Parameters
    ----------
    folder : Path
        Where to write; must exist.
    name : str
        Common name of the two files.
    encoder : torch.nn.Module
        The network.

    Returns
    -------
    Path
        The JSON file, which holds the settings and the digest of the weights.

    Raises
    ------
    OutputError
        If the folder is not writable.
    """
    weights = folder / f"{name}.safetensors"
    state = {key: value.detach().cpu().contiguous() for key, value in encoder.state_dict().items()}
    with complete_file(weights) as partial:
        partial.write_bytes(save(state))
    return write_json(
        folder / f"{name}.json",
        {
            "format": FORMAT,
            "version": VERSION,
            "encoder": type(encoder).__name__,
            "settings": encoder.settings,
            "sha256": sha256(weights),
        },
    )


def load_encoder(folder: Path, name: str) -> nn.Module:
    """Read NAME.safetensors and NAME.json.

    Parameters
    ----------
    folder : Path
        Where to read.
    name : str
        Common name of the two files.

    Returns
    -------
    torch.nn.Module
        On the CPU, in evaluation mode.

    Raises
    ------
    CheckpointError
        If a file is missing, truncated, foreign, altered, or of another version.
    """
    card = _read_card(folder / f"{name}.json")
    weights = folder / f"{name}.safetensors"
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"Checkpoint `{weights}` is missing or cannot be read ({error.strerror}); train again"
            " or copy it here."
        ) from None
    if hashlib.sha256(content).hexdigest() != card.get("sha256"):
        raise CheckpointError(
            f"Checkpoint `{weights}` is not the file that `{name}.json` describes (digest differs):"
            " it was altered or cut short; restore it or train again."
        )
    try:
        with torch.random.fork_rng(devices=[]):  # the first weights, at once replaced, are random
            encoder = filled_network(
                lambda settings: rebuild_encoder(card["encoder"], settings),
                card["settings"],
                load(content),
            )
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.:'):.200}"
        raise CheckpointError(
            f"Checkpoint `{weights}` does not fit its settings: {reason}; train again."
        ) from None
    return encoder.eval()


def filled_network(
    make: Callable[[Any], nn.Module], settings: Any, weights: Mapping[str, Tensor]
) -> nn.Module:
    """Network of some settings with these weights, built only if it has as many of them.

    Settings of a few bytes can ask for more memory than there is. So it is first built without
    any, on the device "meta".

    Parameters
    ----------
    make : callable
        From settings to the network.
    settings : object
        What stands in the card.
    weights : mapping of str to tensor
        All of them, by name.

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    CheckpointError, and whatever else `DAMAGE` lists
        If settings and weights do not belong together.
    """
    if _largest(settings) > LARGEST:
        raise CheckpointError(f"a setting is larger than {LARGEST}")
    with torch.device("meta"):
        wanted = {name: tuple(w.shape) for name, w in make(settings).state_dict().items()}
    found = {name: tuple(w.shape) for name, w in weights.items()}
    if wanted != found:
        odd = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
        raise CheckpointError(
            f"`{odd[0]:.80}` must have shape {wanted.get(odd[0])}, but has {found.get(odd[0])}"
        )
    network = make(settings)
    network.load_state_dict(weights)
    return network


def _largest(settings: Any) -> float:
    """Largest number in settings, in the lists and mappings among them too."""
    if isinstance(settings, Mapping):
        return max(map(_largest, settings.values()), default=0)
    if isinstance(settings, list | tuple):
        return max(map(_largest, settings), default=0)
    return abs(settings) if isinstance(settings, int | float) else 0


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = read_json(path)
    except FileNotFoundError:
        raise CheckpointError(
            f"Checkpoint `{path}` is missing; give the folder that `topophys train` made."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Checkpoint `{path}` cannot be read: {error}.") from None
    return require_stamp(card, f"Checkpoint `{path}`", name=FORMAT, version=VERSION)
