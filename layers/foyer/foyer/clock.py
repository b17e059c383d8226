"""The one place that reads the time. Handlers read it and hand it on; nothing below them does."""

import time
from collections.abc import Callable

# The local server and the tests put their own clock here.
read: Callable[[], float] = time.time


def now() -> int:
    """Epoch seconds, UTC."""
    return int(read())
