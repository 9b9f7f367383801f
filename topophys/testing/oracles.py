"""Integers by algebra and by slow, obvious loops, which share nothing with the code under test."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np

# ---------------------------------------- Slow, obvious implementations to compare the kernels with


def winding_in_rationals(loop):
    """Turns of a closed polygon in exact arithmetic; None if it meets the origin."""
    points = [(Fraction(float(x)), Fraction(float(y))) for x, y in loop]
    turns = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        cross = x0 * y1 - x1 * y0
        if cross == 0 and x0 * x1 + y0 * y1 <= 0:
            return None
        turns += (y0 < 0 <= y1 and cross > 0) - (y1 < 0 <= y0 and cross < 0)
    return turns


def exact_complex(z):
    """Real and imaginary part as fractions."""
    return Fraction(float(z.real)), Fraction(float(z.imag))


def determinant_in_rationals(matrix):
    """Determinant by expansion along the first row, in exact complex arithmetic."""
    rows = [[exact_complex(z) for z in row] for row in np.asarray(matrix, complex)]

    def times(a, b):
        return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]

    def expand(rows):
        if len(rows) == 1:
            return rows[0][0]
        total = (Fraction(0), Fraction(0))
        for c, entry in enumerate(rows[0]):
            minor = expand([row[:c] + row[c + 1 :] for row in rows[1:]])
            re, im = times(entry, minor)
            sign = -1 if c % 2 else 1
            total = total[0] + sign * re, total[1] + sign * im
        return total

    return expand(rows)


def determinant_polynomial(blocks):
    """Coefficients, lowest first, of det(sum_s D_s z^s): matrices of polynomials, expanded."""
    n_shift, n, _ = np.shape(blocks)

    def expand(entries):
        if len(entries) == 1:
            return entries[0][0]
        total = np.zeros(1, complex)
        for c, entry in enumerate(entries[0]):
            minor = expand([row[:c] + row[c + 1 :] for row in entries[1:]])
            term = np.convolve(entry, minor) * (-1) ** c
            size = max(len(total), len(term))
            total = np.pad(total, (0, size - len(total))) + np.pad(term, (0, size - len(term)))
        return total

    return expand([[np.array([blocks[s][i][j] for s in range(n_shift)]) for j in range(n)]
                   for i in range(n)])  # fmt: skip


def winding_by_roots(lowest, blocks):
    """Winding = (roots of det in the unit disc) + N * lowest; also how far roots keep off it.

    Roots far from the circle by NumPy; others once more with 60 digits by mpmath.
    """
    coefficients = np.trim_zeros(determinant_polynomial(blocks), "b")
    at_origin = np.flatnonzero(coefficients)[0]
    coefficients = coefficients[at_origin:]
    shift = np.shape(blocks)[1] * lowest + at_origin
    if len(coefficients) == 1:
        return int(shift), np.inf
    roots = np.abs(np.roots(coefficients[::-1]))
    distance = np.abs(roots - 1.0).min()
    if distance < 1e-4:
        roots, distance = _roots_with_many_digits(coefficients)
    return int(shift + (roots < 1.0).sum()), distance


def _roots_with_many_digits(coefficients):
    with mpmath.workdps(60):
        exact = [mpmath.mpc(complex(c)) for c in coefficients[::-1]]
        roots = mpmath.polyroots(exact, maxsteps=500, extraprec=400)
        sizes = [abs(z) for z in roots]
        return np.array([float(s) for s in sizes]), min(float(abs(s - 1)) for s in sizes)


def lower_bands_chern(h_k, n_occupied):
    """Fukui-Hatsugai-Suzuki sum over plaquettes, eigenvectors and angles, written plainly."""
    n_x, n_y = h_k.shape[:2]
    _, states = np.linalg.eigh(h_k)
    v = states[..., :n_occupied]

    def link(a, b):
        return np.linalg.det(a.conj().T @ b)

    total = 0.0
    for i in range(n_x):
        for j in range(n_y):
            k00, k10 = v[i, j], v[(i + 1) % n_x, j]
            k11, k01 = v[(i + 1) % n_x, (j + 1) % n_y], v[i, (j + 1) % n_y]
            loop = link(k00, k10) * link(k10, k11) * link(k11, k01) * link(k01, k00)
            total -= np.angle(loop)
    chern = total / (2 * np.pi)
    assert abs(chern - round(chern)) < 1e-6, "plaquette fluxes of a torus add up to 2 pi n"
    return round(chern)


def chern_dense(d):
    """The same sum for d-vectors (Nx, Ny, 3), with projectors in place of eigenvectors."""
    unit = d / np.linalg.norm(d, axis=-1, keepdims=True)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    p = 0.5 * (np.eye(2) - np.einsum("xyi,iab->xyab", unit, pauli))
    right, up = np.roll(p, -1, 0), np.roll(p, -1, 1)
    both = np.roll(right, -1, 1)
    loop = np.trace(p @ right @ both @ up, axis1=-2, axis2=-1)
    chern = -np.angle(loop).sum() / (2 * np.pi)
    assert abs(chern - round(chern)) < 1e-6
    return round(chern)


def degree_by_solid_angles(d):
    """Degree of d/|d| on a grid: solid angles of two triangles per cell, summed and divided."""
    u = d / np.linalg.norm(d, axis=-1, keepdims=True)
    right, up = np.roll(u, -1, 0), np.roll(u, -1, 1)
    both = np.roll(right, -1, 1)
    total = 0.0
    for a, b, c in ((u, right, both), (u, both, up)):
        volume = np.einsum("...i,...i->...", a, np.cross(b, c))
        overlap = sum(np.einsum("...i,...i->...", p, q) for p, q in ((a, b), (b, c), (c, a)))
        total += 2.0 * np.arctan2(volume, 1.0 + overlap).sum()
    degree = total / (4 * np.pi)
    assert abs(degree - round(degree)) < 1e-6
    return round(degree)


def covers_axis_in_rationals(a, b, c):
    """Whether the cone of three vectors contains +z, in exact arithmetic; None on its boundary."""
    a, b, c = ([Fraction(float(x)) for x in v] for v in (a, b, c))

    def cross(p, q):
        return p[0] * q[1] - p[1] * q[0]

    # weights of the combination of a, b, c that is parallel to z
    weights = [cross(b, c), cross(c, a), cross(a, b)]
    height = sum(w * v[2] for w, v in zip(weights, (a, b, c), strict=True))
    if height == 0:
        return None
    scaled = [w / height for w in weights]
    if any(w < 0 for w in scaled):
        return 0
    return None if any(w == 0 for w in scaled) else (1 if height > 0 else -1)


def smallest_gap_of_chain(chain, n_k=4000):
    """2 sigma_min(D) on a grid, refined around its minimum: an upper bound close to the gap."""
    k = np.linspace(-np.pi, np.pi, n_k, endpoint=False)
    for _ in range(4):
        gap = 2 * np.linalg.svd(chain.block(k[:, None]), compute_uv=False)[..., -1]
        best = k[np.argmin(gap)]
        width = 2 * (k[1] - k[0])
        k = np.linspace(best - width, best + width, 401)
    return float(gap.min())


def smallest_gap_of_two_bands(h, n_k=96):
    """2 |d| on a grid, refined around each of its local minima: an upper bound close to the gap."""
    step = 2 * np.pi / n_k
    k = step * np.stack(np.meshgrid(np.arange(n_k), np.arange(n_k), indexing="ij"), -1)
    size = np.linalg.norm(h.d(k), axis=-1)
    around = [np.roll(size, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    centre = k[size <= np.min(around, axis=0)]
    window = np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 9)], indexing="ij"), -1).reshape(81, 2)
    # slowly, or a narrow valley that runs across the axes is left before its lowest point
    for shrink in 1.5 ** -np.arange(30):
        near = centre[:, None] + step * shrink * window
        size = np.linalg.norm(h.d(near), axis=-1)
        centre = near[np.arange(len(near)), size.argmin(-1)]
    return 2 * float(size.min())


# ------ Integers by algebra, for whole batches: no cells, no bounds, nothing of the code under test
# Each oracle also says where its own arithmetic leaves no doubt.


def scaled(amplitudes):
    """Divide each Hamiltonian by the power of two above its largest entry, exactly."""
    flat = np.abs(np.ascontiguousarray(amplitudes).view(float)).reshape(len(amplitudes), -1)
    _, power = np.frexp(flat.max(1))
    shape = (-1,) + (1,) * (amplitudes.ndim - 1)
    parts = np.ascontiguousarray(amplitudes).view(float)
    return np.ldexp(parts, -power.reshape(shape)).view(complex)


def determinant_polynomials(blocks):
    """Coefficients (B, P + 1), lowest first, of det sum_s D_s z^s for blocks (B, S, n, n)."""
    n_shift, n = blocks.shape[1:3]
    degree = n * (n_shift - 1)
    z = np.exp(2j * np.pi * np.arange(degree + 1) / (degree + 1))
    samples = np.einsum("qs,bsij->bqij", z[:, None] ** np.arange(n_shift), blocks)
    return np.fft.fft(np.linalg.det(samples), axis=1) / (degree + 1)


def companion_roots(monic):
    """Roots (B, P) of monic polynomials (B, P + 1), lowest coefficient first."""
    degree = monic.shape[1] - 1
    companion = np.zeros((len(monic), degree, degree), complex)
    companion[:, range(1, degree), range(degree - 1)] = 1.0
    companion[:, :, -1] = -monic[:, :-1]
    return np.linalg.eigvals(companion)


def from_roots(roots):
    """Monic polynomials (B, P + 1), lowest coefficient first, multiplied out."""
    product = np.ones((len(roots), 1), complex)
    for i in range(roots.shape[1]):
        raised = np.pad(product, ((0, 0), (1, 0)))
        product = raised - roots[:, i : i + 1] * np.pad(product, ((0, 0), (0, 1)))
    return product


#: Middles of arcs that cover the unit circle.
CIRCLE = np.exp(2j * np.pi * np.arange(256) / 256)


def least_on_circle(roots):
    """Lower bounds (B,) of |prod (z - z_i)| on |z| = 1, from bounds on each of the arcs.

    On an arc a root is nowhere closer than its distance from the circle, nor closer than its
    distance from the middle of the arc less half of the arc's length.
    """
    half = np.pi / len(CIRCLE)
    bound = np.ones((len(roots), len(CIRCLE)))
    for z in roots.T[..., None]:
        bound *= np.maximum(np.abs(np.abs(z) - 1.0), np.abs(CIRCLE - z) - half)
    return bound.min(1)


def windings_by_roots(lowest, blocks):
    """Winding numbers (B,) of chains (B, S, n, n) from eigenvalues of companion matrices.

    The computed roots are multiplied out again. Where the polynomial got back differs from the
    given one by less than either is at any point of the unit circle, both have as many roots
    inside (Rouche). Elsewhere roots are found with 60 digits. Returns the integers, and the
    distance of the closest root from the circle where that was done.
    """
    blocks = scaled(blocks)
    n = blocks.shape[2]
    f = determinant_polynomials(blocks)
    value, distance = np.full(len(f), n * lowest), np.full(len(f), np.inf)
    sure = np.zeros(len(f), bool)
    usable = np.flatnonzero(np.abs(f[:, -1]) > 1e-10 * np.abs(f).max(1))
    if f.shape[1] > 1 and len(usable):
        monic = f[usable] / f[usable, -1:]
        roots = companion_roots(monic)
        value[usable] += (np.abs(roots) < 1.0).sum(1)
        # |det D| <= (|D|_F / sqrt n)^n bounds what the determinants at roots of unity round to
        norm = np.sqrt((np.abs(blocks[usable]) ** 2).sum((2, 3))).sum(1)
        rounding = 1e-14 * (norm / np.sqrt(n)) ** n / np.abs(f[usable, -1])
        off = np.abs(from_roots(roots) - monic).sum(1) + f.shape[1] * rounding
        easy = off < 0.5 * np.abs(np.abs(roots) - 1.0).prod(1)
        hard = np.flatnonzero(~easy)
        easy[hard] = off[hard] < 0.5 * least_on_circle(roots[hard])
        sure[usable] = easy
    for b in np.flatnonzero(~sure):
        value[b], distance[b] = winding_by_roots(lowest, blocks[b])
    return value, distance


def _sylvester(a, b):
    """Matrices (B, 2m, 2m) of two polynomials (B, m + 1), highest first."""
    m = a.shape[1] - 1
    matrix = np.zeros((len(a), 2 * m, 2 * m), complex)
    for row in range(m):
        matrix[:, row, row : row + m + 1] = a
        matrix[:, m + row, row : row + m + 1] = b
    return matrix


def degrees_by_preimages(vectors, d, direction):
    """Degree (B,) of d/|d| for coefficients (B, M, 3): points that map to one direction, with sign.

    u.d = v.d = 0 with u, v normal to the direction are two polynomials in z = e^(ikx), w = e^(iky).
    The Sylvester matrix of their z part is a matrix polynomial in w: eigenvalues of its companion
    matrix are all solutions, and the null vectors hold z. Solutions with |w| = |z| = 1 are the
    preimages; they are polished by Newton's method. Returns integers, and where all solutions are
    clearly on or clearly off the torus, apart from each other, and not close to d = 0.
    """
    n = np.asarray(direction, float) / np.linalg.norm(direction)
    u = np.cross(n, [0.31, -0.77, 0.54])
    u /= np.linalg.norm(u)
    frame = np.stack([u, np.cross(n, u), n])
    d = scaled(d) @ frame.T
    reach = int(np.abs(vectors).max())
    grid = np.zeros((len(d), 2 * reach + 1, 2 * reach + 1, 3), complex)
    grid[:, vectors[:, 0] + reach, vectors[:, 1] + reach] = d
    power = [_sylvester(grid[:, ::-1, j, 0], grid[:, ::-1, j, 1]) for j in range(2 * reach + 1)]
    size, order = 4 * reach, 2 * reach
    companion = np.zeros((len(d), size * order, size * order), complex)
    rows = np.arange(size * (order - 1))
    companion[:, rows, rows + size] = 1.0
    with np.errstate(all="ignore"):
        lower = np.concatenate(power[:-1], axis=2)
        companion[:, -size:] = -np.linalg.solve(power[-1], lower)
        w, vector = np.linalg.eig(companion)
        middle = size // 2
        z = vector[:, middle - 1] / vector[:, middle]
        off = np.maximum(np.abs(np.log(np.abs(w))), np.abs(np.log(np.abs(z))))
    real = off < 1e-6
    sure = ~((off >= 1e-6) & (off <= 1e-4)).any(1) & np.isfinite(off).all(1)
    k = np.stack([np.angle(z), np.angle(w)], -1)
    start = k.copy()
    for _ in range(3):
        value, slope = _with_slopes(vectors, d, k)
        jacobian = np.swapaxes(slope[..., :2], -1, -2)  # rows u, v; columns kx, ky
        det = jacobian[..., 0, 0] * jacobian[..., 1, 1] - jacobian[..., 0, 1] * jacobian[..., 1, 0]
        with np.errstate(all="ignore"):
            step = np.stack([
                jacobian[..., 1, 1] * value[..., 0] - jacobian[..., 0, 1] * value[..., 1],
                jacobian[..., 0, 0] * value[..., 1] - jacobian[..., 1, 0] * value[..., 0],
            ], -1) / det[..., None]  # fmt: skip
        k = np.where(real[..., None], k - step, k)
    value, slope = _with_slopes(vectors, d, k)
    det = slope[..., 0, 0] * slope[..., 1, 1] - slope[..., 0, 1] * slope[..., 1, 0]
    with np.errstate(all="ignore"):
        good = (
            (np.abs(value[..., :2]).max(-1) < 1e-3 * np.abs(value[..., 2]))
            & (np.abs(value[..., :2]).max(-1) < 1e-12)
            & (np.abs(k - start).max(-1) < 1e-4)
            & (np.abs(det) > 1e-9)
        )
    sure &= (good | ~real).all(1)
    torus = np.exp(1j * np.where(real[..., None], k, 0.0))
    apart = np.abs(torus[:, :, None] - torus[:, None, :]).max(-1)
    both = real[:, :, None] & real[:, None, :] & ~np.eye(real.shape[1], dtype=bool)
    sure &= ~(both & (apart < 1e-6)).any((1, 2))
    # det(d, d_x, d_y) with d along the direction
    covers = np.where(real & (value[..., 2] > 0.0), np.sign(det), 0.0)
    return covers.sum(1).astype(int), sure


def _with_slopes(vectors, d, k):
    """d (B, K, 3) at momenta (B, K, 2) and its derivatives (B, K, 2, 3)."""
    wave = np.exp(1j * (k @ vectors.T))
    value = np.einsum("bkm,bmi->bki", wave, d).real
    slopes = [np.einsum("bkm,m,bmi->bki", wave, 1j * v, d).real for v in vectors.T]
    return value, np.stack(slopes, 2)


#: Directions for the preimages, tried until one leaves no doubt.
DIRECTIONS = ((0.3, 0.5, 0.8), (-0.7, 0.2, 0.4), (0.1, -0.9, 0.5), (0.6, 0.1, -0.8),
              (-0.2, -0.3, -0.9), (0.9, 0.4, 0.1))  # fmt: skip


def degrees(vectors, d):
    """Degree (B,) for coefficients (B, M, 3), and where some direction leaves no doubt."""
    value, sure = np.zeros(len(d), int), np.zeros(len(d), bool)
    for direction in DIRECTIONS:
        todo = np.flatnonzero(~sure)
        if not len(todo):
            break
        value[todo], sure[todo] = degrees_by_preimages(vectors, d[todo], direction)
    return value, sure


# ---------------------------------------------------------------- chains of entries of any size


def block_winds(question, vectors, matrices, value, least, gap):
    """Whether the block of a certificate winds so often, with a gap of `least` (`gap` unscaled)."""
    words = [w for _, x in question["hoppings"] for w in x.split(" ") if w != "0"]
    sizes = [abs(float.fromhex(w)) for w in words]
    if sizes and min(sizes) < 1e-8 * max(sizes):  # products of floats would vanish
        return winds_in_balls(question["hoppings"], question["block"], value, gap)
    k = 2 * np.pi * np.arange(8192) / 8192
    d = np.einsum("kr,rij->kij", np.exp(1j * np.outer(k, vectors[:, 0])), matrices)
    det = np.linalg.det(d)
    turns = np.angle(np.roll(det, -1) / det).sum() / (2 * np.pi)
    found = 2 * np.linalg.svd(d, compute_uv=False)[:, -1].min()
    return round(float(turns)) == value and found >= least


def winds_in_balls(hoppings, n, value, gap, points=1024):
    """Whether the block sum_m D_m e^(ikm) winds so often, with that gap, at dense momenta.

    In numbers of 2,500 bits: with entries from 1e-36 to 1e300 determinants of floats vanish.
    """
    from flint import acb, acb_mat, arb, ctx

    before, ctx.prec = ctx.prec, 2500
    try:
        terms = []
        for (m,), words in hoppings:
            parts = [0.0 if w == "0" else float.fromhex(w) for w in words.split(" ")]
            entries = [acb(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
            terms.append((m, acb_mat(n, n, entries)))
        turns, last, first, least = 0.0, None, None, arb(gap) * arb(1 - 1e-9)
        for j in range(points):
            wave = (acb(0, arb(2 * j) / points * arb.pi())).exp()
            d = sum((x * wave**m for m, x in terms), acb_mat(n, n))
            det = d.det()
            if det.contains(0):
                return False
            inverse = d.inv().entries()
            largest = max((x.abs_upper() for x in inverse), key=lambda x: x.mid())
            scaled = np.array([complex(x / largest) for x in inverse]).reshape(n, n)
            if not arb(2) / (largest * float(np.linalg.norm(scaled, 2))) >= least:
                return False
            if last is not None:
                turns += float(np.angle(complex(det / last)))
            first, last = first or det, det
        turns += float(np.angle(complex(first / last)))
        return round(turns / (2 * np.pi)) == value
    finally:
        ctx.prec = before
