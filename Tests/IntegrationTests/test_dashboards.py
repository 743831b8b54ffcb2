"""Dashboards: the draft's life, publishing, versions, and that a draft never reaches a customer."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from embantest.client import Response, expect_error
from embantest.workspace import Organization, breakdown, event, kpi, table, timeseries, widget

#: The configuration of CONTRACT §4, every member used.
FULL: dict[str, Any] = {
    "name": "Usage", "description": "What our API does for you",
    "layout": {"columns": 12, "row_height": 80},
    "filters": [
        {"id": "f_period", "type": "period", "default": "30d", "options": ["24h", "7d", "30d", "90d"]},
        {"id": "f_model", "type": "select", "dimension": "model", "label": "Model"},
        {"id": "f_endpoint", "type": "multi_select", "dimension": "endpoint"},
        {"id": "f_lat", "type": "numeric_range", "property": "latency_ms"},
        {"id": "f_dates", "type": "date_range"},
    ],
    "theme": {
        "primaryColor": "#0f9d58", "backgroundColor": "#ffffff", "cardBackground": "#fafafa", "cardBorder": "#eeeeee",
        "textColor": "#111111", "mutedColor": "#666666", "fontFamily": "Inter, sans-serif", "logoUrl": "https://example.com/logo.png",
        "palette": ["#0f9d58", "#4285f4"], "mode": "light", "poweredBy": True,
    },
    "widgets": [{
        "id": "w_calls", "title": "Calls", "kind": "kpi", "chart": "stat", "position": {"x": 0, "y": 0, "w": 3, "h": 2},
        "query": {"event_name": "api.call", "metric": "count", "period": "30d", "compare": "previous_period"},
        "format": {"style": "number", "decimals": 0, "unit": "ms"}, "options": {},
    }],
}


def path(dashboard: Any, action: str = "") -> str:
    return f"/v1/dashboards/{dashboard['id']}{action}"


def revision(answer: Response) -> str:
    tag = answer.header("ETag")
    assert tag.startswith('"') and tag.endswith('"'), f"the draft's revision comes as ETag, not {tag!r}"
    return tag


# --- Create and read ------------------------------------------------------------------------------------------------------


def test_every_member_of_the_contract_comes_back(organization: Organization) -> None:
    slug = f"usage-{time.time_ns()}"
    made = organization.admin.post("/v1/dashboards", FULL | {"slug": slug}).expect(201)
    assert made["id"].startswith("dash_")
    for source in (made, organization.admin.get(path(made)).expect(200), organization.admin.get(f"/v1/dashboards/{slug}").expect(200)):
        for member, value in (FULL | {"slug": slug}).items():
            assert source[member] == value, member


@pytest.mark.parametrize(("kind", "chart"), [
    ("kpi", "stat"), ("kpi", "progress"), ("timeseries", "area"), ("timeseries", "line"), ("timeseries", "bar"),
    ("breakdown", "bar"), ("breakdown", "list"), ("table", "table"),
])
def test_every_documented_kind_and_chart_is_taken(module_organization: Organization, kind: str, chart: str) -> None:
    query = {"group_by": "model"} if kind in ("breakdown", "table") else {}
    made = module_organization.create_dashboard([widget("w", kind, query, chart=chart)])
    assert (made["widgets"][0]["kind"], made["widgets"][0]["chart"]) == (kind, chart)


@pytest.mark.parametrize(("change", "field"), [
    ({"name": None}, "name"), ({"name": ""}, "name"), ({"name": 5}, "name"), ({"name": "x" * 10_000}, "name"),
    ({"slug": "Not A Slug!"}, "slug"), ({"slug": "../x"}, "slug"), ({"slug": ""}, "slug"), ({"slug": 1}, "slug"),
    ({"widgets": {}}, "widgets"), ({"widgets": ["w"]}, "widgets[0]"), ({"layout": {"columns": 7}}, "layout.columns"),
    ({"layout": {"rows": 7}}, "layout.rows"), ({"colour": "red"}, "colour"),
    ({"filters": [{"id": "f", "type": "slider"}]}, "filters[0].type"),
    ({"filters": [{"id": "f", "type": "select"}]}, "filters[0].dimension"), ({"theme": {"primaryColour": "#fff"}}, "theme.primaryColour"),
    ({"theme": {"primaryColor": "red;} body{display:none"}}, "theme.primaryColor"), ({"theme": {"mode": "sepia"}}, "theme.mode"),
    ({"theme": {"logoUrl": "javascript:alert(1)"}}, "theme.logoUrl"), ({"theme": {"fontFamily": "x;}*{color:red"}}, "theme.fontFamily"),
    ({"filters": [{"id": "f", "type": "period", "options": ["5d"]}]}, "filters[0].options"),
], ids=lambda value: str(value)[:60])
def test_wrong_configurations_are_422_and_name_the_field(module_organization: Organization, change: Any, field: str) -> None:
    before = len(module_organization.admin.pages("/v1/dashboards"))
    body = {k: v for k, v in (FULL | {"slug": None} | change).items() if v is not None}
    details = expect_error(module_organization.admin.post("/v1/dashboards", body), 422)["details"]
    assert any(detail["field"].startswith(field) for detail in details), details
    assert len(module_organization.admin.pages("/v1/dashboards")) == before


@pytest.mark.parametrize(("change", "field"), [
    ({"kind": "pie"}, "kind"), ({"kind": None}, "kind"), ({"chart": "area"}, "chart"), ({"id": None}, "id"), ({"id": ""}, "id"),
    ({"query": None}, "query"), ({"query": {"metric": "median"}}, "query.metric"), ({"query": {"metric": "sum"}}, "query.numeric_prop"),
    ({"query": {"metric": "p95"}}, "query.numeric_prop"), ({"query": {"metric": "count", "period": "5d"}}, "query.period"),
    ({"query": {"metric": "count", "granularity": "second"}}, "query.granularity"),
    ({"query": {"metric": "count", "compare": "last_week"}}, "query.compare"),
    ({"query": {"metric": "count", "limit": 0}}, "query.limit"), ({"query": {"metric": "count", "limit": 100_000}}, "query.limit"),
    ({"query": {"metric": "count", "limit": 1.5}}, "query.limit"), ({"query": {"metric": "count", "limit": "5"}}, "query.limit"),
    ({"query": {"metric": "count", "groupby": "model"}}, "query.groupby"),
    ({"query": {"metric": "count", "filters": [{"dimension": "model", "op": "like", "values": ["x"]}]}}, "query.filters[0].op"),
    ({"query": {"metric": "count", "filters": [{"dimension": "model", "op": "in", "values": []}]}}, "query.filters[0].values"),
    ({"query": {"metric": "count", "filters": [{"dimension": "model", "op": "eq", "values": [1]}]}}, "query.filters[0].values"),
    ({"query": {"metric": "count", "filters": [{"property": "tokens", "op": "gte", "values": ["a"]}]}}, "query.filters[0]"),
    ({"query": {"metric": "count", "filters": [{"op": "eq", "values": ["a"]}]}}, "query.filters[0]"),
    ({"position": {"x": 12, "y": 0, "w": 3, "h": 2}}, "position"), ({"position": {"x": 0, "y": -1, "w": 3, "h": 2}}, "position.y"),
    ({"position": {"x": 10, "y": 0, "w": 3, "h": 2}}, "position"), ({"format": {"style": "roman"}}, "format.style"),
    ({"format": {"decimals": 99}}, "format.decimals"), ({"options": []}, "options"), ({"tooltip": "x"}, "tooltip"),
], ids=lambda value: str(value)[:70])
def test_wrong_widgets_are_422_and_name_the_field(module_organization: Organization, change: Any, field: str) -> None:
    good = FULL["widgets"][0] | change
    body = {"name": "x", "widgets": [{k: v for k, v in good.items() if v is not None}]}
    details = expect_error(module_organization.admin.post("/v1/dashboards", body), 422)["details"]
    assert any(detail["field"].startswith(f"widgets[0].{field}") for detail in details), details


def test_ids_of_widgets_are_unique(module_organization: Organization) -> None:
    body = {"name": "x", "widgets": [kpi("w"), kpi("w")]}
    details = expect_error(module_organization.admin.post("/v1/dashboards", body), 422)["details"]
    assert details[0]["field"] == "widgets[1].id"


# --- Lists ----------------------------------------------------------------------------------------------------------------


def test_lists_are_paged(organization: Organization) -> None:
    made = {organization.create_dashboard(name=f"Dashboard {number}")["id"] for number in range(7)}
    for limit in (1, 3, 7, 100):
        listed = [row["id"] for row in organization.admin.pages("/v1/dashboards", limit=limit)]
        assert len(listed) == 7 and set(listed) == made
    for query in ({"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"limit": "1000000"}, {"cursor": "garbage"}, {"cursor": "' OR 1=1 --"}):
        expect_error(organization.admin.get("/v1/dashboards", query=query), 422)


def test_deleting(organization: Organization) -> None:
    kept, gone = organization.create_dashboard(), organization.create_dashboard(publish=True)
    organization.ingest([event()])
    session = organization.session("acme", gone["id"])
    assert session.query().status == 200
    assert organization.admin.delete(path(gone)).status == 204
    for method, action in (("GET", ""), ("DELETE", ""), ("POST", "/publish"), ("POST", "/restore"), ("GET", "/versions"),
        ("GET", "/versions/1")):
        expect_error(organization.admin.request(method, path(gone, action)), 404)
    assert [row["id"] for row in organization.admin.pages("/v1/dashboards")] == [kept["id"]]
    expect_error(session.client.get("/v1/embed/dashboard"), {401, 404})
    expect_error(session.query(), {401, 404})
    expect_error(organization.admin.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": gone["id"]}), 404)


# --- Slugs ----------------------------------------------------------------------------------------------------------------


def test_slugs_are_unique_within_the_organisation(organization: Organization, other_organization: Organization) -> None:
    first = organization.create_dashboard(slug="usage")
    expect_error(organization.admin.post("/v1/dashboards", {"name": "x", "slug": "usage"}), 409)
    assert other_organization.create_dashboard(slug="usage")["slug"] == "usage"
    second = organization.create_dashboard(name="Usage of things")
    third = organization.create_dashboard(name="Usage of things")
    assert second["slug"] and third["slug"] and second["slug"] != third["slug"], "slugs are made of names and kept apart"
    expect_error(organization.admin.patch(path(second), {"slug": "usage"}), 409)
    assert organization.admin.get("/v1/dashboards/usage").expect(200)["id"] == first["id"]


def test_the_slug_works_wherever_the_id_does(organization: Organization) -> None:
    made = organization.create_dashboard(slug="by-slug")
    assert organization.admin.patch("/v1/dashboards/by-slug", {"name": "Renamed"}).expect(200)["name"] == "Renamed"
    assert organization.admin.post("/v1/dashboards/by-slug/publish").status == 204
    assert organization.admin.get("/v1/dashboards/by-slug/versions/1").expect(200)
    assert organization.admin.post("/v1/dashboards/by-slug/duplicate").expect(201)["id"] != made["id"]
    assert organization.session("acme", "by-slug").dashboard()["id"] == made["id"]
    assert organization.admin.delete("/v1/dashboards/by-slug").status == 204
    expect_error(organization.admin.get(path(made)), 404)


# --- PUT, PATCH, If-Match -------------------------------------------------------------------------------------------------


def test_put_replaces_and_patch_changes(organization: Organization) -> None:
    made = organization.create_dashboard([kpi("w_a"), kpi("w_b")], description="before", theme={"primaryColor": "#0f9d58"})
    patched = organization.admin.patch(path(made), {"name": "After"}).expect(200)
    assert (patched["name"], patched["description"], len(patched["widgets"])) == ("After", "before", 2)
    assert patched["theme"]["primaryColor"] == "#0f9d58" and patched["slug"] == made["slug"]
    put = organization.admin.put(path(made), {"name": "Anew", "widgets": [kpi("w_c")]}).expect(200)
    assert (put["name"], put["description"], [w["id"] for w in put["widgets"]]) == ("Anew", "", ["w_c"])
    assert organization.admin.get(path(made)).expect(200)["widgets"] == put["widgets"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("body", [
    {"name": ""}, {"name": 5}, {"name": "x", "id": "dash_other"}, {"name": "x", "organization_id": "org_x"}, {"name": "x", "version": 7},
    {"name": "x", "widgets": [{"id": "w"}]}, {"name": "x", "published_at": "2026-01-01T00:00:00Z"}, [], "x", {"name": "x", "widgets": 5},
], ids=str)
def test_wrong_changes_are_422_and_change_nothing(module_organization: Organization, method: str, body: Any) -> None:
    made = module_organization.create_dashboard()
    expect_error(module_organization.admin.request(method, path(made), body=body), 422)
    assert module_organization.admin.get(path(made)).expect(200)["name"] == "Usage"


def test_if_match_refuses_to_overwrite_what_somebody_else_saved(organization: Organization) -> None:
    made = organization.create_dashboard()
    read = organization.admin.get(path(made))
    mine = organization.admin.patch(path(made), {"name": "Mine"}, headers={"If-Match": revision(read)})
    assert mine.status == 200 and revision(mine) != revision(read)
    for method in ("PATCH", "PUT", "DELETE"):
        body = None if method == "DELETE" else {"name": "Too late"}
        answer = organization.admin.request(method, path(made), body=body, headers={"If-Match": revision(read)})
        expect_error(answer, 409)
    for action in ("/publish", "/restore"):
        expect_error(organization.admin.post(path(made, action), headers={"If-Match": revision(read)}), {404, 409})
    assert organization.admin.get(path(made)).expect(200)["name"] == "Mine"
    again = organization.admin.put(path(made), {"name": "In time"}, headers={"If-Match": revision(mine)})
    assert again.expect(200)["name"] == "In time"
    assert organization.admin.patch(path(made), {"name": "x"}, headers={"If-Match": '"garbage"'}).status in (400, 409, 422)


def test_of_two_writers_at_once_one_wins(organization: Organization) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = organization.create_dashboard()
    for round_number in range(5):
        tag = revision(organization.admin.get(path(made)))
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(
                lambda n: organization.admin.patch(path(made), {"name": f"{round_number}-{n}"}, headers={"If-Match": tag}), range(6)))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 5


# --- Publish, unpublish, restore, versions, duplicate ---------------------------------------------------------------------


def test_patches_at_once_lose_nothing(organization: Organization) -> None:
    """Two people change different members: what was answered 200 is there at the end, whoever came second."""
    path = f"/v1/dashboards/{organization.create_dashboard()['id']}"

    def change(member: str) -> str:
        stored = ""
        for number in range(40):
            answer = organization.admin.patch(path, {member: f"{member} {number}"})
            if answer.status == 200:
                stored = f"{member} {number}"
            else:
                expect_error(answer, 409, "revision_conflict")
        return stored

    with ThreadPoolExecutor(2) as pool:
        name, description = pool.map(change, ["name", "description"])
    assert name and description
    kept = organization.admin.get(path).expect(200)
    assert (kept["name"], kept["description"]) == (name, description)


def test_a_draft_never_reaches_the_embed(organization: Organization) -> None:
    organization.ingest([event(numeric_props={"tokens": 5}), event(numeric_props={"tokens": 7})])
    made = organization.create_dashboard([kpi("w_calls")], publish=True)
    session = organization.session("acme", made["id"])
    published = session.dashboard()
    assert published["version"] == 1 and [w["id"] for w in published["widgets"]] == ["w_calls"]
    changed = {
        "name": "Draft", "filters": [{"id": "f", "type": "select", "dimension": "model"}], "theme": {"mode": "dark"},
        "widgets": [kpi("w_calls", metric="sum", numeric_prop="tokens"), kpi("w_new")],
    }
    organization.admin.put(path(made), changed).expect(200)
    seen = session.dashboard()
    for volatile in ("session", "server_time"):
        seen.pop(volatile), published.pop(volatile)
    assert seen == published
    assert session.value("w_calls") == 2 and set(session.results()) == {"w_calls"}
    assert session.query(widgets=["w_new"]).status in (200, 403, 404, 422)
    assert "value" not in session.query(widgets=["w_new"]).text
    organization.publish(made["id"])
    now = session.dashboard()
    assert (now["version"], now["name"], len(now["widgets"])) == (2, "Draft", 2)
    assert session.value("w_calls") == 12


def test_versions_are_numbered_and_immutable(organization: Organization) -> None:
    made = organization.create_dashboard(name="One", publish=True)
    for name in ("Two", "Three"):
        organization.admin.patch(path(made), {"name": name}).expect(200)
        organization.publish(made["id"])
    organization.admin.patch(path(made), {"name": "Draft"}).expect(200)
    listed = organization.admin.pages(path(made, "/versions"), limit=2)
    assert sorted(row["version"] for row in listed) == [1, 2, 3]
    assert all(row["published_at"].endswith("Z") for row in listed)
    for number, name in enumerate(("One", "Two", "Three"), start=1):
        version = organization.admin.get(path(made, f"/versions/{number}")).expect(200)
        assert (version["version"], version["config"]["name"]) == (number, name)
    for number in ("4", "0", "-1", "x", "99999999999999999999"):
        expect_error(organization.admin.get(path(made, f"/versions/{number}")), {404, 422})
    expect_error(organization.admin.delete(path(made, "/versions/1")), 405)


def test_restore_brings_the_last_snapshot_back_into_the_draft(organization: Organization) -> None:
    made = organization.create_dashboard([kpi("w_calls")], publish=True)
    organization.admin.put(path(made), {"name": "Spoilt", "widgets": []}).expect(200)
    assert organization.admin.post(path(made, "/restore")).status == 200
    draft = organization.admin.get(path(made)).expect(200)
    assert draft["name"] == "Usage" and [w["id"] for w in draft["widgets"]] == ["w_calls"]
    never = organization.create_dashboard(name="Never published")
    expect_error(organization.admin.post(path(never, "/restore")), {404, 409})


def test_unpublish_takes_embeds_offline_and_keeps_the_snapshot(organization: Organization) -> None:
    organization.ingest([event()])
    made = organization.create_dashboard(publish=True)
    session = organization.session("acme", made["id"])
    assert session.value("w_calls") == 1
    assert organization.admin.post(path(made, "/unpublish")).status == 204
    expect_error(session.client.get("/v1/embed/dashboard"), 404, "dashboard_not_published")
    expect_error(session.query(), 404, "dashboard_not_published")
    expect_error(session.filter_values("model"), 404, "dashboard_not_published")
    expect_error(session.drill("w_calls", "model", "x"), 404, "dashboard_not_published")
    expect_error(session.export("w_calls"), 404, "dashboard_not_published")
    assert [row["version"] for row in organization.admin.pages(path(made, "/versions"))] == [1]
    organization.admin.patch(path(made), {"name": "Changed"}).expect(200)
    assert organization.admin.post(path(made, "/restore")).status == 200
    assert organization.admin.get(path(made)).expect(200)["name"] == "Usage"
    organization.publish(made["id"])
    assert session.value("w_calls") == 1 and session.dashboard()["version"] == 2


def test_an_unpublished_dashboard_has_no_embed(organization: Organization) -> None:
    made = organization.create_dashboard()
    answer = organization.admin.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": made["id"]})
    if answer.status == 201:
        viewer = organization.admin.bearer(answer.json["token"])
        expect_error(viewer.get("/v1/embed/dashboard"), 404, "dashboard_not_published")
    else:
        expect_error(answer, {404, 409}, "dashboard_not_published")


def test_duplicates_are_drafts_of_their_own(organization: Organization) -> None:
    made = organization.create_dashboard([kpi("w_a"), timeseries("w_b"), breakdown("w_c"), table("w_d")], publish=True)
    copy = organization.admin.post(path(made, "/duplicate")).expect(201)
    assert copy["id"] != made["id"] and copy["slug"] != made["slug"] and copy["widgets"] == made["widgets"]
    organization.admin.put(path(copy), {"name": "Copy", "widgets": []}).expect(200)
    assert len(organization.admin.get(path(made)).expect(200)["widgets"]) == 4
    assert organization.admin.pages(path(copy, "/versions")) == []


def test_unknown_ids_are_404(organization: Organization) -> None:
    for identifier in ("dash_00000000000000000000", "no-such-slug", "%00", "..%2f..%2fetc", "'%20OR%201=1", "a" * 5_000, "%ff%fe"):
        for method, action in (("GET", ""), ("PATCH", ""), ("POST", "/publish"), ("GET", "/versions")):
            body = {"name": "x"} if method == "PATCH" else None
            expect_error(organization.admin.request(method, f"/v1/dashboards/{identifier}{action}", body=body), {400, 404, 414, 422})


# --- Discover -------------------------------------------------------------------------------------------------------------


def test_discover_tells_what_was_sent_and_makes_a_dashboard_of_it(organization: Organization) -> None:
    organization.ingest(
        event(tenant, "api.call", user_id=f"u{n % 7}", timestamp=f"2026-11-{10 + n % 8:02}T10:00:00Z",
              string_props={"model": ["gpt-4", "claude"][n % 2], "endpoint": f"/e{n % 5}"},
              numeric_props={"tokens": n, "latency_ms": 2.5 * n})
        for n in range(100) for tenant in ("acme", "globex"))
    organization.ingest([event("acme", "login", string_props={"method": "sso"})])
    found = organization.admin.get("/v1/discover").expect(200)
    text = str(found)
    for word in ("api.call", "login", "model", "endpoint", "gpt-4", "tokens", "latency_ms", "method"):
        assert word in text, word
    answer = organization.admin.post("/v1/discover/auto-create").expect(201)
    assert set(answer) == {"dashboard_id", "dashboard"}
    kinds = {w["kind"] for w in answer["dashboard"]["widgets"]}
    assert {"kpi", "timeseries", "breakdown", "table"} <= kinds
    assert organization.admin.get(f"/v1/dashboards/{answer['dashboard_id']}").expect(200)["widgets"] == answer["dashboard"]["widgets"]
    organization.publish(answer["dashboard_id"])
    session = organization.session("acme", answer["dashboard_id"])
    results = session.results()
    assert set(results) == {w["id"] for w in answer["dashboard"]["widgets"]}
    assert all("rows" in result for result in results.values()), results


def test_auto_create_without_events_is_refused_with_a_sentence(organization: Organization) -> None:
    expect_error(organization.admin.post("/v1/discover/auto-create"), {404, 409, 422})
    found = organization.admin.get("/v1/discover").expect(200)
    assert "api.call" not in str(found)
