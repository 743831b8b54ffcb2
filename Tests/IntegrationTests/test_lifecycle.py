"""Starting, stopping, dying: the program and its ClickHouse as an operator meets them."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Response, expect_error
from embantest.files import clickhouse
from embantest.process import START_SECONDS, STOP_SECONDS, EmbanProcess, processes_naming, refused
from embantest.steady import eventually
from embantest.workspace import Organization, event, kpi

Servers = Callable[..., EmbanProcess]


def test_health_comes_before_readiness(own_server: Servers, tmp_path: Path) -> None:
    """Its ClickHouse serves only when both have been asked."""
    go, slow = tmp_path / "go", tmp_path / "clickhouse"
    slow.write_text(f'#!/bin/sh\n[ "$1" != server ] || while [ ! -e {go} ]; do sleep 0.1; done\nexec {clickhouse()} "$@"\n')
    slow.chmod(0o755)
    server = own_server(environment={"EMBAN_CLICKHOUSE_BIN": str(slow)})
    server.launch()
    health = ready = None
    statuses: set[int] = set()
    deadline = time.monotonic() + START_SECONDS
    while ready is None and time.monotonic() < deadline:
        try:
            if health is None and server.client.get("/healthz", timeout=2).status == 200:
                health = time.monotonic()
            if health is not None:
                answer = server.client.get("/readyz", timeout=2)
                statuses.add(answer.status)
                if answer.status == 200:
                    ready = time.monotonic()
                else:
                    expect_error(answer, 503)
                    assert int(answer.header("Retry-After")) >= 1
                    go.touch()
        except OSError:
            pass
        time.sleep(0.005)
    assert health is not None and ready is not None and health <= ready
    assert statuses == {200, 503}, "ready only when ClickHouse is; alive before"
    server.close()


def test_a_second_emban_on_the_same_data_is_refused_with_a_sentence(own_server: Servers) -> None:
    first = own_server().start()
    children = first.children()
    assert len(children) == 1
    log = refused(own_server(data_dir=first.data_dir), str(first.data_dir))
    assert "another" in log.lower() or "already" in log.lower(), log
    assert first.client.get("/readyz").status == 200 and first.children() == children
    first.close()


def test_clickhouse_is_started_again_when_it_dies(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event(event_id=str(n)) for n in range(100)])
    session = organization.session("acme", organization.create_dashboard([kpi("w")], publish=True)["id"])
    assert session.value("w") == 100
    for _ in range(2):
        (child,) = server.children()
        os.kill(child, signal.SIGKILL)
        during: list[Response] = []
        begin = time.monotonic()
        while time.monotonic() - begin < START_SECONDS:
            during.append(session.query(widgets=["w"]))
            if server.children().keys() - {child} and server.client.get("/readyz").status == 200:
                break
            time.sleep(0.05)
        for answer in during:
            if answer.status == 503:
                expect_error(answer, 503)
                assert int(answer.header("Retry-After")) >= 1
            else:
                assert answer.status == 200, str(answer)
                result = answer.json["results"]["w"]
                assert "error" in result or result["rows"][0]["value"] == 100
        (restarted,) = server.children()
        assert restarted != child
        assert session.value("w") == 100 and organization.count() == 100
    organization.ingest([event()])
    assert organization.count() == 101
    server.close()


def test_a_configuration_that_is_locked_for_long_ends_nobody(own_server: Servers) -> None:
    """Another program writes to it for longer than five seconds, during the start."""
    server = own_server().start()
    assert server.terminate() == 0
    with closing(sqlite3.connect(server.data_dir / "emban.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        server.launch()
        eventually(lambda: "the configuration store cannot be used yet" in server.log, what="a start that tries again")
        assert server.process is not None and server.process.poll() is None
        other.execute("ROLLBACK")
    server.wait_ready()
    server.close()


def test_events_sent_while_clickhouse_is_away_are_stored_or_refused_never_lost(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event()])
    accepted = 1
    (child,) = server.children()
    os.kill(child, signal.SIGKILL)
    for number in range(30):
        answer = organization.admin.post("/v1/events", {"events": [event(event_id=f"away-{number}")]})
        if answer.status == 200:
            accepted += 1
        else:
            expect_error(answer, 503)
            assert int(answer.header("Retry-After")) >= 1
        time.sleep(0.03)
    server.wait_store_restarted([child])
    eventually(organization.count, lambda count: count >= accepted, f"{accepted} events")
    assert organization.count() == accepted
    server.close()


def test_kill_9_of_emban_leaves_nothing_that_the_next_start_does_not_handle(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event() for _ in range(50)])
    session = organization.session("acme", organization.create_dashboard([kpi("w")], publish=True)["id"])
    for _ in range(2):
        server.kill()
        seen: set[int] = set()
        server.launch()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            children = server.children()
            # A list of processes is no moment: the old one may end, and the new one begin, while it is made. Two at once are in the next one, too.
            seen.add(len(children) if len(children) < 2 else len(children.keys() & server.children().keys()))
            try:
                if server.client.get("/readyz", timeout=2).status == 200:
                    break
            except OSError:
                pass
            time.sleep(0.02)
        assert server.client.get("/readyz").status == 200
        assert len(server.children()) == 1, server.children()
        assert max(seen) <= 1, "never two ClickHouse servers on one data directory"
        assert organization.count() == 50 and session.value("w") == 50
    server.close()


def test_sigterm_lets_requests_finish(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    statuses: list[int | str] = []
    stop = threading.Event()
    accepted = 0
    lock = threading.Lock()

    def work(worker: int) -> None:
        nonlocal accepted
        number = 0
        while not stop.is_set():
            number += 1
            try:
                batch = [event(event_id=f"{worker}-{number}-{n}") for n in range(20)]
                answer = organization.admin.post("/v1/events", {"events": batch})
            except OSError as error:
                with lock:
                    statuses.append(type(error).__name__)
                return
            with lock:
                statuses.append(answer.status)
                accepted += 20 * (answer.status == 200)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: statuses.count(200), lambda count: count > 20, "requests that are answered")
    begin = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - begin < STOP_SECONDS / 2, "nothing long was running"
    stop.set()
    for thread in threads:
        thread.join()
    server.wait_no_children()
    assert statuses.count(200) > 10
    # A connection that the server has not taken yet is refused or reset; a request that it has taken is answered to its end.
    assert set(statuses) <= {200, 503, "ConnectionRefusedError", "ConnectionResetError", "RemoteDisconnected"}, set(statuses)
    taken = len(re.findall(r"path=/v1/events .*status=200", server.log))
    assert taken == statuses.count(200), "every request that was served has reached its sender"
    server.start()
    assert organization.count() == accepted, "every 200 was durable"
    server.close()


def test_every_200_survives_the_death_of_both_processes(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    accepted: list[int] = []
    sent: list[int] = []
    stop = threading.Event()

    def work(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            sent.append(10)
            try:
                batch = [event(event_id=f"{worker}-{number}-{n}") for n in range(10)]
                if organization.admin.post("/v1/events", {"events": batch}).status == 200:
                    accepted.append(10)
            except (OSError, http.client.HTTPException):
                return

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: sum(accepted), lambda count: count > 200, "events that are acknowledged")
    children = list(server.children())
    server.kill()
    for child in children:
        # It ends by itself soon after its parent.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    server.start()
    stored = organization.count()
    assert sum(accepted) > 100 and sum(accepted) <= stored <= sum(sent)
    server.close()


def test_an_import_works_without_a_server_and_only_then(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    file = server.folder / "calls.csv"
    file.write_text("when,who,ms\n" + "".join(f"2026-01-0{1 + n % 9}T00:00:00Z,acme,{n}\n" for n in range(500)))
    command = [
        "import", str(file), "--data-dir", str(server.data_dir), "--tenant-column", "who", "--event-name", "call",
        "--timestamp-column", "when", "--numeric", "ms"]
    beside = server.run(*command)
    assert beside.returncode > 0 and "--url" in beside.stdout + beside.stderr, "while a server runs the import goes through it"
    assert organization.count() == 0
    assert server.terminate() == 0
    alone = server.run(*command)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    server.wait_no_children()
    server.start()
    assert organization.count("acme") == 500
    server.close()


def test_sigterm_waits_for_a_request_that_is_half_sent(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    body = b'{"events":[{"tenant_id":"slow","event_name":"x"}]}'
    with socket.create_connection(("127.0.0.1", server.port), timeout=STOP_SECONDS) as connection:
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {organization.key}\r\nContent-Type: application/json\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
        eventually(lambda: unread(server.port, connection.getsockname()[1]), lambda count: count == 0, "that the server has read what there is")
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.7)
        connection.sendall(body[20:])
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
    assert server.process.wait(STOP_SECONDS) == 0
    server.start()
    assert organization.count("slow") == 1
    server.close()


def unread(port: int, from_port: int) -> int | None:
    """How many bytes of a connection the server has not taken yet; None when there is no such connection."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, state, queues = line.split()[1:5]
        if int(local.rpartition(":")[2], 16) == port and int(remote.rpartition(":")[2], 16) == from_port and state == "01":
            return int(queues.rpartition(":")[2], 16)
    return None


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_ending_while_starting_leaves_nothing(own_server: Servers, signal_name: str) -> None:
    for delay in (0.05, 0.3, 0.8):
        server = own_server()
        server.launch()
        time.sleep(delay)
        assert server.process is not None
        server.process.send_signal(getattr(signal, signal_name))
        # Before the program has set up its handlers the signal itself ends it; later it ends cleanly.
        assert server.process.wait(STOP_SECONDS) in (0, -getattr(signal, signal_name), 128 + getattr(signal, signal_name)), server.log
        server.wait_no_children()


def test_data_survives_a_restart(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event(event_id=str(n)) for n in range(200)])
    made = organization.create_dashboard([kpi("w")], publish=True)
    session = organization.session("acme", made["id"])
    console = organization.login()
    assert server.terminate() == 0
    server.start()
    assert organization.count() == 200
    assert organization.admin.get(f"/v1/dashboards/{made['id']}").expect(200)["widgets"] == made["widgets"]
    assert session.value("w") == 200, "tokens of before the restart stay good"
    assert console.get("/v1/auth/me").status == 200
    organization.ingest([event(event_id="7")])
    assert organization.count() == 200, "event ids are remembered"
    server.close()


def test_nothing_in_the_data_directory_is_readable_by_others(own_server: Servers) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    organization.ingest([event()])
    opened: list[str] = []
    assert not server.data_dir.stat().st_mode & 0o077, oct(server.data_dir.stat().st_mode)
    for path in server.data_dir.rglob("*"):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # ClickHouse merges parts meanwhile
        if stat.S_ISREG(mode) and mode & 0o004:
            opened.append(f"{path.relative_to(server.data_dir)} {oct(mode)}")
    assert not opened, opened[:20]
    secret_files = [path for path in server.data_dir.rglob("*") if path.is_file() and ("secret" in path.name or "password" in path.name)]
    for path in secret_files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    server.close()


def test_clickhouse_listens_on_loopback_and_wants_a_password(own_server: Servers) -> None:
    server = own_server().start()
    (child,) = server.children()
    listing = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=True).stdout
    addresses = [line.split()[3] for line in listing.splitlines() if f"pid={child}," in line]
    assert addresses and all(address.startswith(("127.0.0.1:", "[::1]:")) for address in addresses), addresses
    handed = {line.partition("=")[0] for line in Path(f"/proc/{child}/environ").read_text().split("\0")} - set(os.environ)
    assert not [name for name in handed if "PASS" in name.upper() or "SECRET" in name.upper()], handed
    assert "password" not in Path(f"/proc/{child}/cmdline").read_text().lower()
    refusals = 0
    for address in addresses:
        connection = http.client.HTTPConnection("127.0.0.1", int(address.rsplit(":", 1)[1]), timeout=60)
        try:
            connection.request("GET", "/?query=SELECT%201")
            answer = connection.getresponse()
            assert answer.status != 200, answer.read()
            refusals += 1
        except (OSError, http.client.HTTPException):
            pass  # the native port
        finally:
            connection.close()
    assert refusals >= 1
    server.close()


# --- Settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("environment", "key"), [
    ({"EMBAN_SECRET_KEY": "changeme"}, "EMBAN_SECRET_KEY"), ({"EMBAN_SECRET_KEY": "secret"}, "EMBAN_SECRET_KEY"),
    ({"EMBAN_SECRET_KEY": "a" * 64}, "EMBAN_SECRET_KEY"), ({"EMBAN_SECRET_KEY": "short-but-odd-9"}, "EMBAN_SECRET_KEY"),
    ({"EMBAN_PUBLIC_URL": "not a url"}, "EMBAN_PUBLIC_URL"), ({"EMBAN_LOG_LEVEL": "loud"}, "EMBAN_LOG_LEVEL"),
    ({"EMBAN_DATABASE_URL": "mysql://x"}, "EMBAN_DATABASE_URL"), ({"EMBAN_DEFAULT_PLAN": "gold"}, "EMBAN_DEFAULT_PLAN"),
    ({"EMBAN_ALLOWED_ORIGINS": "app.example.com"}, "EMBAN_ALLOWED_ORIGINS"),
    ({"EMBAN_CLICKHOUSE_BIN": "/no/such/program"}, "EMBAN_CLICKHOUSE_BIN"),
    ({"EMBAN_CLICKHOUSE_URL": "tcp://x"}, "EMBAN_CLICKHOUSE_URL"), ({"EMBAN_ADOPT_EVENTS": "yes"}, "EMBAN_ADOPT_EVENTS"),
    ({"EMBAN_QUERY_SECONDS": "0"}, "EMBAN_QUERY_SECONDS"), ({"EMBAN_QUERY_SECONDS": "61"}, "EMBAN_QUERY_SECONDS"), ({"EMBAN_SQL_SECONDS": "601"}, "EMBAN_SQL_SECONDS"),
], ids=str)
def test_wrong_settings_are_refused_by_name(own_server: Servers, environment: dict[str, str], key: str) -> None:
    server = own_server(environment=environment)
    log = refused(server, key)
    assert "short-but-odd-9" not in log and "a" * 64 not in log, "a secret is not repeated"
    assert server.children() == {}


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1", "8080x", "80 80"])
def test_a_wrong_port_is_refused_by_name(own_server: Servers, monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    server = own_server(environment={"EMBAN_PORT": port})
    whole = EmbanProcess.command_line(server)
    without = [word for number, word in enumerate(whole) if word != "--port" and (number == 0 or whole[number - 1] != "--port")]
    monkeypatch.setattr(server, "command_line", lambda: without)
    refused(server, "EMBAN_PORT")


def test_flags_go_before_environment_before_file(own_server: Servers) -> None:
    server = own_server(environment={"EMBAN_PORT": "1", "EMBAN_PUBLIC_URL": "https://environment.example"})
    (server.folder / "emban.yaml").write_text("public_url: https://file.example\nlog_level: warning\n")
    server.start()
    organization = Organization(server.url)
    session = organization.session("acme", organization.create_dashboard(publish=True)["id"])
    assert session.embed_url.startswith("https://environment.example/embed/")
    server.close()


@pytest.mark.parametrize(("text", "name"), [
    ("prot: 8080\n", "prot"), ("public_url: nonsense\n", "EMBAN_PUBLIC_URL"), ("port: [1\n", "emban.yaml"),
    ("log_level: loud\n", "EMBAN_LOG_LEVEL"), ("secret_key: changeme\n", "EMBAN_SECRET_KEY"),
    # A list where a text belongs must not be ignored: it would let every origin in.
    ("allowed_origins:\n  - https://a.example.com\n  - nonsense\n", "allowed_origins"),
])
def test_a_wrong_file_is_refused_by_key(own_server: Servers, text: str, name: str) -> None:
    server = own_server()
    (server.folder / "emban.yaml").write_text(text)
    refused(server, name)


def test_a_taken_port_is_a_sentence_and_leaves_no_child(own_server: Servers) -> None:
    server = own_server()
    with socket.create_server(("127.0.0.1", server.port)):
        log = refused(server, str(server.port))
    assert "in use" in log or "taken" in log, log
    server.wait_no_children()


@pytest.mark.parametrize("arguments", [["--colour"], ["--port"], ["--port", "abc"], ["stray"]], ids=str)
def test_wrong_flags_are_refused_with_usage(own_server: Servers, arguments: list[str]) -> None:
    done = own_server().run("serve", *arguments)
    assert done.returncode not in (0, None) and done.returncode > 0
    assert arguments[0] in done.stderr + done.stdout or "port" in (done.stderr + done.stdout).lower()


def test_help_and_version(own_server: Servers) -> None:
    server = own_server()
    for command in ([], ["serve"], ["demo"], ["import"]):
        done = server.run(*command, "--help")
        assert done.returncode == 0 and "USAGE" in done.stdout.upper()
    assert server.run("--version").returncode == 0
    assert not processes_naming(str(server.folder))


def test_a_data_directory_that_cannot_be_written_is_a_sentence(own_server: Servers) -> None:
    server = own_server()
    server.data_dir = server.folder / "file"
    server.data_dir.write_text("not a folder")
    refused(server, "file")


def test_a_missing_clickhouse_is_told(own_server: Servers, tmp_path: Path) -> None:
    broken = tmp_path / "clickhouse"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    server = own_server(environment={"EMBAN_CLICKHOUSE_BIN": str(broken)})
    server.launch()
    deadline = time.monotonic() + START_SECONDS
    outcome: Any = None
    while time.monotonic() < deadline and outcome is None:
        assert server.process is not None
        if server.process.poll() is not None:
            outcome = server.process.returncode
            break
        if "clickhouse" in server.log.lower() and time.monotonic() > deadline - START_SECONDS + 15:
            break  # it goes on trying
        time.sleep(0.2)
    assert "clickhouse" in server.log.lower()
    if outcome is None:
        assert server.client.get("/healthz").status == 200
        expect_error(server.client.get("/readyz"), 503)
        assert server.terminate() == 0
    else:
        assert outcome > 0
