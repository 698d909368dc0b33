"""With the disk and the root key, but no room's or user's key, nobody reads what people wrote."""

import hashlib
import json
from urllib.parse import quote

from harness import layer_one, layer_two, traces
from harness.matrix import Client
from harness.suite import test
from tests.canaries import mark

CANDIDATES = 10_000


@test("with the outer layer open, content is still sealed", seconds=60)
def inner_layer(context):
    node = context.node(settings={"partitions": {"count": 4}}).start()
    names = ("body", "room name", "display name", "account data", "password", "device name")
    marks = {name: mark(name.replace(" ", "")) for name in names}
    anna = Client.register(node.port, "anna", marks["password"])
    Client.login(node.port, anna.user, marks["password"], marks["device name"]).close()
    anna.put(
        f"/_matrix/client/v3/profile/{anna.user}/displayname",
        {"displayname": marks["display name"]},
    )
    rooms = [anna.create_room(name=marks["room name"]) for _ in range(2)]
    secret = f"candidate {CANDIDATES // 3}"
    for room in rooms:
        for number in range(20):
            anna.send(room, f"{room}{number}", "." * number + marks["body"])
        anna.send(room, f"{room}secret", secret)
    anna.set_account_data("org.warbler.note", {"note": marks["account data"]})
    marks["token"] = anna.token
    # Twice, so that there are tables as well as write-ahead logs.
    node.stop()
    node.start()
    anna.close()
    anna.send(rooms[0], "again", marks["body"])
    node.stop()

    opened = layer_one.open_all(node)
    everything = b"\n".join(opened.values())
    # Otherwise this would search through noise: IDs are clear in the inner layer.
    assert anna.user.encode() in everything, "the outer layer was not opened"
    found = [
        f"{path.relative_to(node.data)}: {what}"
        for path, plain in opened.items()
        for what in traces.find(plain, marks)
    ]
    assert not found, "readable with the outer keys alone:\n" + "\n".join(found[:20])

    # A guess at a short text is confirmed by no digest, before and after its key is destroyed.
    assert not _confirmed(opened), "a digest confirms a guess"
    node.start()
    node.cli("keys", "shred-room", rooms[0], "--yes")
    node.stop()
    opened = layer_one.open_all(node)
    assert not _confirmed(opened), "a digest confirms a guess at an erased text"
    size = sum(len(plain) for plain in opened.values())
    context.note(f"{len(opened)} files, {size >> 10} KiB opened, {CANDIDATES} candidates")


@test("a destroyed key is in no byte that is left", seconds=240)
def destroyed_keys(context):
    node = context.node(settings={"partitions": {"count": 2}}).start()
    anna = Client.register(node.port, "anna")
    gone, kept = anna.create_room(name="gone"), anna.create_room(name="kept")
    text = {room: f"what was said in {room[:6]}" for room in (gone, kept)}
    event = {room: anna.send(room, "t1", text[room]) for room in (gone, kept)}
    # Twice, so that there are tables and logs, live and overtaken.
    for _ in range(2):
        node.stop()
        node.start()
    anna.close()
    anna.send(gone, "t2", "more")
    node.stop()

    # An attack that finds nothing proves nothing, so first it finds both rooms.
    ids = {}
    for room in (gone, kept):
        ids[room], content = _break_in(node, room, event[room])
        assert content and text[room].encode() in content, f"the attack fails on {room}"
    opened, wraps = layer_one.open_all(node), layer_two.wrap_keys(node)
    tables = {path: plain for path, plain in opened.items() if path.suffix == ".sst"}
    assert layer_two.hunt(tables, wraps, ids[gone][0]), "the hunt through tables fails"

    node.start()
    answer = json.loads(node.cli("keys", "shred-room", gone, "--yes", "--json").stdout)
    assert answer["erasure"] == "unrecoverable", answer
    status = json.loads(node.cli("keys", "status", "--json").stdout)
    assert status["wrap_epochs"] == [2] and status["erasure"] == "complete", status
    for stop in (node.kill, node.stop):
        stop()
        opened, wraps = layer_one.open_all(node), layer_two.wrap_keys(node)
        assert list(wraps) == [2], f"epochs in the key ring's files: {list(wraps)}"
        keys = layer_two.unwrap_all(opened, wraps)
        assert len(keys) > 100, f"only {len(keys)} keys open"
        assert ids[gone][0] not in keys, "the destroyed key opens"
        assert not layer_two.hunt(opened, wraps, ids[gone][0]), "the destroyed key is left"
        sealed = layer_two.bodies(opened, event[gone])
        assert sealed, "the sealed body itself stays in the log"
        every = {key for found in keys.values() for key in found}
        for _, user, body in sealed:
            for user_key in keys[user]:
                for key in every:
                    found = layer_two.open_body(
                        body, key, user_key, gone, event[gone], "m.room.message"
                    )
                    assert found is None, f"opened: {found}"
        _, content = _break_in(node, kept, event[kept])
        assert text[kept].encode() in content, "the other room should open as before"
        node.start()
    assert node.cli("log", "verify").returncode == 0
    assert node.cli("rebuild").returncode == 0
    anna.close()
    found = anna.get(anna.room_path(kept, f"event/{quote(event[kept])}"))
    assert found["content"]["body"] == text[kept]
    node.stop()
    size = sum(len(plain) for plain in opened.values())
    context.note(f"{len(keys)} keys open, {size >> 10} KiB searched at every byte")


def _break_in(node, room, event):
    """((room key ID, user key ID), content or None) of an event, from what is on the disk."""
    opened, wraps = layer_one.open_all(node), layer_two.wrap_keys(node)
    keys = layer_two.unwrap_all(opened, wraps)
    ids, content = None, None
    for room_id, user_id, sealed in layer_two.bodies(opened, event):
        ids = (room_id, user_id)
        for room_key in keys.get(room_id, ()):
            for user_key in keys.get(user_id, ()):
                content = layer_two.open_body(
                    sealed, room_key, user_key, room, event, "m.room.message"
                )
                if content is not None:
                    # What stood near the event's ID before may have been another event's body.
                    return ids, content
    assert ids, f"event {event} is nowhere"
    return ids, content


def _confirmed(opened):
    """Candidates whose text's or content's SHA-256 stands anywhere, raw."""
    digests = {}
    for number in range(CANDIDATES):
        text = f"candidate {number}"
        content = json.dumps(
            {"body": text, "msgtype": "m.text"}, separators=(",", ":"), sort_keys=True
        )
        for form in (text, content):
            digests[hashlib.sha256(form.encode()).digest()] = text
    return [
        digests[plain[at : at + 32]]
        for plain in opened.values()
        for at in range(len(plain) - 31)
        if plain[at : at + 32] in digests
    ]
