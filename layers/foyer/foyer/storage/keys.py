"""The whole schema on one screen: every key, list and queue of the one table.

| thing               | pk               | sk                   | list (list_at)                 | due (due_at)          |
|---------------------|------------------|----------------------|--------------------------------|-----------------------|
| user, his sessions  | USER#<id>        | USER                 |                                | GUEST#<shard> (idle) or CLOSING |
| password            | USER#<id>        | CREDENTIAL           |                                |                       |
| claim, its link     | USER#<guest>     | CLAIM#<id>           | CLAIMS#<address> (made)        | CLAIM#<shard> (expires) |
| the same, made by a signed-in browser | CLAIM#<id> | CLAIM#<id> | CLAIMS#<address> (made)        | CLAIM#<shard> (expires) |
| link                | USER#<id>        | LINK#<purpose>       |                                |                       |
| cart                | USER#<id>        | CART                 |                                |                       |
| receipt             | USER#<id>        | RECEIPT#<guest>      |                                |                       |
| selection           | USER#<id>        | SELECTION#<id>       |                                |                       |
| gallery he may enter| USER#<id>        | GRANT#<gallery>      |                                |                       |
| who belongs to it   | USER#<id>        | MEMBER               | MEMBERS#<org> (status, since)  |                       |
| who works there     | USER#<id>        | ROLE#<role>#<org>    | STAFF#<org> (role)             |                       |
| order               | ORDER#<id>       | ORDER                |                                |                       |
| where staff find it | ORDER#<id>       | STUDIO#<org>         | ORDERS#<org> (status, placed)  |                       |
| order an account shows | USER#<id>     | ORDER#<order>        |                                |                       |
| order by address    | EMAIL#<address>  | ORDER#<order>        |                                |                       |
| address book        | USER#<id>        | ADDRESSES            |                                |                       |
| consent, audit      | USER#<id>        | CONSENT#… AUDIT#…    |                                |                       |
| idempotency record  | USER#<id>        | KEY#<route>#<key>    |                                |                       |
| proved address      | EMAIL#<address>  | EMAIL                |                                |                       |
| its mails come back | EMAIL#<address>  | DELIVERY             |                                |                       |
| code asked for      | CODE#<nonce>     | CODE                 |                                |                       |
| organization, its audit | ORG#<id>     | ORG AUDIT#…          | ORGS (path)                    |                       |
| who may administer the site | ORG#root | ADMINISTRATORS       |                                |                       |
| what staff are told | DIGEST#<org>     | <window>#<about>     |                                | DIGEST (its end)      |
| product             | PRODUCT#<id>     | PRODUCT              | PRODUCTS or PRODUCTS#<gallery> |                       |
| where staff find it | PRODUCT#<id>     | STUDIO               | PRODUCTS_BY#<org> (made)       |                       |
| the same, of a gallery's | GALLERY#<id> | PRODUCT#<made>#<id> | PRODUCTS_BY#<org> (made)       |                       |
| gallery             | GALLERY#<id>     | GALLERY              | GALLERIES (made)               |                       |
| its password        | GALLERY#<id>     | CREDENTIAL           |                                |                       |
| where staff find it | GALLERY#<id>     | STUDIO               | GALLERIES#<org> (made)         |                       |
| picture             | GALLERY#<id>     | GALLERY#PICTURE#<id> |                                |                       |
| invitation, grant   | GALLERY#<id>     | GRANT#<HMAC of address or user> | GRANTS#<address> (made) |                   |
| access asked for    | GALLERY#<id>     | REQUEST#<HMAC of address> | REQUESTS#<address> (asked) |                       |
| selection sent to its photographer | GALLERY#<id> | SUBMITTED#<user>#<id> | SENT#<user> (sent)  |                       |
| outbox              | OUTBOX#<id>      | MAIL or EVENT        |                                | OUTBOX#<shard> (retry)|
| what the last clean-up did | SWEEP     | SWEEP                |                                |                       |
| limit               | LIMIT#<action>#… | <window>             |                                |                       |

`list`/`list_at` and `due`/`due_at` are two sparse indexes; no decision about access or uniqueness
rests on them. Sessions stand in their user's row: one read tells who it is and whether he still may,
ending all of them is one write, and there are never more than ten. A product stands alone under its
key, so that a cart finds it by id and no shop's partition is read by every cart; what a gallery sells
is pointed at beside it, so that whoever changes its door reads all of it, consistently; a picture
sorts right behind its gallery, so that one query reads both. What decides about a door is read by key: the
grant under the HMAC of an address one has proved and, once somebody took it, the pointer beside his
user. Rows with `expires` go by TTL, and every read
compares it as well.
"""  # noqa: E501

from typing import NamedTuple

SHARDS = 8


class Key(NamedTuple):
    pk: str
    sk: str


def user(user_id: str) -> Key:
    return Key(f"USER#{user_id}", "USER")


def cart(user_id: str) -> Key:
    return Key(f"USER#{user_id}", "CART")


def credential(user_id: str) -> Key:
    return Key(f"USER#{user_id}", "CREDENTIAL")


def claim(owner: str, claim_id: str) -> Key:
    """`owner` is the guest who signed up; a claim that is nobody's stands under its own id."""
    return Key(f"CLAIM#{claim_id}" if owner == claim_id else f"USER#{owner}", f"CLAIM#{claim_id}")


def is_claim(sk: str) -> bool:
    return sk.startswith("CLAIM#")


def link(user_id: str, purpose: str) -> Key:
    return Key(f"USER#{user_id}", f"LINK#{purpose}")


def receipt(user_id: str, guest_id: str) -> Key:
    return Key(f"USER#{user_id}", f"RECEIPT#{guest_id}")


def order(order_id: str) -> Key:
    return Key(f"ORDER#{order_id}", "ORDER")


def order_of_studio(order_id: str, org_id: str) -> Key:
    return Key(f"ORDER#{order_id}", f"STUDIO#{org_id}")


def order_of(user_id: str, order_id: str) -> Key:
    """Beside a user: an order his account shows. Ids of orders sort by time."""
    return Key(f"USER#{user_id}", f"ORDER#{order_id}")


def order_to(email: str, order_id: str) -> Key:
    """Beside an address: an order that names it."""
    return Key(f"EMAIL#{email}", f"ORDER#{order_id}")


def addresses(user_id: str) -> Key:
    return Key(f"USER#{user_id}", "ADDRESSES")


def consent(user_id: str, version: int, document: str) -> Key:
    """In the order of the account's versions."""
    return Key(f"USER#{user_id}", f"CONSENT#{version:09d}#{document}")


def consents_of(user_id: str) -> Key:
    """Where the ledger of a user begins."""
    return Key(f"USER#{user_id}", "CONSENT#")


def audit(user_id: str, at: int, version: int, record_id: str) -> Key:
    """In the order of time, and within a second of the account's versions."""
    return Key(f"USER#{user_id}", f"AUDIT#{at}#{version:06d}#{record_id}")


def audit_of(user_id: str) -> Key:
    """Where the audit of a user begins."""
    return Key(f"USER#{user_id}", "AUDIT#")


def member(user_id: str) -> Key:
    return Key(f"USER#{user_id}", "MEMBER")


def role(user_id: str, role: str, org_id: str) -> Key:
    return Key(f"USER#{user_id}", f"ROLE#{role}#{org_id}")


def email(email: str) -> Key:
    return Key(f"EMAIL#{email}", "EMAIL")


def code(nonce: str) -> Key:
    return Key(f"CODE#{nonce}", "CODE")


def idempotency(user_id: str, route: str, key: str) -> Key:
    return Key(f"USER#{user_id}", f"KEY#{route}#{key}")


def organization(org_id: str) -> Key:
    return Key(f"ORG#{org_id}", "ORG")


def organization_audit(org_id: str, at: int, record_id: str) -> Key:
    return Key(f"ORG#{org_id}", f"AUDIT#{at}#{record_id}")


def administrators() -> Key:
    return Key("ORG#root", "ADMINISTRATORS")


def digest(org_id: str, window: int, about: str) -> Key:
    return Key(f"DIGEST#{org_id}", f"{window}#{about}")


def product(product_id: str) -> Key:
    return Key(f"PRODUCT#{product_id}", "PRODUCT")


def product_of_studio(product_id: str, gallery_id: str | None, made_at: int) -> Key:
    if gallery_id is None:
        return Key(f"PRODUCT#{product_id}", "STUDIO")
    return Key(f"GALLERY#{gallery_id}", f"PRODUCT#{made_at:012d}#{product_id}")


def is_order(sk: str) -> bool:
    return sk.startswith("ORDER#")


def product_in(pointer: Key) -> Key:
    """The product a pointer of staff's leads to."""
    return product(id_in(pointer.pk if pointer.sk == "STUDIO" else pointer.sk))


def products_in(gallery_id: str) -> Key:
    """Where the pointers to what a gallery sells begin."""
    return Key(f"GALLERY#{gallery_id}", "PRODUCT#")


def is_product_in_gallery(sk: str) -> bool:
    return sk.startswith("PRODUCT#")


def gallery(gallery_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", "GALLERY")


def picture(gallery_id: str, picture_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", f"GALLERY#PICTURE#{picture_id}")


def gallery_password(gallery_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", "CREDENTIAL")


def gallery_of_studio(gallery_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", "STUDIO")


def grant(gallery_id: str, grant_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", f"GRANT#{grant_id}")


def held(user_id: str, gallery_id: str) -> Key:
    """Beside a user: the gallery he may enter for good."""
    return Key(f"USER#{user_id}", f"GRANT#{gallery_id}")


def is_grant(sk: str) -> bool:
    return sk.startswith("GRANT#")


def access_request(gallery_id: str, request_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", f"REQUEST#{request_id}")


def submitted(gallery_id: str, user_id: str, selection_id: str) -> Key:
    return Key(f"GALLERY#{gallery_id}", f"SUBMITTED#{user_id}#{selection_id}")


def submitted_to(gallery_id: str) -> Key:
    """Where what was sent to its photographer begins."""
    return Key(f"GALLERY#{gallery_id}", "SUBMITTED#")


def selection(user_id: str, selection_id: str) -> Key:
    return Key(f"USER#{user_id}", f"SELECTION#{selection_id}")


def is_listed_with_user(sk: str) -> bool:
    """Rows beside a user by which staff find him."""
    return sk == "MEMBER" or sk.startswith("ROLE#")


def is_selection(sk: str) -> bool:
    return sk.startswith("SELECTION#")


def delivery(email: str) -> Key:
    return Key(f"EMAIL#{email}", "DELIVERY")


def mail(outbox_id: str) -> Key:
    return Key(f"OUTBOX#{outbox_id}", "MAIL")


def event(outbox_id: str) -> Key:
    return Key(f"OUTBOX#{outbox_id}", "EVENT")


def is_event(sk: str) -> bool:
    return sk == "EVENT"


def sweep() -> Key:
    return Key("SWEEP", "SWEEP")


def limit(action: str, subject: str, window: int) -> Key:
    return Key(f"LIMIT#{action}#{subject}", str(window))


def id_in(part: str) -> str:
    """The id a key or a part of it ends with."""
    return part.rpartition("#")[2]


ORGANIZATIONS = "ORGS"
DIGESTS = "DIGEST"
CLOSING = "CLOSING"


def members_of(org_id: str) -> str:
    return f"MEMBERS#{org_id}"


def staff_of(org_id: str) -> str:
    return f"STAFF#{org_id}"


PUBLIC_GALLERIES = "GALLERIES"


PUBLIC_PRODUCTS = "PRODUCTS"


def galleries_of(org_id: str) -> str:
    return f"GALLERIES#{org_id}"


def products_by(org_id: str) -> str:
    return f"PRODUCTS_BY#{org_id}"


def requests_of(email: str) -> str:
    return f"REQUESTS#{email}"


def sent_by(user_id: str) -> str:
    return f"SENT#{user_id}"


def grants_on(email: str) -> str:
    return f"GRANTS#{email}"


def orders_of(org_id: str) -> str:
    return f"ORDERS#{org_id}"


def products_of(gallery_id: str) -> str:
    return f"PRODUCTS#{gallery_id}"


def product_position(gallery_id: str | None, position: str) -> str:
    """Store-wide products come first, then each gallery's together."""
    return f"0#{position}" if gallery_id is None else f"1#{gallery_id}#{position}"


def claims_on(email: str) -> str:
    return f"CLAIMS#{email}"


def idle_guests(shard: int) -> str:
    return f"GUEST#{shard}"


def expiring_claims(shard: int) -> str:
    return f"CLAIM#{shard}"


def unsent(shard: int) -> str:
    return f"OUTBOX#{shard}"


def shard_of(identifier: str) -> int:
    """Spreads what waits over SHARDS partitions of the `due` index."""
    return sum(identifier.encode()) % SHARDS
