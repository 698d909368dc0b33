"""New data-key epochs begin under load, without a restart, and old files stay readable."""

import json

from harness.layer_one import backdate
from harness.load import Load
from harness.suite import test

ROTATIONS = 3


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


def _keys(node):
    return json.loads(node.cli("keys", "status", "--json").stdout)


@test("a data key that is old enough is rotated by itself", seconds=60)
def by_age(context):
    node = context.node(settings={"keys": {"rotation_days": 3}}).start()
    load = Load(node)
    assert _keys(node)["current_data_epoch"] == 1
    node.stop()
    backdate(node, days=2)
    node.start()
    assert _keys(node)["current_data_epoch"] == 1, "two days are less than three"
    load.begin("young")
    assert load.history.wait_for(60, 30), f"the load stands still\n{node.log_tail()}"
    node.kill()
    load.end()
    backdate(node, days=2)
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
