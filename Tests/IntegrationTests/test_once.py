"""An event with an id counts once: sent again, in one batch, at once, after a restart, and to several programs on one store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, breakdown, event, groups, kpi, pending, timeseries, value_of

Json = dict[str, Any]
WIDGETS = [
    kpi("w_calls"), kpi("w_tokens", metric="sum", numeric_prop="tokens"), kpi("w_users", metric="count_unique"),
    timeseries("w_time"), breakdown("w_models"),
]


def batch(prefix: str, count: int, **more: Any) -> list[Json]:
    return [
        event("acme", event_id=f"{prefix}-{number}", user_id=f"u{number % 7}", string_props={"model": f"m{number % 3}"},
              numeric_props={"tokens": number}, **more)
        for number in range(count)
    ]


def numbers(results: Json) -> Json:
    """What the widgets show, without how it came about."""
    return {name: result["rows"] for name, result in results.items()}


# --- One program ----------------------------------------------------------------------------------------------------------


def test_no_resend_changes_a_number_of_any_widget(tmp_path: Path) -> None:
    """In the same batch, again, at the same time, with another time and other properties, after kill -9, and from two tenants."""
    emban = EmbanProcess()
    emban.start()
    try:
        organization = Organization(emban.url)
        dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
        session = organization.session("acme", dashboard)
        sent = batch("a", 300)
        organization.ingest(sent + sent)
        expected = numbers(session.results())
        assert value_of(session.result("w_calls")) == 300
        organization.ingest(sent)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: organization.ingest(sent), range(16)))
        organization.ingest([one | {"timestamp": "2026-01-05T10:00:00Z", "numeric_props": {"tokens": 9}} for one in sent])
        assert numbers(session.results()) == expected
        emban.kill()
        emban.start()
        organization.ingest(sent)
        assert numbers(session.results()) == expected
        organization.ingest([one | {"tenant_id": "globex"} for one in sent])
        assert numbers(session.results()) == expected
        assert organization.count() == 600
        emban.close()
    finally:
        emban.abandon()


def test_two_spellings_of_an_id_are_two_events(organization: Organization) -> None:
    organization.ingest([event(event_id="caf\u00e9"), event(event_id="cafe\u0301"), event(event_id="CAF\u00c9")])
    organization.ingest([event(event_id="caf\u00e9"), event(event_id="cafe\u0301")])
    assert organization.count() == 3


# --- Several programs on one store ----------------------------------------------------------------------------------------


class Pair:
    """Two programs on one event store and one configuration."""

    def __init__(self, folder: Path) -> None:
        self.store = EventStore(folder)
        environment = {
            "EMBAN_CLICKHOUSE_URL": self.store.address, "EMBAN_DATABASE_URL": f"sqlite://{folder}/emban.sqlite",
            "EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7",
        }
        self.programs = [EmbanProcess(environment=environment) for _ in range(2)]

    def __enter__(self) -> Pair:
        self.store.__enter__()
        for program in self.programs:
            program.start()
        self.organization = Organization(self.programs[0].url)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            for program in self.programs:
                program.abandon() if kind else program.close()
        finally:
            self.store.__exit__()

    def send(self, number: int, events: list[Json]) -> int:
        """To one of the programs; the status, or 0 without an answer."""
        client = self.organization.admin
        try:
            return type(client)(self.programs[number].url, client.headers).post("/v1/events", {"events": events}).status
        except OSError:
            return 0

    def send_to_both(self, events: list[Json], threads: int = 2) -> list[int]:
        """The same events to both programs at the same moment."""
        ready = threading.Barrier(threads)

        def one(number: int) -> int:
            ready.wait()
            return self.send(number % 2, events)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(threads)))

    def settle(self) -> None:
        """Until no program has anything left in its spool."""
        eventually(lambda: [pending(program.client) for program in self.programs], lambda waiting: not any(waiting), "empty spools", 150)

    def ask(self, sql: str) -> int:
        return int(self.store.ask(sql)[0][0])

    def doubles(self) -> int:
        """How many ids were stored by more than one insert: the table of ids keeps them for a week, and no number depends on it."""
        return self.ask("SELECT count() FROM (SELECT event_id FROM emban.event_ids WHERE environment = 'production' GROUP BY tenant_id, event_id HAVING count() > 1)")

    def check(self, expected: int) -> None:
        assert self.ask("SELECT count() FROM emban.events WHERE environment = 'production'") == expected
        assert self.ask("SELECT uniqExact(tenant_id, event_id) FROM emban.events WHERE environment = 'production'") == expected
        assert self.ask("SELECT sum(n) FROM emban.tenant_days WHERE environment = 'production'") == expected
        wrong = self.store.ask(
            "SELECT tenant_id, day, event_name FROM (SELECT tenant_id, toDate32(timestamp) AS day, event_name, toInt64(count()) AS n "
            "FROM emban.events WHERE environment = 'production' GROUP BY ALL UNION ALL "
            "SELECT tenant_id, day, event_name, -n FROM emban.tenant_days WHERE environment = 'production') "
            "GROUP BY ALL HAVING sum(n) != 0")
        assert not wrong, f"counts that differ from the events: {wrong}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Pair(tmp_path_factory.mktemp("pair")) as running:
        yield running


def test_two_programs_may_start_together_on_a_new_store(tmp_path: Path) -> None:
    """One after the other brings it to its schema; what the first takes in meanwhile stays counted."""
    with EventStore(tmp_path) as store:
        for number in range(4):
            store.ask("DROP DATABASE IF EXISTS emban SYNC")
            environment = {
                "EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_DATABASE_URL": f"sqlite://{tmp_path}/emban-{number}.sqlite",
                "EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7",
            }
            programs = [EmbanProcess(environment=environment) for _ in range(2)]
            try:
                for program in programs:
                    program.launch()
                programs[0].wait_ready()
                organization = Organization(programs[0].url)
                organization.ingest(batch("s", 30))
                programs[1].wait_ready()
                applied = store.ask("SELECT count(), uniqExact(name) FROM emban.schema_migrations")[0]
                assert applied[0] == applied[1], f"round {number}: migrations were applied twice"
                organization.ingest(batch("s", 40))
                for table, what in (("events", "count()"), ("event_ids", "count()"), ("tenant_days", "sum(n)")):
                    assert store.ask(f"SELECT {what} FROM emban.{table}") == [["40"]], f"round {number}: {table}"
                for program in programs:
                    program.close()
            finally:
                for program in programs:
                    program.abandon()


def test_two_programs_at_the_same_moment_count_once(pair: Pair) -> None:
    """Both look the ids up, find none, and insert. Each answer is given when the numbers are right again."""
    organization = pair.organization
    dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
    session = organization.session("acme", dashboard)
    before = pair.ask("SELECT count() FROM emban.events WHERE environment = 'production'")
    size, rounds = 40, 0
    # Until they have really run into each other several times; that they never do would be a defect of this test.
    while rounds < 5 or (pair.doubles() < 3 * size and rounds < 200):
        # Of every other round the events have no time of their own: then the two rows even differ in it.
        more = {"timestamp": f"2026-03-{1 + rounds % 28:02}T10:00:00Z"} if rounds % 2 else {}
        begin = time.monotonic()
        assert pair.send_to_both(batch(f"r{rounds}", size, **more), threads=4) == [200] * 4
        took = time.monotonic() - begin
        pair.settle()
        rounds += 1
        # An answer waits five seconds for the repair; of a store that takes longer the rest is put right after it.
        right = rounds * size
        count = organization.count("acme") if took < 4 else eventually(lambda: organization.count("acme"), right.__eq__, f"round {rounds}", 150)
        assert count == right, f"after round {rounds}"
    assert pair.doubles() >= size, "the programs never ran into each other"
    pair.check(before + rounds * size)
    found = organization.query({"metric": "sum", "numeric_prop": "tokens"}, tenant_id="acme").expect(200)
    assert value_of(found) == rounds * sum(range(size))
    by_model = organization.query({"group_by": "model"}, kind="breakdown", tenant_id="acme").expect(200)
    assert sum(groups(by_model).values()) == rounds * size
    # Sent again to whomever, nothing changes.
    expected = numbers(session.results())
    for number in range(rounds):
        assert pair.send(number % 2, batch(f"r{number}", size)) == 200
    assert numbers(session.results()) == expected
    print(f"{rounds} rounds of {size} events, {pair.doubles()} ids stored by several inserts, all counted once")


def test_a_program_that_dies_between_insert_and_repair_leaves_nothing_wrong_behind(pair: Pair) -> None:
    """kill -9 while both are at it: what nobody was told is stored is sent again, and the other program puts right what is doubled."""
    before = pair.ask("SELECT count() FROM emban.events WHERE environment = 'production'")
    sent: list[list[Json]] = []
    for number in range(4):
        events = batch(f"k{number}", 30)
        sent.append(events)
        both = threading.Thread(target=pair.send_to_both, args=(events,))
        both.start()
        time.sleep(0.02 + 0.03 * number)
        pair.programs[1].kill()
        both.join()
        pair.programs[1].start()
    for events in sent:
        assert pair.send(0, events) == 200
        assert pair.send(1, events) == 200
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if pair.ask("SELECT count() FROM emban.events WHERE environment = 'production'") == before + 120:
            break
        time.sleep(1)
    pair.check(before + 120)
