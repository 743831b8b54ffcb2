"""Events sent in the background, many at a time, by a thread."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from . import _calls
from ._client import Emban
from ._ending import at_end, at_end_of_worker, follow_forks, not_at_end
from ._outbox import BatcherStats, BatchProblem, Outbox, Patience, Reporter
from ._retry import NO_RETRY
from .errors import EmbanError
from .events import Event


class Batcher:
    """Collects events and sends them from a thread of its own.

        batcher = Batcher(emban)
        batcher.add({"tenant_id": "acme", "event_name": "api.call"})

    `add` never waits. A batch is sent when `max_events` are there or the oldest has waited for `max_seconds`. While the server is away
    up to `queue_size` events wait; those beyond are lost, and told of. Events get a timestamp and an id when they are added, so
    that each counts once and at its own time, however often and late it is sent.

    What is left when the program ends is sent then, within `exit_seconds`: at `atexit`, which also covers workers of `multiprocessing`
    but not programs that are killed. After a fork the child begins with an empty queue: what waited is the parent's.

    `on_problem` hears of every event that will not be counted, in the thread that noticed it; what it raises is logged and changes nothing.
    Without it a warning is logged, at most every ten seconds.
    """

    def __init__(
        self, client: Emban, *, max_events: int = 500, max_seconds: float = 1.0, queue_size: int = 20_000,
        on_problem: Callable[[BatchProblem], None] | None = None, exit_seconds: float = 10.0,
    ) -> None:
        if not isinstance(client, Emban):
            raise TypeError("a Batcher is of an Emban; for an AsyncEmban there is AsyncBatcher")
        # Its own connections: `client` may be closed before the last events are sent.
        self._client = client._copy()
        self._limits = {"max_events": max_events, "max_seconds": max_seconds, "queue_size": queue_size}
        self._on_problem = on_problem
        self._exit_seconds = exit_seconds
        self._begin()
        follow_forks(self)
        at_end(self.close)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._reporter = Reporter(self._on_problem)
        self._outbox = Outbox(**self._limits)  # type: ignore[arg-type]
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._flush_to = 0
        #: Set by `close`: when everything must be over.
        self._deadline: float | None = None
        self._given_up = self._abandoned = False
        self._last_error: EmbanError | None = None

    def _begin_in_child(self) -> None:
        deadline = self._deadline
        self._begin()
        self._deadline, self._given_up = deadline, deadline is not None

    def __repr__(self) -> str:
        return f"Batcher({self._client!r}, {self.stats})"

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def stats(self) -> BatcherStats:
        with self._changed:
            return self._outbox.stats

    def add(self, event: Event | Mapping[str, Any]) -> bool:
        """Takes an event, to be sent soon. False when it will not be: it is wrong, or too many wait, or this is closed."""
        with self._changed:
            problem = self._outbox.add(event, closed=self._deadline is not None)
            if problem is None:
                self._start()
                if self._outbox.due_in() == 0 or len(self._outbox) == 1:
                    self._changed.notify_all()
        self._reporter.tell(problem)
        return problem is None

    def flush(self, seconds: float | None = None) -> bool:
        """Waits until everything that was added before is settled: stored, or told of as a problem. False when `seconds` were not enough, and
        from `on_problem` in this batcher's own thread, which cannot wait for itself."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            goal = self._outbox.added
            self._flush_to = max(self._flush_to, goal)
            if self._outbox.settled >= goal or self._is_own_thread():
                return self._outbox.settled >= goal
            if self._start():
                self._changed.notify_all()
                return self._changed.wait_for(lambda: self._outbox.settled >= goal, seconds)
        self._work(goal, until)
        return self._outbox.settled >= goal

    def close(self, seconds: float | None = None) -> bool:
        """Sends what is left, for `seconds` at most, and ends. True when nothing had to be given up."""
        wait = self._exit_seconds if seconds is None else seconds
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + wait
            waits = len(self._outbox) > 0 and not self._given_up
            thread = self._thread if self._is_own_thread() or not waits or self._start() else None
            self._changed.notify_all()
        if thread is None and waits:
            self._work()
        elif thread is threading.current_thread():
            return False  # from `on_problem`: the thread goes on until everything is settled
        elif self._thread is not None:
            self._thread.join(wait)
        self._finish()
        if self._thread is None or not self._thread.is_alive():
            self._client.close()
        return not self._abandoned

    def _finish(self) -> None:
        with self._changed:
            self._given_up = True
            problem = self._outbox.lose("abandoned", self._last_error, everything=True)
            self._abandoned = self._abandoned or problem is not None
        self._reporter.tell(problem)
        with self._changed:
            self._outbox.told()
            self._changed.notify_all()
        not_at_end(self.close)

    # --- The thread ---------------------------------------------------------------------------------------------------------

    def _is_own_thread(self) -> bool:
        return self._thread is threading.current_thread()

    def _start(self) -> bool:
        """False when there is no thread, and none can be had: the interpreter is ending."""
        if not self._starting.acquire(blocking=False):
            return True  # from a signal's handler, in the middle of this: a second thread would settle the first one's events
        try:
            if self._thread is not None and self._thread.is_alive():
                return True
            thread = threading.Thread(target=self._work_until_closed, name="emban-batcher", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                self._thread = None
                return False
            self._thread = thread
        finally:
            self._starting.release()
        at_end_of_worker(self.close)
        return True

    def _work_until_closed(self) -> None:
        while True:
            try:
                self._work()
            except SystemExit:  # from `on_problem`; it does not end programs from here, and must not end this thread
                continue
            break
        self._finish()

    def _work(self, goal: int | None = None, until: float | None = None) -> None:
        """Sends until `close` has its way; with `goal` only so many events, and not longer than `until`."""
        while self._take(goal, until):
            self._deliver(until)

    def _left(self, until: float | None) -> float | None:
        """Seconds until everything must be over; None when nothing presses."""
        ends = [end for end in (until, self._deadline) if end is not None]
        return min(ends) - time.monotonic() if ends else None

    def _take(self, goal: int | None, until: float | None) -> bool:
        """Waits until a batch is due, and takes it; False at the end."""
        with self._changed:
            while not self._given_up and (goal is None or self._outbox.settled < goal):
                due, left = self._outbox.due_in(), self._left(until)
                if left is not None and (due is None or left <= 0):
                    return False
                if due is not None and (due == 0 or self._deadline is not None or self._outbox.settled < self._flush_to):
                    self._outbox.take(in_haste=self._deadline is not None)
                    return True
                self._changed.wait(due)
            return False

    def _deliver(self, until: float | None) -> None:
        """Sends the batch that was taken, until it is stored or given up; tells of problems before those who wait for it go on."""
        patience = Patience(random.random)
        batch = self._outbox.flying
        try:
            while True:
                try:
                    result = self._client._run(_calls.ingest(batch), NO_RETRY, self._left(until))
                except EmbanError as error:
                    if patience.is_worth_telling():
                        self._reporter.tell_waiting(error, self.stats.queued)
                    with self._changed:
                        if self._given_up:
                            return
                        if error.status == 413:
                            problem = self._outbox.halve(error)
                        else:
                            self._last_error = error
                            pause = patience.pause(error, self._left(until))
                            if pause is not None and self._paused(pause, until):
                                continue
                            if self._given_up:
                                return
                            self._abandoned = self._abandoned or pause is not None
                            problem = self._outbox.lose("refused" if pause is None else "abandoned", error)
                except Exception as error:
                    with self._changed:
                        problem = self._outbox.fail(error)
                else:
                    with self._changed:
                        if self._given_up:
                            return
                        problem = self._outbox.settle(result)
                self._reporter.tell(problem)
                return
        finally:
            with self._changed:
                self._outbox.told()
                self._changed.notify_all()

    def _paused(self, seconds: float, until: float | None) -> bool:
        """Waits, without the lock; False when that is longer than there is time. `close` ends the pause: it leaves time for little else."""
        closing = self._deadline is not None
        left = self._left(until)
        if left is not None and seconds >= left:
            return False
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0 and not self._given_up:
            if self._deadline is not None and not closing:
                return True
            self._changed.wait(rest)
        return not self._given_up
