"""What people write is sealed where it is stored, read by whoever may read the record, and can be erased."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.flow.act_support import ANNA, room

from tutela.backends.memory_keys import MemoryKeys
from tutela.errors import Broken, NotFound
from tutela.flow.prose import ERASED, Prose
from tutela.model.flow import encode
from tutela.model.incident import Incident, IncidentStatus, Note

INCIDENT = Incident(
    id="i1",
    timeline="live",
    type="fire",
    status=IncidentStatus.ACTIVE,
    place=None,
    opened_at=0,
    opened_by="anna",
    purpose="public-safety",
)
WORDS = st.text(min_size=1, max_size=60) | st.sampled_from(["sealed:1:AAAA", '"text":"sealed:1:AAAA"', "\\", "ä\n"])


def written(*texts: str, ended: str | None = None) -> Incident:
    notes = tuple(Note(at=at, by="anna", text=text) for at, text in enumerate(texts))
    return msgspec.structs.replace(INCIDENT, notes=notes, disposition=ended)


@given(st.lists(WORDS, max_size=4), WORDS)
async def test_whatever_somebody_writes_is_read_as_it_was_written(texts: list[str], ended: str) -> None:
    prose, incident = Prose(MemoryKeys()), written(*texts, ended=ended)
    kept = await prose.kept(None, incident)

    assert isinstance(kept, Incident)
    assert await prose.shown(kept) == incident
    assert msgspec.json.decode(await prose.told(encode(kept)), type=Incident) == incident
    assert all(note.text != text for note, text in zip(kept.notes, texts, strict=True))


async def test_what_was_sealed_before_is_left_as_it_is() -> None:
    prose = Prose(MemoryKeys())
    before = await prose.kept(None, written("a witness waits", ended="out"))
    assert isinstance(before, Incident)
    after = await prose.kept(
        before, msgspec.structs.replace(before, notes=(*before.notes, Note(at=9, by="bo", text="b")))
    )

    assert isinstance(after, Incident)
    assert (after.notes[0], after.disposition) == (before.notes[0], before.disposition)
    assert [note.text for note in (await prose.shown(after)).notes] == ["a witness waits", "b"]


async def test_words_are_erased_with_the_key_of_what_they_are_about() -> None:
    keys = MemoryKeys()
    prose = Prose(keys)
    kept = await prose.kept(None, written("a name"))
    assert isinstance(kept, Incident)
    await keys.destroy(kept.notes[0].text.split(":")[1])

    assert (await prose.shown(kept)).notes[0].text == ERASED


async def test_words_that_were_altered_are_never_shown() -> None:
    keys = MemoryKeys()
    prose = Prose(keys)
    kept = await prose.kept(None, written("a name"))
    assert isinstance(kept, Incident)
    key = kept.notes[0].text.split(":")[1]
    forged = msgspec.structs.replace(kept, notes=(Note(at=0, by="x", text=f"sealed:{key}:{'A' * 64}"),))

    with pytest.raises((Broken, NotFound)):
        await prose.shown(forged)


async def test_nothing_that_was_written_stands_in_the_log_or_the_tables() -> None:
    here = room()
    await here.alert()
    opened = await here.incidents.open_from_alert(ANNA, "a1", "k1")
    await here.incidents.note(ANNA, opened.id, "Mrs Virtanen saw it", "k2")
    noted = await here.incidents.close(ANNA, opened.id, "Mr Korhonen was driven home", "k3")

    assert noted.disposition == "Mr Korhonen was driven home"
    stored = encode(await here.facts.incident(opened.id))
    for body in (stored, *(event.body for event in await here.events(opened.id))):
        assert b"Virtanen" not in body
        assert b"Korhonen" not in body
