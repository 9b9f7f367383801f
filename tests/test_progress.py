from __future__ import annotations

import subprocess
import sys

import pytest

from topophys import _progress


def test_plain_lines_without_a_terminal(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 12.0, 13.0, 24.0, 25.0])
    monkeypatch.setattr(_progress.time, "monotonic", lambda: next(clock))
    with _progress.track(100, "draw") as advance:
        for _ in range(4):
            advance(25)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.splitlines() == [
        "draw: 50 of 100, 4.17/s, 0:12 left",
        "draw: 100 of 100 in 0:25 (4/s)",
    ]


def test_silence_where_not_enabled(capsys):
    with _progress.track(100, "draw", enabled=False) as advance:
        advance(100)
    assert capsys.readouterr() == ("", "")


def test_no_last_line_after_a_failure(capsys):
    with pytest.raises(ZeroDivisionError), _progress.track(100, "draw") as advance:
        advance(1 // 0)
    assert capsys.readouterr().err == ""


def test_a_bar_where_someone_watches(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with _progress.track(10, "draw") as advance:
        advance(10)
    assert "draw" in capsys.readouterr().err


@pytest.mark.process
def test_rich_is_loaded_only_for_a_bar():
    code = (
        "import sys; from topophys._progress import track\n"
        "with track(2, 'x') as a: a(2)\n"
        "assert 'rich' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3725, "1:02:05")])
def test_durations(seconds, text):
    assert _progress._duration(seconds) == text
