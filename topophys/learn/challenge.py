"""A challenge: frozen test sets with proven labels, fresh ones drawn at scoring time, one score."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from topophys import _validation
from topophys._io import begins_with, complete_folder, read_text, write_text
from topophys._optional import NotebookText, load_extra, working_folder_first
from topophys._progress import track
from topophys._statistics import wilson_interval
from topophys.errors import InputError, TopophysError
from topophys.kernels import compile_at_once
from topophys.learn._challenge_populations import POPULATIONS, Proof

__all__ = [
    "CHALLENGE",
    "ChallengeScore",
    "ChallengeTest",
    "Row",
    "export_challenge",
    "load_challenge",
    "read_entry",
    "score_challenge",
]

Entry: TypeAlias = Callable[[NDArray[np.complex128], "ChallengeTest"], ArrayLike]

#: Seed of the public half. Raised with `EDITION` where populations change.
PUBLIC_SEED: Final = 20261130
#: Integers in tables of answers.
INTEGER: Final = re.compile(r"-?[0-9]{1,9}")
#: First value in files of scores.
FORMAT: Final = "topophys challenge"
#: Whether a file holds scores.
is_score: Final = begins_with(f'{{"format": "{FORMAT}"', whole=False)
#: Number of the challenge: scores of different editions are not to be compared.
EDITION: Final = 2


#: Most Hamiltonians that are drawn at once.
MOST_AT_ONCE: Final = 500


# ------------------------------------------------------------------------------------- Test sets


#: Names of the tests and what they hold.
CHALLENGE: Final[Mapping[str, str]] = {name: one.about for name, one in POPULATIONS.items()}


@dataclass(frozen=True, eq=False)
class ChallengeTest:
    """One half of one test: what an entry reads, and the proven answers.

    Attributes
    ----------
    name, kind, about : str
        Name; "winding", "chern", "majorana" or "z2"; what it holds.
    samples : complex128 ndarray of shape (n, *grid, m, m)
        Flattened samples: blocks D(k) of chains for "winding", else Bloch matrices 1 - 2 P(k); with
        noise where the name says so.
    k : float64 ndarray of shape (*grid, dim)
        Momenta of the samples.
    n_occupied : int
        Number of occupied bands.
    label : int64 ndarray of shape (n,)
        Invariants, proven for the continuous Hamiltonians.
    gap_lower : float64 ndarray of shape (n,)
        Proven gaps, in rms band energies.
    seed : int
        From which it was drawn.
    proofs : tuple
        The certificates, each of a batch.
    index : int64 ndarray of shape (n, 2)
        Which certificate, and which element of it.
    """

    name: str
    kind: str
    about: str
    samples: NDArray[np.complex128]
    k: NDArray[np.float64]
    n_occupied: int
    label: NDArray[np.int64]
    gap_lower: NDArray[np.float64]
    seed: int
    proofs: tuple[Proof, ...] = ()
    index: NDArray[np.int64] | None = None

    def save_certificates(self, folder: str | Path) -> list[Path]:
        """Write a certificate file of each label, ``00000.cert.json`` and so on."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        assert self.index is not None
        return [
            self.proofs[batch].save(place / f"{i:05d}.cert.json", int(row))
            for i, (batch, row) in enumerate(self.index.tolist())
        ]


def load_challenge(name: str, *, seed: int = PUBLIC_SEED, size: int | None = None) -> ChallengeTest:
    """Draw one test: the public half, or with another seed new samples of its population.

    Parameters
    ----------
    name : str
        One of `CHALLENGE`.
    seed : int, optional
        Of the half; the public one by default.
    size : int, optional
        How many Hamiltonians; as many as the challenge has by default.

    Returns
    -------
    ChallengeTest
        Samples and proven labels.

    Raises
    ------
    InputError
        If there is no such test.

    Examples
    --------
    >>> test = load_challenge("chains-12", size=4)
    >>> test.samples.shape, test.label.shape, bool((test.gap_lower > 0).all())
    ((4, 12, 2, 2), (4,), True)
    """
    _validation.one_of(name, "name", tuple(POPULATIONS))
    one = POPULATIONS[name]
    count = one.size if size is None else _validation.positive_int(size, "size")
    compile_at_once()  # the last bits of gap bounds are those of compiled kernels in every run
    number = list(POPULATIONS).index(name)
    rng = np.random.default_rng(
        [EDITION, number, _validation.positive_int(seed, "seed", minimum=0)]
    )
    momenta = one.momenta()
    kept: list[tuple[NDArray[Any], ...]] = []
    proofs: list[Proof] = []
    missing = count
    while missing > 0:
        drawn = []
        for rows, h in one.draws(rng, min(max(2 * missing, 16), MOST_AT_ONCE)):
            proof, samples = one.prove(h), one.sample(h, momenta, rng)
            good = np.asarray(proof.status == "certified") & (proof.gap_upper < one.largest_gap)
            label = np.where(good, np.ma.getdata(proof.value), 0)
            if one.adversarial:
                good &= one.interpolated_formula(samples) != label
            place = np.column_stack([np.full(len(rows), len(proofs)), np.arange(len(rows))])
            drawn.append(tuple(a[good] for a in (rows, samples, label, proof.gap_lower, place)))
            proofs.append(proof)
        # in the order in which they were drawn, so that none of the ensembles is preferred
        order, *columns = (np.concatenate(column) for column in zip(*drawn, strict=True))
        first = np.argsort(order)[:missing]
        kept.append(tuple(column[first] for column in columns))
        missing -= len(first)
    x, label, gap, index = (np.concatenate(column) for column in zip(*kept, strict=True))
    return ChallengeTest(
        name, one.kind, one.about, x, momenta, one.n_occupied, label.astype(np.int64), gap, seed,
        tuple(proofs), index,
    )  # fmt: skip


# ---------------------------------------------------------------------------- Entries of our own


def _formula(x: NDArray[np.complex128], test: ChallengeTest) -> NDArray[Any]:
    return POPULATIONS[test.name].formula(x)


def _fft_formula(x: NDArray[np.complex128], test: ChallengeTest) -> NDArray[Any]:
    return POPULATIONS[test.name].interpolated_formula(x)


def _hybrid(x: NDArray[np.complex128], test: ChallengeTest) -> NDArray[Any]:
    return POPULATIONS[test.name].hybrid(x)


def _most_probable(x: NDArray[np.complex128], test: ChallengeTest) -> NDArray[Any]:
    return POPULATIONS[test.name].most_probable(x)


def _combined(x: NDArray[np.complex128], test: ChallengeTest) -> NDArray[Any]:
    return POPULATIONS[test.name].combined(x)


#: Entries that are there: formulas on samples, on interpolated samples, on the most probable
#: Hamiltonians behind them, the hybrid networks, and these with the most probable Hamiltonian
#: where nothing is reconstructed.
BUILT_IN: Final[dict[str, Entry]] = {
    "formula": _formula,
    "fft-formula": _fft_formula,
    "most-probable": _most_probable,
    "hybrid": _hybrid,
    "combined": _combined,
}


# -------------------------------------------------------------------------------------- Scoring


class Row(NamedTuple):
    """Score on one half of one test."""

    test: str
    half: str
    n: int
    correct: int
    answered: int

    @property
    def accuracy(self) -> float:
        """Share of right answers among all samples; who abstains is not right."""
        return self.correct / self.n

    @property
    def wrong_of_answered(self) -> float:
        """Share of wrong answers among those that were given."""
        return (self.answered - self.correct) / max(1, self.answered)

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson_interval(self.correct, self.n)


@dataclass(frozen=True, eq=False)
class ChallengeScore(NotebookText):
    """Scores of an entry.

    Attributes
    ----------
    entry : str
        Its name.
    rows : tuple of Row
        One for each half of each test that it entered.
    not_entered : tuple of str
        Tests that it left out.
    hidden_seed : int or None
        Seed of the hidden halves, from which they can be drawn again; None where there are none.
    edition : int
        Of the challenge.

    Examples
    --------
    >>> score = score_challenge("fft-formula", ["chains-32"], hidden_seed=7, size=20)
    >>> [(row.half, row.n) for row in score.rows]
    [('public', 20), ('hidden', 20)]
    """

    entry: str
    rows: tuple[Row, ...]
    not_entered: tuple[str, ...]
    hidden_seed: int | None
    edition: int = EDITION

    @property
    def mean(self) -> float:
        """Mean accuracy over the halves that count: hidden ones, public where there are none."""
        half = "public" if self.hidden_seed is None else "hidden"
        chosen = [row.accuracy for row in self.rows if row.half == half]
        return float(np.mean(chosen)) if chosen else float("nan")

    def lines(self) -> list[str]:
        """Table as text."""
        head = f"{'test':26s} {'half':7s} {'n':>5s} {'right':>7s} {'95 % interval':>16s}"
        out = [f"{head} {'answered':>9s} {'wrong of these':>15s}"]
        for row in self.rows:
            low, high = row.interval
            out.append(
                f"{row.test:26s} {row.half:7s} {row.n:5d} {row.accuracy:7.3f}"
                f" {low:8.3f} to {high:.3f} {row.answered / row.n:9.3f}"
                f" {row.wrong_of_answered:15.3f}"
            )
        half = "public" if self.hidden_seed is None else "hidden"
        out.append(f"mean of the {half} halves: {self.mean:.4f} (edition {self.edition})")
        if self.hidden_seed is None:
            out.append("hidden halves were not scored: they need an entry that can be called")
        else:
            out.append(f"hidden halves: seed {self.hidden_seed}")
        if self.not_entered:
            out.append("not entered: " + ", ".join(self.not_entered))
        return out

    def __repr__(self) -> str:
        return f"ChallengeScore of {self.entry}\n" + "\n".join(self.lines())

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and words, for JSON."""
        rows = [
            row._asdict() | {"accuracy": row.accuracy, "interval": list(row.interval)}
            for row in self.rows
        ]
        mean = self.mean if np.isfinite(self.mean) else None
        return asdict(self) | {"rows": rows, "mean": mean, "not_entered": [*self.not_entered]}

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the scores as JSON; only earlier scores are replaced, other files with `force`."""
        text = json.dumps({"format": FORMAT} | self.to_dict())
        return write_text(path, text + "\n", ours=is_score, force=force)


def score_challenge(
    entry: Entry | str | Path,
    tests: str | Iterable[str] | None = None,
    *,
    hidden_seed: int | None = None,
    size: int | None = None,
    progress: bool = False,
) -> ChallengeScore:
    """Score an entry on the public halves and on newly drawn hidden halves.

    Parameters
    ----------
    entry : callable, str or path-like
        A function of the samples (n, *grid, m, m) and their `ChallengeTest` that returns n
        integers, masked or not finite where it abstains; it may raise `NotImplementedError` for
        tests that it does not enter. Its `label` and `gap_lower` are empty. Or what `read_entry`
        takes.
    tests : str or iterable of str, optional
        Names from `CHALLENGE`; all by default.
    hidden_seed : int, optional
        To draw the hidden halves of an earlier score again; at random by default.
    size : int, optional
        Samples of each half; as many as the challenge has by default.
    progress : bool, optional
        Show progress on stderr.

    Returns
    -------
    ChallengeScore
        Accuracies with intervals.

    Raises
    ------
    InputError
        If a test or an entry is unknown, or an entry fails, or does not answer with n integers.

    Examples
    --------
    >>> always_zero = lambda samples, test: np.zeros(len(samples))
    >>> score = score_challenge(always_zero, ["z2-12"], hidden_seed=1, size=8)
    >>> score.rows[0].answered, score.edition
    (8, 2)
    """
    names = _chosen(tests)
    call = entry if callable(entry) else read_entry(entry)
    title = entry if isinstance(entry, str) else getattr(entry, "__name__", str(entry))
    answers = isinstance(call, _Answers)
    seed = None if answers else _hidden_seed(hidden_seed)
    rows: list[Row] = []
    left_out: list[str] = []
    halves = {"public": PUBLIC_SEED} | ({} if seed is None else {"hidden": seed})
    with track(len(names) * len(halves), "tests", progress) as advance:
        for name in names:
            for half, number in halves.items():
                if name not in left_out:
                    test = load_challenge(name, seed=number, size=size)
                    row = _scored(call, test, half)
                    if row is None and half == "hidden":
                        # who answered the public half has entered: nothing here is right
                        row = Row(name, half, len(test.label), 0, 0)
                    if row is None:
                        left_out.append(name)
                    else:
                        rows.append(row)
                advance(1)
    return ChallengeScore(str(title), tuple(rows), tuple(left_out), seed)


def _chosen(tests: str | Iterable[str] | None) -> list[str]:
    """Names of tests, each once."""
    given = [tests] if isinstance(tests, str) else tests
    names = list(dict.fromkeys(CHALLENGE if given is None else given))
    for name in names:
        _validation.one_of(name, "tests", tuple(POPULATIONS))
    if not names:
        raise InputError("Argument `tests` must name at least one test, but is empty.")
    return names


def _hidden_seed(given: int | None) -> int:
    """Seed of the hidden halves, drawn now where it is not given."""
    if given is None:
        return secrets.randbits(62)
    seed = _validation.positive_int(given, "hidden_seed", minimum=0)
    if seed == PUBLIC_SEED:
        raise InputError(f"Argument `hidden_seed` must not be {seed}, that of the public halves.")
    return seed


def _scored(call: Entry, test: ChallengeTest, half: str) -> Row | None:
    """Score of one half; None where the entry leaves it out."""
    none = np.empty(0, np.int64)
    blind = replace(test, label=none, gap_lower=np.empty(0), seed=0, proofs=(), index=None)
    try:
        found = call(test.samples.copy(), blind)
    except NotImplementedError:
        return None
    except TopophysError:
        raise
    except Exception as error:  # the code of others may raise anything
        raise InputError(
            f"Argument `entry` failed on test {test.name}, with {type(error).__name__}: {error}; it"
            " is called with the samples and a description of the test."
        ) from error
    value = _as_array(found, test)
    if value.shape != test.label.shape or value.dtype.kind not in "biuf":
        raise InputError(
            f"Argument `entry` must answer test {test.name} with {len(test.label)} integers, but"
            f" returned {value.dtype} of shape {value.shape}."
        )
    answer = np.ma.filled(value.astype(np.float64), np.nan)
    given = np.isfinite(answer)
    if (answer[given] != np.rint(answer[given])).any():
        raise InputError(
            f"Argument `entry` must answer test {test.name} with integers, but returned"
            f" {answer[given][answer[given] != np.rint(answer[given])][0]:.6g}."
        )
    right = given & (answer == test.label)
    return Row(test.name, half, len(right), int(right.sum()), int(given.sum()))


def _as_array(found: Any, test: ChallengeTest) -> Any:
    """Answers as an array; tensors too."""
    if isinstance(found, torch.Tensor):
        found = found.detach().cpu().numpy()
    try:
        return np.ma.asarray(found)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"Argument `entry` must answer test {test.name} with {len(test.label)} integers, but"
            f" what it returned is no array: {error}."
        ) from None


class _Answers:
    """Answers from a file, for the public halves."""

    def __init__(self, table: dict[str, dict[int, float]], source: str) -> None:
        self.table, self.source = table, source

    def __call__(self, samples: NDArray[np.complex128], test: ChallengeTest) -> NDArray[np.float64]:
        held = self.table.get(test.name)
        if held is None:
            raise NotImplementedError
        if max(held) >= len(samples):
            raise InputError(
                f"{self.source}: index of test {test.name} must be below {len(samples)}, but is"
                f" {max(held)}."
            )
        return np.array([held.get(i, np.nan) for i in range(len(samples))])


class _Onnx:
    """Network in a file: real and imaginary parts (n, *grid, m, m, 2) in, one number each out."""

    def __init__(self, path: Path) -> None:
        runtime = load_extra("onnxruntime", "onnx")
        try:
            self.session = runtime.InferenceSession(str(path))
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise InputError(f"{path} must be an ONNX file, but cannot be loaded: {text}") from None

    def __call__(self, samples: NDArray[np.complex128], test: ChallengeTest) -> NDArray[np.float64]:
        x = samples.view(np.float64).reshape(*samples.shape, 2).astype(np.float32)
        wanted = self.session.get_inputs()[0].shape
        fits = len(wanted) == x.ndim and all(
            not isinstance(a, int) or a == b for a, b in zip(wanted[1:], x.shape[1:], strict=True)
        )
        if not fits:
            raise NotImplementedError(test.name)
        found = self.session.run(None, {self.session.get_inputs()[0].name: x})[0]
        return np.rint(np.asarray(found, np.float64).reshape(len(x)))


def read_entry(source: str | Path) -> Entry:
    """Entry by its name or from a file.

    Parameters
    ----------
    source : str or path-like
        "formula", "fft-formula", "most-probable", "hybrid" or "combined"; "module:function" of
        what can be imported, also from the working folder; a CSV file with the columns test, index
        and value (an empty value abstains); or an ONNX file whose only input is (n, *grid, m, m, 2)
        and whose output is one number each.

    Returns
    -------
    callable
        See `score_challenge`.

    Raises
    ------
    InputError
        If it is none of these, with the line of a CSV file that is wrong.

    Examples
    --------
    >>> test = load_challenge("chains-12", size=3)
    >>> read_entry("fft-formula")(test.samples, test).shape
    (3,)
    """
    if not isinstance(source, str | Path):
        raise InputError(
            f"Argument `entry` must be a function, a name or a file, but is {source!r:.40}."
        )
    if isinstance(source, str) and source in BUILT_IN:
        return BUILT_IN[source]
    path = Path(source)
    if path.suffix.lower() == ".csv":
        return _Answers(_read_answers(path), str(path))
    if path.suffix.lower() == ".onnx":
        return _Onnx(path)
    module, colon, function = str(source).partition(":")
    if colon:
        try:
            with working_folder_first():
                found = getattr(__import__(module, fromlist=[function]), function)
        except (ImportError, AttributeError, ValueError) as error:
            raise InputError(
                f"Argument `entry` cannot be imported from {source}: {error}"
            ) from None
        if not callable(found):
            raise InputError(f"Argument `entry` must be a function, but {source} is not.")
        call: Entry = found
        return call
    raise InputError(
        f"Argument `entry` must be one of {', '.join(BUILT_IN)}, a module:function, a .csv or an"
        f" .onnx file, but is {str(source)!r}."
    )


def _read_answers(path: Path) -> dict[str, dict[int, float]]:
    """Answers by test and index."""
    found: dict[str, dict[int, float]] = {}
    try:
        rows = list(csv.reader(io.StringIO(read_text(path))))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: no table of answers can be read: {error}.") from None
    if not rows or rows[0] != ["test", "index", "value"]:
        raise InputError(f"{path}: the first line must be test,index,value.")
    for number, cells in enumerate(rows[1:], 2):
        where = f"{path}, line {number}"
        if len(cells) != 3:
            raise InputError(f"{where}: there must be three cells, but there are {len(cells)}.")
        name, at, answer = cells
        if name not in POPULATIONS:
            raise InputError(f"{where}: there is no test {name!r}.")
        if not (INTEGER.fullmatch(at) and (not answer or INTEGER.fullmatch(answer))):
            raise InputError(f"{where}: index and value must be integers.")
        index, value = int(at), float(int(answer)) if answer else np.nan
        held = found.setdefault(name, {})
        if index < 0 or index in held:
            raise InputError(f"{where}: index {index} of test {name} comes twice or is negative.")
        held[index] = value
    if not found:
        raise InputError(f"{path}: there are no answers.")
    return found


def export_challenge(
    folder: str | Path,
    tests: str | Iterable[str] | None = None,
    *,
    certificates: bool = False,
    size: int | None = None,
    progress: bool = False,
) -> Path:
    """Write the public halves to files: samples, labels, and an empty table of answers.

    Parameters
    ----------
    folder : path-like
        New or empty folder: ``TEST.npz`` with samples, k, n_occupied; ``labels.csv`` and
        ``answers.csv``.
    tests : str or iterable of str, optional
        Names from `CHALLENGE`; all by default.
    certificates : bool, optional
        Also a certificate file of each label.
    size : int, optional
        Samples of each test.
    progress : bool, optional
        Show progress on stderr.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        If the folder holds something.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     sorted(p.name for p in export_challenge(place, ["chains-12"], size=2).iterdir())
    ['answers.csv', 'chains-12.npz', 'labels.csv']
    """
    place = Path(folder)
    names = _chosen(tests)
    labels, sheet = ["test,index,label,gap_lower"], ["test,index,value"]
    with complete_folder(place) as made, track(len(names), "tests", progress) as advance:
        for name in names:
            test = load_challenge(name, size=size)
            np.savez_compressed(
                made / f"{name}.npz", samples=test.samples, k=test.k, n_occupied=test.n_occupied
            )
            for i, (label, gap) in enumerate(zip(test.label, test.gap_lower, strict=True)):
                labels.append(f"{name},{i},{label},{float(gap)!r}")
                sheet.append(f"{name},{i},")
            if certificates:
                test.save_certificates(made / "certificates" / name)
            advance(1)
        write_text(made / "labels.csv", "\n".join(labels) + "\n")
        write_text(made / "answers.csv", "\n".join(sheet) + "\n")
    return place
