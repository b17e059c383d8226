"""The site on one's own machine tells of its mails as SES would."""

from local import feedback
from local.site import Site
from tests.inviting import invite, line, photographer


def test_mails_arrive_unless_their_address_says_otherwise(site: Site) -> None:
    boss = photographer(site).browser
    whom = ["nina@example.com", "bounce@example.com", "complaint@example.com"]
    invite(boss, *whom)
    site.drain()
    assert feedback.deliver(site) == 3
    delivered = [line(boss, address)["delivery"] for address in whom]
    assert delivered == ["delivered", "bounced", "complained"]
    assert feedback.deliver(site) == 0
