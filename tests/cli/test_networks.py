"""Training and prediction from the command line, for every kind of data; and what is refused."""

import json
import shutil

import numpy as np
import pytest

import topophys as tp
from topophys.datasets import open_dataset
from topophys.learn import load_run

SETTINGS = "epochs = 2\nbatch_size = 20\n[encoder]\nhidden_dims = [4, 5, 6]\nnum_classes = 5\n"


@pytest.fixture(scope="module")
def surfaces():
    """Three Hamiltonians of each kind."""
    bands = tp.ensembles.class_a(3, n_bands=4, n_occupied=2, hopping_range=1, rng=0)
    return {"chern": tp.ensembles.two_band(3, rng=0), "bands": bands}


@pytest.fixture(scope="module", params=["chern", "bands"])
def trained_surface(request, chern_file, bands_file, tmp_path_factory):
    """Kind, data file and run folder of a network that `topophys train` made."""
    from topophys.cli import main

    data = {"chern": chern_file, "bands": bands_file}[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    words = ("train", data, "-o", folder / "run", "--config", folder / "settings.toml", "--quiet")
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert left.value.code == 0
    return request.param, data, folder / "run"


def test_training_and_prediction_in_two_dimensions(program, trained_surface, surfaces, tmp_path):
    kind, data, folder = trained_surface
    run = load_run(folder)
    assert run.kind == kind
    assert len(run.history) == 2
    models = surfaces[kind]
    grid = tuple(run.encoder.settings["k_grid"])
    np.save(tmp_path / "h.npy", models.on_grid(grid))
    code, out, err = program("predict", folder, tmp_path / "h.npy")
    assert (code, err) == (0, "")
    rows = [line.split() for line in out.splitlines()[1:]]
    answer = run.predict(models)
    assert [int(row[0]) for row in rows] == answer.value.tolist()
    np.testing.assert_allclose([float(row[1]) for row in rows], answer.real, atol=2e-4)
    # what the network was shown comes out of the file as it comes out of its hoppings
    with open_dataset(data) as dataset:
        part = dataset.split("val")
        shown = part.hamiltonians(slice(0, 4))
        (x,) = part.read("x", index=slice(0, 4))
    from topophys.learn.run import predict_invariants

    direct = predict_invariants(run.encoder, x)
    np.testing.assert_allclose(run.predict(shown).real, direct, rtol=1e-3, atol=1e-4)


def test_resuming_a_finished_training_leaves_an_edited_card(program, tiny_file, tmp_path):
    settings, folder = tmp_path / "settings.toml", tmp_path / "run"
    settings.write_text(SETTINGS.replace("= 5", "= 3"), encoding="utf-8")
    words = ("train", tiny_file, "-o", folder, "--config", settings, "--quiet")
    assert program(*words)[0] == 0
    card = folder / "README.md"
    before = card.read_text(encoding="utf-8")
    code, _, err = program(*words, "--resume")
    assert (code, err, card.read_text(encoding="utf-8")) == (0, "", before)
    card.write_text(before + "\nMy notes.\n", encoding="utf-8")
    code, _, err = program(*words, "--resume")
    assert (code, err.count("\n")) == (0, 1)
    assert "README.md` is not as training left it and stays" in err
    assert card.read_text(encoding="utf-8") == before + "\nMy notes.\n"


def test_training_of_many_bands_says_how_often_it_is_right(program, bands_file, tmp_path):
    (tmp_path / "settings.toml").write_text(SETTINGS, encoding="utf-8")
    code, out, _ = program(
        "train",
        bands_file,
        "-o",
        tmp_path / "run",
        "--config",
        tmp_path / "settings.toml",
        "--quiet",
    )
    assert code == 0
    share = load_run(tmp_path / "run").best_epoch["val_accuracy"]
    assert out.splitlines()[0] == f"accuracy on `val`: {share:.4f}"


# ---- one clear line


@pytest.fixture
def refused(program):
    """Run `topophys predict`, which must fail in one line; returns the line."""

    def run(folder, file, *words):
        code, out, err = program("predict", folder, file, *words)
        assert (code, out) == (2, "")
        assert err.startswith("topophys: ")
        assert (err.count("\n"), err[-1]) == (1, "\n")
        assert "Traceback" not in err
        return err

    return run


@pytest.fixture
def answers(trained_surface, surfaces, tmp_path):
    """Folder of a run to spoil, and a file that it reads as long as it is whole."""
    kind, _, folder = trained_surface
    copy = shutil.copytree(folder, tmp_path / "run")
    np.save(
        tmp_path / "h.npy", surfaces[kind].on_grid(tuple(load_run(copy).encoder.settings["k_grid"]))
    )
    return copy, tmp_path / "h.npy"


def test_inputs_that_no_network_can_read(answers, refused, tmp_path):
    folder, whole = answers
    good = np.load(whole)
    n = good.shape[-1]
    wrong = {
        "channels": (np.ones((2, *good.shape[1:3], 5, 5)), ("bands", "shape")),
        "numbers": (np.where(np.arange(n) == 0, np.nan, good), ("finite",)),
        "gapless": (np.zeros_like(good), ("gap",)),
        "one closing": (good * (np.arange(good.shape[1]) > 0)[:, None, None, None], ("gap",)),
        "asymmetric": (good + np.triu(np.ones((n, n)), 1), ("Hermitian",)),
        "points": (good[:, :2], ("at least 3",)),
    }
    for name, (array, words) in wrong.items():
        np.save(tmp_path / f"{name}.npy", array)
        line = refused(folder, tmp_path / f"{name}.npy")
        assert any(word in line for word in words), (name, line)


def test_scale_is_no_matter(answers, program, tmp_path):
    folder, whole = answers
    np.save(tmp_path / "scaled.npy", 1e9 * np.load(whole))
    assert (
        program("predict", folder, tmp_path / "scaled.npy")[1]
        == program("predict", folder, whole)[1]
    )


def test_networks_that_cannot_be_trusted(answers, refused, tmp_path):
    folder, whole = answers
    weights, card = folder / "best.safetensors", folder / "best.json"
    intact = weights.read_bytes(), card.read_text(encoding="utf-8")
    weights.write_bytes(intact[0][:-20])
    assert "best" in refused(folder, whole)
    weights.write_bytes(intact[0])
    card.write_text(json.dumps(json.loads(intact[1]) | {"version": 99}), encoding="utf-8")
    assert "99" in refused(folder, whole)
    card.write_text('{"format": "another"}', encoding="utf-8")
    assert "best" in refused(folder, whole)
    card.write_text(intact[1], encoding="utf-8")
    # a pickle under the name of the weights is not opened
    weights.write_bytes(
        b"\x80\x04cos\nsystem\n(S'touch " + str(tmp_path / "x").encode() + b"'\ntR."
    )
    assert "best" in refused(folder, whole)
    assert not (tmp_path / "x").exists()


def test_data_of_another_class(trained_surface, touched, refused, tmp_path):
    kind, _, folder = trained_surface
    chain = tp.write_wannier90_hr(tp.models.ssh(1.0, 2.0), tmp_path / "ssh_hr.dat")
    assert "dimension" in refused(folder, chain)
    chern_data = tp.write_wannier90_hr(tp.models.qwz(1.0), tmp_path / "qwz_hr.dat")
    assert refused(touched, chern_data)  # the network of chains
    if kind == "bands":
        assert "4 bands" in refused(folder, chern_data)


@pytest.mark.parametrize("command", ["probe", "plot", "report"])
def test_one_report_or_training_at_a_time_writes_a_run(program, touched, tmp_path, command):
    from topophys.learn.training_log import RunLock

    run = shutil.copytree(touched, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.iterdir()}
    lock = RunLock.acquire(run)
    code, out, err = program(command, run)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "another training or report" in err
    lock.release()
    assert {path: path.read_bytes() for path in run.iterdir()} == before
    # a folder that is none of a run gets no lock, not even for a moment
    code, _, err = program(command, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "no run.json" in err
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_networks_of_the_package_answer_at_once(program, tmp_path):
    """`topophys predict winding-1d FILE` needs no training."""
    chains = tp.ensembles.hard_chains("gaussian", 6, rng=2)
    np.save(tmp_path / "blocks.npy", tp.flatten_block(chains.block_on_grid(16)))
    code, out, err = program("predict", "winding-1d", tmp_path / "blocks.npy")
    assert (code, err) == (0, "")
    lines = out.splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == tp.certify_winding(chains).value.tolist()
    assert all("reconstructed" in line for line in lines)
    planes = tp.ensembles.hard_planes("gaussian", 2, n_bands=3, n_occupied=1, rng=2)
    np.save(tmp_path / "bands.npy", planes.on_grid(16))
    code, out, err = program("predict", "chern-2d", tmp_path / "bands.npy", "-n", "1")
    assert (code, err) == (0, "")
    assert [int(line.split()[0]) for line in out.splitlines()[1:]] == tp.certify_chern(
        planes
    ).value.tolist()
    for words, said in (
        (("chern-2d", tmp_path / "bands.npy"), "--occupied must be given for 3 bands"),
        (("winding-1d", tmp_path / "blocks.npy", "--refine", "2"), "--refine"),
        (("winding-1d", tmp_path / "blocks.npy", "--certify"), "--certify must be False"),
    ):
        code, out, err = program("predict", *words)
        assert code != 0
        assert said in err
        assert len(err.splitlines()) == 1


def test_hoppings_from_a_file_are_proven_on_request(program, tmp_path):
    chain = tp.models.ssh(1.0, 1.5)
    tp.write_wannier90_hr(chain, tmp_path / "ssh_hr.dat")
    code, out, _ = program("predict", "winding-1d", tmp_path / "ssh_hr.dat", "--certify")
    assert code == 0
    assert out.splitlines()[1].split()[0] == "+1"
    assert "proven" in out
    plane = tp.models.qwz(1.0)
    tp.write_wannier90_hr(plane, tmp_path / "qwz_hr.dat")
    words = ("predict", "chern-2d", tmp_path / "qwz_hr.dat", "-n", "1", "--certify")
    code, out, _ = program(*words)
    assert code == 0
    assert int(out.splitlines()[1].split()[0]) == int(tp.certify_chern(plane).value)
    assert "proven" in out
