"""Events sent in the background, many at a time, by a task."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from . import _calls
from ._async_client import AsyncEmban
from ._ending import at_end, at_end_of_worker, follow_forks, not_at_end
from ._outbox import BatcherStats, BatchProblem, Outbox, Patience, Reporter
from ._retry import NO_RETRY
from .errors import EmbanError
from .events import Event


class AsyncBatcher:
    """`Batcher` for asyncio: the same, sent by a task of the event loop; `add` is not awaited.

        async with AsyncBatcher(emban) as batcher:
            batcher.add({"tenant_id": "acme", "event_name": "api.call"})

    `add` may be called from other threads, too. When the loop ends before everything is sent, the next loop in which something is added
    goes on with it. What is left when the program ends, because nobody awaited `aclose`, is sent at `atexit`, without a loop.
    """

    def __init__(
        self, client: AsyncEmban, *, max_events: int = 500, max_seconds: float = 1.0, queue_size: int = 20_000,
        on_problem: Callable[[BatchProblem], None] | None = None, exit_seconds: float = 10.0,
    ) -> None:
        if not isinstance(client, AsyncEmban):
            raise TypeError("an AsyncBatcher is of an AsyncEmban; for an Emban there is Batcher")
        self._client = client._copy()
        self._last_client = client._waiting_copy()
        self._limits = {"max_events": max_events, "max_seconds": max_seconds, "queue_size": queue_size}
        self._on_problem = on_problem
        self._exit_seconds = exit_seconds
        self._begin(_running_loop())
        follow_forks(self)
        at_end(self._at_exit)

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        # Held for moments only, never while something is awaited. By the same thread again when a task that waits is collected as garbage.
        self._lock = threading.RLock()
        self._reporter = Reporter(self._on_problem)
        self._outbox = Outbox(**self._limits)  # type: ignore[arg-type]
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        #: Wakes the task. Another one means that another task has taken over.
        self._wake = asyncio.Event()
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._flush_to = 0
        #: Set by `aclose`: when everything must be over.
        self._deadline: float | None = None
        self._abandoned = False
        self._last_error: EmbanError | None = None

    def _begin_in_child(self) -> None:
        deadline = self._deadline
        self._begin(None)
        self._deadline = deadline

    def __repr__(self) -> str:
        return f"AsyncBatcher({self._client!r}, {self.stats})"

    async def __aenter__(self) -> AsyncBatcher:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    @property
    def stats(self) -> BatcherStats:
        with self._lock:
            return self._outbox.stats

    def add(self, event: Event | Mapping[str, Any]) -> bool:
        """Takes an event, to be sent soon. False when it will not be: it is wrong, or too many wait, or this is closed."""
        with self._lock:
            problem = self._outbox.add(event, closed=self._deadline is not None)
            wakes = problem is None and (self._outbox.due_in() == 0 or len(self._outbox) == 1)
        if problem is None:
            self._start(wakes)
        self._reporter.tell(problem)
        return problem is None

    async def flush(self, seconds: float | None = None) -> bool:
        """Waits until everything that was added before is settled: stored, or told of as a problem. False when `seconds` were not enough."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._lock:
            goal = self._outbox.added
            if self._outbox.settled >= goal:
                return True
            self._flushes.append((goal, done))
            self._flush_to = max(self._flush_to, goal)
        self._start(wakes=True)
        try:
            await asyncio.wait_for(done, seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def aclose(self, seconds: float | None = None) -> bool:
        """Sends what is left, for `seconds` at most, and ends. True when nothing had to be given up."""
        wait = self._exit_seconds if seconds is None else seconds
        if self._deadline is None:
            self._deadline = time.monotonic() + wait
        if self.stats.queued:
            self._start(wakes=True)
        task = self._task
        if task is not None and self._loop is asyncio.get_running_loop():
            self._wake.set()
            await asyncio.wait({task}, timeout=wait)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        else:
            await self.flush(wait)
        self._finish()
        await self._client.aclose()
        self._last_client.close()
        return not self._abandoned

    def _finish(self) -> None:
        with self._lock:
            problem = self._outbox.lose("abandoned", self._last_error, everything=True)
            self._abandoned = self._abandoned or problem is not None
        self._reporter.tell(problem)
        self._settled()
        not_at_end(self._at_exit)

    # --- The task -----------------------------------------------------------------------------------------------------------

    def _start(self, wakes: bool) -> None:
        """Sees to it that a task is at work, and wakes it. Without a loop nothing is sent before there is one, or the program ends."""
        here, there = _running_loop(), self._loop
        if here is not there and there is not None and there.is_running():  # in another thread
            try:
                if wakes:
                    there.call_soon_threadsafe(self._start_here, there)
                return
            except RuntimeError:  # it has just ended
                pass
        if here is not None:
            self._start_here(here, wakes)

    def _start_here(self, loop: asyncio.AbstractEventLoop, wakes: bool = True) -> None:
        if self._loop is not loop or self._task is None or self._task.done():
            with self._lock:
                self._outbox.put_back()  # what a loop that has ended had on its way
                self._loop, self._wake = loop, asyncio.Event()
            self._task = loop.create_task(self._work(self._wake), name="emban-batcher")
            at_end_of_worker(self._at_exit)
        elif wakes:
            self._wake.set()

    async def _work(self, wake: asyncio.Event) -> None:
        try:
            while self._wake is wake:
                with self._lock:
                    due, left = self._outbox.due_in(), self._left()
                    if left is not None and (due is None or left <= 0):
                        return
                    takes = due is not None and (due == 0 or left is not None or self._outbox.settled < self._flush_to)
                    if takes:
                        self._outbox.take(in_haste=left is not None)
                if takes:
                    await self._deliver(wake)
                else:
                    wake.clear()
                    await _woken(wake, due)
        finally:
            with self._lock:
                if self._wake is wake:
                    self._outbox.put_back()  # canceled in the middle: sending it again is harmless

    def _left(self) -> float | None:
        """Seconds until everything must be over; None when nothing presses."""
        return None if self._deadline is None else self._deadline - time.monotonic()

    async def _deliver(self, wake: asyncio.Event) -> None:
        """Sends the batch that was taken, until it is stored or given up, or another task has taken over."""
        patience = Patience(random.random)
        batch = self._outbox.flying
        while True:
            try:
                result = await self._client._run(_calls.ingest(batch), NO_RETRY, self._left())
            except EmbanError as error:
                if self._wake is not wake:
                    return
                if error.status == 413:
                    with self._lock:
                        problem = self._outbox.halve(error)
                else:
                    self._last_error = error
                    pause = patience.pause(error, self._left())
                    if patience.is_worth_telling():
                        self._reporter.tell_waiting(error, self.stats.queued)
                    if pause is not None and await self._paused(pause, wake):
                        continue
                    if self._wake is not wake:
                        return
                    self._abandoned = self._abandoned or pause is not None
                    with self._lock:
                        problem = self._outbox.lose("refused" if pause is None else "abandoned", error)
            except Exception as error:
                if self._wake is not wake:
                    return
                with self._lock:
                    problem = self._outbox.fail(error)
            else:
                if self._wake is not wake:
                    return
                with self._lock:
                    problem = self._outbox.settle(result)
            try:
                self._reporter.tell(problem)
            finally:
                self._settled()
            return

    async def _paused(self, seconds: float, wake: asyncio.Event) -> bool:
        """Waits; False when that is longer than there is time, or another task has taken over. `aclose` ends the pause: it leaves time for
        little else."""
        closing, left = self._deadline is not None, self._left()
        if left is not None and seconds >= left:
            return False
        end = time.monotonic() + seconds
        while (rest := end - time.monotonic()) > 0 and self._wake is wake:
            if self._deadline is not None and not closing:
                return True
            wake.clear()
            await _woken(wake, rest)
        return self._wake is wake

    def _settled(self) -> None:
        with self._lock:
            self._outbox.told()
            done = [future for goal, future in self._flushes if self._outbox.settled >= goal]
            self._flushes = [one for one in self._flushes if one[1] not in done]
        for future in done:
            try:
                future.get_loop().call_soon_threadsafe(_set, future)
            except RuntimeError:
                pass  # its loop has ended, and nobody waits

    # --- The end of the program -----------------------------------------------------------------------------------------------

    def _at_exit(self) -> None:
        with self._lock:
            self._deadline = self._deadline or time.monotonic() + self._exit_seconds
            self._wake = asyncio.Event()  # a task that is still there has nothing more to say
            self._outbox.put_back()
        patience = Patience(random.random)
        while (left := self._deadline - time.monotonic()) > 0 and self._outbox.due_in() is not None:
            batch = self._outbox.take(in_haste=True)
            try:
                problem = self._outbox.settle(self._last_client._run(_calls.ingest(batch), NO_RETRY, left))
            except EmbanError as error:
                if error.status == 413:
                    problem = self._outbox.halve(error)
                else:
                    self._last_error = error
                    left = self._deadline - time.monotonic()
                    pause = patience.pause(error, left)
                    if pause is not None and pause < left:
                        self._outbox.put_back()
                        time.sleep(pause)
                        continue
                    problem = self._outbox.lose("refused" if pause is None else "abandoned", error)
            except Exception as error:
                problem = self._outbox.fail(error)
            patience = Patience(random.random)
            self._reporter.tell(problem)
        self._finish()
        self._last_client.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _woken(wake: asyncio.Event, seconds: float | None) -> None:
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except asyncio.TimeoutError:
        pass
