"""SES's side of the mails the site "sent", for whoever looks at a board: delivered, unless the
address says otherwise as with SES's own mailbox simulator: bounce@…, bounce+any@…, complaint@…."""

import re
from typing import Any

from local.pump import matches
from local.site import Site

_SIMULATED = {"bounce": "Bounce", "complaint": "Complaint"}
_NAMES = {
    "Delivery": "Email Delivered",
    "Bounce": "Email Bounced",
    "Complaint": "Email Complaint Received",
}


def deliver(site: Site) -> int:
    """Tells what became of the mails about invitations that were sent; answers of how many."""
    events = [told(row) for row in site.cloud.rows() if row.get("delivery", {}).get("S") == "sent"]
    for event in events:
        for rule in site.template.rules:
            if matches(rule.pattern, event):
                site.invoke(rule.function, event)
    return len(events)


def told(row: dict[str, Any]) -> dict[str, Any]:
    address = row["address"]["S"]
    kind = _SIMULATED.get(re.split("[+@]", address)[0], "Delivery")
    tags = {
        "kind": ["invitation"],
        "outbox": [row["mail"]["S"]],
        "gallery": [row["pk"]["S"].partition("#")[2]],
        "grant": [row["sk"]["S"].partition("#")[2]],
    }
    recipients = [{"emailAddress": address}]
    return {
        "source": "aws.ses",
        "detail-type": _NAMES[kind],
        "resources": ["arn:aws:ses:eu-west-1:123456789012:configuration-set/MailConfiguration"],
        "detail": {
            "eventType": kind,
            "mail": {"destination": [address], "tags": tags},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": recipients},
            "complaint": {"complainedRecipients": recipients},
        },
    }
