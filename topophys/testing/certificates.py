"""Certificates of all kinds, files made false, and the truth by means that prove nothing.

Used by the tests in small numbers and by `python -m benchmarks.quality.checker` in large ones.
"""

import base64
import copy
import json
import struct
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np

import topophys as tp
from topophys import checker
from topophys.errors import InputError
from topophys.invariants._saving import between
from topophys.invariants._symmetry_files import sector_document
from topophys.invariants.certificate_file import document_of
from topophys.invariants.evidence import Proof
from topophys.testing import certificates_tenfold
from topophys.testing.oracles import block_winds

#: What certificates can be of; a trial makes as many of each.
KINDS = ("chain", "gap 1D", "two bands", "gap 2D", "bands", "Z2", "Weyl", "gap 3D", "Majorana",
         "indirect gap", "Kramers", "mirror", *certificates_tenfold.TENFOLD)  # fmt: skip
#: Share of files whose Hamiltonian is known up to an error only.
UNCERTAIN = 0.25


def gaussian(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def hermitian(rng, n, vectors, scale=1.0):
    """Random hoppings; those of longer vectors are smaller."""
    hop = {}
    for vector in vectors:
        a = gaussian(rng, n, n) * scale / (1 + np.abs(vector).sum() ** 2)
        hop[tuple(vector)] = a if any(vector) else a + a.conj().T
    return hop


def certificate(kind, rng):  # noqa: C901, PLR0911, PLR0912, PLR0915  (one branch for each kind)
    """A random result of a kind; most need few cells, so that many can be tried."""
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
    if kind == "gap 3D":
        n = int(rng.integers(2, 4))
        axes = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)]
        hop = hermitian(rng, n, axes, 10.0 ** rng.uniform(-2, -1) * scale)
        hop[0, 0, 0] = hop[0, 0, 0] + np.diag([-1.0, *np.ones(n - 1)]) * scale
        return tp.certify_gap(tp.FourierHamiltonian(hop), n_occupied=1, min_gap=min_gap)
    if kind == "bands":
        n = int(rng.choice([3, 3, 3, 4, 4, 5, 6]))
        hop = hermitian(rng, n, [(0, 0), (0, 1), (1, 0), (1, -1)], scale)
        filled = int(rng.integers(1, n))
        if rng.random() < 0.5:  # flatter bands
            hop[0, 0] = hop[0, 0] + 6.0 * scale * np.diag(np.arange(n) < filled)
        return tp.certify_chern(tp.FourierHamiltonian(hop), n_occupied=filled, min_gap=min_gap)
    if kind == "Z2":
        return _spinful(rng, scale)
    if kind == "Majorana":
        return _superconductor(rng, scale)
    if kind == "indirect gap":
        return _insulator(rng, scale, min_gap)
    if kind == "Kramers":
        return _kramers(rng, scale)
    if kind == "mirror":
        return _sectors(rng, scale)
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    left, _, right = np.linalg.svd(rng.normal(size=(3, 3)))
    velocity = left @ np.diag(rng.uniform(0.4, 1.0, 3)) @ right
    if rng.random() < 0.1:
        velocity = rng.normal(size=(3, 3))
    axes = np.eye(3, dtype=int)
    size = 10.0 ** rng.uniform(-3, 3)
    hop = {
        tuple(axes[i]): -0.5j * size * np.einsum("j,jab->ab", velocity[i], pauli) for i in range(3)
    }
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


def _superconductor(rng, scale):
    """Random chains with particle-hole symmetry in a random basis, or Kitaev's."""
    if rng.random() < 0.3:
        mu, phase = rng.uniform(-3, 3), float(rng.uniform(0, 6))
        h = tp.models.kitaev_chain_bdg(mu, 1.0, 0.7, phase=phase)
        return tp.majorana_number(h, particle_hole="nambu")
    n, u = int(rng.choice([2, 2, 4, 6])), "nambu"
    flip = np.kron([[0.0, 1.0], [1.0, 0.0]], np.eye(n // 2)).astype(complex)
    if rng.random() < 0.5:
        q = np.linalg.qr(gaussian(rng, n, n))[0]
        u = flip = q @ flip @ q.T
    broken = scale * 10.0 ** rng.uniform(-12, -3) * (rng.random() < 0.3)
    vectors, hop = [(r,) for r in range(int(rng.integers(2, 4)))], {}
    for vector, a in hermitian(rng, n, vectors, scale).items():
        hop[vector] = 0.5 * (a - flip @ a.conj() @ flip.conj().T) + broken * gaussian(rng, n, n)
    hop[0,] = 0.5 * (hop[0,] + hop[0,].conj().T)
    return tp.majorana_number(
        tp.FourierHamiltonian(hop), particle_hole=u, kind=str(rng.choice(["direct", "indirect"]))
    )


def _kramers(rng, scale):
    """Random chains of class DIII, in a random basis or not, whose symmetries may be broken."""
    n = int(rng.choice([4, 4, 8]))
    u = np.eye(n, dtype=complex)
    if rng.random() < 0.5:
        u = np.linalg.qr(gaussian(rng, n, n))[0]
    flip = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(n // 2))
    hole, reversal = u @ u.T, u @ flip @ u.T
    broken = scale * 10.0 ** rng.uniform(-12, -4) * (rng.random() < 0.3)
    hop = {}
    for (r,), a in hermitian(rng, n, [(r,) for r in range(int(rng.integers(2, 4)))], scale).items():
        kept = 0.5 * (a - hole @ a.conj() @ hole.conj().T)
        kept = 0.5 * (kept + reversal @ kept.conj() @ reversal.conj().T)
        hop[r,] = kept + broken * gaussian(rng, n, n)
    hop[0,] = 0.5 * (hop[0,] + hop[0,].conj().T)
    turn = np.exp(2j * np.pi * rng.random())
    return tp.majorana_number(
        tp.FourierHamiltonian(hop), particle_hole=hole, time_reversal=turn * reversal
    )


def _sectors(rng, scale):
    """Random planes with a mirror, in a random basis or not, which may couple its sectors."""
    n = int(rng.choice([4, 4, 5]))
    u = np.linalg.qr(gaussian(rng, n, n))[0] if rng.random() < 0.5 else np.eye(n)
    phase = np.where(np.arange(n) < 2, 1j, -1j)
    broken = scale * 10.0 ** rng.uniform(-12, -5) * (rng.random() < 0.3)
    hop = {}
    for vector, a in hermitian(rng, n, [(0, 0), (0, 1), (1, 0), (1, -1)], scale).items():
        kept = np.where(phase[:, None] == phase, a, broken * gaussian(rng, n, n))
        hop[vector] = u @ kept @ u.conj().T
    hop[0, 0] = hop[0, 0] + 3.0 * scale * u @ np.diag(np.arange(n) % 2) @ u.conj().T
    hop[0, 0] = 0.5 * (hop[0, 0] + hop[0, 0].conj().T)
    h = tp.FourierHamiltonian(hop, n_occupied=n - n // 2)
    return tp.mirror_chern(h, mirror=u @ np.diag(phase) @ u.conj().T)


def _insulator(rng, scale, min_gap):
    """Random insulators and metals, asked for their indirect gap or for an energy in it."""
    n, dim = int(rng.integers(2, 5)), int(rng.choice([1, 1, 2, 2, 3]))
    filled = int(rng.integers(1, n))
    axes = [tuple(row) for row in np.eye(dim, dtype=int)[::-1]]
    hop = hermitian(rng, n, [(0,) * dim, *axes], 0.3 * scale)
    apart = float(rng.choice([1.0, 2.0, 3.0])) * scale
    hop[(0,) * dim] = hop[(0,) * dim] + apart * np.diag(np.where(np.arange(n) < filled, -1.0, 1.0))
    h = tp.FourierHamiltonian(hop)
    if rng.random() < 0.5:
        return tp.certify_gap(h, kind="indirect", n_occupied=filled, min_gap=min_gap)
    level = float(rng.normal()) * 0.2 * scale
    return tp.certify_gap(h, level=level, n_occupied=filled, min_gap=min_gap)


def document(kind, rng):
    """Content of a random certificate file of a kind; None where nothing is proven."""
    if kind in certificates_tenfold.TENFOLD:
        return certificates_tenfold.document(kind, rng, UNCERTAIN)
    found = certificate(kind, rng)
    if str(found.status) != "certified":
        return None
    gap = float(found.gap_lower)
    if kind == "mirror":
        return _sector_document(found, rng)
    if kind in ("Z2", "Majorana", "Kramers"):
        gap = max(0.0, gap - float(found.symmetry_violation))
    question = found.asked.question(())
    if kind == "indirect gap":
        question = between(question, found, ())
    if rng.random() < UNCERTAIN:
        error = gap * 10.0 ** rng.uniform(-6, -0.5)
        question = replace(question, amplitude_error=question.amplitude_error + error)
        gap = max(0.0, gap - 2.0 * error)
        if kind == "indirect gap":
            low, high = question.edges[0] + error, question.edges[1] - error
            if question.level is not None and not low < question.level < high:
                return None  # outside of the gap of some of these Hamiltonians
            question = replace(question, edges=(low, high))
    try:
        given = found.evidence[0] if kind == "Kramers" else None
        return document_of(Proof(question, given), int(found.value), gap)
    except InputError:
        return None


def _sector_document(found, rng):
    """Content of a file of a mirror Chern number."""
    error = float(found.gap_lower) * 10.0 ** rng.uniform(-6, -0.5) * (rng.random() < UNCERTAIN)
    question, *others = found.asked_of_file(())
    question = replace(question, amplitude_error=question.amplitude_error + error)
    gap = max(0.0, float(found.gap_lower) - 2.0 * error)
    try:
        return sector_document(question, *others, gap)
    except InputError:
        return None


#: How many certificates of each kind the tests of every run make; one of any other.
FEW = {"chain": 20, "gap 1D": 6, "two bands": 4, "gap 2D": 2, "Majorana": 4, "indirect gap": 4}


@cache
def texts(kind, seed=5):
    """Certificate files of a kind, made once for all tests."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < FEW.get(kind, 1):
        one = document(kind, rng)
        if one is not None:
            found.append(json.dumps(one))
    return tuple(found)


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


def claim_is_true(data):  # noqa: PLR0911  (one branch for each quantity)
    """Whether the claim holds as far as dense samples can tell."""
    question, claim = data["question"], data["claim"]
    if question["quantity"] not in {*checker.CHECKS, *checker.BESIDE}:
        return False
    if question["quantity"] == "localizer index":
        return certificates_tenfold.localizer_is_true(question, claim)
    vectors, matrices, size = hoppings_of(question)
    error = (
        0.0 if question["amplitude_error"] == "0" else float.fromhex(question["amplitude_error"])
    )
    least = (0.0 if claim["gap_lower"] == "0" else float.fromhex(claim["gap_lower"])) / size
    least = (least + 2.0 * error / size) * (1.0 - 1e-9)
    quantity, value = question["quantity"], claim["value"]
    if quantity in certificates_tenfold.QUANTITIES:
        return certificates_tenfold.tenfold_is_true(question, claim, vectors, matrices, least)
    if quantity == "winding number":
        low = 0.0 if claim["gap_lower"] == "0" else float.fromhex(claim["gap_lower"])
        return block_winds(question, vectors, matrices, value, least, low + 2.0 * error)
    filled = question["n_occupied"]
    if quantity == "Weyl charge":
        box = [np.array([float.fromhex(w) if w != "0" else 0.0 for w in question[key]])
               for key in ("centre", "half_width")]  # fmt: skip
        found, gap = _flux(vectors, matrices, filled, *box)
        return found == value and gap >= least
    dim = len(vectors[0])
    points = {1: 4096, 2: 96, 3: 24}[dim]
    line = 2 * np.pi * np.arange(points) / points
    k = np.stack(np.meshgrid(*[line] * dim, indexing="ij"), -1)
    h_k = np.einsum("...r,rij->...ij", np.exp(1j * (k @ vectors.T)), matrices)
    energy = np.linalg.eigvalsh(h_k)
    if (energy[..., filled] - energy[..., filled - 1]).min() < least:
        return False
    if quantity in ("gap", "indirect gap", "gap around an energy"):
        return value == filled and _is_open(question, energy, least * size, size, error)
    if quantity == "Majorana number":
        return _majorana_parity(question, matrices, vectors) == value
    if quantity == "Majorana Kramers number":
        return _kramers_parity(question, matrices, vectors) == value
    if quantity == "mirror Chern number, times two":
        return _sector_numbers(question, h_k) == value
    if quantity == "Chern number":
        return int(tp.chern_number(h_k, n_occupied=filled)) == value
    h = tp.FourierHamiltonian(
        {tuple(v.tolist()): a for v, a in zip(vectors, matrices, strict=True)}
    )
    found = tp.z2_invariant(h, n_occupied=filled, tolerance=1e9, prove=False)
    return found.value.tolist() == value  # None where it is not resolved


def _is_open(question, energy, least, size, error):
    """Whether sampled levels keep an indirect gap, and an energy in it."""
    if question["quantity"] == "gap":
        return True
    filled, far = question["n_occupied"], error / size
    top, bottom = energy[..., filled - 1].max() + far, energy[..., filled].min() - far
    if (bottom - top) * size < least - 2.0 * error:
        return False
    if "level" not in question:
        return True
    at = 0.0 if question["level"] == "0" else float.fromhex(question["level"])
    return top < at / size < bottom


def _majorana_parity(question, matrices, vectors):
    """Parity of the occupied Zak phase over pi, in the basis in which C = K: det of links."""
    n = question["bands"]
    words = [0.0 if w == "0" else float.fromhex(w) for w in question["particle_hole"].split(" ")]
    u = (np.array(words[::2]) + 1j * np.array(words[1::2])).reshape(n, n)
    left, _, right = np.linalg.svd(0.5 * (u + u.T))
    u = left @ right
    matrices = 0.5 * (matrices - u @ matrices.conj() @ u.conj().T)
    k = 2 * np.pi * np.arange(4096) / 4096
    h_k = np.einsum("kr,rij->kij", np.exp(1j * np.outer(k, vectors[:, 0])), matrices)
    energy, states = np.linalg.eigh(h_k)
    if (energy[:, n // 2] - energy[:, n // 2 - 1]).min() <= 0.0:
        return None
    v = states[..., : n // 2]
    links = np.linalg.det(v.conj().swapaxes(-1, -2) @ np.roll(v, -1, axis=0))
    # C takes occupied to empty states, whose Zak phases add up to 0: each is 0 or pi
    return round(abs(float(np.angle(links).sum())) / np.pi) % 2


def _matrix(words, n):
    """Square matrix of a file."""
    numbers = np.array([0.0 if w == "0" else float.fromhex(w) for w in words.split(" ")])
    return numbers.view(complex).reshape(n, -1)


def _kramers_parity(question, matrices, vectors):
    """Polarisation of one state of each Kramers pair, by links from k = 0 to pi, over pi."""
    n, points = question["bands"], 2048
    u = _matrix(question["time_reversal"], n)
    left, _, right = np.linalg.svd(0.5 * (u - u.T))
    u = left @ right
    matrices = 0.5 * (matrices + u @ matrices.conj() @ u.conj().T)
    k = np.pi * np.arange(points + 1) / points
    h_k = np.einsum("kr,rij->kij", np.exp(1j * np.outer(k, vectors[:, 0])), matrices)
    v = np.linalg.eigh(h_k)[1][..., : n // 2]
    phase = np.angle(np.linalg.det(v[:-1].conj().swapaxes(-1, -2) @ v[1:])).sum()
    for sign, end in ((-1, v[0]), (1, v[-1])):
        w = end.conj().T @ u @ end.conj()
        phase += sign * np.angle(complex(_pfaffian(0.5 * (w - w.T))))
    return round(float(phase) / np.pi) % 2


def _pfaffian(a):
    """Pfaffian of an antisymmetric matrix, by expansion along the first row."""
    if not len(a):
        return 1.0
    rest = range(1, len(a))
    return sum(
        (-1) ** (j + 1) * a[0, j] * _pfaffian(np.delete(np.delete(a, [0, j], 0), [0, j], 1))
        for j in rest
    )


def _sector_numbers(question, h_k):
    """Difference of the Chern numbers of both eigenspaces of the mirror, by lattice fluxes."""
    n = question["bands"]
    mirror = _matrix(question["mirror"], n)
    values = _matrix(question["eigenvalues"], 1)[0]
    found = []
    level, vectors = [], []
    for value in values:
        small, right = np.linalg.svd(mirror - value * np.eye(n))[1:]
        vectors.append(right[small < 1e-3].conj().T)
        block = vectors[-1].conj().T @ h_k @ vectors[-1]
        level.append((np.linalg.eigvalsh(block[0, 0]), block))
    if sum(v.shape[1] for v in vectors) != n:
        return None
    every = np.sort(np.concatenate([energies for energies, _ in level]))
    top = every[question["n_occupied"] - 1]
    for energies, block in level:
        count = int((energies <= top).sum())
        whole = count in (0, block.shape[-1])
        found.append(0 if whole else int(tp.chern_number(block, n_occupied=count)))
    return found[0] - found[1]


def _flux(vectors, matrices, filled, centre, half, points=48):
    """Flux of the Berry curvature out of a box, plaquette by plaquette, and the smallest gap."""
    line, turns, gap = np.linspace(-1.0, 1.0, points + 1), 0.0, np.inf
    for face in range(6):
        normal, up = divmod(face, 2)
        k = np.empty((points + 1, points + 1, 3))
        k[..., normal] = 2 * up - 1
        k[..., (normal + 1) % 3], k[..., (normal + 2) % 3] = np.meshgrid(line, line, indexing="ij")
        phases = np.exp(1j * ((centre + half * k) @ vectors.T))
        energy, states = np.linalg.eigh(np.einsum("...r,rij->...ij", phases, matrices))
        gap = min(gap, (energy[..., filled] - energy[..., filled - 1]).min())
        v = states[..., :filled]
        loop = [v[:-1, :-1], v[1:, :-1], v[1:, 1:], v[:-1, 1:], v[:-1, :-1]]
        links = [np.linalg.det(a.conj().swapaxes(-1, -2) @ b)
                 for a, b in pairwise(loop)]  # fmt: skip
        turns += (2 * up - 1) * np.angle(np.prod(links, axis=0)).sum() / (2 * np.pi)
    return -round(float(turns)), gap


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


def _items(data):
    """Hoppings; of a finite sample its matrix alone."""
    question = data["question"]
    return question.get("hoppings") or [[[0], question.get("matrix", "0")]]


def _hopping(data, rng):
    items = _items(data)
    item = items[int(rng.integers(len(items)))]
    words = item[1].split(" ")
    at = int(rng.integers(len(words)))
    x = 0.0 if words[at] == "0" else float.fromhex(words[at])
    sizes = [abs(float.fromhex(w)) for w in words if w != "0"] or [1.0]
    words[at] = _word(rng.choice([-x, 3 * x, x + 2 * rng.normal() * max(sizes), 0.0]))
    item[1] = " ".join(words)
    if "matrix" in data["question"]:
        data["question"]["matrix"] = item[1]


def _drop_hopping(data, rng):
    items = _items(data)
    del items[int(rng.integers(len(items)))]


def _move_hopping(data, rng):
    items = _items(data)
    vector = items[int(rng.integers(len(items)))][0]
    vector[int(rng.integers(len(vector)))] += int(rng.choice([-1, 1, 2]))


def _error(data, rng):
    gap = data["claim"]["gap_lower"]
    gap = 1.0 if gap == "0" else float.fromhex(gap)
    data["question"]["amplitude_error"] = _word(gap * rng.uniform(1.0, 10.0))


def _filling(data, rng):
    key = next(x for x in ("n_occupied", "block", "orbitals") if x in data["question"])
    data["question"][key] += int(rng.choice([-1, 1]))


def _quantity(data, rng):
    names = [*checker.CHECKS, *checker.BESIDE, "", "charge", "Chern number, two bands"]
    data["question"]["quantity"] = str(rng.choice(names))


def _part(data, rng):
    """The evidence, one of the six faces of a box, or cells of a sector or of a plane."""
    evidence = data["evidence"]
    if "faces" in evidence:
        return evidence["faces"][int(rng.integers(6))]
    parts = [x["cells"] for x in evidence.get("sectors", evidence.get("planes", []))]
    some = [x for x in (evidence, *parts) if "tree" in x or "bases" in x]
    return some[int(rng.integers(len(some)))] if parts else evidence


def _tree(data, rng):
    part = _part(data, rng)
    if "tree" not in part:
        _bases(data, rng)
        return
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
    part = _part(data, rng)
    holder = data["evidence"] if "faces" in data["evidence"] else part
    if "start" not in holder:
        _bases(data, rng)
        return
    holder["start"] = [1 for _ in holder["start"]]
    part["tree"] = "0"


def _start(data, rng):
    start = data["evidence"].get("start", [1])
    start[int(rng.integers(len(start)))] += int(rng.choice([-1, 1, 10**6]))


def _bases(data, rng):
    part = _part(data, rng)
    key = str(rng.choice([x for x in ("bases", "levels") if x in part] or ["tree"]))
    if key == "tree":
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
    evidence = data["evidence"] if "thin" in data["evidence"] else _part(data, rng)
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
    operators = ("time_reversal", "particle_hole", "mirror", "chiral", "inversion", "gammas",
                 "spin")  # fmt: skip
    key = next((x for x in operators if x in question), None)
    if key is None:
        _hopping(data, rng)
        return
    words = question[key].split(" ")
    at = int(rng.integers(len(words)))
    x = 0.0 if words[at] == "0" else float.fromhex(words[at])
    words[at] = _word(x + 0.1)
    question[key] = " ".join(words)


#: Keys of lists of objects.
LISTS = ("faces", "sectors", "planes", "parities")


def fields(data):
    """Every field of a file: its name in the table of the format, where it is, its key."""
    found = []
    for part in ("question", "claim", "evidence"):
        holders = [(part, data[part])]
        for name, holder in holders:
            for key, value in holder.items():
                found.append((f"{name}.{key}", holder, key))
                inner = value if key in LISTS else [value]
                holders += [(f"{name}.{key}", x) for x in inner if isinstance(x, dict)]
    return found


def _field(data, rng):
    """Change one field, each as often as any other, in one of the ways of its type."""
    found = fields(data)
    names = sorted({name for name, *_ in found})
    name = names[int(rng.integers(len(names)))]
    same = [(holder, key) for other, holder, key in found if other == name]
    holder, key = same[int(rng.integers(len(same)))]
    holder[key] = _other(key, holder[key], rng)
    return f"field {name}"


def _other(key, value, rng):  # noqa: C901, PLR0911  (one branch for each type)
    """Another value of the same type."""
    if isinstance(value, int):
        return value + int(rng.choice([-2, -1, 1, 2]))
    if isinstance(value, dict):
        if not value:  # a sector without cells
            return {"depth": 1}
        gone = str(rng.choice(sorted(value)))
        return {k: v for k, v in value.items() if k != gone}
    if isinstance(value, list):
        return _other_list(value, rng)
    if key == "quantity":
        return value + " "
    if key == "tree":
        bits = list(value) or ["0"]
        i, j = rng.integers(len(bits), size=2)
        changes = [[*bits[:i], *bits[j:]], [*bits[:i], "0", *bits[i:]], [*bits[:i], "1", *bits[i:]]]
        bits[i], bits[j] = bits[j], bits[i]
        return "".join([*changes, bits][int(rng.integers(4))])
    if key in ("bases", "levels"):
        kind = np.dtype("<f4" if key == "bases" else "<f8")
        numbers = np.frombuffer(base64.b64decode(value), kind).copy()
        if not len(numbers):
            return base64.b64encode(np.ones(2, kind).tobytes()).decode()
        i, what = int(rng.integers(len(numbers))), int(rng.integers(5))
        if what == 0:
            numbers[i] *= 1.0 + 10.0 ** rng.uniform(-6, 0)
        elif what == 1:
            numbers = np.roll(numbers, 1 + i)
        elif what == 2:
            numbers = -numbers
        elif what == 3:
            numbers = np.append(numbers, numbers[:i])
        else:
            numbers = numbers * kind.type(10.0 ** rng.uniform(-3, 3))
        return base64.b64encode(numbers.tobytes()).decode()
    words = (value or "0").split(" ")
    i = int(rng.integers(len(words)))
    x = 0.0 if words[i] == "0" else float.fromhex(words[i])
    words[i] = _word(rng.choice([-x, x + 1.0, 2.0 * x, x * (1.0 + 1e-9), x - 1e-6, 1e300, 5e-324]))
    return " ".join(words)


def _other_list(value, rng):
    """Another list."""
    if not value:
        return [[0, 0]]
    i, what, value = int(rng.integers(len(value))), int(rng.integers(5)), copy.deepcopy(value)
    if what == 0:
        del value[i]
    elif what == 1:
        value.insert(i, value[-1])
    elif what == 2:
        value = value[i:] + value[:i]
    elif isinstance(value[i], int):
        value[i] += int(rng.choice([-1, 1]))
    elif isinstance(value[i], str):
        value[i] = _other("", value[i], rng)
    elif isinstance(value[i], list):
        value[i] = _other_list(value[i], rng)
    else:
        value[i] = {}
    return value


CONTENT = (
    _value, _sign, _gap, _hopping, _drop_hopping, _move_hopping, _error, _filling, _quantity, _tree,
    _coarse, _start, _bases, _phases, _missing, _extra, _swapped, _type, _symmetry,
    certificates_tenfold.composed,
)  # fmt: skip


def mutated(text, rng):
    """A changed file and the name of the change."""
    if rng.random() < 0.1:
        return _mutated_text(text, rng)
    data = json.loads(text)
    change = CONTENT[int(rng.integers(len(CONTENT)))] if rng.random() < 0.5 else _field
    name = change(data, rng) or change.__name__.strip("_")
    return json.dumps(data), name


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


def verdict(text):
    """What the checker says of a text: accepted, rejected or unreadable; and why."""
    try:
        return "accepted", checker.check(text)
    except checker.RejectedError as error:
        return "rejected", str(error)
    except checker.UnreadableError as error:
        return "unreadable", str(error)


def trial(kind, n_certificates, n_mutants, seed):
    """What the checker says of certificates of a kind and of mutants of each; counts as JSON."""
    rng = np.random.default_rng([KINDS.index(kind), *np.atleast_1d(seed)])
    seconds, uncertain, changes, wrong = [], 0, {}, []
    while len(seconds) < n_certificates:
        found = document(kind, rng)
        if found is None:
            continue
        text = json.dumps(found)
        start = time.process_time()
        said, why = verdict(text)
        seconds.append(round(time.process_time() - start, 4))
        uncertain += found["question"]["amplitude_error"] != "0"
        if said != "accepted":
            wrong.append([kind, "unchanged", why])
            continue
        for _ in range(n_mutants):
            changed, change = mutated(text, rng)
            if changed == text:
                continue
            said, why = verdict(changed)
            if said == "accepted":
                said = "still true" if claim_is_true(json.loads(changed)) else "WRONG"
                if said == "WRONG":
                    wrong.append([kind, change, why])
            counts = changes.setdefault(change, {})
            counts[said] = counts.get(said, 0) + 1
    return {"seconds": seconds, "uncertain": uncertain, "changes": changes, "wrong": wrong}
