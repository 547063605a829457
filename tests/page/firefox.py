"""Firefox as the system has it, driven by Playwright over WebDriver BiDi.

Playwright's own driver for Firefox needs its own build of Firefox, which no Linux distribution
packages. Its channel ``moz-firefox`` speaks WebDriver BiDi, the standard, which every Firefox
answers; so one test runs in both browsers, with the same clicks, keys and expectations. Marionette,
which these tests used before, is Firefox's own protocol: it needed a client and a second version
of each test.

Firefox ESR 153 lacks one command that Playwright 1.65 sends to each new context, so the program
that Playwright starts is `bidi_relay.py`, which excuses it. Hence no dark scheme in Firefox.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright

__all__ = ["firefox_program", "launch_firefox"]

PROGRAMS = ("firefox-esr", "firefox")
RELAY = Path(__file__).with_name("bidi_relay.py")
# No calls home; a camera of Firefox's own making, whose owner says yes at once. And no
# `ariaLabelledByElements`, which Playwright reads of every element and which ends Firefox ESR 153.
PREFERENCES: dict[str, str | float | bool] = {
    "accessibility.ARIAElementReflection.enabled": False,
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "data:,",
}


def firefox_program() -> str | None:
    """Where Firefox is, if it is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def launch_firefox(playwright: Playwright, program: str, folder: Path) -> Browser:
    """A Firefox without a screen; its start script goes into the folder."""
    script = folder / "firefox"
    command = shlex.join([sys.executable, str(RELAY), program])
    script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return playwright.firefox.launch(
        channel="moz-firefox", executable_path=script, firefox_user_prefs=PREFERENCES
    )
