"""Modbus TCP: registers of controllers, meters and pumps, read again and again. Nothing is ever written.

Source: MODBUS Application Protocol V1.1b3 (6.1 to 6.4: read coils, discrete inputs, holding and input registers).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from tutela.errors import BadInput
from tutela.model.card import Card
from tutela.model.heard import Heard, Value
from tutela.model.intake import Intake, pause
from tutela.model.noun import Noun
from tutela.model.place import Place
from tutela.model.register import Datastream, Thing

TOGETHER = 120
"""Registers in one question: the protocol allows 125, some devices a little less."""
BITS = ("coil", "discrete")

Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


class Register(Noun, frozen=True, kw_only=True):
    """One measured value: `address` counts from 0, as on the wire; a data sheet's 40001 is holding 0.

    The result is the number in the device times `scale` plus `offset`, in `unit`. `words`: which half of a number over two
    registers comes first. `type` means nothing for coils and discrete inputs: they are 0 or 1.
    """

    name: str
    address: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    table: Literal["holding", "input", "coil", "discrete"] = "holding"
    type: Type = "uint16"
    words: Literal["big", "little"] = "big"
    scale: float = 1.0
    offset: float = 0.0
    observed_property: str
    unit: str = "1"
    kind: Literal["readings", "counts"] = "readings"

    @property
    def size(self) -> int:
        """How many registers or bits it takes."""
        return 1 if self.table in BITS else _datatype(self.type).value[1]

    def result(self, raw: Sequence[int] | Sequence[bool]) -> float:
        """The value of its registers, or of its bit."""
        if self.table in BITS:
            return float(raw[0]) * self.scale + self.offset
        number = AsyncModbusTcpClient.convert_from_registers(
            [int(word) for word in raw], _datatype(self.type), word_order=self.words
        )
        assert isinstance(number, (int, float))  # noqa: S101  the types above are numbers
        return number * self.scale + self.offset


class Modbus(Noun, frozen=True, kw_only=True):
    """The `register`s of one device at `host`, read each `every` seconds on a connection that is closed in between.

    `device` is its address on the bus behind a gateway. Names of datastreams, and of the one Thing, are put behind the source's
    own name and a slash. What one question can't answer leaves the others alone.
    """

    sealed: ClassVar[frozenset[str]] = frozenset()
    card: ClassVar[Card] = Card(
        finds="What stands in the registers of a Modbus TCP device.",
        needs=frozenset(),
        key="datastream",
        lateness=0,
        personal_data=False,
        cannot="Know when a value was measured: its time is when it was read. Tell a device from one that pretends to be it.",
    )

    host: str
    register: Annotated[tuple[Register, ...], msgspec.Meta(min_length=1, max_length=2_000)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 502
    device: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    thing: str = "device"
    place: Place | None = None
    every: Annotated[float, msgspec.Meta(ge=0.1)] = 10.0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 3.0

    def __post_init__(self) -> None:
        """Refuse two values of one name."""
        names = [register.name for register in self.register]
        if len({*names}) < len(names):
            raise BadInput(f"two registers have the same name: {', '.join(sorted(names))}")

    async def run(self, intake: Intake) -> None:
        """Read for ever."""
        failures = 0
        while True:
            try:
                await self._round(intake)
            except (OSError, ModbusException) as wrong:
                intake.trouble(f"{self.host}:{self.port} can't be read: {wrong or type(wrong).__name__}")
                failures += 1
            else:
                failures = 0
            await intake.wait(pause(self.every, failures, intake.chance()))

    async def _round(self, intake: Intake) -> None:
        """One reading of all registers."""
        client = AsyncModbusTcpClient(
            self.host, port=self.port, timeout=self.timeout, retries=0, reconnect_delay=0, name=intake.source
        )
        try:
            if not await client.connect():
                raise OSError("it does not answer")
            results: dict[Register, float] = {}
            wrong: list[str] = []
            for block in _blocks(self.register):
                try:
                    results |= await self._read(client, block)
                except BadInput as refused:
                    wrong.append(refused.message)
        finally:
            client.close()
        if wrong:
            intake.trouble("; ".join(wrong))
        await intake.hear(self._heard(results, intake.source, intake.clock()))  # so it can be reached, for all that

    async def _read(self, client: AsyncModbusTcpClient, block: Sequence[Register]) -> dict[Register, float]:
        """The results of registers that lie together; raises BadInput when the device refuses to tell."""
        ask = {
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
        }[block[0].table]
        first, count = block[0].address, sum(register.size for register in block)
        answer = await ask(first, count=count, device_id=self.device)
        raw = answer.bits if block[0].table in BITS else answer.registers
        if answer.isError() or len(raw) < count:
            names = ", ".join(register.name for register in block)
            raise BadInput(
                f"{self.host} does not tell {block[0].table} {first} to {first + count - 1} ({names}): {answer}"
            )
        return {one: one.result(raw[one.address - first : one.address - first + one.size]) for one in block}

    def _heard(self, results: dict[Register, float], source: str, at: int) -> Heard:
        thing = Thing(id=0, name=f"{source}/{self.thing}", kind="device", source=source, place=self.place)
        streams = [
            Datastream(
                id=0,
                name=f"{source}/{register.name}",
                source=source,
                thing=thing.name,
                kind=register.kind,
                observed_property=register.observed_property,
                unit=register.unit,
                place=self.place,
                interval=self.every,
            )
            for register in results
        ]
        values = [Value(stream.name, at, (result,)) for stream, result in zip(streams, results.values(), strict=True)]
        return Heard((thing,), tuple(streams), tuple(values))


def _datatype(name: Type) -> AsyncModbusTcpClient.DATATYPE:
    return AsyncModbusTcpClient.DATATYPE[name.upper()]


def _blocks(registers: Sequence[Register]) -> list[list[Register]]:
    """Registers that lie side by side in one table, to be asked for together: a gap may not be there at all."""
    blocks: list[list[Register]] = []
    end = -1
    for register in sorted(registers, key=lambda one: (one.table, one.address)):
        block = blocks[-1] if blocks else []
        joins = block and block[0].table == register.table and register.address == end
        if joins and end + register.size - block[0].address <= TOGETHER:
            block.append(register)
        else:
            blocks.append([register])
        end = register.address + register.size
    return blocks


part = Modbus
