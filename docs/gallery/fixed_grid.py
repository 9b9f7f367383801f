"""Why a fixed grid can be wrong.

Near the transition of Haldane's model, plaquette sums on fixed grids (Fukui, Hatsugai, Suzuki)
always return an integer, which is wrong in the hatched ranges. The certificate is unresolved only
at the transition itself.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import PALETTE


def picture() -> Figure:
    x = np.linspace(4.4, 5.8, 281)  # M / t2; the gap closes at 3 sqrt(3)
    models = tp.models.haldane(0.1 * x, 0.1, np.pi / 2)
    truth, proof = (x < 3**1.5).astype(int), tp.certify_chern(models)
    assert (proof.value == truth)[proof.certified].all()
    rows = {f"FHS {n} x {n}": tp.chern_number(models, grid=(n, n)) for n in (8, 11, 16, 25)}
    assert all((row != truth).any() for row in rows.values())
    with style():
        ax = (figure := new_figure(6.4, 2.4)).subplots()
        for y, c in enumerate([*rows.values(), proof.value]):
            for value, colour in ((1, PALETTE["red"]), (0, PALETTE["sky"])):
                for where, hatch in ((c == truth, None), (c != truth, "////")):
                    here = {"where": where & (c == value), "step": "mid"}
                    ax.fill_between(x, y - 0.4, y + 0.4, fc=colour, hatch=hatch, **here)
        ax.axvline(3**1.5, color="black", linestyle=":")
        ax.text(4.55, 4, "$C = 1$", va="center")
        ax.text(5.45, 4, "$C = 0$", va="center")
        ax.set_yticks(range(5), [*rows, "certificate"])
        ax.set(xlabel="$M / t_2$", xlim=x[[0, -1]], title="hatched: wrong; dotted: gap closes")
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=120)
