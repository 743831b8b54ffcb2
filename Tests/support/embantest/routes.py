"""The routes of the program by the credential that they take."""

from __future__ import annotations

from typing import Any

from embantest.workspace import event

#: Every route that needs a key or a cookie, with a body that would pass.
ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/events", {"events": [event()]}),
    ("GET", "/v1/api-keys", None),
    ("POST", "/v1/api-keys", {"name": "x", "scope": "ingest"}),
    ("DELETE", "/v1/api-keys/{key}", None),
    ("GET", "/v1/discover", None),
    ("POST", "/v1/discover/auto-create", None),
    ("GET", "/v1/members", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/usage", None),
    ("GET", "/v1/organization", None),
    ("PATCH", "/v1/organization", {"retention_days": None}),
    ("DELETE", "/v1/tenants/nobody/data", None),
    ("GET", "/v1/dashboards", None),
    ("POST", "/v1/dashboards", {"name": "x"}),
    ("GET", "/v1/dashboards/{dashboard}", None),
    ("PUT", "/v1/dashboards/{dashboard}", {"name": "x"}),
    ("PATCH", "/v1/dashboards/{dashboard}", {"name": "x"}),
    ("POST", "/v1/dashboards/{dashboard}/publish", None),
    ("POST", "/v1/dashboards/{dashboard}/selftest", None),
    ("POST", "/v1/dashboards/{dashboard}/unpublish", None),
    ("POST", "/v1/dashboards/{dashboard}/restore", None),
    ("POST", "/v1/dashboards/{dashboard}/duplicate", None),
    ("GET", "/v1/dashboards/{dashboard}/versions", None),
    ("GET", "/v1/dashboards/{dashboard}/versions/1", None),
    ("GET", "/v1/query?metric=count&period=7d", None),
    ("POST", "/v1/query", {"query": {"metric": "count", "period": "7d"}}),
    ("GET", "/v1/embed-sessions", None),
    ("POST", "/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": "{dashboard}"}),
    ("DELETE", "/v1/embed-sessions/{session}", None),
    ("DELETE", "/v1/embed-sessions?tenant_id=acme", None),
    ("GET", "/v1/data-apps", None),
    ("POST", "/v1/data-apps", {"name": "x", "dashboards": ["{dashboard}"]}),
    ("GET", "/v1/data-apps/x", None),
    ("PATCH", "/v1/data-apps/x", {"name": "y"}),
    ("DELETE", "/v1/data-apps/x", None),
    ("DELETE", "/v1/dashboards/{dashboard}", None),
]

#: Every route that takes an embed token and nothing else.
VIEWER_ROUTES: list[tuple[str, str, Any]] = [
    ("GET", "/v1/embed/dashboard", None),
    ("GET", "/v1/embed/view", None),
    ("POST", "/v1/embed/query", {}),
    ("GET", "/v1/embed/filter-values?dimension=model", None),
    ("GET", "/v1/embed/live", None),
    ("POST", "/v1/embed/drill", {"widget": "w_calls", "dimension": "model", "value": "gpt-4"}),
    ("GET", "/v1/embed/export?format=csv&widget=w_calls", None),
    ("GET", "/v1/embed/layout", None),
    ("PUT", "/v1/embed/layout", {"positions": {}}),
    ("DELETE", "/v1/embed/layout", None),
    ("GET", "/v1/embed/vocabulary", None),
    ("GET", "/v1/embed/own-widgets", None),
    ("POST", "/v1/embed/own-widgets", {"kind": "kpi", "query": {"event_name": "api.call", "metric": "count"}}),
    ("DELETE", "/v1/embed/own-widgets/w_own_x", None),
]
