import { aborted, EmbanError, isAbort, isRecord } from "./errors";
import { EventStreamDecoder, type StreamMessage } from "./event-stream";
import { NDJSONDecoder } from "./ndjson";
import type { WireState } from "./state";
import type { DashboardConfig, DateRange, FilterValues, Positions, QueryResult, Vocabulary, WidgetConfig, WidgetDraft } from "./types";

export type WidgetAnswer = { readonly result: QueryResult } | { readonly error: EmbanError };
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** Body of `POST /v1/embed/drill`: what lies behind a value or a range of a widget, broken down by `next_dimension`, else the newest events. */
export interface DrillRequest {
  readonly widget: string;
  readonly dimension?: string;
  readonly value?: string;
  /** Values opened after the first. */
  readonly filters?: readonly { readonly dimension: string; readonly value: string }[];
  readonly range?: DateRange;
  readonly next_dimension?: string;
  readonly limit?: number;
}

export interface ClientOptions {
  /** Origin of the Emban server, `https://analytics.example.com`; "" means the page's own origin. */
  readonly host: string;
  readonly token: string;
  readonly fetch?: FetchLike;
  /** Wait before the single retry after a network failure, in milliseconds. */
  readonly retryDelay?: number;
}

/** Refusals of too many requests that pass by themselves: a request waits as long as the server wants, and is repeated. */
const throttled = new Set(["session_rate_limited", "rate_limited"]);
const mostWaits = 5;
/** Seconds. */
const longestWait = 60;

/** Speaks the viewer API. The token travels in the Authorization header only: never in an address, a cookie or a log line. */
export class EmbedClient {
  token: string;
  /** Id or slug of the dashboard that is asked for, where a session opens several; null for the session's own, or the first. */
  chosen: string | null = null;
  private readonly host: string;
  private readonly fetcher: FetchLike;
  private readonly retryDelay: number;

  constructor(options: ClientOptions) {
    this.host = options.host.replace(/\/+$/, "");
    this.token = options.token;
    this.fetcher = options.fetch ?? ((url, init) => fetch(url, init));
    this.retryDelay = options.retryDelay ?? 300;
  }

  /** The configuration of the dashboard with this id or slug, else of the session's own. */
  async dashboard(signal?: AbortSignal, wanted: string | null = null): Promise<DashboardConfig> {
    return readConfig(await this.json(`/v1/embed/dashboard${choose(wanted)}`, { method: "GET" }, signal));
  }

  /**
   * The same with the answers of the state that the dashboard opens in, which are made while the page builds itself up. Where that cannot be had,
   * as from a server that is older, the configuration comes alone.
   */
  async open(signal?: AbortSignal, wanted: string | null = null): Promise<{ readonly config: DashboardConfig; readonly opening: Opening | null }> {
    try {
      const response = await this.request(`/v1/embed/view${choose(wanted)}`, { method: "GET" }, "application/x-ndjson", signal);
      if (response.ok && response.body && isLines(response)) {
        const lines = new Lines(response.body);
        try {
          const [head] = await lines.next();
          if (!isRecord(head)) throw invalidResponse();
          return { config: readConfig(head["dashboard"]), opening: new Opening(isRecord(head["state"]) ? head["state"] : {}, lines) };
        } catch (error) {
          lines.cancel();
          throw error;
        }
      }
      if (response.ok) void response.body?.cancel().catch(() => undefined);
      else {
        // A server that is older, or a proxy that lets known addresses through, is no refusal.
        const failure = await errorOf(response);
        if (failure.code !== "not_found" && !failure.code.startsWith("http_4")) throw failure;
      }
    } catch (error) {
      // What the server says is so; when it could not be heard it is asked again.
      if (isAbort(error) || signal?.aborted || (error instanceof EmbanError && error.code !== "invalid_response")) throw error;
    }
    return { config: await this.dashboard(signal, wanted), opening: null };
  }

  /**
   * Asks for all `widgets` at once and hands each answer over as it arrives. When the connection breaks, the widgets still
   * missing are asked for once more; what is missing after that is answered with an error, so that every widget settles.
   * What an `opening` of the same state answers is not asked for. Throws when the session or the state is refused: that is no matter of single widgets.
   */
  async query(
    state: WireState,
    widgets: readonly string[],
    onAnswer: (widget: string, answer: WidgetAnswer) => void,
    signal?: AbortSignal,
    opening?: Opening | null,
  ): Promise<void> {
    const missing = new Set(widgets);
    const deliver = (widget: string, value: unknown) => {
      if (!missing.delete(widget)) return;
      onAnswer(widget, readAnswer(value));
    };
    if (opening && JSON.stringify(opening.state) === JSON.stringify(state)) {
      try {
        await opening.lines.deliver(deliver);
      } catch (error) {
        if (isAbort(error) || signal?.aborted) throw error;
      }
    } else opening?.cancel();
    for (let attempt = 0; missing.size > 0; attempt += 1) {
      try {
        await this.stream({ ...this.choice, state, widgets: [...missing] }, deliver, signal);
        break;
      } catch (error) {
        if (isAbort(error) || signal?.aborted) throw error;
        const failure = asEmbanError(error);
        if (failure.code !== "network" || attempt > 0) {
          if (failure.isSession || failure.isState) throw failure;
          for (const widget of [...missing]) {
            missing.delete(widget);
            onAnswer(widget, { error: failure });
          }
          return;
        }
        await pause(this.retryDelay, signal);
      }
    }
    for (const widget of missing) onAnswer(widget, { error: new EmbanError("incomplete", "", 200) });
  }

  async filterValues(
    dimension: string,
    options: { readonly q?: string; readonly limit?: number; readonly period?: string | null },
    signal?: AbortSignal,
  ): Promise<FilterValues> {
    const query = new URLSearchParams({ dimension, limit: String(options.limit ?? 50), ...this.choice });
    if (options.q) query.set("q", options.q);
    if (options.period) query.set("period", options.period);
    const body = await this.json(`/v1/embed/filter-values?${query.toString()}`, { method: "GET" }, signal);
    if (!isRecord(body) || !Array.isArray(body["values"])) throw invalidResponse();
    return body as unknown as FilterValues;
  }

  async drill(request: DrillRequest, state: WireState, signal?: AbortSignal): Promise<QueryResult> {
    const body = await this.json("/v1/embed/drill", { method: "POST", body: JSON.stringify({ ...this.choice, ...request, state }) }, signal);
    const answer = readAnswer(body);
    if ("error" in answer) throw answer.error;
    return answer.result;
  }

  /** One widget as a file. */
  async exportFile(widget: string, format: "csv", state: WireState, signal?: AbortSignal): Promise<Blob> {
    const query = new URLSearchParams({ format, widget, state: JSON.stringify(state), ...this.choice });
    try {
      const response = await this.request(`/v1/embed/export?${query.toString()}`, { method: "GET" }, "*/*", signal);
      if (!response.ok) throw await errorOf(response);
      return await response.blob();
    } catch (error) {
      throw isAbort(error) ? error : asEmbanError(error);
    }
  }

  /** Keeps the viewer's own places of all widgets. */
  async saveLayout(positions: Positions): Promise<void> {
    await this.json("/v1/embed/layout", { method: "PUT", body: JSON.stringify({ ...this.choice, positions }) });
  }

  /** Back to the published places. */
  async resetLayout(): Promise<void> {
    await this.remove("/v1/embed/layout");
  }

  /** What the viewer's own widgets may be made of. */
  async vocabulary(signal?: AbortSignal): Promise<Vocabulary> {
    const body = await this.json(`/v1/embed/vocabulary${this.choiceQuery}`, { method: "GET" }, signal);
    if (!isRecord(body) || !Array.isArray(body["events"])) throw invalidResponse();
    const names = (member: string): readonly string[] => (Array.isArray(body[member]) ? (body[member] as readonly string[]) : []);
    return {
      events: names("events"), allEvents: body["all_events"] === true, dimensions: names("dimensions"), measures: names("measures"),
      uniques: names("uniques"), maxWidgets: typeof body["max_widgets"] === "number" ? body["max_widgets"] : 20,
    };
  }

  /** Not repeated after a break: nobody knows whether the widget was added, and there might be two. */
  async addWidget(widget: WidgetDraft): Promise<WidgetConfig> {
    return (await this.json("/v1/embed/own-widgets", { method: "POST", body: JSON.stringify({ ...this.choice, ...widget }) }, undefined, false)) as WidgetConfig;
  }

  async removeWidget(id: string): Promise<void> {
    await this.remove(`/v1/embed/own-widgets/${encodeURIComponent(id)}`);
  }

  private async remove(path: string): Promise<void> {
    try {
      const response = await this.request(path + this.choiceQuery, { method: "DELETE" }, "application/json");
      if (!response.ok) throw await errorOf(response);
    } catch (error) {
      throw asEmbanError(error);
    }
  }

  private get choice(): { readonly dashboard?: string } {
    return this.chosen === null ? {} : { dashboard: this.chosen };
  }

  private get choiceQuery(): string {
    return this.chosen === null ? "" : `?${new URLSearchParams(this.choice).toString()}`;
  }

  /**
   * Reads the stream of changes until the server ends it, and hands over what each chunk holds: nothing, when it is a sign of life only.
   * `only: "session"` hears of the session's end alone.
   */
  async live(heard: (messages: readonly StreamMessage[]) => void, signal: AbortSignal, only?: "session"): Promise<void> {
    const query = new URLSearchParams({ ...this.choice, ...(only && { only }) }).toString();
    const response = await this.request(`/v1/embed/live${query === "" ? "" : `?${query}`}`, { method: "GET" }, "text/event-stream", signal);
    if (!response.ok) throw await errorOf(response);
    if (!response.body || !response.headers.get("Content-Type")?.includes("event-stream")) throw invalidResponse();
    const reader = response.body.getReader();
    const decoder = new EventStreamDecoder();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard(decoder.push(value));
      }
    } finally {
      void reader.cancel().catch(() => undefined);
    }
  }

  private async stream(body: unknown, deliver: (widget: string, value: unknown) => void, signal?: AbortSignal): Promise<void> {
    const init: RequestInit = { method: "POST", body: JSON.stringify(body) };
    const response = await this.request("/v1/embed/query", init, "application/x-ndjson, application/json;q=0.5", signal);
    if (!response.ok) throw await errorOf(response);
    if (!isLines(response) || !response.body) {
      const whole: unknown = await readJSON(response);
      const results = isRecord(whole) ? whole["results"] : undefined;
      if (!isRecord(results)) throw invalidResponse();
      for (const [widget, value] of Object.entries(results)) deliver(widget, value);
      return;
    }
    await new Lines(response.body).deliver(deliver);
  }

  private async json(path: string, init: RequestInit, signal?: AbortSignal, isRepeatable = true): Promise<unknown> {
    // Repeated for whoever asked: meanwhile somebody else may have signed in.
    const { token } = this;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const response = await this.request(path, init, "application/json", signal, token);
        if (!response.ok) throw await errorOf(response);
        return await readJSON(response);
      } catch (error) {
        if (isAbort(error) || signal?.aborted) throw error;
        const failure = asEmbanError(error);
        if (!isRepeatable || failure.code !== "network" || attempt > 0) throw failure;
        await pause(this.retryDelay, signal);
      }
    }
  }

  private async request(path: string, init: RequestInit, accept: string, signal?: AbortSignal, token = this.token): Promise<Response> {
    const headers: Record<string, string> = { Accept: accept, Authorization: `Bearer ${token}` };
    if (init.body !== undefined) headers["Content-Type"] = "application/json";
    for (let waits = 0; ; waits += 1) {
      const response = await this.fetcher(this.host + path, {
        ...init,
        headers,
        credentials: "omit",
        cache: "no-store",
        referrerPolicy: "no-referrer",
        ...(signal ? { signal } : {}),
      });
      // A stream has its own patience.
      if (response.status !== 429 || waits >= mostWaits || accept === "text/event-stream") return response;
      const failure = await errorOf(response.clone());
      if (!throttled.has(failure.code)) return response;
      await pause(Math.min(longestWait, Math.max(1, failure.retryAfter)) * 1000 * (1 + Math.random() / 10), signal);
    }
  }
}

/** What a dashboard shows before the viewer has touched it, as it comes. */
export class Opening {
  constructor(readonly state: WireState, readonly lines: Lines) {}

  /** Nobody wants the answers. */
  cancel(): void {
    this.lines.cancel();
  }
}

/** The lines of an answer that is read while it is made. */
class Lines {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new NDJSONDecoder();
  private pending: unknown[] = [];
  private isDone = false;

  constructor(body: ReadableStream<Uint8Array>) {
    this.reader = body.getReader();
  }

  cancel(): void {
    void this.reader.cancel().catch(() => undefined);
  }

  /** The next line, or none when there are no more. */
  async next(): Promise<readonly unknown[]> {
    try {
      while (this.pending.length === 0 && !this.isDone) {
        const { done, value } = await this.reader.read();
        this.isDone = done;
        this.pending = [...(done ? this.decoder.end() : this.decoder.push(value))];
      }
    } catch (error) {
      this.cancel();
      throw error instanceof SyntaxError ? invalidResponse() : error;
    }
    return this.pending.splice(0, 1);
  }

  /** Hands over the answers of widgets until the end. Throws when a line says that the request as a whole has failed. */
  async deliver(deliver: (widget: string, value: unknown) => void): Promise<void> {
    for (let [line] = await this.next(); line !== undefined; [line] = await this.next()) {
      if (!isRecord(line)) continue;
      if (typeof line["widget"] === "string") deliver(line["widget"], line["result"] ?? line);
      else if (line["error"] !== undefined) {
        this.cancel();
        throw EmbanError.fromBody(line, 200);
      }
    }
  }
}

function isLines(response: Response): boolean {
  return (response.headers.get("Content-Type") ?? "").includes("ndjson");
}

function choose(dashboard: string | null): string {
  return dashboard === null ? "" : `?${new URLSearchParams({ dashboard }).toString()}`;
}

function readConfig(body: unknown): DashboardConfig {
  if (!isRecord(body) || !Array.isArray(body["widgets"])) throw invalidResponse();
  const config = body as unknown as DashboardConfig;
  return {
    ...config,
    filters: config.filters ?? [],
    layout: config.layout ?? {},
    permissions: config.permissions ?? {},
    session: config.session ?? {},
  };
}

function readAnswer(value: unknown): WidgetAnswer {
  if (isRecord(value) && Array.isArray(value["rows"]) && Array.isArray(value["columns"])) {
    return { result: value as unknown as QueryResult };
  }
  if (isRecord(value) && value["error"] !== undefined) return { error: EmbanError.fromBody(value, 200) };
  return { error: invalidResponse() };
}

async function readJSON(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw invalidResponse(response.status);
  }
}

async function errorOf(response: Response): Promise<EmbanError> {
  const text = await response.text().catch(() => "");
  let body: unknown = {};
  try {
    body = JSON.parse(text);
  } catch {
    // Not ours: a proxy's page, perhaps.
  }
  const error = EmbanError.fromBody(body, response.status);
  error.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  return error;
}

function invalidResponse(status = 200): EmbanError {
  return new EmbanError("invalid_response", "", status);
}

/** `fetch` rejects with TypeError for everything between us and the server. */
function asEmbanError(error: unknown): EmbanError {
  if (error instanceof EmbanError) return error;
  return new EmbanError("network", error instanceof Error ? error.message : "");
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}
