"""`GET /openapi.json` against the program: every route is described and nothing else, with its credential; examples and answers are as described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from embantest.client import Client, Response
from embantest.process import ROOT, EmbanProcess
from embantest.reset import reset_token
from embantest.schemas import Schemas
from embantest.team import browser, invite, join, new_address, token_of
from embantest.workspace import PASSWORD, Organization, Session, breakdown, event, kpi, timeseries

Json = dict[str, Any]
METHODS = ("get", "post", "put", "patch", "delete")
SOURCES = ROOT / "web/apps/reference/openapi"
#: Served by `emban demo` only.
DEMO = {("GET", "/demo"), ("GET", "/demo/api/tenants"), ("POST", "/demo/api/session")}


def routes_of_the_program() -> dict[tuple[str, str], str]:
    """Method and path → access rule."""
    found: dict[tuple[str, str], str] = {}
    for path in (ROOT / "Sources/HTTPAPI").rglob("*.swift"):
        for method, route, rule in re.findall(r'Endpoint\(\s*\.(\w+), "([^"]+)", \.(\w+)', path.read_text()):
            found[method.upper(), re.sub(r":(\w+)", r"{\1}", route)] = rule
    return {route: rule for route, rule in found.items() if route not in DEMO}


def operations(document: Json) -> Iterator[tuple[str, str, Json, list[Json]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method], item.get("parameters", [])


def written() -> list[tuple[str, str]]:
    """What is described by hand, before the server has seen it."""
    return [(method, path) for file in sorted(SOURCES.glob("*.json"))
            for method, path, _, _ in operations({"paths": {}} | json.loads(file.read_text()))]


@pytest.fixture(scope="module")
def document(emban: EmbanProcess) -> Json:
    answer = emban.client.get("/openapi.json")
    assert answer.header("Content-Type") == "application/json"
    return answer.expect(200)


@dataclass
class Stage:
    organization: Organization
    dashboard: str
    session: Session


@pytest.fixture(scope="module")
def stage(emban: EmbanProcess) -> Stage:
    organization = Organization(emban.url)
    organization.ingest(event(user_id=f"u{number % 3}", string_props={"model": ["gpt-4", "claude"][number % 2]},
                              numeric_props={"tokens": number}) for number in range(20))
    widgets = [kpi("w_calls", compare="previous_period"), breakdown("w_models"), timeseries("w_time", group_by="model")]
    filters = [{"id": "f_period", "type": "period"}, {"id": "f_model", "type": "multi_select", "dimension": "model", "label": "Model"}]
    dashboard = organization.create_dashboard(widgets, filters=filters, slug="usage", theme={"mode": "auto"}, live=True, publish=True)["id"]
    permissions = {"allow_customize_layout": True, "allow_manage_widgets": True}
    known = set(re.findall(r'"(allow_\w+)"', (ROOT / "Sources/Domain/EmbedPermissions.swift").read_text()))
    return Stage(organization, dashboard, organization.session("acme", dashboard, {k: v for k, v in permissions.items() if k in known}))


# --- Routes ---------------------------------------------------------------------------------------------------------------


def test_every_route_is_described_and_nothing_else(document: Json) -> None:
    program = set(routes_of_the_program())
    assert len(program) > 40
    assert program - set(written()) == set(), "not described"
    assert set(written()) - program == set(), "described, but not there"
    assert len(written()) == len(set(written())), "described twice"
    assert {(method, path) for method, path, _, _ in operations(document)} == program


def test_every_route_is_described_with_its_credential(document: Json) -> None:
    opens = {
        "public": [], **dict.fromkeys(("session", "team", "owner"), [{"session": []}]), "ingest": [{"apiKey": []}], "embed": [{"embedToken": []}],
        **dict.fromkeys(("read", "edit", "admin"), [{"apiKey": []}, {"session": []}]),
    }
    rules = routes_of_the_program()
    for method, path, operation, _ in operations(document):
        assert operation["x-emban-access"] == rules[method, path], (method, path)
        assert operation["security"] == opens[rules[method, path]], (method, path)
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "session", "embedToken"}


def test_what_is_said_of_credentials_is_so(emban: EmbanProcess, document: Json) -> None:
    for method, path, operation, _ in operations(document):
        answer = Client(emban.url).request(method, re.sub(r"\{\w+\}", "x", path))
        refused = answer.status == 401
        assert refused == bool(operation["security"]) or path == "/v1/auth/login", str(answer)


def test_the_description_holds_together(emban: EmbanProcess, document: Json) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"http://localhost:{emban.port}"}]
    schemas = Schemas(document, closed=False)
    for reference in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)):
        schemas.resolve({"$ref": reference})
    used = set(re.findall(r'"#/components/(\w+/\w+)"', json.dumps(document)))
    defined = {f"{kind}/{name}" for kind in ("schemas", "parameters", "responses") for name in document["components"][kind]}
    assert defined - used == set(), "defined, but nowhere used"
    tags = [tag["name"] for tag in document["tags"]]
    names = []
    for method, path, operation, shared in operations(document):
        names.append(operation["operationId"])
        assert len(operation["tags"]) == 1 and operation["tags"][0] in tags, (method, path)
        assert len(operation["summary"]) > 3
        assert [status for status in operation["responses"] if status.startswith(("2", "3"))], (method, path)
        assert operation["responses"]["default"]["$ref"].endswith("GuestError" if path.startswith("/api/v2/") else "/Error")
        parameters = [schemas.resolve(p) for p in [*shared, *operation.get("parameters", [])]]
        assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path)), (method, path)
        assert all(p.get("required") for p in parameters if p["in"] == "path")
    assert len(names) == len(set(names))


def test_head_and_foreign_pages_may_ask(emban: EmbanProcess) -> None:
    assert emban.client.request("HEAD", "/openapi.json").status == 200
    assert emban.client.get("/openapi.json", headers={"Origin": "https://app.example.com"}).header("Access-Control-Allow-Origin") == "*"
    page = emban.client.get("/docs")
    assert page.status == 200 and "frame-ancestors 'none'" in page.header("Content-Security-Policy")
    assert "unsafe" not in page.header("Content-Security-Policy")


# --- Bodies ---------------------------------------------------------------------------------------------------------------


def complaints(document: Json, value: Any, schema: Json, *, closed: bool) -> list[str]:
    return list(Schemas(document, closed=closed).problems(value, schema))


def body_of(operation: Json) -> Json:
    return operation["requestBody"]["content"]["application/json"]


def test_every_body_has_an_example_that_is_valid(document: Json) -> None:
    shown = 0
    for method, path, operation, _ in operations(document):
        if "requestBody" in operation:
            body = body_of(operation)
            assert complaints(document, body["example"], body["schema"], closed=True) == [], (method, path)
            shown += 1
    assert shown > 12


def test_examples_of_the_guide_are_valid(document: Json) -> None:
    """What `docs/api.md` shows as accepted is accepted by the description, too."""
    text = (ROOT / "docs/api.md").read_text()
    bodies = {(method, path): body_of(operation)["schema"] for method, path, operation, _ in operations(document) if "requestBody" in operation}
    checked = 0
    for method, path, body in re.findall(r"<!-- (POST|PUT|PATCH) (\S+) 2\d\d(?: as \w+)? -->\s+```json\n(.*?)^```$", text, re.M | re.S):
        route = next((r for r in bodies if r[0] == method and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(r[1])), path)), None)
        assert route, f"{method} {path} has a body that is not described"
        # Of a batch the wrong events are refused alone, and the rest is taken.
        wrong = [text for text in complaints(document, json.loads(body), bodies[route], closed=True) if not text.startswith("$.events[")]
        assert wrong == [], (method, path, body)
        checked += 1
    assert checked > 10


def declared(document: Json, operation: Json, answer: Response) -> Json | None:
    """The schema of an answer; None where it has no body."""
    response = operation["responses"].get(str(answer.status)) or operation["responses"]["default"]
    response = Schemas(document, closed=True).resolve(response)
    if "content" not in response:
        assert answer.body == b"", str(answer)
        return None
    kind = answer.header("Content-Type").split(";")[0]
    assert kind in response["content"], f"{kind} is not described: {answer}"
    return response["content"][kind]["schema"]


def check(document: Json, method: str, path: str, answer: Response, *, succeeds: bool = True) -> None:
    operation = document["paths"][path][method.lower()]
    assert (str(answer.status) in operation["responses"]) or not succeeds, str(answer)
    schema = declared(document, operation, answer)
    if schema is not None and answer.header("Content-Type").split(";")[0] == "application/json":
        assert complaints(document, answer.json, schema, closed=True) == [], str(answer)


#: Where an address needs what is not `usage`; by the part of the path.
QUERIES = {
    "/v1/query": "?metric=count&period=7d&group_by=model&tenant_id=acme", "/v1/embed/filter-values": "?dimension=model",
    "/v1/embed/export": "?format=csv&widget=w_calls", "/v1/events/recent": "?tenant_id=acme&event_name=api.call",
}
#: Sent once all others are done, because they take something away; those of them that need what others made come last.
LATE = ["DELETE /v1/embed/layout", "DELETE /v1/data-apps/{name}", "POST /v1/dashboards/{id}/unpublish"]
#: Answered by streams, or a matter of other tests: an expired or erased thing cannot be asked for twice.
ELSEWHERE = {
    "GET /v1/embed/live", "POST /v1/auth/register", "POST /v1/auth/login", "POST /v1/auth/logout", "GET /v1/auth/me", "GET /embed/{id}",
    "GET /sdk/{file}", "GET /web/{file}", "GET /web-components/{file}", "DELETE /v1/api-keys/{id}", "DELETE /v1/embed-sessions",
    "DELETE /v1/embed-sessions/{id}", "DELETE /v1/dashboards/{id}", "PATCH /v1/auth/me", "POST /v1/auth/switch", "POST /v1/auth/password",
    "POST /v1/auth/password/forgot", "POST /v1/auth/password/reset", "GET /v1/auth/sessions", "DELETE /v1/auth/sessions",
    "DELETE /v1/auth/sessions/{id}", "PATCH /v1/members/{id}", "DELETE /v1/members/{id}", "POST /v1/members/leave", "POST /v1/members/invite",
    "GET /v1/invites", "DELETE /v1/invites/{id}", "POST /v1/invites/{id}/resend", "POST /v1/auth/invite", "POST /v1/auth/invite/accept",
    "POST /v1/organization/transfer", "DELETE /v1/organization", "POST /v1/organizations", "GET /app", "GET /",
    "GET /app/{page}", "GET /app/{page}/{id}", "GET /app/{page}/{id}/{part}",
    "DELETE /v1/tenants/{tenant_id}/data", "DELETE /v1/embed/own-widgets/{id}",
}


def test_examples_are_taken_and_answers_are_as_described(document: Json, stage: Stage) -> None:
    steps = [(f"{method} {path}", method, path, operation) for method, path, operation, _ in operations(document)]
    names = [step[0] for step in steps]
    assert ELSEWHERE | set(LATE) <= set(names)
    # What makes something comes before what changes it, and that before what takes it away.
    order = {"POST": 0, "PUT": 1, "PATCH": 2, "GET": 3, "DELETE": 4}
    steps.sort(key=lambda step: (step[0] in LATE, step[2].count("{"), order[step[1]], step[0]))
    done = 0
    for name, method, path, operation in steps:
        if name in ELSEWHERE:
            continue
        address = path.replace("{id}", "usage").replace("{tenant_id}", "acme").replace("{version}", "1").replace("{name}", "my-app").replace("{dataset}", "events")
        client = stage.session.client if operation["security"] == [{"embedToken": []}] else stage.organization.admin
        body = body_of(operation)["example"] if "requestBody" in operation else None
        if name == "PUT /v1/dashboards/{id}":
            # The others look at what is there.
            body = {key: value for key, value in stage.organization.admin.get("/v1/dashboards/usage").json.items()}
        answer = client.request(method, address + (QUERIES.get(path, "") if method == "GET" else ""), body=body)
        assert answer.status < 300, f"{name}: {answer}"
        check(document, method, path, answer)
        done += 1
    assert done > 30


def test_answers_of_accounts_are_as_described(emban: EmbanProcess, document: Json) -> None:
    organization = Organization(emban.url)
    schemas = Schemas(document, closed=True)
    registered = schemas.resolve(document["paths"]["/v1/auth/register"]["post"]["responses"]["201"])["content"]["application/json"]["schema"]
    assert list(schemas.problems(organization.registered, registered)) == []
    person = organization.login()
    check(document, "GET", "/v1/auth/me", person.get("/v1/auth/me"))
    key = organization.new_key("ingest")["id"]
    check(document, "DELETE", "/v1/api-keys/{id}", organization.admin.delete(f"/v1/api-keys/{key}"))
    check(document, "DELETE", "/v1/tenants/{tenant_id}/data", organization.admin.delete("/v1/tenants/nobody/data"))
    check(document, "POST", "/v1/auth/logout", person.post("/v1/auth/logout"))


def test_answers_of_the_team_are_as_described(emban: EmbanProcess, document: Json) -> None:
    organization = Organization(emban.url)
    nobody = Client(emban.url)
    owner = organization.login()

    def see(method: str, path: str, answer: Response) -> Any:
        assert answer.status < 300, str(answer)
        check(document, method, path, answer)
        return answer.json if answer.body else None

    invited = see("POST", "/v1/members/invite", owner.post("/v1/members/invite", {"email": new_address(), "role": "viewer"}))
    see("GET", "/v1/invites", owner.get("/v1/invites"))
    invited = see("POST", "/v1/invites/{id}/resend", owner.post(f"/v1/invites/{invited['id']}/resend"))
    token = token_of(invited["link"], "invite")
    see("POST", "/v1/auth/invite", nobody.post("/v1/auth/invite", {"token": token}))
    answer = nobody.post("/v1/auth/invite/accept", {"token": token, "password": PASSWORD})
    member = see("POST", "/v1/auth/invite/accept", answer)["user"]["id"]
    see("DELETE", "/v1/invites/{id}", owner.delete(f"/v1/invites/{invite(owner, 'member')['id']}"))
    see("PATCH", "/v1/members/{id}", owner.patch(f"/v1/members/{member}", {"role": "editor"}))
    see("GET", "/v1/members", owner.get("/v1/members"))
    see("DELETE", "/v1/members/{id}", owner.delete(f"/v1/members/{member}"))
    see("POST", "/v1/members/leave", join(organization, "member").client.post("/v1/members/leave"))
    see("PATCH", "/v1/auth/me", owner.patch("/v1/auth/me", {"name": "Olga"}))
    see("POST", "/v1/auth/password/forgot", nobody.post("/v1/auth/password/forgot", {"email": organization.email}))
    changed = owner.post("/v1/auth/password", {"current_password": PASSWORD, "password": PASSWORD + " 2"})
    see("POST", "/v1/auth/password", changed)
    owner = browser(emban.url, changed)
    sessions = see("GET", "/v1/auth/sessions", owner.get("/v1/auth/sessions"))
    switched = owner.post("/v1/auth/switch", {"organization_id": organization.id})
    see("POST", "/v1/auth/switch", switched)
    owner = browser(emban.url, switched)
    heir = join(organization, "admin", owner)
    handing = {"member_id": heir.id, "password": PASSWORD + " 2"}
    see("POST", "/v1/organization/transfer", owner.post("/v1/organization/transfer", handing))
    see("GET", "/v1/audit", owner.get("/v1/audit"))
    see("GET", "/v1/usage", owner.get("/v1/usage"))
    own = next(entry["id"] for entry in owner.get("/v1/auth/sessions").json["data"] if entry["current"])
    see("DELETE", "/v1/auth/sessions/{id}", owner.delete(f"/v1/auth/sessions/{own}"))
    see("DELETE", "/v1/auth/sessions", heir.client.delete("/v1/auth/sessions"))
    token = reset_token(emban, heir.email)
    see("POST", "/v1/auth/password/reset", nobody.post("/v1/auth/password/reset", {"token": token, "password": PASSWORD + " 3"}))
    assert sessions["data"]
    other = Organization(emban.url)
    made = other.login().post("/v1/organizations", {"name": "Example Labs"})
    see("POST", "/v1/organizations", made)
    see("DELETE", "/v1/organization", browser(emban.url, made).delete("/v1/organization", body={"password": PASSWORD}))


def test_files_and_streams_are_as_described(emban: EmbanProcess, document: Json, stage: Stage) -> None:
    page = emban.client.get(f"/embed/{stage.dashboard}")
    check(document, "GET", "/embed/{id}", page)
    script = re.search(r'src="/web/([^"]+)"', page.text)
    assert script
    check(document, "GET", "/web/{file}", emban.client.get(f"/web/{script[1]}"))
    check(document, "GET", "/sdk/{file}", emban.client.get("/sdk/emban-dashboard.js"))


def test_errors_are_as_described(document: Json, stage: Stage) -> None:
    admin, viewer = stage.organization.admin, stage.session.client
    for method, path, answer in [
        ("GET", "/v1/dashboards/{id}", admin.get("/v1/dashboards/nothing")),
        ("POST", "/v1/query", admin.post("/v1/query", {"query": {"metric": "sum"}})),
        ("POST", "/v1/events", admin.post("/v1/events", {"events": [{"tenant_id": "acme"}]})),
        ("POST", "/v1/events", admin.post("/v1/events", raw="{")),
        ("POST", "/v1/api-keys", viewer.post("/v1/api-keys", {"name": "x", "scope": "admin"})),
        ("GET", "/v1/embed/dashboard", admin.get("/v1/embed/dashboard")),
        ("POST", "/api/v2/data-app/refresh-cache", admin.post("/api/v2/data-app/refresh-cache", {"dataAppName": "nothing"})),
        ("POST", "/api/v2/data-app/refresh-cache", Client(admin.base).post("/api/v2/data-app/refresh-cache", {})),
    ]:
        assert answer.status >= 400, str(answer)
        check(document, method, path, answer, succeeds=False)


def test_members_that_are_not_described_are_refused(document: Json, stage: Stage) -> None:
    """The description closes every body; so does the server."""
    stage.organization.publish(stage.dashboard)
    refused = 0
    for method, path, operation, _ in operations(document):
        if "requestBody" not in operation or "{" in path or path.startswith("/v1/auth/"):
            continue
        body = body_of(operation)
        if path in ("/v1/events", "/v1/embed/own-widgets"):
            continue
        person = operation["security"] == [{"session": []}]
        client = stage.session.client if operation["security"] == [{"embedToken": []}] else (
            stage.organization.login() if person else stage.organization.admin)
        answer = client.request(method, path, body={**body["example"], "no_such_member": 1})
        assert answer.status == 422 and "no_such_member" in answer.text, str(answer)
        check(document, method, path, answer, succeeds=False)
        refused += 1
    assert refused > 7
