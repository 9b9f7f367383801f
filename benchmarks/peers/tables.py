"""Tables of other packages beside ours: speed, wrong answers, gapless input, known cases.

A peer that is not installed has no row; `python -m benchmarks.peers.setup` installs them.
"""

from __future__ import annotations

import os
import statistics
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.peers.client import Peer, installed, save
from benchmarks.quality import wrong_answers

GRID = 24
#: Peer, what is asked, and how many Hamiltonians of each kind of run it can be given.
SPEED = (
    ("tbkit", "chern", 100),
    ("qutip", "chern", 100),
    ("pythtb", "chern", 50),
    ("pythtb", "kubo", 50),
    ("pyqula", "chern", 10),
    ("z2pack", "chern", 10),
    ("z2pack", "adaptive", 10),
    ("wannierberri", "kubo", 10),
)
WORDS = {"chern": "", "kubo": ", Kubo sum", "adaptive": ", adaptive"}
LOOPS = {"z2pack": ", fixed lines"}
NEAR = 0.25  # a float closer than this to an integer is read as it, by anyone who looks


def sign_of(peer: Peer, what: str, folder: str) -> int:
    """Sign of the peer's convention, from the QWZ model with C = +1 in ours."""
    found = peer.ask(what, save(f"{folder}/anchor.npz", tp.models.qwz([-1.0])))
    return -1 if found["values"][0] < 0 else 1


def label(peer: Peer, name: str, what: str) -> str:
    extra = LOOPS.get(name, "") if what == "chern" else WORDS[what]
    return peer.version + extra


def speed(repeats: int = 7) -> str:
    """Random two-band Hamiltonians of range 1 at 24 x 24: the peer, then ours, in turn."""
    H = tp.ensembles.two_band(1000, hopping_range=1, rng=2026)
    ours = {
        "sampled": lambda: tp.chern_number(H, grid=(GRID, GRID), on_unresolved="mask"),
        "certified": lambda: tp.certify_chern(H),
    }
    for function in ours.values():
        function()  # compiles
    rows, rates = [], {way: [] for way in ours}
    with tempfile.TemporaryDirectory() as folder:
        file = save(f"{folder}/random.npz", H)
        for name, what, count in SPEED:
            if not installed(name):
                continue
            with Peer(name) as peer:
                peer.ask(what, file, last=2)
                ratios = {way: [] for way in ours}
                per_item = []
                for turn in range(repeats):
                    seconds = peer.ask(what, file, first=turn * count, last=(turn + 1) * count)
                    per_item.append(seconds["seconds"] / count)
                    for way, function in ours.items():
                        mine = harness.cpu(function) / len(H)
                        rates[way].append(1.0 / mine)
                        ratios[way].append(per_item[-1] / mine)
                middle = {way: statistics.median(r) for way, r in ratios.items()}
                rows.append(
                    f"| {label(peer, name, what)} | {1 / statistics.median(per_item):,.0f}"
                    f" | {middle['sampled']:,.0f} | {middle['certified']:,.0f} |"
                )
    lines = [("| package | Hamiltonians/s | ours, sampled: times faster |"
             " ours, certified: times faster |"), "|---|---:|---:|---:|"]  # fmt: skip
    for way in ours:
        if rates[way]:
            rate = statistics.median(rates[way])
            lines.append(f"| topophys, {way} | {rate:,.0f} | | |")
    return "\n".join(lines + rows)


def _judge(values, errors, truth, sign):
    """Counts of wrong, not an integer, refused and right answers."""
    count = {"wrong": 0, "no integer": 0, "refused": 0, "right": 0}
    for value, error, right in zip(values, errors, truth, strict=True):
        if error is not None or value is None or not np.isfinite(value):
            count["refused"] += 1
        elif abs(value - round(value)) > NEAR:
            count["no integer"] += 1
        else:
            count["right" if sign * round(value) == right else "wrong"] += 1
    return count


#: How many of the random Hamiltonians each way is asked; slow ones get fewer.
ASKED = {("pyqula", "chern"): 200, ("z2pack", "chern"): 100, ("z2pack", "adaptive"): 200,
         ("wannierberri", "kubo"): 100}  # fmt: skip


def wrong() -> str:
    """The Hamiltonians of `benchmarks.quality.wrong_answers`, asked of every peer."""
    H, truth = wrong_answers.planes()
    known = np.flatnonzero(truth != wrong_answers.OPEN)
    lines = [
        "| package | asked | wrong | not near an integer | refused |",
        "|---|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = save(f"{folder}/random.npz", H[known])
        for name, what, _ in SPEED:
            if not installed(name):
                continue
            count = min(ASKED.get((name, what), len(known)), len(known))
            with Peer(name) as peer:
                sign = sign_of(peer, what, folder)
                found = peer.ask(what, file, last=count)
                judged = _judge(found["values"], found["errors"], truth[known][:count], sign)
                lines.append(
                    f"| {label(peer, name, what)} | {count} | {judged['wrong']}"
                    f" | {judged['no integer']} | {judged['refused']} |"
                )
    return "\n".join(lines)


def gapless_cases() -> dict:
    """Models whose gap is closed, on and off the points of usual grids."""
    shift = np.exp(1j * np.array([0.1234, 0.3456]))
    base = tp.models.qwz([-2.0])
    moved = {r: h * shift[0] ** r[0] * shift[1] ** r[1] for r, h in base.hoppings.items()}
    return {
        "QWZ m = -2, node at k = 0": base,
        "the same, node between grid points": tp.FourierHamiltonian(moved),
        "QWZ m = 0, two nodes": tp.models.qwz([0.0]),
    }


def _says(found) -> str:
    """One word for what a peer returned."""
    value, error = found["values"][0], found["errors"][0]
    if error is not None:
        return error.split(":")[0]
    if value is None or not np.isfinite(value):
        return "no number"
    near = abs(value - round(value)) < 1e-3
    return f"{round(value)}, silently" if near else f"{value:.3f}"


def gapless() -> str:
    """What each package says where there is no Chern number."""
    cases = gapless_cases()
    lines = ["| package | " + " | ".join(cases) + " |", "|---|" + "---|" * len(cases)]
    with tempfile.TemporaryDirectory() as folder:
        files = [save(f"{folder}/{i}.npz", h) for i, h in enumerate(cases.values())]
        for name, what, _ in SPEED:
            if installed(name):
                with Peer(name) as peer:
                    words = [_says(peer.ask(what, file)) for file in files]
                    lines.append(f"| {label(peer, name, what)} | {' | '.join(words)} |")
    ours = [str(tp.certify_chern(h).status[0]) for h in cases.values()]
    lines.append(f"| topophys, certified | {' | '.join(ours)} |")
    return "\n".join(lines)


def diophantine(p: int, q: int, r: int) -> int:
    """The tau of r = q sigma + p tau with |tau| <= q / 2."""
    return next(t for t in sorted(range(-(q // 2), q // 2 + 1), key=abs) if (r - p * t) % q == 0)


def hofstadter(p: int = 3, q: int = 7, repeats: int = 5) -> str:
    """Lowest r bands at flux p/q: integers and times of each package."""
    h = tp.models.hofstadter(p, q)
    fillings = range(1, q)
    truth = [diophantine(p, q, r) for r in fillings]
    lines = ["| package | Chern numbers, r = 1 to " + str(q - 1) + " | time for all |",
             "|---|---|---:|", f"| Diophantine equation | {_list(truth)} | |"]  # fmt: skip
    ways = {
        "topophys, certified": lambda: [int(tp.certify_chern(h, n_occupied=r)) for r in fillings],
        f"topophys, sampled {GRID} x {GRID}": lambda: [
            int(tp.chern_number(h.on_grid((GRID, GRID)), n_occupied=r)) for r in fillings
        ],
    }
    for way, function in ways.items():
        values = function()
        seconds = statistics.median(harness.cpu(function) for _ in range(repeats))
        lines.append(f"| {way} | {_list(values)} | {1e3 * seconds:,.0f} ms |")
    with tempfile.TemporaryDirectory() as folder:
        file = save(f"{folder}/h.npz", h)
        for name, what in (("pythtb", "chern"), ("tbkit", "chern"), ("z2pack", "adaptive")):
            if not installed(name):
                continue
            with Peer(name) as peer:
                sign = sign_of(peer, what, folder)
                runs = [[peer.ask(what, file, filled=r) for r in fillings] for _ in range(3)]
                seconds = statistics.median(sum(a["seconds"] for a in run) for run in runs)
                values = [a["errors"][0] or sign * round(a["values"][0]) for a in runs[0]]
                lines.append(
                    f"| {label(peer, name, what)} | {_list(values)} | {1e3 * seconds:,.0f} ms |"
                )
    return "\n".join(lines)


def _list(values) -> str:
    return ", ".join(str(v) for v in values)


def material_file() -> Path | None:
    """The Wannier90 file of MoS2 1T', where the tests look for it."""
    here = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("TOPOPHYS_TEST_DATA", here.parent / "shared" / "data"))
    path = folder / "wannier" / "MoS2-1Tp_hr.dat.tar.gz"
    return path if path.exists() else None


#: Ours on MoS2.
WAYS = {
    "topophys, flow of Wannier centres": {},
    "topophys, proof by fluxes": {"method": "flux", "max_evaluations": 60_000},
}


def material() -> str:
    """Z2 of MoS2 1T', 28 of 48 bands occupied, from the same file."""
    path = material_file()
    if path is None:
        return "The Wannier90 file of MoS2 was not found; set TOPOPHYS_TEST_DATA."
    h = tp.read_wannier90(path, n_occupied=28)
    lines = ["| package | Z2 | said of it | time |", "|---|---:|---|---:|"]
    for name, options in WAYS.items():
        start = time.process_time()
        result = tp.z2_invariant(h, **options)
        seconds = time.process_time() - start
        proven = f", gap at least {float(result.gap_lower):.4f} eV" if result.gap_lower > 0 else ""
        said = f"{result.status}{proven}"
        value = int(result.value) if result.status != "unresolved" else "none"
        lines.append(f"| {name} | {value} | {said} | {seconds:.1f} s |")
    if installed("z2pack"):
        with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
            member = next(m for m in archive.getmembers() if m.isfile())
            plain = Path(folder) / "material_hr.dat"
            plain.write_bytes(archive.extractfile(member).read())
            with Peer("z2pack") as peer:
                for along in ("y", "x"):
                    answer = peer.ask("material_z2", path=str(plain), filled=28, along=along)
                    error, value = answer["errors"][0], answer["values"][0]
                    lines.append(
                        f"| {peer.version}, loops along {along} |"
                        f" {'none' if error else f'{value:.0f}'} | {error or 'no error'} |"
                        f" {answer['seconds']:.1f} s |"
                    )
    return "\n".join(lines)
