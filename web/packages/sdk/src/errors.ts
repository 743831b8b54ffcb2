export interface EmbanErrorDetail {
  /** Path of what is wrong: `events[3].timestamp`. */
  readonly field?: string;
  readonly code?: string;
  readonly expected?: string;
}

export interface EmbanErrorOptions {
  readonly status?: number;
  readonly requestId?: string | undefined;
  readonly details?: readonly EmbanErrorDetail[];
  readonly retryAfter?: number | undefined;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * A request that was not answered as hoped. `code` is the server's stable code, or one of ours: `network` (no answer, also after
 * repeating), `timeout`, `aborted` (by your signal), `invalid_response`, `http_<status>` (an answer that is not Emban's).
 * Holds nothing of the request: no API key, no event.
 */
export class EmbanError extends Error {
  override readonly name: string = "EmbanError";
  readonly code: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** By this id the server's log knows the request. */
  readonly requestId: string | undefined;
  readonly details: readonly EmbanErrorDetail[];
  /** Seconds that the server wants to be left alone. */
  readonly retryAfter: number | undefined;
  /** The answer's body, such as `plan`, `limit` and `used` of a 402. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly cause: unknown;

  constructor(code: string, message: string, options: EmbanErrorOptions = {}) {
    super(message === "" ? code : message);
    this.code = code;
    this.status = options.status ?? 0;
    this.requestId = options.requestId;
    this.details = options.details ?? [];
    this.retryAfter = options.retryAfter;
    this.body = options.body ?? {};
    this.cause = options.cause;
  }

  /** True when the same request may succeed later. */
  get isTemporary(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408 || this.code === "network" || this.code === "timeout";
  }

  /** True when the answer is not Emban's: the page of a proxy, or nothing where something was due. */
  get isForeign(): boolean {
    return this.code === "invalid_response" || this.code === `http_${this.status}`;
  }
}

/** Reads the common error body, and the nested one of `/api/v2`. */
export function errorOfAnswer(status: number, body: unknown, requestId: string | undefined, retryAfter: number | undefined): EmbanError {
  const whole = isRecord(body) ? body : {};
  const error = isRecord(whole["error"]) ? whole["error"] : whole;
  const text = (name: string): string | undefined => {
    const value = error[name];
    return typeof value === "string" ? value : undefined;
  };
  const details = Array.isArray(error["details"]) ? error["details"].filter(isRecord) : [];
  return new EmbanError(text("code") ?? `http_${status}`, text("message") ?? text("error") ?? `The server answered ${status}.`, {
    status, requestId: text("request_id") ?? requestId, details, retryAfter, body: whole,
  });
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
