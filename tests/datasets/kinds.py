"""A recipe of every kind, with splits of every kind."""

from __future__ import annotations

from topophys.datasets import Recipe

TABLES = {
    "winding": {
        "hamiltonian": {"family": "aiii_chains", "n_orbitals": 2, "hopping_range": 2},
        "label": {"invariant": "winding", "min_gap": 0.1},
        "input": {"grid": [16]},
        "other": [
            {"family": "ssh_copies", "n_orbitals": 2, "hopping_range": 3},
            {"family": "disordered_ssh", "n_orbitals": 2, "hopping_range": 1, "disorder": 1.5},
        ],
    },
    "chern": {
        "hamiltonian": {"family": "two_band", "hopping_range": 1},
        "label": {"invariant": "chern", "min_gap": 0.1},
        "input": {"grid": [8, 6]},
        "other": [
            {"family": "qwz", "hopping_range": 1},
            {"family": "haldane", "hopping_range": 2},
        ],
    },
    "bands": {
        "hamiltonian": {
            "family": "class_a", "n_bands": 3, "n_occupied": 2, "hopping_range": 1
        },
        "label": {"invariant": "chern", "min_gap": 0.1},
        "input": {"grid": [6, 8]},
        "other": [],
    },
}  # fmt: skip


def make(kind):
    tables = TABLES[kind]
    size = 8 if kind == "bands" else 20  # proofs of many bands take their time
    plain = {"size": size, "classes": [0, 1]}
    longer = {"winding": 3, "chern": 2, "bands": 1}[kind]  # longer ranges have small gaps
    splits = [
        {"name": "train", **plain},
        {"name": "test", **plain},
        {"name": "near_critical", **plain, "min_gap": 0.02, "max_gap": 0.1},
        {"name": "coarser_grid", **plain, "grid": [n // 2 for n in tables["input"]["grid"]]},
        {"name": "longer", **plain, "hopping_range": longer},
        {"name": "gauge", **plain, "gauge_of": "test"},
        {"name": "noisy", **plain, "noise": 0.2},
        {"name": "noisy_gauge", **plain, "noise": 0.1, "gauge_of": "noisy"},
        *(
            {"name": f"other_family_{i}", "size": 12, "classes": [0, 1], "hamiltonian": table}
            for i, table in enumerate(tables["other"])
        ),
    ]
    rest = {key: tables[key] for key in ("hamiltonian", "label", "input")}
    return Recipe.from_dict({"name": f"splits-{kind}", "seed": 41, **rest, "split": splits})
