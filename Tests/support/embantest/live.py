"""Streams of server-sent events as a browser reads them: each in a thread of its own, with the time at which every event came."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from embantest.client import Client, Response
from embantest.steady import PATIENCE


@dataclass
class LiveEvent:
    name: str
    data: dict[str, Any]
    #: By the monotonic clock.
    at: float


@dataclass
class LiveStream:
    """`GET /v1/embed/live` by the holder of an embed token. `refused` holds the answer when it was no stream."""

    client: Client
    #: What stands behind the path, such as `?only=session`.
    query: str = ""
    events: list[LiveEvent] = field(default_factory=list)
    #: When comments came, which are the signs of life.
    beats: list[float] = field(default_factory=list)
    #: When the server ended the stream.
    ended: float | None = None
    refused: Response | None = None
    headers: http.client.HTTPMessage | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.client.base)
        self.connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=150)
        self.connection.request("GET", f"/v1/embed/live{self.query}", None, self.client.headers | {"Accept": "text/event-stream"})
        self.socket = self.connection.sock
        answer = self.connection.getresponse()
        self.headers = answer.headers
        self.opened = time.monotonic()
        if answer.status != 200:
            self.refused = Response("GET", "/v1/embed/live", answer.status, answer.headers, answer.read())
            self.connection.close()
            return
        self.thread = threading.Thread(target=self._read, args=(answer,), daemon=True)
        self.thread.start()
        self.wait_for(1)

    def _read(self, answer: http.client.HTTPResponse) -> None:
        name, data = "", ""
        try:
            while line := answer.readline():
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    name = text[7:]
                elif text.startswith("data: "):
                    data += text[6:]
                elif text.startswith(":"):
                    self.beats.append(time.monotonic())
                elif text == "" and data:
                    self.events.append(LiveEvent(name, json.loads(data), time.monotonic()))
                    name, data = "", ""
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            pass  # cut off by this side
        self.ended = time.monotonic()

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    @property
    def changes(self) -> list[LiveEvent]:
        return [event for event in self.events if event.name == "changed"]

    def wait_for(self, count: int, seconds: float = PATIENCE) -> LiveEvent:
        """The event of this number, counted from 1, once it is there."""
        deadline = time.monotonic() + seconds
        while len(self.events) < count:
            assert time.monotonic() < deadline, f"no event {count} within {seconds} s: {self.events}"
            time.sleep(0.002)
        return self.events[count - 1]

    def wait_for_end(self, seconds: float = PATIENCE) -> float:
        deadline = time.monotonic() + seconds
        while self.ended is None:
            assert time.monotonic() < deadline, f"the stream has not ended within {seconds} s: {self.events}"
            time.sleep(0.002)
        return self.ended

    def close(self) -> None:
        """Goes away, as a page that is closed."""
        if self.ended is None and self.refused is None:
            try:
                self.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.wait_for_end()
        self.connection.close()
