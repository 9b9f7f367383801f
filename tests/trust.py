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
            gap = proof.gap_upper / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
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
                gap = proof.gap_upper / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
                tally.add(kind, gap, proof.value, certified, truth, sure)
    return tally
