"""`emban doctor`: a real server behind a reverse proxy that does, one at a time, what proxies do to embedded dashboards."""

from __future__ import annotations

import gzip
import http.client
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from embantest.process import ROOT, EmbanProcess, binary, clean_environment, free_port
from embantest.workspace import Organization, Session, event, kpi

HOST = "http://localhost:3000"
Headers = list[tuple[str, str]]


@dataclass
class Fault:
    """What the proxy does to requests whose path begins with `path`."""

    path: str = "/"
    drop: set[str] = field(default_factory=set)
    add: Headers = field(default_factory=list)
    #: In place of the server's answer.
    answer: tuple[int, Headers, bytes] | None = None
    method: str | None = None
    body: Callable[[bytes], bytes] | None = None
    drop_request: set[str] = field(default_factory=set)
    drop_query: bool = False
    gather: bool = False


class Proxy:
    """A reverse proxy that passes everything on as it is, unless a test says otherwise."""

    def __init__(self) -> None:
        self.upstream = 0
        self.fault = Fault()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def handle_any(self) -> None:
                fault = proxy.fault
                if not self.path.startswith(fault.path) or fault.method not in (None, self.command):
                    fault = Fault()
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fault.answer:
                    self.send(*fault.answer)
                    return
                target = self.path.split("?")[0] if fault.drop_query else self.path
                headers = {name: value for name, value in self.headers.items() if name.lower() not in fault.drop_request}
                connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=60)
                try:
                    connection.request(self.command, target, body or None, headers)
                    answer = connection.getresponse()
                    kept = [(n, v) for n, v in answer.getheaders()
                            if n.lower() not in fault.drop | {"transfer-encoding", "content-length", "connection"}] + fault.add
                    if answer.getheader("Transfer-Encoding") is None or fault.gather:
                        data = answer.read()
                        self.send(answer.status, kept, fault.body(data) if fault.body else data)
                        return
                    self.send_response_only(answer.status)
                    for name, value in [*kept, ("Transfer-Encoding", "chunked")]:
                        self.send_header(name, value)
                    self.end_headers()
                    while part := answer.read1(65536):
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                        self.wfile.flush()
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True
                finally:
                    connection.close()

            def send(self, status: int, headers: Headers, data: bytes) -> None:
                self.send_response_only(status)
                for name, value in [*headers, *([] if status in (204, 304) else [("Content-Length", str(len(data)))])]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_OPTIONS = handle_any  # noqa: N815 (the library's names)

        self.server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Clinic:
    emban: EmbanProcess
    proxy: Proxy
    organization: Organization
    dashboard: str

    def session(self, **more: object) -> Session:
        return self.organization.session("acme", self.dashboard, **more)  # type: ignore[arg-type]

    def examine(self, address: str, *options: str, patience: int = 60, secret: str = "") -> Report:
        return examine(self.emban, address, *options, patience=patience, secret=secret)


@dataclass
class Report:
    code: int
    text: str

    def findings(self, verdict: str) -> list[str]:
        return re.findall(rf"^{verdict} +([a-z-]+) ", self.text, re.M)

    @property
    def problems(self) -> list[str]:
        return self.findings("problem")

    def expect(self, *subjects: str) -> None:
        assert self.problems == list(subjects), self.text
        assert self.code == (1 if subjects else 0), self.text
        explained = len(re.findall(r"^ +why: .{20,}\n +do:  .{10,}$", self.text, re.M))
        assert explained == len(subjects) + len(self.findings("warning")), self.text


def examine(emban: EmbanProcess, address: str, *options: str, patience: int = 60, secret: str = "") -> Report:
    done = emban.run("doctor", "--embed", address, "--patience", str(patience), *options, timeout=300)
    for token in filter(None, [secret, *re.findall(r"token=([\w.-]{20,})", address)]):
        assert token not in done.stdout + done.stderr
        assert token.split(".")[-1] not in done.stdout + done.stderr
    return Report(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    proxy = Proxy()
    with EmbanProcess(environment={"EMBAN_PUBLIC_URL": proxy.url}) as emban:
        proxy.upstream = emban.port
        organization = Organization(emban.url)
        organization.ingest([event(string_props={"model": "gpt-4"})])
        dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)
        yield Clinic(emban, proxy, organization, dashboard["id"])
        organization.admin.delete("/v1/embed-sessions", query={"tenant_id": "acme"})
    proxy.close()


@pytest.fixture(autouse=True)
def healthy(clinic: Clinic) -> Iterator[None]:
    clinic.proxy.fault = Fault()
    yield
    clinic.proxy.fault = Fault()


# --- Nothing is wrong -----------------------------------------------------------------------------------------------------


def test_a_healthy_embed(clinic: Clinic) -> None:
    session = clinic.session(allowed_origins=[HOST])
    assert session.embed_url.startswith(clinic.proxy.url)
    for address in (session.embed_url, session.embed_url.replace("?token=", f"?session={session.session_id}#token=")):
        report = clinic.examine(address, "--host-page", HOST)
        report.expect()
        assert report.findings("warning") == []
        assert {"embed-page", "frame-ancestors", "compression", "public-url", "session", "cors", "stream", "clock"} <= set(report.findings("ok"))
        assert "Nothing is wrong." in report.text


def test_the_address_may_come_from_standard_input(clinic: Clinic) -> None:
    session = clinic.session()
    done = subprocess.run(
        [str(binary()), "doctor", "--embed", "-", "--patience", "60"], input=session.embed_url + "\n", capture_output=True, text=True,
        timeout=300, env=clean_environment())
    assert done.returncode == 0 and session.token not in done.stdout, done.stdout + done.stderr


def test_what_is_no_address_is_refused(clinic: Clinic) -> None:
    assert clinic.emban.run("doctor", "--embed", "ftp://example.com/x").returncode == 64
    assert clinic.emban.run("doctor", "--embed", clinic.proxy.url, "--host-page", "app.example.com").returncode == 64


# --- Proxies --------------------------------------------------------------------------------------------------------------


def shifted_date() -> str:
    # Told rounded, and read a while after it is made: a session and a program are started in between.
    return format_datetime(datetime.now(timezone.utc) + timedelta(minutes=10, seconds=25), usegmt=True)


FAULTS: list[tuple[str, Fault, list[str]]] = [
    ("adds X-Frame-Options", Fault("/embed/", add=[("X-Frame-Options", "SAMEORIGIN")]), ["x-frame-options"]),
    ("takes the policy away", Fault("/embed/", drop={"content-security-policy"}), ["content-security-policy"]),
    ("takes the policy away and adds X-Frame-Options",
     Fault("/embed/", drop={"content-security-policy"}, add=[("X-Frame-Options", "DENY")]), ["x-frame-options", "content-security-policy"]),
    ("adds a policy of its own", Fault("/embed/", add=[("Content-Security-Policy", "default-src https://cdn.example.com")]),
     ["content-security-policy"]),
    ("adds frame-ancestors of its own", Fault("/embed/", add=[("Content-Security-Policy", "frame-ancestors 'self'")]), ["frame-ancestors"]),
    ("redirects to https", Fault("/embed/", answer=(301, [("Location", "https://analytics.example.com/embed/x")], b"")), ["redirect"]),
    ("wants a login", Fault("/", answer=(401, [("WWW-Authenticate", "Basic")], b"login")), ["embed-page"]),
    ("answers itself", Fault("/", answer=(200, [("Content-Type", "text/html")], b"<h1>Welcome to nginx!</h1>")), ["embed-page"]),
    ("does not pass on the script", Fault("/web/", answer=(404, [("Content-Type", "text/html")], b"")), ["script"]),
    ("says gzip of what is none", Fault("/web/", drop={"content-encoding"}, add=[("Content-Encoding", "gzip")], body=lambda _: b"let x = 1"),
     ["compression"]),
    ("compresses in silence", Fault("/web/", drop={"content-encoding"}, body=lambda data: gzip.compress(data)), ["compression"]),
    ("takes Authorization away", Fault("/v1/", drop_request={"authorization"}), ["authorization"]),
    ("takes the query string away", Fault("/v1/", drop_query=True), ["query-string"]),
    ("stops POST", Fault("/v1/embed/query", method="POST", answer=(403, [("Content-Type", "text/html")], b"blocked")), ["writes"]),
    ("stops OPTIONS", Fault("/v1/", method="OPTIONS", answer=(405, [], b"")), ["cors"]),
    ("takes CORS headers away", Fault("/v1/", drop={"access-control-allow-origin"}), ["cors"]),
    ("doubles CORS headers", Fault("/v1/", add=[("Access-Control-Allow-Origin", "*")]), ["cors"]),
    ("keeps the API to itself", Fault("/v1/", answer=(502, [], b"bad gateway")), ["session"]),
]


@pytest.mark.parametrize(("fault", "subjects"), [pytest.param(f, s, id=name) for name, f, s in FAULTS])
def test_what_a_proxy_does_wrong(clinic: Clinic, fault: Fault, subjects: list[str]) -> None:
    session = clinic.session(allowed_origins=[HOST])
    clinic.proxy.fault = fault
    clinic.examine(session.embed_url, "--host-page", HOST).expect(*subjects)


def test_a_proxy_that_gathers_streams(clinic: Clinic) -> None:
    session = clinic.session()
    clinic.proxy.fault = Fault("/v1/embed/live", gather=True)
    clinic.examine(session.embed_url, patience=2).expect("stream")
    # The proxy still listens to it: nothing of the test may outlive it.
    clinic.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}")


def test_a_proxy_whose_clock_is_wrong(clinic: Clinic) -> None:
    clinic.proxy.fault = Fault("/embed/", drop={"date"}, add=[("Date", shifted_date())])
    report = clinic.examine(clinic.session().embed_url)
    report.expect("clock")
    assert "10 min ahead" in report.text


def test_what_only_weakens_is_a_warning(clinic: Clinic) -> None:
    clinic.proxy.fault = Fault("/embed/", drop={"referrer-policy"}, add=[("Age", "12")])
    report = clinic.examine(clinic.session().embed_url)
    report.expect()
    assert report.findings("warning") == ["headers", "headers"]


# --- The session ----------------------------------------------------------------------------------------------------------


def test_the_pages_origin_is_not_allowed(clinic: Clinic) -> None:
    session = clinic.session(allowed_origins=["https://app.example.com"])
    clinic.examine(session.embed_url, "--host-page", HOST).expect("frame-ancestors")
    # Behind the fragment the server does not see whose page it is: it is the data that is refused.
    clinic.examine(session.embed_url.replace("?", "#"), "--host-page", HOST).expect("origin")


def test_a_session_that_was_revoked(clinic: Clinic) -> None:
    session = clinic.session()
    clinic.organization.admin.delete(f"/v1/embed-sessions/{session.session_id}")
    clinic.examine(session.embed_url).expect("session")


@pytest.mark.last
def test_a_session_that_has_expired(emban: EmbanProcess, short_lived: tuple[Session, float]) -> None:
    session, made = short_lived
    time.sleep(max(0.0, made + 61 - time.monotonic()))
    report = examine(emban, session.embed_url)
    report.expect("session")
    assert "has expired at 20" in report.text


def test_tokens_that_are_none(clinic: Clinic) -> None:
    session = clinic.session()
    page = session.embed_url.split("?")[0]
    clinic.examine(page).expect("token")
    clinic.examine(f"{page}?token=abc").expect("token", "token")
    head, payload, signature = session.token.split(".")
    forged = f"{head}.{payload}.{signature[::-1]}"
    clinic.examine(f"{page}?token={forged}", secret=forged).expect("token")


def test_a_token_of_another_dashboard(clinic: Clinic) -> None:
    other = clinic.organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    clinic.examine(clinic.session().embed_url.replace(clinic.dashboard, other)).expect("token")


def test_a_dashboard_that_is_not_published(clinic: Clinic) -> None:
    dashboard = clinic.organization.create_dashboard([kpi("w_calls")], publish=True)["id"]
    session = clinic.organization.session("acme", dashboard)
    clinic.organization.admin.post(f"/v1/dashboards/{dashboard}/unpublish")
    clinic.examine(session.embed_url).expect("dashboard")


# --- The address ----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there(clinic: Clinic) -> None:
    clinic.examine(clinic.session().embed_url.replace(str(clinic.proxy.port), str(free_port()))).expect("unreachable")


def test_a_server_that_speaks_no_tls(clinic: Clinic) -> None:
    clinic.examine(clinic.session().embed_url.replace("http:", "https:")).expect("tls")


def test_a_server_that_takes_itself_for_another(clinic: Clinic) -> None:
    address = clinic.session().embed_url.replace(clinic.proxy.url, clinic.emban.url)
    report = clinic.examine(address)
    report.expect("public-url")
    assert clinic.proxy.url in report.text and clinic.emban.url in report.text


def test_an_address_that_only_this_machine_understands(clinic: Clinic) -> None:
    clinic.examine(clinic.session().embed_url, "--host-page", "https://app.example.com").expect("public-url")


def test_http_in_a_page_of_https(clinic: Clinic) -> None:
    # An address of this machine that is not called loopback.
    with socket.create_connection(("0.0.0.0", clinic.proxy.port), timeout=10):
        address = clinic.session().embed_url.replace("127.0.0.1", "0.0.0.0")
    clinic.examine(address, "--host-page", "https://app.example.com").expect("mixed-content", "public-url")


# --- Pages that embed -----------------------------------------------------------------------------------------------------


def page(clinic: Clinic, body: str, policy: str | None = None) -> str:
    headers = [("Content-Type", "text/html")] + ([("Content-Security-Policy", policy)] if policy else [])
    clinic.proxy.fault = Fault("/product", answer=(200, headers, body.encode()))
    return f"{clinic.proxy.url}/product"


def test_a_page_with_a_frame(clinic: Clinic) -> None:
    session = clinic.session()
    frame = f'<iframe title="x" src="{session.embed_url}"></iframe>'
    clinic.examine(page(clinic, frame), secret=session.token).expect()
    blocked = clinic.examine(page(clinic, frame, "default-src 'none'; frame-src https://other.example.com"), secret=session.token)
    blocked.expect("host-page-policy")
    assert "frame-src" in blocked.text


def test_a_page_with_a_web_component(clinic: Clinic) -> None:
    session = clinic.session()
    body = (f'<script src="{clinic.proxy.url}/sdk/emban-dashboard.js"></script>'
            f'<emban-dashboard token="{session.token}"></emban-dashboard>')
    report = clinic.examine(page(clinic, body), secret=session.token)
    report.expect()
    assert "session" in report.findings("ok")
    report = clinic.examine(page(clinic, body, f"script-src {clinic.proxy.url}; connect-src https://x.example.com"), secret=session.token)
    report.expect("host-page-policy")
    assert "connect-src" in report.text


def test_a_page_that_embeds_nothing(clinic: Clinic) -> None:
    clinic.examine(page(clinic, "<h1>Hello</h1>")).expect("address")


def test_every_subject_is_in_the_guide() -> None:
    source = (ROOT / "Sources/Emban/Doctor/DoctorReport.swift").read_text()
    block = re.search(r"enum Subject: .*?\n  \}", source, re.S)[0]  # type: ignore[index]
    subjects = {explicit or name for name, explicit in re.findall(r'case (\w+)(?: = "([\w-]+)")?', block)}
    guide = (ROOT / "docs/guides/troubleshooting.md").read_text().split("## What it looks at")[1].split("\n## ")[0]
    assert subjects == set(re.findall(r"^\| `([a-z-]+)` \|", guide, re.M))
