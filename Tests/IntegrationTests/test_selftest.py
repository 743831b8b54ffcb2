"""`emban selftest isolation`, its route, and publishing, which runs the same check: on a sound server, and on one whose row policies
somebody has switched off."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client
from embantest.process import ROOT, START_SECONDS, STOP_SECONDS, EmbanProcess, free_port
from embantest.steady import eventually
from embantest.workspace import Organization, breakdown, event, kpi, table, timeseries

WIDGETS = [
    kpi("w_calls", compare="previous_period"), timeseries("w_trend", group_by="model"), breakdown("w_models"),
    table("w_latency", "endpoint", metric="p95", numeric_prop="latency_ms",
          filters=[{"dimension": "model", "op": "in", "values": ["gpt-4", "claude"]}]),
]
FILTERS = [{"id": "f_model", "type": "select", "dimension": "model"}]


def made(organization: Organization, **more: Any) -> str:
    organization.ingest([
        event(tenant, string_props={"model": "gpt-4", "endpoint": "/chat"}, numeric_props={"latency_ms": 7})
        for tenant in ("acme", "acme", "globex")])
    return organization.create_dashboard(WIDGETS, filters=FILTERS, **more)["id"]


def selftest(organization: Organization, dashboard: str) -> Any:
    return organization.admin.post(f"/v1/dashboards/{dashboard}/selftest").expect(200)


def test_the_report_names_every_widget_as_both_customers(organization: Organization) -> None:
    dashboard = made(organization)
    report = selftest(organization, dashboard)
    assert report["ok"] is True, [check for check in report["checks"] if not check["ok"]]
    assert report["dashboard_id"] == dashboard
    tenants = {check["tenant"] for check in report["checks"]}
    assert len(tenants) == 2
    for name in ("widget w_calls", "export w_trend", "drill w_models to events", "widget w_latency, row policies alone", "filter values model"):
        assert {check["tenant"] for check in report["checks"] if check["name"] == name} == tenants, name
    assert all(set(check) == {"name", "widget", "tenant", "rows", "ok", "detail"} for check in report["checks"])


def test_canaries_never_show(organization: Organization) -> None:
    dashboard = made(organization)
    before = organization.admin.get("/v1/discover").expect(200)
    selftest(organization, dashboard)
    assert [tenant["tenant_id"] for tenant in organization.admin.get("/v1/tenants").expect(200)["data"]] == ["acme", "globex"]
    assert organization.admin.get("/v1/discover").expect(200) == before
    assert organization.count() == 3
    assert organization.admin.get("/v1/embed-sessions").expect(200)["data"] == []


def test_no_credential_reaches_the_environment_of_canaries(organization: Organization) -> None:
    for scope in ("admin", "ingest"):
        refused = organization.admin.post("/v1/api-keys", {"name": "x", "scope": scope, "environment": "selftest"})
        assert refused.status == 422, str(refused)
    person = organization.login()
    for path in ("/v1/tenants?environment=selftest", "/v1/discover?environment=selftest", "/v1/query?metric=count&environment=selftest"):
        assert person.get(path).status in (403, 422), path
        assert organization.admin.get(path).status in (403, 422), path


def test_publishing_ends_soon_and_is_safe_at_once(organization: Organization) -> None:
    dashboard = made(organization)
    publish = lambda: organization.admin.post(f"/v1/dashboards/{dashboard}/publish")
    publish()
    seconds = []
    for _ in range(3):
        begin = time.monotonic()
        assert publish().status == 204
        seconds.append(time.monotonic() - begin)
    # A hang, not speed: it takes about half a second, and a multiple of that beside other work.
    assert min(seconds) < 60, seconds
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: publish(), range(6)))
    assert [answer.status for answer in answers] == [204] * 6, [str(answer) for answer in answers]


def test_what_cannot_be_checked_is_refused_as_before(organization: Organization, other_organization: Organization) -> None:
    dashboard = made(organization)
    for path in ("publish", "selftest"):
        assert other_organization.admin.post(f"/v1/dashboards/{dashboard}/{path}").status == 404
    stale = organization.admin.post(f"/v1/dashboards/{dashboard}/publish", headers={"If-Match": '"99"'})
    assert (stale.status, stale.json["code"]) == (409, "revision_conflict")


def test_the_command_asks_a_running_server(emban: EmbanProcess, organization: Organization) -> None:
    dashboard = made(organization, publish=True)
    done = emban.run("selftest", "isolation", "--url", emban.url, environment={"EMBAN_API_KEY": organization.key})
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"({dashboard}): ok" in done.stdout and "PASSED: 1 dashboard." in done.stdout
    assert "widget w_calls" in done.stdout and "FAILED" not in done.stdout
    missing = emban.run("selftest", "isolation", "--url", emban.url, "--dashboard", "none", environment={"EMBAN_API_KEY": organization.key})
    assert missing.returncode not in (0, 1) and "no published dashboard none" in missing.stderr
    assert emban.run("selftest", "isolation", "--url", emban.url).returncode not in (0, 1)
    locked = emban.run("selftest", "isolation", "--data-dir", str(emban.data_dir))
    assert locked.returncode not in (0, 1) and "--url" in locked.stderr


def test_the_command_starts_the_stores_itself(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    dashboard = made(organization, slug="usage", publish=True)
    assert server.terminate() == 0
    for more in ((), ("--dashboard", "usage"), ("--dashboard", dashboard)):
        done = server.run("selftest", "isolation", "--data-dir", str(server.data_dir), *more)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"({dashboard}): ok" in done.stdout
    server.wait_no_children()


class OwnClickHouse:
    """A ClickHouse of the test's own, whose administrator it therefore is."""

    def __init__(self, folder: Path) -> None:
        program = next(
            path for path in [ROOT / ".build/share/emban/clickhouse/clickhouse", Path(shutil.which("clickhouse") or "/nonexistent")]
            if path.is_file())
        self.port = free_port()
        configuration = folder / "config.xml"
        configuration.write_text(f"""<clickhouse>
  <logger><level>error</level><console>0</console></logger>
  <http_port>{self.port}</http_port><listen_host>127.0.0.1</listen_host>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
  <user_directories><users_xml><path>users.xml</path></users_xml><local_directory><path>{folder}/access/</path></local_directory></user_directories>
  <custom_settings_prefixes>SQL_</custom_settings_prefixes>
  <mark_cache_size>67108864</mark_cache_size>
</clickhouse>""")
        (folder / "users.xml").write_text("""<clickhouse><profiles><default/></profiles><quotas><default/></quotas>
  <users><default><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
  <access_management>1</access_management><named_collection_control>1</named_collection_control></default></users></clickhouse>""")
        self.process = subprocess.Popen(
            [str(program), "server", f"--config-file={configuration}"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("SELECT 1") == "1\n":
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("ClickHouse did not start")

    @property
    def url(self) -> str:
        return f"http://default:secret@127.0.0.1:{self.port}"

    def ask(self, sql: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=150)
        try:
            connection.request("POST", "/", sql.encode(), {"X-ClickHouse-User": "default", "X-ClickHouse-Key": "secret"})
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, text
            return text
        finally:
            connection.close()

    def canaries(self) -> int:
        return int(self.ask("SELECT count() FROM emban.events WHERE environment = 'selftest'"))

    def wait_no_canaries(self) -> None:
        eventually(self.canaries, lambda count: count == 0, "no canaries", 150, pause=0.1)


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnClickHouse]:
    server = OwnClickHouse(tmp_path_factory.mktemp("clickhouse"))
    yield server
    server.process.terminate()
    server.process.wait(STOP_SECONDS)


@pytest.fixture
def server(clickhouse: OwnClickHouse, own_server: Callable[..., EmbanProcess]) -> EmbanProcess:
    """The policies are stated anew at each start."""
    return own_server(environment={"EMBAN_CLICKHOUSE_URL": clickhouse.url, "EMBAN_ADOPT_EVENTS": "1"}).start()


def test_a_lost_row_policy_refuses_publication(server: EmbanProcess, clickhouse: OwnClickHouse) -> None:
    organization = Organization(server.url)
    dashboard = made(organization, publish=True)
    organization.admin.patch(f"/v1/dashboards/{dashboard}", {"name": "Changed"}).expect(200)
    clickhouse.ask("ALTER ROW POLICY emban_viewer ON emban.events USING 1")

    refused = organization.admin.post(f"/v1/dashboards/{dashboard}/publish")
    assert (refused.status, refused.json["code"]) == (500, "isolation_check_failed"), str(refused)
    named = {detail["field"] for detail in refused.json["details"]}
    assert {f"widgets.{widget['id']}" for widget in WIDGETS} <= named
    assert "SELECT" not in json.dumps(refused.json)
    state = organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)
    assert (state["published_version"], state["last_version"]) == (1, 1), "nothing was published"
    assert organization.session("acme", dashboard).dashboard()["name"] == "Usage"

    report = selftest(organization, dashboard)
    assert report["ok"] is False
    # The statements' own conditions still hold: a viewer sees nothing of others even now.
    assert all(check["ok"] for check in report["checks"] if check["name"] in ("widget w_calls", "export w_models"))
    done = server.run("selftest", "isolation", "--url", server.url, "--dashboard", dashboard, environment={"EMBAN_API_KEY": organization.key})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED: 1 of 1 dashboard." in done.stdout and "table emban.events" in done.stdout
    clickhouse.wait_no_canaries()


def test_with_the_event_store_away_nothing_is_published(server: EmbanProcess, clickhouse: OwnClickHouse) -> None:
    organization = Organization(server.url)
    dashboard = made(organization)
    clickhouse.process.terminate()
    clickhouse.process.wait(STOP_SECONDS)
    refused = organization.admin.post(f"/v1/dashboards/{dashboard}/publish")
    assert (refused.status, refused.json["code"]) == (503, "event_store_unavailable"), str(refused)
    assert refused.headers["Retry-After"]
    assert organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)["status"] == "draft"
    assert Client(server.url).get("/healthz").status == 200
