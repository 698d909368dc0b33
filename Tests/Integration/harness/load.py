"""Senders that keep a node busy and write down every answer, to be held against it later."""

import itertools
import random
import threading

from .history import History, Send, check_room, page_to_start
from .matrix import Client, Refused, now


class Latest:
    """A value one client sets again and again: what was answered, and what was tried since."""

    def __init__(self):
        self.answered = None
        self.open = []

    def check(self, found, what):
        allowed = [self.answered, *self.open]
        assert found in allowed, f"{what} is {found!r}; answered or tried: {allowed}"
        # Whatever stands now will stand until the next write.
        self.answered, self.open = found, []


class Sender(threading.Thread):
    """One user who sends to rooms in turn, and now and then sets a topic and account data."""

    def __init__(self, load, client, number):
        super().__init__(daemon=True)
        self.load = load
        self.client = client
        self.number = number
        self.failure = None

    def run(self):
        try:
            with self.client.twin() as client:
                for count in itertools.count():
                    if self.load.stopping or not self._one(client, count):
                        return
        except (AssertionError, Refused) as problem:
            self.failure = problem

    def _one(self, client, count):
        """Whether the node still answers."""
        load = self.load
        room = load.rooms[(self.number + count) % len(load.rooms)]
        transaction = f"{load.round}-{self.number}-{count}"
        send = Send(client.user, room, transaction, f"{transaction} {load.filling}", now())
        load.history.begin(send)
        try:
            load.history.acknowledge(send, client.send(room, transaction, send.body), now())
            if count % 7 == 3:
                value = {"v": transaction}
                latest = load.data[self.number]
                latest.open.append(value)
                client.set_account_data("org.warbler.test", value)
                latest.answered, latest.open = value, []
            if count % 9 == 4 and self.number < len(load.rooms):
                # Each room's topic has one writer, so that the last answer is the truth.
                value = {"topic": transaction}
                latest = load.topics[self.number]
                latest.open.append(value)
                client.set_state(load.rooms[self.number], "m.room.topic", value)
                latest.answered, latest.open = value, []
        except OSError:
            return False
        except Refused as refused:
            if refused.status == 503:  # Stopping: not acknowledged, so nothing was promised.
                return False
            raise
        return True


class Load:
    """Users, rooms, senders, and the checks of what they were told."""

    def __init__(self, node, senders=6, rooms=3, seed=1):
        self.history = History()
        self.random = random.Random(seed)
        self.round = "r0"
        self.filling = "x" * 200
        self.stopping = False
        self.running = []
        self.clients = [Client.register(node.port, f"sender{i}") for i in range(senders)]
        first = self.clients[0]
        self.rooms = []
        for i in range(rooms):
            # Everybody may set topics; the levels of the room's maker stand beside it.
            room = first.create_room(
                name=f"room {i}",
                preset="public_chat",
                power_level_content_override={"events": {"m.room.topic": 0}},
            )
            for client in self.clients[1:]:
                client.join(room)
            self.rooms.append(room)
        self.data = [Latest() for _ in self.clients]
        self.topics = [Latest() for _ in self.rooms]

    def begin(self, name):
        self.round = name
        self.stopping = False
        self.running = [Sender(self, client, number) for number, client in enumerate(self.clients)]
        for sender in self.running:
            sender.start()

    def end(self):
        """Waits for the senders, which end when the node no longer answers or `stopping` is set."""
        for sender in self.running:
            sender.join(60)
            assert (
                not sender.is_alive()
            ), "a sender hangs: its connection was neither answered nor ended"
        for sender in self.running:
            if sender.failure is not None:
                raise sender.failure
        self.running = []

    def repeat_unanswered(self):
        """Sends again, under the same transaction IDs, what got no answer; and a few that did."""
        by_user = {client.user: client for client in self.clients}
        open_sends = self.history.unanswered()
        told = self.history.snapshot()
        again = self.random.sample(told, min(5, len(told)))
        for send in open_sends + again:
            client = by_user[send.sender]
            self.history.acknowledge(
                send, client.send(send.room, send.transaction, send.body), now()
            )
        return len(open_sends)

    def check(self, port, sends=None, latest=True, complete=True):
        """Holds every room against the sends (all, unless given)."""
        sends = self.history.sends if sends is None else sends
        with self.clients[0].twin(port) as reader:
            for number, room in enumerate(self.rooms):
                events = page_to_start(reader, room)
                check_room(events, [send for send in sends if send.room == room], complete)
                if latest:
                    self.topics[number].check(self._topic(reader, room), f"the topic of {room}")
        if latest:
            for number, client in enumerate(self.clients):
                with client.twin(port) as reader:
                    try:
                        found = reader.account_data("org.warbler.test")
                    except Refused as refused:
                        assert refused.status == 404, refused
                        found = None
                    self.data[number].check(found, f"{client.user}'s account data")

    @staticmethod
    def _topic(reader, room):
        try:
            return {"topic": reader.state(room, "m.room.topic")["topic"]}
        except Refused as refused:
            assert refused.status == 404, refused
            return None

    def close(self):
        self.stopping = True
        for client in self.clients:
            client.close()
