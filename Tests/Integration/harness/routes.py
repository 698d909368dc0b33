"""The routes of the Client-Server API with a plausible request for each.

Read from the Matrix schemas where WARBLER_SHARED has them, else from the short list below.
"""

import os
import re
from pathlib import Path

try:
    import yaml
except ImportError:
    yaml = None

_METHODS = ("get", "put", "post", "delete")
_DEPTH_MAX = 6


class Route:
    """One operation: `path` with {names}, query names, and a body that would do (None: no body)."""

    __slots__ = ("method", "path", "query", "body")

    def __init__(self, method, path, query=(), body=None):
        self.method = method
        self.path = path
        self.query = list(query)
        self.body = body

    @property
    def path_names(self):
        return re.findall(r"\{(\w+)\}", self.path)

    def __str__(self):
        return f"{self.method} {self.path}"


def load():
    """(routes, where they are from)"""
    shared = os.environ.get("WARBLER_SHARED") or Path(__file__).resolve().parents[4] / "shared"
    folder = Path(shared) / "matrix-spec" / "data" / "api" / "client-server"
    if yaml is None or not folder.is_dir():
        return _short_list(), "the short list"
    reader = _Schemas()
    routes = [route for file in sorted(folder.glob("*.yaml")) for route in reader.routes(file)]
    return routes, "the Matrix schemas"


class _Schemas:
    def __init__(self):
        self.files = {}

    def read(self, path):
        path = path.resolve()
        if path not in self.files:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            self.files[path] = yaml.load(path.read_text(), Loader=loader)
        return self.files[path]

    def routes(self, path):
        document = self.read(path)
        base = document["servers"][0]["variables"]["basePath"]["default"]
        for template, operations in document.get("paths", {}).items():
            for method in _METHODS:
                operation = operations.get(method)
                if operation is None:
                    continue
                parameters = [
                    self.resolve(each, path)[0]
                    for each in (
                        *operations.get("parameters", ()),
                        *operation.get("parameters", ()),
                    )
                ]
                query = [each["name"] for each in parameters if each["in"] == "query"]
                body = self.body(operation.get("requestBody"), path)
                yield Route(method.upper(), base + template, query, body)

    def resolve(self, node, path):
        """What a $ref stands for, and the file that is relative to."""
        while isinstance(node, dict) and "$ref" in node:
            file, _, pointer = node["$ref"].partition("#")
            target = path.parent / file if file else path
            node = self.read(target)
            for part in filter(None, pointer.split("/")):
                node = node[part]
            path = target
        return node, path

    def body(self, request, path):
        if request is None:
            return None
        request, path = self.resolve(request, path)
        content = request.get("content", {}).get("application/json")
        if content is None:
            return None
        sample = self.sample(content.get("schema", {}), path, 0)
        return sample if isinstance(sample, dict) else {}

    def sample(self, schema, path, depth):
        """A value of this schema: its example, completed by what the example leaves out."""
        schema, path = self.resolve(schema, path)
        if depth > _DEPTH_MAX or not isinstance(schema, dict):
            return {}
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        for choice in ("oneOf", "anyOf"):
            if choice in schema and kind != "object":
                return self.sample(schema[choice][0], path, depth + 1)
        if kind == "object" or "properties" in schema or "allOf" in schema:
            value = {}
            for part in schema.get("allOf", ()):
                inner = self.sample(part, path, depth + 1)
                value |= inner if isinstance(inner, dict) else {}
            for name, inner in schema.get("properties", {}).items():
                value[name] = self.sample(inner, path, depth + 1)
            example = schema.get("example")
            return value | example if isinstance(example, dict) else value
        if "example" in schema:
            return schema["example"]
        if kind == "array":
            return [self.sample(schema.get("items", {}), path, depth + 1)]
        if "enum" in schema:
            return schema["enum"][0]
        return {"integer": 1, "number": 1, "boolean": True}.get(kind, "text")


def _short_list():
    v3, v1 = "/_matrix/client/v3", "/_matrix/client/v1"
    room, user = f"{v3}/rooms/{{roomId}}", f"{v3}/user/{{userId}}"
    auth = {"type": "m.login.password", "password": "x", "session": "x"}
    message = {"msgtype": "m.text", "body": "x"}
    member = {"user_id": "@x:warbler.test", "reason": "x"}
    rule = f"{v3}/pushrules/global/{{kind}}/{{ruleId}}"
    table = [
        ("GET", "/_matrix/client/versions", (), None),
        ("GET", f"{v3}/capabilities", (), None),
        ("GET", f"{v3}/login", (), None),
        ("POST", f"{v3}/login", (), {
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": "x"},
            "password": "x", "device_id": "X", "initial_device_display_name": "x",
            "refresh_token": False,
        }),
        ("POST", f"{v1}/login/get_token", (), {"auth": auth}),
        ("POST", f"{v3}/logout", (), {}),
        ("POST", f"{v3}/register", ("kind",), {
            "username": "x", "password": "x", "auth": {"type": "m.login.dummy", "session": "x"},
            "device_id": "X", "initial_device_display_name": "x", "inhibit_login": False,
        }),
        ("GET", f"{v3}/register/available", ("username",), None),
        ("GET", f"{v3}/account/whoami", (), None),
        ("POST", f"{v3}/account/password", (), {
            "new_password": "x", "logout_devices": True, "auth": auth,
        }),
        ("POST", f"{v3}/account/deactivate", (), {"auth": auth, "erase": False}),
        ("GET", f"{v3}/devices", (), None),
        ("GET", f"{v3}/devices/{{deviceId}}", (), None),
        ("PUT", f"{v3}/devices/{{deviceId}}", (), {"display_name": "x"}),
        ("DELETE", f"{v3}/devices/{{deviceId}}", (), {"auth": auth}),
        ("POST", f"{v3}/delete_devices", (), {"devices": ["X"], "auth": auth}),
        ("GET", f"{v3}/profile/{{userId}}", (), None),
        ("GET", f"{v3}/profile/{{userId}}/{{keyName}}", (), None),
        ("PUT", f"{v3}/profile/{{userId}}/displayname", (), {"displayname": "x"}),
        ("PUT", f"{v3}/profile/{{userId}}/avatar_url", (), {"avatar_url": "mxc://x/y"}),
        ("GET", f"{user}/account_data/{{type}}", (), None),
        ("PUT", f"{user}/account_data/{{type}}", (), {"x": 1}),
        ("GET", f"{user}/rooms/{{roomId}}/account_data/{{type}}", (), None),
        ("PUT", f"{user}/rooms/{{roomId}}/account_data/{{type}}", (), {"x": 1}),
        ("GET", f"{user}/rooms/{{roomId}}/tags", (), None),
        ("PUT", f"{user}/rooms/{{roomId}}/tags/{{tag}}", (), {"order": 0.5}),
        ("DELETE", f"{user}/rooms/{{roomId}}/tags/{{tag}}", (), None),
        ("POST", f"{user}/filter", (), {
            "event_fields": ["type"], "event_format": "client",
            "presence": {"types": ["x"]}, "account_data": {"not_types": ["x"]},
            "room": {
                "rooms": ["!x:y"], "not_rooms": ["!x:y"], "include_leave": False,
                "timeline": {"limit": 5, "types": ["m.*"], "senders": ["@x:y"]},
                "state": {"lazy_load_members": True, "include_redundant_members": False},
                "ephemeral": {"not_senders": ["@x:y"]}, "account_data": {"contains_url": True},
            },
        }),
        ("GET", f"{user}/filter/{{filterId}}", (), None),
        ("POST", f"{v3}/createRoom", (), {
            "visibility": "private", "room_alias_name": "x", "name": "x", "topic": "x",
            "invite": ["@x:warbler.test"], "room_version": "11", "creation_content": {"x": 1},
            "initial_state": [{"type": "x", "state_key": "", "content": {}}],
            "preset": "private_chat", "is_direct": False,
            "power_level_content_override": {"users": {"@x:y": 1}, "events": {"x": 1}, "ban": 1},
        }),
        ("POST", f"{v3}/join/{{roomIdOrAlias}}", ("via", "server_name"), {"reason": "x"}),
        *(("POST", f"{room}/{verb}", (), member)
          for verb in ("join", "invite", "leave", "kick", "ban", "unban", "forget")),
        ("PUT", f"{v3}/directory/room/{{roomAlias}}", (), {"room_id": "!x:y"}),
        ("GET", f"{v3}/directory/room/{{roomAlias}}", (), None),
        ("DELETE", f"{v3}/directory/room/{{roomAlias}}", (), None),
        ("PUT", f"{v3}/directory/list/room/{{roomId}}", (), {"visibility": "public"}),
        ("GET", f"{v3}/directory/list/room/{{roomId}}", (), None),
        ("GET", f"{room}/aliases", (), None),
        ("GET", f"{v3}/publicRooms", ("limit", "since", "server"), None),
        ("POST", f"{v3}/publicRooms", ("server",), {
            "limit": 10, "since": "x", "filter": {"generic_search_term": "x", "room_types": [None]},
            "include_all_networks": False, "third_party_instance_id": "x",
        }),
        ("PUT", f"{room}/send/{{eventType}}/{{txnId}}", (), message),
        ("PUT", f"{room}/state/{{eventType}}/{{stateKey}}", (), {"x": 1}),
        ("GET", f"{room}/state/{{eventType}}/{{stateKey}}", ("format",), None),
        ("GET", f"{room}/state", (), None),
        ("PUT", f"{room}/redact/{{eventId}}/{{txnId}}", (), {"reason": "x"}),
        ("GET", f"{room}/event/{{eventId}}", (), None),
        ("GET", f"{room}/context/{{eventId}}", ("limit", "filter"), None),
        ("GET", f"{room}/messages", ("from", "to", "dir", "limit", "filter"), None),
        ("GET", f"{room}/members", ("at", "membership", "not_membership"), None),
        ("GET", f"{room}/joined_members", (), None),
        ("GET", f"{v3}/joined_rooms", (), None),
        ("GET", f"{v3}/sync", ("filter", "since", "full_state", "set_presence", "timeout"), None),
        ("PUT", f"{room}/typing/{{userId}}", (), {"typing": True, "timeout": 1000}),
        ("POST", f"{room}/receipt/{{receiptType}}/{{eventId}}", (), {"thread_id": "main"}),
        ("POST", f"{room}/read_markers", (), {
            "m.fully_read": "$x", "m.read": "$x", "m.read.private": "$x",
        }),
        ("GET", f"{v3}/pushrules/", (), None),
        ("GET", rule, (), None),
        ("PUT", rule, ("before", "after"), {
            "actions": ["notify", {"set_tweak": "sound", "value": "x"}], "pattern": "x",
            "conditions": [{"kind": "event_match", "key": "content.body", "pattern": "x"}],
        }),
        ("DELETE", rule, (), None),
        ("PUT", f"{rule}/enabled", (), {"enabled": True}),
        ("PUT", f"{rule}/actions", (), {"actions": ["notify"]}),
    ]  # fmt: skip
    return [Route(*row) for row in table]
