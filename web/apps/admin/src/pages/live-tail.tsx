import { useEffect, useRef, useState } from "react";
import { api, asApiError, isAbort, type ApiError } from "../api/client";
import { useList } from "../api/hooks";
import type { StoredEvent, Tenant } from "../api/types";
import { useSession } from "../session";
import { Bones, Button, clockTime, Combo, Empty, ErrorNote, exactDateTime, Icon, isToday, Section, shortDateTime } from "../ui";
import { words } from "../words";
import { keysOf } from "./tail-keys";

const w = words.events;
/** How often is asked for the newest events. */
const pause = 2500;

/** The newest events of one customer, and those that come. */
export function LiveTail({ event }: { readonly event: string }): JSX.Element {
  const { environment } = useSession();
  const [isSearching, setSearching] = useState(false);
  const tenants = useList<Tenant>("/v1/tenants", { environment, limit: 200 }, { all: isSearching });
  const [picked, setPicked] = useState<string | null>(null);
  const latest = [...(tenants.rows ?? [])].sort((one, other) => Date.parse(other.last_seen) - Date.parse(one.last_seen))[0];
  const tenant = picked ?? latest?.tenant_id ?? "";
  const [isPaused, setPaused] = useState(false);
  const [open, setOpen] = useState<string | null>(null);
  const { events, error } = useTail(tenant, event, environment, isPaused);
  const failure = error ?? (tenants.rows === null ? tenants.error : null);
  const isNobody = tenant === "" && tenants.rows !== null;
  const keys = keysOf(events ?? []);
  return (
    <Section
      flush title={w.live} text={w.liveText}
      actions={
        <>
          <span className="filter-combo">
            <Combo
              ids={{ "aria-label": w.customer }} value={tenant} onPick={setPicked} onSearch={() => setSearching(true)}
              suggestions={(tenants.rows ?? []).map(({ tenant_id }) => ({ value: tenant_id }))} placeholder={w.chooseCustomer}
            />
          </span>
          <Button small icon={isPaused ? "play" : "pause"} onClick={() => setPaused(!isPaused)}>{isPaused ? w.resume : w.pause}</Button>
        </>
      }
    >
      {failure && <div className="pad"><ErrorNote error={failure} /></div>}
      {!failure && events === null && !isNobody && <Bones rows={6} />}
      {(events?.length === 0 || isNobody) && <Empty icon="events" title={w.waiting} text={w.quiet} />}
      {events && events.length > 0 && (
        <ol className="tail" aria-live="off">
          {events.map((one, index) => {
            const key = keys[index] ?? "";
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

function useTail(tenant: string, event: string, environment: string, isPaused: boolean): { readonly events: readonly StoredEvent[] | null; readonly error: ApiError | null } {
  const [events, setEvents] = useState<readonly StoredEvent[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  useEffect(() => {
    if (tenant === "") return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    setEvents(null);
    setError(null);
    const round = async () => {
      if (!paused.current && document.visibilityState === "visible") {
        try {
          const { data } = await api.get<{ data: readonly StoredEvent[] }>("/v1/events/recent", { tenant_id: tenant, event_name: event, environment }, abort.signal);
          setEvents(data);
          setError(null);
        } catch (failure) {
          if (isAbort(failure) || abort.signal.aborted) return;
          setError(asApiError(failure));
        }
      }
      timer = setTimeout(() => void round(), pause);
    };
    void round();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [tenant, event, environment]);
  return { events, error };
}
