"""Data apps and the guest tokens of their customers, as a back end that speaks the guest-token API makes them."""

from __future__ import annotations

from typing import Any

from embantest.client import Client, Response
from embantest.workspace import Organization, Session

Json = dict[str, Any]
CREATE = "/api/v2/guest-token/create"


def make_data_app(organization: Organization, name: str, dashboards: list[str]) -> Json:
    return organization.admin.post("/v1/data-apps", {"name": name, "dashboards": dashboards}).expect(201)


def guest(organization: Organization, tenant: str, app: str, **body: Any) -> Session:
    """A guest token; the session's id and address are not told by that API."""
    made = organization.admin.post(CREATE, {"clientId": tenant, "dataAppName": app, **body}).expect(200)
    assert set(made) == {"token", "expiresAt"}, made
    return Session(made["token"], "", "", made["expiresAt"], Client(organization.base).bearer(made["token"]))


def guest_error(answer: Response, status: int | set[int], code: str) -> str:
    """Checks the error body of the guest-token API, and returns its sentence."""
    assert answer.status in ({status} if isinstance(status, int) else status), str(answer)
    assert set(answer.json) == {"error"} and set(answer.json["error"]) == {"message", "code"}, str(answer)
    assert answer.json["error"]["code"] == code, str(answer)
    return answer.json["error"]["message"]
