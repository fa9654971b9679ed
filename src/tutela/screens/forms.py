"""The forms of the page: what people do with a button, done as over the API, and told in one sentence afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from tutela.errors import BadInput, NotFound, Refused, TutelaError
from tutela.model.access import Access
from tutela.model.handling import Rejection
from tutela.model.incident import IncidentStatus
from tutela.model.resource import UnitStatus
from tutela.model.when import MINUTE

from . import look, paper
from .console import Console, Opened
from .guard import Guard, once
from .problem import Asked
from .why import access_of

LONGEST_KEY = 200
WRITTEN = ("text", "reason", "disposition")
"""Fields that cost somebody time: when nothing was done, they get their words back."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that somebody sent about `subject`: `key` does it once, `said` are its fields."""

    here: Console
    access: Access
    subject: str
    key: str
    said: Mapping[str, str]

    def __getitem__(self, field: str) -> str:
        """A field that the form needs."""
        found = self.said.get(field, "").strip()
        if not found:
            raise BadInput(f"the field {field!r} is empty; fill it in and send the form again")
        return found

    def whole(self, field: str) -> int:
        """A field that is a whole number."""
        text = self[field]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise BadInput(f"{text[:40]!r} is not a whole number; write the {field} in digits")
        return int(text)


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a form: where to go on, and what to say there."""

    opened: Opened
    says: str


async def acknowledge(form: Form) -> Done:
    """See to an alert."""
    await form.here.acts.acknowledge(form.access, form.subject, form.key)
    return Done(Opened(alert=form.subject), "Acknowledged: it waits for you now.")


async def shelve(form: Form) -> Done:
    """Let an alert rest."""
    minutes = form.whole("minutes")
    until = form.here.reads.desk.ledger.now + minutes * MINUTE
    await form.here.acts.shelve(form.access, form.subject, form.key, form["reason"], until)
    return Done(Opened(), f"Shelved for {minutes} minutes. It comes back by itself.")


async def unshelve(form: Form) -> Done:
    """Take an alert back."""
    await form.here.acts.unshelve(form.access, form.subject, form.key)
    return Done(Opened(alert=form.subject), "Taken back into the queue.")


async def dismiss(form: Form) -> Done:
    """Say that an alert is false."""
    await form.here.acts.dismiss(form.access, form.subject, form.key, form["reason"])
    return Done(Opened(), "Dismissed.")


async def open_from_alert(form: Form) -> Done:
    """Make an alert an incident."""
    incident = await form.here.incidents.open_from_alert(form.access, form.subject, form.key)
    return Done(Opened(incident=incident.id), "Incident opened.")


async def open_from_call(form: Form) -> Done:
    """Make a call an incident."""
    incident = await form.here.incidents.open_from_call(form.access, form.subject, form.key)
    return Done(Opened(incident=incident.id), "Incident opened.")


async def add_alert(form: Form) -> Done:
    """Add an alert to an incident."""
    incident = await form.here.incidents.add_alert(form.access, form["incident"], form.subject, form.key)
    return Done(Opened(incident=incident.id), "Added to this incident.")


async def add_call(form: Form) -> Done:
    """Add a call to an incident."""
    incident = await form.here.incidents.add_call(form.access, form["incident"], form.subject, form.key)
    return Done(Opened(incident=incident.id), "Added to this incident.")


async def take_out_alert(form: Form) -> Done:
    """Take an alert out of an incident."""
    await form.here.incidents.take_out_alert(form.access, form.subject, form["alert"], form.key)
    return _still(form, "Taken out. The alert is back in the queue, acknowledged by you.")


async def take_out_call(form: Form) -> Done:
    """Take a call out of an incident."""
    await form.here.incidents.take_out_call(form.access, form.subject, form["call"], form.key)
    return _still(form, "Taken out.")


async def fuse(form: Form) -> Done:
    """Fuse another incident into this one."""
    await form.here.incidents.fuse(form.access, form.subject, form["incident"], form.key)
    return _still(form, "Fused: the two are one now.")


async def take_apart(form: Form) -> Done:
    """Take two incidents apart."""
    await form.here.incidents.take_apart(form.access, form.subject, form["incident"], form.key)
    return _still(form, "Taken apart: the other one is active again.")


async def step(form: Form) -> Done:
    """Take one step of an incident's life."""
    try:
        status = IncidentStatus(form["status"])
    except ValueError as wrong:
        raise BadInput(f"an incident can't be {form['status'][:40]!r}; use the buttons of its page") from wrong
    await form.here.incidents.move(form.access, form.subject, status, form.key)
    return _still(form, f"This incident is {status} now.")


async def close(form: Form) -> Done:
    """Close an incident."""
    await form.here.incidents.close(form.access, form.subject, form["disposition"], form.key)
    return _still(form, "Closed.")


async def note(form: Form) -> Done:
    """Write something down."""
    await form.here.incidents.note(form.access, form.subject, form["text"], form.key)
    return _still(form, "Noted.")


async def involve(form: Form) -> Done:
    """Say which agencies work on it."""
    agencies = [name.strip() for name in form.said.get("agencies", "").split(",") if name.strip()]
    await form.here.incidents.involve(form.access, form.subject, agencies, form.key)
    return _still(form, "Written down who works on it.")


async def set_status(form: Form) -> Done:
    """Give a unit its next status."""
    try:
        status = UnitStatus(form["status"])
    except ValueError as wrong:
        raise BadInput(f"a unit can't be {form['status'][:40]!r}; choose one of the list of its row") from wrong
    unit = await form.here.units.set_status(form.access, form.subject, status, form.key)
    return Done(Opened.at(form.said.get("back", "")), f"{unit.name} is {look.status(unit.status).lower()} now.")


async def open_report(form: Form) -> Done:
    """Let everybody see a report."""
    words = form.said.get("words", "")
    stands = await form.here.moderating.open(form.access, form.subject, form.key, words)
    return _reported(form, f"{stands.number} is open, and everybody sees it.")


async def begin_report(form: Form) -> Done:
    """Somebody is at it."""
    stands = await form.here.moderating.begin(form.access, form.subject, form.key)
    return _reported(form, f"{stands.number} is in progress.")


async def close_report(form: Form) -> Done:
    """Say what was done."""
    stands = await form.here.moderating.close(form.access, form.subject, form.key, form["text"])
    return _reported(form, f"{stands.number} is closed, and whoever reported it is told.")


async def reject_report(form: Form) -> Done:
    """Say why it is not dealt with."""
    try:
        why = Rejection(form["why"])
    except ValueError as wrong:
        raise BadInput("choose why it is not dealt with, from the list") from wrong
    words = form.said.get("text", "")
    stands = await form.here.moderating.reject(form.access, form.subject, form.key, why, words)
    return _reported(form, f"{stands.number} is rejected, and whoever reported it is told why.")


async def repeat_report(form: Form) -> Done:
    """Say that another one says the same."""
    stands = await form.here.moderating.duplicate(form.access, form.subject, form.key, form["of"])
    return _reported(form, f"{stands.number} repeats {stands.duplicate_of}.")


def _reported(form: Form, says: str) -> Done:
    return Done(Opened.at(form.said.get("back", "")), says)


async def sign_on(form: Form) -> Done:
    """Begin a shift."""
    shift = await form.here.staff.sign_on(form.access, form.whole("budget"))
    return Done(Opened(), f"You are on shift, for {shift.budget} alerts an hour.")


async def sign_off(form: Form) -> Done:
    """End a shift."""
    await form.here.staff.sign_off(form.access)
    return Done(Opened(), "Your shift is over.")


def _still(form: Form, says: str) -> Done:
    return Done(Opened(incident=form.subject), says)


Do = Callable[[Form], Awaitable[Done]]

ALERT: dict[str, Do] = {
    "acknowledge": acknowledge,
    "shelve": shelve,
    "unshelve": unshelve,
    "dismiss": dismiss,
    "open": open_from_alert,
    "add": add_alert,
}
CALL: dict[str, Do] = {"open": open_from_call, "add": add_call}
INCIDENT: dict[str, Do] = {
    "step": step,
    "close": close,
    "note": note,
    "involve": involve,
    "fuse": fuse,
    "take-apart": take_apart,
    "take-out-alert": take_out_alert,
    "take-out-call": take_out_call,
}
REPORT: dict[str, Do] = {
    "open": open_report,
    "begin": begin_report,
    "close": close_report,
    "reject": reject_report,
    "duplicate": repeat_report,
}
UNIT: dict[str, Do] = {"status": set_status}
SHIFT: dict[str, Do] = {"on": sign_on, "off": sign_off}


def handlers(here: Console, guard: Guard) -> list[HTTPRouteHandler]:
    """The routes; the page mounts them."""

    @post("/do/alert/{verb:str}/{subject:str}", status_code=200)
    async def on_alert(request: Asked, verb: FromPath[str], subject: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, ALERT, verb, subject)

    @post("/do/call/{verb:str}/{subject:str}", status_code=200)
    async def on_call(request: Asked, verb: FromPath[str], subject: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, CALL, verb, subject)

    @post("/do/incident/{verb:str}/{subject:str}", status_code=200)
    async def on_incident(request: Asked, verb: FromPath[str], subject: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, INCIDENT, verb, subject)

    @post("/do/unit/{verb:str}/{subject:str}", status_code=200)
    async def on_unit(request: Asked, verb: FromPath[str], subject: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, UNIT, verb, subject)

    @post("/do/report/{verb:str}/{subject:str}", status_code=200)
    async def on_report(request: Asked, verb: FromPath[str], subject: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, REPORT, verb, subject)

    @post("/do/shift/{verb:str}", status_code=200)
    async def on_shift(request: Asked, verb: FromPath[str]) -> Response[str]:
        return await _done(here, guard, request, SHIFT, verb)

    return [on_alert, on_call, on_incident, on_unit, on_report, on_shift]


def _named(verbs: Mapping[str, Do], verb: str) -> Do:
    if verb not in verbs:
        raise NotFound(f"there is nothing called {verb[:40]!r} to do here; there are: {', '.join(verbs)}")
    return verbs[verb]


async def _done(
    here: Console, guard: Guard, request: Asked, verbs: Mapping[str, Do], verb: str, subject: str = ""
) -> Response[str]:
    """Do it, and go on to the page, which says what became of it."""
    await guard.whose(request)
    do = _named(verbs, verb)
    said = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        access = access_of(await guard.person(request))
        done = await do(Form(here, access, subject, once(said.get("key", "")[:LONGEST_KEY]), said))
    except TutelaError as wrong:
        if isinstance(wrong, Refused) and wrong.policy in paper.OUT:
            raise
        written = next((said[field] for field in WRITTEN if said.get(field)), "")
        kept = f" You wrote: {written}" if written else ""
        done = Done(Opened.at(said.get("back", "")), f"Not done: {wrong.message}.{kept}")
    return paper.go(f"/?{done.opened.query}", done.says)
