import { words } from "../words";

export interface Problem {
  readonly field: string;
  readonly code: string;
  readonly expected: string;
}

/** What the server refused, or that it could not be reached (`status` 0, `code` "network"). */
export class ApiError extends Error {
  constructor(
    readonly status: number, readonly code: string, message: string, readonly details: readonly Problem[] = [],
    readonly requestId: string | null = null, readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }

  /** What is wrong with a field, as a sentence; null when nothing is. */
  of(field: string): string | null {
    const problem = this.details.find((one) => one.field === field || one.field.startsWith(`${field}.`) || one.field.startsWith(`${field}[`));
    return problem ? sentence(problem.expected) : null;
  }

  get isMissing(): boolean {
    return this.status === 404 || this.status === 405;
  }
}

function sentence(text: string): string {
  return text === "" ? words.common.invalid : `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Options {
  readonly query?: Query;
  readonly body?: unknown;
  /** The revision that the draft must still be at. */
  readonly ifMatch?: number;
  readonly signal?: AbortSignal;
  readonly keepalive?: boolean;
}

let signedOut: () => void = () => undefined;

/** Called when the server does not know the console's session any more. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** One request with the console's cookie. Throws `ApiError`, or the abort of `signal`. */
export async function send(method: Method, path: string, options: Options = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path, options.query), {
      method, credentials: "same-origin",
      headers: {
        Accept: "application/json", ...(options.body !== undefined && { "Content-Type": "application/json" }),
        ...(options.ifMatch !== undefined && { "If-Match": `"${options.ifMatch}"` }),
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }), ...(options.signal && { signal: options.signal }),
      ...(options.keepalive && { keepalive: true }),
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, "network", words.common.network);
  }
  if (response.ok) return response;
  const failure = await readError(response);
  if (failure.status === 401 && failure.code === "unauthorized") signedOut();
  throw failure;
}

export async function request<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const response = await send(method, path, options);
  if (response.status === 204) return undefined as unknown as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(response.status, "invalid_response", words.common.invalidResponse);
  }
}

export const api = {
  get: <T,>(path: string, query?: Query, signal?: AbortSignal): Promise<T> => request<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) }),
  post: <T,>(path: string, body?: unknown, options: Options = {}): Promise<T> => request<T>("POST", path, { ...options, ...(body !== undefined && { body }) }),
  put: <T,>(path: string, body: unknown, options: Options = {}): Promise<T> => request<T>("PUT", path, { ...options, body }),
  patch: <T,>(path: string, body: unknown, options: Options = {}): Promise<T> => request<T>("PATCH", path, { ...options, body }),
  delete: <T = void,>(path: string, options: Options = {}): Promise<T> => request<T>("DELETE", path, options),
};

async function readError(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("X-Request-Id");
  try {
    const body = (await response.json()) as Record<string, unknown>;
    const details = Array.isArray(body["details"]) ? (body["details"] as Problem[]) : [];
    const { code, message } = body;
    return new ApiError(
      response.status, typeof code === "string" ? code : `http_${response.status}`, typeof message === "string" ? message : words.common.failed, details, requestId, body,
    );
  } catch {
    return new ApiError(response.status, `http_${response.status}`, words.common.failed, [], requestId);
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Any failure as one that can be shown. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "internal", words.common.failed);
}
