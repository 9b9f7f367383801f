"""What the hidden layers of a network hold, measured against controls."""

from topophys.interpret.activations import activations
from topophys.interpret.decode import LinearDecoder, fit_decoder
from topophys.interpret.probe import probe
from topophys.interpret.report import ProbeReport, ProbeResult
from topophys.interpret.ridge import r_squared

__all__ = [
    "LinearDecoder",
    "ProbeReport",
    "ProbeResult",
    "activations",
    "fit_decoder",
    "probe",
    "r_squared",
]
