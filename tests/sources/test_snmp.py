"""SNMP: against an agent of the library, in versions 2c and 3; what is no number leaves the rest alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.api import v2c

from tutela import parts
from tutela.errors import BadInput
from tutela.model.heard import Value
from tutela.sources.snmp import TOGETHER, Snmp
from tutela_promises.intake import FakeIntake, run

BASE = (1, 3, 6, 1, 4, 1, 53864, 1)
HELD: tuple[Any, ...] = (
    v2c.Integer32(-40),
    v2c.Counter32(4_000_000_000),
    v2c.Gauge32(230),
    v2c.TimeTicks(12_345),
    v2c.Counter64((1 << 63) + 1),
    v2c.OctetString("0.15"),
    v2c.OctetString("open"),
    v2c.Integer32(1),
)
"""What the agent tells, at BASE.1.0, BASE.2.0 and so on."""


@pytest.fixture
async def agent(unused_udp_port: int) -> AsyncIterator[int]:
    """An agent that knows the community `sesame`, and a user with SHA-2 and AES."""
    one = engine.SnmpEngine()
    config.add_transport(one, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", unused_udp_port)))
    config.add_v1_system(one, "city", "sesame")
    config.add_v3_user(one, "otto", config.USM_AUTH_HMAC192_SHA256, "authkey1", config.USM_PRIV_CFB128_AES, "privkey1")
    whole = (1, 3, 6)
    config.add_vacm_user(one, 2, "city", "noAuthNoPriv", whole)
    config.add_vacm_user(one, 3, "otto", "authPriv", whole)
    held = context.SnmpContext(one)
    builder = held.get_mib_instrum().get_mib_builder()
    scalar, instance = builder.import_symbols("SNMPv2-SMI", "MibScalar", "MibScalarInstance")
    symbols = {}
    for number, value in enumerate(HELD, 1):
        place = (*BASE, number)
        # The last one is there and may not be read: such an agent spoils the whole answer.
        access = "read-only" if number < len(HELD) else "not-accessible"
        symbols[f"s{number}"] = scalar(place, value.clone()).setMaxAccess(access)
        symbols[f"i{number}"] = instance(place, (0,), value.clone())
    builder.export_symbols("__CITY", **symbols)
    cmdrsp.GetCommandResponder(one, held)
    one.transport_dispatcher.job_started(1)
    yield unused_udp_port
    one.close_dispatcher()


def thing(name: str, number: int, **more: object) -> dict[str, object]:
    oid = ".".join(map(str, (*BASE, number, 0)))
    return {"name": name, "oid": oid, "observed_property": name, **more}


def snmp(port: int, *objects: dict[str, object], **options: object) -> Snmp:
    told = {"host": "127.0.0.1", "port": port, "object": objects, "timeout": 1, "retries": 0, "community": "sesame"}
    made: Snmp = parts.make("sources", "snmp", {**told, **options})
    return made


V3 = {
    "community": "",
    "user": "otto",
    "auth": "sha256",
    "auth_key": "authkey1",
    "privacy": "aes128",
    "privacy_key": "privkey1",
}


@pytest.mark.parametrize("who", [{}, V3], ids=["2c", "3"])
async def test_every_type_of_number_is_read(agent: int, who: dict[str, object]) -> None:
    source = snmp(
        agent,
        thing("cold", 1, unit="Cel"),
        thing("octets", 2, kind="counts"),
        thing("volts", 3, scale=0.1),
        thing("up", 4, scale=0.01, unit="s"),
        thing("many", 5),
        thing("load", 6),
        **who,
    )
    intake = await run(source, FakeIntake())

    assert intake.troubles == []
    (heard,) = intake.kept.heard
    told = {value.datastream.removeprefix("probe/"): value.columns[0] for value in heard.values}
    assert told == {
        "cold": -40,
        "octets": 4_000_000_000,
        "volts": 23,
        "up": pytest.approx(123.45),
        "many": float((1 << 63) + 1),
        "load": 0.15,
    }
    assert [(one.name, one.kind) for one in heard.things] == [("probe/device", "device")]
    assert {one.name: one.kind for one in heard.datastreams}["probe/octets"] == "counts"


async def test_what_is_no_number_or_not_there_is_told_and_the_rest_is_read(agent: int) -> None:
    source = snmp(agent, thing("cold", 1), thing("door", 7), thing("closed", 8), thing("nothing", 99))
    intake = await run(source, FakeIntake())

    assert intake.kept.heard[0].values == (Value("probe/cold", 1_000_000_000_000, (-40.0,)),)
    (says,) = intake.troubles
    assert "door (1.3.6.1.4.1.53864.1.7.0) is 'open', no number" in says
    assert "closed (1.3.6.1.4.1.53864.1.8.0) is 'noAccess'" in says
    assert "nothing (1.3.6.1.4.1.53864.1.99.0)" in says
    assert intake.waited == [60]


async def test_more_objects_than_one_question_takes_are_asked_for_in_several(agent: int) -> None:
    objects = [thing(f"cold-{number}", 1) for number in range(TOGETHER * 2 + 1)]
    intake = await run(snmp(agent, *objects), FakeIntake())

    assert len(intake.kept.heard[0].values) == TOGETHER * 2 + 1


@pytest.mark.parametrize("who", [{"community": "guess"}, {**V3, "auth_key": "guessing"}, {**V3, "user": "nobody"}])
async def test_a_wrong_secret_is_a_trouble(agent: int, who: dict[str, object]) -> None:
    intake = await run(snmp(agent, thing("cold", 1), **{"timeout": 0.2, **who}), FakeIntake())

    assert intake.kept.heard == []
    assert len(intake.troubles) == 1
    assert intake.waited == [120]


async def test_an_agent_that_is_not_there_is_a_trouble_and_is_tried_less_often(unused_udp_port: int) -> None:
    intake = await run(snmp(unused_udp_port, thing("cold", 1), timeout=0.1), FakeIntake(waits=2))

    assert intake.waited == [120, 240]
    assert "can't be asked" in intake.troubles[0]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=200))
async def test_whatever_an_agent_answers_it_goes_on(unused_udp_port: int, sent: bytes) -> None:
    class Garbage(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.out = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            assert data
            assert isinstance(self.out, asyncio.DatagramTransport)
            self.out.sendto(sent, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Garbage, local_addr=("127.0.0.1", unused_udp_port))
    try:
        intake = await run(snmp(unused_udp_port, thing("cold", 1), timeout=0.05), FakeIntake())
    finally:
        transport.close()

    assert len(intake.troubles) == len(intake.waited) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"object": []},
        {"object": [thing("a", 1), thing("a", 2)]},
        {"object": [{**thing("a", 1), "oid": "sysUpTime.0"}]},
        {"community": ""},
        {"user": "otto"},
        {**V3, "auth_key": "short"},
        {**V3, "auth": "", "auth_key": ""},
        {**V3, "privacy_key": ""},
    ],
)
def test_what_no_agent_could_understand_is_not_made(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        snmp(161, **{"object": [thing("a", 1)], **wrong})
