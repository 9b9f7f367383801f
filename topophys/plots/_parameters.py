"""Names of parameters of models, as physicists write them."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_angle", "parameter_label"]

GREEK: Final = ("alpha", "beta", "gamma", "delta", "theta", "lambda", "mu", "phi")
ANGLES: Final = ("phi", "theta")


def is_angle(name: str) -> bool:
    """Whether models call an angle so."""
    return name in ANGLES


def parameter_label(name: str) -> str:
    r"""Mathtext of the name of a parameter: ``t2`` as $t_2$, ``lambda_so`` as $\lambda_{so}$.

    Parameters
    ----------
    name : str
        The name in the code.

    Returns
    -------
    str
        Mathtext, or the name itself where it is a word.

    Examples
    --------
    >>> [parameter_label(name) for name in ("t2", "phi", "lambda_so", "offset")]
    ['$t_{2}$', '$\\phi$', '$\\lambda_{so}$', 'offset']
    """
    found = re.fullmatch(rf"([A-Za-z]|{'|'.join(GREEK)})(?:_?(\d+|(?<=_)\w+))?", name)
    if found is None:
        return name.replace("_", " ")
    letter, below = found.groups()
    base = f"\\{letter}" if letter in GREEK else letter
    return f"${base}$" if below is None else f"${base}_{{{below}}}$"
