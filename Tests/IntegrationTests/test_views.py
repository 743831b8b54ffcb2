"""Views as a whole: every widget's answer or error, lines as they come, and statements that stop when nobody waits for them."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from embantest.client import Client
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import PATIENCE, eventually, within_a_minute
from embantest.workspace import Organization, breakdown, event, kpi, table, timeseries, value_of

Json = dict[str, Any]
#: Two programs of one installation have it in common.
SECRET = "0e6d6d9b41a347ff8a77a7a2bc6b02d1"


def test_lines_and_whole_answers_agree(module_organization: Organization) -> None:
    organization = module_organization
    organization.ingest(
        event("acme", user_id=f"u{number % 5}", string_props={"model": f"m{number % 3}"}, numeric_props={"tokens": number})
        for number in range(60))
    widgets = [
        kpi("w_calls", compare="previous_period"), kpi("w_p95", metric="p95", numeric_prop="tokens"), kpi("w_people", metric="count_unique"),
        timeseries("w_time"), timeseries("w_models", group_by="model", metric="avg", numeric_prop="tokens"), breakdown("w_top", "model"),
        table("w_table", "model", metric="sum", numeric_prop="tokens", compare="previous_period"),
    ]
    session = organization.session("acme", organization.create_dashboard(widgets, publish=True)["id"])
    within_a_minute(20)
    whole = session.results()
    lines = session.client.post("/v1/embed/query", {}, headers={"Accept": "application/x-ndjson"}).lines
    assert {line["widget"] for line in lines} == set(whole) == {widget["id"] for widget in widgets}
    for line in lines:
        alone = session.result(line["widget"])
        for member in ("columns", "rows", "previous"):
            assert line["result"][member] == whole[line["widget"]][member] == alone[member]
    assert value_of(whole["w_calls"]) == 60 and value_of(whole["w_people"]) == 5
    assert value_of(whole["w_p95"]) == pytest.approx(56.05)


# --- Who goes away --------------------------------------------------------------------------------------------------------


class Slow:
    """An event store on which one tenant's questions take many seconds, and an emban over it."""

    def __init__(self, store: EventStore, emban: EmbanProcess) -> None:
        self.store, self.emban = store, emban
        self.organization = Organization(emban.url)
        store.ask(f"""
            INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, event_id, user_id, string_props, numeric_props)
            SELECT '{self.organization.id}', 'production', 'acme', 'api.call', now64(3) - toIntervalSecond(number % 1000000), '', '',
            toJSONString(map('text', repeat(toString(cityHash64(number)), 20)))::JSON, '{{}}'::JSON FROM numbers(1500000)""")
        self.filters = [{"dimension": "text", "op": "contains", "values": [f"x{number}y"]} for number in range(20)]
        #: A group for each event, and what is different in it.
        self.slower = {"group_by": "text", "metric": "count_unique", "unique_prop": "text", "compare": "previous_period"}
        dashboard = self.organization.create_dashboard(
            [kpi("w_slow", filters=self.filters), breakdown("w_text", "text"), breakdown("w_slower", **self.slower)],
            filters=[{"id": "f_text", "type": "select", "dimension": "text"}], publish=True)
        self.session = self.organization.session("acme", dashboard["id"])

    def running(self) -> int:
        """Statements that take long; how many events there are is asked beforehand, and is no such one."""
        return int(self.store.ask(
            "SELECT count() FROM system.processes WHERE user IN ('emban_viewer', 'emban_analyst') AND query NOT LIKE '%tenant_days%'")[0][0])


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    folder: Path = tmp_path_factory.mktemp("store")
    with EventStore(folder) as store:
        with EmbanProcess(environment={"EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_SECRET_KEY": SECRET}) as emban:
            yield Slow(store, emban)


REQUESTS = ["json", "ndjson", "query", "query-get", "drill", "export", "filter-values"]


@pytest.mark.parametrize("name", REQUESTS)
def test_statements_stop_when_the_client_goes_away(slow: Slow, name: str) -> None:
    session = slow.session.client.headers
    admin = slow.organization.admin.headers
    query = {"event_name": "api.call", "period": "30d", "filters": slow.filters}
    method, path, body, headers = {
        "json": ("POST", "/v1/embed/query", {"widgets": ["w_slow"]}, session),
        "ndjson": ("POST", "/v1/embed/query", {"widgets": ["w_slow"]}, session | {"Accept": "application/x-ndjson"}),
        "query": ("POST", "/v1/query", {"tenant_id": "acme", "query": query}, admin),
        "query-get": (
            "GET", "/v1/query?" + urlencode({"tenant_id": "acme", "event_name": "api.call", "filters": json.dumps(slow.filters)}), None, admin),
        "drill": ("POST", "/v1/embed/drill", {"widget": "w_slow", "dimension": "text", "value": "1"}, session),
        "export": ("GET", "/v1/embed/export?format=csv&widget=w_slow", None, session),
        "filter-values": ("GET", "/v1/embed/filter-values?dimension=text&q=7", None, session),
    }[name]
    assert slow.running() == 0
    parts = urlsplit(slow.emban.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    payload = None if body is None else json.dumps(body)
    connection.request(method, path, payload, headers | ({"Content-Type": "application/json"} if body else {}))
    eventually(slow.running, lambda count: count > 0, "a statement that runs", PATIENCE, pause=0.02)
    gone = time.monotonic()
    connection.close()
    eventually(slow.running, lambda count: count == 0, "the statement's end", PATIENCE, pause=0.02)
    assert time.monotonic() - gone < 15
    # Stopped, not finished.
    slow.store.ask("SYSTEM FLUSH LOGS")
    last = slow.store.ask(
        "SELECT type FROM system.query_log WHERE user IN ('emban_viewer', 'emban_analyst') AND type != 'QueryStart' "
        "AND query NOT LIKE '%tenant_days%' ORDER BY event_time_microseconds DESC LIMIT 1")
    assert last == [["ExceptionWhileProcessing"]]


def test_a_statement_beyond_its_time_is_ended_and_said(slow: Slow) -> None:
    shared = {
        "EMBAN_CLICKHOUSE_URL": slow.store.address, "EMBAN_SECRET_KEY": SECRET, "EMBAN_QUERY_SECONDS": "1",
        "EMBAN_DATABASE_URL": f"sqlite:///{slow.emban.data_dir}/emban.sqlite"}
    query = {"event_name": "api.call", "period": "30d", **slow.slower}
    with EmbanProcess(environment=shared) as hasty:
        key = Client(hasty.url, slow.organization.admin.headers)
        answer = key.post("/v1/query", {"tenant_id": "acme", "kind": "breakdown", "query": query})
        assert answer.expect(503)["code"] == "query_timeout" and answer.header("Retry-After") == "5"
        viewer = Client(hasty.url, slow.session.client.headers)
        view = viewer.post("/v1/embed/query", {"widgets": ["w_slower"]}).expect(200)
        assert view["results"]["w_slower"]["error"]["code"] == "query_timeout"
    eventually(slow.running, lambda count: count == 0, "the statements' end", PATIENCE, pause=0.02)



# --- As it opens ----------------------------------------------------------------------------------------------------------


def test_a_dashboard_opens_in_one_request(module_organization: Organization) -> None:
    organization = module_organization
    organization.ingest(event("acme", event_name="opened", string_props={"model": f"m{number % 3}"}) for number in range(9))
    period = {"id": "f_period", "type": "period", "default": "7d", "options": ["24h", "7d", "30d"]}
    widgets = [kpi("w_all", event_name="opened"), breakdown("w_models", event_name="opened", period="30d"), kpi("w_gone", event_name="opened")]
    dashboard = organization.create_dashboard(widgets, filters=[period], publish=True)["id"]
    session = organization.session("acme", dashboard, {"hidden_widgets": ["w_gone"]})
    within_a_minute(20)
    answer = session.client.get("/v1/embed/view")
    assert answer.status == 200 and answer.header("Content-Type") == "application/x-ndjson"
    assert answer.header("X-Accel-Buffering") == "no", "else proxies keep the configuration until the slowest widget is there"
    head, *lines = answer.lines
    config = session.dashboard()
    changing = {"server_time", "session"}
    assert head.keys() == {"dashboard", "state"} and head["state"] == {"period": "7d"}
    assert {name: value for name, value in head["dashboard"].items() if name not in changing} == {
        name: value for name, value in config.items() if name not in changing}
    asked = session.client.post("/v1/embed/query", {"state": head["state"]}).json["results"]
    assert {line["widget"]: line["result"]["rows"] for line in lines} == {name: result["rows"] for name, result in asked.items()}
    assert value_of(asked["w_all"]) == 9 and asked.keys() == {"w_all", "w_models"}
    # A session that allows less opens in what it allows.
    narrow = organization.session("acme", dashboard, {"allowed_periods": ["24h"]})
    assert narrow.client.get("/v1/embed/view").lines[0]["state"] == {"period": "24h"}
    chosen = session.client.get(f"/v1/embed/view?dashboard={dashboard}")
    assert chosen.lines[0]["dashboard"]["id"] == dashboard
    assert session.client.get("/v1/embed/view?dashboard=nowhere").status == 404
    assert session.client.get("/v1/embed/view?period=1h").status == 422


def test_without_the_event_store_a_dashboard_opens_without_answers(slow: Slow) -> None:
    parts = urlsplit(slow.emban.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    slow.store.process.send_signal(signal.SIGSTOP)
    try:
        connection.request("GET", "/v1/embed/view", None, slow.session.client.headers)
        head = json.loads(connection.getresponse().readline())
    finally:
        slow.store.process.send_signal(signal.SIGCONT)
    connection.close()
    assert [widget["id"] for widget in head["dashboard"]["widgets"]] == ["w_slow", "w_text", "w_slower"] and head["state"] == {}
    eventually(slow.running, lambda count: count == 0, "the statements' end", PATIENCE, pause=0.02)
