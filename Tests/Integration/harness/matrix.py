"""The Client-Server API as these tests need it, for loads and checks without a client library."""

import json
import time
from urllib.parse import quote

from .wire import Connection


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status, errcode, text):
        super().__init__(f"{status} {errcode} {text}")
        self.status = status
        self.errcode = errcode


class Client:
    """One user's device on one connection; not for several threads."""

    def __init__(self, port, user=None, token=None, device=None, timeout=30):
        self.connection = Connection(port, token=token, timeout=timeout)
        self.user = user
        self.device = device

    @property
    def token(self):
        return self.connection.token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def twin(self, port=None):
        """The same device on a connection of its own."""
        connection = self.connection
        return Client(
            port or connection.port, self.user, connection.token, self.device, connection.timeout
        )

    def call(self, method, path, body=None):
        response = self.connection.request(method, path, body)
        if response.status != 200:
            try:
                problem = response.json()
            except ValueError:
                problem = {}
            raise Refused(
                response.status, problem.get("errcode"), problem.get("error", response.body[:200])
            )
        return response.json()

    def get(self, path):
        return self.call("GET", path)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def post(self, path, body):
        return self.call("POST", path, body)

    # Accounts

    @classmethod
    def register(cls, port, name, password="a long password"):
        client = cls(port)
        answer = client.post(
            "/_matrix/client/v3/register",
            {"username": name, "password": password, "auth": {"type": "m.login.dummy"}},
        )
        client._signed_in(answer)
        return client

    @classmethod
    def login(cls, port, user, password="a long password", device_name=None):
        client = cls(port)
        body = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": user},
            "password": password,
        }
        if device_name:
            body["initial_device_display_name"] = device_name
        client._signed_in(client.post("/_matrix/client/v3/login", body))
        return client

    def _signed_in(self, answer):
        self.user = answer["user_id"]
        self.device = answer["device_id"]
        self.connection.token = answer["access_token"]

    # Rooms

    def create_room(self, **options):
        return self.post("/_matrix/client/v3/createRoom", options)["room_id"]

    def join(self, room):
        return self.post(f"/_matrix/client/v3/join/{quote(room)}", {})

    def room_path(self, room, rest):
        return f"/_matrix/client/v3/rooms/{quote(room)}/{rest}"

    def send(self, room, transaction, body):
        """Sends a text and returns its event ID."""
        return self.put(
            self.room_path(room, f"send/m.room.message/{quote(transaction, safe='')}"),
            {"msgtype": "m.text", "body": body},
        )["event_id"]

    def set_state(self, room, kind, content, key=""):
        return self.put(self.room_path(room, f"state/{kind}/{quote(key, safe='')}"), content)[
            "event_id"
        ]

    def state(self, room, kind, key=""):
        return self.get(self.room_path(room, f"state/{kind}/{quote(key, safe='')}"))

    def set_account_data(self, kind, content):
        self.put(f"/_matrix/client/v3/user/{quote(self.user)}/account_data/{kind}", content)

    def account_data(self, kind):
        return self.get(f"/_matrix/client/v3/user/{quote(self.user)}/account_data/{kind}")

    def sync(self, since=None, timeout=0, full_state=False, filter=None):
        path = f"/_matrix/client/v3/sync?timeout={timeout}"
        if since:
            path += f"&since={quote(since)}"
        if full_state:
            path += "&full_state=true"
        if filter:
            path += f"&filter={quote(json.dumps(filter))}"
        return self.get(path)


def now():
    """Seconds that only go forward, the same clock for all threads."""
    return time.monotonic()
