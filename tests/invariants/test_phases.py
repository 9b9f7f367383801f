"""Phase diagrams: what is proven agrees with algebra, and the rest is left open."""

from __future__ import annotations

import functools
import inspect
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import topophys as tp
from tests.strategies import generators, plain
from topophys.errors import InputError, KindError, ShapeError
from topophys.invariants._parameter_cells import hermitian_norm
from topophys.invariants._parameter_space import (
    Dependence,
    Expansion,
    Tree,
    components,
)
from topophys.invariants._phase_file import _sha256
from topophys.invariants._slices import Slice

PI = np.pi
HALDANE = {"family": tp.models.haldane, "fixed": {"t2": 1.0}}


def haldane_truth(phi, m):
    edge = 3.0 * np.sqrt(3.0) * np.abs(np.sin(phi))
    return np.where(np.abs(m) < edge, np.sign(np.sin(phi)), 0.0)


def kitaev_truth(mu, delta):
    return np.where(np.abs(mu) < 2.0, np.sign(delta), 0.0)


def ssh_truth(t2, t3):
    """Zeros of 1 + t2 z + t3 z^2 inside the unit circle."""
    roots = np.array([np.abs(np.roots([c, b, 1.0])) for b, c in zip(t2, t3, strict=True)])
    return (roots < 1.0).sum(1)


def agree(diagram, truth, rng, size=4000):
    """Proven values at random points are those of algebra."""
    points = {
        n: rng.uniform(a, b, size) for n, (a, b) in zip(diagram.names, diagram.domain, strict=True)
    }
    found = diagram.at(**points)
    known = ~np.ma.getmaskarray(found)
    assert abs(known.mean() - diagram.share) < 0.03
    wanted = truth(**{n: x[known] for n, x in points.items()})
    np.testing.assert_array_equal(np.asarray(found)[known], wanted)


def test_haldane():
    rng = np.random.default_rng(5)
    found = tp.certify_phases(
        **HALDANE, parameters={"phi": (-PI, PI), "m": (-6.0, 6.0)}, share=0.93
    )
    assert found.share >= 0.93
    agree(found, haldane_truth, rng)


def test_kitaev():
    rng = np.random.default_rng(5)
    domain = {"mu": (-3.0, 3.0), "delta": (-1.0, 1.0)}
    found = tp.certify_phases(tp.models.kitaev_chain, domain, fixed={"t": 1.0}, share=0.97)
    agree(found, kitaev_truth, rng)


def test_extended_ssh():
    rng = np.random.default_rng(5)
    domain = {"t2": (-3.0, 3.0), "t3": (0.1, 3.0)}
    found = tp.certify_phases(tp.models.ssh, domain, fixed={"t1": 1.0}, share=0.97)
    agree(found, ssh_truth, rng)


def test_z2_of_bhz():
    rng = np.random.default_rng(5)
    domain = {"m": (-2.0, 10.0), "b": (0.5, 1.5)}
    found = tp.certify_phases(tp.models.bhz, domain, time_reversal="up first", share=0.9)
    agree(found, lambda m, b: ((m / b > 0) & (m / b < 8)).astype(int), rng)
    assert "symmetrised" in found.notes[0]


def test_three_parameters():
    rng = np.random.default_rng(5)
    domain = {"t1": (0.5, 1.0), "t2": (0.0, 2.0), "t3": (0.0, 0.4)}
    found = tp.certify_phases(tp.models.ssh, domain, share=0.8)
    agree(found, lambda t1, t2, t3: ssh_truth(t2 / t1, np.maximum(t3 / t1, 1e-9)), rng, size=500)


@pytest.mark.slow
@given(rng=generators(), share=st.sampled_from([0.5, 0.9]))
@settings(max_examples=8)
def test_gaps_of_boxes_hold_at_points_of_them(rng, share):
    """Random affine and trigonometric families of three bands, by a dense grid of momenta."""
    hops = [tp.ensembles.class_a(1, n_bands=3, rng=rng)[0] for _ in range(4)]

    def function(a, b):
        return hops[0] + a * hops[1] + np.cos(b) * hops[2] + a * np.sin(b) * hops[3]

    domain = {"a": (-0.05, 0.05), "b": (0.3, 0.4)}
    family = tp.ParametricHamiltonian(function, {"a": "affine", "b": "trigonometric"})
    found = tp.certify_phases(family, domain, share=share, max_evaluations=10_000)
    for _ in range(10):
        a, b = rng.uniform(-0.05, 0.05), rng.uniform(0.3, 0.4)
        energy = np.linalg.eigvalsh(function(a, b).on_grid(24))
        gap = (energy[..., 1] - energy[..., 0]).min()
        assert found.gap_at(a=a, b=b) <= gap
    for region in found.regions[:3]:
        h = function(**region.point)
        assert int(tp.certify_chern(h)) == region.value


@given(rng=generators())
def test_the_change_of_a_family_is_bounded(rng):
    hops = [tp.ensembles.class_a(1, n_bands=3, rng=rng)[0] for _ in range(3)]

    def function(a, b):
        return hops[0] + a * a * hops[1] + a * np.cos(2 * b) * hops[2]

    low, high = np.array([-1.0, 0.0]), np.array([2.0, 1.0])
    kinds = (Dependence(False, 2), Dependence(True, 2))
    space = Expansion.of(function, ("a", "b"), low, high, kinds)
    half = rng.uniform(0.0, 0.5, 2) * (high - low)
    centre = low + half + rng.uniform(0.0, 1.0, 2) * (high - low - 2.0 * half)
    bound = np.ldexp(space.change(centre[None], half[None]).sum(), space.exponent)
    k = rng.uniform(-PI, PI, (200, 2))
    base = function(*centre).bloch(k)
    for _ in range(10):
        p = centre + half * rng.uniform(-1.0, 1.0, 2)
        change = np.linalg.eigvalsh(function(*p).bloch(k) - base)
        # a multiple of the unit matrix does not count
        assert 0.5 * (change[:, -1] - change[:, 0]).max() <= bound + 1e-12


@given(rng=generators(), bands=st.integers(2, 5))
def test_the_norm_of_a_sum_of_hoppings_is_bounded(rng, bands):
    h = tp.ensembles.class_a(1, n_bands=bands, rng=rng)[0] if bands > 2 else tp.models.qwz(
        rng.normal())  # fmt: skip
    bound = float(hermitian_norm(h.vectors, h.amplitudes))
    energy = np.linalg.eigvalsh(h.on_grid(40))
    mean = energy.mean(-1, keepdims=True)
    assert np.abs(energy - mean).max() <= bound


def test_boundaries_of_a_line_are_enclosed():
    found = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.1)}, share=1.0 - 1e-7)
    edges = found.boundaries()
    assert [(b.left, b.right) for b in edges] == [(0, 1), (1, -1), (-1, 0)]
    for b, truth in zip(edges, (-2.0, 0.0, 2.0), strict=True):
        assert b.lower <= truth <= b.upper
        assert b.upper - b.lower < 1e-6


def test_a_closed_gap_ends_the_walk():
    found = tp.certify_phases(
        tp.models.kitaev_chain, {"mu": (-1.0, 1.0)}, fixed={"t": 1.0, "delta": 0.0},
        max_evaluations=20_000,
    )  # fmt: skip
    assert found.share == 0.0
    assert found.reason == "budget"
    assert found.boundaries() == [tp.Boundary(-1.0, 1.0, None, None)]
    short = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, share=1.0, max_depth=6)
    assert short.reason == "depth"


def test_a_gap_can_be_demanded():
    found = tp.certify_phases(tp.models.qwz, {"m": (-3.0, -1.0)}, min_gap=0.5, share=0.74)
    at = np.array([-2.3, -1.7])
    assert (found.gap_at(m=at) >= 0.5).all()
    assert found.at(m=-2.1).mask
    proven = found.gap_lower[found.certified]
    assert proven.min() >= 0.5 * (1 - 1e-9)


def test_a_diagram_can_be_continued_also_from_a_file(tmp_path):
    domain = {"mu": (-3.0, 3.0), "delta": (-1.0, 1.0)}
    ask = functools.partial(tp.certify_phases, tp.models.kitaev_chain, domain, fixed={"t": 1.0})
    coarse = ask(share=0.7)
    read = tp.PhaseDiagram.load(coarse.save(tmp_path / "kitaev.npz"))
    assert repr(read) == repr(coarse)
    for name in ("lower", "upper", "gap_lower", "region", "status"):
        np.testing.assert_array_equal(getattr(read, name), getattr(coarse, name))
    fine = ask(share=0.95, resume=read)
    assert fine.share >= 0.95 > coarse.share
    assert fine.evaluations > coarse.evaluations
    assert len(read.status) == len(coarse.status)
    with pytest.raises(InputError, match="same family"):
        ask(share=0.95, resume=read, quantity="gap")


def test_what_a_proof_does_not_rest_on_is_not_continued():
    """Each once had the fingerprint of the first, so that proven boxes went over to it."""
    domain = {"m": (-3.0, 3.0)}
    mass = tp.FourierHamiltonian({(0, 0): np.diag([1.0, -1.0])}, n_occupied=1)

    def family(unit=1.0, bend=0.0, twist=0.0):
        base = tp.models.qwz(0.0) + twist * mass
        return lambda m: unit * (base + m * mass + bend * (m * m) * mass)

    ask = functools.partial(tp.certify_phases, parameters=domain, share=0.5)
    known = {"dependence": {"m": ("polynomial", 2)}}
    start = ask(family(1e-11), **known)
    for other in (
        ask(family(1e-11, bend=0.3), **known),
        ask(family(1e-12), **known),
        ask(family(1e-11, twist=1e-13), **known),
        ask(family(1e-11), dependence={"m": "affine"}),
        ask(family(1e-11), lipschitz={"m": 2e-11}),
        ask(family(1e-11), quantity="gap", **known),
    ):
        assert other.fingerprint != start.fingerprint
    with pytest.raises(InputError, match="same family"):
        ask(family(1e-11, bend=1e-9), resume=start, **known)
    assert ask(family(1e-11), resume=start, **known).evaluations == start.evaluations


@pytest.mark.parametrize("known", [{"dependence": {"m": "affine"}}, {"lipschitz": {"m": 1.0}}])
def test_what_hoppings_are_off_by_is_part_of_the_question(known):
    def family(error):
        def function(m):
            h = tp.models.qwz(m)
            return Slice(h.vectors, h.amplitudes, 1, np.asarray(error))

        return function

    ask = functools.partial(tp.certify_phases, parameters={"m": (-3.0, 3.0)}, share=0.5, **known)
    start = ask(family(0.0))
    assert ask(family(0.0), resume=start).evaluations == start.evaluations
    with pytest.raises(InputError, match="to the last bit"):
        ask(family(0.3), resume=start)


def test_symmetries_that_print_alike_are_distinguished():
    ask = functools.partial(tp.certify_phases, tp.models.bhz, {"m": (0.5, 1.0)})
    u = np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2)).astype(complex)
    one, two = (ask(time_reversal=x) for x in (u, u * np.exp(1e-12j)))
    assert one.fingerprint != two.fingerprint
    assert ask(time_reversal=u + 0.0, resume=one).share == one.share


def test_a_function_of_which_values_are_known_only_has_to_keep_them():
    moved = {"by": 0.0}

    def function(m):
        return tp.models.qwz(np.tanh(m) + moved["by"] * (m > 0.3))

    ask = functools.partial(
        tp.certify_phases, function, {"m": (-1.0, 1.0)}, lipschitz={"m": 1.0}
    )  # fmt: skip
    start = ask(share=0.95)
    more = ask(resume=start, share=0.97)
    assert more.evaluations > start.evaluations
    assert more.notes == start.notes
    moved["by"] = 1e-14
    with pytest.raises(InputError, match="to the last bit"):
        ask(resume=start, share=0.97)


def test_boxes_below_a_larger_gap_are_proven_again():
    ask = functools.partial(tp.certify_phases, tp.models.qwz, {"m": (-3.0, -1.0)}, max_depth=9)
    start = ask(share=0.97)
    assert start.gap_lower[start.certified].min() < 0.4
    more = ask(share=0.97, min_gap=0.4, resume=start)
    assert more.share < 0.9
    assert (more.gap_lower[more.certified] >= 0.4).all()


@given(min_gap=st.floats(0.05, 1.0), unit=st.sampled_from([1e-200, 1.0, 3.0, 1e200]))
@settings(max_examples=8)
def test_no_proven_box_has_less_than_the_gap_that_is_asked_for(min_gap, unit):
    mass = tp.FourierHamiltonian({(0, 0): unit * np.diag([1.0, -1.0])}, n_occupied=1)
    base = unit * tp.models.qwz(0.0)
    found = tp.certify_phases(
        lambda m: base + m * mass, {"m": (-3.0, -1.0)}, dependence={"m": "affine"},
        min_gap=min_gap * unit, share=0.3,
    )  # fmt: skip
    assert found.certified.any()
    assert (found.gap_lower[found.certified] >= min_gap * unit).all()


@pytest.mark.parametrize("known", [{"dependence": {"m": "affine"}}, {"lipschitz": {"m": 9.0}}])
def test_a_filling_that_varies_is_asked_for(known):
    """The middle once spoke for all."""
    h = tp.ensembles.class_a(1, n_bands=3, rng=1)[0]

    def function(m):
        hops = dict(zip(map(tuple, h.vectors.tolist()), (1.0 + m) * h.amplitudes, strict=True))
        return tp.FourierHamiltonian(hops, n_occupied=1 if abs(m - 1.5) < 0.1 else 2)

    ask = functools.partial(
        tp.certify_phases, function, {"m": (1.0, 2.0)}, max_evaluations=2000, **known
    )
    with pytest.raises(InputError, match=r"`n_occupied`.*varies"):
        ask()
    assert ask(n_occupied=1).quantity == "Chern number"


def test_kinds_and_sizes_that_vary_are_refused():
    def chains(m):
        h = tp.models.ssh(1.0, 1.5 + m)
        return h if abs(m - 0.5) < 0.15 else tp.models.rice_mele(1.0, 1.5 + m, 0.0)

    def sizes(m):
        return tp.models.qwz(m) if abs(m - 0.5) < 0.15 else tp.models.bhz(m)

    ask = functools.partial(tp.certify_phases, parameters={"m": (0.1, 0.9)}, lipschitz={"m": 3.0})
    with pytest.raises(KindError, match="chiral chains everywhere"):
        ask(chains)
    with pytest.raises(ShapeError, match="2 bands in 2D everywhere"):
        ask(sizes)


def test_a_declared_dependence_is_compared_at_boxes_and_said_so():
    def bump(m):
        return tp.models.qwz(m if abs(m - 1.45) > 0.004 else m - 2.0)

    with pytest.raises(InputError, match="as `dependence` says"):
        tp.certify_phases(bump, {"m": (0.1, 1.9)}, dependence={"m": "affine"}, share=0.95)
    declared = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.5)}, dependence={"m": "affine"})
    assert "taken on trust in between" in declared.notes[0]
    assert "5000 largest" in declared.notes[0]
    assert tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.5)}).notes == ()


def rewritten(path, change):
    """A file whose digest is right, and its content not."""
    with np.load(path) as held:
        arrays = {n: held[n].copy() for n in held}
    about = json.loads(arrays.pop("about").tobytes())
    del about["sha256"]
    change(about, arrays)
    about["sha256"] = _sha256(about, arrays)
    np.savez(path, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)


TAMPERED = {
    "gap nan": lambda a, x: x["gap"].__setitem__(-1, np.nan),
    "gap negative": lambda a, x: x["gap"].__setitem__(-1, -1.0),
    "unproven box in a region": lambda a, x: x["gap"].__setitem__(slice(None), 0.0),
    "met": lambda a, x: x["met"].__setitem__(0, -1.0),
    "region": lambda a, x: x["region"].__setitem__(0, 77),
    "region below": lambda a, x: x["region"].__setitem__(0, -2),
    "place": lambda a, x: x["place"].__setitem__((1, 0), 5),
    "level": lambda a, x: x["level"].__setitem__((1, 0), 2),
    "axis": lambda a, x: x["axis"].__setitem__(0, 4),
    "no halves": lambda a, x: x["axis"].__setitem__(0, -1),
    "child": lambda a, x: x["child"].__setitem__(0, 0),
    "child far": lambda a, x: x["child"].__setitem__(0, 10**6),
    "dtype": lambda a, x: x.__setitem__("gap", x["gap"].astype(np.float32)),
    "shape": lambda a, x: x.__setitem__("met", x["met"][:-1]),
    "empty": lambda a, x: x.update({n: v[:0] for n, v in x.items() if n != "domain"}),
    "domain": lambda a, x: x.__setitem__("domain", x["domain"][:, ::-1].copy()),
    "domain moved": lambda a, x: x.__setitem__("domain", x["domain"] + 50.0),
    "domain size": lambda a, x: x.__setitem__("domain", np.zeros((2, 2))),
    "names": lambda a, x: a.__setitem__("names", ["m", "n"]),
    "no names": lambda a, x: a.__setitem__("names", None),
    "regions": lambda a, x: a["regions"][0].__setitem__("n_boxes", 1),
    "share": lambda a, x: a["regions"][0].__setitem__("share", 0.5),
    "value": lambda a, x: a["regions"][0].__setitem__("value", 1.5),
    "gap_lower": lambda a, x: a["regions"][0].__setitem__("gap_lower", 9.0),
    "no regions": lambda a, x: a.__setitem__("regions", []),
    "evaluations": lambda a, x: a.__setitem__("evaluations", -1),
    "notes": lambda a, x: a.__setitem__("notes", [3]),
    "context": lambda a, x: a.__setitem__("context", [["bands", 2]]),
    "context names": lambda a, x: a.__setitem__("context", [["answer", "certified"]]),
    "context lines": lambda a, x: a.__setitem__("context", [["bands", "1\nanswer  certified"]]),
    "escapes": lambda a, x: a.__setitem__("notes", ["\x1b[2J"]),
    "lines": lambda a, x: a.__setitem__("reason", "a\nb"),
    "reason": lambda a, x: a.__setitem__("reason", None),
    "more": lambda a, x: x.__setitem__("extra", np.zeros(1)),
    "version": lambda a, x: a.__setitem__("version", 1),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_files_that_contradict_themselves_are_refused(tmp_path, name):
    found = tp.certify_phases(tp.models.qwz, {"m": (-3.0, 3.0)}, share=0.9)
    path = found.save(tmp_path / "x.npz")
    rewritten(path, lambda a, x: None)
    assert repr(tp.PhaseDiagram.load(path)) == repr(found)
    rewritten(path, TAMPERED[name])
    with pytest.raises(InputError, match="must be a phase diagram"):
        tp.PhaseDiagram.load(path)


def test_files_that_were_changed_or_cut_are_refused(tmp_path):
    path = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)}).save(tmp_path / "x.npz")
    whole = path.read_bytes()
    with np.load(path) as held:
        arrays = {n: held[n].copy() for n in held}
    arrays["gap"] *= 2.0
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="digest"):
        tp.PhaseDiagram.load(path)
    for content in (b"", whole[: len(whole) // 2], b"x" * 100):
        path.write_bytes(content)
        with pytest.raises(InputError, match="must be a phase diagram"):
            tp.PhaseDiagram.load(path)
    with pytest.raises(InputError, match="must be a phase diagram"):
        tp.PhaseDiagram.load(tmp_path / "none.npz")


def test_files_of_other_kinds_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="must be a phase diagram"):
        tp.PhaseDiagram.load(tmp_path / "x.npz")
    found = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)})
    with pytest.raises(InputError, match=r"\.npz"):
        found.save(tmp_path / "x.json")


#: Models of no dependence that is known: quadratic in the parameter, and not Hermitian ones.
OTHERS = {"hopf_insulator", "hatano_nelson", "non_hermitian_ssh"}


@pytest.mark.parametrize("name", sorted({*tp.models.__all__} - OTHERS))
def test_models_depend_on_parameters_as_they_say(name):
    rng = np.random.default_rng(5)
    model = getattr(tp.models, name)
    known = model.dependence
    parameters = inspect.signature(model).parameters
    held = {"p": 1, "q": 3, "n": 2, "k0": 1.0}
    fixed = {n: held[n] for n in parameters if n in held}
    names = tuple(known)
    assert {*names, *fixed} >= {n for n in parameters if n != "n_occupied"}
    kinds = tuple(Dependence.of(known[n], n) for n in names)
    low = np.array([1.0 + 0.3 * rng.uniform() for _ in names])
    Expansion.of(functools.partial(model, **fixed), names, low, low + 0.8, kinds)


def test_a_false_dependence_is_refused():
    squared = tp.ParametricHamiltonian(lambda m: tp.models.qwz(m * m), {"m": "affine"})
    with pytest.raises(InputError, match="as `dependence` says"):
        tp.certify_phases(squared, {"m": (0.5, 1.5)})
    right = tp.ParametricHamiltonian(squared.function, {"m": ("polynomial", 2)})
    found = tp.certify_phases(right, {"m": (0.5, 2.0)}, share=0.999999)
    (edge,) = found.boundaries()
    assert edge.lower <= np.sqrt(2.0) <= edge.upper


def test_lipschitz_constants_are_taken_on_trust_and_said_so():
    def function(m):
        return tp.models.qwz(np.tanh(m))

    found = tp.certify_phases(function, {"m": (-1.0, 1.0)}, lipschitz={"m": 1.0})
    assert "trust" in found.notes[0]
    assert [r.value for r in found.regions] == [1, -1] or [r.value for r in found.regions] == [
        -1,
        1,
    ]
    with pytest.raises(InputError, match="must say how it depends"):
        tp.certify_phases(function, {"m": (-1.0, 1.0)})


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"family": 3}, KindError, "must be a function"),
        ({"parameters": {}}, InputError, "one to three"),
        ({"parameters": {"m": (1.0, 1.0)}}, InputError, "lower below"),
        ({"parameters": {"m": (1.0, np.nan)}}, InputError, "finite"),
        ({"parameters": {"m": (0.0, 1e-300)}}, InputError, "another unit"),
        ({"parameters": {"m": (0.0, 1e308)}}, InputError, "another unit"),
        ({"parameters": {"m": (1.0, 1.0 + 1e-12)}}, InputError, "another unit"),
        ({"quantity": "winding"}, KindError, "ChiralHamiltonian"),
        ({"quantity": "z2"}, InputError, "time_reversal"),
        ({"dependence": {"x": "affine"}}, InputError, "lacks m"),
        ({"dependence": {"m": "linear"}}, InputError, "'affine'"),
        ({"dependence": {"m": "affine"}, "lipschitz": {"m": 1.0}}, InputError, "together"),
        ({"lipschitz": {"m": -1.0}}, InputError, ">= 0"),
        ({"share": 0.0}, InputError, "`share`"),
        ({"min_gap": np.inf}, InputError, "`min_gap`"),
        ({"max_depth": 60}, InputError, "`max_depth`"),
        ({"n_occupied": 2}, InputError, "`n_occupied`"),
        ({"family": lambda m: 1.0, "dependence": {"m": "affine"}}, KindError, "Fourier form"),
        ({"family": lambda m: tp.models.qwz([m]), "dependence": {"m": "affine"}}, ShapeError, "ba"),
    ],
)  # fmt: skip
def test_refusals(change, error, match):
    given = {"family": tp.models.qwz, "parameters": {"m": (0.5, 1.0)}} | change
    with pytest.raises(error, match=match):
        plain(tp.certify_phases)(**given)


def test_regions_come_with_the_largest_first():
    found = tp.certify_phases(tp.models.qwz, {"m": (-5.0, 9.0)}, share=0.9)
    share = [region.share for region in found.regions]
    assert len(share) == 4
    assert share == sorted(share, reverse=True)
    assert share[0] > 2.0 * share[-1]


def test_points_at_ends_of_boxes_are_found_in_boxes_that_hold_them():
    """The numbers next to an end may be rounded into the box beside."""
    low, high = -3.978, 2.527
    found = tp.certify_phases(tp.models.qwz, {"m": (low, high)})
    ends = np.unique([found.lower, found.upper])
    points = np.concatenate([ends, np.nextafter(ends, 9.0), np.nextafter(ends, -9.0)])
    points = points[(points >= low) & (points <= high)]
    rows = found._rows_at({"m": points})
    assert (found.lower[rows, 0] <= points).all()
    assert (points <= found.upper[rows, 0]).all()


def test_points_outside_are_refused():
    found = tp.certify_phases(tp.models.qwz, {"m": (0.5, 1.0)})
    assert found.at(m=[0.5, 1.0]).tolist() == [-1, -1]
    with pytest.raises(InputError, match=r"from 0\.5 to 1"):
        found.at(m=1.1)
    with pytest.raises(InputError, match="must be m"):
        found.at(x=1.0)
    assert {"m_lower", "m_upper", "value", "gap_lower"} <= set(found.to_pandas().columns)


@given(rng=generators(), axes=st.integers(1, 3))
def test_every_lattice_point_is_in_the_leaf_that_is_found(rng, axes):
    tree = Tree.root(axes)
    for _ in range(6):
        leaves = tree.leaves
        rows = rng.choice(leaves, max(1, len(leaves) // 2), replace=False)
        tree.halve(rows, rng.integers(0, axes, len(rows)))
    low, high = tree.bounds(tree.leaves, np.zeros(axes), np.ones(axes))
    assert np.isclose(tree.volume(tree.leaves).sum(), 1.0)
    share = rng.uniform(0.0, 1.0, (50, axes))
    place = (share * 2.0**48).astype(np.int64)
    number = np.searchsorted(tree.leaves, tree.locate(place))
    assert ((low[number] <= share) & (share <= high[number])).all()
    assert len(set(components(tree, tree.leaves).tolist())) == 1
