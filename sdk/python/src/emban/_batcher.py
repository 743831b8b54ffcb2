"""Events sent in the background, many at a time, by a thread."""

from __future__ import annotations

import atexit
import os
import random
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from . import _calls
from ._client import Emban
from ._outbox import BatcherStats, BatchProblem, Outbox, Patience, Reporter
from ._retry import NO_RETRY
from .errors import EmbanError
from .events import Event

_batchers: weakref.WeakSet[Batcher] = weakref.WeakSet()


class Batcher:
    """Collects events and sends them from a thread of its own.

        batcher = Batcher(emban)
        batcher.add({"tenant_id": "acme", "event_name": "api.call"})

    `add` never waits. A batch is sent when `max_events` are there or the oldest has waited for `max_seconds`. While the server is away
    up to `queue_size` events wait; those beyond are lost, and told of. Events get a timestamp and an id when they are added, so
    that each counts once and at its own time, however often and late it is sent.

    What is left when the program ends is sent then, within `exit_seconds`: at `atexit`, which also covers workers of `multiprocessing`
    but not programs that are killed. After a fork the child begins with an empty queue: what waited is the parent's.

    `on_problem` hears of every event that will not be counted, in the thread that noticed it. Without it a warning is logged.
    """

    def __init__(
        self, client: Emban, *, max_events: int = 500, max_seconds: float = 1.0, queue_size: int = 20_000,
        on_problem: Callable[[BatchProblem], None] | None = None, exit_seconds: float = 10.0,
    ) -> None:
        # Its own connections: `client` may be closed before the last events are sent.
        self._client = client._copy()
        self._limits = {"max_events": max_events, "max_seconds": max_seconds, "queue_size": queue_size}
        self._reporter = Reporter(on_problem)
        self._exit_seconds = exit_seconds
        self._begin()
        _batchers.add(self)
        atexit.register(self._at_exit)

    def _begin(self) -> None:
        """As new: at first, and in the child of a fork."""
        self._changed = threading.Condition()
        self._outbox = Outbox(**self._limits)  # type: ignore[arg-type]
        self._thread: threading.Thread | None = None
        self._flush_to = 0
        self._deadline: float | None = None
        self._given_up = False

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
        """Waits until everything that was added before is settled: stored, or told of as a problem. False when `seconds` were not enough."""
        with self._changed:
            goal = self._outbox.added
            self._flush_to = max(self._flush_to, goal)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._outbox.settled >= goal, seconds)

    def close(self, seconds: float | None = None) -> bool:
        """Sends what is left, for `seconds` at most, and ends. True when nothing had to be given up."""
        wait = self._exit_seconds if seconds is None else seconds
        with self._changed:
            if self._deadline is None:
                self._deadline = time.monotonic() + wait
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(wait)
        elif thread is None:
            self._work()  # no thread could be started, as at the very end of a program
        with self._changed:
            self._given_up = True
            problem = self._outbox.lose("abandoned", everything=True)
        self._reporter.tell(problem)
        with self._changed:
            self._outbox.told()
            self._changed.notify_all()
        atexit.unregister(self._at_exit)
        if thread is None or not thread.is_alive():
            self._client.close()
        return problem is None

    def _at_exit(self) -> None:
        self.close()

    # --- The thread ---------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._work, name="emban-batcher", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending: `close` will send
            return
        self._thread = thread
        # Workers of multiprocessing end without atexit; what they run instead is registered in themselves only.
        multiprocessing = sys.modules.get("multiprocessing.process")
        if multiprocessing is not None and multiprocessing.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self._at_exit, exitpriority=100)

    def _work(self) -> None:
        while self._take():
            self._deliver()

    def _take(self) -> bool:
        """Waits until a batch is due, and takes it; False at the end."""
        with self._changed:
            while not self._given_up:
                due = self._outbox.due_in()
                if due is not None and (due == 0 or self._deadline is not None or self._outbox.settled < self._flush_to):
                    self._outbox.take()
                    return True
                if due is None and self._deadline is not None:
                    return False
                self._changed.wait(due)
            return False

    def _deliver(self) -> None:
        """Sends the batch that was taken, until it is stored or given up; tells of problems before those who wait for it go on."""
        patience = Patience(random.random)
        batch = self._outbox.flying
        while True:
            try:
                result = self._client._run(_calls.ingest(batch), NO_RETRY)
            except EmbanError as error:
                pause = patience.pause(error)
                with self._changed:
                    if self._given_up:
                        return
                    if pause is not None and self._paused(pause):
                        continue
                    problem = self._outbox.lose("refused" if pause is None else "abandoned", error)
            except Exception as error:  # a fault of this package must not end the thread in silence
                with self._changed:
                    problem = self._outbox.lose("refused", EmbanError(f"{type(error).__name__} while sending", code="client"))
            else:
                with self._changed:
                    if self._given_up:
                        return
                    problem = self._outbox.settle(result)
            self._reporter.tell(problem)
            with self._changed:
                self._outbox.told()
                self._changed.notify_all()
            return

    def _paused(self, seconds: float) -> bool:
        """Waits, without the lock; False when `close` does not leave the time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._given_up or (self._deadline is not None and end > self._deadline):
                return False
            self._changed.wait(left)
        return True


def _after_fork() -> None:
    for batcher in list(_batchers):
        batcher._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
