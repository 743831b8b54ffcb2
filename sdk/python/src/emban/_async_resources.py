"""The parts of the API, for programs on asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from . import _calls
from ._wire import seconds_of
from .models import Dashboard, DataApp, EmbedSession, GuestPermissions, GuestToken, LiveSession, Permissions, Tenant

if TYPE_CHECKING:
    from ._async_client import AsyncEmban

Json = Mapping[str, Any]


class _Resource:
    """A part of the API, which has its requests carried out by the client."""

    def __init__(self, client: AsyncEmban) -> None:
        self._client = client


class AsyncEmbedSessions(_Resource):
    """Sessions of customers, for their browsers."""

    async def create(
        self, *, tenant_id: str, dashboard_id: str, expires_in: int | timedelta | None = None, permissions: Permissions | Json | None = None,
        context: Json | None = None, timezone: str | None = None, locale: str | None = None, allowed_origins: Sequence[str] | None = None,
    ) -> EmbedSession:
        """A session of one customer for one published dashboard (id or slug). Take `tenant_id` from your own login, never from the request."""
        return await self._client._run(_calls.create_session({
            "tenant_id": tenant_id, "dashboard_id": dashboard_id, "expires_in": seconds_of(expires_in), "permissions": permissions, "context": context,
            "timezone": timezone, "locale": locale, "allowed_origins": allowed_origins}))

    def list(self, *, tenant_id: str | None = None, dashboard_id: str | None = None) -> AsyncIterator[LiveSession]:
        """Live sessions, the newest first."""
        return self._client._pages(lambda cursor: _calls.sessions(cursor, tenant_id, dashboard_id))

    async def revoke(self, session_id: str | None = None, *, tenant_id: str | None = None, dashboard_id: str | None = None) -> None:
        """Ends one session, or all of a customer, of a dashboard, or of both."""
        await self._client._run(_calls.revoke(session_id, tenant_id, dashboard_id))


class AsyncGuestTokens(_Resource):
    """Tokens for `<dbn-dashboard>`."""

    async def create(
        self, *, client_id: str, data_app_name: str, permissions: GuestPermissions | Json | None = None, expiry_time: int | timedelta | None = None,
        params: Json | None = None,
    ) -> GuestToken:
        """A token of one customer (`client_id`, from your own login) for a data app. `expiry_time` is seconds, or a `timedelta`."""
        return await self._client._run(_calls.create_guest_token(client_id, data_app_name, permissions, expiry_time, params))


class AsyncDashboards(_Resource):
    """Drafts, and what of them is published. Wherever an id is taken, the slug works too."""

    def list(self) -> AsyncIterator[Dashboard]:
        return self._client._pages(_calls.dashboards)

    async def get(self, dashboard_id: str) -> Dashboard:
        return await self._client._run(_calls.dashboard(dashboard_id))

    async def create(self, config: Json) -> Dashboard:
        return await self._client._run(_calls.create_dashboard(config))

    async def create_from_events(self, *, name: str | None = None) -> Dashboard:
        """A draft that fits the events that there are."""
        return await self._client._run(_calls.create_dashboard_from_events(name))

    async def update(self, dashboard_id: str, changes: Json, *, revision: int | None = None) -> Dashboard:
        """Replaces members of the draft. With `revision`, `ConflictError` when somebody else saved since."""
        return await self._client._run(_calls.update_dashboard(dashboard_id, changes, revision))

    async def replace(self, dashboard_id: str, config: Json, *, revision: int | None = None) -> Dashboard:
        """Replaces the draft as a whole."""
        return await self._client._run(_calls.replace_dashboard(dashboard_id, config, revision))

    async def duplicate(self, dashboard_id: str) -> Dashboard:
        return await self._client._run(_calls.duplicate_dashboard(dashboard_id))

    async def publish(self, dashboard_id: str, *, revision: int | None = None) -> int:
        """Shows the draft to customers, and says which version it became."""
        return await self._client._run(_calls.publish_dashboard(dashboard_id, revision))

    async def unpublish(self, dashboard_id: str) -> None:
        """Takes the dashboard offline; its versions stay."""
        await self._client._run(_calls.unpublish_dashboard(dashboard_id))

    async def restore(self, dashboard_id: str, *, version: int | None = None) -> Dashboard:
        """Copies a version, or the newest, back into the draft."""
        return await self._client._run(_calls.restore_dashboard(dashboard_id, version))

    async def delete(self, dashboard_id: str, *, revision: int | None = None) -> None:
        """Deletes the dashboard with its versions and sessions."""
        await self._client._run(_calls.delete_dashboard(dashboard_id, revision))


class AsyncDataApps(_Resource):
    """Groups of published dashboards, for guest tokens."""

    def list(self) -> AsyncIterator[DataApp]:
        return self._client._pages(_calls.data_apps)

    async def get(self, name: str) -> DataApp:
        return await self._client._run(_calls.data_app(name))

    async def create(self, name: str, dashboards: Sequence[str]) -> DataApp:
        """`dashboards` are ids or slugs."""
        return await self._client._run(_calls.create_data_app(name, dashboards))

    async def update(self, name: str, *, dashboards: Sequence[str] | None = None, new_name: str | None = None) -> DataApp:
        return await self._client._run(_calls.update_data_app(name, dashboards, new_name))

    async def refresh_cache(self, name: str, *, client_id: str | None = None) -> None:
        """Has the next answers of its dashboards made anew, for one customer or all. Emban notices new events by itself."""
        await self._client._run(_calls.refresh_data_app(name, client_id))

    async def delete(self, name: str) -> None:
        """Deletes the group, not its dashboards; its tokens end."""
        await self._client._run(_calls.delete_data_app(name))


class AsyncTenants(_Resource):
    """Your customers, as far as there are events of them."""

    def list(self) -> AsyncIterator[Tenant]:
        return self._client._pages(_calls.tenants)

    async def erase(self, tenant_id: str) -> int:
        """Erases all events of a customer, and says how many there were."""
        return await self._client._run(_calls.erase_tenant(tenant_id))
