"""The question about an alert or an incident, the same at every door: whose it is, what for, and until when."""

from __future__ import annotations

from tutela.model.access import Access, Ask
from tutela.model.alert import Alert
from tutela.model.incident import Incident

from .purposes import CLASSES, Action, ask


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
