"""Bounds of the winding proof, each against its formula; one that is weaker or stronger differs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from topophys.kernels import winding_certified as kernels
from topophys.kernels.rounding import SLACK, UNIT
from topophys.kernels.small_linalg import determinant_error
from topophys.kernels.trig_series import trig_table
from topophys.kernels.winding_certified import NOTHING

SEEDS = range(3)


def gaussian(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def near(value, rel=1e-6):
    """A number to so many digits, however small it is."""
    return pytest.approx(value, rel=rel, abs=0.0)


def python(name):
    """A kernel as the interpreter runs it: compiling takes longer than a test may."""
    function = getattr(kernels, name)
    return getattr(function, "py_func", function)


def singular(n, det, norm2):
    """Smallest singular value from |det| and |D|_F^2, or a bound: product and sum of squares."""
    if n == 1:
        return det
    if n == 2:
        # of s^2 and t^2 with sum norm2 and product det^2 the smaller one
        return math.sqrt((norm2 - math.sqrt(norm2**2 - 4 * det**2)) / 2)
    return det * ((n - 1) / norm2) ** ((n - 1) / 2)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_smallest_singular_value(n, seed):
    block = gaussian(np.random.default_rng(seed), n, n)
    values = np.linalg.svd(block, compute_uv=False)
    det, norm2 = values.prod(), np.square(values).sum()
    found = python("smallest_singular")(n, det, norm2)
    assert found == near(singular(n, det, norm2), rel=1e-9)
    assert found <= values[-1] * (1 + 1e-9)
    slack = 1e-3 * det
    assert python("slack_of_gap")(n, slack, det, norm2) == near(
        singular(n, det + slack, norm2) - found + slack + math.sqrt(SLACK * norm2), rel=1e-9
    )


def test_equal_singular_values_whose_difference_rounds():
    assert python("smallest_singular")(2, 1.0, 2.0 - 1e-15) == near(1.0)


@pytest.mark.parametrize("min_gap", [0.0, 1.0])
def test_gaps_that_are_certainly_too_small(min_gap):
    """sigma + slack < min_gap / 2 for one and two orbitals; with more there is a bound only."""
    for n, norm2 in ((1, 0.16), (2, 4.0), (3, 9.0)):
        for det in (0.01, 0.3, 0.48, 0.499, 0.5, 0.6):
            for slack in (1e-3, 0.03):
                seen = singular(n, det, norm2)
                above = seen + singular(n, det + slack, norm2) - seen + slack
                wanted = n < 3 and 2 * (above + math.sqrt(SLACK * norm2)) < min_gap
                assert python("too_small")(n, slack, det, norm2, min_gap) == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_second_derivatives_and_slack_of_the_series(seed):
    rng = np.random.default_rng(seed)
    n, shift, error = 3, seed - 1, 0.25
    f, g, bounds = gaussian(rng, 5), gaussian(rng, 4), np.empty(4)
    g[0] = abs(g[0])
    python("series_bounds")(f, error, g, n, shift, bounds)
    m = np.arange(5) - shift
    weight = abs(f) + error
    second = (m**2 * weight).sum()
    assert bounds[0] / second - 1 == near(4 * UNIT * 13, rel=0.3)
    assert bounds[1] == near(SLACK * 5 * ((1 + abs(m)) * weight).sum() + 5 * error)
    m = np.arange(4)
    assert bounds[2] == near((2 * m**2 * abs(g)).sum())
    assert bounds[3] == near(SLACK * 4 * n**2 * (2 * (1 + m) * g[0].real).sum(), rel=1e-9)
    python("series_bounds")(0 * f, 0.0, g, n, shift, bounds)
    assert bounds[1] == NOTHING


def test_slack_of_the_series_without_errors_of_coefficients():
    f, g, bounds = np.array([2.0, 3j, 0.5]), np.array([1.0 + 0j]), np.empty(4)
    python("series_bounds")(f, 0.0, g, 1, 1, bounds)
    assert bounds[1] == near(SLACK * 3 * (2 * 2 + 3 + 2 * 0.5), rel=1e-9)


@pytest.mark.parametrize("n", [2, 3])
def test_error_of_the_coefficients_of_the_determinant(n):
    rng = np.random.default_rng(n)
    block = gaussian(rng, 3, n, n)
    count = 2 * n + 1
    roots = np.exp(2j * np.pi * np.arange(count) / count)
    f, work = np.empty(count, complex), np.empty((n, n), complex)
    error = python("determinant_coefficients")(block, 7.0, roots, work, f)
    samples = np.linalg.det(np.einsum("qs,sij->qij", roots[:, None] ** np.arange(3), block))
    np.testing.assert_allclose(f, np.fft.fft(samples) / count, atol=1e-12)
    if n == 2:
        assert error == near(SLACK * 3 * 7.0**2, rel=1e-9)
        return
    entries = 2 * UNIT * 23 * np.linalg.norm(block, axis=(1, 2)).sum()
    sums = 4 * UNIT * (count + 16) * abs(samples).mean()
    worst = max(
        determinant_error(n, 7.0, entries, grown)
        for grown in (growth(np.einsum("s,sij->ij", z ** np.arange(3), block)) for z in roots)
    )
    assert error == near(worst + sums, rel=1e-6)
    # the second part alone, beside a norm that makes the first one small
    little = python("determinant_coefficients")(block, 1e-30, roots, work, f)
    first = max(
        determinant_error(n, 1e-30, entries, grown)
        for grown in (growth(np.einsum("s,sij->ij", z ** np.arange(3), block)) for z in roots)
    )
    assert little - first == near(sums, rel=1e-6)


def growth(a):
    """Growth of the pivots of Gaussian elimination with the largest pivot of each column."""
    a = a.copy()

    def size(z):
        return abs(z.real) + abs(z.imag)

    largest, grown = size(a).max(), 0.0
    for c in range(len(a)):
        p = c + int(np.argmax(size(a[c:, c])))
        a[[c, p]] = a[[p, c]]
        a[c + 1 :, c + 1 :] -= a[c + 1 :, c : c + 1] / a[c, c] * a[c, c + 1 :]
        grown = max(grown, size(a[c + 1 :, c + 1 :]).max(initial=0.0))
    return max(1.0, grown / largest)


def chord(z0, z1, bend):
    """Distance of the segment from the origin, less what the curve may come closer."""
    step = z1 - z0
    t = min(1.0, max(0.0, -(np.conj(z0) * step).real / abs(step) ** 2))
    return abs(z0 + t * step) - bend


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_gap_of_intervals(n, seed):
    """2 sigma(|f| of the chord less its bend, |D|^2 and its rise), at once and one by one."""
    rng = np.random.default_rng(seed)
    width, bounds = 0.3, np.array([0.4, 0.01, 0.7, 0.02])
    base = np.zeros((5, 41))
    base[:2] = rng.normal(size=(2, 41))
    base[2] = 2 * np.hypot(*base[:2]) * rng.uniform(1.0, 3.0, 41)
    base[2, 5] = 2 * np.hypot(*base[:2, 5])
    base[:, 40] = base[:, 0]
    f = base[0] + 1j * base[1]
    python("prove_intervals")(n, width, bounds, base)
    bend, rise = width**2 / 8 * 0.4 + 0.01, width**2 / 8 * 0.7 + 0.02
    for j in range(40):
        low, high = chord(f[j], f[j + 1], bend), max(base[2, j], base[2, j + 1]) + rise
        x, y = f[j], f[j + 1]
        alone = python("prove_chord")(
            x.real, x.imag, y.real, y.imag, max(base[2, j], base[2, j + 1]), width, n, bounds
        )
        if low > 0.0:
            wanted = 2 * singular(n, low, high) if n != 2 or high >= 2 * low else None
            if wanted is not None:
                assert base[3, j] == near(wanted, rel=1e-7)
            assert alone == near(base[3, j], rel=1e-12)
        else:
            assert not base[3, j] > 0.0
            assert alone == 0.0
        assert base[4, j] == near(2 * singular(n, abs(x), base[2, j]), rel=1e-6)


def test_edges_that_cross_an_axis_within_rounding_are_delicate():
    """Only these are left to exact arithmetic; an edge that lies on the axis is one of them."""
    points = {
        "up": ((1.0, -1.0), (1.0, 1.0)),
        "down": ((1.0, 1.0), (1.0, -1.0)),
        "up, on the other side": ((-1.0, -1.0), (-1.0, 1.0)),
        "from the axis": ((1.0, 0.0), (1.0, 1.0)),
        "through the origin": ((-1.0, -1.0), (1.0, 1.0)),
        "through the origin, down": ((-1.0, 1.0), (1.0, -1.0)),
        "along the axis": ((1.0, 0.0), (2.0, 0.0)),
        "above the axis": ((1.0, 1.0), (2.0, 2.0)),
    }
    wanted = {"up": (1, 1, 0), "down": (-1, 1, 0), "through the origin": (0, 1, 1),
              "through the origin, down": (0, 1, 1), "along the axis": (0, 1, 1)}  # fmt: skip
    for name, ends in points.items():
        base = np.zeros((5, 2))
        base[:2] = np.transpose(ends)
        base[3] = 0.5
        assert python("sweep")(base, 0.0) == wanted.get(name, (0, 1, 0)), name
        assert python("sweep")(base, 0.5)[1] == 1
        assert python("sweep")(base, 0.51) == (0, 0, 0)
        base[3] = 0.0
        assert python("sweep")(base, 0.0) == (0, 0, 0)
    base[:2], base[3] = np.transpose(((1.0, -1e-17), (1.0, 1e-17))), 0.5
    assert python("sweep")(base, 0.0) == (1, 1, 0)  # far more than rounding


def test_central_harmonic_is_the_mean():
    f = np.array([0.0, 1.0, 2j, 0.0, 5.0])
    assert python("central_harmonic")(f) == round((1 + 4 + 20) / 8)
    assert python("central_harmonic")(0 * f) == 0


def test_gap_at_given_momenta():
    rng = np.random.default_rng(4)
    blocks, k, out = gaussian(rng, 3, 4, 2, 2), rng.uniform(-3, 3, 3), np.empty(3)
    python("gaps_at")(blocks, -2, k, out)
    phases = np.exp(1j * k[:, None] * np.arange(-2, 2))
    sums = np.einsum("bs,bsij->bij", phases, blocks)
    np.testing.assert_allclose(out, 2 * np.linalg.svd(sums, compute_uv=False)[:, -1])


def test_smallest_gap_seen_is_kept():
    evidence = np.array([0.0, np.inf, 0.0])
    for seen, k in ((3.0, 1.0), (2.0, 2.0), (2.5, 3.0), (2.0, 4.0)):
        python("note")(evidence, seen, k)
    assert evidence.tolist() == [0.0, 2.0, 2.0]


@pytest.mark.parametrize("turn", [-2, 0, 1, 3])
def test_values_of_the_series_between_nodes(turn):
    """By recurrence over all harmonics, and for a few of them by phases of their own."""
    rng = np.random.default_rng(turn + 5)
    terms, n_node, place, part, fine = rng.normal(size=(3, 9)), 16, 5, 3, 8
    whole = n_node * fine
    k = -np.pi + 2 * np.pi * (place * fine + part) / whole
    m = np.arange(1, 5)
    row = np.concatenate([[1.0], np.column_stack([np.cos(m * k), np.sin(m * k)]).ravel()])
    f, norm2 = (terms[0] + 1j * terms[1]) @ row * np.exp(-1j * turn * k), terms[2] @ row
    none = np.empty(0, np.int64)
    point = place * fine + part
    found = python("value_at")(terms, 10, turn, none, k, point, whole)
    np.testing.assert_allclose(found, [f.real, f.imag, norm2], atol=1e-12)
    if turn == 0:
        found = python("value_at")(terms, 0, 0, m, k, point, whole)
        np.testing.assert_allclose(found, [f.real, f.imag, norm2], atol=1e-12)


@pytest.mark.parametrize("turn", [-2, 0, 1])
def test_nodes_are_the_same_with_a_table_and_without(turn):
    """Phases of more harmonics than a table holds come from a recurrence."""
    terms, n_node, none = np.random.default_rng(7).normal(size=(3, 9)), 16, np.empty(0, np.int64)
    found = []
    for table in (trig_table(4, np.arange(n_node) - n_node // 2, n_node), np.empty((0, n_node))):
        base = np.full((5, n_node + 1), np.nan)
        python("look")(terms, 9, turn, none, table, base)
        found.append(base[:3])
    np.testing.assert_allclose(found[0], found[1], atol=1e-12)
