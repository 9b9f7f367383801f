"""Train the model of materials that is part of the package.

    python -m benchmarks.experiments.materials_pretrained

Reads the lists of A. Ma et al. (MIT licence) and structures of JARVIS (NIST) from
`TOPOPHYS_TEST_DATA` or ../shared/data, those of the AFLOW prototypes from pymatgen (MIT licence),
and writes topophys/materials/pretrained/topogivity.npz: the same trees every time. Of a structure
the model keeps the number of electrons in the primitive cell.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import topophys.materials
from benchmarks.experiments.materials_lists import lists
from benchmarks.experiments.materials_structures import matched
from topophys.materials import MaterialsModel, describe

PLACE = Path(topophys.materials.__file__).with_name("pretrained") / "topogivity.npz"
SOURCE = (
    "list of A. Ma et al., Nano Lett. 23, 772 (2023), labels of F. Tang et al., Nature 566, 486"
    " (2019)"
)


#: Labels of band insulators.
INSULATORS = ("trivial", "topological crystalline insulator", "topological insulator")


def with_structures():
    """The listed materials, with the electrons of the primitive cell where a structure is known."""
    electrons = defaultdict(set)
    for one in matched():
        electrons[one.entry].add(describe(one.crystal).electrons)
    return [
        replace(describe(one), electrons=next(iter(known)))
        if len(known := electrons.get(one, set())) == 1
        else describe(one)
        for one in lists().materials
    ]


def main():
    found = lists()
    labels = {"topology": [found.classes[one.label] for one in found.materials]}
    model = MaterialsModel().fit(
        with_structures(), labels, source=SOURCE, insulators=INSULATORS, progress=True
    )
    model.save(PLACE)
    print(model.report())
    print(f"{PLACE}: {PLACE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
