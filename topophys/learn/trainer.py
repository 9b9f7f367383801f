"""The training loop: optimizer, schedule, position, steps; and the training of encoders by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from topophys._progress import Advance
from topophys.errors import InputError, RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.data import Batch, Loader
from topophys.learn.distributed import SINGLE_PROCESS, ProcessGroup
from topophys.learn.losses import LocalReadout, compute_topological_loss

__all__ = ["Position", "Trainer", "TrainingLoop", "minimize", "shuffled_batches"]

B = TypeVar("B")

#: Share of the steps in which the learning rate rises.
WARM_UP: Final = 0.2


@dataclass
class Position:
    """Progress of a training."""

    epoch: int = 0  # completed epochs
    step: int = 0  # completed steps of the next epoch
    totals: dict[str, float] = field(default_factory=dict)  # sums of each loss term in this epoch


class TrainingLoop(Generic[B]):
    """The loop of every training here: batches, losses, clipped gradients, one-cycle schedule.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        What is trained.
    batches : callable
        (epoch, skip) -> the batches of an epoch from number `skip` on; they must depend on these
        two numbers alone where a training is to be resumed.
    losses : callable
        batch -> parts, each an objective, whose gradients add up in one step, and the terms of the
        loss with "total_loss" among them, which are summed for the log.
    steps : int
        Number of steps of the whole training, for the schedule.
    learning_rate, weight_decay, clip : float
        Peak of the schedule, decay, and largest norm of the gradient of a step.
    warm_up : float, optional
        Share of the steps in which the learning rate rises; by default a fifth, or two steps.
    describe : callable, optional
        batch -> words that tell it from others, for the message about a loss that is not finite.
    optimizer : type of torch.optim.Optimizer, optional
        Its class.
    fused : bool, optional
        Update all parameters in one call.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        batches: Callable[[int, int], Iterable[B]],
        losses: Callable[[B], Iterable[tuple[Tensor, Mapping[str, Tensor]]]],
        *,
        steps: int,
        learning_rate: float,
        weight_decay: float,
        clip: float = 1.0,
        warm_up: float | None = None,
        describe: Callable[[B], str] | None = None,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW,
        fused: bool = False,
    ) -> None:
        self.parameters, self.clip = list(parameters), clip
        self.optimizer = optimizer(
            self.parameters, lr=learning_rate, weight_decay=weight_decay, fused=fused or None
        )
        # torch divides zero by zero where the rise or the fall would have no step of its own
        steps = max(3, steps)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            learning_rate,
            total_steps=steps,
            pct_start=max(WARM_UP, 2.0 / steps) if warm_up is None else warm_up,
        )
        self.position = Position()
        self.rate = 0.0  # learning rate of the last step
        self._batches, self._losses, self._describe = batches, losses, describe

    def run_epoch(self, after_step: Callable[[], object] | None = None) -> dict[str, float]:
        """Train for one epoch, or for the rest of it; return the mean of each term of the loss."""
        here = self.position
        for batch in self._batches(here.epoch, here.step):
            for name, value in self._step(batch).items():
                here.totals[name] = here.totals.get(name, 0.0) + value
            here.step += 1
            if after_step is not None:
                after_step()
        self.position = Position(here.epoch + 1)
        return {name: value / here.step for name, value in here.totals.items()}

    def _step(self, batch: B) -> dict[str, float]:
        found: dict[str, float] = {}
        self.optimizer.zero_grad()
        for objective, terms in self._losses(batch):
            total = terms["total_loss"]
            if not torch.isfinite(total):
                raise InputError(self._not_finite(batch, float(total.detach())))
            torch.autograd.backward(objective)
            for name, value in terms.items():
                found[name] = found.get(name, 0.0) + float(value.detach())
        self.rate = float(self.optimizer.param_groups[0]["lr"])
        torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.schedule.step()
        return found

    def _not_finite(self, batch: B, loss: float) -> str:
        where = "" if self._describe is None else f" in a step with {self._describe(batch)}"
        peak = float(self.optimizer.defaults["lr"])
        return f"Loss became non-finite ({loss}){where}; lower `learning_rate`, which is {peak:g}."


def shuffled_batches(total: int, size: int, order: torch.Generator) -> Iterator[Tensor]:
    """Complete batches of the numbers below `total` in random order, for one epoch."""
    index = torch.randperm(total, generator=order)
    for start in range(0, total - size + 1, size):
        yield index[start : start + size]


class _LossModule(nn.Module):
    """Network and loss in one module, so that `DistributedDataParallel` wraps all parameters."""

    def __init__(self, config: FitConfig, encoder: nn.Module, readout: LocalReadout | None) -> None:
        super().__init__()
        self.config, self.encoder, self.readout = config, encoder, readout

    def forward(self, x: Tensor, label: Tensor, local: Tensor | None) -> dict[str, Tensor]:
        predictions = self.encoder(x)
        if self.readout is not None and local is not None:
            predictions["local_prediction"] = self.readout(predictions)
        return compute_topological_loss(
            predictions,
            label,
            self.config.auxiliary_weight,
            local_supervision=self.config.local_supervision,
            local_targets=local,
        )


class Trainer(TrainingLoop[Batch]):
    """Training of an encoder on one process or several.

    `size` is the number of samples per step over all processes; an incomplete last batch of an
    epoch is dropped. `local` is the read-out of local features under local supervision.
    """

    def __init__(
        self,
        config: FitConfig,
        encoder: nn.Module,
        source: Loader,
        device: torch.device,
        group: ProcessGroup = SINGLE_PROCESS,
        *,
        unused_parameters: bool = False,
    ) -> None:
        self.config, self.encoder, self.device = config, encoder, device
        self.source, self.group = source, group
        self.size = min(config.batch_size, source.size)
        self.steps_per_epoch = source.size // self.size
        if self.size < group.size:
            raise RecipeError(
                f"Training settings: `batch_size` must be at least {group.size} for that many"
                f" processes, but a step has {self.size} samples."
            )
        self.local = self._local_readout()
        loss: nn.Module = _LossModule(config, encoder, self.local)
        super().__init__(
            loss.parameters(),
            self._batches_of,
            self._losses_of,
            steps=config.epochs * self.steps_per_epoch,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            clip=config.gradient_clip,
            fused=device.type in {"cpu", "cuda"},
        )
        if group.size > 1:
            loss = DistributedDataParallel(loss, find_unused_parameters=unused_parameters)
        self._loss = loss

    def _local_readout(self) -> LocalReadout | None:
        if not self.config.local_supervision:
            return None
        first = next(self.source.batches(0, 1))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed)
            return LocalReadout(self.encoder, first.x.to(self.device)).to(self.device)

    def epoch(self, advance: Advance, save: Callable[[], object] | None = None) -> dict[str, float]:
        """Train for one epoch, or for the rest of it; return the mean of each loss term.

        `save` is called after every `checkpoint_steps` steps.
        """
        self._loss.train()
        every = self.config.checkpoint_steps

        def after_step() -> None:
            advance(self.size)
            if save is not None and every and self.position.step % every == 0:
                save()

        means = self.run_epoch(after_step)
        return {"loss": means.pop("total_loss"), **means}

    def _batches_of(self, epoch: int, skip: int) -> Iterator[Batch]:
        return self.source.batches(epoch, self.size, skip=skip, rank_slice=self.group.rank_slice)

    def _losses_of(self, batch: Batch) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        local = None if batch.local_targets is None else batch.local_targets.to(self.device)
        inputs = (batch.x.to(self.device), batch.label.to(self.device), local)
        losses: dict[str, Tensor] = self._loss(*inputs)
        objective, share = losses["total_loss"], len(batch) / self.size
        if self.group.size > 1:
            # gradients are averaged over processes, whose slices may differ in length by one
            objective = objective * (share * self.group.size)
        together = self.group.all_reduce([*losses.values()], share)
        yield objective, dict(zip(losses, together, strict=True))


def minimize(
    network: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    total: int,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    weight_decay: float,
    seed: int,
    on_epoch_end: Callable[[int, float], object] | None = None,
) -> list[float]:
    """Minimize the loss of `total` rows in random order; return its mean in each epoch."""
    size, device = min(batch_size, total), next(network.parameters()).device
    order = torch.Generator().manual_seed(seed)

    def batches(_epoch: int, _skip: int) -> Iterator[Tensor]:
        return (rows.to(device) for rows in shuffled_batches(total, size, order))

    def terms(rows: Tensor) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        loss = loss_of(rows)
        yield loss, {"total_loss": loss}

    loop = TrainingLoop(
        network.parameters(),
        batches,
        terms,
        steps=epochs * (total // size),
        learning_rate=learning_rate,
        weight_decay=weight_decay,
    )
    losses = []
    network.train()
    for epoch in range(epochs):
        losses.append(loop.run_epoch()["total_loss"])
        if on_epoch_end is not None:
            on_epoch_end(epoch, losses[-1])
    network.eval()
    return losses
