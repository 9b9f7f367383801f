"""A disordered flake: its index, and where that is known.

No momentum is left in a piece with edges and random energies. The localizer asks for a Chern number
around each point: the gap of its spectrum is open inside, and closes at the edge, where the proven
index changes. Right: the index of the middle with growing disorder, of five samples each.
"""

from pathlib import Path

import numpy as np
from boundary import Figure, panels, save_figure

import topophys as tp


def flake(n: int, disorder: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A piece of Qi, Wu and Zhang's model with random energies, and positions of its orbitals."""
    cells = np.array([(x, y) for x in range(n) for y in range(n)])
    step = {tuple(r): t for r, t in tp.models.qwz(-1.0).hoppings.items()}
    h = np.block([[step.get(tuple(b - a), np.zeros((2, 2))) for b in cells] for a in cells])
    return h + np.diag(disorder * rng.uniform(-1, 1, len(h))), np.repeat(cells, 2, axis=0)


def picture() -> Figure:
    rng, strengths = np.random.default_rng(1), np.linspace(0.0, 6.0, 9)
    figure, (left, right) = panels("Localizer of a disordered flake")
    h, where = flake(8, 1.0, rng)
    line = np.linspace(-3.0, 10.0, 40)
    found = [tp.localizer_index(h, where, kappa=0.3, centre=[x, 3.5]) for x in line]
    left.plot(line, [f.gap_lower for f in found], label="proven gap of the localizer")
    left.plot(line, [int(f) for f in found], "o", ms=3, label="proven index")
    left.axvspan(0, 7, color="0.93")
    left.set(xlabel="place along the middle (grey: flake)", ylim=(-0.1, 1.6))
    left.legend(loc="upper center", fontsize=7)
    for w in strengths:
        many = [int(tp.localizer_index(*flake(8, w, rng), kappa=0.3)) for _ in range(5)]
        right.plot(np.full(5, w) + np.linspace(-0.1, 0.1, 5), many, "o", ms=3, c="tab:blue")
    right.set(xlabel="strength of the disorder", ylabel="index of the middle", yticks=[0, 1])
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
