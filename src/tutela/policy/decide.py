"""Decides, with Cedar: what no policy permits, or one forbids, or can't be judged, is refused with its reason.

Cedar skips a policy that fails, so that an error in a forbid would allow what it forbids. Hence three
rules here: the schema goes with every question, any error is a refusal, and policies that do not
validate against the schema stop the start.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NoReturn

import cedarpy

from tutela.errors import BadInput, Refused
from tutela.model.access import Ask
from tutela.model.noun import Noun

from .purposes import used_for

NEVER = 2**63 - 1
ANNOTATIONS = ("id", "msg", "do")
NO_ROLE = "There is no such role here: come in by an invitation for one that there is."
OUTRIGHT = "R"
"""How the ids of `refusals.NEVER` begin."""

Question = tuple[dict[str, Any], list[dict[str, Any]]]
"""A Cedar request and the entities that it is about."""


class Rule(Noun, frozen=True, kw_only=True):
    """One policy as people know it: its id, what it says, what to do about it, and whose duty it is."""

    id: str
    forbids: bool
    msg: str
    do: str
    role: str = ""


class Policies:
    """A set of Cedar policies that is fit to decide. `check` is the one way to ask.

    Raises BadInput at once when a policy can't be read, does not fit the schema, lacks one of the
    annotations @id, @msg and @do, or shares its id with another.
    """

    def __init__(self, text: str, schema: str) -> None:
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(text)
        except ValueError as wrong:
            raise BadInput(f"the policies can't be read, so nothing starts: {wrong}") from wrong
        valid = cedarpy.validate_policies(text, self._schema)
        if not valid:
            raise BadInput(
                f"the policies do not fit the schema, so nothing starts: {'; '.join(map(str, valid.errors))}"
            )
        self._rules = _rules(text)
        self._digest = sha256(f"{text}\0{schema}".encode()).hexdigest()

    @property
    def digest(self) -> str:
        """SHA-256 of the policies' text, a zero byte and the schema: which set decided."""
        return self._digest

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All policies, by id: what the public register shows."""
        return tuple(sorted(self._rules.values(), key=lambda rule: rule.id))

    def check(self, ask: Ask) -> None:
        """Returns when the policies permit it; raises Refused with the policy's id and sentence when not."""
        self.judge(question(ask), ask)

    def judge(self, asked: Question, ask: Ask) -> None:
        """As `check`, for the question as Cedar gets it; `ask` is for the words of a refusal."""
        request, entities = asked
        try:
            answer = cedarpy.is_authorized(request, self._policies, entities, self._schema)
        except ValueError as wrong:  # text that is no Unicode does not reach Cedar
            raise _unjudged([str(wrong)]) from wrong
        if answer.diagnostics.errors:
            raise _unjudged(answer.diagnostics.errors)
        if answer.decision is not cedarpy.Decision.Allow:
            self._refuse(answer.diagnostics.reasons, ask)

    def _refuse(self, reasons: list[str], ask: Ask) -> NoReturn:
        rules = sorted((self._rules[reason] for reason in reasons), key=_weight)
        if rules:
            first = rules[0]
            raise Refused(f"{first.msg} {first.do}", policy=first.id, policies=[rule.id for rule in rules])
        role = ask.access.agent.role
        says = " ".join(f"{rule.msg} {rule.do}" for rule in self.rules if rule.role and rule.role == role)
        what = f"No policy lets {role} {ask.action} {ask.record_class} for {ask.access.purpose}."
        raise Refused(f"{what} {says or NO_ROLE}", policy="no-permit")


def _weight(rule: Rule) -> tuple[bool, str]:
    """What is refused outright is told first."""
    return not rule.id.startswith(OUTRIGHT), rule.id


def _unjudged(errors: list[str]) -> Refused:
    return Refused(
        "The policies can't judge this question, so it is refused. Ask for something that the reference names.",
        policy="unjudged",
        errors=errors,
    )


def question(ask: Ask) -> Question:
    """The question in Cedar's words. The one place that knows the schema's attributes."""
    agent = {"type": "Agent", "id": str(ask.access.agent.role)}  # so that a decision holds for all of a role alike
    records = {"type": "Records", "id": ask.record_class}
    request = {
        "principal": agent,
        "action": {"type": "Action", "id": str(ask.action)},
        "resource": records,
        "context": {
            "purpose": ask.access.purpose,
            "legal_basis": ask.access.legal_basis,
            "factor": str(ask.access.factor),
            "joint_case": ask.joint,
            "stands": sorted(ask.stands),
            "invites": ask.invites,
            "now": ask.now,
        },
    }
    who = {
        "role": str(ask.access.agent.role),
        "agency": ask.access.agent.agency,
        "suspended": ask.access.agent.suspended,
    }
    what = {
        "class": ask.record_class,
        "purposes": used_for(ask.record_purposes),
        "personal": ask.personal_data,
        "agency": ask.agency,
        "expires": NEVER if ask.expires is None else ask.expires,
    }
    return request, [{"uid": agent, "attrs": who, "parents": []}, {"uid": records, "attrs": what, "parents": []}]


def _rules(text: str) -> dict[str, Rule]:
    """Each policy's rule, by the name that Cedar gives it in the order of the text."""
    rules = {}
    for name, policy in json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].items():
        notes = policy.get("annotations", {})
        missing = [note for note in ANNOTATIONS if not notes.get(note)]
        if missing:
            raise BadInput(f"the policy {notes.get('id') or name} has no @{', no @'.join(missing)}; write it")
        rules[name] = Rule(
            id=notes["id"],
            forbids=policy["effect"] == "forbid",
            msg=notes["msg"],
            do=notes["do"],
            role=notes.get("role", ""),
        )
    ids = [rule.id for rule in rules.values()]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
    if twice:
        raise BadInput(f"two policies have the id {', '.join(twice)}; give each its own")
    return rules
