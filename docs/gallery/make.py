"""Write the page of the gallery from the first lines of its scripts; with a name, make its picture.

python docs/gallery/make.py                  # the page
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
HEAD = """# Gallery

Each entry is a figure with its script of at most fifty lines; the tests run the scripts. The page
is written by `python docs/gallery/make.py`, which also draws the figures with `--pictures`.
Networks are trained in seconds by [small_runs](small_runs.py); the [results](../results.md) contain
figures of long trainings.
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


if __name__ == "__main__":
    (HERE / "index.md").write_text(page(), encoding="utf-8")
    if sys.argv[1:] == ["--pictures"]:
        for script in SCRIPTS:
            print(script, flush=True)
            runpy.run_path(str(HERE / f"{script}.py"), run_name="__main__")
