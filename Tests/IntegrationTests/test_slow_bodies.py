"""Requests that begin before somebody loses a right, and end after it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
from embantest.client import Client
from embantest.steady import eventually
from embantest.team import join
from embantest.workspace import PASSWORD, Organization, kpi


class Held:
    """A request of which all but the last byte is sent."""

    def __init__(self, client: Client, method: str, path: str, body: object) -> None:
        address = urlsplit(client.base)
        raw = json.dumps(body).encode()
        self.last = raw[-1:]
        self.socket = socket.create_connection((str(address.hostname), address.port or 80), timeout=180)
        headers = {"Host": address.netloc, "Content-Type": "application/json", "Content-Length": str(len(raw)), "Connection": "close", **client.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + raw[:-1])

    def end(self) -> tuple[int, dict[str, object]]:
        self.socket.sendall(self.last)
        response = HTTPResponse(self.socket)
        response.begin()
        text = response.read()
        self.socket.close()
        return response.status, json.loads(text or b"{}")


@contextmanager
def held(client: Client, method: str, path: str, body: object) -> Iterator[Held]:
    """The request, after another one that began later was answered: by then it has passed the first look at its credential."""
    request = Held(client, method, path, body)
    eventually(lambda: client.get("/v1/members").status if "Cookie" in client.headers else client.get("/v1/api-keys").status, lambda s: s == 200,
               "the credential to be good", 60)
    yield request


def test_whoever_was_removed_makes_no_key(organization: Organization) -> None:
    owner = organization.login()
    admin = join(organization, "admin", owner)
    before = {key["id"] for key in owner.pages("/v1/api-keys")}
    with held(admin.client, "POST", "/v1/api-keys", {"name": "for later", "scope": "admin"}) as request:
        assert owner.delete(f"/v1/members/{admin.id}").status == 204
        status, error = request.end()
    assert (status, error["code"]) == (401, "unauthorized")
    assert {key["id"] for key in owner.pages("/v1/api-keys")} == before


def test_a_key_that_was_revoked_makes_no_session(organization: Organization) -> None:
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    key = organization.new_key("admin")
    client = Client(organization.base).bearer(key["key"])
    with held(client, "POST", "/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": dashboard}) as request:
        assert organization.admin.delete(f"/v1/api-keys/{key['id']}").status == 204
        status, error = request.end()
    assert (status, error["code"]) == (401, "unauthorized")
    assert organization.admin.pages("/v1/embed-sessions") == []


@pytest.mark.parametrize("kind", ["demoted", "handed over"])
def test_whoever_lost_a_role_does_nothing_with_it(organization: Organization, kind: str) -> None:
    owner = organization.login()
    admin, editor = join(organization, "admin", owner), join(organization, "editor", owner)
    if kind == "demoted":
        client, request = admin.client, ("POST", "/v1/members/invite", {"email": "later@example.com", "role": "member"})
    else:
        client, request = organization.login(), ("PATCH", f"/v1/members/{editor.id}", {"role": "admin"})
    with held(client, *request) as slow:
        if kind == "demoted":
            owner.patch(f"/v1/members/{admin.id}", {"role": "editor"}).expect(200)
        else:
            owner.post("/v1/organization/transfer", {"member_id": admin.id, "password": PASSWORD}).expect(200)
        status, error = slow.end()
    assert (status, error["code"]) == (403, "insufficient_scope")
    remaining = admin.again() if kind == "handed over" else owner
    assert remaining.pages("/v1/invites") == []
    assert next(member["role"] for member in remaining.pages("/v1/members") if member["id"] == editor.id) == "editor"


def test_who_keeps_the_right_may_be_slow(organization: Organization) -> None:
    with held(organization.login(), "POST", "/v1/api-keys", {"name": "slow", "scope": "ingest"}) as request:
        status, made = request.end()
    assert status == 201 and made["name"] == "slow"
