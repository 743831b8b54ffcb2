"""The team: inviting, accepting, roles, leaving, handing over."""

from __future__ import annotations

from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.team import Member, accept, browser, invite, join, new_address, team, token_of
from embantest.workspace import PASSWORD, Organization


@pytest.fixture
def owner(organization: Organization) -> Client:
    return organization.login()


# --- Inviting and accepting -----------------------------------------------------------------------------------------------


def test_somebody_new_is_invited_and_joins(organization: Organization, owner: Client) -> None:
    address = new_address()
    invited = invite(owner, "editor", address.upper())
    assert set(invited) == {"id", "email", "role", "created_at", "created_by", "expires_at", "delivery", "link"}
    assert invited["id"].startswith("inv_") and invited["email"] == address and invited["delivery"] == "link"
    assert invited["created_by"] == organization.registered["user"]["id"]
    listed = owner.pages("/v1/invites")
    assert [entry["id"] for entry in listed] == [invited["id"]] and "link" not in listed[0]
    token = token_of(invited["link"], "invite")
    assert token not in str(listed)

    nobody = Client(organization.base)
    offered = nobody.post("/v1/auth/invite", {"token": token}).expect(200)
    assert offered == {"organization": {"name": "Example Ltd"}, "email": address, "role": "editor", "expires_at": invited["expires_at"],
                       "has_account": False}
    answer = accept(organization.base, invited["link"], name="Edna Editor")
    assert answer.expect(200)["user"] | {"id": "", "created_at": ""} == {
        "id": "", "email": address, "name": "Edna Editor", "role": "editor", "created_at": ""}
    person = browser(organization.base, answer)
    me = person.get("/v1/auth/me").expect(200)
    assert me["organization"]["id"] == organization.id
    assert [entry["role"] for entry in me["organizations"]] == ["editor"] and me["may"] == ["session", "read", "edit"]
    assert owner.pages("/v1/invites") == []
    assert {(m["email"], m["role"]) for m in owner.pages("/v1/members")} == {(organization.email, "owner"), (address, "editor")}
    # The link was good for once.
    for path, body in [("/v1/auth/invite", {"token": token}), ("/v1/auth/invite/accept", {"token": token, "password": PASSWORD})]:
        expect_error(nobody.post(path, body), 404, "invite_invalid")


def test_somebody_with_an_account_joins_with_its_password(organization: Organization, other_organization: Organization) -> None:
    link = invite(organization.login(), "member", other_organization.email)["link"]
    assert Client(organization.base).post("/v1/auth/invite", {"token": token_of(link, "invite")}).expect(200)["has_account"] is True
    expect_error(accept(organization.base, link, "not the password"), 401, "invalid_credentials")
    answer = accept(organization.base, link)
    person = browser(organization.base, answer)
    assert answer.expect(200)["user"]["id"] == other_organization.registered["user"]["id"]
    me = person.get("/v1/auth/me").expect(200)
    assert [(o["id"], o["role"]) for o in me["organizations"]] == [(other_organization.id, "owner"), (organization.id, "member")]
    # In one organisation at a time.
    expect_error(person.get("/v1/api-keys"), 403, "insufficient_scope")
    switched = person.post("/v1/auth/switch", {"organization_id": other_organization.id})
    assert switched.expect(200)["user"]["role"] == "owner"
    expect_error(person.get("/v1/auth/me"), 401)
    person = browser(organization.base, switched)
    assert len(person.pages("/v1/api-keys")) == 1
    expect_error(person.post("/v1/auth/switch", {"organization_id": "org_none"}), 404, "organization_not_found")


@pytest.mark.parametrize(("body", "field"), [
    ({"email": "nobody", "role": "member"}, "email"), ({"email": "a@example.com"}, "role"), ({"role": "member"}, "email"),
    ({"email": "a@example.com", "role": "owner"}, "role"), ({"email": "a@example.com", "role": "root"}, "role"),
    ({"email": "a@example.com", "role": ["member"]}, "role"), ({"email": "a@example.com", "role": "member", "admin": True}, "admin"),
], ids=str)
def test_wrong_invites_are_422_and_name_the_field(owner: Client, body: Any, field: str) -> None:
    details = expect_error(owner.post("/v1/members/invite", body), 422)["details"]
    assert field in {detail["field"] for detail in details}


@pytest.mark.parametrize(("body", "status", "field"), [
    ({"password": "short"}, 422, "password"), ({"password": "x" * 300}, 422, "password"), ({"password": PASSWORD, "name": "x" * 300}, 422, "name"),
    ({"password": PASSWORD, "role": "owner"}, 422, "role"), ({}, 422, "password"),
], ids=str)
def test_what_is_wrong_does_not_use_an_invite_up(organization: Organization, owner: Client, body: Any, status: int, field: str) -> None:
    link = invite(owner, "member")["link"]
    answer = Client(organization.base).post("/v1/auth/invite/accept", {"token": token_of(link, "invite"), **body})
    assert field in {detail["field"] for detail in expect_error(answer, status)["details"]}
    accept(organization.base, link).expect(200)


def test_viewer_is_another_name_of_member(organization: Organization, owner: Client) -> None:
    invited = invite(owner, "viewer")
    assert invited["role"] == "member"
    assert accept(organization.base, invited["link"]).expect(200)["user"]["role"] == "member"


def test_an_invite_ends_by_another_by_withdrawal_and_with_its_sender(organization: Organization, owner: Client) -> None:
    address = new_address()
    first = invite(owner, "member", address)
    second = invite(owner, "editor", address)
    expect_error(accept(organization.base, first["link"]), 404, "invite_invalid")
    resent = owner.post(f"/v1/invites/{second['id']}/resend").expect(200)
    assert resent["id"] == second["id"] and resent["link"] != second["link"]
    expect_error(accept(organization.base, second["link"]), 404, "invite_invalid")
    assert owner.delete(f"/v1/invites/{second['id']}").status == 204
    expect_error(accept(organization.base, resent["link"]), 404, "invite_invalid")
    for method, path in [("DELETE", f"/v1/invites/{second['id']}"), ("POST", f"/v1/invites/{second['id']}/resend"), ("DELETE", "/v1/invites/x")]:
        expect_error(owner.request(method, path), 404, "invite_not_found")

    admin = join(organization, "admin", owner)
    third = invite(admin.client, "member")
    assert owner.delete(f"/v1/members/{admin.id}").status == 204
    expect_error(accept(organization.base, third["link"]), 404, "invite_invalid")


def test_a_link_goes_with_whoever_sent_it_last(organization: Organization, owner: Client) -> None:
    admin = join(organization, "admin", owner)
    invited = invite(owner, "member")
    resent = admin.client.post(f"/v1/invites/{invited['id']}/resend").expect(200)
    assert resent["created_by"] == admin.id
    assert owner.delete(f"/v1/members/{admin.id}").status == 204
    expect_error(accept(organization.base, resent["link"]), 404, "invite_invalid")


def test_links_of_admins_end_with_the_ownership(organization: Organization, owner: Client) -> None:
    heir = join(organization, "admin", owner)
    admins, editors = invite(owner, "admin"), invite(owner, "editor")
    owner.post("/v1/organization/transfer", {"member_id": heir.id, "password": PASSWORD}).expect(200)
    expect_error(accept(organization.base, admins["link"]), 404, "invite_invalid")
    accept(organization.base, editors["link"]).expect(200)


def test_names_hold_no_control_characters(organization: Organization, owner: Client) -> None:
    link = invite(owner, "member")["link"]
    for name in ("a\x1b[2J", "a\u202eb"):
        for answer, field in (
            (owner.patch("/v1/auth/me", {"name": name}), "name"), (owner.patch("/v1/organization", {"name": name}), "name"),
            (owner.post("/v1/organizations", {"name": name}), "name"), (owner.post("/v1/api-keys", {"name": name, "scope": "ingest"}), "name"),
            (accept(organization.base, link, name=name), "name"),
            (Client(organization.base).post("/v1/auth/register", {"email": new_address(), "password": PASSWORD, "organization": name}), "organization"),
        ):
            details = expect_error(answer, 422)["details"]
            assert [(detail["field"], detail["code"]) for detail in details] == [(field, "control_character")]
    accept(organization.base, link).expect(200)


def test_invites_of_others_are_out_of_reach(organization: Organization, owner: Client, other_organization: Organization) -> None:
    theirs = invite(other_organization.login(), "member")
    assert owner.pages("/v1/invites") == []
    expect_error(owner.delete(f"/v1/invites/{theirs['id']}"), 404, "invite_not_found")
    expect_error(owner.post(f"/v1/invites/{theirs['id']}/resend"), 404, "invite_not_found")
    member = join(other_organization, "member")
    expect_error(owner.delete(f"/v1/members/{member.id}"), 404, "member_not_found")
    expect_error(owner.patch(f"/v1/members/{member.id}", {"role": "admin"}), 404, "member_not_found")
    expect_error(owner.post("/v1/organization/transfer", {"member_id": member.id, "password": PASSWORD}), 404, "member_not_found")
    assert member.client.get("/v1/auth/me").expect(200)["user"]["role"] == "member"


def test_a_member_is_not_invited(organization: Organization, owner: Client) -> None:
    expect_error(owner.post("/v1/members/invite", {"email": organization.email, "role": "member"}), 409, "already_member")


def test_open_invites_are_bounded(organization: Organization, owner: Client) -> None:
    for number in range(100):
        invite(owner, "member", f"n{number}@example.com")
    expect_error(owner.post("/v1/members/invite", {"email": "more@example.com", "role": "member"}), 409, "too_many_invites")
    pages = owner.pages("/v1/invites", limit=30)
    assert len(pages) == 100 == len({entry["id"] for entry in pages})
    assert owner.delete(f"/v1/invites/{pages[0]['id']}").status == 204
    invite(owner, "member", "more@example.com")


# --- Roles ----------------------------------------------------------------------------------------------------------------


def test_roles_take_effect_at_once(organization: Organization) -> None:
    people = team(organization)
    editor, owner = people["editor"], people["owner"].client
    expect_error(editor.client.post("/v1/api-keys", {"name": "x", "scope": "ingest"}), 403, "insufficient_scope")
    changed = owner.patch(f"/v1/members/{editor.id}", {"role": "admin"}).expect(200)
    assert changed["role"] == "admin" and changed["email"] == editor.email
    editor.client.post("/v1/api-keys", {"name": "x", "scope": "ingest"}).expect(201)
    assert owner.patch(f"/v1/members/{editor.id}", {"role": "viewer"}).expect(200)["role"] == "member"
    expect_error(editor.client.post("/v1/dashboards", {"name": "x"}), 403, "insufficient_scope")
    assert editor.client.get("/v1/dashboards").status == 200
    for body in ({"role": "owner"}, {"role": "root"}, {}, {"role": None}):
        expect_error(owner.patch(f"/v1/members/{editor.id}", body), 422)
    for member in ("admin", "editor", "member"):
        expect_error(people[member].client.patch(f"/v1/members/{people['member'].id}", {"role": "admin"}), 403, "insufficient_scope")


def test_an_admin_neither_makes_nor_removes_admins(organization: Organization) -> None:
    people = team(organization)
    admin, owner = people["admin"].client, people["owner"].client
    expect_error(admin.post("/v1/members/invite", {"email": new_address(), "role": "admin"}), 403, "insufficient_scope")
    theirs = invite(owner, "admin")
    expect_error(admin.post(f"/v1/invites/{theirs['id']}/resend"), 403, "insufficient_scope")
    other = join(organization, "admin", owner)
    expect_error(admin.delete(f"/v1/members/{other.id}"), 403, "insufficient_scope")
    expect_error(admin.delete(f"/v1/members/{people['owner'].id}"), 409, "owner_stays")
    assert admin.delete(f"/v1/members/{people['editor'].id}").status == 204
    assert admin.delete(f"/v1/members/{people['member'].id}").status == 204
    assert owner.delete(f"/v1/members/{other.id}").status == 204
    expect_error(people["editor"].client.get("/v1/auth/me"), 401)
    expect_error(people["editor"].login(), 403, "no_organization")


def test_keys_neither_invite_nor_remove(organization: Organization) -> None:
    member = join(organization, "member")
    for method, path, body in [
        ("POST", "/v1/members/invite", {"email": new_address(), "role": "editor"}), ("GET", "/v1/invites", None),
        ("DELETE", f"/v1/members/{member.id}", None), ("PATCH", f"/v1/members/{member.id}", {"role": "admin"}),
    ]:
        expect_error(organization.admin.request(method, path, body=body), 403, "insufficient_scope")
    assert len(organization.admin.pages("/v1/members")) == 2


def test_the_owner_stays_until_somebody_else_is(organization: Organization) -> None:
    people = team(organization)
    owner, editor = people["owner"], people["editor"]
    expect_error(owner.client.post("/v1/members/leave"), 409, "owner_stays")
    expect_error(owner.client.delete(f"/v1/members/{owner.id}"), 409, "owner_stays")
    expect_error(owner.client.patch(f"/v1/members/{owner.id}", {"role": "member"}), 409, "owner_stays")
    handing = {"member_id": editor.id, "password": PASSWORD}
    expect_error(people["admin"].client.post("/v1/organization/transfer", handing), 403, "insufficient_scope")
    expect_error(owner.client.post("/v1/organization/transfer", handing | {"password": "not the password"}), 401, "invalid_credentials")
    expect_error(owner.client.post("/v1/organization/transfer", handing | {"member_id": owner.id}), 409, "owner_stays")
    assert owner.client.post("/v1/organization/transfer", handing).expect(200)["role"] == "owner"
    assert {m["id"]: m["role"] for m in owner.client.pages("/v1/members")} == {
        owner.id: "admin", people["admin"].id: "admin", editor.id: "owner", people["member"].id: "member"}
    expect_error(owner.client.post("/v1/organization/transfer", handing), 403, "insufficient_scope")
    left = owner.client.post("/v1/members/leave")
    assert left.status == 204 and "Max-Age=0" in left.header("Set-Cookie")
    expect_error(owner.client.get("/v1/auth/me"), 401)
    assert organization.admin.get("/v1/dashboards").status == 200, "keys belong to the organisation"


def test_one_leaves_by_leaving(organization: Organization) -> None:
    people = team(organization)
    admin: Member = people["admin"]
    expect_error(admin.client.delete(f"/v1/members/{admin.id}"), 409, "leave_instead")
    assert people["member"].client.post("/v1/members/leave").status == 204
    expect_error(people["member"].client.get("/v1/auth/me"), 401)


def test_members_are_listed_by_pages(organization: Organization, owner: Client) -> None:
    joined = [join(organization, "member", owner).id for _ in range(3)]
    listed = owner.pages("/v1/members", limit=1)
    assert [m["id"] for m in listed] == [*reversed(joined), organization.registered["user"]["id"]]
    assert set(listed[0]) == {"id", "email", "name", "role", "created_at", "last_seen_at"} and listed[0]["last_seen_at"]
    assert "hash" not in str(listed) and "scrypt" not in str(listed)


# --- What organisations begin with ----------------------------------------------------------------------------------------


def test_new_dashboards_begin_with_the_branding_and_time_zone(organization: Organization, owner: Client) -> None:
    theme = {"primaryColor": "#0f9d58", "fontFamily": "Inter", "mode": "dark"}
    changed = owner.patch("/v1/organization", {"time_zone": "Asia/Kolkata", "branding": theme, "name": "  Acme\n Ltd "}).expect(200)
    assert (changed["time_zone"], changed["branding"], changed["name"]) == ("Asia/Kolkata", theme, "Acme Ltd")
    assert owner.get("/v1/auth/me").expect(200)["organization"]["branding"] == theme
    plain = owner.post("/v1/dashboards", {"name": "Plain"}).expect(201)
    assert plain["theme"] == theme and plain["timezone"] == "Asia/Kolkata"
    own = owner.post("/v1/dashboards", {"name": "Own", "theme": {"mode": "light"}, "timezone": "UTC"}).expect(201)
    assert own["theme"] == {"mode": "light"} and own["timezone"] == "UTC"
    emptied = owner.patch("/v1/organization", {"time_zone": None, "branding": None}).expect(200)
    assert emptied["time_zone"] is None and emptied["branding"] is None and emptied["name"] == "Acme Ltd"
    assert owner.get(f"/v1/dashboards/{plain['id']}").expect(200)["theme"] == theme
    for body, field in [({"time_zone": "Mars/Olympus"}, "time_zone"), ({"branding": {"primaryColor": "red;}"}}, "branding.primaryColor"),
                        ({"name": " "}, "name"), ({"branding": {"logo": "x"}}, "branding.logo"), ({}, "")]:
        assert field in {detail["field"] for detail in expect_error(owner.patch("/v1/organization", body), 422)["details"]}


def test_people_rename_themselves(organization: Organization, owner: Client) -> None:
    assert owner.patch("/v1/auth/me", {"name": " Ada  Lovelace "}).expect(200)["user"]["name"] == "Ada Lovelace"
    assert owner.pages("/v1/members")[0]["name"] == "Ada Lovelace"
    for body in ({"name": ""}, {"name": "  "}, {"name": None}, {"name": "x" * 300}, {"email": "a@example.com"}):
        expect_error(owner.patch("/v1/auth/me", body), 422)
