"""Progress of long work: a bar where someone watches, a plain line now and then elsewhere."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = ["Advance", "say", "track"]

#: Call it with the number of items done since the last call.
Advance: TypeAlias = Callable[[int], None]
#: Seconds between two plain lines.
INTERVAL: Final = 10.0


#: What showing something may raise: full disks, closed or broken streams, streams that are None.
UNSHOWN: Final = (OSError, ValueError, AttributeError, UnicodeError)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _in_notebook() -> bool:
    # looked up, not imported: code that runs a kernel has loaded it already
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
            say(self._line(now))

    def finish(self) -> None:
        say(self._last_line(time.monotonic()))

    def _line(self, now: float) -> str:
        rate = self.done / max(now - self.start, 1e-9)
        left = _duration((self.total - self.done) / rate) if rate > 0.0 else "?"
        return f"{self.description}: {self.done} of {self.total}, {rate:.3g}/s, {left} left"

    def _last_line(self, now: float) -> str:
        rate = self.done / max(now - self.start, 1e-9)
        took = _duration(now - self.start)
        return f"{self.description}: {self.done} of {self.total} in {took} ({rate:.3g}/s)"


def say(line: str) -> None:
    """Show a line on stderr; one that cannot be shown is no reason to lose the work."""
    with suppress(*UNSHOWN):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _watched() -> bool:
    """Whether stderr is a terminal."""
    try:
        return bool(sys.stderr.isatty())
    except UNSHOWN:
        return False


class _Cell(_Lines):
    """A bar and a line in the output of a notebook cell, which stay readable in the saved file."""

    #: Seconds between two updates.
    PACE: Final = 0.2

    def __init__(self, total: int, description: str) -> None:
        super().__init__(total, description)
        shell = sys.modules["IPython"]
        self.handle: Any = None
        with suppress(*UNSHOWN):
            self.handle = shell.display.display(self._content(), raw=True, display_id=True)

    def __call__(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last >= self.PACE:
            self.last = now
            self._show()

    def finish(self) -> None:
        self._show()

    def _show(self) -> None:
        with suppress(*UNSHOWN):
            self.handle.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        now = time.monotonic()
        line = self._line(now) if self.done < self.total else self._last_line(now)
        bar = f'<progress value="{self.done}" max="{self.total}"></progress>'
        return {"text/plain": line, "text/html": f"{bar} {html.escape(line)}"}


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
    where stderr is no terminal; nothing where not enabled, and nothing where it cannot be shown.

    Examples
    --------
    >>> with track(3, "sum", enabled=False) as advance:
    ...     for _ in range(3):
    ...         advance(1)
    """
    if not enabled:
        yield lambda _n: None
        return
    if _in_notebook() or not _watched():
        lines = (_Cell if _in_notebook() else _Lines)(total, description)
        yield lines
        lines.finish()
        return
    start, bar = time.monotonic(), _bar()
    task = bar.add_task(description, total=total, rate="")

    def advance(n: int) -> None:
        with suppress(*UNSHOWN):
            bar.advance(task, n)
            rate = bar.tasks[0].completed / max(time.monotonic() - start, 1e-9)
            bar.update(task, rate=f"{rate:.3g}/s")

    with suppress(*UNSHOWN):
        bar.start()
    try:
        yield advance
    finally:
        with suppress(*UNSHOWN):  # the terminal may be gone
            bar.stop()
