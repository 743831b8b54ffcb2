"""Emban as a process of its own: started as a user would start it, watched, stopped, and searched for leftovers."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from embantest.client import Client

ROOT = Path(__file__).resolve().parents[3]
#: How long a start or a stop may take on a busy machine with two cores; here they take one or two.
START_SECONDS = 180.0
STOP_SECONDS = 120.0


def binary() -> Path:
    """The program under test: EMBAN_BINARY, else the debug build, else the release build."""
    if given := os.environ.get("EMBAN_BINARY"):
        candidates = [Path(given).absolute()]
    else:
        candidates = [ROOT / ".build" / kind / "emban" for kind in ("debug", "release")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"there is no emban at {' or '.join(map(str, candidates))}: run `swift build --product emban` first")


def shared_data() -> Path:
    """The real data sets: EMBAN_SHARED_DATA, else `../shared/data` beside the repository. Missing data is a failure, never a skip."""
    folder = Path(os.environ.get("EMBAN_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no {folder}: set EMBAN_SHARED_DATA to the folder that holds llm-inference/")
    return folder


#: Ports from which the system chooses none for connections of its own: who starts on one, or again on it, finds it free.
PORTS = range(12_000, 32_000)


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without the developer's own EMBAN_ settings; only the place of ClickHouse is handed on."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EMBAN_") or k == "EMBAN_CLICKHOUSE_BIN"}
    environment.update(extra or {})
    return environment


def processes_naming(*texts: str) -> dict[int, str]:
    """Live processes (zombies left out) whose command line holds one of `texts`, apart from this one."""
    return {pid: command for pid, command in processes() if pid != os.getpid() and any(text in command for text in texts)}


def processes() -> Iterator[tuple[int, str]]:
    """Processes and their command lines, but for zombies."""
    if not Path("/proc/self/cmdline").exists():
        listing = subprocess.run(["ps", "-axww", "-o", "pid=,stat=,command="], capture_output=True, text=True, errors="replace", check=True).stdout
        for line in listing.splitlines():
            pid, state, command = (line.strip().split(None, 2) + ["", ""])[:3]
            if not state.startswith("Z"):
                yield int(pid), command
        return
    for name in os.listdir("/proc"):
        # One that ends just then is gone.
        with contextlib.suppress(OSError):
            if name.isdigit() and (words := Path("/proc", name, "cmdline").read_bytes()):
                yield int(name), words.replace(b"\0", b" ").decode(errors="replace")


class EmbanProcess:
    """One data directory with, mostly, one running program on it."""

    def __init__(
        self, *, command: str = "serve", arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="emban-test-"))
        self.data_dir = data_dir or self.folder / "data"
        self.log_path = self.folder / "emban.log"
        self.command = command
        self.arguments = list(arguments)
        # As long as any query may take: a machine that does everything at once is no fault of what is tested.
        self.environment = {"EMBAN_QUERY_SECONDS": "60", **(environment or {})}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> Client:
        return Client(self.url)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def command_line(self) -> list[str]:
        return [
            str(binary()), self.command, "--data-dir", str(self.data_dir), "--host", "127.0.0.1", "--port", str(self.port),
            *self.arguments,
        ]

    def launch(self) -> None:
        """Starts the program without waiting for it."""
        assert self.process is None or self.process.poll() is not None, "the program runs already"
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command_line(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder,
                env=clean_environment(self.environment))

    def start(self) -> EmbanProcess:
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self, seconds: float = START_SECONDS) -> float:
        """Waits for 200 from /readyz and says how long that took."""
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            if self.process is not None and (code := self.process.poll()) is not None:
                raise AssertionError(f"emban ended with exit code {code} before it was ready; its log:\n{self.log[-4000:]}")
            try:
                if self.client.get("/readyz", timeout=10).status == 200:
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"emban was not ready after {seconds} s; its log:\n{self.log[-4000:]}")

    def wait_store_restarted(self, killed: Iterable[int], seconds: float = START_SECONDS) -> None:
        """Waits until another ClickHouse than those `killed` serves: /readyz says 200 until the program has noticed their end."""
        gone, begin = set(killed), time.monotonic()
        while not self.children().keys() - gone:
            assert time.monotonic() - begin < seconds, f"no other ClickHouse after {seconds} s; the log:\n{self.log[-4000:]}"
            time.sleep(0.05)
        self.wait_ready(seconds)

    def terminate(self, seconds: float = STOP_SECONDS) -> int:
        """SIGTERM, then waits: returns the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """kill -9, as a power cut would look to the children."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def run(self, *arguments: str, timeout: float = 400, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs another command of the program in the same folder."""
        return subprocess.run(
            [str(binary()), *arguments], capture_output=True, text=True, timeout=timeout, cwd=self.folder,
            env=clean_environment({"EMBAN_QUERY_SECONDS": "60", **(environment or {})}))

    def children(self) -> dict[int, str]:
        """ClickHouse servers that belong to this data directory."""
        own = self.process.pid if self.process is not None else 0
        everything = processes_naming(str(self.data_dir), str(self.data_dir.resolve()))
        return {pid: line for pid, line in everything.items() if pid != own and "clickhouse" in line and " import " not in line}

    def wait_no_children(self, seconds: float = STOP_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while self.children() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not self.children(), f"ClickHouse outlived emban: {self.children()}"

    def close(self) -> None:
        """Stops the program and proves that it left nothing behind."""
        code = self.terminate() if self.process is not None else 0
        try:
            self.wait_no_children()
        finally:
            self._kill_children()
        assert code == 0, f"emban ended with exit code {code} after SIGTERM; its log:\n{self.log[-4000:]}"
        self.remove()

    def remove(self) -> None:
        """Deletes the folder; EMBAN_KEEP_TEST_DATA keeps it for a look."""
        if not os.environ.get("EMBAN_KEEP_TEST_DATA"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def abandon(self) -> None:
        """Cleans up after a test that failed or that ended the program itself. A failed test has shown the log already."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        self._kill_children()
        self.remove()

    def _kill_children(self) -> None:
        for pid in self.children():
            # One that ends just then needs no help.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> EmbanProcess:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def refused(server: EmbanProcess, *names: str, seconds: float = START_SECONDS) -> str:
    """The start is refused: exit code, and a short text that holds the names."""
    server.launch()
    assert server.process is not None
    code = server.process.wait(seconds)
    log = server.log
    assert code > 0 and "Fatal error" not in log, f"exit code {code}: {log[:600]}"
    assert all(name in log for name in names) and len(log) < 2_000, log[:600]
    return log
