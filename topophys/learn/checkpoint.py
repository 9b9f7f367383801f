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
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from topophys._io import complete_file, parse_json, read_bytes, read_text, write_text
from topophys.datasets._messages import printable
from topophys.errors import CheckpointError, TopophysError
from topophys.learn.adapters import OutputAdapter, inner_module
from topophys.learn.encoders.registry import rebuild_encoder, registered_name
from topophys.learn.trainer import Position, Trainer

__all__ = [
    "DAMAGE",
    "STATE",
    "check_file_header",
    "describe_encoder",
    "filled_network",
    "load_encoder",
    "load_state",
    "plain_weights",
    "save_encoder",
    "save_state",
    "wanted_weights",
    "write_weights",
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
    found = content.get("version")
    if type(found) is not int or found != version:  # True and 1.0 are equal to 1
        raise CheckpointError(
            f"{file} has version {found!r:.40}, but this release reads version"
            f" {version}; use the release that wrote it, or train again."
        )
    return content


# ---- Networks

FORMAT: Final = "topophys-encoder"
VERSION: Final = 1
#: Largest number among the settings of a network.
LARGEST: Final = 1 << 16
#: What building a network from settings and weights from an untrusted file can raise.
DAMAGE: Final = (
    SafetensorError, TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError,
    RuntimeError, TopophysError,
)  # fmt: skip


def save_encoder(
    folder: Path, name: str, encoder: nn.Module, *, check: Callable[[], object] | None = None
) -> dict[str, str]:
    """Write NAME.safetensors and NAME.json; return their digests, by name of the file."""
    return write_weights(
        folder, name, plain_weights(encoder), describe_encoder(encoder), check=check
    )


def plain_weights(encoder: nn.Module) -> dict[str, Tensor]:
    """Weights of a network, as they are stored."""
    return {k: v.detach().cpu().contiguous().clone() for k, v in encoder.state_dict().items()}


def write_weights(
    folder: Path,
    name: str,
    weights: dict[str, Tensor],
    description: Mapping[str, Any],
    *,
    check: Callable[[], object] | None = None,
) -> dict[str, str]:
    """Write NAME.safetensors and NAME.json; `check` is called before either gets its name."""
    content = save(weights)
    digest = hashlib.sha256(content).hexdigest()
    card = {"format": FORMAT, "version": VERSION, **description, "sha256": digest}
    text = json.dumps(card, indent=2, allow_nan=False) + "\n"
    with complete_file(folder / f"{name}.safetensors", check=check) as partial:
        partial.write_bytes(content)
    write_text(folder / f"{name}.json", text, check=check)
    return {
        f"{name}.safetensors": digest,
        f"{name}.json": hashlib.sha256(text.encode()).hexdigest(),
    }


def describe_encoder(encoder: nn.Module) -> dict[str, Any]:
    """Class and settings from which a network is made again."""
    network = inner_module(encoder)
    known = {
        "encoder": registered_name(network) or type(network).__name__,
        "settings": getattr(network, "settings", {}),
    }
    if isinstance(encoder, OutputAdapter):
        known["adapter"] = {"num_classes": encoder.num_classes}
    return known


def load_encoder(
    folder: Path,
    name: str,
    *,
    model: nn.Module | None = None,
    digests: Mapping[str, str] | None = None,
) -> nn.Module:
    """Read NAME.safetensors and NAME.json; into `model` if its class is not registered.

    `digests` are those of the two files, where something names them.
    """
    card = _read_card(folder / f"{name}.json", (digests or {}).get(f"{name}.json"))
    weights = folder / f"{name}.safetensors"
    try:
        with torch.random.fork_rng(devices=[]):  # building draws random weights

            def make(settings: Any) -> nn.Module:
                return _network(card, settings, model)

            wanted = wanted_weights(make, card["settings"])
            content = _read_weights(weights, sum(t.numel() for t in wanted.values()))
            _check_digest(content, weights, card.get("sha256"), f"`{name}.json` describes")
            if digests is not None:
                _check_digest(content, weights, digests.get(weights.name), "the run ended with")
            encoder = filled_network(make, card["settings"], load(content))
    except CheckpointError as error:
        if str(error).startswith("Checkpoint `"):
            raise
        raise _unfit(weights, error) from None
    except DAMAGE as error:
        raise _unfit(weights, error) from None
    return encoder.eval()


def _check_digest(content: bytes, path: Path, wanted: Any, which: str) -> None:
    if hashlib.sha256(content).hexdigest() != wanted:
        raise CheckpointError(
            f"Checkpoint `{path}` is not the file that {which} (digest differs): it was altered,"
            " cut short, or is of another run; restore it or train again."
        )


def _unfit(weights: Path, error: Exception) -> CheckpointError:
    reason = f"{type(error).__name__}: {printable(' '.join(str(error).split()).rstrip('.:')):.200}"
    return CheckpointError(
        f"Checkpoint `{weights}` does not fit its settings: {reason}; train again."
    )


#: Bytes of the header of a file of weights.
HEADER: Final = 1 << 24


def _read_weights(path: Path, n_weights: int) -> bytes:
    """Read a file of weights, which has no more bytes than they need."""
    try:
        return read_bytes(path, most=HEADER + 8 * n_weights)
    except ValueError as error:
        raise CheckpointError(
            f"Checkpoint `{path}` is not what its settings describe: {error}; train again."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"Checkpoint `{path}` is missing or cannot be read ({error.strerror}); train again"
            " or copy it here."
        ) from None


def _network(card: dict[str, Any], settings: Any, model: nn.Module | None) -> nn.Module:
    """Network of a checkpoint: a copy of `model`, or made from its registered class."""
    network = rebuild_encoder(card["encoder"], settings) if model is None else deepcopy(model)
    adapter = card.get("adapter")
    return network if adapter is None else OutputAdapter(network, int(adapter["num_classes"]))


def wanted_weights(make: Callable[[Any], nn.Module], settings: Any) -> dict[str, Tensor]:
    """Weights of a network with these settings, on a device that takes no memory.

    Settings of a few bytes can ask for more memory than there is.
    """
    if _largest(settings) > LARGEST:
        raise CheckpointError(f"a setting is larger than {LARGEST}")
    with torch.device("meta"):
        return dict(make(settings).state_dict())


def filled_network(
    make: Callable[[Any], nn.Module], settings: Any, weights: Mapping[str, Tensor]
) -> nn.Module:
    """Network with these settings and weights: same names, shapes and kinds, and finite."""
    wanted = wanted_weights(make, settings)
    shapes = {name: tuple(w.shape) for name, w in wanted.items()}
    found = {name: tuple(w.shape) for name, w in weights.items()}
    if shapes != found:
        odd = sorted(name for name in shapes | found if shapes.get(name) != found.get(name))
        raise CheckpointError(
            f"`{odd[0]:.80}` must have shape {shapes.get(odd[0])}, but has {found.get(odd[0])}"
        )
    types = {w.dtype for w in weights.values() if w.is_floating_point()}
    for name, value in weights.items():
        if value.is_floating_point() != wanted[name].is_floating_point() or (
            not value.is_floating_point() and value.dtype != wanted[name].dtype
        ):
            raise CheckpointError(
                f"`{name:.80}` must be of type {wanted[name].dtype}, but is of type {value.dtype}"
            )
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise CheckpointError(f"`{name:.80}` must be finite, but has NaN or infinity")
    if types - {torch.float32, torch.float64} or len(types) > 1:
        raise CheckpointError(
            f"weights must be of one type, float32 or float64, but are of {sorted(map(str, types))}"
        )
    network = make(settings)
    if types == {torch.float64}:
        network.double()
    network.load_state_dict(weights)
    return network


def _largest(settings: Any) -> float:
    """Largest number in nested settings."""
    if isinstance(settings, Mapping):
        return max(map(_largest, settings.values()), default=0)
    if isinstance(settings, list | tuple):
        return max(map(_largest, settings), default=0)
    return abs(settings) if isinstance(settings, int | float) else 0


def _read_card(path: Path, digest: str | None) -> dict[str, Any]:
    try:
        text = read_text(path)
        card = parse_json(text)
    except FileNotFoundError:
        raise CheckpointError(
            f"Checkpoint `{path}` is missing; give the folder that `topophys train` made."
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Checkpoint `{path}` cannot be read: {error}.") from None
    known = check_file_header(card, f"Checkpoint `{path}`", name=FORMAT, version=VERSION)
    if digest is not None:
        _check_digest(text.encode(), path, digest, "the run ended with")
    return known


# ---- Training state
# One file, replaced atomically: tensors as safetensors, everything else as JSON in its header.
# Reading it executes nothing.

STATE: Final = "state.safetensors"
STATE_FORMAT: Final = "topophys-training-state"
#: Grows when its content changes; the first had no digest of itself and no best weights.
STATE_VERSION: Final = 2
READABLE_STATES: Final = ("1", "2")
#: Metrics by which epochs are compared.
SCORES: Final = ("val_accuracy", "val_loss")


def save_state(
    folder: Path,
    trainer: Trainer,
    log: dict[str, Any],
    *,
    best: Mapping[str, Tensor] | None = None,
    check: Callable[[], object] | None = None,
) -> Path:
    """Write the state of a training; a kill at any moment leaves the old one or the new one.

    `best` are the weights of the best epoch so far: the files with these may belong to an epoch
    that a killed training had not finished.
    """
    inner = trainer.optimizer.state_dict()
    tensors = {f"encoder.{k}": v for k, v in trainer.encoder.state_dict().items()}
    if trainer.local is not None:
        tensors |= {f"local.{k}": v for k, v in trainer.local.state_dict().items()}
    for number, moments in inner["state"].items():
        tensors |= {f"optimizer.{number}.{k}": v for k, v in moments.items()}
    tensors |= {f"best.{k}": v for k, v in (best or {}).items()}
    card = {
        "position": asdict(trainer.position),
        "rate": trainer.rate,
        "groups": inner["param_groups"],
        "schedule": {k: v for k, v in trainer.schedule.state_dict().items() if _plain(v)},
        "notes": log,
    }
    content = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    text = json.dumps(card)
    header = {"format": STATE_FORMAT, "version": str(STATE_VERSION), "card": text,
              "sha256": state_digest(content, text)}  # fmt: skip
    path = folder / STATE
    with complete_file(path, check=check) as partial:
        partial.write_bytes(save(content, metadata=header))
    return path


def state_digest(tensors: Mapping[str, Tensor], card: str) -> str:
    """SHA-256 of everything in a state: names, types, shapes and bytes of tensors, and the card."""
    total = hashlib.sha256(card.encode())
    for name in sorted(tensors):
        value = tensors[name]
        total.update(f"\0{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        total.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | str | list) or value is None


def load_state(folder: Path, trainer: Trainer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Put a training back into the state that was saved; return its log and its best weights."""
    path = folder / STATE
    tensors, card = _read(path, trainer)
    try:
        for name, value in tensors.items():
            if value.is_floating_point() and not torch.isfinite(value).all():
                raise ValueError(f"`{name:.80}` must be finite, but has NaN or infinity")
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
        return _checked_log(card["notes"]), _best_weights(tensors, trainer)
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


def _best_weights(tensors: dict[str, Tensor], trainer: Trainer) -> dict[str, Tensor]:
    """Weights of the best epoch, with names, shapes and types of the network; none at first."""
    best = _below(tensors, "best.")
    wanted = {k: (v.shape, v.dtype) for k, v in trainer.encoder.state_dict().items()}
    if best and {k: (v.shape, v.dtype) for k, v in best.items()} != wanted:
        raise ValueError("the best weights are not those of this network")
    return best


#: Bytes of the header of a state: settings and history.
STATE_HEADER: Final = 1 << 26


def _read(path: Path, trainer: Trainer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    if not path.is_file():
        raise CheckpointError(f"State `{path}` is missing; there is no training to resume.")
    # of each weight: itself, two moments, and that of the best epoch, and a step for each tensor
    weights = sum(p.numel() for p in trainer.encoder.state_dict().values())
    most = STATE_HEADER + 8 * (4 * weights + 4 * sum(p.numel() for p in trainer.parameters))
    try:
        content = read_bytes(path, most=most)
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        header = parse_json(content[8 : 8 + length]).get("__metadata__") or {}
    except (OSError, SafetensorError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"State `{path}` cannot be read ({reason}); start again in another folder."
        ) from None
    if header.get("format") != STATE_FORMAT or header.get("version") not in READABLE_STATES:
        raise CheckpointError(
            f"State `{path}` must be one of topophys, version {' or '.join(READABLE_STATES)}, but"
            f" is {header.get('format')!r:.60}, version {header.get('version')!r:.60}."
        )
    tensors = {name: torch.as_tensor(value) for name, value in tensors.items()}
    text = header.get("card")
    if header["version"] != "1" and (
        not isinstance(text, str) or state_digest(tensors, text) != header.get("sha256")
    ):
        raise CheckpointError(
            f"State `{path}` is not what was written (digest differs): it was altered; start again"
            " in another folder."
        )
    try:
        card = parse_json(text if isinstance(text, str) else "")
    except ValueError:
        raise CheckpointError(f"State `{path}` has a damaged header; start again.") from None
    return tensors, card
