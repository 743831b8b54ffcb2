"""Every route × every role × every kind of credential: the answer's status, as `Tests/Golden/roles.csv` has it.

Each request is sent as it stands there: with `none` for every parameter of the path, and, where it writes, an empty JSON object. So what is let
through is answered by what there is to say about that (404, 422 …), and what is not, by 401 or 403. After a wanted change:
`EMBAN_UPDATE_GOLDEN=1 scripts/python-tests Tests/IntegrationTests/test_role_matrix.py`, then read the difference.
"""

from __future__ import annotations

import csv
import http.client
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from embantest.client import Client
from embantest.process import ROOT, EmbanProcess
from embantest.program import DEMO, routes_of_the_program
from embantest.team import Member, join, team
from embantest.workspace import Organization, event, kpi

FILE = ROOT / "Tests" / "Golden" / "roles.csv"
CREDENTIALS = [
    "nobody", "owner", "admin", "editor", "member", "foreign_page", "no_origin", "admin_key", "development_key", "ingest_key",
    "development_ingest_key", "embed_token", "signed_out", "revoked_key", "revoked_token",
]

#: What each credential opens, whole: the contract, in words of its own.
OPENS = {
    "nobody": {"public"},
    "owner": {"public", "session", "read", "edit", "admin", "team", "owner"},
    "admin": {"public", "session", "read", "edit", "admin", "team"},
    "editor": {"public", "session", "read", "edit"},
    "member": {"public", "session", "read"},
    "admin_key": {"public", "read", "edit", "admin", "ingest"},
    "development_key": {"public", "read", "edit", "admin", "ingest"},
    "ingest_key": {"public", "ingest"},
    "development_ingest_key": {"public", "ingest"},
    "embed_token": {"public", "embed"},
}
#: What opened something once: no more than no credential at all.
ENDED = ["signed_out", "revoked_key", "revoked_token"]
#: Where a key of `development` is let in and then told that this concerns production too.
OF_ALL_ENVIRONMENTS = {("PATCH", "/v1/organization"), ("GET", "/v1/audit")}
#: What ends the session that it is sent with, or the membership.
USES_UP = {("POST", "/v1/auth/logout"), ("DELETE", "/v1/auth/sessions"), ("POST", "/v1/members/leave")}


def rows() -> list[dict[str, str]]:
    with FILE.open(newline="") as file:
        return list(csv.DictReader(file))


@dataclass
class Stage:
    organization: Organization
    people: dict[str, Member]
    machines: dict[str, Client]

    def client(self, credential: str, route: tuple[str, str]) -> Client:
        if credential == "foreign_page":
            return Client(self.organization.base, self.person("owner", route).headers | {"Origin": "https://evil.example"})
        if credential == "no_origin":
            return Client(self.organization.base, {"Cookie": self.person("owner", route).headers["Cookie"]})
        return self.machines.get(credential) or self.person(credential, route)

    def person(self, role: str, route: tuple[str, str]) -> Client:
        if route not in USES_UP:
            return self.people[role].client
        return self.organization.login() if role == "owner" else join(self.organization, role).client


@pytest.fixture(scope="module")
def stage(emban: EmbanProcess) -> Stage:
    organization = Organization(emban.url)
    organization.ingest([event(string_props={"model": "gpt-4"})])
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    base = Client(emban.url)
    signed_out = organization.login()
    assert signed_out.post("/v1/auth/logout").status == 204
    key = organization.new_key("admin")
    assert organization.admin.delete(f"/v1/api-keys/{key['id']}").status == 204
    ended = organization.session("acme", dashboard)
    assert organization.admin.delete(f"/v1/embed-sessions/{ended.session_id}").status == 204
    machines = {
        "nobody": base, "admin_key": organization.admin,
        "development_key": base.bearer(organization.new_key("admin", environment="development")["key"]),
        "ingest_key": base.bearer(organization.new_key("ingest")["key"]),
        "development_ingest_key": base.bearer(organization.new_key("ingest", environment="development")["key"]),
        "signed_out": signed_out, "revoked_key": base.bearer(key["key"]), "revoked_token": ended.client,
        "embed_token": organization.session("acme", dashboard, {"allow_customize_layout": True, "allow_manage_widgets": True}).client,
    }
    return Stage(organization, team(organization), machines)


def status(client: Client, method: str, route: str) -> int:
    """Of the answer alone: some are streams without an end."""
    path = "/".join("none" if part.startswith(":") else part for part in route.split("/"))
    parts = urlsplit(client.base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=150)
    try:
        body = None if method in ("GET", "DELETE") else b"{}"
        connection.request(method, path, body, client.headers | ({"Content-Type": "application/json"} if body else {}))
        return connection.getresponse().status
    finally:
        connection.close()


def answers(stage: Stage, route: tuple[str, str]) -> dict[str, str]:
    answered = {credential: str(status(stage.client(credential, route), *route)) for credential in CREDENTIALS}
    if route == ("DELETE", "/v1/auth/sessions"):
        # All sessions of the owner have ended, also that of the other routes.
        stage.people["owner"].client = stage.organization.login()
    return answered


def test_the_table_has_every_route_with_its_rule(stage: Stage) -> None:
    if os.environ.get("EMBAN_UPDATE_GOLDEN"):
        routes = sorted(routes_of_the_program().items(), key=lambda item: (item[0][1], item[0][0]))
        with FILE.open("w", newline="") as file:
            table = csv.DictWriter(file, ["method", "route", "rule", *CREDENTIALS], lineterminator="\n")
            table.writeheader()
            table.writerows({"method": route[0], "route": route[1], "rule": rule, **answers(stage, route)} for route, rule in routes)
    assert {(row["method"], row["route"]): row["rule"] for row in rows()} == routes_of_the_program()
    assert list(rows()[0]) == ["method", "route", "rule", *CREDENTIALS]
    assert [(row["route"], row["method"]) for row in rows()] == sorted((row["route"], row["method"]) for row in rows())


def test_the_table_has_every_route_that_is_served(emban: EmbanProcess) -> None:
    """By the description that the running server gives of itself."""
    paths = emban.client.get("/openapi.json").expect(200)["paths"]
    served = {(method.upper(), re.sub(r"\{(\w+)\}", r":\1", path)) for path, item in paths.items() for method in item
              if method != "parameters"}
    assert {(row["method"], row["route"]) for row in rows()} == served - DEMO


@pytest.mark.parametrize("row", rows() if FILE.exists() else [], ids=lambda row: f"{row['method']} {row['route']}")
def test_the_table_says_what_the_contract_says(row: dict[str, str]) -> None:
    route = (row["method"], row["route"])
    for credential, opened in OPENS.items():
        answered = int(row[credential])
        if row["rule"] in opened:
            let_in = answered not in (401, 403) or (credential == "development_key" and route in OF_ALL_ENVIRONMENTS)
            assert let_in, (credential, answered)
        else:
            knows_it = credential not in ("nobody", "embed_token") and row["rule"] != "embed"
            assert answered == (403 if knows_it else 401), (credential, answered)
    for credential in ENDED:
        assert row[credential] == row["nobody"], credential
    writes = row["method"] != "GET" and row["rule"] not in ("ingest", "embed")
    assert row["foreign_page"] == ("403" if writes else row["owner"])
    # Programs that sign somebody in send no origin; a browser's cookie without one may change nothing.
    assert row["no_origin"] == ("403" if writes and row["rule"] != "public" else row["owner"])


@pytest.mark.parametrize("row", rows() if FILE.exists() else [], ids=lambda row: f"{row['method']} {row['route']}")
def test_every_credential_is_answered_as_the_table_says(stage: Stage, row: dict[str, str]) -> None:
    assert answers(stage, (row["method"], row["route"])) == {credential: row[credential] for credential in CREDENTIALS}
