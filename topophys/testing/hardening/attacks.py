"""Attacks on files while they are written and read: random kills, flipped bits, exchanged files.

Each attack runs in a forked copy of this process, which may be killed and may not hang.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from topophys.errors import TopophysError

ROOT = Path(__file__).parents[3]
#: Seconds after which an attack counts as a hang.
PATIENCE = 120.0


@dataclass
class Tally:
    """What became of the attacks of one kind."""

    attacks: int = 0
    #: work that was there after the attack, whole and as if undisturbed; refused; not delivered yet
    right: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def cases(self):
        return self.attacks

    def judge(self, case, status):
        """Count an attack by the exit status of the process that read: 0 right, 2 refused."""
        self.attacks += 1
        self.right += status == 0
        self.refused += status == 2
        if status not in (0, 2):
            known = {4: "gives something else", -7: "SIGBUS", -9: "hangs"}
            self.faults.append(f"case {case}: {known.get(status, f'status {status}')}")


def child(work: Callable[[], object], kill_after: float | None = None) -> int:
    """Do some work in a forked process; its exit status, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
            work()
            status = 0
        except TopophysError:
            status = 2
        except BaseException:
            status = 3
            traceback.print_exc(file=sys.stdout)
        finally:
            sys.stdout.flush()
            os._exit(status)
    end = time.monotonic() + (PATIENCE if kill_after is None else kill_after)
    while time.monotonic() < end:
        done, state = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(state)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return -signal.SIGKILL


#: Files that are complete whenever they are there.
WHOLE = (".h5", ".json", ".html")


# ---- Random kills: files are complete, and resumed work ends with the same bytes


@dataclass(frozen=True)
class Killable:
    """A kind of work: how it is done or resumed, and what it leaves."""

    work: Callable[[Path], object]
    #: contents that must be equal in the end, and whole whenever they are there
    outcome: Callable[[Path], dict[str, bytes]]


def _bytes(*names: str) -> Callable[[Path], dict[str, bytes]]:
    return lambda folder: {
        name: (folder / name).read_bytes() for name in names if (folder / name).is_file()
    }


def _classifier(folder: Path) -> dict[str, bytes]:
    """Weights of the classifier of a folder; whenever it has a run.json, it is whole."""
    from topophys.materials import load_material_run

    if not (folder / "run" / "run.json").is_file():
        return {}
    weights = load_material_run(folder / "run").net.state_dict()
    return {name: value.numpy().tobytes() for name, value in weights.items()}


def _probe(run: Any, data: Any) -> None:
    """What the command does."""
    from topophys.interpret import probe
    from topophys.report.artifacts import save_result

    found = probe(run, data, n_hamiltonians=20, n_untrained=1, folds=4, progress=False)
    save_result(run, data, "probes.json", found.to_dict())


def _report(run: Any, data: Any) -> None:
    """What the command does, but for probes and most figures, which take half a minute."""
    from topophys.report import (
        draw_figures,
        evaluation,
        figures,
        measure_missing,
        write_page,
        write_summary,
    )
    from topophys.report.artifacts import figures_are_current

    common = figures.common_figures
    no_figures = SimpleNamespace(figures=lambda *_: (), symbol="nu")
    with (
        mock.patch.object(evaluation, "PARTS", ()),
        mock.patch.object(figures, "common_figures", lambda *a: islice(common(*a), 2)),
        mock.patch.object(figures, "get_task", return_value=no_figures),
    ):
        if measure_missing(run, data, progress=False) or not figures_are_current(run, data):
            draw_figures(run, data)
        write_summary(run, data)
        write_page(run.path)


def kinds(home: Path) -> dict[str, Killable]:
    """Kinds of work, with what they read, made in a folder."""
    from topophys.datasets import Recipe, generate, join, open_dataset
    from topophys.learn import FitConfig, fit

    recipes = {}
    for name in ("winding", "chern"):
        recipe = Recipe.from_toml(ROOT / "datasets" / "tiny" / f"{name}.toml")
        recipes[name] = recipe
    parts = []
    for number in range(recipes["winding"].n_shards):
        parts.append(home / f"part{number}.h5")
        generate(
            recipes["winding"], parts[-1], shards=(number, number + 1), workers=1, progress=False
        )
    generate(recipes["winding"], home / "data.h5", workers=1, progress=False)
    generate(recipes["chern"], home / "planes.h5", workers=1, progress=False)
    config = FitConfig.from_mapping(
        {"epochs": 4, "batch_size": 50, "checkpoint_steps": 2,
         "encoder": {"hidden_dims": [8, 4, 8], "output_features": 4}}
    )  # fmt: skip

    def train(name):
        def work(folder):
            with open_dataset(home / name) as data:
                fit(config, data, folder / "run", progress=False, resume=True)

        return work

    def shards_and_join(folder):
        made = []
        for number in range(recipes["winding"].n_shards):
            made.append(folder / f"part{number}.h5")
            if not made[-1].exists():
                one = (number, number + 1)
                generate(recipes["winding"], made[-1], shards=one, workers=1, progress=False)
        for name in ("all.json", "a.h5"):
            join(made, folder / name, progress=False)

    def make(name):
        return lambda folder: generate(recipes[name], folder / "a.h5", workers=1, progress=False)

    found = {
        "`generate`, chains": Killable(make("winding"), _bytes("a.h5")),
        "`generate`, planes": Killable(make("chern"), _bytes("a.h5")),
        "`join` into one file": Killable(
            lambda folder: join(parts, folder / "a.h5", progress=False), _bytes("a.h5")
        ),
        "shards, and `join` into an index and a file": Killable(
            shards_and_join, _bytes("a.h5", *(part.name for part in parts))
        ),
        "`train`, resumed": Killable(
            train("data.h5"), _bytes("run/best.safetensors", "run/last.safetensors")
        ),
        "`train` in two dimensions, resumed": Killable(
            train("planes.h5"), _bytes("run/best.safetensors", "run/last.safetensors")
        ),
    }
    return found | _on_a_run(home, config) | _materials(home)


def _on_a_run(home: Path, config: Any) -> dict[str, Killable]:
    """What is done with a trained network."""
    from topophys.datasets import open_dataset
    from topophys.learn import fit, load_run

    with open_dataset(home / "data.h5") as data:
        fit(config, data, home / "run", progress=False)

    def with_a_copy(act):
        def work(folder):
            if not (folder / "run").exists():
                shutil.copytree(home / "run", folder / "copy", dirs_exist_ok=True)
                (folder / "copy").rename(folder / "run")
            with open_dataset(home / "data.h5") as data:
                act(load_run(folder / "run"), data)

        return work

    results = ("accuracy.json", "failures.json", "summary.json", "report.html")
    return {
        "`probe`": Killable(with_a_copy(_probe), _bytes("run/probes.json")),
        "`report` with two figures": Killable(
            with_a_copy(_report), _bytes(*(f"run/{name}" for name in results))
        ),
    }


def _materials(home: Path) -> dict[str, Killable]:
    """Toy materials and their classifier, where the extra is installed."""
    try:
        from topophys.materials import TrainOptions, fit_toys, generate_toys
    except ImportError:
        return {}
    generate_toys(home / "toys.h5", 40, progress=False)
    options = TrainOptions(epochs=1, seed=0)
    return {
        "`materials generate`": Killable(
            lambda folder: generate_toys(folder / "toys.h5", 20, progress=False),
            _bytes("toys.h5"),
        ),
        "`materials train`": Killable(
            lambda folder: fit_toys(home / "toys.h5", folder / "run", options, progress=False),
            _classifier,
        ),
    }


def kills(kind: Killable, home: Path, count: int, seed: object) -> Tally:
    """Kill a kind of work at random moments, some times in a row, then let it end."""
    rng, tally = random.Random(str(seed)), Tally()
    for name in ("first", "whole"):
        (home / name).mkdir(parents=True)
    kind.work(home / "first")  # what is loaded here, forked processes need not load
    start = time.monotonic()
    if child(lambda: kind.work(home / "whole")):
        tally.faults.append("does not end undisturbed")
        return tally
    longest, wanted = time.monotonic() - start, kind.outcome(home / "whole")
    folder = home / "killed"
    while tally.attacks < count:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for _ in range(min(rng.randint(1, 4), count - tally.attacks)):
            status = child(lambda: kind.work(folder), rng.uniform(0.0, longest))
            tally.attacks += 1
            if status not in (0, -signal.SIGKILL):
                tally.faults.append(f"attack {tally.attacks}: status {status}")
            for name, content in kind.outcome(folder).items():
                if name.endswith(WHOLE) and content != wanted[name]:
                    tally.faults.append(f"attack {tally.attacks}: {name} is not whole")
        if status := child(lambda: kind.work(folder)):
            tally.faults.append(f"attack {tally.attacks}: cannot be resumed (status {status})")
        elif kind.outcome(folder) != wanted:
            tally.faults.append(f"attack {tally.attacks}: ends otherwise than undisturbed")
        else:
            tally.right = tally.attacks
        left = [p.name for p in folder.rglob("*") if "partial" in p.name or p.suffix == ".journal"]
        if left:
            tally.faults.append(f"attack {tally.attacks}: left {', '.join(left)}")
    return tally


class Stopper:
    """Ends this process, as power would, at the n-th thing that is done to the files of a folder.

    Those are opening to write, synchronising, renaming, removing and making folders; between two
    of them no name changes. Hooks cannot be taken away again: for forked processes only.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.left = str(folder), number
        sys.addaudithook(self._audit)
        fsync = os.fsync

        def synchronised(handle):
            self._count()
            fsync(handle)

        os.fsync = synchronised

    def _audit(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return
        elif event in ("os.rename", "os.remove", "os.mkdir", "os.truncate"):
            path = arguments[0]
        else:
            return
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(self.folder):
            self._count()

    def _count(self):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def every_kill(kind: Killable, home: Path, again: random.Random | None = None) -> Tally:
    """Kill work before each thing that it does to its files, one after the other; then let it end.

    With `again`, it is killed a second time, at a random one of these, when it is resumed.
    """
    tally, folder = Tally(), home / "killed"
    for name in ("first", "whole"):
        (home / name).mkdir(parents=True)
    kind.work(home / "first")  # what is loaded here, forked processes need not load
    if child(lambda: kind.work(home / "whole")):
        tally.faults.append("does not end undisturbed")
        return tally
    wanted = kind.outcome(home / "whole")

    def stopped(number):
        def work():
            Stopper(folder, number)
            kind.work(folder)

        return child(work)

    while True:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        status = stopped(tally.attacks)
        if status == 0:  # there was nothing left to kill it at
            break
        tally.attacks += 1
        if status == -signal.SIGKILL and again is not None:
            status = stopped(again.randrange(tally.attacks + 5)) or -signal.SIGKILL
        case = f"before thing {tally.attacks}"
        if status != -signal.SIGKILL:
            tally.faults.append(f"{case}: status {status}")
            break
        if status := child(lambda: kind.work(folder)):
            tally.faults.append(f"{case}: cannot be resumed (status {status})")
        elif kind.outcome(folder) != wanted:
            tally.faults.append(f"{case}: ends otherwise than undisturbed")
        else:
            tally.right += 1
        left = [p.name for p in folder.rglob("*") if "partial" in p.name or p.suffix == ".journal"]
        if left:
            tally.faults.append(f"{case}: left {', '.join(left)}")
    return tally


# ---- Flipped bits, and files that change under a reader


def _flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _content(path: Path) -> Any:
    """Everything that a data set gives."""
    from topophys.datasets import open_dataset

    with open_dataset(path) as data:
        return {(s, f): data.split(s).read(f)[0] for s in data.splits for f in data.split(s).fields}


def _run_content(folder: Path) -> Any:
    from topophys.learn import load_run

    run = load_run(folder)
    weights = {name: value.numpy() for name, value in run.encoder.state_dict().items()}
    return {**weights, "history": np.array(repr((run.history, run.provenance, run.config)))}


def _toys_content(path: Path) -> Any:
    from topophys.datasets.materials_file import read_materials

    arrays, card = read_materials(path)
    return {**arrays, "card": np.array(repr(card))}


def _same(one: Any, two: Any) -> bool:
    return set(one) == set(two) and all(np.array_equal(one[k], two[k]) for k in one)


def flips(home: Path, count: int) -> Iterator[tuple[str, Tally]]:
    """Flip a random bit of each kind of file and use it."""
    from topophys.datasets import Recipe, generate, open_dataset
    from topophys.learn import FitConfig, fit

    tiny = ROOT / "datasets" / "tiny"
    generate(Recipe.from_toml(tiny / "winding-1d.toml"), home / "new.h5", progress=False)
    generate(Recipe.from_toml(tiny / "winding.toml"), home / "data.h5", progress=False)
    config = FitConfig.from_mapping(
        {"epochs": 1, "batch_size": 50, "encoder": {"hidden_dims": [4, 3, 4]}}
    )
    with open_dataset(home / "data.h5") as data:
        fit(config, data, home / "run", progress=False)
    subjects = {
        "data set": (home / "new.h5", _content, lambda p, r: p),
        "data set of schema version 1": (tiny / "winding-1d.h5", _content, lambda p, r: p),
        "run: run.json, best.json, weights": (
            home / "run", _run_content,
            lambda p, r: p / r.choice(("run.json", "best.json", "best.safetensors")),
        ),
    }  # fmt: skip
    try:
        from topophys.materials import generate_toys

        generate_toys(home / "toys.h5", 20, progress=False)
        subjects["toy materials"] = (home / "toys.h5", _toys_content, lambda p, r: p)
    except ImportError:
        pass
    for title, (source, read, choose) in subjects.items():
        tally, good = Tally(), read(source)
        for case in range(count):
            rng, copy = random.Random(f"{title} {case}"), home / f"copy{source.suffix}"
            shutil.rmtree(copy, ignore_errors=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
            _flip(choose(copy, rng), rng)

            def use(copy=copy, read=read, good=good):
                if not _same(read(copy), good):
                    os._exit(4)

            tally.judge(case, child(use))
        yield title, tally


def exchanges(home: Path, count: int) -> Iterator[tuple[str, Tally]]:
    """Exchange, truncate or overwrite a data set under an open reader, and read on."""
    from topophys.datasets import Recipe, generate, open_dataset

    recipe = Recipe.from_toml(ROOT / "datasets" / "tiny" / "winding.toml")
    for seed in (1, 2):
        other = Recipe.from_text(recipe.model_copy(update={"seed": seed}).to_toml())
        generate(other, home / f"{seed}.h5", progress=False)
    good = _content(home / "1.h5")

    def exchange(path, rng):
        Path(shutil.copy(home / "2.h5", path.with_suffix(".new"))).replace(path)

    def truncate(path, rng):
        os.truncate(path, rng.randrange(path.stat().st_size))

    def overwrite(path, rng):
        shutil.copyfile(home / "2.h5", path)

    ways = {"exchanged": exchange, "truncated": truncate, "overwritten in place": overwrite}
    for title, change in ways.items():
        tally = Tally()
        for case in range(count):
            rng, path = random.Random(f"{title} {case}"), home / "open.h5"
            path.unlink(missing_ok=True)
            shutil.copy(home / "1.h5", path)

            def use(path=path, rng=rng, change=change):
                with open_dataset(path) as data:
                    split = data.split(rng.choice(data.splits))
                    if rng.random() < 0.5:
                        split.read(rng.choice(split.fields))
                    change(path, rng)
                    for name in split.fields:
                        if not np.array_equal(split.read(name)[0], good[split.name, name]):
                            os._exit(4)

            tally.judge(case, child(use))
        yield f"data set {title} under an open reader", tally
