"""Progress of long work: a bar where someone watches, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = ["Advance", "track"]

#: Call it with the number of items done since the last call.
Advance: TypeAlias = Callable[[int], None]
#: Seconds between two plain lines.
INTERVAL: Final = 10.0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _in_notebook() -> bool:
    # looked up, not imported: whoever runs a kernel has loaded it already
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return type(running).__name__ == "ZMQInteractiveShell"


class _Lines:
    """Plain lines on stderr, at most one every `INTERVAL` seconds and one at the end."""

    def __init__(self, total: int, description: str) -> None:
        self.total, self.description, self.done = total, description, 0
        self.start = self.last = time.monotonic()

    def __call__(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last >= INTERVAL and self.done < self.total:
            self.last = now
            self._say(now)

    def _say(self, now: float) -> None:
        rate = self.done / max(now - self.start, 1e-9)
        left = _duration((self.total - self.done) / rate) if rate > 0.0 else "?"
        sys.stderr.write(
            f"{self.description}: {self.done} of {self.total}, {rate:.3g}/s, {left} left\n"
        )
        sys.stderr.flush()

    def finish(self) -> None:
        now = time.monotonic()
        rate = self.done / max(now - self.start, 1e-9)
        sys.stderr.write(
            f"{self.description}: {self.done} of {self.total} in"
            f" {_duration(now - self.start)} ({rate:.3g}/s)\n"
        )
        sys.stderr.flush()


def _bar() -> RichProgress:
    # rich is loaded only where a bar is shown: it costs more than most of our imports
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def track(total: int, description: str, enabled: bool = True) -> Iterator[Advance]:
    """Show the progress of `total` items of work.

    A bar in terminals and notebooks; a line with rate and time left every ten seconds on stderr
    where nobody watches; nothing where not enabled.

    Parameters
    ----------
    total : int
        Number of items.
    description : str
        What is being done, such as "train".
    enabled : bool, optional
        Show anything at all.

    Yields
    ------
    callable
        ``advance(n)``: n more items are done.

    Examples
    --------
    >>> with track(3, "sum", enabled=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not enabled:
        yield lambda _n: None
        return
    if not (sys.stderr.isatty() or _in_notebook()):
        lines = _Lines(total, description)
        yield lines
        lines.finish()
        return
    start = time.monotonic()
    with _bar() as bar:
        task = bar.add_task(description, total=total, rate="")

        def advance(n: int) -> None:
            bar.advance(task, n)
            rate = bar.tasks[0].completed / max(time.monotonic() - start, 1e-9)
            bar.update(task, rate=f"{rate:.3g}/s")

        yield advance
