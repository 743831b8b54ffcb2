"""An organisation's beginning and end: further ones, deleting one, and people who belong to none."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from embantest.client import Client, Response, expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.team import accept, browser, invite, join
from embantest.workspace import PASSWORD, Organization, event, kpi

Servers = Callable[..., EmbanProcess]
TABLES = ["events", "event_ids", "tenant_days", "rollups", "rollup_days"]


def delete(owner: Client, password: str = PASSWORD) -> Response:
    return owner.delete("/v1/organization", body={"password": password})


def register(base: str, email: str, password: str = PASSWORD, **more: str) -> Response:
    return Client(base).post("/v1/auth/register", {"email": email, "password": password, **more})


# --- Further ones ---------------------------------------------------------------------------------------------------------


def test_somebody_makes_a_second_organization_and_goes_on_in_it(organization: Organization) -> None:
    owner = organization.login()
    answer = owner.post("/v1/organizations", {"name": "  Example   Labs "})
    made = answer.expect(201)
    assert set(made) == {"user", "organization", "api_key"} and made["organization"]["name"] == "Example Labs"
    assert made["user"] == organization.registered["user"] and made["organization"]["id"] != organization.id
    # One session, which goes on over there.
    expect_error(owner.get("/v1/auth/me"), 401)
    person = browser(organization.base, answer)
    me = person.get("/v1/auth/me").expect(200)
    assert me["organization"]["id"] == made["organization"]["id"] and me["user"]["role"] == "owner"
    assert [(entry["id"], entry["role"]) for entry in me["organizations"]] == [
        (organization.id, "owner"), (made["organization"]["id"], "owner")]
    sessions = {session["current"]: session["organization_id"] for session in person.get("/v1/auth/sessions").expect(200)["data"]}
    # The other one is that of the registration.
    assert sessions == {True: made["organization"]["id"], False: organization.id}
    # Its key, its events, its log are its own.
    key = Client(organization.base).bearer(made["api_key"])
    key.post("/v1/events", {"events": [event()]}).expect(200)
    entry = key.pages("/v1/audit")[0]
    assert (entry["action"], entry["entity_id"], entry["actor"]["id"]) == ("organization.create", made["organization"]["id"], made["user"]["id"])
    assert made["organization"]["id"] not in json.dumps(organization.admin.pages("/v1/audit"))
    assert organization.count() == 0
    assert person.post("/v1/auth/switch", {"organization_id": organization.id}).expect(200)["organization"]["id"] == organization.id


def test_a_member_of_any_role_may_make_one(organization: Organization) -> None:
    member = join(organization, "member")
    answer = member.client.post("/v1/organizations", {"name": "Mine"})
    assert answer.expect(201)["user"]["role"] == "owner"
    assert len(browser(organization.base, answer).pages("/v1/api-keys")) == 1


def test_wrong_bodies_are_422_and_name_the_field(organization: Organization) -> None:
    owner = organization.login()
    for body, field in [({}, "name"), ({"name": ""}, "name"), ({"name": " \t"}, "name"), ({"name": "x" * 201}, "name"), ({"name": 7}, "name"),
                        ({"name": "x", "plan": "scale"}, "plan")]:
        assert field in {detail["field"] for detail in expect_error(owner.post("/v1/organizations", body), 422)["details"]}
    for body, field in [({}, "password"), ({"password": None}, "password"), ({"password": PASSWORD, "force": True}, "force")]:
        assert field in {detail["field"] for detail in expect_error(owner.delete("/v1/organization", body=body), 422)["details"]}
    expect_error(owner.delete("/v1/organization"), 400, "malformed_json")
    assert owner.get("/v1/auth/me").expect(200)["organization"]["id"] == organization.id


# --- The end --------------------------------------------------------------------------------------------------------------


def test_nothing_opens_a_deleted_organization(organization: Organization, other_organization: Organization) -> None:
    owner = organization.login()
    elsewhere = organization.login()
    admin, editor = join(organization, "admin", owner), join(organization, "editor", owner)
    open_invite = invite(owner, "member")["link"]
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    session = organization.session("acme", dashboard)
    organization.ingest([event("acme")])
    ingest_key = Client(organization.base).bearer(organization.new_key("ingest")["key"])
    assert session.value("w_calls") == 1

    # Neither a wrong password, nor anybody but the owner, nor a key, nor a foreign page.
    expect_error(delete(owner, "not the password"), 401, "invalid_credentials")
    expect_error(delete(admin.client), 403, "insufficient_scope")
    expect_error(delete(organization.admin), 403, "insufficient_scope")
    foreign = Client(organization.base, owner.headers | {"Origin": "https://evil.example"})
    expect_error(delete(foreign), 403, "origin_mismatch")
    assert organization.admin.get("/v1/organization").status == 200

    answer = delete(owner)
    assert answer.status == 204 and "emban_session=;" in (answer.header("Set-Cookie") or "")
    for client in (owner, elsewhere, admin.client, editor.client):
        expect_error(client.get("/v1/auth/me"), 401)
    for key in (organization.admin, ingest_key):
        expect_error(key.post("/v1/events", {"events": [event()]}), 401, "unauthorized")
    assert session.query().status == 401
    page = Client(organization.base).get(f"/embed/{dashboard}?token={session.token}")
    assert dashboard not in page.text
    expect_error(accept(organization.base, open_invite), 404, "invite_invalid")
    # Nobody else's is touched.
    assert other_organization.admin.get("/v1/organization").expect(200)["id"] == other_organization.id


def test_people_keep_their_accounts(organization: Organization, other_organization: Organization) -> None:
    """A member goes on elsewhere; the owner, who belonged nowhere else, begins again with the same account."""
    accept(organization.base, invite(organization.login(), "editor", other_organization.email)["link"]).expect(200)
    assert delete(organization.login()).status == 204
    me = other_organization.login().get("/v1/auth/me").expect(200)
    assert [entry["id"] for entry in me["organizations"]] == [other_organization.id]

    base, email = organization.base, organization.email
    expect_error(Client(base).post("/v1/auth/login", {"email": email, "password": "not the password"}), 401, "invalid_credentials")
    expect_error(Client(base).post("/v1/auth/login", {"email": email, "password": PASSWORD}), 403, "no_organization")
    # To whoever does not know the password, the address is as taken as any.
    expect_error(register(base, email, "not the password"), 409, "email_taken")
    expect_error(register(base, other_organization.email), 409, "email_taken")
    answer = register(base, email, name="Somebody Else", organization="Second Try")
    again = answer.expect(201)
    assert again["user"]["id"] == organization.registered["user"]["id"] and again["user"]["name"] == "Olga Owner"
    assert again["organization"]["name"] == "Second Try" and again["organization"]["id"] != organization.id
    person = browser(base, answer)
    assert [entry["id"] for entry in person.get("/v1/auth/me").expect(200)["organizations"]] == [again["organization"]["id"]]
    assert Client(base).bearer(again["api_key"]).get("/v1/dashboards").expect(200)["data"] == []
    expect_error(register(base, email), 409, "email_taken")


def test_somebody_who_left_is_invited_into_another(organization: Organization, other_organization: Organization) -> None:
    member = join(organization, "member")
    assert member.client.post("/v1/members/leave").status == 204
    expect_error(member.login(), 403, "no_organization")
    link = invite(other_organization.login(), "editor", member.email)["link"]
    assert accept(organization.base, link).expect(200)["organization"]["id"] == other_organization.id
    assert member.login().expect(200)["user"]["role"] == "editor"


def test_its_events_are_erased_whoever_dies_meanwhile(own_server: Servers, tmp_path: Path) -> None:
    """The program is killed right after its answer; the one that is started next erases, and nobody else's events go with them."""
    with EventStore(tmp_path) as store:
        server = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        gone, stays = Organization(server.url), Organization(server.url)
        for organization in (gone, stays):
            organization.ingest([event(tenant, event_id=f"{tenant}-{number}") for tenant in ("acme", "globex") for number in range(20)])
            Client(server.url).bearer(organization.new_key("ingest", environment="development")["key"]).post(
                "/v1/events", {"events": [event("acme")]}).expect(200)
            organization.settle()
            # Rollups as a builder would have left them.
            for table in ("rollups", "rollup_days"):
                store.ask(f"INSERT INTO emban.{table} (org_id, environment, tenant_id, build) VALUES ('{organization.id}', 'production', 'acme', 1)")

        def rows(organization: Organization) -> dict[str, int]:
            return {table: int(store.ask(f"SELECT count() FROM emban.{table} WHERE org_id = '{organization.id}'")[0][0]) for table in TABLES}

        def kept() -> list[str]:
            """What neither merges nor the builder of rollups change."""
            return [store.ask(f"SELECT {what} FROM emban.{table} WHERE org_id = '{stays.id}'")[0][0]
                    for table, what in (("events", "count()"), ("event_ids", "count()"), ("tenant_days", "sum(n)"))]

        before = kept()
        assert before == ["41", "40", "41"] and all(rows(gone).values())
        assert delete(gone.login()).status == 204
        server.kill()

        # Something that was accepted and had not been stored: another program stores it now.
        store.ask(
            "INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, event_id, ingested_at) SETTINGS SQL_emban_batch = '1' "
            f"VALUES ('{gone.id}', 'production', 'late', 'api.call', now64(3), '', now64(3))")
        server.start()
        # By the next to hold the lease of housekeeping, which the dead one held for up to 40 seconds.
        eventually(lambda: rows(gone), lambda found: not any(found.values()), "an organization without events", 400, pause=0.5)
        assert kept() == before
        assert stays.count() == 40
        with closing(sqlite3.connect(server.data_dir / "emban.sqlite", timeout=60)) as configuration:
            assert configuration.execute("SELECT id FROM deleted_organizations").fetchall() == [(gone.id,)]
        server.close()
