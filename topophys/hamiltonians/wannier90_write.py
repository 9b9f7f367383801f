"""Hoppings in the format of Wannier90."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from topophys import _checks
from topophys._files import complete_file
from topophys.errors import InputError, KindError
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["write_wannier90_hr"]


def write_wannier90_hr(
    H: FourierHamiltonian, path: str | Path, *, comment: str = "written by topophys"
) -> Path:
    """Write the hoppings of a Hamiltonian as a ``_hr.dat`` of Wannier90.

    All degeneracies are 1, missing components of R are 0, and numbers have 17 digits, so that
    `read_wannier90` gives back the same Hamiltonian bit by bit. The file appears when it is
    complete.

    Parameters
    ----------
    H : FourierHamiltonian
        A single Hamiltonian in one, two or three dimensions.
    path : str or Path
        Where to write.
    comment : str, optional
        First line of the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    KindError
        If `H` is a batch, is not in Fourier form, or has more than three dimensions.
    InputError
        If the comment has more than one line.
    OutputError
        If the file cannot be written.

    References
    ----------
    .. [1] G. Pizzi *et al.*, J. Phys.: Condens. Matter 32, 165902 (2020).

    Examples
    --------
    >>> import tempfile
    >>> import topophys as tp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = tp.write_wannier90_hr(tp.models.qwz(-1.0), Path(folder) / "qwz_hr.dat")
    ...     file.read_text().splitlines()[1:4]
    ['2', '5', '    1    1    1    1    1']
    """
    wrong_kind = not isinstance(H, FourierHamiltonian)
    if wrong_kind or H.batch_shape or H.dim > 3:
        raise KindError(
            "Argument `H` must be a single Hamiltonian in Fourier form in one to three dimensions,"
            f" but is {_checks.short(H)}."
        )
    if len(comment.splitlines()) > 1 or len(comment) > 1000:
        raise InputError("Argument `comment` must be one line of at most 1000 characters.")
    n, n_r = H.n_bands, len(H.vectors)
    vectors = np.zeros((n_r, 3), np.int64)
    vectors[:, getattr(H, "directions", range(H.dim))] = H.vectors
    rows = np.empty((n_r, n, n, 7))  # in the order of Wannier90: the first orbital runs fastest
    rows[..., :3] = vectors[:, None, None]
    rows[..., 3] = np.arange(1, n + 1)
    rows[..., 4] = np.arange(1, n + 1)[:, None]
    transposed = np.swapaxes(H.amplitudes, -1, -2)
    rows[..., 5], rows[..., 6] = transposed.real, transposed.imag
    ones = ["    1" * min(15, n_r - done) for done in range(0, n_r, 15)]
    with complete_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write("\n".join([comment, str(n), str(n_r), *ones]) + "\n")
        np.savetxt(stream, rows.reshape(-1, 7), fmt="%5d" * 5 + "%25.16e" * 2)
    return Path(path)
