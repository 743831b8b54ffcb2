"""Who sends the events: connections that repeat what was not answered, impatient ones, and clients that misbehave."""

from __future__ import annotations

import http.client
import json
import random
import socket
import struct
import threading
import time
from urllib.parse import urlsplit

from embantest.faults_ledger import Ledger, Request

#: A sender gives up waiting for an answer. Longer than the program may take by its own bounds.
PATIENCE = 40.0


class Senders:
    """Connections that send until they are told to stop, and then repeat what may be repeated until it is answered."""

    def __init__(self, ledger: Ledger, urls: list[str], key: str, *, connections: int, pause: float = 0.0) -> None:
        self.ledger = ledger
        self.urls = urls
        self.key = key
        self.pause = pause
        self.stopping = threading.Event()
        #: Repetitions end at this moment, answered or not.
        self.deadline = float("inf")
        self.failures: list[BaseException] = []
        #: Requests that were still refused at the deadline.
        self.left: list[Request] = []
        #: Otherwise they repeat what has no ids although it was acknowledged, to see that the tally notices.
        self.honest = True
        self.threads = [threading.Thread(target=self._guarded, args=(number,), daemon=True) for number in range(connections)]

    def start(self) -> Senders:
        for thread in self.threads:
            thread.start()
        return self

    def finish(self, seconds: float) -> None:
        """New requests end now; repetitions get `seconds`, in which the program must answer them."""
        self.deadline = time.monotonic() + seconds
        self.stopping.set()
        for thread in self.threads:
            thread.join(seconds + PATIENCE + 10)
            assert not thread.is_alive(), "a sender hangs"
        if self.failures:
            raise self.failures[0]

    def _guarded(self, number: int) -> None:
        try:
            self._work(number)
        except BaseException as error:  # handed to whoever calls finish()
            self.failures.append(error)

    def _work(self, number: int) -> None:
        chance = random.Random(f"{self.ledger.seed} sender {number}")
        connections: dict[str, http.client.HTTPConnection] = {}
        again: list[Request] = []

        def send(request: Request, *, twin: bool = False) -> bool:
            url = chance.choice(self.urls)
            # Some do not wait: the program sees a client that goes away in the middle of its work.
            patience = chance.uniform(0.05, 1) if chance.random() < 0.05 and not self.stopping.is_set() else PATIENCE
            if twin:
                return self._with_twin(request, url, patience)
            return self._send(request, connections, url, patience)

        while not self.stopping.is_set() or (again and time.monotonic() < self.deadline):
            if again and (self.stopping.is_set() or chance.random() < 0.5):
                request = again.pop(0)
                self.ledger.note_resend(twin=False)
                answered = send(request)
            elif not self.stopping.is_set():
                request = self.ledger.new()
                answered = send(request, twin=request.keyed and chance.random() < 0.1)
            else:
                continue
            if not answered:
                # One in six is never repeated: of those it holds that they count at most once.
                if request.keyed and (len(request.answers) > 1 or chance.random() < 5 / 6):
                    again.append(request)
                if not self.stopping.wait(chance.uniform(0.01, 0.15)):
                    continue
                time.sleep(0.1)
            elif chance.random() < 0.05 if request.keyed else not self.honest:
                again.append(request)  # an answer that the sender has lost
            else:
                request.forget_body()
            if self.pause:
                time.sleep(chance.uniform(0, 2 * self.pause))
        self.left += again
        for connection in connections.values():
            connection.close()

    def _with_twin(self, request: Request, url: str, patience: float) -> bool:
        """The same request on two connections at the same moment, to two programs where there are two."""
        answered: list[bool] = []
        other = threading.Thread(target=lambda: answered.append(self._send(request, {}, self.urls[0], patience)))
        self.ledger.note_resend(twin=True)
        other.start()
        own = self._send(request, {}, self.urls[-1], patience)
        other.join()
        return own or any(answered)

    def _send(self, request: Request, connections: dict[str, http.client.HTTPConnection], url: str, patience: float) -> bool:
        """Whether it was answered 200."""
        connection = connections.get(url)
        if connection is None:
            parts = urlsplit(url)
            connection = connections[url] = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port)
        sent = False
        begin = time.monotonic()
        try:
            connection.timeout = patience
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(patience)
            # From here on nobody knows what has arrived.
            sent = True
            connection.request("POST", "/v1/events", request.body, {"Authorization": f"Bearer {self.key}"} | request.headers)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            if sent:
                self.ledger.note_silence(request, f"no answer ({type(error).__name__})")
            else:
                self.ledger.note_cut("no connection")
            return False
        self.ledger.note(request, answer.status, body, time.monotonic() - begin)
        return answer.status == 200


def wire(request: Request, key: str, *, chunked: bool = False) -> bytes:
    """The request byte for byte."""
    headers = {"Host": "localhost", "Authorization": f"Bearer {key}", "Connection": "close"} | request.headers
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        middle = len(request.body) // 2
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (request.body[:middle], request.body[middle:]) if part) + b"0\r\n\r\n"
    else:
        headers["Content-Length"] = str(len(request.body))
        body = request.body
    head = "POST /v1/events HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return head.encode() + body


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout=PATIENCE)


def read_answer(connection: socket.socket) -> tuple[int, dict[str, object]]:
    answer = http.client.HTTPResponse(connection, method="POST")
    answer.begin()
    return answer.status, json.loads(answer.read())


def drip(ledger: Ledger, url: str, key: str, chance: random.Random, seconds: float, ends: bool) -> None:
    """Sends one request byte by byte over `seconds`. With `ends` whole and answered, otherwise cut off before its end."""
    request = ledger.new()
    data = wire(request, key, chunked=chance.random() < 0.3)
    last = len(data) if ends else chance.randrange(1, len(data))
    steps = max(int(seconds / 0.03), 1)
    size = max(last // steps, 1)
    sent = 0
    try:
        with connect(url) as connection:
            while sent < last:
                part = data[sent:min(sent + size, last)]
                connection.sendall(part)
                sent += len(part)
                time.sleep(min(seconds / steps, seconds * size / last))
            if sent == len(data):
                ledger.note(request, *read_answer(connection))
                return
    except (OSError, http.client.HTTPException, ValueError) as error:
        # What did not leave here whole cannot have arrived whole.
        if sent == len(data):
            ledger.note_silence(request, f"no answer ({type(error).__name__})")
            return
    ledger.note_cut()


def cut_many(ledger: Ledger, url: str, key: str, chance: random.Random, connections: int) -> None:
    """Many connections, each in the middle of its request (one in five: behind its end), all cut at the same moment."""
    open_: list[tuple[socket.socket, Request, bool]] = []
    for _ in range(connections):
        request = ledger.new()
        data = wire(request, key, chunked=chance.random() < 0.3)
        whole = chance.random() < 0.2
        try:
            connection = connect(url)
        except OSError:
            ledger.note_cut("no connection")
            continue
        try:
            # Without waiting for the program: what the socket does not take now is what is cut off.
            connection.setblocking(False)
            count = connection.send(data if whole else data[:chance.randrange(len(data))])
            open_.append((connection, request, count == len(data)))
        except OSError:
            connection.close()
            ledger.note_cut()  # nothing of it, or not all of it, has left
    time.sleep(chance.choice([0, 0.003, 0.02, 0.2]))
    for connection, request, complete in open_:
        if chance.random() < 0.5:
            # No goodbye: the other side gets a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        if complete:
            ledger.note_silence(request, "cut behind its end")
        else:
            ledger.note_cut()
