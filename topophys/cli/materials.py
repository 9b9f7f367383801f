"""Commands about materials."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from topophys.cli._options import Force, Json, Quiet, note, require

if TYPE_CHECKING:
    from topophys.materials.answers import MaterialAnswer
    from topophys.materials.crystal import Crystal
    from topophys.materials.model import MaterialsModel

__all__ = ["COMMANDS"]

Formula = Annotated[str, typer.Option("--formula", help="Column of a table: formula.")]
SpaceGroup = Annotated[
    str | None,
    typer.Option("--space-group", help="Column of a table: number or symbol of the space group."),
]
Structure = Annotated[
    str | None,
    typer.Option("--structure", help="Column of a table: path of a CIF or POSCAR file."),
]


def generate(
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    size: Annotated[int, typer.Option("-n", "--size", help="Number of toy materials.")] = 50_000,
    dim: Annotated[int, typer.Option(help="2 for layers, 3 for solids.")] = 2,
    seed: Annotated[int, typer.Option(help="Root seed.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Draw toy materials, prove their classes, and compute every modality.

    Example: topophys materials generate -n 50000 -o toys.h5
    """
    from topophys.materials import generate_toys

    made = generate_toys(
        output, size, dim=dim, seed=seed, workers=workers, progress=not quiet, force=force
    )
    print(json.dumps(asdict(made) | {"path": str(made.path)}) if as_json else made)


def train(
    data: Annotated[
        Path, typer.Argument(help="Table (CSV), folder of lists, or toy materials (HDF5).")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="File or folder to write.")],
    formula: Formula = "formula",
    label: Annotated[
        list[str] | None,
        typer.Option(help="Column with the class; several columns are several tasks."),
    ] = None,
    space_group: SpaceGroup = None,
    structure: Structure = None,
    group_by: Annotated[
        Literal["system", "prototype", "none"],
        typer.Option(help="Groups that held-out folds keep together; 'none' splits at random."),
    ] = "system",
    insulator: Annotated[
        list[str] | None,
        typer.Option(
            help="Label of band insulators; lets the trees for structures learn from formulas."
        ),
    ] = None,
    trees: Annotated[
        bool, typer.Option("--trees", help="Boosted trees for a folder of lists, not a network.")
    ] = False,
    members: Annotated[
        int, typer.Option(help="Sets of boosted trees to average, each with other random numbers.")
    ] = 1,
    structures: Annotated[
        Path | None, typer.Option(help="Structures for the lists (JSON of JARVIS, may be zipped).")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Number of epochs of a network.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of weights, order of samples, and split.")] = 0,
    force: Force = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a classifier; print its scores on held-out materials.

    A table trains boosted trees, written to one file; lists and toy materials train the network,
    written to a folder.

    Example: topophys materials train table.csv --label class -o model.npz
    """
    from dataclasses import replace

    from topophys._io import require_distinct
    from topophys.errors import InputError

    names = tuple(label or ["class"])
    if len(set(names)) < len(names):
        raise InputError(
            f"Option `--label` must name each column once, but has {', '.join(names)}."
        )
    require_distinct(output, data, *_files(data), *([structures] if structures else []))
    if trees or not (data.is_dir() or data.suffix in {".h5", ".hdf5"}):
        columns = (formula, names, space_group, structure)
        model = _train_trees(
            data, output, columns, insulators=insulator or [], group_by=group_by, seed=seed,
            members=members, force=force, progress=not quiet,
        )  # fmt: skip
        if as_json:
            print(json.dumps(model.card_ | {"model": str(output)}))
        else:
            print(model.report())
            print(f"model: {output}")
        return

    from topophys.materials import TrainOptions, fit_lists, fit_toys, read_jarvis, report
    from topophys.materials.training import LIST_OPTIONS

    if data.is_dir():
        found = None if structures is None else read_jarvis(structures)
        options = replace(LIST_OPTIONS, epochs=epochs, seed=seed)
        run = fit_lists(data, output, options, structures=found, progress=not quiet, force=force)
    else:
        options = TrainOptions(epochs=epochs, seed=seed)
        run = fit_toys(data, output, options, progress=not quiet, force=force)
    if as_json:
        print(json.dumps(run.card | {"run": str(output)}))
    else:
        print(report(run))
        print(f"run folder: {output}")


def _train_trees(
    data: Path,
    output: Path,
    columns: tuple[str, tuple[str, ...], str | None, str | None],
    *,
    insulators: list[str],
    group_by: Literal["system", "prototype", "none"],
    seed: int,
    members: int,
    force: bool,
    progress: bool,
) -> MaterialsModel:
    from topophys._io import check_output, require_distinct
    from topophys.errors import OutputError
    from topophys.materials import MaterialsModel, read_class_lists, read_table
    from topophys.materials._model_file import is_model

    if output.suffix != ".npz":
        raise OutputError(f"Output must be a file that ends in .npz, but is `{output}`.")
    check_output(output, ours=is_model, force=force)
    _check_folder(output)
    model = MaterialsModel(group_by=group_by, seed=seed, n_members=members)
    if data.is_dir():
        lists = read_class_lists(data)
        labels = {"class": [lists.classes[one.label] for one in lists.materials]}
        model.fit(
            lists.materials, labels, source=data.name, insulators=insulators, progress=progress
        )
    else:
        formula, names, group, structure = columns
        table = read_table(
            data, formula=formula, labels=names, space_group=group, structure=structure
        )
        _report_left_out([reason for _, reason in table.refused])
        require_distinct(output, *table.files)
        model.fit(
            table.materials, table.labels, source=data.name, insulators=insulators,
            progress=progress,
        )  # fmt: skip
    model.save(output, force=force)
    return model


#: Entries that are named one by one where they cannot be read.
NAMED: Final = 20


def _report_left_out(reasons: list[str]) -> None:
    """Name the first entries that cannot be read, and count the others."""
    for reason in reasons[:NAMED]:
        note(f"left out: {reason}")
    if len(reasons) > NAMED:
        note(f"left out: {len(reasons) - NAMED} more entries")


def _check_folder(output: Path) -> None:
    """Refuse an output in a folder that does not exist before anything is computed."""
    from topophys.errors import OutputError

    if not output.parent.is_dir():
        raise OutputError(
            f"Output `{output}` cannot be written: there is no folder `{output.parent}`; make it"
            " first."
        )


def _files(source: Path) -> list[Path]:
    """Files of a folder that may be read; none of a file."""
    return [path for path in source.iterdir() if path.is_file()] if source.is_dir() else []


def predict(
    items: Annotated[
        list[str],
        typer.Argument(help="Formulas (Bi2Se3, SnTe:225), CIF or POSCAR files, folders, tables."),
    ],
    model: Annotated[
        Path | None,
        typer.Option(help="Output of `topophys materials train`; by default the built-in trees."),
    ] = None,
    formula: Formula = "formula",
    space_group: SpaceGroup = None,
    structure: Structure = None,
    occupancy: Annotated[
        Literal["refuse", "majority"],
        typer.Option(help="Partly occupied sites: reject, or take the most frequent element."),
    ] = "refuse",
    species: Annotated[
        str | None,
        typer.Option(help="Elements of a POSCAR of VASP 4, in its order, such as 'Bi Se'."),
    ] = None,
    hamiltonian: Annotated[
        Path | None,
        typer.Option(help="Hoppings of the material (_hr.dat); proven invariants exclude classes."),
    ] = None,
    occupied: Annotated[
        int | None, typer.Option("-n", "--occupied", help="Occupied bands of --hamiltonian.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV file for the answers.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line each.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Predict classes with calibrated probabilities, prediction sets and nearest materials.

    Bad entries are reported and skipped; the exit status is then 1, or 2 if all are bad.
    With --hamiltonian the gap and the Z2 indices of that file are proven, and exclude classes.

    Example: topophys materials predict Bi2Se3 SnTe:225 POSCAR
    """
    from topophys.errors import InputError
    from topophys.materials.answers import check_table, write_table
    from topophys.materials.description import collect_materials

    if output is not None:
        check_table(output, *items, *(file for file in (model, hamiltonian) if file), force=force)
        _check_folder(output)
    _check_filling(hamiltonian, occupied)
    found = collect_materials(
        items, formula=formula, space_group=space_group, structure=structure, species=species,
        occupancy=occupancy, progress=not quiet,
    )  # fmt: skip
    if not found.materials and len(found.refused) == 1:
        raise InputError(found.refused[0])
    _report_left_out(found.refused)
    if not found.materials:
        raise typer.Exit(2)
    if output is not None:  # folders and tables name more files
        check_table(output, *found.files, force=force)
    of_network = model is not None and model.is_dir()
    if hamiltonian is not None and (of_network or len(found.materials) != 1):
        raise InputError(
            "Option --hamiltonian goes with trees and one material, the one that it describes, but"
            f" there are {len(found.materials)} materials or a run folder."
        )
    if model is not None and of_network:
        _predict_with_network(model, found.crystals, output)
    else:
        from topophys.materials.model import MaterialsModel

        chosen = MaterialsModel.pretrained() if model is None else MaterialsModel.load(model)
        answers = chosen.answer(found.materials, progress=not quiet)
        rows = [answer.to_dict() for answer in answers]
        proven = _checked(hamiltonian, occupied, answers[0], rows[0])
        if output is not None:
            write_table(output, rows, force=force)
            print(f"{len(answers)} answers: {output}")
        elif as_json:
            print("\n".join(json.dumps(row) for row in rows))
        else:
            # the last line says for all of them what the model was trained on
            texts = [str(a).removesuffix(f"\n  trained on {a.trained_on}") for a in answers]
            print("\n".join([*texts, *proven, chosen.summary()]))
    if found.refused:
        raise typer.Exit(1)


def _check_filling(hamiltonian: Path | None, occupied: int | None) -> None:
    """Refuse a file of hoppings without its filling, or a filling without a file."""
    from topophys.errors import InputError

    require(hamiltonian, "File", "give hoppings of Wannier90 (_hr.dat, _tb.dat)")
    if (hamiltonian is None) != (occupied is None):
        raise InputError(
            "Options --hamiltonian and -n go together: a file of hoppings and its number of"
            " occupied bands, which no such file says."
        )


def _checked(
    file: Path | None, occupied: int | None, answer: MaterialAnswer, row: dict[str, Any]
) -> list[str]:
    """Say what is proven of a Hamiltonian; its numbers and the verdict go to the row."""
    if file is None or occupied is None:  # both or neither, see `_check_filling`
        return []
    from math import isnan

    from topophys.materials import check_hamiltonian

    check = check_hamiltonian(file, occupied)
    row |= {name: None if isnan(value) else value for name, value in check.features.items()}
    lines = [str(check)]
    for name, task in answer.tasks.items():
        row[f"{name}_proven"] = check.verdict(task.label)
        lines.append(f"  {name}: the certificate {check.verdict(task.label)}")
    return lines


def _predict_with_network(run: Path, crystals: list[Crystal], output: Path | None) -> None:
    from topophys.errors import InputError
    from topophys.materials import load_material_run

    if output is not None:
        raise InputError("Option `-o` goes with trees; a network of a run folder prints answers.")
    if not crystals:
        raise InputError("A network of a run folder predicts structures: give CIF or POSCAR files.")
    loaded = load_material_run(run)
    for crystal in crystals:
        print(loaded.predict(crystal))


def doubt(
    first: Annotated[Path, typer.Argument(help="Table (CSV) or folder of lists with labels.")],
    second: Annotated[
        Path | None,
        typer.Argument(help="Second table: rank only materials that the two label differently."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="CSV file for the ranking.")
    ] = None,
    label: Annotated[str, typer.Option(help="Column with the class, in both tables.")] = "class",
    formula: Formula = "formula",
    space_group: SpaceGroup = None,
    most: Annotated[int, typer.Option("--most", help="Number of rows to print without -o.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of folds and trees.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one line each.")] = False,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Rank labels by their probability under trees that held out their chemical system.

    Example: topophys materials doubt first.csv second.csv -o ranked.csv
    """
    from topophys.materials import MaterialsModel, read_class_lists, read_table
    from topophys.materials.answers import check_table, write_table

    both = [first] if second is None else [first, second]
    if output is not None:
        check_table(output, *both, *(file for path in both for file in _files(path)), force=force)
        _check_folder(output)

    def table(path: Path) -> tuple[list[Any], list[str]]:
        if path.is_dir():
            lists = read_class_lists(path)
            return lists.materials, [lists.classes[one.label] for one in lists.materials]
        found = read_table(path, formula=formula, labels=(label,), space_group=space_group)
        _report_left_out([reason for _, reason in found.refused])
        return found.materials, found.labels[label]

    materials, labels = table(first)
    other = None if second is None else _unanimous(*table(second), second)
    model = MaterialsModel(seed=seed).fit(
        materials, {label: labels}, source=first.name, progress=not quiet
    )
    ranked = [one.to_dict() for one in model.doubtful_labels(other)]
    if output is not None:
        write_table(output, ranked, force=force)
        print(f"{len(ranked)} labels, least believed first: {output}")
        return
    if as_json:
        print("\n".join(json.dumps(row) for row in ranked[:most]))
        return
    for row in ranked[:most]:
        print(", ".join(f"{name} {value}" for name, value in row.items() if value is not None))
    print(f"{len(ranked)} labels in all; {model.summary()}")


def _unanimous(materials: list[Any], labels: list[str], path: Path) -> dict[Any, str]:
    """Labels of a table; what it gives several labels is left out, and named."""
    from topophys.materials import describe
    from topophys.materials.description import unanimous

    described = list(zip(map(describe, materials), labels, strict=True))
    good, bad = unanimous(described)
    _report_left_out([f"{path.name}: {reason}" for reason in bad])
    return {m: name for m, name in described if (m.composition, m.space_group) in good}


def report(
    run: Annotated[
        Path, typer.Argument(help="Folder or file written by `topophys materials train`.")
    ],
    as_json: Json = False,
) -> None:
    """Print what a run or model was trained on, and its scores on held-out materials.

    Example: topophys materials report runs/toys
    """
    if run.is_file():
        from topophys.materials.model import MaterialsModel

        model = MaterialsModel.load(run)
        print(json.dumps(model.card_) if as_json else model.report())
        return

    from topophys.materials import load_material_run
    from topophys.materials import report as text

    loaded = load_material_run(run)
    print(json.dumps(loaded.card) if as_json else text(loaded))


COMMANDS: Final = (generate, train, predict, doubt, report)
