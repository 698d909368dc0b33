"""New data-key epochs begin under load, without a restart, and old files stay readable."""

import json
import random
import threading
import time
from urllib.parse import quote

from harness import layer_one, layer_two
from harness.load import Load
from harness.matrix import Client
from harness.suite import test

ROTATIONS = 3
DESTRUCTIONS = 8
SECONDS_TO_FINISH = 30


@test("data keys rotate under load, across kills", seconds=60)
def rotation(context):
    node = context.node().start()
    load = Load(node)
    epochs = []
    for number in range(ROTATIONS):
        load.begin(f"k{number}")
        target = load.history.acknowledged + 60
        assert load.history.wait_for(target, 30), f"the load stands still\n{node.log_tail()}"
        epochs.append(json.loads(node.cli("keys", "rotate", "--json").stdout)["epoch"])
        target = load.history.acknowledged + 60
        assert load.history.wait_for(target, 30), f"the load stands still\n{node.log_tail()}"
        node.kill()
        load.end()
        node.start()
        load.repeat_unanswered()
        load.check(node.port)
    assert epochs == sorted(set(epochs)), f"epochs do not rise: {epochs}"
    said = _keys(node)
    assert [row["epoch"] for row in said["data_epochs"]] == [1, *epochs], said
    assert said["current_data_epoch"] == epochs[-1], said
    by_epoch = {row["epoch"]: row for row in said["data_epochs"]}
    assert by_epoch[epochs[-1]]["files"] > 0, f"no file is under the newest key: {said}"
    assert sum(row["bytes"] for row in said["data_epochs"]) > 4_096, said
    assert node.cli("log", "verify").returncode == 0
    node.stop()
    node.start()
    load.check(node.port)
    load.close()
    node.stop()
    context.note(f"epochs {epochs}, {load.history.acknowledged} acknowledged")


@test("a damaged key ring file costs no data key while the node runs", seconds=60)
def damaged_ring(context):
    node = context.node().start()
    load = Load(node)
    folder = node.data / "keys"
    for number, name in enumerate(("KEYRING", "KEYRING.prev")):
        epoch = json.loads(node.cli("keys", "rotate", "--json").stdout)["epoch"]
        load.begin(f"r{number}")
        target = load.history.acknowledged + 60
        assert load.history.wait_for(target, 30), f"the load stands still\n{node.log_tail()}"
        path = folder / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        said = json.loads(node.cli("keys", "rotate", "--json").stdout)
        assert said["epoch"] == epoch + 1, said
        node.kill()
        load.end()
        # Damaged once more, so that the start has only one of the two.
        path.write_bytes(data)
        node.start()
        load.repeat_unanswered()
        load.check(node.port)
        assert "E-KEY-011" in node.log_text() or name != "KEYRING", "the damage is not told"
    epochs = [row["epoch"] for row in _keys(node)["data_epochs"]]
    assert epochs == [1, 2, 3, 4, 5], epochs
    load.close()
    node.stop()


@test("rotations without end: epochs that no file is under make room", seconds=120)
def many_epochs(context):
    bound = 256
    node = context.node(settings={"partitions": {"count": 2}}).start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room(name="kept")
    event = anna.send(room, "t1", "still here")
    epoch = 1
    while epoch < bound + 3:
        epoch = json.loads(node.cli("keys", "rotate", "--json").stdout)["epoch"]
    said = _keys(node)
    epochs = [row["epoch"] for row in said["data_epochs"]]
    assert len(epochs) <= bound and epochs[-1] == epoch, epochs
    by_epoch = {row["epoch"]: row for row in said["data_epochs"]}
    assert by_epoch[1]["files"] > 0, "what is in use was dropped, or nothing was under the first"
    node.kill()
    anna.close()
    node.start()
    found = anna.get(anna.room_path(room, f"event/{quote(event)}"))
    assert found["content"]["body"] == "still here", found
    assert node.cli("log", "verify").returncode == 0
    anna.close()
    node.stop()


@test("destroying keys under load ends well, whenever it is killed", seconds=120)
def destruction(context):
    node = context.node(settings={"partitions": {"count": 2}}).start()
    chance = random.Random(7)
    anna = Client.register(node.port, "anna")
    rooms = [anna.create_room(name=f"room {number}") for number in range(DESTRUCTIONS * 2)]
    anna.close()
    load = Load(node)
    longest = 0
    for number in range(DESTRUCTIONS):
        load.begin(f"d{number}")
        target = load.history.acknowledged + 30
        assert load.history.wait_for(target, 30), f"the load stands still\n{node.log_tail()}"
        # Two at once: they share a round, or the second gets its own.
        pair = rooms[number * 2 : number * 2 + 2]
        shredding = [threading.Thread(target=_shred, args=(node, room)) for room in pair]
        for thread in shredding:
            thread.start()
        # Anywhere in the round, which takes some hundred milliseconds.
        shredding[0].join(chance.uniform(0.0, 0.4))
        node.kill()
        load.end()
        for thread in shredding:
            thread.join()
        node.start()
        began = time.monotonic()
        for room in pair:
            node.cli("keys", "shred-room", room, "--yes")
        while (status := json.loads(node.cli("keys", "status", "--json").stdout))[
            "erasure"
        ] != "complete":
            assert time.monotonic() < began + SECONDS_TO_FINISH, f"{status}\n{node.log_tail()}"
        longest = max(longest, time.monotonic() - began)
        assert len(status["wrap_epochs"]) == 1, status
        load.repeat_unanswered()
        load.check(node.port)
    assert node.cli("log", "verify").returncode == 0
    node.cli("rebuild")
    load.close()
    node.stop()
    wraps = layer_two.wrap_keys(node)
    assert list(wraps) == status["wrap_epochs"], f"epochs in the key ring's files: {list(wraps)}"
    keys = layer_two.unwrap_all(layer_one.open_all(node), wraps)
    assert len(keys) > 100, f"only {len(keys)} keys open"
    context.note(
        f"{DESTRUCTIONS} kills, epoch {status['wrap_epochs'][0]}, done {longest:.1f} s after"
    )


def _shred(node, room):
    try:
        node.cli("keys", "shred-room", room, "--yes")
    except AssertionError:
        # The node was killed under it.
        pass


def _keys(node):
    return json.loads(node.cli("keys", "status", "--json").stdout)


@test("a data key that is old enough is rotated by itself", seconds=60)
def by_age(context):
    node = context.node(settings={"keys": {"rotation_days": 3}}).start()
    load = Load(node)
    assert _keys(node)["current_data_epoch"] == 1
    node.stop()
    layer_one.backdate(node, days=2)
    node.start()
    assert _keys(node)["current_data_epoch"] == 1, "two days are less than three"
    load.begin("young")
    assert load.history.wait_for(60, 30), f"the load stands still\n{node.log_tail()}"
    node.kill()
    load.end()
    layer_one.backdate(node, days=2)
    node.start()
    load.begin("old")
    said = _keys(node)
    assert said["current_data_epoch"] == 2, f"nothing was rotated: {said}\n{node.log_tail()}"
    assert load.history.wait_for(load.history.acknowledged + 60, 30), "the load stands still"
    old, new = said["data_epochs"]
    assert (old["epoch"], old["current"]) == (1, False) and new["current"], said
    assert old["created"] < new["created"] < said["next_rotation"], said
    text = node.log_text()
    assert text.count("a new data-key epoch") == 1, "rotated more or less than once"
    node.kill()
    load.end()
    node.start()
    load.repeat_unanswered()
    load.check(node.port)
    assert _keys(node)["current_data_epoch"] == 2, "the new epoch is young"
    load.close()
    node.stop()
