"""SIGHUP: a new certificate for new connections, another log level, and nothing that is wrong."""

import shutil
import signal
import socket
import ssl
import subprocess
import time

from harness.node import Missing
from harness.suite import test


def _make_certificate(folder, name, days=30):
    """A key and a self-signed certificate for localhost, as PEM files."""
    if not shutil.which("openssl"):
        raise Missing("needs openssl")
    chain, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", str(days), "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(key), "-out", str(chain),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


class Secure:
    """One TLS connection that is kept, and the certificate it was made with."""

    def __init__(self, port):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", port), 10)
        self.socket = context.wrap_socket(raw, server_hostname="localhost")
        self.certificate = self.socket.getpeercert(binary_form=True)

    def get(self, path):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        self.socket.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = self.socket.recv(65536)
            assert part, "the connection was closed"
            answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        while len(body) < length:
            body += self.socket.recv(65536)
        return int(head.split(b" ")[1])

    def close(self):
        self.socket.close()


def _wait_log(node, words, since, seconds=20):
    """Waits until the log, behind `since`, has a line with all of these; the new length."""
    deadline = time.monotonic() + seconds
    while True:
        text = node.log_text()
        for line in text[since:].splitlines():
            if all(word in line for word in words):
                return len(text)
        assert time.monotonic() < deadline, f"no line with {words}\n{node.log_tail()}"
        time.sleep(0.02)


def _wait_ready(node):
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = Secure(node.port)
            status = connection.get("/readyz")
            connection.close()
            if status == 200:
                return
        except OSError:
            assert node.is_running(), node.log_tail()
        assert time.monotonic() < deadline, node.log_tail()


@test("SIGHUP takes a new certificate, keeps old connections, and refuses a bad one", seconds=60)
def certificate(context):
    first, second = (_make_certificate(context.scratch, name) for name in ("first", "second"))
    chain, key = context.scratch / "server.pem", context.scratch / "server.key"

    def install(pair):
        for source, target in zip(pair, (chain, key)):
            shutil.copy(source, target)

    install(first)
    node = context.node()
    listener = {
        "address": "127.0.0.1",
        "port": node.port,
        "tls_certificate_file": str(chain),
        "tls_key_file": str(key),
    }
    node.listen = [listener]
    node.write_config()
    node.launch()
    _wait_ready(node)
    old = Secure(node.port)
    assert old.get("/_matrix/client/versions") == 200

    def hang_up(*words):
        length = len(node.log_text())
        node.process.send_signal(signal.SIGHUP)
        _wait_log(node, words, length)

    install(second)
    hang_up("the certificate was read again")
    new = Secure(node.port)
    assert new.certificate != old.certificate, "new connections still get the old certificate"
    expected = ssl.PEM_cert_to_DER_cert(second[0].read_text())
    assert new.certificate == expected, "it is not the new certificate"
    assert old.get("/_matrix/client/versions") == 200, "the old connection was cut"

    # A key of another certificate, no certificate at all, and no file.
    shutil.copy(first[1], key)
    hang_up("the new certificate was refused", "E-TLS")
    shutil.copy(second[1], key)
    chain.write_text("this is no certificate\n")
    hang_up("the new certificate was refused", "E-TLS")
    chain.unlink()
    hang_up("the new certificate was refused", "E-TLS")
    last = Secure(node.port)
    assert last.certificate == expected, "a refused certificate took the place of the good one"
    assert last.get("/readyz") == 200 and old.get("/readyz") == 200
    install(first)
    hang_up("the certificate was read again")
    assert Secure(node.port).certificate == old.certificate
    for connection in (old, new, last):
        connection.close()
    node.stop()


@test("SIGHUP takes another log level, and refuses a configuration with errors", seconds=60)
def log_level(context):
    node = context.node(settings={"logging": {"level": "info"}}).start()

    def hang_up(*words):
        length = len(node.log_text())
        node.process.send_signal(signal.SIGHUP)
        return length, _wait_log(node, words, length)

    good = node.config.read_text()
    node.config.write_text(good.replace('"level": "info"', '"level": "loud"'))
    before, after = hang_up("the new configuration was refused", "E-CONFIG")
    assert "loud" in node.log_text()[before:after], "it does not say what is wrong"
    node.config.write_text(good.replace('"level": "info"', '"level": "notice"'))
    hang_up("the log's settings were read again", "level=notice")
    length = len(node.log_text())
    node.stop()
    assert "stopping" not in node.log_text()[length:], "lines below the new level are written"
    assert node.log_text()[:length].count("stopping") == 0
