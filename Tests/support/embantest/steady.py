"""Waits that make a test independent of the moment at which it runs and of how fast the machine is.

The program's "now" is the end of the minute under way, so that at the turn of a minute every question is another one: kept answers are
made anew, and ranges that end now move on. The same holds of longer periods at the turn of an hour and of a day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MINUTE, QUARTER, DAY = 60, 900, 86_400
#: How long something may take that takes moments on a machine with nothing else to do. Costs nothing when it comes early.
PATIENCE = 60.0


def _within(length: int, seconds: float) -> None:
    """Waits until the next stretch has begun when fewer than so many seconds of this one remain. The server has the clock of this machine."""
    assert seconds < length
    while (left := length - time.time() % length) < seconds:
        time.sleep(left + 0.05)


def within_a_minute(seconds: float) -> None:
    """What is asked during the next so many seconds is asked in one minute: the same question twice is the same question."""
    _within(MINUTE, seconds)


def within_a_day(seconds: float = 120) -> None:
    """No day of UTC ends meanwhile; and for a tenth of the seconds no hour, and no day of any zone, whose midnights are at quarters of hours."""
    _within(DAY, seconds)
    _within(QUARTER, seconds / 10)


def eventually(find: Callable[[], T], wanted: Callable[[T], bool] = bool, what: str = "", seconds: float = PATIENCE, pause: float = 0.05) -> T:
    """Asks again and again until the answer is as wanted, and gives it. `what` names it in the failure, beside the last answer."""
    deadline = time.monotonic() + seconds
    while not wanted(found := find()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what or wanted}; the last answer: {found!r}"
        time.sleep(pause)
    return found
