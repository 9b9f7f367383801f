"""Networks on disk: weights as safetensors, settings as JSON, nothing that executes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from topophys._files import complete_file, sha256, write_json
from topophys.errors import CheckpointError, TopophysError
from topophys.learn.registry import rebuild_encoder

__all__ = ["load_encoder", "save_encoder"]

FORMAT: Final = "topophys-encoder"
VERSION: Final = 1


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
            encoder = rebuild_encoder(card["encoder"], card["settings"])
        encoder.load_state_dict(load(content))
    except (SafetensorError, TypeError, KeyError, RuntimeError, TopophysError) as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0].rstrip('.:')}"
        raise CheckpointError(
            f"Checkpoint `{weights}` does not fit its settings: {reason}; train again."
        ) from None
    return encoder.eval()


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"Checkpoint `{path}` is missing; give the folder that `topophys train` made."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"Checkpoint `{path}` cannot be read: {error}.") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise CheckpointError(f"Checkpoint `{path}` is not one of topophys (no format entry).")
    if card.get("version") != VERSION:
        raise CheckpointError(
            f"Checkpoint `{path}` has version {card.get('version')!r}, but this release reads"
            f" version {VERSION}; use the release that wrote it, or train again."
        )
    return card
