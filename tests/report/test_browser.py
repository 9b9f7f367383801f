"""The page as a browser shows it: wide and narrow, light and dark, without a network."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
import pytest

from topophys import report
from topophys.report import write_page
from topophys.report.page import accuracy_chart, probe_chart

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
pytestmark = [pytest.mark.process, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]  # fmt: skip
#: Reports what the reader sees, from inside a frame of the width of a phone.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe src="report.html" style="width:{width}px;height:800px;border:0"></iframe><pre></pre>
<script>addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  const shown = [...page.images].filter(
    i => i.naturalWidth > 0 && i.getBoundingClientRect().width > 0);
  const wide = [...page.querySelectorAll("main > *, .scroll")].filter(
    e => e.getBoundingClientRect().right > {width} + 0.5
      || (e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1));
  document.querySelector("pre").textContent = [
    page.documentElement.scrollWidth, page.images.length, shown.length, wide.length,
    page.defaultView.performance.getEntriesByType("resource").filter(
      r => !r.name.startsWith("data:")).length].join(" ");
}});</script>"""

#: The page of charts in a narrow window, and what it says.
NARROW = """<!doctype html><meta charset="utf-8">
<iframe src="charts.html" style="width:390px;height:800px"></iframe><pre></pre>
<script>addEventListener("load", () => {
  const page = document.querySelector("iframe").contentDocument;
  document.querySelector("pre").textContent = page.querySelector("pre").textContent;
});</script>"""

#: Counts texts of charts that reach out of their drawing or into each other.
CHARTS = """<!doctype html><meta charset="utf-8">{style}<body>{charts}<pre></pre>
<script>addEventListener("load", () => {{
  const along = (a, b, low, high) => a[low] < b[high] && b[low] < a[high];
  const clash = (a, b) => along(a, b, "left", "right") && along(a, b, "top", "bottom");
  const bad = [], charts = [...document.querySelectorAll(".chart svg")];
  for (const svg of charts) {{
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll("text")].filter(t => t.textContent)
      .map(t => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([word, box], i) => {{
      if (box.left < frame.left || box.right > frame.right) bad.push(word);
      for (const [other, at] of texts.slice(i + 1)) if (clash(box, at)) bad.push(word + other);
    }});
  }}
  document.querySelector("pre").textContent = charts.length + ": " + bad.join("; ");
}});</script>"""


@pytest.fixture(scope="module")
def folder(demonstrated, tmp_path_factory):
    copy = shutil.copytree(demonstrated[0], tmp_path_factory.mktemp("browser") / "run")
    write_page(copy)
    return copy


def browse(folder, *arguments):
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments],
        capture_output=True,
        timeout=300,
        check=True,
    )
    return done.stdout.decode("utf-8")


@pytest.mark.parametrize("width", [1280, 390])
def test_fits_its_width_and_shows_every_picture(folder, width):
    frame = folder / f"frame{width}.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    text = browse(
        folder, "--allow-file-access-from-files", "--virtual-time-budget=20000",
        f"--window-size={max(width, 600)},900", "--dump-dom", frame.as_uri(),
    )  # fmt: skip
    found = re.search(r"<pre>([\d ]+)</pre>", text)
    assert found, text[-500:]
    scroll, images, shown, wide, fetched = map(int, found[1].split())
    assert scroll <= width
    assert images == shown > 8
    assert wide == 0
    assert fetched == 0


@pytest.mark.parametrize("font", ["system-ui", "DejaVu Sans"])
def test_words_of_charts_are_apart_and_inside(tmp_path, font):
    names = {"near_critical": 2805, "other_family": 3000, "finer_grid": 2999, "coarser_grid": 1}
    rows = [
        {"split": s, "invariant": "all", "total": 15_000, "correct": n, "formula_correct": 15_000}
        for s, n in names.items()
    ]
    probes = [
        {"layer": "h2_features", "measure": m, "source": "trained", "target": "dalpha", "r2": 0.97,
         "low": 0.9, "high": 1.0, "quantity": "dalpha"}
        for m in ("raw", "used part", "modulo exact")
    ]  # fmt: skip
    charts = [accuracy_chart({"accuracy": rows}), probe_chart({"probes": {"results": probes}})]
    template = (Path(report.__file__).parent / "templates" / "report.html.j2").read_text("utf-8")
    style = template[template.index("<style") : template.index("</style>") + 8]
    style += f"<style>.chart svg {{ font-family: {font}; }}</style>"
    page = tmp_path / "charts.html"
    page.write_text(CHARTS.format(style=style, charts="".join(charts)), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(NARROW, encoding="utf-8")
    for name in (page, frame):
        text = browse(
            tmp_path, "--allow-file-access-from-files", "--virtual-time-budget=5000",
            "--dump-dom", "--window-size=1280,900", name.as_uri(),
        )  # fmt: skip
        assert re.search(r"<pre>(.*)</pre>", text)[1] == "2: "


def screenshot(folder, name, *arguments):
    path = folder / name
    browse(folder, f"--screenshot={path}", "--window-size=1280,1000", *arguments,
           (folder / "report.html").as_uri())  # fmt: skip
    return mpimg.imread(io.BytesIO(path.read_bytes()))[..., :3]


def test_light_and_dark(folder):
    light = screenshot(folder, "light.png", "--blink-settings=preferredColorScheme=1")
    dark = screenshot(folder, "dark.png", "--blink-settings=preferredColorScheme=0")
    assert light.shape[1] == dark.shape[1] == 1280
    assert light[0, 0].min() > 0.95
    assert dark[0, 0].max() < 0.2
    for image in (light, dark):
        # there is something to read on it
        assert 0.005 < (np.abs(image - image[0, 0]).max(-1) > 0.3).mean() < 0.5


def test_prints(folder):
    path = folder / "report.pdf"
    browse(folder, f"--print-to-pdf={path}", "--no-pdf-header-footer",
           (folder / "report.html").as_uri())  # fmt: skip
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type\s*/Page[^s]", content)) <= 40
