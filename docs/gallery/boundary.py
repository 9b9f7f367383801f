"""Finite systems, and figures that compare their boundary states with proven integers."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

import topophys as tp
from topophys.plots import Figure, new_figure, save_figure, style
from topophys.plots._style import tidy


def cut(h: tp.FourierHamiltonian, cells: int, *k: float) -> NDArray[np.complex128]:
    """H at momenta k of all directions but the last, along which it is cut to some cells."""
    return sum(
        np.kron(np.eye(cells, k=r[-1]), np.exp(1j * np.dot(k, r[:-1])) * np.asarray(t))
        for r, t in h.hoppings.items()
    )


def panels(title: str) -> tuple[Figure, np.ndarray]:
    """Two panels: finite systems, proven integers."""
    with style():
        figure = new_figure(7.4, 2.7)
        axes = figure.subplots(1, 2)
        figure.suptitle(title)
        for ax in axes:
            tidy(ax)
    return figure, axes


def levels(ax, x: ArrayLike, matrices: Iterable, name: str, reach: float) -> None:
    """Levels of finite systems; red are states in the last quarter, blue those in the first."""
    for at, matrix in zip(x, matrices, strict=True):
        apart, ends = np.zeros(len(matrix)), len(matrix) // 4
        apart[:ends], apart[-ends:] = -1e-4, 1e-4  # where levels of both ends are equal
        energy, state = np.linalg.eigh(matrix + np.diag(apart))
        size = np.abs(state) ** 2
        first, last = size[:ends].sum(0) > 0.7, size[-ends:].sum(0) > 0.7
        for rows, colour, dot in ((~(first | last), "0.75", 2), (last, "tab:red", 8),
                                  (first, "tab:blue", 2)):  # fmt: skip
            place = np.full(rows.sum(), at)
            ax.scatter(place, energy[rows], s=dot, c=colour, lw=0, rasterized=True)
    ax.set(xlabel=name, ylabel="energy", ylim=(-reach, reach))


def integers(ax, x: ArrayLike, value: ArrayLike, name: str, what: str, known: Sequence) -> None:
    """Integers, all of which must be proven, and textbook transitions."""
    assert not np.ma.is_masked(value)
    ax.plot(x, value, "o", ms=3)
    low, high = int(np.min(value)), int(np.max(value))
    ax.set(xlabel=name, ylabel=what, yticks=range(low, high + 1))
    for end in known:
        ax.axvline(end, ls=":", c="0.5", lw=1)


__all__ = ["Figure", "cut", "integers", "levels", "panels", "save_figure"]
