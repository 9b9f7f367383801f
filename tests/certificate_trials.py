"""Certificates of all kinds, files made false, and the truth by means that prove nothing.

Used by the tests in small numbers and by `python -m benchmarks.checker` in large ones.
"""

import base64
import copy
import json
import struct

import numpy as np

import topophys as tp
from topophys.errors import InputError
from topophys.invariants.certificate_file import document_of
from topophys.invariants.evidence import Proof

#: Share of each kind in a trial: chains and two bands are quick, many bands are not.
KINDS = {
    "chain": 0.5,
    "two bands": 0.22,
    "gap 1D": 0.12,
    "gap 2D": 0.03,
    "bands": 0.04,
    "Z2": 0.04,
    "Weyl": 0.05,
}


def gaussian(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def hermitian(rng, n, vectors, scale=1.0):
    """Random hoppings; those of longer vectors are smaller."""
    hop = {}
    for vector in vectors:
        a = gaussian(rng, n, n) * scale / (1 + np.abs(vector).sum() ** 2)
        hop[tuple(vector)] = a if any(vector) else a + a.conj().T
    return hop


def certificate(kind, rng):  # noqa: PLR0911  (one branch for each kind)
    """One random certified result of a kind, or None."""
    scale = 10.0 ** rng.uniform(-3, 3) if rng.random() < 0.8 else 10.0 ** rng.uniform(-250, 250)
    min_gap = float(rng.choice([0.0, 0.0, 1e-3])) * scale
    if kind == "chain":
        n = int(rng.choice([1, 1, 2, 2, 3, 4, 6]))
        low, high = -int(rng.integers(0, 3)), int(rng.integers(0, 4))
        if rng.random() < 0.05 and n < 3:
            high += int(rng.integers(5, 60))
        block = {(r,): gaussian(rng, n, n) * scale for r in range(low, high + 1)}
        return tp.certify_winding(tp.ChiralHamiltonian(block), min_gap=min_gap)
    if kind == "two bands":
        pick = rng.random()
        if pick < 0.3:
            return tp.certify_chern(tp.models.qwz(float(rng.uniform(-3, 3))))
        if pick < 0.4:
            m, t2, phi = rng.uniform(-2, 2), rng.uniform(0, 0.4), rng.uniform(-3, 3)
            return tp.certify_chern(tp.models.haldane(m, t2, phi))
        reach = 1 if pick < 0.9 else 2
        square = [(x, y) for x in range(-reach, reach + 1) for y in range(-reach, reach + 1)]
        hop = hermitian(rng, 2, [v for v in square if v >= (0, 0)], scale)
        return tp.certify_chern(tp.FourierHamiltonian(hop), min_gap=min_gap)
    if kind == "gap 1D":
        n = int(rng.integers(2, 6))
        hop = hermitian(rng, n, [(r,) for r in range(int(rng.integers(2, 4)))], scale)
        filled = int(rng.integers(1, n))
        return tp.certify_gap(tp.FourierHamiltonian(hop), n_occupied=filled, min_gap=min_gap)
    if kind == "gap 2D":
        n = int(rng.integers(2, 5))
        hop = hermitian(rng, n, [(0, 0), (0, 1), (1, 0), (1, -1)], scale)
        filled = int(rng.integers(1, n))
        return tp.certify_gap(tp.FourierHamiltonian(hop), n_occupied=filled, min_gap=min_gap)
    if kind == "bands":
        n = int(rng.integers(3, 7))
        hop = hermitian(rng, n, [(0, 0), (0, 1), (1, 0), (1, -1)], scale)
        filled = int(rng.integers(1, n))
        return tp.certify_chern(tp.FourierHamiltonian(hop), n_occupied=filled, min_gap=min_gap)
    if kind == "Z2":
        return _spinful(rng, scale)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    velocity = rng.normal(size=(3, 3))
    axes = np.eye(3, dtype=int)
    hop = {
        tuple(axes[i]): -0.5j * scale * np.einsum("j,jab->ab", velocity[i], pauli) for i in range(3)
    }
    hop = {vector: a / scale * 10.0 ** rng.uniform(-3, 3) for vector, a in hop.items()}
    return tp.weyl_charge(
        tp.FourierHamiltonian(hop),
        rng.uniform(-0.1, 0.1, 3),
        half_width=float(rng.uniform(0.2, 0.6)),
    )


def _spinful(rng, scale):
    """Random Hamiltonians with time reversal in a random basis, or BHZ."""
    n = 4
    u = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(n // 2)).astype(complex)
    if rng.random() < 0.4:
        h = tp.models.bhz(float(rng.uniform(-3, 3)), delta=float(rng.uniform(0, 0.3)))
    else:
        q = np.linalg.qr(gaussian(rng, n, n))[0]
        u = q @ u @ q.T
        hop = {}
        for vector, a in hermitian(rng, n, [(0, 0), (0, 1), (1, 0)], scale).items():
            hop[vector] = a + u @ a.conj() @ u.conj().T
        hop[0, 0] = hop[0, 0] + hop[0, 0].conj().T
        h = tp.FourierHamiltonian(hop)
    return tp.z2_invariant(h, n_occupied=2, method="flux", time_reversal=u)


def document(kind, rng):
    """Content of a random certificate file of a kind; None where nothing is proven."""
    found = certificate(kind, rng)
    if str(found.status) != "certified":
        return None
    gap = float(found.gap_lower)
    if kind == "Z2":
        gap = max(0.0, gap - float(found.symmetry_violation))
    proof = Proof(found.asked.question(()))
    try:
        return document_of(proof, int(found.value), gap)
    except InputError:
        return None


# ---------------------------------------------------------------- truth, by sampling


def hoppings_of(question):
    """Lattice vectors and matrices of the whole sum, as a plain reader understands the file."""
    block = "block" in question
    n = question["block"] if block else question["bands"]
    vectors, matrices = [], []
    for vector, words in question["hoppings"]:
        parts = [0.0 if w == "0" else float.fromhex(w) for w in words.split(" ")]
        a = np.array(parts).view(complex).reshape(n, n)
        vectors.append(vector)
        matrices.append(a)
        if not block and any(vector):
            vectors.append([-x for x in vector])
            matrices.append(a.conj().T)
    matrices = np.array(matrices)
    size = np.abs(matrices).max()
    return np.array(vectors), matrices / size, size


def claim_is_true(data):
    """Whether the claim holds as far as dense samples can tell."""
    question, claim = data["question"], data["claim"]
    vectors, matrices, size = hoppings_of(question)
    error = (
        0.0 if question["amplitude_error"] == "0" else float.fromhex(question["amplitude_error"])
    )
    least = (0.0 if claim["gap_lower"] == "0" else float.fromhex(claim["gap_lower"])) / size
    least = (least + 2.0 * error / size) * (1.0 - 1e-9)
    quantity, value = question["quantity"], claim["value"]
    if quantity == "winding number":
        k = 2 * np.pi * np.arange(8192) / 8192
        d = np.einsum("kr,rij->kij", np.exp(1j * np.outer(k, vectors[:, 0])), matrices)
        det = np.linalg.det(d)
        turns = np.angle(np.roll(det, -1) / det).sum() / (2 * np.pi)
        gap = 2 * np.linalg.svd(d, compute_uv=False)[:, -1].min()
        return round(float(turns)) == value and gap >= least
    filled = question["n_occupied"]
    if quantity == "Weyl charge":
        box = [np.array([float.fromhex(w) if w != "0" else 0.0 for w in question[key]])
               for key in ("centre", "half_width")]  # fmt: skip
        h = tp.FourierHamiltonian(
            {tuple(v.tolist()): a for v, a in zip(vectors, matrices, strict=True)}
        )
        found = tp.weyl_charge(h, box[0], half_width=box[1], n_occupied=filled, max_cells=128)
        return bool(found.certified) and int(found.value) == value and found.gap_upper >= least
    dim = len(vectors[0])
    points = {1: 4096, 2: 96, 3: 24}[dim]
    line = 2 * np.pi * np.arange(points) / points
    k = np.stack(np.meshgrid(*[line] * dim, indexing="ij"), -1)
    h_k = np.einsum("...r,rij->...ij", np.exp(1j * (k @ vectors.T)), matrices)
    energy = np.linalg.eigvalsh(h_k)
    if (energy[..., filled] - energy[..., filled - 1]).min() < least:
        return False
    if quantity == "gap":
        return value == filled
    if quantity == "Chern number":
        return int(tp.chern_number(h_k, n_occupied=filled)) == value
    h = tp.FourierHamiltonian(
        {tuple(v.tolist()): a for v, a in zip(vectors, matrices, strict=True)}
    )
    return int(tp.z2_invariant(h, n_occupied=filled, tolerance=1e9, prove=False).value) == value


# ---------------------------------------------------------------- files made false


def _word(x):
    return "0" if x == 0 else float(x).hex()


def _value(data, rng):
    data["claim"]["value"] += int(rng.choice([-2, -1, 1, 2]))


def _sign(data, rng):
    data["claim"]["value"] = -data["claim"]["value"] or 1


def _gap(data, rng):
    gap = data["claim"]["gap_lower"]
    gap = 0.0 if gap == "0" else float.fromhex(gap)
    data["claim"]["gap_lower"] = _word((gap or 1.0) * (1.0 + 10.0 ** rng.uniform(0.5, 3)))


def _hopping(data, rng):
    items = data["question"]["hoppings"]
    item = items[int(rng.integers(len(items)))]
    words = item[1].split(" ")
    at = int(rng.integers(len(words)))
    x = 0.0 if words[at] == "0" else float.fromhex(words[at])
    sizes = [abs(float.fromhex(w)) for w in words if w != "0"] or [1.0]
    words[at] = _word(rng.choice([-x, 3 * x, x + 2 * rng.normal() * max(sizes), 0.0]))
    item[1] = " ".join(words)


def _drop_hopping(data, rng):
    items = data["question"]["hoppings"]
    del items[int(rng.integers(len(items)))]


def _move_hopping(data, rng):
    items = data["question"]["hoppings"]
    vector = items[int(rng.integers(len(items)))][0]
    vector[int(rng.integers(len(vector)))] += int(rng.choice([-1, 1, 2]))


def _error(data, rng):
    gap = data["claim"]["gap_lower"]
    gap = 1.0 if gap == "0" else float.fromhex(gap)
    data["question"]["amplitude_error"] = _word(gap * rng.uniform(1.0, 10.0))


def _filling(data, rng):
    key = "n_occupied" if "n_occupied" in data["question"] else "block"
    data["question"][key] += int(rng.choice([-1, 1]))


def _quantity(data, rng):
    names = ["winding number", "gap", "Chern number", "Z2 invariant", "Weyl charge", "", "charge"]
    data["question"]["quantity"] = str(rng.choice(names))


def _part(data, rng):
    """The evidence, or one of the six faces of a box."""
    evidence = data["evidence"]
    return evidence["faces"][int(rng.integers(6))] if "faces" in evidence else evidence


def _tree(data, rng):
    part = _part(data, rng)
    bits = list(part["tree"])
    at = int(rng.integers(len(bits)))
    what = int(rng.integers(5))
    if what == 0:
        bits[at] = "10"[int(bits[at])]
    elif what == 1:
        del bits[at:]
    elif what == 2:
        bits.append("0")
    elif what == 3:
        bits[at] = str(rng.choice(["2", "x", "", " "]))
    else:
        del bits[at]
    part["tree"] = "".join(bits)


def _coarse(data, rng):
    """One starting cell, the whole zone, called proven."""
    evidence = data["evidence"]
    evidence["start"] = [1 for _ in evidence["start"]]
    _part(data, rng)["tree"] = "0"


def _start(data, rng):
    start = data["evidence"]["start"]
    start[int(rng.integers(len(start)))] += int(rng.choice([-1, 1, 10**6]))


def _bases(data, rng):
    part = _part(data, rng)
    key = str(rng.choice(["bases", "levels"]))
    if key not in part:
        _tree(data, rng)
        return
    raw = bytearray(base64.b64decode(part[key]))
    what, size = int(rng.integers(4)), 4 if key == "bases" else 8
    at = int(rng.integers(len(raw) // size)) * size
    if what == 0:
        raw[at : at + size] = struct.pack("<f" if size == 4 else "<d", float(rng.normal() * 2))
    elif what == 1:
        raw[at : at + size] = struct.pack("<f" if size == 4 else "<d", float("nan"))
    elif what == 2:
        raw = bytearray(rng.permutation(np.frombuffer(bytes(raw), np.uint8)).tobytes())
    else:
        del raw[at : at + size]
    part[key] = base64.b64encode(bytes(raw)).decode()


def _phases(data, rng):
    evidence = data["evidence"]
    if "thin" not in evidence:
        _coarse(data, rng)
        return
    what = int(rng.integers(3))
    plan = evidence["thin"]["tree"]
    at = int(rng.integers(len(plan)))
    if what == 0:
        evidence["thin"]["tree"] = plan[:at] + plan[at + 1 :]
    elif what == 1:
        evidence["thin"]["tree"] = plan[:at] + "12"[int(rng.integers(2))] + plan[at + 1 :]
    else:
        evidence["points"]["at"] = [[x + 1 for x in p] for p in evidence["points"]["at"]] or [[0]]


def _missing(data, rng):
    part = data[str(rng.choice(["question", "claim", "evidence"]))]
    del part[str(rng.choice(sorted(part)))]


def _extra(data, rng):
    data[str(rng.choice(["question", "claim", "evidence"]))]["more"] = 1


def _swapped(data, rng):
    part = data[str(rng.choice(["question", "claim", "evidence"]))]
    if len(part) < 2:
        part = data
    a, b = (str(x) for x in rng.choice(sorted(part), 2, replace=False))
    part[a], part[b] = part[b], part[a]


def _type(data, rng):
    part = data[str(rng.choice(["question", "claim", "evidence"]))]
    key = str(rng.choice(sorted(part)))
    odd = [None, True, [], {}, "", "x", -1, 0.5, 10**18, [[]], "nan", "inf", "0x1p+2000"]
    part[key] = odd[int(rng.integers(len(odd)))]


def _symmetry(data, rng):
    question = data["question"]
    if "time_reversal" not in question:
        _hopping(data, rng)
        return
    words = question["time_reversal"].split(" ")
    at = int(rng.integers(len(words)))
    x = 0.0 if words[at] == "0" else float.fromhex(words[at])
    words[at] = _word(x + 0.1)
    question["time_reversal"] = " ".join(words)


CONTENT = (
    _value, _sign, _gap, _hopping, _drop_hopping, _move_hopping, _error, _filling, _quantity, _tree,
    _coarse, _start, _bases, _phases, _missing, _extra, _swapped, _type, _symmetry,
)  # fmt: skip


def mutated(text, rng):
    """A changed file and the name of the change."""
    if rng.random() < 0.12:
        return _mutated_text(text, rng)
    data = json.loads(text)
    change = CONTENT[int(rng.integers(len(CONTENT)))]
    change(data, rng)
    return json.dumps(data), change.__name__.strip("_")


def _mutated_text(text, rng):
    what = int(rng.integers(5))
    at = int(rng.integers(len(text)))
    if what == 0:
        return text[:at] + chr(int(rng.integers(32, 127))) + text[at + 1 :], "byte"
    if what == 1:
        return text[:at], "cut"
    if what == 2:
        value = json.loads(text)["claim"]["value"]
        return text.replace('"claim": {', f'"claim": {{"value": {value + 1}, ', 1), "doubled key"
    if what == 3:
        odd = str(rng.choice(["NaN", "Infinity", "-Infinity", "1e5", "1" * 5000, "[" * 100_000]))
        return text.replace('"gap_lower": "', f'"gap_lower": {odd}, "x": "', 1), "odd number"
    return text.replace('"depth": ', f'"depth": {int(rng.integers(1, 10**6))}', 1), "depth"


def copied(data):
    """Deep copy."""
    return copy.deepcopy(data)
