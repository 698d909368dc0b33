"""Bad input to every route, and bad manners on the connection: never a 5xx, never a reset."""

import itertools
import random
import threading
import time
from collections import Counter

from harness import mutations, routes
from harness.matrix import Client, Refused
from harness.suite import test
from harness.wire import BrokenAnswer

REQUESTS_MIN = 20_000
THREADS = 4
MEMORY_GROWTH_MAX = 1.10
SETTLE_SECONDS = 20
PASSWORD = "a long password"
#: After so many requests a walker goes on in a new room, for it may have left or closed the old.
REQUESTS_PER_ROOM = 100


class Walker(threading.Thread):
    """Takes routes from a shared list and sends their requests on one connection."""

    def __init__(self, walk, number):
        super().__init__(daemon=True)
        self.walk = walk
        self.number = number
        self.failure = None

    def run(self):
        try:
            person = _Person(self.walk.port, self.walk.new_name())
            while (route := self.walk.next_route()) is not None:
                self._route(route, person)
            person.client.close()
        except Exception as problem:  # noqa: BLE001 (shown by the test's own thread)
            self.failure = problem

    def _route(self, route, person):
        person.move()
        requests = self.walk.requests(route, person.value)
        first = mutations.base(route, person.value)
        response = self._send(person, first)
        if response is None or response.status == 404 and b"M_UNRECOGNIZED" in response.body:
            return
        self.walk.announced.add(str(route))
        for count, request in enumerate(requests, 1):
            if count % REQUESTS_PER_ROOM == 0:
                person.move()
            response = self._send(person, request)
            if response is None:
                continue
            if response.status == 401 and b"M_UNKNOWN_TOKEN" in response.body:
                person.renew(self.walk.new_name())

    def _send(self, person, request):
        try:
            response = person.client.connection.request(request.method, request.path, request.body)
        except BrokenAnswer as problem:
            self.walk.fault(f"{request}: {problem}")
            return None
        self.walk.count(request, response)
        return response


class _Person:
    """A user with a room and an event, and the values that paths need."""

    def __init__(self, port, name):
        self.port = port
        self.client = None
        self.transactions = itertools.count()
        self.renew(name)

    def renew(self, name):
        """A new account, for when the old one's token or the account itself is gone."""
        if self.client:
            self.client.close()
        self.client = Client.register(self.port, name, PASSWORD)
        self.move()

    def move(self):
        """A new room, in which the user may do everything."""
        try:
            self.room = self.client.create_room(preset="public_chat")
        except Refused as refused:
            if refused.status != 401:
                raise
            return self.renew(f"{self.client.user[1:].split(':')[0]}x")
        self.event = self.client.send(self.room, f"first{next(self.transactions)}", "first")

    def value(self, name):
        """A value that fits the place of this name in a path."""
        if name == "txnId":
            return f"t{next(self.transactions)}"
        return {
            "roomId": self.room,
            "roomIdOrAlias": self.room,
            "userId": self.client.user,
            "eventId": self.event,
            "eventType": "m.room.message",
            "stateKey": "",
            "deviceId": self.client.device,
            "roomAlias": "#none:warbler.test",
            "type": "org.warbler.test",
            "tag": "m.favourite",
            "receiptType": "m.read",
            "keyName": "displayname",
            "filterId": "1",
            "kind": "content",
            "scope": "global",
            "ruleId": "lunch",
        }.get(name, "x")


class Walk:
    """One walk over all routes: which requests each gets, and what was wrong with the answers."""

    def __init__(self, port, all_routes, make_requests, names):
        self.port = port
        self.routes = iter(all_routes)
        self.requests = make_requests
        self.names = names
        self.lock = threading.Lock()
        self.sent = 0
        self.statuses = {}
        self.announced = set()
        self.faults = []

    def next_route(self):
        with self.lock:
            return next(self.routes, None)

    def new_name(self):
        with self.lock:
            return f"walker{next(self.names)}"

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def count(self, request, response):
        fault = None
        if response.status >= 500:
            fault = f"{response.status} {response.body[:200]!r}"
        elif response.status >= 400:
            try:
                if not isinstance(response.json().get("errcode"), str) and response.status != 401:
                    fault = f"{response.status} without an errcode: {response.body[:200]!r}"
            except (ValueError, AttributeError):
                fault = f"{response.status} that is no JSON object: {response.body[:200]!r}"
        with self.lock:
            self.sent += 1
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            if fault:
                self.faults.append(f"{request}: {fault}")

    def run(self):
        walkers = [Walker(self, number) for number in range(THREADS)]
        for walker in walkers:
            walker.start()
        for walker in walkers:
            walker.join()
        faults = "\n".join(self.faults[:30])
        assert not self.faults, f"{len(self.faults)} bad answers to {self.sent} requests:\n{faults}"
        for walker in walkers:
            if walker.failure:
                raise walker.failure


@test("bad input to every route is answered properly", seconds=300, seconds_long=1800)
def bad_input(context):
    # Small buffers: what they hold of accepted requests is no growth to wait for.
    small = {"cache_bytes": 4 << 20, "log_write_buffer_bytes": 2 << 20}
    settings = {
        "limits": {"long_poll_seconds": 1},
        "storage": {**small, "state_write_buffer_bytes": 2 << 20},
    }
    node = context.node(settings=settings).start()
    all_routes, source = routes.load()
    names = itertools.count()
    before = node.memory()
    first = Walk(node.port, all_routes, mutations.single, names)
    first.run()
    # The same fields again under the old prefix, then two bad values at once, until it is enough.
    known = [route for route in all_routes if str(route) in first.announced]
    old = [_under_r0(route) for route in known if "/client/v3/" in route.path]
    second = Walk(node.port, old, mutations.single, names)
    second.run()
    # By now every table, cache and buffer has been used.
    settled = _settle(node, None)
    wanted = context.pick(REQUESTS_MIN, 10 * REQUESTS_MIN) - first.sent - second.sent
    chance = random.Random(7)
    each = max(wanted, 2_000) // len(known) + 1
    third = Walk(
        node.port, known, lambda route, values: mutations.pairs(route, values, chance, each), names
    )
    third.run()
    sent = first.sent + second.sent + third.sent
    assert sent >= REQUESTS_MIN, f"only {sent} requests were made from {source}"
    assert node.is_running(), node.log_tail()
    after = _settle(node, settled * MEMORY_GROWTH_MAX)
    statuses = Counter()
    for walk in (first, second, third):
        statuses.update(walk.statuses)
    context.note(
        f"{sent} requests to {len(known)} of {len(all_routes)} routes from {source}; answers "
        + " ".join(f"{status}×{count}" for status, count in sorted(statuses.items()))
        + f"; memory {before >> 20}, {settled >> 20}, {after >> 20} MiB"
    )
    assert after <= settled * MEMORY_GROWTH_MAX, (
        f"memory was {settled >> 20} MiB after {first.sent + second.sent} requests and is "
        f"{after >> 20} MiB after {sent}"
    )
    node.stop()


def _under_r0(route):
    return routes.Route(
        route.method, route.path.replace("/client/v3/", "/client/r0/"), route.query, route.body
    )


def _settle(node, goal):
    """Memory once it no longer falls, or has reached the goal."""
    deadline = time.monotonic() + SETTLE_SECONDS
    lowest = node.memory()
    while time.monotonic() < deadline and (goal is None or lowest > goal):
        time.sleep(0.5)
        now = node.memory()
        if goal is None and now >= lowest:
            return lowest
        lowest = min(lowest, now)
    return lowest


@test("slow, half-closed and ill-mannered connections harm nobody else", seconds=60)
def manners(context):
    node = context.node(settings={"limits": {"head_seconds": 1, "body_grace_seconds": 1}}).start()
    anna = Client.register(node.port, "anna")
    room = anna.create_room()
    host = f"Host: 127.0.0.1:{node.port}\r\n"
    login = f"Authorization: Bearer {anna.token}\r\n"

    # Half-closed: who has said everything still gets the whole answer.
    with node.connect() as half:
        half.open()
        half.socket.sendall(
            f"GET /_matrix/client/v3/account/whoami HTTP/1.1\r\n{host}{login}\r\n".encode()
        )
        half.socket.shutdown(1)
        assert half.read_response().json()["user_id"] == anna.user

    # Several requests at once are answered in order.
    with node.connect() as several:
        several.open()
        path = "/_matrix/client/v3/account/whoami"
        line = f"GET {path} HTTP/1.1\r\n{host}"
        several.socket.sendall((f"{line}{login}\r\n{line}\r\n{line}{login}\r\n").encode())
        assert [several.read_response().status for _ in range(3)] == [200, 401, 200]

    # A head that never ends is cut off in time; meanwhile others are served.
    slow = node.connect(timeout=20)
    slow.open()
    slow.socket.sendall(b"GET /_matrix/client/versions HTTP/1.1\r\nX: ")
    body = node.connect(timeout=20)
    body.open()
    body.socket.sendall(
        f"PUT {anna.room_path(room, 'send/m.room.message/slow')} HTTP/1.1\r\n{host}{login}"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
    )
    for number in range(50):
        anna.send(room, f"meanwhile{number}", "x")
    for connection in (slow, body):
        try:
            assert connection.read_response().status in (400, 408)
        except BrokenAnswer:
            pass  # Ended without a word, which is as good.
        connection.close()

    # What cannot be read with certainty is refused, never guessed at.
    post, chunked = f"POST /x HTTP/1.1\r\n{host}", "Transfer-Encoding: chunked\r\n\r\n"
    for what, message in {
        "two lengths": f"{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "length and chunks": f"{post}Content-Length: 3\r\n{chunked}0\r\n\r\n",
        "a bad chunk": f"{post}{chunked}zz\r\n",
        "a negative length": f"{post}Content-Length: -1\r\n\r\n",
        "a long line": f"GET /{'x' * 100_000} HTTP/1.1\r\n{host}\r\n",
        "a long header": f"GET / HTTP/1.1\r\n{host}X: {'x' * 100_000}\r\n\r\n",
        "many headers": f"GET / HTTP/1.1\r\n{host}" + "X: y\r\n" * 1_000 + "\r\n",
        "no HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "a space in a name": f"GET / HTTP/1.1\r\n{host}X Y: z\r\n\r\n",
        "no host": "GET / HTTP/1.1\r\n\r\n",
    }.items():
        with node.connect(timeout=10) as connection:
            try:
                status = connection.exchange(message.encode("latin-1")).status
                assert 400 <= status < 500, f"{what}: {status}"
            except BrokenAnswer as problem:
                assert not problem.begun, f"{what}: {problem}"
    try:
        anna.send(room, "x" * 100_000, "too long a transaction ID")
        raise AssertionError("a transaction ID of 100,000 bytes was accepted")
    except Refused as refused:
        assert 400 <= refused.status < 500, refused
    assert node.is_running(), node.log_tail()
    node.stop()
