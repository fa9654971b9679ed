"""The golden table: questions whose answers were written by hand from the rules of governance, before the policies.

A set of policies that answers any of them otherwise does not decide (governance, rule A3 of the adapter): nothing starts with it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO

from tutela.errors import BadInput, Refused
from tutela.model.access import Access, Ask
from tutela.model.noun import Noun
from tutela.model.people import Agent, Factor, Role

from .decide import Policies
from .purposes import CLASSES

NOW = 1_795_000_000_000_000
"""The moment of every question (microseconds): what is expired has ended then."""

ALLOW = "allow"
COLUMNS = (
    *("says", "role", "agency", "suspended", "action", "records", "collected_for", "purpose", "legal_basis", "joint"),
    *("stands", "invites", "personal", "owner", "expired", "answer", "sentence", "factor"),
)


class Golden(Noun, frozen=True, kw_only=True):
    """A row: what it says in words, the question, the id of the policy that refuses it (or `ALLOW`), and the rule that it is from."""

    says: str
    ask: Ask
    answer: str
    sentence: str


def table(text: str) -> tuple[Golden, ...]:
    """The rows of the table, a CSV text. Raises BadInput for one that lacks a column."""
    rows = list(csv.DictReader(StringIO(text), restval=""))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise BadInput(f"the golden table has a row at least, and the columns {', '.join(COLUMNS)}")
    return tuple(
        Golden(says=row["says"], ask=_asked(row), answer=row["answer"], sentence=row["sentence"]) for row in rows
    )


def answer(policies: Policies, ask: Ask) -> str:
    """The id of the policy that refuses, or `ALLOW`."""
    try:
        policies.check(ask)
    except Refused as refused:
        return refused.policy
    return ALLOW


def proven(policies: Policies, rows: Sequence[Golden]) -> Policies:
    """The same policies, after each row was asked. Raises BadInput with the rows that they answer otherwise."""
    wrong = [
        f"{row.says!r} is {told}, and has to be {row.answer} (governance {row.sentence})"
        for row in rows
        if (told := answer(policies, row.ask)) != row.answer
    ]
    if wrong:
        raise BadInput(f"the policies do not answer as the golden table does, so nothing starts: {'; '.join(wrong)}")
    return policies


def _asked(row: dict[str, str]) -> Ask:
    of = CLASSES[row["records"]]
    agent = Agent(id="a", name="", role=_role(row["role"]), agency=row["agency"], suspended=row["suspended"] == "yes")
    return Ask(
        access=Access(agent=agent, purpose=row["purpose"], legal_basis=row["legal_basis"], factor=_factor(row)),
        action=row["action"],
        record_class=of.name,
        record_purposes=tuple(row["collected_for"].split("|")) if row["collected_for"] else of.purposes,
        personal_data=of.personal_data or row["personal"] == "yes",
        agency=row["owner"],
        now=NOW,
        expires=NOW if row["expired"] == "yes" else None,
        joint=row["joint"] == "yes",
        stands=frozenset(filter(None, row["stands"].split("|"))),
        invites=row["invites"],
    )


def _factor(row: dict[str, str]) -> Factor:
    return Factor(row["factor"] or Factor.CODE)


def _role(name: str) -> Role:
    """The role; one that does not exist is asked about as well."""
    return Role(name) if name in set(Role) else name  # type: ignore[return-value]  # some rows are about roles that do not exist
