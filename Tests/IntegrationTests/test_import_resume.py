"""A row of an imported file counts once, whatever was killed when: the import, the server, its ClickHouse."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from embantest.faulty_proxy import HANG, PASS, FaultyProxy
from embantest.files import write_parquet
from embantest.process import EmbanProcess, binary, clean_environment
from embantest.steady import eventually
from embantest.workspace import Organization, value_of

Servers = Callable[..., EmbanProcess]
ROWS = 60_000


def write_rows(path: Path, rows: int = ROWS, form: str = "csv") -> Path:
    """Rows that many events would share: without their numbers nothing tells them apart."""
    if form == "parquet":
        return write_parquet(
            path, f"""SELECT concat('t', toString(number % 3)) AS who, toDateTime64('2026-01-01 00:00:00', 3, 'UTC') AS at, 1 AS one,
            number AS n FROM numbers({rows})""", "output_format_parquet_row_group_size = 5000")
    lines = (f"t{n % 3},2026-01-01T00:00:00Z,1,{n}\n" for n in range(rows))
    path.write_text("who,at,one,n\n" + "".join(lines))
    return path


FLAGS = ["--tenant-column", "who", "--event-name", "row", "--timestamp-column", "at", "--numeric", "one,n"]


class Import:
    """One run of the command, beside the test."""

    def __init__(self, file: Path, state: Path, *flags: str, key: str = "", url: str = "", columns: list[str] = FLAGS) -> None:
        target = ["--url", url] if url else []
        self.process = subprocess.Popen(
            [str(binary()), "import", str(file), *columns, "--state-dir", str(state), *target, *flags], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=clean_environment({"EMBAN_API_KEY": key}))
        self.state = state

    def noted(self) -> int:
        """The rows that are noted as decided."""
        for note in self.state.glob("import-*.json"):
            try:
                return int(json.loads(note.read_text())["summary"]["rows"])
            except (FileNotFoundError, json.JSONDecodeError):
                pass
        return 0

    def wait_for(self, rows: int, seconds: float = 300) -> bool:
        """Waits until so many rows are noted; false when the import has ended before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.noted() >= rows:
                return True
            time.sleep(0.005)
        return False

    def end(self, how: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(how)
        return self.finish()

    def finish(self, seconds: float = 600) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out + err


def check_sums(organization: Organization, rows: int = ROWS) -> None:
    """Every row once: as many as there are, and the sum of their numbers. What the spool took is stored soon after."""
    eventually(organization.count, lambda count: count >= rows, f"{rows} rows", 150, pause=0.2)
    assert organization.count() == rows
    for tenant in range(3):
        assert organization.count(f"t{tenant}") == len(range(tenant, rows, 3))
    assert value_of(organization.query({"metric": "sum", "numeric_prop": "n"}).expect(200)) == rows * (rows - 1) // 2
    assert sum(tenant["events"] for tenant in organization.admin.get("/v1/tenants").expect(200)["data"]) == rows


@pytest.mark.parametrize("form", ["csv", "ndjson.gz", "parquet"])
def test_an_import_that_is_killed_goes_on(emban: EmbanProcess, organization: Organization, tmp_path: Path, form: str) -> None:
    """Killed several times, by Ctrl-C and by kill -9 in turns; the last run says what is left and takes the note away."""
    if form == "ndjson.gz":
        import gzip
        file = tmp_path / "rows.ndjson.gz"
        with gzip.open(file, "wt", compresslevel=1) as out:
            out.writelines(f'{{"who":"t{n % 3}","at":"2026-01-01T00:00:00Z","one":1,"n":{n}}}\n' for n in range(ROWS))
    else:
        file = write_rows(tmp_path / f"rows.{form}", form=form)
    state = tmp_path / "state"
    noted = 0
    killed = 0
    # It lets so many requests of 1,000 rows pass and keeps the next ones: however late the signal is, there is something left to do.
    proxy = FaultyProxy(emban.url)
    for turn, share in enumerate((0.1, 0.3, 0.5)):
        wanted = int(ROWS * share)
        proxy.faults.extend([PASS] * ((wanted - noted) // 1_000 + 8))
        proxy.always = HANG
        run = Import(file, state, key=organization.key, url=proxy.url)
        assert run.wait_for(wanted), run.finish()[1]
        code, said = run.end(signal.SIGINT if turn == 1 else signal.SIGKILL)
        proxy.faults.clear()
        if turn == 1 and code == 130:
            assert "the same command goes on from there" in said and "interrupted after row" in said, said
        assert code in (-9, 130), said
        killed += 1
        assert run.noted() > noted, "each run gets further"
        noted = run.noted()
    assert killed == 3 and 0 < noted < ROWS
    proxy.always = PASS
    code, said = Import(file, state, key=organization.key, url=proxy.url).finish()
    proxy.close()
    assert code == 0, said
    assert f"going on behind row {noted}" in said and f"{ROWS} events stored, 0 rows rejected, {noted} rows of them earlier" in said, said
    check_sums(organization)
    assert not list(state.iterdir()), "the note is gone with the end"


def test_without_its_note_it_counts_nothing_twice_either(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.csv", 30_000)
    for run in range(3):
        code, said = Import(file, tmp_path / f"state{run}", key=organization.key, url=emban.url).finish()
        assert code == 0 and "30000 events stored" in said, said
    check_sums(organization, 30_000)


def test_the_same_file_read_in_another_way_is_another_import(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.csv", 3_000)
    other = write_rows(tmp_path / "other.csv", 3_001)
    for name, path in (("call", file), ("bill", file), ("call", other), ("call", file)):
        columns = ["--tenant-column", "who", "--event-name", name, "--timestamp-column", "at", "--numeric", "n"]
        assert Import(path, tmp_path / "state", key=organization.key, url=emban.url, columns=columns).finish()[0] == 0
    assert organization.count(event_name="bill") == 3_000
    assert organization.count(event_name="call") == 6_001, "the second file is another one, the repetition is not"


def test_a_file_that_changed_is_not_gone_on_with(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.csv")
    run = Import(file, tmp_path / "state", key=organization.key, url=emban.url)
    assert run.wait_for(1)
    run.end(signal.SIGKILL)
    stored = organization.count()
    with file.open("a") as out:
        out.write("t0,2026-01-01T00:00:00Z,1,0\n")
    code, said = Import(file, tmp_path / "state", key=organization.key, url=emban.url).finish()
    assert code > 0 and "has changed since" in said and "--restart" in said, said
    assert organization.count() >= stored
    code, said = Import(file, tmp_path / "state", "--restart", key=organization.key, url=emban.url).finish()
    assert code == 0 and f"{ROWS + 1} events stored" in said, said


def test_a_changed_file_with_an_id_column_begins_anew(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.csv")
    columns = [*FLAGS, "--event-id-column", "n"]
    run = Import(file, tmp_path / "state", key=organization.key, url=emban.url, columns=columns)
    assert run.wait_for(1)
    run.end(signal.SIGKILL)
    with file.open("a") as out:
        out.write(f"t{ROWS % 3},2026-01-01T00:00:00Z,1,{ROWS}\n")
    code, said = Import(file, tmp_path / "state", key=organization.key, url=emban.url, columns=columns).finish()
    assert code == 0 and "beginning anew" in said, said
    check_sums(organization, ROWS + 1)


def test_rejected_rows_are_remembered_over_an_interruption(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    bad = {5, 6, ROWS - 3}
    file.write_text("who,at,one,n\n" + "".join(f"{'' if n in bad else 't0'},2026-01-01,1,{n}\n" for n in range(ROWS)))
    run = Import(file, tmp_path / "state", key=organization.key, url=emban.url)
    assert run.wait_for(10_000)
    run.end(signal.SIGKILL)
    code, said = Import(file, tmp_path / "state", key=organization.key, url=emban.url).finish()
    assert code == 0 and f"3 × tenant_id_missing: tenant_id is required and must be a string (lines 7, 8, {ROWS - 1})" in said, said
    assert organization.count() == ROWS - 3


@pytest.mark.parametrize("victim", ["emban", "clickhouse", "both"])
def test_an_import_outlives_its_server(own_server: Servers, tmp_path: Path, victim: str) -> None:
    """The server, its ClickHouse or both are killed at random moments and come back: the running import waits and goes on."""
    server = own_server().start()
    organization = Organization(server.url)
    file = write_rows(tmp_path / "rows.csv")
    generator = random.Random(victim)
    killed: list[int] = []
    run = Import(file, tmp_path / "state", key=organization.key, url=server.url)
    for share in (0.1, 0.4):
        if not run.wait_for(int(ROWS * share)):
            break
        time.sleep(generator.random() * 0.3)
        children = server.children()
        if victim in ("emban", "both"):
            server.kill()
        if victim in ("clickhouse", "both"):
            killed += children
            for pid in children:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if victim != "clickhouse":
            server.start()
    code, said = run.finish()
    assert code == 0 and f"{ROWS} events stored, 0 rows rejected" in said, said
    server.wait_store_restarted(killed)
    check_sums(organization)
    server.close()


def test_an_import_without_a_server_goes_on_too(own_server: Servers, tmp_path: Path) -> None:
    """The program is server and import in one: killed with its ClickHouse, or interrupted, it goes on from its note in the data directory."""
    server = own_server().start()
    organization = Organization(server.url)
    assert server.terminate() == 0
    file = write_rows(tmp_path / "rows.csv")
    notes = server.data_dir / "imports"
    for how, share in ((signal.SIGKILL, 0.2), (signal.SIGTERM, 0.5)):
        process = subprocess.Popen(
            [str(binary()), "import", str(file), *FLAGS, "--data-dir", str(server.data_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=clean_environment())
        run = Import.__new__(Import)
        run.process, run.state = process, notes
        assert run.wait_for(int(ROWS * share)), run.finish()[1]
        code, said = run.end(how)
        assert code == (-9 if how == signal.SIGKILL else 130), said
        server.wait_no_children()
    done = server.run("import", str(file), *FLAGS, "--data-dir", str(server.data_dir), timeout=900)
    assert done.returncode == 0 and re.search(r"going on behind row \d+", done.stderr), done.stdout + done.stderr
    server.start()
    check_sums(organization)
    server.close()


def test_standard_input_is_imported_once_per_run(emban: EmbanProcess, organization: Organization, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.csv", 3_000)
    for _ in range(2):
        with file.open() as source:
            done = subprocess.run(
                [str(binary()), "import", "-", *FLAGS, "--url", emban.url, "--state-dir", str(tmp_path / "state")], stdin=source,
                capture_output=True, text=True, timeout=400, env=clean_environment({"EMBAN_API_KEY": organization.key}), check=False)
        assert done.returncode == 0, done.stderr
    assert organization.count() == 6_000, "what comes by standard input is not recognised: it cannot be read twice"
    assert not (tmp_path / "state").exists()
