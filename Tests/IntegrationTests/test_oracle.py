"""Every question a widget can ask against an independent computation: generated events, in twelve zones across clock changes.

The questions are chosen by a seed so that every pair of two factors occurs (metric, kind, number, group, filter, zone, span, granularity, comparison,
order, limit, tenant, event name); the products that matter most are complete. EMBAN_ORACLE_CASES adds so many more by chance, EMBAN_ORACLE_SEED
chooses others.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from embantest import local_time, worlds
from embantest.comparing import Asked, now
from embantest.questions import GENERATED, SHAPES, Case, Chooser, material
from embantest.reckoner import METRICS, Reckoner
from embantest.workspace import Organization

Json = dict[str, Any]

SEED = int(os.environ.get("EMBAN_ORACLE_SEED", "3"))
MORE = int(os.environ.get("EMBAN_ORACLE_CASES", "400"))
PERIODS = ["1h", "24h", "7d", "30d", "90d", "12mo"]


@pytest.fixture(scope="module")
def world(module_organization: Organization) -> Asked:
    """The generated events in one organisation, and the same names with other events in a second one."""
    events = worlds.generate(SEED)
    stranger = Organization(module_organization.base)
    stranger.ingest(worlds.generate(SEED + 1)[:1_000])
    module_organization.ingest(events)
    return Asked(module_organization, Reckoner(events))


@pytest.fixture(scope="module")
def pairs() -> list[Case]:
    return Chooser(SEED).pairs()


@pytest.mark.parametrize("part", range(4))
def test_every_pair_of_factors(world: Asked, pairs: list[Case], part: int) -> None:
    assert world.compare(pairs[part::4]) > 250


def test_every_metric_in_every_shape_and_zone(world: Asked) -> None:
    cases = Chooser(SEED + 1).product(metric=METRICS, shape=SHAPES, zone=worlds.ZONES)
    assert world.compare(cases) == len(METRICS) * len(SHAPES) * len(worlds.ZONES)


def test_every_metric_at_every_granularity_around_clock_changes(world: Asked) -> None:
    cases = Chooser(SEED + 2).product(
        metric=METRICS, granularity=GENERATED.factors["granularity"], zone=worlds.ZONES, shape=["series", "grouped series with other"], filters=[0],
        tenant=["acme"], event=[None])
    assert world.compare(cases) == len(METRICS) * 6 * len(worlds.ZONES) * 2


def test_every_span_at_every_granularity_in_every_zone(world: Asked) -> None:
    cases = Chooser(SEED + 3).product(
        zone=worlds.ZONES + worlds.MORE_ZONES, span=GENERATED.factors["span"], granularity=GENERATED.factors["granularity"], shape=["series"],
        metric=["count"], filters=[0], tenant=["acme"], event=[None])
    assert world.compare(cases) > 500


def test_every_metric_under_every_filter(world: Asked) -> None:
    cases = Chooser(SEED + 4).product(
        filters=GENERATED.factors["filters"], metric=METRICS, shape=["kpi", "breakdown with other"], span=["two years"], tenant=["acme"], event=[None])
    assert world.compare(cases) == len(worlds.FILTERS) * len(METRICS) * 2


def test_questions_by_chance(world: Asked) -> None:
    chooser = Chooser(SEED + 5)
    assert world.compare(chooser.case(chosen) for _ in range(MORE) if (chosen := chooser.choose())) > MORE / 2


def test_periods_that_end_now(organization: Organization) -> None:
    """Named periods in four zones: today is not over, and some events lie ahead of the clock."""
    chance = random.Random(SEED)
    begin = now()
    ages = [chance.expovariate(0.02) * local_time.DAY for _ in range(1_500)] + [chance.uniform(-20, 80) * local_time.HOUR for _ in range(500)]
    ages += [chance.uniform(-1, 90) * local_time.MINUTE for _ in range(200)]
    events = [worlds.event(chance, "acme", begin - int(age)) for age in ages]
    organization.ingest(events)
    granularities = {"1h": ["minute", "hour"], "24h": ["minute", "hour", "day"], "90d": ["day", "week", "month"], "12mo": ["day", "week", "month"]}
    live = material(
        worlds.FILTERS, lambda _, __: {period: (period, granularities.get(period, ["hour", "day", "week", "month"])) for period in PERIODS},
        number=worlds.NUMBERS, unique=[None, "model"], group_by=worlds.DIMENSIONS, group_by_2=worlds.DIMENSIONS, tenant=[None, "acme"],
        event=[None, "api.call"])
    cases = Chooser(SEED + 6, live).product(zone=worlds.ZONES, span=PERIODS, shape=SHAPES, compare=live.factors["compare"])
    asked = Asked(organization, Reckoner(events))
    assert asked.compare(cases) > 200
    assert asked.compare(Chooser(SEED + 7, live).product(zone=worlds.ZONES, span=PERIODS, shape=["pivot", "heatmap"])) == 4 * 6 * 2
