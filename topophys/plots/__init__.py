"""Figures: arrays or Hamiltonians in, `matplotlib.figure.Figure` out, never through pyplot."""

from matplotlib.figure import Figure

from topophys.plots._figure import new_figure
from topophys.plots.accuracy import plot_accuracy
from topophys.plots.audit import plot_audit
from topophys.plots.bands import plot_bands
from topophys.plots.berry_curvature import plot_berry_curvature
from topophys.plots.berry_flux import plot_berry_flux
from topophys.plots.causal import plot_causal
from topophys.plots.certificate_leaves import plot_certificate_leaves
from topophys.plots.confusion import plot_confusion
from topophys.plots.d_texture import plot_d_texture
from topophys.plots.det_loop import plot_det_loop
from topophys.plots.phase_data import PhasePlane, phase_diagram_data
from topophys.plots.phase_diagram import phase_diagram, plot_phase_plane
from topophys.plots.phase_prediction import plot_phase_diagram_prediction
from topophys.plots.probe_ladder import plot_probe_ladder
from topophys.plots.save import figure_to_data_uri, save_figure
from topophys.plots.style import style
from topophys.plots.training import plot_training
from topophys.plots.wilson_flow import plot_wilson_flow
from topophys.plots.winding_angle import plot_winding_angle_comparison
from topophys.plots.winding_steps import plot_winding_steps

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
    "plot_confusion",
    "plot_d_texture",
    "plot_det_loop",
    "plot_phase_diagram_prediction",
    "plot_phase_plane",
    "plot_probe_ladder",
    "plot_training",
    "plot_wilson_flow",
    "plot_winding_angle_comparison",
    "plot_winding_steps",
    "save_figure",
    "style",
]
