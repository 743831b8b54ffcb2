"""Events sent in the background, many at a time, by a task."""

from __future__ import annotations

import asyncio
import atexit
import os
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from . import _calls
from ._async_client import AsyncEmban
from ._outbox import BatcherStats, BatchProblem, Outbox, Patience, Reporter
from ._retry import NO_RETRY, RetryPolicy
from .errors import EmbanError
from .events import EncodedEvent, Event, requests


class AsyncBatcher:
    """`Batcher` for asyncio: the same, sent by a task. To be used in one event loop; `add` is not awaited.

        async with AsyncBatcher(emban) as batcher:
            batcher.add({"tenant_id": "acme", "event_name": "api.call"})

    What is left when the program ends, because nobody awaited `aclose`, is sent at `atexit`, without a loop.
    """

    def __init__(
        self, client: AsyncEmban, *, max_events: int = 500, max_seconds: float = 1.0, queue_size: int = 20_000,
        on_problem: Callable[[BatchProblem], None] | None = None, exit_seconds: float = 10.0,
    ) -> None:
        self._client = client._copy()
        self._last_client = client._waiting_copy()
        self._limits = {"max_events": max_events, "max_seconds": max_seconds, "queue_size": queue_size}
        self._reporter = Reporter(on_problem)
        self._exit_seconds = exit_seconds
        self._begin()
        atexit.register(self._at_exit)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._outbox = Outbox(**self._limits)  # type: ignore[arg-type]
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._flush_to = 0
        self._deadline: float | None = None

    def __repr__(self) -> str:
        return f"AsyncBatcher({self._client!r}, {self.stats})"

    async def __aenter__(self) -> AsyncBatcher:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    @property
    def stats(self) -> BatcherStats:
        return self._outbox.stats

    def add(self, event: Event | Mapping[str, Any]) -> bool:
        """Takes an event, to be sent soon. False when it will not be: it is wrong, or too many wait, or this is closed."""
        if self._process != os.getpid():
            self._begin()  # what waited is the parent's
        problem = self._outbox.add(event, closed=self._deadline is not None)
        if problem is None:
            self._start()
            if self._outbox.due_in() == 0 or len(self._outbox) == 1:
                self._wake.set()
        self._reporter.tell(problem)
        return problem is None

    async def flush(self, seconds: float | None = None) -> bool:
        """Waits until everything that was added before is settled: stored, or told of as a problem. False when `seconds` were not enough."""
        goal = self._outbox.added
        if self._outbox.settled >= goal:
            return True
        self._start()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._flushes.append((goal, done))
        self._flush_to = max(self._flush_to, goal)
        self._wake.set()
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
        if len(self._outbox):
            self._start()
        task = self._task
        if task is not None and self._loop is asyncio.get_running_loop():
            self._wake.set()
            await asyncio.wait({task}, timeout=wait)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        problem = self._outbox.lose("abandoned", everything=True)
        self._reporter.tell(problem)
        self._settled()
        atexit.unregister(self._at_exit)
        await self._client.aclose()
        self._last_client.close()
        return problem is None

    # --- The task -----------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # without a loop nothing is sent before there is one, or the program ends
        if self._loop is not loop or self._task is None or self._task.done():
            self._loop, self._wake = loop, asyncio.Event()
            self._task = loop.create_task(self._work(), name="emban-batcher")

    async def _work(self) -> None:
        try:
            while True:
                due = self._outbox.due_in()
                if due is not None and (due == 0 or self._deadline is not None or self._outbox.settled < self._flush_to):
                    self._outbox.take()
                    await self._deliver()
                    self._settled()
                elif due is None and self._deadline is not None:
                    return
                else:
                    self._wake.clear()
                    await self._woken(due)
        finally:
            self._outbox.put_back()  # canceled in the middle: sending it again is harmless

    async def _woken(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except asyncio.TimeoutError:
            pass

    async def _deliver(self) -> None:
        """Sends the batch that was taken, until it is stored or given up."""
        patience = Patience(random.random)
        batch = self._outbox.flying
        while True:
            try:
                result = await self._client._run(_calls.ingest(batch), NO_RETRY)
            except EmbanError as error:
                pause = patience.pause(error)
                if pause is not None and await self._paused(pause):
                    continue
                problem = self._outbox.lose("refused" if pause is None else "abandoned", error)
            except Exception as error:  # a fault of this package must not end the task in silence
                problem = self._outbox.lose("refused", EmbanError(f"{type(error).__name__} while sending", code="client"))
            else:
                problem = self._outbox.settle(result)
            self._reporter.tell(problem)
            return

    async def _paused(self, seconds: float) -> bool:
        """Waits; False when `aclose` does not leave the time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._deadline is not None and end > self._deadline:
                return False
            self._wake.clear()
            await self._woken(left)
        return True

    def _settled(self) -> None:
        self._outbox.told()
        for goal, done in list(self._flushes):
            if self._outbox.settled >= goal:
                self._flushes.remove((goal, done))
                if not done.done():
                    done.set_result(None)

    # --- The end of the program -----------------------------------------------------------------------------------------------

    def _at_exit(self) -> None:
        if self._process != os.getpid():
            return
        deadline = time.monotonic() + self._exit_seconds
        for batch in requests(self._outbox.everything()):
            self._outbox.flying = [EncodedEvent(place, one.event, one.text) for place, one in enumerate(batch)]
            policy = RetryPolicy(attempts=20, longest_pause=2.0, patience=max(deadline - time.monotonic(), 0.0))
            try:
                problem = self._outbox.settle(self._last_client._run(_calls.ingest(self._outbox.flying), policy))
            except EmbanError as error:
                problem = self._outbox.lose("abandoned", error)
            self._reporter.tell(problem)
        self._last_client.close()
