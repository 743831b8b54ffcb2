"use client";

import { EmbanProvider, EmbanWidget, useEmbanFilters, useEmbanWidget } from "@emban/react";

async function getToken(): Promise<string> {
  const answer = await fetch("/api/embed-session", { method: "POST" });
  if (!answer.ok) throw new Error(`No session: ${answer.status}`);
  const { token } = (await answer.json()) as { token: string };
  return token;
}

/** A headline of our own, with the number of a widget, and buttons for the filter that all charts share. */
function Headline({ widgetId }: { widgetId: string }) {
  const { data, loading, error } = useEmbanWidget(widgetId);
  const { filters, setFilters } = useEmbanFilters();
  if (error) return <p role="alert">{error.message || error.code}</p>;
  return (
    <header>
      <h2>{loading ? "…" : `${data?.rows[0]?.value ?? 0} calls`}</h2>
      {["7d", "30d"].map((period) => (
        <button key={period} type="button" aria-pressed={filters.period === period} onClick={() => setFilters({ period })}>{period}</button>
      ))}
    </header>
  );
}

/** Single charts in our own layout, without an iframe. */
export function CustomerCharts({ host, headline, charts }: { host: string; headline: string; charts: readonly string[] }) {
  return (
    <EmbanProvider host={host} getToken={getToken}>
      <Headline widgetId={headline} />
      {charts.map((id) => <EmbanWidget key={id} widgetId={id} style={{ marginBottom: 16 }} />)}
    </EmbanProvider>
  );
}
