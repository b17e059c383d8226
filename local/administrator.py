"""`make administrator EMAIL=…`: invites a site administrator. To the site that `make run` serves on
this machine, or with STACK= to a deployed one, with the AWS credentials of whoever calls."""

import json
import os
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

from local.deployed import Problem, client, facts
from local.site import PATH

SAID = {
    "invited": "A link is on its way to {email}. It asks for a password; then the site has its "
    "administrator.",
    "granted": "{email} has an account and is site administrator from now on; a mail says so.",
    "already": "{email} is site administrator already. Nothing was changed.",
    "no_password": "{email} has an account without a password. Choose one there first "
    "(My space, Security), then try again.",
    "not_approved": "{email} has an account that is not approved or is disabled. Let another "
    "administrator see to that, or use another address.",
}
DONE = {"invited", "granted", "already"}


def main() -> int:
    given, stack = os.environ.get("EMAIL", "").strip(), os.environ.get("STACK", "").strip()
    email = address(given)
    if email is None:
        return _fail(f"EMAIL is {given!r}. Say whom: make administrator EMAIL=you@example.com")
    try:
        result = _deployed(stack, email) if stack else _here(email)
    except Problem as problem:
        return _fail(str(problem))
    if result not in DONE:
        return _fail(SAID[result].format(email=email))
    print(SAID[result].format(email=email))
    if result == "already":
        return 0
    if stack:
        for sentence in in_the_way(os.environ["SENDER"], email):
            print(sentence)
    else:
        print(f"On this machine mails arrive at {_here_url()}/_dev/mail")
    return 0


def address(text: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return None
    return f"{found.local_part}@{found.ascii_domain}"


def _here_url() -> str:
    return f"http://localhost:{os.environ.get('PORT', '8000')}"


def _here(email: str) -> str:
    door = f"{_here_url()}/_dev/administrator"
    body = json.dumps({"email": email}).encode()
    asked = urllib.request.Request(door, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own door
            return str(json.load(answer)["result"])
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError) as error:
        raise Problem(
            f"No site answers at {_here_url()} ({error}). Start it with `make run` (PORT= if it "
            "is another one), or name a deployed one: make administrator EMAIL=… STACK=…"
        ) from error


def _deployed(stack: str, email: str) -> str:
    """Writes what the site's own functions would; the stream has it mailed."""
    from botocore.exceptions import BotoCoreError, ClientError

    os.environ |= facts(stack)
    sys.path[0:0] = [entry for entry in PATH if entry not in sys.path]
    from foyer import clock
    from foyer.operations.on_behalf import invite_administrator
    from foyer.settings import own_language
    from foyer.storage.table import Unavailable

    try:
        return invite_administrator(email, os.environ["SITE_NAME"], own_language(), clock.now())
    except (BotoCoreError, ClientError, Unavailable) as error:
        raise Problem(f"The table of {stack} cannot be written: {error}") from error


# ---- whether the mail will arrive ----------------------------------------------------------------


def in_the_way(sender: str, email: str) -> list[str]:
    """A sentence for whatever keeps SES from mailing this address, and what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    ses = client("sesv2")
    found = []
    try:
        account = ses.get_account()
        if not account["SendingEnabled"]:
            found.append("SES has paused the account: its console says why.")
        if not _is_verified(ses, sender):
            found.append(
                f"SES does not know {sender} yet, so nothing is sent. Verify it or its domain "
                f"(aws sesv2 create-email-identity); the mail waits, for a day."
            )
        if not account["ProductionAccessEnabled"] and not _is_verified(ses, email):
            found.append(
                f"SES is in its sandbox and sends to verified addresses alone; {email} is none. "
                "Verify it as well and deploy with SesSandbox=yes, or ask for production access "
                "(README, Deploy)."
            )
    except (BotoCoreError, ClientError) as error:
        found.append(f"Whether SES sends it could not be checked: {error}")
    return found


def _is_verified(ses: Any, address: str) -> bool:
    """It itself, or its domain."""
    for identity in (address, address.partition("@")[2]):
        with suppress(ses.exceptions.NotFoundException):
            if ses.get_email_identity(EmailIdentity=identity)["VerifiedForSendingStatus"]:
                return True
    return False


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
