"""What the figures were measured on, and the memory of the processes."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

from embantest.process import ROOT, binary

Json = dict[str, Any]


def description(clickhouse: str) -> Json:
    """Hardware, system and versions; nothing that names the machine."""
    return {
        "processor": processor(), "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": system(), "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "emban": output(str(binary()), "--version"), "build": binary().parent.name, "commit": commit(), "clickhouse": clickhouse,
        "python": platform.python_version(),
    }


def processor() -> str:
    information = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.*)", information.read_text()) if information.exists() else []
    return names[0] if names else platform.processor() or platform.machine()


def system() -> str:
    release = Path("/etc/os-release")
    names = re.findall(r'^PRETTY_NAME="?([^"\n]*)', release.read_text(), re.MULTILINE) if release.exists() else []
    return names[0] if names else platform.system()


def commit() -> str:
    revision = output("git", "rev-parse", "--short=12", "HEAD")
    changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", "Sources", "schema", "Package.swift")
    return revision + (" with changes" if changed else "")


def output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def resident(pid: int) -> tuple[int, int]:
    """Resident memory of a process, now and at most so far, in MiB; zeros where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0
    found = {name: int(size) for name, size in re.findall(r"^(VmRSS|VmHWM):\s+(\d+)", status, re.MULTILINE)}
    return round(found.get("VmRSS", 0) / 1024), round(found.get("VmHWM", 0) / 1024)


def cpu_seconds(pid: int) -> float:
    """Seconds that a process has used of all cores together; 0 where the system does not tell."""
    try:
        # Behind the name, which may hold anything: state, …, and as the 14th and 15th of all user and system ticks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class MemoryWatch:
    """The most resident memory of processes while something else goes on, looked at five times a second."""

    def __init__(self, pids: dict[str, int]) -> None:
        self.pids = pids
        self.most = dict.fromkeys(pids, 0)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self) -> None:
        while True:
            for name, pid in self.pids.items():
                self.most[name] = max(self.most[name], resident(pid)[0])
            if self.stop.wait(0.2):
                return

    def __enter__(self) -> MemoryWatch:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
