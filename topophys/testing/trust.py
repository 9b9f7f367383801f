"""Random and adversarial Hamiltonians, certified and counted again by `topophys.testing.oracles`.

Energies are in units in which the root-mean-square band energy is about 1; gaps are the smallest
ones met by a certificate, so upper bounds of the true gaps.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

import topophys as tp
from topophys.testing.oracles import degrees, windings_by_roots

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
            truth, sure = np.ma.getdata(proof.value).copy(), np.ones(size, bool)
            if kind == "gapless":  # there is no right integer
                truth[:] = 10**6
            else:
                # copies of one scalar chain, turned by a constant matrix: one of them will do
                copies = shape[0] if kind == "degenerate" else 1
                counted = block[:, :, :1, :1] if kind == "degenerate" else block
                one, distance = windings_by_roots(-shape[1], counted[certified])
                truth[certified], sure[certified] = copies * one, distance > 1e-40
            gap = proof.gap_upper / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
            tally.add(kind, gap, np.ma.getdata(proof.value), certified, truth, sure)
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
                    truth = np.ma.getdata(proof.value).copy()
                    truth[certified], sure[certified] = degrees(
                        model.d_vectors, model.d_amplitudes[certified]
                    )
                gap = proof.gap_upper / (2.0 ** {"tiny": TINY, "huge": HUGE}.get(kind, 0))
                tally.add(kind, gap, np.ma.getdata(proof.value), certified, truth, sure)
    return tally


# ---------------------------------------------------------------- Several bands: integers and gaps

KINDS = {"random": 0.25, "degenerate": 0.1, "dressed": 0.4, "dressed, small gap": 0.15,
         "gapless": 0.05, "huge": 0.05}  # fmt: skip
SHAPES = ((3, 1), (3, 2), (4, 2), (4, 1))
KRAMERS_KINDS = {"random": 0.8, "small gap": 0.15, "gapless": 0.05}
#: An integer that nothing has: certified values are wrong where there is no right one.
NONE = 10**6
GRID, FINEST = 32, 768


def grid_chern(h, filled):
    """Plaquette sums of Bloch grids (..., Nx, Ny, n, n), by NumPy's eigenvectors."""
    _, states = np.linalg.eigh(h)
    v = states[..., :filled]
    right, up = (np.linalg.det(np.conj(np.swapaxes(v, -1, -2)) @ np.roll(v, -1, a - 4))
                 for a in (0, 1))  # fmt: skip
    loop = right * np.roll(up, -1, -2) * np.roll(right, -1, -1).conj() * up.conj()
    return np.rint(-np.angle(loop).sum((-2, -1)) / (2.0 * np.pi)).astype(int)


def unitary(rng, n, size):
    """Random constant changes of basis (n, size, size)."""
    draw = rng.standard_normal((2, n, size, size))
    return np.linalg.qr(draw[0] + 1j * draw[1])[0]


def turned(hop, u):
    """Hoppings in another basis."""
    return {r: u @ m @ np.conj(np.swapaxes(u, -1, -2)) for r, m in hop.items()}


def moved(hop, shift):
    """Hoppings after each orbital a has moved to the cell `shift[a]`: a basis that turns with k."""
    found = {}
    for r, m in hop.items():
        for a, b in np.ndindex(m.shape[-2:]):
            to = tuple((np.array(r) + shift[b] - shift[a]).tolist())
            found.setdefault(to, np.zeros_like(m))[..., a, b] += m[..., a, b]
    return found


def two_bands(rng, n, *, small_gap=False):
    """Two-band Hamiltonians, with the degree of d and whether it is sure."""
    model = tp.ensembles.two_band(n, hopping_range=1, rng=rng)
    if small_gap:
        k = rng.uniform(-np.pi, np.pi, (n, 2))
        d = with_dirac_point(model.d_vectors, model.d_amplitudes, k, small(rng, n))
        model = from_d(model.d_vectors, d)
    return model, *degrees(model.d_vectors, model.d_amplitudes)


def from_d(vectors, d):
    """Two-band Hamiltonians of coefficients (n, M, 3)."""
    hop = {tuple(v): d[:, m] for m, v in enumerate(vectors.tolist())}
    return tp.TwoBandHamiltonian(hop, hermitian="average")


def dressed(rng, number, n, *, small_gap=False):
    """Sums of two-band models behind a change of basis that depends on k, and their Chern numbers.

    A periodic unitary U(k) maps the occupied states of the sum one to one onto
    those of U H U^dagger, which therefore have the Chern number of the sum. A single level is
    trivial. Spectra of d.sigma are symmetric, so that zero energy lies in every gap.
    """
    n_parts = 2 if number % 4 == 0 else 1
    parts = [two_bands(rng, n, small_gap=small_gap and q == 0) for q in range(n_parts)]
    sign, size = rng.choice([-1, 1]), 4 if n_parts == 2 else 3
    hop = {}
    for q, (model, _, _) in enumerate(parts):
        for r, m in model.hoppings.items():
            whole = hop.setdefault(r, np.zeros((n, size, size), complex))
            whole[:, 2 * q : 2 * q + 2, 2 * q : 2 * q + 2] = m
    if n_parts == 1:
        hop[0, 0][:, 2, 2] = sign * rng.uniform(0.1, 2.0, n)
    shift = np.zeros((size, 2), int)
    shift[0] = [(0, 0), (1, 0), (0, 0), (0, 1)][number // 4 % 4]
    hop = turned(moved(turned(hop, unitary(rng, n, size)), shift), unitary(rng, n, size))
    filled = 2 if n_parts == 2 or sign < 0 else 1
    truth, sure = sum(p[1] for p in parts), np.all([p[2] for p in parts], axis=0)
    return tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average"), truth, sure


def band_models(kind, number, n, rng):
    """Hamiltonians of a kind and the unit of their energies; Chern numbers and which are sure."""
    if kind.startswith("dressed"):
        model, truth, sure = dressed(rng, number, n, small_gap="small" in kind)
        return model, 1.0, truth, sure
    if kind == "degenerate":  # two copies: every level twice
        h, truth, sure = two_bands(rng, n)
        hop = {r: np.kron(np.eye(2), m) for r, m in h.hoppings.items()}
        return tp.FourierHamiltonian(hop, n_occupied=2), 1.0, 2 * truth, sure
    bands, filled = SHAPES[number % len(SHAPES)]
    h = tp.ensembles.class_a(n, n_bands=bands, n_occupied=filled, rng=rng)
    unit = 1e150 if kind == "huge" else 1.0
    hop = {r: unit * m for r, m in h.hoppings.items()}
    if kind == "gapless":  # the level above the gap is moved down at k = 0, to the one below
        energy, states = np.linalg.eigh(h.bloch(np.zeros(2)))
        gap, upper = energy[:, filled] - energy[:, filled - 1], states[:, :, filled]
        hop[0, 0] = hop[0, 0] - np.einsum("b,bi,bj->bij", gap, upper, upper.conj())
    model = tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average")
    truth = np.full(n, NONE) if kind == "gapless" else None
    return model, unit, truth, np.ones(n, bool)


def batches(kinds, n, size):
    """Kinds of all batches with their sizes, in the shares that are wanted."""
    return [
        (kind, min(size, round(n * share) - start))
        for kind, share in kinds.items()
        for start in range(0, round(n * share), size)
    ]


def trust_bands(n, seed=0, batch=50):
    """Certify n Hamiltonians of three and four bands; count them by algebra, or else on grids.

    Grids are doubled where they differ. "open" are those with which no grid agrees and whose gap
    is too small for the finest.
    """
    tally = Tally()
    for number, (kind, size) in enumerate(batches(KINDS, n, batch)):
        rng = np.random.default_rng([seed, number, 3])
        model, unit, truth, sure = band_models(kind, number, size, rng)
        proof = tp.certify_chern(model, max_evaluations=50_000)
        if truth is None:
            truth, sure = count_on_grids(model, proof, unit)
        tally.add(
            kind, proof.gap_upper / unit, np.ma.getdata(proof.value), proof.certified, truth, sure
        )
    return tally


def count_on_grids(model, proof, unit):
    """Plaquette sums on grids that are doubled while they differ, and whether that settles it."""
    filled = model.n_occupied
    truth = grid_chern(model.on_grid((GRID, GRID)), filled)
    sure = np.ones(len(truth), bool)
    for i in np.flatnonzero(proof.certified & (truth != np.ma.getdata(proof.value))):
        n_k = GRID
        while truth[i] != proof.value[i] and n_k < FINEST:
            n_k *= 2
            truth[i] = grid_chern(model[i].on_grid((n_k, n_k)), filled)
        sure[i] = truth[i] == proof.value[i] or proof.gap_upper[i] / unit * n_k > 25.0
    return truth, sure


#: T = REVERSAL K of h(k) + conj(h(-k)), in the order (copy, orbital).
REVERSAL = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2))


def symmetric_unitary(rng, n):
    """Unitary matrices (n, 4, 4) that commute with REVERSAL K: quaternionic ones."""
    draw = rng.standard_normal((2, 2, n, 2, 2))
    a, b = draw[0] + 1j * draw[1]
    g = np.block([[a, b], [-b.conj(), a.conj()]])
    # the unitary factor of g commutes with what commutes with g
    u, _, v = np.linalg.svd(g)
    return u @ v


def kramers(kind, number, n, rng):
    """Two copies that time reversal exchanges, mixed at every k; Z2 is the parity of one's C."""
    model, degree, sure = two_bands(rng, n, small_gap=kind == "small gap")
    if kind == "gapless":
        k = rng.uniform(-np.pi, np.pi, (n, 2)) * (rng.random((n, 1)) < 0.5)
        d = with_dirac_point(model.d_vectors, model.d_amplitudes, k, np.zeros(n))
        model, degree, sure = from_d(model.d_vectors, d), np.full(n, NONE), np.ones(n, bool)
    first, second = np.diag([1.0, 0.0]), np.diag([0.0, 1.0])
    hop = {r: np.kron(first, m) + np.kron(second, m.conj()) for r, m in model.hoppings.items()}
    shift = np.zeros((4, 2), int)
    shift[[0, 2]] = [(0, 0), (1, 0), (0, 1), (1, -1)][number % 4]  # an orbital and its partner
    hop = turned(moved(turned(hop, symmetric_unitary(rng, n)), shift), symmetric_unitary(rng, n))
    truth = degree if kind == "gapless" else degree % 2
    return tp.FourierHamiltonian(hop, n_occupied=2, hermitian="average"), truth, sure


def trust_kramers(n, seed=0, batch=50):
    """Prove the Z2 invariant of n insulators with time-reversal symmetry, by fluxes."""
    tally = Tally()
    for number, (kind, size) in enumerate(batches(KRAMERS_KINDS, n, batch)):
        rng = np.random.default_rng([seed, number, 4])
        model, truth, sure = kramers(kind, number, size, rng)
        found = tp.z2_invariant(model, method="flux", time_reversal=REVERSAL,
                                max_evaluations=3000)  # fmt: skip
        tally.add(
            kind,
            found.gap_upper,
            np.ma.getdata(found.value),
            found.status == "certified",
            truth,
            sure,
        )
    return tally


def least_gaps(kind, number, n, rng):
    """Hamiltonians, and their gap at one momentum: no proven bound may be above."""
    k = rng.uniform(-np.pi, np.pi, (n, 2))
    gap = np.zeros(n) if "gapless" in kind else small(rng, n)
    if kind.startswith("chains"):
        block = chain_blocks("random", n, 2, 1 + number % 2, rng)
        block = with_gap_at(block, 1 + number % 2, k[:, 0], gap)
        return tp.ChiralHamiltonian.from_array(-1 - number % 2, block), gap
    if kind.startswith("two bands"):
        vectors, d, _ = plane_coefficients("random", n, 1, rng)
        return from_d(vectors, with_dirac_point(vectors, d, k, gap)), gap
    bands, filled = SHAPES[number % len(SHAPES)]
    h = tp.ensembles.class_a(n, n_bands=bands, n_occupied=filled, rng=rng)
    energy, states = np.linalg.eigh(np.stack([h[i].bloch(k[i]) for i in range(n)]))
    down, upper = energy[:, filled] - energy[:, filled - 1] - gap, states[:, :, filled]
    hop = dict(h.hoppings)
    hop[0, 0] = hop[0, 0] - np.einsum("b,bi,bj->bij", down, upper, upper.conj())
    return tp.FourierHamiltonian(hop, n_occupied=filled, hermitian="average"), gap


GAP_KINDS = {"chains": 0.45, "chains, gapless": 0.05, "two bands": 0.35, "two bands, gapless": 0.05,
             "three, four bands": 0.08, "three, four bands, gapless": 0.02}  # fmt: skip


def trust_gaps(n, seed=0, batch=200):
    """Prove gaps of n Hamiltonians whose gap at one momentum is known; a bound above it is wrong.

    The value is 1 where the bound is below the known gap, and that is the truth.
    """
    tally = Tally()
    for number, (kind, size) in enumerate(batches(GAP_KINDS, n, batch)):
        rng = np.random.default_rng([seed, number, 5])
        model, gap = least_gaps(kind, number, size, rng)
        proof = tp.certify_gap(model, max_evaluations=20_000)
        # rounding of the change that was made: relative to energies of about 1
        kept = proof.gap_lower <= gap + 1e-12
        everywhere = np.ones(size, bool)
        tally.add(kind, gap, kept.astype(int), proof.certified, everywhere.astype(int), everywhere)
    return tally
