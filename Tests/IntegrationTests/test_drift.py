"""Schemas drift: what docs/events.md says about types that change, very many names, and names of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from embantest.client import expect_error
from embantest.process import EmbanProcess
from embantest.workspace import Organization, breakdown, event, groups, kpi, value_of

Json = dict[str, Any]


def number(organization: Organization, name: str, metric: str = "sum", **more: Any) -> float | None:
    return value_of(organization.query({"metric": metric, "numeric_prop": name}, **more).expect(200))


def values(organization: Organization, name: str, **more: Any) -> dict[str, float]:
    """The events by the values of a dimension, without those that do not have it."""
    found = groups(organization.query({"group_by": name}, kind="breakdown", **more).expect(200))
    found.pop("", None)
    return found


# --- Types ----------------------------------------------------------------------------------------------------------------


def test_a_number_may_be_whole_now_and_broken_then(organization: Organization) -> None:
    """In one request and in many; nothing is cut off and nothing left out."""
    sent = [1, 2.5, 3, -0.25, 0, 1e15, 1e300, 9007199254740993, -1e15]
    organization.ingest([event(numeric_props={"x": value}) for value in sent[:5]])
    for value in sent[5:]:
        organization.ingest([event(numeric_props={"x": value})])
    assert number(organization, "x", "max") == 1e300 and number(organization, "x", "min") == -1e15
    assert number(organization, "x", "p50") == 2.5
    organization.ingest([event("small", numeric_props={"x": value}) for value in sent[:5]])
    assert number(organization, "x", tenant_id="small") == 6.25
    assert number(organization, "x", "avg", tenant_id="small") == 1.25
    found = organization.query(
        {"metric": "count", "filters": [{"property": "x", "op": "between", "values": [2.5, 3]}]}, tenant_id="small").expect(200)
    assert value_of(found) == 2


def test_a_property_may_be_a_text_now_and_a_number_then(organization: Organization) -> None:
    """They are two properties of one name, a dimension and a measure, also in one event; neither spoils the other."""
    organization.ingest([
        event(string_props={"status": "200"}), event(numeric_props={"status": 200}),
        event(string_props={"status": "500"}, numeric_props={"status": 500}), event(string_props={"status": "true"}),
        event(string_props={"status": "2026-01-01"}),
    ])
    assert values(organization, "status") == {"200": 1, "500": 1, "true": 1, "2026-01-01": 1}
    assert number(organization, "status") == 700
    found = organization.admin.get("/v1/discover").expect(200)["events"][0]
    assert [one["name"] for one in found["dimensions"]] == ["status"] and [one["name"] for one in found["numeric_properties"]] == ["status"]
    # A value is never turned into what it is not: the sender is told.
    for wrong, code in (({"string_props": {"a": 1}}, "string_props_type"), ({"numeric_props": {"a": "1"}}, "numeric_props_type"),
                        ({"string_props": {"a": True}}, "string_props_type"), ({"numeric_props": {"a": None}}, "numeric_props_type"),
                        ({"string_props": {"a": {"b": "c"}}}, "string_props_type"), ({"numeric_props": {"a": [1]}}, "numeric_props_type")):
        assert refusal(organization, wrong)["code"] == code, wrong


def refusal(organization: Organization, properties: Json) -> Json:
    body = expect_error(organization.admin.post("/v1/events", {"events": [event(**properties)]}), 422, "no_valid_event")
    return body["errors"][0]


# --- Names ----------------------------------------------------------------------------------------------------------------


def test_two_thousand_names_are_two_thousand_properties(own_server: Callable[..., EmbanProcess]) -> None:
    """More than the store gives columns of their own: what is beyond is found all the same, and the widgets of others do not notice.

    On a server of its own: a merge of parts with so many columns opens thousands of files, of which a machine may allow 20,000.
    """
    organization = Organization(own_server().start().url)
    for start in range(0, 2000, 250):
        organization.ingest(
            event("wide", string_props={f"name_{n:04}": f"v{n % 7}"}, numeric_props={f"number_{n:04}": n})
            for n in range(start, start + 250) for _ in range(2))
    organization.ingest([event("plain", string_props={"model": "gpt-4"}, numeric_props={"tokens": 5})] * 3)
    for n in (0, 1, 999, 1023, 1024, 1025, 1500, 1999):
        assert number(organization, f"number_{n:04}", tenant_id="wide") == 2 * n
        assert values(organization, f"name_{n:04}", tenant_id="wide") == {f"v{n % 7}": 2}
    assert number(organization, "number_2000", tenant_id="wide") in (0, None)
    assert values(organization, "model") == {"gpt-4": 3} and number(organization, "tokens") == 15
    dashboard = organization.create_dashboard(
        [kpi("w_number", metric="sum", numeric_prop="number_1999"), breakdown("w_name", group_by="name_1999")], publish=True)["id"]
    session = organization.session("wide", dashboard)
    assert session.value("w_number") == 3998 and groups(session.result("w_name"))["v4"] == 2
    assert [one["value"] for one in session.filter_values("name_1999").expect(200)["values"] if one["value"]] == ["v4"]
    # What events look like is told of the most frequent names, and a first dashboard can be made of them.
    found = organization.admin.get("/v1/discover", query={"tenant_id": "wide"}).expect(200)["events"][0]
    assert found["count"] == 4000 and len(found["dimensions"]) == len(found["numeric_properties"]) == 50
    organization.admin.post("/v1/discover/auto-create", {}).expect(201)


NAMES = [
    "a.b", "a", "a.b.c", ".", "..", 'q"uote', "back`tick", "it's", "back\\slash", "a%b", "a%2eb", "a b", " ", "caf\u00e9", "cafe\u0301", "^x",
    "x[]", ":String", "$", "{}", "null", "\U0001f389", "SELECT", "; DROP", "{p0:String}", "n" * 128,
]


def test_a_name_may_hold_dots_and_quotes(organization: Organization) -> None:
    """Each name is a property of its own, as it is written; none is taken for a path, for SQL, or for another."""
    organization.ingest([event(string_props={name: f"value of {name}"[:200]}, numeric_props={name: index + 1}) for index, name in enumerate(NAMES)])
    for index, name in enumerate(NAMES):
        assert values(organization, name) == {f"value of {name}"[:200]: 1}, name
        assert number(organization, name) == index + 1, name
    widgets = [breakdown(f"w_{index}", group_by=name) for index, name in enumerate(NAMES)]
    session = organization.session("acme", organization.create_dashboard(widgets, publish=True)["id"])
    results = session.results()
    for index, name in enumerate(NAMES):
        assert groups(results[f"w_{index}"])[f"value of {name}"[:200]] == 1, name


def test_all_names_in_one_event(organization: Organization) -> None:
    organization.ingest([event(string_props={name: name for name in NAMES}, numeric_props={name: 7 for name in NAMES})] * 2)
    for name in NAMES:
        assert values(organization, name) == {name: 2} and number(organization, name) == 14, name


@pytest.mark.parametrize("name, code", [
    ("", "property_name_length"), ("n" * 129, "property_name_length"), ("a\tb", "property_name_characters"),
    ("a\u0000", "property_name_characters"), ("a%2Eb", "property_name_characters"), ("^`x", "property_name_characters"),
])
def test_names_that_cannot_be_kept_are_refused(organization: Organization, name: str, code: str) -> None:
    for field, value in (("string_props", "x"), ("numeric_props", 1)):
        error = refusal(organization, {field: {name: value}})
        assert error["code"] == code and error["field"].startswith(field + ".")
    # The others of the request are stored.
    answer = organization.admin.post("/v1/events", {"events": [event(), event(string_props={name: "x"})]}).expect(200)
    assert answer["accepted"] == 1 and answer["errors"][0]["index"] == 1


def test_an_empty_value_is_that_of_an_event_without_the_property(organization: Organization) -> None:
    organization.ingest([event(string_props={"model": ""}), event(), event(string_props={"model": "x"})])
    found = groups(organization.query({"group_by": "model"}, kind="breakdown").expect(200))
    assert found == {"": 2, "x": 1}
