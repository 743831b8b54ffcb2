"""The stage of the browser tests: a dashboard of every kind, believable calls, and watched pages of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from embantest.browser import HostPage, Watch, open_context
from embantest.oracle import iso
from embantest.process import EmbanProcess
from embantest.workspace import Organization, Session, event

NOW = datetime.now(timezone.utc)
MODELS = ["gpt-4", "gpt-4o", "claude"]
EVIL = '<img src=x onerror="window.hacked=1">'

WIDGETS: list[dict[str, Any]] = [
    {"id": "w_calls", "title": "API calls", "kind": "kpi", "chart": "stat", "position": {"x": 0, "y": 0, "w": 4, "h": 2},
     "query": {"event_name": "api.call", "metric": "count", "period": "30d", "compare": "previous_period"}},
    {"id": "w_tokens", "title": "Tokens", "kind": "kpi", "chart": "progress", "position": {"x": 4, "y": 0, "w": 4, "h": 2},
     "query": {"event_name": "api.call", "metric": "sum", "numeric_prop": "tokens", "period": "30d"}, "options": {"target": 2_000_000}},
    {"id": "w_latency", "title": "Latency, 95th percentile", "kind": "kpi", "chart": "stat", "position": {"x": 8, "y": 0, "w": 4, "h": 2},
     "query": {"event_name": "api.call", "metric": "p95", "numeric_prop": "latency_ms", "period": "30d"},
     "format": {"style": "duration", "unit": "ms", "decimals": 0}},
    {"id": "w_time", "title": "Calls over time", "kind": "timeseries", "chart": "area", "position": {"x": 0, "y": 2, "w": 8, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "period": "30d", "compare": "previous_period"}},
    {"id": "w_models", "title": "Calls by model", "kind": "breakdown", "chart": "bar", "position": {"x": 8, "y": 2, "w": 4, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "group_by": "model", "period": "30d"}},
    {"id": "w_by_model", "title": "Tokens by model over time", "kind": "timeseries", "chart": "line",
     "position": {"x": 0, "y": 6, "w": 6, "h": 4},
     "query": {"event_name": "api.call", "metric": "sum", "numeric_prop": "tokens", "group_by": "model", "period": "30d"}},
    {"id": "w_daily", "title": "Errors", "kind": "timeseries", "chart": "bar", "position": {"x": 6, "y": 6, "w": 6, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "period": "30d",
               "filters": [{"dimension": "status", "op": "neq", "values": ["success"]}]}},
    {"id": "w_list", "title": "Top endpoints", "kind": "breakdown", "chart": "list", "position": {"x": 0, "y": 10, "w": 5, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "group_by": "endpoint", "period": "30d"}},
    {"id": "w_table", "title": "Endpoints", "kind": "table", "chart": "table", "position": {"x": 5, "y": 10, "w": 7, "h": 4},
     "query": {"event_name": "api.call", "metric": "count", "group_by": "endpoint", "period": "30d", "compare": "previous_period"}},
]

FILTERS: list[dict[str, Any]] = [
    {"id": "f_period", "type": "period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]},
    {"id": "f_model", "type": "multi_select", "dimension": "model", "label": "Model"},
    {"id": "f_endpoint", "type": "select", "dimension": "endpoint", "label": "Endpoint"},
    {"id": "f_latency", "type": "numeric_range", "property": "latency_ms", "label": "Latency"},
    {"id": "f_dates", "type": "date_range", "label": "Dates"},
]


def calls(tenant: str, number: int) -> list[dict[str, Any]]:
    """Believable calls of the last 120 days, with a weekly rhythm; the same on every run but for the present moment."""
    events = []
    for index in range(number):
        age = 120 * (index * 0.6180339887 % 1) ** 1.2
        when = NOW - timedelta(days=age)
        model = MODELS[int(index * 0.7548776662 % 1 * 6) // 2 if when.weekday() < 5 else index % 3]
        events.append(event(
            tenant, timestamp=iso(when), user_id=f"user-{index % 83}",
            string_props={"model": model, "endpoint": f"/v1/{['chat', 'embed', 'image', 'audio', 'batch', 'files'][index * index % 6]}",
                          "status": "error" if index % 17 == 0 else "success"},
            numeric_props={"tokens": 100 + index * 37 % 1900, "latency_ms": round(80 + 220 * abs(math.sin(index)) ** 3, 2)}))
    return events


@dataclass
class Stage:
    """The organisation, its dashboard, and how to come to a page of it."""

    emban: EmbanProcess
    organization: Organization
    dashboard: str
    browser: Browser
    watched: list[tuple[Watch, BrowserContext]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.emban.port}"

    def session(self, tenant: str = "acme", permissions: dict[str, Any] | None = None, **more: Any) -> Session:
        return self.organization.session(tenant, self.dashboard, permissions, **more)

    def page(self, *, host: HostPage | None = None, **options: Any) -> tuple[Page, Watch]:
        context = open_context(self.browser, **options)
        page = context.new_page()
        watch = Watch({self.origin, self.emban.url} | ({host.url} if host else set()))
        watch.follow(page)
        self.watched.append((watch, context))
        return page, watch
