import type { StoredEvent } from "../api/types";

/** A name for each of `events`: what came twice without an id is told apart by which of them it is, the oldest first. */
export function keysOf(events: readonly StoredEvent[]): readonly string[] {
  const times = new Map<string, number>();
  const keys = [...events].reverse().map((event) => {
    const key = event.event_id ?? JSON.stringify([event.timestamp, event.user_id, event.string_props, event.numeric_props]);
    const time = (times.get(key) ?? 0) + 1;
    times.set(key, time);
    return time === 1 ? key : `${key} ${time}`;
  });
  return keys.reverse();
}
