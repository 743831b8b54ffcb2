import type { QueryResult, WidgetConfig } from "@emban/core";
import { useMemo } from "react";
import { useGet } from "../api/hooks";
import type { Usage } from "../api/types";
import { useResolvedTheme, WidgetCard } from "../charts/widget-card";
import { setQuery, usePlace } from "../router";
import { useSession } from "../session";
import { consoleTheme } from "../tokens";
import { Badge, compactCount, count, Empty, ErrorNote, PageHead, Section, Segments } from "../ui";
import { words } from "../words";

const w = words.usage;

export function UsagePage(): JSX.Element {
  const { environment, organization } = useSession();
  const { query } = usePlace();
  const days = Number(Object.keys(w.ranges).find((range) => range === query.get("days")) ?? 30);
  const range = useMemo(() => ({ from: dayOf(1 - days), to: dayOf(0) }), [days]);
  const { data: usage, error, reload } = useGet<Usage>("/v1/usage", { ...range, environment });
  const theme = useResolvedTheme(consoleTheme);
  const [events, tenants] = useMemo(() => (usage ? [seriesOf(usage, "events"), seriesOf(usage, "tenants")] : [null, null]), [usage]);
  return (
    <div className="page">
      <PageHead
        title={w.title} text={<>{w.text} <Badge>{w.plan(organization.plan)}</Badge></>}
        actions={<Segments label={w.range} value={String(days)} onPick={(value) => setQuery({ days: value })} options={Object.entries(w.ranges).map(([value, label]) => ({ value, label }))} />}
      />
      {error && !usage && <ErrorNote error={error} onRetry={reload} />}
      <div className="tiles">
        <Tile
          label={w.events} value={usage && compactCount(usage.events)}
          note={usage && w.average(compactCount(Math.round(usage.events / Math.max(1, usage.days.length))))}
        />
        <Tile label={w.customers} value={usage && compactCount(usage.tenants)} note={usage && w.customersOf(compactCount(usage.tenants_total))} />
        <Tile
          label={w.items.published_dashboards} value={usage && count(usage.published_dashboards)} note={usage && w.ofDashboards(count(usage.dashboards))}
        />
        <Tile label={w.items.embed_sessions} value={usage && count(usage.embed_sessions)} note={usage && w.withKeys(count(usage.api_keys), count(usage.members))} />
      </div>
      {usage && usage.events === 0 ? (
        <Section><Empty icon="usage" title={w.none} text={w.noneText} /></Section>
      ) : (
        <>
          <div className="chart-box"><WidgetCard widget={usageChart("usage_events", w.perDay, "bar")} answer={events} theme={theme} /></div>
          <div className="columns-2">
            <div className="chart-box"><WidgetCard widget={usageChart("usage_tenants", w.customersPerDay, "area")} answer={tenants} theme={theme} /></div>
            <Section title={w.months} flush>
              <table className="table">
                <thead><tr><th scope="col">{w.month}</th><th scope="col" className="num">{w.events}</th></tr></thead>
                <tbody>
                  {[...(usage?.months ?? [])].reverse().map(({ month, events: total }) => <tr key={month}><td>{monthName(month)}</td><td className="num">{count(total)}</td></tr>)}
                </tbody>
              </table>
            </Section>
          </div>
        </>
      )}
    </div>
  );
}

export function Tile({ label, value, note }: { readonly label: string; readonly value: string | null; readonly note?: string | null }): JSX.Element {
  return (
    <div className="tile">
      <span className="tile-label">{label}</span>
      <span className="tile-value">{value ?? <span className="bone" style={{ width: 72, height: 20 }} />}</span>
      <span className="tile-note">{note ?? " "}</span>
    </div>
  );
}

export function usageChart(id: string, title: string, look: string): WidgetConfig {
  return { id, title, kind: "timeseries", chart: look, position: { x: 0, y: 0, w: 12, h: 4 }, query: { metric: "count" }, options: { on_click: "none" } };
}

export function seriesOf(usage: Usage, member: "events" | "tenants"): { readonly result: QueryResult } {
  return {
    result: {
      columns: [{ name: "time", type: "datetime", role: "time" }, { name: "value", type: "number", role: "measure" }],
      rows: usage.days.map((day) => ({ time: `${day.date}T00:00:00Z`, value: day[member] })),
      meta: { from: `${usage.from}T00:00:00Z`, to: new Date(Date.parse(`${usage.to}T00:00:00Z`) + 86_400_000).toISOString(), granularity: "day", timezone: "UTC" },
    },
  };
}

/** The UTC day that is `shift` days from today. */
export function dayOf(shift: number): string {
  return new Date(Date.now() + shift * 86_400_000).toISOString().slice(0, 10);
}

function monthName(month: string): string {
  return new Date(`${month}-01T00:00:00Z`).toLocaleDateString(undefined, { month: "long", year: "numeric", timeZone: "UTC" });
}
