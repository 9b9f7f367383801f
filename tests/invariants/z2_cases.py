"""Random insulators whose Z2 invariant is known, with every option of `z2_invariant` drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

import topophys as tp
from tests.invariants.samples import ONE, Y, Z, unitary
from topophys.errors import InputError

#: T = REVERSAL K in the order (copy, orbital).
REVERSAL = np.kron(1j * Y, ONE)
PARITY = np.kron(ONE, Z)
REASONS = {"budget", "depth", "rounding", "symmetry", "closed gap"}


@dataclass
class Case:
    """A batch of Hamiltonians of one shape, options, and what is known.

    Attributes
    ----------
    z2 : list of int
        Invariant of the symmetrised Hamiltonian; 2 where that is gapless or undefined, so that
        nothing may be certified.
    symmetric : list of dict
        Hoppings of the symmetrised Hamiltonians, without rounding errors of the basis.
    """

    h: tp.FourierHamiltonian
    options: dict
    z2: list
    symmetric: list = field(default_factory=list)
    unit: float = 1.0


def chern_layer(rng):
    """Two bands with a known Chern number: QWZ with momenta multiplied by integers."""
    m = rng.choice([-2.0, 0.0, 2.0]) + rng.choice([-1, 1]) * 10.0 ** rng.uniform(-3.0, 0.2)
    p, q = rng.choice([1, 1, 1, 2, 3, -1], 2)
    hop = {(x * p, y * q): v for (x, y), v in tp.models.qwz(m).hoppings.items()}
    chern = 0 if abs(m) >= 2.0 else (1 if m < 0.0 else -1)
    return hop, int(chern * p * q)


def add(*terms):
    """Sum of mappings of hoppings."""
    keys = {r for term in terms for r in term}
    return {r: sum(term[r] for term in terms if r in term) for r in keys}


def reversed_(hop, u):
    return {r: u @ v.conj() @ u.conj().T for r, v in hop.items()}


def inverted(hop, p):
    return {tuple(-x for x in r): p @ v @ p.conj().T for r, v in hop.items()}


def noise(n, rng):
    """Hermitian hoppings up to next neighbours whose operator norms add up to at most 1."""
    hop = {(0, 0): np.zeros((n, n))}
    for r in [(0, 0), (1, 0), (0, 1), (1, 1)][: int(rng.integers(1, 5))]:
        a = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
        hop = add(hop, {r: a}, {tuple(-x for x in r): a.conj().T})
    total = sum(np.linalg.norm(v, 2) for v in hop.values())
    return {r: v / total for r, v in hop.items()}


def without_mean(hop, u, p=None):
    """Part of hoppings whose mean over the group of symmetries vanishes."""
    mean = add(hop, reversed_(hop, u))
    if p is not None:
        mean = add(mean, inverted(mean, p))
    size = 2 if p is None else 4
    return add(hop, {r: -v / size for r, v in mean.items()})


def scaled(hop, factor):
    return {r: factor * v for r, v in hop.items()}


def two_copies(rng, *, parity):
    """A layer and its image under time reversal; with inversion where asked for."""
    hop, chern = chern_layer(rng)
    up, down = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    both = {r: np.kron(up, v) + np.kron(down, v.conj()) for r, v in hop.items()}
    if not parity:
        # quaternionic: commutes with T; then an orbital and its partner change cells
        a, b = unitary(2, rng), unitary(2, rng)
        t = rng.uniform(0.0, np.pi)
        g = np.block(
            [[np.cos(t) * a, np.sin(t) * b], [-np.sin(t) * b.conj(), np.cos(t) * a.conj()]]
        )
        q, _, w = np.linalg.svd(g)
        both = {r: (q @ w) @ v @ (q @ w).conj().T for r, v in both.items()}
        shift = np.zeros((4, 2), int)
        shift[[0, 2]] = rng.integers(-1, 2, 2)
        both = moved(both, shift)
    return both, chern % 2


def moved(hop, shift):
    """Hoppings with orbital i moved by shift[i] cells."""
    out = {}
    for r, v in hop.items():
        for i, j in zip(*np.nonzero(v), strict=True):
            to = tuple((np.array(r) + shift[i] - shift[j]).tolist())
            out.setdefault(to, np.zeros(v.shape, complex))[i, j] += v[i, j]
    return out


def chern_insulator(rng):
    """C != 0 and time reversal broken, by all of the gap or by much more than it."""
    while True:
        (one, c_1), (two, c_2) = chern_layer(rng), chern_layer(rng)
        if c_1 + c_2:
            break
    up, down = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    return add(
        {r: np.kron(up, v) for r, v in one.items()}, {r: np.kron(down, v) for r, v in two.items()}
    )


def critical(rng):
    """BHZ at its transition with a mass that time reversal forbids: |C| = 1, H_s gapless."""
    delta = rng.choice([-1, 1]) * 10.0 ** rng.uniform(-8.0, -1.0)
    odd = delta * np.kron(Z, Z)
    hop = {r: v.copy() for r, v in tp.models.bhz(rng.choice([0.0, 4.0, 8.0])).hoppings.items()}
    hop[0, 0] = hop[0, 0] + odd
    return hop


def with_pairs(hop, levels):
    """Kramers pairs of flat bands beside a model."""
    n = 2 * len(levels)
    rows = {r: np.pad(v, ((0, n), (0, n))) for r, v in hop.items()}
    rows[0, 0] = rows.get((0, 0), 0.0) + np.diag([0.0] * 4 + np.repeat(levels, 2).tolist())
    return rows


def with_blocks(operator, corner, n_pairs):
    out = np.zeros((4 + 2 * n_pairs,) * 2, complex)
    out[:4, :4] = operator
    for i in range(n_pairs):
        out[4 + 2 * i : 6 + 2 * i, 4 + 2 * i : 6 + 2 * i] = corner
    return out


def gap_on_grid(hop, filled):
    h = tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average")
    energy = np.linalg.eigvalsh(h.on_grid((12, 12)))
    corners = np.linalg.eigvalsh(h.on_grid((2, 2)))
    both = [(e[..., filled] - e[..., filled - 1]).min() for e in (energy, corners)]
    return float(min(both))


def draw(rng, *, parity=None):
    """Draw Hamiltonians and all options at once."""
    parity = bool(rng.random() < 0.3) if parity is None else parity
    n_pairs = int(rng.choice([0, 0, 1, 2]))
    levels = rng.choice([-1, 1], n_pairs) * 10.0 ** rng.uniform(0.7, 6.0, n_pairs)
    filled = 2 + 2 * int((levels < 0).sum())
    n = 4 + 2 * n_pairs
    u, p = with_blocks(REVERSAL, 1j * Y, n_pairs), with_blocks(PARITY, ONE, n_pairs)
    basis = unitary(n, rng) if rng.random() < 0.7 else np.eye(n)
    unit = 10.0 ** rng.choice([0.0, rng.uniform(-300.0, 295.0)], p=[0.6, 0.4])
    size = int(rng.choice([1, 2]))
    single = size == 1 and rng.random() < 0.5
    rows, z2, symmetric = [], [], []
    for _ in range(size):
        kind = rng.choice(["copies", "chern", "critical"], p=[0.8, 0.1, 0.1])
        if kind == "copies":
            hop, value = two_copies(rng, parity=parity)
            hop = with_pairs(hop, levels)
            # from exact to broken by more than the gap
            rel = rng.choice([0.0, 10.0 ** rng.uniform(-9.0, -2.0), 10.0 ** rng.uniform(-1.0, 1.0)])
            odd = without_mean(noise(n, rng), u, p if parity else None)
            given = add(hop, scaled(odd, rel * gap_on_grid(hop, filled)))
        else:
            value, hop = 2, {}
            given = with_pairs(chern_insulator(rng) if kind == "chern" else critical(rng), levels)
        rows.append(scaled({r: basis @ v @ basis.conj().T for r, v in given.items()}, unit))
        z2.append(value)
        symmetric.append(hop)
    keys = {r for row in rows for r in row}
    zero = np.zeros((n, n))
    stacked = {r: np.array([row.get(r, zero) for row in rows]) for r in keys}
    if single:
        stacked = {r: v[0] for r, v in stacked.items()}
    h = tp.FourierHamiltonian(stacked, n_occupied=filled, hermitian="average")
    options = {
        "method": "parity"
        if parity and rng.random() < 0.7
        else str(rng.choice(["flux", "flux", "wilson"])),
        "prove": [None, True, True, False][rng.integers(4)],
        "tolerance": float(rng.choice([0.0, 1e-6, 1e-3, 0.5])),
        "max_evaluations": int(rng.choice([4000, 4000, 10.0 ** rng.uniform(0.0, 3.5)])),
    }
    if rng.random() < 0.9:
        options["time_reversal"] = basis @ u @ basis.T
    if options["method"] == "parity":
        options["inversion"] = basis @ p @ basis.conj().T
    if rng.random() < 0.3:
        options["n_occupied"] = filled
    if rng.random() < 0.3:
        options["max_depth"] = int(rng.integers(0, 25))
    return Case(h, options, z2, symmetric, unit)


def verdict(case):
    """Check one case: the number of certificates, of unresolved, and of refused Hamiltonians."""
    try:
        found = tp.z2_invariant(case.h, **case.options)
    except InputError:
        # without an operator broken signs are refused, with one nothing is
        if "time_reversal" in case.options:
            raise
        return 0, 0, len(case.z2)
    status, value = found.status.ravel(), found.value.ravel()
    lower, upper = found.gap_lower.ravel(), found.gap_upper.ravel()
    violation = found.symmetry_violation.ravel()
    assert np.isfinite(lower).all()
    assert (lower >= 0.0).all()
    for i, z2 in enumerate(case.z2):
        resolved = status[i] != "unresolved"
        assert (found.reason.ravel()[i] == "") == resolved
        assert resolved or found.reason.ravel()[i] in REASONS
        if status[i] != "certified":
            continue
        assert "time_reversal" in case.options
        assert case.options["prove"] is not False or case.options["method"] == "flux"
        assert value[i] == z2, (value[i], z2, case.options)
        assert violation[i] < lower[i] <= upper[i]
        hop = case.symmetric[i]
        if hop:
            gap = gap_on_grid(hop, case.h.n_occupied) * case.unit
            assert lower[i] <= gap * (1 + 1e-6) + 1e-9 * lower[i]
    sure = int((status == "certified").sum())
    return sure, int((status == "unresolved").sum()), 0
