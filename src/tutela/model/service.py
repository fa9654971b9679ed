"""What residents can report (GeoReport's services): a code that detectors know, a name for people, and what stands under it."""

from __future__ import annotations

from .noun import Noun


class Service(Noun, frozen=True, kw_only=True):
    """One sort of problem. `code` is the `category` of a report; `name` and `says` are messages that are translated where they are shown."""

    code: str
    group: str
    name: str
    says: str


def N_(words: str) -> str:  # noqa: N802  gettext's own name for it
    """Mark words that are translated later, where they are shown."""
    return words


SERVICES = {
    one.code: one
    for one in (
        Service(
            code="Lighting: lamp out",
            group="Lighting",
            name=N_("Street light is out"),
            says=N_("A lamp that is dark, flickers or is damaged."),
        ),
        Service(
            code="Streets: pothole",
            group="Streets",
            name=N_("Hole in the road or pavement"),
            says=N_("A hole, a broken slab or a missing cover."),
        ),
        Service(
            code="Streets: ice",
            group="Streets",
            name=N_("Ice or snow"),
            says=N_("A way that was not cleared or gritted."),
        ),
        Service(
            code="Streets: blocked",
            group="Streets",
            name=N_("Something blocks the way"),
            says=N_("A way that a wheelchair or a pram can't pass."),
        ),
        Service(
            code="Trees: fallen tree",
            group="Trees",
            name=N_("Fallen tree or branch"),
            says=N_("A tree or branch that fell, or is about to."),
        ),
        Service(
            code="Water: leak",
            group="Water",
            name=N_("Water leak or flooding"),
            says=N_("Water that comes out of the ground, or does not drain."),
        ),
        Service(
            code="Signals: fault",
            group="Signals",
            name=N_("Traffic light or sign is broken"),
            says=N_("A signal that is dark or wrong, a sign that is gone."),
        ),
        Service(
            code="Waste: bin is full",
            group="Waste",
            name=N_("Full bin or litter"),
            says=N_("A bin that overflows, or waste that was dumped."),
        ),
        Service(
            code="Graffiti: wall",
            group="Graffiti",
            name=N_("Graffiti or damage"),
            says=N_("Something that was sprayed on or broken."),
        ),
        Service(
            code="Parking: on the pavement",
            group="Parking",
            name=N_("Vehicle in the way"),
            says=N_("A vehicle that stands where it must not. Leave out plates and names."),
        ),
        Service(code="Other", group="Other", name=N_("Something else"), says=N_("What fits nowhere above.")),
    )
}
"""All sorts, by code, in the order in which they are offered."""
