"""Commands about networks, and the demonstration."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from topophys.cli._options import Json, Quiet, note, require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from topophys.datasets import Dataset
    from topophys.learn import Posterior, Prediction, Run

__all__ = ["COMMANDS"]


# ---------------------------------------------------------------- Commands about networks

RunFolder = Annotated[Path, typer.Argument(help="Run folder written by `topophys train`.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data set; by default the training data set.")
]
ChernData = Annotated[
    Path | None,
    typer.Option("--chern-data", help="Data set of Chern numbers for a Berry flux map."),
]


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="Data set (HDF5), or recipe (TOML) whose samples are drawn during training."
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to create.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="Training settings (TOML).")
    ] = None,
    device: Annotated[str, typer.Option(help="PyTorch device, such as cpu or cuda.")] = "cpu",
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the training in the folder, if there is one.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard logs.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network on the labels of a data set; print its accuracy on every split.

    To train on several processes, start `torchrun --nproc-per-node N -m topophys.cli train ...`.

    Example: topophys train winding.h5 -o runs/first --config datasets/winding-1d/training.toml
    """
    if data.suffix == ".toml":
        require(data, "Recipe", "give the path of a TOML file")
    else:
        require(data, *_data_remedy(data))
    require(config, "Training settings", "give the path of a TOML file, or leave --config out")
    from topophys.datasets import Recipe, open_dataset
    from topophys.learn import FitConfig, fit

    settings = FitConfig() if config is None else FitConfig.from_toml(config)
    options: dict[str, Any] = {"device": device, "progress": not quiet, "resume": resume}
    if data.suffix == ".toml":
        recipe = Recipe.from_toml(data)
        run = fit(settings, recipe, output, tensorboard=tensorboard, **options)
        found = {}
    else:
        with open_dataset(data) as dataset:
            run = fit(settings, dataset, output, tensorboard=tensorboard, **options)
            found = _judge(run, dataset, quiet=as_json)
    if not _leads():
        return
    if as_json:
        print(json.dumps({"run": str(output), "best_epoch": run.best_epoch} | found))
    else:
        print(f"run folder: {output}")


def _data_remedy(data: Path) -> tuple[str, str]:
    return "Data file", f"make it with `topophys generate RECIPE.toml -o {data}`"


def _require_run(run: Path, *data: Path | None) -> None:
    require(run, "Run folder", f"make it with `topophys train DATA.h5 -o {run}`")
    for file in data:
        if file is not None:
            require(file, *_data_remedy(file))


def _leads() -> bool:
    """Whether this process speaks for all that `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


def _judge(run: Run, dataset: Dataset, *, quiet: bool) -> dict[str, Any]:
    """Measure and print the accuracy, and write it into the card of the model."""
    from topophys.learn.model_card import CARD_FILE, Score, write_card
    from topophys.report import measure_accuracy
    from topophys.report.evaluation import SYMBOLS, accuracy_table

    if not _leads():
        return {}
    if run.kind not in SYMBOLS:
        if not quiet:
            print(f"accuracy on `{run.config.val_split}`: {run.best_epoch['val_accuracy']:.4f}")
        return {}
    rows = measure_accuracy(run, dataset)
    names = [r.split if r.invariant == "all" else f"{r.split}, {r.invariant}" for r in rows]
    written = write_card(
        run,
        [
            Score(name, r.correct, r.total, r.formula_correct)
            for name, r in zip(names, rows, strict=True)
            if r.split != run.config.val_split
        ],
    )
    if not written:
        note(
            f"`{run.path / CARD_FILE}` is not as training left it and stays; remove it to have it"
            " written again."
        )
    if not quiet:
        print(accuracy_table(rows))
    return {"accuracy": [asdict(row) for row in rows]}


def probe(
    run: RunFolder,
    data: Data = None,
    split: Annotated[str, typer.Option(help="Split to probe.")] = "test",
    n_hamiltonians: Annotated[int, typer.Option("-n", help="Number of Hamiltonians.")] = 1000,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Probe the hidden layers for exact quantities, with controls; write probes.json.

    Example: topophys probe runs/first
    """
    _require_run(run, data)
    from topophys.interpret import probe as measure
    from topophys.report.artifacts import save_result

    with _opened(run, data) as (loaded, dataset, _):
        report = measure(
            loaded, dataset, split=split, n_hamiltonians=n_hamiltonians, progress=not quiet
        )
        save_result(loaded, dataset, "probes.json", report.to_dict())
    if as_json:
        print(json.dumps(report.to_dict()))
        return
    print(report)
    if not quiet:
        note(f"`topophys report {run}` explains these measures and draws them.")


def plot(
    run: RunFolder,
    data: Data = None,
    chern_data: ChernData = None,
) -> None:
    """Draw the figures of a run as PNG and SVG into its folder `figures`.

    Example: topophys plot runs/first
    """
    _require_run(run, data, chern_data)
    from topophys.report import draw_figures

    with _opened(run, data, chern_data) as (loaded, dataset, second):
        for path in draw_figures(loaded, dataset, chern_data=second):
            print(path)


def report(
    run: RunFolder,
    data: Data = None,
    chern_data: ChernData = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Measure and draw everything again.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Measure and draw what is missing of a run; write summary.json and report.html.

    Example: topophys report runs/first
    """
    _require_run(run, data, chern_data)
    from topophys.report import draw_figures, measure_missing, write_page, write_summary
    from topophys.report.artifacts import figures_are_current
    from topophys.report.page import require_own_page

    require_own_page(run)
    with _opened(run, data, chern_data) as (loaded, dataset, second):
        made = measure_missing(loaded, dataset, refresh=refresh, progress=not quiet)
        # figures show what was measured: new figures of old measurements would be the same
        drawn = figures_are_current(loaded, dataset)
        if made or refresh or second is not None or not drawn:
            draw_figures(loaded, dataset, chern_data=second)
        write_summary(loaded, dataset)
        page = write_page(run)
    print(page)


def predict(
    run: Annotated[
        Path,
        typer.Argument(help="Run folder, or the packaged network winding-1d or chern-2d."),
    ],
    file: Annotated[
        Path,
        typer.Argument(help="Samples on a k grid (.npy), or hoppings of Wannier90 or TBmodels."),
    ],
    k_points: Annotated[
        int | None,
        typer.Option("--k-points", help="For hoppings: number of k points along each direction."),
    ] = None,
    refine: Annotated[
        int,
        typer.Option("--refine", help="Interpolate each k point to this many before flattening."),
    ] = 1,
    sublattice: Annotated[
        str | None,
        typer.Option("--sublattice", help="Orbitals of the first sublattice, such as 0,2."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", help="Confidence below which the network abstains."),
    ] = None,
    n_occupied: Annotated[
        int | None,
        typer.Option("-n", "--occupied", "--n-occupied", help="Occupied bands, for chern-2d."),
    ] = None,
    certify: Annotated[
        bool,
        typer.Option("--certify", help="Also prove the integers; the file must contain hoppings."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict the invariants of Hamiltonians in a file; abstain where the confidence is low.

    A .npy file contains blocks D(k) of shape (..., N, n, n), d-vectors (..., Nx, Ny, 3) or Bloch
    matrices (..., Nx, Ny, n, n) on the grid of `topophys.k_grid`; other files are hoppings of
    Wannier90 (.dat) or of TBmodels (.hdf5, .json).

    Example: topophys predict winding-1d blocks.npy
    """
    require(file, "File", "give samples (.npy) or hoppings (.dat)")
    from topophys.errors import InputError
    from topophys.learn import load_run
    from topophys.learn.pretrained.weights import PRETRAINED

    if str(run) in PRETRAINED and not run.exists():
        if refine != 1 or sublattice is not None:
            raise InputError(
                "Options --refine and --sublattice must be left out for the networks of the"
                " package, which interpolate by themselves and find sublattices; remove them."
            )
        _predict_pretrained(
            str(run), file, k_points, n_occupied, threshold, certify=certify, as_json=as_json
        )
        return
    if n_occupied is not None:
        raise InputError(
            "Option --occupied must be left out for a run, which knows its filling, but is"
            f" {n_occupied}."
        )
    answer = load_run(run).predict(
        file,
        k_points=k_points,
        refine=refine,
        sublattice=_orbitals(sublattice),
        threshold=threshold,
        certify=certify,
    )
    if as_json:
        _print_rows(answer, "real")
        return
    print("value  real-valued  confidence")
    rows = (answer.value, answer.real, answer.confidence, answer.abstains, *_proofs(answer))
    for value, real, sure, *notes in zip(*(a.ravel().tolist() for a in rows), strict=True):
        shown = " none" if value is None else f"{value:+5d}"
        print(f"{shown}  {real:+11.4f}  {sure:10.3f}{_remarks(*notes)}")


def _print_rows(answer: Prediction | Posterior, *more: str) -> None:
    """One line of JSON for each Hamiltonian; null for what is no finite number."""
    names = ("value", "confidence", "network_confidence", "abstains", "certified", "refuted", *more)
    for row in zip(*(getattr(answer, name).ravel().tolist() for name in names), strict=True):
        finite = (None if isinstance(x, float) and not math.isfinite(x) else x for x in row)
        print(json.dumps(dict(zip(names, finite, strict=True))))


def _proofs(answer: Prediction | Posterior) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the value is proven, and where the network said something else."""
    return answer.certified, answer.refuted


def _remarks(unsure: bool, proven: bool, refuted: bool) -> str:
    """Say whether one answer is proven, refuted or abstained from."""
    if proven:
        return "  proven, against the network" if refuted else "  proven"
    return "  abstains" if unsure else ""


def _predict_pretrained(
    name: str,
    file: Path,
    k_points: int | None,
    n_occupied: int | None,
    threshold: float | None,
    *,
    certify: bool,
    as_json: bool,
) -> None:
    """Answers of a network that comes with the package, one line for each Hamiltonian."""
    from topophys.learn import load_pretrained
    from topophys.learn.inputs import read_input

    answer = load_pretrained(name).predict(
        read_input(file),
        grid=k_points,
        n_occupied=n_occupied,
        threshold=threshold,
        certify=certify,
    )
    if as_json:
        _print_rows(answer, "formula", "reconstructed")
        return
    print("value  confidence  formula")
    columns = (answer.value, answer.confidence, answer.formula, answer.reconstructed)
    rows = (*columns, answer.abstains, *_proofs(answer))
    for value, sure, formula, found, *notes in zip(*(a.ravel() for a in rows), strict=True):
        how = "  reconstructed" if found and not notes[1] else ""
        print(f"{value:+5d}  {sure:10.4f}  {formula:+7d}{how}{_remarks(*notes)}")


def _orbitals(text: str | None) -> list[int] | None:
    from topophys.errors import InputError

    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"Option --sublattice must be numbers of orbitals with commas, but is {text!r}."
        ) from None


@contextmanager
def _opened(
    run: Path, data: Path | None, chern_data: Path | None = None
) -> Iterator[tuple[Run, Dataset, Dataset | None]]:
    """Open a run, its data set, and the one of Chern numbers where a flux map is wanted.

    Nobody else trains or reports in the folder meanwhile.
    """
    from topophys.datasets import open_dataset
    from topophys.errors import InputError
    from topophys.learn import load_run
    from topophys.learn.training_log import RunLock

    load_run(run)  # no lock is put into a folder that is none of a run
    with ExitStack() as files:
        files.callback(RunLock.acquire(run).release)
        loaded = load_run(run)
        path = data or loaded.provenance["dataset_path"]
        if path is None:
            raise InputError(
                f"Option --data must name a data set, because the samples of `{run}` were drawn"
                " while training continued."
            )
        dataset = files.enter_context(open_dataset(path))
        trained_on = loaded.provenance.get("dataset_manifest")
        if data is None and trained_on and dataset.attributes["manifest"] != trained_on:
            raise InputError(
                f"Data file `{path}` must be the one that `{run}` was trained on, but has another"
                f" digest ({dataset.attributes['manifest']:.12}, not {trained_on!s:.12}); name a"
                " data set with --data."
            )
        _require(dataset, loaded.kind, "--data")
        second = None if chern_data is None else files.enter_context(open_dataset(chern_data))
        if second is not None:
            _require(second, "chern", "--chern-data")
        yield loaded, dataset, second


def _require(dataset: Dataset, kind: str, option: str) -> None:
    from topophys.errors import KindError

    if dataset.kind != kind:
        raise KindError(
            f"Data file `{dataset.path}` must be of kind {kind!r}, but is of kind"
            f" {dataset.kind!r}; give another one with {option}."
        )


# -------------------------------------------------------------- The command that goes the whole way


def demo(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder to create; a number is appended if it exists."),
    ] = Path("runs/demo"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Use a fiftieth of the data, as a trial run.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Generate data, train, probe, plot and report, all in one folder.

    Example: topophys demo -o runs/demo
    """
    from topophys.report import demo as run_demo

    unprinted: list[OSError] = []

    def show(text: str) -> None:
        try:
            print(text)
        except OSError as error:  # a reader that left, or a full disk, ends no work of minutes
            unprinted.append(error)

    run_demo(output, quick=quick, progress=not quiet, say=show)
    if unprinted:
        raise unprinted[0]


# ---------------------------------------------------------------- The challenge


def challenge(
    entry: Annotated[
        str | None,
        typer.Argument(
            help="Entry to score: formula, fft-formula, most-probable, hybrid, combined,"
            " module:function, a .onnx file, or a .csv file with the columns test,index,value."
            " Without it the tests are listed."
        ),
    ] = None,
    tests: Annotated[
        str | None, typer.Option("--tests", help="Comma-separated names of tests; by default all.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Seed of the hidden halves, to repeat an earlier score."),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the public halves to this folder instead of scoring."),
    ] = None,
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Also export certificate files of all labels.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="JSON file for the scores.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Allow -o to replace a file of another kind.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Score predictions of invariants on proven test sets; half of each set is newly drawn.

    An entry of your own is module:function. With --export the public halves are written for
    programs of other kinds.

    Example: topophys challenge hybrid --tests chains-12,planes-6
    """
    from topophys._io import check_output
    from topophys.errors import InputError
    from topophys.learn.challenge import CHALLENGE, export_challenge, is_score, score_challenge

    names = [x.strip() for x in tests.split(",") if x.strip()] if tests is not None else None
    if certificates and export is None:
        raise InputError("Option --certificates needs --export FOLDER.")
    if entry is None and (output is not None or seed is not None):
        raise InputError("Options -o and --seed need an entry to score.")
    if force and output is None:
        raise InputError("Option --force needs a file to replace, -o FILE.")
    if output is not None:
        check_output(output, ours=is_score, force=force)
    if export is not None:
        if entry is not None:
            raise InputError("Give an entry to score or --export FOLDER, not both.")
        place = export_challenge(export, names, certificates=certificates, progress=not quiet)
        files = sorted(str(path) for path in place.iterdir())
        print(json.dumps({"folder": str(place), "files": files}) if as_json else f"wrote {place}")
        return
    if entry is None:
        if as_json:
            print(json.dumps(dict(CHALLENGE)))
        else:
            print("\n".join(f"{name:26s} {about}" for name, about in CHALLENGE.items()))
        return
    score = score_challenge(entry, names, hidden_seed=seed, progress=not quiet)
    if output is not None:
        score.save(output, force=force)
    print(json.dumps(score.to_dict()) if as_json else "\n".join(score.lines()))


COMMANDS: Final = (train, predict, probe, plot, report, demo, challenge)
