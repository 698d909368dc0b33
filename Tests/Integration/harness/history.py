"""What clients were told about their sends, and whether a room's history keeps every word."""

import threading
from urllib.parse import quote


class Send:
    """One message under its transaction ID. `event` is None until it was acknowledged."""

    __slots__ = ("sender", "room", "transaction", "body", "begun", "ended", "event")

    def __init__(self, sender, room, transaction, body, begun):
        self.sender = sender
        self.room = room
        self.transaction = transaction
        self.body = body
        self.begun = begun
        self.ended = None
        self.event = None


class History:
    """All sends of a test, from many threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.grew = threading.Condition(self.lock)
        self.sends = []
        self.acknowledged = 0

    def begin(self, send):
        with self.lock:
            self.sends.append(send)

    def acknowledge(self, send, event, ended):
        with self.grew:
            if send.event is None:
                self.acknowledged += 1
            assert send.event in (
                None,
                event,
            ), f"{send.transaction} was answered {send.event}, and later {event}"
            send.event = event
            send.ended = send.ended or ended
            self.grew.notify_all()

    def wait_for(self, count, seconds):
        """Until so many sends are acknowledged in all; whether that came about."""
        with self.grew:
            return self.grew.wait_for(lambda: self.acknowledged >= count, seconds)

    def snapshot(self):
        """The sends acknowledged by now."""
        with self.lock:
            return [send for send in self.sends if send.event is not None]

    def unanswered(self):
        with self.lock:
            return [send for send in self.sends if send.event is None]


def check_room(events, sends, complete=True):
    """Holds a room's whole history (oldest first) against what its senders were told.

    Every acknowledged send is there once, under the ID of its answer and with its content; a send
    that began after another was answered comes after it; no transaction appears twice. With
    `complete`, nothing is there that nobody sent.
    """
    ids = [event["event_id"] for event in events]
    assert len(ids) == len(set(ids)), "an event ID appears twice in the history"
    place = {event_id: index for index, event_id in enumerate(ids)}
    bodies = {}
    for event in events:
        if event["type"] == "m.room.message":
            bodies.setdefault((event["sender"], event["content"].get("body")), []).append(event)
    twice = [key for key, found in bodies.items() if len(found) > 1]
    assert not twice, f"sent once, there more than once: {twice[:3]}"
    told = [send for send in sends if send.event is not None]
    for send in told:
        assert (
            send.event in place
        ), f"lost: {send.event}, acknowledged for {send.transaction} of {send.sender}"
        event = events[place[send.event]]
        assert (
            event["sender"] == send.sender and event["content"].get("body") == send.body
        ), f"{send.event} holds other content than was sent: {event}"
    # In order of places, no send may have begun after the end of a later-placed one.
    latest_begin = None
    for send in sorted(
        (send for send in told if send.ended is not None), key=lambda send: place[send.event]
    ):
        if latest_begin is not None and send.ended < latest_begin.begun:
            raise AssertionError(
                f"order: {latest_begin.event} began after {send.event} was answered, but is before"
            )
        if latest_begin is None or send.begun > latest_begin.begun:
            latest_begin = send
    if complete:
        known = {(send.sender, send.body) for send in sends}
        strangers = [key for key in bodies if key not in known]
        assert not strangers, f"nobody sent these: {strangers[:3]}"


def page_to_start(client, room, limit=200, start=None):
    """The room's whole history by /messages, oldest first."""
    events, token, pages = [], start, 0
    while True:
        path = f"/_matrix/client/v3/rooms/{quote(room)}/messages?dir=b&limit={limit}"
        if token:
            path += f"&from={quote(token)}"
        answer = client.get(path)
        events += answer["chunk"]
        pages += 1
        assert pages < 100_000, "paging does not end"
        token = answer.get("end")
        if not token:
            return events[::-1]
