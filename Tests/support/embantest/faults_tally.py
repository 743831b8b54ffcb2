"""The tally: the book of what was sent against what is counted, by the API, by the events table and by the counts beside it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from embantest.event_store import EventStore
from embantest.faults_ledger import CHUNK, TENANTS, Event, Ledger
from embantest.workspace import Organization, columns, measure, value_of

Json = dict[str, Any]
#: Of each kind of deviation so many are named.
NAMED = 5


@dataclass
class Counted:
    """What is counted afterwards. Each member is read from another place."""

    #: Rows of the events table for each mark, with what else stands in them.
    rows: dict[str, list[Event]] = field(default_factory=dict)
    #: Rows of the table of event ids, by tenant and id.
    ids: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Events by (tenant, day, name): as the events table has them, and as tenant_days counts them.
    days: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    tenant_days: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    #: What the API answers: events in all and of each tenant, different marks, the sum of their numbers, and events of each request.
    api_count: float = 0
    api_tenants: dict[str, float] = field(default_factory=dict)
    api_marks: float = 0
    api_sum: float = 0
    api_requests: dict[str, float] = field(default_factory=dict)

    def ask_api(self, organization: Organization, chunks: int) -> None:
        self.api_count = organization.count()
        self.api_tenants = {tenant: organization.count(tenant) for tenant in TENANTS}
        self.api_marks = value_of(organization.query({"metric": "count_unique"}).expect(200))
        self.api_sum = value_of(organization.query({"metric": "sum", "numeric_prop": "n"}).expect(200)) or 0
        for chunk in range(chunks):
            query = {
                "metric": "count", "group_by": "request", "limit": 1_000, "filters": [{"dimension": "chunk", "op": "eq", "values": [f"c{chunk}"]}]}
            result = organization.query(query, kind="table").expect(200)
            names = columns(result, "dimension")
            for row in result["rows"]:
                self.api_requests[row[names[0]]] = row[measure(result)]

    def ask_tables(self, store: EventStore, organization: str) -> None:
        rows: defaultdict[str, list[Event]] = defaultdict(list)
        for mark, tenant, name, event_id, request, number in store.ask(
            "SELECT user_id, tenant_id, event_name, event_id, string_props.request::String, toInt64(numeric_props.n::Float64) "
            f"FROM emban.events WHERE org_id = '{organization}'"
        ):
            rows[mark].append(Event(mark, tenant, name, event_id, request, int(number)))
        self.rows = dict(rows)
        self.ids = Counter({(tenant, name): int(n) for tenant, name, n in store.ask(
            f"SELECT tenant_id, event_id, count() FROM emban.event_ids WHERE org_id = '{organization}' GROUP BY ALL")})
        self.days = Counter({(tenant, day, name): int(n) for tenant, day, name, n in store.ask(
            f"SELECT tenant_id, toDate32(timestamp) AS day, event_name, count() FROM emban.events WHERE org_id = '{organization}' GROUP BY ALL")})
        self.tenant_days = Counter({(tenant, day, name): int(n) for tenant, day, name, n in store.ask(
            "SELECT tenant_id, day, event_name, sum(n) AS total FROM emban.tenant_days "
            f"WHERE org_id = '{organization}' GROUP BY tenant_id, day, event_name HAVING total != 0")})


@dataclass
class Fate:
    """Of the events that were answered alike: how many, and how often each is counted."""

    sent: int = 0
    once: int = 0
    never: int = 0
    more: int = 0

    def add(self, count: int) -> None:
        self.sent += 1
        self.once += count == 1
        self.never += count == 0
        self.more += count > 1


class Tally:
    """Holds for everything that was sent, whatever happened: what was acknowledged is counted exactly once, anything else at most once."""

    def __init__(self, ledger: Ledger, counted: Counted) -> None:
        self.ledger = ledger
        self.counted = counted
        self.fates = {name: Fate() for name in ("acknowledged, with an id", "acknowledged, without", "not acknowledged", "cannot have been stored")}
        #: Events whose id has several rows in the table of ids.
        self.more_ids = 0
        #: What else went wrong in the run.
        self.others: list[str] = []
        self._deviations: defaultdict[str, list[str]] = defaultdict(list)
        self._check_events()
        self._check_days()
        self._check_api()
        for surprise in ledger.surprises:
            self._deviations["answers that nobody expected"].append(surprise)

    @property
    def problems(self) -> list[str]:
        """Empty when everything holds."""
        return [
            f"{len(found)} × {kind}: {'; '.join(found[:NAMED])}{' …' if len(found) > NAMED else ''}" for kind, found in self._deviations.items()
        ] + self.others

    def _check_events(self) -> None:
        known = set()
        for request, event in self.ledger.events():
            rows = self.counted.rows.get(event.mark, [])
            known.add(event.mark)
            count = len(rows)
            told = f"{event.mark}{' with an id' if event.event_id else ''} ({', '.join(code or 'no answer' for code in request.answers) or 'never sent whole'})"
            if request.acknowledged:
                self.fates["acknowledged, with an id" if event.event_id else "acknowledged, without"].add(count)
                if count == 0:
                    self._deviations["acknowledged and lost"].append(told)
            elif request.impossible:
                self.fates["cannot have been stored"].add(count)
                if count:
                    self._deviations["stored, though it was cut off or refused with the promise that nothing was"].append(told)
            else:
                self.fates["not acknowledged"].add(count)
            if count > 1:
                self._deviations["counted more than once"].append(f"{told} {count} times")
            for row in rows:
                if row != event:
                    self._deviations["stored otherwise than sent"].append(f"{event} is {row}")
            if event.event_id:
                ids = self.counted.ids[(event.tenant, event.event_id)]
                # A second row of an id changes no number; without one, the event would count again when it is sent again.
                self.more_ids += ids > 1
                if (ids > 0) != (count > 0):
                    self._deviations["ids that do not fit"].append(f"{told}: {count} events, {ids} ids")
        for mark in self.counted.rows.keys() - known:
            self._deviations["stored and never sent, or refused as invalid"].append(mark)

    def _check_days(self) -> None:
        for day in sorted(self.counted.days.keys() | self.counted.tenant_days.keys()):
            if self.counted.days[day] != self.counted.tenant_days[day]:
                self._deviations["days that tenant_days counts otherwise"].append(
                    f"{day}: {self.counted.days[day]} events, {self.counted.tenant_days[day]} counted")

    def _check_api(self) -> None:
        """The API's own numbers against what was sent, without a look at the tables."""
        for request in self.ledger.requests:
            number, size = self.counted.api_requests.get(request.name, 0), len(request.events)
            if request.acknowledged and number != size or number > size or request.impossible and number:
                self._deviations["requests that the API counts wrong"].append(f"{request.name} of {size} events ({request.answers}): {number}")
        acknowledged = sum(len(request.events) for request in self.ledger.requests if request.acknowledged)
        sent = sum(len(request.events) for request in self.ledger.requests)
        stored = sum(map(len, self.counted.rows.values()))
        total = sum(row.number for rows in self.counted.rows.values() for row in rows)
        numbers = {
            "events": (self.counted.api_count, stored), "events of all tenants": (sum(self.counted.api_tenants.values()), stored),
            "different marks": (self.counted.api_marks, len(self.counted.rows)), "sum of the numbers": (self.counted.api_sum, total),
            "events of all requests": (sum(self.counted.api_requests.values()), stored),
        }
        for name, (answered, expected) in numbers.items():
            if answered != expected:
                self._deviations["numbers of the API that differ from the table"].append(f"{name}: {answered}, and in the table {expected}")
        if not acknowledged <= self.counted.api_count <= sent:
            self._deviations["numbers of the API that differ from the table"].append(
                f"{self.counted.api_count} events are counted, {acknowledged} were acknowledged, {sent} sent")

    def __str__(self) -> str:
        stored = sum(map(len, self.counted.rows.values()))
        lines = [f"{'events':26}{'sent':>10}{'once':>10}{'never':>10}{'more':>10}"]
        lines += [f"{name:26}{fate.sent:10,}{fate.once:10,}{fate.never:10,}{fate.more:10,}" for name, fate in self.fates.items()]
        lines += [
            f"counted: events table {stored:,}, tenant_days {sum(self.counted.tenant_days.values()):,}, API {self.counted.api_count:,.0f}, "
            f"API by request {sum(self.counted.api_requests.values()):,.0f}, different marks {self.counted.api_marks:,.0f}, "
            f"ids {len(self.counted.ids):,}, more than once {self.more_ids:,}",
            f"requests: {len(self.ledger.requests):,}, sent again {self.ledger.resent:,}, on two connections at once {self.ledger.twins:,}",
            "attempts: " + ", ".join(f"{answer} {count:,}" for answer, count in self.ledger.answered.most_common()),
        ]
        problems = self.problems
        lines.append("WRONG:" if problems else "every acknowledged event is counted exactly once, every other at most once")
        return "\n".join(lines + problems)


def tally(ledger: Ledger, rig: Any) -> Tally:
    """Counts through the API of a recovered rig, then in its tables, which ends its programs."""
    counted = Counted()
    counted.ask_api(rig.organization, len(ledger.requests) // CHUNK + 1)
    with rig.tables() as store:
        counted.ask_tables(store, rig.organization.id)
    return Tally(ledger, counted)
