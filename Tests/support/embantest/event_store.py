"""A ClickHouse server that belongs to no emban, for programs that share one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from embantest.client import Client
from embantest.process import ROOT, START_SECONDS, STOP_SECONDS, free_port

CONFIGURATION = """
<clickhouse>
  <logger><level>warning</level><log>{folder}/log</log></logger>
  <http_port>{port}</http_port><listen_host>127.0.0.1</listen_host>
  <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
  <query_log><database>system</database><table>query_log</table><flush_interval_milliseconds>1000</flush_interval_milliseconds></query_log>
  <users><owner><password>secret</password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
    <quota>default</quota><access_management>1</access_management></owner></users>
  <profiles><default/></profiles><quotas><default/></quotas>
  <user_directories><users_xml><path>{folder}/config.xml</path></users_xml>
    <local_directory><path>{folder}/access/</path></local_directory></user_directories>
  <custom_settings_prefixes>SQL_</custom_settings_prefixes>
</clickhouse>"""


class EventStore:
    """Runs while the `with` block does."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.environment = dict(environment or {})
        self.port = free_port()
        #: With the administrator's credentials, as EMBAN_CLICKHOUSE_URL takes it.
        self.address = f"http://owner:secret@127.0.0.1:{self.port}"
        self.client = Client(f"http://127.0.0.1:{self.port}", {"X-ClickHouse-User": "owner", "X-ClickHouse-Key": "secret"})

    def __enter__(self) -> EventStore:
        (self.folder / "config.xml").write_text(CONFIGURATION.format(folder=self.folder, port=self.port))
        program = os.environ.get("EMBAN_CLICKHOUSE_BIN") or shutil.which("clickhouse")
        self.process = subprocess.Popen(
            [program or str(ROOT / ".build/share/emban/clickhouse/clickhouse"), "server", f"--config-file={self.folder}/config.xml"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
            env=os.environ | {"CLICKHOUSE_WATCHDOG_ENABLE": "0"} | self.environment)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.client.get("/ping").status == 200:
                    return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.__exit__()
                    raise
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def ask(self, sql: str) -> list[list[str]]:
        """The rows of a statement, as text."""
        answer = self.client.request("POST", "/", raw=sql, headers={"Content-Type": "text/plain"}, timeout=300)
        assert answer.status == 200, answer.text[:1000]
        return [line.split("\t") for line in answer.text.splitlines()]
