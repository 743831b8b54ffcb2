import { useEffect, useRef, useState } from "react";
import { asApiError, isAbort, send, type ApiError } from "../api/client";
import { useList } from "../api/hooks";
import type { StoredEvent, Tenant } from "../api/types";
import { useSession } from "../session";
import { Bones, Button, clockTime, Combo, Empty, ErrorNote, exactDateTime, Icon, isToday, Section, shortDateTime } from "../ui";
import { words } from "../words";

const w = words.events;
/** How far back is looked for the newest events, in minutes: further, while there are few. */
const windows = [2, 20, 180, 1440];
const shownEvents = 40;
/** Beyond this an answer is cut off: the newest are looked for in a shorter time. */
const mostEvents = 3000;

/** The newest events of one customer, and those that come. */
export function LiveTail({ event }: { readonly event: string }): JSX.Element {
  const { environment } = useSession();
  const tenants = useList<Tenant>("/v1/tenants", { environment, limit: 200 });
  const [picked, setPicked] = useState<string | null>(null);
  const latest = [...(tenants.rows ?? [])].sort((one, other) => Date.parse(other.last_seen) - Date.parse(one.last_seen))[0];
  const tenant = picked ?? latest?.tenant_id ?? "";
  const [isPaused, setPaused] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const { events, error } = useTail(tenant, event, environment, isPaused);
  return (
    <Section
      flush title={w.live} text={w.liveText}
      actions={
        <>
          <span className="filter-combo">
            <Combo
              ids={{ "aria-label": w.customer }} value={tenant} onPick={setPicked}
              suggestions={(tenants.rows ?? []).map(({ tenant_id }) => ({ value: tenant_id }))} placeholder={w.chooseCustomer}
            />
          </span>
          <Button small icon={isPaused ? "play" : "pause"} onClick={() => setPaused(!isPaused)}>{isPaused ? w.resume : w.pause}</Button>
        </>
      }
    >
      {error && events === null && <div className="pad"><ErrorNote error={error} /></div>}
      {!error && events === null && <Bones rows={6} />}
      {events?.length === 0 && <Empty icon="events" title={w.waiting} text={w.quiet} />}
      {events && events.length > 0 && (
        <ol className="tail" aria-live="off">
          {events.map((one) => {
            const key = keyOf(one);
            const isOpen = key === open;
            return (
              <li key={key} className="tail-row">
                <button type="button" className="tail-head" aria-expanded={isOpen} onClick={() => setOpen(isOpen ? null : key)}>
                  <Icon name={isOpen ? "chevron" : "right"} size={14} />
                  <time dateTime={one.timestamp} title={exactDateTime(one.timestamp)}>{isToday(one.timestamp) ? clockTime(one.timestamp) : shortDateTime(one.timestamp)}</time>
                  <span className="tail-user">{one.user_id ?? ""}</span>
                  <span className="tail-props">
                    {[...Object.entries(one.string_props), ...Object.entries(one.numeric_props)].slice(0, 6).map(([name, value]) => (
                      <span key={name}><span className="muted">{name}</span> {String(value)}</span>
                    ))}
                  </span>
                </button>
                {isOpen && <pre className="json" tabIndex={0} role="region" aria-label={w.payload}>{JSON.stringify(one, null, 2)}</pre>}
              </li>
            );
          })}
        </ol>
      )}
    </Section>
  );
}

function keyOf(event: StoredEvent): string {
  return event.event_id ?? JSON.stringify([event.timestamp, event.user_id, event.string_props, event.numeric_props]);
}

function useTail(tenant: string, event: string, environment: string, isPaused: boolean): { readonly events: readonly StoredEvent[] | null; readonly error: ApiError | null } {
  const [events, setEvents] = useState<readonly StoredEvent[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  useEffect(() => {
    if (tenant === "") return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    let known: readonly StoredEvent[] | null = null;
    setEvents(null);
    const round = async () => {
      if (!paused.current && document.visibilityState === "visible") {
        try {
          known = known === null ? await newest(tenant, event, environment, abort.signal) : await later(known, tenant, event, environment, abort.signal);
          setEvents(known);
          setError(null);
        } catch (failure) {
          if (isAbort(failure) || abort.signal.aborted) return;
          setError(asApiError(failure));
        }
      }
      timer = setTimeout(() => void round(), 2500);
    };
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [tenant, event, environment]);
  return { events, error };
}

async function newest(tenant: string, event: string, environment: string, signal: AbortSignal): Promise<readonly StoredEvent[]> {
  let found: readonly StoredEvent[] = [];
  for (const minutes of windows) {
    const next = await read(tenant, event, environment, new Date(Date.now() - minutes * 60_000).toISOString(), signal);
    // Too many to take them all: those of the shorter time are the newest, if there are any.
    if (next.isCut && found.length > 0) break;
    found = next.events;
    if (found.length >= shownEvents || next.isCut) break;
  }
  return sorted(found);
}

async function later(known: readonly StoredEvent[], tenant: string, event: string, environment: string, signal: AbortSignal): Promise<readonly StoredEvent[]> {
  const [first] = known;
  const from = first ? first.timestamp : new Date(Date.now() - 60_000).toISOString();
  const { events } = await read(tenant, event, environment, from, signal);
  const keys = new Set(known.map(keyOf));
  const fresh = events.filter((one) => !keys.has(keyOf(one)));
  return fresh.length === 0 ? known : sorted([...fresh, ...known]);
}

function sorted(events: readonly StoredEvent[]): readonly StoredEvent[] {
  return [...events].sort((one, other) => Date.parse(other.timestamp) - Date.parse(one.timestamp)).slice(0, shownEvents);
}

/** Lines of the customer's export, up to `mostEvents`. */
async function read(tenant: string, event: string, environment: string, from: string, signal: AbortSignal): Promise<{ readonly events: readonly StoredEvent[]; readonly isCut: boolean }> {
  const response = await send("GET", `/v1/tenants/${encodeURIComponent(tenant)}/events`, { query: { format: "ndjson", event_name: event, from, environment }, signal });
  const reader = response.body?.getReader();
  if (!reader) return { events: [], isCut: false };
  const decoder = new TextDecoder();
  const events: StoredEvent[] = [];
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    rest += decoder.decode(value, { stream: !done });
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") events.push(JSON.parse(line) as StoredEvent);
    if (done) return { events, isCut: false };
    if (events.length > mostEvents) {
      await reader.cancel();
      return { events, isCut: true };
    }
  }
}
