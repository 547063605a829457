"""Run Firefox and pass WebDriver BiDi messages on between it and Playwright.

    python tests/page/bidi_relay.py firefox-esr --headless --remote-debugging-port=0 …

Each message goes through as it is, but for two differences between Firefox ESR 153 and the
standard as Playwright 1.65 expects it:

- The answer to a command in `EXCUSED` that Firefox does not know: Playwright is told that it was
  carried out, since otherwise no context could be opened. It sets what `prefers-color-scheme` says,
  which stays light.
- The events of a download have no id: they get its address as one, since otherwise Playwright
  ignores them.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys

from aiohttp import ClientSession, WSMessage, web

EXCUSED = ("emulation.setMediaFeaturesOverride",)
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")


async def main() -> int:
    """Start it, say where the relay listens, as Firefox would, and end with it."""
    process = await asyncio.create_subprocess_exec(
        *sys.argv[1:], stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async for line in process.stderr:
        if found := LISTENS.search(line.decode(errors="replace")):
            break
        sys.stderr.buffer.write(line)
    else:
        return await process.wait()
    reading = asyncio.create_task(drained(process.stderr))
    runner = web.AppRunner(relay_to(found[1]))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(f"WebDriver BiDi listening on ws://127.0.0.1:{port}", file=sys.stderr, flush=True)
    code = await process.wait()
    await reading
    return code


async def drained(stream: asyncio.StreamReader) -> None:
    """Read what nobody needs, so that the pipe never fills."""
    while await stream.read(65_536):
        pass


def relay_to(address: str) -> web.Application:
    """A server whose one WebSocket is that of Firefox."""

    async def session(request: web.Request) -> web.WebSocketResponse:
        here = web.WebSocketResponse(max_msg_size=0)
        await here.prepare(request)
        excused: set[int] = set()

        async with (
            ClientSession() as client,
            client.ws_connect(f"{address}/session", max_msg_size=0) as there,
        ):

            async def answer() -> None:
                async for message in there:
                    await here.send_str(answered(message, excused))
                await here.close()

            answering = asyncio.create_task(answer())
            async for message in here:
                command = json.loads(message.data)
                if command["method"] in EXCUSED:
                    excused.add(command["id"])
                await there.send_str(message.data)
            await there.close()
            await answering
        return here

    app = web.Application()
    app.router.add_get("/session", session)
    return app


def answered(message: WSMessage, excused: set[int]) -> str:
    """What Playwright hears of a message of Firefox."""
    text = str(message.data)
    if '"unknown command"' not in text and '"browsingContext.download' not in text:
        return text
    heard = json.loads(text)
    if heard.get("error") == "unknown command" and heard.get("id") in excused:
        heard = {"type": "success", "id": heard["id"], "result": {}}
    elif str(heard.get("method")).startswith("browsingContext.download"):
        heard["params"].setdefault("download", heard["params"]["url"])
    return json.dumps(heard)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
