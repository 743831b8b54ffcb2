"""What was sent and what was answered: the book against which the stored events are held."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from embantest.local_time import DAY, write

Json = dict[str, Any]

TENANTS = ["acme", "globex", "initech"]
NAMES = ["api.call", "login"]
#: Requests that share a value of `chunk`, by which the API can be asked about each of them: an answer has at most 1,000 groups.
CHUNK = 500
#: A refusal with these words is held to them.
PROMISE = "Nothing was stored"


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is found in the table again. `mark` is its own; `event_id` is empty when it was sent without one."""

    mark: str
    tenant: str
    name: str
    event_id: str
    request: str
    number: int


@dataclass(slots=True)
class Request:
    """Some events, sent together: once, or again and again when all of them have ids. All of it follows from the seed and the number."""

    seed: int
    number: int
    events: list[Event]
    body: bytes
    headers: dict[str, str]
    #: All events have ids: to send it again is harmless.
    keyed: bool
    #: Positions of members that no server may take.
    invalid: list[int]
    #: What became of each attempt: "ok", the code of a refusal, or "" for no answer.
    answers: list[str] = field(default_factory=list)
    #: How many of them were refused with the promise that nothing was stored.
    promises: int = 0

    @property
    def name(self) -> str:
        return f"r{self.number}"

    def forget_body(self) -> None:
        """It will not be sent again."""
        self.body = b""

    @property
    def acknowledged(self) -> bool:
        return "ok" in self.answers

    @property
    def impossible(self) -> bool:
        """Nothing of it may be stored: no attempt was whole, or each was answered with the promise that nothing was."""
        return not self.acknowledged and len(self.answers) == self.promises


def make_request(seed: int, number: int, largest: int, start: int) -> Request:
    """`start`: milliseconds of the run's begin, which the times of events are counted back from."""
    chance = random.Random(f"{seed}:{number}")
    size = min(chance.choices([1, chance.randrange(2, 20), chance.randrange(50, 200), chance.randrange(500, 1000)], [50, 30, 15, 5])[0], largest)
    kind = chance.choices(["keyed", "plain", "mixed"], [55, 35, 10])[0]
    chunk, name = f"c{number // CHUNK}", f"r{number}"
    events, members = [], []
    for position in range(size):
        mark = f"{name}.{position}"
        event_id = f"id-{seed}-{mark}" if kind == "keyed" or kind == "mixed" and position % 2 else ""
        event = Event(mark, chance.choice(TENANTS), chance.choice(NAMES), event_id, name, chance.randrange(1_000))
        member: Json = {
            "tenant_id": event.tenant, "event_name": event.name, "user_id": mark, "string_props": {"chunk": chunk, "request": name},
            "numeric_props": {"n": event.number}}
        if event_id:
            member["event_id"] = event_id
        if chance.random() < 0.6:
            # Some months back, so that a block is cut into several parts; never near the present, which jumps.
            member["timestamp"] = write(start - chance.choice([DAY * chance.randrange(10, 60), DAY * chance.randrange(60, 200)]) - chance.randrange(DAY))
        events.append(event)
        members.append(member)
    invalid = []
    if size > 1 and chance.random() < 0.05:
        position = chance.randrange(size)
        members.insert(position, {"tenant_id": "acme", "event_name": "", "user_id": f"{name}.invalid", "string_props": {"request": name}})
        invalid.append(position)
    # The shape of the body is part of what is tested: what is cut off must not be taken for the whole.
    headers = {"Content-Type": "application/json"}
    if chance.random() < 0.3:
        headers["Content-Type"] = "application/x-ndjson"
        body = "".join(json.dumps(member) + "\n" for member in members).encode()
    else:
        body = json.dumps({"events": members}).encode()
    if chance.random() < 0.2:
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, 1)
    return Request(seed, number, events, body, headers, kind == "keyed", invalid)


class Ledger:
    """Every request of a run. Threads write to it."""

    def __init__(self, seed: int, largest: int = 1_000) -> None:
        self.seed = seed
        self.largest = largest
        self.start = int(time.time() * 1_000)
        self.requests: list[Request] = []
        self.answered: Counter[str] = Counter()
        self.surprises: list[str] = []
        self.resent = 0
        self.twins = 0
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        #: The longest that anybody waited for an answer, in seconds.
        self.slowest = 0.0

    def new(self) -> Request:
        with self._lock:
            number = next(self._numbers)
        request = make_request(self.seed, number, self.largest, self.start)
        with self._lock:
            self.requests.append(request)
        return request

    def note(self, request: Request, status: int, body: Json, seconds: float = 0) -> None:
        """An answer, whole, and how long it took."""
        with self._lock:
            self.slowest = max(self.slowest, seconds)
            if status == 200:
                expected = len(request.events)
                if body.get("accepted") != expected or body.get("rejected", 0) != len(request.invalid):
                    self.surprises.append(f"{request.name}: {expected} events and {len(request.invalid)} wrong ones were answered with {body}")
                request.answers.append("ok")
                self.answered["200"] += 1
                return
            code = str(body.get("code", "?"))
            request.answers.append(code)
            request.promises += PROMISE in str(body.get("message"))
            self.answered[f"{status} {code}"] += 1
            if status != 503:
                self.surprises.append(f"{request.name} was answered {status} {body}")

    def note_silence(self, request: Request, reason: str) -> None:
        """The request was sent whole, or perhaps whole, and no whole answer came."""
        with self._lock:
            request.answers.append("")
            self.answered[reason] += 1

    def note_cut(self, reason: str = "cut off before its end") -> None:
        """The connection ended before the request did, or there was none: this attempt cannot have stored anything."""
        with self._lock:
            self.answered[reason] += 1

    def note_resend(self, *, twin: bool) -> None:
        with self._lock:
            self.twins += twin
            self.resent += not twin

    def events(self) -> Iterator[tuple[Request, Event]]:
        for request in self.requests:
            for event in request.events:
                yield request, event
