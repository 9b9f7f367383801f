"""What predictions with a proof beside them have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from topophys._optional import NotebookText, load_extra
from topophys.invariants.results import Certificate

__all__ = ["ProvenAnswers"]


class ProvenAnswers(NotebookText):
    """Answers of a network, of which some are proven: the certificate decides where it holds."""

    value: Int[np.ndarray, "..."]
    certificate: Certificate | None

    @property
    def proposed(self) -> Int[np.ndarray, "..."]:
        """What the network says, whatever is proven."""
        raise NotImplementedError  # each kind of answer has its own

    @property
    def network_confidence(self) -> Float[np.ndarray, "..."]:
        """Confidence of the network in what it proposes."""
        raise NotImplementedError  # each kind of answer has its own

    @property
    def certified(self) -> Bool[np.ndarray, "..."]:
        """Where `value` is proven for the Hamiltonian that was given."""
        if self.certificate is None:
            return np.zeros(np.shape(self.value), bool)
        return np.asarray(self.certificate.certified)

    @property
    def refuted(self) -> Bool[np.ndarray, "..."]:
        """Where the network says something else than what is proven."""
        other = self.proposed != np.ma.getdata(self.value)
        # without a number that is near an integer nothing is said, and nothing is wrong
        return np.asarray(self.certified & other & (self.network_confidence >= 0.0))

    def to_pandas(self) -> Any:
        """Table with one row for each Hamiltonian; needs the extra `pandas`.

        Columns: what the network says (`proposed`), the value, proven where `certified` is true,
        `refuted` where both differ, the confidence in the value (1 where it is proven), that of the
        network in what it proposes (`network_confidence`), and abstention.
        """
        pandas = load_extra("pandas", "pandas")
        names = ("value", "proposed", "confidence", "network_confidence", "abstains", "certified",
                 "refuted")  # fmt: skip
        columns = {name: np.ma.getdata(np.ravel(getattr(self, name))) for name in names}
        index = pandas.RangeIndex(self.value.size, name="batch_0")
        table = pandas.DataFrame(columns, index=index)
        unknown = np.ma.getmaskarray(self.value).ravel()
        if unknown.any():
            table["value"] = table["value"].astype("Int64").mask(unknown)
        return table

    def _proof_lines(self) -> list[str]:
        """Lines of the repr about proofs."""
        if self.certificate is None:
            return []
        proven, against = int(self.certified.sum()), int(self.refuted.sum())
        return [f"  proven           {proven} of {self.value.size}, {against} against the network"]
