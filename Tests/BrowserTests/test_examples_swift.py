"""The Swift example: a back end of its own beside Emban, whose customers each see their own numbers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from embantest.browser import Watch, kpi_number, open_context, settled, shoot, shows
from embantest.client import Client
from embantest.process import START_SECONDS, EmbanProcess, binary, free_port
from embantest.workspace import Organization, event, kpi
from playwright.sync_api import Browser, Page, expect

COUNTS = {"acme": 12, "globex": 5}


@dataclass
class Example:
    url: str
    organization: Organization
    process: subprocess.Popen[bytes]
    log: Path


def program() -> Path:
    """Built with everything else: a target of the root package."""
    found = binary().parent / "EmbanExample"
    if not found.is_file():
        found = Path(__file__).resolve().parents[2] / ".build/debug/EmbanExample"
    assert found.is_file(), f"there is no {found}: run `swift build --product EmbanExample` first"
    return found


@pytest.fixture
def example(emban: EmbanProcess, tmp_path: Path) -> Iterator[Example]:
    organization = Organization(emban.url)
    for tenant, number in COUNTS.items():
        organization.ingest(event(tenant, event_id=f"{tenant}-{index}") for index in range(number))
    organization.create_dashboard([kpi("w_calls"), kpi("w_views", event_name="page.viewed")], slug="api-usage", publish=True)
    port = free_port()
    log = tmp_path / "example.log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("EMBAN_")}
    environment |= {"EMBAN_URL": emban.url, "EMBAN_API_KEY": organization.key, "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen([str(program())], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    made = Example(f"http://127.0.0.1:{port}", organization, process, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            try:
                if Client(made.url).get("/", timeout=5).status == 200:
                    break
            except OSError:
                time.sleep(0.05)
        yield made
    finally:
        process.kill()
        process.wait(30)


def sign_in(page: Page, example: Example, email: str, password: str) -> None:
    page.goto(example.url)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_each_customer_sees_its_own_numbers(emban: EmbanProcess, example: Example, browser: Browser) -> None:
    for tenant, email in {"acme": "ada@acme.example", "globex": "grace@globex.example"}.items():
        context = open_context(browser)
        watch = Watch({example.url, emban.url}, expected=re.compile("401"))
        page = context.new_page()
        watch.follow(page)
        sign_in(page, example, email, "wrong")
        expect(page.get_by_role("alert")).to_have_text("Address or password is wrong.")
        sign_in(page, example, email, f"{tenant}-demo")
        settled(page, 2)
        assert kpi_number(page, "w_calls") == COUNTS[tenant]
        # A session that is withdrawn is replaced by another without a reload.
        page.evaluate("window.isTheSamePage = true")
        with page.expect_response("**/analytics/token") as renewal:
            example.organization.admin.delete("/v1/embed-sessions", query={"tenant_id": tenant}).expect(204)
        assert renewal.value.status == 200 and renewal.value.headers["cache-control"] == "no-store"
        shows(page, "w_calls", COUNTS[tenant])
        assert page.evaluate("window.isTheSamePage")
        shoot(page, f"example-swift-{tenant}")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("E-mail")).to_be_visible()
        context.close()
        watch.check()


def test_tokens_are_for_those_who_are_signed_in(example: Example) -> None:
    assert Client(example.url).post("/analytics/token").status == 401
    forged = Client(example.url, {"Cookie": "session=forged"})
    assert forged.post("/analytics/token").status == 401
    assert "emban-dashboard" not in forged.get("/").text
    assert example.organization.key not in forged.get("/").text


def test_events_that_wait_are_sent_at_the_end(example: Example, browser: Browser) -> None:
    context = open_context(browser)
    page = context.new_page()
    sign_in(page, example, "ada@acme.example", "acme-demo")
    settled(page, 2)
    page.reload()
    settled(page, 2)
    context.close()
    example.process.terminate()
    assert example.process.wait(60) == 0, example.log.read_text()
    assert example.organization.count("acme", event_name="page.viewed") == 2
    assert example.organization.key not in example.log.read_text()
