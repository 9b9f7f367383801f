"""Size and structure of the package: files, lines, importers, docstrings, files that a call visits.

python -m benchmarks.quality.structure            # this checkout
python -m benchmarks.quality.structure FOLDER     # another checkout, such as a worktree of a tag

Lines of code are lines with a token that is neither a comment nor part of a docstring. The median
is that of lines, not of files: half of all lines are in files of at least this length. A full
docstring has a section of parameters, returns or attributes. Files visited are those of which a
function runs during the call, with kernels as plain Python.
"""

from __future__ import annotations

import ast
import io
import os
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path

SECTIONS = ("Parameters\n", "Returns\n", "Attributes\n")
IGNORED = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENCODING, tokenize.ENDMARKER,
}  # fmt: skip
#: Calls whose files are counted, on data that exist already.
WALKS = {
    "recipe, through a shard": (
        """
from pathlib import Path
from topophys.datasets import Recipe, draw_shard
recipe = Recipe.from_toml(Path(ROOT) / "datasets" / "tiny" / "winding.toml")
""",
        "draw_shard(recipe, recipe.split[0].name, 0)",
    ),
    "h_k, through chern_number": (
        """
import topophys as tp
h_k = tp.models.bhz(1.0, delta=0.3).on_grid((8, 8))
""",
        "tp.chern_number(h_k, n_occupied=2)",
    ),
}
#: Runs in a process of its own, where `topophys` is that of the checkout.
TRACER = """
import sys
{setup}
seen = set()
def note(frame, event, arg):
    seen.add(frame.f_code.co_filename)
sys.setprofile(note)
{call}
sys.setprofile(None)
package = {root!r} + "/topophys/"
own = sorted(f.removeprefix(package) for f in seen if f.startswith(package))
print(*own, sep="\\n")
"""


def code_lines(source: str) -> set[int]:
    """Lines with code proper."""
    tree, lines = ast.parse(source), set[int]()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in IGNORED:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            first = body[0].value
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                lines -= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    return lines


def imported(name: str, tree: ast.Module, modules: set[str]) -> set[str]:
    """Modules of the package that a module imports, also inside functions and for types."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return (found & modules) - {name}


def measure(root: Path) -> dict[str, object]:
    """Static figures of a checkout."""
    package = root / "topophys"
    paths = sorted(package.rglob("*.py"))
    names = {
        path: ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in paths
    }
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    trees = {path: ast.parse(source) for path, source in sources.items()}
    sizes = sorted(source.count("\n") for source in sources.values())
    half, total = sum(sizes) / 2, 0
    for median in sizes:
        total += median
        if total >= half:
            break
    modules = {n for p, n in names.items() if p.name != "__init__.py"}
    importers: Counter[str] = Counter()
    for path in paths:
        if path.name != "__init__.py":
            importers.update(imported(names[path], trees[path], modules))
    full = Counter[str]()
    for path in paths:
        for node in ast.walk(trees[path]):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                full["definitions"] += 1
                full["with a docstring"] += bool(text)
                full["with a full docstring"] += any(section in text for section in SECTIONS)
    return {
        "files": len(paths),
        "lines": sum(sizes),
        "lines of code": sum(len(code_lines(source)) for source in sources.values()),
        "file of the median line": median,
        "files over 800 lines": sum(size > 800 for size in sizes),
        "modules with one importer": sum(n == 1 for n in importers.values()),
        "of these under 120 lines": sum(
            importers[name] == 1 and sources[path].count("\n") < 120 for path, name in names.items()
        ),
        **full,
    }


def visited(root: Path, setup: str, call: str) -> list[str]:
    """Files of the package with a frame while a call runs; kernels run as Python."""
    script = TRACER.format(setup=f"ROOT = {str(root)!r}\n{setup}", call=call, root=str(root))
    made = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    return made.stdout.split() if made.returncode == 0 else [made.stderr.strip()[-200:]]


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    for name, value in measure(root).items():
        print(f"{name}: {value:,}")
    for name, (setup, call) in WALKS.items():
        files = visited(root, setup, call)
        print(f"{name}: {len(files)} files: {', '.join(files)}")


if __name__ == "__main__":
    main()
