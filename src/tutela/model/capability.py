"""The public register: what the platform does by itself, which sources it has, and what only people can say of both."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .arming import Standing
from .noun import Noun
from .register import Source

Text = Annotated[str, msgspec.Meta(max_length=5000)]
Day = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]


class Words(Noun, frozen=True, kw_only=True):
    """What people say of a system's capabilities. What is empty nobody has said yet, and the register shows that.

    The fields are those of the registers that it is shown in (NL algoritmeregister 0.3.1, UK ATRS): `impact` is how
    people come into contact with it, `published` and `revision` are days, when this was first published and before when it is looked at
    again.
    """

    system: str
    department: Text = ""
    contact_email: Annotated[str, msgspec.Meta(pattern=r"^([^@\s]+@[^@\s]+)?$", max_length=200)] = ""
    senior_responsible_owner: Text = ""
    domain: Text = ""
    decision_making_process: Text = ""
    goal: Text = ""
    impact: Text = ""
    risks: Text = ""
    risk_category: Literal["", "minimal risk", "limited risk", "high risk"] = ""
    proportionality: Text = ""
    alternatives_considered: Text = ""
    lawful_basis: Text = ""
    impact_assessment: Text = ""
    human_intervention: Text = ""
    required_training: Text = ""
    objection_procedure: Text = ""
    monitoring: Text = ""
    published: Day = ""
    revision: Day = ""


class Capability(Noun, frozen=True, kw_only=True):
    """Something that the platform notices by itself: one use of a part by a system, or a rule that people armed.

    `works` is how, in its author's words; `options` are those that differ from the part's own. `since`: when a rule was armed
    (microseconds; None: it came with this version).
    """

    name: str
    part: str
    version: int
    system: str
    purposes: tuple[str, ...]
    finds: str
    works: str
    cannot: str
    learns: bool
    personal_data: bool
    options: dict[str, object] = {}
    since: int | None = None


class Entered(Noun, frozen=True, kw_only=True):
    """A source's entry, and how many Things of each kind speak through it."""

    source: Source
    things: dict[str, int] = {}


class PublicRegister(Noun, frozen=True, kw_only=True):
    """All of it at a moment (microseconds). `missing`: by system, what of its words nobody has said yet; `states`: where each capability is."""

    city: str
    version: str
    at: int
    sources: tuple[Entered, ...]
    capabilities: tuple[Capability, ...]
    words: tuple[Words, ...]
    missing: dict[str, tuple[str, ...]]
    states: tuple[Standing, ...] = ()

    def state_of(self, capability: Capability) -> Standing:
        """Where it is."""
        unsaid = Standing(name=capability.name, state="drafted", off="", needs=())
        return next((one for one in self.states if one.name == capability.name), unsaid)

    def words_of(self, capability: Capability) -> Words:
        """What people say of it."""
        return next((one for one in self.words if one.system == capability.system), Words(system=capability.system))


class Record(Noun, frozen=True, kw_only=True):
    """One capability in the form of a register. `missing` are required fields that nobody has filled yet."""

    name: str
    record: dict[str, object]
    missing: tuple[str, ...]
