"""Certificates of the tenfold way for the tests of the checker, and their truth by samples."""

from dataclasses import replace

import numpy as np

import topophys as tp
from topophys.errors import InputError
from topophys.invariants._symmetry_files import indices_document, spin_document
from topophys.invariants._tenfold_files import localizer_document, tenfold_document
from topophys.invariants.chern_4d import GAMMAS

TENFOLD = ("3D winding", "second Chern", "axion", "localizer", "spin", "Z2 indices")
QUANTITIES = {
    "three-dimensional winding number", "second Chern number", "axion angle", "localizer index",
    "spin Chern number, times two", "Z2 indices", "Z2 indices of planes",
}  # fmt: skip
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def _unitary(rng, n):
    return np.linalg.qr(rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))[0]


def _moved(hoppings, u):
    return {r: u @ x @ u.conj().T for r, x in hoppings.items()}


def _hoppings(h):
    return {tuple(r): x for r, x in zip(h.vectors.tolist(), h.amplitudes, strict=True)}


def _disturbed(rng, hoppings, size):
    """Hoppings with a term that no symmetry has, and that of -R."""
    r = list(hoppings)[int(rng.integers(len(hoppings)))]
    n = len(hoppings[r])
    x = size * (rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)))
    back = tuple(-a for a in r)
    hoppings[r] = hoppings[r] + x
    hoppings[back] = hoppings[back] + x.conj().T
    return hoppings


def certificate(kind, rng):
    """A random proof of a kind."""
    scale = 10.0 ** rng.uniform(-3, 3) if rng.random() < 0.8 else 10.0 ** rng.uniform(-200, 200)
    turned, broken = rng.random() < 0.5, rng.random() < 0.3
    other = {"localizer": _sample, "spin": _spinful, "Z2 indices": _solid}
    if kind in other:
        return other[kind](rng, scale)
    if kind == "3D winding":
        mass = float(rng.choice([-3.6, -2.0, 0.4, 1.5, 3.7]) + rng.uniform(-0.2, 0.2))
        hoppings = _hoppings(tp.models.chiral_dirac_3d(mass))
        if rng.random() < 0.3:  # a sum of which the winding number is not known
            hoppings = _hoppings(tp.ensembles.chiral_3d(1, rng=rng)[0])
        operator = np.diag([1.0, 1.0, -1.0, -1.0]).astype(complex)
    elif kind == "second Chern":
        # of nontrivial ones 65,536 cells are needed; a few of them
        mass = float(rng.uniform(-3.3, -2.7)) if rng.random() < 0.05 else float(rng.uniform(9, 12))
        hoppings = _hoppings(tp.models.dirac_4d(mass * (-1) ** int(rng.integers(2))))
        operator = GAMMAS[rng.permutation(5)]
    else:
        hoppings, operator = _inverted(rng)
    if turned:
        u = _unitary(rng, len(hoppings[next(iter(hoppings))]))
        hoppings, operator = _moved(hoppings, u), u @ operator @ u.conj().T
    if broken:
        hoppings = _disturbed(rng, hoppings, 10.0 ** rng.uniform(-12, -2))
    h = tp.FourierHamiltonian({r: scale * x for r, x in hoppings.items()}, n_occupied=2)
    min_gap = float(rng.choice([0.0, 0.01])) * scale
    if kind == "3D winding":
        given = "blocks" if not turned else operator
        return tp.winding_3d(h, chiral=given, min_gap=min_gap)
    if kind == "second Chern":
        return tp.second_chern(h, gammas=operator, min_gap=min_gap)
    return tp.axion_angle(h, inversion=operator, n_occupied=2, min_gap=min_gap)


def _inverted(rng):
    """A strong or trivial insulator in a magnetic field, far from a transition."""
    field = float(rng.uniform(0.0, 0.3))
    tau_x, tau_z = np.kron(PAULI[0], np.eye(2)), np.kron(PAULI[2], np.eye(2))
    mass = float(rng.choice([-5.0, -2.0, 4.5]) + rng.uniform(-0.2, 0.2))
    hoppings = {(0, 0, 0): mass * tau_z + field * np.kron(np.eye(2), PAULI[2])}
    for i, cell in enumerate([(1, 0, 0), (0, 1, 0), (0, 0, 1)]):
        hoppings[cell] = 0.5 * tau_z - 0.5j * tau_x @ np.kron(np.eye(2), PAULI[i])
        hoppings[tuple(-x for x in cell)] = hoppings[cell].conj().T
    return hoppings, tau_z.astype(complex)


def _sample(rng, scale):
    """A flake of a Chern insulator with disorder."""
    n = int(rng.integers(3, 7))
    h = tp.models.qwz(float(rng.choice([-1.0, 1.0, 3.0])))
    cells = np.array([(x, y) for x in range(n) for y in range(n)])
    step = {tuple(r): m for r, m in h.hoppings.items()}
    flake = np.block([[step.get(tuple(b - a), np.zeros((2, 2))) for b in cells] for a in cells])
    flake = flake + np.diag(rng.uniform(-1, 1, len(flake)) * rng.choice([0.0, 0.5, 3.0]))
    where = np.repeat(cells, 2, axis=0) + rng.uniform(0, 0.3, 2)
    return tp.localizer_index(
        scale * flake, where, kappa=scale * float(rng.uniform(0.1, 0.8)),
        energy=scale * float(rng.choice([0.0, rng.uniform(-0.5, 0.5)])),
        centre=None if rng.random() < 0.5 else cells.mean(0),
    )  # fmt: skip


def _gaussian(rng, n):
    return rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))


def _spinful(rng, scale):
    """Random planes that keep a spin but for a little, with two to four values of it."""
    spins = np.array([[1.0, 1.0, -1.0, -1.0], [2.0, 1.0, -1.0, -1.0], [0.5, 0.3, -0.2, -0.5],
                      [1.0, 1.0, 1.0, 0.0, 0.0, -2.0]], object)[int(rng.integers(4))]  # fmt: skip
    spins = np.array(spins, float)
    n = len(spins)
    same = spins[:, None] == spins
    broken = rng.random() < 0.6
    hop = {}
    for r in ((0, 0), (0, 1), (1, 0), (1, -1)):
        size = 0.6 if any(r) else 0.5
        rest = 10.0 ** rng.uniform(-12, -1.5) if broken else 0.0
        hop[r] = size * np.where(same, _gaussian(rng, n), rest * _gaussian(rng, n))
    filled = np.zeros(n, bool)
    filled[rng.permutation(n // 2)[:1]] = True
    filled[n // 2 + rng.permutation(n - n // 2)[:1]] = True
    hop[0, 0] = hop[0, 0] + hop[0, 0].conj().T
    hop[0, 0] = hop[0, 0] + 2.0 * np.diag(np.where(filled, -1.0, 1.0))
    if n == 4 and rng.random() < 0.6:
        both = [tp.models.qwz(float(rng.uniform(-2.5, 2.5))) for _ in range(2)]
        hop = {
            r: np.kron([[1, 0], [0, 0]], both[0].hoppings[r])
            + np.kron([[0, 0], [0, 1]], both[1].hoppings[r]) + (0.01 * hop[r] if broken else 0.0)
            for r in ((0, 0), (0, 1), (1, 0))
        }  # fmt: skip
        spins = np.array([1.0, 1.0, -1.0, -1.0])
        hop[0, 0] = 0.5 * (hop[0, 0] + hop[0, 0].conj().T)
    u = _unitary(rng, n) if rng.random() < 0.5 else np.eye(n)
    h = tp.FourierHamiltonian({r: scale * u @ x @ u.conj().T for r, x in hop.items()})
    unit = 10.0 ** rng.uniform(-3, 3)
    return tp.spin_chern(h, unit * u @ np.diag(spins) @ u.conj().T, n_occupied=2)


def _solid(rng, scale):
    """Random solids with time reversal, or Fu-Kane-Mele, with and without a proof of the bulk."""
    flip = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2)).astype(complex)
    bulk = 0.5
    if rng.random() < 0.6:
        bulk, spin_orbit = 0.1, float(rng.uniform(0.2, 0.4))
        hop = _hoppings(tp.models.fu_kane_mele(float(rng.uniform(-5, 3)), spin_orbit))
    else:
        hop = {(0, 0, 0): 1.5 * np.diag([-1.0, 1.0, -1.0, 1.0])}
        for r in ((0, 0, 1), (0, 1, 0), (1, 0, 0)):
            x = 0.25 * _gaussian(rng, 4)
            hop[r] = 0.5 * (x + flip @ x.conj() @ flip.T)
            hop[tuple(-a for a in r)] = hop[r].conj().T
    u = _unitary(rng, 4) if rng.random() < 0.5 else np.eye(4)
    if rng.random() < 0.3:
        hop = _disturbed(rng, hop, 10.0 ** rng.uniform(-12, -2.5))
    hop = {r: scale * x for r, x in _moved(hop, u).items()}
    return tp.z2_indices_3d(
        tp.FourierHamiltonian(hop), n_occupied=2, time_reversal=u @ flip @ u.T, method="flux",
        prove_bulk=bool(rng.random() < bulk),
    )  # fmt: skip


def _composed(kind, found, rng, uncertain):
    """Content of a file of a spin Chern number or of Z2 indices, perhaps for a given error."""
    question, *rest = found.asked_of_file(())
    error = float(found.gap_lower) * 10.0 ** rng.uniform(-6, -1) * (rng.random() < uncertain)
    question = replace(question, amplitude_error=question.amplitude_error + error)
    if kind == "spin":
        bases, numbers, gap = rest
        return spin_document(question, bases, numbers, gap - 2.0 * error)
    values, gap, bulk = rest
    bulk = None if bulk is None else max(0.0, bulk - 2.0 * error)
    return indices_document(question, values, max(0.0, gap - 2.0 * error), bulk)


def document(kind, rng, uncertain):
    """Content of a random certificate file; None where nothing is proven."""
    found = certificate(kind, rng)
    if str(found.status) != "certified":
        return None
    try:
        if kind in ("spin", "Z2 indices"):
            return _composed(kind, found, rng, uncertain)
        gap, value = float(found.gap_lower), int(found.value)
        if kind == "localizer":
            sample = found.asked.sample(())
            if rng.random() < uncertain:  # what is not Hermitian is the error of the matrix
                m = len(sample.matrix)
                off = 1j * gap * 10.0 ** rng.uniform(-6, -0.5) / np.sqrt(m) * np.eye(m)
                sample = replace(sample, matrix=sample.matrix + off)
            return localizer_document(sample, value, gap)
        gap = max(0.0, gap - float(found.symmetry_violation))
        question = found.asked.question(())
        if rng.random() < uncertain:
            error = gap * 10.0 ** rng.uniform(-6, -0.5)
            question = replace(question, amplitude_error=question.amplitude_error + error)
            gap = max(0.0, gap - 2.0 * error)
        return tenfold_document(question, value, gap)
    except InputError:
        return None


# ---------------------------------------------------------------- truth, by sampling


def _number(word):
    return 0.0 if word == "0" else float.fromhex(word)


def _matrix(words, n):
    numbers = np.array([_number(w) for w in words.split(" ")])
    return numbers.view(complex).reshape(-1, n, n)


def localizer_is_true(question, claim):
    """Whether the levels of the localizer are as claimed."""
    m = question["orbitals"]
    h = _matrix(question["matrix"], m)[0]
    at = np.array([[_number(x) for x in pair] for pair in question["positions"]])
    kappa, energy = _number(question["kappa"]), _number(question["energy"])
    step = kappa * ((at - [_number(x) for x in question["centre"]]) @ np.array([1.0, 1j]))
    here, ladder = h - energy * np.eye(m), np.diag(step)
    level = np.linalg.eigvalsh(np.block([[here, ladder.conj()], [ladder, -here]]))
    least = _number(claim["gap_lower"]) + _number(question["amplitude_error"])
    right = m - int((level > 0.0).sum()) == claim["value"]
    return kappa > 0.0 and right and np.abs(level).min() >= least * (1.0 - 1e-9)


def tenfold_is_true(question, claim, vectors, matrices, least):
    """Whether a claim about a Hamiltonian holds, by samples; `least`: its gap in units of H."""
    quantity, filled = question["quantity"], question["n_occupied"]
    dim = len(vectors[0])
    own = {"spin Chern number, times two": _halves, "Z2 indices of planes": _indices}
    if quantity in own:
        return own[quantity](question, vectors, matrices, least) == claim["value"]
    points = {3: 24, 4: 8}[dim]
    line = 2 * np.pi * np.arange(points) / points
    k = np.stack(np.meshgrid(*[line] * dim, indexing="ij"), -1).reshape(-1, dim)
    h_k = np.einsum("kr,rij->kij", np.exp(1j * (k @ vectors.T)), matrices)
    level = np.linalg.eigvalsh(h_k)
    if (level[:, filled] - level[:, filled - 1]).min() < least:
        return False
    if quantity == "three-dimensional winding number":
        return _winding(question, vectors, matrices) == claim["value"]
    if quantity == "second Chern number":
        h = tp.FourierHamiltonian(dict(zip(map(tuple, vectors.tolist()), matrices, strict=True)))
        found = tp.second_chern(h, n_occupied=2)
        return found.value.tolist() == claim["value"]
    last = _indices if quantity == "Z2 indices" else _axion
    return last(question, vectors, matrices, least) == claim["value"]


def _winding(question, vectors, matrices):
    """The integral, on a grid."""
    states = np.linalg.eigh(_matrix(question["chiral"], 4)[0])[1]
    block, points = states[:, 2:].conj().T @ matrices @ states[:, :2], 32
    line = 2 * np.pi * np.arange(points) / points
    k = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    waves = np.exp(1j * (k @ vectors.T))
    inverse = np.linalg.inv(np.einsum("km,mij->kij", waves, block))
    x, y, z = (inverse @ np.einsum("km,m,mij->kij", waves, 1j * vectors[:, a], block)
               for a in range(3))  # fmt: skip
    total = np.einsum("kij,kji->", x, y @ z - z @ y).real
    return round(float(total) * (2 * np.pi / points) ** 3 / (8 * np.pi**2))


def _axion(question, vectors, matrices, _):
    """Parities of the occupied states themselves, as expectation values of the inversion."""
    p, filled = _matrix(question["inversion"], question["bands"])[0], question["n_occupied"]
    odd = 0.0
    for corner in np.ndindex(2, 2, 2):
        h = np.einsum("r,rij->ij", (-1.0) ** (vectors @ np.array(corner)), matrices)
        v = np.linalg.eigh(0.5 * (h + p @ h @ p.conj().T))[1][:, :filled]
        odd += (filled - np.trace(v.conj().T @ p @ v).real) / 2.0
    return round(odd / 2.0) % 2 if abs(odd / 2.0 - round(odd / 2.0)) < 0.1 else None


def _halves(question, vectors, matrices, least):
    """C_up - C_down from links on a grid; None where a gap is not as claimed."""
    n = question["bands"]
    spin = _matrix(question["spin"], n)[0]
    level, states = np.linalg.eigh(0.5 * (spin + spin.conj().T))
    # what is far beyond the others would leave no digits to these
    far = 1e6 * np.sort(np.abs(level))[n // 2]
    spin = states @ np.diag(level.clip(-far, far)) @ states.conj().T
    h_k = tp.FourierHamiltonian(dict(zip(map(tuple, vectors.tolist()), matrices, strict=True)))
    found = tp.spin_chern(
        h_k, 0.5 * (spin + spin.conj().T), n_occupied=question["n_occupied"], grid=64
    )
    return found.up - found.down if found.resolved and found.gap_upper >= least else None


def _indices(question, vectors, matrices, least):
    """Indices by the flow of Wannier centres of the mean over time reversal, in digits."""
    n = question["bands"]
    u = _matrix(question["time_reversal"], n)[0]
    left, _, right = np.linalg.svd(0.5 * (u - u.T))
    u = left @ right
    if question["quantity"] == "Z2 indices of planes":
        line = 2 * np.pi * np.arange(48) / 48
        for axis in range(3):
            ends = [line, line, line]
            ends[axis] = np.array([0.0, np.pi])
            k = np.stack(np.meshgrid(*ends, indexing="ij"), -1).reshape(-1, 3)
            h_k = np.einsum("kr,rij->kij", np.exp(1j * (k @ vectors.T)), matrices)
            level = np.linalg.eigvalsh(h_k)
            filled = question["n_occupied"]
            if (level[:, filled] - level[:, filled - 1]).min() < least:
                return None
    mean = 0.5 * (matrices + u @ matrices.conj() @ u.conj().T)
    h = tp.FourierHamiltonian(dict(zip(map(tuple, vectors.tolist()), mean, strict=True)))
    found = tp.z2_indices_3d(h, n_occupied=question["n_occupied"], prove=False, tolerance=1e9)
    return int("".join(map(str, found.value.tolist()))) if found.resolved else None


def composed(data, rng):
    """Integers of parts and the claim changed together, so that they still agree."""
    evidence, claim = data["evidence"], data["claim"]
    if "sectors" in evidence:
        which = int(rng.integers(len(evidence["sectors"])))
        step = int(rng.choice([-1, 1]))
        evidence["sectors"][which]["chern"] += step
        claim["value"] += step * int(rng.choice([-1, 1]))
    elif "time_reversal" in data["question"] and "planes" in evidence:
        pair = 2 * int(rng.integers(3))
        for part in evidence["planes"][pair : pair + 2]:
            part["z2"] = 1 - part["z2"]
        ends = [part["z2"] for part in evidence["planes"]]
        claim["value"] = int("".join(map(str, [(ends[0] + ends[1]) % 2, *ends[1::2]])))
    else:
        claim["value"] += 1
    return "parts and claim"
