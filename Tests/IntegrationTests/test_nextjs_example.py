"""examples/nextjs: its types, its route handlers against the running server, and the guide that shows its files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from embantest.client import Client
from embantest.nextjs import AMBIENT, EXAMPLE, configuration, copy, running, settings
from embantest.process import ROOT
from embantest.workspace import Organization, event

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
GUIDE = ROOT / "docs" / "guides" / "nextjs.md"


def test_the_types_of_the_example_are_sound(tmp_path: Path) -> None:
    project = copy(tmp_path)
    project.write("ambient.d.ts", AMBIENT)
    files = sorted(str(path.relative_to(tmp_path)) for kind in ("*.ts", "*.tsx") for folder in (".", "app", "components", "lib")
                   for path in (tmp_path / folder).rglob(kind) if "node_modules" not in path.parts)
    assert len(set(files)) >= 10
    options = {name: value for name, value in configuration().items() if name not in ("plugins", "noEmit")}
    project.check_types(*sorted(set(files)), options={**options, "preserveSymlinks": True, "exactOptionalPropertyTypes": False})


def test_the_route_makes_sessions_for_whoever_is_signed_in(organization: Organization, tmp_path: Path) -> None:
    dashboard = organization.create_dashboard(slug="usage", publish=True)
    organization.ingest([event("acme"), event("acme"), event("globex")])
    with running(tmp_path, settings(organization.base, organization.key, "usage")) as url:
        product = Client(url)
        refused = product.post("/api/embed-session", {})
        assert refused.status == 401 and "token" not in refused.json
        for cookie in ("example_session=acme", "example_session=acme.0000", "example_session=%.%"):
            assert Client(url, {"Cookie": cookie}).post("/api/embed-session", {}).status == 401
        assert product.post("/api/sign-in", raw="tenant=nobody", headers=FORM).status == 404
        for tenant, calls in (("acme", 2), ("globex", 1)):
            signed_in = product.post("/api/sign-in", raw=f"tenant={tenant}", headers=FORM)
            assert signed_in.status == 303 and signed_in.header("Cache-Control") == "no-store"
            cookie = signed_in.header("Set-Cookie").split(";")[0]
            answer = Client(url, {"Cookie": cookie}).post("/api/embed-session", {})
            session = answer.expect(200)
            assert answer.header("Cache-Control") == "no-store" and set(session) == {"embedUrl", "token"}
            assert f"/embed/{dashboard['id']}" in session["embedUrl"]
            viewer = Client(organization.base).bearer(session["token"])
            assert viewer.post("/v1/embed/query", {}).expect(200)["results"]["w_calls"]["rows"] == [{"value": calls}]
            assert viewer.get("/v1/embed/dashboard").expect(200)["permissions"]["max_date_range_days"] == 90
            other = cookie.replace(tenant, "initech")
            assert Client(url, {"Cookie": other}).post("/api/embed-session", {}).status == 401, "the cookie cannot be changed"


def test_what_goes_wrong_stays_in_the_log(organization: Organization, tmp_path: Path) -> None:
    with running(tmp_path, settings(organization.base, organization.key, "none-of-this-name")) as url:
        signed_in = Client(url).post("/api/sign-in", raw="tenant=acme", headers=FORM)
        answer = Client(url, {"Cookie": signed_in.header("Set-Cookie").split(";")[0]}).post("/api/embed-session", {})
    assert answer.status == 502 and list(answer.json) == ["error"] and organization.key not in str(answer)


def test_the_guide_shows_the_files_as_they_are() -> None:
    shown = re.findall(r"^`([\w/.-]+)`:\n\n```(?:tsx?|text)\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    assert len(shown) >= 4
    for name, text in shown:
        assert (EXAMPLE / name).read_text() == text, f"{name} differs from what the guide shows"


#: As the reference documents have it, with a way of knowing the tenant.
REFERENCE_ROUTE = """
import Emban from '@emban/sdk';

const emban = new Emban({
  host: process.env.EMBAN_URL,
  apiKey: process.env.EMBAN_API_KEY // admin scope
});
const getTenantFromSession = (request) => request.headers.get('x-tenant');

export async function GET(request) {
  const tenantId = getTenantFromSession(request); // your auth logic

  const session = await emban.createEmbedSession({
    tenantId,
    dashboardId: process.env.EMBAN_DASHBOARD_ID,
    expiresIn: 3600
  });

  return Response.json({ embedUrl: session.embedUrl });
}

const answer = await GET(new Request('http://localhost/api/analytics/session', { headers: { 'x-tenant': 'acme' } }));
report([answer.status, await answer.json()]);
"""


@pytest.mark.parametrize("name", ["route.mjs"])
def test_the_route_of_the_reference_works_as_written(organization: Organization, tmp_path: Path, name: str) -> None:
    dashboard = organization.create_dashboard(publish=True)
    status, body = copy(tmp_path).result(name, REFERENCE_ROUTE, settings(organization.base, organization.key, dashboard["id"]))
    assert status == 200 and f"/embed/{dashboard['id']}?token=" in body["embedUrl"]
