"""The flip network: a sampled formula, and learned probabilities that its phases are a turn off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from topophys import _validation
from topophys.errors import InputError, ShapeError
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.invariants.results import Certificate, signed
from topophys.learn._flip_features import (
    denoised,
    of_unit_size,
    require_labels,
    smallest_gaps,
    standardize,
)
from topophys.learn._flip_inputs import INPUTS, reconstructed
from topophys.learn._proven_answers import ProvenAnswers
from topophys.learn.calibration import (
    COVERAGES,
    NEVER,
    Calibration,
    Judgement,
    context_of,
    summary_of,
)
from topophys.learn.inputs import certify_hamiltonian
from topophys.learn.trainer import minimize

__all__ = ["FlipData", "FlipNetwork", "Posterior", "fit_flips"]

#: Corrections to the formula that have a probability: from -REACH to REACH - 1.
REACH: Final = 16
#: Smallest probability, which keeps logarithms finite.
LEAST: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Posterior(ProvenAnswers):
    """Probabilities of the invariants of a batch of Hamiltonians.

    Attributes
    ----------
    value : int64 ndarray of shape (...)
        Most probable integer; the proven one where `certificate` holds.
    confidence : float64 ndarray of shape (...)
        Probability of the most probable one; 1 where the value is proven.
    formula : int64 ndarray of shape (...)
        What the formula says on the interpolated samples, without the network.
    probabilities : float64 ndarray of shape (..., 32)
        Probabilities of the integers formula - 16, ..., formula + 15.
    reconstructed : bool ndarray of shape (...)
        Where the samples are those of a Hamiltonian of short range, or of its flattened bands:
        the integer is proven for that one, and the network was not asked. That the samples come
        from it, and not from hoppings over more cells than the grid can show, is assumed.
    threshold : float, or float64 ndarray of shape (...)
        Confidence below which the network abstains; calibrated networks have one for each grid, 2
        where no confidence is high enough.
    certificate : Certificate, optional
        Proof that was asked for; where it holds, `value` is what is proven.
    unfamiliar : bool ndarray of shape (...), optional
        Where the samples are unlike those of the calibration: not one in 200 of these is as far
        from their mean, or, on planes, not one in 200 shows as small a gap; and, on planes, where a
        gap is small, though not as small, and the formula on a grid twice as fine contradicts what
        would be answered.
        The network abstains there unless a threshold was given.
    smallest : float64 ndarray of shape (..., 5), optional
        Smallest probabilities of the members of prediction sets, see `prediction_set`.

    Examples
    --------
    >>> one = np.zeros((1, 32))
    >>> one[0, 16:18] = 0.75, 0.25
    >>> answer = Posterior(
    ...     np.array([2]), np.array([0.75]), np.array([2]), one, np.array([False]), threshold=0.9
    ... )
    >>> answer.probability_of(3), answer.abstains
    (array([0.25]), array([ True]))
    """

    value: Int[np.ndarray, "..."]
    confidence: Float[np.ndarray, "..."]
    formula: Int[np.ndarray, "..."]
    probabilities: Float[np.ndarray, "... corrections"]
    reconstructed: Bool[np.ndarray, "..."]
    threshold: float | Float[np.ndarray, "..."]
    certificate: Certificate | None = None
    unfamiliar: Bool[np.ndarray, "..."] | None = None
    smallest: Float[np.ndarray, "... levels"] | None = None

    def __post_init__(self) -> None:
        # beside a proven value no doubt about another one may stand
        sure = np.asarray(np.where(self.certified, 1.0, self.confidence))
        object.__setattr__(self, "confidence", sure)

    def __repr__(self) -> str:
        total, silent = self.value.size, int(self.abstains.sum())
        values, counts = np.unique(self.value[~self.abstains], return_counts=True)
        pairs = [f"{signed(int(v))}: {c}" for v, c in zip(values, counts, strict=True)]
        lines = [f"Posterior of {total} Hamiltonian{'s' * (total != 1)}: {silent} abstained from"]
        lines.append(f"  value            {', '.join(pairs) or 'none'}")
        if total:
            lines.append(f"  confidence       {np.median(self.confidence):.4f} (median)")
            changed = int((self.value != self.formula).sum())
            lines.append(f"  reconstructed    {int(self.reconstructed.sum())} of {total}")
            lines.append(f"  not the formula  {changed} of {total}")
        lines += self._threshold_lines()
        if self.unfamiliar is not None:
            lines.append(f"  unfamiliar       {int(self.unfamiliar.sum())} of {total}")
        return "\n".join([*lines, *self._proof_lines()])

    def _threshold_lines(self) -> list[str]:
        """Lines on the confidence asked for, and on samples for which none is enough."""
        limit = np.asarray(self.threshold)
        # one number is what the user asked for, whatever it is
        never = (limit >= NEVER) & isinstance(self.threshold, np.ndarray)
        asked = np.unique(np.round(limit[~never], 3))
        shown = f"{asked[0]:.3f}" + f" to {asked[-1]:.3f}" * (len(asked) > 1) if len(asked) else ""
        lines = [f"  asked for        {shown or 'none'}"] if limit.size else []
        silent = never if self.unfamiliar is None else never & ~self.unfamiliar
        if silent.any():
            lines.append(f"  no threshold     {int(silent.sum())} of {self.value.size}")
        return lines

    @property
    def proposed(self) -> Int[np.ndarray, "..."]:
        """Most probable integer, whatever is proven."""
        return np.asarray(self.formula + self.probabilities.argmax(-1) - REACH)

    @property
    def network_confidence(self) -> Float[np.ndarray, "..."]:
        """Probability that the network gives to what it proposes, whatever is proven."""
        return np.asarray(self.probabilities.max(-1))

    @property
    def abstains(self) -> Bool[np.ndarray, "..."]:
        """Where the most probable integer is less probable than `threshold`, without a proof."""
        return np.asarray(~(self.confidence >= self.threshold) & ~self.certified)

    def probability_of(self, value: int | Int[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Probability of a given integer.

        Parameters
        ----------
        value : int or int array of shape (...)
            The integer.

        Returns
        -------
        float64 ndarray of shape (...)
            Its probability; 0 for integers more than 16 away from the formula.
        """
        column = np.asarray(value) - self.formula + REACH
        inside = (column >= 0) & (column < 2 * REACH)
        chosen = np.where(inside, column, 0)
        found = np.take_along_axis(self.probabilities, chosen[..., None], -1)[..., 0]
        return np.asarray(np.where(inside, found, 0.0))

    def prediction_set(self, coverage: float = 0.99) -> Bool[np.ndarray, "... corrections"]:
        """Integers of which one is the invariant with a given probability.

        The guarantee of conformal prediction [1]_: it holds for samples that are exchangeable with
        those of the calibration on the same grid, whatever the network has learned, on average
        over samples, up to one in the size of a part. What is reconstructed or proven is a set of
        one.

        Parameters
        ----------
        coverage : {0.9, 0.95, 0.98, 0.99, 0.995}, optional
            Probability.

        Returns
        -------
        bool ndarray of shape (..., 32)
            Which of the integers formula - 16, ..., formula + 15 belong to the set. An empty set
            says that the samples are stranger than the guarantee has to allow for.

        Raises
        ------
        InputError
            If the network was not calibrated, or not for this coverage.

        References
        ----------
        .. [1] V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, Springer
           (2005).

        Examples
        --------
        >>> import topophys as tp
        >>> from topophys.learn import load_pretrained
        >>> chains = tp.ensembles.hard_chains("long_range", 3, rng=1)
        >>> answer = load_pretrained("winding-1d").predict(chains.block_on_grid(16))
        >>> answer.prediction_set(0.9).sum(-1).shape
        (3,)
        """
        if self.smallest is None:
            raise InputError("Method `prediction_set` needs a calibrated network, but it is not.")
        if coverage not in COVERAGES:
            known = ", ".join(map(str, COVERAGES))
            raise InputError(f"Argument `coverage` must be one of {known}, but is {coverage}.")
        least = self.smallest[..., COVERAGES.index(coverage), None]
        members = (self.probabilities >= least) & (self.probabilities > 0.0)
        sure = (self.certified | self.reconstructed)[..., None]
        column = np.ma.getdata(self.value) - self.formula + REACH
        return np.where(sure, np.arange(2 * REACH) == column[..., None], members)


class FlipNetwork(nn.Module):
    r"""Formula on interpolated samples, corrected by learned probabilities of whole turns.

    .. math::
        \nu = \nu_0 - \sum_{i=1}^{K} s_i t_i b_i, \qquad b_i \sim \mathrm{Bernoulli}(p_i), \qquad
        P(\nu_0 - c) = \frac{1}{2R} \sum_t e^{i c t}
        \prod_i \left( 1 - p_i + p_i e^{-i s_i t_i t} \right)

    The samples are refined by trigonometric interpolation. :math:`\nu_0` is the sum of the
    eigenphases of all links (chains) or plaquettes (planes), an integer. It can only be wrong by
    whole turns: where a phase theta with sign s lies near pi, the true one may be theta - 2 pi s.
    For each of the K most doubtful phases a small network reads features that do not depend on
    the basis, and returns the probability that it went the other way round. Partners at k and -k
    of chains with real hoppings count as one event of two turns.

    Parameters
    ----------
    kind : {"winding", "chern"}
        Chains, or planes with any number of bands.
    hidden : int, optional
        Width of the network.
    candidates : int, optional
        Number K of phases.
    upsample : int, optional
        Refinement of the grid; by default 4 on chains, 2 in planes.

    Raises
    ------
    InputError
        If a number is not a positive integer or `kind` is another one.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> network = FlipNetwork("winding")
    >>> sum(p.numel() for p in network.parameters())
    11842
    >>> k = 2 * np.pi * np.arange(8) / 8
    >>> network.predict(np.exp(1j * k)[:, None, None]).formula
    array(1)
    """

    def __init__(
        self,
        kind: str = "winding",
        hidden: int = 64,
        candidates: int = 12,
        upsample: int | None = None,
    ) -> None:
        super().__init__()
        _validation.one_of(kind, "kind", tuple(INPUTS))
        self.input = INPUTS[kind]
        factor = self.input.upsample
        if upsample is not None:
            factor = _validation.positive_int(upsample, "upsample")
        self.settings: dict[str, Any] = {
            "kind": kind,
            "hidden": _validation.positive_int(hidden, "hidden"),
            "candidates": _validation.positive_int(candidates, "candidates"),
            "upsample": factor,
        }
        self.layout = self.input.layout()
        size = self.layout.size
        self.first = nn.Linear(size, hidden)
        self.second = nn.Linear(2 * hidden, hidden)
        self.last = nn.Linear(hidden, 1)
        self.choose = nn.Linear(hidden, 1)
        # phases far from pi rarely go the other way round
        nn.init.constant_(self.last.bias, -3.0)
        self.mean: Tensor
        self.deviation: Tensor
        self.threshold: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))
        self.register_buffer("threshold", torch.tensor(0.5))
        #: What the probabilities mean on stated populations; before `fit_calibration`, nothing.
        self.calibration = Calibration(size)

    def prepare(self, samples: Tensor, n_occupied: int = 1) -> FlipData:
        """Candidates of a batch of samples.

        Parameters
        ----------
        samples : complex tensor of shape (B, N, n, n) or (B, Nx, Ny, n, n)
            Blocks D(k) of chains, or Bloch matrices, on the grid of `topophys.k_grid`.
        n_occupied : int, optional
            Number of occupied bands, in planes.

        Returns
        -------
        FlipData
            What `forward` reads.
        """
        parts = [
            self._view(samples, n_occupied, factor, filtered=filtered)
            for factor, filtered in self.views
        ]
        return FlipData(*(torch.stack(part, 1) for part in zip(*parts, strict=True)))

    @property
    def views(self) -> tuple[tuple[int, bool], ...]:
        """Refinement of the samples, and whether they are filtered, in each view."""
        factor = self.settings["upsample"]
        return (factor, False), (1, False), (factor, True)

    def _view(
        self, samples: Tensor, n_occupied: int, factor: int, filtered: bool
    ) -> FlipData:  # one of `views`
        count = self.settings["candidates"]
        found, turns, kept = self.input.candidates(
            samples, n_occupied, factor, count, filtered=filtered
        )
        # few points have fewer phases than candidates are wanted
        missing = count - found.sign.shape[1]
        if missing:
            pad = nn.functional.pad
            features = pad(found.features, (0, 0, 0, missing))
            sign, turns = (pad(x, (0, missing), value=1.0) for x in (found.sign, turns))
            return FlipData(features, sign, turns, pad(kept, (0, missing)), found.base)
        return FlipData(found.features, found.sign, turns, kept, found.base)

    def forward(self, data: FlipData) -> Tensor:
        """Log probabilities of the corrections -R, ..., R - 1 to the formula.

        Parameters
        ----------
        data : FlipData
            From `prepare`.

        Returns
        -------
        tensor of shape (B, 2 R)
            Normalised log probabilities, R = 16, relative to the formula of the first view.
        """
        odds, scores = self._read(data.features, data.kept)
        p = torch.sigmoid(odds) * data.kept
        grid = torch.arange(2 * REACH, device=p.device, dtype=p.dtype) * (math.pi / REACH)
        angle = (data.sign * data.turns)[..., None] * grid
        real, imaginary = 1.0 - p[..., None] * (1.0 - angle.cos()), -p[..., None] * angle.sin()
        wave = torch.complex(real, imaginary).prod(-2)
        # wave(t) = sum_c P(c) e^{ict} over corrections c to the formula of each view
        correction = torch.arange(-REACH, REACH, device=p.device)
        phase = correction[:, None] * grid
        views = (wave.real @ phase.cos().T + wave.imag @ phase.sin().T) / (2 * REACH)
        # the same integers, as corrections to the formula of the first view
        column = correction + REACH - (data.base - data.base[:, :1])[..., None]
        inside = (column >= 0) & (column < 2 * REACH)
        views = views.gather(-1, column.clamp(0, 2 * REACH - 1)) * inside
        weight = torch.softmax(scores, -1)
        probability = (views * weight[..., None]).sum(1).clamp_min(LEAST)
        return (probability / probability.sum(-1, keepdim=True)).log()

    def _read(self, features: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """Log odds that each phase went the other way round, and a score of each view."""
        # features of (B, V, K, F) -> (B, V, K), (B, V); the same seen in a mirror
        odds, score = self._one_side((features - self.mean) / self.deviation, kept)
        if not self.layout.side:
            return odds, score
        mirrored = (features[..., self.layout.mirror] - self.mean) / self.deviation
        other_odds, other_score = self._one_side(mirrored, kept)
        return odds + other_odds, score + other_score

    def _one_side(self, x: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        h = nn.functional.gelu(self.first(x))
        weight = kept.to(h.dtype)[..., None]
        # what the other candidates are like: a chain with many doubtful phases is a hard one
        context = (h * weight).sum(-2, keepdim=True) / weight.sum(-2, keepdim=True).clamp_min(1.0)
        h = nn.functional.gelu(self.second(torch.cat([h, context.expand_as(h)], -1)))
        odds = cast("Tensor", self.last(h)).squeeze(-1)
        pooled = (h * weight).sum(-2) / weight.sum(-2).clamp_min(1.0)
        return odds, cast("Tensor", self.choose(pooled)).squeeze(-1)

    @torch.inference_mode()
    def predict(
        self,
        H: FourierHamiltonian | ArrayLike,
        *,
        grid: int | tuple[int, ...] | None = None,
        n_occupied: int | None = None,
        threshold: float | None = None,
        reconstruct: bool = True,
        certify: bool = False,
        batch_size: int = 512,
    ) -> Posterior:
        """Probabilities of the invariants of Hamiltonians.

        Parameters
        ----------
        H : FourierHamiltonian or array-like, complex
            Hamiltonians with hoppings; or blocks (..., N, n, n) of chains, or Bloch matrices
            (..., Nx, Ny, n, n), on the grid of `topophys.k_grid`, flattened or not. Any number of
            orbitals and points.
        grid : int or tuple of int, optional
            Number of k points on which to sample a Hamiltonian: 32, or 16 x 16, by default, and
            more if its range needs them. A Hamiltonian whose range reaches the number of points is
            unfamiliar.
        n_occupied : int, optional
            Number of occupied bands of samples of planes; needed there for more than two bands.
        threshold : float, optional
            Confidence below which to abstain; by default the one calibrated in training.
        reconstruct : bool, optional
            Answer from the Hamiltonian of short range behind the samples, where there is exactly
            one: their Fourier coefficients if the upper half of the harmonics vanishes, and
            `unflatten_block` or `unflatten_bands` for flattened samples. That its range is
            small is an assumption about samples; it is checked for `H` with hoppings.
        certify : bool, optional
            Prove the invariants too; `H` must have hoppings. The network proposes, the
            certificate disposes.
        batch_size : int, optional
            Hamiltonians at a time.

        Returns
        -------
        Posterior
            Of shape (...).

        Raises
        ------
        ShapeError
            If samples have other axes, or fewer than three points along a direction.
        InputError
            If samples are not finite or vanish, or `n_occupied` is missing or impossible.
        KindError
            If `H` has another dimension, or is a chain without a chiral block.
        """
        kind = self.settings["kind"]
        proof = certify_hamiltonian(H, kind, n_occupied=n_occupied) if certify else None
        samples: Any = H
        aliased = False  # other harmonics than those of the Hamiltonian are seen on these points
        if isinstance(H, FourierHamiltonian):
            samples, n_occupied = self.input.sampled(H, grid, n_occupied)
            # the hoppings are known: no other ones are behind the samples
            points = samples.shape[-2 - self.input.dim : -2]
            reach = np.abs(H.vectors).max(0, initial=0)
            reconstruct = reconstruct and bool(2 * reach.max() < min(points))
            aliased = bool((reach >= points).any())
        elif grid is not None:
            raise InputError(
                f"Argument `grid` must be left out for samples, which have one, but is {grid}."
            )
        values, batch, filled = self._checked(samples, n_occupied)
        device = self.mean.device
        judged, base = [], []
        self.eval()
        exact, known = np.zeros(len(values), np.int64), np.zeros(len(values), bool)
        for start in range(0, len(values), _validation.positive_int(batch_size, "batch_size")):
            rows = slice(start, start + batch_size)
            part = torch.from_numpy(values[rows]).to(device)
            data = self.prepare(part, filled)
            seen = *self.describe(part, data), self.smallest_gap(data)
            judgement = self.calibration.judge(self(data), *seen)
            judged.append(self._seen_again(part, filled, data, seen, judgement))
            base.append(data.base[:, 0].cpu().numpy())
            if reconstruct:
                exact[rows], known[rows] = reconstructed(values[rows], self.input, filled)
        corrections, limit, smallest, unfamiliar = (
            Judgement(*(np.concatenate(column) for column in zip(*judged, strict=True)))
            if judged
            else Judgement(
                np.empty((0, 2 * REACH)), np.empty(0), np.empty((0, len(COVERAGES))), known
            )
        )
        formula = np.concatenate(base) if base else np.empty(0, np.int64)
        column = exact - formula + REACH
        known &= (column >= 0) & (column < 2 * REACH)
        corrections[known] = np.eye(2 * REACH)[column[known]]
        best = corrections.argmax(-1)
        confidence = np.take_along_axis(corrections, best[:, None], -1)[:, 0]
        calibrated = not bool(self.calibration.limits.isnan().any())
        unfamiliar = (unfamiliar & ~known) | aliased
        asked: Any = float(self.threshold) if threshold is None else float(threshold)
        if calibrated and threshold is None:
            asked = np.where(unfamiliar, NEVER, limit)
            asked = np.where(known, np.minimum(asked, 1.0), asked).reshape(batch)
        value = (formula + best - REACH).reshape(batch)
        if proof is not None:
            value = np.where(proof.certified, np.ma.getdata(proof.value), value)
        return Posterior(
            value,
            confidence.reshape(batch),
            formula.reshape(batch),
            corrections.reshape(*batch, 2 * REACH),
            known.reshape(batch),
            asked,
            proof,
            unfamiliar.reshape(batch) if calibrated else None,
            smallest.reshape(*batch, len(COVERAGES)) if calibrated else None,
        )

    def describe(self, samples: Tensor, data: FlipData) -> tuple[Tensor, Tensor]:
        """Context and summary of samples, which the calibration reads."""
        _, noise = denoised(of_unit_size(samples))
        context = context_of(samples, noise)
        return context, summary_of(data.features, data.kept, context)

    def smallest_gap(self, data: FlipData) -> Tensor:
        """Logarithm (B,) of the smallest gap next to the candidates of the first view.

        A gap that random Hamiltonians do not show on a grid hides what happens between its points:
        Hamiltonians whose gaps close at points of high symmetry, which the grid contains.
        """
        own = smallest_gaps(data.features[:, 0], self.layout)
        return own.masked_fill(~data.kept[:, 0], math.inf).amin(1)

    def _seen_again(
        self,
        samples: Tensor,
        n_occupied: int,
        data: FlipData,
        seen: tuple[Tensor, Tensor, Tensor],
        judgement: Judgement,
    ) -> Judgement:
        """Call answers at small gaps unfamiliar that the formula on a finer grid contradicts.

        Between points of a finer grid less can hide; only answers that would be given are asked.
        """
        context, _, tight = seen
        near = self.calibration.shows_small_gaps(context, tight).cpu().numpy()
        odds, limit = judgement.probabilities, judgement.threshold
        asked = np.flatnonzero(near & ~judgement.unfamiliar & (odds.max(-1) >= limit))
        if not len(asked):
            return judgement
        rows = torch.from_numpy(asked).to(samples.device)
        finer, *_ = self.input.candidates(
            samples[rows], n_occupied, 2 * self.settings["upsample"], 1, filtered=False
        )
        value = data.base[rows, 0].cpu().numpy() + odds[asked].argmax(-1) - REACH
        unfamiliar = judgement.unfamiliar.copy()
        unfamiliar[asked] = finer.base.cpu().numpy() != value
        return judgement._replace(unfamiliar=unfamiliar)

    def _checked(
        self, samples: ArrayLike, n_occupied: int | None
    ) -> tuple[NDArray[np.complex128], tuple[int, ...], int]:
        axes, tail = self.input.axes, self.input.dim + 2
        values = _validation.as_complex(samples, "samples", axes)
        if self.input.dim == 1 and values.ndim >= tail:
            _validation.require_block(values, "samples")
        batch, own = values.shape[:-tail], values.shape[-tail:]
        if own[-1] != own[-2] or min(own[:-2]) < 3:
            raise ShapeError(
                f"Argument `samples` must have shape {axes} with at least 3 points along each"
                f" direction and square matrices, but has {values.shape}."
            )
        filled = self.input.filling(n_occupied, own[-1])
        flat = values.reshape(-1, *own)
        size = np.abs(flat).max(axis=tuple(range(1, flat.ndim)), initial=0.0)
        flat = self.input.hermitian(flat)
        if (size < 1e-300).any():
            raise InputError(
                "Argument `samples` must not vanish at all k points, but does for"
                f" {np.flatnonzero(size < 1e-300)[:5].tolist()}."
            )
        # powers of two leave the digits alone, and squares within the range of numbers
        scaled = flat * np.exp2(-np.floor(np.log2(size)))[(..., *(None,) * tail)]
        axes_of_one = tuple(range(1, flat.ndim))
        square = (np.abs(scaled) ** 2).sum(axes_of_one) * (own[-1] / math.prod(own))
        scaled = scaled / np.sqrt(square)[(..., *(None,) * tail)]
        return np.ascontiguousarray(scaled), batch, filled


# --------------------------------------------------------------------------------------- Training


class FlipData(NamedTuple):
    """Input of a flip network for a batch: candidates, their phase turns, and the formula.

    Features (B, V, K, F) of V views of the samples, signs, turns and kept (B, V, K), integers of
    the formula (B, V).
    """

    features: Tensor
    sign: Tensor
    turns: Tensor
    kept: Tensor
    base: Tensor

    def select(self, index: Tensor) -> FlipData:
        """Chosen Hamiltonians."""
        return FlipData(*(part[index] for part in self))

    def to(self, device: str | torch.device) -> FlipData:
        """Move to a device."""
        return FlipData(*(part.to(device) for part in self))


def fit_flips(
    network: FlipNetwork,
    data: FlipData,
    label: Int[np.ndarray, " batch"],
    *,
    epochs: int = 8,
    batch_size: int = 512,
    learning_rate: float = 3e-3,
    weight_decay: float = 1e-4,
    seed: int = 0,
    on_epoch_end: Callable[[int, float], object] | None = None,
) -> list[float]:
    r"""Train a flip network on integers alone, by their likelihood.

    .. math:: L = -\langle \log P(\nu_s) \rangle_s

    The population should have no filter on the gap: where no phase is doubtful there is nothing to
    learn, and the probabilities mean nothing.

    Parameters
    ----------
    network : FlipNetwork
        Trained in place.
    data : FlipData
        From `FlipNetwork.prepare`; several grids and numbers of bands may be joined by
        `torch.cat`.
    label : int array of shape (B,)
        Invariants.
    epochs, batch_size, learning_rate, weight_decay, seed : optional
        Of AdamW with a one-cycle schedule.
    on_epoch_end : callable, optional
        Called with the number of the epoch and its mean loss.

    Returns
    -------
    list of float
        Mean loss of each epoch.

    Raises
    ------
    ShapeError
        If there is not one label for each sample.

    Examples
    --------
    >>> import topophys as tp
    >>> chains = tp.ensembles.mixed_chains(64, rng=1)
    >>> network = FlipNetwork()
    >>> data = network.prepare(torch.from_numpy(chains.block_on_grid(16)))
    >>> losses = fit_flips(network, data, tp.certify_winding(chains).value, batch_size=32)
    >>> len(losses)
    8
    """
    device = network.mean.device
    require_labels(label, len(data.base))
    data = data.to(device)
    standardize(network, data.features[data.kept])
    difference = torch.as_tensor(np.asarray(label), device=device) - data.base[:, 0]
    column = difference.clamp(-REACH, REACH - 1) + REACH

    def loss_of(rows: Tensor) -> Tensor:
        chosen: Tensor = network(data.select(rows)).gather(1, column[rows, None])
        return -chosen.mean()

    return minimize(
        network,
        loss_of,
        len(data.base),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        weight_decay=weight_decay,
        seed=seed,
        on_epoch_end=on_epoch_end,
    )
