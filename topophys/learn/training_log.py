"""Folder, history and log of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from topophys._io import make_folder, write_text
from topophys.errors import CheckpointError, InputError, OutputError, RecipeError
from topophys.learn.checkpoint import STATE
from topophys.learn.config import FitConfig
from topophys.learn.distributed import ProcessGroup
from topophys.learn.run import CARD, load_run

__all__ = ["SETTINGS", "TrainingLog"]

LOG: Final = "log.jsonl"
#: File with the settings, written before the first epoch.
SETTINGS: Final = "training.toml"
#: Files that show that a folder holds a training.
TRACES: Final = (LOG, CARD, "best.json", "last.json", STATE)
#: Entries of the provenance that identify the data.
DATA: Final = ("dataset_digest", "dataset_manifest", "drawn_on_the_way")


class TrainingLog:
    """Folder, history and log of a training; the main process writes."""

    def __init__(
        self,
        path: Path,
        config: FitConfig,
        provenance: dict[str, Any],
        group: ProcessGroup,
        *,
        tensorboard: bool,
    ) -> None:
        self.folder, self.config, self.group = path, config, group
        self.key = {"config": config.model_dump(mode="json")}
        self.key |= {"data": {name: provenance[name] for name in DATA}}
        self.history: list[dict[str, Any]] = []
        self.resuming = False
        self._best: tuple[float, float] = (-1.0, 0.0)
        self._epochs_since_best = 0
        self._board = _board(path) if tensorboard and group.is_main_process else None

    @property
    def should_stop(self) -> bool:
        """Whether `patience` epochs brought no improvement."""
        patience = self.config.patience
        return patience is not None and self._epochs_since_best >= patience

    def open(self, *, resume: bool) -> bool:
        """Create or check the folder; return False if the training is finished already."""
        if resume and (self.folder / CARD).is_file():
            run = load_run(self.folder)
            self._check_same_training(
                {
                    "config": run.config.model_dump(mode="json"),
                    "data": {name: run.provenance.get(name) for name in DATA},
                }
            )
            return False
        self.resuming = resume and (self.folder / STATE).is_file()
        if not resume:
            self._refuse_traces()
        self.group.barrier()  # no process writes before all have checked
        if self.group.is_main_process:
            make_folder(self.folder)
            if not self.resuming:
                (self.folder / LOG).unlink(missing_ok=True)
                write_text(self.folder / SETTINGS, self.config.to_toml())
        return True

    def _refuse_traces(self) -> None:
        for name in TRACES:
            if (self.folder / name).exists():
                raise OutputError(
                    f"Folder `{self.folder}` already holds a training ({name}); choose another"
                    " one, or continue it with `resume`."
                )

    def state(self) -> dict[str, Any]:
        """State from which `restore` continues."""
        best = {"best": self._best, "since": self._epochs_since_best}
        return {**self.key, "history": self.history, **best}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a saved state, and rewrite the log up to it."""
        self._check_same_training(state)
        self.history = list(state["history"])
        accuracy, loss = state["best"]
        self._best, self._epochs_since_best = (float(accuracy), float(loss)), int(state["since"])
        if self.group.is_main_process:
            lines = [json.dumps(record) + "\n" for record in self.history]
            write_text(self.folder / LOG, "".join(lines))

    def _check_same_training(self, state: dict[str, Any]) -> None:
        for part, wanted in self.key.items():
            found = dict(state.get(part) or {})
            if part == "config":
                found = _with_defaults(found)
            for name, value in wanted.items():
                if found.get(name) != value:
                    raise CheckpointError(
                        f"Folder `{self.folder}` holds a training with another {part} (`{name}` is"
                        f" {found.get(name)!r:.70}, not {value!r:.70}); continue with the"
                        " same, or choose another folder."
                    )

    def log_epoch(self, record: dict[str, Any]) -> bool:
        """Append the metrics of an epoch; return whether it is the best so far."""
        self.history.append(record)
        if self.group.is_main_process:
            self._append(record)
        score = (record["val_accuracy"], -record["val_loss"])
        better = score > self._best
        self._epochs_since_best = 0 if better else self._epochs_since_best + 1
        self._best = score if better else self._best
        return better

    def _append(self, record: dict[str, Any]) -> None:
        # appended line by line, so that a running training can be watched
        path = self.folder / LOG
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(record) + "\n")
        except OSError as error:
            raise OutputError(
                f"Output `{path}` cannot be written: {error.strerror or error}; choose another"
                " place."
            ) from None
        if self._board is not None:
            for name, value in record.items():
                self._board.add_scalar(name, value, record["epoch"])
            self._board.flush()


def _with_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """Add settings that did not exist when a state was saved."""
    try:
        return FitConfig.from_mapping(config).model_dump(mode="json")
    except RecipeError:
        return config


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # optional, and slow
    except ImportError:
        raise InputError(
            "Argument `tensorboard` must be False where TensorBoard is not installed; install it"
            " with `pip install tensorboard`, or read log.jsonl."
        ) from None
    return SummaryWriter(str(folder / "tensorboard"))
