"""Events through crashes, frozen processes, full disks, jumping clocks and broken connections: counted once when acknowledged, never twice.

The same in full size: `make chaos`.
"""

from __future__ import annotations

import copy
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace

import pytest
from embantest import faults
from embantest.faults_ledger import Ledger
from embantest.faults_rig import Rig
from embantest.faults_senders import cut_many, drip
from embantest.faults_storm import ROLLED_UP, SMALL_DISK, Storm
from embantest.faults_tally import Counted, Tally
from embantest.process import EmbanProcess
from embantest.workspace import Organization, event

pytestmark = pytest.mark.alone

#: Another one: EMBAN_FAULT_SEED.
SEED = int(os.environ.get("EMBAN_FAULT_SEED", "11"))


@pytest.fixture(scope="module")
def storm() -> Iterator[Tally]:
    """Every fault once, while eight connections send."""
    rig = Rig(disk_kilobytes=SMALL_DISK, environment=ROLLED_UP)
    try:
        yield Storm(rig, SEED, faults.plan(SEED, list(faults.ALL)), connections=8, pause=0.1).run()
    finally:
        rig.abandon()


def test_every_acknowledged_event_is_counted_exactly_once(storm: Tally) -> None:
    assert not storm.problems, str(storm)
    acknowledged = [storm.fates[name].sent for name in ("acknowledged, with an id", "acknowledged, without")]
    assert min(acknowledged) > 500 and storm.fates["not acknowledged"].sent > 0, "nothing was put to the test"
    assert storm.ledger.resent and storm.ledger.twins and storm.ledger.answered["cut off before its end"]
    assert any("spool_" in answer for answer in storm.ledger.answered), f"the disk was never full: {storm.ledger.answered}"


# What the tally must see. Each takes the mark of an acknowledged event, one without an id, and changes what was counted.


def lose_a_row(counted: Counted, mark: str) -> None:
    counted.rows[mark] = []


def double_a_row(counted: Counted, mark: str) -> None:
    counted.rows[mark] = counted.rows[mark] * 2


def change_a_row(counted: Counted, mark: str) -> None:
    counted.rows[mark] = [replace(row, number=row.number + 1) for row in counted.rows[mark]]


def store_what_was_never_sent(counted: Counted, mark: str) -> None:
    counted.rows["r0.invalid"] = [replace(counted.rows[mark][0], mark="r0.invalid")]


def count_a_day_twice(counted: Counted, mark: str) -> None:
    counted.tenant_days[next(iter(counted.tenant_days))] *= 2


def lose_an_id(counted: Counted, mark: str) -> None:
    del counted.ids[next(iter(counted.ids))]


def answer_one_too_few(counted: Counted, mark: str) -> None:
    counted.api_count -= 1


def answer_one_too_many_of_a_request(counted: Counted, mark: str) -> None:
    counted.api_requests[mark.partition(".")[0]] += 1


@pytest.mark.parametrize("doctoring", [
    lose_a_row, double_a_row, change_a_row, store_what_was_never_sent, count_a_day_twice, lose_an_id, answer_one_too_few,
    answer_one_too_many_of_a_request,
], ids=lambda doctoring: doctoring.__name__)
def test_the_tally_can_fail(storm: Tally, doctoring: Callable[[Counted, str], None]) -> None:
    before = set(storm.problems)
    mark = next(each.mark for request, each in storm.ledger.events() if request.acknowledged and not each.event_id)
    counted = replace(storm.counted, **{field.name: copy.copy(getattr(storm.counted, field.name)) for field in fields(Counted)})
    doctoring(counted, mark)
    assert set(Tally(storm.ledger, counted).problems) - before


def test_slow_and_broken_clients_hold_nobody_up(emban: EmbanProcess, module_organization: Organization) -> None:
    """Without other faults: 64 connections that send byte by byte, 64 that are cut, and meanwhile a sender as usual."""
    chance = random.Random(SEED)
    ledger = Ledger(SEED, largest=50)
    key = module_organization.new_key("ingest")["key"]
    clients = [
        threading.Thread(target=drip, args=(ledger, emban.url, key, random.Random(number), chance.uniform(1, 4), number % 4 > 0), daemon=True)
        for number in range(64)]
    for client in clients:
        client.start()
    longest = 0.0
    answered = 0
    for number in range(24):
        if number % 6 == 3:
            cut_many(ledger, emban.url, key, chance, 64)
        begin = time.monotonic()
        module_organization.ingest([event("bystander")], settled=False)
        longest = max(longest, time.monotonic() - begin)
        answered += 1
        time.sleep(0.05)
    for client in clients:
        client.join(150)
        assert not client.is_alive()
    print(f"longest answer beside 64 slow and {4 * 64} broken connections: {1_000 * longest:.0f} ms; {dict(ledger.answered)}")
    assert longest < 20
    assert not ledger.surprises
    assert ledger.answered["200"] == 48, f"the slow ones that came to their end were answered: {ledger.answered}"
    assert module_organization.count("bystander") == answered
    counted = Counted()
    counted.ask_api(module_organization, len(ledger.requests) // 500 + 1)
    for request in ledger.requests:
        number, size = counted.api_requests.get(request.name, 0), len(request.events)
        if request.acknowledged:
            assert number == size, f"{request.name} of {size}: {number}"
        elif request.impossible:
            assert number == 0, f"{request.name} was cut off: {number}"
        else:
            assert number <= size, f"{request.name} of {size}: {number}"
