"""Power cuts: the data's file system as it is on the disk at one instant, while clients send.

The data lies on an ext4 of its own in an image file. What was not synced is in the memory of the
kernel's file system and not in the image, so a copy of the image is what a power cut would leave.
A copy takes a while, and blocks copied at different moments are no state any disk ever had: the
server is stopped (SIGSTOP) for the copy, and the device's counters prove that nothing was written
meanwhile; else it is copied again. No sync is caused by this: what is missing stays missing.
"""

import os
import random
import signal
import time

from harness.load import Load
from harness.loops import LoopDisk, require
from harness.node import Missing, Node
from harness.suite import test

# Room for what is written between the first cut and the last, at some MiB a cut.
DISK_MEGABYTES = 384
DISK_MEGABYTES_LONG = 1_536
COPIES_MAX = 40


@test("a power cut loses nothing acknowledged", seconds=240, seconds_long=3600)
def power_cuts(context):
    require()
    cuts = context.pick(10, 50)
    chance = random.Random()
    size = context.pick(DISK_MEGABYTES, DISK_MEGABYTES_LONG)
    disk = LoopDisk(context.scratch / "disk.img", context.scratch / "disk").make(size)
    with disk.mount():
        node = context.node(data=disk.mount_point / "data").start()
        try:
            _cut_again_and_again(context, node, disk, cuts, chance)
        finally:
            node.close()


def _cut_again_and_again(context, node, disk, cuts, chance):
    load = Load(node)
    syncs, batched = _syncs(node), _entries_synced(node)
    load.begin("power")
    copies = copying = 0
    for number in range(cuts):
        reached = load.history.wait_for(load.history.acknowledged + chance.randrange(20, 150), 30)
        assert reached, f"the load stands still\n{node.log_tail()}"
        copy = context.scratch / f"cut-{number}.img"
        told, tries, seconds = _cut(node, disk, load, copy)
        copies += tries
        copying += seconds
        _start_on(context, node, copy, load, told)
        copy.unlink()
    load.stopping = True
    load.end()
    syncs = _syncs(node) - syncs
    batched = _entries_synced(node) - batched
    acknowledged = load.history.acknowledged
    assert syncs > 0, "clients were acknowledged without a synced write"
    assert (
        batched >= acknowledged
    ), f"{acknowledged} sends were acknowledged, {batched:.0f} entries went through a synced write"
    load.check(node.port)
    load.close()
    context.note(
        f"{cuts} cuts, {acknowledged} acknowledged, {syncs:.0f} syncs, "
        f"copies of {copying / cuts * 1000:.0f} ms, {copies} tries"
    )


def _entries_synced(node):
    return node.metric("warbler_log_entries_total")


def _syncs(node):
    return node.metric("warbler_log_syncs_total")


def _cut(node, disk, load, copy):
    """Copies the disk as it is at one instant; what had been acknowledged before it began."""
    for attempt in range(1, COPIES_MAX + 1):
        os.kill(node.pid, signal.SIGSTOP)
        try:
            told = load.history.snapshot()
            begun = time.monotonic()
            quiet = disk.copy_image(copy)
            seconds = time.monotonic() - begun
        finally:
            os.kill(node.pid, signal.SIGCONT)
        if quiet:
            return told, attempt, seconds
    raise Missing(f"the disk was never quiet for the time of a copy ({seconds:.1f} s)")


def _start_on(context, node, copy, load, told):
    """Mounts the copy elsewhere and starts a second server on it, with the same key."""
    mount_point = context.scratch / "copy"
    with LoopDisk(copy, mount_point).mount():
        other = Node(context.scratch / "other", data=mount_point / "data")
        other.key.write_text(node.key.read_text())
        context.nodes.append(other)
        try:
            other.start()
            # Sends that were under way may be there or not: only what was answered must be.
            load.check(other.port, told, latest=False, complete=False)
            other.stop()
        finally:
            other.close()
            context.nodes.remove(other)
