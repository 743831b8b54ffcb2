"""Organisations, dashboards and embed sessions as tests need them: few words, real requests."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any

from embantest.client import Client, Response
from embantest.steady import eventually

PASSWORD = "correct horse battery staple 9"

#: A range that holds every event which tests send with the present or a past time.
ALWAYS = {"from": "2015-01-01T00:00:00Z", "to": "2035-01-01T00:00:00Z"}

Json = dict[str, Any]


@dataclass
class Session:
    """An embed session: what the viewer's browser holds."""

    token: str
    embed_url: str
    session_id: str
    expires_at: str
    client: Client

    def dashboard(self) -> Json:
        return self.client.get("/v1/embed/dashboard").expect(200)

    def query(self, state: Json | None = None, widgets: list[str] | None = None) -> Response:
        body: Json = {}
        if state is not None:
            body["state"] = state
        if widgets is not None:
            body["widgets"] = widgets
        return self.client.post("/v1/embed/query", body)

    def results(self, state: Json | None = None, widgets: list[str] | None = None) -> Json:
        return self.query(state, widgets).expect(200)["results"]

    def result(self, widget: str, state: Json | None = None) -> Json:
        result = self.results(state, [widget])[widget]
        assert "error" not in result, result
        return result

    def value(self, widget: str, state: Json | None = None) -> Any:
        return value_of(self.result(widget, state))

    def filter_values(self, dimension: str, **query: Any) -> Response:
        return self.client.get("/v1/embed/filter-values", query={"dimension": dimension, **query})

    def drill(self, widget: str, dimension: Any, value: Any, state: Json | None = None, **more: Any) -> Response:
        body: Json = {"widget": widget, "dimension": dimension, "value": value, **more}
        if state is not None:
            body["state"] = state
        return self.client.post("/v1/embed/drill", body)

    def export(self, widget: str | None = None, state: Json | None = None, format: str = "csv") -> Response:
        query: Json = {"format": format}
        if widget is not None:
            query["widget"] = widget
        if state is not None:
            query["state"] = json.dumps(state)
        return self.client.get("/v1/embed/export", query=query)


class Organization:
    """A freshly registered organisation with its admin key."""

    _numbers = itertools.count(1)

    def __init__(self, base: str) -> None:
        self.base = base
        self.email = f"owner-{next(self._numbers)}-{uuid.uuid4().hex[:8]}@example.com"
        answer = Client(base).post(
            "/v1/auth/register", {"email": self.email, "password": PASSWORD, "name": "Olga Owner", "organization": "Example Ltd"})
        registered = answer.expect(201)
        self.registered = registered
        self.id: str = registered["organization"]["id"]
        self.key: str = registered["api_key"]
        self.admin = Client(base).bearer(self.key)

    def login(self) -> Client:
        """A client with the console's cookie that sends our own origin, as a browser does."""
        answer = Client(self.base).post("/v1/auth/login", {"email": self.email, "password": PASSWORD})
        answer.expect(200)
        return Client(self.base, {"Cookie": f"emban_session={session_cookie(answer).value}", "Origin": self.base})

    def new_key(self, scope: str, **more: Any) -> Json:
        return self.admin.post("/v1/api-keys", {"name": f"test {scope}", "scope": scope, **more}).expect(201)

    def ingest(self, events: Iterable[Json], *, settled: bool = True) -> None:
        """Has events stored, all of which must be accepted.

        Of a busy store the spool takes over after some seconds, and tells nobody: unless the store is away on purpose, they are in it at the end.
        """
        batch = list(events)
        for start in range(0, len(batch), 1000):
            part = batch[start:start + 1000]
            assert self.admin.post("/v1/events", {"events": part}).expect(200) == {"accepted": len(part), "status": "ok"}
        if settled:
            self.settle()

    def settle(self) -> None:
        """Waits until nothing that was accepted waits in the spool."""
        eventually(lambda: pending(Client(self.base)), lambda waiting: waiting == 0, "an empty spool", 150)

    def query(self, query: Json, *, kind: str | None = None, client: Client | None = None, **more: Any) -> Response:
        body: Json = {"query": {"period": ALWAYS, **query}, **more}
        if kind is not None:
            body["kind"] = kind
        return (client or self.admin).post("/v1/query", body)

    def count(self, tenant: str | None = None, **query: Any) -> float:
        """How many events are stored, with those that a busy store has left to the spool."""
        self.settle()
        scope = {} if tenant is None else {"tenant_id": tenant}
        return value_of(self.query({"metric": "count", **query}, **scope).expect(200))

    def create_dashboard(self, widgets: list[Json] | None = None, *, publish: bool = False, **config: Any) -> Json:
        body = {"name": "Usage", "widgets": widgets if widgets is not None else [kpi("w_calls")], **config}
        dashboard = self.admin.post("/v1/dashboards", body).expect(201)
        if publish:
            self.publish(dashboard["id"])
        return dashboard

    def publish(self, dashboard_id: str) -> None:
        answer = self.admin.post(f"/v1/dashboards/{dashboard_id}/publish")
        assert answer.status == 204, str(answer)

    def session(self, tenant: str, dashboard_id: str, permissions: Json | None = None, **more: Any) -> Session:
        body: Json = {"tenant_id": tenant, "dashboard_id": dashboard_id, **more}
        if permissions is not None:
            body["permissions"] = permissions
        made = self.admin.post("/v1/embed-sessions", body).expect(201)
        return Session(
            made["token"], made["embed_url"], made["session_id"], made["expires_at"], Client(self.base).bearer(made["token"]))


def pending(client: Client) -> int:
    """Events that wait in the spool, and inserts that are to be completed, as the program tells a load balancer."""
    spool = client.get("/readyz").json.get("spool") or {}
    return int(spool.get("pending_events", 0)) + int(spool.get("broken_inserts", 0))


def session_cookie(answer: Response) -> Any:
    """The parsed emban_session cookie of an answer."""
    jar: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_all("Set-Cookie") or []:
        jar.load(line)
    assert "emban_session" in jar, answer.headers.items()
    return jar["emban_session"]


def event(tenant: str = "acme", name: str = "api.call", **more: Any) -> Json:
    return {"tenant_id": tenant, "event_name": name, **more}


_places = itertools.count()


def widget(widget_id: str, kind: str, query: Mapping[str, Any], **more: Any) -> Json:
    return {
        "id": widget_id, "title": more.pop("title", f"Title of {widget_id}"), "kind": kind,
        "position": {"x": 0, "y": next(_places) % 500, "w": 6, "h": 3},
        "query": {"event_name": "api.call", "metric": "count", "period": "30d", **query}, **more,
    }


def kpi(widget_id: str, **query: Any) -> Json:
    return widget(widget_id, "kpi", query)


def timeseries(widget_id: str, **query: Any) -> Json:
    return widget(widget_id, "timeseries", query)


def breakdown(widget_id: str, group_by: str = "model", **query: Any) -> Json:
    return widget(widget_id, "breakdown", {"group_by": group_by, **query})


def table(widget_id: str, group_by: str = "model", **query: Any) -> Json:
    return widget(widget_id, "table", {"group_by": group_by, **query})


def columns(result: Json, role: str) -> list[str]:
    return [column["name"] for column in result["columns"] if column["role"] == role]


def column(result: Json, role: str) -> str:
    names = columns(result, role)
    assert len(names) == 1, f"columns of the role {role}: {names} in {result['columns']}"
    return names[0]


def measure(result: Json) -> str:
    """The column of the metric's value. A share of the whole may stand beside it."""
    names = [name for name in columns(result, "measure") if name != "share"]
    assert len(names) == 1, result["columns"]
    return names[0]


def value_of(result: Json) -> Any:
    """The number of a kpi."""
    assert len(result["rows"]) == 1, result
    return result["rows"][0][measure(result)]


def groups(result: Json) -> dict[str, Any]:
    """Dimension value → measure of a breakdown or table."""
    dimension, value = column(result, "dimension"), measure(result)
    return {row[dimension]: row[value] for row in result["rows"]}


def embed_error(answer: Response, widget_id: str | None = None) -> tuple[int, str]:
    """Status and code of a refusal, no matter whether the request or only the widget was refused; (200, "") when it was not."""
    if answer.status != 200:
        return answer.status, answer.json["code"]
    if widget_id is not None and "results" in answer.json:
        result = answer.json["results"].get(widget_id)
        if result is not None and "error" in result:
            return 403, result["error"]["code"]
    return 200, ""
