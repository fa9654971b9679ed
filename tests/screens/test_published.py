"""Roots, cosignatures and proofs are for everybody: without signing in, and without one word about anybody."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.testing import AsyncTestClient
from tests.screens.town import LOG_KEY, ORIGIN, WHY, WITNESS, WITNESS_KEY, Town

from tutela.backends.outsider import HOLDS, LOG, Key, check
from tutela.flow.seal import leaf_of
from tutela.maths.ids import uuid_of
from tutela.model import cosign, note
from tutela.model.proof import Inclusion, bundle
from tutela.screens.published import LARGEST

Client = AsyncTestClient[Litestar]
KEY = note.verifier_key(ORIGIN, LOG_KEY.public_key().public_bytes_raw())


async def test_the_root_is_published_with_who_cosigned_it(here: Town, stranger: Client) -> None:
    point = await here.witnessed()

    answer = await stranger.get("/v1/log/checkpoint")

    assert answer.headers["content-type"].startswith("text/plain")
    found, lines = note.opened(answer.text)
    assert (found, [cosign.read(line).witness for line in lines]) == (point, [WITNESS])
    await here.call()
    newer = await here.signed()
    assert note.opened((await stranger.get("/v1/log/checkpoint")).text)[0] == newer
    assert note.opened((await stranger.get("/v1/log/checkpoint?by=witness")).text)[0] == point


async def test_a_log_that_is_new_says_so(stranger: Client) -> None:
    answer = await stranger.get("/v1/log/checkpoint")

    assert (answer.status_code, answer.json()["title"]) == (404, "Not found")


async def test_growth_is_what_a_witness_is_sent(here: Town, stranger: Client) -> None:
    first = await here.signed()
    await here.call()
    await here.signed()

    wanted = cosign.submitted((await stranger.get(f"/v1/log/growth?old={first.size}")).text)

    assert (wanted.old, bool(wanted.path)) == (first.size, True)
    assert (await stranger.get("/v1/log/growth?old=-1")).status_code == 400


async def test_an_event_is_proved_without_a_word_of_it(here: Town, stranger: Client) -> None:
    call = await here.call(said="Somebody fell on the stairs.")
    point = await here.witnessed()
    sealed = next(one for one in here.facts.store.sealed if one.event.subject == call.id)

    answer = await stranger.get(f"/v1/log/inclusion/{sealed.event.id}?leaf={leaf_of(sealed.event).hex()}")

    assert answer.text.startswith(f"c2sp.org/tlog-proof@v1\nindex {sealed.position}\n")
    assert not re.search("stairs|112-|calls", answer.text)
    told = Inclusion(
        position=sealed.position,
        leaf=sealed.leaf,
        path=(await here.publishing.inclusion(sealed.event.id)).path,
        note=answer.text.split("\n\n", 1)[1],
    )
    file = bundle(sealed.event, told, KEY, await here.facts.cosigners())
    assert check(file.encode(), Key(KEY, LOG), [])[0] == HOLDS
    assert f"{point.size}\n" in answer.text


async def test_an_id_that_was_guessed_tells_nobody_whether_it_is_in_the_log(here: Town, stranger: Client) -> None:
    await here.call()
    await here.witnessed()
    first, other = here.facts.store.sealed[:2]
    asked = [(first.event.id, other.leaf), (uuid_of("another"), other.leaf), ("nothing", first.leaf)]

    told = [await stranger.get(f"/v1/log/inclusion/{id_}?leaf={leaf.hex()}") for id_, leaf in asked]

    assert {(one.status_code, one.content) for one in told} == {(404, told[0].content)}
    for none in ("", "?leaf=", "?leaf=00", f"?leaf={'0' * 63}g"):
        answers = {id_: await stranger.get(f"/v1/log/inclusion/{id_}{none}") for id_, _ in asked}
        says = {(one.status_code, one.text.replace(id_, "ID")) for id_, one in answers.items()}
        assert [status for status, _ in says] == [400]


async def test_whoever_reads_what_is_public_makes_the_log_no_longer(here: Town, stranger: Client) -> None:
    await here.witnessed()
    before = len(here.facts.store.events)

    for path in ("checkpoint", "growth", "signers", "verify.py"):
        assert (await stranger.get(f"/v1/log/{path}")).status_code == 200

    assert len(here.facts.store.events) == before


async def test_the_keys_are_published_with_whose_they_are(here: Town, stranger: Client) -> None:
    point = await here.witnessed()

    told = (await stranger.get("/v1/log/signers")).json()

    assert told["log"] == KEY
    (one,) = told["witnesses"]
    assert (one["cosigner"]["owner"], one["size"], one["waits"]) == ("The ombudsman of the town", point.size, None)


async def test_a_cosignature_is_taken_from_whoever_brings_it(here: Town, stranger: Client) -> None:
    await here.witnessed()
    await here.call()
    point = await here.signed()

    answer = await stranger.post("/v1/log/cosignatures", content=here.cosigned(point))

    assert (answer.status_code, answer.json()) == (200, {"kept": 1})
    assert WITNESS in (await stranger.get("/v1/log/checkpoint")).text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"\xff", 400), (b"garbage", 400), (b"x" * (LARGEST + 1), 413)],
)
async def test_what_is_no_cosigned_checkpoint_is_told_why(stranger: Client, body: bytes, status: int) -> None:
    answer = await stranger.post("/v1/log/cosignatures", content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_nobody_can_cosign_in_a_witnesss_name(here: Town, stranger: Client) -> None:
    await here.witnessed()
    await here.call()
    point = await here.signed()
    somebody = Ed25519PrivateKey.from_private_bytes(b"x" * 32)

    for told in (here.cosigned(point, somebody), here.cosigned(point, WITNESS_KEY, "other.example/w")):
        answer = await stranger.post("/v1/log/cosignatures", content=told)
        assert (answer.status_code, answer.json()["policy"]) == (403, "witness")
    assert WITNESS not in (await stranger.get("/v1/log/checkpoint")).text


async def test_the_script_that_checks_a_proof_can_be_taken_from_here(stranger: Client) -> None:
    answer = await stranger.get("/v1/log/verify.py")

    assert answer.headers["content-type"].startswith("text/x-python")
    compile(answer.text, "verify.py", "exec")
    assert "import tutela" not in answer.text
    assert "from tutela" not in answer.text


async def test_health_tells_which_witness_keeps_the_log_waiting(here: Town, operator: Client) -> None:
    await here.witnessed()

    told = (await operator.get(f"/v1/health{WHY}")).json()

    assert [one["cosigner"]["name"] for one in told["witnesses"]] == [WITNESS]
    assert told["late"] == []


async def test_the_page_says_that_nobody_outside_watches_or_who_does(here: Town, operator: Client) -> None:
    operator.cookies.set("tutela_session", await here.token(name="Bo"))
    del operator.headers["Authorization"]
    alone = (await operator.get("/part/vitals")).text
    await here.witnessed()
    watched = (await operator.get("/part/vitals")).text

    assert "nobody outside would notice that this log was rolled back" in alone
    assert f"{WITNESS}: cosigned size" in watched
    assert "The ombudsman of the town" in watched
