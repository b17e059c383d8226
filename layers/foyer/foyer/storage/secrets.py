"""The site's secret key, from Secrets Manager, kept by the container for a while."""

import json

from foyer.settings import settings
from foyer.storage.table import Unavailable, patience, session

KEPT = 600  # seconds; a rotated key is noticed within

_kept: dict[str, tuple[int, bytes]] = {}


def site_key(now: int) -> bytes:
    """The key of limits, cursors and idempotency records (each use derives its own)."""
    arn = settings().site_secret
    if arn in _kept and now - _kept[arn][0] < KEPT:
        return _kept[arn][1]
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = (
            session().client("secretsmanager", config=patience()).get_secret_value(SecretId=arn)
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable("secret") from error
    key = bytes(json.loads(answer["SecretString"])["key"], "utf-8")
    _kept[arn] = (now, key)
    return key
