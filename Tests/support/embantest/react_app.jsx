// A host product in React, for the browser tests: what it shows is decided by window.scene, and changed by window.set(...).
import { StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { EmbanEmbedFrame, useEmbanEmbed } from "@emban/embed-helper/react";
import { EmbanDashboard, EmbanProvider, EmbanWidget, useEmbanDashboard, useEmbanFilters, useEmbanFilterValues, useEmbanWidget } from "@emban/react";

window.log = [];
const names = ["onReady", "onResize", "onDrill", "onFilter", "onPeriodChange", "onTokenExpiring", "onError"];
/** New functions for each render, which say of which render they are. */
const listeners = (name, version, more = names) => Object.fromEntries(more.map((on) => [on, (event) => {
  window.log.push([name, on, version, event ?? null]);
  if (window.faulty) throw new Error("a fault of the product's own");
}]));

function Frame({ name, version, fetches, ...props }) {
  const controls = useRef(null);
  (window.controls ??= {})[name] = controls;
  const fetcher = fetches ? { fetchEmbedUrl: () => window.freshUrl(version) } : {};
  return <div id={name}><EmbanEmbedFrame ref={controls} {...props} {...fetcher} {...listeners(name, version)} /></div>;
}

function OwnFrame({ name, version, fetches, ...props }) {
  const fetcher = fetches ? { fetchEmbedUrl: () => window.freshUrl(version) } : {};
  const embed = useEmbanEmbed({ ...props, ...fetcher, ...listeners(name, version) });
  return (
    <div id={name}>
      <button onClick={() => embed.setFilters({ period: "7d" })}>Week</button>
      <output>{embed.error ? embed.error.code : embed.isReady ? "shown" : "loading"}</output>
      <section ref={embed.ref} />
    </div>
  );
}

function Native({ name, version, fetches, parts = ["dashboard"], ...props }) {
  const own = listeners(name, version, names.filter((on) => on !== "onResize"));
  const fetcher = fetches ? { getToken: () => window.freshToken(version) } : {};
  return (
    <EmbanProvider {...props} {...fetcher} {...own}>
      <div id={name}>
        {parts.map((part) => {
          if (part === "dashboard") return <EmbanDashboard key={part} className="whole" />;
          if (part === "numbers") return <Numbers key={part} />;
          return <EmbanWidget key={part} widgetId={part} style={{ maxWidth: 500 }} />;
        })}
      </div>
    </EmbanProvider>
  );
}

function Numbers() {
  const { data, loading, error, refresh } = useEmbanWidget("w_calls");
  const missing = useEmbanWidget("w_none");
  const { filters, setFilters, resetFilters } = useEmbanFilters();
  const { dashboard } = useEmbanDashboard();
  const { values } = useEmbanFilterValues("model");
  return (
    <section aria-label="Numbers">
      <h2>{dashboard?.name ?? ""}</h2>
      <output data-of="calls">{error ? error.code : loading ? "…" : data.rows[0].value}</output>
      <output data-of="period">{filters.period}</output>
      <output data-of="missing">{missing.error?.code ?? ""}</output>
      <output data-of="values">{values.map(({ value }) => value).join(" ")}</output>
      <button onClick={() => setFilters({ period: "7d" })}>Week</button>
      <button onClick={resetFilters}>Reset</button>
      <button onClick={refresh}>Refresh</button>
    </section>
  );
}

const kinds = { frame: Frame, own: OwnFrame, native: Native };

function App() {
  const [scene, setScene] = useState(window.scene);
  window.set = (name, more) => setScene((now) => now.map((one) => (one.name === name ? { ...one, ...more } : one)));
  window.remove = (name) => setScene((now) => now.filter((one) => one.name !== name));
  window.add = (one) => setScene((now) => [...now, one]);
  return scene.map(({ kind, ...props }) => {
    const Kind = kinds[kind];
    return <Kind key={props.name} version={1} {...props} />;
  });
}

const root = createRoot(document.getElementById("root"));
window.unmount = () => root.unmount();
root.render(<StrictMode><App /></StrictMode>);
