"""People against people: what somebody with an account, an invite or a link tries who wants more than is theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from embantest.client import Client, Response, expect_error
from embantest.process import EmbanProcess
from embantest.reset import reset_token
from embantest.team import accept, browser, invite, join, team, token_of
from embantest.workspace import PASSWORD, Organization

AT_ONCE = 6
HOSTILE = ["' OR '1'='1", "usr_x' UNION SELECT * FROM users --", "%", "*", "\\", "usr_\u0000x", "../../", "{}", "null", "a" * 5_000]


def at_once(act: Callable[[int], Response], count: int = AT_ONCE) -> list[Response]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(act, range(count)))


def statuses(answers: list[Response]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


# --- At the same moment ---------------------------------------------------------------------------------------------------


def test_an_invite_makes_one_member_however_many_accept_at_once(organization: Organization) -> None:
    owner = organization.login()
    invited = invite(owner, "member")
    answers = at_once(lambda number: accept(organization.base, invited["link"], PASSWORD + str(number)))
    codes = Counter(answer.status for answer in answers)
    # Who comes too late finds no invite, or an account whose password it does not know.
    assert codes[200] == 1 and set(codes) <= {200, 401, 404, 409}, codes
    members = [member for member in owner.pages("/v1/members") if member["email"] == invited["email"]]
    assert len(members) == 1 and members[0]["role"] == "member"


def test_a_link_sets_one_password_however_many_use_it_at_once(emban: EmbanProcess, organization: Organization) -> None:
    token = reset_token(emban, organization.email)
    base = Client(organization.base)
    answers = at_once(lambda number: base.post("/v1/auth/password/reset", {"token": token, "password": f"another password {number}"}))
    assert statuses(answers) == {204: 1, 404: AT_ONCE - 1}
    won = next(number for number, answer in enumerate(answers) if answer.status == 204)
    logins = [base.post("/v1/auth/login", {"email": organization.email, "password": f"another password {number}"}).status for number in (won, won - 1)]
    assert logins == [200, 401]


def test_there_is_one_owner_however_many_are_made_at_once(organization: Organization) -> None:
    owner = organization.login()
    heirs = [join(organization, "admin", owner) for _ in range(3)]
    answers = at_once(lambda number: owner.post("/v1/organization/transfer", {"member_id": heirs[number].id, "password": PASSWORD}), 3)
    codes = Counter(answer.status for answer in answers)
    assert codes[200] == 1 and set(codes) <= {200, 403, 409}, codes
    roles = Counter(member["role"] for member in owner.pages("/v1/members"))
    assert roles == {"owner": 1, "admin": 3}


def test_who_belongs_nowhere_begins_once_however_often_at_once(organization: Organization) -> None:
    assert organization.login().delete("/v1/organization", body={"password": PASSWORD}).status == 204
    body = {"email": organization.email, "password": PASSWORD}
    answers = at_once(lambda _: Client(organization.base).post("/v1/auth/register", body))
    assert statuses(answers) == {201: 1, 409: AT_ONCE - 1}
    me = organization.login().get("/v1/auth/me").expect(200)
    assert len(me["organizations"]) == 1


def test_an_organization_is_deleted_once(organization: Organization) -> None:
    owner = organization.login()
    answers = at_once(lambda _: owner.delete("/v1/organization", body={"password": PASSWORD}), 3)
    codes = Counter(answer.status for answer in answers)
    assert codes[204] == 1 and set(codes) <= {204, 401, 403}, codes


# --- More than one may ----------------------------------------------------------------------------------------------------


def test_no_body_makes_anybody_more(organization: Organization) -> None:
    """Roles, plans, organisations and people are told by the credential, never by what a body says beside the point."""
    people = team(organization)
    for role in ("member", "editor", "admin"):
        client = people[role].client
        for method, path, body in [
            ("PATCH", "/v1/auth/me", {"name": "x", "role": "owner"}),
            ("PATCH", f"/v1/members/{people[role].id}", {"role": "owner"}),
            ("PATCH", f"/v1/members/{people[role].id}", {"role": "admin"}),
            ("POST", "/v1/organization/transfer", {"member_id": people[role].id, "password": PASSWORD}),
            ("DELETE", "/v1/organization", {"password": PASSWORD}),
            ("POST", "/v1/members/invite", {"email": "accomplice@example.com", "role": "admin"}),
            ("POST", "/v1/members/invite", {"email": "accomplice@example.com", "role": "owner"}),
            ("POST", "/v1/organizations", {"name": "x", "plan": "scale"}),
            ("POST", "/v1/auth/switch", {"organization_id": organization.id, "role": "owner"}),
            ("DELETE", f"/v1/members/{people['owner'].id}", None),
        ]:
            assert client.request(method, path, body=body).status in (403, 409, 422), (role, method, path, body)
        assert client.get("/v1/auth/me").expect(200)["user"]["role"] == role
    # And where the owner's own word makes nobody an owner, either.
    owner = people["owner"].client
    expect_error(owner.patch(f"/v1/members/{people['admin'].id}", {"role": "owner"}), 422)
    assert Counter(member["role"] for member in owner.pages("/v1/members")) == {"owner": 1, "admin": 1, "editor": 1, "member": 1}
    assert owner.pages("/v1/invites") == []


def test_ids_of_another_organization_are_as_if_they_were_none(organization: Organization, other_organization: Organization) -> None:
    mine = organization.login()
    owner = other_organization.login()
    member = join(other_organization, "editor", owner)
    invited = invite(owner, "member")["id"]
    session = owner.get("/v1/auth/sessions").expect(200)["data"][0]["id"]
    for id, code, requests in [
        (member.id, "member_not_found", [("PATCH", "/v1/members/{}", {"role": "member"}), ("DELETE", "/v1/members/{}", None)]),
        (other_organization.registered["user"]["id"], "member_not_found", [
            ("PATCH", "/v1/members/{}", {"role": "member"}), ("DELETE", "/v1/members/{}", None)]),
        (invited, "invite_not_found", [("DELETE", "/v1/invites/{}", None), ("POST", "/v1/invites/{}/resend", None)]),
        (session, "session_not_found", [("DELETE", "/v1/auth/sessions/{}", None)]),
    ]:
        for method, path, body in requests:
            theirs = mine.request(method, path.format(id), body=body)
            expect_error(theirs, 404, code)
            # To the letter what is said of an id that nobody has.
            nobodys = mine.request(method, path.format("usr_nobody"), body=body)
            assert {**theirs.json, "request_id": ""} == {**nobodys.json, "request_id": ""}
    expect_error(mine.post("/v1/organization/transfer", {"member_id": member.id, "password": PASSWORD}), 404, "member_not_found")
    expect_error(mine.post("/v1/auth/switch", {"organization_id": other_organization.id}), 404, "organization_not_found")
    assert mine.get("/v1/audit", query={"actor": member.id}).expect(200)["data"] == []
    assert mine.get("/v1/audit", query={"entity_id": invited}).expect(200)["data"] == []
    assert {entry["id"] for entry in owner.pages("/v1/members")} == {member.id, other_organization.registered["user"]["id"]}
    assert [entry["id"] for entry in owner.pages("/v1/invites")] == [invited]


def test_who_was_demoted_or_removed_goes_on_as_such(organization: Organization) -> None:
    """Sessions that are open already know nothing of before."""
    owner = organization.login()
    admin = join(organization, "admin", owner)
    console, other = admin.client, admin.again()
    for client in (console, other):
        assert client.get("/v1/api-keys").status == 200
    owner.patch(f"/v1/members/{admin.id}", {"role": "member"}).expect(200)
    for client in (console, other):
        expect_error(client.get("/v1/api-keys"), 403, "insufficient_scope")
        expect_error(client.post("/v1/members/invite", {"email": "x@example.com", "role": "member"}), 403, "insufficient_scope")
        assert client.get("/v1/dashboards").status == 200
    assert owner.delete(f"/v1/members/{admin.id}").status == 204
    for client in (console, other):
        expect_error(client.get("/v1/dashboards"), 401)
    expect_error(admin.login(), 403, "no_organization")


# --- Sessions -------------------------------------------------------------------------------------------------------------


def test_a_session_that_somebody_planted_is_not_taken_up(organization: Organization, other_organization: Organization) -> None:
    """Whoever signs in gets a session of their own, whatever cookie the browser sent along."""
    planted = other_organization.login()
    cookie = planted.headers["Cookie"]
    for value in (cookie, "emban_session=" + "a" * 43, "emban_session="):
        client = Client(organization.base, {"Cookie": value, "Origin": organization.base})
        answer = client.post("/v1/auth/login", {"email": organization.email, "password": PASSWORD})
        person = browser(organization.base, answer)
        assert person.headers["Cookie"] != value
        assert person.get("/v1/auth/me").expect(200)["organization"]["id"] == organization.id
        expect_error(Client(organization.base, {"Cookie": "emban_session=" + "a" * 43}).get("/v1/auth/me"), 401)
    # What there was in the browser ends; it was not taken over.
    expect_error(planted.get("/v1/auth/me"), 401)


def test_a_link_dies_with_another_password(emban: EmbanProcess, organization: Organization) -> None:
    token = reset_token(emban, organization.email)
    owner = organization.login()
    answer = owner.post("/v1/auth/password", {"current_password": PASSWORD, "password": PASSWORD + "!"})
    assert answer.status == 204
    base = Client(organization.base)
    expect_error(base.post("/v1/auth/password/reset", {"token": token, "password": "another long password"}), 404, "reset_link_invalid")
    assert browser(organization.base, answer).get("/v1/auth/me").status == 200


def test_a_token_opens_only_what_it_was_made_for(emban: EmbanProcess, organization: Organization) -> None:
    """Invites, links and sessions hold tokens of one form: none is any of the others."""
    invited = token_of(invite(organization.login(), "member")["link"], "invite")
    reset = reset_token(emban, organization.email)
    session = organization.login().headers["Cookie"].partition("=")[2]
    base = Client(organization.base)
    for token in (reset, session):
        expect_error(base.post("/v1/auth/invite", {"token": token}), 404, "invite_invalid")
        expect_error(base.post("/v1/auth/invite/accept", {"token": token, "password": PASSWORD}), 404, "invite_invalid")
    for token in (invited, session):
        expect_error(base.post("/v1/auth/password/reset", {"token": token, "password": "another long password"}), 404, "reset_link_invalid")
    for token in (invited, reset):
        expect_error(Client(organization.base, {"Cookie": f"emban_session={token}"}).get("/v1/auth/me"), 401)
        expect_error(base.bearer(token).get("/v1/dashboards"), 401)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_filters_and_ids_are_values_and_nothing_else(module_organization: Organization, text: str) -> None:
    admin = module_organization.admin
    for name in ("actor", "action", "entity", "entity_id"):
        answer = admin.get("/v1/audit", query={name: text})
        assert answer.status == 422 or answer.expect(200)["data"] == [], (name, str(answer))
    owner = module_organization.login()
    for method, path, body in [
        ("DELETE", "/v1/auth/sessions/{}", None), ("DELETE", "/v1/members/{}", None), ("PATCH", "/v1/members/{}", {"role": "member"}),
        ("DELETE", "/v1/invites/{}", None), ("POST", "/v1/invites/{}/resend", None),
    ]:
        assert owner.request(method, path.format(quote(text, safe="")), body=body).status == 404, (method, path)
    assert owner.post("/v1/auth/switch", {"organization_id": text}).status in (404, 422)
    assert owner.post("/v1/organization/transfer", {"member_id": text, "password": PASSWORD}).status in (404, 422)


def test_tokens_are_values_and_nothing_else(organization: Organization) -> None:
    """Few: each counts as an attempt of this address."""
    base = Client(organization.base)
    for text in HOSTILE[:2]:
        for path, more in [
            ("/v1/auth/invite", {}), ("/v1/auth/invite/accept", {"password": PASSWORD}), ("/v1/auth/password/reset", {"password": PASSWORD})]:
            assert base.post(path, {"token": text, **more}).status == 404
