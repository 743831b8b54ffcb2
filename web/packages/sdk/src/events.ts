import { randomUUID } from "node:crypto";
import { isRecord } from "./errors";
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
  // What is no object at all becomes an event of which the server says what it lacks.
  for (const [name, value] of Object.entries(isRecord(event) ? event : {})) if (value !== undefined) wire[wireNames[name] ?? name] = value;
  // An id of another kind is the server's to refuse: one of ours in its place would count the event twice.
  return { ...wire, event_id: (wire["event_id"] ?? randomUUID()) as string };
}

/**
 * How many bytes of events a request may hold: what the server takes, and less while something before it lets less through. Grows again with each
 * request that passes.
 */
export class RequestSize {
  #limit = maximumBytes;

  get limit(): number {
    return this.#limit;
  }

  passed(): void {
    this.#limit = Math.min(maximumBytes, Math.ceil(this.#limit * 1.1));
  }

  refused(batch: Batch): void {
    this.#limit = Math.max(1, Math.min(this.#limit, Math.ceil(bytesOf(batch) / 2)));
  }
}

function bytesOf(batch: Batch): number {
  const encoder = new TextEncoder();
  return batch.texts.reduce((bytes, text) => bytes + encoder.encode(text).length + 1, 0);
}

/** The same events as two requests. */
export function halves({ events, texts, indices }: Batch): readonly [Batch, Batch] {
  const middle = Math.ceil(events.length / 2);
  return [
    { events: events.slice(0, middle), texts: texts.slice(0, middle), indices: indices.slice(0, middle) },
    { events: events.slice(middle), texts: texts.slice(middle), indices: indices.slice(middle) },
  ];
}

/** Splits events into requests of at most `limit` bytes, where single events are not larger; events that no request can hold come back as rejected. */
export function batches(events: readonly StoredEvent[], limit = maximumBytes): { readonly batches: readonly Batch[]; readonly unfit: readonly RejectedEvent[] } {
  const done: Batch[] = [];
  const unfit: RejectedEvent[] = [];
  const encoder = new TextEncoder();
  const envelope = envelopeOf([]).length;
  let batch = { events: [] as StoredEvent[], texts: [] as string[], indices: [] as number[] };
  let bytes = envelope;
  events.forEach((event, index) => {
    const text = textOf(event);
    if (typeof text !== "string") {
      unfit.push({ index, ...text });
      return;
    }
    const size = encoder.encode(text).length + 1;
    if (size + envelope > maximumBytes) {
      unfit.push({ index, code: "event_too_large", expected: `must fit into a request of ${maximumBytes} bytes` });
      return;
    }
    if (batch.events.length === maximumEvents || (batch.events.length > 0 && bytes + size > limit)) {
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

/** Half a surrogate pair, as `JSON.stringify` writes it: behind an even number of backslashes. */
const halfPair = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** As JSON, or why not: alone, for in a request such an event would make the others unreadable, too. */
function textOf(event: StoredEvent): string | Omit<RejectedEvent, "index"> {
  const { timestamp } = event;
  // JSON would write nothing in its place, and the server take the time at which it came.
  if (timestamp instanceof Date && Number.isNaN(timestamp.getTime())) {
    return { field: "timestamp", code: "timestamp_format", expected: "must be a time, not an invalid Date" };
  }
  try {
    const text = JSON.stringify(event);
    if (!halfPair.test(text)) return text;
  } catch {
    // A BigInt, something that contains itself, or a getter that throws.
  }
  return { code: "event_not_json", expected: "must be what JSON can hold: no BigInt, nothing that contains itself, no half of a surrogate pair" };
}

export function envelopeOf(texts: readonly string[]): string {
  return `{"events":[${texts.join(",")}]}`;
}
