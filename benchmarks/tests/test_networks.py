"""Networks and opponents of the studies of learning: symmetries, exact cases, counts."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

import topophys as tp
from benchmarks.experiments import (
    confidence,
    fair,
    gauge,
    learned,
    learned_planes,
    many_bands,
    more_bands,
    noise,
    widths,
)
from topophys.learn import FlipNetwork, TopologicalMLEncoder2D, load_pretrained
from topophys.learn.calibration import NEVER, error_limit
from topophys.learn.encoders.loops import plaquette_loops


def unitaries(rng, *shape):
    draw = rng.standard_normal((2, *shape, shape[-1]))
    return np.linalg.qr(draw[0] + 1j * draw[1])[0]


def test_gauge_network_does_not_see_the_basis_but_the_direction():
    rng = np.random.default_rng(0)
    links = tp.ensembles.random_links(4, n_occupied=3, grid=(3, 3), rng=1)
    turn = unitaries(rng, 4, 3, 3, 3)
    back = np.conj(np.swapaxes(turn, -1, -2))
    ahead = np.stack([np.roll(back, -1, 1), np.roll(back, -1, 2)], 3)
    other = turn[:, :, :, None] @ links @ ahead
    torch.manual_seed(0)
    network = many_bands.GaugeNetwork((4, 3))
    one, same = (
        network(plaquette_loops(torch.from_numpy(x)).to(torch.complex64)) for x in (links, other)
    )
    assert torch.allclose(one, same, atol=1e-4)
    assert one.std() > 1e-4


def test_bilinear_layers_are_the_sum_over_pairs():
    rng = np.random.default_rng(8)
    w = torch.from_numpy(unitaries(rng, 5, 2, 3)).to(torch.complex64)
    torch.manual_seed(0)
    layer = many_bands.Bilinear(2, 4)
    parts = torch.cat([w, w.mH, torch.eye(3, dtype=w.dtype).expand(5, 1, 3, 3)], 1)
    wanted = torch.einsum("uvw,svij,swjk->suik", layer.weight, parts, parts)
    assert torch.allclose(layer(w), wanted, atol=1e-5)


def test_trace_network_is_odd_and_does_not_see_the_basis():
    planes = tp.ensembles.hard_planes("decaying", 3, n_bands=4, rng=3)
    rng = np.random.default_rng(1)
    samples = many_bands.flat_bands(planes.on_grid(8), 2)
    turn = unitaries(rng, 4)
    turned = turn @ samples @ np.conj(turn.T)
    torch.manual_seed(0)
    network = many_bands.TraceNetwork()

    def of(x):
        return network(*many_bands.traces(many_bands.projectors_of(x), 2))

    value = of(samples)
    assert torch.allclose(value, of(turned), atol=1e-3)
    # complex conjugation turns every phase round
    assert torch.allclose(value, -of(np.conj(samples)), atol=1e-3)
    assert value.abs().min() > 1e-4


def test_traces_of_resolved_loops_are_those_of_their_eigenphases():
    planes = tp.ensembles.hard_planes("decaying", 6, n_bands=4, rng=5)
    samples = many_bands.flat_bands(planes.on_grid(64), 2)
    odd, _ = many_bands.traces(many_bands.projectors_of(samples), 2)
    loops = many_bands.loops_of(samples, 2)
    exact, _ = many_bands.of_powers(loops, 2)
    # links are polar factors up to what two steps of Newton and Schulz leave
    assert float((odd - exact).abs().median()) < 1e-4


def test_planes_of_a_stack_are_its_hamiltonians():
    h = tp.models.weyl_semimetal(1.0)
    k = np.random.default_rng(2).uniform(-np.pi, np.pi, (5, 2))
    for k3 in (0.0, 0.3):
        plane = confidence.plane_of(h, k3)
        there = h.bloch(np.concatenate([k, np.full((5, 1), 2.0 * np.pi * k3)], 1))
        assert np.allclose(plane.bloch(k), there)


def test_counts_by_bin_hold_every_sample():
    chains = tp.ensembles.hard_chains("long_range", 40, rng=1)
    found = load_pretrained("winding-1d").predict(chains.block_on_grid(8), reconstruct=False)
    right = found.value == np.ma.getdata(tp.certify_winding(chains).value)
    counts = confidence.binned(found, right)
    both = np.array(counts["answered"]) + np.array(counts["abstained"])
    assert both.sum(1) == pytest.approx([40, found.confidence.sum(), right.sum()])
    inside = both[0] > 0
    mean = both[1][inside] / both[0][inside]
    edges = np.array(confidence.EDGES)
    assert (mean >= edges[:-1][inside]).all()
    assert (mean <= edges[1:][inside] + 1e-12).all()


def test_error_of_confidence_has_a_sign():
    ece, apart = confidence.error(np.array([[10.0, 10.0], [9.0, 5.0], [8.0, 7.0]]))
    assert ece == pytest.approx(0.15)
    assert apart == pytest.approx(-0.05)


def test_parts_without_a_threshold_miss_the_promise_on_what_was_counted():
    found = {g["kind"]: r["parts"] for g, r in confidence.STUDY.entries() if g["what"] == "silent"}
    for kind, name in confidence.NETWORKS.items():
        limits = load_pretrained(name).calibration.limits
        # counted for the network that is in the package, and all of its silent parts
        assert len(found[kind]) == int((limits >= NEVER).sum())
        for r in found[kind]:
            n, k = r["answered"], r["wrong answered"]
            assert confidence.PROMISE < r["upper"] <= 1.0
            # the share of which k or fewer wrong ones of n are improbable
            assert k == n or binom.cdf(k, n, r["upper"]) == pytest.approx(0.05)
            assert k > 0 or r["first"] >= n
            for m in r["merged"]:
                assert 0 <= m["wrong in silent"] <= m["in silent"] <= m["answered"]


def test_one_wrong_answer_among_the_most_confident_silences_a_part():
    sure = np.linspace(1.0, 0.5, 1000)
    part, right = np.arange(1000) % 2, np.ones(1000, bool)
    right[20] = False
    silent = part == 0
    right[silent & (sure < sure[700])] = False
    assert error_limit(right[silent], sure[silent], 0.01) == NEVER  # one of 350, then many
    both = confidence.pooled(part, right, sure, 0, 1, limit=sure[401], promise=0.01)
    # one of 702 together: an upper end of 0.0067, above 0.01 from the third wrong answer on
    assert both["wrong in silent"] == 2
    assert both["answered"] == 704
    assert both["in silent"] == 352
    assert both["other now"] == 201


def test_answers_are_calibrated_on_all_hard_ensembles():
    for kind in ("chains", "planes"):
        for *case, _ in confidence.cases(kind):
            own = [r for g, r in confidence.rows(kind)
                   if [g["size"], g["points"], g["strength"]] == case]  # fmt: skip
            assert len(own) == {"chains": 10, "planes": 7}[kind]
            counts = confidence.summed(own, "answered")
            if counts[0].sum():
                assert confidence.error(counts)[0] < 0.05
                # twice the promise of 1 %, with two standard deviations
                wrong, n = counts[0].sum() - counts[2].sum(), counts[0].sum()
                assert wrong <= 0.02 * n + 2.0 * np.sqrt(0.02 * n) + 1.0


def test_low_pass_keeps_chains_of_its_range_and_no_others():
    chains = tp.ensembles.hard_chains("gaussian", 5, rng=2)
    samples = chains.block_on_grid(16)
    assert np.allclose(noise.low_pass(samples, 2), samples)
    assert not np.allclose(noise.low_pass(samples, 1), samples, atol=0.1)


def test_votes_without_noise_are_the_proven_integers():
    chains = noise.chains_of_prior(80, np.random.default_rng(4))
    proof = tp.certify_winding(chains)
    clear = np.asarray(proof.gap_lower) > 0.1
    assert clear.sum() > 10
    found = noise.votes(chains.block_on_grid(32), 1e-4, np.random.default_rng(0))
    assert (found[clear] == np.ma.getdata(proof.value)[clear]).all()


def test_gate_multiplies_each_harmonic_by_a_gain():
    samples = tp.ensembles.hard_chains("gaussian", 3, rng=7).block_on_grid(32)
    torch.manual_seed(1)
    gate = noise.HarmonicGate(32)
    before, after = (np.fft.fft(x, axis=1) for x in (samples, gate.clean(samples)))
    some = np.abs(before) > 1e-9
    gain = (after[some] / before[some]).real
    assert ((gain > 0.0) & (gain < 1.0)).all()
    # the strength of the hoppings does not matter
    assert np.allclose(gate.clean(3.0 * samples), 3.0 * gate.clean(samples), rtol=1e-4)


def test_products_of_projectors_and_solid_angles_of_caps():
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    n = learned_planes.spheres(np.random.default_rng(3).standard_normal((4, 20, 3)))
    p = 0.5 * (np.eye(2) + np.einsum("cni,iab->cnab", n, pauli))
    exact = 8.0 * np.trace(p[0] @ p[1] @ p[2] @ p[3], axis1=-2, axis2=-1)
    assert np.allclose(learned_planes.loop_trace(*n), exact)
    angles = np.array([1e-4, 1.0, 5.0, 6.2, 7.0, 11.0])
    found = learned_planes.candidates(*learned_planes.caps(angles))
    wrapped = np.where(angles < 2.0 * np.pi, angles, angles - 4.0 * np.pi)
    for name in ("lattice flux", "triangles", "other triangles"):
        assert np.allclose(found[name], wrapped), name
    assert found["projectors"][0] == pytest.approx(1e-4, rel=1e-3)


def test_density_of_a_plaquette_adds_up_to_the_output():
    torch.manual_seed(2)
    for products in (False, True):
        encoder = TopologicalMLEncoder2D(3, (4, 5), (4, 6, 8), rotation_invariant=products)
        encoder = encoder.double().eval()
        n = learned_planes.spheres(np.random.default_rng(4).standard_normal((2, 4, 5, 3)))
        square = np.stack(learned_planes.corners(n), -2)
        added = learned_planes.density(encoder, square).sum((1, 2)) / (4.0 * np.pi)
        with torch.no_grad():
            out = encoder(torch.from_numpy(n))["invariant"].numpy()
        assert np.allclose(added, out, atol=1e-6)


def test_curls_have_no_mean_over_rotations():
    """A function of links that neighbours run through the other way vanishes on average."""
    rng = np.random.default_rng(6)
    square = learned_planes.caps([2.0])[:, 0]
    turned = np.einsum("rij,cj->cri", learned_planes.rotations(rng, 4000), square)
    direct = np.array([0.6, 0.0, 0.8])

    def link(a, b):
        return (a @ direct) ** 3 + (a @ direct) * (b @ direct) ** 2

    a, b, c, d = turned
    curl = link(a, b) - link(d, c) + link(b, c) - link(a, d)
    assert abs(curl.mean()) < 5.0 * curl.std() / np.sqrt(len(curl)) < 0.2


def test_points_of_the_frontier_are_those_that_no_cheaper_one_equals():
    points = [(1.0, 0.5), (2.0, 0.5), (3.0, 0.7), (4.0, 0.6)]
    assert widths.on_frontier(points) == [True, False, True, False]


def test_a_seed_is_drawn_for_all_splits_together():
    """One network that is always right and one that never is: the mean of two is anything."""
    splits = [f"s{i}" for i in range(16)]
    always = {s: np.ones((1, 50), bool) for s in splits}
    table = dict.fromkeys(("determinants", "eigenphases", "FFT", "low-pass"), always)
    table["net"] = {s: np.repeat([[True], [False]], 50, 1) for s in splits}
    line = fair.difference_table(table).splitlines()[-1]
    assert "| -0.5000 | -1.0000 to +0.0000 |" in line


def of_matrices(network, loops):
    """The gauge-equivariant network, layer by layer on matrices (P, r, r)."""
    w = loops[:, None]
    one = torch.eye(loops.shape[-1], dtype=loops.dtype).expand(len(loops), 1, -1, -1)
    for layer in network.layers:
        w = torch.cat([w, w.mH, one], 1)
        w = torch.einsum("vuw,pvij,pwjk->puik", layer.weight, w, w)
        trace = torch.einsum("puii->pu", w)
        w = torch.relu(trace.real)[..., None, None] * w
        size = torch.einsum("puii->pu", w).mean(1).abs().clamp_min(1e-3)
        w = w / size[:, None, None, None]
    trace = torch.einsum("puii->pu", w) / loops.shape[-1]
    return network.read(torch.view_as_real(trace).flatten(1))[:, 0]


def test_gauge_equivariant_layers_on_eigenvalues_are_those_on_matrices():
    loops = torch.from_numpy(unitaries(np.random.default_rng(3), 7, 4)).to(torch.complex128)
    torch.manual_seed(2)
    network = gauge.GaugeEquivariant((5, 4, 3))
    for layer in network.layers:
        layer.weight.data = layer.weight.data.to(torch.complex128)
    network.double()
    expected = of_matrices(network, loops)
    found = network(torch.linalg.eigvals(loops))
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_plaquettes_of_the_generator_add_up_to_the_label():
    values, turns, links = gauge.drawn(6, np.random.default_rng(1))
    label = gauge.chern_number_of_links(links, branch="eigenphases")
    assert values.shape == (6, 25, 4)
    assert np.allclose(turns.sum(1), label, atol=1e-5)
    # they are unitary: the moduli of the eigenvalues are 1
    assert torch.allclose(values.abs(), torch.ones(6, 25, 4), atol=1e-5)
    _, _, turns, label = many_bands.link_samples(6, 1)
    assert torch.allclose(turns.sum((1, 2)), label.float(), atol=1e-5)


def test_first_candidates_are_those_of_a_network_that_reads_fewer():
    planes = tp.ensembles.hard_planes("decaying", 4, n_bands=4, rng=1)
    samples = torch.from_numpy(planes.on_grid(6))
    many, few = (FlipNetwork("chern", candidates=n).prepare(samples, 2) for n in (48, 12))
    for one, other in zip(more_bands.first(many, 12), few, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@pytest.mark.parametrize(("unwrapped", "share"), [(True, 1.0), (False, 0.0)])
def test_sides_are_distinguished(monkeypatch, unwrapped, share):
    def density(_, start, end):
        theta = learned.eigenphases(start.mH @ end)[0].sum(-1)
        return theta if unwrapped else torch.angle(torch.exp(1j * theta))

    monkeypatch.setattr(learned, "density", density)
    chains = tp.ensembles.hard_chains("gaussian", 200, rng=5)
    flat = tp.flatten_block(chains.block_on_grid(16))
    x = torch.from_numpy(learned.channels(flat)).float()
    total, count = learned.sides(None, {"test": (x, None)})
    assert total > 20
    assert count / total == share


def test_link_fluxes_from_candidates_are_those_of_the_lattice():
    planes = tp.ensembles.hard_planes("decaying", 40, n_bands=8, rng=2)
    samples = more_bands.flat_bands(planes.on_grid(5), 4)
    data = FlipNetwork("chern", candidates=3, upsample=1).prepare(torch.from_numpy(samples), 4)
    base = data.base[:, 0].numpy()
    expected = many_bands.chern_of_links(samples, 4)
    near = np.abs(expected - base) <= 2
    assert (more_bands.of_links(data) == expected)[near].all()
    assert (base != expected)[near].sum() > 3
