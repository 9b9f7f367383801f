"""Commands that compute one invariant of a file of hoppings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from topophys.cli._options import Json, Quiet, note, require
from topophys.errors import InputError, KindError

__all__ = ["CERTIFICATES", "COMMANDS"]

File = Annotated[
    Path,
    typer.Argument(
        help="Wannier90 hoppings (_hr.dat, _tb.dat) or TBmodels model (HDF5, JSON), may be packed."
    ),
]
Occupied = Annotated[int | None, typer.Option("-n", "--occupied", help="Number of occupied bands.")]
Fermi = Annotated[
    float | None,
    typer.Option("--fermi-energy", help="Instead of -n: an energy in the gap, in eV."),
]
Electrons = Annotated[
    int | None,
    typer.Option("--electrons", help="Instead of -n: number of electrons in these bands."),
]
Degenerate = Annotated[
    bool | None,
    typer.Option(
        "--spin-degenerate/--spinful", help="With --electrons: two electrons per band, or one."
    ),
]
Images = Annotated[
    str, typer.Option("--wsvec", help="Path of _wsvec.dat; 'auto': next to the file; 'none'.")
]
Hermitian = Annotated[
    Literal["check", "average"],
    typer.Option(help="Reject hoppings of R and -R that are not conjugate, or average them."),
]
Missing = Annotated[
    Literal["refuse", "zero"],
    typer.Option(help="Reject a dense file with missing lines, or read them as zeros."),
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Certificate file to write: x.cert.json.")
]


def chern(
    file: File,
    occupied: Occupied = None,
    fermi_energy: Fermi = None,
    electrons: Electrons = None,
    spin_degenerate: Degenerate = None,
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Prove the Chern number of the occupied bands of a plane.

    The exit status is 1 if it is not proven.

    Example: topophys chern wannier90_hr.dat -n 28
    """
    reading = _reading(
        occupied, fermi_energy, electrons, spin_degenerate, wsvec, hermitian, missing
    )
    _answer(file, "chern", reading, as_json, output)


def winding(
    file: File,
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Prove the winding number of a chain with sublattice symmetry; half of its bands are filled.

    The exit status is 1 if it is not proven.

    Example: topophys winding wannier90_hr.dat
    """
    reading = _reading(None, None, None, None, wsvec, hermitian, missing)
    _answer(file, "winding", reading, as_json, output)


def gap(
    file: File,
    occupied: Occupied = None,
    indirect: Annotated[
        bool,
        typer.Option(
            "--indirect",
            help="Prove the indirect gap: all empty levels lie above all occupied ones.",
        ),
    ] = False,
    level: Annotated[
        float | None,
        typer.Option("--level", help="Energy in eV that must lie in the indirect gap."),
    ] = None,
    fermi_energy: Fermi = None,
    electrons: Electrons = None,
    spin_degenerate: Degenerate = None,
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Prove that the gap above the occupied bands is open: direct, indirect, or around an energy.

    The exit status is 1 if it is not proven. `--level 5.2` in place of -n asks whether that energy
    lies in a gap at every momentum or is crossed by a band.

    Example: topophys gap wannier90_hr.dat -n 28
    """
    reading = _reading(
        occupied, fermi_energy, electrons, spin_degenerate, wsvec, hermitian, missing
    )
    reading |= {"kind": "indirect" if indirect else "direct", "level": level}
    _answer(file, "gap", reading, as_json, output)


def z2(
    file: File,
    occupied: Occupied = None,
    fermi_energy: Fermi = None,
    electrons: Electrons = None,
    spin_degenerate: Degenerate = None,
    time_reversal: Annotated[
        Literal["auto", "up first", "alternating", "none"],
        typer.Option(help="Order of the spins; 'auto' detects it."),
    ] = "auto",
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Find the Z2 invariant of a plane, or the four indices of a solid, with time reversal.

    The exit status is 1 if none is found.

    Example: topophys z2 wannier90_hr.dat -n 28
    """
    reading = _reading(
        occupied, fermi_energy, electrons, spin_degenerate, wsvec, hermitian, missing
    )
    reading["time_reversal"] = None if time_reversal == "none" else time_reversal
    _answer(file, "z2", reading, as_json, output)


def weyl(
    file: File,
    near: Annotated[
        str | None,
        typer.Option(
            help="Momentum near one node, in radians: 0,0,1.05 or 0,0,pi/3. Without it: all nodes."
        ),
    ] = None,
    occupied: Occupied = None,
    fermi_energy: Fermi = None,
    electrons: Electrons = None,
    spin_degenerate: Degenerate = None,
    half_width: Annotated[
        float | None,
        typer.Option(help="With --near: half the edge of the box, in radians; 0.1 if not given."),
    ] = None,
    max_cells: Annotated[
        int | None,
        typer.Option(help="Without --near: most cells of the search; 20000 if not given."),
    ] = None,
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    quiet: Quiet = False,
    as_json: Json = False,
    output: Output = None,
) -> None:
    """Enclose all Weyl nodes and prove their charges, or the charge of the node near a momentum.

    All nodes: the Brillouin zone is divided until the gap is proven open everywhere else. The exit
    status is 1 if a charge is not proven, or something is left undecided.

    Example: topophys weyl wannier90_hr.dat -n 28

    Example: topophys weyl wannier90_hr.dat -n 28 --near 0,0,pi/3
    """
    reading = _reading(
        occupied, fermi_energy, electrons, spin_degenerate, wsvec, hermitian, missing
    )
    if near is not None:
        if max_cells is not None:
            raise typer.BadParameter(
                "--max-cells is about the search for all nodes, without --near"
            )
        options = {"near": _momenta(near), "half_width": 0.1 if half_width is None else half_width}
        _answer(file, "weyl", reading | options, as_json, output)
        return
    if half_width is not None:
        raise typer.BadParameter("--half-width is about the box around one node: give --near, too")
    _census(file, reading, max_cells, quiet, as_json, output)


def _census(
    file: Path,
    reading: dict[str, Any],
    max_cells: int | None,
    quiet: bool,
    as_json: bool,
    output: Path | None,
) -> None:
    """Print all band touchings of a solid, and write what the checker needs."""
    require(file, "File", REMEDY)
    from topophys.invariants.weyl import find_weyl_nodes

    h = _read(file, reading)
    if h.dim != 3:
        raise KindError(f"Weyl nodes need a 3D Hamiltonian, but file `{file}` is {h.dim}D.")
    options: Any = {} if max_cells is None else {"max_cells": max_cells}
    found = find_weyl_nodes(h, progress=not quiet, **options)
    for said in h.notes:
        note(said)
    proven = found.complete and not len(found.undecided)
    saved = found.save(output) if output is not None and found.complete else None
    if as_json:
        boxes = found.to_dicts()
        record = {"file": str(file), "question": found.question, "complete": found.complete}
        about = {"n_occupied": h.n_occupied, "n_bands": h.n_bands, "gap_outside": found.gap_outside}
        about |= {"nodes": len(found.nodes), "undecided": len(found.undecided)}
        sums = {"sum_of_charges": found.total, "boxes": boxes, "certificate": saved and str(saved)}
        print(json.dumps(record | about | sums))
    else:
        print(found)
        if saved:
            print(f"proof in {saved}")
    if not proven:
        raise typer.Exit(1)


NUMBER: Final = re.compile(
    r"([+-]?)(\d*\.?\d*(?:e[+-]?\d+)?)\*?(pi)?(?:/(\d+\.?\d*))?", re.IGNORECASE
)


def _momenta(text: str) -> tuple[float, float, float]:
    numbers = []
    for word in text.replace(" ", "").split(","):
        found = NUMBER.fullmatch(word)
        if found is None or not (found[2] or found[3]):
            break
        value = float(found[2] or 1.0) * (3.141592653589793 if found[3] else 1.0)
        numbers.append((-value if found[1] == "-" else value) / float(found[4] or 1.0))
    if len(numbers) != 3 or len(text.split(",")) != 3:
        raise typer.BadParameter(f"--near must be three momenta, such as 0,0,pi/3, not {text!r}")
    return numbers[0], numbers[1], numbers[2]


def _reading(
    occupied: int | None,
    fermi_energy: float | None,
    electrons: int | None,
    spin_degenerate: bool | None,
    wsvec: str,
    hermitian: str,
    missing: str,
) -> dict[str, Any]:
    return {
        "n_occupied": occupied,
        "fermi_energy": fermi_energy,
        "n_electrons": electrons,
        "spin_degenerate": spin_degenerate,
        "wsvec": None if wsvec == "none" else wsvec,
        "hermitian": hermitian,
        "missing": missing,
    }


#: What to give where there is no such file.
REMEDY: Final = "give hoppings of Wannier90 (_hr.dat, _tb.dat) or a model of TBmodels"


def _reader(file: Path) -> Any:
    """Reader of a file by its content, and whether that may say how many bands are occupied."""
    from topophys.hamiltonians._packed_text import begins_as_model

    if file.is_dir():
        raise InputError(
            f"File `{file}` must be one file of hoppings, but is a folder; `topophys label` takes"
            " all files of a folder."
        )
    if begins_as_model(file):  # HDF5 takes time to load
        from topophys.datasets.tbmodels_file import read_hoppings

        return read_hoppings, True
    from topophys.hamiltonians.wannier90 import read_wannier90

    return read_wannier90, False


def _ready(file: Path, reading: dict[str, Any], *, needless: bool = False) -> Any:
    """Reader of a file that is there and is said to have so many occupied bands."""
    require(file, "File", REMEDY)
    read, may_say = _reader(file)
    given = (reading["n_occupied"], reading["fermi_energy"], reading["n_electrons"])
    if not (needless or may_say) and given == (None, None, None):
        raise InputError(
            "Option -n must be given, the number of occupied bands, because no file of"
            " hoppings says it (or --fermi-energy, or --electrons)."
        )
    return read


def _read(file: Path, reading: dict[str, Any]) -> Any:
    return _ready(file, reading)(file, **reading)


def _answer(
    file: Path, question: Any, options: dict[str, Any], as_json: bool, output: Path | None
) -> None:
    needless = question == "winding" or options.get("level") is not None
    read = _ready(file, options, needless=needless)
    from topophys.answers import ask

    answer = ask(file, question, read=read, **options)
    shown = answer.resolved and answer.status != "refuted"
    saved = answer.proof.save(output) if output is not None and shown else None
    if as_json:
        print(
            json.dumps(answer.record() | {"file": str(file), "certificate": saved and str(saved)})
        )
    else:
        print(f"{answer}; proof in {saved}" if saved else answer)
    if not shown:
        raise typer.Exit(1)


# ------------------------------------------------ The command that writes certificates


def certify(
    file: File,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Certificate file to write: x.cert.json.")
    ],
    occupied: Occupied = None,
    fermi_energy: Fermi = None,
    electrons: Electrons = None,
    spin_degenerate: Degenerate = None,
    quantity: Annotated[
        Literal["gap", "chern", "z2", "weyl"] | None,
        typer.Option(help="Quantity to prove; by default chern in two dimensions, otherwise gap."),
    ] = None,
    time_reversal: Annotated[
        Literal["auto", "up first", "alternating"],
        typer.Option(help="For z2: order of the spins; 'auto' detects it."),
    ] = "auto",
    planes: Annotated[
        bool, typer.Option("--planes", help="For z2 of solids: planes alone, without the bulk gap.")
    ] = False,
    centre: Annotated[
        str | None, typer.Option(help="For weyl: centre of the box, in radians: 0.1,0.2,0.3.")
    ] = None,
    half_width: Annotated[
        float, typer.Option(help="For weyl: half the edge of the box, in radians.")
    ] = 0.1,
    wsvec: Images = "auto",
    hermitian: Hermitian = "check",
    missing: Missing = "refuse",
    as_json: Json = False,
) -> None:
    """Prove an invariant and write the proof to a certificate file that others can check.

    The file can be checked by `python -m topophys.checker x.cert.json`, or by copies of that module
    and of those beside it, which need nothing else of this package.

    Z2 indices of a solid are those of six planes; whether the gap is open between them is proven,
    too, and the file is about planes alone where that fails. The exit status is 1 and no file is
    written if nothing is proven.

    Example: topophys certify wannier90_hr.dat --occupied 28 -o x.cert.json
    """
    require(file, "File", REMEDY)
    from topophys.invariants.chern import certify_chern
    from topophys.invariants.gap import certify_gap
    from topophys.invariants.weyl import weyl_charge
    from topophys.kernels.rounding import at_least

    reading = _reading(
        occupied, fermi_energy, electrons, spin_degenerate, wsvec, hermitian, missing
    )
    h = _read(file, reading)
    question = quantity or ("chern" if h.dim == 2 else "gap")
    if question == "weyl":
        if centre is None:
            raise InputError("Option --centre must be given for a Weyl charge.")
        try:
            at = [float(x) for x in centre.split(",")]
        except ValueError:
            raise InputError("Option --centre must be three numbers: 0.1,0.2,0.3.") from None
        proof = weyl_charge(h, at, half_width=half_width, on_unresolved="mask")
    elif question == "z2":
        proof = _z2_proof(h, time_reversal, planes)
    else:
        prove = certify_chern if question == "chern" else certify_gap
        proof = prove(h, on_unresolved="mask")
    for said in getattr(h, "notes", ()):
        note(said)
    if not proof.all_certified:
        about = {"n_occupied": h.n_occupied, "n_bands": h.n_bands, "dim": h.dim}
        record = {"file": str(file), "quantity": question, "status": "unresolved", **about}
        print(json.dumps(record | {"reason": _reason(proof)}) if as_json else proof)
        raise typer.Exit(1)
    path = proof.save(output)
    name, value, gap = _as_written(proof)
    if as_json:
        record = {"file": str(file), "certificate": str(path), "quantity": name}
        found = {"value": value, "gap_lower": gap, "dim": h.dim}
        print(json.dumps(record | found | {"n_occupied": h.n_occupied, "n_bands": h.n_bands}))
        return
    shown = getattr(proof, "label", value) if question == "z2" else f"{value:+d}"
    print(
        f"{path}: {name} {shown}, gap at least {at_least(gap, 6)}"
        f" ({h.dim}D, {h.n_occupied} of {h.n_bands} bands occupied, {path.stat().st_size} bytes)"
    )


def _z2_proof(h: Any, time_reversal: str, planes: bool) -> Any:
    """Prove the invariant of a plane or the indices of a solid, so that a file can be written."""
    from topophys.hamiltonians.symmetries import find_time_reversal
    from topophys.invariants.z2 import z2_invariant
    from topophys.invariants.z2_indices import z2_indices_3d

    order: Any = find_time_reversal(h) if time_reversal == "auto" else time_reversal
    if order is None:
        raise InputError(
            "Option --time-reversal must name the order of the spins, because no usual order makes"
            " this Hamiltonian symmetric under time reversal."
        )
    if h.dim == 3:
        return z2_indices_3d(
            h, time_reversal=order, method="flux", prove_bulk=not planes, on_unresolved="mask"
        )
    return z2_invariant(h, time_reversal=order, method="flux", on_unresolved="mask")


def _reason(proof: Any) -> str:
    """Why something is not proven; of a solid, of the first plane that is not."""
    reasons = (str(part.reason) for part in getattr(proof, "planes", None) or (proof,))
    return next((reason for reason in reasons if reason), "")


def _as_written(proof: Any) -> tuple[str, Any, float]:
    """Name, value and gap of a proof as its file has them."""
    if hasattr(proof, "planes"):
        whole = proof.bulk is not None and bool(proof.bulk.all_certified)
        gap = proof.bulk.gap_lower if whole else proof.gap_lower
        return "Z2 indices" if whole else "Z2 indices of planes", proof.value.tolist(), float(gap)
    return getattr(proof, "quantity", "Z2 invariant"), int(proof), float(proof.gap_lower)


COMMANDS: Final = (chern, winding, gap, z2, weyl)
#: Comes after the commands about data in the list of commands.
CERTIFICATES: Final = (certify,)
