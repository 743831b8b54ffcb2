"""SQL as an attacker writes it (`Tests/Golden/sql-attacks.json`): through the API, and once more past its check, straight to the database as the
organisation's own user. Nothing foreign comes back on either way; what may not be done is refused, what costs is bounded."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from embantest.ad_hoc import OWN, SPOKEN, STRANGE, Attack, Reader, World, attacks, counted, rows_of, run, secret_of
from embantest.client import Response, expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, event

ATTACKS = attacks()
GROUPS = sorted({attack.group for attack in ATTACKS})


#: Counts for as long as it may.
SLOW = (
    "SELECT count() FROM (SELECT arrayJoin(range(40000)) AS a) AS a CROSS JOIN (SELECT arrayJoin(range(40000)) AS b) AS b "
    "CROSS JOIN (SELECT arrayJoin(range(40000)) AS c) AS c WHERE a.a + b.b + c.c = -1")


@pytest.fixture(scope="module")
def world(emban: EmbanProcess) -> World:
    return World(emban)


@pytest.fixture(scope="module")
def hurried() -> Iterator[World]:
    """On a server whose statements may take two seconds: for what runs into the limit."""
    process = EmbanProcess(environment={"EMBAN_SQL_SECONDS": "2"})
    try:
        process.start()
        yield World(process)
        process.close()
    finally:
        process.abandon()


def world_for(group: str, request: pytest.FixtureRequest) -> World:
    return request.getfixturevalue("hurried" if group == "resources" else "world")


def of(group: str) -> list[Attack]:
    return [attack for attack in ATTACKS if attack.group == group]


def test_the_corpus_is_whole() -> None:
    assert len(ATTACKS) > 800 and len({attack.sql for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.api for attack in ATTACKS} == {"refused", "own", "bounded"}
    assert {attack.store for attack in ATTACKS} == {"refused", "own", "bounded", "empty", "endless"}


@pytest.mark.parametrize("group", GROUPS)
def test_attacks_through_the_api(request: pytest.FixtureRequest, group: str) -> None:
    world, wrong = world_for(group, request), []
    for attack in of(group):
        sql = world.written(attack)
        answer = run(world.organization.admin, sql)
        if foreign := world.foreign_in(answer.text, attack, sql):
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
    counted(world.organization.admin, OWN)


@pytest.mark.parametrize("form", ["as the program sends it", "bare"])
@pytest.mark.parametrize("group", GROUPS)
def test_attacks_past_the_check(request: pytest.FixtureRequest, group: str, form: str) -> None:
    """The database alone: what the check refuses is sent all the same."""
    world, wrong = world_for(group, request), []
    reader = Reader.of(world.emban, world.organization)
    for attack in of(group):
        # What costs most costs the same in both forms.
        if attack.store == "endless" or (form == "bare" and group == "resources"):
            continue
        sql = world.written(attack)
        status, text = reader.ask(reader.wrapped(sql) if form != "bare" else sql)
        if foreign := world.foreign_in(text, attack, sql, status):
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
    assert Reader.of(world.emban, world.other).rows("SELECT count() FROM events") == [[STRANGE]]


def test_settings_of_a_request_widen_nothing(emban: EmbanProcess, world: World) -> None:
    """The same as parameters of the connection, which only the program has."""
    reader = Reader.of(emban, world.organization)
    for settings in (
        {"readonly": "0"}, {"readonly": "2"}, {"max_execution_time": "1000"}, {"max_rows_to_read": "0"}, {"SQL_emban_org": world.other.id},
        {"additional_table_filters": "{'emban.events': '1'}"}, {"allow_introspection_functions": "1"}, {"priority": "1"}, {"role": "emban_viewer"},
        {"profile": "default"}, {"user": "emban_viewer"}, {"session_id": "x", "readonly": "0"},
    ):
        status, text = reader.ask("SELECT count() FROM events", **settings)
        assert status != 200, (settings, text[:200])
    # The database of another organisation is not opened by naming it first.
    status, text = reader.ask("SELECT count() FROM events", database=world.names[1])
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


def test_statements_at_once_are_bounded(hurried: World) -> None:
    """Somebody's slow statements are in the way of their own organisation only."""
    answers: list[Response] = []
    enough = threading.Event()

    def again_and_again() -> None:
        while not enough.is_set():
            answers.append(run(hurried.organization.admin, SLOW))

    with ThreadPoolExecutor(7) as pool:
        running = [pool.submit(again_and_again) for _ in range(7)]
        try:
            eventually(lambda: [answer.status for answer in list(answers)], lambda seen: 429 in seen and 422 in seen, "too many at once", 120)
            counted(hurried.other.admin, STRANGE)
        finally:
            enough.set()
        for done in running:
            done.result()
    for answer in answers:
        body = expect_error(answer, {422, 429}, {"sql_busy", "sql_too_slow", "sql_too_large"})
        if body["code"] == "sql_busy":
            assert answer.header("Retry-After")
        if body["code"] == "sql_too_slow":
            assert "after 2 seconds" in body["message"]
    counted(hurried.organization.admin, OWN)


def test_a_store_of_somebody_elses_holds_as_well(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    """On a ClickHouse that Emban does not run, with everybody's rows in one part; and after the program was started anew."""
    with EventStore(tmp_path) as store:
        first = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_SQL_SECONDS": "600"}).start()
        world = World(first)
        store.ask("OPTIMIZE TABLE emban.events FINAL")
        reader = Reader(store.port, secret_of(first.data_dir), world.organization.id)
        wrong = []
        for attack in ATTACKS:
            # What takes long was tried on Emban's own.
            if attack.store == "endless" or attack.group == "resources" or "numbers" in attack.sql or "sleep" in attack.sql:
                continue
            sql = world.written(attack)
            status, text = reader.ask(reader.wrapped(sql))
            if foreign := world.foreign_in(text, attack, sql, status):
                wrong.append(f"{attack.sql!r} shows {foreign[:3]}: {text[:300]}")
            elif status == 200 and attack.store == "refused":
                wrong.append(f"{attack.sql!r} is answered: {text[:300]}")
        assert not wrong, "\n".join(wrong)
        # Readers come from anywhere here, with the password alone: the program may run on another machine. The owner of a view comes from nowhere.
        assert store.ask(f"SELECT arrayStringConcat(host_ip) FROM system.users WHERE name = '{reader.name}'") == [["::/0"]]
        # Who leaves ends the statement, long before its time is over.
        with pytest.raises(OSError):
            world.organization.admin.post("/v1/sql", {"sql": SLOW}, timeout=1)
        eventually(
            lambda: store.ask(f"SELECT count() FROM system.processes WHERE user = '{reader.name}'"), lambda rows: rows == [["0"]], "its end", 120)
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
                          f"CREATE ROW POLICY {gone} ON emban.events USING 1 TO {gone}_view",
                          f"CREATE VIEW {gone}.events DEFINER = {gone}_view SQL SECURITY DEFINER AS SELECT 1 AS a"):
            store.ask(statement)
        assert first.terminate() == 0
        first.start()
        left = f"""
            SELECT (SELECT count() FROM system.users WHERE startsWith(name, '{gone}')) + (SELECT count() FROM system.databases WHERE name = '{gone}')
                + (SELECT count() FROM system.row_policies WHERE short_name = '{gone}')"""
        eventually(lambda: store.ask(left), lambda rows: rows == [["0"]], "nothing left of it", 120)
        assert run(world.other.admin, "SELECT count() FROM events").expect(200)["rows"] == [[STRANGE]]
        first.close()


def test_answers_do_not_depend_on_what_lies_beside(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    """Every function of ClickHouse, over every key, before and after the rows of strangers came into the same granules: where an answer changes, the
    function is one that is not let through."""
    with EventStore(tmp_path) as store:
        emban = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        own, other = Organization(emban.url), Organization(emban.url)
        own.ingest(
            event(["acme", "globex"][n % 2], ["api.call", "sign_up"][n % 5 == 4], event_id=f"e{n}", user_id="u", timestamp=f"2026-01-{10 + n % 3}T10:00:00Z",
                  string_props={"model": "a"}, numeric_props={"tokens": n}) for n in range(30))
        run(own.admin, "SELECT 1 FROM events WHERE string_props.model = 'a'").expect(200)
        reader = Reader(store.port, secret_of(emban.data_dir), own.id)
        functions = [name for name, in store.ask("SELECT name FROM system.functions WHERE NOT is_aggregate AND origin = 'System' AND alias_to = ''")]
        keys = {"tenant_id": "'acme'", "event_name": "'api.call'", "timestamp": "toDateTime64('2026-01-11 10:00:00', 3, 'UTC')"}
        asked = [
            f"SELECT count(), arraySort(groupUniqArray(toString({name}({key})))) FROM events WHERE {name}({key}) = {name}({value})"
            for name in functions if name not in ("sleep", "sleepEachRow") for key, value in keys.items()]
        asked += [
            "SELECT count() FROM events WHERE indexHint(timestamp > toDateTime64('2026-01-20 00:00:00', 3, 'UTC'))", "SELECT count() FROM events WHERE indexHint(tenant_id > 'x')",
            "SELECT count() FROM events WHERE throwIf(event_name LIKE 'SECRET%') = 0", "SELECT count() FROM events WHERE NOT throwIf(event_name NOT IN ('api.call', 'sign_up'))",
            "SELECT max(blockSerializedSize(string_props)) FROM events",
            "SELECT count() FROM events WHERE timestamp > '2026-01-12 00:00:00'", "SELECT dumpColumnStructure(string_props) FROM events LIMIT 1", "SELECT toString(groupArrayState(string_props)) FROM events",
        ]

        def ask(statements: list[str]) -> dict[str, str]:
            with ThreadPoolExecutor(4) as pool:
                answers = pool.map(reader.ask, statements)
                return {sql: text for sql, (status, text) in zip(statements, answers, strict=True) if status == 200}

        store.ask("OPTIMIZE TABLE emban.events FINAL")
        before = ask(asked)
        # Not those that differ each time.
        steady = [sql for sql, text in ask(list(before)).items() if before[sql] == text]
        assert len(steady) > 500
        other.ingest(
            event(f"SECRET-tenant-{n % 7}", f"SECRET-event-{n % 5}", event_id=f"s{n}", user_id="v", timestamp=f"2026-01-{5 + n % 25:02d}T11:00:00Z",
                  string_props={"model": "SECRET", f"SECRET-{n % 9}": "x"}, numeric_props={"SECRET": n}) for n in range(300))
        store.ask("OPTIMIZE TABLE emban.events FINAL")
        assert store.ask("SELECT count() FROM system.parts WHERE database = 'emban' AND table = 'events' AND active") == [["1"]]
        after = ask(steady)
        # What failed may have failed for want of time or memory.
        after |= ask([sql for sql in steady if sql not in after])
        changed = [sql for sql in steady if after.get(sql) != before[sql]]
        assert not [sql for sql, text in after.items() if "SECRET" in text.replace("SECRET%", "")]
        # That the test sees something at all.
        assert any("blockSerializedSize" in sql for sql in changed)
        for sql in changed:
            expect_error(run(own.admin, sql), 422, "sql_not_allowed", sent=f"{sql} {SPOKEN}")
        emban.close()


def test_errors_tell_nothing_of_the_server(world: World) -> None:
    """Whatever the database says, the answer holds names only that were sent."""
    for sql in (
        "SELECT toInt64(tenant_id) FROM events", "SELECT throwIf(1, 'x')", "SELECT nope FROM events", "SELECT tenant_id, count() FROM events", "SELECT 1 FROM nope.nope",
        "SELECT toDate('x')", "SELECT CAST('a' AS Nope)", "SELECT * FROM events WHERE timestamp > 'yesterday'", "SELECT sum(tenant_id) FROM events", "SELECT 1 +",
    ):
        answer = run(world.organization.admin, sql)
        body = expect_error(answer, 422, "sql_invalid", sent=f"{sql} {SPOKEN}")
        for inside in (world.names[0], "25.", "version", "localhost", "127.0.0.1", "acme", "Exception", "__table", "scope"):
            assert inside not in json.dumps(body), (sql, body)
