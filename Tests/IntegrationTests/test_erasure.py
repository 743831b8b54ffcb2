"""Erasing a customer, and keeping events for a number of days: gone from every answer, at once, and nobody else's with them."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from embantest.client import Client, Response, expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, Session, breakdown, event, groups, kpi, value_of

Json = dict[str, Any]
WIDGETS = [kpi("w_calls"), breakdown("w_models"), kpi("w_tokens", metric="sum", numeric_prop="tokens")]


def erase(organization: Organization, tenant: str, client: Client | None = None, obey: bool = True, **query: Any) -> Response:
    """Asks once more as long as the answer says that nothing was erased, as it does when the store is too busy to say that all inserts are over."""
    deadline = time.monotonic() + 150
    while True:
        answer = (client or organization.admin).delete(f"/v1/tenants/{quote(tenant, safe='')}/data", query=query)
        if answer.status != 503 or answer.json["code"] != "erasure_delayed" or time.monotonic() > deadline or not obey:
            return answer
        time.sleep(float(answer.header("Retry-After") or 1))


def events(tenant: str, count: int, **more: Any) -> list[Json]:
    return [
        event(tenant, event_id=f"e{number}", user_id=f"u{number}", string_props={"model": "gpt-4"}, numeric_props={"tokens": 2}, **more)
        for number in range(count)
    ]


def seen(organization: Organization) -> dict[str, int]:
    return {found["tenant_id"]: found["events"] for found in organization.admin.pages("/v1/tenants")}


def keep(session: Session) -> None:
    """Asks until the answers are kept."""
    eventually(session.results, lambda results: all(result["meta"]["cached"] for result in results.values()), "kept answers")


# --- Erasing --------------------------------------------------------------------------------------------------------------


def test_an_erased_customer_is_in_no_answer_any_more(organization: Organization) -> None:
    organization.ingest(events("acme", 30) + events("acme", 12, timestamp="2026-02-03T10:00:00Z", event_name="login") + events("globex", 5))
    dashboard = organization.create_dashboard(
        WIDGETS, publish=True, filters=[{"id": "f_model", "type": "multi_select", "dimension": "model"}])["id"]
    acme, globex = organization.session("acme", dashboard), organization.session("globex", dashboard)
    keep(acme), keep(globex)
    assert acme.value("w_calls") == 30
    assert erase(organization, "acme").expect(200) == {"tenant_id": "acme", "deleted_events": 30}
    # At once, although the answers were kept.
    assert acme.value("w_calls") == 0 and globex.value("w_calls") == 5
    assert acme.result("w_models")["rows"] == []
    assert acme.filter_values("model").expect(200)["values"] == []
    assert seen(organization) == {"globex": 5}
    assert organization.count("acme") == 0 and organization.count() == 5
    discovered = organization.admin.get("/v1/discover", query={"tenant_id": "acme"}).expect(200)
    assert discovered["events"] == []
    # Again: nothing to do, and no error. A session is no data and lives on.
    assert erase(organization, "acme").expect(200) == {"tenant_id": "acme", "deleted_events": 0}
    # Its ids are forgotten as well: the same events may come again, and count.
    organization.ingest(events("acme", 3))
    organization.ingest(events("acme", 3))
    assert acme.value("w_calls") == 3
    assert seen(organization) == {"acme": 3, "globex": 5}


@pytest.mark.parametrize("tenant, others", [
    ("caf\u00e9", ["cafe\u0301", "cafe", "CAF\u00c9"]), ("a/b", ["a", "b", "a%2Fb", "a/b/data"]), ("..", [".", "..."]),
    ("O'Brien \\ `x`", ["O", "O'Brien"]), ("100%", ["100", "100%25"]), (" ", ["  "]), ("_", ["%", "x"]), ("t" * 256, ["t" * 255]),
])
def test_only_the_customer_of_exactly_this_name_goes(organization: Organization, tenant: str, others: list[str]) -> None:
    for number, name in enumerate([tenant, *others]):
        organization.ingest(events(name, number + 1))
    assert erase(organization, tenant).expect(200) == {"tenant_id": tenant, "deleted_events": 1}
    assert seen(organization) == {name: number + 2 for number, name in enumerate(others)}


def test_an_erasure_is_of_one_environment(organization: Organization) -> None:
    development = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
    organization.ingest(events("acme", 4))
    assert development.post("/v1/events", {"events": events("acme", 7)}).status == 200
    expect_error(erase(organization, "acme", environment="development"), 403, "wrong_environment")
    expect_error(erase(organization, "acme", environment="selftest"), 422)
    assert erase(organization, "acme", development).expect(200)["deleted_events"] == 7
    assert organization.count("acme") == 4
    console = organization.login()
    assert development.post("/v1/events", {"events": events("acme", 2)}).status == 200
    assert erase(organization, "acme", console, environment="development").expect(200)["deleted_events"] == 2
    assert erase(organization, "acme", console).expect(200)["deleted_events"] == 4


def test_erasing_is_for_admins_and_for_their_own(organization: Organization, other_organization: Organization) -> None:
    organization.ingest(events("acme", 4))
    assert erase(other_organization, "acme").expect(200)["deleted_events"] == 0
    expect_error(erase(organization, "acme", Client(organization.base)), 401)
    ingest_key = organization.new_key("ingest")["key"]
    expect_error(erase(organization, "acme", Client(organization.base).bearer(ingest_key)), 403)
    dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
    expect_error(erase(organization, "acme", organization.session("acme", dashboard).client), 401)
    expect_error(organization.admin.delete("/v1/tenants/acme/data?tenant_id=acme"), 422)
    expect_error(organization.admin.post("/v1/tenants/acme/data", {}), 405)
    assert organization.count("acme") == 4


def test_what_comes_while_a_customer_is_erased_counts_or_is_gone_whole(organization: Organization) -> None:
    """Events that are sent meanwhile are either erased or counted; the next erasure takes exactly those that are counted."""
    organization.ingest(events("acme", 50))
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            organization.ingest([event("acme") for _ in range(5)])

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.3)
    assert erase(organization, "acme").expect(200)["deleted_events"] >= 50
    stop.set()
    sender.join()
    left = organization.count("acme")
    assert seen(organization).get("acme", 0) == left
    assert erase(organization, "acme").expect(200)["deleted_events"] == left
    assert organization.count("acme") == 0


def test_nothing_of_an_erased_customer_is_left_in_any_table(tmp_path: Path) -> None:
    """Looked at from the inside; and what waits in the spool while the event store is away is erased, too."""
    store = EventStore(tmp_path)
    store.__enter__()
    try:
        with EmbanProcess(environment={"EMBAN_CLICKHOUSE_URL": store.address}) as emban:
            organization = Organization(emban.url)
            organization.ingest(events("acme", 8, timestamp="2026-03-04T10:00:00Z") + events("globex", 3))
            store.ask(
                "INSERT INTO emban.rollup_days (org_id, environment, tenant_id, day, build, n) "
                "SELECT org_id, environment, tenant_id, day, 1, n FROM emban.tenant_days")
            assert erase(organization, "acme").expect(200)["deleted_events"] == 8
            tables = ["events", "event_ids", "rollups"]
            for table in tables:
                assert store.ask(f"SELECT count() FROM emban.{table} WHERE tenant_id = 'acme'") == [["0"]], table
            assert store.ask("SELECT sum(n) FROM emban.tenant_days WHERE tenant_id = 'acme'") == [["0"]]
            assert store.ask("SELECT count() FROM emban.rollup_days WHERE tenant_id = 'acme' AND n >= 0") == [["0"]]
            assert store.ask("SELECT sum(n) FROM emban.tenant_days WHERE tenant_id = 'globex'") == [["3"]]
            store.__exit__()
            organization.ingest(events("acme", 6) + events("globex", 5), settled=False)
            refused = expect_error(erase(organization, "acme", obey=False), 503, {"erasure_delayed", "erasure_unfinished"})
            assert "nothing was erased" in refused["error"].lower()
            store.__enter__()
            answer = eventually(lambda: erase(organization, "acme", obey=False), lambda answer: answer.status != 503, "an erasure", 300, pause=1)
            assert answer.expect(200)["deleted_events"] == 6
            assert seen(organization) == {"globex": 5}
    finally:
        store.__exit__()


# --- Keeping --------------------------------------------------------------------------------------------------------------


def test_retention_is_a_number_of_days_or_none(organization: Organization) -> None:
    shown = organization.admin.get("/v1/organization").expect(200)
    assert shown["id"] == organization.id and shown["retention_days"] is None
    for days in (30, 1, 3650, None, 90):
        changed = organization.admin.patch("/v1/organization", {"retention_days": days}).expect(200)
        assert changed == shown | {"retention_days": days}
        assert organization.admin.get("/v1/organization").expect(200) == changed
    for wrong in ({}, {"retention_days": 0}, {"retention_days": 3651}, {"retention_days": -1}, {"retention_days": 1.5},
                  {"retention_days": "30"}, {"retention_days": 30, "retention": 1}, {"days": 3}):
        expect_error(organization.admin.patch("/v1/organization", wrong), 422)
    assert organization.admin.get("/v1/organization").expect(200)["retention_days"] == 90


def test_origins_of_the_organization_hold_where_a_session_names_none(organization: Organization) -> None:
    dashboard = organization.create_dashboard(publish=True)["id"]
    origins = ["https://app.example.com", "https://admin.example.com:8443"]
    changed = organization.admin.patch("/v1/organization", {"allowed_origins": origins}).expect(200)
    assert changed["allowed_origins"] == origins and changed["retention_days"] is None
    policy = organization.session("acme", dashboard).client.get(f"/embed/{dashboard}").headers["Content-Security-Policy"]
    assert f"frame-ancestors {' '.join(origins)}" in policy or all(one in policy for one in origins), policy
    own = organization.session("acme", dashboard, allowed_origins=["https://other.example.com"]).embed_url
    assert "https://other.example.com" in Client(organization.base).get(own.removeprefix(organization.base)).headers["Content-Security-Policy"]
    for wrong in (["app.example.com"], ["https://app.example.com/path"], "https://app.example.com", ["*"], [f"https://{n}.example.com" for n in range(51)]):
        expect_error(organization.admin.patch("/v1/organization", {"allowed_origins": wrong, "retention_days": 9}), 422)
    assert organization.admin.get("/v1/organization").expect(200) == changed
    both = organization.admin.patch("/v1/organization", {"allowed_origins": [], "retention_days": 9}).expect(200)
    assert both["allowed_origins"] == [] and both["retention_days"] == 9


def test_retention_is_for_admins_of_all_environments(organization: Organization, other_organization: Organization) -> None:
    expect_error(Client(organization.base).patch("/v1/organization", {"retention_days": 1}), 401)
    ingest_key = organization.new_key("ingest")["key"]
    expect_error(Client(organization.base).bearer(ingest_key).get("/v1/organization"), 403)
    development = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
    expect_error(development.patch("/v1/organization", {"retention_days": 1}), 403, "wrong_environment")
    assert development.get("/v1/organization").expect(200)["retention_days"] is None
    other_organization.admin.patch("/v1/organization", {"retention_days": 1}).expect(200)
    assert organization.admin.get("/v1/organization").expect(200)["retention_days"] is None
    console = organization.login()
    assert console.patch("/v1/organization", {"retention_days": 7}).expect(200)["retention_days"] == 7


def test_events_older_than_the_retention_go(tmp_path: Path) -> None:
    """A program looks once at its start and every hour after that: here it is started again."""
    with EventStore(tmp_path) as store:
        emban = EmbanProcess(environment={"EMBAN_CLICKHOUSE_URL": store.address})
        emban.start()
        try:
            organization, other = Organization(emban.url), Organization(emban.url)
            for one in (organization, other):
                one.ingest(events("acme", 5) + events("globex", 9, timestamp="2024-02-03T10:00:00Z"))
            organization.admin.patch("/v1/organization", {"retention_days": 30}).expect(200)
            # What came within the last minute stays until the next look, for more may be on its way.
            store.ask("ALTER TABLE emban.events UPDATE ingested_at = ingested_at - INTERVAL 2 MINUTE WHERE 1 SETTINGS mutations_sync = 2")
            emban.terminate()
            emban.start()
            eventually(organization.count, lambda count: count == 5, "that what is old is gone", 200, pause=0.5)
            assert seen(organization) == {"acme": 5}
            assert seen(other) == {"acme": 5, "globex": 9}
            found = organization.query({"metric": "sum", "numeric_prop": "tokens"}).expect(200)
            assert value_of(found) == 10
            emban.close()
        finally:
            emban.abandon()


# --- Counted in advance ---------------------------------------------------------------------------------------------------


class RolledUp:
    """A customer with so many events that its widgets are answered from rollups, made within the store of one program."""

    EVENTS, DAYS = 1_000_000, 10

    def __init__(self, store: EventStore, organization: Organization) -> None:
        self.store = store
        self.organization = organization.id
        dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
        self.session = organization.session("acme", dashboard)

    def fill(self, tokens: int) -> None:
        """Events on each of ten days that are over, each with so many tokens; the first ten have an id."""
        self.store.ask(
            "INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, event_id, string_props, numeric_props) "
            f"SELECT '{self.organization}', 'production', 'acme', 'api.call', toStartOfDay(now('UTC')) - toIntervalDay(20 + number % {self.DAYS}) "
            "+ toIntervalSecond(number % 80000), if(number < 10, 'e' || toString(number), ''), "
            "CAST('{\"model\":\"m' || toString(number % 4) || '\"}', 'JSON'), "
            f"CAST('{{\"tokens\":{tokens}}}', 'JSON') FROM numbers({self.EVENTS}) SETTINGS SQL_emban_batch = '{tokens}'")

    def wait(self) -> None:
        """Until every day is counted as it is now."""
        deadline = time.monotonic() + 400
        while self.store.ask(
                "SELECT count() FROM (SELECT day, sum(n) AS events FROM emban.tenant_days WHERE tenant_id = 'acme' GROUP BY day) AS days "
                "LEFT JOIN (SELECT day, argMax(n, build) AS built FROM emban.rollup_days WHERE tenant_id = 'acme' AND width = 'day' "
                "GROUP BY day) AS builds USING day WHERE events != 0 AND events != built") != [["0"]]:
            assert time.monotonic() < deadline, "the days are not rolled up"
            time.sleep(0.2)

    def numbers(self) -> tuple[float, float, dict[str, float]]:
        results = self.session.results({"period": "90d"})
        return value_of(results["w_calls"]), value_of(results["w_tokens"]), groups(results["w_models"])

    def expect(self, tokens: int, *, events: int = EVENTS) -> None:
        models = {f"m{number}": events / 4 for number in range(4)} if events else {}
        assert self.numbers() == (events, events * tokens, models)

    def expect_from_rollups(self, tokens: int) -> None:
        """And next to nothing is read of the events."""
        self.wait()
        deadline = time.monotonic() + 200
        while True:
            self.store.ask("SYSTEM FLUSH LOGS")
            since = self.store.ask("SELECT now64(6)")[0][0]
            self.expect(tokens)
            self.store.ask("SYSTEM FLUSH LOGS")
            asked = self.store.ask(
                "SELECT countIf(has(tables, 'emban.rollups')), max(read_rows) FROM system.query_log WHERE type = 'QueryFinish' "
                f"AND user = 'emban_viewer' AND query_start_time_microseconds > '{since}'")[0]
            if int(asked[0]) > 0 and int(asked[1]) < self.EVENTS / 10:
                return
            assert time.monotonic() < deadline, f"{asked[0]} statements read rollups, and one of all {asked[1]} rows"
            time.sleep(0.5)


def test_widgets_from_rollups_are_right_after_rows_were_taken_out(tmp_path: Path) -> None:
    """A row that was stored twice, an id that is sent again, a customer that is erased and has as many other events on the same days."""
    environment = {"EMBAN_ROLLUP_EVENTS": "1000", "EMBAN_ROLLUP_INTERVAL": "2", "EMBAN_ROLLUP_QUIET": "1", "EMBAN_CACHE_MB": "0"}
    with EventStore(tmp_path) as store:
        with EmbanProcess(environment=environment | {"EMBAN_CLICKHOUSE_URL": store.address}) as emban:
            organization = Organization(emban.url)
            acme = RolledUp(store, organization)
            acme.fill(3)
            acme.expect(3)
            acme.expect_from_rollups(3)
            # Nothing of it changes when an id comes again with other contents.
            organization.ingest([event("acme", event_id="e4", string_props={"model": "m0"}, numeric_props={"tokens": 1_000})])
            acme.expect(3)
            # As another program stores an id at the same moment; a program looks for such at its start, and every minute.
            assert emban.terminate() == 0
            store.ask(
                "INSERT INTO emban.events (org_id, environment, tenant_id, event_name, timestamp, event_id, string_props, numeric_props) "
                "SELECT org_id, environment, tenant_id, event_name, timestamp, event_id, string_props, numeric_props FROM emban.events "
                "WHERE tenant_id = 'acme' AND event_id = 'e4' SETTINGS SQL_emban_batch = '77'")
            assert store.ask("SELECT count() FROM emban.events WHERE event_id = 'e4'") == [["2"]]
            emban.start()
            deadline = time.monotonic() + 400
            while store.ask("SELECT count() FROM emban.events WHERE event_id = 'e4'") != [["1"]]:
                assert time.monotonic() < deadline, "the second row is not taken out"
                time.sleep(0.5)
            acme.expect_from_rollups(3)
            # Erased, and as many on the same days again: no number of before comes back.
            assert erase(organization, "acme").expect(200)["deleted_events"] == acme.EVENTS
            acme.expect(3, events=0)
            acme.fill(5)
            acme.expect(5)
            acme.expect_from_rollups(5)
