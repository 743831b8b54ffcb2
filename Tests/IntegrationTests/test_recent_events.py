"""`GET /v1/events/recent`: a customer's newest events as they were sent, nobody else's, and no word of it in the audit log.

The console's live view once asked the export for them every 2.5 s: 1,440 entries an hour, each of which said that the person had taken the customer's events away.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from embantest.client import expect_error
from embantest.workspace import Organization, event

Json = dict[str, Any]


def recent(organization: Organization, **query: Any) -> list[Json]:
    return organization.admin.get("/v1/events/recent", query={"tenant_id": "acme", "event_name": "api.call", **query}).expect(200)["data"]


def test_the_newest_events_come_as_they_were_sent(organization: Organization) -> None:
    sent = {
        "timestamp": "2025-11-20T10:00:00.125Z", "event_id": "e-1", "user_id": "u,1", "string_props": {"model": "gpt-4", "dotted.name": "a \"b\" \\ ü", "empty": ""},
        "numeric_props": {"tokens": 12, "cost.usd": 0.125},
    }
    organization.ingest([event(**sent), event(timestamp="2025-11-20T09:00:00Z")])
    newest, other = recent(organization)
    assert newest == event(**sent)
    assert other == event(timestamp="2025-11-20T09:00:00Z", event_id=None, user_id=None, string_props={}, numeric_props={}) | {"timestamp": other["timestamp"]}
    assert datetime.fromisoformat(other["timestamp"].replace("Z", "+00:00")) == datetime(2025, 11, 20, 9, tzinfo=timezone.utc)


def test_there_are_fifty_at_most_and_one_of_the_future_hides_none(organization: Organization) -> None:
    start = datetime.now(timezone.utc) - timedelta(hours=3)
    stamp = lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: E731
    organization.ingest(event(timestamp=stamp(start + timedelta(minutes=number)), numeric_props={"number": number}) for number in range(60))
    ahead = stamp(start + timedelta(hours=10))
    organization.ingest([event(timestamp=ahead, numeric_props={"number": 1000})])
    found = [one["numeric_props"]["number"] for one in recent(organization)]
    assert found == [1000, *range(59, 10, -1)]
    organization.ingest([event(timestamp=stamp(start + timedelta(minutes=100)), numeric_props={"number": 100})])
    assert [one["numeric_props"]["number"] for one in recent(organization)][:3] == [1000, 100, 59]


def test_nobody_elses_are_among_them(organization: Organization, other_organization: Organization) -> None:
    organization.ingest([event("globex"), event("acme", "login")])
    other_organization.ingest([event("acme")])
    assert recent(organization) == []
    assert [one["event_name"] for one in recent(organization, event_name="login")] == ["login"]
    for missing in ("tenant_id", "event_name"):
        query = {name: "x" for name in ("tenant_id", "event_name") if name != missing}
        answer = organization.admin.get("/v1/events/recent", query=query)
        assert expect_error(answer, 422, "invalid_request")["details"][0]["field"] == missing


def test_watching_leaves_the_audit_log_alone(organization: Organization) -> None:
    organization.ingest([event()])
    owner = organization.login()
    before = owner.get("/v1/audit").expect(200)["data"]
    for _ in range(5):
        assert len(owner.get("/v1/events/recent", query={"tenant_id": "acme", "event_name": "api.call"}).expect(200)["data"]) == 1
    assert owner.get("/v1/audit").expect(200)["data"] == before
    assert owner.get("/v1/tenants/acme/events").status == 200
    assert owner.get("/v1/audit").expect(200)["data"][0]["action"] == "events.export"
