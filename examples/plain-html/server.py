"""A static page, and the smallest back end that keeps the key: Python's standard library only."""

import json
import os
import secrets
import urllib.error
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from users import User, find_user

EMBAN_URL = os.environ.get("EMBAN_URL", "http://localhost:8080").rstrip("/")
EMBAN_API_KEY = os.environ["EMBAN_API_KEY"]
EMBAN_DASHBOARD = os.environ.get("EMBAN_DASHBOARD", "api-usage")
PORT = int(os.environ.get("PORT", "8000"))

PUBLIC = Path(__file__).resolve().parent / "public"
#: Who is signed in, by the secret in their cookie.
SIGNED_IN: dict[str, User] = {}


def new_embed_url(tenant_id: str) -> str:
    """A session of this customer: an address that opens the dashboard with their data only."""
    request = urllib.request.Request(
        f"{EMBAN_URL}/v1/embed-sessions",
        data=json.dumps({"tenant_id": tenant_id, "dashboard_id": EMBAN_DASHBOARD, "expires_in": 3600}).encode(),
        headers={"Authorization": f"Bearer {EMBAN_API_KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["embed_url"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.route == "/login":
            self.send_page("login.html")
        elif self.route != "/":
            self.send_error(404)
        elif self.user is None:
            self.redirect("/login")
        else:
            self.send_page("index.html")

    def do_POST(self) -> None:
        if self.route == "/login":
            self.sign_in()
        elif self.route == "/logout":
            SIGNED_IN.pop(self.session, None)
            self.redirect("/login", "session=; Max-Age=0; Path=/")
        elif self.route != "/api/embed-url":
            self.send_error(404)
        elif self.user is None:
            self.send_json(401, {"error": "sign in first"})
        else:
            try:
                # The tenant comes from the login, never from what the browser sends.
                self.send_json(200, {"embedUrl": new_embed_url(self.user.tenant_id), "email": self.user.email})
            except urllib.error.URLError:
                self.send_json(502, {"error": "no session"})

    def sign_in(self) -> None:
        form = parse_qs(self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 10_000)).decode(errors="replace"))
        user = find_user(form.get("email", [""])[0], form.get("password", [""])[0])
        if user is None:
            return self.redirect("/login#failed")
        session = secrets.token_urlsafe(32)
        SIGNED_IN[session] = user
        self.redirect("/", f"session={session}; HttpOnly; SameSite=Lax; Path=/")

    @property
    def route(self) -> str:
        return urlsplit(self.path).path

    @property
    def session(self) -> str:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        return cookie.value if cookie else ""

    @property
    def user(self) -> User | None:
        return SIGNED_IN.get(self.session)

    def send_page(self, name: str) -> None:
        page = (PUBLIC / name).read_text().replace("http://localhost:8080", EMBAN_URL)
        self.answer(200, "text/html; charset=utf-8", page.encode())

    def send_json(self, status: int, body: dict[str, str]) -> None:
        self.answer(status, "application/json", json.dumps(body).encode())

    def redirect(self, to: str, cookie: str | None = None) -> None:
        self.answer(303, "text/plain", b"", {"Location": to, **({"Set-Cookie": cookie} if cookie else {})})

    def answer(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": "no-store", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"listening on http://localhost:{PORT}", flush=True)
    ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
