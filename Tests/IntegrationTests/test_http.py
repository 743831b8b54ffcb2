"""What holds for every answer: statuses, headers, ids, methods, limits."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from embantest.client import Client, Response, expect_error
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event, kpi


@pytest.fixture(scope="module")
def session(module_organization: Organization):
    return module_organization.session("acme", module_organization.create_dashboard([kpi("w")], publish=True)["id"])


def every_kind_of_answer(emban: EmbanProcess, organization: Organization, session) -> dict[str, Response]:
    client, admin = emban.client, organization.admin
    return {
        "health": client.get("/healthz"), "ready": client.get("/readyz"), "list": admin.get("/v1/dashboards"),
        "created": admin.post("/v1/dashboards", {"name": "x"}),
        "no content": admin.post(f"/v1/dashboards/{session.dashboard()['id']}/publish"),
        "400": admin.post("/v1/events", raw="{"), "401": client.get("/v1/dashboards"), "404 api": admin.get("/v1/nothing"),
        "404 page": client.get("/nothing/here"), "404 id": admin.get("/v1/dashboards/dash_00000000000000000000"),
        "405": admin.put("/v1/events", {}), "413": admin.post("/v1/dashboards", raw=b" " * 12_000_000),
        "415": admin.post("/v1/dashboards", raw="x", headers={"Content-Type": "text/plain"}), "422": admin.post("/v1/dashboards", {}),
        "embed page": client.get(f"/embed/{session.dashboard()['id']}"), "helper": client.get("/sdk/emban-embed.js"),
        "element": client.get("/sdk/emban-dashboard.js"), "viewer": session.query(), "viewer 401": client.get("/v1/embed/dashboard"),
        "export": session.export("w"), "head": client.request("HEAD", "/healthz"), "options": client.request("OPTIONS", "/v1/embed/query"),
    }


def test_every_answer_has_a_request_id_and_security_headers(emban: EmbanProcess, module_organization: Organization, session) -> None:
    seen: set[str] = set()
    for kind, answer in every_kind_of_answer(emban, module_organization, session).items():
        identifier = answer.header("X-Request-Id")
        assert re.fullmatch(r"req_[A-Za-z0-9]{8,}", identifier), (kind, identifier)
        assert identifier not in seen, kind
        seen.add(identifier)
        assert answer.header("X-Content-Type-Options") == "nosniff", kind
        assert answer.header("Referrer-Policy") == "no-referrer", kind
        assert "Strict-Transport-Security" not in answer.headers, f"{kind}: plain http must not promise TLS"
        assert not re.search(r"hummingbird|swift|nio", answer.header("Server"), re.I), kind
        policy = answer.header("Content-Security-Policy")
        assert policy.startswith("default-src 'none'"), kind
        if "javascript" not in answer.header("Content-Type"):
            assert "frame-ancestors" in policy, kind
        if answer.path.startswith("/v1/"):
            assert "no-store" in answer.header("Cache-Control"), kind
            assert len(answer.headers.get_all("Content-Type") or []) <= 1, kind


def test_statuses_and_bodies(emban: EmbanProcess, module_organization: Organization, session) -> None:
    answers = every_kind_of_answer(emban, module_organization, session)
    for kind, status in (("health", 200), ("ready", 200), ("created", 201), ("no content", 204), ("embed page", 200), ("helper", 200)):
        assert answers[kind].status == status, str(answers[kind])
    assert answers["no content"].body == b""
    for kind, status, code in (
        ("400", 400, "malformed_json"), ("404 api", 404, "not_found"), ("404 id", 404, None), ("404 page", 404, "not_found"),
        ("405", 405, "method_not_allowed"), ("413", 413, "payload_too_large"), ("415", 415, "unsupported_media_type"), ("422", 422, None),
        ("401", 401, None), ("viewer 401", 401, "token_missing"),
    ):
        expect_error(answers[kind], status, code)


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("PUT", "/v1/events", {"POST"}), ("GET", "/v1/events", {"POST"}), ("DELETE", "/v1/dashboards", {"GET", "HEAD", "POST"}),
    ("POST", "/v1/dashboards/dash_00000000000000000000", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}), ("POST", "/healthz", {"GET", "HEAD"}),
    ("PATCH", "/v1/api-keys", {"GET", "HEAD", "POST"}), ("GET", "/v1/auth/login", {"POST"}),
    ("DELETE", "/v1/embed/query", {"OPTIONS", "POST"}),
    ("OPTIONS", "/v1/dashboards", {"GET", "HEAD", "POST"}), ("TRACE", "/v1/query", {"GET", "HEAD", "POST"}),
    ("PUT", "/embed/x", {"GET", "HEAD"}),
    ("POST", "/sdk/emban-embed.js", {"GET", "HEAD"}),
])
def test_wrong_methods_are_405_and_name_the_right_ones(module_organization: Organization, method: str, path: str,
    allowed: set[str]) -> None:
    for client in (module_organization.admin, Client(module_organization.base)):
        answer = client.request(method, path)
        expect_error(answer, 405, "method_not_allowed")
        named = {name.strip() for name in answer.header("Allow").split(",")}
        assert named - {"OPTIONS"} == allowed - {"OPTIONS"}, named


@pytest.mark.parametrize("path", [
    "/v1", "/v1/", "/v1/dashboards/x/y/z", "/V1/dashboards", "/v2/events", "/embed", "/sdk/none.js", "/web/../emban.yaml",
    "/web/%2e%2e/%2e%2e/etc/passwd",
    "/sdk/..%2f..%2f..%2fetc%2fpasswd", "/web/", "/sdk/", "/.env", "/web/.hidden", "/demo", "/demo/api/tenants", "/web/%00", "/web/%ff",
])
def test_unknown_paths_are_404(emban: EmbanProcess, path: str) -> None:
    expect_error(emban.client.get(path), {400, 404})


def test_head_answers_as_get_without_a_body(emban: EmbanProcess, module_organization: Organization) -> None:
    for client, path in (
        (emban.client, "/healthz"), (emban.client, "/sdk/emban-embed.js"), (module_organization.admin, "/v1/dashboards"),
        (emban.client, "/v1/dashboards"), (emban.client, "/nothing"),
    ):
        got, head = client.get(path), client.request("HEAD", path)
        assert head.status == got.status and head.body == b"", path
        assert head.header("Content-Type") == got.header("Content-Type"), path
        assert head.header("Content-Length") in (got.header("Content-Length"), ""), path


def test_large_bodies_are_refused_early(module_organization: Organization) -> None:
    for path in ("/v1/dashboards", "/v1/api-keys", "/v1/query", "/v1/embed-sessions", "/v1/auth/login", "/v1/auth/register"):
        answer = module_organization.admin.post(path, raw=json.dumps({"name": "x" * 5_000_000}))
        expect_error(answer, 413, "payload_too_large")


def test_a_lie_about_the_length_is_survived(emban: EmbanProcess) -> None:
    for head in (
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\n\r\n", b"nonsense\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET " + b"/a" * 50_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", emban.port), timeout=30) as connection:
            try:
                connection.sendall(head)
                connection.settimeout(2)
                answer = connection.recv(65536)
            except (TimeoutError, ConnectionError):
                answer = b""
        assert not answer or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), (head[:60], answer[:200])
    assert emban.client.get("/healthz").status == 200


def test_only_the_viewer_api_may_be_called_from_elsewhere(emban: EmbanProcess, module_organization: Organization, session) -> None:
    origin = {"Origin": "https://app.example.com"}
    preflight = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    for path in ("/v1/embed/query", "/v1/embed/dashboard", "/v1/embed/filter-values", "/v1/embed/drill", "/v1/embed/export"):
        answer = emban.client.request("OPTIONS", path, headers=preflight)
        assert answer.status in (200, 204), str(answer)
        assert answer.header("Access-Control-Allow-Origin") in ("*", origin["Origin"])
        allowed = answer.header("Access-Control-Allow-Headers").lower()
        assert "authorization" in allowed and "content-type" in allowed
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for answer in (
        session.client.post("/v1/embed/query", {}, headers=origin), session.client.get("/v1/embed/dashboard", headers=origin),
        emban.client.get("/v1/embed/dashboard", headers=origin), session.client.post("/v1/embed/query", raw="{", headers=origin),
    ):
        assert answer.header("Access-Control-Allow-Origin") in ("*", origin["Origin"]), str(answer)
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for method, path in (
        ("GET", "/v1/dashboards"), ("POST", "/v1/events"), ("POST", "/v1/auth/login"), ("GET", "/v1/auth/me"),
        ("POST", "/v1/embed-sessions"),
        ("GET", "/v1/query?metric=count"), ("OPTIONS", "/v1/dashboards"), ("OPTIONS", "/v1/embed-sessions"), ("GET", "/nothing"),
    ):
        answer = module_organization.admin.request(method, path, body={} if method == "POST" else None, headers=preflight)
        assert not [name for name in answer.headers if name.lower().startswith("access-control")], (method, path, answer.headers.items())


def test_unknown_query_parameters_are_refused_and_named(module_organization: Organization, session) -> None:
    for path in ("/v1/dashboards?limitt=5", "/v1/api-keys?page=2", "/v1/query?metric=count&perid=7d", "/v1/embed-sessions?tenant=acme"):
        details = expect_error(module_organization.admin.get(path), 422)["details"]
        assert details and details[0]["field"] in path
    for path in ("/v1/embed/filter-values?dimension=model&tenant_id=x", "/v1/embed/export?format=csv&widget=w&tenant=x"):
        assert expect_error(session.client.get(path), 422)["details"]
    expect_error(module_organization.admin.get("/v1/dashboards?limit=5&limit=6"), 422)


def test_static_files_are_compressed_and_typed(emban: EmbanProcess) -> None:
    plain = emban.client.get("/sdk/emban-dashboard.js")
    assert plain.header("Content-Type").startswith(("text/javascript", "application/javascript"))
    assert "Accept-Encoding" in plain.header("Vary")
    for encoding in ("gzip", "br"):
        packed = emban.client.get("/sdk/emban-dashboard.js", headers={"Accept-Encoding": encoding})
        if packed.header("Content-Encoding"):
            assert packed.header("Content-Encoding") == encoding and len(packed.body) < len(plain.body) / 2
    assert emban.client.get("/sdk/emban-dashboard.js", headers={"Accept-Encoding": "gzip"}).header("Content-Encoding") == "gzip"
    tag = plain.header("ETag")
    if tag:
        assert emban.client.get("/sdk/emban-dashboard.js", headers={"If-None-Match": tag}).status == 304


def test_the_embed_page_has_a_strict_policy(emban: EmbanProcess, module_organization: Organization, session) -> None:
    page = emban.client.get(f"/embed/{session.dashboard()['id']}?token={session.token}")
    assert page.status == 200 and page.header("Content-Type").startswith("text/html")
    policy = {part.split()[0]: part.split()[1:] for part in page.header("Content-Security-Policy").split(";") if part.strip()}
    assert policy["script-src"] == ["'self'"] and policy["connect-src"] == ["'self'"]
    assert policy["default-src"] == ["'none'"] and policy["base-uri"] == ["'none'"]
    assert policy.get("object-src", ["'none'"]) == ["'none'"] and policy["form-action"] == ["'none'"]
    assert "'unsafe-eval'" not in str(policy) and "unsafe-inline" not in str(policy.get("script-src"))
    assert "frame-ancestors" in policy and "X-Frame-Options" not in page.headers
    assert session.token not in page.text and "no-store" in page.header("Cache-Control")


def test_frame_ancestors_come_from_the_sessions_origins(emban: EmbanProcess, module_organization: Organization) -> None:
    dashboard = module_organization.create_dashboard([kpi("w")], publish=True)["id"]
    bound = module_organization.session("acme", dashboard, allowed_origins=["https://app.example.com", "https://other.example"])
    page = emban.client.get(f"/embed/{dashboard}?token={bound.token}")
    found = re.search(r"frame-ancestors ([^;]+)", page.header("Content-Security-Policy"))
    assert found and set(found.group(1).split()) - {"'self'"} == {"https://app.example.com", "https://other.example"}


def test_health_and_readiness_need_no_credentials_and_say_little(emban: EmbanProcess) -> None:
    for path in ("/healthz", "/readyz"):
        answer = emban.client.get(path)
        assert answer.status == 200 and len(answer.body) < 300
        assert "/" not in answer.text and "127.0.0.1" not in answer.text, "neither paths nor addresses"


def test_events_in_parallel_connections(organization: Organization) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: organization.admin.post("/v1/events", {"events": [event(f"t{n % 4}")] * 10}), range(160)))
    assert {answer.status for answer in answers} == {200}
    assert organization.count() == 1600
