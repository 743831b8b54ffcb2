"""SQL that people write: through the API, and past its check, straight to the database as the organisation's own user."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from embantest.client import Client, Response
from embantest.process import ROOT, EmbanProcess
from embantest.steady import eventually
from embantest.workspace import Organization, event

Json = dict[str, Any]

#: Words that an error about SQL may hold; everything else of the inside may not.
SPOKEN = "SELECT WITH FROM WHERE GROUP BY"

#: How many events the first organisation has in production, and how many the strangers: a count tells whose they are.
OWN, STRANGE = 24, 700
#: A number of strangers that no sum of own numbers reaches.
HUGE = 7_654_321_000


@dataclass
class Attack:
    """One statement, and what becomes of it.

    `api` and `store` (past the check) are: `refused`; `own`: answered, `value` being its first value; `bounded`: either, with nothing foreign;
    `empty`: answered without rows on a server that is Emban's own; `endless`: never answered, so not sent.
    """

    group: str
    sql: str
    api: str
    store: str
    value: Any = None

    def __str__(self) -> str:
        return re.sub(r"\W+", "-", f"{self.group} {self.sql}")[:80]


def attacks() -> list[Attack]:
    return [Attack(**entry) for entry in json.loads((ROOT / "Tests/Golden/sql-attacks.json").read_text())]


def derived(secret: str, info: str) -> str:
    """HKDF-SHA256, as the program derives its passwords from the secret key."""
    key = hmac.new(b"emban.secret-key.v1", secret.encode(), hashlib.sha256).digest()
    return hmac.new(key, info.encode() + b"\x01", hashlib.sha256).hexdigest()


def reader_name(secret: str, organization: str, environment: str = "production") -> str:
    key = derived(secret, "clickhouse:emban_sql").encode()
    return "emban_sql_" + hmac.new(key, f"name\0{organization}\0{environment}".encode(), hashlib.sha256).hexdigest()[:24]


class Reader:
    """The database user of one organisation and environment, with the password that only the program has."""

    def __init__(self, port: int, secret: str, organization: str, environment: str = "production") -> None:
        self.port = port
        self.name = reader_name(secret, organization, environment)
        self.password = hmac.new(derived(secret, "clickhouse:emban_sql").encode(), self.name.encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def of(emban: EmbanProcess, organization: Organization, environment: str = "production") -> Reader:
        found = re.search(r"<http_port>(\d+)</http_port>", (emban.data_dir / "clickhouse" / "config.xml").read_text())
        assert found
        return Reader(int(found[1]), secret_of(emban.data_dir), organization.id, environment)

    def ask(self, sql: str, *, timeout: float = 100, **settings: str) -> tuple[int, str]:
        """The status and text of an answer; an answer that broke off counts as refused."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {"X-ClickHouse-User": self.name, "X-ClickHouse-Key": self.password}
        parameters = {"database": self.name, "default_format": "JSONCompactEachRowWithNamesAndTypes"} | settings
        try:
            connection.request("POST", "/?" + urlencode(parameters), sql.encode(errors="surrogatepass"), headers)
            answer = connection.getresponse()
            try:
                text = answer.read().decode(errors="replace")
            except http.client.IncompleteRead as broken:
                return 500, broken.partial.decode(errors="replace")
            return (500 if "__exception__" in text else answer.status), text
        finally:
            connection.close()

    @staticmethod
    def wrapped(sql: str) -> str:
        """As the program sends it."""
        return f"SELECT * FROM (\n{sql}\n) LIMIT 10001"

    def rows(self, sql: str) -> list[list[Any]]:
        # Where statements may take moments only, a machine that stops for longer is asked once more.
        _, text = eventually(lambda: self.ask(sql), lambda answer: answer[0] == 200, f"an answer to {sql}", pause=0.3)
        return rows_of(text)


def rows_of(text: str) -> list[list[Any]]:
    return [json.loads(line) for line in text.splitlines()[2:] if line.startswith("[")]


def secret_of(data_dir: Path) -> str:
    return (data_dir / "secret.key").read_text().splitlines()[0]


def counted(client: Client, number: int) -> None:
    """There are so many events, said by a statement that may take moments only on some servers."""
    answer = eventually(lambda: run(client, "SELECT count() FROM events"), lambda answer: answer.status == 200, "a count", pause=0.3)
    assert answer.json["rows"] == [[number]]


def run(client: Client, sql: str, **more: Any) -> Response:
    return client.post("/v1/sql", {"sql": sql, **more})


class World:
    """Two organisations whose customers, events and properties bear the same names, and a second environment of the first."""

    def __init__(self, emban: EmbanProcess) -> None:
        self.emban = emban
        self.organization, self.other = Organization(emban.url), Organization(emban.url)
        organization, other, secret = self.organization, self.other, secret_of(emban.data_dir)
        self.names = reader_name(secret, organization.id), reader_name(secret, other.id)
        organization.ingest(
            event("acme", "api.call", event_id=f"own-{n}", user_id="user", string_props={"model": "gpt-4"}, numeric_props={"tokens": n})
            for n in range(OWN))
        development = Client(organization.base).bearer(organization.new_key("admin", environment="development")["key"])
        for client in (other.admin, development):
            client.post("/v1/events", {"events": [
                event(
                    "acme" if n % 2 else f"SECRET-tenant-{n % 5}", "api.call" if n % 3 else "SECRET-event", event_id=f"SECRET-{n}", user_id=f"SECRET-user-{n % 9}",
                    string_props={"model": f"SECRET-model-{n % 4}", "SECRET-property": "x"}, numeric_props={"tokens": HUGE + n, "SECRET_number": 1})
                for n in range(STRANGE)]}).expect(200)
        other.settle()
        # The users of the database are made.
        for client in (organization.admin, other.admin):
            counted(client, OWN if client is organization.admin else STRANGE)

    def written(self, attack: Attack) -> str:
        return attack.sql.replace("@other_org@", self.other.id).replace("@other@", self.names[1]).replace("@own@", self.names[0])

    def foreign_in(self, text: str, attack: Attack, sent: str, status: int = 200) -> list[str]:
        """What an answer shows of others. The database's own text of an error lists the columns of a view whose secret name was given."""
        if status != 200 and "@other@" in attack.sql:
            text = re.sub(r"the grant SELECT\([^)]*\) ON", "", text)
        found = [secret for secret in re.findall(r"SECRET[-_][-\w]*", text) if secret not in sent]
        found += [number for number in re.findall(r"\d{10,}", text) if HUGE <= int(number) <= HUGE + STRANGE and number not in sent]
        for hidden in (self.other.id, self.names[1]):
            if hidden in text and hidden not in sent:
                found.append(hidden)
        return found
