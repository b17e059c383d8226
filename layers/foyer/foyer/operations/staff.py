"""What the people of the studio do. So far: opening the site."""

from secrets import token_bytes

from foyer.credentials import Entropy, new_id
from foyer.storage.organizations import DEFAULT, ROOT, new_organization
from foyer.storage.outbox import Mail, new_mail
from foyer.storage.table import ConditionFailed, write


def open_site(
    name: str, administrator: str, language: str, now: int, entropy: Entropy = token_bytes
) -> bool:
    """Makes the two organizations every site has and welcomes its administrator by mail, all in
    one transaction. False where the site was open already: then nothing changes, nobody is mailed.
    """
    welcome = Mail(new_id(entropy), "welcome", administrator, language, {}, now)
    try:
        write(
            new_organization(ROOT, name, None, "required"),
            new_organization(DEFAULT, name, ROOT, "not_required"),
            new_mail(welcome),
        )
    except ConditionFailed:
        return False
    return True
