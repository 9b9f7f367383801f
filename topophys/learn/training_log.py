"""What is written down while a training goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from topophys._io import make_folder, write_text
from topophys.errors import CheckpointError, InputError, OutputError
from topophys.learn.checkpoint import STATE
from topophys.learn.config import FitConfig
from topophys.learn.distributed import Team
from topophys.learn.run import CARD, load_run

__all__ = ["SETTINGS", "Diary"]

LOG: Final = "log.jsonl"
#: Settings of the training, written before it begins.
SETTINGS: Final = "training.toml"
#: Files that only a training leaves.
TRACES: Final = (LOG, CARD, "best.json", "last.json", STATE)
#: What tells one set of data from another.
DATA: Final = ("dataset_digest", "dataset_manifest", "drawn_on_the_way")


class Diary:
    """History of a training, its folder and its log.

    Parameters
    ----------
    path : Path
        Folder of the run.
    config : FitConfig
        Settings.
    provenance : dict
        Where the data come from.
    team : Team
        Processes that train together; the leading one writes.
    tensorboard : bool
        Write records for TensorBoard too.

    Attributes
    ----------
    folder : Path
        Folder of the run.
    begun : bool
        Whether there is a state to continue from.
    history : list of dict
        One record per epoch.

    Raises
    ------
    InputError
        If TensorBoard is wanted and not installed.
    """

    def __init__(
        self,
        path: Path,
        config: FitConfig,
        provenance: dict[str, Any],
        team: Team,
        *,
        tensorboard: bool,
    ) -> None:
        self.folder, self.config, self.team = path, config, team
        self.key = {"config": config.model_dump(mode="json")}
        self.key |= {"data": {name: provenance[name] for name in DATA}}
        self.history: list[dict[str, Any]] = []
        self.begun = False
        self._best: tuple[float, float] = (-1.0, 0.0)
        self._since = 0
        self._board = _board(path) if tensorboard and team.leads else None

    @property
    def out_of_patience(self) -> bool:
        """Whether too many epochs went by without a better one."""
        patience = self.config.patience
        return patience is not None and self._since >= patience

    def open(self, *, resume: bool) -> bool:
        """Make the folder, or look at what is in it.

        Parameters
        ----------
        resume : bool
            Whether there may be a training in it to continue with.

        Returns
        -------
        bool
            False where the training is finished already.

        Raises
        ------
        OutputError
            If it holds a training that is not to be gone on with.
        CheckpointError
            If it holds a finished one of other settings or data.
        """
        if resume and (self.folder / CARD).is_file():
            run = load_run(self.folder)
            self._same(
                {
                    "config": run.config.model_dump(mode="json"),
                    "data": {name: run.provenance.get(name) for name in DATA},
                }
            )
            return False
        self.begun = resume and (self.folder / STATE).is_file()
        if not resume:
            self._refuse_traces()
        self.team.wait()  # nobody writes before everybody has looked
        if self.team.leads:
            make_folder(self.folder)
            if not self.begun:
                (self.folder / LOG).unlink(missing_ok=True)
                write_text(self.folder / SETTINGS, self.config.to_toml())
        return True

    def _refuse_traces(self) -> None:
        for name in TRACES:
            if (self.folder / name).exists():
                raise OutputError(
                    f"Folder `{self.folder}` already holds a training ({name}); choose another"
                    " one, or go on with it by `resume`."
                )

    def notes(self) -> dict[str, Any]:
        """Everything that must be known to go on.

        Returns
        -------
        dict
            For `save_state`.
        """
        return {**self.key, "history": self.history, "best": self._best, "since": self._since}

    def recall(self, notes: dict[str, Any]) -> None:
        """Go on from notes, and write the log as it was then.

        Parameters
        ----------
        notes : dict
            As `notes` gave them.

        Raises
        ------
        CheckpointError
            If they are of other settings or data.
        """
        self._same(notes)
        self.history = list(notes["history"])
        accuracy, loss = notes["best"]
        self._best, self._since = (float(accuracy), float(loss)), int(notes["since"])
        if self.team.leads:
            lines = [json.dumps(record) + "\n" for record in self.history]
            write_text(self.folder / LOG, "".join(lines))

    def _same(self, notes: dict[str, Any]) -> None:
        for part, wanted in self.key.items():
            found = dict(notes.get(part) or {})
            for name, value in wanted.items():
                if found.get(name) != value:
                    raise CheckpointError(
                        f"Folder `{self.folder}` holds a training with another {part} (`{name}` is"
                        f" {found.get(name)!r:.70}, not {value!r:.70}); go on with the same, or"
                        " choose another folder."
                    )

    def enter(self, record: dict[str, Any]) -> bool:
        """Note an epoch.

        Parameters
        ----------
        record : dict
            What is known of it.

        Returns
        -------
        bool
            Whether it is the best so far.
        """
        self.history.append(record)
        if self.team.leads:
            self._append(record)
        score = (record["val_accuracy"], -record["val_loss"])
        better = score > self._best
        self._best, self._since = (score, 0) if better else (self._best, self._since + 1)
        return better

    def _append(self, record: dict[str, Any]) -> None:
        # a log grows while training runs, so that it can be watched; every line is complete
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


def _board(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # optional, and slow
    except ImportError:
        raise InputError(
            "Argument `tensorboard` must be False where TensorBoard is not installed; install it"
            " with `pip install tensorboard`, or read log.jsonl."
        ) from None
    return SummaryWriter(str(folder / "tensorboard"))
