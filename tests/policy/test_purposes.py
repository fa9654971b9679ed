"""Purposes, legal bases and classes of records."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from tutela.errors import BadInput
from tutela.model.access import Access
from tutela.model.kinds import KINDS
from tutela.model.people import Agent, Role
from tutela.model.register import Source
from tutela.model.when import DAY
from tutela.policy.purposes import ALWAYS, CLASSES, LEGAL_BASES, PURPOSES, Action, ask, proper, used_for

ENTRY = Source(
    name="air",
    owner="city",
    kind="sensors",
    purposes=("environment",),
    legal_basis="PublicInterest",
    personal_data=False,
    place="Helsinki",
)
ACCESS = Access(
    agent=Agent(id="a", name="Aino", role=Role.OPERATOR, agency="fire"),
    purpose="public-safety",
    legal_basis="PublicInterest",
)


def test_data_is_used_for_what_it_was_collected_for_and_for_what_is_compatible() -> None:
    assert used_for(["traffic"]) == (
        "emergency-response",
        "oversight",
        "public-safety",
        "rights-request",
        "statistics",
        "traffic",
    )


def test_what_neighbours_share_is_used_for_nothing_else() -> None:
    assert used_for(["neighbourhood"]) == tuple(sorted(("neighbourhood", *ALWAYS)))


def test_a_purpose_that_we_do_not_know_serves_itself_only() -> None:
    assert used_for(["herring"]) == tuple(sorted(("herring", *ALWAYS)))


def test_all_names_are_known_everywhere() -> None:
    for purpose in PURPOSES.values():
        assert set(purpose.also) <= PURPOSES.keys()
    for record_class in CLASSES.values():
        assert set(record_class.purposes) <= PURPOSES.keys()
    assert set(ALWAYS) <= PURPOSES.keys()
    assert KINDS.keys() <= CLASSES.keys()


def test_a_kind_with_personal_data_is_a_class_with_personal_data() -> None:
    for kind in KINDS.values():
        assert CLASSES[kind.name].personal_data == kind.personal_data


def test_purposes_and_legal_bases_are_terms_of_dpv() -> None:
    """The terms as DPV 2.3 has them (https://w3id.org/dpv, modules purposes and legal_basis)."""
    purposes = {purpose.dpv.removeprefix("https://w3id.org/dpv#") for purpose in PURPOSES.values()}

    assert purposes == {
        "ImproveHealthcare",
        "ImprovePublicServices",
        "ImproveTransportMobility",
        "OrganisationComplianceManagement",
        "ProtectionOfPublicSecurity",
        "ProvideOfficialStatistics",
        "PublicBenefit",
        "RequestedServiceProvision",
        "RightsFulfilment",
        "ServiceMonitoring",
        "ServiceProvision",
    }
    assert all(re.fullmatch("[A-Z][A-Za-z]+", basis) for basis in LEGAL_BASES)


def test_a_question_takes_what_the_class_says_where_the_records_say_nothing() -> None:
    asked = ask(ACCESS, Action.READ, "calls", 5)

    assert asked.record_purposes == CLASSES["calls"].purposes
    assert not asked.personal_data
    assert asked.agency == "fire"
    assert asked.expires is None


def test_a_question_takes_what_the_records_say() -> None:
    asked = ask(
        ACCESS,
        Action.READ,
        "readings",
        5,
        collected_for=("traffic", "environment"),
        personal_data=True,
        agency="city",
        expires=9,
    )

    assert asked.record_purposes == ("environment", "traffic")
    assert asked.personal_data
    assert asked.agency == "city"
    assert asked.expires == 9


def test_records_expire_as_governance_says() -> None:
    assert CLASSES["call-contents"].expires(7) == 7 + 365 * DAY
    assert CLASSES["readings"].expires(7) is None


def test_an_entry_with_our_words_is_proper() -> None:
    proper(ENTRY)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (replace(ENTRY, purposes=("environment", "curiosity")), "no purpose called 'curiosity'"),
        (replace(ENTRY, purposes=()), "say what the data is for"),
        (replace(ENTRY, subjects=("Fire", "@aino")), "'@aino' is no subject of posts; name each in up to 4 words"),
        (replace(ENTRY, legal_basis="LegitimateInterest"), "'LegitimateInterest' is no legal basis"),
    ],
)
def test_an_entry_with_other_words_is_told_ours(entry: Source, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        proper(entry)


@pytest.mark.parametrize("days", [-3, -1, 36_501, 10**9])
def test_a_retention_that_can_not_be_is_refused(days: int) -> None:
    with pytest.raises(BadInput, match=f"air: retention_days is {days}; give a number of days from 0 to 36500"):
        proper(replace(ENTRY, retention_days=days))


@pytest.mark.parametrize("days", [None, 0, 30, 36_500])
def test_a_retention_from_none_to_a_hundred_years_can_be(days: int | None) -> None:
    proper(replace(ENTRY, retention_days=days))
