"""The dashboards that are asked for, and the two ways to their numbers: as a viewer through emban, and as SQL straight to ClickHouse."""

from __future__ import annotations

import json
from typing import Any

from stage import Stage
from wire import Connection, Store, post

Json = dict[str, Any]

FORMAT = {"default_format": "JSONCompactEachRowWithNamesAndTypes"}


def widget(name: str, kind: str, chart: str, **query: Any) -> Json:
    return {"id": name, "title": name, "kind": kind, "chart": chart, "query": {"event_name": "api.call", **query}}


def dashboard(slug: str, period: str, widgets: list[Json]) -> Json:
    placed = [
        one | {"query": {"period": period, **one["query"]}, "position": {"x": 4 * (number % 3), "y": 3 * (number // 3), "w": 4, "h": 3}}
        for number, one in enumerate(widgets)]
    return {"name": slug, "slug": slug, "widgets": placed}


#: Six of the demo's widgets: every shape of question there is on it.
USAGE = dashboard("usage", "90d", [
    widget("calls", "kpi", "stat", metric="count", compare="previous_period"),
    widget("latency", "kpi", "stat", metric="p95", numeric_prop="latency_ms", compare="previous_period"),
    widget("trend", "timeseries", "area", metric="count", compare="previous_period"),
    widget("model_latency", "timeseries", "line", metric="p95", numeric_prop="latency_ms", group_by="model"),
    widget("endpoints", "breakdown", "bar", metric="count", group_by="endpoint", limit=8),
    widget("spend_table", "table", "table", metric="sum", numeric_prop="cost_usd", group_by="model", compare="previous_period"),
])

#: A year at a glance.
YEAR = dashboard("year", "12mo", [
    widget("calls", "kpi", "stat", metric="count"),
    widget("spend", "kpi", "stat", metric="sum", numeric_prop="cost_usd"),
    widget("people", "kpi", "stat", metric="count_unique"),
    widget("latency", "kpi", "stat", metric="p95", numeric_prop="latency_ms"),
    widget("trend", "timeseries", "area", metric="count", granularity="week"),
    widget("models", "breakdown", "bar", metric="count", group_by="model"),
])

#: Metrics that rollups may answer approximately, and by how much of the value.
APPROXIMATE = {"p50": 0.01, "p90": 0.01, "p95": 0.01, "p99": 0.01, "count_unique": 0.01, "count_unique_approx": 0.01}
#: Sums of the same numbers in another order.
EXACT = 1e-9
#: Many viewers at once ask the store for more than it answers within the 15 s that emban gives a statement.
PATIENCE = {"max_execution_time": 60}


class Statements:
    """SQL of widgets with its bound values, ready to be sent as emban's own read-only user."""

    def __init__(self, explained: Json) -> None:
        server = explained["clickhouse"]
        self.store = Store(server["url"], server["user"], server["password"])
        self.explained = explained
        self.widgets: dict[str, list[bytes]] = {
            name: [self.request(statement, explained["settings"]) for statement in statements]
            for name, statements in explained["widgets"].items()}

    def request(self, statement: Json, settings: Json) -> bytes:
        values = {f"param_{name}": value for name, value in statement["parameters"].items()}
        return self.store.request(statement["sql"], settings | FORMAT | PATIENCE | values)

    def ask(self, name: str) -> tuple[list[Json], float]:
        """Rows of a widget's statements, and the milliseconds of all of them one after the other."""
        rows: list[Json] = []
        total = 0.0
        for request in self.widgets[name]:
            body, took = self.store.connection.ask(request)
            total += took
            names, _, *lines = (json.loads(line) for line in body.splitlines())
            rows += [dict(zip(names, line, strict=True)) for line in lines]
        return rows, total

    def time(self, name: str) -> float:
        return sum(self.store.connection.ask(request)[1] for request in self.widgets[name])

    @property
    def all(self) -> list[bytes]:
        return [request for requests in self.widgets.values() for request in requests]


class View:
    """A viewer of one variant of emban: asks for single widgets or for the whole dashboard."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self.connection = Connection(url)

    def request(self, widgets: list[str] | None = None) -> bytes:
        body = {} if widgets is None else {"widgets": widgets}
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        return post(self.url, "/v1/embed/query", headers, json.dumps(body).encode())

    def ask(self, widgets: list[str] | None = None) -> Json:
        results: Json = json.loads(self.connection.ask(self.request(widgets))[0])["results"]
        for name, result in results.items():
            if "error" in result:
                raise RuntimeError(f"{name}: {result['error']}")
        return results

    def time(self, request: bytes) -> float:
        return self.connection.ask(request)[1]


class Disagreement(AssertionError):
    """Two ways to the same question came to different numbers."""


def values(rows: list[Json]) -> list[float]:
    """The numbers of an answer, of either way, in order of size: of the span itself, without the empty places that zero-filling adds."""
    found: list[float] = []
    for row in rows:
        if row.get("is_current", 1) in (1, True):
            found.append(row.get("value") or 0)
    return sorted(float(value) for value in found if value)


def deviation(ours: list[Json], raw: list[Json], name: str) -> float:
    """The largest difference between the numbers of two answers, as a share."""
    left, right = values(ours), values(raw)
    if not left or len(left) != len(right):
        raise Disagreement(f"{name}: {len(left)} numbers against {len(right)}: {left[:5]} … {right[:5]} …")
    return max(abs(one - other) / max(abs(one), abs(other)) for one, other in zip(left, right, strict=True))


class Questions:
    """One tenant's dashboard by every variant of emban, and straight."""

    def __init__(self, stage: Stage, tenant: str, slug: str, token: str) -> None:
        self.tenant, self.slug = tenant, slug
        self.metrics = {one["id"]: one["query"]["metric"] for one in stage.dashboards[slug]["widgets"]}
        self.names = list(self.metrics)
        self.views = {variant: View(emban.url, token) for variant, emban in stage.variants.items()}
        #: Over the events as every widget asks, and the statements that the variant with rollups sends, widget by widget.
        self.raw = {"events": Statements(stage.explain(tenant, slug, raw=True)), "rollups": Statements(stage.explain(tenant, slug, raw=False))}

    def check(self) -> dict[str, float]:
        """Asks everything once, and compares: how far each widget's rollup is from the events.

        - Raises: ``Disagreement`` when a number differs by more than its metric may.
        """
        far: dict[str, float] = {}
        straight = {name: self.raw["events"].ask(name)[0] for name in self.names}
        for variant, view in self.views.items():
            whole = view.ask()
            for name in self.names:
                for result in (whole[name], view.ask([name])[name]):
                    off = deviation(result["rows"], straight[name], f"{self.tenant} {variant} {name}")
                    if off > (EXACT if variant == "events" else APPROXIMATE.get(self.metrics[name], EXACT)):
                        raise Disagreement(f"{self.tenant}, {variant}, {name}: off by {off:.3%} from the events")
                    far[name] = max(far.get(name, 0), off)
        for name in self.names:
            deviation(self.views["rollups"].ask([name])[name]["rows"], self.raw["rollups"].ask(name)[0], f"{self.tenant} {name}, its SQL")
        return far
