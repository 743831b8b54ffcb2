"""Fixtures of the browser tests: Chromium once, an organisation with a dashboard of every kind, pages that are watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from embantest.browser import HostPage, chromium
from embantest.console import Console, Furnished, furnish
from embantest.node import Project
from embantest.process import ROOT, EmbanProcess
from embantest.stage import EVIL, FILTERS, WIDGETS, Stage, calls
from embantest.ways import Product
from embantest.workspace import Organization, event
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def published(emban: EmbanProcess) -> tuple[Organization, str]:
    organization = Organization(emban.url)
    organization.ingest(calls("acme", 5_000))
    organization.ingest(calls("globex", 1_700))
    organization.ingest([event("evil", string_props={"model": EVIL, "endpoint": EVIL, "status": EVIL}, numeric_props={"tokens": 1})])
    dashboard = organization.create_dashboard(WIDGETS, filters=FILTERS, name="API usage", publish=True)
    return organization, dashboard["id"]


@pytest.fixture
def stage(emban: EmbanProcess, published: tuple[Organization, str], browser: Browser) -> Iterator[Stage]:
    made = Stage(emban, published[0], published[1], browser)
    yield made
    for _, context in made.watched:
        context.close()
    for watch, _ in made.watched:
        watch.check()


@pytest.fixture
def host_page() -> Iterator[Callable[[], HostPage]]:
    """Makes host pages, each on an origin of its own."""
    made: list[HostPage] = []

    def make() -> HostPage:
        made.append(HostPage())
        return made[-1]

    yield make
    for page in made:
        page.close()


@pytest.fixture(scope="session")
def react_bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A product with React that shows dashboards in every way that React has."""
    project = Project(tmp_path_factory.mktemp("ways"), ("react", "react-dom", "scheduler"))
    project.write("app.jsx", (ROOT / "Tests/support/embantest/react_app.jsx").read_text())
    return project.bundle("app.jsx")


@pytest.fixture
def product(stage: Stage, host_page: Callable[[], HostPage], react_bundle: str) -> Product:
    return Product(stage, host_page, react_bundle)


@pytest.fixture
def console(emban: EmbanProcess, browser: Browser) -> Iterator[Console]:
    """Pages of Emban's own console; closed afterwards, with what they complained about."""
    made = Console(emban, browser)
    yield made
    made.close()


@pytest.fixture(scope="module")
def furnished(module_organization: Organization) -> Furnished:
    """An organisation in which there is something of everything."""
    return furnish(module_organization)
