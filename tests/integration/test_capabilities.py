"""A capability on the real processes: off until it is armed, off by itself when its paper ends, and a replay knows when it was."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from tests.integration.running import Instance, Json, Person, now, running, until

from tutela.maths.cells import centre_of

pytestmark = [pytest.mark.integration, pytest.mark.long]

GATHER = "units-gather"
HERE, THERE, ELSEWHERE = 0x891126D3403FFFF, 0x891126D32AFFFFF, 0x891126D304BFFFF
MINUTE = 60.0


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUTELA_COMMENT_DAYS", "0")
        with running(tmp_path_factory.mktemp("town") / "data", "--empty") as instance:
            yield instance


class Crews:
    """Twelve units that tell where they are."""

    def __init__(self, town: Instance) -> None:
        head = (
            '[source]\nname = "crews"\nowner = "Tests"\nkind = "units"\npurposes = ["emergency-response"]\n'
            'legal_basis = "PublicInterest"\npersonal_data = true\nplace = "Helsinki"\n'
        )
        things = (
            f'[[thing]]\nname = "crew-{number}"\nkind = "unit"\n'
            f'[[datastream]]\nname = "crews/{number}"\nthing = "crew-{number}"\nkind = "positions"\n'
            'observed_property = "position"\nunit = "deg"\n'
            for number in range(12)
        )
        path = town.data.parent / "crews.toml"
        path.write_text(head + "".join(things))
        self.http = town.client(str(town.told("sources", "enter", path)["token"]))

    def at(self, cell: int) -> bool:
        """All of them are there; whether that was taken."""
        place = centre_of(cell)
        where = {"phenomenonTime": now(), "lat": place.lat, "lon": place.lon}
        lines = [json.dumps({"datastream": f"crews/{number}", **where}).encode() for number in range(12)]
        answer = self.http.post("/v1/observations?kind=positions", content=b"\n".join(lines))
        return answer.status_code == 200 and bool(answer.json()["accepted"] == 12)


def found(operator: Person) -> set[int]:
    """The cells in which units gathered, as people were told."""
    return {one["cell"] for one in operator.queue() if one["type"] == GATHER}


def state(town: Instance) -> Json:
    return next(one for one in town.told("capabilities", "list") if one["name"] == GATHER)


def told(town: Instance) -> list[tuple[str, str]]:
    """What it said of itself in the log: off or on, and why."""
    rows = town.asked(
        "select kind, convert_from(body, 'UTF8') as body from event where subject = 'capabilities' order by at"
    )
    bodies = [(row["kind"], json.loads(row["body"])) for row in rows if row["kind"].startswith("capability-o")]
    return [(kind, body["why"]) for kind, body in bodies if body["name"] == GATHER]


def test_it_finds_nothing_before_it_is_armed_nor_after_its_paper_ended_and_says_so(town: Instance) -> None:
    operator, crews = town.enrol("operator", "Aino"), Crews(town)
    until(lambda: crews.at(ELSEWHERE), "the units are known")
    paper = town.assessed(GATHER)
    drafted = state(town)
    armed = town.arm(GATHER)

    def gathered(cell: int) -> bool:
        crews.at(cell)
        return cell in found(operator)

    until(lambda: gathered(HERE), "it is at work")
    ended = time.monotonic()
    town.told("papers", "end", paper["id"], "--because", "It was wrong")
    until(lambda: told(town)[-1][1].startswith("its dpia DPIA units-gather ended"), "it says that it is off")
    late = time.monotonic() - ended
    until(lambda: settled(town), "no worker counts any more")
    for _ in range(5):
        assert crews.at(THERE)
        assert not gathered(THERE)
    off = state(town)
    new = town.assessed(GATHER)
    until(lambda: gathered(THERE), "it is at work again")

    assert (drafted["state"], armed["state"], off["state"]) == ("drafted", "armed", "lapsed")
    assert ELSEWHERE not in found(operator)
    assert late < MINUTE
    until(lambda: told(town)[-1] == ("capability-on@1", ""), "it says that it is on again")
    assert told(town)[-2][0] == "capability-off@1"
    assert new["id"] != paper["id"]


def settled(town: Instance) -> bool:
    """Whether every partition has worked off a tick that came after what was decided last counts."""
    rows = town.asked("select max(at) as at from event where subject in ('papers', 'capabilities')")
    ticked = town.asked("select min(ticked) as at from lease where stage = 'detect' and timeline = 'live'")
    return bool((ticked[0]["at"] or 0) > rows[0]["at"] + 6_000_000)


def test_a_replay_comes_to_the_same_and_a_restart_keeps_what_is_off(town: Instance) -> None:
    town.told("capabilities", "disarm", GATHER, "--because", "no need")
    until(lambda: settled(town), "it is off")
    town.keeper_again()
    report = until(
        lambda: (told := town.told("replay", "live", "--stage", "detect"))["compared"] and told,
        "what was found is archived",
    )

    assert (report["differences"], report["others"]) == (0, 0)
    assert state(town)["state"] == "disarmed"
    assert told(town)[-1] == ("capability-off@1", "it was disarmed")
