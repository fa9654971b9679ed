"""`tutela invite`: one more person can come in. Only whoever holds the machine can ask this way."""

from __future__ import annotations

from tutela.app.core import chance, core
from tutela.app.settings import Settings
from tutela.app.staff import staff
from tutela.model.people import Role


async def run(settings: Settings, role: Role) -> str:
    """A one-time code."""
    async with core(settings, "invite", connections=1) as inside:
        return await staff(inside, chance).invite_here(role, inside.install.city)
