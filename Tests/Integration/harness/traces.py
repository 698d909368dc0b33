"""Finds a text in bytes, however a program might have written it down."""

import base64
from pathlib import Path


def forms(text):
    """Every form looked for, by its name: plain, hex, base64 at three alignments, UTF-16."""
    plain = text.encode()
    found = {
        "plain": plain,
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "UTF-16LE": text.encode("utf-16-le"),
        "UTF-16BE": text.encode("utf-16-be"),
        "reversed": plain[::-1],
    }
    for shift in range(3):
        # Six bits a character: the characters that depend on neighbours are cut off both ends.
        whole = base64.b64encode(b"\0" * shift + plain)
        start = -(-shift * 8 // 6)
        end = (shift + len(plain)) * 8 // 6
        found[f"base64+{shift}"] = whole[start:end]
        found[f"base64url+{shift}"] = whole[start:end].translate(bytes.maketrans(b"+/", b"-_"))
    return found


def find(data, marks):
    """Which of `marks` (name → text) these bytes show, and how."""
    return [
        f"{name} ({form})"
        for name, text in marks.items()
        for form, pattern in forms(text).items()
        if pattern in data
    ]


def search_files(folders, marks, leave_out=()):
    """Finds in all files below these folders, their names included; how many bytes were read."""
    findings, size = [], 0
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path in leave_out or not path.is_file():
                continue
            data = path.read_bytes()
            size += len(data)
            findings += [f"{path}: {what}" for what in find(data, marks)]
            findings += [f"{path}'s name: {what}" for what in find(str(path).encode(), marks)]
    return findings, size
