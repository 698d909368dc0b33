"""Opens a stopped node's files with its root key, written from Specs/Formats alone.

What this finds is what somebody has who stole the disk and the root key, but no room's or user's
key: the outer layer of encryption is open, the inner is not.
"""

import hashlib
import hmac
from pathlib import Path

from .node import Missing

try:
    from Crypto.Cipher import AES
except ImportError:
    AES = None

HEADER_BYTES = 4_096
MAGIC = b"WBLENC1\0"
DATA_KEY = 1


def hkdf(key, salt, info, count):
    secret = hmac.digest(salt or bytes(32), key, "sha256")
    output, block = b"", b""
    while len(output) < count:
        block = hmac.digest(secret, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:count]


def open_gcm(key, nonce, sealed, associated):
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce)
    cipher.update(associated)
    return cipher.decrypt_and_verify(sealed[:-16], sealed[-16:])


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        self.at += count
        assert self.at <= len(self.data), "cut off"
        return self.data[self.at - count : self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


def data_keys(ring_file, root):
    """epoch → data key, from a KEYRING file."""
    return {epoch: key for (kind, epoch), key in ring_keys(ring_file, root).items()
            if kind == DATA_KEY}  # fmt: skip


def ring_keys(ring_file, root):
    """(kind, epoch) → key, from a KEYRING file (Specs/Formats/Keyring.md)."""
    data = Path(ring_file).read_bytes()
    assert hashlib.sha256(data[:-32]).digest() == data[-32:], "the key ring is damaged"
    reader = _Reader(data[:-32])
    assert reader.take(8) == b"WBLRING1" and reader.take(4) == b"\0\1\0\1"
    ring_id = reader.take(16)
    reader.take(8)
    slots = []
    for _ in range(reader.number(1)):
        reader.take(1)
        fingerprint = reader.take(8)
        slots.append((fingerprint, reader.take(reader.varint())))
    associated = data[: reader.at]
    nonce = reader.take(12)
    sealed = reader.take(reader.number(4))
    slot_key = hkdf(root, ring_id, b"warbler/root-wrap/1", 32)
    fingerprint, wrapped = slots[0]
    ring_key = open_gcm(
        slot_key, wrapped[:12], wrapped[12:], b"warbler/slot/1" + ring_id + fingerprint
    )
    body = _Reader(
        open_gcm(hkdf(ring_key, ring_id, b"warbler/ring-body/1", 32), nonce, sealed, associated)
    )
    body.take(16)
    keys = {}
    for _ in range(body.varint()):
        kind, epoch = body.number(1), body.number(4)
        body.take(8)
        key = body.take(32)
        keys[kind, epoch] = key
    return keys


def open_file(path, keys):
    """The plain bytes of a database file (Specs/Formats/EncryptedFile.md); None if it is none."""
    data = Path(path).read_bytes()
    if len(data) < HEADER_BYTES or data[:8] != MAGIC:
        return None
    header = data[:HEADER_BYTES]
    key = keys[int.from_bytes(header[12:16], "big")]
    tag = hmac.digest(hkdf(key, b"", b"hdr", 32), header[:96] + header[128:], "sha256")
    assert tag == header[96:128], f"{path}: the header's tag does not fit"
    info = b"warbler/file/1" + header[16:32] + header[72:73]
    material = hkdf(key, header[32:64], info, 48)
    start = (int.from_bytes(material[32:], "big") + HEADER_BYTES // 16) % (1 << 128)
    cipher = AES.new(
        material[:32], AES.MODE_CTR, nonce=b"", initial_value=start.to_bytes(16, "big")
    )
    return cipher.decrypt(data[HEADER_BYTES:])


def open_all(node):
    """path → plain bytes, for every database file of a stopped node."""
    if AES is None:
        raise Missing("pycryptodome is not installed (requirements.txt)")
    root = bytes.fromhex(node.key.read_text().strip())
    keys = data_keys(node.data / "keys" / "KEYRING", root)
    opened = {}
    for folder in ("log", "state"):
        for path in sorted((node.data / folder).iterdir()):
            if path.is_file() and (plain := open_file(path, keys)) is not None:
                opened[path] = plain
    return opened
