"""HTTP/1.1 over one kept-alive socket, with so little work of its own that both sides of a comparison are limited by the servers.

Requests are made once, as bytes; an answer is read to its end and not looked at, but for its status.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

#: Generous: 32 viewers of a large tenant wait for each other.
TIMEOUT_SECONDS = 180.0


def post(url: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Connection:
    """A connection that is opened on first use, and again when the server closed it while nothing was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.socket: socket.socket | None = None
        self.buffer = bytearray()

    def ask(self, request: bytes) -> tuple[bytes, float]:
        """The body of the answer, and the milliseconds from the first byte sent to the last one received."""
        for is_last in (False, True):
            begin = time.perf_counter()
            try:
                if self.socket is None:
                    self.open()
                    begin = time.perf_counter()
                assert self.socket is not None
                self.socket.sendall(request)
                status, body = self.read_answer()
            except (ConnectionError, EOFError):
                self.close()
                if is_last:
                    raise
                continue
            took = (time.perf_counter() - begin) * 1000
            if status != 200:
                raise RuntimeError(f"{request[:300]!r} → {status} {body[:800]!r}")
            return body, took
        raise AssertionError("unreachable")

    def open(self) -> None:
        self.socket = connect(self.url)
        self.buffer.clear()

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def receive(self) -> None:
        assert self.socket is not None
        data = self.socket.recv(262_144)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.receive()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def take_until(self, end: bytes) -> bytes:
        while (place := self.buffer.find(end)) < 0:
            self.receive()
        return self.take(place + len(end))

    def read_answer(self) -> tuple[int, bytes]:
        head = self.take_until(b"\r\n\r\n").lower()
        status = int(head[9:12])
        if (place := head.find(b"\r\ncontent-length:")) >= 0:
            return status, self.take(int(head[place + 17:head.index(b"\r\n", place + 2)]))
        body = bytearray()
        while size := int(self.take_until(b"\r\n").split(b";")[0], 16):
            body += self.take(size)
            self.take(2)
        self.take(2)
        return status, bytes(body)


class StoreError(RuntimeError):
    """ClickHouse refused a statement."""


class Store:
    """The event store itself, as its administrator or as one of emban's users."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self.headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
        self.connection = Connection(url)

    def request(self, sql: str, settings: Mapping[str, Any], rows: bytes | None = None) -> bytes:
        """A statement, with the rows of an INSERT in the body."""
        if rows is not None:
            return post(self.url, "/?" + urlencode({**settings, "query": sql}), self.headers, rows)
        return post(self.url, "/?" + urlencode(settings), self.headers, sql.encode())

    def run(self, sql: str, **settings: Any) -> str:
        try:
            return self.connection.ask(self.request(sql, settings))[0].decode()
        except RuntimeError as error:
            raise StoreError(str(error)) from error

    def rows(self, sql: str, **settings: Any) -> list[dict[str, Any]]:
        text = self.run(sql, default_format="JSONEachRow", output_format_json_quote_64bit_integers=0, **settings)
        return [json.loads(line) for line in text.splitlines()]
