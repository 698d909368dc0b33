"""One real `warblerd` in folders of its own, started, killed and asked by a test."""

import atexit
import errno
import json
import os
import random
import secrets
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

from .wire import Connection

SERVER_NAME = "warbler.test"
READY_SECONDS = 60
STOP_SECONDS = 30

# Tests that send fast are not about rate limits; those that are set their own.
_UNLIMITED = {
    f"{group}_{kind}": 1_000_000
    for group in (
        "message", "join", "invite", "create_room", "profile", "registration",
        "login_per_address", "login_per_account", "failed_login", "unknown_token", "other",
    )
    for kind in ("per_second", "burst")
}  # fmt: skip

_started = set()


@atexit.register
def kill_all_started():
    """Ends what a test left running; only processes this run started."""
    for process in list(_started):
        if process.poll() is None:
            process.kill()
            process.wait()
    _started.clear()


class Missing(Exception):
    """Something a test needs is not here: the test is skipped, with this reason."""


class NotReady(AssertionError):
    """The daemon ended, or took too long, before it was ready. `status` is None while it runs."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status


def binary(name):
    """A program of the project: from WARBLER_BIN, else from the checkout's release build."""
    folder = os.environ.get("WARBLER_BIN")
    root = Path(__file__).resolve().parents[3]
    path = Path(folder) / name if folder else root / ".build" / "release" / name
    if not path.exists():
        raise Missing(f"{name} is not built (WARBLER_BIN, or .build/release)")
    return str(path)


def free_port():
    """A port nobody listens on, below those that Linux gives to outgoing connections: one of
    these may be taken by any client between this look and the node's start."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as problem:
                if problem.errno != errno.EADDRINUSE:
                    raise
                continue
            return port


class Node:
    """Folders under `root`: config (with the root key), data, log. One daemon at a time."""

    def __init__(self, root, *, settings=None, flags=(), data=None, config=None, port=None):
        self.root = Path(root)
        self.config_folder = Path(config or self.root / "config")
        self.data = Path(data or self.root / "data")
        self.log_folder = self.root / "log"
        for folder in (self.config_folder, self.data, self.log_folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.key = self.config_folder / "root.key"
        self.port = port or free_port()
        # A socket's path must fit into 107 bytes, so it does not lie below `root`.
        self.socket = f"/tmp/warbler-{os.getpid()}-{self.port}.sock"
        self.flags = list(flags)
        #: Words before the daemon's own; they must end by becoming it.
        self.wrapper = []
        self.settings = settings or {}
        self.listen = [{"address": "127.0.0.1", "port": self.port}]
        self.process = None
        self.log = self.log_folder / "warblerd.log"
        self.write_config()
        if not self.key.exists():
            self.write_key(secrets.token_hex(32))

    # Configuration

    def write_config(self, name="warbler.yaml"):
        values = {
            "server": {"name": SERVER_NAME, "registration": "open", "shutdown_grace_seconds": 5},
            "listen": self.listen,
            "data": {"directory": str(self.data)},
            "keys": {"provider": "file", "path": str(self.key)},
            # A small test disk is no reason to refuse writes.
            "storage": {"reserve_low_bytes": 0, "reserve_critical_bytes": 0},
            "passwords": {"memory_bytes": 8 << 20, "passes": 1},
            "limits": {"rooms_per_user_per_day": 100_000, "invites_per_user_per_day": 100_000},
            "rate_limits": dict(_UNLIMITED),
            "metrics": {"serve": "loopback"},
            "admin": {"socket_path": self.socket},
        }
        for section, changes in self.settings.items():
            values.setdefault(section, {}).update(changes)
        self.config = self.config_folder / name
        # JSON is YAML.
        self.config.write_text(json.dumps(values, indent=2) + "\n")

    def write_key(self, text):
        self.key.unlink(missing_ok=True)
        descriptor = os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    # Life

    def launch(self):
        """Starts the daemon and does not wait for it."""
        assert not self.is_running(), "the node already runs"
        command = [*self.wrapper, binary("warblerd"), "--config", str(self.config), *self.flags]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.root
            )
        _started.add(self.process)
        return self

    def start(self, seconds=READY_SECONDS):
        self.launch()
        self.wait_ready(seconds)
        return self

    def wait_ready(self, seconds=READY_SECONDS):
        """Asks /readyz until it says yes; the daemon's end is noticed at once (pidfd)."""
        deadline = time.monotonic() + seconds
        try:
            ended = os.pidfd_open(self.process.pid)
        except ProcessLookupError:
            ended = None
        answer = "no answer"
        try:
            while time.monotonic() < deadline:
                try:
                    with Connection(self.port, timeout=5) as connection:
                        response = connection.request("GET", "/readyz")
                    if response.status == 200:
                        return
                    answer = response.body.decode(errors="replace")[:300]
                except OSError as problem:
                    answer = str(problem)
                if ended is None or select.select([ended], [], [], 0.02)[0]:
                    status = self.process.wait()
                    raise NotReady(
                        f"warblerd ended with status {status}\n{self.log_tail()}", status
                    )
        finally:
            if ended is not None:
                os.close(ended)
        raise NotReady(f"not ready after {seconds} s: {answer}\n{self.log_tail()}", None)

    def wait_exit(self, seconds=STOP_SECONDS):
        """The exit status; negative is a signal, as `subprocess` has it."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"warblerd still runs after {seconds} s\n{self.log_tail()}")
        _started.discard(self.process)
        return status

    def kill(self):
        """kill -9: the process is gone when this returns."""
        self.process.send_signal(signal.SIGKILL)
        return self.wait_exit()

    def stop(self, seconds=STOP_SECONDS):
        """A clean stop, which must end with status 0."""
        if not self.is_running():
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.wait_exit(seconds)
        assert status == 0, f"a clean stop ended with status {status}\n{self.log_tail()}"

    def close(self):
        """Ends the daemon however it can; for the end of a test."""
        if self.is_running():
            self.process.kill()
            self.wait_exit()
        Path(self.socket).unlink(missing_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Questions

    def connect(self, timeout=30):
        return Connection(self.port, timeout=timeout)

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines=25):
        return "\n".join("    | " + line for line in self.log_text().splitlines()[-lines:])

    def metrics_text(self):
        with self.connect() as connection:
            response = connection.request("GET", "/metrics")
        assert response.status == 200, f"/metrics answered {response.status}"
        return response.body.decode()

    def metric(self, *names):
        """The sum over all labels of the first of these samples that is there; else 0."""
        totals = {}
        for line in self.metrics_text().splitlines():
            sample, _, value = line.rpartition(" ")
            if not line.startswith("#") and sample:
                name = sample.partition("{")[0]
                totals[name] = totals.get(name, 0.0) + float(value)
        return next((totals[name] for name in names if name in totals), 0.0)

    def memory(self):
        """Proportional set size in bytes."""
        try:
            text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        except PermissionError:
            raise Missing("only root may look into the daemon's memory")
        for line in text.splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no Pss in smaps_rollup")

    def cli(self, *words, input=None, check=True, timeout=60):
        """Runs `warbler … --socket`; returns the finished process."""
        done = subprocess.run(
            [binary("warbler"), *words, "--socket", self.socket],
            input=input, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        if check and done.returncode != 0:
            said = done.stdout + done.stderr
            raise AssertionError(f"warbler {' '.join(words)} ended with {done.returncode}\n{said}")
        return done

    def offline(self, command, arguments=None, timeout=120):
        """Runs `warblerd --offline COMMAND` on the stopped node's data."""
        words = [binary("warblerd"), "--offline", command, "--config", str(self.config)]
        if arguments is not None:
            words += ["--arguments", json.dumps(arguments)]
        return subprocess.run(words, capture_output=True, text=True, timeout=timeout)

    def create_account(self, name, password, display_name=None):
        """An account by the operator's way, and its user ID."""
        words = ["user", "create", name, "--json"]
        if display_name:
            words += ["--display-name", display_name]
        return json.loads(self.cli(*words, input=password + "\n").stdout)["user_id"]
