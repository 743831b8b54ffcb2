"""A viewer's own layout: kept for one user of one customer on one dashboard, and for nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.guests import guest, make_data_app
from embantest.workspace import Organization, Session, event, kpi, widget

Json = dict[str, Any]
PATH = "/v1/embed/layout"
PUBLISHED = {"w_a": {"x": 0, "y": 0, "w": 6, "h": 2}, "w_b": {"x": 6, "y": 0, "w": 6, "h": 2}, "w_c": {"x": 0, "y": 2, "w": 12, "h": 3}}


def widgets(positions: Json) -> list[Json]:
    return [kpi(name) | {"position": position} for name, position in positions.items()]


def furnished(organization: Organization) -> tuple[Organization, str]:
    organization.ingest([event("acme"), event("globex")])
    return organization, organization.create_dashboard(widgets(PUBLISHED), slug="usage", publish=True)["id"]


@pytest.fixture
def house(organization: Organization) -> tuple[Organization, str]:
    return furnished(organization)


@pytest.fixture(scope="module")
def refusing(module_organization: Organization) -> tuple[Organization, str]:
    """For what is refused, after which it is as before."""
    return furnished(module_organization)


def session(organization: Organization, dashboard: str, tenant: str = "acme", user: Any = None, **permissions: Any) -> Session:
    context = {} if user is None else {"userId": user}
    return organization.session(tenant, dashboard, {"allow_customize_layout": True, **permissions}, context=context)


def layout(viewer: Session) -> Json:
    return viewer.client.get(PATH).expect(200)


def shown(viewer: Session) -> Json:
    return {one["id"]: one["position"] for one in viewer.dashboard()["widgets"]}


def place(viewer: Session, **positions: tuple[int, int, int, int]) -> Json:
    body = {name: dict(zip("xywh", numbers)) for name, numbers in positions.items()}
    return viewer.client.put(PATH, {"positions": body}).expect(200)


def test_a_layout_is_kept_shown_and_taken_back(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = session(organization, dashboard, user="ada")
    assert layout(viewer) == {"positions": PUBLISHED, "customized": False}
    assert viewer.dashboard()["customized"] is False and viewer.dashboard()["permissions"]["allow_customize_layout"] is True
    wanted = {"w_a": (0, 3, 4, 2), "w_b": (4, 3, 8, 4), "w_c": (0, 0, 12, 3)}
    expected = {name: dict(zip("xywh", numbers)) for name, numbers in wanted.items()}
    assert place(viewer, **wanted) == {"positions": expected, "customized": True}
    for again in (viewer, session(organization, dashboard, user="ada")):
        assert layout(again) == {"positions": expected, "customized": True}
        assert shown(again) == expected and again.dashboard()["customized"] is True
    assert viewer.client.delete(PATH).status == 204
    assert layout(viewer) == {"positions": PUBLISHED, "customized": False} and shown(viewer) == PUBLISHED
    assert viewer.client.delete(PATH).status == 204


def test_a_layout_is_that_of_one_user_of_one_customer(house: tuple[Organization, str], other_organization: Organization) -> None:
    organization, dashboard = house
    second = organization.create_dashboard(widgets(PUBLISHED), publish=True)["id"]
    foreign = other_organization.create_dashboard(widgets(PUBLISHED), publish=True)["id"]
    development = Organization.__new__(Organization)
    development.base = organization.base
    development.admin = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
    place(session(organization, dashboard, user="ada"), w_a=(0, 9, 12, 2))
    others = [
        session(organization, dashboard, user="bob"), session(organization, dashboard), session(organization, dashboard, user="Ada"),
        session(organization, dashboard, user="ada "), session(organization, dashboard, user=["ada"]), session(organization, dashboard, "globex", "ada"),
        session(organization, second, user="ada"), session(other_organization, foreign, user="ada"), session(development, dashboard, user="ada"),
    ]
    for other in others:
        assert layout(other)["customized"] is False and shown(other) == PUBLISHED
    for other in others:
        place(other, w_b=(0, 20, 12, 2))
    assert layout(session(organization, dashboard, user="ada"))["positions"]["w_a"] == {"x": 0, "y": 9, "w": 12, "h": 2}
    # What is no name is told apart all the same.
    assert layout(session(organization, dashboard, user=["ada"]))["customized"] is True
    for other in (["bob"], {"id": 1}, True, False):
        assert layout(session(organization, dashboard, user=other))["customized"] is False, other
    # A number is a name as well; the back end may write it either way.
    place(session(organization, dashboard, user=42), w_a=(0, 7, 12, 2))
    assert layout(session(organization, dashboard, user="42"))["positions"]["w_a"]["y"] == 7


def test_a_guest_of_a_data_app_has_one_for_each_dashboard(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    organization.create_dashboard(widgets(PUBLISHED), slug="second", publish=True)
    make_data_app(organization, "portal", [dashboard, "second"])
    viewer = guest(organization, "acme", "portal", permissions={"isEnableCustomizeLayout": True}, params={"userId": "ada"})
    moved = {"w_a": {"x": 0, "y": 30, "w": 3, "h": 1}}
    viewer.client.put(PATH, {"positions": moved, "dashboard": "second"}).expect(200)
    assert viewer.client.get(f"{PATH}?dashboard=second").json["customized"] is True
    assert viewer.client.get(PATH).json["customized"] is False
    assert viewer.client.delete(f"{PATH}?dashboard=second").status == 204
    assert viewer.client.get(f"{PATH}?dashboard=second").json["customized"] is False


def test_without_the_permission_there_is_none(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    place(session(organization, dashboard, user="ada"), w_a=(0, 9, 12, 2))
    plain = session(organization, dashboard, user="ada", allow_customize_layout=False)
    for method, body in (("GET", None), ("PUT", {"positions": {}}), ("DELETE", None)):
        expect_error(plain.client.request(method, PATH, body=body), 403, "layout_not_allowed")
    assert shown(plain) == PUBLISHED and plain.dashboard()["customized"] is False
    assert layout(session(organization, dashboard, user="ada"))["customized"] is True


def test_a_new_version_keeps_what_it_knows(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = session(organization, dashboard, user="ada")
    place(viewer, w_a=(6, 0, 6, 4), w_b=(0, 0, 6, 4), w_c=(0, 4, 12, 2))
    new = {"w_a": PUBLISHED["w_a"], "w_c": PUBLISHED["w_c"], "w_d": {"x": 0, "y": 5, "w": 4, "h": 2}, "w_e": {"x": 4, "y": 6, "w": 4, "h": 2}}
    draft = organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)
    organization.admin.put(f"/v1/dashboards/{dashboard}", draft | {"widgets": widgets(new)}).expect(200)
    organization.publish(dashboard)
    placed = shown(viewer)
    assert placed["w_a"] == {"x": 6, "y": 0, "w": 6, "h": 4} and placed["w_c"] == {"x": 0, "y": 4, "w": 12, "h": 2}
    # The new ones stand below, as they stand to each other.
    assert placed["w_d"] == {"x": 0, "y": 6, "w": 4, "h": 2} and placed["w_e"] == {"x": 4, "y": 7, "w": 4, "h": 2}
    assert layout(viewer)["positions"] == placed
    # A page that is still of the old version names a widget that is gone.
    assert set(place(viewer, w_b=(0, 0, 2, 2), w_d=(0, 0, 4, 2), w_nobody=(0, 0, 1, 1))["positions"]) == set(new)
    # It comes back with the widget's old place.
    organization.admin.put(f"/v1/dashboards/{dashboard}", draft | {"widgets": widgets(PUBLISHED)}).expect(200)
    organization.publish(dashboard)
    assert shown(viewer)["w_b"] == {"x": 0, "y": 0, "w": 6, "h": 4}


def test_hidden_widgets_are_neither_shown_nor_forgotten(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    whole = session(organization, dashboard, user="ada")
    place(whole, w_a=(0, 0, 3, 1), w_b=(3, 0, 3, 1), w_c=(6, 0, 3, 1))
    narrow = session(organization, dashboard, user="ada", hidden_widgets=["w_b"])
    assert set(layout(narrow)["positions"]) == {"w_a", "w_c"}
    assert set(place(narrow, w_a=(0, 8, 3, 1), w_b=(0, 50, 3, 1), w_c=(6, 0, 3, 1))["positions"]) == {"w_a", "w_c"}
    assert layout(whole)["positions"] == {
        "w_a": {"x": 0, "y": 8, "w": 3, "h": 1}, "w_b": {"x": 3, "y": 0, "w": 3, "h": 1}, "w_c": {"x": 6, "y": 0, "w": 3, "h": 1}}


GOOD = {"x": 0, "y": 0, "w": 4, "h": 2}


@pytest.mark.parametrize("body", [
    {}, {"positions": None}, {"positions": []}, {"positions": "w_a"}, {"positions": {"w_a": None}}, {"positions": {"w_a": []}},
    {"positions": {"w_a": {}}}, {"positions": {"w_a": {"x": 0, "y": 0, "w": 4}}}, {"positions": {"w_a": GOOD | {"x": -1}}},
    {"positions": {"w_a": GOOD | {"x": 12}}}, {"positions": {"w_a": GOOD | {"x": 9}}}, {"positions": {"w_a": GOOD | {"y": 1001}}},
    {"positions": {"w_a": GOOD | {"h": 51}}}, {"positions": {"w_a": GOOD | {"w": 0}}}, {"positions": {"w_a": GOOD | {"w": 1.5}}},
    {"positions": {"w_a": GOOD | {"w": "4"}}}, {"positions": {"w_a": GOOD | {"z": 1}}}, {"positions": {"": GOOD}},
    {"positions": {"w" * 101: GOOD}}, {"positions": {f"w_{n}": GOOD for n in range(201)}}, {"positions": {}, "user": "bob"},
    {"positions": {}, "tenant_id": "globex"},
])
def test_wrong_layouts(refusing: tuple[Organization, str], body: Json) -> None:
    organization, dashboard = refusing
    viewer = session(organization, dashboard, user="ada")
    expect_error(viewer.client.put(PATH, body), 422, "invalid_request")
    assert layout(viewer)["customized"] is False


def test_bodies_are_bounded(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    viewer = session(organization, dashboard)
    expect_error(viewer.client.put(PATH, raw=json.dumps({"positions": {"w_a": GOOD}}) + " " * 70_000), 413, "payload_too_large")
    expect_error(viewer.client.put(PATH, raw="{"), 400, "malformed_json")


def test_user_names_are_bounded(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    unusable = ("x" * 257, "a\0", ["x" * 257], 1.5, 1157920892373161954, -9e15)
    for context in (*({"userId": user} for user in unusable), {"note": "x" * 8200}):
        expect_error(organization.admin.post(
            "/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": dashboard, "context": context}), 422)


def test_an_erasure_takes_layouts_along(house: tuple[Organization, str]) -> None:
    organization, dashboard = house
    both = {"allow_customize_layout": True, "allow_manage_widgets": True}
    erased = organization.session("acme", dashboard, both, context={"userId": "ada"})
    kept = organization.session("globex", dashboard, both, context={"userId": "ada"})
    own = {key: value for key, value in widget("x", "kpi", {}).items() if key != "id"}
    for viewer in (erased, kept):
        place(viewer, w_a=(0, 9, 12, 2))
        viewer.client.post("/v1/embed/own-widgets", own).expect(201)
    assert organization.admin.delete("/v1/tenants/acme/data").expect(200)["deleted_events"] == 1
    assert layout(erased)["customized"] is False
    assert erased.client.get("/v1/embed/own-widgets").expect(200) == {"data": []}
    assert layout(kept)["customized"] is True and len(kept.client.get("/v1/embed/own-widgets").expect(200)["data"]) == 1
