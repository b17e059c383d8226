"""Every way Foyer says no. The code is stable and public; `web/problems.py` gives each its HTTP
status and its words."""

from collections.abc import Mapping
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
    # galleries and selections
    DOOR_PASSWORD = "password"  # noqa: S105 - a word of the contract
    DOOR_SIGN_IN = "sign_in"
    NOT_INVITED = "not_invited"
    TOO_MANY_GUESSES = "too_many_guesses"
    TOO_MANY_REQUESTS = "too_many_requests"
    SELECTION_FULL = "selection_full"
    SELECTION_QUOTA = "selection_quota"
    TOO_MANY_SELECTIONS = "too_many_selections"
    SELECTION_EMPTY = "selection_empty"
    # who asks, and when
    SESSION_CHANGED = "session_changed"
    TOO_MANY_GUESTS = "too_many_guests"
    VERSION_MISMATCH = "version_mismatch"
    KEY_REUSED = "idempotency_key_reused"
    KEY_REQUIRED = "idempotency_key_required"
    # signing up and in
    TOO_MANY_MAILS = "too_many_mails"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    WRONG_CREDENTIALS = "wrong_credentials"
    CODE_REQUIRED = "code_required"
    APPROVAL_PENDING = "approval_pending"
    REGISTRATION_REJECTED = "registration_rejected"
    ACCOUNT_DISABLED = "account_disabled"
    TAKE_OVER_REQUIRED = "take_over_required"
    LINK_INVALID = "link_invalid"
    LINK_EXPIRED = "link_expired"
    LINK_REPLACED = "link_replaced"
    LINK_REVOKED = "link_revoked"
    ALREADY_ACTIVE = "already_active"
    OTHER_ADDRESS = "other_address"
    PASSWORD_REQUIRED = "password_required"  # noqa: S105 - a word of the contract
    NAME_REQUIRED = "name_required"
    WEAK_PASSWORD = "weak_password"  # noqa: S105
    TERMS_CHANGED = "terms_changed"
    TERMS_REQUIRED = "terms_required"
    # the same again, where a page knows which form it was
    WRONG_CODE = "wrong_code"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105
    LINK_USED = "link_used"
    # who registers
    NOT_OFFERED = "not_offered"
    TOO_MANY_APPLICATIONS = "too_many_applications"
    PROVE_ADDRESS = "prove_address"
    # what staff do
    WRONG_STATUS = "wrong_status"
    ADDRESS_TAKEN = "address_taken"
    OWN_ACCOUNT = "own_account"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    NOT_ELIGIBLE = "not_eligible"
    LAST_ADMINISTRATOR = "last_administrator"
    TOO_DEEP = "too_deep"
    TOO_MANY_ORGANIZATIONS = "too_many_organizations"
    # what photographers do
    TOO_MANY_INVITATIONS = "too_many_invitations"
    ADDRESS_SUPPRESSED = "address_suppressed"
    WRONG_STATE = "wrong_state"
    UNKNOWN_PRODUCT = "unknown_product"
    TOO_MANY_PRODUCTS = "too_many_products"
    # what needs a session
    SESSION_ENDED = "session_ended"
    SIGN_IN_REQUIRED = "sign_in_required"
    SIGN_IN_AGAIN = "sign_in_again"
    PROOF_REQUIRED = "proof_required"
    # orders and the client's own space
    CART_EMPTY = "cart_empty"
    PRICE_CHANGED = "price_changed"
    LINE_UNAVAILABLE = "line_unavailable"
    ADDRESS_REQUIRED = "address_required"
    TOO_MANY_ORDERS = "too_many_orders"
    TOO_MANY_STUDIOS = "too_many_studios"
    WRONG_POSTAL_CODE = "wrong_postal_code"
    TOO_MANY_ADDRESSES = "too_many_addresses"
    # ours, not the visitor's
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    UNEXPECTED = "unexpected"


class Refusal(Exception):
    """No, and why.

    `pointer` names the offending field of the body (RFC 6901, "#/quantity"); `retry_after` is in
    seconds; `allow` lists the methods that would have been right; `facts` are what else the answer
    says.
    """

    def __init__(
        self,
        reason: Reason,
        *,
        pointer: str | None = None,
        retry_after: int | None = None,
        allow: tuple[str, ...] = (),
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.pointer = pointer
        self.retry_after = retry_after
        self.allow = allow
        self.facts = facts or {}
