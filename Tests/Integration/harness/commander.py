"""matrix-commander as a user runs it: its program, its arguments, its output."""

import asyncio
import json
import os
import shutil
import sys
import time
from pathlib import Path

from .history import Send
from .node import Missing


def program():
    """The program beside this Python, else the one in PATH."""
    beside = Path(sys.executable).parent / "matrix-commander"
    found = str(beside) if beside.exists() else shutil.which("matrix-commander")
    if not found:
        raise Missing("matrix-commander is not installed (requirements.txt)")
    return found


class Commander:
    """One user's commander: its folder with credentials and store, what it sent and heard."""

    def __init__(self, folder, url, user, password, room, history):
        self.folder = folder
        self.url = url
        self.user = user
        self.password = password
        self.room = room
        self.history = history
        self.heard = {}
        folder.mkdir()

    def _command(self, *words):
        return [
            program(), "--credentials", str(self.folder / "credentials.json"),
            "--store", str(self.folder / "store"), "--output", "json", *words,
        ]  # fmt: skip

    async def _spawn(self, *words, stdin=asyncio.subprocess.DEVNULL):
        # It keeps a file in its user's home, which shall not be the home of who runs the tests.
        environment = {**os.environ, "HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}
        return await asyncio.create_subprocess_exec(
            *self._command(*words), stdin=stdin, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=environment, limit=1 << 20,
        )  # fmt: skip

    async def run(self, *words, seconds=60):
        """Runs to the end and returns the lines of JSON printed."""
        process = await self._spawn(*words)
        try:
            output, errors = await asyncio.wait_for(process.communicate(), seconds)
        except asyncio.TimeoutError:
            process.kill()
            raise AssertionError(f"matrix-commander {words[0]} is not done after {seconds} s")
        assert process.returncode == 0, (
            f"matrix-commander {' '.join(words)} ended with {process.returncode}\n"
            f"{output.decode()}{errors.decode()}"
        )
        return _json_lines(output)

    async def login(self):
        await self.run(
            "--login", "password", "--homeserver", self.url, "--user-login", self.user,
            "--password", self.password, "--device", "commander", "--room-default", self.room,
        )  # fmt: skip

    async def say(self, *bodies):
        """Sends these texts one after another; all must be answered."""
        begun = time.monotonic()
        sends = [Send(self.user, self.room, None, body, begun) for body in bodies]
        for send in sends:
            self.history.begin(send)
        printed = await self.run("--message", *bodies, "--print-event-id")
        self._note_answers(sends, printed)
        assert all(send.event for send in sends), f"not all were answered: {printed}"
        return sends

    def _note_answers(self, sends, printed):
        waiting = {send.body: send for send in sends}
        for line in printed:
            if "event_id" in line and "message" in line:
                send = waiting[line["message"].strip()]
                self.history.acknowledge(send, line["event_id"], time.monotonic())

    async def stream(self, bodies):
        """Begins to send lines from its standard input, the next when one was answered."""
        process = await self._spawn(
            "--message", "_", "--print-event-id", stdin=asyncio.subprocess.PIPE
        )
        return Stream(self, process, bodies)

    async def listen(self):
        """Hears what is new since it last listened."""
        for line in await self.run("--listen", "once", "--listen-self"):
            event = line["source"]
            assert event["event_id"] not in self.heard, f"heard twice: {event['event_id']}"
            self.heard[event["event_id"]] = event

    async def check_listing(self, events):
        """Its own listing of the whole room shows the same messages in the same order."""
        listed = [
            line["source"]["event_id"]
            for line in await self.run("--listen", "all", "--listen-self")
            if line["source"]["type"] == "m.room.message"
        ]
        expected = [event["event_id"] for event in events if event["type"] == "m.room.message"]
        assert (
            listed == expected
        ), f"the commander lists {len(listed)} messages, nio {len(expected)}, or in another order"


class Stream:
    """A running commander that is fed line by line."""

    def __init__(self, commander, process, bodies):
        self.commander = commander
        self.process = process
        self.sends = []
        self.flows = asyncio.Event()
        self.errors = asyncio.create_task(process.stderr.read())
        self.feeding = asyncio.create_task(self._feed(bodies))

    async def _feed(self, bodies):
        for body in bodies:
            send = Send(self.commander.user, self.commander.room, None, body, time.monotonic())
            self.commander.history.begin(send)
            self.sends.append(send)
            self.process.stdin.write(body.encode() + b"\n")
            await self.process.stdin.drain()
            line = await self.process.stdout.readline()
            if not line:
                return
            self.commander._note_answers([send], _json_lines(line))
            if len(self.sends) >= 3:
                self.flows.set()

    async def end(self):
        """Closes its input and waits for its end; what was not answered stays open."""
        await asyncio.sleep(0)
        self.feeding.cancel()
        await asyncio.gather(self.feeding, return_exceptions=True)
        self.process.stdin.close()
        rest = await asyncio.wait_for(self.process.stdout.read(), 60)
        self.commander._note_answers(self.sends, _json_lines(rest))
        await asyncio.wait_for(self.process.wait(), 60)
        assert any(
            send.event for send in self.sends
        ), f"the commander was told of none of its sends\n{(await self.errors).decode()}"


def _json_lines(output):
    lines = []
    for line in output.decode().splitlines():
        if line.startswith("{"):
            lines.append(json.loads(line))
    return lines
