"""Make pictures of the pages of theory: fields over the zone, in two and three dimensions.

python docs/figures/make_theory_fields.py
"""

from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import FAINT, PALETTE, tidy

HERE = Path(__file__).parent
BLUE, ORANGE, RED, GREEN = (PALETTE[name] for name in ("blue", "orange", "red", "green"))


def plaquettes() -> Figure:
    """The grid on the sphere of d, and the flux of each plaquette: half of its solid angle."""
    n, here = 20, (11, 12)
    h = tp.models.qwz(-1.0)
    d = h.d_on_grid((n, n))
    unit = np.pad(tp.flatten_d(d), ((0, 1), (0, 1), (0, 0)), mode="wrap")
    flux = tp.berry_flux_from_d(d)
    assert tp.chern_number_from_d(d) == 1
    # seen from above, where the sphere is covered once
    tilt = np.array(
        [[1.0, 0.0, 0.0], [0.0, np.cos(0.5), -np.sin(0.5)], [0.0, np.sin(0.5), np.cos(0.5)]]
    )
    x, y, depth = np.moveaxis(unit @ tilt.T, -1, 0)
    with style():
        figure = new_figure(7.0, 3.1)
        left, right = figure.subplots(1, 2)
        circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
        left.plot(circle.real, circle.imag, color="black", linewidth=0.9)
        for lines in ((x, y, depth), (x.T, y.T, depth.T)):
            for px, py, pz in zip(*lines, strict=True):
                front = np.where(pz >= 0.0, 1.0, np.nan)
                left.plot(px * front, py * front, color=BLUE, linewidth=0.8)
        i, j = here
        order = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        left.fill([x[p] for p in order], [y[p] for p in order], color=ORANGE, zorder=3)
        left.set(aspect=1)
        left.axis("off")
        left.set_title("$\\hat d$ on the grid")
        edges = np.linspace(-np.pi, np.pi, n + 1)
        most = np.abs(flux).max()
        image = right.pcolormesh(edges, edges, flux.T, cmap="RdBu_r", vmin=-most, vmax=most,
                                 rasterized=True)  # fmt: skip
        right.add_patch(Rectangle((edges[i], edges[j]), edges[1] - edges[0], edges[1] - edges[0],
                                  fill=False, edgecolor=ORANGE, linewidth=2.0))  # fmt: skip
        total = flux.sum() / (2 * np.pi)
        right.set(aspect=1, xlabel="$k_x$ (rad)", ylabel="$k_y$ (rad)",
                  title=f"$\\sum F / 2\\pi = {total:.0f}$")  # fmt: skip
        figure.colorbar(image, ax=right, label="$F$ (rad)")
    assert abs(total - 1) < 1e-9
    return figure


def half_spaces() -> Figure:
    """The image of a cell and of its quarters, beside what the bound allows."""
    h = tp.models.qwz(-1.7)
    centre, r = np.array([0.3, 0.4]), 0.5
    vectors = np.array(list(h.hoppings))
    d_r = np.array([[np.trace(m @ s) / 2 for s in _PAULI] for m in h.hoppings.values()])
    m2 = (np.linalg.norm(d_r, axis=1) * np.abs(vectors).sum(1) ** 2).sum()

    def series(k, factor=None):
        phase = np.exp(1j * k @ vectors.T)
        return (phase * (1.0 if factor is None else 1j * vectors[:, factor])) @ d_r

    edge = np.linspace(-1, 1, 60)
    one = np.ones_like(edge)
    square = np.concatenate(
        [np.stack(p, -1) for p in ((edge, -one), (one, edge), (-edge, one), (-one, -edge))]
    )
    fill = np.stack(np.meshgrid(edge[::7], edge[::7]), -1).reshape(-1, 2)
    bounds = []
    with style():
        figure = new_figure(7.0, 3.0)
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        quarters = [centre + 0.5 * r * np.array(s) for s in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        for ax, cells, half in ((left, [centre], r), (right, quarters, r / 2)):
            passed = 0
            for k0, colour in zip(
                cells, (BLUE, GREEN, PALETTE["purple"], PALETTE["sky"]), strict=False
            ):
                d0, dx, dy = (series(k0, f).real for f in (None, 0, 1))
                u = d0 / np.linalg.norm(d0)
                w = np.cross(u, np.cross(dx, u))
                w /= np.linalg.norm(w)
                bound = u @ d0 - half * (abs(u @ dx) + abs(u @ dy)) - m2 * half**2 / 2
                passed += bound > 0
                bounds.append(bound)
                image, inner = (series(k0 + half * p).real for p in (square, fill))
                assert (image @ u > bound).all()
                ax.plot(inner @ u, inner @ w, ".", color=colour, markersize=1.5)
                ax.plot(image @ u, image @ w, color=colour, linewidth=1.3)
                ax.axvline(bound, color=colour, linestyle="--", linewidth=1.2)
            ax.axvspan(-0.6, 0.0, color=FAINT, alpha=0.25, linewidth=0)
            ax.set(
                xlabel="$u \\cdot d$", title=f"half width {half:g}: {passed} of {len(cells)} proven"
            )
            tidy(ax)
        left.set(ylabel="$d$ across $u$", xlim=(-0.4, 1.15))
    assert bounds[0] < 0 < min(bounds[1:])
    return figure


_PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def slices() -> Figure:
    """The Chern number of planes changes where a plane meets a Weyl point, and there only."""
    weyl = tp.models.weyl_semimetal(1.0)
    k = np.linspace(-np.pi, np.pi, 81)
    proof = tp.chern_on_slices(weyl, k=k)
    done = proof.certified
    grid = tp.k_grid((48, 48))
    height = np.broadcast_to(k[:, None, None, None], (81, 48, 48, 1))
    full = np.concatenate([np.broadcast_to(grid, (81, 48, 48, 2)), height], -1)
    gap = np.diff(np.linalg.eigvalsh(weyl.bloch(full)), axis=-1).min((1, 2, 3))
    with style():
        figure = new_figure(5.4, 2.9)
        ax = figure.subplots()
        ax.step(k[done], proof.value[done], where="mid", color=BLUE, linewidth=2.0,
                label="$C$ of the plane, proven")  # fmt: skip
        ax.plot(k, gap, color=FAINT, label="smallest gap in the plane")
        for node, charge in ((-1.0, 1), (1.0, -1)):
            ax.axvline(node, color=ORANGE, linestyle=":", linewidth=1.4)
            ax.annotate(f"$q = {charge:+d}$", (node, 1.6), xytext=(5, 0), color=ORANGE,
                        textcoords="offset points")  # fmt: skip
            found = tp.weyl_charge(weyl, [0, 0, node], half_width=0.3)
            assert int(found) == charge
        ax.set(xlabel="$k_z$ (rad)", ylabel="$C$, gap (hopping)", xlim=(-np.pi, np.pi))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        tidy(ax)
    assert set(proof.value[done]) == {0, 1}
    return figure


def monopoles() -> Figure:
    """Curvature in a plane through two Weyl points: it flows from one to the other."""
    weyl = tp.models.weyl_semimetal(1.0)

    def unit(k):
        matrix = weyl.bloch(k)
        d = np.einsum("...ab,sba->...s", matrix, _PAULI).real / 2
        return d / np.linalg.norm(d, axis=-1, keepdims=True)

    kx, kz = np.linspace(-1.5, 1.5, 60), np.linspace(-2.4, 2.4, 90)
    k = np.stack([*np.broadcast_arrays(kx[None, :], 0.0, kz[:, None])], -1)
    step = 1e-4 * np.eye(3)
    along = [(unit(k + e) - unit(k - e)) / 2e-4 for e in step]
    omega = [0.5 * (unit(k) * np.cross(along[i], along[j])).sum(-1) for i, j in ((1, 2), (0, 1))]
    strength = np.log10(np.hypot(*omega))
    with style():
        figure = new_figure(4.8, 4.0)
        ax = figure.subplots()
        ax.streamplot(kx, kz, *omega, color=strength, cmap="viridis", density=1.1, linewidth=1.0,
                      arrowsize=0.9)  # fmt: skip
        for node in (-1.0, 1.0):
            charge = int(tp.weyl_charge(weyl, [0, 0, node], half_width=0.3))
            ax.add_patch(Rectangle((-0.3, node - 0.3), 0.6, 0.6, fill=False, edgecolor=ORANGE,
                                   linewidth=1.8))  # fmt: skip
            ax.annotate(f"$q = {charge:+d}$", (0.3, node), xytext=(4, 0), color=ORANGE, va="center",
                        textcoords="offset points", backgroundcolor="white")  # fmt: skip
        ax.set(
            aspect=1, xlabel="$k_x$ (rad)", ylabel="$k_z$ (rad)", xlim=(-1.5, 1.5), ylim=(-2.4, 2.4)
        )
    return figure


def metric() -> Figure:
    """The three quantities of the bounds along a line, of the lowest of three bands."""
    n = 160
    h = tp.models.kagome(0.5)
    chern = int(tp.certify_chern(h))
    assert chern != 0
    h_k = h.on_grid((n, n))
    g = tp.quantum_metric(h_k, n_occupied=1)
    omega = np.abs(tp.berry_curvature(h_k, n_occupied=1))
    trace = np.trace(g, axis1=-2, axis2=-1)
    volume = 2 * np.sqrt(np.linalg.det(g).clip(0))
    assert (trace >= volume - 1e-9).all()
    row = n // 2
    whole = trace.mean() * 2 * np.pi
    assert whole > abs(chern)
    k = tp.k_grid(n).ravel()
    with style():
        figure = new_figure(5.4, 2.9)
        ax = figure.subplots()
        ax.plot(k, trace[:, row], color=ORANGE, label="$\\mathrm{tr}\\, g$")
        ax.plot(k, volume[:, row], color=BLUE, label="$2 (\\det g)^{1/2}$")
        ax.plot(k + np.pi / n, omega[:, row], color="black", linestyle="--", label="$|\\Omega|$")
        ax.set(xlabel="$k_x$ (rad)", ylabel="per area of the zone", xlim=(-np.pi, np.pi))
        ax.text(0.5, 0.95, f"kagome, $C = {chern}$", transform=ax.transAxes, va="top", ha="center")
        ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0))
        tidy(ax, grid="y")
    return figure


PICTURES = {
    "theory_plaquettes": plaquettes,
    "theory_half_spaces": half_spaces,
    "theory_slices": slices,
    "theory_monopoles": monopoles,
    "theory_metric": metric,
}

if __name__ == "__main__":
    for name, make in PICTURES.items():
        save_figure(make(), HERE / name, ["png"], dpi=110)
