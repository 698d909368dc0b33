"""Names, runs and counts the tests: a line for each, skips with reasons, `N passed, …` last."""

import faulthandler
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from .node import Missing, Node, kill_all_started


class TookTooLong(BaseException):
    """Raised in the main thread when a test has used up its time."""


class Context:
    """What one test is given: its scratch folder, whether the run is a long one, notes."""

    def __init__(self, scratch, long, budget):
        self.scratch = scratch
        self.long = long
        self.deadline = time.monotonic() + budget
        self.notes = []
        self.nodes = []

    def node(self, name="node", **options):
        node = Node(self.scratch / name, **options)
        self.nodes.append(node)
        return node

    def pick(self, short, long):
        """How many: in CI, or with --long."""
        return long if self.long else short

    def note(self, text):
        """A figure worth keeping: printed with the test's line."""
        self.notes.append(text)

    def seconds_left(self):
        return self.deadline - time.monotonic()


class Test:
    def __init__(self, name, body, seconds, seconds_long):
        self.name = name
        self.body = body
        self.seconds = seconds
        self.seconds_long = seconds_long


_tests = []


def test(name, *, seconds, seconds_long=None):
    """Registers a test with the time it may take in CI and with --long."""

    def register(body):
        _tests.append(Test(name, body, seconds, seconds_long or seconds * 4))
        return body

    return register


def run(names, long):
    """Runs what matches; returns the exit status."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    skips = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for each in _tests:
        if names and not any(name in each.name for name in names):
            continue
        outcome, notes = _run_one(each, long)
        counts[outcome] += 1
        if outcome == "skipped":
            skips.append(f"SKIP {each.name}: {notes}")
    for line in skips:
        print(line)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts), flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


def _run_one(each, long):
    scratch = Path(tempfile.mkdtemp(prefix="warbler-test-"))
    budget = each.seconds_long if long else each.seconds
    context = Context(scratch, long, budget)
    begun = time.monotonic()

    def too_long(*_):
        faulthandler.dump_traceback()
        raise TookTooLong(f"not done after {budget} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(budget)
    outcome, notes = "passed", ""
    try:
        each.body(context)
    except Missing as reason:
        outcome, notes = "skipped", str(reason)
    except (Exception, TookTooLong) as problem:
        outcome = "failed"
        traceback.print_exc()
        notes = f"{type(problem).__name__}: {problem}"
        for node in context.nodes:
            print(f"    {node.root.name}'s log ends:\n{node.log_tail()}", file=sys.stderr)
    finally:
        signal.alarm(0)
        for node in context.nodes:
            node.close()
        kill_all_started()
    seconds = time.monotonic() - begun
    figures = f" ({'; '.join(context.notes)})" if context.notes else ""
    if outcome == "failed" and os.environ.get("WARBLER_KEEP"):
        notes += f" [kept: {scratch}]"
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    first_line = notes.split("\n")[0]
    print(f"{outcome:8}{each.name} {seconds:.1f} s{figures}", end="")
    print(f": {first_line}" if first_line else "", flush=True)
    return outcome, first_line
