"""Events sent in the background by the Python package: programs of their own that end, fork, wait and overflow, against the real server."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from embantest.faulty_proxy import LOSE, REFUSE, FaultyProxy, busy
from embantest.process import ROOT, EmbanProcess, free_port
from embantest.python_sdk import ended_well, run, sdk, wait_until
from embantest.workspace import ALWAYS, Organization, event


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


# --- Ends of programs -----------------------------------------------------------------------------------------------------


def test_a_program_that_ends_without_flushing_loses_nothing(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    ended_well(run("""
        batcher = Batcher(Emban(), max_seconds=3600, exit_seconds=90)
        for number in range(1_234):
            assert batcher.add({"tenant_id": tenant, "event_name": "api.call", "numeric_props": {"tokens": number}})
        """, module_organization.base, module_organization.key, tenant, tmp_path))
    assert module_organization.count(tenant) == 1_234


def test_a_program_whose_client_is_closed_first_loses_nothing(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    """And one that ends by an exception, and adds once more while it ends."""
    done = run("""
        import atexit
        with Emban() as client:
            batcher = Batcher(client, max_seconds=3600, exit_seconds=90)
            batcher.add({"tenant_id": tenant, "event_name": "api.call"})
        atexit.register(lambda: batcher.add({"tenant_id": tenant, "event_name": "api.call"}))
        raise SystemExit(3)
        """, module_organization.base, module_organization.key, tenant, tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert module_organization.count(tenant) == 2


def test_an_answer_that_is_lost_at_the_end_counts_once(
    module_organization: Organization, tenant: str, tmp_path: Path, proxy: FaultyProxy,
) -> None:
    proxy.faults.extend([LOSE, REFUSE, busy(503, "0")])
    ended_well(run("""
        batcher = Batcher(Emban(), max_seconds=3600, exit_seconds=90)
        for _ in range(300):
            batcher.add({"tenant_id": tenant, "event_name": "api.call"})
        """, proxy.url, module_organization.key, tenant, tmp_path))
    assert module_organization.count(tenant) == 300 and len(proxy.seen) >= 4


def test_forks_and_workers_send_their_own_events_once(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    """What waits in the parent when it forks is sent by the parent alone; children send theirs, also those that end without atexit."""
    ended_well(run("""
        import multiprocessing, sys

        client = Emban()
        batcher = Batcher(client, max_seconds=3600, exit_seconds=90)

        def add(count, name):
            for _ in range(count):
                assert batcher.add({"tenant_id": tenant, "event_name": name})

        if __name__ == "__main__":
            client.ingest([{"tenant_id": tenant, "event_name": "before"}])  # an open connection, which the children inherit
            add(10, "parent")
            child = os.fork()
            if child == 0:
                assert batcher.stats.queued == 0
                add(20, "child")
                client.ingest([{"tenant_id": tenant, "event_name": "direct"}])
                sys.exit(0)
            client.ingest([{"tenant_id": tenant, "event_name": "direct"}])
            assert os.waitpid(child, 0)[1] == 0
            workers = [multiprocessing.get_context("fork").Process(target=add, args=(30, "worker")) for _ in range(2)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
                assert worker.exitcode == 0
            add(1, "parent")
        """, module_organization.base, module_organization.key, tenant, tmp_path))
    counted = {name: module_organization.count(tenant, event_name=name) for name in ("before", "parent", "child", "direct", "worker")}
    assert counted == {"before": 1, "parent": 11, "child": 20, "direct": 2, "worker": 60}


def test_an_asyncio_program_that_ends_without_closing_loses_nothing(module_organization: Organization, tenant: str, tmp_path: Path) -> None:
    ended_well(run("""
        import asyncio

        async def main():
            batcher = AsyncBatcher(AsyncEmban(), max_events=100, max_seconds=3600, exit_seconds=90)
            for number in range(1_050):
                assert batcher.add({"tenant_id": tenant, "event_name": "api.call"})
                if number % 200 == 0:
                    await asyncio.sleep(0)

        asyncio.run(main())
        """, module_organization.base, module_organization.key, tenant, tmp_path))
    assert module_organization.count(tenant) == 1_050


def test_a_server_that_is_not_there_holds_the_end_up_for_so_long_only(tenant: str, tmp_path: Path) -> None:
    begin = time.monotonic()
    done = run("""
        def told(problem):
            print(problem.reason, problem.count, problem.error.code)

        batcher = Batcher(Emban(), on_problem=told, exit_seconds=1)
        for _ in range(700):
            batcher.add({"tenant_id": tenant, "event_name": "api.call"})
        """, f"http://127.0.0.1:{free_port()}", "eb_ing_nobody", tenant, tmp_path)
    told = [line.split() for line in ended_well(done).splitlines()]
    assert {(reason, code) for reason, _, code in told} <= {("abandoned", "network")} and told
    assert sum(int(count) for _, count, _ in told) == 700
    assert time.monotonic() - begin < 60


# --- While a program runs -------------------------------------------------------------------------------------------------


def test_batches_go_by_size_and_by_time(module_organization: Organization, tenant: str, proxy: FaultyProxy) -> None:
    with sdk.Emban(proxy.url, api_key=module_organization.key) as client, sdk.Batcher(client, max_events=100, max_seconds=3600) as batcher:
        for _ in range(250):
            batcher.add(event(tenant))
        wait_until(lambda: batcher.stats.accepted == 200)
        assert batcher.stats.queued == 50
        assert batcher.flush(60) and batcher.stats.accepted == 250
        soon = sdk.Batcher(client, max_seconds=0.2)
        soon.add(event(tenant))
        wait_until(lambda: soon.stats.accepted == 1)
        assert soon.close() and not soon.add(event(tenant))
    assert len(proxy.seen) == 4
    assert module_organization.count(tenant) == 251


def test_events_have_the_time_at_which_they_were_added(module_organization: Organization, tenant: str, proxy: FaultyProxy) -> None:
    """The server is away for two seconds; the events belong to the time before."""
    proxy.always = busy(503)
    with sdk.Emban(proxy.url, api_key=module_organization.key) as client:
        batcher = sdk.Batcher(client, max_seconds=0)
        one: dict[str, Any] = event(tenant)
        begin = datetime.now(timezone.utc)
        batcher.add(one)
        end = datetime.now(timezone.utc)
        one["tenant_id"] = "changed afterwards"
        wait_until(lambda: len(proxy.seen) >= 3)
        proxy.faults.clear()
        proxy.always = type(proxy.always)("pass")
        assert batcher.close(60)
    [row] = [t for t in client_tenants(module_organization) if t["tenant_id"] == tenant]
    stored = datetime.fromisoformat(row["last_seen"].replace("Z", "+00:00"))
    assert begin - timedelta(milliseconds=2) <= stored <= end


def client_tenants(organization: Organization) -> list[Any]:
    return organization.admin.pages("/v1/tenants", limit=200)


def test_what_does_not_fit_is_told_of_and_the_rest_counts_once(
    module_organization: Organization, tenant: str, proxy: FaultyProxy, problems: list[sdk.BatchProblem],
) -> None:
    """The server is away, then loses an answer, then is back."""
    proxy.always = REFUSE
    with sdk.Emban(proxy.url, api_key=module_organization.key) as client:
        batcher = sdk.Batcher(client, max_events=50, max_seconds=0.05, queue_size=200, on_problem=problems.append)
        taken = [batcher.add(event(tenant)) for _ in range(260)]
        assert taken.count(True) == 200 and {one.reason for one in problems} == {"overflow"} and len(problems) == 60
        wait_until(lambda: len(proxy.seen) >= 2)
        assert not batcher.flush(0.1)
        proxy.faults.append(LOSE)
        proxy.always = type(proxy.always)("pass")
        assert batcher.flush(60)
        assert batcher.stats == sdk.BatcherStats(queued=0, accepted=200, rejected=0, lost=60)
        assert batcher.close()
    assert module_organization.count(tenant) == 200
    with sdk.Emban(module_organization.base, api_key=module_organization.key) as client:
        client.ingest([one for problem in problems for one in problem.events])
    assert module_organization.count(tenant) == 260


def test_wrong_events_and_refusals_are_told_of(
    module_organization: Organization, tenant: str, problems: list[sdk.BatchProblem], caplog: pytest.LogCaptureFixture,
) -> None:
    key = module_organization.new_key("ingest")
    with sdk.Emban(module_organization.base, api_key=key["key"]) as client:
        batcher = sdk.Batcher(client, max_seconds=3600, on_problem=problems.append)
        assert batcher.add(event(tenant)) and batcher.add({"tenant_id": tenant}) and batcher.add(event(tenant, name=""))
        assert not batcher.add(event(tenant, numeric_props={"tokens": float("inf")}))
        assert batcher.flush(60)
        local, remote = problems
        assert (local.reason, local.rejections[0].code) == ("rejected", "not_json")
        assert (remote.reason, remote.count) == ("rejected", 2)
        assert [(one.index, one.code) for one in remote.rejections] == [(0, "event_name_missing"), (1, "event_name_length")]
        assert [one.get("event_name") for one in remote.events] == [None, ""]
        assert batcher.stats == sdk.BatcherStats(queued=0, accepted=1, rejected=3, lost=0)
        assert module_organization.admin.delete(f"/v1/api-keys/{key['id']}").status == 204
        batcher.add(event(tenant))
        assert batcher.flush(60)
        assert problems[2].reason == "refused" and isinstance(problems[2].error, sdk.AuthenticationError)
        batcher.close()
        # Without a callback the log hears of it, without the events.
        silent = sdk.Batcher(client, max_seconds=0)
        with caplog.at_level(logging.WARNING, "emban"):
            silent.add(event(tenant))
            assert silent.flush(60)
        assert "1 events were not stored: refused" in caplog.text and tenant not in caplog.text
        silent.close()


def test_a_callback_that_fails_does_not_stop_the_batches(module_organization: Organization, tenant: str) -> None:
    def fail(_: sdk.BatchProblem) -> None:
        raise RuntimeError("in the callback")

    with sdk.Emban(module_organization.base, api_key=module_organization.key) as client:
        with sdk.Batcher(client, max_seconds=0, on_problem=fail) as batcher:
            batcher.add({"tenant_id": tenant})
            assert batcher.flush(60)
            batcher.add(event(tenant))
            assert batcher.flush(60)
    assert module_organization.count(tenant) == 1


def test_batches_of_asyncio(module_organization: Organization, tenant: str, proxy: FaultyProxy, problems: list[sdk.BatchProblem]) -> None:
    async def main() -> None:
        async with sdk.AsyncEmban(proxy.url, api_key=module_organization.key) as client:
            async with sdk.AsyncBatcher(
                client, max_events=100, max_seconds=3600, queue_size=300, on_problem=problems.append, exit_seconds=90,
            ) as batcher:
                proxy.always = REFUSE
                for _ in range(310):
                    batcher.add(event(tenant))
                batcher.add({"tenant_id": tenant, "numeric_props": {"x": float("nan")}})
                assert not await batcher.flush(0.2)
                proxy.faults.append(LOSE)
                proxy.always = type(proxy.always)("pass")
                assert await batcher.flush(60)
                assert batcher.stats == sdk.BatcherStats(queued=0, accepted=300, rejected=1, lost=10)
                batcher.add(event(tenant))
            assert batcher.stats.accepted == 301 and not batcher.add(event(tenant))
            counted = await client.query({"metric": "count", "period": ALWAYS}, tenant_id=tenant)
            assert counted.value == 301

    # In a thread of its own: in this one a browser's loop may be running.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, main()).result(180)
    assert [one.reason for one in problems].count("overflow") == 10 and problems[-1].reason == "closed"


# --- The package ----------------------------------------------------------------------------------------------------------


def test_the_package_can_be_built_and_installed(tmp_path: Path) -> None:
    """What a user gets: built by pip, with its types, and usable from nowhere near the sources."""
    target = tmp_path / "installed"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check",
         "--target", str(target), str(ROOT / "sdk" / "python")], check=True, timeout=300, cwd=tmp_path)
    assert (target / "emban" / "py.typed").is_file()
    script = "import emban, sys; assert emban.__file__.startswith(sys.argv[1]), emban.__file__; print(emban.__version__, emban.Emban)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)})
    assert done.stdout.startswith(sdk.__version__)
