"""The second wall: what the read-only user of the database can see when a query comes without a scope, as after a bug of ours."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event, kpi


class Viewer:
    """Speaks to ClickHouse as emban does for a viewer, with any settings."""

    def __init__(self, emban: EmbanProcess, organization: Organization, tenant: str) -> None:
        dashboard = organization.create_dashboard([kpi("w")], publish=True)["id"]
        done = emban.run("explain", dashboard, "--tenant", tenant, "--data-dir", str(emban.data_dir), "--with-credentials")
        assert done.returncode == 0, done.stderr
        explained = json.loads(done.stdout)
        self.settings: dict[str, str] = explained["settings"]
        self.server: dict[str, str] = explained["clickhouse"]

    def ask(self, sql: str, **settings: str) -> tuple[int, str]:
        parts = urlsplit(self.server["url"])
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=100)
        headers = {"X-ClickHouse-User": self.server["user"], "X-ClickHouse-Key": self.server["password"]}
        try:
            connection.request("POST", "/?" + urlencode(settings), sql.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def count(self, **settings: str) -> Any:
        status, text = self.ask("SELECT count() FROM emban.events", **settings)
        return int(text) if status == 200 else text


@pytest.fixture(scope="module")
def viewer(emban: EmbanProcess, module_organization: Organization) -> Viewer:
    module_organization.ingest([event("acme")] * 3 + [event("globex")] * 5)
    return Viewer(emban, module_organization, "acme")


def test_with_its_scope_a_viewer_sees_its_tenant(viewer: Viewer) -> None:
    assert viewer.count(**viewer.settings) == 3


def test_without_a_scope_a_viewer_sees_no_row(viewer: Viewer) -> None:
    assert viewer.count() == 0
    for missing in viewer.settings:
        assert viewer.count(**{name: value for name, value in viewer.settings.items() if name != missing}) == 0, missing
        assert viewer.count(**viewer.settings | {missing: ""}) == 0, missing


def test_the_scope_holds_in_every_shape_of_query(viewer: Viewer) -> None:
    for sql in (
        "SELECT countIf(tenant_id != 'acme') FROM emban.events",
        "SELECT count() FROM (SELECT * FROM emban.events WHERE 1 OR tenant_id = 'globex') "
        "WHERE tenant_id != 'acme'", "SELECT count() FROM emban.events AS a JOIN emban.events AS b ON 1 = 1 WHERE b.tenant_id != 'acme'",
        "SELECT countIf(tenant_id != 'acme') FROM merge('emban', '.*')",
        "WITH x AS (SELECT tenant_id FROM emban.events) SELECT countIf(tenant_id = 'globex') FROM x",
        "SELECT count() FROM (SELECT tenant_id FROM emban.events UNION ALL SELECT tenant_id FROM emban.events) WHERE tenant_id = 'globex'",
    ):
        assert viewer.ask(sql, **viewer.settings) == (200, "0\n"), sql


@pytest.mark.parametrize("sql", [
    "INSERT INTO emban.events (org_id, tenant_id, event_name) VALUES ('x', 'y', 'z')", "ALTER TABLE emban.events DELETE WHERE 1",
    "DROP TABLE emban.events", "TRUNCATE TABLE emban.events", "CREATE TABLE emban.mine (a Int8) ENGINE = Memory",
    "SELECT * FROM emban.event_ids",
    "SELECT * FROM system.query_log", "SELECT * FROM system.users", "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')",
    "SELECT * FROM file('/etc/passwd', LineAsString)", "SELECT * FROM remote('127.0.0.1', emban.events)", "SYSTEM SHUTDOWN",
    "GRANT ALL ON *.* TO CURRENT_USER", "SET readonly = 0", "SELECT 1 SETTINGS max_execution_time = 100000, readonly = 0",
    "CREATE USER me", "KILL QUERY WHERE 1",
])
def test_a_viewer_can_only_read_events(viewer: Viewer, sql: str) -> None:
    status, text = viewer.ask(sql, **viewer.settings)
    assert status != 200, (sql, text[:200])
    assert "SYNTAX_ERROR" not in text, "the statement is refused for what it does"
    assert viewer.count(**viewer.settings) == 3
