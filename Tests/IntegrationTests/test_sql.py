"""Datasets, and SQL that people write: what comes back, how it is cut, what errors say, and what the audit log holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from embantest.ad_hoc import SPOKEN, Reader, reader_name, run, secret_of
from embantest.client import Client, expect_error
from embantest.event_store import EventStore
from embantest.process import ROOT, EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, event


@pytest.fixture(scope="module")
def team(module_organization: Organization) -> Organization:
    module_organization.ingest(
        event(
            ["acme", "globex"][n % 2], ["api.call", "sign_up"][n % 10 == 9], event_id=f"e{n}", user_id=f"user_{n % 3}",
            timestamp=f"2026-01-{1 + n % 28:02d}T10:00:00Z", string_props={"model": f"m{n % 3}", "a.b": "dotted", "end point": "/chat"} | ({"rare": "x"} if n == 5 else {}),
            numeric_props={"tokens": n, "latency_ms": n / 4})
        for n in range(40))
    return module_organization


def rows(client: Client, sql: str) -> list[list[object]]:
    return run(client, sql).expect(200)["rows"]


def test_an_answer_has_columns_rows_and_stats(team: Organization) -> None:
    answer = run(team.admin, "SELECT tenant_id, count() AS n, sum(numeric_props.tokens) AS tokens FROM events GROUP BY tenant_id ORDER BY tenant_id").expect(200)
    assert answer["columns"] == [
        {"name": "tenant_id", "type": "String"}, {"name": "n", "type": "UInt64"}, {"name": "tokens", "type": "Nullable(Float64)"}]
    assert answer["rows"] == [["acme", 20, 380], ["globex", 20, 400]]
    assert set(answer) == {"columns", "rows", "stats"} and set(answer["stats"]) == {"wall_ms", "rows_returned", "truncated"}
    assert answer["stats"]["rows_returned"] == 2 and answer["stats"]["truncated"] is False and answer["stats"]["wall_ms"] > 0


@pytest.mark.parametrize(("sql", "expected"), [
    ("SELECT string_props.model, count() FROM events GROUP BY string_props.model ORDER BY 1", [["m0", 14], ["m1", 13], ["m2", 13]]),
    ("SELECT DISTINCT string_props.a.b, `string_props.end point` FROM events", [["dotted", "/chat"]]),
    ("SELECT count() FROM events WHERE string_props.rare = 'x'", [[1]]),
    ("SELECT count() FROM events WHERE string_props.rare IS NULL", [[39]]),
    ("SELECT count(string_props.rare), countIf(string_props.rare IS NOT NULL), count(numeric_props.tokens) FROM events", [[1, 1, 40]]),
    ("SELECT DISTINCT string_props.nobody FROM events", [[None]]),
    ("SELECT min(timestamp), max(timestamp) FROM events", [["2026-01-01T10:00:00.000Z", "2026-01-28T10:00:00.000Z"]]),
    ("SELECT count() FROM events WHERE timestamp >= '2026-01-10 00:00:00' AND timestamp < '2026-01-11'", [[2]]),
    ("SELECT count() FROM events WHERE timestamp >= '2026-01-10T00:00:00Z' AND '2026-01-11T01:00:00+01:00' > timestamp", [[2]]),
    ("SELECT count() FROM events AS e WHERE e.timestamp BETWEEN '2026-01-10T00:00:00.000Z' AND '2026-01-10T23:59:59.9Z'", [[2]]),
    ("SELECT count() FROM events WHERE timestamp >= toDateTime('2026-01-10T00:00:00Z') AND timestamp IN ('2026-01-10T10:00:00Z', '2026-01-12 10:00:00')", [[4]]),
    ("SELECT quantile(0.5)(numeric_props.latency_ms) FROM events;", [[4.875]]),
    ("WITH top AS (SELECT user_id, count() AS n FROM events GROUP BY user_id) SELECT max(n) FROM top", [[14]]),
    ("SELECT 1 UNION SELECT 1", [[1]]),
    ("SELECT a.event_id, b.n FROM events AS a LEFT JOIN (SELECT 'e1' AS event_id, 7 AS n) AS b USING event_id WHERE a.event_id IN ('e1', 'e2') ORDER BY 1", [["e1", 7], ["e2", None]]),
    ("SELECT toUInt64(18446744073709551615), toInt128('170141183460469231731687303715884105727')::String, nan, [1, NULL], map('a', 1), (1, 'x')",
     [[18446744073709551615, "170141183460469231731687303715884105727", None, [1, None], {"a": 1}, [1, "x"]]]),
    ("SELECT 'a' -- a comment at the end", [["a"]]),
    ("SELECT 'semicolon; in a text'", [["semicolon; in a text"]]),
    ("(SELECT 2)", [[2]]),
])
def test_what_can_be_asked(team: Organization, sql: str, expected: list[list[object]]) -> None:
    assert rows(team.admin, sql) == expected


def test_rows_are_whole_events(team: Organization) -> None:
    answer = run(team.admin, "SELECT * FROM events WHERE event_id = 'e5'").expect(200)
    row = dict(zip([column["name"] for column in answer["columns"]], answer["rows"][0], strict=True))
    assert row["tenant_id"] == "globex" and row["string_props.rare"] == "x" and row["numeric_props.latency_ms"] == 1.25
    assert row["string_props"] == {"a.b": "dotted", "end point": "/chat", "model": "m2", "rare": "x"}
    assert "org_id" not in row and "environment" not in row and "batch" not in row


def test_long_answers_are_cut_and_say_so(team: Organization) -> None:
    answer = run(team.admin, "SELECT arrayJoin(range(20000)) AS x").expect(200)
    assert len(answer["rows"]) == 10_000 and answer["stats"] == answer["stats"] | {"rows_returned": 10_000, "truncated": True}
    whole = run(team.admin, "SELECT arrayJoin(range(10000)) AS x").expect(200)
    assert whole["rows"][-1] == [9_999] and whole["stats"]["truncated"] is False
    wide = run(team.admin, "SELECT repeat('x', 100000) AS x, arrayJoin(range(1000)) AS n").expect(200)
    assert 100 < len(wide["rows"]) < 170 and wide["stats"]["truncated"] is True
    assert [row[1] for row in wide["rows"]] == list(range(len(wide["rows"])))
    # Ordered before it is cut.
    assert run(team.admin, "SELECT arrayJoin(range(20000)) AS x ORDER BY x DESC").expect(200)["rows"][0] == [19_999]


def test_the_statements_of_the_page_run(team: Organization) -> None:
    found = re.findall(r"^```sql\n(.*?)^```$", (ROOT / "docs" / "sql.md").read_text(), re.M | re.S)
    assert len(found) >= 3
    for sql in found:
        run(team.admin, sql).expect(200)


# --- Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sql", "code", "sentence", "position"), [
    ("SELEC 1", "sql_not_allowed", "begins with SELECT or WITH", (1, 1)),
    ("", "invalid_request", "", None),
    ("-- nothing", "sql_invalid", "There is no statement", (1, 1)),
    ("SELECT 1; SELECT 2", "sql_not_allowed", "Only one statement", (1, 11)),
    ("SELECT count(\nFROM events", "sql_invalid", "not closed", (1, 13)),
    ("SELECT 1\nFROM events)", "sql_invalid", "closes none", (2, 12)),
    ("SELECT 'open", "sql_invalid", "does not end", (1, 8)),
    ("SELECT count()\nFROM events\nGROUP tenant_id", "sql_invalid", "Syntax error near tenant_id", (3, 7)),
    ("SELECT\n  'ü', modle FROM events", "sql_invalid", "no column modle", (2, 8)),
    ("SELECT model FROM events", "sql_invalid", "Did you mean string_props.model?", (1, 8)),
    ("SELECT e.tenantid FROM events AS e", "sql_invalid", "Did you mean tenant_id?", None),
    ("SELECT 1 FROM evnts", "sql_invalid", "no table evnts", (1, 15)),
    ("SELECT cuont() FROM events", "sql_invalid", "no function cuont", (1, 8)),
    ("SELECT tenant_id, count() FROM events", "sql_invalid", "tenant_id must be in GROUP BY", (1, 8)),
    ("SELECT sum(event_name) FROM events", "sql_invalid", "sum does not take", (1, 8)),
    ("SELECT 1 WHERE count() > 1", "sql_invalid", "aggregate", None),
    ("SELECT toInt64('x')", "sql_invalid", "could not be converted", None),
    ("SELECT * FROM url('http://x/', CSV, 'a String')", "sql_not_allowed", "table function url", (1, 15)),
    ("SELECT * FROM system.tables", "sql_not_allowed", "Only the table events", (1, 15)),
    ("SELECT 1 SETTINGS max_threads = 1", "sql_not_allowed", "SETTINGS", (1, 10)),
    ("SELECT 1 FORMAT CSV", "sql_not_allowed", "FORMAT", (1, 10)),
    ("SELECT hostName()", "sql_not_allowed", "hostName", (1, 8)),
    ("SELECT length(groupArray(concat(repeat('x', 100000), toString(n)))) FROM (SELECT arrayJoin(range(100000)) AS n)", "sql_too_large", "memory", None),
])
def test_errors_say_what_and_where(team: Organization, sql: str, code: str, sentence: str, position: tuple[int, int] | None) -> None:
    body = expect_error(run(team.admin, sql), 422, code, sent=f"{sql} {SPOKEN}")
    assert sentence in body["message"], body
    if position:
        lines = sql.split("\n")
        offset = sum(len(line) + 1 for line in lines[:position[0] - 1]) + position[1] - 1
        assert body["position"] == {"line": position[0], "column": position[1], "offset": offset}, body


def test_names_that_look_like_what_is_refused_are_taken(team: Organization) -> None:
    for sql in ("SELECT 1 AS format", "SELECT 1 AS settings", "SELECT 1 AS version, 2 AS file, 3 AS url", "SELECT format('{} {}', 'a', 'b')", "SELECT numeric_props.version FROM events LIMIT 1",
                "SELECT extract(YEAR FROM timestamp) FROM events LIMIT 1", "SELECT trim(BOTH ' ' FROM user_id) FROM events LIMIT 1", "SELECT 'EXPLAIN; INTO OUTFILE' AS explain"):
        run(team.admin, sql).expect(200)


def test_a_body_is_read_strictly(team: Organization) -> None:
    expect_error(team.admin.post("/v1/sql", {}), 422, "invalid_request")
    expect_error(team.admin.post("/v1/sql", {"sql": "SELECT 1", "settings": {}}), 422, "invalid_request")
    expect_error(team.admin.post("/v1/sql", {"sql": "SELECT " + "1," * 40_000 + "1"}), 422, "invalid_request")


# --- Datasets -------------------------------------------------------------------------------------------------------------


def test_datasets_have_columns_and_properties(team: Organization) -> None:
    page = team.admin.get("/v1/datasets").expect(200)
    assert page["next_cursor"] is None and [dataset["name"] for dataset in page["data"]] == ["events"]
    columns = {column["name"]: column for column in page["data"][0]["columns"]}
    assert list(columns)[:5] == ["tenant_id", "event_name", "timestamp", "event_id", "user_id"]
    assert columns["tenant_id"]["examples"] == ["acme", "globex"] and columns["tenant_id"]["type"] == "String"
    model = columns["string_props.model"]
    assert model["type"] == "Nullable(String)" and model["events"] == ["api.call", "sign_up"] and set(model["examples"]) == {"m0", "m1", "m2"}
    assert model["sql"] == "string_props.model" and columns["string_props.end point"]["sql"] == "`string_props.end point`"
    assert columns["numeric_props.tokens"]["examples"][0] == 0 and columns["numeric_props.tokens"]["type"] == "Nullable(Float64)"
    # Every column can be asked for as it is written.
    listed = ", ".join(column["sql"] for column in page["data"][0]["columns"])
    answer = run(team.admin, f"SELECT {listed} FROM events LIMIT 1").expect(200)
    assert [column["name"] for column in answer["columns"]] == list(columns)
    shown = {column["name"]: column["type"] for column in answer["columns"]}
    assert {name: kind for name, kind in shown.items() if kind.split("(")[0] != "JSON"} == {
        name: column["type"] for name, column in columns.items() if column["type"] != "JSON"}


def test_the_ddl_names_the_same_columns(team: Organization) -> None:
    answer = team.admin.get("/v1/datasets/events/ddl").expect(200)
    assert answer["name"] == "events" and answer["ddl"].startswith("CREATE TABLE events\n(\n  tenant_id String COMMENT ")
    for column in team.admin.get("/v1/datasets").expect(200)["data"][0]["columns"]:
        assert f"  {column['sql']} {column['type']} COMMENT '" in answer["ddl"]
    assert "emban_sql_" not in answer["ddl"] and "org_id" not in answer["ddl"]
    expect_error(team.admin.get("/v1/datasets/nothing/ddl"), 404, "dataset_not_found")


def test_an_organization_without_events_can_begin(organization: Organization) -> None:
    assert rows(organization.admin, "SELECT count() FROM events") == [[0]]
    names = [column["name"] for column in organization.admin.get("/v1/datasets").expect(200)["data"][0]["columns"]]
    assert names[-1] == "ingested_at"
    # A new property is found when it is asked for, and stays.
    organization.ingest([event(string_props={"fresh": "yes"}, numeric_props={"weight": 1.5})])
    eventually(
        lambda: run(organization.admin, "SELECT sum(numeric_props.weight) FROM events WHERE string_props.fresh = 'yes'"),
        lambda answer: answer.status == 200 and answer.json["rows"] == [[1.5]], "the new property", 60)
    organization.admin.delete("/v1/tenants/acme/data").expect(200)
    assert rows(organization.admin, "SELECT count() FROM events WHERE string_props.fresh = 'yes'") == [[0]]


@pytest.mark.parametrize("name", ["weird name", "a/b:c@d", "Größe", "select", "1st", "a.b.c", "user_id"])
def test_properties_of_any_name_can_be_asked_for(organization: Organization, name: str) -> None:
    organization.ingest([event(string_props={name: "here"}, numeric_props={name: 2})])
    columns = {column["name"]: column["sql"] for column in organization.admin.get("/v1/datasets").expect(200)["data"][0]["columns"]}
    text, number = columns[f"string_props.{name}"], columns[f"numeric_props.{name}"]
    assert rows(organization.admin, f"SELECT {text}, sum({number}) FROM events GROUP BY {text}") == [["here", 2]]


@pytest.mark.parametrize("name", ["a`b", "a\\b", "a'b", "a\"b", "`); DROP TABLE emban.events --", "{x:String}"])
def test_a_name_cannot_break_the_dataset(organization: Organization, name: str) -> None:
    organization.ingest([event(string_props={name: "here", "plain": "x"})])
    names = [column["name"] for column in organization.admin.get("/v1/datasets").expect(200)["data"][0]["columns"]]
    assert "string_props.plain" in names and f"string_props.{name}" not in names
    assert rows(organization.admin, "SELECT string_props.plain, count() FROM events GROUP BY 1") == [["x", 1]]
    assert rows(organization.admin, "SELECT string_props FROM events") == [[{name: "here", "plain": "x"}]]


# --- Audit, cancelling, life ------------------------------------------------------------------------------------------------


def entries(organization: Organization) -> list[dict]:
    return organization.admin.get("/v1/audit", query={"action": "sql.run"}).expect(200)["data"]


def test_every_run_is_audited(organization: Organization) -> None:
    run(organization.admin, "SELECT 1 AS one").expect(200)
    expect_error(run(organization.admin, "SELECT nope"), 422)
    expect_error(run(organization.admin, "DROP TABLE events"), 422, sent=SPOKEN)
    found = entries(organization)
    assert [entry["after"]["sql"] for entry in found] == ["DROP TABLE events", "SELECT nope", "SELECT 1 AS one"]
    assert [entry["after"].get("error") for entry in found] == ["sql_not_allowed", "sql_invalid", None]
    assert found[2]["after"] == found[2]["after"] | {"rows": 1, "truncated": False, "environment": "production"}
    assert {entry["entity"] for entry in found} == {"dataset"} and {entry["entity_id"] for entry in found} == {"events"}


def test_nothing_hides_a_statement_from_the_audit_log(organization: Organization) -> None:
    statement = f"/* {'much ado ' * 1_000} */ SELECT tenant_id FROM events"
    run(organization.admin, statement).expect(200)
    assert entries(organization)[0]["after"]["sql"] == statement
    expect_error(run(organization.admin, statement.replace("SELECT", "DROP")), 422, sent=SPOKEN)
    assert entries(organization)[0]["after"]["sql"] == statement[:2_000]


def test_a_name_of_nothing_does_not_make_the_reader_anew(organization: Organization) -> None:
    run(organization.admin, "SELECT 1").expect(200)
    expect_error(run(organization.admin, "SELECT * FROM nowhere.t"), 422, "sql_invalid", sent=SPOKEN)
    run(organization.admin, "SELECT 1").expect(200)


def test_who_leaves_stops_the_statement(emban: EmbanProcess, organization: Organization) -> None:
    slow = "SELECT count() FROM (SELECT arrayJoin(range(40000)) AS a) AS a CROSS JOIN (SELECT arrayJoin(range(40000)) AS b) AS b WHERE sipHash64(a.a, b.b) = 1"
    run(organization.admin, "SELECT 1").expect(200)
    reader = Reader.of(emban, organization)

    def leave() -> None:
        try:
            organization.admin.post("/v1/sql", {"sql": slow}, timeout=1)
        except OSError:
            pass

    def noted() -> list[str]:
        leave()
        return [entry["after"].get("error") for entry in entries(organization)][:1]

    # A machine that stops for a second may not have read the question when its asker leaves.
    eventually(noted, lambda codes: codes == ["canceled"], "the note of it", 120, pause=2)
    assert reader.rows("SELECT 1") == [[1]]


def test_two_programs_share_a_reader(own_server: Callable[..., EmbanProcess], tmp_path: Path) -> None:
    with EventStore(tmp_path) as store:
        first = own_server(environment={"EMBAN_CLICKHOUSE_URL": store.address}).start()
        organization = Organization(first.url)
        organization.ingest([event(string_props={"model": "a"})])
        assert rows(organization.admin, "SELECT string_props.model FROM events") == [["a"]]
        assert first.terminate() == 0
        # The same configuration, another secret key: other names and passwords, and nothing is left of the old ones.
        (first.data_dir / "secret.key").write_text("another key of thirty-two letters 8f3a\n")
        first.start()
        assert rows(organization.admin, "SELECT string_props.model FROM events") == [["a"]]
        name = reader_name(secret_of(first.data_dir), organization.id)
        users = eventually(
            lambda: store.ask("SELECT name, host_ip FROM system.users WHERE startsWith(name, 'emban_sql_') ORDER BY name"),
            lambda users: [user for user, _ in users] == [name, name + "_view"], "the users of the new key alone", 120)
        assert users[1][1] == "[]", "nobody signs in as the owner of the view"
        policies = eventually(
            lambda: store.ask("SELECT select_filter FROM system.row_policies WHERE startsWith(short_name, 'emban_sql_')"),
            lambda policies: len(policies) == 1, "the policy of the new key alone", 120)
        assert policies == [[f"(org_id = \\'{organization.id}\\') AND (environment = \\'production\\')"]]
        assert json.loads(store.ask(f"SELECT toJSONString(groupArray(access_type)) FROM system.grants WHERE user_name = '{name}'")[0][0]) == ["SELECT"]
        first.close()
