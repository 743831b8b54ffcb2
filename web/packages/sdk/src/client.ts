import { Batcher, type BatcherOptions } from "./batcher";
import { Dashboards, invalidAnswer, pageOf } from "./dashboards";
import { isRecord } from "./errors";
import { prepared, RequestSize } from "./events";
import { send } from "./ingest";
import { fromWire, part, toWire } from "./names";
import { Transport, type FetchLike, type RequestOptions } from "./transport";
import type {
  AnyEvent, EmbedSession, EmbedSessionInfo, EmbedSessionInput, GuestToken, GuestTokenInput, IngestResult, Page, PageOptions, QueryInput, QueryResult,
} from "./types";

export interface EmbanOptions {
  /** Address of your Emban server: `https://analytics.example.com`. */
  readonly host?: string | undefined;
  /** Another name of `host`. */
  readonly baseUrl?: string | undefined;
  /** `eb_adm_…`, or `eb_ing_…` where only events are sent. */
  readonly apiKey: string | undefined;
  /** Of one attempt, in milliseconds; 30,000 when absent. */
  readonly timeout?: number;
  /** How often a request is repeated; 4 when absent. */
  readonly retries?: number;
  /** Before the first repetition, in milliseconds; 250 when absent, and doubled each time. */
  readonly retryDelay?: number;
  /** The longest wait before a repetition that is not asked for by the server; 15,000 when absent. */
  readonly maximumRetryDelay?: number;
  /** The longest `Retry-After`, in milliseconds, that is waited for; 60,000 when absent. */
  readonly maximumRetryAfter?: number;
  /** In place of the global one, for instance to go through a proxy. */
  readonly fetch?: FetchLike;
}

/**
 * Emban for back ends. Keep one for the life of the process.
 *
 * Requests are repeated after 429 and 503, as `Retry-After` says, and, where that is harmless, after broken connections and time-outs. All
 * methods reject with `EmbanError`.
 */
export class EmbanClient {
  readonly dashboards: Dashboards;
  readonly #transport: Transport;
  readonly #size = new RequestSize();

  constructor(options: EmbanOptions) {
    const apiKey = options.apiKey?.trim() ?? "";
    if (apiKey === "") throw new TypeError("Emban: apiKey is missing");
    // An engine's own complaint about a header would show the key.
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new TypeError("Emban: apiKey holds characters that no key has");
    this.#transport = new Transport({
      baseUrl: baseUrlOf(options.baseUrl ?? options.host),
      apiKey,
      timeout: bounded("timeout", options.timeout ?? 30_000, 1),
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      policy: {
        retries: bounded("retries", options.retries ?? 4, 0),
        delay: bounded("retryDelay", options.retryDelay ?? 250, 0),
        maximumDelay: bounded("maximumRetryDelay", options.maximumRetryDelay ?? 15_000, 0),
        patience: bounded("maximumRetryAfter", options.maximumRetryAfter ?? 60_000, 0),
        random: Math.random,
      },
    });
    this.dashboards = new Dashboards(this.#transport);
  }

  /**
   * Stores events. Those without an id get one, so that repeating is harmless; more than a request may hold are sent as several.
   * What a proxy finds too large (413) is halved. Events that the server finds wrong are left out and listed in `errors`. Rejects with `IngestError` when no event is valid, and when
   * a request fails: what `unsent` of the error holds may be given to `ingest` again.
   */
  async ingest(events: readonly AnyEvent[] | AnyEvent, options: RequestOptions = {}): Promise<IngestResult> {
    const all = Array.isArray(events) ? (events as readonly AnyEvent[]) : [events as AnyEvent];
    return send(this.#transport, all.map(prepared), this.#size, options);
  }

  /** Collects events and sends them in the background. */
  batcher(options: BatcherOptions = {}): Batcher {
    return new Batcher((events, request) => send(this.#transport, events, this.#size, request), options);
  }

  /** Answers one question: `{ tenantId, query: { eventName, metric, … } }`. */
  async query(input: QueryInput, options: RequestOptions = {}): Promise<QueryResult> {
    const body = { ...toWire({ ...input }), query: toWire(input.query) };
    const answer = await this.#transport.send({ method: "POST", path: "/v1/query", body, isRepeatable: true, signal: options.signal });
    if (!isRecord(answer.body) || !Array.isArray(answer.body["rows"])) throw invalidAnswer();
    return answer.body as unknown as QueryResult;
  }

  /** Makes a session of one customer for one published dashboard: for each page view one. */
  async createEmbedSession(input: EmbedSessionInput, options: RequestOptions = {}): Promise<EmbedSession> {
    const { permissions, ...rest } = input;
    const body = { ...toWire(rest), ...(permissions && { permissions: toWire(permissions) }) };
    const answer = await this.#transport.send({ method: "POST", path: "/v1/embed-sessions", body, isRepeatable: true, signal: options.signal });
    if (!isRecord(answer.body) || typeof answer.body["token"] !== "string") throw invalidAnswer();
    return fromWire(answer.body) as unknown as EmbedSession;
  }

  /** Live sessions, the newest first. */
  async listEmbedSessions(options: PageOptions & RequestOptions & { readonly tenantId?: string } = {}): Promise<Page<EmbedSessionInfo>> {
    const { tenantId, limit, cursor, signal } = options;
    const query = { tenant_id: tenantId, limit, cursor };
    const { body } = await this.#transport.send({ method: "GET", path: "/v1/embed-sessions", query, isRepeatable: true, signal });
    return pageOf(body, (item) => fromWire(item) as unknown as EmbedSessionInfo);
  }

  /** Ends one session at once. */
  async revokeEmbedSession(sessionId: string, options: RequestOptions = {}): Promise<void> {
    const path = `/v1/embed-sessions/${part(sessionId)}`;
    await this.#transport.send({ method: "DELETE", path, isRepeatable: true, signal: options.signal });
  }

  /** Ends all sessions of a customer, or of a dashboard. */
  async revokeEmbedSessions(of: { readonly tenantId: string } | { readonly dashboardId: string }, options: RequestOptions = {}): Promise<void> {
    const query = "tenantId" in of ? { tenant_id: of.tenantId } : { dashboard_id: of.dashboardId };
    if (!Object.values(query)[0]) throw new TypeError("Emban: tenantId or dashboardId must name whose sessions end");
    await this.#transport.send({ method: "DELETE", path: "/v1/embed-sessions", query, isRepeatable: true, signal: options.signal });
  }

  /** The guest token of a customer, for the web component: an embed token under another name. */
  async createGuestToken(input: GuestTokenInput, options: RequestOptions = {}): Promise<GuestToken> {
    const answer = await this.#transport.send({ method: "POST", path: "/api/v2/guest-token/create", body: input, isRepeatable: true, signal: options.signal });
    if (!isRecord(answer.body) || typeof answer.body["token"] !== "string") throw invalidAnswer();
    return answer.body as unknown as GuestToken;
  }

  /**
   * Any other route, as docs/api.md describes it: `request("GET", "/v1/discover", { query: { tenant_id: "acme" } })`. Names are those of the wire;
   * the answer is its JSON, null for none. POST and PATCH are not repeated after a broken connection.
   */
  async request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string,
    options: RequestOptions & { readonly query?: Readonly<Record<string, string | number | undefined>>; readonly body?: unknown } = {},
  ): Promise<unknown> {
    if (!path.startsWith("/") || path.startsWith("//")) throw new TypeError("Emban: path must begin with one slash");
    const isRepeatable = method === "GET" || method === "PUT" || method === "DELETE";
    return (await this.#transport.send({ ...options, method, path, isRepeatable })).body;
  }

  /** Has the next answers made anew: of a customer, on a dashboard, of both, or all. */
  async refreshCache(of: { readonly tenantId?: string; readonly dashboardId?: string } = {}, options: RequestOptions = {}): Promise<void> {
    await this.#transport.send({ method: "POST", path: "/v1/cache/refresh", body: toWire(of), isRepeatable: true, signal: options.signal });
  }
}

function baseUrlOf(host: string | undefined): string {
  if (host === undefined || host === "") throw new TypeError("Emban: host is missing, such as https://analytics.example.com");
  let url: URL;
  try {
    url = new URL(host);
  } catch {
    throw new TypeError(`Emban: host must be an address with its scheme, such as https://analytics.example.com, not ${JSON.stringify(host)}`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new TypeError("Emban: host must be an http or https address");
  if (url.username !== "" || url.search !== "" || url.hash !== "") throw new TypeError("Emban: host must hold neither credentials nor a query");
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

function bounded(name: string, value: number, least: number): number {
  if (!Number.isFinite(value) || value < least) throw new TypeError(`Emban: ${name} must be a number of at least ${least}`);
  // A timer of JavaScript that is to wait longer than this does not wait at all.
  return Math.min(value, 2 ** 31 - 1);
}
