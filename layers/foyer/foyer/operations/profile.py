"""A client's own profile: what he is called and how he is reached. His address is another matter
(address.py), and what he agreed to as well (consents.py)."""

from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.operations.account import signed_in
from foyer.operations.sessions import RETRIES, Visitor
from foyer.rules.refusals import Reason, Refusal
from foyer.rules.users import Edit, User, edited
from foyer.storage import members, users
from foyer.storage.table import ConditionFailed, write
from foyer.storage.users import Record


def change(
    visitor: Visitor,
    edit: Edit,
    now: int,
    *,
    if_match: frozenset[str] | None = None,
    entropy: Entropy = token_bytes,
) -> User:
    """His name, phone, company and language, and nothing else. What is as it was already is not
    written. Refuses VERSION_MISMATCH where `if_match` names another version."""
    for _ in range(RETRIES + 1):
        user, session = signed_in(visitor, now, changing=True)
        if if_match is not None and not if_match & {"*", str(user.version)}:
            raise Refusal(Reason.VERSION_MISMATCH)
        account = edited(user, edit)
        if account is None:
            return user
        try:
            write(
                users.change(user, account, now, session=session.id),
                members.put(account),
                users.audit(account, new_id(entropy), Record("profile_changed", user.id, now)),
            )
        except ConditionFailed:
            continue
        visitor.user = account
        return account
    raise Refusal(Reason.BUSY, retry_after=1)
