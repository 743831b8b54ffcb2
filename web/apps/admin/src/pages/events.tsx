import { useMemo, useState } from "react";
import { useEvery, useGet } from "../api/hooks";
import type { Dimension, Discovery, EventType } from "../api/types";
import { navigate, setQuery, usePlace } from "../router";
import { useSession } from "../session";
import { Ago, Badge, Bones, Button, compactCount, count, decimal, Empty, ErrorNote, Icon, PageHead, Section, Segments, TextInput } from "../ui";
import { words } from "../words";
import { LiveTail } from "./live-tail";

const w = words.events;

export function EventsPage(): JSX.Element {
  const { environment, can } = useSession();
  const { query } = usePlace();
  const [search, setSearch] = useState("");
  const { data, error, reload } = useGet<Discovery>("/v1/discover", { environment });
  useEvery(15, reload);
  const events = data?.events ?? [];
  const needle = search.trim().toLowerCase();
  const found = needle === "" ? events : events.filter((event) => [event.event_name, ...event.dimensions.map(({ name }) => name), ...event.numeric_properties.map(({ name }) => name)].some((name) => name.toLowerCase().includes(needle)));
  const chosen = events.find(({ event_name }) => event_name === query.get("event")) ?? found[0];
  const tab = query.get("tab") === "live" ? "live" : "schema";
  return (
    <div className="page wide">
      <PageHead
        title={w.title} text={w.text}
        actions={
          <span className="search-box">
            <Icon name="search" />
            <TextInput type="search" aria-label={w.search} placeholder={w.search} value={search} onText={setSearch} />
          </span>
        }
      />
      {error && !data && <ErrorNote error={error} onRetry={reload} />}
      {!data && !error && <Section flush><Bones rows={8} /></Section>}
      {data && events.length === 0 && (
        <Section>
          <Empty icon="events" title={w.none} text={w.noneText}>
            <Button kind="primary" onClick={() => navigate("/")}>{w.noneAction}</Button>
          </Empty>
        </Section>
      )}
      {data && events.length > 0 && (
        <div className="explorer">
          <nav className="explorer-list" aria-label={w.title}>
            {found.map((event) => (
              <button key={event.event_name} type="button" className="explorer-item" aria-current={event === chosen ? "true" : undefined} onClick={() => setQuery({ event: event.event_name })}>
                <span className="explorer-name">{event.event_name}</span>
                <span className="explorer-count">{compactCount(event.count)}</span>
                <span className="explorer-note"><Ago at={event.last_seen} /></span>
              </button>
            ))}
            {found.length === 0 && <p className="muted small pad">{words.common.noMatch}</p>}
          </nav>
          {chosen && (
            <div className="stack">
              <div className="row spread wrap">
                <div>
                  <h2 className="explorer-title">{chosen.event_name}</h2>
                  <p className="muted small">{w.seen(count(chosen.count), count(chosen.tenants))} · <Ago at={chosen.last_seen} /></p>
                </div>
                <Segments
                  label={w.title} value={tab} onPick={(value) => setQuery({ tab: value === "live" ? "live" : null })}
                  options={[{ value: "schema", label: w.tabs.schema }, { value: "live", label: w.tabs.live }]}
                />
              </div>
              {tab === "schema" ? <Schema event={chosen} /> : can("admin") ? <LiveTail key={chosen.event_name} event={chosen.event_name} /> : <Section><Empty icon="lock" title={w.adminOnly} text={words.members.askAdmin} /></Section>}
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function Schema({ event }: { readonly event: EventType }): JSX.Element {
  return (
    <>
      <Section title={w.dimensions} text={w.sampled(compactCount(event.sampled))} flush>
        {event.dimensions.length === 0 ? <p className="muted small pad">{w.noDimensions}</p> : (
          <div className="table-scroll" tabIndex={0} role="region" aria-label={w.dimensions}><table className="table">
            <thead>
              <tr>
                <th scope="col">{w.dimension}</th>
                <th scope="col" className="num">{w.values}</th>
                <th scope="col" className="num">{w.filled}</th>
                <th scope="col">{w.top}</th>
              </tr>
            </thead>
            <tbody>
              {event.dimensions.map((dimension) => (
                <tr key={dimension.name}>
                  <td><code className="break">{dimension.name}</code></td>
                  <td className="num">{count(dimension.cardinality)}</td>
                  <td className="num">{share(dimension.events, event.sampled)}</td>
                  <td><TopValues dimension={dimension} /></td>
                </tr>
              ))}
            </tbody>
          </table></div>
        )}
      </Section>
      <Section title={w.numbers} flush>
        {event.numeric_properties.length === 0 ? <p className="muted small pad">{w.noNumbers}</p> : (
          <div className="table-scroll" tabIndex={0} role="region" aria-label={w.numbers}><table className="table">
            <thead>
              <tr>
                <th scope="col">{w.dimension}</th>
                <th scope="col" className="num">{w.filled}</th>
                <th scope="col" className="num">{w.range}</th>
                <th scope="col" className="num">{w.average}</th>
                <th scope="col" className="num">{w.median}</th>
                <th scope="col" className="num">{w.p95}</th>
              </tr>
            </thead>
            <tbody>
              {event.numeric_properties.map((property) => (
                <tr key={property.name}>
                  <td><code className="break">{property.name}</code></td>
                  <td className="num">{share(property.events, event.sampled)}</td>
                  <td className="num">{decimal(property.min)} … {decimal(property.max)}</td>
                  <td className="num">{decimal(property.avg)}</td>
                  <td className="num">{decimal(property.p50)}</td>
                  <td className="num">{decimal(property.p95)}</td>
                </tr>
              ))}
            </tbody>
          </table></div>
        )}
      </Section>
    </>
  );
}

function TopValues({ dimension }: { readonly dimension: Dimension }): JSX.Element {
  return (
    <span className="values">
      {dimension.top_values.slice(0, 5).map(({ value, count: times }) => (
        <Badge key={value}>
          <span className="values-name">{value === "" ? "“”" : value}</span>
          <span className="values-share">{share(times, dimension.events)}</span>
        </Badge>
      ))}
    </span>
  );
}

function share(part: number, whole: number): string {
  if (whole === 0) return "–";
  const percent = (part / whole) * 100;
  return `${percent > 0 && percent < 1 ? "<1" : Math.round(percent)} %`;
}

/** What events look like, for whoever suggests names and values. */
export function useDiscovery(tenant?: string): { readonly events: readonly EventType[]; readonly isReady: boolean } {
  const { environment } = useSession();
  const { data } = useGet<Discovery>("/v1/discover", { environment, tenant_id: tenant ?? "" });
  return useMemo(() => ({ events: data?.events ?? [], isReady: data !== null }), [data]);
}

