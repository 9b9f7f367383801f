"""Linear probes of the hidden layers for exact local physics, with every control."""

from __future__ import annotations

from collections.abc import Sequence

from topophys import _checks
from topophys._progress import track
from topophys.datasets import Dataset
from topophys.errors import InputError
from topophys.interpret.ladder import Ladder
from topophys.interpret.report import ProbeReport, ProbeResult
from topophys.interpret.samples import LAYERS, Samples, draw_samples
from topophys.interpret.subjects import Subject, untrained_like
from topophys.learn import Run
from topophys.learn.evaluate import encoder_settings

__all__ = ["probe"]


def probe(
    run: Run | Sequence[Run],
    dataset: Dataset,
    *,
    split: str = "test",
    others: Sequence[str] | None = None,
    n_hamiltonians: int = 1000,
    n_untrained: int = 5,
    folds: int = 5,
    seed: int = 0,
    progress: bool = True,
) -> ProbeReport:
    r"""Linear probes of the local layers against exact local physics.

    Targets are :math:`(\cos\alpha_j, \sin\alpha_j)` at the k points for h1 and
    :math:`\Delta\alpha_j` on the links for h2 of chains, and the Berry flux F through the
    plaquettes for h3 of two-band Hamiltonians, all from the stored hoppings in double precision.
    The same probes are put to every control that could explain a high score:
    networks of the same architecture with random weights, the targets of other Hamiltonians, the
    input itself, and quantities of the same kind that no invariant depends on. Probes fitted on
    `split` are tried as they are on the other splits. How a density is asked for is part of the
    answer: as it is, modulo exact forms, and summed over windows.

    Parameters
    ----------
    run : Run, or sequence of Run
        A trained network; or several that differ in the seed of the training, for intervals over
        trainings.
    dataset : Dataset
        Data set of winding or Chern numbers.
    split : str, optional
        Split to take Hamiltonians from; one that training did not see.
    others : sequence of str, optional
        Splits to try the fitted probes on; by default all that training did not see.
    n_hamiltonians : int, optional
        How many Hamiltonians, drawn at random; of the other splits at most as many.
    n_untrained : int, optional
        How many random initialisations.
    folds : int, optional
        Folds of the outer cross-validation, at least 4.
    seed : int, optional
        Seed of the subset, the shuffle, the bootstrap and the untrained networks.
    progress : bool, optional
        Show progress.

    Returns
    -------
    ProbeReport
        Held-out R^2 of every layer, measure and source.

    Raises
    ------
    InputError
        If the data set is of another kind, lacks a split, or has too few Hamiltonians, if a
        number is too small, or runs have different networks.

    References
    ----------
    .. [1] G. Alain, Y. Bengio, Proc. ICLR workshop (2017).
    .. [2] J. Hewitt, P. Liang, Proc. EMNLP, 2733 (2019), on control tasks.

    Examples
    --------
    >>> import tempfile
    >>> from topophys.datasets import Recipe, generate, open_dataset
    >>> from topophys.learn import FitConfig, fit
    >>> splits = [{"name": s, "size": 30, "classes": [-1, 0, 1]} for s in ("train", "val", "test")]
    >>> recipe = Recipe.from_dict({
    ...     "name": "small", "seed": 1,
    ...     "hamiltonian": {"family": "aiii_chains", "hopping_range": 2},
    ...     "label": {"invariant": "winding", "min_gap": 0.1},
    ...     "input": {"grid": [32]}, "split": splits,
    ... })
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = generate(recipe, folder + "/small.h5", progress=False)
    ...     with open_dataset(folder + "/small.h5") as dataset:
    ...         run = fit(FitConfig(epochs=1), dataset, folder + "/run", progress=False)
    ...         report = probe(run, dataset, n_hamiltonians=30, n_untrained=1, progress=False)
    >>> report.r2("h1_features", "trained") > report.r2("h1_features", "shuffled")
    True
    """
    runs = _alike(run)
    _checks.positive_int(n_untrained, "n_untrained")
    if _checks.positive_int(folds, "folds", minimum=4) > n_hamiltonians:
        raise InputError(
            f"Argument `folds` must be at most `n_hamiltonians` = {n_hamiltonians}, but is {folds}."
        )
    samples = draw_samples(dataset, split, n_hamiltonians, seed)
    elsewhere = _elsewhere(runs[0], dataset, split, others, n_hamiltonians, seed)
    first = runs[0].encoder
    ladder = Ladder(
        samples,
        elsewhere,
        trained=[Subject(r.encoder) for r in runs],
        untrained=[Subject(untrained_like(first, seed + 1 + i)) for i in range(n_untrained)],
        folds=folds,
        seed=seed,
    )
    jobs = [job for layer in LAYERS[dataset.kind] for job in ladder.jobs(layer)]
    results: list[ProbeResult] = []
    with track(len(jobs), "probing", progress) as advance:
        for job in jobs:
            results += job()
            advance(1)
    return ProbeReport(
        split, len(samples.x), n_untrained, folds, seed, tuple(results), n_runs=len(runs)
    )


def _alike(run: Run | Sequence[Run]) -> list[Run]:
    runs = [run] if isinstance(run, Run) else list(run)
    if not runs:
        raise InputError("Argument `run` must be a run or several, but is empty.")
    kinds = {(type(r.encoder).__name__, str(encoder_settings(r.encoder))) for r in runs}
    if len(kinds) > 1:
        raise InputError(
            "Argument `run` must hold runs of one architecture, but has"
            f" {len(kinds)} different ones; probe them one by one."
        )
    return runs


def _elsewhere(
    run: Run, dataset: Dataset, split: str, others: Sequence[str] | None, n: int, seed: int
) -> list[Samples]:
    seen = {run.config.train_split, run.config.val_split, split}
    names = [s for s in dataset.splits if s not in seen] if others is None else list(others)
    sizes = {name: len(dataset.split(name)) for name in names}
    few = [name for name, size in sizes.items() if size < 20]
    if few and others is not None:
        raise InputError(
            f"Argument `others` must name splits of at least 20 Hamiltonians, but `{few[0]}` has"
            f" {sizes[few[0]]}."
        )
    return [
        draw_samples(dataset, name, min(n, size), seed)
        for name, size in sizes.items()
        if size >= 20
    ]
