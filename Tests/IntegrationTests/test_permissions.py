"""Each permission of an embed session, attacked with hand-made requests on every route."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from embantest.client import Client, Response, error_body, expect_error, internals_in
from embantest.oracle import iso, moment
from embantest.workspace import Organization, Session, breakdown, column, embed_error, event, groups, kpi, table, timeseries

Json = dict[str, Any]

NOW = datetime.now(timezone.utc)
#: Ages in days of the events of each (tenant, model, endpoint).
AGES = [0.01, 0.4, 3, 5, 20, 25, 60, 80, 200]
#: Rows of this tenant must never show up: its name and its models are found nowhere else.
FOREIGN = "foreigner"
FOREIGN_MARKS = ("foreign-model", "foreign-endpoint", FOREIGN)
WIDGETS = ["w_calls", "w_tokens", "w_time", "w_models", "w_endpoints", "w_costs"]


class World:
    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.events = [
            event("acme", timestamp=iso(NOW - timedelta(days=age)), user_id=f"user-{model}",
                  string_props={"model": model, "endpoint": endpoint}, numeric_props={"tokens": 10, "latency_ms": 100 + age})
            for age in AGES for model in ("gpt-4", "gpt-4o", "claude") for endpoint in ("/chat", "/embed")]
        organization.ingest(self.events)
        organization.ingest(
            event(FOREIGN, timestamp=iso(NOW - timedelta(days=age)), user_id=FOREIGN,
                  string_props={"model": model, "endpoint": "foreign-endpoint"}, numeric_props={"tokens": 1_000_003})
            for age in AGES for model in ("gpt-4", "foreign-model"))
        self.dashboard = organization.create_dashboard(
            [kpi("w_calls"), kpi("w_tokens", metric="sum", numeric_prop="tokens"), timeseries("w_time", granularity="day"),
             breakdown("w_models", "model"), table("w_endpoints", "endpoint"), kpi("w_costs", metric="max", numeric_prop="tokens")],
            filters=[
                {"id": "f_period", "type": "period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]},
                {"id": "f_model", "type": "multi_select", "dimension": "model"},
                {"id": "f_endpoint", "type": "select", "dimension": "endpoint"},
                {"id": "f_lat", "type": "numeric_range", "property": "latency_ms"}, {"id": "f_dates", "type": "date_range"},
            ], publish=True)["id"]

    def session(self, **permissions: Any) -> Session:
        return self.organization.session("acme", self.dashboard, permissions)

    def calls(self, *models: str, days: float = 30) -> int:
        return sum(
            e["string_props"]["model"] in (models or ("gpt-4", "gpt-4o", "claude")) and NOW - moment(e["timestamp"]) < timedelta(days=days)
            for e in self.events)


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> World:
    return World(module_organization)


def forbid(answer: Response, code: str | set[str], widget: str | None = None) -> None:
    """The request, or the one widget in it, was refused with the documented code."""
    status, got = embed_error(answer, widget)
    assert status == 403 and got in ({code} if isinstance(code, str) else code), str(answer)
    if answer.status == 403:
        expect_error(answer, 403)
    assert not any(mark in answer.text for mark in FOREIGN_MARKS)


def routes(session: Session, state: Json, widget: str = "w_models") -> dict[str, Callable[[], Response]]:
    """Every way in which a viewer can send a state."""
    return {
        "query": lambda: session.query(state, [widget]),
        "query all": lambda: session.query(state),
        "query streamed": lambda: session.client.post(
            "/v1/embed/query", {"state": state, "widgets": [widget]}, headers={"Accept": "application/x-ndjson"}),
        "drill": lambda: session.drill(widget, "model", "gpt-4", state),
        "drill further": lambda: session.drill(widget, "model", "gpt-4", state, next_dimension="endpoint"),
        "export": lambda: session.export(widget, state),
    }


def forbid_everywhere(session: Session, state: Json, code: str | set[str]) -> None:
    for name, send in routes(session, state).items():
        answer = send()
        if name == "query streamed" and answer.status == 200:
            assert all(line["result"].get("error",
                {}).get("code") in ({code} if isinstance(code, str) else code) for line in answer.lines), name
        elif name == "query all" and answer.status == 200:
            assert all("error" in result for result in answer.json["results"].values()), (name, str(answer))
        else:
            forbid(answer, code, "w_models")


# --- Without permissions --------------------------------------------------------------------------------------------------


def test_without_permissions_everything_of_the_own_tenant_is_open(world: World) -> None:
    session = world.organization.session("acme", world.dashboard)
    shown = session.dashboard()
    assert [w["id"] for w in shown["widgets"]] == WIDGETS and len(shown["filters"]) == 5
    assert shown["permissions"] == {
        "allowed_periods": None, "allowed_dimensions": None, "allow_drill_down": True, "allow_export": True, "max_date_range_days": 0,
        "locked_dimensions": [], "allow_underlying_data": True, "allow_customize_layout": False, "allow_manage_widgets": False}
    assert session.value("w_calls") == world.calls()
    assert session.value("w_calls", {"period": "90d"}) == world.calls(days=90)
    assert groups(session.result("w_models")) == {model: world.calls(model) for model in ("gpt-4", "gpt-4o", "claude")}
    drilled = session.drill("w_models", "model", "gpt-4", next_dimension="endpoint").expect(200)
    assert groups(drilled) == {"/chat": world.calls("gpt-4") // 2, "/embed": world.calls("gpt-4") // 2}
    rows = session.drill("w_models", "model", "gpt-4").expect(200)
    assert len(rows["rows"]) == world.calls("gpt-4")
    assert {row["model"] for row in rows["rows"]} == {"gpt-4"}
    times = [row[column(rows, "time")] for row in rows["rows"]]
    assert times == sorted(times, reverse=True)
    exported = session.export("w_models")
    assert exported.status == 200 and exported.header("Content-Type").startswith("text/csv")
    assert "attachment" in exported.header("Content-Disposition")
    lines = exported.text.lstrip("\ufeff").splitlines()
    assert len(lines) == 4 and any(line.startswith("gpt-4o,") for line in lines)


def test_exports_cannot_smuggle_formulas(organization: Organization) -> None:
    models = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "plain,\"quoted\"\nline"]
    organization.ingest([event(string_props={"model": model}) for model in models])
    session = organization.session("acme", organization.create_dashboard([breakdown("w")], publish=True)["id"])
    cells = [row[0] for row in csv.reader(io.StringIO(session.export("w").text.lstrip("\ufeff")))][1:]
    assert len(cells) == len(models)
    assert not any(cell[:1] in "=+-@\t" for cell in cells), cells


# --- locked_filters -------------------------------------------------------------------------------------------------------


def test_locked_filters_narrow_everything(world: World) -> None:
    for value in ("gpt-4", ["gpt-4"]):
        session = world.session(locked_filters={"model": value})
        mine = world.calls("gpt-4")
        assert session.value("w_calls") == mine
        assert groups(session.result("w_models")) == {"gpt-4": mine}
        assert sum(groups(session.result("w_endpoints")).values()) == mine
        assert sum(row["value"] for row in session.result("w_time")["rows"]) == mine
        assert session.dashboard()["permissions"]["locked_dimensions"] == ["model"]
        assert [f["id"] for f in session.dashboard()["filters"]] == ["f_period", "f_endpoint", "f_lat", "f_dates"]


def test_locked_filters_cannot_be_changed_by_state(world: World) -> None:
    session = world.session(locked_filters={"model": "gpt-4"})
    for values in (["claude"], ["gpt-4", "claude"], "claude", [""], ["gpt-4o"], ["GPT-4"]):
        forbid_everywhere(session, {"dimensions": {"model": values}}, "filter_locked")
    same = session.query({"dimensions": {"model": ["gpt-4"]}}, ["w_calls"])
    assert embed_error(same, "w_calls") in ((200, ""), (403, "filter_locked"))
    if same.status == 200 and "error" not in same.json["results"]["w_calls"]:
        assert same.json["results"]["w_calls"]["rows"][0]["value"] == world.calls("gpt-4")
    assert session.value("w_calls", {"dimensions": {}}) == world.calls("gpt-4")
    assert session.value("w_calls", {"dimensions": {"model": []}}) == world.calls("gpt-4"), "a cleared filter lifts no lock"
    assert session.value("w_calls", {"dimensions": {"endpoint": ["/chat"]}}) == world.calls("gpt-4") // 2


def test_locked_filters_with_several_values_may_be_narrowed_only(world: World) -> None:
    session = world.session(locked_filters={"model": ["gpt-4", "claude"]})
    assert session.value("w_calls") == world.calls("gpt-4", "claude")
    forbid_everywhere(session, {"dimensions": {"model": ["gpt-4", "gpt-4o"]}}, "filter_locked")
    answer = session.query({"dimensions": {"model": ["claude"]}}, ["w_calls"])
    if embed_error(answer, "w_calls") == (200, ""):
        assert answer.json["results"]["w_calls"]["rows"][0]["value"] == world.calls("claude")
    else:
        forbid(answer, "filter_locked", "w_calls")


def test_locked_filters_hold_in_drill_filter_values_and_export(world: World) -> None:
    session = world.session(locked_filters={"model": "gpt-4"})
    for value in ("claude", "gpt-4o", ""):
        for more in ({}, {"next_dimension": "endpoint"}):
            answer = session.drill("w_models", "model", value, **more)
            if answer.status == 200:
                assert answer.json["rows"] == [], str(answer)
            else:
                forbid(answer, "filter_locked")
    drilled = session.drill("w_endpoints", "endpoint", "/chat", next_dimension="model").expect(200)
    assert groups(drilled) == {"gpt-4": world.calls("gpt-4") // 2}
    rows = session.drill("w_endpoints", "endpoint", "/chat").expect(200)["rows"]
    assert len(rows) == world.calls("gpt-4") // 2 and {row.get("model", "gpt-4") for row in rows} == {"gpt-4"}
    answer = session.filter_values("model")
    if answer.status == 200:
        assert {entry["value"] for entry in answer.json["values"]} == {"gpt-4"}
    else:
        forbid(answer, {"filter_locked", "dimension_not_allowed"})
    for entry in session.filter_values("endpoint", period="30d").expect(200)["values"]:
        assert entry["count"] == world.calls("gpt-4") // 2
    forbid(session.filter_values("user_id", period="30d"), "dimension_not_allowed")
    for widget in ("w_models", "w_endpoints", "w_time"):
        text = session.export(widget).text
        assert "claude" not in text and "gpt-4o" not in text


def test_locked_filters_of_a_value_nobody_has_show_nothing(world: World) -> None:
    session = world.session(locked_filters={"model": "no such model", "endpoint": ["/chat"]})
    assert session.value("w_calls") == 0 and session.result("w_models")["rows"] == []
    session = world.session(locked_filters={"no_such_property": "x"})
    assert session.value("w_calls") == 0


def test_locked_filters_take_odd_values_literally(organization: Organization) -> None:
    values = ["' OR 1=1 --", "a\\", "gpt-4' OR 'a'='a", "%", "{p0:String}", "*", "字"]
    organization.ingest([event(string_props={"model": value, "od'd`na\\me.x": value}) for value in values])
    organization.ingest([event(string_props={"model": "other"}) for _ in range(10)])
    dashboard = organization.create_dashboard([kpi("w"), breakdown("b")], publish=True)["id"]
    for value in values:
        for name in ("model", "od'd`na\\me.x"):
            session = organization.session("acme", dashboard, {"locked_filters": {name: value}})
            assert session.value("w") == 1 and groups(session.result("b")) == {value: 1}, (name, value)


# --- hidden_widgets -------------------------------------------------------------------------------------------------------


def test_hidden_widgets_are_absent_and_refused_by_id(world: World) -> None:
    session = world.session(hidden_widgets=["w_costs", "w_models"])
    shown = session.dashboard()
    assert [w["id"] for w in shown["widgets"]] == ["w_calls", "w_tokens", "w_time", "w_endpoints"]
    assert "w_costs" not in json.dumps(shown) and "w_models" not in json.dumps(shown)
    assert set(session.results()) == {"w_calls", "w_tokens", "w_time", "w_endpoints"}
    for ids in (["w_costs"], ["w_calls", "w_costs"], ["w_costs", "w_costs"]):
        forbid(session.query(widgets=ids), "widget_hidden", "w_costs")
    streamed = session.client.post("/v1/embed/query", {"widgets": ["w_costs"]}, headers={"Accept": "application/x-ndjson"})
    assert "rows" not in streamed.text and "widget_hidden" in streamed.text
    forbid(session.drill("w_models", "model", "gpt-4"), "widget_hidden")
    forbid(session.drill("w_models", "model", "gpt-4", next_dimension="endpoint"), "widget_hidden")
    forbid(session.export("w_costs"), "widget_hidden")
    whole = session.export()
    assert whole.status in (400, 403, 422) or "Title of w_costs" not in whole.text


@pytest.mark.parametrize("identifier", ["W_COSTS", "w_costs ", " w_costs", "w_costs\0", "w_costs\u200b", "w_ｃosts", "w_costs%00", "*", ""])
def test_look_alikes_of_a_hidden_widget_open_nothing(world: World, identifier: str) -> None:
    session = world.session(hidden_widgets=["w_costs"])
    for answer in (session.query(widgets=[identifier]), session.drill(identifier, "model", "gpt-4"), session.export(identifier)):
        if answer.status == 200:
            assert all("error" in result for result in answer.json["results"].values()), str(answer)
        else:
            expect_error(answer, {400, 403, 404, 422})


# --- allowed_periods ------------------------------------------------------------------------------------------------------


def test_other_periods_are_hidden_and_refused_everywhere(world: World) -> None:
    session = world.session(allowed_periods=["24h", "7d"])
    shown = session.dashboard()
    assert shown["permissions"]["allowed_periods"] == ["24h", "7d"]
    control = next(f for f in shown["filters"] if f["type"] == "period")
    assert control["options"] == ["24h", "7d"] and control["default"] in ("24h", "7d")
    for period in ("30d", "90d", "12mo", "1h"):
        forbid_everywhere(session, {"period": period}, "period_not_allowed")
        forbid(session.filter_values("model", period=period), "period_not_allowed")
    assert session.value("w_calls", {"period": "7d"}) == world.calls(days=7)
    assert session.value("w_calls", {"period": "24h"}) == world.calls(days=1)


def test_a_widgets_own_period_does_not_escape_the_allowed_ones(world: World) -> None:
    session = world.session(allowed_periods=["24h", "7d"])
    for body in (None, {}, {"period": None}, {"dimensions": {"model": ["gpt-4"]}}):
        answer = session.query(body, ["w_calls"])
        if embed_error(answer, "w_calls") == (200, ""):
            meta = answer.json["results"]["w_calls"]["meta"]
            assert moment(meta["to"]) - moment(meta["from"]) <= timedelta(days=8), meta
            assert answer.json["results"]["w_calls"]["rows"][0]["value"] <= world.calls(days=8)
    assert sum(entry["count"] for entry in session.filter_values("model").expect(200)["values"]) <= world.calls(days=8)
    for answer in (session.drill("w_models", "model", "gpt-4"), session.drill("w_models", "model", "gpt-4", {})):
        assert answer.status == 403 or len(answer.json["rows"]) <= world.calls("gpt-4", days=8)


def test_a_date_range_does_not_escape_the_allowed_periods(world: World) -> None:
    session = world.session(allowed_periods=["24h", "7d"])
    wide = {"dateRanges": {"from": iso(NOW - timedelta(days=85)), "to": iso(NOW)}}
    forbid_everywhere(session, wide, {"period_not_allowed", "range_too_long"})
    forbid_everywhere(session, wide | {"period": "7d"}, {"period_not_allowed", "range_too_long"})


# --- allowed_dimensions ---------------------------------------------------------------------------------------------------


def test_other_dimensions_exist_nowhere(world: World) -> None:
    session = world.session(allowed_dimensions=["model"])
    shown = session.dashboard()
    assert shown["permissions"]["allowed_dimensions"] == ["model"]
    assert {f.get("dimension") for f in shown["filters"]} <= {None, "model"}
    for name in ("endpoint", "user_id", "event_name", "Model", "model ", "tenant_id"):
        forbid_everywhere(session, {"dimensions": {name: ["/chat"]}}, "dimension_not_allowed")
        forbid(session.filter_values(name), "dimension_not_allowed")
        forbid(session.drill("w_models", "model", "gpt-4", next_dimension=name), "dimension_not_allowed")
        forbid(session.drill("w_endpoints", name, "/chat", next_dimension="model"), "dimension_not_allowed")
    assert session.value("w_calls", {"dimensions": {"model": ["gpt-4"]}}) == world.calls("gpt-4")
    assert {e["value"] for e in session.filter_values("model", period="30d").expect(200)["values"]} == {"gpt-4", "gpt-4o", "claude"}
    rows = session.drill("w_models", "model", "gpt-4")
    if rows.status == 200:
        assert "/chat" not in rows.text and "user-gpt-4" not in rows.text, "rows show only dimensions that are allowed"


def test_no_dimension_may_be_allowed(world: World) -> None:
    session = world.session(allowed_dimensions=[])
    forbid(session.filter_values("model"), "dimension_not_allowed")
    forbid_everywhere(session, {"dimensions": {"model": ["gpt-4"]}}, "dimension_not_allowed")
    assert session.value("w_calls") == world.calls()


# --- max_date_range_days --------------------------------------------------------------------------------------------------


def test_long_ranges_are_refused_everywhere(world: World) -> None:
    session = world.session(max_date_range_days=7)
    assert session.dashboard()["permissions"]["max_date_range_days"] == 7
    for state in (
        {"period": "30d"}, {"period": "12mo"}, {"dateRanges": {"from": iso(NOW - timedelta(days=8)), "to": iso(NOW)}},
        {"dateRanges": {"from": "2001-01-01T00:00:00Z", "to": "2040-01-01T00:00:00Z"}},
        {"period": "24h", "dateRanges": {"from": iso(NOW - timedelta(days=30)), "to": iso(NOW)}},
        {"dateRanges": {"from": (NOW - timedelta(days=30)).date().isoformat(), "to": NOW.date().isoformat()}},
    ):
        forbid_everywhere(session, state, {"range_too_long", "period_not_allowed"})
    for period in ("30d", "90d", "12mo"):
        forbid(session.filter_values("model", period=period), {"range_too_long", "period_not_allowed"})
    assert session.value("w_calls", {"period": "7d"}) == world.calls(days=7)
    week = {"dateRanges": {"from": iso(NOW - timedelta(days=6, hours=23)), "to": iso(NOW)}}
    assert session.value("w_calls", week) == world.calls(days=6.95)


def test_a_widgets_own_period_does_not_escape_the_longest_range(world: World) -> None:
    session = world.session(max_date_range_days=7)
    for widget in WIDGETS:
        answer = session.query(None, [widget])
        if embed_error(answer, widget) == (200, ""):
            meta = answer.json["results"][widget]["meta"]
            assert moment(meta["to"]) - moment(meta["from"]) <= timedelta(days=8), meta
    assert sum(entry["count"] for entry in session.filter_values("model").expect(200)["values"]) <= world.calls(days=8)
    answer = session.drill("w_models", "model", "gpt-4")
    assert answer.status == 403 or len(answer.json["rows"]) <= world.calls("gpt-4", days=8)
    exported = session.export("w_models")
    assert exported.status == 403 or f"gpt-4,{world.calls('gpt-4')}" not in exported.text


# --- allow_drill_down, allow_export ---------------------------------------------------------------------------------------


def test_drilling_can_be_forbidden(world: World) -> None:
    session = world.session(allow_drill_down=False)
    assert session.dashboard()["permissions"]["allow_drill_down"] is False
    forbid(session.drill("w_models", "model", "gpt-4"), "drill_not_allowed")
    forbid(session.drill("w_models", "model", "gpt-4", next_dimension="endpoint"), "drill_not_allowed")
    forbid(session.drill("w_models", "model", "gpt-4", {"period": "7d"}), "drill_not_allowed")
    assert session.export("w_models").status == 200


def test_exporting_can_be_forbidden(world: World) -> None:
    session = world.session(allow_export=False)
    assert session.dashboard()["permissions"]["allow_export"] is False
    for widget in ("w_models", "w_calls", None):
        forbid(session.export(widget), "export_not_allowed")
    for format in ("xlsx", "png", "pdf", "json"):
        status = session.export("w_models", format=format).status
        assert status in (403, 422), (format, status)
    assert session.drill("w_models", "model", "gpt-4").status == 200


# --- Values and names of every kind ---------------------------------------------------------------------------------------

INJECTIONS: list[str] = [
    "' OR 1=1 --", "' OR '1'='1", "\" OR \"\"=\"", "`", "``", "\\", "\\\\", "\\' OR 1=1 --", "gpt-4\\", "gpt-4'", "';DROP TABLE events;--",
    "{p0:String}", "{tenant:String}", "%27 OR 1=1", "%", "_", "*", "?", "$1", "gpt-4\u0000", "\u0000", "gpt\u20114", "ｇｐｔ-4", "GPT-4",
    "gpt-4 ",
    " gpt-4", "gpt-4\n", "\r\nX-Injected: 1", "\t", "gpt‑4", "\u202egpt-4", "🦆" * 50, "a" * 4_000, "1) UNION ALL SELECT * FROM events --",
    "x') SETTINGS SQL_emban_tenant = 'foreigner' --", "tenant_id", FOREIGN, "foreign-model", "/* */", "0x27", "(SELECT 1)", "null",
    "true", "-1",
]

NAMES: list[str] = [
    "tenant_id", "org_id", "environment", "event_id", "ingested_at", "timestamp", "string_props", "numeric_props", "string_props.model",
    "model`", "`model`", "model'", "model\"", "model\\", "model.:String", "model::String", "model, tenant_id", "model) OR (1=1",
    "model%2Ex",
    "model.", ".model", "..", "^model", "model\u0000", "model\n", "ｍodel", "mоdel", "Model", "*", "", "{p0:Identifier}", "1=1",
    "emban.events",
    "getSetting('SQL_emban_tenant')", "model` FROM events -- ", "a" * 500, "字🦆",
]


def harmless(answer: Response, sent: str) -> None:
    """No foreign row, no 500, nothing of the inside."""
    assert answer.status in (200, 400, 403, 404, 422), f"{sent[:100]!r}: {answer}"
    if answer.status != 200:
        expect_error(answer, answer.status, sent=sent)
    text = answer.text
    if answer.header("Content-Type").startswith("application/json") and answer.status == 200:
        for result in answer.json.get("results", {}).values():
            if "error" in result:
                error_body(result["error"] | {"request_id": result["error"].get("request_id", "req_00000000"),
                                              "details": result["error"].get("details", [])}, 403, sent)
    for mark in FOREIGN_MARKS:
        assert mark in sent or mark not in text, f"{sent[:100]!r}: {answer}"
    assert "1000003" not in text and not internals_in(text, sent), f"{sent[:100]!r}: {answer}"


@pytest.fixture(scope="module")
def plain(world: World) -> Session:
    return world.organization.session("acme", world.dashboard)


@pytest.mark.parametrize("value", INJECTIONS, ids=lambda value: ascii(value)[:40])
def test_values_are_only_values(world: World, plain: Session, value: str) -> None:
    sent = json.dumps(value, ensure_ascii=False) + value
    for state in ({"dimensions": {"model": [value]}}, {"dimensions": {"model": value}}, {"dimensions": {"model": ["gpt-4", value]}}):
        answer = plain.query(state, ["w_calls", "w_models"])
        harmless(answer, sent)
        if answer.status == 200:
            count = answer.json["results"]["w_calls"]["rows"][0]["value"]
            assert count == (world.calls("gpt-4") if state["dimensions"]["model"] == ["gpt-4", value] else 0)
    for state in ({"period": value}, {"dateRanges": {"from": value, "to": value}}, {"numericRanges": {"tokens": {"min": value}}}):
        answer = plain.query(state)
        harmless(answer, sent)
        assert answer.status == 422
    harmless(plain.query(widgets=[value]), sent)
    for answer in (plain.drill("w_models", "model", value), plain.drill("w_models", "model", value, next_dimension="endpoint")):
        harmless(answer, sent)
        if answer.status == 200:
            assert answer.json["rows"] == []
    harmless(plain.drill(value, "model", "gpt-4"), sent)
    harmless(plain.filter_values("model", q=value), sent)
    harmless(plain.filter_values("model", period=value), sent)
    harmless(plain.filter_values("model", limit=value), sent)
    harmless(plain.export(value), sent)
    harmless(plain.export("w_models", format=value), sent)
    harmless(plain.export("w_models", {"dimensions": {"model": [value]}}), sent)
    assert plain.value("w_calls") == world.calls()


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_names_are_only_names_of_properties(world: World, plain: Session, name: str) -> None:
    sent = json.dumps(name, ensure_ascii=False) + name
    for state in ({"dimensions": {name: [FOREIGN]}}, {"dimensions": {name: ["acme"]}}, {"numericRanges": {name: {"min": 0}}}):
        answer = plain.query(state, ["w_calls"])
        harmless(answer, sent + FOREIGN)
        if answer.status == 200 and "error" not in answer.json["results"]["w_calls"]:
            assert answer.json["results"]["w_calls"]["rows"][0]["value"] == 0, "no event of ours has such a property"
    for answer in (
        plain.filter_values(name, period="12mo"), plain.drill("w_models", "model", "gpt-4", next_dimension=name),
        plain.drill("w_models", name, FOREIGN), plain.drill("w_models", name, "acme", next_dimension="model"),
    ):
        harmless(answer, sent + FOREIGN)
        assert "acme" not in answer.text.replace(sent, ""), str(answer)
    for query in (
        {"metric": "count", "group_by": name}, {"metric": "sum", "numeric_prop": name}, {"metric": "count_unique", "unique_prop": name},
        {"metric": "count", "filters": [{"dimension": name, "op": "neq", "values": ["x"]}]},
        {"metric": "count", "filters": [{"property": name, "op": "gte", "values": [0]}]},
    ):
        answer = world.organization.query(query, tenant_id="acme")
        harmless(answer, sent)


@pytest.mark.parametrize("wrong", [
    {"a": 1}, [["gpt-4"]], [{"eq": "gpt-4"}], 5, True, [None], ["gpt-4", 5], [[]], {}, 1.5, [True],
], ids=json.dumps)
def test_objects_and_numbers_do_not_pass_for_text(world: World, plain: Session, wrong: Any) -> None:
    locked = world.session(locked_filters={"model": "gpt-4"}, hidden_widgets=["w_costs"], allowed_periods=["7d"])
    for session in (plain, locked):
        for state in (
            {"dimensions": {"model": wrong}}, {"dimensions": wrong}, {"period": wrong}, {"dateRanges": {"from": wrong, "to": wrong}},
            {"numericRanges": {"tokens": {"min": [wrong]}}}, {"numericRanges": {"tokens": [wrong]}}, {"unknown": wrong},
        ):
            if state == {"dimensions": {}}:
                continue
            answer = session.query(state)
            assert answer.status in (403, 422), f"{state}: {answer}"
            harmless(answer, "")
            harmless(session.export("w_models", state), "")
        for body in (
            {"widgets": wrong}, {"widgets": [wrong]}, {"state": wrong if wrong != {} else []}, {"state": {}, "tenant_id": wrong},
            {"permissions": wrong}, {"state": {}, "scope": wrong},
        ):
            expect_error(session.client.post("/v1/embed/query", body), {403, 422})
        for answer in (
            session.drill("w_models", "model", wrong), session.drill("w_models", wrong, "gpt-4"),
            session.drill("w_models", "model", "gpt-4", next_dimension=wrong), session.client.post("/v1/embed/drill", {"widget": wrong}),
            session.drill("w_models", "model", "gpt-4", tenant_id=FOREIGN),
        ):
            harmless(answer, "")
            assert answer.status in (403, 422), str(answer)


@pytest.mark.parametrize("raw", [
    b"", b"{", b"[]", b"null", b'"x"', b'{"state":{"dimensions":{"model":["gpt-4"],"model":["claude"]}}}', b'{"state":{},"state":{}}',
    b'{"widgets":["w_costs"],"widgets":["w_calls"]}', b"\xff", b'{"state":' * 5000 + b"1" + b"}" * 5000,
])
def test_malformed_viewer_requests(world: World, raw: bytes) -> None:
    session = world.session(locked_filters={"model": "gpt-4"}, hidden_widgets=["w_costs"])
    for path in ("/v1/embed/query", "/v1/embed/drill"):
        answer = session.client.post(path, raw=raw)
        if raw == b"" and path == "/v1/embed/query" and answer.status == 200:
            continue  # no body is the empty state
        expect_error(answer, {400, 422})


def test_headers_and_parameters_do_not_choose_the_tenant(world: World, plain: Session) -> None:
    mine = world.calls()
    headers = {
        "X-Tenant-Id": FOREIGN, "X-Emban-Tenant": FOREIGN, "X-ClickHouse-User": "default", "X-ClickHouse-Key": "",
        "X-ClickHouse-Setting-SQL_emban_tenant": FOREIGN,
    }
    client = Client(plain.client.base, plain.client.headers | headers)
    assert client.post("/v1/embed/query", {"widgets": ["w_calls"]}).expect(200)["results"]["w_calls"]["rows"][0]["value"] == mine
    for query in ({"tenant_id": FOREIGN}, {"SQL_emban_tenant": FOREIGN}, {"param_p0": FOREIGN}, {"dashboard": "x"}):
        answer = client.post("/v1/embed/query", {"widgets": ["w_calls"]}, query=query)
        harmless(answer, str(query))
        if answer.status == 200:
            assert answer.json["results"]["w_calls"]["rows"][0]["value"] == mine
        harmless(client.get("/v1/embed/filter-values", query={"dimension": "model", **query}), str(query))
        harmless(client.get("/v1/embed/dashboard", query=query), str(query))


@pytest.mark.parametrize("tenant", [
    "' OR 1=1 --", "acme' OR tenant_id='foreigner", "acme\\", "*", "%", "ａcme", "ACME", "acme ", "{p0:String}", "a\tb\nc",
])
def test_the_tenant_of_a_session_is_only_a_value(world: World, tenant: str) -> None:
    answer = world.organization.admin.post("/v1/embed-sessions", {"tenant_id": tenant, "dashboard_id": world.dashboard})
    if answer.status != 201:
        expect_error(answer, 422)
        return
    session = Session(answer.json["token"], "", "", "", Client(world.organization.base).bearer(answer.json["token"]))
    assert session.value("w_calls") == 0 and session.result("w_models")["rows"] == []
    assert session.filter_values("model").expect(200)["values"] == []
