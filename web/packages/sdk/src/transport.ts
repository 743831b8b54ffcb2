import { EmbanError, errorOfAnswer } from "./errors";
import { retryAfterOf, waitBefore, type RetryPolicy } from "./retry";

export interface RequestOptions {
  /** Ends the request, also between two attempts. */
  readonly signal?: AbortSignal | undefined;
}

export interface ApiRequest extends RequestOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may be repeated when nobody knows if the server has seen it. */
  readonly isRepeatable: boolean;
}

export interface Answer {
  readonly status: number;
  /** Parsed; null for none. */
  readonly body: unknown;
}

export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

export interface TransportOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Of one attempt, in milliseconds. */
  readonly timeout: number;
  readonly policy: RetryPolicy;
  readonly fetch: FetchLike;
}

/** Sends requests with the API key, in time, and repeats what may be repeated. */
export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /** Throws {@link EmbanError} for everything but 2xx. */
  async send(request: ApiRequest): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(request);
      } catch (error) {
        if (!(error instanceof EmbanError) || !mayRepeat(request, error)) throw error;
        const wait = waitBefore(this.#options.policy, attempt, error.retryAfter);
        if (wait === null) throw error;
        await pause(wait, request.signal);
      }
    }
  }

  async #attempt(request: ApiRequest): Promise<Answer> {
    const { signal } = request;
    if (signal?.aborted) throw aborted();
    const abort = new AbortController();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      abort.abort();
    }, this.#options.timeout);
    const cancel = () => abort.abort();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      const response = await this.#options.fetch(this.#url(request), this.#init(request, abort.signal));
      const text = await response.text();
      return read(response, text);
    } catch (error) {
      if (error instanceof EmbanError) throw error;
      if (signal?.aborted) throw aborted();
      if (isLate) throw new EmbanError("timeout", `The server has not answered within ${this.#options.timeout} ms.`, { cause: error });
      throw new EmbanError("network", `The server could not be reached${reasonOf(error)}.`, { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  #url(request: ApiRequest): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) query.set(name, String(value));
    const text = query.toString();
    return this.#options.baseUrl + request.path + (text === "" ? "" : `?${text}`);
  }

  #init(request: ApiRequest, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { Accept: "application/json", Authorization: `Bearer ${this.#options.apiKey}`, ...request.headers };
    // A redirect would carry the key to a place that nobody named.
    const init: RequestInit = { method: request.method, headers, signal, redirect: "manual" };
    if (request.body === undefined) return init;
    headers["Content-Type"] = "application/json";
    return { ...init, body: typeof request.body === "string" ? request.body : JSON.stringify(request.body) };
  }
}

function read(response: Response, text: string): Answer {
  let body: unknown = null;
  let isJSON = true;
  try {
    if (text !== "") body = JSON.parse(text);
  } catch {
    isJSON = false;
  }
  const requestId = response.headers.get("X-Request-Id") ?? undefined;
  if (!response.ok) throw errorOfAnswer(response.status, body, requestId, retryAfterOf(response.headers.get("Retry-After"), Date.now()));
  if (!isJSON) throw new EmbanError("invalid_response", "The answer is not JSON: is this the address of an Emban server?", { status: response.status, requestId });
  return { status: response.status, body };
}

/** 429 and 503 say that nothing was done; after a break or a proxy's 502 and 504 nobody knows. */
function mayRepeat(request: ApiRequest, error: EmbanError): boolean {
  if (error.status === 429 || error.status === 503) return true;
  return request.isRepeatable && (error.code === "network" || error.code === "timeout" || error.status === 502 || error.status === 504);
}

function aborted(): EmbanError {
  return new EmbanError("aborted", "The request was aborted.");
}

/** `ECONNREFUSED` and the like, which stand in the cause of what `fetch` throws. */
function reasonOf(error: unknown): string {
  const cause = (error as { readonly cause?: { readonly code?: unknown } } | null)?.cause;
  return typeof cause?.code === "string" ? ` (${cause.code})` : "";
}

function pause(wait: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", cancel);
      resolve();
    }, wait);
    signal?.addEventListener("abort", cancel, { once: true });
  });
}
