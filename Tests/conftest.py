"""Fixtures of the tests from outside. One server serves most tests; each test takes an organisation of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest
from embantest.process import EmbanProcess
from embantest.workspace import Organization

LOG = pytest.StashKey[tuple[EmbanProcess, int]]()
_running: list[EmbanProcess] = []


@pytest.fixture(scope="session")
def emban() -> Iterator[EmbanProcess]:
    """The program of this pytest session. Its end is a test too: exit code 0 and no ClickHouse left."""
    # Attacks send thousands of requests with one token; test_session_limits.py has servers with the usual rate.
    process = EmbanProcess(environment={"EMBAN_SESSION_RATE": "0"})
    try:
        process.start()
    except BaseException:
        process.abandon()
        raise
    _running.append(process)
    yield process
    _running.remove(process)
    try:
        process.close()
    finally:
        process.abandon()


class Registrations:
    """Registering hashes a password, which is slow on purpose (most of a second in a debug build): it is done ahead, beside the tests."""

    AHEAD = 6

    def __init__(self, url: str) -> None:
        self.url = url
        self.ready: queue.Queue[Organization | BaseException] = queue.Queue(self.AHEAD)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        while not self.over.is_set():
            try:
                made: Organization | BaseException = Organization(self.url)
            except BaseException as error:  # handed to the test that takes it
                made = error
            while not self.over.is_set():
                try:
                    self.ready.put(made, timeout=0.2)
                    break
                except queue.Full:
                    pass

    def take(self) -> Organization:
        made = self.ready.get(timeout=60)
        if isinstance(made, BaseException):
            raise made
        return made

    def close(self) -> None:
        self.over.set()
        self.thread.join(30)


@pytest.fixture(scope="session")
def registrations(emban: EmbanProcess) -> Iterator[Registrations]:
    made = Registrations(emban.url)
    yield made
    made.close()


@pytest.fixture
def organization(registrations: Registrations) -> Organization:
    """An organisation in which nothing has happened yet."""
    return registrations.take()


@pytest.fixture(scope="module")
def module_organization(registrations: Registrations) -> Organization:
    """For tests that only read, or that do not mind what others of their module have stored."""
    return registrations.take()


@pytest.fixture
def other_organization(registrations: Registrations) -> Organization:
    return registrations.take()


@pytest.fixture
def own_server() -> Iterator[Callable[..., EmbanProcess]]:
    """Makes servers that belong to one test; whatever the test leaves running is ended."""
    made: list[EmbanProcess] = []

    def make(**options: object) -> EmbanProcess:
        made.append(EmbanProcess(**options))  # type: ignore[arg-type]
        _running.append(made[-1])
        return made[-1]

    yield make
    for process in made:
        _running.remove(process)
        process.abandon()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if _running:
        item.stash[LOG] = (_running[0], len(_running[0].log))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        for process in _running:
            shared, begin = item.stash.get(LOG, (process, 0))
            report.sections.append(("log of emban", process.log[begin if shared is process else 0:][-6000:]))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
