"""Carts as tests need them: with very many lines, at once."""

import math
from contextlib import suppress

from local.cloud import size
from local.site import Site
from tests.visiting import VOUCHER, Browser


def fill(site: Site, browser: Browser, lines: int, prefix: str = "thing") -> None:
    """A guest whose cart holds so many different things, written straight into the table."""
    carts = site.module("foyer.rules.carts")
    catalogue = site.module("foyer.storage.catalogue")
    table = site.module("foyer.storage.table")
    held = carts.Cart()
    for number in range(lines):
        product = carts.Product(f"{prefix}-{number:016}", f"Thing {number}", "other", 100)
        with suppress(table.ConditionFailed):  # for another browser before
            table.write(catalogue.put_product(product, None))
        limits = site.module("foyer.rules.policy").POLICY.carts
        held = carts.add(held, carts.Thing(product.id), 1, site.now(), limits, told=100)
    browser.add(VOUCHER)
    row = site.module("foyer.storage.carts").new_cart(
        browser.session()["user"]["id"], held, "write-id", site.now()
    )
    table.write(table.Put(row.item))


def kilobytes(site: Site, browser: Browser) -> int:
    """K: the cart in KB, rounded up."""
    user = browser.session()["user"]["id"]
    return math.ceil(size(site.cloud.row(f"USER#{user}", "CART")) / 1024)
