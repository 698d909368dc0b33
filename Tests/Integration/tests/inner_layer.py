"""With the disk and the root key, but no room's or user's key, nobody reads what people wrote."""

import hashlib
import json

from harness import layer_one, traces
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
