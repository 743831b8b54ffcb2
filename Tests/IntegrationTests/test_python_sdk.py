"""The Python package `emban` against the real server: both clients by the same tests, and faults by a proxy in between."""

from __future__ import annotations

import asyncio
import collections.abc
import copy
import inspect
import logging
import pickle
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from embantest.faulty_proxy import HANG, LOSE, PASS, REFUSE, FaultyProxy, busy
from embantest.process import EmbanProcess, free_port
from embantest.python_sdk import sdk
from embantest.steady import eventually, within_a_minute
from embantest.workspace import ALWAYS, Organization, event, kpi

QUICK = sdk.RetryPolicy(first_pause=0.01, longest_pause=0.05, patience=20)


class Driver:
    """A client whose methods can be called plainly: of the async one each is run to its end, and lists are read to theirs."""

    def __init__(self, client: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self._client, self._loop = client, loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return Driver(found, self._loop)

        def run(*positional: Any, **named: Any) -> Any:
            made = found(*positional, **named)
            if self._loop is not None and inspect.isawaitable(made):
                return wait_for(made, self._loop)
            if self._loop is not None and isinstance(made, collections.abc.AsyncIterator):
                async def everything() -> list[Any]:
                    return [one async for one in made]

                return wait_for(everything(), self._loop)
            return list(made) if isinstance(made, collections.abc.Iterator) else made

        return run


def wait_for(work: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """Runs it in the loop's own thread: in this one a browser's loop may be running."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(120)


Clients = Callable[..., Any]


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Clients]:
    """Makes clients, waiting ones and async ones alike."""
    loop = asyncio.new_event_loop() if request.param == "async" else None
    if loop is not None:
        threading.Thread(target=loop.run_forever, daemon=True).start()
    made: list[Any] = []

    def make(host: str, key: str, **options: Any) -> Driver:
        kind = sdk.Emban if loop is None else sdk.AsyncEmban
        made.append(kind(host, api_key=key, **{"retry": QUICK, **options}))
        return Driver(made[-1], loop)

    yield make
    for client in made:
        if loop is None:
            client.close()
        else:
            wait_for(client.aclose(), loop)
    if loop is not None:
        loop.call_soon_threadsafe(loop.stop)


@pytest.fixture
def proxy(emban: EmbanProcess) -> Iterator[FaultyProxy]:
    made = FaultyProxy(emban.url)
    yield made
    made.close()


@pytest.fixture
def shared(module_organization: Organization) -> Organization:
    """For tests that look at customers of their own only."""
    return module_organization


@pytest.fixture
def tenant() -> str:
    """A customer that no other test has."""
    return f"tenant-{uuid.uuid4().hex[:12]}"


def calls(count: int, tenant: str = "acme") -> list[dict[str, Any]]:
    return [event(tenant, user_id=f"user-{number % 7}", string_props={"model": ["gpt-4", "claude"][number % 2]}, numeric_props={"tokens": number})
            for number in range(count)]


# --- What there is --------------------------------------------------------------------------------------------------------


def test_events_and_questions(connect: Clients, organization: Organization) -> None:
    client = connect(organization.base, organization.key)
    sent = calls(20) + [event("globex", timestamp=datetime.now(timezone(timedelta(hours=5))) - timedelta(hours=1), numeric_props={"tokens": 5})]
    before = [dict(one) for one in sent]
    result = client.ingest(sent)
    assert (result.accepted, result.rejected, result.rejections) == (21, 0, ())
    assert sent == before, "the caller's events stay as they are"
    counted = client.query({"event_name": "api.call", "metric": "count", "period": ALWAYS}, tenant_id="acme")
    assert counted.value == 20 and counted.meta["rows"] == 1
    split = client.query({"metric": "sum", "numeric_prop": "tokens", "group_by": "model", "period": ALWAYS}, tenant_id="acme")
    assert {row["model"]: row["value"] for row in split.rows} == {"gpt-4": sum(range(0, 20, 2)), "claude": sum(range(1, 20, 2))}
    with pytest.raises(ValueError, match="2 rows"):
        _ = split.value
    filtered = client.query({"metric": "count", "period": ALWAYS}, filters=[{"dimension": "model", "op": "eq", "values": ["claude"]}])
    assert filtered.value == 10
    assert client.query({"metric": "avg", "numeric_prop": "tokens", "period": ALWAYS}, tenant_id="nobody").value is None
    assert [one["event_name"] for one in client.discover()] == ["api.call"]
    assert {one["name"] for one in client.discover(tenant_id="acme")[0]["dimensions"]} == {"model"}
    tenants = {one.tenant_id: one for one in client.tenants.list()}
    assert {name: one.events for name, one in tenants.items()} == {"acme": 20, "globex": 1}
    age = datetime.now(timezone.utc) - tenants["globex"].last_seen
    assert timedelta(minutes=59) < age < timedelta(minutes=70)
    client.refresh_cache(tenant_id="acme")
    assert client.tenants.erase("globex") == 1
    assert [one.tenant_id for one in client.tenants.list()] == ["acme"]


def test_dashboards_and_sessions(connect: Clients, organization: Organization) -> None:
    client = connect(organization.base, organization.key)
    client.ingest(calls(10))
    made = client.dashboards.create({"name": "Usage", "widgets": [kpi("w_calls")]})
    assert (made.name, made.slug, made.status, made.revision, made.published_version) == ("Usage", "usage", "draft", 1, None)
    assert client.dashboards.publish(made.slug) == 1
    changed = client.dashboards.update(made.id, {"description": "changed"}, revision=made.revision)
    assert changed.config["description"] == "changed" and changed.published_version == 1 and changed.status == "published"
    with pytest.raises(sdk.ConflictError) as conflict:
        client.dashboards.update(made.id, {"description": "later"}, revision=made.revision)
    assert conflict.value.code == "revision_conflict" and conflict.value.body["revision"] == changed.revision
    assert client.dashboards.restore(made.id).config.get("description") in (None, "")
    replaced = client.dashboards.replace(made.id, changed.config)
    assert replaced.config["description"] == "changed"
    copy = client.dashboards.duplicate(made.id)
    automatic = client.dashboards.create_from_events(name="Found")
    assert {one.id for one in client.dashboards.list()} == {made.id, copy.id, automatic.id}
    client.dashboards.delete(copy.id)
    with pytest.raises(sdk.NotFoundError) as gone:
        client.dashboards.get(copy.id)
    assert gone.value.code == "dashboard_not_found"

    session = client.embed_sessions.create(
        tenant_id="acme", dashboard_id="usage", expires_in=600, permissions={"allow_export": False}, timezone="Europe/Berlin",
        allowed_origins=["https://app.example.com"])
    assert session.token in session.embed_url and session.token not in repr(session)
    assert timedelta(seconds=500) < session.expires_at - datetime.now(timezone.utc) < timedelta(seconds=700)
    held = organization.admin.bearer(session.token)
    assert held.get("/v1/embed/dashboard").expect(200)["permissions"]["allow_export"] is False
    second = client.embed_sessions.create(tenant_id="globex", dashboard_id=made.id)
    assert [one.session_id for one in client.embed_sessions.list()] == [second.session_id, session.session_id]
    listed = client.embed_sessions.list(tenant_id="acme")
    assert [(one.session_id, one.dashboard_id) for one in listed] == [(session.session_id, made.id)]
    client.embed_sessions.revoke(session.session_id)
    assert held.get("/v1/embed/dashboard").status == 401
    client.embed_sessions.revoke(tenant_id="globex")
    assert client.embed_sessions.list() == []
    with pytest.raises(ValueError):
        client.embed_sessions.revoke()
    client.dashboards.unpublish(made.id)
    with pytest.raises(sdk.ConflictError) as offline:
        client.embed_sessions.create(tenant_id="acme", dashboard_id=made.id)
    assert offline.value.code == "dashboard_not_published"


def test_lists_are_read_to_their_end(connect: Clients, organization: Organization) -> None:
    """More tenants than a page holds."""
    client = connect(organization.base, organization.key)
    names = {f"tenant-{number:03}" for number in range(230)}
    client.ingest(event(name) for name in names)
    assert {one.tenant_id for one in client.tenants.list()} == names


# --- Events that are wrong ------------------------------------------------------------------------------------------------


def test_wrong_events_are_named_by_their_place_among_all(connect: Clients, shared: Organization, tenant: str) -> None:
    client = connect(shared.base, shared.key)
    sent: list[Any] = calls(2_500, tenant)
    sent[3] = {"tenant_id": tenant}
    sent[1_004] = event(tenant, timestamp="yesterday")
    sent[1_500] = event(tenant, numeric_props={"tokens": float("nan")})
    sent[1_501] = event(tenant, string_props={"model": "\ud800"})
    sent[1_502] = event(tenant, timestamp=datetime(2026, 1, 1))
    sent[1_503] = "no event"
    sent[2_499] = event(tenant, user_name="Ada")
    result = client.ingest(sent)
    assert (result.accepted, result.rejected) == (2_493, 7)
    assert {(one.index, one.code) for one in result.rejections} == {
        (3, "event_name_missing"), (1_004, "timestamp_format"), (1_500, "not_json"), (1_501, "not_json"), (1_502, "not_json"),
        (1_503, "event_type"), (2_499, "unknown_field")}
    assert shared.count(tenant) == 2_493


def test_a_request_without_a_good_event_is_a_result_too(connect: Clients, shared: Organization, tenant: str) -> None:
    result = connect(shared.base, shared.key).ingest([{"tenant_id": tenant}, event(tenant, timestamp="now")])
    assert (result.accepted, result.rejected) == (0, 2)
    assert [(one.index, one.field) for one in result.rejections] == [(0, "event_name"), (1, "timestamp")]
    assert connect(shared.base, shared.key).ingest([]).accepted == 0


def test_large_events_are_divided_by_their_size(shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """450 events of 20 kB do not fit into one request of 8 MiB."""
    large = [event(tenant, string_props={f"p{place}": "x" * 4_000 for place in range(5)}) for _ in range(450)]
    with sdk.Emban(proxy.url, api_key=shared.key) as client:
        assert client.ingest(large).accepted == 450
    assert len(proxy.seen) == 2 and all(len(one.body) <= 8 * 1024 * 1024 for one in proxy.seen)


# --- Faults ---------------------------------------------------------------------------------------------------------------


def test_repeated_events_count_once(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """The answer is lost twice although the events were stored, and the server says twice that it is busy."""
    client = connect(proxy.url, shared.key)
    proxy.faults.extend([LOSE, busy(503, "1"), REFUSE, LOSE])
    result = client.ingest(calls(50, tenant))
    assert (result.accepted, result.rejected) == (50, 0)
    assert shared.count(tenant) == 50
    assert len(proxy.seen) == 5 and len({one.body for one in proxy.seen}) == 1
    assert proxy.seen[2].at - proxy.seen[1].at >= 1, "Retry-After is waited for"


def test_a_date_in_retry_after_is_waited_for(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    when = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=3)
    proxy.faults.append(busy(429, format_datetime(when, usegmt=True)))
    assert connect(proxy.url, shared.key).ingest(calls(1, tenant)).accepted == 1
    assert proxy.seen[1].wall >= when.timestamp()


def test_more_patience_than_there_is_is_not_asked_for(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    proxy.faults.append(busy(429, "3600"))
    with pytest.raises(sdk.RateLimitError) as error:
        connect(proxy.url, shared.key).ingest(calls(3, tenant))
    assert (error.value.status, error.value.retry_after, len(error.value.unsent)) == (429, 3600, 3)
    assert len(proxy.seen) == 1


def test_an_error_has_the_events_that_are_not_known_to_be_stored(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """The second of three requests fails for good, after its events were stored; sending the rest again counts nothing twice."""
    sent: list[Any] = calls(2_100, tenant)
    sent[7] = {"tenant_id": tenant}
    client = connect(proxy.url, shared.key, retry=sdk.NO_RETRY)
    plain = connect(proxy.url, shared.key)
    proxy.faults.extend([PASS, LOSE])
    with pytest.raises(sdk.ConnectionFailedError) as error:
        client.ingest(sent)
    assert (error.value.status, error.value.code) == (None, "network")
    assert error.value.ingested is not None and error.value.ingested.accepted == 999 and error.value.ingested.rejections[0].index == 7
    assert len(error.value.unsent) == 1_100
    assert plain.ingest(error.value.unsent).accepted == 1_100
    assert shared.count(tenant) == 2_099


def test_what_would_happen_twice_is_not_repeated(connect: Clients, organization: Organization, proxy: FaultyProxy) -> None:
    client = connect(proxy.url, organization.key)
    proxy.faults.append(LOSE)
    with pytest.raises(sdk.ConnectionFailedError):
        client.dashboards.create({"name": "Once", "widgets": [kpi("w_calls")]})
    assert len(proxy.seen) == 1
    [made] = client.dashboards.list()
    # A change under a revision is not, either: its own first attempt would refuse it.
    proxy.faults.append(LOSE)
    with pytest.raises(sdk.ConnectionFailedError):
        client.dashboards.update(made.id, {"description": "a"}, revision=made.revision)
    assert client.dashboards.get(made.id).revision == made.revision + 1
    # Busy is busy: nothing was done.
    proxy.faults.append(busy(503, "0"))
    client.dashboards.duplicate(made.id)
    # A deletion that was repeated has happened, though the second attempt finds nothing.
    proxy.faults.append(LOSE)
    client.dashboards.delete(made.id)
    assert [one.name for one in client.dashboards.list()] == ["Once (copy)"]


def test_silence_and_nobody(connect: Clients, shared: Organization, proxy: FaultyProxy) -> None:
    proxy.always = HANG
    with pytest.raises(sdk.ConnectionFailedError) as silence:
        timeout = httpx.Timeout(30, read=0.3)
        connect(proxy.url, shared.key, timeout=timeout, retry=sdk.RetryPolicy(attempts=2, first_pause=0.01)).discover()
    assert (silence.value.code, silence.value.status) == ("timeout", None)
    deadline = time.monotonic() + 60  # the proxy may read a request after the client has given it up
    while len(proxy.seen) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(sdk.ConnectionFailedError) as nobody:
        connect(f"http://127.0.0.1:{free_port()}", shared.key, retry=sdk.RetryPolicy(attempts=3, first_pause=0.01)).discover()
    assert nobody.value.code == "network"


def test_errors_have_types(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy) -> None:
    client = connect(shared.base, shared.key)
    with pytest.raises(sdk.InvalidRequestError) as invalid:
        client.query({"metric": "sum"}, tenant_id="acme")
    error = invalid.value
    assert (error.status, error.code) == (422, "invalid_request") and error.request_id and error.request_id.startswith("req_")
    assert [(one.field, one.code) for one in error.details] == [("numeric_prop", "missing")] or error.details[0].field.endswith("numeric_prop")
    assert error.request_id in str(error) and "invalid_request" in repr(error)
    with pytest.raises(sdk.InvalidRequestError) as misspelt:
        client.embed_sessions.create(tenant_id="acme", dashboard_id="usage", permissions={"alow_export": False})
    assert "permissions.alow_export" in {one.field for one in misspelt.value.details}
    with pytest.raises(sdk.AuthenticationError):
        connect(shared.base, "eb_adm_wrong").discover()
    with pytest.raises(sdk.PermissionDeniedError) as scope:
        connect(shared.base, shared.new_key("ingest")["key"]).discover()
    assert scope.value.code == "insufficient_scope"
    proxy.always = busy(502)
    with pytest.raises(sdk.UnavailableError) as strange:
        connect(proxy.url, shared.key).discover()
    assert (strange.value.status, strange.value.code, len(proxy.seen)) == (502, "http_error", 5)
    assert "html" not in str(strange.value)


# --- Keys -----------------------------------------------------------------------------------------------------------------


def test_keys_show_nowhere(connect: Clients, shared: Organization, tenant: str, proxy: FaultyProxy, caplog: pytest.LogCaptureFixture) -> None:
    key = shared.key
    client = connect(proxy.url, f"  {key}\n", timeout=5)
    texts: list[str] = []
    proxy.faults.extend([LOSE, busy(503, "0"), PASS, busy(401), LOSE, LOSE, LOSE, LOSE, LOSE])
    with caplog.at_level(logging.DEBUG):
        client.ingest(calls(1, tenant))
        for _ in range(2):
            with pytest.raises(sdk.EmbanError) as error:
                client.discover()
            texts += [str(error.value), repr(error.value), repr(vars(error.value))]
            kept = traceback.TracebackException.from_exception(error.value, capture_locals=True)
            frames = [frame for one in (kept, kept.__cause__) if one for frame in one.stack if frame.filename != __file__]
            assert {"_run", "_send"} & {frame.name for frame in frames}
            texts += ["".join(traceback.StackSummary.from_list(frames).format()), repr([frame.locals for frame in frames])]
    own = client._client._client if isinstance(client._client, Driver) else client._client
    texts += [repr(own), repr(vars(own)), repr(vars(own._target)), str(own._target.key), repr(vars(own._target.key)), caplog.text]
    assert len(caplog.text) > 100
    for text in texts:
        assert key not in text, text[:2_000]
    with pytest.raises(TypeError):
        pickle.dumps(own._target)


@pytest.mark.parametrize("key", ["", "eb_adm_a b", "eb_adm_a\nb", "eb_adm_ä"])
def test_a_key_that_is_none_is_refused_without_being_quoted(key: str) -> None:
    for kind in (sdk.Emban, sdk.AsyncEmban):
        with pytest.raises(ValueError) as error:
            kind("http://127.0.0.1:1", api_key=key)
        assert "eb_adm_a" not in str(error.value)


def test_host_and_key_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, shared: Organization) -> None:
    monkeypatch.delenv("EMBAN_URL", raising=False)
    with pytest.raises(ValueError, match="EMBAN_URL"):
        sdk.Emban(api_key="eb_adm_x")
    monkeypatch.setenv("EMBAN_URL", shared.base + "/")
    monkeypatch.setenv("EMBAN_API_KEY", shared.key)
    with sdk.Emban() as client:
        assert isinstance(client.discover(), list)
    for host in ("analytics.example.com", "ftp://example.com", "https://user:secret@example.com", "https://example.com/?a=b"):
        with pytest.raises(ValueError) as error:
            sdk.Emban(host, api_key="eb_adm_x")
        assert "secret" not in str(error.value)


def test_a_client_that_is_closed_says_so(connect: Clients, shared: Organization) -> None:
    client = connect(shared.base, shared.key)
    client.discover()
    getattr(client, "aclose" if isinstance(client._client, sdk.AsyncEmban) else "close")()
    with pytest.raises(sdk.ClientClosedError) as closed:
        client.ingest(calls(3))
    assert (closed.value.code, closed.value.status, len(closed.value.unsent)) == ("client_closed", None, 3)
    for call in (client.discover, client.dashboards.list, lambda: client.embed_sessions.create(tenant_id="acme", dashboard_id="any")):
        with pytest.raises(sdk.EmbanError, match="the client is closed"):
            call()


def test_a_connection_pool_of_ones_own_that_is_closed_says_so(shared: Organization) -> None:
    pool = httpx.Client()
    client = sdk.Emban(shared.base, api_key=shared.key, http_client=pool)
    assert isinstance(client.discover(), list)
    pool.close()
    with pytest.raises(sdk.ClientClosedError):
        client.discover()

    async def main() -> None:
        async with httpx.AsyncClient() as other:
            waiting = sdk.AsyncEmban(shared.base, api_key=shared.key, http_client=other)
            await waiting.discover()
        with pytest.raises(sdk.ClientClosedError):
            await waiting.discover()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, main()).result(120)


def same(error: sdk.EmbanError, other: Any) -> bool:
    return type(error) is type(other) and str(error) == str(other) and error.args == other.args and vars(error) == vars(other)


def test_errors_travel_between_processes(connect: Clients, organization: Organization) -> None:
    """As task queues and process pools send them: by pickle."""
    client = connect(organization.base, organization.key)
    with pytest.raises(sdk.InvalidRequestError) as wrong:
        client.dashboards.create({"name": "x", "widgets": [{"id": "w", "kind": "nothing"}]})
    with pytest.raises(sdk.NotFoundError) as unknown:
        client.dashboards.get("dash_nothing")
    with pytest.raises(sdk.AuthenticationError) as unsent:
        connect(organization.base, "eb_ing_wrong").ingest(calls(2))
    with pytest.raises(sdk.ConnectionFailedError) as away:
        connect(f"http://127.0.0.1:{free_port()}", organization.key).discover()
    assert wrong.value.details and unknown.value.request_id and len(unsent.value.unsent) == 2 and unsent.value.ingested
    for raised in (wrong, unknown, unsent, away):
        assert same(raised.value, pickle.loads(pickle.dumps(raised.value))) and same(raised.value, copy.copy(raised.value))
    kinds = [kind for kind in vars(sdk).values() if isinstance(kind, type) and issubclass(kind, sdk.EmbanError)]
    assert len(kinds) >= 11
    for kind in kinds:
        error = kind("a sentence", code="a_code", status=418, request_id="req_1", retry_after=2.5, body={"limit": 3},
                     details=[sdk.Detail("field", "code", "expected")])
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            assert same(error, pickle.loads(pickle.dumps(error, protocol)))


def test_both_clients_have_the_same_methods() -> None:
    def shape(kind: type) -> dict[str, list[str]]:
        return {name: list(inspect.signature(found).parameters) for name, found in vars(kind).items()
                if callable(found) and not name.startswith("_") and name not in ("close", "aclose")}

    assert shape(sdk.Emban) == shape(sdk.AsyncEmban)
    assert shape(sdk.Batcher) == shape(sdk.AsyncBatcher)
    waiting, other = sdk.Emban("http://h", api_key="k"), sdk.AsyncEmban("http://h", api_key="k")
    parts = {name for name, value in vars(waiting).items() if not name.startswith("_")}
    assert parts == {name for name in vars(other) if not name.startswith("_")} and "dashboards" in parts
    for name in parts:
        assert shape(type(getattr(waiting, name))) == shape(type(getattr(other, name))), name


# --- Guest tokens ---------------------------------------------------------------------------------------------------------


def calls_of(viewer: Any) -> Any:
    return viewer.post("/v1/embed/query", {"widgets": ["w_calls"]}).expect(200)["results"]["w_calls"]


def test_data_apps_and_guest_tokens(connect: Clients, organization: Organization) -> None:
    client = connect(organization.base, organization.key)
    client.ingest(calls(10))
    first, second = (client.dashboards.create({"name": name, "widgets": [kpi("w_calls")]}) for name in ("First", "Second"))
    client.dashboards.publish(first.id)
    made = client.data_apps.create("my-app", [first.id, "second"])
    assert [(one["slug"], one["status"]) for one in made.dashboards] == [("first", "published"), ("second", "draft")]
    assert [one.name for one in client.data_apps.list()] == ["my-app"]
    assert client.data_apps.update("my-app", new_name="other-app").name == "other-app"
    assert [one["id"] for one in client.data_apps.update("other-app", dashboards=[first.id]).dashboards] == [first.id]
    assert client.data_apps.get("other-app").name == "other-app"
    token = client.guest_tokens.create(
        client_id="acme", data_app_name="other-app", permissions={"isEnableDownloadMetrics": False}, expiry_time=600, params={"userId": "u1"})
    assert token.token not in repr(token)
    assert timedelta(seconds=500) < token.expires_at - datetime.now(timezone.utc) < timedelta(seconds=700)
    held = organization.admin.bearer(token.token)
    shown = held.get("/v1/embed/dashboard").expect(200)
    assert shown["slug"] == "first" and shown["permissions"]["allow_export"] is False
    eventually(lambda: calls_of(held)["meta"]["cached"], what="a kept answer")
    # A minute later it is another question.
    within_a_minute(20)
    eventually(lambda: calls_of(held)["meta"]["cached"], what="a kept answer")
    client.data_apps.refresh_cache("other-app", client_id="globex")
    assert calls_of(held)["meta"]["cached"], "that was another customer's"
    client.data_apps.refresh_cache("other-app", client_id="acme")
    assert not calls_of(held)["meta"]["cached"] and calls_of(held)["rows"][0]["value"] == 10
    with pytest.raises(sdk.NotFoundError) as unknown:
        client.guest_tokens.create(client_id="acme", data_app_name="nothing")
    assert unknown.value.code == "DATA_APP_NOT_FOUND" and len(unknown.value.message) > 5
    with pytest.raises(sdk.InvalidRequestError) as nobody:
        client.guest_tokens.create(client_id="", data_app_name="other-app")
    assert nobody.value.code == "CLIENT_ID_ERROR"
    session = client.embed_sessions.create(tenant_id="acme", dashboard_id=first.id)
    assert [one.session_id for one in client.embed_sessions.list(dashboard_id=first.id)][0] == session.session_id
    client.embed_sessions.revoke(dashboard_id=first.id)
    assert organization.admin.bearer(session.token).get("/v1/embed/dashboard").status == 401
    client.data_apps.delete("other-app")
    assert held.get("/v1/embed/dashboard").status == 401
    assert client.data_apps.list() == []


# --- What callers give ----------------------------------------------------------------------------------------------------


def test_none_in_a_dashboard_is_null(connect: Clients, organization: Organization) -> None:
    """It was left out, so that nothing could be taken back."""
    client = connect(organization.base, organization.key)
    organization.create_dashboard(slug="usage", theme={"primaryColor": "#123456"}, description="Your month")
    changed = client.dashboards.update("usage", {"theme": None})
    assert changed.revision == 2 and "primaryColor" not in (changed.config.get("theme") or {}) and changed.config["description"] == "Your month"


def test_times_and_spans_are_taken_as_such(connect: Clients, organization: Organization) -> None:
    """They ended in a TypeError of `json`."""
    client = connect(organization.base, organization.key)
    organization.create_dashboard(slug="usage", publish=True)
    now = datetime.now(timezone(timedelta(hours=5, minutes=30)))
    organization.ingest([event(timestamp=(now - timedelta(hours=hours)).isoformat()) for hours in (1, 30)])
    span = {"from": now - timedelta(hours=24), "to": now}
    assert client.query({"metric": "count", "period": span}, tenant_id="acme").value == 1
    with pytest.raises(ValueError, match="with a zone"):
        client.query({"metric": "count", "period": {**span, "from": datetime(2026, 1, 1)}}, tenant_id="acme")
    session = client.embed_sessions.create(tenant_id="acme", dashboard_id="usage", expires_in=timedelta(minutes=10), context={"since": now})
    assert timedelta(minutes=8) < session.expires_at - datetime.now(timezone.utc) <= timedelta(minutes=10, seconds=5)
    result = client.ingest([event(timestamp=datetime(2026, 1, 1)), event(numeric_props={"n": 10**400}), event(numeric_props={"n": 10**5000}),
                            event(numeric_props={"n": float("-inf")}), event(string_props={"model": None}), event(string_props={"model": b"x"}), event()])
    assert (result.accepted, [(one.index, one.code) for one in result.rejections]) == (1, [
        (0, "not_json"), (1, "numeric_props_not_finite"), (2, "not_json"), (3, "not_json"), (4, "string_props_type"), (5, "not_json")])
    assert "zone" in result.rejections[0].expected


def test_wrong_arguments_are_named_before_anything_is_sent(shared: Organization, proxy: FaultyProxy) -> None:
    client = sdk.Emban(proxy.url, api_key=shared.key)
    other = sdk.AsyncEmban(proxy.url, api_key=shared.key, timeout=None)
    for timeout in (0, -1, "5", True, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            sdk.Emban(proxy.url, api_key=shared.key, timeout=timeout)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="AsyncBatcher"):
        sdk.Batcher(other)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Batcher"):
        sdk.AsyncBatcher(client)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_seconds"):
        sdk.Batcher(client, max_seconds=float("nan"))
    for wrong in (5, None, b"acme"):
        with pytest.raises(TypeError, match="an id must be"):
            client.tenants.erase(wrong)  # type: ignore[arg-type]
    client.close()
    assert proxy.seen == []


def test_a_task_that_is_cancelled_leaves_the_client_whole(shared: Organization, tenant: str) -> None:
    """At any moment of a request, and while a batcher is flushed and closed."""

    async def main() -> None:
        async with sdk.AsyncEmban(shared.base, api_key=shared.key) as client:
            for number in range(20):
                task = asyncio.create_task(client.ingest([event(f"{tenant}-cancelled") for _ in range(50)]))
                await asyncio.sleep(0.001 * number)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert (await client.ingest([event(tenant)])).accepted == 1
            batcher = sdk.AsyncBatcher(client, max_seconds=3600)
            for step in (batcher.flush, batcher.aclose):
                batcher.add(event(tenant))
                task = asyncio.create_task(step())
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert await step(60)
            assert batcher.stats == sdk.BatcherStats(queued=0, accepted=2, rejected=0, lost=0)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(main())).result(180)
    assert shared.count(tenant) == 3
