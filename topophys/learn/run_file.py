"""The file that ends a training, and what must be in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from topophys._files import read_json
from topophys.errors import CheckpointError
from topophys.learn.config import FitConfig
from topophys.learn.prediction import LEAST_CONFIDENCE
from topophys.learn.registry import READERS
from topophys.learn.stamp import require_stamp

__all__ = ["CARD", "FORMAT", "VERSION", "read_run_file"]

#: File that ends a training, and what it says of itself.
CARD: Final = "run.json"
FORMAT: Final = "topophys-run"
VERSION: Final = 1
#: What must be known of each epoch, and of the training as a whole, to use its network.
RECORD: Final = ("epoch", "loss", "val_loss", "val_accuracy")
PROVENANCE: Final = ("dataset_path", "flattened_input", "classes_seen", "train_samples")


def read_run_file(folder: Path) -> tuple[FitConfig, list[dict[str, Any]], dict[str, Any]]:
    """Read settings, history and provenance of the run in a folder.

    Parameters
    ----------
    folder : Path
        Folder that `fit` made.

    Returns
    -------
    config : FitConfig
        Settings of the training.
    history : list of dict
        One record per epoch.
    provenance : dict
        Data, versions, and what the network was told.

    Raises
    ------
    CheckpointError
        If the file is missing, foreign, damaged, incomplete or of another version.
    """
    card = folder / CARD
    if not card.is_file():
        raise CheckpointError(
            f"Run `{folder}` is not a folder with a finished training (no {CARD}); give one that"
            " `topophys train` made."
        )
    content = _read_card(card)
    try:
        config = FitConfig.from_mapping(dict(content["config"]), str(card))
        history, provenance = list(content["history"]), dict(content["provenance"])
        complete = bool(history) and all(map(_is_record, history))
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Run `{folder}` has a damaged {CARD} ({type(error).__name__}: {error}); train again."
        ) from None
    if not complete or not _is_provenance(provenance):
        raise CheckpointError(f"Run `{folder}` has an incomplete {CARD}; train again.")
    return config, history, provenance


def _is_record(record: Any) -> bool:
    """Whether all that must be known of an epoch is there, and is numbers."""
    values = [dict(record).get(key) for key in RECORD]
    return all(isinstance(v, int | float) and math.isfinite(v) for v in values)


def _is_provenance(known: dict[str, Any]) -> bool:
    """Whether all that must be known of the data is there, and of its kind."""
    if not set(PROVENANCE) <= set(known) or not isinstance(known["classes_seen"], list):
        return False
    place, limit = known["dataset_path"], known.get("abstain_below", LEAST_CONFIDENCE)
    return (
        known.get("kind", "winding") in tuple(READERS)
        and (place is None or isinstance(place, str))
        and all(isinstance(c, int) for c in known["classes_seen"])
        and isinstance(limit, int | float)
    )


def _read_card(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"Run `{path}` cannot be read ({error}); train again.") from None
    return require_stamp(content, f"Run `{path}`", name=FORMAT, version=VERSION)
