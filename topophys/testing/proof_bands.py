"""Groups of bands, links, indirect gaps and boxes of Weyl nodes whose truth is exact."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

import topophys as tp
from topophys.testing.proof_cases import (
    BITS,
    CLOSED,
    ONE,
    Case,
    Fixed,
    congruent,
    direct_sum,
    draw_weyl,
    dyadic,
    finished,
    mass,
    put,
    qwz,
    qwz_degree,
    reversal_of,
    scale,
    shifted,
)

HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], object)


def rotated(rng, hop, n, features, steps=2):
    """Signed permutation, then half a Hadamard matrix on four orbitals: levels stay, exactly."""
    p = np.eye(n, dtype=object)[rng.permutation(n)] * rng.choice([-1, 1], n)
    hop = congruent(hop, p)
    for _ in range(int(rng.integers(0, steps + 1)) if n >= 4 else 0):
        at = rng.choice(n, 4, replace=False)
        left = 2 * np.eye(n, dtype=object)
        left[np.ix_(at, at)] = HADAMARD
        moved = congruent(hop, left)
        if any((part % 4).any() for v in moved.values() for part in (v.re, v.im)):
            break
        hop = {key: Fixed(v.re // 4, v.im // 4) for key, v in moved.items()}
        features.append("rotated")
    return hop


# ---------------------------------------------------------------- groups of bands


def as_bands(rng, low, high):
    """One of the ways to name a group."""
    return [slice(low, high), range(low, high), list(range(low, high))][rng.integers(3)]


def planes_apart(rng, size, count, copies):
    """Planes at multiples of 16, and Chern numbers of all bands below edges; CLOSED if closed."""
    parts, edges = [], {0: [0] * size}
    for place in rng.permutation(count).tolist():
        a = [[1, 0], [0, 1]] if rng.random() < 0.6 else rng.integers(-2, 3, (2, 2)).tolist()
        determinant = a[0][0] * a[1][1] - a[0][1] * a[1][0]
        masses = [mass(rng, (-2, 0, 2)) for _ in range(size)]
        if determinant == 0:
            masses = [dyadic(rng, 3, 5, 8) for _ in range(size)]
        weight = ONE >> int(rng.integers(0, 4))
        for flip in (False, True)[:copies]:
            hop = qwz(masses, a, flip, weight)
            level = np.broadcast_to(np.eye(2, dtype=object) * 16 * ONE * place, (size, 2, 2))
            put(hop, (0, 0), Fixed(level))
            parts.append((hop, 2))
        degrees = [qwz_degree(m) for m in masses]
        first = 2 * copies * place
        edges[first + copies] = [d if d is CLOSED else d * determinant for d in degrees]
        edges[first + 2 * copies] = [0] * size
    return parts, edges


def draw_groups(rng, *, pairs=False, gaps=False):
    """QWZ planes, or planes beside their time reverse, at energies far apart; a group of bands."""
    batch = int(rng.choice([0, 0, 2, 3]))
    size, exponent = max(batch, 1), scale(rng)
    count, copies = int(rng.choice([1, 2, 2] if pairs else [1, 2, 2, 3])), 2 if pairs else 1
    features = ["group of bands"]
    parts, edges = planes_apart(rng, size, count, copies)
    n = 2 * copies * count
    total = n + int(rng.choice([0, 0, 1, 2])) * copies
    hop = direct_sum(parts, total)
    if total > n:  # beyond all blocks
        rest = Fixed(np.zeros((size, total, total), object))
        for i in range(n, total):
            rest.re[:, i, i] = (1000 + 10 * ((i - n) // copies)) * ONE
            edges[i + 1] = [0 if (i + 1 - n) % copies == 0 else CLOSED] * size
        put(hop, (0, 0), rest)
        features.append("spectators")
    if rng.random() < 0.3:
        shift = np.zeros((total, 2), int)
        shift[[0, 2] if pairs else rng.integers(total)] = rng.integers(-1, 2, 2)
        hop = shifted(hop, shift)
        features.append("shifted")
    built = finished(hop if pairs else rotated(rng, hop, total, features), exponent, batch)
    # at times with an edge between two states of one Kramers pair
    places = np.arange(0, total + 1, copies if rng.random() < 0.95 else 1)
    low, high = sorted(rng.choice(places, 2, replace=False).tolist())
    if built is None or high - low == total:
        return None
    none = [CLOSED] * size
    truth = []
    for one, two in zip(edges.get(low, none), edges.get(high, none), strict=True):
        closed = one is CLOSED or two is CLOSED
        value = 0 if closed else high - low if gaps else int(two - one)
        truth.append(CLOSED if closed else value % 2 if pairs else value)
    filled = max(1, min(total - 1, high))
    extra = {"bands": as_bands(rng, low, high), "effort": 3.6, "group": (low, high),
             "edges": [e for e in (low, high) if 0 < e < total]}  # fmt: skip
    h = tp.FourierHamiltonian(built, n_occupied=filled)
    reversal = reversal_of(total, count) if pairs else None
    return Case(h, truth, exponent, (*features, f"{total} bands"), filled,
                time_reversal=reversal, extra=extra)  # fmt: skip


# ---------------------------------------------------------------- indirect gaps, and levels


def draw_indirect(rng):
    """Levels e_j + b_j cos(k.r) of one r: tops and bottoms of all bands are sums of integers."""
    dim, n = int(rng.integers(1, 4)), int(rng.choice([2, 2, 3, 4, 5]))
    exponent, filled = scale(rng), int(rng.integers(1, n))
    r = tuple(int(x) for x in rng.integers(-2, 3, dim))
    if not any(r):
        r = (1,) * dim
    common = dyadic(rng, -3, 3, 6) // 2 * 2
    small = [dyadic(rng, -0.25, 0.25, 8) // 2 * 2 for _ in range(n)]
    steps = [dyadic(rng, 0.625, 4, 6) for _ in range(n)]
    level = np.cumsum(np.array(steps, object)).tolist()
    # how far the edges are apart: at will, near zero, or zero
    wide = [abs(common + b) for b in small]
    tops = [e + w for e, w in zip(level, wide, strict=True)]
    bottoms = [e - w for e, w in zip(level, wide, strict=True)]
    if rng.random() < 0.5:
        gap = min(bottoms[filled:]) - max(tops[:filled])
        wanted = int(rng.choice([-1, 0, 1])) * (ONE >> int(rng.integers(1, BITS - 6)))
        move = wanted - gap
        if min(level[filled:]) + move - max(level[:filled]) > ONE // 2:
            for part in (level, tops, bottoms):
                part[filled:] = [x + move for x in part[filled:]]
    features = ["indirect gap", f"{n} bands", f"{dim}D"]
    hop, zero = {}, (0,) * dim
    here, away = Fixed(np.zeros((1, n, n), object)), Fixed(np.zeros((1, n, n), object))
    for i in range(n):
        here.re[:, i, i] = level[i]
        away.re[:, i, i] = (common + small[i]) // 2
    put(hop, zero, here)
    put(hop, r, away)
    put(hop, tuple(-x for x in r), away.dagger())
    hop = rotated(rng, hop, n, features)
    built = finished(hop, exponent, 0)
    if built is None:
        return None
    energy = None
    if rng.random() < 0.5:
        i = int(rng.integers(n))
        energy = [tops[i], bottoms[i], tops[i] + (ONE >> 20), bottoms[i] - (ONE >> 20),
                  (max(tops[:filled]) + min(bottoms[filled:])) // 2][rng.integers(5)]  # fmt: skip
        shown = float(np.ldexp(float(energy), exponent - BITS))
        if not np.isfinite(shown) or int(np.ldexp(shown, BITS - exponent)) != energy:
            return None
        features.append("level")
    extra = {"kind": "indirect", "tops": tops, "bottoms": bottoms, "energy": energy, "effort": 3.6}
    if energy is not None:
        extra["level"] = shown
    h = tp.FourierHamiltonian(built, n_occupied=filled)
    return Case(h, [filled], exponent, tuple(features), filled, extra=extra)


def judge_indirect(case, found):
    """Status, band edges and gap against integers."""
    tops, bottoms, energy = (case.extra[name] for name in ("tops", "bottoms", "energy"))

    def whole(x):
        """A float in units of 2^-BITS, exactly; infinite ones as they are."""
        if not np.isfinite(x):
            return float(x)
        return Fraction(float(x)) / Fraction(2) ** (case.exponent - BITS)

    status = str(found.status)
    if energy is None:
        top, bottom = max(tops[: case.n_occupied]), min(bottoms[case.n_occupied :])
        is_open, is_shut = top < bottom, top > bottom
    else:
        count = int(found.value) if status == "certified" else found.asked.n_occupied
        asked = case.extra.get("given")
        if status == "certified" and asked is not None and count != asked:
            return ["wrong"]
        top = max(tops[:count], default=None)
        bottom = min(bottoms[count:], default=None)
        is_open = (top is None or top < energy) and (bottom is None or energy < bottom)
        # refuted is the filling that was asked for, or that at k = 0
        is_shut = not is_open
    if status == "unresolved":
        return ["unresolved"]
    if status == "refuted":
        return ["right" if is_shut else "wrong"]
    if not is_open or (energy is None and int(found.value) != case.n_occupied):
        return ["wrong"]
    inside = True
    if top is not None:
        inside &= whole(found.valence_lower) <= top <= whole(found.valence_upper)
    if bottom is not None:
        inside &= whole(found.conduction_lower) <= bottom <= whole(found.conduction_upper)
    if top is not None and bottom is not None:
        inside &= whole(found.gap_lower) <= bottom - top <= whole(found.gap_upper)
    return ["right" if inside else "bound"]


# ---------------------------------------------------------------- boxes of many Hamiltonians


def draw_weyl_batch(rng):
    """One box in several Hamiltonians of one shape: each its own charge."""
    first = draw_weyl(rng)
    if first is None:
        return None
    cases = [first]
    for _ in range(40):
        other = draw_weyl(rng, box=(first.extra["centre"], first.extra["half_width"]))
        if other is None or other.h.n_bands != first.h.n_bands:
            continue
        if other.exponent == first.exponent and other.n_occupied == first.n_occupied:
            cases.append(other)
        if len(cases) == 3:
            break
    keys = sorted({tuple(v) for c in cases for v in c.h.vectors.tolist()})
    n = first.h.n_bands
    hops = {key: np.zeros((len(cases), n, n), complex) for key in keys}
    for row, c in enumerate(cases):
        for key, a in zip(map(tuple, c.h.vectors.tolist()), c.h.amplitudes, strict=True):
            hops[key][row] = a
    h = tp.FourierHamiltonian(hops, n_occupied=first.n_occupied)
    features = (*first.features, "batch of boxes")
    truth = [t for c in cases for t in c.truth]
    return Case(h, truth, first.exponent, features, first.n_occupied, extra=first.extra)


# ---- Link fields

#: Parts of a turn: phases of links are multiples of 12, so that cycles of up to four divide them.
TURN = 12 << 48


def principal(phase):
    """Phase in [-TURN/2, TURN/2)."""
    return (phase + TURN // 2) % TURN - TURN // 2


def loop_of(perms, phases, x, y):
    """Permutation and phases of U_x(k) U_y(k + x) U_x(k + y)^+ U_y(k)^+: M[i, p[i]] = e^(i f_i)."""
    n_x, n_y, _, r = perms.shape
    perm, phase = list(range(r)), [0] * r
    steps = ((x, y, 0, 1), ((x + 1) % n_x, y, 1, 1), (x, (y + 1) % n_y, 0, -1), (x, y, 1, -1))
    for i, j, axis, sign in steps:
        p, f = perms[i, j, axis].tolist(), phases[i, j, axis].tolist()
        for a in range(r):
            if sign > 0:
                phase[a] += f[perm[a]]
                perm[a] = p[perm[a]]
            else:
                perm[a] = p.index(perm[a])
                phase[a] -= f[perm[a]]
    return perm, phase


def phases_of_loop(perm, phase):
    """Phase of the determinant, and those of all eigenvalues, of a monomial matrix."""
    every, odd, todo = [], 0, set(range(len(perm)))
    while todo:
        cycle = [todo.pop()]
        while perm[cycle[-1]] != cycle[0]:
            cycle.append(perm[cycle[-1]])
            todo.remove(cycle[-1])
        total, length = sum(phase[a] for a in cycle), len(cycle)
        odd += length - 1
        every += [(total + j * TURN) // length for j in range(length)]
    return sum(phase) + (odd % 2) * (TURN // 2), every


def links_truth(perms, phases, branch):
    """Exact integer of monomial links; CLOSED where a phase lies on the cut."""
    total = 0
    for x, y in np.ndindex(*perms.shape[:2]):
        whole, each = phases_of_loop(*loop_of(perms, phases, x, y))
        for phase in map(principal, [whole] if branch == "determinant" else each):
            if phase == -TURN // 2:
                return CLOSED
            total -= phase
    assert total % TURN == 0
    return total // TURN


def draw_monomial(rng, size, branch, features):
    """Permutations times phases, some of them at the cut or next to it."""
    grid, r = rng.integers(1, 6, 2), int(rng.choice([1, 1, 2, 3, 4]))
    # links of a smooth bundle, of a wild one
    reach = 24 if rng.random() < 0.3 else 1
    permuted = r > 1 and rng.random() < 0.6
    links, truth = np.zeros((size, *grid, 2, r, r), complex), []
    for row in range(size):
        shape = (*grid, 2, r)
        phases = (
            rng.integers(-(TURN // 24) // reach, (TURN // 24) // reach + 1, shape).astype(object)
            * 12
        )
        perms = np.broadcast_to(np.arange(r), shape)
        if permuted:
            perms = rng.permuted(perms, axis=-1)
        if rng.random() < 0.4:
            x, y, a = (int(rng.integers(s)) for s in (*grid, r))
            away = int(rng.choice([0, -1, 1])) * (TURN // 12 >> int(rng.integers(4, 48))) * 12
            whole, each = phases_of_loop(*loop_of(perms, phases, x, y))
            at = whole if branch == "determinant" else each[0]
            phases[x, y, 0, a] += (TURN // 2 + away - at) // 12 * 12
            features.append("near the cut")
        truth.append(links_truth(perms, phases, branch))
        values = np.exp(
            2j * np.pi * np.vectorize(lambda f: principal(f) / TURN, otypes=[float])(phases)
        )
        np.put_along_axis(links[row], perms[..., None], values[..., None], axis=-1)
    return links, truth


def draw_band_links(rng, size):
    """Polar factors of overlaps of QWZ bands and levels far from a transition, on a fine grid."""
    n_blocks, levels, n = (
        int(rng.integers(1, 4)),
        int(rng.integers(0, 2)),
        int(rng.integers(20, 30)),
    )
    u = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    frames, truth = [], []
    for _ in range(size):
        masses = [
            int(rng.choice([-1, 1])) * dyadic(rng, *((0.6, 1.4), (2.6, 4))[rng.integers(2)], 8)
            for _ in range(n_blocks)
        ]
        truth.append(sum(map(qwz_degree, masses)))
        states = [
            np.linalg.eigh(tp.models.qwz(m / ONE).on_grid((n, n)))[1][..., :1] for m in masses
        ]
        frame = np.zeros((n, n, 8, n_blocks + levels), complex)
        for i, state in enumerate(states):
            frame[..., 2 * i : 2 * i + 2, i : i + 1] = state
        if levels:
            frame[..., 7, -1] = 1.0
        frames.append(u @ frame)
    frame = np.stack(frames)
    overlaps = [np.swapaxes(frame.conj(), -1, -2) @ np.roll(frame, -1, axis) for axis in (1, 2)]
    left, _, right = np.linalg.svd(np.stack(overlaps, 3))
    return left @ right, truth


def draw_links(rng):
    """Unitary links of which every phase is known, in any gauge and nearly unitary."""
    batch, branch = int(rng.choice([0, 2, 4])), str(rng.choice(["determinant", "eigenphases"]))
    size, features = max(batch, 1), []
    if rng.random() < 0.2:
        links, truth = draw_band_links(rng, size)
        features.append("links of bands")
    else:
        links, truth = draw_monomial(rng, size, branch, features)
    r = links.shape[-1]

    def normal(*shape):
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    if rng.random() < 0.5:
        gauge = np.linalg.qr(normal(*links.shape[:3], r, r))[0]
        ends = np.stack([np.roll(gauge, -1, axis) for axis in (1, 2)], 3)
        links = np.swapaxes(gauge.conj(), -1, -2)[..., None, :, :] @ links @ ends
        features.append("any gauge")
    if rng.random() < 0.3:  # a positive factor: the polar factor stays
        x = normal(*links.shape)
        x = x + np.swapaxes(x.conj(), -1, -2)
        links = links @ (np.eye(r) + 10.0 ** rng.uniform(-16, -9.3) * x / np.abs(x).max() / r)
        features.append("nearly unitary")
    return Case(links if batch else links[0], truth, 0, (*features, f"{r} filled"), r,
                extra={"branch": branch})  # fmt: skip
