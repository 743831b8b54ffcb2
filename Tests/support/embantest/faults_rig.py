"""The program under faults: killed and started again by others, on a clock that jumps and a spool whose disk is small."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from embantest.event_store import EventStore
from embantest.process import ROOT, EmbanProcess
from embantest.workspace import Organization, pending

#: The spool's files (Sources/Ingest/Spool): what a segment begins with; of a record marker, length of its token and of its rows; its whole header.
SEGMENT = b"emban spool 1\r\n\0"
RECORD = struct.Struct("<4sIQ")
HEADER = 44
#: A start that finds a large spool, or a ClickHouse that repairs itself, on a busy machine.
RECOVERY_SECONDS = 300.0


def preloaded(name: str) -> Path:
    """A library for LD_PRELOAD, made of the C file of that name."""
    source = Path(__file__).with_name(f"{name}.c")
    made = ROOT / ".build" / "faults" / f"{name}-{hashlib.sha256(source.read_bytes()).hexdigest()[:16]}.so"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        unfinished = made.with_suffix(f".{os.getpid()}")
        subprocess.run([os.environ.get("CC") or "cc", "-shared", "-fPIC", "-O2", "-o", str(unfinished), str(source), "-ldl"], check=True)
        unfinished.rename(made)
    return made


class Clock:
    """A time of day of its own for the program and its ClickHouse, moved as an operator would set a machine's clock."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "clock"
        self.set(0)
        self.environment = {"LD_PRELOAD": str(preloaded("faults_clock")), "FAULT_CLOCK": str(self.file)}

    def set(self, seconds: float) -> None:
        """So many seconds ahead of the machine's clock."""
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(struct.pack("=q", int(seconds * 1e9)))


class SmallDisk:
    """A file system of its own for one folder, in memory and small, that only the programs under test see.

    It lives in a mount namespace that a process of ours holds open: it survives the program's death, and nothing of it survives us.
    """

    def __init__(self, folder: Path, mounted_at: Path, kilobytes: int) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        mounted_at.mkdir(parents=True, mode=0o700)
        mounted_at.parent.chmod(0o700)
        who = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        # The folder is one of the file system's, so that what fills it up from outside lies beside it and not in it.
        script = 'set -e; mount -t tmpfs -o "size=$1k,mode=700" tmpfs "$2"; mkdir -m 700 "$2/it"; mount --bind "$2/it" "$3"; echo mounted; exec cat'
        self.holder = subprocess.Popen(
            [*who, "sh", "-c", script, "sh", str(kilobytes), str(self.disk), str(mounted_at)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout is not None
        line = self.holder.stdout.readline()
        assert line == b"mounted\n", "a small file system cannot be mounted here: this needs root, or user namespaces (unshare --user --map-root-user)"
        space = f"/proc/{self.holder.pid}/ns"
        user = [] if os.geteuid() == 0 else [f"--user={space}/user", "--preserve-credentials"]
        #: In front of a command line that shall see it.
        self.prefix = ["nsenter", *user, f"--mount={space}/mnt", "--"]
        self._seen = Path(f"/proc/{self.holder.pid}/root") / self.disk.relative_to("/")

    @property
    def folder(self) -> Path:
        """The folder as we see it."""
        return self._seen / "it"

    @property
    def free(self) -> int:
        found = os.statvfs(self._seen)
        return found.f_bavail * found.f_frsize

    def fill(self, leaving: int) -> None:
        """Fills it up but for so many bytes."""
        # It may be full already, of events.
        with suppress(OSError), (self._seen / "ballast").open("ab") as file:
            file.write(b"\0" * max(self.free - leaving, 0))

    def empty(self) -> None:
        with suppress(FileNotFoundError):
            (self._seen / "ballast").unlink()

    def close(self) -> None:
        assert self.holder.stdin is not None
        self.holder.stdin.close()
        self.holder.wait(60)


class Program(EmbanProcess):
    """An emban that others kill, and that is started again."""

    def __init__(self, prefix: Sequence[str] = (), **options: Any) -> None:
        super().__init__(**options)
        self.prefix = list(prefix)
        #: It was ended from outside; otherwise an end is its own doing.
        self.struck = False

    def command_line(self) -> list[str]:
        return [*self.prefix, *super().command_line()]

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        self.struck = False
        super().launch()

    def strike(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is None or not self.runs:
            return
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.struck = True
            self.process.wait(60)


class Rig:
    """One event store, and one or two programs over it.

    With one program ClickHouse is its child; with two it is a server of its own, which they share. Faults go through the methods here.
    """

    def __init__(
        self, *, programs: int = 1, disk_kilobytes: int | None = None, environment: dict[str, str] | None = None, clock: bool = True,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="emban-faults-"))
        self.clock = Clock(self.folder) if clock else None
        #: While it exists, ClickHouse dies in the middle of an insert.
        self.deadly = self.folder / "parts"
        self.store: EventStore | None = None
        self.disk: SmallDisk | None = None
        self.programs: list[Program] = []
        self.problems: list[str] = []
        self.begin = time.monotonic()
        self._told = threading.Lock()
        faulty = dict(self.clock.environment) if self.clock else {}
        faulty |= {"LD_PRELOAD": ":".join(filter(None, [faulty.get("LD_PRELOAD"), str(preloaded("faults_parts"))])), "FAULT_PARTS": str(self.deadly)}
        settings = {"EMBAN_LOG_LEVEL": "info"} | faulty | (environment or {})
        try:
            if programs > 1:
                (self.folder / "store").mkdir()
                self.store = EventStore(self.folder / "store", faulty)
                self.store.__enter__()
                # What is removed twice at once, and by whom, they settle in the configuration that they share (docs/events.md).
                settings |= {"EMBAN_CLICKHOUSE_URL": self.store.address, "EMBAN_DATABASE_URL": f"sqlite://{self.folder}/emban.sqlite"}
            first = Program(environment=settings)
            self.programs.append(first)
            if disk_kilobytes is not None:
                self.disk = SmallDisk(self.folder, first.data_dir / "spool", disk_kilobytes)
                first.prefix = self.disk.prefix
            first.start()
            self.organization = Organization(first.url)
            self.key: str = self.organization.new_key("ingest")["key"]
            for _ in range(programs - 1):
                self.programs.append(self._another(first, settings))
        except BaseException:
            self.abandon()
            raise

    def _another(self, first: Program, settings: dict[str, str]) -> Program:
        """A program over the first one's configuration, so that it takes the same keys."""
        other = Program(environment=settings | {"EMBAN_SECRET_KEY": (first.data_dir / "secret.key").read_text().strip()})
        other.start()
        return other

    @property
    def urls(self) -> list[str]:
        return [program.url for program in self.programs]

    def tell(self, text: str) -> None:
        with self._told:
            print(f"{time.monotonic() - self.begin:7.2f} s  {text}", flush=True)

    # --- What faults do -------------------------------------------------------------------------------------------------

    def store_pid(self) -> int | None:
        """The ClickHouse server, wherever it belongs."""
        if self.store is not None:
            return self.store.process.pid if self.store.process.poll() is None else None
        return next(iter(self.programs[0].children()), None)

    def signal_store(self, number: signal.Signals, pid: int | None = None) -> int | None:
        """Returns the pid, for a later SIGCONT to the same process."""
        pid = pid or self.store_pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGKILL and self.store is not None:
            self.store.process.wait(60)
        return pid

    def kill_store_in_insert(self, parts: int, seconds: float = 20) -> bool:
        """kill -9 of ClickHouse between its note of an insert and the insert's part, after so many parts; whether one came along to die of."""
        unfinished = self.deadly.with_suffix(".new")
        unfinished.write_text(str(parts))
        unfinished.rename(self.deadly)
        deadline = time.monotonic() + seconds
        while self.deadly.exists():
            if time.monotonic() > deadline:
                self.deadly.unlink(missing_ok=True)
                return False
            time.sleep(0.01)
        return True

    def revive_store(self) -> None:
        """Starts a ClickHouse that has no parent to do so."""
        if self.store is not None and self.store.process.poll() is not None:
            self.store.__enter__()

    @contextmanager
    def store_frozen(self) -> Iterator[int | None]:
        pid = self.signal_store(signal.SIGSTOP)
        try:
            yield pid
        finally:
            if pid is not None:
                self.signal_store(signal.SIGCONT, pid)

    @contextmanager
    def store_away(self, seconds: float) -> Iterator[None]:
        """Refuses connections: killed as often as it comes back, for so long."""
        over = threading.Event()

        def work() -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end and not over.wait(0.05):
                self.signal_store(signal.SIGKILL)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(seconds + 30)
            over.set()
            self.revive_store()

    def spool(self, program: Program) -> list[Path]:
        """The segments of a program's spool, oldest first."""
        folder = self.disk.folder if self.disk is not None and program is self.programs[0] else program.data_dir / "spool"
        return sorted(path for path in folder.glob("*") if path.is_file() and path.open("rb").read(len(SEGMENT)) == SEGMENT)

    def tear(self, program: Program, share: float) -> bool:
        """Leaves at the end of the spool of an ended program what a write leaves that was cut off: the beginning of a record."""
        assert not program.runs
        for path in reversed(self.spool(program)):
            data = path.read_bytes()[len(SEGMENT):]
            if len(data) > RECORD.size:
                _, token, rows, *_ = RECORD.unpack_from(data)
                record = data[:HEADER + token + rows]
                # On a full disk less of it is written, or nothing, as of a real one.
                with suppress(OSError), path.open("ab", buffering=0) as file:
                    file.write(record[:max(int(len(record) * share), 1)])
                return True
        return False

    def restart(self, program: Program) -> None:
        """Starts a program that has ended, without waiting for it. Nobody but us may have ended it."""
        if program.runs:
            return
        assert program.process is not None
        if not program.struck:
            told = f"program {self.programs.index(program)} ended by itself with {program.process.returncode}"
            # What it says when its ClickHouse was killed three times before it served once: that is meant for an operator.
            if "does not start" in program.log[-3_000:]:
                self.tell(f"{told}, having given ClickHouse up")
            else:
                self.problems.append(f"{told}: {program.log[-1500:]}")
        program.launch()

    def stop_in_order(self, program: Program) -> None:
        """SIGTERM, as an operator stops it."""
        if program.runs:
            program.struck = True
            code = program.terminate(180)
            # Before the program has set up its handlers, the signal itself ends it.
            if code not in (0, -signal.SIGTERM):
                self.problems.append(f"SIGTERM ended a program with {code}: {program.log[-1500:]}")

    def look_after(self) -> None:
        """Between two faults: what has ended by itself is noted, and started again."""
        for program in self.programs:
            self.restart(program)
        self.revive_store()

    # --- Afterwards -----------------------------------------------------------------------------------------------------

    def recover(self) -> float:
        """Everything runs again, on the machine's own time and with room on its disk; returns how long that took."""
        begin = time.monotonic()
        if self.clock is not None:
            self.clock.set(0)
        if self.disk is not None:
            self.disk.empty()
        self.look_after()
        for program in self.programs:
            program.wait_ready(RECOVERY_SECONDS)
        return time.monotonic() - begin

    def wait_drained(self, seconds: float = RECOVERY_SECONDS) -> None:
        """Until nothing waits in a spool any more."""
        deadline = time.monotonic() + seconds
        while True:
            waiting = [pending(program.client) for program in self.programs]
            if not any(waiting):
                return
            assert time.monotonic() < deadline, f"after {seconds} s {waiting} events still wait in the spool; the log:\n{self.programs[0].log[-4000:]}"
            time.sleep(0.1)

    def wait_repaired(self, seconds: float = RECOVERY_SECONDS) -> None:
        """Until nothing is stored twice any more: what two programs stored at the same moment, one of them finds within a minute."""
        if self.store is None:
            return
        deadline = time.monotonic() + seconds
        doubled = "SELECT count() FROM (SELECT 1 FROM emban.events WHERE event_id != '' GROUP BY org_id, environment, tenant_id, event_id HAVING count() > 1)"
        while int(self.store.ask(doubled)[0][0]) and time.monotonic() < deadline:
            time.sleep(1)

    @contextmanager
    def tables(self) -> Iterator[EventStore]:
        """The tables without the program: it is stopped in order, and its ClickHouse's data opened by a server that nobody else asks."""
        for program in self.programs:
            self.stop_in_order(program)
            if self.store is None:
                program.wait_no_children()
        if self.store is not None:
            yield self.store
            return
        folder = self.folder / "tables"
        folder.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (folder / "data").symlink_to(self.programs[0].data_dir / "clickhouse" / "data")
        with EventStore(folder) as store:
            yield store

    def log(self) -> str:
        return "\n".join(f"--- program {number}\n{program.log}" for number, program in enumerate(self.programs))

    def abandon(self) -> None:
        """Ends and removes everything, whatever state it is in."""
        for program in self.programs:
            with suppress(ProcessLookupError):
                if program.runs:
                    program.strike(signal.SIGCONT)
            for pid in program.children():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            program.abandon()
        if self.store is not None and self.store.process.poll() is None:
            self.store.__exit__()
        if self.disk is not None:
            self.disk.close()
        if not os.environ.get("EMBAN_KEEP_TEST_DATA"):
            shutil.rmtree(self.folder, ignore_errors=True)

