"""Predictions of a trained network on Hamiltonians and on arrays."""

import inspect
import shutil

import numpy as np
import pytest

import topophys as tp
from tests.integration.artefacts import LEARNS, TOUCHES, read
from topophys.datasets import open_dataset
from topophys.errors import GaplessError, InputError, KindError, ShapeError
from topophys.learn import Prediction, Run, fit, load_run

#: as users get it, without the run-time checks of the annotations
predict = inspect.unwrap(Run.predict)


@pytest.fixture(scope="module")
def chains(chains_file):
    with open_dataset(chains_file) as dataset:
        split = dataset.split("test")
        return split.hamiltonians(slice(0, 60)), split.read("label", index=slice(0, 60))[0]


def test_batch_of_hamiltonians(trained, chains):
    answer = trained.predict(chains[0])
    assert answer.value.dtype == np.int64
    assert answer.value.shape == answer.real.shape == answer.confidence.shape == (60,)
    np.testing.assert_array_equal(answer.value, chains[1])
    np.testing.assert_array_equal(answer.value, np.rint(answer.real))


def test_single_hamiltonian_and_any_batch_axes(trained, chains):
    together = trained.predict(chains[0]).real
    alone = trained.predict(chains[0][7])
    assert alone.value.shape == ()
    assert alone.value == chains[1][7]
    np.testing.assert_allclose(alone.real, together[7], rtol=1e-4, atol=1e-5)
    blocks = chains[0].block_on_grid(32)
    stacked = trained.predict(blocks.reshape(3, 5, 4, 32, 2, 2))
    assert stacked.value.shape == (3, 5, 4)
    np.testing.assert_allclose(stacked.real.ravel(), together, rtol=1e-4, atol=1e-5)


def test_sampled_on_the_grid_of_the_training(trained, chains, chains_file):
    # both end points, or half a step of offset, would be seen here
    from topophys.learn.run import predict_invariants

    x = read(chains_file, "test", "x")[0][:60]
    expected = predict_invariants(trained.encoder, x)
    np.testing.assert_allclose(trained.predict(chains[0]).real, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_k", [6, 24, 33])
def test_refined_samples_are_those_of_a_finer_grid(trained, chains, n_k):
    # hopping range 2: five points hold everything
    few = trained.predict(chains[0].block_on_grid(n_k), refine=4)
    many = trained.predict(chains[0], k_points=4 * n_k)
    np.testing.assert_allclose(few.real, many.real, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(few.value, many.value)


@pytest.mark.parametrize("refine", [0, -2])
def test_impossible_refinements(trained, chains, refine):
    with pytest.raises(InputError, match=r"Argument `refine` must be"):
        predict(trained, chains[0], refine=refine)


@pytest.mark.parametrize("n_k", [24, 33, 64, 100])
def test_other_numbers_of_k_points(trained, chains, n_k):
    by_grid = trained.predict(chains[0], k_points=n_k)
    by_array = trained.predict(chains[0].block_on_grid(n_k))
    np.testing.assert_array_equal(by_grid.real, by_array.real)
    assert (by_grid.value == chains[1]).mean() > 0.9


@pytest.mark.parametrize("scale", [1e-200, 1e-3, 7.0, 1e200])
def test_scale_does_not_matter(trained, chains, scale):
    blocks = chains[0].block_on_grid(32)
    scaled, plain = trained.predict(scale * blocks), trained.predict(blocks)
    np.testing.assert_allclose(scaled.real, plain.real, rtol=1e-4, atol=1e-5)


def test_known_models(trained):
    # four bands, as the training had: two uncoupled SSH chains
    t2 = np.array([0.2, 0.6, 1.7, 4.0])
    block = {0: np.eye(2) * np.ones((4, 1, 1)), 1: t2[:, None, None] * np.diag([1.0, 0.0])}
    answer = trained.predict(tp.ChiralHamiltonian(block))
    np.testing.assert_array_equal(answer.value, [0, 0, 1, 1])


def test_empty_batches_give_empty_predictions(trained):
    assert trained.predict(np.ones((0, 32, 2, 2))).value.shape == (0,)


def test_confidence():
    answer = Prediction(np.array([1, 0, -2]), np.array([1.0, 0.25, -1.5]))
    np.testing.assert_array_equal(answer.confidence, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(answer.sure(), [True, True, False])
    np.testing.assert_array_equal(answer.sure(0.6), [True, False, False])


# ---- refusals


def refused(kind, run, given, match, **options):
    with pytest.raises(kind, match=match) as caught:
        predict(run, given, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n", [1, 3])
def test_blocks_of_another_size(trained, n):
    refused(ShapeError, trained, np.ones((5, 32, n, n)), "2 n\\^2 = 8")


def test_hamiltonians_with_more_orbitals(trained):
    refused(ShapeError, trained, tp.ChiralHamiltonian({0: np.eye(3)}), "2 n\\^2 = 8")


@pytest.mark.parametrize("shape", [(), (2,), (2, 2), (32, 2, 3), (0, 2, 2)])
def test_arrays_of_other_shapes(trained, shape):
    refused(ShapeError, trained, np.ones(shape), "`H`")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j * np.inf])
def test_numbers_that_are_not_finite(trained, value):
    blocks = np.ones((3, 32, 2, 2), complex)
    blocks[1, 4, 0, 1] = value
    refused(InputError, trained, blocks, "`H` must be finite")


def test_hamiltonians_without_a_chiral_block(trained):
    refused(KindError, trained, tp.models.qwz(1.0), "TwoBandHamiltonian")


@pytest.mark.parametrize("given", ["chain", None, {"a": 1}])
def test_inputs_that_are_not_numbers_are_refused(trained, given):
    refused(InputError, trained, given, "`H`")


@pytest.mark.parametrize("n_k", [0, -3])
def test_impossible_numbers_of_k_points(trained, chains, n_k):
    refused(InputError, trained, chains[0], "at least 1", k_points=n_k)


# ---- networks that do not flatten


@pytest.fixture(scope="module")
def plain_runs(tiny_file, raw_file, tmp_path_factory):
    """Runs without flattening in the network: on flattened data, and on raw data."""
    encoder = TOUCHES.encoder.model_copy(update={"flatten": False})
    runs = []
    for path in (tiny_file, raw_file):
        with open_dataset(path) as dataset:
            folder = tmp_path_factory.mktemp("plain") / "run"
            config = TOUCHES.model_copy(update={"encoder": encoder})
            runs.append(fit(config, dataset, folder, progress=False))
    return runs


def test_prepared_inputs_equal_those_of_training(plain_runs, tiny_file, raw_file):
    # a network that knows flattened blocks only must not be shown others, and the reverse
    from topophys.learn.run import predict_invariants

    for run, path, flattened in zip(plain_runs, (tiny_file, raw_file), (True, False), strict=True):
        assert run.provenance["flattened_input"] is flattened
        with open_dataset(path) as dataset:
            split = dataset.split("test")
            expected = predict_invariants(run.encoder, split.read("x")[0])
            found = run.predict(split.hamiltonians()).real
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_singular_blocks_cannot_be_flattened(plain_runs):
    refused(GaplessError, plain_runs[0], np.zeros((1, 32, 2, 2)), "gap")


def test_folder_can_move(touched, tmp_path):
    moved = load_run(shutil.copytree(touched, tmp_path / "elsewhere"))
    blocks = np.random.default_rng(0).standard_normal((4, 32, 2, 2))
    np.testing.assert_array_equal(
        moved.predict(blocks).real, load_run(touched).predict(blocks).real
    )


def test_settings_come_back(trained):
    assert load_run(trained.path).config == LEARNS


def test_a_run_and_its_answers_print_as_tables(trained):
    lines = repr(trained).splitlines()
    assert lines[0].startswith(f"Run `{trained.path}` (winding): TopologicalMLEncoder, ")
    assert lines[1].endswith("samples of classes -1, 0, 1")
    assert len(repr(trained)) < 400


def test_proofs_dispose_of_what_the_network_proposes(trained):
    chains = tp.ensembles.aiii_chains(40, rng=3)
    answer, plain = trained.predict(chains, certify=True), trained.predict(chains)
    truth = tp.certify_winding(chains)
    np.testing.assert_array_equal(answer.value, truth.value)
    np.testing.assert_array_equal(answer.proposed, plain.value)
    np.testing.assert_array_equal(answer.refuted, plain.value != truth.value)
    assert not answer.abstains.any()
    # no doubt of the network stands beside what is proven; it is kept by its own name
    np.testing.assert_array_equal(answer.confidence, 1.0)
    np.testing.assert_array_equal(answer.network_confidence, plain.confidence)
    assert answer.sure(1.0).all()
    assert not plain.sure(1.0).all()
    assert "proven           40 of 40" in repr(answer)
    assert plain.certificate is None
    assert not plain.certified.any()
    with pytest.raises(InputError, match="`certify` must be False for samples"):
        trained.predict(chains.block_on_grid(32), certify=True)
