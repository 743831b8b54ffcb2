"""When a request is sent again: the rules as a value, and the state of one request."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from ._wire import Answer, Call
from .errors import ConnectionFailedError

#: Answers that say "not now". 502 and 504 come from proxies that did not reach the server.
_BUSY = frozenset({429, 503})
_PROXY = frozenset({502, 504})


@dataclass(frozen=True)
class RetryPolicy:
    """429 and 503 are tried again when `Retry-After` says so, lost connections after growing, random pauses.

    What a second execution would change (making a dashboard, say) is only tried again where the first surely did not happen.
    """

    #: How often a request is sent at most; 1 is no retry.
    attempts: int = 5
    #: Seconds before the second attempt; each pause may be twice the one before, and is random up to that.
    first_pause: float = 0.25
    longest_pause: float = 10.0
    #: Seconds that all pauses of a request may take together. Where `Retry-After` asks for more, the error is raised at once.
    patience: float = 60.0


NO_RETRY = RetryPolicy(attempts=1)


class Attempts:
    """One request on its way. Tells after each attempt how long to wait before the next one."""

    def __init__(
        self, call: Call[Any], policy: RetryPolicy, *, chance: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._call, self._policy, self._chance, self._clock = call, policy, chance, clock
        self._begin = clock()
        self._made = 0
        #: An attempt was sent whose answer never came.
        self.lost = False

    def after_failure(self, failure: httpx.HTTPError) -> float:
        """The pause after an attempt without an answer; raises where there is no other."""
        self._made += 1
        unsent = isinstance(failure, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError))
        if not unsent:
            self.lost = True
        pause = self._backoff() if unsent or self._call.repeatable else None
        if pause is None or isinstance(failure, (httpx.UnsupportedProtocol, httpx.TooManyRedirects)):
            slow = isinstance(failure, httpx.TimeoutException)
            said = "did not answer in time" if slow else "could not be reached" if unsent else "broke the connection off"
            raise ConnectionFailedError(
                f"{self._call.method} {self._call.path}: the server {said}", code="timeout" if slow else "network") from failure
        return pause

    def after_answer(self, answer: Answer) -> float | None:
        """The pause before the next attempt, or None: this answer is the last."""
        self._made += 1
        if answer.status in _BUSY or (answer.status in _PROXY and self._call.repeatable):
            if answer.status in _PROXY:
                self.lost = True
            return self._backoff(answer.retry_after)
        return None

    def _backoff(self, asked: float | None = None) -> float | None:
        policy = self._policy
        if self._made >= policy.attempts:
            return None
        grown = min(policy.first_pause * 2 ** (self._made - 1), policy.longest_pause)
        # Never before the time that was asked for; a little after it, so that not all clients come back at once.
        pause = grown * (0.5 + self._chance() / 2) if asked is None else asked + self._chance() * min(asked / 10 + 0.1, 1.0)
        return pause if self._clock() - self._begin + pause <= policy.patience else None
