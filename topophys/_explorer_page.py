"""The page of the explorer, made of Bokeh's models. Importing this needs Bokeh."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any, Final, TypeAlias

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColorBar,
    ColumnDataSource,
    DataRange1d,
    Div,
    HoverTool,
    LinearColorMapper,
    Select,
    Slider,
    Spinner,
)
from bokeh.palettes import Plasma256, RdBu11, Viridis256
from bokeh.plotting import figure as new_figure
from numpy.typing import NDArray

from topophys.explorer import _EFFORT, MODELS, Snapshot, snapshot
from topophys.hamiltonians.fourier import FourierHamiltonian

__all__ = ["build"]

#: A figure, and what brings the data of a snapshot into it.
_Panel: TypeAlias = tuple[Any, Callable[[Snapshot], None]]
_STATUS: Final = {"certified": "#00694f", "converged": "#0072b2", "unresolved": "#a64b00"}
_TICKS: Final = {0.0: "0", np.pi / 2: "π/2", np.pi: "π", 3 * np.pi / 2: "3π/2", 2 * np.pi: "2π"}
_WORDS: Final = {
    "certified": "proven at every momentum",
    "converged": "converged, not proven",
    "unresolved": "no integer is claimed",
}
_OCCUPIED, _EMPTY = "#0072b2", "#d55e00"


class _Page:
    """Controls and panels; figures stay while sliders move, their data change."""

    def __init__(
        self,
        model: str,
        read: tuple[FourierHamiltonian, int] | None,
        name: str | None,
        columns: int,
    ) -> None:
        self.read, self.model, self.columns = read, model, columns
        self.answer = Div(width=300)
        self.controls = column(width=300)
        self.grid = column()
        self.kind: object = None
        self.panels: list[_Panel] = []
        self.harder = Button(label="Try harder", width=140, visible=False)
        self.harder.on_click(self._try_harder)
        if read is None:
            options = [(key, m.title) for key, m in MODELS.items()]
            self.choice = Select(title="Model", value=model, options=options, width=280)
            self.choice.on_change("value", self._another)
        else:
            self.title = Div(text=f"<b>{escape(str(name))}</b><br>{read[0].n_bands} bands")
        self._sliders()
        self.root = row(column(self.controls, self.answer, self.harder, width=310), self.grid)
        self._draw()

    def _sliders(self) -> None:
        if self.read is not None:
            H, filled = self.read
            self.occupied = Spinner(
                title="Occupied bands", low=1, high=H.n_bands - 1, step=1, value=filled, width=140
            )
            self.occupied.on_change("value", self._moved)
            self.controls.children = [self.title, self.occupied]
            return
        self.sliders = {
            key: Slider(
                title=p.label, start=p.low, end=p.high, value=p.start, step=p.step, width=280,
                name=key,
            )
            for key, p in MODELS[self.model].parameters.items()
        }  # fmt: skip
        for slider in self.sliders.values():
            slider.on_change("value", self._moved)
        self.controls.children = [self.choice, *self.sliders.values()]

    def _moved(self, attr: str, old: object, new: object) -> None:
        del attr, old, new
        self._draw()

    def _another(self, attr: str, old: str, new: str) -> None:
        del attr, old
        self.model = new
        self._sliders()
        self._draw()

    def _try_harder(self) -> None:
        self._draw(100 * _EFFORT)

    def _snapshot(self, effort: int) -> Snapshot:
        if self.read is not None:
            filled = int(self.occupied.value or 1)
            return snapshot(self.read[0], n_occupied=filled, max_evaluations=effort)
        model = MODELS[self.model]
        H = model.build(**{key: slider.value for key, slider in self.sliders.items()})
        return snapshot(H, time_reversal=model.time_reversal, max_evaluations=effort)

    def _draw(self, effort: int = _EFFORT) -> None:
        shown = self._snapshot(effort)
        colour = _STATUS.get(shown.status, "black")
        self.answer.text = (
            f'<div style="border-left:6px solid {colour};padding-left:10px;margin-top:12px">'
            f'<div style="font-size:22px;color:{colour}">{escape(shown.headline)}</div>'
            f"<div>{_WORDS.get(shown.status, shown.status)}</div>"
            f'<div style="margin-top:6px;color:#444">{escape(shown.details)}</div></div>'
        )
        self.harder.visible = shown.status == "unresolved" and effort == _EFFORT
        kind = (shown.loop is None, shown.texture is None)
        if kind != self.kind:
            self.kind = kind
            if shown.loop is not None:
                self.panels = [_bands(), _loop(), _angle(), _intervals()]
            else:
                second = _gap_map() if shown.texture is None else _texture()
                self.panels = [_bands(), second, _flux(), _flow(), _squares()]
            figures = [figure for figure, _ in self.panels]
            wide = self.columns
            self.grid.children = [row(*figures[i : i + wide]) for i in range(0, len(figures), wide)]
        for _, update in self.panels:
            update(shown)


def _figure(title: str, x: str, y: str, **options: Any) -> Any:
    made = new_figure(
        title=title, width=315, height=300, x_axis_label=x, y_axis_label=y,
        tools="pan,wheel_zoom,reset,save", toolbar_location="above", **options,
    )  # fmt: skip
    made.toolbar.logo = None
    made.grid.grid_line_alpha = 0.3
    made.axis.minor_tick_line_color = None
    return made


def _name_ticks(axis: Any, names: dict[float, str]) -> None:
    axis.ticker = list(names)
    axis.major_label_overrides = names


def _zone(title: str) -> Any:
    whole = (0.0, 2 * np.pi)
    made = _figure(title, "k₁ (rad)", "k₂ (rad)", x_range=whole, y_range=whole)
    _name_ticks(made.xaxis, _TICKS)
    _name_ticks(made.yaxis, _TICKS)
    return made


def _bands() -> _Panel:
    made = _figure("Bands (blue: occupied)", "momentum", "energy (units of H)")
    source = ColumnDataSource({"x": [], "y": [], "colour": []})
    made.multi_line("x", "y", color="colour", source=source, line_width=1.8)
    made.add_tools(HoverTool(tooltips=[("energy", "$y{0.000}")]))

    def update(shown: Snapshot) -> None:
        n = shown.bands.shape[1]
        source.data = {
            "x": [shown.path] * n,
            "y": list(shown.bands.T),
            "colour": [_OCCUPIED if i < shown.n_occupied else _EMPTY for i in range(n)],
        }
        _name_ticks(made.xaxis, dict(shown.corners))

    return made, update


def _loop() -> _Panel:
    made = _figure("Loop of det D(k); cross: origin", "Re det D", "Im det D", match_aspect=True)
    source = ColumnDataSource({"x": [], "y": [], "k": []})
    made.line("x", "y", source=source, color="#888888")
    mapper = LinearColorMapper(palette=Viridis256, low=-1, high=1)
    drawn = made.scatter(
        "x", "y", source=source, size=4, line_color=None,
        fill_color={"field": "k", "transform": mapper},
    )  # fmt: skip
    made.scatter([0], [0], marker="cross", size=16, line_width=2.5, color="black")
    made.add_layout(ColorBar(color_mapper=mapper, title="k/π", width=8, padding=2), "right")
    tips = [("k", "@k{0.00} π"), ("det D", "@x{0.00}, @y{0.00}")]
    made.add_tools(HoverTool(tooltips=tips, renderers=[drawn]))

    def update(shown: Snapshot) -> None:
        loop = np.empty(0) if shown.loop is None else shown.loop
        source.data = {"x": loop.real, "y": loop.imag, "k": np.linspace(-1, 1, len(loop))}

    return made, update


def _angle() -> _Panel:
    made = _figure("Winding angle arg det D(k)", "k (rad)", "angle since k = -π, over 2π")
    source = ColumnDataSource({"x": [], "y": []})
    made.line("x", "y", source=source, line_width=2, color=_OCCUPIED)
    made.add_tools(HoverTool(tooltips=[("k", "@x{0.00}"), ("turns", "@y{0.00}")], mode="vline"))
    _name_ticks(made.xaxis, {-np.pi: "-π", 0.0: "0", np.pi: "π"})

    def update(shown: Snapshot) -> None:
        angle = np.unwrap(np.angle(np.ones(1) if shown.loop is None else shown.loop))
        k = np.linspace(-np.pi, np.pi, len(angle))
        source.data = {"x": k, "y": (angle - angle[0]) / (2 * np.pi)}

    return made, update


def _depths(cells: NDArray[np.float64]) -> list[str]:
    deepest = max(float(cells[:, -1].max(initial=1.0)), 1.0)
    return [Plasma256[int(220 * depth / deepest)] for depth in cells[:, -1]]


def _cells(made: Any) -> tuple[ColumnDataSource, Any]:
    names = ("left", "right", "bottom", "top", "depth", "fill")
    source = ColumnDataSource({name: [] for name in names})
    made.quad(
        "left", "right", "top", "bottom", source=source, fill_color="fill", line_color="white",
        line_width=0.5,
    )  # fmt: skip
    made.add_tools(HoverTool(tooltips=[("halved", "@depth times")]))
    return source, made


def _intervals() -> _Panel:
    source, made = _cells(_figure("", "k (rad)", "halvings", y_range=DataRange1d(start=0)))
    _name_ticks(made.xaxis, _TICKS)

    def update(shown: Snapshot) -> None:
        low, high, depth = shown.cells.T
        made.title.text = f"Cells of the proof: {len(depth)}"
        source.data = {
            "left": low, "right": high, "bottom": 0 * depth, "top": depth + 0.5, "depth": depth,
            "fill": _depths(shown.cells),
        }  # fmt: skip

    return made, update


def _squares() -> _Panel:
    source, made = _cells(_zone(""))

    def update(shown: Snapshot) -> None:
        made.title.text = f"Cells of the proof: {len(shown.cells)}"
        x0, y0, x1, y1, depth = shown.cells.T
        source.data = {
            "left": x0, "right": x1, "bottom": y0, "top": y1, "depth": depth,
            "fill": _depths(shown.cells),
        }  # fmt: skip

    return made, update


def _image(made: Any, palette: Any) -> Callable[[NDArray[np.float64], float, float], None]:
    source = ColumnDataSource({"image": []})
    mapper = LinearColorMapper(palette=palette, low=-1.0, high=1.0)
    drawn = made.image(
        image="image", x=0, y=0, dw=2 * np.pi, dh=2 * np.pi, source=source, color_mapper=mapper,
        level="image",
    )  # fmt: skip
    made.add_layout(ColorBar(color_mapper=mapper, width=8, padding=2), "right")
    tips = [("k", "$x{0.00}, $y{0.00}"), ("value", "@image{0.0000}")]
    made.add_tools(HoverTool(tooltips=tips, renderers=[drawn]))

    def update(values: NDArray[np.float64], low: float, high: float) -> None:
        mapper.update(low=low, high=high)
        source.data = {"image": [values.T]}

    return update


def _texture() -> _Panel:
    made = _zone("d/|d|: colour z, needles x, y")
    show = _image(made, RdBu11)
    needles = ColumnDataSource({"x0": [], "y0": [], "x1": [], "y1": []})
    made.segment("x0", "y0", "x1", "y1", source=needles, color="black", line_width=1.2)
    made.scatter("x1", "y1", source=needles, size=3, color="black")

    def update(shown: Snapshot) -> None:
        if shown.texture is None:
            return
        n = len(shown.texture)
        show(shown.texture[..., 2], -1.0, 1.0)
        at = 2 * np.pi * np.arange(0, n, 3) / n
        x, y = (a.ravel() for a in np.meshgrid(at, at, indexing="ij"))
        u, v = (shown.texture[::3, ::3, i].ravel() * 2.6 * np.pi / n for i in (0, 1))
        needles.data = {"x0": x - u, "y0": y - v, "x1": x + u, "y1": y + v}

    return made, update


def _gap_map() -> _Panel:
    made = _zone("Direct gap (units of H)")
    show = _image(made, Viridis256)

    def update(shown: Snapshot) -> None:
        if shown.gap_map is not None:
            show(shown.gap_map, 0.0, max(float(shown.gap_map.max()), 1e-300))

    return made, update


def _flux() -> _Panel:
    made = _zone("")
    show = _image(made, RdBu11)

    def update(shown: Snapshot) -> None:
        if shown.flux is None:
            made.title.text = "Berry flux: samples without a gap"
            show(np.zeros((2, 2)), -1.0, 1.0)
            return
        turns = int(np.rint(shown.flux.sum() / (2 * np.pi)))
        made.title.text = f"Berry flux (rad), sampled sum {turns:+d} · 2π"
        most = max(float(np.abs(shown.flux).max()), 1e-9)
        show(shown.flux, -most, most)

    return made, update


def _flow() -> _Panel:
    made = _figure("Wannier centres (cell)", "k₁ (rad)", "centre", y_range=(-0.52, 0.52))
    _name_ticks(made.xaxis, _TICKS)
    source = ColumnDataSource({"x": [], "y": []})
    made.scatter("x", "y", source=source, size=4, color=_OCCUPIED)

    def update(shown: Snapshot) -> None:
        flow = np.empty((0, 1)) if shown.flow is None else shown.flow
        n, m = flow.shape
        k = np.repeat(2 * np.pi * np.arange(n) / max(n, 1), m)
        source.data = {"x": k, "y": flow.ravel()}

    return made, update


def build(
    doc: Any,
    model: str,
    read: tuple[FourierHamiltonian, int] | None,
    name: str | None,
    columns: int,
) -> None:
    """Fill a Bokeh document, with so many figures side by side."""
    page = _Page(model, read, name, columns)
    doc.title = "topophys explorer"
    doc.add_root(page.root)
