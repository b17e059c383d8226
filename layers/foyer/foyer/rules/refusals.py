"""Every way Foyer says no. The code is stable and public; `web/problems.py` gives each its HTTP
status and its words."""

from enum import StrEnum


class Reason(StrEnum):
    # what was asked for
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INVALID_INPUT = "invalid_input"
    INVALID_CURSOR = "invalid_cursor"
    PICTURE_REQUIRED = "picture_required"
    # how it was asked
    FOREIGN_ORIGIN = "foreign_origin"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_LARGE = "too_large"
    # carts
    QUANTITY_LIMIT = "quantity_limit"
    CART_FULL = "cart_full"
    # who asks, and when
    SESSION_CHANGED = "session_changed"
    TOO_MANY_GUESTS = "too_many_guests"
    VERSION_MISMATCH = "version_mismatch"
    KEY_REUSED = "idempotency_key_reused"
    # ours, not the visitor's
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    UNEXPECTED = "unexpected"


class Refusal(Exception):
    """No, and why.

    `pointer` names the offending field of the body (RFC 6901, "#/quantity"); `retry_after` is in
    seconds; `allow` lists the methods that would have been right.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        pointer: str | None = None,
        retry_after: int | None = None,
        allow: tuple[str, ...] = (),
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.pointer = pointer
        self.retry_after = retry_after
        self.allow = allow
