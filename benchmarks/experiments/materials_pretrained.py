"""Train the model of materials that is part of the package.

    python -m benchmarks.experiments.materials_pretrained

Reads the lists of A. Ma et al. (MIT licence) from `TOPOPHYS_TEST_DATA` or ../shared/data, and
writes topophys/materials/pretrained/topogivity.npz: the same trees every time.
"""

from __future__ import annotations

from pathlib import Path

import topophys.materials
from benchmarks.experiments.materials_lists import lists
from topophys.materials import MaterialsModel

PLACE = Path(topophys.materials.__file__).with_name("pretrained") / "topogivity.npz"
SOURCE = (
    "list of A. Ma et al., Nano Lett. 23, 772 (2023), labels of F. Tang et al., Nature 566, 486"
    " (2019)"
)


def main():
    found = lists()
    labels = {"topology": [found.classes[one.label] for one in found.materials]}
    model = MaterialsModel().fit(found.materials, labels, source=SOURCE, progress=True)
    model.save(PLACE)
    print(model.report())
    print(f"{PLACE}: {PLACE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
