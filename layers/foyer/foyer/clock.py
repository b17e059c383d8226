"""The one place that reads the time. Handlers read it and hand it on; nothing below them does."""

import time

_ahead = 0


def now() -> int:
    """Epoch seconds, UTC."""
    return int(time.time()) + _ahead


def advance(seconds: int) -> None:
    """The local server and the tests move the clock; the cloud never does."""
    global _ahead
    _ahead += seconds
