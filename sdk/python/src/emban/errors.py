"""What can go wrong. Every error of this package is an `EmbanError`; none of them holds a key or a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .events import Event, IngestResult


@dataclass(frozen=True)
class Detail:
    """One field of a request that was wrong."""

    #: Its path, as in `widgets[2].query.metric`.
    field: str
    #: Stable, for programs.
    code: str
    #: For people.
    expected: str


class EmbanError(Exception):
    """The server refused a request, or could not be reached.

    `code` is stable and meant for programs (`docs/api.md` lists them); `message` is a sentence for people. `request_id` finds
    the request in the server's log.
    """

    def __init__(
        self, message: str, *, code: str, status: int | None = None, request_id: str | None = None, details: Sequence[Detail] = (),
        retry_after: float | None = None, body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        #: The HTTP status; None when there was no answer.
        self.status = status
        self.request_id = request_id
        self.details = tuple(details)
        #: Seconds after which the server asks to try again, where it says so.
        self.retry_after = retry_after
        #: The members of the error body, for those that only some errors have.
        self.body: Mapping[str, Any] = dict(body or {})
        #: From `ingest`: events that are not known to be stored, with their ids, so that they can be sent again.
        self.unsent: tuple[Event, ...] = ()
        #: From `ingest`: what happened to the requests before the one that failed.
        self.ingested: IngestResult | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # What an exception does by itself passes `message` alone, which is not enough: task queues and process pools would lose the error.
        return _unpickled, (type(self), self.message, self.code), self.__dict__

    def __str__(self) -> str:
        known = [text for text in (str(self.status) if self.status else "", self.code, self.request_id or "") if text]
        return f"{self.message} ({', '.join(known)})"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, status={self.status}, code={self.code!r}, request_id={self.request_id!r})"


def _unpickled(kind: type[EmbanError], message: str, code: str) -> EmbanError:
    return kind(message, code=code)


class ClientClosedError(EmbanError):
    """The client was used after it was closed. Nothing was sent; `status` is None."""

    def __init__(self, message: str = "the client is closed: make another one", *, code: str = "client_closed", **more: Any) -> None:
        super().__init__(message, code=code, **more)


class ConnectionFailedError(EmbanError):
    """No answer: the server could not be reached, or was silent for too long. `status` is None."""


class InvalidRequestError(EmbanError):
    """400, 413, 415, 422: `details` names the fields that are wrong."""


class AuthenticationError(EmbanError):
    """401: the key is missing, wrong or revoked."""


class PlanLimitError(EmbanError):
    """402: the plan does not allow more. `body` has `plan`, `upgrade_to`, `limit` and `used`."""


class PermissionDeniedError(EmbanError):
    """403: the key is good but may not do this, as an ingest key may only send events."""


class NotFoundError(EmbanError):
    """404."""


class ConflictError(EmbanError):
    """409: somebody else saved first, or a name is taken. `body` may have `revision`."""


class RateLimitError(EmbanError):
    """429, and after the retries still. `retry_after` says when to try again."""


class UnavailableError(EmbanError):
    """5xx, and, where a repetition is harmless, after the retries still."""


_BY_STATUS: dict[int, type[EmbanError]] = {
    400: InvalidRequestError, 401: AuthenticationError, 402: PlanLimitError, 403: PermissionDeniedError, 404: NotFoundError,
    409: ConflictError, 413: InvalidRequestError, 415: InvalidRequestError, 422: InvalidRequestError, 429: RateLimitError,
}


def error_from(
    status: int, body: Any, *, request_id: str | None, retry_after: float | None,
) -> EmbanError:
    """The error of an answer. Both shapes are read: ours, and that of the guest-token API, `{"error": {"message", "code"}}`.

    What is neither (the page of a proxy, say) is not quoted.
    """
    kind = _BY_STATUS.get(status, UnavailableError if status >= 500 else EmbanError)
    members: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    told = members.get("error")
    said: Mapping[str, Any] = told if isinstance(told, Mapping) else members
    message, code = said.get("message"), said.get("code")
    if not isinstance(message, str) or not isinstance(code, str):
        return kind(f"the answer was {status}, and not one of Emban's", code="http_error", status=status, request_id=request_id,
                    retry_after=retry_after)
    listed = members.get("details")
    details = [Detail(str(one.get("field", "")), str(one.get("code", "")), str(one.get("expected", "")))
               for one in (listed if isinstance(listed, list) else []) if isinstance(one, Mapping)]
    named = members.get("request_id")
    return kind(message, code=code, status=status, request_id=named if isinstance(named, str) else request_id, details=details,
                retry_after=retry_after, body=members)
