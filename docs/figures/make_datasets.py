"""Pictures of the data sets, and `datasets/README.md` from their cards and small samples.

python docs/figures/make_datasets.py
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from topophys.datasets import open_dataset

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "datasets"
INTRO = """# Data sets

Each folder has a recipe (TOML), which determines every byte, and the card of what it makes. Labels
are proven for the continuous Hamiltonian. [tiny](tiny/README.md) has a few samples of each.

```bash
topophys generate datasets/winding-1d/recipe.toml -o winding.h5
topophys info winding.h5
topophys verify winding.h5 --recompute 0.01
```

The pictures show samples of up to three classes as a network reads them, components in columns and
momenta in rows, and the proven lower bounds of the gaps of all samples in `datasets/tiny`; they are
made by `python docs/figures/make_datasets.py`.
"""


def draw(name: str) -> Path:
    """Input of three classes and the gaps of all samples in the small file of a data set."""
    with open_dataset(DATA / "tiny" / f"{name}.h5") as data:
        split = data.split(data.splits[0])
        label, gap, x = (np.asarray(split[:][key]) for key in ("label", "gap_bound", "x"))
    classes = np.unique(label)
    shown = classes[np.unique(np.linspace(0, len(classes) - 1, 3).round().astype(int))]
    figure, axes = plt.subplots(
        1, len(shown) + 1, figsize=(7.0, 2.0), layout="constrained",
        width_ratios=[1.0] * len(shown) + [1.4],
    )  # fmt: skip
    largest = np.abs(x).max()
    for axis, value in zip(axes, shown, strict=False):
        sample = x[np.flatnonzero(label == value)[0]]
        axis.imshow(
            sample.reshape(-1, sample.shape[-1]), aspect="auto", cmap="RdBu_r",
            vmin=-largest, vmax=largest, interpolation="nearest",
        )  # fmt: skip
        axis.set_title(f"label {value:+d}" if value else "label 0", fontsize=8)
        axis.set(xticks=[], yticks=[])
        axis.set_xlabel("components", fontsize=7)
    axes[0].set_ylabel("momenta", fontsize=7)
    axes[-1].scatter(label, gap, s=10, color="#0072B2")
    axes[-1].set_xlabel("label", fontsize=7)
    axes[-1].set_ylabel("proven gap, at least", fontsize=7)
    axes[-1].set_xticks(classes)
    axes[-1].set_ylim(bottom=0.0)
    axes[-1].tick_params(labelsize=7)
    path = HERE / f"dataset_{name}.png"
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def names() -> list[str]:
    """Data sets with a card and a small file."""
    return sorted(
        card.parent.name
        for card in DATA.glob("*/README.md")
        if (DATA / "tiny" / f"{card.parent.name}.h5").exists()
    )


def index() -> str:
    """Text of `datasets/README.md`."""
    parts = [INTRO]
    for name in names():
        card = (DATA / name / "README.md").read_text(encoding="utf-8")
        about = card.split("\n\n")[1]
        size = re.search(r"^- (Samples: .*)$", card, re.M)
        parts.append(
            f"## [{name}]({name}/README.md)\n\n{about}\n\n{size[1] if size else ''}\n\n"
            f"![Samples of {name} and the proven bounds of their gaps]"
            f"(../docs/figures/dataset_{name}.png)\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    for each in names():
        print(draw(each))
    (DATA / "README.md").write_text(index(), encoding="utf-8")
