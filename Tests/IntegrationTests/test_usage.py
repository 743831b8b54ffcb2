"""`GET /v1/usage`: what is counted is what was stored."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.team import invite, join
from embantest.workspace import Organization, event, kpi

Json = dict[str, Any]


def on(day: str, count: int, tenant: str) -> list[Json]:
    return [event(tenant, timestamp=f"{day}T{hour % 24:02}:30:00Z") for hour in range(count)]


def test_events_are_counted_by_day_and_month(organization: Organization) -> None:
    organization.ingest(on("2026-01-30", 3, "acme") + on("2026-01-31", 2, "acme") + on("2026-01-31", 4, "globex") + on("2026-02-02", 1, "acme")
                        + on("2025-12-01", 5, "initech"))
    usage = organization.admin.get("/v1/usage", query={"from": "2026-01-29", "to": "2026-02-02"}).expect(200)
    assert [(day["date"], day["events"], day["tenants"]) for day in usage["days"]] == [
        ("2026-01-29", 0, 0), ("2026-01-30", 3, 1), ("2026-01-31", 6, 2), ("2026-02-01", 0, 0), ("2026-02-02", 1, 1)]
    assert usage["months"] == [{"month": "2026-01", "events": 9}, {"month": "2026-02", "events": 1}]
    assert (usage["events"], usage["tenants"], usage["tenants_total"]) == (10, 2, 3)
    assert usage["environment"] == "production" and (usage["from"], usage["to"]) == ("2026-01-29", "2026-02-02")
    organization.admin.delete("/v1/tenants/globex/data").expect(200)
    erased = organization.admin.get("/v1/usage", query={"from": "2026-01-29", "to": "2026-02-02"}).expect(200)
    assert (erased["events"], erased["tenants"], erased["tenants_total"]) == (6, 1, 2)


def test_the_last_thirty_days_are_what_is_not_asked_for(organization: Organization) -> None:
    first = datetime.datetime.now(datetime.UTC).date()
    usage = organization.admin.get("/v1/usage").expect(200)
    last = datetime.datetime.now(datetime.UTC).date()
    days = [day["date"] for day in usage["days"]]
    assert len(days) == 30 and days == sorted(days) and days[-1] in {first.isoformat(), last.isoformat()}
    assert usage["from"] == days[0] and usage["to"] == days[-1] and usage["events"] == 0


def test_everything_else_is_counted(organization: Organization) -> None:
    join(organization, "member")
    owner = organization.login()
    invite(owner, "editor")
    organization.new_key("ingest")
    organization.new_key("ingest", environment="development")
    organization.create_dashboard()
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    organization.session("acme", dashboard)
    revoked = organization.session("acme", dashboard)
    assert owner.delete(f"/v1/embed-sessions/{revoked.session_id}").status == 204
    usage = owner.get("/v1/usage").expect(200)
    counts = {name: usage[name] for name in ("members", "invites", "api_keys", "dashboards", "published_dashboards", "embed_sessions")}
    assert counts == {"members": 2, "invites": 1, "api_keys": 2, "dashboards": 2, "published_dashboards": 1, "embed_sessions": 1}
    development = owner.get("/v1/usage", query={"environment": "development"}).expect(200)
    assert (development["api_keys"], development["embed_sessions"], development["environment"]) == (1, 0, "development")


def test_environments_and_organisations_are_counted_apart(organization: Organization, other_organization: Organization) -> None:
    day = {"from": "2026-01-30", "to": "2026-01-30"}
    other_organization.ingest(on("2026-01-30", 3, "acme"))
    development = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
    development.post("/v1/events", {"events": on("2026-01-30", 2, "acme")}).expect(200)
    organization.settle()
    assert organization.admin.get("/v1/usage", query=day).expect(200)["events"] == 0
    assert development.get("/v1/usage", query=day).expect(200)["events"] == 2
    assert organization.login().get("/v1/usage", query=day | {"environment": "development"}).expect(200)["events"] == 2
    expect_error(development.get("/v1/usage", query=day | {"environment": "production"}), 403, "wrong_environment")
    expect_error(organization.admin.get("/v1/usage", query={"environment": "selftest"}), {403, 422})


@pytest.mark.parametrize("query", [
    {"from": "2026-02-01", "to": "2026-01-01"}, {"from": "2024-01-01", "to": "2026-01-01"}, {"from": "yesterday"}, {"to": "2026-02-30"}, {"days": "3"},
    {"from": "2026-01-01T00:00:00Z"},
], ids=str)
def test_wrong_ranges_are_422(module_organization: Organization, query: dict[str, str]) -> None:
    expect_error(module_organization.admin.get("/v1/usage", query=query), 422)
