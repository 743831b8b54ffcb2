"""What could lose events that wait in the background: forks, loops that end, servers that hang, callbacks and objects that raise."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from embantest.faulty_proxy import HANG, REFUSE, Fault, FaultyProxy, busy
from embantest.process import EmbanProcess
from embantest.python_sdk import ended_well, run, sdk, wait_until
from embantest.workspace import Organization, event

TOO_LARGE = Fault("answer", 413, {}, b"<html>413 Request Entity Too Large</html>")
PAGE = Fault("answer", 200, {"Content-Type": "text/html"}, b"<html>Please sign in to the network</html>")


@pytest.fixture
def proxy(emban: EmbanProcess) -> Iterator[FaultyProxy]:
    made = FaultyProxy(emban.url)
    yield made
    made.close()


@pytest.fixture
def tenant() -> str:
    return f"tenant-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def problems() -> list[sdk.BatchProblem]:
    return []


@pytest.fixture
def client(proxy: FaultyProxy, module_organization: Organization) -> Iterator[sdk.Emban]:
    with sdk.Emban(proxy.url, api_key=module_organization.key) as made:
        yield made


def in_a_thread(work: Callable[[], Any]) -> Any:
    """In this one a browser's loop may be running."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result(180)


# --- Event loops ----------------------------------------------------------------------------------------------------------


def test_another_event_loop_goes_on_with_what_was_on_its_way(module_organization: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """The first loop stops while a request hangs; the batch used to be overwritten by the next one."""

    def main() -> None:
        batcher = sdk.AsyncBatcher(sdk.AsyncEmban(proxy.url, api_key=module_organization.key), max_seconds=0)

        async def begin() -> None:
            for _ in range(5):
                assert batcher.add(event(tenant))
            while not proxy.seen:
                await asyncio.sleep(0.01)

        async def go_on() -> None:
            assert batcher.add(event(tenant))
            assert await batcher.flush(60)
            assert batcher.stats == sdk.BatcherStats(queued=0, accepted=6, rejected=0, lost=0)

        proxy.faults.append(HANG)
        first = asyncio.new_event_loop()
        first.run_until_complete(asyncio.wait_for(begin(), 60))
        asyncio.run(go_on())
        # The first one runs again; its task must neither send nor count.
        left = asyncio.all_tasks(first)
        for task in left:
            task.cancel()
        first.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        first.close()
        assert batcher.stats == sdk.BatcherStats(queued=0, accepted=6, rejected=0, lost=0)
        assert asyncio.run(batcher.aclose())

    in_a_thread(main)
    assert module_organization.count(tenant) == 6


def test_other_threads_may_add(module_organization: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """As handlers of FastAPI that are no coroutines do. Nobody awaits anything of the batcher."""

    async def main() -> None:
        batcher = sdk.AsyncBatcher(sdk.AsyncEmban(proxy.url, api_key=module_organization.key), max_seconds=0.05)
        await asyncio.gather(*(asyncio.to_thread(batcher.add, event(tenant)) for _ in range(40)))
        deadline = time.monotonic() + 60
        while batcher.stats.accepted < 40:
            assert time.monotonic() < deadline, batcher.stats
            await asyncio.sleep(0.01)
        assert await batcher.aclose()

    in_a_thread(lambda: asyncio.run(main()))
    assert module_organization.count(tenant) == 40


# --- Ends of programs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Batcher", "AsyncBatcher"])
def test_a_server_that_hangs_holds_the_end_up_for_so_long_only(kind: str, tenant: str, tmp_path: Path, proxy: FaultyProxy) -> None:
    """Three requests' worth of events; each request may take half a minute by itself, and all together took a minute and a half."""
    proxy.always = HANG
    done = run(f"""
        import asyncio, time

        def told(problem):
            print(problem.reason, problem.count)

        async def main():
            batcher = {kind}({"Async" if kind == "AsyncBatcher" else ""}Emban(), on_problem=told, exit_seconds=1, max_events=1_000, max_seconds=3600)
            for _ in range(2_500):
                batcher.add({{"tenant_id": tenant, "event_name": "api.call"}})

        asyncio.run(main())
        """, proxy.url, "eb_ing_nobody", tenant, tmp_path, timeout=80)
    told = [line.split() for line in ended_well(done).splitlines()]
    assert {reason for reason, _ in told} == {"abandoned"} and sum(int(count) for _, count in told) == 2_500


def test_preloaded_programs_send_what_their_workers_add(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    """Both batchers made before the fork, as with `gunicorn --preload`; workers that end with and without `atexit`."""
    ended_well(run("""
        import asyncio, multiprocessing, sys, threading

        client = Emban()
        batcher = Batcher(client, max_seconds=3600, exit_seconds=90)
        other = AsyncBatcher(AsyncEmban(), max_seconds=3600, exit_seconds=90)
        done = Batcher(client, on_problem=lambda problem: None)
        assert done.close()

        def add(name):
            async def main():
                for _ in range(7):
                    assert other.add({"tenant_id": tenant, "event_name": name})
            assert batcher.stats.queued == other.stats.queued == 0
            assert batcher.add({"tenant_id": tenant, "event_name": name})
            asyncio.run(main())
            asyncio.run(main())
            # Threads that come at the same time share one new pool of connections.
            threads = [threading.Thread(target=client.ingest, args=([{"tenant_id": tenant, "event_name": name}],)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert not done.add({"tenant_id": tenant, "event_name": name}), "it was closed before the fork"

        if __name__ == "__main__":
            batcher.add({"tenant_id": tenant, "event_name": "parent"})
            other.add({"tenant_id": tenant, "event_name": "parent"})
            client.discover()
            if (child := os.fork()) == 0:
                add("child")
                sys.exit(0)
            worker = multiprocessing.get_context("fork").Process(target=add, args=("worker",))
            worker.start()
            worker.join()
            assert os.waitpid(child, 0)[1] == worker.exitcode == 0
        """, module_organization.base, module_organization.key, tenant, tmp_path))
    counted = {name: module_organization.count(tenant, event_name=name) for name in ("parent", "child", "worker")}
    assert counted == {"parent": 2, "child": 19, "worker": 19}


def test_a_signals_handler_may_add_at_any_moment(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    """Also while the thread is being started: then two of them settled each other's events, of which two thousand were not sent."""
    ended_well(run("""
        import signal, threading, time

        batcher = Batcher(Emban(), max_seconds=0.001, exit_seconds=90)
        added = 0

        def add(*_):
            global added
            added += 1
            batcher.add({"tenant_id": tenant, "event_name": "signal"})

        class Interrupted(threading.Thread):
            def start(self):
                for _ in range(3):
                    signal.raise_signal(signal.SIGALRM)
                super().start()

        signal.signal(signal.SIGALRM, add)
        thread, threading.Thread = threading.Thread, Interrupted
        batcher.add({"tenant_id": tenant, "event_name": "first"})
        threading.Thread = thread
        assert sum(one.name == "emban-batcher" for one in threading.enumerate()) == 1
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for _ in range(2_000):
            batcher.add({"tenant_id": tenant, "event_name": "loop"})
        deadline = time.monotonic() + 60
        while added < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert batcher.flush(90) and batcher.close(90)
        assert batcher.stats.accepted == 2_001 + added > 2_010, batcher.stats
        """, module_organization.base, module_organization.key, tenant, tmp_path))
    counted = {name: module_organization.count(tenant, event_name=name) for name in ("first", "loop", "signal")}
    assert counted["first"] == 1 and counted["loop"] == 2_000 and counted["signal"] >= 10


def test_nothing_is_loaded_when_the_first_request_is_sent(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    """By the batcher's thread, while a fork may happen: the child had halves of modules, and lost an event with an AttributeError."""
    ended_well(run("""
        import sys

        before = set(sys.modules)
        with Emban() as client:
            assert client.ingest([{"tenant_id": tenant, "event_name": "api.call"}]).accepted == 1
        late = {name for name in set(sys.modules) - before if not name.startswith("importlib")}
        assert not late, late
        """, module_organization.base, module_organization.key, tenant, tmp_path))


def test_closing_ends_a_long_pause(module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban) -> None:
    """The server asked for an hour, and is back when the program ends."""
    proxy.faults.append(busy(503, "3600"))
    batcher = sdk.Batcher(client, max_seconds=0)
    batcher.add(event(tenant))
    wait_until(lambda: len(proxy.seen) == 1)
    assert batcher.close(60) and batcher.stats.accepted == 1
    assert module_organization.count(tenant) == 1


def test_closing_says_when_something_was_given_up(tenant: str, proxy: FaultyProxy, client: sdk.Emban, problems: list[sdk.BatchProblem]) -> None:
    proxy.always = REFUSE
    batcher = sdk.Batcher(client, max_seconds=0, on_problem=problems.append)
    batcher.add(event(tenant))
    wait_until(lambda: len(proxy.seen) >= 2)
    assert not batcher.close(0.3)
    assert [(one.reason, one.count) for one in problems] == [("abandoned", 1)] and isinstance(problems[0].error, sdk.ConnectionFailedError)


# --- Answers that are none ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Batcher", "AsyncBatcher"])
def test_a_proxy_that_lets_little_through_gets_smaller_requests(
    kind: str, module_organization: Organization, tenant: str, proxy: FaultyProxy, problems: list[sdk.BatchProblem],
) -> None:
    proxy.faults.extend([TOO_LARGE, TOO_LARGE])
    if kind == "Batcher":
        with sdk.Emban(proxy.url, api_key=module_organization.key) as client:
            batcher = sdk.Batcher(client, max_seconds=3600, on_problem=problems.append)
            for _ in range(100):
                batcher.add(event(tenant))
            assert batcher.close(60)
    else:
        async def main() -> None:
            other = sdk.AsyncBatcher(sdk.AsyncEmban(proxy.url, api_key=module_organization.key), max_seconds=3600, on_problem=problems.append)
            for _ in range(100):
                other.add(event(tenant))
            assert await other.aclose(60)

        in_a_thread(lambda: asyncio.run(main()))
    assert problems == [] and module_organization.count(tenant) == 100
    sizes = [len(one.body) for one in proxy.seen]
    assert sizes[0] > 1.8 * sizes[1] > 3.2 * sizes[2] and len(sizes) in (6, 7), sizes


def test_a_single_event_that_is_too_large_is_told_of(
    module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban, problems: list[sdk.BatchProblem],
) -> None:
    proxy.faults.append(TOO_LARGE)
    with sdk.Batcher(client, max_seconds=3600, exit_seconds=90, on_problem=problems.append) as batcher:
        batcher.add(event(tenant))
        assert batcher.flush(60)
        batcher.add(event(tenant))
    assert [(one.reason, one.count, one.rejections[0].code, one.error and one.error.status) for one in problems] == [("rejected", 1, "too_large", 413)]
    assert batcher.stats == sdk.BatcherStats(queued=0, accepted=1, rejected=1, lost=0)
    assert module_organization.count(tenant) == 1


@pytest.mark.parametrize("kind", ["Emban", "AsyncEmban"])
def test_what_is_sent_at_once_is_halved_too(kind: str, module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban) -> None:
    """Of four events the first one is too large even alone. It was an error that held all others up."""
    proxy.faults.extend([TOO_LARGE] * 3)
    events = [event(tenant) for _ in range(4)]

    async def main() -> sdk.IngestResult:
        async with sdk.AsyncEmban(proxy.url, api_key=module_organization.key) as other:
            return await other.ingest(events)

    result = client.ingest(events) if kind == "Emban" else in_a_thread(lambda: asyncio.run(main()))
    assert (result.accepted, result.rejected, [(one.index, one.code) for one in result.rejections]) == (3, 1, [(0, "too_large")])
    assert len(proxy.seen) == 5 and module_organization.count(tenant) == 3


def test_more_wrong_events_than_an_answer_names_are_all_counted(
    module_organization: Organization, tenant: str, client: sdk.Emban, problems: list[sdk.BatchProblem],
) -> None:
    with sdk.Batcher(client, max_events=1_000, max_seconds=3600, exit_seconds=90, on_problem=problems.append) as batcher:
        for number in range(400):
            batcher.add(event(tenant, timestamp="never") if number < 250 else event(tenant))
    assert [(one.reason, one.count, len(one.events), len(one.rejections)) for one in problems] == [("rejected", 250, 100, 100)]
    assert batcher.stats == sdk.BatcherStats(queued=0, accepted=150, rejected=250, lost=0)
    assert module_organization.count(tenant) == 150


@pytest.mark.parametrize("page", [PAGE, Fault("answer", 200), Fault("answer", 404, {}, b"default backend - 404"), Fault("answer", 502, {}, b"<html>")], ids=lambda page: str(page.status))
@pytest.mark.parametrize("kind", ["Batcher", "AsyncBatcher"])
def test_a_page_that_stays_for_long_loses_nothing(
    kind: str, page: Fault, module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban, problems: list[sdk.BatchProblem],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After half a minute of another's pages the events were given up, as those that Emban refuses."""
    monkeypatch.setattr("emban._outbox.Patience.LONGEST_PAUSE", 0.01)
    proxy.faults.extend([page] * 12)
    if kind == "Batcher":
        with sdk.Batcher(client, max_seconds=0, on_problem=problems.append) as batcher:
            batcher.add(event(tenant))
            assert batcher.flush(60)
    else:
        async def main() -> None:
            async with sdk.AsyncBatcher(sdk.AsyncEmban(proxy.url, api_key=module_organization.key), max_seconds=0, on_problem=problems.append) as other:
                other.add(event(tenant))
                assert await other.flush(60)

        in_a_thread(lambda: asyncio.run(main()))
    assert problems == [] and len(proxy.seen) == 13 and module_organization.count(tenant) == 1


def test_what_something_else_refuses_for_ever_holds_up_nothing(
    module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban, problems: list[sdk.BatchProblem], monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a firewall does that looks into requests."""
    monkeypatch.setattr("emban._outbox.Patience.LONGEST_PAUSE", 0.01)
    proxy.faults.extend([Fault("answer", 403, {}, b"<html>Blocked</html>")] * 8)
    with sdk.Batcher(client, max_seconds=0, on_problem=problems.append) as batcher:
        batcher.add(event(tenant))
        assert batcher.flush(60)
        batcher.add(event(tenant))
        assert batcher.flush(60)
    assert [(one.reason, one.count, one.error and one.error.status) for one in problems] == [("refused", 1, 403)]
    assert module_organization.count(tenant) == 1


def test_a_page_at_the_end_of_the_program_is_no_answer_either(module_organization: Organization, tenant: str, tmp_path: Path, proxy: FaultyProxy) -> None:
    """It was taken for a refusal there."""
    proxy.faults.extend([PAGE, Fault("answer", 200), TOO_LARGE])
    ended_well(run("""
        import asyncio

        async def main():
            batcher = AsyncBatcher(AsyncEmban(), max_seconds=3600, exit_seconds=90)
            for _ in range(6):
                batcher.add({"tenant_id": tenant, "event_name": "api.call"})

        asyncio.run(main())
        """, proxy.url, module_organization.key, tenant, tmp_path))
    assert len(proxy.seen) == 5 and module_organization.count(tenant) == 6


def test_a_page_in_the_servers_place_is_no_answer(
    module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban, problems: list[sdk.BatchProblem],
) -> None:
    """A proxy's own 404 while the server starts anew, the page of a network that wants a login, a gateway that says yes to everything: none is
    about the events."""
    proxy.faults.extend([PAGE, Fault("answer", 200, {"Content-Type": "application/json"}, b"{}"), Fault("answer", 404, {}, b"default backend - 404"), Fault("answer", 500, {}, b"")])
    with sdk.Batcher(client, max_seconds=0, on_problem=problems.append) as batcher:
        batcher.add(event(tenant))
        assert batcher.flush(60)
    assert problems == [] and len(proxy.seen) == 5 and module_organization.count(tenant) == 1


def test_a_server_that_stays_away_is_not_asked_more_and_more() -> None:
    """Pauses grow to half a minute; the log hears of it once for each batch, and not of a short spell."""
    from emban._outbox import Patience

    now = 0.0
    patience = Patience(lambda: 1.0, lambda: now)
    away = sdk.ConnectionFailedError("the server could not be reached", code="network")
    pauses, told = [], []
    for _ in range(12):
        pauses.append(patience.pause(away))
        told.append(patience.is_worth_telling())
        now += pauses[-1] or 0
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    assert told == [False] * 6 + [True] + [False] * 5
    assert patience.pause(away, left=5) == 1.0
    assert Patience(lambda: 1.0).pause(sdk.ClientClosedError()) is None


# --- What others raise ----------------------------------------------------------------------------------------------------


class Unreadable:
    """As an object of a database layer whose session has ended."""

    @property
    def item(self) -> object:
        raise RuntimeError("the session is closed")


class UnreadableMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("the session is closed")

    def __iter__(self) -> Iterator[str]:
        return iter(("tenant_id", "event_name"))

    def __len__(self) -> int:
        return 2


def test_an_event_that_cannot_be_written_takes_no_other_with_it(module_organization: Organization, tenant: str, client: sdk.Emban) -> None:
    circle: dict[str, Any] = event(tenant)
    circle["string_props"] = circle
    bad: list[Any] = [
        event(tenant, string_props={"model": Unreadable()}), UnreadableMapping(), circle, event(tenant, user_id="\ud800"),
        event(tenant, numeric_props={"cost": Decimal("NaN")}), event(tenant, numeric_props={("a", "b"): 1}), "event", None]
    good = [event(tenant, user_id=uuid.uuid4(), numeric_props={"cost": Decimal("0.25")}) for _ in range(9)]
    mixed = [one for pair in zip(good, bad) for one in pair] + good[8:]
    told: list[sdk.BatchProblem] = []
    with sdk.Batcher(client, exit_seconds=90, on_problem=told.append) as batcher:
        assert [batcher.add(one) for one in mixed] == [True, False] * 8 + [True]
    assert [one.reason for one in told] == ["rejected"] * 8
    assert module_organization.count(tenant) == 9
    result = client.ingest(mixed)
    assert (result.accepted, result.rejected, [one.index for one in result.rejections]) == (9, 8, list(range(1, 17, 2)))


@pytest.mark.parametrize("raised", [ValueError, SystemExit])
def test_callbacks_that_raise_lose_nothing(
    raised: type[BaseException], module_organization: Organization, tenant: str, proxy: FaultyProxy, client: sdk.Emban,
) -> None:
    def fail(_: sdk.BatchProblem) -> None:
        raise raised("in the callback")

    proxy.faults.append(Fault("answer", 403, {"Content-Type": "application/json"}, b'{"code": "scope", "message": "not with this key"}'))
    batcher = sdk.Batcher(client, max_seconds=0, on_problem=fail)
    batcher.add(event(tenant))
    assert batcher.flush(60), "the one that was refused is settled"
    batcher.add(event(tenant))
    assert batcher.flush(60) and batcher.close()
    assert module_organization.count(tenant) == 1 and batcher.stats.lost == 1


def test_a_log_that_raises_loses_nothing(
    module_organization: Organization, tenant: str, client: sdk.Emban, monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise OSError("no space left on device")

    handler = Broken()
    logging.getLogger("emban").addHandler(handler)
    try:
        with sdk.Batcher(client, max_seconds=0) as batcher:
            assert not batcher.add({"tenant_id": tenant, "numeric_props": {"x": float("nan")}})
            assert batcher.add({"tenant_id": tenant}) and batcher.flush(60)
            assert batcher.add(event(tenant)) and batcher.flush(60)
    finally:
        logging.getLogger("emban").removeHandler(handler)
    assert module_organization.count(tenant) == 1


def test_a_callback_may_flush_and_close(module_organization: Organization, tenant: str, client: sdk.Emban) -> None:
    """In the batcher's own thread, which cannot wait for itself."""
    seen: list[bool] = []

    def told(problem: sdk.BatchProblem) -> None:
        seen.extend([batcher.flush(), batcher.close()])

    batcher = sdk.Batcher(client, max_seconds=3600, exit_seconds=90, on_problem=told)
    batcher.add({"tenant_id": tenant})
    batcher.add(event(tenant))
    batcher.flush(60)
    wait_until(lambda: len(seen) == 2)
    assert seen == [False, False] and batcher.close(60)
    assert module_organization.count(tenant) == 1
