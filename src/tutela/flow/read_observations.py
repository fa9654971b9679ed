"""Reads of observations: the sources, the newest value of many datastreams, the series of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tutela.errors import BadInput
from tutela.model.access import Access, Ask
from tutela.model.register import Datastream, Source
from tutela.model.rows import Rows
from tutela.model.timeline import LIVE
from tutela.model.when import DAY, iso
from tutela.policy.gate import ELSEWHERE
from tutela.policy.purposes import Action, ask

from . import lookup
from .catalogue import Known
from .history import History
from .ledger import Ledger
from .ports import Values

FIRST, LAST = ELSEWHERE
NAMED = 3
MOST = 100_000
"""Rows of a series at once."""
LONG_AGO = -(2**62)
NEVER = 2**62  # of a source that may not be seen, and of none (-1, the last place)


@dataclass(frozen=True, slots=True)
class Observed:
    """Rows, and for each row the datastream that it belongs to.

    `more`: there are more rows of the series, from that time on (None: these are all).
    """

    rows: Rows
    datastreams: tuple[Datastream, ...]
    more: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationReads:
    """Observations. Each method raises Refused, and leaves one event.

    The purposes of a source decide; on the live timeline nothing is shown past its retention. (Elsewhere
    event time does not tell how long something has been kept.)
    """

    ledger: Ledger
    known: Known
    values: Values
    history: History

    async def sources(self, access: Access) -> Sequence[Source]:
        """All register entries, by name."""
        await self.ledger.must(ask(access, Action.READ, "register", self.ledger.now), LIVE, "sources")
        found = sorted(self.known.sources.values(), key=lambda source: source.name)
        await self.ledger.wrote(access, LIVE, "sources", (source.name for source in found))
        return found

    async def newest(self, access: Access, timeline: str, kind_: str, names: Sequence[str] | None = None) -> Observed:
        """The newest value of these datastreams (None: of all that this purpose may see), if they have one.

        Of kinds with personal data no newest value is kept. Raises NotFound for a name that the register does
        not know, BadInput for one of another kind.
        """
        query = _newest_of(kind_, names)
        wanted = None if names is None else await lookup.numbers(self.known, kind_, names)
        rows = await lookup.newest(self.values, timeline, kind_, wanted)
        rows = await self._shown(access, timeline, query, rows, wanted)
        found = Observed(rows, tuple(map(self.known.datastream, rows.datastream.tolist())))
        await self.ledger.wrote(access, timeline, query, rows.datastream.tolist())
        return found

    async def series(self, access: Access, timeline: str, name: str, since: int, until: int) -> Observed:
        """The rows of one datastream, since ≤ time < until (microseconds), in order of time, at most `MOST`.

        Raises NotFound. A moment is never cut: `more` is where to ask again.
        """
        if not FIRST <= since < until <= LAST:
            raise BadInput("a series has a start and a later end, both between the years 1900 and 2100; give such")
        datastream = self.known.datastream(await lookup.number(self.known, name))
        query = f"{datastream.kind} of {name} from {iso(since)} to {iso(until)}"
        source, kept_since = datastream.source, self.kept_since(timeline, datastream.source)
        about = self.question(access, datastream.kind, source, past=until <= kept_since)
        await self.ledger.must(about, timeline, query)
        since = max(since, kept_since)
        rows = await self.history.series(timeline, datastream.kind, datastream.id, since, until, MOST + 1)
        rows, more = _page(rows)
        await self.ledger.wrote(access, timeline, query, (datastream.id,))
        return Observed(rows, (datastream,) * len(rows), more)

    async def _shown(self, access: Access, timeline: str, query: str, rows: Rows, wanted: lookup.Ids | None) -> Rows:
        """The rows of sources that this purpose may see. Who asks by name is refused when one source may not be."""
        of_row = lookup.source_of(self.known, rows.datastream)
        numbers = lookup.sources(self.known, of_row if wanted is None else lookup.source_of(self.known, wanted))
        questions = {source: self.question(access, rows.kind, source) for source in numbers}
        if wanted is None:
            general = ask(access, Action.READ, rows.kind, self.ledger.now)
            shown = await self.ledger.permitted(tuple(questions), questions.__getitem__, general, timeline, query)
        else:
            shown = tuple(questions)
            for question in questions.values():
                await self.ledger.must(question, timeline, query)
        kept_since = np.full(len(self.known.admission.numbers) + 1, NEVER)
        for source in shown:
            kept_since[numbers[source]] = self.kept_since(timeline, source)
        return rows.take(rows.time >= kept_since[of_row])

    def question(self, access: Access, record_class: str, source: str, *, past: bool = False) -> Ask:
        """The question about one source's records. Of a source that has no entry any more there is no purpose left."""
        entry, now = self.known.sources.get(source), self.ledger.now
        return ask(
            access,
            Action.READ,
            record_class,
            now,
            collected_for=() if entry is None else entry.purposes,
            personal_data=entry is not None and entry.personal_data,
            agency=None if entry is None else entry.agency,
            expires=now if past else None,
        )

    def kept_since(self, timeline: str, source: str) -> int:
        """What is older than this is past its retention."""
        entry = self.known.sources.get(source)
        if timeline != LIVE or entry is None or entry.retention_days is None:
            return LONG_AGO
        return self.ledger.now - entry.retention_days * DAY


def _page(rows: Rows) -> tuple[Rows, int | None]:
    """Whole moments of at most `MOST` rows, and the time of what comes after them."""
    if len(rows) <= MOST:
        return rows, None
    more = int(rows.time[MOST])
    page = rows.take(rows.time < more)
    if not len(page):
        raise BadInput(f"there are more than {MOST} values of {iso(more)}; ask for what comes before or after it")
    return page, more


def _newest_of(kind_: str, names: Sequence[str] | None) -> str:
    """The query in words; which datastreams exactly is in the digest of the ids."""
    if names is None:
        return f"newest {kind_} of all"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"newest {kind_} of {', '.join(names[:NAMED])}{more}"
