"""Answers are kept while nothing has changed, and never a moment longer; nobody is ever given another's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client, expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.steady import eventually, within_a_minute
from embantest.workspace import Organization, Session, breakdown, event, kpi, timeseries, value_of

Json = dict[str, Any]


def events(tenant: str, count: int, model: str = "gpt-4") -> list[Json]:
    return [event(tenant, user_id=f"u{number % 7}", string_props={"model": model}, numeric_props={"tokens": number}) for number in range(count)]


WIDGETS = [kpi("w_calls"), timeseries("w_time"), breakdown("w_models"), kpi("w_tokens", metric="sum", numeric_prop="tokens")]


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> Iterator[tuple[Organization, str]]:
    module_organization.ingest(events("acme", 20) + events("acme", 5, "claude") + events("globex", 7))
    dashboard = module_organization.create_dashboard(WIDGETS, publish=True)["id"]
    yield module_organization, dashboard


def settle(session: Session, state: Json | None = None) -> Json:
    """Asks until answers are kept: the state of a tenant counts as settled when it has been seen for a while."""
    return eventually(
        lambda: session.results(state), lambda results: all(result["meta"]["cached"] for result in results.values()), "kept answers", pause=0.2)


def without_meta(results: Json) -> Json:
    return {name: {key: value for key, value in result.items() if key != "meta"} for name, result in results.items()}


def test_repeated_view_is_kept_and_says_so(world: tuple[Organization, str]) -> None:
    organization, dashboard = world
    session = organization.session("acme", dashboard)
    first = session.results()
    again = settle(session)
    assert without_meta(first) == without_meta(again)
    for result in again.values():
        assert result["meta"]["data_as_of"] >= first["w_calls"]["meta"]["data_as_of"]


def test_new_event_is_in_the_next_view(world: tuple[Organization, str]) -> None:
    organization, dashboard = world
    session = organization.session("fresh", dashboard)
    for expected in range(1, 8):
        organization.ingest(events("fresh", 1))
        assert session.value("w_calls") == expected
        assert session.value("w_calls") == expected
    settle(session)
    organization.ingest(events("fresh", 1))
    results = session.results()
    assert value_of(results["w_calls"]) == 8
    assert not results["w_calls"]["meta"]["cached"]


def test_nothing_crosses_scopes(world: tuple[Organization, str]) -> None:
    """The same question in two tenants, two locked filters, two zones and two environments; each is asked until it is kept."""
    organization, dashboard = world
    acme = organization.session("acme", dashboard)
    globex = organization.session("globex", dashboard)
    locked = organization.session("acme", dashboard, {"locked_filters": {"model": ["claude"]}})
    other = organization.session("acme", dashboard, {"locked_filters": {"model": ["gpt-4"]}})
    zone = organization.session("acme", dashboard, timezone="Pacific/Kiritimati")
    sessions = [(acme, 25), (globex, 7), (locked, 5), (other, 20), (zone, 25)]
    for _ in range(2):
        for session, expected in sessions:
            assert value_of(settle(session)["w_calls"]) == expected
    assert acme.result("w_time")["rows"] != zone.result("w_time")["rows"]
    assert zone.result("w_time")["meta"]["timezone"] == "Pacific/Kiritimati"
    stranger = Organization(organization.base)
    own = stranger.create_dashboard(WIDGETS, publish=True)["id"]
    assert stranger.session("acme", own).value("w_calls") == 0


def test_state_and_version_are_other_questions(world: tuple[Organization, str]) -> None:
    organization, _ = world
    dashboard = organization.create_dashboard(
        WIDGETS, publish=True, filters=[{"id": "f_model", "type": "multi_select", "dimension": "model"}])["id"]
    session = organization.session("acme", dashboard)
    assert value_of(settle(session)["w_calls"]) == 25
    assert session.value("w_calls", {"dimensions": {"model": ["claude"]}}) == 5
    assert session.value("w_calls") == 25
    draft = organization.admin.get(f"/v1/dashboards/{dashboard}").expect(200)
    widgets = [kpi("w_calls", metric="max", numeric_prop="tokens")] + draft["widgets"][1:]
    organization.admin.patch(f"/v1/dashboards/{dashboard}", {"widgets": widgets}).expect(200)
    assert value_of(settle(session)["w_calls"]) == 25
    organization.publish(dashboard)
    assert session.value("w_calls") == 19


def test_queries_of_keys_are_kept_too(world: tuple[Organization, str]) -> None:
    organization, _ = world
    answers = []

    def ask() -> Json:
        answers.append(organization.query({"metric": "count"}, tenant_id="globex").expect(200))
        return answers[-1]

    eventually(ask, lambda answer: answer["meta"]["cached"], "a kept answer")
    assert {value_of(answer) for answer in answers} == {7}
    assert value_of(organization.query({"metric": "count"}, tenant_id="acme").expect(200)) == 25


def test_many_viewers_at_once_get_the_same(world: tuple[Organization, str]) -> None:
    organization, _ = world
    dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
    found: list[Json] = []
    sessions = [organization.session("acme", dashboard) for _ in range(12)]
    threads = [threading.Thread(target=lambda session=session: found.append(session.results())) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 12
    assert all(without_meta(results) == without_meta(found[0]) for results in found)


# --- Refreshing -----------------------------------------------------------------------------------------------------------


def test_refresh_makes_the_next_view_new(world: tuple[Organization, str]) -> None:
    organization, dashboard = world
    acme, globex = organization.session("acme", dashboard), organization.session("globex", dashboard)
    for body, reaches_acme, reaches_globex in (
        ({}, True, True), ({"tenant_id": "acme"}, True, False), ({"dashboard_id": dashboard}, True, True),
        ({"tenant_id": "globex", "dashboard_id": dashboard}, False, True),
    ):
        # What is kept is kept for the questions of one minute.
        settle(acme), settle(globex)
        within_a_minute(20)
        settle(acme), settle(globex)
        answer = organization.admin.post("/v1/cache/refresh", body)
        assert answer.status == 204, str(answer)
        assert acme.result("w_calls")["meta"]["cached"] is not reaches_acme, body
        assert globex.result("w_calls")["meta"]["cached"] is not reaches_globex, body


def test_refresh_is_for_admins_and_for_their_own(world: tuple[Organization, str]) -> None:
    organization, dashboard = world
    expect_error(Client(organization.base).post("/v1/cache/refresh", {}), 401)
    ingest_key = organization.new_key("ingest")["key"]
    expect_error(Client(organization.base).bearer(ingest_key).post("/v1/cache/refresh", {}), 403)
    expect_error(organization.session("acme", dashboard).client.post("/v1/cache/refresh", {}), 401)
    expect_error(Organization(organization.base).admin.post("/v1/cache/refresh", {"dashboard_id": dashboard}), 404, "dashboard_not_found")
    expect_error(organization.admin.post("/v1/cache/refresh", {"tenant": "acme"}), 422)


def test_refresh_of_a_data_app(world: tuple[Organization, str]) -> None:
    organization, _ = world
    path = "/api/v2/data-app/refresh-cache"
    dashboard = organization.create_dashboard(WIDGETS, publish=True, name="My app", slug="my-app")
    draft = organization.create_dashboard(WIDGETS, name="Draft", slug="my-draft")
    session = organization.session("acme", dashboard["id"])
    settle(session)
    assert organization.admin.post(path, {"dataAppName": "my-app", "clientId": "acme"}).expect(200) == {"status": "ok"}
    assert not session.result("w_calls")["meta"]["cached"]
    assert organization.admin.post(path).expect(200) == {"status": "ok"}
    for client, body, status, code in (
        (organization.admin, {"dataAppName": "nothing"}, 404, "DATA_APP_NOT_FOUND"),
        (organization.admin, {"dataAppName": draft["slug"]}, 404, "DATA_APP_NOT_FOUND"),
        (organization.admin, {"dataAppName": 7}, 422, "INVALID_REQUEST_BODY"),
        (organization.admin, {"app": "my-app"}, 422, "INVALID_REQUEST_BODY"),
        (Client(organization.base), {}, 401, "INVALID_DATA_APP_API_KEY"),
        (Client(organization.base).bearer("eb_adm_wrong"), {}, 401, "INVALID_DATA_APP_API_KEY"),
        (session.client, {}, 401, "INVALID_DATA_APP_API_KEY"),
    ):
        answer = client.post(path, body)
        assert answer.status == status, str(answer)
        assert set(answer.json) == {"error"} and set(answer.json["error"]) == {"message", "code"}, str(answer)
        assert answer.json["error"]["code"] == code


# --- Several processes ----------------------------------------------------------------------------------------------------


def test_cache_may_be_turned_off() -> None:
    with EmbanProcess(environment={"EMBAN_CACHE_MB": "0"}) as emban:
        organization = Organization(emban.url)
        organization.ingest(events("acme", 3))
        session = organization.session("acme", organization.create_dashboard(WIDGETS, publish=True)["id"])
        for _ in range(3):
            assert not any(result["meta"]["cached"] for result in session.results().values())


def test_events_of_another_process_are_seen(tmp_path: Path) -> None:
    """Two programs on one event store and one configuration: what one takes in, the other's kept answers do not hide."""
    with EventStore(tmp_path) as store:
        environment = {
            "EMBAN_CLICKHOUSE_URL": store.address, "EMBAN_DATABASE_URL": f"sqlite://{tmp_path}/emban.sqlite",
            "EMBAN_SECRET_KEY": "9c1f0b7be24d5a6378e1d0f2ab4c59d7",
        }
        with EmbanProcess(environment=environment) as first, EmbanProcess(environment=environment) as second:
            see_each_others_events(first, second)


def see_each_others_events(first: EmbanProcess, second: EmbanProcess) -> None:
    organization = Organization(first.url)
    dashboard = organization.create_dashboard(WIDGETS, publish=True)["id"]
    organization.ingest(events("acme", 4))
    here, there = organization.session("acme", dashboard), organization.session("acme", dashboard)
    there.client.base = second.url
    assert here.value("w_calls") == there.value("w_calls") == 4
    for expected in (5, 6, 7):
        settle(there)
        organization.ingest(events("acme", 1))
        assert here.value("w_calls") == expected
        # What the other process remembers it remembers for 0.2 s, and what it kept while the insert settled for 0.5 s.
        time.sleep(0.8)
        assert there.value("w_calls") == expected
    settle(there)
    assert organization.admin.post("/v1/cache/refresh", {"tenant_id": "acme"}).status == 204
    assert not there.result("w_calls")["meta"]["cached"]
