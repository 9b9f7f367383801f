"""Files of hoppings of any dimension and size side by side, each with its own question."""

from __future__ import annotations

import csv
import glob
import io
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from topophys._io import (
    begins_with,
    check_output,
    read_count,
    read_text,
    require_distinct,
    write_text,
)
from topophys._optional import NotebookText, table_of_rows
from topophys._progress import track
from topophys.answers import QUESTIONS, Answer, ask
from topophys.datasets.tbmodels_file import is_tbmodels, read_hoppings
from topophys.errors import DatasetError, InputError, TopophysError
from topophys.hamiltonians.wannier90 import WannierHamiltonian, filling

__all__ = ["FileLabel", "LabelTable", "label_files", "sources"]

#: Endings of the files of Wannier90 that are looked for in a folder.
PLAIN: Final = ("_hr.dat", "_tb.dat")
ENDINGS: Final = tuple(
    end + packed for end in PLAIN for packed in ("", ".gz", ".xz", ".bz2", ".tar.gz")
)
#: Endings under which TBmodels saves models; in a folder the content decides.
MODELS: Final = (".hdf5", ".h5", ".json", ".json.gz", ".json.xz", ".json.bz2")
#: Columns of the table, and of its CSV file.
COLUMNS: Final = ("file", "question", "value", "status", "reason", "gap_lower", "gap_upper", "dim",
                  "n_bands", "n_occupied", "notes", "seconds", "unit")  # fmt: skip


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
    fermi_energy : float or None
        In place of `n_occupied`: an energy in the gap.
    """

    path: Path
    n_occupied: int | None = None
    question: str | None = None
    fermi_energy: float | None = None

    def read(self) -> WannierHamiltonian:
        """Read the file with its filling."""
        return read_hoppings(self.path, n_occupied=self.n_occupied, fermi_energy=self.fermi_energy)


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
        files = f"{len(self.rows)} file{'s' * (len(self.rows) != 1)}"
        return "\n".join([*lines, f"{files}: {counts}, {self.seconds:.1f} s{where}"])


def sources(
    source: str | Path,
    *,
    n_occupied: int | None = None,
    fermi_energy: float | None = None,
    question: str | None = None,
) -> list[Source]:
    """Find the files of a folder, of a pattern, of a CSV file, or one file."""
    path = Path(source)
    filling(n_occupied, fermi_energy, None, None)  # not both
    usual = Source(path, n_occupied, question, fermi_energy)
    if path.is_dir():
        files = sorted(
            f for f in path.iterdir()
            if f.name.endswith(ENDINGS) or (f.name.lower().endswith(MODELS) and is_tbmodels(f))
        )  # fmt: skip
        if not files:
            raise InputError(
                f"Folder `{path}` must hold files *{', *'.join(ENDINGS)}, or models of TBmodels"
                f" (*{', *'.join(MODELS)}), but has none."
            )
        return [replace(usual, path=file) for file in files]
    if path.is_file():
        return _listed(path, usual) if path.suffix.lower() == ".csv" else [usual]
    found = sorted(Path(name) for name in glob.glob(str(source), recursive=True))  # noqa: PTH207
    files = [file for file in found if file.is_file()]
    if not files:
        raise DatasetError(f"Source `{source}` does not exist; give a file, folder or pattern.")
    return [replace(usual, path=file) for file in files]


#: Columns of a list of files; the first one must be there.
LISTED: Final = ("file", "n_occupied", "fermi_energy", "question")


def _listed(path: Path, usual: Source) -> list[Source]:
    try:
        reader = csv.DictReader(io.StringIO(read_text(path)))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"Table `{path}` cannot be read: {reason}.") from None
    names = [name.strip() for name in reader.fieldnames or ()]
    if "file" not in names or set(names) - set(LISTED) or len(set(names)) < len(names):
        raise InputError(
            f"Table `{path}` must have the columns file, n_occupied, fermi_energy and question (the"
            f" last three if wanted), but has {', '.join(names) or 'none'}."
        )
    reader.fieldnames = names
    listed = []
    for number, row in enumerate(reader, start=2):
        words = {name: (row.get(name) or "").strip() for name in LISTED}
        filled, energy = read_count(words["n_occupied"]), _energy(words["fermi_energy"])
        wrong = (
            (not words["file"] or None in row, "a file, and no more columns than its first line"),
            (bool(words["n_occupied"]) and filled is None, "an integer or nothing as n_occupied"),
            (bool(words["fermi_energy"]) and energy is None, "a number or nothing as fermi_energy"),
            (bool(words["n_occupied"] and words["fermi_energy"]),
             "n_occupied or fermi_energy, not both"),
            (bool(words["question"]) and words["question"] not in QUESTIONS,
             f"one of {', '.join(QUESTIONS)} or nothing as question"),
        )  # fmt: skip
        for is_wrong, wanted in wrong:
            if is_wrong:
                given = ",".join(str(value) for value in row.values())
                raise InputError(
                    f"Table `{path}` must have {wanted} in line {number}, but has {given:.80}."
                )
        if filled is None and energy is None:
            filled, energy = usual.n_occupied, usual.fermi_energy
        question = words["question"] or usual.question
        listed.append(Source(path.parent / words["file"], filled, question, energy))
    return listed


def _energy(word: str) -> float | None:
    # float() also takes 1_0 and digits of other scripts
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?", word):
        return None
    value = float(word)
    return value if math.isfinite(value) else None


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
    fermi_energy: float | None = None,
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
    fermi_energy : float, optional
        In place of it: an energy, in eV, in the gap of each of these files.
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
    files = sources(source, n_occupied=n_occupied, fermi_energy=fermi_energy, question=question)
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
        answer = ask(
            source.path, question, read=read_hoppings,
            n_occupied=source.n_occupied, fermi_energy=source.fermi_energy,
        )  # fmt: skip
    except TopophysError as error:
        return FileLabel(source.path, None, " ".join(str(error).split()))
    return FileLabel(source.path, answer, answer.reason)


def failures(rows: Sequence[FileLabel]) -> str:
    """Count reasons, the most frequent first, in one line."""
    counted = Counter(row.reason for row in rows if row.reason)
    return "; ".join(f"{n} x {reason:.160}" for reason, n in counted.most_common(5))
