"""One flipped bit in any file: named by the start, by verify or in an error; or nothing changes.

For each flip the data folder is copied, one bit of one file is changed and a server is started on
the copy. Good outcomes are: it refuses to start with a code of the catalogue (`E-…`); or it
answers everything as before; or it answers with errors where data is damaged, or stops, and the
log or `log verify` names the damage. Other data than before, an end by a signal, or no end at
all are failures.
"""

import random
import re
import shutil
import threading
from urllib.parse import quote

from harness import answers
from harness.node import Node, NotReady
from harness.scene import Scene
from harness.suite import test

WORKERS = 2
#: Seconds of the test's budget that stay unused by new flips.
RESERVE_SECONDS = 30
FLIPS_MIN = 50
FAILURES_MAX = 40
#: A code of the catalogue; the warning about where the test's root key lies says nothing.
CODE = re.compile(r"\bE-(?!KEY-003)[A-Z]+-\w+")
SETTINGS = {"partitions": {"count": 4}, "logging": {"level": "info"}}


def kind_of(path, data):
    """`log/000123.sst` → `log/*.sst`: what counts as one kind of file."""
    relative = str(path.relative_to(data))
    return re.sub(r"\d+", "*", relative)


def _prepare(context):
    """A stopped node with every kind of file, and what it answers."""
    node = context.node("pristine", settings=SETTINGS).start()
    scene = Scene(node, messages=15)
    node.stop()
    node.start()  # What was in the log's files of the first run is in tables now.
    scene.close()
    anna, ben = scene.clients[:2]
    for number in range(30):
        anna.send(scene.rooms[0], f"late{number}", f"late {number}")
    before = {}
    _ask(scene, node.port, before)
    node.kill()  # The newest entries are in the write-ahead log only.
    return node, scene, before


def _ask(scene, port, found):
    """Adds a selection of answers that touches every table."""
    for client in scene.clients[:2]:
        with client.twin(port) as reader:
            user = quote(client.user)
            paths = [
                "/_matrix/client/v3/sync?full_state=true&timeout=0",
                f"/_matrix/client/v3/profile/{user}",
                f"/_matrix/client/v3/user/{user}/account_data/org.warbler.settings",
                "/_matrix/client/v3/pushrules/",
            ]
            for room in scene.rooms:
                base = f"/_matrix/client/v3/rooms/{quote(room)}"
                paths += [f"{base}/state", f"{base}/messages?dir=b&limit=1000"]
            for path in paths:
                response = reader.connection.request("GET", path)
                found[client.user, path] = response.status, answers.normal(response.body)


class Trials:
    """Deals flips out to workers, kind after kind, and collects what came of them."""

    def __init__(self, context, node, scene, before):
        self.context = context
        self.node = node
        self.scene = scene
        self.before = before
        self.files = {}
        for path in sorted(node.data.rglob("*")):
            if path.is_file() and path.stat().st_size and path.name != "lock":
                self.files.setdefault(kind_of(path, node.data), []).append(path)
        self.lock = threading.Lock()
        self.seed = random.randrange(1 << 32)
        self.outcomes = {kind: {} for kind in self.files}
        self.failures = []
        each = context.pick(100, 1_000)
        # Kind after kind, so that all get the same number when time runs out.
        self.plan = ((kind, number) for number in range(each) for kind in sorted(self.files))

    def run(self):
        workers = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(WORKERS)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _next(self):
        with self.lock:
            if len(self.failures) >= FAILURES_MAX or self.context.seconds_left() < RESERVE_SECONDS:
                return None
            return next(self.plan, None)

    def _work(self, number):
        folder = self.context.scratch / f"worker{number}"
        while (trial := self._next()) is not None:
            kind, count = trial
            chance = random.Random(f"{self.seed} {kind} {count}")
            path = chance.choice(self.files[kind])
            bit = chance.randrange(path.stat().st_size * 8)
            try:
                outcome = self._try(folder, path, bit)
            except AssertionError as problem:
                outcome = "FAILED"
                with self.lock:
                    where = f"{path.relative_to(self.node.data)}, byte {bit // 8}, bit {bit % 8}"
                    self.failures.append(f"{where}: {problem}")
            with self.lock:
                outcomes = self.outcomes[kind]
                outcomes[outcome] = outcomes.get(outcome, 0) + 1

    def _try(self, folder, path, bit):
        shutil.rmtree(folder, ignore_errors=True)
        data = folder / "data"
        shutil.copytree(self.node.data, data)
        flipped = data / path.relative_to(self.node.data)
        with open(flipped, "r+b") as file:
            file.seek(bit // 8)
            byte = file.read(1)[0]
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))
        other = Node(folder, data=data, settings=SETTINGS)
        other.write_key(self.node.key.read_text().strip())
        try:
            return self._judge(other)
        finally:
            other.close()

    def _judge(self, other):
        try:
            other.start(seconds=30)
        except NotReady as refusal:
            assert refusal.status is not None, f"neither ready nor ended\n{other.log_tail(8)}"
            return f"refused {self._named_end(other)}"
        after = {}
        try:
            _ask(self.scene, other.port, after)
        except OSError:
            other.wait_exit(20)
        changed = [key for key in after if after[key] != self.before[key]]
        other_data = [key for key in changed if after[key][0] < 500]
        assert not other_data, "other data:\n" + "\n".join(
            answers.differences(
                {key: self.before[key] for key in other_data},
                {key: after[key] for key in other_data},
            )[:2]
        )
        if not other.is_running():
            return f"stopped {self._named_end(other)}"
        verified = other.cli("log", "verify", check=False)
        if not other.is_running():
            return f"stopped {self._named_end(other)}"
        named = verified.returncode != 0 or CODE.search(other.log_text())
        assert named or not changed, f"errors, but nothing names the damage: {changed[:2]}"
        return "named" if named else "unchanged"

    @staticmethod
    def _named_end(other):
        """The code the daemon ended with; an end by a signal or without a code is a failure."""
        status = other.process.wait(20)
        assert status > 0, f"ended by signal {-status}\n{other.log_tail(8)}"
        code = CODE.search(other.log_text())
        assert code, f"ended with status {status} without a code\n{other.log_tail(8)}"
        assert code[0] != "E-NODE-START", f"a code that names nothing\n{other.log_tail(8)}"
        return code[0]


@test("a flipped bit in any file is named or harmless", seconds=330, seconds_long=14_000)
def byte_flips(context):
    node, scene, before = _prepare(context)
    broken = [key for key, value in before.items() if value[0] >= 500]
    assert not broken, broken
    trials = Trials(context, node, scene, before)
    context.note(f"seed {trials.seed}")
    trials.run()
    counts = {kind: sum(outcomes.values()) for kind, outcomes in trials.outcomes.items()}
    for kind, outcomes in sorted(trials.outcomes.items()):
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        print(f"    {kind}: {said}")
    context.note(f"{sum(counts.values())} flips in {len(counts)} kinds of files")
    assert not trials.failures, f"{len(trials.failures)} flips went wrong:\n" + "\n".join(
        trials.failures[:10]
    )
    wanted = {"log/*.sst", "log/*.log", "log/MANIFEST-*", "log/CURRENT", "mark", "keys/KEYRING"}
    assert wanted <= counts.keys(), f"no file of the kinds {sorted(wanted - counts.keys())}"
    assert min(counts.values()) >= FLIPS_MIN, f"too few flips in the time there was: {counts}"
