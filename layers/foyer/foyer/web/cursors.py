"""Where the next page of a list begins: signed, bound to the visitor and the query (A21)."""

from collections.abc import Mapping
from typing import Any

from foyer.credentials import derived
from foyer.rules.refusals import Reason, Refusal
from foyer.storage.secrets import site_key


def sign(last: Mapping[str, Any] | None, query: str, user_id: str, now: int) -> str | None:
    return None if last is None else _signer(query, user_id, now).dumps(dict(last))


def read(cursor: str | None, query: str, user_id: str, now: int) -> Mapping[str, Any] | None:
    """Refuses INVALID_CURSOR for one that we did not give this user for this query."""
    from itsdangerous import BadData

    if cursor is None:
        return None
    try:
        last: Mapping[str, Any] = _signer(query, user_id, now).loads(cursor)
    except BadData as error:
        raise Refusal(Reason.INVALID_CURSOR, pointer="query:cursor") from error
    return last


def _signer(query: str, user_id: str, now: int) -> Any:
    from hashlib import sha256

    from itsdangerous import URLSafeSerializer

    key = derived(site_key(now), "cursors")
    return URLSafeSerializer(
        key, salt=f"{query}\n{user_id}", signer_kwargs={"digest_method": sha256}
    )
