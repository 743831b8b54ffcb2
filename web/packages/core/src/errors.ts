export interface ErrorDetail {
  readonly field?: string;
  readonly code?: string;
  readonly expected?: string;
}

/** Any failure of a viewer request. `code` is the server's stable code, or one of ours: `network`, `invalid_response`, `incomplete`. */
export class EmbanError extends Error {
  readonly code: string;
  /** HTTP status; 0 when no answer arrived. */
  readonly status: number;
  readonly requestId: string | undefined;
  readonly details: readonly ErrorDetail[];
  /** Seconds that the server wants to be left alone. */
  retryAfter = 0;

  constructor(code: string, message: string, status = 0, requestId?: string, details: readonly ErrorDetail[] = []) {
    super(message);
    this.name = "EmbanError";
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.details = details;
  }

  /** True when the session itself is at fault, so that only a new token helps. */
  get isSession(): boolean {
    return this.status === 401 || sessionCodes.has(this.code);
  }

  /** True when the same request may succeed in a while: the network or the server is at fault. */
  get isPassing(): boolean {
    return this.code === "network" || this.status === 429 || this.status >= 500;
  }

  /** True when the server refused the viewer's state, and with it the request as a whole. */
  get isState(): boolean {
    return this.status === 422 || (this.status === 403 && stateCodes.has(this.code));
  }

  /** Reads the common error body; anything else becomes `invalid_response` or `http_<status>`. */
  static fromBody(body: unknown, status: number): EmbanError {
    const source = isRecord(body) ? body : {};
    const nested = isRecord(source["error"]) ? source["error"] : source;
    const code = typeof nested["code"] === "string" ? nested["code"] : status === 200 ? "invalid_response" : `http_${status}`;
    const message =
      typeof nested["message"] === "string" ? nested["message"] : typeof nested["error"] === "string" ? nested["error"] : "";
    const requestId = typeof nested["request_id"] === "string" ? nested["request_id"] : undefined;
    const details = Array.isArray(nested["details"]) ? nested["details"].filter(isRecord) : [];
    return new EmbanError(code, message, status, requestId, details);
  }
}

const sessionCodes = new Set(["token_missing", "token_invalid", "token_expired", "session_revoked"]);
const stateCodes = new Set(["period_not_allowed", "dimension_not_allowed", "filter_locked", "range_too_long"]);

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a request ends with that is called off. */
export function aborted(): Error {
  return Object.assign(new Error("aborted"), { name: "AbortError" });
}

export function isAbort(error: unknown): boolean {
  return isRecord(error) ? error["name"] === "AbortError" : error instanceof Error && error.name === "AbortError";
}
