"""A small world with something of everything: rooms, members, state, receipts, account data."""

from urllib.parse import quote

from .matrix import Client

DATA_TYPES = ("org.warbler.settings", "m.direct")


class Scene:
    """Users and rooms on a node, filled by the API."""

    def __init__(self, node, messages=30):
        port = node.port
        self.clients = [Client.register(port, name) for name in ("anna", "ben", "cleo", "dora")]
        anna, ben, cleo, dora = self.clients
        self.port = port
        anna.put(
            f"/_matrix/client/v3/profile/{quote(anna.user)}/displayname", {"displayname": "Anna"}
        )
        ben.put(f"/_matrix/client/v3/profile/{quote(ben.user)}/displayname", {"displayname": "Ben"})
        open_room = anna.create_room(
            name="Open", preset="public_chat", visibility="public", room_alias_name="open"
        )
        closed = ben.create_room(
            name="Closed", preset="private_chat", invite=[anna.user, cleo.user]
        )
        twelve = cleo.create_room(name="Twelve", preset="public_chat", room_version="12")
        direct = anna.create_room(is_direct=True, preset="trusted_private_chat", invite=[ben.user])
        self.rooms = [open_room, closed, twelve, direct]
        for client in (ben, cleo, dora):
            client.join(open_room)
        anna.join(closed)
        anna.join(twelve)
        ben.join(direct)
        self._talk(messages)
        self._be_busy(anna, ben, cleo, dora, open_room, closed)

    def _talk(self, messages):
        self.sent = []
        for number in range(messages):
            for client in self.clients[:2]:
                room = self.rooms[0] if number % 3 else self.rooms[3]
                mention = " hello Ben" if number % 5 == 0 else ""
                self.sent.append(
                    (room, client.send(room, f"m{number}", f"{client.user} {number}{mention}"))
                )

    def _be_busy(self, anna, ben, cleo, dora, open_room, closed):
        anna.set_account_data("org.warbler.settings", {"theme": "dark", "n": [1, 2, {"x": None}]})
        ben.set_account_data("m.direct", {anna.user: [self.rooms[3]]})
        user = quote(anna.user)
        path = f"/_matrix/client/v3/user/{user}/rooms/{quote(open_room)}"
        anna.put(f"{path}/account_data/org.warbler.settings", {"muted": True})
        anna.put(f"{path}/tags/m.favourite", {"order": 0.25})
        last = [event for room, event in self.sent if room == open_room][-4]
        for client in (ben, cleo):
            client.post(client.room_path(open_room, f"receipt/m.read/{quote(last)}"), {})
        anna.post(anna.room_path(open_room, "read_markers"), {"m.fully_read": last, "m.read": last})
        redacted = [event for room, event in self.sent if room == open_room][2]
        anna.put(anna.room_path(open_room, f"redact/{quote(redacted)}/r"), {"reason": "enough"})
        anna.set_state(open_room, "m.room.topic", {"topic": "one"})
        anna.set_state(open_room, "m.room.topic", {"topic": "two"})
        anna.set_state(open_room, "org.warbler.board", {"cell": 1}, "a key")
        anna.post(
            anna.room_path(open_room, "kick"), {"user_id": dora.user, "reason": "for a while"}
        )
        anna.post(anna.room_path(open_room, "invite"), {"user_id": dora.user})
        ben.post(ben.room_path(closed, "ban"), {"user_id": cleo.user, "reason": "no"})
        cleo.put(
            "/_matrix/client/v3/pushrules/global/content/lunch",
            {"actions": ["notify", {"set_tweak": "highlight"}], "pattern": "lunch"},
        )

    def close(self):
        for client in self.clients:
            client.close()
