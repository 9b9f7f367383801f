"""The training loop: optimizer, schedule, position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from topophys._progress import Advance
from topophys.errors import InputError, RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.data import Batch, Loader
from topophys.learn.distributed import SINGLE_PROCESS, ProcessGroup
from topophys.learn.losses import LocalReadout, compute_topological_loss

__all__ = ["Position", "Trainer", "optimizer_step"]

#: Share of the steps in which the learning rate rises.
WARM_UP: Final = 0.2


@dataclass
class Position:
    """Progress of a training."""

    epoch: int = 0  # completed epochs
    step: int = 0  # completed steps of the next epoch
    totals: dict[str, float] = field(default_factory=dict)  # sums of each loss term in this epoch


def optimizer_step(
    loss: Tensor, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter], clip: float
) -> None:
    """Backpropagate, clip the norm of the gradient, and update the parameters."""
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()


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


class Trainer:
    """Optimizer, learning-rate schedule and position of one training.

    `size` is the number of samples per step over all processes; an incomplete last batch of an
    epoch is dropped. `rate` is the learning rate of the last step, and `local` the read-out of
    local features under local supervision.
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
        self.source, self.group, self.position = source, group, Position()
        self.rate = 0.0
        self.size = min(config.batch_size, source.size)
        self.steps_per_epoch = source.size // self.size
        if self.size < group.size:
            raise RecipeError(
                f"Training settings: `batch_size` must be at least {group.size} for that many"
                f" processes, but a step has {self.size} samples."
            )
        self.local = self._local_readout()
        self._loss: nn.Module = _LossModule(config, encoder, self.local)
        self.parameters = list(self._loss.parameters())
        if group.size > 1:
            self._loss = DistributedDataParallel(
                self._loss, find_unused_parameters=unused_parameters
            )
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=device.type in {"cpu", "cuda"},
        )
        # torch divides zero by zero where the rise or the fall would have no step of its own
        steps = max(3, config.epochs * self.steps_per_epoch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            config.learning_rate,
            total_steps=steps,
            pct_start=max(WARM_UP, 2.0 / steps),
        )

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
        here, every = self.position, self.config.checkpoint_steps
        batches = self.source.batches(
            here.epoch, self.size, skip=here.step, rank_slice=self.group.rank_slice
        )
        for batch in batches:
            for name, value in self._step(batch).items():
                here.totals[name] = here.totals.get(name, 0.0) + value
            here.step += 1
            advance(self.size)
            if save is not None and every and here.step % every == 0:
                save()
        means = {name: value / self.steps_per_epoch for name, value in here.totals.items()}
        self.position = Position(here.epoch + 1)
        return {"loss": means.pop("total_loss"), **means}

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        local = None if batch.local_targets is None else batch.local_targets.to(self.device)
        inputs = (batch.x.to(self.device), batch.label.to(self.device), local)
        return cast("dict[str, Tensor]", self._loss(*inputs))

    def _step(self, batch: Batch) -> dict[str, float]:
        losses = self._losses(batch)
        objective, share = losses["total_loss"], len(batch) / self.size
        if self.group.size > 1:
            # gradients are averaged over processes, whose slices may differ in length by one
            objective = objective * (share * self.group.size)
        losses = dict(zip(losses, self.group.all_reduce([*losses.values()], share), strict=True))
        total = losses["total_loss"]
        if not torch.isfinite(total):
            raise InputError(
                f"Loss became non-finite ({float(total.detach())}); lower `learning_rate`, which"
                f" is {self.config.learning_rate:g}."
            )
        self.rate = float(self.optimizer.param_groups[0]["lr"])
        optimizer_step(objective, self.optimizer, self.parameters, self.config.gradient_clip)
        self.schedule.step()
        return {name: float(value.detach()) for name, value in losses.items()}
