"""@emban/sdk, as published, in Node.js programs against the running server; between them at times a network that fails."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from embantest.client import Client
from embantest.node import Project, Proxy, hang_up, refuse
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event, kpi

ESM = "import Emban, { EmbanClient, EmbanError, IngestError } from '@emban/sdk';\n"
CJS = "const Emban = require('@emban/sdk'); const { EmbanClient, EmbanError, IngestError } = Emban;\n"
SETUP = """
const host = process.env.EMBAN_URL, apiKey = process.env.EMBAN_API_KEY;
const emban = new Emban({ host, apiKey, retryDelay: 20 });
const event = (more = {}) => ({ tenantId: 'acme', eventName: 'api.call', ...more });
const failure = async (promise) => {
  try { await promise; } catch (error) {
    return { name: error.name, isEmban: error instanceof EmbanError, code: error.code, status: error.status, requestId: error.requestId,
             message: error.message, details: error.details };
  }
  return null;
};
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def environment(organization: Organization, url: str | None = None, key: str | None = None) -> Mapping[str, str]:
    return {"EMBAN_URL": url or organization.base, "EMBAN_API_KEY": key or organization.key}


def run(project: Project, organization: Organization, program: str, url: str | None = None) -> Any:
    return project.result("program.mjs", ESM + SETUP + program, environment(organization, url))


# --- Both module systems --------------------------------------------------------------------------------------------------

WHOLE = """
const main = async () => {
  const named = new EmbanClient({ baseUrl: host + '/', apiKey });
  const stored = await emban.ingest([
    event({ userId: 'u1', timestamp: new Date(), stringProps: { model: 'gpt-4' }, numericProps: { tokens: 150 } }),
    { tenant_id: 'acme', event_name: 'api.call', string_props: { model: 'claude' }, numeric_props: { tokens: 50 } },
  ]);
  const answer = await named.query({ tenantId: 'acme', query: { eventName: 'api.call', metric: 'sum', numericProp: 'tokens', groupBy: 'model', period: '7d' } });
  report({ stored, rows: answer.rows.map(({ model, value }) => [model, value]), zone: answer.meta.timezone });
};
main();
"""


@pytest.mark.parametrize(("name", "head"), [("program.mjs", ESM), ("program.cjs", CJS)])
def test_both_module_systems_store_and_ask(project: Project, organization: Organization, name: str, head: str) -> None:
    found = project.result(name, head + SETUP + WHOLE, environment(organization))
    assert found["stored"] == {"accepted": 2, "rejected": 0, "status": "ok", "errors": []}
    assert found["rows"] == [["gpt-4", 150], ["claude", 50]] and found["zone"] == "UTC"


CONSUMER = """
import Emban, { EmbanClient, EmbanError, IngestError, type EmbanEvent, type EmbedSession, type QueryResult } from "@emban/sdk";
declare const key: string | undefined;
const emban: EmbanClient = new Emban({ host: "https://analytics.example.com", apiKey: key });
export async function use(): Promise<string> {
  const event: EmbanEvent = { tenantId: "acme", eventName: "api.call", numericProps: { tokens: 1 } };
  const { accepted, errors } = await emban.ingest([event]);
  const result: QueryResult = await emban.query({ query: { eventName: "api.call", metric: "count", groupBy2: "model" } });
  const session: EmbedSession = await emban.createEmbedSession({ tenantId: "acme", dashboardId: "usage", permissions: { allowExport: false } });
  const batcher = emban.batcher({ onError: (error: EmbanError, lost) => console.error(error.code, lost.length) });
  batcher.add(event);
  await batcher.close();
  const { data, nextCursor } = await emban.dashboards.list({ limit: 10 });
  // @ts-expect-error a misspelt option
  new Emban({ host: "", apiKey: "", retires: 3 });
  if (!(errors[0] instanceof IngestError)) return session.embedUrl + accepted + result.rows.length + data.map((one) => one.id) + nextCursor;
  return "";
}
"""


@pytest.mark.parametrize("options", [{}, {"module": "Node16", "moduleResolution": "node16"}], ids=["bundler", "node16"])
def test_declarations_fit_either_module_system(project: Project, options: dict[str, Any]) -> None:
    names = ["consumer.ts"] if not options else ["consumer.mts", "consumer.cts"]
    for name in names:
        project.write(name, CONSUMER)
    project.check_types(*names, options={**options, "skipLibCheck": False})


# --- Events ---------------------------------------------------------------------------------------------------------------


def test_many_events_are_split_and_wrong_ones_are_named_by_their_place(project: Project, organization: Organization) -> None:
    found = run(project, organization, """
      const events = Array.from({ length: 2500 }, (_, number) => event({ userId: `u${number}` }));
      events[1700] = event({ timestamp: 'yesterday' });
      events[3] = { tenantId: 'acme' };
      events[2400] = event({ misspelt: 1 });
      report(await emban.ingest(events));
    """)
    assert (found["accepted"], found["rejected"], found["status"]) == (2497, 3, "partial")
    assert [(error["index"], error["code"]) for error in found["errors"]] == [
        (3, "event_name_missing"), (1700, "timestamp_format"), (2400, "unknown_field")]
    assert organization.count("acme") == 2497


def test_requests_stay_below_the_limit_of_bytes(project: Project, organization: Organization) -> None:
    with Proxy(organization.base) as proxy:
        found = run(project, organization, """
          const stringProps = Object.fromEntries(Array.from({ length: 99 }, (_, number) => [`p${number}`, 'ü'.repeat(2048)]));
          const events = Array.from({ length: 45 }, () => event({ stringProps }));
          events[7] = event({ stringProps: { huge: 'x'.repeat(9_000_000) } });
          report(await emban.ingest(events));
        """, proxy.url)
    assert (found["accepted"], found["rejected"]) == (44, 1) and found["errors"][0]["index"] == 7
    assert found["errors"][0]["code"] == "event_too_large"
    assert len(proxy.bodies) == 3 and max(map(len, proxy.bodies)) <= 8_388_608
    assert organization.count("acme") == 44


def test_when_no_event_is_valid_it_is_an_error(project: Project, organization: Organization) -> None:
    found = run(project, organization, """
      const error = await emban.ingest([event({ timestamp: 'never' }), {}]).catch((error) => error);
      report([error instanceof IngestError, error.name, error.status, error.code, error.result.errors.map(({ index, code }) => [index, code]), error.unsent]);
    """)
    assert found[:4] == [True, "IngestError", 422, "no_valid_event"]
    assert [0, "timestamp_format"] in found[4] and {index for index, _ in found[4]} == {0, 1} and found[5] == []


def test_an_answer_that_was_lost_counts_the_events_once(project: Project, organization: Organization) -> None:
    """The server has stored them, the caller has not heard of it: the same ids go out again."""
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number == 0:
            Proxy.forward(handler, proxy.bodies[0], "127.0.0.1", int(organization.base.rsplit(":", 1)[1]), tell=False)
            hang_up(handler)
        if number == 1:
            hang_up(handler)
        return number < 2

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, "report(await emban.ingest([event(), event(), event({ eventId: 'own' })]));", proxy.url)
    assert found["accepted"] == 3
    assert len(proxy.bodies) == 3 and proxy.bodies[0] == proxy.bodies[1] == proxy.bodies[2]
    ids = [one["event_id"] for one in json.loads(proxy.bodies[0])["events"]]
    assert ids[2] == "own" and len(set(ids)) == 3 and min(map(len, ids[:2])) == 36
    assert organization.count("acme") == 3


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(project: Project, organization: Organization, status: int) -> None:
    seen: list[float] = []

    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        seen.append(time.monotonic())
        if number == 0:
            refuse(handler, status, {"Retry-After": "1"}, b'{"code": "busy_now", "message": "Later."}')
        return number == 0

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, "report(await emban.ingest([event()]));", proxy.url)
    assert found["accepted"] == 1 and len(seen) == 2
    assert seen[1] - seen[0] >= 1


def test_it_gives_up_in_the_end_and_says_what_was_not_sent(project: Project, organization: Organization) -> None:
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number > 0:
            refuse(handler, 503, body=b'{"code": "spool_full", "message": "No more may wait."}')
        return number > 0

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const impatient = new Emban({ host, apiKey, retries: 2, retryDelay: 5 });
          const error = await impatient.ingest(Array.from({ length: 1500 }, () => event())).catch((error) => error);
          const later = await new Emban({ host: process.env.DIRECT, apiKey }).ingest(error.unsent);
          report([error.code, error.status, error.isTemporary, error.result.accepted, error.unsent.length, later.accepted]);
        """.replace("process.env.DIRECT", json.dumps(organization.base)), proxy.url)
    assert found == ["spool_full", 503, True, 1000, 500, 500]
    assert len(proxy.bodies) == 4, "one request went through, the other was tried three times"
    assert organization.count("acme") == 1500


# --- In the background ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "head"), [("program.mjs", ESM), ("program.cjs", CJS)])
def test_what_waits_is_sent_when_the_program_ends(project: Project, organization: Organization, name: str, head: str) -> None:
    """The timer, which would come after ten minutes, keeps no program alive."""
    project.run(name, head + SETUP + """
      const batcher = emban.batcher({ flushInterval: 600_000 });
      for (let number = 0; number < 7; number += 1) batcher.add(event());
    """, environment(organization))
    assert organization.count("acme") == 7


def test_a_batch_goes_out_when_it_is_full_or_old_enough(project: Project, organization: Organization) -> None:
    with Proxy(organization.base) as proxy:
        found = run(project, organization, """
          const batcher = emban.batcher({ flushAt: 3, flushInterval: 50 });
          const until = async (isSo) => { while (!isSo()) await new Promise((wake) => setTimeout(wake, 5)); };
          for (let number = 0; number < 3; number += 1) batcher.add(event());
          await until(() => batcher.size === 0);
          batcher.add(event());
          await until(() => batcher.size === 0);
          batcher.add(event());
          await batcher.close();
          report([batcher.size, (() => { try { batcher.add(event()); } catch (error) { return error.code; } })()]);
        """, proxy.url)
    assert found == [0, "closed"]
    assert [len(json.loads(body)["events"]) for body in proxy.bodies] == [3, 1, 1]
    assert organization.count("acme") == 5


def test_events_outlive_a_server_that_is_away(project: Project, organization: Organization) -> None:
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number < 6:
            hang_up(handler)
        return number < 6

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const errors = [];
          const impatient = new Emban({ host, apiKey, retries: 1, retryDelay: 5 });
          const batcher = impatient.batcher({ flushAt: 10, flushInterval: 20, onError: (error, lost) => errors.push([error.code, lost.length]) });
          for (let number = 0; number < 10; number += 1) batcher.add(event());
          while (batcher.size > 0) await new Promise((wake) => setTimeout(wake, 5));
          report(errors);
        """, proxy.url)
    # A connection may also break before a request has left on it.
    assert len(found) >= 3 and all(error == ["network", 0] for error in found)
    assert len({body for body in proxy.bodies}) == 1, "each try sends the same events with the same ids"
    assert organization.count("acme") == 10


def test_what_can_never_be_sent_is_handed_back(project: Project, organization: Organization) -> None:
    found = run(project, organization, """
      const lost = [], wrong = [], silent = [];
      const stranger = new Emban({ host, apiKey: 'eb_ing_nobody-knows-this-one' });
      const batcher = stranger.batcher({ onError: (error, events) => lost.push([error.code, events.length, typeof events[0].event_id]) });
      batcher.add(event());
      await batcher.close();
      const own = emban.batcher({ onRejected: (rejected) => wrong.push(...rejected.map((one) => [one.code, one.event.user_id])) });
      own.add(event());
      own.add(event({ userId: 'u2', timestamp: 'never' }));
      await own.close();
      const unheard = emban.batcher({ onError: (error) => silent.push(error.code) });
      unheard.add(event({ timestamp: 'never' }));
      await unheard.close();
      const small = emban.batcher({ maximumQueue: 1, onError: (error, events) => lost.push([error.code, events.length, typeof events[0].event_id]) });
      const taken = [small.add(event()), small.add(event())];
      await small.close();
      report({ lost, wrong, silent, taken });
    """)
    assert found["lost"] == [["unauthorized", 1, "string"], ["queue_full", 1, "string"]]
    assert found["wrong"] == [["timestamp_format", "u2"]] and found["silent"] == ["events_rejected"] and found["taken"] == [True, False]
    assert organization.count("acme") == 2


# --- Everything else ------------------------------------------------------------------------------------------------------


def test_embed_sessions(project: Project, organization: Organization) -> None:
    dashboard = organization.create_dashboard(publish=True)
    organization.ingest([event(string_props={"model": "a"}), event(string_props={"model": "b"})])
    found = run(project, organization, f"""
      const session = await emban.createEmbedSession({{
        tenantId: 'acme', dashboardId: {dashboard["id"]!r}, expiresIn: 600, timezone: 'Europe/Berlin', context: {{ userId: 'u1' }},
        permissions: {{ lockedFilters: {{ model: 'a' }}, allowExport: false, max_date_range_days: 90 }}, allowedOrigins: ['https://app.example.com'],
      }});
      const other = await emban.createEmbedSession({{ tenantId: 'globex', dashboardId: {dashboard["id"]!r} }});
      const listed = await emban.listEmbedSessions({{ tenantId: 'acme', limit: 10 }});
      await emban.revokeEmbedSession(other.sessionId);
      report({{ session, other, listed }});
    """)
    session, (listed,) = found["session"], found["listed"]["data"]
    assert set(session) == {"token", "embedUrl", "expiresAt", "sessionId"} and session["token"] in session["embedUrl"]
    assert listed["sessionId"] == session["sessionId"] and listed["tenantId"] == "acme" and found["listed"]["nextCursor"] is None
    assert listed["permissions"]["locked_filters"] == {"model": ["a"]} and listed["allowedOrigins"] == ["https://app.example.com"]
    viewer = Client(organization.base).bearer(session["token"])
    permissions = viewer.get("/v1/embed/dashboard").expect(200)["permissions"]
    assert permissions["allow_export"] is False and permissions["max_date_range_days"] == 90
    assert viewer.post("/v1/embed/query", {}).expect(200)["results"]["w_calls"]["rows"] == [{"value": 1}]
    assert Client(organization.base).bearer(found["other"]["token"]).get("/v1/embed/dashboard").status == 401
    run(project, organization, "report(await emban.revokeEmbedSessions({ tenantId: 'acme' }) ?? null);")
    assert viewer.get("/v1/embed/dashboard").status == 401


def test_dashboards(project: Project, organization: Organization) -> None:
    found = run(project, organization, f"""
      const {{ dashboards }} = emban;
      const widgets = {json.dumps([kpi("w_calls")])};
      const made = await dashboards.create({{ name: 'Usage of all', widgets, theme: {{ primaryColor: '#0f9d58' }} }});
      await dashboards.publish(made.id);
      const changed = await dashboards.update(made.slug, {{ description: 'New' }}, {{ revision: made.revision }});
      const late = await failure(dashboards.update(made.id, {{ description: 'Newer' }}, {{ revision: made.revision }}));
      const restored = await dashboards.restore(made.id);
      const replaced = await dashboards.replace(made.id, {{ name: 'Other', widgets }});
      const got = await dashboards.get(made.id);
      for (let number = 0; number < 3; number += 1) await dashboards.create({{ name: `More ${{number}}` }});
      const first = await dashboards.list({{ limit: 3 }});
      const second = await dashboards.list({{ limit: 3, cursor: first.nextCursor }});
      await emban.refreshCache({{ tenantId: 'acme', dashboardId: made.id }});
      await emban.refreshCache();
      await dashboards.unpublish(made.id);
      const offline = await dashboards.get(made.id);
      await dashboards.delete(made.id);
      const gone = await failure(dashboards.get(made.id));
      report({{ made, changed, late, restored, replaced, got, pages: [first, second], offline, gone }});
    """)
    assert found["made"]["status"] == "draft" and found["made"]["theme"] == {"primaryColor": "#0f9d58"}
    assert found["changed"]["description"] == "New" and found["changed"]["revision"] > found["made"]["revision"]
    assert (found["late"]["status"], found["late"]["code"]) == (409, "revision_conflict")
    assert not found["restored"].get("description") and found["got"]["name"] == found["replaced"]["name"] == "Other"
    first, second = found["pages"]
    assert len(first["data"]) == 3 and len(second["data"]) == 1 and second["nextCursor"] is None
    assert found["offline"]["status"] == "unpublished"
    assert (found["gone"]["status"], found["gone"]["code"]) == (404, "dashboard_not_found")


def test_any_other_route(project: Project, organization: Organization) -> None:
    found = run(project, organization, """
      const key = await emban.request('POST', '/v1/api-keys', { body: { name: 'edge', scope: 'ingest' } });
      const edge = new Emban({ host, apiKey: key.key });
      await edge.ingest([event()]);
      const tenants = await emban.request('GET', '/v1/tenants', { query: { limit: 5, cursor: undefined } });
      const gone = await emban.request('DELETE', `/v1/api-keys/${key.id}`);
      const elsewhere = await emban.request('GET', '//example.com/').catch((error) => error.name);
      report([tenants.data.map(({ tenant_id }) => tenant_id), gone, await failure(edge.ingest([event()])), elsewhere]);
    """)
    assert found[:2] == [["acme"], None] and found[2]["code"] == "unauthorized" and found[3] == "TypeError"


def test_guest_tokens(project: Project, organization: Organization) -> None:
    organization.create_dashboard(slug="my-app", publish=True)
    organization.ingest([event("tenant-42"), event("acme")])
    found = run(project, organization, """
      const permissions = { isEnableDownloadMetrics: false, isEnableUnderlyingData: true };
      const guest = await emban.createGuestToken({ clientId: 'tenant-42', dataAppName: 'my-app', permissions, expiryTime: 600, params: { userId: 'u1' } });
      const unknown = await failure(emban.createGuestToken({ clientId: 'tenant-42', dataAppName: 'other' }));
      report({ guest, unknown });
    """)
    assert set(found["guest"]) == {"token", "expiresAt"}
    assert (found["unknown"]["status"], found["unknown"]["code"]) == (404, "DATA_APP_NOT_FOUND") and found["unknown"]["isEmban"]
    viewer = Client(organization.base).bearer(found["guest"]["token"])
    assert viewer.get("/v1/embed/dashboard").expect(200)["permissions"]["allow_export"] is False
    assert viewer.post("/v1/embed/query", {}).expect(200)["results"]["w_calls"]["rows"] == [{"value": 1}]


def test_sessions_of_a_dashboard_are_revoked_together(project: Project, organization: Organization) -> None:
    one, other = (organization.create_dashboard(publish=True)["id"] for _ in range(2))
    sessions = [organization.session("acme", dashboard) for dashboard in (one, one, other)]
    run(project, organization, f"report(await emban.revokeEmbedSessions({{ dashboardId: {one!r} }}) ?? null);")
    assert [session.client.get("/v1/embed/dashboard").status for session in sessions] == [401, 401, 200]


# --- Errors and secrets ---------------------------------------------------------------------------------------------------


def test_errors_are_typed_and_hold_no_key(project: Project, organization: Organization, emban: EmbanProcess) -> None:
    found = run(project, organization, """
      import { inspect } from 'node:util';
      const shown = [];
      const caught = async (work) => {
        const error = await (async () => work())().catch((error) => error);
        shown.push(inspect(error, { depth: 20, showHidden: true }), String(error.stack), JSON.stringify(error));
        return error;
      };
      const wrong = new Emban({ host, apiKey: 'eb_adm_' + 'wrong'.repeat(8), retries: 0 });
      const unauthorized = await caught(() => wrong.query({ query: { eventName: 'a', metric: 'count' } }));
      const invalid = await caught(() => emban.query({ query: { eventName: 'api.call', metric: 'sum', period: '7d' } }));
      const unknown = await caught(() => emban.createEmbedSession({ tenantId: 'acme', dashboardId: 'none', permission: {} }));
      const away = await caught(() => new Emban({ host: 'http://127.0.0.1:9', apiKey, retries: 1, retryDelay: 1 }).dashboards.list());
      const page = await caught(() => new Emban({ host: host + '/embed', apiKey, retries: 0 }).dashboards.list());
      const redirected = await caught(() => new Emban({ host, apiKey, fetch: (url, init) => fetch(url + '/../../../', init) }).dashboards.list());
      const broken = await caught(() => new Emban({ host, apiKey: apiKey + '\\nX-More: 1' }));
      const noKey = await caught(() => new Emban({ host, apiKey: process.env.NO_SUCH_KEY }));
      const noHost = await caught(() => new Emban({ apiKey }));
      const aborted = await caught(() => emban.query({ query: { eventName: 'a', metric: 'count' } }, { signal: AbortSignal.abort() }));
      shown.push(inspect(emban, { depth: 20, showHidden: true }), JSON.stringify(emban), inspect(emban.batcher(), { depth: 20, showHidden: true }));
      const all = { unauthorized, invalid, unknown, away, page, aborted };
      report({
        all: Object.fromEntries(Object.entries(all).map(([name, error]) => [name, [error.name, error.status, error.code, error.requestId ?? null, error.details]])),
        configuration: [broken, noKey, noHost].map((error) => [error.name, error.message]),
        redirected: redirected.status ?? null, leaks: shown.filter((text) => text.includes(apiKey) || text.includes('wrong'.repeat(8))),
      });
    """)
    assert found["leaks"] == []
    errors = found["all"]
    assert errors["unauthorized"][:3] == ["EmbanError", 401, "unauthorized"] and errors["unauthorized"][3].startswith("req_")
    assert errors["invalid"][1:3] == [422, "invalid_request"] and errors["invalid"][4][0]["field"] == "query.numeric_prop"
    assert [detail["field"] for detail in errors["unknown"][4]] == ["permission"], "a misspelt member is refused by name"
    assert errors["away"][1:3] == [0, "network"] and errors["aborted"][2] == "aborted"
    assert errors["page"][1] == 404
    assert [name for name, _ in found["configuration"]] == ["TypeError"] * 3
    assert organization.key not in emban.log


def test_a_server_that_does_not_answer_in_time(project: Project, organization: Organization) -> None:
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number == 0:
            time.sleep(1.5)
            hang_up(handler)
        return number == 0

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, """
          const impatient = new Emban({ host, apiKey, retries: 0, timeout: 300 });
          report([await failure(impatient.dashboards.list()), (await emban.dashboards.list()).data]);
        """, proxy.url)
    assert found[0]["code"] == "timeout" and found[1] == []


def test_what_may_not_be_done_twice_is_not_repeated_blindly(project: Project, organization: Organization) -> None:
    """After a break nobody knows whether the dashboard was made: the caller decides."""
    def fault(handler: BaseHTTPRequestHandler, number: int) -> bool:
        if number == 0:
            hang_up(handler)
        return number == 0

    with Proxy(organization.base, fault) as proxy:
        found = run(project, organization, "report(await failure(emban.dashboards.create({ name: 'Once' })));", proxy.url)
    assert found["code"] == "network" and len(proxy.bodies) == 1


def test_an_id_that_is_none_is_no_address_of_something_else(project: Project, organization: Organization) -> None:
    """An empty one, or two dots, made the path that of the list, or of what stands above it."""
    organization.create_dashboard(slug="usage", publish=True)
    kept = organization.session("acme", "usage")
    found = run(project, organization, """
      const tried = [];
      for (const id of ['', '.', '..', undefined, null, 5]) {
        for (const work of [() => emban.dashboards.get(id), () => emban.dashboards.delete(id), () => emban.revokeEmbedSession(id)]) {
          tried.push(await work().then(() => 'done', (error) => error.name));
        }
      }
      for (const of of [{ tenantId: undefined }, { tenantId: '' }, {}]) tried.push(await emban.revokeEmbedSessions(of).then(() => 'done', (error) => error.name));
      const patient = new Emban({ host, apiKey, timeout: 2 ** 40, maximumRetryAfter: 2 ** 40 });
      report([[...new Set(tried)], (await patient.dashboards.list()).data.length]);
    """)
    assert found == [["TypeError"], 1]
    assert kept.client.get("/v1/embed/dashboard").status == 200, "nobody's session ended"
