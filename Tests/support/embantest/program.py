"""What the program's own text says of its routes."""

from __future__ import annotations

import re

from embantest.process import ROOT

#: Served by `emban demo` only.
DEMO = {("GET", "/demo"), ("GET", "/demo/api/tenants"), ("POST", "/demo/api/session")}


def routes_of_the_program() -> dict[tuple[str, str], str]:
    """Method and path, with parameters as `:name` → access rule."""
    found: dict[tuple[str, str], str] = {}
    for path in (ROOT / "Sources/HTTPAPI").rglob("*.swift"):
        for method, route, rule in re.findall(r'Endpoint\(\s*\.(\w+), "([^"]+)", \.(\w+)', path.read_text()):
            found[method.upper(), route] = rule
    return {route: rule for route, rule in found.items() if route not in DEMO}
