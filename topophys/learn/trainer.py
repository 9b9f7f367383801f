"""One pass after the other over the training samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from topophys._progress import Advance
from topophys.errors import InputError
from topophys.learn.config import FitConfig
from topophys.learn.encoder import TopologicalMLEncoder
from topophys.learn.losses import compute_topological_loss

__all__ = ["Samples", "Trainer"]

#: Share of the steps in which the learning rate rises.
WARM_UP: Final = 0.2


@dataclass(frozen=True, eq=False)
class Samples:
    """A split in memory.

    Attributes
    ----------
    x : float32 tensor of shape (S, N, channels)
        Inputs.
    label : int64 tensor of shape (S,)
        Invariants.
    """

    x: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.label)


class Trainer:
    """Optimizer, schedule and order of the samples.

    Parameters
    ----------
    config : FitConfig
        Settings.
    encoder : TopologicalMLEncoder
        Network to train, on `device`.
    train : Samples
        What to learn from.
    device : torch.device
        Where to compute.

    Attributes
    ----------
    size, steps_per_epoch : int
        Samples per step, and steps per epoch; the rest of an epoch is left out.
    rate : float
        Learning rate of the last step.
    """

    def __init__(
        self,
        config: FitConfig,
        encoder: TopologicalMLEncoder,
        train: Samples,
        device: torch.device,
    ) -> None:
        self.config, self.encoder, self.device = config, encoder, device
        self.samples = train
        self.order = torch.Generator().manual_seed(config.seed)
        self.size = min(config.batch_size, len(train))
        self.steps_per_epoch = len(train) // self.size
        self.rate = 0.0
        self.optimizer = torch.optim.AdamW(
            encoder.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        # torch divides zero by zero where the rise or the fall would have no step of its own
        steps = max(3, config.epochs * self.steps_per_epoch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            config.learning_rate,
            total_steps=steps,
            pct_start=max(WARM_UP, 2.0 / steps),
        )

    def epoch(self, advance: Advance) -> dict[str, float]:
        """Pass once over the training split.

        Parameters
        ----------
        advance : callable
            Told the number of samples after each step.

        Returns
        -------
        dict of str to float
            Mean of each term of the loss: "loss", "regression_loss", "auxiliary_loss".

        Raises
        ------
        InputError
            If the loss is not finite any more.
        """
        self.encoder.train()
        totals: dict[str, float] = {}
        order = torch.randperm(len(self.samples), generator=self.order)
        for step in range(self.steps_per_epoch):
            losses = self._step(order[step * self.size : (step + 1) * self.size])
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + value
            advance(self.size)
        means = {name: value / self.steps_per_epoch for name, value in totals.items()}
        return {"loss": means.pop("total_loss"), **means}

    def _step(self, pick: Tensor) -> dict[str, float]:
        x = self.samples.x[pick].to(self.device)
        label = self.samples.label[pick].to(self.device)
        losses = compute_topological_loss(self.encoder(x), label, self.config.auxiliary_weight)
        total = losses["total_loss"]
        if not torch.isfinite(total):
            raise InputError(
                f"Training left the finite numbers: the loss is {float(total.detach())}; lower"
                f" `learning_rate`, which is {self.config.learning_rate:g}."
            )
        self.optimizer.zero_grad()
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), self.config.gradient_clip)
        self.rate = float(self.optimizer.param_groups[0]["lr"])
        self.optimizer.step()
        self.schedule.step()
        return {name: float(value.detach()) for name, value in losses.items()}
