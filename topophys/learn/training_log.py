"""Folder, history and log of a training."""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from topophys._io import (
    LockedError,
    close_locked,
    lock,
    make_folder,
    open_locked,
    open_regular,
    read_text,
    write_text,
)
from topophys.errors import CheckpointError, InputError, OutputError, RecipeError
from topophys.learn.adapters import inner_module
from topophys.learn.checkpoint import (
    STATE,
    describe_encoder,
    load_encoder,
    plain_weights,
    write_weights,
)
from topophys.learn.config import FitConfig
from topophys.learn.distributed import ProcessGroup
from topophys.learn.encoders.registry import registered_name
from topophys.learn.run import CARD, read_run_file

__all__ = ["LOCK", "SETTINGS", "TRACES", "RunLock", "TrainingLog"]

LOG: Final = "log.jsonl"
#: File with the settings, written before the first epoch.
SETTINGS: Final = "training.toml"
#: File that one training at a time holds locked.
LOCK: Final = "training.lock"
#: Files that show that a folder holds a training.
TRACES: Final = (
    LOG, CARD, "best.json", "last.json", STATE, "best.safetensors", "last.safetensors",
)  # fmt: skip
#: Files that are measured later, and would be replaced then.
RESULTS: Final = (
    "accuracy.json", "probes.json", "causal.json", "audit.json", "failures.json", "summary.json",
    "origins.json", "report.html",
)  # fmt: skip
#: Entries of the provenance that identify the data.
DATA: Final = ("dataset_digest", "dataset_manifest", "drawn_on_the_way")


class RunLock:
    """The right of one training or report to write into a folder, which ends with its process.

    A lock of the file system, which a suspended process keeps and a dead one does not. Where the
    file system has none, a file says who is writing, and only a dead process of the same machine
    is released by itself. A process whose file was removed by hand or by a tool gets an error
    before any of its results gets its name.
    """

    @classmethod
    def acquire(cls, folder: str | Path) -> RunLock:
        """Make a folder and take it; `OutputError` in one line if it cannot be had."""
        try:
            return cls(make_folder(folder))
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(
                f"Folder `{folder}` cannot be written: {error.strerror or error}; choose another"
                " one."
            ) from None

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK
        self.owner = f"{os.getpid()} {socket.gethostname()} {secrets.token_hex(8)}\n"
        try:
            self.handle = open_locked(self.path)
        except LockedError:
            raise self._refused("holds the lock") from None
        try:
            self._take()
        except BaseException:
            close_locked(self.handle)
            raise

    def _take(self) -> None:
        if not lock(self.handle) and not _is_over(self._content()):
            raise self._refused("has not given it back, on a file system without locks")
        os.ftruncate(self.handle, 0)
        os.pwrite(self.handle, self.owner.encode(), 0)

    def _content(self) -> str:
        with suppress(OSError), open_regular(self.path) as stream:
            return stream.read(1000).decode("utf-8", "replace")
        return ""

    def _refused(self, why: str) -> OutputError:
        pid, host = [*self._content().split(), "unknown", "unknown"][:2]
        return OutputError(
            f"Folder `{self.path.parent}` cannot be written: another training or report (process"
            f" {pid:.20} on {host:.60}) {why}; wait for it, end it, or choose another folder. If it"
            f" has ended, remove `{LOCK}`."
        )

    def check(self) -> None:
        """Raise if another training has taken the folder over."""
        try:
            same = os.path.samestat(os.fstat(self.handle), self.path.lstat())
        except OSError:
            same = False
        if not same or self._content() != self.owner:
            raise OutputError(
                f"Folder `{self.path.parent}` cannot be written any more: another training or"
                f" report has taken it over, or `{LOCK}` was removed; nothing of this one was"
                " published since."
            )

    def release(self) -> None:
        """Give the folder back."""
        with suppress(OutputError, OSError):
            self.check()
            self.path.unlink()
        close_locked(self.handle)


def _is_over(owner: str) -> bool:
    """Whether the process that left this line has ended, as far as this machine knows."""
    pid, host = [*owner.split(), "", ""][:2]
    if not owner:
        return True
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return int(pid) == os.getpid()


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
        self._lock: RunLock | None = None
        #: weights of the best epoch, and digests of the files with these
        self.best_weights: dict[str, Tensor] = {}
        self.best_files: dict[str, str] = {}
        self._board = _board(path) if tensorboard and group.is_main_process else None

    @property
    def should_stop(self) -> bool:
        """Whether `patience` epochs brought no improvement."""
        patience = self.config.patience
        return patience is not None and self._epochs_since_best >= patience

    def open(self, *, resume: bool) -> bool:
        """Create or check the folder; return False if the training is finished already."""
        if resume and self._is_finished():
            return False
        self._acquire()
        if resume and self._is_finished():  # since
            return False
        self.resuming = resume and (self.folder / STATE).is_file()
        if not self.resuming and not (resume and self._began_here()):
            self._refuse_traces(resume)
        self.group.barrier()  # no process writes before all have checked
        if self.group.is_main_process and not self.resuming:
            (self.folder / LOG).unlink(missing_ok=True)
            write_text(self.folder / SETTINGS, self.config.to_toml(), check=self.check)
        return True

    def _is_finished(self) -> bool:
        """Whether the folder holds a finished training, which must be the same."""
        if not (self.folder / CARD).is_file():
            return False
        config, _, provenance, _ = read_run_file(self.folder)
        self._check_same_training(
            {
                "config": config.model_dump(mode="json"),
                "data": {name: provenance.get(name) for name in DATA},
            }
        )
        return True

    def _acquire(self) -> None:
        """Take the right to write; every process hears whether the main one got it."""
        refusal: OutputError | None = None
        if self.group.is_main_process:
            try:
                self._lock = RunLock.acquire(self.folder)
            except OutputError as error:
                refusal = error
        (refused,) = self.group.broadcast([float(refusal is not None)])
        if refused:
            raise refusal or OutputError(f"Folder `{self.folder}` cannot be written.")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder of a training that has ended, to tidy it."""
        self._lock = RunLock.acquire(self.folder)
        try:
            yield
        finally:
            self.close()

    def check(self) -> None:
        """Raise if another training has taken the folder over; called before each publication."""
        if self._lock is not None:
            self._lock.check()

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _began_here(self) -> bool:
        """Whether a training with these settings was killed here before its first state."""
        try:
            return read_text(self.folder / SETTINGS) == self.config.to_toml()
        except (OSError, ValueError):
            return False

    def _refuse_traces(self, resume: bool) -> None:
        for name in TRACES:
            if os.path.lexists(self.folder / name):
                how = "with `resume` (`--resume`)" if not resume else "where its state is"
                raise OutputError(
                    f"Folder `{self.folder}` already holds a training ({name}); choose another"
                    f" one, or continue it {how}."
                )
        for name in RESULTS:
            if os.path.lexists(self.folder / name):
                raise OutputError(
                    f"Folder `{self.folder}` already holds a {name} of something else, which a"
                    " report would replace; choose another folder."
                )
        known = {SETTINGS: self.config.to_toml(), "README.md": ""}
        for name, text in known.items():
            path = self.folder / name
            if path.is_file() and path.read_text(encoding="utf-8", errors="replace") != text:
                raise OutputError(
                    f"Folder `{self.folder}` already holds a {name} of something else, which"
                    " training would replace; choose another folder."
                )

    def state(self) -> dict[str, Any]:
        """State from which `restore` continues."""
        best = {"best": self._best, "since": self._epochs_since_best, "files": self.best_files}
        return {**self.key, "history": self.history, **best}

    def restore(self, state: dict[str, Any], best: dict[str, Tensor], encoder: nn.Module) -> None:
        """Continue from a saved state; rewrite the log and the best weights up to it.

        States of the first version hold no best weights: those of the folder are taken.
        """
        self._check_same_training(state)
        self.history = list(state["history"])
        accuracy, loss = state["best"]
        self._best, self._epochs_since_best = (float(accuracy), float(loss)), int(state["since"])
        if self.group.is_main_process:
            lines = [json.dumps(record) + "\n" for record in self.history]
            write_text(self.folder / LOG, "".join(lines), check=self.check)
        if self.history and not best:
            best = self._stored_best(encoder)
        if best:
            self.keep_best(best, encoder)

    def _stored_best(self, encoder: nn.Module) -> dict[str, Tensor]:
        """Weights of best.safetensors, which must be of this network and those of best.json."""
        network = inner_module(encoder)
        model = network if registered_name(network) is None else None
        found = load_encoder(self.folder, "best", model=model)
        best = plain_weights(found)
        types = {name: value.dtype for name, value in plain_weights(encoder).items()}
        if (
            describe_encoder(found) != describe_encoder(encoder)
            or {name: value.dtype for name, value in best.items()} != types
        ):
            raise CheckpointError(
                f"Checkpoint `{self.folder / 'best.safetensors'}` must be of the network that is"
                " trained, but is of another one; start again in another folder."
            )
        return best

    def keep_best(self, weights: dict[str, Tensor], encoder: nn.Module) -> None:
        """Publish the weights of the best epoch so far, and keep them for the state."""
        self.best_weights = weights
        if self.group.is_main_process:
            known = describe_encoder(encoder)
            self.best_files = write_weights(self.folder, "best", weights, known, check=self.check)

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
        self.check()
        try:
            if path.is_symlink():
                raise OSError(errno.ELOOP, "it is a symbolic link")  # noqa: TRY301
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
