"""The run-time checker of annotations that the test run puts on every function."""

from __future__ import annotations

from beartype import BeartypeConf, beartype

#: Python's numbers count as they do for mypy: an int is a float is a complex.
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
