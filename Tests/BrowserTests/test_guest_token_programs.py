"""Programs that were written for the guest-token API, unchanged but for its hosts, against this server: ours, and, where it lies beside the repository,
those of the published guide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from embantest.browser import HostPage, kpi_number, open_context, settled
from embantest.process import EmbanProcess, clean_environment, free_port
from embantest.published import Source, sources
from embantest.workspace import Organization, event, kpi
from playwright.sync_api import Browser, Error, Page

BIN = Path(sys.executable).parent
START_SECONDS = 120
CALLS = {"tenant-42": 23, "tenant-7": 9}


@pytest.fixture(scope="module")
def product(emban: EmbanProcess) -> Organization:
    """The customer of whom the guide speaks, another one, and a data app with the dashboard that it names."""
    organization = Organization(emban.url)
    for tenant, count in CALLS.items():
        organization.ingest(event(tenant) for _ in range(count))
    organization.create_dashboard([kpi("w_calls")], name="Revenue overview", slug="revenue-overview", publish=True)
    organization.admin.post("/v1/data-apps", {"name": "my-app", "dashboards": ["revenue-overview"]}).expect(201)
    return organization


@pytest.fixture(params=sources(), ids=lambda source: source.name)
def source(request: pytest.FixtureRequest) -> Source:
    return request.param


def text_of(source: Source, name: str, organization: Organization, **hosts: str) -> str:
    text = source.text_of(name)
    for host, url in {"https://api.usedatabrain.com": organization.base, "https://cdn.usedatabrain.com": organization.base, **hosts}.items():
        text = text.replace(host, url)
    return text


def environment(organization: Organization, folder: Path) -> dict[str, str]:
    return clean_environment({
        "DATABRAIN_API_BASE_URL": organization.base, "DATABRAIN_API_TOKEN": organization.key, "DATABRAIN_DATA_APP_NAME": "my-app",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"})


@contextmanager
def served(command: str, folder: Path, organization: Organization, path: str = "/") -> Iterator[str]:
    """Runs a server; `{port}` of the command is one of its own."""
    port, log = free_port(), folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command.format(port=port).split(), cwd=folder, env=environment(organization, folder), stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).close()
                break
            except urllib.error.HTTPError:
                break  # it answers
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def post(url: str, headers: Mapping[str, str], body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode() if body is not None else b"", method="POST",
        headers={**headers, **({"Content-Type": "application/json"} if body is not None else {})})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def calls_seen_with(token: str, organization: Organization) -> float:
    held = organization.admin.bearer(token)
    result = held.post("/v1/embed/query", {"widgets": ["w_calls"], "dashboard": "revenue-overview"}).expect(200)
    return result["results"]["w_calls"]["rows"][0]["value"]


# --- Back ends ------------------------------------------------------------------------------------------------------------


def test_fastapi(source: Source, product: Organization, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(text_of(source, "fastapi_main.py", product))
    with served("uvicorn main:app --port {port}", tmp_path, product) as url:
        assert post(f"{url}/api/guest-token", {}, {})[0] == 401
        # The guide's program takes the header's value from the address; ours takes it from the header.
        somebody = {"Authorization": "Bearer anybody"}
        status, body = post(f"{url}/api/guest-token?authorization=anybody", somebody, {})
        assert status == 200 and calls_seen_with(body["token"], product) == CALLS["tenant-42"]
        status, body = post(f"{url}/api/guest-token?authorization=anybody", somebody, {"permissions": {"isEnableDownloadMetrics": False}})
        assert status == 200
        exported = product.admin.bearer(body["token"]).get("/v1/embed/export", query={"format": "csv", "widget": "w_calls"})
        assert exported.status == 403


def test_flask(source: Source, product: Organization, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(text_of(source, "flask_app.py", product))
    with served("flask --app app run --port {port}", tmp_path, product) as url:
        assert post(f"{url}/api/guest-token", {})[0] == 401
        status, body = post(f"{url}/api/guest-token", {"Authorization": "Bearer anybody"})
        assert status == 200 and calls_seen_with(body["token"], product) == CALLS["tenant-42"]


def test_django(source: Source, product: Organization, tmp_path: Path) -> None:
    """The view with a user who has a `tenant_id`."""
    (tmp_path / "views.py").write_text(text_of(source, "django_views.py", product))
    (tmp_path / "call.py").write_text("""
import types
import django
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"])
django.setup()
import views
from django.test import RequestFactory

for tenant in ("tenant-42", "tenant-7"):
    request = RequestFactory().post("/api/guest-token")
    request.user = types.SimpleNamespace(is_authenticated=True, tenant_id=tenant)
    answer = views.guest_token(request)
    print(answer.status_code, answer.content.decode())
""")
    done = subprocess.run(
        [sys.executable, "call.py"], cwd=tmp_path, env=environment(product, tmp_path), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers = [line.split(" ", 1) for line in done.stdout.splitlines()]
    assert [status for status, _ in answers] == ["200", "200"]
    assert [calls_seen_with(json.loads(body)["token"], product) for _, body in answers] == [CALLS["tenant-42"], CALLS["tenant-7"]]


def test_a_refresh_from_airflow(source: Source, product: Organization, tmp_path: Path) -> None:
    """The task's function, called as Airflow would: its classes only hold it."""
    (tmp_path / "airflow_dag.py").write_text(text_of(source, "airflow_dag.py", product))
    (tmp_path / "run.py").write_text("""
import sys, types

class DAG:
    def __init__(self, *_, **__): pass
    def __enter__(self): return self
    def __exit__(self, *_): pass

class PythonOperator:
    def __init__(self, *, task_id, python_callable): self.python_callable = python_callable

modules = {"airflow": {"DAG": DAG}, "airflow.operators": {}, "airflow.operators.python": {"PythonOperator": PythonOperator}}
for name, members in modules.items():
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)
import airflow_dag

airflow_dag.refresh.python_callable()
""")
    done = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, env=environment(product, tmp_path), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


# --- Pages ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    contexts = []

    def make() -> Page:
        context = open_context(browser)
        context.set_default_timeout(60_000)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def show_calls(page: Page, calls: int) -> None:
    """Waits for a dashboard with this number of calls, in the page or a frame of it."""
    seen: object = None
    for _ in range(600):
        for frame in page.frames:
            try:
                if frame.locator('dbn-dashboard [data-widget="w_calls"] .kpi-value').count():
                    settled(frame, 1)
                    seen = kpi_number(frame, "w_calls")
                    if seen == calls:
                        return
            except Error as error:  # a frame that was replaced meanwhile
                seen = error
        page.wait_for_timeout(100)
    raise AssertionError(f"there is no dashboard with {calls} calls, but {seen} in {[frame.url for frame in page.frames]}")


def test_plain_html(
    source: Source, product: Organization, host_page: Callable[[], HostPage], open_page: Callable[[], Page],
) -> None:
    host = host_page()
    host.pages["/"] = text_of(source, "dashboard.html", product)
    page = open_page()

    def mint(route: Any) -> None:
        made = product.admin.post("/api/v2/guest-token/create", {"clientId": "tenant-42", "dataAppName": "my-app"}).expect(200)
        route.fulfill(json={"token": made["token"]})

    page.route("**/api/guest-token", mint)
    page.goto(host.url)
    show_calls(page, CALLS["tenant-42"])


def test_streamlit(source: Source, product: Organization, tmp_path: Path, open_page: Callable[[], Page]) -> None:
    """Its page asks the Flask back end of the same source for the token."""
    back_end, front_end = tmp_path / "back", tmp_path / "front"
    back_end.mkdir()
    front_end.mkdir()
    (back_end / "app.py").write_text(text_of(source, "flask_app.py", product))
    with served("flask --app app run --port {port}", back_end, product) as api:
        (front_end / "Analytics.py").write_text(text_of(source, "streamlit_analytics.py", product, **{"https://api.your-app.com": api}))
        (front_end / "signed_in.py").write_text(
            'import runpy\nimport streamlit as st\n\nst.session_state.access_token = "anybody"\nrunpy.run_path("Analytics.py")\n')
        command = ("streamlit run signed_in.py --server.port {port} --server.address 127.0.0.1 --server.headless true "
                   "--server.fileWatcherType none --browser.gatherUsageStats false")
        with served(command, front_end, product) as url:
            page = open_page()
            page.goto(url)
            show_calls(page, CALLS["tenant-42"])


def test_dash(source: Source, product: Organization, tmp_path: Path, open_page: Callable[[], Page]) -> None:
    """Its page with a route beside it that serves the element, the token from the address."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "dashboard.py").write_text(text_of(source, "dash_page.py", product))
    (tmp_path / "app.py").write_text(f"""
from dash import Dash, page_container
from flask import request

app = Dash(__name__, use_pages=True)
app.layout = page_container
server = app.server


@server.route("/embed/dashboard")
def embedded():
    return f'''<!DOCTYPE html>
      <script type="module" src="{product.base}/web-components/dbn-dashboard.js"></script>
      <dbn-dashboard token="{{request.args["token"]}}" dashboard-id="revenue-overview"></dbn-dashboard>'''
""")
    with served("flask --app app:server run --port {port}", tmp_path, product) as url:
        made = product.admin.post("/api/v2/guest-token/create", {"clientId": "tenant-7", "dataAppName": "my-app"}).expect(200)
        page = open_page()
        page.goto(f"{url}/dashboard?token={made['token']}")
        show_calls(page, CALLS["tenant-7"])
