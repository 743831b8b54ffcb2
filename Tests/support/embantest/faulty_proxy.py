"""A proxy in front of the real server that breaks single requests: drops answers, cuts connections, says 503 in the server's place."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to one request."""

    #: `refuse`: the connection is cut before the server sees anything. `lose`: the server answers, and the connection is cut before the client
    #: hears. `hang`: nothing is ever answered. `answer`: this proxy answers itself. `pass`: nothing.
    kind: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


PASS, REFUSE, LOSE, HANG = Fault("pass"), Fault("refuse"), Fault("lose"), Fault("hang")


def busy(status: int, retry_after: str | None = None) -> Fault:
    return Fault("answer", status, {} if retry_after is None else {"Retry-After": retry_after}, b"<html>not now</html>")


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    body: bytes
    #: By the monotonic clock.
    at: float
    #: By the time of day.
    wall: float


class FaultyProxy:
    """Strikes the next requests with `faults`, one each; afterwards with `always`."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.faults: deque[Fault] = deque()
        self.always = PASS
        self.seen: list[Seen] = []
        self.over = threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def work(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.seen.append(Seen(self.command, self.path, body, time.monotonic(), time.time()))
                fault = proxy.faults.popleft() if proxy.faults else proxy.always
                self.close_connection = True
                if fault.kind == "hang":
                    proxy.over.wait(120)
                if fault.kind in ("hang", "refuse"):
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, text = fault.status, dict(fault.headers), fault.body
                if fault.kind in ("pass", "lose"):
                    parts = urlsplit(proxy.target)
                    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=60)
                    connection.request(self.command, self.path, body or None, {k: v for k, v in self.headers.items() if k.lower() != "connection"})
                    answer = connection.getresponse()
                    status, text = answer.status, answer.read()
                    headers = {k: v for k, v in answer.getheaders() if k.lower() not in ("connection", "transfer-encoding", "content-length")}
                    connection.close()
                if fault.kind == "lose":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = work

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
