"""Passkeys on a running instance: what was added is there after a sign-out, and no file tells of it."""

from __future__ import annotations

import httpx
import pytest
from tests.flow.authenticator import Authenticator, text
from tests.integration.running import Instance

pytestmark = pytest.mark.integration


def test_somebody_comes_in_again_by_a_passkey_and_no_log_tells_of_it(city: Instance) -> None:
    base = city.base.replace("127.0.0.1", "localhost")
    device = Authenticator(origin=base, id=b"a credential that no log has")
    person = city.come_in(city.told("invite", "operator")["code"], "Aino Virtanen")
    options = person.http.post(f"{base}/v1/me/passkeys/make").json()
    added = person.http.post(f"{base}/v1/me/passkeys", json={"name": "A red phone", "answer": device.make(options)})

    with httpx.Client(base_url=base) as other:
        answer = device.show(other.post("/v1/passkeys/ask").json())
        came = other.post("/v1/passkeys/come", json={"answer": answer})
        twice = other.post("/v1/passkeys/come", json={"answer": answer})
        own = other.get("/v1/me/passkeys", headers={"Authorization": f"Bearer {came.json()['token']}"})

    assert (added.status_code, came.status_code, twice.status_code) == (201, 201, 403)
    assert came.json()["agent"]["name"] == "Aino Virtanen"
    assert [one["name"] for one in own.json()] == ["A red phone"]
    logs = "".join(path.read_text(errors="replace") for path in (city.data / "log").glob("*.log"))
    for secret in ("red phone", text(device.id), device.id.decode(), answer["response"]["signature"]):
        assert secret not in logs
