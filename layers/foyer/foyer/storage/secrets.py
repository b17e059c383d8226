"""The two secrets, from Secrets Manager, kept by the container for a while."""

import json
from typing import Any

from foyer.credentials import KeyRing
from foyer.settings import settings
from foyer.storage.table import Unavailable, cause, patience, session

KEPT = 600  # seconds; a rotated key is noticed within

_kept: dict[str, tuple[int, dict[str, Any]]] = {}


def site_key(now: int) -> bytes:
    """The key of limits, cursors, devices and idempotency records (each use derives its own)."""
    return str(_secret(settings().site_secret, now)["key"]).encode()


def link_keys(now: int) -> KeyRing:
    """The keys of the links and codes in mails. An operator rotates in two steps, so that no link
    goes out that another container cannot read yet: `{"key": old, "version": "1", "previous":
    {"2": new}}`, then, KEPT later, `{"key": new, "version": "2", "previous": {"1": old}}`."""
    secret = _secret(settings().links_secret, now)
    current = str(secret.get("version", "1"))
    keys = {**secret.get("previous", {}), current: secret["key"]}
    return KeyRing(current, {version: key.encode() for version, key in keys.items()})


def _secret(arn: str, now: int) -> dict[str, Any]:
    if arn in _kept and now - _kept[arn][0] < KEPT:
        return _kept[arn][1]
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = (
            session()
            .create_client("secretsmanager", config=patience())
            .get_secret_value(SecretId=arn)
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"secret: {cause(error)}") from error
    secret: dict[str, Any] = json.loads(answer["SecretString"])
    _kept[arn] = (now, secret)
    return secret
