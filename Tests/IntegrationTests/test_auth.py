"""People, keys, and what each credential opens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from embantest.client import Client, Response, expect_error
from embantest.process import EmbanProcess
from embantest.routes import ROUTES, VIEWER_ROUTES
from embantest.workspace import PASSWORD, Organization, event, kpi, session_cookie


def credentials(organization: Organization) -> dict[str, str]:
    return {"email": organization.email, "password": PASSWORD}


# --- Register, login, logout, me ------------------------------------------------------------------------------------------


def test_register_shows_the_admin_key_once(emban: EmbanProcess, organization: Organization) -> None:
    assert set(organization.registered) >= {"user", "organization", "api_key"}
    assert organization.key.startswith("eb_adm_") and len(organization.key) > 30
    assert organization.id.startswith("org_")
    user = organization.registered["user"]
    assert user["id"].startswith("usr_") and user["email"] == organization.email
    assert PASSWORD not in str(organization.registered)
    listed = organization.admin.pages("/v1/api-keys")
    assert len(listed) == 1 and listed[0]["scope"] == "admin"
    assert organization.key not in str(listed)


def test_register_needs_only_email_and_password(emban: EmbanProcess) -> None:
    body = {"email": f"minimal-{time.time_ns()}@example.com", "password": PASSWORD}
    assert emban.client.post("/v1/auth/register", body).expect(201)["organization"]["id"].startswith("org_")


def test_an_email_can_register_once(organization: Organization) -> None:
    again = {"email": organization.email, "password": "another long password 1"}
    expect_error(Client(organization.base).post("/v1/auth/register", again), 409)
    again["email"] = organization.email.upper()
    expect_error(Client(organization.base).post("/v1/auth/register", again), 409)


@pytest.mark.parametrize(("body", "field"), [
    ({"password": PASSWORD}, "email"), ({"email": "a@example.com"}, "password"), ({"email": "nobody", "password": PASSWORD}, "email"),
    ({"email": "", "password": PASSWORD}, "email"), ({"email": 5, "password": PASSWORD}, "email"),
    ({"email": "a@example.com", "password": "short"}, "password"), ({"email": "a@example.com", "password": 12345678901234}, "password"),
    ({"email": "a@example.com", "password": "x" * 10_000}, "password"), ({"email": "a\n@example.com", "password": PASSWORD}, "email"),
    ({"email": "a@example.com", "password": PASSWORD, "role": "owner"}, "role"),
    ({"email": "a" * 5000 + "@example.com", "password": PASSWORD}, "email"),
    ({"email": ["a@example.com"], "password": PASSWORD}, "email"),
], ids=lambda value: str(value)[:60])
def test_wrong_registrations_are_422_and_name_the_field(emban: EmbanProcess, body: Any, field: str) -> None:
    details = expect_error(emban.client.post("/v1/auth/register", body), 422)["details"]
    assert field in {detail["field"] for detail in details}


def test_login_sets_a_cookie_that_scripts_cannot_read(organization: Organization) -> None:
    answer = Client(organization.base).post("/v1/auth/login", credentials(organization))
    answer.expect(200)
    cookie = session_cookie(answer)
    assert cookie["httponly"] and cookie["samesite"].lower() == "lax" and cookie["path"] == "/"
    assert not cookie["secure"], "Secure behind TLS only: this server is on plain http"
    assert not cookie["domain"]
    assert len(cookie.value) >= 32
    assert cookie.value not in answer.text, "the session's secret belongs into the cookie alone"


def test_the_cookie_is_secure_behind_tls(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_PUBLIC_URL": "https://analytics.example.com"}).start()
    person = Organization(server.url)
    answer = server.client.post("/v1/auth/login", credentials(person))
    answer.expect(200)
    assert session_cookie(answer)["secure"]
    session = person.session("acme", person.create_dashboard(publish=True)["id"])
    assert session.embed_url.startswith("https://analytics.example.com/embed/")


def test_me_names_the_user_and_the_organisation(organization: Organization) -> None:
    me = organization.login().get("/v1/auth/me").expect(200)
    assert organization.email in str(me) and organization.id in str(me)
    assert PASSWORD not in str(me) and "hash" not in str(me).lower()


def test_logout_ends_the_session_on_the_server(organization: Organization) -> None:
    console = organization.login()
    other = organization.login()
    assert console.get("/v1/auth/me").status == 200
    assert console.post("/v1/auth/logout").status == 204
    expect_error(console.get("/v1/auth/me"), 401)
    assert other.get("/v1/auth/me").status == 200


def test_wrong_passwords_and_unknown_people_look_the_same(organization: Organization) -> None:
    client = Client(organization.base)
    wrong = expect_error(client.post("/v1/auth/login", {"email": organization.email, "password": "not this password"}), 401)
    unknown = expect_error(client.post("/v1/auth/login", {"email": "nobody@example.org", "password": "not this password"}), 401)
    assert (wrong["code"], wrong["message"]) == (unknown["code"], unknown["message"])


@pytest.mark.parametrize("body", [
    {}, {"email": "a@example.com"}, {"email": None, "password": None}, {"email": {"$ne": ""}, "password": {"$ne": ""}}, [],
    {"email": "a@example.com", "password": PASSWORD, "remember": True},
], ids=str)
def test_wrong_login_bodies_are_422(emban: EmbanProcess, body: Any) -> None:
    expect_error(emban.client.post("/v1/auth/login", body), 422)


def test_guessing_passwords_is_slowed_down_with_429(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server().start()
    person = Organization(server.url)
    answers: list[Response] = []
    for number in range(60):
        answers.append(server.client.post("/v1/auth/login", {"email": person.email, "password": f"wrong password {number}"}))
        if answers[-1].status != 429:
            continue
        if (pause := int(answers[-1].header("Retry-After"))) >= 15:
            break
        # So slow that a guess has been granted meanwhile, or nearly: what is looked at below would be over.
        time.sleep(pause)
    body = expect_error(answers[-1], 429, "rate_limited")
    assert body["details"] == [] and int(answers[-1].header("Retry-After")) >= 1
    assert len(answers) > 4, "a person may mistype a few times"
    assert {answer.status for answer in answers[:-1]} <= {401, 429}
    # The right password does not help while the address is blocked, otherwise guessing goes on undisturbed.
    expect_error(server.client.post("/v1/auth/login", credentials(person)), 429)
    # Neither does a header in which the guesser names another address.
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9"}
    expect_error(server.client.post("/v1/auth/login", credentials(person), headers=forged), 429)
    assert person.admin.get("/v1/dashboards").status == 200, "keys go on working"


# --- The cookie and foreign origins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": None}, {"Origin": "http://127.0.0.1"},
    {"Origin": None, "Referer": "https://evil.example/page"}, {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
], ids=str)
def test_cookie_writes_from_elsewhere_are_refused(organization: Organization, headers: dict[str, Any]) -> None:
    console = organization.login()
    expect_error(console.post("/v1/dashboards", {"name": "From elsewhere"}, headers=headers), 403)
    expect_error(console.post("/v1/api-keys", {"name": "x", "scope": "admin"}, headers=headers), 403)
    assert organization.admin.pages("/v1/dashboards") == [] and len(organization.admin.pages("/v1/api-keys")) == 1
    assert console.get("/v1/dashboards", headers=headers).status == 200, "reading does not change anything"


def test_cookie_writes_from_our_own_origin_are_taken(organization: Organization) -> None:
    console = organization.login()
    assert console.post("/v1/dashboards", {"name": "From the console"}).status == 201


# --- Keys -----------------------------------------------------------------------------------------------------------------


def test_keys_are_made_listed_and_removed(organization: Organization) -> None:
    made = {scope: organization.new_key(scope) for scope in ("admin", "ingest")}
    assert made["admin"]["key"].startswith("eb_adm_") and made["ingest"]["key"].startswith("eb_ing_")
    listed = organization.admin.pages("/v1/api-keys", limit=1)
    assert len(listed) == 3
    for key in made.values():
        assert key["id"].startswith("key_")
        row = next(row for row in listed if row["id"] == key["id"])
        assert row["scope"] == key["scope"] and row["name"] == key["name"]
        assert key["key"] not in str(listed), "the secret is shown once"
        assert "key" not in row
    assert organization.admin.delete(f"/v1/api-keys/{made['ingest']['id']}").status == 204
    assert {row["id"] for row in organization.admin.pages("/v1/api-keys")} == {row["id"] for row in listed} - {made["ingest"]["id"]}
    expect_error(organization.admin.delete(f"/v1/api-keys/{made['ingest']['id']}"), 404)


@pytest.mark.parametrize(("body", "field"), [
    ({"scope": "admin"}, "name"), ({"name": "x"}, "scope"), ({"name": "x", "scope": "read"}, "scope"),
    ({"name": "x", "scope": "root"}, "scope"),
    ({"name": "", "scope": "admin"}, "name"), ({"name": "x" * 10_000, "scope": "admin"}, "name"), ({"name": 5, "scope": "admin"}, "name"),
    ({"name": "x", "scope": ["admin"]}, "scope"), ({"name": "x", "scope": "admin", "organization": "org_other"}, "organization"),
    ({"name": "x", "scope": "ingest", "environment": "nowhere"}, "environment"), ({"name": "x", "scope": "admin", "expires": 5}, "expires"),
], ids=lambda value: str(value)[:60])
def test_wrong_keys_are_422(module_organization: Organization, body: Any, field: str) -> None:
    details = expect_error(module_organization.admin.post("/v1/api-keys", body), 422)["details"]
    assert field in {detail["field"] for detail in details}


def test_environments_do_not_see_each_others_events(organization: Organization) -> None:
    development = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
    assert development.post("/v1/events", {"events": [event(), event()]}).status == 200
    organization.ingest([event()])
    assert organization.count() == 1
    result = organization.query({"metric": "count"}, client=development).expect(200)
    assert result["rows"][0]["value"] == 2


def test_an_ingest_key_does_nothing_but_ingest(organization: Organization) -> None:
    dashboard = organization.create_dashboard(publish=True)["id"]
    key_id = organization.admin.pages("/v1/api-keys")[0]["id"]
    ingest = Client(organization.base).bearer(organization.new_key("ingest")["key"])
    assert ingest.post("/v1/events", {"events": [event()]}).status == 200
    for method, path, body in ROUTES:
        path = path.format(dashboard=dashboard, key=key_id, session="ses_00000000000000000000")
        if path != "/v1/events":
            expect_error(ingest.request(method, path, body=body), 403)
    for method, path, body in VIEWER_ROUTES:
        expect_error(ingest.request(method, path, body=body), {401, 403})
    assert organization.admin.get(f"/v1/dashboards/{dashboard}").status == 200


def test_a_revoked_key_dies_within_a_second(organization: Organization) -> None:
    key = organization.new_key("admin")
    client = Client(organization.base).bearer(key["key"])
    for _ in range(3):
        assert client.get("/v1/dashboards").status == 200
    assert organization.admin.delete(f"/v1/api-keys/{key['id']}").status == 204
    revoked = time.monotonic()
    while True:
        sent = time.monotonic()
        if client.get("/v1/dashboards").status != 200:
            break
        assert sent < revoked + 1, "the key works a second after its revocation"
    expect_error(client.get("/v1/dashboards"), 401)
    expect_error(client.post("/v1/events", {"events": [event()]}), 401)


# --- Every route and every credential -------------------------------------------------------------------------------------

@pytest.mark.parametrize("header", [
    None, "", "Bearer", "Bearer ", "Bearer x", "Basic YWRtaW46YWRtaW4=", "Bearer eb_adm_", "Bearer eb_adm_00000000000000000000000000000000",
    "Bearer ' OR 1=1 --", "Token {key}", "Bearer {key}x", "Bearer {short}", "{key}", "Bearer {key} {key}", "Bearer \u00e4\u00f6",
    "Bearer " + "a" * 7_000,
], ids=lambda value: str(value)[:30])
def test_missing_or_garbage_credentials_are_401_everywhere(module_organization: Organization, header: str | None) -> None:
    key = module_organization.key
    sent = {} if header is None else {"Authorization": header.format(key=key, short=key[:-1]).encode().decode("latin-1")}
    client = Client(module_organization.base, sent)
    for method, path, body in ROUTES + VIEWER_ROUTES + [("GET", "/v1/auth/me", None)]:
        path = path.format(dashboard="dash_00000000000000000000", key="key_00000000000000000000", session="ses_00000000000000000000")
        answer = client.request(method, path, body=body)
        expect_error(answer, 401)
        assert answer.header("WWW-Authenticate").startswith("Bearer"), str(answer)


@pytest.mark.parametrize("cookie",
    ["emban_session=x", "emban_session=", "emban_session={key}", "other=1", "emban_session=a; emban_session=b"])
def test_garbage_cookies_are_401(module_organization: Organization, cookie: str) -> None:
    client = Client(module_organization.base, {"Cookie": cookie.format(key=module_organization.key), "Origin": module_organization.base})
    for method, path, body in ROUTES[1:4] + VIEWER_ROUTES:
        expect_error(client.request(method, path, body=body), 401)


def test_a_key_in_the_query_string_opens_nothing(module_organization: Organization) -> None:
    for name in ("api_key", "key", "token", "access_token"):
        answer = Client(module_organization.base).get("/v1/dashboards", query={name: module_organization.key})
        expect_error(answer, 401)


def test_no_resource_of_another_organisation_can_be_reached(organization: Organization, other_organization: Organization) -> None:
    mine = organization.create_dashboard([kpi("w_calls")], publish=True, slug=f"mine-{time.time_ns()}")
    session = organization.session("acme", mine["id"])
    key_id = organization.admin.pages("/v1/api-keys")[0]["id"]
    organization.ingest([event("acme"), event("acme")])
    other_organization.ingest([event("acme")])
    for stranger in (other_organization.admin, other_organization.login()):
        for identifier in (mine["id"], mine["slug"]):
            for method, path, body in ROUTES:
                if "{dashboard}" in path:
                    expect_error(stranger.request(method, path.format(dashboard=identifier), body=body), 404)
            expect_error(stranger.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": identifier}), 404)
        expect_error(stranger.delete(f"/v1/api-keys/{key_id}"), 404)
        expect_error(stranger.delete(f"/v1/embed-sessions/{session.session_id}"), 404)
        stranger.delete("/v1/embed-sessions?tenant_id=acme")
        assert stranger.get("/v1/dashboards").expect(200)["data"] == []
        assert stranger.get("/v1/embed-sessions?tenant_id=acme").expect(200)["data"] == []
        assert all(row["id"] != key_id for row in stranger.get("/v1/api-keys").expect(200)["data"])
    assert other_organization.count("acme") == 1 and organization.count("acme") == 2
    assert session.dashboard()["id"] == mine["id"], "the stranger's revocation by tenant did not touch my session"
    assert organization.admin.get(f"/v1/dashboards/{mine['id']}").expect(200)["name"] == "Usage"
    assert set(other_organization.admin.get("/v1/discover").expect(200)).isdisjoint({mine["id"]})
