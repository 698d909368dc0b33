"""Two published clients talk through a node that is killed in the middle of it.

alice uses matrix-nio, bob matrix-commander, both unmodified. For what they say and hear this file
builds no Matrix request: it calls nio's methods and runs the commander's program.
"""

import asyncio
import itertools
import time

from harness.commander import Commander
from harness.history import History, Send, check_room
from harness.node import Missing
from harness.suite import test

try:
    import nio
except ImportError:
    nio = None

PASSWORD = "correct horse battery"
BURST = 40


class Alice:
    """A nio client, what it sent and what it heard."""

    def __init__(self, node, scratch, history, name="alice", store="alice-store"):
        folder = scratch / store
        folder.mkdir()
        # A send that gets no answer shall fail, so that the test repeats it by its own choice.
        config = nio.AsyncClientConfig(max_timeouts=0, max_limit_exceeded=0, store_sync_tokens=True)
        self.client = nio.AsyncClient(node.url, name, store_path=str(folder), config=config)
        self.history = history
        self.heard = {}
        self.news = asyncio.Condition()
        self.listening = None
        self.numbers = itertools.count(1)
        self.client.add_event_callback(self._hear, nio.RoomMessageText)

    async def _hear(self, room, event):
        async with self.news:
            assert event.event_id not in self.heard, f"heard twice: {event.event_id}"
            self.heard[event.event_id] = event.source
            self.news.notify_all()

    async def wait_to_hear(self, ids, seconds=30):
        async with self.news:
            async with asyncio.timeout(seconds):
                await self.news.wait_for(lambda: set(ids) <= self.heard.keys())

    def listen(self):
        self.listening = asyncio.create_task(self.client.sync_forever(timeout=20_000))

    async def stop_listening(self):
        """Ends the sync loop, whether it still runs or the node's end has ended it."""
        self.listening.cancel()
        await asyncio.gather(self.listening, return_exceptions=True)

    async def say(self, room, body, transaction=None):
        """Sends under a transaction ID known to the test; the send, answered or not."""
        number = next(self.numbers)
        send = Send(
            self.client.user_id, room, transaction or f"alice-{number}", body, time.monotonic()
        )
        self.history.begin(send)
        await self.repeat(send)
        return send

    async def repeat(self, send):
        try:
            answer = await self.client.room_send(
                send.room, "m.room.message", {"msgtype": "m.text", "body": send.body},
                tx_id=send.transaction,
            )  # fmt: skip
        except OSError:
            return  # No answer: whether it happened is open.
        except asyncio.TimeoutError:
            return
        if isinstance(answer, nio.RoomSendResponse):
            self.history.acknowledge(send, answer.event_id, time.monotonic())


def good(answer, kind):
    assert isinstance(answer, kind), f"expected {kind.__name__}, got {answer}"
    return answer


@test("a conversation by nio and commander survives kill -9", seconds=150)
def conversation(context):
    if nio is None:
        raise Missing("matrix-nio is not installed (requirements.txt)")
    asyncio.run(_conversation(context))


async def _conversation(context):
    node = context.node().start()
    history = History()

    # Registering and logging in.
    alice = Alice(node, context.scratch, history)
    good(await alice.client.register("alice", PASSWORD), nio.RegisterResponse)
    await alice.client.close()
    alice = Alice(node, context.scratch, history, store="alice-second-store")
    good(await alice.client.login(PASSWORD, device_name="desk"), nio.LoginResponse)
    registering = Alice(node, context.scratch, history, "bob", "bob-registration")
    good(await registering.client.register("bob", PASSWORD), nio.RegisterResponse)
    bob_id = registering.client.user_id
    await registering.client.close()
    wrong = Alice(node, context.scratch, history, "bob", "bob-wrong")
    refused = good(await wrong.client.login("not the password"), nio.LoginError)
    assert refused.status_code == "M_FORBIDDEN", refused
    await wrong.client.close()

    # A room, an invitation, a join.
    created = await alice.client.room_create(name="Harbour", topic="Birds and boats")
    room = good(created, nio.RoomCreateResponse).room_id
    good(await alice.client.room_invite(room, bob_id), nio.RoomInviteResponse)
    bob = Commander(context.scratch / "bob", node.url, bob_id, PASSWORD, room, history)
    await bob.login()
    await bob.run("--room-join", room)
    good(await alice.client.sync(full_state=True), nio.SyncResponse)
    members = good(await alice.client.joined_members(room), nio.JoinedMembersResponse)
    assert {member.user_id for member in members.members} == {alice.client.user_id, bob_id}

    # Talking both ways.
    alice.listen()
    first = [await alice.say(room, f"hello from alice {i} ⛵") for i in range(3)]
    assert all(send.event for send in first), "a send was not answered"
    await bob.listen()
    assert {send.event for send in first} <= bob.heard.keys(), "bob did not hear alice"
    second = await bob.say("hello from bob 1", "hello from bob 2 🐦")
    await alice.wait_to_hear([send.event for send in first + second])

    # Killed while both send.
    stream = await bob.stream(f"bob in the storm {i}" for i in itertools.count())
    await asyncio.wait_for(stream.flows.wait(), 60)
    storm = asyncio.gather(
        *(alice.say(room, f"alice in the storm {i}") for i in range(BURST)),
        *(_keep_talking(alice, room, line) for line in range(3)),
    )
    so_far = history.acknowledged
    reached = await asyncio.to_thread(history.wait_for, so_far + BURST + 10, 60)
    assert reached, "the sends were not answered"
    node.kill()
    await storm
    await stream.end()
    await alice.stop_listening()
    told_before = history.snapshot()

    # After the restart everybody goes on.
    node.start()
    unanswered = [send for send in history.unanswered() if send.sender == alice.client.user_id]
    for send in unanswered:
        await alice.repeat(send)
        assert send.event, f"{send.transaction} was not answered when repeated"
    for send in told_before[-5:]:
        if send.sender == alice.client.user_id:
            await alice.repeat(send)  # The history refuses another event ID.
    alice.listen()
    await bob.listen()
    last = await bob.say("after the storm")
    last.append(await alice.say(room, "all is well"))
    await alice.wait_to_hear([send.event for send in last])
    await bob.listen()
    assert last[-1].event in bob.heard, "bob did not hear alice after the restart"
    await alice.stop_listening()
    await alice.client.close()

    # A fresh login pages to the start.
    fresh = Alice(node, context.scratch, history, store="alice-third-store")
    good(await fresh.client.login(PASSWORD, device_name="new"), nio.LoginResponse)
    events = await _page_to_start(fresh.client, room)
    await fresh.client.close()
    check_room(events, history.sends)
    _check_same(events, alice.heard, history, alice.client.user_id)
    _check_same(events, bob.heard, history, bob_id)
    kinds = {event["type"] for event in events}
    assert {"m.room.create", "m.room.name", "m.room.member"} <= kinds, kinds
    await bob.check_listing(events)
    context.note(f"{history.acknowledged} acknowledged, {len(unanswered)} repeated")
    node.stop()


async def _keep_talking(alice, room, line):
    """Sends one after another until an answer stays away."""
    for i in itertools.count():
        send = await alice.say(room, f"alice goes on, line {line}, {i}")
        if send.event is None:
            return


async def _page_to_start(client, room):
    """Every event of the room, oldest first, from the newest sync token back."""
    synced = good(await client.sync(full_state=True), nio.SyncResponse)
    events, token = [], synced.next_batch
    while token:
        page = good(
            await client.room_messages(room, start=token, limit=37), nio.RoomMessagesResponse
        )
        events += [event.source for event in page.chunk]
        token = page.end if page.chunk else None
    return events[::-1]


def _check_same(events, heard, history, user):
    """What a client heard, and what it was told of its own sends, is what the history shows."""
    by_id = {event["event_id"]: event for event in events}
    places = {event["event_id"]: index for index, event in enumerate(events)}
    for event_id, source in heard.items():
        assert event_id in by_id, f"{user} heard {event_id}, which the history does not have"
        same = by_id[event_id]
        assert (source["sender"], source["content"]) == (same["sender"], same["content"])
    order = [places[event_id] for event_id in heard]
    assert order == sorted(order), f"{user} heard in another order than the history has"
    for send in history.snapshot():
        if send.sender == user:
            assert send.event in by_id, f"{user} was told {send.event}, which is not there"
