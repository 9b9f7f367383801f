"""Proven phase diagrams of models whose phases are known, and how long they take.

    python -m benchmarks.speed.phases            # writes docs/results/phases.md; some minutes
    python -m benchmarks.speed.phases qwz ssh    # some rows alone

    python -m benchmarks.speed.phases lines      # the lines of one parameter alone

Each diagram is compared with algebra at a million random points.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

import topophys as tp
from benchmarks import harness
from benchmarks.pages import ROOT, filled, put

PAGE = ROOT / "docs" / "results" / "phases.md"
SHARE: Final = 0.999
POINTS: Final = 1_000_000

#: How Hofstadter's model depends on its parameters, and its Chern number without the potential.
DEPENDENCE: Final[dict[str, Any]] = {"dependence": {"v": "affine", "phi": "trigonometric"}}
HOFSTADTER: Final = 1.0

Truth = Callable[..., NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """A family, its ranges, and its phases by algebra."""

    name: str
    family: Callable[..., Any]
    domain: dict[str, tuple[float, float]]
    options: dict[str, Any]
    truth: Truth


def _haldane(phi: NDArray[Any], m: NDArray[Any]) -> NDArray[Any]:
    edge = 3.0 * np.sqrt(3.0) * np.abs(np.sin(phi))
    return np.where(np.abs(m) < edge, np.sign(np.sin(phi)), 0.0)


def _ssh(t2: NDArray[Any], t3: NDArray[Any]) -> NDArray[Any]:
    """Count zeros of 1 + t2 z + t3 z^2 inside the unit circle, by the criterion of Jury."""
    both = (np.abs(t3) > 1.0) & (np.abs(t2 / t3) < 1.0 + 1.0 / t3)
    none = (np.abs(t3) < 1.0) & (np.abs(t2) < 1.0 + t3)
    return np.where(both, 2, np.where(none, 0, 1))


def _qwz(m: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.abs(m) < 2.0, -np.sign(m), 0.0)


def _hofstadter(v: float, phi: float) -> tp.FourierHamiltonian:
    site = np.cos(2.0 * np.pi * np.arange(3) / 3.0 + phi)
    return tp.models.hofstadter(1, 3) + tp.FourierHamiltonian({(0, 0): v * np.diag(site)})


def _hofstadter_lowest(v: NDArray[Any], **_: NDArray[Any]) -> NDArray[Any]:
    """Chern number of the lowest band of `_hofstadter`: 1 for |v| < 2, else 0, at every phi.

    The potential adds to that of the momentum, A cos(2 pi n / 3 + theta) with A e^(i theta) =
    2 e^(i k) + v e^(i phi) up to signs. Levels of the ring of three sites are the zeros of
    E^3 - 3 (1 + A^2 / 4) E - q with |q| <= 2 + A^3 / 4; two are equal where |q| =
    2 (1 + A^2 / 4)^(3/2), which is more than 2 + A^3 / 4 unless A = 0. That needs |v| = 2.
    """
    return np.where(np.abs(v) < 2.0, HOFSTADTER, 0.0)


PI = np.pi
CASES: Final = (
    Case("qwz", tp.models.qwz, {"m": (-3.0, 3.0)}, {"share": 1.0 - 1e-7}, _qwz),
    Case(
        "haldane", tp.models.haldane, {"phi": (-PI, PI), "m": (-6.0, 6.0)},
        {"fixed": {"t2": 1.0}}, _haldane,
    ),
    Case(
        "kitaev", tp.models.kitaev_chain, {"mu": (-3.0, 3.0), "delta": (-1.0, 1.0)},
        {"fixed": {"t": 1.0}}, lambda mu, delta: np.where(np.abs(mu) < 2.0, np.sign(delta), 0.0),
    ),
    Case(
        "ssh", tp.models.ssh, {"t2": (-3.0, 3.0), "t3": (-3.0, 3.0)}, {"fixed": {"t1": 1.0}}, _ssh
    ),
    Case(
        "bhz", tp.models.bhz, {"m": (-2.0, 10.0), "b": (0.5, 1.5)},
        {"time_reversal": "up first"}, lambda m, b: ((m > 0.0) & (m < 8.0 * b)).astype(np.int64),
    ),
    Case(
        "hofstadter", _hofstadter, {"v": (-3.0, 3.0), "phi": (-PI, PI)},
        DEPENDENCE, _hofstadter_lowest,
    ),
)  # fmt: skip


def contradictions(case: Case, found: tp.PhaseDiagram) -> tuple[int, int]:
    """How many proven values at random points differ from the truth, and of how many."""
    rng = np.random.default_rng(11)
    points = {n: rng.uniform(*ends, POINTS) for n, ends in case.domain.items()}
    value = found.at(**points)
    known = ~np.ma.getmaskarray(value)
    truth = case.truth(**{n: x[known] for n, x in points.items()})
    value = np.asarray(value)[known]
    return int((value != truth).sum()), len(value)


def row(case: Case) -> str:
    """Measure one diagram."""
    warm = {"share": 0.2} if case.name != "qwz" else {"share": 0.5}
    tp.certify_phases(case.family, case.domain, **(case.options | warm))
    begun = time.process_time()
    found = tp.certify_phases(case.family, case.domain, **({"share": SHARE} | case.options))
    spent = time.process_time() - begun
    wrong, of = contradictions(case, found)
    small = found.gap_lower[found.certified].min()
    return (
        f"| {case.name} ({', '.join(case.domain)}) | {found.quantity} | {100 * found.share:.5f} % |"
        f" {spent:.1f} s | {found.certified.sum():,} | {int(found.evaluations):,} |"
        f" {len(found.regions)} | {small:.2g} | {wrong} of {of:,} |"
    )


def table(names: list[str]) -> str:
    """Rows of all diagrams; those that are not named stay as the page has them."""
    head = [
        "| family | quantity | proven | CPU | boxes | evaluations | regions | least gap | wrong |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    kept = {
        line[2:].partition(" (")[0]: line
        for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")
    }  # fmt: skip
    rows = []
    for case in CASES:
        rows.append(row(case) if case.name in names else kept[case.name])
        print(rows[-1], flush=True)
    return "\n".join([*head, *rows])


def edges() -> str:
    """Transitions on lines of one parameter."""
    lines: tuple[tuple[str, Any, dict[str, Any], dict[str, Any], tuple[float, ...]], ...] = (
        ("qwz(m)", tp.models.qwz, {"m": (-3.0, 3.0)}, {}, (-2.0, 0.0, 2.0)),
        ("haldane(m), phi = pi / 2, t2 = 1", tp.models.haldane, {"m": (-6.0, 6.0)},
         {"fixed": {"t2": 1.0, "phi": PI / 2}}, (-3.0 * np.sqrt(3.0), 3.0 * np.sqrt(3.0))),
        ("haldane(phi), m = 3, t2 = 1", tp.models.haldane, {"phi": (0.0, PI)},
         {"fixed": {"t2": 1.0, "m": 3.0}},
         (np.arcsin(1.0 / np.sqrt(3.0)), PI - np.arcsin(1.0 / np.sqrt(3.0)))),
        ("kitaev_chain(mu), t = 1, delta = 0.5", tp.models.kitaev_chain, {"mu": (-3.0, 3.0)},
         {"fixed": {"t": 1.0, "delta": 0.5}}, (-2.0, 2.0)),
        ("ssh(t2), t1 = 1, t3 = 0.5", tp.models.ssh, {"t2": (-3.0, 3.0)},
         {"fixed": {"t1": 1.0, "t3": 0.5}}, (-1.5, 1.5)),
        ("bhz(m), b = 1", tp.models.bhz, {"m": (-2.0, 10.0)},
         {"fixed": {"b": 1.0}, "time_reversal": "up first"}, (0.0, 4.0, 8.0)),
        ("hofstadter(v), phi = 0.3", partial(_hofstadter, phi=0.3), {"v": (-3.0, 3.0)},
         {"dependence": {"v": "affine"}}, (-2.0, 2.0)),
    )  # fmt: skip
    out = ["| line | transitions enclosed | widest | integers | CPU |", "|---|---|---|---|---|"]
    for name, family, domain, options, truth in lines:
        tp.certify_phases(family, domain, **options, share=0.2)  # compiles
        begun = time.process_time()
        found = tp.certify_phases(family, domain, **options, share=1.0 - 1e-7)
        spent = time.process_time() - begun
        parts = found.boundaries()
        inside = sum(b.lower <= x <= b.upper for b, x in zip(parts, truth, strict=True))
        widest = max(b.upper - b.lower for b in parts)
        path = " ".join(str(x) for x in [parts[0].left, *(b.right for b in parts)])
        out.append(f"| {name} | {inside} of {len(truth)} | {widest:.1e} | {path} | {spent:.2f} s |")
    return "\n".join(out)


def main() -> None:
    names = sys.argv[1:]
    command = "python -m benchmarks.speed.phases"
    if names != ["lines"]:
        text = table(names or [case.name for case in CASES])
        put(PAGE, "planes", filled(command, text, harness.machine()))
    if not names or "lines" in names:
        put(PAGE, "lines", filled(command, edges(), harness.machine()))


if __name__ == "__main__":
    main()
