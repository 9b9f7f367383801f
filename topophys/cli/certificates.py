"""The command that writes certificates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from topophys.cli._options import Json, require

__all__ = ["COMMANDS"]


def certify(
    file: Annotated[Path, typer.Argument(help="Wannier90 hoppings (_hr.dat, _tb.dat).")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Certificate file to write: x.cert.json.")
    ],
    occupied: Annotated[
        int | None, typer.Option("-n", "--occupied", help="Number of occupied bands.")
    ] = None,
    quantity: Annotated[
        Literal["gap", "chern", "weyl"] | None,
        typer.Option(help="Quantity to prove; by default chern in two dimensions, otherwise gap."),
    ] = None,
    centre: Annotated[
        str | None, typer.Option(help="For weyl: centre of the box, in radians: 0.1,0.2,0.3.")
    ] = None,
    half_width: Annotated[
        float, typer.Option(help="For weyl: half the edge of the box, in radians.")
    ] = 0.1,
    as_json: Json = False,
) -> None:
    """Prove an invariant and write the proof to a certificate file that others can check.

    The file can be checked by `python -m topophys.checker x.cert.json`, or by a copy of that one
    module, which needs nothing of this package.

    Example: topophys certify wannier90_hr.dat --occupied 28 -o x.cert.json
    """
    require(file, "File", "give hoppings of Wannier90 (_hr.dat, _tb.dat)")
    from topophys.errors import InputError
    from topophys.hamiltonians.wannier90 import read_wannier90
    from topophys.invariants.chern import certify_chern
    from topophys.invariants.gap import certify_gap
    from topophys.invariants.weyl import weyl_charge
    from topophys.kernels.rounding import at_least

    if occupied is None:
        raise InputError(
            "Option -n (--occupied) must be given, the number of occupied bands, because no file of"
            " hoppings says it."
        )
    h = read_wannier90(file, n_occupied=occupied)
    question = quantity or ("chern" if h.dim == 2 else "gap")
    if question == "weyl":
        if centre is None:
            raise InputError("Option --centre must be given for a Weyl charge.")
        try:
            at = [float(x) for x in centre.split(",")]
        except ValueError:
            raise InputError("Option --centre must be three numbers: 0.1,0.2,0.3.") from None
        proof = weyl_charge(h, at, half_width=half_width, on_unresolved="raise")
    else:
        prove = certify_chern if question == "chern" else certify_gap
        proof = prove(h, on_unresolved="raise")
    path = proof.save(output)
    if as_json:
        record = {"file": str(file), "certificate": str(path), "quantity": proof.quantity}
        found = {"value": int(proof), "gap_lower": float(proof.gap_lower), "dim": h.dim}
        print(json.dumps(record | found | {"n_occupied": occupied, "n_bands": h.n_bands}))
        return
    print(
        f"{path}: {proof.quantity} {int(proof):+d}, gap at least {at_least(proof.gap_lower, 6)}"
        f" ({h.dim}D, {occupied} of {h.n_bands} bands occupied, {path.stat().st_size} bytes)"
    )


COMMANDS: Final = (certify,)
