"""Phases found without labels, by proven paths.

Random extended SSH chains are clustered by proven paths: chains of one colour are joined by paths
that provably keep the gap open and preserve chiral symmetry. In this model the clusters are the
connected components of the phases.
"""

from pathlib import Path

import numpy as np

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style


def picture() -> Figure:
    t2, t3 = np.random.default_rng(1).uniform(-3.0, 3.0, (2, 60))
    chains = [tp.models.ssh(1.0, a, b) for a, b in zip(t2, t3, strict=True)]
    found = tp.cluster_phases(chains, symmetry="chiral")
    for label, h in zip(found.value, chains, strict=True):
        assert found.integers[label] == int(tp.certify_winding(h))
    with style():
        figure = new_figure(4.6, 3.2)
        panel = figure.subplots()
        for label, value in enumerate(found.integers):
            mine = found.value == label
            panel.plot(t2[mine], t3[mine], "o", label=f"class {label}, winding {value}")
        panel.set(xlabel="$t_2 / t_1$", ylabel="$t_3 / t_1$", title=f"{len(chains)} chains")
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=130)
