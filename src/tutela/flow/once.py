"""Events that can happen once only: the id says what happened, and whoever comes second is told so."""

from __future__ import annotations

from tutela.errors import NotFound
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE

from .ports import Log


async def tell(log: Log, kind: str, id_: str, said: Noun, *, about: str, by: str, at: int) -> bool:
    """Write the event; False when another one stands under its id already: the log keeps the first."""
    body = encode(said)
    event = Event(id=id_, at=at, by=by, cause=None, kind=kind, timeline=LIVE, body=body, subject=about)
    await log.append([event])
    return (await log.event(id_)).body == body


async def there(log: Log, id_: str) -> bool:
    """Whether it has happened."""
    try:
        await log.event(id_)
    except NotFound:
        return False
    return True
