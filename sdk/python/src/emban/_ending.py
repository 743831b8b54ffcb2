"""The two moments at which a program's events are in danger: its end, and a fork."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from collections.abc import Callable
from typing import Protocol


class Forkable(Protocol):
    def _begin_in_child(self) -> None: ...


_forkable: weakref.WeakSet[Forkable] = weakref.WeakSet()


def follow_forks(holder: Forkable) -> None:
    """Has `_begin_in_child` called in the child of every fork."""
    _forkable.add(holder)


def _after_fork() -> None:
    for holder in list(_forkable):
        holder._begin_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def at_end(act: Callable[[], object]) -> None:
    """Has it called when the program ends."""
    atexit.register(act)


def not_at_end(act: Callable[[], object]) -> None:
    atexit.unregister(act)


def at_end_of_worker(act: Callable[[], object]) -> None:
    """For workers of multiprocessing, which end without `atexit`: what they run instead is registered in themselves only."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, act, exitpriority=100)
