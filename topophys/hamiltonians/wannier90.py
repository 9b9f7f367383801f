"""Hamiltonians of real materials from the files of Wannier90."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from topophys import _checks
from topophys.errors import HermiticityError, InputError, SchemaError
from topophys.hamiltonians._w90_lines import open_lines
from topophys.hamiltonians._w90_parse import Content, parse
from topophys.hamiltonians.wannier import WannierHamiltonian

__all__ = ["read_wannier90"]

#: Hoppings of R and -R are rounded each on its own; more than this many last digits is no rounding.
TOLERANCE: Final = 2.0


def read_wannier90(
    path: str | Path,
    *,
    n_occupied: int | None = None,
    dim: int | None = None,
    max_memory: int = 4 * 2**30,
) -> WannierHamiltonian:
    r"""Read the hoppings that Wannier90 writes to ``seedname_hr.dat`` or ``seedname_tb.dat``.

    .. math:: H_{mn}(k) = \sum_R \frac{1}{w_R} \langle m 0 | H | n R \rangle \, e^{i k \cdot R}

    with the degeneracies :math:`w_R` of the file divided out. Positions of the Wannier functions
    do not enter the phases; those of a ``_tb.dat`` are checked and not kept.

    The file may be plain, gzipped (``.gz``), or the only one of its kind in a gzipped archive
    (``.tar.gz``), which is never unpacked to disk. Before anything is allocated, the counts in its
    header are compared with its length (for ``.gz``, with the longest text of that compressed
    size) and with `max_memory`, at 128 bytes for each hopping; the text itself is read piecewise.

    Materials with fewer than three periodic directions are stored with zeros: a direction along
    which no lattice vector has a component is left out, unless `dim` says otherwise.

    Parameters
    ----------
    path : str or Path
        The file.
    n_occupied : int, optional
        Number of occupied bands; half of the bands where not given.
    dim : int, optional
        Number of directions to keep, first those with hoppings, then the lowest; by default those
        with hoppings, at least one.
    max_memory : int, optional
        Largest number of bytes to use.

    Returns
    -------
    WannierHamiltonian
        In eV, with `lattice` in Angstrom for a ``_tb.dat``, else None.

    Raises
    ------
    DatasetError
        If the file is missing, unreadable, truncated or damaged.
    SchemaError
        If it is something else, or does not hold what its header says: wrong counts, numbers that
        are not finite, lattice vectors that are not integers or occur twice.
    HermiticityError
        If the hoppings of R and -R differ by more than two units of the last digit (of the sixth
        decimal, where there are fewer). Smaller differences are averaged out.
    InputError
        If `n_occupied` or `dim` does not fit the file, or `max_memory` is too small for it.

    References
    ----------
    .. [1] G. Pizzi *et al.*, J. Phys.: Condens. Matter 32, 165902 (2020).
    .. [2] A. A. Mostofi *et al.*, Comput. Phys. Comm. 185, 2309 (2014).

    Examples
    --------
    >>> import tempfile
    >>> import topophys as tp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = tp.write_wannier90_hr(tp.models.qwz(-1.0), Path(folder) / "qwz_hr.dat")
    ...     h = tp.read_wannier90(file)
    >>> h, int(tp.certify_chern(h))
    (WannierHamiltonian: 2D, 2 bands (1 occupied), 5 lattice vectors, 1)
    """
    limit = _checks.positive_int(max_memory, "max_memory")
    with open_lines(path) as lines:
        content = parse(lines, limit)
        name = lines.name
    _refuse_unless_hermitian(content, name)
    directions = _directions(content.vectors, dim, name)
    keys = map(tuple, content.vectors[:, directions].tolist())
    return WannierHamiltonian(
        dict(zip(keys, content.matrices, strict=True)),
        n_occupied=n_occupied,
        hermitian="average",
        lattice=content.lattice,
        directions=directions,
    )


def _directions(vectors: NDArray[np.int64], dim: int | None, name: str) -> tuple[int, ...]:
    used = [int(i) for i in np.flatnonzero((vectors != 0).any(0))]
    wanted = max(1, len(used)) if dim is None else _checks.positive_int(dim, "dim")
    if not len(used) <= wanted <= 3:
        raise InputError(
            f"Argument `dim` must be from {max(1, len(used))} to 3 for `{name}`, which has hoppings"
            f" along {len(used)} directions, but is {wanted}."
        )
    others = [i for i in range(3) if i not in used]
    return tuple(sorted(used + others[: wanted - len(used)]))


def _refuse_unless_hermitian(content: Content, name: str) -> None:
    rows = {tuple(r): m for m, r in enumerate(content.vectors.tolist())}
    if len(rows) < len(content.vectors):
        raise SchemaError(f"File `{name}` must have distinct lattice vectors, but repeats one.")
    partners = [rows.get(tuple(-x for x in r)) for r in rows]
    if None in partners:
        alone = list(rows)[partners.index(None)]
        raise HermiticityError(
            f"File `{name}` must have -R with every lattice vector R, but lacks that of {alone}."
        )
    for m, partner in enumerate(partners):
        if partner is None or partner < m:
            continue
        difference = content.matrices[m] - content.matrices[partner].conj().T
        # as the file has it, before the division by the degeneracy
        off = float(np.abs(difference).max() * content.weights[m])
        if off > TOLERANCE * content.unit:
            raise HermiticityError(
                f"File `{name}` must satisfy H(-R) = H(R)^dagger to its last digit"
                f" ({content.unit:.0e} eV), but violates it by {off:.3g} eV at R ="
                f" {tuple(content.vectors[m].tolist())}."
            )
