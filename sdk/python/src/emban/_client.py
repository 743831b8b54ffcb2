"""The client for programs that wait."""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx

from . import _calls
from ._calls import Page
from ._resources import Dashboards, DataApps, EmbedSessions, GuestTokens, Tenants
from ._retry import Attempts, RetryPolicy
from ._wire import USER_AGENT, Answer, Call, Target, target, within
from .errors import ClientClosedError, EmbanError
from .events import Event, IngestResult
from .models import Query, QueryResult

T = TypeVar("T")
Json = Mapping[str, Any]

# As `encodings.idna`, they are otherwise loaded when the first client of httpx is made, and a name first looked up. In a thread, a fork at that moment
# would leave the child with halves of them.
with contextlib.suppress(ImportError):
    import certifi  # noqa: F401
    import httpcore  # noqa: F401


class Emban:
    """One Emban server, as the holder of one API key.

        with Emban("https://analytics.example.com", api_key=key) as emban:
            emban.ingest([{"tenant_id": "acme", "event_name": "api.call"}])

    Threads may share one. Make one for the life of the program: it keeps connections open. After a fork the child gets connections
    of its own. `host` and `api_key` are taken from `EMBAN_URL` and `EMBAN_API_KEY` when they are not given.

    Everything raises `EmbanError`; `retry` says what is tried again first.
    """

    def __init__(
        self, host: str | None = None, *, api_key: str | None = None, timeout: float | httpx.Timeout | None = 30.0,
        retry: RetryPolicy | None = None, http_client: httpx.Client | None = None,
    ) -> None:
        """`timeout`: seconds that one attempt may take; None for any time. `http_client`: your own, for proxies or certificates; it is not closed with this one."""
        self._set_up(target(host, api_key, timeout), retry or RetryPolicy(), http_client)

    def _set_up(self, target: Target, policy: RetryPolicy, http_client: httpx.Client | None) -> None:
        self._target, self._policy, self._given = target, policy, http_client
        self._own: httpx.Client | None = None
        self._making = threading.Lock()
        self._inherited: list[httpx.Client] = []
        self._closed = False
        self.embed_sessions = EmbedSessions(self)
        self.guest_tokens = GuestTokens(self)
        self.dashboards = Dashboards(self)
        self.data_apps = DataApps(self)
        self.tenants = Tenants(self)
        _clients.add(self)

    def __repr__(self) -> str:
        return f"Emban({self._target.base!r})"

    def __enter__(self) -> Emban:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. The client cannot be used afterwards."""
        self._closed = True
        if self._own is not None:
            self._own.close()
        self._own = None

    def _copy(self) -> Emban:
        """The same settings, connections of its own."""
        made = Emban.__new__(Emban)
        made._set_up(self._target, self._policy, self._given)
        return made

    # --- Events and questions -----------------------------------------------------------------------------------------------

    def ingest(self, events: Iterable[Event | Json]) -> IngestResult:
        """Sends events, as many as you like, in requests of up to 1,000.

        Events without an `event_id` get one, so that an attempt that is repeated counts once. Events that are wrong are dropped
        and named in the result; the others are stored. What a proxy finds too large (413) is halved. When a request fails for good, the error has `unsent`, the events that
        are not known to be stored, and `ingested`, the result of the requests before; sending `unsent` again is harmless.
        """
        ingestion = _calls.Ingestion(events)
        while ingestion.left:
            try:
                ingestion.stored(self._run(ingestion.next()))
            except EmbanError as error:
                ingestion.failed(error)
        return ingestion.result

    def query(
        self, query: Query | Json, *, tenant_id: str | None = None, kind: str | None = None, filters: Any = None, timezone: str | None = None,
    ) -> QueryResult:
        """Asks one question: about one customer, or, without `tenant_id`, about all."""
        return self._run(_calls.query(query, tenant_id, kind, filters, timezone))

    def discover(self, *, tenant_id: str | None = None) -> Sequence[Json]:
        """What events look like: names, dimensions, measures."""
        return self._run(_calls.discover(tenant_id))

    def refresh_cache(self, *, tenant_id: str | None = None, dashboard_id: str | None = None) -> None:
        """Has the next answers made anew, of a customer, a dashboard, both, or everything. Emban notices new events by itself."""
        self._run(_calls.refresh_cache(tenant_id, dashboard_id))

    # --- Carrying out -------------------------------------------------------------------------------------------------------

    def _http(self) -> httpx.Client:
        if self._closed:
            raise ClientClosedError
        if self._given is not None:
            return self._given
        with self._making:
            if self._own is None:
                self._own = httpx.Client()
            return self._own

    def _send(self, call: Call[Any], repeated: bool, seconds: float | None) -> Answer:
        http = self._http()
        try:
            answer = http.request(
                call.method, self._target.base + call.path, params=call.query or None, content=call.body,
                headers={"Accept": "application/json", "User-Agent": USER_AGENT, **call.headers}, auth=self._target.key,
                timeout=within(self._target.timeout, seconds), follow_redirects=False)
        except RuntimeError as error:
            if http.is_closed:  # meanwhile, or it is the caller's own
                raise ClientClosedError from error
            raise
        return Answer(answer.status_code, answer.headers, answer.content, repeated)

    def _run(self, call: Call[T], policy: RetryPolicy | None = None, seconds: float | None = None) -> T:
        """`seconds`: what one attempt may take, where that is less than the client's own `timeout`."""
        attempts = Attempts(call, policy or self._policy)
        while True:
            try:
                answer = self._send(call, attempts.lost, seconds)
            except httpx.HTTPError as failure:
                pause: float | None = attempts.after_failure(failure)
            else:
                pause = attempts.after_answer(answer)
                if pause is None:
                    return call.value(answer)
            time.sleep(pause or 0)

    def _pages(self, page: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
        cursor: str | None = None
        while True:
            got = self._run(page(cursor))
            yield from got.items
            cursor = got.next_cursor
            if cursor is None:
                return

    def _after_fork(self) -> None:
        """In the child. The parent speaks on its connections: they are neither used nor closed here. Its lock may be held for ever."""
        if self._own is not None:
            self._inherited.append(self._own)
        self._own, self._making = None, threading.Lock()


_clients: weakref.WeakSet[Emban] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
