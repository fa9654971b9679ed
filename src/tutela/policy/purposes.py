"""Why data may be used, in the words of W3C DPV 2.3: purposes, legal bases, and the classes of records.

A purpose is a short name of ours under the nearest term of DPV. `also` are the purposes that it is
compatible with, decided in advance and published (GDPR art. 6(4)): what was collected for the first
may be used for those too, and for nothing else. Whatever data was collected for, supervision and the
rights of the people it is about are always purposes of it (GDPR chapter III, art. 58).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from tutela.errors import BadInput
from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.incident import Incident
from tutela.model.noun import Noun
from tutela.model.post import SUBJECT, is_subject
from tutela.model.register import Datastream, Source
from tutela.model.when import DAY

from . import refusals

DPV = "https://w3id.org/dpv#"


class Action(StrEnum):
    """What an access can want to do."""

    READ = "read"
    ACT = "act"  # on alerts, incidents and units: acknowledge, shelve, open, fuse, note, set a status
    EXPORT = "export"  # hand out of the house: evidence, with its recipient and reason
    SEARCH = "search"  # look for somebody in the records of a case, and only there
    HOLD = "hold"  # keep what a case needs although its time is over, and let it go again
    ANSWER = "answer"  # what a person asks about themselves
    FILE = "file"  # a paper: enter it, grant it, end it
    ARM = "arm"  # a capability: publish it, answer its comments, arm it, disarm it
    SIGN = "sign"  # on and off a shift
    INVITE = "invite"
    ENTER = "enter"  # a source, its Things and Datastreams, into the register
    APPROVE = "approve"  # say yes or no to what somebody else proposed
    BREAK_GLASS = "break-glass"  # look past one's agency's boundary, for life and limb
    WIDEN = "widen"  # do what permits more than before: lift a hold, widen an entry; never without a second person
    SCORE = "score"  # a person: refused for everybody, named here so that it can be


class Purpose(Noun, frozen=True, kw_only=True):
    """Why data is used: our name, the nearest DPV term, and what it may be used for as well."""

    name: str
    dpv: str
    also: tuple[str, ...] = ()
    says: str


PURPOSES = {
    purpose.name: purpose
    for purpose in (
        Purpose(
            name="emergency-response",
            dpv=f"{DPV}RequestedServiceProvision",
            also=("public-safety", "statistics"),
            says="Help somebody who called for it, or who plainly needs it now.",
        ),
        Purpose(
            name="public-safety",
            dpv=f"{DPV}ProtectionOfPublicSecurity",
            also=("emergency-response", "statistics"),
            says="Notice and ward off danger to people in public places.",
        ),
        Purpose(
            name="traffic",
            dpv=f"{DPV}ImproveTransportMobility",
            also=("emergency-response", "public-safety", "statistics"),
            says="Keep traffic safe and moving.",
        ),
        Purpose(
            name="environment",
            dpv=f"{DPV}PublicBenefit",
            also=("emergency-response", "public-safety", "public-health", "statistics"),
            says="Watch air, water, noise and weather.",
        ),
        Purpose(
            name="city-operations",
            dpv=f"{DPV}ImprovePublicServices",
            also=("emergency-response", "public-safety", "statistics"),
            says="Keep lights, streets and buildings working.",
        ),
        Purpose(
            name="public-health",
            dpv=f"{DPV}ImproveHealthcare",
            also=("statistics",),
            says="See and slow the spread of illness, in numbers and never by person.",
        ),
        Purpose(
            name="neighbourhood",
            dpv=f"{DPV}ServiceProvision",
            says="Bring neighbours together and find help. Not for the police.",
        ),
        Purpose(
            name="statistics",
            dpv=f"{DPV}ProvideOfficialStatistics",
            says="Count and compare, for planning and for the public.",
        ),
        Purpose(
            name="system-operation",
            dpv=f"{DPV}ServiceMonitoring",
            says="Keep this system and the things that feed it running.",
        ),
        Purpose(
            name="oversight",
            dpv=f"{DPV}OrganisationComplianceManagement",
            says="Check that the rules were kept.",
        ),
        Purpose(
            name="rights-request",
            dpv=f"{DPV}RightsFulfilment",
            says="Answer a person who asks what is kept of them.",
        ),
    )
}

LONGEST = 36_500
"""Days: what is kept for longer than a hundred years is kept without a limit."""

ALWAYS = ("oversight", "rights-request")

LEGAL_BASES = {
    "VitalInterest": "Somebody's life or health depends on it (GDPR art. 6(1)(d)).",
    "OfficialAuthorityOfController": "The law gives the authority this task (GDPR art. 6(1)(e)).",
    "PublicInterest": "The law makes it a task in the public interest (GDPR art. 6(1)(e)).",
    "LegalObligation": "The law demands it (GDPR art. 6(1)(c)).",
    "Consent": "The person agreed to it and can take it back (GDPR art. 6(1)(a)).",
}
"""DPV terms. Legitimate interest is none of them: it is no basis for an authority's tasks (art. 6(1), last sentence)."""


class RecordClass(Noun, frozen=True, kw_only=True):
    """Records of one sort: what for when they do not say themselves, whether about people, how long kept.

    `days` is the longest time that such records may be read after the fact (governance (c)); None: no limit.
    """

    name: str
    purposes: tuple[str, ...]
    personal_data: bool = False
    days: int | None = None
    says: str

    def expires(self, at: int) -> int | None:
        """When the retention of a record of that moment ends; None: never."""
        return None if self.days is None else at + self.days * DAY


_NOTHING: frozenset[str] = frozenset()
_GLASS = frozenset({"break-glass"})
"""What stands for a question."""

_DESK = ("emergency-response", "public-safety")
_ANY = tuple(PURPOSES)

CLASSES = {
    record.name: record
    for record in (
        RecordClass(name="readings", purposes=("environment",), says="Measured numbers."),
        RecordClass(name="counts", purposes=("public-safety",), says="Numbers of people, vehicles or events."),
        RecordClass(name="positions", purposes=_DESK, personal_data=True, says="Where Things that move are."),
        RecordClass(name="units", purposes=_DESK, says="Units with their status and skills, without their positions."),
        RecordClass(name="detections", purposes=_DESK, says="What a detector noticed."),
        RecordClass(name="alerts", purposes=_DESK, says="Detections put before operators."),
        RecordClass(name="calls", purposes=_DESK, says="When, where and of which type somebody called for help."),
        RecordClass(
            name="call-contents",
            purposes=_DESK,
            personal_data=True,
            days=365,
            says="Who called, and what they said.",
        ),
        RecordClass(
            name="reports",
            purposes=("city-operations",),
            says="When, where and of which category a resident reported something.",
        ),
        RecordClass(
            name="report-contents",
            purposes=("city-operations",),
            personal_data=True,
            days=365,
            says="What a resident wrote in a report.",
        ),
        RecordClass(
            name="report-contacts",
            purposes=("city-operations",),
            personal_data=True,
            days=90,
            says="How whoever reported is reached, where they said so.",
        ),
        RecordClass(
            name="report-photos",
            purposes=("city-operations",),
            personal_data=True,
            days=90,
            says="Pictures that came with reports. They are shown to those who deal with them, and to nobody else.",
        ),
        RecordClass(
            name="posts",
            purposes=("public-safety",),
            days=1,
            says="When, in which cell and on which subject somebody posted in public. Never who. After its time nobody is shown "
            "it and no rule is tried on it; the bare row stays, without words and in the clear.",
        ),
        RecordClass(
            name="post-contents",
            purposes=("public-safety",),
            personal_data=True,
            days=1,
            says="The words of a public post.",
        ),
        RecordClass(
            name="incidents",
            purposes=_DESK,
            personal_data=True,
            days=7 * 365,
            says="What people do about it, with their notes.",
        ),
        RecordClass(
            name="cases",
            purposes=_DESK,
            personal_data=True,
            says="Why, by which authority, in what and until when people are looked for; and what is found. Two people decide.",
        ),
        RecordClass(name="shifts", purposes=_DESK, says="Who is signed on, with which alert budget."),
        RecordClass(name="accesses", purposes=("oversight",), says="Who asked for what, why, and what was refused."),
        RecordClass(
            name="people", purposes=("system-operation",), personal_data=True, says="Who works here, with which role."
        ),
        RecordClass(name="register", purposes=_ANY, says="The sources, their Things and Datastreams."),
        RecordClass(
            name="requests",
            purposes=("rights-request",),
            says="That somebody asked what is kept of them, or to change it: what for, when, and by when it is answered.",
        ),
        RecordClass(
            name="serious-incidents",
            purposes=("system-operation",),
            says="That an AI that is used here led to harm, or may have, and whether the authority was told.",
        ),
        RecordClass(
            name="request-contents",
            purposes=("rights-request",),
            personal_data=True,
            says="Who asked, what they wrote, how it was checked who they are, and what was answered.",
        ),
        RecordClass(
            name="papers",
            purposes=_ANY,
            says="Assessments, authorisations, agreements and consents, without the people in them.",
        ),
        RecordClass(
            name="paper-contents",
            purposes=_ANY,
            personal_data=True,
            says="Who signed a paper, whom it is about, and why it was decided.",
        ),
        RecordClass(
            name="health", purposes=("system-operation", *_DESK), says="How this system and its sources are doing."
        ),
        RecordClass(
            name="approvals",
            purposes=("system-operation", *_DESK),
            says="What two people decide: what was proposed, who voted how, and what became of it.",
        ),
        RecordClass(
            name="break-glass",
            purposes=("system-operation", *_DESK),
            says="Who looked past their agency's boundary for life and limb, why, and who reviewed it.",
        ),
        RecordClass(name="person-scores", purposes=(), personal_data=True, says="Refused: nobody is scored here."),
    )
}


def used_for(collected_for: Iterable[str]) -> tuple[str, ...]:
    """All purposes that data collected for these may be used for, in order of name."""
    own = set(collected_for)
    compatible = {also for name in own & PURPOSES.keys() for also in PURPOSES[name].also}
    return tuple(sorted(own | compatible | set(ALWAYS)))


def known_purpose(name: str, of: str) -> None:
    """Raise BadInput, with the list, when nobody knows that purpose of a source or a rule; Refused for one that nobody may have."""
    refusals.purpose(name, of)
    if name not in PURPOSES:
        raise BadInput(f"{of}: there is no purpose called {name!r}; there are: {', '.join(PURPOSES)}")


def proper(source: Source) -> None:
    """A register entry names purposes and a legal basis that we know, and a retention that can be; raises BadInput with the lists.

    Refused for a purpose or a kind of source that is refused outright.
    """
    refusals.names((source.kind,), source.name)
    for name in source.purposes:
        known_purpose(name, source.name)
    if not source.purposes:
        raise BadInput(f"{source.name}: say what the data is for; the purposes are: {', '.join(PURPOSES)}")
    if source.legal_basis not in LEGAL_BASES:
        raise BadInput(f"{source.name}: {source.legal_basis!r} is no legal basis here: {', '.join(LEGAL_BASES)}")
    if not 0 <= (source.retention_days or 0) <= LONGEST:
        raise BadInput(
            f"{source.name}: retention_days is {source.retention_days}; give a number of days from 0 to {LONGEST}, "
            "or leave it out to keep what it sends without a limit"
        )
    for name in source.subjects:
        if not is_subject(name):
            raise BadInput(f"{source.name}: {name!r} is no subject of posts; name each in {SUBJECT}")


def purpose_of(stream: Datastream, source: Source) -> str:
    """What a datastream is for: one of its source's purposes, the first where it does not say; BadInput for another."""
    purpose = stream.purpose or source.purposes[0]
    if purpose not in source.purposes:
        raise BadInput(
            f"{stream.name}: the entry of {source.name} does not say that it sends data for {purpose!r}; "
            f"its purposes are: {', '.join(source.purposes)}"
        )
    return purpose


def ask(
    access: Access,
    action: Action,
    record_class: str,
    now: int,
    *,
    collected_for: Iterable[str] | None = None,
    personal_data: bool = False,
    agency: str | None = None,
    expires: int | None = None,
) -> Ask:
    """The question whether `access` may do `action` with records of that class.

    `collected_for`: the records' own purposes (default: those of the class). `personal_data`: true of
    them, or of their class anyway. `agency`: whose they are (default: that of the person who asks).
    `expires`: when their retention ends. Times are microseconds UTC. What else a question can tell is
    false or empty: no joint case, no paper that stands but a break-glass, no role that somebody is invited to.
    """
    of = CLASSES[record_class]
    return Ask(
        access=access,
        action=action,
        record_class=record_class,
        record_purposes=of.purposes if collected_for is None else tuple(sorted(collected_for)),
        personal_data=personal_data or of.personal_data,
        agency=access.agent.agency if agency is None else agency,
        now=now,
        expires=expires,
        stands=_NOTHING if access.glass is None else _GLASS,
    )


def ask_about(access: Access, action: Action, work: Alert | Incident, now: int) -> Ask:
    """Whether `access` may do `action` with it.

    An incident is everybody's who works on it; the agencies that do are named on it.
    """
    if isinstance(work, Alert):
        return ask(
            access,
            action,
            "alerts",
            now,
            collected_for=(work.purpose,),
            expires=CLASSES["alerts"].expires(work.last),
        )
    own = access.agent.agency
    return ask(
        access,
        action,
        "incidents",
        now,
        collected_for=(work.purpose,),
        agency=own if not work.agencies or own in work.agencies else work.agencies[0],
        expires=CLASSES["incidents"].expires(work.opened_at),
    )
