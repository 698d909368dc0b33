"""A small HTTP/1.1 client on a plain socket: keep-alive, and honest about broken answers.

The standard library's client hides what these tests look for: an answer that came although the
request could not be sent to its end, and a connection that ended without one.
"""

import json
import select
import socket


class BrokenAnswer(ConnectionError):
    """The connection ended before a whole answer was there. `begun` says if any of it came."""

    def __init__(self, message, begun):
        super().__init__(message)
        self.begun = begun


class Response:
    __slots__ = ("status", "headers", "body", "closes")

    def __init__(self, status, headers, body, closes):
        self.status = status
        self.headers = headers
        self.body = body
        self.closes = closes

    def json(self):
        return json.loads(self.body)


class Connection:
    """One connection to 127.0.0.1, opened when first needed and again after the server closed."""

    def __init__(self, port, *, token=None, timeout=30):
        self.port = port
        self.token = token
        self.timeout = timeout
        self.socket = None
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        self.buffer = b""

    def open(self):
        if self.socket is not None and self._ended():
            self.close()
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.buffer = b""

    def _ended(self):
        """Whether the server has closed this idle connection, as it may between two requests."""
        if not select.select([self.socket], [], [], 0)[0]:
            return False
        try:
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def request(self, method, path, body=None, *, token=None, headers=()):
        """Sends one request and reads its whole answer.

        `body` is None for none at all, bytes as they are, anything else as JSON. Raises OSError
        (BrokenAnswer among them) when there is no whole answer; the connection is closed then.
        """
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        token = token or self.token
        if token:
            head.append(f"Authorization: Bearer {token}")
        if body is not None:
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        head += headers
        message = "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + (body or b"")
        return self.exchange(message)

    def exchange(self, message):
        """Sends these bytes as they are, and reads one answer."""
        self.open()
        try:
            try:
                self.socket.sendall(message)
            except (BrokenPipeError, ConnectionResetError):
                pass  # A server may answer before it has read everything: look for the answer.
            response = self.read_response()
        except OSError:
            self.close()
            raise
        if response.closes:
            self.close()
        return response

    def read_response(self):
        while True:
            head = self._until(b"\r\n\r\n", False)
            lines = head.decode("latin-1").split("\r\n")
            status = int(lines[0].split(" ", 2)[1])
            headers = {}
            for line in lines[1:]:
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            if status >= 200:
                break
        if status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self._exactly(int(headers.get("content-length", 0)))
        return Response(status, headers, body, headers.get("connection", "").lower() == "close")

    def _more(self, begun):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError as problem:
            raise BrokenAnswer("the connection was reset", begun or bool(self.buffer)) from problem
        if not data:
            raise BrokenAnswer("the connection was closed", begun or bool(self.buffer))
        self.buffer += data

    def _until(self, mark, begun):
        while (at := self.buffer.find(mark)) < 0:
            self._more(begun)
        found, self.buffer = self.buffer[:at], self.buffer[at + len(mark) :]
        return found

    def _exactly(self, count):
        if len(self.buffer) < count:
            parts, have = [self.buffer], len(self.buffer)
            while have < count:
                self.buffer = b""
                self._more(True)
                parts.append(self.buffer)
                have += len(self.buffer)
            self.buffer = b"".join(parts)
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def _chunks(self):
        body = b""
        while True:
            size = int(self._until(b"\r\n", True).split(b";")[0], 16)
            body += self._exactly(size)
            self._until(b"\r\n", True)
            if size == 0:
                return body
