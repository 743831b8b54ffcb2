"""Files for imports: Parquet, made and read by ClickHouse as users' tools would, and events as an export holds them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from embantest.process import ROOT, clean_environment


def clickhouse() -> str:
    """The program that emban itself would find."""
    built = ROOT / ".build" / "share" / "emban" / "clickhouse" / "clickhouse"
    return os.environ.get("EMBAN_CLICKHOUSE_BIN") or shutil.which("clickhouse") or str(built)


def run_local(statement: str) -> str:
    done = subprocess.run(
        [clickhouse(), "local", "--query", statement], capture_output=True, text=True, timeout=400, env=clean_environment({"TZ": "UTC"}), check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_parquet(path: Path, select: str, settings: str = "output_format_parquet_row_group_size = 1000") -> Path:
    """The answer of a SELECT as a Parquet file of many row groups."""
    run_local(f"{select} INTO OUTFILE '{path}' TRUNCATE FORMAT Parquet SETTINGS {settings}")
    return path


def read_parquet(path: Path) -> list[dict[str, Any]]:
    lines = run_local(f"SELECT * FROM file('{path}', Parquet) FORMAT JSONEachRow SETTINGS date_time_output_format = 'iso'")
    return [json.loads(line) for line in lines.splitlines() if line]


def read_ndjson(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_csv(path: Path) -> list[dict[str, Any]]:
    """Events again, as far as the standard library tells an empty text from none: by columns, empty ones left out."""
    events = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            event: dict[str, Any] = {"string_props": {}, "numeric_props": {}}
            for name, text in row.items():
                if name.startswith("string_props."):
                    if text:
                        event["string_props"][name.removeprefix("string_props.")] = text
                elif name.startswith("numeric_props."):
                    if text:
                        event["numeric_props"][name.removeprefix("numeric_props.")] = float(text)
                else:
                    event[name] = text or None
            events.append(event)
    return events
