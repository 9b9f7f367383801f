"""Hamiltonians whose touchings are known by algebra, and what a census says about them.

Two bands with H = t(k) + sum_ij a_ij f_j(k_j) sigma_i, f_j(k) = cos(k - s) - c or sin(k - s) - c,
touch where all f_j vanish: at s +- arccos c and the like, with charge sign(det a prod_j f_j'). They
are put behind a change of the lattice basis, an orbital-dependent shift of cells, bands far above
and below, and a change of basis.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

import topophys as tp
from topophys.hamiltonians.two_band import PAULI

#: Energies of the bands that are added, beyond the norm of the two.
FAR = 1.0
#: Nearest zeros of one factor: nodes of a census stay apart.
NEAREST = 0.45
#: Momenta at which the gap is looked up outside of the boxes.
PROBES = 400


@dataclass(frozen=True, eq=False)
class Known:
    """A Hamiltonian, its touchings (N, 3) and their charges (N,)."""

    hamiltonian: Any
    nodes: np.ndarray
    charges: np.ndarray
    kind: str


def _factor(rng):
    """Coefficients of e^(-ik), 1, e^(ik) of a real function, its zeros and the signs there."""
    s = rng.uniform(-np.pi, np.pi)
    c = rng.uniform(-0.95, 0.95) if rng.random() < 0.92 else 1.3 * rng.choice([-1.0, 1.0])
    if rng.random() < 0.5:
        terms = {1: 0.5 * np.exp(-1j * s), -1: 0.5 * np.exp(1j * s), 0: -c}
        zeros = [s + np.arccos(c), s - np.arccos(c)] if abs(c) < 1.0 else []
        slopes = [-1, 1]
    else:
        terms = {1: -0.5j * np.exp(-1j * s), -1: 0.5j * np.exp(1j * s), 0: -c}
        zeros = [s + np.arcsin(c), s + np.pi - np.arcsin(c)] if abs(c) < 1.0 else []
        slopes = [1, -1]
    if zeros and abs(np.angle(np.exp(1j * (zeros[0] - zeros[1])))) < NEAREST:
        return _factor(rng)
    return terms, list(zip(zeros, slopes, strict=False))


def _unimodular(rng):
    """Integers W of determinant +-1, and their inverse."""
    w = np.eye(3, dtype=int)
    if rng.random() < 0.5:
        i, j = rng.permutation(3)[:2]
        w[i, j] = rng.choice([-1, 1])
    w = w[rng.permutation(3)]
    return w, np.round(np.linalg.inv(w)).astype(int)


def draw(rng) -> Known:
    """One Hamiltonian."""
    a = rng.standard_normal((3, 3))
    while np.linalg.cond(a) > 4.0:
        a = rng.standard_normal((3, 3))
    factors = [_factor(rng) for _ in range(3)]
    hops: dict[tuple[int, ...], np.ndarray] = {}

    def add(vector, matrix):
        hops[tuple(vector)] = hops.get(tuple(vector), 0.0) + matrix

    tilt = rng.uniform(0.0, 1.5) * rng.standard_normal(3) * (rng.random() < 0.6)
    for axis, (terms, _) in enumerate(factors):
        matrix = np.einsum("i,iab->ab", a[:, axis], np.array(PAULI))
        for step, value in terms.items():
            add(step * np.eye(3, dtype=int)[axis], value * matrix)
        for step in (1, -1):
            phase = 0.5 * np.exp(1j * step * axis)
            add(step * np.eye(3, dtype=int)[axis], phase * tilt[axis] * np.eye(2))
    w, inverse = _unimodular(rng)
    # k -> W k: vectors R become W^T R, nodes W^-1 k, charges gain det W
    hops = {tuple((np.array(r) @ w).tolist()): m for r, m in hops.items()}
    n = int(rng.choice([2, 2, 3, 4, 10]))
    shift = rng.integers(-1, 2, 3) * (rng.random() < 0.3)
    full: dict[tuple[int, ...], np.ndarray] = {}
    size = sum(float(np.linalg.norm(m, 2)) for m in hops.values())
    far = (size + FAR) * np.where(np.arange(n - 2) % 2, 1.0, -1.0) * rng.uniform(1.0, 2.0, n - 2)
    u, _ = np.linalg.qr(rng.standard_normal((n, n, 2)).view(complex)[..., 0])
    for r, m in hops.items():
        for i, j in itertools.product(range(2), repeat=2):
            moved = tuple((np.array(r) + (i - j) * shift).tolist())
            full.setdefault(moved, np.zeros((n, n), complex))[i, j] += m[i, j]
    full.setdefault((0, 0, 0), np.zeros((n, n), complex))[range(2, n), range(2, n)] = far
    h = tp.FourierHamiltonian(
        {r: u @ m @ u.conj().T for r, m in full.items()}, n_occupied=1 + int((far < 0.0).sum())
    )
    points = list(itertools.product(*(zeros for _, zeros in factors)))
    nodes = np.array([[z for z, _ in p] for p in points]).reshape(-1, 3) @ inverse.T
    sign = np.sign(np.linalg.det(a)) * round(np.linalg.det(w))
    charges = np.array([sign * np.prod([s for _, s in p]) for p in points]).astype(int)
    kind = f"{n} bands"
    return Known(h, nodes, charges, kind)


def _apart(k, centre):
    return np.abs((k - centre + np.pi) % (2.0 * np.pi) - np.pi)


def judge(known: Known, found: Any, rng) -> list[str]:
    """Everything that a census says about a Hamiltonian and that is wrong."""
    wrong = []
    if not found.complete:
        return wrong
    near = _apart(known.nodes[:, None], found.centre[None])
    inside = (near <= found.half_width).all(-1)
    if (inside.sum(1) != 1).any():
        wrong.append("a touching is in no box, or in two")
    charges = np.ma.filled(found.value, 0)
    for b in range(len(found.status)):
        here = inside[:, b]
        if found.status[b] == "certified" and charges[b] != known.charges[here].sum():
            wrong.append("charge")
        if found.unique[b] and here.sum() != 1:
            wrong.append("not the only touching")
        if found.position_error[b] < np.inf:
            off = _apart(known.nodes, found.position[b]).max(1)
            # the nodes given by algebra are rounded themselves
            if not off.min(initial=np.inf) <= found.position_error[b] + 1e-14:
                wrong.append("position")
    if found.total not in (0, None):
        wrong.append("sum of charges")
    k = rng.uniform(-np.pi, np.pi, (PROBES, 3))
    out = ~(_apart(k[:, None], found.centre[None]) <= found.half_width).all(-1).any(1)
    energy = np.linalg.eigvalsh(known.hamiltonian.bloch(k[out]))
    n = known.hamiltonian.n_occupied
    if len(energy) and (energy[:, n] - energy[:, n - 1]).min() < found.gap_outside:
        wrong.append("gap outside")
    return wrong


def trial(seed: int, count: int) -> Counter:
    """Censuses of `count` Hamiltonians: how many of what, and how many are wrong in anything."""
    tally: Counter = Counter()
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        known = draw(rng)
        found = tp.find_weyl_nodes(known.hamiltonian, depth=5)
        wrong = judge(known, found, rng)
        tally["Hamiltonians"] += 1
        tally[known.kind] += 1
        tally["nodes"] += len(known.nodes)
        tally["without nodes"] += not len(known.nodes)
        tally["wrong"] += bool(wrong)
        tally["wrong: " + wrong[0] if wrong else "right"] += 1
        tally["complete"] += found.complete
        tally["boxes"] += len(found.status)
        tally["charges proven"] += int((found.status == "certified").sum())
        tally["nodes proven single"] += int(found.unique.sum())
        tally["positions within 1e-10"] += int((found.position_error < 1e-10).sum())
        tally["undecided"] += len(found.undecided)
    return tally
