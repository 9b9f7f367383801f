"""Certified invariants of a material's own Hamiltonian, beside what a classifier says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np

from topophys.answers import Answer, ask
from topophys.errors import TopophysError
from topophys.materials.lists import LIST_CLASSES

__all__ = ["HamiltonianCheck", "check_hamiltonian"]

_TRIVIAL, _SEMIMETAL, _CRYSTALLINE, _STRONG = LIST_CLASSES.values()
#: Columns of `HamiltonianCheck.features`.
FEATURES: Final = (
    "hamiltonian_dim", "hamiltonian_gap_lower", "hamiltonian_gap_upper", "hamiltonian_gap_open",
    "hamiltonian_nu0", "hamiltonian_nu1", "hamiltonian_nu2", "hamiltonian_nu3",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class HamiltonianCheck:
    """What is proven of a Hamiltonian, and which classes of materials that leaves.

    Attributes
    ----------
    file : str
        Name of the file.
    answers : tuple of Answer
        Direct gap, and Z2 indices where there is an answer about these.
    excluded : mapping of str to str
        Classes of the public list (`LIST_CLASSES`) that are impossible for this Hamiltonian at this
        filling, with the reason; only what is certified excludes.
    unanswered : str
        Why a question has no answer; empty if both have one.
    """

    file: str
    answers: tuple[Answer, ...]
    excluded: Mapping[str, str]
    unanswered: str = ""

    @property
    def left(self) -> tuple[str, ...]:
        """Classes of the public list that are not excluded."""
        return tuple(name for name in LIST_CLASSES.values() if name not in self.excluded)

    @property
    def features(self) -> dict[str, float]:
        """Proven numbers, for tables and other classifiers; NaN where nothing is proven.

        Dimension, proven lower bound of the direct gap and smallest one met (eV), 1 where the gap
        is proven open, and Z2 indices (of two dimensions in `hamiltonian_nu0`).
        """
        gap = self.answers[0]
        proven = float(gap.status == "certified")
        lower = gap.gap_lower if proven else np.nan
        return dict(
            zip(FEATURES, (gap.dim, lower, gap.gap_upper, proven or np.nan, *self._indices()),
                strict=True)
        )  # fmt: skip

    def _indices(self) -> tuple[float, float, float, float]:
        """nu_0 to nu_3; NaN where they are not certified."""
        nu = [np.nan] * 4
        found = next((a for a in self.answers[1:] if a.status == "certified"), None)
        if found is not None:
            values = np.ravel(found.proof.value).tolist()
            nu[: len(values)] = [float(v) for v in values]
        return nu[0], nu[1], nu[2], nu[3]

    def verdict(self, label: str) -> str:
        """Say in words what becomes of a predicted class."""
        if label in self.excluded:
            return f"excludes {label}, as {self.excluded[label]}; left: {' or '.join(self.left)}"
        if label not in LIST_CLASSES.values():
            return f"says nothing about {label}, which is no class of the public list"
        if not self.excluded:
            return f"excludes no class, so that {label} stands as predicted"
        return f"does not exclude {label}; left: {' or '.join(self.left)}"

    def __str__(self) -> str:
        lines = [f"certificate of {self.file}, taken to be this material:"]
        lines += [f"  {answer}" for answer in self.answers]
        lines += [f"  {self.unanswered}"] if self.unanswered else []
        return "\n".join(lines)


def check_hamiltonian(
    path: str | Path,
    n_occupied: int,
    *,
    wsvec: str | Path | None = "auto",
    hermitian: Literal["check", "average"] = "check",
) -> HamiltonianCheck:
    r"""Prove the gap and the Z2 indices of a file of hoppings, and what classes these leave.

    A network or a tree proposes a class from formula and structure; the Hamiltonian of the
    material, where there is one, disposes. In a solid of electrons with spin:

    - the direct gap above the occupied bands is proven open at every momentum: no semimetal, and
      only then do the indices below exclude anything;
    - an odd index :math:`\nu_0, \dots, \nu_3`: not trivial;
    - :math:`\nu_0` odd: a topological insulator, no crystalline one;
    - all indices even: no topological insulator; trivial and crystalline ones are left, which Z2
      indices do not tell apart (`mirror_chern` may).

    Odd weak indices alone exclude neither of the two topological classes, because lists count such
    insulators in different ways. What is not certified excludes nothing, nor does a Hamiltonian of
    a layer, since the classes are those of bulk crystals.

    Parameters
    ----------
    path : str or Path
        Hoppings, as for `read_wannier90`.
    n_occupied : int
        Number of occupied bands of the file.
    wsvec, hermitian : optional
        As for `read_wannier90`.

    Returns
    -------
    HamiltonianCheck
        Answers with status, and excluded classes. That the file describes the material is not
        checked: it holds no atoms.

    Raises
    ------
    TopophysError
        If the file cannot be read, or the filling is impossible.

    References
    ----------
    .. [1] L. Fu, C. L. Kane, E. J. Mele, Phys. Rev. Lett. 98, 106803 (2007).
    .. [2] F. Tang, H. C. Po, A. Vishwanath, X. Wan, Nature 566, 486 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> import topophys as tp
    >>> atoms = np.diag([1.0, 1.0, -1.0, -1.0])
    >>> cells = {(0, 0, 0): atoms, (1, 0, 0): atoms / 9, (0, 1, 0): atoms / 9, (0, 0, 1): atoms / 9}
    >>> file = tp.write_wannier90_hr(tp.FourierHamiltonian(cells), "atoms_hr.dat")
    >>> check_hamiltonian("atoms_hr.dat", 2).left
    ('trivial', 'topological crystalline insulator')
    """
    options: dict[str, Any] = {
        "n_occupied": n_occupied, "wsvec": wsvec, "hermitian": hermitian,
    }  # fmt: skip
    gap = ask(path, "gap", **options)
    answers, unanswered = [gap], ""
    try:
        z2 = ask(path, "z2", **options)
    except TopophysError as error:
        unanswered = f"Z2 indices: {error}"
    else:
        answers.append(z2)
    found = HamiltonianCheck(Path(path).name, tuple(answers), {}, unanswered)
    if gap.dim != 3 or gap.status != "certified":
        return found
    excluded = {_SEMIMETAL: "the gap is proven open at every momentum"}
    nu = found._indices()
    if not np.isnan(nu[0]):
        label = answers[1].value
        if any(nu):
            excluded[_TRIVIAL] = f"Z2 indices {label} are not all even"
        else:
            excluded[_STRONG] = "all Z2 indices are even"
        if nu[0]:
            excluded[_CRYSTALLINE] = f"Z2 indices {label}, the first of which is odd"
    return HamiltonianCheck(found.file, found.answers, MappingProxyType(excluded), found.unanswered)
