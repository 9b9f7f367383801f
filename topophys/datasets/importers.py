"""Labelled data sets from Hamiltonians that users bring along."""

from __future__ import annotations

import csv
import io
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from topophys import _validation
from topophys._io import (
    begins_with,
    check_output,
    is_archive,
    is_ours,
    most_unpacked,
    read_npz,
    require_distinct,
    write_text,
)
from topophys._progress import track
from topophys.datasets import schema
from topophys.datasets._hdf5 import opened_of_others, plain_array
from topophys.datasets.dataset_card import Summary
from topophys.datasets.families import Arrays, family_of, square
from topophys.datasets.label_table import (
    ENDINGS,
    FileLabel,
    LabelTable,
    failures,
    label_files,
    read_files,
    sources,
)
from topophys.datasets.recipe import GIVEN, Recipe
from topophys.datasets.shards import REASONS, Shard, ShardRange, evaluate, seed_keys
from topophys.datasets.tasks import get_task, task_names
from topophys.datasets.tbmodels_file import is_tbmodels
from topophys.datasets.writer import Writer
from topophys.ensembles.rejection import SMALL, UNRESOLVED
from topophys.errors import (
    DatasetError,
    InputError,
    KindError,
    ShapeError,
    TopophysError,
    why,
)
from topophys.hamiltonians._wannier90_format import begins_as_wannier90
from topophys.invariants.results import Certificate

__all__ = ["Given", "label", "read_source"]


# -------------- Hamiltonians that users bring along: NumPy archives, HDF5 files, files of Wannier90

#: First line of the table of the files that a data set was made from.
NAMES_LINE: Final = "index,file,value,status,reason,n_occupied"
#: Largest component of a lattice vector, as in recipes.
LARGEST_REACH: Final = 64
#: Bytes that the coefficients may take when they are laid out on all lattice vectors within reach.
LARGEST: Final = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Given:
    """A batch of Hamiltonians in the shape in which data files hold them.

    Attributes
    ----------
    kind : {"winding", "chern", "bands"}
        Kind of data set.
    reach : int
        Largest component of a lattice vector.
    hoppings : complex128 ndarray of shape (S, M, n, n) or (S, M, 3)
        Coefficients on all lattice vectors within reach.
    n_occupied : int or None
        Number of occupied bands, for the kind "bands".
    """

    kind: str
    reach: int
    hoppings: NDArray[np.complex128]
    n_occupied: int | None
    names: tuple[str, ...] = ()


def _kinds() -> dict[str, str]:
    """Kind of data set by the name of the array with the coefficients.

    A task that is made from another one inherits `given`, but has no family for it unless it says.
    """
    tasks = (get_task(name) for name in task_names())
    own = [task for task in tasks if any(name.startswith("given") for name in task.families)]
    return {task.given: task.name for task in own if task.given}


def holds_files(source: str | Path) -> bool:
    """Whether a source is files of Wannier90: a folder, a pattern, a list, or a file of theirs."""
    path = Path(source)
    if not path.is_file():
        return path.is_dir() or any(c in str(source) for c in "*?[")
    if path.suffix.lower() == ".csv":
        return True
    return path.name.endswith(ENDINGS) or is_tbmodels(path) or begins_as_wannier90(path)


def read_source(path: Path, n_occupied: int | None = None) -> Given:
    """Read Hamiltonians from a file or a folder."""
    if holds_files(path):
        return _from_wannier(path, n_occupied)[0]
    if not path.exists():
        raise DatasetError(f"Source `{path}` does not exist; give a file, a folder or a pattern.")
    names = _kinds()
    arrays = _arrays(path, names)
    found = [name for name in names if name in arrays]
    if len(found) != 1 or "vectors" not in arrays:
        raise InputError(
            f"Source `{path}` must hold `vectors` and one of {', '.join(names)}, but holds"
            f" {', '.join(sorted(arrays)) or 'nothing'}."
        )
    vectors, coefficients = arrays["vectors"], arrays[found[0]]
    if vectors.dtype.kind not in "iu" or vectors.ndim != 2 or not vectors.size:
        raise ShapeError(
            f"Array `vectors` of `{path}` must have integers and shape (M, dim), but has"
            f" {vectors.dtype} and {vectors.shape}."
        )
    field = next(f for f in get_task(names[found[0]]).fields if f.name == "hoppings")
    if coefficients.ndim != len(field.axes) or len(vectors) != coefficients.shape[1]:
        raise ShapeError(
            f"Array `{found[0]}` of `{path}` must have shape (S, {len(vectors)}, ...) with one"
            f" coefficient for each row of `vectors`, but has {coefficients.shape}."
        )
    if len(np.unique(vectors, axis=0)) < len(vectors):
        raise InputError(f"Array `vectors` of `{path}` must have distinct rows, but repeats one.")
    if max(-int(vectors.min()), int(vectors.max())) > LARGEST_REACH:
        raise InputError(
            f"Array `vectors` of `{path}` must have components from -{LARGEST_REACH} to"
            f" {LARGEST_REACH}, but has {int(vectors.min())} and {int(vectors.max())}."
        )
    given = _validation.as_complex(coefficients, found[0], "(...)")
    return _complete(found[0], vectors.astype(np.int64), given, n_occupied)


def _arrays(path: Path, names: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    try:
        if is_archive(path):
            return read_npz(path)
        most = most_unpacked(path.stat().st_size)
        found: dict[str, NDArray[Any]] = {}
        with opened_of_others(path) as file:
            own = [k for k in file if isinstance(file.get(k, getlink=True), h5py.HardLink)]
            for name in own:
                if (name in names or name == "vectors") and isinstance(file[name], h5py.Dataset):
                    found[name] = plain_array(file, name, most=most)
                    most -= found[name].nbytes  # of all together
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise DatasetError(
            f"Source `{path}` must be .npz, HDF5 or a file of Wannier90, but cannot be read:"
            f" {' '.join(str(error).split()):.100}."
        ) from None
    return found


def _complete(
    name: str, vectors: NDArray[Any], given: NDArray[np.complex128], n_occupied: int | None
) -> Given:
    """Coefficients on all vectors within reach, those of -R filled in where they follow."""
    task = get_task(_kinds()[name])
    if vectors.shape[1] != task.dim:
        raise KindError(
            f"Array `{name}` must belong to {task.dim}D Hamiltonians, with `vectors` of shape (M,"
            f" {task.dim}), but they have {vectors.shape[1]} components."
        )
    return _laid_out(task.name, *task.coefficients(vectors, given, n_occupied))


def _room(shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Zeros for the coefficients on all lattice vectors within reach."""
    if 16 * math.prod(shape) > LARGEST:
        raise InputError(
            f"Source must need at most {LARGEST} bytes with a coefficient for each lattice vector"
            f" within reach, but needs {16 * math.prod(shape)}; label fewer Hamiltonians at once."
        )
    return np.zeros(shape, np.complex128)


def _laid_out(
    kind: str, vectors: NDArray[np.int64], given: NDArray[np.complex128], filled: int | None
) -> Given:
    """Coefficients in the order of all lattice vectors within reach."""
    reach = max(1, int(np.abs(vectors).max()))
    side = 2 * reach + 1
    full = _room((len(given), side ** vectors.shape[1], *given.shape[2:]))
    full[:, (vectors + reach) @ side ** np.arange(vectors.shape[1])[::-1]] = given
    return Given(kind, reach, full, filled)


def _from_wannier(
    source: str | Path,
    n_occupied: int | None,
    fermi_energy: float | None = None,
    *,
    progress: bool = False,
) -> tuple[Given, list[FileLabel]]:
    """Stack files of one kind; the others are returned with the reason why they are left out."""
    files = sources(source, n_occupied=n_occupied, fermi_energy=fermi_energy)
    kinds: dict[tuple[int, int], list[tuple[Path, Given]]] = {}
    left_out: list[FileLabel] = []
    with track(len(files), "read", progress) as advance:
        for one in files:
            try:
                h = one.read()
                if h.dim != 2 or one.question not in (None, "chern"):
                    asked = one.question or "none"
                    raise KindError(
                        "A data set of Chern numbers must hold 2D Hamiltonians, but this is"
                        f" {h.dim}D (question: {asked}); a table (.csv) holds files of any kind."
                    )
                part = _laid_out("bands", h.vectors, h.amplitudes[None], h.n_occupied)
                kinds.setdefault((h.n_bands, h.n_occupied), []).append((one.path, part))
            except TopophysError as error:
                left_out.append(FileLabel(one.path, None, " ".join(str(error).split())))
            advance(1)
    if not kinds:
        raise InputError(
            f"Source `{source}` must hold files that can be labelled with Chern numbers, but none"
            f" of {len(files)} is one: {failures(left_out)}"
        )
    (n, filled), kept = max(kinds.items(), key=lambda pair: len(pair[1]))
    for (n_bands, occupied), others in kinds.items():
        if (n_bands, occupied) != (n, filled):
            reason = (
                f"A data set holds Hamiltonians of one kind, here {filled} of {n} bands, but this"
                f" has {occupied} of {n_bands}; a table (.csv) holds files of any kind."
            )
            left_out += [FileLabel(path, None, reason) for path, _ in others]
    reach = max(part.reach for _, part in kept)
    rows = [_laid_out("bands", square(part.reach), part.hoppings, None) for _, part in kept]
    full = _room((len(rows), len(square(reach)), *rows[0].hoppings.shape[2:]))
    for i, row in enumerate(rows):
        full[i, (square(row.reach) + reach) @ np.array([2 * reach + 1, 1])] = row.hoppings[0]
    names = tuple(str(path) for path, _ in kept)
    return Given("bands", reach, full, filled, names), left_out


# ---------------------------------- From Hamiltonians that users bring along to a labelled data set

#: Name of the split where no others are asked for.
SPLIT: Final = "all"
#: Grid where none is given, by dimension.
GRIDS: Final = {1: (32,), 2: (12, 12)}


def label(
    source: str | Path,
    path: str | Path,
    *,
    grid: tuple[int, ...] | None = None,
    min_gap: float = 0.0,
    flatten_bands: bool = True,
    n_occupied: int | None = None,
    fermi_energy: float | None = None,
    question: str | None = None,
    splits: Mapping[str, float] | None = None,
    progress: bool = False,
    force: bool = False,
) -> Summary | LabelTable:
    """Prove the invariants of given Hamiltonians and store them as a data set, or as a table.

    Those whose invariant or gap cannot be proven do not enter the file; how many, and why, is
    recorded. Energies stay in the units they come in. All lie in one split, `all`, or in `splits`,
    in the order of the source, whose numbers are the last column of `seed_key`.

    Parameters
    ----------
    source : str or Path
        ``.npz`` or HDF5 with an integer array `vectors` (M, dim) and one of `block` (S, M, N, N)
        for chiral chains, `d` (S, M, 3) for two bands, or `hoppings` (S, M, n, n); or files of
        Wannier90 or TBmodels: one, a folder of them, a pattern, or a CSV file with the columns
        ``file``, ``n_occupied`` or ``fermi_energy``, and ``question``.
    path : str or Path
        Name of the file to make. A name that ends in ``.csv`` makes a table of files of Wannier90
        of any dimension and size, see `label_files`. Any other one makes an HDF5 file, of those
        with the most frequent number of bands in two dimensions, and a table of all files beside
        it.
    grid : tuple of int, optional
        Number of k points of the input `x`; 32 for chains, 12 x 12 in two dimensions.
    min_gap : float, optional
        Smallest gap to be proven, in the units of the source.
    flatten_bands : bool, optional
        Flatten the bands in `x`.
    n_occupied : int, optional
        Number of occupied bands, for `hoppings` and files; half filling is not assumed.
    fermi_energy : float, optional
        In place of it, for files: an energy, in their units, in the gap of each of them.
    question : str, optional
        For tables: what to ask of files that have no question of their own.
    splits : mapping of str to float, optional
        Names and shares of splits, such as ``{"train": 0.8, "val": 0.1, "test": 0.1}``: each class
        is drawn apart at random, always in the same way.
    progress : bool, optional
        Show a bar while files are read, or for a table answered.
    force : bool, optional
        Also replace files that topophys did not make.

    Returns
    -------
    Summary or LabelTable
        Sizes, classes, rejections and time; or one row for each file.

    Raises
    ------
    DatasetError, InputError, ShapeError, KindError
        If the source does not hold Hamiltonians that can be labelled, or none is proven.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import label
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hop = np.array([[[[1.0]], [[0.4]]], [[[1.0]], [[2.5]]]])
    ...     np.savez(f"{folder}/ssh.npz", vectors=[[0], [1]], block=hop)
    ...     summary = label(f"{folder}/ssh.npz", f"{folder}/ssh.h5")
    >>> summary.classes
    {'all': {0: 1, 1: 1}}
    """
    start = time.monotonic()
    shares = _shares(splits)
    path, left_out = Path(path), list[FileLabel]()
    require_distinct(path, source)
    if path.suffix.lower() == ".csv":
        return label_files(
            source,
            path,
            n_occupied=n_occupied,
            fermi_energy=fermi_energy,
            question=question,
            progress=progress,
            force=force,
        )
    check_output(path, ours=is_ours, force=force)
    names = path.with_suffix(".csv")
    if holds_files(source):
        read = read_files(sources(source, n_occupied=n_occupied))
        require_distinct(path, *read)
        require_distinct(names, source, *read)
        given, left_out = _from_wannier(source, n_occupied, fermi_energy, progress=progress)
    else:
        if fermi_energy is not None:
            raise InputError(
                f"Argument `fermi_energy` must be left out for the arrays of `{source}`: give"
                " `n_occupied`."
            )
        given = read_source(Path(source), n_occupied)
    one_split = {SPLIT: ([0], len(given.hoppings))}
    plan = _recipe(given, Path(source), grid, min_gap, flatten_bands, one_split)
    proof = _prove(plan, given, min_gap)
    keep = np.flatnonzero(proof.certified)
    if not len(keep):
        raise InputError(
            f"Source `{source}` must hold Hamiltonians with a provable invariant, but none of"
            f" {len(proof.value)} is: gapless, or gaps below {min_gap}."
            f"{' Left out: ' + failures(left_out) if left_out else ''}"
        )
    values = np.ma.getdata(proof.value)
    parts = _apart(keep, values[keep], shares)
    plan = _recipe(
        given, Path(source), grid, min_gap, flatten_bands,
        {name: (np.unique(values[rows]).tolist(), len(rows)) for name, rows in parts.items()},
    )  # fmt: skip
    small = ~proof.certified & (proof.gap_upper < min_gap)
    rejected = dict.fromkeys(REASONS, 0) | {
        SMALL: int(small.sum()),
        UNRESOLVED: int((~proof.certified & ~small).sum()),
    }
    if given.names:
        check_output(names, ours=begins_with(NAMES_LINE), force=force)
    with Writer(ShardRange.of(plan), path, force=force) as writer:
        for name, rows in parts.items():
            for number in range(-(-len(rows) // schema.SHARD_SIZE)):
                arrays = _sample_arrays(plan, name, given, proof, rows, number)
                # the first one brings the counts of all
                first = number == 0 and name == next(iter(parts))
                drawn = len(arrays["label"]) + (len(proof.value) - len(keep) if first else 0)
                counted = rejected if first else dict.fromkeys(REASONS, 0)
                writer.add(name, Shard.of(plan.kind, number, arrays, drawn, counted))
        writer.finish()
    notes = []
    if given.names:
        _write_names(names, given, proof, left_out, force=force)
        notes.append(f"names of the files in {names}")
    if left_out:
        notes.append(f"left out: {len(left_out)} files: {failures(left_out)}")
    first_name = next(iter(parts))
    return Summary(
        path=path,
        sizes={name: len(rows) for name, rows in parts.items()},
        classes={name: _counts(values[rows]) for name, rows in parts.items()},
        drawn={
            name: len(rows) + (len(proof.value) - len(keep) if name == first_name else 0)
            for name, rows in parts.items()
        },
        rejected={
            name: rejected if name == first_name else dict.fromkeys(REASONS, 0) for name in parts
        },
        n_bytes=path.stat().st_size,
        seconds=time.monotonic() - start,
        notes=tuple(notes),
    )


def _counts(values: NDArray[np.int64]) -> dict[int, int]:
    names, counts = np.unique(values, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _shares(splits: Mapping[str, float] | None) -> dict[str, float]:
    """Check the shares of the splits; all in one where none are asked for."""
    if splits is None:
        return {SPLIT: 1.0}
    shares = {name: float(share) for name, share in splits.items()}
    if not shares or min(shares.values()) <= 0.0 or abs(sum(shares.values()) - 1.0) > 1e-9:
        raise InputError(
            "Argument `splits` must give positive shares that add up to 1, such as"
            f" {{'train': 0.8, 'val': 0.2}}, but is {_validation.short(splits)}."
        )
    return shares


def _apart(
    keep: NDArray[np.int64], values: NDArray[np.int64], shares: dict[str, float]
) -> dict[str, NDArray[np.int64]]:
    """Rows of each split, each class drawn apart on its own, in the order of the source.

    Shapes: `keep` and `values` (S,).
    """
    cuts = np.cumsum(list(shares.values()))[:-1]
    chosen: list[list[NDArray[np.int64]]] = [[] for _ in shares]
    rng = np.random.default_rng(0)
    for value in np.unique(values):
        rows = rng.permutation(keep[values == value])
        # a common shift, so that small classes do not all round to the same side
        at = np.floor(cuts * len(rows) + rng.random()).astype(np.int64)
        for place, part in enumerate(np.split(rows, at)):
            chosen[place].append(part)
    parts = dict(zip(shares, (np.sort(np.concatenate(c)) for c in chosen), strict=True))
    empty = [name for name, rows in parts.items() if not len(rows)]
    if empty:
        raise InputError(
            f"Argument `splits` must leave a Hamiltonian to each split, but {', '.join(empty)} has"
            f" none of {len(keep)}; label more, or ask for fewer splits."
        )
    return parts


def _write_names(
    path: Path, given: Given, proof: Certificate, left_out: list[FileLabel], *, force: bool
) -> Path:
    """Write which file each Hamiltonian is from, and why others are not in the data set."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(NAMES_LINE.split(","))
    for i, name in enumerate(given.names):
        known = bool(proof.certified[i])
        value = int(proof.value[i]) if known else ""
        row = (i, name, value, proof.status[i], why([str(proof.reason[i])]) if not known else "")
        writer.writerow((*row, given.n_occupied))
    for one in left_out:
        writer.writerow(("", one.path, "", "left out", one.reason, ""))
    return write_text(path, text.getvalue(), ours=begins_with(NAMES_LINE), force=force)


def _recipe(
    given: Given,
    source: Path,
    grid: tuple[int, ...] | None,
    min_gap: float,
    flatten_bands: bool,
    parts: Mapping[str, tuple[list[int], int]],
) -> Recipe:
    n = given.hoppings.shape[-1]
    task = get_task(given.kind)
    family = next(name for name, kind in GIVEN.items() if kind == given.kind)
    sizes = {"n_orbitals": n, "n_bands": n, "n_occupied": given.n_occupied}
    table = {"family": family, "hopping_range": given.reach}
    table |= {key: sizes[key] for key in task.families[family]}
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.name).strip("-._")[:80] or "given"
    return Recipe.from_dict(
        {
            "name": name,
            "seed": 0,
            "hamiltonian": table,
            "label": {"invariant": task.invariant, "min_gap": float(min_gap)},
            "input": {"flatten_bands": flatten_bands, "grid": grid or GRIDS[task.dim]},
            "split": [
                {"name": part, "size": max(size, len(classes)), "classes": classes}
                for part, (classes, size) in parts.items()
            ],
        },
        source=str(source),
    )


def _prove(plan: Recipe, given: Given, min_gap: float) -> Certificate:
    _validation.as_complex(given.hoppings, "hoppings", "(...)")  # refuses NaN in one line
    return family_of(plan, plan.part(SPLIT)).certify(given.hoppings, min_gap)


def _sample_arrays(
    plan: Recipe,
    name: str,
    given: Given,
    proof: Certificate,
    keep: NDArray[np.int64],
    number: int,
) -> Arrays:
    rows = keep[number * schema.SHARD_SIZE : (number + 1) * schema.SHARD_SIZE]
    spec = plan.part(name)
    return {
        "hoppings": given.hoppings[rows],
        "label": np.ma.getdata(proof.value)[rows],
        "gap_bound": proof.gap_lower[rows],
        "seed_key": seed_keys(spec, number, rows),
        **evaluate(plan, spec, number, given.hoppings[rows]),
    }
