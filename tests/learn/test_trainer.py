"""Steps, schedule and position."""

import pytest
import torch

from topophys.errors import InputError, RecipeError
from topophys.learn import FitConfig, TopologicalMLEncoder
from topophys.learn.data import Batch, InMemoryLoader
from topophys.learn.distributed import ProcessGroup
from topophys.learn.trainer import Trainer, TrainingLoop, shuffled_batches


def trainer(n=20, *, local=False, group=None, **settings):
    config = FitConfig.from_mapping(
        {"epochs": 2, "batch_size": 6, "learning_rate": 0.01} | settings
    )
    torch.manual_seed(0)
    encoder = TopologicalMLEncoder(hidden_dims=(4, 3, 6), output_features=2)
    steps = torch.randn(n, 8, dtype=torch.float64) if local else None
    samples = Batch(torch.randn(n, 8, 8), torch.arange(n) % 3 - 1, steps)
    source = Noted(samples, config.seed)
    source.seen = []
    return Trainer(config, encoder, source, torch.device("cpu"), group or ProcessGroup())


class Noted(InMemoryLoader):
    """A split that keeps the first numbers of the samples of each batch."""

    def batches(self, *words, **options):
        for batch in super().batches(*words, **options):
            self.seen.append(batch.x[:, 0, 0].tolist())
            yield batch


def seen(made):
    """First numbers of the samples of each step of one epoch."""
    made.source.seen, done = [], []
    made.epoch(done.append)
    assert sum(done) == sum(map(len, made.source.seen))
    return made.source.seen


def test_epoch_has_complete_batches_without_repeated_samples():
    made = trainer()
    steps = seen(made)
    assert [len(step) for step in steps] == [6, 6, 6]
    together = [i for step in steps for i in step]
    assert len(set(together)) == 18
    assert together != made.source.samples.x[:18, 0, 0].tolist()


def test_every_epoch_has_an_order_of_its_own_and_the_seed_fixes_them():
    one, two, other = trainer(), trainer(), trainer(seed=1)
    first = seen(one)
    assert first == seen(two)
    assert first != seen(one)
    assert first != seen(other)


def test_batches_are_no_larger_than_the_split():
    assert [len(step) for step in seen(trainer(n=4))] == [4]


@pytest.mark.parametrize("epochs", range(1, 9))
@pytest.mark.parametrize("n", [6, 12, 30])
def test_rate_rises_once_and_falls_at_any_number_of_steps(epochs, n):
    made = trainer(n=n, epochs=epochs)
    rates = []
    for _ in range(epochs):
        made.epoch(lambda n: rates.append(made.rate))
    assert len(rates) == epochs * (n // 6)
    assert all(0.0 < rate <= 0.01 * (1 + 1e-12) for rate in rates)
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    if len(rates) >= 3:
        assert max(rates) == pytest.approx(0.01, rel=0.05)
        assert rates[-1] < 0.005


def test_means_are_those_of_the_steps():
    weight = torch.nn.Parameter(torch.zeros(()))

    def losses(value):
        loss = weight * 0.0 + value
        yield loss, {"total_loss": loss, "regression_loss": 2 * loss}

    def batches(epoch, skip):
        return [1.0, 2.0, 6.0]

    loop = TrainingLoop(
        [weight], batches, losses, steps=3, learning_rate=0.01, weight_decay=0.0
    )  # fmt: skip
    assert loop.run_epoch() == {"total_loss": 3.0, "regression_loss": 6.0}


def test_the_total_is_called_loss_in_the_record():
    assert {"loss", "regression_loss", "auxiliary_loss"} <= trainer().epoch(lambda n: None).keys()


def test_position_advances():
    made, places = trainer(checkpoint_steps=2), []
    made.epoch(lambda n: None, lambda: places.append((made.position.epoch, made.position.step)))
    assert places == [(0, 2)]
    assert (made.position.epoch, made.position.step, made.position.totals) == (1, 0, {})


def test_gradients_are_clipped():
    made = trainer(gradient_clip=1e-3)
    made.epoch(lambda n: None)
    gradients = torch.cat([p.grad.flatten() for p in made.encoder.parameters()])
    assert float(gradients.norm()) <= 1e-3 * (1 + 1e-5)


def test_a_loss_that_is_not_finite_stops_the_training():
    made = trainer()
    made.source.samples.x[3, 2, 1] = float("nan")
    made.size, made.steps_per_epoch = 20, 1  # every sample is in the first step
    with pytest.raises(InputError, match="lower `learning_rate`") as caught:
        made.epoch(lambda n: None)
    assert "\n" not in str(caught.value)


def test_local_supervision_trains_a_read_out_beside_the_network():
    made = trainer(local=True, local_supervision=0.5)
    start = made.local.linear.weight.clone()
    record = made.epoch(lambda n: None)
    expected = record["regression_loss"] + 0.1 * record["auxiliary_loss"]
    assert record["loss"] == pytest.approx(expected + 0.5 * record["local_loss"], rel=1e-6)
    assert not torch.equal(made.local.linear.weight, start)
    assert "local_loss" not in trainer(local=True).epoch(lambda n: None)


def test_more_processes_than_samples_in_a_step():
    with pytest.raises(RecipeError, match="at least 7") as caught:
        trainer(group=ProcessGroup(0, 7))
    assert "\n" not in str(caught.value)


def test_a_step_in_parts_is_the_step_of_the_whole_batch():
    weights = []
    for parts in (1, 3):
        torch.manual_seed(0)
        layer = torch.nn.Linear(4, 1).double()
        x, y = torch.randn(9, 4).double(), torch.randn(9, 1).double()

        def losses(rows, parts=parts, layer=layer, x=x, y=y):
            for some in rows.split(9 // parts):
                loss = (layer(x[some]) - y[some]).square().mean()
                yield loss * (len(some) / 9), {"total_loss": loss}

        loop = TrainingLoop(
            layer.parameters(), lambda epoch, skip: [torch.arange(9)] * (4 - skip), losses,
            steps=4, learning_rate=0.1, weight_decay=0.0,
        )  # fmt: skip
        loop.run_epoch()
        assert (loop.position.epoch, loop.position.step) == (1, 0)
        weights.append(layer.weight.detach().clone())
    torch.testing.assert_close(*weights, rtol=1e-12, atol=1e-14)


def test_shuffled_batches_are_complete_and_have_no_sample_twice():
    order = torch.Generator().manual_seed(3)
    one, two = (list(shuffled_batches(11, 3, order)) for _ in range(2))
    for batches in (one, two):
        assert [len(rows) for rows in batches] == [3, 3, 3]
        assert len(set(torch.cat(batches).tolist())) == 9
    assert torch.cat(one).tolist() != torch.cat(two).tolist()
