"""SQL as an attacker writes it (`Tests/Golden/sql-attacks.json`): through the API, and once more past its check, straight to the database as the
organisation's own user. Nothing foreign comes back on either way; what may not be done is refused, what costs is bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from embantest.ad_hoc import OWN, SPOKEN, STRANGE, Attack, Reader, World, attacks, reader_name, rows_of, run, secret_of
from embantest.client import expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.workspace import Organization

ATTACKS = attacks()
GROUPS = sorted({attack.group for attack in ATTACKS})


@pytest.fixture(scope="module")
def world(emban: EmbanProcess) -> World:
    return World(Organization(emban.url), Organization(emban.url))


def of(group: str) -> list[Attack]:
    return [attack for attack in ATTACKS if attack.group == group]


def test_the_corpus_is_whole() -> None:
    assert len(ATTACKS) > 300 and len({attack.sql for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.api for attack in ATTACKS} == {"refused", "own", "bounded"}
    assert {attack.store for attack in ATTACKS} == {"refused", "own", "bounded", "empty", "endless"}


@pytest.mark.parametrize("group", GROUPS)
def test_attacks_through_the_api(world: World, group: str) -> None:
    wrong = []
    for attack in of(group):
        sql = world.written(attack)
        answer = run(world.organization.admin, sql)
        if foreign := world.foreign_in(answer.text, sql):
            wrong.append(f"{attack.sql!r} shows {foreign[:3]}: {answer}")
            continue
        if answer.status == 200:
            if attack.api == "refused" or (attack.value is not None and answer.json["rows"][0][0] != attack.value):
                wrong.append(f"{attack.sql!r} is answered: {answer}")
        else:
            expect_error(answer, {422}, {"sql_invalid", "sql_not_allowed", "sql_too_large", "sql_too_slow", "invalid_request"}, sent=f"{sql} {SPOKEN}")
            if attack.api == "own":
                wrong.append(f"{attack.sql!r} is refused: {answer}")
    assert not wrong, "\n".join(wrong)
    assert run(world.organization.admin, "SELECT count() FROM events").expect(200)["rows"] == [[OWN]]


@pytest.mark.parametrize("form", ["as the program sends it", "bare"])
@pytest.mark.parametrize("group", GROUPS)
def test_attacks_past_the_check(emban: EmbanProcess, world: World, group: str, form: str) -> None:
    """The database alone: what the check refuses is sent all the same."""
    reader = Reader.of(emban, world.organization)
    wrong = []
    for attack in of(group):
        # What costs most costs the same in both forms.
        if attack.store == "endless" or (form == "bare" and group == "resources"):
            continue
        sql = world.written(attack)
        status, text = reader.ask(reader.wrapped(sql) if form != "bare" else sql)
        if foreign := world.foreign_in(text, sql):
            wrong.append(f"{attack.sql!r} shows {foreign[:3]}: {text[:300]}")
        # Bare, a statement may be one that shows or explains; it shows nothing foreign.
        elif form == "bare":
            continue
        elif status == 200:
            if attack.store == "refused":
                wrong.append(f"{attack.sql!r} is answered: {text[:300]}")
            elif attack.store == "empty" and rows_of(text):
                wrong.append(f"{attack.sql!r} has rows: {text[:300]}")
            elif attack.value is not None and rows_of(text)[0][0] != attack.value:
                wrong.append(f"{attack.sql!r} gives {rows_of(text)[:1]}")
        elif attack.store in ("own", "empty"):
            wrong.append(f"{attack.sql!r} is refused: {text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert reader.rows("SELECT count() FROM events") == [[OWN]]
    assert Reader.of(emban, world.other).rows("SELECT count() FROM events") == [[STRANGE]]


def test_settings_of_a_request_widen_nothing(emban: EmbanProcess, world: World) -> None:
    """The same as parameters of the connection, which only the program has."""
    reader = Reader.of(emban, world.organization)
    for settings in (
        {"readonly": "0"}, {"readonly": "2"}, {"max_execution_time": "1000"}, {"max_rows_to_read": "0"}, {"SQL_emban_org": world.other.id},
        {"additional_table_filters": "{'emban.events': '1'}"}, {"allow_introspection_functions": "1"}, {"allow_ddl": "1"}, {"role": "emban_viewer"},
        {"profile": "default"}, {"user": "emban_viewer"}, {"session_id": "x", "readonly": "0"},
    ):
        status, text = reader.ask("SELECT count() FROM events", **settings)
        assert status != 200, (settings, text[:200])
    # The database of another organisation is not opened by naming it first.
    status, text = reader.ask("SELECT count() FROM events", database=reader_name(world.other.id))
    assert status != 200, text[:200]


def test_a_reader_has_its_own_password(emban: EmbanProcess, world: World) -> None:
    own, other = Reader.of(emban, world.organization), Reader.of(emban, world.other)
    assert own.password != other.password
    other.password = own.password
    assert other.ask("SELECT 1")[0] != 200
    owner = Reader.of(emban, world.organization)
    owner.name += "_view"
    for password in ("", own.password):
        owner.password = password
        assert owner.ask("SELECT 1")[0] != 200, "the owner of the view signs in"


def test_environments_are_apart(world: World) -> None:
    person = world.organization.login()
    assert run(person, "SELECT count() FROM events").expect(200)["rows"] == [[OWN]]
    assert run(person, "SELECT count() FROM events", environment="development").expect(200)["rows"] == [[STRANGE]]
    expect_error(run(world.organization.admin, "SELECT 1", environment="development"), 403, "wrong_environment")
    expect_error(run(person, "SELECT 1", environment="selftest"), 422)


def test_nobody_else_may(emban: EmbanProcess, world: World) -> None:
    dashboard = world.organization.create_dashboard(publish=True)["id"]
    viewer = world.organization.session("acme", dashboard).client
    ingest = world.organization.admin.bearer(world.organization.new_key("ingest")["key"])
    for client, status in ((emban.client, 401), (viewer, 401), (ingest, 403)):
        for answer in (run(client, "SELECT 1"), client.get("/v1/datasets"), client.get("/v1/datasets/events/ddl")):
            expect_error(answer, status)


def test_statements_at_once_are_bounded(world: World, other_organization: Organization) -> None:
    """Somebody's slow statements are in the way of their own organisation only."""
    slow = (
        "SELECT count() FROM (SELECT arrayJoin(range(40000)) AS a) AS a CROSS JOIN (SELECT arrayJoin(range(40000)) AS b) AS b "
        "CROSS JOIN (SELECT arrayJoin(range(40000)) AS c) AS c WHERE a.a + b.b + c.c = -1")
    with ThreadPoolExecutor(7) as pool:
        running = [pool.submit(run, world.organization.admin, slow) for _ in range(7)]
        time.sleep(0.1)
        assert run(other_organization.admin, "SELECT count() FROM events").expect(200)["rows"] == [[0]]
        answers = [done.result() for done in running]
    codes = [expect_error(answer, {422, 429})["code"] for answer in answers]
    assert codes.count("sql_busy") >= 3 and set(codes) <= {"sql_busy", "sql_too_slow", "sql_too_large"}, codes
    assert all(answer.header("Retry-After") for answer in answers if answer.status == 429)
    assert run(world.organization.admin, "SELECT count() FROM events").expect(200)["rows"] == [[OWN]]


def test_a_store_of_somebody_elses_holds_as_well(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    """On a ClickHouse that Emban does not run; with two programs on it, and after one was started anew."""
    with EventStore(tmp_path) as store:
        first = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        world = World(Organization(first.url), Organization(first.url))
        reader = Reader(store.port, secret_of(first.data_dir), world.organization.id)
        wrong = []
        for attack in ATTACKS:
            # What takes long was tried on Emban's own.
            if attack.store == "endless" or attack.group == "resources" or "numbers" in attack.sql or "sleep" in attack.sql:
                continue
            sql = world.written(attack)
            status, text = reader.ask(reader.wrapped(sql))
            if foreign := world.foreign_in(text, sql):
                wrong.append(f"{attack.sql!r} shows {foreign[:3]}: {text[:300]}")
            elif status == 200 and attack.store == "refused":
                wrong.append(f"{attack.sql!r} is answered: {text[:300]}")
        assert not wrong, "\n".join(wrong)
        # Somebody takes the user away, then the view, then everything.
        for statement in (f"DROP USER {reader.name}", f"DROP VIEW {reader.name}.events", f"DROP DATABASE {reader.name} SYNC"):
            store.ask(statement)
            assert run(world.organization.admin, "SELECT count() FROM events").expect(200)["rows"] == [[OWN]], statement
        assert first.terminate() == 0
        first.start()
        assert run(world.organization.admin, "SELECT count() FROM events").expect(200)["rows"] == [[OWN]]
        # Of an organisation that there is no more, the next start leaves nothing.
        gone = "emban_sql_" + "0" * 24
        for statement in (f"CREATE DATABASE {gone}", f"CREATE USER {gone} HOST NONE", f"CREATE USER {gone}_view HOST NONE",
                          f"CREATE ROW POLICY {gone} ON emban.events USING 1 TO {gone}_view"):
            store.ask(statement)
        assert first.terminate() == 0
        first.start()
        deadline = time.monotonic() + 120
        while store.ask(f"SELECT count() FROM system.users WHERE startsWith(name, '{gone}')") != [["0"]]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert run(world.other.admin, "SELECT count() FROM events").expect(200)["rows"] == [[STRANGE]]
        first.close()


def test_errors_tell_nothing_of_the_server(world: World) -> None:
    """Whatever the database says, the answer holds names only that were sent."""
    for sql in (
        "SELECT toInt64(tenant_id) FROM events", "SELECT throwIf(1, 'x')", "SELECT nope FROM events", "SELECT tenant_id, count() FROM events", "SELECT 1 FROM nope.nope",
        "SELECT toDate('x')", "SELECT CAST('a' AS Nope)", "SELECT * FROM events WHERE timestamp > 'yesterday'", "SELECT sum(tenant_id) FROM events", "SELECT 1 +",
    ):
        answer = run(world.organization.admin, sql)
        body = expect_error(answer, 422, "sql_invalid", sent=f"{sql} {SPOKEN}")
        for inside in (reader_name(world.organization.id), "25.", "version", "localhost", "127.0.0.1", "acme", "Exception", "__table", "scope"):
            assert inside not in json.dumps(body), (sql, body)
