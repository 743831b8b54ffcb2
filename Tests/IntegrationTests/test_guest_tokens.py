"""Guest tokens as the Python guide asks for them: the same body, the same answers, the same errors, and one customer's data."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.guests import CREATE, guest, guest_error, make_data_app
from embantest.oracle import moment
from embantest.workspace import Organization, breakdown, event, groups, kpi

Json = dict[str, Any]

#: Word for word what the guide sends, but for the data app's name.
GUIDE = """{
  "clientId": "tenant-42",
  "dataAppName": "your-data-app-name",
  "permissions": {
    "isEnableManageMetrics": false,
    "isEnableCustomizeLayout": false,
    "isEnableUnderlyingData": false,
    "isEnableDownloadMetrics": true
  },
  "expiryTime": 3600
}"""


@pytest.fixture(scope="module")
def house(module_organization: Organization) -> Organization:
    organization = module_organization
    organization.ingest(
        event(tenant, string_props={"model": f"{tenant}-model"}, numeric_props={"tokens": 10})
        for tenant, count in (("tenant-42", 3), ("tenant-43", 5)) for _ in range(count))
    dashboard = organization.create_dashboard([kpi("w_calls"), breakdown("w_models")], slug="revenue-overview", publish=True)
    organization.create_dashboard(slug="never-published")
    make_data_app(organization, "your-data-app-name", [dashboard["id"]])
    return organization


def test_the_body_of_the_guide_is_answered_as_it_says(house: Organization) -> None:
    for raw in (GUIDE, json.dumps(json.loads(GUIDE)), "\n\t " + GUIDE.replace(":", "  :\r\n ") + "  \n"):
        answer = house.admin.post(CREATE, raw=raw)
        made = answer.expect(200)
        assert set(made) == {"token", "expiresAt"}
        left = moment(made["expiresAt"]) - datetime.now(timezone.utc)
        assert timedelta(seconds=3500) < left <= timedelta(seconds=3600)
        assert made["expiresAt"].endswith("Z") and len(made["expiresAt"]) == 20
        viewer = Client(house.base).bearer(made["token"])
        shown = viewer.get("/v1/embed/dashboard").expect(200)
        assert shown["slug"] == "revenue-overview" and shown["session"]["tenant_id"] == "tenant-42"
        assert shown["permissions"]["allow_export"] is True
        for name in ("allow_underlying_data", "allow_customize_layout", "allow_manage_widgets"):
            assert shown["permissions"][name] is False, name
        result = viewer.post("/v1/embed/query", {"widgets": ["w_models"]}).expect(200)["results"]["w_models"]
        assert groups(result) == {"tenant-42-model": 3}
        assert "tenant-43" not in json.dumps(shown) + json.dumps(result)


def test_permissions_with_some_members_and_none(house: Organization) -> None:
    """The guide's FastAPI, Django and Flask code leaves out single permissions; what is left out is as in any embed session."""
    three = {"isEnableDownloadMetrics": True, "isEnableManageMetrics": False, "isEnableCustomizeLayout": False}
    cases: list[tuple[Json, tuple[bool, bool, bool, bool]]] = [
        ({}, (True, True, False, False)), ({"permissions": {}}, (True, True, False, False)), ({"permissions": None}, (True, True, False, False)),
        ({"permissions": three}, (True, True, False, False)),
        ({"permissions": {"isEnableDownloadMetrics": False}}, (False, True, False, False)),
        ({"permissions": {"isEnableUnderlyingData": False}}, (True, False, False, False)),
        ({"permissions": {"isEnableCustomizeLayout": True}}, (True, True, True, False)),
        ({"permissions": {"isEnableManageMetrics": True}}, (True, True, False, True)),
    ]
    names = ("allow_export", "allow_underlying_data", "allow_customize_layout", "allow_manage_widgets")
    for body, expected in cases:
        permissions = guest(house, "tenant-42", "your-data-app-name", **body).dashboard()["permissions"]
        assert tuple(permissions[name] for name in names) == expected, body


def test_permissions_hold_on_every_route(house: Organization) -> None:
    closed = guest(
        house, "tenant-42", "your-data-app-name", permissions={"isEnableDownloadMetrics": False, "isEnableUnderlyingData": False})
    expect_error(closed.export("w_models"), 403, "export_not_allowed")
    expect_error(closed.drill("w_models", "model", "tenant-42-model"), 403, "underlying_data_not_allowed")
    level = closed.drill("w_models", "model", "tenant-42-model", next_dimension="model").expect(200)
    assert groups(level) == {"tenant-42-model": 3}
    assert closed.dashboard()["drill"] == {"dimensions": ["model"], "rows": False}
    expect_error(closed.client.put("/v1/embed/layout", {"positions": {}}), 403, "layout_not_allowed")
    expect_error(closed.client.get("/v1/embed/own-widgets"), 403, "own_widgets_not_allowed")
    expect_error(closed.client.get("/v1/embed/vocabulary"), 403, "own_widgets_not_allowed")
    open_session = guest(house, "tenant-42", "your-data-app-name")
    assert len(open_session.drill("w_models", "model", "tenant-42-model").expect(200)["rows"]) == 3
    assert open_session.drill("w_models", "model", "tenant-43-model").expect(200)["rows"] == []


def test_permissions_of_embed_sessions_have_them_too(house: Organization) -> None:
    session = house.session("tenant-42", "revenue-overview", {"allow_underlying_data": False})
    expect_error(session.drill("w_models", "model", "x"), 403, "underlying_data_not_allowed")
    listed = next(one for one in house.admin.pages("/v1/embed-sessions") if one["session_id"] == session.session_id)
    assert listed["permissions"]["allow_underlying_data"] is False


def test_the_time_of_expiry(house: Organization) -> None:
    for seconds in (60, 86_400):
        before = datetime.now(timezone.utc)
        session = guest(house, "tenant-42", "your-data-app-name", expiryTime=seconds)
        made = moment(session.expires_at) - timedelta(seconds=seconds)
        assert before - timedelta(seconds=1) <= made <= datetime.now(timezone.utc)
        shown = session.dashboard()
        assert shown["expires_at"] == shown["session"]["expires_at"] == session.expires_at
        assert abs((moment(shown["server_time"]) - datetime.now(timezone.utc)).total_seconds()) < 30


@pytest.mark.parametrize("raw", [
    "", "{", "[]", "null", '"x"', '{"clientId": "a", "clientId": "b", "dataAppName": "x"}', "\xff", "{}",
    '{"clientId": "tenant-42"}', '{"clientId": "tenant-42", "dataAppName": 7}', '{"clientId": "tenant-42", "dataAppName": ""}',
    '{"clientId": 7, "dataAppName": 7}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "permission": {}}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "permissions": []}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "permissions": {"isEnableDownloadMetrics": "true"}}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "permissions": {"isEnableDownload": true}}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "permissions": {"locked_filters": {}}}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "expiryTime": 59}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "expiryTime": 86401}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "expiryTime": "3600"}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "expiryTime": 60.5}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": "userId"}',
    '{"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": ["userId"]}',
    json.dumps({"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": {f"k{n}": 1 for n in range(51)}}),
    json.dumps({"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": {"note": "x" * 8200}}),
    json.dumps({"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": {"userId": "x" * 257}}),
    json.dumps({"clientId": "tenant-42", "dataAppName": "x" * 101}),
])
def test_wrong_bodies(house: Organization, raw: str) -> None:
    guest_error(house.admin.request("POST", CREATE, raw=raw.encode("latin-1")), {400, 422}, "INVALID_REQUEST_BODY")


def test_a_body_that_is_too_large_or_no_json(house: Organization) -> None:
    huge = json.dumps({"clientId": "tenant-42", "dataAppName": "your-data-app-name", "params": {"x": "y" * 1_100_000}})
    guest_error(house.admin.post(CREATE, raw=huge), 413, "INVALID_REQUEST_BODY")
    guest_error(house.admin.request("POST", CREATE, raw="a=b", headers={"Content-Type": "text/plain"}), 415, "INVALID_REQUEST_BODY")


@pytest.mark.parametrize("client", [None, "", 7, True, {}, ["tenant-42"], "x" * 257, "a\0b"])
def test_a_wrong_client(house: Organization, client: Any) -> None:
    body = {"clientId": client, "dataAppName": "your-data-app-name"}
    guest_error(house.admin.post(CREATE, body), 422, "CLIENT_ID_ERROR")
    if client is None:
        guest_error(house.admin.post(CREATE, {"dataAppName": "your-data-app-name"}), 422, "CLIENT_ID_ERROR")


def test_the_key_must_be_an_admin_key(house: Organization) -> None:
    anybody = Client(house.base)
    body = json.loads(GUIDE)
    ingest = house.new_key("ingest")["key"]
    token = guest(house, "tenant-42", "your-data-app-name").token
    assert guest_error(anybody.post(CREATE, body), 401, "INVALID_DATA_APP_API_KEY")
    for credential in ("", "eb_adm_nonsense", house.key[:-1], token):
        guest_error(anybody.bearer(credential).post(CREATE, body), 401, "INVALID_DATA_APP_API_KEY")
    guest_error(anybody.bearer(ingest).post(CREATE, body), 403, "INVALID_DATA_APP_API_KEY")


def test_data_apps_that_there_are_not(house: Organization, other_organization: Organization) -> None:
    foreign = other_organization.create_dashboard(slug="theirs", publish=True)
    make_data_app(other_organization, "their-app", [foreign["id"]])
    draft = house.create_dashboard(slug="draft-only")
    make_data_app(house, "nothing-published", [draft["id"]])
    for name in ("their-app", "theirs", foreign["id"], "never-published", "nothing-published", "Your-Data-App-Name", "no such app", draft["id"]):
        guest_error(house.admin.post(CREATE, {"clientId": "tenant-42", "dataAppName": name}), 404, "DATA_APP_NOT_FOUND")


def test_a_published_dashboard_is_a_data_app_of_its_own(house: Organization) -> None:
    session = guest(house, "tenant-43", "revenue-overview")
    assert session.value("w_calls") == 5
    assert [one["slug"] for one in session.dashboard()["dashboards"]] == ["revenue-overview"]


def test_a_guest_token_is_an_embed_token(house: Organization) -> None:
    session = guest(house, "guest-listed", "your-data-app-name", params={"userId": "u-1", "role": "analyst"})
    listed = house.admin.get("/v1/embed-sessions?tenant_id=guest-listed").expect(200)["data"]
    assert len(listed) == 1 and listed[0]["context"] == {"userId": "u-1", "role": "analyst"} and session.token not in json.dumps(listed)
    for method, path in (("GET", "/v1/dashboards"), ("GET", "/v1/query?metric=count"), ("POST", CREATE), ("GET", "/v1/data-apps")):
        assert session.client.request(method, path, body={} if method == "POST" else None).status in (401, 403)
    assert house.admin.delete(f"/v1/embed-sessions/{listed[0]['session_id']}").status == 204
    expect_error(session.client.get("/v1/embed/dashboard"), 401, "session_revoked")


def test_params_do_not_show_to_the_viewer(house: Organization) -> None:
    session = guest(house, "tenant-42", "your-data-app-name", params={"userId": "secret-user", "plan": "secret-plan"})
    seen = session.client.get("/v1/embed/dashboard").text + session.query().text + session.token
    assert "secret" not in seen
