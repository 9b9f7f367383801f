"""Certificates of 3D windings, axion angles, second Chern numbers, localizers: what is false."""

import copy
import itertools
import json
import runpy
import sys

import numpy as np
import pytest

import topophys as tp
from topophys.errors import InputError, UnresolvedError
from topophys.invariants.certificate_file import load, verify_certificate
from topophys.invariants.chern_4d import GAMMAS
from topophys.testing.certificates import claim_is_true, texts

checker = pytest.importorskip("topophys.checker")
degree_checker = pytest.importorskip("topophys.degree_checker")
PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
TAU_Z = np.kron(np.diag([1.0, -1.0]), np.eye(2))


def said(data):
    try:
        return checker.check(json.dumps(data))
    except checker.RejectedError as error:
        return f"rejected: {error}"


@pytest.mark.parametrize("name", ["bundle", "symmetry", "degree", "census"])
def test_files_beside_the_checker_check_as_it_does(name, tmp_path, monkeypatch, capsys):
    path = tp.certify_winding(tp.models.ssh(1.0, 2.0)).save(tmp_path / "x.cert.json")
    for text, status in (
        (path.read_text(), 0),
        (path.read_text().replace('"value":1', '"value":2'), 1),
    ):
        path.write_text(text)
        monkeypatch.setattr("sys.argv", ["checker", str(path)])
        # as another module than the one that is imported
        monkeypatch.delitem(sys.modules, f"topophys.{name}_checker", raising=False)
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(f"topophys.{name}_checker", run_name="__main__")
        assert ended.value.code == status
    assert capsys.readouterr().out.count("\n") == 2


def test_archives_are_left_to_their_own_checker(tmp_path, capsys):
    (tmp_path / "x.phases.zip").write_bytes(b"PK rest")
    assert checker.main([str(tmp_path / "x.phases.zip")]) == 2
    assert "phase_checker.py" in capsys.readouterr().out


def flake(n, mass):
    h = tp.models.qwz(mass)
    cells = np.array([(x, y) for x in range(n) for y in range(n)])
    step = {tuple(r): m for r, m in h.hoppings.items()}
    blocks = [[step.get(tuple(b - a), np.zeros((2, 2))) for b in cells] for a in cells]
    return np.block(blocks), np.repeat(cells, 2, axis=0)


@pytest.mark.parametrize(("m", "value"), [(-4.0, 0), (-2.0, 1), (0.5, -2)])
def test_windings_of_the_dirac_model(m, value, tmp_path):
    found = tp.winding_3d(tp.models.chiral_dirac_3d(m), chiral="blocks")
    data = load(found.save(tmp_path / "x.cert.json"))
    assert said(data).startswith(f"three-dimensional winding number {value}, gap at least")
    other = -value or 3
    data["claim"]["value"] = other
    assert said(data) == f"rejected: the integer is {value}, not {other}"


def test_cubes_of_another_model_prove_nothing(tmp_path):
    """Near a transition the cells of other masses fail, whatever is claimed."""
    parts = {}
    for m in (2.0, 2.99, 4.0):
        found = tp.winding_3d(tp.models.chiral_dirac_3d(m), chiral="blocks")
        parts[m] = load(found.save(tmp_path / f"{m}.cert.json"))
    for m, value in itertools.product((2.0, 4.0), (0, 1)):
        data = copy.deepcopy(parts[2.99])
        data |= {"evidence": parts[m]["evidence"], "claim": {"value": value, "gap_lower": "0"}}
        assert said(data) == "rejected: the block may be singular on a cell"
    data = copy.deepcopy(parts[2.0])
    data["question"]["chiral"] = data["question"]["chiral"].replace("-", "")  # the unit matrix
    assert "not that of the chiral operator" in said(data)


def test_the_sign_of_the_chiral_operator_is_that_of_the_number(tmp_path):
    h = tp.models.chiral_dirac_3d(-2.0)
    data = [load(tp.winding_3d(h, chiral=sign * TAU_Z).save(tmp_path / f"{sign}.cert.json"))
            for sign in (1, -1)]  # fmt: skip
    assert [x["claim"]["value"] for x in data] == [1, -1]
    assert [said(x).split(",")[0][-2:] for x in data] == [" 1", "-1"]
    data[0]["question"]["chiral"] = data[1]["question"]["chiral"]
    assert "not that of the chiral operator" in said(data[0])


def test_violations_of_the_chiral_symmetry_are_stated(tmp_path):
    h = tp.models.chiral_dirac_3d(-2.0)
    broken = h + tp.FourierHamiltonian({(0, 0, 0): 0.05 * np.diag([1.0, 0, 0, 0])})
    data = load(tp.winding_3d(broken, chiral="blocks").save(tmp_path / "x.cert.json"))
    assert said(data).startswith("three-dimensional winding number 1")
    data["question"]["symmetry_violation"] = (0.049).hex()
    assert "violated by more" in said(data)
    data["question"]["symmetry_violation"] = (0.2).hex()
    assert "the gap may be smaller" in said(data)
    data["claim"]["gap_lower"] = "0"
    assert "not above the violation" in said(data)


def test_the_cells_of_one_cube_that_is_divided_fit_its_neighbours(tmp_path):
    """Needless divisions, of any cells and depths, change no number."""
    found = tp.winding_3d(tp.models.chiral_dirac_3d(-2.0), chiral="blocks")
    data = load(found.save(tmp_path / "x.cert.json"))
    rng = np.random.default_rng(4)
    for _ in range(2):
        tree = list(data["evidence"]["tree"])
        for at in sorted(rng.choice(np.flatnonzero(np.array(tree) == "0"), 3), reverse=True):
            tree[at] = "1" + "0" * 8
        data["evidence"]["tree"] = "".join(tree)
        assert said(data).startswith("three-dimensional winding number 1")


def test_cones_and_rays():
    rng = np.random.default_rng(0)
    for dim in (4, 5):
        for _ in range(300):
            simplex = rng.integers(-50, 50, (dim, dim)).tolist()
            way = rng.integers(-50, 50, dim).tolist()
            det = round(np.linalg.det(np.array(simplex, float)))
            if det == 0:
                continue
            c = np.linalg.solve(np.array(simplex, float).T, np.array(way, float))
            if (np.abs(c) > 1e-9).all():
                inside = int(np.sign(det)) if (c > 0.0).all() else 0
                assert degree_checker.cover(simplex, way) == inside
    flat = [[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]]
    with pytest.raises(checker.RejectedError, match="edge of a cone"):
        degree_checker.cover(flat, [1, 1, 0, 1])
    assert degree_checker.cover(flat, [1, 1, 1, 1]) == 0
    paths = degree_checker.PATHS
    assert len(paths) == 24
    assert sum(sign for sign, _ in paths) == 0
    assert {tuple(p) for _, p in paths} == {
        (0, *(sum(8 >> a for a in order[:i]) for i in range(1, 5)))
        for order in itertools.permutations(range(4))
    }


def test_second_chern_numbers_of_other_matrices_are_refused():
    data = json.loads(texts("second Chern")[0])
    assert said(data).startswith("second Chern number 0, gap")
    words = data["question"]["gammas"].split(" ")
    moved = copy.deepcopy(data)  # the first two exchanged
    moved["question"]["gammas"] = " ".join([*words[32:64], *words[:32], *words[64:]])
    assert said(moved).startswith("rejected: ")
    turned = copy.deepcopy(data)  # one of them with the other sign
    turned["question"]["gammas"] = " ".join(
        [w if w == "0" else w.removeprefix("-") if w[0] == "-" else f"-{w}" for w in words[:32]]
        + words[32:]
    )
    assert "not that of the matrices" in said(turned)
    for change in ({"start": [4, 4, 4, 8]}, {"depth": 1}, {"start": [17] * 4},
                   {"start": [1] * 4, "tree": "0"}):  # fmt: skip
        assert said({**data, "evidence": {**data["evidence"], **change}}).startswith("rejected")


@pytest.mark.slow
@pytest.mark.parametrize(("m", "value"), [(-3.0, -1), (3.0, 1), (-1.0, 3)])
def test_second_chern_numbers_of_the_dirac_model(m, value, tmp_path):
    rng = np.random.default_rng(1)
    u = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    h = tp.models.dirac_4d(m)
    moved = {tuple(r): u @ x @ u.conj().T
             for r, x in zip(h.vectors.tolist(), h.amplitudes, strict=True)}  # fmt: skip
    found = tp.second_chern(tp.FourierHamiltonian(moved), gammas=u @ GAMMAS @ u.conj().T)
    data = load(found.save(tmp_path / "x.cert.json"))
    assert said(data).startswith(f"second Chern number {value}, gap")
    assert claim_is_true(data)
    data["claim"]["value"] = -value
    assert said(data) == f"rejected: the integer is {value}, not {-value}"


def stack(m):
    """Layers of Chern insulators."""
    hop = {(0, 0, 0): m * PAULI[2] + 0j, (0, 0, 1): 0.05 * PAULI[2] + 0j}
    hop[1, 0, 0] = 0.5 * PAULI[2] - 0.5j * PAULI[0]
    hop[0, 1, 0] = 0.5 * PAULI[2] - 0.5j * PAULI[1]
    return tp.FourierHamiltonian(hop, n_occupied=1)


@pytest.fixture(scope="module")
def parities(tmp_path_factory):
    found = tp.axion_angle(stack(-4.0), inversion=PAULI[2])
    return load(found.save(tmp_path_factory.mktemp("axion") / "x.cert.json"))


def test_parities_fillings_and_planes_are_proven(parities):
    assert said(parities).startswith("axion angle 0, gap")
    for step in (-1, 1):
        data = copy.deepcopy(parities)
        data["evidence"]["parities"][3]["n_odd"] += step
        assert said(data).startswith("rejected: ")
    data = copy.deepcopy(parities)
    hoppings = data["evidence"]["planes"][1]["hoppings"]
    hoppings[0][1] = hoppings[1][1]
    assert "not those of its block" in said(data)
    data = copy.deepcopy(parities)
    data["evidence"]["n_odd"] += 1
    assert said(data).startswith("rejected: ")
    data = copy.deepcopy(parities)
    data["claim"]["value"] = 1
    assert said(data) == "rejected: the integer is 0, not 1"


def test_layers_have_no_axion_angle(parities, tmp_path):
    """A stack of Chern insulators has parities, but no angle: its planes cannot be proven."""
    found = tp.axion_angle(stack(-1.0), inversion=PAULI[2])
    assert str(found.reason) == "layers"
    with pytest.raises(UnresolvedError):
        found.save(tmp_path / "x.cert.json")
    # what is asked of the stack, with all that proves the trivial one
    data = copy.deepcopy(parities)
    home = next(x for x in data["question"]["hoppings"] if x[0] == [0, 0, 0])
    home[1] = home[1].replace((4.0).hex(), (1.0).hex())
    data["claim"]["gap_lower"] = "0"
    assert said(data).startswith("rejected: ")


def test_localizers_of_flakes(tmp_path):
    h, at = flake(5, -1.0)
    found = tp.localizer_index(np.array([h, h + 4.0 * np.eye(50)]), at, kappa=0.4)
    assert found.value.tolist() == [1, 0]
    path = found.save(tmp_path / "x.cert.json", 0)
    assert verify_certificate(path).startswith("localizer index 1, gap at least")
    data = load(path)
    assert claim_is_true(data)
    for key, word in (("kappa", "-0x1.0000000000000p-2"), ("kappa", "0")):
        changed = copy.deepcopy(data)
        changed["question"][key] = word
        assert "kappa must be positive" in said(changed)
    changed = copy.deepcopy(data)
    words = changed["question"]["matrix"].split(" ")
    words[2] = (0.5).hex()
    changed["question"]["matrix"] = " ".join(words)
    assert "not Hermitian" in said(changed)
    changed = copy.deepcopy(data)
    changed["question"]["energy"] = (6.0).hex()
    assert said(changed).startswith("rejected: ")
    changed["claim"] = {"value": 0, "gap_lower": "0"}
    # any basis is allowed, and proves what is true only
    assert said(changed).startswith(("localizer index 0", "rejected: a level may be zero"))
    changed = copy.deepcopy(data)
    changed["question"]["amplitude_error"] = data["claim"]["gap_lower"]
    assert said(changed).startswith("rejected: ")
    with pytest.raises(InputError, match="`index`"):
        found.save(tmp_path / "y")
    torus = tp.bott_index(np.diag([-1.0, 1.0] * 4), np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]],
                          2, axis=0), period=[2, 2], n_occupied=4)  # fmt: skip
    with pytest.raises(InputError, match="Bott index, which is not proven"):
        torus.save(tmp_path / "y")


def test_what_cannot_be_saved(tmp_path):
    wide = tp.ensembles.chiral_3d(1, n_bands=6, rng=3)[0]
    found = tp.winding_3d(wide, chiral="blocks")
    if found.all_certified:
        with pytest.raises(InputError, match="of four bands, but H has 6"):
            found.save(tmp_path / "x")
    sampled = tp.winding_3d(tp.models.chiral_dirac_3d(-2.0), chiral="blocks", grid=8)
    with pytest.raises(UnresolvedError):
        sampled.save(tmp_path / "x")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scale", [1e200, 1.0, 1e-200])
def test_what_is_not_hermitian_is_the_error_of_a_sample_in_any_unit(scale, tmp_path):
    h, at = flake(4, -1.0)
    off = 1e-10j * np.eye(len(h))
    data = load(
        tp.localizer_index(scale * (h + off), at, kappa=0.5 * scale).save(tmp_path / "x.cert.json")
    )
    error = float.fromhex(data["question"]["amplitude_error"])
    assert error == pytest.approx(1e-10 * scale * np.sqrt(len(h)))
    assert said(data).startswith("localizer index")
