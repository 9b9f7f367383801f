"""Hamiltonians of the tenfold way whose invariants are known exactly, for `proof_fuzz`."""

from __future__ import annotations

import numpy as np

import topophys as tp
from topophys.invariants.chern_4d import GAMMAS
from topophys.testing.proof_cases import (
    CLOSED,
    ONE,
    SX,
    SY,
    SZ,
    Case,
    Fixed,
    direct_sum,
    draw_blocks,
    draw_chain,
    dyadic,
    finished,
    mass,
    pauli,
    put,
    scale,
    unimodular,
)

#: Phases of orbitals that no product rounds: 1, i, -1, -i.
QUARTERS = ((1, 0), (0, 1), (-1, 0), (0, -1))


def complex_between(left, value, right):
    """left @ value @ right for pairs (re, im) of integer matrices."""
    parts = {}
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            for k, x in enumerate((value.re, value.im)):
                turn = (i + j + k) % 4
                parts[turn] = parts.get(turn, 0) + a @ x @ b
    return Fixed(parts.get(0, 0) - parts.get(2, 0), parts.get(1, 0) - parts.get(3, 0))


def conjugate_transpose(pair):
    return pair[0].T, -pair[1].T


def zeros(size, n):
    return Fixed(np.zeros((size, n, n), object))


def two_terms(rng, size, reach):
    """Exponents p != q and amounts of t1 z^p + t2 z^q, at times equal or nearly so."""
    p, q = (int(x) for x in rng.choice(np.arange(-reach, reach + 1), 2, replace=False))
    first = [dyadic(rng, 0.25, 2, 10) for _ in range(size)]
    second = [
        f if rng.random() < 0.06 else
        f + int(rng.choice([-1, 1])) * (ONE >> int(rng.integers(3, 38)))
        if rng.random() < 0.5
        else dyadic(rng, 0.25, 2, 10)
        for f in first
    ]  # fmt: skip
    return p, q, np.array(first, object), np.array(second, object)


def monomial(rng, n):
    """Permutation times phases from `QUARTERS`, as a pair of integer matrices."""
    order, re, im = rng.permutation(n), np.zeros((n, n), object), np.zeros((n, n), object)
    for i, j in enumerate(order):
        re[i, j], im[i, j] = QUARTERS[rng.integers(4)]
    return re + 0, im + 0


def as_complex(pair):
    return pair[0].astype(float) + 1j * pair[1].astype(float)


# ---------------------------------------------------------------- Majorana chains


def in_another_basis(rng, hop, n, features):
    """Hoppings in another basis, and the U of C = U K there; C = K in the given one."""
    kind = rng.random()
    if kind < 0.3:
        return hop, "majorana" if rng.random() < 0.5 else np.eye(n)
    if kind < 0.65:  # c = gamma_1 + i gamma_2; twice the Hamiltonian
        half = np.eye(n // 2, dtype=object)
        nambu = rng.random() < 0.5
        order = (lambda x: np.kron(x, half)) if nambu else (lambda x: np.kron(half, x))
        pair = [order(np.array(x, object)) for x in ([[1, 0], [1, 0]], [[0, 1], [0, -1]])]
        hop = {key: complex_between(pair, value, conjugate_transpose(pair))
               for key, value in hop.items()}  # fmt: skip
        features.append("Nambu basis")
        swap = order(np.array([[0, 1], [1, 0]], object)).astype(float)
        return hop, ("nambu" if nambu else "alternating") if rng.random() < 0.7 else swap
    pair = monomial(rng, n)
    hop = {key: complex_between(pair, value, conjugate_transpose(pair))
           for key, value in hop.items()}  # fmt: skip
    features.append("phases of orbitals")
    u = as_complex(pair)
    return hop, u @ u.T


def draw_majorana(rng, broken=False):
    """Superconducting chains of class D: sums of two-term blocks, behind congruences and bases."""
    half = int(rng.choice([1, 2, 2, 3, 4, 6]))
    batch = int(rng.choice([0, 2, 5]))
    size, n, exponent = max(batch, 1), 2 * half, scale(rng)
    parity, closed = np.zeros(size, int), np.zeros(size, bool)
    features, hop, kind = [f"{n} bands"], {}, str(rng.choice(["indirect", "direct"]))
    tilted = rng.random() < 0.3 and kind == "indirect"
    for i in range(half):
        p, q, first, second = two_terms(rng, size, int(rng.integers(1, 4)))
        for order, amount in ((p, first), (q, second)):
            block = zeros(size, n)
            block.im[:, i, half + i] = amount
            put(hop, (order,), block)
            put(hop, (-order,), block.dagger())
        parity += np.where((first > second).astype(bool), p, q)
        closed |= (first == second).astype(bool)
        if tilted:  # a level of odd energy: -2 c sin k on the block
            least = np.abs(first - second) // 2
            far = rng.random(size) < 0.2
            amount = np.where(far, first + second, least - (least > 0))
            block = zeros(size, n)
            block.im[:, i, i] = block.im[:, half + i, half + i] = amount
            put(hop, (1,), block)
            put(hop, (-1,), block.dagger())
            closed |= far  # at k = pi / 2 and - pi / 2 levels have crossed 0, at k = 0 none has
            features += ["odd energies"]
    if rng.random() < 0.6:
        left = unimodular(rng, n, int(rng.integers(1, 4)))
        hop = {key: value.between(left, left.T) for key, value in hop.items()}
        features.append("dressed")
    if broken:
        block, amount = zeros(size, n), ONE >> int(rng.integers(1, 30))
        i = int(rng.integers(n))
        block.re[:, i, i] = block.re[:, i, i] + amount
        put(hop, (0,), block)
        features.append("broken symmetry")
    hop, operator = in_another_basis(rng, hop, n, features)
    made = finished(hop, exponent, batch)
    if made is None:
        return None
    truth = [CLOSED if c else int(t) % 2 for t, c in zip(parity, closed, strict=True)]
    extra = {"particle_hole": operator, "kind": kind, "effort": 3.7}
    return Case(tp.FourierHamiltonian(made), truth, exponent, tuple(features), half, extra=extra)


def antisymmetric_block(rng, size, pairs, features):
    """D(k) = -D(-k)^T from pairs of orbitals, its parity, and where it is singular."""
    n = 2 * pairs
    hop, parity, closed = {}, np.zeros(size, int), np.zeros(size, bool)
    for i in range(pairs):
        p, q, first, second = two_terms(rng, size, int(rng.integers(1, 3)))
        re, im = QUARTERS[rng.integers(4)]
        for order, amount, unit in ((p, first, (1, 0)), (q, second, (re, im))):
            block, back = zeros(size, n), zeros(size, n)
            block.re[:, 2 * i, 2 * i + 1] = amount * unit[0]
            block.im[:, 2 * i, 2 * i + 1] = amount * unit[1]
            back.re[:, 2 * i + 1, 2 * i] = -amount * unit[0]
            back.im[:, 2 * i + 1, 2 * i] = -amount * unit[1]
            put(hop, (order,), block)
            put(hop, (-order,), back)
        parity += np.where((first > second).astype(bool), p, q)
        closed |= (first == second).astype(bool)
    if rng.random() < 0.6 and n > 2:
        left = unimodular(rng, n, int(rng.integers(1, 4)))
        hop = {key: value.between(left, left.T) for key, value in hop.items()}
        features.append("dressed")
    return hop, parity, closed


def draw_majorana_pairs(rng):
    """Superconducting chains of class DIII, from blocks D(k) = -D(-k)^T."""
    pairs = int(rng.choice([1, 1, 2]))
    batch = int(rng.choice([0, 2]))
    size, n, exponent = max(batch, 1), 4 * pairs, scale(rng)
    half, features = n // 2, [f"{n} bands", "Kramers pairs"]
    block, parity, closed = antisymmetric_block(rng, size, pairs, features)
    adjoint = {tuple(-x for x in key): value.dagger() for key, value in block.items()}
    hop = {}
    for key in {*block, *adjoint}:
        d, e = block.get(key, zeros(size, half)), adjoint.get(key, zeros(size, half))
        a, b = d + e, Fixed(e.im - d.im, d.re - e.re)  # twice the two parts
        whole = zeros(size, n)
        for part in ("re", "im"):
            x, y = getattr(a, part), getattr(b, part)
            getattr(whole, part)[:] = np.block([[x, y], [y, -x]])
        put(hop, key, whole)
    flip = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(half))
    hole: object = "majorana"
    if rng.random() < 0.5:
        pair = monomial(rng, n)
        hop = {key: complex_between(pair, value, conjugate_transpose(pair))
               for key, value in hop.items()}  # fmt: skip
        u = as_complex(pair)
        hole, flip = u @ u.T, u @ flip @ u.T
        features.append("phases of orbitals")
    made = finished(hop, exponent, batch)
    if made is None:
        return None
    truth = [CLOSED if c else int(t) % 2 for t, c in zip(parity, closed, strict=True)]
    extra = {"particle_hole": hole, "kind": "indirect", "effort": 3.7}
    return Case(
        tp.FourierHamiltonian(made), truth, exponent, tuple(features), half, flip, extra=extra
    )


# ---------------------------------------------------------------- chiral insulators in 3D


def winding_of_mass(m):
    """W_3 of m + sum cos k_i + i sum sin k_i sigma_i; CLOSED at a transition."""
    if abs(m) in (ONE, 3 * ONE):
        return CLOSED
    if abs(m) > 3 * ONE:
        return 0
    return -2 if abs(m) < ONE else 1


def opposite(key):
    return tuple(-x for x in key)


def dirac_block(masses, a, weight):
    """Hoppings of the block of mass m at momenta A k, times a weight."""
    hop, size = {}, len(masses)
    one = ([[1, 0], [0, 1]], None)
    put(hop, (0, 0, 0), pauli(one, [m * weight // ONE for m in masses]))
    unit = np.full(size, weight // 2, object)
    for vector, sigma in zip(a, (SX, SY, SZ), strict=True):
        put(hop, tuple(vector), pauli(one, unit) + pauli(sigma, unit))
        put(hop, opposite(vector), pauli(one, unit) + pauli(sigma, -unit))
    return hop


def off_diagonal(block, n):
    """Hoppings of [[0, D], [D^dagger, 0]] from those of D."""
    half, hop = n // 2, {}
    for key, value in block.items():
        size = len(value.re)
        upper = zeros(size, n)
        upper.re[:, :half, half:], upper.im[:, :half, half:] = value.re, value.im
        put(hop, key, upper)
        put(hop, opposite(key), upper.dagger())
    return hop


def complex_unimodular(rng, n, steps):
    """Matrix of Gaussian integers with determinant 1, as a pair."""
    re, im = np.eye(n, dtype=object), np.zeros((n, n), object)
    for _ in range(steps if n > 1 else 0):
        i, j = rng.choice(n, 2, replace=False)
        c, s = QUARTERS[rng.integers(4)]
        re[i], im[i] = re[i] + c * re[j] - s * im[j], im[i] + c * im[j] + s * re[j]
    return re, im


def break_symmetry(rng, hop, rest, features):
    """Give one orbital an energy, which no chiral symmetry allows; `rest` is zero before."""
    rest.re[:, 0, 0] = ONE >> int(rng.integers(1, 30))
    put(hop, (0, 0, 0), rest)
    features.append("broken symmetry")


def in_chiral_basis(rng, hop, features):
    """Hoppings in another basis, and the chiral operator there."""
    chiral: object = "blocks"
    half = next(iter(hop.values())).re.shape[-1] // 2
    signs = np.diag([1.0] * half + [-1.0] * half)
    basis = rng.random()
    if basis < 0.2:
        order = np.zeros((2 * half, 2 * half), object)
        for i in range(2 * half):
            order[i, i // 2 + half * (i % 2)] = 1
        hop = {key: value.between(order, order.T) for key, value in hop.items()}
        chiral = "alternating"
    elif basis < 0.5:  # twice the Hamiltonian, with tau_x as chiral operator
        one = np.eye(half, dtype=object)
        turn = np.block([[one, one], [one, -one]])
        hop = {key: value.between(turn, turn.T) for key, value in hop.items()}
        chiral = 0.5 * turn.astype(float) @ signs @ turn.T.astype(float)
        features.append("other chiral operator")
    elif basis < 0.7:
        chiral = signs
    return hop, chiral


def draw_chiral_3d(rng, broken=False):
    """Four bands in three dimensions of known winding number, in several bases."""
    batch = int(rng.choice([0, 2]))
    size, exponent, features = max(batch, 1), scale(rng), ["4 bands", "three dimensions"]
    a = np.eye(3, dtype=int)
    kind = rng.random()
    if kind < 0.3:
        a = np.array(unimodular(rng, 3, int(rng.integers(1, 3))), int)
        if rng.random() < 0.5:
            a = a[[1, 0, 2]]
        features.append("sheared")
    elif kind < 0.4:
        a = np.diag([2, 1, 1])
        features.append("doubled")
    masses = [mass(rng, (-3, -1, 1, 3)) for _ in range(size)]
    degree = round(np.linalg.det(a))
    windings = [winding_of_mass(m) for m in masses]
    block = dirac_block(masses, a.tolist(), ONE >> int(rng.integers(0, 4)))
    if rng.random() < 0.3:  # the adjoint winds the other way
        block = {opposite(key): value.dagger() for key, value in block.items()}
        degree = -degree
        features.append("adjoint")
    if rng.random() < 0.5:
        left, right = (complex_unimodular(rng, 2, int(rng.integers(1, 3))) for _ in range(2))
        block = {key: complex_between(left, value, right) for key, value in block.items()}
        features.append("dressed")
    hop = off_diagonal(block, 4)
    hop, chiral = in_chiral_basis(rng, hop, features)
    if broken:
        break_symmetry(rng, hop, zeros(size, 4), features)
    made = finished(hop, exponent, batch)
    if made is None:
        return None
    truth = [CLOSED if w is CLOSED else w * degree for w in windings]
    extra = {"chiral": chiral, "effort": 4.0}
    return Case(tp.FourierHamiltonian(made), truth, exponent, tuple(features), 2, extra=extra)


def draw_chiral_columns(rng, broken=False):
    """Six and eight bands: blocks [[D_1, X], [0, D_2]] of known winding numbers, in other bases."""
    batch = int(rng.choice([0, 2]))
    size, exponent = max(batch, 1), scale(rng)
    half = int(rng.choice([3, 3, 4]))
    features = [f"{2 * half} bands", "three dimensions"]
    masses = [[mass(rng, (-3, -1, 1, 3)) for _ in range(size)] for _ in range(2)]
    sheared, signs = [], [1, 1]
    for i in range(2):
        a = np.eye(3, dtype=int)
        if rng.random() < 0.3:
            a = a[[1, 0, 2]]
            features.append("mirrored")
        elif rng.random() < 0.2 and half == 3:
            a = np.array(unimodular(rng, 3, 1), int)
            features.append("sheared")
        signs[i] = round(np.linalg.det(a))
        sheared.append(dirac_block(masses[i], a.tolist(), ONE >> int(rng.integers(0, 3))))
    parts, windings = [(sheared[0], 2)], [[winding_of_mass(m) for m in masses[0]]]
    if half == 4:
        parts.append((sheared[1], 2))
        windings.append([winding_of_mass(m) for m in masses[1]])
    else:  # an orbital with a phase: e^(i k.R) has no winding number in three dimensions
        single = zeros(size, 1)
        single.re[:, 0, 0] = np.array([dyadic(rng, 0.25, 2, 8) for _ in range(size)], object)
        at = tuple(int(x) for x in rng.integers(-1, 2, 3)) if rng.random() < 0.5 else (0, 0, 0)
        parts.append(({at: single}, 1))
    block = direct_sum(parts, half)
    if rng.random() < 0.6:  # what is above the diagonal changes no determinant
        for _ in range(int(rng.integers(1, 4))):
            upper, key = zeros(size, half), tuple(int(x) for x in rng.integers(-1, 2, 3))
            for i in range(2):
                upper.re[:, i, 2:] = int(rng.choice([-1, 1])) * (ONE >> int(rng.integers(1, 5)))
            put(block, key, upper)
        features.append("triangular")
    if rng.random() < 0.7:
        left, right = (complex_unimodular(rng, half, int(rng.integers(1, 4))) for _ in range(2))
        block = {key: complex_between(left, value, right) for key, value in block.items()}
        features.append("dressed")
    hop, chiral = in_chiral_basis(rng, off_diagonal(block, 2 * half), features)
    if broken:
        break_symmetry(rng, hop, zeros(size, 2 * half), features)
    made = finished(hop, exponent, batch)
    if made is None:
        return None
    truth = [
        CLOSED
        if any(w is CLOSED for w in one)
        else sum(s * w for s, w in zip(signs, one, strict=False))
        for one in zip(*windings, strict=True)
    ]
    extra = {"chiral": chiral, "effort": 4.7}
    return Case(tp.FourierHamiltonian(made), truth, exponent, tuple(features), half, extra=extra)


# ---------------------------------------------------------------- axion angles


def draw_axion(rng):
    """Dirac models with inversion, at times in a magnetic field: their axion angle is known.

    With a field b the levels are E^2 = s_x^2 + s_y^2 + (b +- sqrt(s_z^2 + M^2))^2, and the gap
    stays open while b is below the distance of m from a transition. A level far away, and integer
    matrices that keep the parity, change nothing.
    """
    exponent, features = scale(rng), ["3D", "inversion"]
    m = mass(rng, (-3, -1, 1, 3))
    parity = np.diag([1.0, 1.0, -1.0, -1.0])
    block = dirac_block([m], np.eye(3, dtype=int).tolist(), ONE)
    # H = [[M, A], [A^dagger, -M]] of D = M + i S with Hermitian M(k) = M(-k), S(k) = -S(-k)
    hop = {}
    for key, d in block.items():
        back = block[opposite(key)].dagger()
        even, odd = d + back, Fixed(d.im - back.im, back.re - d.re)
        whole = zeros(1, 4)
        for part in ("re", "im"):
            a, b = getattr(even, part), getattr(odd, part)
            getattr(whole, part)[:] = np.block([[a, b], [b, -a]])
        put(hop, key, whole)
    winding = winding_of_mass(m)
    truth = CLOSED if winding is CLOSED else int(winding) % 2
    filled, n = 2, 4
    if rng.random() < 0.5:  # hoppings are those of 2 H
        field = zeros(1, 4)
        amount = min(abs(abs(m) - at * ONE) for at in (1, 3)) >> int(rng.integers(0, 5))
        for i, sign in enumerate((1, -1, 1, -1)):
            field.re[:, i, i] = sign * amount
        put(hop, (0, 0, 0), field)
        features.append("magnetic field")
    if rng.random() < 0.4:
        level, n = zeros(1, 1), 5
        sign = int(rng.choice([-1, 1]))
        level.re[:, 0, 0] = sign * (ONE << 5)
        hop = direct_sum([(hop, 4), ({(0, 0, 0): level}, 1)], 5)
        filled += int(sign < 0)
        parity = np.diag([*np.diag(parity), float(rng.choice([-1, 1]))])
        features.append("level far away")
    if rng.random() < 0.4:
        left = np.eye(n, dtype=object)
        left[:2, :2], left[2:4, 2:4] = unimodular(rng, 2, 2), unimodular(rng, 2, 2)
        hop = {key: value.between(left, left.T) for key, value in hop.items()}
        features.append("dressed")
    made = finished(hop, exponent, 0)
    if made is None:
        return None
    extra = {"effort": 3.7}
    return Case(tp.FourierHamiltonian(made, n_occupied=filled), [truth], exponent,
                tuple(features), filled, inversion=parity, extra=extra)  # fmt: skip


# ---------------------------------------------------------------- point gaps


def draw_point_gap(rng):
    """Chains H = D + E with blocks D of known winding number, and the energy E."""
    case = draw_chain(rng)
    if case is None:
        return None
    low, high = case.h.block_range
    block = case.h.block_amplitudes.copy()
    n = block.shape[-1]
    energy = 0.0
    if low <= 0 <= high and rng.random() < 0.7:
        unit = 2.0 ** max(min(case.exponent, 900), -900)
        there = block[..., -low, :, :].copy()
        e = unit * complex(rng.integers(-8, 9), rng.integers(-8, 9)) / 4.0
        moved = there + e * np.eye(n)
        if (moved - e * np.eye(n) == there).all() and np.isfinite(moved).all():
            block[..., -low, :, :], energy = moved, e
            case.features = (*case.features, "about another energy")
    case.extra["energy"] = energy
    case.extra["chain"] = case.h
    case.h = tp.NonHermitianHamiltonian.from_array(low, block)
    return case


# ---------------------------------------------------------------- sectors


def draw_sectors_2d(rng, broken=False):
    """Planes of two sectors, each of known Chern number, and the unitary that tells them apart."""
    batch = int(rng.choice([0, 2]))
    size, exponent = max(batch, 1), scale(rng)
    halves = [draw_blocks(rng, size, int(rng.choice([1, 1, 2])), pairs=False, broken=False)
              for _ in range(2)]  # fmt: skip
    parts = [part for half in halves for part in half.parts]
    sizes = [2 * len(half.parts) for half in halves]
    n = sum(sizes)
    features = [f"{n} bands", *halves[0].features, *halves[1].features]
    hop = direct_sum(parts, n)
    if broken:
        rest = zeros(size, n)
        amount = ONE >> int(rng.integers(1, 30))
        rest.re[:, 0, n - 1] = rest.re[:, n - 1, 0] = amount
        put(hop, (0, 0), rest)
        features.append("broken symmetry")
    first, second = sorted(float(x) for x in rng.uniform(0.0, 2.0 * np.pi - 0.1, 2))
    phases = [(1j, -1j), (1.0, -1.0), (np.exp(1j * first), np.exp(1j * (second + 0.05)))]
    one, other = phases[rng.integers(3)]
    operator = np.diag([one] * sizes[0] + [other] * sizes[1])
    if rng.random() < 0.5:
        pair = monomial(rng, n)
        hop = {key: complex_between(pair, value, conjugate_transpose(pair))
               for key, value in hop.items()}  # fmt: skip
        u = as_complex(pair)
        operator = u @ operator @ u.conj().T
        features.append("phases of orbitals")
    made = finished(hop, exponent, batch)
    if made is None:
        return None
    closed = halves[0].closed | halves[1].closed
    truth = [CLOSED if c else (int(a), int(b))
             for a, b, c in zip(halves[0].total, halves[1].total, closed, strict=True)]  # fmt: skip
    h = tp.FourierHamiltonian(made)
    extra = {"mirror": operator, "effort": 3.7}
    return Case(h, truth, exponent, tuple(features), n // 2, extra=extra)


# ---------------------------------------------------------------- four dimensions


def second_chern_of_mass(m):
    """C_2 of sum sin k_i Gamma_i + (m + sum cos k_i) Gamma_5; CLOSED at a transition."""
    if abs(m) in (0, 2 * ONE, 4 * ONE):
        return CLOSED
    size = 0 if abs(m) > 4 * ONE else 3 if abs(m) < 2 * ONE else -1
    return size if m < 0 else -size


def draw_five_vector(rng, broken=False):
    """Five-vector models in four dimensions at integer combinations of momenta."""
    exponent, features = scale(rng), ["4 bands", "four dimensions"]
    a = np.eye(4, dtype=int)
    if rng.random() < 0.3:
        a = np.array(unimodular(rng, 4, 1), int)
        features.append("sheared")
    if rng.random() < 0.4:
        a = a[rng.permutation(4)]
    gamma = [Fixed(g.real.astype(int).astype(object)[None], g.imag.astype(int).astype(object)[None])
             for g in GAMMAS]  # fmt: skip
    m, weight = mass(rng, (-4, -2, 0, 2, 4)), ONE >> int(rng.integers(1, 4))
    hop = {}
    put(hop, (0, 0, 0, 0), gamma[4] * (2 * m * weight // ONE))
    for vector, g in zip(a.tolist(), gamma, strict=False):
        forward = gamma[4] * weight + Fixed(g.im * weight, -(g.re * weight))
        put(hop, tuple(vector), forward)
        put(hop, opposite(vector), forward.dagger())
    if broken:
        amount = ONE >> int(rng.integers(2, 30))
        put(hop, (0, 0, 0, 0), Fixed(np.diag([amount, 0, 0, 0])[None]))
        features.append("broken symmetry")
    made = finished(hop, exponent, 0)
    value = second_chern_of_mass(m)
    if made is None:
        return None
    truth = CLOSED if value is CLOSED else value * round(np.linalg.det(a))
    given: object = "dirac" if rng.random() < 0.5 else GAMMAS[rng.permutation(5)]
    extra = {"gammas": given, "effort": 4.0}
    return Case(tp.FourierHamiltonian(made), [truth], exponent, tuple(features), 2, extra=extra)
