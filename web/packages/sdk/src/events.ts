import { randomUUID } from "node:crypto";
import type { AnyEvent, RejectedEvent } from "./types";

/** Of the server: docs/api.md, Limits. */
export const maximumEvents = 1000;
export const maximumBytes = 8 * 1024 * 1024;

/** An event that has an id, as the server wants it. */
export type StoredEvent = Readonly<Record<string, unknown>> & { readonly event_id: string };

/** One request: its events as JSON, and where they stood in what was given. */
export interface Batch {
  readonly events: readonly StoredEvent[];
  readonly texts: readonly string[];
  readonly indices: readonly number[];
}

const wireNames: Readonly<Record<string, string>> = {
  tenantId: "tenant_id", eventName: "event_name", eventId: "event_id", userId: "user_id", stringProps: "string_props", numericProps: "numeric_props",
};

/** With the names of the wire and an id. Members that events do not have are kept: the server names them. */
export function prepared(event: AnyEvent): StoredEvent {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) if (value !== undefined) wire[wireNames[name] ?? name] = value;
  const id = wire["event_id"];
  return { ...wire, event_id: typeof id === "string" && id !== "" ? id : randomUUID() };
}

/** Splits events into requests that the server takes; events that no request can hold come back as rejected. */
export function batches(events: readonly StoredEvent[]): { readonly batches: readonly Batch[]; readonly unfit: readonly RejectedEvent[] } {
  const done: Batch[] = [];
  const unfit: RejectedEvent[] = [];
  const encoder = new TextEncoder();
  const envelope = envelopeOf([]).length;
  let batch = { events: [] as StoredEvent[], texts: [] as string[], indices: [] as number[] };
  let bytes = envelope;
  events.forEach((event, index) => {
    const text = textOf(event);
    if (text === null) {
      unfit.push({ index, code: "event_not_json", expected: "must be what JSON can hold: no BigInt, and nothing that contains itself" });
      return;
    }
    const size = encoder.encode(text).length + 1;
    if (size + envelope > maximumBytes) {
      unfit.push({ index, code: "event_too_large", expected: `must fit into a request of ${maximumBytes} bytes` });
      return;
    }
    if (batch.events.length === maximumEvents || bytes + size > maximumBytes) {
      done.push(batch);
      batch = { events: [], texts: [], indices: [] };
      bytes = envelope;
    }
    batch.events.push(event);
    batch.texts.push(text);
    batch.indices.push(index);
    bytes += size;
  });
  if (batch.events.length > 0) done.push(batch);
  return { batches: done, unfit };
}

/** As JSON; null for what JSON cannot hold. */
function textOf(event: StoredEvent): string | null {
  try {
    return JSON.stringify(event);
  } catch {
    return null;
  }
}

export function envelopeOf(texts: readonly string[]): string {
  return `{"events":[${texts.join(",")}]}`;
}
