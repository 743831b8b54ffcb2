"""What the server answers, as values. Secrets in them do not show in their `repr`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict


class Query(TypedDict, total=False):
    """One question; `docs/queries.md` says what each member means."""

    event_name: str
    metric: str
    numeric_prop: str
    unique_prop: str
    group_by: str
    group_by_2: str
    period: str | Mapping[str, str | datetime]
    granularity: str
    compare: str
    limit: int
    order: str
    other: bool
    filters: Sequence[Mapping[str, Any]]
    second_metric: str
    second_numeric_prop: str


class Permissions(TypedDict, total=False):
    """What a session may do; `docs/embedding.md` says what each member means. The server refuses others."""

    locked_filters: Mapping[str, str | Sequence[str]]
    hidden_widgets: Sequence[str]
    allowed_periods: Sequence[str]
    allowed_dimensions: Sequence[str]
    allow_drill_down: bool
    max_date_range_days: int
    allow_export: bool
    allow_underlying_data: bool
    allow_customize_layout: bool
    allow_manage_widgets: bool


class GuestPermissions(TypedDict, total=False):
    """What the holder of a guest token may do."""

    isEnableManageMetrics: bool
    isEnableCustomizeLayout: bool
    isEnableUnderlyingData: bool
    isEnableDownloadMetrics: bool


@dataclass(frozen=True)
class QueryResult:
    """Rows by column name, and what is known about them. Find columns by their `role`, not by their name."""

    columns: Sequence[Mapping[str, str]]
    rows: Sequence[Mapping[str, Any]]
    #: Of the query with `compare`: the span before, as `{"from", "to", "rows"}`.
    previous: Mapping[str, Any] | None
    #: Of a pivot.
    totals: Mapping[str, Any] | None
    meta: Mapping[str, Any]

    @property
    def value(self) -> float | None:
        """The number of an answer of one row, such as that of a query without `group_by`."""
        if len(self.rows) != 1:
            raise ValueError(f"the answer has {len(self.rows)} rows: read .rows")
        return self.rows[0]["value"]  # type: ignore[no-any-return]


@dataclass(frozen=True)
class EmbedSession:
    """A session of one customer: hand `embed_url` (or `token`) to that customer's browser, and to nobody else's."""

    session_id: str
    expires_at: datetime
    embed_url: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(frozen=True)
class LiveSession:
    """A session as the server lists it: without its token."""

    session_id: str
    tenant_id: str
    dashboard_id: str
    expires_at: datetime
    #: All members of the entry.
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class GuestToken:
    """What a browser shows a data app's dashboards with."""

    expires_at: datetime
    token: str = field(repr=False)


@dataclass(frozen=True)
class Dashboard:
    """A draft with what is known about it. `config` can be changed and sent back."""

    id: str
    slug: str
    name: str
    #: `draft`, `published` or `unpublished`.
    status: str
    revision: int
    #: What customers see; None when nothing is published.
    published_version: int | None
    config: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class DataApp:
    """A group of dashboards that one guest token opens."""

    name: str
    #: `{"id", "slug", "name", "status"}` of each; the first published one is shown when the page names none.
    dashboards: Sequence[Mapping[str, str]]
    #: All members.
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Tenant:
    """A customer of whom there are events."""

    tenant_id: str
    events: int
    first_seen: datetime
    last_seen: datetime


def moment(text: str) -> datetime:
    """A time of the server, which is UTC with `Z`; Python reads that by itself only from 3.11 on."""
    body, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{body}.{(fraction + '000000')[:6]}+00:00" if fraction else f"{body}+00:00")
