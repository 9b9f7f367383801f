"""A trained classifier in words."""

from __future__ import annotations

from topophys.materials.run import MaterialRun

__all__ = ["report"]


def report(run: MaterialRun) -> str:
    """Scores of a run on its test set, class by class.

    Parameters
    ----------
    run : MaterialRun
        The run.

    Returns
    -------
    str
        Lines of text.
    """
    lines = [f"classifier of materials, trained on {run.kind}: {run.card.get('data', 'unknown')}"]
    used = [name for name, on in zip(run.net.encoders.keys(), run.net.used, strict=True) if on]
    lines.append(f"  modalities {', '.join(used)}")
    kind = run.net.settings["topological_ml_model_type"]
    lines.append(f"  branch     {kind if run.net.branch is not None else 'none'}")
    lines.append(f"  parameters {sum(p.numel() for p in run.net.parameters())}")
    for head, found in run.card.get("test", {}).items():
        lines.append(
            f"  {head}: accuracy {found['accuracy']:.4f}, macro F1 {found['macro_f1']:.4f}"
        )
        for name, recall, count in zip(
            run.classes[head], found["recall"], found["count"], strict=True
        ):
            lines.append(f"    recall {recall:.4f} of {count:6d}  {name}")
    return "\n".join(lines)
