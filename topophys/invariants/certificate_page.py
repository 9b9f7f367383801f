"""The page of the format of certificates, written from the table that files are tested against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from topophys.invariants.certificate_file import FORMAT, VERSION

__all__ = ["SCHEMA", "format_page"]

_CELLS: Final = "base64 of little-endian "
#: Key, type, where it occurs ("" everywhere), and what it means. Dots lead into objects.
SCHEMA: Final = (
    ("format", "string", "", f'"{FORMAT}"'),
    ("version", "integer", "", f"{VERSION}; files of other versions are not read"),
    ("question.quantity", "string", "", '"winding number", "gap", "Chern number", "Z2 invariant" or "Weyl charge"'),
    ("question.block", "integer", "winding number", "size N of the block D(k) of H = [[0, D], [D^dagger, 0]], up to 16"),
    ("question.dimension", "integer", "not winding number", "dimension of the lattice, 1 to 3; of a Chern number and a Z2 invariant 2, of a Weyl charge 3"),
    ("question.bands", "integer", "not winding number", "number N of bands, 2 to 256"),
    ("question.n_occupied", "integer", "not winding number", "number n of bands below the gap, 1 to N - 1"),
    ("question.hoppings", "list", "", "pairs [R, matrix]: R a list of integers; matrix a string of 2 N^2 hexadecimal floats, real and imaginary part of each entry, row by row, with single spaces; \"0\" stands for zero. H(k) = sum_R H_R e^(ik.R): R = 0 and R after it in lexicographic order, those of -R being the conjugate transposes; of a block, all R"),
    ("question.amplitude_error", "hexadecimal float", "", "bound, over all k and in operator norm, of the distance of the Hamiltonian that is meant from the one that is given; the claim is about every Hamiltonian that near"),
    ("question.time_reversal", "matrix", "Z2 invariant", "U of T = U K, near an antisymmetric unitary matrix, which is what is meant: the polar factor of its antisymmetric part"),
    ("question.symmetry_violation", "hexadecimal float", "Z2 invariant", "bound of the distance of H from its symmetric part (H + T H T^-1) / 2; the claim is about the symmetric part"),
    ("question.centre", "list of 3 hexadecimal floats", "Weyl charge", "centre of the box, in radians; an exact number"),
    ("question.half_width", "list of 3 hexadecimal floats", "Weyl charge", "half edges of the box, in radians; exact numbers"),
    ("claim.value", "integer", "", "the invariant; of a gap, n"),
    ("claim.gap_lower", "hexadecimal float", "", "lower bound of the direct gap over all k (of a Weyl charge: over the surface of the box), in the units of the hoppings; it may be a little below the `gap_lower` of the certificate that was saved"),
    ("evidence.start", "list of integers", "", "number of starting cells along each axis; of a Weyl charge, along each edge of the box"),
    ("evidence.depth", "integer", "", "the finest lattice has start << depth points along each axis"),
    ("evidence.tree", "string", "not Weyl charge", "leaves: see above. Axes run from 0 to 2 pi; the first axis of a Z2 invariant from 0 to pi"),
    ("evidence.bases", _CELLS + "float32", "many bands", "one N x N basis for each leaf, real and imaginary part of each entry, row by row: columns are approximate eigenvectors at the centre, the first n of them below the gap"),
    ("evidence.levels", _CELLS + "float64", "many bands", "for each leaf and each of its 2^D corners, upper ends of axes first, last axis fastest, two energies: above all of the occupied block there, and below all of the empty one"),
    ("evidence.faces", "list of 6 objects", "Weyl charge", "lower and upper face of axis 0, 1, 2; coordinates of face a are those of axes a + 1 and a + 2 modulo 3"),
    ("evidence.faces.tree", "string", "Weyl charge", "as `evidence.tree`"),
    ("evidence.faces.bases", _CELLS + "float32", "Weyl charge", "as `evidence.bases`"),
    ("evidence.faces.levels", _CELLS + "float64", "Weyl charge", "as `evidence.levels`"),
    ("evidence.thin", "object", "phases", "edges, in the order of lines (axis along the line, then the other coordinates) and along each line"),
    ("evidence.thin.tree", "string", "phases", 'for each piece of an edge that two leaves share: "0" the two frames are compared directly; "1" over a thin cell on the piece; "2" the piece is halved, and its halves follow'),
    ("evidence.thin.bases", _CELLS + "float32", "phases", "bases of thin cells, in this order"),
    ("evidence.thin.levels", _CELLS + "float64", "phases", "their energies"),
    ("evidence.points", "object", "phases", "vertices with a basis of their own"),
    ("evidence.points.at", "list of lists of integers", "phases", "their coordinates on the finest lattice"),
    ("evidence.points.bases", _CELLS + "float32", "phases", "bases"),
    ("evidence.points.levels", _CELLS + "float64", "phases", "energies"),
)  # fmt: skip

_HEAD: Final = f"""# Format of certificates

Written by `python -m topophys.invariants.certificate_page docs/certificate-format.md` from
`topophys/invariants/certificate_page.py`; change it there.

A certificate is one JSON text, `x.cert.json`: a question, a claim, and the evidence from which the
claim can be proven again. [The checker](theory/checker.md) does that without this package.
`Certificate.save` and `topophys certify` write the format "{FORMAT}", version {VERSION}.

Reading is strict: exactly the keys of the table, none twice; no floating-point numbers and no
`NaN`, but integers of at most 18 digits and *hexadecimal floats*, strings as Python's `float.hex`
writes them, in which nothing is rounded. Only `question` is taken at its word. What is in
`evidence` are suggestions: whatever is there, a claim that is accepted has been proven.

Trees say how cells were divided, so that they cover their box by construction: starting cells in
the order of their coordinates, last axis fastest; each one "0", a leaf, or "1" followed by its 2^D
halves-along-every-axis in the same order. Cells of phases are numbered by integers on the finest
lattice, never by floats.

"many bands" are a gap, a Chern number of three or more bands (or of two, where bases are given), a
Z2 invariant; "phases" are a Chern number with bases, a Z2 invariant and a Weyl charge. New
quantities will add objects; a change of what is here will change the version.

| key | type | where | meaning |
|---|---|---|---|
"""


def format_page() -> str:
    """Text of docs/certificate-format.md."""
    rows = [
        f"| `{key}` | {kind} | {where or 'everywhere'} | {text.replace('|', chr(92) + '|')} |"
        for key, kind, where, text in SCHEMA
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page to the path given."""
    Path(sys.argv[1]).write_text(format_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
