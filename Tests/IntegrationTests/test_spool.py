"""The spool: what is answered 200 while ClickHouse is away is counted once when it is back, whatever is killed in between."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client, Response, expect_error
from embantest.event_store import EventStore
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event

Servers = Callable[..., EmbanProcess]


def send(organization: Organization, *events: dict[str, Any]) -> Response:
    return organization.admin.post("/v1/events", {"events": list(events)})


def spool(server: EmbanProcess) -> dict[str, Any]:
    return server.client.get("/readyz").json["spool"]


def wait_for(condition: Callable[[], bool], what: str, server: EmbanProcess, seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; {spool(server)}; the log:\n{server.log[-3000:]}"
        time.sleep(0.05)


def drained(server: EmbanProcess, seconds: float = 200) -> None:
    server.wait_ready()
    wait_for(lambda: spool(server)["pending_events"] == 0, "an empty spool", server, seconds)


def metrics(server: EmbanProcess) -> dict[str, float]:
    answer = server.client.get("/metrics")
    assert answer.status == 200 and answer.header("Content-Type").startswith("text/plain"), str(answer)
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in answer.text.splitlines() if not line.startswith("#")}


class Frozen:
    """ClickHouse takes connections and answers nothing."""

    def __init__(self, server: EmbanProcess) -> None:
        (self.pid,) = server.children()

    def __enter__(self) -> Frozen:
        os.kill(self.pid, signal.SIGSTOP)
        return self

    def __exit__(self, *_: object) -> None:
        # Some tests end it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)


def test_events_are_taken_while_clickhouse_hangs_and_counted_once(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event(event_id=f"before-{n}") for n in range(50)])
    assert spool(server) == {"state": "empty", "pending_events": 0, "pending_bytes": 0, "oldest_seconds": 0, "broken_inserts": 0, "set_aside": 0, "unreadable": []}
    with Frozen(server):
        # The first finds out; its insert may have arrived, and the same ids are sent again while nobody can tell.
        assert send(organization, event(event_id="x"), event()).json == {"accepted": 2, "status": "ok"}
        begin = time.monotonic()
        for number in range(200):
            assert send(organization, event(event_id="x"), event(event_id=f"n{number // 2}"), event()).status == 200
        # Not each after a wait of its own.
        assert time.monotonic() - begin < 100
        waiting = spool(server)
        assert waiting["state"] == "pending" and waiting["pending_events"] == 602 and waiting["pending_bytes"] > 10_000
        assert metrics(server)["emban_spool_pending_events"] == 602
    drained(server)
    assert organization.count() == 50 + 1 + 1 + 100 + 200
    # Directly again, and the ids that came through the spool are known.
    assert send(organization, event(event_id="x"), event(event_id="n7"), event(event_id="new")).json["accepted"] == 3
    assert organization.count() == 353
    seen = metrics(server)
    assert seen["emban_spool_events_total"] == seen["emban_spool_replayed_events_total"] == 602
    assert seen["emban_ingest_events_accepted_total"] == 50 + 602 + 3 and seen["emban_event_store_up"] == 1
    # A thousand small requests are a few inserts.
    assert seen["emban_ingest_inserts_total"] < 20
    assert list((server.data_dir / "spool").glob("*.segment")) == []
    server.close()


def test_a_kill_of_both_at_any_moment_loses_and_doubles_nothing(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    acknowledged = unknown = 0
    for round in range(4):
        (child,) = server.children()
        os.kill(child, signal.SIGKILL)
        for number in range(40):
            try:
                answer = send(organization, event(event_id=f"{round}-{number}"), event())
                assert answer.status == 200, str(answer)
                acknowledged += 2
            except OSError:
                unknown += 2
            if number == 25:
                # While it is replayed, or about to be.
                time.sleep(round * 0.35)
                server.kill()
                server.launch()
                wait_for_health(server)
        server.kill()
        server.start()
    drained(server)
    count = organization.count()
    assert acknowledged <= count <= acknowledged + unknown, (acknowledged, unknown, count)
    assert unknown == 0 and count == 320
    # The tenant's days tell the same.
    assert organization.count("acme") == 320
    server.close()


def wait_for_health(server: EmbanProcess) -> None:
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        try:
            if server.client.get("/healthz", timeout=2).status == 200:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise AssertionError(f"no answer from /healthz; the log:\n{server.log[-3000:]}")


def test_events_are_taken_while_the_program_starts(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event()])
    assert server.terminate() == 0
    server.launch()
    wait_for_health(server)
    statuses = []
    for number in range(30):
        statuses.append(send(organization, event(event_id=f"early-{number}")).status)
    assert set(statuses) == {200}, statuses
    drained(server)
    assert organization.count() == 31
    server.close()


def test_a_graceful_stop_keeps_what_clickhouse_does_not_take(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    with Frozen(server) as frozen:
        for _ in range(5):
            assert send(organization, event(), event(event_id="same")).status == 200
        os.kill(frozen.pid, signal.SIGKILL)
        assert server.terminate() == 0
    server.start()
    drained(server)
    assert organization.count() == 6
    server.close()


def tear(segment: Path) -> None:
    segment.write_bytes(segment.read_bytes() + b"EMBR" + os.urandom(30))


def damage(segment: Path) -> None:
    content = bytearray(segment.read_bytes())
    content[len(content) // 2] ^= 0x20
    segment.write_bytes(bytes(content))


@pytest.mark.parametrize(("harm", "lost", "word"), [(tear, 0, "cut off"), (damage, 1, "set aside")], ids=["torn", "damaged"])
def test_a_broken_segment_costs_at_most_its_broken_record(
    own_server: Servers, harm: Callable[[Path], None], lost: int, word: str,
) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    with Frozen(server) as frozen:
        for number in range(9):
            assert send(organization, event(event_id=str(number))).status == 200
        server.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(frozen.pid, signal.SIGKILL)
    (segment,) = (server.data_dir / "spool").glob("*.segment")
    harm(segment)
    server.start()
    drained(server)
    assert organization.count() == 9 - lost
    assert spool(server)["set_aside"] == lost and word in server.log
    assert len(list((server.data_dir / "spool/set-aside").iterdir())) == lost
    server.close()


def test_a_full_spool_is_503_and_nothing_of_the_request_is_kept(own_server: Servers) -> None:
    server = own_server(environment={"EMBAN_SPOOL_MB": "1"}).start()
    organization = Organization(server.url)
    accepted = 0
    with Frozen(server):
        while True:
            answer = send(organization, *[event(string_props={"note": "x" * 4000}, event_id=f"{accepted + n}") for n in range(20)])
            if answer.status != 200:
                break
            accepted += 20
            assert accepted < 1_000
        expect_error(answer, 503, "spool_full")
        assert int(answer.header("Retry-After")) >= 1
        assert spool(server)["state"] == "full" and spool(server)["pending_events"] == accepted
        assert metrics(server)["emban_spool_refusing"] == 1
        files = sum(path.stat().st_size for path in (server.data_dir / "spool").glob("*.segment"))
        assert files <= 1 << 20
    drained(server)
    assert accepted > 100 and organization.count() == accepted
    assert send(organization, event()).status == 200
    assert spool(server)["state"] == "empty"
    server.close()


def test_without_a_spool_events_are_refused(own_server: Servers) -> None:
    server = own_server(environment={"EMBAN_SPOOL_MB": "0"}).start()
    organization = Organization(server.url)
    assert spool(server)["state"] == "off"
    (child,) = server.children()
    os.kill(child, signal.SIGSTOP)
    try:
        expect_error(organization.admin.post("/v1/events", {"events": [event(event_id="a")]}), 503, "event_store_unavailable")
    finally:
        os.kill(child, signal.SIGCONT)
    assert send(organization, event(event_id="b")).status == 200
    server.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_503_and_every_answered_event_survives_it(own_server: Servers, small_disk: Path) -> None:
    server = own_server()
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "spool").symlink_to(small_disk, target_is_directory=True)
    server.start()
    organization = Organization(server.url)
    accepted = 0
    with Frozen(server) as frozen:
        refused = 0
        while refused < 3:
            answer = send(organization, *[event(string_props={"note": "x" * 4000}) for _ in range(7)])
            if answer.status == 200:
                assert refused == 0
                accepted += 7
            else:
                expect_error(answer, 503, "spool_unavailable")
                assert int(answer.header("Retry-After")) >= 1
                refused += 1
        assert spool(server)["state"] == "failing" and accepted > 100
        # Its end while the disk is full, and a start on a full disk.
        server.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(frozen.pid, signal.SIGKILL)
    server.start()
    drained(server)
    assert organization.count() == accepted
    assert spool(server)["state"] == "empty"
    server.close()


def test_metrics_name_nobody_and_are_well_formed(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event("very-secret-customer")])
    expect_error(send(organization, {"tenant_id": "very-secret-customer", "event_name": ""}), 422)
    text = server.client.get("/metrics").text
    assert "secret" not in text and organization.id not in text
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{code=\"[a-z_]+\"\})? [0-9.e+-]+", line), line
    assert sum(value for name, value in metrics(server).items() if name.startswith("emban_ingest_events_rejected_total")) == 1
    assert metrics(server)["process_resident_memory_bytes"] > 1_000_000
    assert Client(server.url).get("/metrics").status == 200
    server.close()


def test_what_clickhouse_refuses_is_reported_and_costs_no_other_event(tmp_path: Path) -> None:
    """A rule was added to the table by hand: rows that we take for valid are refused by the store."""
    with EventStore(tmp_path) as store, EmbanProcess(environment={"EMBAN_CLICKHOUSE_URL": store.address}) as server:
        organization = Organization(server.url)
        store.ask("ALTER TABLE emban.events ADD CONSTRAINT no_poison CHECK user_id != 'poison'")

        def mixed(prefix: str) -> list[dict[str, Any]]:
            return [event(event_id=f"{prefix}{n}", user_id="poison" if n in (2, 5) else "good") for n in range(8)]

        def stored() -> list[str]:
            return store.ask("SELECT count(), countIf(user_id = 'poison'), (SELECT count() FROM emban.event_ids), "
                             "(SELECT sum(n) FROM emban.tenant_days) FROM emban.events")[0]

        # Directly: the sender is told which.
        answer = send(organization, *mixed("a")).expect(200)
        assert answer["accepted"] == 6 and answer["status"] == "partial" and answer["rejected"] == 2
        assert [(error["index"], error["code"]) for error in answer["errors"]] == [(2, "not_storable"), (5, "not_storable")]
        assert stored() == ["6", "0", "6", "6"] and organization.count() == 6
        expect_error(send(organization, event(user_id="poison")), 422, "no_valid_event")
        # Sent again, the good ones are known, and the others are refused again.
        assert send(organization, *mixed("a")).expect(200)["accepted"] == 6
        assert stored() == ["6", "0", "6", "6"]

        # Through the spool: they were answered, and are kept for a person to look at.
        os.kill(store.process.pid, signal.SIGSTOP)
        try:
            for prefix in "bc":
                assert send(organization, *mixed(prefix)).expect(200) == {"accepted": 8, "status": "ok"}
            assert spool(server)["pending_events"] == 16
        finally:
            os.kill(store.process.pid, signal.SIGCONT)
        drained(server)
        assert stored() == ["18", "0", "18", "18"] and organization.count() == 18
        assert spool(server)["set_aside"] == metrics(server)["emban_spool_set_aside"] == 4
        kept = [json.loads(path.read_text()) for path in (server.data_dir / "spool/set-aside").iterdir()]
        assert sorted(note["event"]["event_id"] for note in kept) == ["b2", "b5", "c2", "c5"]
        assert all("no_poison" in note["cause"] for note in kept)
        assert "The store refused an event of the spool; it is set aside" in server.log
        # What comes after them is stored directly again.
        assert send(organization, event(event_id="later")).status == 200
        assert stored() == ["19", "0", "19", "19"]
