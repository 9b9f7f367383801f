"""Models and files to play with: parameters move, pictures and the proven integer follow.

`snapshot` computes what is shown, without Bokeh; `serve` shows it as a page of this machine, and
`widget` in a notebook. Bokeh is needed for the latter two: ``pip install 'topophys[explorer]'``.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from topophys import models
from topophys._optional import load_extra
from topophys.errors import InputError, KindError, TopophysError
from topophys.hamiltonians.chiral import ChiralHamiltonian
from topophys.hamiltonians.fourier import FourierHamiltonian
from topophys.hamiltonians.two_band import TwoBandHamiltonian
from topophys.hamiltonians.wannier90 import read_wannier90
from topophys.invariants.berry import berry_flux
from topophys.invariants.chern import certify_chern
from topophys.invariants.evidence import CellTree
from topophys.invariants.gap import certify_gap
from topophys.invariants.wilson import wannier_centres
from topophys.invariants.winding import certify_winding
from topophys.invariants.z2 import z2_invariant

__all__ = ["MODELS", "ExplorerModel", "Parameter", "Snapshot", "serve", "snapshot", "widget"]

#: Momenta along the path of the bands, along a loop, and in each direction of a map.
_PATH, _LOOP, _MAP, _FLOW = 240, 480, 40, 48
#: Momenta that a proof may take, so that the page stays quick; "Try harder" takes a hundred times.
_EFFORT: Final = 20_000
#: Unitary part of time reversal of the models with spin: up first, then down.
_SPINS: Final = np.kron([[0, 1], [-1, 0]], np.eye(2))


class Parameter(NamedTuple):
    """A slider: symbol, range, initial value, step."""

    label: str
    low: float
    high: float
    start: float
    step: float = 0.05


@dataclass(frozen=True)
class ExplorerModel:
    """A model with sliders for its parameters.

    Attributes
    ----------
    title : str
        What is shown above the sliders.
    parameters : mapping of str to Parameter
        Keyword arguments of `build`, in order.
    build : callable
        Returns the Hamiltonian.
    time_reversal : ndarray, optional
        U of the symmetry U H(-k)* U^+ = H(k); with it the Z2 invariant is proven.
    """

    title: str
    parameters: Mapping[str, Parameter]
    build: Callable[..., FourierHamiltonian]
    time_reversal: NDArray[Any] | None = None


MODELS: Final[Mapping[str, ExplorerModel]] = MappingProxyType({
    "ssh": ExplorerModel(
        "SSH chain",
        {
            "t1": Parameter("t₁, in the cell", -2, 2, 1.0),
            "t2": Parameter("t₂, next cell", -2, 2, 1.5),
        },
        models.ssh,
    ),
    "extended_ssh": ExplorerModel(
        "Extended SSH chain",
        {
            "t1": Parameter("t₁, in the cell", -2, 2, 0.5),
            "t2": Parameter("t₂, next cell", -2, 2, 0.7),
            "t3": Parameter("t₃, second next cell", -2, 2, 1.2),
        },
        models.ssh,
    ),
    "kitaev": ExplorerModel(
        "Kitaev chain",
        {
            "mu": Parameter("μ, chemical potential", -4, 4, 1.0),
            "t": Parameter("t, hopping", -2, 2, 1.0),
            "delta": Parameter("Δ, pairing", -2, 2, 0.6),
        },
        models.kitaev_chain,
    ),
    "qwz": ExplorerModel(
        "Qi-Wu-Zhang model", {"m": Parameter("m, mass", -4, 4, -1.0)}, models.qwz
    ),
    "haldane": ExplorerModel(
        "Haldane model",
        {
            "m": Parameter("M, sublattice mass", -1.5, 1.5, 0.2),
            "t2": Parameter("t₂, second neighbours", -0.3, 0.3, 0.12, 0.01),
            "phi": Parameter("φ, phase of t₂ (rad)", -3.14, 3.14, 1.57, 0.01),
        },
        models.haldane,
    ),
    "bhz": ExplorerModel(
        "Bernevig-Hughes-Zhang model",
        {
            "m": Parameter("m, mass", -3, 5, 1.0),
            "delta": Parameter("δ, inversion breaking", 0, 1, 0.3),
        },
        models.bhz,
        _SPINS,
    ),
})  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """Data that the explorer shows for one Hamiltonian.

    Attributes
    ----------
    headline, details : str
        The answer with its status; gap, effort and time, or the reason why there is none.
    value : int or None
        The integer; None where it is unresolved.
    status : str
        "certified", "converged" or "unresolved".
    bands : float64 ndarray of shape (P, N)
        Energies along the path; `path` (P,) and `corners` say where: (position, name).
    loop : complex128 ndarray of shape (K,) or None
        det D(k) of a chain, closed.
    texture : float64 ndarray of shape (M, M, 3) or None
        Unit vector d/|d| of two bands in a plane, or
    gap_map : float64 ndarray of shape (M, M) or None
        the direct gap, of more bands; first axis k1.
    flux : float64 ndarray of shape (M, M) or None
        Berry flux of each plaquette, in radians.
    flow : float64 ndarray of shape (F, m) or None
        Wannier centres at each k1.
    cells : float64 ndarray of shape (L, 2 dim + 1)
        Lower corner, upper corner and depth of each cell of the proof, momenta from 0 to 2 pi; for
        a Z2 invariant those of the proof of its gap.
    """

    headline: str
    details: str
    value: int | None
    status: str
    bands: NDArray[np.float64]
    path: NDArray[np.float64]
    corners: tuple[tuple[float, str], ...]
    n_occupied: int
    loop: NDArray[np.complex128] | None
    texture: NDArray[np.float64] | None
    gap_map: NDArray[np.float64] | None
    flux: NDArray[np.float64] | None
    flow: NDArray[np.float64] | None
    cells: NDArray[np.float64]


def snapshot(
    H: FourierHamiltonian,
    *,
    n_occupied: int | None = None,
    time_reversal: NDArray[Any] | None = None,
    max_evaluations: int = _EFFORT,
) -> Snapshot:
    """Compute all that the explorer shows of a chain or a plane.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian of a chain with sublattices (`ChiralHamiltonian`), or of a plane.
    n_occupied : int, optional
        Number of occupied bands; that of `H` if it is not given.
    time_reversal : array of shape (N, N), optional
        With it the Z2 invariant is asked in place of the Chern number, and proven.
    max_evaluations : int, optional
        Momenta that the proof may take.

    Returns
    -------
    Snapshot
        Answer and pictures.

    Raises
    ------
    KindError
        If `H` is a batch, a solid, or a chain without known sublattices.

    References
    ----------
    .. [1] T. Fukui, Y. Hatsugai, H. Suzuki, J. Phys. Soc. Jpn. 74, 1674 (2005).

    Examples
    --------
    >>> import topophys as tp
    >>> from topophys.explorer import snapshot
    >>> shown = snapshot(tp.models.ssh(1.0, 1.5))
    >>> shown.headline, shown.value, shown.loop.shape
    ('Winding number 1', 1, (481,))
    """
    if not isinstance(H, FourierHamiltonian):
        raise KindError(f"Argument `H` must be a FourierHamiltonian, but is {type(H).__name__}.")
    if H.batch_shape != () or H.dim > 2 or (H.dim == 1 and not isinstance(H, ChiralHamiltonian)):
        raise KindError(
            "Argument `H` must be a single chain with sublattices or a single plane, but is"
            f" {H.dim}D with batch shape {H.batch_shape}; take one of a batch, a slice of a solid,"
            " or make a ChiralHamiltonian."
        )
    filled = H.n_occupied if n_occupied is None else n_occupied
    begun = time.perf_counter()
    proof, quantity = _prove(H, filled, time_reversal, max_evaluations)
    of_cells = proof
    if time_reversal is not None:  # those of the gap: a Z2 proof keeps its own only in its file
        of_cells = certify_gap(H, n_occupied=filled, max_evaluations=max_evaluations, evidence=True)
    spent = time.perf_counter() - begun
    resolved = bool(np.all(proof.resolved))
    value = int(proof.value) if resolved else None
    route, corners = _path(H.dim)
    momenta, along = route
    grid = 2 * np.pi * np.arange(_MAP) / _MAP
    plane = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1)
    texture, gap_map, flux, flow = None, None, None, None
    if H.dim == 2:
        flux, flow = _maps(H, filled)
        if isinstance(H, TwoBandHamiltonian):
            d = H.d(plane)
            size = np.linalg.norm(d, axis=-1, keepdims=True)
            texture = d / np.where(size > 0.0, size, 1.0)
        else:
            energy = np.linalg.eigvalsh(H.bloch(plane))
            gap_map = energy[..., filled] - energy[..., filled - 1]
    return Snapshot(
        f"{quantity} {value}" if resolved else f"{quantity} unresolved",
        _details(proof, resolved, spent), value, str(proof.status),
        np.linalg.eigvalsh(H.bloch(momenta)), along, corners, filled,
        _loop(H) if isinstance(H, ChiralHamiltonian) else None,
        texture, gap_map, flux, flow, _cells(of_cells, H.dim),
    )  # fmt: skip


def _prove(
    H: FourierHamiltonian, filled: int, time_reversal: NDArray[Any] | None, effort: int
) -> tuple[Any, str]:
    """Ask for the invariant with its evidence; returns the result and the name of the quantity."""
    if isinstance(H, ChiralHamiltonian):
        return certify_winding(H, max_evaluations=effort, evidence=True), "Winding number"
    if time_reversal is not None:
        found = z2_invariant(
            H, n_occupied=filled, method="flux", time_reversal=time_reversal,
            on_unresolved="mask",
        )  # fmt: skip
        return found, "Z₂ invariant"
    proof = certify_chern(H, n_occupied=filled, max_evaluations=effort, evidence=True)
    return proof, "Chern number"


def _details(proof: Any, resolved: bool, spent: float) -> str:
    took = f"{int(proof.evaluations):,} evaluations, {1000 * spent:.0f} ms"
    if not resolved:
        reason = (
            proof.reason if isinstance(proof.reason, str) else str(np.asarray(proof.reason)[()])
        )
        upper = float(np.asarray(proof.gap_upper)[()])
        return f"{reason}; smallest gap seen {upper:.3g}; {took}"
    return (
        f"gap at least {float(proof.gap_lower):.3g} (proven), at most"
        f" {float(proof.gap_upper):.3g}; {took}"
    )


def _path(
    dim: int,
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], tuple[tuple[float, str], ...]]:
    """Momenta and lengths of the path of the bands, and its corners."""
    if dim == 1:
        k = np.linspace(-np.pi, np.pi, _PATH + 1)
        return (k[:, None], k), ((-np.pi, "-π"), (0.0, "0"), (np.pi, "π"))
    points = np.array([[0, 0], [np.pi, 0], [np.pi, np.pi], [0, 0]], dtype=float)
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(length)])
    along = np.linspace(0.0, at[-1], _PATH + 1)
    k = np.stack([np.interp(along, at, points[:, a]) for a in range(2)], -1)
    names = ("(0, 0)", "(π, 0)", "(π, π)", "(0, 0)")
    return (k, along), tuple(zip(at.tolist(), names, strict=True))


def _loop(H: ChiralHamiltonian) -> NDArray[np.complex128]:
    k = np.linspace(-np.pi, np.pi, _LOOP + 1)
    return np.asarray(np.linalg.det(H.block(k[:, None])))


def _maps(
    H: FourierHamiltonian, filled: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Berry flux and Wannier centres; neither where the samples are gapless."""
    try:
        flux = berry_flux(H, n_occupied=filled, grid=_MAP)
        flow = wannier_centres(H, n_occupied=filled, grid=_FLOW)
    except TopophysError:
        return None, None
    return np.asarray(flux), np.asarray(flow)


def _cells(proof: Any, dim: int) -> NDArray[np.float64]:
    """Leaves of the trees of a proof."""
    trees = [part.tree for part in proof.evidence or () if hasattr(part, "tree")]
    rows = [_leaves(tree) for tree in trees]
    return np.concatenate(rows) if rows else np.empty((0, 2 * dim + 1))


def _leaves(tree: CellTree) -> NDArray[np.float64]:
    """Lower corner, upper corner and depth of each leaf."""
    dim, at, rows = len(tree.start), 0, []
    children = list(itertools.product((0, 1), repeat=dim))
    for first in itertools.product(*(range(n) for n in tree.start)):
        stack = [(np.array(first, dtype=float), 1.0, 0)]
        while stack:
            corner, size, depth = stack.pop()
            divided, at = tree.bits[at] == "1", at + 1
            if divided:
                smaller = size / 2
                stack += [
                    (corner + smaller * np.array(c), smaller, depth + 1) for c in reversed(children)
                ]
                continue
            unit = 2 * np.pi / np.array(tree.start)
            rows.append([*(corner * unit), *((corner + size) * unit), float(depth)])
    return np.array(rows)


# ------------------------------------------------------------------------------------- the page


def _model_of_file(
    path: str | os.PathLike[str], n_occupied: int | None
) -> tuple[FourierHamiltonian, int]:
    H = read_wannier90(Path(path), n_occupied=n_occupied)
    if H.dim != 2:
        raise KindError(
            f"File `{path}` must hold a plane for the explorer, but is {H.dim}D; use `topophys"
            " chern`, `z2`, `winding` or `weyl` for other dimensions."
        )
    if H.n_bands < 2:
        raise InputError(f"File `{path}` must have at least two bands, but has {H.n_bands}.")
    return H, H.n_occupied


def _application(
    model: str,
    file: str | os.PathLike[str] | None,
    n_occupied: int | None,
    columns: int = 3,
) -> Callable[[Any], None]:
    """Check what was asked, before anything is started."""
    if model not in MODELS:
        raise InputError(f"Argument `model` must be one of {', '.join(MODELS)}, but is {model!r}.")
    read = None if file is None else _model_of_file(file, n_occupied)
    load_extra("bokeh", "explorer")
    page = load_extra("topophys._explorer_page", "explorer")
    first = MODELS[model]
    # compiles the kernels now, before the page asks
    snapshot(first.build(**{key: p.start for key, p in first.parameters.items()}))
    return lambda doc: page.build(doc, model, read, None if file is None else str(file), columns)


def serve(
    file: str | os.PathLike[str] | None = None,
    *,
    model: str = "haldane",
    n_occupied: int | None = None,
    port: int = 0,
    show: bool = True,
    block: bool = True,
) -> Any:
    """Serve the explorer as a local page, without network access.

    Parameters
    ----------
    file : path, optional
        Hoppings of a plane from Wannier90, whose occupied bands can be moved.
    model : str, optional
        Which of `MODELS` is shown first, without a file.
    n_occupied : int, optional
        Occupied bands of the file at the start.
    port : int, optional
        Port on the loopback address; 0 takes a free one.
    show : bool, optional
        Whether a browser is opened.
    block : bool, optional
        Whether to serve until Ctrl-C; otherwise the started server is returned.

    Returns
    -------
    bokeh.server.server.Server
        The server; ``server.port`` is its port.

    Raises
    ------
    InputError, KindError
        If the model is unknown, or the file is not that of a plane.
    MissingPackageError
        Without Bokeh: ``pip install 'topophys[explorer]'``.

    References
    ----------
    .. [1] Bokeh Development Team, *Bokeh: Python library for interactive visualization* (2018).

    Examples
    --------
    >>> from topophys.explorer import serve
    >>> server = serve(model="qwz", show=False, block=False)  # doctest: +SKIP
    """
    handler = _application(model, file, n_occupied)
    server_module = load_extra("bokeh.server.server", "explorer")
    try:
        server = server_module.Server({"/": handler}, port=port, address="127.0.0.1")
    except OSError as error:
        raise InputError(
            f"Argument `port` must be a free port, but {port} is not ({error.strerror});"
            " 0 takes any."
        ) from None
    server.start()
    if show:
        server.io_loop.add_callback(server.show, "/")
    if block:
        try:
            server.io_loop.start()
        finally:
            server.stop()
    return server


def widget(
    file: str | os.PathLike[str] | None = None,
    *,
    model: str = "haldane",
    n_occupied: int | None = None,
    notebook: str | None = None,
) -> None:
    """Show the explorer below the cell of a notebook that runs on this machine.

    The explorer listens on the loopback address and answers pages of the Jupyter servers that run
    here.

    Parameters
    ----------
    file, model, n_occupied
        As for `serve`.
    notebook : str, optional
        Host and port in the address of the notebook, such as "localhost:8890", for a server that
        is not found.

    Raises
    ------
    InputError, KindError, MissingPackageError
        As for `serve`; `InputError` also if `notebook` is no host and port.

    References
    ----------
    .. [1] Bokeh Development Team, *Bokeh: Python library for interactive visualization* (2018).

    Examples
    --------
    >>> from topophys.explorer import widget
    >>> widget(model="qwz")  # doctest: +SKIP
    """
    if notebook is not None and not _is_place(notebook):
        raise InputError(
            "Argument `notebook` must be a host and a port, such as localhost:8888, but is"
            f" {notebook!r}."
        )
    handler = _application(model, file, n_occupied, columns=2)  # a cell is narrower than a page
    server_module, embed = (
        load_extra(f"bokeh.{n}", "explorer") for n in ("server.server", "embed")
    )
    display = load_extra("IPython.display", "explorer")
    pages = {f"{host}:{port}" for host in ("localhost", "127.0.0.1") for port in _jupyter_ports()}
    server = server_module.Server(
        {"/": handler}, port=0, address="127.0.0.1",
        allow_websocket_origin=sorted(pages | ({notebook} if notebook else set())),
    )  # fmt: skip
    server.start()
    _SERVERS.append(server)
    display.display(display.HTML(embed.server_document(f"http://127.0.0.1:{server.port}/")))


def _is_place(notebook: object) -> bool:
    """Whether this is a host and a port."""
    if not isinstance(notebook, str):
        return False
    found = re.fullmatch(r"[A-Za-z0-9.-]+:([0-9]{1,5})", notebook)
    return found is not None and 0 < int(found[1]) < 2**16


#: What `widget` started: without a reference, a server would end.
_SERVERS: Final[list[Any]] = []


def _jupyter_ports() -> set[int]:
    """Ports of the Jupyter servers of this user, and the usual one."""
    ports = {8888}
    paths = load_extra("jupyter_core.paths", "explorer")
    for file in Path(paths.jupyter_runtime_dir()).glob("*server-*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            ports.add(int(json.loads(file.read_text("utf-8"))["port"]))
    return ports
