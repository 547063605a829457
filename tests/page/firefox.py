"""Firefox as the system has it, driven by Marionette, its own protocol: JSON over a socket.

Playwright drives only its own build of Firefox, which no package of a Linux distribution has.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

__all__ = ["PROGRAMS", "Firefox"]

PROGRAMS = ("firefox-esr", "firefox")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # as the WebDriver standard names a reference
PATIENCE = 60.0  # s, on a machine that does other things too
# No calls home; the random part of a port that another Firefox may have.
PREFERENCES = {
    "marionette.port": 0,
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "data:,",
}


class Firefox:
    """A window of Firefox without a screen, closed at the end of a ``with`` block."""

    def __init__(self, path: str) -> None:
        self._folder = TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        profile = Path(self._folder.name)
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        options = ["--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self._process = subprocess.Popen(
            [path, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._count = 0
        try:
            self._socket = socket.create_connection(("127.0.0.1", _port(profile)), PATIENCE)
            self._received()  # its greeting
            self._ask("WebDriver:NewSession", strictFileInteractability=False)
            self._ask("WebDriver:SetTimeouts", script=120_000)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Firefox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it does."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        if hasattr(self, "_socket"):
            self._socket.close()
        self._folder.cleanup()

    def goto(self, address: str) -> None:
        """Open an address and wait until it is loaded."""
        self._ask("WebDriver:Navigate", url=address)

    def evaluate(self, function: str, *arguments: object) -> Any:
        """What an (async) function of JavaScript returns, called with these arguments."""
        script = (
            "const done = arguments[arguments.length - 1];"
            f"Promise.resolve(({function})(...[...arguments].slice(0, -1)))"
            ".then((value) => done({ value: value ?? null }),"
            " (error) => done({ error: `${error}` }));"
        )
        found = self._ask(
            "WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), newSandbox=False
        )["value"]
        if "error" in found:
            raise AssertionError(found["error"])
        return found["value"]

    def wait_for(self, function: str, *arguments: object) -> Any:
        """The value of a function as soon as it is truthy."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(function, *arguments)):
            assert time.monotonic() < end, f"never true: {function}"
            time.sleep(0.05)
        return value

    def choose(self, selector: str, *files: Path) -> None:
        """Put files into an input of the page."""
        found = self._ask("WebDriver:FindElement", using="css selector", value=selector)
        element = found["value"][ELEMENT]
        text = "\n".join(str(file) for file in files)
        self._ask("WebDriver:ElementSendKeys", id=element, text=text)

    def _ask(self, command: str, **parameters: object) -> Any:
        self._count += 1
        message = json.dumps([0, self._count, command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._received()
        assert number == self._count
        assert error is None, f"{command}: {error}"
        return result

    def _received(self) -> Any:
        head = b""
        while not head.endswith(b":"):
            head += self._bytes(1)
        return json.loads(self._bytes(int(head[:-1])))

    def _bytes(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            part = self._socket.recv(count - len(found))
            assert part, "Firefox closed the connection"
            found += part
        return found


def _port(profile: Path) -> int:
    """The port that Firefox chose and wrote into its profile."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with suppress(OSError, ValueError):
            return int((profile / "MarionetteActivePort").read_text(encoding="ascii"))
        time.sleep(0.05)
    raise AssertionError("Firefox did not start")
