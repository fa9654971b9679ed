"""The witnesses that this log asks for cosignatures: entered with an event, and ended with one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tutela.errors import BadInput
from tutela.maths.ids import uuid_of
from tutela.model import note
from tutela.model.cosign import Cosigner, CosignerEnded, WitnessNow, read_cosigner_key
from tutela.model.event import Event
from tutela.model.flow import encode
from tutela.model.noun import Noun
from tutela.model.timeline import LIVE

LONGEST = 200
MOST = note.MOST - 1
"""The log's own signature is one of them."""


class Witnesses(Protocol):
    """The register of witnesses. `watched` tells how far each is; `end_cosigner` raises NotFound."""

    async def cosigners(self) -> Sequence[Cosigner]: ...  # noqa: D102  told above
    async def watched(self) -> Sequence[WitnessNow]: ...  # noqa: D102  the same
    async def enter_cosigner(self, cosigner: Cosigner, event: Event) -> None: ...  # noqa: D102  the same
    async def end_cosigner(self, name: str, event: Event) -> None: ...  # noqa: D102  the same


async def enter(register: Witnesses, key: str, owner: str, by: str, now: int, *, simulated: bool = False) -> Cosigner:
    """Wait for the cosignatures of that key from now on; raises BadInput for what is no key of a witness.

    An entry that says what stands already leaves no second event.
    """
    name, _ = read_cosigner_key(key)
    if not owner.strip() or len(owner) > LONGEST or not owner.isprintable():
        raise BadInput(
            f"say in one line of at most {LONGEST} letters who runs the witness {name!r}: people must know whom to ask"
        )
    if not name.isprintable():
        raise BadInput(f"the name {name!r} has signs that can't be shown; it is printed where a proof is checked")
    known = await register.cosigners()
    stands = next((one for one in known if one.name == name), None)
    if stands is None and len(known) >= MOST:
        raise BadInput(f"there are {MOST} witnesses, and no note carries more signatures; end one of them first")
    if stands is not None and (stands.key, stands.owner, stands.simulated) == (key.strip(), owner, simulated):
        return stands
    made = Cosigner(name=name, key=key.strip(), owner=owner, at=now, simulated=simulated)
    await register.enter_cosigner(made, _event("witness@1", name, made, by, now))
    return made


async def end(register: Witnesses, name: str, because: str, by: str, now: int) -> None:
    """Wait for that witness no more; what it cosigned stays. Raises NotFound."""
    said = CosignerEnded(name=name, because=because)
    await register.end_cosigner(name, _event("witness-ended@1", name, said, by, now))


def _event(kind: str, name: str, said: Noun, by: str, now: int) -> Event:
    body = encode(said)
    return Event(
        id=uuid_of(kind, name, body, now),
        at=now,
        by=by,
        cause=None,
        kind=kind,
        timeline=LIVE,
        body=body,
        subject=name,
    )
