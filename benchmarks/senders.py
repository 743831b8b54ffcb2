"""Many senders at once, each on a connection of its own: one process with one loop, so that Python is hardly what is measured.

Run as a program it is that process: it reads its job from standard input and prints what came out.
"""

from __future__ import annotations

import json
import pickle
import resource
import selectors
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from wire import connect  # noqa: E402 (found through the path above)

#: Stands in a request where every event of every request needs a text of its own; as long as what takes its place.
NONCE = b"@@@@@@@@@@@@"
#: Before anything counts: connections are opened, first parts are written.
WARM_UP_SECONDS = 0.5


@dataclass(frozen=True)
class Sender:
    """Sends one request over and over, the next one when the last one is answered."""

    url: str
    request: bytes
    #: In the request.
    events: int


@dataclass(frozen=True)
class Sent:
    #: Acknowledged within the window of so many seconds.
    events: int
    seconds: float
    #: Of each request of the window, in milliseconds.
    latencies: list[float]
    #: Acknowledged in all, the warm-up and the last answers included.
    all_events: int
    #: Requests answered otherwise than 200, by status.
    refused: dict[str, int]
    #: What the senders themselves used of one core, from 0.
    generator_cores: float


def send(senders: list[Sender], seconds: float) -> Sent:
    """Has all of them send for so long, after a moment of warming up, and waits for the last answers."""
    with subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(pickle.dumps(([(one.url, one.request, one.events) for one in senders], seconds)))
    if process.returncode != 0:
        raise RuntimeError(f"the senders ended with {process.returncode}")
    return Sent(**json.loads(out))


class Line:
    """A connection on which requests go one after the other."""

    def __init__(self, number: int, sender: Sender) -> None:
        self.sender = sender
        self.prefix = f"{number:04x}".encode()
        self.has_nonce = NONCE in sender.request
        self.turn = 0
        self.socket = connect(sender.url)
        self.socket.setblocking(False)
        self.rest = memoryview(b"")
        self.answer = bytearray()
        self.begin = 0.0

    def start(self) -> None:
        self.turn += 1
        request = self.sender.request
        if self.has_nonce:
            request = request.replace(NONCE, self.prefix + f"{self.turn:08x}".encode())
        self.rest = memoryview(request)
        self.answer.clear()
        self.begin = time.perf_counter()

    def write(self) -> bool:
        """Writes what can be written; whether that was all."""
        try:
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest):]
        except BlockingIOError:
            return False
        return True

    def read(self) -> int:
        """Reads what there is: the status once the answer is whole, 0 before."""
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError("the server closed a connection")
        self.answer += data
        end = self.answer.find(b"\r\n\r\n")
        if end < 0:
            return 0
        head = bytes(self.answer[:end + 2]).lower()
        if (place := head.find(b"\r\ncontent-length:")) >= 0:
            is_whole = len(self.answer) >= end + 4 + int(head[place + 17:head.index(b"\r\n", place + 2)])
        else:
            is_whole = self.answer.endswith(b"0\r\n\r\n", end + 4)
        return int(head[9:12]) if is_whole else 0


def work() -> None:
    job, seconds = pickle.load(sys.stdin.buffer)
    lines = [Line(number, Sender(*one)) for number, one in enumerate(job)]
    latencies: list[float] = []
    refused: dict[str, int] = {}
    events = all_events = 0
    used = resource.getrusage(resource.RUSAGE_SELF)
    opening = time.perf_counter()
    first, last = opening + WARM_UP_SECONDS, opening + WARM_UP_SECONDS + seconds
    busy = len(lines)
    with selectors.DefaultSelector() as selector:

        def begin(line: Line) -> None:
            line.start()
            if not line.write():
                selector.modify(line.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, line)

        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            begin(line)
        while busy:
            for key, ready in selector.select():
                line: Line = key.data
                if ready & selectors.EVENT_WRITE and line.write():
                    selector.modify(line.socket, selectors.EVENT_READ, line)
                if not ready & selectors.EVENT_READ or not (status := line.read()):
                    continue
                now = time.perf_counter()
                if status == 200:
                    all_events += line.sender.events
                    if first <= now < last:
                        events += line.sender.events
                        latencies.append((now - line.begin) * 1000)
                else:
                    refused[str(status)] = refused.get(str(status), 0) + 1
                if now < last:
                    begin(line)
                else:
                    selector.unregister(line.socket)
                    busy -= 1
    took = time.perf_counter() - opening
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    print(json.dumps({
        "events": events, "seconds": seconds, "latencies": latencies, "all_events": all_events, "refused": refused, "generator_cores": cpu / took}))


if __name__ == "__main__":
    work()
