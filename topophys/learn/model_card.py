"""Model card of a trained network: facts, scores, limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from topophys._io import read_text, write_text
from topophys._statistics import wilson_interval
from topophys.datasets.tasks import get_task
from topophys.learn.run import encoder_settings

if TYPE_CHECKING:
    from topophys.learn.run import Run

__all__ = ["CARD_FILE", "Score", "write_card"]

CARD_FILE: Final = "README.md"


class Score(NamedTuple):
    """Right answers on a split."""

    name: str
    correct: int
    total: int
    formula: int | None = None


def write_card(run: Run, scores: Sequence[Score] = ()) -> bool:
    """Write README.md into the folder of a run; False where a user's is there, which stays.

    What may be replaced is a card without scores, as the training left it.
    """
    path, text = run.path / CARD_FILE, _card(run, scores)
    try:
        found = read_text(path)
    except FileNotFoundError:
        found = ""
    except (OSError, ValueError):
        return False  # no text of ours
    if found not in {"", text, _card(run)}:
        return False
    write_text(path, text)
    return True


def _card(run: Run, scores: Sequence[Score] = ()) -> str:
    notes, best = run.provenance, run.best_epoch
    total = int(notes.get("val_samples", 0))
    chosen = Score(
        f"{run.config.val_split} (chose the epoch)", round(best["val_accuracy"] * total), total
    )
    lines = [
        f"# Network for {notes.get('dataset', 'unknown data')}",
        "",
        *_facts(run),
        "",
        "## Figures",
        "",
        "| split | right | of | accuracy | 95 % interval (Wilson) | formula on the same points |",
        "|---|---:|---:|---:|---|---:|",
        *(_row(score) for score in (*scores, chosen) if score.total),
        "",
        "## Limits",
        "",
        *_limits(run),
    ]
    return "\n".join(lines) + "\n"


def _facts(run: Run) -> list[str]:
    notes, settings = run.provenance, encoder_settings(run.encoder)
    weights = sum(p.numel() for p in run.encoder.parameters())
    listed = ", ".join(f"{k} {v}" for k, v in settings.items())
    versions = ", ".join(f"{k} {notes[k]}" for k in ("torch", "numpy", "python") if k in notes)
    manifest = notes.get("dataset_manifest") or "none (generated during training)"
    return [
        f"- network: {type(run.encoder).__name__}, {weights} parameters ({listed})",
        f"- supervision: {notes.get('supervision', 'labels only')}",
        f"- classes in training: {', '.join(map(str, notes['classes_seen']))}",
        f"- samples per epoch: {notes['train_samples']}, epochs: {len(run.history)}",
        f"- best epoch: {run.best_epoch['epoch'] + 1} of {len(run.history)}",
        f"- recipe of the data (SHA-256): {notes.get('dataset_digest', 'unknown')}",
        f"- content of the data (SHA-256): {manifest}",
        f"- seed: {run.config.seed}; {versions}",
    ]


def _row(score: Score) -> str:
    low, high = wilson_interval(score.correct, score.total)
    formula = "" if score.formula is None else f"{score.formula / score.total:.5f}"
    return (
        f"| {score.name} | {score.correct} | {score.total} | {score.correct / score.total:.5f}"
        f" | {low:.5f} to {high:.5f} | {formula} |"
    )


def _limits(run: Run) -> list[str]:
    classes, kind = run.provenance["classes_seen"], run.provenance.get("kind", "winding")
    what = get_task(kind).title
    proof = "It proves nothing; use a certificate where a proof is needed."
    errs = "Near a closing gap and on coarse grids it fails, as the sampled formula does."
    lines = [
        f"- It predicts the {what} for one size of block, from samples on a k grid. {proof}",
        f"- Its training classes are {min(classes)} to {max(classes)}; others are extrapolations.",
        f"- {errs} It abstains if its real-valued prediction is far from an integer.",
    ]
    if run.config.local_supervision:
        lines.append(
            "- Its local features were supervised with exact values. Local physics in them did not"
            " emerge."
        )
    return lines
