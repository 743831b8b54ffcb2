"""The local calendar of a zone, a second time: from Python's zone data alone, in milliseconds since 1970."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, timedelta, timezone
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

GRANULARITIES = ["minute", "hour", "day", "week", "month"]
NAMED_DAYS = {"7d": 7, "30d": 30, "90d": 90}
MOST_BUCKETS = 2_000


def milliseconds(when: datetime) -> int:
    return (when - EPOCH) // timedelta(milliseconds=1)


def read(text: str) -> int:
    """The moment that an ISO 8601 text with a zone names."""
    return milliseconds(datetime.fromisoformat(text))


def write(moment: int) -> str:
    """As the API writes it: milliseconds only where there are any."""
    when = EPOCH + timedelta(milliseconds=moment)
    return when.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment % 1000:03d}" if moment % 1000 else "") + "Z"


def local(moment: int, zone: str) -> datetime:
    """What clock and calendar of a zone show, as a naive time."""
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def offset(moment: int, zone: str) -> timedelta:
    return (EPOCH + timedelta(milliseconds=moment)).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


@cache
def transitions(zone: str, first: date, last: date) -> tuple[int, ...]:
    """The moments between two days at which the clock of a zone is changed."""
    begin, end = milliseconds(datetime(first.year, first.month, first.day, tzinfo=UTC)), 0
    end = milliseconds(datetime(last.year, last.month, last.day, tzinfo=UTC))
    found = []
    for moment in range(begin, end, DAY):
        low, high = moment, moment + DAY
        before = offset(low, zone)
        if offset(high, zone) == before:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle, zone) == before else (low, middle)
        found.append(high)
    return tuple(found)


@lru_cache(100_000)
def start_of_day(day: date, zone: str) -> int:
    """The first moment at which the calendar of the zone shows a day, or a later one where the day was skipped."""
    noon = milliseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    low, high = noon - 16 * HOUR, noon + 26 * HOUR
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if local(middle, zone).date() >= day else (middle, high)
    return high


def same_clock(moment: int, day: date, zone: str) -> int:
    """The moment at which the clock shows on `day` what it shows at `moment`: the first of two, the end of the gap where it skips that time."""
    clock = local(moment, zone).time()
    wanted = datetime.combine(day, clock)
    found = milliseconds(wanted.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC))
    if local(found, zone) == wanted:
        return found
    low, high = found - 3 * HOUR, found
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if local(middle, zone) >= wanted else (middle, high)
    return high


def months_before(day: date, months: int) -> date:
    """The same day of an earlier month; the month's last day where it is shorter."""
    index = day.year * 12 + day.month - 1 - months
    for number in range(day.day, 0, -1):
        try:
            return date(index // 12, index % 12 + 1, number)
        except ValueError:
            continue
    raise AssertionError("a month has a first day")


def first_of(day: date, granularity: str) -> date:
    if granularity == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if granularity == "month" else day


def next_of(day: date, granularity: str) -> date:
    if granularity == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if granularity == "week" else 1)


@lru_cache(20_000)
def starts(first: int, end: int, granularity: str, zone: str) -> tuple[int, ...]:
    """The beginnings of all buckets that [first, end) touches."""
    if granularity == "minute":
        return tuple(range(first // MINUTE * MINUTE, end, MINUTE))
    found: list[int] = []
    day = first_of(local(first, zone).date(), granularity)
    while (begin := start_of_day(day, zone)) < end:
        following = next_of(day, granularity)
        until = start_of_day(following, zone)
        if granularity == "hour":
            found += [hour for hour in range(begin, until, HOUR) if hour + HOUR > first and min(hour + HOUR, until) > first and hour < end]
        elif until > begin:
            found.append(begin)
        day = following
    return tuple(found)


def bucket(moment: int, among: tuple[int, ...]) -> int:
    return among[bisect_right(among, moment) - 1]


def automatic(first: int, end: int, zone: str, period: object) -> str:
    """The width of buckets that nobody chose. Days are those of the calendar: three of them may have 73 hours."""
    if period == "12mo":
        return "month"
    days = (local(end, zone) - local(first, zone)) / timedelta(days=1)
    if end - first <= 2 * HOUR:
        return "minute"
    return "hour" if days <= 3 else "day" if days <= 92 else "week" if days <= 366 else "month"


def span(period: object, zone: str, now: int) -> tuple[int, int]:
    """The moments that a query's `period` means."""
    if isinstance(period, dict):
        first, end = (str(period[name]) for name in ("from", "to"))
        return (
            start_of_day(date.fromisoformat(first), zone) if len(first) == 10 else read(first),
            start_of_day(date.fromisoformat(end) + timedelta(days=1), zone) if len(end) == 10 else read(end))
    minute = (now // MINUTE + 1) * MINUTE
    today = local(now, zone).date()
    if period == "1h":
        return minute - HOUR, minute
    if period == "24h":
        hours = starts(now, now + 2 * HOUR, "hour", zone)
        return hours[1] - DAY, hours[1]
    if period == "12mo":
        return start_of_day(months_before(today.replace(day=1), 11), zone), start_of_day(next_of(today.replace(day=1), "month"), zone)
    tomorrow = today + timedelta(days=1)
    return start_of_day(tomorrow - timedelta(days=NAMED_DAYS[str(period)]), zone), start_of_day(tomorrow, zone)


def compared_span(compare: str, period: object, first: int, end: int, zone: str, now: int) -> tuple[int, int]:
    """The span before, cut where the other one reaches into the future."""
    until = max(first, min(end, (now // MINUTE + 1) * MINUTE))
    if compare == "previous_year" or period == "12mo":
        def earlier(moment: int) -> int:
            return same_clock(moment, months_before(local(moment, zone).date(), 12), zone)
    elif period in ("1h", "24h") or not all(start_of_day(local(edge, zone).date(), zone) == edge for edge in (first, end)):
        def earlier(moment: int) -> int:
            return moment - (end - first)
    else:
        days = local(end, zone).date() - local(first, zone).date()

        def earlier(moment: int) -> int:
            return same_clock(moment, local(moment, zone).date() - days, zone)
    return earlier(first), earlier(until)
