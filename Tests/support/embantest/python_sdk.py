"""The Python package from its source, and programs of their own that use it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from embantest.process import ROOT, clean_environment

SOURCE = ROOT / "sdk" / "python" / "src"
sys.path.insert(0, str(SOURCE))

import emban as sdk  # noqa: E402  (from the source, not from what may be installed)

__all__ = ["SOURCE", "ended_well", "run", "sdk", "wait_until"]


def run(script: str, url: str, key: str, tenant: str, folder: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """A program of its own. It may use `key` and `tenant`, and must not complain."""
    text = f"import os\nfrom emban import *\nkey, tenant = os.environ['EMBAN_API_KEY'], os.environ['TENANT']\n{textwrap.dedent(script)}"
    path = folder / "program.py"
    path.write_text(text)
    return subprocess.run(
        # From 3.12 on Python warns of any fork beside a thread.
        [sys.executable, "-W", "ignore::DeprecationWarning", str(path)], capture_output=True, text=True, timeout=timeout, check=False,
        env=clean_environment({"PYTHONPATH": str(SOURCE), "EMBAN_URL": url, "EMBAN_API_KEY": key, "TENANT": tenant}))


def ended_well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0 and done.stderr == "", f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
