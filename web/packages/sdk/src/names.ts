/** `lockedFilters` → `locked_filters`, `groupBy2` → `group_by_2`; names of the wire stay. Of one object only: what is inside may be names of yours. */
export function toWire(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) if (value !== undefined) wire[wireName(name)] = value;
  return wire;
}

/** `session_id` → `sessionId`, of one object only. */
export function fromWire(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(source).map(([name, value]) => [name.replace(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase()), value]));
}

/** An id as one part of a path. An empty one, or dots, would make it the address of something else. */
export function part(id: string): string {
  if (typeof id !== "string" || id === "" || id === "." || id === "..") throw new TypeError("Emban: an id must be a text that is not empty");
  return encodeURIComponent(id);
}

function wireName(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]|\d+$/g, (part) => `_${part.toLowerCase()}`) : name;
}
