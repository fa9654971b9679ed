"""The golden table, and the rules that keep Cedar from failing open."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from random import Random
from typing import Any

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from tutela.errors import BadInput, Refused
from tutela.model.access import Access, Ask
from tutela.model.people import Agent, Factor, Role
from tutela.policy.decide import Policies, question
from tutela.policy.golden import NOW, Golden, answer, proven, table
from tutela.policy.purposes import CLASSES, LEGAL_BASES, PURPOSES, Action, ask, used_for

FOLDER = files("tutela.policy") / "policies"
TEXT = "\n".join((FOLDER / name).read_text() for name in ("forbids.cedar", "permits.cedar"))
SCHEMA = (FOLDER / "tutela.cedarschema").read_text()
SHIPPED = Policies(TEXT, SCHEMA)
TABLE = (FOLDER / "golden.csv").read_text()
GOLDEN = table(TABLE)

POLICY_IDS = (
    "F06-purpose-limitation",
    "F07-retention",
    "F09-suspended",
    "F14-neighbourhood-apart",
    "F15-legal-basis",
    "F16-personal-data-duty",
    "F17-other-agency",
    "F18-own-agency-invites",
    "F19-oversight-apart",
    "F20-weaker-factor",
    "F21-own-agency-enters",
    "F22-own-agency-votes",
    "F23-oversight-votes-apart",
    "G10-two-people",
    "G20-agreement",
    "G26-life-and-limb",
    "G27-own-proposal",
    "G27-second-person",
    "G28-case",
    "G32-objection",
    "G33-audit-gap",
    "P01-operators",
    "P02-supervisors",
    "P03-analysts",
    "P04-privacy-officers",
    "P05-auditors",
    "P06-it",
    "P07-oversight-invites",
    "P08-answers",
    "P09-serious-incidents",
    "P10-moderators",
    "R01-person-scores",
    "R12-advertising",
)


def without(text: str, id_: str) -> str:
    """The policies without that one."""
    tree = json.loads(cedarpy.policies_to_json_str(text))
    kept = {name: one for name, one in tree["staticPolicies"].items() if one["annotations"]["id"] != id_}
    assert len(kept) == len(tree["staticPolicies"]) - 1
    return cedarpy.policies_from_json_str(json.dumps({**tree, "staticPolicies": kept}))


@pytest.mark.parametrize("row", GOLDEN, ids=[row.says for row in GOLDEN])
def test_the_golden_table_holds(row: Golden) -> None:
    assert answer(SHIPPED, row.ask) == row.answer


def test_the_golden_table_is_long_and_every_row_says_which_sentence_it_is_from() -> None:
    """G01 to G38, the adapter's rules A1 to A6, the refused uses R01 to R12 in their order, the retention table (c)."""
    known = re.compile("G([012][0-9]|3[0-8])|A[1-6]|R(0[1-9]|1[0-2])|c")

    assert len(GOLDEN) >= 200
    assert [row.says for row in GOLDEN if not known.fullmatch(row.sentence)] == []


@pytest.mark.parametrize("id_", POLICY_IDS)
def test_without_any_one_policy_nothing_starts(id_: str) -> None:
    with pytest.raises(BadInput, match=r"do not answer as the golden table does, so nothing starts: .* \(governance "):
        proven(Policies(without(TEXT, id_), SCHEMA), GOLDEN)


def test_the_shipped_policies_start() -> None:
    assert proven(SHIPPED, GOLDEN) is SHIPPED


@pytest.mark.parametrize("text", ["", "says,role\na,operator\n"])
def test_a_golden_table_that_lacks_something_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="the golden table has a row at least, and the columns says, "):
        table(text)


def test_these_are_all_policies() -> None:
    assert [rule.id for rule in SHIPPED.rules] == list(POLICY_IDS)


def test_every_forbid_keeps_something_out_that_a_permit_would_let_in() -> None:
    """A forbid whose loss lets nobody in would be a sentence, not a rule. Those of R are for what no permit names."""
    for id_ in (id_ for id_ in POLICY_IDS if id_.startswith(("F", "G"))):
        fewer = Policies(without(TEXT, id_), SCHEMA)

        let_in = [row.says for row in GOLDEN if row.answer == id_ and answer(fewer, row.ask) == "allow"]

        assert let_in, id_


OVERSIGHT = (Role.AUDITOR, Role.PRIVACY_OFFICER)
ALLOWED = [row for row in GOLDEN if row.answer == "allow"]


@given(row=some.sampled_from(ALLOWED), data=some.data())
def test_dropping_any_attribute_never_yields_allow(row: Golden, data: some.DataObject) -> None:
    ask_ = row.ask
    request, entities = question(ask_)
    holders: list[dict[str, Any]] = [request["context"], entities[0]["attrs"], entities[1]["attrs"], request]
    holder = data.draw(some.sampled_from(holders))
    dropped = data.draw(some.sets(some.sampled_from(sorted(holder)), min_size=1))
    for name in dropped:
        del holder[name]

    with pytest.raises((Refused, KeyError)):
        SHIPPED.judge((request, entities), ask_)


def test_of_ten_thousand_questions_that_lack_something_none_is_allowed() -> None:
    """Ten thousand different ones, the same in every run; each would be allowed if it were whole."""
    chance = Random(1)
    seen: set[tuple[int, tuple[tuple[int, str], ...]]] = set()
    while len(seen) < 10_000:
        number = chance.randrange(len(ALLOWED))
        ask_ = ALLOWED[number].ask
        request, entities = question(ask_)
        holders = (request["context"], entities[0]["attrs"], entities[1]["attrs"])
        names = [(place, name) for place, holder in enumerate(holders) for name in sorted(holder)]
        dropped = tuple(sorted(chance.sample(names, chance.randint(1, 4))))
        for place, name in dropped:
            del holders[place][name]
        if (number, dropped) in seen:
            continue
        seen.add((number, dropped))
        with pytest.raises(Refused):
            SHIPPED.judge((request, entities), ask_)


@given(row=some.sampled_from(ALLOWED), entity=some.sampled_from([0, 1]))
def test_dropping_an_entity_never_yields_allow(row: Golden, entity: int) -> None:
    ask_ = row.ask
    request, entities = question(ask_)

    with pytest.raises(Refused):
        SHIPPED.judge((request, entities[:entity] + entities[entity + 1 :]), ask_)


words = some.text(max_size=8)
agents = some.builds(
    Agent,
    id=words,
    name=words,
    role=some.sampled_from(Role),
    agency=some.sampled_from(["city", "police", "fire"]) | words,
    suspended=some.booleans(),
)
accesses = some.builds(
    Access,
    agent=agents,
    purpose=some.sampled_from(sorted(PURPOSES)) | words,
    legal_basis=some.sampled_from(sorted(LEGAL_BASES)) | words,
    case=some.none() | words,
    factor=some.sampled_from(Factor),
)
questions = some.builds(
    Ask,
    access=accesses,
    action=some.sampled_from(list(map(str, Action))) | words,
    record_class=some.sampled_from(sorted(CLASSES)) | words,
    record_purposes=some.lists(some.sampled_from(sorted(PURPOSES)) | words, max_size=3).map(tuple),
    personal_data=some.booleans(),
    agency=some.sampled_from(["city", "police", "fire"]) | words,
    now=some.integers(-(2**64), 2**64),
    expires=some.none() | some.integers(-(2**64), 2**64),
    joint=some.booleans(),
    stands=some.frozensets(words),
    invites=some.sampled_from(list(map(str, Role))) | words,
)


@given(ask_=questions)
def test_whatever_is_asked_what_is_allowed_breaks_no_prohibition(ask_: Ask) -> None:
    """The prohibitions once more, in Python: an allow keeps all of them, and anything else is a refusal."""
    if answer(SHIPPED, ask_) != "allow":
        return

    access, agent = ask_.access, ask_.access.agent
    decided = ask_.action == Action.READ and "compatibility" in ask_.stands
    assert access.purpose in used_for(ask_.record_purposes) or (decided and "neighbourhood" not in ask_.record_purposes)
    assert access.legal_basis in LEGAL_BASES
    assert not agent.suspended
    assert ask_.action != Action.SCORE
    assert ask_.record_class != "person-scores"
    assert ask_.expires is None or ask_.expires > ask_.now
    assert agent.agency != "police" or "neighbourhood" not in (access.purpose, *ask_.record_purposes)
    if ask_.action == Action.EXPORT:
        assert ask_.stands & {"agreement", "authorisation"}
        assert "audited" in ask_.stands
        assert access.factor not in (Factor.TOTP, Factor.PROVIDER)
    if ask_.action == Action.INVITE:
        assert ask_.agency == agent.agency
        assert (agent.role in OVERSIGHT) == (ask_.invites in OVERSIGHT)
    elif ask_.personal_data:
        assert agent.role not in (Role.ANALYST, Role.AUDITOR)
        assert ask_.agency in (agent.agency, "city") or ask_.joint


@given(row=some.sampled_from(GOLDEN), other=agents, shift=some.integers(0, 10**12))
def test_a_decision_holds_for_everybody_alike(row: Golden, other: Agent, shift: int) -> None:
    """What flow/ledger.py relies on: neither the person nor the moment matters, only role, agency and expiry."""
    ask_ = row.ask
    agent = replace(ask_.access.agent, id=other.id, name=other.name)
    later = None if ask_.expires is None else ask_.expires + shift
    same = replace(ask_, access=replace(ask_.access, agent=agent), now=ask_.now + shift, expires=later)

    assert answer(SHIPPED, same) == row.answer


def test_a_refusal_says_what_and_what_to_do() -> None:
    analyst = Access(
        agent=Agent(id="a", name="Aino", role=Role.ANALYST, agency="city"),
        purpose="statistics",
        legal_basis="PublicInterest",
    )

    with pytest.raises(Refused, match="about people") as contents:
        SHIPPED.check(ask(analyst, Action.READ, "call-contents", NOW))
    with pytest.raises(Refused) as unpermitted:
        SHIPPED.check(ask(analyst, Action.ACT, "alerts", NOW))

    assert "Ask for the records without personal data" in contents.value.message
    assert "No policy lets analyst act alerts for statistics." in unpermitted.value.message
    assert "Analysts read values" in unpermitted.value.message


def test_a_refusal_names_all_policies_that_refuse() -> None:
    nobody = Access(
        agent=Agent(id="a", name="Aino", role=Role.OPERATOR, agency="city", suspended=True),
        purpose="curiosity",
        legal_basis="PublicInterest",
    )

    with pytest.raises(Refused) as refused:
        SHIPPED.check(ask(nobody, Action.READ, "alerts", NOW))

    assert refused.value.where["policies"] == ["F06-purpose-limitation", "F09-suspended"]


@pytest.mark.parametrize("row", [row for row in GOLDEN if row.answer != "allow"], ids=lambda row: row.says)
def test_every_refusal_names_the_policy_the_sentence_and_what_to_do(row: Golden) -> None:
    rules = {rule.id: rule for rule in SHIPPED.rules}
    with pytest.raises(Refused) as refused:
        SHIPPED.check(row.ask)

    told = refused.value
    if told.policy in rules:
        assert told.message == f"{rules[told.policy].msg} {rules[told.policy].do}"
    elif told.policy == "no-permit":
        own = [rule.do for rule in SHIPPED.rules if rule.role and rule.role == str(row.ask.access.agent.role)]
        assert told.message.startswith("No policy lets ")
        assert told.message.endswith(own[-1] if own else "come in by an invitation for one that there is.")
    else:
        assert told.policy == "unjudged"
        assert told.message.endswith("Ask for something that the reference names.")


def test_the_digest_is_of_every_letter_of_the_policies_and_their_schema() -> None:
    assert SHIPPED.digest == Policies(TEXT, SCHEMA).digest
    assert len({SHIPPED.digest, Policies(f"{TEXT}\n", SCHEMA).digest, Policies(TEXT, f"{SCHEMA}\n").digest}) == 3


def test_text_that_is_no_unicode_is_refused() -> None:
    assert answer(SHIPPED, replace(ALLOWED[0].ask, action="\ud800")) == "unjudged"


FINE = '@id("F1") @msg("No.") @do("Go.") forbid (principal, action, resource) when { principal.suspended };'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("forbid (", "can't be read"),
        (FINE.replace("suspended", "supended"), "do not fit the schema"),
        (FINE.replace("action,", 'action == Action::"raed",'), "do not fit the schema"),
        (FINE.replace('@msg("No.")', ""), "F1 has no @msg"),
        (FINE.replace('@do("Go.")', '@do("")'), "F1 has no @do"),
        (FINE.replace('@id("F1")', ""), "policy0 has no @id"),
        (FINE + FINE, "the id F1"),
    ],
)
def test_policies_that_are_not_fit_do_not_start(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        Policies(text, SCHEMA)


def test_a_policy_can_demand_a_passkey() -> None:
    demands = FINE.replace("principal.suspended", 'context.factor != "passkey"')
    policies, by_code = Policies(TEXT + demands, SCHEMA), ALLOWED[0].ask

    assert answer(policies, by_code) == "F1"
    policies.check(replace(by_code, access=replace(by_code.access, factor=Factor.PASSKEY)))


def test_a_schema_that_can_not_be_read_does_not_start() -> None:
    with pytest.raises(BadInput, match="can't be read"):
        Policies(FINE, "entity {")


def test_every_policy_says_something() -> None:
    assert len(SHIPPED.rules) == len(POLICY_IDS)
    for rule in SHIPPED.rules:
        assert rule.msg.endswith(".")
        assert rule.do.endswith(".")
        assert rule.forbids != rule.id.startswith("P")
        assert rule.role in {"", *Role}
