"""Every metric in every kind of widget, against an oracle that computes the same numbers from the list of events."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import urlencode

import pytest
from embantest.client import expect_error
from embantest.oracle import METRICS, SHARED, UTC, ZERO_FILLED, Measured, Oracle, dimension, generate, iso, moment
from embantest.workspace import Organization, Session, breakdown, column, columns, kpi, measure, table, timeseries, value_of, widget

Json = dict[str, Any]

#: Four weeks around the day on which New York's clocks went forward (8 March 2026), and the same weeks a year before.
START, DAYS = datetime(2026, 2, 21, tzinfo=UTC), 28
END = START + timedelta(days=DAYS)
RANGE = {"from": iso(START), "to": iso(END)}
TENANTS = {"acme": 1_400, "globex": 1_000, "initech": 600}
ZONE = "America/New_York"


class World:
    def __init__(self, organization: Organization) -> None:
        events = generate(7, TENANTS, START - timedelta(days=DAYS), 2 * DAYS)
        events += generate(8, {"acme": 150}, START.replace(year=2025), DAYS)
        edges = [START, END, START - timedelta(milliseconds=1), END - timedelta(milliseconds=1)]
        edges += [datetime(2026, 3, 8, hour, tzinfo=UTC) for hour in (4, 5, 6, 7, 8)]
        for when in edges:
            events.append({
                "tenant_id": "acme", "event_name": "api.call", "timestamp": iso(when), "user_id": "edge",
                "string_props": {"model": "gpt-4", "endpoint": "/edge"}, "numeric_props": {"tokens": 100, "latency_ms": 50}})
        organization.ingest(events)
        self.organization, self.oracle = organization, Oracle(events)
        # Same tenant names in another organisation: if they ever show up, every number is wrong.
        stranger = Organization(organization.base)
        stranger.ingest([event | {"event_name": "api.call"} for event in events[::7]])

    def ask(self, query: Json, kind: str, tenant: str | None = "acme", **more: Any) -> Json:
        scope = {} if tenant is None else {"tenant_id": tenant}
        return self.organization.query({"period": RANGE, **query}, kind=kind, **scope, **more).expect(200)


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> World:
    return World(module_organization)


def metric_query(metric: str, numeric_prop: str = "latency_ms") -> Json:
    needs = metric not in ("count", "count_unique", "count_unique_approx")
    return {"event_name": "api.call", "metric": metric} | ({"numeric_prop": numeric_prop} if needs else {})


def check(expected: Measured, got: Any, what: object) -> None:
    assert expected.matches(got), f"{what}: got {got}, expected {expected.value} ({expected.low} … {expected.high})"


def check_groups(result: Json, expected: dict[str, Measured], query: Json, what: object) -> None:
    """The rows are the first `limit` of the expected groups in order, ties in any order, and shares are of all groups."""
    name, value_name = column(result, "dimension"), measure(result)
    rows = result["rows"]
    assert len(rows) == min(query["limit"], len(expected)), what
    assert len({row[name] for row in rows}) == len(rows), what
    for row in rows:
        assert row[name] in expected, (what, row)
        check(expected[row[name]], row[value_name], (what, row[name]))
    values = [row[value_name] for row in rows if row[value_name] is not None]
    backward = query.get("order", "desc") == "desc"
    assert values == sorted(values, reverse=backward), what
    if query["metric"] in SHARED:
        if values and len(rows) < len(expected):
            rest = [m.value for key, m in expected.items() if key not in {row[name] for row in rows} and m.value is not None]
            assert all(value <= values[-1] + 1e-6 if backward else value >= values[-1] - 1e-6 for value in rest), what
        total = sum(m.value or 0 for m in expected.values())
        for row in rows:
            assert row["share"] == pytest.approx((row[value_name] or 0) / total, rel=1e-9), (what, row)
    else:
        assert "share" not in {c["name"] for c in result["columns"]} or all(row.get("share") is None for row in rows), what


def check_series(result: Json, expected: dict[datetime, Measured], metric: str, what: object) -> None:
    time, value_name = column(result, "time"), measure(result)
    times = [moment(row[time]) for row in result["rows"]]
    assert times == sorted(expected), f"{what}: buckets {times[:3]}…{times[-2:]}, expected {sorted(expected)[:3]}…"
    for row in result["rows"]:
        want = expected[moment(row[time])]
        if want.value == 0 and metric not in ZERO_FILLED:
            assert row[value_name] in (0, None)
        check(want, row[value_name], (what, row[time]))


# --- Every metric × kind, through /v1/query and through the embed ---------------------------------------------------------


@pytest.mark.parametrize(("metric", "tenant"), list(product(METRICS, [None, "acme", "initech"])))
def test_kpi(world: World, metric: str, tenant: str | None) -> None:
    for numeric_prop in ("latency_ms", "tokens", "cost.usd"):
        query = metric_query(metric, numeric_prop)
        result = world.ask(query, "kpi", tenant)
        check(world.oracle.kpi(query, START, END, tenant), value_of(result), query)
        assert result["meta"]["from"] == RANGE["from"].replace(".000", "") and result["meta"]["rows"] == 1


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
def test_timeseries(world: World, metric: str, granularity: str) -> None:
    query = metric_query(metric) | {"granularity": granularity}
    for tenant in ("acme", "initech"):
        result = world.ask(query, "timeseries", tenant)
        check_series(result, world.oracle.series(query, START, END, tenant), metric, (query, tenant))
        assert result["meta"]["granularity"] == granularity


@pytest.mark.parametrize(
    ("metric", "kind", "group_by"), list(product(METRICS, ["breakdown", "table"], ["model", "endpoint", "geo.country"])))
def test_groups(world: World, metric: str, kind: str, group_by: str) -> None:
    for limit in (3, 1000):
        query = metric_query(metric) | {"group_by": group_by, "limit": limit}
        check_groups(world.ask(query, kind), world.oracle.groups(query, START, END, "acme"), query, (query, kind))


@pytest.fixture(scope="module")
def embedded(world: World) -> Session:
    widgets = []
    for metric in METRICS:
        query = metric_query(metric)
        widgets += [
            kpi(f"kpi-{metric}", **query), timeseries(f"timeseries-{metric}", granularity="day", **query),
            breakdown(f"breakdown-{metric}", "model", limit=1000, **query), table(f"table-{metric}", "endpoint", limit=1000, **query),
        ]
    filters = [{"id": name, "type": "multi_select", "dimension": name} for name in ("model", "geo.country")]
    filters += [{"id": name, "type": "numeric_range", "property": name} for name in ("latency_ms", "tokens")]
    filters.append({"id": "dates", "type": "date_range"})
    dashboard = world.organization.create_dashboard(widgets, filters=filters, publish=True)
    return world.organization.session("globex", dashboard["id"])


def test_the_embed_answers_the_same_in_one_request(world: World, embedded: Session) -> None:
    results = embedded.results({"dateRanges": RANGE})
    assert len(results) == 4 * len(METRICS)
    for metric in METRICS:
        query = metric_query(metric)
        check(world.oracle.kpi(query, START, END, "globex"), value_of(results[f"kpi-{metric}"]), query)
        daily = query | {"granularity": "day"}
        check_series(results[f"timeseries-{metric}"], world.oracle.series(daily, START, END, "globex"), metric, daily)
        for kind, group_by in (("breakdown", "model"), ("table", "endpoint")):
            grouped = query | {"group_by": group_by, "limit": 1000}
            check_groups(results[f"{kind}-{metric}"], world.oracle.groups(grouped, START, END, "globex"), grouped, grouped)


def test_the_embed_streams_the_same_as_ndjson(embedded: Session) -> None:
    state = {"dateRanges": RANGE}
    whole = embedded.results(state)
    answer = embedded.client.post("/v1/embed/query", {"state": state}, headers={"Accept": "application/x-ndjson"})
    assert answer.status == 200 and answer.header("Content-Type").startswith("application/x-ndjson")
    lines = answer.lines
    assert all(set(line) == {"widget", "result"} for line in lines)
    assert len(lines) == len(whole)
    for line in lines:
        expected, rows = whole[line["widget"]]["rows"], line["result"]["rows"]
        assert len(rows) == len(expected), line["widget"]
        # Threads add floating-point numbers in any order: equal up to the last digits.
        for row, want in zip(rows, expected, strict=True):
            assert row.keys() == want.keys()
            for name, value in want.items():
                assert row[name] == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)


# --- Filters --------------------------------------------------------------------------------------------------------------

FILTERS: list[list[Json]] = [
    [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}],
    [{"dimension": "model", "op": "neq", "values": ["gpt-4"]}],
    [{"dimension": "model", "op": "in", "values": ["gpt-4", "claude", "no such"]}],
    [{"dimension": "model", "op": "not_in", "values": ["gpt-4", "claude"]}],
    [{"dimension": "model", "op": "contains", "values": ["gPt"]}],
    [{"dimension": "model", "op": "contains", "values": ["%"]}],
    [{"dimension": "model", "op": "contains", "values": ["_pt"]}],
    [{"dimension": "model", "op": "eq", "values": [""]}],
    [{"dimension": "model", "op": "eq", "values": ["o'neil \"quoted\""]}],
    [{"dimension": "model", "op": "in", "values": ["back\\slash", "字 🦆"]}],
    [{"dimension": "geo.country", "op": "eq", "values": ["DE"]}],
    [{"dimension": "event_name", "op": "eq", "values": ["api.call"]}],
    [{"dimension": "user_id", "op": "eq", "values": ["ac-7"]}],
    [{"dimension": "nothing", "op": "eq", "values": ["x"]}],
    [{"dimension": "nothing", "op": "neq", "values": ["x"]}],
    [{"property": "latency_ms", "op": "gte", "values": [150]}],
    [{"property": "latency_ms", "op": "lte", "values": [150]}],
    [{"property": "latency_ms", "op": "between", "values": [100, 200.5]}],
    [{"property": "cost.usd", "op": "gte", "values": [0]}],
    [{"property": "nothing", "op": "gte", "values": [0]}],
    [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}, {"dimension": "geo.country", "op": "in", "values": ["DE", "US"]},
     {"property": "tokens", "op": "between", "values": [1000, 3000]}],
    [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}, {"dimension": "model", "op": "eq", "values": ["claude"]}],
]


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: json.dumps(filters)[:90])
def test_filters(world: World, filters: list[Json]) -> None:
    for metric in ("count", "sum", "avg"):
        query = metric_query(metric, "tokens") | {"filters": filters}
        expected = world.oracle.kpi(query, START, END, "acme")
        check(expected, value_of(world.ask(query, "kpi")), query)
        beside = world.ask(metric_query(metric, "tokens"), "kpi", filters=filters)
        check(expected, value_of(beside), ("beside the query", query))
    grouped = {"metric": "count", "group_by": "endpoint", "limit": 1000, "filters": filters}
    check_groups(world.ask(grouped, "table"), world.oracle.groups(grouped, START, END, "acme"), grouped, grouped)


def test_a_single_value_may_stand_alone(world: World) -> None:
    listed = world.ask({"metric": "count", "filters": [{"dimension": "model", "op": "eq", "values": ["gpt-4"]}]}, "kpi")
    for condition in ({"values": "gpt-4"}, {"value": "gpt-4"}):
        alone = world.ask({"metric": "count", "filters": [{"dimension": "model", "op": "eq", **condition}]}, "kpi")
        assert value_of(alone) == value_of(listed) > 0


def test_viewer_state_narrows_widgets(world: World, embedded: Session) -> None:
    state = {
        "dateRanges": RANGE, "dimensions": {"model": ["gpt-4", "claude"], "geo.country": "DE"},
        "numericRanges": {"latency_ms": {"min": 20, "max": 400}, "tokens": {"min": 10}},
    }
    query = metric_query("count") | {"filters": [
        {"dimension": "model", "op": "in", "values": ["gpt-4", "claude"]}, {"dimension": "geo.country", "op": "eq", "values": ["DE"]},
        {"property": "latency_ms", "op": "between", "values": [20, 400]}, {"property": "tokens", "op": "gte", "values": [10]},
    ]}
    assert embedded.value("kpi-count", state) == world.oracle.kpi(query, START, END, "globex").value


def test_filter_values_count_the_tenants_own_events(world: World, embedded: Session) -> None:
    answer = embedded.filter_values("model", period="12mo", limit="50").expect(200)
    start = moment(embedded.result("kpi-count", {"period": "12mo"})["meta"]["from"])
    # The dashboard shows api.call alone: so do its filters.
    mine = world.oracle.chosen({"event_name": "api.call"}, start, datetime.now(UTC), "globex")
    assert answer["dimension"] == "model" and answer["truncated"] is False
    found = {entry["value"]: entry["count"] for entry in answer["values"]}
    expected = {value: sum(dimension(e, "model") == value for e in mine) for value in {dimension(e, "model") for e in mine}}
    assert {k: v for k, v in found.items() if k} == {k: v for k, v in expected.items() if k}
    counts = [entry["count"] for entry in answer["values"]]
    assert counts == sorted(counts, reverse=True)
    searched = embedded.filter_values("model", period="12mo", q="gPt").expect(200)["values"]
    assert {entry["value"] for entry in searched} == {"gpt-4", "gpt-4o", "Gpt-4"}
    assert embedded.filter_values("model", period="12mo", q="%").expect(200)["values"] == []
    one = embedded.filter_values("model", period="12mo", limit="1").expect(200)
    assert len(one["values"]) == 1 and one["truncated"] is True


# --- Comparison -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("compare", ["previous_period", "previous_year"])
def test_comparison(world: World, metric: str, compare: str) -> None:
    query = metric_query(metric) | {"compare": compare}
    before = (START - (END - START), START) if compare == "previous_period" else (START.replace(year=2025), END.replace(year=2025))
    result = world.ask(query, "kpi")
    assert (moment(result["previous"]["from"]), moment(result["previous"]["to"])) == before
    row = result["rows"][0]
    assert set(columns(result, "comparison")) == {"previous_value", "delta_pct"}
    check(world.oracle.kpi(query, *before, "acme"), row["previous_value"], query)
    if row["previous_value"]:
        assert row["delta_pct"] == pytest.approx(100 * (row["value"] - row["previous_value"]) / row["previous_value"], rel=1e-9)

    grouped = query | {"group_by": "model", "limit": 1000}
    result = world.ask(grouped, "table")
    now, then = (world.oracle.groups(grouped, *span, "acme") for span in ((START, END), before))
    name = column(result, "dimension")
    for row in result["rows"]:
        if row[name] in now:
            check(now[row[name]], row["value"], row)
        if row[name] in then:
            check(then[row[name]], row["previous_value"], row)
        elif metric not in ("count", "sum"):
            assert not row["previous_value"], row


def test_comparison_with_nothing_has_no_percentage(world: World) -> None:
    query = metric_query("sum", "tokens") | {"compare": "previous_year"}
    row = world.ask(query, "kpi", "globex")["rows"][0]
    assert row["previous_value"] == 0 and row["delta_pct"] is None
    row = world.ask(metric_query("avg") | {"compare": "previous_year"}, "kpi", "globex")["rows"][0]
    assert row["previous_value"] is None and row["delta_pct"] is None


def test_comparison_of_a_timeseries_is_aligned_by_bucket(world: World) -> None:
    query = metric_query("count") | {"granularity": "day", "compare": "previous_period"}
    result = world.ask(query, "timeseries")
    before = world.oracle.series(query, START - (END - START), START, "acme")
    assert [moment(row["time"]) for row in result["previous"]["rows"]] == sorted(before)
    for row, earlier in zip(result["rows"], result["previous"]["rows"], strict=True):
        want = before[moment(earlier["time"])]
        check(want, earlier["value"], earlier)
        check(want, row["previous_value"], row)


# --- Time -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("granularity", ["hour", "day", "week", "month"])
@pytest.mark.parametrize("zone", [ZONE, "Asia/Kolkata", "Australia/Lord_Howe"])
def test_buckets_follow_the_zones_calendar_across_a_clock_change(world: World, granularity: str, zone: str) -> None:
    query = metric_query("count") | {"granularity": granularity}
    result = world.ask(query, "timeseries", timezone=zone)
    check_series(result, world.oracle.series(query, START, END, "acme", zone), "count", (granularity, zone))
    assert result["meta"]["timezone"] == zone
    assert sum(row["value"] for row in result["rows"]) == world.oracle.kpi(query, START, END, "acme").value


def test_the_day_of_the_clock_change_has_twenty_three_hours(world: World) -> None:
    day = {"from": "2026-03-08", "to": "2026-03-08"}
    result = world.ask({"metric": "count", "granularity": "hour", "period": day}, "timeseries", timezone=ZONE)
    assert len(result["rows"]) == 23
    assert moment(result["meta"]["from"]) == moment("2026-03-08T00:00:00-05:00")
    assert moment(result["meta"]["to"]) == moment("2026-03-09T00:00:00-04:00")
    back = {"from": "2026-11-01", "to": "2026-11-01"}
    assert len(world.ask({"metric": "count", "granularity": "hour", "period": back}, "timeseries", timezone=ZONE)["rows"]) == 25


def test_minutes(world: World) -> None:
    start, end = datetime(2026, 3, 8, 4, 0, 30, tzinfo=UTC), datetime(2026, 3, 8, 8, 59, 30, tzinfo=UTC)
    query = metric_query("count") | {"granularity": "minute", "period": {"from": iso(start), "to": iso(end)}}
    check_series(world.ask(query, "timeseries"), world.oracle.series(query, start, end, "acme"), "count", query)


def test_a_range_holds_its_start_and_not_its_end(world: World) -> None:
    query = {"metric": "count", "filters": [{"dimension": "endpoint", "op": "eq", "values": ["/edge"]}]}
    inside = value_of(world.ask(query, "kpi"))
    assert inside == 7, "START, five on the day of the change, one millisecond before END; not END, not before START"


@pytest.mark.parametrize(("period", "days"), [("1h", 1 / 24), ("24h", 1), ("7d", 7), ("30d", 30), ("90d", 90), ("12mo", 365)])
def test_named_periods_end_now(organization: Organization, period: str, days: float) -> None:
    organization.ingest([{"tenant_id": "a", "event_name": "x"}])
    result = organization.query({"metric": "count", "period": period}).expect(200)
    start, end = moment(result["meta"]["from"]), moment(result["meta"]["to"])
    now = datetime.now(UTC)
    assert now - timedelta(seconds=30) <= end <= now + timedelta(days=31)
    assert days - 0.01 <= (end - start).total_seconds() / 86400 <= days + (32 if period == "12mo" else 1.01)
    assert value_of(result) == 1
    chosen = organization.query({"metric": "count", "period": period}, kind="timeseries").expect(200)
    assert 1 <= len(chosen["rows"]) <= 400 and chosen["meta"]["granularity"] in ("minute", "hour", "day", "week", "month")


def test_empty_ranges_are_zero_filled(world: World) -> None:
    period = {"from": "2020-01-01T00:00:00Z", "to": "2020-01-04T00:00:00Z"}
    for metric in METRICS:
        query = metric_query(metric) | {"period": period, "granularity": "day"}
        rows = world.ask(query, "timeseries")["rows"]
        assert [row["value"] for row in rows] == ([0] * 3 if metric in ZERO_FILLED else [None] * 3), metric
        assert value_of(world.ask(metric_query(metric) | {"period": period}, "kpi")) == (0 if metric in ZERO_FILLED else None)
        grouped = metric_query(metric) | {"period": period, "group_by": "model"}
        assert world.ask(grouped, "table")["rows"] == []


# --- Groups in time, limits, order ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["count", "sum", "avg", "p95"])
@pytest.mark.parametrize("limit", [None, 2])
def test_grouped_timeseries_hold_the_largest_series_each_filled(world: World, metric: str, limit: int | None) -> None:
    query = metric_query(metric) | {"granularity": "day", "group_by": "endpoint"} | ({"limit": limit} if limit else {})
    result = world.ask(query, "timeseries")
    name = column(result, "dimension")
    found = {row[name] for row in result["rows"]}
    assert len(found) == (limit or 8)
    if metric in ("count", "sum"):
        totals = world.oracle.groups(query, START, END, "acme")
        ranked = sorted(totals, key=lambda key: -(totals[key].value or 0))
        assert found == set(ranked[: limit or 8])
    for value in found:
        mine = query | {"filters": [{"dimension": "endpoint", "op": "eq", "values": [value]}]}
        rows = [row for row in result["rows"] if row[name] == value]
        check_series(result | {"rows": rows}, world.oracle.series(mine, START, END, "acme"), metric, value)
    assert [row["time"] for row in result["rows"]] == sorted(row["time"] for row in result["rows"])


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("kind", ["breakdown", "table"])
def test_order_and_default_limits(world: World, order: str, kind: str) -> None:
    query = {"metric": "count", "group_by": "user_id", "order": order}
    default = 10 if kind == "breakdown" else 50
    expected = world.oracle.groups(query, START, END, "acme")
    assert len(expected) > 50
    check_groups(world.ask(query, kind), expected, query | {"limit": default}, (order, kind))


@pytest.mark.parametrize("unique_prop", ["model", "endpoint", "geo.country", "user_id"])
def test_unique_values_of_any_property(world: World, unique_prop: str) -> None:
    query = {"metric": "count_unique", "unique_prop": unique_prop, "event_name": "api.call"}
    check(world.oracle.kpi(query, START, END, "acme"), value_of(world.ask(query, "kpi")), query)


def test_reserved_names_stay_apart(organization: Organization) -> None:
    names = ["time", "value", "share", "delta_pct", "previous_value", "value_"]
    organization.ingest([{"tenant_id": "a", "event_name": "x", "string_props": {name: f"of {name}" for name in names}}])
    for name in names:
        for kind in ("table", "timeseries"):
            query = {"metric": "count", "group_by": name, "period": "24h"}
            result = organization.query(query, kind=kind).expect(200)
            named = [c["name"] for c in result["columns"]]
            assert len(set(named)) == len(named)
            assert {row[column(result, "dimension")] for row in result["rows"]} == {f"of {name}"}
            assert sum(row[measure(result)] for row in result["rows"]) == 1


def test_get_answers_as_post_does(world: World) -> None:
    cases: list[tuple[Json, str]] = [
        ({"metric": "count", "event_name": "api.call", "period": "12mo"}, "kpi"),
        ({"metric": "sum", "numeric_prop": "tokens", "group_by": "model", "period": "12mo", "limit": 3, "order": "asc"}, "breakdown"),
        ({"metric": "count", "granularity": "month", "period": "12mo"}, "timeseries"),
    ]
    for query, kind in cases:
        posted = world.ask(query, kind)
        parameters = urlencode({k: str(v) for k, v in query.items()} | {"tenant_id": "acme", "kind": kind})
        got = world.organization.admin.get(f"/v1/query?{parameters}").expect(200)
        assert got["rows"] == posted["rows"] and got["columns"] == posted["columns"]


def test_new_events_are_seen_at_once_although_results_are_cached(organization: Organization) -> None:
    organization.ingest([{"tenant_id": "a", "event_name": "api.call"}])
    dashboard = organization.create_dashboard([kpi("w"), breakdown("b", "event_name")], publish=True)
    session = organization.session("a", dashboard["id"])
    for number in range(1, 6):
        for _ in range(2):
            assert session.value("w") == number
        organization.ingest([{"tenant_id": "a", "event_name": "api.call"}])


# --- Bad questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [
    {}, {"query": None}, {"query": []}, {"query": {"metric": "count"}, "tenant": "acme"}, {"query": {"metric": "median"}},
    {"query": {"metric": "sum"}}, {"query": {"metric": "count", "period": "5d"}},
    {"query": {"metric": "count", "period": {"from": "x", "to": "y"}}},
    {"query": {"metric": "count", "period": {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}}},
    {"query": {"metric": "count", "period": {"from": "2026-01-02T00:00:00", "to": "2026-01-03T00:00:00"}}},
    {"query": {"metric": "count", "period": {"from": "2026-01-02T00:00:00Z"}}}, {"query": {"metric": "count", "group_by": 5}},
    {"query": {"metric": "count", "limit": 1001}}, {"query": {"metric": "count"}, "timezone": "Mars/Olympus"},
    {"query": {"metric": "count"}, "timezone": "../../etc/passwd"}, {"query": {"metric": "count"}, "tenant_id": ["acme"]},
    {"query": {"metric": "count"}, "tenant_id": {"neq": ""}}, {"query": {"metric": "count"}, "tenant_id": ""},
    {"query": {"metric": "count"}, "kind": "pie"}, {"query": {"metric": "count", "sql": "SELECT 1"}},
    {"query": {"metric": "count", "filters": [{"dimension": "model", "op": "eq", "values": [["x"]]}]}},
    {"query": {"metric": "count", "filters": [{"dimension": "model", "op": "eq", "values": ["x"], "sql": "1"}]}},
    {"query": {"metric": "count", "filters": [{"property": "tokens", "op": "between", "values": [5, 1]}]}},
    {"query": {"metric": "count", "granularity": "minute", "period": {"from": "1990-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}},
     "kind": "timeseries"},
], ids=lambda body: json.dumps(body)[:100])
def test_wrong_questions_are_422(world: World, body: Json) -> None:
    expect_error(world.organization.admin.post("/v1/query", body), 422, sent=json.dumps(body))


@pytest.mark.parametrize("parameters", [
    "metric=median", "metric=count&period=5d", "metric=count&limit=x", "metric=count&metric=sum", "metric=count&colour=red", "metric=sum",
    "metric=count&tenant_id=", "metric=count&filters=x", "metric=count&filters={}", "metric=count&group_by=",
])
def test_wrong_question_strings_are_422(world: World, parameters: str) -> None:
    expect_error(world.organization.admin.get(f"/v1/query?{parameters}"), {400, 422})


def test_text_widgets_and_unknown_ids(world: World) -> None:
    text = {"id": "w_text", "title": "Note", "kind": "text", "position": {"x": 0, "y": 0, "w": 3, "h": 2}, "options": {"text": "**hello**"}}
    dashboard = world.organization.create_dashboard([text, widget("w", "kpi", {})], publish=True)
    session = world.organization.session("acme", dashboard["id"])
    assert "error" not in session.results()["w"]
    expect_error(session.query(widgets=["no_such_widget"]), 404, "widget_not_found")
