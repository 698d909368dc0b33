"""Everything users can ask for, as bytes, so that two servers' answers can be held together.

What may differ is put aside first, in the raw bytes, so that everything else stays byte for byte:
- pagination and sync tokens (`next_batch`, `prev_batch`, `start`, `end`), which name positions;
- `age` in `unsigned`, the milliseconds since an event, and `last_seen_ts` of devices, which the
  asking itself changes.
"""

import json
import re
from urllib.parse import quote

_TOKENS = re.compile(rb'"(next_batch|prev_batch|start|end)":\s*"[^"]*"')
_CLOCKS = re.compile(rb'"(age|last_seen_ts)":\s*\d+')


def normal(body):
    body = _TOKENS.sub(rb'"\1":"TOKEN"', body)
    return _CLOCKS.sub(rb'"\1":0', body)


def _rooms_of(client):
    return client.get("/_matrix/client/v3/joined_rooms")["joined_rooms"]


def paths(client, rooms, account_data_types=()):
    """What one user asks."""
    wide = quote(json.dumps({"room": {"timeline": {"limit": 50}}}))
    lazy = quote(json.dumps({"room": {"state": {"lazy_load_members": True}}}))
    user = quote(client.user)
    yield "/_matrix/client/v3/sync?full_state=true&timeout=0"
    yield f"/_matrix/client/v3/sync?full_state=true&timeout=0&filter={wide}"
    yield f"/_matrix/client/v3/sync?full_state=true&timeout=0&filter={lazy}"
    yield "/_matrix/client/v3/account/whoami"
    yield "/_matrix/client/v3/devices"
    yield "/_matrix/client/v3/joined_rooms"
    yield "/_matrix/client/v3/pushrules/"
    yield f"/_matrix/client/v3/profile/{user}"
    yield "/_matrix/client/v3/publicRooms"
    for kind in account_data_types:
        yield f"/_matrix/client/v3/user/{user}/account_data/{kind}"
    for room in rooms:
        base = f"/_matrix/client/v3/rooms/{quote(room)}"
        yield f"{base}/state"
        yield f"{base}/members"
        yield f"{base}/joined_members"
        yield f"{base}/messages?dir=b&limit=1000"
        yield f"{base}/messages?dir=f&limit=1000"
        yield f"{base}/aliases"
        yield f"/_matrix/client/v3/user/{user}/rooms/{quote(room)}/tags"
        for kind in account_data_types:
            yield f"/_matrix/client/v3/user/{user}/rooms/{quote(room)}/account_data/{kind}"


def record(clients, rooms, account_data_types=(), port=None):
    """(user, path) → (status, normal bytes). Rooms a user is not in are asked for too."""
    answers = {}
    for client in clients:
        with client.twin(port) as reader:
            for path in paths(client, rooms, account_data_types):
                response = reader.connection.request("GET", path)
                answers[client.user, path] = response.status, normal(response.body)
    return answers


def differences(before, after):
    """Lines that say where two recordings differ; none when they are the same."""
    lines = []
    for key in before:
        if before[key] != after.get(key):
            lines.append(f"{key[0]} {key[1]}\n  before: {_around(before[key], after.get(key))}")
    lines += [f"only after: {key}" for key in after if key not in before]
    return lines


def _around(one, other):
    """Both answers near the first byte that differs."""
    if other is None or one[0] != other[0]:
        return f"{one[0]} {one[1][:200]!r}, then {other and (other[0], other[1][:200])!r}"
    at = next(
        (i for i, (a, b) in enumerate(zip(one[1], other[1])) if a != b),
        min(len(one[1]), len(other[1])),
    )
    start = max(0, at - 150)
    return f"…{one[1][start : at + 150]!r}\n  after:  …{other[1][start : at + 150]!r}"
