"""The examples of Python back ends, started as their READMEs say and used in a browser: each login sees its own customer's numbers."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from embantest.browser import HostPage, Watch, card, kpi_number, open_context, settled, shoot
from embantest.process import ROOT, EmbanProcess, clean_environment, free_port
from embantest.workspace import Organization, breakdown, event, kpi, timeseries
from playwright.sync_api import Browser, Error, Frame, Page, Response, expect

START_SECONDS = 120
ADA, GRACE = ("ada@acme.example", "analytical engine"), ("grace@globex.example", "nanoseconds of wire")
CALLS = {"acme": 41, "globex": 17}
#: Of the example that renews by the clock: the shortest that there is.
SESSION_SECONDS = "60"
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Example:
    """One folder of examples/ and how it is started; `{port}` is filled in."""

    name: str
    #: As in its README, which the test looks up, without what only a test needs.
    command: str
    #: Only for the test: a port of its own, no watching of files, nothing that asks questions.
    more: str = ""
    before: str = ""
    #: Where its API for the page is, for requests made by hand. Streamlit has none.
    token_route: str = ""

    @property
    def folder(self) -> Path:
        return ROOT / "examples" / self.name


EXAMPLES = [
    Example("fastapi", "uvicorn main:app", "--port {port}", token_route="/api/guest-token"),
    Example("django", "python manage.py runserver", "--noreload {port}", "python manage.py migrate", token_route="/api/guest-token"),
    Example("flask", "flask --app app run", "--port {port}", token_route="/api/guest-token"),
    Example("streamlit", "streamlit run app.py",
            "--server.port {port} --server.address 127.0.0.1 --server.headless true --server.fileWatcherType none --browser.gatherUsageStats false"),
    Example("dash", "python app.py", token_route="/api/embed-token"),
    Example("plain-html", "python server.py", token_route="/api/embed-url"),
]


def ago(hours: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(hours=hours)).isoformat()


WIDGETS = [
    kpi("w_calls") | {"title": "Calls", "position": {"x": 0, "y": 0, "w": 4, "h": 2}},
    timeseries("w_time") | {"title": "Calls by day", "position": {"x": 4, "y": 0, "w": 8, "h": 4}},
    breakdown("w_models", "model") | {"title": "Calls by model", "position": {"x": 0, "y": 2, "w": 4, "h": 2}},
]


@pytest.fixture(scope="module")
def product(emban: EmbanProcess) -> Organization:
    """Two customers with calls, and the published dashboard that the quickstart makes."""
    organization = Organization(emban.url)
    for tenant, count in CALLS.items():
        organization.ingest(
            event(tenant, string_props={"model": f"model of {tenant}"}, timestamp=ago(3 * number)) for number in range(count))
    period = {"id": "f_period", "type": "period", "default": "30d", "options": ["24h", "7d", "30d"]}
    organization.create_dashboard(WIDGETS, name="API usage", slug="api-usage", filters=[period], publish=True)
    return organization


class Running:
    """An example as a process of its own."""

    def __init__(self, example: Example, organization: Organization, folder: Path) -> None:
        self.example, self.port = example, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "example.log"
        environment = clean_environment({
            "EMBAN_URL": organization.base, "EMBAN_API_KEY": organization.key, "PORT": str(self.port), "HOME": str(folder),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "sdk" / "python" / "src"),
            "PYTHONDONTWRITEBYTECODE": "1", "DJANGO_DATABASE": str(folder / "db.sqlite3"), "EMBAN_SESSION_SECONDS": SESSION_SECONDS})
        if example.before:
            subprocess.run(
                example.before.split(), cwd=example.folder, env=environment, check=True, timeout=START_SECONDS, capture_output=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*example.command.split(), *example.more.format(port=self.port).split()], cwd=example.folder, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"{self.example.name} ended:\n{self.log.read_text()}"
            try:
                with urllib.request.urlopen(self.url + "/", timeout=10) as answer:
                    if answer.status == 200:
                        return
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
        raise AssertionError(f"{self.example.name} did not start:\n{self.log.read_text()}")

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)


@pytest.fixture(scope="module", params=EXAMPLES, ids=lambda example: example.name)
def running(request: pytest.FixtureRequest, product: Organization, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(request.param, product, tmp_path_factory.mktemp(request.param.name))
    try:
        made.wait()
        yield made
    finally:
        made.close()


@pytest.fixture
def open_page(browser: Browser, emban: EmbanProcess, running: Running) -> Iterator[Callable[[], Page]]:
    """Pages that may speak to the example and to Emban, and that must not complain."""
    made = []

    def make() -> Page:
        context = open_context(browser)
        context.set_default_timeout(60_000)
        page = context.new_page()
        watch = Watch({running.url, f"http://localhost:{emban.port}", emban.url})
        # The wrong password, a session that was ended; and what Streamlit's own page makes Chromium say of its frames.
        watch.expected = re.compile(r"status of 401 .*/(login$|v1/embed/)|session_revoked|Unrecognized feature|allow-scripts and allow-same-origin|preloaded using link preload")
        watch.follow(page)
        made.append((watch, context))
        return page

    yield make
    for watch, context in made:
        context.close()
        watch.origins |= {url.replace("http", "ws", 1) for url in watch.origins}
        watch.check()


def sign_in(page: Page, who: tuple[str, str]) -> None:
    page.get_by_label("E-mail").fill(who[0])
    page.get_by_label("Password", exact=True).fill(who[1])
    page.get_by_role("button", name="Sign in").click()


def shown(page: Page, calls: int) -> Frame:
    """Waits for a dashboard with this number of calls, and gives the frame that it is in: the page's own, or one in it."""
    seen: object = None
    for _ in range(600):
        for frame in page.frames:
            try:
                if frame.locator('[data-widget="w_calls"] .kpi-value').count():
                    settled(frame, len(WIDGETS))
                    seen = kpi_number(frame, "w_calls")
                    if seen == calls:
                        return frame
            except Error as error:  # a frame that was replaced meanwhile
                seen = error
        page.wait_for_timeout(100)
    raise AssertionError(f"there is no dashboard with {calls} calls, but {seen} in {[frame.url for frame in page.frames]}")


def test_each_login_sees_its_own_customer(running: Running, open_page: Callable[[], Page]) -> None:
    page = open_page()
    page.goto(running.url)
    sign_in(page, (ADA[0], "not the password"))
    expect(page.get_by_text("Address or password is wrong.")).to_be_visible()
    sign_in(page, ADA)
    expect(page.get_by_text(f"Signed in as {ADA[0]}")).to_be_visible()
    expect(card(shown(page, CALLS["acme"]), "w_models")).to_contain_text("model of acme", timeout=60_000)
    assert "globex" not in card(shown(page, CALLS["acme"]), "w_models").inner_text()
    assert not re.search(r"token=", " ".join(frame.url.split("#")[0] for frame in page.frames)), "a token stands in an address"
    shoot(page, f"example-{running.example.name}")
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, GRACE)
    expect(page.get_by_text(f"Signed in as {GRACE[0]}")).to_be_visible()
    models = card(shown(page, CALLS["globex"]), "w_models")
    expect(models).to_contain_text("model of globex", timeout=60_000)
    assert "acme" not in models.inner_text()


def sessions_of(product: Organization, tenant: str) -> set[str]:
    listed = product.admin.get("/v1/embed-sessions", query={"tenant_id": tenant, "limit": "200"}).expect(200)
    return {one["session_id"] for one in listed["data"]}


def tokens_in(frame: Frame) -> list[str]:
    """Of the web components; the page that the helper frames keeps its token to itself."""
    return frame.locator("dbn-dashboard").evaluate_all("all => all.map((element) => element.getAttribute('token'))")


def test_an_open_page_gets_a_new_session(running: Running, open_page: Callable[[], Page], product: Organization) -> None:
    """Nothing is loaded anew, and what the viewer has set stays. Streamlit's app renews by the clock; the others at once, as theirs is revoked."""
    page = open_page()
    page.goto(running.url)
    sign_in(page, ADA)
    frame = shown(page, CALLS["acme"])
    frame.get_by_role("radio", name="7 days").click()
    settled(frame, len(WIDGETS))
    frame.evaluate("window.loadedOnce = true")
    before, token = sessions_of(product, "acme"), tokens_in(frame)
    assert before
    if running.example.token_route:
        product.admin.delete("/v1/embed-sessions", query={"tenant_id": "acme"}).expect(204)
    deadline = time.monotonic() + 180
    while not sessions_of(product, "acme") - before:
        assert time.monotonic() < deadline, f"there was no new session:\n{running.log.read_text()}"
        page.wait_for_timeout(250)
    while token and tokens_in(frame) == token:
        assert time.monotonic() < deadline, f"the new token did not arrive:\n{running.log.read_text()}"
        page.wait_for_timeout(250)
    frame = shown(page, CALLS["acme"])
    assert frame.evaluate("window.loadedOnce"), "the page was loaded anew"
    expect(frame.get_by_role("radio", name="7 days")).to_be_checked(timeout=60_000)
    if not running.example.token_route:  # this one ends sessions at the sign-out, also those that have ended by themselves
        product.admin.delete("/v1/embed-sessions", query={"tenant_id": "acme"}).expect(204)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("E-mail")).to_be_visible(timeout=60_000)


def test_the_customer_is_not_taken_from_the_request(running: Running, open_page: Callable[[], Page], product: Organization) -> None:
    """Neither a parameter nor a member of the body changes whose data a token opens; without a login there is none."""
    if not running.example.token_route:
        sessions = product.admin.get("/v1/embed-sessions").expect(200)["data"]
        assert sessions and {one["tenant_id"] for one in sessions} <= set(CALLS)
        return
    page = open_page()
    route = f"{running.url}{running.example.token_route}"
    stranger = page.request.post(route, max_redirects=0)
    assert stranger.status in (302, 303, 401, 403), stranger.text()
    page.goto(running.url)
    sign_in(page, ADA)
    shown(page, CALLS["acme"])
    answer = page.evaluate("""async ([route, body]) => {
        const token = document.querySelector("form [name=csrfmiddlewaretoken]")?.value;
        const headers = { "Content-Type": "application/json", ...(token && { "X-CSRFToken": token }) };
        return (await fetch(route + "?clientId=globex&tenant_id=globex", { method: "POST", headers, body })).json();
      }""", [route, '{"clientId": "globex", "tenant_id": "globex", "tenantId": "globex"}'])
    token = answer.get("token") or re.search(r"token=([^&]+)", answer["embedUrl"])[1]
    held = product.admin.bearer(token)
    result = held.post("/v1/embed/query", {"widgets": ["w_calls"]}).expect(200)["results"]["w_calls"]
    assert result["rows"][0]["value"] == CALLS["acme"]
    assert product.key not in page.content()


def test_no_cache_keeps_what_carries_a_token(running: Running, open_page: Callable[[], Page]) -> None:
    """Nor the pages of whoever was signed in: after the sign-out the way back leads to the sign-in."""
    page = open_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer) if answer.url.startswith(running.url) else None)
    page.goto(running.url)
    sign_in(page, ADA)
    tokens = tokens_in(shown(page, CALLS["acme"]))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("E-mail")).to_be_visible()
    pages = {"/", "/login", "/logout", running.example.token_route}
    kept = []
    for answer in answers:
        try:
            carries = any(token in answer.text() for token in tokens)
        except Error:  # a redirect has no body
            carries = False
        is_page = running.example.token_route and urlsplit(answer.url).path in pages
        if (carries or is_page) and "no-store" not in answer.headers.get("cache-control", ""):
            kept.append(f"{answer.status} {answer.url}")
    assert not kept
    if running.example.token_route:
        assert {"/logout", running.example.token_route} <= {urlsplit(answer.url).path for answer in answers}
        page.go_back()
        expect(page.get_by_label("E-mail")).to_be_visible()


def test_the_readme_says_how_it_is_started(running: Running) -> None:
    text = (running.example.folder / "README.md").read_text()
    commands = re.search(r"```console\n(.*?)```", text, re.S)[1]
    assert running.example.command in commands
    assert running.example.before in commands
    requirements = running.example.folder / "requirements.txt"
    assert ("pip install -r requirements.txt" in commands) == requirements.exists()
    names = [re.split(r"[><=]", line)[0] for line in requirements.read_text().splitlines()] if requirements.exists() else []
    pinned = (ROOT / "scripts" / "requirements" / "examples.txt").read_text()
    assert not [name for name in names if name != "../../sdk/python" and f"\n{name}==" not in pinned]


def test_it_fits_a_phone(running: Running, open_page: Callable[[], Page]) -> None:
    page = open_page()
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(running.url)
    expect(page.get_by_label("E-mail")).to_be_visible()
    shoot(page, f"example-{running.example.name}-sign-in-360", full=False)
    sign_in(page, GRACE)
    frame = shown(page, CALLS["globex"])
    for place in {page.main_frame, frame}:
        assert place.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"it is scrolled sideways: {place.url}"
    shoot(page, f"example-{running.example.name}-360")


# --- The last step of a pipeline ------------------------------------------------------------------------------------------


def test_a_pipelines_last_step_shows_new_numbers(product: Organization, emban: EmbanProcess, browser: Browser, host_page: Callable[[], HostPage]) -> None:
    """Two customers look at their pages while one's events are loaded and the pipeline's last step runs."""
    counts = {"initech": 5, "hooli": 3}
    for tenant, count in counts.items():
        product.ingest(event(tenant, string_props={"model": f"model of {tenant}"}) for _ in range(count))
    product.create_dashboard(WIDGETS, name="Live usage", slug="live-usage", live=True, publish=True)
    host = host_page()
    pages: dict[str, Page] = {}
    contexts = []
    for tenant, count in counts.items():
        made = product.admin.post("/api/v2/guest-token/create", {"clientId": tenant, "dataAppName": "live-usage"}).expect(200)
        contexts.append(open_context(browser))
        contexts[-1].set_default_timeout(60_000)
        pages[tenant] = contexts[-1].new_page()
        pages[tenant].goto(host.serve(
            f'<dbn-dashboard token="{made["token"]}" dashboard-id="live-usage"></dbn-dashboard>',
            f'<script type="module" src="{product.base}/web-components/dbn-dashboard.js"></script>', f"/{tenant}"))
        shown(pages[tenant], count)
        expect(pages[tenant].get_by_role("button", name="Live", exact=True)).to_be_visible(timeout=60_000)
    asked: list[str] = []
    pages["initech"].on("request", lambda request: asked.append(request.url) if "/v1/embed/query" in request.url else None)
    deadline = time.monotonic() + 120
    while not asked:  # nothing is new, but it was asked for; once more where the page did not listen yet
        assert time.monotonic() < deadline, "the open page did not ask again"
        run_last_step(product, "--customer", "initech")
        pages["initech"].wait_for_timeout(1_000)
    product.ingest(event("initech", string_props={"model": "a new model"}) for _ in range(4))
    run_last_step(product)
    expect(card(shown(pages["initech"], 9), "w_models")).to_contain_text("a new model", timeout=60_000)
    assert "new" not in card(shown(pages["hooli"], 3), "w_models").inner_text()
    shoot(pages["initech"], "example-pipeline")
    for context in contexts:
        context.close()


def run_last_step(product: Organization, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "refresh.py", *arguments], cwd=ROOT / "examples" / "pipeline", capture_output=True, text=True, timeout=120, check=False,
        env=clean_environment({"EMBAN_URL": product.base, "EMBAN_API_KEY": product.key, "PYTHONDONTWRITEBYTECODE": "1"}))
    assert (done.returncode, done.stdout) == (0, "dashboards are made anew\n"), done.stderr
