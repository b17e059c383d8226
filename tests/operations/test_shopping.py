"""The cart when things go wrong: faults at every call, every order of two visitors' calls (G1, G3).

Invariants: an acknowledged add is in the cart exactly once; a refused one is not there at all; an
answer is 2xx, 4xx or 503 with Retry-After, never another 5xx.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from botocore.awsrequest import AWSResponse

from local.cloud import Send, response
from local.site import Site
from tests.conftest import SCHEDULES
from tests.seam import (
    TRANSIENT,
    Fault,
    Killed,
    calls_of,
    error,
    killed_after,
    killed_before,
    lost_answer,
)
from tests.visiting import CALENDAR, PRINT, VOUCHER, Browser, orders

KEY = "a-key-of-twenty-char"

FAULTS = {name: fault for name, fault in TRANSIENT.items() if name != "conflict"} | {
    "over capacity": error("ProvisionedThroughputExceededException")
}


@pytest.fixture
def warm(browser: Browser) -> Browser:
    Browser(browser.gateway).add(VOUCHER)
    return browser


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_any_call_of_the_first_add_is_mended_by_a_retry_of_the_sdk(
    site: Site, warm: Browser, fault: str
) -> None:
    for at in range(calls_of(site.cloud, lambda: warm.twin().add(PRINT))):
        visitor = warm.twin()
        site.cloud.intercept = Fault(FAULTS[fault], at)
        answer = visitor.add(PRINT)
        site.cloud.intercept = None
        assert answer.status_code == 201
        assert visitor.quantities() == {"print-30x45": 1}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault_at_any_call_of_the_next_add_is_mended_and_counts_once(
    site: Site, warm: Browser, fault: str
) -> None:
    warm.add(VOUCHER)
    for at in range(calls_of(site.cloud, lambda: warm.add(VOUCHER))):
        before = warm.quantities()["voucher"]
        site.cloud.intercept = Fault(FAULTS[fault], at)
        answer = warm.add(VOUCHER)
        site.cloud.intercept = None
        assert answer.status_code == 201
        assert answer.json["lines"][0]["quantity"] == before + 1
        assert warm.quantities() == {"voucher": before + 1}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_last_are_a_503_and_a_repeat_under_its_key_counts_once(
    site: Site, warm: Browser, fault: str
) -> None:
    warm.add(VOUCHER)
    places = calls_of(site.cloud, lambda: warm.add(VOUCHER, Idempotency_Key="x" * 20))
    for at in range(places):
        before = warm.quantities()["voucher"]
        key = f"{KEY}-{at}"
        site.cloud.intercept = Fault(FAULTS[fault], *range(at, 99))
        answer = warm.add(VOUCHER, Idempotency_Key=key)
        site.cloud.intercept = None
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert warm.quantities()["voucher"] in {before, before + 1}
        assert warm.add(VOUCHER, Idempotency_Key=key).status_code == 201
        assert warm.quantities() == {"voucher": before + 1}


@pytest.mark.parametrize("death", [killed_before, killed_after])
def test_f8_a_process_that_dies_half_way_leaves_no_half_of_an_add(
    site: Site, warm: Browser, death: Callable[[Send], object]
) -> None:
    warm.add(VOUCHER)
    places = calls_of(site.cloud, lambda: warm.add(VOUCHER, Idempotency_Key="y" * 20))
    for at in range(places):
        before = warm.quantities()["voucher"]
        key = f"{KEY}-{at}"
        site.cloud.intercept = Fault(death, at)  # type: ignore[arg-type]
        with pytest.raises(Killed):
            warm.add(VOUCHER, Idempotency_Key=key)
        site.cloud.intercept = None
        assert warm.add(VOUCHER, Idempotency_Key=key).status_code == 201
        assert warm.quantities() == {"voucher": before + 1}


def test_a_first_add_whose_answer_is_lost_for_good_leaves_at_most_one_orphan(
    site: Site, warm: Browser
) -> None:
    before = {row["pk"]["S"] for row in site.cloud.rows() if row["sk"]["S"] == "USER"}
    site.cloud.intercept = Fault(lost_answer, *range(99), operation="TransactWriteItems")
    answer = warm.add(VOUCHER)
    site.cloud.intercept = None
    assert answer.status_code == 503
    assert "Set-Cookie" not in answer.headers
    assert warm.add(VOUCHER).status_code == 201
    after = {row["pk"]["S"] for row in site.cloud.rows() if row["sk"]["S"] == "USER"}
    assert len(after - before) <= 2
    assert warm.quantities() == {"voucher": 1}


@pytest.mark.parametrize("key", [None, KEY])
def test_a_user_without_a_cart_begins_one_and_a_lost_answer_counts_once(
    site: Site, warm: Browser, key: str | None
) -> None:
    """As an account that is new will be."""
    warm.add(VOUCHER)
    row = {"pk": {"S": f"USER#{warm.session()['user']['id']}"}, "sk": {"S": "CART"}}
    site.cloud.client("dynamodb").delete_item(TableName=site.cloud.table_name, Key=row)
    operation = "PutItem" if key is None else "TransactWriteItems"
    site.cloud.intercept = Fault(lost_answer, 0, operation=operation)
    answer = warm.add(CALENDAR, **({} if key is None else {"Idempotency_Key": key}))
    site.cloud.intercept = None
    assert answer.status_code == 201
    assert warm.quantities() == {"calendar": 1}


def test_a_cart_that_is_begun_twice_in_every_order_holds_both(site: Site, warm: Browser) -> None:
    warm.add(VOUCHER)
    row = {"pk": {"S": f"USER#{warm.session()['user']['id']}"}, "sk": {"S": "CART"}}
    site.cloud.client("dynamodb").delete_item(TableName=site.cloud.table_name, Key=row)
    tab = warm.twin()
    for results in orders(site, [lambda: warm.add(VOUCHER), lambda: tab.add(CALENDAR)], SCHEDULES):
        assert [status(result) for result in results] == [201, 201]
        assert warm.quantities() == {"voucher": 1, "calendar": 1}


@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems"])
@pytest.mark.parametrize("key", [None, KEY])
def test_f5_a_conflict_at_a_write_is_mended_and_one_that_lasts_changes_nothing(
    site: Site, warm: Browser, operation: str, key: str | None
) -> None:
    headers = {} if key is None else {"Idempotency_Key": key}
    warm.add(VOUCHER)
    conflict = error("TransactionConflictException")
    site.cloud.intercept = Fault(conflict, 0, 1, operation=operation)
    assert warm.add(VOUCHER, **headers).status_code == 201
    site.cloud.intercept = Fault(conflict, *range(99), operation=operation)
    answer = warm.add(CALENDAR, **({} if key is None else {"Idempotency_Key": KEY + "2"}))
    site.cloud.intercept = None
    if operation == ("UpdateItem" if key is None else "TransactWriteItems"):
        assert (answer.status_code, answer.json["code"]) == (503, "busy")
        assert warm.quantities() == {"voucher": 2}
    else:
        assert answer.status_code == 201


def test_t6_a_transaction_that_is_said_to_be_in_progress_is_not_done_twice(
    site: Site, warm: Browser
) -> None:
    """Its answer was lost, the SDK's retries meet it still under way."""
    calls = iter([lost_answer, *[error("TransactionInProgressException")] * 2])

    def under_way(send: Send) -> AWSResponse:
        return next(calls, lambda send: send())(send)

    site.cloud.intercept = Fault(under_way, *range(99), operation="TransactWriteItems")
    answer = warm.add(VOUCHER)
    site.cloud.intercept = None
    assert answer.status_code == 201
    assert warm.quantities() == {"voucher": 1}


def test_an_idle_clock_that_cannot_be_pushed_fails_nothing(site: Site, warm: Browser) -> None:
    warm.add(VOUCHER)
    site.advance(90_000)
    site.cloud.intercept = Fault(
        error("ProvisionedThroughputExceededException"), *range(99), operation="UpdateItem"
    )
    assert warm.session()["authentication"] == "guest"
    site.cloud.intercept = None
    assert warm.session()["authentication"] == "guest"
    assert warm.cost()["writes"] == 1  # pushed by the next one


def test_a_mistake_of_ours_is_not_called_a_failure_of_aws(site: Site, warm: Browser) -> None:
    site.cloud.intercept = Fault(error("ValidationException"), 0)
    answer = warm.add(VOUCHER)
    site.cloud.intercept = None
    assert (answer.status_code, answer.json["code"]) == (500, "unexpected")


def test_r47_when_the_table_fails_nobody_turns_into_somebody_else(
    site: Site, warm: Browser
) -> None:
    warm.add(VOUCHER)
    for method, path in (("GET", "/v1/session"), ("GET", "/v1/cart"), ("GET", "/cart"),
                         ("DELETE", "/v1/cart/lines/x")):  # fmt: skip
        site.cloud.intercept = Fault(error("InternalServerError", 500), *range(99))
        answer = warm.send(method, path)
        site.cloud.intercept = None
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Set-Cookie" not in answer.headers
    assert warm.quantities() == {"voucher": 1}


def test_f12_keys_that_dynamodb_left_unprocessed_are_asked_for_again(
    site: Site, warm: Browser
) -> None:
    warm.add(VOUCHER)
    warm.add(PRINT)
    cart = warm.cart()
    site.cloud.intercept = Fault(half_processed, 0, 2, operation="BatchGetItem")
    assert warm.cart() == cart
    site.cloud.intercept = None


def half_processed(send: Send) -> AWSResponse:
    """As DynamoDB does under load: some rows, and the keys of the others."""
    answer = json.loads(send().raw.getvalue())
    for table, rows in answer["Responses"].items():
        left = [{"pk": row["pk"], "sk": row["sk"]} for row in rows[1:]]
        answer["Responses"][table] = rows[:1]
        answer["UnprocessedKeys"] = {table: {"Keys": left}} if left else {}
    return response(200, json.dumps(answer).encode())


# ---- every order of two visitors' calls -------------------------------------------------------


def in_tabs(
    site: Site, browser: Browser, *flows: Callable[[Browser], object]
) -> Iterator[list[object]]:
    """Each order of the flows' calls, in a tab each, on a cart that holds one voucher."""
    browser.add(VOUCHER)
    tabs = [browser.twin() for _ in flows]
    made = [partial(flow, tab) for flow, tab in zip(flows, tabs, strict=True)]
    return orders(site, made, SCHEDULES)


def status(result: object) -> int:
    return int(result.status_code)  # type: ignore[attr-defined]


def test_add_and_add_of_one_thing_in_every_order_add_up(site: Site, warm: Browser) -> None:
    tried = 0
    for results in in_tabs(site, warm, lambda b: b.add(CALENDAR), lambda b: b.add(CALENDAR)):
        assert [status(result) for result in results] == [201, 201]
        assert warm.quantities() == {"voucher": 1, "calendar": 2}
        tried += 1
    assert tried == 4  # one reads before the other writes, or both do, and either writes first


def test_three_adds_in_every_order_never_pass_the_limit(site: Site, warm: Browser) -> None:
    def some(browser: Browser) -> object:
        return browser.add({**VOUCHER, "quantity": 49})

    for results in in_tabs(site, warm, some, some, some):
        statuses = sorted(status(result) for result in results)
        assert statuses == [201, 201, 409]
        assert warm.quantities() == {"voucher": 99}


def test_add_and_take_out_in_every_order_leave_what_the_answers_say(
    site: Site, warm: Browser
) -> None:
    def take_out(browser: Browser) -> object:
        line = "UVDiUmEYep33"  # the voucher's
        return browser.send("DELETE", f"/v1/cart/lines/{line}")

    outcomes = set()
    for results in in_tabs(site, warm, lambda b: b.add(VOUCHER), take_out):
        assert [status(result) for result in results] == [201, 200]
        left = warm.quantities()
        assert left in ({}, {"voucher": 1})
        outcomes.add(str(left))
    assert len(outcomes) == 2  # both orders of the two writes were tried


def test_two_changes_on_one_version_have_one_winner_in_every_order(
    site: Site, warm: Browser
) -> None:
    def change(quantity: int) -> Callable[[Browser], object]:
        def flow(browser: Browser) -> object:
            return browser.send(
                "PATCH",
                "/v1/cart/lines/UVDiUmEYep33",
                json={"quantity": quantity},
                headers={"If-Match": '"1"'},
            )

        return flow

    for results in in_tabs(site, warm, change(5), change(7)):
        statuses = [status(result) for result in results]
        assert sorted(statuses) == [200, 412]
        assert warm.quantities() == {"voucher": 5 if statuses[0] == 200 else 7}


def test_one_key_twice_in_every_order_counts_once(site: Site, warm: Browser) -> None:
    def add(browser: Browser) -> object:
        return browser.add(VOUCHER, Idempotency_Key=KEY)

    for results in in_tabs(site, warm, add, add):
        assert [status(result) for result in results] == [201, 201]
        assert warm.quantities() == {"voucher": 2}


def test_one_key_for_two_bodies_in_every_order_has_one_winner(site: Site, warm: Browser) -> None:
    flows = [
        lambda b: b.add(VOUCHER, Idempotency_Key=KEY),
        lambda b: b.add({**VOUCHER, "quantity": 3}, Idempotency_Key=KEY),
    ]
    for results in in_tabs(site, warm, *flows):
        statuses = [status(result) for result in results]
        assert sorted(statuses) == [201, 422]
        assert warm.quantities() == {"voucher": 2 if statuses[0] == 201 else 4}


def test_add_and_the_end_of_the_guest_in_every_order_never_make_a_second_guest(
    site: Site, warm: Browser
) -> None:
    """What promotion and hand-over will do to a guest's cookie, beside a late add."""

    def end(browser: Browser) -> object:
        user = browser.session()["user"]["id"]
        return site.cloud.client("dynamodb").update_item(
            TableName=site.cloud.table_name,
            Key={"pk": {"S": f"USER#{user}"}, "sk": {"S": "USER"}},
            UpdateExpression="SET ended_at = :now",
            ExpressionAttributeValues={":now": {"N": str(site.now())}},
        )

    for added, _ in in_tabs(site, warm, lambda b: b.add(VOUCHER), end):
        assert status(added) in {201, 409}
        assert "Set-Cookie" not in added.headers  # type: ignore[attr-defined]
        assert warm.session()["authentication"] == "generic"


def test_two_looks_on_a_new_day_in_every_order_push_the_clock_once(
    site: Site, warm: Browser
) -> None:
    warm.add(VOUCHER)
    site.advance(90_000)
    for results in orders(site, [warm.twin().session, warm.twin().session], SCHEDULES):
        assert [result["authentication"] for result in results] == ["guest", "guest"]
