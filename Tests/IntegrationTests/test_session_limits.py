"""How often one session may ask, who may call from where, and that no token is ever written down."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.guests import CREATE, guest, make_data_app
from embantest.process import EmbanProcess
from embantest.workspace import Organization, breakdown, event, kpi

Json = dict[str, Any]


def test_a_session_that_asks_without_end_is_told_to_wait(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_SESSION_RATE": "1"}).start()
    organization = Organization(server.url)
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    session, other = organization.session("acme", dashboard), organization.session("acme", dashboard)
    routes = [
        ("GET", "/v1/embed/dashboard", None), ("POST", "/v1/embed/query", {}), ("GET", "/v1/embed/filter-values?dimension=model", None),
        ("GET", "/v1/embed/layout", None), ("GET", "/v1/embed/live?only=nothing", None), ("GET", "/v1/embed/export?format=csv&widget=w_calls", None)]
    refused = None
    # Ten at once, and one more each second: whatever the machine's speed, a few hundred in a row are too many.
    for number in range(600):
        method, path, body = routes[number % len(routes)]
        answer = session.client.request(method, path, body=body)
        if answer.status == 429:
            refused = answer
            break
    assert refused is not None and number >= 10
    expect_error(refused, 429, "session_rate_limited")
    assert int(refused.header("Retry-After")) >= 1
    from_page = session.client.get("/v1/embed/dashboard", headers={"Origin": "https://app.example.com"})
    if from_page.status == 429:
        assert from_page.header("Access-Control-Allow-Origin") == "https://app.example.com"
        assert "Retry-After" in from_page.header("Access-Control-Expose-Headers")
    assert other.client.get("/v1/embed/dashboard").status == 200, "every session for itself"
    assert organization.admin.get("/v1/dashboards").status == 200
    time.sleep(int(refused.header("Retry-After")))
    assert session.client.get("/v1/embed/dashboard").status == 200


def test_a_hundred_widgets_and_quick_filters_are_no_hurry(own_server: Callable[..., EmbanProcess]) -> None:
    organization = Organization(own_server().start().url)
    organization.ingest([event("acme", string_props={"model": "gpt-4"})])
    widgets = [kpi(f"w_{number}") for number in range(99)] + [breakdown("w_models")]
    session = organization.session("acme", organization.create_dashboard(widgets, publish=True)["id"])
    for period in ("1h", "24h", "7d", "30d", "90d", "12mo", "7d", "30d"):
        assert len(session.results({"period": period})) == 100
    # A hundred elements that ask each for itself, three times as fast as the server answers.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: session.query({"period": "7d"}, [f"w_{number % 99}"]).status, range(300)))
    assert set(answers) == {200}


NEW_ROUTES = [
    ("GET", "/v1/embed/layout"), ("PUT", "/v1/embed/layout"), ("DELETE", "/v1/embed/layout"), ("GET", "/v1/embed/vocabulary"),
    ("GET", "/v1/embed/own-widgets"), ("POST", "/v1/embed/own-widgets"), ("DELETE", "/v1/embed/own-widgets/w_own_x"),
    ("GET", "/v1/embed/live?only=session"),
]


@pytest.mark.parametrize(("method", "path"), NEW_ROUTES)
def test_pages_of_allowed_origins_may_call(organization: Organization, method: str, path: str) -> None:
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    permissions = {"allow_manage_widgets": True, "allow_customize_layout": True}
    session = organization.session("acme", dashboard, permissions, allowed_origins=["https://app.example.com"])
    body = {"PUT": {"positions": {}}, "POST": {"kind": "kpi", "query": {"event_name": "api.call", "metric": "count"}}}.get(method)
    for origin, allowed in (("https://app.example.com", True), ("https://evil.example", False), ("null", False)):
        preflight = Client(organization.base).request(
            "OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization"})
        assert preflight.status == 204 and method in preflight.header("Access-Control-Allow-Methods").split(", ")
        assert "Authorization" in preflight.header("Access-Control-Allow-Headers")
        assert preflight.header("Access-Control-Allow-Credentials") == ""
        if allowed and "live" in path:
            continue  # a stream does not end; test_revocation.py opens it
        answer = session.client.request(method, path, body=body, headers={"Origin": origin})
        if allowed:
            assert answer.status in (200, 201, 204, 404), str(answer)
            assert "Date" in answer.header("Access-Control-Expose-Headers") and answer.header("Date")
        else:
            expect_error(answer, 403, "origin_not_allowed")
        assert answer.header("Access-Control-Allow-Origin") == origin
    # Without a token there is nothing, and a key or cookie opens none of these.
    for client, statuses in ((Client(organization.base), {401}), (organization.admin, {401, 403}), (organization.login(), {401, 403})):
        expect_error(client.request(method, path, body=body), statuses)


def test_routes_of_keys_answer_no_foreign_page(organization: Organization) -> None:
    for method, path in (("POST", CREATE), ("GET", "/v1/data-apps"), ("DELETE", "/v1/embed-sessions?tenant_id=x")):
        for answer in (
            Client(organization.base).request(
                "OPTIONS", path, headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": method}),
            organization.admin.request(method, path, body={} if method == "POST" else None, headers={"Origin": "https://app.example.com"}),
        ):
            assert answer.header("Access-Control-Allow-Origin") == ""


def test_frames_of_guests_follow_the_servers_origins(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_ALLOWED_ORIGINS": "https://app.example.com"}).start()
    organization = Organization(server.url)
    dashboard = organization.create_dashboard([kpi("w_calls")], slug="usage", publish=True)["id"]
    make_data_app(organization, "portal", [dashboard])
    session = guest(organization, "acme", "portal")
    page = server.client.get(f"/embed/{dashboard}?token={session.token}")
    assert "frame-ancestors 'self' https://app.example.com" in page.header("Content-Security-Policy")
    assert page.header("Referrer-Policy") == "no-referrer" and session.token not in page.text
    expect_error(session.client.get("/v1/embed/dashboard", headers={"Origin": "https://evil.example"}), 403, "origin_not_allowed")
    assert session.client.get("/v1/embed/dashboard", headers={"Origin": "https://app.example.com"}).status == 200


def test_no_token_is_written_down(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_LOG_LEVEL": "debug"}).start()
    organization = Organization(server.url)
    organization.ingest([event("acme")])
    dashboard = organization.create_dashboard([kpi("w_calls")], slug="usage", publish=True)["id"]
    make_data_app(organization, "portal", [dashboard])
    everything = {"isEnableManageMetrics": True, "isEnableCustomizeLayout": True}
    session = guest(organization, "acme", "portal", permissions=everything, params={"userId": "secret-user-name"})
    host = {"Referer": f"https://app.example.com/?token={session.token}", "Origin": "https://app.example.com"}
    answers = [
        session.client.request(method, path.replace("live?only=session", "live?only=x"), body={}, headers=host) for method, path in NEW_ROUTES]
    for path in (f"/embed/{dashboard}?token={session.token}", f"/v1/embed/layout?token={session.token}", f"/v1/embed/live?only={session.token}"):
        answers.append(server.client.get(path, headers=host))
        answers.append(session.client.get(path, headers=host))
    answers.append(organization.admin.post(CREATE, {"clientId": session.token, "dataAppName": session.token}))
    answers.append(organization.admin.post(CREATE, {"clientId": "acme", "dataAppName": "portal", "params": {"x": session.token * 20}}))
    answers.append(server.client.bearer(session.token + "x").get("/v1/embed/dashboard", headers=host))
    for answer in answers:
        assert session.token not in answer.text and session.token not in str(answer.headers)
        assert answer.header("Referrer-Policy") == "no-referrer"
    listed = organization.admin.get("/v1/embed-sessions").expect(200)["data"]
    assert session.token not in json.dumps(listed)
    organization.admin.delete("/v1/embed-sessions?dashboard_id=usage")
    assert server.terminate() == 0
    log = server.log
    assert "/v1/embed/layout" in log, "the log shows requests, so that this test can fail"
    for secret in (session.token, session.token.split(".")[2], session.token.split(".")[1], organization.key, "secret-user-name"):
        assert secret not in log
    for file in server.data_dir.rglob("*.sqlite*"):
        assert session.token.split(".")[2].encode() not in file.read_bytes(), "the store keeps sessions, not tokens"
