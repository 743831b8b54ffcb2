"""Embed tokens: what is in them, and that none but our own, living ones open anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from embantest import tokens
from embantest.client import Client, expect_error
from embantest.process import EmbanProcess
from embantest.routes import ROUTES, VIEWER_ROUTES
from embantest.workspace import Organization, Session, event, kpi


@pytest.fixture(scope="module")
def session(module_organization: Organization) -> Session:
    module_organization.ingest([event("acme"), event("globex"), event("globex")])
    dashboard = module_organization.create_dashboard([kpi("w_calls")], publish=True)
    return module_organization.session("acme", dashboard["id"])


def refused(session: Session, token: str, code: str | set[str] = "token_invalid") -> None:
    """The token opens no route, neither of viewers nor of admins."""
    client = Client(session.client.base).bearer(token)
    for method, path, body in VIEWER_ROUTES:
        expect_error(client.request(method, path, body=body), 401, code)
    expect_error(client.get("/v1/dashboards"), 401)


# --- What a session is ----------------------------------------------------------------------------------------------------


def test_a_session_has_the_documented_members(emban: EmbanProcess, module_organization: Organization, session: Session) -> None:
    dashboard = session.dashboard()["id"]
    before = datetime.now(timezone.utc)
    made = module_organization.admin.post("/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": dashboard}).expect(201)
    after = datetime.now(timezone.utc)
    assert set(made) == {"token", "embed_url", "expires_at", "session_id"}
    assert made["session_id"].startswith("ses_") and made["expires_at"].endswith("Z")
    assert made["embed_url"] == f"http://localhost:{emban.port}/embed/{dashboard}?token={made['token']}"
    made_at = datetime.fromisoformat(made["expires_at"]) - timedelta(hours=1)
    assert before - timedelta(seconds=1) <= made_at <= after + timedelta(seconds=1)
    header, payload, _ = tokens.parts(made["token"])
    assert header["alg"] == "HS256" and header["kid"]
    assert {"iss", "aud", "iat", "nbf", "exp", "jti"} <= set(payload)
    assert payload["exp"] - payload["iat"] == 3600
    assert "acme" in payload.values() and dashboard in payload.values() and module_organization.id in payload.values()


def test_sessions_see_their_own_tenant(module_organization: Organization, session: Session) -> None:
    assert session.value("w_calls") == 1
    assert module_organization.session("globex", session.dashboard()["id"]).value("w_calls") == 2
    assert module_organization.session("nobody", session.dashboard()["id"]).value("w_calls") == 0


@pytest.mark.parametrize(("change", "field"), [
    ({"tenant_id": None}, "tenant_id"), ({"tenant_id": ""}, "tenant_id"), ({"tenant_id": 5}, "tenant_id"),
    ({"tenant_id": ["acme"]}, "tenant_id"),
    ({"tenant_id": "a\0b"}, "tenant_id"), ({"dashboard_id": None}, "dashboard_id"), ({"dashboard_id": 5}, "dashboard_id"),
    ({"expires_in": 59}, "expires_in"), ({"expires_in": 86_401}, "expires_in"), ({"expires_in": "3600"}, "expires_in"),
    ({"expires_in": -1}, "expires_in"), ({"expires_in": 1e300}, "expires_in"), ({"expires_in": 90.5}, "expires_in"),
    ({"permission": {}}, "permission"), ({"permissions": {"hidden_widget": ["w"]}}, "permissions.hidden_widget"),
    ({"permissions": {"lockedFilters": {}}}, "permissions.lockedFilters"), ({"permissions": []}, "permissions"),
    ({"permissions": {"locked_filters": {"model": 5}}}, "permissions.locked_filters"),
    ({"permissions": {"locked_filters": []}}, "permissions.locked_filters"),
    ({"permissions": {"locked_filters": {"model": []}}}, "permissions.locked_filters"),
    ({"permissions": {"allowed_periods": ["5d"]}}, "permissions.allowed_periods"),
    ({"permissions": {"allowed_periods": "7d"}}, "permissions.allowed_periods"),
    ({"permissions": {"max_date_range_days": -1}}, "permissions.max_date_range_days"),
    ({"permissions": {"max_date_range_days": "7"}}, "permissions.max_date_range_days"),
    ({"permissions": {"allow_drill_down": "false"}}, "permissions.allow_drill_down"),
    ({"permissions": {"allow_export": 0}}, "permissions.allow_export"), ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "../../etc/passwd"}, "timezone"), ({"allowed_origins": ["not an origin"]}, "allowed_origins"),
    ({"allowed_origins": ["https://x.example; script-src *"]}, "allowed_origins"),
], ids=lambda value: str(value)[:60])
def test_wrong_sessions_are_422(module_organization: Organization, session: Session, change: Any, field: str) -> None:
    body = {"tenant_id": "acme", "dashboard_id": session.dashboard()["id"]} | change
    answer = module_organization.admin.post("/v1/embed-sessions", {k: v for k, v in body.items() if v is not None})
    details = expect_error(answer, 422)["details"]
    assert any(detail["field"].startswith(field) for detail in details), details


# --- Tokens of others and tokens changed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "ES256", "", None, 256])
def test_other_algorithms_are_refused(session: Session, algorithm: Any) -> None:
    header, payload, signature = tokens.parts(session.token)
    header["alg"] = algorithm
    refused(session, tokens.join(header, payload, ""))
    refused(session, tokens.join(header, payload, signature))
    for secret in (b"", b"secret", header["kid"].encode(), b"null"):
        name = {"HS384": "sha384", "HS512": "sha512"}.get(str(algorithm), "sha256")
        refused(session, tokens.sign(header, payload, secret, name))


def test_an_algorithm_is_needed(session: Session) -> None:
    header, payload, signature = tokens.parts(session.token)
    del header["alg"]
    refused(session, tokens.join(header, payload, signature))


@pytest.mark.parametrize("secret", [b"", b"secret", b"changeme", b"\0" * 32, b"your-256-bit-secret"])
def test_forged_signatures_are_refused(session: Session, secret: bytes) -> None:
    header, payload, _ = tokens.parts(session.token)
    refused(session, tokens.sign(header, payload, secret))
    refused(session, tokens.sign(header, payload | {"exp": int(time.time()) - 100}, secret))


@pytest.mark.parametrize("kid", [None, "", "unknown", "../../dev/null", "' OR 1=1 --", 0, ["a"], {"a": 1}, "a" * 5_000])
def test_foreign_key_names_are_refused(session: Session, other_organization: Organization, kid: Any) -> None:
    header, payload, signature = tokens.parts(session.token)
    header = {k: v for k, v in (header | {"kid": kid}).items() if v is not None}
    refused(session, tokens.join(header, payload, signature))
    refused(session, tokens.sign(header, payload, b""))


def test_the_key_of_another_organisation_signs_nothing_here(
    session: Session, module_organization: Organization, other_organization: Organization,
) -> None:
    theirs = other_organization.session("acme", other_organization.create_dashboard(publish=True)["id"])
    my_header, my_payload, my_signature = tokens.parts(session.token)
    their_header, their_payload, their_signature = tokens.parts(theirs.token)
    assert my_header["kid"] != their_header["kid"], "every organisation has a key of its own"
    mixes = [
        tokens.join(their_header, my_payload, their_signature), tokens.join(their_header, my_payload, my_signature),
        tokens.join(my_header, their_payload, my_signature), tokens.join(my_header, their_payload, their_signature),
    ]
    for mix in mixes:
        refused(session, mix)
    assert theirs.dashboard()["id"] != session.dashboard()["id"]


@pytest.mark.parametrize("change", [
    {"exp": 32503680000}, {"tenant": "globex"}, {"tenant_id": "globex"}, {"permissions": {}}, {"nbf": 0},
    {"jti": "ses_00000000000000000000"},
    {"aud": "admin"},
], ids=str)
def test_a_changed_payload_is_refused(session: Session, change: dict[str, Any]) -> None:
    header, payload, signature = tokens.parts(session.token)
    refused(session, tokens.join(header, payload | change, signature))
    for claim, value in payload.items():
        if value == "acme":
            refused(session, tokens.join(header, payload | {claim: "globex"}, signature))


def test_truncated_and_mangled_tokens_are_refused(session: Session) -> None:
    token = session.token
    header, payload, signature = token.split(".")
    mangled = [
        token[:-1], token[:-5], token[: len(token) // 2], token[1:], f"{header}.{payload}", f"{header}.{payload}.",
        f".{payload}.{signature}",
        f"{header}..{signature}", f"{token}.x", f"{token}.{signature}", f"{header}.{payload}.{signature}A", "a.b.c", "...", "..",
        f"{header}.{payload}={'='}.{signature}", f"{header}.{payload}.{signature.swapcase()}",
        f"{tokens.encode(b'[]')}.{payload}.{signature}",
        f"{tokens.encode(b'null')}.{tokens.encode(b'null')}.", f"{header}.{tokens.encode(b'x' * 9)}.{signature}",
        "eyJhbGciOiJub25lIn0.e30.",
    ]
    for text in mangled:
        refused(session, text)
    for nothing in ("", " "):
        client = Client(session.client.base, {"Authorization": f"Bearer{nothing}"})
        expect_error(client.get("/v1/embed/dashboard"), 401, {"token_missing", "token_invalid"})
    expect_error(Client(session.client.base).get("/v1/embed/dashboard"), 401, "token_missing")
    assert session.query().status == 200


# --- Each credential opens its own routes only ----------------------------------------------------------------------------


def test_an_embed_token_opens_no_other_route(session: Session) -> None:
    dashboard = session.dashboard()["id"]
    for method, path, body in ROUTES + [("GET", "/v1/auth/me", None)]:
        path = path.format(dashboard=dashboard, key="key_00000000000000000000", session=session.session_id)
        expect_error(session.client.request(method, path, body=body), {401, 403})
    cookie = Client(session.client.base, {"Cookie": f"emban_session={session.token}", "Origin": session.client.base})
    expect_error(cookie.get("/v1/dashboards"), 401)
    assert session.dashboard()["id"] == dashboard


def test_keys_and_cookies_open_no_viewer_route(module_organization: Organization, session: Session) -> None:
    for client in (module_organization.admin, module_organization.login()):
        for method, path, body in VIEWER_ROUTES:
            expect_error(client.request(method, path, body=body), {401, 403})


def test_a_token_in_the_query_opens_no_viewer_route(session: Session) -> None:
    for name in ("token", "access_token"):
        expect_error(Client(session.client.base).get("/v1/embed/dashboard", query={name: session.token}), 401)


# --- The end of a session -------------------------------------------------------------------------------------------------


def test_revocation_works_within_a_second(module_organization: Organization, session: Session) -> None:
    dashboard = session.dashboard()["id"]
    first, second, third = (module_organization.session(tenant, dashboard) for tenant in ("r1", "r2", "r2"))
    assert _live(module_organization, "r2") == {second.session_id, third.session_id}
    for viewer in (first, second, third):
        assert viewer.query().status == 200
    assert module_organization.admin.delete(f"/v1/embed-sessions/{first.session_id}").status == 204
    _dies(first)
    assert second.query().status == 200
    assert module_organization.admin.delete("/v1/embed-sessions?tenant_id=r2").status in (200, 204)
    _dies(second)
    _dies(third)
    assert _live(module_organization, "r2") == set() and _live(module_organization, "r1") == set()
    assert session.query().status == 200
    expect_error(module_organization.admin.delete("/v1/embed-sessions/ses_00000000000000000000"), 404)
    expect_error(module_organization.admin.delete("/v1/embed-sessions"), {400, 405, 422})


def _live(organization: Organization, tenant: str) -> set[str]:
    answer = organization.admin.get("/v1/embed-sessions", query={"tenant_id": tenant}).expect(200)
    return {row.get("session_id", row.get("id")) for row in answer["data"]}


def _dies(viewer: Session) -> None:
    revoked = time.monotonic()
    while True:
        sent = time.monotonic()
        if viewer.query().status != 200:
            break
        assert sent < revoked + 1, "the token works a second after its revocation"
    refused(viewer, viewer.token, "session_revoked")


def test_lists_of_sessions_show_no_token(module_organization: Organization, session: Session) -> None:
    text = module_organization.admin.get("/v1/embed-sessions", query={"tenant_id": "acme"}).text
    assert session.session_id in text and session.token.split(".")[2] not in text


@pytest.mark.alone
@pytest.mark.last
def test_an_expired_token_is_refused_as_expired(short_lived: tuple[Session, float]) -> None:
    session, made = short_lived
    life = datetime.fromisoformat(session.expires_at) - datetime.now(timezone.utc)
    if life > timedelta(seconds=5):
        assert session.query().status == 200, "the session lives for its whole time"
    time.sleep(max(0.0, made + 62 - time.monotonic()))
    refused(session, session.token, "token_expired")


# --- Secrets and the log --------------------------------------------------------------------------------------------------


def test_no_secret_reaches_the_log(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_LOG_LEVEL": "trace"}).start()
    person = Organization(server.url)
    person.ingest([event()])
    session = person.session("acme", person.create_dashboard(publish=True)["id"])
    cookie = person.login().headers["Cookie"].split("=", 1)[1]
    identifier = session.dashboard()["id"]
    secrets = [session.token, session.token.split(".")[2], person.key, cookie, "correct horse battery"]
    for path in (
        f"/embed/{identifier}?token={session.token}", f"/v1/embed/dashboard?token={session.token}", f"/no/such/page?token={session.token}",
        f"/v1/dashboards?api_key={person.key}", f"/sdk/emban-embed.js?token={session.token}", f"/{session.token}",
    ):
        server.client.get(path)
        server.client.post(path, {"x": 1})
    session.query({"period": "5d"})
    server.client.get("/embed/x", headers={"Referer": f"http://localhost/?token={session.token}"})
    session.client.get("/v1/embed/query")
    person.admin.post("/v1/auth/login", raw=f'{{"password":"{secrets[-1]}"')
    expect_error(server.client.bearer(session.token[:-2]).get("/v1/embed/dashboard"), 401)
    assert server.terminate() == 0
    log = server.log
    assert "/v1/dashboards" in log or "/embed/" in log, "the log shows requests, so that this test can fail"
    for secret in secrets:
        assert secret not in log
    for file in (server.data_dir).rglob("*"):
        if file.is_file() and file.suffix in (".log", ".err"):
            for secret in secrets:
                assert secret not in file.read_text(errors="replace"), file


def test_a_token_tells_users_of_a_tenant_apart_without_naming_them(module_organization: Organization, session: Session) -> None:
    dashboard = session.dashboard()["id"]

    def subject(tenant: str, user: Any) -> Any:
        body = {"tenant_id": tenant, "dashboard_id": dashboard, "context": {"userId": user}}
        made = module_organization.admin.post("/v1/embed-sessions", body).expect(201)
        payload = tokens.parts(made["token"])[1]
        assert "ada" not in str(payload)
        assert Client(module_organization.base).bearer(made["token"]).get("/v1/embed/dashboard").status == 200
        return payload["sub"]

    assert "sub" not in tokens.parts(session.token)[1], "of a session that names no user"
    ada = subject("acme", "ada@acme.example")
    assert ada == subject("acme", "ada@acme.example") and len(ada) == 24
    assert len({ada, subject("acme", "bob@acme.example"), subject("acme", 7), subject("globex", "ada@acme.example")}) == 4
