"""The React packages outside of a browser: on a server that renders pages, and before a compiler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from embantest.node import PACKAGES, Project

ESM = """
import { createElement as h, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { EmbanEmbedFrame, useEmbanEmbed } from '@emban/embed-helper/react';
import { EmbanProvider, EmbanDashboard, EmbanWidget, useEmbanDashboard, useEmbanFilters, useEmbanFilterValues, useEmbanWidget } from '@emban/react';
"""
CJS = """
const { createElement: h, StrictMode } = require('react');
const { renderToString } = require('react-dom/server');
const { EmbanEmbedFrame, useEmbanEmbed } = require('@emban/embed-helper/react');
const { EmbanProvider, EmbanDashboard, EmbanWidget, useEmbanDashboard, useEmbanFilters, useEmbanFilterValues, useEmbanWidget } = require('@emban/react');
"""
RENDER = """
const unasked = () => { throw new Error('a server asks for nothing'); };
globalThis.fetch = unasked;
const faults = [];
console.error = (...words) => faults.push(words.join(' '));
function Own() {
  const embed = useEmbanEmbed({ fetchEmbedUrl: unasked });
  return h('section', { ref: embed.ref }, embed.isReady ? 'ready' : 'loading');
}
function Numbers() {
  const { data, loading, error } = useEmbanWidget('w_calls');
  const { filters } = useEmbanFilters();
  const { dashboard } = useEmbanDashboard();
  const { values } = useEmbanFilterValues('model');
  return h('p', null, JSON.stringify([data, loading, error, filters.dimensions, dashboard, values]));
}
const frame = renderToString(h(StrictMode, null,
  h(EmbanEmbedFrame, { embedUrl: 'https://analytics.example.com/embed/dash_1?token=secret', className: 'analytics', containerStyle: { minHeight: 600 } }), h(Own)));
const native = renderToString(h(EmbanProvider, { host: 'https://analytics.example.com', token: 'secret', getToken: unasked },
  h(EmbanDashboard, { className: 'whole', style: { padding: 8 } }), h(EmbanWidget, { widgetId: 'w_calls' }), h(Numbers)));
let outside = '';
try { renderToString(h(EmbanDashboard)); } catch (error) { outside = error.message; }
report({ frame, native, faults: faults.filter((text) => !text.includes('below an EmbanProvider')), outside, window: typeof window });
"""


def project(folder: Path) -> Project:
    return Project(folder, ("react", "react-dom", "scheduler", "@types/react", "@types/react-dom"))


@pytest.mark.parametrize(("name", "head"), [("page.mjs", ESM), ("page.cjs", CJS)])
def test_a_server_renders_the_containers_and_asks_for_nothing(tmp_path: Path, name: str, head: str) -> None:
    found = project(tmp_path).result(name, head + RENDER, arguments=("--preserve-symlinks", "--preserve-symlinks-main"))
    assert found["window"] == "undefined" and found["faults"] == []
    assert found["frame"] == '<div class="analytics" style="overflow:hidden;min-height:600px"></div><section>loading</section>'
    assert found["native"].startswith('<div class="whole" style="padding:8px"></div><div></div><p>[null,true,null,{},null,[]]')
    assert "secret" not in found["frame"] + found["native"], "no token in a page that may be cached"
    assert "EmbanProvider" in found["outside"]


CONSUMER = """
import { useRef } from "react";
import { EmbanEmbedFrame, useEmbanEmbed, type EmbanEmbedControls } from "@emban/embed-helper/react";
import { EmbanProvider, EmbanDashboard, EmbanWidget, useEmbanFilters, useEmbanWidget, type QueryResult } from "@emban/react";
export function Frame({ url }: { url: string | undefined }) {
  const controls = useRef<EmbanEmbedControls>(null);
  const embed = useEmbanEmbed({ fetchEmbedUrl: () => Promise.resolve("") });
  return (
    <main onClick={() => controls.current?.setTheme({ mode: "dark" })}>
      <EmbanEmbedFrame ref={controls} embedUrl={url} containerStyle={{ minHeight: 600 }} onDrill={(event) => event.value.trim()}
        onFilter={({ filters }) => filters.period?.trim()} onError={({ code }) => code.trim()} filters={{ period: "7d" }} />
      <div ref={embed.ref}>{embed.isReady && embed.error?.message}</div>
      {/* @ts-expect-error a misspelt property */}
      <EmbanEmbedFrame embedURL="" />
    </main>
  );
}
function Calls() {
  const { data, loading, error, refresh } = useEmbanWidget("w_calls");
  const { filters, setFilters } = useEmbanFilters();
  const known: QueryResult | null = data;
  return <button onClick={() => { setFilters({ period: "7d" }); refresh(); }}>{loading ? filters.period : error?.code ?? String(known?.rows[0]?.["value"])}</button>;
}
export const Native = () => (
  <EmbanProvider host="https://analytics.example.com" token={undefined} getToken={async () => ""} theme={{ mode: "dark" }}>
    <EmbanDashboard className="whole" /><EmbanWidget widgetId="w_calls" style={{ height: 200 }} /><Calls />
  </EmbanProvider>
);
"""


@pytest.mark.parametrize("options", [{}, {"module": "Node16", "moduleResolution": "node16"}], ids=["node", "node16"])
def test_declarations(tmp_path: Path, options: dict[str, Any]) -> None:
    own = project(tmp_path)
    # TypeScript knows no .mtsx: the folder says which module system holds.
    for kind in ("module", "commonjs"):
        own.write(f"{kind}/package.json", f'{{"type": "{kind}"}}')
        own.write(f"{kind}/consumer.tsx", CONSUMER)
    own.check_types("module/consumer.tsx", "commonjs/consumer.tsx", options={**options, "preserveSymlinks": True})


def test_the_packages_have_no_dependency_but_react() -> None:
    for package in PACKAGES.iterdir():
        manifest = json.loads((package / "package.json").read_text())
        assert not manifest.get("dependencies"), package.name
        assert set(manifest.get("peerDependencies", {})) <= {"react"}, package.name
        assert all((package / target).exists() for entry in manifest["exports"].values() for target in
                   (*entry["import"].values(), *entry["require"].values()))
