"""Files of hoppings of any dimension and size side by side, each with its own question."""

from __future__ import annotations

import csv
import glob
import io
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from topophys._io import begins_with, check_output, read_text, require_distinct, write_text
from topophys._optional import NotebookText, table_of_rows
from topophys._progress import track
from topophys.answers import QUESTIONS, Answer, ask
from topophys.errors import DatasetError, InputError, TopophysError

__all__ = ["FileLabel", "LabelTable", "label_files", "sources"]

#: Endings of the files of Wannier90 that are looked for in a folder.
PLAIN: Final = ("_hr.dat", "_tb.dat")
ENDINGS: Final = tuple(end + packed for end in PLAIN for packed in ("", ".gz", ".xz", ".tar.gz"))
#: Columns of the table, and of its CSV file.
COLUMNS: Final = ("file", "question", "value", "status", "reason", "gap_lower", "gap_upper", "dim",
                  "n_bands", "n_occupied", "notes", "seconds")  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file and what is asked of it.

    Attributes
    ----------
    path : Path
        The file.
    n_occupied : int or None
        Number of occupied bands.
    question : str or None
        As for `ask`; by the dimension where None.
    """

    path: Path
    n_occupied: int | None = None
    question: str | None = None


@dataclass(frozen=True)
class FileLabel:
    """What came of one file: an answer, or the reason for none.

    Attributes
    ----------
    path : Path
        The file.
    answer : Answer or None
        The answer, where the file could be read and asked.
    reason : str
        Why there is no answer, in one line; "" where there is one.
    """

    path: Path
    answer: Answer | None
    reason: str

    def row(self) -> dict[str, Any]:
        """Return the columns of the table."""
        record = self.answer.record() if self.answer else dict.fromkeys(COLUMNS, "")
        status = self.answer.status if self.answer else "failed"
        notes = "; ".join(record["notes"])
        return record | {
            "file": str(self.path),
            "status": status,
            "reason": self.reason,
            "notes": notes,
        }


@dataclass(frozen=True)
class LabelTable(NotebookText):
    """Labels of files, printed as a table and saved as CSV.

    Attributes
    ----------
    rows : tuple of FileLabel
        One for each file, in the order of the source.
    seconds : float
        Wall time.

    Examples
    --------
    >>> LabelTable((), 0.0).counts
    {}
    """

    rows: tuple[FileLabel, ...]
    seconds: float
    path: Path | None = field(default=None)

    def to_pandas(self) -> Any:
        """One row for each file, with the columns of the CSV file; needs the extra `pandas`."""
        return table_of_rows(row.row() for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many files have which status."""
        return dict(Counter(row.row()["status"] for row in self.rows))

    @property
    def labelled(self) -> int:
        """How many files have an answer."""
        return sum(row.answer is not None and row.answer.resolved for row in self.rows)

    def to_csv(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the table as CSV.

        Parameters
        ----------
        path : str or Path
            The file to make; an earlier table of this name is replaced.
        force : bool, optional
            Also replace a file that is no such table.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row.row() for row in self.rows)
        return write_text(path, text.getvalue(), ours=LabelTable.is_table, force=force)

    @staticmethod
    def is_table(path: Path) -> bool:
        """Whether a file is a table that `to_csv` wrote.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        bool
            By its first line.
        """
        return begins_with(",".join(COLUMNS))(path)

    def __repr__(self) -> str:
        width = max((len(str(row.path)) for row in self.rows), default=4)
        lines = []
        for row in self.rows:
            answer = row.answer
            if answer is not None and answer.resolved:
                message = f"{answer.value} ({answer.status})  {answer.question}"
            else:
                message = f"{row.row()['status']}: {row.reason}"
            lines.append(f"{row.path!s:<{width}}  {message}")
        counts = ", ".join(f"{n} {status}" for status, n in sorted(self.counts.items())) or "none"
        where = f"; table in {self.path}" if self.path else ""
        return "\n".join([*lines, f"{len(self.rows)} files: {counts}, {self.seconds:.1f} s{where}"])


def sources(
    source: str | Path, *, n_occupied: int | None = None, question: str | None = None
) -> list[Source]:
    """Find the files of a folder, of a pattern, of a CSV file, or one file."""
    path = Path(source)
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.name.endswith(ENDINGS))
        if not files:
            raise InputError(
                f"Folder `{path}` must hold files *{', *'.join(ENDINGS)}, but has none."
            )
        return [Source(file, n_occupied, question) for file in files]
    if path.is_file():
        if path.suffix.lower() == ".csv":
            return _listed(path, n_occupied, question)
        return [Source(path, n_occupied, question)]
    found = sorted(Path(name) for name in glob.glob(str(source), recursive=True))  # noqa: PTH207
    files = [file for file in found if file.is_file()]
    if not files:
        raise DatasetError(f"Source `{source}` does not exist; give a file, folder or pattern.")
    return [Source(file, n_occupied, question) for file in files]


def _listed(path: Path, n_occupied: int | None, question: str | None) -> list[Source]:
    reader = csv.DictReader(io.StringIO(read_text(path)))
    names = set(reader.fieldnames or ())
    if "file" not in names or names - {"file", "n_occupied", "question"}:
        raise InputError(
            f"Table `{path}` must have the columns file, n_occupied and question (the last two if"
            f" wanted), but has {', '.join(map(str, reader.fieldnames or ())) or 'none'}."
        )
    listed = []
    for number, row in enumerate(reader, start=2):
        words = {name: (row.get(name) or "").strip() for name in ("file", "n_occupied", "question")}
        if not words["file"] or not (words["n_occupied"] or "0").isdecimal() or (
            words["question"] and words["question"] not in QUESTIONS):  # fmt: skip
            raise InputError(
                f"Table `{path}` must have a file, an integer or nothing, and one of"
                f" {', '.join(QUESTIONS)} or nothing in line {number}, but has {row}."
            )
        listed.append(
            Source(
                path.parent / words["file"],
                int(words["n_occupied"]) if words["n_occupied"] else n_occupied,
                words["question"] or question,
            )
        )
    return listed


#: Files that are read with a file of hoppings, by the end of their names.
COMPANIONS: Final = ("_wsvec.dat", "_centres.xyz", ".win")


def read_files(found: Sequence[Source]) -> list[Path]:
    """Every file that is read for some sources: theirs, and what may lie beside."""
    files = [one.path for one in found]
    for path in [one.path for one in found]:
        seed = next((path.name.removesuffix(e) for e in ENDINGS if path.name.endswith(e)), None)
        files += [path.with_name(seed + end) for end in COMPANIONS] if seed else []
    return files


def label_files(
    source: str | Path,
    path: str | Path | None = None,
    *,
    n_occupied: int | None = None,
    question: str | None = None,
    progress: bool | Callable[[int, int], None] = False,
    force: bool = False,
) -> LabelTable:
    """Compute an invariant of each of many files, and collect the results in a table.

    What cannot be read, asked or proven stays in the table with its reason; nothing stops at it.

    Parameters
    ----------
    source : str or Path
        As for `sources`: folder, pattern, CSV file, or one file.
    path : str or Path, optional
        CSV file to write.
    n_occupied : int, optional
        Number of occupied bands of files that have no own one in the CSV file.
    question : str, optional
        As for `ask`; by default the winding number in one dimension, the Chern number in two, and
        the Chern numbers of the planes in three.
    progress : bool or callable, optional
        Show a bar, or call this with files done and files in all.
    force : bool, optional
        Also replace a file that is no such table.

    Returns
    -------
    LabelTable
        One row for each file.

    Raises
    ------
    DatasetError, InputError
        As `sources`.
    OutputError
        If the table cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import topophys as tp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = tp.write_wannier90_hr(tp.models.qwz(-1.0), f"{folder}/a_hr.dat")
    ...     table = label_files(folder, n_occupied=1)
    >>> table.rows[0].answer.value, table.counts
    ('+1', {'certified': 1})
    """
    start = time.monotonic()
    if path is not None:
        check_output(path, ours=LabelTable.is_table, force=force)
    files = sources(source, n_occupied=n_occupied, question=question)
    if path is not None:
        require_distinct(path, source, *read_files(files))
    rows = []
    with track(len(files), "label", progress is True) as advance:
        for done, one in enumerate(files, start=1):
            rows.append(_label(one))
            advance(1)
            if not isinstance(progress, bool):
                progress(done, len(files))
    table = LabelTable(tuple(rows), time.monotonic() - start, None if path is None else Path(path))
    if path is not None:
        table.to_csv(path, force=force)
    return table


def _label(source: Source) -> FileLabel:
    question: Any = source.question
    try:
        answer = ask(source.path, question, n_occupied=source.n_occupied)
    except TopophysError as error:
        return FileLabel(source.path, None, " ".join(str(error).split()))
    return FileLabel(source.path, answer, answer.reason)


def failures(rows: Sequence[FileLabel]) -> str:
    """Count reasons, the most frequent first, in one line."""
    counted = Counter(row.reason for row in rows if row.reason)
    return "; ".join(f"{n} x {reason:.160}" for reason, n in counted.most_common(5))
