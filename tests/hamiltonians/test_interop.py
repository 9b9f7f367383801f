"""Hamiltonians of other programs, and functions of k with a known range."""

from __future__ import annotations

from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import topophys as tp
from tests.strategies import plain
from topophys.errors import HermiticityError, InputError, KindError, SchemaError
from topophys.hamiltonians.interop import _cell
from topophys.hamiltonians.wannier90 import WannierHamiltonian
from topophys.testing.wannier_files import wannier_file


def rng_hoppings(dim, n=3, seed=1):
    rng = np.random.default_rng(seed)
    vectors = {1: [(0,), (1,), (2,)], 2: [(0, 0), (1, 0), (0, 1), (1, -1)]}[dim]
    made = {R: rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)) for R in vectors}
    made[(0,) * dim] = made[(0,) * dim] + made[(0,) * dim].conj().T
    return tp.FourierHamiltonian(made, n_occupied=1)


# ---- Functions


@pytest.mark.parametrize(("dim", "reach"), [(1, 2), (2, 1), (2, (1, 1)), (2, (3, 2))])
@pytest.mark.parametrize("vectorized", [False, True])
def test_hoppings_of_a_function(dim, reach, vectorized):
    h = rng_hoppings(dim)
    found = tp.from_callable(h.bloch, dim, hopping_range=reach, vectorized=vectorized, n_occupied=1)
    assert set(found.hoppings) == set(h.hoppings)
    for R, m in h.hoppings.items():
        np.testing.assert_allclose(found.hoppings[R], m, atol=1e-13)
    if dim == 2:
        same = tp.certify_chern(h)
        assert tp.certify_chern(found).value == same.value


def test_deviation_off_the_grid_enters_the_proof():
    """A harmonic that vanishes on the grid of the transform moves H across a transition."""

    def beyond(k, eps=3e-9):
        h = tp.models.qwz(2.0 + 0.5 * eps).bloch(k)
        shift = 0.5 * eps * (np.cos(3.0 * k[0]) - 1.0)
        return h + np.diag([shift, -shift])

    h = tp.from_callable(beyond, 2, hopping_range=1, n_occupied=1)
    inside = tp.certify_chern(tp.models.qwz(2.0 - 1.5e-9))
    assert int(inside.value) == -1
    assert not tp.certify_chern(h).certified
    assert 3e-9 < float(h.amplitude_error) < 1e-7


def test_a_range_that_is_too_short_is_noticed_off_the_grid():
    h = rng_hoppings(1)
    with pytest.raises(InputError, match=r"`hopping_range` must cover all hoppings"):
        tp.from_callable(h.bloch, 1, hopping_range=1)
    # aliases that agree on every grid point
    with pytest.raises(InputError, match="between the grid points"):
        tp.from_callable(lambda k: [[2 * np.cos(4 * k[0])]], 1, hopping_range=1)

    def half(k):
        return [[0, np.exp(0.5j * k[0])], [np.exp(-0.5j * k[0]), 0]]

    with pytest.raises(InputError, match="positions of orbitals"):
        tp.from_callable(half, 1, hopping_range=3)
    with pytest.raises(HermiticityError):
        tp.from_callable(lambda k: [[1, np.exp(1j * k[0])], [0, 1]], 1, hopping_range=1)
    for wrong in ((1, 1), -1):
        with pytest.raises(InputError, match="hopping_range"):
            tp.from_callable(h.bloch, 1, hopping_range=wrong)
    with pytest.raises(KindError, match="function of k"):
        plain(tp.from_callable)(3, 1, hopping_range=1)


# ---- PythTB: the package itself where it is installed, and its documented attributes elsewhere


def fake_pythtb(spins=1):
    onsite = [0.3, -0.2] if spins == 1 else [np.diag([0.3, 0.1]), np.diag([-0.2, 0.0])]
    hop = 0.7 - 0.2j if spins == 1 else np.array([[0.7, 0.1j], [0.4, -0.2]])
    return SimpleNamespace(
        _dim_k=2, _dim_r=2, _nspin=spins, _per=[0, 1], _lat=np.array([[2.0, 0], [1.0, 3.0]]),
        _orb=np.array([[0.0, 0.0], [0.5, 0.25]]), _norb=2, _site_energies=onsite,
        _hoppings=[[hop, 0, 1, np.array([0, 0])], [1.1 * hop, 1, 0, np.array([1, 0])],
                   [0.5 * hop, 0, 0, np.array([0, 1])]],
    )  # fmt: skip


def bloch_of_pythtb(m, k):
    """Hamiltonian as PythTB documents it, without the phases of positions."""
    n, s = m._norb, m._nspin
    total = np.zeros((n, s, n, s), complex)
    for i in range(n):
        total[i, :, i, :] += m._site_energies[i] * (np.eye(s) if s == 1 else 1)
    for amplitude, i, j, R in m._hoppings:
        term = np.exp(1j * np.dot(k, R)) * np.asarray(amplitude) * (np.eye(s) if s == 1 else 1)
        total[i, :, j, :] += term
        total[j, :, i, :] += term.conj().T
    return total.reshape(n * s, n * s)


@pytest.mark.parametrize("spins", [1, 2])
def test_from_pythtb(spins):
    m = fake_pythtb(spins)
    h = tp.from_pythtb(m)
    for k in np.random.default_rng(0).uniform(-3, 3, (5, 2)):
        np.testing.assert_allclose(h.bloch(k), bloch_of_pythtb(m, k), atol=1e-14)
    np.testing.assert_array_equal(h.positions[::spins], m._orb)
    np.testing.assert_array_equal(h.lattice[:2, :2], m._lat)
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        _ = h.n_occupied
    assert tp.from_pythtb(m, n_occupied=1).n_occupied == 1
    with pytest.raises(KindError, match="tb_model"):
        tp.from_pythtb(h)


def fake_second_pythtb(spins=1, names=()):
    """The same model with the properties that version 2 documents."""
    m = fake_pythtb(spins)
    hoppings = [
        {"amplitude": a, "from_orbital": i, "to_orbital": j}
        | ({"lattice_vector": R.tolist()} if R.any() else {})
        for a, i, j, R in m._hoppings
    ]
    return SimpleNamespace(
        dim_k=2, nspin=spins, periodic_dirs=[0, 1], lat_vecs=m._lat, orb_vecs=m._orb, norb=2,
        onsite=m._site_energies, hoppings=hoppings,
        parameters=[{"kind": "onsite", "names": list(names)}] if names else [],
    )  # fmt: skip


@pytest.mark.parametrize("spins", [1, 2])
def test_both_versions_of_pythtb_give_the_same(spins):
    first, second = tp.from_pythtb(fake_pythtb(spins)), tp.from_pythtb(fake_second_pythtb(spins))
    assert set(first.hoppings) == set(second.hoppings)
    for R, m in first.hoppings.items():
        np.testing.assert_array_equal(second.hoppings[R], m)
    np.testing.assert_array_equal(first.positions, second.positions)
    np.testing.assert_array_equal(first.lattice, second.lattice)


def test_parameters_of_pythtb_need_values():
    with pytest.raises(
        InputError, match=r"parameters U, t: give model.with_parameters\(U=\.\.\.\)"
    ):
        tp.from_pythtb(fake_second_pythtb(names=("t", "U")))
    with pytest.raises(KindError, match="periodic direction"):
        tp.from_pythtb(SimpleNamespace(**vars(fake_second_pythtb()) | {"periodic_dirs": []}))


@pytest.mark.parametrize("spinful", [False, True])
def test_pythtb_itself_gives_the_same_energies(spinful):
    pythtb = pytest.importorskip("pythtb")
    lat, orb = [[1.0, 0.0], [0.5, 0.9]], [[0.1, 0.2], [0.4, 0.7]]
    hop = [0.4, 0.1j, -0.2, 0.3] if spinful else 0.4 - 0.1j
    if hasattr(pythtb, "TBModel"):
        model = pythtb.TBModel(pythtb.Lattice(lat, orb, periodic_dirs=[0, 1]), spinful=spinful)
    else:
        model = pythtb.tb_model(2, 2, lat, orb, nspin=2 if spinful else 1)
    model.set_onsite([0.3, -0.3])
    model.set_hop(hop, 0, 1, [0, 0])
    model.set_hop(0.7, 1, 0, [1, 0])
    model.set_hop(0.2, 0, 0, [0, 1])
    h = tp.from_pythtb(model)
    k = np.random.default_rng(0).uniform(-0.5, 0.5, (7, 2))
    if hasattr(pythtb, "TBModel"):
        matrices = model.hamiltonian(k, flatten_spin_axis=True)
        energies = np.linalg.eigvalsh(np.reshape(matrices, (7, h.n_bands, h.n_bands)))
    else:
        energies = np.sort(model.solve_all(k).T, axis=-1)
    np.testing.assert_allclose(h.bands(2 * np.pi * k), energies, atol=1e-12)


def test_pythtb_there_and_back():
    pytest.importorskip("pythtb")
    h = rng_hoppings(2)
    again = tp.from_pythtb(tp.to_pythtb(h), n_occupied=1)
    for R, m in h.hoppings.items():
        np.testing.assert_allclose(again.hoppings[R], m, atol=1e-15)
    model = tp.to_pythtb(tp.from_pythtb(fake_pythtb(), n_occupied=1))
    k = np.array([0.13, 0.31])
    solve = getattr(model, "solve_ham", None) or model.solve_one
    np.testing.assert_allclose(
        np.sort(np.ravel(solve(k))),
        np.linalg.eigvalsh(tp.from_pythtb(fake_pythtb()).bloch(2 * np.pi * k)),
        atol=1e-12,
    )


# ---- TBmodels


def test_from_tbmodels_itself():
    tbmodels = pytest.importorskip("tbmodels")
    model = tbmodels.Model(
        on_site=[1, -1], hop={(1, 0): [[0, 0.5], [0.2j, 0]], (0, 1): [[0.3j, 0], [0, 0.1]]},
        contains_cc=False, occ=1, pos=[[0, 0], [0.5, 0.5]], uc=2 * np.eye(2),
    )  # fmt: skip
    h = tp.from_tbmodels(model)
    for k in np.random.default_rng(0).uniform(-0.5, 0.5, (5, 2)):
        np.testing.assert_allclose(
            h.bloch(2 * np.pi * k), model.hamilton(k, convention=2), atol=1e-14
        )
    assert h.n_occupied == 1


def write_tbmodels(path, sparse, occ=1):
    with h5py.File(path, "w") as file:
        file["dim"], file["size"], file["sparse"] = 1, 2, sparse
        file["pos"], file["uc"] = [[0.0], [0.5]], [[3.0]]
        if occ is not None:
            file["occ"] = occ
        for i, (R, m) in enumerate({0: [[0.5, 0], [0, -0.5]], 1: [[0, 0], [2j, 0]]}.items()):
            file[f"hop/{i}/R"] = [R]
            matrix = np.array(m, complex)
            if sparse:
                rows, columns = np.nonzero(matrix)
                file[f"hop/{i}/data"] = matrix[rows, columns]
                file[f"hop/{i}/indices"] = columns
                file[f"hop/{i}/indptr"] = np.searchsorted(rows, [0, 1, 2])
            else:
                file[f"hop/{i}/mat"] = matrix
    return path


@pytest.mark.parametrize("sparse", [False, True])
def test_files_of_tbmodels(tmp_path, sparse):
    h = tp.read_tbmodels(write_tbmodels(tmp_path / "a.hdf5", sparse))
    np.testing.assert_array_equal(h.hoppings[0,], np.diag([1.0, -1.0]))
    np.testing.assert_array_equal(h.hoppings[1,], [[0, 0], [2j, 0]])
    assert h.n_occupied == 1
    np.testing.assert_array_equal(h.positions, [[0.0], [0.5]])
    open_filling = tp.read_tbmodels(write_tbmodels(tmp_path / "b.hdf5", sparse, occ=None))
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        _ = open_filling.n_occupied
    (tmp_path / "c.json").write_text('{"size": 2}')
    with h5py.File(tmp_path / "d.hdf5", "w") as file:
        file["x"] = 1
    for name in ("c.json", "d.hdf5"):
        with pytest.raises(SchemaError, match="must hold a model of TBmodels") as caught:
            tp.read_tbmodels(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_to_tbmodels_and_its_files(tmp_path):
    tbmodels = pytest.importorskip("tbmodels")
    rng = np.random.default_rng(3)
    h = rng_hoppings(2).with_geometry(lattice=[[2.0, 0.0], [1.0, 3.0]])
    h = h.with_geometry(positions=rng.uniform(0, 1, (h.n_bands, 2)))
    model = tp.to_tbmodels(h, occ=1)
    for k in rng.uniform(-0.5, 0.5, (5, 2)):
        np.testing.assert_allclose(
            h.bloch(2 * np.pi * k), model.hamilton(k, convention=2), atol=1e-14
        )
    np.testing.assert_allclose(model.uc, h.lattice[:2, :2], atol=1e-14)
    np.testing.assert_allclose(model.pos, h.positions, atol=1e-14)
    model.to_hdf5_file(str(tmp_path / "a.hdf5"))
    for again in (tp.from_tbmodels(model), tp.read_tbmodels(tmp_path / "a.hdf5")):
        assert again.n_occupied == 1
        for R, m in h.hoppings.items():
            np.testing.assert_allclose(again.hoppings[R], m, atol=1e-14)
    assert tp.to_tbmodels(tp.models.qwz(-1.0)).occ == 1
    assert tbmodels.io.load(str(tmp_path / "a.hdf5")).occ == 1
    with pytest.raises(InputError, match="n_occupied"):
        tp.to_tbmodels(h, occ=7)


def test_cells_of_planes_in_space():
    hoppings = tp.models.qwz(-1.0).hoppings
    plane = np.array([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 9.0]])
    found = _cell(WannierHamiltonian(hoppings, lattice=plane))
    np.testing.assert_array_equal(found, [[2.0, 0.0], [1.0, 3.0]])
    tilted = plane @ np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    found = _cell(WannierHamiltonian(hoppings, lattice=tilted))
    np.testing.assert_allclose(found @ found.T, (tilted @ tilted.T)[:2, :2], atol=1e-12)
    for wrong in (tp.models.qwz([-1.0, 1.0]), 3):
        with pytest.raises(KindError, match="single Hamiltonian in Fourier form"):
            tp.to_tbmodels(wrong)


@pytest.mark.slow
def test_published_json_of_tungsten_ditelluride():
    h = tp.read_tbmodels(wannier_file("WTe2_tbmodels.json.xz"))
    assert (h.dim, h.n_bands, h.n_occupied) == (3, 88, 56)


# ---- Kwant: its documented attributes; the package needs a compiler


class Cell:
    """What `Builder.symmetry` is documented to offer, for sites (name, x, y)."""

    num_directions = 2

    def which(self, site):
        return np.array(site[1:])

    def to_fd(self, site):
        return (site[0], 0, 0)


def fake_kwant():
    a, b = ("a", 0, 0), ("b", 0, 0)

    def hopping(site1, site2, t, phase):
        return t * np.exp(1j * phase)

    return SimpleNamespace(
        symmetry=Cell(),
        site_value_pairs=lambda: iter([(b, lambda site, m: -m * np.eye(2)), (a, 0.3)]),
        hopping_value_pairs=lambda: iter([
            ((a, b), np.array([[1.0, 0.5j]])), ((a, ("b", -1, 0)), np.array([[0.2, 0.1]])),
            ((("a", 1, 2), ("a", 1, 3)), hopping)]),
    )  # fmt: skip


def test_from_kwant():
    params = {"m": 0.4, "t": 1.5, "phase": 0.3}
    h = tp.from_kwant(fake_kwant(), params=params)
    assert h.n_bands == 3
    onsite = np.array([[0.3, 1.0, 0.5j], [1.0, -0.4, 0], [-0.5j, 0, -0.4]])
    np.testing.assert_allclose(h.hoppings[0, 0], onsite)
    np.testing.assert_allclose(h.hoppings[-1, 0], [[0, 0.2, 0.1], [0, 0, 0], [0, 0, 0]])
    expected = np.zeros((3, 3), complex)
    expected[0, 0] = 1.5 * np.exp(0.3j)
    np.testing.assert_allclose(h.hoppings[0, 1], expected)
    with pytest.raises(InputError, match="must give t, phase"):
        tp.from_kwant(fake_kwant(), params={"m": 0.4})
    with pytest.raises(KindError, match="Builder of Kwant"):
        tp.from_kwant(h)


def test_finalized_leads_of_kwant_and_their_phases():
    inside = np.array([[0.1, 1.0], [1.0, -0.1]])
    across = np.array([[0.3 + 0.2j], [0.7]])  # to the first site of the next cell only

    def cell_hamiltonian(params):
        if "m" not in params:
            raise TypeError("System is missing required arguments: m")
        return inside

    lead = SimpleNamespace(
        cell_hamiltonian=cell_hamiltonian,
        inter_cell_hopping=lambda params: across,
        symmetry=SimpleNamespace(periods=[(0.0, 2.0)]),
    )
    h = tp.from_kwant(lead, params={"m": 1.0}, n_occupied=1)
    # kwant.physics.Bands: hop exp(-ik) + its conjugate + the cell
    hop = np.hstack([across, np.zeros((2, 1))])
    for k in (0.3, -2.0):
        expected = inside + hop * np.exp(-1j * k) + (hop * np.exp(-1j * k)).conj().T
        np.testing.assert_allclose(h.bloch([k]), expected, atol=1e-15)
    assert np.linalg.norm(tp.reciprocal_vectors(h)) == pytest.approx(np.pi)
    with pytest.raises(InputError, match=r"`params` must give .* missing required arguments: m"):
        tp.from_kwant(lead)


@pytest.mark.filterwarnings("ignore:MUMPS is not available")
def test_kwant_itself():
    kwant = pytest.importorskip("kwant")
    rows = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    honeycomb = kwant.lattice.general(rows, [(0, 0), (0, 1 / np.sqrt(3))], norbs=1)
    a, b = honeycomb.sublattices
    builder = kwant.Builder(kwant.TranslationalSymmetry(*rows))
    builder[a(0, 0)], builder[b(0, 0)] = 0.2, -0.2
    builder[honeycomb.neighbors()] = -1.0
    builder[kwant.builder.HoppingKind((1, 0), a, a)] = 0.15j
    h = tp.from_kwant(builder, n_occupied=1)
    wrapped = kwant.wraparound.wraparound(builder).finalized()
    for k in np.random.default_rng(0).uniform(-3, 3, (5, 2)):
        theirs = wrapped.hamiltonian_submatrix(params={"k_x": k[0], "k_y": k[1]})
        np.testing.assert_allclose(h.bands(k), np.linalg.eigvalsh(theirs), atol=1e-12)
    assert tp.lattice_system(h) == "hexagonal"
    bond = (h.positions[1] - h.positions[0]) @ rows
    assert np.linalg.norm(bond) == pytest.approx(1 / np.sqrt(3))
    lead = kwant.Builder(kwant.TranslationalSymmetry((1.0, 0.0)))
    square = kwant.lattice.square(norbs=1)
    lead[(square(0, j) for j in range(3))] = 0.5
    lead[square.neighbors()] = -1.0
    finished = lead.finalized()
    chain = tp.from_kwant(finished)
    bands = kwant.physics.Bands(finished)
    for k in (0.4, 2.0):
        np.testing.assert_allclose(chain.bands([k]), np.sort(bands(k)), atol=1e-12)


# ---- sisl


def fake_sisl(polarized=False, orthogonal=True):
    h = rng_hoppings(2)

    def Hk(k, gauge, format):
        assert (gauge, format) == ("cell", "array")
        assert k[1] == 0.0
        return h.bloch(2 * np.pi * np.asarray(k)[[0, 2]])

    lattice = SimpleNamespace(nsc=np.array([3, 1, 3]), cell=np.diag([1.0, 2.0, 3.0]))
    return h, SimpleNamespace(
        Hk=Hk, orthogonal=orthogonal, spin=SimpleNamespace(is_polarized=polarized),
        geometry=SimpleNamespace(lattice=lattice),
    )  # fmt: skip


def test_from_sisl():
    h, model = fake_sisl()
    found = tp.from_sisl(model)
    assert found.directions == (0, 2)
    np.testing.assert_array_equal(found.lattice, np.diag([1.0, 2.0, 3.0]))
    for R, m in h.hoppings.items():
        np.testing.assert_allclose(found.hoppings[R], m, atol=1e-13)
    with pytest.raises(InputError, match="`n_occupied` must be given"):
        _ = found.n_occupied
    with pytest.raises(KindError, match="one spin"):
        tp.from_sisl(fake_sisl(polarized=True)[1])


def test_from_sisl_with_overlaps():
    h, model = fake_sisl(orthogonal=False)
    overlap = np.eye(h.n_bands) + 0.1 * np.ones((h.n_bands, h.n_bands))
    model.Sk = lambda k, gauge, format: overlap
    found = tp.from_sisl(model, n_occupied=1)
    assert isinstance(found, tp.GeneralizedHamiltonian)
    assert found.hamiltonian.directions == (0, 2)
    k = np.array([0.3, -1.1])
    levels = np.linalg.eigvals(np.linalg.solve(overlap, h.bloch(k)))
    np.testing.assert_allclose(found.bands(k), np.sort(levels.real), atol=1e-10)


def test_from_sisl_itself():
    sisl = pytest.importorskip("sisl")
    h = sisl.Hamiltonian(sisl.geom.graphene())
    h.construct([(0.1, 1.44), (0.0, -2.7)])
    found = tp.from_sisl(h, n_occupied=1)
    assert found.dim == 2
    for k in np.random.default_rng(0).uniform(-0.5, 0.5, (5, 2)):
        np.testing.assert_allclose(
            np.linalg.eigvalsh(found.bloch(2 * np.pi * k)), h.eigh(k=[*k, 0.0]), atol=1e-12
        )
    h = sisl.Hamiltonian(sisl.geom.graphene(), orthogonal=False)
    h.construct([(0.1, 1.44), ((0.3, 1.0), (-2.7, 0.12))])
    found = tp.from_sisl(h, n_occupied=1)
    for k in np.random.default_rng(0).uniform(-0.5, 0.5, (5, 2)):
        np.testing.assert_allclose(found.bands(2 * np.pi * k), h.eigh(k=[*k, 0.0]), atol=1e-12)
    assert tp.certify_generalized_gap(found).status == "unresolved"  # Dirac points
