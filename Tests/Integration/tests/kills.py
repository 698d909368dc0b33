"""kill -9 at random moments of a load, and while starting: nothing acknowledged is lost."""

import random
import time

from harness.load import Load
from harness.suite import test


@test("kill -9 under load loses, doubles and reorders nothing", seconds=240, seconds_long=3600)
def kills(context):
    kill_count = context.pick(20, 200)
    seed = random.randrange(1 << 32)
    context.note(f"seed {seed}")
    chance = random.Random(seed)
    node = context.node().start()
    load = Load(node, seed=seed)
    repeated, starts = 0, []
    for number in range(kill_count):
        load.begin(f"r{number}")
        # By count and by time, so that kills fall on busy and on quiet moments of a turn.
        reached = load.history.wait_for(load.history.acknowledged + chance.randrange(1, 120), 30)
        assert reached, f"the load stands still\n{node.log_tail()}"
        time.sleep(chance.uniform(0, 0.05))
        node.kill()
        load.end()
        if number % 4 == 3:
            # A start is as good a moment to die as any.
            node.launch()
            time.sleep(chance.uniform(0, 0.5))
            node.kill()
        begun = time.monotonic()
        node.start()
        starts.append(time.monotonic() - begun)
        repeated += load.repeat_unanswered()
        # The whole history each time would make the test's length grow with its square.
        if number % 5 == 4 or number == kill_count - 1:
            load.check(node.port)
    node.stop()
    node.start()
    load.check(node.port)
    load.close()
    context.note(
        f"{kill_count} kills, {load.history.acknowledged} acknowledged, {repeated} repeated, "
        f"longest start {max(starts):.2f} s"
    )
