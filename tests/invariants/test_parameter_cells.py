"""Bounds on cells of momenta and parameters hold at every point of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

import topophys as tp
from tests.strategies import generators
from topophys.invariants._cells import Hoppings, bound_cells
from topophys.invariants._parameter_cells import Moving
from topophys.invariants._parameter_space import Dependence, Expansion
from topophys.invariants._subdivision import Zone


def random_family(rng, dim, n, names):
    """Polynomials and trigonometric functions of each parameter times random hoppings."""
    vectors = [(0,) * dim, *map(tuple, np.eye(dim, dtype=int).tolist()), (1,) * dim]
    kinds = [("trigonometric", 1), ("polynomial", 1), ("polynomial", 2), ("trigonometric", 2)]
    kind = {name: kinds[rng.integers(4)] for name in names}

    def functions(word, degree, x):
        if word == "polynomial":
            return [x**a for a in range(degree + 1)]
        return [1.0, *(f(a * x) for a in range(1, degree + 1) for f in (np.cos, np.sin))]

    count = {name: len(functions(*kind[name], 0.0)) for name in names}
    draws = {
        name: [{v: rng.standard_normal((n, n, 2)).view(complex)[..., 0] * (rng.random() < 0.6)
                for v in vectors} for _ in range(count[name])] for name in names
    }  # fmt: skip
    base = np.diag(np.linspace(-4.0, 4.0, n))

    def family(**parameters):
        hops = {v: np.zeros((n, n), complex) for v in vectors}
        hops[(0,) * dim] += base
        for name, x in parameters.items():
            for value, matrices in zip(functions(*kind[name], x), draws[name], strict=True):
                for v, m in matrices.items():
                    hops[v] = hops[v] + 0.3 * value * (m + m.conj().T * (not any(v)))
        return tp.FourierHamiltonian(hops, n_occupied=1)

    return family, kind


@given(rng=generators())
@settings(max_examples=12)
def test_the_gap_is_at_least_its_bound_everywhere(rng):
    dim, n = int(rng.integers(1, 4)), int(rng.integers(2, 5))
    names = ["a", "b", "c"][: int(rng.integers(1, 4))]
    function, kind = random_family(rng, dim, n, names)
    low, high = np.full(len(names), -1.0), rng.uniform(0.2, 2.0, len(names))
    family = Expansion.of(
        function, names, low, high, tuple(Dependence.of(kind[x], x) for x in names)
    )
    filled = int(rng.integers(1, n))
    centre = rng.uniform(low, high, (3, len(names)))
    half = 10.0 ** rng.uniform(-3.0, -0.5, centre.shape)
    plain = Hoppings.of(family.at(centre), filled)
    zone = Zone((8,) * dim, 8, 6)
    ham = Moving.around(plain, zone, family.vectors, *family.first_order(centre, half))
    width = np.concatenate([np.diag(zone.half), np.zeros((len(names), dim))])
    owner = np.repeat(np.arange(3), 4)
    points = rng.integers(0, 2 * zone.fine, (12, dim))
    size = 10.0 ** rng.uniform(-4.0, 0.0, 12) * (rng.random(12) < 0.9)
    found = bound_cells(
        ham, owner, points, lambda p: zone.phases(ham.vectors, p), width, size, np.zeros(12),
        frames=False, fine=2 * zone.fine,
    )  # fmt: skip
    unit = np.ldexp(1.0, plain.exponent + family.exponent)
    for cell, b in enumerate(owner):
        bound = found.gap[cell] * unit[b]
        sides = rng.choice([-1.0, 1.0], (24, dim + len(names)))
        sides[12:] *= rng.random((12, dim + len(names)))
        for side in sides:
            p = centre[b] + half[b] * side[dim:]
            k = zone.momenta(points[cell : cell + 1])[0] + zone.half * size[cell] * side[:dim]
            given_there = function(**dict(zip(names, p, strict=True)))
            energy = np.linalg.eigvalsh(given_there.bloch(k))
            gap = energy[filled] - energy[filled - 1]
            assert gap >= bound - 1e-9
