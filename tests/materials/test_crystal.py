"""Crystals, their graphs, persistence and scalars."""

import numpy as np
import pytest

from topophys.errors import InputError
from topophys.materials import Crystal, crystal_graph, persistence_tokens, scalar_features
from topophys.materials.elements import atomic_number, element_features

ROCK_SALT = Crystal(
    np.array([11, 17]),
    np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]),
    2.82 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]]),
    "NaCl",
)


def supercell(crystal, n=2):
    shifts = np.array([(i, j, k) for i in range(n) for j in range(n) for k in range(n)])
    spots = (crystal.fractional[:, None] + shifts).reshape(-1, 3) / n
    return Crystal(np.repeat(crystal.numbers, n**3), spots, n * crystal.lattice, "super")


def moved(crystal, rng):
    q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    order = rng.permutation(len(crystal))
    basis = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])
    spots = (crystal.fractional + rng.random(3)) @ np.linalg.inv(basis)
    return Crystal(crystal.numbers[order], spots[order], basis @ crystal.lattice @ q, "moved")


def test_rock_salt_has_six_neighbours():
    graph = crystal_graph(ROCK_SALT, 3.0)
    assert np.bincount(graph.edges[0]).tolist() == [6, 6]
    np.testing.assert_allclose(graph.distance, 2.82)
    np.testing.assert_allclose(np.linalg.norm(graph.vector, axis=1), graph.distance)


@pytest.mark.parametrize("change", [supercell, lambda c: moved(c, np.random.default_rng(1))])
def test_the_surroundings_do_not_depend_on_the_description(change):
    other = change(ROCK_SALT)
    for crystal in (ROCK_SALT, other):
        graph = crystal_graph(crystal, 4.1)
        for z in (11, 17):
            sizes = [
                np.sort(graph.distance[graph.edges[0] == i])
                for i in np.flatnonzero(crystal.numbers == z)
            ]
            assert len(sizes[0]) == 18
            for one in sizes:
                np.testing.assert_allclose(one, [2.82] * 6 + [2.82 * np.sqrt(2)] * 12)


def test_persistence_of_rock_salt_and_its_invariance():
    pytest.importorskip("gudhi")
    tokens = persistence_tokens(ROCK_SALT)
    # the bars of H0 end at the bond length
    assert tokens[:, 1][tokens[:, 3] == 1].max() == pytest.approx(2.82, abs=1e-5)
    for other in (supercell(ROCK_SALT), moved(ROCK_SALT, np.random.default_rng(2))):
        again = persistence_tokens(other)
        assert again.shape == tokens.shape
        # equal bars have no order, and rounding may change which of them comes first
        np.testing.assert_allclose(
            np.sort(again.round(3), axis=0), np.sort(tokens.round(3), axis=0), atol=2e-3
        )


def test_scalars_and_space_group():
    pytest.importorskip("spglib")
    values, group = scalar_features(ROCK_SALT)
    again, same = scalar_features(supercell(ROCK_SALT))
    assert group == same == 225
    np.testing.assert_allclose(values, again, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"numbers": []}, "at least one atom"),
        ({"numbers": [0, 17]}, "from 1 to 118"),
        ({"numbers": [11, 119]}, "from 1 to 118"),
        ({"fractional": [[0, 0, 0], [0, 0, 0.01]]}, "must not overlap"),
        ({"fractional": [[0, 0, 0], [0, 0, np.nan]]}, "finite"),
        ({"fractional": [[0, 0, 0]]}, "one position for each of 2"),
        ({"lattice": np.ones((3, 3))}, "span a volume"),
        ({"lattice": np.ones((2, 3))}, "shape"),
    ],
)
def test_bad_structures_are_named(change, message):
    parts = {
        "numbers": [11, 17],
        "fractional": ROCK_SALT.fractional,
        "lattice": ROCK_SALT.lattice,
    } | change
    with pytest.raises(InputError, match="Sample `mp-7`") as error:
        Crystal.checked(**parts, sample_id="mp-7")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_elements():
    assert element_features([1, 26, 64, 82])[:, :3].tolist() == [
        [1, 1, 1], [4, 8, 8], [6, 3, 10], [6, 14, 4],
    ]  # fmt: skip
    assert atomic_number("Pb") == 82
    with pytest.raises(InputError, match="chemical symbol"):
        atomic_number("Xx")
    with pytest.raises(InputError, match="0 to 118"):
        element_features([119])
