"""What a trained network can be asked: Hamiltonians, arrays, files; and what it refuses."""

import inspect
import pickle

import numpy as np
import pytest

import topophys as tp
from tests.integration.artefacts import TOUCHES, read
from topophys.datasets import open_dataset
from topophys.datasets.tasks import get_task
from topophys.errors import (
    DatasetError,
    GaplessError,
    InputError,
    KindError,
    SchemaError,
    ShapeError,
)
from topophys.learn import FitConfig, Run, fit, load_pretrained

#: as users get it, without the run-time checks of the annotations
predict = inspect.unwrap(Run.predict)


@pytest.fixture(scope="module")
def surfaces(chern_file, tmp_path_factory):
    """A network of two-band Hamiltonians that learnt nothing yet."""
    encoder = {"hidden_dims": (4, 5, 6), "num_classes": 5}
    config = FitConfig(epochs=1, batch_size=20, encoder=encoder)
    with open_dataset(chern_file) as data:
        return fit(config, data, tmp_path_factory.mktemp("chern") / "run", progress=False)


@pytest.fixture(scope="module")
def bands(bands_file, tmp_path_factory):
    """A network of Hamiltonians with four bands."""
    encoder = {"hidden_dims": (4, 5, 6), "num_classes": 5}
    config = FitConfig(epochs=1, batch_size=20, encoder=encoder)
    with open_dataset(bands_file) as data:
        return fit(config, data, tmp_path_factory.mktemp("bands") / "run", progress=False)


def refused(kind, run, given, match, **options):
    with pytest.raises(kind, match=match) as caught:
        predict(run, given, **options)
    assert "\n" not in str(caught.value)


# ---- named models and Hamiltonians without a told block


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (tp.models.ssh(1.0, 2.0), 1),
        (tp.models.ssh(2.0, 1.0), 0),
        (tp.models.ssh(0.3, 0.2, 1.0), 2),
        (tp.models.kitaev_chain(3.0, 1.0, 1.0), 0),
    ],
)
def test_named_models_with_smaller_blocks(trained, model, value):
    # completed by an orbital that is coupled to nothing
    answer = trained.predict(model)
    assert answer.value == value
    assert not answer.abstains


def test_sublattices_of_general_chains_are_found(trained, chains_file):
    with open_dataset(chains_file) as data:
        chains = data.split("test").hamiltonians(slice(0, 40))
    mixed = [2, 0, 3, 1]  # orbitals in another order, that of nobody
    shuffled = tp.FourierHamiltonian(
        {(int(r),): chains.amplitudes[..., i, :, :][..., mixed, :][..., mixed]
         for i, (r,) in enumerate(chains.vectors)}
    )  # fmt: skip
    told = trained.predict(shuffled, sublattice=[1, 3])
    found = trained.predict(shuffled)
    np.testing.assert_allclose(told.real, trained.predict(chains).real, atol=0.2)
    np.testing.assert_array_equal(told.value, trained.predict(chains).value)
    # orbital 0 is of the second sublattice here, so that the sign turns
    np.testing.assert_array_equal(found.value, -told.value)


def test_block_of_a_chain_is_found_exactly():
    chain = tp.ensembles.aiii_chains(3, n_orbitals=2, hopping_range=2, rng=0)
    full = tp.FourierHamiltonian(
        {(int(r),): chain.amplitudes[..., i, :, :] for i, (r,) in enumerate(chain.vectors)}
    )
    np.testing.assert_array_equal(
        tp.ChiralHamiltonian.from_hamiltonian(full).block_on_grid(7), chain.block_on_grid(7)
    )


def test_chains_without_a_chiral_block(trained):
    refused(KindError, trained, tp.models.rice_mele(1.0, 2.0, 0.5), "chiral block")
    refused(KindError, trained, tp.models.qwz(1.0), "TwoBandHamiltonian in 2D")
    apart = tp.FourierHamiltonian({(0,): np.kron(np.eye(2), [[0, 1], [1, 0]])})
    refused(KindError, trained, apart, "connected orbitals")
    assert trained.predict(apart, sublattice=[0, 2]).value == 0
    for wrong in ([0], [0, 0], [0, 7], [0, 1, 2]):
        refused(InputError, trained, apart, "`sublattice`", sublattice=wrong)


def test_matrices_are_no_blocks():
    matrices = tp.models.ssh(1.0, 2.0).on_grid(24)
    with pytest.raises(InputError, match=r"must be the blocks D\(k\)"):
        load_pretrained("winding-1d").predict(matrices)


def test_no_network_proves_another_chain_than_the_one_that_is_given():
    # hoppings within a sublattice of a millionth were left out of proofs once
    prove = get_task("winding").prove
    within = tp.FourierHamiltonian({(1,): np.diag([1e-7, 0.0])})
    coupled = tp.models.ssh(1.0, 2.0) + within
    with pytest.raises(KindError, match="sublattice symmetry"):
        prove(coupled, None)
    # and what was rounded before; 1.3 is no power of two
    chain = tp.FourierHamiltonian({(0,): [[0, 0.7], [0.7, 0]], (1,): [[0, 1.9], [0, 0]]})
    exact, rounded = prove(chain, None), prove(1.3 * chain, None)
    assert rounded.value == exact.value == 1
    assert rounded.asked.question(()).amplitude_error >= (1.3 * chain).amplitude_error > 0.0


# ---- files


def test_arrays_and_wannier_files(trained, tmp_path, chains_file):
    with open_dataset(chains_file) as data:
        chain = data.split("test").hamiltonians(5)
        label = int(data.split("test").read("label")[0][5])
    np.save(tmp_path / "blocks.npy", chain.block_on_grid(48))
    full = tp.FourierHamiltonian(
        {(int(r),): chain.amplitudes[i] for i, (r,) in enumerate(chain.vectors)}
    )
    path = tp.write_wannier90_hr(full, tmp_path / "chain_hr.dat")
    for given in (tmp_path / "blocks.npy", str(tmp_path / "blocks.npy"), path, str(path)):
        assert trained.predict(given).value == label
    np.testing.assert_allclose(trained.predict(path).real, trained.predict(chain).real, atol=1e-3)


@pytest.mark.parametrize("content", [b"", b"abc", b"\x93NUMPY\x01\x00", b"PK\x03\x04rest"])
def test_files_that_are_no_arrays(trained, tmp_path, content):
    (tmp_path / "blocks.npy").write_bytes(content)
    refused(InputError, trained, tmp_path / "blocks.npy", "`H`")


def test_files_that_are_not_there_or_hold_something_else(trained, tmp_path):
    refused(InputError, trained, tmp_path / "nowhere.npy", "No such file")
    refused(DatasetError, trained, tmp_path / "nowhere_hr.dat", "nowhere_hr")
    (tmp_path / "text_hr.dat").write_text("not a Hamiltonian\n", encoding="utf-8")
    refused((DatasetError, SchemaError), trained, tmp_path / "text_hr.dat", "text_hr")
    np.savez(tmp_path / "two.npz", a=np.ones((3, 32, 2, 2)))
    refused(InputError, trained, tmp_path / "two.npz", "archive")


class Bomb:
    """Unpickling it leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_in_a_file_is_executed(trained, tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Bomb(trace)))
    refused(InputError, trained, tmp_path / "pickle.npy", "`H`")
    np.save(tmp_path / "object.npy", np.array([Bomb(trace)], dtype=object), allow_pickle=True)
    refused(InputError, trained, tmp_path / "object.npy", "`H`")
    assert not trace.exists()


# ---- bad arrays


def test_blocks_without_a_gap(trained):
    blocks = np.ones((3, 32, 1, 1)) * np.eye(2)
    blocks[1, 7] = [[1, 1], [1, 1]]
    with pytest.raises(GaplessError, match="gapless") as caught:
        predict(trained, blocks)
    assert "\n" not in str(caught.value)
    refused(GaplessError, trained, tp.ChiralHamiltonian({0: np.eye(2), 1: np.eye(2)}), "gapless")


def test_too_few_points(trained):
    refused(ShapeError, trained, np.ones((5, 2, 1, 1)) * np.eye(2), "at least 3")


def test_unnormalised_blocks_are_accepted(trained, chains_file):
    (x,) = read(chains_file, "test", "x")
    blocks = np.ascontiguousarray(x[:9].astype(float)).view(complex).reshape(9, 32, 2, 2)
    np.testing.assert_array_equal(
        trained.predict(1e6 * blocks).value, trained.predict(blocks).value
    )


# ---- two dimensions


def test_two_band_inputs_in_every_form(surfaces):
    model = tp.models.qwz(np.array([-1.0, 1.0, 3.0]))
    grid = tuple(surfaces.encoder.settings["k_grid"])
    real = surfaces.predict(model).real
    assert real.shape == (3,)
    same = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(surfaces.predict(model.d_on_grid(grid)).real, real, **same)
    np.testing.assert_allclose(surfaces.predict(7 * model.on_grid(grid)).real, real, **same)
    plain = tp.FourierHamiltonian(
        {tuple(int(c) for c in v): model.amplitudes[:, i] for i, v in enumerate(model.vectors)}
    )
    np.testing.assert_allclose(surfaces.predict(plain).real, real, **same)
    assert surfaces.predict(model, k_points=20).real.shape == (3,)
    assert surfaces.predict(model[0], k_points=(10, 12)).real.shape == ()
    fine = surfaces.predict(model, k_points=24).real
    np.testing.assert_allclose(surfaces.predict(model, k_points=8, refine=3).real, fine, **same)


def test_refusals_in_two_dimensions(surfaces):
    refused(KindError, surfaces, tp.models.ssh(1.0, 2.0), "two bands in two dimensions")
    refused(ShapeError, surfaces, np.ones((12, 12, 4)), "`H`")
    refused(ShapeError, surfaces, np.ones((2, 12, 3)), "at least 3")
    refused(InputError, surfaces, np.full((12, 12, 3), np.nan), "finite")
    refused(InputError, surfaces, np.ones((12, 12, 2, 2)) * [[0, 1], [2, 0]], "Hermitian")
    refused(GaplessError, surfaces, np.zeros((1, 12, 12, 3)), "gap")
    refused(GaplessError, surfaces, tp.models.qwz(2.0), "gap")
    refused(InputError, surfaces, tp.models.qwz(1.0), "`sublattice`", sublattice=[0])


@pytest.mark.slow
def test_many_bands(bands):
    h = tp.ensembles.class_a(3, n_bands=4, n_occupied=2, hopping_range=1, rng=0)
    grid = tuple(bands.encoder.settings["k_grid"])
    real = bands.predict(h).real
    assert real.shape == (3,)
    np.testing.assert_allclose(bands.predict(h.on_grid(grid)).real, real, rtol=1e-3, atol=1e-4)
    refused(ShapeError, bands, tp.models.qwz(1.0), "4 bands")
    refused(KindError, bands, tp.models.ssh(1.0, 2.0), "1 dimensions")
    refused(GaplessError, bands, np.zeros((2, 8, 8, 4, 4)), "gap")
    off = np.zeros((8, 8, 4, 4))
    off[..., 0, 1] = 1.0
    refused(InputError, bands, off, "Hermitian")


def test_wannier_file_of_two_bands(surfaces, tmp_path):
    path = tp.write_wannier90_hr(tp.models.qwz(-1.0), tmp_path / "qwz_hr.dat")
    np.testing.assert_allclose(
        surfaces.predict(path).real, surfaces.predict(tp.models.qwz(-1.0)).real, atol=1e-3
    )
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: len(text) * 2 // 3], encoding="utf-8")
    refused((SchemaError, DatasetError), surfaces, path, "qwz_hr")


def test_runs_of_earlier_releases_are_read(touched):
    # runs of earlier releases do not say what kind they are, nor where to abstain
    from topophys.learn import load_run

    run = load_run(touched)
    for name in ("kind", "abstain_below"):
        run.provenance.pop(name)
    assert run.kind == "winding"
    assert run.predict(tp.models.ssh(1.0, 2.0)).threshold == 0.5
    assert run.config == TOUCHES
