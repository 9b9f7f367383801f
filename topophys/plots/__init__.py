"""Figures: arrays or Hamiltonians in, `matplotlib.figure.Figure` out, never through pyplot."""

from matplotlib.figure import Figure

from topophys.plots._panels import new_figure
from topophys.plots._style import style
from topophys.plots.bands import plot_bands, plot_ribbon
from topophys.plots.berry import plot_berry_curvature, plot_berry_flux, plot_d_texture
from topophys.plots.certificates import plot_certificate_leaves, plot_weyl_census
from topophys.plots.interpretation import plot_audit, plot_causal, plot_probes
from topophys.plots.phase import (
    PhasePlane,
    phase_diagram,
    phase_diagram_data,
    plot_certified_phases,
    plot_phase_diagram_prediction,
    plot_phase_plane,
)
from topophys.plots.save import figure_to_data_uri, save_figure
from topophys.plots.training import plot_accuracy, plot_confusion, plot_training
from topophys.plots.wilson import plot_wilson_flow
from topophys.plots.winding import plot_det_loop, plot_winding_angle_comparison, plot_winding_steps

__all__ = [
    "Figure",
    "PhasePlane",
    "figure_to_data_uri",
    "new_figure",
    "phase_diagram",
    "phase_diagram_data",
    "plot_accuracy",
    "plot_audit",
    "plot_bands",
    "plot_berry_curvature",
    "plot_berry_flux",
    "plot_causal",
    "plot_certificate_leaves",
    "plot_certified_phases",
    "plot_confusion",
    "plot_d_texture",
    "plot_det_loop",
    "plot_phase_diagram_prediction",
    "plot_phase_plane",
    "plot_probes",
    "plot_ribbon",
    "plot_training",
    "plot_weyl_census",
    "plot_wilson_flow",
    "plot_winding_angle_comparison",
    "plot_winding_steps",
    "save_figure",
    "style",
]
