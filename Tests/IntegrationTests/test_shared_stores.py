"""Starts on an event store or a configuration that others use as well: frozen, refusing, leased, or somebody else's."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from embantest.event_store import EventStore
from embantest.process import START_SECONDS, EmbanProcess, refused
from embantest.steady import eventually
from embantest.workspace import Organization, event

Servers = Callable[..., EmbanProcess]


@contextmanager
def lease(path: Path, name: str, seconds: float) -> Iterator[None]:
    """What a program holds that has died or stands still; it is taken back with the `with` block, if it has not ended before."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as store:
        store.execute("INSERT OR REPLACE INTO leases VALUES (?, 'nobody', ?)", (name, int((time.time() + seconds) * 1000)))
        try:
            yield
        finally:
            store.execute("DELETE FROM leases WHERE name = ? AND holder = 'nobody'", (name,))


def test_a_store_that_stands_still_during_the_start_ends_nobody(own_server: Servers, tmp_path: Path) -> None:
    """ClickHouse is frozen for longer than a statement may take, at the moment when the program begins to look after its schema."""
    with EventStore(tmp_path) as store:
        server = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        organization = Organization(server.url)
        assert server.terminate() == 0
        # Another one seems to look after the schema: the program waits right before it.
        with lease(server.data_dir / "emban.sqlite", "schema", 70):
            server.launch()
            eventually(lambda: "another program looks after the schema" in server.log, what="a program that waits for its turn", pause=0.01)
            store.process.send_signal(signal.SIGSTOP)
        assert server.process is not None
        try:
            end = time.monotonic() + START_SECONDS
            while "went away while its schema" not in server.log:
                assert server.process.poll() is None and time.monotonic() < end, server.log[-2000:]
                time.sleep(0.2)
            assert server.client.get("/readyz").status == 503
        finally:
            store.process.send_signal(signal.SIGCONT)
        server.wait_ready()
        organization.ingest([event()])
        eventually(organization.count, lambda count: count == 1, "the event")
        server.close()


def test_the_lease_of_a_program_that_died_at_its_start_ends_by_itself(own_server: Servers, tmp_path: Path) -> None:
    with EventStore(tmp_path) as store:
        server = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        assert server.terminate() == 0
        with lease(server.data_dir / "emban.sqlite", "schema", 15):
            server.start()
            server.close()


@pytest.mark.alone
def test_a_frozen_store_does_not_hold_back_the_end(own_server: Servers, tmp_path: Path) -> None:
    with EventStore(tmp_path) as store:
        server = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        store.process.send_signal(signal.SIGSTOP)
        try:
            begin = time.monotonic()
            assert server.terminate() == 0
            # The builder of rollups asks the store to end its inserts, and waited half a minute for the answer.
            assert time.monotonic() - begin < 30, server.log[-2000:]
        finally:
            store.process.send_signal(signal.SIGCONT)


def test_a_store_that_refuses_a_running_program_does_not_end_it(own_server: Servers, tmp_path: Path) -> None:
    """The password of its user is changed, and changed back; at the start a wrong one is a sentence."""
    with EventStore(tmp_path) as store:
        store.ask("CREATE USER app IDENTIFIED BY 'right'")
        store.ask("GRANT CURRENT GRANTS(ALL ON *.*) TO app WITH GRANT OPTION")
        server = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address.replace("owner:secret", "app:right")}).start()
        organization = Organization(server.url)
        store.ask("ALTER USER app IDENTIFIED BY 'other'")
        eventually(lambda: server.client.get("/readyz"), lambda answer: answer.status == 503 and answer.json["stores"]["events"] == "refused")
        organization.ingest([event(event_id="e1")], settled=False)
        eventually(lambda: "does not let the user 'app' in" in server.log, what="the log")
        assert server.process is not None and server.process.poll() is None
        refused(own_server(environment={"EMBAN_CLICKHOUSE_URL": server.environment["EMBAN_CLICKHOUSE_URL"]}), "EMBAN_CLICKHOUSE_URL")
        store.ask("ALTER USER app IDENTIFIED BY 'right'")
        server.wait_ready()
        eventually(organization.count, lambda count: count == 1, "the event")
        server.close()


def test_a_second_configuration_on_one_event_store_is_refused(own_server: Servers, tmp_path: Path) -> None:
    with EventStore(tmp_path) as store:
        first = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        organization = Organization(first.url)
        organization.ingest([event("acme")])
        second = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address})
        log = refused(second, "EMBAN_CLICKHOUSE_URL")
        assert "EMBAN_DATABASE_URL" in log and "EMBAN_ADOPT_EVENTS=1" in log and "secret" not in log, log
        assert organization.count() == 1, "the one that is refused has changed nothing, no password either"
        # On purpose it may; then the first one may not any more, and needs no purpose where it already has.
        second.environment["EMBAN_ADOPT_EVENTS"] = "1"
        second.start()
        assert second.terminate() == 0
        del second.environment["EMBAN_ADOPT_EVENTS"]
        second.start()
        assert first.terminate() == 0 and "EMBAN_ADOPT_EVENTS" not in first.log
        first.launch()
        assert first.process is not None and first.process.wait(START_SECONDS) > 0 and "EMBAN_ADOPT_EVENTS=1" in first.log


def test_of_two_configurations_that_start_at_the_same_moment_one_has_the_events(own_server: Servers, tmp_path: Path) -> None:
    with EventStore(tmp_path) as store:
        for number in range(4):
            store.ask("DROP DATABASE IF EXISTS emban SYNC")
            both = [own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}) for _ in range(2)]
            for server in both:
                server.launch()

            def standing(server: EmbanProcess) -> str:
                assert server.process is not None
                if server.process.poll() is not None:
                    return "refused"
                try:
                    return "ready" if server.client.get("/readyz", timeout=2).status == 200 else ""
                except OSError:
                    return ""

            found = eventually(lambda: [standing(server) for server in both], all, f"both to have decided, round {number}", START_SECONDS)
            assert sorted(found) == ["ready", "refused"], f"round {number}: {found}"
            winner, loser = both if found[0] == "ready" else reversed(both)
            assert "EMBAN_ADOPT_EVENTS=1" in loser.log
            # Its readers' passwords are its own still.
            organization = Organization(winner.url)
            organization.ingest([event()])
            assert organization.count() == 1
            winner.close()


def test_programs_on_one_configuration_have_one_secret_key(own_server: Servers, tmp_path: Path) -> None:
    shared = {"EMBAN_DATABASE_URL": f"sqlite://{tmp_path}/shared.sqlite"}
    first = own_server(environment=shared | {"EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7"}).start()
    log = refused(own_server(environment=shared), "EMBAN_SECRET_KEY", "EMBAN_DATABASE_URL")
    assert "9c1f0b7b" not in log
    alike = own_server(environment=first.environment).start()
    alike.close()
    assert first.terminate() == 0
    # With nobody else there, the key may be another one.
    first.environment["EMBAN_SECRET_KEY"] = "7d95c4ba2f0d1e8736a5d42eb7b0f1c9"
    first.start()
    first.close()
