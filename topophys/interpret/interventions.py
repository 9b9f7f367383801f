"""The changes themselves: what is put into a layer, and what integer should come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from topophys._random import keyed_generator
from topophys.interpret.erase import encoding_directions, fit_eraser, random_eraser
from topophys.interpret.fields import wrapped_steps
from topophys.interpret.hooks import module_of_feature, replaced
from topophys.interpret.samples import Layer, Samples
from topophys.interpret.subjects import Subject
from topophys.learn.evaluate import batches, placement

__all__ = ["ChainInterventions", "Outcome", "swap_sums"]

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]

#: Exact sums this close to an integer count as one.
NEAR: Final = 0.1
#: Longest step of a polygon of swapped points that counts, in radians.
LONGEST: Final = 0.9 * np.pi
H1: Final = "h1_features"


@dataclass(frozen=True, eq=False)
class Outcome:
    """Integers before and after a change, beside those predicted.

    Attributes
    ----------
    test, layer, what, predicted : str
        As in `CausalResult`.
    named, expected, before : int64 ndarray of shape (cases,)
        Named by the network after the change, predicted, and true of the unchanged Hamiltonian.
    r2 : float or None
        Explained variance of the real-valued invariant.
    """

    test: str
    layer: str
    what: str
    predicted: str
    named: Integers
    expected: Integers
    before: Integers
    r2: float | None = None


class ChainInterventions:
    """Changes of h1 of a network that reads chains.

    Parameters
    ----------
    subject : Subject
        The network.
    samples : Samples
        Chains.
    seed : int
        Seed of random directions and of pairs.
    """

    def __init__(self, subject: Subject, samples: Samples, seed: int) -> None:
        self.subject, self.samples, self.seed = subject, samples, seed
        self.hidden = subject.hidden(samples, H1)
        self.grid = self.hidden.shape[1:-1]
        self.device, self.dtype = placement(subject.encoder)
        first = torch.from_numpy(samples.x[:1]).to(self.device, self.dtype)
        self.module = module_of_feature(subject.encoder, first, H1)

    def erase(self, n_random: int) -> list[Outcome]:
        """Remove the angle, the entries, both, the control, random directions.

        Parameters
        ----------
        n_random : int
            Draws of random directions.

        Returns
        -------
        list of Outcome
            Expected is the true integer: the share right is what is left of the accuracy.
        """
        alpha, entries = self._exact("cos_sin_alpha"), self._exact("entries")
        wanted = {
            "nothing": None,
            "cos alpha, sin alpha": alpha,
            "entries of D": entries,
            "cos alpha, sin alpha, entries of D": np.concatenate([alpha, entries], axis=-1),
            "phase of perm D": self._exact("cos_sin_permanent"),
        }
        found = []
        for what, target in wanted.items():
            eraser = None if target is None else fit_eraser(self.hidden, target)
            changed = self.hidden if eraser is None else eraser(self.hidden)
            found.append(self._erased(what, self.named(changed)))
        for rank in (alpha.shape[-1], alpha.shape[-1] + entries.shape[-1]):
            rng = keyed_generator(self.seed, 3, rank)
            draws = [random_eraser(self.hidden, rank, rng) for _ in range(n_random)]
            named = np.concatenate([self.named(eraser(self.hidden)) for eraser in draws])
            found.append(self._erased(f"{rank} random directions", named))
        return found

    def _erased(self, what: str, named: Array) -> Outcome:
        true = np.tile(self.samples.label, len(named) // len(self.samples.label))
        return Outcome("erase", H1, what, "true integer", _whole(named), true, true)

    def steer(self) -> list[Outcome]:
        """Move h1 to where it would be for another angle, or another phase of the permanent.

        Returns
        -------
        list of Outcome
            Expected is the winding of the new angle; of the permanent, no change.
        """
        k = 2.0 * np.pi * np.arange(self.grid[0]) / self.grid[0]
        moves: dict[str, Callable[[Array], Array]] = {
            "one turn more": lambda angle: angle + k,
            "one turn less": lambda angle: angle - k,
            "mirrored": lambda angle: -angle,
        }
        found = []
        for name, text in (("cos_sin_alpha", "alpha"), ("cos_sin_permanent", "phase of perm D")):
            vector = self._exact(name)
            directions = encoding_directions(self.hidden, vector)
            angle = np.arctan2(vector[..., 1], vector[..., 0])
            held = name == "cos_sin_permanent"
            for what, move in moves.items():
                new = move(angle)
                there = np.stack([np.cos(new), np.sin(new)], axis=-1)
                named = self.named(self.hidden + (there - vector) @ directions)
                true = self.samples.label
                expected = true if held else _turns(new)
                rule = "true integer" if held else "winding of the new alpha"
                found.append(
                    Outcome("steer", H1, f"{text} {what}", rule, _whole(named), expected, true,
                            _r2(named, expected))
                )  # fmt: skip
        return found

    def swap(self, n_swaps: int) -> list[Outcome]:
        """Take the points of an interval from another chain.

        Parameters
        ----------
        n_swaps : int
            Pairs with an interval.

        Returns
        -------
        list of Outcome
            Expected is the winding of the polygon through the mixed points.
        """
        host, guest, inside = _pairs(len(self.hidden), self.grid, n_swaps, self.seed)
        vector = self._exact("cos_sin_alpha")
        angle = np.arctan2(vector[..., 1], vector[..., 0])
        mixed = np.where(inside, angle[guest], angle[host])
        named = self.named(np.where(inside[..., None], self.hidden[guest], self.hidden[host]))
        expected, before = _turns(mixed), self.samples.label[host]
        clear = np.abs(wrapped_steps(mixed)).max(1) <= LONGEST
        return [
            Outcome("swap", H1, what, "winding of the mixed polygon", _whole(named[pick]),
                    expected[pick], before[pick], _r2(named[pick], expected[pick]))
            for what, pick in (("points of an interval, no step above 0.9 pi", clear),
                               ("points of an interval, all", np.ones_like(clear)))
        ]  # fmt: skip

    def _exact(self, name: str) -> Array:
        return self.samples.exact(name, self.grid)

    @torch.no_grad()
    def named(self, hidden: Array) -> Array:
        """Real-valued invariants of the network with another h1.

        Parameters
        ----------
        hidden : float64 ndarray of shape (B, N, channels)
            What to put in place of h1.

        Returns
        -------
        float64 ndarray of shape (B,)
            The invariants.
        """
        encoder, out = self.subject.encoder, np.empty(len(hidden))
        x = torch.from_numpy(self.samples.x).to(self.device, self.dtype)
        for part in batches(len(hidden), len(x)):
            new = torch.from_numpy(hidden[part]).to(self.device, self.dtype)
            with replaced(encoder, {self.module: _constant(new)}):
                out[part] = encoder(x[: len(new)])["invariant"].double().cpu().numpy()
        return out


def swap_sums(
    subject: Subject, samples: Samples, layer: Layer, n_swaps: int, seed: int
) -> list[Outcome]:
    """Take part of the last layer from another Hamiltonian.

    Parameters
    ----------
    subject : Subject
        The network.
    samples : Samples
        Hamiltonians.
    layer : Layer
        The layer whose sum the output reads.
    n_swaps : int
        Pairs with an interval of links, or a rectangle of plaquettes.
    seed : int
        Seed of the pairs.

    Returns
    -------
    list of Outcome
        Expected is the exact sum, where it is close to an integer.
    """
    density = subject.density(samples, layer.name)[..., 0]
    grid = density.shape[1:]
    exact = samples.exact(layer.target, grid)[..., 0] / (2.0 * np.pi)
    host, guest, inside = _pairs(len(density), grid, n_swaps, seed)
    axes = tuple(range(1, density.ndim))
    # the output is linear in the layer: what a mixture gives is the sum of what its parts give
    real = np.where(inside, density[guest], density[host]).sum(axes)
    wanted = np.where(inside, exact[guest], exact[host]).sum(axes)
    near = np.abs(wanted - np.rint(wanted)) <= NEAR
    part = "links of an interval" if len(grid) == 1 else "plaquettes of a rectangle"
    return [
        Outcome("swap", layer.name, part, "exact sum, within 0.1 of an integer",
                _whole(real[near]), _whole(wanted[near]), samples.label[host][near],
                _r2(real, wanted))
    ]  # fmt: skip


def _pairs(
    n: int, grid: tuple[int, ...], n_swaps: int, seed: int
) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Hosts, guests, and which places come from the guest: an interval along each direction."""
    rng = keyed_generator(seed, 4)
    host = rng.integers(n, size=n_swaps)
    guest = (host + rng.integers(1, n, size=n_swaps)) % n  # never the host itself
    inside = np.ones((n_swaps, *grid), dtype=bool)
    for axis, size in enumerate(grid):
        start, length = rng.integers(size, size=n_swaps), rng.integers(1, size, size=n_swaps)
        here = (np.arange(size) - start[:, None]) % size < length[:, None]
        shape = [n_swaps] + [size if a == axis else 1 for a in range(len(grid))]
        inside &= here.reshape(shape)
    return host, guest, inside


def _constant(value: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda _: value


def _turns(angle: Array) -> Integers:
    return _whole(wrapped_steps(angle).sum(1) / (2.0 * np.pi))


def _whole(value: Array) -> Integers:
    return np.rint(value).astype(np.int64)


def _r2(value: Array, exact: Array | Integers) -> float | None:
    spread = float(((exact - exact.mean()) ** 2).sum()) if len(exact) else 0.0
    return None if spread == 0.0 else float(1.0 - ((value - exact) ** 2).sum() / spread)
