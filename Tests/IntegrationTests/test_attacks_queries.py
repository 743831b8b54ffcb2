"""Keys of an organisation attack what the server makes of names, values, ids and bodies; nothing of the other organisation may appear."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from embantest.attacking import WRONG, Request, Target, at, mutations, parameter_mutations
from embantest.client import Client, expect_error
from embantest.hostile import TEXTS
from embantest.workspace import Organization, breakdown, event, groups, kpi, timeseries, widget

Json = dict[str, Any]

#: What the key's own organisation may see: everything but the other one's.
OURS = frozenset({"dimension", "locked", "old", "hidden", "tenant"})
#: With the tenant pinned, its neighbours' events are out of sight.
ACME = frozenset({"dimension", "locked", "old", "hidden"})

QUESTION: Json = {
    "event_name": "api.call", "metric": "p95", "numeric_prop": "tokens", "group_by": "endpoint", "period": {"from": at(20), "to": at(0)},
    "granularity": "day", "compare": "previous_period", "limit": 5, "order": "asc",
    "filters": [{"dimension": "model", "op": "in", "values": ["gpt-4", "claude"]}, {"property": "tokens", "op": "between", "values": [0, 100]}],
}


@pytest.fixture(scope="module")
def target(module_organization: Organization, registrations: Any) -> Target:
    return Target(module_organization, registrations.take())


def ask(body: Any, may_show: frozenset[str] = ACME) -> Request:
    return Request("POST", "/v1/query", json.dumps(body).encode(), may_show=may_show)


def still_pinned(raw: bytes) -> bool:
    """Whether a changed body asks for `acme` still."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and body.get("tenant_id") == "acme"


def test_mutated_questions(target: Target) -> None:
    body = {"tenant_id": "acme", "kind": "timeseries", "timezone": "Europe/Berlin", "query": QUESTION, "filters": [{"dimension": "endpoint", "op": "eq", "values": ["/chat"]}]}
    requests = [
        Request("POST", "/v1/query", raw, may_show=ACME if still_pinned(raw) else OURS) for raw in mutations(body, WRONG[::2])]
    assert sum(target.attack(requests, target.organization.admin).values()) > 1_000


@pytest.mark.parametrize(("kind", "query"), [
    ("table", {"metric": "count", "group_by": "model", "group_by_2": "endpoint"}),
    ("breakdown", {"metric": "count", "group_by": "model", "second_metric": "max", "second_numeric_prop": "tokens", "other": True, "limit": 2}),
    ("heatmap", {"metric": "count_unique", "unique_prop": "endpoint"}),
], ids=["pivot", "two metrics", "heatmap"])
def test_mutated_questions_of_other_kinds(target: Target, kind: str, query: Json) -> None:
    body = {"tenant_id": "acme", "kind": kind, "query": query}
    requests = [Request("POST", "/v1/query", raw, may_show=ACME if still_pinned(raw) else OURS) for raw in mutations(body, WRONG[::3])]
    target.attack(requests[::2], target.organization.admin)


def test_mutated_parameters(target: Target) -> None:
    parameters = {
        "tenant_id": "acme", "event_name": "api.call", "metric": "sum", "numeric_prop": "tokens", "group_by": "model", "period": "30d", "timezone": "UTC",
        "filters": json.dumps(QUESTION["filters"]), "limit": "5", "compare": "previous_year"}
    texts = [text for text in TEXTS if len(text) < 1_000][::3]
    target.attack([
        Request("GET", "/v1/query", query=query, may_show=OURS) for query in parameter_mutations(parameters, texts)], target.organization.admin)


def test_texts_in_every_place_of_a_question(target: Target) -> None:
    requests = []
    for number, text in enumerate(TEXTS):
        bodies: list[Json] = [
            {"query": {"metric": "count", "group_by": text}}, {"query": {"metric": "sum", "numeric_prop": text}}, {"query": {"metric": "count_unique", "unique_prop": text}},
            {"query": {"metric": "count", "group_by": text, "granularity": "month"}, "kind": "timeseries"},
            {"query": {"metric": "count", "group_by": "model", "group_by_2": text}},
            {"query": {"metric": "count", "group_by": text, "second_metric": "p50", "second_numeric_prop": text}, "kind": "table"},
            {"query": {"metric": "p99", "numeric_prop": text, "group_by": text, "compare": "previous_period", "other": True, "limit": 1}, "kind": "breakdown"},
            {"query": {"metric": "count", "event_name": text}}, {"query": {"metric": text}}, {"query": {"metric": "count", "granularity": text}},
            {"query": {"metric": "count", "filters": [{"dimension": text, "op": "neq", "values": [text]}]}},
            {"query": {"metric": "count", "filters": [{"dimension": "model", "op": "contains", "values": [text]}]}},
            {"query": {"metric": "count", "filters": [{"property": text, "op": "gte", "values": [0]}]}},
            {"query": {"metric": "count", "filters": [{"dimension": "model", "op": text, "values": ["x"]}]}},
            {"query": {"metric": "count", "period": {"from": text, "to": text}}}, {"query": {"metric": "count"}, "timezone": text}, {"query": {"metric": "count"}, "kind": text},
        ]
        # Every text in some places, every place with some texts.
        requests += [ask({"tenant_id": "acme"} | body) for body in bodies[number % 3::3]]
        requests.append(ask({"tenant_id": text, "query": {"metric": "count", "group_by": "endpoint", "period": "12mo"}}, OURS))
    target.attack(requests, target.organization.admin)


@pytest.mark.parametrize("zone", [
    "SystemV/PST8PDT", "US/Pacific-New", "posix/Europe/Berlin", "right/UTC", "localtime", "posixrules", "Factory", "Etc/UTC", "GMT0", "EST", "+02:00", "UTC+1", "Europe/berlin",
    "europe/Berlin", "Europe/Berlin ", "Europe//Berlin", "/etc/localtime", "../UTC", "Europe/../Europe/Berlin", "Europe/Berlin\0", "UTC') OR (1=1", "{p0:String}", "", "Mars/Olympus",
    "America/Argentina/Buenos_Aires", "Antarctica/Troll", "Africa/El_Aaiun", "Asia/Pyongyang", "Pacific/Kwajalein",
])
def test_zones(target: Target, zone: str) -> None:
    for granularity in ("hour", "day", "week", "month"):
        target.attack([ask({"tenant_id": "acme", "timezone": zone, "kind": "timeseries", "query": {"metric": "count", "period": "30d", "granularity": granularity}})],
                      target.organization.admin)


def test_numbers_at_the_end_of_numbers(target: Target) -> None:
    """Sums that overflow, the largest and smallest numbers, and conditions with them."""
    organization, tenant = target.organization, "numbers"
    numbers = [1.7976931348623157e308, 1.7976931348623157e308, -1.7976931348623157e308, 5e-324, -0.0, 9_007_199_254_740_993, -(2**63), 2**64, 1e-320, 0.1]
    organization.ingest([event(tenant, numeric_props={"n": number}, string_props={"model": str(index)}) for index, number in enumerate(numbers)])
    requests = []
    for metric in ("sum", "avg", "min", "max", "p50", "p90", "p95", "p99"):
        for kind, more in (("kpi", {}), ("kpi", {"compare": "previous_year"}), ("breakdown", {"group_by": "model"}), ("timeseries", {}), ("heatmap", {}),
                           ("table", {"group_by": "model", "limit": 2, "other": True})):
            requests.append(ask({"tenant_id": tenant, "kind": kind, "query": {"metric": metric, "numeric_prop": "n", "period": "24h"} | more}))
        for bound in (1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 1e-400, 2**63, 10**30):
            requests.append(ask({"tenant_id": tenant, "query": {
                "metric": metric, "numeric_prop": "n", "period": "24h", "filters": [{"property": "n", "op": "lte", "values": [bound]}]}}))
    target.attack(requests, organization.admin)
    for bound, count in ((1.7976931348623157e308, 10), (0, 3), (-1.7976931348623157e308, 1), (0.1, 6)):
        query = {"metric": "count", "period": "24h", "filters": [{"property": "n", "op": "lte", "values": [bound]}]}
        assert organization.count(tenant, **query) == count, bound


def test_limits_of_a_question(target: Target) -> None:
    many = [{"dimension": "model", "op": "neq", "values": [str(n)]} for n in range(21)]
    values = [str(n) for n in range(501)]
    for query, code in (
        ({"filters": many}, 422), ({"filters": many[:20]}, 200), ({"filters": [{"dimension": "model", "op": "in", "values": values}]}, 422),
        ({"filters": [{"dimension": "model", "op": "in", "values": values[:500]}]}, 200), ({"filters": [{"dimension": "model", "op": "in", "values": []}]}, 422),
        ({"group_by": "model", "limit": 0}, 422), ({"group_by": "model", "limit": 1001}, 422), ({"group_by": "model", "limit": -1}, 422), ({"group_by": "model", "limit": 1.5}, 422),
        ({"filters": [{"dimension": "model", "op": "in", "values": ["x" * 4_096] * 200}]}, 200), ({"group_by": "x" * 128}, 200), ({"group_by": "x" * 129}, 422),
    ):
        answer = target.organization.admin.post("/v1/query", {"tenant_id": "acme", "query": {"metric": "count"} | query})
        assert answer.status == code, (str(query)[:200], str(answer))


def test_properties_of_hostile_names_and_values_come_back_as_they_were(target: Target) -> None:
    """Every text that may be stored is found again by name and by value, and by no other."""
    organization, tenant = target.organization, "hostile"
    texts = list(dict.fromkeys(TEXTS))
    sent = [event(tenant, string_props={text: text, "all": text}, numeric_props={text: 7}, user_id="u") for text in texts]
    answer = organization.admin.post("/v1/events", {"events": sent}).expect(200)
    refused = {error["index"]: error["code"] for error in answer["errors"]}
    assert set(refused.values()) <= {"property_name_characters", "property_name_length", "property_value_characters", "property_value_length"}
    stored = [text for index, text in enumerate(texts) if index not in refused]
    assert len(stored) > 120
    found = groups(organization.query({"metric": "count", "group_by": "all", "limit": 1000}, kind="table", tenant_id=tenant).expect(200))
    assert found == {text: 1 for text in stored}

    def check(text: str) -> None:
        grouped = organization.query({"metric": "count", "group_by": text, "limit": 5}, kind="table", tenant_id=tenant).expect(200)
        named = {row[next(column["name"] for column in grouped["columns"] if column["role"] == "dimension")]: row["value"] for row in grouped["rows"]}
        assert named == {"": len(stored) - 1, text: 1}, ascii(text)
        query = {"metric": "sum", "numeric_prop": text, "filters": [{"dimension": "all", "op": "eq", "values": [text]}, {"property": text, "op": "gte", "values": [7]}]}
        assert organization.query(query, tenant_id=tenant).expect(200)["rows"][0]["value"] == 7, ascii(text)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, stored))


def test_dashboards_of_hostile_queries(target: Target) -> None:
    """What may be saved may be shown: by its own tenant's events, and without a word of the inside."""
    organization = target.organization
    names = [text for text in TEXTS if 0 < len(text.encode()) <= 100]
    probe = organization.admin.post("/v1/dashboards", {"name": "probe"}).expect(201)["id"]
    for start in range(0, len(names), 48):
        widgets = []
        for number, text in enumerate(names[start:start + 48]):
            for kind, query in (
                ("kpi", {"metric": "count", "filters": [{"dimension": text, "op": "eq", "values": [text]}]}), ("table", {"metric": "count", "group_by": text, "limit": 3}),
            ):
                candidate = widget(f"{kind}{number}", kind, query, title=text)
                answer = organization.admin.patch(f"/v1/dashboards/{probe}", {"widgets": [candidate]})
                if answer.status == 200:
                    widgets.append(candidate)
                else:
                    expect_error(answer, 422, sent=json.dumps(text, ensure_ascii=False) + text)
        made = organization.admin.post("/v1/dashboards", {"name": "hostile", "widgets": widgets}).expect(201)
        organization.publish(made["id"])
        session = organization.session("acme", made["id"])
        own = json.dumps(widgets, ensure_ascii=False) + " ".join(names)
        target.attack([
            Request("POST", "/v1/embed/query", b"{}", may_show=ACME, sent_before=own), Request("GET", "/v1/embed/dashboard", may_show=OURS, sent_before=own),
            *(Request("GET", "/v1/embed/export", query=urlencode({"format": "csv", "widget": one["id"]}), may_show=ACME, sent_before=own)
              for one in widgets[::9])], session.client)
        results = session.results()
        assert not [result for result in results.values() if "error" in result]


BODIES: dict[str, tuple[str, str, Json]] = {
    "dashboard": ("POST", "/v1/dashboards", {
        "name": "Usage", "slug": "s", "description": "d", "timezone": "UTC", "layout": {"columns": 12, "row_height": 80}, "theme": {"primaryColor": "#fff", "palette": ["#000"]},
        "filters": [{"id": "f", "type": "select", "dimension": "model", "label": "M"}],
        "widgets": [{"id": "w", "title": "t", "kind": "kpi", "chart": "stat", "position": {"x": 0, "y": 0, "w": 3, "h": 2}, "query": {"metric": "count", "period": "30d"},
                     "format": {"style": "number", "decimals": 0}, "options": {"target": 1}}]}),
    "session": ("POST", "/v1/embed-sessions", {
        "tenant_id": "acme", "dashboard_id": "usage", "expires_in": 60, "timezone": "UTC", "locale": "de", "allowed_origins": ["https://example.com"], "context": {"a": "b"},
        "permissions": {"locked_filters": {"model": ["gpt-4"]}, "hidden_widgets": ["w"], "allowed_periods": ["7d"], "allowed_dimensions": ["model"], "allow_drill_down": True,
                        "max_date_range_days": 7, "allow_export": False}}),
    "events": ("POST", "/v1/events", {"events": [{
        "tenant_id": "mutant", "event_name": "e", "timestamp": "2026-01-01T00:00:00Z", "event_id": "i", "user_id": "u", "string_props": {"a": "b"}, "numeric_props": {"n": 1}}]}),
    "refresh": ("POST", "/v1/cache/refresh", {"tenant_id": "acme", "dashboard_id": "usage"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_mutated_bodies_of_other_routes(target: Target, name: str) -> None:
    method, path, body = BODIES[name]
    requests = [Request(method, path, raw, may_show=OURS) for raw in mutations(body, WRONG[::4])]
    target.attack(requests[::3], target.organization.admin)


def test_mutated_refreshes_of_the_other_form(target: Target) -> None:
    """`/api/v2` answers errors in a form of its own."""
    client = target.organization.admin
    for raw in list(mutations({"dataAppName": "usage", "clientId": "acme"}, WRONG[::2])):
        answer = client.post("/api/v2/data-app/refresh-cache", raw=raw)
        assert answer.status in (200, 400, 404, 413, 415, 422), str(answer)
        if answer.status != 200:
            assert set(answer.json["error"]) == {"message", "code"}, str(answer)
            assert answer.json["error"]["code"] in ("INVALID_REQUEST_BODY", "DATA_APP_NOT_FOUND"), str(answer)
    target.still_right()


def test_ids_of_others_in_every_address(target: Target) -> None:
    """Dashboards, sessions, keys and versions of one organisation with the key of the other: as if there were none."""
    theirs = target.other
    their_session = theirs.admin.get("/v1/embed-sessions").expect(200)["data"][0]["session_id"]
    their_key = theirs.admin.get("/v1/api-keys").expect(200)["data"][0]["id"]
    admin = target.organization.admin
    for name in (target.foreign_dashboard, "theirs"):
        for method, path, body in (
            ("GET", "", None), ("PUT", "", {"name": "x"}), ("PATCH", "", {"name": "x"}), ("DELETE", "", None), ("POST", "/publish", None), ("POST", "/unpublish", None),
            ("POST", "/restore", None), ("POST", "/duplicate", None), ("GET", "/versions", None), ("GET", "/versions/1", None),
        ):
            expect_error(admin.request(method, f"/v1/dashboards/{name}{path}", body=body), 404, "dashboard_not_found")
        expect_error(admin.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": name}), 404, "dashboard_not_found")
    expect_error(admin.delete(f"/v1/embed-sessions/{their_session}"), 404, "embed_session_not_found")
    expect_error(admin.delete(f"/v1/api-keys/{their_key}"), 404, "api_key_not_found")
    assert target.foreign.results()["w_calls"]["rows"], "nothing of theirs was touched"
    for dashboard in (target.foreign_dashboard, "theirs"):
        assert admin.post("/v1/cache/refresh", {"dashboard_id": dashboard}).status == 404


def test_texts_as_ids(target: Target) -> None:
    requests = []
    for text in TEXTS:
        if len(text) > 1_000:
            continue
        part = quote(text, safe="", errors="replace")
        requests += [
            Request("GET", f"/v1/dashboards/{part}", may_show=OURS), Request("GET", f"/v1/dashboards/usage/versions/{part}", may_show=OURS),
            Request("DELETE", f"/v1/embed-sessions/{part}", may_show=OURS), Request("DELETE", f"/v1/api-keys/{part}", may_show=OURS),
            Request("GET", "/v1/discover", query=urlencode({"tenant_id": text}), may_show=OURS), Request("GET", "/v1/tenants", query=urlencode({"cursor": text}), may_show=OURS),
            Request("GET", "/v1/discover", query=urlencode({"environment": text}), may_show=OURS),
        ]
    target.attack(requests, target.organization.admin)


def test_ingest_keys_and_strangers_read_nothing(target: Target) -> None:
    ingest = Client(target.organization.base).bearer(target.organization.new_key("ingest")["key"])
    for client in (ingest, Client(target.organization.base), Client(target.organization.base).bearer("eb_adm_" + "0" * 34), target.foreign.client):
        for request in (ask({"query": {"metric": "count"}}), Request("GET", "/v1/discover"), Request("GET", "/v1/tenants"), Request("GET", "/v1/dashboards"),
                        Request("POST", "/v1/cache/refresh", b"{}")):
            assert request.send(client).status in (401, 403), str(request)


def test_one_questions_filters_are_never_anothers(target: Target) -> None:
    """Widgets of one dashboard that differ in one place each, asked at once: a shared scan must not mix them up."""
    organization = target.organization
    queries: list[Json] = [
        {}, {"event_name": "secret.event"}, {"filters": [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}]},
        {"filters": [{"dimension": "model", "op": "neq", "values": ["gpt-4"]}]}, {"filters": [{"dimension": "endpoint", "op": "eq", "values": ["gpt-4"]}]},
        {"filters": [{"dimension": "model", "op": "contains", "values": ["gpt-4"]}]}, {"filters": [{"dimension": "model", "op": "in", "values": ["gpt-4", "claude"]}]},
        {"filters": [{"property": "tokens", "op": "gte", "values": [10]}]}, {"filters": [{"property": "tokens", "op": "lte", "values": [10]}]},
        {"filters": [{"property": "tokens", "op": "between", "values": [10, 10.5]}]}, {"filters": [{"property": "salary", "op": "gte", "values": [10]}]},
        {"metric": "sum", "numeric_prop": "tokens"}, {"metric": "max", "numeric_prop": "tokens"}, {"metric": "max", "numeric_prop": "salary"},
        {"metric": "count_unique", "unique_prop": "endpoint"}, {"metric": "count_unique", "unique_prop": "model"}, {"metric": "count_unique"},
    ]
    widgets = []
    for number, query in enumerate(queries):
        for period in ("7d", "30d"):
            widgets += [
                kpi(f"k{number}-{period}", period=period, **query), breakdown(f"b{number}-{period}", "endpoint", period=period, limit=1000, **query),
                timeseries(f"t{number}-{period}", period=period, **query)]
    dashboard = organization.create_dashboard(widgets[:100], publish=True)["id"]
    session = organization.session("acme", dashboard)
    whole = session.results()
    def check(one: Json) -> None:
        alone = session.results(None, [one["id"]])[one["id"]]
        direct = organization.query(one["query"], kind=one["kind"], tenant_id="acme").expect(200)
        assert whole[one["id"]]["rows"] == alone["rows"] == direct["rows"], one

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, widgets[:100]))
