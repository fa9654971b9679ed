"""Modbus: against a real server of the library, every type and table; what a device does not tell leaves the rest alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from tutela import parts
from tutela.errors import BadInput
from tutela.model.heard import Value
from tutela.sources.modbus import TOGETHER, Modbus, Register, _blocks
from tutela_promises.intake import FakeIntake, run


def register(name: str, address: int, **more: object) -> dict[str, object]:
    return {"name": name, "address": address, "observed_property": name, **more}


def modbus(port: int, *registers: dict[str, object], **options: object) -> Modbus:
    told = {"host": "127.0.0.1", "port": port, "register": registers, "timeout": 0.5, **options}
    made: Modbus = parts.make("sources", "modbus", told)
    return made


@pytest.fixture
async def device(unused_tcp_port: int) -> AsyncIterator[int]:
    """A device with a value of every type, in tables of their own."""
    coils = [SimData(0, values=[True, False, True] + [False] * 13, datatype=DataType.BITS)]
    discrete = [SimData(0, values=[False, True] + [False] * 14, datatype=DataType.BITS)]
    holding = [
        SimData(0, values=215, datatype=DataType.INT16),
        SimData(1, values=-5, datatype=DataType.INT16),
        SimData(2, values=70_000, datatype=DataType.UINT32),
        SimData(4, values=-70_000, datatype=DataType.INT32),
        SimData(6, values=21.5, datatype=DataType.FLOAT32),
        SimData(8, values=1 << 40, datatype=DataType.INT64),
        SimData(12, values=2.25, datatype=DataType.FLOAT64),
        SimData(16, values=[0x0001, 0x0000], datatype=DataType.REGISTERS),
    ]
    inputs = [SimData(100, values=[7, 8], datatype=DataType.REGISTERS)]
    server = ModbusTcpServer(SimDevice(1, (coils, discrete, holding, inputs)), address=("127.0.0.1", unused_tcp_port))
    await server.serve_forever(background=True)
    yield unused_tcp_port
    await server.shutdown()  # type: ignore[no-untyped-call]  # the library's own


async def test_every_type_and_table_is_read_as_what_it_is(device: int) -> None:
    source = modbus(
        device,
        register("level", 0, type="int16", scale=0.1, offset=-1.5, unit="m"),
        register("cold", 1, type="int16"),
        register("wide", 2, type="uint32"),
        register("deep", 4, type="int32"),
        register("warm", 6, type="float32"),
        register("long", 8, type="int64"),
        register("exact", 12, type="float64"),
        register("swapped", 16, type="uint32", words="little"),
        register("seven", 100, table="input", kind="counts"),
        register("eight", 101, table="input"),
        register("open", 2, table="coil"),
        register("shut", 1, table="coil"),
        register("seen", 1, table="discrete"),
    )
    intake = await run(source, FakeIntake())

    assert intake.troubles == []
    (heard,) = intake.kept.heard
    told = {value.datastream.removeprefix("probe/"): value.columns[0] for value in heard.values}
    assert told == {
        "level": 20.0,
        "cold": -5,
        "wide": 70_000,
        "deep": -70_000,
        "warm": 21.5,
        "long": 1 << 40,
        "exact": 2.25,
        "swapped": 1,
        "seven": 7,
        "eight": 8,
        "open": 1,
        "shut": 0,
        "seen": 1,
    }
    streams = {stream.name: stream for stream in heard.datastreams}
    assert (streams["probe/level"].unit, streams["probe/level"].interval, streams["probe/level"].thing) == (
        "m",
        10,
        "probe/device",
    )
    assert streams["probe/seven"].kind == "counts"
    assert {value.time for value in heard.values} == {1_000_000_000_000}


async def test_what_the_device_does_not_have_is_told_and_the_rest_is_read(device: int) -> None:
    source = modbus(device, register("cold", 1, type="int16"), register("nothing", 5000))
    intake = await run(source, FakeIntake())

    assert intake.kept.heard[0].values == (Value("probe/cold", 1_000_000_000_000, (-5.0,)),)
    assert "does not tell holding 5000 to 5000 (nothing)" in intake.troubles[0]
    assert intake.waited == [10]  # it answers, so there is no reason to come less often


async def test_a_device_that_is_not_there_is_a_trouble_and_is_tried_less_often(unused_tcp_port: int) -> None:
    intake = await run(modbus(unused_tcp_port, register("a", 1)), FakeIntake(waits=2))

    assert intake.waited == [20, 40]
    assert all("can't be read" in says for says in intake.troubles)
    assert intake.kept.heard == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
async def test_whatever_a_device_answers_it_goes_on(sent: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(12)
        writer.write(sent)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        intake = await run(modbus(port, register("a", 1), timeout=0.05), FakeIntake())

    assert len(intake.waited) == len(intake.troubles) == 1


def test_only_registers_side_by_side_are_asked_for_together() -> None:
    def made(address: int, **more: Any) -> Register:  # noqa: ANN401  any field
        return Register(name="a", address=address, observed_property="a", **more)

    registers = [made(4), made(0, type="int32"), made(2, type="int32"), made(6), made(5, table="input")]

    assert [[one.address for one in block] for block in _blocks(registers)] == [[0, 2, 4], [6], [5]]
    many = [made(address) for address in range(300)]
    assert [len(block) for block in _blocks(many)] == [TOGETHER, TOGETHER, 60]


@pytest.mark.parametrize(
    "wrong",
    [
        {"register": []},
        {"register": [register("a", 1), register("a", 2)]},
        {"register": [register("a", 70_000)]},
        {"register": [register("a", 1, type="text")]},
        {"register": [register("a", 1)], "port": 0},
    ],
)
def test_what_no_device_has_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        parts.make("sources", "modbus", {"host": "127.0.0.1", **wrong})
