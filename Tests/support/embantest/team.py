"""Members of an organisation, made as people make them: invited, and accepting."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from embantest.client import Client, Response
from embantest.workspace import PASSWORD, Organization, session_cookie

Json = dict[str, Any]
ROLES = ["owner", "admin", "editor", "member"]


def browser(base: str, answer: Response) -> Client:
    """A client with the cookie of an answer that sends our own origin, as a browser does."""
    return Client(base, {"Cookie": f"emban_session={session_cookie(answer).value}", "Origin": base})


def token_of(link: str, page: str) -> str:
    address, _, token = link.partition("#token=")
    assert address.endswith(f"/app/{page}") and len(token) == 43 and token.isalnum(), link
    return token


@dataclass
class Member:
    organization: Organization
    id: str
    email: str
    role: str
    client: Client

    def login(self, password: str = PASSWORD) -> Response:
        return Client(self.organization.base).post("/v1/auth/login", {"email": self.email, "password": password})

    def again(self) -> Client:
        """Another session of this person in this organisation."""
        answer = self.login()
        answer.expect(200)
        return browser(self.organization.base, answer)


def new_address() -> str:
    return f"member-{uuid.uuid4().hex[:12]}@example.com"


def invite(inviter: Client, role: str, address: str | None = None) -> Json:
    return inviter.post("/v1/members/invite", {"email": address or new_address(), "role": role}).expect(201)


def accept(base: str, link: str, password: str = PASSWORD, **more: Any) -> Response:
    return Client(base).post("/v1/auth/invite/accept", {"token": token_of(link, "invite"), "password": password, **more})


def join(organization: Organization, role: str, owner: Client | None = None) -> Member:
    """A new person who was invited by the owner and has accepted."""
    invited = invite(owner or organization.login(), role)
    answer = accept(organization.base, invited["link"])
    person = answer.expect(200)["user"]
    return Member(organization, person["id"], person["email"], person["role"], browser(organization.base, answer))


def team(organization: Organization) -> dict[str, Member]:
    """One of each role."""
    owner = organization.login()
    user = organization.registered["user"]
    members = {role: join(organization, role, owner) for role in ROLES if role != "owner"}
    return {"owner": Member(organization, user["id"], organization.email, "owner", owner), **members}
