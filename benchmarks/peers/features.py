"""What each package offers: names that its own environment is asked for, so that none is invented.

A name is "module:attribute.path"; `table` raises where a package that is installed lacks one.
"""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.peers.setup import interpreter

OURS = "topophys"
COLUMNS = (OURS, "pythtb", "z2pack", "wannierberri", "pyqula", "tbkit", "qutip")
TITLES = ("topophys", "PythTB", "Z2Pack", "WannierBerri", "pyqula", "tbkit", "qutip-berry")
#: What is offered, and under which name, by package.
FEATURES = {
    "Chern number of a grid": {
        OURS: "topophys:chern_number", "pythtb": "pythtb:WFArray.chern_number",
        "z2pack": "z2pack:invariant.chern", "wannierberri": "wannierberri.calculators.static:AHC",
        "pyqula": "pyqula.topology:mesh_chern", "tbkit": "tbkit:KSpace.chern_number",
        "qutip": "qutip_berry:chern_number",
    },
    "integers with a proof": {OURS: "topophys:certify_chern"},
    "proven gap": {OURS: "topophys:certify_gap"},
    "winding number of chiral chains": {
        OURS: "topophys:certify_winding", "pyqula": "pyqula.topology:winding_number",
    },
    "flow of Wannier centres": {
        OURS: "topophys:wannier_centres", "pythtb": "pythtb:WFArray.berry_phase",
        "z2pack": "z2pack:surface.run", "pyqula": "pyqula.topology:wannier_centers",
        "tbkit": "tbkit:KSpace.wannier_centers",
    },
    "Z2 in two dimensions": {
        OURS: "topophys:z2_invariant", "z2pack": "z2pack:invariant.z2",
        "pyqula": "pyqula.topology:z2_invariant", "tbkit": "tbkit:KSpace.z2_invariant",
    },
    "Z2 in three dimensions": {
        OURS: "topophys:z2_indices_3d", "pyqula": "pyqula.topology:z2_invariant_3d",
        "tbkit": "tbkit:KSpace.z2_indices_3d",
    },
    "local Chern marker": {
        OURS: "topophys:local_chern_marker", "pythtb": "pythtb:TBModel.local_chern_marker",
        "pyqula": "pyqula.topology:real_space_chern",
        "tbkit": "tbkit.system:System.get_local_chern_marker",
    },
    "quantum metric": {
        OURS: "topophys:quantum_metric", "pythtb": "pythtb:TBModel.quantum_metric",
        "wannierberri": "wannierberri.calculators.static:QuantumMetric_FermiSea",
        "pyqula": "pyqula.topology:quantum_metric",
        "tbkit": "tbkit:KSpace.quantum_geometric_tensor",
    },
    "hoppings from Wannier90": {
        OURS: "topophys:read_wannier90", "pythtb": "pythtb:W90", "z2pack": "z2pack:tb.System",
        "wannierberri": "wannierberri.system:System_w90", "tbkit": "tbkit:read_wannier90",
    },
    "spin Chern numbers": {
        OURS: "topophys:spin_chern", "pyqula": "pyqula.topology:spin_chern",
        "tbkit": "tbkit:KSpace.spin_chern_number",
    },
    "mirror Chern numbers": {
        OURS: "topophys:mirror_chern", "pyqula": "pyqula.topologytk.topologicalsector:mirror_chern",
        "tbkit": "tbkit:KSpace.mirror_chern_number",
    },
    "Bott index": {OURS: "topophys:bott_index", "tbkit": "tbkit.topology:bott_index"},
    "Majorana number": {OURS: "topophys:majorana_number", "tbkit": "tbkit.bdg:majorana_number"},
    "winding of a point gap": {
        OURS: "topophys:point_gap_winding", "tbkit": "tbkit:KSpace.spectral_winding",
    },
    "Weyl nodes": {OURS: "topophys:find_weyl_nodes", "tbkit": "tbkit.topology:find_weyl_points"},
    "Z2 from parities at invariant momenta": {"tbkit": "tbkit:KSpace.parity_z2"},
    "quadrupole moment": {
        "pyqula": "pyqula.topologytk.nestedwilson:quadrupole_moment",
        "tbkit": "tbkit.higher_order:quadrupole_moment",
    },
    "corner charges": {"tbkit": "tbkit.higher_order:corner_charges"},
    "labelled data sets": {OURS: "topophys.datasets:generate"},
    "networks, probes": {OURS: "topophys.interpret:probe"},
    "states of a first-principles code": {"z2pack": "z2pack:fp.System"},
    "making Wannier functions": {"pythtb": "pythtb:Wannier", "tbkit": "tbkit:wannierize"},
    "Hall conductivity of metals": {
        "wannierberri": "wannierberri.calculators.static:AHC",
        "pyqula": "pyqula.topology:hall_conductivity", "tbkit": "tbkit:KSpace.hall_conductivity",
    },
    "nonlinear and spin responses": {"wannierberri": "wannierberri.calculators.static:SHC"},
    "edges: finite pieces, surfaces": {
        OURS: "topophys:ribbon",
        "pythtb": "pythtb:TBModel.make_finite", "pyqula": "pyqula:ribbon",
        "tbkit": "tbkit:KSpace.surface_spectral_function",
    },
    "mean field, superconductors": {"pyqula": "pyqula:meanfield", "tbkit": "tbkit:bdg"},
    "periodically driven systems": {"tbkit": "tbkit:FloquetKSpace"},
}  # fmt: skip
ASK = """
import importlib, json, sys
def there(name):
    module, _, path = name.partition(":")
    thing = importlib.import_module(module)
    for part in path.split("."):
        if not hasattr(thing, part):
            try:
                importlib.import_module(f"{thing.__name__}.{part}")
            except Exception:
                return False
        thing = getattr(thing, part)
    return True
found = {name: there(name) for name in json.loads(sys.argv[1])}
print(json.dumps(found))
"""


def missing(package: str) -> list[str]:
    """Names of `FEATURES` that a package does not have."""
    names = [row[package] for row in FEATURES.values() if package in row]
    python = sys.executable if package == OURS else str(interpreter(package))
    done = subprocess.run(
        [python, "-W", "ignore", "-c", ASK, json.dumps(names)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return [name for name, there in found.items() if not there]


def table() -> str:
    """Markdown; every name has been found where it stands."""
    for package in COLUMNS:
        if lacking := missing(package):
            raise ValueError(f"Package {package} must have the names of the table, but: {lacking}.")
    return unchecked()


def unchecked() -> str:
    """The same without a look into the packages."""
    lines = [f"| | {' | '.join(TITLES)} |", "|---|" + "---|" * len(COLUMNS)]
    for feature, names in FEATURES.items():
        cells = [f"`{names[c].partition(':')[2]}`" if c in names else "" for c in COLUMNS]
        lines.append(f"| {feature} | {' | '.join(cells)} |")
    return "\n".join(lines)
