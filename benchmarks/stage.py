"""The program as it is measured: one `emban serve` with its own ClickHouse, and others beside it over the same events.

The others differ in one setting each (no rollups, a cache), have copies of the first one's configuration, and so answer the same tokens.
Thereby all variants are asked in the same round, and meet the same machine and the same parts on disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
import time
from typing import Any
from urllib.parse import urlsplit

from embantest.client import Client
from embantest.process import EmbanProcess
from wire import Store, StoreError

Json = dict[str, Any]

#: Every variant of the program: what its settings differ in. The first one starts ClickHouse, and alone builds rollups.
#: A tenant's viewers share one session here, and are to be as quick as they can.
UNLIMITED = {"EMBAN_SESSION_RATE": "0"}
VARIANTS: dict[str, dict[str, str]] = {
    "rollups": {"EMBAN_CACHE_MB": "0", "EMBAN_ROLLUP_INTERVAL": "5"} | UNLIMITED,
    "events": {"EMBAN_CACHE_MB": "0", "EMBAN_ROLLUP_EVENTS": "0"} | UNLIMITED,
    "cached": {"EMBAN_ROLLUP_EVENTS": "1000000000000"} | UNLIMITED,
}
#: The user of ClickHouse as which events are loaded.
USER = "emban_bench"


class Stage:
    def __init__(self) -> None:
        self.main = EmbanProcess(environment=VARIANTS["rollups"])
        self.variants: dict[str, EmbanProcess] = {"rollups": self.main}
        self.password = secrets.token_hex(16)
        self.dashboards: dict[str, Json] = {}

    # --- Setting up -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.main.start()
        registered = Client(self.main.url).post(
            "/v1/auth/register", {"email": "bench@example.com", "password": "a bench is a long seat", "organization": "Bench"}).expect(201)
        self.org: str = registered["organization"]["id"]
        self.admin = Client(self.main.url).bearer(registered["api_key"])
        self.store = self.open_store()

    def open_store(self) -> Store:
        """Adds a user with a known password to the running ClickHouse, which reads its file of users again when that changes."""
        file = self.main.data_dir / "clickhouse" / "config.xml"
        text = file.read_text()
        port = re.findall(r"<http_port>(\d+)</http_port>", text)
        if len(port) != 1 or "</users>" not in text:
            raise RuntimeError("the configuration of ClickHouse does not look as expected")
        password = hashlib.sha256(self.password.encode()).hexdigest()
        file.write_text(text.replace("</users>", f"""  <{USER}>
              <password_sha256_hex>{password}</password_sha256_hex><networks><ip>127.0.0.1</ip></networks>
              <profile>default</profile><quota>default</quota><access_management>1</access_management>
            </{USER}></users>"""))
        store = Store(f"http://127.0.0.1:{port[0]}", USER, self.password)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.clickhouse_version = store.run("SELECT version()").strip()
                return store
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def publish(self, config: Json) -> None:
        made = self.admin.post("/v1/dashboards", config).expect(201)
        answer = self.admin.post(f"/v1/dashboards/{made['id']}/publish")
        assert answer.status == 204, str(answer)
        self.dashboards[config["slug"]] = made

    def session(self, tenant: str, slug: str) -> str:
        """The token of an embed session."""
        made = self.admin.post(
            "/v1/embed-sessions", {"tenant_id": tenant, "dashboard_id": self.dashboards[slug]["id"], "expires_in": 86_400}).expect(201)
        return made["token"]

    def start_variants(self) -> None:
        """Starts the other variants with the dashboards and sessions that there are by now."""
        address = urlsplit(self.store.url)
        for name, settings in VARIANTS.items():
            if name in self.variants:
                continue
            emban = EmbanProcess(environment=settings | {
                "EMBAN_SECRET_KEY": (self.main.data_dir / "secret.key").read_text().strip(),
                "EMBAN_CLICKHOUSE_URL": f"http://{USER}:{self.password}@{address.hostname}:{address.port}",
            })
            self.variants[name] = emban
            emban.data_dir.mkdir(parents=True, mode=0o700)
            with sqlite3.connect(self.main.data_dir / "emban.sqlite") as source, sqlite3.connect(emban.data_dir / "emban.sqlite") as copy:
                source.backup(copy)
            emban.start()

    # --- While it runs --------------------------------------------------------------------------------------------------

    def explain(self, tenant: str, slug: str, *, raw: bool) -> Json:
        """What `emban explain` says: with `raw` every widget's SQL over the events, otherwise what is really sent."""
        flags = ["--raw"] if raw and self.has_raw else []
        done = self.main.run(
            "explain", self.dashboards[slug]["id"], "--tenant", tenant, "--data-dir", str(self.main.data_dir), "--with-credentials", *flags)
        if done.returncode != 0:
            raise RuntimeError(f"emban explain failed: {done.stderr}")
        return json.loads(done.stdout)

    @property
    def has_raw(self) -> bool:
        return "--raw" in self.main.run("explain", "--help").stdout

    def forget(self) -> None:
        """What was stored by hand, no process may expect: tells all of them."""
        for emban in self.variants.values():
            answer = Client(emban.url, self.admin.headers).post("/v1/cache/refresh", {})
            assert answer.status == 204, str(answer)

    def restart_as_it_comes(self) -> None:
        """Ends all variants, and starts the first one again with a cache."""
        for name in [name for name in self.variants if name != "rollups"]:
            self.variants.pop(name).close()
        assert self.main.terminate() == 0, self.main.log[-2000:]
        self.main.environment = {}
        self.main.start()

    def settle(self, seconds: float = 60) -> float:
        """Waits until ClickHouse has no merge under way, and says how long that took."""
        begin = time.monotonic()
        calm = 0
        while calm < 3 and time.monotonic() - begin < seconds:
            calm = calm + 1 if self.store.run("SELECT count() FROM system.merges").strip() == "0" else 0
            time.sleep(0.3)
        return time.monotonic() - begin

    def wait_for_rollups(self, tenants: list[str], seconds: float = 300) -> Json:
        """Waits until every closed day and month of the tenants is rolled up; says how many days are, and how long that took."""
        begin = time.monotonic()
        if self.store.run("EXISTS TABLE emban.rollup_days").strip() != "1":
            return {"days": 0, "missing": None, "seconds": 0.0}
        names = ", ".join(f"'{tenant}'" for tenant in tenants)
        while True:
            days = "SELECT tenant_id, day FROM emban.{} WHERE tenant_id IN (" + names + ") AND day < today()"
            done = int(self.store.run(f"SELECT uniqExact(tenant_id, day) FROM ({days.format('rollup_days')} AND width = 'day')"))
            missing = int(self.store.run(
                f"SELECT uniqExact(tenant_id, day) FROM ({days.format('tenant_days')} GROUP BY ALL HAVING sum(n) > 0) "
                f"WHERE (tenant_id, day) NOT IN ({days.format('rollup_days')})"))
            months = "SELECT tenant_id, toYYYYMM(day) AS month FROM emban.{} WHERE tenant_id IN (" + names + ") AND month < toYYYYMM(today())"
            missing += int(self.store.run(
                f"SELECT uniqExact(tenant_id, month) FROM ({months.format('tenant_days')}) "
                f"WHERE (tenant_id, month) NOT IN ({months.format('rollup_days')} AND width = 'month')"))
            waited = time.monotonic() - begin
            if missing == 0 or waited > seconds or (done == 0 and waited > 60):
                return {"days": done, "missing": missing, "seconds": round(waited, 1)}
            time.sleep(0.5)

    @property
    def pids(self) -> dict[str, int]:
        """Of emban and of its ClickHouse."""
        assert self.main.process is not None
        return {"emban": self.main.process.pid, "clickhouse": next(iter(self.main.children()), 0)}

    def close(self) -> None:
        for emban in reversed(self.variants.values()):
            emban.close()

    def abandon(self) -> None:
        for emban in reversed(self.variants.values()):
            emban.abandon()
