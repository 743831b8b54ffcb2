"""The audit log: every route that changes something writes it, and nothing secret gets into it."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from embantest.client import Client, Response, expect_error
from embantest.process import EmbanProcess
from embantest.program import routes_of_the_program
from embantest.reset import reset_token
from embantest.team import Member, accept, browser, invite, join, new_address, token_of
from embantest.workspace import PASSWORD, Organization, event, kpi

Json = dict[str, Any]
NEW = "another long password 7"

#: Routes that are no reads by their method and yet leave no entry, and why.
WITHOUT_ENTRY = {
    "POST /v1/events": "events are the data itself; how many there were is told by /v1/usage",
    "POST /v1/query": "reads",
    "POST /v1/embed/query": "reads",
    "POST /v1/embed/drill": "reads",
    "PUT /v1/embed/layout": "a viewer's own view; the log is the team's",
    "DELETE /v1/embed/layout": "a viewer's own view; the log is the team's",
    "POST /v1/embed/own-widgets": "a viewer's own view; the log is the team's",
    "DELETE /v1/embed/own-widgets/:id": "a viewer's own view; the log is the team's",
    "POST /v1/auth/password/forgot": "changes nothing, and an entry would let anybody write, and tell who has an account",
    "POST /v1/auth/invite": "reads",
    "DELETE /v1/organization": "its log goes with it; the server's own log has it",
}


@dataclass
class Stage:
    organization: Organization
    #: The owner in the console, whose id most entries name.
    owner: Client
    owner_id: str
    dashboard: str
    #: Everything that must be in no entry.
    secrets: list[str] = field(default_factory=lambda: [PASSWORD, NEW])
    made: Json = field(default_factory=dict)

    def keep(self, answer: Response, name: str, *secrets: str) -> Response:
        """Notes what an answer has made, under a name, and which of its members are secret."""
        self.made[name] = answer.json
        self.secrets += [answer.json[member] for member in secrets]
        return answer

    def member(self, role: str = "editor") -> Member:
        return join(self.organization, role, self.owner)


@dataclass
class Step:
    route: str
    action: str
    act: Callable[[Stage], Response]
    entity: str
    #: Who is named, where it is not the owner.
    actor: Callable[[Stage], str] = lambda stage: stage.owner_id


def _leave(stage: Stage) -> Response:
    member = stage.member()
    stage.made["leaver"] = member.id
    return member.client.post("/v1/members/leave")


def _accept(stage: Stage) -> Response:
    link = invite(stage.owner, "member")["link"]
    stage.secrets.append(token_of(link, "invite"))
    answer = accept(stage.organization.base, link)
    stage.made["joined"] = answer.json["user"]["id"]
    return answer


def _switch(stage: Stage) -> Response:
    """Somebody of another organisation, who has joined this one and gone home, comes back."""
    guest = Organization(stage.organization.base)
    accept(guest.base, invite(stage.owner, "member", guest.email)["link"]).expect(200)
    stage.made["guest"] = guest.registered["user"]["id"]
    return guest.login().post("/v1/auth/switch", {"organization_id": stage.organization.id})


def _reset(stage: Stage) -> Response:
    member = stage.member()
    stage.made["forgetful"] = member.id
    token = reset_token(stage.made["server"], member.email)
    stage.secrets.append(token)
    return Client(member.organization.base).post("/v1/auth/password/reset", {"token": token, "password": NEW})


def _change_password(stage: Stage) -> Response:
    member = stage.member()
    stage.made["changer"] = member.id
    return member.client.post("/v1/auth/password", {"current_password": PASSWORD, "password": NEW})


def _end_session(stage: Stage) -> Response:
    other = stage.organization.login()
    session = next(entry["id"] for entry in other.get("/v1/auth/sessions").json["data"] if entry["current"])
    return stage.owner.delete(f"/v1/auth/sessions/{session}")


def _transfer(stage: Stage) -> Response:
    heir = stage.member("admin")
    return stage.owner.post("/v1/organization/transfer", {"member_id": heir.id, "password": PASSWORD})


def _create(stage: Stage) -> Response:
    """Written into the log of the new organisation, which is the one that the step looks at."""
    guest = Organization(stage.organization.base)
    answer = guest.login().post("/v1/organizations", {"name": "Example Labs"})
    stage.made["founder"] = answer.json["user"]["id"]
    stage.made["log"] = Client(guest.base).bearer(answer.json["api_key"])
    return answer


def _invited(stage: Stage, role: str = "member") -> str:
    invited = invite(stage.owner, role)
    stage.secrets.append(token_of(invited["link"], "invite"))
    return invited["id"]


EMBED = {"tenant_id": "acme", "dashboard_id": "usage"}
STEPS = [
    Step("POST /v1/auth/login", "user.login", lambda s: Client(s.owner.base).post(
        "/v1/auth/login", {"email": s.organization.email, "password": PASSWORD}), "user"),
    Step("POST /v1/auth/logout", "user.logout", lambda s: s.organization.login().post("/v1/auth/logout"), "user"),
    Step("PATCH /v1/auth/me", "user.update", lambda s: s.owner.patch("/v1/auth/me", {"name": "Olga"}), "user"),
    Step("POST /v1/auth/switch", "user.switch", _switch, "user", lambda s: s.made["guest"]),
    Step("POST /v1/auth/password", "user.password_change", _change_password, "user", lambda s: s.made["changer"]),
    Step("POST /v1/auth/password/reset", "user.password_reset", _reset, "user", lambda s: s.made["forgetful"]),
    Step("DELETE /v1/auth/sessions/:id", "session.end", _end_session, "session"),
    Step("DELETE /v1/auth/sessions", "session.end_all", lambda s: s.owner.delete("/v1/auth/sessions?keep_current=true"), "user"),
    Step("POST /v1/members/invite", "member.invite", lambda s: s.keep(
        s.owner.post("/v1/members/invite", {"email": new_address(), "role": "editor"}), "invite", "link"), "invite"),
    Step("POST /v1/invites/:id/resend", "invite.resend", lambda s: s.keep(
        s.owner.post(f"/v1/invites/{s.made['invite']['id']}/resend"), "resent", "link"), "invite"),
    Step("DELETE /v1/invites/:id", "invite.withdraw", lambda s: s.owner.delete(f"/v1/invites/{_invited(s)}"), "invite"),
    Step("POST /v1/auth/invite/accept", "member.join", _accept, "member", lambda s: s.made["joined"]),
    Step("PATCH /v1/members/:id", "member.role", lambda s: s.owner.patch(f"/v1/members/{s.member().id}", {"role": "admin"}), "member"),
    Step("DELETE /v1/members/:id", "member.remove", lambda s: s.owner.delete(f"/v1/members/{s.member().id}"), "member"),
    Step("POST /v1/members/leave", "member.leave", _leave, "member", lambda s: s.made["leaver"]),
    Step("PATCH /v1/organization", "organization.update", lambda s: s.owner.patch("/v1/organization", {"time_zone": "Europe/Berlin"}),
         "organization"),
    Step("POST /v1/api-keys", "api_key.create", lambda s: s.keep(
        s.owner.post("/v1/api-keys", {"name": "x", "scope": "admin"}), "key", "key"), "api_key"),
    Step("DELETE /v1/api-keys/:id", "api_key.revoke", lambda s: s.owner.delete(f"/v1/api-keys/{s.made['key']['id']}"), "api_key"),
    Step("POST /v1/dashboards", "dashboard.create", lambda s: s.keep(
        s.owner.post("/v1/dashboards", {"name": "x", "widgets": [kpi("w_calls")]}), "dashboard"), "dashboard"),
    Step("PUT /v1/dashboards/:id", "dashboard.update", lambda s: s.owner.put(
        f"/v1/dashboards/{s.made['dashboard']['id']}", {"name": "y", "widgets": [kpi("w_calls")]}), "dashboard"),
    Step("PATCH /v1/dashboards/:id", "dashboard.update", lambda s: s.owner.patch(
        f"/v1/dashboards/{s.made['dashboard']['id']}", {"name": "z"}), "dashboard"),
    Step("POST /v1/dashboards/:id/publish", "dashboard.publish", lambda s: s.owner.post(
        f"/v1/dashboards/{s.made['dashboard']['id']}/publish"), "dashboard"),
    Step("POST /v1/dashboards/:id/selftest", "dashboard.selftest", lambda s: s.owner.post(
        f"/v1/dashboards/{s.made['dashboard']['id']}/selftest"), "dashboard"),
    Step("POST /v1/dashboards/:id/restore", "dashboard.restore", lambda s: s.owner.post(
        f"/v1/dashboards/{s.made['dashboard']['id']}/restore"), "dashboard"),
    Step("POST /v1/dashboards/:id/unpublish", "dashboard.unpublish", lambda s: s.owner.post(
        f"/v1/dashboards/{s.made['dashboard']['id']}/unpublish"), "dashboard"),
    Step("POST /v1/dashboards/:id/duplicate", "dashboard.duplicate", lambda s: s.owner.post(
        f"/v1/dashboards/{s.made['dashboard']['id']}/duplicate"), "dashboard"),
    Step("DELETE /v1/dashboards/:id", "dashboard.delete", lambda s: s.owner.delete(f"/v1/dashboards/{s.made['dashboard']['id']}"), "dashboard"),
    Step("POST /v1/discover/auto-create", "dashboard.create", lambda s: s.owner.post("/v1/discover/auto-create", {"name": "auto"}), "dashboard"),
    Step("POST /v1/embed-sessions", "embed_session.create", lambda s: s.keep(s.owner.post("/v1/embed-sessions", EMBED), "embed", "token"),
         "embed_session"),
    Step("DELETE /v1/embed-sessions/:id", "embed_session.revoke", lambda s: s.owner.delete(
        f"/v1/embed-sessions/{s.made['embed']['session_id']}"), "embed_session"),
    Step("DELETE /v1/embed-sessions", "embed_session.revoke_all", lambda s: s.owner.delete("/v1/embed-sessions?tenant_id=acme"), "tenant"),
    Step("POST /v1/data-apps", "data_app.create", lambda s: s.owner.post("/v1/data-apps", {"name": "portal", "dashboards": ["usage"]}), "data_app"),
    Step("PATCH /v1/data-apps/:name", "data_app.update", lambda s: s.owner.patch("/v1/data-apps/portal", {"name": "portal-2"}), "data_app"),
    Step("POST /api/v2/guest-token/create", "embed_session.create", lambda s: s.keep(
        s.owner.post("/api/v2/guest-token/create", {"clientId": "acme", "dataAppName": "portal-2"}), "guest_token", "token"), "embed_session"),
    Step("DELETE /v1/data-apps/:name", "data_app.delete", lambda s: s.owner.delete("/v1/data-apps/portal-2"), "data_app"),
    Step("POST /v1/sql", "sql.run", lambda s: s.owner.post("/v1/sql", {"sql": "SELECT count() FROM events"}), "dataset"),
    Step("POST /v1/cache/refresh", "cache.refresh", lambda s: s.owner.post("/v1/cache/refresh", {}), "cache"),
    Step("POST /api/v2/data-app/refresh-cache", "cache.refresh", lambda s: s.owner.post("/api/v2/data-app/refresh-cache", {}), "cache"),
    Step("DELETE /v1/tenants/:tenant_id/data", "tenant.erase", lambda s: s.owner.delete("/v1/tenants/nobody/data"), "tenant"),
    Step("POST /v1/organizations", "organization.create", _create, "organization", lambda s: s.made["founder"]),
    Step("POST /v1/organization/transfer", "organization.transfer", _transfer, "organization"),
]
#: What its own test below looks at: before it there is no organisation that could have a log.
FIRST = {"POST /v1/auth/register"}


@pytest.fixture(scope="module")
def stage(emban: EmbanProcess) -> Stage:
    organization = Organization(emban.url)
    organization.ingest([event(string_props={"model": "gpt-4"}) for _ in range(5)])
    dashboard = organization.create_dashboard([kpi("w_calls")], slug="usage", publish=True)["id"]
    return Stage(organization, organization.login(), organization.registered["user"]["id"], dashboard, made={"server": emban})


def at(entry: Json) -> datetime.datetime:
    return datetime.datetime.fromisoformat(entry["at"])


def entries(stage: Stage) -> list[Json]:
    log = stage.made.pop("log", stage.organization.admin)
    return log.pages("/v1/audit", limit=200)


def test_every_route_that_changes_something_is_looked_at() -> None:
    mutating = {f"{method} {path}" for method, path in routes_of_the_program() if method in ("POST", "PUT", "PATCH", "DELETE")}
    looked_at = {step.route for step in STEPS} | FIRST
    assert len(mutating) > 40
    assert mutating - looked_at - set(WITHOUT_ENTRY) == set(), "neither writes the log nor says why not"
    assert (looked_at | set(WITHOUT_ENTRY)) - mutating == set(), "not there"
    assert looked_at & set(WITHOUT_ENTRY) == set()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.route)
def test_routes_that_change_something_write_the_log(stage: Stage, step: Step) -> None:
    before = {entry["id"] for entry in entries(stage)}
    answer = step.act(stage)
    assert answer.status < 300, str(answer)
    fresh = [entry for entry in entries(stage) if entry["id"] not in before and entry["action"] == step.action]
    assert fresh, f"{step.route} left no {step.action}"
    entry = fresh[0]
    assert entry["entity"] == step.entity and entry["entity_id"] or step.entity == "cache", entry
    assert entry["actor"]["id"] == step.actor(stage) and entry["actor"]["kind"] == "user" and "@" in entry["actor"]["email"], entry
    assert entry["address"] == "127.0.0.1" and entry["at"].endswith("Z")
    text = json.dumps(entries(stage))
    assert [secret for secret in stage.secrets if secret in text] == []
    # Of a key its first eight characters are shown, in lists as well.
    assert not re.search(r"eb_(adm|ing)_\w\w", text) and "scrypt" not in text and "#token=" not in text


def test_refused_requests_leave_no_entry(stage: Stage) -> None:
    before = entries(stage)
    expect_error(stage.organization.admin.post("/v1/api-keys", {"name": "", "scope": "root"}), 422)
    expect_error(stage.organization.admin.delete("/v1/dashboards/none"), 404)
    expect_error(Client(stage.owner.base).post("/v1/auth/login", {"email": stage.organization.email, "password": "wrong wrong"}), 401)
    assert entries(stage) == before


def test_registration_begins_the_log(organization: Organization) -> None:
    first = organization.admin.pages("/v1/audit")
    assert [(entry["action"], entry["actor"]["id"]) for entry in first] == [("user.register", organization.registered["user"]["id"])]
    assert set(first[0]) == {"id", "at", "actor", "action", "entity", "entity_id", "address", "before", "after"}
    assert set(first[0]["actor"]) == {"id", "kind", "name", "email"}


def test_the_log_is_filtered_and_paged(organization: Organization) -> None:
    admin = organization.admin
    made = [admin.post("/v1/dashboards", {"name": f"d{number}"}).expect(201)["id"] for number in range(5)]
    admin.patch(f"/v1/dashboards/{made[0]}", {"name": "changed"}).expect(200)
    key = organization.new_key("ingest")["id"]
    everything = admin.pages("/v1/audit")
    assert admin.pages("/v1/audit", limit=2) == everything and len(everything) == 8
    assert [at(entry) for entry in everything] == sorted(map(at, everything), reverse=True)

    def found(**query: str) -> list[Json]:
        return admin.get("/v1/audit", query=query).expect(200)["data"]

    assert [entry["entity_id"] for entry in found(action="dashboard.create")] == made[::-1]
    assert {entry["action"] for entry in found(entity="dashboard", entity_id=made[0])} == {"dashboard.create", "dashboard.update"}
    assert [entry["entity_id"] for entry in found(entity="api_key")] == [key]
    by_key = found(actor=admin.pages("/v1/api-keys")[-1]["id"])
    assert len(by_key) == 7 and by_key[0]["actor"] == {"id": by_key[0]["actor"]["id"], "kind": "api_key", "name": "Default", "email": None}
    update = found(action="dashboard.update")[0]
    assert update["before"]["name"] == "d0" and update["after"]["name"] == "changed"
    assert found(to=update["at"]) == [entry for entry in everything if at(entry) < at(update)]
    assert found(**{"from": update["at"]}) == [entry for entry in everything if at(entry) >= at(update)]
    assert found(action="dashboard.none") == []
    for query in ({"who": "x"}, {"from": "yesterday"}, {"limit": "0"}, {"cursor": "x"}):
        expect_error(admin.get("/v1/audit", query=query), 422)


def test_the_log_is_the_organisations_own(organization: Organization, other_organization: Organization) -> None:
    theirs = other_organization.admin.pages("/v1/audit")
    mine = organization.admin.pages("/v1/audit")
    assert not {entry["id"] for entry in mine} & {entry["id"] for entry in theirs}
    assert organization.admin.get("/v1/audit", query={"actor": theirs[0]["actor"]["id"]}).expect(200)["data"] == []
    development = organization.new_key("admin", environment="development")["key"]
    expect_error(Client(organization.base).bearer(development).get("/v1/audit"), 403, "wrong_environment")
    for role in ("editor", "member"):
        expect_error(join(organization, role).client.get("/v1/audit"), 403, "insufficient_scope")
    assert join(organization, "admin").client.get("/v1/audit").status == 200


def test_the_word_of_a_proxy_is_taken_if_it_is_trusted(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_TRUSTED_PROXIES": "192.0.2.0/24, 127.0.0.1"}).start()
    organization = Organization(server.url)
    login = {"email": organization.email, "password": PASSWORD}
    # The visitor says the first; a proxy of ours before the nearest one says the second.
    answer = Client(server.url, {"X-Forwarded-For": "203.0.113.9, 198.51.100.7, 192.0.2.5"}).post("/v1/auth/login", login)
    console = browser(server.url, answer)
    assert console.get("/v1/audit", query={"action": "user.login"}).expect(200)["data"][0]["address"] == "198.51.100.7"
    assert "198.51.100.7" in {entry["address"] for entry in console.get("/v1/auth/sessions").expect(200)["data"]}
    # Whoever guesses from one address keeps nobody at another from signing in.
    guesser, owner = ({"X-Forwarded-For": address} for address in ("198.51.100.7", "198.51.100.8"))
    statuses: list[int] = []
    while len(statuses) < 60 and 429 not in statuses:
        statuses.append(Client(server.url, guesser).post("/v1/auth/login", {"email": organization.email, "password": "guess guess"}).status)
    assert statuses[-1] == 429 and set(statuses[:-1]) == {401}
    assert Client(server.url, owner).post("/v1/auth/login", login).status == 200


def test_ending_all_sessions_and_an_operators_link_are_told_everywhere(emban: EmbanProcess, organization: Organization,
    other_organization: Organization) -> None:
    accept(organization.base, invite(organization.login(), "member", other_organization.email)["link"]).expect(200)
    assert other_organization.login().delete("/v1/auth/sessions").status == 204
    reset_token(emban, other_organization.email)
    person = other_organization.registered["user"]["id"]
    for log in (organization.admin, other_organization.admin):
        ended = log.get("/v1/audit", query={"action": "session.end_all"}).expect(200)["data"]
        assert [(entry["actor"]["id"], entry["after"]) for entry in ended] == [(person, {"ended": ended[0]["after"]["ended"]})]
        links = log.get("/v1/audit", query={"action": "user.reset_link"}).expect(200)["data"]
        assert [(entry["actor"]["kind"], entry["entity_id"], entry["address"]) for entry in links] == [("system", person, "")]


def test_sessions_of_a_browser_keep_their_address(organization: Organization) -> None:
    """What a client says of itself in headers is not believed."""
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    answer = Client(organization.base, forged).post("/v1/auth/login", {"email": organization.email, "password": PASSWORD})
    console = browser(organization.base, answer)
    assert {entry["address"] for entry in console.get("/v1/audit").expect(200)["data"]} == {"127.0.0.1"}
