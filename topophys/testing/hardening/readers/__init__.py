"""Everything in topophys that reads files of others, with honest files to begin from."""

from __future__ import annotations

from topophys.testing.hardening.readers import (
    datasets,
    hamiltonians,
    journals,
    materials,
    networks,
    reports,
)
from topophys.testing.hardening.readers.reader import Reader

__all__ = ["READERS", "Reader"]

READERS: dict[str, Reader] = {
    reader.name: reader
    for home in (datasets, journals, hamiltonians, networks, reports, materials)
    for reader in home.READERS
}
