import { EmbanError, isRecord } from "./errors";
import { fromWire, part } from "./names";
import type { RequestOptions, Transport } from "./transport";
import type { Dashboard, DashboardInput, Page, PageOptions } from "./types";

export interface RevisionOptions extends RequestOptions {
  /** The draft's revision that the change is made on: 409 `revision_conflict` when somebody else saved first. */
  readonly revision?: number;
}

/** Drafts and what is published of them. Wherever an id is taken, the slug is too. */
export class Dashboards {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async list(options: PageOptions & RequestOptions = {}): Promise<Page<Dashboard>> {
    const { limit, cursor, signal } = options;
    const { body } = await this.#transport.send({ method: "GET", path: "/v1/dashboards", query: { limit, cursor }, isRepeatable: true, signal });
    return pageOf(body, (item) => item as unknown as Dashboard);
  }

  async get(id: string, options: RequestOptions = {}): Promise<Dashboard> {
    return this.#one("GET", id, "", undefined, options, true);
  }

  async create(dashboard: DashboardInput & { readonly name: string }, options: RequestOptions = {}): Promise<Dashboard> {
    const { body } = await this.#transport.send({ method: "POST", path: "/v1/dashboards", body: dashboard, isRepeatable: false, signal: options.signal });
    return dashboardOf(body);
  }

  /** Replaces the members of the draft that `changes` names, each as a whole. */
  async update(id: string, changes: DashboardInput, options: RevisionOptions = {}): Promise<Dashboard> {
    return this.#one("PATCH", id, "", changes, options, options.revision === undefined);
  }

  /** Replaces the draft. */
  async replace(id: string, dashboard: DashboardInput & { readonly name: string }, options: RevisionOptions = {}): Promise<Dashboard> {
    return this.#one("PUT", id, "", dashboard, options, options.revision === undefined);
  }

  /** Freezes the draft as the next version, which customers see from then on. */
  async publish(id: string, options: RevisionOptions = {}): Promise<void> {
    await this.#send("POST", id, "/publish", undefined, options, false);
  }

  /** Takes it offline; versions stay. */
  async unpublish(id: string, options: RequestOptions = {}): Promise<void> {
    await this.#send("POST", id, "/unpublish", undefined, options, true);
  }

  /** Copies a published version, the newest when none is named, back into the draft. */
  async restore(id: string, options: RequestOptions & { readonly version?: number } = {}): Promise<Dashboard> {
    const { version } = options;
    return this.#one("POST", id, "/restore", version === undefined ? undefined : { version }, options, true);
  }

  /** Deletes it with its versions and sessions. */
  async delete(id: string, options: RevisionOptions = {}): Promise<void> {
    await this.#send("DELETE", id, "", undefined, options, false);
  }

  async #one(method: "GET" | "POST" | "PUT" | "PATCH", id: string, action: string, body: unknown, options: RevisionOptions, isRepeatable: boolean): Promise<Dashboard> {
    return dashboardOf(await this.#send(method, id, action, body, options, isRepeatable));
  }

  async #send(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", id: string, action: string, body: unknown, options: RevisionOptions, isRepeatable: boolean,
  ): Promise<unknown> {
    const headers = options.revision === undefined ? {} : { "If-Match": `"${options.revision}"` };
    const path = `/v1/dashboards/${part(id)}${action}`;
    return (await this.#transport.send({ method, path, body, headers, isRepeatable, signal: options.signal })).body;
  }
}

function dashboardOf(body: unknown): Dashboard {
  if (!isRecord(body) || typeof body["id"] !== "string") throw invalidAnswer();
  return body as unknown as Dashboard;
}

/** Reads `{"data": […], "next_cursor": …}`. */
export function pageOf<Item>(body: unknown, read: (item: Record<string, unknown>) => Item): Page<Item> {
  const page = isRecord(body) ? fromWire(body) : {};
  if (!Array.isArray(page["data"])) throw invalidAnswer();
  return { data: page["data"].filter(isRecord).map(read), nextCursor: typeof page["nextCursor"] === "string" ? page["nextCursor"] : null };
}

export function invalidAnswer(): EmbanError {
  return new EmbanError("invalid_response", "The answer lacks what it should hold.");
}
