"""Filters whose values the session's context tells: resolved by the server, on every route, and closed where the context does not tell."""

from __future__ import annotations

import json
from typing import Any

import pytest
from embantest.client import expect_error
from embantest.guests import guest
from embantest.workspace import ALWAYS, Organization, Session, breakdown, event, groups, kpi

Json = dict[str, Any]
USERS = {"ada": 3, "bob": 5, "eve": 7}


def mine(op: str = "eq", *values: str) -> list[Json]:
    return [{"dimension": "owner", "op": op, "values": list(values or ("{{context.userId}}",))}]


@pytest.fixture(scope="module")
def house(module_organization: Organization) -> tuple[Organization, str, str]:
    """One dashboard whose widgets are soft each for itself, and one that is as a whole."""
    organization = module_organization
    organization.ingest(
        event(tenant, user_id=owner, string_props={"owner": owner, "model": f"{owner}-model", "region": region})
        for tenant in ("acme", "globex") for owner, count in USERS.items() for region in ("eu", "us") for _ in range(count))
    organization.ingest([event("acme", string_props={"model": "nobody-model", "region": "eu"})])
    widgets = [
        kpi("w_mine", filters=mine()), kpi("w_not_mine", filters=mine("neq")), breakdown("w_models", filters=mine("in")),
        kpi("w_contains", filters=mine("contains")), kpi("w_others", filters=mine("not_in")),
        kpi("w_either", filters=mine("in", "{{context.userId}}", "eve")), kpi("w_regions", filters=[
            {"dimension": "owner", "values": ["{{ context.userId }}"]}, {"dimension": "region", "op": "in", "values": ["{{context.regions}}"]}]),
    ]
    soft = organization.create_dashboard(widgets, slug="soft", publish=True)["id"]
    fixed = organization.create_dashboard(
        [kpi("w_calls"), breakdown("w_models"), breakdown("w_owners", "owner")], slug="fixed", publish=True, filters=[
            {"id": "f_owner", "type": "select", "dimension": "owner", "value": "{{context.userId}}"},
            {"id": "f_model", "type": "select", "dimension": "model"}])["id"]
    return organization, soft, fixed


def session(house: tuple[Organization, str, str], context: Json | None = None, which: int = 1, tenant: str = "acme", **permissions: Any) -> Session:
    more: Json = {} if context is None else {"context": context}
    return house[0].session(tenant, str(house[which]), permissions, **more)


def numbers(viewer: Session) -> Json:
    return {name: result["rows"][0]["value"] for name, result in viewer.results().items() if name not in ("w_models", "w_owners")}


def test_each_user_sees_what_is_theirs(house: tuple[Organization, str, str]) -> None:
    total = 2 * sum(USERS.values()) + 1
    for user, count in USERS.items():
        viewer = session(house, {"userId": user, "regions": ["eu"]})
        assert numbers(viewer) == {
            "w_mine": 2 * count, "w_not_mine": total - 2 * count, "w_contains": 2 * count, "w_others": total - 2 * count,
            "w_either": 2 * (count + (USERS["eve"] if user != "eve" else 0)), "w_regions": count}
        assert groups(viewer.result("w_models")) == {f"{user}-model": 2 * count}
        # Of somebody else there is nothing, on no way.
        for other in USERS.keys() - {user}:
            assert viewer.drill("w_models", "model", f"{other}-model").expect(200)["rows"] == []
            assert groups(viewer.result("w_models", {"dimensions": {"model": [f"{other}-model"]}})) == {}
        assert len(viewer.drill("w_models", "model", f"{user}-model").expect(200)["rows"]) == 2 * count
        assert [line.split(",")[0] for line in viewer.export("w_models").text.splitlines()[1:]] == [f"{user}-model"]
    assert numbers(session(house, {"userId": "ada", "regions": ["eu", "us"]}))["w_regions"] == 2 * USERS["ada"]
    assert numbers(session(house, {"userId": "ada", "regions": "us"}))["w_regions"] == USERS["ada"]


def test_a_guest_brings_params(house: tuple[Organization, str, str]) -> None:
    viewer = guest(house[0], "acme", "soft", params={"userId": "bob", "regions": ["us"], "role": "analyst"})
    assert numbers(viewer)["w_mine"] == 2 * USERS["bob"] and numbers(viewer)["w_regions"] == USERS["bob"]
    assert numbers(guest(house[0], "acme", "soft"))["w_mine"] == 0


WRONG: list[Any] = [None, "", True, False, 1.5, {}, {"userId": "ada"}, [], [""], [None], ["ada", 1.5], [["ada"]], "x" * 5000, 1e300]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: json.dumps(value)[:20])
def test_what_is_not_told_or_of_another_type_shows_nothing(house: tuple[Organization, str, str], value: Any) -> None:
    if value in ("x" * 5000, 1.5, 1e300):
        # As a user's name it is refused; under another name it is only no value.
        expect_error(house[0].admin.post(
            "/v1/embed-sessions", {"tenant_id": "acme", "dashboard_id": "soft", "context": {"userId": value}}), 422)
        assert numbers(session(house, {"regions": value}))["w_regions"] == 0
        return
    viewer = session(house, {"userId": value, "regions": value})
    assert set(numbers(viewer).values()) == {0}, "also what excludes a value, and what holds any"
    assert groups(viewer.result("w_models")) == {}
    assert viewer.drill("w_models", "model", "ada-model").expect(200)["rows"] == []
    assert session(house, {"userId": value}, 2).value("w_calls") == 0
    assert groups(session(house, {"userId": value}, 2).result("w_models")) == {}


@pytest.mark.parametrize("context", [None, {}, {"UserId": "ada"}, {"userid": "ada"}, {"context": {"userId": "ada"}}, {"role": "ada"}])
def test_without_the_member_nothing_is_shown(house: tuple[Organization, str, str], context: Json | None) -> None:
    assert set(numbers(session(house, context)).values()) == {0}
    assert session(house, context, 2).value("w_calls") == 0
    assert session(house, context, 2).filter_values("model").expect(200)["values"] == []
    assert session(house, context).filter_values("model").expect(200)["values"] == []


def test_one_missing_value_of_several_shows_nothing(house: tuple[Organization, str, str]) -> None:
    viewer = session(house, {"regions": ["eu"]})
    assert numbers(viewer)["w_either"] == 0 and numbers(viewer)["w_regions"] == 0
    assert numbers(session(house, {"userId": "ada"}))["w_regions"] == 0
    # Several values where one is expected.
    assert numbers(session(house, {"userId": ["ada", "bob"], "regions": ["eu"]})) == {
        "w_mine": 0, "w_not_mine": 0, "w_contains": 0, "w_others": 2 * USERS["eve"] + 1, "w_either": 2 * sum(USERS.values()),
        "w_regions": USERS["ada"] + USERS["bob"]}


def test_a_whole_number_is_its_digits(organization: Organization) -> None:
    organization.ingest([event("acme", string_props={"owner": "42"}), event("acme", string_props={"owner": "43"})])
    dashboard = organization.create_dashboard([kpi("w_mine", filters=mine())], publish=True)["id"]
    assert organization.session("acme", dashboard, context={"userId": 42}).value("w_mine") == 1


def test_a_filter_of_the_dashboard_holds_everywhere(house: tuple[Organization, str, str]) -> None:
    viewer = session(house, {"userId": "ada"}, 2)
    assert viewer.value("w_calls") == 2 * USERS["ada"]
    assert groups(viewer.result("w_owners")) == {"ada": 2 * USERS["ada"]}
    assert [one["value"] for one in viewer.filter_values("model").expect(200)["values"]] == ["ada-model"]
    assert viewer.drill("w_models", "model", "bob-model").expect(200)["rows"] == []
    shown = viewer.dashboard()
    assert [one["id"] for one in shown["filters"]] == ["f_model"], "it is no control"
    assert shown["permissions"]["locked_dimensions"] == ["owner"]
    for state in ({"dimensions": {"owner": ["bob"]}}, {"dimensions": {"owner": ["ada", "bob"]}}, {"dimensions": {"owner": ["{{context.userId}}"]}}):
        for answer in (viewer.query(state), viewer.export("w_models", state), viewer.drill("w_models", "model", "ada-model", state)):
            expect_error(answer, 403, "filter_locked")
    # What the session says cannot take it away.
    for permissions in (
        {"allowed_dimensions": ["model"]}, {"allowed_dimensions": []}, {"locked_filters": {"owner": ["ada", "bob", "eve"]}},
        {"locked_filters": {"model": ["ada-model", "bob-model"]}},
    ):
        assert session(house, {"userId": "ada"}, 2, **permissions).value("w_calls") == 2 * USERS["ada"], permissions
    assert session(house, {"userId": "ada"}, 2, locked_filters={"owner": "bob"}).value("w_calls") == 0
    assert session(house, {"userId": "ada"}, 2, "globex").value("w_calls") == 2 * USERS["ada"]


def test_lists_of_values_do_not_tell_of_others(house: tuple[Organization, str, str]) -> None:
    organization = house[0]
    dashboard = organization.create_dashboard([breakdown("w_models", filters=mine())], publish=True)["id"]
    viewer = organization.session("acme", dashboard, context={"userId": "ada"})
    assert viewer.filter_values("model").expect(200)["values"] == [{"value": "ada-model", "count": 2 * USERS["ada"]}]


def test_own_widgets_are_bound_as_well(house: tuple[Organization, str, str]) -> None:
    organization = house[0]
    dashboard = organization.create_dashboard([breakdown("w_models", filters=mine())], publish=True)["id"]
    body = {"kind": "breakdown", "query": {"event_name": "api.call", "metric": "count", "group_by": "model", "period": "30d"}}
    for which in (dashboard, house[2]):
        viewer = organization.session("acme", which, {"allow_manage_widgets": True}, context={"userId": "ada"})
        identifier = viewer.client.post("/v1/embed/own-widgets", body).expect(201)["id"]
        assert groups(viewer.result(identifier)) == {"ada-model": 2 * USERS["ada"]}


def test_answers_that_are_kept_are_kept_apart(house: tuple[Organization, str, str]) -> None:
    for which, name in ((1, "w_mine"), (2, "w_calls")):
        for _ in range(3):
            for user, count in USERS.items():
                assert session(house, {"userId": user, "regions": []}, which).value(name) == 2 * count
            assert session(house, {}, which).value(name) == 0


def test_the_configuration_shows_references_and_no_values(house: tuple[Organization, str, str]) -> None:
    for which in (1, 2):
        viewer = session(house, {"userId": "very-secret", "regions": ["very-secret-region"]}, which)
        seen = viewer.client.get("/v1/embed/dashboard").text
        assert "very-secret" not in seen
        assert "very-secret" not in viewer.token
    filters = next(one for one in session(house, {"userId": "x"}).dashboard()["widgets"] if one["id"] == "w_mine")["query"]["filters"]
    assert filters == mine()


def test_references_in_a_viewers_request_are_texts(house: tuple[Organization, str, str]) -> None:
    viewer = session(house, {"userId": "ada", "other": "bob"})
    assert groups(viewer.result("w_models", {"dimensions": {"model": ["{{context.other}}"]}})) == {}
    assert viewer.drill("w_models", "model", "{{context.other}}").expect(200)["rows"] == []


def test_in_a_question_of_a_key_a_text_is_a_text(house: tuple[Organization, str, str]) -> None:
    for op, expected in (("eq", 0), ("neq", 2 * sum(USERS.values()) + 1)):
        answer = house[0].query({"event_name": "api.call", "metric": "count", "period": ALWAYS, "filters": mine(op)}, tenant_id="acme")
        assert answer.expect(200)["rows"][0]["value"] == expected


@pytest.mark.parametrize("text", [
    "{{context.}}", "{{context}}", "{{contex.userId}}", "{{params.userId}}", "{{userId}}", "{{}}", "{{", "{{context.user id}}", "{{context.user-id}}",
    "{{context.1st}}", "{{context.a.b}}", "x{{context.userId}}", "{{context.userId}}x", "{{context.userId}", "{{context.userId}} {{context.role}}",
    "{{context." + "x" * 65 + "}}", "{{CONTEXT.userId}}", "{{context.userId\n}}", "{{context.üser}}",
])
def test_references_that_are_none_are_refused_when_saved(organization: Organization, text: str) -> None:
    for body, field in (
        ({"name": "x", "widgets": [kpi("w", filters=mine("eq", text))]}, "widgets[0].query.filters[0].values"),
        ({"name": "x", "widgets": [kpi("w", filters=mine("in", "plain", text))]}, "widgets[0].query.filters[0].values[1]"),
        ({"name": "x", "filters": [{"id": "f", "type": "select", "dimension": "owner", "value": text}]}, "filters[0].value"),
    ):
        details = expect_error(organization.admin.post("/v1/dashboards", body), 422, sent=json.dumps(body))["details"]
        assert [(one["field"], one["code"]) for one in details] == [(field, "context_reference")], details


@pytest.mark.parametrize(("change", "code"), [
    ({"value": "plain"}, "context_reference"), ({"value": 7}, "wrong_type"), ({"value": []}, "count"), ({"value": ["{{context.a}}", "{{context.b}}"]}, "count"),
    ({"type": "period", "dimension": None, "value": "{{context.a}}"}, "unknown_field"),
    ({"type": "numeric_range", "dimension": None, "property": "n", "value": "{{context.a}}"}, "unknown_field"),
])
def test_wrong_fixed_filters(organization: Organization, change: Json, code: str) -> None:
    wrong = {"id": "f", "type": "select", "dimension": "owner", "value": "{{context.a}}"} | change
    details = expect_error(organization.admin.post("/v1/dashboards", {"name": "x", "filters": [wrong]}), 422)["details"]
    assert code in [one["code"] for one in details], details


def test_what_was_saved_reads_as_it_was_written(organization: Organization) -> None:
    filters = [
        {"id": "f_1", "type": "select", "dimension": "owner", "value": "{{context.userId}}"},
        {"id": "f_2", "type": "multi_select", "dimension": "region", "value": ["{{ context.regions }}", "all"]}]
    made = organization.create_dashboard([kpi("w", filters=mine())], filters=filters)
    read = organization.admin.get(f"/v1/dashboards/{made['id']}").expect(200)
    assert read["filters"] == filters and read["widgets"][0]["query"]["filters"] == mine()
    revision = organization.admin.put(f"/v1/dashboards/{made['id']}", read).expect(200)["revision"]
    assert revision == read["revision"] + 1


def test_the_isolation_check_tries_them(house: tuple[Organization, str, str]) -> None:
    for dashboard in house[1:]:
        report = house[0].admin.post(f"/v1/dashboards/{dashboard}/selftest").expect(200)
        assert report["ok"], [one for one in report["checks"] if not one["ok"]]
        answered = {one["widget"]: one["rows"] for one in report["checks"] if one["name"] == "widget w_models"}
        assert answered and all(answered.values()), "its customers have a context, so that there is something to see"
