"""One pass after the other over the training samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor, nn

from topophys._progress import Advance
from topophys.errors import InputError, RecipeError
from topophys.learn.config import FitConfig
from topophys.learn.data import Batch, Source
from topophys.learn.distributed import ALONE, Team
from topophys.learn.losses import LocalReadout, compute_topological_loss

__all__ = ["Position", "Trainer"]

#: Share of the steps in which the learning rate rises.
WARM_UP: Final = 0.2


@dataclass
class Position:
    """How far a training has come.

    Attributes
    ----------
    epoch, step : int
        Epochs done, and steps done of the next one.
    totals : dict of str to float
        Sums of each term of the loss over these steps.
    """

    epoch: int = 0
    step: int = 0
    totals: dict[str, float] = field(default_factory=dict)


class Trainer:
    """Optimizer, schedule and position.

    Parameters
    ----------
    config : FitConfig
        Settings.
    encoder : torch.nn.Module
        Network to train, on `device`.
    source : Source
        What to learn from.
    device : torch.device
        Where to compute.
    team : Team, optional
        Processes that train together.

    Attributes
    ----------
    size, steps_per_epoch : int
        Samples per step of all processes, and steps per epoch; the rest of an epoch is left out.
    position : Position
        How far the training has come.
    rate : float
        Learning rate of the last step.
    local : LocalReadout or None
        Read-out of local features, under local supervision.

    Raises
    ------
    RecipeError
        If there are more processes than samples in a step.
    """

    def __init__(
        self,
        config: FitConfig,
        encoder: nn.Module,
        source: Source,
        device: torch.device,
        team: Team = ALONE,
    ) -> None:
        self.config, self.encoder, self.device = config, encoder, device
        self.source, self.team, self.position = source, team, Position()
        self.rate = 0.0
        self.size = min(config.batch_size, source.size)
        self.steps_per_epoch = source.size // self.size
        if self.size < team.size:
            raise RecipeError(
                f"Training settings: `batch_size` must be at least {team.size} for that many"
                f" processes, but a step has {self.size} samples."
            )
        self.local = self._local_readout()
        parts = [encoder] if self.local is None else [encoder, self.local]
        self.parameters = [p for part in parts for p in part.parameters()]
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
        """Pass once over the training split, or over what is left of it.

        Parameters
        ----------
        advance : callable
            Told the number of samples after each step.
        save : callable, optional
            Called after every `checkpoint_steps` steps.

        Returns
        -------
        dict of str to float
            Mean of each term of the loss: "loss", "regression_loss", "auxiliary_loss" and, where
            asked for, "local_loss".

        Raises
        ------
        InputError
            If the loss is not finite any more.
        """
        self.encoder.train()
        here, every = self.position, self.config.checkpoint_steps
        batches = self.source.batches(here.epoch, self.size, skip=here.step, part=self.team.part)
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
        predictions = self.encoder(batch.x.to(self.device))
        local = batch.local
        if self.local is not None and local is not None:
            predictions["local_prediction"] = self.local(predictions)
            local = local.to(self.device)
        return compute_topological_loss(
            predictions,
            batch.label.to(self.device),
            self.config.auxiliary_weight,
            local_supervision=self.config.local_supervision,
            local_targets=local,
        )

    def _step(self, batch: Batch) -> dict[str, float]:
        losses = self._losses(batch)
        self.optimizer.zero_grad()
        torch.autograd.backward(losses["total_loss"])
        losses = self._together(losses, len(batch) / self.size)
        total = losses["total_loss"]
        if not torch.isfinite(total):
            raise InputError(
                f"Training left the finite numbers: the loss is {float(total.detach())}; lower"
                f" `learning_rate`, which is {self.config.learning_rate:g}."
            )
        torch.nn.utils.clip_grad_norm_(self.parameters, self.config.gradient_clip)
        self.rate = float(self.optimizer.param_groups[0]["lr"])
        self.optimizer.step()
        self.schedule.step()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _together(self, losses: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        """Losses and gradients of the whole batch, of which this process had a share."""
        if self.team.size == 1:
            return losses
        slopes = [p.grad if p.grad is not None else torch.zeros_like(p) for p in self.parameters]
        summed = self.team.add_up([*slopes, *losses.values()], share)
        for parameter, slope in zip(self.parameters, summed, strict=False):
            parameter.grad = slope
        return dict(zip(losses, summed[len(slopes) :], strict=True))
