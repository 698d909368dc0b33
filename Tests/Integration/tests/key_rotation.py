"""New data-key epochs begin under load, without a restart, and old files stay readable."""

import json

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
    node.cli("keys", "status")
    assert node.cli("log", "verify").returncode == 0
    node.stop()
    node.start()
    load.check(node.port)
    load.close()
    node.stop()
    context.note(f"epochs {epochs}, {load.history.acknowledged} acknowledged")
