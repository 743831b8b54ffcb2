"""Open dashboards hear that their customer's data changed, nobody else's, at most once a second, and no longer than their session lives."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.event_store import EventStore
from embantest.live import LiveStream
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, Session, event, kpi

pytestmark = pytest.mark.alone

Json = dict[str, Any]
#: How long a test looks on before it says that nothing came.
QUIET = 1.6


class Listeners:
    """Streams of one test, all of which are closed at its end."""

    def __init__(self) -> None:
        self.streams: list[LiveStream] = []

    def __call__(self, session: Session | Client) -> LiveStream:
        self.streams.append(LiveStream(session.client if isinstance(session, Session) else session))
        return self.streams[-1]

    def refusal(self, session: Session, status: int, code: str) -> int:
        """The seconds of `Retry-After`, 0 when there is none."""
        refused = self(session).refused
        assert refused is not None, "the stream was opened"
        expect_error(refused, status, code)
        return int(refused.header("Retry-After") or 0)


@pytest.fixture
def listen() -> Iterator[Listeners]:
    made = Listeners()
    yield made
    for stream in made.streams:
        stream.close()


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> tuple[Organization, str]:
    module_organization.ingest([event("acme"), event("globex")])
    return module_organization, module_organization.create_dashboard([kpi("w_calls")], publish=True)["id"]


@pytest.fixture(scope="session", autouse=True)
def patient(emban: EmbanProcess) -> Iterator[tuple[LiveStream, Session]]:
    """A stream of a session of a minute on which nothing happens: opened before the first test of this file, looked at after all others."""
    organization = Organization(emban.url)
    session = organization.session("nobody", organization.create_dashboard([kpi("w_calls")], publish=True)["id"], expires_in=60)
    stream = LiveStream(session.client)
    yield stream, session
    stream.close()


# --- What is told ---------------------------------------------------------------------------------------------------------


def test_a_change_is_told_at_once_and_is_in_the_next_view(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    session = organization.session("latency", dashboard)
    stream = listen(session)
    assert stream.headers is not None
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    assert stream.headers["X-Accel-Buffering"] == "no"
    assert stream.names == ["open"]
    seen: list[float] = []
    delays: list[float] = []
    for number in range(1, 6):
        time.sleep(1.05)
        sent = time.monotonic()
        organization.ingest([event("latency")], settled=False)
        answered = time.monotonic()
        told = stream.wait_for(number + 1)
        assert told.name == "changed" and set(told.data) == {"data_as_of"}
        assert session.value("w_calls") == number
        seen.append(1000 * (time.monotonic() - sent))
        delays.append(told.at - answered)
    print(f"from sending an event to its number in a view that was told: {', '.join(f'{ms:.0f}' for ms in seen)} ms")
    # Not after a round of asking: the machine may be busy with something else once.
    assert statistics.median(delays) < 1, delays
    assert stream.names == ["open"] + 5 * ["changed"]


def test_nobody_hears_of_another_customer(
    world: tuple[Organization, str], other_organization: Organization, listen: Listeners
) -> None:
    organization, dashboard = world
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    foreign = other_organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    tenants = ["acme", "globex", "Acme", "acme ", composed, decomposed]
    streams = {tenant: listen(organization.session(tenant, dashboard)) for tenant in tenants}
    stranger = listen(other_organization.session("acme", foreign))
    development = organization.new_key("admin", environment="development")["key"]
    apart = Organization.__new__(Organization)
    apart.base, apart.admin = organization.base, Client(organization.base).bearer(development)
    elsewhere = listen(apart.session("acme", dashboard))
    for tenant in tenants:
        time.sleep(1.05)
        before = {name: len(stream.changes) for name, stream in streams.items()}
        organization.ingest([event(tenant)])
        streams[tenant].wait_for(len(streams[tenant].events) + 1 - (len(streams[tenant].changes) - before[tenant]))
        time.sleep(0.3)
        changed = {name for name, stream in streams.items() if len(stream.changes) > before[name]}
        assert changed == {tenant}
    apart.ingest([event("acme")])
    elsewhere.wait_for(2)
    time.sleep(QUIET)
    assert stranger.names == ["open"]
    assert elsewhere.names == ["open", "changed"]
    assert {name: len(stream.changes) for name, stream in streams.items()} == dict.fromkeys(tenants, 1)


def test_rejected_events_are_no_change(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    stream = listen(organization.session("rejected", dashboard))
    expect_error(organization.admin.post("/v1/events", {"events": [{"tenant_id": "rejected"}]}), 422, "no_valid_event")
    expect_error(organization.admin.post("/v1/events", raw="{"), 400)
    time.sleep(QUIET)
    assert stream.names == ["open"], "nothing was stored"


def test_many_events_are_at_most_one_message_a_second(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    session = organization.session("busy", dashboard)
    stream = listen(session)
    begin = time.monotonic()
    count = 0
    # At least so long, and so many that a message each would be seen.
    while time.monotonic() - begin < 4 or count < 100:
        organization.ingest([event("busy") for _ in range(5)])
        count += 5
    lasted = time.monotonic() - begin
    # Until nothing has come for longer than the pause between two.
    eventually(lambda: time.monotonic() - stream.changes[-1].at, lambda silence: silence > 5, "silence after the last event")
    told = stream.changes
    ages = [event.at - stream.opened for event in told]
    # One a second; how late each is read here is up to this machine.
    assert lasted / 2 <= len(told) <= lasted + 3, ages
    assert told[-1].at - begin > len(told) - 1 - 0.5, ages
    assert session.value("w_calls") == count
    time.sleep(QUIET)
    assert len(stream.changes) == len(told), "the last one was told, and no other"


def moment(text: str) -> datetime:
    """As a time: as texts, those with and without a fraction compare otherwise."""
    return datetime.fromisoformat(text)


def as_of(stream: LiveStream) -> datetime:
    return moment(stream.events[0].data["data_as_of"])


def test_a_stream_begins_with_the_last_change(world: tuple[Organization, str], listen: Listeners) -> None:
    """Who was away learns from the first message whether what is on the screen is still true."""
    organization, dashboard = world
    session = organization.session("away", dashboard)
    organization.ingest([event("away")])
    shown = session.result("w_calls")["meta"]["data_as_of"]
    first = listen(session)
    assert as_of(first) < moment(shown), "nothing has changed since"
    first.close()
    organization.ingest([event("away")])
    again = listen(session)
    assert as_of(again) > moment(shown), "something has"
    assert moment(session.result("w_calls")["meta"]["data_as_of"]) > as_of(again)


def test_a_refresh_of_the_cache_is_a_change(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    one, other = listen(organization.session("r1", dashboard)), listen(organization.session("r2", dashboard))
    assert organization.admin.post("/v1/cache/refresh", {"tenant_id": "r1"}).status == 204
    one.wait_for(2)
    time.sleep(1.05)
    assert other.names == ["open"]
    assert organization.admin.post("/api/v2/data-app/refresh-cache").status == 200
    one.wait_for(3), other.wait_for(2)


def test_an_erasure_is_a_change(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    organization.ingest([event("gone"), event("kept")])
    session = organization.session("gone", dashboard)
    gone, kept = listen(session), listen(organization.session("kept", dashboard))
    assert organization.admin.delete("/v1/tenants/gone/data").expect(200)["deleted_events"] == 1
    gone.wait_for(2)
    assert session.value("w_calls") == 0
    time.sleep(QUIET)
    assert kept.names == ["open"]


# --- Who may listen, and for how long -------------------------------------------------------------------------------------


def test_a_stream_ends_with_its_session(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    one, first, second = (organization.session(tenant, dashboard) for tenant in ("v1", "v2", "v2"))
    streams = [listen(session) for session in (one, first, second)]
    start = time.monotonic()
    assert organization.admin.delete(f"/v1/embed-sessions/{one.session_id}").status == 204
    took = streams[0].wait_for_end() - start
    assert streams[0].events[-1].name == "end" and streams[0].events[-1].data == {"code": "session_revoked"}
    assert took < 10, took
    print(f"a stream ended {1000 * took:.0f} ms after its session was revoked")
    assert [stream.ended for stream in streams[1:]] == [None, None]
    assert organization.admin.delete("/v1/embed-sessions?tenant_id=v2").status == 204
    for stream in streams[1:]:
        stream.wait_for_end()
        assert stream.events[-1].data == {"code": "session_revoked"}
    organization.ingest([event("v1"), event("v2")])
    assert listen.refusal(one, 401, "session_revoked") == 0


def test_a_stream_ends_with_its_dashboard(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, _ = world
    offline, deleted = (organization.create_dashboard([kpi("w_calls")], publish=True)["id"] for _ in range(2))
    first, second = (listen(organization.session("acme", dashboard)) for dashboard in (offline, deleted))
    assert organization.admin.post(f"/v1/dashboards/{offline}/unpublish").status == 204
    assert organization.admin.delete(f"/v1/dashboards/{deleted}").status == 204
    first.wait_for_end(), second.wait_for_end()
    assert first.events[-1].data == {"code": "dashboard_not_published"}
    assert second.events[-1].data == {"code": "session_revoked"}


def test_only_allowed_pages_may_listen(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    bound = organization.session("acme", dashboard, allowed_origins=["https://app.example.com"])
    stream = listen(bound.client.with_headers(Origin="https://app.example.com"))
    assert stream.headers is not None and stream.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    refused = listen(bound.client.with_headers(Origin="https://evil.example")).refused
    assert refused is not None
    expect_error(refused, 403, "origin_not_allowed")
    expect_error(bound.client.get("/v1/embed/live?tenant_id=globex"), 422)


def test_streams_of_a_session_are_few_and_who_leaves_makes_room(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    session = organization.session("many", dashboard)
    streams = [listen(session) for _ in range(6)]
    assert all(stream.refused is None for stream in streams)
    assert listen.refusal(session, 429, "too_many_live_streams") > 0
    # Another session has places of its own.
    assert listen(organization.session("many", dashboard)).refused is None
    streams[0].close()
    again = eventually(lambda: listen(session), lambda stream: stream.refused is None, "the place of who left")
    organization.ingest([event("many")])
    for stream in [*streams[1:], again]:
        stream.wait_for(2)


def test_asking_for_the_head_takes_no_place(world: tuple[Organization, str], listen: Listeners) -> None:
    organization, dashboard = world
    session = organization.session("heads", dashboard)
    for _ in range(12):
        answer = session.client.request("HEAD", "/v1/embed/live")
        assert answer.status == 200 and answer.header("Content-Type") == "text/event-stream"
    assert listen(session).refused is None


def test_hundreds_of_listeners(world: tuple[Organization, str], listen: Listeners) -> None:
    """Of two customers, one of whom has something to hear: all of its listeners do, and none of the other's."""
    organization, dashboard = world
    streams: dict[str, list[LiveStream]] = {"crowd": [], "hush": []}
    for tenant, made in streams.items():
        for _ in range(20):
            session = organization.session(tenant, dashboard)
            made += [listen(session) for _ in range(6)]
    start = time.monotonic()
    organization.ingest([event("crowd")])
    told = [stream.wait_for(2).at - start for stream in streams["crowd"]]
    print(f"{len(told)} listeners were told within {1000 * max(told):.0f} ms of sending")
    assert max(told) < 10
    time.sleep(QUIET)
    assert all(stream.names == ["open"] for stream in streams["hush"])


# --- The program ----------------------------------------------------------------------------------------------------------


def test_a_stop_ends_streams_and_is_not_held_up_by_them(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event("acme")])
    session = organization.session("acme", organization.create_dashboard([kpi("w_calls")], publish=True)["id"])
    streams = [LiveStream(session.client) for _ in range(5)]
    start = time.monotonic()
    waiting = threading.Thread(target=server.terminate)
    waiting.start()
    ended = [stream.wait_for_end() - start for stream in streams]
    waiting.join(150)
    took = time.monotonic() - start
    print(f"streams ended {1000 * max(ended):.0f} ms after SIGTERM, the program {took:.1f} s")
    assert max(ended) < 10 and took < 60
    assert {stream.events[-1].data["code"] for stream in streams} == {"shutting_down"}
    server.close()


def test_events_of_another_process_are_told(tmp_path: Path, listen: Listeners) -> None:
    with EventStore(tmp_path) as store:
        environment = {
            "EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_DATABASE_URL": f"sqlite://{tmp_path}/emban.sqlite",
            "EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7",
        }
        with EmbanProcess(environment=environment) as first, EmbanProcess(environment=environment) as second:
            hear_of_each_others_events(first, second, listen)


def hear_of_each_others_events(first: EmbanProcess, second: EmbanProcess, listen: Listeners) -> None:
    organization = Organization(first.url)
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    organization.ingest([event("acme"), event("globex")])
    here, there, other = (organization.session(tenant, dashboard) for tenant in ("acme", "acme", "globex"))
    there.client.base = other.client.base = second.url
    assert there.value("w_calls") == 1
    near, far, hush = (listen(session) for session in (here, there, other))
    assert [stream.names for stream in (near, far, hush)] == 3 * [["open"]]
    seen: dict[str, list[float]] = {"same": [], "other": []}
    for number in range(2, 4):
        # A change is told once more when it has settled.
        time.sleep(4)
        heard = [len(stream.events) for stream in (near, far)]
        sent = time.monotonic()
        organization.ingest([event("acme")])
        seen["same"].append(1000 * (near.wait_for(heard[0] + 1).at - sent))
        seen["other"].append(1000 * (far.wait_for(heard[1] + 1).at - sent))
        eventually(lambda: there.value("w_calls"), lambda value: value == number, "the event in the view of the other program")
    print("told by the same process after " + ", ".join(f"{ms:.0f}" for ms in seen["same"]) + " ms, by another after "
          + ", ".join(f"{ms:.0f}" for ms in seen["other"]) + " ms")
    time.sleep(4)
    assert hush.names == ["open"]
    heard = len(far.events)
    assert organization.admin.post("/v1/cache/refresh", {"tenant_id": "acme"}).status == 204
    far.wait_for(heard + 1)
    assert hush.names == ["open"]
    # Revoked there, refused here.
    assert organization.admin.delete(f"/v1/embed-sessions/{there.session_id}").status == 204
    far.wait_for_end()
    assert far.events[-1].data == {"code": "session_revoked"}


@pytest.mark.last
def test_a_quiet_stream_lives_until_its_session_expires(patient: tuple[LiveStream, Session]) -> None:
    stream, session = patient
    ended = stream.wait_for_end(150)
    assert stream.names == ["open", "end"] and stream.events[-1].data == {"code": "token_expired"}
    expiry = datetime.fromisoformat(session.expires_at).timestamp()
    late = time.time() - (time.monotonic() - ended) - expiry
    assert -1 < late < 15, f"it ended {late:.1f} s after the session"
    pauses = [later - earlier for earlier, later in zip([stream.opened, *stream.beats], [*stream.beats, ended])]
    # Every 15 s, so that nobody on the way takes it for dead.
    assert len(stream.beats) >= 3 and max(pauses) < 25, pauses


def test_the_number_of_open_streams_is_measured(own_server: Callable[..., EmbanProcess], listen: Listeners) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)["id"]

    def open_streams() -> int:
        lines = server.client.get("/metrics").text.splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("emban_live_streams "))

    assert open_streams() == 0
    streams = [listen(organization.session(tenant, dashboard)) for tenant in ("acme", "acme", "globex")]
    assert open_streams() == 3
    streams[0].close()
    eventually(open_streams, lambda number: number == 2)
    for stream in streams[1:]:
        stream.close()
    eventually(open_streams, lambda number: number == 0)
    server.close()
