"""Opens what the outer layer's keys leave sealed, written from Specs/Formats alone.

This is somebody who has the whole data folder, the key ring in both its generations and the root
key, and looks for a key at every byte of every file, in whatever is left there: live rows, rows
that were overwritten, records, logs that were not deleted yet.
"""

import hmac
import re

from . import layer_one

WRAP_KEY = 3
#: Kinds, key IDs below 2³², small epochs.
WRAPPED = re.compile(rb"(?=\x01[\x01-\x04]\0{4}.{4}\0{3}.\0{3}.)", re.DOTALL)
HEADER, BODY = 30, 48
SEALED = re.compile(rb"\x01\0\x01\0\0\0\x01(.{8})(.{8})", re.DOTALL)


def wrap_keys(node):
    """epoch → keys, from every file of the key ring's folder that is a key ring."""
    root = bytes.fromhex(node.key.read_text().strip())
    found = {}
    for path in sorted((node.data / "keys").iterdir()):
        if path.read_bytes()[:8] != b"WBLRING1":
            continue
        for (kind, epoch), key in layer_one.ring_keys(path, root).items():
            if kind == WRAP_KEY:
                found.setdefault(epoch, set()).add(key)
    return found


def _unwrap(header, sealed, wraps):
    for key in wraps.get(int.from_bytes(header[14:18], "big"), ()):
        try:
            return layer_one.open_gcm(key, header[18:], sealed, b"warbler/wrap/1" + header)
        except ValueError:
            pass
    return None


def unwrap_all(opened, wraps):
    """key ID → set of keys: whatever wrapped key opens, wherever it stands whole."""
    found = {}
    for plain in opened.values():
        for match in WRAPPED.finditer(plain):
            piece = plain[match.start() : match.start() + HEADER + BODY]
            if len(piece) < HEADER + BODY:
                continue
            if (key := _unwrap(piece[:HEADER], piece[HEADER:], wraps)) is not None:
                found.setdefault(int.from_bytes(piece[2:10], "big"), set()).add(key)
    return found


def hunt(opened, wraps, key_id):
    """The same for one key, at every byte and without its clear header, which a compressed block
    may have shortened: only nonce, key and tag must stand together."""
    found = []
    clear = b"\x01\x01" + key_id.to_bytes(8, "big") + (1).to_bytes(4, "big")
    for path, plain in opened.items():
        for at in range(len(plain) - BODY - 11):
            piece = plain[at : at + 12 + BODY]
            # Random bytes are hardly ever as alike as text and numbers.
            if len(set(piece)) < 36:
                continue
            for epoch in wraps:
                header = clear + epoch.to_bytes(4, "big") + piece[:12]
                if _unwrap(header, piece[12:], wraps) is not None:
                    found.append((path, at))
    return found


def bodies(opened, event_id):
    """(room key ID, user key ID, sealed content) of an event, from every place where it stands."""
    found = set()
    for plain in opened.values():
        at = plain.find(event_id.encode())
        while at >= 0:
            match = SEALED.search(plain, at, at + 2_048)
            if match:
                count = plain[match.start() - 1]
                sealed = plain[match.start() : match.start() + count]
                ids = [int.from_bytes(part, "big") for part in match.groups()]
                found.add((ids[0], ids[1], sealed))
            at = plain.find(event_id.encode(), at + 1)
    return found


def open_body(sealed, room_key, user_key, room, event_id, kind):
    """The content of an event (Specs/Formats/SealedBody.md), or None."""
    secret = hmac.digest(user_key, room_key, "sha256")
    info = b"warbler/ev/1" + event_id.encode()
    key = hmac.digest(secret, info + b"\x01", "sha256")
    associated = sealed[:23]
    for text in (room, event_id, kind):
        associated += len(text.encode()).to_bytes(4, "big") + text.encode()
    try:
        return layer_one.open_gcm(key, bytes(12), sealed[23:], associated)
    except ValueError:
        return None
