"""A probe and its controls.

The figure shows how well a linear probe of each layer predicts the exact quantity on held-out
chains, for the trained network, untrained networks, shuffled targets and the raw input. The score
of h1 is high without any training; that of h2 is not.
"""

from pathlib import Path

from small_runs import chains

from topophys.interpret import probe
from topophys.plots import Figure, plot_probes, save_figure


def picture() -> Figure:
    run, data = chains()
    report = probe(run, data, n_hamiltonians=100, n_untrained=2, progress=False)
    assert report.r2("h1_features", "untrained") > 0.8
    assert report.r2("h2_features", "trained") > report.r2("h2_features", "untrained") + 0.4
    rows = [r for r in report.to_dict()["results"] if (r["measure"], r["split"]) == ("raw", "test")]
    rows = [row | {"layer": row["layer"].removesuffix("_features")} for row in rows]
    return plot_probes(rows)


if __name__ == "__main__":
    save_figure(picture(), Path(__file__).with_suffix(""), ["png"], dpi=150)
