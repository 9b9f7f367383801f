"""Saving: which element of a batch, and the proof of its answer, as a certificate file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from topophys.errors import InputError, UnresolvedError
from topophys.invariants.certificate_file import document_of, save_document, verify_document
from topophys.invariants.evidence import Proof, Question

__all__ = [
    "Saved",
    "between",
    "element_of",
    "proof_of",
    "refuse_group",
    "require_certified",
    "required",
]

Index: TypeAlias = int | tuple[int, ...] | None
A = TypeVar("A")


class Saved:
    """A result whose proofs can be written to files, one element each."""

    def save(self, path: str | Path, index: Index = None) -> Path:
        """Write the proof of one element to a file that `topophys.checker` can check.

        The file holds the Hamiltonian, in momenta k.a, and what the proof needs to be found
        again. It may claim a little less of the gap than was proven.

        Parameters
        ----------
        path : path-like
            File to write, such as ``"x.cert.json"``.
        index : int or tuple of int, optional
            Which element of the batch; may be left out for a single Hamiltonian.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UnresolvedError
            If there is no proof.
        InputError
            If `index` does not name one element, or files cannot hold the proof: of samples, of
            groups of bands, of too many cells.
        OutputError
            If another file stands there, or nothing can be written.

        Examples
        --------
        >>> import tempfile, topophys as tp
        >>> found = tp.certify_winding(tp.models.ssh(1.0, 2.0))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tp.verify_certificate(found.save(f"{folder}/x.cert.json"))
        'winding number 1, gap at least 1.93146'
        """
        return save_document(self._document(index), path)

    def verify(self, index: Index = None) -> str:
        """Check the proof of one element by the independent checker, without a file.

        Parameters
        ----------
        index : int or tuple of int, optional
            Which element of the batch; may be left out for a single Hamiltonian.

        Returns
        -------
        str
            What `topophys.checker` has proven from the content of the file that `save` writes.

        Raises
        ------
        UnresolvedError, InputError
            As for `save`, and if the checker does not accept the proof.
        MissingPackageError
            If python-flint (the extra `checker`) is not installed.

        Examples
        --------
        >>> import topophys as tp
        >>> tp.certify_chern(tp.models.qwz([-1.0, 1.0]), evidence=True).verify(1)
        'Chern number -1, gap at least 1.8...'
        """
        return verify_document(self._document(index))

    def _document(self, index: Index = None) -> dict[str, Any]:
        """Content of the file of one element."""
        assert isinstance(self, Provable)
        return document_of(*proof_of(self, index))


@runtime_checkable
class Provable(Protocol):
    """What a result must know to be written: integers with status and gap, and their question."""

    @property
    def value(self) -> Any: ...
    @property
    def status(self) -> Any: ...
    @property
    def gap_lower(self) -> Any: ...
    @property
    def asked(self) -> Any: ...


def element_of(shape: tuple[int, ...], index: Index) -> tuple[tuple[int, ...], int]:
    """Index of one element of a batch as a tuple, and its number."""
    where = () if index is None else (index if isinstance(index, tuple) else (index,))
    try:
        chosen = np.empty(shape)[where]
    except IndexError:
        chosen = np.empty(1)
    if np.ndim(chosen):
        raise InputError(
            f"Argument `index` must name one Hamiltonian of a batch of shape {shape}, but is"
            f" {index}."
        )
    return where, int(np.ravel_multi_index(where, shape, mode="wrap")) if shape else 0


def require_certified(result: Any, quantity: str, index: Index) -> tuple[int, ...]:
    """Index of one element as a tuple, which must be certified."""
    where, flat = element_of(result.status.shape, index)
    if str(result.status[where]) != "certified":
        raise UnresolvedError(quantity, [flat], result.status.size)
    return where


def refuse_group(parts: Sequence[Any]) -> None:
    """Refuse to write a group of bands to one file: each of its gaps has a proof of its own."""
    if parts:
        raise InputError(
            "A group of bands is proven by the certificates of the gaps around it; save each of"
            " `.parts` instead, with evidence=True."
        )


def required(asked: A | None) -> A:
    """Require what was asked, which files must hold."""
    if asked is None:
        raise InputError("This certificate does not contain its Hamiltonians; certify again.")
    return asked


def proof_of(certificate: Provable, index: Index) -> tuple[Proof, int, float]:
    """Proof of one element, its value, and the bound of the gap of the given Hamiltonian."""
    refuse_group(getattr(certificate, "parts", ()))
    where = require_certified(certificate, getattr(certificate, "quantity", "Z2 invariant"), index)
    asked = required(certificate.asked)
    evidence = getattr(certificate, "evidence", ())
    question = asked.question(where)
    if hasattr(certificate, "valence_upper"):
        question = between(question, certificate, where)
    gap = float(certificate.gap_lower[where])
    if hasattr(certificate, "symmetry_violation"):  # bounds the gap of the symmetrised Hamiltonian
        gap = max(0.0, gap - float(certificate.symmetry_violation[where]))
    # files know no lattice: charges in momenta k.a
    value = asked.orientation * int(certificate.value[where])
    flat = element_of(certificate.value.shape, index)[1]
    return Proof(question, evidence[flat] if evidence else None), value, gap


def between(question: Question, certificate: Any, where: tuple[int, ...]) -> Question:
    """Question of an indirect gap: the energies between which it lies, and one within it."""
    filled, n = int(certificate.value[where]), question.amplitudes.shape[-1]
    if not 0 < filled < n:
        raise InputError("Certificate files hold gaps with bands on both sides only.")
    at = None if certificate.level is None else float(certificate.level[where])
    edges = certificate.valence_upper[where], certificate.conduction_lower[where]
    return replace(
        question, quantity="indirect gap" if at is None else "gap around an energy",
        n_occupied=filled, level=at, edges=(float(edges[0]), float(edges[1])),
    )  # fmt: skip
