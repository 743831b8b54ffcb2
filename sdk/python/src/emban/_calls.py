"""Every request of the API as a value. The clients only carry them out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from ._wire import Answer, Call, call, nothing, part, seconds_of
from .errors import EmbanError
from .events import EncodedEvent, EventRejection, IngestResult, body_of, encoded, requests, result_of, too_large
from .models import Dashboard, DataApp, EmbedSession, GuestToken, LiveSession, QueryResult, Tenant, moment

T = TypeVar("T")
Json = Mapping[str, Any]


# --- Events -----------------------------------------------------------------------------------------------------------------


def ingest(batch: Sequence[EncodedEvent]) -> Call[IngestResult]:
    def read(answer: Answer) -> IngestResult:
        body = answer.members
        if not answer.is_good and body.get("code") != "no_valid_event":
            raise answer.error()
        if answer.is_good and type(body.get("accepted")) is not int:
            # A gateway that answers for everybody has stored nothing.
            raise EmbanError("the answer is not one of Emban's", code="http_error", status=answer.status, request_id=answer.request_id)
        return result_of(body, batch)

    return Call("POST", "/v1/events", read, body=body_of(batch), headers={"Content-Type": "application/json"}, also=frozenset({422}))


class Ingestion:
    """Any number of events on their way, request after request."""

    def __init__(self, events: Any) -> None:
        if isinstance(events, (Mapping, str, bytes)):
            raise TypeError("ingest takes a list of events")
        good: list[EncodedEvent] = []
        bad: list[EventRejection] = []
        for index, event in enumerate(events):
            one = encoded(event, index)
            if isinstance(one, EncodedEvent):
                good.append(one)
            else:
                bad.append(one)
        self.left: list[Sequence[EncodedEvent]] = list(requests(good))
        #: What was rejected before any was sent, and then what was answered.
        self.result = IngestResult(0, len(bad), tuple(bad))

    def next(self) -> Call[IngestResult]:
        return ingest(self.left[0])

    def stored(self, result: IngestResult) -> None:
        self.left.pop(0)
        self.result += result

    def failed(self, error: EmbanError) -> None:
        """Halves what was too large for a proxy. Raises any other error, with the events that were not sent because of it."""
        if error.status != 413:
            error.unsent = tuple(event.event for batch in self.left for event in batch)
            error.ingested = self.result
            raise error
        batch = self.left.pop(0)
        if len(batch) == 1:
            self.result += IngestResult(0, 1, (too_large(batch[0].index),))
        else:
            middle = (len(batch) + 1) // 2
            self.left[:0] = [batch[:middle], batch[middle:]]


# --- Questions --------------------------------------------------------------------------------------------------------------


def query(
    question: Json, tenant_id: str | None, kind: str | None, filters: Any, timezone: str | None,
) -> Call[QueryResult]:
    def read(answer: Answer) -> QueryResult:
        body = answer.members
        return QueryResult(body["columns"], body["rows"], body.get("previous"), body.get("totals"), body["meta"])

    return call("POST", "/v1/query", read, body={
        "query": dict(question), "tenant_id": tenant_id, "kind": kind, "filters": filters, "timezone": timezone})


def discover(tenant_id: str | None) -> Call[Sequence[Json]]:
    return call("GET", "/v1/discover", lambda answer: answer.members["events"], query={"tenant_id": tenant_id})


def refresh_cache(tenant_id: str | None, dashboard_id: str | None) -> Call[None]:
    return call("POST", "/v1/cache/refresh", nothing, body={"tenant_id": tenant_id, "dashboard_id": dashboard_id})


# --- Lists ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None


def page(path: str, one: Callable[[Json], T], cursor: str | None, **query: Any) -> Call[Page[T]]:
    def read(answer: Answer) -> Page[T]:
        body = answer.members
        return Page([one(entry) for entry in body["data"]], body["next_cursor"])

    return call("GET", path, read, query={"limit": 200, "cursor": cursor, **query})


# --- Tenants ----------------------------------------------------------------------------------------------------------------


def tenants(cursor: str | None) -> Call[Page[Tenant]]:
    def one(entry: Json) -> Tenant:
        return Tenant(entry["tenant_id"], entry["events"], moment(entry["first_seen"]), moment(entry["last_seen"]))

    return page("/v1/tenants", one, cursor)


def erase_tenant(tenant_id: str) -> Call[int]:
    return call("DELETE", f"/v1/tenants/{part(tenant_id)}/data", lambda answer: int(answer.members["deleted_events"]))


# --- Embedding --------------------------------------------------------------------------------------------------------------


def create_session(body: Json) -> Call[EmbedSession]:
    def read(answer: Answer) -> EmbedSession:
        made = answer.members
        return EmbedSession(made["session_id"], moment(made["expires_at"]), made["embed_url"], made["token"])

    # A second session that nobody holds expires by itself.
    return call("POST", "/v1/embed-sessions", read, body=body)


def sessions(cursor: str | None, tenant_id: str | None, dashboard_id: str | None) -> Call[Page[LiveSession]]:
    def one(entry: Json) -> LiveSession:
        return LiveSession(entry["session_id"], entry["tenant_id"], entry["dashboard_id"], moment(entry["expires_at"]), entry)

    return page("/v1/embed-sessions", one, cursor, tenant_id=tenant_id, dashboard_id=dashboard_id)


def revoke(session_id: str | None, tenant_id: str | None, dashboard_id: str | None) -> Call[None]:
    if session_id is not None:
        if tenant_id is not None or dashboard_id is not None:
            raise ValueError("give a session_id, or else a tenant_id or a dashboard_id")
        return call("DELETE", f"/v1/embed-sessions/{part(session_id)}", nothing)
    if not tenant_id and not dashboard_id:
        raise ValueError("give a session_id, a tenant_id or a dashboard_id")
    return call("DELETE", "/v1/embed-sessions", nothing, query={"tenant_id": tenant_id, "dashboard_id": dashboard_id})


def create_guest_token(
    client_id: str, data_app_name: str, permissions: Json | None, expiry_time: int | timedelta | None, params: Json | None,
) -> Call[GuestToken]:
    def read(answer: Answer) -> GuestToken:
        made = answer.members
        return GuestToken(moment(made["expiresAt"]), made["token"])

    return call("POST", "/api/v2/guest-token/create", read, body={
        "clientId": client_id, "dataAppName": data_app_name, "permissions": permissions, "expiryTime": seconds_of(expiry_time), "params": params})


# --- Dashboards -------------------------------------------------------------------------------------------------------------


def _dashboard(body: Json) -> Dashboard:
    return Dashboard(body["id"], body["slug"], body["name"], body["status"], body["revision"], body.get("published_version"), body)


def _read_dashboard(answer: Answer) -> Dashboard:
    return _dashboard(answer.members)


def dashboards(cursor: str | None) -> Call[Page[Dashboard]]:
    return page("/v1/dashboards", _dashboard, cursor)


def dashboard(dashboard_id: str) -> Call[Dashboard]:
    return call("GET", f"/v1/dashboards/{part(dashboard_id)}", _read_dashboard)


def create_dashboard(config: Json) -> Call[Dashboard]:
    return call("POST", "/v1/dashboards", _read_dashboard, body=config, repeatable=False, exact=True)


def update_dashboard(dashboard_id: str, changes: Json, revision: int | None) -> Call[Dashboard]:
    # With a revision the second attempt would meet the first one's, and be refused.
    return call("PATCH", f"/v1/dashboards/{part(dashboard_id)}", _read_dashboard, body=changes, revision=revision, repeatable=revision is None, exact=True)


def replace_dashboard(dashboard_id: str, config: Json, revision: int | None) -> Call[Dashboard]:
    return call("PUT", f"/v1/dashboards/{part(dashboard_id)}", _read_dashboard, body=config, revision=revision, repeatable=revision is None, exact=True)


def delete_dashboard(dashboard_id: str, revision: int | None) -> Call[None]:
    return call("DELETE", f"/v1/dashboards/{part(dashboard_id)}", nothing, revision=revision)


def duplicate_dashboard(dashboard_id: str) -> Call[Dashboard]:
    return call("POST", f"/v1/dashboards/{part(dashboard_id)}/duplicate", _read_dashboard, repeatable=False)


def publish_dashboard(dashboard_id: str, revision: int | None) -> Call[int]:
    def read(answer: Answer) -> int:
        found = re.search(r"/versions/(\d+)$", answer.headers.get("location", ""))
        return int(found[1]) if found else 0

    return call("POST", f"/v1/dashboards/{part(dashboard_id)}/publish", read, revision=revision, repeatable=False)


def unpublish_dashboard(dashboard_id: str) -> Call[None]:
    return call("POST", f"/v1/dashboards/{part(dashboard_id)}/unpublish", nothing)


def restore_dashboard(dashboard_id: str, version: int | None) -> Call[Dashboard]:
    return call("POST", f"/v1/dashboards/{part(dashboard_id)}/restore", _read_dashboard, body={"version": version})


def create_dashboard_from_events(name: str | None) -> Call[Dashboard]:
    return call(
        "POST", "/v1/discover/auto-create", lambda answer: _dashboard(answer.members["dashboard"]), body={"name": name}, repeatable=False)


# --- Data apps --------------------------------------------------------------------------------------------------------------


def _data_app(body: Json) -> DataApp:
    return DataApp(body["name"], body["dashboards"], body)


def _read_data_app(answer: Answer) -> DataApp:
    return _data_app(answer.members)


def data_apps(cursor: str | None) -> Call[Page[DataApp]]:
    return page("/v1/data-apps", _data_app, cursor)


def data_app(name: str) -> Call[DataApp]:
    return call("GET", f"/v1/data-apps/{part(name)}", _read_data_app)


def create_data_app(name: str, dashboards: Sequence[str]) -> Call[DataApp]:
    return call("POST", "/v1/data-apps", _read_data_app, body={"name": name, "dashboards": [*dashboards]}, repeatable=False)


def update_data_app(name: str, dashboards: Sequence[str] | None, new_name: str | None) -> Call[DataApp]:
    return call(
        "PATCH", f"/v1/data-apps/{part(name)}", _read_data_app, repeatable=new_name is None,
        body={"name": new_name, "dashboards": None if dashboards is None else [*dashboards]})


def refresh_data_app(name: str, client_id: str | None) -> Call[None]:
    return call("POST", "/api/v2/data-app/refresh-cache", nothing, body={"dataAppName": name, "clientId": client_id})


def delete_data_app(name: str) -> Call[None]:
    return call("DELETE", f"/v1/data-apps/{part(name)}", nothing)
