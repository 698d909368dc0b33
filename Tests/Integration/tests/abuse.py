"""What clients make up: deep JSON, tokens, member events, endless data. Nobody else is harmed."""

import base64
import json
from urllib.parse import quote

from harness.matrix import Client, Refused
from harness.suite import test

#: Around the default limit of 64, that of the configuration, and the deepest it can be set to.
DEPTHS = (60, 63, 64, 65, 66, 90, 99, 100, 101, 126, 127, 128, 129, 130)
JSON_DEPTH_DEFAULT = 100
JSON_DEPTH_MAX = 128


def _deep(depth, **members):
    """An object nested this deep, itself included."""
    value = 1
    for _ in range(depth - 1):
        value = [value]
    return {**members, "x": value}


@test("deep JSON is refused, or read by everybody ever after", seconds=90)
def deep_json(context):
    for limit, settings in ((JSON_DEPTH_DEFAULT, {}), (JSON_DEPTH_MAX, {"json_depth": 128})):
        node = context.node(f"node{limit}", settings={"limits": settings}).start()
        anna = Client.register(node.port, "anna")
        ben = Client.register(node.port, "ben")
        room = anna.create_room(preset="public_chat")
        ben.join(room)
        ben.put(
            "/_matrix/client/v3/pushrules/global/content/tea",
            {"actions": ["notify"], "pattern": "tea"},
        )
        since = ben.sync()["next_batch"]
        for depth in DEPTHS:
            _write_everywhere(anna, room, depth, depth <= limit)
            since = ben.sync(since)["next_batch"]
            for client in (anna, ben):
                _read_everything(client)
        # Whoever comes later, and a leader that begins anew, read the same.
        Client.register(node.port, "cleo").join(room)
        node.stop()
        node.start()
        again = Client.login(node.port, "ben")
        _read_everything(again)
        again.send(room, "after", "still here")
        assert node.is_running(), node.log_tail()
        node.stop()


def _write_everywhere(client, room, depth, accepted):
    user = f"/_matrix/client/v3/user/{quote(client.user)}"
    rules = "/_matrix/client/v3/pushrules/global"
    text = {"msgtype": "m.text", "body": "some tea"}
    levels = {"users": {client.user: 100}}
    own = quote(client.user)
    requests = [
        ("PUT", client.room_path(room, f"send/m.room.message/{depth}"), _deep(depth, **text)),
        ("PUT", client.room_path(room, "state/deep"), _deep(depth)),
        ("PUT", client.room_path(room, "state/m.room.name"), _deep(depth, name="Deep")),
        ("PUT", client.room_path(room, "state/m.room.topic"), _deep(depth, topic="Deep")),
        (
            "PUT",
            client.room_path(room, f"state/m.room.member/{own}"),
            _deep(depth, membership="join"),
        ),
        ("PUT", client.room_path(room, "state/m.room.power_levels"), _deep(depth, **levels)),
        (
            "PUT",
            client.room_path(room, "state/m.room.join_rules"),
            _deep(depth, join_rule="public"),
        ),
        (
            "PUT",
            client.room_path(room, "state/m.room.history_visibility"),
            _deep(depth, history_visibility="shared"),
        ),
        (
            "POST",
            "/_matrix/client/v3/createRoom",
            {"initial_state": [{"type": "deep", "content": _deep(depth - 3)}]},
        ),
        (
            "POST",
            "/_matrix/client/v3/createRoom",
            {"creation_content": _deep(depth - 1)},
        ),
        (
            "POST",
            "/_matrix/client/v3/createRoom",
            {"power_level_content_override": _deep(depth - 1)},
        ),
        ("PUT", f"{user}/account_data/org.warbler.deep", _deep(depth)),
        ("PUT", f"{user}/account_data/m.ignored_user_list", _deep(depth, ignored_users={})),
        ("PUT", f"{user}/rooms/{quote(room)}/account_data/org.warbler.deep", _deep(depth)),
        ("PUT", f"{user}/rooms/{quote(room)}/tags/deep", _deep(depth)),
        ("POST", f"{user}/filter", _deep(depth)),
        (
            "PUT",
            f"{rules}/override/deep",
            {"actions": ["notify"], "conditions": [_deep(depth - 2, kind="odd")]},
        ),
        (
            "PUT",
            f"{rules}/underride/deep",
            {"actions": [{"set_tweak": "odd", "value": _deep(depth - 3)}]},
        ),
    ]
    for method, path, body in requests:
        response = client.connection.request(method, path, body)
        wanted = 200 if accepted else 400
        assert response.status == wanted, f"{method} {path} at {depth}: {response.status}"


def _read_everything(client):
    user = f"/_matrix/client/v3/user/{quote(client.user)}"
    client.sync()
    client.sync(full_state=True)
    client.get("/_matrix/client/v3/pushrules/")
    for room in client.get("/_matrix/client/v3/joined_rooms")["joined_rooms"]:
        for path in ("state", "members", "joined_members", "messages?limit=100"):
            client.get(client.room_path(room, path))
        client.get(f"{user}/rooms/{quote(room)}/tags")


@test("tokens and member events that a client makes up open no door", seconds=60)
def trespass(context):
    node = context.node().start()
    anna = Client.register(node.port, "anna")
    ben = Client.register(node.port, "ben")

    # A token that begins at zero shows nothing from before one came in.
    room = anna.create_room(
        preset="public_chat",
        initial_state=[
            {
                "type": "m.room.history_visibility",
                "content": {"history_visibility": "joined"},
            }
        ],
    )
    anna.send(room, "t1", "a secret")
    ben.join(room)
    token = ben.sync()["next_batch"]
    for index in (0, 1, 2):
        assert "a secret" not in json.dumps(ben.sync(_forged(token, index)))
    assert "a secret" in json.dumps(anna.sync(_forged(anna.sync()["next_batch"], 0)))

    # Nobody says themselves who let them in.
    hall = anna.create_room()
    closed = anna.create_room()
    anna.set_state(
        closed,
        "m.room.join_rules",
        {
            "join_rule": "restricted",
            "allow": [{"type": "m.room_membership", "room_id": hall}],
        },
    )
    forged = {"membership": "join", "join_authorised_via_users_server": anna.user}
    _refused(403, ben.set_state, closed, "m.room.member", forged, ben.user)
    for entry in (
        {"type": "m.room.member", "state_key": ben.user, "content": {"membership": "invite"}},
        {"type": "m.room.canonical_alias", "content": {"alias": "#none:warbler.test"}},
    ):
        _refused(400, anna.create_room, initial_state=[entry])
    assert ben.sync()["rooms"].keys() == {"join"}
    node.stop()


def _forged(token, index):
    """The token with this index for every partition (Specs/Formats, stream token)."""
    raw = base64.urlsafe_b64decode(token[1:] + "=" * (-len(token[1:]) % 4))
    place = 1

    def varint():
        nonlocal place
        start = place
        while raw[place] & 0x80:
            place += 1
        place += 1
        return raw[start:place]

    out = raw[:1] + varint() + varint()
    count = varint()
    out += count
    for _ in range(int.from_bytes(count, "little") if len(count) == 1 else 0):
        out += raw[place : place + 2] + bytes([index])
        place += 2
        varint()
    return "s" + base64.urlsafe_b64encode(out + raw[place:]).decode().rstrip("=")


def _refused(status, body, *arguments, **options):
    try:
        body(*arguments, **options)
    except Refused as refused:
        assert refused.status == status, refused
        return
    raise AssertionError(f"{body.__name__} {arguments} {options}"[:200] + " was accepted")


@test("what one user may make the server keep has an end", seconds=90)
def caps(context):
    node = context.node(
        settings={"limits": {"rooms_per_user_per_day": 0, "invites_per_user_per_day": 0}}
    ).start()
    anna = Client.register(node.port, "anna")
    for _ in range(3):
        _refused(403, anna.create_room)
    assert 100 < _fill(anna, "first") < 200
    anna.set_account_data("org.warbler.first0", {})
    # What is counted is what is there: also after the rows were read anew.
    node.stop()
    node.start()
    anna = Client.login(node.port, "anna")
    assert _fill(anna, "second") == 1
    anna.sync()
    node.stop()


def _fill(client, name):
    """Sets items of account data until no more is taken; how many there were."""
    for count in range(300):
        try:
            client.set_account_data(f"org.warbler.{name}{count}", {"x": "a" * 65_000})
        except Refused as refused:
            assert refused.errcode == "M_USER_LIMIT_EXCEEDED", refused
            return count
    raise AssertionError("account data has no end")
