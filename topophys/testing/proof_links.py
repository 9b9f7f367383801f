"""Link fields whose integer is known exactly, for `proof_fuzz`."""

from __future__ import annotations

import numpy as np

import topophys as tp
from topophys.testing.proof_cases import CLOSED, ONE, Case, dyadic, qwz_degree

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
