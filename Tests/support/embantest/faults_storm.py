"""A storm: senders, faults one after the other, the calm afterwards, and the tally."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable

from embantest.faults import Stage, Step
from embantest.faults_ledger import Ledger
from embantest.faults_rig import Rig
from embantest.faults_senders import PATIENCE, Senders
from embantest.faults_tally import Tally, tally

#: After the last fault everything that may be repeated must be answered 200 within this time.
CALM_SECONDS = 150.0
#: Kilobytes of a spool's disk that some seconds of events can fill.
SMALL_DISK = 16 * 1_024
#: Settings by which the few events of a test are counted in advance, as those of large tenants are.
ROLLED_UP = {"EMBAN_ROLLUP_EVENTS": "1000", "EMBAN_ROLLUP_INTERVAL": "2", "EMBAN_ROLLUP_QUIET": "1"}


class Storm:
    """`run()` once; the rig is at its end then."""

    def __init__(self, rig: Rig, seed: int, steps: Iterable[Step], *, connections: int = 6, pause: float = 0.01, largest: int = 1_000) -> None:
        self.rig = rig
        self.steps = list(steps)
        self.ledger = Ledger(seed, largest)
        self.senders = Senders(self.ledger, rig.urls, rig.key, connections=connections, pause=pause)
        self.struck: Counter[str] = Counter()

    def run(self) -> Tally:
        self.rig.tell(f"seed {self.ledger.seed}, {len(self.rig.programs)} program(s), {len(self.steps)} faults")
        self.senders.start()
        stage = Stage(self.rig, self.ledger, self.senders)
        for step in self.steps:
            time.sleep(step.pause)
            self.rig.look_after()
            begin = time.monotonic()
            step.strike(stage)
            self.struck[step.fault] += 1
            self.rig.tell(f"{step}: {time.monotonic() - begin:.2f} s")
        recovered = self.rig.recover()
        self.rig.tell(f"calm: ready after {recovered:.2f} s; longest answer so far {self.ledger.slowest:.2f} s")
        self.senders.finish(CALM_SECONDS)
        self.rig.tell(f"senders have finished; longest answer {self.ledger.slowest:.2f} s")
        for client in stage.clients:
            client.join(PATIENCE)
        if self.senders.left:
            left = ", ".join(f"{request.name} {request.answers[-3:]}" for request in self.senders.left[:5])
            self.rig.problems.append(f"{len(self.senders.left)} requests were not answered 200 within {CALM_SECONDS} s of calm: {left}")
        begin = time.monotonic()
        self.rig.wait_drained()
        self.rig.tell(f"spool empty {time.monotonic() - begin:.2f} s after the last answer")
        begin = time.monotonic()
        self.rig.wait_repaired()
        self.rig.tell(f"nothing twice any more {time.monotonic() - begin:.2f} s later")
        made = tally(self.ledger, self.rig)
        made.others = self.rig.problems
        self.rig.tell(f"faults: {', '.join(f'{name} {count}' for name, count in sorted(self.struck.items()))}; torn tails {stage.torn}\n{made}")
        return made
