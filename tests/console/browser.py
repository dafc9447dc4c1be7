"""A real browser, driven over the pipe of its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/"""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The protocol's pipes are the descriptors 3 and 4 of the browser.
WITH_PIPES = """
import fcntl, os, sys
down, up = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(down, 3), os.dup2(up, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
SIZE = (1280, 900)
SECONDS = 30.0


class BrowserFault(Exception):
    """The browser refused, or what was waited for did not come."""


class Page:
    """One page of the browser, as somebody uses it: by its keys, its pointer and what it shows."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._rest, self._number = b"", 0
        # Errors and refusals of the content security policy that the page reported.
        self.faults: list[str] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride", width=SIZE[0], height=SIZE[1], deviceScaleFactor=1, mobile=False
        )

    def call(self, method: str, **parameters: Any) -> Any:
        """Calls a method of the protocol on the page."""
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        whole = json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        while whole:
            whole = whole[os.write(self._to, whole) :]
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise BrowserFault(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._from, 1 << 20)
            if not more:
                raise BrowserFault("the browser ended")
            self._rest += more
        whole, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(whole))

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.faults.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
        entry = parameters.get("entry", {})
        if event.get("method") == "Log.entryAdded" and entry.get("source") in {"security", "violation", "javascript"}:
            self.faults.append(entry["text"])

    def run(self, script: str) -> Any:
        """Returns the value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise BrowserFault(f"{script}: {found['exceptionDetails']['exception'].get('description')}")
        return found["result"].get("value")

    def open(self, url: str) -> None:
        """Opens an address."""
        self.call("Page.navigate", url=url)

    def wait(self, condition: str) -> Any:
        """Waits until an expression is true; returns its value."""
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            if value := self.run(condition):
                return value
            time.sleep(0.05)
        raise BrowserFault(f"{condition}: not after {SECONDS} s; the page says {self.text()[:600]!r}; {self.faults}")

    def wait_for_text(self, text: str) -> None:
        """Waits until the page shows a text, and nothing on it is being loaded."""
        self.wait(f"document.body?.innerText.includes({json.dumps(text)}) && !document.querySelector('[aria-busy]')")

    def text(self) -> str:
        """Returns what the page shows."""
        return str(self.run("document.body.innerText"))

    def click(self, selector: str) -> None:
        """Presses an element by the pointer."""
        self.run(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.run(f"(box => [box.x + box.width / 2, box.y + box.height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        """Writes a text into a field that holds none."""
        self.run(f"(field => {{field.focus(); field.select?.()}})(document.querySelector({json.dumps(selector)}))")
        self.call("Input.insertText", text=text)

    def choose(self, selector: str, value: str) -> None:
        """Chooses an option of a select."""
        chosen = f"document.querySelector({json.dumps(selector)})"
        self.run(
            f"{chosen}.value = {json.dumps(value)}; {chosen}.dispatchEvent(new Event('change', {{bubbles: true}}))"
        )

    def press(self, key: str, code: int = 0, text: str = "") -> None:
        """Presses a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text)

    def picture(self, path: Path, top: str | None = None) -> None:
        """Writes what the window shows as a PNG, from an element on."""
        scroll = f"document.querySelector({json.dumps(top)}).scrollIntoView()" if top else "scrollTo(0, 0)"
        self.run(scroll)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Runs a browser with a profile of its own until the context ends."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise BrowserFault(f"none of {', '.join(NAMES)} is installed")
    down, to_browser = os.pipe()
    from_browser, up = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", WITH_PIPES, str(down), str(up), program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(down, up),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(down)
        os.close(up)
        try:
            yield Page(to_browser, from_browser)
        finally:
            process.terminate()
            os.close(to_browser)
            os.close(from_browser)
