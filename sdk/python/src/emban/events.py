"""Events on their way out: given an id, written as JSON one by one, and divided into requests."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict

#: What one request may hold; the server's limits.
EVENTS_PER_REQUEST = 1_000
BYTES_PER_REQUEST = 8 * 1024 * 1024 - 1_024


class _RequiredOfEvent(TypedDict):
    tenant_id: str
    event_name: str


class Event(_RequiredOfEvent, total=False):
    """What happened: to whom (`tenant_id` is your customer), what, when."""

    #: With a zone. The server's time when absent.
    timestamp: str | datetime
    #: Makes sending again harmless. `ingest` adds one where there is none.
    event_id: str
    #: The end user.
    user_id: str
    #: Dimensions, to group and filter by.
    string_props: Mapping[str, str]
    #: Measures, to add up and average.
    numeric_props: Mapping[str, float]


@dataclass(frozen=True)
class EventRejection:
    """An event that was not stored, and never will be as it is."""

    #: Its place among the events that were passed.
    index: int
    field: str
    #: As in `docs/api.md`, "Codes of rejected events"; `not_json` when it could not be written as JSON at all.
    code: str
    expected: str


@dataclass(frozen=True)
class IngestResult:
    """What became of the events. Accepted ones are on the server's disk."""

    accepted: int
    #: How many were not.
    rejected: int
    #: Which: the server names up to 100 a request, so that with more there may be fewer of these than `rejected`.
    rejections: tuple[EventRejection, ...] = ()

    def __add__(self, other: IngestResult) -> IngestResult:
        rejections = sorted(self.rejections + other.rejections, key=lambda one: one.index)
        return IngestResult(self.accepted + other.accepted, self.rejected + other.rejected, tuple(rejections))


@dataclass(frozen=True)
class EncodedEvent:
    """An event with an id, as it will be sent."""

    #: Its place among the events that were passed.
    index: int
    event: Event
    text: bytes


def too_large(index: int) -> EventRejection:
    """Of an event that some proxy does not let through although it is alone in its request."""
    return EventRejection(index, "", "too_large", "must be small enough for what stands before the server, which answered 413")


def identified(event: Mapping[str, Any]) -> Event:
    """A copy with an `event_id`: its own, or a random one."""
    copy: dict[str, Any] = dict(event)
    if copy.get("event_id") is None:
        copy["event_id"] = uuid.uuid4().hex
    return copy  # type: ignore[return-value]  # the server judges whether it is an event


def encoded(event: Mapping[str, Any], index: int, *, at: datetime | None = None) -> EncodedEvent | EventRejection:
    """The event as JSON; `at` is its time, where it has none. What is not JSON (a NaN, half a surrogate pair, an object of some class) is rejected here, alone: in a request it
    would make the others unreadable, too."""
    if not isinstance(event, Mapping):
        return EventRejection(index, "", "event_type", "must be an object")
    try:
        known = identified(event)
        if at is not None and known.get("timestamp") is None:
            known["timestamp"] = at.isoformat(timespec="milliseconds")
        text = json.dumps(known, default=plain, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except _Unwritable as error:
        return EventRejection(index, "", "not_json", str(error))
    except Exception as error:  # objects of others may raise anything when they are read
        return EventRejection(index, "", "not_json", f"must be JSON: {type(error).__name__}")
    if len(text) > BYTES_PER_REQUEST:
        return EventRejection(index, "", "too_large", f"must be at most {BYTES_PER_REQUEST} bytes of JSON")
    return EncodedEvent(index, known, text)


class _Unwritable(ValueError):
    """Says what is wrong, and nothing of what it is."""


def plain(value: object) -> Any:
    """What `json` does not write by itself but is meant often enough."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise _Unwritable("must hold times with a zone, as in datetime.now(timezone.utc): without one they mean another moment on every machine")
        return value.isoformat()
    if isinstance(value, date):
        raise _Unwritable("must hold times, not dates: a date is not a moment")
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    raise _Unwritable(f"must be JSON, which has no {type(value).__name__}")


def requests(events: Iterable[EncodedEvent]) -> Iterator[Sequence[EncodedEvent]]:
    """Divides events into as few requests as the server's limits allow."""
    batch: list[EncodedEvent] = []
    size = 0
    for event in events:
        if batch and (len(batch) == EVENTS_PER_REQUEST or size + len(event.text) + 1 > BYTES_PER_REQUEST):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += len(event.text) + 1
    if batch:
        yield batch


def body_of(batch: Sequence[EncodedEvent]) -> bytes:
    return b'{"events":[' + b",".join(event.text for event in batch) + b"]}"


def result_of(answer: Mapping[str, Any], batch: Sequence[EncodedEvent]) -> IngestResult:
    """Reads the answer to one request; its indexes become those of the events that were passed."""
    rejections = tuple(
        EventRejection(batch[one["index"]].index, str(one.get("field", "")), str(one.get("code", "")), str(one.get("expected", "")))
        for one in answer.get("errors", ()) if 0 <= one.get("index", -1) < len(batch))
    return IngestResult(int(answer.get("accepted", 0)), int(answer.get("rejected", 0)), rejections)
