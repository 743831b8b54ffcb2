"""Whole dashboards against the independent computation: every widget of one request, alone, streamed, repeated, and after new events."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from embantest import local_time, worlds
from embantest.comparing import differences, now
from embantest.questions import GENERATED, Case, Chooser
from embantest.reckoner import DEFAULT_LIMITS, Question, Reckoner
from embantest.workspace import Organization, Session

Json = dict[str, Any]

SEED = 11
WIDGETS = 24
DIMENSIONS = ["model", "endpoint", worlds.NAMES["dotted"], worlds.NAMES["quoted"], "user_id", "event_name"]
NUMBERS = ["tokens", "latency_ms", "delta", worlds.NAMES["number"]]


def states(zone: str) -> dict[str, Json]:
    chance = random.Random(SEED)
    spans = worlds.spans(zone, chance)
    return {
        "nothing": {},
        "values": {"dimensions": {"model": ["gpt-4", "gpt-4o", "o'neil \"quoted\"", "\\N"]}},
        "values of two, and numbers": {
            "dimensions": {worlds.NAMES["quoted"]: [f"'{n}\\" for n in range(9)], "event_name": "api.call"},
            "numericRanges": {"tokens": {"min": 100}, "delta": {"min": -20.5, "max": 40}}},
        "numbers": {"numericRanges": {worlds.NAMES["number"]: {"max": 1}}, "dimensions": {"model": []}},
        "a day": {"dateRanges": spans["day"][0]},
        "days": {"dateRanges": spans["three days"][0], "period": "90d"},
        "weeks and values": {"dateRanges": spans["weeks"][0], "dimensions": {worlds.NAMES["dotted"]: ["DE", "FR"], "user_id": ["ac-1", "ac-2", "gl-3", ""]}},
        "years": {"dateRanges": spans["two years"][0]},
        "minutes": {"dateRanges": spans["minutes"][0]},
    }


def conditions(state: Json) -> list[Json]:
    """What a state or the locked filters of a session ask for, as filters of a query."""
    found: list[Json] = []
    for name, values in state.get("dimensions", {}).items():
        if values:
            found.append({"dimension": name, "op": "in", "values": [values] if isinstance(values, str) else values})
    for name, bounds in state.get("numericRanges", {}).items():
        op = "between" if len(bounds) == 2 else "gte" if "min" in bounds else "lte"
        found.append({"property": name, "op": op, "values": [bounds[side] for side in ("min", "max") if side in bounds]})
    return found


class Views:
    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.chance = random.Random(SEED)
        events = worlds.generate(SEED)
        organization.ingest(events)
        self.reckoner = Reckoner(events)
        self.dashboards: dict[str, tuple[str, dict[str, Case]]] = {}
        #: Answers that were right, by what was asked: the same answer again needs no second computation until there are new events.
        self.right: dict[str, Json] = {}

    def add(self, events: list[Json]) -> None:
        self.organization.ingest(events)
        self.reckoner.add(events)
        self.right.clear()

    def dashboard(self, zone: str) -> tuple[str, dict[str, Case]]:
        """A published dashboard with widgets of every shape, as many of which share what they count as differ in it."""
        if zone not in self.dashboards:
            chooser = Chooser(SEED + len(self.dashboards))
            cases = [case for case in chooser.product(shape=GENERATED.factors["shape"], zone=[zone], metric=["count", "sum", "avg", "p95"])]
            same = {"event": ["api.call"], "filters": [0], "span": ["quarter"], "zone": [zone]}
            shared = [
                case for case in chooser.product(shape=GENERATED.factors["shape"], metric=["count", "count_unique", "sum", "p50"], **same)
                if case.query.get("granularity") != "hour"]
            self.chance.shuffle(cases)
            self.chance.shuffle(shared)
            chosen = {f"w{index}": case for index, case in enumerate([*cases[:WIDGETS // 2], *shared[:WIDGETS // 2]])}
            widgets = [
                {"id": name, "title": name, "kind": case.kind, "position": {"x": 0, "y": 3 * index, "w": 6, "h": 3}, "query": case.query}
                for index, (name, case) in enumerate(chosen.items())]
            filters: list[Json] = [{"id": f"d{index}", "type": "multi_select", "dimension": name} for index, name in enumerate(DIMENSIONS)]
            filters += [{"id": f"n{index}", "type": "numeric_range", "property": name} for index, name in enumerate(NUMBERS)]
            filters += [{"id": "dates", "type": "date_range"}, {"id": "period", "type": "period"}]
            made = self.organization.create_dashboard(widgets, filters=filters, publish=True)
            self.dashboards[zone] = made["id"], chosen
        return self.dashboards[zone]

    def complaints(self, case: Case, tenant: str, state: Json, locked: Json, result: Json, asked: int) -> list[str]:
        key = repr((case, tenant, state, locked))
        answered = {name: part for name, part in result.items() if name != "meta"}
        if self.right.get(key) == answered and result["meta"]["rows"] == len(result["rows"]):
            return []
        query = case.query | ({"period": state["dateRanges"]} if "dateRanges" in state else {})
        more = conditions(state) + conditions({"dimensions": locked})
        question = Question(query, case.kind, tenant, case.zone, asked, more, chosen="dateRanges" in state)
        if complaints := differences(self.reckoner, question, result, now()):
            return complaints
        self.right[key] = answered
        return []

    def check(self, cases: dict[str, Case], tenant: str, state: Json, locked: Json, results: Json, asked: int, how: str) -> int:
        assert set(results) == set(cases), f"{how}: other widgets than were asked for"
        wrong = []
        for name, case in cases.items():
            if complaints := self.complaints(case, tenant, state, locked, results[name], asked):
                wrong.append("\n    ".join([f"{how}: {name}, {case.kind} in {case.zone} of {tenant!r}: {case.query}, state {state}, locked {locked}", *complaints[:4]]))
        assert not wrong, f"{len(wrong)} of {len(cases)} widgets differ\n" + "\n".join(wrong[:8])
        return len(cases)


@pytest.fixture(scope="module")
def views(module_organization: Organization) -> Views:
    return Views(module_organization)


def streamed(session: Session, state: Json) -> Json:
    answer = session.client.post("/v1/embed/query", {"state": state}, headers={"Accept": "application/x-ndjson"})
    assert answer.status == 200, str(answer)
    assert len({line["widget"] for line in answer.lines}) == len(answer.lines)
    return {line["widget"]: line["result"] for line in answer.lines}


@pytest.mark.parametrize("zone", worlds.ZONES)
def test_a_dashboard_as_a_whole_and_in_parts(views: Views, zone: str) -> None:
    dashboard, cases = views.dashboard(zone)
    compared = 0
    for tenant, chosen in (("acme", states(zone)), (worlds.HOSTILE_TENANT, {"nothing": {}, "values": states(zone)["values"]})):
        session = views.organization.session(tenant, dashboard, timezone=zone)
        for name, state in chosen.items():
            asked = now()
            compared += views.check(cases, tenant, state, {}, session.results(state), asked, f"whole, {name}")
            # The same from the cache, streamed, in another order of the widgets, and widget by widget.
            asked = now()
            compared += views.check(cases, tenant, state, {}, session.results(state), asked, f"repeated, {name}")
            compared += views.check(cases, tenant, state, {}, streamed(session, state), asked, f"streamed, {name}")
            some = views.chance.sample(list(cases), 6)
            part = {name: cases[name] for name in some}
            compared += views.check(part, tenant, state, {}, session.results(state, some), asked, f"some, {name}")
            for alone in some[:3]:
                compared += views.check({alone: cases[alone]}, tenant, state, {}, session.results(state, [alone]), asked, f"alone, {name}")
    assert compared == 11 * (3 * WIDGETS + 9)


@pytest.mark.parametrize("zone", worlds.MORE_ZONES)
def test_zones_that_are_sampled(views: Views, zone: str) -> None:
    """The dashboards of the other zones, seen from here."""
    dashboard, there = views.dashboard(worlds.ZONES[worlds.MORE_ZONES.index(zone) % len(worlds.ZONES)])
    cases = {name: replace(case, zone=zone) for name, case in there.items()}
    session = views.organization.session("acme", dashboard, timezone=zone)
    for name in ("nothing", "days"):
        state = states(zone)[name]
        asked = now()
        views.check(cases, "acme", state, {}, session.results(state), asked, f"whole, {name}")


def test_the_zone_of_the_dashboard_and_of_nobody(views: Views) -> None:
    """A session without a zone takes the dashboard's, and UTC where that names none."""
    zone = "America/New_York"
    dashboard, cases = views.dashboard(zone)
    utc = {name: replace(case, zone="UTC") for name, case in cases.items()}
    asked = now()
    views.check(utc, "acme", {}, {}, views.organization.session("acme", dashboard).results(), asked, "no zone")
    some = dict(list(cases.items())[:6])
    widgets = [{"id": name, "title": name, "kind": case.kind, "query": case.query} for name, case in some.items()]
    own = views.organization.create_dashboard(widgets, timezone=zone, publish=True)
    views.check(some, "acme", {}, {}, views.organization.session("acme", own["id"]).results(), asked, "zone of the dashboard")


@pytest.mark.parametrize("locked", [
    {"model": ["gpt-4", "claude", "字 🦆"]}, {"model": "o'neil \"quoted\"", worlds.NAMES["dotted"]: ["DE", "US"]}, {worlds.NAMES["quoted"]: "'3\\"},
    {worlds.NAMES["field"]: "acme"},
], ids=str)
def test_locked_filters_beside_the_viewers_own(views: Views, locked: Json) -> None:
    zone = "Australia/Lord_Howe"
    dashboard, cases = views.dashboard(zone)
    free = views.organization.session("acme", dashboard, timezone=zone)
    session = views.organization.session("acme", dashboard, {"locked_filters": locked}, timezone=zone)
    for name in ("nothing", "numbers", "a day", "weeks and values"):
        state = states(zone)[name]
        if set(state.get("dimensions", {})) & set(locked):
            continue
        asked = now()
        # Asked between two views without the lock: neither may come out of the other's cache.
        views.check(cases, "acme", state, {}, free.results(state), asked, f"free, {name}")
        views.check(cases, "acme", state, locked, session.results(state), asked, f"locked, {name}")
        views.check(cases, "acme", state, {}, free.results(state), asked, f"free again, {name}")


def test_new_events_count_in_the_next_view_of_their_tenant_alone(views: Views) -> None:
    zone = "America/New_York"
    dashboard, cases = views.dashboard(zone)
    sessions = {tenant: views.organization.session(tenant, dashboard, timezone=zone) for tenant in ("acme", "globex")}
    chosen = [{}, states(zone)["values"], states(zone)["days"]]
    chance = random.Random(SEED)
    for turn in range(4):
        for tenant, session in sessions.items():
            for state in chosen:
                asked = now()
                views.check(cases, tenant, state, {}, session.results(state), asked, f"turn {turn}")
        tenant = ["acme", "globex"][turn % 2]
        moments = [chance.choice(worlds.moments(chance, [zone])) for _ in range(4)] + [local_time.read("2025-06-01T12:00:00Z")]
        events = [worlds.event(chance, tenant, moment) for moment in moments]
        views.add(events)


def test_the_same_event_sent_again_counts_once_in_a_view(views: Views) -> None:
    zone = "UTC"
    dashboard, cases = views.dashboard(zone)
    session = views.organization.session("globex", dashboard, timezone=zone)
    event = worlds.event(random.Random(1), "globex", local_time.read("2025-03-09T07:00:00Z")) | {"event_id": "once"}
    for turn in range(3):
        if turn == 0:
            views.add([event])
        else:
            views.organization.ingest([event])
        asked = now()
        views.check(cases, "globex", {}, {}, session.results(), asked, f"turn {turn}")


def test_what_lies_behind_a_value_and_a_bucket(views: Views) -> None:
    """The next level is the table of the same metric over what was opened; without a next level the newest events come, all of them opened."""
    zone = "America/New_York"
    dashboard, cases = views.dashboard(zone)
    session = views.organization.session("acme", dashboard, timezone=zone)
    levels = [("model", "gpt-4"), (worlds.NAMES["quoted"], "'3\\"), (worlds.NAMES["dotted"], "DE"), ("model", ""), ("event_name", "api.call"), ("model", "e\u0301")]
    wrong, asked_for = [], 0
    for index, (name, case) in enumerate(cases.items()):
        dimension, value = levels[index % len(levels)]
        further = levels[(index + 2) % len(levels)]
        state = list(states(zone).values())[index % 7]
        first, end = local_time.span(state.get("dateRanges", case.query["period"]), zone, now())
        middle = (first + end) // 2
        for body, opened, span in (
            ({"dimension": dimension, "value": value}, [(dimension, value)], (first, end)),
            ({"dimension": dimension, "value": value, "filters": [dict(zip(("dimension", "value"), further, strict=True))]}, [(dimension, value), further], (first, end)),
            ({"range": {"from": local_time.write(middle), "to": local_time.write(end + local_time.DAY)}}, [], (middle, end)),
        ):
            if middle == first:
                continue
            asked_for += 1
            kept = {key: case.query[key] for key in ("event_name", "metric", "numeric_prop", "unique_prop", "order", "filters") if key in case.query}
            query = kept | {"period": {"from": local_time.write(span[0]), "to": local_time.write(span[1])}, "group_by": "endpoint", "limit": 5}
            more = conditions(state) + [{"dimension": one, "op": "eq", "values": [text]} for one, text in opened]
            question = Question(query, "table", "acme", zone, now(), more)
            facts = views.reckoner.facts(question, *span)
            answer = session.client.post("/v1/embed/drill", {"widget": name, "state": state, **body, "next_dimension": "endpoint", "limit": 5})
            complaints = [str(answer)] if answer.status != 200 else views.reckoner.complaints(question, answer.json)
            rows = session.client.post("/v1/embed/drill", {"widget": name, "state": state, **body, "limit": 1000})
            times = [row["time"] for row in rows.json["rows"]] if rows.status == 200 else [str(rows)]
            if times != [local_time.write(fact.at) for fact in reversed(facts)][:1000]:
                complaints.append(f"{len(times)} events, {times[:2]}…, expected {len(facts)}")
            if complaints:
                wrong.append(f"{body} of {name} {case.query} in {state}\n    " + "\n    ".join(complaints[:4]))
    assert not wrong, f"{len(wrong)} of {asked_for} differ\n" + "\n".join(wrong[:8])


def test_limits_of_series_and_rows_hold(views: Views) -> None:
    question: Json = {"metric": "count", "group_by": "user_id", "period": {"from": "2024-01-01", "to": "2025-12-31"}}
    for kind, limit in DEFAULT_LIMITS.items():
        answer = views.organization.query(question, kind=kind).expect(200)
        assert len({row["user_id"] for row in answer["rows"]}) == limit
