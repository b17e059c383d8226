from types import SimpleNamespace

import botocore.endpoint
import pytest

from local.site import Site


@pytest.fixture(autouse=True)
def no_waiting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries follow at once."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr(site.module("foyer.storage.table"), "_pause", lambda _: None)
