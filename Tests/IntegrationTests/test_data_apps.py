"""Data apps: what a key may do with them, and that their tokens choose among their dashboards and no others."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.guests import CREATE, guest, guest_error, make_data_app
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event, kpi

Json = dict[str, Any]


def furnished(organization: Organization) -> tuple[Organization, dict[str, str]]:
    """Four dashboards: two published, one a draft, one published and in no data app."""
    organization.ingest([event("acme"), event("globex")])
    made = {slug: organization.create_dashboard([kpi(f"w_{slug}")], slug=slug, name=slug.title(), publish=slug != "draft")["id"]
            for slug in ("one", "two", "draft", "outside")}
    return organization, made


@pytest.fixture
def house(organization: Organization) -> tuple[Organization, dict[str, str]]:
    return furnished(organization)


@pytest.fixture(scope="module")
def refusing(module_organization: Organization) -> tuple[Organization, dict[str, str]]:
    """For what is refused, after which it is as before."""
    return furnished(module_organization)


def test_a_data_app_is_made_read_changed_and_deleted(house: tuple[Organization, dict[str, str]]) -> None:
    organization, ids = house
    made = make_data_app(organization, "portal", ["two", ids["one"], "draft"])
    assert set(made) == {"name", "dashboards", "created_at", "created_by", "updated_at", "updated_by"}
    assert [(one["id"], one["slug"], one["name"], one["status"]) for one in made["dashboards"]] == [
        (ids["two"], "two", "Two", "published"), (ids["one"], "one", "One", "published"), (ids["draft"], "draft", "Draft", "draft")]
    assert organization.admin.get("/v1/data-apps/portal").expect(200) == made
    second = make_data_app(organization, "my app / 2 %", ["one"])
    assert [one["name"] for one in organization.admin.pages("/v1/data-apps", limit=1)] == ["my app / 2 %", "portal"]
    assert organization.admin.get("/v1/data-apps/my%20app%20%2F%202%20%25").expect(200) == second
    changed = organization.admin.patch("/v1/data-apps/portal", {"name": "front", "dashboards": ["one"]}).expect(200)
    assert changed["name"] == "front" and [one["slug"] for one in changed["dashboards"]] == ["one"]
    assert changed["created_at"] == made["created_at"]
    expect_error(organization.admin.get("/v1/data-apps/portal"), 404, "data_app_not_found")
    assert organization.admin.patch("/v1/data-apps/front", {}).expect(200)["name"] == "front"
    assert organization.admin.delete("/v1/data-apps/front").status == 204
    for method in ("GET", "PATCH", "DELETE"):
        expect_error(organization.admin.request(method, "/v1/data-apps/front", body={} if method == "PATCH" else None), 404, "data_app_not_found")


@pytest.mark.parametrize(("body", "field", "code"), [
    ({}, "name", "missing"), ({"name": "x"}, "dashboards", "missing"), ({"name": "", "dashboards": ["one"]}, "name", "length"),
    ({"name": "x" * 101, "dashboards": ["one"]}, "name", "length"), ({"name": 7, "dashboards": ["one"]}, "name", "wrong_type"),
    ({"name": " x", "dashboards": ["one"]}, "name", "data_app_name"), ({"name": "a\nb", "dashboards": ["one"]}, "name", "data_app_name"),
    ({"name": "..", "dashboards": ["one"]}, "name", "data_app_name"), ({"name": "x", "dashboards": []}, "dashboards", "count"),
    ({"name": "x", "dashboards": "one"}, "dashboards", "wrong_type"), ({"name": "x", "dashboards": [7]}, "dashboards[0]", "wrong_type"),
    ({"name": "x", "dashboards": ["one"] * 101}, "dashboards", "count"),
    ({"name": "x", "dashboards": ["one", "one"]}, "dashboards[1]", "duplicate"),
    ({"name": "x", "dashboards": ["one", "nowhere"]}, "dashboards[1]", "unknown_dashboard"),
    ({"name": "x", "dashboards": ["one"], "tenants": []}, "tenants", "unknown_field"),
])
def test_wrong_data_apps(refusing: tuple[Organization, dict[str, str]], body: Json, field: str, code: str) -> None:
    organization, _ = refusing
    details = expect_error(organization.admin.post("/v1/data-apps", body), 422)["details"]
    assert (field, code) in [(one["field"], one["code"]) for one in details], details
    assert organization.admin.pages("/v1/data-apps") == []


def test_names_are_unique_in_an_organisation(house: tuple[Organization, dict[str, str]], other_organization: Organization) -> None:
    organization, _ = house
    for name in ("portal", "Portal", "second"):
        make_data_app(organization, name, ["one"])
    expect_error(organization.admin.post("/v1/data-apps", {"name": "portal", "dashboards": ["two"]}), 409, "data_app_taken")
    expect_error(organization.admin.patch("/v1/data-apps/second", {"name": "portal"}), 409, "data_app_taken")
    other_organization.create_dashboard(slug="one", publish=True)
    make_data_app(other_organization, "portal", ["one"])


def test_of_another_organisation_nothing_can_be_taken_or_seen(
    house: tuple[Organization, dict[str, str]], other_organization: Organization
) -> None:
    organization, ids = house
    make_data_app(organization, "portal", ["one"])
    assert other_organization.admin.pages("/v1/data-apps") == []
    for method in ("GET", "PATCH", "DELETE"):
        expect_error(
            other_organization.admin.request(method, "/v1/data-apps/portal", body={} if method == "PATCH" else None), 404, "data_app_not_found")
    details = expect_error(other_organization.admin.post("/v1/data-apps", {"name": "x", "dashboards": [ids["one"]]}), 422)["details"]
    assert details[0]["code"] == "unknown_dashboard"
    assert organization.admin.get("/v1/data-apps/portal").status == 200


def test_who_may_do_this(house: tuple[Organization, dict[str, str]]) -> None:
    organization, _ = house
    make_data_app(organization, "portal", ["one"])
    ingest = Client(organization.base).bearer(organization.new_key("ingest")["key"])
    viewer = guest(organization, "acme", "portal").client
    for client, statuses in ((Client(organization.base), {401}), (ingest, {403}), (viewer, {401, 403})):
        for method, path, body in (
            ("GET", "/v1/data-apps", None), ("POST", "/v1/data-apps", {"name": "x", "dashboards": ["one"]}),
            ("GET", "/v1/data-apps/portal", None), ("PATCH", "/v1/data-apps/portal", {"name": "y"}), ("DELETE", "/v1/data-apps/portal", None),
        ):
            expect_error(client.request(method, path, body=body), statuses)
    assert [one["name"] for one in organization.login().pages("/v1/data-apps")] == ["portal"]


def test_changes_are_in_the_audit_log(emban: EmbanProcess, house: tuple[Organization, dict[str, str]]) -> None:
    organization, _ = house
    make_data_app(organization, "portal", ["one"])
    organization.admin.patch("/v1/data-apps/portal", {"name": "front"})
    guest(organization, "acme", "front")
    organization.admin.delete("/v1/data-apps/front")
    with sqlite3.connect(f"file:{emban.data_dir}/emban.sqlite?mode=ro", uri=True) as store:
        rows = store.execute(
            "SELECT action, before_json, after_json FROM audit_entries WHERE org_id = ? AND (entity = 'data_app' OR action = 'embed_session.create')"
            " ORDER BY at, rowid", (organization.id,)).fetchall()
    assert sorted(action for action, _, _ in rows) == ["data_app.create", "data_app.delete", "data_app.update", "embed_session.create"]
    update = next(row for row in rows if row[0] == "data_app.update")
    assert (json.loads(update[1])["name"], json.loads(update[2])["name"]) == ("portal", "front")


# --- Choosing ------------------------------------------------------------------------------------------------------------


def routes(dashboard: str | None, widget: str) -> list[tuple[str, str, Json | None]]:
    """The viewer's routes with a choice."""
    query = f"dashboard={dashboard}" if dashboard else ""
    chosen = {"dashboard": dashboard} if dashboard else {}
    return [
        ("GET", f"/v1/embed/dashboard?{query}", None), ("POST", "/v1/embed/query", {"widgets": [widget], **chosen}),
        ("GET", f"/v1/embed/export?format=csv&widget={widget}&{query}", None),
        ("POST", "/v1/embed/drill", {"widget": widget, "range": {"from": "2020-01-01", "to": "2020-01-02"}, **chosen}),
        ("GET", f"/v1/embed/layout?{query}", None), ("PUT", "/v1/embed/layout", {"positions": {}, **chosen}),
        ("GET", f"/v1/embed/vocabulary?{query}", None), ("GET", f"/v1/embed/own-widgets?{query}", None),
        ("DELETE", f"/v1/embed/layout?{query}", None),
    ]


ALL = {"isEnableManageMetrics": True, "isEnableCustomizeLayout": True}


def test_a_token_chooses_among_its_dashboards(house: tuple[Organization, dict[str, str]]) -> None:
    organization, ids = house
    make_data_app(organization, "portal", ["two", "one", "draft"])
    session = guest(organization, "acme", "portal", permissions=ALL)
    first = session.dashboard()
    assert first["id"] == ids["two"]
    assert first["dashboards"] == [
        {"id": ids["two"], "slug": "two", "name": "Two"}, {"id": ids["one"], "slug": "one", "name": "One"}], "in its order, without the draft"
    draft = organization.admin.get(f"/v1/dashboards/{ids['one']}").expect(200)
    organization.admin.put(f"/v1/dashboards/{ids['one']}", draft | {"name": "One, dearer from May"}).expect(200)
    assert session.dashboard()["dashboards"] == first["dashboards"], "customers read names when they are published"
    for reference, slug in (("one", "one"), (ids["one"], "one"), ("two", "two"), (ids["two"], "two"), (None, "two")):
        for method, path, body in routes(reference, f"w_{slug}"):
            answer = session.client.request(method, path, body=body)
            assert answer.status in (200, 204), str(answer)
        assert session.client.get(f"/v1/embed/dashboard?dashboard={reference}" if reference else "/v1/embed/dashboard").json["slug"] == slug
    # A widget of one dashboard is none of the other.
    expect_error(session.client.post("/v1/embed/query", {"widgets": ["w_one"], "dashboard": "two"}), 404, "widget_not_found")


def test_a_token_never_leaves_its_data_app(house: tuple[Organization, dict[str, str]], other_organization: Organization) -> None:
    organization, ids = house
    foreign = other_organization.create_dashboard([kpi("w_one")], slug="theirs", publish=True)["id"]
    make_data_app(organization, "portal", ["one", "draft"])
    session = guest(organization, "acme", "portal", permissions=ALL)
    single = organization.session("acme", ids["one"], {"allow_customize_layout": True, "allow_manage_widgets": True})
    outside = ["outside", ids["outside"], "draft", ids["draft"], foreign, "theirs", "two", "nowhere", "ONE", f"{ids['one']}%00", "..", "one%20"]
    for reference in outside:
        for client in (session.client, single.client):
            for method, path, body in routes(reference, "w_one"):
                answer = client.request(method, path, body=body)
                assert answer.status in (404, 422), str(answer)
                assert "w_outside" not in answer.text and "Outside" not in answer.text
    for client in (session.client, single.client):
        expect_error(client.get("/v1/embed/dashboard?dashboard=outside"), 404, "dashboard_not_found")
        assert client.get("/v1/embed/dashboard?dashboard=one").status == 200, "its own it may name"
        for wrong in (7, True, ["one"], {"id": "one"}, ""):
            assert client.post("/v1/embed/query", {"dashboard": wrong}).status in (404, 422)


def test_what_is_unpublished_is_absent(house: tuple[Organization, dict[str, str]]) -> None:
    organization, ids = house
    make_data_app(organization, "portal", ["one", "two"])
    session = guest(organization, "acme", "portal")
    assert organization.admin.post("/v1/dashboards/one/unpublish").status == 204
    assert session.dashboard()["slug"] == "two" and len(session.dashboard()["dashboards"]) == 1
    expect_error(session.client.get("/v1/embed/dashboard?dashboard=one"), 404, "dashboard_not_found")
    assert organization.admin.post("/v1/dashboards/two/unpublish").status == 204
    expect_error(session.client.get("/v1/embed/dashboard"), 404, "dashboard_not_published")
    guest_error(organization.admin.post(CREATE, {"clientId": "acme", "dataAppName": "portal"}), 404, "DATA_APP_NOT_FOUND")
    organization.publish(ids["one"])
    assert session.dashboard()["slug"] == "one"


def test_changes_hold_for_tokens_that_are_out(house: tuple[Organization, dict[str, str]]) -> None:
    organization, ids = house
    make_data_app(organization, "portal", ["one", "two"])
    session = guest(organization, "acme", "portal")
    organization.admin.patch("/v1/data-apps/portal", {"dashboards": ["two"]}).expect(200)
    assert session.dashboard()["slug"] == "two"
    expect_error(session.client.get("/v1/embed/dashboard?dashboard=one"), 404, "dashboard_not_found")
    organization.admin.patch("/v1/data-apps/portal", {"name": "renamed"}).expect(200)
    assert session.dashboard()["slug"] == "two"
    assert organization.admin.delete("/v1/dashboards/two").status == 204
    assert [one["slug"] for one in organization.admin.get("/v1/data-apps/renamed").json["dashboards"]] == []


@pytest.mark.parametrize("deleted", ["one", "two"])
def test_a_session_goes_on_with_what_is_left(house: tuple[Organization, dict[str, str]], deleted: str) -> None:
    organization, ids = house
    left = "two" if deleted == "one" else "one"
    make_data_app(organization, "portal", ["one", "two"])
    session, single = guest(organization, "acme", "portal"), organization.session("acme", ids[deleted])
    assert session.dashboard()["slug"] == "one"
    assert organization.admin.delete(f"/v1/dashboards/{deleted}").status == 204
    wait_until(lambda: single.client.get("/v1/embed/dashboard").status == 401)

    def goes_on() -> bool:
        answer = session.client.get("/v1/embed/dashboard")
        return answer.status == 200 and answer.json["slug"] == left

    wait_until(goes_on)
    # Also when what is known of the session has been forgotten, which takes less than a second.
    time.sleep(1)
    assert goes_on()
    expect_error(session.client.get(f"/v1/embed/dashboard?dashboard={deleted}"), 404, "dashboard_not_found")
    assert session.client.post("/v1/embed/query", {}).expect(200)["results"].keys() == {f"w_{left}"}


def test_deleting_a_data_app_ends_its_sessions(house: tuple[Organization, dict[str, str]]) -> None:
    organization, ids = house
    make_data_app(organization, "portal", ["one"])
    session, other = guest(organization, "acme", "portal"), organization.session("acme", ids["one"])
    session.dashboard()
    assert organization.admin.delete("/v1/data-apps/portal").status == 204
    assert other.client.get("/v1/embed/dashboard").status == 200

    def refused() -> bool:
        return session.client.get("/v1/embed/dashboard").status == 401

    wait_until(refused)
    expect_error(session.client.get("/v1/embed/dashboard"), 401, "session_revoked")


def test_the_cache_of_a_data_app_is_refreshed(house: tuple[Organization, dict[str, str]]) -> None:
    organization, _ = house
    make_data_app(organization, "portal app", ["one", "two"])
    path = "/api/v2/data-app/refresh-cache"
    session = guest(organization, "acme", "portal app")

    def is_cached() -> bool:
        return session.client.post("/v1/embed/query", {"widgets": ["w_two"], "dashboard": "two"}).json["results"]["w_two"]["meta"]["cached"]

    wait_until(is_cached)
    assert organization.admin.post(path, {"dataAppName": "portal app", "clientId": "globex"}).json == {"status": "ok"}
    wait_until(is_cached)
    assert organization.admin.post(path, {"dataAppName": "portal app"}).json == {"status": "ok"}
    assert not is_cached()
    guest_error(organization.admin.post(path, {"dataAppName": "portal"}), 404, "DATA_APP_NOT_FOUND")


def wait_until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
