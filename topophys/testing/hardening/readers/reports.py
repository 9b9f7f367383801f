"""What a report is made of: measurements, figures and summary of a run, as commands leave them."""

from __future__ import annotations

import hashlib
import json

from topophys._io import sealed
from topophys.testing.hardening import changes
from topophys.testing.hardening.readers.datasets import CHAINS
from topophys.testing.hardening.readers.networks import SMALL
from topophys.testing.hardening.readers.reader import Reader

#: Files that `topophys plot` and `topophys report` read back.
FILES = ("summary.json", "accuracy.json", "probes.json", "causal.json", "audit.json",
         "failures.json", "figures/figures.json", "run.json")  # fmt: skip


def _make_reports(folder):
    """A run with all that is measured on it, in the words of those who measure."""
    from topophys import plots
    from topophys.datasets import Recipe, generate, open_dataset
    from topophys.interpret.causal import CausalReport, CausalResult
    from topophys.interpret.reports import ProbeReport, ProbeResult
    from topophys.interpret.symmetry_audit import AuditReport, AuditRow
    from topophys.learn import FitConfig, fit
    from topophys.report import list_failures, measure_accuracy, write_page, write_summary
    from topophys.report.artifacts import save_result

    data = folder.with_name("chains.h5")
    generate(Recipe.from_text(CHAINS), data, workers=1, progress=False)
    with open_dataset(data) as dataset:
        config = FitConfig.from_mapping({**SMALL, "val_split": "val"})
        run = fit(config, dataset, folder / "run", progress=False)
    probes = [
        ProbeResult(layer, "dalpha", source, 0.9, 0.8, 0.95, measure)
        for layer in ("h2_features", "h3_features")
        for source in ("trained", "untrained", "raw input", "control")
        for measure in ("raw", "modulo exact")
    ]
    causal = [
        CausalResult("erase", "h1_features", "nothing", "the true integer", 20, 20, 0, 0, 0.99),
        CausalResult("swap", "h2_features", "links", "sum of both", 20, 19, 9, 9, None),
    ]
    audit = [
        AuditRow("k -> -k", "h2_features read as dalpha", "odd", 1e-7),
        AuditRow("k -> -k", "output", "odd", 0.02, 0.0),
    ]
    with open_dataset(data) as dataset:
        for name, report in (
            ("probes", ProbeReport("test", 20, 5, 5, 0, tuple(probes))),
            ("causal", CausalReport("test", 20, 0, tuple(causal))),
            ("audit", AuditReport("test", 20, 0, tuple(audit))),
        ):
            save_result(run, dataset, f"{name}.json", report.to_dict())
        measure_accuracy(run, dataset)
        list_failures(run, dataset)
        write_summary(run, dataset, seconds={"train": 1.5}, notes=["Quick run."])
    plots.save_figure(plots.plot_training(run.history), run.path / "figures" / "training", ["png"])
    card = {"name": "training", "title": "Training", "caption": "Loss and accuracy."}
    with open_dataset(data) as dataset:
        save_result(run, dataset, "figures/figures.json", [card])
    write_page(run.path)


def _change_report(rng, folder):
    file = rng.choice(FILES)
    changes.json_file(rng, folder / file)
    if rng.random() < 0.8:
        _fit_origins(folder, file)


def _fit_origins(folder, file):
    """Make the digest of a file of results fit what is there, as a careful forger would."""
    content = json.loads((folder / "origins.json").read_text(encoding="utf-8"))
    if file in content:
        content[file]["sha256"] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        (folder / "origins.json").write_text(json.dumps(sealed(content)), encoding="utf-8")


def _read_report(folder):
    """Draw what was measured, gather it, and write the page, as `plot` and `report` do."""
    from topophys.datasets import open_dataset
    from topophys.learn import load_run
    from topophys.report import write_page, write_summary
    from topophys.report.figures import common_figures

    run = load_run(folder)
    with open_dataset(folder.parents[1] / "chains.h5") as dataset:
        for picture in common_figures(run, dataset):
            assert picture.card.name
        write_summary(run, dataset)
    write_page(folder)


READERS = (
    Reader("report", "measurements and summary of a run, for figures and page (JSON)",
           _make_reports, _change_report, _read_report),
)  # fmt: skip
