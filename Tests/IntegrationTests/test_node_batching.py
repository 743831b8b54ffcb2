"""The batcher of @emban/sdk in Node.js programs, with the running server behind proxies that are in its way. What cannot be sent is told of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from embantest.node import Fault, Project, Proxy, refuse
from embantest.workspace import Organization

SETUP = """
import Emban, { EmbanError, IngestError } from '@emban/sdk';
const host = process.env.EMBAN_URL, apiKey = process.env.EMBAN_API_KEY;
const emban = new Emban({ host, apiKey, retries: 0 });
const event = (more = {}) => ({ tenantId: 'acme', eventName: 'api.call', ...more });
const rejected = [], errors = [];
const watched = {
  flushInterval: 20,
  onError: (error, lost) => errors.push([error.code, lost.length]),
  onRejected: (all, count) => rejected.push([count, all.map(({ code, event }) => [code, event.user_id ?? null])]),
};
const empty = async (batcher) => { while (batcher.size > 0) await new Promise((wake) => setTimeout(wake, 5)); };
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def run(project: Project, organization: Organization, program: str, url: str | None = None, more: Mapping[str, str] | None = None) -> Any:
    return project.result("program.mjs", SETUP + program, {"EMBAN_URL": url or organization.base, "EMBAN_API_KEY": organization.key, **(more or {})})


def at_most(proxy: list[Proxy], limit: int) -> Fault:
    """What nginx does by itself above a megabyte."""
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        too_large = len(proxy[0].bodies[number]) > limit
        if too_large:
            refuse(handler, 413, {"Content-Type": "text/html"}, b"<html>413 Request Entity Too Large</html>")
        return too_large

    return fault


def test_a_proxy_that_lets_little_through_gets_smaller_requests(project: Project, organization: Organization) -> None:
    """They were reported as lost. One that is too large even alone is rejected; the others go on, and the next ones are small from the start."""
    proxies: list[Proxy] = []
    with Proxy(organization.base, at_most(proxies, 20_000)) as proxy:
        proxies.append(proxy)
        found = run(project, organization, """
          const batcher = emban.batcher({ ...watched, flushInterval: 600_000 });
          for (let number = 0; number < 800; number += 1) batcher.add(event({ userId: `u${number}`, ...(number === 300 && { stringProps: { text: 'x'.repeat(4000), more: 'y'.repeat(4000), most: 'z'.repeat(4000), last: 'é'.repeat(2000), end: 'ü'.repeat(2048) } }) }));
          await batcher.flush();
          const direct = await emban.ingest(Array.from({ length: 300 }, () => event()));
          report({ errors, rejected, stats: batcher.stats, direct: [direct.accepted, direct.rejected] });
        """, proxy.url)
    assert found["errors"] == [] and found["rejected"] == [[1, [["event_too_large", "u300"]]]]
    assert found["stats"] == {"queued": 0, "accepted": 799, "rejected": 1, "lost": 0} and found["direct"] == [300, 0]
    assert organization.count("acme") == 1099
    through = [body for body in proxy.bodies if len(body) <= 20_000]
    assert len(proxy.bodies) < 2 * len(through), "what does not go through is remembered"


PAGES = [(200, b"<html>Please sign in to the network</html>"), (200, b""), (200, b"{}"), (502, b"<html>Bad Gateway</html>"), (404, b"default backend - 404"), (403, b"<html>?</html>")]


def test_pages_in_the_servers_place_are_no_answers(project: Project, organization: Organization) -> None:
    """Those of 200 and 404 were taken for refusals, and their events for lost."""
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number < len(PAGES):
            refuse(handler, PAGES[number][0], {"Content-Type": "text/html"}, PAGES[number][1])
        return number < len(PAGES)

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const batcher = emban.batcher(watched);
          for (let number = 0; number < 10; number += 1) batcher.add(event());
          await empty(batcher);
          report({ errors, stats: batcher.stats });
        """, proxy.url)
    assert found["errors"] == [[code, 0] for code in ("invalid_response", "invalid_response", "invalid_response", "http_502", "http_404", "http_403")]
    assert found["stats"] == {"queued": 0, "accepted": 10, "rejected": 0, "lost": 0}
    assert len(set(proxy.bodies)) == 1, "the same ids each time"
    assert organization.count("acme") == 10


def test_what_something_else_refuses_for_ever_holds_up_nothing(project: Project, organization: Organization) -> None:
    """As a firewall that looks into requests does. The others are behind it in the queue."""
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        refused = b"<script>" in proxy.bodies[number]
        if refused:
            refuse(handler, 403, {"Content-Type": "text/html"}, b"<html>Blocked</html>")
        return refused

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const batcher = emban.batcher({ ...watched, flushAt: 1000, flushInterval: 1 });
          batcher.add(event({ stringProps: { page: '<script>' } }));
          while (errors.every(([, lost]) => lost === 0)) await new Promise((wake) => setTimeout(wake, 5));
          batcher.add(event());
          await batcher.close();
          report({ errors, stats: batcher.stats });
        """, proxy.url)
    assert found["errors"] == [["http_403", 0]] * 7 + [["http_403", 1]]
    assert found["stats"] == {"queued": 0, "accepted": 1, "rejected": 0, "lost": 1}


def test_what_could_not_be_delivered_is_said_in_number_and_by_name(project: Project, organization: Organization) -> None:
    """While the server is away: by `flush`, after which they wait, and by `close`, after which they do not. Both told of the first request only."""
    found = run(project, organization, """
      const away = new Emban({ host: 'http://127.0.0.1:9', apiKey, retries: 0 });
      const batcher = away.batcher({ ...watched, flushInterval: 600_000, flushAt: 10_000 });
      for (let number = 0; number < 1500; number += 1) batcher.add(event({ userId: `u${number}` }));
      const told = async (promise) => { const error = await promise.catch((error) => error); return [error instanceof IngestError, error.code, error.message.split(':')[0], error.unsent.length]; };
      const flushed = await told(batcher.flush());
      const waiting = batcher.stats;
      const error = await batcher.close().catch((error) => error);
      const again = await emban.ingest(error.unsent);
      report({ flushed, waiting, closed: [error.code, error.unsent.length, error.unsent[1499].user_id], stats: batcher.stats, errors, again: again.accepted });
    """)
    assert found["flushed"] == [True, "network", "1500 events were not sent", 1500]
    assert found["waiting"] == {"queued": 1500, "accepted": 0, "rejected": 0, "lost": 0}
    assert found["closed"] == ["network", 1500, "u1499"] and found["stats"] == {"queued": 0, "accepted": 0, "rejected": 0, "lost": 1500}
    assert found["errors"] == [["network", 1500]] and found["again"] == 1500
    assert organization.count("acme") == 1500


def test_a_process_that_is_ended_says_what_it_takes_along(project: Project, organization: Organization) -> None:
    output = project.run("program.mjs", SETUP + """
      const silent = emban.batcher();
      for (let number = 0; number < 7; number += 1) silent.add(event());
      emban.batcher({ onError: (error, lost) => console.log(error.code, lost.length) }).add(event());
      process.exit(0);
    """, {"EMBAN_URL": organization.base, "EMBAN_API_KEY": organization.key})
    assert "not_sent 1\n" in output and "(7 events lost)" in output, output


def test_more_wrong_events_than_an_answer_names_are_all_counted(project: Project, organization: Organization) -> None:
    found = run(project, organization, """
      const batcher = emban.batcher({ ...watched, flushAt: 1000 });
      for (let number = 0; number < 400; number += 1) batcher.add(event(number < 250 ? { timestamp: 'never' } : {}));
      await batcher.close();
      report({ count: rejected.map(([count, all]) => [count, all.length]), stats: batcher.stats, errors });
    """)
    assert found["count"] == [[250, 100]] and found["errors"] == []
    assert found["stats"] == {"queued": 0, "accepted": 150, "rejected": 250, "lost": 0}
    assert organization.count("acme") == 150


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (403, "forbidden"), (422, "invalid_request")])
def test_refusals_are_told_of_once_and_hold_up_nothing(project: Project, organization: Organization, status: int, code: str) -> None:
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number == 0:
            refuse(handler, status, {"Content-Type": "application/json"}, json.dumps({"code": code, "message": "No."}).encode())
        return number == 0

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const batcher = emban.batcher(watched);
          batcher.add(event());
          await batcher.flush();
          batcher.add(event());
          await batcher.close();
          report({ errors, stats: batcher.stats });
        """, proxy.url)
    assert found == {"errors": [[code, 1]], "stats": {"queued": 0, "accepted": 1, "rejected": 0, "lost": 1}}
    assert len(proxy.bodies) == 2


def test_an_event_that_cannot_be_written_takes_no_other_with_it(project: Project, organization: Organization) -> None:
    """Half a surrogate pair made a whole request unreadable for the server; an invalid date became the time of arrival; a number as its id was
    replaced, so that sending it again counted twice."""
    found = run(project, organization, r"""
      const bad = [
        event({ userId: 'half \ud83d of a pair' }), event({ timestamp: new Date('never') }), event({ eventId: 42 }), event({ numericProps: { tokens: NaN } }),
        event({ numericProps: { tokens: Infinity } }), event({ numericProps: { tokens: 10n } }), event({ stringProps: { model: null } }), null, 'event',
      ];
      const good = [event({ userId: 'whole \ud83d\ude00 and \\ud83d', timestamp: new Date(), numericProps: { tokens: 1e300 }, stringProps: undefined }), event({ userId: null })];
      const mixed = [...bad, ...good];
      const result = await emban.ingest(mixed);
      const batcher = emban.batcher({ ...watched, flushInterval: 600_000 });
      for (const one of mixed) batcher.add(one);
      const at = new Date();
      batcher.add(event({ timestamp: at }));
      at.setFullYear(1999);
      await batcher.close();
      report({ accepted: result.accepted, errors: result.errors.map(({ index, code }) => [index, code]), stats: batcher.stats, told: errors });
    """)
    assert found["accepted"] == 2 and found["told"] == []
    assert found["errors"] == [
        [0, "event_not_json"], [1, "timestamp_format"], [2, "event_id_type"], [3, "numeric_props_type"], [4, "numeric_props_type"], [5, "event_not_json"],
        [6, "string_props_type"], [7, "tenant_id_missing"], [8, "tenant_id_missing"]]
    assert found["stats"] == {"queued": 0, "accepted": 3, "rejected": 9, "lost": 0}
    assert organization.count("acme", period="24h") == 5
