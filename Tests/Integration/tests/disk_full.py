"""A full disk: refused in words while there is a reserve, a named end when there is none."""

import os
import time

from harness.history import page_to_start
from harness.loops import LoopDisk, require
from harness.matrix import Client, Refused
from harness.suite import test

DISK_MEGABYTES = 192
LOW_MEGABYTES = 48
CRITICAL_MEGABYTES = 16
#: Large enough that a start has room to write again what the log holds once the filler is gone.
LARGE_MEGABYTES = 640
DISK_STATUS = 74


def _fill(mount_point, leave, name="filler"):
    """Fills the file system until only so many bytes are free; the file that does it."""
    filler = mount_point / name
    with open(filler, "wb") as file:
        while (free := _free(mount_point)) > leave:
            try:
                file.write(b"\0" * max(1, min(1 << 20, free - leave)))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                break
    return filler


def _free(mount_point):
    figures = os.statvfs(mount_point)
    return figures.f_bavail * figures.f_frsize


def _make_room(filler):
    """Removes the filler; its blocks are free for others when this returns, not a commit later."""
    folder = filler.parent
    filler.unlink()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wait_for(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


@test("below the reserve writes are refused, reads go on, writes resume", seconds=90)
def reserve(context):
    require()
    disk = LoopDisk(context.scratch / "disk.img", context.scratch / "disk").make(DISK_MEGABYTES)
    with disk.mount():
        settings = {
            "storage": {
                "reserve_low_bytes": LOW_MEGABYTES << 20,
                "reserve_critical_bytes": CRITICAL_MEGABYTES << 20,
            }
        }
        node = context.node(data=disk.mount_point / "data", settings=settings).start()
        try:
            anna = Client.register(node.port, "anna")
            room = anna.create_room()
            other = anna.create_room()
            told = [anna.send(room, "before", "before")]
            filler = _fill(disk.mount_point, (LOW_MEGABYTES // 2) << 20)

            def refused():
                try:
                    response = anna.connection.request(
                        "PUT", anna.room_path(room, f"send/m.room.message/{time.time_ns()}"),
                        {"msgtype": "m.text", "body": "x"},
                    )  # fmt: skip
                except OSError as problem:
                    raise AssertionError(f"no answer: {problem}\n{node.log_tail()}") from problem
                if response.status == 200:
                    told.append(response.json()["event_id"])
                    return False
                assert response.status == 503, f"{response.status} {response.body[:200]}"
                assert "retry-after" in response.headers, "503 without Retry-After"
                text = response.json()["error"].lower()
                assert "disk" in text or "space" in text, f"the text does not say why: {text}"
                return True

            _wait_for(refused, 30, "writes are refused")
            assert {event["event_id"] for event in page_to_start(anna, room)} >= set(told)
            anna.sync(full_state=True)
            with node.connect() as connection:
                ready = connection.request("GET", "/readyz")
            assert ready.status == 503 and b"disk" in ready.body.lower(), ready.body
            # The operator's own commands too, but for those that give space or access back.
            done = node.cli("user", "create", "ben", input="a good password\n", check=False)
            assert done.returncode != 0 and "E-DISK-LOW" in done.stderr, done.stdout + done.stderr
            node.cli("keys", "shred-room", other, "--yes")

            def redacts(event):
                response = anna.connection.request(
                    "PUT", anna.room_path(room, f"redact/{event}/{time.time_ns()}"), {}
                )
                assert response.status in (200, 503), f"{response.status} {response.body[:200]}"
                return response.status == 200

            assert redacts(told[0]), "a redaction was refused below the low reserve"
            more = _fill(disk.mount_point, (CRITICAL_MEGABYTES // 2) << 20, "more")
            _wait_for(lambda: not redacts(told[0]), 30, "redactions are refused")
            assert "E-DISK-CRITICAL" in node.log_text(), node.log_tail()
            page_to_start(anna, room)
            _make_room(more)
            _wait_for(lambda: redacts(told[0]), 30, "redactions pass again")
            _make_room(filler)
            _wait_for(lambda: not refused(), 30, "writes resume")
            assert {event["event_id"] for event in page_to_start(anna, room)} >= set(told)
            node.stop()
        finally:
            node.close()


@test("a log that meets a full disk ends the node by name and loses nothing", seconds=90)
def full(context):
    require()
    disk = LoopDisk(context.scratch / "disk.img", context.scratch / "disk").make(LARGE_MEGABYTES)
    with disk.mount():
        node = context.node(data=disk.mount_point / "data").start()
        try:
            anna = Client.register(node.port, "anna")
            room = anna.create_room()
            told = []
            # The log's files are allocated ahead, so it goes on for a while even so.
            filler = _fill(disk.mount_point, 1 << 20)
            body = "x" * 30_000
            try:
                for number in range(5_000):
                    told.append((anna.send(room, f"t{number}", body), f"t{number}"))
            except (OSError, Refused):
                # No answer, or 503: not acknowledged, so nothing was promised.
                pass
            anna.close()
            status = node.wait_exit(30)
            assert status == DISK_STATUS, f"ended with status {status}\n{node.log_tail()}"
            assert "E-DISK-FULL" in node.log_text(), node.log_tail()
            assert told, "not one send was acknowledged before"
            _make_room(filler)
            node.start()
            places = {event["event_id"] for event in page_to_start(anna, room)}
            lost = [event for event, _ in told if event not in places]
            assert not lost, f"{len(lost)} of {len(told)} acknowledged sends are lost"
            for event, transaction in told[-3:]:
                assert anna.send(room, transaction, body) == event, "a repeated send made another"
            context.note(f"{len(told)} acknowledged before the end")
            node.stop()
        finally:
            node.close()
