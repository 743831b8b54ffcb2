"""Parquet through ClickHouse's own reader: what its types become, in which order, and what is said of files that are none."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from embantest.files import write_parquet
from embantest.process import EmbanProcess, shared_data
from embantest.workspace import Organization, groups, value_of

PERIOD = {"from": "2020-01-01T00:00:00Z", "to": "2030-01-01T00:00:00Z"}


def load(
    emban: EmbanProcess, organization: Organization, files: Sequence[Path | str], *flags: str, state: Path,
) -> subprocess.CompletedProcess[str]:
    return emban.run(
        "import", *map(str, files), "--url", emban.url, "--state-dir", str(state), *flags, environment={"EMBAN_API_KEY": organization.key})


def total(organization: Organization, name: str, tenant: str | None = None) -> float:
    scope = {} if tenant is None else {"tenant_id": tenant}
    return value_of(organization.query({"metric": "sum", "numeric_prop": name, "period": PERIOD}, **scope).expect(200))


def by(organization: Organization, dimension: str) -> dict[str, float]:
    return groups(organization.query({"metric": "count", "group_by": dimension, "limit": 100, "period": PERIOD}, kind="breakdown").expect(200))


def test_columns_of_a_parquet_file_become_events(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_parquet(
        tmp_path / "calls {a,b}*?.parquet",
        """
        SELECT concat('t', toString(number % 2)) AS customer, toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number AS at,
          CAST(['gpt-4', 'claude'][number % 2 + 1], 'LowCardinality(String)') AS model, 1234567890123456789 + number % 3 AS big,
          toDecimal64(number, 2) / 4 AS cost, if(number % 5 = 0, NULL, number) AS tokens, toDate('2026-01-01') AS day, 1 AS `odd ``name`,
          [1, 2] AS list
        FROM numbers(12345)
        """)
    done = load(
        emban, organization, [file], "--tenant-column", "customer", "--event-name", "call", "--timestamp-column", "at", "--string",
        "model,big,day,odd `name", "--numeric", "cost,tokens", state=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12345 events stored, 0 rows rejected" in done.stdout
    assert organization.count() == 12_345 and organization.count("t0") == 6_173
    assert total(organization, "tokens") == sum(n for n in range(12_345) if n % 5)
    assert total(organization, "cost", "t1") == sum(n / 4 for n in range(1, 12_345, 2))
    assert by(organization, "model") == {"gpt-4": 6_173, "claude": 6_172}
    assert by(organization, "big") == {str(1234567890123456789 + rest): 4_115 for rest in range(3)}, "all 19 digits"
    assert set(by(organization, "day")) == {"2026-01-01"} and set(by(organization, "odd `name")) == {"1"}
    seen = organization.admin.get("/v1/tenants").expect(200)["data"][0]
    assert (seen["first_seen"], seen["last_seen"]) == ("2026-01-01T00:00:00Z", "2026-01-01T03:25:44Z")


@pytest.mark.parametrize(("zone", "first"), [([], "2026-01-01T00:00:00Z"), (["--timezone", "Europe/Berlin"], "2025-12-31T23:00:00Z")], ids=str)
def test_times_of_all_kinds(emban: EmbanProcess, organization: Organization, tmp_path: Path, zone: list[str], first: str) -> None:
    """Days and texts name no zone: the flag says which; a time that names its moment is not moved."""
    file = write_parquet(
        tmp_path / "times.parquet",
        """
        SELECT 'a' AS who, toDate32('2026-01-01') AS day, '2026-01-01 00:00:00' AS text, 1767225600000 AS number,
          toDateTime64('2026-01-01 00:00:00', 3, 'UTC') AS moment
        """)
    wanted = {"day": first, "text": first, "number": "2026-01-01T00:00:00Z", "moment": "2026-01-01T00:00:00Z"}
    for column in wanted:
        done = load(
            emban, organization, [file], "--tenant", column, "--event-name", "x", "--timestamp-column", column, *zone, state=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    found = {row["tenant_id"]: row["first_seen"] for row in organization.admin.get("/v1/tenants").expect(200)["data"]}
    assert found == wanted


def test_bad_rows_of_a_parquet_file_are_told_with_their_rows(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_parquet(
        tmp_path / "bad.parquet",
        "SELECT if(number = 2500, '', 'a') AS who, if(number = 7, 'soon', '2026-01-01') AS at, if(number = 9, nan, 1.) AS n FROM numbers(3000)")
    done = load(
        emban, organization, [file], "--tenant-column", "who", "--event-name", "x", "--timestamp-column", "at", "--numeric", "n", state=tmp_path)
    assert done.returncode == 0
    for line in ("1 × tenant_id_missing", "(row 2501)", "1 × timestamp_format", "(row 8)", "1 × number_format", "(row 10)"):
        assert line in done.stdout, done.stdout
    assert organization.count() == 2_997


def cut(path: Path, size: int) -> Path:
    whole = path.read_bytes()
    path.write_bytes(whole[:size])
    return path


@pytest.mark.parametrize(("make", "flags", "words"), [
    (lambda p: p.write_text("this is no parquet file"), ["--tenant", "a", "--event-name", "x"], ["not a Parquet file"]),
    (lambda p: cut(write_parquet(p, "SELECT number AS n FROM numbers(100000)"), 50_000), ["--tenant", "a", "--event-name", "x"], ["not a Parquet file"]),
    (lambda p: p.write_bytes(b""), ["--tenant", "a", "--event-name", "x"], ["cannot be read"]),
    (lambda p: p.mkdir(), ["--tenant", "a", "--event-name", "x"], ["folder"]),
    (lambda p: write_parquet(p, "SELECT 1 AS n"), ["--tenant-column", "who", "--event-name", "x"], ["“who”", "the file has n"]),
    (lambda p: write_parquet(p, "SELECT [1] AS n"), ["--tenant", "a", "--event-name", "x", "--string", "n"], ["“n”", "lists"]),
    (lambda p: write_parquet(p, "SELECT 'a' AS customer"), [], ["--tenant-column", "customer"]),
    (lambda p: write_parquet(p, "SELECT 'a' AS tenant_id, 'x' AS event_name, 5 AS tokens"), [], ["“tokens”", "--numeric"]),
    (lambda p: write_parquet(p, "SELECT 'a' AS tenant_id, 'x' AS event_name, '{}' AS string_props"), [], ["“string_props”", "map"]),
], ids=["text", "cut", "empty", "folder", "unknown column", "lists", "no flags", "stray column", "no map"])
def test_what_cannot_be_imported_is_said_in_our_words(
    emban: EmbanProcess, organization: Organization, tmp_path: Path, make: object, flags: list[str], words: list[str],
) -> None:
    file = tmp_path / "file.parquet"
    make(file)  # type: ignore[operator]
    done = load(emban, organization, [file], *flags, state=tmp_path / "state")
    said = done.stdout + done.stderr
    assert done.returncode > 0 and all(word in said for word in words), said
    assert "file.parquet" in said or "column" in said
    for inside in ("DB::", "Exception", "/dev/stdin", "SELECT", "std::"):
        assert inside not in said, said
    assert organization.count() == 0


def test_a_stream_of_parquet_is_refused(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    done = load(emban, organization, ["-"], "--format", "parquet", "--tenant", "a", "--event-name", "x", state=tmp_path)
    assert done.returncode > 0 and "must be a file" in done.stderr, done.stderr


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_the_trace_is_the_same_from_any_form(emban: EmbanProcess, organization: Organization, tmp_path: Path, kind: str) -> None:
    """The public trace, as it is, packed, and as Parquet, against sums taken straight from its text."""
    source = shared_data() / "llm-inference" / "code.csv"
    rows = [line.rstrip("\r").split(",") for line in source.read_text().splitlines()[1:]]
    file = tmp_path / f"code.{kind}"
    if kind == "csv":
        file = source
    elif kind == "csv.gz":
        # Two members, as `cat a.gz b.gz` makes them.
        data = source.read_bytes()
        file.write_bytes(gzip.compress(data[:100_000]) + gzip.compress(data[100_000:]))
    else:
        write_parquet(
            file, f"""
            SELECT parseDateTime64BestEffort(TIMESTAMP, 7, 'UTC') AS TIMESTAMP, ContextTokens, GeneratedTokens
            FROM file('{source}', CSVWithNames, 'TIMESTAMP String, ContextTokens Int64, GeneratedTokens Int64')""")
    done = load(
        emban, organization, [file], "--tenant", "code", "--event-name", "llm.call", "--timestamp-column", "TIMESTAMP", "--numeric",
        "ContextTokens,GeneratedTokens", state=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert organization.count("code") == len(rows) == 8_819
    assert total(organization, "ContextTokens") == sum(int(row[1]) for row in rows)
    assert total(organization, "GeneratedTokens") == sum(int(row[2]) for row in rows)
    calls = organization.query(
        {"metric": "count", "granularity": "minute", "period": {"from": "2023-11-16T00:00:00Z", "to": "2023-11-17T00:00:00Z"}},
        kind="timeseries", tenant_id="code").expect(200)
    minutes: dict[str, int] = {}
    for row in rows:
        minute = row[0][:16].replace(" ", "T") + ":00Z"
        minutes[minute] = minutes.get(minute, 0) + 1
    time, value = (next(c["name"] for c in calls["columns"] if c["role"] == role) for role in ("time", "measure"))
    assert {row[time]: row[value] for row in calls["rows"] if row[value]} == minutes


def test_a_damaged_gzip_file_stops_at_the_damage(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    import random
    generator = random.Random(1)
    text = "who,n\n" + "".join(f"a{generator.random()},{n}\n" for n in range(60_000))
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(text.encode())[:-200_000])
    done = load(emban, organization, [file], "--tenant", "a", "--event-name", "x", "--numeric", "n", state=tmp_path)
    assert done.returncode > 0 and "damaged gzip" in done.stderr, done.stderr
    assert "stopped after row" in done.stderr
