"""The explorer: what it shows is what the certificates say, and the page works in a browser."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import topophys as tp
from tests.browser import Browser
from topophys.errors import InputError
from topophys.explorer import MODELS, serve, snapshot, widget

bokeh = pytest.importorskip("bokeh", reason="needs `pip install 'topophys[explorer]'`")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")


def started(name, **moved):
    model = MODELS[name]
    values = {key: p.start for key, p in model.parameters.items()} | moved
    return snapshot(model.build(**values), time_reversal=model.time_reversal)


@pytest.mark.parametrize(
    ("name", "moved", "value"),
    [
        ("ssh", {}, 1), ("ssh", {"t2": 0.5}, 0), ("extended_ssh", {}, 2), ("kitaev", {}, 1),
        ("kitaev", {"mu": 3.0}, 0), ("qwz", {}, 1), ("qwz", {"m": 1.0}, -1), ("haldane", {}, 1),
        ("haldane", {"m": 1.0}, 0), ("bhz", {}, 1), ("bhz", {"m": -1.0}, 0),
    ],
)  # fmt: skip
def test_the_integer_is_the_known_one_and_proven(name, moved, value):
    shown = started(name, **moved)
    assert (shown.value, shown.status) == (value, "certified")
    assert shown.headline.endswith(f" {value}")
    assert "(proven)" in shown.details


@pytest.mark.parametrize(("name", "moved"), [("ssh", {"t2": 1.0}), ("qwz", {"m": 2.0})])
def test_a_closed_gap_shows_no_integer(name, moved):
    shown = started(name, **moved)
    assert shown.value is None
    assert shown.status == "unresolved"
    assert "closed gap" in shown.details


@given(st.sampled_from(sorted(MODELS)), st.data())
def test_every_position_of_the_sliders_shows_something(name, data):
    parameters = MODELS[name].parameters
    moved = {
        key: data.draw(st.integers(0, round((p.high - p.low) / p.step))) * p.step + p.low
        for key, p in parameters.items()
    }
    shown = started(name, **moved)
    assert np.isfinite(shown.bands).all()
    assert (shown.value is None) == (shown.status == "unresolved")
    # cells of a proof tile the zone
    if shown.value is not None:
        dim = (shown.cells.shape[1] - 1) // 2
        volume = np.prod(shown.cells[:, dim : 2 * dim] - shown.cells[:, :dim], axis=1).sum()
        assert np.isclose(volume, (2 * np.pi) ** dim)


def test_the_flux_adds_up_to_the_integer():
    shown = started("haldane")
    assert np.isclose(shown.flux.sum(), 2 * np.pi * shown.value)
    assert np.allclose(np.linalg.norm(shown.texture, axis=-1), 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        tp.models.weyl_semimetal(1.0),
        tp.models.ssh(1.0, [0.5, 2.0]),
        tp.models.rice_mele(1.0, 0.5, 0.1),
        3,
    ],
)
def test_what_cannot_be_shown_is_refused(wrong):
    with pytest.raises(tp.errors.KindError, match="Argument `H` must be"):
        snapshot(wrong)


def test_unknown_models_and_files_are_refused_before_anything_starts(tmp_path):
    with pytest.raises(tp.errors.InputError, match="`model` must be one of ssh"):
        serve(model="nosuch", show=False, block=False)
    with pytest.raises(OSError, match=re.escape("nosuch_hr.dat")):
        serve(tmp_path / "nosuch_hr.dat", show=False, block=False)
    chain = tp.write_wannier90_hr(
        tp.FourierHamiltonian({(0,): [[0, 1], [1, 0]], (1,): [[0, 2], [0, 0]]}),
        tmp_path / "chain_hr.dat",
    )
    with pytest.raises(tp.errors.KindError, match="must hold a plane"):
        serve(chain, show=False, block=False)


@pytest.mark.process
def test_without_bokeh_one_line_says_what_to_install():
    code = (
        "import sys; sys.modules['bokeh'] = None\n"
        "from topophys.cli import main; main(['explore', '--no-browser'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 2
    assert "pip install 'topophys[explorer]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def command(tmp_path):
    """`topophys explore` in a process of its own; yields a function that starts it."""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "topophys.cli", "explore", "--no-browser", *arguments],
            stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        running.append(process)
        watchdog = threading.Timer(240, process.kill)
        watchdog.start()
        address = re.search(r"http://\S+", process.stdout.readline())[0]
        watchdog.cancel()
        return address

    yield start
    for process in running:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("what", ["model", "file"])
def test_in_a_browser_the_integer_follows_what_is_moved(what, command, tmp_path):
    if what == "file":
        file = tp.write_wannier90_hr(tp.models.hofstadter(1, 3), tmp_path / "three_hr.dat")
        address = command(str(file), "-n", "1")
        kind, before, after = "Spinner", "Chern number 1", (2, "Chern number -1")
    else:
        address = command("--model", "qwz")
        kind, before, after = "Slider", "Chern number 1", (1.0, "Chern number -1")
    with Browser(CHROMIUM, tmp_path) as browser:
        browser.open(address)
        browser.wait(f"text().includes({before!r})")
        assert "proven at every momentum" in browser.evaluate("text()")
        browser.evaluate(f"models({kind!r})[0].value = {after[0]}")
        browser.wait(f"text().includes({after[1]!r})")
        # canvases have been drawn: five panels, none of them empty
        assert browser.evaluate("figures()") == 5
        # nothing came from elsewhere
        assert browser.evaluate("elsewhere(location.host)") == 0
        (tmp_path / "page.png").write_bytes(browser.screenshot())


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_another_model_brings_its_own_sliders_and_panels(command, tmp_path):
    with Browser(CHROMIUM, tmp_path) as browser:
        browser.open(command("--model", "haldane"))
        browser.wait("text().includes('Chern number 1')")
        browser.evaluate("models('Select')[0].value = 'ssh'")
        browser.wait("text().includes('Winding number 1')")
        assert browser.evaluate("models('Slider').map(m => m.name).join(' ')") == "t1 t2"
        browser.evaluate("models('Slider')[1].value = 1.0")
        browser.wait("text().includes('Winding number unresolved')")
        assert "no integer is claimed" in browser.evaluate("text()")


NOTEBOOK = """
import json, os, sys
from IPython.display import HTML
from topophys import explorer
os.environ["JUPYTER_RUNTIME_DIR"] = sys.argv[1]
import IPython.display
shown = []
IPython.display.display = shown.append
explorer.widget(model="qwz")
from tornado.ioloop import IOLoop
loop = IOLoop.current()
loop.add_callback(lambda: print(json.dumps(shown[0].data), flush=True))
loop.start()
"""


@pytest.mark.process
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("known", [True, False])
def test_a_notebook_at_any_port_shows_the_widget_and_other_pages_do_not(known, tmp_path):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><body>" + html.encode())

        def log_message(self, *words):
            del words

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as jupyter:
        threading.Thread(target=jupyter.serve_forever, daemon=True).start()
        if known:
            text = json.dumps({"port": jupyter.server_port})
            (tmp_path / "jpserver-1.json").write_text(text)
        (tmp_path / "jpserver-2.json").write_text("no json")
        with subprocess.Popen(
            [sys.executable, "-c", NOTEBOOK, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as kernel:
            html = json.loads(kernel.stdout.readline())
            with Browser(CHROMIUM, tmp_path) as browser:
                browser.open(f"http://127.0.0.1:{jupyter.server_port}/")
                if known:
                    browser.wait("text().includes('Chern number 1')")
                    assert browser.evaluate("figures()") == 5
                else:
                    browser.wait("typeof Bokeh != 'undefined'")
                    time.sleep(2.0)
                    assert not browser.evaluate("text().includes('Chern number')")
            kernel.terminate()
        jupyter.shutdown()


@pytest.mark.parametrize(
    "notebook",
    [
        "",
        "localhost",
        "http://localhost:8888/",
        "a:b",
        "*",
        "a:0",
        "a:99999",
        "h\u00f4st:1",
        8888,
        b"a:1",
    ],
)
def test_places_of_notebooks_are_hosts_and_ports(notebook):
    with pytest.raises(InputError, match="`notebook` must be a host and a port"):
        widget(notebook=notebook)
