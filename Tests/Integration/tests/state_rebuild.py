"""The log is the truth: without the `state` database, and after restarts, answers are the same."""

import shutil

from harness import answers
from harness.scene import DATA_TYPES, Scene
from harness.suite import test


@test("a rebuilt state gives the same answers, byte for byte", seconds=90)
def state_rebuild(context):
    node = context.node().start()
    scene = Scene(node)
    before = answers.record(scene.clients, scene.rooms, DATA_TYPES)
    failed = [(key, value[0]) for key, value in before.items() if value[0] >= 500]
    assert not failed, failed[:3]
    again = answers.record(scene.clients, scene.rooms, DATA_TYPES)
    assert not answers.differences(before, again), "two askings differ without anything between"

    node.stop()
    node.start()
    _same(before, scene, "after a clean restart")
    node.kill()
    node.start()
    _same(before, scene, "after a kill")

    node.stop()
    state = node.data / "state"
    assert any(state.iterdir()), "there is no state database to delete"
    shutil.rmtree(state)
    node.start()
    _same(before, scene, "rebuilt from the log")
    assert any(state.iterdir()), "no state database was made"
    # What is rebuilt can be written to.
    anna = scene.clients[0]
    anna.send(scene.rooms[0], "after", "after the rebuild")
    node.stop()
    scene.close()
    context.note(f"{len(before)} answers of {len(scene.clients)} users")


def _same(before, scene, when):
    after = answers.record(scene.clients, scene.rooms, DATA_TYPES)
    found = answers.differences(before, after)
    assert not found, f"{len(found)} answers differ {when}:\n" + "\n".join(found[:5])


@test("`warbler rebuild` finds the live projections equal", seconds=60)
def rebuild_command(context):
    node = context.node().start()
    scene = Scene(node)
    before = answers.record(scene.clients, scene.rooms, DATA_TYPES)
    compared = node.cli("rebuild", "--json", check=False)
    assert compared.returncode == 0, f"it finds differences: {compared.stdout}{compared.stderr}"
    _same(before, scene, "after `warbler rebuild`")
    # A start folds the beginning of its terms into rows too: they must say the same.
    node.kill()
    node.start()
    compared = node.cli("rebuild", "--json", check=False)
    assert compared.returncode == 0, f"after a kill: {compared.stdout}{compared.stderr}"
    node.stop()
    compared = node.cli("rebuild", "--json", "--config", str(node.config), check=False)
    assert compared.returncode == 0, f"stopped: {compared.stdout}{compared.stderr}"
    scene.close()
