"""The log is the truth: without the `state` database, and after restarts, answers are the same."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

from harness import answers
from harness.matrix import Client
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


@test("rebuilds at once, and beside a destroyed key, find nothing wrong", seconds=90)
def rebuilds_at_once(context):
    node = context.node().start()
    scene = Scene(node)
    anna = scene.clients[0]
    rooms = [anna.create_room(name=f"room {number}") for number in range(4)]

    def rebuild(_):
        return node.cli("rebuild", "--json", check=False)

    compared = refused = 0
    for room in rooms:
        with ThreadPoolExecutor() as pool:
            running = [pool.submit(rebuild, number) for number in range(3)]
            node.cli("keys", "shred-room", room, "--yes")
        for done in (one.result() for one in running):
            if done.returncode == 0:
                compared += 1
            else:
                assert "already" in done.stderr, f"{done.returncode} {done.stdout}{done.stderr}"
                refused += 1
    assert compared >= len(rooms) and refused, f"{compared} compared, {refused} refused"
    node.kill()
    # What a run leaves that is killed goes at the next start.
    left = node.data / "rebuild-1"
    left.mkdir()
    (left / "000001.sst").write_bytes(b"x")
    node.start()
    assert not list(node.data.glob("rebuild-*")), list(node.data.iterdir())
    node.stop()
    scene.close()
    context.note(f"{compared} compared, {refused} refused")


@test("`warbler rebuild` names the first row that is not what the log says", seconds=60)
def rebuild_differs(context):
    node = context.node(settings={"partitions": {"count": 4}}).start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room()
    node.stop()
    # Two nodes go on from the same data, each its own way; then one gets the other's rows.
    other = context.node("other", settings=node.settings, config=node.config_folder)
    shutil.rmtree(other.data)
    shutil.copytree(node.data, other.data)
    for each, words in ((node, ("one", "two", "three")), (other, ("uno", "due"))):
        each.write_config()
        each.start()
        with anna.twin(each.port) as client:
            for word in words:
                client.send(room, word, word)
        each.stop()
    node.write_config()
    shutil.rmtree(node.data / "state")
    shutil.copytree(other.data / "state", node.data / "state")
    words = ("rebuild", "--config", str(node.config))
    done = node.cli(*words, "--json", check=False)
    assert done.returncode == 2, f"{done.returncode}\n{done.stdout}{done.stderr}"
    said = json.loads(done.stdout)
    first = said["first"]
    assert said["equal"] is False and first == said["differences"][0], said
    tables = {row["table"] for row in said["differences"]}
    assert {"timeline", "eventByID"} <= tables, tables
    assert first["key"] and first["what"] and first["partition"], first
    assert f"first: {first['table']} {first['partition']} {first['key']}" in done.stderr, done.stderr
    # On a terminal or in a pipe, people see it move.
    done = node.cli(*words, check=False)
    assert done.returncode == 2 and "folding" in done.stderr, done.stderr
    anna.close()
