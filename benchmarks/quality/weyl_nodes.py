"""Censuses of Weyl nodes against algebra, and of real files; writes docs/results/weyl-nodes.md.

    python -m benchmarks.quality.weyl_nodes               # models, all pieces
    python -m benchmarks.quality.weyl_nodes --pieces 2    # the first two
    python -m benchmarks.quality.weyl_nodes --files TaAs  # one file; TOPOPHYS_TEST_DATA says where

Results are kept in benchmarks/results/weyl_nodes.jsonl, so that a run can be taken up again.
Whoever changes code that decides outcomes raises VERSION. The picture of TaAs is drawn with it.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from benchmarks.peers.wannier_files import file_of
from topophys.plots import plot_weyl_census, save_figure
from topophys.testing import weyl_nodes

PAGE = ROOT / "docs" / "results" / "weyl-nodes.md"
PICTURE = ROOT / "docs" / "figures" / "taas_census"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "weyl_nodes.jsonl")
VERSION = 5
PIECES, SIZE = 20, 50


# ---- Models


def settings(number: int) -> dict[str, Any]:
    """What a piece depends on; pieces are seeds."""
    return {"run": "models", "seed": number, "size": SIZE, "version": VERSION}


def piece(number: int) -> None:
    """Count one piece, where it is not there yet."""
    if STUDY.get(settings(number)) is None:
        start = time.process_time()
        tally = weyl_nodes.trial(number, SIZE)
        seconds = time.process_time() - start
        STUDY.put(settings(number), {"seconds": seconds, "tally": dict(tally)})
        print(number, dict(tally), flush=True)


def models_table() -> str:
    """Outcomes of all pieces that are there."""
    kept = [STUDY.get(settings(n)) for n in range(PIECES)]
    found = [k for k in kept if k is not None]
    tally = sum((Counter(k["tally"]) for k in found), Counter())
    seconds = sum(k["seconds"] for k in found)
    rows = [
        ("Hamiltonians", f"{tally['Hamiltonians']:,}"),
        ("of 2, 3, 4, 10 bands", ", ".join(str(tally[f"{n} bands"]) for n in (2, 3, 4, 10))),
        ("without touchings", f"{tally['without nodes']:,}"),
        ("touchings, by algebra", f"{tally['nodes']:,}"),
        ("boxes found, charges proven", f"{tally['boxes']:,}, {tally['charges proven']:,}"),
        ("boxes proven to hold exactly one touching", f"{tally['nodes proven single']:,}"),
        ("positions proven to 1e-10", f"{tally['positions within 1e-10']:,}"),
        ("undecided boxes", f"{tally['undecided']:,}"),
        ("complete censuses", f"{tally['complete']:,}"),
        ("**wrong in anything**", f"**{tally['wrong']:,}**"),
        ("CPU per Hamiltonian", f"{seconds / max(1, tally['Hamiltonians']):.2f} s"),
    ]
    return "\n".join(["| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows)])


# ---- Files


@dataclass(frozen=True)
class File:
    """A file, its filling, what is known of it, and the options of the census."""

    file: str
    occupied: int
    known: str
    options: dict[str, Any] = field(default_factory=dict)


FILES = {
    "Weyl3D": File("Weyl3D_hr.dat", 1, "two nodes"),
    "FeSi": File("FeSi-phonons_hr.dat.tar.gz", 22, "two nodes of charges +2 and -2"),
    "TaAs": File("TaAs_hr.dat.tar.gz", 16, "24 nodes"),
    "ZrTe": File("ZrTe_hr.dat.tar.gz", 8, "12 nodes, four triple points"),
    "IrF4": File("IrF4_hr.dat.tar.gz", 10, "nodal lines", {"depth": 4}),
    "WTe2": File("WTe2_tbmodels.json.xz", 56, "8 nodes"),
}


def file_settings(name: str) -> dict[str, Any]:
    """What a census of a file depends on."""
    row = FILES[name]
    return {"run": "file", "name": name, "occupied": row.occupied, "options": row.options,
            "version": VERSION}  # fmt: skip


def census(name: str) -> None:
    """Take the census of one file, and draw that of TaAs."""
    row, path = FILES[name], file_of(FILES[name].file)
    h = (tp.read_tbmodels if ".json" in path.name else tp.read_wannier90)(
        path, n_occupied=row.occupied
    )
    start = time.process_time()
    found = tp.find_weyl_nodes(h, progress=True, **row.options)
    seconds = time.process_time() - start
    charges = np.ma.filled(found.value, 0)
    kept = {
        "bands": list(found.bands),
        "complete": bool(found.complete), "stopped": bool(found.stopped),
        "charges": {str(c): int((charges == c).sum()) for c in sorted(set(charges.tolist())) if c},
        "undecided": len(found.undecided),
        "kinds": dict(Counter(found.kind[found.undecided].tolist())),
        "seen": found.description[found.undecided].tolist(), "unique": int(found.unique.sum()),
        "error": float(found.position_error[found.unique].max(initial=0.0)),
        "gap": float(found.gap_outside), "total": found.total,
        "paired": int((found.partner >= 0).sum()), "reversal": float(found.reversal_error),
        "widest": float(2.0 * found.half_width[found.undecided].max(initial=0.0)),
        "seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    STUDY.put(file_settings(name), kept)
    print(found, kept, flush=True)
    if name == "TaAs":
        save_figure(plot_weyl_census(found), PICTURE, ["png"], dpi=110)


def files_table() -> str:
    """All files that were asked."""
    heads = ("file, lowest bands", "known", "boxes with a charge", "of them proven single",
             "undecided, and what they seem to be", "sum of charges", "gap elsewhere", "CPU",
             "peak")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|---|---|---:|---|---:|---:|---:|---:|"]
    for name, row in FILES.items():
        kept = STUDY.get(file_settings(name))
        if kept is None:
            lines.append(f"| {name}, {row.occupied} | {row.known} | not asked | | | | | | |")
            continue
        charges = ", ".join(f"{n} of {int(c):+d}" for c, n in kept["charges"].items()) or "none"
        single = f"{kept['unique']}, to {kept['error']:.1e}" if kept["unique"] else "0"
        kinds = ", ".join(f"{n} {kind}" for kind, n in kept.get("kinds", {}).items())
        wide = f", up to {kept['widest']:.2f} wide" if kept["undecided"] else ""
        wide = f"{': ' * bool(kinds)}{kinds}{wide}"
        gap = f"{kept['gap']:.1e} eV" if kept["complete"] else "nothing proven"
        total = "open" if kept["total"] is None else str(kept["total"])
        peak = "not measured" if kept["peak"] is None else f"{kept['peak']:.0f} MiB"
        lines.append(
            f"| {name}, {kept['bands'][0]} of {kept['bands'][1]} | {row.known} | {charges} | "
            f"{single} | {kept['undecided']}{wide} | {total} | {gap} | {kept['seconds']:.0f} s | "
            f"{peak} |"
        )
    seen = [
        f"- {name}: {words}."
        for name in FILES
        for words in (STUDY.get(file_settings(name)) or {}).get("seen", [])
    ]
    return "\n".join([*lines, *(["", "Seen in undecided boxes:", "", *seen] if seen else [])])


def main() -> None:
    """Run what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pieces", type=int, default=PIECES)
    parser.add_argument("--files", nargs="*", choices=list(FILES))
    given = parser.parse_args()
    command = "python -m benchmarks.quality.weyl_nodes"
    if given.files is None:
        for number in range(given.pieces):
            piece(number)
    for name in given.files or ():
        census(name)
    put(PAGE, "models", filled(command, models_table(), harness.machine()))
    put(PAGE, "files", filled(f"{command} --files", files_table(), harness.machine()))


if __name__ == "__main__":
    main()
