"""The operator's way to a new password, beside a running server."""

from __future__ import annotations

import subprocess

from embantest.process import EmbanProcess, binary, clean_environment
from embantest.team import token_of


def reset_link(server: EmbanProcess, address: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(binary()), "users", "reset-link", address, "--data-dir", str(server.data_dir), "--public-url", server.url],
        capture_output=True, text=True, timeout=180, env=clean_environment())


def reset_token(server: EmbanProcess, address: str) -> str:
    done = reset_link(server, address)
    assert done.returncode == 0, done.stderr
    return token_of(done.stdout.strip(), "reset")
