"""The faults, and plans of them: what happens to a running program, drawn from a seed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from embantest.faults_ledger import Ledger
from embantest.faults_rig import Program, Rig
from embantest.faults_senders import Senders, cut_many, drip

#: How many connections are cut in the middle of their requests at once.
CUT_CONNECTIONS = 64
DRIPPING_CLIENTS = 8


@dataclass
class Stage:
    """Where a fault happens."""

    rig: Rig
    ledger: Ledger
    senders: Senders
    #: Clients that go on while other faults strike; they end by themselves.
    clients: list[threading.Thread] = field(default_factory=list)
    #: Spools that were given a torn tail.
    torn: int = 0

    def program(self, chance: random.Random) -> Program:
        return chance.choice(self.rig.programs)


Fault = Callable[[Stage, random.Random], None]


def tear(stage: Stage, program: Program, chance: random.Random) -> None:
    """The last record of the spool is one that was never written to its end: every other time, when there is a spool."""
    share = chance.random()
    if chance.random() < 0.5 and stage.rig.tear(program, share * 0.99):
        stage.torn += 1


def kill_emban(stage: Stage, chance: random.Random) -> None:
    """kill -9 of emban; sometimes again in the middle of its start, when it repairs and replays."""
    program = stage.program(chance)
    program.strike()
    for _ in range(chance.choice([0, 0, 1, 2])):
        time.sleep(chance.uniform(0, 0.3))
        stage.rig.restart(program)
        time.sleep(chance.uniform(0, 2))
        program.strike()
    time.sleep(chance.choice([0, chance.uniform(0, 1.5)]))
    stage.rig.restart(program)


def kill_clickhouse(stage: Stage, chance: random.Random) -> None:
    """kill -9 of ClickHouse."""
    stage.rig.signal_store(signal.SIGKILL)
    time.sleep(chance.uniform(0, 1))
    stage.rig.revive_store()


def kill_in_insert(stage: Stage, chance: random.Random) -> None:
    """kill -9 of ClickHouse when it has noted that it has an insert and not yet put the rows in their place, some times in a row.

    Not for a ClickHouse of its own: who starts it again without emban takes the note for the truth.
    """
    for _ in range(chance.choice([1, 2, 3])):
        if not stage.rig.kill_store_in_insert(chance.randrange(12)):
            return
        time.sleep(chance.uniform(0, 1))


def clickhouse_away(stage: Stage, chance: random.Random) -> None:
    """kill -9 of ClickHouse as often as it comes back: some seconds without an event store, and perhaps a restart of emban meanwhile."""
    with stage.rig.store_away(chance.uniform(2, 5)):
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0.2, 1.5))
            program = stage.program(chance)
            program.strike()
            tear(stage, program, chance)
            stage.rig.restart(program)


def kill_both(stage: Stage, chance: random.Random) -> None:
    """kill -9 of emban and of ClickHouse, one right after the other."""
    program, pid, gap = stage.program(chance), stage.rig.store_pid(), chance.choice([0, chance.uniform(0, 0.05)])
    if chance.random() < 0.5:
        stage.rig.signal_store(signal.SIGKILL, pid)
        time.sleep(gap)
        program.strike()
    else:
        program.strike()
        time.sleep(gap)
        stage.rig.signal_store(signal.SIGKILL, pid)
    time.sleep(chance.uniform(0, 0.5))
    stage.rig.revive_store()
    stage.rig.restart(program)


def freeze_clickhouse(stage: Stage, chance: random.Random) -> None:
    """SIGSTOP of ClickHouse: it neither answers nor goes away."""
    with stage.rig.store_frozen():
        time.sleep(chance.choice([chance.uniform(0.3, 2), chance.uniform(7, 10)]))


def freeze_and_kill(stage: Stage, chance: random.Random) -> None:
    """SIGSTOP of ClickHouse, and kill -9 of emban, of ClickHouse or of both before it goes on."""
    victim = chance.choice(["emban", "clickhouse", "both"])
    program = stage.program(chance)
    with stage.rig.store_frozen() as pid:
        time.sleep(chance.uniform(0.5, 7))
        if victim != "clickhouse":
            program.strike()
            tear(stage, program, chance)
        if victim != "emban":
            stage.rig.signal_store(signal.SIGKILL, pid)
        time.sleep(chance.uniform(0, 0.5))
        stage.rig.restart(program)
        time.sleep(chance.uniform(0, 2))
    stage.rig.revive_store()


def freeze_emban(stage: Stage, chance: random.Random) -> None:
    """SIGSTOP of emban: its timers are late, its connections full."""
    program = stage.program(chance)
    program.strike(signal.SIGSTOP)
    time.sleep(chance.uniform(0.2, 3))
    program.strike(signal.SIGCONT)


def refusals(stage: Stage) -> int:
    """How many requests were told that the spool takes nothing."""
    return sum(count for answer, count in list(stage.ledger.answered.items()) if "spool_" in answer)


def refused_by_the_spool(stage: Stage, after: int, seconds: float = 30) -> None:
    """Waits until a sender has met the full disk: on a busy machine none may come by for a while."""
    deadline = time.monotonic() + seconds
    while refusals(stage) <= after and time.monotonic() < deadline:
        time.sleep(0.1)


def fill_disk(stage: Stage, chance: random.Random) -> None:
    """The disk of the spool full while ClickHouse is frozen; then room again, and then ClickHouse."""
    disk = stage.rig.disk
    assert disk is not None, "this rig has no disk to fill"
    before = refusals(stage)
    with stage.rig.store_frozen():
        # ClickHouse has to be missed before the spool is written at all.
        time.sleep(chance.uniform(5.5, 7))
        for leaving in [chance.choice([4_096, chance.randrange(200_000)]) for _ in range(chance.choice([0, 1, 2]))] + [0]:
            disk.fill(leaving)
            time.sleep(chance.uniform(0.5, 1.5))
            if leaving == 0:
                refused_by_the_spool(stage, after=before)
            if chance.random() < 0.3:
                program = stage.rig.programs[0]
                program.strike()
                stage.rig.restart(program)
                time.sleep(chance.uniform(0.5, 2))
            disk.empty()
            time.sleep(chance.uniform(0.2, 1))


def jump_clock(stage: Stage, chance: random.Random) -> None:
    """The time of day jumps, back or ahead, by seconds to days, and once more; sometimes emban is killed in that other time.

    Less than the seven days for which event ids are remembered: what is older is forgotten by right.
    """
    clock = stage.rig.clock
    assert clock is not None, "this rig has no clock to set"
    for _ in range(chance.choice([1, 2])):
        clock.set(chance.choice([-1, 1]) * chance.choice([chance.uniform(1, 90), 3_600 * chance.uniform(0.9, 30), 86_400 * chance.uniform(1, 3)]))
        time.sleep(chance.uniform(0.3, 2))
        if chance.random() < 0.4:
            program = stage.program(chance)
            program.strike()
            stage.rig.restart(program)
            time.sleep(chance.uniform(0.5, 2))
    clock.set(0)


def dripping_clients(stage: Stage, chance: random.Random) -> None:
    """Clients that send byte by byte, some to the end, some not; the other faults go on meanwhile."""
    for _ in range(DRIPPING_CLIENTS):
        client = threading.Thread(
            target=drip, daemon=True, args=(
                stage.ledger, chance.choice(stage.rig.urls), stage.rig.key, random.Random(chance.random()), chance.uniform(1, 6), chance.random() < 0.6))
        client.start()
        stage.clients.append(client)


def cut_connections(stage: Stage, chance: random.Random) -> None:
    """64 connections, each cut in the middle of its request."""
    cut_many(stage.ledger, chance.choice(stage.rig.urls), stage.rig.key, chance, CUT_CONNECTIONS)


def stop_in_order(stage: Stage, chance: random.Random) -> None:
    """SIGTERM, and a new start; sometimes while ClickHouse is away."""
    program = stage.program(chance)
    if chance.random() < 0.3:
        stage.rig.signal_store(signal.SIGKILL)
    stage.rig.stop_in_order(program)
    stage.rig.revive_store()
    time.sleep(chance.uniform(0, 0.5))
    stage.rig.restart(program)


ALL: dict[str, Fault] = {
    fault.__name__: fault for fault in (
        kill_emban, kill_clickhouse, kill_in_insert, clickhouse_away, kill_both, freeze_clickhouse, freeze_and_kill, freeze_emban, fill_disk, jump_clock,
        dripping_clients, cut_connections, stop_in_order)
}


# --- Broken on purpose: what the tally must find ------------------------------------------------------------------------------


def lose_spool(stage: Stage, chance: random.Random) -> None:
    """What no program can survive: its spool is deleted while acknowledged events lie in nothing else."""
    program = stage.rig.programs[0]
    with stage.rig.store_frozen():
        time.sleep(8)
        program.strike()
        segments = stage.rig.spool(program)
        assert segments, "there is no spool to lose"
        for path in segments:
            path.unlink()
    stage.rig.restart(program)


def send_twice(stage: Stage, chance: random.Random) -> None:
    """A sender that does what it must not: repeats what has no ids although it was acknowledged."""
    stage.senders.honest = False
    time.sleep(2)
    stage.senders.honest = True


SABOTAGE: dict[str, Fault] = {fault.__name__: fault for fault in (lose_spool, send_twice)}


@dataclass(frozen=True)
class Step:
    """One fault of a plan: which, how long after the one before, and where its own chances begin."""

    fault: str
    pause: float
    seed: int

    def __str__(self) -> str:
        return f"{self.fault} (after {self.pause:.2f} s, chances {self.seed})"

    def strike(self, stage: Stage) -> None:
        (ALL | SABOTAGE)[self.fault](stage, random.Random(self.seed))


def plan(seed: int, faults: list[str], rounds: int = 1) -> list[Step]:
    """Every fault once a round, in an order and after pauses that follow from the seed alone."""
    chance = random.Random(f"{seed} plan")
    steps = []
    for _ in range(rounds):
        order = list(faults)
        chance.shuffle(order)
        steps += [Step(fault, chance.choice([0, chance.uniform(0, 0.5), chance.uniform(0.5, 3)]), chance.randrange(1 << 32)) for fault in order]
    return steps
