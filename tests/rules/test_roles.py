"""Who may do what to whom, and which roles a newcomer gets."""

import itertools
from pathlib import Path

import pytest

from foyer.rules import policy
from foyer.rules.organizations import Approval, Organization, needs_approval
from foyer.rules.policy import Policy, parse
from foyer.rules.registration import Newcomer, roles, tried
from foyer.rules.roles import (
    ADMINISTRATIVE,
    POWERS,
    Power,
    Role,
    highest,
    may_act_on,
    may_give,
    rank,
    reach,
)

NOW = 1_800_000_000
ROOT, STUDIO, SHOP = ("root",), ("root", "studio"), ("root", "studio", "shop")
HOTEL = ("root", "hotel")


def held(role: str, org: str = "studio") -> tuple[Role, ...]:
    return (Role(role, org),)


def test_a_role_reaches_its_organization_and_all_below_and_nothing_else() -> None:
    actor = held("customer_service_supervisor")
    assert reach(actor, Power.DECIDE, STUDIO) == 1
    assert reach(actor, Power.DECIDE, SHOP) == 1
    assert reach(actor, Power.DECIDE, ROOT) is None
    assert reach(actor, Power.DECIDE, HOTEL) is None


def test_photographers_sell_in_their_own_studio_and_nobody_else_but_site_administrators() -> None:
    sellers = {role for role in ADMINISTRATIVE if Power.SELL in POWERS[role]}
    assert sellers == {"photographer", "site_administrator"}
    assert reach(held("photographer"), Power.SELL, SHOP) is not None
    assert reach(held("photographer"), Power.SELL, HOTEL) is None
    assert reach(held("photographer"), Power.SELL, ROOT) is None


@pytest.mark.parametrize("power", Power)
def test_nobody_acts_on_his_own_rank_or_above_but_site_administrators(power: Power) -> None:
    names = [*sorted(ADMINISTRATIVE), "registered_customer"]
    for mine, theirs in itertools.product(names, names):
        org = "root" if mine == "site_administrator" else "studio"
        may = may_act_on(held(mine, org), power, held(theirs), STUDIO)
        has_power = power in POWERS.get(mine, ())
        assert may == (has_power and (rank(mine) > rank(theirs) or mine == "site_administrator"))


def test_rank_counts_wherever_the_role_is_held() -> None:
    """Who serves here and administers elsewhere is not beneath those who serve here."""
    actor = held("customer_service_supervisor")
    assert not may_act_on(actor, Power.SWITCH, held("buyer_administrator", "hotel"), STUDIO)
    both = (*held("customer_service_representative"), *held("buyer_administrator", "hotel"))
    assert not may_act_on(both, Power.SEE, held("photographer"), STUDIO)
    assert highest(both) == 2


def test_r37_nobody_gives_a_role_of_his_own_rank_or_above_the_site_administrator_apart() -> None:
    admin, buyer = held("site_administrator", "root"), held("buyer_administrator")
    for role in (*ADMINISTRATIVE, "registered_customer"):
        assert may_give(admin, Role(role, "studio"), STUDIO)
        assert may_give(buyer, Role(role, "shop"), SHOP) == (rank(role) < 2)
        assert not may_give(buyer, Role(role, "hotel"), HOTEL)
        for other in ("customer_service_supervisor", "photographer", "registered_customer"):
            assert not may_give(held(other), Role(role, "studio"), STUDIO)


# ---- approval ------------------------------------------------------------------------------------


def org(path: tuple[str, ...], approval: Approval) -> Organization:
    return Organization(path[-1], path[-1], path, approval)


def test_h16_approval_is_the_organizations_own_setting_or_its_nearest_ancestors() -> None:
    required, not_required, inherit = Approval.REQUIRED, Approval.NOT_REQUIRED, Approval.INHERIT
    for own, parent, root, asked in (
        (required, not_required, not_required, True),
        (not_required, required, required, False),
        (inherit, required, not_required, True),
        (inherit, not_required, required, False),
        (inherit, inherit, required, True),
        (inherit, inherit, not_required, False),
    ):
        line = [org(SHOP, own), org(STUDIO, parent), org(ROOT, root)]
        assert needs_approval(line) is asked
    assert not needs_approval([])


# ---- registration attributes ---------------------------------------------------------------------

TEXT = Path(policy.__file__).with_name("policy.toml").read_text(encoding="utf-8")

# HCL's sample stores as its documentation describes them: who registers with the store under the
# Default Organization is a Registered Customer of the organization that owns the store; who
# registers under a buyer organization buys for it; a reseller registers below the resellers.
SAMPLE = """
[[registration]]
name = "resellers"
kind = "sign_up"
organization = "resellers"
profile_type = "B"
roles = [
    { role = "reseller", organization = "own" },
    { role = "registered_customer", organization = "store" },
]

[[registration]]
name = "people of a buyer organization"
organization = "buyers"
profile_type = "B"
roles = [
    { role = "buyer", organization = "own" },
    { role = "registered_customer", organization = "store" },
]

[[registration]]
name = "consumers"
organization = "default"
profile_type = "C"
roles = [{ role = "registered_customer", organization = "store" }]

"""


def sample() -> Policy:
    start, end = TEXT.index("[[registration]]"), TEXT.index("[approvals]")
    return parse(TEXT[:start] + SAMPLE + TEXT[end:])


@pytest.mark.parametrize(
    ("newcomer", "rule", "given"),
    [
        (
            Newcomer("sign_up", "C", ("root", "default")),
            "consumers",
            {("registered_customer", "store")},
        ),
        (
            Newcomer("sign_up", "B", ("root", "buyers", "acme")),
            "people of a buyer organization",
            {("buyer", "acme"), ("registered_customer", "store")},
        ),
        (
            Newcomer("on_behalf", "B", ("root", "buyers", "acme", "paris")),
            "people of a buyer organization",
            {("buyer", "paris"), ("registered_customer", "store")},
        ),
        (
            Newcomer("sign_up", "B", ("root", "resellers", "framer")),
            "resellers",
            {("reseller", "framer"), ("registered_customer", "store")},
        ),
        (Newcomer("on_behalf", "B", ("root", "resellers", "framer")), None, set()),
        (Newcomer("sign_up", "B", ("root", "default")), None, set()),
    ],
)
def test_h13_the_rules_of_hcls_sample_store_give_the_roles_it_says(
    newcomer: Newcomer, rule: str | None, given: set[tuple[str, str]]
) -> None:
    rules = sample().registration
    found = roles(rules, newcomer, NOW)
    assert {(role.role, role.organization_id) for role in found} == given
    assert {role.by for role in found} == ({f"rule:{rule}"} if rule else set())
    matched = [one.rule.name for one in tried(rules, newcomer) if not one.fails]
    assert matched == ([rule] if rule else [])


def test_n17_the_dry_run_says_what_did_not_fit() -> None:
    looked_at = tried(sample().registration, Newcomer("on_behalf", "C", ("root", "default")))
    assert [(one.rule.name, one.fails) for one in looked_at] == [
        ("resellers", ("kind", "organization", "profile_type")),
        ("people of a buyer organization", ("organization", "profile_type")),
        ("consumers", ()),
    ]


def test_the_first_rule_that_matches_wins() -> None:
    rules = parse(TEXT).registration
    business = roles(rules, Newcomer("sign_up", "B", ("root", "hotel")), NOW)
    assert {role.role for role in business} == {"registered_customer", "buyer"}
    consumer = roles(rules, Newcomer("sign_up", "C", ("root", "default")), NOW)
    assert [(role.role, role.organization_id) for role in consumer] == [
        ("registered_customer", "default")
    ]
