"""Commands about the explorer and about compiled kernels."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from topophys._progress import say
from topophys.cli._options import Json, Quiet

__all__ = ["COMMANDS"]


def explore(
    file: Annotated[
        Path | None, typer.Argument(help="Two-dimensional Wannier90 hoppings; by default a model.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="ssh, extended_ssh, kitaev, qwz, haldane or bhz; haldane by default."),
    ] = None,
    occupied: Annotated[
        int | None, typer.Option("-n", "--occupied", help="Number of occupied bands of the file.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Local port; 0 chooses a free one.")
    ] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
) -> None:
    """Explore a model or a file interactively: bands, Berry flux and the proven invariant.

    The page is served locally until Ctrl-C. Requires `pip install 'topophys[explorer]'`.

    Example: topophys explore wannier90_hr.dat -n 2
    """
    from topophys.errors import InputError
    from topophys.explorer import serve

    if file is not None and model is not None:
        raise InputError("Give a file or --model, not both.")
    if file is None and occupied is not None:
        raise InputError("Option -n belongs to a file; models name their filling.")
    server = serve(
        file, model=model or "haldane", n_occupied=occupied, port=port, show=browser, block=False
    )
    print(f"explorer at http://127.0.0.1:{server.port}/ (Ctrl-C stops it)", flush=True)
    try:
        server.io_loop.start()
    finally:
        server.stop()


def warmup(quiet: Quiet = False, as_json: Json = False) -> None:
    """Compile all kernels in advance and print the time it took.

    The machine code is cached in the package folder, or in the cache of the user (NUMBA_CACHE_DIR
    names another folder), until the package or the processor changes.

    Example: topophys warmup --quiet
    """
    from topophys.kernels import compile_at_once

    compile_at_once()
    os.environ.setdefault("TOPOPHYS_QUIET", "1")  # it says so itself
    seconds: dict[str, float] = {}
    for name, job in _jobs().items():
        start = time.perf_counter()
        job()
        seconds[name] = round(time.perf_counter() - start, 2)
        if not (quiet or as_json):
            say(f"{seconds[name]:7.2f} s  {name}")
    total = sum(seconds.values())
    if as_json:
        print(json.dumps({"seconds": round(total, 2), "jobs": seconds}))
    else:
        print(f"{len(seconds)} groups of kernels ready after {total:.1f} s")


def _jobs() -> dict[str, Callable[[], Any]]:
    """Call each group of kernels once on a small input."""
    import numpy as np

    import topophys as tp

    chains = tp.ensembles.aiii_chains(20, rng=0)
    scalar = tp.ensembles.aiii_chains(20, n_orbitals=1, rng=0)
    larger = tp.ensembles.aiii_chains(4, n_orbitals=3, rng=0)
    far = tp.ChiralHamiltonian({0: [[1.0, 0.2], [0.1, 1.0]], 300: [[0.1, 0.0], [0.0, 0.2]]})
    plane, four = tp.models.haldane(m=0.1, t2=0.1, phi=1.5), tp.models.bhz(m=-1.0)
    solid = tp.ensembles.chiral_3d(2, rng=0)
    # more hoppings than the sums over planes of momenta ask for, and a gap
    reach = itertools.product((-2, -1, 0, 1, 2), repeat=3)
    dense = {r: np.diag([-2.0, 2.0, 2.0]) if not any(r) else 0.01 * np.eye(3) for r in reach}
    wire = tp.models.kitaev_chain_bdg(mu=0.5, t=1.0, delta=0.7)
    x, y, z = (np.array(m) for m in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]))
    one = np.eye(2)
    pairs = tp.FourierHamiltonian(
        {(0,): -0.5 * np.kron(z, one), (1,): -np.kron(z, one) - 0.35j * np.kron(x, x)}, n_occupied=2
    )
    reversal: Any = {"particle_hole": np.kron(y, y), "time_reversal": np.kron(one, 1j * y)}
    mask: Any = {"on_unresolved": "mask"}
    return {
        "winding numbers, proven": lambda: [
            tp.certify_winding(h) for h in (chains, scalar, larger, far)
        ],
        "winding numbers, sampled": lambda: [
            (tp.winding_number(h, grid=16, **mask), tp.winding_number(h.block_on_grid(16), **mask))
            for h in (chains, scalar, larger)
        ],
        "winding angles": lambda: (
            tp.winding_angle(chains, grid=16),
            tp.winding_steps(chains, grid=16),
        ),
        "flattened chains": lambda: tp.flatten_block(chains.block_on_grid(16)),
        "Chern numbers of two bands, proven": lambda: tp.certify_chern(plane),
        "Chern numbers of two bands, sampled": lambda: (
            tp.chern_number(plane, grid=16, **mask),
            tp.chern_number(plane.on_grid(16), n_occupied=1, **mask),
        ),
        "Chern numbers of d-vectors": lambda: [
            tp.chern_number_from_d(d, **mask)
            for d in (np.ones((1, 8, 8, 3)), np.ones((64, 128, 16, 3))[:, ::2])
        ],
        "Berry flux": lambda: (tp.berry_flux(plane, grid=8), tp.berry_flux(four, grid=8)),
        "Chern numbers of many bands, proven": lambda: tp.certify_chern(four, n_occupied=2),
        "Chern numbers of many bands, sampled": lambda: tp.chern_number(
            four, n_occupied=2, grid=16, **mask
        ),
        "gaps": lambda: tp.certify_gap(four, n_occupied=2),
        "gaps of solids": lambda: [
            tp.certify_gap(h)
            for h in (tp.models.fu_kane_mele(0.4), tp.FourierHamiltonian(dense, n_occupied=1))
        ],
        "Z2 invariants": lambda: tp.z2_invariant(tp.models.kane_mele(0.1), n_occupied=2),
        "Weyl points": lambda: tp.weyl_charge(
            tp.models.weyl_semimetal(np.pi / 2), [0.0, 0.0, np.pi / 2], half_width=0.3
        ),
        "winding numbers in three dimensions": lambda: [
            tp.winding_3d(solid, chiral="blocks", grid=grid, **mask) for grid in (None, 12)
        ],
        "second Chern numbers": lambda: tp.second_chern(
            tp.models.dirac_4d(-3.0), gammas="dirac", **mask
        ),
        "Majorana numbers": lambda: (
            tp.majorana_number(wire, particle_hole="nambu"),
            tp.majorana_number(pairs, **reversal),
        ),
        "data sets": _small_data_set,
    }


def _small_data_set() -> None:
    """Make a data set of few chains, read it and remove it."""
    from topophys.datasets import Recipe, generate, open_dataset

    recipe = Recipe.from_dict(
        {
            "name": "small",
            "seed": 0,
            "hamiltonian": {"family": "aiii_chains", "n_orbitals": 2, "hopping_range": 1},
            "label": {"invariant": "winding", "min_gap": 0.1},
            "input": {"grid": [16]},
            "split": [{"name": "train", "size": 20, "classes": [-1, 0, 1]}],
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = generate(recipe, Path(folder) / "small.h5", progress=False).path
        with open_dataset(path) as dataset:
            dataset.split("train").read("x")


COMMANDS: Final = (explore, warmup)
