"""Make pictures of the pages of theory: loops, flows and series along one direction.

python docs/figures/make_theory_loops.py
"""

from itertools import pairwise
from pathlib import Path

import numpy as np

import topophys as tp
from topophys.invariants.chern import chern_number_of_links, plaquette_loops
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import FAINT, PALETTE, tidy

HERE = Path(__file__).parent
BLUE, ORANGE, RED, GREEN = (PALETTE[name] for name in ("blue", "orange", "red", "green"))


def crossings() -> Figure:
    """A polygon of samples: signs of its crossings of a ray add up to the winding number."""

    def f(k):
        return np.exp(0.08j) * (np.exp(1j * k) + 0.8 * np.exp(-2j * k))

    k = np.linspace(-np.pi, np.pi, 19)  # closed: the last point is the first
    z, fine = f(k), f(np.linspace(-np.pi, np.pi, 400))
    signs = []
    with style():
        figure = new_figure(5.6, 3.4, layout="compressed")
        ax = figure.subplots()
        ax.plot(fine.real, fine.imag, color=FAINT, linewidth=0.9, label="$\\det D(k)$")
        ax.plot(z.real, z.imag, ".-", color=BLUE, label="polygon of samples")
        ax.plot([0, 2.3], [0, 0], color=ORANGE, linewidth=2.0, label="ray")
        ax.plot(0, 0, "o", mfc="white", mec="black")
        for a, b in pairwise(z):
            up, down = a.imag < 0 <= b.imag, b.imag < 0 <= a.imag
            x = (a.real * b.imag - b.real * a.imag) / (b.imag - a.imag)
            if (up or down) and x > 0:
                signs.append(1 if up else -1)
                colour = GREEN if up else RED
                ax.plot([a.real, b.real], [a.imag, b.imag], color=colour, linewidth=2.4)
                ax.annotate(
                    f"${signs[-1]:+d}$",
                    (x, 0),
                    xytext=(0, 12 if up and x > 0.5 else -12),
                    color=colour,
                    textcoords="offset points",
                    ha="center",
                    va="center",
                )
        ax.set(aspect=1, xlabel="Re $\\det D$", ylabel="Im $\\det D$",
               title=f"$\\nu = {'  '.join(f'{s:+d}' for s in signs)} = {sum(signs)}$")  # fmt: skip
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        tidy(ax)
    assert sorted(signs) == [-1, 1, 1]
    assert sum(signs) == tp.winding_number(f(tp.k_grid(18).ravel())[:, None, None])
    return figure


def flattened() -> Figure:
    """Levels go to -1 and 1, determinants to the unit circle along the rays they are on."""
    chains = tp.ensembles.aiii_chains(200, n_orbitals=2, rng=8)
    proof = tp.certify_winding(chains)
    best = int(np.argmax(np.where(proof.value == 1, proof.gap_lower, 0.0)))
    d_k = chains[best].block_on_grid(600)
    q = tp.flatten_block(d_k)
    k = tp.k_grid(600).ravel()
    level = np.linalg.svd(d_k, compute_uv=False)
    before, after = np.linalg.det(d_k), np.linalg.det(q)
    scale = np.abs(before).max()
    assert np.allclose(np.angle(before / after), 0.0, atol=1e-9)
    with style():
        figure = new_figure(6.8, 3.2)
        left, right = figure.subplots(1, 2)
        for sign in (1, -1):
            left.plot(k, sign * level, color=FAINT)
            left.plot(k, np.full_like(k, sign), color=BLUE, linewidth=2.0)
        left.plot([], [], color=FAINT, label="levels of $D$")
        left.plot([], [], color=BLUE, label="levels of $Q$")
        left.set(xlabel="$k$ (rad)", ylabel="energy (hopping)")
        left.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        for one, two in zip(before[::15] / scale, after[::15], strict=True):
            right.plot([one.real, two.real], [one.imag, two.imag], color=FAINT, linewidth=0.6)
        for loop, colour, name in (
            (before / scale, FAINT, "$\\det D$"),
            (after, BLUE, "$\\det Q$"),
        ):
            closed = np.append(loop, loop[0])
            right.plot(closed.real, closed.imag, color=colour, linewidth=1.6, label=name)
        right.plot(0, 0, "o", mfc="white", mec="black")
        right.set(aspect=1, xlabel="Re (largest: 1)", ylabel="Im")
        right.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        for ax in (left, right):
            tidy(ax)
    return figure


def centres() -> Figure:
    """Centres along y while kx goes around: they come back, or arrive one cell further."""
    n = 120
    kx = np.append(tp.k_grid(n).ravel(), np.pi)
    with style():
        figure = new_figure(6.4, 2.7)
        panels = figure.subplots(1, 2, sharey=True)
        for ax, m, chern in zip(panels, (-2.6, -1.0), (0, 1), strict=True):
            h_k = tp.models.qwz(m).on_grid((n, n))
            assert tp.chern_number(h_k) == chern
            y = tp.wannier_centres(h_k)[:, 0]
            path = np.unwrap(np.append(y, y[0]), period=1.0)
            assert round(path[-1] - path[0]) == chern
            for copy in range(-2, 3):
                ax.plot(kx, path + copy, color=BLUE if copy == 0 else FAINT,
                        linewidth=1.8 if copy == 0 else 0.9)  # fmt: skip
            ax.set(xlabel="$k_x$ (rad)", ylim=(-1.1, 1.6), xlim=(-np.pi, np.pi),
                   title=f"$m = {m:g}$: moves by ${path[-1] - path[0]:.0f} = C$")  # fmt: skip
            tidy(ax, grid="y")
        panels[0].set_ylabel("centre along $y$ (cells)")
    return figure


def pairs() -> Figure:
    """Centres between two lines of symmetry, and how often they cross the middle of the gap."""
    fine = tp.FlowRules(move_share=0.06)
    words = ("partners meet again", "partners are exchanged")
    with style():
        figure = new_figure(7.4, 2.9)
        panels = figure.subplots(1, 2, sharey=True)
        for ax, m in zip(panels, (-1.0, 1.0), strict=True):
            found = tp.z2_invariant(tp.models.bhz(m, delta=0.3), rules=fine)
            (flow,) = found.flows
            t = np.array([line.t for line in flow.lines])
            y = np.stack([line.centres for line in flow.lines])
            middle = np.array([line.middle for line in flow.lines])
            assert flow.crossings % 2 == int(found)
            for copy in (-1, 0, 1):
                for row in (y + copy).T:
                    ax.plot(t, row, ".", color=BLUE, markersize=5)
                ax.plot(t, middle + copy, "_", color=ORANGE, markersize=6, markeredgewidth=1.6)
            ax.set(ylim=(-0.3, 0.8), xlabel="$k_x$ (rad)", xticks=[0, np.pi / 2, np.pi],
                   xticklabels=["0", "$\\pi/2$", "$\\pi$"],
                   title=f"{words[int(found)]}: $Z_2 = {int(found)}$")  # fmt: skip
            tidy(ax, grid="y")
        panels[0].set_ylabel("centre along $y$ (cells)")
        panels[1].plot([], [], ".", color=BLUE, label="centres")
        panels[1].plot([], [], "_", color=ORANGE, label="middle of the largest gap")
        panels[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def sawtooth() -> Figure:
    """The principal value of a phase as a series in powers, and what a broken series misses."""
    theta = np.linspace(-np.pi, np.pi, 801)
    links = tp.ensembles.random_links(300, n_occupied=4, rng=1)
    angles = np.angle(np.linalg.eigvals(plaquette_loops(links))).reshape(300, -1)
    exact = chern_number_of_links(links, branch="eigenphases")
    orders = np.array([4, 10, 30, 100, 300])

    def series(x, order):
        m = np.arange(1, order + 1)
        waves = np.sin(np.multiply.outer(m, x))
        return np.tensordot((-1.0) ** (m + 1) / (np.pi * m), waves, axes=1)

    missed = [np.std(series(angles, n).sum(-1) + exact) for n in orders]
    with style():
        figure = new_figure(6.8, 2.8)
        left, right = figure.subplots(1, 2)
        left.plot(
            theta, theta / (2 * np.pi), color="black", linewidth=1.0, label="$\\theta / 2\\pi$"
        )
        for order, colour in ((3, ORANGE), (30, BLUE)):
            left.plot(theta, series(theta, order), color=colour, label=f"{order} powers")
        left.set(xlabel="$\\theta$ (rad)", ylabel="turns")
        left.legend()
        right.loglog(orders, missed, "o", color=BLUE, label="300 fields of random links")
        size = angles.shape[1]
        right.loglog(orders, np.sqrt(size / (2 * np.pi**2 * orders)), color=FAINT,
                     label="$(L / 2 \\pi^2 M)^{1/2}$")  # fmt: skip
        right.set(xlabel="powers $M$", ylabel="missed (turns)", xlim=(3, 400), ylim=(0.1, 2.0))
        ticks = [0.1, 0.2, 0.5, 1.0, 2.0]
        right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        right.set_yticks([], minor=True)
        right.legend()
        for ax in (left, right):
            tidy(ax)
    assert missed[-1] < 0.2 * missed[0]
    return figure


PICTURES = {
    "theory_crossings": crossings,
    "theory_flattened": flattened,
    "theory_centres": centres,
    "theory_pairs": pairs,
    "theory_sawtooth": sawtooth,
}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        save_figure(make(), HERE / name, ["png"], dpi=110)
