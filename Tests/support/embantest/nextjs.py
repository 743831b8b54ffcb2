"""examples/nextjs without Next.js: its route handlers and components are what Next.js would run, on web-standard requests and answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embantest.node import Project
from embantest.process import ROOT

EXAMPLE = ROOT / "examples" / "nextjs"
MODULES = ("react", "react-dom", "scheduler", "@types/react", "@types/react-dom")

#: The little of Node's types that the example uses.
AMBIENT = """
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };
declare const Buffer: { from(text: string): Uint8Array };
declare module "node:crypto" {
  export function createHmac(algorithm: string, key: string): { update(text: string): { digest(form: "hex"): string } };
  export function timingSafeEqual(one: Uint8Array, other: Uint8Array): boolean;
}
"""

#: Serves route handlers and one page for each client component, as Next.js does, over HTTP.
SERVER = """
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import * as session from './app/api/embed-session/route';
import * as signIn from './app/api/sign-in/route';
const routes = { '/api/embed-session': session, '/api/sign-in': signIn };
const page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Product</title><link rel="icon" href="data:,"><div id="root"></div>';
const server = createServer(async (incoming, outgoing) => {
  const path = incoming.url.split('?')[0];
  const handler = routes[path]?.[incoming.method];
  if (routes[path]) {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const body = incoming.method === 'GET' ? undefined : Buffer.concat(chunks);
    const answer = handler ? await handler(new Request(`http://${incoming.headers.host}${incoming.url}`, { method: incoming.method, headers: incoming.headers, body }))
      : new Response(null, { status: 405 });
    outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
    outgoing.end(Buffer.from(await answer.arrayBuffer()));
  } else if (path === '/client.js') {
    outgoing.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' });
    outgoing.end(readFileSync('client.js'));
  } else {
    outgoing.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    outgoing.end(`${page}<script>window.emban = ${JSON.stringify(process.env.EMBAN_URL)}</script><script src="/client.js"></script></html>`);
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""

CLIENT = """
import { createRoot } from 'react-dom/client';
import { CustomerDashboard } from './components/CustomerDashboard';
import { CustomerCharts } from './components/CustomerCharts';
const page = location.pathname === '/charts'
  ? <CustomerCharts host={window.emban} headline="w_calls" charts={['w_time', 'w_table']} /> : <CustomerDashboard />;
createRoot(document.getElementById('root')).render(page);
"""


def copy(folder: Path) -> Project:
    """The example in a folder of its own, with its modules."""
    project = Project(folder, MODULES)
    for path in sorted(EXAMPLE.rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            target = folder / path.relative_to(EXAMPLE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    return project


@contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """The product, listening; gives its address."""
    project = copy(folder)
    project.write("server.ts", SERVER)
    project.write("client.tsx", CLIENT)
    project.bundle("client.tsx", "client.js")
    project.bundle("server.ts", "server.mjs", server=True)
    process = project.start("server.mjs", environment)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"the product did not start: {process.communicate(timeout=10)}"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def settings(url: str, key: str, dashboard: str) -> dict[str, str]:
    return {"EMBAN_URL": url, "EMBAN_API_KEY": key, "EMBAN_DASHBOARD_ID": dashboard, "SESSION_SECRET": "a long random text of this test"}


def configuration() -> dict[str, object]:
    return json.loads((EXAMPLE / "tsconfig.json").read_text())["compilerOptions"]
