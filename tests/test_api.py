"""The public interface as a whole: one word for one thing, and no traps."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import topophys as tp
from tests.markers import others_slow
from tests.strategies import plain
from topophys.errors import GaplessError, InputError, KindError, UnresolvedError
from topophys.invariants.chern import chern_number_of_links
from topophys.invariants.results import Result

HEAVY = ("numpy", "numba", "scipy", "torch", "h5py", "matplotlib")
PACKAGES = (
    "datasets", "ensembles", "errors", "explorer", "interpret", "learn", "materials", "models",
    "plots", "report", "tasks", "torch",
)  # fmt: skip


def fresh(code):
    """Run code in a new interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.process
def test_import_loads_nothing_heavy():
    code = "import sys, topophys; print([m for m in {heavy} if m in sys.modules])"
    assert fresh(code.format(heavy=HEAVY)) == "[]"


@pytest.mark.process
@pytest.mark.parametrize("name", others_slow(PACKAGES, quick={"learn", "models", "errors"}))
def test_every_subpackage_is_an_attribute_after_a_bare_import(name):
    code = f"import topophys as tp; print('{name}' in vars(tp), tp.{name}.__name__)"
    assert fresh(code) == f"False topophys.{name}"


@pytest.mark.process
def test_star_import_loads_no_network_library():
    code = "from topophys import *; import sys; print('torch' in sys.modules, 'learn' in globals())"
    assert fresh(code) == "False False"


def test_names_complete_with_tab():
    assert {*tp.__all__, *PACKAGES} <= set(dir(tp))


def test_models_import_by_name():
    from topophys.models import ssh

    assert ssh is tp.models.ssh


# ------------------------------------------------------------------------- one word for k points

CHAIN = tp.models.ssh(1.0, [0.5, 2.0])
QWZ = tp.models.qwz([-1.0, 1.0, 3.0])
#: Every sampled function, the Hamiltonian it is given, and what makes samples of that.
SAMPLED = [
    (tp.winding_number, CHAIN, "block_on_grid"),
    (tp.winding_angle, CHAIN, "block_on_grid"),
    (tp.winding_steps, CHAIN, "block_on_grid"),
    (tp.zak_phase, CHAIN, "on_grid"),
    (tp.berry_phase, CHAIN, "on_grid"),
    (tp.wilson_loop, QWZ, "on_grid"),
    (tp.wannier_centres, QWZ, "on_grid"),
    (tp.zak_phase, QWZ, "on_grid"),
    (tp.chern_number, QWZ, "on_grid"),
    (tp.berry_flux, QWZ, "on_grid"),
    (tp.berry_curvature, QWZ, "on_grid"),
    (tp.quantum_metric, QWZ, "on_grid"),
    (tp.chern_number_from_d, QWZ, "d_on_grid"),
    (tp.berry_flux_from_d, QWZ, "d_on_grid"),
]
NAMES = [f"{function.__name__}-{h.dim}D" for function, h, _ in SAMPLED]


@pytest.mark.parametrize(("function", "h", "samples"), SAMPLED, ids=NAMES)
def test_sampled_functions_take_hamiltonians_with_a_grid(function, h, samples):
    """An int is the same number along every direction, and samples give the same answer."""
    whole = (12,) * h.dim
    expected = function(getattr(h, samples)(whole))
    np.testing.assert_array_equal(function(h, grid=12), expected)
    np.testing.assert_array_equal(function(h, grid=whole), expected)


@pytest.mark.parametrize(("function", "h", "samples"), SAMPLED, ids=NAMES)
def test_grids_are_refused_in_one_line_where_they_do_not_fit(function, h, samples):
    array = getattr(h, samples)((12,) * h.dim)
    function = plain(function)
    for given, grid in ((h, None), (h, (12,) * (h.dim + 1)), (h, 0), (array, 12)):
        with pytest.raises(InputError, match="Argument `grid` must") as caught:
            function(given, grid=grid)
        assert "\n" not in str(caught.value)


def test_every_sampled_function_is_in_the_table():
    """What takes arrays, or Hamiltonians with `grid=`; `spin_chern` proves without one."""
    signatures = {
        name: dict(inspect.signature(getattr(tp, name)).parameters)
        for name in tp.__all__
        if inspect.isfunction(getattr(tp, name))
    }
    sampled = {
        name
        for name, words in signatures.items()
        if "grid" in words
        and words["grid"].default is None
        and "ArrayLike" in str(next(iter(words.values())).annotation)
    }
    assert "chern_number" in sampled
    missing = sampled - {function.__name__ for function, *_ in SAMPLED} - {"spin_chern"}
    lines = [
        f'(tp.{name}, QWZ, "on_grid"),  # or CHAIN, "block_on_grid" ...' for name in sorted(missing)
    ]
    assert not missing, "Add to SAMPLED in tests/test_api.py:\n" + "\n".join(lines)


def kinds(model, grid):
    """One Hamiltonian in every form: its own, by hoppings, and as a function of k."""
    yield model
    yield tp.FourierHamiltonian(model.hoppings, n_occupied=model.n_occupied)
    yield tp.from_callable(model.bloch, model.dim, vectorized=True)


@pytest.mark.parametrize("function", [f for f, h, s in SAMPLED if h is QWZ and s == "on_grid"])
def test_sampled_functions_of_a_plane_take_every_kind(function):
    model = tp.models.qwz(-1.0)
    answers = [function(h, grid=(10, 12)) for h in kinds(model, (10, 12))]
    for found in answers[1:]:  # the gauge of a loop of one band is no freedom: all are numbers
        np.testing.assert_allclose(found, answers[0], atol=1e-12)


@pytest.mark.parametrize("function", [f for f, h, _ in SAMPLED if h is CHAIN])
def test_sampled_functions_of_a_chain_take_every_kind(function):
    model = tp.models.ssh(1.0, 2.0, 0.3)
    answers = [function(h, grid=12) for h in kinds(model, 12)]
    for found in answers[1:]:
        np.testing.assert_allclose(np.exp(1j * found), np.exp(1j * answers[0]), atol=1e-12)


def test_the_filling_of_a_hamiltonian_is_that_of_its_samples():
    h = tp.ensembles.class_a(3, n_bands=3, n_occupied=2, rng=1)
    np.testing.assert_array_equal(
        tp.berry_flux(h, grid=8), tp.berry_flux(h.on_grid(8), n_occupied=2)
    )
    assert tp.wannier_centres(h, grid=8).shape == (3, 8, 2)


def test_axis_zero_of_a_batch_of_hamiltonians_is_k_x():
    samples = QWZ.on_grid((6, 8))
    np.testing.assert_array_equal(
        tp.zak_phase(QWZ, axis=0, grid=(6, 8)), tp.zak_phase(samples, axis=1)
    )
    assert tp.zak_phase(QWZ, axis=0, grid=(6, 8)).shape == (3, 8)
    with pytest.raises(InputError, match="`axis` must be from 0 to 1"):
        tp.zak_phase(QWZ, axis=2, grid=6)


def test_winding_numbers_need_chiral_chains():
    with pytest.raises(KindError, match="zero diagonal blocks"):
        tp.winding_number(tp.from_callable(lambda k: [[0.1, 1.0], [1.0, 0.1]], 1), grid=8)
    with pytest.raises(KindError, match="1-dimensional"):
        tp.winding_number(tp.models.qwz(1.0), grid=8)
    with pytest.raises(KindError, match="2-dimensional"):
        tp.chern_number(CHAIN, grid=8)


def test_no_public_function_has_another_word_for_k_points():
    spaces = (tp, tp.models, tp.ensembles, tp.plots)
    for space in spaces:
        for name in space.__all__:
            thing = getattr(space, name)
            if callable(thing) and not isinstance(thing, type):
                words = set(inspect.signature(thing).parameters)
                assert not words & {"n_k", "n_points", "k_points", "shape"}, name


# ----------------------------------------------------------------- what is not known has no value

BROKEN = tp.models.qwz([-1.0, 2.0, 1.0])  # the gap of the second is closed
PAIRS = tp.models.bhz([1.0, 0.0, -1.0])
SPIN = np.diag([1.0, 1.0, -1.0, -1.0])
PARITY = np.diag([1.0, -1.0, 1.0, -1.0])
LAYERS = tp.models.weyl_semimetal(1.0)  # touches at k_z = +-1


def links():
    """Unitary links of three fields; the second has a plaquette on the cut of the logarithm."""
    u = np.ones((3, 4, 4, 2, 1, 1), complex)
    u[1, 0, 0, 0] = -1.0
    return u


#: A call that leaves elements unresolved, the option of its default, and which are known.
UNRESOLVED = [
    (lambda **o: tp.winding_number(tp.models.ssh(1.0, [2.0, 1.0, 0.5]), grid=8, **o), "raise", 2),
    (lambda **o: tp.chern_number(BROKEN, grid=12, **o), "raise", 2),
    (lambda **o: tp.chern_number_from_d(BROKEN.d_on_grid(12).round(12), **o), "raise", 2),
    (lambda **o: chern_number_of_links(links(), **o), "raise", 2),
    (lambda **o: tp.certify_winding(tp.models.ssh(1.0, [2.0, 1.0, 0.5]), **o), "mask", 2),
    (lambda **o: tp.certify_chern(BROKEN, **o), "mask", 2),
    (lambda **o: tp.certify_gap(BROKEN, **o), "mask", 2),
    (lambda **o: tp.chern_on_slices(LAYERS, k=[0.0, 1.0, 2.0], **o), "mask", 2),
    (lambda **o: tp.weyl_charge(LAYERS, [0.2, 0, 1.0], half_width=0.2, **o), "mask", 0),
    (lambda **o: tp.z2_invariant(PAIRS, **o), "mask", 2),
    (lambda **o: tp.spin_chern(PAIRS, SPIN, **o), "mask", 2),
    (lambda **o: tp.spin_chern(PAIRS.on_grid(12), SPIN, n_occupied=2, **o), "mask", 2),
]
CALLS = [
    "winding_number", "chern_number", "chern_number_from_d", "links", "certify_winding",
    "certify_chern", "certify_gap", "chern_on_slices", "weyl_charge", "z2_invariant", "spin_chern",
    "spin_chern_samples",
]  # fmt: skip


@pytest.mark.parametrize(("call", "default", "n_known"), UNRESOLVED, ids=CALLS)
def test_unresolved_elements_are_masked_or_raise(call, default, n_known):
    found = call(on_unresolved="mask")
    value = getattr(found, "value", found)
    assert isinstance(value, np.ma.MaskedArray)
    assert int((~np.ma.getmaskarray(value)).sum()) == n_known
    if n_known:
        assert abs(value.mean()) <= 1.0  # and not -4.6e18
        assert value.sum() == sum(x for x in value.tolist() if x is not None)
    with pytest.raises((GaplessError, UnresolvedError)) as caught:
        call(on_unresolved="raise")
    assert "on_unresolved='mask'" in str(caught.value)
    if default == "raise":
        with pytest.raises(GaplessError):
            call()
    else:
        assert (call().status == found.status).all()


@pytest.mark.parametrize(("call", "default", "n_known"), UNRESOLVED, ids=CALLS)
def test_other_words_for_unresolved_are_refused(call, default, n_known):
    with pytest.raises(InputError, match="`on_unresolved` must be 'raise' or 'mask'"):
        plain_call(call, on_unresolved="mark")


def plain_call(call, **options):
    """Call with the run-time checks of annotations off, as a user without them would."""
    with pytest.MonkeyPatch.context() as patch:
        for space in (tp, sys.modules[__name__]):
            for name, thing in list(vars(space).items()):
                if hasattr(thing, "__wrapped__"):
                    patch.setattr(space, name, plain(thing))
        return call(**options)


def test_values_are_plain_arrays_where_all_are_known():
    for found in (tp.certify_chern(BROKEN[::2]).value, tp.chern_number(BROKEN[::2], grid=12)):
        assert type(found) is np.ndarray
        assert found.tolist() == [1, -1]


# -------------------------------------------------------------------------- one base of results

RESULTS = [
    tp.certify_winding(tp.models.ssh(1.0, [2.0, 1.0])),
    tp.certify_chern(BROKEN),
    tp.certify_gap(tp.models.qwz(-1.0)),
    tp.weyl_charge(LAYERS, [0.0, 0.0, 1.0], half_width=0.3),
    tp.chern_on_slices(LAYERS, k=[[0.0, 2.0], [1.0, 0.5]]),
    tp.z2_invariant(PAIRS),
    tp.z2_invariant(tp.models.bhz(1.0)),
    tp.z2_invariant(PAIRS.on_grid(12), n_occupied=2),
    tp.z2_indices_3d(
        tp.FourierHamiltonian({(0, 0, 0): np.diag([1.0, 1.0, -1.0, -1.0])}, n_occupied=2)
    ),
    tp.spin_chern(PAIRS, SPIN),
    tp.real_space_winding(0.5 * np.eye(40) + np.eye(40, k=1), np.arange(40)),
]
LABELS = [f"{i}-{type(found).__name__}" for i, found in enumerate(RESULTS)]


@pytest.mark.parametrize("found", RESULTS, ids=LABELS)
def test_results_share_what_they_tell(found):
    shape = found.status.shape
    for name in ("gap_lower", "gap_upper", "evaluations", "certified", "resolved"):
        assert np.shape(getattr(found, name)) == shape, name
    assert np.shape(found.value)[: len(shape)] == shape
    assert (found.gap_lower <= found.gap_upper).all()
    assert (found.evaluations > 0).all()
    assert found.all_certified == bool((found.status == "certified").all())


@pytest.mark.parametrize("found", RESULTS, ids=LABELS)
def test_results_print_the_question_first(found):
    first, *rest = repr(found).splitlines()
    assert first.lower().startswith(found.question.lower() + ": ")
    assert not any(": 1" in line or ": 2" in line for line in rest)  # never "value +2: 1"
    html = found._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == len(rest)
    assert found.question in html


WEYL = (
    "Weyl charge of the lowest 1 of 2 bands in 3D, in the box around (0, 0, 1)"
    " with half widths (0.3, 0.3, 0.3)"
)


def test_questions_name_bands_and_dimension():
    assert [found.question for found in RESULTS] == [
        "winding number of the lowest 1 of 2 bands in 1D",
        "Chern number of the lowest 1 of 2 bands in 2D",
        "gap above the lowest 1 of 2 bands in 2D",
        WEYL,
        "Chern number of the lowest 1 of 2 bands in 2D",
        "Z2 invariant of the lowest 2 of 4 bands in 2D, by the flow of centres",
        "Z2 invariant of the lowest 2 of 4 bands in 2D, by the flow of centres",
        "Z2 invariant of the lowest 2 of 4 bands in 2D, by the flow of centres",
        "Z2 indices of the lowest 2 of 4 bands in 3D, from six planes",
        "spin Chern number of the lowest 2 of 4 bands in 2D",
        "winding number of a finite chiral chain, from its block in real space",
    ]


@pytest.mark.parametrize("found", RESULTS, ids=LABELS)
def test_results_have_no_truth_value(found):
    with pytest.raises(TypeError, match=r"`\.value`.*`\.all_certified` or `\.status`"):
        bool(found)


def test_single_certified_results_are_integers_and_others_are_not():
    assert int(RESULTS[2]) == 1
    assert int(RESULTS[3]) == -1
    with pytest.raises(InputError, match="no single integer"):
        int(RESULTS[1])
    with pytest.raises(UnresolvedError):
        int(tp.certify_chern(BROKEN[1]))


@pytest.mark.parametrize("found", RESULTS, ids=LABELS)
def test_results_become_tables(found):
    table = found.to_pandas()
    assert len(table) == found.status.size
    assert table["status"].tolist() == found.status.ravel().tolist()
    np.testing.assert_array_equal(table["gap_upper"], found.gap_upper.ravel())
    first = table.columns[0]
    assert table[first].isna().tolist() == (~found.resolved).ravel().tolist()


def test_tables_of_batches_with_two_axes_have_two_levels():
    table = RESULTS[4].to_pandas()
    assert table.index.names == ["batch_0", "batch_1"]
    assert table.loc[(0, 0), "value"] == 1
    assert table["value"].dtype == "Int64"


@pytest.mark.parametrize("method", ["wilson", "flux", "parity"])
@pytest.mark.parametrize("m", [-1.3, 0.4])
def test_z2_results_say_where_the_smallest_gap_was_met(method, m):
    h = tp.models.bhz(m)
    options = {"inversion": PARITY} if method == "parity" else {}
    found = tp.z2_invariant(h, method=method, **options)
    energy = h.bands(found.k_at_gap_upper)
    assert float(energy[2] - energy[1]) == pytest.approx(float(found.gap_upper), rel=1e-9)


def test_z2_of_samples_says_where_the_smallest_gap_was_met():
    grid = PAIRS[[0, 2]].on_grid(12)
    found = tp.z2_invariant(grid, n_occupied=2)
    energy = np.stack(
        [h.bands(k) for h, k in zip(PAIRS[[0, 2]], found.k_at_gap_upper, strict=True)]
    )
    np.testing.assert_allclose(energy[:, 2] - energy[:, 1], found.gap_upper)


def invariants_classes():
    """Public classes of the invariants."""
    for name in tp.__all__:
        thing = getattr(tp, name)
        if isinstance(thing, type) and thing.__module__.startswith("topophys.invariants"):
            yield thing


def test_every_result_has_the_common_base():
    results = {c for c in invariants_classes() if "status" in getattr(c, "__annotations__", {})}
    results |= {c for c in invariants_classes() if issubclass(c, Result)}
    assert len(results) >= 14
    for cls in results:
        assert issubclass(cls, Result), cls
        for name in ("__bool__", "to_pandas", "_repr_html_"):
            assert getattr(cls, name) is getattr(Result, name), (cls, name)


# --------------------------------------------------------------------------------- named options


def public_functions():
    """Functions and constructors that users reach from the package, by name."""
    for package in ("models", "ensembles", "plots", "datasets", "learn", "materials", "interpret"):
        space = getattr(tp, package)
        for name in space.__all__:
            yield f"{package}.{name}", getattr(space, name)
    for name in tp.__all__:
        yield name, getattr(tp, name)


def parameters(thing):
    try:
        return inspect.signature(thing).parameters if callable(thing) else {}
    except ValueError:  # an alias of types
        return {}


def own_methods(name, thing):
    """What a class of ours offers: its constructor and its public methods."""
    if isinstance(thing, type) and thing.__module__.startswith("topophys"):
        for key, method in vars(thing).items():
            if inspect.isfunction(method) and (key == "__init__" or not key.startswith("_")):
                yield f"{name}.{key}", method


def test_options_have_names():
    known = {
        "plots.style": "settings of Matplotlib, which names them",
        "PhaseDiagram.at": "parameters of the user's model",
        "PhaseDiagram.gap_at": "parameters of the user's model",
        "materials.MaterialsModel.set_params": "as scikit-learn has it; other names are refused",
    }
    free = {
        name
        for home, thing in public_functions()
        for name, one in [(home, thing), *own_methods(home, thing)]
        for option in dict(parameters(one)).values()
        if option.kind is option.VAR_KEYWORD and inspect.isfunction(one)
    }
    assert free - {"learn.Callback.__init__"} == set(known)  # a protocol has no constructor


def test_unresolved_elements_have_one_rule():
    """Integers without a status raise; results, which have one, are masked."""
    found = {"raise": set(), "mask": set()}
    for name, thing in public_functions():
        option = dict(parameters(thing)).get("on_unresolved")
        if option is not None and inspect.isfunction(thing):
            assert option.kind is option.KEYWORD_ONLY, name
            found[option.default].add(name)
    assert found["raise"] == {"chern_number", "chern_number_from_d", "winding_number"}
    assert len(found["mask"]) >= 17
    for name in found["mask"]:
        made = getattr(sys.modules[getattr(tp, name).__module__], name).__annotations__["return"]
        assert any(c.__name__ in str(made) for c in invariants_classes() if issubclass(c, Result))


def test_physics_has_one_word_for_randomness():
    """`rng` takes a generator or a seed; `seed` is the integer that recipes and reports keep."""
    for name, thing in public_functions():
        words = set(parameters(thing))
        if name.partition(".")[0] in {"models", "ensembles"} or "." not in name:
            assert not words & {"seed", "random_state"}, name
        assert not {"rng", "seed"} <= words, name


def test_arguments_mean_the_same_in_every_dimension():
    """A number of k points is one along every direction, `axis` counts from k_x."""
    for h in (tp.models.ssh(1.0, 2.0), tp.models.qwz(-1.0), tp.models.weyl_semimetal(1.0)):
        assert h.on_grid(4).shape == (4,) * h.dim + (2, 2)
        np.testing.assert_array_equal(h.on_grid(4), h.on_grid((4,) * h.dim))
        np.testing.assert_array_equal(h.on_grid(4), h.bloch(tp.k_grid(4, h.dim)))
        assert tp.quantum_metric(h.on_grid(4), dim=h.dim).shape[-2:] == (h.dim, h.dim)


def test_defaults_named_in_the_documentation_are_those_of_the_signature():
    """Signatures name a constant; the page says which number it is."""
    found = 0
    for name, thing in public_functions():
        text = inspect.getdoc(thing) or ""
        for option, value in re.findall(r"^(\w+) : int, default (\d+)$", text, re.MULTILINE):
            found += 1
            assert parameters(thing)[option].default == int(value), f"{name}, {option}"
    assert found >= 5


def test_completion_offers_public_names_only():
    offered = {name for name in dir(tp) if not name.startswith("__")}
    assert offered >= {*tp.__all__, "datasets", "errors", "learn", "plots", "read_tbmodels"}
    assert not {name for name in offered if name.startswith("_") or name in ("Any", "importlib")}


def test_proofs_are_checked_where_they_are_made():
    pytest.importorskip("flint")
    chains = tp.certify_winding(tp.models.ssh(1.0, [2.0, 0.5]))
    assert chains.verify(0).startswith("winding number 1, gap at least")
    assert chains.verify(1).startswith("winding number 0, gap at least")
    with pytest.raises(InputError, match="`index`"):
        chains.verify(2)
    with pytest.raises(UnresolvedError):
        tp.certify_winding(tp.models.ssh(1.0, 1.0)).verify()
    found = tp.find_weyl_nodes(tp.models.weyl_semimetal(1.0))
    assert found.verify().startswith("Weyl census 2, gap at least")
    wrong = replace(tp.certify_winding(tp.models.ssh(1.0, 2.0)), value=np.array(2))
    with pytest.raises(InputError, match="not accepted"):
        wrong.verify()
