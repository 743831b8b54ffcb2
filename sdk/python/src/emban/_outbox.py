"""Events that wait to be sent: what both batchers keep and decide. Not locked: its owner sees to that."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Literal

from .errors import ClientClosedError, ConnectionFailedError, EmbanError
from .events import BYTES_PER_REQUEST, EVENTS_PER_REQUEST, EncodedEvent, Event, EventRejection, IngestResult, encoded, too_large

log = logging.getLogger("emban")

Reason = Literal["rejected", "refused", "overflow", "closed", "abandoned"]


@dataclass(frozen=True)
class BatchProblem:
    """Events that will not be counted, and why."""

    #: `rejected`: they are wrong, or too large even one by one (`rejections` say how). `refused`: the server does not take any (`error` says why), as with a revoked
    #: key. `overflow`: too many were waiting. `closed`: they came after `close`. `abandoned`: time ran out at the end; the ones that were
    #: on their way may count.
    reason: Reason
    #: With their ids, so that those which are not wrong can be sent again with `ingest`.
    events: tuple[Event, ...] = field(repr=False)
    #: How many there are. More than `events` where the server named only the first hundred.
    count: int
    rejections: tuple[EventRejection, ...] = ()
    error: EmbanError | None = None


@dataclass(frozen=True)
class BatcherStats:
    """What became of the events that were added in this process."""

    queued: int
    accepted: int
    rejected: int
    lost: int


class Reporter:
    """Tells of problems: to the callback, or else to the log, at most every ten seconds there. Never raises: the events that are not part
    of the problem must go on."""

    QUIET_SECONDS = 10.0

    def __init__(self, callback: Callable[[BatchProblem], None] | None) -> None:
        self._callback = callback
        self._lock = threading.Lock()
        self._silent_until = 0.0
        self._untold = 0

    def tell(self, problem: BatchProblem | None) -> None:
        if problem is None:
            return
        try:
            if self._callback is not None:
                self._callback(problem)
            else:
                self._write(problem)
        except Exception:
            with contextlib.suppress(Exception):
                log.exception("the callback of a batcher failed")

    def _write(self, problem: BatchProblem) -> None:
        with self._lock:
            self._untold += problem.count
            if time.monotonic() < self._silent_until:
                return
            count, self._untold, self._silent_until = self._untold, 0, time.monotonic() + self.QUIET_SECONDS
        first = problem.rejections[0] if problem.rejections else None
        why = f"{first.field} {first.expected}".strip() if first else str(problem.error or "")
        log.warning("%d events were not stored: %s%s", count, problem.reason, f" ({why})" if why else "")

    def tell_waiting(self, error: EmbanError, count: int) -> None:
        """Nothing is lost yet, but the server has been away for a while."""
        with contextlib.suppress(Exception):
            log.warning("%d events wait, and are sent again: %s", count, error)


class Outbox:
    def __init__(self, *, max_events: int, max_seconds: float, queue_size: int) -> None:
        if not 1 <= max_events <= EVENTS_PER_REQUEST:
            raise ValueError(f"max_events must be 1 to {EVENTS_PER_REQUEST}")
        if not max_seconds >= 0 or queue_size < max_events:
            raise ValueError("max_seconds must not be negative, and queue_size not be below max_events")
        self._max_events, self._max_seconds, self._queue_size = max_events, max_seconds, queue_size
        #: With the time at which each came.
        self._waiting: deque[tuple[float, EncodedEvent]] = deque()
        #: Taken, and not yet settled.
        self.flying: Sequence[EncodedEvent] = ()
        self.accepted = self.rejected = self.lost = 0
        #: The number of the last event that was settled and told of, in the order in which they came.
        self.settled = 0
        self._untold = 0
        self._bytes_per_request = BYTES_PER_REQUEST

    def __len__(self) -> int:
        return len(self._waiting) + len(self.flying)

    @property
    def added(self) -> int:
        """The number of the last event that was taken. Not counted by itself: a signal's handler may add in the middle of that."""
        return self.settled + self._untold + len(self)

    @property
    def stats(self) -> BatcherStats:
        return BatcherStats(len(self), self.accepted, self.rejected, self.lost)

    def add(self, event: Mapping[str, Any], *, closed: bool = False) -> BatchProblem | None:
        """Takes an event as it is now; later changes of the caller's object do not reach it."""
        one = encoded(event, 0, at=datetime.now(timezone.utc))  # it happened now, not when its batch is sent
        if isinstance(one, EventRejection):
            self.rejected += 1
            return BatchProblem("rejected", (event,), 1, (one,))  # type: ignore[arg-type]
        if closed or len(self) >= self._queue_size:
            self.lost += 1
            return BatchProblem("closed" if closed else "overflow", (one.event,), 1)
        self._waiting.append((time.monotonic(), one))
        return None

    def due_in(self) -> float | None:
        """Seconds until a batch is to be sent: 0 for now, None when nothing waits."""
        if not self._waiting:
            return None
        if len(self._waiting) >= self._max_events:
            return 0.0
        return max(self._waiting[0][0] + self._max_seconds - time.monotonic(), 0.0)

    def take(self, *, in_haste: bool = False) -> Sequence[EncodedEvent]:
        """The next batch, which is on its way until it is settled or put back. `in_haste`: as many as a request may hold."""
        most = EVENTS_PER_REQUEST if in_haste else self._max_events
        self.put_back()
        batch: list[EncodedEvent] = []
        size = 0
        while self._waiting and len(batch) < most:
            one = self._waiting[0][1]
            size += len(one.text) + 1
            if batch and size > self._bytes_per_request:
                break
            self._waiting.popleft()
            batch.append(EncodedEvent(len(batch), one.event, one.text))
        self.flying = batch
        return batch

    def put_back(self) -> None:
        """What is on its way waits again; sending it twice is harmless."""
        self._waiting.extendleft((0.0, one) for one in reversed(self.flying))
        self.flying = ()

    def halve(self, error: EmbanError) -> BatchProblem | None:
        """The batch on its way is more than a proxy lets through (413): it is put back, to be sent in parts. A single event is rejected."""
        if len(self.flying) == 1:
            problem = self.settle(IngestResult(0, 1, (too_large(0),)), passed=False)
            return None if problem is None else replace(problem, error=error)
        self._bytes_per_request = max(sum(len(one.text) + 1 for one in self.flying) // 2, 1)
        self.put_back()
        return None

    def settle(self, result: IngestResult, *, passed: bool = True) -> BatchProblem | None:
        """The batch on its way was answered."""
        batch, self.flying = self.flying, ()
        if passed:
            # What was too much once need not stay so.
            self._bytes_per_request = min(self._bytes_per_request * 11 // 10 + 1, BYTES_PER_REQUEST)
        self._untold += len(batch)
        self.accepted += result.accepted
        self.rejected += result.rejected
        if not result.rejected:
            return None
        wrong = [batch[one.index].event for one in result.rejections]
        numbered = tuple(EventRejection(place, one.field, one.code, one.expected) for place, one in enumerate(result.rejections))
        return BatchProblem("rejected", tuple(wrong), result.rejected, numbered)

    def lose(self, reason: Reason, error: EmbanError | None = None, *, everything: bool = False) -> BatchProblem | None:
        """The batch on its way is given up, or everything is."""
        gone = [one.event for one in self.flying]
        self.flying = ()
        if everything:
            gone += [one.event for _, one in self._waiting]
            self._waiting.clear()
        self._untold += len(gone)
        self.lost += len(gone)
        return BatchProblem(reason, tuple(gone), len(gone), error=error) if gone else None

    def fail(self, error: BaseException) -> BatchProblem | None:
        """The batch on its way met a fault of this package, which must not end the sending in silence."""
        return self.lose("refused", EmbanError(f"{type(error).__name__} while sending", code="client"))

    def told(self) -> None:
        """What `settle` and `lose` returned was reported: those who wait for these events may go on."""
        self.settled += self._untold
        self._untold = 0


class Patience:
    """How long to go on with one batch."""

    FIRST_PAUSE, LONGEST_PAUSE, LONGEST_LAST_PAUSE = 0.25, 30.0, 1.0
    #: How often a batch is sent to a server that is there but fails, or to something else that refuses it: half a minute, with the pauses.
    FAILURES = 8
    #: Seconds after which the log hears that a batch cannot be sent.
    WORTH_TELLING = 10.0

    def __init__(self, chance: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._chance, self._clock = chance, clock
        self._begin = clock()
        self._attempts = 0
        self._told = False

    def pause(self, error: EmbanError, left: float | None = None) -> float | None:
        """Seconds before the batch is sent again; None when that is of no use. While the server is away or busy it always is: the queue is
        bounded, and what no longer fits in is told of. `left`: seconds until everything must be over, where that is near."""
        self._attempts += 1
        status = error.status or 0
        # A page that is not Emban's says no more of the events than a broken connection does; but one that refuses them may do so for ever.
        foreign = error.code == "http_error"
        away = isinstance(error, ConnectionFailedError) or status in (429, 502, 503, 504) or (foreign and not (400 <= status < 500 and status != 404))
        unclear = foreign or status >= 500
        if isinstance(error, ClientClosedError) or not (away or (unclear and self._attempts < self.FAILURES)):
            return None
        longest = self.LONGEST_PAUSE if left is None else self.LONGEST_LAST_PAUSE
        grown: float = min(self.FIRST_PAUSE * 2 ** min(self._attempts - 1, 10), longest) * (0.5 + self._chance() / 2)
        asked = error.retry_after or 0.0
        # At the end asking too early is better than losing the events.
        return max(grown, asked) if left is None or asked < left else grown

    def is_worth_telling(self) -> bool:
        """Once, when it takes long."""
        if self._told or self._clock() - self._begin < self.WORTH_TELLING:
            return False
        self._told = True
        return True
