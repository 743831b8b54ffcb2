"""A viewer who may see little attacks every route that an embed token opens. What it may not see is marked, and searched for in every answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from embantest.attacking import COMPOSED, DECOMPOSED, FILTERS, OWN, PERMISSIONS, WIDGETS, Request, Target, at, mutations, parameter_mutations
from embantest.client import expect_error
from embantest.hostile import ESCAPES, LOOK_ALIKES, STATEMENTS, TEXTS
from embantest.local_time import read
from embantest.workspace import Organization, Session, breakdown, event, groups, kpi

Json = dict[str, Any]

STATE: Json = {
    "period": "7d", "dimensions": {"model": ["gpt-4"], "endpoint": "/chat"}, "numericRanges": {"tokens": {"min": 0, "max": 500}},
    "dateRanges": {"from": at(5), "to": at(0)},
}
OPEN_WIDGETS = [name for widget in WIDGETS if (name := widget["id"]) not in PERMISSIONS["hidden_widgets"]]
PATHS = ["/v1/embed/query", "/v1/embed/drill"]


@pytest.fixture(scope="module")
def target(module_organization: Organization, registrations: Any) -> Target:
    return Target(module_organization, registrations.take())


def post(path: str, body: Any) -> Request:
    return Request("POST", path, json.dumps(body).encode())


def with_state(state: Json, widget: str = "w_endpoints") -> list[Request]:
    """Every way in which a viewer sends a state."""
    drill = {"widget": widget, "dimension": "endpoint", "value": "/chat", "state": state}
    return [
        post("/v1/embed/query", {"state": state}), post("/v1/embed/query", {"state": state, "widgets": [widget]}), post("/v1/embed/drill", drill),
        post("/v1/embed/drill", drill | {"next_dimension": "model"}),
        post("/v1/embed/drill", {"widget": "w_time", "range": {"from": at(5), "to": at(0)}, "state": state}),
        Request("GET", "/v1/embed/export", query=json_query(format="csv", widget=widget, state=state)),
        Request("POST", "/v1/embed/query", json.dumps({"state": state}).encode(), headers={"Accept": "application/x-ndjson"}),
    ]


def json_query(**parameters: Any) -> str:
    return urlencode({name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}, errors="surrogatepass")


def test_the_trap_works(target: Target) -> None:
    """Whoever may see more sees the marks: a test that cannot fail is none."""
    free = json.dumps(target.free.results({"period": "12mo"}), ensure_ascii=False)
    for secret in ("SECRET-locked", "SECRET-old", "SECRET-hidden", "SECRET-dimension"):
        assert secret in free, secret
    assert "SECRET-tenant" not in free and "SECRET-organization" not in free
    assert "SECRET-organization" in json.dumps(target.foreign.results())
    assert target.session.value("w_calls") == OWN


def test_every_widget_and_route_shows_only_what_is_open(target: Target) -> None:
    requests = with_state({}) + with_state(STATE)
    requests += [Request("GET", "/v1/embed/dashboard")]
    requests += [Request("GET", "/v1/embed/export", query=json_query(format="csv", widget=name)) for name in OPEN_WIDGETS]
    for dimension in ("model", "endpoint", COMPOSED):
        requests += [Request("GET", "/v1/embed/filter-values", query=json_query(dimension=dimension, limit="500", period=period)) for period in ("24h", "7d")]
        requests += [Request("GET", "/v1/embed/filter-values", query=json_query(dimension=dimension, q="secret"))]
    for name in OPEN_WIDGETS:
        for following in (None, "model", "endpoint", COMPOSED):
            for value in ("/chat", "SECRET", "", "gpt-4"):
                body = {"widget": name, "dimension": "endpoint", "value": value, "limit": 1000}
                requests.append(post("/v1/embed/drill", body | ({"next_dimension": following} if following else {})))
        requests.append(post("/v1/embed/drill", {"widget": name, "range": {"from": at(300), "to": at(-1)}, "limit": 1000}))
    statuses = target.attack(requests)
    assert statuses[200] > len(requests) / 2


# --- Changed in every place -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    {"state": STATE, "widgets": ["w_calls", "w_endpoints"]},
], ids=["state"])
def test_mutated_views(target: Target, body: Json) -> None:
    assert sum(target.attack(Request("POST", "/v1/embed/query", raw) for raw in mutations(body)).values()) > 1_000


@pytest.mark.parametrize("body", [
    {"widget": "w_endpoints", "dimension": "endpoint", "value": "/chat", "next_dimension": "model", "limit": 10, "state": {"period": "7d"}},
    {"widget": "w_time", "range": {"from": at(5), "to": at(1)}, "filters": [{"dimension": "endpoint", "value": "/chat"}], "dimension": "model", "value": "gpt-4"},
], ids=["value", "range"])
def test_mutated_drills(target: Target, body: Json) -> None:
    assert sum(target.attack(Request("POST", "/v1/embed/drill", raw) for raw in mutations(body)).values()) > 500


@pytest.mark.parametrize(("path", "parameters"), [
    ("/v1/embed/filter-values", {"dimension": "endpoint", "q": "cha", "limit": "10", "period": "7d"}),
    ("/v1/embed/export", {"format": "csv", "widget": "w_endpoints", "state": json.dumps(STATE)}),
])
def test_mutated_parameters(target: Target, path: str, parameters: dict[str, str]) -> None:
    target.attack(Request("GET", path, query=query) for query in parameter_mutations(parameters, [text for text in TEXTS if len(text) < 2_000]))


def test_mutated_states_of_an_export(target: Target) -> None:
    bodies = [raw for raw in mutations(STATE) if len(raw) < 4_000]
    target.attack(
        Request("GET", "/v1/embed/export", query=json_query(format="csv", widget="w_endpoints") + "&state=" + "".join(f"%{byte:02x}" for byte in raw))
        for raw in bodies[::3])


# --- Values and names -----------------------------------------------------------------------------------------------------


def test_texts_as_values(target: Target) -> None:
    requests = []
    for text in TEXTS:
        requests += with_state({"dimensions": {"endpoint": [text]}})[1:2] + with_state({"dimensions": {"endpoint": ["/chat", text]}})[-2:-1]
        for dimension in ("endpoint", COMPOSED):
            requests.append(post("/v1/embed/drill", {"widget": "w_endpoints", "dimension": dimension, "value": text, "next_dimension": "endpoint"}))
        requests.append(post("/v1/embed/drill", {
            "widget": "w_endpoints", "dimension": "endpoint", "value": "/chat", "filters": [{"dimension": "endpoint", "value": text}]}))
    target.attack(requests)


def test_texts_as_names(target: Target) -> None:
    requests = []
    for text in TEXTS:
        requests += with_state({"dimensions": {text: ["/chat", "SECRET"]}})[:3] + with_state({"numericRanges": {text: {"min": 0}}})[1:3]
        for body in (
            {"widget": text, "dimension": "endpoint", "value": "/chat"}, {"widget": "w_endpoints", "dimension": text, "value": "SECRET"},
            {"widget": "w_endpoints", "dimension": "endpoint", "value": "/chat", "next_dimension": text},
            {"widget": "w_endpoints", "dimension": "endpoint", "value": "/chat", "filters": [{"dimension": text, "value": "SECRET"}]},
        ):
            requests.append(post("/v1/embed/drill", body))
        requests.append(post("/v1/embed/query", {"widgets": [text]}))
    statuses = target.attack(requests)
    assert statuses.get(200, 0) < len(requests) / 10, "only names that are open are answered"


def test_a_megabyte_of_anything(target: Target) -> None:
    big = 1_000_000
    texts = ["a" * big, "'" * big, "\\" * (big // 2), "🦆" * (big // 12), "\0" * (big // 6)]
    requests = [post("/v1/embed/query", {"state": {"dimensions": {"endpoint": [text]}}}) for text in texts]
    requests += [post("/v1/embed/query", {"state": {"dimensions": {text: ["x"]}}}) for text in texts]
    requests += [post("/v1/embed/query", {"widgets": [text]}) for text in texts]
    requests += [post("/v1/embed/drill", {"widget": "w_endpoints", "dimension": "endpoint", "value": text}) for text in texts]
    requests += [post("/v1/embed/drill", {"widget": "w_endpoints", "dimension": text, "value": "x"}) for text in texts]
    requests += [
        post("/v1/embed/query", {"state": {"dimensions": {"endpoint": ["x" * 2_000] * 480}}}), post("/v1/embed/query", {"widgets": ["w_calls"] * 50_000}),
        post("/v1/embed/query", {"state": {"dimensions": {f"d{n}": ["x"] for n in range(20_000)}}}),
        post("/v1/embed/drill", {"widget": "w_endpoints", "dimension": "endpoint", "value": "x", "filters": [{"dimension": "endpoint", "value": "x"}] * 10_000}),
        Request("POST", "/v1/embed/query", b" " * big), Request("POST", "/v1/embed/query", b"[" * big), Request("POST", "/v1/embed/query", b"{\"a\":" * (big // 5)),
        Request("POST", "/v1/embed/query", b"9" * big), Request("POST", "/v1/embed/query", b"\xff" * big), Request("POST", "/v1/embed/query", b"a" * 5 * big),
    ]
    statuses = target.attack(requests, workers=2)
    assert not statuses.keys() - {200, 400, 403, 404, 413, 422}, statuses


# --- Each permission ------------------------------------------------------------------------------------------------------


def test_locked_filters_are_not_widened(target: Target) -> None:
    values: list[Any] = [["claude"], "claude", ["gpt-4", "claude"], ["GPT-4"], ["gpt-4 "], ["gpt-4\u0301"], ["ｇｐｔ-4"], [""], [], None, ["gpt-4"] * 400 + ["claude"]]
    requests = []
    for value in values:
        requests += with_state({"dimensions": {"model": value}})
    for name in ("Model", "model ", "model\u200b", "MODEL", "mоdel", "model\u0301", "string_props.model", "model.:String"):
        requests += with_state({"dimensions": {name: ["SECRET-dimension", "claude"]}})
    for text in (
        '{"state": {"dimensions": {"model": ["claude"], "model": ["gpt-4"]}}}', '{"state": {"dimensions": {"model": ["gpt-4"], "\\u006dodel": ["claude"]}}}',
        '{"state": {"dimensions": {"model": ["claude"]}}, "state": {}}', '{"state": {}, "state": {"dimensions": {"model": ["claude"]}}}',
        '{"state": {"dimensions": {}, "dimensions": {"model": ["claude"]}}}',
    ):
        requests.append(Request("POST", "/v1/embed/query", text.encode()))
        expect_error(target.session.client.post("/v1/embed/query", raw=text), 400, "malformed_json")
    for value in ("claude", "GPT-4", "gpt-4 ", "ｇｐｔ-4", "gpt-4\u0301", ""):
        for body in (
            {"dimension": "model", "value": value}, {"dimension": "model", "value": value, "next_dimension": "endpoint"},
            {"dimension": "endpoint", "value": "SECRET-locked", "filters": [{"dimension": "model", "value": value}]},
            {"dimension": "endpoint", "value": "/chat", "filters": [{"dimension": "model", "value": value}], "next_dimension": "model"},
        ):
            requests.append(Request("POST", "/v1/embed/drill", json.dumps({"widget": "w_endpoints"} | body).encode(), may_show=frozenset()))
    for body in ({"widgets": ["w_calls"], "locked_filters": {}}, {"permissions": {"locked_filters": {}}}, {"state": {"locked_filters": {}}}):
        requests.append(post("/v1/embed/query", body))
    target.attack([request for request in requests if b"SECRET-locked" not in (request.raw or b"")])
    answer = target.session.client.post("/v1/embed/drill", {"widget": "w_endpoints", "dimension": "endpoint", "value": "SECRET-locked"})
    assert answer.expect(200)["rows"] == []


HIDDEN = ["w_hidden", "w_plans"]
ALMOST_HIDDEN = ["W_HIDDEN", "w_hidden ", " w_hidden", "w_hidden\0", "w_hidden\u200b", "w_hidden\u0301", "w%5Fhidden", "ｗ_hidden", "../w_hidden", "w_calls,w_hidden", "*", ""]


def test_hidden_widgets_are_refused_by_id_on_every_route(target: Target) -> None:
    requests = []
    for name in HIDDEN + ALMOST_HIDDEN:
        requests += [post("/v1/embed/query", {"widgets": ids}) for ids in ([name], ["w_calls", name], [name] * 3)]
        requests += with_state({}, name) + with_state({"period": "24h"}, name)
        for following in ("model", "endpoint", "plan"):
            requests.append(post("/v1/embed/drill", {"widget": name, "dimension": "endpoint", "value": "/chat", "next_dimension": following}))
        requests.append(post("/v1/embed/drill", {"widget": name, "range": {"from": at(3), "to": at(0)}}))
        requests += [Request("GET", "/v1/embed/export", query=json_query(format=format, widget=name)) for format in ("csv", "xlsx", "png", "pdf", "")]
    target.attack(requests)
    for name in HIDDEN:
        for path, body in (
            ("/v1/embed/query", {"widgets": [name]}), ("/v1/embed/drill", {"widget": name, "dimension": "endpoint", "value": "/chat"}),
            ("/v1/embed/drill", {"widget": name, "range": {"from": at(3), "to": at(0)}}),
        ):
            expect_error(target.session.client.post(path, body), 403, "widget_hidden")
        expect_error(target.session.export(name), 403, "widget_hidden")


def test_values_of_hidden_widgets_are_not_offered_by_filters(target: Target) -> None:
    """Filters offer what the widgets look at that this session sees."""
    assert {entry["value"] for entry in target.session.filter_values("endpoint").expect(200)["values"]} == {"/chat", "/embed"}


@pytest.mark.parametrize("name", ["plan", DECOMPOSED, "Model", "model ", "salary", "event_name", "user_id", "tenant_id"])
def test_dimensions_that_are_not_allowed(target: Target, name: str) -> None:
    """`é` in one character and in two are equal to Swift, and two properties to the store."""
    session = target.session
    requests = with_state({"dimensions": {name: ["SECRET-dimension", "open"]}}) + with_state({"numericRanges": {name: {"min": 0}}})
    requests += [Request("GET", "/v1/embed/filter-values", query=json_query(dimension=name, period="7d"))]
    for body in (
        {"dimension": name, "value": "open"}, {"dimension": "endpoint", "value": "/chat", "next_dimension": name},
        {"dimension": "endpoint", "value": "/chat", "filters": [{"dimension": name, "value": "open"}]},
        {"range": {"from": at(3), "to": at(0)}, "next_dimension": name},
    ):
        requests.append(post("/v1/embed/drill", {"widget": "w_endpoints"} | body))
    target.attack(requests)
    expect_error(session.filter_values(name), 403, "dimension_not_allowed")
    expect_error(session.query({"dimensions": {name: ["open"]}}), 403, "dimension_not_allowed")
    expect_error(session.drill("w_endpoints", name, "open"), 403, "dimension_not_allowed")
    expect_error(session.drill("w_endpoints", "endpoint", "/chat", next_dimension=name), 403, "dimension_not_allowed")
    rows = session.drill("w_endpoints", "endpoint", "/chat").expect(200)["rows"]
    assert rows and not any(name in row for row in rows)


def test_ranges_beyond_the_limit(target: Target) -> None:
    requests = []
    wide = [
        (at(400), at(0)), (at(30), at(13)), (at(8.5), at(0)), (at(12.5), at(12)), ("1970-01-02", "2099-12-30"), ("0001-01-01", "9999-12-31"),
        (at(400), at(-400)), ("2000-01-01T00:00:00+14:00", "2090-01-01T00:00:00-12:00"), (at(0), at(400)), (at(6)[:10], at(-300)[:10]), (at(20)[:10], at(0)),
        ("-000001-01-01", at(0)), (at(20).replace("Z", "+00:00"), at(0)), ("2026-W01", at(0)), (at(20) + "\0", at(0)),
    ]
    for first, end in wide:
        bounds = {"from": first, "to": end}
        requests += with_state({"dateRanges": bounds}) + with_state({"dateRanges": bounds, "period": "24h"})
        for name in ("w_time", "w_series", "w_weeks", "w_heat", "w_endpoints", "w_year", "w_pivot"):
            for more in ({}, {"next_dimension": "endpoint"}, {"state": {"period": "24h"}}, {"state": {"period": "7d"}, "next_dimension": "model"}):
                requests.append(post("/v1/embed/drill", {"widget": name, "range": bounds, "limit": 1000} | more))
    for period in ("30d", "90d", "12mo", "7D", "7d ", "14d", "1000000h", "0d", "-7d", "all"):
        requests += with_state({"period": period})
        requests.append(Request("GET", "/v1/embed/filter-values", query=json_query(dimension="endpoint", period=period)))
    for more in ({"granularity": "month"}, {"granularity": ["day"]}, {"compare": "previous_year"}, {"timezone": "Pacific/Kiritimati"}, {"limit": 1000}):
        requests += [post("/v1/embed/query", more), post("/v1/embed/query", {"state": more}), post("/v1/embed/drill", {
            "widget": "w_endpoints", "dimension": "endpoint", "value": "/chat"} | more)]
    target.attack(requests)


def test_a_longer_period_of_a_widget_is_cut_to_the_days_that_have_been(target: Target) -> None:
    """Twelve months end with the month: its last days, which are yet to come, are not what is left of them."""
    results = target.session.results()
    for name in ("w_tokens", "w_time", "w_series", "w_models", "w_pivot", "w_heat", "w_weeks", "w_year"):
        total = sum(row["value"] for row in results[name]["rows"])
        assert total == (10 * OWN if name == "w_tokens" else OWN), (name, results[name]["meta"])


def test_comparisons_do_not_look_beyond_the_limit(target: Target) -> None:
    results = target.session.results()
    for name in ("w_year", "w_time", "w_endpoints"):
        previous = results[name].get("previous")
        assert previous is None or read(previous["from"]) >= read(at(8.1)), (name, previous)
        assert not any(row.get("previous_value") for row in results[name]["rows"]), name
    for state in ({"period": "7d"}, {"period": "24h"}, {"dateRanges": {"from": at(6), "to": at(0)}}):
        for name, result in target.session.results(state).items():
            previous = result.get("previous")
            assert previous is None or read(previous["from"]) >= read(at(8.1)), (name, state, previous)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe"])
def test_buckets_that_begin_before_the_limit_hold_nothing_from_before(target: Target, zone: str) -> None:
    session = target.organization.session("acme", target.dashboard, PERMISSIONS, timezone=zone)
    for state in ({}, {"period": "7d"}):
        for name in ("w_series", "w_weeks", "w_time"):
            assert sum(row["value"] for row in session.result(name, state)["rows"]) <= OWN
        assert session.value("w_calls", state) <= OWN


def test_allowed_periods_and_drill_and_export(target: Target) -> None:
    narrow = target.restricted(allowed_periods=["24h"], max_date_range_days=0)
    requests = [request for period in ("7d", "30d", "90d", "12mo", "1h") for request in with_state({"period": period})]
    requests += with_state({"dateRanges": {"from": at(6), "to": at(0)}}) + with_state({"dateRanges": {"from": at(600), "to": at(12)}})
    requests += [post("/v1/embed/drill", {"widget": name, "range": {"from": at(600), "to": at(0)}, "limit": 1000}) for name in OPEN_WIDGETS]
    target.attack(requests, narrow.client)
    closed = target.restricted(allow_drill_down=False, allow_export=False)
    for body in ({"dimension": "endpoint", "value": "/chat"}, {"range": {"from": at(2), "to": at(0)}}, {"dimension": "endpoint", "value": "/chat", "next_dimension": "model"}):
        expect_error(closed.client.post("/v1/embed/drill", {"widget": "w_endpoints"} | body), 403, "drill_not_allowed")
    for format in ("csv", "xlsx", "png", "pdf"):
        assert closed.export("w_endpoints", format=format).status in (403, 422)
    expect_error(closed.export("w_endpoints"), 403, "export_not_allowed")


# --- Never across scopes --------------------------------------------------------------------------------------------------


def test_names_that_look_alike_are_never_answered_from_each_others_cache(organization: Organization) -> None:
    """Tenants and values that differ only in how a letter is composed, in case, or in what cannot be seen."""
    alike = ["Zo\u00eb", "Zoe\u0308", "zo\u00eb", "Zo\u00eb\u200b", "Zo\u00eb ", "ＺＯＥ", "\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m", "A\u030angstro\u0308m", "fi", "\ufb01"]
    for number, tenant in enumerate(alike):
        organization.ingest([event(tenant, string_props={"model": f"only {number}", "who": tenant}) for _ in range(number + 1)])
        organization.ingest([event("all", string_props={"model": tenant, "who": tenant}) for _ in range(number + 1)])
    widgets = [kpi("total"), breakdown("models", limit=100), breakdown("who", "who", limit=100)]
    widgets += [kpi(f"w{number}", filters=[{"dimension": "model", "op": "eq", "values": [name]}]) for number, name in enumerate(alike)]
    dashboard = organization.create_dashboard(widgets, filters=[{"id": "m", "type": "multi_select", "dimension": "model"}], publish=True)["id"]
    whole = organization.session("all", dashboard)
    for _ in range(2):
        for number, name in enumerate(alike):
            session = organization.session(name, dashboard)
            assert session.value("total") == number + 1, ascii(name)
            assert groups(session.result("models")) == {f"only {number}": number + 1}, ascii(name)
            assert [entry["value"] for entry in session.filter_values("model").expect(200)["values"]] == [f"only {number}"]
            assert whole.value("total", {"dimensions": {"model": [name]}}) == number + 1, ascii(name)
            locked = organization.session("all", dashboard, {"locked_filters": {"model": name}})
            assert locked.value("total") == number + 1 and groups(locked.result("models")) == {name: number + 1}, ascii(name)
            drilled = whole.drill("models", "model", name, next_dimension="who").expect(200)
            assert {row["who"]: row["value"] for row in drilled["rows"]} == {name: number + 1}, ascii(name)
        # All at once: widgets that share a scan keep their own conditions.
        results = whole.results()
        assert [results[f"w{number}"]["rows"][0]["value"] for number in range(len(alike))] == [number + 1 for number in range(len(alike))]
        assert groups(results["models"]) == {name: number + 1 for number, name in enumerate(alike)}


def test_sessions_of_every_permission_side_by_side(target: Target) -> None:
    """The same state asked by sessions that may see different things, in turn: none sees another one's cached answer."""
    sessions: list[tuple[Session, float]] = [
        (target.session, OWN), (target.restricted(locked_filters={"model": "gpt-4", "endpoint": "/chat"}), OWN / 2), (target.restricted(locked_filters={"model": "no"}), 0),
        (target.restricted(locked_filters={"model": ["claude"]}), 300), (target.restricted(locked_filters={}), OWN + 1_500),
        (target.organization.session("mallory", target.dashboard), 300), (target.organization.session("nobody", target.dashboard), 0),
    ]
    for state in (None, {}, {"period": "7d"}, {"numericRanges": {"tokens": {"min": 0}}}):
        for _ in range(2):
            for session, own in sessions:
                assert session.value("w_calls", state) == own
                assert session.results(state)["w_calls"]["rows"][0]["value"] == own
    theirs = target.foreign.results()["w_calls"]["rows"]
    assert [(row["endpoint"], row["value"]) for row in theirs] == [("SECRET-organization", 900)]


def test_tokens_with_ids_of_others(target: Target) -> None:
    """Ids in the body, in the address and in headers choose neither tenant nor dashboard."""
    ids = [target.foreign_dashboard, "theirs", target.dashboard, "usage", "mallory", target.other.id]
    requests = []
    for name in ids:
        for member in ("dashboard_id", "dashboard", "id", "tenant_id", "organization_id", "org_id"):
            requests.append(post("/v1/embed/query", {member: name}))
            requests.append(Request("POST", "/v1/embed/query", b"{}", query=json_query(**{member: name})))
            requests.append(Request("GET", "/v1/embed/dashboard", query=json_query(**{member: name})))
            requests.append(Request("GET", "/v1/embed/filter-values", query=json_query(**{"dimension": "endpoint", member: name})))
        for header in ("X-Tenant-Id", "X-Organization-Id", "X-Emban-Tenant", "X-Dashboard-Id", "X-Forwarded-User", "Cookie", "X-ClickHouse-Setting-SQL_emban_tenant"):
            requests.append(Request("POST", "/v1/embed/query", b"{}", headers={header: name}))
        for path in (f"/v1/dashboards/{name}", f"/v1/dashboards/{name}/versions", f"/v1/dashboards/{name}/versions/1", f"/v1/query?tenant_id={name}&metric=count"):
            requests.append(Request("GET", path))
    statuses = target.attack(requests)
    assert statuses[401] + statuses.get(403, 0) >= 4 * len(ids), "an embed token opens nothing but the viewer's routes"


def test_nothing_new_is_open_in_the_configuration(target: Target) -> None:
    shown = target.session.dashboard()
    assert [widget["id"] for widget in shown["widgets"]] == OPEN_WIDGETS
    assert {entry.get("dimension") for entry in shown["filters"]} == {None, "endpoint", COMPOSED}
    assert "plan" not in json.dumps(shown) and "secret" not in json.dumps(shown).lower()
    assert set(shown["drill"]["dimensions"]) <= {"model", "endpoint", COMPOSED} and len(FILTERS) == 7


@pytest.mark.parametrize("texts", [STATEMENTS, ESCAPES, LOOK_ALIKES], ids=["statements", "escapes", "look-alikes"])
def test_sessions_and_dashboards_of_hostile_names(target: Target, texts: list[str]) -> None:
    """Tenants, locked filters, widgets and zones with names that mean something elsewhere."""
    requests = []
    for text in texts:
        for body in (
            {"tenant_id": text}, {"dashboard_id": text}, {"permissions": {"locked_filters": {text: text}}}, {"permissions": {"hidden_widgets": [text]}}, {"timezone": text},
            {"locale": text}, {"permissions": {"allowed_dimensions": [text]}}, {"permissions": {"allowed_periods": [text]}}, {"allowed_origins": [text]},
        ):
            requests.append(post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": target.dashboard} | body))
    target.attack(requests, target.organization.admin)
    for text in texts[::4]:
        answer = target.organization.admin.post("/v1/embed-sessions", {
            "tenant_id": "acme", "dashboard_id": target.dashboard, "permissions": PERMISSIONS | {"locked_filters": {"endpoint": text}}})
        if answer.status == 201:
            session = Session(answer.json["token"], "", "", "", target.session.client.bearer(answer.json["token"]))
            assert session.value("w_calls") == 0, text
