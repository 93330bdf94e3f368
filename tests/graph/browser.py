"""A real browser for tests, by Chromium's DevTools protocol over a pipe; needs Chromium and nothing else.

``Browser`` is one headless process; ``Page`` is one page in it, driven as a user drives it: real mouse and key events.
What the page throws, and what its policy refuses, is collected in ``Page.errors``.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "~/.cache/ms-playwright/chromium*/*/chrome",
    "~/.cache/ms-playwright/chromium*/*/*headless*shell",
    "~/Library/Caches/ms-playwright/chromium*/*/*.app/Contents/MacOS/*",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PATIENCE = 60  # seconds; on a busy machine a browser takes its time

# Chromium reads commands from file descriptor 3 and answers on 4: a small process puts the pipes there.
LAUNCHER = (
    "import os, sys\n"
    "taken = [os.dup(int(number)) for number in sys.argv[1:3]]\n"
    "spare = [os.dup(number) for number in taken for _ in range(4)]\n"  # beyond 3 and 4, whatever was free
    "os.dup2(spare[3], 3), os.dup2(spare[7], 4)\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)

KEYS = {
    "Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), " ": (32, " "), "Home": (36, ""), "End": (35, ""),
    "ArrowLeft": (37, ""), "ArrowUp": (38, ""), "ArrowRight": (39, ""), "ArrowDown": (40, ""),
}  # fmt: skip


class NoBrowserError(Exception):
    """There is no Chromium here, or it does not start; the message says what to do."""


def find_browser() -> str:
    """Path of a Chromium: $CHROMIUM, one on the path, or one that Playwright installed."""
    named = os.environ.get("CHROMIUM")
    found = [named, *map(shutil.which, NAMES)]
    for place in PLACES:
        path = Path(place).expanduser()
        found += sorted(map(str, Path(path.anchor).glob(str(path.relative_to(path.anchor)))))
    for candidate in found:
        if candidate and Path(candidate).exists():
            return candidate
    raise NoBrowserError("no Chromium here: install it (`apt-get install chromium`), or set CHROMIUM to its path")


class Browser:
    """One headless Chromium; use it in a ``with``."""

    def __init__(self):
        if os.name == "nt":
            raise NoBrowserError("the pipe to Chromium is passed as on Unix")
        program = find_browser()
        self._folder = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
            "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions",
            f"--user-data-dir={self._folder.name}", "--window-size=1400,900", "about:blank",
        ]  # fmt: skip
        with open(Path(self._folder.name) / "stderr.txt", "wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LAUNCHER, str(to_browser), str(from_browser), program, *arguments],
                pass_fds=(to_browser, from_browser),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        os.close(to_browser)
        os.close(from_browser)
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._pages: dict[str, Page] = {}
        try:
            self.call("Browser.getVersion")
        except NoBrowserError:
            self.close()
            raise

    def call(self, method, params=None, session=None):
        """One command; its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._write, json.dumps(message).encode() + b"\0")
        except BrokenPipeError:
            raise NoBrowserError("Chromium has ended") from None
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._next(end)
            if answer.get("id") != number:
                self._note(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def open(self, url):
        """A new page, loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.go(url)
        return page

    def forget(self, page):
        """A page that was closed."""
        self._pages.pop(page.session, None)

    def close(self):
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._write)
        os.close(self._read)
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _next(self, end):
        while b"\0" not in self._buffer:
            ready = select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]
            piece = os.read(self._read, 1 << 20) if ready else b""
            if not piece:
                said = (Path(self._folder.name) / "stderr.txt").read_text(errors="replace").strip()[-300:]
                why = "has ended" if ready else f"has not answered for {PATIENCE} s"
                raise NoBrowserError(f"Chromium {why}; it says: {said or 'nothing'}")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def _note(self, event):
        page = self._pages.get(event.get("sessionId"))
        if page:
            page.note(event.get("method"), event.get("params", {}))


class Page:
    """One page of a Browser."""

    def __init__(self, browser, target, session):
        self.browser = browser
        self.target = target
        self.session = session
        self.errors: list[str] = []
        self.requests: list[str] = []

    def call(self, method, params=None):
        return self.browser.call(method, params, self.session)

    def note(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def go(self, url):
        self.call("Page.navigate", {"url": url})
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def js(self, expression):
        """Value of an expression in the page; promises are waited for."""
        told = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in told:
            details = told["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return told["result"].get("value")

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not self.js(f"Boolean({condition})"):
            if self.errors:  # what has gone wrong will not get well by waiting
                raise RuntimeError(self.errors[0])
            if time.monotonic() > end:
                raise TimeoutError(f"waited {PATIENCE} s in vain for {condition}")
            time.sleep(0.02)

    def text(self, selector):
        """Text of the first element, as the page shows it."""
        return self.js(f"document.querySelector({json.dumps(selector)}).textContent")

    def texts(self, selector):
        return self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((found) => found.textContent)")

    def middle(self, selector):
        """Where a mouse would click an element."""
        return self.js(
            f"(() => {{ const found = document.querySelector({json.dumps(selector)});"
            "if (found instanceof HTMLElement) found.scrollIntoView({ block: 'nearest' });"
            "const box = found.getBoundingClientRect();"
            "return [box.left + box.width / 2, box.top + box.height / 2]; })()"
        )

    def move(self, x, y, **more):
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y, **more})

    def hover(self, selector):
        self.move(*self.middle(selector))

    def click(self, selector):
        x, y = self.middle(selector)
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            where = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", where)

    def drag(self, start, end):
        (x, y), (to_x, to_y) = start, end
        self.move(x, y)
        held = {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", {"type": "mousePressed", "x": x, "y": y, **held})
        self.move((x + to_x) / 2, (y + to_y) / 2, button="left", buttons=1)
        self.move(to_x, to_y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", {"type": "mouseReleased", "x": to_x, "y": to_y, **held})

    def wheel(self, x, y, delta):
        self.call("Input.dispatchMouseEvent", {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta})

    def press(self, key, times=1):
        code, text = KEYS.get(key) or (ord(key.upper()), key)
        what = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", {"type": "keyDown", **what})
            self.call("Input.dispatchKeyEvent", {"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def prefer(self, **features):
        """Set media features, ``prefers_color_scheme="dark"``."""
        found = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", {"features": found})
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")  # then it is told

    def screenshot(self, path):
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self):
        self.browser.call("Target.closeTarget", {"targetId": self.target})
        self.browser.forget(self)
