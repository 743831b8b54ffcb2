"""Asks the server and the reckoner the same, and says where they differ."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from embantest.attacking import BUSY
from embantest.client import Response
from embantest.questions import Case
from embantest.reckoner import Question, Reckoner
from embantest.workspace import Organization

Json = dict[str, Any]


def now() -> int:
    return int(time.time() * 1_000)


def differences(reckoner: Reckoner, question: Question, result: Json, asked: int) -> list[str]:
    """What is wrong about an answer; a minute may have ended while it was made, so that the clock after it is right, too."""
    complaints = reckoner.complaints(question, result)
    if complaints and question.now // 60_000 != asked // 60_000:
        complaints = reckoner.complaints(replace(question, now=asked), result)
    return complaints


@dataclass
class Asked:
    organization: Organization
    reckoner: Reckoner

    def ask(self, case: Case) -> tuple[Case, int, Response]:
        body: Json = {"query": case.query, "kind": case.kind, "timezone": case.zone}
        if case.tenant is not None:
            body["tenant_id"] = case.tenant
        for _ in range(5):
            before, answer = now(), self.organization.admin.post("/v1/query", body)
            # A machine that is busy with something else says so; that is no wrong answer, and clients ask again.
            if answer.status != 503 or answer.json["code"] not in BUSY:
                break
            time.sleep(float(answer.header("Retry-After") or 1))
        return case, before, answer

    def compare(self, cases: Iterable[Case]) -> int:
        """Asks everything, several at a time, and fails with all that differs. Returns how many answers were compared."""
        asked, wrong = 0, []
        with ThreadPoolExecutor(4) as pool:
            for case, before, answer in pool.map(self.ask, cases):
                asked += 1
                if answer.status != 200:
                    wrong.append(report(case, [str(answer)]))
                    continue
                question = Question(case.query, case.kind, case.tenant, case.zone, before)
                if complaints := differences(self.reckoner, question, answer.json, now()):
                    wrong.append(report(case, complaints))
        assert not wrong, f"{len(wrong)} of {asked} answers differ\n" + "\n".join(wrong[:12])
        return asked


def report(case: Case, complaints: list[str]) -> str:
    return "\n    ".join([f"{case.kind} in {case.zone} of {case.tenant!r}: {json.dumps(case.query, ensure_ascii=False)}", *complaints[:4]])
