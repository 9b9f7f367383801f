"""A headless Chromium that tests can steer, through its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType

#: What tests ask of a page of Bokeh: text also of shadow trees, models, drawn figures, addresses.
HELPERS = """
function nodes(root = document) {
  return [...root.querySelectorAll("*")].flatMap(
    e => [e, ...(e.shadowRoot ? nodes(e.shadowRoot) : [])]);
}
function text() {
  return nodes().filter(e => e.children.length == 0 && !["STYLE", "SCRIPT"].includes(e.tagName))
    .map(e => e.textContent.trim()).filter(t => t).join("\\n");
}
function models(type) {
  const found = [];
  const walk = m => { if (m.type == type) found.push(m); (m.children || []).forEach(walk); };
  Bokeh.documents[0].roots().forEach(walk);
  return found;
}
function figures() {
  return nodes().filter(e => e.tagName == "CANVAS" && e.width > 100 && e.height > 100)
    .filter(c => { const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
                   return d.some((v, i) => i % 4 == 3 && v > 0); })
    .map(c => c.getRootNode().host).filter((h, i, all) => all.indexOf(h) == i).length;
}
function elsewhere(host) {
  return performance.getEntriesByType("resource")
    .filter(r => new URL(r.name).host != host && !r.name.startsWith("data:")).length;
}
"""


class Browser:
    """One page of a headless browser; a context manager."""

    def __init__(self, program: str, folder: Path, size: tuple[int, int] = (1380, 760)) -> None:
        self.profile = folder / "profile"
        self.loop = asyncio.new_event_loop()
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--hide-scrollbars", "--disable-background-networking", "--disable-sync",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile}",
             f"--window-size={size[0]},{size[1]}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.sent = 0

    def __enter__(self) -> Browser:
        file = self.profile / "DevToolsActivePort"
        self._until(lambda: file.exists() and file.read_text().strip() != "", "the browser starts")
        port = file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            page = next(t for t in json.load(answer) if t["type"] == "page")
        from tornado.websocket import websocket_connect

        address = page["webSocketDebuggerUrl"]

        async def connect():
            return await websocket_connect(address, max_message_size=2**28)

        self.socket = self.loop.run_until_complete(connect())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=60)
        self.loop.run_until_complete(asyncio.sleep(0.1))
        self.loop.close()

    def _until(self, done, what, seconds=120.0):
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"waited in vain until {what}"
            time.sleep(0.1)

    def command(self, method, **parameters):
        """Send a command of the protocol; return its result."""
        self.sent += 1
        message = json.dumps({"id": self.sent, "method": method, "params": parameters})

        async def exchange():
            await self.socket.write_message(message)
            while True:
                answer = json.loads(await self.socket.read_message())
                if answer.get("id") == self.sent:
                    return answer

        answer = self.loop.run_until_complete(asyncio.wait_for(exchange(), 120))
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, address):
        """Load a page."""
        self.command("Page.enable")
        self.command("Page.addScriptToEvaluateOnNewDocument", source=HELPERS)
        self.command("Page.navigate", url=address)

    def evaluate(self, code):
        """Value of a JavaScript expression."""
        result = self.command("Runtime.evaluate", expression=code, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, condition, seconds=60.0):
        """Wait until an expression is true."""
        self._until(lambda: self.evaluate(f"!!({condition})"), condition, seconds)

    def screenshot(self):
        """PNG of what is seen."""
        return base64.b64decode(self.command("Page.captureScreenshot")["data"])
