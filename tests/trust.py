"""Random and adversarial Hamiltonians, certified and counted again by `tests.oracles`.

Energies are in units in which the root-mean-square band energy is about 1; gaps are the smallest
ones met by a certificate, so upper bounds of the true gaps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

import topophys as tp
from tests.oracles import degrees, windings_by_roots

#: What happened to a Hamiltonian. "open": the oracle itself was in doubt.
OUTCOMES = ("right", "wrong", "unresolved", "open")
#: Decades of the gap: below 1e-9, then one by one up to 1.
DECADES = range(-9, 1)


@dataclass
class Tally:
    """Outcomes by kind of Hamiltonian, and by decade of the gap."""

    by_kind: Counter = field(default_factory=Counter)
    by_gap: Counter = field(default_factory=Counter)

    def add(self, kind, gap, value, certified, truth, sure):
        outcome = np.where(certified, np.where(value == truth, 0, 1), 2)
        outcome[certified & ~sure] = 3
        with np.errstate(divide="ignore"):
            decade = np.clip(np.ceil(np.log10(gap)), DECADES[0], DECADES[-1]).astype(int)
        for o, d in zip(outcome.tolist(), decade.tolist(), strict=True):
            self.by_kind[kind, OUTCOMES[o]] += 1
            self.by_gap[d, OUTCOMES[o]] += 1

    def count(self, outcome, kind=None):
        return sum(n for (k, o), n in self.by_kind.items() if o == outcome and kind in (None, k))

    @property
    def total(self):
        return sum(self.by_kind.values())

    def __iadd__(self, other):
        self.by_kind.update(other.by_kind)
        self.by_gap.update(other.by_gap)
        return self


def in_units(exponent, values):
    """Values times a power of two that may be far outside the range of usual numbers."""
    return np.ldexp(values.view(float), exponent).view(complex)


#: Powers of two: the smallest normal number is 2^-1022, so that small entries become denormal.
TINY, HUGE = -1020, 498  # 2^498 is about 1e150
CHAIN_SHAPES = ((1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1))
#: Kind of Hamiltonian: share of the draws.
CHAIN_KINDS = {"random": 0.5, "small gap": 0.25, "gapless": 0.05, "degenerate": 0.1,
               "tiny": 0.05, "huge": 0.05}  # fmt: skip
PLANE_KINDS = {"random": 0.5, "small gap": 0.25, "gapless": 0.05, "planar": 0.05,
               "phase line": 0.05, "tiny": 0.05, "huge": 0.05}  # fmt: skip


def small(rng, n):
    """Gaps from 1e-6 to 1e-2, uniform in the logarithm."""
    return 10.0 ** rng.uniform(-6.0, -2.0, n)


def with_gap_at(block, reach, k, gap):
    """Change D_0 so that the gap at k is `gap`: its smallest singular value is replaced."""
    phase = np.exp(1j * k[:, None] * np.arange(-reach, reach + 1))
    u, s, v = np.linalg.svd(np.einsum("bs,bsij->bij", phase, block))
    change = 0.5 * gap - s[:, -1]
    changed = block.copy()
    changed[:, reach] += np.einsum("b,bi,bj->bij", change, u[:, :, -1], v[:, -1])
    return changed


def chain_blocks(kind, n, n_orbitals, reach, rng):
    """Blocks (n, 2 reach + 1, N, N) of one kind."""
    block = tp.ensembles.aiii_chains(
        n, n_orbitals=n_orbitals, hopping_range=reach, rng=rng
    ).block_amplitudes
    k = rng.uniform(-np.pi, np.pi, n)
    if kind == "small gap":
        return with_gap_at(block, reach, k, small(rng, n))
    if kind == "gapless":
        return with_gap_at(block, reach, np.where(rng.random(n) < 0.5, k, 0.0), np.zeros(n))
    if kind == "degenerate":  # all singular values alike at every k; half with a double root
        line = block[:, :, :1, :1].copy()
        half, radius = n // 2, 1.0 + rng.choice([-1, 1], n // 2) * 10 ** rng.uniform(-3, -1, n // 2)
        root = radius * np.exp(1j * k[:half])
        line[:half] = 0.0
        line[:half, 0, 0, 0], line[:half, 1, 0, 0], line[:half, 2, 0, 0] = root**2, -2 * root, 1.0
        q, _ = np.linalg.qr(rng.standard_normal((n, 1, n_orbitals, n_orbitals, 2)).view(complex)[
            ..., 0])  # fmt: skip
        return line * q
    if kind == "tiny":
        return in_units(TINY, block)
    if kind == "huge":
        return in_units(HUGE, with_gap_at(block, reach, k, small(rng, n)))
    return block


def trust_chains(n, seed=0, batch=2000):
    """Certify n chains of all kinds and shapes and count them."""
    tally, number = Tally(), 0
    for kind, share in CHAIN_KINDS.items():
        left = round(n * share)
        while left > 0:
            size = min(batch, left)
            shape = CHAIN_SHAPES[number % len(CHAIN_SHAPES)]
            rng = np.random.default_rng([seed, number])
            number, left = number + 1, left - size
            block = chain_blocks(kind, size, *shape, rng)
            proof = tp.certify_winding(tp.ChiralHamiltonian.from_array(-shape[1], block))
            certified = proof.certified
            truth, sure = proof.value.copy(), np.ones(size, bool)
            if kind == "gapless":  # there is no right integer
                truth[:] = 10**6
            else:
                # copies of one scalar chain, turned by a constant matrix: one of them will do
                copies = shape[0] if kind == "degenerate" else 1
                counted = block[:, :, :1, :1] if kind == "degenerate" else block
                one, distance = windings_by_roots(-shape[1], counted[certified])
                truth[certified], sure[certified] = copies * one, distance > 1e-40
            gap = proof.gap_seen / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
            tally.add(kind, gap, proof.value, certified, truth, sure)
    return tally


def with_dirac_point(vectors, d, k, gap):
    """Change the mean of d so that d(k) is normal to its tangent plane and 2 |d(k)| = gap."""
    wave = np.exp(1j * k @ vectors.T)
    value = np.einsum("bm,bmi->bi", wave, d).real
    d_x, d_y = (np.einsum("bm,m,bmi->bi", wave, 1j * v, d).real for v in vectors.T)
    normal = np.cross(d_x, d_y)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    changed = d.copy()
    origin = int(np.flatnonzero((vectors == 0).all(1))[0])
    changed[:, origin] += 0.5 * gap[:, None] * normal - value
    return changed


def phase_line(n, rng):
    """QWZ next to its transitions, turned; with the Chern numbers known from its formula."""
    m = rng.choice([-2.0, 0.0, 2.0], n) + rng.choice([-1.0, 1.0], n) * small(rng, n)
    model = tp.models.qwz(m)
    q, r = np.linalg.qr(rng.standard_normal((n, 3, 3)))
    q *= np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    q[:, 0] *= np.sign(np.linalg.det(q))[:, None]
    inside = np.abs(m) < 2.0
    return model.d_vectors, model.d_amplitudes @ q, np.where(inside, -np.sign(m), 0).astype(int)


def plane_coefficients(kind, n, reach, rng):
    """Vectors and coefficients (n, M, 3) of one kind; and the truth where a formula says it."""
    if kind == "phase line":
        return phase_line(n, rng)
    model = tp.ensembles.two_band(n, hopping_range=reach, rng=rng)
    vectors, d = model.d_vectors, model.d_amplitudes
    k = rng.uniform(-np.pi, np.pi, (n, 2))
    if kind in {"small gap", "huge"}:
        near = with_dirac_point(vectors, d, k, small(rng, n))
        return vectors, in_units(HUGE, near) if kind == "huge" else near, None
    if kind == "gapless":
        k[rng.random(n) < 0.5] = 0.0
        return vectors, with_dirac_point(vectors, d, k, np.zeros(n)), np.full(n, 10**6)
    if kind == "planar":  # d misses the poles: no Chern number but 0
        flat = d * [1.0, 1.0, 0.0]
        strong = rng.random(n) < 0.5
        flat[strong, (vectors == 0).all(1).argmax(), 0] += 3.0
        return vectors, flat, np.zeros(n, int)
    return vectors, in_units(TINY, d) if kind == "tiny" else d, None


def trust_planes(n, seed=0, batch=2000, far=0.02):
    """Certify n two-band Hamiltonians of all kinds and count them; a share has hopping range 2."""
    tally, number = Tally(), 0
    for kind, share in PLANE_KINDS.items():
        for reach, part in ((1, 1.0 - far), (2, far)):
            left = round(n * share * part)
            while left > 0:
                size = min(batch if reach == 1 else 200, left)
                rng = np.random.default_rng([seed, number, 2])
                number, left = number + 1, left - size
                vectors, d, truth = plane_coefficients(kind, size, reach, rng)
                model = tp.TwoBandHamiltonian(
                    {tuple(v): d[:, m] for m, v in enumerate(vectors.tolist())}, hermitian="average"
                )
                proof = tp.certify_chern(model)
                certified, sure = proof.certified, np.ones(size, bool)
                if truth is None:
                    truth = proof.value.copy()
                    truth[certified], sure[certified] = degrees(
                        model.d_vectors, model.d_amplitudes[certified]
                    )
                gap = proof.gap_seen / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
                tally.add(kind, gap, proof.value, certified, truth, sure)
    return tally


BAND_KINDS = {"random": 0.3, "degenerate": 0.1, "dressed": 0.5, "gapless": 0.05, "huge": 0.05}
BAND_SHAPES = ((3, 1), (3, 2), (4, 2), (4, 1))


def grid_chern(h, filled):
    """Plaquette sum of single Bloch grids (Nx, Ny, n, n), by NumPy's eigenvectors."""
    _, states = np.linalg.eigh(h)
    v = states[..., :filled]
    right, up = (np.linalg.det(v.conj().swapaxes(-1, -2) @ np.roll(v, -1, a)) for a in (0, 1))
    loop = right * np.roll(up, -1, 0) * np.roll(right, -1, 1).conj() * up.conj()
    return round(-np.angle(loop).sum() / (2 * np.pi))


def unitary(rng, n):
    """Random constant change of basis."""
    return np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))[0]


def dressed(rng, number):
    """Sum of two-band models behind a change of basis that depends on k, and its Chern number.

    A periodic unitary U(k) maps the occupied states of the sum one to one onto
    those of U H U^dagger, which therefore have the Chern number of the sum. A single level is
    trivial. Spectra of d.sigma are symmetric, so that zero energy lies in every gap.
    """
    n_parts = 2 if number % 8 == 0 else 1
    parts = tp.ensembles.two_band(n_parts, hopping_range=1, rng=rng)
    level, n = rng.uniform(0.1, 2.0) * rng.choice([-1, 1]), 4 if n_parts == 2 else 3
    counted, sure = degrees(parts.d_vectors, parts.d_amplitudes)
    filled = 2 if n_parts == 2 or level < 0 else 1
    hop = {}
    first, second = unitary(rng, n), unitary(rng, n)
    # the first orbital of an arbitrary basis moves to the next cell, for every other model
    shift = np.zeros((n, 2), int)
    shift[0] = [(0, 0), (1, 0), (0, 0), (0, 1)][number % 4]
    for r in {tuple(v) for v in parts.vectors.tolist()} | {(0, 0)}:
        blocks = [part.hoppings.get(r, np.zeros((2, 2))) for part in parts]
        if n_parts == 1:
            blocks.append(np.array([[level if r == (0, 0) else 0.0]]))
        whole = np.zeros((n, n), complex)
        for q, block in enumerate(blocks):
            whole[2 * q : 2 * q + len(block), 2 * q : 2 * q + len(block)] = block
        whole = first @ whole @ first.conj().T
        for a in range(n):
            for b in range(n):
                to = tuple(int(x) for x in np.array(r) + shift[b] - shift[a])
                hop.setdefault(to, np.zeros((n, n), complex))[a, b] += whole[a, b]
    hop = {r: second @ m @ second.conj().T for r, m in hop.items()}
    model = tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average")
    return model, int(counted.sum()), bool(sure.all())


def bands_of(kind, number, rng):
    """One Hamiltonian of a kind, the unit of its energies; Chern number and whether it is sure."""
    bands, filled = BAND_SHAPES[number % len(BAND_SHAPES)]
    if kind == "dressed":
        model, truth, sure = dressed(rng, number)
        return model, 1.0, truth, sure
    if kind == "degenerate":  # two copies: every level twice
        h = tp.ensembles.two_band(1, hopping_range=1, rng=rng)
        truth, sure = degrees(h.d_vectors, h.d_amplitudes)
        hop = {r: np.kron(np.eye(2), m) for r, m in h[0].hoppings.items()}
        return tp.FourierHamiltonian(hop, n_occupied=2), 1.0, 2 * int(truth[0]), bool(sure[0])
    h = tp.ensembles.class_a(1, n_bands=bands, n_occupied=filled, rng=rng)[0]
    unit = 1e150 if kind == "huge" else 1.0
    hop = {r: unit * m for r, m in h.hoppings.items()}
    if kind == "gapless":  # the level above the gap is moved down at k = 0, to the one below
        energy, states = np.linalg.eigh(h.bloch(np.zeros(2)))
        upper = states[:, filled : filled + 1]
        hop[0, 0] = hop[0, 0] - (energy[filled] - energy[filled - 1]) * (upper @ upper.conj().T)
    model = tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average")
    return model, unit, (10**6 if kind == "gapless" else None), True


def trust_bands(n, seed=0):
    """Certify n Hamiltonians of three and four bands; count them by algebra, or else on grids.

    Grids from 48 x 48 are doubled where they differ. "open" are those with which no grid up to
    768 x 768 agrees and whose gap is too small for it.
    """
    tally = Tally()
    limits = np.cumsum(list(BAND_KINDS.values()))
    for number in range(n):
        kind = list(BAND_KINDS)[int(np.searchsorted(limits, (number % 100 + 0.5) / 100))]
        rng = np.random.default_rng([seed, number, 3])
        model, unit, truth, sure = bands_of(kind, number, rng)
        proof = tp.certify_chern(model, max_evaluations=50_000)
        if truth is None:
            truth = int(proof.value)
            if proof.certified:
                truth, sure = count_on_grids(model, proof, unit)
        tally.add(
            kind, np.atleast_1d(proof.gap_seen) / unit, np.atleast_1d(proof.value),
            np.atleast_1d(proof.certified), np.array([truth]), np.array([sure]),
        )  # fmt: skip
    return tally


def count_on_grids(model, proof, unit):
    """Plaquette sum on a grid that is doubled while it differs, and whether that settles it."""
    n_k, filled = 48, model.n_occupied
    truth = grid_chern(model.on_grid((n_k, n_k)), filled)
    while truth != proof.value and n_k < 768:
        n_k *= 2
        truth = grid_chern(model.on_grid((n_k, n_k)), filled)
    return truth, truth == proof.value or float(proof.gap_seen) / unit * n_k > 25.0
