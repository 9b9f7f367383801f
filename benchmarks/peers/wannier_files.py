"""Real files of hoppings: what is proven of them, beside Z2Pack and WannierBerri.

python -m benchmarks.peers.wannier_files [name ...]   # writes docs/results/wannier-files.md

Files are looked for in $TOPOPHYS_TEST_DATA/wannier (docs/results/wannier-files.md says where they
are from). Every question is asked in a process of its own, whose caches are warm; results are kept
in benchmarks/results/wannier_files.jsonl, so that a name on the command line runs that one alone.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from benchmarks.peers.client import HERE, THREADS, installed
from benchmarks.peers.setup import interpreter
from topophys.answers import ask

PAGE = ROOT / "docs" / "results" / "wannier-files.md"
STUDY = harness.Study(ROOT / "benchmarks" / "results" / "wannier_files.jsonl")
#: CPU seconds after which a question is given up.
LIMIT = 120
SIX = [(axis, at) for axis in range(3) for at in (0.0, 0.5)]


@dataclass(frozen=True)
class Row:
    """One question: file, bands, what is asked here and of Z2Pack, and what is known."""

    name: str
    file: str
    occupied: int
    asked: str
    known: str
    run: Callable[[Path, int], Any]
    peer: dict[str, Any] = field(default_factory=dict)
    berri: str = ""


def file_of(name: str) -> Path:
    """Where a file is."""
    folder = os.environ.get("TOPOPHYS_TEST_DATA")
    if folder is None:
        raise SystemExit("Set TOPOPHYS_TEST_DATA to the folder that holds wannier/.")
    return Path(folder) / "wannier" / name


# ---- Questions: (value, status) in words


def question(what: str, **options: Any) -> Callable[[Path, int], tuple[str, str]]:
    """As the command `topophys WHAT FILE -n N` asks it."""

    def run(path: Path, occupied: int) -> tuple[str, str]:
        found = ask(path, what, n_occupied=occupied, **options)
        if what == "gap" and found.resolved:
            return f"open, at least {found.gap_lower:.3g} eV", found.status
        known = found.value if found.resolved else found.reason
        return known, found.status

    return run


def charge(*where: float, bands: int = 0, half: float = 0.1) -> Callable[..., tuple[str, str]]:
    """Charge of a box about a momentum in units of the reciprocal lattice."""

    def run(path: Path, occupied: int) -> tuple[str, str]:
        packed = path.name.endswith(".json.xz")
        h = (tp.read_tbmodels if packed else tp.read_wannier90)(path, n_occupied=occupied)
        k = 2.0 * np.pi * np.array(where)
        found = tp.weyl_charge(h, k, half_width=half, n_occupied=bands or occupied)
        value = f"{int(found):+d}" if found.certified else str(found.reason)
        return value, str(found.status)

    return run


def census(path: Path, occupied: int) -> tuple[str, str]:
    """All nodes, and nothing elsewhere."""
    found = tp.find_weyl_nodes(tp.read_wannier90(path, n_occupied=occupied))
    return repr(found).splitlines()[0].partition(": ")[2].partition(" (")[0], (
        "certified" if (np.ravel(found.status) == "certified").all() else "unresolved"
    )


def stretched(path: Path, occupied: int) -> tuple[str, str]:
    """One phase with its own hoppings between cells 4 % larger, along the straight path."""
    h = tp.read_wannier90(path, n_occupied=occupied)
    larger = {r: m if not any(r) else 1.04 * m for r, m in h.hoppings.items()}
    ends = [tp.FourierHamiltonian(g, n_occupied=occupied) for g in (dict(h.hoppings), larger)]
    found = tp.certify_equivalent(*ends)
    return f"{found.answer}; gap on the way at most {found.gap_upper:.3f} eV", str(found.status)


def solid_file(folder: Path, strength: float = 0.15) -> Path:
    """A strong topological insulator of 4 bands, 26 more, hoppings of 547 lattice vectors to all.

    Time reversal is exact, spins alternate. The random hoppings close most of the gap.
    """
    rng = np.random.default_rng(1)
    one, sigma = np.eye(2), np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    flip = np.kron(np.eye(15), 1j * sigma[1])
    levels = np.diag([2.0, 2.0, -2.0, -2.0] + 14 * [-3.0] + 12 * [3.0])
    vectors = np.indices((11, 11, 11)).reshape(3, -1).T - 5
    lengths = (vectors**2).sum(1)
    half = [tuple(r) for r in vectors[np.argsort(lengths, kind="stable")] if tuple(r) > (0, 0, 0)]
    hops = {(0, 0, 0): levels.astype(complex)}
    for r in half[:273]:
        a = rng.normal(size=(30, 30)) + 1j * rng.normal(size=(30, 30))
        a = 0.5 * strength * np.exp(-0.9 * np.linalg.norm(r)) * (a + flip @ a.conj() @ flip.T)
        if np.abs(r).sum() == 1:
            axis = int(np.argmax(r))
            a[:4, :4] -= 0.5 * np.kron(sigma[2], one) + 0.5j * np.kron(sigma[0], sigma[axis])
        hops[r] = a
    h = tp.FourierHamiltonian(hops, n_occupied=16)
    return Path(tp.write_wannier90_hr(h, folder / "made_hr.dat"))


def with_bulk(path: Path, occupied: int) -> tuple[str, str]:
    """Z2 indices, with the gap of the planes and that of the bulk."""
    h = tp.read_wannier90(path, n_occupied=occupied)
    order = tp.find_time_reversal(h)
    found = tp.z2_indices_3d(h, time_reversal=order, method="flux", prove_bulk=True)
    rows = dict(found._rows())  # as it is printed
    told = f"gap of planes {rows['gap of planes']}, of the bulk {rows['gap of the bulk']}"
    return f"{found._answer().partition(' (certified')[0]}; {told}", str(found.status)


def planes(path: Path, occupied: int) -> tuple[str, str]:
    """Z2 on the six planes, each as far as it is known."""
    packed = path.name.endswith(".json.xz")
    h = (tp.read_tbmodels if packed else tp.read_wannier90)(path, n_occupied=occupied)
    order = tp.find_time_reversal(h)
    found = tp.z2_indices_3d(h, time_reversal=order, method="flux")
    shown = [
        line.split("  ")[-1].strip() for line in repr(found).splitlines() if "planes of" in line
    ]
    return "k_x, k_y, k_z: " + "; ".join(shown), str(found.status)


def mirror_of_p(path: Path, occupied: int) -> tuple[str, str]:
    """Mirror y <-> -z of p orbitals (z, x, y) on two sites, spin up first: a {110} plane."""
    h = tp.read_wannier90(path, n_occupied=occupied)
    normal = np.array([0.0, 1.0, 1.0]) / np.sqrt(2.0)
    orbital = (np.eye(3) - 2.0 * np.outer(normal, normal))[np.ix_((2, 0, 1), (2, 0, 1))]
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    spin = -1j * np.einsum("i,iab->ab", normal, pauli)
    mirror = np.kron(spin, np.kron(np.eye(2), orbital))
    return _mirror(h, mirror, "0")


def mirror_by_blocks(plane: Any) -> Callable[[Path, int], tuple[str, str]]:
    """Mirror k_3 -> -k_3: the two sets of orbitals that are not coupled on the plane."""

    def run(path: Path, occupied: int) -> tuple[str, str]:
        h = tp.read_wannier90(path, n_occupied=occupied)
        k = np.random.default_rng(0).uniform(-np.pi, np.pi, (6, 3))
        k[:, 2] = 0.0 if plane == "0" else np.pi
        count, part = connected_components(np.abs(h.bloch(k)).max(0) > 1e-3)
        if count != 2:
            raise ValueError(f"Two blocks were expected, but there are {count}.")
        return _mirror(h, np.diag(1j * (1.0 - 2.0 * part)), plane)

    return run


def _mirror(h: Any, mirror: Any, plane: Any) -> tuple[str, str]:
    found = tp.mirror_chern(h, mirror=mirror, axis=2, plane=plane)
    if found.status != "certified":
        return str(found.reason), str(found.status)
    return f"{float(found.value):+g}", str(found.status)


#: Name of the file that is made here.
MADE = "made_hr.dat"
K3 = {"ask": "chern"}
ROWS = (
    Row("BHZ Z2", "BHZ_hr.dat", 2, "Z2", "1", question("z2"),
        {"ask": "z2", "planes": [(2, 0.0)]}),
    Row("Weyl census", "Weyl3D_hr.dat", 1, "all Weyl nodes", "2", census),
    Row("Weyl charge", "Weyl3D_hr.dat", 1, "charge at (0, 0, 1/6)", "-1",
        charge(0.0, 0.0, 1 / 6), {"ask": "weyl", "centre": [0, 0, 1 / 6], "radius": 0.02}),
    Row("graphene gap", "Graphene_hr.dat", 1, "direct gap", "bands touch", question("gap"), K3,
        berri="gap"),
    Row("silicon gap", "silicon_hr.dat", 4, "direct gap", "2.354 eV", question("gap"),
        berri="gap"),
    Row("silicon planes", "silicon_hr.dat", 4, "Chern numbers of planes", "0", question("planes"),
        K3, berri="chern"),
    Row("GaAs gap", "GaAs_tb.dat.tar.gz", 8, "direct gap", "", question("gap")),
    Row("WS2 Chern", "WS2_hr.dat.gz", 7, "Chern number", "0", question("chern"), K3, berri="chern"),
    Row("MoS2 Z2", "MoS2-1Tp_hr.dat.tar.gz", 28, "Z2", "1", question("z2"),
        {"ask": "z2", "planes": [(2, 0.0)]}),
    Row("MoS2 path", "MoS2-1Tp_hr.dat.tar.gz", 28, "path to hoppings 4 % larger", "", stretched),
    Row("ReC2H Z2", "ReC2H_hr.dat.gz", 16, "Z2", "1", question("z2"),
        {"ask": "z2", "planes": [(2, 0.0)]}),
    Row("SnTe gap", "SnTe_hr.dat.tar.gz", 6, "direct gap", "0.214 eV", question("gap"),
        berri="gap"),
    Row("SnTe Z2", "SnTe_hr.dat.tar.gz", 6, "Z2 indices", "(0; 000)", question("z2"),
        {"ask": "z2", "planes": SIX}),
    Row("SnTe bulk", "SnTe_hr.dat.tar.gz", 6, "Z2 indices and bulk gap", "(0; 000)", with_bulk),
    Row("made solid", MADE, 16, "Z2 indices and bulk gap: 30 bands, 547 vectors", "", with_bulk),
    Row("SnTe mirror", "SnTe_hr.dat.tar.gz", 6, "mirror Chern number, {110}", "size 2",
        mirror_of_p),
    Row("ZrTe Z2", "ZrTe_hr.dat.tar.gz", 8, "Z2 of six planes",
        "1 on k_z; undefined on k_x = 0, k_y = 0", planes, {"ask": "z2", "planes": SIX}),
    Row("ZrTe mirror 0", "ZrTe_hr.dat.tar.gz", 8, "mirror Chern number, k_z = 0", "size 1",
        mirror_by_blocks("0")),
    Row("ZrTe mirror pi", "ZrTe_hr.dat.tar.gz", 8, "mirror Chern number, k_z = pi", "size 1",
        mirror_by_blocks("pi")),
    Row("TaAs Z2", "TaAs_hr.dat.tar.gz", 16, "Z2 of six planes", "0", planes,
        {"ask": "z2", "planes": SIX}),
    Row("IrF4 Z2", "IrF4_hr.dat.tar.gz", 10, "Z2 indices", "none: nodal lines", question("z2"),
        {"ask": "z2", "planes": SIX}),
    Row("FeSi 2", "FeSi-phonons_hr.dat.tar.gz", 2, "charge of 2 bands at R", "-2",
        charge(0.5, 0.5, 0.5), {"ask": "weyl", "centre": [0.5] * 3, "radius": 0.016}),
    Row("FeSi 6", "FeSi-phonons_hr.dat.tar.gz", 6, "charge of 6 bands at R", "+2",
        charge(0.5, 0.5, 0.5), {"ask": "weyl", "centre": [0.5] * 3, "radius": 0.016}),
    Row("FeSi 22", "FeSi-phonons_hr.dat.tar.gz", 22, "charge of 22 bands at R", "-2",
        charge(0.5, 0.5, 0.5), {"ask": "weyl", "centre": [0.5] * 3, "radius": 0.016}),
    Row("FeSi 4", "FeSi-phonons_hr.dat.tar.gz", 4, "charge of 4 bands at Gamma", "-4",
        charge(0.0, 0.0, 0.0), {"ask": "weyl", "centre": [0.0] * 3, "radius": 0.016}),
    Row("FeSi 22 Gamma", "FeSi-phonons_hr.dat.tar.gz", 22, "charge of 22 bands at Gamma", "+2",
        charge(0.0, 0.0, 0.0), {"ask": "weyl", "centre": [0.0] * 3, "radius": 0.016}),
    Row("WTe2 node 1", "WTe2_tbmodels.json.xz", 56, "charge at (.12126, .02828, 0)", "+1",
        charge(0.12126, 0.02828, 0.0, half=0.04)),
    Row("WTe2 node 2", "WTe2_tbmodels.json.xz", 56, "charge at (.12015, .05669, 0)", "-1",
        charge(0.12015, 0.05669, 0.0, half=0.04)),
    Row("WTe2 Z2", "WTe2_tbmodels.json.xz", 56, "Z2 of six planes",
        "0 on five; undefined on k_z = 0", planes),
    Row("FeSi census", "FeSi-phonons_hr.dat.tar.gz", 22, "all nodes of 22 bands", "2", census),
)  # fmt: skip


# ---- Running them


def one(row: Row) -> dict[str, Any]:
    """Answer, CPU seconds and peak memory, in this process."""
    with tempfile.TemporaryDirectory() as name:
        path = solid_file(Path(name)) if row.file == MADE else file_of(row.file)
        start = time.process_time()
        value, status = row.run(path, row.occupied)
        seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"value": value, "status": status, "seconds": seconds, "peak": peak}


def child(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """What a process answers in JSON within the limit."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, env=environment, cwd=ROOT,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),
        )  # fmt: skip
    except OSError as error:
        return {"error": str(error)}
    if done.returncode:
        stopped = done.returncode in (-24, -9)
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        return {"error": f"stopped after {LIMIT} s" if stopped else last[:160]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def unpacked(path: Path, folder: Path) -> Path:
    """A plain copy of a file, which is all that the peer reads."""
    name = folder / path.name.removesuffix(".gz").removesuffix(".tar")
    if path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            member = next(m for m in archive.getmembers() if m.name.endswith("_hr.dat"))
            with archive.extractfile(member) as source, name.open("wb") as target:
                shutil.copyfileobj(source, target)
        return name
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as source:
        name.write_bytes(source.read())
    return name


def ask_peer(row: Row) -> dict[str, Any]:
    """The answer of Z2Pack."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = solid_file(folder) if row.file == MADE else unpacked(file_of(row.file), folder)
        plain = Path(name) / "plain_hr.dat"
        tp.write_wannier90_hr(tp.read_wannier90(path, n_occupied=row.occupied), plain)
        asked = row.peer | {"path": str(path), "plain": str(plain), "occ": row.occupied}
        env = os.environ | {f"{t}_NUM_THREADS": "1" for t in THREADS}
        env.pop("PYTHONPATH", None)
        words = [str(interpreter("z2pack")), str(HERE / "z2pack_file.py"), json.dumps(asked)]
        return child(words, env)


def ask_berri(row: Row) -> dict[str, Any]:
    """The answer of WannierBerri."""
    with tempfile.TemporaryDirectory() as name:
        path = unpacked(file_of(row.file), Path(name))
        h = tp.read_wannier90(path, n_occupied=row.occupied)
        asked = {"path": str(path), "occ": row.occupied, "bands": h.n_bands,
                 "dim": h.vectors.shape[1], "ask": row.berri}  # fmt: skip
        env = os.environ | {f"{t}_NUM_THREADS": "1" for t in THREADS}
        env.pop("PYTHONPATH", None)
        words = [
            str(interpreter("wannierberri")), str(HERE / "wannierberri_file.py"), json.dumps(asked)
        ]  # fmt: skip
        return child(words, env)


def settings(row: Row, who: str) -> dict[str, Any]:
    """What a result depends on."""
    peers = {"z2pack": row.peer, "wannierberri": {"ask": row.berri}}
    return {"name": row.name, "file": row.file, "occupied": row.occupied, "who": who,
            "asked": row.asked,
            "peer": peers.get(who, {})}  # fmt: skip


def run(row: Row) -> None:
    """Ask both, and keep what they say."""
    env = os.environ | {f"{t}_NUM_THREADS": "1" for t in THREADS}
    words = [sys.executable, "-m", "benchmarks.peers.wannier_files", "--one", row.name]
    child(words, env) if row is ROWS[0] else None  # compiles
    found = child(words, env)
    print(row.name, found, flush=True)
    STUDY.put(settings(row, "topophys"), found)
    if row.peer and installed("z2pack"):
        found = ask_peer(row)
        print("  Z2Pack", found, flush=True)
        STUDY.put(settings(row, "z2pack"), found)
    if row.berri and installed("wannierberri"):
        found = ask_berri(row)
        print("  WannierBerri", found, flush=True)
        STUDY.put(settings(row, "wannierberri"), found)


# ---- The table


def cells(row: Row) -> str:
    """One line of the table."""
    ours = STUDY.get(settings(row, "topophys")) or {"error": "not asked"}
    if "error" in ours:
        told = f"{ours['error']} | | |"
    else:
        told = f"{ours['value']} | {ours['status']} | {ours['seconds']:.2f} s | "
        told += f"{ours['peak']:.0f} MiB"
    peer = STUDY.get(settings(row, "z2pack")) if row.peer else None
    berri = STUDY.get(settings(row, "wannierberri")) if row.berri else None
    name = row.file.partition("_")[0]
    return f"| {name}, {row.asked} | {row.known} | {told} | {_peer(peer)} | {_berri(berri)} |"


def _peer(found: dict[str, Any] | None) -> str:
    if found is None:
        return "| |"
    if "error" in found:
        return f"{found['error']} | |"
    values = ", ".join(f"{v:g}" for v in found["values"])
    lost = found["converged"].count(False)
    note = f" (not converged on {lost} of {len(found['values'])})" if lost else ""
    note += " (file written again: its reader refused it)" if found["refused"] else ""
    return f"{values}{note} | {found['seconds']:.1f} s | {found['peak']:.0f} MiB"


def _berri(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    if "error" in found:
        return str(found["error"])
    return f"{found['value']}; {found['seconds']:.1f} s, {found['peak']:.0f} MiB"


def table() -> str:
    """All rows."""
    head = "| asked | known | topophys | status | CPU | peak | Z2Pack 2.2.1 | CPU | peak |"
    head += " WannierBerri 26.10 |"
    return "\n".join([head, "|---|---|---|---|---:|---:|---|---:|---:|---|", *map(cells, ROWS)])


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(next(row for row in ROWS if row.name == sys.argv[2]))))
        return
    for row in ROWS:
        if sys.argv[1:] != ["table"] and (not sys.argv[1:] or row.name in sys.argv[1:]):
            run(row)
    command = "python -m benchmarks.peers.wannier_files"
    put(PAGE, "files", filled(command, table(), harness.machine()))


if __name__ == "__main__":
    main()
