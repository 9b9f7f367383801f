"""The challenge: labels that can be checked, halves that can be repeated."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.markers import others_slow
from tests.strategies import plain
from topophys import _io
from topophys.errors import InputError, OutputError
from topophys.learn import (
    CHALLENGE,
    export_challenge,
    load_challenge,
    read_entry,
    score_challenge,
)
from topophys.learn._challenge_populations import POPULATIONS

#: Of the public labels of chains that nothing was chosen from: what is frozen.
FROZEN = "159948057ecc166490c244bcda7a79e345a7d6e7ae9ebc413ac963b4c6e23c35"


def nothing(samples, test):
    return np.full(len(samples), np.nan)


def test_public_labels_are_those_of_this_edition():
    names = ["chains-32", "chains-12", "chains-real", "chains-four-orbitals", "chains-noisy"]
    labels = np.concatenate([load_challenge(name).label for name in names])
    assert hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest() == FROZEN


@pytest.mark.parametrize("name", CHALLENGE)
def test_halves_are_repeated_by_their_seed(name):
    one, same, other = (load_challenge(name, seed=s, size=9) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.label, same.label)
    np.testing.assert_allclose(one.samples, same.samples)
    assert not np.allclose(one.samples, other.samples)
    assert one.samples.shape[:-2] == (9, *one.k.shape[:-1])
    assert (one.gap_lower > 0.0).all()


@pytest.mark.parametrize(
    "name", others_slow(CHALLENGE, quick=set(CHALLENGE) - {"planes-eight-bands"})
)
def test_labels_have_certificates(name, tmp_path):
    checker = pytest.importorskip("topophys.checker")
    test = load_challenge(name, seed=3, size=2)
    for path, label in zip(test.save_certificates(tmp_path), test.label, strict=True):
        assert f" {label}, gap at least" in checker.check(path.read_text())


@pytest.mark.slow
def test_gaps_do_not_depend_on_when_kernels_are_compiled(tmp_path):
    code = (
        "from topophys.learn import load_challenge;"
        "print(load_challenge('chains-four-orbitals', size=6).gap_lower.tolist())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ
            | {"TOPOPHYS_INTERPRET_SECONDS": seconds, "NUMBA_CACHE_DIR": str(tmp_path / seconds)},
            capture_output=True,
            check=True,
        ).stdout
        for seconds in ("0", "1000")
    }
    assert len(told) == 1


@pytest.mark.parametrize("name", ["chains-12", "planes-12"])
def test_each_hamiltonian_is_of_an_ensemble_of_its_own(name):
    """Batches of one ensemble would scatter scores more than their intervals say."""
    one = POPULATIONS[name]
    sizes = np.zeros(len(one.ensembles))
    rows = []
    for number, (places, h) in enumerate(one.draws(np.random.default_rng(3), 400)):
        assert h.batch_shape == places.shape
        sizes[number] = len(places)
        rows.append(places)
    np.testing.assert_array_equal(np.sort(np.concatenate(rows)), np.arange(400))
    share = 400 / len(sizes)
    assert (np.abs(sizes - share) < 4 * np.sqrt(share)).all()
    mixed = load_challenge(name, seed=4, size=30).index[:, 0]
    assert len(set(mixed.tolist())) > len(sizes) // 2
    assert (np.diff(mixed) < 0).any()  # not one ensemble after the other


@pytest.mark.parametrize(("name", "above"), [("chains-12", 0.03), ("planes-near-transitions", 0.1)])
def test_most_probable_hamiltonians_are_above_interpolation(name, above):
    ours, other = (
        score_challenge(e, [name], hidden_seed=5, size=120).mean
        for e in ("most-probable", "fft-formula")
    )
    assert ours > other + above


def test_most_probable_hamiltonians_are_not_derived_for_more_bands():
    score = score_challenge("most-probable", ["planes-12", "z2-12"], hidden_seed=5, size=4)
    assert score.not_entered == ("planes-12", "z2-12")


@pytest.mark.parametrize("name", ["chains-12", "chains-noisy", "planes-6", "planes-12"])
def test_combined_is_the_network_or_the_most_probable_hamiltonian(name):
    one, test = POPULATIONS[name], load_challenge(name, seed=6, size=40)
    said, network = one.combined(test.samples), one.hybrid(test.samples)
    found = one.network().predict(test.samples, n_occupied=one.given_occupied)
    others = ~found.reconstructed
    assert others.any()
    np.testing.assert_array_equal(said[~others], network[~others])
    if name in ("chains-12", "planes-6"):
        expected = one.most_probable(test.samples[others])
        np.testing.assert_array_equal(said[others], expected)
    else:  # noisy, or of more bands
        np.testing.assert_array_equal(said, network)


def test_formulas_are_wrong_on_what_was_chosen_against_them():
    for name in ("chains-adversarial", "planes-adversarial"):
        score = score_challenge("fft-formula", [name], hidden_seed=4, size=12)
        assert [row.correct for row in score.rows] == [0, 0]
    near = load_challenge("chains-near-transitions", seed=2, size=20)
    assert (near.gap_lower < 0.1).all()


def test_entries_see_no_labels_and_who_abstains_is_not_right():
    seen = []

    def entry(samples, test):
        seen.append((len(test.label), len(test.gap_lower), test.proofs, test.index))
        if test.kind == "z2":
            raise NotImplementedError  # how an entry says that a test is not for it
        return np.ma.masked_array(np.zeros(len(samples), int), np.arange(len(samples)) % 2 == 0)

    score = score_challenge(entry, ["chains-12", "z2-12"], hidden_seed=8, size=10)
    assert seen[:2] == [(0, 0, (), None)] * 2
    assert score.not_entered == ("z2-12",)
    for row in score.rows:
        assert (row.n, row.answered) == (10, 5)
        assert row.accuracy <= 0.5
        assert row.wrong_of_answered == (5 - row.correct) / 5


@pytest.mark.parametrize("answer", [lambda x, _: np.zeros(3), lambda x, _: np.full(len(x), 0.5),
                                    lambda x, _: np.full(len(x), "a")],
                         ids=["three", "halves", "words"])  # fmt: skip
def test_answers_must_be_integers(answer):
    with pytest.raises(InputError, match="Argument `entry` must answer test chains-12 with"):
        score_challenge(answer, ["chains-12"], hidden_seed=1, size=10)


def test_answers_come_from_files_too(tmp_path):
    place = export_challenge(tmp_path / "public", ["chains-12", "z2-12"], size=6)
    stored = np.load(place / "chains-12.npz")
    test = load_challenge("chains-12", size=6)
    np.testing.assert_allclose(stored["samples"], test.samples)
    with pytest.raises(OutputError, match="must be a new or empty folder"):
        export_challenge(place)
    lines = (place / "answers.csv").read_text().splitlines()
    right = [f"{line}{label}" for line, label in zip(lines[1:7], test.label, strict=True)]
    sheet = tmp_path / "a.csv"
    sheet.write_text("\n".join([lines[0], *right[:5], lines[6]]) + "\n")
    score = score_challenge(sheet, ["chains-12", "z2-12"], size=6)
    assert score.hidden_seed is None
    assert [(r.half, r.correct, r.answered) for r in score.rows] == [("public", 5, 5)]
    assert score.not_entered == ("z2-12",)
    assert "hidden halves were not scored" in repr(score)


@pytest.mark.parametrize(("text", "words"), [
    ("test,index\n", "first line must be"), ("test,index,value\n", "there are no answers"),
    ("test,index,value\nx,0,1\n", "line 2: there is no test 'x'"),
    ("test,index,value\nchains-12,0,1.5\n", "line 2: index and value must be integers"),
    ("test,index,value\nchains-12,0,1\nchains-12,0,1\n", "line 3: index 0 of test chains-12 comes"),
    ("test,index,value\nchains-12,99999,1\n", "must be below"),
    ("test,index,value\nchains-12,0,1,5\n", "line 2: there must be three cells"),
    ("test,index,value,value\nchains-12,0,1,1\n", "first line must be"),
    ("test,index,value\nchains-12,0_0,1\n", "line 2: index and value must be integers"),
    ("test,index,value\nchains-12,0," + "9" * 400 + "\n", "index and value must be integers"),
    ("test,index,value\nchains-12,0," + "x" * 200_000 + "\n", "no table of answers"),
], ids=range(11))  # fmt: skip
def test_wrong_sheets_are_refused_by_line(text, words, tmp_path):
    sheet = tmp_path / "a.csv"
    sheet.write_text(text)
    with pytest.raises(InputError, match=words):
        score_challenge(sheet, ["chains-12"], size=6)


@pytest.mark.parametrize("source", ["nothing", "no_such_module:f", "os:path", "x.onnx"])
def test_unknown_entries_are_refused(source):
    if source.endswith("onnx"):
        pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match=r"entry|ONNX"):
        read_entry(source)


def test_an_entry_in_the_working_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "entry_of_a_user.py").write_text("def predict(samples, test):\n    return None\n")
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    try:
        assert read_entry("entry_of_a_user:predict").__name__ == "predict"
    finally:
        sys.modules.pop("entry_of_a_user", None)
    assert sys.path == before


def test_an_entry_that_fails_is_named_with_its_reason():
    def entry(samples):
        return samples

    with pytest.raises(
        InputError, match=r"failed on test chains-12, with TypeError: .*samples and"
    ):
        score_challenge(entry, ["chains-12"], hidden_seed=1, size=3)


def test_scores_are_kept(tmp_path):
    score = score_challenge("formula", ["majorana-off-grid"], hidden_seed=2, size=10)
    path = score.save(tmp_path / "score.json")
    again = json.loads(score.save(path).read_text())
    assert again["hidden_seed"] == 2
    assert again["rows"][1]["accuracy"] == score.rows[1].accuracy
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(OutputError, match="did not make"):
        score.save(tmp_path / "mine.json")


@pytest.mark.slow
def test_hybrid_network_beats_the_formulas_where_they_are_weak():
    tests = ["chains-12", "chains-four-orbitals", "planes-eight-bands"]
    mean = {e: score_challenge(e, tests, hidden_seed=11, size=16).mean
            for e in ("formula", "fft-formula", "hybrid")}  # fmt: skip
    assert mean["hybrid"] > max(mean["formula"], mean["fft-formula"])


def test_who_answers_the_public_half_has_entered():
    seen = []

    def entry(samples, test):
        seen.append(test.name)
        if len(seen) > 1:
            raise NotImplementedError
        return np.zeros(len(samples))

    score = score_challenge(entry, ["chains-12"], hidden_seed=3, size=8)
    assert score.not_entered == ()
    assert (score.rows[1].half, score.rows[1].answered, score.mean) == ("hidden", 0, 0.0)


def test_hidden_halves_are_not_the_public_ones_and_names_count_once():
    with pytest.raises(InputError, match="that of the public halves"):
        score_challenge(nothing, ["chains-12"], hidden_seed=20261130)
    with pytest.raises(InputError, match="`hidden_seed` must be"):
        score_challenge(nothing, ["chains-12"], hidden_seed=-1)
    with pytest.raises(InputError, match="at least one test"):
        score_challenge(nothing, [])
    assert len(score_challenge(nothing, ["chains-12"] * 2, hidden_seed=1, size=4).rows) == 2


def test_what_a_killed_export_left_is_removed(tmp_path):
    """Only what nobody writes any more, and what is ours."""
    left, other = (tmp_path / f".public.{digit * 16}.partial" for digit in "0f")
    (left / "certificates").mkdir(parents=True)
    other.mkdir()
    handle = _io.open_locked(other / _io.LOCK)
    (tmp_path / f".public.{'1' * 16}.partial").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "public").mkdir()
    export_challenge(tmp_path / "public", ["chains-12"], size=2)
    _io.close_locked(handle)
    assert len(list(tmp_path.iterdir())) == 3
    assert not left.exists()
    assert sorted(p.name for p in (tmp_path / "public").iterdir()) == [
        "answers.csv", "chains-12.npz", "labels.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", ".", "..", "file", "link", "full", "no\0name"])
def test_places_that_an_export_must_not_take(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as caught:
        export_challenge(name, ["chains-12"], size=2)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_stopped_export_leaves_nothing(tmp_path, monkeypatch):
    done = []

    def stop(name, **options):
        if done:
            raise KeyboardInterrupt
        done.append(name)
        return load_challenge(name, **options)

    monkeypatch.setattr("topophys.learn.challenge.load_challenge", stop)
    with pytest.raises(KeyboardInterrupt):
        export_challenge(tmp_path / "public", ["chains-12", "chains-32"], size=3)
    assert not list(tmp_path.iterdir())


def test_tensors_are_answers_and_ragged_lists_are_not():
    torch = pytest.importorskip("torch")
    zeros = score_challenge(lambda x, _: torch.zeros(len(x), requires_grad=True), ["chains-12"],
                            hidden_seed=1, size=4)  # fmt: skip
    assert zeros.rows[0].answered == 4
    with pytest.raises(InputError, match="is no array"):
        score_challenge(lambda *_: [[1], [1, 2]], ["chains-12"], hidden_seed=1, size=4)
    with pytest.raises(InputError, match="a function, a name or a file"):
        plain(score_challenge)(5)
