"""From the first moment to the last: what a starting, a serving and a stopping node answers."""

import json
import os
import signal
import threading
import time
from urllib.parse import quote

from harness.load import Load
from harness.matrix import Client
from harness.suite import test
from harness.wire import Connection


def _ask(node, path, method="GET", body=None):
    with Connection(node.port, timeout=10) as connection:
        return connection.request(method, path, body)


def _wait_answer(node, path, seconds=30):
    """The first answer; until then the connection is refused, and nothing else."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _ask(node, path)
        except ConnectionRefusedError:
            assert node.is_running(), f"it ended\n{node.log_tail()}"
            assert time.monotonic() < deadline, f"it does not listen\n{node.log_tail()}"


def _check_unavailable(response, word):
    assert response.status == 503, f"{response.status} {response.body[:200]}"
    assert "retry-after" in response.headers, "503 without Retry-After"
    problem = response.json()
    assert problem["errcode"] == "M_UNKNOWN", problem
    assert word in problem["error"], problem


@test("a node that starts says so, and answers the API with 503 until it is ready", seconds=60)
def starting(context):
    # The root key comes through a pipe: the start stands still until somebody writes it.
    pipe = context.scratch / "key-pipe"
    os.mkfifo(pipe)
    settings = {"keys": {"provider": "exec", "command": ["cat", str(pipe)]}}
    node = context.node(settings=settings)
    key = node.key.read_text()
    node.launch()
    ready = _wait_answer(node, "/readyz")
    assert ready.status == 503, ready.body
    said = ready.json()
    assert said["ready"] is False and said["reasons"] == ["replaying"], said
    assert {"entries", "entries_left"} <= said["replay"].keys(), said
    assert _ask(node, "/livez").status == 200
    _check_unavailable(_ask(node, "/_matrix/client/versions"), "starting")
    _check_unavailable(
        _ask(node, "/_matrix/client/v3/login", "POST", {"type": "m.login.password"}), "starting"
    )
    assert node.metric("warbler_ready") == 0
    assert "warbler_replay_entries_left" in node.metrics_text()
    assert json.loads(node.cli("status", "--json").stdout)["reasons"] == ["replaying"]
    done = node.cli("user", "list", check=False)
    assert done.returncode == 1 and "E-NODE-REPLAY" in done.stderr, done.stderr
    pipe.write_text(key)
    node.wait_ready()
    assert _ask(node, "/_matrix/client/versions").status == 200
    assert node.metric("warbler_ready") == 1
    assert node.metric("warbler_http_request_seconds_count") > 0, node.metrics_text()

    # A stop before it is ready is a clean one too.
    node.stop()
    node.launch()
    _wait_answer(node, "/readyz")
    node.process.send_signal(signal.SIGTERM)
    status = node.wait_exit()
    assert status == 0, f"stopped while starting: {status}\n{node.log_tail()}"


@test("data of another mode, name, count or release is refused by name", seconds=60)
def identity(context):
    flags = {False: [], True: ["--bench"]}
    for bench in (False, True):
        node = context.node(f"bench-{bench}", flags=flags[bench]).start()
        node.stop()
        identity = node.data / "identity"
        good = identity.read_text()

        def refused(code):
            node.log.unlink(missing_ok=True)
            node.launch()
            status = node.wait_exit()
            assert status == 78 and code in node.log_text(), f"{status}\n{node.log_tail()}"

        node.flags = flags[not bench]
        refused("E-NODE-BENCH")
        node.flags = flags[bench]
        for word, code in (
            ("warbler", "E-NODE-VERSION"),
            ("server", "E-NODE-NAME"),
            ("partitions", "E-NODE-PARTITIONS"),
        ):
            lines = good.splitlines()
            identity.write_text(
                "".join(f"{line}9\n" if line.startswith(word) else f"{line}\n" for line in lines)
            )
            refused(code)
        identity.write_text(good)
        node.start()
        node.stop()


@test("a replay is told by its length, and from refused over 503 to 200", seconds=60)
def replaying(context):
    node = context.node().start()
    load = Load(node, senders=8)
    load.begin("r0")
    assert load.history.wait_for(3_000, 40), f"the load stands still\n{node.log_tail()}"
    node.kill()  # Rows are flushed every minute: most of these must be folded again.
    load.end()
    node.launch()
    seen, left = [], []
    while not seen or seen[-1] != "200":
        response = _wait_answer(node, "/readyz")
        if response.status == 503:
            said = response.json()
            assert said["reasons"] == ["replaying"], said
            left.append(said["replay"]["entries_left"])
        else:
            assert response.status == 200, f"{response.status} {response.body[:200]}"
        if not seen or seen[-1] != str(response.status):
            seen.append(str(response.status))
    assert seen == ["503", "200"], f"/readyz went {seen}"
    # The number is known once the logs are open, and falls from then on.
    known = left[left.index(max(left)) :]
    assert known == sorted(known, reverse=True), known
    load.repeat_unanswered()
    load.check(node.port)
    load.close()
    node.stop()
    context.note(f"{max(left)} entries to replay, {len(left)} answers before it was ready")


@test("a node that stops finishes what is under way and refuses the rest", seconds=90)
def draining(context):
    # A password hash that takes seconds is a request that is under way for seconds.
    settings = {
        "passwords": {"memory_bytes": 64 << 20, "passes": 2},
        "server": {"shutdown_grace_seconds": 40},
    }
    node = context.node(settings=settings).start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room()
    node.stop()
    node.settings["passwords"]["passes"] = 60
    node.write_config()
    node.start()
    since = anna.sync()["next_batch"]
    outcome = {}

    def sign_up():
        outcome["user"] = Client.register(node.port, "ben").user

    def wait_long():
        with anna.twin() as client:
            outcome["sync"] = client.sync(since=since, timeout=30_000)

    threads = [threading.Thread(target=body, daemon=True) for body in (sign_up, wait_long)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 20
    while node.metric("warbler_sync_waiters") < 1 or _under_way(node) < 2:
        assert time.monotonic() < deadline, "the two requests are not under way"
    with node.connect() as old:
        assert old.request("GET", "/livez").status == 200
        node.process.send_signal(signal.SIGTERM)
        while (response := old.request("GET", "/readyz")).status == 200:
            pass
        assert response.json()["reasons"] == ["draining"], response.body
        # Also for who comes anew: a balancer asks on connections of its own.
        assert _ask(node, "/readyz").json()["reasons"] == ["draining"]
        assert _ask(node, "/livez").status == 200
        path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/late"
        response = old.request("PUT", path, {"msgtype": "m.text", "body": "x"}, token=anna.token)
        _check_unavailable(response, "stopping")
        assert "ben" not in outcome, "the slow request was not slow enough to be watched"
    for thread in threads:
        thread.join(40)
    assert outcome.get("user", "").startswith("@ben:"), f"the request was cut off: {outcome}"
    assert outcome.get("sync", {}).get("next_batch"), f"the long poll was cut off: {outcome}"
    status = node.wait_exit(50)
    assert status == 0, f"it ended with status {status}\n{node.log_tail()}"
    node.settings["passwords"]["passes"] = 2
    node.write_config()
    node.start()
    assert "@ben:warbler.test" in node.cli("user", "list").stdout, "an answered request is lost"
    node.stop()


def _under_way(node):
    return json.loads(node.cli("status", "--json").stdout)["requests_under_way"]


STATUS_SHAPE = {
    "ready": bool,
    "reasons": list,
    "version": str,
    "server_name": str,
    "ready_since": str,
    "uptime_seconds": int,
    "connections": int,
    "requests_under_way": int,
    "waiting_syncs": int,
    "log": {"disk_bytes": int, "entries": int, "syncs": int, "bytes": int},
    "state": {
        "disk_bytes": int,
        "unflushed_entries": int,
        "unflushed_bytes": int,
        "last_flush": (str, type(None)),
    },
    "disk": {
        "free_bytes": int,
        "reserve_low_bytes": int,
        "reserve_critical_bytes": int,
        "writes_refused": bool,
    },
    "keys": {"data_epoch": int, "created": str, "data_epochs": int, "next_rotation": str},
    "partitions": list,
}
PARTITION_SHAPE = {
    "partition": str, "leader": bool, "term": int, "last": int, "commit": int, "applied": int,
}  # fmt: skip


def _check_shape(value, shape, where):
    assert value.keys() == shape.keys(), f"{where}: {sorted(value.keys() ^ shape.keys())} differ"
    for name, kind in shape.items():
        if isinstance(kind, dict):
            _check_shape(value[name], kind, f"{where}.{name}")
        else:
            assert isinstance(value[name], kind), f"{where}.{name} is {value[name]!r}"


@test("`warbler status` shows how the node is doing", seconds=60)
def status(context):
    node = context.node(settings={"partitions": {"count": 4}}).start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room()
    for number in range(5):
        anna.send(room, f"m{number}", "hello")
    since = anna.sync()["next_batch"]
    waiting = threading.Thread(
        target=lambda: anna.twin().sync(since=since, timeout=30_000), daemon=True
    )
    waiting.start()
    deadline = time.monotonic() + 20
    while (said := json.loads(node.cli("status", "--json").stdout))["waiting_syncs"] < 1:
        assert time.monotonic() < deadline, "the sync does not wait"
    _check_shape(said, STATUS_SHAPE, "status")
    assert said["ready"] is True and said["reasons"] == [], said
    assert said["server_name"] == "warbler.test" and said["connections"] >= 2, said
    assert said["log"]["entries"] > 5 and said["log"]["syncs"] > 0, said["log"]
    assert said["log"]["disk_bytes"] > 4_096 and said["state"]["disk_bytes"] > 4_096, said
    assert said["disk"]["free_bytes"] > 0 and said["keys"]["data_epoch"] == 1, said
    names = [row["partition"] for row in said["partitions"]]
    assert names == ["0", "1", "2", "3", "4", "keys"], names
    for row in said["partitions"]:
        _check_shape(row, PARTITION_SHAPE, f"partition {row['partition']}")
        assert row["leader"] and row["applied"] == row["commit"] == row["last"] > 0, row
    assert sum(row["last"] for row in said["partitions"]) > 10
    text = node.cli("status").stdout
    assert "server name" in text and "PARTITION" in text, text
    anna.send(room, "end", "wakes the sync")
    waiting.join(10)
    node.stop()
