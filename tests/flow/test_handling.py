"""A report's life: each step once, told to whoever reported; nothing public before a person looked at it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.screens.town import NOW, SQUARE, Town, town

from tutela.errors import BadInput, Conflict, NotFound, Quarantined, Refused, WrongStep
from tutela.flow.entering import enter
from tutela.flow.handling import WORDS
from tutela.flow.reporting import PICTURE
from tutela.maths.cells import metres
from tutela.maths.ids import uuid_of
from tutela.maths.numbers import number_of
from tutela.model.access import Access
from tutela.model.handling import KIND, PUBLIC, REOPENED, STEPS, Handling, HandlingStatus, Rejection, begun, subject_of
from tutela.model.people import Role
from tutela.model.place import Place
from tutela.model.reporting import PORTAL, Filing, Sent
from tutela.model.when import DAY, MINUTE

LAMP = "Lighting: lamp out"
FILING = Filing(category=LAMP, place=SQUARE, words=" Dark since Monday. ", contact="liisa@example.org", key="form-1")


class Case:
    """A town whose clock is moved by hand, a moderator, and a report."""

    here: Town
    sent: Sent
    now: int = NOW

    async def begin(self, filing: Filing = FILING) -> Case:
        self.here = await town(lambda: self.now)
        agent, _ = await self.here.person(Role.OPERATOR, "Bo")
        self.me = self.here.access(agent)
        self.sent = await self.here.reporting.file(filing)
        return self

    async def id(self) -> str:
        report, _ = await self.here.handlings.numbered(self.sent.number)
        return report.id

    async def status(self) -> HandlingStatus:
        return (await self.here.reporting.follow(self.sent.number, self.sent.secret)).handling.status


@pytest.fixture
async def case() -> Case:
    return await Case().begin()


async def test_whoever_reported_follows_each_step_and_reads_what_is_told(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.id()
    await acts.open(case.me, id_, "1", words="Dark lamp.", says="Thank you.")
    case.now += MINUTE
    await acts.begin(case.me, id_, "2")
    await acts.close(case.me, id_, "3", "The lamp was replaced.")

    found = await case.here.reporting.follow(f" {case.sent.number.lower()} ", case.sent.secret.lower())

    assert found.handling.words == "Dark lamp."
    assert [(step.status, step.says) for step in found.history] == [
        (HandlingStatus.RECEIVED, ""),
        (HandlingStatus.OPEN, "Thank you."),
        (HandlingStatus.IN_PROGRESS, ""),
        (HandlingStatus.CLOSED, "The lamp was replaced."),
    ]


async def test_a_wrong_number_and_a_wrong_secret_are_one_answer(case: Case) -> None:
    wrong = ((case.sent.number, "A"), ("261125-AAAA-AAAA", case.sent.secret), ("260231-AAAA-AAAA", "A"), ("x", "A"))
    for number, secret in wrong:
        with pytest.raises(NotFound, match="no report has this number and this secret"):
            await case.here.reporting.follow(number, secret)


async def test_nothing_is_public_before_somebody_opened_it_nor_after_it_was_rejected(case: Case) -> None:
    handlings, acts, id_ = case.here.handlings, case.here.moderating, await case.id()
    span = (NOW - DAY, NOW + DAY, 10)

    assert await handlings.public(*span) == []
    with pytest.raises(NotFound, match="everybody may see"):
        await handlings.seen(case.sent.number)

    await acts.open(case.me, id_, "1", words="Dark lamp.")

    assert [one.number for one in await handlings.public(*span)] == [case.sent.number]
    assert await handlings.public(*span, after=1) == []
    assert len(await handlings.public(NOW - 9 * DAY, NOW + DAY, 1)) == 1
    assert (await handlings.seen(case.sent.number)).words == "Dark lamp."

    await acts.reject(case.me, id_, "2", Rejection.PERSONAL_DATA, "Leave out the name.")

    assert await handlings.public(*span) == []
    assert (await case.here.reporting.follow(case.sent.number, case.sent.secret)).history[-1].why == "personal-data"


async def test_what_was_written_and_how_somebody_is_reached_is_nowhere_in_the_clear(case: Case) -> None:
    await case.here.moderating.open(case.me, await case.id(), "1", words="Dark lamp.", says="Thank you.")

    bodies = b"".join(event.body for event in case.here.facts.store.events.values())

    assert not [word for word in (b"Dark", b"Monday", b"liisa", b"Thank", case.sent.secret.encode()) if word in bodies]


async def test_the_same_form_sent_twice_is_one_report_with_the_same_number_and_secret(case: Case) -> None:
    case.now += MINUTE

    assert await case.here.reporting.file(FILING) == case.sent
    assert await case.here.reporting.file(msgspec.structs.replace(FILING, key="form-2")) != case.sent
    assert len(case.here.events("report@1")) == 2


async def test_where_exactly_it_is_stays_with_those_who_deal_with_it_if_its_reporter_wants_that() -> None:
    case = await Case().begin(msgspec.structs.replace(FILING, blur=True))
    bare, handling = await case.here.handlings.numbered(case.sent.number)
    opened = await case.here.moderating.opened(case.me, bare.id)

    assert opened.report.exact == SQUARE
    assert handling.place == bare.place == opened.report.place
    assert 10 < metres(handling.place, SQUARE) < 250


async def test_only_a_moderator_reads_how_somebody_is_reached_and_only_for_its_time(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.id()
    analyst, _ = await case.here.person(Role.ANALYST, "Ana")
    counts = Access(agent=analyst, purpose="statistics", legal_basis="PublicInterest")

    opened = await acts.opened(case.me, id_)
    with pytest.raises(Refused):
        await acts.opened(counts, id_)
    listed = await acts.listed(counts)
    with pytest.raises(NotFound, match="no picture"):
        await acts.photo(case.me, id_)
    case.now += 91 * DAY
    later = await acts.opened(case.me, id_)

    assert (opened.report.said, opened.contact, opened.photo) == ("Dark since Monday.", "liisa@example.org", False)
    assert (later.report.said, later.contact) == ("Dark since Monday.", "")
    assert [one.report.said for one in listed] == [""]
    assert [one.handling.status for one in listed] == ["received"]


async def test_reports_of_other_sources_are_dealt_with_alike(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.here.report()

    await acts.open(case.me, id_, "1")

    assert [one.report.id for one in await acts.listed(case.me, HandlingStatus.OPEN)] == [id_]
    assert len(await acts.listed(case.me)) == 2
    assert [one.category for one in await case.here.handlings.public(NOW - DAY, NOW + DAY, 9)] == ["Trees: fallen tree"]
    with pytest.raises(NotFound, match="no report"):
        await acts.open(case.me, (await case.here.call()).id, "1")


async def test_an_act_sent_twice_is_done_once(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.id()

    first = await acts.open(case.me, id_, "1", words="Dark lamp.")
    again = await acts.open(case.me, id_, "1", words="Dark lamp.")

    assert first == again
    assert first.words == "Dark lamp."
    assert len(case.here.events(KIND)) == 1


async def test_of_two_who_deal_with_it_at_once_one_is_told(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.id()
    other, _ = await case.here.person(Role.SUPERVISOR, "Cai")

    done = await asyncio.gather(
        acts.open(case.me, id_, "1"),
        acts.open(case.here.access(other), id_, "1"),
        return_exceptions=True,
    )

    assert sorted(type(one).__name__ for one in done) in (["Conflict", "Handling"], ["Handling", "WrongStep"])


async def test_the_log_has_the_first_of_two_steps_from_the_same_one(case: Case) -> None:
    handlings, id_ = case.here.handlings, await case.id()
    report = await handlings.report(id_)
    before = await handlings.of(report)
    opened, rejected = before.to(HandlingStatus.OPEN, NOW), before.to(HandlingStatus.REJECTED, NOW)

    await handlings.step(report, uuid_of("1"), "bo", lambda _: opened)
    with pytest.raises(Conflict, match="somebody else"):
        await handlings.step(report, uuid_of("2"), "cai", lambda _: rejected)

    assert (await handlings.of(report)).status is HandlingStatus.OPEN
    assert await handlings.since(NOW + DAY, NOW + 2 * DAY) == []


async def test_its_reporter_opens_it_again_within_thirty_days_and_not_later(case: Case) -> None:
    acts, reporting, id_ = case.here.moderating, case.here.reporting, await case.id()
    with pytest.raises(WrongStep, match="report it anew"):
        await reporting.reopen(case.sent.number, case.sent.secret, "Still dark.")
    await acts.open(case.me, id_, "1")
    await acts.close(case.me, id_, "2", "Replaced.")
    with pytest.raises(BadInput, match="what is still wrong"):
        await reporting.reopen(case.sent.number, case.sent.secret, "  ")

    again = await reporting.reopen(case.sent.number, case.sent.secret, "Still dark.")

    assert (again.status, again.says, again.reopened) == (HandlingStatus.OPEN, "Still dark.", 1)
    assert (await case.here.handlings.seen(case.sent.number)).says == ""  # nobody has looked at these words
    await acts.close(case.me, id_, "3", "Replaced again.")
    case.now += REOPENED + MINUTE
    with pytest.raises(WrongStep, match="report it anew"):
        await reporting.reopen(case.sent.number, case.sent.secret, "Still dark.")


async def test_what_is_dealt_with_near_by_is_offered_and_nothing_else(case: Case) -> None:
    handlings, acts = case.here.handlings, case.here.moderating
    near = Place(lat=SQUARE.lat + 0.0005, lon=SQUARE.lon)

    assert await handlings.near(LAMP, near) == []  # nobody has looked at it yet

    await acts.open(case.me, await case.id(), "1")

    assert [(one.handling.number, one.metres) for one in await handlings.near(LAMP, near)] == [(case.sent.number, 56)]
    assert await handlings.near("Streets: ice", near) == []
    assert await handlings.near(LAMP, Place(lat=SQUARE.lat + 0.01, lon=SQUARE.lon)) == []
    case.now += 16 * DAY
    assert await handlings.near(LAMP, near) == []


async def test_a_report_repeats_another_one_and_not_itself(case: Case) -> None:
    acts, id_ = case.here.moderating, await case.id()
    other = await case.here.reporting.file(msgspec.structs.replace(FILING, key="form-2"))
    second = (await case.here.handlings.numbered(other.number))[0].id

    for number in (case.sent.number, "261125-AAAA-AAAA", other.number):
        with pytest.raises(BadInput):
            await acts.duplicate(case.me, id_, "1", number)
    await acts.open(case.me, second, "o")
    with pytest.raises(WrongStep):  # nobody has opened it, so nobody may hear of it
        await acts.duplicate(case.me, id_, "1", other.number)
    await acts.open(case.me, id_, "o")
    await acts.duplicate(case.me, id_, "1", other.number)
    with pytest.raises(BadInput, match="name another"):
        await acts.duplicate(case.me, second, "1", case.sent.number)

    assert (await case.here.reporting.follow(case.sent.number, case.sent.secret)).history[
        -1
    ].duplicate_of == other.number


async def test_where_the_city_takes_no_reports_nothing_is_kept() -> None:
    here = await town()
    await enter(here.facts, msgspec.structs.replace(PORTAL, ends=NOW - 1), "install", NOW)
    await here.known.refresh()

    with pytest.raises(Quarantined, match="not taken here now"):
        await here.reporting.file(FILING)

    assert here.events("report@1") == []


@pytest.mark.parametrize(
    "wrong",
    [{"category": "Aliens"}, {"key": ""}, {"key": "x" * 65}, {"words": "x" * 5001}, {"contact": "x" * 201}],
)
async def test_a_report_that_is_none_is_refused(case: Case, wrong: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        await case.here.reporting.file(msgspec.structs.replace(FILING, **({"key": "form-3"} | wrong)))


async def test_words_at_a_step_have_an_end(case: Case) -> None:
    with pytest.raises(BadInput, match="up to 2000 letters"):
        await case.here.moderating.close(case.me, await case.id(), "1", "x" * (WORDS + 1))


async def test_an_erased_report_is_followed_no_more_but_counted(case: Case) -> None:
    await case.here.moderating.open(case.me, await case.id(), "1", words="Dark lamp.")
    for key in await case.here.keys.in_use():
        if "/reports/" in key.bucket:
            await case.here.keys.destroy(key.id)

    (found,) = await case.here.handlings.public(NOW - DAY, NOW + DAY, 9)

    assert found.words == "(erased)"
    with pytest.raises(Refused):
        await case.here.handlings.report(await case.id())
    assert (await case.here.reporting.file(msgspec.structs.replace(FILING, key="form-9"))).number


@given(st.lists(st.sampled_from(sorted(HandlingStatus)), max_size=12))
def test_a_life_takes_only_the_steps_of_the_table(wanted: list[HandlingStatus]) -> None:
    one = Handling(report="r", number="n", source="s", at=0, category="c", place=SQUARE, changed=0)
    for number, status in enumerate(wanted, 1):
        before = one
        if status not in STEPS[one.status]:
            with pytest.raises(WrongStep, match="can't become"):
                one.to(status, number)
            continue
        one = one.to(status, number)
        assert (one.status, one.revision, one.changed) == (status, before.revision + 1, number)
        assert one.public == (status in PUBLIC)


async def test_the_number_of_a_report_names_its_day_and_its_events_are_found_by_it(case: Case) -> None:
    report, handling = await case.here.handlings.numbered(case.sent.number)

    assert case.sent.number.startswith("261125-")
    assert (
        number_of(report.id, report.at) == case.sent.number == handling.number == begun(report, case.sent.number).number
    )
    assert subject_of(report.at) == "reports/2026-11-25"


async def test_a_picture_is_made_anew_sealed_and_shown_to_moderators_alone() -> None:
    case = await Case().begin(msgspec.structs.replace(FILING, photo=picture()))
    acts, id_ = case.here.moderating, await case.id()
    (event,) = case.here.events(PICTURE)

    opened, shown = await acts.opened(case.me, id_), await acts.photo(case.me, id_)

    assert opened.photo
    assert (event.key is not None, event.subject) == (True, id_)
    assert shown.startswith(b"\xff\xd8")
    assert b"Exif" not in shown
    assert b"canary" not in shown
    assert shown not in event.body
    case.now += 91 * DAY
    with pytest.raises(Refused):
        await acts.photo(case.me, id_)


def picture() -> bytes:
    """A photo as a phone makes it, with words in its Exif."""
    from io import BytesIO  # noqa: PLC0415  one test alone makes pictures

    from PIL import Image  # noqa: PLC0415  as above

    made, exif = BytesIO(), Image.Exif()
    exif[0x010E] = "canary: taken at home"
    Image.new("RGB", (1600, 1200), (90, 120, 90)).save(made, "JPEG", exif=exif)
    return made.getvalue()
