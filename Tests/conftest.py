"""Fixtures of the tests from outside. One server serves most tests; each test takes an organisation of its own."""

from __future__ import annotations

import os
import queue
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from embantest import steady
from embantest.process import EmbanProcess
from embantest.workspace import Organization

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in what a shell starts in the background. Programs inherit it, and those under test are to end by it from their first moment.
    signal.signal(signal.SIGINT, signal.default_int_handler)

LOG = pytest.StashKey[tuple[EmbanProcess, int]]()
_running: list[EmbanProcess] = []


@pytest.fixture(autouse=True)
def one_day() -> None:
    """Tests store events relative to now and ask for them by the hour and by the day: none begins right before the turn of one."""
    steady.within_a_day()


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
        made = self.ready.get(timeout=180)
        if isinstance(made, BaseException):
            raise made
        return made

    def close(self) -> None:
        self.over.set()
        self.thread.join(60)


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


# --- What failed ----------------------------------------------------------------------------------------------------------

#: A request that was answered as wished: of those a log holds thousands.
ANSWERED = re.compile(r" info emban: method=.* status=[123]\d\d ")


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
            report.sections.append(("log of emban", shortened(process.log[begin if shared is process else 0:])))
    return report


def shortened(log: str) -> str:
    """The last lines, and before them those that tell more than that a request was answered."""
    lines = log.splitlines()
    return "\n".join([line for line in lines[:-8] if not ANSWERED.search(line)] + lines[-8:])[-4_000:]


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """After everything else: each test that failed, and why, in a few lines. Who sees only the end of the output sees all of it."""
    yield
    failed = terminalreporter.stats.get("failed", []) + terminalreporter.stats.get("error", [])
    if not failed or hasattr(terminalreporter.config, "workerinput"):
        return
    lines = [line for report in failed[:12] for line in told(report, 3 if len(failed) < 10 else 1)]
    if len(failed) > 12:
        lines.append(f"and {len(failed) - 12} more: {' '.join(report.nodeid.rpartition('/')[2] for report in failed[12:])[:1_500]}")
    if file := os.environ.get("EMBAN_TEST_FAILURES"):
        # The script that runs several sessions one after the other says it at its end.
        with Path(file).open("a") as notes:
            notes.write("\n".join(lines) + "\n")
    terminalreporter.section("what failed", sep="=")
    for line in lines:
        terminalreporter.write_line(line)


def told(report: pytest.TestReport, reasons: int) -> list[str]:
    """`FAILED test`, and the first lines of the complaint."""
    text = report.longreprtext.splitlines()
    complaint = [line[1:].strip() for line in text if line.startswith("E ")] or [line.strip() for line in text[-reasons:]]
    where = next((line for line in reversed(text) if re.match(r"\S+\.py:\d+: ", line)), "")
    kind = "FAILED" if report.when == "call" else f"ERROR in the {report.when} of"
    return [f"{kind} {report.nodeid}", *(f"    {line[:400]}" for line in [*complaint[:reasons], where] if line)]


# --- In which order -------------------------------------------------------------------------------------------------------


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        # Side by side the files with few tests go first, for those take longest: in the end nobody waits long for the other.
        sizes = Counter(item.path for item in items)
        # One of them takes minutes by itself.
        items.sort(key=lambda item: (item.path.name != "test_embed_matrix.py", sizes[item.path], str(item.path)))
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
