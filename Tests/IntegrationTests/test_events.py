"""POST /v1/events: what is taken, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from embantest.client import expect_error
from embantest.workspace import ALWAYS, Organization, event, groups, value_of

GOOD = event(event_id="e-1", timestamp="2026-04-14T10:00:00Z", string_props={"model": "gpt-4"}, numeric_props={"tokens": 150})


def ingest(organization: Organization, events: Any, **options: Any):
    return organization.admin.post("/v1/events", {"events": events}, **options)


# --- What is taken --------------------------------------------------------------------------------------------------------


def test_the_documented_example_is_stored_and_can_be_asked_for_at_once(organization: Organization) -> None:
    answer = ingest(organization, [{
        "tenant_id": "acme", "event_name": "api.call", "timestamp": "2026-04-14T10:00:00Z", "user_id": "user_42",
        "string_props": {"endpoint": "/chat", "model": "gpt-4", "status": "success"},
        "numeric_props": {"tokens": 150, "latency_ms": 230},
    }])
    assert answer.expect(200) == {"accepted": 1, "status": "ok"}
    result = organization.query({"metric": "sum", "numeric_prop": "tokens", "event_name": "api.call"}).expect(200)
    assert value_of(result) == 150
    by_endpoint = organization.query({"metric": "count", "group_by": "endpoint"}, kind="breakdown").expect(200)
    assert groups(by_endpoint) == {"/chat": 1}


def test_an_event_without_a_timestamp_gets_the_servers_time(organization: Organization) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=5)
    organization.ingest([event()])
    after = datetime.now(timezone.utc) + timedelta(seconds=5)
    assert organization.count(period={"from": before.isoformat(), "to": after.isoformat()}) == 1


@pytest.mark.parametrize("text", [
    "2026-04-14T10:00:00Z", "2026-04-14T10:00:00.000Z", "2026-04-14T12:00:00+02:00", "2026-04-14T04:30:00.000-05:30",
    "2026-04-14T10:00:00.000000001Z",
])
def test_timestamps_of_every_zone_mean_the_same_moment(organization: Organization, text: str) -> None:
    organization.ingest([event(timestamp=text)])
    moment = {"from": "2026-04-14T10:00:00Z", "to": "2026-04-14T10:00:01Z"}
    assert organization.count(period=moment) == 1


def test_a_thousand_events_are_one_batch(organization: Organization) -> None:
    assert ingest(organization, [event() for _ in range(1000)]).expect(200) == {"accepted": 1000, "status": "ok"}
    assert organization.count() == 1000


def test_gzip_and_ndjson(organization: Organization) -> None:
    packed = gzip.compress(json.dumps({"events": [event(), event()]}).encode())
    answer = organization.admin.post("/v1/events", raw=packed, headers={"Content-Encoding": "gzip"})
    assert answer.expect(200) == {"accepted": 2, "status": "ok"}
    lines = "\n".join(json.dumps(event()) for _ in range(3))
    for body in (lines, lines + "\n", lines.replace("\n", "\r\n") + "\r\n"):
        answer = organization.admin.post("/v1/events", raw=body, headers={"Content-Type": "application/x-ndjson"})
        assert answer.expect(200) == {"accepted": 3, "status": "ok"}
    both = organization.admin.post(
        "/v1/events", raw=gzip.compress(lines.encode()),
        headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
    assert both.expect(200)["accepted"] == 3
    assert organization.count() == 14


def test_names_and_values_come_back_as_they_were_sent(organization: Organization) -> None:
    odd = [
        "plain", "with space", "geo.country", "back`tick", "quo'te\"", "back\\slash", "per%20cent", "ünïcødé 字 🦆", "tab\tnewline\n",
        "{p0:String}",
    ]
    names = [text for text in odd if text.isprintable()]
    organization.ingest([
        event(string_props={name: value for name in names}, numeric_props={name: 2.5 for name in names}) for value in odd])
    for name in names:
        query = {"metric": "sum", "numeric_prop": name, "group_by": name, "limit": 50}
        found = groups(organization.query(query, kind="table").expect(200))
        assert found == {value: 2.5 for value in odd}, name


def test_a_name_cannot_pass_for_another(organization: Organization) -> None:
    """The store writes a dot in a name as %2E: a name that holds %2E must not become one with a dot."""
    organization.ingest([event(numeric_props={"a.b": 1})])
    answer = ingest(organization, [event(numeric_props={"a%2Eb": 10})])
    if answer.status != 200:
        expect_error(answer, 422)
    assert value_of(organization.query({"metric": "sum", "numeric_prop": "a.b"}).expect(200)) == 1


def test_numbers_keep_their_value(organization: Organization) -> None:
    numbers = [0, -1, 1.5, 9007199254740991, 1e300, -1e-300, 3, 3.0, 0.1]
    organization.ingest([event("t", str(index), numeric_props={"n": number}) for index, number in enumerate(numbers)])
    for index, number in enumerate(numbers):
        found = organization.query({"metric": "max", "numeric_prop": "n", "event_name": str(index)}).expect(200)
        assert value_of(found) == pytest.approx(number, rel=1e-15)
    organization.ingest([event("mixed", "m", numeric_props={"n": number}) for number in (1, 2.5, 3, 4.25)])
    found = organization.query({"metric": "sum", "numeric_prop": "n", "event_name": "m"}).expect(200)
    assert value_of(found) == 10.75


# --- Resends --------------------------------------------------------------------------------------------------------------


def test_a_resend_counts_once_for_the_same_tenant_only(organization: Organization) -> None:
    for _ in range(3):
        assert ingest(organization, [GOOD]).expect(200)["accepted"] == 1
    assert organization.count() == 1
    organization.ingest([GOOD | {"tenant_id": "globex"}])
    assert organization.count("acme") == 1 and organization.count("globex") == 1
    twice = [event(event_id="same", timestamp="2026-04-14T10:00:00Z") for _ in range(2)]
    assert ingest(organization, twice).status == 200
    assert organization.count("acme") == 2
    organization.ingest([event(), event()])
    assert organization.count("acme") == 4


def test_a_resend_with_another_timestamp_or_in_another_batch_counts_once(organization: Organization) -> None:
    organization.ingest([event(event_id="a", timestamp="2026-04-14T10:00:00Z"), event(event_id="b")])
    organization.ingest([event(event_id="c"), event(event_id="a", timestamp="2026-05-14T10:00:00Z")])
    assert organization.count() == 3


def test_concurrent_resends_count_once(organization: Organization) -> None:
    batches = [[event(event_id=f"{batch}-{n}") for n in range(50)] for batch in range(4)]
    statuses: list[int] = []

    def send(batch: list[dict[str, Any]]) -> None:
        statuses.append(ingest(organization, batch).status)

    threads = [threading.Thread(target=send, args=(batch,)) for batch in batches for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 24
    assert organization.count() == 200


def test_twenty_thousand_ids_at_once(organization: Organization) -> None:
    """Many requests become one insert: its look-up of known ids once grew beyond what the store takes for one statement."""
    batches = [[event(event_id=f"{batch:03}-{n:04}-{'x' * 40}") for n in range(1_000)] for batch in range(20)]
    for _ in range(2):
        with ThreadPoolExecutor(20) as pool:
            assert {answer.status for answer in pool.map(lambda batch: ingest(organization, batch), batches)} == {200}
        assert organization.count() == 20_000


def test_organisations_do_not_share_event_ids(organization: Organization, other_organization: Organization) -> None:
    organization.ingest([GOOD])
    other_organization.ingest([GOOD])
    assert organization.count() == 1 and other_organization.count() == 1


# --- Single events that are wrong -----------------------------------------------------------------------------------------

WRONG_EVENTS: list[tuple[str, Any, str]] = [
    ("no tenant", {"event_name": "x"}, "tenant_id"),
    ("no name", {"tenant_id": "acme"}, "event_name"),
    ("empty tenant", event(""), "tenant_id"),
    ("empty name", event(name=""), "event_name"),
    ("tenant null", {"tenant_id": None, "event_name": "x"}, "tenant_id"),
    ("tenant number", {"tenant_id": 5, "event_name": "x"}, "tenant_id"),
    ("tenant array", {"tenant_id": ["acme"], "event_name": "x"}, "tenant_id"),
    ("tenant object", {"tenant_id": {"eq": "acme"}, "event_name": "x"}, "tenant_id"),
    ("tenant too long", event("a" * 100_000), "tenant_id"),
    ("tenant with NUL", event("ac\0me"), "tenant_id"),
    ("name number", {"tenant_id": "acme", "event_name": 1}, "event_name"),
    ("name with NUL", event(name="api\0call"), "event_name"),
    ("timestamp without zone", event(timestamp="2026-04-14T10:00:00"), "timestamp"),
    ("timestamp without time", event(timestamp="2026-04-14"), "timestamp"),
    ("timestamp as words", event(timestamp="yesterday"), "timestamp"),
    ("timestamp empty", event(timestamp=""), "timestamp"),
    ("timestamp number", event(timestamp=1_776_160_800), "timestamp"),
    ("timestamp of no day", event(timestamp="2026-02-30T10:00:00Z"), "timestamp"),
    ("timestamp of no hour", event(timestamp="2026-02-20T25:00:00Z"), "timestamp"),
    ("timestamp far ahead", event(timestamp="9999-12-31T23:59:59Z"), "timestamp"),
    ("timestamp of the year 1", event(timestamp="0001-01-01T00:00:00Z"), "timestamp"),
    ("event_id number", event(event_id=5), "event_id"),
    ("event_id too long", event(event_id="x" * 10_000), "event_id"),
    ("user_id object", event(user_id={}), "user_id"),
    ("string_props array", event(string_props=["a"]), "string_props"),
    ("string_props text", event(string_props="a"), "string_props"),
    ("string prop number", event(string_props={"a": 1}), "string_props.a"),
    ("string prop null", event(string_props={"a": None}), "string_props.a"),
    ("string prop object", event(string_props={"a": {"b": "c"}}), "string_props.a"),
    ("string prop array", event(string_props={"a": ["b"]}), "string_props.a"),
    ("string prop bool", event(string_props={"a": True}), "string_props.a"),
    ("string prop without a name", event(string_props={"": "x"}), "string_props"),
    ("string prop with a control name", event(string_props={"a\u0000b": "x"}), "string_props"),
    ("string prop too long", event(string_props={"a": "x" * 1_000_000}), "string_props.a"),
    ("too many string props", event(string_props={f"k{n}": "v" for n in range(5_000)}), "string_props"),
    ("numeric_props array", event(numeric_props=[1]), "numeric_props"),
    ("numeric prop text", event(numeric_props={"a": "1"}), "numeric_props.a"),
    ("numeric prop null", event(numeric_props={"a": None}), "numeric_props.a"),
    ("numeric prop bool", event(numeric_props={"a": True}), "numeric_props.a"),
    ("numeric prop object", event(numeric_props={"a": {}}), "numeric_props.a"),
    ("unknown field", event(tenantId="acme"), "tenantId"),
    ("misspelt props", event(string_prop={}), "string_prop"),
    ("event is a text", "api.call", ""),
    ("event is a number", 1, ""),
    ("event is null", None, ""),
    ("event is an array", [], ""),
]


@pytest.mark.parametrize(("wrong", "field"), [w[1:] for w in WRONG_EVENTS], ids=[w[0] for w in WRONG_EVENTS])
def test_a_wrong_event_alone_is_422_and_names_the_field(module_organization: Organization, wrong: Any, field: str) -> None:
    before = module_organization.count()
    body = expect_error(ingest(module_organization, [wrong]), 422)
    assert any(detail["field"].startswith(f"events[0].{field}".rstrip(".")) for detail in body["details"]), body
    assert module_organization.count() == before


def test_valid_events_of_a_batch_are_kept_and_the_others_reported(organization: Organization) -> None:
    sent = [event()] + [wrong for _, wrong, _ in WRONG_EVENTS] + [event()]
    answer = ingest(organization, sent).expect(200)
    assert (answer["accepted"], answer["rejected"], answer["status"]) == (2, len(WRONG_EVENTS), "partial")
    assert set(answer) == {"accepted", "rejected", "status", "errors"}
    reported = {error["index"]: error for error in answer["errors"]}
    for index, (name, _, field) in enumerate(WRONG_EVENTS, start=1):
        assert set(reported[index]) >= {"index", "field", "code"}, name
        assert field in reported[index]["field"], (name, reported[index])
    assert organization.count() == 2


def test_all_invalid_is_422_and_lists_every_event(organization: Organization) -> None:
    body = expect_error(ingest(organization, [{"tenant_id": "a"}, {"event_name": "b"}]), 422)
    fields = {detail["field"] for detail in body["details"]}
    assert {"events[0].event_name", "events[1].tenant_id"} <= fields
    assert organization.count() == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_that_are_not_finite_are_refused(organization: Organization, number: str) -> None:
    raw = '{"events":[{"tenant_id":"acme","event_name":"x","numeric_props":{"a":%s}}]}' % number
    expect_error(organization.admin.post("/v1/events", raw=raw), {400, 422})
    assert organization.count() == 0


# --- Requests that are wrong as a whole -----------------------------------------------------------------------------------

ONE = '{"tenant_id":"acme","event_name":"x"}'
MALFORMED: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("blank", b"  \n"),
    ("cut off", b'{"events":[{"tenant_id":"acme"'),
    ("trailing comma", b'{"events":[' + ONE.encode() + b",]}"),
    ("single quotes", b"{'events':[]}"),
    ("comment", b'{"events":[' + ONE.encode() + b"]} // all"),
    ("two documents", b'{"events":[' + ONE.encode() + b"]}{}"),
    ("text behind", b'{"events":[' + ONE.encode() + b"]} x"),
    ("invalid UTF-8", b'{"events":[{"tenant_id":"ac\xff\xfeme","event_name":"x"}]}'),
    ("overlong UTF-8", b'{"events":[{"tenant_id":"\xc0\xaf","event_name":"x"}]}'),
    ("UTF-8 surrogate", b'{"events":[{"tenant_id":"\xed\xa0\x80","event_name":"x"}]}'),
    ("lone surrogate", b'{"events":[{"tenant_id":"\\ud800","event_name":"x"}]}'),
    ("raw control character", b'{"events":[{"tenant_id":"a\x01b","event_name":"x"}]}'),
    ("wrong escape", b'{"events":[{"tenant_id":"a\\x","event_name":"x"}]}'),
    ("leading zero", b'{"events":[{"tenant_id":"a","event_name":"x","numeric_props":{"a":01}}]}'),
    ("hexadecimal", b'{"events":[{"tenant_id":"a","event_name":"x","numeric_props":{"a":0x1}}]}'),
    ("deep arrays", b'{"events":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    ("deep objects", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    ("UTF-16", ('{"events":[' + ONE + "]}").encode("utf-16")),
    ("duplicate key", b'{"events":[],"events":[' + ONE.encode() + b"]}"),
    ("NUL behind", b'{"events":[' + ONE.encode() + b"]}\x00"),
]


@pytest.mark.parametrize("raw", [m[1] for m in MALFORMED], ids=[m[0] for m in MALFORMED])
def test_malformed_json_is_400(module_organization: Organization, raw: bytes) -> None:
    before = module_organization.count()
    expect_error(module_organization.admin.post("/v1/events", raw=raw), 400, "malformed_json")
    assert module_organization.count() == before


def test_a_duplicate_key_within_an_event_does_not_choose_silently(organization: Organization) -> None:
    raw = '{"events":[{"tenant_id":"acme","tenant_id":"globex","event_name":"x"}]}'
    expect_error(organization.admin.post("/v1/events", raw=raw), {400, 422})
    assert organization.count() == 0


@pytest.mark.parametrize("body", [
    [], [event()], "x", 5, None, True, {}, {"events": None}, {"events": {}}, {"events": "x"}, {"events": []}, {"event": [event()]},
    {"events": [event()], "dry_run": True},
], ids=json.dumps)
def test_well_formed_but_invalid_bodies_are_422(module_organization: Organization, body: Any) -> None:
    before = module_organization.count()
    raw = json.dumps(body)
    expect_error(module_organization.admin.post("/v1/events", raw=raw), 422)
    assert module_organization.count() == before


def test_more_than_a_thousand_events_are_refused_as_a_whole(organization: Organization) -> None:
    body = expect_error(ingest(organization, [event() for _ in range(1001)]), 422)
    assert any(detail["field"] == "events" for detail in body["details"]), body
    lines = "\n".join(json.dumps(event()) for _ in range(1001))
    expect_error(organization.admin.post("/v1/events", raw=lines, headers={"Content-Type": "application/x-ndjson"}), 422)
    assert organization.count() == 0


def test_a_ten_megabyte_string_is_413(organization: Organization) -> None:
    expect_error(ingest(organization, [event("a" * 10_000_000)]), 413, "payload_too_large")
    packed = gzip.compress(json.dumps({"events": [event("a" * 60_000_000)]}).encode())
    assert len(packed) < 200_000
    expect_error(organization.admin.post("/v1/events", raw=packed, headers={"Content-Encoding": "gzip"}), 413, "payload_too_large")
    assert organization.count() == 0


def test_broken_gzip_is_400(organization: Organization) -> None:
    good = gzip.compress(json.dumps({"events": [event()]}).encode())
    for raw in (b"not gzip", b"", good[:-9], good[:20] + b"\0\0\0\0" + good[24:]):
        expect_error(organization.admin.post("/v1/events", raw=raw, headers={"Content-Encoding": "gzip"}), 400)
    assert organization.count() == 0


@pytest.mark.parametrize("headers", [
    {"Content-Type": "text/plain"}, {"Content-Type": "text/csv"},
    {"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "application/xml"}, {"Content-Type": "application/jsonx"},
    {"Content-Encoding": "br"}, {"Content-Encoding": "zip"},
], ids=str)
def test_other_content_types_and_encodings_are_415(module_organization: Organization, headers: dict[str, str]) -> None:
    before = module_organization.count()
    raw = json.dumps({"events": [event()]})
    expect_error(module_organization.admin.post("/v1/events", raw=raw, headers=headers), 415)
    assert module_organization.count() == before


def test_ndjson_reports_lines_by_index(organization: Organization) -> None:
    raw = "\n".join([json.dumps(event()), '{"tenant_id":"acme"}', "", json.dumps(event())])
    answer = organization.admin.post("/v1/events", raw=raw, headers={"Content-Type": "application/x-ndjson"}).expect(200)
    assert (answer["accepted"], answer["rejected"], answer["status"]) == (2, 1, "partial")
    assert answer["errors"][0]["index"] == 1 and answer["errors"][0]["field"].endswith("event_name")
    blank = organization.admin.post("/v1/events", raw="\n\n", headers={"Content-Type": "application/x-ndjson"})
    expect_error(blank, {400, 422})
    assert organization.count() == 2


def test_the_server_lives_after_all_this(emban, organization: Organization) -> None:
    assert emban.process.poll() is None
    assert organization.admin.get("/readyz").status == 200
    organization.ingest([event()])
    assert organization.query({"metric": "count", "period": ALWAYS}).status == 200
