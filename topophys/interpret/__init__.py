"""Probes, causal tests and symmetry audits of the hidden layers of networks."""

from topophys.interpret.causal import CausalReport, CausalResult, causal_tests
from topophys.interpret.hooks import activation_batches, activations
from topophys.interpret.probes import probe
from topophys.interpret.regression import (
    LinearDecoder,
    fit_decoder,
    held_out_predictions,
    r_squared,
)
from topophys.interpret.reports import ProbeReport, ProbeResult
from topophys.interpret.symmetry_audit import AuditReport, AuditRow, audit
from topophys.interpret.targets import TARGETS, Target, exact_targets

__all__ = [
    "TARGETS",
    "AuditReport",
    "AuditRow",
    "CausalReport",
    "CausalResult",
    "LinearDecoder",
    "ProbeReport",
    "ProbeResult",
    "Target",
    "activation_batches",
    "activations",
    "audit",
    "causal_tests",
    "exact_targets",
    "fit_decoder",
    "held_out_predictions",
    "probe",
    "r_squared",
]
