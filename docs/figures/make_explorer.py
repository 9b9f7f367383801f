"""The picture of the explorer, as a browser shows it.

python -m docs.figures.make_explorer
"""

import shutil
import tempfile
from pathlib import Path

from tests.browser import Browser
from topophys.explorer import serve


def picture() -> bytes:
    """PNG of the page with Haldane's model near its transition."""
    import threading

    started, ready = [], threading.Event()

    def run():
        import asyncio

        asyncio.set_event_loop(asyncio.new_event_loop())
        server = serve(model="haldane", show=False, block=False)
        started.append(server)
        ready.set()
        server.io_loop.start()

    threading.Thread(target=run, daemon=True).start()
    ready.wait(120)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        Browser(shutil.which("chromium"), Path(folder), (1280, 720)) as browser,
    ):
        browser.open(f"http://127.0.0.1:{started[0].port}/")
        browser.wait("text().includes('Chern number 1')")
        browser.evaluate("models('Slider')[0].value = 0.55")
        browser.command("Runtime.evaluate", expression="new Promise(r => setTimeout(r, 3000))",
                        awaitPromise=True)  # fmt: skip
        return browser.screenshot()


if __name__ == "__main__":
    Path(__file__).with_name("explorer.png").write_bytes(picture())
