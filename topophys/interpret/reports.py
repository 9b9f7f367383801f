"""Reports of probes, causal tests and audits, and their JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from topophys._optional import NotebookText, load_extra, table_of_rows

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ProbeReport", "ProbeResult", "TableReport"]


# ---- Reports as tables

R = TypeVar("R", bound="TableReport")


class TableReport(NotebookText):
    """Base of the reports; a subclass is a frozen dataclass with a tuple of rows.

    Attributes
    ----------
    rows_name : str
        Attribute that holds the rows.
    row_type : type
        Dataclass of a row.
    derived : tuple of str
        Properties of a row that are stored with it, for readers of the JSON.
    """

    rows_name: ClassVar[str]
    row_type: ClassVar[type[Any]]
    derived: ClassVar[tuple[str, ...]] = ()

    def _first(self, **wanted: Any) -> Any:
        """Find the first row with these attributes, or raise `KeyError` with them."""
        for row in getattr(self, self.rows_name):
            if all(getattr(row, name) == value for name, value in wanted.items()):
                return row
        raise KeyError(tuple(wanted.values()))

    def to_pandas(self) -> Any:
        """Rows of the report as a table; needs the extra `pandas`."""
        return table_of_rows(self._plain(row) for row in getattr(self, self.rows_name))

    def to_dict(self) -> dict[str, Any]:
        """Content as plain dicts and lists, ready for JSON."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        return {**own, self.rows_name: [self._plain(row) for row in own[self.rows_name]]}

    def _plain(self, row: Any) -> dict[str, Any]:
        more = {name: _stored(getattr(row, name)) for name in self.derived}
        return asdict(row) | more

    def _columns(self, *names: str) -> list[str]:
        """Write these attributes in columns: their names first, then a line for each row."""
        rows = getattr(self, self.rows_name)
        cells = [names, *(tuple(getattr(row, name) for name in names) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return ["   ".join(map(str.ljust, line, widths)) for line in cells]

    @classmethod
    def from_dict(cls: type[R], content: dict[str, Any]) -> R:
        """Make the report again from what `to_dict` gave."""
        names = [f.name for f in fields(cls.row_type)]
        rows = [{n: row[n] for n in names if n in row} for row in content[cls.rows_name]]
        return cls(**{**content, cls.rows_name: tuple(cls.row_type(**row) for row in rows)})


def _stored(value: Any) -> Any:
    """Bring a derived value into the form of JSON: a share of no cases is null."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return list(value) if isinstance(value, tuple) else value


# ---- Probe reports


@dataclass(frozen=True)
class ProbeResult:
    """One probe of one layer.

    Attributes
    ----------
    layer : str
        Name of the layer.
    target : str
        Exact quantity that is predicted.
    source : str
        "trained", "untrained", "shuffled" (trained features, targets of other Hamiltonians),
        "raw input" (no network), "control" (trained features, a quantity that no invariant depends
        on), "scrambled" (likewise, of permuted hoppings), "exact forms" (no layer at all).
    r2 : float
        Held-out share of explained variance; the mean where several networks are probed.
    low, high : float
        95 % interval: Student's over several networks, else bootstrap over Hamiltonians.
    measure : str
        Probe type: "raw", "modulo exact", "window 4", "best channel", "segmented",
        "circular", "used part", "read-out".
    split : str
        Split of the data set it was tried on.
    networks : int
        How many networks the number is a mean of.

    Examples
    --------
    >>> ProbeResult("h2_features", "dalpha", "trained", 0.98, 0.97, 0.99).r2
    0.98
    """

    layer: str
    target: str
    source: str
    r2: float
    low: float
    high: float
    measure: str = "raw"
    split: str = "test"
    networks: int = 1


@dataclass(frozen=True)
class ProbeReport(TableReport):
    """All probes of one network, or of several with the same architecture.

    Attributes
    ----------
    split : str
        Split of the data set that probes were fitted on.
    n_hamiltonians, n_untrained, folds : int
        How many Hamiltonians, untrained networks and cross-validation folds.
    seed : int
        Seed of subsets, shuffles and untrained networks.
    results : tuple of ProbeResult
        Grouped by layer.
    n_runs : int
        How many trained networks.

    Examples
    --------
    >>> row = ProbeResult("h2_features", "dalpha", "trained", 0.98, 0.97, 0.99)
    >>> ProbeReport("test", 1000, 5, 5, 0, (row,))
    Linear probes, held-out R2 on 1000 Hamiltonians of `test` (5 folds by Hamiltonian; ...)
      layer         target   measure   split   source         R2   95 % interval
      h2_features   dalpha   raw       test    trained    0.9800   [0.9700, 0.9900]
    """

    rows_name, row_type = "results", ProbeResult

    split: str
    n_hamiltonians: int
    n_untrained: int
    folds: int
    seed: int
    results: tuple[ProbeResult, ...]
    n_runs: int = 1

    def find(
        self, layer: str, source: str, *, measure: str = "raw", split: str | None = None
    ) -> ProbeResult:
        """One probe.

        Parameters
        ----------
        layer, source, measure : str
            As in `ProbeResult`.
        split : str, optional
            Split it was tried on; that of the report by default.

        Returns
        -------
        ProbeResult
            The first that fits.

        Raises
        ------
        KeyError
            If there is no such probe.
        """
        found: ProbeResult = self._first(
            layer=layer, source=source, measure=measure, split=split or self.split
        )
        return found

    def r2(
        self, layer: str, source: str, *, measure: str = "raw", split: str | None = None
    ) -> float:
        """Explained variance of one probe.

        Parameters
        ----------
        layer, source, measure, split
            As for `find`.

        Returns
        -------
        float
            The held-out R^2.

        Raises
        ------
        KeyError
            If there is no such probe.
        """
        return self.find(layer, source, measure=measure, split=split).r2

    def selectivity(self, layer: str, *, measure: str = "raw") -> float:
        """R^2 of the physics minus R^2 of the control quantity, for the trained network.

        Parameters
        ----------
        layer, measure : str
            As in `ProbeResult`.

        Returns
        -------
        float
            1 for a layer that encodes the physics alone, 0 for one that encodes anything.

        Raises
        ------
        KeyError
            If one of them was not measured.

        References
        ----------
        .. [1] J. Hewitt, P. Liang, Proc. EMNLP, 2733 (2019).
        """
        return self.r2(layer, "trained", measure=measure) - self.r2(
            layer, "control", measure=measure
        )

    def to_frame(self) -> DataFrame:
        """One row for each probe.

        Returns
        -------
        pandas.DataFrame
            Columns as the attributes of `ProbeResult`.

        Raises
        ------
        MissingPackageError
            If pandas is not installed.
        """
        table: DataFrame = load_extra("pandas", "pandas").DataFrame(
            [asdict(result) for result in self.results]
        )
        return table

    def __repr__(self) -> str:
        several = f"; {self.n_runs} trained networks" if self.n_runs > 1 else ""
        header = (
            f"Linear probes, held-out R2 on {self.n_hamiltonians} Hamiltonians of `{self.split}`"
            f" ({self.folds} folds by Hamiltonian; {self.n_untrained} untrained networks{several})"
        )
        texts = self._columns("layer", "target", "measure", "split", "source")
        lines = [f"  {texts[0]}{'R2':>9}   95 % interval"]
        lines += [
            f"  {text}{r.r2:>9.4f}   [{r.low:.4f}, {r.high:.4f}]"
            for text, r in zip(texts[1:], self.results, strict=True)
        ]
        return "\n".join([header, *lines])
