"""One question about one file, answered in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import topophys as tp
from topophys.cli.answers import _momenta, chern
from topophys.cli.app import in_terms_of_options, options_of
from topophys.cli.networks import predict


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    made = {
        "plane": tp.models.qwz(-1.0),
        "metal": tp.models.qwz(2.0),
        "chain": tp.models.ssh(1.0, 1.4),
        "kramers": tp.models.bhz(1.0),
        "node": tp.models.weyl_semimetal(1.0),
    }
    made["noisy"] = tp.FourierHamiltonian(
        {R: m + 1e-4 * (R == (0, 0)) * np.diag([1.0, 0, 0, 0])
         for R, m in tp.models.bhz(1.0, delta=0.3).hoppings.items()})  # fmt: skip
    order = [0, 2, 1, 3]  # up down up down
    made["alternating"] = tp.FourierHamiltonian(
        {R: m[np.ix_(order, order)] for R, m in tp.models.bhz(1.0, delta=0.3).hoppings.items()}
    )
    layers = {(*R, 0): m for R, m in tp.models.bhz(1.0).hoppings.items()}
    made["solid"] = tp.FourierHamiltonian(layers | {(0, 0, 1): 0.01 * np.eye(4)})
    return {name: tp.write_wannier90_hr(h, folder / f"{name}_hr.dat") for name, h in made.items()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("chern", "plane", "-n", "1"), "Chern number of the lowest 1 of 2 bands in 2D"),
        (("winding", "chain"), "Winding number of the lowest 1 of 2 bands in 1D"),
        (("gap", "kramers", "-n", "2"), "Direct gap above the lowest 2 of 4 bands in 2D"),
        (("z2", "kramers", "-n", "2"), "Z2 invariant of the lowest 2 of 4 bands in 2D"),
        (("weyl", "node", "-n", "1", "--near", "0,0,1"), "Weyl charge of the lowest 1 of 2"),
    ],
)
def test_a_line_states_question_answer_status_gap_and_time(program, files, words, told):
    code, out, err = program(words[0], files[words[1]], *words[2:])
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    assert out.startswith(told)
    assert ", k.a in radians, phases exp(ik.R)" in out
    assert "(certified)" in out
    assert "gap at least " in out
    assert " s" in out


VALUES = [
    (("chern", "plane", "-n", "1"), "+1"),
    (("chern", "plane", "--fermi-energy", "0.0"), "+1"),
    (("chern", "plane", "--electrons", "2", "--spin-degenerate"), "+1"),
    (("winding", "chain"), "+1"),
    (("gap", "chain", "-n", "1"), "open"),
    (("z2", "kramers", "-n", "2"), "1"),
    (("z2", "noisy", "-n", "2"), "1"),
    (("z2", "alternating", "-n", "2"), "1"),
    (("z2", "solid", "-n", "2"), "(0; 001)"),
    (("weyl", "node", "-n", "1", "--near", "0.1,0,pi/3"), None),
]


@pytest.mark.parametrize(("words", "value"), VALUES, ids=[" ".join(w) for w, _ in VALUES])
def test_json(program, files, words, value):
    code, out, err = program(words[0], files[words[1]], *words[2:], "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["status"] == "certified"
    if value is None:
        h = tp.read_wannier90(files[words[1]], n_occupied=1)
        value = f"{int(tp.weyl_charge(h, [0, 0, 1.0], half_width=0.5)):+d}"
        assert value != "+0"
    assert told["value"] == value
    assert told["gap_lower"] > 0.0
    assert told["seconds"] > 0.0
    assert told["n_occupied"] == (2 if told["n_bands"] == 4 else 1)


def test_a_violation_beyond_the_gap_is_reported(program, tmp_path):
    # a magnetic field as large as the gap
    hoppings = dict(tp.models.bhz(0.02).hoppings)
    hoppings[0, 0] = hoppings[0, 0] + 0.05 * np.diag([1.0, 1.0, -1.0, -1.0])
    h = tp.FourierHamiltonian(hoppings)
    path = tp.write_wannier90_hr(h, tmp_path / "a_hr.dat")
    assert tp.find_time_reversal(h) == "up first"
    code, out, err = program("z2", path, "-n", "2")
    # without the operator the splitting of the pairs is refused, too
    assert (code, out) == (2, "") or "which the gap does not cover" in out
    assert "split" in err or not err


def test_spins_are_found_in_either_order(program, files):
    for name, order in (("noisy", "up first"), ("alternating", "alternating")):
        _, out, _ = program("z2", files[name], "-n", "2")
        assert f"spins '{order}'" in out
    _, out, _ = program("z2", files["kramers"], "-n", "2", "--time-reversal", "none")
    assert "1 (converged)" in out


def test_the_proof_goes_into_a_file(program, files, tmp_path):
    checker = pytest.importorskip("topophys.checker")
    path = tmp_path / "x.cert.json"
    code, out, _ = program("chern", files["plane"], "-n", "1", "-o", path)
    assert code == 0
    assert out.rstrip().endswith(f"proof in {path}")
    assert checker.main([str(path)]) == 0
    code, out, _ = program("z2", files["solid"], "-n", "2", "-o", path)
    assert code == 0
    assert out.rstrip().endswith(f"proof in {path}")
    assert checker.main([str(path)]) == 0


@pytest.mark.parametrize("command", ["chern", "gap", "z2", "weyl"])
def test_no_filling_is_assumed(program, files, command):
    more = ("--near", "0,0,1") if command == "weyl" else ()
    code, out, err = program(command, files["plane"], *more)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Option -n must be given" in err


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("chern", "chain", "-n", "1"), 2, "needs a 2D Hamiltonian, but the file is 1D"),
        (("winding", "plane"), 2, "needs a 1D"),
        (("weyl", "plane", "-n", "1", "--near", "0,0,0"), 2, "needs a 3D"),
        (("chern", "plane", "-n", "2"), 2, "Option --occupied must be from 1 to 1"),
        (("chern", "plane", "--electrons", "1"), 2, "--spin-degenerate"),
        (("z2", "kramers", "-n", "1"), 2, "must be even"),
        (("chern", "nothing", "-n", "1"), 2, "does not exist; give hoppings"),
    ],
)
def test_errors_are_one_line(program, files, tmp_path, words, code, text):
    file = files.get(words[1], tmp_path / "nothing")
    found, out, err = program(words[0], file, *words[2:])
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert text in err


def test_without_a_proof_the_status_is_1(program, files):
    code, out, err = program("chern", files["metal"], "-n", "1")
    assert (code, err) == (1, "")
    assert "unresolved: closed gap" in out
    code, out, _ = program("chern", files["metal"], "-n", "1", "--json")
    assert (code, json.loads(out)["value"]) == (1, "")


def test_what_the_file_leaves_open_is_said(program, files, tmp_path):
    text = files["plane"].read_text().splitlines()
    # three vectors of a chain are those of a mesh of three k points
    chain = files["chain"].read_text().splitlines()
    (tmp_path / "a_hr.dat").write_text("\n".join(["from elsewhere", *chain[1:]]) + "\n")
    _, out, _ = program("gap", tmp_path / "a_hr.dat", "-n", "1")
    assert "no _wsvec.dat was read" in out
    _, out, _ = program("gap", tmp_path / "a_hr.dat", "-n", "1", "--wsvec", "none")
    assert "_wsvec" not in out
    text[4] = text[4].replace("5.0000000000000000e-01", "5.0100000000000000e-01")
    (tmp_path / "b_hr.dat").write_text("\n".join(text) + "\n")
    assert program("chern", tmp_path / "b_hr.dat", "-n", "1")[0] == 2
    _, out, _ = program("chern", tmp_path / "b_hr.dat", "-n", "1", "--hermitian", "average")
    assert "were averaged" in out


def test_momenta():
    assert _momenta("0, -pi/2,0.5pi") == (0.0, -np.pi / 2, np.pi / 2)
    assert _momenta("1e-3,2*pi,.5") == (0.001, 2 * np.pi, 0.5)
    for wrong in ("1,2", "1,2,3,4", "a,b,c", "1,,2", ""):
        with pytest.raises(Exception, match="--near must be three momenta"):
            _momenta(wrong)


@pytest.fixture(scope="module")
def semimetal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("semimetal")
    return tp.write_wannier90_hr(tp.models.weyl_semimetal(1.0), folder / "weyl_hr.dat")


def test_all_nodes_are_found_where_none_is_named(program, semimetal, tmp_path):
    checker = pytest.importorskip("topophys.checker")
    path = tmp_path / "nodes.cert.json"
    code, out, err = program("weyl", semimetal, "-n", "1", "--quiet", "-o", path)
    assert (code, err) == (0, "")
    assert "2 boxes with a charge, nothing elsewhere (both certified)" in out
    assert out.rstrip().endswith(f"proof in {path}")
    assert checker.check(path.read_text()).startswith("Weyl census 2, gap at least")
    code, out, _ = program("weyl", semimetal, "-n", "1", "--quiet", "--json")
    found = json.loads(out)
    assert (code, found["nodes"], found["undecided"], found["complete"]) == (0, 2, 0, True)
    assert sorted(box["value"] for box in found["boxes"]) == [-1, 1]
    assert found["sum_of_charges"] == 0
    heights = sorted(box["position_3"] for box in found["boxes"])
    np.testing.assert_allclose(heights, [-1.0, 1.0], atol=1e-9)


def test_a_census_with_open_ends_is_no_success(program, tmp_path):
    # cos kx + cos ky = 1 and kz = 0 or pi: lines, which have no charge
    x, z = np.array([[0, 1], [1, 0]]), np.diag([1, -1])
    lines = {(0, 0, 0): -x, (1, 0, 0): 0.5 * x, (0, 1, 0): 0.5 * x, (0, 0, 1): -0.5j * z}
    file = tp.write_wannier90_hr(tp.FourierHamiltonian(lines), tmp_path / "lines_hr.dat")
    words = ("weyl", file, "-n", "1", "--max-cells", "300", "--quiet")
    code, out, _ = program(*words)
    assert code == 1
    assert "undecided" in out
    assert "0 boxes with a charge, nothing elsewhere (both certified" in out
    code, out, _ = program(*words, "--json")
    found = json.loads(out)
    assert code == 1
    assert found["undecided"] == len(found["boxes"]) > 0
    assert found["sum_of_charges"] == 0 or {box["value"] for box in found["boxes"]} & {None}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--half-width", "0.2"), "--near"),
        (("--near", "0,0,1", "--max-cells", "5"), "--max-cells"),
    ],
)
def test_options_of_one_node_and_of_all_do_not_mix(program, semimetal, words, text):
    code, out, err = program("weyl", semimetal, "-n", "1", *words)
    assert (code, out) == (2, "")
    assert text in err


def test_certificates_are_written_with_every_way_of_reading(program, files, tmp_path):
    pytest.importorskip("topophys.checker")
    proofs = {}
    for name, words in {
        "bands": ("-n", "1"),
        "energy": ("--fermi-energy", "0"),
        "electrons": ("--electrons", "1", "--spinful"),
    }.items():
        path = tmp_path / f"{name}.cert.json"
        code, out, _ = program("certify", files["plane"], *words, "-o", path)
        assert code == 0, out
        proofs[name] = path.read_bytes()
    assert len(set(proofs.values())) == 1
    text = files["plane"].read_text().splitlines()
    text[4] = text[4].replace("5.0000000000000000e-01", "5.0100000000000000e-01")
    (tmp_path / "b_hr.dat").write_text("\n".join(text) + "\n")
    path = tmp_path / "b.cert.json"
    words = ("certify", tmp_path / "b_hr.dat", "-n", "1", "-o", path)
    assert program(*words)[0] == 2
    assert not path.exists()
    assert program(*words, "--hermitian", "average")[0] == 0
    assert tp.verify_certificate(path).startswith("Chern number 1, gap at least")


@pytest.mark.slow
def test_two_bands_take_less_than_two_seconds_of_work(files, tmp_path):
    """Time of the processor after the first use, or little more than loading Numba takes."""
    code = (
        "import sys, time; from topophys.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: print(time.process_time(), *(x in sys.modules for x in"
        " ('torch', 'h5py')))"
    )
    words = [sys.executable, "-c", code, "chern", str(files["plane"]), "-n", "1"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    env["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    for _ in range(2):
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=env)
    base = subprocess.run(
        [sys.executable, "-c", "import time, numba, scipy.linalg; print(time.process_time())"],
        capture_output=True, text=True, check=True, env=env,
    )  # fmt: skip
    spent, torch, h5py = done.stdout.splitlines()[-1].split()
    assert (torch, h5py) == ("False", "False")
    assert float(spent) < max(2.0, 3.0 * float(base.stdout))


def test_an_indirect_gap_is_proven_or_refuted_and_an_energy_counts_its_bands(program, tmp_path):
    checker = pytest.importorskip("topophys.checker")
    tilted = tp.FourierHamiltonian({(0,): [[1.0, 0.0], [0.0, -1.0]], (1,): np.eye(2)})
    tp.write_wannier90_hr(tilted, tmp_path / "metal_hr.dat")
    tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "open_hr.dat")
    code, out, _ = program("gap", tmp_path / "metal_hr.dat", "-n", "1")
    assert (code, "open (certified)" in out) == (0, True)
    code, out, _ = program("gap", tmp_path / "metal_hr.dat", "-n", "1", "--indirect")
    assert (code, "not open (refuted)" in out, "a level of at least" in out) == (1, True, True)
    proof = tmp_path / "x.cert.json"
    code, out, _ = program("gap", tmp_path / "open_hr.dat", "--level", "0.3", "-o", proof)
    assert code == 0
    assert out.startswith("Gap around 0.3 eV above the lowest 1 of 2 bands in 2D")
    assert checker.check(proof.read_text()).startswith("gap around an energy 1, gap at least")
    code, out, _ = program("gap", tmp_path / "open_hr.dat", "--level", "1.5", "-o", proof)
    assert (code, "not open (refuted)" in out) == (1, True)
    code, out, _ = program("gap", tmp_path / "open_hr.dat", "--level", "9")
    assert (code, "open (certified); no band on one side of it; " in out) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "nowhere.h5"), ("info", "nowhere.h5"), ("generate", "no.toml", "-o", "x.h5"),
        ("train", "nowhere.h5", "-o", "x"), ("train", "no.toml", "-o", "x"), ("probe", "no-run"),
        ("plot", "no-run"), ("report", "no-run"), ("chern", "no_hr.dat", "-n", "1"),
        ("certify", "no_hr.dat", "-n", "1", "-o", "x.cert.json"), ("weyl", "no_hr.dat", "-n", "1"),
        ("predict", "winding-1d", "no.npy"),
    ],
)  # fmt: skip
def test_missing_files_are_named_before_anything_large_is_imported(words, tmp_path):
    code = (
        "import sys\nfrom topophys.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
        "    print(sorted({'numpy', 'numba', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == "[]\n"
    assert "does not exist" in done.stderr
    assert done.stderr.count("\n") == 1


def test_errors_speak_of_options():
    """Who gives options of a command has no arguments of functions."""
    options = {"n_occupied": "--occupied", "hermitian": "--hermitian", "missing": "--missing"}
    for text, expected in {
        "Argument `n_occupied` must be even.": "Option --occupied must be even.",
        "hermitian='average' takes the mean.": "`--hermitian average` takes the mean.",
        "say so by missing='zero'": "say so by `--missing zero`",
        "the argument `missing`, or `n_occupied`": "the option --missing, or `--occupied`",
        "Arguments `n_occupied` and `missing` clash": "Options `--occupied` and `--missing` clash",
        "Argument `grid` must be given": "Argument `grid` must be given",
        "the values of n_occupied_bands=3": "the values of n_occupied_bands=3",
    }.items():
        assert in_terms_of_options(text, options) == expected


def test_every_command_knows_its_options():
    known = options_of(chern)
    assert known["n_occupied"] == "--occupied"
    assert known["spin_degenerate"] == "--spin-degenerate"
    assert known["hermitian"] == "--hermitian"
    assert known["output"] == "--output"
    assert known["as_json"] == "--json"
    assert options_of(predict)["n_occupied"] == "--occupied"


def test_readers_advise_options_that_exist(program, files, tmp_path):
    text = files["plane"].read_text().splitlines()
    text[4] = text[4].replace("5.0000000000000000e-01", "5.0100000000000000e-01")
    (tmp_path / "b_hr.dat").write_text("\n".join(text) + "\n")
    code, _, err = program("chern", tmp_path / "b_hr.dat", "-n", "1")
    assert (code, "`--hermitian average` takes the mean" in err) == (2, True)
    (tmp_path / "c_hr.dat").write_text(
        "\n".join(files["plane"].read_text().splitlines()[:-1]) + "\n"
    )
    code, _, err = program("chern", tmp_path / "c_hr.dat", "-n", "1")
    assert (code, "missing=" in err) == (2, False)
    for words in (("chern", "--fermi-energy", "0", "-n", "1"), ("z2", "-n", "1")):
        code, out, err = program(words[0], files["kramers"], *words[1:])
        assert (code, out) == (2, "")
        assert not re.search(r"`(n_occupied|fermi_energy|n_electrons)`|Argument `", err), err
