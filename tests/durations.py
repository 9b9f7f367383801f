"""Marks from measured times: what a test costs is recorded, not remembered.

    make durations

runs every test that is not marked `slow` and writes the processor time of each, with that of the
processes it started, to `tests/durations.json`; of a run of some files, only theirs change. At
collection, tests of `LONG` seconds, or of a fixture in `LARGE`, are marked `long`, and tests of
`HEAVY` seconds `heavy`, but for those marked `always`: a capability that no cheaper test looks at.
A test without a record gets neither mark.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

RECORD: Final = Path(__file__).with_suffix(".json")
#: Seconds from which a test is `long`: `make test-fast` leaves it out.
LONG: Final = 0.05
#: Seconds from which a test is `heavy`: `make test` leaves it out, `make test-all` runs it.
HEAVY: Final = 0.2
#: Fixtures of many seconds, whose tests are `long` as well.
LARGE: Final = frozenset({"demonstrated"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-durations", action="store_true", help=f"write {RECORD.name}; nothing is heavy"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--record-durations") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(), "durations-recorder")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark before pytest deselects by marks."""
    recording = config.getoption("--record-durations")
    seconds = {} if recording or not RECORD.exists() else json.loads(RECORD.read_text("utf-8"))
    for item in items:
        spent = seconds.get(item.nodeid, 0.0)
        if spent >= LONG or LARGE.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("long")
        if spent >= HEAVY and item.get_closest_marker("always") is None:
            item.add_marker("heavy")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Measure a test without its fixtures, which others use too."""
    start = _spent()
    try:
        return (yield)
    finally:
        item.user_properties.append(("processor seconds", round(_spent() - start, 2)))


def _spent() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


class _Recorder:
    """Collects the times that the processes of a run report."""

    def __init__(self) -> None:
        self.ran: set[str] = set()
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.ran.add(report.nodeid)
            for name, value in report.user_properties:
                if name == "processor seconds" and float(str(value)) >= LONG:
                    self.seconds[report.nodeid] = float(str(value))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        known = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        if session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            known = {}  # all tests: names that are no longer there go
        kept = {name: spent for name, spent in known.items() if name not in self.ran}
        text = json.dumps(dict(sorted((kept | self.seconds).items())), indent=0, ensure_ascii=False)
        RECORD.write_text(text + "\n", "utf-8")
