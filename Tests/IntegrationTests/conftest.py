"""Fixtures of the integration tests alone."""

from __future__ import annotations

import time

import pytest
from embantest.process import EmbanProcess
from embantest.workspace import Organization, Session, kpi


@pytest.fixture(scope="session", autouse=True)
def short_lived(emban: EmbanProcess) -> tuple[Session, float]:
    """A session of the shortest life, made at the start: at the end of the run it has expired without anybody waiting."""
    organization = Organization(emban.url)
    dashboard = organization.create_dashboard([kpi("w_calls")], publish=True)
    return organization.session("acme", dashboard["id"], expires_in=60), time.monotonic()
