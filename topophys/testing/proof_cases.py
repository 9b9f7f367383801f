"""Hamiltonians whose invariants are known exactly, assembled from integers, for `proof_fuzz`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

import topophys as tp

BITS = 40
ONE = 1 << BITS
#: The truth of a Hamiltonian with a closed gap: nothing may be certified.
CLOSED = None


class Fixed:
    """Complex matrices (B, n, n) of Python integers: real and imaginary part, over 2^BITS."""

    def __init__(self, re, im=None):
        self.re = np.asarray(re, object)
        self.im = np.zeros(self.re.shape, object) if im is None else np.asarray(im, object)
        self.re, self.im = self.re + 0, self.im + 0

    def __add__(self, other):
        return Fixed(self.re + other.re, self.im + other.im)

    def __mul__(self, factor):
        """Times integers that broadcast."""
        return Fixed(self.re * factor, self.im * factor)

    def dagger(self):
        return Fixed(np.swapaxes(self.re, -1, -2), -np.swapaxes(self.im, -1, -2))

    def between(self, left, right):
        """left @ self @ right for integer matrices."""
        return Fixed(left @ self.re @ right, left @ self.im @ right)

    def floats(self, exponent):
        """Nearest complex128 times 2^exponent, and whether it is exact."""
        parts, exact = [], True
        for part in (self.re, self.im):
            plain = np.array([float(x) for x in part.ravel()]).reshape(part.shape)
            back = [int(x) for x in plain.ravel()]
            exact &= back == part.ravel().tolist()
            with np.errstate(over="ignore"):
                moved = np.ldexp(plain, exponent - BITS)
            exact &= bool((np.ldexp(moved, BITS - exponent) == plain).all())
            parts.append(moved)
        return parts[0] + 1j * parts[1], exact


@dataclass
class Case:
    """Hamiltonians of one batch with what is known of each."""

    h: Any
    truth: list  # an integer, a tuple of indices, or CLOSED
    exponent: int
    features: tuple[str, ...]
    n_occupied: int
    time_reversal: np.ndarray | None = None
    inversion: np.ndarray | None = None
    extra: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- pieces


def dyadic(rng, low, high, places):
    """Number with `places` binary places from [low, high], as an integer over 2^BITS."""
    return int(rng.integers(round(low * 2**places), round(high * 2**places) + 1)) << (BITS - places)


def mass(rng, transitions):
    """A mass, its distance from a transition anywhere from 2^-24 to 1; and at times on it."""
    at = transitions[rng.integers(len(transitions))] * ONE
    kind = rng.random()
    if kind < 0.08:
        return at
    if kind < 0.5:
        return at + int(rng.choice([-1, 1])) * (ONE >> int(rng.integers(1, BITS - 4)))
    return dyadic(rng, -4, 4, 8)


def unimodular(rng, n, steps):
    """Integer matrix of determinant 1."""
    matrix = np.eye(n, dtype=object)
    for _ in range(steps if n > 1 else 0):
        i, j = rng.choice(n, 2, replace=False)
        matrix[i] = matrix[i] + int(rng.choice([-1, 1])) * matrix[j]
    return matrix


def qwz_degree(m):
    """Chern number of QWZ with the mass m / 2^BITS; CLOSED at a transition."""
    if m in (-2 * ONE, 0, 2 * ONE):
        return CLOSED
    if abs(m) > 2 * ONE:
        return 0
    return 1 if m < 0 else -1


def scale(rng):
    """Exponent of the power of two that multiplies all hoppings."""
    kind = rng.random()
    if kind < 0.5:
        return 0
    if kind < 0.6:
        return int(rng.choice([-1030, -1020, 960, 980]))
    return int(rng.integers(-990, 960))


SX, SY, SZ = ([[0, 1], [1, 0]], None), (None, [[0, -1], [1, 0]]), ([[1, 0], [0, -1]], None)


def pauli(which, factor):
    """Fixed (B, 2, 2): factors (B,) over 2^BITS times a Pauli matrix."""
    re, im = which
    factor = np.asarray(factor, object).reshape(-1, 1, 1)
    zero = np.zeros((2, 2), object)
    return Fixed(
        factor * (zero if re is None else np.array(re, object)),
        factor * (zero if im is None else np.array(im, object)),
    )


def times_i(x):
    return Fixed(-x.im, x.re)


def put(hop, key, value):
    hop[key] = hop[key] + value if key in hop else value


def embed(block, n, at):
    """Block (B, s, s) on the diagonal of (B, n, n), from `at` on."""
    size = block.re.shape[-1]
    out = Fixed(np.zeros((len(block.re), n, n), object))
    out.re[:, at : at + size, at : at + size] = block.re
    out.im[:, at : at + size, at : at + size] = block.im
    return out


def qwz(masses, a, conjugate=False, weight=ONE):
    """Hoppings of QWZ at momenta A k; `conjugate`: its time reverse conj(h(-k))."""
    size = len(masses)
    unit = np.full(size, weight // 2, object)
    hop = {}
    flip = -1 if conjugate else 1
    first, second = tuple(a[0]), tuple(a[1])
    zero = tuple(0 for _ in first)
    put(hop, zero, pauli(SZ, [m * weight // ONE for m in masses]))
    for vector, matrix in ((first, SX), (second, SY)):
        # sin(k.v) = (e^{ikv} - e^{-ikv}) / 2i; conj(h(-k)): sx sin -> -sx sin, sy sin -> +sy sin
        sign = flip if matrix is SX else 1
        hopping = times_i(pauli(matrix, -sign * unit)) + pauli(SZ, unit)
        put(hop, vector, hopping)
        put(hop, tuple(-x for x in vector), hopping.dagger())
    return hop


def closed_plane(rng, size):
    """d that vanishes where cos kx = 3/5 and cos ky = 5/13, at no fraction of pi."""
    a, b, zero = int(rng.integers(1, 4)), int(rng.integers(1, 4)), (0, 0)
    unit = np.full(size, ONE >> int(rng.integers(0, 6)), object)
    hop = {}
    put(hop, zero, pauli(SX, 6 * unit) + pauli(SY, 10 * unit) + pauli(SZ, -(8 * a + 24 * b) * unit))
    for vector, cosine, which, sine in (((1, 0), -5, SX, 5 * a), ((0, 1), -13, SY, 13 * b)):
        hopping = pauli(which, cosine * unit) + times_i(pauli(SZ, -sine * unit))
        put(hop, vector, hopping)
        put(hop, tuple(-x for x in vector), hopping.dagger())
    return hop


def direct_sum(parts, n):
    """Sum of blocks one after the other; parts: lists of (hoppings, size)."""
    hop, at = {}, 0
    for block, size in parts:
        for key, value in block.items():
            put(hop, key, embed(value, n, at))
        at += size
    return hop


def shifted(hop, shift):
    """Orbital a moved to the cell `shift[a]`."""
    out = {}
    for key, value in hop.items():
        n = value.re.shape[-1]
        for a in range(n):
            for b in range(n):
                re, im = value.re[:, a, b], value.im[:, a, b]
                if not (re.any() or im.any()):
                    continue
                to = tuple(int(x) for x in np.add(key, np.subtract(shift[b], shift[a])))
                if to not in out:
                    out[to] = Fixed(np.zeros(value.re.shape, object))
                out[to].re[:, a, b] = out[to].re[:, a, b] + re
                out[to].im[:, a, b] = out[to].im[:, a, b] + im
    return out


def congruent(hop, left):
    return {key: value.between(left, left.T) for key, value in hop.items()}


def finished(hop, exponent, batch):
    """Complex hoppings of a mapping, single where there is one; None where rounding would enter."""
    out = {}
    for key, value in hop.items():
        array, exact = value.floats(exponent)
        if not exact or not np.isfinite(array).all():
            return None
        out[key] = array if batch else array[0]
    return out


# ---------------------------------------------------------------- Hamiltonians


def draw_chain(rng):
    """Chiral chains of known winding number."""
    n = int(rng.choice([1, 1, 2, 2, 3, 4, 5]))
    batch = int(rng.choice([0, 2, 5]))
    size, exponent = max(batch, 1), scale(rng)
    far = rng.random() < 0.1
    hop, turns, closed = {}, np.zeros(size, int), np.zeros(size, bool)
    features = [f"{2 * n} bands"]
    generic = rng.random() < 0.15
    for i in range(n):
        longest = 3000 if n < 3 else 200
        reach = int(rng.integers(1, longest)) if far and i == 0 else int(rng.integers(1, 4))
        p, q = (int(x) for x in rng.choice(np.arange(-reach, reach + 1), 2, replace=False))
        if far and i == 0:
            p, q = 0, int(rng.choice([-1, 1])) * reach
            features.append("far hopping")
        first = np.array([dyadic(rng, 0.25, 2, 10) for _ in range(size)], object)
        second = np.array([
            f if rng.random() < 0.06 else
            f + int(rng.choice([-1, 1])) * (ONE >> int(rng.integers(3, BITS - 2)))
            if rng.random() < 0.5
            else dyadic(rng, 0.25, 2, 10)
            for f in first
        ], object)  # fmt: skip
        units = [(1, 0), [(1, 0), (0, 1), (-1, 0), (0, -1)][rng.integers(4)]]
        if generic and i == 0:  # |5| = |3 + 4i|: closed at a momentum that is no fraction of pi
            units, second = [(5, 0), (3, 4)], first
            features.append("closed at a generic momentum")
        for order, amount, (re, im) in zip((p, q), (first, second), units, strict=True):
            block = Fixed(np.zeros((size, n, n), object))
            block.re[:, i, i] = amount * re
            block.im[:, i, i] = amount * im
            put(hop, (order,), block)
        turns += np.where((first > second).astype(bool), p, q)
        closed |= (first == second).astype(bool)
    if rng.random() < 0.2:  # a zero hopping far away changes nothing
        put(hop, (int(rng.integers(17, 3000)),), Fixed(np.zeros((size, n, n), object)))
        features.append("zero hopping")
    if rng.random() < 0.5 and n > 1:
        left, right = (unimodular(rng, n, int(rng.integers(1, 4))) for _ in range(2))
        hop = {key: value.between(left, right) for key, value in hop.items()}
        features.append("dressed")
    block = finished(hop, exponent, batch)
    if block is None:
        return None
    truth = [CLOSED if c else int(t) for t, c in zip(turns, closed, strict=True)]
    h = tp.ChiralHamiltonian(block)
    effort = 3.5 if far else 4.3
    return Case(h, truth, exponent, tuple(features), n, extra={"effort": effort})


@dataclass
class Blocks:
    """Two-band blocks on the diagonal: hoppings, and what is known of their sum."""

    parts: list
    total: np.ndarray  # sum of Chern numbers; of one copy of each pair
    closed: np.ndarray
    apart: np.ndarray  # halves of a pair in different phases: a Chern insulator, without a Z2
    features: list
    broken: bool = False


def draw_blocks(rng, size, n_blocks, *, pairs, broken):
    """QWZ planes at momenta A k; with `pairs` each with its time reverse, or nearly so."""
    none = np.zeros(size, bool)
    found = Blocks([], np.zeros(size, object), none.copy(), none.copy(), [])
    for index in range(n_blocks):
        a, kind = [[1, 0], [0, 1]], rng.random()
        if kind < 0.3:
            a = rng.integers(-2, 3, (2, 2)).tolist()
        elif kind < 0.37 and not pairs:
            far = int(rng.integers(4, 40))
            a = [[far, 1], [far - 1, 1]]
            found.features.append("far hopping")
        determinant = a[0][0] * a[1][1] - a[0][1] * a[1][0]
        masses = [mass(rng, (-2, 0, 2)) for _ in range(size)]
        if determinant == 0:  # of these the gap is known only far from transitions
            masses = [dyadic(rng, 3, 5, 8) for _ in range(size)]
        weight = ONE >> int(rng.integers(0, 5))
        degree = [qwz_degree(m) for m in masses]
        if pairs:
            odd = [0] * size
            if broken and index == 0:
                step = ONE >> int(rng.integers(2, 26))
                odd = [int(rng.choice([-1, 0, 1])) * step for _ in masses]
                found.broken = any(odd)
            halves = [[m + s * d for m, d in zip(masses, odd, strict=True)] for s in (1, -1)]
            found.parts += [(qwz(halves[0], a, weight=weight), 2),
                            (qwz(halves[1], a, True, weight), 2)]  # fmt: skip
            found.apart |= [qwz_degree(x) != qwz_degree(y) for x, y in zip(*halves, strict=True)]
        elif index == 0 and rng.random() < 0.08:
            found.parts.append((closed_plane(rng, size), 2))
            degree = [CLOSED] * size
            found.features.append("closed at a generic momentum")
        else:
            found.parts.append((qwz(masses, a, weight=weight), 2))
        found.closed |= [value is CLOSED for value in degree]
        found.total += np.array([(value or 0) * determinant for value in degree], object)
    return found


def with_levels(rng, parts, n_levels, size, copies):
    """Sum of the blocks and of constant levels, some of them far away; and how many are below 0."""
    levels = []
    for _ in range(n_levels):
        height = int(rng.choice([-1, 1])) * (ONE << int(rng.choice([0, 1, 10, 18])))
        levels += [height] * copies
    first = sum(s for _, s in parts)
    n = first + len(levels)
    hop, rest = direct_sum(parts, n), Fixed(np.zeros((size, n, n), object))
    for i, level in enumerate(levels, start=first):
        rest.re[:, i, i] = level
    put(hop, (0, 0), rest)
    return hop, n, sum(level < 0 for level in levels)


def reversal_of(n, n_blocks):
    """U of T = U K: the two copies of each block, then the two levels of each pair."""
    u, at = np.zeros((n, n)), 4 * n_blocks
    for first in range(0, at, 4):
        u[first : first + 2, first + 2 : first + 4] = np.eye(2)
        u[first + 2 : first + 4, first : first + 2] = -np.eye(2)
    for i in range(at, n, 2):
        u[i, i + 1], u[i + 1, i] = 1.0, -1.0
    return u


def disguise(rng, hop, n, size, features, *, pairs):
    """Changes of basis and zero hoppings that keep the truth."""
    if rng.random() < 0.4 and n > 2 and not pairs:
        hop = congruent(hop, unimodular(rng, n, int(rng.integers(1, 4))))
        features.append("dressed")
    if rng.random() < 0.3:
        shift = np.zeros((n, 2), int)
        # an orbital, or one and its partner
        shift[[0, 2] if pairs else rng.integers(n)] = rng.integers(-1, 2, 2)
        hop = shifted(hop, shift)
        features.append("shifted")
    if rng.random() < 0.2:
        put(hop, (int(rng.integers(17, 2000)), int(rng.integers(0, 50))),
            Fixed(np.zeros((size, n, n), object)))  # fmt: skip
        features.append("zero hopping")
    return hop


def draw_plane(rng, *, bands=None, pairs=False, broken=False):
    """Planes of known Chern number, or of known Z2 invariant (`pairs`)."""
    batch = int(rng.choice([0, 2, 4]))
    size, exponent = max(batch, 1), scale(rng)
    n_blocks = 1 if bands == 2 else int(rng.choice([1, 1, 2, 3]))
    n_levels = 0 if bands == 2 else int(rng.choice([0, 1, 2, 4]))
    if bands == "many" and n_blocks == 1:
        n_levels = max(n_levels, 1)
    found = draw_blocks(rng, size, n_blocks, pairs=pairs, broken=broken)
    hop, n, below = with_levels(rng, found.parts, n_levels, size, 2 if pairs else 1)
    filled, features = len(found.parts) + below, found.features
    features += ["spectators"] * (n_levels > 0) + ["broken symmetry"] * found.broken
    built = finished(disguise(rng, hop, n, size, features, pairs=pairs), exponent, batch)
    if built is None:
        return None
    if rng.random() < 0.1:
        # denormal beside ordinary numbers: too small to matter, and yet not zero
        features.append("tiny hopping")
        key = (int(rng.integers(3, 200)), 0)
        if key not in built and (-key[0], 0) not in built:
            tiny = np.broadcast_to(5e-324 * np.eye(n), (*((size,) if batch else ()), n, n))
            built[key] = built[-key[0], 0] = tiny
    truth = [CLOSED if c or a else int(t) % 2 if pairs else int(t)
             for t, c, a in zip(found.total, found.closed, found.apart, strict=True)]  # fmt: skip
    h = tp.FourierHamiltonian(built, n_occupied=filled)
    return Case(h, truth, exponent, (*features, f"{n} bands"), filled,
                time_reversal=reversal_of(n, n_blocks) if pairs else None)  # fmt: skip


def draw_stack(rng):
    """QWZ layers whose mass changes along k_z, in three dimensions: m + t cos(r k_z)."""
    exponent = scale(rng)
    m, t = mass(rng, (-2, 0, 2)), dyadic(rng, -2, 2, 6)
    reach = int(rng.choice([1, 1, 2, 5]))
    hop = {(*key, 0): v for key, v in qwz([m], [[1, 0], [0, 1]]).items()}
    half = pauli(SZ, [t // 2])
    put(hop, (0, 0, reach), half)
    put(hop, (0, 0, -reach), half)
    low, high = m - abs(t), m + abs(t)
    closed = any(low <= at * ONE <= high for at in (-2, 0, 2))
    filled, features = 1, []
    if rng.random() < 0.5:
        level = int(rng.choice([-1, 1])) * (ONE << int(rng.choice([0, 3, 12])))
        filled = 1 + (level < 0)
        hop = {key: embed(v, 3, 0) for key, v in hop.items()}
        hop[0, 0, 0].re[:, 2, 2] = level
        features.append("spectators")
        if rng.random() < 0.5:
            hop = congruent(hop, unimodular(rng, 3, 2))
            features.append("dressed")
    built = finished(hop, exponent, 0)
    if built is None:
        return None
    h = tp.FourierHamiltonian(built, n_occupied=filled)
    truth = CLOSED if closed else filled
    return Case(h, [truth], exponent, (*features, "3D"), filled,
                extra={"m": m, "t": t, "reach": reach})  # fmt: skip


def draw_cancelling(rng):
    """Layers with a mass e0 + a cos k_z + b cos 2 k_z of large hoppings that cancel."""
    size = 10.0 ** rng.uniform(0, 7)
    a, b = rng.standard_normal(2) * size
    k = rng.uniform(-np.pi, np.pi)
    with mpmath.workdps(60):
        wave = 2 * mpmath.mpf(a) * mpmath.cos(k) + 2 * mpmath.mpf(b) * mpmath.cos(2 * mpmath.mpf(k))
        near = float(rng.choice([-2.0, 0.0, 2.0])) + float(rng.choice([-1, 1])) * (
            10.0 ** rng.uniform(-12, 0)
        )
        e0 = float(near - wave)
        exact = mpmath.mpf(e0) + wave
        gap = float(2 * min(abs(exact + 2), abs(exact), abs(exact - 2))) * (1 + 1e-12)
        truth = 0 if abs(exact) > 2 else (1 if exact < 0 else -1)
    x, y, z = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    hop = {(0, 0, 0): e0 * z, (0, 0, 1): a * z, (0, 0, 2): b * z,
           (1, 0, 0): z / 2 - 0.5j * x, (0, 1, 0): z / 2 - 0.5j * y}  # fmt: skip
    bands, filled = 2, 1
    if rng.random() < 0.5:
        wide = {}
        for key, value in hop.items():
            wide[key] = np.zeros((3, 3), complex)
            wide[key][:2, :2] = value
        wide[0, 0, 0][2, 2] = 5.0
        hop, bands = wide, 3
    h = tp.FourierHamiltonian(hop, n_occupied=filled)
    return Case(h, [truth], 0, (f"{bands} bands", "cancelling"), filled,
                extra={"k": k, "gap": gap})  # fmt: skip


def draw_weyl(rng, box=None):
    """d = (sin kx, sin ky, m + cos kx + cos ky + t cos kz), a box, and the charge inside."""
    case = draw_stack(rng)
    if case is None or case.extra["reach"] != 1 or case.extra["t"] == 0:
        return None
    m, t = case.extra["m"] / ONE, case.extra["t"] / ONE
    centre, half = box or (rng.uniform(-np.pi, np.pi, 3), rng.uniform(0.02, 1.5, 3))
    charge, close = 0, np.inf
    with mpmath.workdps(40):
        for x in (0, 1):
            for y in (0, 1):
                c = (-mpmath.mpf(m) - (1 - 2 * x) - (1 - 2 * y)) / mpmath.mpf(t)
                if abs(c) > 1:
                    continue
                for sign in (1, -1):
                    kz = sign * mpmath.acos(c)
                    node = (x * mpmath.pi, y * mpmath.pi, kz)
                    if box is None and rng.random() < 0.15:
                        centre = np.array([float(q) for q in node]) + rng.uniform(-1, 1, 3) * half
                    case.extra.setdefault("nodes", []).append(
                        (node, (-1) ** (x + y) * int(np.sign(-t * mpmath.sin(kz))))
                    )
        for node, q in case.extra.get("nodes", []):
            off = []
            for i in range(3):
                away = (node[i] - centre[i] + mpmath.pi) % (2 * mpmath.pi) - mpmath.pi
                off.append(abs(away) - mpmath.mpf(half[i]))
            worst = max(off)
            close = min(close, abs(float(worst)))
            if worst < 0:
                charge += q
    # a node within rounding of the surface; double ones, wherever they are, have the charge 0
    doubtful = close < 1e-9
    case.truth = [CLOSED if doubtful else charge]
    case.extra |= {"centre": centre, "half_width": half}
    return case


def draw_dirac(rng):
    """Gamma_i sin k_i + Gamma_0 (m + sum cos k_i): strong and weak Z2 indices known."""
    exponent = scale(rng)
    m = mass(rng, (-3, -1, 1, 3))
    zero2 = np.zeros((2, 2), object)
    one2 = np.eye(2, dtype=object)
    s_re = [np.array([[0, 1], [1, 0]], object), zero2, np.array([[1, 0], [0, -1]], object)]
    s_im = [zero2, np.array([[0, -1], [1, 0]], object), zero2]
    tx, tz = np.array([[0, 1], [1, 0]], object), np.array([[1, 0], [0, -1]], object)
    hop = {(0, 0, 0): Fixed((np.kron(tz, one2) * m)[None])}
    half = ONE // 2
    for i in range(3):
        gamma = Fixed((np.kron(tx, s_re[i]) * -half)[None], (np.kron(tx, s_im[i]) * -half)[None])
        hopping = times_i(gamma) + Fixed((np.kron(tz, one2) * half)[None])
        key = tuple(int(j == i) for j in range(3))
        hop[key] = hopping
        hop[tuple(-x for x in key)] = hopping.dagger()
    dressed = rng.random() < 0.4
    if dressed:
        hop = congruent(hop, np.kron(unimodular(rng, 2, 2), one2))
    built = finished(hop, exponent, 0)
    if built is None:
        return None
    if m in (-3 * ONE, -ONE, ONE, 3 * ONE):
        truth = CLOSED
    elif abs(m) > 3 * ONE:
        truth = (0, 0, 0, 0)
    elif abs(m) < ONE:
        truth = (0, 1, 1, 1)
    else:
        truth = (1, 0, 0, 0) if m < 0 else (1, 1, 1, 1)
    reversal = np.kron(np.eye(2), [[0.0, 1.0], [-1.0, 0.0]])
    inversion = None if dressed else np.kron(np.diag([1.0, -1.0]), np.eye(2))
    h = tp.FourierHamiltonian(built, n_occupied=2)
    return Case(h, [truth], exponent, ("3D", *(["dressed"] if dressed else [])), 2,
                time_reversal=reversal, inversion=inversion)  # fmt: skip
