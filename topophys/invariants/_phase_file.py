"""Files of phase diagrams: written whole, read back only if they are what was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from topophys._io import begins_with, complete_file, read_npz
from topophys._validation import short
from topophys.errors import InputError
from topophys.invariants._parameter_space import BITS, DEEPEST, Tree

__all__ = ["read_diagram", "write_diagram"]

FORMAT: Final = "topophys phase diagram"
VERSION: Final = 2
_TEXTS: Final = ("quantity", "reason", "fingerprint")
#: What a diagram says of its question besides its quantity.
_CONTEXT: Final = ("bands", "momenta", "energies", "note")
_REGION: Final = {"value": int, "share": float, "gap_lower": float, "n_boxes": int, "point": dict}


def write_diagram(
    path: str | Path,
    about: dict[str, Any],
    domain: NDArray[Any],
    region: NDArray[Any],
    tree: Tree,
    *,
    force: bool = False,
) -> Path:
    """Write a diagram with a digest of all that the file holds."""
    target = Path(path)
    if target.suffix != ".npz":
        raise InputError(f"Argument `path` must end in .npz, but is {path}.")
    arrays = {"domain": domain, "region": region, **vars(tree)}
    about = {"format": FORMAT, "version": VERSION, **about}
    about["sha256"] = _sha256(about, arrays)
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with (
        complete_file(target, ours=_is_diagram, force=force) as part,
        part.open("wb") as stream,
    ):
        np.savez_compressed(stream, about=text, **arrays)
    return target


def _is_diagram(path: Path) -> bool:
    """Whether a file is a diagram that `write_diagram` wrote, of any version."""
    if not begins_with("PK", whole=False)(path):  # archives may begin with anything
        return False
    try:
        about = json.loads(read_npz(path, only="about")["about"].tobytes())
    except (OSError, KeyError, ValueError):
        return False
    return isinstance(about, dict) and about.get("format") == FORMAT


def read_diagram(path: str | Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]], Tree]:
    """Read what is said of a diagram, its domain and regions, and its boxes; all is checked."""

    def refuse(reason: object) -> NoReturn:
        raise InputError(
            f"{path} must be a phase diagram of version {VERSION} that `save` wrote, but is not:"
            f" {short(str(reason))}; save it again."
        ) from None

    try:
        arrays = read_npz(path)
        about = json.loads(arrays.pop("about").tobytes())
        if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (
            FORMAT, VERSION,
        ):  # fmt: skip
            refuse("it is of another format or version")
        given = about.pop("sha256", None)
        if set(arrays) != {"domain", "region", *Tree.__annotations__}:
            refuse(f"it holds arrays {', '.join(sorted(arrays))}")
        if given != _sha256(about, arrays):
            refuse("its digest differs, so something was changed")
    except InputError:
        raise
    except OSError as error:
        refuse(error.strerror or error)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        refuse(f"{type(error).__name__}: {error}")
    wrong = _words(about) or _domain(about, arrays["domain"]) or _boxes(about, arrays)
    if wrong:
        refuse(wrong)
    tree = Tree(**{n: arrays[n].copy() for n in Tree.__annotations__})
    return about, {n: arrays[n] for n in ("domain", "region")}, tree


def _sha256(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> str:
    """Digest of words and arrays, with names, types and shapes."""
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, a in sorted(arrays.items()):
        found.update(f"{name} {a.dtype.str} {a.shape}".encode())
        found.update(np.ascontiguousarray(a).tobytes())
    return found.hexdigest()


def _is_line(x: object) -> bool:
    """Whether this is text of one line, which a terminal prints as it is."""
    return isinstance(x, str) and x.isprintable()


def _words(about: dict[str, Any]) -> str:
    """Return what is wrong with all that is not an array; "" for nothing."""
    names, regions = about.get("names"), about.get("regions")
    if (
        not isinstance(names, list)
        or not 1 <= len(names) <= 3
        or not all(_is_line(n) for n in names)
        or len(set(names)) < len(names)
    ):
        return "it does not name one to three parameters"
    if not all(_is_line(about.get(n)) for n in _TEXTS):
        return f"it lacks a text for {', '.join(_TEXTS)}"
    # files of older versions say nothing of bands, momenta and units
    notes, context = about.get("notes"), about.get("context", [])
    spent = about.get("evaluations")
    if not isinstance(notes, list) or not isinstance(context, list) or not all(
        _is_line(n) for n in notes
    ) or not all(
        isinstance(row, list)
        and len(row) == 2
        and all(_is_line(word) for word in row)
        and row[0] in _CONTEXT
        for row in context
    ):  # fmt: skip
        return "its notes, or its bands, momenta and units, are no texts"
    if type(spent) is not int or spent < 0:
        return "its number of evaluations is none"
    if not isinstance(regions, list) or not all(
        isinstance(r, dict)
        and set(r) == set(_REGION)
        and all(type(r[n]) is kind for n, kind in _REGION.items())
        and set(r["point"]) == set(names)
        and all(type(x) is float for x in r["point"].values())
        for r in regions
    ):
        return "its regions are not described"
    return ""


def _domain(about: dict[str, Any], domain: NDArray[Any]) -> str:
    if domain.dtype != np.float64 or domain.shape != (len(about["names"]), 2):
        return "its ranges are not those of its parameters"
    if not np.isfinite(domain).all() or not (domain[:, 0] < domain[:, 1]).all():
        return "its ranges are not from a lower to an upper end"
    ends = dict(zip(about["names"], domain.tolist(), strict=True))
    if not all(a <= r["point"][n] <= b for r in about["regions"] for n, (a, b) in ends.items()):
        return "a region lies outside of its ranges"
    return ""


def _boxes(about: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> str:
    """Return what is wrong with the boxes, the gaps on them, or the regions they are part of."""
    kinds = {"gap": np.float64, "met": np.float64}
    rows, n = arrays["axis"].size, len(about["names"])
    shapes = {"place": (rows, n), "level": (rows, n), "region": ((rows + 1) // 2,)}
    if not rows or any(
        a.dtype != kinds.get(name, np.int64) or a.shape != shapes.get(name, (rows,))
        for name, a in arrays.items()
        if name != "domain"
    ):
        return "its arrays are of other types or shapes"
    tree = Tree(**{name: arrays[name] for name in Tree.__annotations__})
    if not _tiles(tree):
        return "its boxes do not tile its ranges"
    if not (np.isfinite(tree.gap) & (tree.gap >= 0.0)).all() or not (tree.met >= 0.0).all():
        return "a gap is no number >= 0"
    return _parts(about["regions"], arrays["region"], tree)


def _tiles(tree: Tree) -> bool:
    """Whether each row but the first is one half of one earlier row, the first being all."""
    rows, n = tree.place.shape
    inner = np.flatnonzero(tree.axis >= 0)
    if rows != 1 + 2 * len(inner) or (tree.axis < -1).any() or (tree.axis >= n).any():
        return False
    lower, axis, every = tree.child[inner], tree.axis[inner], np.arange(len(inner))
    both = np.concatenate([lower, lower + 1])
    if not np.array_equal(np.sort(both), np.arange(1, rows)) or not (lower > inner).all():
        return False
    if tree.place[0].any() or tree.level[0].any() or (tree.level > DEEPEST + 1).any():
        return False
    level, step = tree.level[inner].copy(), np.zeros((len(inner), n), np.int64)
    level[every, axis] += 1
    step[every, axis] = np.int64(1) << (BITS - level[every, axis]).clip(0)
    return bool(
        (tree.level[lower] == level).all()
        and (tree.level[lower + 1] == level).all()
        and (tree.place[lower] == tree.place[inner]).all()
        and (tree.place[lower + 1] == tree.place[inner] + step).all()
    )


def _parts(regions: list[dict[str, Any]], region: NDArray[Any], tree: Tree) -> str:
    """Return what regions say that their boxes do not."""
    leaves, held = tree.leaves, np.flatnonzero(region >= 0)
    if (region < -1).any() or (region >= len(regions)).any():
        return "a box is part of no region that is described"
    if not (tree.gap[leaves[held]] > 0.0).all():
        return "a box is part of a region without a proof"
    count, lowest = np.zeros(len(regions), np.int64), np.full(len(regions), np.inf)
    share = np.zeros(len(regions))
    np.add.at(count, region[held], 1)
    np.minimum.at(lowest, region[held], tree.gap[leaves[held]])
    np.add.at(share, region[held], tree.volume(leaves[held]))
    said = [(r["n_boxes"], r["gap_lower"]) for r in regions]
    if said != list(zip(count.tolist(), lowest.tolist(), strict=True)) or not np.allclose(
        [r["share"] for r in regions], share, rtol=1e-9, atol=0.0
    ):
        return "a region says what its boxes do not"
    return ""
