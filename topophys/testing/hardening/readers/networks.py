"""Settings, trained networks, and trainings to resume."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from topophys._io import sealed
from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.datasets import make_datasets
from topophys.testing.hardening.readers.reader import Reader

ROOT = Path(__file__).parents[4]
SMALL = {"epochs": 1, "batch_size": 3, "val_split": "test",
          "encoder": {"hidden_dims": [4, 3, 4], "output_features": 4}}  # fmt: skip


def _make_settings(folder):
    for path in sorted((ROOT / "datasets").glob("*/training.toml")):
        shutil.copy(path, folder / f"{path.parent.name}.toml")


def _read_settings(path):
    from topophys.learn import FitConfig

    FitConfig.from_toml(path).to_toml()


def _make_run(folder):
    from topophys.datasets import open_dataset
    from topophys.learn import FitConfig, fit

    data = folder.with_name("data")
    data.mkdir(exist_ok=True)
    make_datasets(data)
    config = FitConfig.from_mapping(SMALL)
    for family in ("aiii_chains", "two_band"):
        with open_dataset(data / f"{family}.h5") as dataset:
            fit(config, dataset, folder / family, progress=False)


def _make_state(folder):
    from topophys.datasets import open_dataset
    from topophys.learn import FitConfig, fit
    from topophys.learn.trainer import Trainer

    data = folder.with_name("data")
    data.mkdir(exist_ok=True)
    make_datasets(data)
    config = FitConfig.from_mapping({**SMALL, "epochs": 2, "checkpoint_steps": 1})

    class StopError(Exception):
        pass

    whole, Trainer.epoch = Trainer.epoch, stop_after_first_save(Trainer.epoch, StopError)
    try:
        with open_dataset(data / "aiii_chains.h5") as dataset:
            fit(config, dataset, folder / "run", progress=False)
    except StopError:
        pass
    finally:
        Trainer.epoch = whole


def stop_after_first_save(epoch, stop):
    """An epoch that ends, as if killed, when its first state is on disk."""

    def cut(trainer, advance, save):
        def once():
            save()
            raise stop

        return epoch(trainer, advance, once)

    return cut


def _read_run(folder):
    from topophys.learn import load_run
    from topophys.learn.model_card import write_card

    run = load_run(folder)
    assert "\x1b" not in repr(run)
    assert run.best_epoch["epoch"] is not None
    assert run.kind
    write_card(run)
    rng = np.random.default_rng(2)
    blocks = rng.standard_normal((2, 6, 2, 2)) + 1j * rng.standard_normal((2, 6, 2, 2))
    run.predict(blocks if run.kind == "winding" else rng.standard_normal((2, 4, 4, 3)))


def _change_state(rng, folder):
    if rng.random() < 0.1:  # nothing is read from the log: it is written again
        (folder / "log.jsonl").write_bytes(rng.randbytes(200))
        return
    change_weights(rng, folder / "state.safetensors", _changed_state)


def _changed_state(rng, header):
    meta = header.get("__metadata__", {})
    if rng.random() < 0.7:  # states of the first version have no digest of themselves
        meta.pop("sha256", None)
        meta["version"] = "1"
    if "card" in meta and rng.random() < 0.7:
        meta["card"] = json.dumps(changes.changed_json(rng, json.loads(meta["card"])))
        return header
    return changes.changed_json(rng, header)


def _read_state(folder):
    """Resume a training from its state, to its end."""
    from topophys.datasets import open_dataset
    from topophys.learn import fit
    from topophys.learn.config import FitConfig

    config = FitConfig.from_toml(folder / "training.toml")
    with open_dataset(folder.parents[1] / "data" / "aiii_chains.h5") as dataset:
        run = fit(config, dataset, folder, progress=False, resume=True)
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == run.history


# ---- Weights


def change_weights(rng, path, change):
    """Change weights, in their header or as bytes, and sometimes the digest that guards them."""
    raw = path.read_bytes()
    if rng.random() < 0.6:
        size = int.from_bytes(raw[:8], "little")
        if rng.random() < 0.6:
            header = change(rng, json.loads(raw[8 : 8 + size]))
            head = json.dumps(header).encode()
        else:
            head = changes.changed_text(rng, raw[8 : 8 + size].decode()).encode()
        length = len(head) if rng.random() < 0.9 else rng.choice((0, 2**62, 2**63, 99_999_999))
        path.write_bytes(length.to_bytes(8, "little") + head + raw[8 + size :])
    else:
        path.write_bytes(changes.changed_bytes(rng, raw))


def change_run(weights, card, extra=()):
    def change(rng, folder):
        chosen = rng.choice((weights, card, card, *extra))
        path = folder / chosen
        if path.suffix == ".json":
            changes.json_file(rng, path)
        else:
            change_weights(rng, path, changes.changed_json)
        if rng.random() < 0.8:
            _fit_digest(folder / weights, folder / card)
            _fit_run(folder, (weights, card))

    return change


def _fit_run(folder, names):
    """Make the digests of a run fit what is there, as a careful forger would."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if isinstance(content.get("files"), dict):
            for name in names:
                digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
                content["files"][name] = digest
            (folder / "run.json").write_text(json.dumps(sealed(content)), encoding="utf-8")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return  # no JSON object any more


def _fit_digest(weights, card):
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        content["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        card.write_text(json.dumps(content), encoding="utf-8")
    except (ValueError, TypeError, RecursionError):
        return  # no JSON object any more


READERS = (
    Reader("settings", "training settings (TOML)", _make_settings, changes.text_file,
           _read_settings, ("topophys.learn.config",)),
    Reader("run", "trained network: cards and weights", _make_run,
           change_run("best.safetensors", "best.json", ("run.json",)), _read_run),
    Reader("state", "state of a training, resumed", _make_state, _change_state, _read_state),
)  # fmt: skip
