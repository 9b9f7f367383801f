"""Write the pages of the gallery from the first lines of its scripts; with an option, pictures.

python docs/gallery/make.py                  # the pages
python docs/gallery/make.py --pictures       # all pictures too; minutes
"""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "haldane_phases", "proven_phases", "tenfold_way", "tenfold_models", "phase_classes",
    "fixed_grid", "leaves", "det_loops", "winding_angle", "probe_controls", "curvature_c3",
    "edge_states", "hofstadter", "mos2_flow", "finite_flake", "coarse_grid", "noise",
    "toy_materials",
)  # fmt: skip
SYSTEMS = (
    "kitaev", "kramers_chain", "non_hermitian", "p_plus_ip", "bhz", "kane_mele", "mirror",
    "spin_chern", "localizer", "fu_kane_mele", "axion", "helium", "four_dimensions",
)  # fmt: skip
HEAD = """# Gallery

Each entry is a figure with its script of at most fifty lines; the tests run the scripts. The page
is written by `python docs/gallery/make.py`, which also draws the figures with `--pictures`.
Networks are trained in seconds by [small_runs](small_runs.py); the [results](../results.md) contain
figures of long trainings. [Thirteen systems](systems.md) of the tenfold way have a page of their
own.
"""
SYSTEMS_HEAD = """# Thirteen systems of the tenfold way

One system for each kind of invariant: on the left what a boundary shows, on the right the integers,
all of them [proven](../theory/tenfold.md), with textbook transitions dotted. Red levels are of
states in the last quarter of the system, blue ones, drawn over red ones, in the first.
[Cuts and axes](boundary.py) are common to all scripts; the page is written by
`python docs/gallery/make.py`.
"""


def entry(name: str) -> str:
    """Heading, picture, words and code of one script."""
    tree = ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))
    title, _, words = (ast.get_docstring(tree) or "").partition("\n")
    title = title.rstrip(".")
    return f"## {title}\n\n{words.strip()}\n\n![{title}]({name}.png)\n\n[{name}.py]({name}.py)\n"


def page() -> str:
    """Markdown of the whole gallery."""
    return "\n".join([HEAD, *map(entry, SCRIPTS)])


def systems_page() -> str:
    """Markdown of the systems of the tenfold way."""
    return "\n".join([SYSTEMS_HEAD, *(entry(f"system_{name}") for name in SYSTEMS)])


if __name__ == "__main__":
    (HERE / "index.md").write_text(page(), encoding="utf-8")
    (HERE / "systems.md").write_text(systems_page(), encoding="utf-8")
    if sys.argv[1:] == ["--pictures"]:
        for script in (*SCRIPTS, *(f"system_{name}" for name in SYSTEMS)):
            print(script, flush=True)
            runpy.run_path(str(HERE / f"{script}.py"), run_name="__main__")
