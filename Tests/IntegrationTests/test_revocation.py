"""Open pages hear within a second that their session was revoked, whoever revoked it and whatever they listen to."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.event_store import EventStore
from embantest.guests import guest, make_data_app
from embantest.live import LiveStream
from embantest.process import EmbanProcess
from embantest.steady import PATIENCE
from embantest.workspace import Organization, Session, event, kpi

# It is about seconds, which another worker's million rows would take.
pytestmark = pytest.mark.alone

Json = dict[str, Any]
#: A page has to know within a second; a machine that is busy with something else may take longer to tell.
SECONDS = 1.0


@pytest.fixture
def listen() -> Iterator[Callable[..., LiveStream]]:
    made: list[LiveStream] = []

    def open_stream(session: Session | Client, query: str = "") -> LiveStream:
        made.append(LiveStream(session.client if isinstance(session, Session) else session, query))
        return made[-1]

    yield open_stream
    for stream in made:
        stream.close()


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> tuple[Organization, str]:
    module_organization.ingest([event("acme")])
    return module_organization, module_organization.create_dashboard([kpi("w_calls")], slug="usage", publish=True)["id"]


def expect_revoked(stream: LiveStream, since: float) -> float:
    took = stream.wait_for_end(PATIENCE) - since
    assert [(one.name, one.data) for one in stream.events[-2:]] == [
        ("revoked", {"code": "session_revoked"}), ("end", {"code": "session_revoked"})]
    return took


BOTH = ["", "?only=session"]


@pytest.mark.parametrize("query", BOTH)
def test_a_stream_tells_of_the_revocation_and_ends(world: tuple[Organization, str], listen: Callable[..., LiveStream], query: str) -> None:
    organization, dashboard = world
    took = []
    while len(took) < 3 or (min(took) >= SECONDS and len(took) < 15):
        session, other = organization.session("acme", dashboard), organization.session("acme", dashboard)
        stream, kept = listen(session, query), listen(other, query)
        assert stream.names == ["open"]
        since = time.monotonic()
        assert organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
        took.append(expect_revoked(stream, since))
        assert kept.ended is None
        expect_error(session.client.get("/v1/embed/dashboard"), 401, "session_revoked")
        assert listen(session, query).refused is not None
        kept.close()
    print(f"a stream {query or 'of changes'} ended {', '.join(f'{1000 * one:.0f}' for one in took)} ms after the revocation was asked for")
    assert min(took) < SECONDS, took


@pytest.mark.parametrize("query", BOTH)
def test_sessions_of_a_customer_or_a_dashboard_end_together(
    world: tuple[Organization, str], listen: Callable[..., LiveStream], query: str
) -> None:
    organization, dashboard = world
    second = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    make_data_app(organization, f"both{query}", [second, dashboard])
    make_data_app(organization, f"one{query}", [dashboard])
    sessions = {
        "t1 first": organization.session("t1", dashboard), "t1 second": organization.session("t1", second), "t2 first": organization.session("t2", dashboard),
        "t2 second": organization.session("t2", second), "t2 both": guest(organization, "t2", f"both{query}"),
        "t2 app": guest(organization, "t2", f"one{query}"), "t3 second": organization.session("t3", second),
    }
    streams = {name: listen(session, query) for name, session in sessions.items()}

    def revoke(what: str, ended: set[str]) -> None:
        since = time.monotonic()
        assert organization.admin.delete(f"/v1/embed-sessions?{what}").status == 204
        for name in ended:
            expect_revoked(streams.pop(name), since)
            expect_error(sessions[name].client.get("/v1/embed/dashboard"), 401, "session_revoked")
        assert {name for name, stream in streams.items() if stream.ended is not None} == set()
        for name in streams:
            assert sessions[name].client.get("/v1/embed/dashboard").status == 200

    revoke(f"tenant_id=t1&dashboard_id={dashboard}", {"t1 first"})
    revoke("tenant_id=t1", {"t1 second"})
    revoke(f"dashboard_id={second}", {"t2 second", "t2 both", "t3 second"})
    revoke("dashboard_id=usage", {"t2 first", "t2 app"})


def test_what_is_to_be_revoked_must_be_said(world: tuple[Organization, str], other_organization: Organization) -> None:
    organization, dashboard = world
    session = organization.session("acme", dashboard)
    for path in ("/v1/embed-sessions", "/v1/embed-sessions?tenant_id=", "/v1/embed-sessions?dashboard_id=", "/v1/embed-sessions?dashboard=usage"):
        expect_error(organization.admin.delete(path), 422)
    expect_error(organization.admin.delete("/v1/embed-sessions?dashboard_id=nowhere"), 404, "dashboard_not_found")
    for what in (f"dashboard_id={dashboard}", f"tenant_id=acme&dashboard_id={dashboard}"):
        expect_error(other_organization.admin.delete(f"/v1/embed-sessions?{what}"), 404, "dashboard_not_found")
    assert other_organization.admin.delete("/v1/embed-sessions?tenant_id=acme").status == 204
    expect_error(other_organization.admin.delete(f"/v1/embed-sessions/{session.session_id}"), 404, "embed_session_not_found")
    assert session.client.get("/v1/embed/dashboard").status == 200


def test_sessions_are_listed_by_dashboard(world: tuple[Organization, str]) -> None:
    organization, dashboard = world
    second = organization.create_dashboard([kpi("w_calls")], slug="listed", publish=True)["id"]
    make_data_app(organization, "listed app", [dashboard, second])
    mine = organization.session("lister", second).session_id
    organization.session("lister", dashboard)
    guest(organization, "lister", "listed app")
    rows = organization.admin.get("/v1/embed-sessions?dashboard_id=listed&tenant_id=lister").expect(200)["data"]
    assert len(rows) == 2 and mine in [one["session_id"] for one in rows]
    expect_error(organization.admin.get("/v1/embed-sessions?dashboard_id=nowhere"), 404, "dashboard_not_found")


def test_deletions_end_streams_of_pages_that_are_not_live(world: tuple[Organization, str], listen: Callable[..., LiveStream]) -> None:
    organization, _ = world
    gone, offline, app = (organization.create_dashboard([kpi("w_calls")], publish=True)["id"] for _ in range(3))
    make_data_app(organization, "to be deleted", [app])
    deleted, taken = listen(organization.session("acme", gone), "?only=session"), listen(organization.session("acme", offline), "?only=session")
    of_app = listen(guest(organization, "acme", "to be deleted"), "?only=session")
    since = time.monotonic()
    assert organization.admin.delete(f"/v1/dashboards/{gone}").status == 204
    assert organization.admin.post(f"/v1/dashboards/{offline}/unpublish").status == 204
    assert organization.admin.delete("/v1/data-apps/to%20be%20deleted").status == 204
    expect_revoked(deleted, since)
    expect_revoked(of_app, since)
    taken.wait_for_end(PATIENCE)
    assert [one.name for one in taken.events] == ["open", "end"] and taken.events[-1].data == {"code": "dashboard_not_published"}


def test_the_light_stream_tells_nothing_of_events(world: tuple[Organization, str], listen: Callable[..., LiveStream]) -> None:
    organization, dashboard = world
    session = organization.session("quiet", dashboard)
    light, live = listen(session, "?only=session"), listen(session)
    assert light.events[0].data == {"expires_at": session.expires_at, "refreshes": 0}
    organization.ingest([event("quiet")])
    live.wait_for(2)
    assert light.names == ["open"]
    for query in ("?only=data", "?only=", "?only=session&x=1", "?only=session&only=session"):
        expect_error(session.client.get(f"/v1/embed/live{query}"), 422)


def test_a_refresh_of_the_cache_reaches_pages_that_are_not_live(
    world: tuple[Organization, str], other_organization: Organization, listen: Callable[..., LiveStream],
) -> None:
    organization, dashboard = world
    light, other = (listen(organization.session(tenant, dashboard), "?only=session") for tenant in ("fresh", "stale"))
    foreign = listen(other_organization.session("fresh", other_organization.create_dashboard(publish=True)["id"]), "?only=session")
    organization.admin.post("/v1/cache/refresh", {"tenant_id": "fresh"})
    told = light.wait_for(2)
    assert told.name == "changed" and set(told.data) == {"data_as_of", "refreshes"} and told.data["refreshes"] == 1
    assert organization.admin.post("/api/v2/data-app/refresh-cache", {}).expect(200) == {"status": "ok"}
    light.wait_for(3)
    other.wait_for(2)
    # Who has not listened knows by the number that something was missed.
    assert listen(organization.session("fresh", dashboard), "?only=session").events[0].data["refreshes"] == 2
    assert light.names == ["open", "changed", "changed"] and other.names == ["open", "changed"] and foreign.names == ["open"]


def test_light_streams_of_a_session_are_few(world: tuple[Organization, str], listen: Callable[..., LiveStream]) -> None:
    organization, dashboard = world
    session = organization.session("many", dashboard)
    streams = [listen(session, "?only=session") for _ in range(12)]
    assert all(stream.refused is None for stream in streams)
    refused = listen(session, "?only=session").refused
    assert refused is not None and int(refused.header("Retry-After")) > 0
    expect_error(refused, 429, "too_many_live_streams")
    assert listen(session).refused is None, "those of changes have places of their own"
    assert listen(organization.session("many", dashboard), "?only=session").refused is None
    streams[0].close()
    deadline = time.monotonic() + PATIENCE
    while listen(session, "?only=session").refused is not None:
        assert time.monotonic() < deadline, "the place of who left stays taken"
        time.sleep(0.1)


def test_only_allowed_pages_hear_of_it(world: tuple[Organization, str], listen: Callable[..., LiveStream]) -> None:
    organization, dashboard = world
    bound = organization.session("acme", dashboard, allowed_origins=["https://app.example.com"])
    stream = listen(bound.client.with_headers(Origin="https://app.example.com"), "?only=session")
    assert stream.headers is not None and stream.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    refused = listen(bound.client.with_headers(Origin="https://evil.example"), "?only=session").refused
    assert refused is not None
    expect_error(refused, 403, "origin_not_allowed")
    for credential in (organization.key, "x"):
        assert listen(Client(organization.base).bearer(credential), "?only=session").refused is not None


def test_a_revocation_that_this_process_did_not_make_is_found(
    emban: EmbanProcess, world: tuple[Organization, str], listen: Callable[..., LiveStream]
) -> None:
    """The store is what counts: the row is changed behind the program's back."""
    organization, dashboard = world
    session = organization.session("acme", dashboard)
    streams = [listen(session, query) for query in BOTH]
    with sqlite3.connect(emban.data_dir / "emban.sqlite", timeout=30) as store:
        since = time.monotonic()
        store.execute("UPDATE embed_sessions SET revoked_at = 1 WHERE id = ?", (session.session_id,))
    store.close()
    for stream in streams:
        expect_revoked(stream, since)


def test_among_several_processes(tmp_path: Path, listen: Callable[..., LiveStream]) -> None:
    with EventStore(tmp_path) as store:
        environment = {
            "EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_DATABASE_URL": f"sqlite://{tmp_path}/emban.sqlite",
            "EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7",
        }
        with EmbanProcess(environment=environment) as first, EmbanProcess(environment=environment) as second:
            organization = Organization(first.url)
            dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
            took = []
            for query in BOTH:
                session = organization.session("acme", dashboard)
                elsewhere = Client(second.url).bearer(session.token)
                stream = listen(elsewhere, query)
                since = time.monotonic()
                assert organization.admin.delete(f"/v1/embed-sessions/{session.session_id}").status == 204
                took.append(expect_revoked(stream, since))
                deadline = time.monotonic() + PATIENCE
                while elsewhere.get("/v1/embed/dashboard").status != 401:
                    assert time.monotonic() < deadline, "the other process still takes the token"
                    time.sleep(0.05)
            print(f"in the other process the streams ended after {', '.join(f'{1000 * one:.0f}' for one in took)} ms")
