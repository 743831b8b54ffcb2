"""The client for programs on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

import httpx

from . import _calls
from ._async_resources import AsyncDashboards, AsyncDataApps, AsyncEmbedSessions, AsyncGuestTokens, AsyncTenants
from ._calls import Page
from ._client import Emban
from ._retry import Attempts, RetryPolicy
from ._wire import USER_AGENT, Answer, Call, Target, target, within
from .errors import ClientClosedError, EmbanError
from .events import Event, IngestResult
from .models import Query, QueryResult

T = TypeVar("T")
Json = Mapping[str, Any]


class AsyncEmban:
    """`Emban` for asyncio: the same methods, awaited; lists are read with `async for`.

        async with AsyncEmban("https://analytics.example.com", api_key=key) as emban:
            await emban.ingest([{"tenant_id": "acme", "event_name": "api.call"}])

    Tasks may share one. Connections belong to the event loop: under another loop the client opens new ones.
    """

    def __init__(
        self, host: str | None = None, *, api_key: str | None = None, timeout: float | httpx.Timeout | None = 30.0,
        retry: RetryPolicy | None = None, http_client: httpx.AsyncClient | None = None,
    ) -> None:
        """`timeout`: seconds that one attempt may take; None for any time. `http_client`: your own, for proxies or certificates; it is not closed with this one."""
        self._set_up(target(host, api_key, timeout), retry or RetryPolicy(), http_client)

    def _set_up(self, target: Target, policy: RetryPolicy, http_client: httpx.AsyncClient | None) -> None:
        self._target, self._policy, self._given = target, policy, http_client
        self._own: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.embed_sessions = AsyncEmbedSessions(self)
        self.guest_tokens = AsyncGuestTokens(self)
        self.dashboards = AsyncDashboards(self)
        self.data_apps = AsyncDataApps(self)
        self.tenants = AsyncTenants(self)

    def __repr__(self) -> str:
        return f"AsyncEmban({self._target.base!r})"

    async def __aenter__(self) -> AsyncEmban:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections. The client cannot be used afterwards."""
        self._closed = True
        if self._own is not None and self._loop is asyncio.get_running_loop():
            await self._own.aclose()
        self._own = None

    def _copy(self) -> AsyncEmban:
        """The same settings, connections of its own."""
        made = AsyncEmban.__new__(AsyncEmban)
        made._set_up(self._target, self._policy, self._given)
        return made

    def _waiting_copy(self) -> Emban:
        """The same settings, for when there is no event loop any more. A given `http_client` needs one."""
        made = Emban.__new__(Emban)
        made._set_up(self._target, self._policy, None)
        return made

    # --- Events and questions -----------------------------------------------------------------------------------------------

    async def ingest(self, events: Iterable[Event | Json]) -> IngestResult:
        """Sends events, as many as you like; see `Emban.ingest`."""
        ingestion = _calls.Ingestion(events)
        while ingestion.left:
            try:
                ingestion.stored(await self._run(ingestion.next()))
            except EmbanError as error:
                ingestion.failed(error)
        return ingestion.result

    async def query(
        self, query: Query | Json, *, tenant_id: str | None = None, kind: str | None = None, filters: Any = None, timezone: str | None = None,
    ) -> QueryResult:
        """Asks one question: about one customer, or, without `tenant_id`, about all."""
        return await self._run(_calls.query(query, tenant_id, kind, filters, timezone))

    async def discover(self, *, tenant_id: str | None = None) -> Sequence[Json]:
        """What events look like: names, dimensions, measures."""
        return await self._run(_calls.discover(tenant_id))

    async def refresh_cache(self, *, tenant_id: str | None = None, dashboard_id: str | None = None) -> None:
        """Has the next answers made anew, of a customer, a dashboard, both, or everything. Emban notices new events by itself."""
        await self._run(_calls.refresh_cache(tenant_id, dashboard_id))

    # --- Carrying out -------------------------------------------------------------------------------------------------------

    def _http(self) -> httpx.AsyncClient:
        if self._closed:
            raise ClientClosedError
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        if self._own is None or self._loop is not loop:
            self._own, self._loop = httpx.AsyncClient(), loop
        return self._own

    async def _send(self, call: Call[Any], repeated: bool, seconds: float | None) -> Answer:
        http = self._http()
        try:
            answer = await http.request(
                call.method, self._target.base + call.path, params=call.query or None, content=call.body,
                headers={"Accept": "application/json", "User-Agent": USER_AGENT, **call.headers}, auth=self._target.key,
                timeout=within(self._target.timeout, seconds), follow_redirects=False)
        except RuntimeError as error:
            if http.is_closed:  # meanwhile, or it is the caller's own
                raise ClientClosedError from error
            raise
        return Answer(answer.status_code, answer.headers, answer.content, repeated)

    async def _run(self, call: Call[T], policy: RetryPolicy | None = None, seconds: float | None = None) -> T:
        """`seconds`: what one attempt may take, where that is less than the client's own `timeout`."""
        attempts = Attempts(call, policy or self._policy)
        while True:
            try:
                answer = await self._send(call, attempts.lost, seconds)
            except httpx.HTTPError as failure:
                pause: float | None = attempts.after_failure(failure)
            else:
                pause = attempts.after_answer(answer)
                if pause is None:
                    return call.value(answer)
            await asyncio.sleep(pause or 0)

    async def _pages(self, page: Callable[[str | None], Call[Page[T]]]) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            got = await self._run(page(cursor))
            for item in got.items:
                yield item
            cursor = got.next_cursor
            if cursor is None:
                return
