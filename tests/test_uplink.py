"""The Anvil example, against a stand-in that speaks the uplink's protocol.

Anvil's own server cannot be installed without the network: its launcher fetches a JAR when it
first starts. The uplink itself is the real one, in an environment of its own, because
`anvil-uplink` installs a top-level package `google`.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from PIL import Image

from bakeoff.bundle.panel import SideBySide, load
from bakeoff.data.image import to_png
from bakeoff.record.folder import RunFolder

from .examples import EXAMPLES, python_of
from .strokes import strokes

KEY = "server_AAAA-TEST"
PATIENCE = 60  # seconds


class StandIn:
    """One uplink that is connected, and what Anvil would send it."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.registered: set[str] = set()

    async def greet(self) -> None:
        """Check the key, and learn what the uplink offers."""
        hello = await self.socket.receive_json()
        assert hello == {"key": KEY, "v": 8}
        await self.socket.send_json({"auth": "OK", "priv": "uplink", "app-info": APP})
        while self.registered < {"predict", "picture"}:
            message = await self.socket.receive_json()
            assert message["type"] == "REGISTER"
            self.registered.add(message["name"])

    async def call(self, name: str, file: bytes) -> tuple[dict[str, Any], bytes]:
        """Call a function with a file in two chunks; its reply, and the file in the reply."""
        media = {"type": ["DataMedia"], "path": ["args", 0], "id": "m", "mime-type": "image/png"}
        call = {"type": "CALL", "id": name, "command": name, "kwargs": {}, "args": [None]}
        await self.socket.send_json({**call, "objects": [media]})
        half = len(file) // 2
        for number, chunk in enumerate((file[:half], file[half:])):
            header = {"type": "CHUNK_HEADER", "requestId": name, "mediaId": "m"}
            await self.socket.send_json(header | {"chunkIndex": number, "lastChunk": number == 1})
            await self.socket.send_bytes(chunk)
        return await self._reply(name)

    async def _reply(self, name: str) -> tuple[dict[str, Any], bytes]:
        reply: dict[str, Any] = {}
        blob, done = b"", False
        while not (reply and (done or not reply.get("objects"))):
            message = await self.socket.receive()
            if message.type == WSMsgType.BINARY:
                blob += message.data
                continue
            data = json.loads(message.data)
            if data.get("type") == "CHUNK_HEADER":
                done = data["lastChunk"]
                blob += (await self.socket.receive()).data
            elif data.get("id") == name:
                reply = data
        return reply, blob


APP = {"id": "APP", "branch": "master", "environment": {"description": "test"}}


def uplinked(run: RunFolder, talk: Callable[[StandIn], Awaitable[None]]) -> None:
    """Start the uplink over a run, and talk to it."""
    # First, since it skips the test without that environment: no server is to be left open.
    command = [python_of("anvil"), str(EXAMPLES / "anvil" / "uplink.py"), str(run.path)]

    async def all_of_it() -> None:
        talked = asyncio.get_running_loop().create_future()

        async def answer(request: web.Request) -> web.WebSocketResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            try:
                stand_in = StandIn(socket)
                await stand_in.greet()
                await talk(stand_in)
                talked.set_result(None)
            except BaseException as error:
                talked.set_exception(error)
            return socket

        application = web.Application()
        application.router.add_get("/uplink", answer)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        environment = {
            **os.environ,
            "ANVIL_UPLINK_KEY": KEY,
            "ANVIL_UPLINK_URL": f"ws://{host}:{port}/uplink",
        }
        process = await asyncio.create_subprocess_exec(*command, env=environment)
        try:
            await asyncio.wait_for(talked, PATIENCE)
        finally:
            process.kill()
            await process.wait()
            await runner.cleanup()

    asyncio.run(all_of_it())


def test_the_uplink_answers_in_plain_values_and_draws_why(finished: RunFolder) -> None:
    drawing = strokes(3).pictures[2]
    expected = load([finished.path]).predict(to_png(drawing))
    assert isinstance(expected, SideBySide)

    async def talk(anvil: StandIn) -> None:
        assert anvil.registered == {"predict", "picture"}
        reply, _ = await anvil.call("predict", to_png(drawing))
        assert reply["response"].keys() == expected.keys()
        for name, answer in reply["response"].items():
            (own,) = expected[name]
            assert answer["label"] == own.label
            assert answer["probability"] == pytest.approx(own.probability, abs=1e-5)
        reply, _ = await anvil.call("predict", b"no picture")
        assert "Save it as PNG" in reply["response"]["error"], reply
        reply, blob = await anvil.call("picture", to_png(drawing))
        assert reply["objects"][0]["mime-type"] == "image/png"
        with Image.open(io.BytesIO(blob)) as drawn:
            assert drawn.width > 300

    uplinked(finished, talk)
