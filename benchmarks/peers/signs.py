"""Writes the table of signs in docs/conventions.md: every package is asked, nothing is typed in.

    python -m benchmarks.peers.signs

The same Hamiltonians, given by their hoppings, go to each package; the row says what came back. The
row of the paper of Fukui, Hatsugai and Suzuki is their formula, written out here.
"""

from __future__ import annotations

import tempfile

import numpy as np

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put
from benchmarks.peers.client import Peer, installed, save

PAGE = ROOT / "docs" / "conventions.md"
OWN_MATRIX = "H(k) is the user's"
#: Packages that are given H(k), or its states, and no hoppings.
GIVEN_MATRICES = ("z2pack", "qutip")
MOMENTUM = (0.5, 0.2)
#: Package, what is asked, and what that is.
ASKED = (
    ("pythtb", "chern", "`WFArray.chern_number`"),
    ("pythtb", "kubo", "`TBModel.chern_number`"),
    ("z2pack", "chern", "`z2pack.invariant.chern`"),
    ("wannierberri", "kubo", "Hall conductivity (AHC) over e²/h"),
    ("pyqula", "chern", "`topology.mesh_chern`"),
    ("tbkit", "chern", "`KSpace.chern_number`"),
    ("qutip", "chern", "`qutip_berry.chern_number`"),
)


def anchors() -> dict:
    """Models whose Chern numbers fix a sign, and one whose levels fix that in the exponent."""
    hop = np.diag([np.exp(0.3j), -0.5 * np.exp(0.3j)])
    return {
        "QWZ, m = -1": tp.models.qwz([-1.0]),
        "Haldane, φ = π/2": tp.models.haldane([0.1], 0.1, np.pi / 2),
        "levels": tp.FourierHamiltonian({(0, 0): [np.diag([2.0, -2.0])], (1, 0): [hop]}),
    }


def paper(H, n: int = 24) -> int:
    """Chern number by the definitions of J. Phys. Soc. Jpn. 74, 1674 (2005)."""
    _, states = np.linalg.eigh(H.on_grid((n, n))[0])
    u = states[..., 0]

    def link(axis):
        overlap = (u.conj() * np.roll(u, -1, axis)).sum(-1)
        return overlap / np.abs(overlap)

    u1, u2 = link(0), link(1)
    field = np.log(u1 * np.roll(u2, -1, 0) / np.roll(u1, -1, 1) / u2)
    return round((field.sum() / (2j * np.pi)).real)


def exponent(found: float, H) -> str:
    """Which sign in the exponent gives this level at `MOMENTUM`."""
    for sign in (1, -1):
        k = sign * np.array(MOMENTUM)
        if np.isclose(np.linalg.eigvalsh(H.bloch(k)[0])[0], found):
            return f"exp({'+' if sign > 0 else '-'}i k·R)"
    return f"neither (level {found:.4f})"


def row(name: str, what: str, models: dict, files: dict) -> list[str]:
    """What one package says."""
    with Peer(name) as peer:
        found = {key: peer.ask(what, file) for key, file in files.items() if key != "levels"}
        level = peer.ask("lowest", files["levels"])
        said = [answer["errors"][0] or f"{answer['values'][0]:+.4g}" for answer in found.values()]
        if "missing" in level:
            enters = OWN_MATRIX if name in GIVEN_MATRICES else "not asked"
        else:
            enters = level["errors"][0] or exponent(level["values"][0], models["levels"])
        return [peer.version, *said, enters]


def table() -> str:
    """Markdown: one row for each package."""
    models = anchors()
    names = [key for key in models if key != "levels"]
    lines = [
        f"| package | what is asked | {' | '.join(names)} | a hop from cell 0 to R enters with |",
        "|---|---|" + "---:|" * len(names) + "---|",
    ]
    ours = [f"{int(tp.certify_chern(models[key]).value[0]):+d}" for key in names]
    level = np.linalg.eigvalsh(models["levels"].bloch(np.array(MOMENTUM))[0])[0]
    cells = ["topophys", "`certify_chern`", *ours, exponent(level, models["levels"])]
    lines.append(f"| {' | '.join(cells)} |")
    theirs = [f"{paper(models[key]):+d}" for key in names]
    lines.append(f"| FHS paper | their formula | {' | '.join(theirs)} | {OWN_MATRIX} |")
    with tempfile.TemporaryDirectory() as folder:
        files = {k: save(f"{folder}/{i}.npz", h) for i, (k, h) in enumerate(models.items())}
        for name, what, text in ASKED:
            if installed(name):
                version, *rest = row(name, what, models, files)
                lines.append(f"| {' | '.join([version, text, *rest])} |")
    return "\n".join(lines)


def main() -> None:
    put(PAGE, "signs", filled("python -m benchmarks.peers.signs", table(), harness.machine()))


if __name__ == "__main__":
    main()
