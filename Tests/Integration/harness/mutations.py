"""Bad values, and requests with one or two of them at a known place."""

import copy
import json
from urllib.parse import quote

MEBIBYTE = 1 << 20
DEPTH = 5_000
_MARK = "\u0001MUTATION"


class Raw(str):
    """Text that goes into the JSON as it is."""


def wrong_type(value):
    if isinstance(value, bool):
        return "true"
    if isinstance(value, (int, float)):
        return [value]
    if isinstance(value, str):
        return 17
    if isinstance(value, list):
        return {"0": value}
    return [value]


def empty(value):
    return type(value)() if isinstance(value, (str, list, dict)) else ""


#: name → what the value in a body becomes; `missing` is done by who places it.
IN_BODY = {
    "missing": None,
    "null": lambda _: None,
    "wrong type": wrong_type,
    "empty": empty,
    "1 MiB": lambda _: "x" * MEBIBYTE,
    "deep": lambda _: Raw("[" * DEPTH + "]" * DEPTH),
    "NUL": lambda _: "a\0b",
    "lone surrogate": lambda _: Raw('"a\\ud800b"'),
    "NaN": lambda _: Raw("NaN"),
    "-1": lambda _: -1,
    "2^53": lambda _: 1 << 53,
}
#: The same in a path or a query, already percent-encoded.
IN_URL = {
    "missing": None,
    "null": "null",
    "wrong type": "%5B1%5D",
    "empty": "",
    "1 MiB": "x" * MEBIBYTE,
    "deep": "%5B" * DEPTH + "%5D" * DEPTH,
    "NUL": "a%00b",
    "lone surrogate": "a%ED%A0%80b",
    "NaN": "NaN",
    "-1": "-1",
    "2^53": str(1 << 53),
}
#: Whole bodies that are no JSON object, or only almost.
BODIES = {
    "none": None,
    "nothing": b"",
    "array": b"[]",
    "text": b'"text"',
    "number": b"1",
    "null": b"null",
    "cut off": b'{"a": "b',
    "junk after": b'{"a": 1} x',
    "the same key twice": b'{"a": 1, "a": 2}',
    "not UTF-8": b'{"a": "\xff\xfe"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "deep": b'{"a":' * 500 + b"1" + b"}" * 500,
    "many keys": json.dumps({str(i): i for i in range(20_000)}).encode(),
    "huge number": b'{"a": 1e400, "timeout": 123456789012345678901234567890}',
    "only spaces": b" " * 1000,
    "over the limit": b'{"a": "' + b"x" * (2 * MEBIBYTE) + b'"}',
}


def places(value, at=()):
    """The paths of all members and elements of a body."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*at, key)
            yield from places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:2]):
            yield (*at, index)
            yield from places(inner, (*at, index))


def mutate(body, place, name):
    """The bytes of `body` with the value at `place` changed."""
    body = copy.deepcopy(body)
    holder = body
    for step in place[:-1]:
        holder = holder[step]
    raw = None
    if name == "missing":
        del holder[place[-1]]
    else:
        value = IN_BODY[name](holder[place[-1]])
        if isinstance(value, Raw):
            raw, value = value, _MARK
        holder[place[-1]] = value
    text = json.dumps(body)
    if raw is not None:
        text = text.replace(json.dumps(_MARK), raw)
    return text.encode()


class Request:
    """What is sent: method, path with query, bytes; and what about it is bad."""

    __slots__ = ("method", "path", "body", "what")

    def __init__(self, method, path, body, what):
        self.method = method
        self.path = path
        self.body = body
        self.what = what

    def __str__(self):
        return f"{self.method} {self.path[:120]} [{self.what}]"


def base(route, values):
    """The plausible request of a route."""
    return Request(route.method, _path(route, values), _bytes(route.body), "as it should be")


def single(route, values):
    """Every field of a route × every bad value, one at a time; and bad bodies as a whole."""
    plain = _bytes(route.body)
    for name in route.path_names:
        for kind, value in IN_URL.items():
            path = _path(route, values, {name: value or ""})
            yield Request(route.method, path, plain, f"{name}: {kind}")
    for name in route.query:
        for kind, value in IN_URL.items():
            query = [] if value is None else [(name, value)]
            yield Request(route.method, _path(route, values, query=query), plain, f"{name}: {kind}")
    for place in places(route.body or {}):
        for kind in IN_BODY:
            yield Request(
                route.method, _path(route, values), mutate(route.body, place, kind),
                f"{'.'.join(map(str, place))}: {kind}",
            )  # fmt: skip
    for kind, body in BODIES.items():
        yield Request(route.method, _path(route, values), body, f"body: {kind}")


def pairs(route, values, chance, count):
    """Random requests with two bad values, in any two places."""
    in_body = list(places(route.body or {}))
    in_path = route.path_names
    small = [kind for kind in IN_BODY if kind not in ("1 MiB", "missing")]
    for _ in range(count):
        changes, query, body, what = {}, [], _bytes(route.body), []
        if in_path and chance.random() < 0.5:
            name, kind = chance.choice(in_path), chance.choice(small)
            changes[name] = IN_URL[kind]
            what.append(f"{name}: {kind}")
        for name in chance.sample(route.query, min(len(route.query), 2)):
            kind = chance.choice(small)
            query.append((name, IN_URL[kind]))
            what.append(f"{name}: {kind}")
        if in_body:
            place, kind = chance.choice(in_body), chance.choice(list(IN_BODY))
            body = mutate(route.body, place, kind)
            what.append(f"{'.'.join(map(str, place))}: {kind}")
        elif not what:
            kind = chance.choice(list(BODIES))
            body = BODIES[kind]
            what.append(f"body: {kind}")
        yield Request(route.method, _path(route, values, changes, query), body, ", ".join(what))


def _bytes(body):
    return None if body is None else json.dumps(body).encode()


def _path(route, values, changes=(), query=()):
    path = route.path
    for name in route.path_names:
        value = changes[name] if name in changes else quote(values(name), safe="")
        path = path.replace("{" + name + "}", value)
    if query:
        path += "?" + "&".join(f"{name}={value}" for name, value in query)
    return path
