"""Emban from a product's back end: send events, ask questions, make sessions for customers' browsers.

`Emban` waits, `AsyncEmban` is for asyncio; `Batcher` and `AsyncBatcher` send events in the background.
"""

from ._async_batcher import AsyncBatcher
from ._async_client import AsyncEmban
from ._batcher import Batcher
from ._client import Emban
from ._outbox import BatcherStats, BatchProblem
from ._retry import NO_RETRY, RetryPolicy
from ._version import __version__
from .errors import (
    AuthenticationError, ClientClosedError, ConflictError, ConnectionFailedError, Detail, EmbanError, InvalidRequestError, NotFoundError,
    PermissionDeniedError, PlanLimitError, RateLimitError, UnavailableError,
)
from .events import Event, EventRejection, IngestResult
from .models import (
    Dashboard, DataApp, EmbedSession, GuestPermissions, GuestToken, LiveSession, Permissions, Query, QueryResult, Tenant,
)

__all__ = [
    "NO_RETRY", "AsyncBatcher", "AsyncEmban", "AuthenticationError", "BatchProblem", "Batcher", "BatcherStats", "ClientClosedError",
    "ConflictError", "ConnectionFailedError", "Dashboard", "DataApp", "Detail", "EmbanError", "EmbedSession", "Emban", "Event",
    "EventRejection", "GuestPermissions", "GuestToken", "IngestResult", "InvalidRequestError", "LiveSession", "NotFoundError",
    "Permissions", "PermissionDeniedError", "PlanLimitError", "Query", "QueryResult", "RateLimitError", "RetryPolicy", "Tenant", "UnavailableError",
    "__version__",
]
