"""A log that lost records: refused by name, named by `log verify`, and given up only on demand."""

import json
import re

from harness.history import page_to_start
from harness.matrix import Client
from harness.node import NotReady
from harness.suite import test

DAMAGED_STATUS = 74
SETTINGS = {"partitions": {"count": 4}}


def _refused(node, code):
    """Starts, and expects the daemon to end with this code, having changed nothing."""
    node.log.unlink(missing_ok=True)
    try:
        node.start(seconds=30)
    except NotReady as refusal:
        assert refusal.status == DAMAGED_STATUS, refusal
        text = node.log_text()
        assert code in text, f"{code} is not named\n{node.log_tail()}"
        assert "accept-loss" in text, f"the way out is not named\n{node.log_tail()}"
        return
    raise AssertionError(f"it starts, although the log lost records\n{node.log_tail()}")


def _log(node, *words, status):
    done = node.cli("log", *words, "--config", str(node.config), check=False, timeout=120)
    said = f"{words} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode == status, said
    return done


def _verify(node, status):
    return json.loads(_log(node, "verify", "--json", status=status).stdout)


def _talk(client, room, name, count):
    return [client.send(room, f"{name}{n}", f"{name} {n}") for n in range(count)]


def _prepare(context):
    """A node with a first conversation that lies deep and a second one at the log's end."""
    node = context.node(settings=SETTINGS).start()
    anna, ben = Client.register(node.port, "anna"), Client.register(node.port, "ben")
    room = anna.create_room(preset="public_chat", name="Before")
    ben.join(room)
    early = _talk(anna, room, "early", 20)
    node.stop()
    node.start()
    late = _talk(ben, room, "late", 20)
    return node, (anna, ben), room, early, late


def _goes_on(node, clients, room, early, late):
    """The node serves what was before the loss, takes new things, and keeps them."""
    anna, ben = clients
    there = [event["event_id"] for event in page_to_start(anna, room)]
    assert [event for event in there if event in early] == early, "the early conversation is gone"
    kept = [event for event in there if event in late]
    assert kept == late[: len(kept)], "what is left of the late conversation is not its beginning"
    cleo = Client.register(node.port, "cleo")
    cleo.join(room)
    joined = cleo.sync(full_state=True)["rooms"]["join"]
    assert room in joined, "a join after the loss does not reach the sync"
    other = cleo.create_room(invite=[anna.user], preset="private_chat")
    anna.join(other)
    after = _talk(anna, room, "after", 5) + _talk(ben, room, "again", 5)
    node.kill()
    node.start()
    there = {event["event_id"] for event in page_to_start(cleo, room)}
    assert set(after) <= there, "what was sent after the loss is gone"
    assert set(anna.sync(full_state=True)["rooms"]["join"]) == {room, other}
    assert json.loads(node.cli("log", "verify", "--json").stdout)["damaged"] == []
    compared = node.cli("rebuild", "--json", check=False)
    assert compared.returncode == 0, f"rows and log differ: {compared.stdout}{compared.stderr}"
    cleo.close()
    return kept


@test("a log whose end is cut off is refused, named, and given up on demand", seconds=90)
def lost_end(context):
    node, clients, room, early, late = _prepare(context)
    node.kill()
    # The write-ahead log of the last run holds its end.
    wal = max((node.data / "log").glob("*.log"), key=lambda path: path.name)
    size = wal.stat().st_size
    with open(wal, "r+b") as file:
        file.truncate(size - (size - 4096) // 3)

    _refused(node, "E-NODE-AMNESIA")
    _refused(node, "E-NODE-AMNESIA")  # Refusing it once does not make it right.
    damaged = _verify(node, status=2)["damaged"]
    words = [row["word"] for row in damaged]
    assert words, damaged
    assert all(re.fullmatch(r"(\d+|keys):(\d+-\d+|promise)", word) for word in words), words

    said = _log(node, "accept-loss", status=1)
    assert all(word in said.stderr for word in words), said.stderr
    _log(node, "accept-loss", "--yes-lose", "1:1-1", status=1)
    done = node.offline("log.accept-loss", {"words": []})
    assert done.returncode == 1 and "E-LOG-UNCONFIRMED" in done.stdout, done.stdout + done.stderr
    _refused(node, "E-NODE-AMNESIA")
    assert _verify(node, status=2)["damaged"] == damaged, "a refused acceptance changed something"

    done = _log(node, "accept-loss", "--yes-lose", *words, status=0)
    assert "a loss was accepted" in done.stderr, done.stderr
    assert _verify(node, status=0)["damaged"] == []
    partition = words[0].split(":")[0]
    kinds = [
        (row["kind"], row.get("lost"))
        for row in json.loads(
            _log(node, "inspect", partition, "--count", "1000", "--json", status=0).stdout
        )["records"]
    ]
    assert "lossAccepted" in [kind for kind, _ in kinds], kinds[-5:]
    assert f"{partition}:{dict(kinds)['lossAccepted']}" in [*words, f"{partition}:None"], kinds

    node.start()
    kept = _goes_on(node, clients, room, early, late)
    assert len(kept) < len(late), "nothing was lost: the test cut nothing off"
    node.stop()
    context.note(f"{len(words)} partitions, {len(late) - len(kept)} of {len(late)} sends given up")


@test("a log without its mark is refused, and goes on when the operator says so", seconds=60)
def lost_mark(context):
    node, clients, room, early, late = _prepare(context)
    node.stop()
    (node.data / "mark").unlink()
    _refused(node, "E-NODE-MARK")
    _refused(node, "E-NODE-MARK")
    assert [row["word"] for row in _verify(node, status=2)["damaged"]] == ["mark"]
    _log(node, "accept-loss", "--yes-lose", "mark", status=0)
    node.start()
    kept = _goes_on(node, clients, room, early, late)
    assert kept == late, "nothing was missing, and something is"
    # The new mark remembers: the same again is noticed again.
    node.stop()
    (node.data / "mark").unlink()
    _refused(node, "E-NODE-MARK")


@test("a loss is accepted on a stopped node only, and only where there is one", seconds=30)
def nothing_lost(context):
    node = context.node(settings=SETTINGS).start()
    done = node.cli("log", "accept-loss", "--yes-lose", "1:1-1", check=False)
    assert done.returncode == 1 and "E-NODE-LOCKED" in done.stderr, done.stderr
    node.stop()
    done = _log(node, "accept-loss", "--yes-lose", "1:1-1", status=1)
    assert "E-LOG-SOUND" in done.stderr, done.stderr
    _log(node, "accept-loss", status=1)
    node.start()
    node.stop()
