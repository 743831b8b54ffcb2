"""`emban export` and its route: what goes out is what was stored, nobody else's, and comes back as it was."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from embantest.files import read_csv, read_ndjson, read_parquet
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event, groups, value_of

Servers = Callable[..., EmbanProcess]
FORMATS = ["ndjson", "csv", "parquet"]
READERS = {"ndjson": read_ndjson, "csv": read_csv, "parquet": read_parquet}

#: What a name or a value of a property may be, and what a careless writer of CSV, JSON or SQL would break.
ODD_NAMES = ["plain", "dotted.name.x", "with space ", " leading", "quo\"te", "sing'le", "back`tick", "back\\slash", "comma,name", "é", "e\u0301", "日本", "string_props.x"]
ODD_VALUES = [
    "plain", "a,b", "say \"hi\"", "two\nlines", "cr\rlf\r\n", "\\N", "NULL", "=1+1", "'", "`", "\\", "ünï", "é", "e\u0301", "日本 \U0001f600", " spaced ", "\t", "2026-01-01",
    "1e5", "true", "{}", "[]", "x" * 4_000,
]


def some_names(generator: random.Random, below: int) -> list[str]:
    """At most one of the two spellings of é in an event: as names of one event they are not kept apart."""
    names = generator.sample(ODD_NAMES, generator.randrange(0, below))
    return [name for name in names if name != "e\u0301" or "é" not in names]


def odd_events(tenant: str, count: int, seed: int = 1) -> list[dict[str, Any]]:
    generator = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    events = []
    for number in range(count):
        when = start + timedelta(milliseconds=generator.randrange(0, 90 * 86_400_000))
        strings = {name: generator.choice(ODD_VALUES) for name in some_names(generator, 5)}
        numbers = {name: generator.choice([0, 1, -1, 0.1, 1e300, -1e-300, 123456789.25, 2**53]) for name in some_names(generator, 4)}
        made = event(tenant, generator.choice(["api.call", "bill", "odd, \"name\""]), timestamp=when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03}Z")
        if strings:
            made["string_props"] = strings
        if numbers:
            made["numeric_props"] = numbers
        if number % 3 == 0:
            made["event_id"] = f"e-{seed}-{number}"
        if number % 4 == 0:
            made["user_id"] = generator.choice(["u1", "u,2", "é"])
        events.append(made)
    return events


def plain(made: dict[str, Any]) -> str:
    """An event in one form, whatever file it was in; an empty text is the same as none to CSV's reader here."""
    strings = {k: v for k, v in (made.get("string_props") or {}).items() if v}
    numbers = {k: float(v) for k, v in (made.get("numeric_props") or {}).items()}
    when = datetime.fromisoformat(made["timestamp"].replace("Z", "+00:00"))
    return repr((made["tenant_id"], made["event_name"], when, made.get("event_id"), made.get("user_id"), sorted(strings.items()), sorted(numbers.items())))


def export(emban: EmbanProcess, organization: Organization, *flags: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    return emban.run("export", *flags, "--url", url or emban.url, environment={"EMBAN_API_KEY": organization.key})


def numbers_of(organization: Organization, tenant: str) -> dict[str, Any]:
    """What a dashboard might show of a customer. A sum depends on the order of its terms in its last digits."""
    ask = lambda kind, **query: organization.query(query, kind=kind, tenant_id=tenant).expect(200)  # noqa: E731
    return {
        "count": value_of(ask("kpi", metric="count")), "users": value_of(ask("kpi", metric="count_unique")),
        "sum": f"{value_of(ask('kpi', metric='sum', numeric_prop='dotted.name.x')):.9e}", "p95": value_of(ask("kpi", metric="p95", numeric_prop="plain")),
        "names": groups(ask("breakdown", metric="count", group_by="event_name", limit=100)),
        "values": groups(ask("breakdown", metric="count", group_by="dotted.name.x", limit=100)),
        "spellings": [groups(ask("breakdown", metric="count", group_by=name, limit=100)) for name in ("é", "e\u0301")],
    }


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_holds_what_was_stored(emban: EmbanProcess, organization: Organization, tmp_path: Path, form: str) -> None:
    wanted = odd_events("acme", 3_000)
    organization.ingest(wanted)
    organization.ingest(odd_events("globex", 500, seed=2))
    file = tmp_path / f"acme.{form}"
    done = export(emban, organization, "--tenant", "acme", "--output", str(file))
    assert done.returncode == 0 and done.stderr.startswith("3000 events, "), done.stderr
    found = READERS[form](file)
    if form == "csv":
        # The standard library reads "\r" in quotes as it is, but not in text mode before it gets there; newline="" keeps it.
        assert {name for row in found for name in row["string_props"]} <= set(ODD_NAMES)
    assert sorted(map(plain, found)) == sorted(map(plain, wanted))
    assert not file.with_name(file.name + ".part").exists()
    again = export(emban, organization, "--tenant", "acme", "--output", str(file))
    assert again.returncode > 0 and "--force" in again.stderr
    assert export(emban, organization, "--tenant", "acme", "--output", str(file), "--force").returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_imported_as_it_was(
    emban: EmbanProcess, organization: Organization, other_organization: Organization, tmp_path: Path, form: str,
) -> None:
    """Into an empty organisation the same numbers come back; into the same one nothing is counted twice that has an id."""
    organization.ingest(odd_events("acme", 2_500))
    organization.ingest([event("acme", "empty", timestamp="2026-02-02T00:00:00Z", string_props={"plain": "", "other": "x"})])
    file = tmp_path / f"acme.{form}"
    assert export(emban, organization, "--tenant", "acme", "--output", str(file)).returncode == 0
    done = emban.run(
        "import", str(file), "--url", emban.url, "--state-dir", str(tmp_path / "state"), environment={"EMBAN_API_KEY": other_organization.key})
    assert done.returncode == 0 and "2501 events stored, 0 rows rejected" in done.stdout, done.stdout + done.stderr
    assert numbers_of(other_organization, "acme") == numbers_of(organization, "acme")
    second = tmp_path / f"second.{form}"
    assert export(emban, other_organization, "--tenant", "acme", "--output", str(second)).returncode == 0
    without_ids = lambda rows: sorted(plain({**row, "event_id": None}) for row in rows)  # noqa: E731
    assert without_ids(READERS[form](second)) == without_ids(READERS[form](file))
    if form == "csv":
        lines = [line for line in second.read_text().splitlines() if '"empty"' in line]
        assert lines and '""' in lines[0].replace('"empty"', ""), "an empty text is told from none"


def test_erased_and_imported_again(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    """A customer's data leaves and comes back: the same numbers, and those of others stay."""
    organization.ingest(odd_events("acme", 1_500))
    organization.ingest(odd_events("globex", 700, seed=3))
    before, others = numbers_of(organization, "acme"), numbers_of(organization, "globex")
    file = tmp_path / "acme.parquet"
    assert export(emban, organization, "--tenant", "acme", "--output", str(file)).returncode == 0
    assert organization.admin.delete("/v1/tenants/acme/data").expect(200)["deleted_events"] == 1_500
    assert organization.count("acme") == 0
    for _ in range(2):
        done = emban.run(
            "import", str(file), "--url", emban.url, "--state-dir", str(tmp_path / "state"), environment={"EMBAN_API_KEY": organization.key})
        assert done.returncode == 0, done.stderr
        assert numbers_of(organization, "acme") == before
    assert numbers_of(organization, "globex") == others


def test_part_of_the_events(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    events = odd_events("acme", 1_000)
    organization.ingest(events)
    first, last = "2026-02-01T00:00:00.000Z", "2026-03-01T12:00:00.000Z"
    for name, flags, wanted in (
        ("a", ["--event", "bill"], [e for e in events if e["event_name"] == "bill"]),
        ("b", ["--from", "2026-02-01"], [e for e in events if e["timestamp"] >= first]),
        ("c", ["--from", "2026-02-01", "--to", "2026-03-01T12:00:00Z", "--event", "odd, \"name\""],
         [e for e in events if first <= e["timestamp"] < last and e["event_name"] == "odd, \"name\""]),
        ("d", ["--to", "2025-01-01"], []),
    ):
        file = tmp_path / f"{name}.ndjson"
        done = export(emban, organization, "--tenant", "acme", "--output", str(file), *flags)
        assert done.returncode == 0 and done.stderr.startswith(f"{len(wanted)} events"), done.stderr
        assert sorted(map(plain, read_ndjson(file))) == sorted(map(plain, wanted))


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_to_export_is_an_empty_file(emban: EmbanProcess, organization: Organization, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"none.{form}"
    done = export(emban, organization, "--tenant", "nobody", "--output", str(file))
    assert done.returncode == 0 and done.stderr.startswith("0 events"), done.stderr
    assert READERS[form](file) == []
    if form == "csv":
        assert file.read_text() == '"tenant_id","event_name","timestamp","event_id","user_id"\n'


def test_the_route_gives_one_customer_of_ones_own(emban: EmbanProcess, organization: Organization, other_organization: Organization) -> None:
    organization.ingest([event("acme", user_id="u1"), event("acme/é", user_id="u2"), event("acme/e\u0301", user_id="u3"), event("%_*", user_id="u4")])
    other_organization.ingest([event("acme", user_id="stranger")])
    for tenant, user in (("acme", "u1"), ("acme/é", "u2"), ("acme/e\u0301", "u3"), ("%_*", "u4")):
        answer = organization.admin.get(f"/v1/tenants/{quote(tenant, safe='')}/events")
        assert answer.status == 200 and answer.headers["X-Emban-Events"] == "1" and answer.headers["Content-Type"] == "application/x-ndjson"
        assert "attachment" in answer.headers["Content-Disposition"]
        assert f'"{user}"' in answer.text and answer.text.count("\n") == 1
    development = organization.admin.post("/v1/api-keys", {"name": "d", "scope": "admin", "environment": "development"}).expect(201)["key"]
    assert organization.admin.bearer(development).get("/v1/tenants/acme/events").text == ""
    ingest = organization.new_key("ingest")["key"]
    assert organization.admin.bearer(ingest).get("/v1/tenants/acme/events").status == 403
    dashboard = organization.create_dashboard(publish=True)
    assert organization.session("acme", dashboard["id"]).client.get("/v1/tenants/acme/events").status in (401, 403)
    assert organization.admin.request("HEAD", "/v1/tenants/acme/events").status == 200
    for query in ("format=xlsx", "from=yesterday", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "tenant_id=globex", "limit=5"):
        refused = organization.admin.get(f"/v1/tenants/acme/events?{query}")
        assert refused.status == 422, (query, refused.text)


def test_a_table_of_too_many_columns_is_refused(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    organization.ingest(event("acme", numeric_props={f"p{n * 90 + k}": k for k in range(90)}) for n in range(23))
    refused = export(emban, organization, "--tenant", "acme", "--output", str(tmp_path / "a.csv"))
    assert refused.returncode > 0 and "2070 different properties" in refused.stderr and not list(tmp_path.iterdir()), refused.stderr
    for form in ("ndjson", "parquet"):
        assert export(emban, organization, "--tenant", "acme", "--output", str(tmp_path / f"a.{form}")).returncode == 0
        found = READERS[form](tmp_path / f"a.{form}")
        assert sum(len(row["numeric_props"]) for row in found) == 2_070
    one = export(emban, organization, "--tenant", "acme", "--event", "other", "--output", str(tmp_path / "b.csv"))
    assert one.returncode == 0, one.stderr


def test_an_export_that_breaks_off_leaves_no_file(own_server: Servers, tmp_path: Path) -> None:
    """The event store is killed in the middle: the client is told, and nobody finds half a file."""
    server = own_server().start()
    organization = Organization(server.url)
    filler = "x" * 4_000
    # 72 MB: several times what sockets and the program hold on the way.
    for _ in range(12):
        organization.ingest(event("big", string_props={f"p{n}": filler for n in range(1, 16)}) for _ in range(100))
    target = tmp_path / "big.ndjson"
    with socket.create_connection(("127.0.0.1", server.port), timeout=150) as connection:
        connection.sendall(
            f"GET /v1/tenants/big/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {organization.key}\r\n\r\n".encode())
        received = connection.recv(65_536)
        assert received.startswith(b"HTTP/1.1 200") and b"chunked" in received
        killed = list(server.children())
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        while part := connection.recv(1 << 20):
            received = (received + part)[-64:]
        assert not received.endswith(b"0\r\n\r\n"), "a part must not look like the whole"
    server.wait_store_restarted(killed)
    done = export(server, organization, "--tenant", "big", "--output", str(target), url=server.url)
    assert done.returncode == 0 and len(read_ndjson(target)) == 1_200
    server.abandon()


def test_an_export_works_without_a_server_and_only_then(own_server: Servers, tmp_path: Path) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    events = odd_events("acme", 800)
    organization.ingest(events)
    command = ["export", "--tenant", "acme", "--data-dir", str(server.data_dir), "--output"]
    beside = server.run(*command, str(tmp_path / "beside.ndjson"))
    assert beside.returncode > 0 and "--url" in beside.stderr and not list(tmp_path.iterdir())
    assert server.terminate() == 0
    for form in FORMATS:
        alone = server.run(*command, str(tmp_path / f"alone.{form}"))
        assert alone.returncode == 0, alone.stderr
        assert sorted(map(plain, READERS[form](tmp_path / f"alone.{form}"))) == sorted(map(plain, events))
    stdout = server.run("export", "--tenant", "acme", "--data-dir", str(server.data_dir), "--format", "csv")
    assert stdout.returncode == 0 and stdout.stdout.startswith('"tenant_id","event_name"'), stdout.stderr
    server.wait_no_children()


@pytest.mark.parametrize(("flags", "words"), [
    ([], ["--tenant"]), (["--tenant", "a", "--from", "soon"], ["--from", "2026-01-01"]),
    (["--tenant", "a", "--from", "2026-01-02", "--to", "2026-01-01"], ["--to"]), (["--tenant", "a", "--format", "xlsx"], ["ndjson", "parquet"]),
    (["--tenant", "a", "--output", "/nowhere/a.csv"], ["/nowhere/a.csv"]),
], ids=str)
def test_an_export_that_cannot_work_says_why(emban: EmbanProcess, organization: Organization, flags: list[str], words: list[str]) -> None:
    done = export(emban, organization, *flags)
    assert done.returncode > 0 and all(word in done.stderr for word in words), done.stderr
