"""Widgets of a viewer's own: made of what the dashboard shows anyhow, and never of more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from embantest.client import expect_error
from embantest.guests import guest
from embantest.workspace import Organization, Session, breakdown, event, groups, kpi, table

Json = dict[str, Any]
PATH = "/v1/embed/own-widgets"


def furnished(organization: Organization) -> tuple[Organization, str]:
    for tenant, count in (("acme", 1), ("globex", 7)):
        organization.ingest(
            event(tenant, name, user_id=user, string_props={"model": model, "region": region, "secret": "s"}, numeric_props={"tokens": 10, "cost": 3})
            for name in ("api.call", "login", "audit.hidden") for user in ("u1", "u2") for model in ("gpt-4", "claude")
            for region in ("eu", "us") for _ in range(count))
    return organization, organization.create_dashboard(
        [kpi("w_calls"), kpi("w_tokens", metric="sum", numeric_prop="tokens"), breakdown("w_models"), kpi("w_users", metric="count_unique"),
         table("w_regions", "region", event_name="login", filters=[{"dimension": "region", "op": "eq", "values": ["eu"]}])],
        slug="usage", publish=True)["id"]


@pytest.fixture
def house(organization: Organization) -> tuple[Organization, str]:
    return furnished(organization)


@pytest.fixture(scope="module")
def refusing(module_organization: Organization) -> tuple[Organization, str]:
    """For what is refused, after which it is as before."""
    return furnished(module_organization)


def viewer_of(organization: Organization, dashboard: str, tenant: str = "acme", user: str = "ada", **permissions: Any) -> Session:
    return organization.session(tenant, dashboard, {"allow_manage_widgets": True, **permissions}, context={"userId": user})


def own(kind: str = "breakdown", **query: Any) -> Json:
    return {"title": "Mine", "kind": kind, "query": {"event_name": "api.call", "metric": "count", "period": "30d", **query}}


def add(viewer: Session, body: Json) -> str:
    return viewer.client.post(PATH, body).expect(201)["id"]


def test_the_vocabulary_is_what_the_dashboard_shows(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    assert viewer_of(organization, dashboard).client.get("/v1/embed/vocabulary").expect(200) == {
        "events": ["api.call", "login"], "all_events": False, "dimensions": ["model", "region"], "measures": ["tokens"],
        "uniques": ["model", "region", "user_id"], "max_widgets": 20}
    narrow = viewer_of(organization, dashboard, allowed_dimensions=["model"], hidden_widgets=["w_regions"])
    assert narrow.client.get("/v1/embed/vocabulary").expect(200) == {
        "events": ["api.call"], "all_events": False, "dimensions": ["model"], "measures": [], "uniques": ["model"], "max_widgets": 20}


def test_an_own_widget_is_shown_and_answers_like_others(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = viewer_of(organization, dashboard)
    made = viewer.client.post(PATH, own(group_by="model")).expect(201)
    assert made["id"].startswith("w_own_") and made["own"] is True and made["title"] == "Mine" and made["kind"] == "breakdown"
    identifier = made["id"]
    dashboard_now = viewer.dashboard()
    assert [one["id"] for one in dashboard_now["widgets"] if one.get("own")] == [identifier]
    published = [one for one in dashboard_now["widgets"] if not one.get("own")]
    assert made["position"]["y"] >= max(one["position"]["y"] + one["position"]["h"] for one in published)
    assert groups(viewer.result(identifier)) == {"gpt-4": 4, "claude": 4}
    assert groups(viewer.results()[identifier]) == {"gpt-4": 4, "claude": 4}, "a view without names has it, too"
    assert groups(viewer.result(identifier, {"dimensions": {"model": ["gpt-4"]}})) == {"gpt-4": 4}
    assert len(viewer.drill(identifier, "model", "gpt-4").expect(200)["rows"]) == 4
    assert groups(viewer.drill(identifier, "model", "gpt-4", next_dimension="region").expect(200)) == {"eu": 2, "us": 2}
    assert viewer.export(identifier).text.splitlines()[0].startswith("model")
    listed = viewer.client.get(PATH).expect(200)["data"]
    assert [(one["id"], one["own"], one["available"]) for one in listed] == [(identifier, True, True)]
    placed = viewer.client.post(PATH, own("kpi") | {"position": {"x": 3, "y": 4, "w": 2, "h": 1}}).expect(201)
    assert placed["position"] == {"x": 3, "y": 4, "w": 2, "h": 1}
    assert viewer.client.delete(f"{PATH}/{identifier}").status == 204
    expect_error(viewer.client.delete(f"{PATH}/{identifier}"), 404, "widget_not_found")
    expect_error(viewer.query(widgets=[identifier]), 404, "widget_not_found")


def test_it_belongs_to_one_user_of_one_customer(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    identifier = add(viewer_of(organization, dashboard), own(group_by="model"))
    second = organization.create_dashboard([breakdown("w_models")], publish=True)["id"]
    others = [
        viewer_of(organization, dashboard, user="bob"), viewer_of(organization, dashboard, "globex"), viewer_of(organization, second),
        organization.session("acme", dashboard, {"allow_manage_widgets": True}),
    ]
    for other in others:
        assert other.client.get(PATH).expect(200) == {"data": []}
        assert not [one for one in other.dashboard()["widgets"] if one.get("own")]
        expect_error(other.query(widgets=[identifier]), 404, "widget_not_found")
        expect_error(other.drill(identifier, "model", "gpt-4"), 404, "widget_not_found")
        expect_error(other.export(identifier), 404, "widget_not_found")
        expect_error(other.client.delete(f"{PATH}/{identifier}"), 404, "widget_not_found")
    assert groups(viewer_of(organization, dashboard).result(identifier)) == {"gpt-4": 4, "claude": 4}
    # The same question of another customer is about that customer.
    assert groups(others[1].result(add(others[1], own(group_by="model")))) == {"gpt-4": 28, "claude": 28}


def test_without_the_permission_there_is_none(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    identifier = add(viewer_of(organization, dashboard), own(group_by="model"))
    plain = viewer_of(organization, dashboard, allow_manage_widgets=False)
    for method, path, body in (
        ("GET", PATH, None), ("POST", PATH, own(group_by="model")), ("DELETE", f"{PATH}/{identifier}", None), ("GET", "/v1/embed/vocabulary", None),
    ):
        expect_error(plain.client.request(method, path, body=body), 403, "own_widgets_not_allowed")
    assert not [one for one in plain.dashboard()["widgets"] if one.get("own")]
    expect_error(plain.query(widgets=[identifier]), 404, "widget_not_found")


@pytest.mark.parametrize(("query", "field"), [
    ({"event_name": "audit.hidden"}, "query.event_name"), ({"event_name": "API.call"}, "query.event_name"), ({"event_name": None}, "query.event_name"),
    ({"group_by": "secret"}, "query.group_by"), ({"group_by": "user_id"}, "query.group_by"), ({"group_by": "event_name"}, "query.group_by"),
    ({"metric": "sum", "numeric_prop": "cost"}, "query.numeric_prop"), ({"metric": "max", "numeric_prop": "cost"}, "query.numeric_prop"),
    ({"metric": "count_unique", "unique_prop": "secret"}, "query.unique_prop"),
    ({"second_metric": "sum", "second_numeric_prop": "cost"}, "query.second_numeric_prop"),
    ({"filters": [{"dimension": "secret", "op": "eq", "values": ["s"]}]}, "query.filters[0].dimension"),
    ({"filters": [{"dimension": "user_id", "op": "eq", "values": ["u1"]}]}, "query.filters[0].dimension"),
    ({"filters": [{"property": "cost", "op": "gte", "value": 1}]}, "query.filters[0].property"),
    ({"filters": [{"dimension": "model", "op": "eq", "values": ["{{context.userId}}"]}]}, "query.filters[0].values"),
    ({"filters": [{"dimension": "model", "op": "eq", "values": ["{{context.}}"]}]}, "query.filters[0].values"),
])
def test_what_the_dashboard_does_not_show_is_refused(refusing: tuple[Organization, str], query: Json, field: str) -> None:
    organization, dashboard = refusing
    viewer = viewer_of(organization, dashboard)
    body = own(**({"group_by": "model"} | query))
    details = expect_error(viewer.client.post(PATH, body), 422)["details"]
    assert field in [one["field"] for one in details], details
    assert viewer.client.get(PATH).json == {"data": []}


@pytest.mark.parametrize("change", [
    {"id": "w_calls"}, {"id": "w_own_mine"}, {"own": True}, {"kind": "text", "query": None}, {"kind": "kpi"}, {"kind": "nothing"}, {"chart": "gauge"},
    {"position": {"x": 99}}, {"query": None}, {"user": "bob"}, {"tenant_id": "globex"}, {"title": "x" * 201},
    {"options": {"note": "x" * 9000}}, {"query": {"metric": "count", "event_name": "api.call", "group_by": "model", "tenant_id": "globex"}},
])
def test_wrong_widgets(refusing: tuple[Organization, str], change: Json) -> None:
    organization, dashboard = refusing
    viewer = viewer_of(organization, dashboard)
    # A breakdown drawn as a list, so that a change of the kind alone does not fit.
    body = own("breakdown", group_by="model") | {"chart": "list"} | change
    expect_error(viewer.client.post(PATH, body), 422, "invalid_request")
    assert viewer.client.get(PATH).json == {"data": []}


def test_numbers_and_sizes_are_bounded(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = viewer_of(organization, dashboard)
    for _ in range(20):
        add(viewer, own("kpi"))
    expect_error(viewer.client.post(PATH, own("kpi")), 409, "too_many_own_widgets")
    add(viewer_of(organization, dashboard, user="bob"), own("kpi"))
    assert len(viewer.results()) == 25
    expect_error(viewer.client.post(PATH, raw=json.dumps(own("kpi") | {"description": "x" * 20_000})), 413, "payload_too_large")


def test_the_filters_of_the_dashboard_hold_for_own_widgets(house: tuple[Organization, str]) -> None:
    """No event is counted that none of the published widgets looks at: `login` is shown for `eu` alone."""
    organization, dashboard = house
    viewer = viewer_of(organization, dashboard)
    logins = add(viewer, own(event_name="login", group_by="region"))
    assert groups(viewer.result(logins)) == {"eu": 4}
    assert len(viewer.drill(logins, "region", "us").expect(200)["rows"]) == 0
    assert "us" not in viewer.export(logins).text
    unbound = add(viewer, own(group_by="region"))
    assert groups(viewer.result(unbound)) == {"eu": 4, "us": 4}, "calls are shown of all regions"
    locked = viewer_of(organization, dashboard, locked_filters={"model": "gpt-4"})
    assert groups(locked.result(unbound)) == {"eu": 2, "us": 2}
    short = viewer_of(organization, dashboard, allowed_periods=["7d"])
    expect_error(short.query({"period": "90d"}, [unbound]), 403, "period_not_allowed")


def test_days_of_the_viewers_own_choice_stay_within_the_sessions_periods(house: tuple[Organization, str]) -> None:
    """An own widget's days and comparison are the viewer's choice, not an author's: they must not look past what the session allows."""
    organization, dashboard = house
    wide, short = viewer_of(organization, dashboard), viewer_of(organization, dashboard, allowed_periods=["24h"])
    days = {"from": "2000-01-01", "to": "2099-01-01"}
    for body, field in ((own(group_by="model", period=days), "query.period"), (own("kpi", compare="previous_year"), "query.compare")):
        refused = expect_error(short.client.post(PATH, body), 422)
        assert [(one["field"], one["code"]) for one in refused["details"]] == [(field, "period_not_allowed")]
    kept = add(short, own("kpi", period="90d"))
    assert short.query(widgets=[kept]).expect(200)["results"][kept]["rows"][0]["value"] == 8
    # Of the same user, by a session that may: shown there, and not to the one that may not.
    made = [add(wide, own(group_by="model", period=days)), add(wide, own("kpi", compare="previous_year"))]
    assert groups(wide.result(made[0])) == {"gpt-4": 4, "claude": 4}
    again = viewer_of(organization, dashboard, allowed_periods=["24h"])
    assert {one["id"]: one["available"] for one in again.client.get(PATH).json["data"]} == {kept: True} | dict.fromkeys(made, False)
    for identifier in made:
        expect_error(again.query(widgets=[identifier]), 404, "widget_not_found")
        assert again.export(identifier).status == 404 and again.drill(identifier, "model", "claude").status == 404


def test_a_new_version_takes_what_it_does_not_show(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = viewer_of(organization, dashboard)
    kept, lost = add(viewer, own(group_by="model")), add(viewer, own(group_by="region"))
    draft = organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)
    organization.admin.put(f"/v1/dashboards/{dashboard}", draft | {"widgets": [breakdown("w_models")]}).expect(200)
    organization.publish(dashboard)
    assert [one["id"] for one in viewer.dashboard()["widgets"] if one.get("own")] == [kept]
    expect_error(viewer.query(widgets=[lost]), 404, "widget_not_found")
    assert {one["id"]: one["available"] for one in viewer.client.get(PATH).json["data"]} == {kept: True, lost: False}
    organization.admin.put(f"/v1/dashboards/{dashboard}", {key: draft[key] for key in ("name", "slug", "widgets")}).expect(200)
    organization.publish(dashboard)
    assert groups(viewer.result(lost)) == {"eu": 4, "us": 4}


def test_guests_have_them_by_their_own_name_for_the_permission(house: tuple[Organization, str]) -> None:
    organization, _ = house
    viewer = guest(organization, "acme", "usage", permissions={"isEnableManageMetrics": True}, params={"userId": "ada"})
    identifier = add(viewer, own(group_by="model"))
    assert groups(viewer.result(identifier)) == {"gpt-4": 4, "claude": 4}
    layout = viewer_of(organization, "usage", allow_customize_layout=True).client.get("/v1/embed/layout").expect(200)
    assert identifier in layout["positions"]
