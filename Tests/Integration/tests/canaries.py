"""What people write is on no disk, in no log and in no metric; and what wrong keys do."""

import hashlib
import os
import secrets
import shutil
import string
import subprocess
from pathlib import Path
from urllib.parse import quote

from harness import traces
from harness.history import page_to_start
from harness.matrix import Client, Refused
from harness.node import Missing, NotReady
from harness.suite import test

CONFIGURATION_STATUS = 78
PARTITIONS = 4


def mark(name):
    """A text that occurs nowhere by chance."""
    letters = string.ascii_lowercase + string.digits
    return f"{name}-" + "".join(secrets.choice(letters) for _ in range(24))


def hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def _fill(node, marks):
    """Leaves every marker with the server by the API; the room, and its events' IDs."""
    anna = Client.register(node.port, "anna", marks["password"])
    marks["token of registration"] = anna.token
    phone = Client.login(node.port, anna.user, marks["password"], marks["device name"])
    marks["token of login"] = phone.token
    ben = Client.register(node.port, "ben")
    profile = f"/_matrix/client/v3/profile/{quote(anna.user)}/displayname"
    anna.put(profile, {"displayname": marks["display name"]})
    room = anna.create_room(name=marks["room name"], topic=marks["topic"], invite=[ben.user])
    ben.join(room)
    events = []
    for number in range(40):
        # The body at every alignment, and long enough for whatever compresses or pads.
        events.append(anna.send(room, f"t{number}", "." * number + marks["body"]))
    anna.set_account_data("org.warbler.note", {"note": marks["account data"]})
    anna.put(
        f"/_matrix/client/v3/user/{quote(anna.user)}/rooms/{quote(room)}/account_data/org.x",
        {"note": marks["room account data"]},
    )
    anna.set_state(room, "org.warbler.state", {"value": marks["state content"]})
    anna.post(
        f"/_matrix/client/v3/user/{quote(anna.user)}/filter",
        {"room": {"timeline": {"types": [marks["filter"]]}}},
    )
    anna.put(
        anna.room_path(room, f"redact/{quote(events[0])}/r1"), {"reason": marks["redaction reason"]}
    )
    ben.post(ben.room_path(room, "leave"), {"reason": marks["leave reason"]})
    # What is refused is written down nowhere either.
    try:
        Client.login(node.port, anna.user, marks["wrong password"])
        raise AssertionError("a wrong password was accepted")
    except Refused as refused:
        assert refused.status == 403, refused
    anna.connection.request(
        "GET", f"/_matrix/client/v3/account/whoami?access_token={marks['token in a query']}"
    )
    anna.connection.request("GET", f"/_matrix/client/v3/{marks['unknown path']}")
    return anna, room, events


@test("what people write is in no file, log or metric", seconds=90)
def canaries(context):
    names = (
        "body", "room name", "topic", "display name", "account data", "room account data",
        "password", "device name", "state content", "filter", "redaction reason", "leave reason",
        "wrong password", "token in a query", "unknown path",
    )  # fmt: skip
    marks = {name: mark(name.replace(" ", "")) for name in names}
    # A positive control: the search finds what is there, in each form.
    for text in list(marks.values())[:3]:
        for form, pattern in traces.forms(text).items():
            assert traces.find(b"\x00" + pattern + b"\x00", {"m": text}), form
    node = context.node(
        settings={"logging": {"level": "trace"}, "partitions": {"count": PARTITIONS}}
    ).start()
    anna, room, events = _fill(node, marks)
    metrics = node.metrics_text().encode()
    found = [f"/metrics: {what}" for what in traces.find(metrics, marks)]
    core = [
        line for line in Path(f"/proc/{node.pid}/limits").read_text().splitlines()
        if line.startswith("Max core file size")
    ]  # fmt: skip
    assert core[0].split()[4:6] == ["0", "0"], f"core files are possible: {core[0]}"
    folders = [node.data, node.log_folder, node.config_folder]
    running, _ = traces.search_files(folders, marks, [node.key])
    # Once more after a kill (what only the next start would sweep), and after a clean stop.
    node.kill()
    killed, _ = traces.search_files(folders, marks, [node.key])
    node.start()
    node.stop()
    stopped, size = traces.search_files(folders, marks, [node.key])
    found += running + killed + stopped
    assert not found, "markers found:\n" + "\n".join(found[:20])
    inspected = _inspect(node)
    found = traces.find(inspected, marks)
    assert not found, f"log inspect shows, unasked: {found}"
    node.start()
    with anna:
        texts = [e["content"].get("body", "") for e in page_to_start(anna, room)]
        assert sum(marks["body"] in text for text in texts) == len(events) - 1
    node.stop()
    context.note(f"{len(marks)} markers in {len(traces.forms('x' * 9))} forms, {size >> 10} KiB")


def _inspect(node):
    """The output of `log.inspect`, content not asked for, of every partition."""
    output = b""
    for partition in range(PARTITIONS + 1):
        done = node.offline("log.inspect", {"partition": partition, "from": 1, "count": 200})
        assert done.returncode == 0, f"log.inspect {partition}: {done.stdout}{done.stderr}"
        output += done.stdout.encode()
    assert output.count(b"index") > 50, f"hardly anything is listed: {output[:500]}"
    return output


@test("another process of the server's own user cannot look into its memory", seconds=30)
def memory(context):
    # Root may look everywhere; without its capabilities it is a user like others.
    plain = []
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            raise Missing("setpriv is not installed (util-linux)")
        plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]

    def look(pid):
        words = [*plain, "head", "-c", "1", f"/proc/{pid}/environ"]
        return subprocess.run(words, capture_output=True, text=True)

    node = context.node()
    node.wrapper = plain
    node.start()
    control = subprocess.Popen([*plain, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        # It answers once it is itself.
        control.stdin.write(b"x")
        control.stdin.flush()
        assert control.stdout.read(1) == b"x"
        seen = look(control.pid)
        assert seen.returncode == 0, f"the control is closed too: {seen.stderr}"
    finally:
        control.stdin.close()
        control.wait()
    refused = look(node.pid)
    assert refused.returncode != 0 and "ermission denied" in refused.stderr, (
        f"its memory is open: {refused}"
    )
    node.stop()


@test("a wrong root key is refused by name and changes nothing", seconds=60)
def wrong_keys(context):
    node = context.node().start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room(name="kept")
    event = anna.send(room, "t1", "still here")
    node.stop()
    right = node.key.read_text().strip()
    before = hashes(node.data)
    _expect_refusal(node, "E-KEY-010", lambda: node.write_key(secrets.token_hex(32)))
    assert hashes(node.data) == before, "the data was touched with a wrong key"
    _expect_refusal(node, "E-KEY-001", node.key.unlink)
    assert hashes(node.data) == before, "the data was touched without a key"

    def readable_by_all():
        node.write_key(right)
        node.key.chmod(0o644)

    _expect_refusal(node, "E-KEY-002", readable_by_all)
    assert hashes(node.data) == before, "the data was touched with a readable key"
    node.key.chmod(0o600)
    node.start()
    anna.connection.close()
    found = anna.get(anna.room_path(room, f"event/{quote(event)}"))
    assert found["content"]["body"] == "still here"
    node.stop()


def _expect_refusal(node, code, change):
    change()
    length = len(node.log_text())
    try:
        node.start()
        raise AssertionError(f"the node started although {code} was due")
    except NotReady as refusal:
        assert refusal.status == CONFIGURATION_STATUS, f"exit status {refusal.status}, not 78"
    said = node.log_text()[length:]
    assert code in said, f"{code} is not named: {said[-500:]}"


@test("a destroyed room key erases the room everywhere", seconds=60)
def shredding(context):
    node = context.node().start()
    anna = Client.register(node.port, "anna")
    ben = Client.register(node.port, "ben")
    gone = anna.create_room(name="to be forgotten", preset="public_chat")
    kept = anna.create_room(name="to be kept", preset="public_chat")
    sent = {}
    for room in (gone, kept):
        ben.join(room)
        sent[room] = [anna.send(room, f"{room}{i}", f"the same text {i}") for i in range(10)]
    node.cli("keys", "shred-room", gone, "--yes")
    for restarted in (False, True):
        for reader in (anna, ben):
            _check_erased(reader, gone, sent[gone])
            events = {event["event_id"]: event for event in page_to_start(reader, kept)}
            for number, event_id in enumerate(sent[kept]):
                assert events[event_id]["content"]["body"] == f"the same text {number}"
            reader.sync(full_state=True)
        verified = node.cli("log", "verify")
        assert verified.returncode == 0, verified.stdout
        if not restarted:
            node.stop()
            done = node.offline("log.verify")
            assert done.returncode == 0, done.stdout + done.stderr
            node.start()
            for reader in (anna, ben):
                reader.close()
    node.stop()


def _check_erased(reader, room, ids):
    events = page_to_start(reader, room)
    places = {event["event_id"]: event for event in events}
    for event_id in ids:
        event = places[event_id]
        assert event["content"] == {}, f"not erased: {event}"
        assert event.get("unsigned", {}).get("io.warbler.erased") is True, event
        single = reader.get(reader.room_path(room, f"event/{quote(event_id)}"))
        assert single["content"] == {}, f"not erased: {single}"
    names = [event for event in events if event["type"] == "m.room.name"]
    assert all("name" not in event["content"] for event in names), names
