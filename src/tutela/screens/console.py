"""What the page for people stands on, and what is opened on it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from tutela.flow.at_desk import Acts, HandlingActs, Incidents, UnitActs
from tutela.flow.explain import Sentences
from tutela.flow.glass import GlassActs
from tutela.flow.invite_acts import InviteActs
from tutela.flow.people import Staff
from tutela.flow.read import Reads
from tutela.flow.read_health import HealthReads
from tutela.flow.read_staged import StagedReads
from tutela.flow.totp import Ways
from tutela.model.install import Install


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What the page stands on."""

    reads: Reads
    health: HealthReads
    staged: StagedReads
    staff: Staff
    ways: Ways
    invites: InviteActs
    acts: Acts
    incidents: Incidents
    units: UnitActs
    moderating: HandlingActs
    glass: GlassActs
    sentences: Sentences
    install: Install


@dataclass(frozen=True, slots=True)
class Opened:
    """The alert or incident that somebody looks at; "" for none."""

    alert: str = ""
    incident: str = ""

    @property
    def query(self) -> str:
        """As it stands in the address of the page."""
        named = {"alert": self.alert, "incident": self.incident}
        return urlencode({name: id_ for name, id_ in named.items() if id_})

    @classmethod
    def at(cls, query: str) -> Opened:
        """What was opened at that address; anything else in it is left out."""
        named = dict(parse_qsl(query))
        return cls(alert=named.get("alert", ""), incident=named.get("incident", ""))
