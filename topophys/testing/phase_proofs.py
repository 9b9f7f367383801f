"""Proofs about phases as archives, archives made false, and the truth by means that prove nothing.

Used by the tests in small numbers and by `python -m benchmarks.quality.phase_proofs` in large ones.
"""

import io
import json
import tempfile
import time
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np

import topophys as tp
from topophys import checker, phase_checker
from topophys.testing.certificates import mutated as mutated_certificate

STATEMENT = phase_checker.STATEMENT


def _plane(family, domain, share, **options):
    found = tp.certify_phases(family, domain, share=min(0.99, share + 0.1), **options)
    return lambda path: found.save_proof(path, share=share)


def _pair(*stops, **options):
    found = tp.certify_equivalent(stops[0], stops[-1], waypoints=stops[1:-1], **options)
    return found.save


def _three(v, phi):
    site = np.cos(2.0 * np.pi * np.arange(3) / 3.0 + phi)
    return tp.models.hofstadter(1, 3) + tp.FourierHamiltonian({(0, 0): v * np.diag(site)})


def _classes(hamiltonians, **options):
    return tp.cluster_phases(list(hamiltonians), **options).save


#: Archives of every kind of statement, with few boxes each.
MAKERS = {
    "Chern number, line": lambda: _plane(tp.models.qwz, {"m": (-3.0, 3.0)}, 0.7),
    "Chern number, plane": lambda: _plane(
        tp.models.haldane, {"phi": (0.5, 2.5), "m": (-6.0, 6.0)}, 0.3, fixed={"t2": 1.0}
    ),
    "Chern number, three bands": lambda: _plane(
        _three, {"v": (-0.4, 0.4), "phi": (0.0, 1.0)}, 0.4,
        dependence={"v": "affine", "phi": "trigonometric"},
    ),
    "winding number, plane": lambda: _plane(
        tp.models.ssh, {"t2": (-2.0, 2.0), "t3": (-2.0, 2.0)}, 0.3, fixed={"t1": 1.0}
    ),
    "Z2 invariant, line": lambda: _plane(
        tp.models.bhz, {"m": (-2.0, 3.0)}, 0.8, time_reversal="up first"
    ),
    "gap, chain": lambda: _plane(
        tp.models.rice_mele, {"delta": (-2.0, 2.0)}, 0.7, fixed={"t1": 1.0, "t2": 1.0},
        quantity="gap",
    ),
    "one phase": lambda: _pair(*(tp.models.qwz(m) for m in (-1.5, -0.5, -1.2))),
    "one phase, Z2": lambda: _pair(tp.models.bhz(1.0), tp.models.bhz(2.0), symmetry="up first"),
    "one phase, three dimensions": lambda: _pair(*(
        tp.models.weyl_semimetal(k) + tp.FourierHamiltonian({(0, 0, 0): np.diag([9.0, -9.0])})
        for k in (1.0, 1.5)
    )),
    "different phases": lambda: _pair(tp.models.qwz(-1.5), tp.models.qwz(0.5)),
    "different phases, Z2": lambda: _pair(
        tp.models.bhz(1.0), tp.models.bhz(-1.0), symmetry="up first"
    ),
    "different phases, chiral": lambda: _pair(
        tp.models.ssh(1.0, 0.2), tp.models.ssh(1.0, 3.0), symmetry="chiral"
    ),
    "classes, Chern number": lambda: _classes(map(tp.models.qwz, (-1.5, 0.5, -0.5, 2.5, 1.5))),
    "classes, winding number": lambda: _classes(
        (tp.models.ssh(1.0, t) for t in (0.2, 3.0, 0.3, 0.5, -2.0)), symmetry="chiral"
    ),
    "classes, Z2 invariant": lambda: _classes(
        map(tp.models.bhz, (1.0, 2.0, -1.0)), symmetry="up first"
    ),
    "class": lambda: _classes(tp.models.rice_mele(1.0, 0.5, d) for d in (0.5, -0.5, 0.3)),
}  # fmt: skip
KINDS = tuple(MAKERS)


@cache
def archive(kind):
    """Texts of an archive by name."""
    with tempfile.TemporaryDirectory() as folder:
        path = MAKERS[kind]()(Path(folder) / "x.phases.zip")
        with zipfile.ZipFile(path) as files:
            return {name: files.read(name).decode() for name in files.namelist()}


def packed(texts):
    """Open archive of texts by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as files:
        for name, text in texts.items():
            files.writestr(name, text)
    return zipfile.ZipFile(buffer)


def verdict(texts):
    """What the checker says of an archive: accepted, rejected or unreadable; and why."""
    try:
        return "accepted", phase_checker.check_zip(packed(texts))
    except checker.RejectedError as error:
        return "rejected", str(error)
    except checker.UnreadableError as error:
        return "unreadable", str(error)


# ------------------------------------------------------------------ archives made false


def _float(word):
    return 0.0 if word == "0" else float.fromhex(word)


def _hex(x):
    return "0" if x == 0.0 else float(x).hex()


def _moved(word, rng):
    """Another number near a given one, or far from it."""
    x, step = _float(word), 10.0 ** rng.uniform(-6, 1) * rng.choice([-1.0, 1.0])
    return _hex(x * (1.0 + step) + step * (rng.random() < 0.5))


def _leaves(data):
    return [i for i, x in enumerate(data["evidence"]["boxes"]) if not isinstance(x, list)]


def _value(data, rng):
    one = data["claim"]["regions"][int(rng.integers(len(data["claim"]["regions"])))]
    one["value"] += int(rng.choice([-2, -1, 1, 2]))


def _gap(data, rng):
    one = data["claim"]["regions"][int(rng.integers(len(data["claim"]["regions"])))]
    one["gap_lower"] = _hex(_float(one["gap_lower"]) * 10.0 ** rng.uniform(0.01, 3) + 1e-9)


def _cut(data, rng):
    boxes = data["evidence"]["boxes"]
    cuts = [x for x in boxes if isinstance(x, list)]
    if cuts:
        one = cuts[int(rng.integers(len(cuts)))]
        one[1] = _moved(one[1], rng)


def _axis(data, rng):
    cuts = [x for x in data["evidence"]["boxes"] if isinstance(x, list)]
    if cuts:
        cuts[int(rng.integers(len(cuts)))][0] = int(rng.integers(-1, 3))


def _leaf(data, rng):
    at = _leaves(data)[int(rng.integers(len(_leaves(data))))]
    data["evidence"]["boxes"][at] = int(rng.integers(-1, len(data["claim"]["regions"]) + 1))


def _filled_in(data, rng):
    """An open box is given the certificate of another one."""
    boxes, files = data["evidence"]["boxes"], data["evidence"]["files"]
    open_ = [i for i in _leaves(data) if boxes[i] == -1]
    if open_ and files:
        at = open_[int(rng.integers(len(open_)))]
        row = sum(boxes[i] != -1 for i in _leaves(data) if i < at)
        boxes[at] = int(rng.integers(len(data["claim"]["regions"])))
        files.insert(row, dict(files[int(rng.integers(len(files)))]))


def _all_one(data, rng):
    """The whole domain as one box."""
    data["evidence"]["boxes"] = [0]
    data["evidence"]["files"] = data["evidence"]["files"][:1]
    data["claim"]["regions"] = data["claim"]["regions"][:1]


def _swap(data, rng):
    files = data["evidence"]["files"]
    if len(files) > 1:
        i, j = rng.choice(len(files), 2, replace=False)
        files[i], files[j] = files[j], files[i]


def _repeat(data, rng):
    files = data["evidence"]["files"]
    if files:
        i, j = rng.integers(len(files), size=2)
        files[i]["file"] = files[j]["file"]


def _axes(data, rng):
    files = data["evidence"]["files"]
    if files:
        one = files[int(rng.integers(len(files)))]
        one["axes"] = [] if one["axes"] else [int(rng.integers(-1, 2))]


def _point(data, rng):
    points = data["evidence"]["points"]
    if points:
        one, what = points[int(rng.integers(len(points)))], int(rng.integers(4))
        if what == 0:
            j = int(rng.integers(len(one["at"])))
            one["at"][j] = _moved(one["at"][j], rng)
        elif what == 1:
            one["region"] = int(rng.integers(-1, len(data["claim"]["regions"]) + 1))
        elif what == 2:
            points.remove(one)
        else:
            one["file"] = points[int(rng.integers(len(points)))]["file"]


def _merged(data, rng):
    """Two regions become one."""
    regions, boxes = data["claim"]["regions"], data["evidence"]["boxes"]
    if len(regions) > 1:
        last = len(regions) - 1
        regions.pop()
        to = int(rng.integers(last))
        data["evidence"]["boxes"] = [to if x == last else x for x in boxes]
        for point in data["evidence"]["points"]:
            point["region"] = to if point["region"] == last else point["region"]


def _range(data, rng):
    one = data["question"]["parameters"][0]
    name = str(rng.choice(["lower", "upper", "centre", "unit"]))
    one[name] = _moved(one[name], rng)


def _dependence(data, rng):
    one = data["question"]["parameters"][0]
    if rng.random() < 0.5:
        one["dependence"] = str(rng.choice(["polynomial", "trigonometric", "path", "affine"]))
    else:
        one["degree"] += int(rng.choice([-1, 1]))


def _hopping(data, rng):
    terms = [t for t in data["question"]["family"] if t]
    term = terms[int(rng.integers(len(terms)))]
    if rng.random() < 0.2:
        term.pop(int(rng.integers(len(term))))
        return
    item = term[int(rng.integers(len(term)))]
    if rng.random() < 0.2:
        j = int(rng.integers(len(item[0])))
        item[0][j] += int(rng.choice([-1, 1]))
        return
    words = item[1].split(" ")
    at = int(rng.integers(len(words)))
    words[at] = _moved(words[at], rng)
    item[1] = " ".join(words)


def _terms(data, rng):
    """Two terms of the family change places."""
    family = data["question"]["family"]
    i, j = rng.integers(len(family), size=2)
    family[i], family[j] = family[j], family[i]


def _error(data, rng):
    data["question"]["error"] = _hex(_float(data["question"]["error"]) + 10.0 ** rng.uniform(-9, 1))


def _numbers(data, rng):
    name = str(rng.choice(["dimension", "bands", "n_occupied"]))
    data["question"][name] += int(rng.choice([-1, 1]))


def _quantity(data, rng):
    data["question"]["quantity"] = str(rng.choice([*phase_checker.QUANTITIES, "Weyl charge"]))


def _reversal(data, rng):
    words = data["question"].get("time_reversal")
    if words is None:
        data["question"]["time_reversal"] = "0 0 1 0 -1 0 0 0"
        return
    words = words.split(" ")
    at = int(rng.integers(len(words)))
    words[at] = _moved(words[at], rng)
    data["question"]["time_reversal"] = " ".join(words)


def _key(data, rng):
    part = data[str(rng.choice(["question", "claim", "evidence"]))]
    name = str(rng.choice(list(part)))
    odd = [None, -1, 10**30, "x", [], {}, [0], [[0, "0x1p+0"]], 0.5]
    if rng.random() < 0.3:
        del part[name]
    else:
        part[name] = odd[int(rng.integers(len(odd)))]


CHANGES = (
    _value, _gap, _cut, _axis, _leaf, _filled_in, _all_one, _swap, _repeat, _axes, _point, _merged,
    _range, _dependence, _hopping, _hopping, _terms, _error, _numbers, _quantity, _reversal, _key,
)  # fmt: skip


def _class(data, rng):
    classes = data["claim"]["classes"]
    classes[int(rng.integers(len(classes)))] += int(rng.choice([-1, 1]))


def _class_value(data, rng):
    values = data["claim"]["values"]
    at = int(rng.integers(len(values)))
    old = values[at]
    values[at] = None if old is not None and rng.random() < 0.3 else int(rng.integers(-2, 3))


def _united(data, rng):
    """Two classes become one, by name alone or with a path of another pair."""
    claim = data["claim"]
    last = len(claim["values"]) - 1
    to = int(rng.integers(max(1, last)))
    moved = [i for i, c in enumerate(claim["classes"]) if c == last]
    claim["classes"] = [to if c == last else c for c in claim["classes"]]
    claim["values"].pop()
    evidence = data["evidence"]
    evidence["integers"] = [x for x in evidence["integers"] if x["at"] not in moved]
    if rng.random() < 0.7 and evidence["paths"]:
        path = dict(evidence["paths"][int(rng.integers(len(evidence["paths"])))])
        path["from"], path["to"] = claim["classes"].index(to), moved[0]
        evidence["paths"].append(path)


def _way(data, rng):
    paths = data["evidence"]["paths"]
    one, what = paths[int(rng.integers(len(paths)))], int(rng.integers(4))
    if what < 2:
        one[("from", "to")[what]] = int(rng.integers(-1, len(data["claim"]["classes"]) + 1))
    elif what == 2:
        paths.remove(one)
    else:
        one["file"] = paths[int(rng.integers(len(paths)))]["file"]


def _class_integer(data, rng):
    proofs = data["evidence"]["integers"]
    if proofs:
        one, what = proofs[int(rng.integers(len(proofs)))], int(rng.integers(3))
        if what == 0:
            one["at"] = int(rng.integers(-1, len(data["claim"]["classes"]) + 1))
        elif what == 1:
            proofs.remove(one)
        else:
            one["file"] = proofs[int(rng.integers(len(proofs)))]["file"]


CLASS_CHANGES = (
    _class, _class, _class_value, _class_value, _united, _united, _way, _way, _class_integer,
    _range, _dependence, _hopping, _hopping, _terms, _terms, _error, _numbers, _quantity,
    _reversal, _key,
)  # fmt: skip


def is_classes(texts):
    """Whether an archive is about classes of Hamiltonians."""
    return f'"{phase_checker.CLASSES}"' in texts[STATEMENT]


def mutated(texts, rng):
    """Changed texts and the name of the change."""
    out, pick = dict(texts), rng.random()
    ways = [name for name in texts if name.endswith(".path.json")]
    if ways and rng.random() < 0.2:
        name = str(rng.choice(ways))
        data = json.loads(texts[name])
        change = CHANGES[int(rng.integers(len(CHANGES)))]
        change(data, rng)
        out[name] = json.dumps(data)
        return out, f"path: {change.__name__.strip('_')}"
    members = [name for name in texts if name.endswith(".cert.json")]
    if pick < 0.15:
        name = str(rng.choice(members))
        try:
            out[name], change = mutated_certificate(texts[name], rng)
        except (KeyError, IndexError, TypeError, ValueError):  # not made for certificates of boxes
            return out, "none"
        return out, f"certificate: {change}"
    if pick < 0.25:
        name = str(rng.choice(members))
        data = json.loads(texts[name])
        if rng.random() < 0.5:
            data["question"]["amplitude_error"] = _hex(
                _float(data["question"]["amplitude_error"]) * rng.uniform(0.0, 0.95)
            )
            change = "certificate: smaller error"
        else:
            item = data["question"]["hoppings"][
                int(rng.integers(len(data["question"]["hoppings"])))
            ]
            words = item[1].split(" ")
            at = int(rng.integers(len(words)))
            words[at] = _moved(words[at], rng)
            item[1] = " ".join(words)
            change = "certificate: hopping"
        out[name] = json.dumps(data)
        return out, change
    if pick < 0.3:
        del out[str(rng.choice(members))]
        return out, "certificate is missing"
    data = json.loads(texts[STATEMENT])
    changes = CLASS_CHANGES if is_classes(texts) else CHANGES
    change = changes[int(rng.integers(len(changes)))]
    change(data, rng)
    out[STATEMENT] = json.dumps(data)
    return out, change.__name__.strip("_")


# ------------------------------------------------------------------ the truth, on grids


def _basis(parameter, x):
    kind, degree = parameter["dependence"], parameter["degree"]
    if kind == "polynomial":
        u = (x - _float(parameter["centre"])) / _float(parameter["unit"])
        return [u**a for a in range(degree + 1)]
    if kind == "trigonometric":
        return [1.0] + [f(n * x) for n in range(1, degree + 1) for f in (np.cos, np.sin)]
    return [max(0.0, 1.0 - abs(x - i)) for i in range(degree)]


def hoppings_at(question, point):
    """Hoppings {R: matrix} of a statement at a point, those at -R included."""
    weights = [1.0]
    for parameter, x in zip(question["parameters"], point, strict=True):
        weights = [a * b for a in weights for b in _basis(parameter, x)]
    chain = question["quantity"] == "winding number"
    n = question["n_occupied"] if chain else question["bands"]
    found = {}
    for weight, term in zip(weights, question["family"], strict=True):
        for r, words in term:
            parts = np.array([_float(w) for w in words.split(" ")])
            h = weight * (parts[::2] + 1j * parts[1::2]).reshape(n, n)
            found[tuple(r)] = found.get(tuple(r), 0.0) + h
            if not chain and any(r):
                mirror = tuple(-x for x in r)
                found[mirror] = found.get(mirror, 0.0) + h.conj().T
    return found


def _sampled(question, point):
    """Gap and integer at a point; None where sampling does not tell the integer."""
    hops = hoppings_at(question, point)
    if question["quantity"] == "winding number":
        h = tp.ChiralHamiltonian(hops)
        gap = 2.0 * np.linalg.svd(h.on_grid(512)[..., :h.n_bands // 2, h.n_bands // 2 :],
                                  compute_uv=False).min()  # fmt: skip
        return gap, int(tp.winding_number(h, grid=512))
    filled = question["n_occupied"]
    h = tp.FourierHamiltonian(hops, n_occupied=filled)
    grid = {1: 256, 2: 48, 3: 16}[h.dim]
    energy = np.linalg.eigvalsh(h.on_grid(grid))
    gap = float((energy[..., filled] - energy[..., filled - 1]).min())
    if question["quantity"] == "gap":
        return gap, filled
    if question["quantity"] == "Chern number":
        return gap, int(tp.chern_number(h.on_grid(grid), n_occupied=filled))
    parts = np.array([_float(w) for w in question["time_reversal"].split(" ")])
    u = (parts[::2] + 1j * parts[1::2]).reshape(h.n_bands, h.n_bands)
    found = tp.z2_invariant(h, n_occupied=filled, time_reversal=u)
    return gap, int(found.value) if found.resolved.all() else None


def claim_is_true(texts, rng, points=3):
    """Whether a statement agrees with sampled gaps and integers at random points of its boxes."""
    if is_classes(texts):
        return _classes_are_true(texts, rng)
    data = json.loads(texts[STATEMENT])
    question, regions = data["question"], data["claim"]["regions"]
    for region, low, high in _boxes(data):
        for _ in range(points if len(data["evidence"]["boxes"]) < 20 else 1):
            at = [float(rng.uniform(a, b)) for a, b in zip(low, high, strict=True)]
            gap, value = _sampled(question, at)
            one = regions[region]
            away = gap < _float(one["gap_lower"]) * (1.0 - 1e-9)
            if away or value not in (None, one["value"]):
                return False
    for point in data["evidence"]["points"]:
        _, value = _sampled(question, [_float(x) for x in point["at"]])
        if value not in (None, regions[point["region"]]["value"]):
            return False
    return True


def _classes_are_true(texts, rng):
    """Whether members of a class have its integer, and gaps of paths are those of samples."""
    data = json.loads(texts[STATEMENT])
    claim = data["claim"]
    found = {}
    for i, number in enumerate(claim["classes"]):
        gap, value = _sampled(data["question"], [float(i)])
        wanted = found.setdefault(number, claim["values"][number])
        if not gap > 0.0 or (None not in (wanted, value) and wanted != value):
            return False
        found[number] = value if wanted is None else wanted
    ways = [path["file"] for path in data["evidence"]["paths"]]
    return all(claim_is_true({STATEMENT: texts[name]}, rng) for name in ways)


def _boxes(data):
    """Region, lower and upper corners of all boxes of regions."""
    ends = [[_float(p[x]) for p in data["question"]["parameters"]] for x in ("lower", "upper")]
    todo, rest = [ends], iter(data["evidence"]["boxes"])
    while todo:
        low, high = todo.pop()
        token = next(rest)
        if isinstance(token, list):
            axis, cut = token[0], _float(token[1])
            middle_low, middle_high = list(low), list(high)
            middle_low[axis], middle_high[axis] = cut, cut
            todo += [[middle_low, high], [low, middle_high]]
        elif token >= 0:
            yield token, low, high


def trial(kind, n_mutants, seed):
    """What the checker says of an archive and of mutants of it; counts as JSON."""
    rng = np.random.default_rng([KINDS.index(kind), *np.atleast_1d(seed)])
    texts = archive(kind)
    begun = time.process_time()
    said, why = verdict(texts)
    spent = time.process_time() - begun
    wrong = [] if said == "accepted" else [[kind, "unchanged", why]]
    counts, changes = Counter(), {}
    while counts.total() < n_mutants:
        changed, change = mutated(texts, rng)
        if all(json_equal(changed.get(name), text) for name, text in texts.items()):
            continue
        said, why = verdict(changed)
        if said == "accepted":
            said = "still true" if claim_is_true(changed, rng) else "WRONG"
            if said == "WRONG":
                wrong.append([kind, change, why])
        counts[said] += 1
        changes.setdefault(change, Counter())[said] += 1
    return {
        "kind": kind, "seconds": round(spent, 2), "files": len(texts) - 1,
        "bytes": sum(map(len, texts.values())), "wrong": wrong, "counts": dict(counts),
        "changes": {k: dict(v) for k, v in changes.items()},
    }  # fmt: skip


def json_equal(one, two):
    """Whether two texts say the same."""
    if one is None or one == two:
        return one == two
    try:
        return bool(json.loads(one) == json.loads(two))
    except (ValueError, RecursionError):
        return False
