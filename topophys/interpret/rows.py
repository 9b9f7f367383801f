"""Reports made of rows: a row is found by what it says, and all goes through JSON and back."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any, ClassVar, TypeVar

__all__ = ["RowReport"]

R = TypeVar("R", bound="RowReport")


class RowReport:
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

    def to_dict(self) -> dict[str, Any]:
        """Content as plain dicts and lists, ready for JSON.

        Returns
        -------
        dict
            With the attributes as keys.
        """
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
        """Make the report again from what `to_dict` gave.

        Parameters
        ----------
        content : dict
            The content.

        Returns
        -------
        report
            Equal to the one it came from.
        """
        names = [f.name for f in fields(cls.row_type)]
        rows = [{n: row[n] for n in names if n in row} for row in content[cls.rows_name]]
        return cls(**{**content, cls.rows_name: tuple(cls.row_type(**row) for row in rows)})


def _stored(value: Any) -> Any:
    """Bring a derived value into the form of JSON: a share of no cases is null."""
    if isinstance(value, float) and math.isnan(value):
        return None
    return list(value) if isinstance(value, tuple) else value
