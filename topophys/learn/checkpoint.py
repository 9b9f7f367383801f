"""Networks and states of training on disk: safetensors and JSON, nothing that executes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor, nn

from topophys._io import complete_file, parse_json, read_json, sha256, write_json
from topophys.errors import CheckpointError, TopophysError
from topophys.learn.adapters import OutputAdapter, inner_module
from topophys.learn.encoders.registry import rebuild_encoder, registered_name
from topophys.learn.trainer import Position, Trainer

__all__ = [
    "DAMAGE",
    "STATE",
    "check_file_header",
    "filled_network",
    "load_encoder",
    "load_state",
    "save_encoder",
    "save_state",
]


# ---- File header check


def check_file_header(content: Any, file: str, *, name: str, version: int) -> dict[str, Any]:
    """Raise unless what a JSON file holds is of a format and version.

    Examples
    --------
    >>> check_file_header({"version": 1}, "Run `a.json`", name="topophys-run", version=1)
    Traceback (most recent call last):
    ...
    topophys.errors.CheckpointError: Run `a.json` is not one of topophys (no format entry).
    """
    if not isinstance(content, dict) or content.get("format") != name:
        raise CheckpointError(f"{file} is not one of topophys (no format entry).")
    if content.get("version") != version:
        raise CheckpointError(
            f"{file} has version {content.get('version')!r}, but this release reads version"
            f" {version}; use the release that wrote it, or train again."
        )
    return content


# ---- Networks

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
    """Write NAME.safetensors and NAME.json."""
    weights = folder / f"{name}.safetensors"
    state = {key: value.detach().cpu().contiguous() for key, value in encoder.state_dict().items()}
    with complete_file(weights) as partial:
        partial.write_bytes(save(state))
    return write_json(
        folder / f"{name}.json",
        {
            "format": FORMAT,
            "version": VERSION,
            **_description(encoder),
            "sha256": sha256(weights),
        },
    )


def _description(encoder: nn.Module) -> dict[str, Any]:
    network = inner_module(encoder)
    known = {
        "encoder": registered_name(network) or type(network).__name__,
        "settings": getattr(network, "settings", {}),
    }
    if isinstance(encoder, OutputAdapter):
        known["adapter"] = {"num_classes": encoder.num_classes}
    return known


def load_encoder(folder: Path, name: str, *, model: nn.Module | None = None) -> nn.Module:
    """Read NAME.safetensors and NAME.json; into `model` if its class is not registered."""
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
        with torch.random.fork_rng(devices=[]):  # building draws random weights
            encoder = filled_network(
                lambda settings: _network(card, settings, model), card["settings"], load(content)
            )
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.:'):.200}"
        raise CheckpointError(
            f"Checkpoint `{weights}` does not fit its settings: {reason}; train again."
        ) from None
    return encoder.eval()


def _network(card: dict[str, Any], settings: Any, model: nn.Module | None) -> nn.Module:
    """Network of a checkpoint: a copy of `model`, or made from its registered class."""
    network = rebuild_encoder(card["encoder"], settings) if model is None else deepcopy(model)
    adapter = card.get("adapter")
    return network if adapter is None else OutputAdapter(network, int(adapter["num_classes"]))


def filled_network(
    make: Callable[[Any], nn.Module], settings: Any, weights: Mapping[str, Tensor]
) -> nn.Module:
    """Network with these settings and weights, which must have the same names and shapes.

    Settings of a few bytes can ask for more memory than there is, so that the network is first
    built on the device "meta", which allocates none.
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
    """Largest number in nested settings."""
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
    return check_file_header(card, f"Checkpoint `{path}`", name=FORMAT, version=VERSION)


# ---- Training state
# One file, replaced atomically: tensors as safetensors, everything else as JSON in its header.
# Reading it executes nothing.

STATE: Final = "state.safetensors"
STATE_FORMAT: Final = "topophys-training-state"
#: Metrics by which epochs are compared.
SCORES: Final = ("val_accuracy", "val_loss")


def save_state(folder: Path, trainer: Trainer, log: dict[str, Any]) -> Path:
    """Write the state of a training; a kill at any moment leaves the old one or the new one."""
    inner = trainer.optimizer.state_dict()
    tensors = {f"encoder.{k}": v for k, v in trainer.encoder.state_dict().items()}
    if trainer.local is not None:
        tensors |= {f"local.{k}": v for k, v in trainer.local.state_dict().items()}
    for number, moments in inner["state"].items():
        tensors |= {f"optimizer.{number}.{k}": v for k, v in moments.items()}
    card = {
        "position": asdict(trainer.position),
        "rate": trainer.rate,
        "groups": inner["param_groups"],
        "schedule": {k: v for k, v in trainer.schedule.state_dict().items() if _plain(v)},
        "notes": log,
    }
    content = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    header = {"format": STATE_FORMAT, "version": str(VERSION), "card": json.dumps(card)}
    path = folder / STATE
    with complete_file(path) as partial:
        partial.write_bytes(save(content, metadata=header))
    return path


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | str | list) or value is None


def load_state(folder: Path, trainer: Trainer) -> dict[str, Any]:
    """Put a training back into the state that was saved."""
    path = folder / STATE
    tensors, card = _read(path)
    try:
        trainer.encoder.load_state_dict(_below(tensors, "encoder."))
        if trainer.local is not None:
            trainer.local.load_state_dict(_below(tensors, "local."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _below(tensors, "optimizer.").items():
            number, _, key = name.partition(".")
            moments.setdefault(int(number), {})[key] = value
        trainer.position = _position(card["position"], trainer.steps_per_epoch)
        trainer.rate = float(card["rate"])
        _check_moments(trainer, moments)
        _check_alike(card["groups"], trainer.optimizer.state_dict()["param_groups"], "groups")
        trainer.optimizer.load_state_dict({"state": moments, "param_groups": card["groups"]})
        schedule = {k: v for k, v in trainer.schedule.state_dict().items() if _plain(v)}
        _check_alike(card["schedule"], schedule, "schedule")
        steps = trainer.position.epoch * trainer.steps_per_epoch + trainer.position.step
        # these two follow from the settings and the position, whatever the file says
        fixed = {"total_steps": schedule["total_steps"], "last_epoch": steps}
        trainer.schedule.load_state_dict({**card["schedule"], **fixed})
        return _checked_log(card["notes"])
    except (*DAMAGE, ZeroDivisionError) as error:
        reason = " ".join(str(error).split()).rstrip(".:")[:200]
        raise CheckpointError(
            f"State `{path}` does not fit these settings ({type(error).__name__}: {reason});"
            " resume with the settings it started with, or start in another folder."
        ) from None


def _position(given: dict[str, Any], steps: int) -> Position:
    place = Position(**given)
    numbers: tuple[Any, ...] = (place.epoch, place.step)
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers)
    if not whole or place.step > steps:  # beyond its end an epoch would count twice
        raise ValueError(f"position {numbers!r:.60}")
    totals = {str(name): float(value) for name, value in place.totals.items()}
    return Position(place.epoch, place.step, totals)


def _check_alike(found: Any, wanted: Any, what: str) -> None:
    """Refuse values of other names, numbers or kinds than those of a fresh training."""
    if isinstance(wanted, dict) and isinstance(found, dict) and set(found) == set(wanted):
        for key, value in wanted.items():
            _check_alike(found[key], value, f"{what}.{key}")
        return
    if isinstance(wanted, list | tuple) and isinstance(found, list) and len(found) == len(wanted):
        for one, other in zip(found, wanted, strict=True):
            _check_alike(one, other, what)
        return
    number = isinstance(wanted, int | float) and not isinstance(wanted, bool)
    if number and isinstance(found, int | float) and math.isfinite(found):
        return
    if found != wanted or type(found) is not type(wanted):
        raise ValueError(f"{what} is {found!r:.40}, not {wanted!r:.40}")


def _check_moments(trainer: Trainer, moments: dict[int, dict[str, Tensor]]) -> None:
    """Refuse moments of other parameters: torch looks at them only when it makes a step."""
    if moments and set(moments) != set(range(len(trainer.parameters))):
        raise ValueError("moments are not those of the parameters")
    for number, own in moments.items():
        shape = trainer.parameters[number].shape
        shapes = {"step": torch.Size([]), "exp_avg": shape, "exp_avg_sq": shape}
        if {key: value.shape for key, value in own.items()} != shapes:
            raise ValueError(f"moments of parameter {number} do not fit it")


def _checked_log(given: dict[str, Any]) -> dict[str, Any]:
    """Check the state of a training log: numbers must be numbers."""
    history = [dict(record) for record in given["history"]]
    if not all(isinstance(r[k], int | float) for r in history for k in ("epoch", *SCORES)):
        raise ValueError("history without numbers")
    accuracy, loss = (float(value) for value in given["best"])
    if math.isnan(accuracy) or math.isnan(loss):
        raise ValueError("best score that is no number")
    return {**given, "history": history, "best": (accuracy, loss), "since": int(given["since"])}


def _below(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if not path.is_file():
        raise CheckpointError(f"State `{path}` is missing; there is no training to resume.")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"State `{path}` cannot be read ({reason}); start again in another folder."
        ) from None
    if header.get("format") != STATE_FORMAT or header.get("version") != str(VERSION):
        raise CheckpointError(
            f"State `{path}` must be one of topophys, version {VERSION}, but is"
            f" {header.get('format')!r}, version {header.get('version')!r}."
        )
    try:
        card = parse_json(header["card"])
    except (KeyError, ValueError):
        raise CheckpointError(f"State `{path}` has a damaged header; start again.") from None
    return {name: torch.as_tensor(value) for name, value in tensors.items()}, card
